// SPDX-License-Identifier: MIT
//
// A baseline for the benchmarks: about the least that an in-memory file system on libfuse's
// low-level API can be, with the storage of MEMFS. Everything is allowed, nothing is checked.
//
//   memory_ll [FUSE options] MOUNTPOINT
#define FUSE_USE_VERSION 314
#include "memfs/storage.h"

#include <fuse3/fuse_lowlevel.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

namespace {

constexpr double timeout = 1.0; // seconds that the kernel keeps names and attributes

struct Inode
{
    struct stat attributes{};
    memfs::Storage data;
    std::map<std::string, Inode*> children;
    std::string link;
    std::uint64_t lookups = 0;
    std::mutex mutex; // attributes, data
};

std::shared_mutex names; // the tree and the lookup counts
Inode* root;
std::atomic<ino_t> next_number{2};

Inode* inode(fuse_ino_t number) { return number == FUSE_ROOT_ID ? root : reinterpret_cast<Inode*>(number); }

fuse_entry_param entry(Inode* node)
{
    fuse_entry_param result{};
    result.ino = node == root ? FUSE_ROOT_ID : reinterpret_cast<fuse_ino_t>(node);
    const std::lock_guard guard(node->mutex);
    result.attr = node->attributes;
    result.attr_timeout = result.entry_timeout = timeout;
    return result;
}

Inode* make(fuse_req_t request, mode_t mode)
{
    auto* node = new Inode;
    node->attributes.st_ino = next_number++;
    node->attributes.st_mode = mode;
    node->attributes.st_nlink = 1;
    if (request != nullptr) {
        node->attributes.st_uid = fuse_req_ctx(request)->uid;
        node->attributes.st_gid = fuse_req_ctx(request)->gid;
    }
    clock_gettime(CLOCK_REALTIME, &node->attributes.st_mtim);
    node->attributes.st_atim = node->attributes.st_ctim = node->attributes.st_mtim;
    return node;
}

/// Frees a node that has neither a name nor lookups; names held exclusively.
void drop(Inode* node)
{
    if (node->attributes.st_nlink == 0 && node->lookups == 0)
        delete node;
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name)
{
    const std::lock_guard guard(names);
    const auto& children = inode(parent)->children;
    const auto found = children.find(name);
    if (found == children.end()) {
        fuse_entry_param missing{};
        missing.entry_timeout = timeout;
        fuse_reply_entry(request, &missing);
        return;
    }
    ++found->second->lookups;
    const fuse_entry_param result = entry(found->second);
    fuse_reply_entry(request, &result);
}

void forget(fuse_req_t request, fuse_ino_t number, std::uint64_t count)
{
    if (number != FUSE_ROOT_ID) {
        const std::lock_guard guard(names);
        inode(number)->lookups -= count;
        drop(inode(number));
    }
    fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets)
{
    const std::lock_guard guard(names);
    for (std::size_t i = 0; i != count; ++i)
        if (forgets[i].ino != FUSE_ROOT_ID) {
            inode(forgets[i].ino)->lookups -= forgets[i].nlookup;
            drop(inode(forgets[i].ino));
        }
    fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t number, fuse_file_info*)
{
    const fuse_entry_param result = entry(inode(number));
    fuse_reply_attr(request, &result.attr, timeout);
}

void setattr(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int what, fuse_file_info*)
{
    Inode* node = inode(number);
    {
        const std::lock_guard guard(node->mutex);
        struct stat& attributes = node->attributes;
        timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if ((what & FUSE_SET_ATTR_MODE) != 0)
            attributes.st_mode = wanted->st_mode;
        if ((what & FUSE_SET_ATTR_UID) != 0)
            attributes.st_uid = wanted->st_uid;
        if ((what & FUSE_SET_ATTR_GID) != 0)
            attributes.st_gid = wanted->st_gid;
        if ((what & FUSE_SET_ATTR_SIZE) != 0) {
            node->data.truncate(static_cast<std::uint64_t>(wanted->st_size));
            attributes.st_size = wanted->st_size;
            attributes.st_mtim = now;
        }
        if ((what & FUSE_SET_ATTR_ATIME) != 0)
            attributes.st_atim = (what & FUSE_SET_ATTR_ATIME_NOW) != 0 ? now : wanted->st_atim;
        if ((what & FUSE_SET_ATTR_MTIME) != 0)
            attributes.st_mtim = (what & FUSE_SET_ATTR_MTIME_NOW) != 0 ? now : wanted->st_mtim;
        attributes.st_ctim = now;
    }
    getattr(request, number, nullptr);
}

/// Enters a new node; 0 or an errno.
int enter(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_entry_param& result)
{
    const std::lock_guard guard(names);
    const auto [at, is_new] = inode(parent)->children.try_emplace(name, nullptr);
    if (!is_new)
        return EEXIST;
    at->second = make(request, mode);
    at->second->lookups = 1;
    result = entry(at->second);
    return 0;
}

void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t)
{
    fuse_entry_param result;
    const int error = enter(request, parent, name, mode, result);
    error != 0 ? fuse_reply_err(request, error) : fuse_reply_entry(request, &result);
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode)
{
    mknod(request, parent, name, mode | S_IFDIR, 0);
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file)
{
    fuse_entry_param result;
    const int error = enter(request, parent, name, mode | S_IFREG, result);
    file->keep_cache = 1;
    error != 0 ? fuse_reply_err(request, error) : fuse_reply_create(request, &result, file);
}

void remove(fuse_req_t request, fuse_ino_t parent, const char* name)
{
    const std::lock_guard guard(names);
    auto& children = inode(parent)->children;
    const auto found = children.find(name);
    int error = found == children.end() ? ENOENT : !found->second->children.empty() ? ENOTEMPTY : 0;
    if (error == 0) {
        Inode* node = found->second;
        children.erase(found);
        node->attributes.st_nlink = 0;
        drop(node);
    }
    fuse_reply_err(request, error);
}

