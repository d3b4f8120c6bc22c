// SPDX-License-Identifier: MIT
#include "node.h"
#include "seh.h"
#include "system.h"
#include "volume.h"

namespace fsp::fsd {

namespace {
constexpr UINT64 never = ~UINT64{0};
constexpr LONGLONG no_valid_data_length = 0x7fffffffffffffff; // not tracked
} // namespace

FileNode::FileNode(Volume& volume, FileNode* main_file) noexcept : volume_(volume), main_file_(main_file)
{
    ExInitializeFastMutex(&header_mutex_);
    header.NodeTypeCode = node_type_file;
    header.NodeByteSize = sizeof(FileNode);
    header.IsFastIoPossible = FastIoIsQuestionable;
    header.ValidDataLength.QuadPart = no_valid_data_length;
    if (!main_file) {
        ExInitializeResourceLite(&main_);
        ExInitializeResourceLite(&paging_);
    }
    header.Resource = main_file ? main_file->header.Resource : &main_;
    header.PagingIoResource = main_file ? main_file->header.PagingIoResource : &paging_;
    FsRtlSetupAdvancedHeader(&header, &header_mutex_);
    FsRtlInitializeFileLock(&file_lock, nullptr, nullptr);
    FsRtlInitializeOplock(&oplock);
    KeInitializeSpinLock(&info_lock_);
    volume_.reference();
}

FileNode::~FileNode()
{
    FsRtlTeardownPerStreamContexts(&header);
    FsRtlUninitializeOplock(&oplock);
    FsRtlUninitializeFileLock(&file_lock);
    volume_.security_cache.forget(security);
    volume_.directory_cache.forget(directory);
    volume_.stream_cache.forget(streams);
    volume_.ea_cache.forget(ea);
    if (!main_file_) {
        ExDeleteResourceLite(&main_);
        ExDeleteResourceLite(&paging_);
    }
    if (name_.Buffer != inline_name_)
        pool_free(name_.Buffer);
}

Ptr<FileNode> FileNode::make(Volume& volume, const UNICODE_STRING& name, FileNode* main_file) noexcept
{
    void* const memory = cached_allocate(sizeof(FileNode));
    if (!memory)
        return {};
    auto node = Ptr<FileNode>::adopt(new (FspPlacement{memory}) FileNode(volume, main_file));
    if (!node->set_name(name))
        return {};
    return node;
}

void FileNode::dereference() noexcept
{
    if (InterlockedDecrement(&references_) != 0)
        return;
    Volume& volume = volume_;
    this->~FileNode();
    cached_free(this, sizeof(FileNode));
    volume.dereference();
}

bool FileNode::set_name(const UNICODE_STRING& name) noexcept
{
    WCHAR* buffer = inline_name_;
    if (name.Length > sizeof inline_name_) {
        buffer = static_cast<WCHAR*>(pool_allocate(name.Length));
        if (!buffer)
            return false;
    }
    copy_bytes(buffer, name.Buffer, name.Length);
    name_ = {name.Length, name.Length, buffer};
    return true;
}

void FileNode::adopt_name(UNICODE_STRING& buffer) noexcept
{
    if (name_.Buffer != inline_name_)
        pool_free(name_.Buffer);
    name_ = buffer;
    buffer = {};
}

// ---- FileInfo -----------------------------------------------------------------------------------------

bool FileNode::get_file_info(FSP_FSCTL_FILE_INFO* info) noexcept
{
    const UINT64 now = interrupt_time();
    {
        SpinGuard guard(info_lock_);
        if (info_expiration_ <= now)
            return false;
        copy_info_locked(info);
        info->AllocationSize = allocation_size();
        info->FileSize = file_size();
    }
    if (!main_file_)
        return true;
    return main_file_->get_basic_info(info, now);
}

/// Everything but the sizes.
void FileNode::copy_info_locked(FSP_FSCTL_FILE_INFO* info) const noexcept
{
    info->FileAttributes = attributes_;
    info->ReparseTag = reparse_tag_;
    info->CreationTime = creation_time_;
    info->LastAccessTime = last_access_time_;
    info->LastWriteTime = last_write_time_;
    info->ChangeTime = change_time_;
    info->IndexNumber = index_number;
    info->HardLinks = 0;
    info->EaSize = ea_size_;
}

/// A stream shows its main file's attributes, but is never a directory itself.
bool FileNode::get_basic_info(FSP_FSCTL_FILE_INFO* info, UINT64 now) noexcept
{
    SpinGuard guard(info_lock_);
    if (info_expiration_ <= now)
        return false;
    const UINT64 index = info->IndexNumber;
    copy_info_locked(info);
    info->IndexNumber = index;
    info->FileAttributes &= ~static_cast<UINT32>(FILE_ATTRIBUTE_DIRECTORY);
    return true;
}

void FileNode::adjust_file_info(FSP_FSCTL_FILE_INFO* info) noexcept
{
    info->FileSize = lesser(info->FileSize, Volume::largest_file);
    info->AllocationSize = volume_.round_to_allocation_unit(greater(info->AllocationSize, info->FileSize));
    if (main_file_ && !main_file_->get_basic_info(info, interrupt_time()))
        info->FileAttributes &= ~static_cast<UINT32>(FILE_ATTRIBUTE_DIRECTORY);
}

/// Everything but the sizes.
void FileNode::set_basic_info_locked(const FSP_FSCTL_FILE_INFO& info) noexcept
{
    InterlockedIncrement(&info_change_number_);
    attributes_ = info.FileAttributes;
    reparse_tag_ = info.ReparseTag;
    ea_size_ = info.EaSize;
    creation_time_ = info.CreationTime;
    last_access_time_ = info.LastAccessTime;
    last_write_time_ = info.LastWriteTime;
    change_time_ = info.ChangeTime;
}

void FileNode::set_file_info(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info, bool mark_truncate) noexcept
{
    store_file_info(file, info, mark_truncate);
    if (!main_file_)
        return;
    FSP_FSCTL_FILE_INFO of_main = info;
    if (main_file_->is_directory)
        of_main.FileAttributes |= FILE_ATTRIBUTE_DIRECTORY;
    SpinGuard guard(main_file_->info_lock_);
    main_file_->set_basic_info_locked(of_main); // for as long as what is stored there is valid
}

bool FileNode::store_file_info(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info, bool mark_truncate,
                               const LONG* seen) noexcept
{
    const UINT64 size = lesser(info.FileSize, Volume::largest_file);
    const UINT64 allocation = volume_.round_to_allocation_unit(greater(info.AllocationSize, size));
    const UINT64 timeout = volume_.file_info_timeout();
    const UINT64 expiration = timeout == never ? never : timeout == 0 ? 0 : interrupt_time() + timeout;

    bool sizes_changed;
    {
        SpinGuard guard(info_lock_);
        // What was asked before somebody else made it stale is not kept.
        if (seen && file_info_change_number() != *seen)
            return false;
        set_basic_info_locked(info);
        info_expiration_ = expiration;
        sizes_changed = size != file_size() || allocation != allocation_size();
    }
    if (!sizes_changed)
        return true;
    if (mark_truncate)
        truncate_on_close = true;
    set_header_sizes(file, allocation, size);
    return true;
}

bool FileNode::try_set_file_info(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info, LONG seen) noexcept
{
    return store_file_info(file, info, false, &seen);
}

void FileNode::set_header_sizes(PFILE_OBJECT file, UINT64 allocation, UINT64 size) noexcept
{
    __atomic_store_n(&header.AllocationSize.QuadPart, static_cast<LONGLONG>(allocation), __ATOMIC_RELEASE);
    __atomic_store_n(&header.FileSize.QuadPart, static_cast<LONGLONG>(size), __ATOMIC_RELEASE);
    if (!file || !has_cache_map())
        return;

    CC_FILE_SIZES sizes;
    sizes.AllocationSize.QuadPart = static_cast<LONGLONG>(allocation);
    sizes.FileSize.QuadPart = static_cast<LONGLONG>(size);
    sizes.ValidDataLength.QuadPart = no_valid_data_length;
    TopLevel owner(*this);
    if (NT_SUCCESS(seh::cc_set_file_sizes(file, &sizes)))
        return;
    // The cache cannot follow: what it holds goes to the file, and the handle does without it.
    seh::cc_flush_cache(&sections, nullptr, 0);
    seh::cc_purge_cache_section(&sections, nullptr, 0, FALSE);
    seh::cc_uninitialize_cache_map(file, nullptr);
}

void FileNode::discard_data() noexcept
{
    set_header_sizes(nullptr, 0, 0);
    invalidate_file_info();
}

void FileNode::invalidate_file_info() noexcept
{
    SpinGuard guard(info_lock_);
    InterlockedIncrement(&info_change_number_);
    info_expiration_ = 0;
}

void FileNode::invalidate_all() noexcept
{
    invalidate_file_info();
    volume_.security_cache.invalidate(security);
    volume_.directory_cache.invalidate(directory);
    volume_.stream_cache.invalidate(streams);
    note_ea_change();
    volume_.ea_cache.invalidate(ea);
}

// ---- FileDesc -----------------------------------------------------------------------------------------

FileDesc::FileDesc(Volume& v) noexcept : volume(v) { volume.reference(); }

FileDesc::~FileDesc()
{
    if (close_request_)
        close_request_->~Request();
    destroy(main_desc);
    Volume& v = volume;
    node = {};
    v.dereference();
}

Request* FileDesc::close_request(UINT32 kind) noexcept
{
    if (close_request_)
        close_request_->~Request();
    close_request_ = Request::make_at(close_memory_, kind);
    fill_context(close_request_->message()->Req.Context);
    return close_request_;
}

// ---- Locks after an answer ----------------------------------------------------------------------------

Async<NTSTATUS> acquire_after_answer(Volume& volume, Request& request, FileNode& node, NodeHold& hold,
                                     Part part, Access access)
{
    IrpContext& irp = co_await CurrentIrp{};
    if (irp.on_requestor_thread()) {
        hold.acquire(node, part, access);
        co_return STATUS_SUCCESS;
    }
    while (!hold.acquire(node, part, access, Wait::no)) {
        if (!co_await volume.later(request))
            co_return STATUS_CANCELLED;
    }
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd
