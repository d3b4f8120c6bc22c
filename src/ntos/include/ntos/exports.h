// SPDX-License-Identifier: MIT
/// @file What MmGetSystemRoutineAddress finds, and what it does not.
#pragma once

#include <ntifs.h>

namespace fsp::ntos {

/// Makes an address known under a name; replaces an older one. The name is kept, not copied.
void register_routine(const char* name, void* address);

/// The address of a routine that is not hidden, or nullptr.
void* find_routine(const char* name);

/// While one of these lives, MmGetSystemRoutineAddress does not know the routine: a driver that loads
/// meanwhile takes its fallback, as on an older Windows. The name is kept, not copied.
class HiddenRoutine
{
  public:
    explicit HiddenRoutine(const char* name);
    HiddenRoutine(const HiddenRoutine&) = delete;
    ~HiddenRoutine();

  private:
    const char* name_;
};

} // namespace fsp::ntos
