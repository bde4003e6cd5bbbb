#include "gate/forge/rules.h"

#include <errno.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <string.h>

#include "gate/forge/der_write.h"
#include "trust/key.h"
#include "trust/name.h"

enum {
    NAMES_MAX = 2048,           /* a subject or a subjectAltName of our own making */
    SUBJECT_MAX = RULES_MAX_ORIGIN + 64,
    COMMON_NAME_MAX = 64,       /* X.520's upper bound */
    P256_SPKI = 91, RSA2048_SPKI = 294,         /* bytes, in the usual encoding */
};

const char *rule_words(enum rule rule)
{
    static const char *const words[RULES] = {
        [RULE_FINE] = "",
        [RULE_CLOCK] = "the worker's clock and the forge's are more than a day apart",
        [RULE_KEY_KIND] = "the leaf's key is not of the kind that was asked for",
        [RULE_KEY_WEAK] = "the leaf's key is unusable",
        [RULE_KEY_OF_CA] = "the leaf's key is a CA's",
        [RULE_NO_ORIGIN] = "there is no origin certificate to copy",
        [RULE_ORIGIN_LARGE] = "the origin's certificate is too large",
        [RULE_ORIGIN_UNREADABLE] = "the origin's certificate cannot be read",
        [RULE_ORIGIN_CA] = "the origin's certificate is a CA's",
        [RULE_ORIGIN_OURS] = "the origin's certificate was signed by this gate",
        [RULE_ORIGIN_TIME] = "the origin's certificate is not valid now",
        [RULE_ORIGIN_PURPOSE] = "the origin's certificate is not for servers",
        [RULE_HOST] = "the host is neither a name nor an address",
        [RULE_HOST_NOT_COVERED] = "the origin's certificate does not cover the host",
        [RULE_CA_OVER] = "the gate's own CA is not valid now; run: midwatch gate ca rotate",
    };

    return words[rule];
}

enum ca_part rules_signer(const struct mint_ask *ask)
{
    if (ask->ca == MINT_TRUSTED)
        return ask->key == MINT_P256 ? CA_INTERMEDIATE_EC : CA_INTERMEDIATE_RSA;
    return ask->key == MINT_P256 ? CA_UNTRUSTED_EC : CA_UNTRUSTED_RSA;
}

void leaf_deinit(struct leaf *l)
{
    cert_free(l->origin);
    buf_deinit(&l->subject);
    buf_deinit(&l->names);
}

/* -------------------------------------------------------------- the leaf's key ---- */

static bool is_remembered(const struct usable_keys *u, const uint8_t sha256[32])
{
    for (size_t i = 0; u != NULL && i < u->n && i < RULES_USABLE_KEYS; i++)
        if (memcmp(u->sha256[i], sha256, 32) == 0)
            return true;
    return false;
}

/* Is its point on the curve? */
static bool key_opens(struct usable_keys *u, struct mw_span spki)
{
    uint8_t sha256[32];
    EVP_PKEY *key;

    SHA256(spki.data, spki.len, sha256);
    if (is_remembered(u, sha256))
        return true;
    key = key_open(spki);
    if (key != NULL && u != NULL)
        memcpy(u->sha256[u->n++ % RULES_USABLE_KEYS], sha256, sizeof(sha256));
    EVP_PKEY_free(key);
    return key != NULL;
}

/* One spelling only, so that keys compare by their bytes. */
static enum rule key_usable(struct usable_keys *u, enum mint_key kind, struct mw_span spki)
{
    struct key_facts k = key_facts_read(spki);

