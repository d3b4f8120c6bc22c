// SPDX-License-Identifier: MIT
//
// struct fuse_bufvec, which is the same in both versions: bytes in memory and in files.
#pragma once

#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace fsp::libfuse {

/// One end of a copy: where the next bytes are, in memory or in a file.
template<class Buffer>
ssize_t move_bytes(const Buffer& to, size_t to_off, const Buffer& from, size_t from_off, size_t size)
{
    constexpr int is_file = 1 << 1, has_position = 1 << 2;
    const bool to_file = int(to.flags) & is_file, from_file = int(from.flags) & is_file;
    const auto write_file = [&](const char* data, size_t n) {
        return int(to.flags) & has_position ? pwrite(to.fd, data, n, to.pos + off_t(to_off))
                                            : write(to.fd, data, n);
    };
    const auto read_file = [&](char* data, size_t n) {
        return int(from.flags) & has_position ? pread(from.fd, data, n, from.pos + off_t(from_off))
                                              : read(from.fd, data, n);
    };
    ssize_t n;
    if (!to_file && !from_file) {
        std::memmove(static_cast<char*>(to.mem) + to_off, static_cast<const char*>(from.mem) + from_off,
                     size);
        return ssize_t(size);
    }
    if (!from_file)
        n = write_file(static_cast<const char*>(from.mem) + from_off, size);
    else if (!to_file)
        n = read_file(static_cast<char*>(to.mem) + to_off, size);
    else {
        char piece[4096];
        n = read_file(piece, size < sizeof piece ? size : sizeof piece);
        if (n > 0)
            n = write_file(piece, size_t(n));
    }
    return n < 0 ? -errno : n;
}

template<class Vector> size_t buffers_size(const Vector* buffers)
{
    size_t size = 0;
    for (size_t i = 0; i < buffers->count; ++i) {
        if (buffers->buf[i].size > SIZE_MAX - size)
            return SIZE_MAX;
        size += buffers->buf[i].size;
    }
    return size;
}

/// Copies as much as there is and fits. @return bytes, or a negative error number if there were none
template<class Vector> ssize_t copy_buffers(Vector* to, Vector* from)
{
    ssize_t copied = 0;
    while (to->idx < to->count && from->idx < from->count) {
        const auto& target = to->buf[to->idx];
        const auto& source = from->buf[from->idx];
        const size_t room = target.size - to->off, left = source.size - from->off;
        const size_t size = room < left ? room : left;
        const ssize_t n = size == 0 ? 0 : move_bytes(target, to->off, source, from->off, size);
        if (n < 0)
            return copied != 0 ? copied : n;
        to->off += size_t(n);
        from->off += size_t(n);
        copied += n;
        if (size_t(n) < size)
            break; // the end of a file
        if (to->off == target.size) {
            ++to->idx;
            to->off = 0;
        }
        if (from->off == source.size) {
            ++from->idx;
            from->off = 0;
        }
    }
    return copied;
}

} // namespace fsp::libfuse
