/*
 * Making and renewing the gate's authorities, and what the parent asks of them.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/forge/ca_internal.h"
#include "gate/forge/certificate.h"
#include "gate/forge/der_write.h"
#include "gate/forge/keyholder.h"
#include "gate/forge/memory.h"

enum {
    DER_MAX = 16384,
    NAME_MAX_BYTES = 64,        /* X.520's upper bound for CN and O */
    ERROR_MAX = 1024,
};

/* One round of looking after the CA. */
struct tending {
    struct vault vault;
    const struct ca_place *place;
    struct ca ca;
    enum ca_wish wish;
    struct mw_wall now;
    bool root_new;
    bool torn;                  /* a key is new and its certificate is not */
    struct buf *error;
};

/* -------------------------------------------------------------------- names ---- */

static void attribute_put(struct buf *out, uint8_t last_arc, struct mw_span text)
{
    size_t set = der_open(out, DER_SET), pair = der_open(out, DER_SEQUENCE);

    der_put(out, DER_OID, span_of(((const uint8_t[]){ 0x55, 0x04, last_arc }), 3));
    der_put(out, 0x0c, span_cut(text, 0, NAME_MAX_BYTES));      /* UTF8String */
    der_close(out, pair);
    der_close(out, set);
}

/* O=the gateway's name, CN=what it is and the first digits of its key's identifier, so that the
 * CAs of two gateways and of two years are told apart in a list. */
static int subject_put(struct buf *out, const struct tending *t, enum ca_part part,
                       struct mw_span spki)
{
    CLEANUP(buf_deinit) struct buf common_name = BUF_INIT(128);
    uint8_t id[20];
    size_t mark;
    int r = certificate_key_id(id, spki);

    if (r < 0)
        return r;
    buf_str(&common_name, ca_kind(part)->common_name);
    text_hex(&common_name, span_of(id, 4), 0);
    if (buf_error(&common_name) < 0)
        return buf_error(&common_name);
    mark = der_open(out, DER_SEQUENCE);
    attribute_put(out, 10, span_str(t->place->name));
    attribute_put(out, 3, buf_span(&common_name));
    der_close(out, mark);
    return buf_error(out);
}

/* --------------------------------------------------------------------- keys ---- */

static int key_make(EVP_PKEY **out, const struct ca_kind *kind)
{
    EVP_PKEY *key = kind->key == SIGNER_P256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(kind->rsa_bits);

    ERR_clear_error();
    if (key == NULL)
        return -ENOMEM;
    *out = key;
    return 0;
}

static int key_spki(struct buf *out, const EVP_PKEY *key)
{
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(key, &der);

    ERR_clear_error();
    if (n <= 0)
        return -ENOMEM;
    buf_add(out, span_of(der, (size_t)n));
    OPENSSL_free(der);
    return buf_error(out);
}

/* A fresh key, or the one in the token. */
static int key_provide(const struct tending *t, enum ca_part part, EVP_PKEY **out)
{
    struct keyholder_place token = ca_token(t->place);

    return ca_in_token(t->place, part) ? pkcs11_open(out, &token, t->error)
                                       : key_make(out, ca_kind(part));
}

/* The root's key, to renew what is below it. */
static int root_need(struct tending *t)
{
    struct ca_member *root = &t->ca.members[CA_ROOT];
    EVP_PKEY *key = NULL;
    int r;

    if (root->signer.key != NULL)
        return 0;
    r = ca_read_key(&key, &t->vault, CA_ROOT, root->cert, t->error);
    if (r == -ENOENT)
        buf_str(t->error, ", and without it nothing can be renewed; bring it back for that");
    if (r < 0)
        return r;
    r = signer_of_key(&root->signer, key);
    if (r < 0) {
        EVP_PKEY_free(key);
        buf_printf(t->error, "%s/root.key is of the wrong kind", t->place->folder);
    }
    return r;
}

/* ------------------------------------------------------------- certificates ---- */

/* What was replaced is still recognised as ours, until it is over. */
static int retire(struct tending *t, enum ca_part part)
{
    struct cert *old = t->ca.members[part].cert;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n;
    int r = bio != NULL ? 0 : -ENOMEM;

    if (old != NULL && t->ca.n_retired == CA_RETIRED_MAX) {
        cert_free(t->ca.retired[0]);
        t->ca.n_retired--;
        memmove(&t->ca.retired[0], &t->ca.retired[1], t->ca.n_retired * sizeof(struct cert *));
    }
    if (old != NULL)
        t->ca.retired[t->ca.n_retired++] = old;
    t->ca.members[part].cert = NULL;
    for (size_t i = 0; i < t->ca.n_retired && r == 0; i++)
        if (t->ca.retired[i]->not_after.s > t->now.s &&
            PEM_write_bio_X509(bio, t->ca.retired[i]->x509) != 1)
            r = -ENOMEM;
    if (r == 0 && old != NULL) {
        n = BIO_get_mem_data(bio, &text);
        r = vault_write(&t->vault, "retired.pem", span_of(text, (size_t)n), t->error);
    }
    BIO_free(bio);
    return r;
}

