// SPDX-License-Identifier: MIT
//
// readdir and readdirplus on a volume that keeps POSIX objects. A FUSE program gives either all entries at
// once, which then stay with the open directory, or some from an offset of its own on.
#include <cerrno>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

/// A reply that is filled entry by entry.
class PosixListing
{
  public:
    PosixListing(Request& request, Inode& inode, size_t size, bool plus)
        : request_(request), inode_(inode), plus_(plus), buffer_(size)
    {}

    /// @param next where reading goes on after the entry
    /// @return false if the entry does not fit
    bool add(const OpenDirectory::Entry& found, off_t next)
    {
        const char* const name = found.name.c_str();
        const nt::PosixMount& mount = *request_.session().posix();
        fuse_entry_param entry{};
        entry.attr = found.attributes;
        if (entry.attr.st_ino == 0 || !mount.own_inode_numbers)
            entry.attr.st_ino = unknown_number; // 0 is no entry at all to some programs
        const size_t room = buffer_.size() - used_;
        if (!plus_) {
            const size_t size =
                fuse_add_direntry(request_.handle(), buffer_.data() + used_, room, name, &entry.attr, next);
            return take(size, room);
        }
        if (fuse_add_direntry_plus(request_.handle(), nullptr, 0, name, nullptr, 0) > room)
            return false;
        Name wide;
        // Without an inode the kernel takes only the name.
        if (found.complete && found.name != "." && found.name != ".." && request_.name(name, &wide) == 0) {
            entry = posix_entry(request_, inode_, wide.view(), found.attributes);
            entries_.push_back(entry);
        }
        return take(
            fuse_add_direntry_plus(request_.handle(), buffer_.data() + used_, room, name, &entry, next),
            room);
    }

    void reply()
    {
        if (!request_.bytes(buffer_.data(), used_))
            for (const fuse_entry_param& entry : entries_)
                take_back(request_, entry);
    }

    /// For a request that fails after all.
    void take_entries_back()
    {
        for (const fuse_entry_param& entry : entries_)
            take_back(request_, entry);
    }

  private:
    bool take(size_t size, size_t room)
    {
        if (size > room)
            return false;
        used_ += size;
        return true;
    }

    static constexpr ino_t unknown_number = 0xFFFFFFFF;

    Request& request_;
    Inode& inode_;
    const bool plus_;
    std::vector<char> buffer_;
    size_t used_ = 0;
    std::vector<fuse_entry_param> entries_;
};

/// Where the file system's entries go: into the reply if they have offsets, else to the open directory.
struct Filling
{
    OpenDirectory& directory;
    PosixListing& listing;
    bool mixed = false; ///< some have an offset and some do not

    static bool fill(void* context, const char* name, const struct stat* attributes, int64_t next,
                     bool complete)
    {
        auto& self = *static_cast<Filling*>(context);
        OpenDirectory::Entry entry{name, {}, complete};
        if (attributes)
            entry.attributes = *attributes;
        if (next == 0) {
            self.directory.listed_whole = true;
            self.directory.entries.push_back(std::move(entry));
            return true;
        }
        self.mixed |= self.directory.listed_whole;
        return !self.mixed && self.listing.add(entry, next);
    }
};

/// @return 0 or an error number
int fill(Request& request, PosixListing& listing, OpenDirectory& directory, off_t offset, bool plus)
{
    std::lock_guard guard(directory.lock);
    if (offset == 0) { // rewinddir: the directory as it is now
        directory.entries.clear();
        directory.listed_whole = false;
    }
    if (!directory.listed_whole) {
        Filling filling{directory, listing};
        nt::PosixCall& posix = request.posix();
        posix.offset = offset;
        posix.flags = plus;
        posix.fill = Filling::fill;
        posix.fill_context = &filling;
        const int error = request.act(directory.handle.get(), nt::PosixAction::list);
        if (error != 0 || filling.mixed)
            return error != 0 ? error : EIO;
    }
    for (auto at = size_t(offset); at < directory.entries.size(); ++at)
        if (!listing.add(directory.entries[at], off_t(at + 1)))
            break;
    // Until it has this answer the kernel lets nobody change the directory; what comes later would be old.
    if (plus)
        for (OpenDirectory::Entry& entry : directory.entries)
            entry.complete = false;
    return 0;
}

void list(fuse_req_t handle, fuse_ino_t number, size_t size, off_t offset, fuse_file_info* info, bool plus)
{
    Request request(handle);
    PosixListing listing(request, request.inode(number), size, plus);
    if (const int error = fill(request, listing, *reinterpret_cast<OpenDirectory*>(info->fh), offset, plus)) {
        listing.take_entries_back();
        return void(request.fail(error));
    }
    listing.reply();
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

void add_posix_list_operations(fuse_lowlevel_ops& operations)
{
    operations.readdir = readdir;
    operations.readdirplus = readdirplus;
}

} // namespace fsp::fuse
