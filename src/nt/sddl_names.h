// SPDX-License-Identifier: MIT
//
// The letters of SDDL; order matters where Windows' output does.
#pragma once

#include <winfsp/nt.h>

#include "nt/sid.h"

namespace fsp::nt::sddl {

struct Name
{
    const WCHAR* text;
    ULONG value;
};

struct SidName
{
    WCHAR text[3];
    SidBuffer sid;
};

inline constexpr SidName sid_names[] = {
    {u"WD", {1, {0}}},
    {u"CO", {3, {0}}},
    {u"CG", {3, {1}}},
    {u"OW", {3, {4}}},
    {u"NU", {5, {2}}},
    {u"IU", {5, {4}}},
    {u"SU", {5, {6}}},
    {u"AN", {5, {7}}},
    {u"ED", {5, {9}}},
    {u"PS", {5, {10}}},
    {u"AU", {5, {11}}},
    {u"RC", {5, {12}}},
    {u"SY", {5, {18}}},
    {u"LS", {5, {19}}},
    {u"NS", {5, {20}}},
    {u"WR", {5, {33}}},
    {u"BA", {5, {32, 544}}},
    {u"BU", {5, {32, 545}}},
    {u"BG", {5, {32, 546}}},
    {u"PU", {5, {32, 547}}},
    {u"AO", {5, {32, 548}}},
    {u"SO", {5, {32, 549}}},
    {u"PO", {5, {32, 550}}},
    {u"BO", {5, {32, 551}}},
    {u"RE", {5, {32, 552}}},
    {u"RU", {5, {32, 554}}},
    {u"RD", {5, {32, 555}}},
    {u"NO", {5, {32, 556}}},
    {u"MU", {5, {32, 558}}},
    {u"LU", {5, {32, 559}}},
    {u"IS", {5, {32, 568}}},
    {u"CY", {5, {32, 569}}},
    {u"ER", {5, {32, 573}}},
    {u"CD", {5, {32, 574}}},
    {u"RA", {5, {32, 575}}},
    {u"ES", {5, {32, 576}}},
    {u"MS", {5, {32, 577}}},
    {u"HA", {5, {32, 578}}},
    {u"AA", {5, {32, 579}}},
    {u"RM", {5, {32, 580}}},
    {u"UD", {5, {84, 0, 0, 0, 0, 0}}},
    {u"AC", {15, {2, 1}}},
    {u"LW", {16, {0x1000}}},
    {u"ME", {16, {0x2000}}},
    {u"MP", {16, {0x2100}}},
    {u"HI", {16, {0x3000}}},
    {u"SI", {16, {0x4000}}},
    {u"AS", {18, {1}}},
    {u"SS", {18, {2}}},
};

inline constexpr Name ace_types[] = {
    {u"A", ACCESS_ALLOWED_ACE_TYPE},          {u"D", ACCESS_DENIED_ACE_TYPE},
    {u"OA", ACCESS_ALLOWED_OBJECT_ACE_TYPE},  {u"OD", ACCESS_DENIED_OBJECT_ACE_TYPE},
    {u"AU", SYSTEM_AUDIT_ACE_TYPE},           {u"AL", SYSTEM_ALARM_ACE_TYPE},
    {u"OU", SYSTEM_AUDIT_OBJECT_ACE_TYPE},    {u"OL", SYSTEM_ALARM_OBJECT_ACE_TYPE},
    {u"ML", SYSTEM_MANDATORY_LABEL_ACE_TYPE}, {u"SP", SYSTEM_SCOPED_POLICY_ID_ACE_TYPE},
};

inline constexpr Name ace_flags[] = {
    {u"OI", OBJECT_INHERIT_ACE},     {u"CI", CONTAINER_INHERIT_ACE}, {u"NP", NO_PROPAGATE_INHERIT_ACE},
    {u"IO", INHERIT_ONLY_ACE},       {u"ID", INHERITED_ACE},         {u"SA", SUCCESSFUL_ACCESS_ACE_FLAG},
    {u"FA", FAILED_ACCESS_ACE_FLAG},
};

/// Rights that stand for a whole mask when it is exactly theirs.
inline constexpr Name whole_rights[] = {
    {u"FA", FILE_ALL_ACCESS},
    {u"FR", FILE_GENERIC_READ},
    {u"FW", FILE_GENERIC_WRITE},
    {u"FX", FILE_GENERIC_EXECUTE},
};

/// Registry keys: understood, never printed for files.
inline constexpr Name key_rights[] = {
    {u"KA", 0xF003F},
    {u"KR", 0x20019},
    {u"KW", 0x20006},
    {u"KX", 0x20019},
};

/// One bit each, in the order of printing.
inline constexpr Name bit_rights[] = {
    {u"CC", 0x001},        {u"DC", 0x002},       {u"LC", 0x004},           {u"SW", 0x008},
    {u"RP", 0x010},        {u"WP", 0x020},       {u"DT", 0x040},           {u"LO", 0x080},
    {u"CR", 0x100},        {u"SD", DELETE},      {u"RC", READ_CONTROL},    {u"WD", WRITE_DAC},
    {u"WO", WRITE_OWNER},  {u"GA", GENERIC_ALL}, {u"GX", GENERIC_EXECUTE}, {u"GW", GENERIC_WRITE},
    {u"GR", GENERIC_READ},
};

/// Rights of a mandatory label.
inline constexpr Name label_rights[] = {
    {u"NW", SYSTEM_MANDATORY_LABEL_NO_WRITE_UP},
    {u"NR", SYSTEM_MANDATORY_LABEL_NO_READ_UP},
    {u"NX", SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP},
};

/// Control flags of an ACL in the order of printing; the value is the DACL's bit, the SACL's is twice it.
inline constexpr Name acl_flags[] = {
    {u"P", SE_DACL_PROTECTED},
    {u"AR", SE_DACL_AUTO_INHERIT_REQ},
    {u"AI", SE_DACL_AUTO_INHERITED},
};
static_assert(SE_SACL_PROTECTED == 2 * SE_DACL_PROTECTED &&
              SE_SACL_AUTO_INHERIT_REQ == 2 * SE_DACL_AUTO_INHERIT_REQ &&
              SE_SACL_AUTO_INHERITED == 2 * SE_DACL_AUTO_INHERITED);

} // namespace fsp::nt::sddl
