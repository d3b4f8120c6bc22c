// SPDX-License-Identifier: MIT
#include "test_driver.h"

#include <gtest/gtest.h>

namespace fsp::test {
namespace {

std::u16string name_of(PFILE_OBJECT file)
{
    return {file->FileName.Buffer, file->FileName.Length / sizeof(WCHAR)};
}

PIO_STACK_LOCATION stack_of(PIRP irp) { return IoGetCurrentIrpStackLocation(irp); }

TEST(Open, DriverSeesTheRestOfTheName)
{
    TestDriver driver;
    std::u16string name;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        name = name_of(stack_of(irp)->FileObject);
        return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    });
    Opened file(u"\\device\\IOTEST\\Some\\File.txt");
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(file.iosb.Information, ULONG_PTR{FILE_OPENED});
    EXPECT_EQ(name, u"\\Some\\File.txt");
}

TEST(Open, CleanupComesWithTheLastHandleAndCloseWithTheLastReference)
{
    TestDriver driver;
    Opened file(u"\\Device\\IoTest\\f");
    HANDLE second = nullptr;
    ASSERT_EQ(NtDuplicateObject(NtCurrentProcess(), file.handle, NtCurrentProcess(), &second, 0, 0,
                                DUPLICATE_SAME_ACCESS),
              STATUS_SUCCESS);
    PVOID object = nullptr;
    ASSERT_EQ(ObReferenceObjectByHandle(second, 0, *IoFileObjectType, KernelMode, &object, nullptr),
              STATUS_SUCCESS);

    file.close();
    EXPECT_EQ(driver.count(IRP_MJ_CLEANUP), 0u);
    EXPECT_EQ(NtClose(second), STATUS_SUCCESS);
    EXPECT_EQ(driver.count(IRP_MJ_CLEANUP), 1u);
    EXPECT_EQ(driver.count(IRP_MJ_CLOSE), 0u);
    ObDereferenceObject(object);
    EXPECT_EQ(driver.seen(), (std::vector<int>{IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE}));
}

TEST(Open, FailedCreateIsNeitherCleanedUpNorClosed)
{
    TestDriver driver;
    driver.on(IRP_MJ_CREATE,
              [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_OBJECT_NAME_NOT_FOUND); });
    Opened file(u"\\Device\\IoTest\\f");
    EXPECT_EQ(file.status, STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(file.handle, nullptr);
    EXPECT_EQ(driver.seen(), std::vector<int>{IRP_MJ_CREATE});
}

TEST(Open, MissingDeviceAndPathAreToldApart)
{
    ntos::boot();
    EXPECT_EQ(Opened(u"\\Device\\NoSuchDevice").status, STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(Opened(u"\\Device\\NoSuchDevice\\f").status, STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_EQ(Opened(u"Device").status, STATUS_OBJECT_PATH_SYNTAX_BAD);
}

TEST(Open, RelativeNameComesWithItsDirectory)
{
    TestDriver driver;
    Opened root(u"\\Device\\IoTest\\dir");
    PFILE_OBJECT related = nullptr;
    std::u16string name, related_name;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        related = stack_of(irp)->FileObject->RelatedFileObject;
        name = name_of(stack_of(irp)->FileObject);
        if (related != nullptr)
            related_name = name_of(related);
        return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    });
    Opened file(u"child", FILE_GENERIC_READ, FILE_SYNCHRONOUS_IO_NONALERT, root.handle);
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(name, u"child");
    EXPECT_EQ(related_name, u"\\dir");
}

TEST(Open, InvalidParametersNeverReachTheDriver)
{
    TestDriver driver;
    const char16_t* name = u"\\Device\\IoTest\\f";
    EXPECT_EQ(Opened(name, FILE_READ_DATA, FILE_SYNCHRONOUS_IO_NONALERT).status, STATUS_INVALID_PARAMETER);
    EXPECT_EQ(
        Opened(name, FILE_GENERIC_READ, FILE_SYNCHRONOUS_IO_NONALERT | FILE_SYNCHRONOUS_IO_ALERT).status,
        STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Opened(name, FILE_GENERIC_READ, FILE_DELETE_ON_CLOSE).status, STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Opened(name, FILE_GENERIC_READ, 0, nullptr, FILE_MAXIMUM_DISPOSITION + 1).status,
              STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Opened(name, FILE_GENERIC_READ, FILE_DIRECTORY_FILE, nullptr, FILE_OVERWRITE).status,
              STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Opened(name, FILE_GENERIC_READ, 0, nullptr, FILE_OPEN, 8).status, STATUS_INVALID_PARAMETER);
    EXPECT_TRUE(driver.seen().empty());
}

