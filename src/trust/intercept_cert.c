/*
 * What the certificate itself and the echo of a cooperating server say about the middle.
 */
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/own.h"
#include "trust/finding.h"
#include "trust/intercept.h"
#include "trust/policy.h"

enum { SECONDS_A_DAY = 86400 };

/* Days that a public authority may grant to a certificate issued on this day: CA/Browser Forum
 * ballots 193, SC-22 (from 2020-09-01) and SC-081v3. */
static int64_t most_days(struct mw_wall issued)
{
    static const struct {
        int64_t from, days;
    } limits[] = {
        {1868227200,  47 }, /* 2029-03-15 */
        { 1805068800, 100}, /* 2027-03-15 */
        { 1773532800, 200}, /* 2026-03-15 */
        { 1598918400, 398}, /* 2020-09-01 */
    };

    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (issued.s >= limits[i].from)
            return limits[i].days;
    return 825;
}

static void lifetime_weigh(struct middle *m)
{
    const struct cert *leaf = m->j->leaf;
    int64_t most = most_days(leaf->not_before);
    int64_t days =
        (wall_diff_s(leaf->not_before, leaf->not_after) + SECONDS_A_DAY - 1) / SECONDS_A_DAY;

    if (days <= most)
        return;
    middle_weigh(m,
                 judge_add(m->j, MW_ODD_LIFETIME, 0,
                           "valid for %lld days; a public authority could have granted %lld",
                           (long long)days, (long long)most),
                 weigh_of(MW_ODD_LIFETIME));
}

static bool has_scts(const struct judge *j)
{
    return j->ev->tls_scts.len > 0 ||
           X509_get_ext_by_NID(j->leaf->x509, NID_ct_precert_scts, -1) >= 0;
}

/* A private authority never logs, so beside a local anchor the absence says little more. */
static int no_scts_weight(const struct middle *m)
{
    return m->j->chain.path.anchor == MW_ANCHOR_LOCAL ? 2 : weigh_of(MW_NO_PUBLIC_SCTS);
}

static void anchor_weigh(struct middle *m)
{
    CLEANUP(buf_deinit) struct buf root = BUF_INIT(64 * 1024);
    const struct path *path = &m->j->chain.path;

    if (path->anchor != MW_ANCHOR_LOCAL) {
        weigh_add(&m->weighing, judge_has(m->j, MW_UNKNOWN_AUTHORITY)
                                    ? weigh_of(MW_UNKNOWN_AUTHORITY)
                                : judge_has(m->j, MW_SELF_SIGNED) ? weigh_of(MW_SELF_SIGNED)
                                                                  : 0);
        return;
    }
    name_format_short(&root, path->certs[path->n - 1]->subject);
    middle_weigh(m,
                 judge_add(m->j, MW_LOCAL_ANCHOR_ON_PUBLIC, (int)path->n - 1,
                           "the root \"%s\" is not public; %s is a public name",
                           judge_text(m->j, &root), m->j->host.text),
                 m->genuine ? 5 : weigh_of(MW_LOCAL_ANCHOR_ON_PUBLIC));
}

void intercept_certificate(struct middle *m)
{
    if (!m->public_name || m->public_anchor)
        return;
    anchor_weigh(m);
    if (!has_scts(m->j))
        middle_weigh(
            m,
            judge_add(m->j, MW_NO_PUBLIC_SCTS, 0, "no receipt from a Certificate Transparency log"),
            no_scts_weight(m));
    lifetime_weigh(m);
}

static bool differ(struct mw_span ours, struct mw_span theirs)
{
    return ours.len > 0 && theirs.len > 0 && !span_eq(ours, theirs);
}

static bool agree(struct mw_span ours, struct mw_span theirs)
{
    return ours.len > 0 && span_eq(ours, theirs);
}

/* The exporter depends on every byte of the handshake, the ClientHello included. Where it
 * agrees there is one session, and nothing else needs asking (RFC 9266 section 3). */
void intercept_echo(struct middle *m)
{
    const struct mw_echo *e = &m->j->ev->echo;
    bool exporter = differ(e->exporter_ours, e->exporter_theirs);
    bool one_session = agree(e->exporter_ours, e->exporter_theirs);
    bool hello = !one_session && differ(e->hello_ours, e->hello_theirs);
    const char *signer = e->signer != NULL ? e->signer : "unnamed";

    if (e->answered != MW_SEEN_YES)
        return;
    if (!e->signature_good) {
        middle_weigh(m,
                     judge_add(m->j, MW_ECHO_UNSIGNED, -1,
                               "the answer %s, but its signature is not by %s",
                               exporter || hello ? "differs from what this computer sent"
                                                 : "agrees with what this computer sent",
                               signer),
                     exporter || hello ? weigh_of(MW_ECHO_UNSIGNED) : 0);
        return;
    }
    if (exporter)
        middle_weigh(m,
                     judge_add(m->j, MW_ECHO_EXPORTER_DIFFERS, -1,
                               "signed by %s: the server's tls-exporter is not ours", signer),
                     weigh_of(MW_ECHO_EXPORTER_DIFFERS));
    if (hello)
        middle_weigh(m,
                     judge_add(m->j, MW_ECHO_HELLO_DIFFERS, -1,
                               "signed by %s: the server received a ClientHello of %zu bytes, "
                               "this computer sent one of %zu",
                               signer, e->hello_theirs.len, e->hello_ours.len),
                     weigh_of(MW_ECHO_HELLO_DIFFERS));
    if (one_session)
        middle_weigh(m,
                     judge_add(m->j, MW_ECHO_AGREES, -1,
                               "signed by %s: the tls-exporter is the same at both ends", signer),
                     weigh_of(MW_ECHO_AGREES));
}
