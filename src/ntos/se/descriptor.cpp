// SPDX-License-Identifier: MIT
/// @file Security descriptors of objects: made for new ones, read, changed. All in pool memory.
#include "nt/object_security.h"
#include "nt/security_descriptor.h"
#include "ntos/mm/guarded_copy.h"
#include "ntos/mm/probe.h"
#include "ntos/se/capture.h"
#include "ntos/se/token.h"
#include "ntos/verifier.h"

#include <cstddef>
#include <cstring>

namespace {

using namespace fsp;
using namespace fsp::ntos;

constexpr ULONG descriptor_tag = 0x64536553;

/// Moves a descriptor of the run-time library into pool memory.
NTSTATUS to_pool(void* descriptor, POOL_TYPE pool, PSECURITY_DESCRIPTOR* out)
{
    const ULONG size = RtlLengthSecurityDescriptor(descriptor);
    *out = ExAllocatePoolWithTag(pool, size, descriptor_tag);
    if (*out != nullptr)
        std::memcpy(*out, descriptor, size);
    nt::free_descriptor(descriptor);
    return *out != nullptr ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/// Reads memory of a caller's, which may be anywhere. @return false if it cannot be read
bool read_from(const void* from, void* to, size_t size)
{
    return mm::is_user_range(from, size) && mm::try_copy(to, from, size);
}

/// The four parts of a caller's descriptor. Every length is read once, and what is copied is as long as that.
class Parts
{
  public:
    /// @param[out] header revision and control of the descriptor
    bool find(const void* descriptor, SECURITY_DESCRIPTOR_RELATIVE* header)
    {
        if (!read_from(descriptor, header, sizeof *header))
            return false;
        const void* at[4]{};
        if (header->Control & SE_SELF_RELATIVE) {
            const ULONG offsets[] = {header->Sacl, header->Dacl, header->Owner, header->Group};
            for (int i = 0; i < 4; ++i)
                at[i] = offsets[i] != 0 ? static_cast<const UCHAR*>(descriptor) + offsets[i] : nullptr;
        } else {
            SECURITY_DESCRIPTOR absolute;
            if (!read_from(descriptor, &absolute, sizeof absolute))
                return false;
            at[0] = absolute.Sacl, at[1] = absolute.Dacl, at[2] = absolute.Owner, at[3] = absolute.Group;
        }
        if ((header->Control & SE_SACL_PRESENT) == 0)
            at[0] = nullptr;
        if ((header->Control & SE_DACL_PRESENT) == 0)
            at[1] = nullptr;
        for (int i = 0; i < 4; ++i)
            if (at[i] != nullptr && !measure(at[i], i < 2, &parts_[i]))
                return false;
        return true;
    }

    ULONG relative_size() const
    {
        ULONG size = sizeof(SECURITY_DESCRIPTOR_RELATIVE);
        for (const Part& part : parts_)
            size += aligned(part.size);
        return size;
    }

    /// @param out relative_size() bytes
    bool copy(SECURITY_DESCRIPTOR_RELATIVE header, UCHAR* out) const
    {
        std::memset(out, 0, relative_size());
        ULONG offsets[4]{};
        ULONG at = sizeof header;
        for (int i = 0; i < 4; ++i) {
            const Part& part = parts_[i];
            if (part.size == 0)
                continue;
            if (!read_from(part.from, out + at, part.size))
                return false;
            if (i < 2)
                reinterpret_cast<PACL>(out + at)->AclSize = static_cast<USHORT>(part.size);
            else
                out[at + offsetof(SID, SubAuthorityCount)] =
                    static_cast<UCHAR>((part.size - offsetof(SID, SubAuthority)) / sizeof(ULONG));
            offsets[i] = at;
            at += aligned(part.size);
        }
        header.Control |= SE_SELF_RELATIVE;
        header.Sacl = offsets[0], header.Dacl = offsets[1], header.Owner = offsets[2],
        header.Group = offsets[3];
        std::memcpy(out, &header, sizeof header);
        return true;
    }

  private:
    struct Part
    {
        const void* from = nullptr;
        ULONG size = 0;
    };

    static ULONG aligned(ULONG size) { return (size + 3) & ~3u; }

    static bool measure(const void* from, bool acl, Part* part)
    {
        ACL header; // as long as the fixed part of a SID
        if (!read_from(from, &header, sizeof header))
            return false;
        const ULONG count = reinterpret_cast<const UCHAR*>(&header)[offsetof(SID, SubAuthorityCount)];
        const ULONG sid_size = offsetof(SID, SubAuthority) + count * ULONG{sizeof(ULONG)};
        *part = {from, acl ? header.AclSize : sid_size};
        return !acl || header.AclSize >= sizeof header;
    }

    Part parts_[4]; // SACL, DACL, owner, group: Windows' own order
};

} // namespace

namespace fsp::ntos::se {

NTSTATUS capture_descriptor(PSECURITY_DESCRIPTOR original, PSECURITY_DESCRIPTOR* captured)
{
    *captured = nullptr;
    Parts parts;
    SECURITY_DESCRIPTOR_RELATIVE header{};
    if (!parts.find(original, &header))
        return STATUS_INVALID_SECURITY_DESCR;
    auto* const copy =
        static_cast<UCHAR*>(ExAllocatePoolWithTag(PagedPool, parts.relative_size(), descriptor_tag));
    if (copy == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    // What is checked is the copy: the original may be changing.
    if (!parts.copy(header, copy) || nt::valid_relative_size(copy, parts.relative_size()) == 0) {
        ExFreePool(copy);
        return STATUS_INVALID_SECURITY_DESCR;
    }
    *captured = copy;
    return STATUS_SUCCESS;
}

} // namespace fsp::ntos::se

extern "C" {

NTSTATUS NTAPI SeAssignSecurityEx(PSECURITY_DESCRIPTOR ParentDescriptor,
                                  PSECURITY_DESCRIPTOR ExplicitDescriptor,
                                  PSECURITY_DESCRIPTOR* NewDescriptor, GUID*, BOOLEAN IsDirectoryObject,
                                  ULONG AutoInheritFlags, PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                  PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    void* made = nullptr;
    *NewDescriptor = nullptr;
    const NTSTATUS status = nt::create_object_security(
        ParentDescriptor, ExplicitDescriptor, IsDirectoryObject != FALSE, AutoInheritFlags,
        se::token_of(se::effective(*SubjectContext)).view, *GenericMapping, &made);
    return NT_SUCCESS(status) ? to_pool(made, PoolType, NewDescriptor) : status;
}

NTSTATUS NTAPI SeAssignSecurity(PSECURITY_DESCRIPTOR ParentDescriptor,
                                PSECURITY_DESCRIPTOR ExplicitDescriptor, PSECURITY_DESCRIPTOR* NewDescriptor,
                                BOOLEAN IsDirectoryObject, PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                PGENERIC_MAPPING GenericMapping, POOL_TYPE PoolType)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return SeAssignSecurityEx(ParentDescriptor, ExplicitDescriptor, NewDescriptor, nullptr, IsDirectoryObject,
                              0, SubjectContext, GenericMapping, PoolType);
}

NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR* SecurityDescriptor)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (*SecurityDescriptor != nullptr)
        ExFreePool(*SecurityDescriptor);
    *SecurityDescriptor = nullptr;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI SeSetSecurityDescriptorInfoEx(PVOID, PSECURITY_INFORMATION SecurityInformation,
                                             PSECURITY_DESCRIPTOR ModificationDescriptor,
                                             PSECURITY_DESCRIPTOR* ObjectsSecurityDescriptor,
                                             ULONG AutoInheritFlags, POOL_TYPE PoolType,
                                             PGENERIC_MAPPING GenericMapping)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (*ObjectsSecurityDescriptor == nullptr)
        return STATUS_NO_SECURITY_ON_OBJECT;
    void* made = nullptr;
    const NTSTATUS status =
        nt::set_object_security(*SecurityInformation, ModificationDescriptor, *ObjectsSecurityDescriptor,
                                AutoInheritFlags, nullptr, *GenericMapping, &made);
    // The old descriptor stays the caller's.
    return NT_SUCCESS(status) ? to_pool(made, PoolType, ObjectsSecurityDescriptor) : status;
}

