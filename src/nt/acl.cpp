// SPDX-License-Identifier: MIT
#include "nt/acl.h"

#include <cstring>

#include "nt/rtl.h"

namespace fsp::nt {

UCHAR* AclWriter::reserve(ULONG bytes)
{
    // Far beyond any ACL, before the sum could wrap: count no further.
    if (size_ > 0x100000)
        return nullptr;
    UCHAR* const at = out_ && size_ + bytes <= capacity_ ? out_ + size_ : nullptr;
    size_ += bytes;
    ++count_;
    return at;
}

void AclWriter::add(UCHAR type, UCHAR flags, ACCESS_MASK mask, const SID* sid)
{
    const ULONG size = ace_sid_offset + sid_length(sid);
    if (UCHAR* const at = reserve(size)) {
        auto* ace = reinterpret_cast<ACCESS_ALLOWED_ACE*>(at);
        ace->Header = {type, flags, static_cast<USHORT>(size)};
        ace->Mask = mask;
        std::memcpy(at + ace_sid_offset, sid, sid_length(sid));
    }
}

void AclWriter::add_copy(const ACE_HEADER* ace, UCHAR flags, ACCESS_MASK mask, const SID* sid)
{
    if (ace_layout(ace->AceType) == AceLayout::object)
        revision_ = ACL_REVISION_DS;
    const SID* const own = ace_sid(ace);
    const ULONG head =
        own ? static_cast<ULONG>(reinterpret_cast<const UCHAR*>(own) - ace_bytes(ace)) : ace->AceSize;
    if (!own)
        sid = nullptr;
    else if (!sid)
        sid = own;
    const ULONG tail_at = own ? head + sid_length(own) : head;
    const ULONG tail = ace->AceSize - tail_at;
    const ULONG size = head + (sid ? sid_length(sid) : 0) + tail;

    if (UCHAR* const at = reserve(size)) {
        std::memcpy(at, ace, head);
        if (sid)
            std::memcpy(at + head, sid, sid_length(sid));
        if (tail)
            std::memcpy(at + size - tail, ace_bytes(ace) + tail_at, tail);
        auto* copy = reinterpret_cast<ACCESS_ALLOWED_ACE*>(at);
        copy->Header.AceFlags = flags;
        copy->Header.AceSize = static_cast<USHORT>(size);
        copy->Mask = mask;
    }
}

bool AclWriter::finish()
{
    if (!out_ || size() == 0 || size_ > capacity_)
        return false;
    const ACL header{revision_, 0, static_cast<USHORT>(size_), static_cast<USHORT>(count_), 0};
    std::memcpy(out_, &header, sizeof header);
    return true;
}

bool valid_acl(const ACL* acl, size_t available)
{
    if (available < sizeof(ACL) || acl->AclRevision < MIN_ACL_REVISION ||
        acl->AclRevision > MAX_ACL_REVISION || acl->AclSize < sizeof(ACL) || acl->AclSize > available)
        return false;
    ULONG count = 0;
    for (const ACE_HEADER* ace : Aces(acl)) {
        if (ace_layout(ace->AceType) != AceLayout::unknown && !ace_sid(ace))
            return false;
        ++count;
    }
    return count == acl->AceCount;
}

namespace {

/// First byte after the last ACE; null if an ACE does not fit.
UCHAR* first_free(PACL acl)
{
    if (acl->AclSize < sizeof(ACL))
        return nullptr;
    UCHAR* at = reinterpret_cast<UCHAR*>(acl) + sizeof(ACL);
    ULONG count = 0;
    for (const ACE_HEADER* ace : Aces(acl)) {
        at += ace->AceSize;
        ++count;
    }
    return count == acl->AceCount ? at : nullptr;
}

NTSTATUS add_ace(PACL acl, ULONG revision, UCHAR type, ULONG flags, ACCESS_MASK mask, PSID sid)
{
    if (!RtlValidSid(sid))
        return STATUS_INVALID_SID;
    if (revision > MAX_ACL_REVISION || acl->AclRevision > MAX_ACL_REVISION)
        return STATUS_REVISION_MISMATCH;
    if (flags & ~ULONG{VALID_INHERIT_FLAGS | SUCCESSFUL_ACCESS_ACE_FLAG | FAILED_ACCESS_ACE_FLAG})
        return STATUS_INVALID_PARAMETER;
    UCHAR* const at = first_free(acl);
    if (!at)
        return STATUS_INVALID_ACL;
    const ULONG size = ace_sid_offset + RtlLengthSid(sid);
    if (size > static_cast<size_t>(reinterpret_cast<UCHAR*>(acl) + acl->AclSize - at) ||
        acl->AceCount == MAXUSHORT)
        return STATUS_ALLOTTED_SPACE_EXCEEDED;

    auto* ace = reinterpret_cast<ACCESS_ALLOWED_ACE*>(at);
    ace->Header = {type, static_cast<UCHAR>(flags), static_cast<USHORT>(size)};
    ace->Mask = mask;
    std::memcpy(at + ace_sid_offset, sid, size - ace_sid_offset);
    ++acl->AceCount;
    if (revision > acl->AclRevision)
        acl->AclRevision = static_cast<UCHAR>(revision);
    return STATUS_SUCCESS;
}

} // namespace

} // namespace fsp::nt

