// SPDX-License-Identifier: MIT
/// @file File objects.
#pragma once

#include "ntos/file_flags.h"
#include "ntos/io/irp.h"

#include "ntos/ob/object.h"

namespace fsp::ntos::io {

/// A blank file object with one reference. @return nullptr without memory
PFILE_OBJECT allocate_file();

/// Serialises operations on a handle opened for synchronous I/O. Nothing for other files.
class FileLock
{
  public:
    explicit FileLock(PFILE_OBJECT file) : file_((flags_of(file) & FO_SYNCHRONOUS_IO) != 0 ? file : nullptr)
    {
        if (file_ != nullptr && __atomic_exchange_n(&file_->Busy, 1u, __ATOMIC_ACQUIRE) != 0)
            wait();
    }
    FileLock(const FileLock&) = delete;
    ~FileLock() { release(); }

    void release()
    {
        if (file_ == nullptr)
            return;
        __atomic_store_n(&file_->Busy, 0u, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&file_->Waiters, __ATOMIC_SEQ_CST) != 0)
            KeSetEvent(&file_->Lock, 0, FALSE);
        file_ = nullptr;
    }

  private:
    void wait();

    PFILE_OBJECT file_;
};

} // namespace fsp::ntos::io
