/*
 * Statements that mint: roots, intermediates, the leaf, control sites, staples and CRLs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "scenario.h"

enum { DAY = 86400 };

static bool moment(const struct line *l, const char *key, struct mw_wall otherwise,
                   struct mw_wall *out, struct buf *why)
{
    const char *text = line_value(l, key, NULL);

    *out = otherwise;
    if (text == NULL || wall_parse(span_str(text), out) == 0)
        return true;
    buf_printf(why, "%s=%s is no time", key, text);
    return false;
}

static struct minted *slot(struct scene *w, const char *name, struct buf *why)
{
    struct minted *m;

    if (w->n_certs == SCENE_MAX_CERTS) {
        buf_str(why, "too many certificates");
        return NULL;
    }
    m = &w->certs[w->n_certs];
    snprintf(m->name, sizeof(m->name), "%s", name);
    return m;
}

static struct minted *mint(struct scene *w, const char *name, const struct mill_spec *spec,
                           struct minted *issuer, enum mill_key kind, struct buf *why)
{
    struct minted *m = slot(w, name, why);

    if (m == NULL)
        return NULL;
    if (m->key == NULL && mill_key_new(&m->key, kind, kind == MILL_P256) < 0) {
        buf_str(why, "no key");
        return NULL;
    }
    if (mill_issue(&m->cert, spec, m->key, issuer != NULL ? issuer->cert : NULL) < 0) {
        buf_printf(why, "%s cannot be minted", name);
        return NULL;
    }
    m->issuer = issuer;
    w->n_certs++;
    return m;
}

static bool authority_say(struct scene *w, const struct line *l, enum mw_anchor_class as,
                          struct buf *why)
{
    CLEANUP(buf_deinit) struct buf subject = BUF_INIT(256);
    const char *name = line_word(l, 1);
    const char *issuer_name = line_value(l, "issuer", NULL);
    struct minted *issuer = issuer_name != NULL ? scene_find(w, issuer_name) : NULL, *m;
    struct mill_spec spec = { .ca = true };

    if (*name == '\0' || (issuer_name != NULL && issuer == NULL)) {
        buf_str(why, "wants a NAME, and an issuer that was minted before");
        return false;
    }
    buf_printf(&subject, "CN=%s,O=Example", name);
    spec.subject = line_value(l, "subject", (const char *)subject.data);
    if (!moment(l, "from", (struct mw_wall){ w->ev.now.s - 1000 * DAY }, &spec.not_before, why) ||
        !moment(l, "to", (struct mw_wall){ w->ev.now.s + 2000 * DAY }, &spec.not_after, why))
        return false;
    spec.crl_url = line_value(l, "crl", NULL);
    spec.name_constraints = line_value(l, "constraints", NULL);
    m = mint(w, name, &spec, issuer, MILL_P256, why);
    if (m != NULL)
        m->anchor = as;
    return m != NULL;
}

/* SCTs of both logs, embedded. */
static int scts_embed(struct scene *w, struct mill_spec *spec, EVP_PKEY *key, struct minted *issuer,
                      struct buf *list)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16);

    for (size_t i = 0; i < ARRAY_LEN(w->logs); i++) {
        int r = mill_sct_precert(&scts, w->logs[i], spec, key, issuer->cert, spec->not_before);

        if (r < 0)
            return r;
    }
    return mill_sct_list_close(&scts, list);
}

static bool leaf_spec(struct scene *w, const struct line *l, struct mill_spec *spec,
                      struct buf *why)
{
    spec->names = line_value(l, "names", NULL);
    spec->subject = line_value(l, "subject", "");
    spec->names_critical = *spec->subject == '\0';
    spec->ocsp_url = line_value(l, "ocsp", NULL);
    spec->crl_url = line_value(l, "crl", NULL);
    spec->aia_issuer_url = line_value(l, "aia", NULL);
    spec->must_staple = line_has(l, "must-staple");
    return moment(l, "from", (struct mw_wall){ w->ev.now.s - 30 * DAY }, &spec->not_before, why) &&
           moment(l, "to", (struct mw_wall){ w->ev.now.s + 60 * DAY }, &spec->not_after, why);
}

static bool leaf_say(struct scene *w, const struct line *l, struct buf *why)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1 << 16);
    const char *issuer_name = line_value(l, "issuer", "self");
    struct minted *issuer = scene_find(w, issuer_name), *m;
    struct mill_spec spec = { 0 };
    char name[64];

    if (issuer == NULL && strcmp(issuer_name, "self") != 0) {
        buf_printf(why, "no authority called %s", issuer_name);
        return false;
    }
    if (!leaf_spec(w, l, &spec, why))
        return false;
    m = slot(w, "leaf", why);
    if (m == NULL || (m->key == NULL && mill_key_new(&m->key, MILL_P256, true) < 0))
        return false;
    if (line_has(l, "same-key") && w->leaf != NULL) {
        EVP_PKEY_free(m->key);
        m->key = w->leaf->key;
        EVP_PKEY_up_ref(m->key);
    }
    if (line_has(l, "scts") && issuer != NULL) {
        if (scts_embed(w, &spec, m->key, issuer, &list) < 0) {
            buf_str(why, "no SCTs");
            return false;
        }
        spec.sct_list = buf_span(&list);
    }
    snprintf(name, sizeof(name), "leaf%zu", w->n_certs);
    w->leaf = mint(w, name, &spec, issuer, MILL_P256, why);
    return w->leaf != NULL;
}

