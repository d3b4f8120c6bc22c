// SPDX-License-Identifier: MIT
//
// Directory change notification: FsRtlNotifyXxx.
//
// A watch belongs to one directory handle (its FsContext) and is linked into the file system's notify
// list from its first request until cleanup. Changes that happen while no request waits are buffered,
// as many bytes as the first request's buffer has; what does not fit turns into
// STATUS_NOTIFY_ENUM_DIR. The old name of a rename waits for its new name, so that both arrive together.
//
// The watch keeps the caller's FullDirectoryName by pointer, as Windows does: a file system that renames
// an open directory changes the string and the watch follows. Names are UTF-16.
#include "ntos/faults.h"
#include "ntos/file_flags.h"
#include "ntos/fsrtl/parked_irp.h"
#include "ntos/verifier.h"

#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

namespace fsp::ntos::fsrtl {
namespace {

using Name = std::u16string_view;

/// What a PNOTIFY_SYNC points to.
struct Sync
{
    std::recursive_mutex mutex; // callbacks may report changes
};
using SyncPtr = std::shared_ptr<Sync>;

struct Watch;

struct PendingNotify final : ParkedIrp
{
    SyncPtr sync;
    Watch* watch = nullptr;

    void on_cancel() override;
};

struct Watch : LIST_ENTRY
{
    PVOID context;
    PSTRING directory;
    bool tree;
    bool ignore_buffer;
    ULONG filter;
    PCHECK_FOR_TRAVERSE_ACCESS may_traverse;
    PSECURITY_SUBJECT_CONTEXT subject;
    PFILTER_REPORT_CHANGE filter_callback;

    std::list<PendingNotify*> requests;
    ULONG capacity = 0;
    std::vector<UCHAR> changes; ///< packed FILE_NOTIFY_INFORMATION
    ULONG last_entry = 0;       ///< offset of the last one in `changes`
    bool overflowed = false;
    bool has_changes = false;       ///< something is to be told, even if nothing is buffered
    bool rename_incomplete = false; ///< an old name waits for its new name

    static Watch* of(PLIST_ENTRY entry) { return static_cast<Watch*>(entry); }

    ~Watch()
    {
        if (subject) {
            SeReleaseSubjectContext(subject);
            ExFreePool(subject);
        }
    }
};

SyncPtr& sync_of(PNOTIFY_SYNC sync) { return *static_cast<SyncPtr*>(static_cast<PVOID>(sync)); }

// The head is looked at without the lock.
void link(PLIST_ENTRY list, PLIST_ENTRY entry)
{
    entry->Flink = list;
    entry->Blink = list->Blink;
    __atomic_store_n(&list->Blink->Flink, entry, __ATOMIC_RELEASE);
    list->Blink = entry;
}
void unlink(PLIST_ENTRY entry)
{
    entry->Flink->Blink = entry->Blink;
    __atomic_store_n(&entry->Blink->Flink, entry->Flink, __ATOMIC_RELEASE);
}
bool is_list_empty(PLIST_ENTRY list) { return __atomic_load_n(&list->Flink, __ATOMIC_ACQUIRE) == list; }

Name text(const STRING* s)
{
    return s ? Name{reinterpret_cast<const char16_t*>(s->Buffer), s->Length / sizeof(char16_t)} : Name{};
}

/// IRPs to complete when the lock is dropped.
class Answers
{
  public:
    ~Answers()
    {
        for (const Item& item : items_) {
            complete(item.request->irp(), item.status, item.information);
            delete item.request;
        }
    }
    void add(PendingNotify* request, NTSTATUS status, ULONG_PTR information = 0)
    {
        items_.push_back({request, status, information});
    }

