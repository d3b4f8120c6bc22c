// SPDX-License-Identifier: MIT
#include "request.h"

#include <thread>

using namespace fsp::test;

namespace {

constexpr ULONG R = OPLOCK_LEVEL_CACHE_READ, H = OPLOCK_LEVEL_CACHE_HANDLE, W = OPLOCK_LEVEL_CACHE_WRITE;

/// A file system control about oplocks.
struct Control : Request
{
    Control(PFILE_OBJECT file, ULONG code) : Request(file, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MN_USER_FS_REQUEST)
    {
        stack()->Parameters.FileSystemControl.FsControlCode = code;
    }
    Control(PFILE_OBJECT file, ULONG level, ULONG flags) : Control(file, FSCTL_REQUEST_OPLOCK)
    {
        buffer.in = {REQUEST_OPLOCK_CURRENT_VERSION, sizeof buffer.in, level, flags};
        irp()->AssociatedIrp.SystemBuffer = &buffer;
        stack()->Parameters.FileSystemControl.InputBufferLength = sizeof buffer.in;
        stack()->Parameters.FileSystemControl.OutputBufferLength = sizeof buffer.out;
    }
    ULONG new_level() const { return buffer.out.NewOplockLevel; }
    bool needs_acknowledgement() const { return buffer.out.Flags & REQUEST_OPLOCK_OUTPUT_FLAG_ACK_REQUIRED; }

    union
    {
        REQUEST_OPLOCK_INPUT_BUFFER in;
        REQUEST_OPLOCK_OUTPUT_BUFFER out;
    } buffer{};
};

constexpr ULONG ask = REQUEST_OPLOCK_INPUT_FLAG_REQUEST, ack = REQUEST_OPLOCK_INPUT_FLAG_ACK;

struct Create : Request
{
    Create(PFILE_OBJECT file, ACCESS_MASK access, ULONG disposition = FILE_OPEN, ULONG options = 0,
           USHORT share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
        : Request(file, IRP_MJ_CREATE)
    {
        security.DesiredAccess = access;
        stack()->Parameters.Create.SecurityContext = &security;
        stack()->Parameters.Create.Options = disposition << 24 | options;
        stack()->Parameters.Create.ShareAccess = share;
    }
    IO_SECURITY_CONTEXT security{};
};

VOID NTAPI resumed(PVOID context, PIRP irp)
{
    ++*static_cast<int*>(context);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

struct Oplocks
{
    Oplocks() { FsRtlInitializeOplock(&oplock); }
    ~Oplocks() { FsRtlUninitializeOplock(&oplock); }

    NTSTATUS control(Control& c, ULONG count = 0, ULONG flags = 0)
    {
        return FsRtlOplockFsctrlEx(&oplock, c.irp(), count, flags);
    }
    /// Without waiting; the request is completed.
    NTSTATUS check(Request& r, ULONG flags = 0)
    {
        const NTSTATUS status = FsRtlCheckOplockEx(&oplock, r.irp(), flags | OPLOCK_FLAG_COMPLETE_IF_OPLOCKED,
                                                   nullptr, nullptr, nullptr);
        r.finish(status);
        return status;
    }
    /// Lets the request wait.
    NTSTATUS wait(Request& r, ULONG flags = 0)
    {
        return FsRtlCheckOplockEx(&oplock, r.irp(), flags, &resumptions, resumed, nullptr);
    }
    void cleanup(PFILE_OBJECT file)
    {
        Request r(file, IRP_MJ_CLEANUP);
        EXPECT_EQ(STATUS_SUCCESS, check(r));
    }
    OPLOCK oplock;
    int resumptions = 0;
};

TEST(Oplock, CheckWithoutOplocksSucceeds)
{
    Oplocks o;
    File f;
    Request write(f, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(write));
    EXPECT_TRUE(FsRtlOplockIsFastIoPossible(&o.oplock));
    EXPECT_FALSE(FsRtlCurrentOplock(&o.oplock));
}

TEST(Oplock, ExclusiveIsGrantedToTheOnlyHandleOnly)
{
    Oplocks o;
    File f, g;
    Control second(f, FSCTL_REQUEST_OPLOCK_LEVEL_1);
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(second, 2));
    Control first(f, FSCTL_REQUEST_BATCH_OPLOCK);
    EXPECT_EQ(STATUS_PENDING, o.control(first, 1));
    EXPECT_TRUE(FsRtlCurrentBatchOplock(&o.oplock));
    EXPECT_FALSE(FsRtlOplockIsFastIoPossible(&o.oplock));
    Control shared(g, FSCTL_REQUEST_OPLOCK_LEVEL_2);
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(shared));
    o.cleanup(f);
    EXPECT_TRUE(first.done());
    EXPECT_FALSE(FsRtlCurrentOplock(&o.oplock));
}

TEST(Oplock, SynchronousHandlesGetNone)
{
    Oplocks o;
    File f;
    f->Flags |= FO_SYNCHRONOUS_IO;
    Control c(f, FSCTL_REQUEST_OPLOCK_LEVEL_1);
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(c, 1));
}

