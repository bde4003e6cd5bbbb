/*
 * Statements about the time, the network and this computer.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "scenario.h"

static bool number(const char *text, int64_t *out)
{
    return text_number(span_str(text[0] == '+' ? text + 1 : text), -1000000000, 1000000000, out) ==
           0;
}

static bool clock_say(struct scene *w, const struct line *l, struct buf *why)
{
    static const struct {
        const char *name;
        enum mw_clock_source source;
    } sources[] = {
        {"sntp",       MW_CLOCK_SNTP     },
        { "roughtime", MW_CLOCK_ROUGHTIME},
        { "http-date", MW_CLOCK_HTTP_DATE},
    };
    struct mw_clock_reading *c = &w->clocks[w->ev.n_clocks];
    int64_t offset = 0;

    if (w->ev.n_clocks == SCENE_MAX_ITEMS)
        return false;
    *c = (struct mw_clock_reading){ .server = scene_keep(w, line_value(l, "server", "time.test")),
                                    .uncertainty_ms = 20 };
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (strcmp(line_word(l, 1), sources[i].name) == 0)
            c->source = sources[i].source;
    c->ok = !line_has(l, "silent");
    c->signature_bad = line_has(l, "forged");
    if (c->ok && !number(line_word(l, 2), &offset)) {
        buf_str(why, "wants: clock SOURCE +SECONDS, or: clock SOURCE silent");
        return false;
    }
    c->offset_ms = offset * 1000;
    w->ev.n_clocks++;
    return true;
}

static bool caa_say(struct scene *w, const struct line *l)
{
    w->ev.caa_looked = MW_SEEN_YES;
    for (size_t i = 1; i < l->n && w->ev.n_caa < SCENE_MAX_ITEMS; i++)
        w->caa[w->ev.n_caa++] =
            (struct mw_caa){ .tag = "issue", .value = scene_keep(w, l->words[i].key) };
    return true;
}

/* echo same|differs|hello-differs signed|unsigned */
static bool echo_say(struct scene *w, const struct line *l, struct buf *why)
{
    static const uint8_t ours[32] = { 1, 2, 3 }, theirs[32] = { 9, 9, 9 };
    static const uint8_t hello[64] = { 1, 0, 0, 60 }, other_hello[48] = { 1, 0, 0, 44 };
    struct mw_echo *e = &w->ev.echo;

    *e = (struct mw_echo){ .answered = MW_SEEN_YES, .signer = "sha256/AAAA=" };
    e->signature_good = line_has(l, "signed");
    if (line_has(l, "hello-differs")) {
        e->hello_ours = span_of(hello, sizeof(hello));
        e->hello_theirs = span_of(other_hello, sizeof(other_hello));
        return true;
    }
    e->exporter_ours = span_of(ours, sizeof(ours));
    e->hello_ours = e->hello_theirs = span_of(hello, sizeof(hello));
    e->exporter_theirs = line_has(l, "same") ? e->exporter_ours : span_of(theirs, sizeof(theirs));
    if (line_has(l, "same") || line_has(l, "differs"))
        return true;
    buf_str(why, "wants same, differs or hello-differs");
    return false;
}

static bool reach_say(struct scene *w, const struct line *l, struct buf *why)
{
    static const struct {
        const char *name;
        enum mw_reach reach;
    } names[] = {
        {"file",               MW_REACH_NOT_TRIED        },
        { "handshake",         MW_REACH_HANDSHAKE        },
        { "dns-failed",        MW_REACH_DNS_FAILED       },
        { "refused",           MW_REACH_REFUSED          },
        { "connect-timeout",   MW_REACH_CONNECT_TIMEOUT  },
        { "no-route",          MW_REACH_NO_ROUTE         },
        { "proxy-refused",     MW_REACH_PROXY_REFUSED    },
        { "starttls-refused",  MW_REACH_STARTTLS_REFUSED },
        { "reset",             MW_REACH_RESET            },
        { "closed",            MW_REACH_CLOSED           },
        { "alert",             MW_REACH_ALERT            },
        { "handshake-timeout", MW_REACH_HANDSHAKE_TIMEOUT},
        { "handshake-failed",  MW_REACH_HANDSHAKE_FAILED },
        { "not-tls",           MW_REACH_NOT_TLS          },
        { "too-big",           MW_REACH_TOO_BIG          },
    };
    int64_t alert = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(line_word(l, 1), names[i].name) != 0)
            continue;
        w->ev.reach = names[i].reach;
        (void)number(line_value(l, "alert", "0"), &alert);
        w->ev.tls.alert = (uint8_t)alert;
        return true;
    }
    buf_printf(why, "no such reach: %s", line_word(l, 1));
    return false;
}