/* The key first: until its certificate is there too, the pair does not fit and is made again. */
static int pair_write(struct tending *t, enum ca_part part, EVP_PKEY *key, struct mw_span der)
{
    struct ca_member *m = &t->ca.members[part];
    char name[64];
    int r = retire(t, part);

    if (r == 0)
        r = cert_parse(&m->cert, der);
    if (r != 0)
        return r < 0 ? r : -EINVAL;
    snprintf(name, sizeof(name), "%s.key", ca_kind(part)->file);
    if (!ca_in_token(t->place, part))
        r = vault_write_key(&t->vault, name, key, t->error);
    if (r < 0)
        return r;
    t->torn = true;
    snprintf(name, sizeof(name), "%s.pem", ca_kind(part)->file);
    r = vault_write_cert(&t->vault, name, m->cert->x509, t->error);
    t->torn = r < 0;
    return r;
}

/* The certificate of this key, under the root or under itself. */
static int cert_make(const struct tending *t, enum ca_part part, const struct signer *own,
                     struct mw_span spki, struct buf *der)
{
    CLEANUP(buf_deinit) struct buf subject = BUF_INIT(1024);
    const struct ca_kind *kind = ca_kind(part);
    const struct ca_member *root = &t->ca.members[CA_ROOT];
    struct certificate_plan plan = {
        .spki = spki,
        .not_before = { t->now.s - CA_BACKDATE_S },
        .not_after = { t->now.s + kind->life_s },
        .ca = true,
        .path_len = kind->path_len,
    };
    int r = subject_put(&subject, t, part, spki);

