// SPDX-License-Identifier: MIT
/// @file Stands in for include/winfsp/nt.h where the vocabulary comes with Windows' own headers; with what
/// mingw-w64 leaves to its kernel headers, or does not have yet.
#pragma once

#include <winfsp/winfsp.h>

typedef short CSHORT;
#if !defined(MAXULONG)
#define MAXULONG 0xffffffff
#endif
#if !defined(MAXUSHORT)
#define MAXUSHORT 0xffff
#endif
#if !defined(SE_SECURITY_PRIVILEGE)
#define SE_SECURITY_PRIVILEGE 8
#define SE_TAKE_OWNERSHIP_PRIVILEGE 9
#define SE_LOAD_DRIVER_PRIVILEGE 10
#define SE_BACKUP_PRIVILEGE 17
#define SE_RESTORE_PRIVILEGE 18
#define SE_CHANGE_NOTIFY_PRIVILEGE 23
#endif
#if !defined(SE_RELABEL_PRIVILEGE)
#define SE_RELABEL_PRIVILEGE 32
#endif
#if !defined(SYSTEM_ACCESS_FILTER_ACE_TYPE)
#define SYSTEM_ACCESS_FILTER_ACE_TYPE 0x15
#endif
#if !defined(SE_SERVER_SECURITY)
#define SE_SERVER_SECURITY 0x0080
#endif
#if !defined(SE_DACL_UNTRUSTED)
#define SE_DACL_UNTRUSTED 0x0040
#endif
#if !defined(STATUS_OFFLOAD_READ_FLT_NOT_SUPPORTED)
#define STATUS_OFFLOAD_READ_FLT_NOT_SUPPORTED ((NTSTATUS)0xC000A2A1)
#define STATUS_OFFLOAD_WRITE_FLT_NOT_SUPPORTED ((NTSTATUS)0xC000A2A2)
#define STATUS_OFFLOAD_READ_FILE_NOT_SUPPORTED ((NTSTATUS)0xC000A2A3)
#define STATUS_OFFLOAD_WRITE_FILE_NOT_SUPPORTED ((NTSTATUS)0xC000A2A4)
#endif
