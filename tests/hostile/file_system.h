// SPDX-License-Identifier: MIT
#pragma once

#include "bytes.h"

#include "unit/fsd/volume_fixture.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

namespace hostile {

/// What a file system does to its answers, as bits.
enum Lie : unsigned
{
    honest = 0,
    sizes = 1 << 0,     // of the answer and of its pieces
    offsets = 1 << 1,   // of pieces
    kinds = 1 << 2,     // an answer to another kind of request
    hints = 1 << 3,     // answers to requests that were never made, are over, or are somebody else's
    repeated = 1 << 4,  // the same answer twice or more
    late = 1 << 5,      // by another thread, after others
    names = 1 << 6,     // unterminated or garbled text and records
    counts = 1 << 7,    // huge Information, file sizes and record sizes
    buffers = 1 << 8,   // data buffers changed while the driver takes them
    statuses = 1 << 9,  // any 32 bits
    requests = 1 << 10, // other control codes meanwhile, with any input
    everything = (1 << 11) - 1
};

/// A file system that speaks the protocol by control codes alone, from several threads, and lies.
class FileSystem
{
  public:
    FileSystem(unsigned lies, uint64_t seed);
    ~FileSystem() { die(); }

    /// \Device\Volume{...}; empty if the volume could not be made.
    const std::u16string& volume() const { return name_; }
    const FSP_FSCTL_VOLUME_PARAMS& params() const { return params_; }
    HANDLE handle() const { return control_; }
    /// Closes the control handle without a stop, whatever is going on. Idempotent.
    void die();
    uint64_t served() const { return served_; }
    /// The first request that held old memory, as a sentence; empty if none did.
    std::string leak() const;

  private:
    struct Answer
    {
        std::vector<UINT64> words; // the message, in storage that is larger than the driver accepts
        ULONG size = 0;            // bytes sent
        FSP_FSCTL_TRANSACT_RSP& message() { return *reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(words.data()); }
    };

    void serve(uint64_t seed);
    void send_late(uint64_t seed);
    void disturb(Chance& chance);
    void inspect(const std::vector<UINT64>& buffer, ULONG size);
    Answer answer(const FSP_FSCTL_TRANSACT_REQ& request, Chance& chance);
    void corrupt(Answer& answer, Chance& chance);
    NTSTATUS transact(Chance& chance, std::vector<UINT64>& input, ULONG input_size, std::vector<UINT64>& out,
                      ULONG* out_size);

    const unsigned lies_;
    FSP_FSCTL_VOLUME_PARAMS params_{};
    std::atomic<HANDLE> control_{nullptr};
    std::u16string name_;
    std::vector<std::thread> threads_;
    std::atomic<bool> dead_{false};
    std::atomic<uint64_t> served_{0};
    mutable std::mutex mutex_;
    std::vector<Answer> owed_;       // late answers
    std::vector<UINT64> seen_hints_; // a few of all
    std::string leak_;
};

} // namespace hostile