TEST(Oplock, SharedIsRefusedWhileByteRangeLocksExist)
{
    Oplocks o;
    File f;
    Control c(f, R | H, ask);
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(c, 1));
}

TEST(Oplock, LevelOneBreaksToLevelTwoOnOpenAndOpenerWaitsForTheAcknowledgement)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_OPLOCK_LEVEL_1), acknowledge(f, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE);
    o.control(held, 1);
    Create open(g, FILE_READ_DATA);
    EXPECT_EQ(STATUS_PENDING, o.wait(open));
    EXPECT_TRUE(held.done());
    EXPECT_EQ(ULONG_PTR{FILE_OPLOCK_BROKEN_TO_LEVEL_2}, held.information());
    EXPECT_FALSE(open.done());
    EXPECT_EQ(STATUS_PENDING, o.control(acknowledge)) << "holds level 2 from here on";
    EXPECT_TRUE(open.done());
    EXPECT_EQ(STATUS_SUCCESS, open.status());
    EXPECT_EQ(1, o.resumptions);

    Request write(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.wait(write)) << "level 2 breaks without a wait";
    write.finish(STATUS_SUCCESS);
    EXPECT_TRUE(acknowledge.done());
    EXPECT_EQ(ULONG_PTR{FILE_OPLOCK_BROKEN_TO_NONE}, acknowledge.information());
}

TEST(Oplock, OwnerBreaksItsLevelTwoByWriting)
{
    Oplocks o;
    File f;
    Control held(f, FSCTL_REQUEST_OPLOCK_LEVEL_2);
    EXPECT_EQ(STATUS_PENDING, o.control(held));
    Request write(f, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(write));
    EXPECT_TRUE(held.done());
}

TEST(Oplock, OpeningForAttributesBreaksNothing)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_BATCH_OPLOCK);
    o.control(held, 1);
    Create look(g, FILE_READ_ATTRIBUTES | SYNCHRONIZE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(look));
    EXPECT_FALSE(held.done());
    // READ_CONTROL disturbs the older kinds only.
    Create read_security(g, READ_CONTROL);
    EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(read_security));
    EXPECT_TRUE(held.done());
    o.cleanup(f);

    Control granular(f, R | W | H, ask);
    EXPECT_EQ(STATUS_PENDING, o.control(granular, 1));
    Create again(g, READ_CONTROL);
    EXPECT_EQ(STATUS_SUCCESS, o.check(again));
    EXPECT_FALSE(granular.done());
    o.cleanup(f);
}

TEST(Oplock, OverwriteBreaksToNone)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_OPLOCK_LEVEL_1), acknowledge(f, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE);
    o.control(held, 1);
    Create open(g, FILE_READ_ATTRIBUTES, FILE_OVERWRITE);
    EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(open));
    EXPECT_EQ(ULONG_PTR{FILE_OPLOCK_BROKEN_TO_NONE}, held.information());
    EXPECT_EQ(STATUS_SUCCESS, o.control(acknowledge));
}

TEST(Oplock, SecondBreakTurnsLevelTwoIntoNone)
{
    Oplocks o;
    File f, g, h;
    Control held(f, FSCTL_REQUEST_OPLOCK_LEVEL_1), acknowledge(f, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE);
    o.control(held, 1);
    Create open(g, FILE_READ_DATA);
    o.wait(open);
    Request write(h, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_PENDING, o.wait(write));
    EXPECT_EQ(STATUS_SUCCESS, o.control(acknowledge)) << "level 2 is not there to be had any more";
    EXPECT_TRUE(open.done());
    EXPECT_TRUE(write.done());
    EXPECT_FALSE(FsRtlCurrentOplock(&o.oplock));
}

