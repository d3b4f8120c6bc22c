// SPDX-License-Identifier: MIT
//
// The driver as a service of the system: started when it is needed, by whoever needs it.
#include <string>

#include "dll/driver_service_windows.h"
#include "dll/module_windows.h"
#include "dll/srw_lock.h"
#include "dll/transport.h"
#include "nt/text.h"

namespace fsp::dll {

ServiceHandle open_service(const WCHAR* name, DWORD manager_access, DWORD access, NTSTATUS* status)
{
    const ServiceHandle manager(OpenSCManagerW(nullptr, nullptr, manager_access));
    ServiceHandle service(manager.get() != nullptr ? OpenServiceW(manager.get(), name, access) : nullptr);
    const DWORD error = service.get() != nullptr ? NO_ERROR : GetLastError();
    *status = error == ERROR_SERVICE_DOES_NOT_EXIST ? STATUS_NO_SUCH_DEVICE
              : error != NO_ERROR                   ? FspNtStatusFromWin32(error)
                                                    : STATUS_SUCCESS;
    return service;
}

nt::WideString driver_service_name()
{
    nt::WideString name = FSP_L("" FSP_FSCTL_DRIVER_NAME);
    if (const WCHAR* ident = FspSxsIdent(); ident[0] != 0) {
        name += '+';
        name += ident;
    }
    return name;
}

namespace {

SRWLOCK start_lock = SRWLOCK_INIT;

/// Keeps other processes from starting or stopping the driver: a lock on a byte that no file has.
class MachineLock
{
  public:
    MachineLock()
    {
        constexpr DWORD patience = 11'000;
        const ModulePath path(module);
        file_ = CreateFileW(path.text, FILE_READ_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                            nullptr, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, nullptr);
        if (file_ == INVALID_HANDLE_VALUE)
            return;
        where_.Offset = 0xfffffff0;
        where_.OffsetHigh = 0xffffffff;
        where_.hEvent = CreateEventW(nullptr, TRUE, FALSE, nullptr);
        if (where_.hEvent == nullptr)
            return;
        // Whoever holds it for so long is stuck: on without it then.
        DWORD unused;
        if (!LockFileEx(file_, LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, &where_) &&
            GetLastError() == ERROR_IO_PENDING &&
            WaitForSingleObject(where_.hEvent, patience) != WAIT_OBJECT_0)
        {
            CancelIo(file_);
            GetOverlappedResult(file_, &where_, &unused, TRUE);
        }
    }
    MachineLock(const MachineLock&) = delete;
    ~MachineLock()
    {
        if (file_ != INVALID_HANDLE_VALUE)
            CloseHandle(file_);
        if (where_.hEvent != nullptr)
            CloseHandle(where_.hEvent);
    }

  private:
    HANDLE file_;
    OVERLAPPED where_{};
};

/// In a container the host's driver serves.
bool in_container()
{
    DWORD type = 0, size = 0;
    HKEY key;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, FSP_L("SYSTEM\\CurrentControlSet\\Control"), 0, KEY_READ, &key) !=
        ERROR_SUCCESS)
        return false;
    const LSTATUS status = RegQueryValueExW(key, FSP_L("ContainerType"), nullptr, &type, nullptr, &size);
    RegCloseKey(key);
    return status == ERROR_SUCCESS && type == REG_DWORD;
}

NTSTATUS start_service(const WCHAR* name)
{
    constexpr DWORD poll = 500, polls = 20;
    NTSTATUS status;
    const ServiceHandle service =
        open_service(name, SC_MANAGER_CONNECT, SERVICE_QUERY_STATUS | SERVICE_START, &status);
    if (!NT_SUCCESS(status))
        return status;
    SERVICE_STATUS state;
    if (QueryServiceStatus(service.get(), &state) && state.dwCurrentState == SERVICE_RUNNING)
        return STATUS_SUCCESS;
    if (!StartServiceW(service.get(), 0, nullptr)) {
        const DWORD error = GetLastError();
        return error == ERROR_SERVICE_ALREADY_RUNNING ? STATUS_SUCCESS : FspNtStatusFromWin32(error);
    }
    for (DWORD i = 0; i != polls; ++i) {
        if (!QueryServiceStatus(service.get(), &state))
            return FspNtStatusFromWin32(GetLastError());
        if (state.dwCurrentState == SERVICE_RUNNING)
            return STATUS_SUCCESS;
        Sleep(poll);
    }
    return STATUS_DRIVER_UNABLE_TO_LOAD;
}

