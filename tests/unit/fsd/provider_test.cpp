// SPDX-License-Identifier: MIT

/// Volumes whose file system is a kernel driver.

#include "registry_key.h"
#include "volume_fixture.h"

#include <winfsp/fsext.h>

using namespace fsp::test;

namespace {

constexpr ULONG code_of(ULONG number)
{
    return CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0xC00 | number, METHOD_BUFFERED, FILE_ANY_ACCESS);
}

/// What the driver exports: the shipped driver's routine, or the one in this program.
template<class F> F* routine(const char* name, F* built_in)
{
    return shipped_fsd() ? reinterpret_cast<F*>(shipped_fsd()->find_export(name)) : built_in;
}

NTSTATUS register_provider(FSP_FSEXT_PROVIDER* provider)
{
    auto* const exported = routine("FspFsextProviderRegister", FspFsextProviderRegister);
    return exported ? exported(provider) : STATUS_PROCEDURE_NOT_FOUND;
}

NTSTATUS transact(PFILE_OBJECT file, FSP_FSCTL_TRANSACT_RSP* response, FSP_FSCTL_TRANSACT_REQ** request)
{
    return routine("FspFsextProviderTransact", FspFsextProviderTransact)(nullptr, file, response, request);
}

/// The file system of every provider here: a root directory.
struct KernelFileSystem
{
    int initialised = 0;
    std::atomic<int> finished{0}, expirations{0};
    NTSTATUS init_status = STATUS_SUCCESS;
    PDEVICE_OBJECT device = nullptr;
    NTSTATUS last_status = STATUS_SUCCESS;
    Volume answers;
};
KernelFileSystem* current;
FSP_FSEXT_PROVIDER provider;

NTSTATUS NTAPI init(PDEVICE_OBJECT device, FSP_FSCTL_VOLUME_PARAMS* params)
{
    current->initialised++;
    current->device = device;
    const auto* storage = static_cast<const char*>(device->DeviceExtension) + provider.DeviceExtensionOffset;
    EXPECT_EQ(std::count(storage, storage + provider.DeviceExtensionSize, 0), provider.DeviceExtensionSize);
    params->CaseSensitiveSearch = 1;
    return current->init_status;
}

VOID NTAPI fini(PDEVICE_OBJECT device)
{
    EXPECT_EQ(device, current->device);
    current->finished++;
}

VOID NTAPI expire(PDEVICE_OBJECT device, UINT64 now)
{
    EXPECT_EQ(device, current->device);
    EXPECT_NE(now, 0u);
    ++current->expirations;
}

/// Serves one request, as a dispatcher thread of a kernel file system would; Information says how many.
NTSTATUS NTAPI serve(PDEVICE_OBJECT device, PIRP irp)
{
    EXPECT_EQ(device, current->device);
    memset(static_cast<char*>(device->DeviceExtension) + provider.DeviceExtensionOffset, 0xcc,
           provider.DeviceExtensionSize);
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    FSP_FSCTL_TRANSACT_REQ* request = nullptr;
    NTSTATUS status = transact(file, nullptr, &request);
    if (request) {
        FSP_FSCTL_TRANSACT_RSP response;
        current->answers.answer(*request, response);
        ExFreePool(request);
        irp->IoStatus.Information = 1;
        status = transact(file, &response, nullptr);
    }
    return status;
}

NTSTATUS NTAPI provider_driver(PDRIVER_OBJECT, PUNICODE_STRING)
{
    provider = {sizeof provider, code_of(1), 1000, init, fini, expire, serve, 0};
    return register_provider(&provider);
}

NTSTATUS NTAPI idle_driver(PDRIVER_OBJECT, PUNICODE_STRING) { return STATUS_SUCCESS; }

NTSTATUS open_volume(ULONG code, HANDLE* handle)
{
    load_fsd();
    FSP_FSCTL_VOLUME_PARAMS params{};
    params.Version = sizeof params;
    params.FsextControlCode = code;
    return open_name(params_path(params, u"\\Device\\WinFsp.Disk"), FILE_READ_ATTRIBUTES, FILE_OPEN, 0,
                     FILE_SHARE_READ | FILE_SHARE_WRITE, handle);
}

Key provider_key()
{
    settings_key();
    return Key(u"\\Registry\\Machine\\Software\\WOW6432Node\\WinFsp\\Fsext");
}

} // namespace

