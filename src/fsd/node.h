// SPDX-License-Identifier: MIT
#pragma once

/// FileNode: an open file name (FsContext). FileDesc: one open of it (FsContext2). NodeTable: all nodes of
/// a volume by name.

#include "memory.h"
#include "metacache.h"
#include "name.h"
#include "published.h"
#include "request.h"
#include "resource.h"
#include "turns.h"
#include "wdk.h"

namespace fsp::fsd {

class FileDesc;
class NodeTable;
class Volume;

constexpr CSHORT node_type_file = 0x4601;
constexpr CSHORT node_type_volume = 0x4602;

class FileNode : NonCopyable
{
  public:
    /// FsContext must point at this header.
    FSRTL_ADVANCED_FCB_HEADER header{};

    /// A node that is not in the table yet, with one reference. `main_file` makes it a stream of that node.
    static Ptr<FileNode> make(Volume& volume, const UNICODE_STRING& name,
                              FileNode* main_file = nullptr) noexcept;
    void reference() noexcept { InterlockedIncrement(&references_); }
    void dereference() noexcept;

    /// The node of a file object of `volume`; null for a volume handle.
    static FileNode* of(PFILE_OBJECT file) noexcept
    {
        auto* node = static_cast<FileNode*>(file->FsContext);
        return node && node->header.NodeTypeCode == node_type_file ? node : nullptr;
    }

    Volume& volume() const { return volume_; }
    bool is_stream() const { return static_cast<bool>(main_file_); }
    FileNode* main_file() const { return main_file_.get(); }
    /// The node that carries basic info, security, EA and stream-list caches and the resources.
    FileNode& base() { return main_file_ ? *main_file_ : *this; }
    const FileNode& base() const { return main_file_ ? *main_file_ : *this; }
    ERESOURCE& main_resource() { return *header.Resource; }
    ERESOURCE& paging_resource() { return *header.PagingIoResource; }

    // ---- constant after the first successful open ----
    UINT64 user_context = 0;
    UINT64 index_number = 0;
    bool is_directory = false;
    bool is_root = false;

    SECTION_OBJECT_POINTERS sections{};
    FILE_LOCK file_lock{};
    OPLOCK oplock{};

    // ---- name: stable while the volume's rename lock is held (shared suffices), or under the table lock
    // ----
    const UNICODE_STRING& name() const { return name_; }
    // Only for a node that nobody else sees yet.
    void upcase_name() noexcept { name::upcase_in_place(name_); }
    /// Takes over the letter case of `given`; false if it is not the same name.
    bool normalize_name(const UNICODE_STRING& given) noexcept
    {
        if (!name::equal(name_, given, false))
            return false;
        copy_bytes(name_.Buffer, given.Buffer, given.Length);
        return true;
    }

    // ---- open state: under the table lock; a dirty read is fine for hints ----
    SHARE_ACCESS share_access{};
    // Requests for oplocks are made under the table lock too, with handle_count as the open count: then an
    // open either is counted or finds the oplock.
    Published<LONG> handle_count; // file objects before cleanup
    LONG active_count = 0;        // file objects before close
    LONG stream_denies_delete =
        0; // main files: stream handles with read/write/delete access not sharing delete
    Published<bool> delete_pending = false;
    bool posix_deleted = false;
    bool in_table = false;
    bool claimed = false; // see may_claim()

    // The system's, which come and go with the last view and the lazy writer.
    bool has_data_section() const { return __atomic_load_n(&sections.DataSectionObject, __ATOMIC_ACQUIRE); }
    bool has_image_section() const { return __atomic_load_n(&sections.ImageSectionObject, __ATOMIC_ACQUIRE); }
    bool has_cache_map() const { return __atomic_load_n(&sections.SharedCacheMap, __ATOMIC_ACQUIRE); }

    /// What FsRtlAreThereCurrentFileLocks says; a cancelled lock is taken back while others look.
    bool has_file_locks() const { return __atomic_load_n(&file_lock.FastIoIsQuestionable, __ATOMIC_ACQUIRE); }

    // ---- metadata ----
    MetaCacheSlot security, directory, streams, ea; // a stream's are its main file's, see base()
    // Compared by EA enumeration per handle.
    LONG ea_change_number() const { return __atomic_load_n(&ea_change_number_, __ATOMIC_ACQUIRE); }
    void note_ea_change() noexcept { InterlockedIncrement(&ea_change_number_); }

