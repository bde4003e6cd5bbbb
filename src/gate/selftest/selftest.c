#include "gate/selftest/selftest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "gate/selftest/report.h"

enum { EXIT_POINT = 1, REPORT_MAX = 1 << 20 };

struct settings {
    const char *config, *gate, *report, *key, *state, *verify;
    struct config_list only;
    bool json, help;
};

#define AT(field) offsetof(struct settings, field)

static const struct arg args[] = {
    { "config", 'c', CONFIG_STRING, AT(config), 0, 0, "FILE",
      "the gate's configuration; default: what a gate does without one", true },
    { "gate", 'g', CONFIG_STRING, AT(gate), 0, 0, "TEXT",
      "more configuration, as in the file", true },
    { "only", 0, CONFIG_LIST, AT(only), 0, 0, "N", "these points alone", true },
    { "report", 'r', CONFIG_STRING, AT(report), 0, 0, "FILE", "write a signed report there", true },
    { "json", 'j', CONFIG_BOOL, AT(json), 0, 0, NULL,
      "print the signed report instead of a table", true },
    { "state", 's', CONFIG_STRING, AT(state), 0, 0, "DIR",
      "where report.key is, made when it is first needed; default: the configuration's", true },
    { "key", 'k', CONFIG_STRING, AT(key), 0, 0, "FILE",
      "sign with this Ed25519 key; with --verify: public keys (PEM) to verify with", true },
    { "verify", 0, CONFIG_STRING, AT(verify), 0, 0, "REPORT", "verify a report", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand selftest = {
    .name = "midwatch gate selftest",
    .usage = "[--config FILE] [--gate TEXT] [--report FILE] [--json]\n--verify REPORT [--key PUB]",
    .about = "Tries fifty promises of a TLS-inspection gateway on a gate of its own, with this "
             "configuration, on loopback, and signs what it found. A gate that is at work here "
             "is not touched. Exit status: 0 all passed or argued, 1 a point failed, 2 it could "
             "not be tried.",
    .args = args,
    .n_args = ARRAY_LEN(args),
    .footer = "Try:  midwatch gate selftest --config /etc/midwatch/gate.conf --report report.json\n"
              "      midwatch gate selftest --verify report.json --key report.pub\n",
};

static const struct point_table *const tables[] = { &points_upstream, &points_refuse,
                                                    &points_truth, &points_keys,
                                                    &points_policy };

static bool is_wanted(const struct settings *s, unsigned number)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", number);
    for (size_t i = 0; i < s->only.count; i++)
        if (strcmp(s->only.items[i], text) == 0)
            return true;
    return s->only.count == 0;
}

static void row_print(const struct report *r, size_t i)
{
    static const char *const words[] = { "passed", "FAILED", "argued" };

    printf("%3u  %-6s  %s\n             %s\n", r->rows[i].point->number,
           words[r->rows[i].result], r->rows[i].point->what, r->rows[i].evidence);
    fflush(stdout);
}

static void point_try(struct report *r, struct stand *s, const struct point *p, bool print)
{
    struct trial t = { .stand = s };
    size_t i = r->n++;

    p->run(&t);
    if (t.tried == 0) {         /* nothing was looked at: that is no pass */
        t.result = POINT_FAILED;
        snprintf(t.evidence, sizeof(t.evidence), "nothing could be tried");
    }
    r->rows[i].point = p;
    r->rows[i].result = t.result;
    memcpy(r->rows[i].evidence, t.evidence, sizeof(t.evidence));
    r->counts[t.result]++;
    if (print)
        row_print(r, i);
}

static void points_try(struct report *r, struct stand *s, const struct settings *settings)
{
    for (size_t k = 0; k < ARRAY_LEN(tables); k++)
        for (size_t i = 0; i < tables[k]->n && r->n < POINTS; i++)
            if (is_wanted(settings, tables[k]->points[i].number))
                point_try(r, s, &tables[k]->points[i], !settings->json);
}

/* A gate that serves nobody would refuse all that it should refuse. */
static bool is_fit(struct stand *s)
{
    struct trial t = { .stand = s };

    expect_cases_inspected(&t, "good");
    if (t.result == POINT_FAILED)
        (void)subcommand_fail(&selftest, "this gate inspects nothing, so nothing can be said of "
                                         "it: %s", t.evidence);
    return t.result != POINT_FAILED;
}

static int report_out(const struct report *r, const struct settings *s, EVP_PKEY *key)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(REPORT_MAX);
    int e = report_write(&text, r, key);

    if (e < 0)
        return subcommand_fail(&selftest, "the report: %s", strerror(-e));
    if (s->report != NULL && (e = file_replace(s->report, buf_span(&text), 0644)) < 0)
        return subcommand_fail(&selftest, "%s: %s", s->report, strerror(-e));
    if (s->json && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout) != 0))
        return subcommand_fail(&selftest, "standard output cannot be written");
    return 0;
}

