/* What workers and the scribe tell each other about clients, written and read back. */
#include "gate/wire/learn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/wire/channel.h"

enum { ROOM = 1 << 20 };

static const struct learn_evidence some_evidence = {
    .sign = LEARN_CLOSED_UNUSED,
    .alert = 48,
    .client = "2001:db8::7",
    .ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1",
    .host = "pinned.example.com",
    .port = 8443,
    .untrusted_leaf = true,
    .at = { 1795300000 },
};

static const struct gate_consent some_consent = {
    .client = "192.0.2.7",
    .host = "old.example.com",
    .port = 443,
    .key = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    .findings = "expired,name-mismatch",
    .until = { 1795390000 },
};

static void evidence_comes_back(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    struct learn_evidence e = { 0 };

    (void)state;
    learn_write(&b, &some_evidence);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.data[0], GATE_LEARN);
    assert_int_equal(learn_read(&e, buf_span(&b), &arena), 0);
    assert_int_equal(e.sign, some_evidence.sign);
    assert_int_equal(e.alert, 48);
    assert_string_equal(e.client, some_evidence.client);
    assert_string_equal(e.ja4, some_evidence.ja4);
    assert_string_equal(e.host, some_evidence.host);
    assert_int_equal(e.port, 8443);
    assert_true(e.untrusted_leaf);
    assert_int_equal(e.at.s, 1795300000);
}

static void what_is_missing_is_empty(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    const struct learn_evidence none = { .sign = LEARN_USED };
    struct learn_evidence e;

    (void)state;
    learn_write(&b, &none);
    assert_int_equal(learn_read(&e, buf_span(&b), &arena), 0);
    assert_string_equal(e.client, "");
    assert_string_equal(e.ja4, "");
    assert_string_equal(e.host, "");
}

static void learned_come_back(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    const struct gate_learned some[] = {
        { "pin-1", "a.example.com", "t13d_a_b", NULL, { 7 } },
        { "pin-2", "b.example.com", NULL, "192.0.2.9", { 8 } },
    };
    struct gate_learned *items = NULL;
    size_t n = 99;

    (void)state;
    learned_write(&b, some, ARRAY_LEN(some));
    assert_int_equal(learned_read(&items, &n, buf_span(&b), &arena), 0);
    assert_int_equal(n, 2);
    assert_string_equal(items[0].id, "pin-1");
    assert_string_equal(items[0].ja4, "t13d_a_b");
    assert_null(items[0].client);
    assert_null(items[1].ja4);
    assert_string_equal(items[1].client, "192.0.2.9");
    assert_string_equal(items[1].host, "b.example.com");
    assert_int_equal(items[1].until.s, 8);

    buf_truncate(&b, 0);
    learned_write(&b, NULL, 0);
    assert_int_equal(learned_read(&items, &n, buf_span(&b), &arena), 0);
    assert_int_equal(n, 0);
}

static void consents_come_back(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    struct gate_consent one, *items = NULL;
    size_t n = 0;

    (void)state;
    consent_write(&b, &some_consent);
    assert_int_equal(b.data[0], GATE_CONSENT);
    assert_int_equal(b.len, 1 + consent_bytes(&some_consent));
    assert_int_equal(consent_read(&one, buf_span(&b), &arena), 0);
    buf_truncate(&b, 0);
    consents_write(&b, (const struct gate_consent[]){ one, some_consent }, 2);
    assert_int_equal(consents_read(&items, &n, buf_span(&b), &arena), 0);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(items[i].client, some_consent.client);
        assert_string_equal(items[i].host, some_consent.host);
        assert_int_equal(items[i].port, 443);
        assert_string_equal(items[i].key, some_consent.key);
        assert_string_equal(items[i].findings, some_consent.findings);
        assert_int_equal(items[i].until.s, some_consent.until.s);
    }
}

