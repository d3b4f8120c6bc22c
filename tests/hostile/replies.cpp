// SPDX-License-Identifier: MIT
#include "replies.h"

#include <string_view>

#include <sys/uio.h>
#include <unistd.h>

namespace hostile {

namespace {

constexpr UINT64 file_size = 10000;

bool names_directory(const FSP_FSCTL_TRANSACT_REQ& request)
{
    const auto* name = reinterpret_cast<const WCHAR*>(request.Buffer + request.FileName.Offset);
    return request.FileName.Size <= 2 * sizeof(WCHAR) || name[1] == 'd';
}

FSP_FSCTL_FILE_INFO file_info(bool directory, UINT64 index)
{
    FSP_FSCTL_FILE_INFO info{};
    info.FileAttributes = directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
    info.FileSize = directory ? 0 : file_size;
    info.AllocationSize = info.FileSize;
    info.CreationTime = info.LastAccessTime = info.LastWriteTime = info.ChangeTime = 132000000000000000;
    info.IndexNumber = index;
    return info;
}

/// Appends `size` bytes to the variable part and says where they are.
void put(FSP_FSCTL_TRANSACT_RSP& answer, FSP_FSCTL_TRANSACT_BUF& where, const void* data, size_t size)
{
    const size_t at = (answer.Size - sizeof answer + 7) & ~size_t{7};
    memcpy(answer.Buffer + at, data, size);
    where = {static_cast<UINT16>(at), static_cast<UINT16>(size)};
    answer.Size = static_cast<UINT16>(sizeof answer + at + size);
}

std::vector<UINT8> directory_records()
{
    std::vector<UINT8> bytes;
    UINT64 next = 0;
    for (std::u16string_view name : {u".", u"..", u"a", u"b.txt", u"d"}) {
        alignas(8) UINT8 record[sizeof(FSP_FSCTL_DIR_INFO) + 64]{};
        auto* info = reinterpret_cast<FSP_FSCTL_DIR_INFO*>(record);
        info->Size = static_cast<UINT16>(sizeof *info + name.size() * sizeof(WCHAR));
        info->FileInfo = file_info(name[0] == '.' || name[0] == 'd', 7);
        info->NextOffset = ++next;
        memcpy(record + sizeof *info, name.data(), name.size() * sizeof(WCHAR));
        bytes.insert(bytes.end(), record, record + ((info->Size + 7) & ~7));
    }
    bytes.resize(bytes.size() + 8); // Size 0: the end
    return bytes;
}

std::vector<UINT8> ea_records()
{
    // NextEntryOffset, Flags, EaNameLength, EaValueLength, name, value
    return {16, 0, 0, 0, 0, 3, 2, 0, 'A', 'B', 'C', 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 'D', 0, 9};
}

std::vector<UINT8> stream_records()
{
    std::vector<UINT8> bytes;
    for (std::u16string_view name : {u"", u"s"}) {
        alignas(8) UINT8 record[sizeof(FSP_FSCTL_STREAM_INFO) + 8]{};
        auto* info = reinterpret_cast<FSP_FSCTL_STREAM_INFO*>(record);
        info->Size = static_cast<UINT16>(sizeof *info + name.size() * sizeof(WCHAR));
        info->StreamSize = 5;
        memcpy(record + sizeof *info, name.data(), name.size() * sizeof(WCHAR));
        bytes.insert(bytes.end(), record, record + ((info->Size + 7) & ~7));
    }
    return bytes;
}

/// Everyone may do everything; owner and group are Everyone.
std::vector<UINT8> descriptor()
{
    const UINT8 everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    std::vector<UINT8> bytes{1, 0, 0x04, 0x80, 20, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0};
    bytes.insert(bytes.end(), everyone, everyone + sizeof everyone);
    bytes.insert(bytes.end(), everyone, everyone + sizeof everyone);
    const UINT8 acl[] = {2, 0, 28, 0, 1, 0, 0, 0, 0, 0, 20, 0, 0xff, 0x01, 0x1f, 0};
    bytes.insert(bytes.end(), acl, acl + sizeof acl);
    bytes.insert(bytes.end(), everyone, everyone + sizeof everyone);
    return bytes;
}

/// A symbolic link to \a on this volume.
std::vector<UINT8> symlink_buffer()
{
    return {0x0c, 0, 0, 0xa0, 20, 0, 0,    0, 0,   0, 4,    0, 4,   0,
            4,    0, 1, 0,    0,  0, '\\', 0, 'a', 0, '\\', 0, 'a', 0};
}

void reply_to_create(const FSP_FSCTL_TRANSACT_REQ& request, Chance& chance, FSP_FSCTL_TRANSACT_RSP& answer)
{
    if (chance.one_in(12)) {
        answer.IoStatus.Status = STATUS_REPARSE;
        answer.IoStatus.Information = chance.one_in(2) ? IO_REPARSE_TAG_SYMLINK : IO_REPARSE_TAG_MOUNT_POINT;
        const auto link = symlink_buffer();
        put(answer, answer.Rsp.Create.Reparse.Buffer, link.data(), link.size());
        return;
    }
    const ULONG disposition = request.Req.Create.CreateOptions >> 24;
    answer.IoStatus.Information = disposition == FILE_CREATE      ? FILE_CREATED
                                  : disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED
                                  : disposition >= FILE_OVERWRITE ? FILE_OVERWRITTEN
                                                                  : FILE_OPENED;
    auto& opened = answer.Rsp.Create.Opened;
    opened.UserContext = 1 + chance.below(8);
    opened.UserContext2 = chance.bits();
    opened.GrantedAccess = request.Req.Create.DesiredAccess | request.Req.Create.GrantedAccess;
    if (opened.GrantedAccess & MAXIMUM_ALLOWED)
        opened.GrantedAccess = FILE_ALL_ACCESS;
    opened.FileInfo = file_info(names_directory(request), opened.UserContext);
    if (chance.one_in(2)) {
        const auto sd = descriptor();
        put(answer, opened.SecurityDescriptor, sd.data(), sd.size());
        opened.HasSecurityDescriptor = 1;
    }
}

void fill_buffer(UINT64 address, ULONG length, const std::vector<UINT8>& bytes,
                 FSP_FSCTL_TRANSACT_RSP& answer)
{
    const size_t size = bytes.size() < length ? bytes.size() : length;
    write_anyway(address, bytes.data(), size);
    answer.IoStatus.Information = static_cast<UINT32>(size);
}

} // namespace

void write_anyway(UINT64 address, const void* data, size_t size)
{
    iovec local{const_cast<void*>(data), size}, remote{reinterpret_cast<void*>(address), size};
    (void)process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

void honest_reply(const FSP_FSCTL_TRANSACT_REQ& request, Chance& chance, FSP_FSCTL_TRANSACT_RSP& answer)
{
    answer.Size = sizeof answer;
    answer.Kind = request.Kind;
    answer.Hint = request.Hint;
    switch (request.Kind) {
    case FspFsctlTransactCreateKind:
        return reply_to_create(request, chance, answer);
    case FspFsctlTransactOverwriteKind:
    case FspFsctlTransactQueryInformationKind:
    case FspFsctlTransactSetInformationKind:
    case FspFsctlTransactFlushBuffersKind:
        answer.Rsp.QueryInformation.FileInfo = file_info(false, 1);
        return;
    case FspFsctlTransactReadKind:
        return fill_buffer(request.Req.Read.Address, request.Req.Read.Length,
                           std::vector<UINT8>(request.Req.Read.Offset < file_size
                                                  ? static_cast<size_t>(file_size - request.Req.Read.Offset)
                                                  : 0,
                                              'r'),
                           answer);
    case FspFsctlTransactWriteKind:
        answer.IoStatus.Information = request.Req.Write.Length;
        answer.Rsp.Write.FileInfo = file_info(false, 1);
        return;
    case FspFsctlTransactQueryDirectoryKind:
        return fill_buffer(request.Req.QueryDirectory.Address, request.Req.QueryDirectory.Length,
                           directory_records(), answer);
    case FspFsctlTransactQueryEaKind:
    case FspFsctlTransactSetEaKind: {
        const auto eas = ea_records();
        auto& where =
            request.Kind == FspFsctlTransactQueryEaKind ? answer.Rsp.QueryEa.Ea : answer.Rsp.SetEa.Ea;
        return put(answer, where, eas.data(), eas.size());
    }
    case FspFsctlTransactQuerySecurityKind:
    case FspFsctlTransactSetSecurityKind: {
        const auto sd = descriptor();
        return put(answer, answer.Rsp.QuerySecurity.SecurityDescriptor, sd.data(), sd.size());
    }
    case FspFsctlTransactQueryStreamInformationKind: {
        const auto streams = stream_records();
        return put(answer, answer.Rsp.QueryStreamInformation.Buffer, streams.data(), streams.size());
    }
    case FspFsctlTransactFileSystemControlKind:
    case FspFsctlTransactDeviceControlKind: {
        const auto link = symlink_buffer();
        return put(answer, answer.Rsp.FileSystemControl.Buffer, link.data(), link.size());
    }
    case FspFsctlTransactQueryVolumeInformationKind:
    case FspFsctlTransactSetVolumeInformationKind: {
        auto& info = answer.Rsp.QueryVolumeInformation.VolumeInfo;
        info.TotalSize = 1 << 20;
        info.FreeSize = 1 << 19;
        info.VolumeLabelLength = 2;
        info.VolumeLabel[0] = 'v';
        return;
    }
    default:
        return;
    }
}

std::vector<UINT64> random_notify_records(Chance& chance)
{
    std::vector<UINT64> words(1 + chance.below(64));
    for (auto& word : words)
        word = chance.one_in(2) ? 0 : chance.bits();
    auto* bytes = reinterpret_cast<UINT8*>(words.data());
    const size_t size = words.size() * sizeof(UINT64);
    for (size_t at = 0; at + 32 <= size; at += 32) {
        auto* info = reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(bytes + at);
        info->Size = static_cast<UINT16>(chance.one_in(8) ? chance.awkward(32) : sizeof *info + 4);
        info->Filter = FILE_NOTIFY_CHANGE_FILE_NAME;
        info->Action = FILE_ACTION_ADDED;
        memcpy(bytes + at + sizeof *info, u"\\a", 4);
    }
    return words;
}

} // namespace hostile
