#include "forge_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "folder.h"

/* One for the program, as cmocka's groups have no other place to keep it. */
static struct {
    char base[FOLDER_PATH], folder[FOLDER_PATH + 8];
    struct ca ca;
    struct mill_cert *authority;
} fixture;

struct mw_wall forge_now(void)
{
    return (struct mw_wall){ 1795262400 };
}

const char *forge_ca_folder(void)
{
    return fixture.folder;
}

struct ca *forge_ca(void)
{
    return &fixture.ca;
}

static int make(struct mw_wall ca_made)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1024);
    const struct ca_place place = { .folder = fixture.folder, .name = "gate.example" };
    EVP_PKEY *key = NULL;
    int r;

    folder_make(fixture.base);
    snprintf(fixture.folder, sizeof(fixture.folder), "%s/ca", fixture.base);
    r = ca_tend(&place, CA_KEEP, ca_made, &error);
    if (r == 0)
        r = ca_load(&fixture.ca, &place, &error);
    if (r == 0)
        r = mill_key_new(&key, MILL_P256, true);
    if (r == 0)
        r = mill_issue(&fixture.authority,
                       &(struct mill_spec){ .subject = "CN=Public Authority,O=Authority",
                                            .ca = true,
                                            .not_before = { forge_now().s - 900LL * FORGE_DAY },
                                            .not_after = { forge_now().s + 900LL * FORGE_DAY } },
                       key, NULL);
    EVP_PKEY_free(key);
    return r;
}

int forge_fixture_make(void **state)
{
    (void)state;
    return make((struct mw_wall){ forge_now().s - 60 });
}

int forge_fixture_make_today(void **state)
{
    (void)state;
    return make(wall_now());
}

int forge_fixture_remove(void **state)
{
    (void)state;
    ca_deinit(&fixture.ca);
    mill_cert_free(fixture.authority);
    folder_remove(fixture.base);
    return 0;
}

EVP_PKEY *forge_key(enum mill_key kind, struct buf *spki)
{
    EVP_PKEY *key = NULL;
    uint8_t *der = NULL;
    int n;

    assert_int_equal(mill_key_new(&key, kind, true), 0);
    n = i2d_PUBKEY(key, &der);
    assert_true(n > 0);
    buf_add(spki, span_of(der, (size_t)n));
    OPENSSL_free(der);
    return key;
}

struct mill_cert *forge_origin(struct mill_spec spec)
{
    struct mill_cert *cert = NULL;
    EVP_PKEY *key = NULL;

    if (spec.subject == NULL)
        spec.subject = "CN=www.shop.test,O=Shop Ltd,C=GB";
    if (spec.names == NULL)
        spec.names = "DNS:www.shop.test,DNS:shop.test";
    if (spec.not_before.s == 0)
        spec.not_before.s = forge_now().s - 30 * FORGE_DAY;
    if (spec.not_after.s == 0)
        spec.not_after.s = forge_now().s + 30 * FORGE_DAY;
    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    if (mill_issue(&cert, &spec, key, fixture.authority) != 0)
        fail_msg("cannot mint %s", spec.subject);
    EVP_PKEY_free(key);
    return cert;
}
