#include "gate/learn/reason.h"

#include <errno.h>
#include <string.h>

/* How often the network fails is not known; every rate is as likely as another before anything
 * was seen (Laplace's rule of succession).  The chance that the next session fails, after i more
 * failures, is then (1 + ill + i) of (2 + well + ill + i). */
bool reason_no_chance(unsigned silent, unsigned well, unsigned ill)
{
    double chance = 1;

    for (unsigned i = 0; i < silent; i++)
        chance *= (1.0 + ill + i) / (2.0 + well + ill + i);
    return chance < 1e-6;
}

/* An alert about a certificate is a statement: no network makes one.  Silence is a guess: it
 * counts only without any sign of a bad network beside it. */
static enum reason enough(const struct reason_facts *f)
{
    unsigned all = f->alerts + f->silent;

    if (f->alerts >= f->needed)
        return REASON_PIN;
    if (all < f->needed)
        return REASON_TOO_FEW;
    if (f->weak > 0)
        return REASON_NETWORK;
    if (reason_no_chance(all, f->well_elsewhere, f->ill_elsewhere))
        return REASON_PIN;
    return f->ill_elsewhere > 0 ? REASON_NETWORK : REASON_TOO_FEW;
}

static bool own_store(const struct reason_facts *f)
{
    unsigned hosts = f->unknown_ca > 0 ? REASON_HOSTS_OF_APP - 1 : REASON_HOSTS_OF_APP;

    return !f->app_worked && f->app_hosts_refused >= hosts;
}

/* One app that takes anything (a script with its checks off) is no proof for a device on which
 * everything else refuses. */
static bool client_refuses(const struct reason_facts *f)
{
    return f->hosts_refused >= REASON_HOSTS_REFUSED ||
           (!f->app_worked && f->apps_refusing >= REASON_HOSTS_REFUSED &&
            f->apps_refusing > 2 * f->apps_well);
}

enum reason reason_of(const struct reason_facts *f)
{
    enum reason r;

    if (f->alerts + f->silent == 0)
        return REASON_NOTHING;
    if (f->worked)
        return REASON_WORKS;
    if (f->unattended)
        return REASON_UNATTENDED;
    r = enough(f);
    if (r != REASON_PIN)
        return r;
    if (!f->control)
        return REASON_NO_CONTROL;
    if (client_refuses(f))
        return REASON_CLIENT_REFUSES;
    return own_store(f) ? REASON_OWN_STORE : REASON_PIN;
}

static const struct {
    const char *name, *words;
} reasons[REASONS] = {
    [REASON_NOTHING] = { "nothing", "Nothing speaks for an exception." },
    [REASON_TOO_FEW] = { "too-few", "There are too few failures yet to tell." },
    [REASON_WORKS] = { "works", "The same app reached the same host under inspection not long "
                                "ago, so that it does not pin." },
    [REASON_NETWORK] = { "network", "The app only fell silent, and this client's network loses "
                                    "connections elsewhere too." },
    [REASON_NO_CONTROL] = { "no-control", "Nothing from this client was inspected with success "
                                          "for a day: it does not seem to trust the CA. Install "
                                          "the CA there." },
    [REASON_CLIENT_REFUSES] = { "client-refuses", "This client refuses inspection at many hosts: "
                                                  "it does not seem to trust the CA, or not any "
                                                  "more. Install the CA there." },
    [REASON_OWN_STORE] = { "own-store", "The client trusts the CA, but this app refuses it at "
                                        "every host: it has its own trust store. Install the CA "
                                        "in that app; accept the exception only if that cannot "
                                        "be done." },
    [REASON_UNATTENDED] = { "unattended", "The configuration names this app as one that runs "
                                          "unattended and refuses inspection." },
    [REASON_PIN] = { "pin", "The client trusts the CA, and this app refuses it at this host: it "
                            "expects the host's own certificate (a pin)." },
};

const char *reason_name(enum reason r)
{
    return reasons[r].name;
}

const char *reason_words(enum reason r)
{
    return reasons[r].words;
}

int reason_find(const char *name, enum reason *out)
{
    for (size_t i = 0; i < REASONS; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            *out = (enum reason)i;
            return 0;
        }
    }
    return -EINVAL;
}
