/* HPKE as the rest of the core uses it, by a few of RFC 9180's own vectors (the whole appendix A
 * is vectors_test's) and by what must fail. */
#include "meet/hpke/hpke.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

/* Base mode, sequence number 0, and the export with context "TestContext". */
static const struct vector {
    const char *section;
    struct hpke_suite suite;
    const char *ikm_e, *sk_r, *pk_r, *enc, *sealed, *exported;
} vectors[] = {
    { .section = "A.1.1",
      .suite = { 0x0020, 1, 1 },
      .ikm_e = "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
      .sk_r = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
      .pk_r = "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
      .enc = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
      .sealed = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea"
             "87e13c512a",
      .exported = "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931" },
    { .section = "A.3.1",
      .suite = { 0x0010, 1, 1 },
      .ikm_e = "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e",
      .sk_r = "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
      .pk_r = "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8"
             "a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
      .enc = "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4"
             "b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
      .sealed = "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab252"
             "3f39513434",
      .exported = "d8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a" },
    { .section = "A.6.1",
      .suite = { 0x0012, 3, 2 },
      .ikm_e = "7f06ab8215105fc46aceeb2e3dc5028b44364f960426eb0d8e4026c2f8b5d7e7a986688f1591abf5"
             "ab753c357a5d6f0440414b4ed4ede71317772ac98d9239f70904",
      .sk_r = "01462680369ae375e4b3791070a7458ed527842f6a98a79ff5e0d4cbde83c27196a3916956655523"
             "a6a2556a7af62c5cadabe2ef9da3760bb21e005202f7b2462847",
      .pk_r = "0401b45498c1714e2dce167d3caf162e45e0642afc7ed435df7902ccae0e84ba0f7d373f646b7738"
             "bbbdca11ed91bdeae3cdcba3301f2457be452f271fa6837580e661012af49583a62e48d44bed350c"
             "7118c0d8dc861c238c72a2bda17f64704f464b57338e7f40b60959480c0e58e6559b190d81663ed8"
             "16e523b6b6a418f66d2451ec64",
      .enc = "040138b385ca16bb0d5fa0c0665fbbd7e69e3ee29f63991d3e9b5fa740aab8900aaeed46ed73a490"
             "55758425a0ce36507c54b29cc5b85a5cee6bae0cf1c21f2731ece2013dc3fb7c8d21654bb161b463"
             "962ca19e8c654ff24c94dd2898de12051f1ed0692237fb02b2f8d1dc1c73e9b366b529eb436e98a9"
             "96ee522aef863dd5739d2f29b0",
      .sealed = "170f8beddfe949b75ef9c387e201baf4132fa7374593dfafa90768788b7b2b200aafcc6d80ea4c79"
             "5a7c5b841a",
      .exported = "f389beaac6fcf6c0d9376e20f97e364f0609a88f1bc76d7328e9104df8477013" },
};

#define INFO  SPAN_LIT("Ode on a Grecian Urn")
#define AAD   SPAN_LIT("Count-0")
#define PLAIN SPAN_LIT("Beauty is truth, truth beauty")
#define NONE  ((struct mw_span){ NULL, 0 })

enum { SEALED = 29 + CRYPT_TAG };

static struct mw_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    return mw_crypto_new(&crypto);
}

static int teardown(void **state)
{
    (void)state;
    mw_crypto_free(crypto);
    return 0;
}

/* "Random" bytes that are the vector's: an ephemeral pair is derived from them. */
static int given_fill(void *context, uint8_t *out, size_t len)
{
    const struct buf *given = context;

    assert_int_equal(len, given->len);
    memcpy(out, given->data, len);
    return 0;
}

struct unhexed {
    struct buf ikm_e, sk_r, pk_r, enc, sealed, exported;
};

static void unhex(struct buf *out, const char *hex)
{
    *out = (struct buf)BUF_INIT(256);
    assert_int_equal(text_unhex(out, span_str(hex)), 0);
}

static void unhexed_make(struct unhexed *u, const struct vector *v)
{
    unhex(&u->ikm_e, v->ikm_e);
    unhex(&u->sk_r, v->sk_r);
    unhex(&u->pk_r, v->pk_r);
    unhex(&u->enc, v->enc);
    unhex(&u->sealed, v->sealed);
    unhex(&u->exported, v->exported);
}

