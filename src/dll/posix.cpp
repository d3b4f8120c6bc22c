// SPDX-License-Identifier: MIT
//
// POSIX identities, permissions and paths for file systems that think in them.
#include <cstdlib>

#include "dll/function_tag.h"
#include "nt/posix_map.h"
#include "nt/rtl.h"

namespace {

namespace posix = fsp::nt::posix;

/// Nobody's SID is one for all, so it is never freed.
PSID shared_unmapped_sid() { return fsp::nt::sids::unmapped.psid(); }

/// Where an identity goes. A caller marks it as optional by the low bit of the pointer: then a missing owner
/// leaves what is there.
struct IdOut
{
    explicit IdOut(PUINT32 marked)
        : optional((reinterpret_cast<UINT_PTR>(marked) & 1) != 0),
          value(reinterpret_cast<PUINT32>(reinterpret_cast<UINT_PTR>(marked) & ~UINT_PTR{1}))
    {}

    bool optional;
    PUINT32 value;
};

} // namespace

NTSTATUS FspPosixSetUidMap(UINT32 Uid[], PSID Sid[], ULONG Count)
{
    for (ULONG i = 0; i < Count && i < posix::max_overrides; ++i)
        if (!RtlValidSid(Sid[i]))
            return STATUS_INVALID_SID;
    posix::set_id_overrides(Uid, Sid, Count < posix::max_overrides ? Count : posix::max_overrides);
    return STATUS_SUCCESS;
}

NTSTATUS FspPosixMapUidToSid(UINT32 Uid, PSID* PSid)
{
    const fsp::nt::SidBuffer sid = posix::public_sid_of_id(Uid);
    *PSid = shared_unmapped_sid();
    if (fsp::nt::equal_sid(sid.get(), fsp::nt::sids::unmapped))
        return STATUS_SUCCESS;
    void* const copy = std::malloc(sid.size());
    if (copy == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    *PSid = std::memcpy(copy, sid.get(), sid.size());
    return STATUS_SUCCESS;
}

NTSTATUS FspPosixMapSidToUid(PSID Sid, PUINT32 PUid)
{
    *PUid = posix::invalid_id;
    if (!RtlValidSid(Sid) || *RtlSubAuthorityCountSid(Sid) == 0)
        return STATUS_INVALID_SID;
    *PUid = posix::id_of_sid(static_cast<const SID*>(Sid));
    return STATUS_SUCCESS;
}

VOID FspDeleteSid(PSID Sid, NTSTATUS (*CreateFunc)())
{
    if (fsp::dll::is_tag(CreateFunc, FspPosixMapUidToSid) && Sid != shared_unmapped_sid())
        std::free(Sid);
}

NTSTATUS FspPosixMapPermissionsToSecurityDescriptor(UINT32 Uid, UINT32 Gid, UINT32 Mode,
                                                    PSECURITY_DESCRIPTOR* PSecurityDescriptor)
{
    return FspPosixMergePermissionsToSecurityDescriptor(Uid, Gid, Mode, nullptr, PSecurityDescriptor);
}

NTSTATUS FspPosixMergePermissionsToSecurityDescriptor(UINT32 Uid, UINT32 Gid, UINT32 Mode,
                                                      PSECURITY_DESCRIPTOR ExistingSecurityDescriptor,
                                                      PSECURITY_DESCRIPTOR* PSecurityDescriptor)
{
    *PSecurityDescriptor = nullptr;
    if (ExistingSecurityDescriptor != nullptr && !RtlValidSecurityDescriptor(ExistingSecurityDescriptor))
        return STATUS_INVALID_SECURITY_DESCR;
    *PSecurityDescriptor = posix::merge_permissions(Uid, Gid, Mode, ExistingSecurityDescriptor);
    return *PSecurityDescriptor != nullptr ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS FspPosixMapSecurityDescriptorToPermissions(PSECURITY_DESCRIPTOR SecurityDescriptor, PUINT32 PUid,
                                                    PUINT32 PGid, PUINT32 PMode)
{
    const IdOut uid(PUid), gid(PGid);
    *PMode = 0;
    if (!uid.optional)
        *uid.value = 0;
    if (!gid.optional)
        *gid.value = 0;
    if (SecurityDescriptor == nullptr || !RtlValidSecurityDescriptor(SecurityDescriptor))
        return STATUS_INVALID_SECURITY_DESCR;

    const posix::Permissions permissions =
        posix::descriptor_to_permissions(SecurityDescriptor, uid.value, gid.value);
    if ((!permissions.has_owner && !uid.optional) || (!permissions.has_group && !gid.optional))
        return STATUS_INVALID_SID;
    if (permissions.has_owner)
        *uid.value = permissions.uid;
    if (permissions.has_group)
        *gid.value = permissions.gid;
    *PMode = permissions.mode;
    return STATUS_SUCCESS;
}

NTSTATUS FspPosixMapWindowsToPosixPathEx(PWSTR WindowsPath, char** PPosixPath, BOOLEAN Translate)
{
    return posix::windows_to_posix_path({WindowsPath, fsp::nt::length(WindowsPath)}, Translate, PPosixPath);
}

NTSTATUS FspPosixMapPosixToWindowsPathEx(const char* PosixPath, PWSTR* PWindowsPath, BOOLEAN Translate)
{
    return posix::posix_to_windows_path(PosixPath, Translate, PWindowsPath);
}

VOID FspPosixDeletePath(void* Path) { std::free(Path); }

VOID FspPosixEncodeWindowsPath(PWSTR WindowsPath, ULONG Size)
{
    posix::encode_windows_path(WindowsPath, Size);
}

VOID FspPosixDecodeWindowsPath(PWSTR WindowsPath, ULONG Size)
{
    posix::decode_windows_path(WindowsPath, Size);
}
