#include "gate/worker/judge_cache.h"

#include <errno.h>
#include <stdlib.h>

/* Reckoned from verdicts as they are: a common one (leaf, intermediate, root, two keys of 2048
 * bits) takes 24 KiB, of which its certificates are 2.7. */
enum { COST_FIXED = 8192, COST_CERT = 2048, COST_NAME = 96, COST_TIMES_DER = 4 };

struct judge_entry {
    uint8_t key[JUDGE_KEY_BYTES];
    struct judge_entry *next;           /* in its bucket */
    struct judge_entry *newer, *older;
    struct origin *origin;
    size_t bytes;
};

int judge_cache_init(struct judge_cache *c)
{
    *c = (struct judge_cache){ .n_buckets = JUDGING_MAX_CACHED,
                               .most = JUDGING_MAX_CACHED,
                               .most_bytes = JUDGING_MAX_BYTES };
    c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    c->hash = EVP_MD_CTX_new();
    c->buckets = calloc(c->n_buckets, sizeof(struct judge_entry *));
    if (c->sha256 != NULL && c->hash != NULL && c->buckets != NULL)
        return 0;
    judge_cache_deinit(c);
    return -ENOMEM;
}

void judge_cache_deinit(struct judge_cache *c)
{
    judge_cache_clear(c);
    free(c->buckets);
    EVP_MD_CTX_free(c->hash);
    EVP_MD_free(c->sha256);
    *c = (struct judge_cache){ 0 };
}

/* ---- keys ---- */

/* Its length goes before each piece, or a byte could move from one to the next. */
static bool piece(EVP_MD_CTX *h, struct mw_span s)
{
    uint64_t len = s.len;

    return EVP_DigestUpdate(h, &len, sizeof len) == 1 && EVP_DigestUpdate(h, s.data, s.len) == 1;
}

/* Suites of TLS 1.3 are all sound, so that they do not set verdicts apart. */
struct settled {
    uint16_t version, suite, dh_bits;
    uint8_t reach, alert, client_cert_wanted, downgrade_mark;
};

static struct settled settled_of(const struct mw_evidence *ev)
{
    return (struct settled){ .version = ev->tls.version,
                             .suite = ev->tls.version >= 0x0304 ? 0 : ev->tls.cipher_suite,
                             .dh_bits = ev->tls.dh_bits,
                             .reach = (uint8_t)ev->reach,
                             .alert = ev->tls.alert,
                             .client_cert_wanted = ev->tls.client_cert_wanted,
                             .downgrade_mark = (uint8_t)ev->tls.downgrade_mark };
}

int judge_key_make(struct judge_cache *c, const struct mw_evidence *ev, const uint8_t policy[32],
                   struct judge_key *key)
{
    const struct settled settled = settled_of(ev);
    EVP_MD_CTX *h = c->hash;
    bool ok = EVP_DigestInit_ex2(h, c->sha256, NULL) == 1 && piece(h, span_of(policy, 32)) &&
              piece(h, span_str(ev->host)) && piece(h, span_of(&ev->port, sizeof ev->port));

    for (size_t i = 0; ok && i < ev->n_sent; i++)
        ok = piece(h, ev->sent[i]);
    ok = ok && EVP_DigestFinal_ex(h, key->origin, NULL) == 1 &&
         EVP_DigestInit_ex2(h, c->sha256, NULL) == 1 &&
         piece(h, span_of(key->origin, sizeof key->origin)) && piece(h, ev->staple) &&
         piece(h, ev->tls_scts) && piece(h, span_of(&settled, sizeof settled)) &&
         EVP_DigestFinal_ex(h, key->verdict, NULL) == 1;
    return ok ? 0 : -ENOMEM;
}

/* ---- the table ---- */

static struct judge_entry **bucket(struct judge_cache *c, const uint8_t key[JUDGE_KEY_BYTES])
{
    uint64_t n;

    memcpy(&n, key, sizeof n); /* as good as random already */
    return &c->buckets[n % c->n_buckets];
}

static void list_unlink(struct judge_cache *c, struct judge_entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void list_push(struct judge_cache *c, struct judge_entry *e)
{
    e->older = c->newest;
    e->newer = NULL;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void entry_drop(struct judge_cache *c, struct judge_entry *e)
{
    struct judge_entry **at = bucket(c, e->key);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    list_unlink(c, e);
    c->n--;
    c->bytes -= e->bytes;
    origin_unref(e->origin);
    free(e);
}

void judge_cache_clear(struct judge_cache *c)
{
    while (c->oldest != NULL)
        entry_drop(c, c->oldest);
}

/* A clock that was set back leaves nobody knowing how old a verdict is. */
struct origin *judge_cache_find(struct judge_cache *c, const struct judge_key *key,
                                struct mw_wall now)
{
    struct judge_entry *e = *bucket(c, key->verdict);

    while (e != NULL && memcmp(e->key, key->verdict, sizeof e->key) != 0)
        e = e->next;
    if (e == NULL)
        return NULL;
    if (now.s < e->origin->judged.s || now.s >= e->origin->until.s) {
        entry_drop(c, e);
        return NULL;
    }
    list_unlink(c, e);
    list_push(c, e);
    return e->origin;
}

size_t judge_cost(const struct mw_verdict *v)
{
    size_t cost = COST_FIXED;

    for (size_t i = 0; i < v->n_chain; i++)
        cost += COST_CERT + COST_TIMES_DER * v->chain[i].der.len +
                COST_NAME * v->chain[i].n_names;
    return cost;
}

int judge_cache_add(struct judge_cache *c, const struct judge_key *key, struct origin *o)
{
    struct judge_entry **at = bucket(c, key->verdict), *e = calloc(1, sizeof *e);

    if (e == NULL)
        return -ENOMEM;
    memcpy(e->key, key->verdict, sizeof e->key);
    e->origin = origin_ref(o);
    e->bytes = sizeof *e + sizeof *o + o->leaf.len + judge_cost(o->verdict);
    e->next = *at;
    *at = e;
    list_push(c, e);
    c->n++;
    c->bytes += e->bytes;
    while (c->oldest != NULL && c->oldest != e && (c->n > c->most || c->bytes > c->most_bytes))
        entry_drop(c, c->oldest);
    return 0;
}