void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned)
{
    const std::lock_guard guard(names);
    auto moved = inode(parent)->children.extract(name);
    if (moved.empty()) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    Inode*& target = inode(new_parent)->children[new_name];
    if (target != nullptr) {
        target->attributes.st_nlink = 0;
        drop(target);
    }
    target = moved.mapped();
    fuse_reply_err(request, 0);
}

void open(fuse_req_t request, fuse_ino_t, fuse_file_info* file)
{
    file->keep_cache = 1;
    fuse_reply_open(request, file);
}

void read(fuse_req_t request, fuse_ino_t number, std::size_t size, off_t offset, fuse_file_info*)
{
    thread_local std::vector<char> buffer;
    if (buffer.size() < size)
        buffer.resize(size);
    Inode* node = inode(number);
    const std::lock_guard guard(node->mutex);
    const off_t end = node->attributes.st_size;
    const std::size_t length = offset >= end ? 0 : std::min(size, static_cast<std::size_t>(end - offset));
    node->data.read(static_cast<std::uint64_t>(offset), buffer.data(), length);
    fuse_reply_buf(request, buffer.data(), length);
}

void write(fuse_req_t request, fuse_ino_t number, const char* data, std::size_t size, off_t offset,
           fuse_file_info*)
{
    Inode* node = inode(number);
    const std::lock_guard guard(node->mutex);
    if (!node->data.write(static_cast<std::uint64_t>(offset), data, size)) {
        fuse_reply_err(request, ENOSPC);
        return;
    }
    node->attributes.st_size = std::max(node->attributes.st_size, offset + static_cast<off_t>(size));
    node->attributes.st_blocks = node->attributes.st_size / 512;
    clock_gettime(CLOCK_REALTIME, &node->attributes.st_mtim);
    fuse_reply_write(request, size);
}

/// A listing is a snapshot taken when the directory is opened.
using Listing = std::vector<std::pair<std::string, Inode*>>;

void opendir(fuse_req_t request, fuse_ino_t number, fuse_file_info* file)
{
    const std::shared_lock guard(names);
    const auto& children = inode(number)->children;
    file->fh = reinterpret_cast<std::uint64_t>(new Listing(children.begin(), children.end()));
    fuse_reply_open(request, file);
}

void list(fuse_req_t request, std::size_t size, off_t offset, fuse_file_info* file, bool plus)
{
    thread_local std::vector<char> buffer;
    buffer.resize(size);
    const Listing& listing = *reinterpret_cast<Listing*>(file->fh);
    std::size_t used = 0;
    const std::lock_guard guard(names);
    for (auto i = static_cast<std::size_t>(offset); i < listing.size(); ++i) {
        const auto& [name, node] = listing[i];
        const fuse_entry_param one = entry(node);
        const auto next = static_cast<off_t>(i + 1);
        const std::size_t length = plus ? fuse_add_direntry_plus(request, buffer.data() + used, size - used,
                                                                 name.c_str(), &one, next)
                                        : fuse_add_direntry(request, buffer.data() + used, size - used,
                                                            name.c_str(), &one.attr, next);
        if (length > size - used)
            break;
        used += length;
        if (plus)
            ++node->lookups;
    }
    fuse_reply_buf(request, buffer.data(), used);
}

void readdir(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* file)
{
    list(request, size, offset, file, false);
}

void readdirplus(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* file)
{
    list(request, size, offset, file, true);
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file)
{
    delete reinterpret_cast<Listing*>(file->fh);
    fuse_reply_err(request, 0);
}

void statfs(fuse_req_t request, fuse_ino_t)
{
    struct statvfs info{};
    info.f_bsize = info.f_frsize = 4096;
    info.f_blocks = info.f_bfree = info.f_bavail = 1 << 20;
    info.f_namemax = 255;
    fuse_reply_statfs(request, &info);
}

void done(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }

fuse_lowlevel_ops operations()
{
    fuse_lowlevel_ops o{};
    o.lookup = lookup;
    o.forget = forget;
    o.forget_multi = forget_multi;
    o.getattr = getattr;
    o.setattr = setattr;
    o.mknod = mknod;
    o.mkdir = mkdir;
    o.unlink = remove;
    o.rmdir = remove;
    o.rename = rename;
    o.create = create;
    o.open = open;
    o.read = read;
    o.write = write;
    o.release = done;
    o.opendir = opendir;
    o.readdir = readdir;
    o.readdirplus = readdirplus;
    o.releasedir = releasedir;
    o.statfs = statfs;
    return o;
}

} // namespace

int main(int argc, char** argv)
{
    root = make(nullptr, S_IFDIR | 0777);
    fuse_args arguments = FUSE_ARGS_INIT(argc, argv);
    fuse_cmdline_opts options{};
    if (fuse_parse_cmdline(&arguments, &options) != 0 || options.mountpoint == nullptr)
        return 2;
    const fuse_lowlevel_ops table = operations();
    fuse_session* session = fuse_session_new(&arguments, &table, sizeof table, nullptr);
    if (session == nullptr || fuse_set_signal_handlers(session) != 0 ||
        fuse_session_mount(session, options.mountpoint) != 0)
        return 1;
    fuse_daemonize(options.foreground);
    fuse_loop_config* config = fuse_loop_cfg_create();
    fuse_loop_cfg_set_clone_fd(config, static_cast<unsigned>(options.clone_fd));
    const int result =
        options.singlethread != 0 ? fuse_session_loop(session) : fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    free(options.mountpoint);
    fuse_opt_free_args(&arguments);
    return result;
}
