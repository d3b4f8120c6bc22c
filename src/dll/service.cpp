// SPDX-License-Identifier: MIT
//
// The service framework. In console mode, a program that would be a service runs until it is told to end by a
// signal, by FspServiceStop or by its own failure.
#include <atomic>
#include <cstdlib>

#include "dll/os.h"
#include "dll/semaphore.h"
#include "dll/service.h"
#include "dll/service_manager.h"
#include "dll/srw_lock.h"
#include "dll/text_format.h"
#include "nt/text.h"

namespace fsp::dll {
namespace {

// The public structure has room for critical sections; what is needed of them is exclusion.
SRWLOCK& status_guard(FSP_SERVICE* service)
{
    return *reinterpret_cast<SRWLOCK*>(&service->ServiceStatusGuard);
}
SRWLOCK& stop_guard(FSP_SERVICE* service) { return *reinterpret_cast<SRWLOCK*>(&service->ServiceStopGuard); }

SRWLOCK loop_lock = SRWLOCK_INIT;

/// The service whose loop runs, for FspFileSystemStopServiceIfNecessary; it stays while the lock is held.
SRWLOCK looping_lock = SRWLOCK_INIT;
std::atomic<FSP_SERVICE*> looping{nullptr};

/// What wakes the loop.
struct Wake
{
    Semaphore semaphore;
    std::atomic<bool> stop_signalled{false};
    std::atomic<bool> in_use{false};

    void reset()
    {
        stop_signalled = false;
        while (semaphore.try_wait())
            ;
    }
    void post() { semaphore.post(); }
    void wait() { semaphore.wait(); }
};
Wake wake;

void stop_signal()
{
    wake.stop_signalled = true;
    wake.post();
}

/// The change of some parts of the status.
struct StatusChange
{
    DWORD state;
    DWORD controls_accepted = 0;
    DWORD exit_code = NO_ERROR;
};

void set_status(FSP_SERVICE* service, const StatusChange& change)
{
    {
        const ExclusiveHold hold(status_guard(service));
        service->ServiceStatus.dwCurrentState = change.state;
        service->ServiceStatus.dwControlsAccepted = change.controls_accepted;
        service->ServiceStatus.dwWin32ExitCode = change.exit_code;
        service->ServiceStatus.dwCheckPoint = 0;
        service->ServiceStatus.dwWaitHint = 0;
        service_manager::report(service, service->ServiceStatus);
    }
    if (change.state == SERVICE_STOPPED)
        wake.post();
}

SERVICE_STATUS status(FSP_SERVICE* service)
{
    const ExclusiveHold hold(status_guard(service));
    return service->ServiceStatus;
}

void log(ULONG type, const WCHAR* format, FSP_SERVICE* service, NTSTATUS status = STATUS_SUCCESS)
{
    FspServiceLog(type, const_cast<PWSTR>(format), service->ServiceName, status);
}

/// The service is up, unless a stop has overtaken its start: then the stop's status remains.
void accept_controls(FSP_SERVICE* service)
{
    const ExclusiveHold hold(status_guard(service));
    if (service->ServiceStatus.dwCurrentState == SERVICE_RUNNING)
        service->ServiceStatus.dwControlsAccepted = service->AcceptControl;
    service_manager::report(service, service->ServiceStatus);
}

void start(FSP_SERVICE* service, ULONG argc, PWSTR* argv)
{
    set_status(service, {SERVICE_RUNNING});
    const NTSTATUS result =
        service->OnStart != nullptr ? service->OnStart(service, argc, argv) : STATUS_INVALID_DEVICE_REQUEST;
    if (!NT_SUCCESS(result)) {
        log(EVENTLOG_ERROR_TYPE, FSP_L("The service %s has failed to start (Status=%lx)."), service, result);
        set_status(service, {SERVICE_STOPPED, 0, FspWin32FromNtStatus(result)});
        return;
    }
    accept_controls(service);
    log(EVENTLOG_INFORMATION_TYPE, FSP_L("The service %s has been started."), service);
}

struct StartThread
{
    FSP_SERVICE* service;
    ULONG argc;
    PWSTR* argv;
};

void run_start_thread(PVOID context)
{
    const auto* thread = static_cast<const StartThread*>(context);
    start(thread->service, thread->argc, thread->argv);
}

/// Waits until the service has stopped or is to stop.
void wait_for_stop(FSP_SERVICE* service)
{
    while (!wake.stop_signalled && status(service).dwCurrentState != SERVICE_STOPPED)
        wake.wait();
}

NTSTATUS console_loop(FSP_SERVICE* service)
{
    ULONG argc;
    PWSTR* argv;
    NTSTATUS result = os::command_line(&argc, &argv);
    if (!NT_SUCCESS(result))
        return result;
    if (argc != 0)
        argv[0] = service->ServiceName;

    wake.reset();
    wake.in_use = true;
    os::on_stop_signal(stop_signal);

    StartThread parameters = {service, argc, argv};
    HANDLE thread;
    result = os::start_thread(run_start_thread, &parameters, &thread);
    if (NT_SUCCESS(result)) {
        os::join_thread(thread); // a stop that comes meanwhile waits for the start to end
        wait_for_stop(service);
        if ((status(service).dwControlsAccepted & SERVICE_ACCEPT_STOP) != 0)
            FspServiceStop(service);
        // Somebody else's stop may be under way: the service must not go away below it.
        const ExclusiveHold stopped(stop_guard(service));
    }
    wake.in_use = false;
    os::free_command_line(argv);
    return result;
}

/// What the service manager wants.
DWORD control(FSP_SERVICE* service, DWORD control, DWORD event_type, PVOID event_data)
{
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        FspServiceStop(service);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    case SERVICE_CONTROL_PAUSE:
    case SERVICE_CONTROL_CONTINUE:
        return ERROR_CALL_NOT_IMPLEMENTED;
    default:
        return service->OnControl != nullptr
                   ? FspWin32FromNtStatus(service->OnControl(service, control, event_type, event_data))
                   : NO_ERROR;
    }
}

void run_stop_thread(PVOID)
{
    const SharedHold hold(looping_lock);
    if (FSP_SERVICE* service = looping.load())
        FspServiceStop(service);
}

} // namespace

