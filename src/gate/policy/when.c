#include "gate/policy/when.h"

#include <errno.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/text.h"

enum { DAYS = 7, DAY_S = 86400 };

static int day_find(struct mw_span word)
{
    static const char *const days[DAYS] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

    for (int i = 0; i < DAYS; i++)
        if (span_eq_nocase(word, span_str(days[i])))
            return i;
    return -1;
}

int when_days_read(struct when *w, const struct ucl *node, struct arena *arena, struct buf *error)
{
    struct config_list words;
    int r = ucl_list(node, &words, arena, error);

    for (size_t i = 0; r == 0 && i < words.count; i++) {
        struct mw_span rest = span_str(words.items[i]), first = rest;
        int from, to;

        span_field(&rest, '-', &first);
        from = day_find(first);
        to = rest.len > 0 ? day_find(rest) : from;
        if (from < 0 || to < 0)
            return ucl_fail(&node->value, error, "%s: \"%s\" is not a day such as mon, nor a range "
                            "such as mon-fri", node->key, ucl_show(words.items[i]).text);
        for (int d = from;; d = (d + 1) % DAYS) {
            w->days |= 1U << d;
            if (d == to)
                break;
        }
    }
    return r;
}

/* "HH:MM"; 24:00 is a day's end. */
static int clock_parse(struct mw_span text)
{
    struct mw_span hour = { NULL, 0 };
    int64_t h, m;

    if (!span_field(&text, ':', &hour) || text.len != 2 || hour.len != 2 ||
        text_number(hour, 0, 24, &h) < 0 || text_number(text, 0, 59, &m) < 0 ||
        (h == 24 && m != 0))
        return -EINVAL;
    return (int)(h * 60 + m);
}

int when_hours_read(struct when *w, const struct ucl *node, struct arena *arena, struct buf *error)
{
    struct config_list words;
    int r = ucl_list(node, &words, arena, error);

    if (r == 0 && words.count > WHEN_MAX_HOURS)
        return ucl_fail(&node->value, error, "%s: more than %d ranges", node->key, WHEN_MAX_HOURS);
    for (size_t i = 0; r == 0 && i < words.count; i++) {
        struct mw_span rest = span_str(words.items[i]), first = { NULL, 0 };
        int from, to;

        span_field(&rest, '-', &first);
        from = clock_parse(first);
        to = clock_parse(rest);
        if (from < 0 || to < 0 || from == MINUTES_OF_DAY || from == to)
            return ucl_fail(&node->value, error, "%s: \"%s\" is not a range such as 08:00-18:00",
                            node->key, ucl_show(words.items[i]).text);
        w->hours[w->n_hours].from = from;
        w->hours[w->n_hours++].to = to;
    }
    return r;
}

int when_zone_read(struct when *w, const struct ucl *node, struct buf *error)
{
    const char *text = "";
    int minutes, r = ucl_word(node, &text, error);

    if (r != 0)
        return r;
    w->zone_minutes = 0;
    if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0)
        return 0;
    minutes = text[0] == '+' || text[0] == '-' ? clock_parse(span_str(text + 1)) : -EINVAL;
    if (minutes < 0 || minutes > 14 * 60)
        return ucl_fail(&node->value, error,
                        "%s wants UTC or an offset such as +02:00, not \"%s\"; names of zones "
                        "change with the seasons",
                        node->key, ucl_show(text).text);
    w->zone_minutes = text[0] == '-' ? -minutes : minutes;
    return 0;
}

int when_until_read(struct when *w, const struct ucl *node, struct buf *error)
{
    const char *text = "";
    int r = ucl_word(node, &text, error);

    if (r == 0 && wall_parse(span_str(text), &w->until) < 0)
        return ucl_fail(&node->value, error, "%s wants a date such as 2027-03-31, not \"%s\"",
                        node->key, ucl_show(text).text);
    return r;
}

/* Monday is 0; 1970 began on a Thursday. */
static unsigned day_bit(int64_t days)
{
    int64_t weekday = (days % DAYS + DAYS + 3) % DAYS;

    return 1U << weekday;
}

static bool day_holds(const struct when *w, int64_t days)
{
    return w->days == 0 || (w->days & day_bit(days)) != 0;
}

bool when_holds(const struct when *w, struct mw_wall now)
{
    int64_t local = now.s + 60 * (int64_t)w->zone_minutes;
    int64_t days = local / DAY_S - (local % DAY_S < 0);
    int minute = (int)((local - days * DAY_S) / 60);

    if (when_is_over(w, now))
        return false;
    if (w->n_hours == 0)
        return day_holds(w, days);
    for (size_t i = 0; i < w->n_hours; i++) {
        int from = w->hours[i].from, to = w->hours[i].to;

        if (from < to ? minute >= from && minute < to : minute >= from)
            if (day_holds(w, days))
                return true;
        if (from >= to && minute < to && day_holds(w, days - 1))
            return true;
    }
    return false;
}

bool when_is_over(const struct when *w, struct mw_wall now)
{
    return w->until.s != 0 && now.s >= w->until.s;
}

bool when_is_always(const struct when *w)
{
    return w->days == 0 && w->n_hours == 0 && w->until.s == 0;
}
