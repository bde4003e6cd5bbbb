#include "check/ask.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check/decisions.h"
#include "check/exit.h"
#include "check/report.h"
#include "check/state.h"
#include "check/story.h"

enum { ASK_ARENA_BYTES = 1 << 20, ANSWER_BYTES = 64 };

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

static void question_show(const struct question *q, FILE *out)
{
    CLEANUP(buf_deinit) struct buf until = BUF_INIT(64);
    const char *reason = q->key->reason;

    wall_format(&until, q->key->until);
    fprintf(out, "\n%s: %s\n", q->target, q->headline);
    fprintf(out, "  A yes covers %s with the key\n    %s\n", q->target, q->key->key);
    fprintf(out, "  for these findings and no others: %s\n", q->key->findings);
    fprintf(out, "  until %s, and is written down%s%s.\n",
            buf_error(&until) == 0 ? (const char *)until.data : "?",
            reason != NULL && reason[0] != '\0' ? " with the reason: " : "",
            reason != NULL ? reason : "");
    if (q->ca == NULL) {
        fprintf(out, "Trust anyway? [y/N] ");
    } else {
        fprintf(out,
                "  Its certificates are made anew from time to time.  \"c\" covers every\n"
                "  certificate for this host that is signed by\n    %s\n",
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
