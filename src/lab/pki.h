/*
 * The lab's authorities: made at start, in memory only, and gone with the lab.
 * Life:   pki_new() -> pki_*() -> pki_free()
 * Memory: certificates that a function returns are borrowed from the pki.
 */
#ifndef LAB_PKI_H
#define LAB_PKI_H

#include "lab/case.h"

enum pki_log { LOG_ONE, LOG_TWO, LOG_ONE_AGAIN, LOG_UNKNOWN, LOGS };

enum { PKI_INTERCEPTORS_MAX = 64, PKI_PINS_MAX = 8 };

struct pki {
    struct mw_wall now;
    struct mill_cert *root, *root2;     /* both public */
    struct mill_cert *ca, *rsa_ca;      /* rsa_ca: made when first asked for */
    struct mill_cert *unknown_root, *unknown_ca;
    struct mill_cert *local_root;
    struct mill_log *logs[LOGS];
    struct {
        char *subject;
        struct mill_cert *root;
        bool trusted;
    } interceptors[PKI_INTERCEPTORS_MAX];
    size_t n_interceptors;
    struct {
        const char *name;
        EVP_PKEY *key;
    } pins[PKI_PINS_MAX];
    size_t n_pins;
};

MW_MUST_CHECK int pki_new(struct pki **out, struct mw_wall now);
void pki_free(struct pki *p);           /* NULL ok */

struct mw_wall pki_day(const struct pki *p, int days);

/* Who signs for this case; NULL with *error set on failure. BY_ITSELF and BY_OWN_CA: the
 * root. */
const struct mill_cert *pki_issuer(struct pki *p, const struct case_recipe *r, int *error);

/* The root of this subject, made when first asked for. */
const struct mill_cert *pki_interceptor(struct pki *p, const char *subject, bool trusted,
                                        int *error);

/* A key that is known by name before its certificate is minted.  Borrowed. */
EVP_PKEY *pki_pin_key(struct pki *p, const char *name, int *error);

/* An authority's certificate: subject, signed by issuer (NULL: itself), ten years. */
MW_MUST_CHECK int pki_authority(struct mill_cert **out, const struct pki *p,
                                const char *subject, enum mill_key key,
                                const struct mill_cert *issuer, int path_len);

/* roots.pem, local-roots.pem, ct-logs.json. */
MW_MUST_CHECK int pki_roots_pem(const struct pki *p, struct buf *out);
MW_MUST_CHECK int pki_local_roots_pem(const struct pki *p, struct buf *out);
MW_MUST_CHECK int pki_log_list(const struct pki *p, struct buf *out);

#endif
