// SPDX-License-Identifier: MIT
#include "nt/text.h"

#include <gtest/gtest.h>

#include <random>

#include "nt/upcase.h"
#include "sddl.h"

using namespace fsp::nt;

TEST(Text, ValidTextConvertsBothWays)
{
    const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    EXPECT_EQ(to_wide(text), u"a\u00E9\u20AC\U0001F600");
    EXPECT_EQ(to_narrow(u"a\u00E9\u20AC\U0001F600"), text);
}

TEST(Text, StrictModeRefusesOverlongSurrogateTruncatedAndTooLarge)
{
    for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xE2\x82", "\xF4\x90\x80\x80", "\xFF", "\x80"})
        EXPECT_FALSE(to_utf16(bad, nullptr, 0, TextMode::strict).valid) << bad;
    EXPECT_FALSE(to_utf8(WideView(u"\xD800", 1), nullptr, 0, TextMode::strict).valid);
}

TEST(Text, EverySequenceOfBytesSurvivesLosslessly)
{
    std::mt19937 random(1);
    const std::string pool = "a/\xEF\x80\x81\x82\xBA\xED\xA0\xB0\xC3\xA9\xF0\x9F\xFF.";
    for (int i = 0; i < 20000; ++i) {
        std::string bytes;
        for (unsigned n = random() % 12; n; --n)
            bytes += random() % 3 ? pool[random() % pool.size()] : static_cast<char>(random() % 255 + 1);
        EXPECT_EQ(to_narrow(to_wide(bytes)), bytes);
    }
}

TEST(Text, UnpairedSurrogateSurvivesLosslessly)
{
    const WideString lone{u'a', WCHAR(0xD801), u'b', WCHAR(0xDC01)};
    EXPECT_EQ(to_wide(to_narrow(lone)), lone);
}

TEST(Text, FullBufferNeverHoldsHalfACharacter)
{
    char out[4];
    const TextResult result = to_utf8(u"ab\u20AC", out, 4, TextMode::strict);
    EXPECT_FALSE(result.fits);
    EXPECT_EQ(result.written, 2u);
    EXPECT_EQ(result.length, 5u);
}

TEST(Upcase, FollowsWindowsSimpleMappings)
{
    EXPECT_EQ(upcase(u'z'), u'Z');
    EXPECT_EQ(upcase(u'\u00E9'), u'\u00C9');
    EXPECT_EQ(upcase(u'\u00FF'), u'\u0178');
    EXPECT_EQ(upcase(u'\u03C2'), u'\u03A3');
    EXPECT_EQ(upcase(u'\u0450'), u'\u0400');
    EXPECT_EQ(upcase(u'\u0561'), u'\u0531');
    EXPECT_EQ(upcase(u'\u2170'), u'\u2160');
    EXPECT_EQ(upcase(u'\u24D0'), u'\u24B6');
    EXPECT_EQ(upcase(u'\uFF41'), u'\uFF21');
    EXPECT_EQ(upcase(u'\u10D0'), u'\u10D0'); // Georgian has no case here
    EXPECT_EQ(upcase(u'\u00DF'), u'\u00DF');
}

TEST(Upcase, NothingOutsideAsciiBecomesAscii)
{
    for (unsigned c = 0x80; c < 0x10000; ++c)
        EXPECT_GE(upcase(static_cast<WCHAR>(c)), 0x80) << c;
}

TEST(Upcase, IsIdempotentAndInvertsDowncase)
{
    for (unsigned c = 0; c < 0x10000; ++c) {
        const WCHAR up = upcase(static_cast<WCHAR>(c));
        EXPECT_EQ(upcase(up), up);
        EXPECT_EQ(upcase(downcase(static_cast<WCHAR>(c))), up) << c;
    }
}

