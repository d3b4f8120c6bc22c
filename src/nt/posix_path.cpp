// SPDX-License-Identifier: MIT
//
// POSIX names and paths <-> Windows names and paths.
#include <cstdlib>

#include "nt/posix_map.h"

namespace fsp::nt::posix {

namespace {

constexpr WCHAR stand_in_base = 0xF000;
/// Keeps sizes in 32 bits; no path is nearly as long.
constexpr size_t max_path_units = 0x10000000;

constexpr WCHAR stand_in(unsigned c) { return static_cast<WCHAR>(stand_in_base | c); }

/// Win32 would drop these at the end of a name.
constexpr bool is_dropped_at_end(unsigned c) { return c == '.' || c == ' '; }

constexpr bool is_stand_in_for_ascii(unsigned code, bool at_end)
{
    const unsigned c = code & 0xFF;
    return (code & 0xFF00) == stand_in_base && c < 0x80 &&
           (is_reserved(static_cast<WCHAR>(c)) || (at_end && is_dropped_at_end(c)));
}

/// Collects converted pieces.
template<class Unit> class Joined
{
  public:
    Joined(Unit* out, size_t capacity) : out_(out), capacity_(out ? capacity : 0)
    {
        result.fits = out != nullptr;
    }

    void put(Unit unit)
    {
        if (result.fits && result.written < capacity_)
            out_[result.written++] = unit;
        else
            result.fits = false;
        ++result.length;
    }
    /// `convert(out, capacity)` yields a TextResult for one piece.
    template<class Convert> void piece(Convert convert)
    {
        const TextResult part = result.fits ? convert(out_ + result.written, capacity_ - result.written)
                                            : convert(static_cast<Unit*>(nullptr), size_t{0});
        result.length += part.length;
        result.written += part.written;
        result.fits = result.fits && part.fits;
    }

    TextResult result;

  private:
    Unit* out_;
    size_t capacity_;
};

/// The three bytes of U+F000..U+F07F in UTF-8; 0 if something else is there.
unsigned utf8_stand_in(std::string_view text)
{
    if (text.size() < 3 || text[0] != '\xEF' || (text[1] != '\x80' && text[1] != '\x81') ||
        (text[2] & 0xC0) != 0x80)
        return 0;
    return stand_in_base | (text[1] & 1u) << 6 | (text[2] & 0x3Fu);
}

/// A name that would read "." or ".." with its last dot in ASCII: there the stand-in stays what it is.
bool is_dot_name(std::string_view name) { return name == "\xEF\x80\xAE" || name == ".\xEF\x80\xAE"; }
bool is_dot_name(WideView name)
{
    return name == WideView(FSP_L("\uF02E")) || name == WideView(FSP_L(".\uF02E"));
}

void name_to_windows(Joined<WCHAR>& out, std::string_view name)
{
    const bool dot_name = is_dot_name(name);
    // These are not names but directions.
    const bool direction = name == "." || name == "..";
    for (size_t i = 0; i < name.size();) {
        const auto c = static_cast<unsigned char>(name[i]);
        if (c < 0x80) {
            const bool hidden =
                is_reserved(c) || (!direction && i + 1 == name.size() && is_dropped_at_end(c));
            out.put(hidden ? stand_in(c) : static_cast<WCHAR>(c));
            ++i;
            continue;
        }
        // What would come back as one ASCII character is hidden as three bytes.
        if (const unsigned code = utf8_stand_in(name.substr(i));
            code && !dot_name && is_stand_in_for_ascii(code, i + 3 == name.size()))
        {
            for (const size_t end = i + 3; i < end; ++i)
                out.put(stand_in(static_cast<unsigned char>(name[i])));
            continue;
        }
        size_t end = i + 1;
        while (end < name.size() && static_cast<unsigned char>(name[end]) >= 0x80 &&
               !utf8_stand_in(name.substr(end)))
            ++end;
        const std::string_view run = name.substr(i, end - i);
        out.piece([run](WCHAR* to, size_t room) { return to_utf16(run, to, room, TextMode::lossless); });
        i = end;
    }
}

void name_to_mount(Joined<char>& out, WideView name)
{
    const bool dot_name = is_dot_name(name);
    const auto hides_ascii = [&](size_t i) {
        return is_stand_in_for_ascii(static_cast<UINT16>(name[i]), !dot_name && i + 1 == name.size());
    };
    for (size_t i = 0; i < name.size();) {
        if (hides_ascii(i)) {
            out.put(static_cast<char>(name[i++] & 0x7F));
            continue;
        }
        size_t end = i + 1;
        while (end < name.size() && !hides_ascii(end))
            ++end;
        const WideView run = name.substr(i, end - i);
        out.piece([run](char* to, size_t room) { return to_utf8(run, to, room, TextMode::lossless); });
        i = end;
    }
}

/// Calls `component` for the text between separators and `separator` for each of them.
template<class View, class Component, class Separator>
void split(View path, typename View::value_type at, Component component, Separator separator)
{
    for (;;) {
        const size_t end = path.find(at);
        component(path.substr(0, end));
        if (end == View::npos)
            return;
        separator();
        path.remove_prefix(end + 1);
    }
}

constexpr TextMode mode_of(bool translate) { return translate ? TextMode::lossless : TextMode::replace; }

} // namespace

void encode_windows_path(WCHAR* path, ULONG length)
{
    for (ULONG i = 0; i < length; ++i) {
        if (path[i] == u'\\')
            path[i] = u'/';
        else if ((path[i] & 0xFF00) == stand_in_base)
            path[i] &= 0xFF;
    }
}

void decode_windows_path(WCHAR* path, ULONG length)
{
    for (ULONG i = 0; i < length; ++i) {
        if (path[i] == u'/')
            path[i] = u'\\';
        else if (is_reserved(path[i]))
            path[i] = stand_in(path[i]);
    }
}

NTSTATUS windows_to_posix_path(WideView path, bool translate, char** out)
{
    *out = nullptr;
    if (path.size() > max_path_units)
        return STATUS_NAME_TOO_LONG;
    const size_t capacity = path.size() * 3;
    auto* const text = static_cast<char*>(std::malloc(capacity + 1));
    if (!text)
        return STATUS_NO_MEMORY;

    const auto is_special = [&](WCHAR c) {
        return translate && (c == u'\\' || is_stand_in_for_ascii(c, false));
    };
    Joined<char> joined(text, capacity);
    for (size_t i = 0; i < path.size();) {
        if (is_special(path[i])) {
            joined.put(path[i] == u'\\' ? '/' : static_cast<char>(path[i] & 0x7F));
            ++i;
            continue;
        }
        size_t end = i + 1;
        while (end < path.size() && !is_special(path[end]))
            ++end;
        const WideView run = path.substr(i, end - i);
        joined.piece([&](char* to, size_t room) { return to_utf8(run, to, room, mode_of(translate)); });
        i = end;
    }
    text[joined.result.written] = 0;
    *out = text;
    return STATUS_SUCCESS;
}

NTSTATUS posix_to_windows_path(std::string_view path, bool translate, WCHAR** out)
{
    *out = nullptr;
    if (path.size() > max_path_units)
        return STATUS_NAME_TOO_LONG;
    auto* const text = static_cast<WCHAR*>(std::malloc((path.size() + 1) * sizeof(WCHAR)));
    if (!text)
        return STATUS_NO_MEMORY;
    const TextResult result = to_utf16(path, text, path.size(), mode_of(translate));
    text[result.written] = 0;
    if (translate)
        decode_windows_path(text, static_cast<ULONG>(result.written));
    *out = text;
    return STATUS_SUCCESS;
}

TextResult mount_name_to_windows(std::string_view name, WCHAR* out, size_t capacity)
{
    Joined<WCHAR> joined(out, capacity);
    name_to_windows(joined, name);
    return joined.result;
}

TextResult windows_name_to_mount(WideView name, char* out, size_t capacity)
{
    Joined<char> joined(out, capacity);
    name_to_mount(joined, name);
    return joined.result;
}

TextResult mount_path_to_windows(std::string_view path, WCHAR* out, size_t capacity)
{
    Joined<WCHAR> joined(out, capacity);
    split(
        path, '/', [&](std::string_view name) { name_to_windows(joined, name); }, [&] { joined.put(u'\\'); });
    return joined.result;
}

TextResult windows_path_to_mount(WideView path, char* out, size_t capacity)
{
    Joined<char> joined(out, capacity);
    split(path, u'\\', [&](WideView name) { name_to_mount(joined, name); }, [&] { joined.put('/'); });
    return joined.result;
}

} // namespace fsp::nt::posix
