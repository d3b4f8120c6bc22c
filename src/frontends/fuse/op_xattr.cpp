// SPDX-License-Identifier: MIT
//
// Extended attributes: user.* are EAs; Linux' other namespaces have no place on a volume.
#include <cerrno>
#include <cstring>

#include <sys/xattr.h>

#include "frontends/fuse/ea_names.h"
#include "frontends/fuse/operations.h"
#include "frontends/fuse/times.h"

namespace fsp::fuse {
namespace {

constexpr size_t ea_header = offsetof(FILE_FULL_EA_INFORMATION, EaName);

/// All EAs of a file.
constexpr size_t ea_set_max = 64 * 1024 + 512;

/// A request to the driver has a limit, and the EAs travel in one.
constexpr size_t value_max = 15 * 1024;

/// @return 0 and the EA's name, or an errno
int ea_name_of(const Request& request, const char* name, std::string* out)
{
    constexpr size_t prefix = sizeof user_prefix - 1;
    if (std::strcmp(name, user_prefix) == 0)
        return EINVAL;
    if (std::strncmp(name, user_prefix, prefix) != 0 || !request.session().traits().extended_attributes)
        return EOPNOTSUPP;
    *out = to_ea_name(name + prefix);
    return out->empty() || out->size() + empty_suffix.size() > ea_name_max ? ERANGE : 0;
}

/// The value of one EA; STATUS_NONEXISTENT_EA_ENTRY if the file has none of the name.
NTSTATUS read_ea(HANDLE file, const std::string& name, std::string* value)
{
    static thread_local std::unique_ptr<uint32_t[]> buffer(new uint32_t[ea_set_max / 4]);
    ULONG size = 0;
    const NTSTATUS status = query_ea(file, name, buffer.get(), ea_set_max, &size);
    if (status == STATUS_NO_EAS_ON_FILE)
        return STATUS_NONEXISTENT_EA_ENTRY;
    if (!NT_SUCCESS(status))
        return status;
    const auto* ea = reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(buffer.get());
    if (size < ea_header || ea->EaValueLength == 0)
        return STATUS_NONEXISTENT_EA_ENTRY;
    value->assign(ea->EaName + ea->EaNameLength + 1, ea->EaValueLength);
    return STATUS_SUCCESS;
}

/// The value of an attribute in either of its forms.
NTSTATUS read_attribute(HANDLE file, const std::string& name, std::string* value)
{
    NTSTATUS status = read_ea(file, name, value);
    if (status == STATUS_NONEXISTENT_EA_ENTRY) {
        status = read_ea(file, name + std::string(empty_suffix), value);
        value->clear();
    }
    return status;
}

int errno_of(NTSTATUS status)
{
    switch (status) {
    case STATUS_NONEXISTENT_EA_ENTRY:
    case STATUS_NO_EAS_ON_FILE:
        return ENODATA;
    case STATUS_EA_TOO_LARGE:
    case STATUS_INSUFFICIENT_RESOURCES:
        return ENOSPC;
    case STATUS_EAS_NOT_SUPPORTED:
    case STATUS_INVALID_DEVICE_REQUEST:
        return EOPNOTSUPP;
    default:
        return to_errno(status);
    }
}

class EaList
{
  public:
    void add(const std::string& name, const void* value, size_t size)
    {
        const size_t start = (bytes_.size() + 3) & ~size_t(3);
        if (!bytes_.empty())
            reinterpret_cast<FILE_FULL_EA_INFORMATION*>(bytes_.data() + last_)->NextEntryOffset =
                ULONG(start - last_);
        last_ = start;
        bytes_.resize(start + ea_header + name.size() + 1 + size);
        auto* ea = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(bytes_.data() + start);
        ea->EaNameLength = UCHAR(name.size());
        ea->EaValueLength = USHORT(size);
        std::memcpy(ea->EaName, name.c_str(), name.size() + 1);
        if (size != 0)
            std::memcpy(ea->EaName + name.size() + 1, value, size);
    }

    void* data() { return bytes_.data(); }
    ULONG size() const { return ULONG(bytes_.size()); }

