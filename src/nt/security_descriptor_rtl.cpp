// SPDX-License-Identifier: MIT
//
// RtlXxxSecurityDescriptor, RtlMapGenericMask and relatives.
#include <cstring>

#include "nt/rtl.h"
#include "nt/security_descriptor.h"

namespace {

using fsp::nt::SecurityView;

PISECURITY_DESCRIPTOR absolute_form(PSECURITY_DESCRIPTOR descriptor)
{
    auto* const absolute = static_cast<PISECURITY_DESCRIPTOR>(descriptor);
    return absolute->Control & SE_SELF_RELATIVE ? nullptr : absolute;
}

bool known_revision(PSECURITY_DESCRIPTOR descriptor)
{
    return static_cast<PISECURITY_DESCRIPTOR>(descriptor)->Revision == SECURITY_DESCRIPTOR_REVISION;
}

void set_control(PISECURITY_DESCRIPTOR descriptor, unsigned bits, bool on)
{
    descriptor->Control = static_cast<SECURITY_DESCRIPTOR_CONTROL>(on ? descriptor->Control | bits
                                                                      : descriptor->Control & ~bits);
}

NTSTATUS check_settable(PSECURITY_DESCRIPTOR descriptor)
{
    if (!known_revision(descriptor))
        return STATUS_UNKNOWN_REVISION;
    return absolute_form(descriptor) ? STATUS_SUCCESS : STATUS_INVALID_SECURITY_DESCR;
}

template<class Part> Part* mutable_part(const Part* part) { return const_cast<Part*>(part); }

} // namespace

NTSTATUS NTAPI RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    auto* const descriptor = static_cast<PISECURITY_DESCRIPTOR>(SecurityDescriptor);
    *descriptor = {};
    descriptor->Revision = SECURITY_DESCRIPTOR_REVISION;
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    if (!SecurityDescriptor || !known_revision(SecurityDescriptor))
        return FALSE;
    const SecurityView view = SecurityView::of(SecurityDescriptor);
    if (view.owner && !fsp::nt::valid_sid_size(view.owner, SECURITY_MAX_SID_SIZE))
        return FALSE;
    if (view.group && !fsp::nt::valid_sid_size(view.group, SECURITY_MAX_SID_SIZE))
        return FALSE;
    return (!view.dacl || fsp::nt::valid_acl(view.dacl, view.dacl->AclSize)) &&
           (!view.sacl || fsp::nt::valid_acl(view.sacl, view.sacl->AclSize));
}

BOOLEAN NTAPI RtlValidRelativeSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptorInput,
                                                 ULONG SecurityDescriptorLength,
                                                 SECURITY_INFORMATION RequiredInformation)
{
    if (!fsp::nt::valid_relative_size(SecurityDescriptorInput, SecurityDescriptorLength))
        return FALSE;
    const auto* header = static_cast<const SECURITY_DESCRIPTOR_RELATIVE*>(SecurityDescriptorInput);
    if (RequiredInformation & OWNER_SECURITY_INFORMATION && !header->Owner)
        return FALSE;
    if (RequiredInformation & GROUP_SECURITY_INFORMATION && !header->Group)
        return FALSE;
    if (RequiredInformation & DACL_SECURITY_INFORMATION && !(header->Control & SE_DACL_PRESENT))
        return FALSE;
    return !(RequiredInformation & SACL_SECURITY_INFORMATION) || header->Control & SE_SACL_PRESENT;
}

ULONG NTAPI RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    const SecurityView view = SecurityView::of(SecurityDescriptor);
    const ULONG parts = view.relative_size() - static_cast<ULONG>(sizeof(SECURITY_DESCRIPTOR_RELATIVE));
    return parts + static_cast<ULONG>(view.control & SE_SELF_RELATIVE ? sizeof(SECURITY_DESCRIPTOR_RELATIVE)
                                                                      : sizeof(SECURITY_DESCRIPTOR));
}

NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                               PSECURITY_DESCRIPTOR_CONTROL Control, PULONG Revision)
{
    const auto* descriptor = static_cast<PISECURITY_DESCRIPTOR>(SecurityDescriptor);
    *Revision = descriptor->Revision;
    if (!known_revision(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    *Control = descriptor->Control;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetControlSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor,
                                               SECURITY_DESCRIPTOR_CONTROL ControlBitsOfInterest,
                                               SECURITY_DESCRIPTOR_CONTROL ControlBitsToSet)
{
    constexpr unsigned settable = SE_DACL_UNTRUSTED | SE_SERVER_SECURITY | SE_DACL_AUTO_INHERIT_REQ |
                                  SE_SACL_AUTO_INHERIT_REQ | SE_DACL_AUTO_INHERITED | SE_SACL_AUTO_INHERITED |
                                  SE_DACL_PROTECTED | SE_SACL_PROTECTED;
    if (ControlBitsOfInterest & ~settable || ControlBitsToSet & ~ControlBitsOfInterest)
        return STATUS_INVALID_PARAMETER;
    auto* const descriptor = static_cast<PISECURITY_DESCRIPTOR>(SecurityDescriptor);
    set_control(descriptor, ControlBitsOfInterest, false);
    set_control(descriptor, ControlBitsToSet, true);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID* Owner,
                                             PBOOLEAN OwnerDefaulted)
{
    if (!known_revision(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    const SecurityView view = SecurityView::of(SecurityDescriptor);
    *Owner = mutable_part(view.owner);
    *OwnerDefaulted = (view.control & SE_OWNER_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner,
                                             BOOLEAN OwnerDefaulted)
{
    const NTSTATUS status = check_settable(SecurityDescriptor);
    if (!NT_SUCCESS(status))
        return status;
    auto* const descriptor = absolute_form(SecurityDescriptor);
    descriptor->Owner = Owner;
    set_control(descriptor, SE_OWNER_DEFAULTED, OwnerDefaulted);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID* Group,
                                             PBOOLEAN GroupDefaulted)
{
    if (!known_revision(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    const SecurityView view = SecurityView::of(SecurityDescriptor);
    *Group = mutable_part(view.group);
    *GroupDefaulted = (view.control & SE_GROUP_DEFAULTED) != 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group,
                                             BOOLEAN GroupDefaulted)
{
    const NTSTATUS status = check_settable(SecurityDescriptor);
    if (!NT_SUCCESS(status))
        return status;
    auto* const descriptor = absolute_form(SecurityDescriptor);
    descriptor->Group = Group;
    set_control(descriptor, SE_GROUP_DEFAULTED, GroupDefaulted);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN DaclPresent,
                                            PACL* Dacl, PBOOLEAN DaclDefaulted)
{
    if (!known_revision(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    const SecurityView view = SecurityView::of(SecurityDescriptor);
    *DaclPresent = view.dacl_present();
    if (*DaclPresent) {
        *Dacl = mutable_part(view.dacl);
        *DaclDefaulted = (view.control & SE_DACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent,
                                            PACL Dacl, BOOLEAN DaclDefaulted)
{
    const NTSTATUS status = check_settable(SecurityDescriptor);
    if (!NT_SUCCESS(status))
        return status;
    auto* const descriptor = absolute_form(SecurityDescriptor);
    set_control(descriptor, SE_DACL_PRESENT, DaclPresent);
    descriptor->Dacl = DaclPresent ? Dacl : nullptr;
    set_control(descriptor, SE_DACL_DEFAULTED, DaclPresent && DaclDefaulted);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN SaclPresent,
                                            PACL* Sacl, PBOOLEAN SaclDefaulted)
{
    if (!known_revision(SecurityDescriptor))
        return STATUS_UNKNOWN_REVISION;
    const SecurityView view = SecurityView::of(SecurityDescriptor);
    *SaclPresent = view.sacl_present();
    if (*SaclPresent) {
        *Sacl = mutable_part(view.sacl);
        *SaclDefaulted = (view.control & SE_SACL_DEFAULTED) != 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetSaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN SaclPresent,
                                            PACL Sacl, BOOLEAN SaclDefaulted)
{
    const NTSTATUS status = check_settable(SecurityDescriptor);
    if (!NT_SUCCESS(status))
        return status;
    auto* const descriptor = absolute_form(SecurityDescriptor);
    set_control(descriptor, SE_SACL_PRESENT, SaclPresent);
    descriptor->Sacl = SaclPresent ? Sacl : nullptr;
    set_control(descriptor, SE_SACL_DEFAULTED, SaclPresent && SaclDefaulted);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAbsoluteToSelfRelativeSD(PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                           PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                           PULONG BufferLength)
{
    if (!absolute_form(AbsoluteSecurityDescriptor))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    const SecurityView view = SecurityView::of(AbsoluteSecurityDescriptor);
    const ULONG needed = view.relative_size();
    const ULONG available = *BufferLength;
    *BufferLength = needed;
    if (needed > available)
        return STATUS_BUFFER_TOO_SMALL;
    view.write(SelfRelativeSecurityDescriptor);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSelfRelativeToAbsoluteSD(PSECURITY_DESCRIPTOR SelfRelativeSecurityDescriptor,
                                           PSECURITY_DESCRIPTOR AbsoluteSecurityDescriptor,
                                           PULONG AbsoluteSecurityDescriptorSize, PACL Dacl, PULONG DaclSize,
                                           PACL Sacl, PULONG SaclSize, PSID Owner, PULONG OwnerSize,
                                           PSID PrimaryGroup, PULONG PrimaryGroupSize)
{
    if (absolute_form(SelfRelativeSecurityDescriptor))
        return STATUS_BAD_DESCRIPTOR_FORMAT;
    const SecurityView view = SecurityView::of(SelfRelativeSecurityDescriptor);

    bool fits = true;
    const auto demand = [&fits](PULONG size, size_t needed) {
        fits = fits && needed <= *size;
        *size = static_cast<ULONG>(needed);
    };
    demand(AbsoluteSecurityDescriptorSize, sizeof(SECURITY_DESCRIPTOR));
    demand(DaclSize, view.dacl ? view.dacl->AclSize : 0);
    demand(SaclSize, view.sacl ? view.sacl->AclSize : 0);
    demand(OwnerSize, view.owner ? fsp::nt::sid_length(view.owner) : 0);
    demand(PrimaryGroupSize, view.group ? fsp::nt::sid_length(view.group) : 0);
    if (!fits)
        return STATUS_BUFFER_TOO_SMALL;

    const auto place = [](void* to, const void* part, ULONG size) {
        return part ? std::memcpy(to, part, size) : nullptr;
    };
    auto* const out = static_cast<PISECURITY_DESCRIPTOR>(AbsoluteSecurityDescriptor);
    *out = {};
    out->Revision = SECURITY_DESCRIPTOR_REVISION;
    out->Control = static_cast<SECURITY_DESCRIPTOR_CONTROL>(view.control & ~SE_SELF_RELATIVE);
    out->Dacl = static_cast<PACL>(place(Dacl, view.dacl, *DaclSize));
    out->Sacl = static_cast<PACL>(place(Sacl, view.sacl, *SaclSize));
    out->Owner = place(Owner, view.owner, *OwnerSize);
    out->Group = place(PrimaryGroup, view.group, *PrimaryGroupSize);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlMapGenericMask(PACCESS_MASK AccessMask, const GENERIC_MAPPING* GenericMapping)
{
    ACCESS_MASK mask = *AccessMask;
    if (mask & GENERIC_READ)
        mask |= GenericMapping->GenericRead;
    if (mask & GENERIC_WRITE)
        mask |= GenericMapping->GenericWrite;
    if (mask & GENERIC_EXECUTE)
        mask |= GenericMapping->GenericExecute;
    if (mask & GENERIC_ALL)
        mask |= GenericMapping->GenericAll;
    *AccessMask = mask & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK GrantedAccess, ACCESS_MASK DesiredAccess)
{
    return (DesiredAccess & ~GrantedAccess) == 0;
}

BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK GrantedAccess, ACCESS_MASK DesiredAccess)
{
    return (DesiredAccess & GrantedAccess) != 0;
}
