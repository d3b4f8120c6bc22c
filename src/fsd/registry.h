// SPDX-License-Identifier: MIT
#pragma once

#include "memory.h"

namespace fsp::fsd {

/// A key, for one function.
class RegistryKey : NonCopyable
{
  public:
    ~RegistryKey()
    {
        if (key_)
            ZwClose(key_);
    }
    /// @param path absolute
    NTSTATUS open(const UNICODE_STRING& path, ACCESS_MASK access) noexcept;
    /// @return STATUS_OBJECT_TYPE_MISMATCH for a value of another type
    NTSTATUS read(const UNICODE_STRING& name, ULONG type, Buffer* data) const noexcept;
    /// Every value with exactly these bytes.
    void delete_values(const void* data, ULONG size) const noexcept;

  private:
    HANDLE key_ = nullptr;
};

// The product's settings.
#if defined(_WIN64) || !defined(_WIN32)
#define FSP_SETTINGS_KEY FSP_L("\\Registry\\Machine\\Software\\WOW6432Node\\WinFsp")
#else
#define FSP_SETTINGS_KEY FSP_L("\\Registry\\Machine\\Software\\WinFsp")
#endif

} // namespace fsp::fsd
