/*
 * The gateway's own CA as people get it, and the files that go with it.
 * Life:   ca_view_read() -> reads -> ca_view_free()
 */
#ifndef GATE_DOOR_PAGE_CA_H
#define GATE_DOOR_PAGE_CA_H

#include "gate/policy/config.h"

struct ca_view {
    struct mw_span der;         /* borrowed */
    uint8_t sha256[32];
    char fingerprint[100];      /* "AB:CD:…" */
    char *name;                 /* its common name; ours */
    struct mw_wall not_before, not_after;
};

/* -ENOMEM; -EINVAL: no certificate. */
MW_MUST_CHECK int ca_view_read(struct ca_view *out, struct mw_span der);
void ca_view_free(struct ca_view *ca);  /* usable with CLEANUP; all-zero ok */

void page_ca_pem(struct buf *out, const struct ca_view *ca);

/* An Apple configuration profile with the root.  The same CA always makes the same profile, so
 * that installing it again replaces it. */
void ca_mobileconfig(struct buf *out, const struct gate_config *c, const struct ca_view *ca);

/* Proxy auto-configuration for whoever reached the listener `at`. */
void pac_write(struct buf *out, const struct gate_config *c, const struct addr *at);

#endif