    if (kind == MINT_P256 && (k.kind != KEY_EC || k.nid != NID_X9_62_prime256v1))
        return RULE_KEY_KIND;
    if (kind == MINT_RSA2048 && (k.kind != KEY_RSA || k.bits != 2048))
        return RULE_KEY_KIND;
    if (kind == MINT_P256 && (spki.len != P256_SPKI || k.point.len != 65 || k.point.data[0] != 4))
        return RULE_KEY_WEAK;
    if (kind == MINT_RSA2048 &&
        (spki.len != RSA2048_SPKI || !span_eq(k.exponent, SPAN_LIT("\x01\x00\x01")) ||
         (k.modulus.data[k.modulus.len - 1] & 1) == 0))
        return RULE_KEY_WEAK;
    return key_opens(u, spki) ? RULE_FINE : RULE_KEY_WEAK;
}

/* ------------------------------------------------------------------- our own ---- */

static bool made_by(const struct cert *c, const struct cert *ca)
{
    return span_eq(c->issuer, ca->subject) || (c->aki.len > 0 && span_eq(c->aki, ca->ski)) ||
           cert_same_key(c, ca);
}

static bool is_ours(const struct ca *ca, const struct cert *c)
{
    for (int part = 0; part < CA_PARTS; part++)
        if (ca->members[part].cert != NULL && made_by(c, ca->members[part].cert))
            return true;
    for (size_t i = 0; i < ca->n_retired; i++)
        if (made_by(c, ca->retired[i]))
            return true;
    return false;
}

static bool is_key_of_ca(const struct ca *ca, struct mw_span spki)
{
    for (int part = 0; part < CA_PARTS; part++)
        if (ca->members[part].cert != NULL && span_eq(ca->members[part].cert->spki, spki))
            return true;
    for (size_t i = 0; i < ca->n_retired; i++)
        if (span_eq(ca->retired[i]->spki, spki))
            return true;
    return false;
}

/* ------------------------------------------------------------------- purposes ---- */

/* extKeyUsage's content; empty: absent, which means any (RFC 5280 4.2.1.12). */
static struct mw_span purposes_of(const struct cert *c)
{
    const struct cert_extension *e = cert_extension(c, SPAN_LIT("\x55\x1d\x25"));

    return e != NULL ? e->value : (struct mw_span){ 0 };
}

