// SPDX-License-Identifier: MIT
/// @file What the volume under test is asked by the driver, and a change that nobody told the driver about.
#pragma once

#include <winfsp/winfsp.h>

#include <atomic>

namespace conformance::spy {

/// Calls so far.
struct Counts
{
    std::atomic<unsigned> file_info{0}, security{0}, directory{0}, volume{0}, streams{0}, ea{0};
};
extern Counts counts;

/// If not 0, GetFileInfo answers with this change time: somebody else has changed the file.
extern std::atomic<UINT64> change_time;

/// Puts itself between the library and the file system. Before the dispatcher is started; for the rest of the
/// program.
void install(FSP_FILE_SYSTEM* file_system);

} // namespace conformance::spy
