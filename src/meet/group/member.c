#include "meet/group/member.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

/* 13.5: one of 0x0A0A … 0xEAEA. */
static uint16_t grease(uint8_t any)
{
    return (uint16_t)(0x0A0A + 0x1010 * (any % 15));
}

void key_package_freep(struct mw_mls_key_package **at)
{
    mw_mls_key_package_free(*at);
}

int identity_check(const struct mw_crypto *c, const struct mw_mls_identity *who)
{
    const struct suite *suite = suite_find(who->suite);
    uint8_t point[CRYPT_POINT_MAX];
    struct reader r = { .rest = who->leaf_extensions };
    int e;

    if (suite == NULL)
        return MW_MLS_E_SUITE;
    if (who->credential.type != CREDENTIAL_BASIC && who->credential.type != CREDENTIAL_X509)
        return MW_MLS_E_MALFORMED;
    if (who->signing_key.len != crypt_signing_key_size(suite->signer) ||
        who->signature_key.len != crypt_verifier_size(suite->signer))
        return MW_MLS_E_KEY;
    e = crypt_verifier_of(c, suite->signer, who->signing_key, point);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    if (!span_eq(span_of(point, who->signature_key.len), who->signature_key))
        return MW_MLS_E_KEY;
    while (read_more(&r)) {
        struct extension x;
        bool listed = false;

        extension_read(&x, &r);
        if (r.failed)
            return MW_MLS_E_MALFORMED;
        for (size_t i = 0; i < who->extensions_count; i++)
            listed = listed || who->extensions[i] == x.type;
        if (!listed && x.type > EXT_EXTERNAL_SENDERS && x.type != MW_MLS_EXT_MEETING)
            return MW_MLS_E_LEAF_CAPABILITIES;
    }
    return 0;
}

/* What we can do, and one value in each list that nobody can (13.5), so that nobody learns to
 * stumble over the unknown. */
static void write_capabilities(struct buf *b, const struct mw_mls_identity *who,
                               const uint8_t *any)
{
    size_t at = vector_open(b);

    buf_u16(b, MLS_VERSION);
    vector_close(b, at);
    at = vector_open(b);
    for (uint16_t n = 1; suite_find(n) != NULL; n++)
        buf_u16(b, n);
    buf_u16(b, grease(any[0]));
    vector_close(b, at);
    at = vector_open(b);
    for (size_t i = 0; i < who->extensions_count; i++)
        /* 7.2: the default ones MUST NOT be listed. */
        if (who->extensions[i] != MW_MLS_EXT_MEETING &&
            who->extensions[i] > EXT_EXTERNAL_SENDERS)
            buf_u16(b, who->extensions[i]);
    buf_u16(b, MW_MLS_EXT_MEETING);
    buf_u16(b, grease(any[1]));
    vector_close(b, at);
    at = vector_open(b);
    for (size_t i = 0; i < who->proposals_count; i++)
        if (who->proposals[i] > PROPOSAL_EXTENSIONS)
            buf_u16(b, who->proposals[i]);
    buf_u16(b, grease(any[2]));
    vector_close(b, at);
    at = vector_open(b);
    buf_u16(b, CREDENTIAL_BASIC);
    buf_u16(b, CREDENTIAL_X509);
    buf_u16(b, grease(any[3]));
    vector_close(b, at);
}

/* Of a list written by write_capabilities(): its five lists as spans. */
static void view_capabilities(struct capabilities *c, struct mw_span bytes)
{
    struct reader r = { .rest = bytes };

    c->versions = vector_read(&r);
    c->suites = vector_read(&r);
    c->extensions = vector_read(&r);
    c->proposals = vector_read(&r);
    c->credentials = vector_read(&r);
}

static int fill_leaf(struct leaf_node *v, const struct leaf_wish *w, struct buf *lists)
{
    const struct mw_mls_identity *who = w->who;

    if (who == NULL) {
        v->signature_key = w->old->signature_key;
        v->credential = w->old->credential;
        v->capabilities = w->old->capabilities;
        v->extensions = w->old->extensions;
    } else {
        /* A fresh public key is as random as GREASE needs to be. */
        write_capabilities(lists, who, w->encryption_key.data + w->encryption_key.len - 4);
        if (buf_error(lists) != 0)
            return buf_error(lists) == -EMSGSIZE ? MW_MLS_E_TOO_BIG : buf_error(lists);
        view_capabilities(&v->capabilities, buf_span(lists));
        v->signature_key = who->signature_key;
        v->credential.type = who->credential.type;
        v->credential.body = who->credential.body;
        v->extensions = who->leaf_extensions;
    }
    v->encryption_key = w->encryption_key;
    v->source = (uint8_t)w->source;
    v->not_before = (uint64_t)w->not_before.s;
    v->not_after = (uint64_t)w->not_after.s;
    v->parent_hash = w->parent_hash;
    return 0;
}