static void unhexed_free(struct unhexed *u)
{
    buf_deinit(&u->ikm_e);
    buf_deinit(&u->sk_r);
    buf_deinit(&u->pk_r);
    buf_deinit(&u->enc);
    buf_deinit(&u->sealed);
    buf_deinit(&u->exported);
}

static void try_vector(const struct vector *v)
{
    CLEANUP(unhexed_free) struct unhexed u;
    uint8_t enc[CRYPT_POINT_MAX], sealed[SEALED], out[32];
    struct mw_random given = { given_fill, &u.ikm_e };
    struct mw_span sk, pk;

    unhexed_make(&u, v);
    sk = buf_span(&u.sk_r);
    pk = buf_span(&u.pk_r);
    assert_int_equal(hpke_seal(crypto, v->suite, given, pk, INFO, AAD, PLAIN, enc, sealed), 0);
    assert_memory_equal(enc, u.enc.data, u.enc.len);
    assert_memory_equal(sealed, u.sealed.data, SEALED);
    assert_int_equal(hpke_open(crypto, v->suite, sk, pk, buf_span(&u.enc), INFO, AAD,
                               buf_span(&u.sealed), out), 0);
    assert_memory_equal(out, PLAIN.data, PLAIN.len);
    memset(out, 0, sizeof out);
    assert_int_equal(hpke_open(crypto, v->suite, sk, NONE, buf_span(&u.enc), INFO, AAD,
                               buf_span(&u.sealed), out), 0);
    assert_memory_equal(out, PLAIN.data, PLAIN.len);
    memset(enc, 0, sizeof enc);
    assert_int_equal(hpke_export_to(crypto, v->suite, given, pk, INFO, SPAN_LIT("TestContext"),
                                    enc, out, 32), 0);
    assert_memory_equal(enc, u.enc.data, u.enc.len);
    assert_memory_equal(out, u.exported.data, 32);
    memset(out, 0, sizeof out);
    assert_int_equal(hpke_export_from(crypto, v->suite, sk, NONE, buf_span(&u.enc), INFO,
                                      SPAN_LIT("TestContext"), out, 32), 0);
    assert_memory_equal(out, u.exported.data, 32);
}

static void vectors_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        try_vector(&vectors[i]);
}

static const uint16_t kems[] = { 0x10, 0x11, 0x12, 0x20, 0x21 };

static void every_suite_round_trips(void **state)
{
    struct mw_random system = mw_random_system();
    uint8_t sk[CRYPT_SCALAR_MAX], pk[CRYPT_POINT_MAX], enc[CRYPT_POINT_MAX], sealed[SEALED];
    uint8_t out[32], again[32];

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(kems); k++) {
        struct mw_span s, p, e;
        enum crypt_group g;

        assert_true(hpke_group(kems[k], &g));
        s = span_of(sk, crypt_scalar_size(g));
        p = span_of(pk, crypt_point_size(g));
        e = span_of(enc, crypt_point_size(g));
        assert_int_equal(hpke_pair_make(crypto, kems[k], system, sk, pk), 0);
        for (uint16_t kdf = 1; kdf <= 3; kdf++) {
            for (uint16_t aead = 1; aead <= 3; aead++) {
                struct hpke_suite suite = { kems[k], kdf, aead };

                assert_int_equal(hpke_seal(crypto, suite, system, p, INFO, AAD, PLAIN, enc,
                                           sealed), 0);
                assert_int_equal(hpke_open(crypto, suite, s, p, e, INFO, AAD,
                                           span_of(sealed, SEALED), out), 0);
                assert_memory_equal(out, PLAIN.data, PLAIN.len);
                assert_int_equal(hpke_export_to(crypto, suite, system, p, INFO, AAD, enc, out,
                                                32), 0);
                assert_int_equal(hpke_export_from(crypto, suite, s, p, e, INFO, AAD, again, 32),
                                 0);
                assert_memory_equal(out, again, 32);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(every_suite_round_trips),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