    if (r < 0)
        return r;
    plan.subject = plan.issuer = buf_span(&subject);
    if (!kind->self_signed) {
        /* root_need() came first.
         * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        plan.issuer = root->cert->subject;
        plan.authority_key_id = root->cert->ski;
        plan.purposes = certificate_server_auth();
        if (plan.not_after.s > root->cert->not_after.s)
            plan.not_after = root->cert->not_after;
    }
    return certificate_make(der, &plan, kind->self_signed ? own : &root->signer);
}

static int part_make(struct tending *t, enum ca_part part)
{
    CLEANUP(buf_deinit) struct buf spki = BUF_INIT(DER_MAX), der = BUF_INIT(DER_MAX);
    struct signer own = { .keyholder_fd = -1 };
    EVP_PKEY *key = NULL;
    int r = ca_kind(part)->self_signed ? 0 : root_need(t);

    if (r == 0)
        r = key_provide(t, part, &key);
    if (r < 0)
        return r;
    r = key_spki(&spki, key);
    if (r == 0)
        r = signer_of_key(&own, key);
    if (r < 0)
        EVP_PKEY_free(key);
    if (r == -EINVAL || (r == 0 && own.kind != ca_kind(part)->key)) {
        buf_printf(t->error, "ca.pkcs11: %s is no P-256 key, which the gate needs",
                   t->place->pkcs11);
        r = -EINVAL;
    }
    if (r == 0)
        r = cert_make(t, part, &own, buf_span(&spki), &der);
    if (r == 0)
        r = pair_write(t, part, own.key, buf_span(&der));
    if (r == 0 && part == CA_ROOT) {
        signer_deinit(&t->ca.members[CA_ROOT].signer);
        t->ca.members[CA_ROOT].signer = own;
        t->root_new = true;
        return 0;
    }
    signer_deinit(&own);
    return r;
}

/* --------------------------------------------------------------------- tending ---- */

/* Is the key there, and the certificate's?  A wrong passphrase is an error, not a reason to
 * begin anew. */
static int key_fits(struct tending *t, enum ca_part part, bool *fits)
{
    CLEANUP(buf_deinit) struct buf why = BUF_INIT(ERROR_MAX);
    EVP_PKEY *key = NULL;
    int r = 0;

    if (!ca_in_token(t->place, part))
        r = ca_read_key(&key, &t->vault, part, t->ca.members[part].cert, &why);
    EVP_PKEY_free(key);
    *fits = r == 0;
    if (r == 0 || r == -ENOENT || r == -EKEYREJECTED)
        return 0;
    buf_add(t->error, buf_span(&why));
    return r;
}

/* *due: it is to be made anew.  *usable: until then it would do. */
static int look_at(struct tending *t, enum ca_part part, bool *due, bool *usable)
{
    const struct cert *c = t->ca.members[part].cert, *root = t->ca.members[CA_ROOT].cert;
    bool signed_by_root = true, fits;
    int r;

    *due = true;
    *usable = false;
    if (c == NULL || t->wish == CA_ROTATE || t->root_new)
        return 0;
    if (!ca_kind(part)->self_signed) {
        r = cert_signed_by(c, root);
        if (r < 0)
            return r;
        signed_by_root = r > 0;
    }
    r = key_fits(t, part, &fits);
    if (r < 0)
        return r;
    /* One of the future was made under a wrong clock. */
    *usable = signed_by_root && fits && c->not_after.s > t->now.s &&
              c->not_before.s <= t->now.s;
    *due = !*usable || c->not_after.s - t->now.s < CA_RENEW_S;
    return 0;
}

static int tend_root(struct tending *t)
{
    const struct cert *c = t->ca.members[CA_ROOT].cert;

    if (c == NULL || t->wish == CA_ROTATE_ROOT)
        return part_make(t, CA_ROOT);
    if (c->not_after.s <= t->now.s) {
        buf_printf(t->error, "%s/root.pem is over; run: midwatch gate ca rotate --root, and "
                             "install the new root", t->place->folder);
        return -EKEYEXPIRED;
    }
    if (c->not_before.s > t->now.s)
        log_warning("ca: %s/root.pem is not valid yet; is this computer's clock right?",
                    t->place->folder);
    if (c->not_after.s - t->now.s < CA_LIFE_S)
        log_warning("ca: %s/root.pem ends soon; midwatch gate ca rotate --root makes a new one",
                    t->place->folder);
    return 0;
}

static int tend_part(struct tending *t, enum ca_part part)
{
    bool due, usable;
    int r = look_at(t, part, &due, &usable);

    if (r < 0 || !due)
        return r;
    r = part_make(t, part);
    if (r == 0 || !usable || t->torn)
        return r;
    /* It ends soon, but has not: a root whose key is kept elsewhere need not stop the gate. */
    log_warning("ca: %s.pem ends soon and cannot be renewed: %s", ca_kind(part)->file,
                t->error->len > 0 ? (const char *)t->error->data : strerror(-r));
    buf_truncate(t->error, 0);
    return 0;
}

int ca_tend(const struct ca_place *place, enum ca_wish wish, struct mw_wall now,
            struct buf *error)
{
    struct tending t = { .place = place, .wish = wish, .now = now, .error = error };
    int r = vault_open(&t.vault, place->folder, place->passphrase_file, true, error);

    if (r < 0)
        return r;
    for (int part = 0; part < CA_PARTS; part++)
        t.ca.members[part].signer.keyholder_fd = -1;
    r = ca_read_retired(&t.ca, &t.vault, error);
    for (int part = 0; part < CA_PARTS && r == 0; part++)
        r = ca_read_cert(&t.ca.members[part].cert, &t.vault, (enum ca_part)part, error);
    if (r == 0)
        r = tend_root(&t);
    for (int part = CA_ROOT + 1; part < CA_PARTS && r == 0; part++)
        r = tend_part(&t, (enum ca_part)part);
    if (r < 0 && error->len == 0)
        buf_printf(error, "%s: %s", place->folder, strerror(-r));
    ca_deinit(&t.ca);
    vault_close(&t.vault);
    return r;
}

/* ----------------------------------------------------------------- apart ---- */

static void tell(int fd, int r, const struct buf *error)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(2 * ERROR_MAX);

    buf_add(&message, span_of(&r, sizeof(r)));
    buf_add(&message, buf_span(error));
    /* Less than a pipe holds, so it is written at once. */
    if (write(fd, message.data, message.len) < 0)
        _exit(2);
    _exit(0);
}

static int hear(int fd, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(2 * ERROR_MAX);
    int r = file_read_fd(fd, &message), said;

    if (r == 0 && message.len < sizeof(said))
        r = -EIO;
    if (r < 0) {
        buf_str(error, "ca: the process that looks after the keys broke off");
        return r;
    }
    memcpy(&said, message.data, sizeof(said));
    buf_add(error, span_cut(buf_span(&message), sizeof(said), SIZE_MAX));
    return said;
}

int ca_tend_apart(const struct ca_place *place, enum ca_wish wish, struct mw_wall now,
                  struct buf *error)
{
    CLEANUP(own_close) int from = -1;
    int ends[2], status, r;
    pid_t child;

    if (pipe(ends) < 0)
        return -errno;
    from = ends[0];
    child = fork();
    if (child == 0) {
        CLEANUP(buf_deinit) struct buf why = BUF_INIT(ERROR_MAX);

        memory_harden();
        r = ca_tend(place, wish, now, &why);
        tell(ends[1], r, &why);
    }
    r = child < 0 ? -errno : 0;
    close(ends[1]);
    if (r < 0)
        return r;
    r = hear(from, error);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return r;
}
