// SPDX-License-Identifier: MIT
/// @file Opening files: from NtCreateFile's parameters to IRP_MJ_CREATE.
#pragma once

#include "ntos/ob/object.h"

#include <string>
#include <string_view>

namespace fsp::ntos::io {

struct OpenRequest
{
    ACCESS_MASK desired_access = 0;
    POBJECT_ATTRIBUTES attributes = nullptr;
    PLARGE_INTEGER allocation_size = nullptr;
    ULONG file_attributes = 0;
    ULONG share_access = 0;
    ULONG disposition = FILE_OPEN;
    ULONG create_options = 0;
    PVOID ea = nullptr;
    ULONG ea_length = 0;
    /// IO_FORCE_ACCESS_CHECK, IO_OPEN_TARGET_DIRECTORY, IO_NO_PARAMETER_CHECKING ...
    ULONG options = 0;
    KPROCESSOR_MODE mode = UserMode;
    PIO_DRIVER_CREATE_CONTEXT driver_context = nullptr;
    /// For NtQueryAttributesFile: filled by FastIoQueryOpen if the driver can, and then no file is opened.
    PFILE_NETWORK_OPEN_INFORMATION query = nullptr;
};

struct OpenResult
{
    ob::Ref<FILE_OBJECT> file;
    ACCESS_MASK granted = 0;
    IO_STATUS_BLOCK iosb{};
    /// FastIoQueryOpen answered; there is no file.
    bool answered = false;
};

/// Opens without making a handle. The caller must make one or let IRP_MJ_CLEANUP be sent (see close_unused).
NTSTATUS open(const OpenRequest& request, OpenResult* result);

/// Opens and makes a handle.
NTSTATUS open_handle(const OpenRequest& request, PIO_STATUS_BLOCK iosb, PHANDLE handle);

// Reparse points (io/reparse.cpp)

/**
 * The absolute name under which an open goes on.
 *
 * @param device    name of the device the file is on, for relative symbolic links
 * @param opened    name that was opened on the device
 * @param tag       IoStatus.Information of the open
 * @param buffer    auxiliary buffer, or nullptr
 * @return STATUS_IO_REPARSE_TAG_NOT_HANDLED, STATUS_IO_REPARSE_DATA_INVALID
 */
NTSTATUS reparse_name(std::u16string_view device, std::u16string_view opened, ULONG_PTR tag,
                      const REPARSE_DATA_BUFFER* buffer, std::u16string* name);

} // namespace fsp::ntos::io
