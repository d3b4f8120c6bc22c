// SPDX-License-Identifier: MIT
//
// Extended attributes of Linux (user.*) as EAs of NT, whose names are not case sensitive and allow fewer
// characters.
#pragma once

#include <string>
#include <string_view>

namespace fsp::fuse {

constexpr char user_prefix[] = "user.";
constexpr size_t ea_name_max = 254;

/**
 * The EA's name for an attribute's name without its "user.".
 *
 * Small letters, which is nearly all there is, become capitals, as NT shows EA names. Capitals, what an EA
 * name cannot hold, '%' itself, and names that begin as those of the Linux subsystem do ($LX) are written
 * %XX. So the EA that a Windows program calls FOO is user.foo, and no two attributes meet in one EA.
 *
 * @return empty if the name is too long
 */
std::string to_ea_name(std::string_view name);

/// The other way; empty for an EA that is none of ours to show ($LX...).
std::string from_ea_name(std::string_view name);

/// NT deletes an EA by giving it no value. An attribute without a value is an EA with this at the end of its
/// name, and one byte.
constexpr std::string_view empty_suffix = "%00";

} // namespace fsp::fuse
