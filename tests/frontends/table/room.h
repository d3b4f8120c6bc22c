// SPDX-License-Identifier: MIT
//
// A room with something of everything.
#pragma once

#include <string>
#include <vector>

#include "both.h"

namespace table {

void make_file(const char* path, mode_t mode, size_t size);

/// Makes files, directories, links, a fifo and a socket of that owner, and directories of root that are
/// closed, unwritable, unsearchable (to others) and sticky.
std::string furnish(const User& owner);

/// Paths to all of it, and to what is not there, goes through what is no directory, in circles or is too
/// long.
const std::vector<std::string>& room_paths();

/// For a message.
std::string shortened(const std::string& path);

} // namespace table
