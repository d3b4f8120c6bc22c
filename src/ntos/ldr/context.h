// SPDX-License-Identifier: MIT
/// @file The processor's state in an image's code, and how exceptions travel there.
#pragma once

#include <winfsp/nt.h>

#include <cstddef>
#include <cstdint>

namespace fsp::ntos::ldr {

enum Register
{
    rax,
    rcx,
    rdx,
    rbx,
    rsp,
    rbp,
    rsi,
    rdi,
    // r8 to r15
    register_count = 16,
};

struct alignas(16) Xmm
{
    uint64_t half[2];
};

/// Offsets are known to boundary.cpp.
struct Context
{
    uint64_t gpr[register_count];
    uint64_t rip;
    uint64_t unused;
    Xmm xmm[16];
};
static_assert(offsetof(Context, rip) == 128 && offsetof(Context, xmm) == 144);

/// A call from an image into the executive: what the image's code must find unchanged afterwards. Offsets are
/// known to boundary.cpp.
struct Crossing
{
    uint64_t rip; // behind the call
    uint64_t rbx, rbp, rsi, rdi, r12, r13, r14, r15;
    uint64_t unused;
    Xmm xmm6_15[10];
    uint64_t padding[2];
};
static_assert(offsetof(Crossing, xmm6_15) == 80 && sizeof(Crossing) == 256);

/// Finds the __except that wants the exception, and moves the context there. False if nobody does.
bool dispatch_exception(Context& context, NTSTATUS status, uint64_t address);

/// Continues in an image's code.
[[noreturn]] void restore_context(const Context& context);

/// The image that contains an address: its base, and its size; null if there is none.
const uint8_t* image_of(uint64_t address, size_t* size);

/// What an image calls instead of `target`, so that an exception that `target` throws becomes a structured
/// one. Lives as long as the process; the same one for the same target.
void* boundary_of(void* target);

/// Imports that are no routines of the executive: run-time library and variables. Null if there is no such
/// name.
void* find_runtime(const char* name);

/// Catches faults in images; idempotent.
void catch_faults();

} // namespace fsp::ntos::ldr
