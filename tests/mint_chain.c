/*
 * Mints an ordinary chain for tests of whole programs: FOLDER/chain.pem (leaf, intermediate) for
 * site.lab.test, FOLDER/roots.pem, valid for a month around now.  usage: mint_chain FOLDER
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "lab/mill.h"

struct chain {
    EVP_PKEY *keys[3];
    struct mill_cert *root, *issuer, *leaf;
};

static int mint(struct chain *c)
{
    int64_t now = wall_now().s;
    struct mill_spec root = { .subject = "CN=Test Root,O=Lab", .ca = true,
                              .not_before = { now - 3000 * 86400LL },
                              .not_after = { now + 3000 * 86400LL } };
    struct mill_spec issuer = { .subject = "CN=Test Issuer,O=Lab", .ca = true, .path_len = 1,
                                .not_before = { now - 1000 * 86400LL },
                                .not_after = { now + 1000 * 86400LL } };
    struct mill_spec leaf = { .subject = "CN=site.lab.test",
                              .names = "DNS:site.lab.test",
                              .not_before = { now - 10 * 86400LL },
                              .not_after = { now + 20 * 86400LL } };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(c->keys); i++)
        r = mill_key_new(&c->keys[i], MILL_P256, true);
    if (r == 0)
        r = mill_issue(&c->root, &root, c->keys[0], NULL);
    if (r == 0)
        r = mill_issue(&c->issuer, &issuer, c->keys[1], c->root);
    if (r == 0)
        r = mill_issue(&c->leaf, &leaf, c->keys[2], c->issuer);
    return r;
}

static int save(const char *folder, const char *name, const struct buf *pem)
{
    char path[4096];

    if (buf_error(pem) < 0)
        return buf_error(pem);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return file_replace(path, buf_span(pem), 0644);
}

int main(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf sent = BUF_INIT(1 << 16), roots = BUF_INIT(1 << 16);
    struct chain c = { 0 };
    int r = argc == 2 ? mint(&c) : -1;

    if (r == 0) {
        mill_cert_pem(c.leaf, &sent);
        mill_cert_pem(c.issuer, &sent);
        mill_cert_pem(c.root, &roots);
        r = save(argv[1], "chain.pem", &sent);
    }
    if (r == 0)
        r = save(argv[1], "roots.pem", &roots);
    mill_cert_free(c.leaf);
    mill_cert_free(c.issuer);
    mill_cert_free(c.root);
    for (size_t i = 0; i < ARRAY_LEN(c.keys); i++)
        EVP_PKEY_free(c.keys[i]);
    if (r != 0)
        fprintf(stderr, "mint_chain: %d\n", r);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
