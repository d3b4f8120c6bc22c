// SPDX-License-Identifier: MIT
// What the tests of the executive's core share.
#pragma once

#include <ntifs.h>

#include "ntos/raise.h"
#include "ntos/verifier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace fsp::ntos::test {

/// A relative timeout.
inline LARGE_INTEGER milliseconds(int n)
{
    LARGE_INTEGER t;
    t.QuadPart = -10'000LL * n;
    return t;
}

inline LARGE_INTEGER no_time()
{
    LARGE_INTEGER t;
    t.QuadPart = 0;
    return t;
}

inline NTSTATUS poll(PVOID object)
{
    LARGE_INTEGER t = no_time();
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &t);
}

/// Long enough for a loaded machine; a test that waits this long has failed.
inline NTSTATUS wait(PVOID object, int ms = 20'000)
{
    LARGE_INTEGER t = milliseconds(ms);
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &t);
}

struct Event : KEVENT
{
    explicit Event(EVENT_TYPE type = NotificationEvent, bool state = false)
    {
        KeInitializeEvent(this, type, state);
    }
    void set() { KeSetEvent(this, IO_NO_INCREMENT, FALSE); }
};

/// A resource, used in a critical region.
struct Resource : ERESOURCE
{
    Resource() { ExInitializeResourceLite(this); }
    ~Resource() { ExDeleteResourceLite(this); }
};

struct CriticalRegion
{
    CriticalRegion() { KeEnterCriticalRegion(); }
    ~CriticalRegion() { KeLeaveCriticalRegion(); }
};

} // namespace fsp::ntos::test
