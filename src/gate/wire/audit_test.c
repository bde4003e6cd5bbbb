/* A record crosses the channel whole, bounded and safe; no field is forgotten. */
#include "gate/wire/audit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/file.h"
#include "gate/wire/audit_fields.h"
#include "gate/wire/channel.h"

enum { RECORD_MAX = 64 * 1024 };

/* Every field its own value, other than zero. */
static void fill(struct audit_record *r, char texts[][32], size_t room)
{
    size_t n, used = 0;
    const struct audit_field *fields = audit_fields(&n);

    memset(r, 0, sizeof(*r));
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = (uint8_t *)r + fields[i].offset;
        const char *text;
        struct addr a = addr_make(i % 2 ? AF_INET : AF_INET6, "\xc0\0\2\7" "123456789abc",
                                  (uint16_t)(1000 + i));

        switch (fields[i].type) {
        case AUDIT_TEXT:
            assert_true(used < room);
            snprintf(texts[used], sizeof(texts[used]), "text %zu", i);
            text = texts[used++];
            memcpy(at, &text, sizeof(text));
            break;
        case AUDIT_ADDR:
            memcpy(at, &a, sizeof(a));
            break;
        case AUDIT_ENUM:
        case AUDIT_BOOL:
            at[0] = 1;
            if (fields[i].type == AUDIT_ENUM)
                memcpy(at, &(unsigned){ 1 }, sizeof(unsigned));
            break;
        default:
            for (size_t k = 0; k < fields[i].size; k++)
                at[k] = (uint8_t)(i + 1 + k);
        }
    }
}

static void assert_field_equal(const struct audit_field *f, const struct audit_record *a,
                               const struct audit_record *b)
{
    const uint8_t *x = (const uint8_t *)a + f->offset, *y = (const uint8_t *)b + f->offset;
    const char *s, *t;

    if (f->type == AUDIT_TEXT) {
        memcpy(&s, x, sizeof(s));
        memcpy(&t, y, sizeof(t));
        assert_string_equal(s, t);
    } else if (f->type == AUDIT_ADDR) {
        assert_true(addr_eq((const void *)x, (const void *)y));
        assert_int_equal(addr_port((const void *)x), addr_port((const void *)y));
    } else if (memcmp(x, y, f->size) != 0) {
        fail_msg("%s is another after the way over", f->name);
    }
}

static void test_every_field_comes_over(void **state)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(RECORD_MAX), again = BUF_INIT(RECORD_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORD_MAX);
    struct audit_record sent, got;
    char texts[64][32];
    size_t n;
    const struct audit_field *fields = audit_fields(&n);

    (void)state;
    fill(&sent, texts, ARRAY_LEN(texts));
    audit_write(&wire, &sent);
    assert_int_equal(buf_error(&wire), 0);
    assert_int_equal(wire.data[0], GATE_AUDIT);
    assert_int_equal(audit_read(&got, buf_span(&wire), &arena), 0);
    for (size_t i = 0; i < n; i++)
        assert_field_equal(&fields[i], &sent, &got);
    audit_write(&again, &got);
    assert_true(span_eq(buf_span(&wire), buf_span(&again)));
}

/* The names that stand between the braces of `struct NAME {`. */
static size_t names_in_struct(const char *header, const char *name, char names[][32], size_t room)
{
    char open[64];
    const char *p, *end;
    size_t n = 0;

    snprintf(open, sizeof(open), "struct %s {", name);
    p = strstr(header, open);
    assert_non_null(p);
    p += strlen(open);
    end = strstr(p, "\n};");
    assert_non_null(end);
    while (p < end) {
        size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz_0123456789");

        if (strncmp(p, "/*", 2) == 0) {
            p = strstr(p, "*/") + 2;
        } else if (len > 0) {
            if (strchr(",;[", p[len]) != NULL && p[-1] != '[') {
                assert_true(n < room && len < 32);
                snprintf(names[n++], 32, "%.*s", (int)len, p);
            }
            p += len;
        } else {
            p++;
        }
    }
    return n;
}

static bool is_field(const char *prefix, const char *name)
{
    size_t n;
    const struct audit_field *fields = audit_fields(&n);
    char whole[80];

    snprintf(whole, sizeof(whole), "%s%s", prefix, name);
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, whole) == 0)
            return true;
    return false;
}

