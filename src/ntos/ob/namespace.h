// SPDX-License-Identifier: MIT
/// @file The object namespace: directories, symbolic links and the walk through them.
#pragma once

#include "nt/rtl.h"
#include "ntos/ob/object.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fsp::ntos::ob {

/// Upper-cases as the system compares names.
inline char16_t upcase(char16_t c)
{
    if (c < 0x80) [[likely]]
        return c >= u'a' && c <= u'z' ? static_cast<char16_t>(c - 32) : c;
    return RtlUpcaseUnicodeChar(c);
}

/// Of the last characters, in which the names of devices and volumes differ.
struct FoldedHash
{
    static constexpr size_t characters = 12;
    using is_transparent = void;
    size_t operator()(std::u16string_view s) const
    {
        size_t h = 0xcbf29ce484222325u;
        for (char16_t c : s.substr(s.size() - std::min(s.size(), characters)))
            h = (h ^ upcase(c)) * 0x100000001b3u;
        return h;
    }
};

struct FoldedEqual
{
    using is_transparent = void;
    bool operator()(std::u16string_view a, std::u16string_view b) const
    {
        if (a.size() != b.size())
            return false;
        if (std::memcmp(a.data(), b.data(), a.size() * sizeof(char16_t)) == 0)
            return true;
        for (size_t i = 0; i < a.size(); ++i)
            if (a[i] != b[i] && upcase(a[i]) != upcase(b[i]))
                return false;
        return true;
    }
};

/// Body of a directory object. Holds a reference on every entry.
struct Directory
{
    std::unordered_map<std::u16string, Header*, FoldedHash, FoldedEqual> entries;
};

/// Where a named object hangs.
struct NameEntry
{
    Directory* directory;
    std::u16string name;
};

/// Body of a symbolic link object.
struct SymbolicLink
{
    std::u16string target;
};

/// A caller's string, its length and place read once: another thread of the caller's may be changing them.
inline UNICODE_STRING capture(const UNICODE_STRING& s)
{
    const auto& caller = static_cast<const volatile UNICODE_STRING&>(s);
    const USHORT length = caller.Length;
    return {length, length, caller.Buffer};
}
inline std::u16string_view view(const UNICODE_STRING& s) { return {s.Buffer, s.Length / sizeof(WCHAR)}; }

/// Makes \Device, \??, \GLOBAL??, \DosDevices, \FileSystem, \Driver. Called once by boot.
NTSTATUS create_namespace();

/// Inserts a named object; the namespace takes a reference of its own. @return STATUS_OBJECT_NAME_COLLISION,
/// STATUS_OBJECT_PATH_NOT_FOUND, STATUS_OBJECT_NAME_INVALID
NTSTATUS insert_name(std::u16string_view path, void* body);

/// Takes the name out of the namespace, at once. Harmless without a name.
void remove_name(void* body);

/// The full name of a named object, "" without one.
std::u16string name_of(void* body);

NTSTATUS create_symbolic_link(std::u16string_view path, std::u16string_view target);
/// Removes a symbolic link by name.
NTSTATUS delete_symbolic_link(std::u16string_view path);

struct Found
{
    Ref<void> object;
    /// What is left of the path behind the object: a tail of the path given or of `replaced`.
    std::u16string_view rest;
    /// Owns the path when symbolic links changed it.
    std::u16string replaced;
};

/**
 * Walks an absolute path from the root until the end or to an object that parses the rest itself (a device).
 *
 * @param follow_last a symbolic link at the end of the path is followed
 * @return STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_OBJECT_PATH_SYNTAX_BAD,
 *         STATUS_OBJECT_TYPE_MISMATCH (path goes on behind an object that has no names below)
 */
NTSTATUS find(std::u16string_view path, bool follow_last, Found* found);

} // namespace fsp::ntos::ob