static int run(struct report *r, struct stand *stand, const struct settings *s)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);
    EVP_PKEY *key = NULL;
    int e = stand_open(stand, &error);

    if (e == 0 && (s->report != NULL || s->json))
        e = report_key(&key, s->state != NULL ? s->state : stand->config->state_folder, s->key,
                       &error);
    if (e < 0)
        return subcommand_fail(&selftest, "%s", error.len > 0 ? (char *)error.data : strerror(-e));
    if (!is_fit(stand)) {
        EVP_PKEY_free(key);
        return SUBCOMMAND_USAGE;
    }
    r->config = stand->config;
    r->at_ms = wall_now_ms();
    points_try(r, stand, s);
    if (!s->json)
        printf("\n%zu passed, %zu failed, %zu argued\n", r->counts[POINT_PASSED],
               r->counts[POINT_FAILED], r->counts[POINT_ARGUED]);
    e = key != NULL ? report_out(r, s, key) : 0;
    EVP_PKEY_free(key);
    return e != 0 ? e : r->counts[POINT_FAILED] > 0 ? EXIT_POINT : 0;
}

static int verify(const struct settings *s)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(REPORT_MAX), pem = BUF_INIT(REPORT_MAX);
    CLEANUP(buf_deinit) struct buf said = BUF_INIT(4096), error = BUF_INIT(4096);
    int r = file_read(s->verify, &text);

    if (r < 0)
        return subcommand_fail(&selftest, "%s: %s", s->verify, strerror(-r));
    if (s->key != NULL && (r = file_read(s->key, &pem)) < 0)
        return subcommand_fail(&selftest, "%s: %s", s->key, strerror(-r));
    if (s->key != NULL && pem.len == 0)
        return subcommand_fail(&selftest, "%s: there is no key in it", s->key);
    if (report_verify(buf_span(&text), buf_span(&pem), &said, &error) < 0) {
        (void)subcommand_fail(&selftest, "%s: %s", s->verify,
                              error.len > 0 ? (char *)error.data : "out of memory");
        return EXIT_POINT;
    }
    fputs((const char *)said.data, stdout);
    return 0;
}

static int command(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct settings *s = settings;
    struct stand *stand;
    struct report *report;
    int r;

    (void)arena;
    if (words->count > 0)
        return subcommand_usage(&selftest, "it takes no \"%.60s\"", words->items[0]);
    if (s->verify != NULL)
        return verify(s);
    stand = calloc(1, sizeof(*stand));
    report = calloc(1, sizeof(*report));
    if (stand == NULL || report == NULL) {
        r = subcommand_fail(&selftest, "out of memory");
    } else {
        stand->config_file = s->config;
        stand->extra = s->gate;
        signal(SIGPIPE, SIG_IGN);
        r = run(report, stand, s);
        stand_close(stand);
    }
    free(report);
    free(stand);
    return r;
}

int selftest_command(int argc, char **argv)
{
    struct settings s = { .json = false };

    return subcommand_main(&selftest, argc, argv, &s, &s.help, command);
}
