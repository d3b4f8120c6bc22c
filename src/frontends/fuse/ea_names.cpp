// SPDX-License-Identifier: MIT
#include "frontends/fuse/ea_names.h"

#include <cstring>

namespace fsp::fuse {
namespace {

bool stands_for_itself(unsigned char c)
{
    if (c <= 0x20 || c >= 0x7F)
        return false;
    if (c >= 'A' && c <= 'Z')
        return false;
    return !std::strchr("\"*+,/:;<=>?[\\]|%", c);
}

int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool has_reserved_prefix(std::string_view name)
{
    return name.size() >= 3 && name[0] == '$' && (name[1] | 0x20) == 'l' && (name[2] | 0x20) == 'x';
}

} // namespace

std::string to_ea_name(std::string_view name)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (size_t i = 0; i < name.size(); ++i) {
        const auto c = static_cast<unsigned char>(name[i]);
        if (stands_for_itself(c) && !(i == 0 && has_reserved_prefix(name)))
            out += c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : char(c);
        else {
            out += '%';
            out += digits[c >> 4];
            out += digits[c & 15];
        }
    }
    return out.size() <= ea_name_max ? out : std::string();
}

std::string from_ea_name(std::string_view name)
{
    std::string out;
    if (has_reserved_prefix(name))
        return out;
    for (size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c == '%' && i + 2 < name.size() && digit(name[i + 1]) >= 0 && digit(name[i + 2]) >= 0) {
            out += char(digit(name[i + 1]) << 4 | digit(name[i + 2]));
            i += 2;
        } else
            out += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    }
    return out;
}

} // namespace fsp::fuse
