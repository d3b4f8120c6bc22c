// SPDX-License-Identifier: MIT
// What the system says about itself and about the stack of a thread.
#include "ke/thread.h"

#include <pthread.h>

using namespace fsp::ntos;

namespace {

/// The level of the interface that the executive offers: Windows 10.
constexpr ULONG major_version = 10, minor_version = 0, build_number = 19041;

struct StackLimits
{
    ULONG_PTR low = 0, high = 0;

    StackLimits()
    {
        pthread_attr_t attributes;
        if (pthread_getattr_np(pthread_self(), &attributes) != 0)
            return;
        void* base = nullptr;
        size_t size = 0;
        pthread_attr_getstack(&attributes, &base, &size);
        pthread_attr_destroy(&attributes);
        low = reinterpret_cast<ULONG_PTR>(base);
        high = low + size;
    }
};

const StackLimits& stack_limits()
{
    thread_local const StackLimits limits;
    return limits;
}

} // namespace

extern "C" {

KPROCESSOR_MODE NTAPI ExGetPreviousMode()
{
    return ke::current_thread()->system ? KPROCESSOR_MODE(KernelMode) : KPROCESSOR_MODE(UserMode);
}

NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation)
{
    VersionInformation->dwMajorVersion = major_version;
    VersionInformation->dwMinorVersion = minor_version;
    VersionInformation->dwBuildNumber = build_number;
    VersionInformation->dwPlatformId = 2;
    memset(VersionInformation->szCSDVersion, 0, sizeof VersionInformation->szCSDVersion);
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                           PUNICODE_STRING CSDVersion)
{
    if (MajorVersion != nullptr)
        *MajorVersion = major_version;
    if (MinorVersion != nullptr)
        *MinorVersion = minor_version;
    if (BuildNumber != nullptr)
        *BuildNumber = build_number;
    if (CSDVersion != nullptr)
        *CSDVersion = {};
    return FALSE;
}

BOOLEAN NTAPI MmIsThisAnNtAsSystem() { return FALSE; }
ULONG NTAPI MmQuerySystemSize() { return 2; }

PVOID NTAPI IoGetInitialStack() { return reinterpret_cast<PVOID>(stack_limits().high); }

VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    *LowLimit = stack_limits().low;
    *HighLimit = stack_limits().high;
}

ULONG_PTR NTAPI IoGetRemainingStackSize()
{
    return reinterpret_cast<ULONG_PTR>(__builtin_frame_address(0)) - stack_limits().low;
}

} // extern "C"
