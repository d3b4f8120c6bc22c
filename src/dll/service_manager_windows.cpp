// SPDX-License-Identifier: MIT
#include "dll/service_manager.h"

#include <atomic>

namespace fsp::dll::service_manager {
namespace {

/// The service manager's call-backs get no context, and a process runs one service.
struct Running
{
    FSP_SERVICE* service;
    Callbacks callbacks;
    std::atomic<SERVICE_STATUS_HANDLE> handle;
};
constinit Running running{};

DWORD WINAPI on_control(DWORD control, DWORD event_type, PVOID event_data, PVOID)
{
    return running.callbacks.control(running.service, control, event_type, event_data);
}

VOID WINAPI service_main(DWORD argc, PWSTR* argv)
{
    const SERVICE_STATUS_HANDLE handle =
        RegisterServiceCtrlHandlerExW(running.service->ServiceName, on_control, nullptr);
    if (handle == nullptr)
        return;
    running.handle = handle;
    running.callbacks.start(running.service, argc, argv);
}

} // namespace

NTSTATUS run(FSP_SERVICE* service, const Callbacks& callbacks)
{
    running.service = service;
    running.callbacks = callbacks;
    const SERVICE_TABLE_ENTRYW table[] = {{service->ServiceName, service_main}, {nullptr, nullptr}};
    const bool done = StartServiceCtrlDispatcherW(table);
    const DWORD error = done ? ERROR_SUCCESS : GetLastError();
    running.handle = nullptr;
    return done ? STATUS_SUCCESS : FspNtStatusFromWin32(error);
}

void report(FSP_SERVICE*, const SERVICE_STATUS& status)
{
    if (const SERVICE_STATUS_HANDLE handle = running.handle.load()) {
        SERVICE_STATUS copy = status;
        SetServiceStatus(handle, &copy);
    }
}

} // namespace fsp::dll::service_manager

namespace {

template<class Routine> Routine* routine(HMODULE library, const char* name)
{
    return reinterpret_cast<Routine*>(reinterpret_cast<void*>(GetProcAddress(library, name)));
}

} // namespace

BOOLEAN FspServiceIsInteractive()
{
    // Asked of user32 only here: a file system has no windows.
    using GetStation = HWINSTA WINAPI();
    using GetInformation = BOOL WINAPI(HANDLE, int, PVOID, DWORD, LPDWORD);
    static std::atomic<int> known{-1};
    if (known >= 0)
        return known != 0;
    bool visible = false;
    if (const HMODULE user = LoadLibraryExW(FSP_L("user32.dll"), nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {
        auto* station = routine<GetStation>(user, "GetProcessWindowStation");
        auto* information = routine<GetInformation>(user, "GetUserObjectInformationW");
        USEROBJECTFLAGS flags{};
        if (station != nullptr && information != nullptr &&
            information(station(), UOI_FLAGS, &flags, sizeof flags, nullptr))
            visible = (flags.dwFlags & WSF_VISIBLE) != 0;
    }
    known = visible;
    return visible;
}

NTSTATUS FspServiceContextCheck(HANDLE Token, PBOOLEAN PIsLocalSystem)
{
    HANDLE own = nullptr;
    if (PIsLocalSystem != nullptr)
        *PIsLocalSystem = FALSE;
    if (Token == nullptr) {
        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &own))
            return FspNtStatusFromWin32(GetLastError());
        Token = own;
    }

    alignas(8) UCHAR user[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE], groups[16 * 1024];
    UCHAR system[SECURITY_MAX_SID_SIZE], service[SECURITY_MAX_SID_SIZE];
    DWORD session = 1, size, system_size = sizeof system, service_size = sizeof service;
    bool is_system = false, is_service = false;
    if (GetTokenInformation(Token, TokenSessionId, &session, sizeof session, &size) && session == 0 &&
        GetTokenInformation(Token, TokenUser, user, sizeof user, &size) &&
        CreateWellKnownSid(WinLocalSystemSid, nullptr, system, &system_size) &&
        CreateWellKnownSid(WinServiceSid, nullptr, service, &service_size))
    {
        is_system = EqualSid(reinterpret_cast<TOKEN_USER*>(user)->User.Sid, system);
        if (!is_system && GetTokenInformation(Token, TokenGroups, groups, sizeof groups, &size)) {
            const auto* all = reinterpret_cast<const TOKEN_GROUPS*>(groups);
            for (DWORD i = 0; i != all->GroupCount && !is_service; ++i)
                is_service = EqualSid(all->Groups[i].Sid, service);
        }
    }
    if (own != nullptr)
        CloseHandle(own);
    if (PIsLocalSystem != nullptr)
        *PIsLocalSystem = is_system;
    return is_system || is_service ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}