static bool allows_servers(struct mw_span purposes)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(purposes, DER_SEQUENCE, &ok) };

    if (purposes.len == 0)
        return true;
    while (ok && read_more(&r)) {
        struct mw_span oid = der_expect(&r, DER_OID);

        /* id-kp-serverAuth, anyExtendedKeyUsage */
        if (span_eq(oid, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x03\x01")) ||
            span_eq(oid, SPAN_LIT("\x55\x1d\x25\x00")))
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------------- names ---- */

static int host_read(struct host *out, struct mw_span text)
{
    char name[256];

    if (text.len == 0 || text.len >= sizeof(name) || memchr(text.data, 0, text.len) != NULL)
        return RULE_HOST;
    memcpy(name, text.data, text.len);
    name[text.len] = '\0';
    return host_parse(out, name) == 0 ? 0 : RULE_HOST;
}

/* RFC 9525 section 6: never by the common name. */
static bool covers(const struct cert *c, const struct host *h)
{
    if (c->san_malformed)
        return false;
    for (size_t i = 0; i < c->n_sans; i++) {
        const struct san *s = &c->sans[i];

        if (h->kind == HOST_DNS && s->kind == SAN_DNS &&
            name_match_dns(h, s->value) == NAME_MATCHES)
            return true;
        if (h->kind == HOST_IP && s->kind == SAN_IP &&
            span_eq(s->value, span_of(h->ip, h->ip_len)))
            return true;
    }
    return false;
}

/* The last, most specific commonName of a Name: its AttributeTypeAndValue, whole. */
static struct mw_span common_name(struct mw_span name)
{
    bool ok;
    struct reader sets = { .rest = der_unwrap(name, DER_SEQUENCE, &ok) };
    struct mw_span found = { 0 };

    while (ok && read_more(&sets)) {
        struct reader pairs = { .rest = der_expect(&sets, DER_SET) };

        while (read_more(&pairs)) {
            struct mw_span whole = der_expect_whole(&pairs, DER_SEQUENCE);
            struct reader pair = { .rest = der_unwrap(whole, DER_SEQUENCE, &ok) };

            if (span_eq(der_expect(&pair, DER_OID), SPAN_LIT("\x55\x04\x03")))
                found = whole;
        }
    }
    return found;
}

static void subject_put(struct buf *out, struct mw_span attribute)
{
    size_t name = der_open(out, DER_SEQUENCE);

    if (attribute.len > 0)
        der_put(out, DER_SET, attribute);
    der_close(out, name);
}

/* The host as the only name. */
static void host_put(struct leaf *l, const struct host *h)
{
    CLEANUP(buf_deinit) struct buf attribute = BUF_INIT(NAMES_MAX);
    struct mw_span text = span_str(h->text);
    size_t mark = der_open(&l->names, DER_SEQUENCE);

    if (h->kind == HOST_DNS)
        der_put(&l->names, DER_CONTEXT(2), text);
    else
        der_put(&l->names, DER_CONTEXT(7), span_of(h->ip, h->ip_len));
    der_close(&l->names, mark);
    if (text.len <= COMMON_NAME_MAX) {
        mark = der_open(&attribute, DER_SEQUENCE);
        der_put(&attribute, DER_OID, SPAN_LIT("\x55\x04\x03"));
        der_put(&attribute, 0x0c, text);        /* UTF8String */
        der_close(&attribute, mark);
    }
    subject_put(&l->subject, buf_span(&attribute));
    if (buf_error(&attribute) < 0)
        l->subject.error = buf_error(&attribute);
}

static int names_fill(struct leaf *l, const struct host *h)
{
    const struct cert *c = l->origin;
    const struct cert_extension *san = NULL;
    struct mw_span cn = { 0 };

    if (c != NULL && !c->san_malformed) {
        san = cert_extension(c, SPAN_LIT("\x55\x1d\x11"));
        if (name_is_readable(c->subject))
            cn = common_name(c->subject);
    }
    if (san == NULL && cn.len == 0) {
        if (h->kind == HOST_NONE)
            return RULE_HOST;
        host_put(l, h);
        l->plan.names = buf_span(&l->names);
    } else {
        subject_put(&l->subject, cn);
        if (san != NULL)
            l->plan.names = san->value;
    }
    l->plan.subject = buf_span(&l->subject);
    /* RFC 5280 4.2.1.6: critical if nothing else names it. */
    l->plan.names_critical = (san != NULL && san->critical) || name_is_empty(l->plan.subject);
    return buf_error(&l->subject) < 0 ? buf_error(&l->subject) : buf_error(&l->names);
}

/* ----------------------------------------------------------------------- time ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool valid_at(const struct cert *c, struct mw_wall t)
{
    return c->not_before.s <= t.s && t.s <= c->not_after.s;
}

static void times_fill(struct leaf *l, const struct rules *rules, const struct cert *ca,
                       struct mw_wall now)
{
    const struct cert *c = l->origin;
    struct certificate_plan *p = &l->plan;

    if (c != NULL && !valid_at(c, now)) {
        /* Only under the untrusted CA.  As it is, cut to what a client takes. */
        p->not_after = c->not_after;
        p->not_before.s = most(c->not_before.s, c->not_after.s - RULES_MAX_S);
        if (c->not_before.s > now.s) {
            p->not_before = c->not_before;
            p->not_after.s = least(c->not_after.s, c->not_before.s + rules->leaf_s);
        }
        return;
    }
    p->not_before.s = most(now.s - RULES_BACKDATE_S, ca->not_before.s);
    p->not_after.s = now.s + (c != NULL ? rules->leaf_s : least(rules->leaf_s, RULES_NO_ORIGIN_S));
    if (c != NULL) {
        p->not_before.s = most(p->not_before.s, c->not_before.s);
        p->not_after.s = least(p->not_after.s, c->not_after.s);
    }
    p->not_after.s = least(p->not_after.s, ca->not_after.s);
    p->not_after.s = least(p->not_after.s, p->not_before.s + RULES_MAX_S);
}

