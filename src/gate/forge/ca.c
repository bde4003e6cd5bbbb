#include "gate/forge/ca.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "base/own.h"
#include "gate/forge/ca_internal.h"
#include "gate/forge/keyholder.h"

static const struct ca_kind kinds[CA_PARTS] = {
    /* RSA, so that clients from before 2010 know its signature too. */
    [CA_ROOT] = { "root", "Midwatch gate CA ", SIGNER_RSA, 3072, true, 1, CA_ROOT_LIFE_S },
    [CA_INTERMEDIATE_EC] = { "intermediate-ec", "Midwatch gate intermediate EC ", SIGNER_P256,
                             0, false, 0, CA_LIFE_S },
    [CA_INTERMEDIATE_RSA] = { "intermediate-rsa", "Midwatch gate intermediate RSA ", SIGNER_RSA,
                              2048, false, 0, CA_LIFE_S },
    [CA_UNTRUSTED_EC] = { "untrusted-ec", "Midwatch gate UNTRUSTED ORIGIN EC ", SIGNER_P256, 0,
                          true, 0, CA_LIFE_S },
    [CA_UNTRUSTED_RSA] = { "untrusted-rsa", "Midwatch gate UNTRUSTED ORIGIN RSA ", SIGNER_RSA,
                           2048, true, 0, CA_LIFE_S },
};

const struct ca_kind *ca_kind(enum ca_part part)
{
    return &kinds[part];
}

const char *ca_part_file(enum ca_part part)
{
    return kinds[part].file;
}

struct ca_place ca_place_of(const struct gate_config *c)
{
    return (struct ca_place){
        .folder = c->ca.folder,
        .passphrase_file = c->ca.passphrase_file,
        .name = c->name,
        .pkcs11 = c->ca.pkcs11,
        .pkcs11_module = c->ca.pkcs11_module,
        .pin_file = c->ca.pin_file,
    };
}

bool ca_in_token(const struct ca_place *place, enum ca_part part)
{
    return place->pkcs11 != NULL && part == CA_INTERMEDIATE_EC;
}

struct keyholder_place ca_token(const struct ca_place *place)
{
    return (struct keyholder_place){
        .uri = place->pkcs11,
        .module = place->pkcs11_module,
        .pin_file = place->pin_file,
    };
}

/* ----------------------------------------------------------------- reading ---- */

static void own_x509(X509 **x)
{
    X509_free(*x);
}

/* From OpenSSL's object to ours. */
static int cert_of(struct cert **out, X509 *x)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der), r;

    if (n <= 0)
        return -ENOMEM;
    r = cert_parse(out, span_of(der, (size_t)n));
    OPENSSL_free(der);
    return r > 0 ? -EINVAL : r;
}

int ca_read_cert(struct cert **out, struct vault *v, enum ca_part part, struct buf *error)
{
    CLEANUP(own_x509) X509 *x = NULL;
    char name[64];
    int r;

    *out = NULL;
    snprintf(name, sizeof(name), "%s.pem", kinds[part].file);
    r = vault_read_cert(v, name, &x, error);
    if (r < 0 || x == NULL)
        return r;
    r = cert_of(out, x);
    if (r == -EINVAL)
        buf_printf(error, "%s/%s is no certificate that can be used", v->folder, name);
    return r;
}

int ca_read_key(EVP_PKEY **out, struct vault *v, enum ca_part part, const struct cert *cert,
                struct buf *error)
{
    EVP_PKEY *key = NULL;
    char name[64];
    int r;

    snprintf(name, sizeof(name), "%s.key", kinds[part].file);
    r = vault_read_key(v, name, &key, error);
    if (r < 0)
        return r;
    if (key == NULL) {
        buf_printf(error, "%s/%s: there is no such file", v->folder, name);
        return -ENOENT;
    }
    if (X509_check_private_key(cert->x509, key) != 1) {
        ERR_clear_error();
        EVP_PKEY_free(key);
        buf_printf(error, "%s/%s is not the key of %s.pem", v->folder, name, kinds[part].file);
        return -EKEYREJECTED;
    }
    *out = key;
    return 0;
}