static bool tls_say(struct scene *w, const struct line *l)
{
    const char *version = line_value(l, "version", NULL);
    int64_t n = 0;

    if (version != NULL)
        w->ev.tls.version = (uint16_t)strtoul(version, NULL, 16);
    w->ev.tls.cipher_suite = (uint16_t)strtoul(line_value(l, "suite", "0"), NULL, 16);
    if (line_value(l, "cipher", NULL) != NULL)
        w->ev.tls.cipher_name = scene_keep(w, line_value(l, "cipher", ""));
    (void)number(line_value(l, "dh", "0"), &n);
    w->ev.tls.dh_bits = (uint16_t)n;
    w->ev.tls.client_cert_wanted = line_has(l, "client-cert");
    w->ev.tls.downgrade_mark = line_has(l, "downgrade-mark") ? MW_SEEN_YES : MW_SEEN_NO;
    return true;
}

/* way [proxy=URL] [used] [vpn=tun0] [hosts-file=…] [loopback] [listener=…] [portal=URL]
 *     [answer-us=N nearest-us=N] [ech-refused] */
static bool way_say(struct scene *w, const struct line *l)
{
    struct mw_local_facts *f = &w->ev.local;
    int64_t n = 0;

    f->looked = MW_SEEN_YES;
    for (size_t i = 1; i < l->n; i++) {
        const char *key = l->words[i].key;
        const char *value = l->words[i].value != NULL ? scene_keep(w, l->words[i].value) : NULL;

        if (strcmp(key, "proxy") == 0)
            f->proxy = value;
        else if (strcmp(key, "vpn") == 0)
            f->vpn_interface = value;
        else if (strcmp(key, "hosts-file") == 0)
            f->hosts_file = value;
        else if (strcmp(key, "listener") == 0)
            f->listener = value;
        else if (strcmp(key, "portal") == 0)
            f->portal_url = value;
    }
    f->portal = f->portal_url != NULL ? MW_SEEN_YES : MW_SEEN_NO;
    f->proxy_used = line_has(l, "used");
    f->vpn_up_elsewhere = line_has(l, "vpn-elsewhere");
    f->peer_is_loopback = line_has(l, "loopback");
    (void)number(line_value(l, "answer-us", "0"), &n);
    f->first_answer_us = n;
    n = 0;
    (void)number(line_value(l, "nearest-us", "0"), &n);
    f->nearest_hop_us = n;
    if (line_has(l, "ech-refused")) {
        w->ev.ech_advertised = MW_SEEN_YES;
        w->ev.tls.ech_accepted = MW_SEEN_NO;
    }
    return true;
}

static bool host_say(struct scene *w, const struct line *l, struct buf *why)
{
    int64_t port = 443;

    if (strlen(line_word(l, 1)) >= sizeof(w->host) ||
        !number(line_value(l, "port", "443"), &port)) {
        buf_str(why, "wants: host NAME [port=N]");
        return false;
    }
    memcpy(w->host, line_word(l, 1), strlen(line_word(l, 1)) + 1);
    w->ev.host = w->host;
    w->ev.port = (uint16_t)port;
    return true;
}

static bool at_say(struct scene *w, const struct line *l, struct buf *why)
{
    if (wall_parse(span_str(line_word(l, 1)), &w->ev.now) == 0)
        return true;
    buf_str(why, "wants: at 2026-11-21T12:00:00Z");
    return false;
}

bool facts_say(struct scene *w, const struct line *l, struct buf *why, bool *known)
{
    const char *what = l->words[0].key;

    *known = true;
    if (strcmp(what, "at") == 0)
        return at_say(w, l, why);
    if (strcmp(what, "built") == 0)
        return wall_parse(span_str(line_word(l, 1)), &w->ev.built) == 0;
    if (strcmp(what, "host") == 0)
        return host_say(w, l, why);
    if (strcmp(what, "clock") == 0)
        return clock_say(w, l, why);
    if (strcmp(what, "caa") == 0)
        return caa_say(w, l);
    if (strcmp(what, "echo") == 0)
        return echo_say(w, l, why);
    if (strcmp(what, "reach") == 0)
        return reach_say(w, l, why);
    if (strcmp(what, "tls") == 0)
        return tls_say(w, l);
    if (strcmp(what, "way") == 0)
        return way_say(w, l);
    if (strcmp(what, "revocation-asked") == 0) {
        w->ev.revocation_fetch = line_has(l, "failed") ? MW_COULD_NOT_LOOK : MW_SEEN_YES;
        return true;
    }
    *known = false;
    return true;
}
