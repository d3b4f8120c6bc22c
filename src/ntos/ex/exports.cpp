// SPDX-License-Identifier: MIT
#include "ntos/exports.h"

#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

// What the executive exports. The names are declared without their types: only the address matters. Weak,
// because a program that links the executive as a static library need not have every part of it.
#define ROUTINE(name) extern "C" void export_##name() __asm__(#name) __attribute__((weak));
#include "ex/exports.inc"
#undef ROUTINE

namespace fsp::ntos {

namespace {

struct Known
{
    void* address;
    int hidden;
};

struct Registry
{
    Registry()
    {
#define ROUTINE(name)                                                                                        \
    if (export_##name != nullptr)                                                                            \
        routines[#name] = {reinterpret_cast<void*>(export_##name), 0};
#include "ex/exports.inc"
#undef ROUTINE
    }

    std::mutex lock;
    std::map<std::string_view, Known> routines;
};

Registry& registry()
{
    static Registry* instance = new Registry;
    return *instance;
}

void hide(const char* name, int by)
{
    Registry& r = registry();
    std::lock_guard guard(r.lock);
    r.routines[name].hidden += by;
}

} // namespace

void register_routine(const char* name, void* address)
{
    Registry& r = registry();
    std::lock_guard guard(r.lock);
    r.routines[name].address = address;
}

void* find_routine(const char* name)
{
    Registry& r = registry();
    std::lock_guard guard(r.lock);
    const auto found = r.routines.find(name);
    return found == r.routines.end() || found->second.hidden != 0 ? nullptr : found->second.address;
}

HiddenRoutine::HiddenRoutine(const char* name) : name_(name) { hide(name, 1); }
HiddenRoutine::~HiddenRoutine() { hide(name_, -1); }

} // namespace fsp::ntos

extern "C" PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
    std::string name;
    for (size_t i = 0; i < SystemRoutineName->Length / sizeof(WCHAR); i++) {
        const WCHAR c = SystemRoutineName->Buffer[i];
        if (c == 0 || c >= 0x80)
            return nullptr;
        name.push_back(char(c));
    }
    return fsp::ntos::find_routine(name.c_str());
}
