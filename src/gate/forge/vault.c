#include "gate/forge/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"

enum {
    MAX_FILE = 1 << 20,
    PASSPHRASE_BYTES = 32,
    SCRYPT_N = 1 << 14,         /* 16 MiB; RFC 7914 section 2 */
    SCRYPT_R = 8,
    SCRYPT_P = 1,
    SALT = 16,
};

void vault_wipe(struct buf *b)
{
    if (b->data != NULL)
        OPENSSL_cleanse(b->data, b->room);
    buf_deinit(b);
}

static void own_bio(BIO **b)
{
    BIO_free(*b);
}

/* ------------------------------------------------------------------ checks ---- */

/* Ours or root's, and nobody else gets in. */
static int check_private(const struct stat *st, const char *path, struct buf *error)
{
    if (st->st_uid != geteuid() && st->st_uid != 0) {
        buf_printf(error, "%s belongs to user %lu; it must be the gate's own", path,
                   (unsigned long)st->st_uid);
        return -EPERM;
    }
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        buf_printf(error, "%s is open to others (mode %04o); run: chmod go= %s", path,
                   (unsigned)st->st_mode & 07777, path);
        return -EPERM;
    }
    return 0;
}

static int fail(struct buf *error, const char *path, int r)
{
    buf_printf(error, "%s: %s", path, strerror(-r));
    return r;
}

static int path_of(char path[PATH_MAX], const struct vault *v, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", v->folder, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Opened first and looked at then, so that it is the same file that is read. */
static int open_private(int *out, const char *path, struct buf *error)
{
    CLEANUP(own_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int r;

    if (fd < 0)
        return errno == ENOENT ? -ENOENT : fail(error, path, -errno);
    if (fstat(fd, &st) < 0)
        return fail(error, path, -errno);
    if (!S_ISREG(st.st_mode)) {
        buf_printf(error, "%s is no file", path);
        return -EINVAL;
    }
    r = check_private(&st, path, error);
    if (r == 0)
        *out = own_steal_fd(&fd);
    return r;
}

static int read_private(const char *path, struct buf *out, struct buf *error)
{
    CLEANUP(own_close) int fd = -1;
    int r = open_private(&fd, path, error);

    if (r < 0)
        return r;
    r = file_read_fd(fd, out);
    return r < 0 ? fail(error, path, r) : 0;
}

int vault_read_secret(const char *path, struct buf *out, struct buf *error)
{
    CLEANUP(vault_wipe) struct buf whole = BUF_INIT(VAULT_PASSPHRASE_MAX);
    struct mw_span rest, line = { 0 };
    int r = read_private(path, &whole, error);

    if (r == -ENOENT)
        buf_printf(error, "%s: there is no such file", path);
    if (r < 0)
        return r;
    rest = buf_span(&whole);
    if (!span_line(&rest, &line) || line.len == 0 || memchr(line.data, 0, line.len) != NULL) {
        buf_printf(error, "%s: its first line must be the secret, as text", path);
        return -EINVAL;
    }
    buf_add(out, line);
    return buf_error(out);
}

/* -------------------------------------------------------------- passphrase ---- */

static int passphrase_path(char path[PATH_MAX], const struct vault *v)
{
    if (v->passphrase_file == NULL)
        return path_of(path, v, "passphrase");
    return snprintf(path, PATH_MAX, "%s", v->passphrase_file) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int passphrase_make(const char *path, struct buf *error)
{
    CLEANUP(vault_wipe) struct buf text = BUF_INIT(2 * PASSPHRASE_BYTES + 1);
    uint8_t random[PASSPHRASE_BYTES];
    int r;

    if (RAND_priv_bytes(random, sizeof(random)) != 1)
        return -EIO;
    text_hex(&text, span_of(random, sizeof(random)), 0);
    buf_str(&text, "\n");
    OPENSSL_cleanse(random, sizeof(random));
    r = buf_error(&text);
    if (r == 0)
        r = file_replace(path, buf_span(&text), 0600);
    return r < 0 ? fail(error, path, r) : 0;
}

/* make: to encrypt with, so that a new one will do. */
static int passphrase_need(struct vault *v, bool make, struct buf *error)
{
    char path[PATH_MAX];
    int r;

    if (v->passphrase.len > 0)
        return 0;
    r = passphrase_path(path, v);
    if (r < 0)
        return fail(error, v->folder, r);
    if (make && v->passphrase_file == NULL && access(path, F_OK) < 0 && errno == ENOENT)
        r = passphrase_make(path, error);
    return r < 0 ? r : vault_read_secret(path, &v->passphrase, error);
}

/* -------------------------------------------------------------------- life ---- */

int vault_open(struct vault *out, const char *folder, const char *passphrase_file, bool make,
               struct buf *error)
{
    struct vault v = {
        .folder = folder,
        .passphrase_file = passphrase_file,
        .lock_fd = -1,
        .passphrase = BUF_INIT(VAULT_PASSPHRASE_MAX),
    };
    char path[PATH_MAX];
    struct stat st;
    int r = make ? file_make_folders(folder) : 0;

    if (r < 0)
        return fail(error, folder, r);
    if (stat(folder, &st) < 0 && errno == ENOENT) {
        buf_printf(error, "%s: there is no CA yet; run: midwatch gate ca init", folder);
        return -ENOENT;
    }
    if (stat(folder, &st) < 0)
        return fail(error, folder, -errno);
    if (!S_ISDIR(st.st_mode))
        return fail(error, folder, -ENOTDIR);
    r = check_private(&st, folder, error);
    if (r == 0)
        r = path_of(path, &v, "lock");
    if (r < 0)
        return r;
    v.lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    /* One who may only read needs no lock file to be made for it. */
    if (v.lock_fd < 0 && !make && (errno == EACCES || errno == EROFS))
        v.lock_fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (v.lock_fd < 0)
        return fail(error, path, -errno);
    do
        r = flock(v.lock_fd, make ? LOCK_EX : LOCK_SH);
    while (r < 0 && errno == EINTR);
    if (r < 0) {
        r = fail(error, path, -errno);
        vault_close(&v);
        return r;
    }
    *out = v;
    return 0;
}

void vault_close(struct vault *v)
{
    vault_wipe(&v->passphrase);
    if (v->lock_fd >= 0)
        close(v->lock_fd);
    v->lock_fd = -1;
}

/* ------------------------------------------------------------------- files ---- */

int vault_read(struct vault *v, const char *name, struct buf *out, struct buf *error)
{
    char path[PATH_MAX];
    int r = path_of(path, v, name);

    if (r < 0)
        return fail(error, v->folder, r);
    r = file_read(path, out);
    return r < 0 && r != -ENOENT ? fail(error, path, r) : r;
}

int vault_write(struct vault *v, const char *name, struct mw_span bytes, struct buf *error)
{
    char path[PATH_MAX];
    int r = path_of(path, v, name);

    if (r == 0)
        r = file_replace(path, bytes, 0600);
    return r < 0 ? fail(error, path, r) : 0;
}

int vault_read_cert(struct vault *v, const char *name, X509 **out, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(MAX_FILE);
    CLEANUP(own_bio) BIO *bio = NULL;
    int r = vault_read(v, name, &pem, error);

    *out = NULL;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio == NULL)
        return -ENOMEM;
    *out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    ERR_clear_error();
    if (*out != NULL)
        return 0;
    buf_printf(error, "%s/%s holds no certificate in PEM", v->folder, name);
    return -EINVAL;
}

int vault_write_cert(struct vault *v, const char *name, X509 *cert, struct buf *error)
{
    CLEANUP(own_bio) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n;

    if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1)
        return -ENOMEM;
    n = BIO_get_mem_data(bio, &text);
    return vault_write(v, name, span_of(text, (size_t)n), error);
}

int vault_read_key(struct vault *v, const char *name, EVP_PKEY **out, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(MAX_FILE);
    CLEANUP(own_bio) BIO *bio = NULL;
    char path[PATH_MAX];
    int r = path_of(path, v, name);

    *out = NULL;
    if (r < 0)
        return fail(error, v->folder, r);
    r = read_private(path, &pem, error);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (strstr((const char *)pem.data, "BEGIN ENCRYPTED PRIVATE KEY") == NULL) {
        buf_printf(error, "%s is no encrypted PKCS#8 key; plain keys are not used", path);
        return -EINVAL;
    }
    r = passphrase_need(v, false, error);
    if (r < 0)
        return r;
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio == NULL)
        return -ENOMEM;
    *out = PEM_read_bio_PrivateKey(bio, NULL, NULL, v->passphrase.data);
    ERR_clear_error();
    if (*out != NULL)
        return 0;
    buf_printf(error, "%s: the passphrase does not open it, or the file is damaged", path);
    return -EACCES;
}

