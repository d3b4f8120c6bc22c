// SPDX-License-Identifier: MIT
//
// Bytes of open files: read, write, fallocate, lseek.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

#ifndef FALLOC_FL_KEEP_SIZE
constexpr int FALLOC_FL_KEEP_SIZE = 1;
constexpr int FALLOC_FL_PUNCH_HOLE = 2;
constexpr int FALLOC_FL_ZERO_RANGE = 16;
#endif

/// A buffer of the thread for data that passes through, aligned to pages.
class DataBuffer
{
  public:
    static char* of_size(size_t size)
    {
        static thread_local DataBuffer buffer;
        if (buffer.size_ < size) {
            buffer.data_.reset(static_cast<char*>(std::aligned_alloc(4096, (size + 4095) & ~size_t(4095))));
            buffer.size_ = buffer.data_ ? size : 0;
        }
        return buffer.data_.get();
    }

  private:
    struct Free
    {
        void operator()(char* data) const { std::free(data); }
    };

    std::unique_ptr<char, Free> data_;
    size_t size_ = 0;
};

/// The kernel keeps what a request reads or writes: under a lease, or for the moment.
class CachedData
{
  public:
    CachedData(Request& request, Inode& inode) : session_(request.session())
    {
        // Without a reader the next open empties the cache.
        if (inode.readers != 0 && !session_.file_leases().hold(inode))
            forget(inode);
    }
    /// A read that ends at the end of the file is about to be answered (FileLeases::forget_unsure).
    void end_read(Inode& inode)
    {
        if (!inode.size_unsure)
            return;
        inode.end_read = true;
        if (inode.end_untrusted.exchange(false))
            forget(inode);
    }
    CachedData(const CachedData&) = delete;
    ~CachedData()
    {
        if (!unleased_)
            return;
        session_.file_leases().forget_soon(*unleased_);
        session_.inodes().release(*unleased_);
    }

  private:
    void forget(Inode& inode)
    {
        if (unleased_)
            return;
        // Once it has its answer the kernel may close the file, which is what keeps the inode.
        session_.inodes().reference(inode);
        unleased_ = &inode;
    }

    Session& session_;
    Inode* unleased_ = nullptr;
};

OpenFile& file_of(fuse_file_info* info) { return *reinterpret_cast<OpenFile*>(info->fh); }

void read(fuse_req_t handle, fuse_ino_t number, size_t size, off_t offset, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    char* const buffer = DataBuffer::of_size(size);
    if (!buffer)
        return void(request.fail(ENOMEM));
    // What a POSIX file system lets the kernel keep has no lease.
    std::optional<CachedData> cached;
    if (!request.session().posix())
        cached.emplace(request, inode);
    uint32_t done;
    const NTSTATUS status = read_file(file_of(info).nt(), buffer, uint32_t(size), uint64_t(offset), &done);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    if (cached && done < size)
        cached->end_read(inode);
    request.bytes(buffer, done);
}

NTSTATUS file_size(HANDLE file, uint64_t* size)
{
    FILE_STANDARD_INFORMATION standard;
    const NTSTATUS status = query_file(file, FileStandardInformation, &standard, sizeof standard);
    *size = NT_SUCCESS(status) ? uint64_t(standard.EndOfFile.QuadPart) : 0;
    return status;
}

void write(fuse_req_t handle, fuse_ino_t number, const char* data, size_t size, off_t offset,
           fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    OpenFile& file = file_of(info);
    const CachedData cached(request, inode);
    drop_privileges(request, inode);
    // Pages of a mapping have their place, whatever handle they come through.
    const bool append = (info->flags & O_APPEND) && !info->writepage;
    uint32_t done = 0;
    const NTSTATUS status =
        write_file(file.nt(), data, uint32_t(size), append ? at_end_of_file : uint64_t(offset), &done);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    note_write(inode, file);
    request.written(done);
}

/// Writes zeros over what exists of a range.
NTSTATUS write_zeros(HANDLE file, uint64_t from, uint64_t to)
{
    constexpr size_t piece = 256 * 1024;
    char* const zeros = DataBuffer::of_size(piece);
    if (!zeros)
        return STATUS_NO_MEMORY;
    std::memset(zeros, 0, piece);
    while (from < to) {
        uint32_t done;
        const NTSTATUS status =
            write_file(file, zeros, uint32_t(std::min<uint64_t>(piece, to - from)), from, &done);
        if (!NT_SUCCESS(status))
            return status;
        if (done == 0)
            return STATUS_DISK_FULL;
        from += done;
    }
    return STATUS_SUCCESS;
}

/// Makes a range read as zeros, as a hole if the file system has holes.
NTSTATUS clear(HANDLE file, uint64_t from, uint64_t to)
{
    if (from >= to)
        return STATUS_SUCCESS;
    const NTSTATUS status = set_zero_data(file, from, to);
    return status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_NOT_SUPPORTED ||
                   status == STATUS_USER_MAPPED_FILE
               ? write_zeros(file, from, to)
               : status;
}