  private:
    struct Item
    {
        PendingNotify* request;
        NTSTATUS status;
        ULONG_PTR information;
    };
    std::vector<Item> items_;
};

Watch* find(PLIST_ENTRY list, PVOID context)
{
    for (PLIST_ENTRY e = list->Flink; e != list; e = e->Flink)
        if (Watch::of(e)->context == context)
            return Watch::of(e);
    return nullptr;
}

PVOID output_buffer(PIRP irp)
{
    if (irp->MdlAddress)
        return MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
    return irp->AssociatedIrp.SystemBuffer ? irp->AssociatedIrp.SystemBuffer : irp->UserBuffer;
}

/// Completes the oldest waiting request with what has happened so far.
void deliver(Watch* watch, Answers& answers)
{
    while (watch->has_changes && !watch->requests.empty()) {
        PendingNotify* request = watch->requests.front();
        watch->requests.pop_front();
        if (!request->claim())
            continue;
        PIRP irp = request->irp();
        const ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.NotifyDirectory.Length;
        const auto size = static_cast<ULONG>(watch->changes.size());
        PVOID out = watch->overflowed || size == 0 || size > length ? nullptr : output_buffer(irp);
        if (out) {
            std::memcpy(out, watch->changes.data(), size);
            answers.add(request, STATUS_SUCCESS, size);
        } else {
            answers.add(request, STATUS_NOTIFY_ENUM_DIR);
        }
        watch->changes.clear();
        watch->last_entry = 0;
        watch->overflowed = watch->has_changes = watch->rename_incomplete = false;
    }
}

void PendingNotify::on_cancel()
{
    std::unique_ptr<PendingNotify> self(this);
    {
        std::lock_guard hold(sync->mutex);
        if (watch)
            watch->requests.remove(this);
    }
    complete(irp(), STATUS_CANCELLED);
}

/// Appends one FILE_NOTIFY_INFORMATION. Entries start at multiples of four; the last one is not padded.
void append(Watch* watch, ULONG action, Name relative, Name last, Name stream)
{
    watch->has_changes = true;
    if (watch->overflowed || watch->ignore_buffer || watch->capacity == 0) {
        watch->overflowed = true;
        return;
    }
    constexpr ULONG header = FIELD_OFFSET(FILE_NOTIFY_INFORMATION, FileName);
    const size_t separators = (relative.empty() ? 0 : 1) + (stream.empty() ? 0 : 1);
    const size_t name_size = (relative.size() + last.size() + stream.size() + separators) * sizeof(char16_t);
    const size_t at = (watch->changes.size() + 3) & ~size_t{3};
    if (at + header + name_size > watch->capacity) {
        watch->changes.clear();
        watch->overflowed = true;
        return;
    }
    const bool first = watch->changes.empty();
    watch->changes.resize(at + header + name_size);
    if (!first)
        reinterpret_cast<PFILE_NOTIFY_INFORMATION>(&watch->changes[watch->last_entry])->NextEntryOffset =
            static_cast<ULONG>(at) - watch->last_entry;
    watch->last_entry = static_cast<ULONG>(at);
    auto* entry = reinterpret_cast<PFILE_NOTIFY_INFORMATION>(&watch->changes[at]);
    entry->NextEntryOffset = 0;
    entry->Action = action;
    entry->FileNameLength = static_cast<ULONG>(name_size);
    UCHAR* out = &watch->changes[at] + header;
    auto put = [&](Name part) {
        if (part.empty())
            return; // may have no buffer
        std::memcpy(out, part.data(), part.size() * sizeof(char16_t));
        out += part.size() * sizeof(char16_t);
    };
    put(relative);
    if (!relative.empty())
        put(u"\\");
    put(last);
    if (!stream.empty()) {
        put(u":");
        put(stream);
    }
}

struct Change
{
    Name parent; ///< full name of the directory that holds the changed entry; "\" is the root
    Name last;
    Name stream;
    ULONG filter;
    ULONG action;
    PVOID target_context;
    PVOID filter_context;
};

/// @param[out] relative directory part of the name that is reported, without the watched directory
bool matches(Watch* watch, const Change& change, Name* relative)
{
    if (!(watch->filter & change.filter) || !watch->directory)
        return false;
    Name directory = text(watch->directory);
    const bool root = directory.size() <= 1;
    if (root)
        directory = {};
    const Name parent = change.parent == u"\\" ? Name{} : change.parent;
    if (parent.substr(0, directory.size()) != directory)
        return false;
    Name rest = parent.substr(directory.size());
    if (!rest.empty()) {
        if (!watch->tree || rest[0] != u'\\')
            return false;
        rest.remove_prefix(1);
        if (watch->may_traverse &&
            !watch->may_traverse(watch->context, change.target_context, watch->subject))
            return false;
    }
    if (watch->filter_callback && !watch->filter_callback(watch->context, change.filter_context))
        return false;
    *relative = rest;
    return true;
}

void report(PLIST_ENTRY list, const Change& change, Answers& answers)
{
    for (PLIST_ENTRY e = list->Flink; e != list; e = e->Flink) {
        Watch* watch = Watch::of(e);
        Name relative;
        if (matches(watch, change, &relative)) {
            append(watch, change.action, relative, change.last, change.stream);
            watch->rename_incomplete = change.action == FILE_ACTION_RENAMED_OLD_NAME;
        } else if (!watch->rename_incomplete || change.action != FILE_ACTION_RENAMED_NEW_NAME) {
            continue;
        } else {
            watch->rename_incomplete = false; // renamed to a place outside of what is watched
        }
        if (!watch->rename_incomplete)
            deliver(watch, answers);
    }
}

/// The directory that `context` stands for is being deleted: whoever waits for changes of it learns that.
void fail_deleted(PLIST_ENTRY list, PVOID context, Answers& answers)
{
    for (PLIST_ENTRY e = list->Flink; e != list; e = e->Flink) {
        Watch* watch = Watch::of(e);
        for (auto it = watch->requests.begin(); it != watch->requests.end();) {
            PFILE_OBJECT file = IoGetCurrentIrpStackLocation((*it)->irp())->FileObject;
            const bool same = watch->context == context || (file && file->FsContext == context);
            if (!same || !(*it)->claim()) {
                ++it;
                continue;
            }
            answers.add(*it, STATUS_DELETE_PENDING);
            it = watch->requests.erase(it);
        }
    }
}

void remove(Watch* watch, Answers& answers)
{
    unlink(watch);
    for (PendingNotify* request : watch->requests) {
        if (request->claim())
            answers.add(request, STATUS_NOTIFY_CLEANUP);
        else
            request->watch = nullptr;
    }
    delete watch;
}

void release_subject(PSECURITY_SUBJECT_CONTEXT subject)
{
    if (!subject)
        return;
    SeReleaseSubjectContext(subject);
    ExFreePool(subject);
}

} // namespace
} // namespace fsp::ntos::fsrtl

