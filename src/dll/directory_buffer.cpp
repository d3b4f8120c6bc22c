// SPDX-License-Identifier: MIT
//
// Directory buffer: a complete listing, sorted, kept with the open directory.
#include <algorithm>
#include <cstdlib>
#include <new>

#include "dll/srw_lock.h"

namespace fsp::dll {
namespace {

constexpr ULONG capacity_min = 256;
constexpr ULONG capacity_step = 1024 * 1024; // below it the buffer grows fourfold, from there on it doubles

using Entry = FSP_FSCTL_DIR_INFO;

ULONG name_length(const Entry* entry)
{
    return entry->Size > sizeof(Entry) ? (entry->Size - sizeof(Entry)) / sizeof(WCHAR) : 0;
}

/// "." is 2, ".." is 1, any other name 0.
int dot_rank(const WCHAR* name, ULONG length)
{
    if (length == 1 && name[0] == '.')
        return 2;
    return length == 2 && name[0] == '.' && name[1] == '.' ? 1 : 0;
}

/// "." and ".." come first; the rest in binary order, shorter first.
bool comes_before(const WCHAR* a, ULONG a_length, const WCHAR* b, ULONG b_length)
{
    const int a_rank = dot_rank(a, a_length), b_rank = dot_rank(b, b_length);
    if (a_rank != b_rank)
        return a_rank > b_rank;
    return std::lexicographical_compare(a, a + a_length, b, b + b_length);
}

class DirectoryBuffer
{
  public:
    DirectoryBuffer(ULONG capacity_hint)
    {
        while (first_capacity_ < capacity_hint && first_capacity_ < capacity_step)
            first_capacity_ *= 2;
    }
    DirectoryBuffer(const DirectoryBuffer&) = delete;
    ~DirectoryBuffer()
    {
        std::free(bytes_);
        std::free(index_);
    }

    SRWLOCK& lock() { return lock_; }

    void clear()
    {
        used_ = 0;
        count_ = 0;
    }

    bool add(const Entry* entry)
    {
        const ULONG size = padded(entry->Size);
        if (!reserve(size) || !reserve_index())
            return false;
        std::memcpy(bytes_ + used_, entry, entry->Size);
        std::memset(bytes_ + used_ + entry->Size, 0, size - entry->Size);
        index_[count_++] = used_;
        used_ += size;
        return true;
    }

    void sort()
    {
        std::sort(index_, index_ + count_, [this](ULONG a, ULONG b) {
            return comes_before(at(a)->FileNameBuf, name_length(at(a)), at(b)->FileNameBuf,
                                name_length(at(b)));
        });
    }

    void read(const WCHAR* marker, PVOID buffer, ULONG length, PULONG used)
    {
        for (ULONG i = first_after(marker); i != count_; ++i)
            if (!FspFileSystemAddDirInfo(at(index_[i]), buffer, length, used))
                return;
        FspFileSystemAddDirInfo(nullptr, buffer, length, used);
    }

  private:
    Entry* at(ULONG offset) { return reinterpret_cast<Entry*>(bytes_ + offset); }

    /// The marker itself need not exist any more.
    ULONG first_after(const WCHAR* marker)
    {
        if (marker == nullptr)
            return 0;
        ULONG length = 0;
        while (marker[length] != 0)
            ++length;
        const ULONG* found =
            std::upper_bound(index_, index_ + count_, marker, [&](const WCHAR* name, ULONG offset) {
                return comes_before(name, length, at(offset)->FileNameBuf, name_length(at(offset)));
            });
        return static_cast<ULONG>(found - index_);
    }

    bool reserve(ULONG size)
    {
        UINT64 capacity = capacity_;
        while (capacity - used_ < size)
            capacity = capacity == 0              ? first_capacity_
                       : capacity < capacity_step ? capacity * 4
                                                  : capacity * 2;
        if (capacity == capacity_)
            return true;
        if (capacity > 0x80000000)
            return false;
        auto* bytes = static_cast<UINT8*>(std::realloc(bytes_, capacity));
        if (bytes == nullptr)
            return false;
        bytes_ = bytes;
        capacity_ = static_cast<ULONG>(capacity);
        return true;
    }

