// SPDX-License-Identifier: MIT
#include "memfs.h"

#include <winfsp/sparse.h>
#if defined(_WIN32)
#include <sddl.h>
#endif

#include <algorithm>
#include <cstring>
#include <limits>

namespace memfs {

namespace {

constexpr UINT32 sector_size = 512;
constexpr std::size_t max_path = 4096;            // characters, stream name included
constexpr UINT32 rot13_control_code = 0x804D0148; // CTL_CODE(0x804D, 'R', METHOD_BUFFERED, FILE_ANY_ACCESS)

NameView view(const WCHAR* text) { return {text, std::char_traits<WCHAR>::length(text)}; }

/// An EA's name in the case in which EAs are compared.
std::string ea_key(const FILE_FULL_EA_INFORMATION& ea)
{
    std::string key(ea.EaName, ea.EaNameLength);
    for (char& c : key)
        if (c >= 'a' && c <= 'z')
            c = static_cast<char>(c - 'a' + 'A');
    return key;
}

UINT32 ea_size(const Node& node)
{
    UINT32 size = 0;
    if (node.eas != nullptr)
        for (const auto& [key, bytes] : *node.eas)
            size += FspFileSystemGetEaPackedSize(
                reinterpret_cast<PFILE_FULL_EA_INFORMATION>(const_cast<std::uint8_t*>(bytes.data())));
    return size;
}

/// Bytes of the list of all EAs of a node but one.
std::size_t ea_list_size(const Node& node, const std::string& but)
{
    std::size_t size = 0;
    for (const auto& [key, bytes] : *node.eas)
        if (key != but)
            size += (bytes.size() + 3) / 4 * 4;
    return size;
}

bool needs_ea(Node& node)
{
    const Guard guard(node.mutex);
    return node.eas != nullptr && std::any_of(node.eas->begin(), node.eas->end(), [](const auto& entry) {
               return (reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(entry.second.data())->Flags &
                       FILE_NEED_EA) != 0;
           });
}

/// POSIX and NTFS agree that a directory's times change with its entries.
void touch(Node& directory)
{
    const Guard guard(directory.mutex);
    directory.info.LastAccessTime = directory.info.LastWriteTime = directory.info.ChangeTime = now();
}

NTSTATUS get_reparse_point(Node& node, PVOID buffer, PSIZE_T size)
{
    const Guard guard(node.mutex);
    if (node.reparse == nullptr)
        return STATUS_NOT_A_REPARSE_POINT;
    if (buffer == nullptr)
        return STATUS_SUCCESS;
    if (*size < node.reparse->size())
        return STATUS_BUFFER_TOO_SMALL;
    std::memcpy(buffer, node.reparse->data(), node.reparse->size());
    *size = node.reparse->size();
    return STATUS_SUCCESS;
}

/// Node's mutex held, or node not yet in the tree.
void set_reparse_data(Node& node, const void* buffer, std::size_t size)
{
    const auto* bytes = static_cast<const std::uint8_t*>(buffer);
    node.reparse = std::make_unique<Bytes>(bytes, bytes + size);
    node.info.FileAttributes |= FILE_ATTRIBUTE_REPARSE_POINT;
    std::memcpy(&node.info.ReparseTag, bytes, sizeof node.info.ReparseTag);
    node.is_link = true;
}

/// One record of a listing of files or streams, with room for the longest name.
template<class Info> struct Record
{
    alignas(Info) std::uint8_t space[sizeof(Info) + 255 * sizeof(WCHAR)];
    Info& info = *reinterpret_cast<Info*>(space);
};

struct Entry : Record<FSP_FSCTL_DIR_INFO>
{
    void set(Node& node, NameView name)
    {
        std::memset(&info, 0, sizeof info);
        info.Size = static_cast<UINT16>(sizeof info + name.size() * sizeof(WCHAR));
        info.FileInfo = node.file_info();
        std::memcpy(info.FileNameBuf, name.data(), name.size() * sizeof(WCHAR));
    }
};

} // namespace

Memfs::Memfs(const Options& options)
    : options_(options), tree_(options.case_insensitive, options.max_nodes), slow_io_(options.slow_io)
{}

Memfs::~Memfs()
{
    if (file_system_ != nullptr)
        FspFileSystemDelete(file_system_);
}

UINT64 Memfs::align(UINT64 size) const { return (size + sector_size - 1) / sector_size * sector_size; }

/// Sets the end of file, or the space set aside for the file (which cuts the file if it is less).
NTSTATUS Memfs::set_size(Node& node, UINT64 size, bool allocation)
{
    if (size > options_.max_file_size)
        return STATUS_DISK_FULL;
    const Guard guard(node.mutex);
    if (size < node.info.FileSize) {
        node.data.truncate(size);
        node.info.FileSize = size;
        node.info.AllocationSize = align(size);
    }
    if (allocation) {
        node.info.AllocationSize = align(size);
    } else {
        node.info.FileSize = size;
        node.info.AllocationSize = std::max(node.info.AllocationSize, align(size));
    }
    return STATUS_SUCCESS;
}

NTSTATUS Memfs::apply_eas(Node& node, PFILE_FULL_EA_INFORMATION ea, ULONG length)
{
    const auto apply = [](FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION single) -> NTSTATUS {
        auto& target = *static_cast<Node*>(context);
        if (target.eas == nullptr)
            target.eas = std::make_unique<std::map<std::string, Bytes>>();
        if (single->EaValueLength == 0) {
            target.eas->erase(ea_key(*single));
            return STATUS_SUCCESS;
        }
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(single);
        const std::size_t size = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName) + single->EaNameLength + 1U +
                                 single->EaValueLength;
        const std::string key = ea_key(*single);
        // All of them are read with one response.
        if (ea_list_size(target, key) + size > FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX)
            return STATUS_EA_TOO_LARGE;
        target.eas->insert_or_assign(key, Bytes(bytes, bytes + size));
        return STATUS_SUCCESS;
    };
    const Guard guard(node.mutex);
    const NTSTATUS status = FspFileSystemEnumerateEa(file_system_, apply, &node, ea, length);
    node.info.EaSize = ea_size(node);
    node.info.ChangeTime = now();
    return status;
}

