// SPDX-License-Identifier: MIT
//
// Walking and writing access control lists.
#pragma once

#include <cstddef>

#include <winfsp/nt.h>

#include "nt/sid.h"

namespace fsp::nt {

constexpr ULONG ace_sid_offset = 8; // header and mask

/// What the types of ACEs have in common.
enum class AceLayout
{
    mask_sid, ///< header, mask, SID, perhaps data
    object,   ///< header, mask, flags, up to two GUIDs, SID, perhaps data
    unknown,
};

constexpr AceLayout ace_layout(UCHAR type)
{
    switch (type) {
    case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_OBJECT_ACE_TYPE:
    case SYSTEM_AUDIT_OBJECT_ACE_TYPE:
    case SYSTEM_ALARM_OBJECT_ACE_TYPE:
    case ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
    case SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE:
    case SYSTEM_ALARM_CALLBACK_OBJECT_ACE_TYPE:
        return AceLayout::object;
    case ACCESS_ALLOWED_COMPOUND_ACE_TYPE:
        return AceLayout::unknown;
    default:
        return type <= SYSTEM_ACCESS_FILTER_ACE_TYPE ? AceLayout::mask_sid : AceLayout::unknown;
    }
}

inline const UCHAR* ace_bytes(const ACE_HEADER* ace) { return reinterpret_cast<const UCHAR*>(ace); }

inline ACCESS_MASK ace_mask(const ACE_HEADER* ace)
{
    return reinterpret_cast<const ACCESS_ALLOWED_ACE*>(ace)->Mask;
}

/// Where the SID of an ACE starts, 0 if the type has none or the ACE is too short for it.
inline ULONG ace_sid_position(const ACE_HEADER* ace)
{
    const AceLayout layout = ace_layout(ace->AceType);
    if (layout == AceLayout::mask_sid)
        return ace->AceSize > ace_sid_offset ? ace_sid_offset : 0;
    if (layout == AceLayout::unknown || ace->AceSize < 12)
        return 0;
    const ULONG flags = reinterpret_cast<const ACCESS_ALLOWED_OBJECT_ACE*>(ace)->Flags;
    return 12u + (flags & ACE_OBJECT_TYPE_PRESENT ? 16u : 0u) +
           (flags & ACE_INHERITED_OBJECT_TYPE_PRESENT ? 16u : 0u);
}

/// The SID of an ACE, or null if it has none that is valid and inside the ACE.
inline const SID* ace_sid(const ACE_HEADER* ace)
{
    const ULONG at = ace_sid_position(ace);
    if (at == 0 || at >= ace->AceSize || !valid_sid_size(ace_bytes(ace) + at, ace->AceSize - at))
        return nullptr;
    return reinterpret_cast<const SID*>(ace_bytes(ace) + at);
}

/// The ACEs of an ACL in order; ends early at one that does not fit, so never leaves the ACL.
class Aces
{
  public:
    class Iterator
    {
      public:
        Iterator(const UCHAR* at, const UCHAR* end, ULONG left) : at_(at), end_(end), left_(left) { check(); }
        const ACE_HEADER* operator*() const { return reinterpret_cast<const ACE_HEADER*>(at_); }
        Iterator& operator++()
        {
            at_ += reinterpret_cast<const ACE_HEADER*>(at_)->AceSize;
            --left_;
            check();
            return *this;
        }
        bool operator!=(const Iterator&) const { return left_ != 0; }

      private:
        void check()
        {
            if (left_ == 0)
                return;
            const auto room = static_cast<size_t>(end_ - at_);
            const auto* ace = reinterpret_cast<const ACE_HEADER*>(at_);
            if (room < ace_sid_offset || ace->AceSize < ace_sid_offset || ace->AceSize > room ||
                ace->AceSize % 4)
                left_ = 0;
        }

        const UCHAR* at_;
        const UCHAR* end_;
        ULONG left_;
    };

    explicit Aces(const ACL* acl) : acl_(acl) {}
    Iterator begin() const
    {
        if (!acl_ || acl_->AclSize < sizeof(ACL))
            return end();
        const auto* bytes = reinterpret_cast<const UCHAR*>(acl_);
        return {bytes + sizeof(ACL), bytes + acl_->AclSize, acl_->AceCount};
    }
    Iterator end() const { return {nullptr, nullptr, 0}; }

  private:
    const ACL* acl_;
};

/// Appends ACEs to an ACL; without a buffer only counts, so that a first pass can size the second.
class AclWriter
{
  public:
    AclWriter() = default;
    AclWriter(void* out, ULONG capacity) : out_(static_cast<UCHAR*>(out)), capacity_(capacity) {}

    void add(UCHAR type, UCHAR flags, ACCESS_MASK mask, const SID* sid);
    /// A copy of `ace` with other flags, mask and (where the ACE has one) SID; `sid` null keeps its own.
    void add_copy(const ACE_HEADER* ace, UCHAR flags, ACCESS_MASK mask, const SID* sid);

    /// The size of the ACL, 0 if it is larger than an ACL can be.
    ULONG size() const { return size_ <= 0xFFFC && count_ <= 0xFFFF ? size_ : 0; }
    ULONG count() const { return count_; }
    /// Writes the header and ends the work; false if it did not fit.
    bool finish();

  private:
    UCHAR* reserve(ULONG bytes);

    UCHAR* out_ = nullptr;
    ULONG capacity_ = 0;
    ULONG size_ = sizeof(ACL);
    ULONG count_ = 0;
    UCHAR revision_ = ACL_REVISION;
};

/// Whether the ACL lies within `available` bytes and every ACE in it is well-formed.
bool valid_acl(const ACL* acl, size_t available);

} // namespace fsp::nt
