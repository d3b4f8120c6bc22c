// SPDX-License-Identifier: MIT
//
// The driver's service, and the file that it runs.
#pragma once

#include <string>

#include "dll/dll.h"
#include "nt/text.h"

namespace fsp::dll {

class ServiceHandle
{
  public:
    explicit ServiceHandle(SC_HANDLE handle) : handle_(handle) {}
    ServiceHandle(ServiceHandle&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
    ~ServiceHandle()
    {
        if (handle_ != nullptr)
            CloseServiceHandle(handle_);
    }
    SC_HANDLE get() const { return handle_; }

  private:
    SC_HANDLE handle_;
};

/// @param[out] status STATUS_NO_SUCH_DEVICE if there is no such service
ServiceHandle open_service(const WCHAR* name, DWORD manager_access, DWORD access, NTSTATUS* status);

/// "WinFsp", or "WinFsp+ident" for an installation beside others.
nt::WideString driver_service_name();

/// The version resource of a program file.
class FileVersion
{
  public:
    explicit FileVersion(const WCHAR* path);
    FileVersion(const FileVersion&) = delete;
    ~FileVersion();

    /// major << 16 | minor; 0 if there is none.
    UINT32 number() const;
    /// A string such as FileDescription; empty if there is none.
    nt::WideString text(const WCHAR* key) const;

  private:
    HMODULE file_;
    const UCHAR* data_ = nullptr;
    DWORD size_ = 0;
};

} // namespace fsp::dll