  private:
    std::vector<uint8_t> bytes_;
    size_t last_ = 0;
};

NTSTATUS access_for_reading(Request& request, fuse_ino_t number, Access* out)
{
    OpenRequest what;
    what.access = FILE_READ_EA;
    return request.access(request.inode(number), what, out);
}

/// To Linux a user.* attribute is content: who may write the file may set it. To NT it is a right of its own,
/// which only the owner has from a mode.
NTSTATUS access_for_writing(Request& request, fuse_ino_t number, Access* out)
{
    Inode& inode = request.inode(number);
    OpenRequest what;
    what.access = FILE_READ_EA | FILE_WRITE_EA;
    NTSTATUS status = request.access(inode, what, out);
    if (status != STATUS_ACCESS_DENIED)
        return status;
    OpenRequest content;
    content.access = FILE_WRITE_DATA;
    status = request.access(inode, content, out);
    if (!NT_SUCCESS(status))
        return status;
    request.impersonate_system();
    what.options |= FILE_OPEN_FOR_BACKUP_INTENT;
    return request.access(inode, what, out);
}

/// Changes attributes and the time of change, which the driver otherwise sets when the handle closes.
NTSTATUS change(Inode& inode, Access& access, EaList& list)
{
    const std::lock_guard guard(inode.times);
    const NTSTATUS status = set_ea(access.get(), list.data(), list.size());
    if (!NT_SUCCESS(status))
        return status;
    FILE_BASIC_INFORMATION basic{};
    basic.LastAccessTime.QuadPart = keep_time;
    basic.ChangeTime.QuadPart = nt_now();
    set_file(access.get(), FileBasicInformation, &basic, sizeof basic);
    return status;
}

void setxattr(fuse_req_t handle, fuse_ino_t number, const char* name, const char* value, size_t size,
              int flags)
{
    Request request(handle);
    std::string ea_name;
    if (const int error = ea_name_of(request, name, &ea_name))
        return void(request.fail(error));
    if (size > value_max)
        return void(request.fail(E2BIG));

    Access access;
    NTSTATUS status = access_for_writing(request, number, &access);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    std::string before;
    status = read_attribute(access.get(), ea_name, &before);
    const bool exists = NT_SUCCESS(status);
    if (!exists && status != STATUS_NONEXISTENT_EA_ENTRY)
        return void(request.fail(errno_of(status)));
    if (exists && (flags & XATTR_CREATE))
        return void(request.fail(EEXIST));
    if (!exists && (flags & XATTR_REPLACE))
        return void(request.fail(ENODATA));

    const std::string empty_name = ea_name + std::string(empty_suffix);
    EaList list;
    if (exists && before.empty() != (size == 0))
        list.add(size == 0 ? ea_name : empty_name, nullptr, 0); // the other form goes
    if (size == 0)
        list.add(empty_name, "", 1);
    else
        list.add(ea_name, value, size);
    status = change(request.inode(number), access, list);
    if (status == STATUS_INVALID_PARAMETER)
        return void(request.fail(ENOSPC)); // more than a request can carry
    request.fail(NT_SUCCESS(status) ? 0 : errno_of(status));
}

void getxattr(fuse_req_t handle, fuse_ino_t number, const char* name, size_t size)
{
    Request request(handle);
    std::string ea_name;
    if (const int error = ea_name_of(request, name, &ea_name))
        return void(request.fail(error == ERANGE ? ENODATA : error));
    Access access;
    std::string value;
    NTSTATUS status = access_for_reading(request, number, &access);
    if (NT_SUCCESS(status))
        status = read_attribute(access.get(), ea_name, &value);
    if (!NT_SUCCESS(status))
        return void(request.fail(errno_of(status)));
    if (size == 0)
        return void(request.xattr_size(value.size()));
    if (value.size() > size)
        return void(request.fail(ERANGE));
    request.bytes(value.data(), value.size());
}

NTSTATUS list_names(HANDLE file, std::string* out)
{
    std::unique_ptr<uint32_t[]> buffer(new uint32_t[ea_set_max / 4]);
    ULONG size = 0;
    const NTSTATUS status = query_ea(file, {}, buffer.get(), ea_set_max, &size);
    if (status == STATUS_NO_EAS_ON_FILE || status == STATUS_NO_MORE_EAS)
        return STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status;
    const auto* bytes = reinterpret_cast<const uint8_t*>(buffer.get());
    for (size_t at = 0; at + ea_header <= size;) {
        const auto* ea = reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(bytes + at);
        std::string_view raw(ea->EaName, ea->EaNameLength);
        if (raw.ends_with(empty_suffix))
            raw.remove_suffix(empty_suffix.size());
        if (const std::string name = from_ea_name(raw); !name.empty()) {
            out->append(user_prefix).append(name);
            out->push_back(0);
        }
        if (ea->NextEntryOffset == 0)
            break;
        at += ea->NextEntryOffset;
    }
    return STATUS_SUCCESS;
}

void listxattr(fuse_req_t handle, fuse_ino_t number, size_t size)
{
    Request request(handle);
    std::string names;
    if (request.session().traits().extended_attributes) {
        Access access;
        NTSTATUS status = request.access_attributes(request.inode(number), &access);
        Attributes attributes;
        if (NT_SUCCESS(status))
            status = query_basic(access.get(), &attributes);
        if (NT_SUCCESS(status) && attributes.ea_size != 0)
            status = list_names(access.get(), &names);
        if (!NT_SUCCESS(status))
            return void(request.fail(errno_of(status)));
    }
    if (size == 0)
        return void(request.xattr_size(names.size()));
    if (names.size() > size)
        return void(request.fail(ERANGE));
    request.bytes(names.data(), names.size());
}

void removexattr(fuse_req_t handle, fuse_ino_t number, const char* name)
{
    Request request(handle);
    std::string ea_name;
    if (const int error = ea_name_of(request, name, &ea_name))
        return void(request.fail(error == ERANGE ? ENODATA : error));
    Access access;
    std::string value;
    NTSTATUS status = access_for_writing(request, number, &access);
    if (NT_SUCCESS(status))
        status = read_attribute(access.get(), ea_name, &value);
    if (NT_SUCCESS(status)) {
        EaList list;
        list.add(value.empty() ? ea_name + std::string(empty_suffix) : ea_name, nullptr, 0);
        status = change(request.inode(number), access, list);
    }
    request.fail(NT_SUCCESS(status) ? 0 : errno_of(status));
}

} // namespace

void add_xattr_operations(fuse_lowlevel_ops& operations)
{
    operations.setxattr = setxattr;
    operations.getxattr = getxattr;
    operations.listxattr = listxattr;
    operations.removexattr = removexattr;
}

} // namespace fsp::fuse
