/*
 * Writes the certificates of tests/bad_input_test.py into a folder: sound PEM that asks for too
 * much, and the root that vouches for all of it.
 * usage: bad_input_make FOLDER
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/mill.h"

enum { INTERMEDIATES = 100, NAMES = 10000, BIG_BYTES = 900 << 10 };

static struct mill_spec spec_of(const char *subject)
{
    return (struct mill_spec){
        .subject = subject,
        .not_before = { wall_now().s - 86400 },
        .not_after = { wall_now().s + 80 * 86400 },
    };
}

static int write_pem(const char *folder, const char *name, const struct buf *pem)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);

    if (n < 0 || (size_t)n >= sizeof path || buf_error(pem) != 0)
        return -1;
    return file_replace(path, buf_span(pem), 0644);
}

/* A leaf for bad.test with whatever `spec` has more. */
static int write_leaf(const char *folder, const char *name, const struct mill_spec *spec,
                      EVP_PKEY *key, const struct mill_cert *issuer)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(8 << 20);
    struct mill_cert *leaf = NULL;

    if (mill_issue(&leaf, spec, key, issuer) != 0)
        return -1;
    mill_cert_pem(leaf, &pem);
    mill_cert_free(leaf);
    return write_pem(folder, name, &pem);
}

static int write_names(const char *folder, EVP_PKEY *key, const struct mill_cert *root)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(8 << 20);
    struct mill_spec spec = spec_of("CN=bad.test");

    for (int i = 0; i < NAMES - 1; i++)
        buf_printf(&names, "DNS:n%d.bad.test,", i);
    buf_str(&names, "DNS:bad.test");
    if (buf_error(&names) != 0)
        return -1;
    spec.names = (const char *)names.data;
    return write_leaf(folder, "names.pem", &spec, key, root);
}

/* A certificate of nearly 1 MiB, by an extension that nobody knows. */
static int write_big(const char *folder, EVP_PKEY *key, const struct mill_cert *root)
{
    CLEANUP(buf_deinit) struct buf value = BUF_INIT(2 << 20);
    struct mill_spec spec = spec_of("CN=bad.test");
    struct mill_extension extension = { .oid = "1.3.6.1.4.1.99999.1" };

    buf_u8(&value, 0x04);
    buf_u8(&value, 0x83);
    buf_u24(&value, BIG_BYTES);
    buf_fill(&value, 'x', BIG_BYTES);
    extension.value = buf_span(&value);
    spec.names = "DNS:bad.test";
    spec.extra = &extension;
    spec.n_extra = 1;
    return buf_error(&value) == 0 ? write_leaf(folder, "big.pem", &spec, key, root) : -1;
}

static int write_long(const char *folder, EVP_PKEY *key, const struct mill_cert *root)
{
    CLEANUP(buf_deinit) struct buf chain = BUF_INIT(8 << 20);
    struct mill_cert *made[INTERMEDIATES + 1] = { NULL };
    const struct mill_cert *issuer = root;
    int rc = 0;

    for (int i = 0; i <= INTERMEDIATES && rc == 0; i++) {
        char subject[64];
        struct mill_spec spec;

        snprintf(subject, sizeof subject, "CN=CA %d", i);
        spec = spec_of(i == INTERMEDIATES ? "CN=bad.test" : subject);
        spec.ca = i < INTERMEDIATES;
        spec.names = spec.ca ? NULL : "DNS:bad.test";
        rc = mill_issue(&made[i], &spec, key, issuer);
        issuer = made[i];
    }
    for (int i = INTERMEDIATES; i >= 0 && rc == 0; i--)
        mill_cert_pem(made[i], &chain);
    for (int i = 0; i <= INTERMEDIATES; i++)
        mill_cert_free(made[i]);
    return rc == 0 ? write_pem(folder, "long.pem", &chain) : rc;
}

static int write_all(const char *folder, EVP_PKEY *key, const struct mill_cert *root)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 20);
    struct mill_spec good = spec_of("CN=bad.test");

    good.names = "DNS:bad.test";
    mill_cert_pem(root, &pem);
    if (write_pem(folder, "root.pem", &pem) != 0 ||
        write_leaf(folder, "good.pem", &good, key, root) != 0)
        return -1;
    if (write_names(folder, key, root) != 0 || write_big(folder, key, root) != 0)
        return -1;
    return write_long(folder, key, root);
}

int main(int argc, char **argv)
{
    struct mill_spec spec = spec_of("CN=Bad Input Root");
    struct mill_cert *root = NULL;
    EVP_PKEY *key = NULL;
    int rc = -1;

    spec.ca = true;
    if (argc == 2 && mill_key_new(&key, MILL_P256, false) == 0 &&
        mill_issue(&root, &spec, key, NULL) == 0)
        rc = write_all(argv[1], key, root);
    mill_cert_free(root);
    EVP_PKEY_free(key);
    if (rc != 0)
        fprintf(stderr, "bad_input_make: it did not work\n");
    return rc == 0 ? 0 : 1;
}
