// SPDX-License-Identifier: MIT
/// @file Share access: which opens of a file tolerate each other.
#include "ntos/verifier.h"
#include <ntifs.h>

namespace {

constexpr ACCESS_MASK reading = FILE_EXECUTE | FILE_READ_DATA;
constexpr ACCESS_MASK writing = FILE_WRITE_DATA | FILE_APPEND_DATA;

/// What one open wants and allows.
struct Open
{
    bool read, write, remove, share_read, share_write, share_remove;

    Open(ACCESS_MASK access, ULONG share)
        : read((access & reading) != 0), write((access & writing) != 0), remove((access & DELETE) != 0),
          share_read((share & FILE_SHARE_READ) != 0), share_write((share & FILE_SHARE_WRITE) != 0),
          share_remove((share & FILE_SHARE_DELETE) != 0)
    {}
    explicit Open(const FILE_OBJECT& f)
        : read(f.ReadAccess), write(f.WriteAccess), remove(f.DeleteAccess), share_read(f.SharedRead),
          share_write(f.SharedWrite), share_remove(f.SharedDelete)
    {}

    /// Opens for attributes only take no part in sharing.
    bool counts() const { return read || write || remove; }

    void store(FILE_OBJECT& f) const
    {
        f.ReadAccess = read;
        f.WriteAccess = write;
        f.DeleteAccess = remove;
        f.SharedRead = counts() && share_read;
        f.SharedWrite = counts() && share_write;
        f.SharedDelete = counts() && share_remove;
    }

    bool conflicts(const SHARE_ACCESS& s) const
    {
        return (read && s.SharedRead < s.OpenCount) || (write && s.SharedWrite < s.OpenCount) ||
               (remove && s.SharedDelete < s.OpenCount) || (s.Readers != 0 && !share_read) ||
               (s.Writers != 0 && !share_write) || (s.Deleters != 0 && !share_remove);
    }

    void add_to(SHARE_ACCESS& s, ULONG n) const
    {
        s.OpenCount += n;
        s.Readers += read ? n : 0;
        s.Writers += write ? n : 0;
        s.Deleters += remove ? n : 0;
        s.SharedRead += share_read ? n : 0;
        s.SharedWrite += share_write ? n : 0;
        s.SharedDelete += share_remove ? n : 0;
    }
};

} // namespace

extern "C" {

NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                  PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess, BOOLEAN Update)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Open open(DesiredAccess, DesiredShareAccess);
    open.store(*FileObject);
    if (!open.counts())
        return STATUS_SUCCESS;
    if (open.conflicts(*ShareAccess))
        return STATUS_SHARING_VIOLATION;
    if (Update)
        open.add_to(*ShareAccess, 1);
    return STATUS_SUCCESS;
}

VOID NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                            PSHARE_ACCESS ShareAccess)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Open open(DesiredAccess, DesiredShareAccess);
    open.store(*FileObject);
    *ShareAccess = {};
    if (open.counts())
        open.add_to(*ShareAccess, 1);
}

VOID NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Open open(*FileObject);
    if (open.counts())
        open.add_to(*ShareAccess, 1);
}

VOID NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Open open(*FileObject);
    if (open.counts())
        open.add_to(*ShareAccess, ~ULONG{0});
}

NTSTATUS NTAPI IoCheckLinkShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                      PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                      PLINK_SHARE_ACCESS LinkShareAccess, ULONG IoShareAccessFlags)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    constexpr ULONG update = 0x1;
    const Open open(DesiredAccess, DesiredShareAccess);
    open.store(*FileObject);
    if (!open.counts())
        return STATUS_SUCCESS;
    if (open.conflicts(*ShareAccess) ||
        (LinkShareAccess != nullptr &&
         ((open.remove && LinkShareAccess->SharedDelete < LinkShareAccess->OpenCount) ||
          (LinkShareAccess->Deleters != 0 && !open.share_remove))))
        return STATUS_SHARING_VIOLATION;
    if ((IoShareAccessFlags & update) != 0)
        IoUpdateLinkShareAccess(FileObject, ShareAccess, LinkShareAccess);
    return STATUS_SUCCESS;
}

VOID NTAPI IoUpdateLinkShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                   PLINK_SHARE_ACCESS LinkShareAccess)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Open open(*FileObject);
    if (!open.counts())
        return;
    open.add_to(*ShareAccess, 1);
    if (LinkShareAccess != nullptr) {
        ++LinkShareAccess->OpenCount;
        LinkShareAccess->Deleters += open.remove;
        LinkShareAccess->SharedDelete += open.share_remove;
    }
}

VOID NTAPI IoRemoveLinkShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                   PLINK_SHARE_ACCESS LinkShareAccess)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Open open(*FileObject);
    if (!open.counts())
        return;
    open.add_to(*ShareAccess, ~ULONG{0});
    if (LinkShareAccess != nullptr) {
        --LinkShareAccess->OpenCount;
        LinkShareAccess->Deleters -= open.remove;
        LinkShareAccess->SharedDelete -= open.share_remove;
    }
}

} // extern "C"
