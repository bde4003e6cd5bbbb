/*
 * Did the name's owner allow this issuer?  RFC 8659: "issue" and "issuewild" name authorities by
 * their domain. A local or unknown authority has none, so any record speaks against it; for the
 * great public ones the domains are known; about the rest nothing is said.
 */
#include <openssl/obj_mac.h>
#include <strings.h>

#include "base/own.h"
#include "trust/finding.h"
#include "trust/intercept.h"

static const struct {
    const char *organisation; /* of the issuer */
    const char *domains[6];
} authorities[] = {
    { "Let's Encrypt", { "letsencrypt.org" } },
    { "Google Trust Services", { "pki.goog" } },
    { "Google Trust Services LLC", { "pki.goog" } },
    { "DigiCert Inc",
      { "digicert.com", "digicert.ne.jp", "thawte.com", "geotrust.com", "rapidssl.com",
        "symantec.com" } },
    { "Sectigo Limited", { "sectigo.com", "comodoca.com", "comodo.com", "usertrust.com" } },
    { "GlobalSign nv-sa", { "globalsign.com" } },
    { "Amazon", { "amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com" } },
    { "Buypass AS-983163327", { "buypass.com", "buypass.no" } },
    { "ZeroSSL", { "sectigo.com", "zerossl.com" } },
};

/* The domain before any parameters: "letsencrypt.org; accounturi=…". */
static struct mw_span issuer_domain(const char *value)
{
    struct mw_span rest = span_str(value), domain = { NULL, 0 };

    (void)span_field(&rest, ';', &domain);
    return span_trim(domain);
}

static bool governs(const struct mw_caa *caa)
{
    return caa->tag != NULL && caa->value != NULL && strcasecmp(caa->tag, "issue") == 0;
}

static bool allowed(const struct mw_evidence *ev, const char *const *domains, size_t n)
{
    for (size_t i = 0; i < ev->n_caa; i++)
        for (size_t d = 0; governs(&ev->caa[i]) && d < n && domains[d] != NULL; d++)
            if (span_eq_nocase(issuer_domain(ev->caa[i].value), span_str(domains[d])))
                return true;
    return false;
}

static bool public_issuer_allowed(const struct middle *m)
{
    CLEANUP(buf_deinit) struct buf o = BUF_INIT(4096);

    name_attribute(&o, m->j->leaf->issuer, NID_organizationName);
    (void)judge_text(m->j, &o);
    for (size_t i = 0; i < ARRAY_LEN(authorities); i++)
        if (span_eq(buf_span(&o), span_str(authorities[i].organisation)))
            return allowed(m->j->ev, authorities[i].domains, ARRAY_LEN(authorities[i].domains));
    return true;
}

static void domains_list(const struct mw_evidence *ev, struct buf *out)
{
    for (size_t i = 0; i < ev->n_caa; i++) {
        struct mw_span domain;

        if (!governs(&ev->caa[i]))
            continue;
        domain = issuer_domain(ev->caa[i].value);
        buf_str(out, out->len > 0 ? ", " : "");
        buf_add(out, domain.len > 0 ? domain : SPAN_LIT("nobody"));
    }
}

void intercept_caa(struct middle *m)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1024);
    CLEANUP(buf_deinit) struct buf issuer = BUF_INIT(64 * 1024);
    const struct mw_evidence *ev = m->j->ev;

    if (ev->caa_looked != MW_SEEN_YES)
        return;
    domains_list(ev, &list);
    (void)judge_text(m->j, &list);
    if (list.len == 0 || (m->public_anchor && public_issuer_allowed(m)))
        return;
    name_format_short(&issuer, m->j->leaf->issuer);
    middle_weigh(m,
                 judge_add(m->j, MW_CAA_FORBIDS, 0, "CAA allows %s; the issuer is \"%s\"",
                           judge_text(m->j, &list), judge_text(m->j, &issuer)),
                 weigh_of(MW_CAA_FORBIDS));
}
