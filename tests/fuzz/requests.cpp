// SPDX-License-Identifier: MIT
//
// A program of an application's calls, on MEMFS behind the library, the driver and the executive.
#include "hostile/application.h"
#include "verified.h"

#include "memfs/memfs.h"

namespace {

/// Fresh for every input, so that an input alone shows what it does.
std::unique_ptr<memfs::Memfs> make_volume(unsigned which)
{
    memfs::Options options;
    options.case_insensitive = which & 1;
    options.file_info_timeout = which & 2 ? 0 : 0xffffffff;
    options.flush_and_purge_on_cleanup = which & 4;
    options.max_file_size = 1 << 20;
    std::unique_ptr<memfs::Memfs> made;
    REQUIRE(NT_SUCCESS(memfs::Memfs::create(options, made)));
    REQUIRE(NT_SUCCESS(FspFileSystemStartDispatcher(made->handle(), 2)));
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    fuzz::verify_everything();
    if (size < 1)
        return 0;
    const auto volume = make_volume(data[0]);
    {
        hostile::Application application(volume->handle()->VolumeName, hostile::Chance(data + 1, size - 1),
                                         0);
        for (int steps = 0; steps < 200 && !application.spent(); steps++)
            application.step();
        REQUIRE(application.complaint().empty());
    }
    FspFileSystemStopDispatcher(volume->handle());
    return 0;
}
