// SPDX-License-Identifier: MIT
//
// UTF-16 text (WCHAR) and its conversion from and to UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <winfsp/nt.h>

namespace fsp::nt {

using WideString = std::basic_string<WCHAR>;
using WideView = std::basic_string_view<WCHAR>;

/// What happens to text that the other encoding cannot hold.
enum class TextMode
{
    /// The conversion fails.
    strict,
    /// It becomes U+FFFD.
    replace,
    /// A byte that is not UTF-8 becomes U+F080..U+F0FF and back; an unpaired surrogate becomes its three
    /// generalized UTF-8 bytes and back. Every sequence of bytes survives the way to UTF-16 and back.
    lossless,
};

/// The outcome of a conversion into a caller's buffer.
struct TextResult
{
    size_t length = 0;     ///< units that the whole result needs, whether or not they fitted
    bool valid = true;     ///< false: ill-formed input in strict mode; length is up to the fault
    bool replaced = false; ///< something became U+FFFD
    bool fits = true;      ///< false: only the leading whole characters that fitted were written
    size_t written = 0;
};

/// Converts; `out` may be null (measures). Nothing is terminated.
TextResult to_utf16(std::string_view text, WCHAR* out, size_t capacity, TextMode mode);
TextResult to_utf8(WideView text, char* out, size_t capacity, TextMode mode);

/// Allocating forms in lossless mode.
WideString to_wide(std::string_view text);
std::string to_narrow(WideView text);

constexpr size_t length(const WCHAR* text)
{
    size_t n = 0;
    while (text[n])
        ++n;
    return n;
}

/// Length of a string that may not be terminated within `limit` units.
constexpr size_t length(const WCHAR* text, size_t limit)
{
    size_t n = 0;
    while (n < limit && text[n])
        ++n;
    return n;
}

inline WideView view(const UNICODE_STRING& string) { return {string.Buffer, string.Length / sizeof(WCHAR)}; }

/// Ordinal order: < 0, 0, > 0.
int compare(WideView a, WideView b, bool ignore_case);
bool equal(WideView a, WideView b, bool ignore_case);
bool starts_with(WideView text, WideView prefix, bool ignore_case);

/// Copies what fits and terminates; true if everything fitted. Capacity counts the terminator.
bool copy(WCHAR* out, size_t capacity, WideView text);

} // namespace fsp::nt
