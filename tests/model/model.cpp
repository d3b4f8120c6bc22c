// SPDX-License-Identifier: MIT
#include "model/model.h"

#include "model/system.h"

#include <algorithm>

namespace fsp::model {

namespace {

constexpr ULONG allocation_unit = 512;

ULONG round_up(ULONG size) { return (size + allocation_unit - 1) / allocation_unit * allocation_unit; }

} // namespace

Model::Model() : root_(std::make_shared<File>()) { root_->directory = true; }

Outcome Model::perform(const Operation& o)
{
    if (o.kind == Kind::open)
        return open(o);
    Handle* h = handles_[static_cast<size_t>(o.slot)].get();
    if (h == nullptr)
        return {STATUS_INVALID_HANDLE, {}};
    switch (o.kind) {
    case Kind::close:
        return {close(o.slot), {}};
    case Kind::read:
        return read(*h, o);
    case Kind::write:
        return {write(*h, o), {}};
    case Kind::set_end:
        return {set_end(*h, o), {}};
    case Kind::set_allocation:
        return {set_allocation(*h, o), {}};
    case Kind::set_read_only:
        return {set_read_only(*h, o), {}};
    case Kind::dispose:
    case Kind::dispose_ex:
        return {dispose(*h, o), {}};
    case Kind::rename:
    case Kind::rename_ex:
        return {rename(*h, o), {}};
    case Kind::stat:
        return stat(*h);
    default:
        return list(*h);
    }
}

Model::Place Model::find(const std::u16string& path) const
{
    Place place{STATUS_SUCCESS, nullptr, {}, root_};
    for (size_t at = 1; at < path.size();) {
        const size_t end = std::min(path.find(u'\\', at), path.size());
        if (!place.file || !place.file->directory)
            return {STATUS_OBJECT_PATH_NOT_FOUND, nullptr, {}, nullptr};
        place.parent = place.file;
        place.last = path.substr(at, end - at);
        const auto child = place.parent->children.find(place.last);
        place.file = child != place.parent->children.end() ? child->second : nullptr;
        at = end + 1;
    }
    return place;
}

// ---- [MS-FSA] 2.1.5.1 ---------------------------------------------------------------------------------

Outcome Model::open(const Operation& o)
{
    close(o.slot);
    const bool delete_on_close = o.options & FILE_DELETE_ON_CLOSE;
    const bool overwrites = o.disposition == FILE_OVERWRITE || o.disposition == FILE_OVERWRITE_IF ||
                            o.disposition == FILE_SUPERSEDE;
    if (delete_on_close && !(o.access & DELETE))
        return {STATUS_INVALID_PARAMETER, {}};
    if ((o.options & FILE_DIRECTORY_FILE) && overwrites)
        return {STATUS_INVALID_PARAMETER, {}};

    const Place place = find(paths()[static_cast<size_t>(o.path)]);
    if (!NT_SUCCESS(place.status))
        return {place.status, {}};
    // Who would make a file where there is none is not asked whether there is one; NTFS finds what is there,
    // but a directory that has anything is never about to go.
    const bool makes = o.disposition != FILE_OPEN && o.disposition != FILE_OVERWRITE;
    if (makes && place.parent && place.parent->delete_pending)
        return {STATUS_DELETE_PENDING, {}};
    ULONG action = FILE_OPENED;
    FilePtr file = place.file;
    if (!file) {
        if (!makes)
            return {STATUS_OBJECT_NAME_NOT_FOUND, {}};
        file = std::make_shared<File>();
        file->directory = o.options & FILE_DIRECTORY_FILE;
        file->parent = place.parent;
        place.parent->children[place.last] = file;
        action = FILE_CREATED;
    } else if (const NTSTATUS status = open_existing(o, place, &action); !NT_SUCCESS(status))
        return {status, {}};

    auto& handle = handles_[static_cast<size_t>(o.slot)];
    handle = std::make_unique<Handle>(
        Handle{file, o.access, o.share, delete_on_close, false, false, STATUS_SUCCESS});
    file->handles.push_back(handle.get());
    return {STATUS_SUCCESS, "action " + std::to_string(action)};
}

/// [MS-FSA] 2.1.5.1.2.
NTSTATUS Model::open_existing(const Operation& o, const Place& place, ULONG* action)
{
    File& file = *place.file;
    const bool is_root = !place.parent;
    const bool overwrites = o.disposition == FILE_OVERWRITE || o.disposition == FILE_OVERWRITE_IF ||
                            o.disposition == FILE_SUPERSEDE;
    if (is_root && (o.disposition == FILE_CREATE || overwrites))
        return STATUS_ACCESS_DENIED;
    if (is_root && (o.options & FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;
    // Nothing is made under a name that is about to go.
    if (o.disposition != FILE_OPEN && o.disposition != FILE_OVERWRITE && file.delete_pending)
        return STATUS_DELETE_PENDING;
    if (o.disposition == FILE_CREATE)
        return file.directory && (o.options & FILE_NON_DIRECTORY_FILE) ? STATUS_FILE_IS_A_DIRECTORY
                                                                       : STATUS_OBJECT_NAME_COLLISION;
    if (file.directory && (o.options & FILE_NON_DIRECTORY_FILE))
        return STATUS_FILE_IS_A_DIRECTORY;
    if (!file.directory && (o.options & FILE_DIRECTORY_FILE))
        return STATUS_NOT_A_DIRECTORY;
    // Of several reasons to refuse, NTFS may name another: the library looks at the right to supersede last.
    const bool supersedes = o.disposition == FILE_SUPERSEDE;
    const bool writes = (o.access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) || (overwrites && !supersedes);
    if (file.read_only && !file.directory && writes)
        return STATUS_ACCESS_DENIED;
    if (file.read_only && (o.options & FILE_DELETE_ON_CLOSE))
        return STATUS_CANNOT_DELETE;
    if (file.directory && overwrites)
        return STATUS_OBJECT_NAME_COLLISION;
    if (file.read_only && supersedes)
        return STATUS_ACCESS_DENIED;
    if (file.delete_pending)
        return STATUS_DELETE_PENDING;
    ACCESS_MASK access = o.access;
    if (overwrites)
        access |= supersedes ? ACCESS_MASK{DELETE} : ACCESS_MASK{FILE_WRITE_DATA};
    if (!share_allows(file, access, o.share))
        return STATUS_SHARING_VIOLATION;
    if (overwrites) {
        file.data.clear();
        file.read_only = false;
        *action = o.disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
    }
    return STATUS_SUCCESS;
}

/// [MS-FSA] 2.1.5.1.2.2.
bool Model::share_allows(const File& file, ACCESS_MASK access, ULONG share)
{
    constexpr ACCESS_MASK reads = FILE_READ_DATA | FILE_EXECUTE, writes = FILE_WRITE_DATA | FILE_APPEND_DATA;
    // An open that touches neither data nor name meets no one.
    if (!(access & (reads | writes | DELETE)))
        return true;
    return std::all_of(file.handles.begin(), file.handles.end(), [&](const Handle* other) {
        if (!(other->access & (reads | writes | DELETE)))
            return true;
        const auto fits = [&](ACCESS_MASK a, ULONG s) {
            return !((a & reads) && !(s & FILE_SHARE_READ)) && !((a & writes) && !(s & FILE_SHARE_WRITE)) &&
                   !((a & DELETE) && !(s & FILE_SHARE_DELETE));
        };
        return fits(access, other->share) && fits(other->access, share);
    });
}

// ---- [MS-FSA] 2.1.5.5 ---------------------------------------------------------------------------------

NTSTATUS Model::close(int slot)
{
    const std::unique_ptr<Handle> handle = std::move(handles_[static_cast<size_t>(slot)]);
    if (!handle)
        return STATUS_SUCCESS;
    const FilePtr file = handle->file;
    std::erase(file->handles, handle.get());
    if (handle->delete_on_close)
        file->delete_pending = true;
    // What another handle took back holds for all deletions but one with POSIX semantics; NTFS knows only
    // one.
    if (!file->gone && (handle->posix_delete || (file->delete_pending && file->handles.empty())))
        unlink(file);
    return STATUS_SUCCESS;
}

/// A directory that has got children meanwhile stays.
void Model::unlink(const FilePtr& file)
{
    const FilePtr parent = file->parent.lock();
    if (!parent || !file->children.empty()) {
        file->delete_pending = false;
        return;
    }
    std::erase_if(parent->children, [&](const auto& entry) { return entry.second == file; });
    file->gone = true;
}

// ---- Data: [MS-FSA] 2.1.5.3, 2.1.5.4 ------------------------------------------------------------------

Outcome Model::read(const Handle& h, const Operation& o) const
{
    if (!(h.access & FILE_READ_DATA))
        return {STATUS_ACCESS_DENIED, {}};
    if (h.file->directory)
        return {STATUS_INVALID_PARAMETER, {}};
    const std::string& data = h.file->data;
    if (o.length == 0)
        return {STATUS_SUCCESS, {}};
    if (o.offset >= data.size())
        return {STATUS_END_OF_FILE, {}};
    return {STATUS_SUCCESS, data.substr(o.offset, o.length)};
}

NTSTATUS Model::write(Handle& h, const Operation& o)
{
    if (!(h.access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
        return STATUS_ACCESS_DENIED;
    if (h.file->directory)
        return STATUS_INVALID_PARAMETER;
    std::string& data = h.file->data;
    // Without the right to write elsewhere everything goes to the end.
    const size_t at = h.access & FILE_WRITE_DATA ? o.offset : data.size();
    if (o.length == 0)
        return STATUS_SUCCESS;
    if (data.size() < at + o.length)
        data.resize(at + o.length);
    for (ULONG i = 0; i < o.length; i++)
        data[at + i] = written_byte(o.offset, i);
    return STATUS_SUCCESS;
}

// ---- [MS-FSA] 2.1.5.15 --------------------------------------------------------------------------------

NTSTATUS Model::set_end(Handle& h, const Operation& o)
{
    if (!(h.access & FILE_WRITE_DATA))
        return STATUS_ACCESS_DENIED;
    if (h.file->directory)
        return STATUS_INVALID_PARAMETER;
    h.file->data.resize(o.offset);
    return STATUS_SUCCESS;
}

NTSTATUS Model::set_allocation(Handle& h, const Operation& o)
{
    if (!(h.access & FILE_WRITE_DATA))
        return STATUS_ACCESS_DENIED;
    if (h.file->directory)
        return STATUS_INVALID_PARAMETER;
    if (round_up(o.offset) < h.file->data.size())
        h.file->data.resize(round_up(o.offset));
    return STATUS_SUCCESS;
}

NTSTATUS Model::set_read_only(Handle& h, const Operation& o)
{
    if (!(h.access & FILE_WRITE_ATTRIBUTES))
        return STATUS_ACCESS_DENIED;
    h.file->read_only = o.flags;
    return STATUS_SUCCESS;
}

NTSTATUS Model::dispose(Handle& h, const Operation& o)
{
    File& file = *h.file;
    if (!(h.access & DELETE))
        return STATUS_ACCESS_DENIED;
    if (h.file == root_)
        return STATUS_CANNOT_DELETE;
    if (file.gone)
        return STATUS_FILE_DELETED;
    const bool deletes = o.flags & FILE_DISPOSITION_DELETE;
    const bool ignores_read_only =
        o.kind == Kind::dispose_ex && (o.flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE);
    // A handle remembers that a directory was not empty until it asks for something else; NTFS looks again.
    if (deletes && !ignores_read_only && !NT_SUCCESS(h.refused))
        return h.refused;
    h.refused = STATUS_SUCCESS;
    if (!deletes) {
        file.delete_pending = h.asked = h.posix_delete = false;
        return STATUS_SUCCESS;
    }
    if (file.read_only && !ignores_read_only)
        return STATUS_CANNOT_DELETE;
    if (!file.children.empty())
        return h.refused = STATUS_DIRECTORY_NOT_EMPTY;
    file.delete_pending = h.asked = true;
    h.posix_delete = o.kind == Kind::dispose_ex && (o.flags & FILE_DISPOSITION_POSIX_SEMANTICS);
    return STATUS_SUCCESS;
}

bool Model::open_below(const File& directory)
{
    return std::any_of(directory.children.begin(), directory.children.end(), [](const auto& entry) {
        return !entry.second->handles.empty() || open_below(*entry.second);
    });
}

bool Model::shares_delete(const File& file)
{
    constexpr ACCESS_MASK counted =
        FILE_READ_DATA | FILE_EXECUTE | FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE;
    return std::all_of(file.handles.begin(), file.handles.end(), [](const Handle* h) {
        return !(h->access & counted) || (h->share & FILE_SHARE_DELETE);
    });
}

bool Model::shared_below(const File& directory)
{
    return std::all_of(directory.children.begin(), directory.children.end(), [](const auto& entry) {
        return shares_delete(*entry.second) && shared_below(*entry.second);
    });
}

/// [MS-FSA] 2.1.5.15.11.
NTSTATUS Model::rename(Handle& h, const Operation& o)
{
    if (!(h.access & DELETE))
        return STATUS_ACCESS_DENIED;
    const std::u16string& path = paths()[static_cast<size_t>(o.path)];
    const Place target = find(path);
    // The I/O manager opens the new parent for adding an entry, and so shares it with who else has it open.
    if (path.size() == 1)
        return STATUS_ACCESS_DENIED;
    if (!NT_SUCCESS(target.status))
        return target.status;
    if (target.parent->delete_pending)
        return STATUS_DELETE_PENDING;
    if (!share_allows(*target.parent, FILE_WRITE_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE))
        return STATUS_SHARING_VIOLATION;

    if (h.file == root_)
        return STATUS_INVALID_PARAMETER;
    if (h.file->gone)
        return STATUS_ACCESS_DENIED;
    if (target.file == h.file)
        return STATUS_SUCCESS;
    const bool posix = o.kind == Kind::rename_ex && (o.flags & FILE_RENAME_POSIX_SEMANTICS);
    if (h.file->directory && !posix && open_below(*h.file))
        return STATUS_ACCESS_DENIED;
    if (h.file->directory && posix && !shared_below(*h.file))
        return STATUS_SHARING_VIOLATION;
    for (FilePtr above = target.parent; above; above = above->parent.lock())
        if (above == h.file) // the I/O manager's open of a parent further down does not share delete
            return posix && above != target.parent ? STATUS_SHARING_VIOLATION : STATUS_ACCESS_DENIED;
    if (target.file) {
        if (const NTSTATUS status = replace(*target.file, o.flags & FILE_RENAME_REPLACE_IF_EXISTS, posix);
            !NT_SUCCESS(status))
            return status;
        unlink(target.file);
    }
    const FilePtr parent = h.file->parent.lock();
    std::erase_if(parent->children, [&](const auto& entry) { return entry.second == h.file; });
    target.parent->children[target.last] = h.file;
    h.file->parent = target.parent;
    return STATUS_SUCCESS;
}

/// May what has the new name go?
NTSTATUS Model::replace(const File& target, bool allowed, bool posix)
{
    // Our driver looks for handles first; NTFS would say STATUS_OBJECT_NAME_COLLISION if replacing is not
    // allowed.
    if ((!target.handles.empty() && !posix) || open_below(target))
        return STATUS_ACCESS_DENIED;
    if (!shares_delete(target))
        return STATUS_SHARING_VIOLATION;
    if (!allowed)
        return STATUS_OBJECT_NAME_COLLISION;
    // The library's word for it; NTFS has the one below here, too.
    if (target.read_only)
        return STATUS_CANNOT_DELETE;
    return target.directory ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

// ---- Questions ----------------------------------------------------------------------------------------

Outcome Model::stat(const Handle& h) const
{
    const File& file = *h.file;
    // Also a handle that asked for a deletion which another took back says so; on NTFS it does not.
    return {STATUS_SUCCESS, "size " + std::to_string(file.directory ? 0 : file.data.size()) +
                                (file.delete_pending || h.asked ? " delete pending" : "") +
                                (file.directory ? " directory" : "")};
}

Outcome Model::list(const Handle& h) const
{
    if (!(h.access & FILE_LIST_DIRECTORY))
        return {STATUS_ACCESS_DENIED, {}};
    if (!h.file->directory)
        return {STATUS_INVALID_PARAMETER, {}};
    // Every directory but the root has entries for itself and its parent.
    if (h.file == root_ && root_->children.empty())
        return {STATUS_NO_SUCH_FILE, {}};
    std::string all;
    for (const auto& [name, file] : h.file->children)
        all += std::string(name.begin(), name.end()) + " ";
    return {STATUS_SUCCESS, all};
}

} // namespace fsp::model
