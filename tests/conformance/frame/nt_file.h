// SPDX-License-Identifier: MIT
#pragma once

#include "nt.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

constexpr ULONG share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// Arguments of NtCreateFile; what is not named is as below.
struct Open
{
    std::u16string_view path;
    ACCESS_MASK access = FILE_READ_ATTRIBUTES;
    ULONG disposition = FILE_OPEN;
    ULONG options = 0;
    ULONG share = share_all;
    ULONG attributes = 0;
    HANDLE root = nullptr;
    PSECURITY_DESCRIPTOR security = nullptr;
    const std::vector<std::uint8_t>* ea = nullptr;
    INT64 allocation = 0; // bytes
    /// Without FILE_SYNCHRONOUS_IO_NONALERT and SYNCHRONIZE, which are added otherwise.
    bool asynchronous = false;
    ULONG object_attributes = OBJ_CASE_INSENSITIVE;
};

/// Of a directory.
struct Entry
{
    std::u16string name;
    ULONG attributes;
};

/// An NT handle and the calls on it that the tests make. The calls want a synchronous handle.
class File
{
  public:
    File() = default;
    explicit File(const Open& open);
    File(std::u16string_view path, ACCESS_MASK access, ULONG disposition, ULONG options = 0,
         ULONG share = share_all, ULONG attributes = 0, HANDLE root = nullptr,
         PSECURITY_DESCRIPTOR security = nullptr)
        : File(Open{.path = path,
                    .access = access,
                    .disposition = disposition,
                    .options = options,
                    .share = share,
                    .attributes = attributes,
                    .root = root,
                    .security = security})
    {}
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

    /// All that a listing with this pattern gives, `.` and `..` included; buffer_size bytes at a time.
    std::vector<Entry> entries(std::u16string_view pattern = u"*", ULONG buffer_size = 65536);
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

/// The text in WCHARs of a structure, which are wchar_t on Windows.
inline std::u16string text_of(const WCHAR* units, std::size_t bytes)
{
    return {reinterpret_cast<const char16_t*>(units), bytes / sizeof(WCHAR)};
}
inline std::u16string name_of(const FILE_NAME_INFORMATION& info)
{
    return text_of(info.FileName, info.FileNameLength);
}

} // namespace conformance