/// The name that sorts last: installations are named by their time.
void take_last(PVOID context, PWSTR name, BOOLEAN)
{
    auto& last = *static_cast<nt::WideString*>(context);
    if (last.empty() || CompareStringOrdinal(name, -1, last.c_str(), -1, FALSE) == CSTR_GREATER_THAN)
        last = name;
}

NTSTATUS start_any()
{
    NTSTATUS status = start_service(driver_service_name().c_str());
    if (status != STATUS_NO_SUCH_DEVICE || FspSxsIdent()[0] != 0)
        return status;
    nt::WideString last;
    if (!NT_SUCCESS(FspFsctlEnumServices(take_last, &last)) || last.empty())
        return status;
    return start_service(last.c_str());
}

/// While alive this thread may unload drivers, if its user may.
class LoadDriverPrivilege
{
  public:
    LoadDriverPrivilege()
    {
        HANDLE token;
        own_token_ =
            !OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, TRUE, &token);
        if (own_token_ &&
            (!ImpersonateSelf(SecurityImpersonation) ||
             !OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, TRUE, &token)))
            return;
        TOKEN_PRIVILEGES wanted{};
        wanted.PrivilegeCount = 1;
        wanted.Privileges[0].Luid.LowPart = 10; // SeLoadDriverPrivilege
        wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
        held_ = AdjustTokenPrivileges(token, FALSE, &wanted, 0, nullptr, nullptr) &&
                GetLastError() == ERROR_SUCCESS;
        CloseHandle(token);
    }
    LoadDriverPrivilege(const LoadDriverPrivilege&) = delete;
    ~LoadDriverPrivilege()
    {
        if (own_token_)
            RevertToSelf();
    }
    bool held() const { return held_; }

  private:
    bool own_token_ = false;
    bool held_ = false;
};

bool is_driver_name(const WCHAR* name)
{
    constexpr nt::WideView base = FSP_L("" FSP_FSCTL_DRIVER_NAME);
    const size_t length = nt::length(name);
    return length >= base.size() && (name[base.size()] == 0 || name[base.size()] == '+') &&
           CompareStringOrdinal(name, static_cast<int>(base.size()), base.data(),
                                static_cast<int>(base.size()), TRUE) == CSTR_EQUAL;
}

/// major << 16 | minor of the file that a service runs; 0 if unknown.
UINT32 read_version()
{
    NTSTATUS status;
    const ServiceHandle service =
        open_service(driver_service_name().c_str(), SC_MANAGER_CONNECT, SERVICE_QUERY_CONFIG, &status);
    alignas(8) UCHAR buffer[8 * 1024];
    DWORD size = 0;
    if (!NT_SUCCESS(status) ||
        !QueryServiceConfigW(service.get(), reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer), sizeof buffer,
                             &size))
        return 0;
    nt::WideString path = reinterpret_cast<const QUERY_SERVICE_CONFIGW*>(buffer)->lpBinaryPathName;
    if (path.starts_with(FSP_L("\\??\\UNC\\")))
        path.replace(0, 8, FSP_L("\\\\"));
    else if (path.starts_with(FSP_L("\\??\\")))
        path.erase(0, 4);
    return FileVersion(path.c_str()).number();
}

} // namespace

FileVersion::FileVersion(const WCHAR* path)
    : file_(LoadLibraryExW(path, nullptr, LOAD_LIBRARY_AS_DATAFILE | LOAD_LIBRARY_AS_IMAGE_RESOURCE))
{
    if (file_ == nullptr)
        return;
    const HRSRC resource = FindResourceW(file_, MAKEINTRESOURCEW(1), MAKEINTRESOURCEW(16)); // RT_VERSION
    const HGLOBAL loaded = resource != nullptr ? LoadResource(file_, resource) : nullptr;
    if (loaded == nullptr)
        return;
    data_ = static_cast<const UCHAR*>(LockResource(loaded));
    size_ = SizeofResource(file_, resource);
}

