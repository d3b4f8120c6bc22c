// SPDX-License-Identifier: MIT
#include "name.h"

namespace fsp::fsd::name {

namespace {

constexpr WCHAR backslash = FSP_L('\\');
constexpr WCHAR colon = FSP_L(':');

/// A bit for each character below 0x80.
class AsciiSet
{
  public:
    constexpr explicit AsciiSet(const char* characters)
    {
        for (; *characters; ++characters)
            add(static_cast<WCHAR>(*characters));
    }
    constexpr void add(WCHAR c) { bits_[c / 32] |= ULONG{1} << c % 32; }
    bool contains(WCHAR c) const { return c < 0x80 && (bits_[c / 32] >> c % 32 & 1); }

  private:
    ULONG bits_[4] = {};
};

/// Characters that no NTFS name may hold; beyond ASCII they are the file system's business.
constexpr AsciiSet illegal = [] {
    AsciiSet set("\"*/<>?|:\\");
    for (WCHAR c = 0; c < 0x20; c++)
        set.add(c);
    return set;
}();

bool legal_in_name(WCHAR c) { return !illegal.contains(c); }

/// Stream names are only kept apart from paths: [MS-FSCC] 2.1.5.
bool legal_in_stream(WCHAR c) { return c != 0 && c != '/' && c != ':' && c != '\\'; }

bool is_wildcard(WCHAR c) { return c == '*' || c == '?' || c == '<' || c == '>' || c == '"'; }

bool is_data_type(const WCHAR* text, USHORT count)
{
    static constexpr char type[] = "$DATA";
    if (count != 5)
        return false;
    for (USHORT i = 0; i < 5; i++) {
        if (text[i] >= 0x80 || upcase(text[i]) != static_cast<WCHAR>(type[i]))
            return false;
    }
    return true;
}

} // namespace

bool valid_path(const View& path, USHORT max_component, bool named_streams, Parsed* parsed)
{
    if (path.Length == 0 || path.Length % sizeof(WCHAR) != 0)
        return false;

    const WCHAR* const text = path.Buffer;
    const ULONG count = chars(path);
    ULONG i = 0;
    if (text[0] == backslash)
        i = 1;

    ULONG component = i;
    for (; i < count; i++) {
        const WCHAR c = text[i];
        if (legal_in_name(c)) {
            if (i - component >= max_component)
                return false;
        } else if (c == backslash) {
            if (i == component) // empty component
                return false;
            component = i + 1;
        } else if (c == colon) {
            break;
        } else {
            return false;
        }
    }
    Parsed result;
    result.main_length = static_cast<USHORT>(i * sizeof(WCHAR));
    if (i == count) {
        if (parsed)
            *parsed = result;
        return true;
    }

    // A colon: only in the last component, which its length limit includes the suffix of.
    if (!named_streams || count - component > max_component)
        return false;
    const ULONG stream = i + 1;
    ULONG end = stream;
    while (end < count && text[end] != colon) {
        if (!legal_in_stream(text[end]))
            return false;
        end++;
    }
    result.stream_length = static_cast<USHORT>((end - stream) * sizeof(WCHAR));
    if (end == count) {
        // One colon: the stream must have a name.
        if (result.stream_length == 0)
            return false;
    } else {
        if (!is_data_type(text + end + 1, static_cast<USHORT>(count - end - 1)))
            return false;
        result.data_type = true;
    }
    if (parsed)
        *parsed = result;
    return true;
}

bool valid_pattern(const View& pattern, USHORT max_component)
{
    if (pattern.Length % sizeof(WCHAR) != 0 || chars(pattern) > max_component)
        return false;
    for (USHORT i = 0; i < chars(pattern); i++) {
        const WCHAR c = pattern.Buffer[i];
        if (!legal_in_name(c) && !is_wildcard(c))
            return false;
    }
    return true;
}

bool has_wildcards(const View& pattern)
{
    for (USHORT i = 0; i < chars(pattern); i++) {
        if (is_wildcard(pattern.Buffer[i]))
            return true;
    }
    return false;
}

WCHAR upcase(WCHAR c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? static_cast<WCHAR>(c - ('a' - 'A')) : c;
    return RtlUpcaseUnicodeChar(c);
}

void upcase_in_place(View& text)
{
    for (USHORT i = 0; i < chars(text); i++)
        text.Buffer[i] = upcase(text.Buffer[i]);
}

LONG compare(const View& a, const View& b, bool case_sensitive)
{
    const USHORT a_count = chars(a), b_count = chars(b);
    const USHORT common = lesser(a_count, b_count);
    USHORT i = 0;
    // Names in one table mostly have much of their path in common.
    for (UINT64 x, y; common - i >= 4; i = static_cast<USHORT>(i + 4)) {
        copy_bytes(&x, a.Buffer + i, sizeof x);
        copy_bytes(&y, b.Buffer + i, sizeof y);
        if (x != y)
            break;
    }
    for (; i < common; i++) {
        WCHAR x = a.Buffer[i], y = b.Buffer[i];
        if (x == y)
            continue;
        if (!case_sensitive) {
            x = upcase(x);
            y = upcase(y);
        }
        if (x != y)
            return static_cast<LONG>(x) - static_cast<LONG>(y);
    }
    return static_cast<LONG>(a_count) - static_cast<LONG>(b_count);
}

bool equal(const View& a, const View& b, bool case_sensitive)
{
    return a.Length == b.Length && compare(a, b, case_sensitive) == 0;
}

bool starts_with(const View& text, const View& prefix, bool case_sensitive)
{
    return text.Length >= prefix.Length &&
           compare(view(text.Buffer, prefix.Length), prefix, case_sensitive) == 0;
}

bool is_below(const View& path, const View& ancestor, bool case_sensitive)
{
    if (path.Length <= ancestor.Length || !starts_with(path, ancestor, case_sensitive))
        return false;
    if (is_root(ancestor))
        return true;
    const WCHAR next = path.Buffer[chars(ancestor)];
    return next == backslash || next == colon;
}

void split_last(const View& path, View* parent, View* last)
{
    USHORT i = chars(path);
    while (i > 0 && path.Buffer[i - 1] != backslash)
        i--;
    const USHORT parent_chars = i > 1 ? static_cast<USHORT>(i - 1) : i;
    if (parent)
        *parent = view(path.Buffer, static_cast<USHORT>(parent_chars * sizeof(WCHAR)));
    if (last)
        *last = view(path.Buffer + i, static_cast<USHORT>(path.Length - i * sizeof(WCHAR)));
}

View main_part(const View& path)
{
    for (USHORT i = 0; i < chars(path); i++) {
        if (path.Buffer[i] == colon)
            return view(path.Buffer, static_cast<USHORT>(i * sizeof(WCHAR)));
    }
    return view(path.Buffer, path.Length);
}

} // namespace fsp::fsd::name