TEST(Oplock, ClosePendingKeepsOthersWaitingUntilTheClose)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_BATCH_OPLOCK), pending(f, FSCTL_OPBATCH_ACK_CLOSE_PENDING);
    o.control(held, 1);
    Create open(g, FILE_READ_DATA);
    EXPECT_EQ(STATUS_PENDING, o.wait(open));
    EXPECT_EQ(STATUS_SUCCESS, o.control(pending));
    EXPECT_FALSE(open.done());
    o.cleanup(f);
    EXPECT_TRUE(open.done());
}

TEST(Oplock, AcknowledgementWithoutBreakIsAProtocolError)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_OPLOCK_LEVEL_1), early(f, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE),
        foreign(g, FSCTL_OPLOCK_BREAK_ACK_NO_2), granular(g, R, ack);
    o.control(held, 1);
    EXPECT_EQ(STATUS_INVALID_OPLOCK_PROTOCOL, o.control(early));
    EXPECT_EQ(STATUS_INVALID_OPLOCK_PROTOCOL, o.control(foreign));
    EXPECT_EQ(STATUS_INVALID_OPLOCK_PROTOCOL, o.control(granular));
    o.cleanup(f);
}

TEST(Oplock, BreakNotifyWaitsForTheEndOfABreak)
{
    Oplocks o;
    File f, g;
    Control idle(g, FSCTL_OPLOCK_BREAK_NOTIFY), notify(g, FSCTL_OPLOCK_BREAK_NOTIFY),
        held(f, FSCTL_REQUEST_OPLOCK_LEVEL_1), none(f, FSCTL_OPLOCK_BREAK_ACK_NO_2);
    EXPECT_EQ(STATUS_SUCCESS, o.control(idle));
    o.control(held, 1);
    Create open(g, FILE_READ_DATA);
    EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(open));
    EXPECT_EQ(STATUS_PENDING, o.control(notify));
    EXPECT_EQ(STATUS_SUCCESS, o.control(none));
    EXPECT_TRUE(notify.done());
    EXPECT_EQ(STATUS_SUCCESS, notify.status());
}

TEST(Oplock, FilterBreaksForWritersOnly)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_FILTER_OPLOCK), none(f, FSCTL_OPLOCK_BREAK_ACKNOWLEDGE);
    o.control(held, 1);
    Create reader(g, FILE_READ_DATA), writer(g, FILE_WRITE_DATA);
    Request read(g, IRP_MJ_READ);
    EXPECT_EQ(STATUS_SUCCESS, o.check(reader));
    EXPECT_EQ(STATUS_SUCCESS, o.check(read));
    EXPECT_FALSE(held.done());
    EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(writer));
    EXPECT_EQ(ULONG_PTR{FILE_OPLOCK_BROKEN_TO_NONE}, held.information());
    EXPECT_EQ(STATUS_SUCCESS, o.control(none));
}

TEST(Oplock, ReadWriteHandleBreaksToReadHandleOnOpen)
{
    Oplocks o;
    File f, g;
    Control held(f, R | W | H, ask), keep(f, R | H, ack);
    EXPECT_EQ(STATUS_PENDING, o.control(held, 1));
    EXPECT_TRUE(FsRtlCurrentOplockH(&o.oplock));
    Create open(g, FILE_READ_DATA);
    EXPECT_EQ(STATUS_PENDING, o.wait(open));
    EXPECT_EQ(R | H, held.new_level());
    EXPECT_TRUE(held.needs_acknowledgement());
    EXPECT_EQ(STATUS_PENDING, o.control(keep));
    EXPECT_TRUE(open.done());
    EXPECT_FALSE(keep.done());
    o.cleanup(f);
    EXPECT_EQ(STATUS_OPLOCK_HANDLE_CLOSED, keep.status());
}

TEST(Oplock, ReadWriteBreaksToReadOnForeignReadAndToNoneOnForeignWrite)
{
    for (const bool write : {false, true}) {
        Oplocks o;
        File f, g;
        Control held(f, R | W, ask), settle(f, write ? 0 : R, ack);
        o.control(held, 1);
        Request own(f, IRP_MJ_WRITE), foreign(g, static_cast<UCHAR>(write ? IRP_MJ_WRITE : IRP_MJ_READ));
        EXPECT_EQ(STATUS_SUCCESS, o.check(own));
        EXPECT_FALSE(held.done());
        EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(foreign));
        EXPECT_EQ(write ? 0 : R, held.new_level());
        EXPECT_EQ(write ? STATUS_SUCCESS : STATUS_PENDING, o.control(settle));
        o.cleanup(f);
    }
}

