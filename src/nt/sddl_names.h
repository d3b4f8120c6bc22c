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
    {FSP_L("WD"), {1, {0}}},
    {FSP_L("CO"), {3, {0}}},
    {FSP_L("CG"), {3, {1}}},
    {FSP_L("OW"), {3, {4}}},
    {FSP_L("NU"), {5, {2}}},
    {FSP_L("IU"), {5, {4}}},
    {FSP_L("SU"), {5, {6}}},
    {FSP_L("AN"), {5, {7}}},
    {FSP_L("ED"), {5, {9}}},
    {FSP_L("PS"), {5, {10}}},
    {FSP_L("AU"), {5, {11}}},
    {FSP_L("RC"), {5, {12}}},
    {FSP_L("SY"), {5, {18}}},
    {FSP_L("LS"), {5, {19}}},
    {FSP_L("NS"), {5, {20}}},
    {FSP_L("WR"), {5, {33}}},
    {FSP_L("BA"), {5, {32, 544}}},
    {FSP_L("BU"), {5, {32, 545}}},
    {FSP_L("BG"), {5, {32, 546}}},
    {FSP_L("PU"), {5, {32, 547}}},
    {FSP_L("AO"), {5, {32, 548}}},
    {FSP_L("SO"), {5, {32, 549}}},
    {FSP_L("PO"), {5, {32, 550}}},
    {FSP_L("BO"), {5, {32, 551}}},
    {FSP_L("RE"), {5, {32, 552}}},
    {FSP_L("RU"), {5, {32, 554}}},
    {FSP_L("RD"), {5, {32, 555}}},
    {FSP_L("NO"), {5, {32, 556}}},
    {FSP_L("MU"), {5, {32, 558}}},
    {FSP_L("LU"), {5, {32, 559}}},
    {FSP_L("IS"), {5, {32, 568}}},
    {FSP_L("CY"), {5, {32, 569}}},
    {FSP_L("ER"), {5, {32, 573}}},
    {FSP_L("CD"), {5, {32, 574}}},
    {FSP_L("RA"), {5, {32, 575}}},
    {FSP_L("ES"), {5, {32, 576}}},
    {FSP_L("MS"), {5, {32, 577}}},
    {FSP_L("HA"), {5, {32, 578}}},
    {FSP_L("AA"), {5, {32, 579}}},
    {FSP_L("RM"), {5, {32, 580}}},
    {FSP_L("UD"), {5, {84, 0, 0, 0, 0, 0}}},
    {FSP_L("AC"), {15, {2, 1}}},
    {FSP_L("LW"), {16, {0x1000}}},
    {FSP_L("ME"), {16, {0x2000}}},
    {FSP_L("MP"), {16, {0x2100}}},
    {FSP_L("HI"), {16, {0x3000}}},
    {FSP_L("SI"), {16, {0x4000}}},
    {FSP_L("AS"), {18, {1}}},
    {FSP_L("SS"), {18, {2}}},
};

inline constexpr Name ace_types[] = {
    {FSP_L("A"), ACCESS_ALLOWED_ACE_TYPE},          {FSP_L("D"), ACCESS_DENIED_ACE_TYPE},
    {FSP_L("OA"), ACCESS_ALLOWED_OBJECT_ACE_TYPE},  {FSP_L("OD"), ACCESS_DENIED_OBJECT_ACE_TYPE},
    {FSP_L("AU"), SYSTEM_AUDIT_ACE_TYPE},           {FSP_L("AL"), SYSTEM_ALARM_ACE_TYPE},
    {FSP_L("OU"), SYSTEM_AUDIT_OBJECT_ACE_TYPE},    {FSP_L("OL"), SYSTEM_ALARM_OBJECT_ACE_TYPE},
    {FSP_L("ML"), SYSTEM_MANDATORY_LABEL_ACE_TYPE}, {FSP_L("SP"), SYSTEM_SCOPED_POLICY_ID_ACE_TYPE},
};

inline constexpr Name ace_flags[] = {
    {FSP_L("OI"), OBJECT_INHERIT_ACE},
    {FSP_L("CI"), CONTAINER_INHERIT_ACE},
    {FSP_L("NP"), NO_PROPAGATE_INHERIT_ACE},
    {FSP_L("IO"), INHERIT_ONLY_ACE},
    {FSP_L("ID"), INHERITED_ACE},
    {FSP_L("SA"), SUCCESSFUL_ACCESS_ACE_FLAG},
    {FSP_L("FA"), FAILED_ACCESS_ACE_FLAG},
};

/// Rights that stand for a whole mask when it is exactly theirs.
inline constexpr Name whole_rights[] = {
    {FSP_L("FA"), FILE_ALL_ACCESS},
    {FSP_L("FR"), FILE_GENERIC_READ},
    {FSP_L("FW"), FILE_GENERIC_WRITE},
    {FSP_L("FX"), FILE_GENERIC_EXECUTE},
};

/// Registry keys: understood, never printed for files.
inline constexpr Name key_rights[] = {
    {FSP_L("KA"), 0xF003F},
    {FSP_L("KR"), 0x20019},
    {FSP_L("KW"), 0x20006},
    {FSP_L("KX"), 0x20019},
};

/// One bit each, in the order of printing.
inline constexpr Name bit_rights[] = {
    {FSP_L("CC"), 0x001},         {FSP_L("DC"), 0x002},        {FSP_L("LC"), 0x004},
    {FSP_L("SW"), 0x008},         {FSP_L("RP"), 0x010},        {FSP_L("WP"), 0x020},
    {FSP_L("DT"), 0x040},         {FSP_L("LO"), 0x080},        {FSP_L("CR"), 0x100},
    {FSP_L("SD"), DELETE},        {FSP_L("RC"), READ_CONTROL}, {FSP_L("WD"), WRITE_DAC},
    {FSP_L("WO"), WRITE_OWNER},   {FSP_L("GA"), GENERIC_ALL},  {FSP_L("GX"), GENERIC_EXECUTE},
    {FSP_L("GW"), GENERIC_WRITE}, {FSP_L("GR"), GENERIC_READ},
};

/// Rights of a mandatory label.
inline constexpr Name label_rights[] = {
    {FSP_L("NW"), SYSTEM_MANDATORY_LABEL_NO_WRITE_UP},
    {FSP_L("NR"), SYSTEM_MANDATORY_LABEL_NO_READ_UP},
    {FSP_L("NX"), SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP},
};

/// Control flags of an ACL in the order of printing; the value is the DACL's bit, the SACL's is twice it.
inline constexpr Name acl_flags[] = {
    {FSP_L("P"), SE_DACL_PROTECTED},
    {FSP_L("AR"), SE_DACL_AUTO_INHERIT_REQ},
    {FSP_L("AI"), SE_DACL_AUTO_INHERITED},
};
static_assert(SE_SACL_PROTECTED == 2 * SE_DACL_PROTECTED &&
              SE_SACL_AUTO_INHERIT_REQ == 2 * SE_DACL_AUTO_INHERIT_REQ &&
              SE_SACL_AUTO_INHERITED == 2 * SE_DACL_AUTO_INHERITED);

} // namespace fsp::nt::sddl
