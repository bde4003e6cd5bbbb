/* Whatever is changed, dropped, moved, inserted or cut off in what was signed: verify finds it, and
 * still does after the gate has gone on writing. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "log_fixture.h"

enum { ROUNDS = 210, FILES_MAX = 16, TEXT_MAX = 1 << 20 };

static uint64_t dice_state;

static uint64_t dice(uint64_t below)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return dice_state % below;
}

/* The log as it was, in memory. */
struct saved {
    char names[FILES_MAX][LOG_NAME];
    struct buf text[FILES_MAX];
    size_t n;
    size_t signed_len[FILES_MAX];       /* up to the end of the last signed line */
};

static size_t signed_length(struct mw_span text)
{
    struct mw_span rest = text, line;
    struct line_link link;
    size_t end = 0;

    while (span_line(&rest, &line))
        if (line_read(&link, line) == 0 && link.is_signed)
            end = text.len - rest.len;
    return end;
}

static void save(struct fixture *f, struct saved *s)
{
    CLEANUP(folder_deinit) struct folder list = fixture_files(f);

    assert_true(list.n + 1 <= FILES_MAX);
    for (size_t i = 0; i <= list.n; i++) {
        snprintf(s->names[i], LOG_NAME, "%s", i < list.n ? list.files[i].name : "head");
        s->text[i] = (struct buf)BUF_INIT(TEXT_MAX);
        fixture_read(f, s->names[i], &s->text[i]);
        s->signed_len[i] = i < list.n ? signed_length(buf_span(&s->text[i])) : s->text[i].len;
    }
    s->n = list.n;
}

static void restore(struct fixture *f, const struct saved *s)
{
    CLEANUP(folder_deinit) struct folder list = fixture_files(f);
    char path[200];

    for (size_t i = 0; i < list.n; i++) {
        snprintf(path, sizeof(path), "%s/%s", f->audit, list.files[i].name);
        unlink(path);
    }
    for (size_t i = 0; i <= s->n; i++)
        fixture_write(f, s->names[i], buf_span(&s->text[i]));
}

static void saved_free(struct saved *s)
{
    for (size_t i = 0; i <= s->n; i++)
        buf_deinit(&s->text[i]);
}

/* ------------------------------------------------------------------------------ lines ---- */

struct lines {
    struct mw_span at[2000];    /* newline included */
    size_t n;
    size_t n_signed;            /* up to the last signed one */
};

static struct lines *split(const struct buf *text, size_t signed_len)
{
    struct lines *l = calloc(1, sizeof(*l));
    size_t from = 0;

    assert_non_null(l);
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] != '\n')
            continue;
        assert_true(l->n < ARRAY_LEN(l->at));
        l->at[l->n++] = span_of(text->data + from, i + 1 - from);
        from = i + 1;
        if (from <= signed_len)
            l->n_signed = l->n;
    }
    return l;
}

static void write_lines(struct fixture *f, const char *name, const struct lines *l)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(2 * TEXT_MAX);

    for (size_t i = 0; i < l->n; i++)
        buf_add(&out, l->at[i]);
    assert_int_equal(buf_error(&out), 0);
    fixture_write(f, name, buf_span(&out));
}

/* ------------------------------------------------------------------------- tamperings ---- */

static void flip_a_byte(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX);

    (void)l;
    buf_add(&text, buf_span(&s->text[i]));
    text.data[dice(s->signed_len[i])] ^= (uint8_t)(1 + dice(255));
    fixture_write(f, s->names[i], buf_span(&text));
}

static void drop_a_line(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    size_t at = dice(l->n_signed);

    memmove(l->at + at, l->at + at + 1, (l->n - at - 1) * sizeof(l->at[0]));
    l->n--;
    write_lines(f, s->names[i], l);
}

static void swap_lines(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    size_t a = dice(l->n_signed - 1), b = a + 1 + dice(l->n_signed - 1 - a);
    struct mw_span keep = l->at[a];

    l->at[a] = l->at[b];
    l->at[b] = keep;
    write_lines(f, s->names[i], l);
}

static void repeat_a_line(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    size_t from = dice(l->n_signed), to = dice(l->n_signed);
    struct mw_span line = l->at[from];

    memmove(l->at + to + 1, l->at + to, (l->n - to) * sizeof(l->at[0]));
    l->at[to] = line;
    l->n++;
    write_lines(f, s->names[i], l);
}

