/*
 * Random lives of groups against a model of them: members come, go, are late, lose and get twice
 * what they are sent, restart from saved state; and all who are in an epoch agree, and nobody who
 * was removed reads on.
 *
 *     sealed_model_test [OPERATIONS [SEED]]         one line for each suite; the seed is printed
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sealed_model.h"

static void play(const struct mw_crypto *crypto, uint16_t suite, size_t operations, uint64_t seed)
{
    struct model *m = calloc(1, sizeof(*m));

    if (m == NULL)
        abort();
    model_init(m, crypto, suite, seed);
    for (size_t i = 0; i < operations; i++) {
        model_step(m);
        if (i % 500 == 499)
            model_settle(m);
    }
    model_settle(m);
    printf("suite %u: %zu operations, epoch %llu: %zu commits, %zu added, %zu removed, %zu joined "
           "from outside, %zu updates, %zu proposals, %zu conflicts, %zu restarts; %zu sent, %zu "
           "read, %zu too late, %zu lost, %zu replayed, %zu tried from outside\n",
           suite, operations, (unsigned long long)m->epoch, m->count.commits, m->count.adds,
           m->count.removes, m->count.externals, m->count.updates, m->count.proposals,
           m->count.conflicts, m->count.restarts, m->count.sent, m->count.read, m->count.late,
           m->count.lost, m->count.replayed, m->count.shut_out);
    fflush(stdout);
    model_deinit(m);
    free(m);
}

int main(int argc, char **argv)
{
    /* Most of them in the suite that everybody must have; the slow ones get what shows. */
    static const struct {
        uint16_t suite;
        unsigned of_hundred;
    } shares[] = { { 1, 70 }, { 2, 16 }, { 3, 10 }, { 4, 1 }, { 5, 1 }, { 6, 1 }, { 7, 1 } };
    size_t operations = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    struct mw_crypto *crypto = NULL;

    if (mw_crypto_new(&crypto) != 0)
        return 1;
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        play(crypto, shares[i].suite, operations / 100 * shares[i].of_hundred, seed + i);
    mw_crypto_free(crypto);
    return 0;
}
