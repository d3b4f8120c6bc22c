// SPDX-License-Identifier: MIT
//
// Listing directories.
#include "dll/fuse/directory.h"

#include <string>

#include "dll/fuse/native_operations.h"
#include "nt/text.h"

namespace fsp::winfuse {
namespace {

constexpr size_t name_units_max = 255, name_bytes_max = 4 * name_units_max;

bool is_dots(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

/// Programs that list impossible names do so again and again.
void warn(const char* what, const char* directory, const char* name)
{
    static UINT32 count = 0;
    if (__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) < 5)
        FspDebugLog("fuse: %s: \"%s\" in \"%s\"\n", what, name, directory);
}

/// Asks the program, by readdir or by getdir. @return STATUS_SUCCESS if there is neither and `optional`
NTSTATUS list(const fuse& f, const Handle& handle, DirectoryFiller& filler)
{
    if (f.on.readdir != nullptr) {
        fuse_file_info info = handle.info();
        return status_of(f.env, f.on.readdir(handle.path(), &filler, fill_directory, 0, &info));
    }
    const auto old_fill = [](fuse_dirh_t buffer, const char* name, int, fuse_ino_t) {
        return fill_directory(buffer, name, nullptr, 0) == 0 ? 0 : -error_no_memory;
    };
    return status_of(f.env, f.on.getdir(handle.path(), reinterpret_cast<fuse_dirh_t>(&filler), old_fill));
}

/// The entries of a listing. The program is not asked about them while it lists: it may hold a lock then.
class Entries final : public DirectoryFiller
{
  public:
    Entries(const fuse& f, const char* directory)
        : directory_(directory), root_(std::strcmp(directory, "/") == 0),
          takes_attributes_(f.wants(FSP_FUSE_CAP_READDIR_PLUS)),
          attributes_size_(f.wants(FSP_FUSE_CAP_STAT_EX) ? sizeof(fuse_stat_ex) : sizeof(struct fuse_stat))
    {}
    ~Entries() { std::free(bytes_); }

    bool wants_attributes() const override { return takes_attributes_; }

    bool take(const char* name, const struct fuse_stat* attributes) override
    {
        if (root_ && is_dots(name))
            return true;
        const size_t length = std::strlen(name);
        if (length == 0 || length > name_bytes_max || std::strchr(name, '/') != nullptr) {
            warn("a name that cannot be", directory_, name);
            return true;
        }
        Head head = {length, false, {}};
        if (takes_attributes_ && attributes != nullptr && (attributes->st_mode & type_mask) != type_link) {
            head.known = true;
            std::memcpy(&head.attributes, attributes, attributes_size_);
        }
        return append(&head, sizeof head) && append(name, length + 1);
    }

    /// Calls visit(name, attributes or null) for each entry until it returns false.
    template<class Visit> void for_each(Visit visit) const
    {
        for (size_t at = 0; at != size_;) {
            Head head;
            std::memcpy(&head, bytes_ + at, sizeof head);
            const char* const name = bytes_ + at + sizeof head;
            if (!visit(name, head.known ? &head.attributes : nullptr))
                return;
            at += sizeof head + head.length + 1;
        }
    }

    bool out_of_memory() const { return out_of_memory_; }

  private:
    struct Head
    {
        size_t length; ///< of the name, which follows with its terminator
        bool known;
        fuse_stat_ex attributes;
    };

    bool append(const void* data, size_t size)
    {
        if (capacity_ - size_ < size) {
            const size_t capacity = (capacity_ + size) * 2;
            auto* bytes = static_cast<char*>(std::realloc(bytes_, capacity));
            if (bytes == nullptr) {
                out_of_memory_ = true;
                return false;
            }
            bytes_ = bytes;
            capacity_ = capacity;
        }
        std::memcpy(bytes_ + size_, data, size);
        size_ += size;
        return true;
    }

    const char* const directory_;
    const bool root_;
    const bool takes_attributes_;
    const size_t attributes_size_; ///< of the program's structure
    char* bytes_ = nullptr;
    size_t size_ = 0, capacity_ = 0;
    bool out_of_memory_ = false;
};

/// A directory entry with room for its name.
class DirectoryEntry
{
  public:
    /// @return false: Windows cannot have such a name
    bool set_name(const char* name)
    {
        OwnWidePath wide;
        if (!NT_SUCCESS(wide.from_posix(name)))
            return false;
        const size_t length = nt::length(wide.get());
        if (length > name_units_max)
            return false;
        std::memset(bytes_, 0, sizeof(FSP_FSCTL_DIR_INFO));
        info()->Size = static_cast<UINT16>(sizeof(FSP_FSCTL_DIR_INFO) + length * sizeof(WCHAR));
        std::memcpy(info()->FileNameBuf, wide.get(), length * sizeof(WCHAR));
        return true;
    }
    FSP_FSCTL_DIR_INFO* info() { return reinterpret_cast<FSP_FSCTL_DIR_INFO*>(bytes_); }

