// SPDX-License-Identifier: MIT
#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <winfsp/winfsp.hpp>

namespace {

WCHAR name[] = u"testservice";
std::atomic<int> started, stopped;

/// Ends the process's own service as the user would.
NTSTATUS start_and_interrupt(FSP_SERVICE* service, ULONG argc, PWSTR* argv)
{
    EXPECT_GE(argc, 1u);
    EXPECT_EQ(std::u16string(argv[0]), u"testservice");
    EXPECT_EQ(service->ServiceStatus.dwControlsAccepted, 0u);
    ++started;
    raise(SIGTERM);
    return STATUS_SUCCESS;
}

NTSTATUS stop(FSP_SERVICE* service)
{
    EXPECT_EQ(service->ServiceStatus.dwCurrentState, static_cast<DWORD>(SERVICE_STOP_PENDING));
    ++stopped;
    return STATUS_SUCCESS;
}

class ConsoleService : public testing::Test
{
  protected:
    ConsoleService() { started = stopped = 0; }
};

TEST_F(ConsoleService, RunsUntilASignal)
{
    EXPECT_EQ(FspServiceRun(name, start_and_interrupt, stop, nullptr), 0u);
    EXPECT_EQ(started, 1);
    EXPECT_EQ(stopped, 1);
}

TEST_F(ConsoleService, EndsWhenTheStartFails)
{
    const auto fail = [](FSP_SERVICE*, ULONG, PWSTR*) { return STATUS_ACCESS_DENIED; };
    EXPECT_EQ(FspServiceRun(name, fail, stop, nullptr), static_cast<ULONG>(ERROR_ACCESS_DENIED));
    EXPECT_EQ(stopped, 0);
}

TEST_F(ConsoleService, ReturnsTheExitCodeThatWasSet)
{
    const auto stop_with_code = [](FSP_SERVICE* service) {
        FspServiceSetExitCode(service, 42);
        return STATUS_SUCCESS;
    };
    EXPECT_EQ(FspServiceRun(name, start_and_interrupt, stop_with_code, nullptr), 42u);
}

TEST_F(ConsoleService, StopsWhenTheDispatcherFails)
{
    const auto start = [](FSP_SERVICE*, ULONG, PWSTR*) {
        FspFileSystemStopServiceIfNecessary(nullptr, TRUE);
        FspFileSystemStopServiceIfNecessary(nullptr, FALSE);
        return STATUS_SUCCESS;
    };
    EXPECT_EQ(FspServiceRun(name, start, stop, nullptr), 0u);
    EXPECT_EQ(stopped, 1);
}

TEST_F(ConsoleService, NeedsConsoleMode)
{
    FSP_SERVICE* service = nullptr;
    ASSERT_EQ(FspServiceCreate(name, start_and_interrupt, stop, nullptr, &service), STATUS_SUCCESS);
    EXPECT_EQ(service->AcceptControl, static_cast<ULONG>(SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN));
    EXPECT_EQ(std::u16string(service->ServiceName), u"testservice");
    EXPECT_EQ(FspServiceLoop(service), FspNtStatusFromWin32(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT));
    FspServiceAcceptControl(service, ~0u);
    EXPECT_EQ(service->AcceptControl & SERVICE_ACCEPT_PAUSE_CONTINUE, 0u);
    FspServiceDelete(service);
}

TEST_F(ConsoleService, IsAClassInCpp)
{
    class Throwing : public Fsp::Service
    {
      public:
        Throwing() : Service(name) {}

      protected:
        NTSTATUS OnStart(ULONG, PWSTR*) override { throw 1; }
        NTSTATUS ExceptionHandler() override { return STATUS_DISK_FULL; }
    };
    EXPECT_EQ(Throwing().Run(), FspWin32FromNtStatus(STATUS_DISK_FULL));
}

} // namespace
