// SPDX-License-Identifier: MIT
#pragma once
#include "wdk.h"

namespace fsp::fsd {

struct NotifyRecord
{
    ULONG filter;
    ULONG action;
    const WCHAR* name;
    ULONG name_length; // bytes; without a trailing backslash
};

/// Reads the records of a NOTIFY control request. The bytes may be anything, but must not change meanwhile.
class NotifyRecords
{
  public:
    enum class Step
    {
        Record,
        EndOfSession, // the sender closes its session; what follows is not read
        End           // no more records; the session stays open
    };

    NotifyRecords(const void* data, ULONG size) : data_(static_cast<const UCHAR*>(data)), size_(size) {}

    Step next(NotifyRecord& record);

  private:
    const UCHAR* data_;
    ULONG size_;
    ULONG offset_ = 0;
};

} // namespace fsp::fsd
