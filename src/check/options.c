#include "check/options.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "check/decisions.h"
#include "check/exit.h"

enum {
    OPTIONS_ARENA_BYTES = 64 << 20,     /* 100,000 targets of ordinary length and then some */
    CONFIG_FILE_BYTES = 1 << 20,
};

#define AT(field) offsetof(struct check_settings, field)

const struct arg check_args[] = {
    { .help = "The connection" },
    { "ipv4", '4', CONFIG_BOOL, AT(ipv4), 0, 0, NULL, "only IPv4 addresses", false },
    { "ipv6", '6', CONFIG_BOOL, AT(ipv6), 0, 0, NULL, "only IPv6 addresses", false },
    { "connect", 0, CONFIG_STRING, AT(connect_to), 0, 0, "ADDR:PORT",
      "connect there instead of looking HOST up", false },
    { "sni", 0, CONFIG_STRING, AT(sni), 0, 0, "NAME", "server name to send instead of HOST",
      false },
    { "alpn", 0, CONFIG_STRING, AT(alpn), 0, 0, "LIST", "protocols to offer, like h2,http/1.1",
      false },
    { "starttls", 0, CONFIG_STRING, AT(starttls), 0, 0, "PROTO",
      "start in clear and switch: smtp, imap, pop3, ftp, xmpp, ldap, postgres or mysql", false },
    { "proxy", 0, CONFIG_STRING, AT(proxy), 0, 0, "URL",
      "go through http://, socks5:// or socks5h://[user:pw@]host:port", false },
    { "no-proxy", 0, CONFIG_BOOL, AT(no_proxy), 0, 0, NULL,
      "go straight, whatever HTTPS_PROXY and ALL_PROXY say", false },
    { "timeout", 't', CONFIG_SECONDS, AT(timeout_s), 1, 600, "TIME",
      "give up on a host after this long (20s)", false },
    { "parallel", 'p', CONFIG_NUMBER, AT(parallel), 1, 1024, "N", "hosts at once (64)", false },
    { "dns", 0, CONFIG_LIST, AT(dns), 0, 0, "ADDR[:PORT],…",
      "ask these name servers instead of the system's", false },

    { .help = "The judgement" },
    { "chain", 0, CONFIG_STRING, AT(chain), 0, 0, "FILE",
      "judge these certificates (PEM, leaf first, then what the server sent); nothing touches "
      "the network",
      true },
    { "roots", 0, CONFIG_STRING, AT(roots), 0, 0, "FILE",
      "public roots, instead of the system's", false },
    { "local-roots", 0, CONFIG_STRING, AT(local_roots), 0, 0, "FILE",
      "roots that somebody added here, besides the others", false },
    { "crls", 0, CONFIG_STRING, AT(crls), 0, 0, "FILE",
      "revocation lists (PEM); they decide", false },
    { "ct-logs", 0, CONFIG_STRING, AT(ct_logs), 0, 0, "FILE",
      "Certificate Transparency logs (log_list v3 JSON)", false },
    { "interceptors", 0, CONFIG_STRING, AT(interceptors), 0, 0, "FILE",
      "catalogue of interceptors, instead of the built-in one", false },
    { "pin", 0, CONFIG_LIST, AT(pins), 0, 0, "HOST=sha256/…",
      "the key that HOST must show; may be repeated", false },
    { "at", 0, CONFIG_STRING, AT(at), 0, 0, "TIME",
      "judge as if it were then (RFC 3339: 2026-03-15T12:00:00Z)", true },
    { "no-network-evidence", 0, CONFIG_BOOL, AT(no_network_evidence), 0, 0, NULL,
      "only the handshake: no time servers, control hosts, revocation lists, missing "
      "intermediates",
      false },
    { "controls", 0, CONFIG_LIST, AT(controls), 0, 0, "HOST,…",
      "unrelated sites to compare with, one contact a run", false },
    { "time-servers", 0, CONFIG_LIST, AT(time_servers), 0, 0, "SERVER,…",
      "sntp:HOST[:PORT] or roughtime:HOST[:PORT]=KEY", false },
    { "echo", 0, CONFIG_STRING, AT(echo), 0, 0, "KEY",
      "ask the server's echo, signed by sha256/…, what it saw: proof", false },
    { "ocsp", 0, CONFIG_BOOL, AT(ocsp), 0, 0, NULL,
      "may ask the authority about revocation; it learns which site you visit", false },
    { "portal", 0, CONFIG_STRING, AT(portal), 0, 0, "URL",
      "http:// page that answers 204 unless a login page stands in the way; \"none\" to skip",
      false },
    { "hosts-file", 0, CONFIG_STRING, AT(hosts_file), 0, 0, "FILE",
      "instead of the system's hosts file", false },

    { .help = "The report" },
    { "certs", 'c', CONFIG_BOOL, AT(certs), 0, 0, NULL, "show every certificate", false },
    { "pem", 0, CONFIG_BOOL, AT(pem), 0, 0, NULL, "and print them as PEM", false },
    { "json", 'j', CONFIG_BOOL, AT(json), 0, 0, NULL,
      "one JSON object a host and line (midwatch.check/1)", false },
    { "html", 0, CONFIG_STRING, AT(html), 0, 0, "FILE", "one page to attach to a ticket", false },
    { "junit", 0, CONFIG_STRING, AT(junit), 0, 0, "FILE", "test results for CI and fleets",
      false },
    { "color", 0, CONFIG_STRING, AT(color), 0, 0, "WHEN", "auto, always or never", false },
    { "quiet", 'q', CONFIG_BOOL, AT(quiet), 0, 0, NULL, "only the verdict line", false },
    { "verbose", 'v', CONFIG_BOOL, AT(verbose), 0, 0, NULL,
      "every finding, with what would disprove it", false },
    { "exit-class", 0, CONFIG_BOOL, AT(exit_class), 0, 0, NULL,
      "exit 10 name, 11 revoked, 12 authority, 13 chain, 14 clock, 15 pin, 16 interception",
      false },

    { .help = "What to do about it" },
    { "ask", 0, CONFIG_BOOL, AT(ask), 0, 0, NULL,
      "on a terminal, ask \"Trust anyway?\" and remember the answer", true },
    { "reason", 0, CONFIG_STRING, AT(reason), 0, 0, "TEXT", "why, for the record of --ask",
      true },
    { "for", 0, CONFIG_SECONDS, AT(for_s), 60, DECISION_LIFETIME_MAX_S, "TIME",
      "how long the answer holds (7d)", false },
    { "unattended", 0, CONFIG_BOOL, AT(unattended), 0, 0, NULL,
      "never ask, refuse anything but private, and say why for machines", false },

    { .help = "Files" },
    { "state", 0, CONFIG_STRING, AT(state), 0, 0, "DIR",
      "what is remembered between runs ($MIDWATCH_STATE)", false },
    { "config", 0, CONFIG_STRING, AT(config), 0, 0, "FILE",
      "read this instead of /etc/midwatch/midwatch.conf and ~/.config/midwatch/midwatch.conf",
      true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};
const size_t n_check_args = ARRAY_LEN(check_args);

#undef AT

static int options_fail(struct buf *error, const char *format, ...) PRINTF_LIKE(2, 3);

static int options_fail(struct buf *error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    buf_vprintf(error, format, list);
    va_end(list);
    return CHECK_USAGE;
}

void settings_default(struct check_settings *s)
{
    /* Sites under different authorities and operators, and public time services. */
    static const char *controls[] = { "www.wikipedia.org", "www.debian.org", "www.ietf.org" };
    static const char *time_servers[] = { "sntp:time.cloudflare.com", "sntp:time.google.com",
                                          "sntp:pool.ntp.org" };

    *s = (struct check_settings){
        .timeout_s = 20,
        .parallel = 64,
        .for_s = DECISION_LIFETIME_S,
        .controls = { controls, ARRAY_LEN(controls) },
        .time_servers = { time_servers, ARRAY_LEN(time_servers) },
        .portal = "http://cp.cloudflare.com/generate_204",
        .color = "auto",
    };
}

/* A file that must be there (required), or may. */
static int config_load(const char *path, bool required, const struct config_key *keys,
                       size_t n_keys, void *set, struct arena *arena, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_FILE_BYTES);
    int rc = file_read(path, &text);

    if (rc == -ENOENT && !required)
        return 0;
    if (rc == -ENOMEM)
        return rc;
    if (rc != 0)
        return options_fail(error, "%s: %s", path,
                            rc == -EMSGSIZE ? "larger than 1 MiB; is it the right file?"
                                            : strerror(-rc));
    rc = config_read(buf_span(&text), path, keys, n_keys, set, arena, error);
    return rc > 0 ? CHECK_USAGE : rc;
}