/// Most files of a volume have one of a few security descriptors: those are stored once.
std::shared_ptr<const Bytes> Memfs::share(const void* security, std::size_t size)
{
    const auto* bytes = static_cast<const std::uint8_t*>(security);
    const Guard guard(mutex_);
    for (const auto& recent : recent_security_)
        if (recent != nullptr && recent->size() == size && std::memcmp(recent->data(), bytes, size) == 0)
            return recent;
    auto made = std::make_shared<const Bytes>(bytes, bytes + size);
    recent_security_[next_security_++ % recent_security_.size()] = made;
    return made;
}

void Memfs::fill(FSP_FSCTL_VOLUME_INFO& info)
{
    const auto bytes = [this](UINT64 nodes) {
        const UINT64 most = std::numeric_limits<UINT64>::max() / 2;
        return nodes == 0 || options_.max_file_size <= most / nodes ? nodes * options_.max_file_size : most;
    };
    info.TotalSize = bytes(options_.max_nodes);
    info.FreeSize = bytes(options_.max_nodes - std::min(tree_.count(), options_.max_nodes));
    const Guard guard(mutex_);
    info.VolumeLabelLength = static_cast<UINT16>(label_.size() * sizeof(WCHAR));
    std::memcpy(info.VolumeLabel, label_.data(), info.VolumeLabelLength);
}

/// What a successful create or open tells: context, file information and the name as it is stored.
void Memfs::report_open(Node& node, PVOID* context, FSP_FSCTL_FILE_INFO* info, NameView path)
{
    node.add_reference();
    *context = &node;
    *info = node.file_info();
    if (!options_.case_insensitive)
        return;
    // The driver wants a name that differs from the one it asked for in case only.
    Name stored = Tree::path(node);
    FSP_FSCTL_OPEN_FILE_INFO* open = FspFileSystemGetOpenFileInfo(info);
    if (stored.size() == path.size() && stored.size() * sizeof(WCHAR) <= open->NormalizedNameSize) {
        std::memcpy(open->NormalizedName, stored.data(), stored.size() * sizeof(WCHAR));
        open->NormalizedNameSize = static_cast<UINT16>(stored.size() * sizeof(WCHAR));
    }
}

/// The operations of FSP_FILE_SYSTEM_INTERFACE. A file context is a Node.
struct Operations
{
    static Memfs& of(FSP_FILE_SYSTEM* file_system) { return *static_cast<Memfs*>(file_system->UserContext); }
    static Node& node(PVOID context) { return *static_cast<Node*>(context); }

    static NTSTATUS get_volume_info(FSP_FILE_SYSTEM* fs, FSP_FSCTL_VOLUME_INFO* info)
    {
        of(fs).fill(*info);
        return STATUS_SUCCESS;
    }

    static NTSTATUS set_volume_label(FSP_FILE_SYSTEM* fs, PWSTR label, FSP_FSCTL_VOLUME_INFO* info)
    {
        Memfs& memfs = of(fs);
        {
            const Guard guard(memfs.mutex_);
            memfs.label_ = view(label).substr(0, std::size(info->VolumeLabel));
        }
        memfs.fill(*info);
        return STATUS_SUCCESS;
    }

    static NTSTATUS get_security_by_name(FSP_FILE_SYSTEM* fs, PWSTR path, PUINT32 attributes,
                                         PSECURITY_DESCRIPTOR security, SIZE_T* size)
    {
        const Tree::Found found = of(fs).tree_.find(view(path));
        if (found.status == STATUS_REPARSE && attributes != nullptr)
            *attributes = found.index;
        if (found.status != STATUS_SUCCESS)
            return found.status;
        if (attributes != nullptr)
            *attributes = found.node->file_info().FileAttributes;
        return size == nullptr ? STATUS_SUCCESS : copy_security(found.node->owner(), security, size);
    }