NTSTATUS set_allocation(HANDLE file, uint64_t size)
{
    FILE_ALLOCATION_INFORMATION allocation;
    allocation.AllocationSize.QuadPart = LONGLONG(size);
    return set_file(file, FileAllocationInformation, &allocation, sizeof allocation);
}

void fallocate(fuse_req_t handle, fuse_ino_t number, int mode, off_t offset, off_t length,
               fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    OpenFile& file = file_of(info);
    const HANDLE nt = file.nt();
    if (offset < 0 || length <= 0)
        return void(request.fail(EINVAL));
    const uint64_t end = uint64_t(offset) + uint64_t(length);
    if (end > uint64_t(INT64_MAX))
        return void(request.fail(EFBIG));

    drop_privileges(request, inode);
    uint64_t size;
    NTSTATUS status = file_size(nt, &size);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));

    switch (mode) {
    case 0:
    case FALLOC_FL_KEEP_SIZE:
        if (end > size) {
            FILE_STANDARD_INFORMATION standard;
            status = query_file(nt, FileStandardInformation, &standard, sizeof standard);
            if (NT_SUCCESS(status) && end > uint64_t(standard.AllocationSize.QuadPart))
                status = set_allocation(nt, end);
            if (NT_SUCCESS(status) && mode == 0) {
                FILE_END_OF_FILE_INFORMATION information;
                information.EndOfFile.QuadPart = LONGLONG(end);
                status = set_file(nt, FileEndOfFileInformation, &information, sizeof information);
            }
        }
        break;
    case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
    case FALLOC_FL_ZERO_RANGE:
    case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
        status = clear(nt, uint64_t(offset), std::min(end, size));
        if (NT_SUCCESS(status) && mode == FALLOC_FL_ZERO_RANGE && end > size) {
            FILE_END_OF_FILE_INFORMATION information;
            information.EndOfFile.QuadPart = LONGLONG(end);
            status = set_file(nt, FileEndOfFileInformation, &information, sizeof information);
        }
        break;
    default:
        return void(request.fail(EOPNOTSUPP));
    }
    if (NT_SUCCESS(status))
        note_write(inode, file);
    request.refuse(status);
}

/// The next data or hole at or behind an offset. To a file system that tells nothing of holes a file is one
/// piece of data.
NTSTATUS find(HANDLE file, uint64_t offset, uint64_t size, bool data, uint64_t* found)
{
    for (uint64_t at = offset;;) {
        uint64_t start, end;
        const NTSTATUS status = next_data(file, at, size, &start, &end);
        if (status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_NOT_SUPPORTED) {
            *found = data ? offset : size;
            return STATUS_SUCCESS;
        }
        if (!NT_SUCCESS(status))
            return status;
        const bool none = start >= end;
        if (data || none || start > at) {
            *found = !data ? at : none ? size : start;
            return STATUS_SUCCESS;
        }
        at = end;
        if (at >= size) {
            *found = size;
            return STATUS_SUCCESS;
        }
    }
}

/// Where there is a hole to the file system, the kernel may hold pages that were written through a mapping
/// and are not here yet: it writes them now.
void write_back_mapped(Request& request, fuse_ino_t number, uint64_t from, uint64_t to)
{
    fuse_lowlevel_notify_inval_inode(request.session().connection(), number, off_t(from), off_t(to - from));
}

void lseek(fuse_req_t handle, fuse_ino_t number, off_t offset, int whence, fuse_file_info* info)
{
    Request request(handle);
    const HANDLE file = file_of(info).nt();
    if (whence != SEEK_DATA && whence != SEEK_HOLE)
        return void(request.fail(EINVAL));
    uint64_t size, found;
    NTSTATUS status = file_size(file, &size);
    if (NT_SUCCESS(status) && (offset < 0 || uint64_t(offset) >= size))
        return void(request.fail(ENXIO));
    const bool data = whence == SEEK_DATA;
    const auto at = uint64_t(offset);
    if (NT_SUCCESS(status))
        status = find(file, at, size, data, &found);
    if (NT_SUCCESS(status) && data && found > at) {
        write_back_mapped(request, number, at, found);
        status = find(file, at, size, data, &found);
    }
    for (uint64_t hole = size; NT_SUCCESS(status) && !data && found < size && found != hole;) {
        hole = found;
        write_back_mapped(request, number, hole, hole + 1);
        status = find(file, at, size, data, &found);
    }
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    if (data && found >= size)
        return void(request.fail(ENXIO));
    request.position(off_t(found));
}

} // namespace

void add_data_operations(fuse_lowlevel_ops& operations)
{
    operations.read = read;
    operations.write = write;
    operations.fallocate = fallocate;
    operations.lseek = lseek;
}

} // namespace fsp::fuse
