/*
 * A Proposal's bytes from what the application wishes for.
 */
#include <errno.h>

#include "meet/group/steps.h"

/* An MLSMessage with a KeyPackage, or the KeyPackage alone. */
static int read_key_package(struct mw_span bytes, struct key_package *out)
{
    struct reader r = { .rest = bytes };
    struct mls_message m;

    key_package_read(out, &r);
    if (read_done(&r))
        return 0;
    if (!mls_message_read(&m, bytes))
        return MW_MLS_E_MALFORMED;
    if (m.format != WIRE_KEY_PACKAGE)
        return MW_MLS_E_KIND;
    *out = m.key_package;
    return 0;
}

/* The body of extensions<V>, read as if it had come. */
static int read_extensions(struct mw_span list, struct buf *kept, struct mw_span *out)
{
    struct reader r;

    vector_write(kept, list);
    if (buf_error(kept) != 0)
        return buf_error(kept) == -EMSGSIZE ? MW_MLS_E_TOO_BIG : buf_error(kept);
    r = (struct reader){ .rest = buf_span(kept) };
    *out = extensions_read(&r);
    return read_done(&r) ? 0 : MW_MLS_E_EXTENSIONS;
}

static int fill(const struct mw_mls_proposal *p, struct suited s, struct mw_span group_id,
                struct mw_span nonce, struct buf *kept, struct proposal *out)
{
    switch (p->type) {
    case MW_MLS_ADD:
        return read_key_package(p->key_package, &out->add);
    case MW_MLS_REMOVE:
        out->remove = p->leaf;
        return 0;
    case MW_MLS_PRE_SHARED_KEY:
        out->psk.nonce = nonce;
        if (p->resumption) {
            out->psk.type = PSK_RESUMPTION;
            out->psk.usage = PSK_USE_APPLICATION;
            out->psk.group_id = group_id;
            out->psk.epoch = p->psk_epoch;
        } else {
            out->psk.type = PSK_EXTERNAL;
            out->psk.id = p->psk_id;
        }
        return 0;
    case MW_MLS_RE_INIT:
        if (suite_find(p->suite) == NULL)
            return MW_MLS_E_SUITE;
        out->reinit.group_id = p->group_id;
        out->reinit.version = MLS_VERSION;
        out->reinit.suite = p->suite;
        return read_extensions(p->extensions, kept, &out->reinit.extensions);
    case MW_MLS_CONTEXT_EXTENSIONS:
        return read_extensions(p->extensions, kept, &out->extensions);
    case MW_MLS_EXTERNAL_INIT:
        return MW_MLS_E_PROPOSAL_EXTERNAL;
    default:                    /* an Update needs a leaf that stands: mw_mls_propose() */
        return s.suite != NULL ? MW_MLS_E_PROPOSAL_SENDER : MW_MLS_E_SUITE;
    }
}

int proposal_make(const struct mw_mls_app *app, struct suited s, struct mw_span group_id,
                  const struct mw_mls_proposal *p, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT(GROUP_CONTEXT_MAX + 4);
    struct proposal made = { .type = (uint16_t)p->type };
    uint8_t nonce[CRYPT_HASH_MAX];
    int error = 0;

    /* 8.4: a fresh nonce each time, so that a PSK never gives the same secret twice. */
    if (p->type == MW_MLS_PRE_SHARED_KEY)
        error = app->random.fill(app->random.context, nonce, s.suite->nh);
    if (error == 0)
        error = fill(p, s, group_id, span_of(nonce, s.suite->nh), &kept, &made);
    if (error != 0)
        return error;
    proposal_write(out, &made);
    error = buf_error(out);
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}
