/*
 * A scene: what was minted and said, made into policy and evidence, and judged.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "scenario.h"

int scene_new(struct scene **out)
{
    struct scene *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return -ENOMEM;
    w->ev.reach = MW_REACH_HANDSHAKE;
    w->ev.tls.version = 0x0304;
    w->ev.port = 443;
    if (mill_log_new(&w->logs[0], "First Log", "Operator One") < 0 ||
        mill_log_new(&w->logs[1], "Second Log", "Operator Two") < 0) {
        scene_free(w);
        return -ENOMEM;
    }
    *out = w;
    return 0;
}

void scene_free(struct scene *w)
{
    if (w == NULL)
        return;
    mw_verdict_free(w->verdict);
    for (size_t i = 0; i < w->n_decisions; i++)
        mw_decision_free(w->decisions[i]);
    for (size_t i = 0; i < SCENE_MAX_CERTS; i++) {
        mill_cert_free(w->certs[i].cert);
        EVP_PKEY_free(w->certs[i].key);
    }
    for (size_t i = 0; i < w->n_crls; i++)
        buf_deinit(&w->crls[i]);
    for (size_t i = 0; i < w->n_kept; i++)
        free(w->kept[i]);
    for (size_t i = 0; i < ARRAY_LEN(w->logs); i++)
        mill_log_free(w->logs[i]);
    buf_deinit(&w->staple);
    free(w);
}

struct minted *scene_find(struct scene *w, const char *name)
{
    if (strcmp(name, "leaf") == 0)
        return w->leaf;
    for (size_t i = w->n_certs; i-- > 0;)
        if (strcmp(w->certs[i].name, name) == 0)
            return &w->certs[i];
    return NULL;
}

const char *scene_keep(struct scene *w, const char *text)
{
    char *copy = w->n_kept < ARRAY_LEN(w->kept) ? strdup(text) : NULL;

    if (copy == NULL)
        abort(); /* a scenario this long is a mistake */
    w->kept[w->n_kept++] = copy;
    return copy;
}

/* send NAME...; fetched NAME... */
static bool send_say(struct scene *w, const struct line *l, struct minted **list, size_t *n,
                     struct buf *why)
{
    *n = 0;
    for (size_t i = 1; i < l->n && *n < SCENE_MAX_ITEMS; i++) {
        list[*n] = scene_find(w, l->words[i].key);
        if (list[(*n)++] == NULL) {
            buf_printf(why, "no certificate called %s", l->words[i].key);
            return false;
        }
    }
    return true;
}

static bool pin_say(struct scene *w, const struct line *l, struct buf *why)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(256);
    const struct minted *m = scene_find(w, line_value(l, "key", "leaf"));
    struct mw_pin *pin = &w->pins[w->n_pins];
    uint8_t digest[32] = { 7 };
    unsigned len = 0;

    if (w->n_pins == SCENE_MAX_ITEMS)
        return false;
    *pin = (struct mw_pin){ .host = scene_keep(w, line_word(l, 1)),
                            .backup = line_has(l, "backup"),
                            .tree = line_has(l, "tree") };
    if (line_value(l, "until", NULL) != NULL &&
        wall_parse(span_str(line_value(l, "until", "")), &pin->until) < 0) {
        buf_str(why, "until is no time");
        return false;
    }
    if (m != NULL) {
        CLEANUP(own_free) unsigned char *der = NULL;
        int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(mill_cert_x509(m->cert)), &der);

        EVP_Digest(der, (size_t)n, digest, &len, EVP_sha256(), NULL);
    }
    buf_str(&text, "sha256/");
    text_base64(&text, span_of(digest, sizeof(digest)));
    pin->spki = scene_keep(w, (const char *)text.data);
    w->n_pins++;
    return true;
}

/* decide SECONDS [ca-key]: what a person would accept now. */
static bool decide_say(struct scene *w, const struct line *l, struct buf *why)
{
    int64_t seconds = 0;

    if (!scene_judge(w, why))
        return false;
    if (text_number(span_str(line_word(l, 1)), 1, 1 << 30, &seconds) < 0 ||
        w->n_decisions == SCENE_MAX_ITEMS) {
        buf_str(why, "wants: decide SECONDS [ca-key]");
        return false;
    }
    if (mw_decision_make(&w->decisions[w->n_decisions], w->verdict, line_has(l, "ca-key"),
                         w->ev.now, seconds, "scenario") != 0) {
        buf_str(why, "this verdict cannot be accepted");
        return false;
    }
    w->n_decisions++;
    return true;
}