void stop_console_service()
{
    if (wake.in_use)
        stop_signal();
}

} // namespace fsp::dll

using namespace fsp::dll;

ULONG FspServiceRunEx(PWSTR ServiceName, FSP_SERVICE_START* OnStart, FSP_SERVICE_STOP* OnStop,
                      FSP_SERVICE_CONTROL* OnControl, PVOID UserContext)
{
    FSP_SERVICE* service;
    NTSTATUS result = FspServiceCreate(ServiceName, OnStart, OnStop, OnControl, &service);
    if (!NT_SUCCESS(result)) {
        FspServiceLog(EVENTLOG_ERROR_TYPE,
                      const_cast<PWSTR>(FSP_L("The service %s cannot be created (Status=%lx).")), ServiceName,
                      result);
        return FspWin32FromNtStatus(result);
    }
    service->UserContext = UserContext;
    FspServiceAllowConsoleMode(service);
    result = FspServiceLoop(service);
    const ULONG exit_code =
        NT_SUCCESS(result) ? FspServiceGetExitCode(service) : FspWin32FromNtStatus(result);
    FspServiceDelete(service);
    if (!NT_SUCCESS(result))
        FspServiceLog(EVENTLOG_ERROR_TYPE,
                      const_cast<PWSTR>(FSP_L("The service %s has failed to run (Status=%lx).")), ServiceName,
                      result);
    return exit_code;
}

