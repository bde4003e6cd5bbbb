/*
 * What it means that the connection did not come far enough to be judged.
 * Source: RFC 8446 section 6 for the alerts.
 */
#include "trust/judge.h"

static const char *alert_name(uint8_t alert)
{
    static const char *const names[] = {
        [0] = "close notify",
        [10] = "unexpected message",
        [20] = "bad record MAC",
        [21] = "decryption failed",
        [22] = "record overflow",
        [30] = "decompression failure",
        [40] = "handshake failure: no method in common",
        [42] = "bad certificate",
        [43] = "unsupported certificate",
        [44] = "certificate revoked",
        [45] = "certificate expired",
        [46] = "certificate unknown",
        [47] = "illegal parameter",
        [48] = "unknown authority",
        [49] = "access denied",
        [50] = "decode error",
        [51] = "decrypt error",
        [60] = "export restriction",
        [70] = "protocol version: not one the server accepts",
        [71] = "insufficient security",
        [80] = "internal error",
        [86] = "inappropriate fallback",
        [90] = "user canceled",
        [109] = "missing extension",
        [110] = "unsupported extension",
        [112] = "unrecognized name: the server does not know this site",
        [113] = "bad certificate status response",
        [115] = "unknown PSK identity",
        [116] = "certificate required",
        [120] = "no application protocol in common",
        [121] = "encrypted client hello required",
    };

    return alert < ARRAY_LEN(names) && names[alert] != NULL ? names[alert] : "not a known alert";
}

static const struct {
    enum mw_code code;
    const char *text;
} meanings[] = {
    [MW_REACH_DNS_FAILED] = { MW_DNS_FAILED, "no address for this name" },
    [MW_REACH_REFUSED] = { MW_CONNECT_REFUSED, "the port is closed" },
    [MW_REACH_CONNECT_TIMEOUT] = { MW_CONNECT_TIMEOUT, "no answer in time" },
    [MW_REACH_NO_ROUTE] = { MW_NETWORK_UNREACHABLE, "no way to the address" },
    [MW_REACH_PROXY_REFUSED] = { MW_PROXY_REFUSED, "the proxy said no" },
    [MW_REACH_STARTTLS_REFUSED] = { MW_STARTTLS_REFUSED, "the server would not encrypt" },
    [MW_REACH_RESET] = { MW_RESET_IN_HANDSHAKE, "cut after the site was named; nothing was read" },
    [MW_REACH_CLOSED] = { MW_CLOSED_IN_HANDSHAKE,
                          "closed after the site was named; nothing was read" },
    [MW_REACH_ALERT] = { MW_ALERT_RECEIVED, NULL },
    [MW_REACH_HANDSHAKE_TIMEOUT] = { MW_HANDSHAKE_TIMEOUT, "connected, then nothing came" },
    [MW_REACH_HANDSHAKE_FAILED] = { MW_HANDSHAKE_FAILED, "the handshake broke" },
    [MW_REACH_NOT_TLS] = { MW_NOT_TLS, "the first bytes are not TLS" },
    [MW_REACH_TOO_BIG] = { MW_TOO_BIG, "more than the limit" },
};

/* Who cut it cannot be seen from here; the server may have. */
static void doubt(struct mw_finding *f)
{
    if (f == NULL || (f->code != MW_RESET_IN_HANDSHAKE && f->code != MW_CLOSED_IN_HANDSHAKE))
        return;
    f->disproof = "The same happens from another network: then the server does it.";
}

bool reach_came_through(enum mw_reach reach)
{
    return reach == MW_REACH_HANDSHAKE || reach == MW_REACH_NOT_TRIED;
}

int reach_judge(struct judge *j)
{
    const struct mw_evidence *ev = j->ev;
    enum mw_reach reach = ev->reach;

    if (ev->tls.client_cert_wanted)
        judge_add(j, MW_CLIENT_CERT_WANTED, -1, "asked for in the handshake");
    if (reach == MW_REACH_NOT_TRIED)
        return 0;
    if (reach == MW_REACH_HANDSHAKE) {
        if (ev->n_sent == 0)
            judge_add(j, MW_HANDSHAKE_FAILED, -1, "the server showed no certificate");
        return 0;
    }
    if ((size_t)reach >= ARRAY_LEN(meanings) || meanings[reach].code == MW_CODE_NONE)
        return 0;
    if (reach == MW_REACH_ALERT)
        judge_add(j, MW_ALERT_RECEIVED, -1, "alert %u, %s", (unsigned)ev->tls.alert,
                  alert_name(ev->tls.alert));
    else
        doubt(judge_add(j, meanings[reach].code, -1, "%s",
                        ev->reach_detail != NULL ? ev->reach_detail : meanings[reach].text));
    return 0;
}
