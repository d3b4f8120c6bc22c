// SPDX-License-Identifier: MIT
//
// Asking the file system for its locks before the memory manager or the cache manager does something to
// a file. A driver answers through its registered filter callbacks, or its fast I/O table, or not at
// all; then its resources in the FCB header are taken.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::fsrtl {

/// Held while a section of a file is created.
class SectionLock
{
  public:
    SectionLock(PFILE_OBJECT file, ULONG protection);
    ~SectionLock();
    SectionLock(const SectionLock&) = delete;

    /// Success-class; or the file system refuses, and then nothing is held.
    NTSTATUS status() const { return status_; }

  private:
    PFILE_OBJECT file_;
    NTSTATUS status_;
};

/// Held while the cache manager flushes a file on its own account or the caller's.
class FlushLock
{
  public:
    explicit FlushLock(PFILE_OBJECT file);
    ~FlushLock();
    FlushLock(const FlushLock&) = delete;

    NTSTATUS status() const { return status_; }

  private:
    PFILE_OBJECT file_;
    NTSTATUS status_;
    bool resources_ = false; ///< it was the header's resources
};

/// Held while pages of a file are written that were modified through views of a section only, so that the
/// cache manager has no callbacks for it. Never waits.
class ModWriteLock
{
  public:
    explicit ModWriteLock(PFILE_OBJECT file);
    ~ModWriteLock();
    ModWriteLock(const ModWriteLock&) = delete;

    /// STATUS_CANT_WAIT: somebody works on the file.
    NTSTATUS status() const { return status_; }

  private:
    PFILE_OBJECT file_;
    NTSTATUS status_;
    PERESOURCE resource_ = nullptr; ///< what there is to release; none: the filter callback knows
    bool header_ = false;           ///< it was the header's
};

} // namespace fsp::ntos::fsrtl