    /// The cached FileInfo; false if there is none or it has expired. A stream combines its sizes with its
    /// main file's basic information.
    bool get_file_info(FSP_FSCTL_FILE_INFO* info) noexcept;
    LONG file_info_change_number() const { return __atomic_load_n(&info_change_number_, __ATOMIC_ACQUIRE); }
    /// Stores what the file system returned, sets the cache manager's sizes and resets the expiration.
    /// `mark_truncate`: if the sizes differ from the stored ones, the last cleanup carries SetAllocationSize.
    /// @param seen if not null: unless the information changed since. @return false then
    bool store_file_info(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info, bool mark_truncate = false,
                         const LONG* seen = nullptr) noexcept;
    /// The same for the answer to a change: what was changed through a stream holds for its main file, too.
    void set_file_info(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info,
                       bool mark_truncate = false) noexcept;
    /// store_file_info unless the information changed since `seen`.
    bool try_set_file_info(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info, LONG seen) noexcept;
    /// get_file_info's answer for a FileInfo that could not be stored: rounds sizes, combines a stream.
    void adjust_file_info(FSP_FSCTL_FILE_INFO* info) noexcept;
    void invalidate_file_info() noexcept;
    /// The file is gone: its size becomes 0, so that cached data is dropped instead of written.
    void discard_data() noexcept;
    /// Drops every cache of this node (not of the parent).
    void invalidate_all() noexcept;

    /// Paging writes read it while a cleanup that discards the file's data sets it to 0.
    UINT64 file_size() const
    {
        return static_cast<UINT64>(__atomic_load_n(&header.FileSize.QuadPart, __ATOMIC_ACQUIRE));
    }
    UINT64 allocation_size() const
    {
        return static_cast<UINT64>(__atomic_load_n(&header.AllocationSize.QuadPart, __ATOMIC_ACQUIRE));
    }
    /// "Sizes changed since open": Cleanup of the last handle carries SetAllocationSize. On the main
    /// resource.
    Published<bool> truncate_on_close;

  private:
    friend class NodeTable;
    FileNode(Volume& volume, FileNode* main_file) noexcept;
    ~FileNode();
    bool set_name(const UNICODE_STRING& name) noexcept;
    void adopt_name(UNICODE_STRING& buffer) noexcept;
    void set_header_sizes(PFILE_OBJECT file, UINT64 allocation, UINT64 size) noexcept;
    void copy_info_locked(FSP_FSCTL_FILE_INFO* info) const noexcept;
    void set_basic_info_locked(const FSP_FSCTL_FILE_INFO& info) noexcept;
    bool get_basic_info(FSP_FSCTL_FILE_INFO* info, UINT64 now) noexcept;

    static constexpr USHORT inline_chars = 56;

    FAST_MUTEX header_mutex_;
    ERESOURCE main_, paging_; // initialised only for main files
    Volume& volume_;
    Ptr<FileNode> main_file_;
    volatile LONG references_ = 1;

    UNICODE_STRING name_{};
    WCHAR inline_name_[inline_chars];

    // Treap links of the table.
    FileNode *parent_ = nullptr, *left_ = nullptr, *right_ = nullptr;
    ULONG priority_ = 0;

    KSPIN_LOCK info_lock_;
    UINT64 info_expiration_ = 0; // interrupt time; 0 = invalid
    volatile LONG info_change_number_ = 0, ea_change_number_ = 0;
    UINT32 attributes_ = 0, reparse_tag_ = 0, ea_size_ = 0;
    UINT64 creation_time_ = 0, last_access_time_ = 0, last_write_time_ = 0, change_time_ = 0;
};

/// The position of a directory enumeration on one handle (directory.cpp).
struct DirectoryScan
{
    Buffer pattern; // upper-cased on case-insensitive volumes; empty = match all
    Buffer marker;  // name, or 8 bytes NextOffset
    bool started = false;
    bool found = false; // an entry has been returned since the last restart
    UINT64 cache_generation = 0;
    ULONG cache_offset = 0; // hint into the cached listing of that generation
    Turns queries;          // one after the other; a turn is taken before the node's resources
};

class FileDesc : NonCopyable
{
  public:
    explicit FileDesc(Volume& volume) noexcept;
    ~FileDesc();

    static FileDesc* of(PFILE_OBJECT file) noexcept { return static_cast<FileDesc*>(file->FsContext2); }