    static NTSTATUS copy_security(Node& owner, PSECURITY_DESCRIPTOR security, SIZE_T* size)
    {
        const Guard guard(owner.mutex);
        const Bytes& bytes = *owner.security;
        const SIZE_T room = *size;
        *size = bytes.size();
        if (room < bytes.size())
            return STATUS_BUFFER_OVERFLOW;
        if (security != nullptr)
            std::memcpy(security, bytes.data(), bytes.size());
        return STATUS_SUCCESS;
    }

    static NTSTATUS create(FSP_FILE_SYSTEM* fs, PWSTR path, UINT32 create_options, UINT32, UINT32 attributes,
                           PSECURITY_DESCRIPTOR security, UINT64 allocation_size, PVOID extra,
                           ULONG extra_length, BOOLEAN extra_is_reparse_point, PVOID* context,
                           FSP_FSCTL_FILE_INFO* info)
    {
        Memfs& memfs = of(fs);
        const NameView full = view(path);
        if (full.size() >= max_path)
            return STATUS_OBJECT_NAME_INVALID;
        const Tree::Found found = memfs.tree_.find(full);
        if (found.status == STATUS_SUCCESS)
            return STATUS_OBJECT_NAME_COLLISION;
        const std::size_t colon = full.find(WCHAR{':'});
        const bool is_stream = colon != NameView::npos;
        if (found.status != STATUS_OBJECT_NAME_NOT_FOUND ||
            (is_stream && found.last.data() != path + colon + 1))
            return found.status;
        if (memfs.tree_.full())
            return STATUS_CANNOT_MAKE;
        if (allocation_size > memfs.options_.max_file_size)
            return STATUS_DISK_FULL;

        const bool is_directory = (create_options & FILE_DIRECTORY_FILE) != 0;
        if (is_directory)
            attributes |= FILE_ATTRIBUTE_DIRECTORY;
        else if (!is_stream)
            attributes |= FILE_ATTRIBUTE_ARCHIVE;
        auto made = new Node(found.last, attributes, memfs.next_index_.fetch_add(1));
        if (is_stream) {
            found.parent->add_reference();
            made->main = found.parent;
        } else {
            const ULONG size = security != nullptr ? GetSecurityDescriptorLength(security) : 0;
            made->security = memfs.share(security, size);
        }
        if (!is_directory)
            made->info.AllocationSize = memfs.align(allocation_size);
        if (extra != nullptr) {
            if (extra_is_reparse_point)
                set_reparse_data(*made, extra, extra_length);
            else if (const NTSTATUS status =
                         memfs.apply_eas(*made, static_cast<PFILE_FULL_EA_INFORMATION>(extra), extra_length);
                     status != STATUS_SUCCESS)
            {
                made->release();
                return status;
            }
        }
        memfs.tree_.insert(*found.parent, made);
        if (!is_stream)
            touch(*found.parent);
        memfs.report_open(*made, context, info, full);
        return STATUS_SUCCESS;
    }

    static NTSTATUS open(FSP_FILE_SYSTEM* fs, PWSTR path, UINT32 create_options, UINT32, PVOID* context,
                         FSP_FSCTL_FILE_INFO* info)
    {
        Memfs& memfs = of(fs);
        const NameView full = view(path);
        if (full.size() >= max_path)
            return STATUS_OBJECT_NAME_INVALID;
        const Tree::Found found = memfs.tree_.find(full);
        if (found.status != STATUS_SUCCESS)
            return found.status == STATUS_REPARSE ? STATUS_OBJECT_PATH_NOT_FOUND : found.status;
        // A program that does not understand EAs must not open a file that needs them.
        if ((create_options & FILE_NO_EA_KNOWLEDGE) != 0 && needs_ea(found.node->owner()))
            return STATUS_ACCESS_DENIED;
        memfs.report_open(*found.node, context, info, full);
        return STATUS_SUCCESS;
    }