NTSTATUS FspServiceCreate(PWSTR ServiceName, FSP_SERVICE_START* OnStart, FSP_SERVICE_STOP* OnStop,
                          FSP_SERVICE_CONTROL* OnControl, FSP_SERVICE** PService)
{
    *PService = nullptr;
    const SIZE_T name_size = (fsp::nt::length(ServiceName) + 1) * sizeof(WCHAR);
    auto* service = static_cast<FSP_SERVICE*>(std::calloc(1, sizeof(FSP_SERVICE) + name_size));
    if (service == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    service->OnStart = OnStart;
    service->OnStop = OnStop;
    service->OnControl = OnControl;
    service->AcceptControl = OnStop != nullptr ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    service->ServiceStatus.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    service->ServiceStatus.dwCurrentState = SERVICE_START_PENDING;
    std::memcpy(service->ServiceName, ServiceName, name_size);
    *PService = service;
    return STATUS_SUCCESS;
}

VOID FspServiceDelete(FSP_SERVICE* Service) { std::free(Service); }

VOID FspServiceAllowConsoleMode(FSP_SERVICE* Service) { Service->AllowConsoleMode = TRUE; }

VOID FspServiceAcceptControl(FSP_SERVICE* Service, ULONG Control)
{
    Service->AcceptControl = Control & ~ULONG{SERVICE_ACCEPT_PAUSE_CONTINUE};
}

VOID FspServiceRequestTime(FSP_SERVICE* Service, ULONG Time)
{
    const ExclusiveHold hold(status_guard(Service));
    ++Service->ServiceStatus.dwCheckPoint;
    Service->ServiceStatus.dwWaitHint = Time;
    service_manager::report(Service, Service->ServiceStatus);
}

VOID FspServiceSetExitCode(FSP_SERVICE* Service, ULONG ExitCode) { Service->ExitCode = ExitCode; }

ULONG FspServiceGetExitCode(FSP_SERVICE* Service) { return status(Service).dwWin32ExitCode; }

NTSTATUS FspServiceLoop(FSP_SERVICE* Service)
{
    const ExclusiveHold hold(loop_lock);
    looping = Service;
    NTSTATUS result = service_manager::run(Service, {start, control});
    if (result == FspNtStatusFromWin32(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) && Service->AllowConsoleMode)
        result = console_loop(Service);
    const ExclusiveHold nobody_stops(looping_lock);
    looping = nullptr;
    return result;
}

VOID FspServiceStop(FSP_SERVICE* Service)
{
    // Who comes second has nothing to do: the stop is on its way.
    if (!try_acquire_exclusive(stop_guard(Service)))
        return;
    const SERVICE_STATUS before = status(Service);
    if (before.dwCurrentState != SERVICE_STOPPED) {
        set_status(Service, {SERVICE_STOP_PENDING});
        const NTSTATUS result = Service->OnStop != nullptr ? Service->OnStop(Service) : STATUS_SUCCESS;
        if (NT_SUCCESS(result)) {
            log(EVENTLOG_INFORMATION_TYPE, FSP_L("The service %s has been stopped."), Service);
            set_status(Service, {SERVICE_STOPPED, 0, Service->ExitCode});
        } else {
            log(EVENTLOG_ERROR_TYPE, FSP_L("The service %s has failed to stop (Status=%lx)."), Service,
                result);
            set_status(Service, {before.dwCurrentState, before.dwControlsAccepted, before.dwWin32ExitCode});
        }
    }
    release_exclusive(stop_guard(Service));
}

VOID FspFileSystemStopServiceIfNecessary(FSP_FILE_SYSTEM*, BOOLEAN Normally)
{
    // From a thread of its own: the caller is a dispatcher thread, which the stop waits for.
    if (!Normally && looping.load() != nullptr)
        os::start_detached_thread(run_stop_thread, nullptr);
}

VOID FspServiceLog(ULONG Type, PWSTR Format, ...)
{
    va_list list;
    va_start(list, Format);
    FspServiceLogV(Type, Format, list);
    va_end(list);
}

VOID FspServiceLogV(ULONG Type, PWSTR Format, va_list ap)
{
    if (!FspServiceIsInteractive()) {
        FspEventLogV(Type, Format, ap);
        return;
    }
    constexpr SIZE_T message_size = 1024; // characters, of up to three bytes
    char buffer[message_size * 3];
    TextBuffer line(buffer, sizeof buffer);
    line.format_list(Format, ap);
    line.end_line();
    os::write_error_stream(line.data(), line.size());
}
