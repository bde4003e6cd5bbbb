/*
 * Prints one of the pages that the gate shows people, made from the sample verdicts and a root
 * minted for it.  usage: gate_page_print PAGE, where PAGE is "blocked", "stopped",
 * "untrusted:SAMPLE", "ask:SAMPLE" (with a form), or a path that the gateway answers.
 */
#include <stdio.h>

#include "base/own.h"
#include "gate/door/page.h"
#include "lab/mill.h"
#include "sample_verdicts.h"

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct gate_listener listener = { .entrance = GATE_ENTRANCE_HTTP,
                                         .text = "http://0.0.0.0:3128" };
static const struct gate_config config = {
    .name = "midwatch.gate", .contact = "it@corp.example", .undefined = GATE_INSPECT,
    .listeners = &listener, .n_listeners = 1, .sha256 = { 0x4d, 0x57 },
};

static const struct mw_verdict *verdict_of(const char *name)
{
    for (size_t i = 0; i < n_samples; i++) {
        if (strcmp(samples[i].name, name) == 0)
            return samples[i].v;
    }
    return NULL;
}

static int local(struct buf *out, const char *path)
{
    struct mill_spec spec = { .subject = "CN=Midwatch CA of corp.example,O=Corp", .ca = true,
                              .not_before = { 1780000000 }, .not_after = { 2090000000 } };
    struct mill_cert *root = NULL;
    EVP_PKEY *key = NULL;
    struct addr at;
    int r = addr_parse(&listener.at, SPAN_LIT("0.0.0.0:3128"), 0);

    if (r == 0)
        r = addr_parse(&at, SPAN_LIT("192.0.2.1:3128"), 0);
    if (r == 0)
        r = mill_key_new(&key, MILL_P256, true);
    if (r == 0)
        r = mill_issue(&root, &spec, key, NULL);
    if (r == 0)
        page_local(out, &config, mill_cert_der(root), path, &at);
    mill_cert_free(root);
    EVP_PKEY_free(key);
    return r;
}

static int print(struct buf *out, const char *page)
{
    static const struct gate_decision decision = {
        .action = GATE_BLOCK, .rule = "rule 3 (gambling)", .reason = "games of chance are not "
        "for this network", .source = "the policy of corp.example",
    };
    bool ask = strncmp(page, "ask:", 4) == 0;
    const struct mw_verdict *v = strchr(page, ':') != NULL ? verdict_of(strchr(page, ':') + 1)
                                                           : NULL;

    if (page[0] == '/')
        return local(out, page);
    if (strcmp(page, "blocked") == 0)
        page_blocked(out, &config, "casino.example", &decision);
    else if (strcmp(page, "stopped") == 0)
        page_stopped(out, &config, 502, "The site did not answer",
                     "shop.example refused the connection");
    else if (v != NULL)
        page_untrusted(out, &config, v, MW_CODE_NONE, ask ? "/.midwatch/continue/" TOKEN : NULL);
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(2 * PAGE_MAX_BYTES);

    if (argc != 2 || print(&out, argv[1]) != 0 || buf_error(&out) != 0) {
        fputs("usage: gate_page_print PAGE\n", stderr);
        return EXIT_FAILURE;
    }
    fwrite(out.data, 1, out.len, stdout);
    return EXIT_SUCCESS;
}
