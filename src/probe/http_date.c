#include "probe/http_date.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"

/* A Date is cut to its second, and servers stamp it before they are done with the answer. */
enum { COARSE_MS = 1000 };

#define YEAR_9999_S INT64_C(253370764800)

static const char *const days[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
                                    "Friday", "Saturday", "Sunday" };
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct parts {
    int64_t year, month, day, hour, minute, second;
};

static bool take(struct mw_span *text, const char *literal)
{
    struct mw_span want = span_str(literal);

    if (!span_eq(span_cut(*text, 0, want.len), want))
        return false;
    *text = span_cut(*text, want.len, SIZE_MAX);
    return true;
}

static bool take_number(struct mw_span *text, size_t digits, int64_t min, int64_t max, int64_t *out)
{
    struct mw_span number = span_cut(*text, 0, digits);

    *text = span_cut(*text, digits, SIZE_MAX);
    return number.len == digits && text_number(number, min, max, out) == 0;
}

static bool take_day_name(struct mw_span *text, bool whole)
{
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        struct mw_span name = span_cut(span_str(days[i]), 0, whole ? SIZE_MAX : 3);

        if (span_eq(span_cut(*text, 0, name.len), name)) {
            *text = span_cut(*text, name.len, SIZE_MAX);
            return true;
        }
    }
    return false;
}

static bool take_month(struct mw_span *text, int64_t *out)
{
    for (size_t i = 0; i < 12; i++) {
        if (span_eq(span_cut(*text, 0, 3), span_of(months + 3 * i, 3))) {
            *text = span_cut(*text, 3, SIZE_MAX);
            *out = (int64_t)i + 1;
            return true;
        }
    }
    return false;
}

static bool take_clock(struct mw_span *text, struct parts *p)
{
    return take_number(text, 2, 0, 23, &p->hour) && take(text, ":") &&
           take_number(text, 2, 0, 59, &p->minute) && take(text, ":") &&
           take_number(text, 2, 0, 60, &p->second); /* 60: a leap second */
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool fixdate(struct mw_span text, struct parts *p)
{
    return take_day_name(&text, false) && take(&text, ", ") &&
           take_number(&text, 2, 1, 31, &p->day) && take(&text, " ") &&
           take_month(&text, &p->month) && take(&text, " ") &&
           take_number(&text, 4, 1, 9999, &p->year) && take(&text, " ") && take_clock(&text, p) &&
           take(&text, " GMT") && text.len == 0;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool rfc850(struct mw_span text, struct mw_wall near, struct parts *p)
{
    int64_t near_year = near.s < 0 || near.s > YEAR_9999_S ? 1970 : 1970 + near.s / 31556952;

    if (!take_day_name(&text, true) || !take(&text, ", ") ||
        !take_number(&text, 2, 1, 31, &p->day) || !take(&text, "-") ||
        !take_month(&text, &p->month) || !take(&text, "-") ||
        !take_number(&text, 2, 0, 99, &p->year) || !take(&text, " ") || !take_clock(&text, p) ||
        !take(&text, " GMT") || text.len != 0)
        return false;
    while (p->year <= near_year - 50) /* nearest, within half a century */
        p->year += 100;
    return true;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool asctime_date(struct mw_span text, struct parts *p)
{
    if (!take_day_name(&text, false) || !take(&text, " ") || !take_month(&text, &p->month) ||
        !take(&text, " "))
        return false;
    if (take(&text, " ") ? !take_number(&text, 1, 1, 9, &p->day)
                         : !take_number(&text, 2, 1, 31, &p->day))
        return false;
    return take(&text, " ") && take_clock(&text, p) && take(&text, " ") &&
           take_number(&text, 4, 1, 9999, &p->year) && text.len == 0;
}

static bool day_exists(const struct parts *p)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (p->year % 4 == 0 && p->year % 100 != 0) || p->year % 400 == 0;

    return p->day <= lengths[p->month - 1] || (leap && p->month == 2 && p->day == 29);
}

int http_date_parse(struct mw_span text, struct mw_wall near, struct mw_wall *out)
{
    struct parts p = { 0 };

    text = span_trim(text);
    if (!fixdate(text, &p) && !rfc850(text, near, &p) && !asctime_date(text, &p))
        return -EINVAL;
    if (!day_exists(&p))
        return -EINVAL;
    *out = wall_from_utc((int)p.year, (int)p.month, (int)p.day, (int)p.hour, (int)p.minute,
                         (int)p.second);
    return 0;
}

void http_date_reading(struct mw_clock_reading *out, struct mw_wall date, int64_t sent_ms,
                       int64_t received_ms)
{
    int64_t middle_ms = sent_ms + (received_ms - sent_ms) / 2;

    out->source = MW_CLOCK_HTTP_DATE;
    out->ok = true;
    out->signature_bad = false;
    out->offset_ms = date.s * 1000 + 500 - middle_ms;
    out->uncertainty_ms = COARSE_MS + (received_ms > sent_ms ? (received_ms - sent_ms) / 2 : 0);
}