static void insert_a_line(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    static const char *const invented[] = {
        "{\"midwatch\":{\"outcome\":\"completed\"}}\n", "hello\n", "\n", "{\n", "}\n",
    };
    size_t to = dice(l->n_signed);

    memmove(l->at + to + 1, l->at + to, (l->n - to) * sizeof(l->at[0]));
    l->at[to] = span_str(invented[dice(ARRAY_LEN(invented))]);
    l->n++;
    write_lines(f, s->names[i], l);
}

static void borrow_a_line(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    size_t other = (i + 1 + dice(s->n - 1)) % s->n;
    struct lines *from = split(&s->text[other], s->signed_len[other]);
    size_t at = dice(l->n_signed);

    l->at[at] = from->at[at < from->n ? at : dice(from->n)];
    write_lines(f, s->names[i], l);
    free(from);
}

static void cut_the_end(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    (void)l;
    fixture_write(f, s->names[i], span_cut(buf_span(&s->text[i]), 0, dice(s->signed_len[i] - 1)));
}

static void cut_whole_lines(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    l->n = dice(l->n_signed);
    write_lines(f, s->names[i], l);
}

static void remove_the_file(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    char path[200];

    (void)l;
    snprintf(path, sizeof(path), "%s/%s", f->audit, s->names[i]);
    assert_int_equal(unlink(path), 0);
}

static void swap_two_files(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    size_t other = (i + 1) % s->n;

    (void)l;
    fixture_write(f, s->names[i], buf_span(&s->text[other]));
    fixture_write(f, s->names[other], buf_span(&s->text[i]));
}

/* The text of a line changed, and every hash from there on made anew: what somebody can do who
 * knows the format and has not the key. */
static void chain_anew(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(2 * TEXT_MAX);
    size_t at = dice(l->n_signed - 1);
    uint8_t prev[LINE_HASH] = { 0 };
    uint64_t seq = 0;

    for (size_t k = 0; k < l->n; k++) {
        CLEANUP(buf_deinit) struct buf body = BUF_INIT(LOG_LINE_MAX);
        struct line_link link;
        struct mw_span line = span_cut(l->at[k], 0, l->at[k].len - 1);
        size_t chain = line.len;

        assert_int_equal(line_read(&link, line), 0);
        if (k < at || link.is_signed) { /* signed ones are kept: they cannot be made */
            buf_add(&out, l->at[k]);
            memcpy(prev, link.hash, LINE_HASH);
            seq = link.seq;
            continue;
        }
        while (chain > 0 && strncmp((const char *)line.data + chain - 1, ",\"chain\":", 9) != 0)
            chain--;
        buf_add(&body, span_cut(line, 0, chain - 1));
        if (k == at)
            body.data[body.len - 30] = 'X'; /* within "record" or before: a text */
        link.seq = seq + 1;
        memcpy(link.prev, prev, LINE_HASH);
        assert_int_equal(line_seal(&body, &link, SPAN_LIT("}}"), NULL, ""), 0);
        buf_add(&out, buf_span(&body));
        memcpy(prev, link.hash, LINE_HASH);
        seq = link.seq;
    }
    if (span_eq(buf_span(&out), buf_span(&s->text[i]))) /* it hit a signed line */
        drop_a_line(f, s, i, l);
    else
        fixture_write(f, s->names[i], buf_span(&out));
}

static void change_the_head(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    (void)i;
    (void)l;
    flip_a_byte(f, s, s->n, NULL);
}

static void remove_the_head(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    (void)i;
    (void)l;
    remove_the_file(f, s, s->n, NULL);
}

static void remove_everything(struct fixture *f, const struct saved *s, size_t i, struct lines *l)
{
    (void)l;
    for (i = 0; i <= s->n; i++)
        remove_the_file(f, s, i, NULL);
}

static const struct {
    const char *name;
    void (*run)(struct fixture *f, const struct saved *s, size_t i, struct lines *l);
} tamperings[] = {
    { "a byte", flip_a_byte },
    { "a line dropped", drop_a_line },
    { "two lines swapped", swap_lines },
    { "a line repeated", repeat_a_line },
    { "a line inserted", insert_a_line },
    { "a line of another file", borrow_a_line },
    { "the end cut off", cut_the_end },
    { "whole lines cut off", cut_whole_lines },
    { "a file removed", remove_the_file },
    { "two files swapped", swap_two_files },
    { "chained anew", chain_anew },
    { "the head changed", change_the_head },
    { "the head removed", remove_the_head },
    { "everything removed", remove_everything },
};

