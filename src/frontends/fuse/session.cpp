// SPDX-License-Identifier: MIT
#include "frontends/fuse/session.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <random>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "frontends/fuse/mount_point.h"
#include "frontends/fuse/names.h"
#include "frontends/fuse/operations.h"
#include "nt/text.h"
#include "ntos/token.h"

namespace fsp::fuse {
namespace {

constexpr unsigned transfer_max = 1024 * 1024;

/// How long a mounted file system may take until it answers.
constexpr auto start_interval = std::chrono::milliseconds(5);
constexpr int start_tries = 6000;

/// What libfuse has to say while it mounts becomes part of the error sentence.
thread_local std::string* mount_log = nullptr;

void log(fuse_log_level, const char* format, va_list arguments)
{
    if (!mount_log) {
        std::vfprintf(stderr, format, arguments);
        return;
    }
    char line[512];
    std::vsnprintf(line, sizeof line, format, arguments);
    std::string text(line);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.pop_back();
    if (!mount_log->empty())
        *mount_log += "; ";
    *mount_log += text;
}

class MountLog
{
  public:
    explicit MountLog(std::string* into)
    {
        fuse_set_log_func(log);
        mount_log = into;
    }
    MountLog(const MountLog&) = delete;
    ~MountLog() { mount_log = nullptr; }
};

/// What the file system has chosen.
void init_posix(void* context, fuse_conn_info* connection)
{
    const nt::PosixMount& posix = *static_cast<Session*>(context)->posix();
    const auto choose = [](unsigned chosen, unsigned most) {
        return chosen != 0 ? std::min(chosen, most) : most;
    };
    connection->max_write = choose(posix.max_write, transfer_max);
    if (posix.max_read != 0)
        connection->max_read = posix.max_read;
    connection->max_readahead = choose(posix.max_readahead, connection->max_readahead);
    if (posix.max_background != 0)
        connection->max_background = posix.max_background;
    if (posix.congestion_threshold != 0)
        connection->congestion_threshold = posix.congestion_threshold;
    connection->time_gran = 1;
    connection->want = (connection->want & ~posix.refuse) | (connection->capable & posix.want);
    // Requests and replies pass through a buffer of ours in any case.
    connection->want &= ~unsigned(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

void init(void*, fuse_conn_info* connection)
{
    connection->max_write = transfer_max;
    connection->max_read = transfer_max;
    connection->max_readahead = transfer_max;
    connection->max_background = 64;
    connection->congestion_threshold = 48;
    connection->time_gran = 100;

    const auto want = [connection](unsigned flag) { connection->want |= connection->capable & flag; };
    const auto refuse = [connection](unsigned flag) { connection->want &= ~flag; };
    want(FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS |
         FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_EXPIRE_ONLY);
    // What the kernel keeps of data is for leases to say, not for times.
    refuse(FUSE_CAP_AUTO_INVAL_DATA);
    // Requests and replies pass through a buffer of ours in any case; a pipe in between only costs.
    refuse(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    // The kernel tells of changes at once, which is what others who use the volume see.
    refuse(FUSE_CAP_WRITEBACK_CACHE);
    refuse(FUSE_CAP_HANDLE_KILLPRIV);
    // The kernel applies the umask.
    refuse(FUSE_CAP_DONT_MASK | FUSE_CAP_POSIX_ACL);
    // POSIX and BSD locks are advisory, between processes of this kernel, and NT's byte-range locks are
    // neither (mandatory, owned by a handle, no split and merge). The kernel's own lock manager does them
    // exactly right, with deadlock detection, for nothing: so the kernel is not told that we could.
    refuse(FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS);
}

fuse_lowlevel_ops make_operations(const nt::PosixMount* posix)
{
    fuse_lowlevel_ops operations{};
    operations.init = posix ? init_posix : init;
    add_lookup_operations(operations);
    add_setattr_operations(operations);
    add_special_operations(operations);
    add_name_operations(operations);
    add_file_operations(operations);
    add_data_operations(operations);
    add_directory_operations(operations);
    add_volume_operations(operations);
    add_xattr_operations(operations);
    if (posix)
        add_posix_operations(operations, *posix);
    return operations;
}

/// Not a name that anybody else uses, nor another mount of the same files.
std::string make_hidden_prefix()
{
    std::random_device random;
    char text[40];
    std::snprintf(text, sizeof text, ".fuse_hidden%08x%08x.", random(), random());
    return text;
}

/// The mount's own handle of the volume's root; all names are opened relative to it.
NTSTATUS open_root(const std::u16string& volume, nt::PosixCall* posix, NtHandle* root)
{
    const nt::PosixCallScope scope(posix);
    ntos::Impersonation as_system(ntos::system_token());
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | READ_CONTROL;
    // The root of a FUSE file system may be a file.
    what.options = (posix ? 0 : FILE_DIRECTORY_FILE) | FILE_OPEN_FOR_BACKUP_INTENT;
    return open_file(nullptr, volume + u"\\", what, root);
}

NTSTATUS query_traits(HANDLE root, VolumeTraits* traits)
{
    alignas(8) char buffer[sizeof(FILE_FS_ATTRIBUTE_INFORMATION) + 64];
    const NTSTATUS status = query_volume(root, FileFsAttributeInformation, buffer, sizeof buffer);
    if (!NT_SUCCESS(status) && status != STATUS_BUFFER_OVERFLOW)
        return status;
    const auto& attributes = *reinterpret_cast<const FILE_FS_ATTRIBUTE_INFORMATION*>(buffer);
    const ULONG flags = attributes.FileSystemAttributes;
    traits->ignore_case = !(flags & FILE_CASE_SENSITIVE_SEARCH);
    traits->extended_attributes = flags & FILE_SUPPORTS_EXTENDED_ATTRIBUTES;
    traits->reparse_points = flags & FILE_SUPPORTS_REPARSE_POINTS;
    traits->persistent_acls = flags & FILE_PERSISTENT_ACLS;
    traits->read_only = flags & FILE_READ_ONLY_VOLUME;
    traits->posix_unlink_rename = flags & FILE_SUPPORTS_POSIX_UNLINK_RENAME;
    traits->name_limit = std::min<unsigned>(Name::capacity, unsigned(attributes.MaximumComponentNameLength));
    return STATUS_SUCCESS;
}

/// Closes the device and puts in its place what polls as a device whose connection has ended does: a pipe
/// that nobody reads.
bool end_connection(int device)
{
    int ends[2];
    if (device < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    close(ends[0]);
    const bool good = dup3(ends[1], device, O_CLOEXEC) == device;
    close(ends[1]);
    return good;
}

} // namespace

Session::Session(const MountOptions& options)
    : options_(options), hidden_prefix_(make_hidden_prefix()),
      posix_(options.posix ? new nt::PosixMount(*options.posix) : nullptr), uid_(geteuid()), gid_(getegid()),
      inodes_(false), leases_(*this), file_leases_(*this)
{}

bool Session::prepare()
{
    std::lock_guard guard(prepare_lock_);
    if (ready_)
        return true;
    nt::PosixCall call;
    call.known_type = root_type_;
    NTSTATUS status = STATUS_CANCELLED;
    for (int tries = 0; tries < start_tries && !fuse_session_exited(connection_); ++tries) {
        status = open_root(options_.volume_name, posix_ ? &call : nullptr, &root_);
        if (status != STATUS_CANCELLED && status != STATUS_DEVICE_NOT_READY)
            break; // those two mean: not yet
        std::this_thread::sleep_for(start_interval);
    }
    Attributes attributes;
    if (NT_SUCCESS(status))
        status = query_traits(root_.get(), &traits_);
    if (NT_SUCCESS(status) && !posix_)
        status = query_basic(root_.get(), &attributes);
    if (!NT_SUCCESS(status))
        return false;
    inodes_.ignore_case(traits_.ignore_case);
    if (attributes.index != 0)
        inodes_.root().number = attributes.index;
    ready_.store(true, std::memory_order_release);
    return true;
}

Session::~Session()
{
    unmount();
    file_leases_.stop();
    workers_.reset();
    leases_.stop();
    if (connection_) {
        // libfuse's unmount frees the rest, but would also unmount whatever is at the path by now, unless it
        // sees that the connection has ended. One that is only detached ends when its device is closed, here.
        if (end_connection(fuse_session_fd(connection_)))
            fuse_session_unmount(connection_);
        fuse_session_destroy(connection_);
    }
    close_all(inodes_);
}

int Session::start(std::string* error_sentence)
{
    std::string messages;
    MountLog collect(&messages);

    char* options = nullptr;
    const auto add = [&options](const std::string& option) {
        fuse_opt_add_opt_escaped(&options, option.c_str());
    };
    if (posix_) {
        add_mount_options(&options);
    } else {
        add("fsname=" + nt::to_narrow(options_.volume_name));
        add("subtype=winfsp");
        add("default_permissions");
        add("max_read=" + std::to_string(transfer_max));
        if (may_allow_others())
            add("allow_other");
    }
    fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
    fuse_opt_add_arg(&arguments, "winfsp");
    fuse_opt_add_arg(&arguments, "-o");
    fuse_opt_add_arg(&arguments, options);
    free(options);

    struct stat mount_point;
    if (posix_ && stat(options_.mount_point.c_str(), &mount_point) == 0)
        inodes_.root().type = root_type_ = mount_point.st_mode & S_IFMT;
    const fuse_lowlevel_ops operations = make_operations(posix_.get());
    connection_ = fuse_session_new(&arguments, &operations, sizeof operations, this);
    fuse_opt_free_args(&arguments);
    if (!connection_ || fuse_session_mount(connection_, options_.mount_point.c_str()) != 0) {
        *error_sentence =
            "mounting at " + options_.mount_point + " failed" + (messages.empty() ? "" : ": ") + messages;
        return -1;
    }
    mounted_ = true;
    if (!posix_ && hook_init(connection_) != 0) {
        *error_sentence =
            "mounting at " + options_.mount_point + " failed: libfuse does not take the connection";
        return -1;
    }
    workers_ = std::make_unique<Workers>(connection_, options_.unmounted);
    return 0;
}

void Session::add_mount_options(char** options) const
{
    const auto add = [options](const std::string& option) {
        fuse_opt_add_opt_escaped(options, option.c_str());
    };
    add("fsname=" + (posix_->source ? std::string(posix_->source) : nt::to_narrow(options_.volume_name)));
    if (posix_->type)
        add(std::string("subtype=") + posix_->type);
    if (posix_->max_read != 0)
        add("max_read=" + std::to_string(posix_->max_read));
    if (posix_->default_permissions)
        add("default_permissions");
    if (posix_->options && *posix_->options)
        fuse_opt_add_opt(options, posix_->options);
}

int Session::invalidate(std::u16string_view path)
{
    Inode* inode = &inodes_.root();
    inodes_.reference(*inode);
    while (inode && !path.empty()) {
        if (path.front() == u'\\') {
            path.remove_prefix(1);
            continue;
        }
        const std::u16string_view name = path.substr(0, path.find(u'\\'));
        path.remove_prefix(name.size());
        Inode* const child = inodes_.child(*inode, name);
        inodes_.release(*inode);
        inode = child;
    }
    if (!inode)
        return ENOENT;
    const fuse_ino_t number = inodes_.to_number(*inode);
    inodes_.release(*inode);
    return -fuse_lowlevel_notify_inval_inode(connection_, number, 0, 0);
}

int notify_poll(void* poll_handle)
{
    return -fuse_lowlevel_notify_poll(static_cast<fuse_pollhandle*>(poll_handle));
}

void destroy_poll(void* poll_handle) { fuse_pollhandle_destroy(static_cast<fuse_pollhandle*>(poll_handle)); }

void Session::unmount()
{
    if (!mounted_ || !connection_)
        return;
    pollfd device{fuse_session_fd(connection_), 0, 0};
    const bool gone = poll(&device, 1, 0) == 1 && (device.revents & POLLERR);
    if (!gone)
        detach(options_.mount_point);
    mounted_ = false;
}

} // namespace fsp::fuse
