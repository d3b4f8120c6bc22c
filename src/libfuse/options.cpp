// SPDX-License-Identifier: MIT
#include "libfuse/options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include "fuse/fuse_opt.h"

namespace fsp::libfuse {
namespace {

/// One argument, as a question: is it this option, and with which value?
class Argument
{
  public:
    explicit Argument(const char* text) : text_(text) {}

    bool is(std::string_view name) const { return text_ == name; }

    /// "name=value"; `name` includes the '='.
    bool starts(std::string_view name)
    {
        if (!text_.starts_with(name))
            return false;
        value_ = text_.substr(name.size());
        return true;
    }

    bool text(std::string_view name, std::string* out)
    {
        if (!starts(name))
            return false;
        *out = value_;
        return true;
    }

    template<class Number> bool number(std::string_view name, Number* out, bool* failed, int base = 10)
    {
        if (!starts(name))
            return false;
        Number parsed{};
        std::from_chars_result result{};
        if constexpr (std::is_floating_point_v<Number>)
            result = std::from_chars(value_.data(), value_.data() + value_.size(), parsed);
        else
            result = std::from_chars(value_.data(), value_.data() + value_.size(), parsed, base);
        const bool is_number = parsed == parsed; // and not the one that is called so
        if (value_.empty() || !is_number || result.ec != std::errc() ||
            result.ptr != value_.data() + value_.size())
        {
            std::fprintf(stderr, "fuse: invalid parameter in option `%s'\n", std::string(text_).c_str());
            *failed = true;
        } else
            *out = parsed;
        return true;
    }

