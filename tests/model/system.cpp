// SPDX-License-Identifier: MIT
#include "model/system.h"

#include <cstring>
#include <set>

namespace fsp::model {

namespace {

memfs::Options options()
{
    memfs::Options o;
    o.max_nodes = 1000;
    return o;
}

} // namespace

System::System(unsigned threads) : volume_(options(), threads) {}
System::~System() = default;

Outcome System::perform(const Operation& o)
{
    if (o.kind == Kind::open)
        return open(o);
    if (handles_[static_cast<size_t>(o.slot)].value == nullptr)
        return {STATUS_INVALID_HANDLE, {}};
    switch (o.kind) {
    case Kind::close:
        return {handles_[static_cast<size_t>(o.slot)].close(), {}};
    case Kind::read:
        return read(o);
    case Kind::write:
        return {write(o), {}};
    case Kind::set_end: {
        FILE_END_OF_FILE_INFORMATION info{};
        info.EndOfFile.QuadPart = o.offset;
        return {set(o, FileEndOfFileInformation, info), {}};
    }
    case Kind::set_allocation: {
        FILE_ALLOCATION_INFORMATION info{};
        info.AllocationSize.QuadPart = o.offset;
        return {set(o, FileAllocationInformation, info), {}};
    }
    case Kind::set_read_only: {
        FILE_BASIC_INFORMATION info{};
        info.FileAttributes = o.flags ? FILE_ATTRIBUTE_READONLY : FILE_ATTRIBUTE_NORMAL;
        return {set(o, FileBasicInformation, info), {}};
    }
    case Kind::dispose:
        return {set(o, FileDispositionInformation, FILE_DISPOSITION_INFORMATION{o.flags != 0}), {}};
    case Kind::dispose_ex:
        return {set(o, FileDispositionInformationEx, FILE_DISPOSITION_INFORMATION_EX{o.flags}), {}};
    case Kind::rename:
    case Kind::rename_ex:
        return {rename(o), {}};
    case Kind::stat:
        return stat(o);
    default:
        return list(o);
    }
}

Outcome System::open(const Operation& o)
{
    Handle& handle = handles_[static_cast<size_t>(o.slot)];
    handle.close();
    const std::u16string path = volume_.device() + paths()[static_cast<size_t>(o.path)];
    UNICODE_STRING name = test::text(path);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    IO_STATUS_BLOCK iosb{};
    const NTSTATUS status = NtCreateFile(&handle.value, o.access | SYNCHRONIZE, &attributes, &iosb, nullptr,
                                         FILE_ATTRIBUTE_NORMAL, o.share, o.disposition,
                                         o.options | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
    if (!NT_SUCCESS(status)) {
        handle.value = nullptr;
        return {status, {}};
    }
    return {status, "action " + std::to_string(iosb.Information)};
}

Outcome System::read(const Operation& o)
{
    std::string data(o.length, '?');
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER at;
    at.QuadPart = o.offset;
    const NTSTATUS status = NtReadFile(handles_[static_cast<size_t>(o.slot)].value, nullptr, nullptr, nullptr,
                                       &iosb, data.data(), o.length, &at, nullptr);
    data.resize(NT_SUCCESS(status) ? iosb.Information : 0);
    return {status, data};
}

NTSTATUS System::write(const Operation& o)
{
    std::string data;
    for (ULONG i = 0; i < o.length; i++)
        data += written_byte(o.offset, i);
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER at;
    at.QuadPart = o.offset;
    return NtWriteFile(handles_[static_cast<size_t>(o.slot)].value, nullptr, nullptr, nullptr, &iosb,
                       data.data(), o.length, &at, nullptr);
}

template<class T> NTSTATUS System::set(const Operation& o, FILE_INFORMATION_CLASS c, T value)
{
    IO_STATUS_BLOCK iosb{};
    return NtSetInformationFile(handles_[static_cast<size_t>(o.slot)].value, &iosb, &value, sizeof value, c);
}

NTSTATUS System::rename(const Operation& o)
{
    const std::u16string to = volume_.device() + paths()[static_cast<size_t>(o.path)];
    alignas(8) char buffer[sizeof(FILE_RENAME_INFORMATION) + 256] = {};
    auto* info = reinterpret_cast<FILE_RENAME_INFORMATION*>(buffer);
    info->Flags = o.flags;
    info->FileNameLength = static_cast<ULONG>(to.size() * sizeof(WCHAR));
    std::memcpy(info->FileName, to.data(), info->FileNameLength);
    IO_STATUS_BLOCK iosb{};
    return NtSetInformationFile(
        handles_[static_cast<size_t>(o.slot)].value, &iosb, info,
        static_cast<ULONG>(offsetof(FILE_RENAME_INFORMATION, FileName) + info->FileNameLength),
        o.kind == Kind::rename ? FileRenameInformation : FileRenameInformationEx);
}

Outcome System::stat(const Operation& o)
{
    FILE_STANDARD_INFORMATION info{};
    IO_STATUS_BLOCK iosb{};
    const NTSTATUS status = NtQueryInformationFile(handles_[static_cast<size_t>(o.slot)].value, &iosb, &info,
                                                   sizeof info, FileStandardInformation);
    if (!NT_SUCCESS(status))
        return {status, {}};
    return {status, "size " + std::to_string(info.Directory ? 0 : info.EndOfFile.QuadPart) +
                        (info.DeletePending ? " delete pending" : "") + (info.Directory ? " directory" : "")};
}

Outcome System::list(const Operation& o)
{
    std::set<std::string> names;
    for (BOOLEAN restart = TRUE;; restart = FALSE) {
        alignas(8) char buffer[512];
        IO_STATUS_BLOCK iosb{};
        const NTSTATUS status =
            NtQueryDirectoryFile(handles_[static_cast<size_t>(o.slot)].value, nullptr, nullptr, nullptr,
                                 &iosb, buffer, sizeof buffer, FileNamesInformation, FALSE, nullptr, restart);
        if (status == STATUS_NO_MORE_FILES)
            break;
        if (!NT_SUCCESS(status))
            return {status, {}};
        for (const char* at = buffer;;) {
            const auto* entry = reinterpret_cast<const FILE_NAMES_INFORMATION*>(at);
            const std::u16string_view name(entry->FileName, entry->FileNameLength / sizeof(WCHAR));
            if (name != u"." && name != u"..")
                names.emplace(name.begin(), name.end());
            if (entry->NextEntryOffset == 0)
                break;
            at += entry->NextEntryOffset;
        }
    }
    std::string all;
    for (const std::string& name : names)
        all += name + " ";
    return {STATUS_SUCCESS, all};
}

} // namespace fsp::model
