#include "check/exempt_forms.h"

/* "." is the only character of a host name that a regular expression reads otherwise. */
static void regex_escape(struct buf *out, const char *domain)
{
    for (; *domain != '\0'; domain++) {
        if (*domain == '.')
            buf_u8(out, '\\');
        buf_u8(out, (uint8_t)*domain);
    }
}

/* A leading dot covers the apex as well. */
static void dotted(struct buf *out, const struct exempt_name *name)
{
    buf_printf(out, "%s%s", name->tree ? "." : "", name->domain);
}

static void print_squid(struct buf *out, const struct exempt_name *names, size_t n)
{
    buf_str(out, "acl midwatch_step1 at_step SslBump1\n");
    for (size_t i = 0; i < n; i++) {
        buf_str(out, "acl midwatch_splice ssl::server_name ");
        dotted(out, &names[i]);
        buf_str(out, "\n");
    }
    buf_str(out, "ssl_bump peek midwatch_step1\nssl_bump splice midwatch_splice\n");
}

static void panos_entry(struct buf *out, const char *star, const char *domain)
{
    buf_printf(out, "  <entry name=\"%s%s\"><exclude>yes</exclude></entry>\n", star, domain);
}

static void print_panos(struct buf *out, const struct exempt_name *names, size_t n)
{
    buf_str(out, "<ssl-exclude-cert>\n");
    for (size_t i = 0; i < n; i++) {
        panos_entry(out, "", names[i].domain);
        if (names[i].tree) /* "*." does not cover the apex here */
            panos_entry(out, "*.", names[i].domain);
    }
    buf_str(out, "</ssl-exclude-cert>\n");
}

static void fortios_object(struct buf *out, size_t *number, const char *star, const char *domain)
{
    buf_printf(out, "    edit \"midwatch-%zu\"\n        set wildcard-fqdn \"%s%s\"\n    next\n",
               ++*number, star, domain);
}

static void print_fortios(struct buf *out, const struct exempt_name *names, size_t n)
{
    size_t objects = 0;

    buf_str(out, "config firewall wildcard-fqdn custom\n");
    for (size_t i = 0; i < n; i++) {
        fortios_object(out, &objects, "", names[i].domain);
        if (names[i].tree)
            fortios_object(out, &objects, "*.", names[i].domain);
    }
    buf_str(out, "end\nconfig firewall ssl-ssh-profile\n    edit \"PROFILE\"\n"
                 "        config ssl-exempt\n");
    for (size_t i = 1; i <= objects; i++)
        buf_printf(out,
                   "            edit 0\n"
                   "                set type wildcard-fqdn\n"
                   "                set wildcard-fqdn \"midwatch-%zu\"\n"
                   "            next\n",
                   i);
    buf_str(out, "        end\n    next\nend\n");
}

static void print_zscaler(struct buf *out, const struct exempt_name *names, size_t n)
{
    buf_str(out, "{\"configuredName\":\"Not inspected: midwatch\","
                 "\"superCategory\":\"USER_DEFINED\",\"customCategory\":true,\"urls\":[");
    for (size_t i = 0; i < n; i++) {
        buf_str(out, i > 0 ? ",\"" : "\"");
        dotted(out, &names[i]);
        buf_str(out, "\"");
    }
    buf_str(out, "]}\n");
}

static void print_sophos(struct buf *out, const struct exempt_name *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_str(out, names[i].tree ? "^([A-Za-z0-9.-]*\\.)?" : "^");
        regex_escape(out, names[i].domain);
        buf_str(out, "/\n");
    }
}

static void print_plain(struct buf *out, const struct exempt_name *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\n", names[i].domain);
}

static void print_wsa(struct buf *out, const struct exempt_name *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", names[i].domain);
        if (names[i].tree)
            buf_printf(out, ", .%s", names[i].domain);
    }
    buf_str(out, "\n");
}

static void cloudflare_set(struct buf *out, const struct exempt_name *names, size_t n, bool tree)
{
    size_t done = 0;

    for (size_t i = 0; i < n; i++)
        if (names[i].tree == tree)
            buf_printf(out, "%s\"%s\"", done++ > 0 ? " " : "", names[i].domain);
}

static void print_cloudflare(struct buf *out, const struct exempt_name *names, size_t n)
{
    size_t trees = 0;

    for (size_t i = 0; i < n; i++)
        trees += names[i].tree;
    if (trees > 0) {
        buf_str(out, "any(http.conn.domains[*] in {");
        cloudflare_set(out, names, n, true);
        buf_str(out, "})");
    }
    if (trees > 0 && trees < n)
        buf_str(out, " or ");
    if (trees < n) {
        buf_str(out, "http.conn.hostname in {");
        cloudflare_set(out, names, n, false);
        buf_str(out, "}");
    }
    buf_str(out, "\n");
}

