// SPDX-License-Identifier: MIT
#pragma once

/// What a create IRP asks for, checked and normalised.

#include "memory.h"
#include "name.h"
#include "volume.h"

namespace fsp::fsd {

struct CreateParameters : NonCopyable
{
    PIO_STACK_LOCATION stack = nullptr;
    PFILE_OBJECT file = nullptr;
    PACCESS_STATE access_state = nullptr;

    ULONG options = 0; // without disposition
    ULONG disposition = 0;
    ULONG share = 0;
    ULONG attributes = 0; // as sent to user mode
    UINT64 allocation_size = 0;
    bool user_mode = false;
    bool open_target_directory = false;
    bool trailing_backslash = false;
    bool relative = false;

    UNICODE_STRING path{}; // volume-relative, with stream part; points into the file object or `storage`
    name::Parsed parsed{};
    Buffer storage;

    Span security_descriptor{}; // self-relative
    Buffer security_storage;
    Span ea{};
    bool ea_is_reparse_point = false;

    bool is_stream() const { return parsed.has_stream(); }
    UNICODE_STRING main_path() const { return name::view(path.Buffer, parsed.main_length); }
    /// The name that the node is known by: the parent's for a rename target.
    UNICODE_STRING node_path() const
    {
        UNICODE_STRING parent = path;
        if (open_target_directory)
            name::split_last(path, &parent, nullptr);
        return parent;
    }

    /// Reads the IRP. `is_volume_open` is set for an open of the volume itself: nothing else is checked then.
    NTSTATUS parse(Volume& volume, PIRP irp, bool* is_volume_open) noexcept;

  private:
    NTSTATUS check_options(Volume& volume, PIRP irp) noexcept;
    NTSTATUS take_atomic_create(PIRP irp) noexcept;
    NTSTATUS take_security() noexcept;
    NTSTATUS find_path(Volume& volume) noexcept;
    NTSTATUS compose_relative(UNICODE_STRING name) noexcept;
    NTSTATUS check_root() const noexcept;
};

} // namespace fsp::fsd
