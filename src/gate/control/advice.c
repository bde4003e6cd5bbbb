#include "gate/control/advice.h"

#include <midwatch/trust.h>
#include <stdio.h>
#include <string.h>

#include "gate/control/cli.h"
#include "gate/policy/findings.h"
#include "net/addr.h"

const char *advice_party_name(enum advice_party p)
{
    static const char *const names[] = { "nobody", "the client", "the server", "the policy",
                                         "the gate" };

    return names[p];
}

void advice_deinit(struct advice *a)
{
    buf_deinit(&a->what);
    buf_deinit(&a->change);
}

/* RFC 8446 section 6.2, and what older versions had besides. */
enum {
    HANDSHAKE_FAILURE = 40,
    BAD_CERTIFICATE = 42,
    UNSUPPORTED_CERTIFICATE = 43,
    CERTIFICATE_REVOKED = 44,
    CERTIFICATE_EXPIRED = 45,
    CERTIFICATE_UNKNOWN = 46,
    UNKNOWN_CA = 48,
    ACCESS_DENIED = 49,
    PROTOCOL_VERSION = 70,
    INSUFFICIENT_SECURITY = 71,
    INAPPROPRIATE_FALLBACK = 86,
    UNRECOGNIZED_NAME = 112,
    CERTIFICATE_REQUIRED = 116,
    NO_APPLICATION_PROTOCOL = 120,
};

const char *advice_alert(int alert, char text[32])
{
    static const struct {
        int alert;
        const char *words;
    } known[] = {
        { 10, "unexpected message" },
        { 20, "bad record MAC" },
        { 21, "decryption failed" },
        { 22, "record overflow" },
        { HANDSHAKE_FAILURE, "handshake failure" },
        { BAD_CERTIFICATE, "bad certificate" },
        { UNSUPPORTED_CERTIFICATE, "unsupported certificate" },
        { CERTIFICATE_REVOKED, "certificate revoked" },
        { CERTIFICATE_EXPIRED, "certificate expired" },
        { CERTIFICATE_UNKNOWN, "certificate unknown" },
        { 47, "illegal parameter" },
        { UNKNOWN_CA, "unknown CA" },
        { ACCESS_DENIED, "access denied" },
        { 50, "decode error" },
        { 51, "decrypt error" },
        { PROTOCOL_VERSION, "protocol version" },
        { INSUFFICIENT_SECURITY, "insufficient security" },
        { 80, "internal error" },
        { INAPPROPRIATE_FALLBACK, "inappropriate fallback" },
        { 90, "user cancelled" },
        { 100, "no renegotiation" },
        { 109, "missing extension" },
        { 110, "unsupported extension" },
        { UNRECOGNIZED_NAME, "unrecognized name" },
        { CERTIFICATE_REQUIRED, "certificate required" },
        { NO_APPLICATION_PROTOCOL, "no application protocol" },
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].alert == alert)
            return known[i].words;
    snprintf(text, 32, "alert %d", alert);
    return text;
}

/* What is asked of an attempt again and again. */
struct facts {
    const json_t *attempt, *client_leg, *server_leg;
    const char *host, *client, *ja4, *outcome, *failed_at, *error, *gate_name;
    int client_alert, server_alert;
    bool forged, untrusted_leaf;
};

/* In the configuration's words: a name, or an address. */
static void where(struct buf *out, const struct facts *f)
{
    struct addr address;

    if (addr_parse(&address, span_str(f->host), 1) == 0)
        buf_printf(out, "destination = \"%s\"", f->host);
    else
        buf_printf(out, "names = %s", f->host);
}

/* What to put into the configuration; for the app alone where it is known. */
static void exception_line(struct buf *out, const struct facts *f, const char *why)
{
    if (f->host[0] == '\0')
        return;
    buf_printf(out, "To leave it untouched, put this into the configuration and run midwatch gate "
                    "reload:\n\texception \"%s\" { ", f->host);
    where(out, f);
    buf_str(out, "; ");
    if (f->ja4[0] != '\0')
        buf_printf(out, "ja4 = %s; ", f->ja4);
    buf_printf(out, "reason = \"%s\"; }\n", why);
}

static void check_line(struct buf *out, const struct facts *f, const char *before)
{
    int64_t port = cli_number(f->attempt, "port");

    if (f->host[0] == '\0')
        return;
    buf_printf(out, "%s:\n\tmidwatch check ", before);
    if (port == 0 || port == 443)
        buf_printf(out, "%s\n", f->host);
    else
        buf_printf(out, strchr(f->host, ':') != NULL ? "[%s]:%lld\n" : "%s:%lld\n", f->host,
                   (long long)port);
}

