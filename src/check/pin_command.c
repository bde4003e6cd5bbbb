#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "check/exit.h"
#include "check/pem.h"
#include "check/pins.h"
#include "check/state.h"
#include "trust/cert.h"
#include "trust/name.h"
#include "trust/pin.h"

struct pin_settings {
    const char *state, *until, *cert;
    bool backup, tree, json, help;
};

#define SETTING(field) offsetof(struct pin_settings, field)

static const struct arg pin_args[] = {
    { "backup", 'b', CONFIG_BOOL, SETTING(backup), 0, 0, NULL,
      "a key kept in reserve, not in use yet", true },
    { "tree", 0, CONFIG_BOOL, SETTING(tree), 0, 0, NULL, "for every name below HOST as well",
      true },
    { "until", 'u', CONFIG_STRING, SETTING(until), 0, 0, "DATE",
      "the pin lapses then (2027-06-30); never, if left out", true },
    { "cert", 'c', CONFIG_STRING, SETTING(cert), 0, 0, "FILE",
      "add: pin the key of the first certificate in this PEM file", true },
    { "json", 'j', CONFIG_BOOL, SETTING(json), 0, 0, NULL, "list as JSON, one object a line",
      true },
    { "state", 0, CONFIG_STRING, SETTING(state), 0, 0, "DIR", "where the state lives", true },
    { "help", 'h', CONFIG_BOOL, SETTING(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch pin",
    .usage = "add [options] HOST sha256/KEY=\nadd [options] --cert FILE HOST\nlist\n"
             "remove HOST [sha256/KEY=]\nimport FILE",
    .about = "The keys a host must show. A pinned host is refused unless one of its pinned keys\n"
             "stands in the accepted chain. Give it at least two, one of them a backup, or a lost\n"
             "key locks you out; \"midwatch check --certs HOST\" shows the keys of a chain.",
    .args = pin_args,
    .n_args = ARRAY_LEN(pin_args),
    .footer = "A file to import has a pin a line; \"#\" starts a comment:\n"
              "  meet.example.com sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= backup "
              "until=2027-06-30",
};

enum { PEM_BYTES = 4 << 20, IMPORT_BYTES = 8 << 20 };

struct pin_run {
    const struct pin_settings *set;
    struct arena *arena;
    struct store *state;
};

static int store_trouble(const struct pin_run *r, int rc)
{
    return subcommand_fail(&command, "cannot use the state: %s",
                           rc > 0 ? store_error(r->state) : strerror(-rc));
}

static int read_failed(const char *path, int rc)
{
    return subcommand_fail(&command, "%s: %s", path,
                           rc == -EMSGSIZE ? "the file is too large" : strerror(-rc));
}

/* The pin of the first certificate in a PEM file, into `out`. */
static int key_of_file(const struct pin_run *r, const char *path, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(PEM_BYTES);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct pem_list certs;
    struct cert *cert;
    int rc = file_read(path, &pem);

    if (rc != 0)
        return read_failed(path, rc);
    rc = pem_read(buf_span(&pem), "CERTIFICATE", path, r->arena, &certs, &error);
    if (rc != 0)
        return subcommand_fail(&command, "%s", rc > 0 ? (char *)error.data : "out of memory");
    rc = cert_parse(&cert, certs.blocks[0]);
    if (rc != 0)
        return subcommand_fail(&command, "%s: the first certificate in it is broken", path);
    cert_spki_pin(cert, out);
    cert_free(cert);
    return buf_error(out) == 0 ? 0 : subcommand_fail(&command, "out of memory");
}

/* A pin as a line of a list, so that one place says what a pin is. */
static int add(struct pin_run *r, const char *host, const char *key)
{
    const struct pin_settings *set = r->set;
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(PIN_MAX_LINE);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct mw_pin pin;
    int rc = 0;

    buf_printf(&line, "%s ", host);
    if (set->cert != NULL)
        rc = key_of_file(r, set->cert, &line);
    else
        buf_str(&line, key);
    if (rc != 0)
        return rc;
    buf_printf(&line, "%s%s%s%s", set->backup ? " backup" : "", set->tree ? " tree" : "",
               set->until != NULL ? " until=" : "", set->until != NULL ? set->until : "");
    if (buf_error(&line) != 0)
        return subcommand_usage(&command, "that is too long for a pin");
    rc = pin_parse_line(buf_span(&line), r->arena, &pin, &error);
    if (rc != 0)
        return subcommand_usage(&command, "%s", rc > 0 ? (char *)error.data : "out of memory");
    rc = pins_save(r->state, wall_now(), &pin);
    if (rc != 0)
        return store_trouble(r, rc);
    printf("Pinned: %s %s%s\n", pin.host, pin.spki, pin.backup ? " (backup)" : "");
    return 0;
}

/* All lines are understood before the first is kept. */
static int import_lines(struct pin_run *r, struct mw_span text, const char *path, bool save,
                        size_t *n)
{
    struct mw_span line;

    *n = 0;
    for (size_t number = 1; span_line(&text, &line); number++) {
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
        struct mw_pin pin;
        int rc = pin_parse_line(line, r->arena, &pin, &error);

        if (rc != 0)
            return subcommand_usage(&command, "%s:%zu: %s; nothing was imported", path, number,
                                    rc > 0 ? (char *)error.data : "out of memory");
        if (pin.host == NULL)
            continue;
        ++*n;
        rc = save ? pins_save(r->state, wall_now(), &pin) : 0;
        if (rc != 0)
            return store_trouble(r, rc);
    }
    return 0;
}

static int import(struct pin_run *r, const char *path)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(IMPORT_BYTES);
    int rc = file_read(path, &text);
    size_t n;

    if (rc != 0)
        return read_failed(path, rc);
    rc = import_lines(r, buf_span(&text), path, false, &n);
    if (rc == 0)
        rc = import_lines(r, buf_span(&text), path, true, &n);
    if (rc == 0)
        printf("Imported: %zu pin%s from %s.\n", n, n == 1 ? "" : "s", path);
    return rc;
}

struct listing {
    struct buf *out;
    struct mw_wall now;
    bool json;
    size_t n;
};

static int list_json(const struct listing *l, const struct mw_pin *pin, const char *until)
{
    json_t *o = json_pack("{ss ss ss sb sb ss* sb}", "schema", "midwatch.pin/1", "host",
                          pin->host, "spki", pin->spki, "tree", (int)pin->tree, "backup",
                          (int)pin->backup, "until", until, "lapsed",
                          pin->until.s != 0 && pin->until.s <= l->now.s);
    CLEANUP(own_free) char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    if (text == NULL)
        return -ENOMEM;
    buf_str(l->out, text);
    buf_str(l->out, "\n");
    return 0;
}

static int list_one(void *context, const struct mw_pin *pin)
{
    struct listing *l = context;
    CLEANUP(buf_deinit) struct buf until = BUF_INIT(64);

    l->n++;
    if (pin->until.s != 0)
        wall_format_date(&until, pin->until);
    if (buf_error(&until) != 0)
        return buf_error(&until);
    if (l->json)
        return list_json(l, pin, (const char *)until.data);
    buf_printf(l->out, "%s%s  %s%s", pin->tree ? "*." : "", pin->host, pin->spki,
               pin->backup ? "  backup" : "");
    if (until.len > 0)
        buf_printf(l->out, "  %s %s", pin->until.s <= l->now.s ? "lapsed" : "until",
                   (const char *)until.data);
    buf_str(l->out, "\n");
    return 0;
}

static int list(const struct pin_run *r)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(16 << 20);
    struct listing l = { .out = &out, .now = wall_now(), .json = r->set->json };
    int rc = r->state != NULL ? pins_each(r->state, list_one, &l) : 0;

    if (rc == 0)
        rc = buf_error(&out);
    if (rc != 0)
        return store_trouble(r, rc);
    if (l.n == 0 && !l.json)
        buf_str(&out, "Nothing is pinned.\n");
    fwrite(out.data, 1, out.len, stdout);
    return 0;
}