    static NTSTATUS overwrite(FSP_FILE_SYSTEM* fs, PVOID context, UINT32 attributes,
                              BOOLEAN replace_attributes, UINT64 allocation_size,
                              PFILE_FULL_EA_INFORMATION ea, ULONG ea_length, FSP_FSCTL_FILE_INFO* info)
    {
        Memfs& memfs = of(fs);
        Node& file = node(context);
        // A stream that is still open lives on without a name.
        while (file.streams != nullptr && !file.streams->empty())
            memfs.tree_.remove(*file.streams->begin()->second);
        if (NTSTATUS status = memfs.set_size(file, 0, false); status != STATUS_SUCCESS)
            return status;
        if (NTSTATUS status = memfs.set_size(file, allocation_size, true); status != STATUS_SUCCESS)
            return status;
        if (!file.is_stream()) {
            {
                const Guard guard(file.mutex);
                file.eas.reset();
                file.info.EaSize = 0;
            }
            if (ea != nullptr)
                if (NTSTATUS status = memfs.apply_eas(file, ea, ea_length); status != STATUS_SUCCESS)
                    return status;
        }
        {
            Node& owner = file.owner();
            const Guard guard(owner.mutex);
            if (!file.is_stream()) {
                const UINT32 kept = replace_attributes
                                        ? owner.info.FileAttributes & (FILE_ATTRIBUTE_REPARSE_POINT)
                                        : owner.info.FileAttributes;
                owner.info.FileAttributes = kept | attributes | FILE_ATTRIBUTE_ARCHIVE;
            }
            owner.info.LastAccessTime = owner.info.LastWriteTime = owner.info.ChangeTime = now();
        }
        *info = file.file_info();
        return STATUS_SUCCESS;
    }

    static VOID cleanup(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, ULONG flags)
    {
        Memfs& memfs = of(fs);
        Node& file = node(context);
        {
            Node& owner = file.owner();
            const Guard guard(owner.mutex);
            const UINT64 time = now();
            if ((flags & FspCleanupSetArchiveBit) != 0 && !owner.is_directory())
                owner.info.FileAttributes |= FILE_ATTRIBUTE_ARCHIVE;
            if ((flags & FspCleanupSetLastAccessTime) != 0)
                owner.info.LastAccessTime = time;
            if ((flags & FspCleanupSetLastWriteTime) != 0)
                owner.info.LastWriteTime = time;
            if ((flags & FspCleanupSetChangeTime) != 0)
                owner.info.ChangeTime = time;
        }
        if ((flags & FspCleanupSetAllocationSize) != 0) {
            const Guard guard(file.mutex);
            file.info.AllocationSize = memfs.align(file.info.FileSize);
        }
        if ((flags & FspCleanupDelete) != 0 && !file.has_children && file.parent != nullptr) {
            if (!file.is_stream())
                touch(*file.parent);
            memfs.tree_.remove(file);
        }
    }

    static VOID close(FSP_FILE_SYSTEM*, PVOID context) { node(context).release(); }

    static NTSTATUS read(FSP_FILE_SYSTEM* fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length,
                         PULONG transferred)
    {
        const auto work = [&file = node(context), buffer, offset, length](FSP_FSCTL_TRANSACT_RSP& response) {
            const UINT64 size = file.info.FileSize;
            if (offset >= size)
                return STATUS_END_OF_FILE;
            const auto part = static_cast<ULONG>(std::min<UINT64>(length, size - offset));
            file.data.read(offset, buffer, part);
            response.IoStatus.Information = part;
            return STATUS_SUCCESS;
        };
        return answer(fs, work, transferred);
    }

    static NTSTATUS write(FSP_FILE_SYSTEM* fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length,
                          BOOLEAN to_end, BOOLEAN constrained, PULONG transferred, FSP_FSCTL_FILE_INFO* info)
    {
        const auto work = [&memfs = of(fs), &file = node(context), buffer, offset, length, to_end,
                           constrained](FSP_FSCTL_TRANSACT_RSP& response) {
            const UINT64 size = file.info.FileSize;
            const UINT64 start = to_end ? size : offset;
            UINT64 end = start + length;
            if (end < start)
                return STATUS_INVALID_PARAMETER;
            if (constrained)
                end = std::max(start, std::min(end, size));
            if (end > size)
                if (const NTSTATUS status = memfs.set_size(file, end, false); status != STATUS_SUCCESS)
                    return status;
            if (end > start && !file.data.write(start, buffer, end - start)) {
                (void)memfs.set_size(file, size, false);
                return STATUS_INSUFFICIENT_RESOURCES;
            }
            if (!constrained) {
                Node& owner = file.owner();
                const Guard guard(owner.mutex);
                owner.info.LastWriteTime = owner.info.ChangeTime = now();
            }
            response.IoStatus.Information = static_cast<UINT32>(end - start);
            response.Rsp.Write.FileInfo = file.file_info();
            return STATUS_SUCCESS;
        };
        const NTSTATUS status = answer(fs, work, transferred);
        if (status == STATUS_SUCCESS)
            *info = FspFileSystemGetOperationContext()->Response->Rsp.Write.FileInfo;
        return status;
    }

    /// Runs the work of a read, write or listing, now or (slow I/O) later.
    template<class Work> static NTSTATUS answer(FSP_FILE_SYSTEM* fs, const Work& work, PULONG transferred)
    {
        const NTSTATUS status = of(fs).slow_io_.run(fs, work);
        if (status == STATUS_SUCCESS)
            *transferred = FspFileSystemGetOperationContext()->Response->IoStatus.Information;
        return status;
    }

    static NTSTATUS flush(FSP_FILE_SYSTEM*, PVOID context, FSP_FSCTL_FILE_INFO* info)
    {
        if (context != nullptr)
            *info = node(context).file_info();
        return STATUS_SUCCESS;
    }

