/*
 * What certificates point to, fetched at most once a run: issuers (AIA) and CRLs.  Targets
 * that want the same URL share one fetch; CRLs outlive the run in a folder.
 * Life:   shelf_new() -> shelf_get()* -> shelf_release()* -> shelf_free()
 * Memory: an item lives until everybody released it, and then while there is room.
 * Bounds: SHELF_KEEP_BYTES of items nobody uses; limit_ms and max_bytes for a fetch.
 * Files:  FOLDER/crl-SHA256(url): SHA-256 of the CRL, then the CRL (DER).  One that is torn,
 *         or past its nextUpdate, is fetched anew.
 */
#ifndef PROBE_SHELF_H
#define PROBE_SHELF_H

#include <uv.h>

#include "net/dns.h"
#include "probe/unwrap.h"

enum { SHELF_KEEP_BYTES = 16 << 20 };

enum shelf_kind { SHELF_ISSUER, SHELF_CRL };

struct shelf;
struct shelf_wait;

struct shelf_item {
    const char *why;            /* nothing usable came, because; NULL: it did */
    struct mw_span parts[UNWRAP_MAX_CERTS];     /* DER: certificates, or one CRL */
    size_t n_parts;
    bool from_folder;
};

/* folder NULL: nothing outlives the run. */
MW_MUST_CHECK int shelf_new(struct shelf **out, uv_loop_t *loop, struct dns *dns,
                            const char *folder, int64_t limit_ms, size_t max_bytes);
void shelf_free(struct shelf *s);       /* NULL ok; no waits or items may be left */

/* The item is the callback's until it releases it. */
typedef void shelf_fn(void *context, const struct shelf_item *item);

/* Either *item is set, at once, or *wait and the callback comes once.  -EINVAL: not a URL that
 * can be fetched.  now: judges whether a kept CRL is still good.  may_be_local: see fetch.h. */
MW_MUST_CHECK int shelf_get(struct shelf *s, enum shelf_kind kind, const char *url,
                            bool may_be_local, struct mw_wall now,
                            const struct shelf_item **item, struct shelf_wait **wait,
                            shelf_fn *on_done, void *context);
void shelf_cancel(struct shelf_wait *wait);                     /* NULL ok */
void shelf_release(struct shelf *s, const struct shelf_item *item);     /* NULL ok */

/* How many fetches were begun, for tests. */
unsigned shelf_fetches(const struct shelf *s);

#endif
