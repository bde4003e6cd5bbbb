/*
 * What the way to the server says: what this computer knows of it, and a portal on it.
 */
#include "trust/finding.h"
#include "trust/intercept.h"

static void proxy_weigh(struct middle *m, const struct mw_local_facts *l)
{
    struct mw_finding *f;

    if (l->proxy == NULL)
        return;
    f = judge_add(m->j, MW_PROXY_CONFIGURED, -1, "%s%s%s, %s", l->proxy,
                  l->proxy_from != NULL ? " from " : "", l->proxy_from != NULL ? l->proxy_from : "",
                  l->proxy_used ? "used for this connection" : "not used for this connection");
    middle_weigh(m, f, l->proxy_used ? weigh_of(MW_PROXY_CONFIGURED) : 0);
}

static void vpn_weigh(struct middle *m, const struct mw_local_facts *l)
{
    if (l->vpn_interface != NULL)
        middle_weigh(m,
                     judge_add(m->j, MW_VPN_UP, -1,
                               "the connection goes through the tunnel %s; whoever runs it may "
                               "monitor traffic",
                               l->vpn_interface),
                     weigh_of(MW_VPN_UP));
    else if (l->vpn_up_elsewhere)
        middle_weigh(
            m,
            judge_add(m->j, MW_VPN_UP, -1, "a tunnel is up, but this connection does not use it"),
            0);
}

/* A name for this very computer leads here, of course. */
static bool meant_for_here(const struct middle *m)
{
    const struct host *h = &m->j->host;

    return !m->public_name || (h->kind == HOST_IP && h->ip_len == 4 && h->ip[0] == 127);
}

static void here_weigh(struct middle *m, const struct mw_local_facts *l)
{
    if (l->hosts_file != NULL)
        middle_weigh(m,
                     judge_add(m->j, MW_HOSTS_FILE_ENTRY, -1, "%s gives this name an address",
                               l->hosts_file),
                     meant_for_here(m) ? 0 : weigh_of(MW_HOSTS_FILE_ENTRY));
    if (l->peer_is_loopback && !meant_for_here(m))
        middle_weigh(m,
                     judge_add(m->j, MW_LOOPBACK_ROUTE, -1, "%s answered, which is this computer",
                               l->peer_address != NULL ? l->peer_address : "a loopback address"),
                     weigh_of(MW_LOOPBACK_ROUTE));
    if (l->listener != NULL)
        middle_weigh(m, judge_add(m->j, MW_LOCAL_LISTENER, -1, "%s runs here", l->listener),
                     weigh_of(MW_LOCAL_LISTENER));
}

static void speed_weigh(struct middle *m, const struct mw_local_facts *l)
{
    if (l->nearest_hop_us <= 0 || l->first_answer_us <= 0 || l->peer_is_loopback ||
        !m->public_name || l->first_answer_us >= l->nearest_hop_us)
        return;
    middle_weigh(m,
                 judge_add(m->j, MW_ANSWERED_TOO_FAST, -1,
                           "answered after %.1f ms; the first point beyond this network is "
                           "%.1f ms away",
                           (double)l->first_answer_us / 1000, (double)l->nearest_hop_us / 1000),
                 weigh_of(MW_ANSWERED_TOO_FAST));
}

void intercept_path(struct middle *m)
{
    const struct mw_evidence *ev = m->j->ev;

    proxy_weigh(m, &ev->local);
    vpn_weigh(m, &ev->local);
    here_weigh(m, &ev->local);
    speed_weigh(m, &ev->local);
    if (ev->ech_advertised == MW_SEEN_YES && ev->tls.ech_accepted == MW_SEEN_NO)
        middle_weigh(m,
                     judge_add(m->j, MW_ECH_REFUSED, -1,
                               "DNS announces ECH for this name, the connection refused it"),
                     weigh_of(MW_ECH_REFUSED));
}

/* A portal in front of a connection that is well is only a remark. */
void intercept_portal(struct middle *m)
{
    const struct mw_local_facts *l = &m->j->ev->local;
    bool trouble = m->j->leaf == NULL || finding_count(&m->j->findings, MW_ERROR) > 0;
    struct mw_finding *f;

    if (l->portal != MW_SEEN_YES && !m->portal)
        return;
    f = judge_add(m->j, MW_CAPTIVE_PORTAL, -1, "%s%s",
                  l->portal == MW_SEEN_YES ? "a plain page was answered by "
                                           : "the key is that of ",
                  l->portal != MW_SEEN_YES ? m->product->name
                  : l->portal_url != NULL  ? l->portal_url
                                           : "somebody else");
    middle_weigh(m, f, trouble ? weigh_of(MW_CAPTIVE_PORTAL) : 0);
    m->portal = trouble;
    if (f != NULL && !trouble)
        f->severity = MW_NOTE;
}
