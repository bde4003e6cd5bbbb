/*
 * What groups cost, from 2 to 10,000 members, beside their own public-key operations.
 *   price    the public-key operations that were counted while it ran, each at what the same
 *            library calls cost in a loop of their own in this run, over as many bytes
 *   ratio    time over price
 * A second table has the ratio to what OpenSSL's calls would have cost for the same operations.
 * Processor time, since nothing here waits; the median of rounds.
 *
 * usage: bench_mls [LARGEST [ROUNDS]]
 */
#include <midwatch/mls_meeting.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/mls_prices.h"
#include "meet/crypt/crypt.h"

enum { SUITE = 1, BATCH = 1000, ROUNDS_MAX = 101 };

/* --------------------------------------------- counting: the linker wraps these calls ---- */

/* Calls, and the bytes that signatures were over. */
static size_t counted[OPS + 1];
enum { BYTES = OPS };

#define WRAP(op, signed_len, name, parameters, arguments)                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        counted[op]++;                                                                             \
        counted[BYTES] += (signed_len);                                                            \
        return __real_##name arguments;                                                            \
    }

WRAP(OP_PUBLIC, 0, crypt_public,
     (const struct mw_crypto *c, enum crypt_group g, struct mw_span scalar, uint8_t *point),
     (c, g, scalar, point))
WRAP(OP_SHARED, 0, crypt_shared,
     (const struct mw_crypto *c, enum crypt_group g, struct mw_span scalar, struct mw_span point,
      uint8_t *shared),
     (c, g, scalar, point, shared))
/* A signature hashes its content twice. */
WRAP(OP_SIGN, 2 * content.len, crypt_sign,
     (const struct mw_crypto *c, enum crypt_signer s, struct mw_span scalar,
      struct mw_span content, uint8_t *signature, size_t *len),
     (c, s, scalar, content, signature, len))
WRAP(OP_VERIFY, content.len, crypt_verify,
     (const struct mw_crypto *c, enum crypt_signer s, struct mw_span point,
      struct mw_span content, struct mw_span signature),
     (c, s, point, content, signature))

/* -------------------------------------------------------------------------- people ---- */

struct person {
    struct mw_mls_bytes signing_key, signature_key;
    struct mw_mls_identity who;
    char name[32];
};

static struct mw_mls_app app;
static const struct mw_wall now = { 1750000000 };

static int believe(void *context, const struct mw_mls_credential *who,
                   struct mw_span signature_key, const struct mw_mls_credential *before,
                   struct mw_wall at)
{
    (void)context, (void)who, (void)signature_key, (void)before, (void)at;
    return 0;
}

static struct mw_span span_of_bytes(const struct mw_mls_bytes *b)
{
    return (struct mw_span){ b->data, b->len };
}

static void person_make(struct person *p)
{
    static unsigned born;

    check(mw_mls_signature_pair(&app, SUITE, &p->signing_key, &p->signature_key), "keys");
    snprintf(p->name, sizeof(p->name), "person %u", ++born);
    p->who = (struct mw_mls_identity){
        .suite = SUITE,
        .credential = { MW_MLS_BASIC, { (const uint8_t *)p->name, strlen(p->name) } },
        .signing_key = span_of_bytes(&p->signing_key),
        .signature_key = span_of_bytes(&p->signature_key),
    };
}

static void person_free(struct person *p)
{
    mw_mls_bytes_free(&p->signing_key);
    mw_mls_bytes_free(&p->signature_key);
}

static struct mw_mls_key_package *package_of(const struct person *p)
{
    struct mw_mls_key_package *kp;

    check(mw_mls_key_package_new(&kp, &app, &p->who, (struct mw_wall){ now.s - 60 },
                                 (struct mw_wall){ now.s + 3600 }), "key package");
    return kp;
}

