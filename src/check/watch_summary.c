#include "check/watch_summary.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#define FACT(field) { #field, offsetof(struct watch_summary, field), \
                      sizeof(((struct watch_summary *)NULL)->field) }

static const struct {
    const char *name;
    size_t offset, room;
} facts[] = { FACT(outcome), FACT(issuer), FACT(root), FACT(reader), FACT(clock), FACT(errors) };

/* A fact is one line in the store. */
static void put(char *to, size_t room, const char *from)
{
    snprintf(to, room, "%s", from);
    for (; *to != '\0'; to++)
        if (*to == '\n')
            *to = ' ';
}

static void put_reader(struct watch_summary *out, const struct mw_reader *r)
{
    char text[512];

    snprintf(text, sizeof(text), "%s%s%s%s", r->product != NULL ? r->product : "",
             r->product != NULL && r->issuer != NULL ? ", signing as " : "",
             r->issuer != NULL ? r->issuer : "",
             r->product == NULL && r->issuer == NULL ? "unnamed" : "");
    put(out->reader, sizeof(out->reader), text);
}

static const char *clock_word(enum mw_clock_state state)
{
    switch (state) {
    case MW_CLOCK_RIGHT:
        return "right";
    case MW_CLOCK_WRONG_BUT_HARMLESS:
    case MW_CLOCK_TO_BLAME:
        return "wrong";
    case MW_CLOCK_UNASKED:
    case MW_CLOCK_NO_ANSWER:
        break;
    }
    return "unknown";
}

static void put_root(struct watch_summary *out, const struct mw_verdict *v)
{
    char text[512];

    snprintf(text, sizeof(text), "%s (%s)", v->chain[v->n_path - 1].short_subject,
             v->anchor == MW_ANCHOR_PUBLIC ? "public" : "added on this computer");
    put(out->root, sizeof(out->root), text);
}

void watch_summary_of(struct watch_summary *out, const struct mw_verdict *v)
{
    size_t used = 0;

    *out = (struct watch_summary){ 0 };
    put(out->outcome, sizeof(out->outcome), mw_outcome_name(v->outcome));
    put(out->clock, sizeof(out->clock), clock_word(v->clock.state));
    if (v->n_chain > 0)
        put(out->issuer, sizeof(out->issuer), v->chain[0].issuer);
    if (v->n_path > 0 && v->anchor != MW_ANCHOR_NONE)
        put_root(out, v);
    if (v->n_readers > 0)
        put_reader(out, &v->readers[0]);
    for (size_t i = 0; i < v->n_findings && used < sizeof(out->errors) - 64; i++) {
        const char *code = mw_code_info(v->findings[i].code)->code;

        if (v->findings[i].severity == MW_ERROR && strstr(out->errors, code) == NULL)
            used += (size_t)snprintf(out->errors + used, sizeof(out->errors) - used, "%s%s",
                                     used > 0 ? "," : "", code);
    }
}

static const char *fact(const struct watch_summary *s, size_t i)
{
    return (const char *)s + facts[i].offset;
}

void watch_summary_format(struct buf *out, const struct watch_summary *s)
{
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        buf_printf(out, "%s=%s\n", facts[i].name, fact(s, i));
}

int watch_summary_parse(struct watch_summary *out, struct mw_span text)
{
    struct watch_summary got = { 0 };
    struct mw_span line, name;

    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (!span_line(&text, &line) || line.len == 0 ||
            memchr(line.data, '=', line.len) == NULL || !span_field(&line, '=', &name) ||
            !span_eq(name, span_str(facts[i].name)) || line.len >= facts[i].room)
            return -EINVAL;
        if (line.len > 0)
            memcpy((char *)&got + facts[i].offset, line.data, line.len);
    }
    *out = got;
    return text.len == 0 ? 0 : -EINVAL;
}

static size_t changed(struct buf *out, const char *what, const char *before, const char *after)
{
    if (strcmp(before, after) == 0)
        return 0;
    if (before[0] == '\0')
        buf_printf(out, "%s: now %s\n", what, after);
    else if (after[0] == '\0')
        buf_printf(out, "%s: no longer %s\n", what, before);
    else
        buf_printf(out, "%s: was %s, now %s\n", what, before, after);
    return 1;
}

size_t watch_summary_diff(struct buf *out, const struct watch_summary *before,
                          const struct watch_summary *after)
{
    size_t n = changed(out, "verdict", before->outcome, after->outcome);
    const bool seen_both = before->issuer[0] != '\0' && after->issuer[0] != '\0';

    n += changed(out, "reader", before->reader, after->reader);
    /* A host that could not be reached has no issuer: that is the verdict's change. */
    if (seen_both) {
        n += changed(out, "issuer", before->issuer, after->issuer);
        n += changed(out, "root", before->root, after->root);
    }
    /* No time server answering is no news about the clock. */
    if (strcmp(before->clock, "unknown") != 0 && strcmp(after->clock, "unknown") != 0)
        n += changed(out, "clock", before->clock, after->clock);
    return n + changed(out, "errors", before->errors, after->errors);
}