int settings_load(const char *config, const struct arg *args, size_t n_args, void *set,
                  struct arena *arena, struct buf *error)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    size_t n_keys;
    struct config_key *keys = args_config_keys(args, n_args, arena, &n_keys);
    const char *path = NULL;
    int rc;

    if (keys == NULL)
        return -ENOMEM;
    if (config != NULL)
        return config_load(config, true, keys, n_keys, set, arena, error);
    rc = config_load("/etc/midwatch/midwatch.conf", false, keys, n_keys, set, arena, error);
    if (rc != 0)
        return rc;
    if (base != NULL && base[0] == '/')
        path = arena_printf(arena, "%s/midwatch/midwatch.conf", base);
    else if (home != NULL && home[0] == '/')
        path = arena_printf(arena, "%s/.config/midwatch/midwatch.conf", home);
    else
        return 0;
    if (path == NULL)
        return -ENOMEM;
    return config_load(path, false, keys, n_keys, set, arena, error);
}

/* Settings that contradict each other are refused rather than ranked. */
static int options_combine(const struct check_options *o, struct buf *error)
{
    const struct check_settings *s = &o->set;

    if (s->ipv4 && s->ipv6)
        return options_fail(error, "--ipv4 and --ipv6 exclude each other; leave both out for any");
    if (s->proxy != NULL && s->no_proxy)
        return options_fail(error, "--proxy and --no-proxy exclude each other");
    if (s->ask && s->unattended)
        return options_fail(error, "--ask and --unattended exclude each other: unattended means "
                                   "that nobody is asked");
    if (s->ask && s->json)
        return options_fail(error, "--ask and --json exclude each other: a program cannot answer");
    if (s->quiet && s->verbose)
        return options_fail(error, "--quiet and --verbose exclude each other");
    return 0;
}

