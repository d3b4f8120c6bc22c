// SPDX-License-Identifier: MIT
//
// Installations side by side: each has an identifier, which its driver service and devices carry in their
// names.
#include "dll/module_windows.h"
#include "nt/text.h"

namespace fsp::dll {
namespace {

constexpr size_t ident_max = 32;

bool same_letter(WCHAR a, WCHAR b)
{
    const auto lower = [](WCHAR c) { return c >= 'A' && c <= 'Z' ? static_cast<WCHAR>(c | 0x20) : c; };
    return lower(a) == lower(b);
}

/// The first line of a text file beside the DLL, "winfsp.sxs" for "winfsp-x64.dll".
bool read_file(const ModulePath& path, WCHAR* ident)
{
    nt::WideString name(path.text, path.length);
    const size_t folder = name.find_last_of('\\') + 1;
    size_t end = name.rfind('.');
    if (end == name.npos || end < folder)
        end = name.size();
    if (const size_t dash = name.rfind('-', end); dash != name.npos && dash >= folder)
        end = dash;
    name.resize(end);
    name += FSP_L(".sxs");
    const HANDLE file =
        CreateFileW(name.c_str(), FILE_READ_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    nullptr, OPEN_EXISTING, 0, nullptr);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    char text[ident_max];
    DWORD size = 0;
    const bool read = ReadFile(file, text, sizeof text, &size, nullptr);
    CloseHandle(file);
    if (!read)
        return false;
    DWORD length = 0;
    while (length != size && text[length] != '\r' && text[length] != '\n')
        ++length;
    const nt::TextResult result = nt::to_utf16({text, length}, ident, ident_max, nt::TextMode::replace);
    ident[result.written] = 0;
    return ident[0] != 0;
}

/// The folder that the DLL is really in: ...\SxS\sxs.IDENT\...
bool read_folder(const ModulePath& path, WCHAR* ident)
{
    const HANDLE file =
        CreateFileW(path.text, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    nullptr, OPEN_EXISTING, 0, nullptr);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    WCHAR text[1024];
    const DWORD length = GetFinalPathNameByHandleW(file, text, sizeof text / sizeof *text, 0);
    CloseHandle(file);
    constexpr nt::WideView marker = FSP_L("\\SxS\\sxs.");
    if (length == 0 || length >= sizeof text / sizeof *text || length < marker.size())
        return false;
    for (size_t at = length - marker.size() + 1; at-- != 0;) {
        size_t same = 0;
        while (same != marker.size() && same_letter(text[at + same], marker[same]))
            ++same;
        if (same != marker.size())
            continue;
        const WCHAR* from = text + at + same;
        size_t size = 0;
        while (from[size] != 0 && from[size] != '\\')
            ++size;
        if (from[size] != '\\')
            continue;
        size = size < ident_max ? size : ident_max;
        std::memcpy(ident, from, size * sizeof(WCHAR));
        ident[size] = 0;
        return true;
    }
    return false;
}

/// Determined once, when the DLL is first asked.
struct Ident
{
    INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    WCHAR text[ident_max + 1] = {};

    static BOOL WINAPI find(PINIT_ONCE, PVOID self, PVOID*)
    {
        WCHAR* text = static_cast<Ident*>(self)->text;
        const ModulePath path(module);
        if (!read_file(path, text) && !read_folder(path, text))
            text[0] = 0;
        return TRUE;
    }
};
constinit Ident ident;

} // namespace
} // namespace fsp::dll

PWSTR FspSxsIdent()
{
    InitOnceExecuteOnce(&fsp::dll::ident.once, fsp::dll::Ident::find, &fsp::dll::ident, nullptr);
    return fsp::dll::ident.text;
}
