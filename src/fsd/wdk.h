// SPDX-License-Identifier: MIT
#pragma once

/// The only door to the WDK: everything in fsd/ includes this and no other system header.
/// On Windows mingw's headers need a few fix-ups; elsewhere <ntifs.h> is the executive's own.

#if defined(_WIN32)
#include "windows/fixups.h"
#else
#include <ntifs.h>
#endif

#include <winfsp/fsctl.h>

// Lists link C++ objects by a member; every compiler we use lays those out as one would think.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

#if !defined(FSRTL_MAX_TOP_LEVEL_IRP_FLAG)
#define FSRTL_MAX_TOP_LEVEL_IRP_FLAG 0xFFFF
#endif

#if !defined(VACB_MAPPING_GRANULARITY)
#define VACB_MAPPING_GRANULARITY 0x40000
#endif

#if !defined(FSP_L)
#if defined(_WIN32)
#define FSP_L(text) L##text
#else
#define FSP_L(text) u##text
#endif
#endif

// What only DriverEntry calls: a Windows kernel drops the section when that has returned.
#if defined(_WIN32)
#define FSP_INIT [[gnu::section("INIT")]]
#else
#define FSP_INIT
#endif

#if !defined(NTAPI)
#define NTAPI
#endif

namespace fsp::fsd {

/// Inside this room sizes are unsigned and pointers to bytes are UINT8*.
using Byte = UINT8;

constexpr ULONG pool_tag = 0x20707346; // "Fsp ": ours from allocation to free
constexpr ULONG pool_tag_external =
    0x78707346; // "Fspx": freed by someone else (names, reparse buffers, VPBs)

template<class T> constexpr T lesser(T a, T b) { return b < a ? b : a; }
template<class T> constexpr T greater(T a, T b) { return a < b ? b : a; }
template<class T> constexpr T align_up(T value, T alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

template<class T> struct RemoveReference
{
    using Type = T;
};
template<class T> struct RemoveReference<T&>
{
    using Type = T;
};
template<class T> struct RemoveReference<T&&>
{
    using Type = T;
};
template<class T> constexpr typename RemoveReference<T>::Type&& move(T&& value) noexcept
{
    return static_cast<typename RemoveReference<T>::Type&&>(value);
}
template<class T> constexpr T exchange(T& target, T value) noexcept
{
    T old = move(target);
    target = move(value);
    return old;
}

/// Copies nothing from nowhere, too: an empty UNICODE_STRING may have no buffer.
inline void copy_bytes(void* to, const void* from, size_t size) noexcept
{
    if (size != 0)
        RtlCopyMemory(to, from, size);
}

struct NonCopyable
{
    NonCopyable() = default;
    NonCopyable(const NonCopyable&) = delete;
    NonCopyable& operator=(const NonCopyable&) = delete;
};

} // namespace fsp::fsd
