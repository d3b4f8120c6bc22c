// SPDX-License-Identifier: MIT
//
// The bytes of files, and what a program does on demand.
#include <algorithm>

#include "dll/fuse/handle.h"
#include "dll/fuse/native_operations.h"

namespace fsp::winfuse {

NTSTATUS truncate(const fuse& f, const Handle& handle, UINT64 size)
{
    fuse_file_info info = handle.info();
    if (f.on.ftruncate != nullptr)
        return status_of(f.env, f.on.ftruncate(handle.path(), static_cast<fuse_off_t>(size), &info));
    if (f.on.truncate != nullptr)
        return status_of(f.env, f.on.truncate(handle.path(), static_cast<fuse_off_t>(size)));
    return STATUS_INVALID_DEVICE_REQUEST;
}

namespace {

void put_size(const fuse& f, UINT64 size, FSP_FSCTL_FILE_INFO* out)
{
    out->FileSize = size;
    out->AllocationSize = round_to_allocation_unit(f, size);
}

} // namespace

namespace native {

NTSTATUS read(FSP_FILE_SYSTEM* fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length,
              PULONG transferred)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (!handle.is_file())
        return STATUS_ACCESS_DENIED;
    if (f.on.read == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    fuse_file_info info = handle.info();
    const int result =
        f.on.read(handle.path(), static_cast<char*>(buffer), length, static_cast<fuse_off_t>(offset), &info);
    if (result < 0)
        return status_of(f.env, result);
    *transferred = std::min(static_cast<ULONG>(result), length);
    return result != 0 ? STATUS_SUCCESS : STATUS_END_OF_FILE;
}

NTSTATUS write(FSP_FILE_SYSTEM* fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN to_end,
               BOOLEAN constrained, PULONG transferred, FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (!handle.is_file())
        return STATUS_ACCESS_DENIED;
    if (f.on.write == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const NTSTATUS status = winfuse::get_file_info(f, handle, out);
    if (status != STATUS_SUCCESS)
        return status;
    if (constrained) {
        if (offset >= out->FileSize) {
            *transferred = 0;
            return STATUS_SUCCESS;
        }
        length = static_cast<ULONG>(std::min<UINT64>(length, out->FileSize - offset));
    } else if (to_end)
        offset = out->FileSize;
    fuse_file_info info = handle.info();
    const int result = f.on.write(handle.path(), static_cast<const char*>(buffer), length,
                                  static_cast<fuse_off_t>(offset), &info);
    if (result < 0)
        return status_of(f.env, result);
    *transferred = std::min(static_cast<ULONG>(result), length);
    put_size(f, std::max(out->FileSize, offset + *transferred), out);
    return STATUS_SUCCESS;
}

NTSTATUS flush(FSP_FILE_SYSTEM* fs, PVOID context, FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    if (context == nullptr) // the volume
        return STATUS_SUCCESS;
    auto& handle = *static_cast<Handle*>(context);
    if (handle.reparse)
        return STATUS_ACCESS_DENIED;
    fuse_file_info info = handle.info();
    const auto syncs = handle.directory ? f.on.fsyncdir : f.on.fsync;
    if (syncs != nullptr)
        if (const int result = syncs(handle.path(), 0, &info))
            return status_of(f.env, result);
    return winfuse::get_file_info(f, handle, out);
}

NTSTATUS set_file_size(FSP_FILE_SYSTEM* fs, PVOID context, UINT64 size, BOOLEAN allocation,
                       FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (!handle.is_file())
        return STATUS_ACCESS_DENIED;
    if (f.on.ftruncate == nullptr && f.on.truncate == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = winfuse::get_file_info(f, handle, out);
    if (status != STATUS_SUCCESS || (allocation && size >= out->FileSize))
        return status;
    status = truncate(f, handle, size);
    if (NT_SUCCESS(status))
        put_size(f, size, out);
    return status;
}

NTSTATUS control(FSP_FILE_SYSTEM* fs, PVOID context, UINT32 code, PVOID in, ULONG in_length, PVOID out,
                 ULONG out_length, PULONG transferred)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    *transferred = 0;
    if (f.on.ioctl == nullptr || code >> 16 != FSP_FUSE_DEVICE_TYPE ||
        (in_length != 0 && out_length != 0 && in_length != out_length))
        return STATUS_INVALID_DEVICE_REQUEST;
    // FSP_FUSE_IOCTL, without its shift into the sign.
    const UINT32 command = UINT32{out_length != 0} << 31 | UINT32{in_length != 0} << 30 |
                           (in_length | out_length) << 16 | (code >> 2 & 0xFFF);
    if (out_length != 0 && in_length != 0)
        std::memcpy(out, in, in_length);
    fuse_file_info info = handle.info();
    const int result =
        f.on.ioctl(handle.path(), static_cast<int>(command), nullptr, &info, 0, out_length != 0 ? out : in);
    if (result != 0)
        return status_of(f.env, result);
    *transferred = out_length;
    return STATUS_SUCCESS;
}

} // namespace native
} // namespace fsp::winfuse
