// SPDX-License-Identifier: MIT
/// @file Security descriptors of objects: made for new ones, read, changed. All in pool memory.
#include "nt/object_security.h"
#include "nt/security_descriptor.h"
#include "ntos/se/capture.h"
#include "ntos/se/token.h"

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

} // namespace

namespace fsp::ntos::se {

NTSTATUS capture_descriptor(PSECURITY_DESCRIPTOR original, PSECURITY_DESCRIPTOR* captured)
{
    *captured = nullptr;
    if (!RtlValidSecurityDescriptor(original))
        return STATUS_INVALID_SECURITY_DESCR;
    const nt::SecurityView view = nt::SecurityView::of(original);
    const ULONG size = view.relative_size();
    if (size == 0)
        return STATUS_INVALID_SECURITY_DESCR;
    *captured = ExAllocatePoolWithTag(PagedPool, size, descriptor_tag);
    if (*captured == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    view.write(*captured);
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
    return SeAssignSecurityEx(ParentDescriptor, ExplicitDescriptor, NewDescriptor, nullptr, IsDirectoryObject,
                              0, SubjectContext, GenericMapping, PoolType);
}

NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR* SecurityDescriptor)
{
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
    return SeSetSecurityDescriptorInfoEx(Object, SecurityInformation, ModificationDescriptor,
                                         ObjectsSecurityDescriptor, 0, PoolType, GenericMapping);
}

NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION SecurityInformation,
                                             PSECURITY_DESCRIPTOR SecurityDescriptor, PULONG Length,
                                             PSECURITY_DESCRIPTOR* ObjectsSecurityDescriptor)
{
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
    return nt::valid_relative_size(SecurityDescriptor, Length) != 0;
}

} // extern "C"
