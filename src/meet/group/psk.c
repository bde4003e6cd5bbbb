#include "meet/group/psk.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

bool psk_resumption(const struct mw_mls_group *g, uint64_t epoch, struct mw_span *out)
{
    if (group_context_of(&g->now).epoch == epoch && g->now.keys != NULL) {
        *out = secret_span(&g->now.keys->secrets.resumption_psk);
        return true;
    }
    for (size_t i = 0; i < g->resumptions_count; i++) {
        if (g->resumptions[i].epoch != epoch)
            continue;
        *out = secret_span(&g->resumptions[i].psk);
        return true;
    }
    return false;
}

int psk_check(struct suited s, const struct psk_id *id, bool in_proposal)
{
    if (id->nonce.len != s.suite->nh)                   /* 8.4, 12.2 */
        return MW_MLS_E_PSK_NONCE;
    if (id->type == PSK_EXTERNAL)
        return 0;
    if (id->type != PSK_RESUMPTION || id->usage < PSK_USE_APPLICATION ||
        id->usage > PSK_USE_BRANCH)
        return MW_MLS_E_PSK_USAGE;
    /* 12.2: reinit and branch belong to the Welcome of a new group alone. */
    if (in_proposal && id->usage != PSK_USE_APPLICATION)
        return MW_MLS_E_PSK_USAGE;
    return 0;
}

static bool resumption_of(const struct mw_mls_group *g, const struct psk_id *id,
                          struct mw_span *out)
{
    return g != NULL && span_eq(mw_mls_group_id(g), id->group_id) &&
           psk_resumption(g, id->epoch, out);
}

/* kept: MW_MLS_PSK_MAX bytes for an external one. */
static int look_up(const struct psk_source *from, const struct psk_id *id, uint8_t *kept,
                   struct mw_span *out)
{
    size_t len = 0;
    int e;

    if (id->type == PSK_RESUMPTION) {
        if (resumption_of(from->own, id, out))
            return 0;
        for (size_t i = 0; i < from->old_count; i++)
            if (resumption_of(from->old[i], id, out))
                return 0;
        return MW_MLS_E_PSK_UNKNOWN;
    }
    if (from->app->find_psk == NULL)
        return MW_MLS_E_PSK_UNKNOWN;
    e = from->app->find_psk(from->app->context, id->id, kept, &len);
    if (e > 0 || (e == 0 && len > MW_MLS_PSK_MAX))
        return MW_MLS_E_PSK_UNKNOWN;
    *out = span_of(kept, len);
    return e;
}

int psk_secret(const struct psk_source *from, const struct mw_span *ids, size_t n,
               struct secret *out)
{
    CLEANUP(own_free) struct psk_input *inputs = NULL;
    CLEANUP(secret_freep) uint8_t *kept = NULL;
    int e = 0;

    if (n == 0) {
        schedule_no_psk(from->s, out);
        return 0;
    }
    if (n > UINT16_MAX)
        return MW_MLS_E_TOO_BIG;        /* 8.4 counts them in 16 bits */
    inputs = calloc(n, sizeof(*inputs));
    kept = secret_new(n * MW_MLS_PSK_MAX);
    if (inputs == NULL || kept == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n && e == 0; i++) {
        struct reader r = { .rest = ids[i] };
        struct psk_id id;

        psk_id_read(&id, &r);
        if (!read_done(&r))
            return MW_MLS_E_MALFORMED;
        e = psk_check(from->s, &id, false);
        if (e == 0)
            e = look_up(from, &id, kept + i * MW_MLS_PSK_MAX, &inputs[i].psk);
        inputs[i].id = ids[i];
    }
    return e != 0 ? e : group_error_crypt(schedule_psk(from->s, inputs, n, out),
                                          MW_MLS_E_PSK_UNKNOWN);
}
