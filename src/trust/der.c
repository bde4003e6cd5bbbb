#include "trust/der.h"

#include "base/clock.h"
#include "base/text.h"

/* The length octets, strictly minimal (X.690 10.1). */
static size_t der_length(struct reader *r)
{
    uint8_t first = read_u8(r);
    size_t len = 0;

    if (first < 0x80)
        return first;
    if (first == 0x80 || first > 0x84) {
        read_fail(r);
        return 0;
    }
    for (int i = first & 0x7f; i > 0; i--)
        len = (len << 8) | read_u8(r);
    if (len < 0x80 || len < (size_t)1 << (8 * ((first & 0x7f) - 1)))
        read_fail(r);
    return len;
}

struct der der_next(struct reader *r)
{
    struct mw_span start = r->rest;
    struct der e = { .tag = read_u8(r) };
    size_t len;

    if ((e.tag & 0x1f) == 0x1f)
        read_fail(r);
    len = der_length(r);
    e.content = read_bytes(r, len);
    if (r->failed)
        return (struct der){ 0 };
    e.whole = span_of(start.data, start.len - r->rest.len);
    return e;
}

struct mw_span der_expect_whole(struct reader *r, uint8_t tag)
{
    struct der e = der_next(r);

    if (e.tag != tag) {
        read_fail(r);
        return (struct mw_span){ 0 };
    }
    return e.whole;
}

struct mw_span der_expect(struct reader *r, uint8_t tag)
{
    struct der e = der_next(r);

    if (e.tag != tag) {
        read_fail(r);
        return (struct mw_span){ 0 };
    }
    return e.content;
}

bool der_peek(const struct reader *r, uint8_t tag)
{
    return read_more(r) && r->rest.data[0] == tag;
}

struct mw_span der_unwrap(struct mw_span der, uint8_t tag, bool *ok)
{
    struct reader r = { .rest = der };
    struct mw_span content = der_expect(&r, tag);

    *ok = read_done(&r);
    return *ok ? content : (struct mw_span){ 0 };
}

bool der_bool(struct reader *r)
{
    struct mw_span b = der_expect(r, DER_BOOLEAN);

    if (b.len != 1 || (b.data[0] != 0 && b.data[0] != 0xff)) {
        read_fail(r);
        return false;
    }
    return b.data[0] != 0;
}

int der_small(struct reader *r, int most)
{
    struct mw_span i = der_expect(r, DER_INTEGER);
    int value = 0;

    if (i.len == 0 || i.len > 4 || (i.data[0] & 0x80) != 0 ||
        (i.len > 1 && i.data[0] == 0 && (i.data[1] & 0x80) == 0)) {
        read_fail(r);
        return 0;
    }
    for (size_t k = 0; k < i.len; k++)
        value = (value << 8) | i.data[k];
    if (value > most) {
        read_fail(r);
        return 0;
    }
    return value;
}

/* Two decimal digits; -1 if they are not. */
static int two_digits(struct mw_span s, size_t at)
{
    if (s.data[at] < '0' || s.data[at] > '9' || s.data[at + 1] < '0' || s.data[at + 1] > '9')
        return -1;
    return (s.data[at] - '0') * 10 + (s.data[at + 1] - '0');
}

static int month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

struct mw_wall der_time(struct reader *r)
{
    struct der e = der_next(r);
    bool general = e.tag == DER_GENERALIZED_TIME;
    size_t at = general ? 4 : 2;
    int field[6];

    if ((!general && e.tag != DER_UTC_TIME) || e.content.len != at + 11 ||
        e.content.data[at + 10] != 'Z')
        goto bad;
    field[0] = two_digits(e.content, 0);
    if (general) {
        int low = two_digits(e.content, 2);

        if (field[0] < 0 || low < 0)
            goto bad;
        field[0] = field[0] * 100 + low;
    } else if (field[0] >= 0) {
        field[0] += field[0] < 50 ? 2000 : 1900;
    }
    for (int i = 1; i < 6; i++, at += 2)
        field[i] = two_digits(e.content, at);
    if (field[0] < 0 || field[1] < 1 || field[1] > 12 || field[2] < 1 ||
        field[2] > month_days(field[0], field[1]) || field[3] < 0 || field[3] > 23 ||
        field[4] < 0 || field[4] > 59 || field[5] < 0 || field[5] > 59)
        goto bad;
    return wall_from_utc(field[0], field[1], field[2], field[3], field[4], field[5]);
bad:
    read_fail(r);
    return (struct mw_wall){ 0 };
}