FileVersion::~FileVersion()
{
    if (file_ != nullptr)
        FreeLibrary(file_);
}

UINT32 FileVersion::number() const
{
    // Three words, the key "VS_VERSION_INFO", and aligned to 4 the fixed part.
    constexpr DWORD fixed = 40;
    if (data_ == nullptr || size_ < fixed + sizeof(VS_FIXEDFILEINFO))
        return 0;
    VS_FIXEDFILEINFO info;
    std::memcpy(&info, data_ + fixed, sizeof info);
    return info.dwSignature == 0xfeef04bd ? info.dwFileVersionMS : 0;
}

nt::WideString FileVersion::text(const WCHAR* key) const
{
    const nt::WideView all(reinterpret_cast<const WCHAR*>(data_),
                           data_ != nullptr ? size_ / sizeof(WCHAR) : 0);
    nt::WideString with_end = key;
    with_end += WCHAR{0};
    const size_t at = all.find(with_end);
    if (at == all.npos)
        return {};
    size_t from = (at + with_end.size() + 1) & ~size_t{1};
    size_t end = from;
    while (end < all.size() && all[end] != 0)
        ++end;
    return nt::WideString(all.substr(from, end - from));
}

} // namespace fsp::dll

using namespace fsp::dll;

NTSTATUS FspFsctlServiceVersion(PUINT32 PVersion)
{
    static UINT32 known = 0;
    if (known == 0)
        known = read_version();
    if (PVersion != nullptr)
        *PVersion = known;
    return known != 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS FspFsctlStartService()
{
    if (in_container())
        return STATUS_SUCCESS;
    const ExclusiveHold hold(start_lock);
    const MachineLock lock;
    return start_any();
}

NTSTATUS FspFsctlStopService()
{
    if (in_container())
        return STATUS_SUCCESS;
    const ExclusiveHold hold(start_lock);
    const MachineLock lock;
    const LoadDriverPrivilege privilege;
    if (!privilege.held())
        return STATUS_PRIVILEGE_NOT_HELD;
    fsp::nt::WideString path = FSP_L("\\Device\\" FSP_FSCTL_DISK_DEVICE_NAME);
    if (const WCHAR* ident = FspSxsIdent(); ident[0] != 0) {
        path += '+';
        path += ident;
    }
    HANDLE device;
    NTSTATUS status = fsp::transport::open(path.c_str(), &device);
    if (status == STATUS_NO_SUCH_DEVICE || status == STATUS_OBJECT_NAME_NOT_FOUND ||
        status == STATUS_OBJECT_PATH_NOT_FOUND)
        return STATUS_SUCCESS; // not running
    if (!NT_SUCCESS(status))
        return status;
    status = fsp::transport::control(device, FSP_FSCTL_UNLOAD, nullptr, 0, nullptr, 0, nullptr);
    fsp::transport::close(device);
    return status;
}

NTSTATUS FspFsctlEnumServices(VOID (*EnumFn)(PVOID Context, PWSTR ServiceName, BOOLEAN Running),
                              PVOID Context)
{
    const ServiceHandle manager(
        OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE));
    if (manager.get() == nullptr)
        return FspNtStatusFromWin32(GetLastError());
    alignas(8) UCHAR buffer[16 * 1024];
    DWORD needed = 0, count = 0, resume = 0;
    for (bool more = true; more;) {
        more = false;
        if (!EnumServicesStatusExW(manager.get(), SC_ENUM_PROCESS_INFO, SERVICE_FILE_SYSTEM_DRIVER,
                                   SERVICE_STATE_ALL, buffer, sizeof buffer, &needed, &count, &resume,
                                   nullptr))
        {
            if (GetLastError() != ERROR_MORE_DATA)
                return FspNtStatusFromWin32(GetLastError());
            more = count != 0;
        }
        auto* services = reinterpret_cast<ENUM_SERVICE_STATUS_PROCESSW*>(buffer);
        for (DWORD i = 0; i != count; ++i)
            if (is_driver_name(services[i].lpServiceName))
                EnumFn(Context, services[i].lpServiceName,
                       services[i].ServiceStatusProcess.dwCurrentState != SERVICE_STOPPED);
    }
    return STATUS_SUCCESS;
}
