#include "check/report.h"

#include <errno.h>

#include "base/text.h"
#include "check/certs.h"
#include "check/parameters.h"
#include "check/story.h"

enum { STORY_ARENA_BYTES = 16 << 20, ROW_BYTES = 64 << 10 };

static enum tint outcome_tint(enum mw_outcome o)
{
    switch (o) {
    case MW_PRIVATE:
        return TINT_GOOD;
    case MW_INSPECTED:
    case MW_UNTRUSTED:
    case MW_UNJUDGED:
        return TINT_BAD;
    case MW_BLOCKED:
    case MW_UNREACHABLE:
        break;
    }
    return TINT_WARN;
}

void report_host(struct buf *out, const struct mw_verdict *v)
{
    const char *host = v->host != NULL ? v->host : "?";
    bool v6 = strchr(host, ':') != NULL;

    buf_printf(out, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", v->port);
}

static void rows(struct layout *l, const char *label, const struct story_list *list)
{
    if (list->n == 1)
        layout_row(l, label, list->lines[0]);
    for (size_t i = 0; i < list->n && list->n > 1; i++)
        layout_item(l, i == 0 ? label : "", list->lines[i]);
}

static void row_format(struct layout *l, const char *label, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void row_format(struct layout *l, const char *label, const char *format, ...)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(ROW_BYTES);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (buf_error(&text) == 0)
        layout_row(l, label, (const char *)text.data);
}

/* Which of the causes that alerts speak of holds here. */
static const char *cause_of(const struct mw_verdict *v, enum mw_group group)
{
    for (size_t i = 0; i < v->n_findings; i++)
        if (v->findings[i].severity == MW_ERROR &&
            mw_code_info(v->findings[i].code)->group == group)
            return "WRONG";
    return "ok";
}

static const char *authority_word(const struct mw_verdict *v)
{
    const char *word = cause_of(v, MW_GROUP_AUTHORITY);

    if (strcmp(word, "ok") != 0 || v->anchor == MW_ANCHOR_PUBLIC)
        return word;
    return v->anchor == MW_ANCHOR_LOCAL ? "added here" : "not reached";
}

static const char *revocation_word(const struct mw_verdict *v)
{
    switch (v->revocation.leaf) {
    case MW_REVOCATION_GOOD:
        return "not revoked";
    case MW_REVOCATION_REVOKED:
        return "REVOKED";
    case MW_REVOCATION_COULD_NOT_CHECK:
        return "unknown";
    case MW_REVOCATION_NO_MECHANISM:
        return "no way to tell";
    case MW_REVOCATION_UNASKED:
        break;
    }
    return "not asked";
}

static const char *clock_word(const struct mw_verdict *v)
{
    switch (v->clock.state) {
    case MW_CLOCK_RIGHT:
        return "right";
    case MW_CLOCK_WRONG_BUT_HARMLESS:
        return "off";
    case MW_CLOCK_TO_BLAME:
        return "WRONG";
    case MW_CLOCK_NO_ANSWER:
        return "unverified";
    case MW_CLOCK_UNASKED:
        break;
    }
    return "not asked";
}

static const char *dates_word(const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_findings; i++) {
        if (v->findings[i].code == MW_EXPIRED)
            return "EXPIRED";
        if (v->findings[i].code == MW_NOT_YET_VALID)
            return "NOT YET VALID";
    }
    return "ok";
}

/* The facts of the alerts that people know: the name expected, whose certificate came, and
 * which of the causes it is. */
static void report_facts(struct layout *l, const struct story *s, const struct mw_verdict *v)
{
    const struct mw_cert_view *leaf = v->n_chain > 0 ? &v->chain[0] : NULL;

    if (leaf == NULL)
        return;
    row_format(l, "cert", "expected %s; came: %s, issued by %s%s", s->expected,
               s->subject != NULL ? s->subject : leaf->short_subject, leaf->short_issuer,
               leaf->self_issued                 ? " (itself)"
               : v->anchor == MW_ANCHOR_PUBLIC   ? " (public)"
               : v->anchor == MW_ANCHOR_LOCAL    ? " (added on this computer)"
                                                 : "");
    row_format(l, "cause",
               "name %s · authority %s · chain %s · dates %s · clock %s · revocation %s",
               cause_of(v, MW_GROUP_NAME), authority_word(v),
               cause_of(v, MW_GROUP_CHAIN), dates_word(v), clock_word(v), revocation_word(v));
}

/* Evidence that would have sharpened the verdict and was not there. */
static void report_missing(struct layout *l, const struct mw_verdict *v)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {
        { MW_MISSING_ISSUER, "the missing intermediate" },
        { MW_MISSING_CRL, "revocation lists" },
        { MW_MISSING_OCSP, "OCSP (--ocsp allows it)" },
        { MW_MISSING_TIME, "a time server" },
        { MW_MISSING_CONTROLS, "control hosts" },
        { MW_MISSING_CAA, "DNS (CAA)" },
        { MW_MISSING_LOCAL, "this computer's settings" },
    };
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if ((v->missing & words[i].bit) != 0)
            buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", words[i].word);
    if (text.len > 0 && buf_error(&text) == 0)
        row_format(l, "open", "not looked at: %s", (const char *)text.data);
}

static enum tint severity_tint(enum mw_severity s)
{
    return s == MW_ERROR ? TINT_BAD : s == MW_WARNING ? TINT_WARN : s == MW_GOOD ? TINT_GOOD
                                                                                 : TINT_NONE;
}

