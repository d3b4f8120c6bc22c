// SPDX-License-Identifier: MIT
#pragma once

/// Path rules of the volume name space: validity, stream suffixes, comparison, components.
/// Pure functions over UNICODE_STRING; nothing allocates unless it says so.

#include "wdk.h"

namespace fsp::fsd::name {

using View = UNICODE_STRING; // never owns

constexpr View view(const WCHAR* text, USHORT bytes) { return View{bytes, bytes, const_cast<WCHAR*>(text)}; }
inline USHORT chars(const View& v) { return static_cast<USHORT>(v.Length / sizeof(WCHAR)); }
template<size_t n> constexpr View literal(const WCHAR (&text)[n])
{
    return View{static_cast<USHORT>((n - 1) * sizeof(WCHAR)), static_cast<USHORT>(n * sizeof(WCHAR)),
                const_cast<WCHAR*>(text)};
}

/// Where the stream suffix of a valid path is.
struct Parsed
{
    USHORT main_length = 0;   // bytes of the path before the colon (all of it without a colon)
    USHORT stream_length = 0; // bytes of the stream name without colons; 0 = main file
    bool data_type = false;   // an explicit ":$DATA" type was given
    bool has_stream() const { return stream_length != 0; }
    /// Bytes of the path that remain once the type and a lone trailing colon are cut off.
    USHORT length() const
    {
        return static_cast<USHORT>(has_stream() ? main_length + sizeof(WCHAR) + stream_length : main_length);
    }
};

/// A whole path. max_component is in characters; `parsed` may be null.
bool valid_path(const View& path, USHORT max_component, bool named_streams, Parsed* parsed = nullptr);
/// A directory search pattern.
bool valid_pattern(const View& pattern, USHORT max_component);
bool has_wildcards(const View& pattern);

/// Upper case by the system table.
WCHAR upcase(WCHAR c);
void upcase_in_place(View& text);

LONG compare(const View& a, const View& b, bool case_sensitive);
bool equal(const View& a, const View& b, bool case_sensitive);
bool starts_with(const View& text, const View& prefix, bool case_sensitive);
/// Is `path` below `ancestor` (its descendant or one of its streams), not equal to it?
bool is_below(const View& path, const View& ancestor, bool case_sensitive);

/// `\a\b:s` -> parent `\a`, last `b:s`; `\a` -> parent `\`.
void split_last(const View& path, View* parent, View* last);
/// The path without its stream suffix.
View main_part(const View& path);
inline bool is_root(const View& path)
{
    return path.Length == sizeof(WCHAR) && path.Buffer[0] == FSP_L('\\');
}

} // namespace fsp::fsd::name
