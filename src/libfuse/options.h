// SPDX-License-Identifier: MIT
//
// The options of a FUSE command line that are the library's.
#pragma once

#include <string>

#include "libfuse/program.h"

struct fuse_args;

namespace fsp::libfuse {

/// What becomes of the mount.
struct MountOptions
{
    std::string kernel; ///< comma-separated: ro, nosuid, allow_other ...
    std::string source; ///< fsname=
    std::string type;   ///< subtype=
    bool default_permissions = false;
    bool nonempty = false;
    bool allow_root = false;
    bool allow_other = false;
    unsigned max_read = 0;
    bool failed = false;
};

/// What becomes of the file system.
struct LibraryOptions
{
    Config config;
    // conn-> settings
    int max_write = -1, max_read = -1, max_readahead = -1, max_background = -1, congestion_threshold = -1;
    unsigned want = 0, refuse = 0;
    bool help = false;
    bool version = false;
    bool failed = false;
    std::string volume_label, file_system_name, unc_prefix; ///< WinFsp's
    bool dot_hidden = false;
};

/// The options of every command line: -h -V -d -f -s and the mount point.
struct CommandLine
{
    bool single_thread = false;
    bool foreground = false;
    bool debug = false;
    bool help = false;
    bool version = false;
    bool no_default_subtype = false;
    bool clone_fd = false;
    unsigned max_idle_threads = 10;
    unsigned max_threads = 10;
    std::string mount_point;
    bool has_mount_point = false;
    bool failed = false;
};

/// Which library is asked: the words and the errors differ.
enum class Version
{
    two = 2,
    three = 3
};

// Each takes its options off the command line and leaves the rest. Errors have been said when they return
// false.
bool take_mount_options(fuse_args* args, Version version, MountOptions* out);
bool take_library_options(fuse_args* args, Version version, LibraryOptions* out);
bool take_command_line(fuse_args* args, Version version, CommandLine* out);
/// What nobody took. @return false after a message if there is something
bool check_nothing_left(const fuse_args* args, Version version);

bool is_library_option(const char* option);

void print_command_line_help();
void print_library_help(Version version);
void print_mount_help(Version version);

} // namespace fsp::libfuse
