// SPDX-License-Identifier: MIT
//
// The options of a FUSE command line that are the library's.
#pragma once

#include "dll/fuse/opt.h"

namespace fsp::winfuse {

constexpr size_t descriptor_size_max = 1024;

/// As the user gave them. Trivial: it lies in memory of the program.
struct Options
{
    Env* env;

    int help, version, debug;
    char* debug_log; ///< ANSI; of the environment's memory, released with release_options
    int set_umask, umask;
    int set_create_umask, create_umask;
    int set_create_file_umask, create_file_umask;
    int set_create_dir_umask, create_dir_umask;
    int set_uid, uid; ///< -1 until resolve_identities: who mounts
    int set_gid, gid;
    int set_attr_timeout, attr_timeout; ///< seconds
    int rellinks, dothidden;
    UINT16 sector_size, sectors_per_allocation_unit, max_component_length;
    INT64 volume_creation_time;
    UINT64 volume_serial_number;
    int set_file_info_timeout, file_info_timeout; ///< milliseconds; -1: for ever
    int set_dir_info_timeout, dir_info_timeout;
    int set_ea_timeout, ea_timeout;
    int set_volume_info_timeout, volume_info_timeout;
    int keep_file_cache, flush_on_cleanup, legacy_unlink_rename, add_write_ea_access;
    unsigned thread_count;

    bool set_uid_map;
    bool has_security;
    WCHAR volume_prefix[FSP_FSCTL_VOLUME_PREFIX_SIZE / sizeof(WCHAR)];
    WCHAR file_system_name[FSP_FSCTL_VOLUME_FSNAME_SIZE / sizeof(WCHAR)];
    WCHAR volume_label[32 + 1];
    alignas(8) UINT8 security[descriptor_size_max];
};

/// Takes the core options off a command line. @return false: one cannot be; it has been said why
bool take_options(Env* env, fuse_args* args, Options* out);
void release_options(Options* options);

/// Puts user and group of this process where the options say -1. @return false after a message
bool resolve_identities(Options* options);

bool is_core_option(const char* option);

/// Says something to the user: on standard error, or in the event log.
void say(ULONG type, const WCHAR* format, ...);

void print_core_help();
void print_version();
void print_fuse_help();
void print_usage(const char* program);

} // namespace fsp::winfuse