using namespace fsp::ntos::fsrtl;
namespace faults = fsp::ntos::faults;

VOID NTAPI FsRtlNotifyInitializeSync(PNOTIFY_SYNC* NotifySync)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    *NotifySync = nullptr;
    auto* sync = faults::fails(faults::Kind::allocation) ? nullptr
                                                         : new (std::nothrow)
                                                               SyncPtr(std::make_shared<Sync>());
    if (!sync)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    *NotifySync = reinterpret_cast<PNOTIFY_SYNC>(sync);
}

VOID NTAPI FsRtlNotifyUninitializeSync(PNOTIFY_SYNC* NotifySync)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (*NotifySync)
        delete &sync_of(*NotifySync);
    *NotifySync = nullptr;
}

VOID NTAPI FsRtlNotifyFilterChangeDirectory(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList, PVOID FsContext,
                                            PSTRING FullDirectoryName, BOOLEAN WatchTree,
                                            BOOLEAN IgnoreBuffer, ULONG CompletionFilter, PIRP NotifyIrp,
                                            PCHECK_FOR_TRAVERSE_ACCESS TraverseCallback,
                                            PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                            PFILTER_REPORT_CHANGE FilterCallback)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (NotifyIrp && faults::fails(faults::Kind::allocation)) [[unlikely]]
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    const SyncPtr sync = sync_of(NotifySync);
    Answers answers;
    std::unique_lock hold(sync->mutex);
    if (!NotifyIrp) {
        fail_deleted(NotifyList, FsContext, answers);
        hold.unlock();
        release_subject(SubjectContext);
        return;
    }
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(NotifyIrp);
    Watch* watch = find(NotifyList, FsContext);
    const bool closed = sp->FileObject && (fsp::ntos::flags_of(sp->FileObject) & FO_CLEANUP_COMPLETE);
    if (!watch && !closed) {
        watch = new Watch;
        watch->context = FsContext;
        watch->directory = FullDirectoryName;
        watch->tree = WatchTree;
        watch->ignore_buffer = IgnoreBuffer;
        watch->filter = CompletionFilter;
        watch->may_traverse = TraverseCallback;
        watch->subject = SubjectContext;
        watch->filter_callback = FilterCallback;
        watch->capacity = sp->Parameters.NotifyDirectory.Length;
        link(NotifyList, watch);
        SubjectContext = nullptr;
    }
    auto request = std::make_unique<PendingNotify>();
    request->sync = sync;
    request->watch = watch;
    NTSTATUS refused = closed ? STATUS_NOTIFY_CLEANUP : STATUS_PENDING;
    NotifyIrp->IoStatus.Status = STATUS_PENDING;
    if (closed) {
        IoMarkIrpPending(NotifyIrp);
    } else {
        watch->requests.push_back(request.get());
        if (request->park(NotifyIrp)) {
            (void)request.release();
            if (!watch->rename_incomplete)
                deliver(watch, answers);
        } else {
            watch->requests.pop_back();
            refused = STATUS_CANCELLED;
        }
    }
    hold.unlock();
    release_subject(SubjectContext);
    if (refused != STATUS_PENDING)
        complete(NotifyIrp, refused);
}