static void install_line(struct buf *out, const struct facts *f)
{
    buf_printf(out, "Install the gate's CA on %s: http://%s/, opened through the gate, says how "
                    "for each system; midwatch gate ca export prints it.\n",
               f->client[0] != '\0' ? f->client : "the device", f->gate_name);
}

/* -------------------------------------------------------------- the client ---- */

/* Alerts that say: I do not like this certificate. */
static bool is_certificate_alert(int alert)
{
    return alert == BAD_CERTIFICATE || alert == CERTIFICATE_UNKNOWN || alert == UNKNOWN_CA ||
           alert == UNSUPPORTED_CERTIFICATE || alert == CERTIFICATE_REVOKED ||
           alert == CERTIFICATE_EXPIRED || alert == ACCESS_DENIED;
}

static void certificate_refused(struct advice *a, const struct facts *f)
{
    char text[32];

    buf_printf(&a->what, "The client refused our certificate: it said \"%s\" (alert %d).",
               advice_alert(f->client_alert, text), f->client_alert);
    if (f->untrusted_leaf) {
        buf_str(&a->what, " It was signed with the untrusted CA, as the server's own certificate "
                          "could not be trusted: the client warns, as it should.");
        return;
    }
    if (f->client_alert == CERTIFICATE_EXPIRED) {
        buf_str(&a->change, "Look at the clock of the device: our certificates are some days old "
                            "at most.\n");
        return;
    }
    if (f->client_alert == UNSUPPORTED_CERTIFICATE)
        buf_str(&a->change, "The client may be too old for what we offer: leave it untouched, or "
                            "update it.\n");
    else
        install_line(&a->change, f);
    buf_str(&a->change, "If other apps on that device work, this one takes no certificate but its "
                        "own server's: it pins.\n");
    exception_line(&a->change, f, "pins its certificate");
}

/* Nothing was said, nothing was asked: what pinning apps do when they check by themselves. */
static bool closed_without_a_word(const struct facts *f)
{
    return f->forged && f->client_alert == 0 && cli_number(f->client_leg, "version") != 0 &&
           cli_number(f->attempt, "requests") == 0 && cli_number(f->attempt, "bytes_up") == 0 &&
           (strcmp(f->outcome, "client-failed") == 0 || strcmp(f->outcome, "completed") == 0);
}

static void silent(struct advice *a, const struct facts *f)
{
    a->who = ADVICE_CLIENT;
    buf_str(&a->what, "The client saw our certificate and closed without a word: no alert, no "
                      "request. Apps that pin do so, and so do clients that lack the CA.");
    buf_str(&a->change, "Once may be chance: people close tabs. If it happens each time and other "
                        "apps on that device work, the app pins; midwatch gate learned shows what "
                        "the learner makes of it.\n");
    install_line(&a->change, f);
    exception_line(&a->change, f, "pins its certificate");
}

static void client_handshake(struct advice *a, const struct facts *f)
{
    char text[32];

    buf_printf(&a->what, "The client gave up: it said \"%s\" (alert %d).",
               advice_alert(f->client_alert, text), f->client_alert);
    switch (f->client_alert) {
    case PROTOCOL_VERSION:
    case HANDSHAKE_FAILURE:
    case INSUFFICIENT_SECURITY:
        buf_str(&a->change, "Client and gate share no TLS version or cipher suite: the client is "
                            "old, or min-version is above what it knows. Update it, or leave it "
                            "untouched.\n");
        exception_line(&a->change, f, "too old to be inspected");
        break;
    case NO_APPLICATION_PROTOCOL:
        buf_str(&a->change, "The server speaks none of the protocols this client asks for; the "
                            "same would happen without the gate.\n");
        break;
    default:
        break;
    }
}

static void client_failed(struct advice *a, const struct facts *f)
{
    a->who = ADVICE_CLIENT;
    if (is_certificate_alert(f->client_alert)) {
        certificate_refused(a, f);
        return;
    }
    if (f->client_alert != 0) {
        client_handshake(a, f);
        return;
    }
    buf_printf(&a->what, "The client's side broke%s%s.", f->error[0] != '\0' ? ": " : "",
               f->error);
    if (strcmp(f->failed_at, "door") == 0)
        buf_str(&a->change, "The client does not speak to the proxy as this listener expects: "
                            "look at its proxy settings (http://, socks5://).\n");
    else if (strcmp(f->failed_at, "hello") == 0)
        buf_str(&a->change, "What came is no TLS, or stopped half-way; tunnels without TLS are "
                            "ruled by not-tls.\n");
}

