// SPDX-License-Identifier: MIT
//
// The part of the two versions' tables that is the same, written once: a Program over a table of functions.
// Included by one source file for each version, after its <fuse.h>.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "libfuse/buffers.h"
#include "libfuse/program.h"

namespace fsp::libfuse {

/// A struct fuse_file_info for one call. What a program changes in it counts when it opens a file; otherwise
/// it is a scratch copy, and some programs use it as one.
class NativeInfo
{
  public:
    explicit NativeInfo(OpenInfo* info, bool opens = false)
        : info_(info), opens_(opens), before_(info ? info->fh : 0)
    {
        if (!info)
            return;
        native_.flags = info->flags;
        native_.writepage = info->writepage;
        native_.direct_io = info->direct_io;
        native_.keep_cache = info->keep_cache;
        native_.flush = info->flush;
        native_.nonseekable = info->nonseekable;
        native_.flock_release = info->flock_release;
        native_.fh = info->fh;
        native_.lock_owner = info->lock_owner;
        put_extra();
    }
    NativeInfo(const NativeInfo&) = delete;
    ~NativeInfo()
    {
        if (!info_ || !opens_)
            return;
        info_->flags = native_.flags;
        info_->direct_io = native_.direct_io;
        info_->keep_cache = native_.keep_cache;
        info_->nonseekable = native_.nonseekable;
        info_->fh = native_.fh;
        take_extra();
    }

    operator fuse_file_info*() { return info_ ? &native_ : nullptr; }

  private:
    void put_extra();
    void take_extra();

    fuse_file_info native_{};
    OpenInfo* const info_;
    const bool opens_;
    const uint64_t before_; ///< fh when the call began
};

class TableProgram : public Program
{
  public:
    TableProgram(const fuse_operations* table, size_t size, void* data) : data_(data)
    {
        std::memcpy(static_cast<void*>(&on_), table, std::min(size, sizeof on_));
        has = {on_.flush != nullptr,
               on_.open != nullptr,
               on_.opendir != nullptr,
               on_.access != nullptr,
               on_.lock != nullptr,
               on_.flock != nullptr,
               on_.getxattr != nullptr || on_.setxattr != nullptr || on_.listxattr != nullptr ||
                   on_.removexattr != nullptr,
               on_.poll != nullptr,
               on_.ioctl != nullptr,
               on_.fallocate != nullptr,
               false,
               on_.bmap != nullptr,
               on_.fsync != nullptr,
               on_.fsyncdir != nullptr,
               on_.create != nullptr,
               on_.rename != nullptr,
               on_.readlink != nullptr,
               false};
    }

    void destroy(void* data) override
    {
        if (on_.destroy)
            on_.destroy(data);
    }

