// SPDX-License-Identifier: MIT
//
// The DLL against Windows' own functions. Prints one line for each test that fails, and a closing count.
#include <winfsp/winfsp.h>

#include <sddl.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

int checks = 0, failures = 0;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        ++checks;                                                                                            \
        if (!(condition)) {                                                                                  \
            ++failures;                                                                                      \
            std::printf("%s:%d: not so: %s\n", __func__, __LINE__, #condition);                              \
        }                                                                                                    \
    } while (0)

template<class Function> auto made_by(Function* maker)
{
    return reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(maker));
}

std::wstring windows_path(const char* posix)
{
    PWSTR path = nullptr;
    if (FspPosixMapPosixToWindowsPathEx(posix, &path, TRUE) != STATUS_SUCCESS)
        return L"?";
    std::wstring result = path;
    FspPosixDeletePath(path);
    return result;
}

std::string posix_path(const wchar_t* windows)
{
    char* path = nullptr;
    if (FspPosixMapWindowsToPosixPathEx(const_cast<PWSTR>(windows), &path, TRUE) != STATUS_SUCCESS)
        return "?";
    std::string result = path;
    FspPosixDeletePath(path);
    return result;
}

void paths()
{
    CHECK(windows_path("/a/b") == L"\\a\\b");
    CHECK(posix_path(L"\\a\\b") == "/a/b");
    // Characters that Windows reserves live in the private use area, and come back.
    for (const char* text : {"/a:b", "/x*?\"<>|y", "/caf\xc3\xa9", "/\xf0\x9f\x98\x80", "/back\\slash"}) {
        const std::wstring there = windows_path(text);
        CHECK(there.find_first_of(L":*?\"<>|") == there.npos);
        CHECK(posix_path(there.c_str()) == text);
    }
    WCHAR path[] = L"\\first\\second\\last", root[] = L"\\";
    PWSTR suffix = nullptr, remain = nullptr;
    FspPathSuffix(path, &remain, &suffix, root);
    CHECK(std::wstring(suffix) == L"last" && std::wstring(remain) == L"\\first\\second");
    FspPathCombine(path, suffix);
    CHECK(std::wstring(path) == L"\\first\\second\\last");
}

std::wstring sddl_of(PSECURITY_DESCRIPTOR descriptor)
{
    PWSTR text = nullptr;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor, SDDL_REVISION_1,
            OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &text,
            nullptr))
        return L"?";
    std::wstring result = text;
    LocalFree(text);
    return result;
}

PSECURITY_DESCRIPTOR descriptor_of(const wchar_t* sddl)
{
    PSECURITY_DESCRIPTOR result = nullptr;
    ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &result, nullptr);
    return result;
}

void posix_identities()
{
    for (const UINT32 id : {0u, 18u, 65534u, 500u, 544u, 0x30000u + 1000u}) {
        PSID sid = nullptr;
        CHECK(FspPosixMapUidToSid(id, &sid) == STATUS_SUCCESS && IsValidSid(sid));
        PWSTR text = nullptr;
        PSID again = nullptr;
        CHECK(ConvertSidToStringSidW(sid, &text) && ConvertStringSidToSidW(text, &again) &&
              EqualSid(sid, again));
        LocalFree(text);
        LocalFree(again);
        FspDeleteSid(sid, made_by(FspPosixMapUidToSid));
    }
    PSID system = nullptr;
    UINT32 id = 0;
    CHECK(ConvertStringSidToSidW(L"S-1-5-18", &system));
    CHECK(FspPosixMapSidToUid(system, &id) == STATUS_SUCCESS && id == 18);
    LocalFree(system);
}

void posix_permissions()
{
    for (UINT32 mode = 0; mode <= 07777; mode += 0111) {
        PSECURITY_DESCRIPTOR descriptor = nullptr;
        UINT32 uid = 0, gid = 0, back = 0;
        CHECK(FspPosixMapPermissionsToSecurityDescriptor(18, 544, mode & 0777, &descriptor) ==
              STATUS_SUCCESS);
        CHECK(IsValidSecurityDescriptor(descriptor));
        CHECK(FspPosixMapSecurityDescriptorToPermissions(descriptor, &uid, &gid, &back) == STATUS_SUCCESS);
        CHECK(uid == 18 && gid == 544 && (back & 0777) == (mode & 0777));
        FspDeleteSecurityDescriptor(descriptor, made_by(FspPosixMapPermissionsToSecurityDescriptor));
    }
}

