// SPDX-License-Identifier: MIT
//
// What the FUSE layer needs of Windows besides what the library has in dll/os.h.
#pragma once

#include <string>

#include "dll/dll.h"

namespace fsp::winfuse::system {

constexpr ULONG sid_size_max = 68; // SECURITY_MAX_SID_SIZE

/// User and primary group of a token, or of this process.
struct Identity
{
    alignas(8) UCHAR user[sid_size_max];
    alignas(8) UCHAR group[sid_size_max];
};
NTSTATUS identity_of(HANDLE token, Identity* out);
NTSTATUS own_identity(Identity* out);

/// The SID of an account by its name, in the ANSI code page; false if there is none.
bool find_account(const char* name, UCHAR (&sid)[sid_size_max]);

/// Text in the ANSI code page, as program arguments are.
std::basic_string<WCHAR> from_ansi(const char* text);

/// A file for messages: opened for append, made if it is missing. @return INVALID_HANDLE_VALUE on failure
HANDLE open_log(const char* path);

/// The path from the root of a drive; false if there is none or it is longer than `capacity`, which includes
/// the terminator.
bool full_path(const WCHAR* path, WCHAR* out, ULONG capacity);

UINT64 random_number();

/// One pointer for each thread; when a thread ends `release` is called with it unless it is null.
PVOID thread_pointer();
/// @return false without memory
bool set_thread_pointer(PVOID pointer, void (*release)(PVOID));

} // namespace fsp::winfuse::system