    int readlink(const char* path, char* out, size_t size) override
    {
        return ask(on_.readlink, path, out, size);
    }
    int mknod(const char* path, mode_t mode, dev_t device) override
    {
        return ask(on_.mknod, path, mode, device);
    }
    int mkdir(const char* path, mode_t mode) override { return ask(on_.mkdir, path, mode); }
    int unlink(const char* path) override { return ask(on_.unlink, path); }
    int rmdir(const char* path) override { return ask(on_.rmdir, path); }
    int symlink(const char* target, const char* path) override { return ask(on_.symlink, target, path); }
    int link(const char* from, const char* to) override { return ask(on_.link, from, to); }
    int access(const char* path, int mask) override { return ask(on_.access, path, mask); }
    int statfs(const char* path, struct statvfs* out) override { return ask(on_.statfs, path, out); }
    int create(const char* path, mode_t mode, OpenInfo* fi) override
    {
        return ask(on_.create, path, mode, NativeInfo(fi, true));
    }
    /// A program without open or opendir has nothing to say against it.
    int open(const char* path, OpenInfo* fi) override
    {
        return on_.open ? on_.open(path, NativeInfo(fi, true)) : 0;
    }
    int opendir(const char* path, OpenInfo* fi) override
    {
        return on_.opendir ? on_.opendir(path, NativeInfo(fi, true)) : 0;
    }
    int read(const char* path, char* out, size_t size, off_t offset, OpenInfo* fi) override
    {
        if (on_.read_buf) {
            fuse_bufvec* from = nullptr;
            const int result = on_.read_buf(path, &from, size, offset, NativeInfo(fi));
            return take_buffers(result, from, out, size);
        }
        return ask(on_.read, path, out, size, offset, NativeInfo(fi));
    }
    int write(const char* path, const char* data, size_t size, off_t offset, OpenInfo* fi) override
    {
        if (on_.write_buf) {
            fuse_bufvec buffers = FUSE_BUFVEC_INIT(size);
            buffers.buf[0].mem = const_cast<char*>(data);
            return on_.write_buf(path, &buffers, offset, NativeInfo(fi));
        }
        return ask(on_.write, path, data, size, offset, NativeInfo(fi));
    }
    int flush(const char* path, OpenInfo* fi) override { return ask(on_.flush, path, NativeInfo(fi)); }
    int release(const char* path, OpenInfo* fi) override { return ask(on_.release, path, NativeInfo(fi)); }
    int fsync(const char* path, int data_only, OpenInfo* fi) override
    {
        return ask(on_.fsync, path, data_only, NativeInfo(fi));
    }
    int releasedir(const char* path, OpenInfo* fi) override
    {
        return ask(on_.releasedir, path, NativeInfo(fi));
    }
    int fsyncdir(const char* path, int data_only, OpenInfo* fi) override
    {
        return ask(on_.fsyncdir, path, data_only, NativeInfo(fi));
    }
    int setxattr(const char* path, const char* name, const char* value, size_t size, int flags) override
    {
        return ask(on_.setxattr, path, name, value, size, flags);
    }
    int getxattr(const char* path, const char* name, char* out, size_t size) override
    {
        return ask(on_.getxattr, path, name, out, size);
    }
    int listxattr(const char* path, char* out, size_t size) override
    {
        return ask(on_.listxattr, path, out, size);
    }
    int removexattr(const char* path, const char* name) override { return ask(on_.removexattr, path, name); }
    int lock(const char* path, OpenInfo* fi, int command, struct flock* range) override
    {
        return ask(on_.lock, path, NativeInfo(fi), command, range);
    }
    int flock(const char* path, OpenInfo* fi, int operation) override
    {
        return ask(on_.flock, path, NativeInfo(fi), operation);
    }
    int bmap(const char* path, size_t block_size, uint64_t* block) override
    {
        return ask(on_.bmap, path, block_size, block);
    }
    int ioctl(const char* path, unsigned command, void* argument, OpenInfo* fi, unsigned flags,
              void* data) override
    {
        return ask(on_.ioctl, path, int(command), argument, NativeInfo(fi), flags, data);
    }
    int poll(const char* path, OpenInfo* fi, void* poll_handle, unsigned* events) override
    {
        return ask(on_.poll, path, NativeInfo(fi), static_cast<fuse_pollhandle*>(poll_handle), events);
    }
    int fallocate(const char* path, int mode, off_t offset, off_t length, OpenInfo* fi) override
    {
        return ask(on_.fallocate, path, mode, offset, length, NativeInfo(fi));
    }

  protected:
    template<class Function, class... Arguments> static int ask(Function* function, Arguments&&... arguments)
    {
        return function ? function(std::forward<Arguments>(arguments)...) : -ENOSYS;
    }

    /// The bytes that read_buf hands out, which are the library's to release.
    static int take_buffers(int result, fuse_bufvec* from, char* out, size_t size)
    {
        if (result >= 0 && from) {
            fuse_bufvec to = FUSE_BUFVEC_INIT(size);
            to.buf[0].mem = out;
            result = int(fuse_buf_copy(&to, from, fuse_buf_copy_flags(0)));
        }
        if (from)
            for (size_t i = 0; i < from->count; ++i)
                if (!(from->buf[i].flags & FUSE_BUF_IS_FD))
                    std::free(from->buf[i].mem);
        std::free(from);
        return result;
    }

    fuse_operations on_{};
    void* const data_;
};

} // namespace fsp::libfuse
