// SPDX-License-Identifier: MIT
//
// Fast I/O that the run-time library provides for file systems which cache: FsRtlCopyRead and relatives.
// An answer FALSE sends the caller to the IRP path.
#include "ntos/file_flags.h"
#include "ntos/verifier.h"
#include <ntifs.h>
#include <ntos/raise.h>

using namespace fsp::ntos;

namespace {

PFSRTL_COMMON_FCB_HEADER header_of(PFILE_OBJECT file)
{
    return static_cast<PFSRTL_COMMON_FCB_HEADER>(file->FsContext);
}

/// The header's resource, shared, within a critical region; top-level while held.
class FastIo
{
  public:
    FastIo(PFILE_OBJECT file, bool wait) : resource_(header_of(file)->Resource)
    {
        KeEnterCriticalRegion();
        held_ = ExAcquireResourceSharedLite(resource_, wait);
        if (held_)
            IoSetTopLevelIrp(reinterpret_cast<PIRP>(FSRTL_FAST_IO_TOP_LEVEL_IRP));
    }
    ~FastIo()
    {
        if (held_) {
            IoSetTopLevelIrp(nullptr);
            ExReleaseResourceLite(resource_);
        }
        KeLeaveCriticalRegion();
    }
    FastIo(const FastIo&) = delete;

    bool held() const { return held_; }

  private:
    PERESOURCE resource_;
    bool held_;
};

struct Access
{
    PFILE_OBJECT file;
    PLARGE_INTEGER offset;
    ULONG length;
    bool wait;
    ULONG key;
    bool reading;
    PIO_STATUS_BLOCK iosb;
    PDEVICE_OBJECT device;
};

bool is_possible(const Access& a)
{
    PFSRTL_COMMON_FCB_HEADER header = header_of(a.file);
    if (!__atomic_load_n(&a.file->PrivateCacheMap, __ATOMIC_ACQUIRE) ||
        header->IsFastIoPossible == FastIoIsNotPossible)
        return false;
    if (header->IsFastIoPossible == FastIoIsPossible)
        return true;
    // Questionable, because of locks for instance: the file system knows.
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(a.file);
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    return fast && fast->FastIoCheckIfPossible &&
           fast->FastIoCheckIfPossible(a.file, a.offset, a.length, a.wait, a.key, a.reading, a.iosb,
                                       a.device);
}

void advance(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG_PTR length)
{
    if (flags_of(file) & FO_SYNCHRONOUS_IO)
        file->CurrentByteOffset.QuadPart = offset->QuadPart + static_cast<LONGLONG>(length);
}

/// Runs what may raise; what is expected to be raised means "use the IRP path".
template<class Body> BOOLEAN guarded(Body body)
{
    try {
        return body();
    } catch (const fsp::ntos::RaisedStatus& raised) {
        if (!FsRtlIsNtstatusExpected(raised.status))
            throw;
        return FALSE;
    }
}

/// Checks a read against the end of the file. @return the length to read; 0 with *done set
ULONG clip_to_file(const Access& a, bool* done)
{
    const LONGLONG size = header_of(a.file)->FileSize.QuadPart;
    *done = a.offset->QuadPart >= size;
    if (*done) {
        *a.iosb = {};
        a.iosb->Status = STATUS_END_OF_FILE;
        return 0;
    }
    const LONGLONG left = size - a.offset->QuadPart;
    return left < static_cast<LONGLONG>(a.length) ? static_cast<ULONG>(left) : a.length;
}

bool is_plain_write(const Access& a)
{
    // Appends, extensions and write-through are for the IRP path.
    return a.offset->QuadPart >= 0 && !(flags_of(a.file) & FO_WRITE_THROUGH) &&
           a.offset->QuadPart + static_cast<LONGLONG>(a.length) <= header_of(a.file)->FileSize.QuadPart &&
           CcCanIWrite(a.file, a.length, a.wait, FALSE);
}

} // namespace

