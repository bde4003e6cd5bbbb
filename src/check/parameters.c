#include "check/parameters.h"

#include "base/text.h"

struct number_name {
    uint16_t number;
    const char *name;
};

static const char *name_of(const struct number_name *names, size_t n, uint16_t number)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}

const char *tls_version_name(uint16_t version)
{
    static const struct number_name names[] = {
        { 0x0002, "SSL 2.0" }, { 0x0300, "SSL 3.0" }, { 0x0301, "TLS 1.0" },
        { 0x0302, "TLS 1.1" }, { 0x0303, "TLS 1.2" }, { 0x0304, "TLS 1.3" },
    };

    return name_of(names, ARRAY_LEN(names), version);
}

/* IANA "TLS Supported Groups". */
const char *tls_group_name(uint16_t group)
{
    static const struct number_name names[] = {
        { 21, "P-224" },         { 23, "P-256" },          { 24, "P-384" },
        { 25, "P-521" },         { 29, "X25519" },         { 30, "X448" },
        { 256, "ffdhe2048" },    { 257, "ffdhe3072" },     { 258, "ffdhe4096" },
        { 4587, "P256MLKEM768" }, { 4588, "X25519MLKEM768" }, { 4589, "P384MLKEM1024" },
    };

    return name_of(names, ARRAY_LEN(names), group);
}

/* IANA "TLS SignatureScheme". */
const char *tls_scheme_name(uint16_t scheme)
{
    static const struct number_name names[] = {
        { 0x0201, "rsa_pkcs1_sha1" },         { 0x0203, "ecdsa_sha1" },
        { 0x0401, "rsa_pkcs1_sha256" },       { 0x0501, "rsa_pkcs1_sha384" },
        { 0x0601, "rsa_pkcs1_sha512" },       { 0x0403, "ecdsa_secp256r1_sha256" },
        { 0x0503, "ecdsa_secp384r1_sha384" }, { 0x0603, "ecdsa_secp521r1_sha512" },
        { 0x0804, "rsa_pss_rsae_sha256" },    { 0x0805, "rsa_pss_rsae_sha384" },
        { 0x0806, "rsa_pss_rsae_sha512" },    { 0x0807, "ed25519" },
        { 0x0808, "ed448" },
    };

    return name_of(names, ARRAY_LEN(names), scheme);
}

const char *reach_name(enum mw_reach reach)
{
    static const char *const names[] = {
        [MW_REACH_NOT_TRIED] = "not-tried",
        [MW_REACH_HANDSHAKE] = "handshake",
        [MW_REACH_DNS_FAILED] = "dns-failed",
        [MW_REACH_REFUSED] = "refused",
        [MW_REACH_CONNECT_TIMEOUT] = "connect-timeout",
        [MW_REACH_NO_ROUTE] = "no-route",
        [MW_REACH_PROXY_REFUSED] = "proxy-refused",
        [MW_REACH_STARTTLS_REFUSED] = "starttls-refused",
        [MW_REACH_RESET] = "reset",
        [MW_REACH_CLOSED] = "closed",
        [MW_REACH_ALERT] = "alert",
        [MW_REACH_HANDSHAKE_TIMEOUT] = "handshake-timeout",
        [MW_REACH_HANDSHAKE_FAILED] = "handshake-failed",
        [MW_REACH_NOT_TLS] = "not-tls",
        [MW_REACH_TOO_BIG] = "too-big",
    };

    return (size_t)reach < ARRAY_LEN(names) ? names[reach] : "unknown";
}

static void part(struct buf *out, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    if (out->len > 0)
        buf_str(out, ", ");
    text_safe(out, span_str(text), 80);
}

void parameters_text(struct buf *out, const struct mw_evidence *ev)
{
    const struct mw_parameters *t = &ev->tls;

    part(out, tls_version_name(t->version));
    part(out, t->cipher_name);
    part(out, tls_group_name(t->group));
    if (t->dh_bits > 0)
        buf_printf(out, "%sDH %u bits", out->len > 0 ? ", " : "", t->dh_bits);
    part(out, tls_scheme_name(t->signature_scheme));
    part(out, t->alpn);
}

void url_shown(struct buf *out, const char *url)
{
    const char *slashes = strstr(url, "://");
    const char *start = slashes != NULL ? slashes + 3 : url;
    const char *end = start + strcspn(start, "/?#");
    const char *host = start;

    for (const char *c = start; c < end; c++)
        if (*c == '@')
            host = c + 1;
    text_safe(out, span_of(url, (size_t)(start - url)), 0);
    text_safe(out, span_str(host), 200);
}