TEST(Oplock, ReadHandleLosesEverythingToAWriteThatDoesNotWait)
{
    Oplocks o;
    File f, g;
    Control held(f, R | H, ask), settle(f, 0, ack);
    o.control(held);
    Request write(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(write));
    EXPECT_EQ(0u, held.new_level());
    EXPECT_TRUE(held.needs_acknowledgement());
    EXPECT_EQ(STATUS_SUCCESS, o.control(settle));
    EXPECT_FALSE(FsRtlCurrentOplock(&o.oplock));
}

TEST(Oplock, ReadBreaksWithoutAcknowledgement)
{
    Oplocks o;
    File f, g;
    Control held(f, R, ask), stray(f, 0, ack);
    o.control(held);
    Request write(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(write));
    EXPECT_TRUE(held.done());
    EXPECT_FALSE(held.needs_acknowledgement());
    EXPECT_EQ(STATUS_INVALID_OPLOCK_PROTOCOL, o.control(stray));
}

TEST(Oplock, HandleBreakWaitsAndTellsTheModesOfTheOpen)
{
    Oplocks o;
    File f, g;
    Control held(f, R | H, ask), settle(f, R, ack);
    o.control(held);
    Create open(g, DELETE, FILE_OPEN, 0, FILE_SHARE_READ);
    EXPECT_EQ(STATUS_PENDING, FsRtlOplockBreakH(&o.oplock, open.irp(), 0, &o.resumptions, resumed, nullptr));
    EXPECT_EQ(R, held.new_level());
    EXPECT_TRUE(held.buffer.out.Flags & REQUEST_OPLOCK_OUTPUT_FLAG_MODES_PROVIDED);
    EXPECT_EQ(ACCESS_MASK{DELETE}, held.buffer.out.AccessMode);
    EXPECT_EQ(FILE_SHARE_READ, held.buffer.out.ShareMode);
    EXPECT_FALSE(open.done());
    EXPECT_EQ(STATUS_PENDING, o.control(settle));
    EXPECT_TRUE(open.done());
    o.cleanup(f);
}

TEST(Oplock, HandleBreakEndsWithTheCloseOfTheOwner)
{
    Oplocks o;
    File f, g;
    Control held(f, R | H, ask);
    o.control(held);
    Create open(g, DELETE);
    EXPECT_EQ(STATUS_PENDING, FsRtlOplockBreakH(&o.oplock, open.irp(), 0, &o.resumptions, resumed, nullptr));
    o.cleanup(f);
    EXPECT_TRUE(open.done());
    EXPECT_EQ(STATUS_SUCCESS, open.status());
}

TEST(Oplock, RenameAndDeleteBreakHandleCaching)
{
    for (const auto info : {FileRenameInformation, FileDispositionInformation}) {
        Oplocks o;
        File f, g;
        Control held(f, R | H, ask), settle(f, R, ack);
        o.control(held);
        FILE_DISPOSITION_INFORMATION disposition{TRUE};
        Request set(g, IRP_MJ_SET_INFORMATION);
        set.stack()->Parameters.SetFile.FileInformationClass = info;
        set.irp()->AssociatedIrp.SystemBuffer = &disposition;
        EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(set));
        EXPECT_EQ(R, held.new_level());
        EXPECT_EQ(STATUS_PENDING, o.control(settle));
        o.cleanup(f);
    }
}

TEST(Oplock, SameKeyIsTheSameOwner)
{
    Oplocks o;
    File f, g, h;
    f.set_key(1);
    g.set_key(1);
    h.set_key(2);
    EXPECT_TRUE(FsRtlOplockKeysEqual(f, g));
    EXPECT_FALSE(FsRtlOplockKeysEqual(f, h));
    Control held(f, R | W | H, ask);
    EXPECT_EQ(STATUS_PENDING, o.control(held, 2, OPLOCK_FSCTRL_FLAG_ALL_KEYS_MATCH));
    Create open(g, FILE_WRITE_DATA);
    Request write(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(open));
    EXPECT_EQ(STATUS_SUCCESS, o.check(write));
    EXPECT_FALSE(held.done());
    Request ignoring(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_OPLOCK_BREAK_IN_PROGRESS, o.check(ignoring, OPLOCK_FLAG_IGNORE_OPLOCK_KEYS));
    EXPECT_TRUE(held.done());
    o.cleanup(f);
}

