// SPDX-License-Identifier: MIT
#pragma once
#include "wdk.h"

namespace fsp::fsd {

/// The counters of FSCTL_FILESYSTEM_GET_STATISTICS, one record per processor so that counting shares no cache
/// line. A thread may move to another processor while it counts; a lost count is the price of not locking.
class Statistics
{
  public:
    Statistics() = default;
    Statistics(const Statistics&) = delete;
    Statistics& operator=(const Statistics&) = delete;
    ~Statistics() { fini(); }

    /// @return STATUS_INSUFFICIENT_RESOURCES without memory; counting then does nothing
    NTSTATUS init(ULONG processors);
    void fini();

    enum class Transfer
    {
        Paging,
        NonCached
    };
    void count_read(Transfer transfer, ULONG bytes);
    void count_write(Transfer transfer, ULONG bytes);
    void count_create(NTSTATUS status);

    /// Copies as many bytes as fit.
    /// @return STATUS_BUFFER_TOO_SMALL below the size of FILESYSTEM_STATISTICS; STATUS_BUFFER_OVERFLOW if cut
    NTSTATUS copy(void* out, ULONG size, ULONG* written) const;

    static ULONG record_size();

  private:
    struct Record;
    Record* current();

    Record* records_ = nullptr;
    ULONG processors_ = 0;
};

} // namespace fsp::fsd
