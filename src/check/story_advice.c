#include "check/story_advice.h"

static const struct {
    const char *kind, *advice;
} by_kind[] = {
    { "antivirus",
      "An antivirus program reads your connections to scan them. Its settings have a switch, "
      "often called HTTPS scanning or web shield, and a list of sites to leave alone: add this "
      "site there, or ask whoever set it up." },
    { "corporate-gateway",
      "This is how many companies and schools check traffic. On their equipment, assume they "
      "can read this; keep private matters on your own device and network. If an app stops "
      "working, send IT the text below." },
    { "home-filter",
      "A family or content filter reads this connection. Ask whoever installed it to leave this "
      "site alone, or use another device." },
    { "vpn",
      "The VPN program reads this connection. Switch off its web protection, or leave the VPN "
      "and check again." },
    { "debug-proxy",
      "A developer's tool reads this connection. If you did not start it yourself just now, "
      "close it, take its authority out of the trusted certificates, and find out who put it "
      "there." },
    { "malware",
      "This authority's private key is public or in the wrong hands: anybody can read and "
      "change what you send. Stop, remove the authority and the program that brought it, and "
      "change the passwords you used meanwhile." },
    { "state-ca",
      "This authority belongs to a state. If the site is not one that uses it openly, assume "
      "that your traffic is read." },
    { "captive-portal",
      "The network wants you to sign in first. Open a browser, sign in, and check again." },
};

const char *advice_for_reader(const struct mw_reader *r)
{
    for (size_t i = 0; r->kind != NULL && i < ARRAY_LEN(by_kind); i++)
        if (strcmp(r->kind, by_kind[i].kind) == 0)
            return by_kind[i].advice;
    return "Somebody with a certificate that this computer was told to trust reads this "
           "connection. Ask whoever looks after this computer or network; until you know who it "
           "is, do not send anything here that they should not read.";
}

/* Parts of product or vendor names, and what `midwatch exempt --for` calls them; the more
 * special first. */
static const struct {
    const char *part, *target;
} by_product[] = {
    { "Fortinet", "fortios" },
    { "Palo Alto", "panos" },
    { "Zscaler", "zscaler" },
    { "Sophos", "sophos" },
    { "Cisco Secure Web Appliance", "wsa" },
    { "Cisco Umbrella", "umbrella" },
    { "Cisco Secure Access", "umbrella" },
    { "Cloudflare", "cloudflare" },
    { "mitmproxy", "mitmproxy" },
    { "OPNsense", "opnsense" },
    { "SSLproxy", "sslproxy" },
    { "Squid", "squid" },
    { "Midwatch", "midwatch" },
};

const char *advice_exempt_command(struct arena *arena, const struct mw_reader *r,
                                  const char *host)
{
    const char *target = NULL;
    char *text;

    for (size_t i = 0; i < ARRAY_LEN(by_product) && target == NULL; i++)
        if ((r->product != NULL && strstr(r->product, by_product[i].part) != NULL) ||
            (r->vendor != NULL && strstr(r->vendor, by_product[i].part) != NULL))
            target = by_product[i].target;
    text = target != NULL
               ? arena_printf(arena, "midwatch exempt --for %s --ticket %s", target, host)
               : arena_printf(arena, "midwatch exempt --ticket %s", host);
    return text != NULL ? text : "midwatch exempt --ticket HOST";
}
