// SPDX-License-Identifier: MIT
#pragma once

#include "wdk.h"

namespace fsp::fsd {

/// A word that is written under a lock and also read without it, where the reader can do with an old value.
/// What was written before it is seen with it.
template<class T> class Published
{
  public:
    constexpr Published(T value = {}) noexcept : value_(value) {}
    Published(const Published&) = delete;

    operator T() const noexcept { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
    void operator=(T value) noexcept { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }
    void operator=(const Published&) = delete;

    // Not atomic as a whole: the writer has the lock.
    T operator++() noexcept { return add(1); }
    T operator--() noexcept { return add(-1); }

  private:
    T add(int n) noexcept
    {
        const T value = static_cast<T>(*this + n);
        *this = value;
        return value;
    }

    T value_;
};

/// Whether the handle caches. The cache manager may end that at any time that nothing of the file is locked.
inline bool is_caching(const FILE_OBJECT* file) noexcept
{
    return __atomic_load_n(&file->PrivateCacheMap, __ATOMIC_ACQUIRE) != nullptr;
}

/// FILE_OBJECT.DeletePending: what was asked for through this handle.
inline bool asked_for_deletion(const FILE_OBJECT* file) noexcept
{
    return __atomic_load_n(&file->DeletePending, __ATOMIC_RELAXED) != 0;
}
inline void ask_for_deletion(PFILE_OBJECT file, bool deletes) noexcept
{
    __atomic_store_n(&file->DeletePending, BOOLEAN{deletes}, __ATOMIC_RELAXED);
}

/// FILE_OBJECT.Flags: several requests on one file may change them at a time.
inline ULONG file_flags(const FILE_OBJECT* file) noexcept
{
    return __atomic_load_n(&file->Flags, __ATOMIC_RELAXED);
}
inline void add_file_flags(PFILE_OBJECT file, ULONG flags) noexcept
{
    __atomic_fetch_or(&file->Flags, flags, __ATOMIC_RELAXED);
}
inline void remove_file_flags(PFILE_OBJECT file, ULONG flags) noexcept
{
    __atomic_fetch_and(&file->Flags, ~flags, __ATOMIC_RELAXED);
}

} // namespace fsp::fsd
