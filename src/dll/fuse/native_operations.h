// SPDX-License-Identifier: MIT
//
// The operations of the native interface, as calls of a FUSE program. Each is in the file of its kind.
#pragma once

#include "dll/dll.h"

namespace fsp::winfuse::native {

// create.cpp
NTSTATUS get_security_by_name(FSP_FILE_SYSTEM*, PWSTR name, PUINT32 attributes, PSECURITY_DESCRIPTOR,
                              SIZE_T*);
NTSTATUS create_ex(FSP_FILE_SYSTEM*, PWSTR name, UINT32 options, UINT32 access, UINT32 attributes,
                   PSECURITY_DESCRIPTOR, UINT64 allocation_size, PVOID extra, ULONG extra_length,
                   BOOLEAN extra_is_reparse_data, PVOID* context, FSP_FSCTL_FILE_INFO*);
NTSTATUS open(FSP_FILE_SYSTEM*, PWSTR name, UINT32 options, UINT32 access, PVOID* context,
              FSP_FSCTL_FILE_INFO*);
NTSTATUS overwrite_ex(FSP_FILE_SYSTEM*, PVOID context, UINT32 attributes, BOOLEAN replace,
                      UINT64 allocation_size, PFILE_FULL_EA_INFORMATION, ULONG length, FSP_FSCTL_FILE_INFO*);
// close.cpp
VOID cleanup(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, ULONG flags);
VOID close(FSP_FILE_SYSTEM*, PVOID context);
NTSTATUS can_delete(FSP_FILE_SYSTEM*, PVOID context, PWSTR name);
// data.cpp
NTSTATUS read(FSP_FILE_SYSTEM*, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG transferred);
NTSTATUS write(FSP_FILE_SYSTEM*, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN to_end,
               BOOLEAN constrained, PULONG transferred, FSP_FSCTL_FILE_INFO*);
NTSTATUS flush(FSP_FILE_SYSTEM*, PVOID context, FSP_FSCTL_FILE_INFO*);
NTSTATUS set_file_size(FSP_FILE_SYSTEM*, PVOID context, UINT64 size, BOOLEAN allocation,
                       FSP_FSCTL_FILE_INFO*);
NTSTATUS control(FSP_FILE_SYSTEM*, PVOID context, UINT32 code, PVOID in, ULONG in_length, PVOID out,
                 ULONG out_length, PULONG transferred);
// metadata.cpp
NTSTATUS get_volume_info(FSP_FILE_SYSTEM*, FSP_FSCTL_VOLUME_INFO*);
NTSTATUS set_volume_label(FSP_FILE_SYSTEM*, PWSTR label, FSP_FSCTL_VOLUME_INFO*);
NTSTATUS get_file_info(FSP_FILE_SYSTEM*, PVOID context, FSP_FSCTL_FILE_INFO*);
NTSTATUS set_basic_info(FSP_FILE_SYSTEM*, PVOID context, UINT32 attributes, UINT64 created, UINT64 accessed,
                        UINT64 written, UINT64 changed, FSP_FSCTL_FILE_INFO*);
NTSTATUS rename(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, PWSTR new_name, BOOLEAN replace);
NTSTATUS get_security(FSP_FILE_SYSTEM*, PVOID context, PSECURITY_DESCRIPTOR, SIZE_T*);
NTSTATUS set_security(FSP_FILE_SYSTEM*, PVOID context, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR);
// directory.cpp
NTSTATUS read_directory(FSP_FILE_SYSTEM*, PVOID context, PWSTR pattern, PWSTR marker, PVOID buffer,
                        ULONG length, PULONG transferred);
NTSTATUS get_dir_info_by_name(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, FSP_FSCTL_DIR_INFO*);
// reparse.cpp
NTSTATUS resolve_reparse_points(FSP_FILE_SYSTEM*, PWSTR name, UINT32 index, BOOLEAN last, PIO_STATUS_BLOCK,
                                PVOID buffer, PSIZE_T size);
NTSTATUS get_reparse_point(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, PVOID buffer, PSIZE_T size);
NTSTATUS set_reparse_point(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, PVOID buffer, SIZE_T size);
NTSTATUS delete_reparse_point(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, PVOID buffer, SIZE_T size);
// attributes.cpp
NTSTATUS get_ea(FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION, ULONG length, PULONG transferred);
NTSTATUS set_ea(FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION, ULONG length,
                FSP_FSCTL_FILE_INFO*);

} // namespace fsp::winfuse::native
