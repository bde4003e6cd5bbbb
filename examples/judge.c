/*
 * Judges a chain from a file, as `midwatch check --chain` does: nothing is connected to.
 *
 *     cc judge.c -o judge $(pkg-config --cflags --libs libmidwatch)
 *     ./judge HOST CHAIN.pem ROOTS.pem
 *
 * CHAIN.pem: one DER certificate per PEM block, leaf first, then what the server sent.
 */
#include <midwatch/trust.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_CHAIN = 32, MAX_FILE = 1 << 20 };

static size_t read_chain(const char *path, struct mw_span *chain)
{
    FILE *file = fopen(path, "r");
    char *name, *header;
    unsigned char *der;
    size_t n = 0;
    long len;

    while (file != NULL && n < MAX_CHAIN && PEM_read(file, &name, &header, &der, &len) == 1) {
        chain[n++] = (struct mw_span){ der, (size_t)len };
        OPENSSL_free(name);
        OPENSSL_free(header);
    }
    if (file != NULL)
        fclose(file);
    return n;
}

static int add_roots(struct mw_policy *policy, const char *path)
{
    static uint8_t text[MAX_FILE];
    FILE *file = fopen(path, "r");
    size_t len = file != NULL ? fread(text, 1, sizeof(text), file) : 0;

    if (file != NULL)
        fclose(file);
    return mw_policy_add_anchors(policy, MW_ANCHOR_PUBLIC, (struct mw_span){ text, len }, path,
                                 NULL);
}

int main(int argc, char **argv)
{
    struct mw_span chain[MAX_CHAIN];
    struct mw_evidence ev = { .port = 443, .sent = chain };
    struct mw_policy *policy = NULL;
    struct mw_verdict *v = NULL;
    int r = argc == 4 ? mw_policy_new(&policy) : MW_E_SYNTAX;

    if (r == 0 && (r = add_roots(policy, argv[3])) != 0)
        fprintf(stderr, "%s\n", mw_policy_error(policy));
    if (r == 0) {
        ev.host = argv[1];
        ev.now.s = time(NULL);
        ev.n_sent = read_chain(argv[2], chain);
        r = mw_judge(policy, &ev, &v);
    }
    if (r == 0)
        printf("%s: %s\n", v->host, mw_outcome_name(v->outcome));
    for (size_t i = 0; r == 0 && i < v->n_findings; i++)
        printf("  %-8s %s: %s\n", mw_severity_name(v->findings[i].severity),
               mw_code_info(v->findings[i].code)->code, v->findings[i].evidence);
    r = r == 0 ? v->outcome != MW_PRIVATE : 2;
    mw_verdict_free(v);
    mw_policy_free(policy);
    for (size_t i = 0; i < ev.n_sent; i++)
        OPENSSL_free((void *)chain[i].data);
    return r;
}