static int options_words(struct check_options *o, struct buf *error)
{
    struct check_settings *s = &o->set;

    if (colour_parse(s->color, &o->colour) != 0)
        return options_fail(error, "--color takes auto, always or never, not \"%s\"", s->color);
    if (s->starttls != NULL && starttls_parse(s->starttls, &o->starttls) != 0)
        return options_fail(error,
                            "--starttls takes smtp, imap, pop3, ftp, xmpp, ldap, postgres or "
                            "mysql, not \"%s\"",
                            s->starttls);
    if (s->at != NULL && wall_parse(span_str(s->at), &o->at) != 0)
        return options_fail(error, "--at takes a time like 2026-03-15T12:00:00Z, not \"%s\"",
                            s->at);
    o->at_set = s->at != NULL;
    return options_combine(o, error);
}

static int options_operand(struct check_options *o, const char *word, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(TARGETS_LIST_BYTES);
    struct target t;
    int rc;

    if (strcmp(word, "-") == 0) {
        rc = file_read("-", &list);
        if (rc == -EMSGSIZE)
            return options_fail(error, "standard input: the list is larger than 16 MiB; split it");
        if (rc == 0)
            rc = target_list_read(&o->targets, buf_span(&list), "standard input", o->starttls,
                                  &o->arena, error);
    } else {
        rc = target_parse(&t, span_str(word), o->starttls, &o->arena, error);
        if (rc == 0)
            rc = target_list_add(&o->targets, &t);
    }
    return rc > 0 ? CHECK_USAGE : rc;
}

int options_finish(struct check_options *o, const struct config_list *operands,
                   struct buf *error)
{
    int rc = options_words(o, error);

    for (size_t i = 0; rc == 0 && i < operands->count; i++)
        rc = options_operand(o, operands->items[i], error);
    if (rc != 0)
        return rc;
    if (o->targets.n == 0)
        return options_fail(error, operands->count == 0
                                       ? "which host? For instance: midwatch check example.com"
                                       : "the list names no host");
    if (o->set.chain != NULL && o->targets.n != 1)
        return options_fail(error, "--chain judges one chain for one HOST, not %zu",
                            o->targets.n);
    return 0;
}

int options_read(struct check_options *o, int argc, char **argv, struct buf *error)
{
    struct config_list operands;
    struct check_settings first;
    int rc;

    *o = (struct check_options){ .arena = ARENA_INIT(OPTIONS_ARENA_BYTES) };
    settings_default(&o->set);
    first = o->set;
    rc = args_parse(check_args, n_check_args, argc, argv, &first, &o->arena, &operands, error);
    if (rc == 0 && first.help) {
        o->set = first;
        return 0;
    }
    if (rc == 0)
        rc = settings_load(first.config, check_args, n_check_args, &o->set, &o->arena, error);
    if (rc == 0)
        rc = args_parse(check_args, n_check_args, argc, argv, &o->set, &o->arena, &operands,
                        error);
    if (rc == 0)
        rc = options_finish(o, &operands, error);
    return rc > 0 ? CHECK_USAGE : rc;
}

void options_deinit(struct check_options *o)
{
    target_list_deinit(&o->targets);
    arena_deinit(&o->arena);
}