    static NTSTATUS get_file_info(FSP_FILE_SYSTEM*, PVOID context, FSP_FSCTL_FILE_INFO* info)
    {
        *info = node(context).file_info();
        return STATUS_SUCCESS;
    }

    static NTSTATUS set_basic_info(FSP_FILE_SYSTEM*, PVOID context, UINT32 attributes, UINT64 creation_time,
                                   UINT64 last_access_time, UINT64 last_write_time, UINT64 change_time,
                                   FSP_FSCTL_FILE_INFO* info)
    {
        Node& owner = node(context).owner();
        {
            const Guard guard(owner.mutex);
            // A stream's change to its directory comes without the directory attribute.
            constexpr UINT32 kept = FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY;
            if (attributes != INVALID_FILE_ATTRIBUTES)
                owner.info.FileAttributes = (attributes & ~kept) | (owner.info.FileAttributes & kept);
            if (creation_time != 0)
                owner.info.CreationTime = creation_time;
            if (last_access_time != 0)
                owner.info.LastAccessTime = last_access_time;
            if (last_write_time != 0)
                owner.info.LastWriteTime = last_write_time;
            owner.info.ChangeTime = change_time != 0 ? change_time : now();
        }
        *info = node(context).file_info();
        return STATUS_SUCCESS;
    }

    static NTSTATUS set_file_size(FSP_FILE_SYSTEM* fs, PVOID context, UINT64 size, BOOLEAN allocation,
                                  FSP_FSCTL_FILE_INFO* info)
    {
        Node& file = node(context);
        const NTSTATUS status = of(fs).set_size(file, size, allocation);
        if (status != STATUS_SUCCESS)
            return status;
        if (!allocation) {
            const Guard guard(file.owner().mutex);
            file.owner().info.LastWriteTime = file.owner().info.ChangeTime = now();
        }
        *info = file.file_info();
        return STATUS_SUCCESS;
    }

    static NTSTATUS can_delete(FSP_FILE_SYSTEM*, PVOID context, PWSTR)
    {
        return node(context).has_children ? STATUS_DIRECTORY_NOT_EMPTY : STATUS_SUCCESS;
    }

    /// Characters of the longest path below a node, the node's own name not counted.
    static std::size_t depth(const Node& file)
    {
        std::size_t longest = 0;
        for (const auto* list : {file.children.get(), file.streams.get()})
            if (list != nullptr)
                for (const auto& entry : *list)
                    longest = std::max(longest, 1 + entry.first.size() + depth(*entry.second));
        return longest;
    }

    static NTSTATUS rename(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR old_path, PWSTR new_path,
                           BOOLEAN replace)
    {
        Tree& tree = of(fs).tree_;
        Node& file = node(context);
        const NameView to = view(new_path);
        if (file.parent == nullptr)
            return STATUS_ACCESS_DENIED;
        if (to.size() >= max_path ||
            (to.size() > view(old_path).size() && to.size() + depth(file) >= max_path))
            return STATUS_OBJECT_NAME_INVALID;
        const Tree::Found target = tree.find(to);
        if (target.status != STATUS_SUCCESS && target.status != STATUS_OBJECT_NAME_NOT_FOUND)
            return target.status;
        for (const Node* above = target.parent; above != nullptr; above = above->parent)
            if (above == &file) // a directory cannot move below itself
                return STATUS_ACCESS_DENIED;
        if (target.node != nullptr && target.node != &file) {
            if (!replace)
                return STATUS_OBJECT_NAME_COLLISION;
            if (target.node->is_directory())
                return STATUS_ACCESS_DENIED;
            tree.remove(*target.node);
        }
        touch(*file.parent);
        tree.move(file, *target.parent, target.last);
        touch(*target.parent);
        const Guard guard(file.mutex);
        file.info.ChangeTime = now();
        return STATUS_SUCCESS;
    }

    static NTSTATUS get_security(FSP_FILE_SYSTEM*, PVOID context, PSECURITY_DESCRIPTOR security, SIZE_T* size)
    {
        return copy_security(node(context).owner(), security, size);
    }

    static NTSTATUS set_security(FSP_FILE_SYSTEM* fs, PVOID context, SECURITY_INFORMATION what,
                                 PSECURITY_DESCRIPTOR modification)
    {
        Node& owner = node(context).owner();
        std::shared_ptr<const Bytes> old;
        {
            const Guard guard(owner.mutex);
            old = owner.security;
        }
        PSECURITY_DESCRIPTOR merged = nullptr;
        const NTSTATUS status =
            FspSetSecurityDescriptor(const_cast<std::uint8_t*>(old->data()), what, modification, &merged);
        if (status != STATUS_SUCCESS)
            return status;
        auto stored = of(fs).share(merged, GetSecurityDescriptorLength(merged));
        // The maker's address says how the descriptor was allocated.
        const auto maker = reinterpret_cast<void (*)()>(FspSetSecurityDescriptor);
        FspDeleteSecurityDescriptor(merged, reinterpret_cast<NTSTATUS (*)()>(maker));
        const Guard guard(owner.mutex);
        owner.security = std::move(stored);
        owner.info.ChangeTime = now();
        return STATUS_SUCCESS;
    }

