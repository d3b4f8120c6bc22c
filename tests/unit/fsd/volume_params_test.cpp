// SPDX-License-Identifier: MIT
#include "fsd/volume_params.h"

#include <gtest/gtest.h>
#include <string>

using namespace fsp::fsd;

namespace {

std::u16string encode(const FSP_FSCTL_VOLUME_PARAMS& params, size_t count)
{
    std::u16string text = u"\\VolumeParams=";
    const auto* bytes = reinterpret_cast<const unsigned char*>(&params);
    for (size_t i = 0; i < count; i++)
        text += static_cast<char16_t>(0xf000 | bytes[i]);
    return text;
}

NTSTATUS decode(const std::u16string& text, FSP_FSCTL_VOLUME_PARAMS* params)
{
    const UNICODE_STRING name{static_cast<USHORT>(text.size() * 2), static_cast<USHORT>(text.size() * 2),
                              const_cast<WCHAR*>(text.data())};
    return decode_volume_params(name, params);
}

void set_prefix(FSP_FSCTL_VOLUME_PARAMS& params, const char16_t* text)
{
    for (size_t i = 0; (params.Prefix[i] = text[i]) != 0;)
        i++;
}

} // namespace

TEST(VolumeParams, BothVersionsAreDecoded)
{
    FSP_FSCTL_VOLUME_PARAMS in{}, out;
    in.Version = sizeof in;
    in.SectorSize = 4096;
    in.EaTimeout = 17;
    EXPECT_EQ(decode(encode(in, sizeof in), &out), STATUS_SUCCESS);
    EXPECT_EQ(out.SectorSize, 4096);
    EXPECT_EQ(out.EaTimeout, 17u);

    in.Version = 0;
    EXPECT_EQ(decode(encode(in, sizeof(FSP_FSCTL_VOLUME_PARAMS_V0)), &out), STATUS_SUCCESS);
    EXPECT_EQ(out.EaTimeout, 0u);
}

TEST(VolumeParams, WrongLengthsAndUnitsAreRefused)
{
    FSP_FSCTL_VOLUME_PARAMS in{}, out;
    EXPECT_EQ(decode(u"", &out), STATUS_NOT_FOUND);
    EXPECT_EQ(decode(u"\\volumeparams=", &out), STATUS_NOT_FOUND);
    EXPECT_EQ(decode(encode(in, 455), &out), STATUS_INVALID_PARAMETER);
    in.Version = sizeof in;
    EXPECT_EQ(decode(encode(in, sizeof in - 1), &out), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(decode(encode(in, sizeof in) + u"\xf000", &out), STATUS_INVALID_PARAMETER);
    in.Version = 0;
    EXPECT_EQ(decode(encode(in, sizeof in) + u"\xf000", &out), STATUS_SUCCESS);
    std::u16string bad = encode(in, sizeof in);
    bad[100] = u'a';
    EXPECT_EQ(decode(bad, &out), STATUS_INVALID_PARAMETER);
}

TEST(VolumeParams, DefaultsAndLimitsApply)
{
    FSP_FSCTL_VOLUME_PARAMS p{};
    p.FileInfoTimeout = 5;
    p.IrpCapacity = 50;
    ASSERT_EQ(sanitize_volume_params(&p, false), STATUS_SUCCESS);
    EXPECT_EQ(p.SectorSize, 512);
    EXPECT_EQ(p.SectorsPerAllocationUnit, 1);
    EXPECT_EQ(p.MaxComponentLength, 255);
    EXPECT_EQ(p.TransactTimeout, 86400000u);
    EXPECT_EQ(p.IrpTimeout, 300000u);
    EXPECT_EQ(p.IrpCapacity, 1000u);
    EXPECT_EQ(p.DirInfoTimeout, 5u);
    EXPECT_EQ(p.EaTimeout, 5u);
    EXPECT_TRUE(p.AlwaysUseDoubleBuffering);

    p = {};
    p.Version = sizeof p;
    p.TransactTimeout = 999;
    p.IrpTimeout = FspFsctlIrpTimeoutDebug;
    p.DirInfoTimeout = 7;
    p.DirInfoTimeoutValid = 1;
    ASSERT_EQ(sanitize_volume_params(&p, false), STATUS_SUCCESS);
    EXPECT_EQ(p.TransactTimeout, 1000u);
    EXPECT_EQ(p.IrpTimeout, 142u);
    EXPECT_EQ(p.DirInfoTimeout, 7u);
    EXPECT_EQ(p.SecurityTimeout, 0u);
}

TEST(VolumeParams, NetworkPrefixNamesServerAndShare)
{
    const struct
    {
        const char16_t* prefix;
        NTSTATUS expected;
    } cases[] = {
        {u"\\server\\share", STATUS_SUCCESS},
        {u"\\server\\share\\\\", STATUS_SUCCESS},
        {u"", STATUS_INVALID_PARAMETER},
        {u"\\", STATUS_INVALID_PARAMETER},
        {u"\\server\\", STATUS_INVALID_PARAMETER},
        {u"\\\\server\\share", STATUS_INVALID_PARAMETER},
        {u"server\\share", STATUS_INVALID_PARAMETER},
    };
    for (const auto& c : cases) {
        FSP_FSCTL_VOLUME_PARAMS p{};
        set_prefix(p, c.prefix);
        EXPECT_EQ(sanitize_volume_params(&p, true), c.expected) << std::string(c.prefix, c.prefix + 8);
    }
}
