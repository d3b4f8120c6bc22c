// SPDX-License-Identifier: MIT
#include "host/system.h"

#include "host/own_token.h"
#include "ntos/boot.h"
#include "ntos/process.h"

#include <mutex>
#include <utility>

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING registry_path);

namespace fsp::host {

namespace {

/// \Driver\WinFsp; loaded for the life of the process.
PDRIVER_OBJECT loaded = nullptr;

NTSTATUS start_once()
{
    ntos::boot();
    PACCESS_TOKEN token = ntos::create_token(own_token_spec());
    if (token == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    ntos::set_primary_token(PsGetCurrentProcess(), token);
    ObDereferenceObject(token);
    return ntos::load_driver(u"WinFsp", DriverEntry, &loaded);
}

} // namespace

NTSTATUS start()
{
    static std::once_flag once;
    static NTSTATUS status = STATUS_SUCCESS;
    std::call_once(once, [] { status = start_once(); });
    return status;
}

NTSTATUS stop()
{
    PDRIVER_OBJECT driver = std::exchange(loaded, nullptr);
    return driver != nullptr ? ntos::unload_driver(driver) : STATUS_SUCCESS;
}

} // namespace fsp::host
