// SPDX-License-Identifier: MIT
/// @file The way from an image into the executive and back. The executive raises by throwing, and a C++
/// exception cannot travel through frames of the image: it has no unwind tables of this system. So every call
/// goes through fsp_ldr_enter, which notes on a side stack what the image must find unchanged, and puts its
/// own return address in place of the image's. A throw arrives there as at a catch clause and goes on as a
/// structured exception.
#if defined(__x86_64__)
#include "ldr/context.h"
#include "ntos/raise.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <typeinfo>

#include <asm/prctl.h>
#include <cxxabi.h>
#include <ntifs.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

using namespace fsp::ntos::ldr;

extern "C" {
/// The next free place of the side stack.
constinit thread_local Crossing* fsp_ldr_crossings __attribute__((tls_model("initial-exec"))) = nullptr;

void fsp_ldr_enter();
void fsp_ldr_landing();
[[noreturn]] void fsp_ldr_restore(const Context* context);
void fsp_ldr_begin_thread();
[[noreturn]] void fsp_ldr_landed(void* exception, const Crossing* crossing, uint64_t rsp);
_Unwind_Reason_Code fsp_ldr_personality(int version, _Unwind_Action actions, uint64_t exception_class,
                                        _Unwind_Exception* exception, _Unwind_Context* context);
}

__asm__(R"(
    .text
    .type fsp_ldr_enter, @function
# RAX: the routine; everything else as its caller left it.
fsp_ldr_enter:
    movq fsp_ldr_crossings@gottpoff(%rip), %r11
    movq %fs:(%r11), %r10
    testq %r10, %r10
    jz 2f
1:
    movq (%rsp), %r11
    movq %r11, 0(%r10)
    movq %rbx, 8(%r10)
    movq %rbp, 16(%r10)
    movq %rsi, 24(%r10)
    movq %rdi, 32(%r10)
    movq %r12, 40(%r10)
    movq %r13, 48(%r10)
    movq %r14, 56(%r10)
    movq %r15, 64(%r10)
    movups %xmm6, 80(%r10)
    movups %xmm7, 96(%r10)
    movups %xmm8, 112(%r10)
    movups %xmm9, 128(%r10)
    movups %xmm10, 144(%r10)
    movups %xmm11, 160(%r10)
    movups %xmm12, 176(%r10)
    movups %xmm13, 192(%r10)
    movups %xmm14, 208(%r10)
    movups %xmm15, 224(%r10)
    addq $256, %r10
    movq fsp_ldr_crossings@gottpoff(%rip), %r11
    movq %r10, %fs:(%r11)
    leaq fsp_ldr_return(%rip), %r11
    movq %r11, (%rsp)
    jmp *%rax
2:  # The first call of this thread.
    subq $280, %rsp
    movq %rax, 32(%rsp)
    movq %rcx, 40(%rsp)
    movq %rdx, 48(%rsp)
    movq %r8, 56(%rsp)
    movq %r9, 64(%rsp)
    movq %rsi, 72(%rsp)
    movq %rdi, 80(%rsp)
    movups %xmm6, 96(%rsp)
    movups %xmm7, 112(%rsp)
    movups %xmm8, 128(%rsp)
    movups %xmm9, 144(%rsp)
    movups %xmm10, 160(%rsp)
    movups %xmm11, 176(%rsp)
    movups %xmm12, 192(%rsp)
    movups %xmm13, 208(%rsp)
    movups %xmm14, 224(%rsp)
    movups %xmm15, 240(%rsp)
    call fsp_ldr_begin_thread
    movups 96(%rsp), %xmm6
    movups 112(%rsp), %xmm7
    movups 128(%rsp), %xmm8
    movups 144(%rsp), %xmm9
    movups 160(%rsp), %xmm10
    movups 176(%rsp), %xmm11
    movups 192(%rsp), %xmm12
    movups 208(%rsp), %xmm13
    movups 224(%rsp), %xmm14
    movups 240(%rsp), %xmm15
    movq 32(%rsp), %rax
    movq 40(%rsp), %rcx
    movq 48(%rsp), %rdx
    movq 56(%rsp), %r8
    movq 64(%rsp), %r9
    movq 72(%rsp), %rsi
    movq 80(%rsp), %rdi
    addq $280, %rsp
    movq fsp_ldr_crossings@gottpoff(%rip), %r11
    movq %fs:(%r11), %r10
    jmp 1b
    .size fsp_ldr_enter, .-fsp_ldr_enter

    .cfi_startproc
    .cfi_personality 0x9b, fsp_ldr_personality_reference
    .cfi_undefined rip
    nop # unwinders look at the byte before the return address
fsp_ldr_return:
    movq fsp_ldr_crossings@gottpoff(%rip), %r11
    movq %fs:(%r11), %r10
    subq $256, %r10
    movq %r10, %fs:(%r11)
    jmp *(%r10)
    .cfi_endproc

    .type fsp_ldr_landing, @function
# RAX: the exception; RSP as the image had it.
fsp_ldr_landing:
    movq %rax, %rdi
    movq fsp_ldr_crossings@gottpoff(%rip), %r11
    movq %fs:(%r11), %rsi
    subq $256, %rsi
    movq %rsi, %fs:(%r11)
    movq %rsp, %rdx
    andq $-16, %rsp
    call fsp_ldr_landed
    ud2
    .size fsp_ldr_landing, .-fsp_ldr_landing

    .type fsp_ldr_restore, @function
fsp_ldr_restore:
    movups 144(%rdi), %xmm0
    movups 160(%rdi), %xmm1
    movups 176(%rdi), %xmm2
    movups 192(%rdi), %xmm3
    movups 208(%rdi), %xmm4
    movups 224(%rdi), %xmm5
    movups 240(%rdi), %xmm6
    movups 256(%rdi), %xmm7
    movups 272(%rdi), %xmm8
    movups 288(%rdi), %xmm9
    movups 304(%rdi), %xmm10
    movups 320(%rdi), %xmm11
    movups 336(%rdi), %xmm12
    movups 352(%rdi), %xmm13
    movups 368(%rdi), %xmm14
    movups 384(%rdi), %xmm15
    movq 0(%rdi), %rax
    movq 8(%rdi), %rcx
    movq 16(%rdi), %rdx
    movq 24(%rdi), %rbx
    movq 40(%rdi), %rbp
    movq 48(%rdi), %rsi
    movq 64(%rdi), %r8
    movq 72(%rdi), %r9
    movq 96(%rdi), %r12
    movq 104(%rdi), %r13
    movq 112(%rdi), %r14
    movq 120(%rdi), %r15
    movq 128(%rdi), %r11
    movq 32(%rdi), %rsp
    movq 56(%rdi), %rdi
    jmp *%r11
    .size fsp_ldr_restore, .-fsp_ldr_restore

    .section .data.rel.local, "aw"
    .align 8
fsp_ldr_personality_reference:
    .quad fsp_ldr_personality
    .text
)");

