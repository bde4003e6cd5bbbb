/* The key schedule, from the known answers of the working group's vectors for suite 1
 * (key-schedule, psk_secret and transcript-hashes; all of them are run by midwatch-vectors), and
 * for every suite what must hold between two ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "keys_fixture.h"
#include "meet/wire/codec.h"

static void assert_bytes(struct mw_span got, const char *hex)
{
    struct mw_span want = fixture_hex(hex);

    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
}

static void assert_secret(const struct secret *got, const char *hex)
{
    assert_bytes(secret_span(got), hex);
}

static const char context_hex[] =
    "0001000120a897b53575b4dd35fed4466e4e714bfa949eaa72e616a9c68a47b39cb7a60d2e0000000000000000"
    "209769e302a99c457350a8e636009b12a2fee068664004606d6318eb3a1977d818205e57c9364dc71f0f71b19f"
    "fe561ab77257c490708a47e29f8f73f2b318201d2f00";

static void test_epoch(void **state)
{
    struct suited s = fixture_suite(1);
    struct secret init = fixture_secret_hex(
        "a897b53575b4dd35fed4466e4e714bfa949eaa72e616a9c68a47b39cb7a60d2e");
    struct secret commit = fixture_secret_hex(
        "a22606222e350fd7f0937168fe7548fb06626ab143cba7611d641693b1447509");
    struct secret psk = fixture_secret_hex(
        "e871b247379522395689182736cb3d1e7b108d6ae934b802223975de8dc3f80b");
    struct mw_span context = fixture_hex(context_hex);
    struct secret joiner, welcome;
    struct epoch_secrets e;

    (void)state;
    assert_int_equal(schedule_joiner(s, &init, &commit, context, &joiner), 0);
    assert_secret(&joiner, "4fb996ba26b29a70f3ce6c310151ce8701cb812d027f4d4bbf5cc4e9f884638d");
    assert_int_equal(schedule_welcome(s, &joiner, &psk, &welcome), 0);
    assert_secret(&welcome, "ddcd9ced2d264798f876cbd00a200cdc4d77311dfef96975257efb66b0ef2c4d");
    assert_int_equal(schedule_epoch(s, &joiner, &psk, context, &e), 0);
    assert_secret(&e.sender_data,
                  "9b3995e08589548b75e149190060cf35228df0eefe3527ea2fb39e49a84125b4");
    assert_secret(&e.encryption,
                  "01588615c93d02c83bda0b587473303b1637a92bf80783206d963f9197c40a13");
    assert_secret(&e.exporter, "5a097e149f2a375d0b9e1d1f4dc3a9c6c1788df888e5441f41a8791f4dc56cea");
    assert_secret(&e.external, "b5cb5666cfb9c501ed76715c6ed1cafbed5061cd6b86898ae5d3fd4cb05abb26");
    assert_secret(&e.confirmation_key,
                  "feabd690de3b4ce985a3dfad86a4c4e6a0be9b84e7cc764842784f2a6b938b75");
    assert_secret(&e.membership_key,
                  "970744ba7edd21700a3e106cb4e2b4c657cef6b41a1fe5b5a1418f86e76e037e");
    assert_secret(&e.resumption_psk,
                  "d78ca815e192823f5c7c94b0156bdc7af4791cfb3f240fff613c0c03c01dabd5");
    assert_secret(&e.authenticator,
                  "7375d449cde2c5a856c13c8eb52c16bf9ef29eceef59b09d1f946bd1bac24643");
    assert_secret(&e.init, "505be2ce2ff922aa11e0a03d76346dda2981f1d9edf5cf98ecfc8757f69b00c9");
    epoch_secrets_wipe(&e);
    for (size_t i = 0; i < sizeof e; i++)
        assert_int_equal(((const uint8_t *)&e)[i], 0);
}

static void test_exporter(void **state)
{
    struct suited s = fixture_suite(1);
    struct secret exporter = fixture_secret_hex(
        "5a097e149f2a375d0b9e1d1f4dc3a9c6c1788df888e5441f41a8791f4dc56cea");
    struct mw_span context = fixture_hex(
        "884f1af892ab002f5be4c5d5081ade9e0e6418c6ea7a9a92e90534f19dcef785");
    static const char label[] = "9ba13d54ecdec7cbefcb47b4268d7b1990fabc6d6e67681e167959389d84e4e4";
    uint8_t out[255 * 32 + 1];

    (void)state;
    assert_int_equal(schedule_export(s, &exporter, label, context, out, 32), 0);
    assert_bytes(span_of(out, 32),
                 "dbce4e25e59ab4dfa6f6200f113ed08393cf6e7286d024811141c6a4dd11c0cb");
    assert_int_equal(schedule_export(s, &exporter, label, context, out, 255 * 32), 0);
    assert_int_equal(schedule_export(s, &exporter, label, context, out, sizeof out),
                     CRYPT_E_LENGTH);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0);
    assert_int_equal(schedule_export(s, &exporter, "", span_str(""), out, 0), 0);
}

/* What a welcome's group info is encrypted with: ExpandWithLabel of "key" and "nonce". */
static void test_welcome_key(void **state)
{
    static const uint8_t zeros[CRYPT_KEY_MAX];
    uint8_t key[CRYPT_KEY_MAX], nonce[CRYPT_NONCE], want[CRYPT_KEY_MAX];

    (void)state;
    for (uint16_t i = 1; i <= 7; i++) {
        struct suited s = fixture_suite(i);
        struct secret welcome = fixture_secret(s, 3);

        memset(key, 0, sizeof key);
        assert_int_equal(schedule_welcome_key(s, &welcome, key, nonce), 0);
        assert_int_equal(label_expand(s, secret_span(&welcome), "key", span_str(""), want,
                                      s.suite->nk), 0);
        assert_memory_equal(key, want, s.suite->nk);
        assert_memory_equal(key + s.suite->nk, zeros, sizeof key - s.suite->nk);
        assert_int_equal(label_expand(s, secret_span(&welcome), "nonce", span_str(""), want,
                                      CRYPT_NONCE), 0);
        assert_memory_equal(nonce, want, CRYPT_NONCE);
    }
}