int leaf_make(struct suited s, const struct leaf_wish *w, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf lists = BUF_INIT(1u << 20);
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct leaf_node v = { 0 };
    size_t len, start = out->len;
    int e = 0;

    if (w->who != NULL)
        e = w->who->suite != s.suite->number ? MW_MLS_E_SUITE : identity_check(s.crypto, w->who);
    if (e == 0)
        e = fill_leaf(&v, w, &lists);
    if (e != 0)
        return e;
    leaf_node_write_signed(&content, &v);
    if (w->source != LEAF_KEY_PACKAGE) {        /* 7.2 */
        vector_write(&content, w->group_id);
        buf_u32(&content, w->index);
    }
    e = buf_error(&content);
    if (e != 0)
        return e == -EMSGSIZE ? MW_MLS_E_TOO_BIG : e;
    e = label_sign(s, w->signing_key, "LeafNodeTBS", buf_span(&content), signature, &len);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    v.signature = span_of(signature, len);
    leaf_node_write(out, &v);
    if (out->len - start > MW_MLS_LEAF_MAX)
        return MW_MLS_E_TOO_BIG;        /* nobody would take it */
    return buf_error(out);
}

int mw_mls_signature_pair(const struct mw_mls_app *app, uint16_t suite_number,
                          struct mw_mls_bytes *signing_key, struct mw_mls_bytes *signature_key)
{
    const struct suite *suite = suite_find(suite_number);
    uint8_t *scalar, *point;
    size_t scalar_len, point_len;
    int e;

    if (suite == NULL)
        return MW_MLS_E_SUITE;
    scalar_len = crypt_signing_key_size(suite->signer);
    point_len = crypt_verifier_size(suite->signer);
    scalar = malloc(scalar_len);
    point = malloc(point_len);
    e = scalar == NULL || point == NULL
            ? -ENOMEM
            : crypt_signing_pair(app->crypto, suite->signer, app->random, scalar, point);
    if (e != 0) {
        if (scalar != NULL)
            secret_clear(scalar, scalar_len);
        free(scalar);
        free(point);
        return group_error_crypt(e, MW_MLS_E_KEY);
    }
    *signing_key = (struct mw_mls_bytes){ scalar, scalar_len };
    *signature_key = (struct mw_mls_bytes){ point, point_len };
    return 0;
}

/* ------------------------------------------------------------------- key packages ---- */

static int key_package_blank(struct mw_mls_key_package **out, const struct mw_mls_app *app,
                             const struct suite *suite)
{
    struct mw_mls_key_package *kp = calloc(1, sizeof(*kp));

    if (kp == NULL)
        return -ENOMEM;
    kp->app = *app;
    kp->s = (struct suited){ suite, app->crypto };
    kp->secrets = crypt_secret(app->crypto, sizeof(*kp->secrets));
    if (kp->secrets == NULL) {
        free(kp);
        return -ENOMEM;
    }
    *out = kp;
    return 0;
}

void mw_mls_key_package_free(struct mw_mls_key_package *kp)
{
    if (kp == NULL)
        return;
    owned_free(&kp->message);
    secret_free(kp->secrets);
    free(kp);
}

struct mw_span mw_mls_key_package_bytes(const struct mw_mls_key_package *kp)
{
    return owned_span(kp->message);
}

/* Takes the message over: parsed, and its reference computed. */
static int key_package_set(struct mw_mls_key_package *kp, struct mw_span message)
{
    struct mls_message m;
    int e = owned_set(&kp->message, message);

    if (e != 0)
        return e;
    if (!mls_message_read(&m, owned_span(kp->message)) || m.format != WIRE_KEY_PACKAGE)
        return MW_MLS_E_MALFORMED;
    kp->view = m.key_package;
    return group_error_crypt(label_ref(kp->s, "KeyPackage Reference", kp->view.wire,
                                       kp->reference), MW_MLS_E_KEY);
}

static int key_package_write_message(struct mw_mls_key_package *kp,
                                     const struct key_package *draft, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_KEY_PACKAGE };
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    size_t len;
    int e;

    m.key_package = *draft;
    key_package_write_signed(&content, draft);
    e = buf_error(&content);
    if (e != 0)
        return e;
    e = label_sign(kp->s,
                   span_of(kp->secrets->signing, crypt_signing_key_size(kp->s.suite->signer)),
                   "KeyPackageTBS", buf_span(&content), signature, &len);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    m.key_package.signature = span_of(signature, len);
    mls_message_write(out, &m);
    return buf_error(out);
}

