// SPDX-License-Identifier: MIT
#include "frontends/fuse/nt_file.h"

#include <cstring>

#include "frontends/fuse/oplock.h"

namespace fsp::fuse {
namespace {

/// Handles are opened for asynchronous use, so that requests on one handle need not queue behind each other;
/// each thread waits on its own event.
class Wait
{
  public:
    Wait()
    {
        if (!event_) {
            HANDLE event = nullptr;
            NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, FALSE);
            event_ = NtHandle(event);
        }
    }

    HANDLE event() const { return event_.get(); }

    /// The final status of a request that returned `status`.
    NTSTATUS finish(NTSTATUS status)
    {
        if (status != STATUS_PENDING)
            return status;
        NtWaitForSingleObject(event_.get(), FALSE, nullptr);
        return io.Status;
    }

    IO_STATUS_BLOCK io{};

  private:
    static thread_local NtHandle event_;
};

thread_local NtHandle Wait::event_;

} // namespace

NTSTATUS open_file(HANDLE root, std::u16string_view path, const OpenRequest& request, NtHandle* handle)
{
    if (root)
        path.remove_prefix(1); // a name relative to the root has no leading backslash
    if (path.size() > UNICODE_STRING_MAX_CHARS)
        return STATUS_NAME_TOO_LONG;
    UNICODE_STRING name{USHORT(path.size() * sizeof(char16_t)), USHORT(path.size() * sizeof(char16_t)),
                        const_cast<char16_t*>(path.data())};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, 0, root, request.descriptor);
    IO_STATUS_BLOCK io;
    HANDLE opened = nullptr;
    // The one call of a kernel-mode client, for the oplock key; the access check is that of user mode all the
    // same.
    const NTSTATUS status = IoCreateFileEx(
        &opened, request.access | SYNCHRONIZE, &attributes, &io, nullptr, request.attributes,
        FILE_SHARE_VALID_FLAGS, request.disposition, request.options | FILE_OPEN_REPARSE_POINT, request.ea,
        request.ea_size, CreateFileTypeNone, nullptr, IO_FORCE_ACCESS_CHECK, oplock_key_context());
    if (NT_SUCCESS(status))
        *handle = NtHandle(opened);
    return status;
}

NTSTATUS read_file(HANDLE file, void* buffer, uint32_t size, uint64_t offset, uint32_t* done)
{
    Wait wait;
    LARGE_INTEGER at;
    at.QuadPart = LONGLONG(offset);
    // Zw: programs on Linux do not read in whole sectors, which is asked of unbuffered reads from user mode.
    const NTSTATUS status =
        wait.finish(ZwReadFile(file, wait.event(), nullptr, nullptr, &wait.io, buffer, size, &at, nullptr));
    *done = NT_SUCCESS(status) ? uint32_t(wait.io.Information) : 0;
    return status == STATUS_END_OF_FILE ? STATUS_SUCCESS : status;
}

NTSTATUS write_file(HANDLE file, const void* buffer, uint32_t size, uint64_t offset, uint32_t* done)
{
    Wait wait;
    LARGE_INTEGER at;
    at.QuadPart = LONGLONG(offset);
    if (offset == at_end_of_file) {
        at.HighPart = -1;
        at.LowPart = FILE_WRITE_TO_END_OF_FILE;
    }
    const NTSTATUS status = wait.finish(ZwWriteFile(file, wait.event(), nullptr, nullptr, &wait.io,
                                                    const_cast<void*>(buffer), size, &at, nullptr));
    *done = NT_SUCCESS(status) ? uint32_t(wait.io.Information) : 0;
    return status;
}

NTSTATUS query_file(HANDLE file, FILE_INFORMATION_CLASS what, void* buffer, size_t size, size_t* done)
{
    IO_STATUS_BLOCK io;
    io.Information = 0;
    const NTSTATUS status = ZwQueryInformationFile(file, &io, buffer, ULONG(size), what);
    if (done)
        *done = io.Information;
    return status;
}

NTSTATUS set_file(HANDLE file, FILE_INFORMATION_CLASS what, const void* buffer, size_t size)
{
    IO_STATUS_BLOCK io;
    // A rename opens its target, which must be checked.
    const bool names = what == FileRenameInformation || what == FileRenameInformationEx;
    return (names ? NtSetInformationFile : ZwSetInformationFile)(file, &io, const_cast<void*>(buffer),
                                                                 ULONG(size), what);
}

NTSTATUS query_volume(HANDLE file, FS_INFORMATION_CLASS what, void* buffer, size_t size)
{
    IO_STATUS_BLOCK io;
    return NtQueryVolumeInformationFile(file, &io, buffer, ULONG(size), what);
}

