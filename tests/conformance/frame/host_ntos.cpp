// SPDX-License-Identifier: MIT
//
// MEMFS in this process, on the driver on ntos. With OPENFSP_VERIFIER=1 the run also fails if the verifier
// found something, even where no test looked, or if the driver leaves pool memory behind when it is unloaded.
#include "host_ntos.h"
#include "host.h"

#include "host/system.h"
#include "memfs/memfs.h"
#include "ntos/faults.h"
#include "ntos/process.h"
#include "ntos/spy.h"
#include "ntos/verifier.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace conformance::host {

namespace {

namespace verifier = fsp::ntos::verifier;
namespace faults = fsp::ntos::faults;

memfs::Options options = [] {
    memfs::Options result;
    result.max_nodes = 300'000;
    return result;
}();
ULONG threads = 4;
std::unique_ptr<memfs::Memfs> volume;
ULONG handles_at_start;

} // namespace

int take_argument(const char* argument, const char* value)
{
    if (std::strcmp(argument, "--case-insensitive") == 0)
        return options.case_insensitive = true, 1;
    if (std::strcmp(argument, "--network") == 0)
        return options.volume_prefix = FSP_L("\\server\\share"), 1;
    if (std::strcmp(argument, "--timeout") == 0) // of the metadata caches, in ms; "infinite" caches data, too
        return options.file_info_timeout = std::strcmp(value, "infinite") == 0
                                               ? 0xFFFFFFFF
                                               : static_cast<UINT32>(std::strtoul(value, nullptr, 0)),
               2;
    if (std::strcmp(argument, "--threads") == 0)
        return threads = static_cast<ULONG>(std::strtoul(value, nullptr, 0)), 2;
    if (std::strcmp(argument, "--inline") == 0)
        return setenv("OPENFSP_INLINE", value, 1), 2;
    // The executive's operations fail by this seed; tests may fail then, but not crash, leak or hang.
    if (std::strcmp(argument, "--faults") == 0)
        return setenv("OPENFSP_FAULTS", value, 1), 2;
    return 0;
}

std::u16string start(std::string_view)
{
    const faults::Shield shield;
    NTSTATUS status = memfs::Memfs::create(options, volume);
    if (NT_SUCCESS(status)) {
        spy::install(volume->handle());
        status = FspFileSystemStartDispatcher(volume->handle(), threads);
    }
    handles_at_start = fsp::ntos::handle_count(PsGetCurrentProcess());
    if (NT_SUCCESS(status))
        faults::arm_from_environment();
    if (!NT_SUCCESS(status)) {
        std::fprintf(stderr, "conformance: cannot start MEMFS: status 0x%08x\n",
                     static_cast<unsigned>(status));
        return {};
    }
    return volume->handle()->VolumeName;
}

bool stop()
{
    // With files open the driver would wait for ever; whoever left them is to be named.
    if (const ULONG left = fsp::ntos::handle_count(PsGetCurrentProcess()) - handles_at_start; left != 0) {
        std::printf("%u handles are left open by tests\n", left);
        return false;
    }
    FspFileSystemStopDispatcher(volume->handle());
    volume.reset();
    faults::disarm();
    if (const NTSTATUS status = fsp::host::stop(); !NT_SUCCESS(status)) {
        std::printf("the driver does not unload: status 0x%08x\n", static_cast<unsigned>(status));
        return false;
    }
    return !verifier::enabled || (verifier::findings() == 0 && verifier::check_pool_leaks(0) == 0);
}

bool failures_count() { return !faults::armed; }

UINT32 file_info_timeout() { return options.file_info_timeout; }

FSP_FILE_SYSTEM* file_system() { return volume->handle(); }

std::vector<std::uint8_t> descriptor(std::u16string_view sddl)
{
    PSECURITY_DESCRIPTOR made = nullptr;
    ULONG size = 0;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(std::u16string(sddl).c_str(), SDDL_REVISION_1,
                                                              &made, &size))
        return {};
    const auto* bytes = static_cast<const std::uint8_t*>(made);
    std::vector<std::uint8_t> result(bytes, bytes + size);
    LocalFree(made);
    return result;
}

std::u16string sddl(const void* descriptor, SECURITY_INFORMATION parts)
{
    PWSTR text = nullptr;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(const_cast<void*>(descriptor), SDDL_REVISION_1,
                                                              parts, &text, nullptr))
        return {};
    std::u16string result = text;
    LocalFree(text);
    return result;
}

} // namespace conformance::host
