// SPDX-License-Identifier: MIT
#pragma once

#include <ntifs.h>

#include <gtest/gtest.h>
#include <string_view>

namespace fsp::test {

inline UNICODE_STRING string(std::u16string_view text)
{
    const auto bytes = static_cast<USHORT>(text.size() * sizeof(WCHAR));
    return {bytes, bytes, const_cast<WCHAR*>(text.data())};
}

/// A registry key, made where it is missing.
struct Key
{
    HANDLE handle = nullptr;
    explicit Key(std::u16string_view path)
    {
        UNICODE_STRING name = string(path);
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr,
                                   nullptr);
        EXPECT_EQ(ZwCreateKey(&handle, KEY_ALL_ACCESS, &attributes, 0, nullptr, 0, nullptr), STATUS_SUCCESS);
    }
    Key(const Key&) = delete;
    ~Key() { ZwClose(handle); }
    void set(std::u16string_view name, ULONG type, const void* data, ULONG size) const
    {
        UNICODE_STRING value = string(name);
        EXPECT_EQ(ZwSetValueKey(handle, &value, 0, type, const_cast<void*>(data), size), STATUS_SUCCESS);
    }
    bool has(std::u16string_view name) const
    {
        UNICODE_STRING value = string(name);
        KEY_VALUE_PARTIAL_INFORMATION information;
        ULONG needed = 0;
        const NTSTATUS status = ZwQueryValueKey(handle, &value, KeyValuePartialInformation, &information,
                                                sizeof information, &needed);
        return status != STATUS_OBJECT_NAME_NOT_FOUND;
    }
};

/// The settings of the product.
inline Key settings_key()
{
    Key(u"\\Registry\\Machine\\Software\\WOW6432Node");
    return Key(u"\\Registry\\Machine\\Software\\WOW6432Node\\WinFsp");
}

} // namespace fsp::test
