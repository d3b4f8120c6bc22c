// SPDX-License-Identifier: MIT
//
// Names: bytes on the Linux side, UTF-16 without Windows' reserved characters on the NT side. Every name that
// Linux allows survives the way there and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fsp::fuse {

/// One path component in UTF-16.
struct Name
{
    static constexpr unsigned capacity = 255;

    char16_t text[capacity];
    uint16_t length = 0;

    std::u16string_view view() const { return {text, length}; }
};

/// @return 0, or ENAMETOOLONG if the name has more than `limit` UTF-16 units (at most Name::capacity)
int to_nt_name(std::string_view name, unsigned limit, Name* out);

/// Appends the bytes of one NT path component.
void append_linux_name(std::u16string_view name, std::string* out);

/// The bytes of one NT path component. @return length; 0 if it does not fit
size_t to_linux_name(std::u16string_view name, char* out, size_t capacity);

/// The text of a symbolic link: as names, with '/' and '\' exchanged.
std::u16string to_nt_link(std::string_view target);
std::string to_linux_link(std::u16string_view target);

} // namespace fsp::fuse