TEST(Oplock, RequestWithTheSameKeySwitchesTheHandle)
{
    Oplocks o;
    File f, g;
    f.set_key(1);
    g.set_key(1);
    Control first(f, R, ask), second(g, R | H, ask), lower(f, R, ask);
    o.control(first);
    EXPECT_EQ(STATUS_PENDING, o.control(second));
    EXPECT_EQ(STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE, first.status());
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(lower));
    o.cleanup(g);
}

TEST(Oplock, SharedKindsCoexistAsDocumented)
{
    Oplocks o;
    File a, b, c, d;
    Control read(a, R, ask), read_handle(b, R | H, ask), two(c, FSCTL_REQUEST_OPLOCK_LEVEL_2),
        exclusive(d, R | W, ask);
    EXPECT_EQ(STATUS_PENDING, o.control(read));
    EXPECT_EQ(STATUS_PENDING, o.control(read_handle));
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(two));
    EXPECT_EQ(STATUS_OPLOCK_NOT_GRANTED, o.control(exclusive, 1));
    o.cleanup(b);
    Control again(c, FSCTL_REQUEST_OPLOCK_LEVEL_2);
    EXPECT_EQ(STATUS_PENDING, o.control(again));
    o.cleanup(a);
    o.cleanup(c);
}

TEST(Oplock, ParentObjectBreaksDirectoryUnlessTheParentKeyMatches)
{
    Oplocks o;
    File directory, child, stranger;
    directory.set_key(9);
    child.set_key(3, 9);
    Control held(directory, R | H, ask), settle(directory, 0, ack);
    EXPECT_EQ(STATUS_PENDING, o.control(held));
    Create own(child, FILE_WRITE_DATA), foreign(stranger, FILE_WRITE_DATA);
    EXPECT_EQ(STATUS_SUCCESS, o.check(own, OPLOCK_FLAG_PARENT_OBJECT));
    EXPECT_FALSE(held.done());
    EXPECT_EQ(STATUS_SUCCESS, o.check(foreign, OPLOCK_FLAG_PARENT_OBJECT)) << "does not wait";
    EXPECT_TRUE(held.done());
    EXPECT_EQ(0u, held.new_level());
    EXPECT_EQ(STATUS_SUCCESS, o.control(settle));
}

TEST(Oplock, OpenRequiringAnOplockRefusesToBreakAndReserves)
{
    Oplocks o;
    File f, g, h;
    Control held(f, R | W | H, ask);
    o.control(held, 1);
    Create refused(g, FILE_READ_DATA, FILE_OPEN, FILE_OPEN_REQUIRING_OPLOCK);
    EXPECT_EQ(STATUS_CANNOT_BREAK_OPLOCK, o.check(refused));
    EXPECT_FALSE(held.done());
    o.cleanup(f);

    Create atomic(g, FILE_READ_DATA, FILE_OPEN, FILE_OPEN_REQUIRING_OPLOCK);
    EXPECT_EQ(STATUS_SUCCESS, FsRtlOplockFsctrl(&o.oplock, atomic.irp(), 1));
    atomic.finish(STATUS_SUCCESS);
    Create other(h, FILE_READ_DATA);
    EXPECT_EQ(STATUS_PENDING, o.wait(other)) << "waits for the request that was announced";
    Control request(g, R | W | H, ask);
    EXPECT_EQ(STATUS_PENDING, o.control(request, 1));
    EXPECT_TRUE(other.done());
    o.cleanup(g);
}

TEST(Oplock, BackedOutReservationLetsOthersGo)
{
    Oplocks o;
    File g, h;
    Create atomic(g, FILE_READ_DATA, FILE_OPEN, FILE_OPEN_REQUIRING_OPLOCK);
    FsRtlOplockFsctrl(&o.oplock, atomic.irp(), 1);
    Create other(h, FILE_READ_DATA);
    EXPECT_EQ(STATUS_PENDING, o.wait(other));
    EXPECT_EQ(STATUS_SUCCESS, FsRtlCheckOplockEx(&o.oplock, atomic.irp(), OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK,
                                                 nullptr, nullptr, nullptr));
    atomic.finish(STATUS_ACCESS_DENIED);
    EXPECT_TRUE(other.done());
}

