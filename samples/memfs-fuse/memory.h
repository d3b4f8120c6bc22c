// SPDX-License-Identifier: MIT
/// @file A file system in memory, as both versions of FUSE see it. Include <fuse.h> first.
///
/// The tables of FUSE 2 and FUSE 3 differ in a few parameters; fuse2.cpp and fuse3.cpp have those. Everything
/// that a file system does is here. One lock guards it all: that is enough for a sample, and right with a
/// multi-threaded loop.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fcntl.h>

namespace memory {

// Windows has neither all types of files nor their names.
constexpr fuse_mode_t type_mask = 0170000, directory_type = 0040000, file_type = 0100000, link_type = 0120000;

struct Node
{
    fuse_ino_t number = 0;
    fuse_mode_t mode = 0;
    fuse_uid_t uid = 0;
    fuse_gid_t gid = 0;
    fuse_dev_t device = 0;
    unsigned links = 1;
    fuse_timespec accessed{}, modified{}, changed{}, born{};
    std::vector<char> data; ///< of a file; the target of a link
    std::map<std::string, std::shared_ptr<Node>> children;
    std::map<std::string, std::string> attributes;

    bool is_directory() const { return (mode & type_mask) == directory_type; }
};
using NodePtr = std::shared_ptr<Node>;

inline fuse_timespec now()
{
    using namespace std::chrono;
    const auto since_1970 = system_clock::now().time_since_epoch();
    const auto whole = duration_cast<seconds>(since_1970);
    fuse_timespec out{};
    out.tv_sec = decltype(out.tv_sec)(whole.count());
    out.tv_nsec = decltype(out.tv_nsec)(duration_cast<nanoseconds>(since_1970 - whole).count());
    return out;
}

class Tree
{
  public:
    Tree() : root_(make(directory_type | 0755)) { root_->links = 2; }

    std::mutex& lock() { return lock_; }

    /// Null if there is no such file; *error is ENOENT or ENOTDIR then.
    NodePtr find(const std::string& path, int* error)
    {
        NodePtr node = root_;
        for (size_t at = 1; at < path.size();) {
            const size_t end = std::min(path.find('/', at), path.size());
            if (!node->is_directory()) {
                *error = ENOTDIR;
                return nullptr;
            }
            const auto child = node->children.find(path.substr(at, end - at));
            if (child == node->children.end()) {
                *error = ENOENT;
                return nullptr;
            }
            node = child->second;
            at = end + 1;
        }
        return node;
    }

    /// The directory that a name is in, and the name.
    NodePtr find_parent(const std::string& path, std::string* name, int* error)
    {
        const size_t slash = path.rfind('/');
        *name = path.substr(slash + 1);
        NodePtr parent = find(slash == 0 ? "/" : path.substr(0, slash), error);
        if (parent && !parent->is_directory()) {
            *error = ENOTDIR;
            return nullptr;
        }
        return parent;
    }

    NodePtr make(fuse_mode_t mode)
    {
        auto node = std::make_shared<Node>();
        node->number = ++last_number_;
        node->mode = mode;
        node->accessed = node->modified = node->changed = node->born = now();
        return node;
    }

    /// A new name for a node. @return 0 or an error number
    int add(const std::string& path, const NodePtr& node)
    {
        int error = 0;
        std::string name;
        const NodePtr parent = find_parent(path, &name, &error);
        if (!parent)
            return error;
        if (!parent->children.emplace(name, node).second)
            return EEXIST;
        parent->modified = parent->changed = now();
        return 0;
    }

    int remove(const std::string& path, bool directory)
    {
        int error = 0;
        std::string name;
        const NodePtr parent = find_parent(path, &name, &error);
        const NodePtr node = parent ? find(path, &error) : nullptr;
        if (!node)
            return error;
        if (directory != node->is_directory())
            return directory ? ENOTDIR : EISDIR;
        if (!node->children.empty())
            return ENOTEMPTY;
        parent->children.erase(name);
        parent->modified = parent->changed = node->changed = now();
        --node->links;
        return 0;
    }

    int rename(const std::string& from, const std::string& to, bool replace)
    {
        int error = 0;
        const NodePtr node = find(from, &error);
        if (!node)
            return error;
        if (to.size() > from.size() && to.compare(0, from.size(), from) == 0 && to[from.size()] == '/')
            return EINVAL; // into itself
        if (const NodePtr target = find(to, &error)) {
            if (target == node)
                return 0;
            if (!replace)
                return EEXIST;
            if (node->is_directory() && !target->is_directory())
                return ENOTDIR;
            if (const int result = remove(to, node->is_directory()))
                return result;
        }
        if (const int result = add(to, node))
            return result;
        std::string name;
        const NodePtr parent = find_parent(from, &name, &error);
        parent->children.erase(name);
        parent->modified = parent->changed = node->changed = now();
        return 0;
    }

