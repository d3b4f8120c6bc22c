// SPDX-License-Identifier: MIT
#include "verifier/checks.h"

namespace fsp::ntos::verifier {

void NTAPI check_wait(const LARGE_INTEGER* timeout) noexcept
{
    PKTHREAD thread = ke::current_thread();
    const bool may_block = timeout == nullptr || timeout->QuadPart != 0;
    if (may_block && thread->irql >= DISPATCH_LEVEL)
        report("wait at IRQL %d", thread->irql);
}

void NTAPI check_lower_irql(PKTHREAD thread, KIRQL irql) noexcept
{
    if (irql > thread->irql)
        report("IRQL lowered from %d to %d", thread->irql, irql);
}

void NTAPI check_leave_region(PKTHREAD, int depth, const char* kind) noexcept
{
    if (depth <= 0)
        report("%s region left but not entered", kind);
}

void NTAPI check_paged(const char* what) noexcept
{
    PKTHREAD thread = ke::current_thread();
    if (thread->irql > APC_LEVEL)
        report("%s at IRQL %d", what, thread->irql);
}

void NTAPI check_irql(KIRQL level, const char* routine) noexcept
{
    PKTHREAD thread = ke::current_thread();
    if (thread->irql > level)
        report("%s called at IRQL %d", routine, thread->irql);
}

void NTAPI report_irql(const char* format, int irql) noexcept { report(format, irql); }

void NTAPI report_lock(const char* format, const void* lock, size_t number) noexcept
{
    report(format, lock, number);
}

int critical_region_depth()
{
    PKTHREAD thread = ke::current_thread();
    return thread->critical_regions + thread->guarded_regions;
}

} // namespace fsp::ntos::verifier