static void report_finding(struct layout *l, const struct mw_finding *f)
{
    const char *code = mw_code_info(f->code)->code;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(ROW_BYTES);

    buf_str(l->out, "  ");
    layout_tint(l, severity_tint(f->severity), code);
    buf_printf(&text, "(%s, %s%s) %s", mw_severity_name(f->severity),
               mw_certainty_name(f->certainty), f->accepted ? ", accepted before" : "",
               f->evidence != NULL ? f->evidence : "");
    buf_str(l->out, " ");
    if (buf_error(&text) == 0)
        layout_wrap(l, LAYOUT_LABEL, 3 + strlen(code), (const char *)text.data);
    if (f->disproof == NULL)
        return;
    buf_fill(l->out, ' ', LAYOUT_LABEL);
    buf_truncate(&text, 0);
    buf_printf(&text, "disproved if: %s", f->disproof);
    if (buf_error(&text) == 0)
        layout_wrap(l, LAYOUT_LABEL, LAYOUT_LABEL, (const char *)text.data);
}

static void report_peer(struct layout *l, const struct mw_evidence *ev)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(ROW_BYTES);

    if (ev->local.peer_address == NULL)
        return;
    text_safe(&text, span_str(ev->local.peer_address), 100);
    if (ev->local.proxy_used && ev->local.proxy != NULL) {
        buf_str(&text, ", through ");
        url_shown(&text, ev->local.proxy);
    }
    if (buf_error(&text) == 0)
        layout_row(l, "peer", (const char *)text.data);
}

static void report_verbose(struct layout *l, const struct mw_evidence *ev,
                           const struct mw_verdict *v)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(ROW_BYTES);

    parameters_text(&text, ev);
    if (text.len > 0 && buf_error(&text) == 0)
        layout_row(l, "TLS", (const char *)text.data);
    report_peer(l, ev);
    if (ev->reach_detail != NULL)
        layout_row(l, "came", ev->reach_detail);
    report_missing(l, v);
    buf_str(l->out, "\n");
    for (size_t i = 0; i < v->n_findings; i++)
        report_finding(l, &v->findings[i]);
}

/* The codes to ask more about, so that nobody has to search for words. */
static void report_codes(struct layout *l, const struct mw_verdict *v)
{
    enum { MOST = 3 };
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1024);
    size_t n = 0;

    for (size_t i = 0; i < v->n_findings && n < MOST; i++) {
        if (v->findings[i].severity < MW_WARNING)
            continue;
        buf_printf(&text, " %s", mw_code_info(v->findings[i].code)->code);
        n++;
    }
    if (n > 0 && buf_error(&text) == 0)
        row_format(l, "more", "midwatch explain%s", (const char *)text.data);
}

static void report_head(struct layout *l, const struct story *s, const struct mw_verdict *v)
{
    layout_tint(l, outcome_tint(v->outcome), s->word);
    buf_str(l->out, "  ");
    layout_wrap(l, LAYOUT_LABEL, text_columns(span_str(s->word)) + 2, s->headline);
}

static void report_body(struct layout *l, const struct story *s, const struct mw_evidence *ev,
                        const struct mw_verdict *v)
{
    rows(l, "why", &s->why);
    rows(l, "not", &s->isnt);
    report_facts(l, s, v);
    if (s->vpn != NULL && (ev->local.vpn_interface != NULL || ev->local.vpn_up_elsewhere))
        layout_row(l, "VPN", s->vpn);
    rows(l, "sees", &s->sees);
    rows(l, "do", &s->person);
    rows(l, "IT", &s->it);
}

int report_text(struct layout *l, const struct report_options *options,
                const struct mw_evidence *ev, const struct mw_verdict *v)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(STORY_ARENA_BYTES);
    struct story story;
    int rc = story_tell(&arena, ev, v, &story);

    if (rc != 0)
        return rc;
    report_head(l, &story, v);
    if (!options->quiet) {
        report_body(l, &story, ev, v);
        if (!options->verbose)
            report_codes(l, v);
    }
    if (options->verbose)
        report_verbose(l, ev, v);
    if (options->certs || options->pem)
        certs_text(l, v, options->pem);
    return buf_error(l->out);
}

int report_line(struct layout *l, const struct mw_evidence *ev, const struct mw_verdict *v)
{
    enum { WORD = 13, HOST = 32 };
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(STORY_ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf host = BUF_INIT(1024);
    struct story story;
    size_t used;
    int rc = story_tell(&arena, ev, v, &story);
    const char *reason = "";

    if (rc != 0)
        return rc;
    report_host(&host, v);
    if (v->n_readers > 0 && v->outcome != MW_PRIVATE)
        reason = v->readers[0].product != NULL ? v->readers[0].product
                 : v->readers[0].issuer != NULL ? v->readers[0].issuer
                                                : "an unnamed reader";
    else if (v->outcome != MW_PRIVATE && v->n_findings > 0)
        reason = mw_code_info(v->findings[0].code)->title;
    layout_tint(l, outcome_tint(v->outcome), story.word);
    used = text_columns(span_str(story.word));
    buf_fill(l->out, ' ', used < WORD ? WORD - used : 1);
    buf_add(l->out, buf_span(&host));
    used = host.len;
    if (reason[0] == '\0') {
        buf_str(l->out, "\n");
        return buf_error(l->out);
    }
    buf_fill(l->out, ' ', used < HOST ? HOST - used : 1);
    layout_wrap(l, WORD + HOST, WORD + (used < HOST ? (size_t)HOST : used + 1), reason);
    return buf_error(l->out);
}
