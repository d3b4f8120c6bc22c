// SPDX-License-Identifier: MIT
#include "nt/text.h"

#include <cstdint>
#include <cstring>

#include "nt/upcase.h"

namespace fsp::nt {

namespace {

constexpr uint32_t replacement_character = 0xFFFD;

constexpr bool is_high_surrogate(uint32_t c) { return (c & 0xFC00) == 0xD800; }
constexpr bool is_low_surrogate(uint32_t c) { return (c & 0xFC00) == 0xDC00; }
constexpr bool is_surrogate(uint32_t c) { return (c & 0xF800) == 0xD800; }

/// U+F080..U+F0FF stand for bytes that are not UTF-8.
constexpr bool is_byte_stand_in(uint32_t c) { return c >= 0xF080 && c <= 0xF0FF; }

struct Decoded
{
    uint32_t code = 0;
    unsigned size = 0; ///< 0: ill-formed
};

/// One code point, surrogates (generalized UTF-8) included; never overlong, never above U+10FFFF.
Decoded decode(const unsigned char* p, size_t left)
{
    const unsigned lead = p[0];
    if (lead < 0x80)
        return {lead, 1};
    const unsigned size = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (!size || lead >= 0xF5 || left < size)
        return {};
    uint32_t code = lead & (0x7Fu >> size);
    for (unsigned i = 1; i < size; ++i) {
        if ((p[i] & 0xC0) != 0x80)
            return {};
        code = code << 6 | (p[i] & 0x3F);
    }
    if ((size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10FFFF)))
        return {};
    return {code, size};
}

/// Collects output units; counts on when the buffer is full, but never writes half a character.
template<class Unit> class Sink
{
  public:
    Sink(Unit* out, size_t capacity) : out_(out), capacity_(out ? capacity : 0) {}

    void put(const Unit* units, size_t count)
    {
        if (result.fits && count <= capacity_ - result.written) {
            for (size_t i = 0; i < count; ++i)
                out_[result.written + i] = units[i];
            result.written += count;
        } else {
            result.fits = false;
        }
        result.length += count;
    }

    TextResult result;

  private:
    Unit* out_;
    size_t capacity_;
};

void put_utf16(Sink<WCHAR>& sink, uint32_t code)
{
    if (code < 0x10000) {
        const WCHAR unit = static_cast<WCHAR>(code);
        sink.put(&unit, 1);
        return;
    }
    const WCHAR pair[2] = {static_cast<WCHAR>(0xD7C0 + (code >> 10)),
                           static_cast<WCHAR>(0xDC00 | (code & 0x3FF))};
    sink.put(pair, 2);
}

void put_utf8(Sink<char>& sink, uint32_t code)
{
    char bytes[4];
    size_t size = 0;
    if (code < 0x80) {
        bytes[size++] = static_cast<char>(code);
    } else if (code < 0x800) {
        bytes[size++] = static_cast<char>(0xC0 | code >> 6);
        bytes[size++] = static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        bytes[size++] = static_cast<char>(0xE0 | code >> 12);
        bytes[size++] = static_cast<char>(0x80 | (code >> 6 & 0x3F));
        bytes[size++] = static_cast<char>(0x80 | (code & 0x3F));
    } else {
        bytes[size++] = static_cast<char>(0xF0 | code >> 18);
        bytes[size++] = static_cast<char>(0x80 | (code >> 12 & 0x3F));
        bytes[size++] = static_cast<char>(0x80 | (code >> 6 & 0x3F));
        bytes[size++] = static_cast<char>(0x80 | (code & 0x3F));
    }
    sink.put(bytes, size);
}

} // namespace

