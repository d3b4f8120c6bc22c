// SPDX-License-Identifier: MIT
#include "directory_records.h"

namespace fsp::fsd {

namespace {

constexpr ULONG dir_info_header = FIELD_OFFSET(FSP_FSCTL_DIR_INFO, FileNameBuf);
// What an average name takes, for the estimate of how much to ask for.
constexpr ULONG average_name = 48;

constexpr ULONG align8(ULONG size) { return (size + 7) & ~ULONG{7}; }

void copy_times(LARGE_INTEGER* creation, const FSP_FSCTL_FILE_INFO& info)
{
    // Creation, last access, last write and change time follow each other in every class.
    creation[0].QuadPart = static_cast<LONGLONG>(info.CreationTime);
    creation[1].QuadPart = static_cast<LONGLONG>(info.LastAccessTime);
    creation[2].QuadPart = static_cast<LONGLONG>(info.LastWriteTime);
    creation[3].QuadPart = static_cast<LONGLONG>(info.ChangeTime);
}

ULONG attributes(const FSP_FSCTL_FILE_INFO& info)
{
    return info.FileAttributes ? info.FileAttributes : FILE_ATTRIBUTE_NORMAL;
}

ULONG ea_size(const FSP_FSCTL_FILE_INFO& info, bool has_eas)
{
    // A reparse point has no use for the size of its EAs: its tag stands in the field instead.
    if (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return info.ReparseTag;
    return has_eas && info.EaSize ? info.EaSize + 4 : 0;
}

template<class Information>
void fill_common(Information* out, const FSP_FSCTL_FILE_INFO& info, ULONG name_length)
{
    copy_times(&out->CreationTime, info);
    out->EndOfFile.QuadPart = static_cast<LONGLONG>(info.FileSize);
    out->AllocationSize.QuadPart = static_cast<LONGLONG>(info.AllocationSize);
    out->FileAttributes = attributes(info);
    out->FileNameLength = name_length;
}

} // namespace

DirectoryRecords::Step DirectoryRecords::next(DirectoryEntry& entry)
{
    // Shorter than the size field: nothing more was reported.
    if (offset_ > size_ || size_ - offset_ < sizeof(UINT16))
        return Step::End;

    const auto* info = reinterpret_cast<const FSP_FSCTL_DIR_INFO*>(data_ + offset_);
    const ULONG record = info->Size;
    if (record < dir_info_header)
        return Step::Complete;
    if (record > size_ - offset_)
        return Step::End;

    entry.info = info;
    entry.name = info->FileNameBuf;
    entry.name_length = (record - dir_info_header) & ~ULONG{1};
    offset_ += align8(record);
    return Step::Entry;
}

ULONG directory_fixed_size(ULONG information_class)
{
    switch (information_class) {
    case FileDirectoryInformation:
        return FIELD_OFFSET(FILE_DIRECTORY_INFORMATION, FileName);
    case FileFullDirectoryInformation:
        return FIELD_OFFSET(FILE_FULL_DIR_INFORMATION, FileName);
    case FileBothDirectoryInformation:
        return FIELD_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName);
    case FileNamesInformation:
        return FIELD_OFFSET(FILE_NAMES_INFORMATION, FileName);
    case FileIdBothDirectoryInformation:
        return FIELD_OFFSET(FILE_ID_BOTH_DIR_INFORMATION, FileName);
    case FileIdFullDirectoryInformation:
        return FIELD_OFFSET(FILE_ID_FULL_DIR_INFORMATION, FileName);
    default:
        return 0;
    }
}

void DirectoryWriter::fill(UCHAR* record, const DirectoryEntry& entry, ULONG name_length)
{
    RtlZeroMemory(record, fixed_);
    const FSP_FSCTL_FILE_INFO& info = entry.info->FileInfo;
    switch (class_) {
    case FileDirectoryInformation:
        fill_common(reinterpret_cast<FILE_DIRECTORY_INFORMATION*>(record), info, entry.name_length);
        break;
    case FileFullDirectoryInformation: {
        auto* out = reinterpret_cast<FILE_FULL_DIR_INFORMATION*>(record);
        fill_common(out, info, entry.name_length);
        out->EaSize = ea_size(info, has_eas_);
        break;
    }
    case FileBothDirectoryInformation: {
        auto* out = reinterpret_cast<FILE_BOTH_DIR_INFORMATION*>(record);
        fill_common(out, info, entry.name_length);
        out->EaSize = ea_size(info, has_eas_);
        break;
    }
    case FileNamesInformation:
        reinterpret_cast<FILE_NAMES_INFORMATION*>(record)->FileNameLength = entry.name_length;
        break;
    case FileIdBothDirectoryInformation: {
        auto* out = reinterpret_cast<FILE_ID_BOTH_DIR_INFORMATION*>(record);
        fill_common(out, info, entry.name_length);
        out->EaSize = ea_size(info, has_eas_);
        out->FileId.QuadPart = static_cast<LONGLONG>(info.IndexNumber);
        break;
    }
    case FileIdFullDirectoryInformation: {
        auto* out = reinterpret_cast<FILE_ID_FULL_DIR_INFORMATION*>(record);
        fill_common(out, info, entry.name_length);
        out->EaSize = ea_size(info, has_eas_);
        out->FileId.QuadPart = static_cast<LONGLONG>(info.IndexNumber);
        break;
    }
    default:
        break;
    }
    copy_bytes(record + fixed_, entry.name, name_length);
}

DirectoryWriter::Outcome DirectoryWriter::append(const DirectoryEntry& entry)
{
    const bool first = empty();
    const ULONG at = first ? 0 : align8(end_);
    if (at > size_ || fixed_ > size_ - at)
        return first ? Outcome::TooSmall : Outcome::Full;

    const ULONG room = size_ - at - fixed_;
    const bool truncated = entry.name_length > room;
    if (truncated && !first)
        return Outcome::Full;

    const ULONG name_length = truncated ? room & ~ULONG{1} : entry.name_length;
    if (!first) {
        RtlZeroMemory(out_ + end_, at - end_);
        *reinterpret_cast<ULONG*>(out_ + last_) = at - last_; // NextEntryOffset, first field of every class
    }
    fill(out_ + at, entry, name_length);
    last_ = at;
    end_ = at + fixed_ + name_length;
    return truncated ? Outcome::Truncated : Outcome::Added;
}

ULONG directory_request_ratio(ULONG length, ULONG information_class, ULONG minimum, ULONG maximum)
{
    const ULONGLONG fixed = directory_fixed_size(information_class) + average_name;
    const ULONGLONG wanted =
        (ULONGLONG{length} * (dir_info_header + average_name) / fixed + 7) & ~ULONGLONG{7};
    if (wanted < minimum)
        return minimum;
    return wanted > maximum ? maximum : static_cast<ULONG>(wanted);
}

} // namespace fsp::fsd