static int remove_pins(const struct pin_run *r, const char *host, const char *spki)
{
    size_t n = 0;
    int rc;
    struct host parsed;
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);

    if (host_parse(&parsed, host) != 0)
        return subcommand_usage(&command, "%s is not a host name or an address", host);
    if (spki != NULL && pin_normalize(span_str(spki), &key) != 0)
        return subcommand_usage(&command, "%s is not a pin (sha256/BASE64=)", spki);
    rc = r->state != NULL ? pins_remove(r->state, wall_now(), parsed.text,
                                        spki != NULL ? (const char *)key.data : NULL, &n)
                          : 0;
    if (rc != 0)
        return store_trouble(r, rc);
    if (n == 0) {
        subcommand_fail(&command, "no such pin; \"%s list\" shows what there is", command.name);
        return CHECK_FINDINGS;
    }
    printf("Forgotten: %zu pin%s of %s.\n", n, n == 1 ? "" : "s", parsed.text);
    return 0;
}

static int verb_run(struct pin_run *r, const struct config_list *words)
{
    const char *verb = words->count > 0 ? words->items[0] : "list";
    const size_t n = words->count;

    if (strcmp(verb, "list") == 0 && n <= 1)
        return list(r);
    if (strcmp(verb, "remove") == 0 && (n == 2 || n == 3))
        return remove_pins(r, words->items[1], n == 3 ? words->items[2] : NULL);
    if (strcmp(verb, "import") == 0 && n == 2)
        return import(r, words->items[1]);
    if (strcmp(verb, "add") == 0 && n == (r->set->cert != NULL ? 2U : 3U))
        return add(r, words->items[1], n == 3 ? words->items[2] : NULL);
    return subcommand_usage(&command, "it is add HOST KEY, list, remove HOST, or import FILE");
}

static int run(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct pin_settings *set = settings;
    CLEANUP(own_free) char *folder = state_folder(set->state);
    const char *verb = words->count > 0 ? words->items[0] : "list";
    const bool writes = strcmp(verb, "add") == 0 || strcmp(verb, "import") == 0;
    struct pin_run r = { .set = set, .arena = arena };
    char error[256];
    int rc;

    if (folder == NULL)
        return subcommand_fail(&command, "there is no home folder to keep the state in; name one "
                                         "with --state DIR");
    rc = writes ? state_open(&r.state, folder, error)
                : state_open_existing(&r.state, folder, error);
    if (rc != 0)
        return subcommand_fail(&command, "%s", error);
    rc = verb_run(&r, words);
    store_close(r.state);
    return rc;
}

int pin_command(int argc, char **argv)
{
    struct pin_settings set = { 0 };

    return subcommand_main(&command, argc, argv, &set, &set.help, run);
}
