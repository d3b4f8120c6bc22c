// SPDX-License-Identifier: MIT
#include "dll/debug_text.h"

#include "nt/rtl.h"
#include "nt/sddl.h"

namespace fsp::dll {
namespace {

using Request = FSP_FSCTL_TRANSACT_REQ;
using Response = FSP_FSCTL_TRANSACT_RSP;

constexpr ULONG name_limit = 64; // characters of a name in reparse data

PVOID pointer(UINT64 value) { return reinterpret_cast<PVOID>(static_cast<UINT_PTR>(value)); }

void put_uint64(TextBuffer& line, UINT64 value)
{
    line.format("%lx:%lx", static_cast<UINT32>(value >> 32), static_cast<UINT32>(value));
}

void put_time(TextBuffer& line, UINT64 time)
{
    char text[time_text_size];
    line.append(time == 0 ? "0" : format_time(time, text) ? text : "INVALID");
}

/// Text that may or may not be terminated within its size.
void put_quoted(TextBuffer& line, const void* text, ULONG size, ULONG limit = ~0u)
{
    const auto* wide = static_cast<const WCHAR*>(text);
    ULONG length = size / sizeof(WCHAR);
    if (length > limit)
        length = limit;
    line.append('"');
    line.append_wide(wide, nt::length(wide, length));
    line.append('"');
}

void put_quoted_or_null(TextBuffer& line, Request* request, FSP_FSCTL_TRANSACT_BUF buf)
{
    if (buf.Size == 0)
        line.append("NULL");
    else
        put_quoted(line, request->Buffer + buf.Offset, buf.Size);
}

void put_descriptor(TextBuffer& line, PVOID descriptor, ULONG size)
{
    nt::WideString text;
    if (size == 0 || !RtlValidRelativeSecurityDescriptor(descriptor, size, 0) ||
        !NT_SUCCESS(format_descriptor(descriptor, &text)))
        return line.append("NULL");
    line.append('"');
    line.append_wide(text.data(), text.size());
    line.append('"');
}

void put_token(TextBuffer& line, UINT64 token)
{
    line.format("AccessToken=%p[PID=%lx]", FSP_FSCTL_TRANSACT_REQ_TOKEN_HANDLE(token),
                FSP_FSCTL_TRANSACT_REQ_TOKEN_PID(token));
}

void put_context(TextBuffer& line, UINT64 context, UINT64 context2)
{
    line.format("%p", pointer(context));
    if (context2 != 0)
        line.format(":%p", pointer(context2));
}

/// The name, if there is one, and the contexts.
void put_file(TextBuffer& line, Request* request)
{
    if (request->FileName.Size != 0) {
        put_quoted(line, request->Buffer + request->FileName.Offset, request->FileName.Size);
        line.append(", ");
    }
    put_context(line, request->Req.Context.UserContext, request->Req.Context.UserContext2);
}

void put_reparse(TextBuffer& line, const void* buffer, ULONG size)
{
    constexpr ULONG header = REPARSE_DATA_BUFFER_HEADER_SIZE;
    if (size < header)
        return line.append("{}");
    const auto* data = static_cast<const REPARSE_DATA_BUFFER*>(buffer);
    const ULONG length = data->ReparseDataLength < size - header ? data->ReparseDataLength : size - header;

    const auto put_names = [&](ULONG path_offset, const auto& names) {
        const auto put_name = [&](const char* title, ULONG offset, ULONG name_size) {
            line.append(title);
            if (offset <= size - path_offset && name_size <= size - path_offset - offset)
                put_quoted(line, static_cast<const UINT8*>(buffer) + path_offset + offset, name_size,
                           name_limit);
            else
                line.append("INVALID");
        };
        put_name(", SubstituteName=", names.SubstituteNameOffset, names.SubstituteNameLength);
        put_name(", PrintName=", names.PrintNameOffset, names.PrintNameLength);
    };
    constexpr ULONG mount_path = FIELD_OFFSET(REPARSE_DATA_BUFFER, MountPointReparseBuffer.PathBuffer);
    constexpr ULONG link_path = FIELD_OFFSET(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.PathBuffer);

    if (length != 0 && data->ReparseTag == IO_REPARSE_TAG_MOUNT_POINT && size >= mount_path) {
        line.append("{ReparseTag=IO_REPARSE_TAG_MOUNT_POINT");
        put_names(mount_path, data->MountPointReparseBuffer);
        return line.append('}');
    }
    if (length != 0 && data->ReparseTag == IO_REPARSE_TAG_SYMLINK && size >= link_path) {
        line.append("{ReparseTag=IO_REPARSE_TAG_SYMLINK");
        put_names(link_path, data->SymbolicLinkReparseBuffer);
        return line.format(", Flags=%lu}", data->SymbolicLinkReparseBuffer.Flags);
    }
    line.format("{ReparseTag=0x%lx, ReparseDataLength=%u", data->ReparseTag, data->ReparseDataLength);
    if (length != 0 && (data->ReparseTag & 0x80000000) == 0 && size >= header + sizeof(GUID)) {
        GUID guid;
        std::memcpy(&guid, static_cast<const UINT8*>(buffer) + header, sizeof guid);
        const UINT8* d = guid.Data4;
        line.format(", ReparseGuid={%08lX-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}", guid.Data1,
                    guid.Data2, guid.Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
    }
    line.append('}');
}

void put_file_info(TextBuffer& line, const FSP_FSCTL_FILE_INFO& info)
{
    line.format("FileInfo={FileAttributes=%lx, ReparseTag=%lx, AllocationSize=", info.FileAttributes,
                info.ReparseTag);
    put_uint64(line, info.AllocationSize);
    line.append(", FileSize=");
    put_uint64(line, info.FileSize);
    line.append(", CreationTime=");
    put_time(line, info.CreationTime);
    line.append(", LastAccessTime=");
    put_time(line, info.LastAccessTime);
    line.append(", LastWriteTime=");
    put_time(line, info.LastWriteTime);
    line.append(", ChangeTime=");
    put_time(line, info.ChangeTime);
    line.append(", IndexNumber=");
    put_uint64(line, info.IndexNumber);
    line.append('}');
}

void put_volume_info(TextBuffer& line, const FSP_FSCTL_VOLUME_INFO& info)
{
    line.append("VolumeInfo={TotalSize=");
    put_uint64(line, info.TotalSize);
    line.append(", FreeSize=");
    put_uint64(line, info.FreeSize);
    line.append(", VolumeLabel=");
    const ULONG size =
        info.VolumeLabelLength < sizeof info.VolumeLabel ? info.VolumeLabelLength : sizeof info.VolumeLabel;
    put_quoted(line, info.VolumeLabel, size);
    line.append('}');
}

const char* kind_name(UINT32 kind)
{
    static const char* const names[FspFsctlTransactKindCount] = {
        "RESERVED",
        "Create",
        "Overwrite",
        "Cleanup",
        "Close",
        "Read",
        "Write",
        "QueryInformation",
        "SetInformation",
        "QUERYEA",
        "SETEA",
        "FlushBuffers",
        "QueryVolumeInformation",
        "SetVolumeInformation",
        "QueryDirectory",
        "FileSystemControl",
        "DEVICECONTROL",
        "SHUTDOWN",
        "LOCKCONTROL",
        "QuerySecurity",
        "SetSecurity",
        "QueryStreamInformation",
    };
    return kind < FspFsctlTransactKindCount ? names[kind] : "INVALID";
}

const char* disposition_name(UINT32 disposition)
{
    switch (disposition) {
    case FILE_SUPERSEDE:
        return "FILE_SUPERSEDE";
    case FILE_OPEN:
        return "FILE_OPEN";
    case FILE_CREATE:
        return "FILE_CREATE";
    case FILE_OPEN_IF:
        return "FILE_OPEN_IF";
    case FILE_OVERWRITE:
        return "FILE_OVERWRITE";
    case FILE_OVERWRITE_IF:
        return "FILE_OVERWRITE_IF";
    default:
        return "INVALID";
    }
}

// ---- Requests

void put_create(TextBuffer& line, Request* request)
{
    const auto& create = request->Req.Create;
    line.format(" [%c%c%c%c%c%c] ", create.UserMode ? 'U' : 'K', create.HasTraversePrivilege ? 'T' : '-',
                create.HasBackupPrivilege ? 'B' : '-', create.HasRestorePrivilege ? 'R' : '-',
                create.OpenTargetDirectory ? 'D' : '-', create.CaseSensitive ? 'C' : '-');
    put_quoted(line, request->Buffer + request->FileName.Offset, request->FileName.Size);
    line.format(", %s, CreateOptions=%lx, FileAttributes=%lx, Security=",
                disposition_name(create.CreateOptions >> 24), create.CreateOptions & 0xffffff,
                create.FileAttributes);
    put_descriptor(line, request->Buffer + create.SecurityDescriptor.Offset, create.SecurityDescriptor.Size);
    line.append(", AllocationSize=");
    put_uint64(line, create.AllocationSize);
    line.append(", ");
    put_token(line, create.AccessToken);
    line.format(", DesiredAccess=%lx, GrantedAccess=%lx, ShareAccess=%lx", create.DesiredAccess,
                create.GrantedAccess, create.ShareAccess);
}

/// Read and Write begin alike.
void put_transfer(TextBuffer& line, Request* request)
{
    const auto& read = request->Req.Read;
    line.append(' ');
    put_file(line, request);
    line.format(", Address=%p, Offset=", pointer(read.Address));
    put_uint64(line, read.Offset);
    line.format(", Length=%ld, Key=%lx", read.Length, read.Key);
}

void put_rename(TextBuffer& line, Request* request, const char* title, bool with_flags)
{
    const auto& rename = request->Req.SetInformation.Info.RenameEx;
    line.append(title);
    put_file(line, request);
    line.append(", NewFileName=");
    put_quoted(line, request->Buffer + rename.NewFileName.Offset, rename.NewFileName.Size);
    line.append(", ");
    put_token(line, rename.AccessToken);
    if (with_flags)
        line.format(", Flags=%lx", rename.Flags);
}

void put_set_information(TextBuffer& line, Request* request)
{
    const auto& set = request->Req.SetInformation;
    switch (set.FileInformationClass) {
    case 4: // FileBasicInformation
        line.append(" [Basic] ");
        put_file(line, request);
        line.format(", FileAttributes=%lx, CreationTime=", set.Info.Basic.FileAttributes);
        put_time(line, set.Info.Basic.CreationTime);
        line.append(", LastAccessTime=");
        put_time(line, set.Info.Basic.LastAccessTime);
        line.append(", LastWriteTime=");
        return put_time(line, set.Info.Basic.LastWriteTime);
    case 19: // FileAllocationInformation
        line.append(" [Allocation] ");
        put_file(line, request);
        line.append(", AllocationSize=");
        return put_uint64(line, set.Info.Allocation.AllocationSize);
    case 20: // FileEndOfFileInformation
        line.append(" [EndOfFile] ");
        put_file(line, request);
        line.append(", FileSize = ");
        return put_uint64(line, set.Info.EndOfFile.FileSize);
    case 13: // FileDispositionInformation
        line.append(" [Disposition] ");
        put_file(line, request);
        return line.append(set.Info.Disposition.Delete ? ", Delete" : ", Undelete");
    case 64: // FileDispositionInformationEx
        line.append(" [DispositionEx] ");
        put_file(line, request);
        return line.format(", Flags=%lx", set.Info.DispositionEx.Flags);
    case 10: // FileRenameInformation
        return put_rename(line, request, " [Rename] ", false);
    case 65: // FileRenameInformationEx
        return put_rename(line, request, " [RenameEx] ", true);
    default:
        return line.append(" [INVALID]");
    }
}

void put_file_system_control(TextBuffer& line, Request* request)
{
    const auto& control = request->Req.FileSystemControl;
    switch (control.FsControlCode) {
    case FSCTL_GET_REPARSE_POINT:
        line.append(" [FSCTL_GET_REPARSE_POINT] ");
        return put_file(line, request);
    case FSCTL_SET_REPARSE_POINT:
        line.append(" [FSCTL_SET_REPARSE_POINT] ");
        break;
    case FSCTL_DELETE_REPARSE_POINT:
        line.append(" [FSCTL_DELETE_REPARSE_POINT] ");
        break;
    default:
        return line.append(" [INVALID]");
    }
    put_file(line, request);
    line.append(" ReparseData=");
    put_reparse(line, request->Buffer + control.Buffer.Offset, control.Buffer.Size);
}

void put_query_directory(TextBuffer& line, Request* request)
{
    const auto& query = request->Req.QueryDirectory;
    line.append(' ');
    put_file(line, request);
    line.format(", Address=%p, Length=%ld, Pattern=", pointer(query.Address), query.Length);
    put_quoted_or_null(line, request, query.Pattern);
    line.append(", Marker=");
    put_quoted_or_null(line, request, query.Marker);
}

void put_set_security(TextBuffer& line, Request* request)
{
    const auto& set = request->Req.SetSecurity;
    line.append(' ');
    put_file(line, request);
    line.format(", SecurityInformation=%lx, Security=", set.SecurityInformation);
    put_descriptor(line, request->Buffer + set.SecurityDescriptor.Offset, set.SecurityDescriptor.Size);
}

void put_set_volume_information(TextBuffer& line, Request* request)
{
    const auto& set = request->Req.SetVolumeInformation;
    if (set.FsInformationClass != 2) // FileFsLabelInformation
        return line.append(" [INVALID]");
    line.append(" [FsLabel] Label=");
    const FSP_FSCTL_TRANSACT_BUF label = set.Info.FsLabel.VolumeLabel;
    put_quoted(line, request->Buffer + label.Offset, label.Size);
}

// ---- Responses

void put_created(TextBuffer& line, Response* response)
{
    const auto& rsp = response->Rsp.Create;
    if (response->IoStatus.Status != static_cast<UINT32>(STATUS_REPARSE)) {
        line.append(" UserContext=");
        put_context(line, rsp.Opened.UserContext, rsp.Opened.UserContext2);
        line.format(", GrantedAccess=%lx, ", rsp.Opened.GrantedAccess);
        return put_file_info(line, rsp.Opened.FileInfo);
    }
    const PVOID data = response->Buffer + rsp.Reparse.Buffer.Offset;
    switch (response->IoStatus.Information) {
    case 0: // IO_REPARSE
        line.append(" Reparse.FileName=");
        return put_quoted(line, data, rsp.Reparse.Buffer.Size, name_limit);
    case 1: // IO_REMOUNT
        return;
    default:
        line.append(" Reparse.Data=\"");
        put_reparse(line, data, rsp.Reparse.Buffer.Size);
        return line.append('"');
    }
}

void put_details(TextBuffer& line, Response* response)
{
    switch (response->Kind) {
    case FspFsctlTransactCreateKind:
        return put_created(line, response);
    case FspFsctlTransactOverwriteKind:
    case FspFsctlTransactWriteKind:
    case FspFsctlTransactQueryInformationKind:
    case FspFsctlTransactSetInformationKind:
        line.append(' ');
        return put_file_info(line, response->Rsp.QueryInformation.FileInfo);
    case FspFsctlTransactQueryVolumeInformationKind:
    case FspFsctlTransactSetVolumeInformationKind:
        line.append(' ');
        return put_volume_info(line, response->Rsp.QueryVolumeInformation.VolumeInfo);
    case FspFsctlTransactFileSystemControlKind: {
        const FSP_FSCTL_TRANSACT_BUF buffer = response->Rsp.FileSystemControl.Buffer;
        if (buffer.Size != 0) {
            line.append(" ReparseData=");
            put_reparse(line, response->Buffer + buffer.Offset, buffer.Size);
        }
        return;
    }
    case FspFsctlTransactQuerySecurityKind:
    case FspFsctlTransactSetSecurityKind: {
        const FSP_FSCTL_TRANSACT_BUF descriptor = response->Rsp.QuerySecurity.SecurityDescriptor;
        line.append(" Security=");
        return put_descriptor(line, response->Buffer + descriptor.Offset, descriptor.Size);
    }
    default:
        return;
    }
}

} // namespace

void describe_request(TextBuffer& line, Request* request)
{
    line.append(kind_name(request->Kind));
    switch (request->Kind) {
    case FspFsctlTransactCreateKind:
        return put_create(line, request);
    case FspFsctlTransactOverwriteKind:
        line.append(request->Req.Overwrite.Supersede ? " [Supersede] " : " ");
        put_file(line, request);
        return line.format(", FileAttributes=%lx", request->Req.Overwrite.FileAttributes);
    case FspFsctlTransactCleanupKind:
        line.append(request->Req.Cleanup.Delete ? " [Delete] " : " ");
        return put_file(line, request);
    case FspFsctlTransactReadKind:
        return put_transfer(line, request);
    case FspFsctlTransactWriteKind:
        line.append(request->Req.Write.ConstrainedIo ? " [C]" : "");
        return put_transfer(line, request);
    case FspFsctlTransactSetInformationKind:
        return put_set_information(line, request);
    case FspFsctlTransactSetVolumeInformationKind:
        return put_set_volume_information(line, request);
    case FspFsctlTransactQueryDirectoryKind:
        return put_query_directory(line, request);
    case FspFsctlTransactFileSystemControlKind:
        return put_file_system_control(line, request);
    case FspFsctlTransactSetSecurityKind:
        return put_set_security(line, request);
    case FspFsctlTransactCloseKind:
    case FspFsctlTransactQueryInformationKind:
    case FspFsctlTransactFlushBuffersKind:
    case FspFsctlTransactQuerySecurityKind:
    case FspFsctlTransactQueryStreamInformationKind:
        line.append(' ');
        return put_file(line, request);
    default:
        return;
    }
}

void describe_response(TextBuffer& line, Response* response)
{
    line.format("%s IoStatus=%lx[%ld]", kind_name(response->Kind), response->IoStatus.Status,
                response->IoStatus.Information);
    if (NT_SUCCESS(static_cast<NTSTATUS>(response->IoStatus.Status)))
        put_details(line, response);
}

bool format_time(UINT64 time, char (&text)[time_text_size])
{
    constexpr UINT64 time_max = 0x7fff35f4f06c58f0; // the last that SYSTEMTIME can hold
    if (time > time_max)
        return false;
    LARGE_INTEGER source;
    source.QuadPart = static_cast<LONGLONG>(time);
    TIME_FIELDS f;
    RtlTimeToTimeFields(&source, &f);
    TextBuffer out(text, sizeof text - 1);
    out.format("%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", f.Year, f.Month, f.Day, f.Hour, f.Minute, f.Second,
               f.Milliseconds);
    text[out.size()] = 0;
    return true;
}

NTSTATUS format_descriptor(PSECURITY_DESCRIPTOR descriptor, nt::WideString* text)
{
    if (!RtlValidSecurityDescriptor(descriptor))
        return STATUS_INVALID_SECURITY_DESCR;
    return nt::format_sddl(descriptor,
                           OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                               DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION,
                           text);
}

NTSTATUS format_sid(PSID sid, nt::WideString* text)
{
    UNICODE_STRING string = {};
    const NTSTATUS status = RtlConvertSidToUnicodeString(&string, sid, TRUE);
    if (!NT_SUCCESS(status))
        return status;
    text->assign(string.Buffer, string.Length / sizeof(WCHAR));
    RtlFreeUnicodeString(&string);
    return STATUS_SUCCESS;
}

} // namespace fsp::dll