/* --------------------------------------------------------------------- applying ---- */

static int origin_read(struct leaf *l, const struct mint_ask *ask)
{
    int r = RULE_NO_ORIGIN;

    if (ask->origin.len > RULES_MAX_ORIGIN)
        r = RULE_ORIGIN_LARGE;
    else if (ask->origin.len > 0)
        r = cert_parse_fields(&l->origin, ask->origin);
    if (r < 0 || l->origin != NULL)
        return r;
    if (ask->ca == MINT_UNTRUSTED)      /* as if there were none */
        return 0;
    return ask->origin.len > 0 && r != RULE_ORIGIN_LARGE ? RULE_ORIGIN_UNREADABLE : r;
}

static int trusted_origin(const struct leaf *l, const struct rules *rules, const struct host *h,
                          struct mw_wall now)
{
    const struct cert *c = l->origin;

    if (c->is_ca)
        return RULE_ORIGIN_CA;
    if (is_ours(rules->ca, c))
        return RULE_ORIGIN_OURS;
    if (!valid_at(c, now))
        return RULE_ORIGIN_TIME;
    if (!allows_servers(purposes_of(c)))
        return RULE_ORIGIN_PURPOSE;
    if (h->kind == HOST_NONE)
        return RULE_HOST;
    return covers(c, h) ? 0 : RULE_HOST_NOT_COVERED;
}

static int ask_check(const struct rules *rules, const struct mint_ask *ask,
                     const struct cert *ca, struct mw_wall clock)
{
    enum rule rule;

    if (ask->now.s > clock.s + RULES_CLOCK_S || ask->now.s < clock.s - RULES_CLOCK_S)
        return RULE_CLOCK;
    if (!valid_at(ca, ask->now))
        return RULE_CA_OVER;
    rule = key_usable(rules->usable, ask->key, ask->spki);
    if (rule != RULE_FINE)
        return (int)rule;
    return is_key_of_ca(rules->ca, ask->spki) ? RULE_KEY_OF_CA : 0;
}

static int leaf_fill(struct leaf *l, const struct rules *rules, const struct mint_ask *ask,
                     const struct cert *ca)
{
    struct host h = { .kind = HOST_NONE };
    int r = origin_read(l, ask);

    if (r != 0)
        return r;
    if (host_read(&h, ask->host) != 0)
        h.kind = HOST_NONE;
    if (ask->ca == MINT_TRUSTED)
        r = trusted_origin(l, rules, &h, ask->now);
    if (r == 0)
        r = names_fill(l, &h);
    if (r != 0)
        return r;
    l->plan.issuer = ca->subject;
    l->plan.authority_key_id = ca->ski;
    l->plan.spki = ask->spki;
    l->plan.key_encipherment = ask->key == MINT_RSA2048;
    l->plan.purposes = certificate_server_auth();
    if (l->origin != NULL && !allows_servers(purposes_of(l->origin)))
        l->plan.purposes = purposes_of(l->origin);
    times_fill(l, rules, ca, ask->now);
    return 0;
}

int rules_apply(struct leaf *out, const struct rules *rules, const struct mint_ask *ask,
                struct mw_wall clock)
{
    const struct cert *ca = rules->ca->members[rules_signer(ask)].cert;
    struct leaf l = { .subject = BUF_INIT(SUBJECT_MAX), .names = BUF_INIT(NAMES_MAX) };
    int r = ask_check(rules, ask, ca, clock);

    if (r == 0)
        r = leaf_fill(&l, rules, ask, ca);
    if (r != 0) {
        leaf_deinit(&l);
        return r;
    }
    *out = l;
    return 0;
}