/* Every message cut short, or with a byte too many, is refused and leaves the result alone. */
static void cut_messages_are_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    const struct gate_learned learned = { "pin-1", "a.test", "j", "192.0.2.9", { 7 } };
    struct learn_evidence e = { .port = 1 };
    struct gate_learned *items = NULL;
    size_t n = 0, all;

    (void)state;
    learn_write(&b, &some_evidence);
    for (size_t len = 0; len < b.len; len++)
        assert_int_equal(learn_read(&e, span_of(b.data, len), &arena), -EINVAL);
    assert_int_equal(e.port, 1);
    buf_u8(&b, 0);
    assert_int_equal(learn_read(&e, buf_span(&b), &arena), -EINVAL);

    buf_truncate(&b, 0);
    learned_write(&b, &learned, 1);
    all = b.len;
    for (size_t len = 0; len < all; len++)
        assert_int_equal(learned_read(&items, &n, span_of(b.data, len), &arena), -EINVAL);
    assert_null(items);
    b.data[0] = GATE_CONSENTS;
    assert_int_equal(learned_read(&items, &n, buf_span(&b), &arena), -EINVAL);
}

static void an_exception_for_every_host_is_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    const struct gate_learned everywhere = { "pin-1", "", NULL, NULL, { 7 } };
    struct gate_consent anybody = some_consent;
    struct gate_learned *items;
    size_t n;

    (void)state;
    learned_write(&b, &everywhere, 1);
    assert_int_equal(learned_read(&items, &n, buf_span(&b), &arena), -EINVAL);
    buf_truncate(&b, 0);
    anybody.client = NULL;
    consent_write(&b, &anybody);
    assert_int_equal(consent_read(&anybody, buf_span(&b), &arena), -EINVAL);
}

/* Neither side lets through what could not be shown: escapes, line ends, foreign bytes. */
static void only_plain_text_passes(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    static const char *const odd[] = { "a b", "a\n", "\x1b[2J", "\xc3\xa9.test", "a\x7f" };
    struct learn_evidence e = some_evidence, got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);

        e.host = odd[i];
        learn_write(&b, &e);
        assert_int_equal(buf_error(&b), -EMSGSIZE);
    }
    for (unsigned c = 0; c < 256; c++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
        bool plain = c > 0x20 && c < 0x7f;

        learn_write(&b, &some_evidence);
        assert_int_equal(b.data[5], '2');       /* the first of the client's address */
        b.data[5] = (uint8_t)c;
        assert_int_equal(learn_read(&got, buf_span(&b), &arena), plain ? 0 : -EINVAL);
    }
}

static void bounds_hold(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM), small = ARENA_INIT(16);
    struct gate_learned *items = calloc(LEARN_MAX_LEARNED + 1, sizeof *items), *read;
    char id[LEARN_MAX_ID + 1], host[LEARN_MAX_HOST + 1], ja4[LEARN_MAX_JA4 + 1];
    char client[LEARN_MAX_CLIENT + 1];
    struct learn_evidence e = some_evidence;
    size_t n;

    (void)state;
    assert_non_null(items);
    memset(id, 'i', sizeof id), id[sizeof id - 1] = '\0';
    memset(host, 'h', sizeof host), host[sizeof host - 1] = '\0';
    memset(ja4, 'j', sizeof ja4), ja4[sizeof ja4 - 1] = '\0';
    memset(client, 'c', sizeof client), client[sizeof client - 1] = '\0';
    for (size_t i = 0; i <= LEARN_MAX_LEARNED; i++)
        items[i] = (struct gate_learned){ id, host, ja4, client, { LEARN_LATEST_S } };
    learned_write(&b, items, LEARN_MAX_LEARNED);
    assert_int_equal(buf_error(&b), 0);
    assert_true(b.len <= CHANNEL_MAX_MESSAGE);
    assert_int_equal(learned_read(&read, &n, buf_span(&b), &arena), 0);
    assert_int_equal(n, LEARN_MAX_LEARNED);
    assert_int_equal(learned_read(&read, &n, buf_span(&b), &small), -ENOMEM);
    learned_write(&b, items, LEARN_MAX_LEARNED + 1);
    assert_int_equal(buf_error(&b), -EMSGSIZE);
    free(items);

    buf_deinit(&b);
    b = (struct buf)BUF_INIT(ROOM);
    e.at.s = -1;
    learn_write(&b, &e);
    assert_int_equal(buf_error(&b), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_comes_back),
        cmocka_unit_test(what_is_missing_is_empty),
        cmocka_unit_test(learned_come_back),
        cmocka_unit_test(consents_come_back),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(an_exception_for_every_host_is_refused),
        cmocka_unit_test(only_plain_text_passes),
        cmocka_unit_test(bounds_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