namespace {

/// Far deeper than drivers nest; an image that recurses without end runs out of stack first.
constexpr size_t crossings_per_thread = 1024;

/// What inline functions of the WDK read through the GS register (KPCR).
struct ProcessorBlock
{
    uint8_t unused[0x184];
    uint16_t processor; // a hint only, as threads move
    uint16_t unused2;
    PVOID thread;
};
static_assert(offsetof(ProcessorBlock, processor) == 0x184 && offsetof(ProcessorBlock, thread) == 0x188);

/// What a thread has for its time in images.
struct ThreadState
{
    ~ThreadState() { fsp_ldr_crossings = nullptr; }
    std::unique_ptr<Crossing[]> crossings;
    std::unique_ptr<ProcessorBlock> processor_block;
};
thread_local ThreadState thread_state;

/// Small pieces of code, one per routine, that put its address into RAX.
class Boundaries
{
  public:
    void* of(void* target)
    {
        std::lock_guard guard(lock_);
        void*& code = known_[target];
        if (code == nullptr)
            code = make(target);
        return code;
    }

  private:
    static constexpr size_t piece = 32, room = 64 * 1024;

    void* make(void* target)
    {
        if (next_ == end_) {
            void* memory =
                mmap(nullptr, room, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED)
                return nullptr;
            next_ = static_cast<uint8_t*>(memory);
            end_ = next_ + room;
        }
        uint8_t* const code = next_;
        next_ += piece;
        // movabs target, %rax; movabs fsp_ldr_enter, %r11; jmp *%r11
        const uint8_t parts[] = {0x48, 0xb8, 0x49, 0xbb, 0x41, 0xff, 0xe3};
        const auto enter = reinterpret_cast<uint64_t>(&fsp_ldr_enter),
                   to = reinterpret_cast<uint64_t>(target);
        std::memcpy(code, parts, 2);
        std::memcpy(code + 2, &to, 8);
        std::memcpy(code + 10, parts + 2, 2);
        std::memcpy(code + 12, &enter, 8);
        std::memcpy(code + 20, parts + 4, 3);
        return code;
    }

