// SPDX-License-Identifier: MIT
/// @file Structured exceptions in an image: its unwind tables, and the search for an __except.
#if defined(__x86_64__)
#include "ldr/context.h"
#include "ldr/pe.h"

#include <algorithm>
#include <cstring>

#include <ntifs.h>

namespace fsp::ntos::ldr {

namespace {

struct ExceptionRecord
{
    uint32_t code, flags;
    void* next;
    uint64_t address;
    uint32_t parameter_count;
    uint64_t parameters[15];
};

struct ExceptionPointers
{
    ExceptionRecord* record;
    void* context;
};

using Filter = LONG NTAPI(ExceptionPointers*, void* establisher_frame);

/// A function of an image, and what its tables say about it.
struct Function
{
    const uint8_t* base;
    const RuntimeFunction* entry;

    const UnwindInfo* info() const { return reinterpret_cast<const UnwindInfo*>(base + entry->unwind_rva); }
    static const UnwindCode* codes(const UnwindInfo* info)
    {
        return reinterpret_cast<const UnwindCode*>(info + 1);
    }
    /// Chained function, or handler: behind an even number of codes.
    static const uint32_t* tail(const UnwindInfo* info)
    {
        return reinterpret_cast<const uint32_t*>(codes(info) + ((info->code_count + 1) & ~1));
    }
};

/// False for a leaf function, which has no entry.
bool find_function(const uint8_t* base, uint64_t rip, Function* function)
{
    const auto* dos = reinterpret_cast<const DosHeader*>(base);
    const auto* pe = reinterpret_cast<const PeHeader*>(base + dos->pe_offset);
    const Directory& directory = pe->directories[exception_directory];
    const auto* first = reinterpret_cast<const RuntimeFunction*>(base + directory.rva);
    const auto* last = first + directory.size / sizeof *first;
    const auto rva = static_cast<uint32_t>(rip - reinterpret_cast<uint64_t>(base));
    const auto* found = std::upper_bound(
        first, last, rva, [](uint32_t at, const RuntimeFunction& candidate) { return at < candidate.begin; });
    if (found == first || rva >= found[-1].end)
        return false;
    *function = {base, found - 1};
    return true;
}

uint64_t load(uint64_t address) { return *reinterpret_cast<const uint64_t*>(address); }

/// How many codes an operation takes.
unsigned code_size(UnwindCode code)
{
    switch (code.operation) {
    case allocate_large:
        return code.info == 0 ? 2 : 3;
    case save_nonvolatile:
    case save_xmm:
        return 2;
    case save_nonvolatile_far:
    case save_xmm_far:
        return 3;
    default:
        return 1;
    }
}

/// Where the frame begins that saved registers are found from.
uint64_t frame_of(const Context& context, const UnwindInfo* info)
{
    return info->frame_register ? context.gpr[info->frame_register] - info->frame_offset * 16
                                : context.gpr[rsp];
}

void undo(Context& context, const UnwindInfo* info, const UnwindCode* code, uint64_t frame)
{
    uint16_t small;
    std::memcpy(&small, code + 1, sizeof small);
    uint32_t large = 0;
    if (code_size(*code) == 3)
        std::memcpy(&large, code + 1, sizeof large);
    switch (code->operation) {
    case push_nonvolatile:
        context.gpr[code->info] = load(context.gpr[rsp]);
        context.gpr[rsp] += 8;
        break;
    case allocate_large:
        context.gpr[rsp] += code->info == 0 ? small * 8u : large;
        break;
    case allocate_small:
        context.gpr[rsp] += code->info * 8u + 8;
        break;
    case set_frame:
        context.gpr[rsp] = context.gpr[info->frame_register] - info->frame_offset * 16;
        break;
    case save_nonvolatile:
        context.gpr[code->info] = load(frame + small * 8u);
        break;
    case save_nonvolatile_far:
        context.gpr[code->info] = load(frame + large);
        break;
    case save_xmm:
        std::memcpy(&context.xmm[code->info], reinterpret_cast<const void*>(frame + small * 16u),
                    sizeof(Xmm));
        break;
    case save_xmm_far:
        std::memcpy(&context.xmm[code->info], reinterpret_cast<const void*>(frame + large), sizeof(Xmm));
        break;
    default:
        break;
    }
}

/// Leaves the function: the context becomes its caller's.
void unwind(Context& context, Function function)
{
    uint64_t offset = context.rip - reinterpret_cast<uint64_t>(function.base) - function.entry->begin;
    for (;;) {
        const UnwindInfo* info = function.info();
        const uint64_t frame = frame_of(context, info);
        const UnwindCode* codes = Function::codes(info);
        for (unsigned i = 0; i < info->code_count; i += code_size(codes[i]))
            if (codes[i].prolog_offset <= offset)
                undo(context, info, codes + i, frame);
        if (!(info->flags & unwind_chained))
            break;
        function.entry = reinterpret_cast<const RuntimeFunction*>(Function::tail(info));
        offset = ~uint64_t{0}; // all of its prologue has been run
    }
    context.rip = load(context.gpr[rsp]);
    context.gpr[rsp] += 8;
}

/// Does an __except of this function want the exception? *target: where it goes on.
bool is_wanted(const Context& context, const Function& function, ExceptionRecord& record, uint64_t* target)
{
    const UnwindInfo* info = function.info();
    if (!(info->flags & unwind_has_handler))
        return false;
    // All our handlers are __C_specific_handler: a count and scopes, inner ones first.
    const uint32_t* tail = Function::tail(info);
    const uint32_t count = tail[1];
    const auto* scopes = reinterpret_cast<const ScopeRecord*>(tail + 2);
    const auto rva = static_cast<uint32_t>(context.rip - reinterpret_cast<uint64_t>(function.base));
    for (uint32_t i = 0; i < count; i++) {
        const ScopeRecord& scope = scopes[i];
        if (rva < scope.begin || rva >= scope.end || scope.target == 0)
            continue;
        LONG verdict = 1;
        if (scope.filter != 1) {
            ExceptionPointers pointers{&record, nullptr};
            auto* filter = reinterpret_cast<Filter*>(const_cast<uint8_t*>(function.base) + scope.filter);
            verdict = filter(&pointers, reinterpret_cast<void*>(frame_of(context, info)));
        }
        if (verdict > 0) {
            *target = reinterpret_cast<uint64_t>(function.base) + scope.target;
            return true;
        }
    }
    return false;
}

} // namespace

bool dispatch_exception(Context& context, NTSTATUS status, uint64_t address)
{
    ExceptionRecord record{};
    record.code = static_cast<uint32_t>(status);
    record.address = address;
    Context frame = context;
    size_t size = 0;
    while (const uint8_t* base = image_of(frame.rip, &size)) {
        Function function{};
        if (!find_function(base, frame.rip, &function)) {
            frame.rip = load(frame.gpr[rsp]);
            frame.gpr[rsp] += 8;
            continue;
        }
        uint64_t target = 0;
        if (is_wanted(frame, function, record, &target)) {
            frame.rip = target;
            frame.gpr[rax] = record.code;
            context = frame;
            return true;
        }
        unwind(frame, function);
    }
    return false;
}

} // namespace fsp::ntos::ldr
#endif
