// SPDX-License-Identifier: MIT
#include "dll/fuse/security.h"

#include "nt/rtl.h"

namespace fsp::winfuse {
namespace {

/// A descriptor, and the function that made it.
template<auto Maker> class Descriptor
{
  public:
    Descriptor() = default;
    Descriptor(const Descriptor&) = delete;
    ~Descriptor()
    {
        // By way of a type that fits all functions, so that no compiler suspects a mistake.
        FspDeleteSecurityDescriptor(descriptor_,
                                    reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(Maker)));
    }

    PSECURITY_DESCRIPTOR get() const { return descriptor_; }
    PSECURITY_DESCRIPTOR* receive() { return &descriptor_; }

  private:
    PSECURITY_DESCRIPTOR descriptor_ = nullptr;
};
using OwnDescriptor = Descriptor<FspPosixMergePermissionsToSecurityDescriptor>;

NTSTATUS make(const fuse& f, const Information& information, OwnDescriptor* out)
{
    const PSECURITY_DESCRIPTOR of_all =
        f.options.has_security ? const_cast<UINT8*>(f.options.security) : nullptr;
    return FspPosixMergePermissionsToSecurityDescriptor(information.uid, information.gid, information.mode,
                                                        of_all, out->receive());
}

/// Who may write data may write extended attributes; who may not, may neither.
void add_write_ea_access(PSECURITY_DESCRIPTOR descriptor)
{
    BOOLEAN present = FALSE, defaulted = FALSE;
    PACL acl = nullptr;
    if (!NT_SUCCESS(RtlGetDaclSecurityDescriptor(descriptor, &present, &acl, &defaulted)) || acl == nullptr)
        return;
    for (ULONG i = 0; i != acl->AceCount; ++i) {
        PVOID entry;
        if (!NT_SUCCESS(RtlGetAce(acl, i, &entry)))
            return;
        // Allowed and denied entries have the same layout.
        auto& ace = *static_cast<ACCESS_ALLOWED_ACE*>(entry);
        const bool plain =
            ace.Header.AceType == ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceType == ACCESS_DENIED_ACE_TYPE;
        if (plain && (ace.Mask & FILE_WRITE_DATA) != 0)
            ace.Mask |= FILE_WRITE_EA;
    }
}

} // namespace

NTSTATUS get_descriptor(const fuse& f, const Information& information, PSECURITY_DESCRIPTOR out, SIZE_T* size)
{
    OwnDescriptor made;
    const NTSTATUS status = make(f, information, &made);
    if (!NT_SUCCESS(status))
        return status;
    if (f.options.add_write_ea_access != 0)
        add_write_ea_access(made.get());
    const SIZE_T needed = RtlLengthSecurityDescriptor(made.get());
    const bool fits = needed <= *size;
    if (fits && out != nullptr)
        std::memcpy(out, made.get(), needed);
    *size = needed;
    return fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS apply_change(const fuse& f, const Information& information, SECURITY_INFORMATION what,
                      PSECURITY_DESCRIPTOR change, Permissions* out)
{
    OwnDescriptor before;
    Descriptor<FspSetSecurityDescriptor> after;
    NTSTATUS status = make(f, information, &before);
    if (NT_SUCCESS(status))
        status = FspSetSecurityDescriptor(before.get(), what, change, after.receive());
    return NT_SUCCESS(status)
               ? FspPosixMapSecurityDescriptorToPermissions(after.get(), &out->uid, &out->gid, &out->mode)
               : status;
}

} // namespace fsp::winfuse
