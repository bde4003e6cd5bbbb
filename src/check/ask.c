#include "check/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/layout.h"
#include "check/decisions.h"
#include "check/exit.h"
#include "check/report.h"
#include "check/state.h"
#include "check/story.h"

enum { ASK_ARENA_BYTES = 1 << 20, ANSWER_BYTES = 64, QUESTION_BYTES = 16 << 10 };

void ask_deinit(struct ask *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(a->questions[i].target);
        free(a->questions[i].headline);
        free(a->questions[i].ca_name);
        mw_decision_free(a->questions[i].key);
        mw_decision_free(a->questions[i].ca);
    }
    *a = (struct ask){ 0 };
}

/* What a yes to the interceptor's CA would be, if there is one with a known key. */
static int prepare_ca(struct question *q, const struct check_settings *set,
                      const struct mw_verdict *v, struct mw_wall now)
{
    const char *name;
    int rc;

    if (v->n_readers == 0 || v->readers[0].key == NULL)
        return 0;
    rc = mw_decision_make(&q->ca, v, true, now, set->for_s, set->reason);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    name = v->readers[0].issuer != NULL ? v->readers[0].issuer : "its authority";
    q->ca_name = span_dup(span_str(name));
    return q->ca_name != NULL ? 0 : -ENOMEM;
}

int ask_prepare(struct ask *a, const struct check_options *o, const struct mw_evidence *ev,
                const struct mw_verdict *v)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ASK_ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf host = BUF_INIT(1024);
    struct question *q = &a->questions[a->n];
    enum mw_action action = mw_attended_action(v);
    struct mw_wall now = o->at_set ? o->at : wall_now();
    struct story story;
    int rc;

    if (action == MW_REFUSE)
        a->refused++;
    if (action != MW_ASK || a->n == ASK_MAX)
        return 0;
    rc = mw_decision_make(&q->key, v, false, now, o->set.for_s, o->set.reason);
    if (rc > 0)
        return 0;
    if (rc < 0)
        return rc;
    a->n++;
    rc = story_tell(&arena, ev, v, &story);
    if (rc != 0)
        return rc;
    report_host(&host, v);
    q->target = buf_steal(&host);
    q->headline = span_dup(span_str(story.headline));
    if (q->target == NULL || q->headline == NULL)
        return -ENOMEM;
    return prepare_ca(q, &o->set, v, now);
}

/* A sentence, wrapped at the width of the terminal. */
static void say(FILE *out, size_t indent, const char *format, ...) PRINTF_LIKE(3, 4);

static void say(FILE *out, size_t indent, const char *format, ...)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(QUESTION_BYTES);
    CLEANUP(buf_deinit) struct buf lines = BUF_INIT(2 * QUESTION_BYTES);
    struct layout l = layout_for(out, COLOUR_NEVER, &lines);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    if (buf_error(&text) != 0)
        return;
    buf_fill(&lines, ' ', indent);
    layout_wrap(&l, indent, indent, (const char *)text.data);
    if (buf_error(&lines) == 0)
        fwrite(lines.data, 1, lines.len, out);
}

static void question_show(const struct question *q, FILE *out)
{
    CLEANUP(buf_deinit) struct buf until = BUF_INIT(64);
    const char *reason = q->key->reason;

    wall_format(&until, q->key->until);
    fputc('\n', out);
    say(out, 0, "%s: %s", q->target, q->headline);
    say(out, 2, "A yes covers %s with the key %s for these findings and no others: %s; until %s.",
        q->target, q->key->key, q->key->findings,
        buf_error(&until) == 0 ? (const char *)until.data : "?");
    if (reason != NULL && reason[0] != '\0')
        say(out, 2, "It is written down with the reason: %s", reason);
    if (q->ca == NULL) {
        fprintf(out, "Trust anyway? [y/N] ");
    } else {
        say(out, 2,
            "Its certificates are made anew from time to time: \"c\" covers every certificate for "
            "this host that is signed by %s",
            q->ca_name);
        fprintf(out, "Trust anyway? [y: this key, c: that signer, N] ");
    }
    fflush(out);
}

/* The decision that the answer picked; NULL: no. */
static const struct mw_decision *question_read(const struct question *q, FILE *in)
{
    char answer[ANSWER_BYTES];

    if (fgets(answer, sizeof answer, in) == NULL)
        return NULL;
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strcmp(answer, "y") == 0 || strcmp(answer, "Y") == 0 || strcmp(answer, "yes") == 0)
        return q->key;
    if (strcmp(answer, "c") == 0 || strcmp(answer, "C") == 0)
        return q->ca;
    return NULL;
}

static int remember(const char *folder, const struct mw_decision *d, struct buf *error)
{
    char why[256] = "";
    struct store *s = NULL;
    int rc = state_open(&s, folder, why);

    if (rc != 0) {
        buf_str(error, why);
        return CHECK_USAGE;
    }
    rc = decisions_save(s, d);
    if (rc > 0)
        buf_printf(error, "the answer could not be written down: %s", store_error(s));
    store_close(s);
    return rc > 0 ? CHECK_USAGE : rc;
}

int ask_all(struct ask *a, FILE *in, FILE *out, const char *folder, size_t *accepted,
            struct buf *error)
{
    *accepted = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct mw_decision *d;
        int rc;

        question_show(&a->questions[i], out);
        d = question_read(&a->questions[i], in);
        if (d == NULL) {
            fprintf(out, "Not trusted.\n");
            continue;
        }
        rc = remember(folder, d, error);
        if (rc != 0)
            return rc;
        (*accepted)++;
        fprintf(out, "Trusted.  To take it back: midwatch trust remove %s\n",
                a->questions[i].target);
    }
    return 0;
}
