// SPDX-License-Identifier: MIT
#include "nt_file.h"

#include <cstring>
#include <utility>

namespace conformance {

UNICODE_STRING text(std::u16string_view view)
{
    const auto bytes = static_cast<USHORT>(view.size() * sizeof(WCHAR));
    return {bytes, bytes, const_cast<PWSTR>(reinterpret_cast<const WCHAR*>(view.data()))};
}

File::File(const Open& open)
{
    UNICODE_STRING name = text(open.path);
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.RootDirectory = open.root;
    object.ObjectName = &name;
    object.Attributes = open.object_attributes;
    object.SecurityDescriptor = open.security;
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER allocation{};
    allocation.QuadPart = open.allocation;
    const NTSTATUS status =
        NtCreateFile(&handle_, open.access | (open.asynchronous ? 0 : SYNCHRONIZE), &object, &block,
                     open.allocation != 0 ? &allocation : nullptr, open.attributes, open.share,
                     open.disposition, open.options | (open.asynchronous ? 0 : FILE_SYNCHRONOUS_IO_NONALERT),
                     open.ea != nullptr ? const_cast<std::uint8_t*>(open.ea->data()) : nullptr,
                     open.ea != nullptr ? static_cast<ULONG>(open.ea->size()) : 0);
    take(status, block);
    if (!NT_SUCCESS(status))
        handle_ = nullptr;
}

File::File(File&& other) noexcept { *this = std::move(other); }

File& File::operator=(File&& other) noexcept
{
    if (this != &other) {
        close();
        handle_ = std::exchange(other.handle_, nullptr);
        status_ = other.status_;
        information_ = other.information_;
    }
    return *this;
}

NTSTATUS File::close()
{
    return handle_ != nullptr ? NtClose(std::exchange(handle_, nullptr)) : STATUS_INVALID_HANDLE;
}

void File::take(NTSTATUS status, const IO_STATUS_BLOCK& block)
{
    status_ = status;
    information_ = NT_ERROR(status) ? 0 : block.Information;
}

NTSTATUS File::write(UINT64 offset, std::string_view data)
{
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER at;
    at.QuadPart = static_cast<INT64>(offset);
    take(NtWriteFile(handle_, nullptr, nullptr, nullptr, &block, const_cast<char*>(data.data()),
                     static_cast<ULONG>(data.size()), &at, nullptr),
         block);
    return status_;
}

std::string File::read(UINT64 offset, ULONG length)
{
    std::string data(length, '\xEE');
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER at;
    at.QuadPart = static_cast<INT64>(offset);
    take(NtReadFile(handle_, nullptr, nullptr, nullptr, &block, data.data(), length, &at, nullptr), block);
    data.resize(NT_SUCCESS(status_) ? information_ : 0);
    return data;
}

NTSTATUS File::flush()
{
    IO_STATUS_BLOCK block{};
    take(NtFlushBuffersFile(handle_, &block), block);
    return status_;
}

NTSTATUS File::query(FILE_INFORMATION_CLASS what, void* buffer, ULONG length)
{
    IO_STATUS_BLOCK block{};
    take(NtQueryInformationFile(handle_, &block, buffer, length, what), block);
    return status_;
}

NTSTATUS File::set(FILE_INFORMATION_CLASS what, const void* buffer, ULONG length)
{
    IO_STATUS_BLOCK block{};
    take(NtSetInformationFile(handle_, &block, const_cast<void*>(buffer), length, what), block);
    return status_;
}

NTSTATUS File::set_end_of_file(INT64 size)
{
    FILE_END_OF_FILE_INFORMATION info{};
    info.EndOfFile.QuadPart = size;
    return set(FileEndOfFileInformation, &info, sizeof info);
}

NTSTATUS File::dispose(bool remove)
{
    FILE_DISPOSITION_INFORMATION info{};
    info.DeleteFile = remove;
    return set(FileDispositionInformation, &info, sizeof info);
}

NTSTATUS File::dispose_ex(ULONG flags)
{
    FILE_DISPOSITION_INFORMATION_EX info{};
    info.Flags = flags;
    return set(FileDispositionInformationEx, &info, sizeof info);
}

namespace {

/// FILE_RENAME_INFORMATION and its Ex form share the layout; Flags overlays ReplaceIfExists.
std::vector<std::uint8_t> rename_information(std::u16string_view to, ULONG flags, HANDLE root)
{
    std::vector<std::uint8_t> buffer(sizeof(FILE_RENAME_INFORMATION) + to.size() * sizeof(WCHAR));
    auto* info = reinterpret_cast<FILE_RENAME_INFORMATION*>(buffer.data());
    std::memcpy(info, &flags, sizeof flags);
    info->RootDirectory = root;
    info->FileNameLength = static_cast<ULONG>(to.size() * sizeof(WCHAR));
    std::memcpy(info->FileName, to.data(), info->FileNameLength);
    return buffer;
}

} // namespace

NTSTATUS File::rename(std::u16string_view to, bool replace, HANDLE root)
{
    const auto info = rename_information(to, replace, root);
    return set(FileRenameInformation, info.data(), static_cast<ULONG>(info.size()));
}

NTSTATUS File::rename_ex(std::u16string_view to, ULONG flags)
{
    const auto info = rename_information(to, flags, nullptr);
    return set(FileRenameInformationEx, info.data(), static_cast<ULONG>(info.size()));
}

std::vector<Entry> File::entries(std::u16string_view pattern, ULONG buffer_size)
{
    std::vector<Entry> entries;
    std::vector<std::uint64_t> buffer((buffer_size + 7) / 8);
    UNICODE_STRING name = text(pattern);
    for (BOOLEAN restart = TRUE;; restart = FALSE) {
        IO_STATUS_BLOCK block{};
        take(NtQueryDirectoryFile(handle_, nullptr, nullptr, nullptr, &block, buffer.data(), buffer_size,
                                  FileIdBothDirectoryInformation, FALSE, &name, restart),
             block);
        if (status_ != STATUS_SUCCESS)
            return entries;
        const auto* at = reinterpret_cast<const std::uint8_t*>(buffer.data());
        for (;;) {
            const auto* entry = reinterpret_cast<const FILE_ID_BOTH_DIR_INFORMATION*>(at);
            entries.push_back({text_of(entry->FileName, entry->FileNameLength), entry->FileAttributes});
            if (entry->NextEntryOffset == 0)
                break;
            at += entry->NextEntryOffset;
        }
    }
}

std::vector<std::u16string> File::list(std::u16string_view pattern, ULONG buffer_size)
{
    std::vector<std::u16string> names;
    for (Entry& entry : entries(pattern, buffer_size))
        names.push_back(std::move(entry.name));
    return names;
}

NTSTATUS File::control(ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size)
{
    IO_STATUS_BLOCK block{};
    take(NtFsControlFile(handle_, nullptr, nullptr, nullptr, &block, code, const_cast<void*>(in), in_size,
                         out, out_size),
         block);
    return status_;
}

} // namespace conformance