    static NTSTATUS read_directory(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PWSTR marker, PVOID buffer,
                                   ULONG length, PULONG transferred)
    {
        const auto list = [&directory = node(context), buffer, length](const Name& after, bool from_start,
                                                                       FSP_FSCTL_TRANSACT_RSP& response) {
            response.IoStatus.Information = fill_listing(directory, after, from_start, buffer, length);
            return STATUS_SUCCESS;
        };
        // The marker lies in the request, which a late answer outlives.
        const auto work = [list, after = marker != nullptr ? Name(marker) : Name(),
                           from_start = marker == nullptr](FSP_FSCTL_TRANSACT_RSP& response) {
            return list(after, from_start, response);
        };
        return answer(fs, work, transferred);
    }

    static ULONG fill_listing(Node& directory, const Name& marker, bool from_start, PVOID buffer,
                              ULONG length)
    {
        static const Name dot = FSP_L("."), dot_dot = FSP_L("..");
        ULONG used = 0;
        Entry entry;
        const auto add = [&](Node& child, NameView name) {
            entry.set(child, name);
            return FspFileSystemAddDirInfo(&entry.info, buffer, length, &used) != FALSE;
        };
        // A directory that was removed while open still has both, as if it were its own parent.
        if (!directory.name.empty()) {
            Node& parent = directory.parent != nullptr ? *directory.parent : directory;
            if (from_start && !add(directory, dot))
                return used;
            if ((from_start || marker == dot) && !add(parent, dot_dot))
                return used;
        }
        if (directory.children != nullptr) {
            const bool first = from_start || marker == dot || marker == dot_dot;
            auto at = first ? directory.children->begin() : directory.children->upper_bound(marker);
            for (; at != directory.children->end(); ++at)
                if (!add(*at->second, at->first))
                    return used;
        }
        FspFileSystemAddDirInfo(nullptr, buffer, length, &used);
        return used;
    }

    static NTSTATUS get_dir_info_by_name(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR name,
                                         FSP_FSCTL_DIR_INFO* info)
    {
        Node* child = of(fs).tree_.child(node(context), view(name));
        if (child == nullptr)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        Entry entry;
        entry.set(*child, child->name);
        std::memcpy(info, entry.space, entry.info.Size);
        return STATUS_SUCCESS;
    }

    static NTSTATUS reparse_point_by_name(FSP_FILE_SYSTEM* fs, PVOID, PWSTR path, BOOLEAN, PVOID buffer,
                                          PSIZE_T size)
    {
        const Tree::Found found = of(fs).tree_.find(view(path));
        return found.status == STATUS_SUCCESS ? get_reparse_point(found.node->owner(), buffer, size)
                                              : found.status;
    }

    static NTSTATUS resolve_reparse_points(FSP_FILE_SYSTEM* fs, PWSTR path, UINT32 index,
                                           BOOLEAN resolve_last, PIO_STATUS_BLOCK io_status, PVOID buffer,
                                           PSIZE_T size)
    {
        return FspFileSystemResolveReparsePoints(fs, reparse_point_by_name, nullptr, path, index,
                                                 resolve_last, io_status, buffer, size);
    }

    static NTSTATUS get_reparse_point_of(FSP_FILE_SYSTEM*, PVOID context, PWSTR, PVOID buffer, PSIZE_T size)
    {
        return get_reparse_point(node(context).owner(), buffer, size);
    }

    static NTSTATUS set_reparse_point(FSP_FILE_SYSTEM*, PVOID context, PWSTR, PVOID buffer, SIZE_T size)
    {
        Node& owner = node(context).owner();
        if (owner.has_children)
            return STATUS_DIRECTORY_NOT_EMPTY;
        const Guard guard(owner.mutex);
        if (owner.reparse != nullptr)
            if (const NTSTATUS status = FspFileSystemCanReplaceReparsePoint(
                    owner.reparse->data(), owner.reparse->size(), buffer, size);
                status != STATUS_SUCCESS)
                return status;
        set_reparse_data(owner, buffer, size);
        owner.info.ChangeTime = now();
        return STATUS_SUCCESS;
    }