int ca_read_retired(struct ca *out, struct vault *v, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 20);
    int r = vault_read(v, "retired.pem", &pem, error);
    BIO *bio;
    X509 *x;

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio == NULL)
        return -ENOMEM;
    while (r == 0 && out->n_retired < CA_RETIRED_MAX &&
           (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        r = cert_of(&out->retired[out->n_retired], x);
        X509_free(x);
        if (r == 0)
            out->n_retired++;
    }
    ERR_clear_error();          /* the end of the file is told as an error */
    BIO_free(bio);
    if (r == -EINVAL)
        buf_printf(error, "%s/retired.pem holds what is no certificate", v->folder);
    return r;
}

/* ----------------------------------------------------------------- loading ---- */

static int load_certs(struct ca *ca, struct vault *v, struct buf *error)
{
    int r = ca_read_retired(ca, v, error);

    for (int part = 0; part < CA_PARTS && r == 0; part++)
        r = ca_read_cert(&ca->members[part].cert, v, (enum ca_part)part, error);
    return r;
}

/* The token shows a key by what it signs: its certificate is checked before it is used. */
static int load_token(struct ca_member *m, const struct ca_place *place, struct buf *error)
{
    struct keyholder_place token = ca_token(place);
    CLEANUP(buf_deinit) struct buf signature = BUF_INIT(256);
    uint8_t digest[32] = { 0 };
    EVP_PKEY_CTX *ctx;
    bool ok;
    int fd, r = keyholder_start(&fd, &token, error);

    if (r < 0)
        return r;
    signer_of_keyholder(&m->signer, fd);
    r = keyholder_sign(fd, digest, &signature);
    if (r < 0) {
        buf_str(error, "ca.pkcs11: the token does not sign");
        return r;
    }
    ctx = EVP_PKEY_CTX_new(cert_key(m->cert), NULL);
    ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
         EVP_PKEY_verify(ctx, signature.data, signature.len, digest, sizeof(digest)) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!ok)
        buf_printf(error, "the key of ca.pkcs11 is not that of %s/intermediate-ec.pem; run: "
                          "midwatch gate ca rotate", place->folder);
    return ok ? 0 : -EKEYREJECTED;
}

static int load_key(struct ca *ca, struct vault *v, enum ca_part part,
                    const struct ca_place *place, struct buf *error)
{
    struct ca_member *m = &ca->members[part];
    EVP_PKEY *key = NULL;
    int r;

    if (m->cert == NULL) {
        buf_printf(error, "%s/%s.pem: there is no such file; run: midwatch gate ca init",
                   v->folder, kinds[part].file);
        return -ENOENT;
    }
    if (ca_in_token(place, part))
        return load_token(m, place, error);
    r = ca_read_key(&key, v, part, m->cert, error);
    if (r < 0)
        return r;
    r = signer_of_key(&m->signer, key);
    if (r < 0 || m->signer.kind != kinds[part].key) {
        if (r < 0)
            EVP_PKEY_free(key);
        buf_printf(error, "%s/%s.key is of the wrong kind", v->folder, kinds[part].file);
        return -EINVAL;
    }
    return 0;
}

static int load(struct ca *out, const struct ca_place *place, bool with_keys, struct buf *error)
{
    struct ca ca = { 0 };
    struct vault v;
    int r = vault_open(&v, place->folder, place->passphrase_file, false, error);

    if (r < 0)
        return r;
    for (int part = 0; part < CA_PARTS; part++)
        ca.members[part].signer.keyholder_fd = -1;
    r = load_certs(&ca, &v, error);
    for (int part = CA_ROOT + 1; part < CA_PARTS && r == 0 && with_keys; part++)
        r = load_key(&ca, &v, (enum ca_part)part, place, error);
    vault_close(&v);
    if (r < 0)
        ca_deinit(&ca);
    else
        *out = ca;
    return r;
}

int ca_load_certs(struct ca *out, const struct ca_place *place, struct buf *error)
{
    return load(out, place, false, error);
}

int ca_load(struct ca *out, const struct ca_place *place, struct buf *error)
{
    return load(out, place, true, error);
}

void ca_deinit(struct ca *ca)
{
    for (int part = 0; part < CA_PARTS; part++) {
        struct ca_member *m = &ca->members[part];

        /* The keyholder ends when nobody has the other end of its socket. */
        if (m->signer.key == NULL && m->signer.keyholder_fd > 0)
            close(m->signer.keyholder_fd);
        signer_deinit(&m->signer);
        cert_free(m->cert);
    }
    for (size_t i = 0; i < ca->n_retired; i++)
        cert_free(ca->retired[i]);
    *ca = (struct ca){ 0 };
}
