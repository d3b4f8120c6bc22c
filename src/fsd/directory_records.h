// SPDX-License-Identifier: MIT
#pragma once
#include "wdk.h"

namespace fsp::fsd {

/// One entry of a directory as the file system reported it. The pointers reach into the answer's bytes.
struct DirectoryEntry
{
    const FSP_FSCTL_DIR_INFO* info;
    const WCHAR* name;
    ULONG name_length; // bytes
};

/// Reads an answer to QueryDirectory: DIR_INFO records, each on a multiple of 8. The bytes may be anything,
/// but must not change meanwhile (copy them out of the file system's reach first).
class DirectoryRecords
{
  public:
    enum class Step
    {
        Entry,
        End,     // the answer ends here; the directory may go on
        Complete // the answer says that the directory ends here
    };

    DirectoryRecords(const void* data, ULONG size, ULONG offset = 0)
        : data_(static_cast<const UCHAR*>(data)), size_(size), offset_(offset)
    {}

    Step next(DirectoryEntry& entry);
    /// Where the entry that next() would return starts.
    ULONG offset() const { return offset_; }

  private:
    const UCHAR* data_;
    ULONG size_;
    ULONG offset_;
};

/// Bytes before the name in one of the six directory information classes; 0 for any other class.
ULONG directory_fixed_size(ULONG information_class);

/// Fills a caller's buffer with records of one class. The buffer is only written, never read: it may be
/// mapped in the caller's process.
class DirectoryWriter
{
  public:
    enum class Outcome
    {
        Added,
        Full,      // does not fit after the ones before
        Truncated, // the first entry: only part of its name fits
        TooSmall   // the first entry: nothing fits
    };

    DirectoryWriter(ULONG information_class, bool has_eas, void* out, ULONG size)
        : class_(information_class), fixed_(directory_fixed_size(information_class)), has_eas_(has_eas),
          out_(static_cast<UCHAR*>(out)), size_(size)
    {}

    Outcome append(const DirectoryEntry& entry);
    ULONG written() const { return end_; }
    bool empty() const { return end_ == 0; }

  private:
    void fill(UCHAR* record, const DirectoryEntry& entry, ULONG name_length);

    ULONG class_;
    ULONG fixed_;
    bool has_eas_;
    UCHAR* out_;
    ULONG size_;
    ULONG last_ = 0;
    ULONG end_ = 0;
};

/// Bytes to ask the file system for, so that its records fill a caller's buffer of `length` bytes about once.
ULONG directory_request_ratio(ULONG length, ULONG information_class, ULONG minimum, ULONG maximum);

} // namespace fsp::fsd