    static NTSTATUS delete_reparse_point(FSP_FILE_SYSTEM*, PVOID context, PWSTR, PVOID buffer, SIZE_T size)
    {
        Node& owner = node(context).owner();
        const Guard guard(owner.mutex);
        if (owner.reparse == nullptr)
            return STATUS_NOT_A_REPARSE_POINT;
        if (const NTSTATUS status = FspFileSystemCanReplaceReparsePoint(owner.reparse->data(),
                                                                        owner.reparse->size(), buffer, size);
            status != STATUS_SUCCESS)
            return status;
        owner.reparse.reset();
        owner.is_link = false;
        owner.info.FileAttributes &= ~static_cast<UINT32>(FILE_ATTRIBUTE_REPARSE_POINT);
        owner.info.ReparseTag = 0;
        owner.info.ChangeTime = now();
        return STATUS_SUCCESS;
    }

    static NTSTATUS get_stream_info(FSP_FILE_SYSTEM*, PVOID context, PVOID buffer, ULONG length,
                                    PULONG transferred)
    {
        Node& owner = node(context).owner();
        Record<FSP_FSCTL_STREAM_INFO> entry;
        const auto add = [&](Node& stream, NameView name) {
            std::memset(&entry.info, 0, sizeof entry.info);
            const FSP_FSCTL_FILE_INFO info = stream.file_info();
            entry.info.Size = static_cast<UINT16>(sizeof entry.info + name.size() * sizeof(WCHAR));
            entry.info.StreamSize = info.FileSize;
            entry.info.StreamAllocationSize = info.AllocationSize;
            std::copy(name.begin(), name.end(), entry.info.StreamNameBuf);
            return FspFileSystemAddStreamInfo(&entry.info, buffer, length, transferred) != FALSE;
        };
        if (!owner.is_directory() && !add(owner, {}))
            return STATUS_SUCCESS;
        if (owner.streams != nullptr)
            for (const auto& stream : *owner.streams)
                if (!add(*stream.second, stream.first))
                    return STATUS_SUCCESS;
        FspFileSystemAddStreamInfo(nullptr, buffer, length, transferred);
        return STATUS_SUCCESS;
    }

    /// Holes of a file: see <winfsp/sparse.h>.
    static NTSTATUS control_holes(Node& file, bool clears, PVOID input, ULONG input_length, PVOID output,
                                  ULONG output_length, PULONG transferred)
    {
        constexpr UINT64 signature = FSP_SPARSE_SIGNATURE;
        FSP_SPARSE_RANGE asked;
        if (input_length != sizeof asked || output_length < sizeof signature)
            return STATUS_INVALID_PARAMETER;
        std::memcpy(&asked, input, sizeof asked);
        const UINT64 limit = asked.Offset + std::min(asked.Length, ~UINT64{0} - asked.Offset);
        std::memcpy(output, &signature, sizeof signature);
        *transferred = sizeof signature;
        if (clears) {
            file.data.clear(asked.Offset, limit);
            const Guard guard(file.owner().mutex);
            file.owner().info.LastWriteTime = file.owner().info.ChangeTime = now();
            return STATUS_SUCCESS;
        }
        UINT64 start = 0, end = asked.Offset;
        while (output_length - *transferred >= sizeof(FSP_SPARSE_RANGE) && end < limit &&
               file.data.next_held(end, &start, &end) && start < limit)
        {
            const FSP_SPARSE_RANGE range{start, std::min(end, limit) - start};
            std::memcpy(static_cast<std::uint8_t*>(output) + *transferred, &range, sizeof range);
            *transferred += sizeof range;
        }
        return STATUS_SUCCESS;
    }

    /// Besides, answers one control code of its own: output = ROT13 of input.
    static NTSTATUS control(FSP_FILE_SYSTEM*, PVOID context, UINT32 code, PVOID input, ULONG input_length,
                            PVOID output, ULONG output_length, PULONG transferred)
    {
        if (code == FSP_IOCTL_SET_ZERO_DATA || code == FSP_IOCTL_QUERY_ALLOCATED_RANGES)
            return control_holes(node(context), code == FSP_IOCTL_SET_ZERO_DATA, input, input_length, output,
                                 output_length, transferred);
        if (code != rot13_control_code)
            return STATUS_INVALID_DEVICE_REQUEST;
        if (input_length != output_length)
            return STATUS_INVALID_PARAMETER;
        const auto rot13 = [](char c) {
            const char first = c >= 'a' ? 'a' : 'A';
            const bool is_letter = c >= first && c <= first + 25;
            return is_letter ? static_cast<char>((c - first + 13) % 26 + first) : c;
        };
        const auto* from = static_cast<const char*>(input);
        std::transform(from, from + input_length, static_cast<char*>(output), rot13);
        *transferred = input_length;
        return STATUS_SUCCESS;
    }

    static NTSTATUS get_ea(FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION ea, ULONG length,
                           PULONG transferred)
    {
        Node& owner = node(context).owner();
        const Guard guard(owner.mutex);
        if (owner.eas != nullptr)
            for (auto& entry : *owner.eas)
                if (!FspFileSystemAddEa(reinterpret_cast<PFILE_FULL_EA_INFORMATION>(entry.second.data()), ea,
                                        length, transferred))
                    return STATUS_BUFFER_OVERFLOW;
        FspFileSystemAddEa(nullptr, ea, length, transferred);
        return STATUS_SUCCESS;
    }