  private:
    alignas(FSP_FSCTL_DIR_INFO) char bytes_[sizeof(FSP_FSCTL_DIR_INFO) + name_units_max * sizeof(WCHAR)];
};

/// The path of an entry; "." and ".." are the directory and its parent.
void put_entry_path(const char* directory, const char* name, std::string* out)
{
    *out = directory;
    if (std::strcmp(name, ".") == 0)
        return;
    if (std::strcmp(name, "..") == 0) {
        const size_t slash = out->rfind('/');
        out->resize(slash != 0 && slash != std::string::npos ? slash : 1);
        return;
    }
    if (out->back() != '/')
        *out += '/';
    *out += name;
}

NTSTATUS fill_listing(fuse& f, Handle& handle)
{
    Entries entries(f, handle.path());
    NTSTATUS status = list(f, handle, entries);
    if (NT_SUCCESS(status) && entries.out_of_memory())
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(status) || !FspFileSystemAcquireDirectoryBuffer(&handle.listing, TRUE, &status))
        return status;
    std::string path;
    entries.for_each([&](const char* name, const fuse_stat_ex* attributes) {
        DirectoryEntry entry;
        if (!entry.set_name(name)) {
            warn("a name that cannot be", handle.path(), name);
            return true;
        }
        put_entry_path(handle.path(), name, &path);
        Information information;
        if (attributes != nullptr)
            to_information(f, path.c_str(), *attributes, &information);
        else if (get_information(f, path.c_str(), nullptr, &information) != STATUS_SUCCESS) {
            warn("no attributes", handle.path(), name);
            return true;
        }
        entry.info()->FileInfo = information.file;
        return FspFileSystemFillDirectoryBuffer(&handle.listing, entry.info(), &status) != FALSE;
    });
    FspFileSystemReleaseDirectoryBuffer(&handle.listing);
    return status;
}

class Emptiness final : public DirectoryFiller
{
  public:
    bool wants_attributes() const override { return false; }
    bool take(const char* name, const struct fuse_stat*) override
    {
        (is_dots(name) ? dots_ : others_) = true;
        return !others_;
    }
    bool dots() const { return dots_; }
    bool others() const { return others_; }

  private:
    bool dots_ = false, others_ = false;
};

} // namespace

int fill_directory(void* buffer, const char* name, const struct fuse_stat* attributes, fuse_off_t)
{
    return static_cast<DirectoryFiller*>(buffer)->take(name, attributes) ? 0 : 1;
}

NTSTATUS check_empty(fuse& f, const Handle& handle)
{
    if (f.on.readdir == nullptr && f.on.getdir == nullptr)
        return STATUS_SUCCESS;
    Emptiness emptiness;
    const NTSTATUS status = list(f, handle, emptiness);
    return emptiness.others() ? STATUS_DIRECTORY_NOT_EMPTY : emptiness.dots() ? STATUS_SUCCESS : status;
}

namespace native {

NTSTATUS read_directory(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PWSTR marker, PVOID buffer, ULONG length,
                        PULONG transferred)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (!handle.directory || handle.reparse)
        return STATUS_ACCESS_DENIED;
    if (f.on.readdir == nullptr && f.on.getdir == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (marker == nullptr || FspInterlockedLoadPointer(&handle.listing) == nullptr) {
        const NTSTATUS status = fill_listing(f, handle);
        if (!NT_SUCCESS(status))
            return status;
    }
    FspFileSystemReadDirectoryBuffer(&handle.listing, marker, buffer, length, transferred);
    return STATUS_SUCCESS;
}

NTSTATUS get_dir_info_by_name(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR name, FSP_FSCTL_DIR_INFO* out)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (!handle.directory || handle.reparse)
        return STATUS_ACCESS_DENIED;
    OwnPath component;
    Information information;
    std::string path;
    if (!NT_SUCCESS(component.from_windows(name)))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    put_entry_path(handle.path(), component.get(), &path);
    if (get_information(f, path.c_str(), nullptr, &information) != STATUS_SUCCESS)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    out->FileInfo = information.file;

    const WCHAR* shown = name;
    OwnWidePath stored;
    if (get_stored_path(f, path.c_str(), nullptr, &stored)) {
        const WCHAR* last = stored.get() + nt::length(stored.get());
        while (last != stored.get() && last[-1] != '\\')
            --last;
        if (nt::length(last) <= name_units_max)
            shown = last;
    }
    const size_t length = nt::length(shown, name_units_max);
    out->Size = static_cast<UINT16>(sizeof *out + length * sizeof(WCHAR));
    std::memcpy(out->FileNameBuf, shown, length * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

} // namespace native
} // namespace fsp::winfuse
