// SPDX-License-Identifier: MIT
#include "host/system.h"

#include "host/own_token.h"
#include "ntos/boot.h"
#include "ntos/image.h"
#include "ntos/process.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING registry_path);

namespace fsp::host {

namespace {

/// \Driver\WinFsp; loaded for the life of the process.
PDRIVER_OBJECT loaded = nullptr;

/// The driver's image, if it is not the one that is built in.
std::unique_ptr<ntos::Image> image;

/// The driver that is built in, or the .sys file that OPENFSP_DRIVER names.
PDRIVER_INITIALIZE driver_entry()
{
    const char* path = secure_getenv("OPENFSP_DRIVER");
    if (path == nullptr || *path == 0)
        return DriverEntry;
    std::string error;
    image = ntos::load_image(path, &error);
    if (!image) {
        std::fprintf(stderr, "%s\n", error.c_str());
        return nullptr;
    }
    return image->entry();
}

NTSTATUS start_once()
{
    ntos::boot();
    PACCESS_TOKEN token = ntos::create_token(own_token_spec());
    if (token == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    ntos::set_primary_token(PsGetCurrentProcess(), token);
    ObDereferenceObject(token);
    const PDRIVER_INITIALIZE entry = driver_entry();
    return entry ? ntos::load_driver(u"WinFsp", entry, &loaded) : STATUS_INVALID_IMAGE_FORMAT;
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
    const NTSTATUS status = driver != nullptr ? ntos::unload_driver(driver) : STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        image.reset();
    return status;
}

} // namespace fsp::host
