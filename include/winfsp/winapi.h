/* SPDX-License-Identifier: MIT */
/**
 * The few Win32 functions that file systems call beside the WinFsp API, for systems that do not
 * have them: the same source then builds on Windows and elsewhere. Documented by Microsoft; only
 * what differs is said here. Callable from any thread.
 */
#ifndef WINFSP_WINAPI_H
#define WINFSP_WINAPI_H

#if defined(_WIN32)
#error "winfsp/winapi.h is for systems without <windows.h>"
#endif

#include <winfsp/nt.h>

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(FSP_API)
#define FSP_API __attribute__((visibility("default")))
#endif

#define SDDL_REVISION_1 1

#define CSTR_LESS_THAN 1
#define CSTR_EQUAL 2
#define CSTR_GREATER_THAN 3

/** Last error of the calling thread, as set by the functions below. */
FSP_API DWORD GetLastError(void);
FSP_API VOID SetLastError(DWORD error);

/**
 * SDDL text to a self-relative security descriptor, which the caller frees with LocalFree.
 * Account names that need a domain are not known: ERROR_INVALID_SID.
 */
FSP_API BOOL ConvertStringSecurityDescriptorToSecurityDescriptorW(const WCHAR *text, DWORD revision,
    PSECURITY_DESCRIPTOR *security, PULONG size);
/** The reverse; the text is freed with LocalFree. */
FSP_API BOOL ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR security,
    DWORD revision, SECURITY_INFORMATION what, PWSTR *text, PULONG length);
/** SID text (S-1-5-18; no account names) to a SID and back; both results are freed with LocalFree. */
FSP_API BOOL ConvertStringSidToSidW(const WCHAR *text, PSID *sid);
FSP_API BOOL ConvertSidToStringSidW(PSID sid, PWSTR *text);
FSP_API HANDLE LocalFree(HANDLE memory);

FSP_API BOOL IsValidSecurityDescriptor(PSECURITY_DESCRIPTOR security);
/** @return bytes of the descriptor in its self-relative form */
FSP_API DWORD GetSecurityDescriptorLength(PSECURITY_DESCRIPTOR security);

FSP_API VOID GetSystemTimeAsFileTime(FILETIME *time);

/**
 * Compares by UTF-16 units, after upper-casing with the table that the driver uses if asked.
 * @param length1,length2 in characters; -1 if terminated
 * @return CSTR_LESS_THAN, CSTR_EQUAL, CSTR_GREATER_THAN
 */
FSP_API int CompareStringOrdinal(const WCHAR *string1, int length1, const WCHAR *string2, int length2,
    BOOL ignore_case);

#ifdef __cplusplus
}
#endif

#endif
