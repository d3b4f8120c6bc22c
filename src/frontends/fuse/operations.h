// SPDX-License-Identifier: MIT
//
// The requests of the kernel, in groups; one source file each.
#pragma once

#include "frontends/fuse/request.h"

namespace fsp::fuse {

void add_lookup_operations(fuse_lowlevel_ops& operations);  // lookup, forget, getattr
void add_setattr_operations(fuse_lowlevel_ops& operations); // setattr
void add_special_operations(fuse_lowlevel_ops& operations); // symlink, readlink, mknod, link
void add_name_operations(fuse_lowlevel_ops& operations);    // mkdir, unlink, rmdir, rename
void add_file_operations(fuse_lowlevel_ops& operations);    // create, open, release, flush, fsync
void add_data_operations(fuse_lowlevel_ops& operations);    // read, write, fallocate, lseek, copy_file_range
void add_directory_operations(
    fuse_lowlevel_ops& operations); // opendir, readdir, readdirplus, releasedir, fsyncdir
void add_volume_operations(fuse_lowlevel_ops& operations); // statfs, ioctl
void add_xattr_operations(fuse_lowlevel_ops& operations);  // getxattr, setxattr, listxattr, removexattr

/// What is different on a volume that keeps POSIX objects: nearly all of it.
void add_posix_operations(fuse_lowlevel_ops& operations, const nt::PosixMount& posix);
void add_posix_list_operations(fuse_lowlevel_ops& operations); // readdir, readdirplus

/// The same as make_entry there, with attributes that the file system has told.
fuse_entry_param posix_entry(Request& request, Inode& parent, std::u16string_view name,
                             const struct stat& attributes);

/// The inode of a name that was just found or made, with one more lookup, and what the kernel is told about
/// it.
fuse_entry_param make_entry(Request& request, Inode& parent, std::u16string_view name,
                            const Attributes& attributes);

/// How long the kernel may remember the attributes, in seconds.
double attribute_timeout(Session& session, Inode& inode);

/// Takes the lookup of an entry back that the kernel did not get.
void take_back(Request& request, const fuse_entry_param& entry);

/// Answers a request that made or found a name.
void reply_entry(Request& request, Inode& parent, std::u16string_view name, const Attributes& attributes);

/// Remembers owner and mode of an inode.
void remember(Request& request, Inode& inode, const Attributes& attributes, Standing standing = {});

/// Before and after owner or mode of an inode change: what is read meanwhile does not stand.
void ownership_changes(Request& request, Inode& inode);

/// Takes set-user-ID and set-group-ID from a file that is about to be changed, by somebody other than root or
/// by `anybody`.
void drop_privileges(Request& request, Inode& inode, bool anybody = false);

/// A new file: who owns it and with which mode, by the rules of Linux for set-group-ID directories.
NTSTATUS new_ownership(Request& request, Inode& parent, mode_t mode, Ownership* out);

/// Creates a name with security and returns its handle and attributes.
struct NewFile
{
    NtHandle handle;
    Attributes attributes;
};
NTSTATUS create_file(Request& request, Inode& parent, std::u16string_view name, mode_t mode,
                     ACCESS_MASK access, ULONG options, NewFile* out);

/// Asks the driver to rename an open file.
NTSTATUS rename_file(Request& request, HANDLE file, Inode& new_parent, std::u16string_view new_name,
                     bool same_directory, bool replace);

/// Removes a name; a file that is open lives on without it.
NTSTATUS remove_file(Request& request, Inode& parent, std::u16string_view name, bool directory);

/// Marks an open file for deletion: without a trace if the volume can, else when the last handle closes.
NTSTATUS set_delete(const Session& session, HANDLE file);

/// Sets or clears what a security descriptor cannot hold of a mode.
NTSTATUS set_mode_ea(HANDLE file, mode_t mode);

} // namespace fsp::fuse
