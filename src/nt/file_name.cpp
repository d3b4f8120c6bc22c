// SPDX-License-Identifier: MIT
//
// Characters of file names, and taking names apart.
#include "nt/rtl.h"
#include "nt/text.h"

namespace {

constexpr UCHAR fat = FSRTL_FAT_LEGAL, hpfs = FSRTL_HPFS_LEGAL, ntfs = FSRTL_NTFS_LEGAL,
                wild = FSRTL_WILD_CHARACTER, ole = FSRTL_OLE_LEGAL;

struct Legality
{
    UCHAR of[128];
};

consteval Legality legality()
{
    Legality table{};
    for (int c = 0; c < 128; ++c)
        table.of[c] = c < 0x20 ? (c == 0 ? 0 : ole) : fat | hpfs | ntfs | ole;
    for (const unsigned char c : {'"', '<', '>'}) // the wild cards of DOS names
        table.of[c] = wild;
    for (const unsigned char c : {'*', '?'})
        table.of[c] = wild | ole;
    table.of[static_cast<int>('|')] = ole;
    table.of[static_cast<int>('/')] = 0;
    table.of[static_cast<int>('\\')] = 0;
    table.of[static_cast<int>(':')] = 0;
    for (const unsigned char c : {'+', ',', ';', '=', '[', ']'})
        table.of[c] = hpfs | ntfs | ole;
    for (const unsigned char c : {'"', '<', '>'})
        table.of[c] |= ole;
    return table;
}

constinit const Legality legal_characters = legality();

} // namespace

extern "C" const UCHAR* const FsRtlLegalAnsiCharacterArray = legal_characters.of;

BOOLEAN NTAPI FsRtlDoesNameContainWildCards(PUNICODE_STRING Name)
{
    const fsp::nt::WideView name = fsp::nt::view(*Name);
    // Only the last component can have them.
    for (size_t i = name.size(); i > 0 && name[i - 1] != u'\\'; --i) {
        if (FsRtlIsUnicodeCharacterWild(name[i - 1]))
            return TRUE;
    }
    return FALSE;
}

VOID NTAPI FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING FirstName, PUNICODE_STRING RemainingName)
{
    *FirstName = {};
    *RemainingName = {};
    const ULONG count = Path.Length / sizeof(WCHAR);
    if (count == 0)
        return;

    const ULONG first = Path.Buffer[0] == u'\\' ? 1 : 0;
    ULONG end = first;
    while (end < count && Path.Buffer[end] != u'\\')
        ++end;

    const auto bytes = [](ULONG units) { return static_cast<USHORT>(units * sizeof(WCHAR)); };
    *FirstName = {bytes(end - first), bytes(end - first), Path.Buffer + first};
    if (end < count)
        *RemainingName = {bytes(count - end - 1), bytes(count - end - 1), Path.Buffer + end + 1};
}
