// SPDX-License-Identifier: MIT
/// @file What the tests need from the system around them. One implementation for ntos, one for Windows.
#pragma once

#include "nt.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace conformance::host {

/// Takes an argument that only this host knows, and its value. @return number of arguments taken, 0 if
/// unknown
int take_argument(const char* argument, const char* value);

/// Brings the volume up. @param directory as given by the user; empty: none
/// @return NT path of the directory that the tests may use, without a backslash at the end; empty: failed,
/// and a sentence was printed
std::u16string start(std::string_view directory);

/// Takes the volume down. @return false if that, or the executive's verifier, found something; it was printed
bool stop();

/// False while the host makes calls fail on purpose: a test that fails says nothing then.
bool failures_count();

/// A self-relative security descriptor; empty if the text is wrong.
std::vector<std::uint8_t> descriptor(std::u16string_view sddl);
/// The text of the parts of a descriptor.
std::u16string sddl(const void* descriptor, SECURITY_INFORMATION parts);

} // namespace conformance::host
