// SPDX-License-Identifier: MIT
//
// The calls to the driver, as a client of the NT interface. Every call waits for its end; buffers belong to
// the caller.
//
// What an application may do is decided when a handle is opened. What is done with an open handle is none of
// its rights any more (Zw): the times of a file that was written, anything that Linux allows by the mode
// alone with a file that has lost its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <ntifs.h>

namespace fsp::fuse {

/// An owned handle.
class NtHandle
{
  public:
    NtHandle() = default;
    explicit NtHandle(HANDLE handle) : handle_(handle) {}
    NtHandle(NtHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    NtHandle& operator=(NtHandle&& other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~NtHandle() { reset(); }

    HANDLE get() const { return handle_; }
    explicit operator bool() const { return handle_ != nullptr; }
    void reset()
    {
        if (handle_)
            NtClose(std::exchange(handle_, nullptr));
    }

  private:
    HANDLE handle_ = nullptr;
};

struct OpenRequest
{
    ACCESS_MASK access = 0;
    ULONG disposition = FILE_OPEN;
    ULONG options = 0;
    ULONG attributes = 0;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    void* ea = nullptr;
    ULONG ea_size = 0;
};

/// Opens "\a\b" on a volume with the identity of the current thread; reparse points are opened themselves and
/// nothing is denied to others.
/// @param root handle of the volume's root directory, or null with a full path
NTSTATUS open_file(HANDLE root, std::u16string_view path, const OpenRequest& request, NtHandle* handle);

/// @return bytes in *done; STATUS_END_OF_FILE is success with none
NTSTATUS read_file(HANDLE file, void* buffer, uint32_t size, uint64_t offset, uint32_t* done);

constexpr uint64_t at_end_of_file = ~uint64_t(0);
NTSTATUS write_file(HANDLE file, const void* buffer, uint32_t size, uint64_t offset, uint32_t* done);

NTSTATUS query_file(HANDLE file, FILE_INFORMATION_CLASS what, void* buffer, size_t size,
                    size_t* done = nullptr);
NTSTATUS set_file(HANDLE file, FILE_INFORMATION_CLASS what, const void* buffer, size_t size);
NTSTATUS query_volume(HANDLE file, FS_INFORMATION_CLASS what, void* buffer, size_t size);

NTSTATUS query_directory(HANDLE directory, void* buffer, uint32_t size, bool restart, uint32_t* done);

NTSTATUS query_security(HANDLE file, SECURITY_INFORMATION what, void* buffer, ULONG size, ULONG* needed);
NTSTATUS set_security(HANDLE file, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR descriptor);

/// @param name null: all EAs
NTSTATUS query_ea(HANDLE file, std::string_view name, void* buffer, ULONG size, ULONG* done);
NTSTATUS set_ea(HANDLE file, void* buffer, ULONG size);

NTSTATUS get_reparse(HANDLE file, void* buffer, ULONG size, ULONG* done);
NTSTATUS set_reparse(HANDLE file, const void* buffer, ULONG size);

/// Makes [from, to) a hole as far as the file reaches; STATUS_INVALID_DEVICE_REQUEST if the file system has
/// none.
NTSTATUS set_zero_data(HANDLE file, uint64_t from, uint64_t to);

/// The first piece of data in [from, to); empty (start == end) if it is a hole. If the file system has no
/// holes STATUS_INVALID_DEVICE_REQUEST.
NTSTATUS next_data(HANDLE file, uint64_t from, uint64_t to, uint64_t* start, uint64_t* end);

NTSTATUS flush_file(HANDLE file);

/// DeviceIoControl without buffers.
NTSTATUS control_file(HANDLE file, ULONG code);

} // namespace fsp::fuse