void security_descriptors()
{
    PSECURITY_DESCRIPTOR before = descriptor_of(L"O:SYG:BAD:P(A;;FA;;;SY)(A;;FR;;;WD)");
    PSECURITY_DESCRIPTOR change = descriptor_of(L"D:P(A;;FA;;;BA)");
    PSECURITY_DESCRIPTOR after = nullptr;
    CHECK(before != nullptr && change != nullptr);
    CHECK(FspSetSecurityDescriptor(before, DACL_SECURITY_INFORMATION, change, &after) == STATUS_SUCCESS);
    CHECK(IsValidSecurityDescriptor(after));
    CHECK(sddl_of(after) == L"O:SYG:BAD:P(A;;FA;;;BA)");
    FspDeleteSecurityDescriptor(after, made_by(FspSetSecurityDescriptor));
    LocalFree(change);

    change = descriptor_of(L"O:BAG:SY");
    CHECK(FspSetSecurityDescriptor(before, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION, change,
                                   &after) == STATUS_SUCCESS);
    CHECK(sddl_of(after) == L"O:BAG:SYD:P(A;;FA;;;SY)(A;;FR;;;WD)");
    FspDeleteSecurityDescriptor(after, made_by(FspSetSecurityDescriptor));
    LocalFree(change);
    LocalFree(before);
}

void directory_buffers()
{
    PVOID buffer = nullptr;
    NTSTATUS status = STATUS_SUCCESS;
    CHECK(FspFileSystemAcquireDirectoryBuffer(&buffer, FALSE, &status));
    for (int i = 99; i >= 0; --i) {
        alignas(FSP_FSCTL_DIR_INFO) UCHAR memory[sizeof(FSP_FSCTL_DIR_INFO) + 16 * sizeof(WCHAR)] = {};
        auto* entry = reinterpret_cast<FSP_FSCTL_DIR_INFO*>(memory);
        WCHAR name[16];
        const auto size = static_cast<size_t>(std::swprintf(name, 16, L"file%02d", i)) * sizeof(WCHAR);
        entry->Size = static_cast<UINT16>(sizeof *entry + size);
        std::memcpy(entry->FileNameBuf, name, size);
        CHECK(FspFileSystemFillDirectoryBuffer(&buffer, entry, &status));
    }
    FspFileSystemReleaseDirectoryBuffer(&buffer);
    std::vector<UINT64> out(4096 / 8);
    ULONG bytes = 0;
    WCHAR marker[] = L"file41";
    FspFileSystemReadDirectoryBuffer(&buffer, marker, out.data(), 4096, &bytes);
    const auto* first = reinterpret_cast<const FSP_FSCTL_DIR_INFO*>(out.data());
    CHECK(bytes != 0 && std::wstring(first->FileNameBuf, 6) == L"file42");
    FspFileSystemDeleteDirectoryBuffer(&buffer);
    CHECK(buffer == nullptr);
}

void errors()
{
    // One way is Windows' own; the other is ours, and must lead back for the common ones.
    for (const DWORD error :
         {ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION,
          ERROR_LOCK_VIOLATION, ERROR_DISK_FULL, ERROR_FILE_EXISTS, ERROR_DIR_NOT_EMPTY, ERROR_ALREADY_EXISTS,
          ERROR_DIRECTORY, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED, ERROR_INSUFFICIENT_BUFFER,
          ERROR_MORE_DATA, ERROR_PRIVILEGE_NOT_HELD})
    {
        const NTSTATUS status = FspNtStatusFromWin32(error);
        CHECK(status != STATUS_SUCCESS);
        const DWORD back = FspWin32FromNtStatus(status);
        CHECK(back == error || (error == ERROR_FILE_EXISTS && back == ERROR_ALREADY_EXISTS));
    }
    CHECK(FspNtStatusFromWin32(0) == STATUS_SUCCESS);
    CHECK(FspNtStatusFromWin32(12345) == static_cast<NTSTATUS>(0x80070000 | 12345));
    for (const NTSTATUS status :
         {STATUS_OBJECT_NAME_NOT_FOUND, STATUS_ACCESS_DENIED, STATUS_DISK_FULL, STATUS_DIRECTORY_NOT_EMPTY,
          STATUS_SHARING_VIOLATION, STATUS_NO_SUCH_DEVICE})
        CHECK(FspWin32FromNtStatus(status) == RtlNtStatusToDosError(status));
}

void debug_log()
{
    WCHAR folder[MAX_PATH], name[MAX_PATH];
    CHECK(GetTempPathW(MAX_PATH, folder) && GetTempFileNameW(folder, L"fsp", 0, name));
    const HANDLE file = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, nullptr,
                                    CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, nullptr);
    CHECK(file != INVALID_HANDLE_VALUE);
    FspDebugLogSetHandle(file);
    FspDebugLog("%s %d %08lx %S\n", "text", -5, 0xabcdul, L"wide");
    PSECURITY_DESCRIPTOR descriptor = descriptor_of(L"O:SYG:BAD:P(A;;FA;;;SY)");
    FspDebugLogSD("[%s]\n", descriptor);
    FspDebugLogSD("[%s]\n", nullptr);
    LocalFree(descriptor);
    char text[512] = {};
    DWORD size = 0;
    SetFilePointer(file, 0, nullptr, FILE_BEGIN);
    CHECK(ReadFile(file, text, sizeof text - 1, &size, nullptr));
    CHECK(std::string(text) ==
          "text -5 0000abcd wide\n[O:SYG:BAD:P(A;;FA;;;SY)]\n[null security descriptor]\n");
    FspDebugLogSetHandle(INVALID_HANDLE_VALUE);
    CloseHandle(file);
}

