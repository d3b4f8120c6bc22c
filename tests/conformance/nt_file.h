// SPDX-License-Identifier: MIT
#pragma once

#include <ntifs.h>

#include <string>
#include <string_view>
#include <vector>

namespace conformance {

constexpr ULONG share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// An NT handle and the calls on it that the tests make. Handles are synchronous.
class File
{
  public:
    File() = default;
    /// NtCreateFile; FILE_SYNCHRONOUS_IO_NONALERT and SYNCHRONIZE are added.
    File(std::u16string_view path, ACCESS_MASK access, ULONG disposition, ULONG options = 0,
         ULONG share = share_all, ULONG attributes = 0, HANDLE root = nullptr,
         PSECURITY_DESCRIPTOR security = nullptr);
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    ~File() { close(); }

    NTSTATUS close();
    [[nodiscard]] HANDLE handle() const { return handle_; }
    /// Of the open, and of what the latest call left in the status block.
    [[nodiscard]] NTSTATUS status() const { return status_; }
    [[nodiscard]] ULONG_PTR information() const { return information_; }

    NTSTATUS write(UINT64 offset, std::string_view data);
    /// The bytes read; status() tells the rest.
    std::string read(UINT64 offset, ULONG length);
    NTSTATUS flush();

    NTSTATUS query(FILE_INFORMATION_CLASS what, void* buffer, ULONG length);
    NTSTATUS set(FILE_INFORMATION_CLASS what, const void* buffer, ULONG length);
    template<class T> T get(FILE_INFORMATION_CLASS what)
    {
        T value{};
        query(what, &value, sizeof value);
        return value;
    }
    NTSTATUS set_end_of_file(INT64 size);
    NTSTATUS dispose(bool remove);
    NTSTATUS dispose_ex(ULONG flags);
    /// `to` is a whole path or, with a root, a name in it.
    NTSTATUS rename(std::u16string_view to, bool replace, HANDLE root = nullptr);
    NTSTATUS rename_ex(std::u16string_view to, ULONG flags);

    /// All names that a listing with this pattern gives, `.` and `..` included; buffer_size bytes at a time.
    std::vector<std::u16string> list(std::u16string_view pattern = u"*", ULONG buffer_size = 4096);

    NTSTATUS control(ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size);

  private:
    void take(NTSTATUS status, const IO_STATUS_BLOCK& block);

    HANDLE handle_ = nullptr;
    NTSTATUS status_ = STATUS_INVALID_HANDLE;
    ULONG_PTR information_ = 0;
};

UNICODE_STRING text(std::u16string_view view);

} // namespace conformance
