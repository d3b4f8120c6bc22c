// SPDX-License-Identifier: MIT
//
// Formatted messages in a fixed buffer, by the rules of wvsprintf: widths are those of Windows (l is 32
// bits), and both kinds of text can be mixed (%s as the format itself, %S the other kind, %hs narrow, %ls
// wide).
#pragma once

#include <cstdarg>

#include "dll/dll.h"

namespace fsp::dll {

/// UTF-8 text of at most `capacity` bytes; what does not fit is cut at a character.
class TextBuffer
{
  public:
    TextBuffer(char* buffer, SIZE_T capacity) : buffer_(buffer), capacity_(capacity) {}

    const char* data() const { return buffer_; }
    SIZE_T size() const { return size_; }

    void append(char c)
    {
        if (size_ != capacity_)
            buffer_[size_++] = c;
    }
    void append(const char* text, SIZE_T size);
    void append(const char* text) { append(text, std::strlen(text)); }
    void append_wide(const WCHAR* text, SIZE_T length);

    void format(const char* format, ...);
    void format_list(const char* format, va_list list);
    void format_list(const WCHAR* format, va_list list);

    /// Makes sure that the text ends with a line feed, in place of its last character if it is full.
    void end_line();

  private:
    char* buffer_;
    SIZE_T capacity_;
    SIZE_T size_ = 0;
};

} // namespace fsp::dll