/* Adds `count` people whom nobody ever hears of again. */
static void add_strangers(struct mw_mls_group *g, size_t count)
{
    struct mw_mls_key_package **kps = calloc(count, sizeof(struct mw_mls_key_package *));
    struct mw_mls_proposal *adds = calloc(count, sizeof(*adds));
    struct mw_mls_commit_options options = {
        .proposals = adds, .count = count, .no_path = true, .no_tree_in_welcome = true,
    };
    struct mw_mls_committed made = { 0 };

    if (kps == NULL || adds == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct person p;

        person_make(&p);
        kps[i] = package_of(&p);
        person_free(&p);
        adds[i] = (struct mw_mls_proposal){
            .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(kps[i]),
        };
    }
    check(mw_mls_commit(g, &options, now, &made), "adding strangers");
    check(mw_mls_merge(g), "merge");
    mw_mls_committed_free(&made);
    for (size_t i = 0; i < count; i++)
        mw_mls_key_package_free(kps[i]);
    free(kps);
    free(adds);
}

/* ------------------------------------------------------------------------ measuring ---- */

enum kind { ADD, PATH, REMOVE, KINDS };

struct figure {
    double us, price_us[MAKERS];
    size_t bytes, ops[OPS + 1];
};

/* One operation's rounds: time and the price of what was counted in the last. */
struct rounds {
    double us[ROUNDS_MAX], price[MAKERS][OPS][ROUNDS_MAX];
    size_t n, bytes, before[OPS + 1], ops[OPS + 1];
    double from;
};

static void round_begin(struct rounds *r)
{
    memcpy(r->before, counted, sizeof(counted));
    r->from = now_us();
}

static void round_end(struct rounds *r)
{
    double price[MAKERS][OPS];

    r->us[r->n] = now_us() - r->from;
    for (size_t op = 0; op <= OPS; op++)
        r->ops[op] = counted[op] - r->before[op];
    prices_sample(price);
    for (size_t m = 0; m < MAKERS; m++)
        for (size_t op = 0; op < OPS; op++)
            r->price[m][op][r->n] = price[m][op];
    r->n++;
}

static struct figure rounds_figure(struct rounds *r, const double byte_us[MAKERS])
{
    struct figure f = { .us = median(r->us, r->n), .bytes = r->bytes };

    for (size_t m = 0; m < MAKERS; m++) {
        f.price_us[m] = (double)r->ops[BYTES] * byte_us[m];
        for (size_t op = 0; op < OPS; op++)
            f.price_us[m] += (double)r->ops[op] * median(r->price[m][op], r->n);
    }
    memcpy(f.ops, r->ops, sizeof(f.ops));
    return f;
}

/* Two members of a group of n that nobody but its founder ever committed in, saved. */
struct scene {
    struct person anna, ben;
    struct mw_mls_bytes anna_saved, ben_saved;
    struct rounds join;
    size_t tree_bytes;
};

static const uint8_t key[32] = { 7 };

static void scene_make(struct scene *s, size_t n, size_t rounds)
{
    struct mw_mls_group *anna, *ben = NULL;
    struct mw_mls_key_package *kp;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes tree;

    memset(s, 0, sizeof(*s));
    person_make(&s->anna);
    person_make(&s->ben);
    check(mw_mls_create(&anna, &app, &s->anna.who, (struct mw_span){ (const uint8_t *)"bench", 5 },
                        (struct mw_span){ NULL, 0 }, now), "create");
    for (size_t left = n - 2; left > 0; left -= left < BATCH ? left : BATCH)
        add_strangers(anna, left < BATCH ? left : BATCH);
    kp = package_of(&s->ben);
    add.key_package = mw_mls_key_package_bytes(kp);
    check(mw_mls_commit(anna, &(struct mw_mls_commit_options){
              .proposals = &add, .count = 1, .no_path = true, .no_tree_in_welcome = true },
          now, &made), "adding Ben");
    check(mw_mls_merge(anna), "merge");
    check(mw_mls_tree(anna, &tree), "tree");
    s->tree_bytes = tree.len;
    for (size_t i = 0; i < rounds; i++) {
        mw_mls_free(ben);
        round_begin(&s->join);
        check(mw_mls_join(&ben, &app, kp, span_of_bytes(&made.welcome), span_of_bytes(&tree), NULL,
                          0, now), "join");
        round_end(&s->join);
    }
    check(mw_mls_save(anna, key, &s->anna_saved), "save");
    check(mw_mls_save(ben, key, &s->ben_saved), "save");
    mw_mls_bytes_free(&tree);
    mw_mls_committed_free(&made);
    mw_mls_key_package_free(kp);
    mw_mls_free(anna);
    mw_mls_free(ben);
}

