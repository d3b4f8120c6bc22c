// SPDX-License-Identifier: MIT
//
// Directories: opendir, readdir, readdirplus, releasedir, fsyncdir.
//
// What was read of a directory stays with its handle, and offsets point into it: an offset means the same
// entry however the directory changes meanwhile, and the driver's enumeration goes on after the last entry it
// gave.
#include <cerrno>
#include <cstring>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

constexpr uint32_t chunk_size = 64 * 1024;

/// 0 is the start, 1 follows ".", 2 follows "..", then positions in the chunks in units of 8 bytes.
constexpr off_t first_entry = 2;
constexpr off_t chunk_units = chunk_size / 8;

OpenDirectory& directory_of(fuse_file_info* info) { return *reinterpret_cast<OpenDirectory*>(info->fh); }

void opendir(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    auto directory = std::make_unique<OpenDirectory>();
    OpenRequest what;
    what.access = FILE_LIST_DIRECTORY;
    what.options = FILE_DIRECTORY_FILE;
    // The kernel may keep the listing, too.
    info->cache_readdir = info->keep_cache = request.session().leases().hold(inode);
    const NTSTATUS status = request.open(inode, what, &directory->handle);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    directory->inode = &inode;
    OpenDirectory* const opened = request.session().directories().add(std::move(directory));
    info->fh = reinterpret_cast<uint64_t>(opened);
    if (!request.opened(*info))
        request.session().directories().remove(opened);
}

void releasedir(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    if (!directory_of(info).leased) // the start of a listing, perhaps, that others would complete
        request.session().file_leases().forget(request.inode(number));
    request.session().directories().remove(&directory_of(info));
    request.done();
}

void fsyncdir(fuse_req_t handle, fuse_ino_t, int, fuse_file_info*)
{
    Request request(handle);
    request.done(); // the driver has nothing of a directory to write
}

/// Reads the next chunk; false at the end.
NTSTATUS read_more(OpenDirectory& directory)
{
    static thread_local const std::unique_ptr<uint64_t[]> space(new uint64_t[chunk_size / sizeof(uint64_t)]);
    auto* const buffer = reinterpret_cast<uint8_t*>(space.get());
    uint32_t size;
    const NTSTATUS status =
        query_directory(directory.handle.get(), buffer, chunk_size, directory.chunks.empty(), &size);
    if (status == STATUS_NO_MORE_FILES || status == STATUS_NO_SUCH_FILE) {
        directory.complete = true;
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(status))
        return status;
    OpenDirectory::Chunk chunk;
    chunk.entries.reset(new uint8_t[size]);
    std::memcpy(chunk.entries.get(), buffer, size);
    chunk.size = size;
    directory.chunks.push_back(std::move(chunk));
    return STATUS_SUCCESS;
}

/// A reply that is filled entry by entry.
class Listing
{
  public:
    Listing(Request& request, Inode& inode, size_t size, bool plus)
        : request_(request), inode_(inode), plus_(plus), capacity_(size), buffer_(space(size))
    {}

    /// @param next where reading goes on after the entry
    /// @return false if the entry does not fit
    bool add_dot(const char* name, off_t next)
    {
        fuse_entry_param entry{};
        const Inode* of = &inode_;
        if (name[1] == '.') {
            std::lock_guard guard(request_.inodes().lock());
            if (inode_.parent)
                of = inode_.parent;
            entry.attr.st_ino = of->number;
        } else
            entry.attr.st_ino = of->number;
        entry.attr.st_mode = S_IFDIR;
        return put(name, entry, next);
    }

    bool add(const FILE_ID_BOTH_DIR_INFORMATION& found, off_t next)
    {
        const std::u16string_view name(found.FileName, found.FileNameLength / sizeof(char16_t));
        if (name == u"." || name == u"..")
            return true;
        char text[1024];
        const size_t length = to_linux_name(name, text, sizeof text - 1);
        if (std::string_view(text, length).starts_with(request_.session().hidden_prefix()))
            return true;
        if (length == 0 || std::memchr(text, '/', length))
            return true; // not a name that Linux can use
        text[length] = 0;

        fuse_entry_param entry{};
        // The same member holds the reparse tag of a reparse point.
        entry.attr.st_mode = type_of(found.FileAttributes, found.EaSize);
        entry.attr.st_ino = uint64_t(found.FileId.QuadPart);
        if (entry.attr.st_ino == 0 || !shows_own_numbers_)
            entry.attr.st_ino = unknown_number; // 0 is no entry at all to some programs
        if (!plus_)
            return put(text, entry, next);

        if (used_ + fuse_add_direntry_plus(request_.handle(), nullptr, 0, text, nullptr, 0) > capacity_)
            return false;
        Attributes attributes;
        if (look_up(name, &attributes)) {
            entry = make_entry(request_, inode_, name, attributes);
            entries_.push_back(entry);
        }
        return put(text, entry, next); // without an inode the kernel takes only the name
    }

    void reply()
    {
        if (!request_.bytes(buffer_, used_))
            for (const fuse_entry_param& entry : entries_)
                take_back(request_, entry);
    }

    bool empty() const { return used_ == 0; }

