// SPDX-License-Identifier: MIT
//
// What the driver tells of a file as the struct stat of Linux.
#pragma once

#include <cstdint>
#include <string>

#include <sys/stat.h>

#include <ntifs.h>

#include "frontends/fuse/inode.h"

namespace fsp::fuse {

class Session;

struct Attributes
{
    int64_t accessed = 0; ///< NT times
    int64_t modified = 0;
    int64_t changed = 0;
    uint64_t size = 0;
    uint64_t allocated = 0;
    uint64_t index = 0;
    ULONG nt_attributes = 0;
    ULONG ea_size = 0;
    ULONG links = 1;
    mode_t type = 0; ///< S_IFMT
    dev_t device = 0;
    Ownership ownership;
    std::string link; ///< target, for a symbolic link
};

/// Reads what one query gives: everything but ownership, type of a reparse point, device and link.
NTSTATUS query_basic(HANDLE file, Attributes* out);

/// Reads times, sizes and NT attributes alone, for little.
NTSTATUS query_times(HANDLE file, Attributes* out);

/// Reads owner, group and mode, with the EA $LXMOD if there can be one.
NTSTATUS query_ownership(const Session& session, HANDLE file, const Attributes& basic, Ownership* out);

/// For a reparse point: reads what Linux sees in it.
void query_reparse(HANDLE file, Attributes* out);

/// All of it.
NTSTATUS query_attributes(const Session& session, HANDLE file, Attributes* out);

/// As fill, but from a directory entry: no ownership, no link, type as far as it shows.
mode_t type_of(ULONG nt_attributes, ULONG reparse_tag);

void fill(const Inode& inode, const Attributes& attributes, struct stat* out);

/// The EA in which Linux modes live that a security descriptor cannot hold (the one that WSL uses).
constexpr char mode_ea[] = "$LXMOD";

/// A FILE_FULL_EA_INFORMATION with that EA.
struct ModeEa
{
    alignas(4) char bytes[offsetof(FILE_FULL_EA_INFORMATION, EaName) + sizeof mode_ea + sizeof(uint32_t)];
};
ModeEa make_mode_ea(mode_t mode);

} // namespace fsp::fuse