NTSTATUS query_directory(HANDLE directory, void* buffer, uint32_t size, bool restart, uint32_t* done)
{
    Wait wait;
    const NTSTATUS status = wait.finish(
        NtQueryDirectoryFile(directory, wait.event(), nullptr, nullptr, &wait.io, buffer, size,
                             FileIdBothDirectoryInformation, FALSE, nullptr, restart ? TRUE : FALSE));
    *done = NT_SUCCESS(status) ? uint32_t(wait.io.Information) : 0;
    return status;
}

NTSTATUS query_security(HANDLE file, SECURITY_INFORMATION what, void* buffer, ULONG size, ULONG* needed)
{
    return ZwQuerySecurityObject(file, what, buffer, size, needed);
}

NTSTATUS set_security(HANDLE file, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR descriptor)
{
    return ZwSetSecurityObject(file, what, descriptor);
}

NTSTATUS query_ea(HANDLE file, std::string_view name, void* buffer, ULONG size, ULONG* done)
{
    alignas(4) char list[sizeof(FILE_GET_EA_INFORMATION) + 256];
    ULONG list_size = 0;
    if (!name.empty()) {
        auto* entry = reinterpret_cast<FILE_GET_EA_INFORMATION*>(list);
        entry->NextEntryOffset = 0;
        entry->EaNameLength = UCHAR(name.size());
        std::memcpy(entry->EaName, name.data(), name.size());
        entry->EaName[name.size()] = 0;
        list_size = ULONG(offsetof(FILE_GET_EA_INFORMATION, EaName) + name.size() + 1);
    }
    IO_STATUS_BLOCK io;
    io.Information = 0;
    const NTSTATUS status =
        ZwQueryEaFile(file, &io, buffer, size, FALSE, list_size ? list : nullptr, list_size, nullptr, TRUE);
    *done = ULONG(io.Information);
    return status;
}

NTSTATUS set_ea(HANDLE file, void* buffer, ULONG size)
{
    IO_STATUS_BLOCK io;
    return ZwSetEaFile(file, &io, buffer, size);
}

NTSTATUS get_reparse(HANDLE file, void* buffer, ULONG size, ULONG* done)
{
    Wait wait;
    const NTSTATUS status = wait.finish(NtFsControlFile(file, wait.event(), nullptr, nullptr, &wait.io,
                                                        FSCTL_GET_REPARSE_POINT, nullptr, 0, buffer, size));
    *done = NT_SUCCESS(status) ? ULONG(wait.io.Information) : 0;
    return status;
}

NTSTATUS set_reparse(HANDLE file, const void* buffer, ULONG size)
{
    Wait wait;
    return wait.finish(NtFsControlFile(file, wait.event(), nullptr, nullptr, &wait.io,
                                       FSCTL_SET_REPARSE_POINT, const_cast<void*>(buffer), size, nullptr, 0));
}

NTSTATUS set_zero_data(HANDLE file, uint64_t from, uint64_t to)
{
    Wait wait;
    FILE_ZERO_DATA_INFORMATION range;
    range.FileOffset.QuadPart = LONGLONG(from);
    range.BeyondFinalZero.QuadPart = LONGLONG(to);
    return wait.finish(ZwFsControlFile(file, wait.event(), nullptr, nullptr, &wait.io, FSCTL_SET_ZERO_DATA,
                                       &range, sizeof range, nullptr, 0));
}

NTSTATUS next_data(HANDLE file, uint64_t from, uint64_t to, uint64_t* start, uint64_t* end)
{
    Wait wait;
    FILE_ALLOCATED_RANGE_BUFFER range, found{};
    range.FileOffset.QuadPart = LONGLONG(from);
    range.Length.QuadPart = LONGLONG(to - from);
    const NTSTATUS status = wait.finish(ZwFsControlFile(file, wait.event(), nullptr, nullptr, &wait.io,
                                                        FSCTL_QUERY_ALLOCATED_RANGES, &range, sizeof range,
                                                        &found, sizeof found));
    *start = uint64_t(found.FileOffset.QuadPart);
    *end = *start + uint64_t(found.Length.QuadPart);
    return status == STATUS_BUFFER_OVERFLOW ? STATUS_SUCCESS : status;
}

NTSTATUS flush_file(HANDLE file)
{
    IO_STATUS_BLOCK io;
    return NtFlushBuffersFile(file, &io);
}

NTSTATUS control_file(HANDLE file, ULONG code)
{
    IO_STATUS_BLOCK io;
    return NtDeviceIoControlFile(file, nullptr, nullptr, nullptr, &io, code, nullptr, 0, nullptr, 0);
}

} // namespace fsp::fuse