  private:
    static char* space(size_t size)
    {
        static thread_local std::unique_ptr<char[]> buffer;
        static thread_local size_t buffer_size = 0;
        if (buffer_size < size) {
            buffer.reset(new char[size]);
            buffer_size = size;
        }
        return buffer.get();
    }

    bool look_up(std::u16string_view name, Attributes* attributes)
    {
        OpenRequest what;
        what.access = FILE_READ_ATTRIBUTES | READ_CONTROL | FILE_READ_EA;
        NtHandle file;
        return NT_SUCCESS(request_.open(inode_, name, what, &file)) &&
               NT_SUCCESS(query_attributes(request_.session(), file.get(), attributes));
    }

    bool put(const char* name, const fuse_entry_param& entry, off_t next)
    {
        const size_t size = plus_ ? fuse_add_direntry_plus(request_.handle(), buffer_ + used_,
                                                           capacity_ - used_, name, &entry, next)
                                  : fuse_add_direntry(request_.handle(), buffer_ + used_, capacity_ - used_,
                                                      name, &entry.attr, next);
        if (size > capacity_ - used_)
            return false;
        used_ += size;
        return true;
    }

    static constexpr ino_t unknown_number = 0xFFFFFFFF;

    Request& request_;
    Inode& inode_;
    const bool shows_own_numbers_ =
        !request_.session().posix() || request_.session().posix()->own_inode_numbers;
    const bool plus_;
    const size_t capacity_;
    char* const buffer_;
    size_t used_ = 0;
    std::vector<fuse_entry_param> entries_;
};

/// What there is from the offset on, as much as fits. @return why there is not even a first entry
NTSTATUS fill(Listing& listing, OpenDirectory& directory, off_t offset)
{
    std::lock_guard guard(directory.lock);
    if (offset == 0 && !directory.chunks.empty()) {
        // rewinddir: the directory as it is now
        directory.chunks.clear();
        directory.complete = false;
    }

    if (offset < 1 && !listing.add_dot(".", 1))
        return STATUS_SUCCESS;
    if (offset < 2 && !listing.add_dot("..", 2))
        return STATUS_SUCCESS;

    off_t position = offset < first_entry ? 0 : offset - first_entry;
    for (;;) {
        const size_t index = size_t(position / chunk_units);
        size_t at = size_t(position % chunk_units) * 8;
        if (index >= directory.chunks.size()) {
            if (directory.complete)
                break;
            const NTSTATUS status = read_more(directory);
            if (!NT_SUCCESS(status))
                return listing.empty() ? status : STATUS_SUCCESS;
            continue;
        }
        const OpenDirectory::Chunk& chunk = directory.chunks[index];
        if (at >= chunk.size) {
            position = off_t(index + 1) * chunk_units;
            continue;
        }
        const auto& found = *reinterpret_cast<const FILE_ID_BOTH_DIR_INFORMATION*>(chunk.entries.get() + at);
        position =
            found.NextEntryOffset ? position + found.NextEntryOffset / 8 : off_t(index + 1) * chunk_units;
        if (!listing.add(found, position + first_entry))
            break;
    }
    return STATUS_SUCCESS;
}

/// Is the directory leased, so that the kernel may keep the listing? One that is read again through the same
/// descriptor may have lost its lease. What a POSIX file system lets the kernel keep has no lease.
///
/// The kernel stores a reply some time after it was sent, so to forget may come too early. But it asks for
/// more only when it has stored what it got, and serves a listing from its cache only when it has been told
/// the end: a listing that was not leased all the time is forgotten before each further reply.
bool lease_listing(Session& session, Inode& inode, OpenDirectory& directory, off_t offset)
{
    if (session.posix())
        return true;
    const bool before = directory.leased;
    const bool now = offset == 0 ? session.leases().hold(inode) : before && session.leases().held(inode);
    directory.leased = now;
    if (!before || !now)
        session.file_leases().forget(inode);
    return now;
}

void list(fuse_req_t handle, fuse_ino_t number, size_t size, off_t offset, fuse_file_info* info, bool plus)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    Listing listing(request, inode, size, plus);
    OpenDirectory& directory = directory_of(info);
    const bool leased = lease_listing(request.session(), inode, directory, offset);
    const NTSTATUS status = fill(listing, directory, offset);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    // Once it has its answer the kernel may close the directory.
    const bool forget_soon = !leased && offset == 0;
    if (forget_soon)
        request.inodes().reference(inode);
    listing.reply();
    if (forget_soon) {
        request.session().file_leases().forget_soon(inode);
        request.inodes().release(inode);
    }
}

void readdir(fuse_req_t handle, fuse_ino_t number, size_t size, off_t offset, fuse_file_info* info)
{
    list(handle, number, size, offset, info, false);
}

void readdirplus(fuse_req_t handle, fuse_ino_t number, size_t size, off_t offset, fuse_file_info* info)
{
    list(handle, number, size, offset, info, true);
}

} // namespace

void add_directory_operations(fuse_lowlevel_ops& operations)
{
    operations.opendir = opendir;
    operations.readdir = readdir;
    operations.readdirplus = readdirplus;
    operations.releasedir = releasedir;
    operations.fsyncdir = fsyncdir;
}

} // namespace fsp::fuse
