// SPDX-License-Identifier: MIT
#include "change.h"
#include "seh.h"
#include "set_information.h"
#include "system.h"

namespace fsp::fsd {

namespace {

constexpr ULONG flag_replace = 0x1;
constexpr ULONG flag_posix = 0x2;
constexpr ULONG flag_ignore_readonly = 0x40;

/// The caller's structure; the same for both classes but for what the first four bytes mean.
struct RenameInformation
{
    union
    {
        BOOLEAN ReplaceIfExists;
        ULONG Flags;
    };
    HANDLE RootDirectory;
    ULONG FileNameLength;
    WCHAR FileName[1];
};

struct Wanted
{
    ULONG flags = 0;
    UNICODE_STRING last{}; // the new last component, inside the caller's (system) buffer
    PFILE_OBJECT directory = nullptr;
};

NTSTATUS parse(Volume& volume, PIRP irp, Wanted* wanted)
{
    constexpr ULONG fixed = FIELD_OFFSET(RenameInformation, FileName);
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const auto* info = set_buffer<RenameInformation>(irp, fixed);
    if (!info)
        return STATUS_INVALID_PARAMETER;
    const ULONG length = info->FileNameLength;
    if (length == 0 || length % sizeof(WCHAR) != 0 || length > 0xfffe ||
        length > stack->Parameters.SetFile.Length - fixed)
        return STATUS_INVALID_PARAMETER;
    if (stack->Parameters.SetFile.FileInformationClass == FileRenameInformationEx) {
        if (!volume.params().SupportsPosixUnlinkRename)
            return STATUS_INVALID_PARAMETER;
        wanted->flags = info->Flags & (flag_replace | flag_posix | flag_ignore_readonly);
    } else {
        wanted->flags = info->ReplaceIfExists ? flag_replace : 0;
    }

    UNICODE_STRING name = name::view(info->FileName, static_cast<USHORT>(length));
    if (name.Length > sizeof(WCHAR) && name.Buffer[name::chars(name) - 1] == '\\')
        name.Length -= sizeof(WCHAR);
    USHORT start = name::chars(name);
    while (start > 0 && name.Buffer[start - 1] != '\\')
        --start;
    wanted->last = name::view(name.Buffer + start, static_cast<USHORT>(name.Length - start * sizeof(WCHAR)));
    wanted->directory = stack->Parameters.SetFile.FileObject;
    return wanted->last.Length ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/// Puts the new full path together. The rename lock is held, so the names of both directories stand still.
NTSTATUS compose(Volume& volume, FileNode& node, const Wanted& wanted, Buffer* buffer, UNICODE_STRING* path)
{
    UNICODE_STRING parent, last;
    if (wanted.directory) {
        FileNode* directory = FileNode::of(wanted.directory);
        if (!directory || &directory->volume() != &volume)
            return STATUS_INVALID_PARAMETER;
        parent = directory->name();
    } else {
        name::split_last(node.name(), &parent, &last);
    }
    if (!name::valid_path(parent, volume.params().MaxComponentLength, false))
        return STATUS_INVALID_PARAMETER;
    const ULONG separator = name::is_root(parent) ? 0 : sizeof(WCHAR);
    const ULONG length = parent.Length + separator + wanted.last.Length;
    if (length > 0xfffc)
        return STATUS_INVALID_PARAMETER;
    if (!buffer->allocate(length))
        return STATUS_INSUFFICIENT_RESOURCES;

    Byte* to = buffer->data();
    copy_bytes(to, parent.Buffer, parent.Length);
    if (separator)
        *reinterpret_cast<WCHAR*>(to + parent.Length) = '\\';
    copy_bytes(to + parent.Length + separator, wanted.last.Buffer, wanted.last.Length);
    *path = name::view(buffer->as<WCHAR>(), static_cast<USHORT>(length));
    return name::valid_path(*path, volume.params().MaxComponentLength, false) ? STATUS_SUCCESS
                                                                              : STATUS_INVALID_PARAMETER;
}

/// What an open node in the way of a rename is: first come those that something can be done about.
enum class Obstacle
{
    none,
    cached, // closed, but its data or image sections keep it
    oplock, // somebody may close it when told
    open,
};

Obstacle obstacle_of(FileNode& node, PIRP irp)
{
    if (node.handle_count == 0)
        return Obstacle::cached;
    if ((has_batch_oplock(&node.oplock) || has_handle_oplock(&node.oplock)) &&
        check_oplock(&node.oplock, irp, OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, nullptr, nullptr, nullptr) ==
            STATUS_OPLOCK_BREAK_IN_PROGRESS)
        return Obstacle::oplock;
    return Obstacle::open;
}

/// Does every opener agree to the removal of the name? Under the table's lock.
bool all_share_delete(FileNode& node)
{
    return node.share_access.SharedDelete >= node.share_access.OpenCount && node.stream_denies_delete == 0;
}

/// Writes back what is cached of a closed file and lets go of its sections, unless someone has mapped it for
/// writing.
bool give_up_sections(FileNode& node)
{
    if (has_user_writable_views(&node.sections))
        return false;
    NodeHold hold;
    if (!hold.acquire(node, Part::full, Access::exclusive, Wait::no))
        return false;
    TopLevel top(node);
    (void)seh::cc_flush_cache(&node.sections, nullptr, 0);
    (void)MmForceSectionClosed(&node.sections, TRUE);
    return true;
}

/// The next node that is in the way: below `path`, and with `itself` the one at `path` too. `after` (maybe
/// null) was the one before. A reference keeps it.
Ptr<FileNode> next_node(Volume& volume, const UNICODE_STRING& path, FileNode* after)
{
    FastMutexGuard guard(volume.nodes.mutex());
    return Ptr<FileNode>(after ? volume.nodes.next_below(path, after) : volume.nodes.first_below(path));
}

struct Blocked
{
    NTSTATUS status = STATUS_SUCCESS;
    Ptr<FileNode> oplock; // wait for this one, then try again
};

/// An open node in the way, or not.
void judge(FileNode& node, PIRP irp, bool posix, Blocked* blocked)
{
    switch (obstacle_of(node, irp)) {
    case Obstacle::oplock:
        blocked->oplock = Ptr<FileNode>(&node);
        break;
    case Obstacle::open: {
        FastMutexGuard guard(node.volume().nodes.mutex());
        if (node.handle_count == 0)
            break;
        if (!posix)
            blocked->status = STATUS_ACCESS_DENIED;
        else if (!all_share_delete(node))
            blocked->status = STATUS_SHARING_VIOLATION;
        break;
    }
    default:
        break;
    }
}

/// Spec: the old name. Streams and descendants must be closed, or agree.
void check_below_old_name(Volume& volume, FileNode& node, PIRP irp, bool posix, Blocked* blocked)
{
    // No one else can have it open; a stream's handle keeps one of the main file.
    if (!node.is_directory && node.handle_count == 1)
        return;
    Ptr<FileNode> other;
    while ((other = next_node(volume, node.name(), other.get()))) {
        if (other->handle_count == 0) {
            give_up_sections(*other);
            continue;
        }
        judge(*other, irp, posix, blocked);
        if (blocked->oplock || !NT_SUCCESS(blocked->status))
            return;
    }
}

/// Spec: the new name. What is replaced must be closed, or agree; nothing may be open below it.
void check_new_name(Volume& volume, FileNode& node, const UNICODE_STRING& path, PIRP irp, bool posix,
                    Blocked* blocked)
{
    // What only the cache keeps is in nobody's way: the file system refuses to replace a directory that is
    // not empty.
    Ptr<FileNode> below = next_node(volume, path, nullptr);
    while (below && below->handle_count == 0)
        below = next_node(volume, path, below.get());
    // A case-only rename of a directory finds its own descendants.
    if (below && !name::equal(path, node.name(), volume.case_sensitive())) {
        blocked->status = STATUS_ACCESS_DENIED;
        return;
    }
    Ptr<FileNode> target = volume.nodes.lookup(path);
    if (!target || target.get() == &node)
        return;
    {
        TopLevel top(*target);
        if (!MmFlushImageSection(&target->sections, MmFlushForDelete)) {
            blocked->status = STATUS_ACCESS_DENIED;
            return;
        }
    }
    judge(*target, irp, posix, blocked);
}

/// New names for a node and everything below it, made before the file system is asked: after it has renamed
/// the file nothing may fail any more.
class NewNames : NonCopyable
{
  public:
    ~NewNames()
    {
        for (ULONG i = 0; i < count_; ++i) {
            pool_free(entries()[i].name.Buffer);
            entries()[i].node->dereference();
        }
    }

    [[nodiscard]] bool prepare(Volume& volume, FileNode& node, const UNICODE_STRING& path)
    {
        const UNICODE_STRING old = node.name();
        ULONG needed = 1;
        for (Ptr<FileNode> below; (below = next_node(volume, old, below.get()));)
            ++needed;
        // The rename lock keeps others from opening more; what is closed meanwhile is not missed.
        if (!entries_.allocate(needed * static_cast<ULONG>(sizeof(Entry))))
            return false;
        if (!add(node, old, path))
            return false;
        for (Ptr<FileNode> below; count_ < needed && (below = next_node(volume, old, below.get()));)
            if (!add(*below, old, path))
                return false;
        return true;
    }

    /// Under the table's lock.
    void apply(NodeTable& table)
    {
        // The one that moves is first; below it, in any order.
        for (ULONG i = 0; i < count_; ++i) {
            Entry& e = entries()[i];
            if (!e.node->in_table)
                continue;
            table.rename(*e.node, e.name);
            e.name = {};
        }
    }

  private:
    struct Entry
    {
        FileNode* node;
        UNICODE_STRING name;
    };
    Entry* entries() const { return entries_.as<Entry>(); }

    bool add(FileNode& node, const UNICODE_STRING& old, const UNICODE_STRING& path)
    {
        const ULONG rest = node.name().Length - old.Length;
        const ULONG length = path.Length + rest;
        if (length > 0xfffc)
            return false;
        auto* text = static_cast<WCHAR*>(pool_allocate(length));
        if (!text)
            return false;
        copy_bytes(text, path.Buffer, path.Length);
        copy_bytes(reinterpret_cast<Byte*>(text) + path.Length,
                   reinterpret_cast<const Byte*>(node.name().Buffer) + old.Length, rest);
        node.reference();
        entries()[count_++] = {&node, {static_cast<USHORT>(length), static_cast<USHORT>(length), text}};
        return true;
    }

    Buffer entries_;
    ULONG count_ = 0;
};

bool same_text(const UNICODE_STRING& a, const UNICODE_STRING& b) { return name::equal(a, b, true); }

/// Moves the node and everything below it in the table; what was there under the new name loses it.
void move_nodes(Volume& volume, FileNode& node, const UNICODE_STRING& path, NewNames& names)
{
    Hold watches;
    watches.acquire(*volume.watch_names.get(), Access::exclusive);
    FastMutexGuard guard(volume.nodes.mutex());
    if (FileNode* replaced = volume.nodes.find(path); replaced && replaced != &node) {
        volume.nodes.remove(*replaced);
        replaced->posix_deleted = true; // its file is gone: its cleanup has nothing to delete
    }
    names.apply(volume.nodes);
}

/// Tells closes that a rename is under way, as long as it lives.
class Renaming : NonCopyable
{
  public:
    explicit Renaming(Published<bool>& flag) noexcept : flag_(flag) { flag_ = true; }
    ~Renaming() { end(); }

    void end() noexcept
    {
        if (exchange(running_, false))
            flag_ = false;
    }

  private:
    Published<bool>& flag_;
    bool running_ = true;
};

} // namespace

/// FileRenameInformation(Ex).
IrpTask set_rename(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    FileNode& node = *FileNode::of(file);
    FileDesc& desc = *FileDesc::of(file);
    Subject subject;
    const ULONG process_id = desc.process_id;

    Wanted wanted;
    NTSTATUS status = parse(volume, irp, &wanted);
    if (!NT_SUCCESS(status))
        co_return status;
    if (node.is_root || node.is_stream())
        co_return STATUS_INVALID_PARAMETER;
    const bool posix = wanted.flags & flag_posix;
    if (!can_wait(irp))
        co_await OnWorker{Holds::no_lock};

    for (;;) {
        // So that no more than one of them waits for the lock.
        Turn turn;
        if (!turn.try_take(volume.renames))
            co_await turn.take(volume.renames);
        co_await MayBlock{Holds::no_lock};
        // Nothing is created and nothing else is renamed until this is over.
        Hold rename;
        rename.acquire(*volume.rename_lock.get(), Access::exclusive);
        Renaming renaming(volume.renaming);
        NodeHold hold;
        hold.acquire(node, Part::full, Access::exclusive);
        if (node.posix_deleted)
            co_return STATUS_ACCESS_DENIED;

        Buffer path_buffer;
        UNICODE_STRING path;
        status = compose(volume, node, wanted, &path_buffer, &path);
        if (!NT_SUCCESS(status))
            co_return status;
        if (same_text(path, node.name()))
            co_return STATUS_SUCCESS;

        Blocked blocked;
        // Whoever caches handles of the file by this name has to close or to know.
        if (check_oplock(&node.oplock, irp, OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, nullptr, nullptr, nullptr) ==
            STATUS_OPLOCK_BREAK_IN_PROGRESS)
            blocked.oplock = Ptr<FileNode>(&node);
        else
            check_below_old_name(volume, node, irp, posix, &blocked);
        if (!blocked.oplock && NT_SUCCESS(blocked.status))
            check_new_name(volume, node, path, irp, posix, &blocked);
        if (blocked.oplock) {
            // Its owner may have to rename or open something before it can agree.
            hold.release();
            renaming.end();
            rename.release();
            turn.end();
            status = co_await OplockWait(check_oplock, &blocked.oplock->oplock);
            if (!NT_SUCCESS(status))
                co_return status;
            continue;
        }
        if (!NT_SUCCESS(blocked.status))
            co_return blocked.status;

        NewNames names;
        RequestPtr request;
        if (!names.prepare(volume, node, path))
            co_return STATUS_INSUFFICIENT_RESOURCES;
        status = Request::make(&request, FspFsctlTransactSetInformationKind, &node.name(),
                               path.Length + static_cast<ULONG>(sizeof(WCHAR)));
        if (!NT_SUCCESS(status))
            co_return status;
        set_context(request.operator->(), desc);
        request->Req.SetInformation.FileInformationClass = stack->Parameters.SetFile.FileInformationClass;
        request->Req.SetInformation.Info.RenameEx.Flags = wanted.flags;
        (*request).append_text(request->Req.SetInformation.Info.RenameEx.NewFileName, path);
        if (wanted.flags & flag_replace)
            (*request).wants_token(subject.get(), &request->Req.SetInformation.Info.RenameEx.AccessToken,
                                   process_id);

        const Response answer = co_await volume.ask(*request);
        if (!NT_SUCCESS(answer.status()))
            co_return answer.status();

        const ULONG filter = node.is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
        report_change(volume, node.name(), filter, FILE_ACTION_RENAMED_OLD_NAME, Stale::parent, file);
        move_nodes(volume, node, path, names);
        node.invalidate_file_info(); // the time of its change
        report_change(volume, node.name(), filter, FILE_ACTION_RENAMED_NEW_NAME, Stale::parent, file);
        co_return STATUS_SUCCESS;
    }
}

} // namespace fsp::fsd