    static NTSTATUS set_ea(FSP_FILE_SYSTEM* fs, PVOID context, PFILE_FULL_EA_INFORMATION ea, ULONG length,
                           FSP_FSCTL_FILE_INFO* info)
    {
        const NTSTATUS status = of(fs).apply_eas(node(context).owner(), ea, length);
        if (status != STATUS_SUCCESS)
            return status;
        *info = node(context).file_info();
        return STATUS_SUCCESS;
    }

    static VOID dispatcher_stopped(FSP_FILE_SYSTEM* fs, BOOLEAN normally)
    {
        FspFileSystemStopServiceIfNecessary(fs, normally);
    }

    static const FSP_FILE_SYSTEM_INTERFACE table;
};

const FSP_FILE_SYSTEM_INTERFACE Operations::table = [] {
    FSP_FILE_SYSTEM_INTERFACE i{};
    i.GetVolumeInfo = get_volume_info;
    i.SetVolumeLabel = set_volume_label;
    i.GetSecurityByName = get_security_by_name;
    i.Open = open;
    i.Cleanup = cleanup;
    i.Close = close;
    i.Read = read;
    i.Write = write;
    i.Flush = flush;
    i.GetFileInfo = get_file_info;
    i.SetBasicInfo = set_basic_info;
    i.SetFileSize = set_file_size;
    i.CanDelete = can_delete;
    i.Rename = rename;
    i.GetSecurity = get_security;
    i.SetSecurity = set_security;
    i.ReadDirectory = read_directory;
    i.ResolveReparsePoints = resolve_reparse_points;
    i.GetReparsePoint = get_reparse_point_of;
    i.SetReparsePoint = set_reparse_point;
    i.DeleteReparsePoint = delete_reparse_point;
    i.GetStreamInfo = get_stream_info;
    i.GetDirInfoByName = get_dir_info_by_name;
    i.Control = control;
    i.CreateEx = create;
    i.OverwriteEx = overwrite;
    i.GetEa = get_ea;
    i.SetEa = set_ea;
    i.DispatcherStopped = dispatcher_stopped;
    return i;
}();

NTSTATUS Memfs::create(const Options& options, std::unique_ptr<Memfs>& result)
{
    PSECURITY_DESCRIPTOR security = nullptr;
    ULONG size = 0;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(options.root_sddl, SDDL_REVISION_1, &security,
                                                              &size))
        return STATUS_INVALID_SECURITY_DESCR;
    std::unique_ptr<Memfs> memfs(new Memfs(options));
    memfs->tree_.root()->security = memfs->share(security, size);
    LocalFree(security);

    FSP_FSCTL_VOLUME_PARAMS params{};
    params.Version = sizeof params;
    params.SectorSize = sector_size;
    params.SectorsPerAllocationUnit = 1;
    params.VolumeCreationTime = now();
    params.VolumeSerialNumber = static_cast<UINT32>(now() / 10'000'000);
    params.FileInfoTimeout = options.file_info_timeout;
    params.CaseSensitiveSearch = !options.case_insensitive;
    params.CasePreservedNames = 1;
    params.UnicodeOnDisk = 1;
    params.PersistentAcls = options.persistent_acls;
    params.ReparsePoints = options.reparse_points;
    params.NamedStreams = 1;
    params.ExtendedAttributes = options.extended_attributes;
    params.PostCleanupWhenModifiedOnly = 1;
    params.PostDispositionWhenNecessaryOnly = 1;
    params.PassQueryDirectoryFileName = 1;
    params.FlushAndPurgeOnCleanup = options.flush_and_purge_on_cleanup;
    params.DeviceControl = 1;
    params.WslFeatures = 1;
    params.AllowOpenInKernelMode = 1;
    params.SupportsPosixUnlinkRename = options.posix_unlink_rename;
#if !defined(_WIN32)
    // Linux programs tell the names of extended attributes apart by case.
    params.CasePreservedExtendedAttributes = 1;
#endif
    const NameView prefix = view(options.volume_prefix).substr(0, std::size(params.Prefix) - 1);
    std::copy(prefix.begin(), prefix.end(), params.Prefix);
    const NameView name = view(options.file_system_name).substr(0, std::size(params.FileSystemName) - 1);
    std::copy(name.begin(), name.end(), params.FileSystemName);

    const NTSTATUS status =
        FspFileSystemCreate(const_cast<PWSTR>(prefix.empty() ? FSP_L("" FSP_FSCTL_DISK_DEVICE_NAME)
                                                             : FSP_L("" FSP_FSCTL_NET_DEVICE_NAME)),
                            &params, &Operations::table, &memfs->file_system_);
    if (status != STATUS_SUCCESS)
        return status;
    memfs->file_system_->UserContext = memfs.get();
    result = std::move(memfs);
    return STATUS_SUCCESS;
}

} // namespace memfs