/* PreSharedKeyID: external, id, nonce. */
static const char *const psk_ids[] = {
    "01204e96d00ea2059b6c70d0e8777970e65677abee0c4b90e881c4cf7b4aaa8d918420"
    "924a5371246476aca6a92eec7d295af3c9ed3f905aaeb97dc4748ac4cdc889fd",
    "01208034d46a6150c7c4817f7584edf51006ec8432c55ae1de77d0ccd51c523ed97d20"
    "07ade6664316831d1ceddc1f7f8b26ff132f7130f4c6c6c51f07191d8f2a328e",
};
static const char *const psk_values[] = {
    "62e3157cbb3799d0f54fb873e7f7e46257a01e9e4297413e769c4f0afeb1a206",
    "27f5dd47bf87802cdfac24f1bfde71595a62ea8bc6a9ab335ba23c98d5fee267",
};

static void test_psk(void **state)
{
    struct suited s = fixture_suite(1);
    struct psk_input psks[2];
    struct secret out, zero, swapped;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        psks[i].id = fixture_hex(psk_ids[i]);
        psks[i].psk = fixture_hex(psk_values[i]);
    }
    assert_int_equal(schedule_psk(s, psks, 2, &out), 0);
    assert_secret(&out, "e582f70f0b6a48dc9a50583895bc90012147e59bf7ba90b29673075fdb646ff2");

    /* Order matters; none is all zeros, and so is the value for a commit without any. */
    assert_int_equal(schedule_psk(s, (struct psk_input[]){ psks[1], psks[0] }, 2, &swapped), 0);
    assert_memory_not_equal(swapped.bytes, out.bytes, 32);
    assert_int_equal(schedule_psk(s, NULL, 0, &out), 0);
    schedule_no_psk(s, &zero);
    assert_memory_equal(&out, &zero, sizeof out);
    assert_int_equal(zero.len, 32);
    assert_int_equal(schedule_psk(s, psks, UINT16_MAX + (size_t)1, &out), CRYPT_E_LENGTH);
    assert_int_equal(out.len, 0);
}