TextResult to_utf16(std::string_view text, WCHAR* out, size_t capacity, TextMode mode)
{
    Sink<WCHAR> sink(out, capacity);
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char* const end = p + text.size();
    // Two generalized surrogates side by side would come back as one four-byte character.
    bool after_high = false;

    while (p < end) {
        const Decoded c = decode(p, static_cast<size_t>(end - p));
        bool good = c.size != 0;
        if (good && c.code >= 0xD800) {
            if (is_surrogate(c.code))
                good = mode == TextMode::lossless && !(after_high && is_low_surrogate(c.code));
            else if (is_byte_stand_in(c.code))
                good = mode != TextMode::lossless; // else it would come back as one byte
        }

        if (good) {
            put_utf16(sink, c.code);
            after_high = is_high_surrogate(c.code);
            p += c.size;
            continue;
        }

        after_high = false;
        if (mode == TextMode::strict) {
            sink.result.valid = false;
            return sink.result;
        }
        if (mode == TextMode::lossless) {
            put_utf16(sink, 0xF000u | *p++);
            continue;
        }
        put_utf16(sink, replacement_character);
        sink.result.replaced = true;
        // One replacement for a whole truncated sequence, so that a lead byte does not count its tail again.
        for (++p; p < end && (*p & 0xC0) == 0x80; ++p) {
        }
    }
    return sink.result;
}

TextResult to_utf8(WideView text, char* out, size_t capacity, TextMode mode)
{
    Sink<char> sink(out, capacity);
    for (size_t i = 0; i < text.size(); ++i) {
        uint32_t code = static_cast<uint16_t>(text[i]);
        if (is_high_surrogate(code) && i + 1 < text.size() && is_low_surrogate(text[i + 1])) {
            code = 0x10000 + ((code & 0x3FF) << 10) + (text[++i] & 0x3FFu);
        } else if (is_surrogate(code)) {
            if (mode == TextMode::strict) {
                sink.result.valid = false;
                return sink.result;
            }
            if (mode == TextMode::replace) {
                code = replacement_character;
                sink.result.replaced = true;
            }
        } else if (mode == TextMode::lossless && is_byte_stand_in(code)) {
            const char byte = static_cast<char>(code & 0xFF);
            sink.put(&byte, 1);
            continue;
        }
        put_utf8(sink, code);
    }
    return sink.result;
}

WideString to_wide(std::string_view text)
{
    WideString wide(text.size(), WCHAR{}); // a byte never becomes more than one unit
    wide.resize(to_utf16(text, wide.data(), wide.size(), TextMode::lossless).written);
    return wide;
}

std::string to_narrow(WideView text)
{
    std::string narrow(text.size() * 3, '\0');
    narrow.resize(to_utf8(text, narrow.data(), narrow.size(), TextMode::lossless).written);
    return narrow;
}

int compare(WideView a, WideView b, bool ignore_case)
{
    const size_t common = a.size() < b.size() ? a.size() : b.size();
    for (size_t i = 0; i < common; ++i) {
        WCHAR x = a[i], y = b[i];
        if (x == y)
            continue;
        if (ignore_case) {
            x = upcase(x);
            y = upcase(y);
            if (x == y)
                continue;
        }
        return static_cast<int>(x) - static_cast<int>(y);
    }
    return a.size() < b.size() ? -1 : a.size() > b.size();
}

bool equal(WideView a, WideView b, bool ignore_case)
{
    if (a.size() != b.size())
        return false;
    if (!ignore_case)
        return std::memcmp(a.data(), b.data(), a.size() * sizeof(WCHAR)) == 0;
    return compare(a, b, true) == 0;
}

bool starts_with(WideView text, WideView prefix, bool ignore_case)
{
    return text.size() >= prefix.size() && equal(text.substr(0, prefix.size()), prefix, ignore_case);
}

bool copy(WCHAR* out, size_t capacity, WideView text)
{
    if (!capacity)
        return false;
    const size_t n = text.size() < capacity ? text.size() : capacity - 1;
    for (size_t i = 0; i < n; ++i)
        out[i] = text[i];
    out[n] = 0;
    return n == text.size();
}

} // namespace fsp::nt