TEST(Provider, AVolumeIsServedByADriverThatIsLoadedForIt)
{
    KernelFileSystem fs;
    current = &fs;
    provider_key().set(u"00093004", REG_SZ, u"KernelFs", sizeof u"KernelFs");
    fsp::ntos::register_service(u"KernelFs", provider_driver);
    static_assert(code_of(1) == 0x00093004);

    HANDLE control_handle = nullptr;
    ASSERT_EQ(open_volume(code_of(1), &control_handle), STATUS_SUCCESS);
    EXPECT_EQ(fs.initialised, 1);
    EXPECT_GE(provider.DeviceExtensionOffset, 1u);
    WCHAR name[256]{};
    ASSERT_EQ(control(control_handle, FSP_FSCTL_VOLUME_NAME, nullptr, 0, name, sizeof name), STATUS_SUCCESS);
    ASSERT_EQ(control(control_handle, FSP_FSCTL_TRANSACT, nullptr, 0, nullptr, 0), STATUS_SUCCESS);
    EXPECT_EQ(control(control_handle, code_of(2), nullptr, 0, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);

    std::thread dispatcher([&] {
        ULONG served = 0;
        NTSTATUS status;
        while (NT_SUCCESS(status = control(control_handle, code_of(1), nullptr, 0, nullptr, 0, &served)))
            EXPECT_LE(served, 1u);
        fs.last_status = status;
    });
    HANDLE root = nullptr;
    EXPECT_EQ(open_name(std::u16string(name) + u"\\", FILE_READ_ATTRIBUTES | SYNCHRONIZE, FILE_OPEN,
                        FILE_SYNCHRONOUS_IO_NONALERT, FILE_SHARE_READ, &root),
              STATUS_SUCCESS);
    NtClose(root);
    EXPECT_EQ(open_name(std::u16string(name) + u"\\missing", FILE_READ_ATTRIBUTES | SYNCHRONIZE, FILE_OPEN,
                        FILE_SYNCHRONOUS_IO_NONALERT, FILE_SHARE_READ, &root),
              STATUS_OBJECT_NAME_NOT_FOUND);
    while (fs.expirations == 0)
        std::this_thread::yield();
    control(control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
    dispatcher.join();
    EXPECT_EQ(fs.last_status, STATUS_CANCELLED);
    NtClose(control_handle);
    for (int i = 0; i < 3000 && fs.finished == 0; i++) // the last file's close may be on its way
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(fs.finished, 1);

    // It is loaded now.
    fs.init_status = STATUS_DEVICE_NOT_READY;
    EXPECT_EQ(open_volume(code_of(1), &control_handle), STATUS_DEVICE_NOT_READY);
    EXPECT_EQ(fs.initialised, 2);
    EXPECT_EQ(fs.finished, 1);
}

TEST(Provider, AVolumeOfAnUnknownProviderIsRefused)
{
    HANDLE handle = nullptr;
    EXPECT_EQ(open_volume(code_of(0x10), &handle), STATUS_OBJECT_NAME_NOT_FOUND);
    const Key key = provider_key();
    EXPECT_EQ(open_volume(code_of(0x11), &handle), STATUS_OBJECT_NAME_NOT_FOUND) << "no such value";
    key.set(u"00093048", REG_DWORD, u"ab", 4);
    EXPECT_EQ(open_volume(code_of(0x12), &handle), STATUS_OBJECT_NAME_NOT_FOUND) << "not a string";
    key.set(u"0009304c", REG_SZ, u"", 2);
    EXPECT_EQ(open_volume(code_of(0x13), &handle), STATUS_OBJECT_NAME_NOT_FOUND) << "empty";
    key.set(u"00093050", REG_SZ, u"Nobody", sizeof u"Nobody");
    EXPECT_EQ(open_volume(code_of(0x14), &handle), STATUS_OBJECT_NAME_NOT_FOUND) << "no such service";
    fsp::ntos::register_service(u"Idle", idle_driver);
    key.set(u"00093054", REG_SZ, u"Idle", sizeof u"Idle" - 2);
    EXPECT_EQ(open_volume(code_of(0x15), &handle), STATUS_OBJECT_NAME_NOT_FOUND) << "does not register";
    EXPECT_EQ(open_volume(code_of(0x15), &handle), STATUS_OBJECT_NAME_NOT_FOUND) << "loaded already";
}

TEST(Provider, ACodeOfAProviderMeansNothingToOtherVolumes)
{
    Volume volume;
    volume.start(Dispatch::none);
    EXPECT_EQ(control(volume.control_handle, code_of(1), nullptr, 0, nullptr, 0),
              STATUS_INVALID_DEVICE_REQUEST);
}

TEST(Provider, RegistrationIsChecked)
{
    load_fsd();
    FSP_FSEXT_PROVIDER bad{};
    EXPECT_EQ(register_provider(&bad), STATUS_INVALID_PARAMETER);
    bad.DeviceTransactCode = FSP_FSCTL_TRANSACT;
    EXPECT_EQ(register_provider(&bad), STATUS_INVALID_PARAMETER);
    bad.DeviceTransactCode = code_of(0x20);
    bad.DeviceExtensionSize = 0xffffffff;
    EXPECT_EQ(register_provider(&bad), STATUS_INVALID_PARAMETER);

    static FSP_FSEXT_PROVIDER many[17]; // they stay
    int registered = 0;
    NTSTATUS status = STATUS_SUCCESS;
    for (; registered < 17; registered++) {
        many[registered].DeviceTransactCode = code_of(0x100 + static_cast<ULONG>(registered));
        status = register_provider(&many[registered]);
        if (!NT_SUCCESS(status))
            break;
    }
    EXPECT_EQ(status, STATUS_TOO_LATE);
    EXPECT_GE(registered, 15) << "the other tests of this program have one";
    EXPECT_EQ(register_provider(&many[0]), STATUS_OBJECT_NAME_COLLISION);

    HANDLE handle = nullptr;
    ASSERT_EQ(open_volume(code_of(0x100), &handle), STATUS_SUCCESS) << "without a single callback";
    EXPECT_EQ(control(handle, code_of(0x100), nullptr, 0, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);
    NtClose(handle);
}