/* -------------------------------------------------------------- the server ---- */

static void server_alerted(struct advice *a, const struct facts *f)
{
    char text[32];

    buf_printf(&a->what, "The server gave up: it said \"%s\" (alert %d).",
               advice_alert(f->server_alert, text), f->server_alert);
    switch (f->server_alert) {
    case CERTIFICATE_REQUIRED:
    case BAD_CERTIFICATE:
    case UNKNOWN_CA:
        buf_str(&a->change, "The server wants a certificate of the client, which only the client "
                            "itself can show: client-cert = bypass leaves such servers "
                            "untouched.\n");
        exception_line(&a->change, f, "wants a client certificate");
        break;
    case PROTOCOL_VERSION:
    case HANDSHAKE_FAILURE:
    case INSUFFICIENT_SECURITY:
        buf_str(&a->change, "The server offers nothing that is safe enough: midwatch check says "
                            "what it offers. min-version allows older TLS, for all.\n");
        break;
    case UNRECOGNIZED_NAME:
        buf_str(&a->change, "The server does not know this name: look at what the name resolves "
                            "to.\n");
        break;
    default:
        break;
    }
}

static void server_failed(struct advice *a, const struct facts *f)
{
    a->who = ADVICE_SERVER;
    if (f->server_alert != 0) {
        server_alerted(a, f);
        return;
    }
    buf_printf(&a->what, "The server's side broke%s%s.", f->error[0] != '\0' ? ": " : "",
               f->error);
    if (strcmp(f->failed_at, "dial") == 0 || cli_number(f->server_leg, "version") == 0) {
        check_line(&a->change, f, "Try it without the gate, from the gate's own computer");
        buf_str(&a->change, "A firewall in front of the gate, or its DNS (upstream { dns }), may "
                            "be the cause.\n");
    }
}

/* The finding that decided, in the trust engine's own words. */
static void refused(struct advice *a, const struct facts *f)
{
    const char *code = cli_text(f->attempt, "decided_by");
    const struct mw_code_info *info = mw_code_info(mw_code_find(code));

    a->who = ADVICE_SERVER;
    if (code[0] == '\0' || mw_code_find(code) == MW_CODE_NONE) {
        buf_printf(&a->what, "The server was not trusted%s%s.", f->error[0] != '\0' ? ": " : "",
                   f->error);
    } else {
        buf_printf(&a->what, "The server was not trusted: %s (%s).", info->title, code);
        if (info->it != NULL && info->it[0] != '\0')
            buf_printf(&a->change, "%s\n", info->it);
    }
    if (f->host[0] != '\0' && code[0] != '\0' && mw_code_find(code) != MW_CODE_NONE &&
        !findings_always_refused(mw_code_find(code))) {
        buf_printf(&a->change, "To let people decide for this site alone, put this into the "
                               "configuration and run midwatch gate reload:\n\trule \"%s\" { ",
                   f->host);
        where(&a->change, f);
        buf_printf(&a->change, "; on { %s = ask; } }\n", code);
    }
    check_line(&a->change, f, "The whole judgement");
}

/* ------------------------------------------------------------ policy and us ---- */

static void blocked(struct advice *a, const struct facts *f)
{
    const char *rule = cli_text(f->attempt, "rule"), *reason = cli_text(f->attempt, "reason");

    a->who = ADVICE_POLICY;
    if (strstr(f->error, "without TLS") != NULL) {
        buf_str(&a->what, "It was blocked: what came through the tunnel is no TLS, and not-tls "
                          "says block.");
        buf_str(&a->change, "not-tls = inspect passes such bytes on and counts them.\n");
        return;
    }
    buf_printf(&a->what, "It was blocked by %s%s%s.", rule[0] != '\0' ? rule : "the policy",
               reason[0] != '\0' ? ": " : "", reason);
    if (strcmp(rule, "undefined") == 0)
        buf_str(&a->change, "No rule fits it, and undefined = block says what happens then.\n");
    if (f->host[0] == '\0')
        return;
    buf_printf(&a->change, "To allow it, put this before that rule and run midwatch gate reload:\n"
                           "\trule \"%s\" { ", f->host);
    where(&a->change, f);
    buf_str(&a->change, "; action = inspect; }\n");
}