    std::mutex lock_;
    std::map<void*, void*> known_;
    uint8_t* next_ = nullptr;
    uint8_t* end_ = nullptr;
};

/// Ends the C++ exception. @return the status that it carried
NTSTATUS take_status(void* exception)
{
    // What a catch clause is given was found by its personality routine; ours leaves that out.
    const void* object = static_cast<_Unwind_Exception*>(exception) + 1;
    __cxxabiv1::__cxa_begin_catch(exception);
    const std::type_info* type = __cxxabiv1::__cxa_current_exception_type();
    if (type == nullptr || *type != typeid(fsp::ntos::RaisedStatus)) {
        std::fprintf(stderr, "ntos: a C++ exception would leave the executive into a driver\n");
        std::abort();
    }
    const NTSTATUS status = static_cast<const fsp::ntos::RaisedStatus*>(object)->status;
    __cxxabiv1::__cxa_end_catch();
    return status;
}

} // namespace

void fsp_ldr_begin_thread()
{
    thread_state.processor_block = std::make_unique<ProcessorBlock>();
    ProcessorBlock& block = *thread_state.processor_block;
    block.processor = static_cast<uint16_t>(std::max(sched_getcpu(), 0));
    block.thread = KeGetCurrentThread();
    syscall(SYS_arch_prctl, ARCH_SET_GS, &block);

    thread_state.crossings = std::make_unique<Crossing[]>(crossings_per_thread);
    fsp_ldr_crossings = thread_state.crossings.get();
}

_Unwind_Reason_Code fsp_ldr_personality(int, _Unwind_Action actions, uint64_t, _Unwind_Exception* exception,
                                        _Unwind_Context* context)
{
    if (actions & _UA_FORCE_UNWIND)
        return _URC_CONTINUE_UNWIND;
    if (actions & _UA_SEARCH_PHASE)
        return _URC_HANDLER_FOUND;
    _Unwind_SetGR(context, __builtin_eh_return_data_regno(0), reinterpret_cast<uint64_t>(exception));
    _Unwind_SetIP(context, reinterpret_cast<uint64_t>(&fsp_ldr_landing));
    return _URC_INSTALL_CONTEXT;
}

void fsp_ldr_landed(void* exception, const Crossing* crossing, uint64_t stack)
{
    Context context{};
    context.rip = crossing->rip;
    context.gpr[rbx] = crossing->rbx;
    context.gpr[rsp] = stack;
    context.gpr[rbp] = crossing->rbp;
    context.gpr[rsi] = crossing->rsi;
    context.gpr[rdi] = crossing->rdi;
    std::memcpy(&context.gpr[12], &crossing->r12, 4 * sizeof(uint64_t));
    std::memcpy(&context.xmm[6], crossing->xmm6_15, sizeof crossing->xmm6_15);
    const uint64_t address = context.rip;
    const NTSTATUS status = take_status(exception);
    if (!dispatch_exception(context, status, address))
        KeBugCheckEx(0x1e /* KMODE_EXCEPTION_NOT_HANDLED */, static_cast<ULONG>(status), address, 0, 0);
    restore_context(context);
}

namespace fsp::ntos::ldr {

void restore_context(const Context& context) { fsp_ldr_restore(&context); }

void* boundary_of(void* target)
{
    static Boundaries* const all = new Boundaries;
    return all->of(target);
}

} // namespace fsp::ntos::ldr
#endif
