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

int psk_check(struct suited s, const struct psk_id *id)
{
    if (id->nonce.len != s.suite->nh)                   /* 8.4, 12.2 */
        return MW_MLS_E_PSK_NONCE;
    if (id->type == PSK_RESUMPTION &&
        (id->usage < PSK_USE_APPLICATION || id->usage > PSK_USE_BRANCH))
        return MW_MLS_E_PSK_USAGE;
    return 0;
}

/* kept: MW_MLS_PSK_MAX bytes for an external one. */
static int look_up(const struct psk_place *at, const struct psk_id *id, uint8_t *kept,
                   struct mw_span *out)
{
    size_t len = 0;
    int e;

    if (id->type == PSK_RESUMPTION) {
        for (size_t i = 0; i < at->groups_count; i++)
            if (span_eq(mw_mls_group_id(at->groups[i]), id->group_id) &&
                psk_resumption(at->groups[i], id->epoch, out))
                return 0;
        return MW_MLS_E_PSK_UNKNOWN;
    }
    if (at->app->find_psk == NULL)
        return MW_MLS_E_PSK_UNKNOWN;
    e = at->app->find_psk(at->app->context, id->id, kept, &len);
    if (e > 0 || (e == 0 && len > MW_MLS_PSK_MAX))
        return MW_MLS_E_PSK_UNKNOWN;
    *out = span_of(kept, len);
    return e;
}

int psk_gather(const struct psk_place *at, const struct psk_id *ids, size_t n, struct secret *out)
{
    CLEANUP(buf_deinit) struct buf encoded = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(own_free) struct psk_input *inputs = NULL;
    CLEANUP(own_free) size_t *ends = NULL;
    CLEANUP(secret_freep) uint8_t *kept = NULL;

    if (n == 0) {
        schedule_no_psk(at->s, out);
        return 0;
    }
    if (n > MW_MLS_PENDING_MAX)
        return MW_MLS_E_TOO_BIG;        /* 8.4 would count to 65,535, in locked memory */
    inputs = calloc(n, sizeof(*inputs));
    ends = calloc(n, sizeof(*ends));
    kept = secret_new(n * MW_MLS_PSK_MAX);
    if (inputs == NULL || ends == NULL || kept == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int e = look_up(at, &ids[i], kept + i * MW_MLS_PSK_MAX, &inputs[i].psk);

        if (e != 0)
            return e;
        psk_id_write(&encoded, &ids[i]);
        ends[i] = encoded.len;
    }
    if (buf_error(&encoded) != 0)
        return buf_error(&encoded);
    for (size_t i = 0, from = 0; i < n; from = ends[i++])
        inputs[i].id = span_of(encoded.data + from, ends[i] - from);
    return group_error_crypt(schedule_psk(at->s, inputs, n, out), MW_MLS_E_PSK_UNKNOWN);
}
