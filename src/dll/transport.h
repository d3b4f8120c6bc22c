// SPDX-License-Identifier: MIT
/**
 * @file
 * The one way in which the library reaches the driver and the system below it.
 *
 * Where the driver runs inside this process (on the user-mode executive) src/host implements it.
 */
#pragma once

#include "dll/dll.h"

namespace fsp::nt {
struct PosixMount;
}

namespace fsp::transport {

/**
 * Opens a device for control: zero access, overlapped.
 *
 * @param nt_path e.g. "\Device\WinFsp.Disk\VolumeParams=..."; closing the handle destroys the volume
 */
NTSTATUS open(const WCHAR* nt_path, HANDLE* device);

/**
 * Sends a file system control code and waits for its end. Stopping the volume ends the wait.
 *
 * @param out_size bytes; never more is written
 * @param[out] returned bytes of output; may be null
 */
NTSTATUS control(HANDLE device, ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size,
                 ULONG* returned);

void close(HANDLE device);

/** Registers inline dispatch (FSP_FSCTL_INLINE); dispatch null: waits until no call is running, then removes.
 */
NTSTATUS set_inline_dispatch(HANDLE device, FSP_FSCTL_INLINE_DISPATCH dispatch, PVOID context,
                             UINT32 max_concurrency);

/**
 * Checks an access against a descriptor.
 *
 * @param token handle valid in this process, e.g. of a request
 * @param desired may hold MAXIMUM_ALLOWED; generic rights are mapped as those of files
 * @return STATUS_SUCCESS, STATUS_ACCESS_DENIED or an error
 */
NTSTATUS access_check(HANDLE token, PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired,
                      ACCESS_MASK* granted);

/** The descriptor of a new object, as CreatePrivateObjectSecurity makes it. Freed with free_object_security.
 */
NTSTATUS create_object_security(HANDLE token, PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
                                bool directory, PSECURITY_DESCRIPTOR* descriptor);
void free_object_security(PSECURITY_DESCRIPTOR descriptor);

/** Who a token belongs to; each SID fits its buffer. */
struct TokenIdentity
{
    static constexpr ULONG sid_size_max = 68; // SECURITY_MAX_SID_SIZE
    static constexpr ULONG group_count_max = 128;

    alignas(8) UCHAR user[sid_size_max];
    alignas(8) UCHAR owner[sid_size_max];
    alignas(8) UCHAR primary_group[sid_size_max];
    ULONG group_count;
    struct
    {
        ULONG attributes;
        alignas(8) UCHAR sid[sid_size_max];
    } groups[group_count_max];
};

/** The identity of this process. */
NTSTATUS own_token(TokenIdentity* identity);

/**
 * Shows a volume to the applications of this system.
 *
 * @param mount_point UTF-16; on Linux a directory
 * @param descriptor security of the mounted directory; may be null
 * @param[out] mount for unmount
 */
NTSTATUS mount(HANDLE volume, const WCHAR* volume_name, const WCHAR* mount_point,
               PSECURITY_DESCRIPTOR descriptor, HANDLE* mount);
void unmount(HANDLE mount);

/** The same for a volume that keeps POSIX objects (nt/posix_call.h). */
NTSTATUS mount_posix(HANDLE volume, const WCHAR* volume_name, const char* mount_point,
                     const nt::PosixMount& options, HANDLE* mount);
/** Whether that could succeed. */
NTSTATUS check_posix_mount(const char* mount_point, const nt::PosixMount& options);
/** Lets a mount forget what it knows of a file. @return 0, ENOENT if it knows nothing */
int invalidate_posix(HANDLE mount, const WCHAR* path);
/** Tells those who wait for a file that is polled. @return 0 or an error number */
int notify_poll(void* poll_handle);
void destroy_poll(void* poll_handle);

/** Why the last call on this thread failed, in a plain sentence (UTF-8); empty if there is nothing to say. */
const char* error_text();

} // namespace fsp::transport