static void timed_out(struct advice *a, const struct facts *f)
{
    bool at_client = strcmp(f->failed_at, "door") == 0 || strcmp(f->failed_at, "hello") == 0 ||
                     strcmp(f->failed_at, "greet") == 0;

    a->who = at_client ? ADVICE_CLIENT : ADVICE_SERVER;
    buf_printf(&a->what, "It took too long (%s)%s%s.", f->failed_at[0] != '\0' ? f->failed_at
                                                                                : "idle",
               f->error[0] != '\0' ? ": " : "", f->error);
    if (strcmp(f->failed_at, "bridge") == 0 || strcmp(f->failed_at, "bypass") == 0) {
        a->who = ADVICE_NOBODY;
        buf_str(&a->change, "Nobody said anything for limits { idle } (tunnel-idle for what is not "
                            "HTTP): raise it if the app waits that long.\n");
    } else {
        buf_str(&a->change, "limits { hello, dial, handshake } say how long each step may take.\n");
    }
}

static void ours(struct advice *a, const struct facts *f)
{
    a->who = ADVICE_GATE;
    if (strcmp(f->outcome, "overloaded") == 0) {
        buf_printf(&a->what, "The gate had reached a limit%s%s.", f->error[0] != '\0' ? ": " : "",
                   f->error);
        buf_str(&a->change, "limits { connections, per-client } and ca { rate-per-minute } set "
                            "them; midwatch gate status shows what happens most.\n");
        return;
    }
    buf_printf(&a->what, "The gate itself failed%s%s.", f->error[0] != '\0' ? ": " : "", f->error);
    buf_str(&a->change, "Its messages around that time say more (journalctl -u midwatch-gate).\n");
}

static void completed(struct advice *a, const struct facts *f)
{
    const char *weakened = cli_text(f->attempt, "weakened");

    a->who = ADVICE_NOBODY;
    if (strcmp(cli_text(f->attempt, "action"), "bypass") == 0) {
        buf_str(&a->what, "It passed untouched: what failed, if anything did, was between the "
                          "client and the server themselves.");
        return;
    }
    if (strcmp(cli_text(f->attempt, "protocol"), "raw") == 0)
        buf_str(&a->what, "It passed as the bytes it was: no HTTP that could be looked into.");
    else
        buf_str(&a->what, "It went well as far as the gate can tell.");
    if (weakened[0] != '\0')
        buf_printf(&a->what, " One side is weaker than the other: %s.", weakened);
    if (cli_number(f->attempt, "blocked_requests") > 0)
        buf_str(&a->change, "Some requests were answered by the gate itself: the log says why.\n");
}

void advice_of(struct advice *a, const json_t *attempt, const char *gate_name)
{
    const struct facts f = {
        .attempt = attempt,
        .client_leg = json_object_get(attempt, "client_leg"),
        .server_leg = json_object_get(attempt, "server_leg"),
        .host = cli_text(attempt, "host"),
        .client = cli_text(attempt, "client"),
        .ja4 = cli_text(attempt, "ja4"),
        .outcome = cli_text(attempt, "outcome"),
        .failed_at = cli_text(attempt, "failed_at"),
        .error = cli_text(attempt, "error"),
        .gate_name = gate_name,
        .client_alert = (int)cli_number(json_object_get(attempt, "client_leg"), "alert_received"),
        .server_alert = (int)cli_number(json_object_get(attempt, "server_leg"), "alert_received"),
        .forged = json_is_true(json_object_get(attempt, "forged")),
        .untrusted_leaf = json_is_true(json_object_get(attempt, "forged_untrusted")),
    };

    if (strcmp(f.outcome, "blocked") == 0)
        blocked(a, &f);
    else if (strcmp(f.outcome, "refused") == 0)
        refused(a, &f);
    else if (closed_without_a_word(&f) && !f.untrusted_leaf)
        silent(a, &f);
    else if (strcmp(f.outcome, "client-failed") == 0 || is_certificate_alert(f.client_alert))
        client_failed(a, &f);
    else if (strcmp(f.outcome, "server-failed") == 0)
        server_failed(a, &f);
    else if (strcmp(f.outcome, "timed-out") == 0)
        timed_out(a, &f);
    else if (strcmp(f.outcome, "overloaded") == 0 || strcmp(f.outcome, "internal") == 0)
        ours(a, &f);
    else
        completed(a, &f);
}
