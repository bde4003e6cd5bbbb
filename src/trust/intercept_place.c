/*
 * Where the reader sits. What was seen on the way comes before what a kind of product suggests.
 */
#include "trust/intercept.h"

static bool kind_is(const struct middle *m, const char *kind)
{
    return m->product != NULL && strcmp(m->product->kind, kind) == 0;
}

static void put(struct mw_reader *r, enum mw_place place, enum mw_certainty how)
{
    r->place = place;
    r->place_certainty = how;
}

static bool lives_on_a_computer(const struct middle *m)
{
    return kind_is(m, "antivirus") || kind_is(m, "debug-proxy") || kind_is(m, "home-filter") ||
           kind_is(m, "malware");
}

/* A proxy that was used stands where its address is: here, or out there. */
static bool proxy_is_here(const char *url)
{
    const char *at = strstr(url, "://");
    const char *user;

    at = at != NULL ? at + 3 : url;
    user = strchr(at, '@');
    at = user != NULL ? user + 1 : at;
    return strncmp(at, "127.", 4) == 0 || strncmp(at, "localhost", 9) == 0 ||
           strncmp(at, "[::1]", 5) == 0;
}

static bool on_this_computer(const struct middle *m, const struct mw_local_facts *l)
{
    return l->listener != NULL || lives_on_a_computer(m) ||
           (l->proxy_used && l->proxy != NULL && proxy_is_here(l->proxy));
}

static bool faster_than_the_route(const struct mw_local_facts *l)
{
    return l->nearest_hop_us > 0 && l->first_answer_us > 0 &&
           l->first_answer_us < l->nearest_hop_us;
}

void intercept_place(const struct middle *m, struct mw_reader *r)
{
    const struct mw_local_facts *l = &m->j->ev->local;

    if (l->peer_is_loopback && m->public_name)
        put(r, MW_PLACE_THIS_COMPUTER, MW_CERTAIN);
    else if (on_this_computer(m, l))
        put(r, MW_PLACE_THIS_COMPUTER, MW_LIKELY);
    else if (l->vpn_interface != NULL && !m->portal)
        put(r, MW_PLACE_VPN, MW_LIKELY);
    else if (m->portal || kind_is(m, "corporate-gateway") || l->proxy_used)
        put(r, MW_PLACE_THIS_NETWORK, MW_LIKELY);
    else if (kind_is(m, "vpn"))
        put(r, MW_PLACE_VPN, MW_HINT);
    else if (faster_than_the_route(l))
        put(r, MW_PLACE_THIS_NETWORK, MW_HINT);
    else if (m->weighing.proven && m->public_anchor)
        put(r, MW_PLACE_SERVER_SIDE, MW_LIKELY);
    else
        put(r, MW_PLACE_UNKNOWN, MW_HINT);
}
