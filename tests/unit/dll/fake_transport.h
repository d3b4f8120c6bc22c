// SPDX-License-Identifier: MIT
//
// A device transport without a driver: tests put requests in and look at what the library does.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "dll/transport.h"

namespace fake {

using Bytes = std::vector<UINT8>;

struct Transport
{
    std::mutex mutex;
    std::condition_variable changed;

    std::u16string opened_path;
    std::deque<Bytes> requests;   ///< handed out one for each TRANSACT
    std::vector<Bytes> responses; ///< what came back
    std::vector<ULONG> codes;     ///< all control codes except TRANSACTs that wait
    bool stopped = false;
    int transact0 = 0;
    NTSTATUS notify_status = STATUS_SUCCESS;
    std::vector<Bytes> notifications;

    FSP_FSCTL_INLINE_DISPATCH inline_dispatch = nullptr;
    PVOID inline_context = nullptr;
    UINT32 inline_concurrency = 0;

    /// Answers access_check; default: everything asked for is granted.
    std::function<NTSTATUS(ACCESS_MASK desired, ACCESS_MASK* granted)> access;
    std::vector<ACCESS_MASK> access_asked;

    NTSTATUS mount_status = STATUS_SUCCESS;
    std::u16string mounted_at;
    bool unmounted = false;

    /// Puts in a request and waits for the response of the same hint.
    Bytes ask(const Bytes& request);
    void wait_for_response(UINT64 hint, Bytes* response);
};

/// The one transport; fresh after reset().
Transport& transport();
void reset();

} // namespace fake