static void test_external(void **state)
{
    struct suited one = fixture_suite(1);
    struct secret external = fixture_secret_hex(
        "b5cb5666cfb9c501ed76715c6ed1cafbed5061cd6b86898ae5d3fd4cb05abb26");
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX], kem[CRYPT_POINT_MAX];
    struct secret sent, received, again;

    (void)state;
    assert_int_equal(schedule_external(one, &external, scalar, point), 0);
    assert_bytes(span_of(point, 32),
                 "640117516be304ac1160933c894a6df9290231f1843f3685c124fc42c785c02c");
    for (uint16_t i = 1; i <= 7; i++) {
        struct suited s = fixture_suite(i);
        struct mw_span to = span_of(point, s.suite->npk);

        external = fixture_secret(s, 9);
        assert_int_equal(schedule_external(s, &external, scalar, point), 0);
        assert_int_equal(schedule_init_send(s, mw_random_system(), to, kem, &sent), 0);
        assert_int_equal(schedule_init_receive(s, &external, span_of(kem, s.suite->npk),
                                               &received), 0);
        assert_int_equal(sent.len, s.suite->nh);
        assert_memory_equal(&sent, &received, sizeof sent);
        assert_int_equal(schedule_init_send(s, mw_random_system(), to, kem, &again), 0);
        assert_memory_not_equal(sent.bytes, again.bytes, s.suite->nh);
        /* A KEM output that is no point. */
        assert_int_equal(schedule_init_receive(s, &external, span_of(kem, s.suite->npk - 1u),
                                               &received), CRYPT_E_KEY);
        assert_int_equal(received.len, 0);
    }
}

static const char commit_hex[] =
    "00010567726f7570000000000000345601000000000003220220e740a6faf2db65f5853148d75d9a335d7c4b94"
    "ab106fe5f237bc34fdcfc745840040402280c921b6b2836ed4eca496dfa74a13c171f78b80822894032c4c03cc"
    "4fb9c24e505c0d0ba4e8edb63a3327442baa12555a57f28e4cfebb4f0c42997030e207203a1d8805d8390f441a"
    "622f81bcb7347be86db7cc491d0313163fa63c2f66aa92";

static void test_transcript(void **state)
{
    static const char confirmed_hex[] =
        "51a85b21149c86f3f8c2907017c449e96987242b7ba2be9db1ddd53fb2db0d1d";
    struct suited s = fixture_suite(1);
    struct secret key = fixture_secret_hex(
        "26ae359a9a9760cd1066cae16f1456ea7eaf52bd85d5dba5bb15cca04a90c83f");
    struct mw_span interim = fixture_hex(
        "2597552c42df799cd70e99c77c4f80e834a9418096a0b2c7bc66afbc48eebaa6");
    struct reader r = { .rest = fixture_hex(commit_hex) };
    uint8_t confirmed[32], out[32], bad[32];
    struct framed_content content;
    struct content_auth auth;
    uint16_t format = read_u16(&r);

    (void)state;
    framed_content_read(&content, &r);
    content_auth_read(&auth, content.content_type, &r);
    assert_true(read_done(&r));
    assert_int_equal(transcript_confirm(s, interim, format, &content, auth.signature, confirmed),
                     0);
    assert_bytes(span_of(confirmed, 32), confirmed_hex);
    /* The same from the fields, as for a commit that came encrypted. */
    content.wire = span_of(NULL, 0);
    assert_int_equal(transcript_confirm(s, interim, format, &content, auth.signature, out), 0);
    assert_bytes(span_of(out, 32), confirmed_hex);

    assert_int_equal(transcript_interim(s, span_of(confirmed, 32), auth.confirmation_tag, out),
                     0);
    assert_bytes(span_of(out, 32),
                 "193f9e11118fd08ff626069543b481ec5f04145680b612bb84d8962a2e609211");
    assert_int_equal(confirmation_tag(s, &key, span_of(confirmed, 32), out), 0);
    assert_memory_equal(out, auth.confirmation_tag.data, 32);
    assert_int_equal(confirmation_check(s, &key, span_of(confirmed, 32), auth.confirmation_tag),
                     0);
    for (size_t i = 0; i < 32; i++) {
        memcpy(bad, out, 32);
        bad[i] ^= 0x10;
        assert_int_equal(confirmation_check(s, &key, span_of(confirmed, 32), span_of(bad, 32)),
                         CRYPT_E_FORGED);
    }
    assert_int_equal(confirmation_check(s, &key, span_of(confirmed, 32), span_of(out, 31)),
                     CRYPT_E_FORGED);
    assert_int_equal(confirmation_check(s, &key, span_of(confirmed, 32), span_of(NULL, 0)),
                     CRYPT_E_FORGED);
}

static int close_all(void **state)
{
    (void)state;
    fixture_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epoch),    cmocka_unit_test(test_exporter),
        cmocka_unit_test(test_welcome_key), cmocka_unit_test(test_psk),
        cmocka_unit_test(test_external), cmocka_unit_test(test_transcript),
    };

    return cmocka_run_group_tests(tests, NULL, close_all);
}
