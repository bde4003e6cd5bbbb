#include "lab/pki.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, ROOT_AGE_D = -400, ROOT_LIFE_D = 3250, CA_AGE_D = -200, CA_LIFE_D = 1000 };

struct mw_wall pki_day(const struct pki *p, int days)
{
    return (struct mw_wall){ p->now.s + (int64_t)days * DAY_S };
}

int pki_authority(struct mill_cert **out, const struct pki *p, const char *subject,
                  enum mill_key kind, const struct mill_cert *issuer, int path_len)
{
    const struct mill_spec spec = {
        .subject = subject,
        .ca = true,
        .path_len = path_len,
        .ext_key_usage = issuer != NULL ? "serverAuth" : NULL,
        .not_before = pki_day(p, issuer != NULL ? CA_AGE_D : ROOT_AGE_D),
        .not_after = pki_day(p, issuer != NULL ? CA_LIFE_D : ROOT_LIFE_D),
    };
    EVP_PKEY *key = NULL;
    int r = mill_key_new(&key, kind, true);

    if (r == 0)
        r = mill_issue(out, &spec, key, issuer);
    EVP_PKEY_free(key);
    return r;
}

static int logs_make(struct pki *p)
{
    static const struct {
        const char *name, *operator_;
    } logs[LOGS] = {
        [LOG_ONE] = { "lab-ash", "Lab Operator One" },
        [LOG_TWO] = { "lab-birch", "Lab Operator Two" },
        [LOG_ONE_AGAIN] = { "lab-cedar", "Lab Operator One" },
        [LOG_UNKNOWN] = { "lab-nowhere", "Nobody" },
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < LOGS; i++)
        r = mill_log_new(&p->logs[i], logs[i].name, logs[i].operator_);
    return r;
}

static int authorities_make(struct pki *p)
{
    int r = pki_authority(&p->root, p, "CN=Midwatch Lab Root 1,O=Midwatch Lab,C=XX", MILL_P256,
                          NULL, 0);

    if (r == 0)
        r = pki_authority(&p->root2, p, "CN=Midwatch Lab Root 2,O=Midwatch Lab Two,C=XX",
                          MILL_P256, NULL, 0);
    if (r == 0)
        r = pki_authority(&p->ca, p, "CN=Midwatch Lab CA E1,O=Midwatch Lab,C=XX", MILL_P256,
                          p->root, 1);
    if (r == 0)
        r = pki_authority(&p->unknown_root, p, "CN=Unheard Of Root,O=Nobody in Particular,C=XX",
                          MILL_P256, NULL, 0);
    if (r == 0)
        r = pki_authority(&p->unknown_ca, p, "CN=Unheard Of CA,O=Nobody in Particular,C=XX",
                          MILL_P256, p->unknown_root, 1);
    if (r == 0)
        r = pki_authority(&p->local_root, p, "CN=Midwatch Lab Intranet Root,O=Midwatch Lab",
                          MILL_P256, NULL, 0);
    return r;
}

/* All interceptors' roots and pinned keys exist from the start: local-roots.pem and pins are
 * written then. */
static int named_make(struct pki *p)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < case_count(); i++) {
        const struct case_recipe *r = &case_at(i)->cert;

        if (r->interceptor != NULL)
            pki_interceptor(p, r->interceptor, r->interceptor_trusted, &error);
        if (error == 0 && r->pin != NULL)
            pki_pin_key(p, r->pin, &error);
    }
    return error;
}

int pki_new(struct pki **out, struct mw_wall now)
{
    struct pki *p = calloc(1, sizeof(*p));
    int r;

    if (p == NULL)
        return -ENOMEM;
    p->now = now;
    r = authorities_make(p);
    if (r == 0)
        r = logs_make(p);
    if (r == 0)
        r = named_make(p);
    if (r < 0) {
        pki_free(p);
        return r;
    }
    *out = p;
    return 0;
}

void pki_free(struct pki *p)
{
    if (p == NULL)
        return;
    mill_cert_free(p->root);
    mill_cert_free(p->root2);
    mill_cert_free(p->ca);
    mill_cert_free(p->rsa_ca);
    mill_cert_free(p->unknown_root);
    mill_cert_free(p->unknown_ca);
    mill_cert_free(p->local_root);
    for (size_t i = 0; i < LOGS; i++)
        mill_log_free(p->logs[i]);
    for (size_t i = 0; i < p->n_interceptors; i++) {
        free(p->interceptors[i].subject);
        mill_cert_free(p->interceptors[i].root);
    }
    for (size_t i = 0; i < p->n_pins; i++)
        EVP_PKEY_free(p->pins[i].key);
    free(p);
}

const struct mill_cert *pki_interceptor(struct pki *p, const char *subject, bool trusted,
                                        int *error)
{
    size_t at = p->n_interceptors;

    for (size_t i = 0; i < p->n_interceptors; i++)
        if (strcmp(p->interceptors[i].subject, subject) == 0 &&
            p->interceptors[i].trusted == trusted)
            return p->interceptors[i].root;
    *error = at == PKI_INTERCEPTORS_MAX ? -ENOSPC : 0;
    if (*error < 0)
        return NULL;
    p->interceptors[at].subject = strdup(subject);
    if (p->interceptors[at].subject == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    p->n_interceptors++;
    p->interceptors[at].trusted = trusted;
    *error = pki_authority(&p->interceptors[at].root, p, subject, MILL_P256, NULL, 0);
    return p->interceptors[at].root;
}

EVP_PKEY *pki_pin_key(struct pki *p, const char *name, int *error)
{
    for (size_t i = 0; i < p->n_pins; i++)
        if (strcmp(p->pins[i].name, name) == 0)
            return p->pins[i].key;
    *error = p->n_pins == PKI_PINS_MAX ? -ENOSPC
                                       : mill_key_new(&p->pins[p->n_pins].key, MILL_P256, true);
    if (*error < 0)
        return NULL;
    p->pins[p->n_pins].name = name;
    return p->pins[p->n_pins++].key;
}

static const struct mill_cert *rsa_ca(struct pki *p, int *error)
{
    if (p->rsa_ca == NULL)
        *error = pki_authority(&p->rsa_ca, p, "CN=Midwatch Lab CA R1,O=Midwatch Lab,C=XX",
                               MILL_RSA2048, p->root, 1);
    return p->rsa_ca;
}

const struct mill_cert *pki_issuer(struct pki *p, const struct case_recipe *r, int *error)
{
    *error = 0;
    switch (r->issuer) {
    case BY_LAB_CA:
        return p->ca;
    case BY_RSA_CA:
        return rsa_ca(p, error);
    case BY_UNKNOWN_CA:
        return p->unknown_ca;
    case BY_LOCAL_CA:
        return p->local_root;
    case BY_INTERCEPTOR:
        return pki_interceptor(p, r->interceptor, r->interceptor_trusted, error);
    case BY_ROOT:
    case BY_OWN_CA:
    case BY_ITSELF:
        break;
    }
    return p->root;
}

int pki_roots_pem(const struct pki *p, struct buf *out)
{
    mill_cert_pem(p->root, out);
    mill_cert_pem(p->root2, out);
    return buf_error(out);
}

int pki_local_roots_pem(const struct pki *p, struct buf *out)
{
    mill_cert_pem(p->local_root, out);
    for (size_t i = 0; i < p->n_interceptors; i++)
        if (p->interceptors[i].trusted)
            mill_cert_pem(p->interceptors[i].root, out);
    return buf_error(out);
}

int pki_log_list(const struct pki *p, struct buf *out)
{
    return mill_log_list(out, p->logs, LOG_UNKNOWN);
}