  private:
    std::mutex lock_;
    fuse_ino_t last_number_ = 0;
    NodePtr root_;
};

inline Tree& tree() { return *static_cast<Tree*>(fuse_get_context()->private_data); }

/// An open file keeps its node, also when it has no name any more.
inline NodePtr& open_file(fuse_file_info* fi) { return *reinterpret_cast<NodePtr*>(fi->fh); }

/// Finds a file and does something with it, under the lock. @return 0 or what `action` returns
template<class Action> int with(const char* path, fuse_file_info* fi, Action action)
{
    const std::lock_guard guard(tree().lock());
    int error = 0;
    const NodePtr node = fi && fi->fh ? open_file(fi) : tree().find(path, &error);
    return node ? action(*node) : -error;
}

inline int getattr(const char* path, struct fuse_stat* out, fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        out->st_ino = node.number;
        out->st_mode = node.mode;
        out->st_nlink = fuse_nlink_t(node.links);
        out->st_uid = node.uid;
        out->st_gid = node.gid;
        out->st_rdev = node.device;
        out->st_size = fuse_off_t(node.data.size());
        out->st_blksize = 4096;
        out->st_blocks = fuse_blkcnt_t((node.data.size() + 511) / 512);
        out->st_atim = node.accessed;
        out->st_mtim = node.modified;
        out->st_ctim = node.changed;
#if defined(_WIN32)
        out->st_birthtim = node.born;
#endif
        return 0;
    });
}

/// Makes a file of any type; gives it to who asks.
inline int make(const char* path, fuse_mode_t mode, fuse_dev_t device, NodePtr* out = nullptr)
{
    const std::lock_guard guard(tree().lock());
    const NodePtr node = tree().make(mode);
    const fuse_context* context = fuse_get_context();
    node->uid = context->uid;
    node->gid = context->gid;
    node->device = device;
    if (node->is_directory())
        node->links = 2;
    if (out)
        *out = node;
    return -tree().add(path, node);
}

inline int mknod(const char* path, fuse_mode_t mode, fuse_dev_t device)
{
    return make(path, mode & type_mask ? mode : mode | file_type, device);
}
inline int mkdir(const char* path, fuse_mode_t mode) { return make(path, mode | directory_type, 0); }

inline int symlink(const char* target, const char* path)
{
    NodePtr node;
    const int result = make(path, link_type | 0777, 0, &node);
    if (result == 0)
        node->data.assign(target, target + std::strlen(target));
    return result;
}

inline int readlink(const char* path, char* out, size_t size)
{
    return with(path, nullptr, [&](Node& node) {
        if ((node.mode & type_mask) != link_type)
            return -EINVAL;
        const size_t length = std::min(node.data.size(), size - 1);
        std::memcpy(out, node.data.data(), length);
        out[length] = 0;
        return 0;
    });
}

inline int remove(const char* path, bool directory)
{
    const std::lock_guard guard(tree().lock());
    return -tree().remove(path, directory);
}
inline int unlink(const char* path) { return remove(path, false); }
inline int rmdir(const char* path) { return remove(path, true); }

inline int rename(const char* from, const char* to, bool replace)
{
    const std::lock_guard guard(tree().lock());
    return -tree().rename(from, to, replace);
}

inline int link(const char* from, const char* to)
{
    const std::lock_guard guard(tree().lock());
    int error = 0;
    const NodePtr node = tree().find(from, &error);
    if (!node)
        return -error;
    error = tree().add(to, node);
    if (error == 0) {
        ++node->links;
        node->changed = now();
    }
    return -error;
}

inline int chmod(const char* path, fuse_mode_t mode, fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        node.mode = (node.mode & type_mask) | (mode & ~type_mask);
        node.changed = now();
        return 0;
    });
}

inline int chown(const char* path, fuse_uid_t uid, fuse_gid_t gid, fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        if (uid != fuse_uid_t(-1))
            node.uid = uid;
        if (gid != fuse_gid_t(-1))
            node.gid = gid;
        node.changed = now();
        return 0;
    });
}

inline int utimens(const char* path, const fuse_timespec times[2], fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        fuse_timespec* const to[2] = {&node.accessed, &node.modified};
        for (int i = 0; i < 2; ++i) {
#if defined(UTIME_NOW)
            if (times[i].tv_nsec == UTIME_OMIT)
                continue;
            if (times[i].tv_nsec == UTIME_NOW) {
                *to[i] = now();
                continue;
            }
#endif
            *to[i] = times[i];
        }
        node.changed = now();
        return 0;
    });
}

