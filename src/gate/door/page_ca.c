#include "gate/door/page_ca.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "gate/door/page_html.h"
#include "trust/cert.h"

static void own_cert(struct cert **at)
{
    cert_free(*at);
}

/* Upper-case, as the systems that it is to be compared on show it. */
static void fingerprint_write(char out[100], const uint8_t sha256[32])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < 32; i++) {
        if (i > 0)
            out[n++] = ':';
        out[n++] = digits[sha256[i] >> 4];
        out[n++] = digits[sha256[i] & 15];
    }
    out[n] = '\0';
}

int ca_view_read(struct ca_view *out, struct mw_span der)
{
    CLEANUP(own_cert) struct cert *cert = NULL;
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(1024), safe = BUF_INIT(2048);
    struct ca_view ca = { .der = der };
    int r = der.len > 0 ? cert_parse(&cert, der) : -EINVAL;

    if (r != 0)
        return r == -ENOMEM ? r : -EINVAL;
    name_format_short(&name, cert->subject);
    text_safe(&safe, buf_span(&name), PAGE_TEXT_MAX);
    if (name.error == -ENOMEM || safe.error == -ENOMEM)
        return -ENOMEM;
    memcpy(ca.sha256, cert->sha256, sizeof(ca.sha256));
    fingerprint_write(ca.fingerprint, ca.sha256);
    ca.not_before = cert->not_before;
    ca.not_after = cert->not_after;
    ca.name = span_dup(buf_error(&name) == 0 && safe.len > 0 ? buf_span(&safe)
                                                            : SPAN_LIT("Midwatch CA"));
    if (ca.name == NULL)
        return -ENOMEM;
    *out = ca;
    return 0;
}

void ca_view_free(struct ca_view *ca)
{
    free(ca->name);
    ca->name = NULL;
}

/* RFC 7468 section 5. */
void page_ca_pem(struct buf *out, const struct ca_view *ca)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(256 * 1024);

    text_base64(&text, ca->der);
    page_fail(out, buf_error(&text));
    buf_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t i = 0; i < text.len; i += 64) {
        buf_add(out, span_cut(buf_span(&text), i, 64));
        buf_str(out, "\n");
    }
    buf_str(out, "-----END CERTIFICATE-----\n");
}

/* ------------------------------------------------------------- Apple's profiles ---- */

/* Version 8 of RFC 9562: bits of our choice, here of the fingerprint. */
static void uuid_write(struct buf *out, const uint8_t from[16])
{
    uint8_t u[16];

    memcpy(u, from, sizeof(u));
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x80);
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(u); i++)
        buf_printf(out, "%s%02X", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

static void key_string(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "<key>%s</key><string>", key);
    page_text(out, value);
    buf_str(out, "</string>\n");
}

static void key_uuid(struct buf *out, const uint8_t from[16])
{
    buf_str(out, "<key>PayloadUUID</key><string>");
    uuid_write(out, from);
    buf_str(out, "</string>\n<key>PayloadVersion</key><integer>1</integer>\n");
}

static void key_identifier(struct buf *out, const struct ca_view *ca, const char *suffix)
{
    buf_str(out, "<key>PayloadIdentifier</key><string>midwatch.gate.");
    text_hex(out, span_of(ca->sha256, 8), 0);
    buf_printf(out, "%s</string>\n", suffix);
}

void ca_mobileconfig(struct buf *out, const struct gate_config *c, const struct ca_view *ca)
{
    buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                 "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                 "<plist version=\"1.0\">\n<dict>\n<key>PayloadContent</key>\n<array>\n<dict>\n"
                 "<key>PayloadCertificateFileName</key><string>midwatch-ca.crt</string>\n"
                 "<key>PayloadContent</key>\n<data>");
    text_base64(out, ca->der);
    buf_str(out, "</data>\n");
    key_string(out, "PayloadDescription", "The root certificate of the inspecting gateway");
    key_string(out, "PayloadDisplayName", ca->name);
    key_identifier(out, ca, ".root");
    buf_str(out, "<key>PayloadType</key><string>com.apple.security.root</string>\n");
    key_uuid(out, ca->sha256);
    buf_str(out, "</dict>\n</array>\n");
    key_string(out, "PayloadDescription",
               "Lets this device accept the sites that the gateway decrypts and checks. Compare "
               "the certificate's SHA-256 fingerprint before you trust it.");
    key_string(out, "PayloadDisplayName", ca->name);
    key_identifier(out, ca, "");
    key_string(out, "PayloadOrganization", c->name != NULL ? c->name : "Midwatch");
    buf_str(out, "<key>PayloadRemovalDisallowed</key><false/>\n"
                 "<key>PayloadType</key><string>Configuration</string>\n");
    key_uuid(out, ca->sha256 + 16);
    buf_str(out, "</dict>\n</plist>\n");
}

/* --------------------------------------------------------------------------- PAC ---- */

static bool is_any_address(const struct addr *a)
{
    static const uint8_t zero[16] = { 0 };
    struct mw_span ip = addr_ip(a);

    return ip.len > 0 && memcmp(ip.data, zero, ip.len) == 0;
}

/* The listener that somebody reached at `at`; NULL: none for proxies. */
static const struct gate_listener *listener_at(const struct gate_config *c, const struct addr *at)
{
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct gate_listener *l = &c->listeners[i];
        bool here = addr_eq(&l->at, at) ||
                    (is_any_address(&l->at) && addr_port(&l->at) == addr_port(at));

        if (here && (l->entrance == GATE_ENTRANCE_HTTP || l->entrance == GATE_ENTRANCE_SOCKS5))
            return l;
    }
    return NULL;
}

/* Names only of what a script cannot be broken out of. */
static bool is_plain_name(const char *s)
{
    return s != NULL && s[0] != '\0' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

/* Without "; DIRECT" at the end: a gateway that is down must not be walked around. */
void pac_write(struct buf *out, const struct gate_config *c, const struct addr *at)
{
    const struct gate_listener *l = listener_at(c, at);
    char text[ADDR_TEXT], ip[ADDR_TEXT];

    addr_text(at, true, text);
    addr_text(at, false, ip);
    buf_str(out, "function FindProxyForURL(url, host) {\n");
    if (is_plain_name(c->name))
        buf_printf(out, "    if (host == \"%s\")\n        return through();\n", c->name);
    buf_printf(out,
               "    host = host.replace(/^\\[|\\]$/g, \"\");\n"
               "    if (host == \"%s\" || host == \"::1\" || /^127\\.[0-9.]+$/.test(host) ||\n"
               "        /^([^:]*\\.)?localhost$/.test(host) ||\n"
               "        (isPlainHostName(host) && host.indexOf(\":\") < 0))\n"
               "        return \"DIRECT\";\n"
               "    return through();\n"
               "}\n\n"
               "function through() {\n"
               "    return \"", ip);
    if (l == NULL)
        buf_str(out, "DIRECT");
    else if (l->entrance == GATE_ENTRANCE_HTTP)
        buf_printf(out, "PROXY %s", text);
    else
        buf_printf(out, "SOCKS5 %s; SOCKS %s", text, text);
    buf_str(out, "\";\n}\n");
}