TEST(Oplock, CancelledOplockIsGone)
{
    Oplocks o;
    File f, g;
    Control held(f, R | W, ask);
    o.control(held, 1);
    EXPECT_TRUE(held.cancel());
    EXPECT_EQ(STATUS_CANCELLED, held.status());
    EXPECT_FALSE(FsRtlCurrentOplock(&o.oplock));
    Request write(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, o.check(write));
}

TEST(Oplock, CancelledWaiterIsResumedWithCancelled)
{
    Oplocks o;
    File f, g;
    Control held(f, FSCTL_REQUEST_OPLOCK_LEVEL_1);
    o.control(held, 1);
    Create open(g, FILE_READ_DATA);
    EXPECT_EQ(STATUS_PENDING, o.wait(open));
    EXPECT_TRUE(open.cancel());
    EXPECT_EQ(STATUS_CANCELLED, open.status());
    o.cleanup(f);
    EXPECT_EQ(1, o.resumptions);
}

TEST(Oplock, BlockedThreadContinuesAfterTheAcknowledgement)
{
    Oplocks o;
    File f, g;
    Control held(f, R | W, ask), settle(f, 0, ack);
    o.control(held, 1);
    std::thread owner([&] {
        held.wait();
        EXPECT_EQ(STATUS_SUCCESS, o.control(settle));
    });
    Request write(g, IRP_MJ_WRITE);
    EXPECT_EQ(STATUS_SUCCESS, FsRtlCheckOplock(&o.oplock, write.irp(), nullptr, nullptr, nullptr));
    write.finish(STATUS_SUCCESS);
    owner.join();
}

TEST(Oplock, BlockedThreadIsWokenByCancellation)
{
    Oplocks o;
    File f, g;
    Control held(f, R | W, ask);
    o.control(held, 1);
    Request write(g, IRP_MJ_WRITE);
    std::thread canceller([&] {
        held.wait();
        write.cancel(); // before the thread waits, or while it does
    });
    EXPECT_EQ(STATUS_CANCELLED, FsRtlCheckOplock(&o.oplock, write.irp(), nullptr, nullptr, nullptr));
    canceller.join();
    write.finish(STATUS_CANCELLED);
    o.cleanup(f);
}

TEST(Oplock, BreakToNoneTakesEveryKind)
{
    Oplocks o;
    File f, g;
    Control held(f, R | H, ask), settle(f, 0, ack);
    o.control(held);
    Request any(g, IRP_MJ_SET_INFORMATION);
    EXPECT_EQ(STATUS_PENDING,
              FsRtlOplockBreakToNone(&o.oplock, nullptr, any.irp(), &o.resumptions, resumed, nullptr));
    EXPECT_EQ(STATUS_SUCCESS, o.control(settle));
    EXPECT_TRUE(any.done());
}

TEST(Oplock, MalformedRequestsAreRefused)
{
    Oplocks o;
    File f;
    Control both(f, R, ask | ack), write_only(f, W, ask), small(f, R, ask),
        unknown(f, FSCTL_GET_REPARSE_POINT);
    small.stack()->Parameters.FileSystemControl.OutputBufferLength = 4;
    EXPECT_EQ(STATUS_INVALID_PARAMETER, o.control(both));
    EXPECT_EQ(STATUS_INVALID_PARAMETER, o.control(write_only));
    EXPECT_EQ(STATUS_BUFFER_TOO_SMALL, o.control(small));
    EXPECT_EQ(STATUS_INVALID_PARAMETER, o.control(unknown));
}

TEST(Oplock, UninitializeCompletesHolders)
{
    auto o = std::make_unique<Oplocks>();
    File f;
    Control held(f, R, ask);
    o->control(held);
    o.reset();
    EXPECT_TRUE(held.done());
}

TEST(Oplock, BreakAndCancelRaceCompletesTheRequestOnce)
{
    for (int round = 0; round < 300; ++round) {
        Oplocks o;
        File f, g;
        Control held(f, R | H, ask);
        o.control(held);
        std::thread canceller([&] { held.cancel(); });
        Request write(g, IRP_MJ_WRITE);
        EXPECT_EQ(STATUS_SUCCESS, o.check(write));
        canceller.join();
        held.wait();
        o.cleanup(f);
    }
}

} // namespace
