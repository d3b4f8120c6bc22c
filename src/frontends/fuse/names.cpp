// SPDX-License-Identifier: MIT
#include "frontends/fuse/names.h"

#include <cerrno>
#include <cstring>

#include "nt/text.h"

namespace fsp::fuse {
namespace {

/// What Windows reserves goes to U+F000 + c, as every POSIX layer on Windows does.
constexpr bool reserved(unsigned c)
{
    return (c >= 0x01 && c <= 0x1F) || c == '<' || c == '>' || c == ':' || c == '"' || c == '\\' ||
           c == '|' || c == '?' || c == '*';
}

constexpr bool plain(unsigned char c) { return c >= 0x20 && c < 0x80 && !reserved(c); }

/// Length of the UTF-8 form of U+F001..U+F07F at the start of the text, or 0. Those characters stand for the
/// reserved ones, so a Linux name that really holds one travels as three escaped bytes.
size_t literal_private(std::string_view text)
{
    if (text.size() < 3 || uint8_t(text[0]) != 0xEF)
        return 0;
    const unsigned unit = 0xF000u | (uint8_t(text[1]) & 0x3Fu) << 6 | (uint8_t(text[2]) & 0x3Fu);
    const bool well_formed = (uint8_t(text[1]) & 0xC0) == 0x80 && (uint8_t(text[2]) & 0xC0) == 0x80;
    return well_formed && unit > 0xF000 && unit < 0xF080 && reserved(unit & 0x7F) ? 3 : 0;
}

/// Converts piece by piece into `put(units, count)`.
template<typename Put> bool convert(std::string_view text, bool link, Put put)
{
    while (!text.empty()) {
        const unsigned char c = uint8_t(text[0]);
        if (c < 0x80) {
            char16_t unit = c;
            if (link && c == '/')
                unit = u'\\';
            else if (reserved(c))
                unit = char16_t(0xF000 | c);
            if (!put(&unit, 1))
                return false;
            text.remove_prefix(1);
            continue;
        }
        if (const size_t n = literal_private(text)) {
            char16_t escaped[3];
            for (size_t i = 0; i < n; ++i)
                escaped[i] = char16_t(0xF000 | uint8_t(text[i]));
            if (!put(escaped, n))
                return false;
            text.remove_prefix(n);
            continue;
        }
        size_t run = 1;
        while (run < text.size() && uint8_t(text[run]) >= 0x80 && !literal_private(text.substr(run)))
            ++run;
        for (size_t done = 0; done < run;) {
            // A UTF-8 sequence never gains units, so a buffer of 256 takes 256 bytes at a time; the cut must
            // not fall into a sequence.
            size_t chunk = run - done < 256 ? run - done : 256;
            while (chunk > 1 && done + chunk < run && (uint8_t(text[done + chunk]) & 0xC0) == 0x80 &&
                   chunk > 250)
                --chunk;
            char16_t units[256];
            const auto result =
                nt::to_utf16(text.substr(done, chunk), units, std::size(units), nt::TextMode::lossless);
            if (!put(units, result.written))
                return false;
            done += chunk;
        }
        text.remove_prefix(run);
    }
    return true;
}

/// Back to bytes through `put(bytes, count)`.
template<typename Put> bool convert_back(std::u16string_view text, bool link, Put put)
{
    while (!text.empty()) {
        const char16_t unit = text[0];
        const bool stands_for_reserved = unit > 0xF000 && unit < 0xF080 && reserved(unit & 0x7F);
        if (unit < 0x80 || stands_for_reserved) {
            char byte = char(unit & 0x7F);
            if (link && unit == u'\\')
                byte = '/';
            if (!put(&byte, 1))
                return false;
            text.remove_prefix(1);
            continue;
        }
        size_t run = 1;
        while (run < text.size() && run < 64 && text[run] >= 0x80 &&
               !(text[run] > 0xF000 && text[run] < 0xF080 && reserved(text[run] & 0x7F)))
            ++run;
        if (run > 1 && (text[run - 1] & 0xFC00) == 0xD800)
            --run; // keep a surrogate pair together
        char bytes[64 * 3];
        const auto result = nt::to_utf8(text.substr(0, run), bytes, std::size(bytes), nt::TextMode::lossless);
        if (!put(bytes, result.written))
            return false;
        text.remove_prefix(run);
    }
    return true;
}

} // namespace

int to_nt_name(std::string_view name, unsigned limit, Name* out)
{
    if (limit > Name::capacity)
        limit = Name::capacity;

    // Nearly every name is plain ASCII.
    size_t n = 0;
    while (n < name.size() && n < limit && plain(uint8_t(name[n]))) {
        out->text[n] = uint8_t(name[n]);
        ++n;
    }
    out->length = uint16_t(n);
    if (n == name.size())
        return 0;

    const bool fits = convert(name.substr(n), false, [&](const char16_t* units, size_t count) {
        if (out->length + count > limit)
            return false;
        std::memcpy(out->text + out->length, units, count * sizeof(char16_t));
        out->length = uint16_t(out->length + count);
        return true;
    });
    return fits ? 0 : ENAMETOOLONG;
}

size_t to_linux_name(std::u16string_view name, char* out, size_t capacity)
{
    size_t n = 0;
    const bool fits = convert_back(name, false, [&](const char* bytes, size_t count) {
        if (n + count > capacity)
            return false;
        std::memcpy(out + n, bytes, count);
        n += count;
        return true;
    });
    return fits ? n : 0;
}

void append_linux_name(std::u16string_view name, std::string* out)
{
    convert_back(name, false, [&](const char* bytes, size_t count) {
        out->append(bytes, count);
        return true;
    });
}

std::u16string to_nt_link(std::string_view target)
{
    std::u16string out;
    convert(target, true, [&](const char16_t* units, size_t count) {
        out.append(units, count);
        return true;
    });
    return out;
}

std::string to_linux_link(std::u16string_view target)
{
    std::string out;
    convert_back(target, true, [&](const char* bytes, size_t count) {
        out.append(bytes, count);
        return true;
    });
    return out;
}

} // namespace fsp::fuse
