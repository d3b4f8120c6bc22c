// SPDX-License-Identifier: MIT
//
// Reading security descriptors of either form, and building self-relative ones.
#pragma once

#include <winfsp/nt.h>

#include "nt/acl.h"
#include "nt/sid.h"

namespace fsp::nt {

/// The parts of a security descriptor, of either form; the descriptor must be valid and outlive the view.
struct SecurityView
{
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    const SID* owner = nullptr;
    const SID* group = nullptr;
    const ACL* sacl = nullptr; ///< null also when not present
    const ACL* dacl = nullptr; ///< null also when not present: everybody may do everything

    static SecurityView of(const void* descriptor);

    bool dacl_present() const { return control & SE_DACL_PRESENT; }
    bool sacl_present() const { return control & SE_SACL_PRESENT; }

    /// The bytes that write() needs; 0 if more than any descriptor can have.
    ULONG relative_size() const;
    /// Writes the self-relative form; `out` has relative_size() bytes, aligned to 4.
    void write(void* out) const;
};

/// A new self-relative descriptor on the C heap; null without memory.
void* make_relative(const SecurityView& view, ULONG* size = nullptr);

/// The size of a valid self-relative descriptor within `available` bytes, else 0. For input from outside.
ULONG valid_relative_size(const void* data, size_t available);

/**
 * Copies the parts that `information` names into a self-relative descriptor.
 *
 * @param[in,out] size  bytes in `out`; receives the bytes needed
 * @return STATUS_BUFFER_TOO_SMALL if they are more; STATUS_INVALID_SECURITY_DESCR
 */
NTSTATUS query_security(SECURITY_INFORMATION information, const void* descriptor, void* out, ULONG* size);

} // namespace fsp::nt