void versions()
{
    UINT32 version = 0;
    CHECK(FspVersion(&version) == STATUS_SUCCESS && version == 0x00020002);
    CHECK(FspSxsIdent()[0] == 0);
}

void no_driver(PVOID context, PWSTR, BOOLEAN) { ++*static_cast<int*>(context); }

/// Without a driver everything that needs one says so.
void without_driver()
{
    FSP_FSCTL_VOLUME_PARAMS params{};
    params.Version = sizeof params;
    params.SectorSize = 4096;
    params.SectorsPerAllocationUnit = 1;
    params.MaxComponentLength = 255;
    FSP_FILE_SYSTEM_INTERFACE operations{};
    FSP_FILE_SYSTEM* fs = nullptr;
    WCHAR device[] = L"" FSP_FSCTL_DISK_DEVICE_NAME;
    CHECK(FspFileSystemCreate(device, &params, &operations, &fs) == STATUS_NO_SUCH_DEVICE);
    CHECK(fs == nullptr);
    CHECK(FspFileSystemPreflight(device, nullptr) == STATUS_NO_SUCH_DEVICE);
    CHECK(FspFsctlStartService() == STATUS_NO_SUCH_DEVICE);
    int found = 0;
    CHECK(FspFsctlEnumServices(no_driver, &found) == STATUS_SUCCESS && found == 0);
}

/// regsvr32's way: a service of the right kind and security appears, and goes.
void registration()
{
    using Register = HRESULT WINAPI();
    const HMODULE dll = GetModuleHandleW(L"winfsp-" FSP_FSCTL_PRODUCT_FILE_ARCH ".dll");
    auto* add =
        reinterpret_cast<Register*>(reinterpret_cast<void*>(GetProcAddress(dll, "DllRegisterServer")));
    auto* remove =
        reinterpret_cast<Register*>(reinterpret_cast<void*>(GetProcAddress(dll, "DllUnregisterServer")));
    CHECK(add != nullptr && remove != nullptr);
    CHECK(add() == S_OK);
    CHECK(add() == S_OK); // again: the service's configuration is set anew

    const SC_HANDLE manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT);
    const SC_HANDLE service = OpenServiceW(manager, L"WinFsp", SERVICE_QUERY_CONFIG | READ_CONTROL);
    CHECK(service != nullptr);
    alignas(8) UCHAR buffer[8192];
    DWORD size = 0;
    CHECK(
        QueryServiceConfigW(service, reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer), sizeof buffer, &size));
    const auto& config = *reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer);
    CHECK(config.dwServiceType == SERVICE_FILE_SYSTEM_DRIVER && config.dwStartType == SERVICE_DEMAND_START &&
          config.dwErrorControl == SERVICE_ERROR_NORMAL);
    const std::wstring path = config.lpBinaryPathName;
    CHECK(path.size() > 4 && path.substr(path.size() - 4) == L".sys");
    CloseServiceHandle(service);
    UINT32 version = 0;
    CHECK(FspFsctlServiceVersion(&version) == STATUS_SUCCESS && version == 0x00020002);
    int found = 0;
    CHECK(FspFsctlEnumServices(no_driver, &found) == STATUS_SUCCESS && found == 1);

    HKEY key;
    CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE,
                        L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\WinFsp", 0, KEY_READ,
                        &key) == ERROR_SUCCESS);
    DWORD types = 0, types_size = sizeof types;
    CHECK(RegQueryValueExW(key, L"TypesSupported", nullptr, nullptr, reinterpret_cast<BYTE*>(&types),
                           &types_size) == ERROR_SUCCESS &&
          types == 7);
    RegCloseKey(key);

    CHECK(remove() == S_OK);
    CHECK(OpenServiceW(manager, L"WinFsp", SERVICE_QUERY_CONFIG) == nullptr);
    CHECK(remove() == S_OK);
    CloseServiceHandle(manager);
}

} // namespace

int main()
{
    const struct
    {
        const char* name;
        void (*run)();
    } tests[] = {{"paths", paths},
                 {"posix_identities", posix_identities},
                 {"posix_permissions", posix_permissions},
                 {"security_descriptors", security_descriptors},
                 {"directory_buffers", directory_buffers},
                 {"errors", errors},
                 {"debug_log", debug_log},
                 {"versions", versions},
                 {"without_driver", without_driver},
                 {"registration", registration}};
    for (const auto& test : tests) {
        const int before = failures;
        test.run();
        std::printf("%s: %s\n", test.name, failures == before ? "good" : "FAILED");
        std::fflush(stdout);
    }
    std::printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}