NTSTATUS NTAPI RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision)
{
    if (AclLength < sizeof(ACL))
        return STATUS_BUFFER_TOO_SMALL;
    if (AclRevision < MIN_ACL_REVISION || AclRevision > MAX_ACL_REVISION || AclLength > MAXUSHORT)
        return STATUS_INVALID_PARAMETER;
    *Acl = {static_cast<UCHAR>(AclRevision), 0, static_cast<USHORT>(AclLength & ~3u), 0, 0};
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlValidAcl(PACL Acl) { return Acl && fsp::nt::valid_acl(Acl, Acl->AclSize); }

NTSTATUS NTAPI RtlAddAce(PACL Acl, ULONG AceRevision, ULONG StartingAceIndex, PVOID AceList,
                         ULONG AceListLength)
{
    if (!RtlValidAcl(Acl))
        return STATUS_INVALID_PARAMETER;
    if (AceRevision > MAX_ACL_REVISION)
        return STATUS_REVISION_MISMATCH;

    // The list must be whole ACEs.
    ULONG new_count = 0;
    auto* const list = static_cast<UCHAR*>(AceList);
    for (ULONG at = 0; at < AceListLength; ++new_count) {
        if (AceListLength - at < sizeof(ACE_HEADER))
            return STATUS_INVALID_PARAMETER;
        const USHORT size = reinterpret_cast<ACE_HEADER*>(list + at)->AceSize;
        if (size < fsp::nt::ace_sid_offset || size % 4 || size > AceListLength - at)
            return STATUS_INVALID_PARAMETER;
        at += size;
    }

    UCHAR* const end = fsp::nt::first_free(Acl);
    const auto room = static_cast<size_t>(reinterpret_cast<UCHAR*>(Acl) + Acl->AclSize - end);
    if (AceListLength > room || new_count + Acl->AceCount > MAXUSHORT)
        return STATUS_BUFFER_TOO_SMALL;

    UCHAR* position = end;
    ULONG index = 0;
    for (const ACE_HEADER* ace : fsp::nt::Aces(Acl)) {
        if (index++ == StartingAceIndex)
            position = reinterpret_cast<UCHAR*>(const_cast<ACE_HEADER*>(ace));
    }
    std::memmove(position + AceListLength, position, static_cast<size_t>(end - position));
    std::memcpy(position, list, AceListLength);
    Acl->AceCount = static_cast<USHORT>(Acl->AceCount + new_count);
    if (AceRevision > Acl->AclRevision)
        Acl->AclRevision = static_cast<UCHAR>(AceRevision);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDeleteAce(PACL Acl, ULONG AceIndex)
{
    PVOID ace;
    if (!RtlValidAcl(Acl) || !NT_SUCCESS(RtlGetAce(Acl, AceIndex, &ace)))
        return STATUS_INVALID_PARAMETER;
    UCHAR* const end = fsp::nt::first_free(Acl);
    auto* const at = static_cast<UCHAR*>(ace);
    const ULONG size = static_cast<ACE_HEADER*>(ace)->AceSize;
    std::memmove(at, at + size, static_cast<size_t>(end - at) - size);
    std::memset(end - size, 0, size);
    --Acl->AceCount;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetAce(PACL Acl, ULONG AceIndex, PVOID* Ace)
{
    if (!Acl || AceIndex >= Acl->AceCount)
        return STATUS_INVALID_PARAMETER;
    ULONG index = 0;
    for (const ACE_HEADER* ace : fsp::nt::Aces(Acl)) {
        if (index++ == AceIndex) {
            *Ace = const_cast<ACE_HEADER*>(ace);
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER;
}

BOOLEAN NTAPI RtlFirstFreeAce(PACL Acl, PVOID* FirstFree)
{
    UCHAR* const at = fsp::nt::first_free(Acl);
    if (!at)
        return FALSE;
    *FirstFree = at < reinterpret_cast<UCHAR*>(Acl) + Acl->AclSize ? at : nullptr;
    return TRUE;
}

NTSTATUS NTAPI RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return fsp::nt::add_ace(Acl, AceRevision, ACCESS_ALLOWED_ACE_TYPE, 0, AccessMask, Sid);
}

NTSTATUS NTAPI RtlAddAccessAllowedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
                                        PSID Sid)
{
    return fsp::nt::add_ace(Acl, AceRevision, ACCESS_ALLOWED_ACE_TYPE, AceFlags, AccessMask, Sid);
}

NTSTATUS NTAPI RtlAddAccessDeniedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid)
{
    return fsp::nt::add_ace(Acl, AceRevision, ACCESS_DENIED_ACE_TYPE, 0, AccessMask, Sid);
}

NTSTATUS NTAPI RtlAddAccessDeniedAceEx(PACL Acl, ULONG AceRevision, ULONG AceFlags, ACCESS_MASK AccessMask,
                                       PSID Sid)
{
    return fsp::nt::add_ace(Acl, AceRevision, ACCESS_DENIED_ACE_TYPE, AceFlags, AccessMask, Sid);
}

NTSTATUS NTAPI RtlAddMandatoryAce(PACL Acl, ULONG AceRevision, ULONG AceFlags, PSID Sid, UCHAR AceType,
                                  ACCESS_MASK AccessMask)
{
    if (AceType != SYSTEM_MANDATORY_LABEL_ACE_TYPE ||
        AccessMask & ~ACCESS_MASK{SYSTEM_MANDATORY_LABEL_NO_WRITE_UP | SYSTEM_MANDATORY_LABEL_NO_READ_UP |
                                  SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP})
        return STATUS_INVALID_PARAMETER;
    return fsp::nt::add_ace(Acl, AceRevision, AceType, AceFlags, AccessMask, Sid);
}
