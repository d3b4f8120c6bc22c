// SPDX-License-Identifier: MIT
//
// What the compiler and the C++ library expect of a C run-time library: the DLL has none, so that it can live
// in any process beside any other. Memory is that of the process heap.
#include "dll/dll.h"

#include <new>

extern "C" {

// Linked in the order of the files; the first entry is a count or -1, the last is null.
extern void (*__CTOR_LIST__[])();

void* memcpy(void* to, const void* from, size_t size)
{
    auto* out = static_cast<unsigned char*>(to);
    const auto* in = static_cast<const unsigned char*>(from);
#if defined(__x86_64__) || defined(__i386__)
    void* result = to;
    __asm__ volatile("rep movsb" : "+D"(out), "+S"(in), "+c"(size) : : "memory");
    return result;
#else
    for (; size != 0; --size)
        *out++ = *in++;
    return to;
#endif
}

void* memmove(void* to, const void* from, size_t size)
{
    auto* out = static_cast<volatile unsigned char*>(to);
    const auto* in = static_cast<const volatile unsigned char*>(from);
    if (static_cast<size_t>(static_cast<unsigned char*>(to) - static_cast<const unsigned char*>(from)) >=
        size)
        return memcpy(to, from, size);
    while (size-- != 0)
        out[size] = in[size];
    return to;
}

void* memset(void* to, int value, size_t size)
{
    auto* out = static_cast<unsigned char*>(to);
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("rep stosb" : "+D"(out), "+c"(size) : "a"(value) : "memory");
#else
    for (volatile unsigned char* at = out; size != 0; --size)
        *at++ = static_cast<unsigned char>(value);
#endif
    return to;
}

int memcmp(const void* a, const void* b, size_t size)
{
    const auto* x = static_cast<const unsigned char*>(a);
    const auto* y = static_cast<const unsigned char*>(b);
    for (; size != 0; --size, ++x, ++y)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void* memchr(const void* where, int value, size_t size)
{
    for (const auto* at = static_cast<const unsigned char*>(where); size != 0; --size, ++at)
        if (*at == static_cast<unsigned char>(value))
            return const_cast<unsigned char*>(at);
    return nullptr;
}

size_t strlen(const char* text)
{
    const volatile char* end = text;
    while (*end != 0)
        ++end;
    return static_cast<size_t>(end - text);
}

int strcmp(const char* a, const char* b)
{
    for (; *a != 0 && *a == *b; ++a, ++b)
        ;
    return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

char* strchr(const char* text, int c)
{
    for (;; ++text)
        if (*text == static_cast<char>(c))
            return const_cast<char*>(text);
        else if (*text == 0)
            return nullptr;
}

char* strrchr(const char* text, int c)
{
    for (const char* at = text + strlen(text);; --at)
        if (*at == static_cast<char>(c))
            return const_cast<char*>(at);
        else if (at == text)
            return nullptr;
}

size_t wcslen(const wchar_t* text)
{
    const volatile wchar_t* end = text;
    while (*end != 0)
        ++end;
    return static_cast<size_t>(end - text);
}

wchar_t* wmemcpy(wchar_t* to, const wchar_t* from, size_t count)
{
    return static_cast<wchar_t*>(memcpy(to, from, count * sizeof(wchar_t)));
}

wchar_t* wmemmove(wchar_t* to, const wchar_t* from, size_t count)
{
    return static_cast<wchar_t*>(memmove(to, from, count * sizeof(wchar_t)));
}

wchar_t* wmemset(wchar_t* to, wchar_t value, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        static_cast<volatile wchar_t*>(to)[i] = value;
    return to;
}

int wmemcmp(const wchar_t* a, const wchar_t* b, size_t count)
{
    for (; count != 0; --count, ++a, ++b)
        if (*a != *b)
            return *a < *b ? -1 : 1;
    return 0;
}

wchar_t* wmemchr(const wchar_t* where, wchar_t value, size_t count)
{
    for (; count != 0; --count, ++where)
        if (*where == value)
            return const_cast<wchar_t*>(where);
    return nullptr;
}

void* malloc(size_t size) { return HeapAlloc(GetProcessHeap(), 0, size); }
void free(void* memory)
{
    if (memory != nullptr)
        HeapFree(GetProcessHeap(), 0, memory);
}
void* calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return nullptr;
    return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, count * size);
}
void* realloc(void* memory, size_t size)
{
    return memory != nullptr ? HeapReAlloc(GetProcessHeap(), 0, memory, size) : malloc(size);
}

__attribute__((noreturn)) void abort() { TerminateProcess(GetCurrentProcess(), 3), __builtin_trap(); }
[[noreturn]] void __cxa_pure_virtual() { abort(); }
// Global objects live as long as the process.
int atexit(void (*)()) { return 0; }
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }

} // extern "C"

void* operator new(size_t size)
{
    if (void* memory = malloc(size))
        return memory;
    abort();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void* operator new[](size_t size) { return operator new(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }

namespace std {
const nothrow_t nothrow{};
// There are no exceptions in the DLL.
void __throw_length_error(const char*) { abort(); }
void __throw_logic_error(const char*) { abort(); }
void __throw_bad_alloc() { abort(); }
void __throw_bad_array_new_length() { abort(); }
void __throw_out_of_range_fmt(const char*, ...) { abort(); }
} // namespace std

namespace fsp::dll {

HINSTANCE module = nullptr;

} // namespace fsp::dll

extern "C" BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID)
{
    if (reason == DLL_PROCESS_ATTACH) {
        fsp::dll::module = instance;
        DisableThreadLibraryCalls(instance);
        size_t count = 0;
        while (__CTOR_LIST__[count + 1] != nullptr)
            ++count;
        for (; count != 0; --count)
            __CTOR_LIST__[count]();
    }
    return TRUE;
}

#if defined(__aarch64__)
// Touches a large frame page by page before it is used, so that the stack grows: X15 holds its size in units
// of 16.
__asm__(R"(
    .globl __chkstk
__chkstk:
    lsl x16, x15, #4
    mov x17, sp
1:  sub x17, x17, #4096
    subs x16, x16, #4096
    ldr xzr, [x17]
    b.gt 1b
    ret
)");
#endif