static void print_mitmproxy(struct buf *out, const struct exempt_name *names, size_t n)
{
    buf_str(out, "ignore_hosts:\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "  - '^%s", names[i].tree ? "(.+\\.)?" : "");
        regex_escape(out, names[i].domain);
        buf_str(out, ":443$'\n");
    }
}

static void print_opnsense(struct buf *out, const struct exempt_name *names, size_t n)
{
    buf_str(out, "<sslnobumpsites>");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_str(out, ",");
        dotted(out, &names[i]);
    }
    buf_str(out, "</sslnobumpsites>\n");
}

static void print_sslproxy(struct buf *out, const struct exempt_name *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "Pass to sni %s\n", names[i].domain);
        /* A trailing * makes it a search for the text anywhere in the name, so the tree also
         * lets through "www.example.com.evil.test"; there is no tighter form. */
        if (names[i].tree)
            buf_printf(out, "Pass to sni .%s*\n", names[i].domain);
    }
}

static void print_midwatch(struct buf *out, const struct exempt_name *names, size_t n)
{
    buf_str(out, "exception {\n    names = [");
    for (size_t i = 0; i < n; i++) {
        buf_str(out, i > 0 ? ", \"" : " \"");
        dotted(out, &names[i]);
        buf_str(out, "\"");
    }
    buf_str(out, " ];\n    action = bypass;\n}\n");
}

static const char *const panos_aliases[] = { "pan-os", "paloalto", "palo-alto", "prisma", NULL };
static const char *const fortios_aliases[] = { "fortigate", "fortinet", NULL };
static const char *const umbrella_aliases[] = { "cisco-umbrella", "secure-access", NULL };
static const char *const wsa_aliases[] = { "ironport", "cisco-wsa", "secure-web-appliance", NULL };
static const char *const opnsense_aliases[] = { "pfsense", NULL };

const struct exempt_form exempt_forms[] = {
    { "squid", NULL, "Squid 4 to 7", "squid.conf, before the first ssl_bump line that bumps", "# ",
      print_squid },
    { "panos", panos_aliases, "Palo Alto Networks PAN-OS",
      "/config/shared/ssl-decrypt/ssl-exclude-cert, or Device > Certificate Management > SSL "
      "Decryption Exclusion",
      NULL, print_panos },
    { "fortios", fortios_aliases, "FortiOS",
      "the CLI; PROFILE is the SSL inspection profile that the policy uses", "# ", print_fortios },
    { "zscaler", NULL, "Zscaler Internet Access",
      "a URL category (API: urlCategories), then used by an SSL inspection rule that does not "
      "inspect; the dot covers the apex",
      NULL, print_zscaler },
    { "sophos", NULL, "Sophos Firewall",
      "Web > Exceptions, matching URL patterns; or the plain names in the Local TLS exclusion "
      "list",
      NULL, print_sophos },
    { "umbrella", umbrella_aliases, "Cisco Umbrella and Secure Access",
      "the Selective Decryption List (Umbrella) or a Do Not Decrypt List (Secure Access); a name "
      "covers what is below it",
      NULL, print_plain },
    { "wsa", wsa_aliases, "Cisco Secure Web Appliance",
      "a custom URL category, then Decryption Policies: Pass Through", NULL, print_wsa },
    { "cloudflare", NULL, "Cloudflare Gateway",
      "an HTTP policy with the action Do Not Inspect, above those that inspect", NULL,
      print_cloudflare },
    { "mitmproxy", NULL, "mitmproxy", "~/.mitmproxy/config.yaml", "# ", print_mitmproxy },
    { "opnsense", opnsense_aliases, "OPNsense web proxy",
      "Services > Squid Web Proxy > Forward Proxy: SSL no bump sites; the element in "
      "config.xml is",
      NULL, print_opnsense },
    { "sslproxy", NULL, "SSLproxy", "sslproxy.conf, before the rules that divert or split", "# ",
      print_sslproxy },
    { "midwatch", NULL, "midwatch gate", "the gate's configuration", "# ", print_midwatch },
};
const size_t n_exempt_forms = ARRAY_LEN(exempt_forms);

const struct exempt_form *exempt_form_find(const char *id)
{
    for (size_t i = 0; i < n_exempt_forms; i++) {
        const char *const *alias = exempt_forms[i].aliases;

        if (span_eq_nocase(span_str(id), span_str(exempt_forms[i].id)))
            return &exempt_forms[i];
        for (; alias != NULL && *alias != NULL; alias++)
            if (span_eq_nocase(span_str(id), span_str(*alias)))
                return &exempt_forms[i];
    }
    return NULL;
}