/* Several files, the last one open, as a killed gate leaves it; each ends with a signed line. */
static void make_log(struct fixture *f)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct audit_log *l;

        f->config.audit.rotate_bytes = 12000;
        l = fixture_open(f);
        for (uint64_t i = 1; i <= 40; i++) {
            fixture_add(f, l, 1, i);
            f->now.s += 3;
            assert_int_equal(audit_log_tick(l, f->now), 0);
        }
        f->now.s += 10;
        assert_int_equal(audit_log_tick(l, f->now), 0);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void write_on(struct fixture *f)
{
    struct audit_log *l = fixture_open(f);

    fixture_add(f, l, 9, 1);
    assert_int_equal(audit_log_tick(l, f->now), 0);
    audit_log_close(l);
}

static void test_every_tampering_is_found(void **state)
{
    struct fixture *f = *state;
    const char *given = getenv("MW_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) + getpid();
    unsigned found[ARRAY_LEN(tamperings)] = { 0 };
    struct saved s;

    dice_state = seed * 2654435761u + 88172645463325252ULL;
    printf("seed %" PRIu64 " (MW_SEED)\n", seed);
    make_log(f);
    fixture_assert_whole(f);
    save(f, &s);
    assert_in_range(s.n, 4, FILES_MAX - 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t kind = round % ARRAY_LEN(tamperings), i = dice(s.n);
        struct lines *l = split(&s.text[i], s.signed_len[i]);
        char why[300];

        while (l->n_signed < 3) { /* the last file may have only begun */
            free(l);
            i = dice(s.n);
            l = split(&s.text[i], s.signed_len[i]);
        }
        tamperings[kind].run(f, &s, i, l);
        if (fixture_verify(f, why).problems == 0)
            fail_msg("seed %" PRIu64 ", round %u: %s in %s was not found", seed, round,
                     tamperings[kind].name, s.names[i]);
        write_on(f);
        if (fixture_verify(f, why).problems == 0)
            fail_msg("seed %" PRIu64 ", round %u: %s in %s was forgotten when the gate went on",
                     seed, round, tamperings[kind].name, s.names[i]);
        found[kind]++;
        free(l);
        restore(f, &s);
    }
    fixture_assert_whole(f); /* the last restore, so that it is not the test that is broken */
    for (size_t i = 0; i < ARRAY_LEN(found); i++)
        printf("%3u times %s\n", found[i], tamperings[i].name);
    saved_free(&s);
}

/* One file, open, with two checkpoints, as a killed gate leaves it. */
static void make_open_log(struct fixture *f, char name[LOG_NAME], struct buf *text)
{
    CLEANUP(folder_deinit) struct folder list = { 0 };
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct audit_log *l = fixture_open(f);

        for (uint64_t i = 1; i <= 10; i++) {
            fixture_add(f, l, 1, i);
            f->now.s += i % 5 == 0 ? 10 : 0;
            assert_int_equal(audit_log_tick(l, f->now), 0);
        }
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    list = fixture_files(f);
    assert_int_equal(list.n, 1);
    snprintf(name, LOG_NAME, "%s", list.files[0].name);
    fixture_read(f, name, text);
    assert_int_equal(signed_length(buf_span(text)), text->len);
}

/* Nothing follows that could name the lines: only the head knows how many there were. */
static void test_an_open_file_cut_between_lines(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX);
    CLEANUP(own_free) struct lines *l = NULL;
    char name[LOG_NAME], why[300];

    make_open_log(f, name, &text);
    fixture_assert_whole(f);
    l = split(&text, text.len);
    assert_in_range(l->n, 12, 20);
    while (--l->n > 0) {
        write_lines(f, name, l);
        assert_true(fixture_verify(f, why).problems > 0);
        assert_non_null(strstr(why, "lines were cut off its end"));
    }
}

static void count_problems(void *context, const char *file, uint64_t line, const char *why)
{
    unsigned *signatures = context;

    (void)file;
    (void)line;
    *signatures += strstr(why, "the signature does not hold") != NULL;
}