static void scene_free(struct scene *s)
{
    mw_mls_bytes_free(&s->anna_saved);
    mw_mls_bytes_free(&s->ben_saved);
    person_free(&s->anna);
    person_free(&s->ben);
}

/* Anna's commit, made and followed. */
static void step(struct mw_mls_group *anna, struct mw_mls_group *ben,
                 const struct mw_mls_commit_options *options, struct rounds *making,
                 struct rounds *following)
{
    struct mw_mls_committed made = { 0 };
    struct mw_mls_event event;

    round_begin(making);
    check(mw_mls_commit(anna, options, now, &made), "commit");
    check(mw_mls_merge(anna), "merge");
    round_end(making);
    making->bytes = made.commit.len;
    round_begin(following);
    check(mw_mls_receive(ben, span_of_bytes(&made.commit), now, &event), "receive");
    round_end(following);
    check(memcmp(mw_mls_epoch_authenticator(anna).data, mw_mls_epoch_authenticator(ben).data, 32),
          "agreeing");
    mw_mls_committed_free(&made);
}

/* One group lives on: keys renewed by a path, somebody added, the same removed, so that the next
 * round finds as many members as the last.  Anna alone commits: her paths stay cold. */
static void live(const struct scene *s, size_t n, size_t rounds, struct rounds all[2 * KINDS])
{
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = (uint32_t)n };
    const struct mw_mls_commit_options options[KINDS] = {
        { .proposals = &add, .count = 1, .no_path = true, .no_tree_in_welcome = true },
        { .no_tree_in_welcome = true },
        { .proposals = &remove, .count = 1 },
    };
    struct mw_mls_group *anna, *ben;

    check(mw_mls_load(&anna, &app, key, span_of_bytes(&s->anna_saved)), "load");
    check(mw_mls_load(&ben, &app, key, span_of_bytes(&s->ben_saved)), "load");
    for (size_t i = 0; i <= rounds; i++) {
        static const enum kind order[KINDS] = { PATH, ADD, REMOVE };
        struct mw_mls_key_package *kp;
        struct person newcomer;

        person_make(&newcomer);
        kp = package_of(&newcomer);
        add.key_package = mw_mls_key_package_bytes(kp);
        for (size_t k = 0; k < KINDS; k++)
            step(anna, ben, &options[order[k]], &all[2 * order[k]], &all[2 * order[k] + 1]);
        if (i == 0)     /* what a group does once after it was loaded, hashing its whole tree */
            for (size_t k = 0; k < 2 * KINDS; k++)
                all[k].n = 0;
        mw_mls_key_package_free(kp);
        person_free(&newcomer);
    }
    mw_mls_free(anna);
    mw_mls_free(ben);
}

static const char *const columns[] = { "add made",  "followed", "path made", "followed",
                                       "remove made", "followed", "join" };
enum { JOIN = 2 * KINDS, COLUMNS };

static void row_of(size_t n, size_t rounds, struct figure row[COLUMNS], size_t *state)
{
    struct rounds all[2 * KINDS] = { 0 };
    struct scene s;
    double byte_us[MAKERS];

    prices_of_byte(byte_us);
    scene_make(&s, n, rounds > 5 ? 5 : rounds);
    live(&s, n, rounds, all);
    for (size_t k = 0; k < 2 * KINDS; k++)
        row[k] = rounds_figure(&all[k], byte_us);
    s.join.bytes = s.tree_bytes;
    row[JOIN] = rounds_figure(&s.join, byte_us);
    *state = s.ben_saved.len;
    scene_free(&s);
}

