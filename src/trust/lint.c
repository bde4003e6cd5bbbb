#include "trust/lint.h"

#include "base/clock.h"
#include "trust/constraint.h"
#include "trust/der.h"

/* A finding about a certificate that could be counted instead. */
static void lint_add(struct lint *l, enum mw_severity severity, enum mw_code code, size_t cert,
                     const char *format, va_list args) PRINTF_LIKE(5, 0);

static void lint_add(struct lint *l, enum mw_severity severity, enum mw_code code, size_t cert,
                     const char *format, va_list args)
{
    struct mw_finding *f;
    char text[512];

    if (severity == MW_ERROR) {
        l->errors++;
        l->time_errors += code == MW_EXPIRED || code == MW_NOT_YET_VALID;
    } else {
        l->notes++;
    }
    if (l->list == NULL)
        return;
    vsnprintf(text, sizeof text, format, args);
    f = finding_add(l->j, l->list, code, cert == LINT_NO_CERT ? -1 : (int)cert, "%s", text);
    if (f != NULL)
        f->severity = severity;
}

void lint_error(struct lint *l, enum mw_code code, size_t cert, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    lint_add(l, MW_ERROR, code, cert, format, args);
    va_end(args);
}

void lint_form(struct lint *l, enum mw_code code, size_t cert, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    lint_add(l, l->strict ? MW_ERROR : MW_NOTE, code, cert, format, args);
    va_end(args);
}

void lint_as(struct lint *l, enum mw_severity severity, enum mw_code code, size_t cert,
             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    lint_add(l, severity, code, cert, format, args);
    va_end(args);
}

bool lint_has(const struct lint *l, enum mw_code code)
{
    for (size_t i = 0; l->list != NULL && i < l->list->n; i++)
        if (l->list->items[i].code == code)
            return true;
    return false;
}

bool lint_is_anchor(const struct lint *l, size_t i)
{
    return l->path->anchor != MW_ANCHOR_NONE && i + 1 == l->path->n;
}

static void lint_validity(struct lint *l, size_t i)
{
    const struct cert *c = l->path->certs[i];
    CLEANUP(buf_deinit) struct buf when = BUF_INIT(64);
    CLEANUP(buf_deinit) struct buf ago = BUF_INIT(64);
    bool early = l->at.s < c->not_before.s;

    if (c->not_after.s < c->not_before.s)
        lint_error(l, MW_CERT_MALFORMED, i, "it ends before it begins");
    if (!early && l->at.s <= c->not_after.s)
        return;
    wall_format(&when, early ? c->not_before : c->not_after);
    span_of_time_format(&ago, early ? c->not_before.s - l->at.s : l->at.s - c->not_after.s);
    if (early)
        lint_error(l, MW_NOT_YET_VALID, i, "valid from %s, which is %s ahead of the clock used",
                   (const char *)when.data, (const char *)ago.data);
    else
        lint_error(l, MW_EXPIRED, i, "ended %s, %s ago by the clock used",
                   (const char *)when.data, (const char *)ago.data);
}

/* The longest a leaf may live, by the day it was issued (CA/Browser Forum Baseline
 * Requirements 6.3.2 with ballots 193, SC31 and SC-081v3; Apple and Chrome enforce them). */
static int64_t most_days(struct mw_wall issued)
{
    static const struct {
        int year, month, day;
        int64_t days;
    } steps[] = {
        { 2029, 3, 15, 47 }, { 2027, 3, 15, 100 }, { 2026, 3, 15, 200 },
        { 2020, 9, 1, 398 }, { 2018, 3, 1, 825 },
    };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (issued.s >= wall_from_utc(steps[i].year, steps[i].month, steps[i].day, 0, 0, 0).s)
            return steps[i].days;
    return 0;
}

static void lint_lifetime(struct lint *l)
{
    const struct cert *c = l->path->certs[0];
    int64_t life_s = c->not_after.s - c->not_before.s + 1;      /* both ends included */
    int64_t left_s = c->not_after.s - l->at.s;
    int64_t days = most_days(c->not_before);
    CLEANUP(buf_deinit) struct buf left = BUF_INIT(64);

    if (l->strict && l->anchor_vetted && days > 0 && life_s > days * 86400)
        lint_error(l, MW_VALIDITY_TOO_LONG, 0,
                   "valid for %lld days; public certificates issued on its day may be valid for "
                   "%lld", (long long)(life_s / 86400), (long long)days);
    /* By then an automatic renewal, which is due at a third of the life, has failed. */
    if (left_s >= 0 && left_s < 7 * 86400 && left_s < life_s / 6) {
        span_of_time_format(&left, left_s);
        lint_as(l, MW_NOTE, MW_EXPIRES_SOON, 0, "expires in %s", (const char *)left.data);
    }
}