TEST(Open, CaseSensitivityAndOptionsArriveInTheStackLocation)
{
    TestDriver driver;
    UCHAR flags = 0;
    ULONG options = 0;
    USHORT share = 0;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        flags = stack_of(irp)->Flags;
        options = stack_of(irp)->Parameters.Create.Options;
        share = stack_of(irp)->Parameters.Create.ShareAccess;
        return complete(irp, STATUS_SUCCESS, FILE_CREATED);
    });
    UNICODE_STRING name = string(u"\\Device\\IoTest\\f");
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, 0, nullptr, nullptr);
    HANDLE handle = nullptr;
    IO_STATUS_BLOCK iosb{};
    ASSERT_EQ(NtCreateFile(&handle, FILE_GENERIC_READ, &attributes, &iosb, nullptr, 0, FILE_SHARE_READ,
                           FILE_OPEN_IF, FILE_NON_DIRECTORY_FILE, nullptr, 0),
              STATUS_SUCCESS);
    EXPECT_EQ(flags & SL_CASE_SENSITIVE, SL_CASE_SENSITIVE);
    EXPECT_EQ(options, (ULONG{FILE_OPEN_IF} << 24) | FILE_NON_DIRECTORY_FILE);
    EXPECT_EQ(share, FILE_SHARE_READ);
    NtClose(handle);
}

TEST(Open, PendingCreateIsWaitedFor)
{
    TestDriver driver;
    PIRP held = nullptr;
    PIO_WORKITEM item = IoAllocateWorkItem(driver.device());
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
        IoMarkIrpPending(irp);
        held = irp;
        IoQueueWorkItem(
            item,
            [](PDEVICE_OBJECT, PVOID context)
                NTAPI { complete(static_cast<PIRP>(context), STATUS_SUCCESS, FILE_CREATED); },
            DelayedWorkQueue, irp);
        return STATUS_PENDING;
    });
    Opened file(u"\\Device\\IoTest\\f");
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(file.iosb.Information, ULONG_PTR{FILE_CREATED});
    IoFreeWorkItem(item);
}

TEST(Open, ReparseContinuesWithTheNewName)
{
    TestDriver driver;
    std::vector<std::u16string> names;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        PFILE_OBJECT file = stack_of(irp)->FileObject;
        names.push_back(name_of(file));
        if (names.size() > 1)
            return complete(irp, STATUS_SUCCESS, FILE_OPENED);
        IoReplaceFileObjectName(file, const_cast<PWSTR>(u"\\Device\\IoTest\\target"), 2 * 21);
        return complete(irp, STATUS_REPARSE, IO_REPARSE);
    });
    Opened file(u"\\Device\\IoTest\\link");
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(names, (std::vector<std::u16string>{u"\\link", u"\\target"}));
}

TEST(Open, ReparseLoopEnds)
{
    TestDriver driver;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        IoReplaceFileObjectName(stack_of(irp)->FileObject, const_cast<PWSTR>(u"\\Device\\IoTest\\loop"),
                                2 * 19);
        return complete(irp, STATUS_REPARSE, IO_REPARSE);
    });
    EXPECT_EQ(Opened(u"\\Device\\IoTest\\loop").status, STATUS_REPARSE_POINT_NOT_RESOLVED);
    EXPECT_EQ(driver.count(IRP_MJ_CREATE), 64u);
}

