#include "gate/forge/keyholder.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/own.h"
#include "gate/forge/signer.h"

enum {
    DIGEST = 32,
    SIGNATURE_MAX = 80,         /* ECDSA on P-256, DER */
    STARTED_MAX = 512,          /* "" or why not */
    START_LIMIT_MS = 15000,     /* tokens on a bus are slow to open */
    INHERITED_MAX = 1024,
};

/* --------------------------------------------------------------- the child ---- */

static void close_inherited(int keep)
{
    for (int fd = 3; fd < INHERITED_MAX; fd++)
        if (fd != keep)
            close(fd);
}

static ssize_t digest_sign(EVP_PKEY *key, const uint8_t *digest, uint8_t *signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t len = SIGNATURE_MAX;
    bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
              EVP_PKEY_sign(ctx, signature, &len, digest, DIGEST) == 1 &&
              len <= SIGNATURE_MAX;     /* see signer.c */

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return ok ? (ssize_t)len : 0;
}

/* A digest in, a signature out; an empty one: the token refused.  Until the forge is gone. */
static void serve(int fd, EVP_PKEY *key)
{
    uint8_t digest[DIGEST], signature[SIGNATURE_MAX];
    ssize_t n;

    while ((n = recv(fd, digest, sizeof(digest), 0)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n != DIGEST)
            return;
        n = digest_sign(key, digest, signature);
        /* An empty packet would read as the end. */
        if (n == 0)
            signature[n++] = 0;
        if (send(fd, signature, (size_t)n, MSG_NOSIGNAL) < 0)
            return;
    }
}

static void child_main(int fd, const struct keyholder_place *place)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(STARTED_MAX - 1);
    EVP_PKEY *key = NULL;
    struct signer s = { .keyholder_fd = -1 };

    /* It ends when the forge does, not by what a terminal sends to all of them. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_inherited(fd);
    if (pkcs11_open(&key, place, &error) == 0 &&
        (signer_of_key(&s, key) < 0 || s.kind != SIGNER_P256))
        buf_printf(&error, "ca.pkcs11: %s is no P-256 key, which the gate needs", place->uri);
    buf_u8(&error, 0);
    if (send(fd, error.data, error.len, MSG_NOSIGNAL) > 0 && error.len == 1)
        serve(fd, key);
    /* Not exit(): what the forge has registered to happen at its end is not ours. */
    _exit(0);
}

/* -------------------------------------------------------------- the parent ---- */

/* One packet within the time; its length, 0: the other end is gone, or -errno. */
static ssize_t receive(int fd, void *to, size_t room, int limit_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    ssize_t n;

    do
        n = poll(&p, 1, limit_ms);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return -ETIMEDOUT;
    n = recv(fd, to, room, MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

int keyholder_start(int *fd, const struct keyholder_place *place, struct buf *error)
{
    CLEANUP(own_close) int mine = -1;
    char started[STARTED_MAX];
    int pair[2];
    ssize_t n;
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    mine = pair[0];
    child = fork();
    if (child == 0)
        child_main(pair[1], place);
    close(pair[1]);
    if (child < 0) {
        buf_str(error, "ca.pkcs11: no process for the token can be started");
        return -EAGAIN;
    }
    n = receive(mine, started, sizeof(started), START_LIMIT_MS);
    if (n <= 0) {
        buf_str(error, "ca.pkcs11: the token's module does not answer");
        return -EIO;
    }
    if (n > 1) {
        started[n - 1] = '\0';
        buf_str(error, started);
        return -EIO;
    }
    *fd = own_steal_fd(&mine);
    return 0;
}

int keyholder_sign(int fd, const uint8_t digest[32], struct buf *out)
{
    uint8_t signature[SIGNATURE_MAX + 1];
    ssize_t n;

    if (send(fd, digest, DIGEST, MSG_NOSIGNAL | MSG_DONTWAIT) != DIGEST)
        return -EIO;
    n = receive(fd, signature, sizeof(signature), KEYHOLDER_LIMIT_MS);
    if (n <= 1) {
        log_error("forge: the token does not sign");
        return -EIO;
    }
    buf_add(out, span_of(signature, (size_t)n));
    return buf_error(out);
}
