// SPDX-License-Identifier: MIT
#pragma once

#include <winfsp/winfsp.h>

#include <condition_variable>
#include <functional>
#include <mutex>

namespace memfs {

/// Delays requests at random and answers some of them later from another thread, to show (and
/// test) how a slow file system behaves.
class SlowIo
{
  public:
    struct Settings
    {
        UINT32 max_delay = 0;       // ms; 0: off
        UINT32 percent_delayed = 0; // of the requests, answered asynchronously
        UINT32 rarefy = 0;          // delays are shifted right by a random number up to this
    };

    explicit SlowIo(const Settings& settings) : settings_(settings) {}
    /// Waits until every late answer was sent.
    ~SlowIo() { drain(); }
    SlowIo(const SlowIo&) = delete;
    SlowIo& operator=(const SlowIo&) = delete;

    /// Runs `work(response)`, which returns a status and stores what it has to say in the response.
    ///
    /// @return its status; STATUS_PENDING if it runs later and its response is sent then
    template<class Work> NTSTATUS run(FSP_FILE_SYSTEM* file_system, Work work)
    {
        FSP_FILE_SYSTEM_OPERATION_CONTEXT* context = FspFileSystemGetOperationContext();
        if (settings_.max_delay == 0)
            return work(*context->Response);
        return run_slowly(file_system, *context, std::move(work));
    }

    void drain();

  private:
    using AnyWork = std::function<NTSTATUS(FSP_FSCTL_TRANSACT_RSP&)>;
    NTSTATUS run_slowly(FSP_FILE_SYSTEM* file_system, const FSP_FILE_SYSTEM_OPERATION_CONTEXT& context,
                        AnyWork work);
    void snooze() const;

    const Settings settings_;
    std::mutex mutex_;
    std::condition_variable none_late_;
    unsigned late_ = 0;
};

} // namespace memfs
