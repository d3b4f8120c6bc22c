// SPDX-License-Identifier: MIT
#pragma once
#include "wdk.h"

/// Extended attributes as they travel: chains of FILE_FULL_EA_INFORMATION and FILE_GET_EA_INFORMATION. No
/// function here touches a file or an IRP; all of them take bytes that may be anything.
namespace fsp::fsd::ea {

/// 1 to 254 bytes, none of which is illegal in a FAT name.
bool name_valid(const CHAR* name, ULONG length);

/// What a caller wants to set: a chain as IoCheckEaBufferValidity accepts it, with names that name_valid
/// accepts.
/// @param[out] bad_offset of the offending entry
/// @return STATUS_EA_LIST_INCONSISTENT, STATUS_INVALID_EA_NAME or STATUS_SUCCESS
NTSTATUS validate(const void* set, ULONG size, ULONG* bad_offset);

/// What a file system answered: cuts the chain at its last entry, then validates it.
NTSTATUS validate_answer(void* set, ULONG size);

struct QueryRules
{
    bool preserve_case = false; // else names are returned in upper case
    bool single_entry = false;
};

/// The EAs that `list` (FILE_GET_EA_INFORMATION) names, in its order; what the file lacks comes with an empty
/// value.
/// @param[out] written bytes; 0 unless the result is STATUS_SUCCESS
/// @param[out] bad_offset of the list entry with an invalid name
NTSTATUS query_list(const void* set, ULONG set_size, const void* list, ULONG list_size,
                    const QueryRules& rules, void* out, ULONG out_size, ULONG* written, ULONG* bad_offset);

/// EAs from number `*index` (1 is the first) on. Moves *index behind the last one that was returned.
/// @param explicit_index the caller named the number; it is an error if there is no such EA
NTSTATUS query_scan(const void* set, ULONG set_size, bool explicit_index, ULONG* index,
                    const QueryRules& rules, void* out, ULONG out_size, ULONG* written);

/// The value of one EA (name compared without case). @return null if the file has no such EA
const UCHAR* find(const void* set, ULONG set_size, const CHAR* name, ULONG name_length, ULONG* value_length);

} // namespace fsp::fsd::ea