  private:
    std::string_view text_;
    std::string_view value_;
};

void add(std::string* list, const char* option)
{
    if (!list->empty())
        *list += ',';
    for (; *option; ++option) {
        if (*option == ',' || *option == '\\')
            *list += '\\';
        *list += *option;
    }
}

/// What mount(8) knows; handed on as it is.
bool is_kernel_option(const char* text)
{
    static constexpr std::string_view plain[] = {
        "ro",          "rw",           "suid",       "nosuid",    "dev",      "nodev",
        "exec",        "noexec",       "async",      "sync",      "dirsync",  "atime",
        "noatime",     "nodiratime",   "norelatime", "diratime",  "relatime", "nostrictatime",
        "strictatime", "auto_unmount", "blkdev",     "large_read"};
    const std::string_view option(text);
    for (const auto& known : plain)
        if (option == known)
            return true;
    return option.starts_with("blksize=") || option.starts_with("context=") ||
           option.starts_with("fscontext=") || option.starts_with("defcontext=") ||
           option.starts_with("rootcontext=") || option.starts_with("max_batch=");
}

struct MountParse
{
    MountOptions* out;
    Version version;
};

constexpr int keep = 1, drop = 0;

int take_mount(void* data, const char* text, int key, fuse_args*)
{
    auto& parse = *static_cast<MountParse*>(data);
    MountOptions& out = *parse.out;
    if (key != FUSE_OPT_KEY_OPT)
        return keep;
    Argument argument(text);
    if (argument.text("fsname=", &out.source) || argument.text("subtype=", &out.type) ||
        argument.number("max_read=", &out.max_read, &out.failed))
        return out.failed ? -1 : drop;
    if (argument.is("default_permissions"))
        return out.default_permissions = true, drop;
    if (argument.is("allow_other"))
        return out.allow_other = true, drop;
    if (argument.is("allow_root"))
        return out.allow_root = true, drop;
    if (argument.is("nonempty")) {
        if (parse.version == Version::three) {
            std::fputs("fuse: unknown option(s): `-o nonempty'\n", stderr);
            return -1;
        }
        return out.nonempty = true, drop;
    }
    // Of mount(8), about things that it does itself.
    for (const char* name : {"auto", "noauto", "user", "nouser", "users", "_netdev", "defaults",
                             "rootmode=", "user_id=", "group_id=", "fd="})
        if (std::strchr(name, '=') ? argument.starts(name) : argument.is(name)) {
            if (std::strchr(name, '='))
                std::fprintf(stderr, "fuse: option `%s' is for internal use and is ignored\n", text);
            return drop;
        }
    if (argument.starts("user=") || argument.starts("x-"))
        return drop;
    if (argument.is("auto_unmount"))
        return add(&out.kernel, text), drop;
    if (is_kernel_option(text)) {
        // "large_read" is from before max_read, and "blkdev" from before its checks: nothing to do today.
        if (!argument.is("large_read"))
            add(&out.kernel, text);
        return drop;
    }
    return keep;
}

/// The options that set or clear a capability of the connection: name, the bit, which versions.
struct Capability
{
    const char* name;
    unsigned bit;
};
constexpr Capability capabilities[] = {
    {"async_read", 1u << 0},     {"posix_locks", 1u << 1},      {"atomic_o_trunc", 1u << 3},
    {"export_support", 1u << 4}, {"dont_mask", 1u << 6},        {"splice_write", 1u << 7},
    {"splice_move", 1u << 8},    {"splice_read", 1u << 9},      {"flock", 1u << 10},
    {"ioctl_dir", 1u << 11},     {"auto_inval_data", 1u << 12}, {"readdirplus", 1u << 13},
    {"async_dio", 1u << 15},     {"writeback_cache", 1u << 16},
};

bool take_capability(const char* text, LibraryOptions* out)
{
    std::string_view option(text);
    if (option == "sync_read") {
        out->refuse |= 1;
        return true;
    }
    if (option == "no_remote_lock")
        return out->refuse |= 1u << 1 | 1u << 10, true;
    if (option == "no_remote_posix_lock")
        return out->refuse |= 1u << 1, true;
    if (option == "no_remote_flock")
        return out->refuse |= 1u << 10, true;
    if (option == "readdirplus=no")
        return out->refuse |= 3u << 13, true;
    if (option == "readdirplus=yes")
        return out->refuse |= 1u << 14, true;
    if (option == "readdirplus=auto" || option == "big_writes")
        return true;
    const bool off = option.starts_with("no_");
    if (off)
        option.remove_prefix(3);
    for (const auto& capability : capabilities)
        if (option == capability.name) {
            (off ? out->refuse : out->want) |= capability.bit;
            (off ? out->want : out->refuse) &= ~capability.bit;
            return true;
        }
    return false;
}

bool take_winfsp(Argument& argument, LibraryOptions* out)
{
    if (argument.text("volname=", &out->volume_label) ||
        argument.text("FileSystemName=", &out->file_system_name) ||
        argument.text("fstypename=", &out->file_system_name) ||
        argument.text("ExactFileSystemName=", &out->file_system_name) ||
        argument.text("VolumePrefix=", &out->unc_prefix) || argument.text("UNC=", &out->unc_prefix))
        return true;
    for (const char* name : {"--FileSystemName=", "--ExactFileSystemName="})
        if (argument.text(name, &out->file_system_name))
            return true;
    for (const char* name : {"--VolumePrefix=", "--UNC="})
        if (argument.text(name, &out->unc_prefix))
            return true;
    if (argument.is("dothidden"))
        return out->dot_hidden = true;
    if (argument.is("nodothidden"))
        return out->dot_hidden = false, true;
    // Of WinFsp, about things that Linux mounts do not have or decide otherwise.
    for (const char* name : {"rellinks",
                             "norellinks",
                             "KeepFileCache",
                             "KeepFileCache=",
                             "FlushOnCleanup=",
                             "LegacyUnlinkRename=",
                             "AddWriteEaAccess",
                             "ThreadCount=",
                             "SectorSize=",
                             "SectorsPerAllocationUnit=",
                             "MaxComponentLength=",
                             "VolumeCreationTime=",
                             "VolumeSerialNumber=",
                             "FileInfoTimeout=",
                             "DirInfoTimeout=",
                             "EaTimeout=",
                             "VolumeInfoTimeout=",
                             "FileSecurity=",
                             "UserName=",
                             "GroupName=",
                             "uidmap=",
                             "create_umask=",
                             "create_file_umask=",
                             "create_dir_umask=",
                             "DebugLog=",
                             "--FileSecurity=",
                             "--UserName=",
                             "--GroupName="})
        if (std::strchr(name, '=') ? argument.starts(name) : argument.is(name))
            return true;
    return false;
}

struct LibraryParse
{
    LibraryOptions* out;
    Version version;
};

int take_library(void* data, const char* text, int key, fuse_args*)
{
    auto& parse = *static_cast<LibraryParse*>(data);
    LibraryOptions& out = *parse.out;
    Config& config = out.config;
    if (key != FUSE_OPT_KEY_OPT)
        return keep;
    Argument argument(text);
    const bool two = parse.version == Version::two;

    if (argument.is("-h") || argument.is("--help"))
        return out.help = true, two ? keep : drop;
    if (argument.is("-V") || argument.is("--version"))
        return out.version = true, two ? keep : drop;
    if (argument.is("debug") || argument.is("-d"))
        return config.debug = true, drop;
    if (argument.is("kernel_cache"))
        return config.kernel_cache = true, drop;
    if (argument.is("auto_cache"))
        return config.auto_cache = true, drop;
    if (argument.is("noauto_cache"))
        return config.auto_cache = false, drop;
    if (argument.is("no_rofd_flush"))
        return config.no_rofd_flush = true, drop;
    if (argument.is("intr"))
        return config.intr = true, drop;
    if (argument.is("noforget"))
        return config.remember = -1, drop;
    if (argument.is("hard_remove"))
        return config.hard_remove = true, drop;
    if (argument.is("use_ino"))
        return config.use_ino = true, drop;
    if (argument.is("readdir_ino"))
        return config.readdir_ino = true, drop;
    if (argument.is("direct_io"))
        return config.direct_io = true, drop;
    if (argument.is("nopath"))
        return config.nullpath_ok = true, drop;
    bool& failed = out.failed;
    // uid=-1 and gid=-1 are whoever mounts.
    if (argument.is("uid=-1"))
        return config.set_uid = true, config.uid = getuid(), drop;
    if (argument.is("gid=-1"))
        return config.set_gid = true, config.gid = getgid(), drop;
    if (argument.number("umask=", &config.umask, &failed, 8))
        return config.set_mode = true, failed ? -1 : drop;
    if (argument.number("uid=", &config.uid, &failed))
        return config.set_uid = true, failed ? -1 : drop;
    if (argument.number("gid=", &config.gid, &failed))
        return config.set_gid = true, failed ? -1 : drop;
    if (argument.number("ac_attr_timeout=", &config.ac_attr_timeout, &failed))
        return config.ac_attr_timeout_set = true, failed ? -1 : drop;
    if (argument.number("entry_timeout=", &config.entry_timeout, &failed) ||
        argument.number("attr_timeout=", &config.attr_timeout, &failed) ||
        argument.number("negative_timeout=", &config.negative_timeout, &failed) ||
        argument.number("remember=", &config.remember, &failed) ||
        argument.number("intr_signal=", &config.intr_signal, &failed) ||
        argument.number("max_write=", &out.max_write, &failed) ||
        argument.number("max_readahead=", &out.max_readahead, &failed) ||
        argument.number("max_background=", &out.max_background, &failed) ||
        argument.number("congestion_threshold=", &out.congestion_threshold, &failed))
        return failed ? -1 : drop;
    std::string modules;
    if (argument.text("modules=", &modules)) {
        std::fprintf(stderr, "fuse: modules are not supported: `%s'\n", text);
        failed = true;
        return -1;
    }
    if (take_capability(text, &out) || take_winfsp(argument, &out))
        return drop;
    return keep;
}

struct CommandLineParse
{
    CommandLine* out;
    Version version;
};

int take_common(void* data, const char* text, int key, fuse_args* kept)
{
    auto& parse = *static_cast<CommandLineParse*>(data);
    CommandLine& out = *parse.out;
    const bool two = parse.version == Version::two;
    if (key == FUSE_OPT_KEY_NONOPT) {
        if (out.has_mount_point) {
            std::fprintf(stderr, "fuse: invalid argument `%s'\n", text);
            out.failed = true;
            return -1;
        }
        char real[4096];
        // Now, before the program moves to /. What a process that died has left behind has no real path.
        const bool resolved = realpath(text, real) != nullptr;
        if (!resolved && errno != ENOTCONN && errno != ECONNABORTED) {
            std::fprintf(stderr, "fuse: bad mount point `%s': %s\n", text, std::strerror(errno));
            return -1;
        }
        out.mount_point = resolved ? real : text;
        out.has_mount_point = true;
        return drop;
    }
    Argument argument(text);
    if (argument.is("-h") || argument.is("--help"))
        return out.help = true, two ? keep : drop;
    if (argument.is("-V") || argument.is("--version"))
        return out.version = true, two ? keep : drop;
    if (argument.is("-d") || argument.is("debug"))
        return out.debug = out.foreground = true, keep;
    if (argument.is("-f"))
        return out.foreground = true, drop;
    if (argument.is("-s"))
        return out.single_thread = true, drop;
    if (argument.is("clone_fd"))
        return out.clone_fd = true, drop;
    if (argument.number("max_idle_threads=", &out.max_idle_threads, &out.failed) ||
        argument.number("max_threads=", &out.max_threads, &out.failed))
        return out.failed ? -1 : drop;
    if (argument.starts("fsname=") || argument.starts("subtype="))
        out.no_default_subtype = true;
    if (two && argument.is("-ho"))
        return out.help = true, fuse_opt_add_arg(kept, "-h") == 0 ? drop : -1;
    return keep;
}

} // namespace

bool take_mount_options(fuse_args* args, Version version, MountOptions* out)
{
    MountParse parse{out, version};
    if (!args || fuse_opt_parse(args, &parse, nullptr, take_mount) != 0)
        return !args;
    if (version == Version::two && out->allow_other && out->allow_root) {
        std::fputs("fuse: 'allow_other' and 'allow_root' options are mutually exclusive\n", stderr);
        return false;
    }
    if (out->allow_other)
        add(&out->kernel, "allow_other");
    if (out->allow_root)
        add(&out->kernel, "allow_root");
    // The mount is made later, when the working folder may be another.
    char real[4096];
    if (!out->source.empty() && (',' + out->kernel + ',').find(",blkdev,") != std::string::npos &&
        realpath(out->source.c_str(), real))
        out->source = real;
    return !out->failed;
}

bool take_library_options(fuse_args* args, Version version, LibraryOptions* out)
{
    LibraryParse parse{out, version};
    return !args || (fuse_opt_parse(args, &parse, nullptr, take_library) == 0 && !out->failed);
}

bool take_command_line(fuse_args* args, Version version, CommandLine* out)
{
    CommandLineParse parse{out, version};
    if (fuse_opt_parse(args, &parse, nullptr, take_common) != 0 || out->failed)
        return false;
    // The list of mounts names the program, unless it names itself.
    if (!out->no_default_subtype && args->argc > 0 && args->argv[0]) {
        const char* slash = std::strrchr(args->argv[0], '/');
        const std::string option = std::string("-osubtype=") + (slash ? slash + 1 : args->argv[0]);
        if (option.size() > sizeof "-osubtype=" - 1 && fuse_opt_insert_arg(args, 1, option.c_str()) != 0)
            return false;
    }
    return true;
}

bool check_nothing_left(const fuse_args* args, Version version)
{
    if (!args || args->argc <= 1)
        return true;
    if (version == Version::two) {
        const char* option = args->argv[1];
        if (std::strcmp(option, "-o") == 0 && args->argc > 2)
            option = args->argv[2];
        std::fprintf(stderr, "fuse: unknown option `%s'\n", option);
        return false;
    }
    std::fputs("fuse: unknown option(s): `", stderr);
    for (int i = 1; i < args->argc; ++i)
        std::fprintf(stderr, "%s%s", i > 1 ? " " : "", args->argv[i]);
    std::fputs("'\n", stderr);
    return false;
}

bool is_library_option(const char* option)
{
    LibraryOptions library;
    LibraryParse library_parse{&library, Version::two};
    if (take_library(&library_parse, option, FUSE_OPT_KEY_OPT, nullptr) != keep)
        return true;
    MountOptions mount;
    MountParse mount_parse{&mount, Version::two};
    return take_mount(&mount_parse, option, FUSE_OPT_KEY_OPT, nullptr) != keep;
}

void print_command_line_help()
{
    std::puts("    -h   --help            print help\n"
              "    -V   --version         print version\n"
              "    -d   -o debug          enable debug output (implies -f)\n"
              "    -f                     foreground operation\n"
              "    -s                     disable multi-threaded operation\n"
              "    -o clone_fd            accepted for compatibility\n"
              "    -o max_idle_threads    accepted for compatibility\n"
              "    -o max_threads         accepted for compatibility");
}

void print_library_help(Version version)
{
    std::FILE* to = version == Version::two ? stderr : stdout;
    std::fputs("    -o kernel_cache        keep file data cached when a file is opened again\n"
               "    -o [no]auto_cache      the same, unless size or modification time changed (off)\n"
               "    -o umask=M             set file permissions (octal)\n"
               "    -o uid=N               set file owner (-1: who mounts)\n"
               "    -o gid=N               set file group (-1: who mounts)\n"
               "    -o entry_timeout=T     how long names are believed (1.0 s)\n"
               "    -o negative_timeout=T  how long missing names are believed (0.0 s)\n"
               "    -o attr_timeout=T      how long attributes are believed (1.0 s)\n"
               "    -o ac_attr_timeout=T   attributes for auto_cache (attr_timeout)\n"
               "    -o noforget            accepted for compatibility\n"
               "    -o remember=T          accepted for compatibility\n"
               "    -o dothidden           hide names that begin with a dot from Windows programs\n"
               "    -o volname=S           label of the volume\n",
               to);
    if (version == Version::two)
        std::fputs("    -o hard_remove         remove open files at once, do not hide them\n"
                   "    -o use_ino             let the file system set inode numbers\n"
                   "    -o readdir_ino         try to fill in d_ino in readdir\n"
                   "    -o direct_io           use direct I/O\n"
                   "    -o intr                accepted for compatibility\n",
                   to);
}

void print_mount_help(Version version)
{
    std::FILE* to = version == Version::two ? stderr : stdout;
    std::fputs("    -o allow_other         allow access by all users\n"
               "    -o allow_root          allow access by root\n"
               "    -o auto_unmount        auto unmount on process termination\n"
               "    -o default_permissions let the kernel check permissions\n"
               "    -o fsname=NAME         set the source in the list of mounts\n"
               "    -o subtype=NAME        set the type in the list of mounts\n"
               "    -o max_read=N          set maximum size of read requests\n",
               to);
    if (version == Version::two)
        std::fputs("    -o nonempty            allow mounts over non-empty directories\n", to);
}

} // namespace fsp::libfuse
