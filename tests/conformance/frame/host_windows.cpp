// SPDX-License-Identifier: MIT
#include "host.h"

// The DDK's headers and <windows.h> do not go together: these few functions are declared by hand.
extern "C" {
__declspec(dllimport) unsigned long __stdcall GetFullPathNameW(const wchar_t*, unsigned long, wchar_t*,
                                                               wchar_t**);
__declspec(dllimport) int __stdcall MultiByteToWideChar(unsigned, unsigned long, const char*, int, wchar_t*,
                                                        int);
__declspec(dllimport) int __stdcall ConvertStringSecurityDescriptorToSecurityDescriptorW(const wchar_t*,
                                                                                         unsigned long,
                                                                                         void**,
                                                                                         unsigned long*);
__declspec(dllimport) int __stdcall ConvertSecurityDescriptorToStringSecurityDescriptorW(void*, unsigned long,
                                                                                         unsigned long,
                                                                                         wchar_t**,
                                                                                         unsigned long*);
__declspec(dllimport) void* __stdcall LocalFree(void*);
}

#include <cstdio>

namespace conformance::host {

namespace {

/// What administrators have but must ask for. Tests skip where it is not granted.
void enable_privileges()
{
    HANDLE token = nullptr;
    if (!NT_SUCCESS(NtOpenProcessTokenEx(NtCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, 0, &token)))
        return;
    for (const ULONG privilege : {SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE, SE_SECURITY_PRIVILEGE,
                                  SE_TAKE_OWNERSHIP_PRIVILEGE, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE})
    {
        TOKEN_PRIVILEGES wanted{1, {{{privilege, 0}, SE_PRIVILEGE_ENABLED}}};
        NtAdjustPrivilegesToken(token, FALSE, &wanted, 0, nullptr, nullptr);
    }
    NtClose(token);
}

} // namespace

int take_argument(const char*, const char*) { return 0; }

std::u16string start(std::string_view directory)
{
    wchar_t wide[4096]{}, full[4096]{};
    const int length =
        MultiByteToWideChar(0, 0, directory.data(), static_cast<int>(directory.size()), wide, 4095);
    if (length <= 0 || GetFullPathNameW(wide, 4095, full, nullptr) == 0) {
        std::fprintf(stderr,
                     "conformance: name a directory on the volume to test, e.g. conformance-x64 X:\\\n");
        return {};
    }
    std::u16string path = reinterpret_cast<const char16_t*>(full);
    while (path.ends_with(u'\\'))
        path.pop_back();
    enable_privileges();
    return path.starts_with(u"\\\\") ? u"\\??\\UNC" + path.substr(1) : u"\\??\\" + path;
}

bool failures_count() { return true; }

bool stop() { return true; }

std::vector<std::uint8_t> descriptor(std::u16string_view sddl)
{
    void* made = nullptr;
    unsigned long size = 0;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            reinterpret_cast<const wchar_t*>(std::u16string(sddl).c_str()), 1, &made, &size))
        return {};
    const auto* bytes = static_cast<const std::uint8_t*>(made);
    std::vector<std::uint8_t> result(bytes, bytes + size);
    LocalFree(made);
    return result;
}

std::u16string sddl(const void* descriptor, SECURITY_INFORMATION parts)
{
    wchar_t* text = nullptr;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(const_cast<void*>(descriptor), 1, parts, &text,
                                                              nullptr))
        return {};
    std::u16string result = reinterpret_cast<const char16_t*>(text);
    LocalFree(text);
    return result;
}

} // namespace conformance::host
