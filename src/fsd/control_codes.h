// SPDX-License-Identifier: MIT
#pragma once

/// File system control codes and their structures, as far as headers of the one or the other system lack
/// them.

#include "wdk.h"

#define FSP_FS_CODE_(function, method, access) CTL_CODE(FILE_DEVICE_FILE_SYSTEM, function, method, access)

#if !defined(FSCTL_REQUEST_OPLOCK_LEVEL_1)
#define FSCTL_REQUEST_OPLOCK_LEVEL_1 FSP_FS_CODE_(0, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_REQUEST_OPLOCK_LEVEL_2 FSP_FS_CODE_(1, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_REQUEST_BATCH_OPLOCK FSP_FS_CODE_(2, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_OPLOCK_BREAK_ACKNOWLEDGE FSP_FS_CODE_(3, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_OPBATCH_ACK_CLOSE_PENDING FSP_FS_CODE_(4, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_OPLOCK_BREAK_NOTIFY FSP_FS_CODE_(5, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_IS_VOLUME_MOUNTED)
#define FSCTL_IS_VOLUME_MOUNTED FSP_FS_CODE_(10, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_OPLOCK_BREAK_ACK_NO_2)
#define FSCTL_OPLOCK_BREAK_ACK_NO_2 FSP_FS_CODE_(20, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_REQUEST_FILTER_OPLOCK)
#define FSCTL_REQUEST_FILTER_OPLOCK FSP_FS_CODE_(23, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_FILESYSTEM_GET_STATISTICS)
#define FSCTL_FILESYSTEM_GET_STATISTICS FSP_FS_CODE_(24, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_GET_RETRIEVAL_POINTERS)
#define FSCTL_GET_RETRIEVAL_POINTERS FSP_FS_CODE_(28, METHOD_NEITHER, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_SET_REPARSE_POINT)
#define FSCTL_SET_REPARSE_POINT FSP_FS_CODE_(41, METHOD_BUFFERED, FILE_SPECIAL_ACCESS)
#define FSCTL_GET_REPARSE_POINT FSP_FS_CODE_(42, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_DELETE_REPARSE_POINT FSP_FS_CODE_(43, METHOD_BUFFERED, FILE_SPECIAL_ACCESS)
#endif
#if !defined(FSCTL_QUERY_PERSISTENT_VOLUME_STATE)
#define FSCTL_QUERY_PERSISTENT_VOLUME_STATE FSP_FS_CODE_(143, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif
#if !defined(FSCTL_REQUEST_OPLOCK)
#define FSCTL_REQUEST_OPLOCK FSP_FS_CODE_(144, METHOD_BUFFERED, FILE_ANY_ACCESS)
#endif

namespace fsp::fsd {

/// REQUEST_OPLOCK_INPUT_BUFFER
struct OplockInput
{
    USHORT version;
    USHORT length;
    ULONG level; // 1 read, 2 handle, 4 write
    ULONG flags; // 1 request, 2 acknowledgement
};
constexpr ULONG oplock_output_size = 24; // REQUEST_OPLOCK_OUTPUT_BUFFER
constexpr ULONG oplock_level_handle = 2, oplock_level_write = 4;
constexpr ULONG oplock_flag_request = 1, oplock_flag_acknowledge = 2;

/// FILE_FS_PERSISTENT_VOLUME_INFORMATION
struct PersistentVolumeState
{
    ULONG flags, mask, version, reserved;
};
constexpr ULONG short_name_creation_disabled = 1;

/// RETRIEVAL_POINTERS_BUFFER of one extent
struct RetrievalPointers
{
    ULONG extents;
    LONGLONG starting_vcn;
    LONGLONG next_vcn;
    LONGLONG lcn;
};

} // namespace fsp::fsd