/// Memory is not all that there is: a file of any length would be.
constexpr fuse_off_t capacity = 1 << 30; // bytes, of a file

/// @return 0 or a negative error number
inline int resize(Node& node, fuse_off_t size)
{
    if (size < 0 || size > capacity)
        return -ENOSPC;
    try {
        node.data.resize(size_t(size));
    } catch (const std::bad_alloc&) {
        return -ENOSPC;
    }
    return 0;
}

inline int truncate(const char* path, fuse_off_t size, fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        if (node.is_directory())
            return -EISDIR;
        const int result = resize(node, size);
        if (result == 0)
            node.modified = node.changed = now();
        return result;
    });
}

inline int open(const char* path, fuse_file_info* fi)
{
    const std::lock_guard guard(tree().lock());
    int error = 0;
    const NodePtr node = tree().find(path, &error);
    if (!node)
        return -error;
#if defined(O_TRUNC)
    if (fi->flags & O_TRUNC)
        node->data.clear();
#endif
    fi->fh = reinterpret_cast<uint64_t>(new NodePtr(node));
    return 0;
}

inline int create(const char* path, fuse_mode_t mode, fuse_file_info* fi)
{
    const int result = mknod(path, mode, 0);
    return result == 0 ? open(path, fi) : result;
}

inline int release(const char*, fuse_file_info* fi)
{
    const std::lock_guard guard(tree().lock());
    delete &open_file(fi);
    return 0;
}

inline int read(const char* path, char* out, size_t size, fuse_off_t offset, fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        if (size_t(offset) >= node.data.size())
            return 0;
        const size_t length = std::min(size, node.data.size() - size_t(offset));
        std::memcpy(out, node.data.data() + offset, length);
        return int(length);
    });
}

inline int write(const char* path, const char* data, size_t size, fuse_off_t offset, fuse_file_info* fi)
{
    return with(path, fi, [&](Node& node) {
        if (offset > capacity - fuse_off_t(size))
            return -ENOSPC;
        if (size_t(offset) + size > node.data.size())
            if (const int result = resize(node, offset + fuse_off_t(size)))
                return result;
        std::memcpy(node.data.data() + offset, data, size);
        node.modified = node.changed = now();
        return int(size);
    });
}

/// Calls fill(name, attributes) for "." and "..", and for each file.
template<class Fill> int readdir(const char* path, Fill fill)
{
    return with(path, nullptr, [&](Node& node) {
        if (!node.is_directory())
            return -ENOTDIR;
        fill(".");
        fill("..");
        for (const auto& [name, child] : node.children)
            if (!fill(name.c_str()))
                break;
        return 0;
    });
}

inline int statfs(const char*, struct fuse_statvfs* out)
{
    out->f_bsize = out->f_frsize = 4096;
    out->f_blocks = out->f_bfree = out->f_bavail = capacity / 4096;
    out->f_namemax = 255;
    return 0;
}

inline int setxattr(const char* path, const char* name, const char* value, size_t size, int)
{
    return with(path, nullptr, [&](Node& node) {
        node.attributes[name].assign(value, size);
        return 0;
    });
}

#if !defined(ENODATA)
#define ENODATA 120
#endif

inline int getxattr(const char* path, const char* name, char* out, size_t size)
{
    return with(path, nullptr, [&](Node& node) {
        const auto found = node.attributes.find(name);
        if (found == node.attributes.end())
            return -ENODATA;
        const std::string& value = found->second;
        if (size != 0 && size < value.size())
            return -ERANGE;
        if (size != 0)
            value.copy(out, value.size());
        return int(value.size());
    });
}

inline int listxattr(const char* path, char* out, size_t size)
{
    return with(path, nullptr, [&](Node& node) {
        std::string names;
        for (const auto& [name, value] : node.attributes)
            names += name + '\0';
        if (size != 0 && size < names.size())
            return -ERANGE;
        if (size != 0)
            names.copy(out, names.size());
        return int(names.size());
    });
}

inline int removexattr(const char* path, const char* name)
{
    return with(path, nullptr, [&](Node& node) { return node.attributes.erase(name) ? 0 : -ENODATA; });
}

/// What both tables have alike.
template<class Operations> Operations common_operations()
{
    Operations on{};
    on.readlink = readlink;
    on.mknod = mknod;
    on.mkdir = mkdir;
    on.unlink = unlink;
    on.rmdir = rmdir;
    on.symlink = symlink;
    on.link = link;
    on.open = open;
    on.create = create;
    on.release = release;
    on.read = read;
    on.write = write;
    on.statfs = statfs;
    on.setxattr = setxattr;
    on.getxattr = getxattr;
    on.listxattr = listxattr;
    on.removexattr = removexattr;
    return on;
}

} // namespace memory