static bool control_say(struct scene *w, const struct line *l, struct buf *why)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(512);
    const char *host = line_word(l, 1);
    struct minted *issuer = scene_find(w, line_value(l, "issuer", ""));
    struct mill_spec spec = { .names_critical = true, .subject = "" };
    size_t i = w->ev.n_controls;

    if (issuer == NULL || *host == '\0' || i == SCENE_MAX_ITEMS) {
        buf_str(why, "wants a HOST and an issuer that was minted before");
        return false;
    }
    buf_printf(&names, "DNS:%s", host);
    spec.names = (const char *)names.data;
    spec.not_before.s = w->ev.now.s - 10 * DAY;
    spec.not_after.s = w->ev.now.s + 50 * DAY;
    w->control_leaf[i] = mint(w, host, &spec, issuer, MILL_P256, why);
    if (w->control_leaf[i] == NULL)
        return false;
    w->control_sent[i][0] = mill_cert_der(w->control_leaf[i]->cert);
    w->control_sent[i][1] = mill_cert_der(issuer->cert);
    w->controls[i] = (struct mw_control){
        .host = scene_keep(w, host),
        .reach = MW_REACH_HANDSHAKE,
        .sent = w->control_sent[i],
        .n_sent = issuer->issuer != NULL ? 2 : 1,
    };
    w->ev.n_controls++;
    return true;
}

static bool staple_say(struct scene *w, const struct line *l, struct buf *why)
{
    const char *what = line_word(l, 1);
    struct mw_wall now = w->ev.now, from = { now.s - DAY }, to = { now.s + 6 * DAY };
    struct minted *signer;
    enum mill_ocsp_status status = MILL_OCSP_GOOD;

    buf_deinit(&w->staple);
    w->staple = (struct buf)BUF_INIT(1 << 16);
    if (strcmp(what, "none") == 0)
        return true;
    if (w->leaf == NULL || w->leaf->issuer == NULL) {
        buf_str(why, "a staple needs a leaf with an issuer");
        return false;
    }
    signer = scene_find(w, line_value(l, "signer", w->leaf->issuer->name));
    if (strcmp(what, "revoked") == 0)
        status = MILL_OCSP_REVOKED;
    if (strcmp(what, "stale") == 0) {
        from.s = now.s - 20 * DAY;
        to.s = now.s - 10 * DAY;
    }
    if (signer == NULL || mill_ocsp(&w->staple, w->leaf->cert, w->leaf->issuer->cert, signer->cert,
                                    status, (struct mw_wall){ now.s - 2 * DAY }, from, to) < 0) {
        buf_str(why, "no staple");
        return false;
    }
    return true;
}

static bool crl_say(struct scene *w, const struct line *l, struct buf *why)
{
    const char *what = line_word(l, 1);
    struct minted *issuer = scene_find(w, line_value(l, "issuer", ""));
    struct minted *target =
        line_value(l, "of", NULL) != NULL ? scene_find(w, line_value(l, "of", "")) : w->leaf;
    struct mill_revoked revoked = { .cert = target != NULL ? target->cert : NULL,
                                    .at = { w->ev.now.s - 3 * DAY },
                                    .reason = 1 };
    bool stale = strcmp(what, "stale") == 0;
    struct buf *crl = &w->crls[w->n_crls];

    if (issuer == NULL || target == NULL || w->n_crls == SCENE_MAX_ITEMS) {
        buf_str(why, "wants good, revoked or stale, an issuer, and a leaf");
        return false;
    }
    *crl = (struct buf)BUF_INIT(1 << 16);
    if (mill_crl(crl, issuer->cert, &revoked, strcmp(what, "revoked") == 0 ? 1 : 0,
                 (struct mw_wall){ w->ev.now.s - (stale ? 30 : 1) * DAY },
                 (struct mw_wall){ w->ev.now.s + (stale ? -20 : 6) * DAY }) < 0) {
        buf_str(why, "no CRL");
        return false;
    }
    w->n_crls++;
    return true;
}

bool mint_say(struct scene *w, const struct line *l, struct buf *why, bool *known)
{
    const char *what = l->words[0].key;

    *known = true;
    if (strcmp(what, "public-root") == 0)
        return authority_say(w, l, MW_ANCHOR_PUBLIC, why);
    if (strcmp(what, "local-root") == 0)
        return authority_say(w, l, MW_ANCHOR_LOCAL, why);
    if (strcmp(what, "unknown-root") == 0 || strcmp(what, "intermediate") == 0)
        return authority_say(w, l, MW_ANCHOR_NONE, why);
    if (strcmp(what, "leaf") == 0)
        return leaf_say(w, l, why);
    if (strcmp(what, "control") == 0)
        return control_say(w, l, why);
    if (strcmp(what, "staple") == 0)
        return staple_say(w, l, why);
    if (strcmp(what, "crl") == 0)
        return crl_say(w, l, why);
    *known = false;
    return true;
}
