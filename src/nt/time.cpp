// SPDX-License-Identifier: MIT
//
// NT time: 100 ns intervals since 1601-01-01.
#include "nt/rtl.h"

namespace {

constexpr LONGLONG per_millisecond = 10'000;
constexpr LONGLONG per_second = 10'000'000;
constexpr LONGLONG per_day = 86'400 * per_second;
constexpr LONGLONG seconds_1601_to_1970 = 11'644'473'600;
constexpr LONGLONG seconds_1601_to_1980 = 11'960'006'400;

/// Days from 1601-01-01 to the first of March of a year; years counted from March make the leap day the last.
constexpr LONGLONG days_to_march(LONGLONG year)
{
    const LONGLONG y = year - 1600;
    return 365 * y + y / 4 - y / 100 + y / 400 - 306;
}
static_assert(days_to_march(1601) == 59);

/// Days from the first of March to the first of a month, March = 0.
constexpr LONGLONG days_to_month(LONGLONG month_from_march) { return (153 * month_from_march + 2) / 5; }

constexpr bool is_leap(LONGLONG year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr LONGLONG days_in_month(LONGLONG year, LONGLONG month)
{
    if (month == 2)
        return is_leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

BOOLEAN to_seconds(PLARGE_INTEGER time, LONGLONG epoch, PULONG seconds)
{
    // Signed: a negative time is before every epoch.
    const LONGLONG value = time->QuadPart / per_second - epoch;
    if (time->QuadPart < 0 || value < 0 || value > LONGLONG{MAXULONG})
        return FALSE;
    *seconds = static_cast<ULONG>(value);
    return TRUE;
}

} // namespace

VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    LONGLONG days = Time->QuadPart / per_day;
    LONGLONG rest = Time->QuadPart % per_day;
    if (rest < 0) {
        rest += per_day;
        --days;
    }

    TimeFields->Weekday = static_cast<CSHORT>(((days + 1) % 7 + 7) % 7); // 1601-01-01 was a Monday
    // An estimate that is never too small and at most one too large.
    LONGLONG year = 1601 + days * 400 / 146097 + 1;
    while (days_to_march(year) > days)
        --year;
    const LONGLONG day_of_year = days - days_to_march(year); // from March
    LONGLONG month = (5 * day_of_year + 2) / 153;
    TimeFields->Day = static_cast<CSHORT>(day_of_year - days_to_month(month) + 1);
    if (month >= 10)
        ++year;
    month = month < 10 ? month + 3 : month - 9;
    TimeFields->Year = static_cast<CSHORT>(year);
    TimeFields->Month = static_cast<CSHORT>(month);

    TimeFields->Milliseconds = static_cast<CSHORT>(rest / per_millisecond % 1000);
    TimeFields->Second = static_cast<CSHORT>(rest / per_second % 60);
    TimeFields->Minute = static_cast<CSHORT>(rest / (60 * per_second) % 60);
    TimeFields->Hour = static_cast<CSHORT>(rest / (3600 * per_second));
}

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    const TIME_FIELDS& f = *TimeFields;
    if (f.Year < 1601 || f.Year > 30827 || f.Month < 1 || f.Month > 12 || f.Day < 1 ||
        f.Day > days_in_month(f.Year, f.Month) || f.Hour < 0 || f.Hour > 23 || f.Minute < 0 ||
        f.Minute > 59 || f.Second < 0 || f.Second > 59 || f.Milliseconds < 0 || f.Milliseconds > 999)
        return FALSE;

    const bool before_march = f.Month < 3;
    const LONGLONG days = days_to_march(before_march ? f.Year - 1 : f.Year) +
                          days_to_month(before_march ? f.Month + 9 : f.Month - 3) + f.Day - 1;
    Time->QuadPart = days * per_day + (f.Hour * 3600 + f.Minute * 60 + f.Second) * per_second +
                     f.Milliseconds * per_millisecond;
    return TRUE;
}

BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return to_seconds(Time, seconds_1601_to_1970, ElapsedSeconds);
}

VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + seconds_1601_to_1970) * per_second;
}

BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds)
{
    return to_seconds(Time, seconds_1601_to_1980, ElapsedSeconds);
}

VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time)
{
    Time->QuadPart = (ElapsedSeconds + seconds_1601_to_1980) * per_second;
}