/* A checkpoint changed, its hash made anew, its signature as it was: in a copy of the file alone,
 * without the head, only the signature tells. */
static void test_a_checkpoint_sealed_by_somebody(void **state)
{
    static const char hash_key[] = ",\"hash\":\"", stamp_key[] = "\"@timestamp\":\"";
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX), body = BUF_INIT(LOG_LINE_MAX),
                                   pem = BUF_INIT(65536), error = BUF_INIT(1000);
    CLEANUP(own_free) struct lines *l = NULL;
    CLEANUP(own_free) char *last = NULL;
    struct verifier *keys = NULL;
    unsigned signatures = 0;
    struct verify v = { .on_problem = count_problems, .context = &signatures };
    char name[LOG_NAME], path[200], *hash, *stamp;
    const char *files[] = { path };
    uint8_t made[LINE_HASH];
    CLEANUP(buf_deinit) struct buf hex = BUF_INIT(100);

    make_open_log(f, name, &text);
    l = split(&text, text.len);
    last = span_dup(span_cut(l->at[l->n - 1], 0, l->at[l->n - 1].len - 1));
    assert_non_null(last);
    hash = strstr(last, hash_key);
    stamp = strstr(last, stamp_key);
    assert_true(hash != NULL && stamp != NULL && stamp < hash);
    stamp[strlen(stamp_key)] = '3';     /* another millennium */
    buf_add(&body, span_of(last, (size_t)(hash - last)));
    buf_str(&body, strrchr(last, '"') + 1);
    assert_int_equal(sha256_of(buf_span(&body), made), 0);
    text_hex(&hex, span_of(made, LINE_HASH), 0);
    memcpy(hash + strlen(hash_key), hex.data, hex.len);
    buf_truncate(&body, 0);
    buf_str(&body, last);
    buf_u8(&body, '\n');
    l->at[l->n - 1] = buf_span(&body);
    write_lines(f, name, l);

    snprintf(path, sizeof(path), "%s/audit.pub", f->state);
    assert_int_equal(file_read(path, &pem), 0);
    assert_int_equal(verifier_read(&keys, buf_span(&pem), &error), 0);
    v.keys = keys;
    snprintf(path, sizeof(path), "%s/%s", f->audit, name);
    assert_int_equal(verify_files(&v, files, 1, &error), 0);
    verifier_free(keys);
    assert_int_equal(v.problems, 1);
    assert_int_equal(signatures, 1);
    assert_true(fixture_verify(f, NULL).problems > 0);
}

/* Somebody else's key signs as well; only the real one counts. */
static void test_another_key(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT(65536);
    char path[100];

    write_on(f);
    fixture_assert_whole(f);
    snprintf(path, sizeof(path), "%s/audit.pub", f->state);
    assert_int_equal(file_read(path, &kept), 0); /* as an auditor keeps it elsewhere */
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/audit.key", f->state);
    assert_int_equal(unlink(path), 0);
    audit_log_close(fixture_open(f));
    assert_true(fixture_verify(f, NULL).problems > 0);
    snprintf(path, sizeof(path), "%s/audit.pub", f->state);
    assert_int_equal(file_replace(path, buf_span(&kept), 0644), 0);
    assert_true(fixture_verify(f, NULL).problems > 0);
}

/* A running gate sees that its file is no longer as it wrote it. */
static void test_hands_in_a_running_log(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(TEXT_MAX);
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct audit_log *l = fixture_open(f);
    char why[300];

    fixture_add(f, l, 1, 1);
    list = fixture_files(f);
    fixture_read(f, list.files[0].name, &text);
    fixture_add(f, l, 1, 2); /* not signed yet */
    fixture_write(f, list.files[0].name, buf_span(&text));
    assert_int_equal(fixture_verify(f, why).problems, 0); /* this is what a log alone cannot see */
    assert_int_equal(audit_log_tick(l, f->now), 0);
    assert_true(fixture_verify(f, why).problems > 0);
    fixture_add(f, l, 1, 3);
    audit_log_close(l);
    assert_true(fixture_verify(f, why).problems > 0);
    assert_int_equal(fixture_count(f, 1, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_tampering_is_found, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_open_file_cut_between_lines, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_checkpoint_sealed_by_somebody, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_another_key, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_hands_in_a_running_log, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
