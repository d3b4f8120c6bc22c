// SPDX-License-Identifier: MIT
/// @file The real thing: MEMFS on the driver, through the NT API.
#pragma once

#include "model/operation.h"
#include "support/memfs_volume.h"

#include <array>
#include <utility>

namespace fsp::model {

class System
{
  public:
    /// @param threads of the dispatcher
    explicit System(unsigned threads);
    ~System();
    Outcome perform(const Operation& o);

  private:
    struct Handle
    {
        HANDLE value = nullptr;
        ~Handle() { close(); }
        NTSTATUS close()
        {
            return value != nullptr ? NtClose(std::exchange(value, nullptr)) : STATUS_SUCCESS;
        }
    };

    Outcome open(const Operation& o);
    Outcome read(const Operation& o);
    NTSTATUS write(const Operation& o);
    NTSTATUS rename(const Operation& o);
    Outcome stat(const Operation& o);
    Outcome list(const Operation& o);
    template<class T> NTSTATUS set(const Operation& o, FILE_INFORMATION_CLASS c, T value);

    test::MemfsVolume volume_;
    std::array<Handle, slots> handles_;
};

/// The byte at a place of what a write to a file puts there.
inline char written_byte(ULONG offset, ULONG i) { return static_cast<char>('a' + (offset * 7 + i) % 26); }

} // namespace fsp::model