    Volume& volume;
    Ptr<FileNode> node;
    UINT64 user_context2 = 0;
    ACCESS_MASK granted_access = 0;
    ULONG process_id = 0;

    bool case_sensitive = false;
    bool has_traverse = false;
    bool delete_on_close = false;
    bool cacheable = false; // data caching is enabled for the handle
    bool posix_delete = false;
    bool cleaned_up = false;            // see may_claim()
    bool denies_delete_to_main = false; // counted in main_file()->stream_denies_delete

    // Set explicitly through this handle: cleanup must not set them.
    bool did_set_attributes = false, did_set_creation_time = false, did_set_last_access_time = false,
         did_set_last_write_time = false, did_set_change_time = false;
    bool did_set_metadata = false, did_set_security = false;

    NTSTATUS disposition_failure = STATUS_SUCCESS; // remembered refusal of a delete (spec 20.2 rule 5)

    Owned<DirectoryScan> scan;
    ULONG ea_index = 0;
    LONG ea_change_number = 0;

    // A stream's open of its main file: known to user mode and counted in the main file's node, but
    // without file object and share access, because it asks for nothing that could conflict.
    FileDesc* main_desc = nullptr;

    void fill_context(FSP_FSCTL_TRANSACT_FULL_CONTEXT& context) const noexcept
    {
        context.UserContext = node->user_context;
        context.UserContext2 = user_context2;
    }

    /// The request that tells user mode about the close. Built in, so that it can never be lost for want
    /// of memory; cleanup uses it as well (they never overlap).
    Request* close_request(UINT32 kind) noexcept;

  private:
    alignas(8) Byte close_memory_[sizeof(Request) + sizeof(FSP_FSCTL_TRANSACT_REQ)];
    Request* close_request_ = nullptr;
};

/// All nodes of a volume, ordered by name, so that a path's descendants are neighbours.
class NodeTable : NonCopyable
{
  public:
    explicit NodeTable(bool case_sensitive) : case_sensitive_(case_sensitive)
    {
        ExInitializeFastMutex(&mutex_);
    }

    /// Take it through FastMutexGuard; order: after node resources.
    FAST_MUTEX& mutex() { return mutex_; }
    bool case_sensitive() const { return case_sensitive_; }

    // ---- with the mutex held ----
    FileNode* find(const UNICODE_STRING& name) const noexcept;
    /// The node must not be in the table, its name not taken.
    void insert(FileNode& node) noexcept;
    /// Does nothing to a node that is not in the table. The table holds no reference: a node is in it only
    /// while somebody has it open.
    void remove(FileNode& node) noexcept;
    /// The first node with a name > `name`'s position in order; iterate descendants with next_below.
    FileNode* first_below(const UNICODE_STRING& ancestor) const noexcept;
    /// `previous` may have left the table meanwhile.
    FileNode* next_below(const UNICODE_STRING& ancestor, FileNode* previous) const noexcept;
    FileNode* first() const noexcept;
    static FileNode* next(FileNode* node) noexcept;
    FileNode* last() const noexcept;
    static FileNode* previous(FileNode* node) noexcept;
    /// Gives a node a new name (removing and re-inserting it). `buffer` was allocated by the caller with
    /// pool_allocate and belongs to the node afterwards.
    void rename(FileNode& node, UNICODE_STRING& buffer) noexcept;

    /// Takes the mutex; a reference to the node with this name, if one is open.
    Ptr<FileNode> lookup(const UNICODE_STRING& name) noexcept;

  private:
    FileNode* lower_bound(const UNICODE_STRING& name) const noexcept;
    void rotate_up(FileNode& node) noexcept;
    LONG compare(const UNICODE_STRING& a, const UNICODE_STRING& b) const noexcept
    {
        return name::compare(a, b, case_sensitive_);
    }

    FAST_MUTEX mutex_;
    FileNode* root_ = nullptr;
    bool case_sensitive_;
    ULONG random_ = 0x9e3779b9;
};

/// co_await acquire_after_answer(...): takes node resources once an answer has arrived. Waits in place on
/// the requestor's own thread, otherwise in the Retried list. STATUS_CANCELLED if the volume stopped first.
Async<NTSTATUS> acquire_after_answer(Volume& volume, Request& request, FileNode& node, NodeHold& hold,
                                     Part part, Access access);

} // namespace fsp::fsd