/// Answers the first create with a symbolic link.
void answer_with_link(TestDriver& driver, std::vector<std::u16string>& names, std::u16string target,
                      ULONG flags, USHORT rest)
{
    driver.on(IRP_MJ_CREATE, [&names, target, flags, rest](PDEVICE_OBJECT, PIRP irp) {
        names.push_back(name_of(stack_of(irp)->FileObject));
        if (names.size() > 1)
            return complete(irp, STATUS_SUCCESS, FILE_OPENED);
        const auto bytes = static_cast<USHORT>(target.size() * sizeof(WCHAR));
        auto* b = static_cast<PREPARSE_DATA_BUFFER>(ExAllocatePoolWithTag(PagedPool, 256, test_tag));
        std::memset(b, 0, 256);
        b->ReparseTag = IO_REPARSE_TAG_SYMLINK;
        b->ReparseDataLength = static_cast<USHORT>(12 + bytes);
        b->Reserved = rest;
        b->SymbolicLinkReparseBuffer.SubstituteNameLength = bytes;
        b->SymbolicLinkReparseBuffer.Flags = flags;
        std::memcpy(b->SymbolicLinkReparseBuffer.PathBuffer, target.data(), bytes);
        irp->Tail.Overlay.AuxiliaryBuffer = reinterpret_cast<PCHAR>(b);
        return complete(irp, STATUS_REPARSE, IO_REPARSE_TAG_SYMLINK);
    });
}

TEST(Open, RelativeSymbolicLinkStartsAtItsDirectory)
{
    TestDriver driver;
    std::vector<std::u16string> names;
    answer_with_link(driver, names, u"..\\c", SYMLINK_FLAG_RELATIVE, 2 * 2);
    EXPECT_EQ(Opened(u"\\Device\\IoTest\\a\\link\\x").status, STATUS_SUCCESS);
    EXPECT_EQ(names.back(), u"\\c\\x");
}

TEST(Open, AbsoluteSymbolicLinkStartsAtTheRoot)
{
    TestDriver driver;
    std::vector<std::u16string> names;
    answer_with_link(driver, names, u"\\??\\GLOBALROOT\\Device\\IoTest\\z", 0, 0);
    EXPECT_EQ(Opened(u"\\Device\\IoTest\\link").status, STATUS_SUCCESS);
    EXPECT_EQ(names.back(), u"\\z");
}

TEST(Open, LinkPointingOutsideItsBufferIsRefused)
{
    TestDriver driver;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        auto* b = static_cast<PREPARSE_DATA_BUFFER>(ExAllocatePoolWithTag(PagedPool, 64, test_tag));
        std::memset(b, 0, 64);
        b->ReparseTag = IO_REPARSE_TAG_SYMLINK;
        b->ReparseDataLength = 16;
        b->SymbolicLinkReparseBuffer.SubstituteNameLength = 0x1000;
        irp->Tail.Overlay.AuxiliaryBuffer = reinterpret_cast<PCHAR>(b);
        return complete(irp, STATUS_REPARSE, IO_REPARSE_TAG_SYMLINK);
    });
    EXPECT_EQ(Opened(u"\\Device\\IoTest\\link").status, STATUS_IO_REPARSE_DATA_INVALID);
}