static void lint_serial(struct lint *l, size_t i)
{
    struct mw_span s = l->path->certs[i]->serial;
    bool zero = true;

    for (size_t k = 0; k < s.len; k++)
        zero = zero && s.data[k] == 0;
    if (zero)
        lint_form(l, MW_BAD_SERIAL, i, "the serial number is zero");
    else if ((s.data[0] & 0x80) != 0)
        lint_form(l, MW_BAD_SERIAL, i, "the serial number is negative");
    else if (s.len > 20)
        lint_form(l, MW_BAD_SERIAL, i, "the serial number has %zu octets; 20 are allowed", s.len);
}

static void lint_fields(struct lint *l, size_t i)
{
    const struct cert *c = l->path->certs[i];
    bool ca_position = i > 0;

    if (c->version != 3) {
        if (lint_is_anchor(l, i))
            lint_form(l, MW_CERT_VERSION, i, "X.509 version %d", c->version);
        else
            lint_error(l, MW_CERT_VERSION, i, "X.509 version %d; version 3 is needed to say "
                       "whose certificate it is", c->version);
    }
    lint_serial(l, i);
    if (!span_eq(c->algorithm, c->algorithm_outer))
        lint_error(l, MW_CERT_MALFORMED, i,
                   "the signed and the unsigned name of the signature algorithm differ");
    if (name_is_empty(c->issuer))
        lint_error(l, MW_BAD_SUBJECT, i, "the issuer has no name");
    if (ca_position && name_is_empty(c->subject))
        lint_error(l, MW_BAD_SUBJECT, i, "an authority without a name");
    if (!name_is_readable(c->subject) || !name_is_readable(c->issuer))
        lint_error(l, MW_BAD_SUBJECT, i, "a name of over 64 parts, or a damaged one");
}

/* RFC 5280 6.1.4 (l) and (m), and the caller's own limit. */
static void lint_depth(struct lint *l)
{
    int intermediates = 0;

    for (size_t i = 1; i < l->path->n; i++) {
        const struct cert *c = l->path->certs[i];

        if (c->path_len >= 0 && intermediates > c->path_len)
            lint_error(l, MW_PATH_LENGTH, i, "it allows %d authorities below it, there are %d",
                       c->path_len, intermediates);
        if (!c->self_issued && !lint_is_anchor(l, i))
            intermediates++;
    }
    if (l->j->policy->max_intermediates >= 0 && intermediates > l->j->policy->max_intermediates)
        lint_error(l, MW_CHAIN_TOO_LONG, LINT_NO_CERT, "%d intermediates, at most %d are wanted",
                   intermediates, l->j->policy->max_intermediates);
}

static void lint_constraint(struct lint *l, size_t ca, size_t below)
{
    CLEANUP(buf_deinit) struct buf why = BUF_INIT(2048);
    const char *name;

    if (l->out_of_work)
        return;
    switch (constraint_check(l->path->certs[ca], l->path->certs[below], l->work_left, &why)) {
    case CONSTRAINT_HOLDS:
        return;
    case CONSTRAINT_TOO_COMPLEX:
        l->out_of_work = true;
        lint_error(l, MW_CHAIN_TOO_COMPLEX, ca,
                   "more names and name constraints than anybody could mean");
        return;
    case CONSTRAINT_VIOLATED:
    case CONSTRAINT_UNSUPPORTED:
        break;
    }
    name = why.data != NULL ? (const char *)why.data : "a name";
    lint_error(l, MW_NAME_CONSTRAINT, below, "%s is outside of what an authority above it may "
               "name", name);
}

static void lint_constraints(struct lint *l)
{
    for (size_t ca = l->path->n; ca-- > 1;) {
        if (!constraint_well_formed(l->path->certs[ca], l->strict)) {
            lint_error(l, MW_EXTENSION_MALFORMED, ca, "its name constraints cannot be read");
            continue;
        }
        for (size_t below = 0; below < ca; below++)
            if (below == 0 || !l->path->certs[below]->self_issued)
                lint_constraint(l, ca, below);
    }
}

void lint_path(struct lint *l)
{
    lint_name(l);
    for (size_t i = 0; i < l->path->n; i++) {
        lint_validity(l, i);
        lint_key(l, i);
        if (lint_is_anchor(l, i) && l->anchor_vetted)
            continue;
        lint_fields(l, i);
        lint_extensions(l, i);
    }
    lint_names_form(l, 0);
    lint_lifetime(l);
    lint_depth(l);
    lint_constraints(l);
    lint_root_limits(l);
    if (l->path->anchor != MW_ANCHOR_NONE && !l->out_of_work)
        lint_openssl(l);
}
