#include "gate/scribe/key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"

enum { KEYS_MAX = 16, FILE_MAX = 64 * 1024 };

struct log_key {
    EVP_PKEY *key;
    char public[KEY_PUBLIC_TEXT];
};

struct verifier {
    EVP_PKEY *keys[KEYS_MAX];
    char public[KEYS_MAX][KEY_PUBLIC_TEXT];
    size_t n;
};

static void free_bio(BIO **b)
{
    BIO_free(*b);
}

static int public_text(const EVP_PKEY *key, char text[KEY_PUBLIC_TEXT])
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(KEY_PUBLIC_TEXT);
    uint8_t raw[KEY_PUBLIC];
    size_t len = sizeof(raw);

    if (EVP_PKEY_get_raw_public_key(key, raw, &len) != 1 || len != sizeof(raw))
        return -EINVAL;
    text_base64(&b, span_of(raw, len));
    if (buf_error(&b) != 0 || b.len >= KEY_PUBLIC_TEXT)
        return -ENOMEM;
    memcpy(text, b.data, b.len + 1);
    return 0;
}

static int write_private(const EVP_PKEY *key, const char *path)
{
    CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
    char *data;
    long len;

    if (bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return -ENOMEM;
    len = BIO_get_mem_data(bio, &data);
    return file_replace(path, span_of(data, (size_t)len), 0600);
}

static int add_public(EVP_PKEY *key, const char *path)
{
    CLEANUP(buf_deinit) struct buf all = BUF_INIT(FILE_MAX);
    CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long len;
    int r = file_read(path, &all);

    if (r < 0 && r != -ENOENT)
        return r;
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
        return -ENOMEM;
    len = BIO_get_mem_data(bio, &data);
    buf_add(&all, span_of(data, (size_t)len));
    return buf_error(&all) != 0 ? buf_error(&all) : file_replace(path, buf_span(&all), 0644);
}

/* The public half first: a private key without it would sign what nobody can verify. */
static int make_key(EVP_PKEY **out, const char *public_path, struct buf *error)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    int r;

    if (key == NULL) {
        buf_str(error, "OpenSSL cannot make an Ed25519 key");
        return -EIO;
    }
    r = add_public(key, public_path);
    if (r < 0) {
        buf_printf(error, "%s: cannot write the audit log's public key: %s", public_path,
                   strerror(-r));
        EVP_PKEY_free(key);
        return r;
    }
    *out = key;
    return 0;
}

static int key_path(char path[PATH_MAX], const char *state_folder, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", state_folder, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int log_key_keep(const struct log_key *s, const char *state_folder, struct buf *error)
{
    char path[PATH_MAX];
    int r = key_path(path, state_folder, "audit.key");

    if (r == 0)
        r = write_private(s->key, path);
    if (r < 0)
        buf_printf(error, "%s/audit.key: cannot write the audit log's key: %s", state_folder,
                   strerror(-r));
    return r;
}

static int read_key(EVP_PKEY **out, const char *path, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(FILE_MAX);
    CLEANUP(free_bio) BIO *bio = NULL;
    int r = file_read(path, &pem);

    if (r == -ENOENT)
        return r;
    if (r < 0) {
        buf_printf(error, "%s: cannot read the audit log's key: %s", path, strerror(-r));
        return r;
    }
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    *out = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    OPENSSL_cleanse(pem.data, pem.len);
    if (*out == NULL || EVP_PKEY_get_base_id(*out) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(*out);
        *out = NULL;
        buf_printf(error, "%s: not an Ed25519 key; move it away and a new one is made", path);
        return -EINVAL;
    }
    return 0;
}

int log_key_open(struct log_key **out, const char *state_folder, bool *fresh, struct buf *error)
{
    char path[PATH_MAX], public_path[PATH_MAX];
    struct log_key *s = calloc(1, sizeof(*s));
    int r;

    if (s == NULL)
        return -ENOMEM;
    r = key_path(path, state_folder, "audit.key");
    if (r == 0)
        r = key_path(public_path, state_folder, "audit.pub");
    if (r == 0)
        r = read_key(&s->key, path, error);
    *fresh = r == -ENOENT;
    if (*fresh)
        r = make_key(&s->key, public_path, error);
    if (r == 0)
        r = public_text(s->key, s->public);
    if (r < 0) {
        log_key_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void log_key_free(struct log_key *s)
{
    if (s == NULL)
        return;
    EVP_PKEY_free(s->key);
    free(s);
}

const char *log_key_public(const struct log_key *s)
{
    return s->public;
}

int log_key_sign(const struct log_key *s, struct mw_span message, uint8_t signature[KEY_SIGNATURE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = KEY_SIGNATURE;
    bool good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) == 1 &&
                EVP_DigestSign(ctx, signature, &len, message.data, message.len) == 1 &&
                len == KEY_SIGNATURE;

    EVP_MD_CTX_free(ctx);
    return good ? 0 : -ENOMEM;
}

int verifier_read(struct verifier **out, struct mw_span pem, struct buf *error)
{
    CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    struct verifier *v = calloc(1, sizeof(*v));
    EVP_PKEY *key;

    if (v == NULL || bio == NULL) {
        free(v);
        return -ENOMEM;
    }
    while (v->n < KEYS_MAX && (key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)) != NULL) {
        if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
            public_text(key, v->public[v->n]) == 0)
            v->keys[v->n++] = key;
        else
            EVP_PKEY_free(key);
    }
    if (v->n == 0) {
        buf_str(error, "no Ed25519 public key in it; it should be a copy of STATE/audit.pub");
        verifier_free(v);
        return -EINVAL;
    }
    *out = v;
    return 0;
}

void verifier_free(struct verifier *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->n; i++)
        EVP_PKEY_free(v->keys[i]);
    free(v);
}

/* A signature that does not hold leaves no error behind; what broke on the way does, and must not
 * pass for tampering. */
static int good_by(EVP_PKEY *key, struct mw_span message, const uint8_t signature[KEY_SIGNATURE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int r = -ENOMEM;

    ERR_clear_error();
    if (ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1)
        r = EVP_DigestVerify(ctx, signature, KEY_SIGNATURE, message.data, message.len) == 1;
    if (r == 0 && ERR_peek_error() != 0)
        r = -ENOMEM;
    ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    return r;
}

int verifier_good(const struct verifier *v, struct mw_span message,
                  const uint8_t signature[KEY_SIGNATURE])
{
    int r = 0;

    /* Twice, for OpenSSL also says "bad" where memory for its hash ran out, and this word raises an
     * alarm. */
    for (size_t i = 0; i < 2 * v->n && r == 0; i++)
        r = good_by(v->keys[i % v->n], message, signature);
    return r;
}

bool verifier_knows(const struct verifier *v, const char *text)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->public[i], text) == 0)
            return true;
    return false;
}
