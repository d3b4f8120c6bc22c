// SPDX-License-Identifier: MIT
#pragma once

#include "check.h"
#include "request.h"

namespace conformance {

constexpr ULONG level_r = OPLOCK_LEVEL_CACHE_READ;
constexpr ULONG level_rh = level_r | OPLOCK_LEVEL_CACHE_HANDLE;
constexpr ULONG level_rw = level_r | OPLOCK_LEVEL_CACHE_WRITE;
constexpr ULONG level_rwh = level_rh | OPLOCK_LEVEL_CACHE_WRITE;

/// One oplock: requested, held while the request is pending, broken when it ends.
class Oplock
{
  public:
    /// @param kind FSCTL_REQUEST_OPLOCK_LEVEL_1 ...; FSCTL_REQUEST_OPLOCK with `level`
    NTSTATUS ask(const File& file, ULONG kind, ULONG level = 0)
    {
        return kind == FSCTL_REQUEST_OPLOCK ? send(file, level, REQUEST_OPLOCK_INPUT_FLAG_REQUEST)
                                            : send(file, kind);
    }
    /// Acknowledges a break of an older Oplock of the handle: what is acknowledged is held by this one.
    NTSTATUS acknowledge(const File& file, ULONG level, ULONG flags = 0)
    {
        return send(file, level, REQUEST_OPLOCK_INPUT_FLAG_ACK | flags);
    }
    /// FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, _ACK_NO_2, FSCTL_OPBATCH_ACK_CLOSE_PENDING, FSCTL_OPLOCK_BREAK_NOTIFY
    NTSTATUS send(const File& file, ULONG code)
    {
        return request_.start(file.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtFsControlFile(file.handle(), event, nullptr, nullptr, block, code, nullptr, 0, nullptr,
                                   0);
        });
    }

    [[nodiscard]] bool held() const { return !request_.done(); }
    /// Waits for the break. @return status of the request
    NTSTATUS wait() { return request_.wait(); }
    NTSTATUS cancel() { return request_.cancel(); }
    /// FILE_OPLOCK_BROKEN_TO_LEVEL_2, _TO_NONE; of the older kinds
    [[nodiscard]] ULONG_PTR information() const { return request_.information(); }
    [[nodiscard]] const REQUEST_OPLOCK_OUTPUT_BUFFER& output() const { return buffers_->output; }
    [[nodiscard]] ULONG new_level() const { return output().NewOplockLevel; }
    [[nodiscard]] bool wants_acknowledgement() const
    {
        return output().Flags & REQUEST_OPLOCK_OUTPUT_FLAG_ACK_REQUIRED;
    }

  private:
    NTSTATUS send(const File& file, ULONG level, ULONG flags)
    {
        buffers_->input = {REQUEST_OPLOCK_CURRENT_VERSION, sizeof buffers_->input, level, flags};
        return request_.start(file.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtFsControlFile(file.handle(), event, nullptr, nullptr, block, FSCTL_REQUEST_OPLOCK,
                                   &buffers_->input, sizeof buffers_->input, &buffers_->output,
                                   sizeof buffers_->output);
        });
    }

    struct Buffers
    {
        REQUEST_OPLOCK_INPUT_BUFFER input{};
        REQUEST_OPLOCK_OUTPUT_BUFFER output{};
    };
    std::unique_ptr<Buffers> buffers_ = std::make_unique<Buffers>();
    Request request_; // ends before the buffers that it fills
};

} // namespace conformance
