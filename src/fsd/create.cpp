// SPDX-License-Identifier: MIT
#include "change.h"
#include "cleanup.h"
#include "create_parameters.h"
#include "create_reparse.h"
#include "dispatch.h"
#include "open_table.h"
#include "seh.h"
#include "system.h"

namespace fsp::fsd {

namespace {

/// What user mode said about a file that it opened. Copied, because the answer itself is gone as soon as
/// the coroutine waits for anything else.
struct Opened
{
    FSP_FSCTL_FILE_INFO info;
    UINT64 user_context, user_context2;
    ACCESS_MASK granted;
    ULONG information; // FILE_CREATED, ...
    bool disable_cache;
    bool is_directory() const { return (info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0; }
    bool overwrites() const { return information == FILE_OVERWRITTEN || information == FILE_SUPERSEDED; }
};

Opened read_answer(const Response& answer)
{
    const auto& opened = answer->Rsp.Create.Opened;
    return {opened.FileInfo,      opened.UserContext,   opened.UserContext2,
            opened.GrantedAccess, answer.information(), opened.DisableCache != 0};
}

void fill_request(const Volume& volume, const CreateParameters& p, PIRP irp, Request& request)
{
    FSP_FSCTL_TRANSACT_REQ& message = *request.message();
    auto& create = message.Req.Create;
    create.CreateOptions = p.options | p.disposition << 24;
    create.FileAttributes = p.attributes;
    create.AllocationSize = p.allocation_size;
    create.DesiredAccess = p.access_state->RemainingDesiredAccess;
    create.GrantedAccess = p.access_state->PreviouslyGrantedAccess;
    create.ShareAccess = p.share;
    create.UserMode = p.user_mode;
    create.HasTraversePrivilege = (p.access_state->Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE) != 0;
    create.HasBackupPrivilege = (p.access_state->Flags & TOKEN_HAS_BACKUP_PRIVILEGE) != 0;
    create.HasRestorePrivilege = (p.access_state->Flags & TOKEN_HAS_RESTORE_PRIVILEGE) != 0;
    create.OpenTargetDirectory = p.open_target_directory;
    create.CaseSensitive = volume.case_sensitive();
    create.HasTrailingBackslash = p.trailing_backslash;
    create.AcceptsSecurityDescriptor = volume.params().AllowOpenInKernelMode;
    request.wants_token(&p.access_state->SubjectSecurityContext, &create.AccessToken,
                        IoGetRequestorProcessId(irp));
}

/// The request for a plain file, a directory or the main file of a stream.
NTSTATUS make_request(const Volume& volume, const CreateParameters& p, PIRP irp, RequestPtr* request)
{
    const UNICODE_STRING path = p.is_stream() ? p.main_path() : p.path;
    // Descriptor and EA begin on multiples of 8.
    const NTSTATUS status = Request::make(request, FspFsctlTransactCreateKind, &path,
                                          (p.security_descriptor.size ? p.security_descriptor.size + 7 : 0) +
                                              (p.ea.size ? p.ea.size + 7 : 0));
    if (!NT_SUCCESS(status))
        return status;
    fill_request(volume, p, irp, **request);
    auto& create = (*request)->Req.Create;
    if (p.security_descriptor)
        (*request).get()->append(create.SecurityDescriptor, p.security_descriptor.data,
                                 static_cast<USHORT>(p.security_descriptor.size), 8);
    if (p.ea && !p.is_stream()) {
        (*request).get()->append(create.Ea, p.ea.data, static_cast<USHORT>(p.ea.size), 8);
        create.EaIsReparsePoint = p.ea_is_reparse_point;
    }
    return STATUS_SUCCESS;
}

NTSTATUS make_stream_request(const Volume& volume, const CreateParameters& p, PIRP irp, RequestPtr* request)
{
    const NTSTATUS status = Request::make(request, FspFsctlTransactCreateKind, &p.path);
    if (!NT_SUCCESS(status))
        return status;
    fill_request(volume, p, irp, **request);
    auto& create = (*request)->Req.Create;
    create.NamedStream = p.parsed.main_length;
    create.FileAttributes = 0;
    create.AcceptsSecurityDescriptor = FALSE;
    return STATUS_SUCCESS;
}

/// Gives a new node the name that the file system keeps, or its upper case. False: it is another name.
bool normalize_name(const Volume& volume, FileNode& node, const Response& answer)
{
    if (volume.case_sensitive())
        return true;
    const FSP_FSCTL_TRANSACT_BUF given = answer->Rsp.Create.Opened.FileName;
    if (given.Size == 0) {
        node.upcase_name();
        return true;
    }
    const Span text = answer.span(given, Offset::ignored);
    return text && node.normalize_name(name::view(text.as<WCHAR>(), static_cast<USHORT>(text.size)));
}

/// First open only: what the file system offers goes into the node's caches.
void store_metadata(Volume& volume, FileNode& node, PFILE_OBJECT file, const Response& answer)
{
    const auto& opened = answer->Rsp.Create.Opened;
    node.store_file_info(file, opened.FileInfo, answer.information() == FILE_CREATED);
    if (!opened.HasSecurityDescriptor || node.is_stream())
        return;
    const Span descriptor = answer.span(opened.SecurityDescriptor, Offset::honoured);
    // At an odd place it cannot be read; the next one who needs it asks for it.
    const bool aligned = (reinterpret_cast<ULONG_PTR>(descriptor.data) & (sizeof(ULONG) - 1)) == 0;
    if (descriptor && aligned && RtlValidRelativeSecurityDescriptor(descriptor.data, descriptor.size, 0))
        volume.security_cache.replace(node.security, descriptor.data, descriptor.size);
}

OpenRights rights_of(const CreateParameters& p, const Opened& opened, bool again)
{
    OpenRights rights{opened.granted, p.share, 0, again || opened.information == FILE_CREATED};
    if (!p.open_target_directory && opened.information == FILE_SUPERSEDED)
        rights.also_checked = DELETE;
    else if (!p.open_target_directory && opened.information == FILE_OVERWRITTEN)
        rights.also_checked = FILE_WRITE_DATA;
    return rights;
}

void attach(const Volume& volume, PFILE_OBJECT file, FileDesc* desc)
{
    file->FsContext = desc ? &desc->node->header : nullptr;
    file->FsContext2 = desc;
    file->SectionObjectPointer = desc ? &desc->node->sections : nullptr;
    file->PrivateCacheMap = nullptr;
    file->Vpb = desc ? volume.vpb() : file->Vpb;
}

/// One open on its way; undoes what it has done unless it is committed.
class Opening : NonCopyable
{
  public:
    Opening(Volume& volume, PFILE_OBJECT file) : volume_(volume), file_(file) {}
    ~Opening() { abandon(true); }