BOOLEAN NTAPI FsRtlCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                            ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                            PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Access access{FileObject, FileOffset, Length, Wait != FALSE, LockKey, true, IoStatus, DeviceObject};
    *IoStatus = {};
    if (Length == 0)
        return TRUE;
    FastIo fast(FileObject, access.wait);
    if (!fast.held() || !is_possible(access))
        return FALSE;
    bool done;
    const ULONG length = clip_to_file(access, &done);
    if (done)
        return TRUE;
    const BOOLEAN read =
        guarded([&] { return CcCopyRead(FileObject, FileOffset, length, Wait, Buffer, IoStatus); });
    add_file_flags(FileObject, FO_FILE_FAST_IO_READ);
    if (read)
        advance(FileObject, FileOffset, IoStatus->Information);
    return read;
}

BOOLEAN NTAPI FsRtlCopyWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                             ULONG LockKey, PVOID Buffer, PIO_STATUS_BLOCK IoStatus,
                             PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Access access{FileObject, FileOffset, Length,   Wait != FALSE,
                        LockKey,    false,      IoStatus, DeviceObject};
    *IoStatus = {};
    if (Length == 0)
        return TRUE;
    FastIo fast(FileObject, access.wait);
    if (!fast.held() || !is_possible(access) || !is_plain_write(access))
        return FALSE;
    const BOOLEAN written =
        guarded([&] { return CcCopyWrite(FileObject, FileOffset, Length, Wait, Buffer); });
    if (!written)
        return FALSE;
    IoStatus->Information = Length;
    add_file_flags(FileObject, FO_FILE_MODIFIED);
    advance(FileObject, FileOffset, Length);
    return TRUE;
}

BOOLEAN NTAPI FsRtlMdlReadDev(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, ULONG LockKey,
                              PMDL* MdlChain, PIO_STATUS_BLOCK IoStatus, PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Access access{FileObject, FileOffset, Length, true, LockKey, true, IoStatus, DeviceObject};
    *IoStatus = {};
    if (Length == 0)
        return TRUE;
    FastIo fast(FileObject, true);
    if (!is_possible(access))
        return FALSE;
    bool done;
    const ULONG length = clip_to_file(access, &done);
    if (done)
        return TRUE;
    return guarded([&]() -> BOOLEAN {
        CcMdlRead(FileObject, FileOffset, length, MdlChain, IoStatus);
        add_file_flags(FileObject, FO_FILE_FAST_IO_READ);
        return TRUE;
    });
}

BOOLEAN NTAPI FsRtlMdlReadCompleteDev(PFILE_OBJECT FileObject, PMDL MdlChain, PDEVICE_OBJECT)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CcMdlReadComplete(FileObject, MdlChain);
    return TRUE;
}

BOOLEAN NTAPI FsRtlPrepareMdlWriteDev(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                                      ULONG LockKey, PMDL* MdlChain, PIO_STATUS_BLOCK IoStatus,
                                      PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Access access{FileObject, FileOffset, Length, true, LockKey, false, IoStatus, DeviceObject};
    *IoStatus = {};
    if (Length == 0)
        return TRUE;
    FastIo fast(FileObject, true);
    if (!is_possible(access) || !is_plain_write(access))
        return FALSE;
    return guarded([&]() -> BOOLEAN {
        CcPrepareMdlWrite(FileObject, FileOffset, Length, MdlChain, IoStatus);
        add_file_flags(FileObject, FO_FILE_MODIFIED);
        return TRUE;
    });
}

BOOLEAN NTAPI FsRtlMdlWriteCompleteDev(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PMDL MdlChain,
                                       PDEVICE_OBJECT)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (flags_of(FileObject) & FO_WRITE_THROUGH)
        return FALSE;
    CcMdlWriteComplete(FileObject, FileOffset, MdlChain);
    return TRUE;
}
