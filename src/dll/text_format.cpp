// SPDX-License-Identifier: MIT
#include "dll/text_format.h"

#include "nt/text.h"

namespace fsp::dll {
namespace {

/// va_list is an array on some systems, which a reference cannot bind to as a parameter.
struct Arguments
{
    va_list list;
};

/// A conversion: %[-#0][width][.precision][size]type
struct Conversion
{
    bool left = false;
    bool alternate = false;
    bool zeros = false;
    SIZE_T width = 0;
    SIZE_T precision = 0;
    bool has_precision = false;
    enum class Size
    {
        plain,
        narrow,  // h
        wide,    // l, w
        long64,  // ll, I64
        pointer, // I, z
    } size = Size::plain;
    char type = 0;
};

template<class Char> SIZE_T parse_number(const Char*& at)
{
    SIZE_T value = 0;
    for (; *at >= '0' && *at <= '9'; ++at)
        value = value < 10000 ? value * 10 + static_cast<SIZE_T>(*at - '0') : value;
    return value;
}

template<class Char> Conversion::Size parse_size(const Char*& at)
{
    using Size = Conversion::Size;
    switch (*at) {
    case 'h':
        ++at;
        return Size::narrow;
    case 'w':
        ++at;
        return Size::wide;
    case 'l':
        if (at[1] == 'l') {
            at += 2;
            return Size::long64;
        }
        ++at;
        return Size::wide;
    case 'z':
        ++at;
        return Size::pointer;
    case 'I':
        if (at[1] == '6' && at[2] == '4') {
            at += 3;
            return Size::long64;
        }
        if (at[1] == '3' && at[2] == '2') {
            at += 3;
            return Size::plain;
        }
        ++at;
        return Size::pointer;
    default:
        return Size::plain;
    }
}

template<class Char> Conversion parse(const Char*& at)
{
    Conversion c;
    for (;; ++at) {
        if (*at == '-')
            c.left = true;
        else if (*at == '#')
            c.alternate = true;
        else if (*at == '0')
            c.zeros = true;
        else
            break;
    }
    c.width = parse_number(at);
    if (*at == '.') {
        ++at;
        c.has_precision = true;
        c.precision = parse_number(at);
    }
    c.size = parse_size(at);
    if (*at != 0)
        c.type = static_cast<char>(*at++);
    return c;
}

void pad(TextBuffer& out, char with, SIZE_T width, SIZE_T used)
{
    for (; used < width; ++used)
        out.append(with);
}

void put(TextBuffer& out, const Conversion& c, const char* prefix, const char* digits, SIZE_T count)
{
    const SIZE_T prefix_size = std::strlen(prefix);
    SIZE_T used = prefix_size + (c.has_precision && c.precision > count ? c.precision : count);
    if (!c.left && !c.zeros)
        pad(out, ' ', c.width, used);
    out.append(prefix);
    if (!c.left && c.zeros)
        pad(out, '0', c.width, used);
    if (c.has_precision)
        pad(out, '0', c.precision, count);
    out.append(digits, count);
    if (c.left)
        pad(out, ' ', c.width, used);
}

void put_number(TextBuffer& out, const Conversion& c, UINT64 value, bool negative)
{
    const bool hex = c.type == 'x' || c.type == 'X' || c.type == 'p';
    const char* digit = c.type == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    char digits[24];
    SIZE_T at = sizeof digits;
    do {
        digits[--at] = digit[value % (hex ? 16 : 10)];
        value /= hex ? 16 : 10;
    } while (value != 0);
    const char* prefix = negative        ? "-"
                         : !c.alternate  ? ""
                         : c.type == 'x' ? "0x"
                         : c.type == 'X' ? "0X"
                                         : "";
    put(out, c, prefix, digits + at, sizeof digits - at);
}

UINT64 take_unsigned(Arguments& a, const Conversion& c)
{
    if (c.size == Conversion::Size::long64)
        return va_arg(a.list, UINT64);
    return c.size == Conversion::Size::pointer ? va_arg(a.list, UINT_PTR) : va_arg(a.list, UINT32);
}

INT64 take_signed(Arguments& a, const Conversion& c)
{
    if (c.size == Conversion::Size::long64)
        return va_arg(a.list, INT64);
    return c.size == Conversion::Size::pointer ? va_arg(a.list, INT_PTR) : va_arg(a.list, INT32);
}

void put_text(TextBuffer& out, const Conversion& c, const char* text)
{
    if (text == nullptr)
        text = "(null)";
    const SIZE_T limit = c.has_precision ? c.precision : ~SIZE_T{0};
    SIZE_T size = 0;
    while (size < limit && text[size] != 0)
        ++size;
    if (!c.left)
        pad(out, ' ', c.width, size);
    out.append(text, size);
    if (c.left)
        pad(out, ' ', c.width, size);
}

void put_wide_text(TextBuffer& out, const Conversion& c, const WCHAR* text)
{
    if (text == nullptr)
        return put_text(out, c, nullptr);
    const SIZE_T length = nt::length(text, c.has_precision ? c.precision : ~SIZE_T{0});
    if (!c.left)
        pad(out, ' ', c.width, length);
    out.append_wide(text, length);
    if (c.left)
        pad(out, ' ', c.width, length);
}

/// Whether a text or character conversion takes the kind that the format is not.
bool takes_wide(const Conversion& c, bool format_is_wide)
{
    if (c.size == Conversion::Size::wide)
        return true;
    if (c.size == Conversion::Size::narrow)
        return false;
    const bool other = c.type == 'S' || c.type == 'C';
    return format_is_wide != other;
}

void convert(TextBuffer& out, Conversion c, bool format_is_wide, Arguments& a)
{
    switch (c.type) {
    case 'd':
    case 'i': {
        const INT64 value = take_signed(a, c);
        return put_number(out, c, value < 0 ? 0 - static_cast<UINT64>(value) : static_cast<UINT64>(value),
                          value < 0);
    }
    case 'u':
    case 'x':
    case 'X':
        return put_number(out, c, take_unsigned(a, c), false);
    case 'p':
        c.has_precision = true;
        c.precision = 2 * sizeof(PVOID);
        return put_number(out, c, va_arg(a.list, UINT_PTR), false);
    case 's':
    case 'S':
        return takes_wide(c, format_is_wide) ? put_wide_text(out, c, va_arg(a.list, const WCHAR*))
                                             : put_text(out, c, va_arg(a.list, const char*));
    case 'c':
    case 'C': {
        const UINT32 value = va_arg(a.list, UINT32);
        const WCHAR wide = static_cast<WCHAR>(value);
        return takes_wide(c, format_is_wide) ? out.append_wide(&wide, 1)
                                             : out.append(static_cast<char>(value));
    }
    default: // "%%", and what is no conversion stands for itself
        return out.append(c.type != 0 ? c.type : '%');
    }
}

template<class Char> void format_any(TextBuffer& out, const Char* format, Arguments& a)
{
    while (*format != 0) {
        const Char* text = format;
        while (*format != 0 && *format != '%')
            ++format;
        if constexpr (sizeof(Char) == 1)
            out.append(text, static_cast<SIZE_T>(format - text));
        else
            out.append_wide(text, static_cast<SIZE_T>(format - text));
        if (*format == '%') {
            ++format;
            convert(out, parse(format), sizeof(Char) != 1, a);
        }
    }
}

} // namespace

void TextBuffer::append(const char* text, SIZE_T size)
{
    const SIZE_T rest = capacity_ - size_;
    if (size > rest) {
        size = rest;
        // Not in the middle of a UTF-8 sequence.
        while (size != 0 && (static_cast<UINT8>(text[size]) & 0xC0) == 0x80)
            --size;
    }
    std::memcpy(buffer_ + size_, text, size);
    size_ += size;
}

void TextBuffer::append_wide(const WCHAR* text, SIZE_T length)
{
    size_ += nt::to_utf8({text, length}, buffer_ + size_, capacity_ - size_, nt::TextMode::replace).written;
}

void TextBuffer::format(const char* format, ...)
{
    va_list list;
    va_start(list, format);
    format_list(format, list);
    va_end(list);
}

void TextBuffer::format_list(const char* format, va_list list)
{
    Arguments a;
    va_copy(a.list, list);
    format_any(*this, format, a);
    va_end(a.list);
}

void TextBuffer::format_list(const WCHAR* format, va_list list)
{
    Arguments a;
    va_copy(a.list, list);
    format_any(*this, format, a);
    va_end(a.list);
}

void TextBuffer::end_line()
{
    if (size_ != 0 && buffer_[size_ - 1] == '\n')
        return;
    if (size_ == capacity_ && size_ != 0) {
        // Drop the last character, however many bytes it has.
        --size_;
        while (size_ != 0 && (static_cast<UINT8>(buffer_[size_]) & 0xC0) == 0x80)
            --size_;
    }
    append('\n');
}

} // namespace fsp::dll
