#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/text.h"

struct mw_wall wall_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (struct mw_wall){ t.tv_sec };
}

int64_t wall_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct mono mono_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct mono){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back: Howard Hinnant's
 * "chrono-compatible low-level date algorithms" describe the arithmetic. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, int *m, int *d)
{
    int64_t era, doe, yoe, doy, mp;

    z += 719468;
    era = (z >= 0 ? z : z - 146096) / 146097;
    doe = z - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = yoe + era * 400 + (*m <= 2);
}

struct mw_wall wall_from_utc(int year, int month, int day, int hour, int minute, int second)
{
    int64_t days = days_from_civil(year, month, day);

    return (struct mw_wall){ days * 86400 + hour * 3600 + minute * 60 + second };
}

static int digits(struct mw_span *s, size_t n, int max, int *out)
{
    int64_t v;

    if (s->len < n || text_number(span_cut(*s, 0, n), 0, max, &v) < 0)
        return -EINVAL;
    *out = (int)v;
    *s = span_cut(*s, n, s->len);
    return 0;
}

static int mark(struct mw_span *s, const char *any_of)
{
    if (s->len == 0 || s->data[0] == 0 || strchr(any_of, s->data[0]) == NULL)
        return -EINVAL;
    *s = span_cut(*s, 1, s->len);
    return 0;
}

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static int parse_offset(struct mw_span *s, int *offset_s)
{
    int sign, hours, minutes;

    if (s->len == 0)
        return -EINVAL;
    *offset_s = 0;
    if (mark(s, "Zz") == 0)
        return 0;
    sign = s->data[0] == '-' ? -1 : 1;
    if (mark(s, "+-") < 0 || digits(s, 2, 23, &hours) < 0 || mark(s, ":") < 0 ||
        digits(s, 2, 59, &minutes) < 0)
        return -EINVAL;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return 0;
}

int wall_parse(struct mw_span s, struct mw_wall *out)
{
    int year, month, day, hour = 0, minute = 0, second = 0, offset_s = 0;

    if (digits(&s, 4, 9999, &year) < 0 || mark(&s, "-") < 0 || digits(&s, 2, 12, &month) < 0 ||
        mark(&s, "-") < 0 || digits(&s, 2, 31, &day) < 0)
        return -EINVAL;
    if (month < 1 || day < 1 || day > month_days(year, month))
        return -EINVAL;
    if (s.len > 0) {
        if (mark(&s, "Tt ") < 0 || digits(&s, 2, 23, &hour) < 0 || mark(&s, ":") < 0 ||
            digits(&s, 2, 59, &minute) < 0 || mark(&s, ":") < 0 || digits(&s, 2, 60, &second) < 0)
            return -EINVAL;
        if (mark(&s, ".") == 0) {
            size_t n = 0;

            while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
                n++;
            if (n == 0)
                return -EINVAL;
            s = span_cut(s, n, s.len);
        }
        if (parse_offset(&s, &offset_s) < 0 || s.len != 0)
            return -EINVAL;
    }
    *out = wall_from_utc(year, month, day, hour, minute, second);
    out->s -= offset_s;
    return 0;
}

static int64_t split_day(struct mw_wall t, int64_t *days)
{
    int64_t of_day = t.s % 86400;

    if (of_day < 0)
        of_day += 86400;
    *days = (t.s - of_day) / 86400;
    return of_day;
}

void wall_format_date(struct buf *out, struct mw_wall t)
{
    int64_t days, year;
    int month, day;

    split_day(t, &days);
    civil_from_days(days, &year, &month, &day);
    buf_printf(out, "%04" PRId64 "-%02d-%02d", year, month, day);
}

void wall_format(struct buf *out, struct mw_wall t)
{
    int64_t days;
    int s = (int)split_day(t, &days);

    wall_format_date(out, t);
    buf_printf(out, "T%02d:%02d:%02dZ", s / 3600, s / 60 % 60, s % 60);
}

void span_of_time_format(struct buf *out, int64_t seconds)
{
    static const struct {
        uint64_t s;
        const char *name;
    } units[] = {
        {365 * 86400ULL, "year"  },
        { 86400,         "day"   },
        { 3600,          "hour"  },
        { 60,            "minute"},
        { 1,             "second"}
    };
    uint64_t left = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;
    size_t i = 0;
    uint64_t n;

    /* A unit is used once there are two of it: "400 days" says more than "1 year". */
    while (i + 1 < ARRAY_LEN(units) && left < 2 * units[i].s)
        i++;
    n = left / units[i].s;
    buf_printf(out, "%" PRIu64 " %s%s", n, units[i].name, n == 1 ? "" : "s");
}
