// SPDX-License-Identifier: MIT
#include "dll/fuse/attributes.h"

#include "dll/fuse/handle.h"
#include "dll/fuse/native_operations.h"

namespace fsp::winfuse {
namespace {

constexpr size_t names_capacity = 3072; // bytes, of listxattr

/// The names that listxattr gives.
class Names
{
  public:
    Names(const fuse& f, const char* path) : result_(f.on.listxattr(path, names_, sizeof names_ - 1))
    {
        // Whatever the program says, names end inside the buffer.
        size_ = result_ > 0 ? static_cast<size_t>(result_) : 0;
        if (size_ > sizeof names_ - 1)
            size_ = sizeof names_ - 1;
        names_[size_] = 0;
    }

    int result() const { return result_; }
    const char* begin() const { return names_; }
    const char* end() const { return names_ + size_; }

  private:
    char names_[names_capacity];
    const int result_;
    size_t size_;
};

const char* after(const char* name) { return name + std::strlen(name) + 1; }

struct Target
{
    const fuse& f;
    const char* path;
};

NTSTATUS set_one(FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION ea)
{
    const auto& target = *static_cast<const Target*>(context);
    const fuse_operations& on = target.f.on;
    const char* const name = ea->EaName; // terminated: the driver has checked the list
    if (ea->EaValueLength != 0)
        return status_of(target.f.env,
                         on.setxattr(target.path, name, name + ea->EaNameLength + 1, ea->EaValueLength, 0));
    on.removexattr(target.path, name);
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS set_attributes(fuse& f, const char* path, PFILE_FULL_EA_INFORMATION list, ULONG length)
{
    Target target{f, path};
    return FspFileSystemEnumerateEa(f.native, set_one, &target, list, length);
}

NTSTATUS set_new_attributes(fuse& f, const char* path, PFILE_FULL_EA_INFORMATION list, ULONG length)
{
    const NTSTATUS status = set_attributes(f, path, list, length);
    return status == STATUS_INVALID_DEVICE_REQUEST ? STATUS_SUCCESS : status;
}

void remove_all_attributes(const fuse& f, const char* path)
{
    const Names names(f, path);
    for (const char* name = names.begin(); name < names.end(); name = after(name))
        f.on.removexattr(path, name);
}

namespace native {

NTSTATUS get_ea(FSP_FILE_SYSTEM* fs, PVOID context, PFILE_FULL_EA_INFORMATION list, ULONG length,
                PULONG transferred)
{
    fuse& f = of(fs);
    const char* const path = static_cast<Handle*>(context)->path();
    if (f.on.listxattr == nullptr || f.on.getxattr == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const Names names(f, path);
    if (names.result() < 0)
        return status_of(f.env, names.result());

    constexpr ULONG header = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName), length_max = 0xFFFF;
    PFILE_FULL_EA_INFORMATION last = nullptr;
    ULONG used = 0;
    for (const char* name = names.begin(); name < names.end(); name = after(name)) {
        const size_t name_length = std::strlen(name);
        const ULONG offset = (used + 3) & ~3u;
        const ULONG head = header + static_cast<ULONG>(name_length) + 1;
        if (name_length == 0 || name_length > 255)
            continue;
        if (offset + head >= length) // no byte for a value
            break;
        auto* ea = reinterpret_cast<PFILE_FULL_EA_INFORMATION>(reinterpret_cast<PUINT8>(list) + offset);
        const ULONG room = length - offset - head < length_max ? length - offset - head : length_max;
        char* const value = ea->EaName + name_length + 1;
        const int size = f.on.getxattr(path, name, value, room);
        if (size <= 0 || static_cast<ULONG>(size) > room)
            continue;
        ea->NextEntryOffset = 0;
        ea->Flags = 0;
        ea->EaNameLength = static_cast<UCHAR>(name_length);
        ea->EaValueLength = static_cast<USHORT>(size);
        std::memcpy(ea->EaName, name, name_length + 1);
        if (last != nullptr)
            last->NextEntryOffset =
                static_cast<ULONG>(reinterpret_cast<PUINT8>(ea) - reinterpret_cast<PUINT8>(last));
        last = ea;
        used = offset + head + static_cast<ULONG>(size);
    }
    *transferred = used;
    return STATUS_SUCCESS;
}

NTSTATUS set_ea(FSP_FILE_SYSTEM* fs, PVOID context, PFILE_FULL_EA_INFORMATION list, ULONG length,
                FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (f.on.setxattr == nullptr || f.on.removexattr == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const NTSTATUS status = set_attributes(f, handle.path(), list, length);
    return NT_SUCCESS(status) ? winfuse::get_file_info(f, handle, out) : status;
}

} // namespace native
} // namespace fsp::winfuse