static bool policy_fill(struct scene *w, struct mw_policy *p)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 20);

    for (size_t i = 0; i < w->n_certs; i++) {
        CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 20);

        if (w->certs[i].anchor == MW_ANCHOR_NONE)
            continue;
        mill_cert_pem(w->certs[i].cert, &pem);
        if (mw_policy_add_anchors(p, w->certs[i].anchor, buf_span(&pem), "scenario", NULL) != 0)
            return false;
    }
    for (size_t i = 0; i < w->n_pins; i++)
        if (mw_policy_add_pin(p, &w->pins[i]) != 0)
            return false;
    for (size_t i = 0; i < w->n_decisions; i++)
        if (mw_policy_add_decision(p, w->decisions[i]) != 0)
            return false;
    if (!w->logs_known)
        return true;
    return mill_log_list(&json, w->logs, ARRAY_LEN(w->logs)) == 0 &&
           mw_policy_set_ct_logs(p, buf_span(&json)) == 0;
}

/* The leaf, then its issuers up to the root, as an ordinary server sends them. */
static size_t chain_collect(struct scene *w, struct mw_span *out)
{
    size_t n = 0;

    if (w->sent_chosen) {
        for (; n < w->n_sent; n++)
            out[n] = mill_cert_der(w->sent[n]->cert);
        return n;
    }
    for (struct minted *m = w->leaf; m != NULL && n < SCENE_MAX_ITEMS; m = m->issuer)
        if (m == w->leaf || m->issuer != NULL)
            out[n++] = mill_cert_der(m->cert);
    return n;
}

static void policy_freep(struct mw_policy **at)
{
    mw_policy_free(*at);
}

bool scene_judge(struct scene *w, struct buf *why)
{
    CLEANUP(policy_freep) struct mw_policy *policy = NULL;
    struct mw_span sent[SCENE_MAX_ITEMS], fetched[SCENE_MAX_ITEMS], crls[SCENE_MAX_ITEMS];
    int r;

    if (w->verdict != NULL)
        return true;
    if (mw_policy_new(&policy) != 0 || !policy_fill(w, policy)) {
        buf_printf(why, "policy: %s", policy != NULL ? mw_policy_error(policy) : "out of memory");
        return false;
    }
    for (size_t i = 0; i < w->n_fetched; i++)
        fetched[i] = mill_cert_der(w->fetched[i]->cert);
    for (size_t i = 0; i < w->n_crls; i++)
        crls[i] = buf_span(&w->crls[i]);
    w->ev.sent = sent;
    w->ev.n_sent = chain_collect(w, sent);
    w->ev.fetched = fetched;
    w->ev.n_fetched = w->n_fetched;
    w->ev.crls = crls;
    w->ev.n_crls = w->n_crls;
    w->ev.staple = buf_span(&w->staple);
    w->ev.clocks = w->clocks;
    w->ev.caa = w->caa;
    w->ev.controls = w->controls;
    r = mw_judge(policy, &w->ev, &w->verdict);
    if (r != 0)
        buf_printf(why, "mw_judge: %d", r);
    return r == 0;
}

static bool forget_say(struct scene *w, const struct line *l, struct buf *why)
{
    const char *what = line_word(l, 1);

    if (strcmp(what, "clocks") == 0)
        w->ev.n_clocks = 0;
    else if (strcmp(what, "controls") == 0)
        w->ev.n_controls = 0;
    else if (strcmp(what, "crls") == 0)
        for (; w->n_crls > 0; w->n_crls--)
            buf_deinit(&w->crls[w->n_crls - 1]);
    else if (strcmp(what, "way") == 0)
        w->ev.local = (struct mw_local_facts){ 0 };
    else if (strcmp(what, "echo") == 0)
        w->ev.echo = (struct mw_echo){ 0 };
    else if (strcmp(what, "leaf") == 0)
        w->leaf = NULL;
    else if (strcmp(what, "caa") == 0)
        w->ev.n_caa = 0;
    else {
        buf_printf(why, "cannot forget %s", what);
        return false;
    }
    return true;
}

bool scene_say(struct scene *w, const struct line *l, struct buf *why)
{
    const char *what = l->words[0].key;
    bool known, ok;

    if (strcmp(what, "expect") == 0)
        return scene_judge(w, why) && expect_say(w, l, why);
    if (strcmp(what, "decide") == 0) {
        ok = decide_say(w, l, why);
    } else if (strcmp(what, "send") == 0) {
        w->sent_chosen = true;
        ok = send_say(w, l, w->sent, &w->n_sent, why);
    } else if (strcmp(what, "fetched") == 0) {
        ok = send_say(w, l, w->fetched, &w->n_fetched, why);
    } else if (strcmp(what, "pin") == 0) {
        ok = pin_say(w, l, why);
    } else if (strcmp(what, "logs-known") == 0) {
        ok = w->logs_known = true;
    } else if (strcmp(what, "crls-decide") == 0) {
        ok = w->ev.crls_authoritative = true;
    } else if (strcmp(what, "forget") == 0) {
        ok = forget_say(w, l, why);
    } else {
        ok = mint_say(w, l, why, &known);
        if (ok && !known)
            ok = facts_say(w, l, why, &known);
        if (ok && !known) {
            buf_printf(why, "no statement is called %s", what);
            ok = false;
        }
    }
    mw_verdict_free(w->verdict);
    w->verdict = NULL;
    return ok;
}