TEST(Open, DeviceBeingDeletedCannotBeOpenedAndGoesWithItsLastFile)
{
    TestDriver driver;
    PDEVICE_OBJECT extra = nullptr;
    UNICODE_STRING name = string(u"\\Device\\IoTestExtra");
    ASSERT_EQ(IoCreateDevice(driver.object(), 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &extra),
              STATUS_SUCCESS);
    EXPECT_EQ(Opened(u"\\Device\\IoTestExtra").status, STATUS_NO_SUCH_DEVICE) << "still initializing";
    extra->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    Opened file(u"\\Device\\IoTestExtra\\f");
    ASSERT_EQ(file.status, STATUS_SUCCESS);
    IoDeleteDevice(extra);
    EXPECT_EQ(Opened(u"\\Device\\IoTestExtra\\f").status, STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_EQ(Opened(u"g", FILE_GENERIC_READ, 0, file.handle).status, STATUS_NO_SUCH_DEVICE);
    EXPECT_EQ(driver.object()->DeviceObject, extra);
    file.close();
    EXPECT_EQ(driver.object()->DeviceObject, driver.device());
}

TEST(Open, ExtraCreateParametersReachTheDriver)
{
    TestDriver driver;
    static const GUID guid = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
    int value = 0;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        PECP_LIST list = nullptr;
        PVOID context = nullptr;
        ULONG size = 0;
        EXPECT_EQ(FsRtlGetEcpListFromIrp(irp, &list), STATUS_SUCCESS);
        if (list != nullptr && NT_SUCCESS(FsRtlFindExtraCreateParameter(list, &guid, &context, &size))) {
            value = *static_cast<int*>(context);
            FsRtlAcknowledgeEcp(context);
        }
        return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    });
    PECP_LIST list = nullptr;
    PVOID context = nullptr;
    ASSERT_EQ(FsRtlAllocateExtraCreateParameterList(0, &list), STATUS_SUCCESS);
    ASSERT_EQ(FsRtlAllocateExtraCreateParameter(&guid, sizeof(int), 0, nullptr, test_tag, &context),
              STATUS_SUCCESS);
    *static_cast<int*>(context) = 42;
    ASSERT_EQ(FsRtlInsertExtraCreateParameter(list, context), STATUS_SUCCESS);
    IO_DRIVER_CREATE_CONTEXT driver_context;
    IoInitializeDriverCreateContext(&driver_context);
    driver_context.ExtraCreateParameter = list;

    UNICODE_STRING name = string(u"\\Device\\IoTest\\f");
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE handle = nullptr;
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(IoCreateFileEx(&handle, FILE_GENERIC_READ, &attributes, &iosb, nullptr, 0, 0, FILE_OPEN, 0,
                             nullptr, 0, CreateFileTypeNone, nullptr, 0, &driver_context),
              STATUS_SUCCESS);
    EXPECT_EQ(value, 42);
    EXPECT_TRUE(FsRtlIsEcpAcknowledged(context));
    EXPECT_EQ(NtClose(handle), STATUS_INVALID_HANDLE) << "a kernel handle is no user's";
    EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
    FsRtlFreeExtraCreateParameterList(list);
}

TEST(Open, RenameOpensTheTargetDirectory)
{
    TestDriver driver;
    PFILE_OBJECT target = nullptr;
    std::u16string target_name;
    UCHAR target_flags = 0;
    driver.on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
        if ((stack_of(irp)->Flags & SL_OPEN_TARGET_DIRECTORY) != 0) {
            target_flags = stack_of(irp)->Flags;
            target_name = name_of(stack_of(irp)->FileObject);
            target = stack_of(irp)->FileObject;
            return complete(irp, STATUS_SUCCESS, FILE_DOES_NOT_EXIST);
        }
        return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    });
    driver.on(IRP_MJ_QUERY_INFORMATION, [](PDEVICE_OBJECT, PIRP irp) {
        return complete(irp, STATUS_SUCCESS, sizeof(FILE_STANDARD_INFORMATION));
    });
    PFILE_OBJECT seen = nullptr;
    BOOLEAN replace = FALSE;
    driver.on(IRP_MJ_SET_INFORMATION, [&](PDEVICE_OBJECT, PIRP irp) {
        seen = stack_of(irp)->Parameters.SetFile.FileObject;
        replace = stack_of(irp)->Parameters.SetFile.ReplaceIfExists;
        return complete(irp, STATUS_SUCCESS);
    });
    Opened file(u"\\Device\\IoTest\\old", DELETE | SYNCHRONIZE);
    ASSERT_EQ(file.status, STATUS_SUCCESS);
    alignas(8) char buffer[128] = {};
    auto* rename = reinterpret_cast<PFILE_RENAME_INFORMATION>(buffer);
    const UNICODE_STRING name = string(u"\\Device\\IoTest\\new");
    rename->ReplaceIfExists = TRUE;
    rename->FileNameLength = name.Length;
    std::memcpy(rename->FileName, name.Buffer, name.Length);
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtSetInformationFile(file.handle, &iosb, rename, sizeof buffer, FileRenameInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(target_name, u"\\new");
    EXPECT_NE(target, nullptr);
    EXPECT_EQ(seen, target);
    EXPECT_TRUE(replace);
}

} // namespace
} // namespace fsp::test