/* The header itself is read: a field added there and not to the table is found by its name. */
static void test_no_field_is_forgotten(void **state)
{
    CLEANUP(buf_deinit) struct buf header = BUF_INIT(1 << 20);
    char names[64][32];
    size_t n, legs = 0;

    (void)state;
    assert_int_equal(file_read("src/gate/wire/audit.h", &header), 0);
    n = names_in_struct((const char *)header.data, "audit_record", names, ARRAY_LEN(names));
    assert_true(n > 35);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], "client_leg") == 0 || strcmp(names[i], "server_leg") == 0)
            legs++;
        else if (!is_field("", names[i]))
            fail_msg("%s is not sent", names[i]);
    }
    assert_int_equal(legs, 2);
    n = names_in_struct((const char *)header.data, "audit_leg", names, ARRAY_LEN(names));
    assert_int_equal(n, 10);
    for (size_t i = 0; i < n; i++)
        if (!is_field("client_leg.", names[i]) || !is_field("server_leg.", names[i]))
            fail_msg("%s of a leg is not sent", names[i]);
}

static void test_texts_are_bounded_and_safe(void **state)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(RECORD_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORD_MAX);
    char longer[5000];
    struct audit_record got, r = { .sni = "a\nb\"\x1b[2J\xff", .host = longer, .user = NULL };

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    audit_write(&wire, &r);
    assert_int_equal(audit_read(&got, buf_span(&wire), &arena), 0);
    assert_string_equal(got.sni, "a\\x0ab\"\\x1b[2J\\xff");
    assert_int_equal(strlen(got.host), 256 + strlen("…"));
    assert_string_equal(got.user, "");
    assert_int_equal(got.client.len, 0);
}

/* A worker that was taken over may send anything: what is read is as bounded as what is sent. */
static void test_a_forged_text_is_made_safe(void **state)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(RECORD_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORD_MAX);
    struct audit_record got, r = { .what = "MARK-MARK" };
    size_t at = 0;

    (void)state;
    audit_write(&wire, &r);
    while (at + 9 < wire.len && memcmp(wire.data + at, "MARK-MARK", 9) != 0)
        at++;
    assert_true(at + 9 < wire.len);
    memcpy(wire.data + at, "A\0\n\x80\x1b.AAA", 9);
    assert_int_equal(audit_read(&got, buf_span(&wire), &arena), 0);
    assert_string_equal(got.what, "A\\x00\\x0a\\x80\\x1b.AAA");
}

static void test_what_is_no_record_is_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(RECORD_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORD_MAX);
    struct audit_record got, sent;
    char texts[64][32];

    (void)state;
    fill(&sent, texts, ARRAY_LEN(texts));
    audit_write(&wire, &sent);
    for (size_t i = 0; i < wire.len; i++)
        assert_int_equal(audit_read(&got, span_cut(buf_span(&wire), 0, i), &arena), -EINVAL);
    buf_u8(&wire, 0);
    assert_int_equal(audit_read(&got, buf_span(&wire), &arena), -EINVAL);
    wire.data[1]++; /* the format */
    assert_int_equal(audit_read(&got, span_cut(buf_span(&wire), 0, wire.len - 1), &arena),
                     -EINVAL);
    wire.data[1]--;
    wire.data[5] = 9; /* the kind, no such */
    assert_int_equal(audit_read(&got, span_cut(buf_span(&wire), 0, wire.len - 1), &arena),
                     -EINVAL);
}

static void test_the_state_comes_over(void **state)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(RECORD_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORD_MAX);
    struct audit_state got, sent = { .failing = true, .why = "no space left\n" };

    (void)state;
    audit_state_write(&wire, &sent);
    assert_int_equal(audit_state_read(&got, buf_span(&wire), &arena), 0);
    assert_true(got.failing);
    assert_string_equal(got.why, "no space left\\x0a");
    for (size_t i = 0; i < wire.len; i++)
        assert_int_equal(audit_state_read(&got, span_cut(buf_span(&wire), 0, i), &arena),
                         -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_comes_over),
        cmocka_unit_test(test_no_field_is_forgotten),
        cmocka_unit_test(test_texts_are_bounded_and_safe),
        cmocka_unit_test(test_a_forged_text_is_made_safe),
        cmocka_unit_test(test_what_is_no_record_is_refused),
        cmocka_unit_test(test_the_state_comes_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