NTSTATUS NTAPI SeSetSecurityDescriptorInfo(PVOID Object, PSECURITY_INFORMATION SecurityInformation,
                                           PSECURITY_DESCRIPTOR ModificationDescriptor,
                                           PSECURITY_DESCRIPTOR* ObjectsSecurityDescriptor,
                                           POOL_TYPE PoolType, PGENERIC_MAPPING GenericMapping)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return SeSetSecurityDescriptorInfoEx(Object, SecurityInformation, ModificationDescriptor,
                                         ObjectsSecurityDescriptor, 0, PoolType, GenericMapping);
}

NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
                                             PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length,
                                             PSECURITY_DESCRIPTOR* ObjectsSecurityDescriptor)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (*ObjectsSecurityDescriptor == nullptr) {
        // What an object without one shows: an empty descriptor.
        if (*Length < sizeof(SECURITY_DESCRIPTOR_RELATIVE)) {
            *Length = sizeof(SECURITY_DESCRIPTOR_RELATIVE);
            return STATUS_BUFFER_TOO_SMALL;
        }
        const SECURITY_DESCRIPTOR_RELATIVE empty{
            SECURITY_DESCRIPTOR_REVISION, 0, SE_SELF_RELATIVE, 0, 0, 0, 0};
        std::memcpy(SecurityDescriptor, &empty, sizeof empty);
        *Length = sizeof empty;
        return STATUS_SUCCESS;
    }
    return nt::query_security(*SecurityInformation, *ObjectsSecurityDescriptor, SecurityDescriptor, Length);
}

BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return nt::valid_relative_size(SecurityDescriptor, Length) != 0;
}

} // extern "C"
