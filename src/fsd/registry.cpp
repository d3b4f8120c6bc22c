// SPDX-License-Identifier: MIT
#include "registry.h"

namespace fsp::fsd {

namespace {

constexpr ULONG value_limit = 1024; // name and data of one value

bool same_bytes(const void* a, const void* b, ULONG size) { return RtlCompareMemory(a, b, size) == size; }

} // namespace

NTSTATUS RegistryKey::open(const UNICODE_STRING& path, ACCESS_MASK access) noexcept
{
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, const_cast<UNICODE_STRING*>(&path),
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    return ZwOpenKey(&key_, access, &attributes);
}

NTSTATUS RegistryKey::read(const UNICODE_STRING& name, ULONG type, Buffer* data) const noexcept
{
    Buffer buffer;
    if (!buffer.allocate(value_limit))
        return STATUS_INSUFFICIENT_RESOURCES;
    ULONG length = 0;
    const NTSTATUS status =
        ZwQueryValueKey(key_, const_cast<UNICODE_STRING*>(&name), KeyValuePartialInformation, buffer.data(),
                        buffer.size(), &length);
    if (status != STATUS_SUCCESS)
        return NT_SUCCESS(status) ? STATUS_UNSUCCESSFUL : status;
    const auto* const value = buffer.as<KEY_VALUE_PARTIAL_INFORMATION>();
    if (value->Type != type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return data->assign(value->Data, value->DataLength) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void RegistryKey::delete_values(const void* data, ULONG size) const noexcept
{
    Buffer buffer;
    if (!buffer.allocate(value_limit))
        return;
    for (ULONG index = 0;;) {
        ULONG length = 0;
        const NTSTATUS status =
            ZwEnumerateValueKey(key_, index, KeyValueFullInformation, buffer.data(), buffer.size(), &length);
        auto* const value = buffer.as<KEY_VALUE_FULL_INFORMATION>();
        if (status == STATUS_SUCCESS && value->DataLength == size &&
            same_bytes(buffer.data() + value->DataOffset, data, size))
        {
            UNICODE_STRING name;
            name.Buffer = value->Name;
            name.Length = name.MaximumLength = static_cast<USHORT>(value->NameLength);
            if (NT_SUCCESS(ZwDeleteValueKey(key_, &name)))
                continue; // the next one has this index now
        }
        // A value that does not fit is none of those.
        if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW && status != STATUS_BUFFER_TOO_SMALL)
            return;
        ++index;
    }
}

} // namespace fsp::fsd
