// SPDX-License-Identifier: MIT
//
// Self-registration (regsvr32): the driver's service and the source of messages in the event log.
#include <string>

#include <aclapi.h>

#include "dll/driver_service_windows.h"
#include "dll/module_windows.h"

namespace fsp::dll {
namespace {

constexpr HRESULT selfreg_class = static_cast<HRESULT>(0x80040201);
constexpr WCHAR event_source[] =
    FSP_L("SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" FSP_FSCTL_PRODUCT_NAME);

/// The driver's file is beside the DLL, of the same name.
bool driver_path(nt::WideString* path)
{
    const ModulePath own(module);
    *path = nt::WideString(own.text, own.length);
    if (path->size() < 4)
        return false;
    nt::WideString extension = path->substr(path->size() - 4);
    for (WCHAR& c : extension)
        c = c >= 'A' && c <= 'Z' ? static_cast<WCHAR>(c | 0x20) : c;
    if (extension == FSP_L(".dll"))
        path->replace(path->size() - 4, 4, FSP_L(".sys"));
    return extension == FSP_L(".dll") || extension == FSP_L(".sys");
}

/// Everybody may start the driver, and nobody may stop it by way of the service manager.
NTSTATUS secure(SC_HANDLE service)
{
    alignas(8) UCHAR current[8 * 1024];
    UCHAR everyone[SECURITY_MAX_SID_SIZE];
    DWORD size = 0, sid_size = sizeof everyone;
    if (!QueryServiceObjectSecurity(service, DACL_SECURITY_INFORMATION, current, sizeof current, &size) ||
        !CreateWellKnownSid(WinWorldSid, nullptr, everyone, &sid_size))
        return FspNtStatusFromWin32(GetLastError());
    PACL old = nullptr, merged = nullptr;
    BOOL present = FALSE, defaulted = FALSE;
    if (!GetSecurityDescriptorDacl(current, &present, &old, &defaulted))
        return FspNtStatusFromWin32(GetLastError());

    EXPLICIT_ACCESSW entries[2]{};
    entries[0].grfAccessPermissions = SERVICE_QUERY_STATUS | SERVICE_START;
    entries[0].grfAccessMode = GRANT_ACCESS;
    entries[1].grfAccessPermissions = SERVICE_STOP;
    entries[1].grfAccessMode = DENY_ACCESS;
    for (auto& entry : entries) {
        entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
        entry.Trustee.TrusteeType = TRUSTEE_IS_WELL_KNOWN_GROUP;
        entry.Trustee.ptstrName = reinterpret_cast<PWSTR>(everyone);
    }
    const DWORD error = SetEntriesInAclW(2, entries, present ? old : nullptr, &merged);
    if (error != ERROR_SUCCESS)
        return FspNtStatusFromWin32(error);
    SECURITY_DESCRIPTOR changed;
    const bool set = InitializeSecurityDescriptor(&changed, SECURITY_DESCRIPTOR_REVISION) &&
                     SetSecurityDescriptorDacl(&changed, TRUE, merged, FALSE) &&
                     SetServiceObjectSecurity(service, DACL_SECURITY_INFORMATION, &changed);
    const NTSTATUS status = set ? STATUS_SUCCESS : FspNtStatusFromWin32(GetLastError());
    LocalFree(merged);
    return status;
}

NTSTATUS register_driver()
{
    nt::WideString path;
    if (!driver_path(&path))
        return STATUS_NO_SUCH_DEVICE;
    const nt::WideString name = driver_service_name();
    const ServiceHandle manager(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CREATE_SERVICE));
    if (manager.get() == nullptr)
        return FspNtStatusFromWin32(GetLastError());

    constexpr DWORD access = SERVICE_CHANGE_CONFIG | READ_CONTROL | WRITE_DAC;
    SC_HANDLE raw = OpenServiceW(manager.get(), name.c_str(), access);
    if (raw != nullptr) {
        if (!ChangeServiceConfigW(raw, SERVICE_FILE_SYSTEM_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                                  path.c_str(), nullptr, nullptr, nullptr, nullptr, nullptr, name.c_str()))
        {
            const NTSTATUS status = FspNtStatusFromWin32(GetLastError());
            CloseServiceHandle(raw);
            return status;
        }
    } else if (GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST) {
        raw = CreateServiceW(manager.get(), name.c_str(), name.c_str(), access, SERVICE_FILE_SYSTEM_DRIVER,
                             SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, path.c_str(), nullptr, nullptr,
                             nullptr, nullptr, nullptr);
    }
    if (raw == nullptr)
        return FspNtStatusFromWin32(GetLastError());
    const ServiceHandle service(raw);

    nt::WideString description = FileVersion(path.c_str()).text(FSP_L("FileDescription"));
    if (!description.empty()) {
        SERVICE_DESCRIPTIONW info{description.data()};
        ChangeServiceConfig2W(service.get(), SERVICE_CONFIG_DESCRIPTION, &info);
    }
    return secure(service.get());
}

NTSTATUS unregister_driver()
{
    NTSTATUS status;
    const ServiceHandle service =
        open_service(driver_service_name().c_str(), SC_MANAGER_CONNECT, DELETE, &status);
    if (status == STATUS_NO_SUCH_DEVICE)
        return STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status;
    return DeleteService(service.get()) || GetLastError() == ERROR_SERVICE_MARKED_FOR_DELETE
               ? STATUS_SUCCESS
               : FspNtStatusFromWin32(GetLastError());
}

void register_event_source()
{
    const ModulePath own(module);
    HKEY key;
    if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, event_source, 0, nullptr, 0, KEY_SET_VALUE, nullptr, &key,
                        nullptr) != ERROR_SUCCESS)
        return;
    const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    RegSetValueExW(key, FSP_L("EventMessageFile"), 0, REG_SZ, reinterpret_cast<const BYTE*>(own.text),
                   (own.length + 1) * sizeof(WCHAR));
    RegSetValueExW(key, FSP_L("TypesSupported"), 0, REG_DWORD, reinterpret_cast<const BYTE*>(&types),
                   sizeof types);
    RegCloseKey(key);
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

extern "C" __declspec(dllexport) HRESULT WINAPI DllRegisterServer()
{
    if (!NT_SUCCESS(register_driver()))
        return selfreg_class;
    register_event_source();
    return S_OK;
}

extern "C" __declspec(dllexport) HRESULT WINAPI DllUnregisterServer()
{
    (void)FspFsctlStopService();
    if (!NT_SUCCESS(unregister_driver()))
        return selfreg_class;
    RegDeleteKeyW(HKEY_LOCAL_MACHINE, event_source);
    return S_OK;
}
