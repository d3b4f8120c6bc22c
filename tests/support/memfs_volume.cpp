// SPDX-License-Identifier: MIT
#include "support/memfs_volume.h"

#include "host/system.h"
#include "ntos/faults.h"
#include "ntos/verifier.h"

#include <cstdio>
#include <cstdlib>

namespace fsp::test {

MemfsVolume::MemfsVolume(const memfs::Options& options, ULONG threads)
{
    NTSTATUS status;
    do
        status = memfs::Memfs::create(options, memfs_);
    while (!NT_SUCCESS(status) && ntos::faults::armed);
    if (NT_SUCCESS(status))
        status = FspFileSystemStartDispatcher(memfs_->handle(), threads);
    if (!NT_SUCCESS(status)) {
        std::fprintf(stderr, "no volume: status 0x%08x\n", static_cast<unsigned>(status));
        std::exit(1);
    }
    device_ = memfs_->handle()->VolumeName;
}

MemfsVolume::~MemfsVolume() { FspFileSystemStopDispatcher(memfs_->handle()); }

unsigned end_and_count_findings()
{
    ntos::faults::disarm();
    const NTSTATUS status = host::stop();
    if (!NT_SUCCESS(status))
        ntos::verifier::report("the driver cannot be unloaded: status 0x%08x", static_cast<unsigned>(status));
    ntos::verifier::check_pool_leaks(0);
    return ntos::verifier::findings();
}

} // namespace fsp::test
