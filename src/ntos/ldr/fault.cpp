// SPDX-License-Identifier: MIT
/// @file Faults in an image, and the memory copies of its run-time library that may fault.
#if defined(__x86_64__)
#include "ldr/context.h"

#include <csignal>
#include <cstring>
#include <iterator>
#include <mutex>

#include <ntifs.h>
#include <ucontext.h>

using namespace fsp::ntos::ldr;

extern "C" {
void fsp_ldr_memmove();
void fsp_ldr_memset();
extern const char fsp_ldr_copies_begin[], fsp_ldr_copies_end[];
}

// Between begin and end RDI and RSI are kept in R10 and R11, and the return address is on top of the stack.
__asm__(R"(
    .text
fsp_ldr_memmove: # RCX to, RDX from, R8 size
    movq %rdi, %r10
    movq %rsi, %r11
fsp_ldr_copies_begin:
    movq %rcx, %rax
    movq %rcx, %rdi
    movq %rdx, %rsi
    movq %r8, %rcx
    movq %rdi, %r9
    subq %rsi, %r9
    cmpq %rcx, %r9
    jb 1f # it would overwrite what it has not copied yet
    rep movsb
    movq %r10, %rdi
    movq %r11, %rsi
    ret
1:
    leaq -1(%rdi,%rcx), %rdi
    leaq -1(%rsi,%rcx), %rsi
    std
    rep movsb
    cld
    movq %r10, %rdi
    movq %r11, %rsi
    ret
fsp_ldr_memset: # RCX to, DL value, R8 size
    movq %rdi, %r10
    movq %rsi, %r11
    movq %rcx, %r9
    movq %rcx, %rdi
    movl %edx, %eax
    movq %r8, %rcx
    rep stosb
    movq %r9, %rax
    movq %r10, %rdi
    ret
fsp_ldr_copies_end:
)");

namespace {

struct sigaction previous_segv, previous_bus;

// Where ucontext_t has what Context has.
constexpr int gregs[register_count] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15};

Context read(const ucontext_t& from)
{
    Context context{};
    for (int i = 0; i < register_count; i++)
        context.gpr[i] = static_cast<uint64_t>(from.uc_mcontext.gregs[gregs[i]]);
    context.rip = static_cast<uint64_t>(from.uc_mcontext.gregs[REG_RIP]);
    if (from.uc_mcontext.fpregs != nullptr)
        std::memcpy(context.xmm, from.uc_mcontext.fpregs->_xmm, sizeof context.xmm);
    return context;
}

void write(const Context& context, ucontext_t& to)
{
    constexpr greg_t direction_flag = 0x400;
    for (int i = 0; i < register_count; i++)
        to.uc_mcontext.gregs[gregs[i]] = static_cast<greg_t>(context.gpr[i]);
    to.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(context.rip);
    to.uc_mcontext.gregs[REG_EFL] &= ~direction_flag;
    if (to.uc_mcontext.fpregs != nullptr)
        std::memcpy(to.uc_mcontext.fpregs->_xmm, context.xmm, sizeof context.xmm);
}

bool in_copies(uint64_t rip)
{
    return rip >= reinterpret_cast<uint64_t>(fsp_ldr_copies_begin) &&
           rip < reinterpret_cast<uint64_t>(fsp_ldr_copies_end);
}

/// mov %cr8, reg: the IRQL, which only a kernel may read.
bool emulate(Context& context)
{
    const auto* code = reinterpret_cast<const uint8_t*>(context.rip);
    if ((code[0] != 0x44 && code[0] != 0x45) || code[1] != 0x0f || code[2] != 0x20 ||
        (code[3] & 0xf8) != 0xc0)
        return false;
    context.gpr[(code[3] & 7) + (code[0] == 0x45 ? 8 : 0)] = KeGetCurrentIrql();
    context.rip += 4;
    return true;
}

void on_fault(int signal, siginfo_t* info, void* opaque)
{
    auto& state = *static_cast<ucontext_t*>(opaque);
    Context context = read(state);
    const uint64_t address = context.rip;
    size_t size = 0;
    if (in_copies(context.rip)) {
        context.gpr[rdi] = context.gpr[10];
        context.gpr[rsi] = context.gpr[11];
        context.rip = *reinterpret_cast<const uint64_t*>(context.gpr[rsp]);
        context.gpr[rsp] += 8;
    } else if (image_of(context.rip, &size) && emulate(context)) {
        write(context, state);
        return;
    }
    if (image_of(context.rip, &size) && dispatch_exception(context, STATUS_ACCESS_VIOLATION, address)) {
        write(context, state);
        return;
    }
    const struct sigaction& previous = signal == SIGSEGV ? previous_segv : previous_bus;
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(signal, info, opaque);
    else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
        previous.sa_handler(signal);
    else
        sigaction(signal, &previous, nullptr); // it happens again, and ends the process
}

} // namespace

namespace fsp::ntos::ldr {

void catch_faults()
{
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO | SA_NODEFER;
        sigaction(SIGSEGV, &action, &previous_segv);
        sigaction(SIGBUS, &action, &previous_bus);
    });
}

void* find_runtime(const char* name)
{
    static const USHORT no_lead_bytes[256] = {};
    static const USHORT* lead_bytes = no_lead_bytes;
    static BOOLEAN multi_byte = FALSE;
    struct Compare
    {
        static int NTAPI bytes(const void* a, const void* b, size_t size) { return std::memcmp(a, b, size); }
        // Found through the tables, never called.
        static void NTAPI handler() {}
    };
    const struct
    {
        const char* name;
        void* address;
    } known[] = {
        {"memcpy", reinterpret_cast<void*>(fsp_ldr_memmove)},
        {"memmove", reinterpret_cast<void*>(fsp_ldr_memmove)},
        {"memset", reinterpret_cast<void*>(fsp_ldr_memset)},
        {"memcmp", reinterpret_cast<void*>(Compare::bytes)},
        {"__C_specific_handler", reinterpret_cast<void*>(Compare::handler)},
        {"SeExports", &SeExports},
        {"SeTokenObjectType", &SeTokenObjectType},
        {"IoFileObjectType", &IoFileObjectType},
        {"NlsMbOemCodePageTag", &multi_byte},
        {"NlsOemLeadByteInfo", &lead_bytes},
    };
    for (const auto& entry : known)
        if (std::strcmp(entry.name, name) == 0)
            return entry.address;
    return nullptr;
}

} // namespace fsp::ntos::ldr
#endif