    Owned<FileDesc> desc;
    Ptr<FileNode> node;
    bool known_to_user_mode = false;
    /// The second attempt: user mode has been asked again since another file of this name was seen.
    bool again = false;

    /// User mode has opened the file: from here on it has to be told of the end, whatever happens.
    void opened_by_user_mode(const Opened& opened)
    {
        known_to_user_mode = true;
        node->user_context = opened.user_context;
        desc->user_context2 = opened.user_context2;
    }

    void commit()
    {
        committed_ = true;
        desc.release();
    }
    /// `tells_user_mode`: with a Close request, if user mode knows of the open.
    void abandon(bool tells_user_mode)
    {
        if (committed_ || !desc)
            return;
        if (desc->node) {
            if (file_)
                attach(volume_, file_, nullptr);
            undo_open(*desc, file_);
        }
        if (known_to_user_mode && tells_user_mode) {
            if (!desc->node)
                desc->node = node; // carries the context that the request names
            post_close(volume_, move(desc));
        } else {
            desc.reset();
        }
    }

  private:
    Volume& volume_;
    PFILE_OBJECT file_;
    bool committed_ = false;
};

/// Breaks the oplocks that stand behind a sharing violation, and waits for them. *information becomes
/// FILE_OPBATCH_BREAK_UNDERWAY when a batch oplock was among them.
Async<NTSTATUS> break_conflicting_oplocks(FileNode& node, const CreateParameters& p, ULONG* information)
{
    if (has_batch_oplock(&node.oplock)) {
        *information = FILE_OPBATCH_BREAK_UNDERWAY;
        const NTSTATUS status = co_await OplockWait(check_oplock, &node.oplock);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (has_handle_oplock(&node.oplock) && !(p.options & FILE_COMPLETE_IF_OPLOCKED))
        co_return co_await OplockWait(break_handle_oplock, &node.oplock);
    co_return STATUS_SUCCESS;
}

/// The first of a main file's open streams behind `previous` (null: the first of all), in name order.
Ptr<FileNode> next_stream(FileNode& main_file, FileNode* previous)
{
    NodeTable& table = main_file.volume().nodes;
    FastMutexGuard guard(table.mutex());
    FileNode* stream =
        previous ? table.next_below(main_file.name(), previous) : table.first_below(main_file.name());
    while (stream && stream->main_file() != &main_file)
        stream = table.next_below(main_file.name(), stream);
    return Ptr<FileNode>(stream);
}

/// Second attempt at an open that was denied.
Async<NTSTATUS> open_after_violation(Opening& opening, const CreateParameters& p, OpenRights rights,
                                     Conflict conflict, bool* first_open, ULONG* information)
{
    Volume& volume = opening.desc->volume;
    NTSTATUS status = STATUS_SUCCESS;
    if (conflict == Conflict::main_file) {
        status = co_await break_conflicting_oplocks(*opening.node->main_file(), p, information);
    } else if (Ptr<FileNode> existing = volume.nodes.lookup(opening.node->name())) {
        if (conflict == Conflict::node)
            status = co_await break_conflicting_oplocks(*existing, p, information);
        else
            for (Ptr<FileNode> stream = next_stream(*existing, nullptr); stream && NT_SUCCESS(status);
                 stream = next_stream(*existing, stream.get()))
                status = co_await break_conflicting_oplocks(*stream, p, information);
    }
    if (!NT_SUCCESS(status))
        co_return status;
    co_return open_node(*opening.desc, opening.node, p.file, rights, first_open, &conflict);
}

bool may_create(const CreateParameters& p)
{
    return p.disposition != FILE_OPEN && p.disposition != FILE_OVERWRITE;
}

/// The file system's main file of a stream, opened on the stream's behalf: known to user mode and counted,
/// without a file object.
Async<NTSTATUS> open_main_file(Volume& volume, const CreateParameters& p, PIRP irp, Opening& opening)
{
    opening.desc = Owned<FileDesc>(fsp::fsd::create<FileDesc>(volume));
    const UNICODE_STRING path = p.main_path();
    opening.node = FileNode::make(volume, path);
    if (!opening.desc || !opening.node)
        co_return STATUS_INSUFFICIENT_RESOURCES;
    RequestPtr request;
    NTSTATUS status = make_request(volume, p, irp, &request);
    if (!NT_SUCCESS(status))
        co_return status;

    const ULONG disposition = may_create(p) ? FILE_OPEN_IF : FILE_OPEN;
    auto& create = request->Req.Create;
    create.CreateOptions = FILE_OPEN_REPARSE_POINT | disposition << 24;
    create.DesiredAccess = FILE_READ_ATTRIBUTES;
    create.GrantedAccess = 0;
    create.ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    create.UserMode = TRUE;
    create.HasTrailingBackslash = FALSE;

    const Response answer = co_await volume.ask(*request);
    if (answer.status() == STATUS_REPARSE)
        co_return STATUS_OBJECT_NAME_NOT_FOUND;
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();

    const Opened opened = read_answer(answer);
    FileDesc& desc = *opening.desc;
    FileNode& node = *opening.node;
    opening.opened_by_user_mode(opened);
    desc.granted_access = opened.granted;
    node.index_number = opened.info.IndexNumber;
    node.is_directory = opened.is_directory();
    node.is_root = node.is_directory && name::is_root(node.name());
    if (!normalize_name(volume, node, answer))
        co_return STATUS_OBJECT_NAME_INVALID;

    bool first_open;
    Conflict conflict;
    status = open_node(
        desc, opening.node, nullptr,
        {opened.granted, create.ShareAccess, 0, opening.again || opened.information == FILE_CREATED},
        &first_open, &conflict);
    if (!NT_SUCCESS(status))
        co_return status;
    if (first_open)
        store_metadata(volume, *desc.node, nullptr, answer);
    if (opened.information == FILE_CREATED)
        report_node_change(*desc.node, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, Stale::parent,
                           nullptr);
    co_return STATUS_SUCCESS;
}

/// Does the opener want no other handle to come between the open and its request for an oplock?
bool reserves_oplock(const CreateParameters& p)
{
    return (p.options & FILE_RESERVE_OPFILTER) ||
           ((p.options & FILE_OPEN_REQUIRING_OPLOCK) && system.check_oplock_ex);
}

/// Waits for the oplocks of the other opens, as this open demands.
Async<NTSTATUS> settle_oplocks(FileNode& node, const CreateParameters& p, PIRP irp)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (node.handle_count > 1) {
        if (p.options & FILE_COMPLETE_IF_OPLOCKED)
            status =
                check_oplock(&node.oplock, irp, OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, nullptr, nullptr, nullptr);
        else
            status = co_await OplockWait(check_oplock, &node.oplock);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (reserves_oplock(p)) {
        FastMutexGuard guard(node.volume().nodes.mutex());
        bool taken = false; // never: the request is a create
        const NTSTATUS reserved =
            seh::fsrtl_oplock_fsctrl(&node.oplock, irp, static_cast<ULONG>(node.handle_count), &taken);
        if (reserved != STATUS_SUCCESS)
            co_return reserved;
    }
    co_return status;
}

/// The Overwrite step (spec 13). *closed_by_user_mode: a failure after which user mode has closed the file.
Async<NTSTATUS> overwrite(Volume& volume, const CreateParameters& p, FileDesc& desc, const Opened& opened,
                          Request& create_request, bool* closed_by_user_mode)
{
    FileNode& node = *desc.node;
    // User mode checked the right to write; superseding needs only that to delete.
    const ULONG protected_by = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
    if (opened.info.FileAttributes & ((protected_by & ~p.attributes) | FILE_ATTRIBUTE_READONLY))
        co_return STATUS_ACCESS_DENIED;

    RequestPtr request;
    NTSTATUS status =
        Request::make(&request, FspFsctlTransactOverwriteKind, nullptr, p.ea.size ? p.ea.size + 7 : 0);
    if (!NT_SUCCESS(status))
        co_return status;
    auto& message = request->Req.Overwrite;
    desc.fill_context(request->Req.Context);
    message.FileAttributes =
        p.attributes & ~static_cast<ULONG>(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY);
    message.AllocationSize = p.allocation_size;
    message.Supersede = opened.information == FILE_SUPERSEDED;
    if (p.ea && !node.is_stream())
        request.get()->append(message.Ea, p.ea.data, static_cast<USHORT>(p.ea.size), 8);

    NodeHold hold;
    status = co_await acquire_after_answer(volume, create_request, node, hold, Part::full, Access::exclusive);
    if (!NT_SUCCESS(status))
        co_return status;
    LARGE_INTEGER zero{};
    if (!MmCanFileBeTruncated(&node.sections, &zero))
        co_return STATUS_USER_MAPPED_FILE;
    if (node.has_data_section()) {
        TopLevel owner(node);
        seh::cc_purge_cache_section(&node.sections, nullptr, 0, FALSE);
    }

    const Response answer = co_await volume.ask(*request, Post::best_effort);
    if (!NT_SUCCESS(answer.status())) {
        *closed_by_user_mode = answer.answered();
        co_return answer.status();
    }
    mark_streams_deleted(node);
    node.set_file_info(p.file, answer->Rsp.Overwrite.FileInfo, true);
    node.base().note_ea_change();
    volume.ea_cache.invalidate(node.base().ea);
    hold.release();
    report_node_change(node,
                       FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_LAST_WRITE |
                           FILE_NOTIFY_CHANGE_SIZE |
                           (volume.params().ExtendedAttributes ? FILE_NOTIFY_CHANGE_EA : 0),
                       FILE_ACTION_MODIFIED, Stale::nothing, p.file);
    co_return STATUS_SUCCESS;
}

/// Programs that run from the file keep it from being written or deleted.
NTSTATUS flush_image(FileNode& node, const CreateParameters& p, const Opened& opened)
{
    if (!node.has_image_section() ||
        !((opened.granted & FILE_WRITE_DATA) || (p.options & FILE_DELETE_ON_CLOSE)))
        return STATUS_SUCCESS;
    if (MmFlushImageSection(&node.sections, MmFlushForWrite))
        return STATUS_SUCCESS;
    return p.options & FILE_DELETE_ON_CLOSE ? STATUS_CANNOT_DELETE : STATUS_SHARING_VIOLATION;
}

/// The open is a success: what the I/O manager and later requests look at.
void finish_open(Volume& volume, const CreateParameters& p, FileDesc& desc, const Opened& opened, PIRP irp)
{
    desc.granted_access = opened.granted;
    desc.process_id = IoGetRequestorProcessId(irp);
    desc.case_sensitive = volume.case_sensitive();
    desc.has_traverse = (p.access_state->Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE) != 0;
    desc.delete_on_close = (p.options & FILE_DELETE_ON_CLOSE) != 0;
    desc.cacheable = volume.caches_data() && !(p.options & FILE_NO_INTERMEDIATE_BUFFERING) &&
                     !opened.disable_cache && !desc.node->is_directory;
    p.access_state->PreviouslyGrantedAccess |= opened.granted;
    p.access_state->RemainingDesiredAccess &= ~(opened.granted | MAXIMUM_ALLOWED);
    if (desc.cacheable)
        add_file_flags(p.file, FO_CACHE_SUPPORTED);
    if (!opened.is_directory() && (opened.info.FileAttributes & FILE_ATTRIBUTE_TEMPORARY))
        add_file_flags(p.file, FO_TEMPORARY_FILE);
}

/// Takes back a stream's open of its main file, with all that a handle's end means.
Async<NTSTATUS> close_main_file(MustSucceed, Volume& volume, Owned<FileDesc> desc, PIRP irp)
{
    if (!desc)
        co_return STATUS_SUCCESS;
    co_await end_handle(MustSucceed{}, volume, *desc, nullptr, irp);
    end_active(*desc);
    post_close(volume, move(desc));
    co_return STATUS_SUCCESS;
}

/// Puts the answer into a node and counts the open. *first_open: the node was not in use before.
Async<NTSTATUS> enter_table(Volume& volume, const CreateParameters& p, Opening& opening, Request& request,
                            const Opened& opened, bool* first_open, Conflict* conflict)
{
    FileNode& node = *opening.node;
    node.index_number = opened.info.IndexNumber;
    node.is_directory = opened.is_directory() && !node.is_stream();
    node.is_root = node.is_directory && name::is_root(node.name());
    // [MS-FSA] 2.1.5.1.2
    if (opened.overwrites() && opened.is_directory() && !p.is_stream() && !p.open_target_directory)
        co_return STATUS_OBJECT_NAME_COLLISION;
    if (!normalize_name(volume, node, request.response()))
        co_return STATUS_OBJECT_NAME_INVALID;

    // A new node is held before others can see it, so that they find its sizes. Only a stream may have to
    // wait for that: it shares its main file's locks.
    NodeHold hold;
    if (!hold.acquire(node, Part::main, Access::exclusive, Wait::no)) {
        const NTSTATUS status =
            co_await acquire_after_answer(volume, request, node, hold, Part::main, Access::exclusive);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const Ptr<FileNode> held = opening.node;
    const NTSTATUS status = open_node(*opening.desc, opening.node, p.file,
                                      rights_of(p, opened, opening.again), first_open, conflict);
    if (NT_SUCCESS(status) && *first_open)
        store_metadata(volume, *opening.node, p.file, request.response());
    hold.release();
    co_return status;
}

/// From user mode's answer to a file object that can be used.
Async<NTSTATUS> establish(Volume& volume, const CreateParameters& p, PIRP irp, Opening& opening,
                          Request& request, ULONG* information)
{
    const Opened opened = read_answer(request.response());
    bool first_open = false;
    Conflict conflict = Conflict::none;
    NTSTATUS status = co_await enter_table(volume, p, opening, request, opened, &first_open, &conflict);
    // All that is of interest has been copied; the answer's bytes do not survive what follows.
    request.forget_answer();
    if (status == STATUS_SHARING_VIOLATION && conflict != Conflict::none) {
        status = co_await open_after_violation(opening, p, rights_of(p, opened, opening.again), conflict,
                                               &first_open, information);
        if (NT_SUCCESS(status) && first_open)
            opening.node->store_file_info(p.file, opened.info, opened.information == FILE_CREATED);
    }
    if (!NT_SUCCESS(status))
        co_return status;

    FileDesc& desc = *opening.desc;
    FileNode& node = *desc.node;
    attach(volume, p.file, &desc);
    // The key that came with the create belongs to the file object from here on, also of a first open:
    // changes made through it must not break what its owner holds on the directory.
    NTSTATUS result =
        check_oplock(&node.oplock, irp, OPLOCK_FLAG_OPLOCK_KEY_CHECK_ONLY, nullptr, nullptr, nullptr);
    if (!NT_SUCCESS(result))
        co_return result;
    result = STATUS_SUCCESS; // or OPLOCK_BREAK_IN_PROGRESS
    if (node.handle_count > 1 || reserves_oplock(p)) {
        result = co_await settle_oplocks(node, p, irp);
        if (!NT_SUCCESS(result))
            co_return result;
    }

    if (opened.overwrites() && !p.open_target_directory) {
        bool closed_by_user_mode = false;
        status = co_await overwrite(volume, p, desc, opened, request, &closed_by_user_mode);
        if (closed_by_user_mode)
            opening.known_to_user_mode = false;
    } else {
        status = flush_image(node, p, opened);
    }
    if (!NT_SUCCESS(status)) {
        if (reserves_oplock(p))
            check_oplock(&node.oplock, irp, OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK, nullptr, nullptr, nullptr);
        co_return status;
    }
    if (opened.information == FILE_CREATED && !p.open_target_directory)
        report_node_change(node,
                           node.is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME,
                           FILE_ACTION_ADDED, Stale::parent, p.file);
    finish_open(volume, p, desc, opened, irp);
    if (result == STATUS_SUCCESS || *information == 0)
        *information = opened.information;
    co_return result;
}

bool is_going(Volume& volume, const UNICODE_STRING& path, bool as_parent)
{
    const FileNode* node = volume.nodes.find(path);
    return node && node->delete_pending && node->handle_count != 0 && (node->is_directory || !as_parent);
}

/// An open file that is to be deleted has its name to the end, and a directory takes nothing new until then.
/// User mode need not know, so that it must not be asked to make anything (or to find a stream of an
/// overwritten file).
bool name_is_going(Volume& volume, const CreateParameters& p)
{
    const bool makes = p.disposition != FILE_OPEN && p.disposition != FILE_OVERWRITE;
    if ((!makes && !p.is_stream()) || p.open_target_directory)
        return false;
    UNICODE_STRING parent;
    name::split_last(p.path, &parent, nullptr);
    FastMutexGuard guard(volume.nodes.mutex());
    return is_going(volume, p.path, false) || (makes && !p.is_stream() && is_going(volume, parent, true));
}

IrpResult open_volume(Volume& volume, PFILE_OBJECT file)
{
    volume.reference(); // until this file object's close
    file->FsContext = volume.volume_fcb();
    file->FsContext2 = nullptr;
    file->Vpb = volume.vpb();
    return {STATUS_SUCCESS, FILE_OPENED};
}

} // namespace

/// IRP_MJ_CREATE on a volume: opens or creates a file, directory or named stream, or opens the volume.
IrpTask create(Volume& volume, PIRP irp)
{
    // Until the IRP is complete; a successful open brings references of its own.
    volume.reference();
    (co_await CurrentIrp{}).release_after_completion(volume);

    // Renames move whole subtrees of open names, so a name is only stable under this lock.
    Hold names;
    names.acquire(*volume.rename_lock.get(), Access::shared);

    CreateParameters p;
    bool is_volume_open = false;
    NTSTATUS status = p.parse(volume, irp, &is_volume_open);
    if (!NT_SUCCESS(status))
        co_return status;
    if (is_volume_open)
        co_return open_volume(volume, p.file);
    if (name_is_going(volume, p))
        co_return STATUS_DELETE_PENDING;

    for (bool again = false;; again = true) {
        Opening main_file(volume, nullptr);
        main_file.again = again;
        if (p.is_stream()) {
            status = co_await open_main_file(volume, p, irp, main_file);
            if (status == STATUS_RETRY && !again)
                continue;
            if (!NT_SUCCESS(status)) {
                volume.statistics.count_create(status);
                co_return status;
            }
        }

        Opening opening(volume, p.file);
        opening.again = again;
        opening.desc = Owned<FileDesc>(fsp::fsd::create<FileDesc>(volume));
        const UNICODE_STRING node_path = p.node_path();
        opening.node =
            FileNode::make(volume, node_path, p.is_stream() ? main_file.desc->node.get() : nullptr);
        RequestPtr request;
        status = opening.desc && opening.node ? p.is_stream() ? make_stream_request(volume, p, irp, &request)
                                                              : make_request(volume, p, irp, &request)
                                              : STATUS_INSUFFICIENT_RESOURCES;

        IrpResult result{status, 0};
        if (NT_SUCCESS(status)) {
            const Response answer = co_await volume.ask(*request);
            if (answer.status() == STATUS_REPARSE) {
                result = finish_reparse(volume, irp, answer);
            } else if (!NT_SUCCESS(answer.status())) {
                result = {answer.status(), answer.information()};
            } else if (!answer.answered()) {
                result = {STATUS_CANCELLED, 0};
            } else {
                opening.opened_by_user_mode(read_answer(answer));
                ULONG information = 0;
                result.status = co_await establish(volume, p, irp, opening, *request, &information);
                result.information = information;
            }
        }
        volume.statistics.count_create(result.status);

        if (NT_SUCCESS(result.status) && result.status != STATUS_REPARSE) {
            opening.desc->main_desc = main_file.desc.get();
            main_file.commit();
            opening.commit();
            co_return result;
        }
        opening.abandon(true);
        if (main_file.desc && main_file.desc->node) {
            Owned<FileDesc> desc = move(main_file.desc);
            co_await close_main_file(MustSucceed{}, volume, move(desc), irp);
        }
        if (result.status != STATUS_RETRY || again)
            co_return result;
    }
}

} // namespace fsp::fsd
