/*
 * State sealed and loaded.  On disk:
 *
 *     "MWSC"  kind  version  nonce[12]  AES-256-GCM(key, nonce, aad = the six bytes before, state)
 *
 * The state inside is in MLS's own presentation language: vectors, and a byte that says whether an
 * optional part follows.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/member.h"
#include "meet/group/state.h"

enum { KIND_GROUP = 'g', KIND_KEY_PACKAGE = 'k', STATE_VERSION = 1 };
enum { HEAD = 6, KEY = 32 };

static const uint8_t magic[4] = { 'M', 'W', 'S', 'C' };

static void head_write(uint8_t head[HEAD], uint8_t kind)
{
    memcpy(head, magic, sizeof(magic));
    head[4] = kind;
    head[5] = STATE_VERSION;
}

static int seal(const struct mw_mls_app *app, uint8_t kind, const uint8_t key[KEY],
                const struct buf *plain, struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(STATE_MAX + HEAD + CRYPT_NONCE + CRYPT_TAG);
    uint8_t head[HEAD], nonce[CRYPT_NONCE];
    uint8_t *room;
    int e = buf_error(plain);

    if (e == 0)
        e = app->random.fill(app->random.context, nonce, sizeof(nonce));
    if (e != 0)
        return e == -EMSGSIZE ? MW_MLS_E_TOO_BIG : e;
    head_write(head, kind);
    buf_add(&b, span_of(head, HEAD));
    buf_add(&b, span_of(nonce, sizeof(nonce)));
    room = buf_reserve(&b, plain->len + CRYPT_TAG);
    if (room == NULL)
        return buf_error(&b);
    e = crypt_seal(app->crypto, CRYPT_AES_256_GCM, span_of(key, KEY), nonce, span_of(head, HEAD),
                   buf_span(plain), room);
    buf_took(&b, plain->len + CRYPT_TAG);
    return e != 0 ? group_error_crypt(e, MW_MLS_E_STATE) : bytes_take(&b, out);
}

static int unseal(const struct mw_mls_app *app, uint8_t kind, const uint8_t key[KEY],
                  struct mw_span saved, struct buf *plain)
{
    uint8_t head[HEAD];
    struct mw_span sealed;
    uint8_t *room;
    int e;

    head_write(head, kind);
    if (saved.len > STATE_MAX || saved.len < HEAD + CRYPT_NONCE + CRYPT_TAG ||
        memcmp(saved.data, head, HEAD) != 0)
        return MW_MLS_E_STATE;
    sealed = span_cut(saved, HEAD + CRYPT_NONCE, saved.len);
    room = buf_reserve(plain, sealed.len - CRYPT_TAG);
    if (room == NULL)
        return buf_error(plain);
    e = crypt_open(app->crypto, CRYPT_AES_256_GCM, span_of(key, KEY), saved.data + HEAD,
                   span_of(head, HEAD), sealed, room);
    buf_took(plain, sealed.len - CRYPT_TAG);
    return group_error_crypt(e, MW_MLS_E_STATE);
}

/* ------------------------------------------------------------------- key packages ---- */

int mw_mls_key_package_save(const struct mw_mls_key_package *kp, const uint8_t key[KEY],
                            struct mw_mls_bytes *out)
{
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(STATE_MAX);
    size_t nsk = kp->s.suite->nsk;

    /* All at once: growing would leave secrets behind in memory that was freed. */
    if (buf_reserve(&plain, kp->message.len + 4 * 4 + 3 * CRYPT_SCALAR_MAX) == NULL)
        return buf_error(&plain);
    vector_write(&plain, owned_span(kp->message));
    vector_write(&plain, span_of(kp->secrets->init, nsk));
    vector_write(&plain, span_of(kp->secrets->encryption, nsk));
    vector_write(&plain, span_of(kp->secrets->signing,
                                 crypt_signing_key_size(kp->s.suite->signer)));
    return seal(&kp->app, KIND_KEY_PACKAGE, key, &plain, out);
}

int mw_mls_key_package_load(struct mw_mls_key_package **out, const struct mw_mls_app *app,
                            const uint8_t key[KEY], struct mw_span saved)
{
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(STATE_MAX);
    struct mw_span message, init, encryption, signing;
    struct reader r;
    int e = unseal(app, KIND_KEY_PACKAGE, key, saved, &plain);

    if (e != 0)
        return e;
    r = (struct reader){ .rest = buf_span(&plain) };
    message = vector_read(&r);
    init = vector_read(&r);
    encryption = vector_read(&r);
    signing = vector_read(&r);
    if (!read_done(&r))
        return MW_MLS_E_STATE;
    e = key_package_restore(out, app, message, init, encryption, signing);
    return e > 0 ? MW_MLS_E_STATE : e;
}

/* ------------------------------------------------------------------------- groups ---- */

int mw_mls_save(const struct mw_mls_group *g, const uint8_t key[KEY], struct mw_mls_bytes *out)
{
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(STATE_MAX);

    state_write(g, &plain);
    return seal(&g->app, KIND_GROUP, key, &plain, out);
}

int mw_mls_load(struct mw_mls_group **out, const struct mw_mls_app *app, const uint8_t key[KEY],
                struct mw_span saved)
{
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(STATE_MAX);
    int e = unseal(app, KIND_GROUP, key, saved, &plain);

    return e != 0 ? e : state_read(out, app, buf_span(&plain));
}