    bool reserve_index()
    {
        if (count_ < index_capacity_)
            return true;
        const ULONG capacity = index_capacity_ == 0 ? 16 : index_capacity_ * 2;
        auto* index = static_cast<ULONG*>(std::realloc(index_, SIZE_T{capacity} * sizeof(ULONG)));
        if (index == nullptr)
            return false;
        index_ = index;
        index_capacity_ = capacity;
        return true;
    }

    SRWLOCK lock_ = SRWLOCK_INIT;
    UINT8* bytes_ = nullptr;
    ULONG capacity_ = 0;
    ULONG first_capacity_ = capacity_min;
    ULONG used_ = 0;
    ULONG* index_ = nullptr; // offsets of the entries, in order after sort()
    ULONG index_capacity_ = 0;
    ULONG count_ = 0;
};

DirectoryBuffer* load(PVOID* variable)
{
    return static_cast<DirectoryBuffer*>(FspInterlockedLoadPointer(variable));
}

BOOLEAN result(PNTSTATUS out, NTSTATUS status, BOOLEAN value)
{
    if (out != nullptr)
        *out = status;
    return value;
}

DirectoryBuffer* make(ULONG capacity_hint)
{
    void* memory = std::malloc(sizeof(DirectoryBuffer));
    return memory != nullptr ? new (memory) DirectoryBuffer(capacity_hint) : nullptr;
}

void destroy(DirectoryBuffer* buffer)
{
    buffer->~DirectoryBuffer();
    std::free(buffer);
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

BOOLEAN FspFileSystemAcquireDirectoryBufferEx(PVOID* PDirBuffer, BOOLEAN Reset, ULONG CapacityHint,
                                              PNTSTATUS PResult)
{
    DirectoryBuffer* buffer = load(PDirBuffer);
    if (buffer == nullptr) {
        DirectoryBuffer* fresh = make(CapacityHint);
        if (fresh == nullptr)
            return result(PResult, STATUS_INSUFFICIENT_RESOURCES, FALSE);
        // Locked before it is visible: nobody reads it before it is filled.
        acquire_exclusive(fresh->lock());
        PVOID other = nullptr;
        if (__atomic_compare_exchange_n(PDirBuffer, &other, static_cast<PVOID>(fresh), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return result(PResult, STATUS_SUCCESS, TRUE);
        release_exclusive(fresh->lock());
        destroy(fresh);
        buffer = static_cast<DirectoryBuffer*>(other);
    }
    if (!Reset)
        return result(PResult, STATUS_SUCCESS, FALSE);
    acquire_exclusive(buffer->lock());
    buffer->clear();
    return result(PResult, STATUS_SUCCESS, TRUE);
}

BOOLEAN FspFileSystemAcquireDirectoryBuffer(PVOID* PDirBuffer, BOOLEAN Reset, PNTSTATUS PResult)
{
    return FspFileSystemAcquireDirectoryBufferEx(PDirBuffer, Reset, 0, PResult);
}

BOOLEAN FspFileSystemFillDirectoryBuffer(PVOID* PDirBuffer, FSP_FSCTL_DIR_INFO* DirInfo, PNTSTATUS PResult)
{
    if (DirInfo == nullptr)
        return result(PResult, STATUS_INVALID_PARAMETER, FALSE);
    if (!load(PDirBuffer)->add(DirInfo))
        return result(PResult, STATUS_INSUFFICIENT_RESOURCES, FALSE);
    return result(PResult, STATUS_SUCCESS, TRUE);
}

VOID FspFileSystemReleaseDirectoryBuffer(PVOID* PDirBuffer)
{
    DirectoryBuffer* buffer = load(PDirBuffer);
    buffer->sort();
    release_exclusive(buffer->lock());
}

VOID FspFileSystemReadDirectoryBuffer(PVOID* PDirBuffer, PWSTR Marker, PVOID Buffer, ULONG Length,
                                      PULONG PBytesTransferred)
{
    DirectoryBuffer* buffer = load(PDirBuffer);
    if (buffer == nullptr) {
        FspFileSystemAddDirInfo(nullptr, Buffer, Length, PBytesTransferred);
        return;
    }
    const SharedHold hold(buffer->lock());
    buffer->read(Marker, Buffer, Length, PBytesTransferred);
}

VOID FspFileSystemDeleteDirectoryBuffer(PVOID* PDirBuffer)
{
    if (DirectoryBuffer* buffer = load(PDirBuffer)) {
        destroy(buffer);
        *PDirBuffer = nullptr;
    }
}
