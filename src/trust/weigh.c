#include "trust/weigh.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/compiler.h"

static const struct {
    enum mw_code code;
    int decibans;
    const char *disproof;
} pieces[] = {
    { MW_LOCAL_ANCHOR_ON_PUBLIC, 25,
      "The site's owner says that this name uses their own private authority." },
    { MW_INTERCEPTOR_NAMED, 18,
      "The issuer's name is borrowed: the product is not installed here nor used on this "
      "network." },
    { MW_KNOWN_BAD_ROOT, 40, NULL },
    { MW_SAME_KEY_ON_CONTROLS, 40, "The control sites turn out to belong to one owner." },
    { MW_CONTROLS_DIFFER, -5, "Only this host, and not the control sites, is singled out." },
    { MW_UNKNOWN_AUTHORITY, 5, "The server's owner says that this is their own authority." },
    { MW_SELF_SIGNED, 5, "The fingerprint is the one that the server's owner shows." },
    { MW_NO_PUBLIC_SCTS, 5, "The owner uses a private authority on purpose." },
    { MW_ODD_LIFETIME, 3, "The owner uses a private authority on purpose." },
    { MW_CAA_FORBIDS, 4, "The CAA record was changed after the certificate was issued." },
    { MW_ECH_REFUSED, 3, "ECH is refused from other networks too." },
    { MW_PROXY_CONFIGURED, 3, "The certificate is the same when the proxy is left out." },
    { MW_HOSTS_FILE_ENTRY, 4, "The certificate is the same without the line." },
    { MW_VPN_UP, 3, "The certificate is the same with the VPN disconnected." },
    { MW_LOOPBACK_ROUTE, 12, "The program that answers here is the server itself." },
    { MW_LOCAL_LISTENER, 5, "The certificate is the same with that program switched off." },
    { MW_ANSWERED_TOO_FAST, 8, "The server, or a cache of its own, stands on this network." },
    { MW_CAPTIVE_PORTAL, 12, "The certificate is the same after logging in." },
    { MW_ECHO_EXPORTER_DIFFERS, WEIGH_PROOF,
      "The echo answers from behind a load balancer that ends TLS for the server." },
    { MW_ECHO_HELLO_DIFFERS, WEIGH_PROOF,
      "The echo answers from behind a load balancer that ends TLS for the server." },
    { MW_ECHO_UNSIGNED, 5, "The same answer comes with the expected signature." },
    { MW_ECHO_AGREES, -WEIGH_PROOF, NULL },
};

int weigh_of(enum mw_code code)
{
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        if (pieces[i].code == code)
            return pieces[i].decibans;
    return 0;
}

const char *weigh_disproof(enum mw_code code)
{
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        if (pieces[i].code == code)
            return pieces[i].disproof;
    return NULL;
}

void weigh_add(struct weighing *w, int decibans)
{
    if (decibans >= WEIGH_PROOF)
        w->proven = true;
    else if (decibans <= -WEIGH_PROOF)
        w->refuted = true;
    else if (decibans > 0 && decibans < WEIGH_STRONG)
        w->weak += decibans;
    else
        w->strong += decibans;
}

int weigh_sum(const struct weighing *w)
{
    int weak = w->weak < WEIGH_WEAK_MOST ? w->weak : WEIGH_WEAK_MOST;

    return WEIGH_PRIOR + w->strong + weak;
}

enum mw_certainty weigh_piece_certainty(int decibans)
{
    int size = abs(decibans);

    if (size >= WEIGH_PROOF)
        return MW_PROVEN;
    if (size >= WEIGH_CERTAIN)
        return MW_CERTAIN;
    return size >= WEIGH_STRONG ? MW_LIKELY : MW_HINT;
}

bool weigh_certainty(const struct weighing *w, enum mw_certainty *out)
{
    int sum = weigh_sum(w);

    if (w->proven) {
        *out = MW_PROVEN;
        return true;
    }
    if (w->refuted || sum < 0)
        return false;
    *out = sum >= WEIGH_CERTAIN ? MW_CERTAIN : sum >= WEIGH_LIKELY ? MW_LIKELY : MW_HINT;
    return true;
}
