/*
 * What certificates point to, fetched at most once a run (or once a while: shelf_refresh()):
 * issuers (AIA) and CRLs.  Targets that want the same URL share one fetch; CRLs outlive the run
 * in a folder.
 * Life:   shelf_new() -> shelf_get()* -> shelf_release()* -> shelf_free()
 * Memory: an item lives until everybody released it, and then while there is room.
 * Bounds: SHELF_KEEP_BYTES and SHELF_KEEP_ITEMS of items nobody uses; limit_ms and max_bytes for a
 *         fetch.
 * Files:  FOLDER/crl-SHA256(url): SHA-256 of the CRL, then the CRL (DER).  One that is torn,
 *         or past its nextUpdate, is fetched anew.
 */
#ifndef PROBE_SHELF_H
#define PROBE_SHELF_H

#include <uv.h>

#include "net/dns.h"
#include "probe/unwrap.h"

enum { SHELF_KEEP_BYTES = 16 << 20, SHELF_KEEP_ITEMS = 1024 };

enum shelf_kind { SHELF_ISSUER, SHELF_CRL };

struct shelf;
struct shelf_wait;

struct shelf_item {
    const char *why;            /* nothing usable came, because; NULL: it did */
    struct mw_span parts[UNWRAP_MAX_CERTS];     /* DER: certificates, or one CRL */
    size_t n_parts;
    bool from_folder;
    struct mw_wall next_update; /* of a CRL; 0: it names none */
};

/* folder NULL: nothing outlives the run. */
MW_MUST_CHECK int shelf_new(struct shelf **out, uv_loop_t *loop, struct dns *dns,
                            const char *folder, int64_t limit_ms, size_t max_bytes);
void shelf_free(struct shelf *s);       /* NULL ok; no waits or items may be left */

/* For programs that run for long: what came is fetched anew when it is asked for kept_s later
 * (a CRL from its nextUpdate on), what did not come failed_s later. */
void shelf_refresh(struct shelf *s, int64_t kept_s, int64_t failed_s);

/* Nothing is fetched from any address of this computer, unless it may be local: see fetch.h. */
void shelf_refuse_own(struct shelf *s);

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