static int key_package_fill(struct mw_mls_key_package *kp, const struct mw_mls_identity *who,
                            struct mw_wall not_before, struct mw_wall not_after)
{
    CLEANUP(buf_deinit) struct buf leaf = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(MW_MLS_BYTES_MAX);
    uint8_t init[CRYPT_POINT_MAX], encryption[CRYPT_POINT_MAX];
    const struct suite *suite = kp->s.suite;
    struct key_package draft = { .version = MLS_VERSION, .suite = suite->number };
    struct leaf_wish wish = {
        .source = LEAF_KEY_PACKAGE, .who = who, .signing_key = who->signing_key,
        .not_before = not_before, .not_after = not_after,
    };
    struct reader r;
    int e;

    memcpy(kp->secrets->signing, who->signing_key.data, who->signing_key.len);
    e = hpke_pair_make(kp->s.crypto, suite->hpke.kem, kp->app.random, kp->secrets->init, init);
    if (e == 0)
        e = hpke_pair_make(kp->s.crypto, suite->hpke.kem, kp->app.random,
                           kp->secrets->encryption, encryption);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    wish.encryption_key = span_of(encryption, suite->npk);
    e = leaf_make(kp->s, &wish, &leaf);
    if (e != 0)
        return e;
    r = (struct reader){ .rest = buf_span(&leaf) };
    leaf_node_read(&draft.leaf, &r);
    if (!read_done(&r))
        return MW_MLS_E_MALFORMED;      /* leaf_extensions that are none */
    draft.init_key = span_of(init, suite->npk);
    e = key_package_write_message(kp, &draft, &message);
    return e != 0 ? e : key_package_set(kp, buf_span(&message));
}

int mw_mls_key_package_new(struct mw_mls_key_package **out, const struct mw_mls_app *app,
                           const struct mw_mls_identity *who, struct mw_wall not_before,
                           struct mw_wall not_after)
{
    CLEANUP(key_package_freep) struct mw_mls_key_package *kp = NULL;
    int e;

    if (suite_find(who->suite) == NULL)
        return MW_MLS_E_SUITE;
    if (who->signing_key.len != crypt_signing_key_size(suite_find(who->suite)->signer))
        return MW_MLS_E_KEY;
    if (not_before.s < 0 || not_after.s < not_before.s)
        return MW_MLS_E_LIFETIME;
    e = key_package_blank(&kp, app, suite_find(who->suite));
    if (e == 0)
        e = key_package_fill(kp, who, not_before, not_after);
    if (e == 0)
        *out = own_steal(&kp);
    return e;
}

/* The public key of a private one is the one that is announced. */
static int belongs(const struct mw_mls_key_package *kp, struct mw_span scalar, uint8_t *kept,
                   struct mw_span announced)
{
    uint8_t point[CRYPT_POINT_MAX];
    int e;

    if (scalar.len != kp->s.suite->nsk)
        return MW_MLS_E_KEY;
    e = crypt_public(kp->s.crypto, kp->s.suite->group, scalar, point);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    if (!span_eq(span_of(point, kp->s.suite->npk), announced))
        return MW_MLS_E_KEY;
    memcpy(kept, scalar.data, scalar.len);
    return 0;
}

static int key_package_adopt(struct mw_mls_key_package *kp, struct mw_span init,
                             struct mw_span encryption, struct mw_span signing)
{
    enum crypt_signer signer = kp->s.suite->signer;
    uint8_t point[CRYPT_POINT_MAX];
    int e = belongs(kp, init, kp->secrets->init, kp->view.init_key);

    if (e == 0)
        e = belongs(kp, encryption, kp->secrets->encryption, kp->view.leaf.encryption_key);
    if (e != 0)
        return e;
    if (signing.len != crypt_signing_key_size(signer))
        return MW_MLS_E_KEY;
    e = crypt_verifier_of(kp->s.crypto, signer, signing, point);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    if (!span_eq(span_of(point, crypt_verifier_size(signer)), kp->view.leaf.signature_key))
        return MW_MLS_E_KEY;
    memcpy(kp->secrets->signing, signing.data, signing.len);
    return 0;
}

int key_package_restore(struct mw_mls_key_package **out, const struct mw_mls_app *app,
                        struct mw_span message, struct mw_span init, struct mw_span encryption,
                        struct mw_span signing)
{
    CLEANUP(key_package_freep) struct mw_mls_key_package *kp = NULL;
    const struct suite *suite;
    struct mls_message m;
    int e;

    if (!mls_message_read(&m, message) || m.format != WIRE_KEY_PACKAGE)
        return MW_MLS_E_MALFORMED;
    suite = suite_find(m.key_package.suite);
    if (suite == NULL)
        return MW_MLS_E_SUITE;
    e = key_package_blank(&kp, app, suite);
    if (e == 0)
        e = key_package_set(kp, message);
    if (e == 0)
        e = key_package_adopt(kp, init, encryption, signing);
    if (e == 0)
        *out = own_steal(&kp);
    return e;
}
