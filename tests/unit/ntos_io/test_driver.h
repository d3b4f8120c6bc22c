// SPDX-License-Identifier: MIT
/// @file A small driver with hooks: each test tells it how to answer.
#pragma once

#include <ntifs.h>

#include "ntos/boot.h"
#include "ntos/verifier.h"

#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace fsp::test {

/// Completes an IRP. @return status
inline NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information = 0)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/// Pool tag of what tests hand to the I/O manager.
inline constexpr ULONG test_tag = 0x74736554;

/// \Driver\IoTest with a device \Device\IoTest. One at a time.
class TestDriver
{
  public:
    using Handler = std::function<NTSTATUS(PDEVICE_OBJECT, PIRP)>;

    explicit TestDriver(ULONG device_flags = 0, DEVICE_TYPE type = FILE_DEVICE_UNKNOWN);
    TestDriver(const TestDriver&) = delete;
    ~TestDriver();

    /// What the driver does for a major function; CREATE, CLEANUP and CLOSE succeed by default.
    void on(UCHAR major, Handler handler) { handlers_[major] = std::move(handler); }

    PDRIVER_OBJECT object() const { return object_; }
    PDEVICE_OBJECT device() const { return device_; }
    /// Major functions seen, in order.
    std::vector<int> seen();
    size_t count(int major);

    static TestDriver* current;
    NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp);

  private:
    Handler handlers_[IRP_MJ_MAXIMUM_FUNCTION + 1];
    PDRIVER_OBJECT object_ = nullptr;
    PDEVICE_OBJECT device_ = nullptr;
    std::mutex lock_;
    std::vector<int> seen_;
};

/// Opens a name for reading and writing.
struct Opened
{
    HANDLE handle = nullptr;
    NTSTATUS status;
    IO_STATUS_BLOCK iosb{};

    explicit Opened(const char16_t* name, ACCESS_MASK access = FILE_GENERIC_READ | FILE_GENERIC_WRITE,
                    ULONG options = FILE_SYNCHRONOUS_IO_NONALERT, HANDLE root = nullptr,
                    ULONG disposition = FILE_OPEN,
                    ULONG share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    Opened(const Opened&) = delete;
    ~Opened() { close(); }
    void close();
};

UNICODE_STRING string(const char16_t* text);

} // namespace fsp::test