VOID NTAPI FsRtlNotifyFullChangeDirectory(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList, PVOID FsContext,
                                          PSTRING FullDirectoryName, BOOLEAN WatchTree, BOOLEAN IgnoreBuffer,
                                          ULONG CompletionFilter, PIRP NotifyIrp,
                                          PCHECK_FOR_TRAVERSE_ACCESS TraverseCallback,
                                          PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    FsRtlNotifyFilterChangeDirectory(NotifySync, NotifyList, FsContext, FullDirectoryName, WatchTree,
                                     IgnoreBuffer, CompletionFilter, NotifyIrp, TraverseCallback,
                                     SubjectContext, nullptr);
}

VOID NTAPI FsRtlNotifyFilterReportChange(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList,
                                         PSTRING FullTargetName, USHORT TargetNameOffset, PSTRING StreamName,
                                         PSTRING NormalizedParentName, ULONG FilterMatch, ULONG Action,
                                         PVOID TargetContext, PVOID FilterContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (is_list_empty(NotifyList))
        return;
    const Name full = text(FullTargetName);
    const size_t last_at = std::min<size_t>(TargetNameOffset / sizeof(char16_t), full.size());
    Change change{};
    change.last = full.substr(last_at);
    // The parent's name ends before the backslash, except that the root's is the backslash.
    change.parent = NormalizedParentName ? text(NormalizedParentName)
                                         : full.substr(0, last_at > 1 ? last_at - 1 : last_at);
    change.stream = text(StreamName);
    change.filter = FilterMatch;
    change.action = Action;
    change.target_context = TargetContext;
    change.filter_context = FilterContext;

    Answers answers;
    std::lock_guard hold(sync_of(NotifySync)->mutex);
    report(NotifyList, change, answers);
}

VOID NTAPI FsRtlNotifyFullReportChange(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList,
                                       PSTRING FullTargetName, USHORT TargetNameOffset, PSTRING StreamName,
                                       PSTRING NormalizedParentName, ULONG FilterMatch, ULONG Action,
                                       PVOID TargetContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    FsRtlNotifyFilterReportChange(NotifySync, NotifyList, FullTargetName, TargetNameOffset, StreamName,
                                  NormalizedParentName, FilterMatch, Action, TargetContext, nullptr);
}

VOID NTAPI FsRtlNotifyCleanup(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList, PVOID FsContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (is_list_empty(NotifyList))
        return;
    Answers answers;
    std::lock_guard hold(sync_of(NotifySync)->mutex);
    if (Watch* watch = find(NotifyList, FsContext))
        remove(watch, answers);
}

VOID NTAPI FsRtlNotifyCleanupAll(PNOTIFY_SYNC NotifySync, PLIST_ENTRY NotifyList)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    Answers answers;
    std::lock_guard hold(sync_of(NotifySync)->mutex);
    while (!IsListEmpty(NotifyList))
        remove(Watch::of(NotifyList->Flink), answers);
}
