// SPDX-License-Identifier: MIT
#pragma once

#include "check.h"
#include "request.h"

#include <array>

namespace conformance {

/// A record of FILE_NOTIFY_INFORMATION.
struct Change
{
    ULONG action;
    std::u16string name;

    bool operator==(const Change&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Change& change)
    {
        return out << change.action << ' ' << printable(change.name);
    }
};

/// A directory handle and the changes that it reports.
class Watch
{
  public:
    Watch(std::u16string_view path, ULONG filter, bool tree = false, ULONG buffer_size = 4096)
        : directory_(Open{.path = path,
                          .access = FILE_LIST_DIRECTORY,
                          .options = FILE_DIRECTORY_FILE,
                          .asynchronous = true}),
          filter_(filter), tree_(tree), size_(buffer_size)
    {
        CHECK_EQ(directory_.status(), STATUS_SUCCESS);
        CHECK_EQ(listen(), STATUS_PENDING);
    }

    /// Asks for the next changes.
    NTSTATUS listen()
    {
        // The old request goes before the buffer is used again.
        request_.reset();
        request_ = std::make_unique<Request>();
        return request_->start(directory_.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtNotifyChangeDirectoryFile(directory_.handle(), event, nullptr, nullptr, block,
                                               buffer_->data(), size_, filter_, tree_);
        });
    }
    NTSTATUS wait() { return request_->wait(); }
    [[nodiscard]] bool quiet() const { return !request_->done(); }
    [[nodiscard]] ULONG_PTR information() const { return request_->information(); }
    NTSTATUS cancel() { return request_->cancel(); }
    void close() { directory_.close(); }
    [[nodiscard]] HANDLE handle() const { return directory_.handle(); }

    /// What the ended request reports.
    std::vector<Change> changes() const
    {
        std::vector<Change> result;
        if (request_->status() != STATUS_SUCCESS || request_->information() == 0)
            return result;
        const auto* at = reinterpret_cast<const std::uint8_t*>(buffer_->data());
        for (;;) {
            const auto* info = reinterpret_cast<const FILE_NOTIFY_INFORMATION*>(at);
            result.push_back({info->Action, text_of(info->FileName, info->FileNameLength)});
            if (info->NextEntryOffset == 0)
                return result;
            at += info->NextEntryOffset;
        }
    }

    /// Waits until so many changes came, over as many requests as it takes. Listens on afterwards.
    std::vector<Change> collect(std::size_t count)
    {
        std::vector<Change> all;
        while (all.size() < count) {
            if (wait() != STATUS_SUCCESS)
                break;
            const std::vector<Change> more = changes();
            all.insert(all.end(), more.begin(), more.end());
            listen();
        }
        return all;
    }

  private:
    using Buffer = std::array<std::uint64_t, 8192>;

    File directory_;
    ULONG filter_;
    bool tree_;
    ULONG size_;
    std::unique_ptr<Buffer> buffer_ = std::make_unique<Buffer>();
    std::unique_ptr<Request> request_; // ends before the buffer that it fills
};

} // namespace conformance