/* PKCS#8 with PBES2: scrypt (RFC 7914 section 7) and AES-256-CBC. */
static X509_SIG *encrypt(const EVP_PKEY *key, struct mw_span passphrase)
{
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_ALGOR *how = NULL;
    X509_SIG *sealed = NULL;
    uint8_t salt[SALT];

    if (plain != NULL && RAND_bytes(salt, sizeof(salt)) == 1)
        how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), NULL, SCRYPT_N,
                                    SCRYPT_R, SCRYPT_P);
    if (how != NULL)
        sealed = PKCS8_set0_pbe((const char *)passphrase.data, (int)passphrase.len, plain, how);
    if (sealed == NULL)
        X509_ALGOR_free(how);   /* else it is sealed's */
    PKCS8_PRIV_KEY_INFO_free(plain);
    ERR_clear_error();
    return sealed;
}

int vault_write_key(struct vault *v, const char *name, EVP_PKEY *key, struct buf *error)
{
    CLEANUP(own_bio) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    X509_SIG *sealed;
    int r = passphrase_need(v, true, error);
    bool written;

    if (r < 0)
        return r;
    sealed = encrypt(key, buf_span(&v->passphrase));
    written = bio != NULL && sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed);
    if (!written)
        return -ENOMEM;
    r = (int)BIO_get_mem_data(bio, &text);
    return vault_write(v, name, span_of(text, (size_t)r), error);
}