/* What was counted in one commit, and how many bytes were signed or verified. */
static void print_ops(const size_t *sizes, struct figure rows[][COLUMNS], size_t count)
{
    printf("\npublic keys + agreements + signatures + verifications (bytes signed)\nmembers");
    for (size_t i = 0; i < COLUMNS; i++)
        printf(" | %-20s", columns[i]);
    for (size_t i = 0; i < count; i++) {
        printf("\n%7zu", sizes[i]);
        for (size_t k = 0; k < COLUMNS; k++) {
            const size_t *ops = rows[i][k].ops;
            char text[64];

            snprintf(text, sizeof(text), "%zu+%zu+%zu+%zu (%zu)", ops[OP_PUBLIC], ops[OP_SHARED],
                     ops[OP_SIGN], ops[OP_VERIFY], ops[BYTES]);
            printf(" | %-20s", text);
        }
    }
    printf("\n");
}

static void print_row(size_t n, const struct figure row[COLUMNS], size_t state)
{
    printf("%7zu", n);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (row[i].us == 0)
            printf(" | %9s %5s", "-", "");
        else
            printf(" | %6.2f ms %5.2f", row[i].us / 1e3, row[i].us / row[i].price_us[OURS]);
    }
    printf(" | %zu KiB\n", state / 1024);
    fflush(stdout);
}

static void print_theirs(const size_t *sizes, struct figure rows[][COLUMNS], size_t count)
{
    printf("\nratio of the same times to what OpenSSL's calls cost for these operations\nmembers");
    for (size_t i = 0; i < COLUMNS; i++)
        printf(" | %-11s", columns[i]);
    for (size_t i = 0; i < count; i++) {
        printf("\n%7zu", sizes[i]);
        for (size_t k = 0; k < COLUMNS; k++)
            printf(" | %11.2f", rows[i][k].us / rows[i][k].price_us[OPENSSL]);
    }
    printf("\n");
}

/* A bar as long as the logarithm of it, from 0.1 ms on. */
static void print_bars(const size_t *sizes, struct figure rows[][COLUMNS], size_t count, size_t at)
{
    printf("\n%s (a bar's length is the logarithm)\n", columns[at]);
    for (size_t i = 0; i < count; i++) {
        double ms = rows[i][at].us / 1e3, left = ms * 10;
        int width = 0;

        while (left > 1 && width < 60) {
            left /= 1.25;
            width++;
        }
        printf("%7zu %.*s %.2f ms\n", sizes[i], width,
               "############################################################", ms);
    }
}

int main(int argc, char **argv)
{
    static const size_t all[] = { 2, 5, 10, 50, 100, 500, 1000, 2000, 5000, 10000 };
    static struct figure rows[sizeof(all) / sizeof(all[0])][COLUMNS];
    size_t largest = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 11;
    struct mw_crypto *crypto;
    size_t count = 0, state;

    check(mw_crypto_new(&crypto), "crypto");
    prices_begin();
    app = (struct mw_mls_app){ .crypto = crypto, .random = mw_random_system(), .judge = believe };
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    printf("suite 1, processor time and its ratio to the public-key operations within\n\n");
    printf("members");
    for (size_t i = 0; i < COLUMNS; i++)
        printf(" | %-15s", columns[i]);
    printf(" | state\n");
    for (; count < sizeof(all) / sizeof(all[0]) && all[count] <= largest; count++) {
        row_of(all[count], all[count] >= 5000 && rounds > 3 ? 3 : rounds, rows[count], &state);
        print_row(all[count], rows[count], state);
    }
    print_theirs(all, rows, count);
    print_ops(all, rows, count);
    printf("\nbytes: members, add commit, path commit, remove commit, tree\n");
    for (size_t i = 0; i < count; i++)
        printf("%7zu %7zu %9zu %9zu %9zu\n", all[i], rows[i][0].bytes, rows[i][2].bytes,
               rows[i][4].bytes, rows[i][6].bytes);
    for (size_t i = 0; i < COLUMNS; i++)
        print_bars(all, rows, count, i);
    prices_end();
    mw_crypto_free(crypto);
    return 0;
}