TEST(UnicodeString, AppendFailsWithoutRoomAndKeepsText)
{
    WCHAR buffer[4];
    UNICODE_STRING text{0, sizeof buffer, buffer};
    EXPECT_EQ(RtlAppendUnicodeToString(&text, u"abc"), STATUS_SUCCESS);
    EXPECT_EQ(RtlAppendUnicodeToString(&text, u"de"), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(view(text), u"abc");
    EXPECT_EQ(buffer[3], 0);
}

TEST(UnicodeString, ComparesOrdinallyWithAndWithoutCase)
{
    const UNICODE_STRING a = fsp::test::string(u"Hello"), b = fsp::test::string(u"hELLO"),
                         c = fsp::test::string(u"hello!");
    EXPECT_TRUE(RtlEqualUnicodeString(&a, &b, TRUE));
    EXPECT_FALSE(RtlEqualUnicodeString(&a, &b, FALSE));
    EXPECT_LT(RtlCompareUnicodeString(&a, &c, TRUE), 0);
    EXPECT_TRUE(RtlPrefixUnicodeString(&a, &c, TRUE));
    EXPECT_FALSE(RtlPrefixUnicodeString(&c, &a, TRUE));
    ULONG x, y;
    EXPECT_EQ(RtlHashUnicodeString(&a, TRUE, 0, &x), STATUS_SUCCESS);
    EXPECT_EQ(RtlHashUnicodeString(&b, TRUE, 0, &y), STATUS_SUCCESS);
    EXPECT_EQ(x, y);
}

TEST(UnicodeString, NumbersFormatAndParse)
{
    WCHAR buffer[16];
    UNICODE_STRING text{0, sizeof buffer, buffer};
    EXPECT_EQ(RtlIntegerToUnicodeString(0xBEEF, 16, &text), STATUS_SUCCESS);
    EXPECT_EQ(view(text), u"BEEF");
    ULONG value;
    const UNICODE_STRING hex = fsp::test::string(u" -0x10z");
    EXPECT_EQ(RtlUnicodeStringToInteger(&hex, 0, &value), STATUS_SUCCESS);
    EXPECT_EQ(value, static_cast<ULONG>(-16));
    EXPECT_EQ(RtlIntegerToUnicodeString(1, 7, &text), STATUS_INVALID_PARAMETER);
}

TEST(Guid, TextRoundTrips)
{
    const UNICODE_STRING text = fsp::test::string(u"{01234567-89AB-CDEF-0123-456789ABCDEF}");
    GUID guid;
    ASSERT_EQ(RtlGUIDFromString(&text, &guid), STATUS_SUCCESS);
    EXPECT_EQ(guid.Data1, 0x01234567u);
    UNICODE_STRING out;
    ASSERT_EQ(RtlStringFromGUID(guid, &out), STATUS_SUCCESS);
    EXPECT_EQ(view(out), view(text));
    RtlFreeUnicodeString(&out);
}

TEST(Time, FieldsRoundTripOverFourCenturies)
{
    for (LONGLONG day = 0; day < 200000; ++day) {
        LARGE_INTEGER time, back;
        time.QuadPart = day * 864'000'000'000 + 123'450'000;
        TIME_FIELDS fields;
        RtlTimeToTimeFields(&time, &fields);
        ASSERT_TRUE(RtlTimeFieldsToTime(&fields, &back)) << day;
        ASSERT_EQ(back.QuadPart, time.QuadPart) << day;
    }
}

TEST(Time, KnownDates)
{
    LARGE_INTEGER time;
    RtlSecondsSince1970ToTime(951782400, &time); // 2000-02-29
    TIME_FIELDS fields;
    RtlTimeToTimeFields(&time, &fields);
    EXPECT_EQ(fields.Year, 2000);
    EXPECT_EQ(fields.Month, 2);
    EXPECT_EQ(fields.Day, 29);
    EXPECT_EQ(fields.Weekday, 2);
    time.QuadPart = 0;
    RtlTimeToTimeFields(&time, &fields);
    EXPECT_EQ(fields.Year, 1601);
    EXPECT_EQ(fields.Weekday, 1);
    fields.Month = 13;
    EXPECT_FALSE(RtlTimeFieldsToTime(&fields, &time));
    ULONG seconds;
    time.QuadPart = 0;
    EXPECT_FALSE(RtlTimeToSecondsSince1970(&time, &seconds));
}
