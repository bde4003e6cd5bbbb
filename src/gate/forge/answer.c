#include "gate/forge/answer.h"

#include <errno.h>

static int sign(struct mint_answer *answer, struct buf *der, const struct answering *a,
                const struct mint_ask *ask, const struct leaf *leaf)
{
    const struct ca_member *ca = &a->rules.ca->members[rules_signer(ask)];
    int r = certificate_make(der, &leaf->plan, &ca->signer);

    if (r == -EIO) {            /* the token's trouble, and no reason to end */
        answer->status = MINT_BROKEN;
        answer->why = SPAN_LIT("the CA's key cannot be used");
        return 0;
    }
    if (r < 0)
        return r;
    answer->leaf = buf_span(der);
    answer->intermediate = ca->cert->der;
    answer->not_after = leaf->plan.not_after;
    return 0;
}

int leaf_answer_write(struct buf *out, struct answering *a, struct mw_span message,
                      struct mw_wall clock, struct mono now)
{
    CLEANUP(leaf_deinit) struct leaf leaf = { .origin = NULL };
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(CERTIFICATE_MAX);
    struct mint_answer answer = { .status = MINT_OK };
    struct mint_ask ask;
    int r = mint_ask_read(&ask, message);

    if (r < 0)
        return r;
    answer.id = ask.id;
    if (a->rules.ca == NULL) {
        answer.status = MINT_BROKEN;
        answer.why = SPAN_LIT("the gate's CA cannot be used; its log says why");
    } else if (!rate_take(&a->rate, now)) {
        answer.status = MINT_BUSY;
        answer.why = SPAN_LIT("more leaves a minute than ca.rate_per_minute allows");
    } else {
        r = rules_apply(&leaf, &a->rules, &ask, clock);
        if (r > 0) {
            answer.status = r == RULE_CA_OVER ? MINT_BROKEN : MINT_REFUSED;
            answer.why = span_str(rule_words((enum rule)r));
            r = 0;
        } else if (r == 0) {
            r = sign(&answer, &der, a, &ask, &leaf);
        }
    }
    if (r < 0)
        return r;
    mint_answer_write(out, &answer);
    return buf_error(out);
}
