#include "check/json.h"

#include <errno.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "check/certs.h"
#include "check/parameters.h"
#include "check/story.h"

enum { TEXT_BYTES = 64 << 10, STORY_ARENA_BYTES = 16 << 20 };

/* The object under construction; it remembers its first failure. */
struct maker {
    bool failed;
};

static void put(struct maker *m, json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        m->failed = true;
}

static void append(struct maker *m, json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0)
        m->failed = true;
}

/* The engine's strings are safe to print already. */
static json_t *text(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

/* The network's are not. */
static json_t *foreign(const char *s)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(TEXT_BYTES);

    if (s == NULL)
        return json_null();
    text_safe(&safe, span_str(s), TEXT_BYTES / 8);
    return buf_error(&safe) == 0 ? json_stringn((const char *)safe.data, safe.len) : NULL;
}

static json_t *url(const char *s)
{
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT(TEXT_BYTES);

    if (s == NULL)
        return json_null();
    url_shown(&shown, s);
    return buf_error(&shown) == 0 ? json_stringn((const char *)shown.data, shown.len) : NULL;
}

/* RFC 3339; 0 is "none". */
static json_t *when(struct mw_wall t)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);

    if (t.s == 0)
        return json_null();
    wall_format(&out, t);
    return buf_error(&out) == 0 ? json_string((const char *)out.data) : NULL;
}

static json_t *texts(struct maker *m, const char *const *items, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        append(m, array, text(items[i]));
    return array;
}

static json_t *finding(struct maker *m, const struct mw_finding *f)
{
    const struct mw_code_info *info = mw_code_info(f->code);
    json_t *o = json_object(), *advice = json_object();

    put(m, advice, "person", text(info->person));
    put(m, advice, "it", text(info->it));
    put(m, o, "code", text(info->code));
    put(m, o, "group", text(mw_group_name(info->group)));
    put(m, o, "severity", text(mw_severity_name(f->severity)));
    put(m, o, "certainty", text(mw_certainty_name(f->certainty)));
    put(m, o, "title", text(info->title));
    put(m, o, "evidence", text(f->evidence));
    put(m, o, "disproof", text(f->disproof));
    put(m, o, "explanation", text(info->explanation));
    put(m, o, "advice", advice);
    put(m, o, "certificate", f->cert >= 0 ? json_integer(f->cert) : json_null());
    put(m, o, "accepted", json_boolean(f->accepted));
    return o;
}

static const char *anchor_name(enum mw_anchor_class a)
{
    return a == MW_ANCHOR_PUBLIC ? "public" : a == MW_ANCHOR_LOCAL ? "local" : "none";
}

static json_t *certificate(struct maker *m, const struct mw_cert_view *c, bool pem)
{
    json_t *o = json_object();

    put(m, o, "subject", text(c->subject));
    put(m, o, "issuer", text(c->issuer));
    put(m, o, "short_subject", text(c->short_subject));
    put(m, o, "short_issuer", text(c->short_issuer));
    put(m, o, "names", texts(m, c->names, c->n_names));
    put(m, o, "not_before", when(c->not_before));
    put(m, o, "not_after", when(c->not_after));
    put(m, o, "serial", text(c->serial));
    put(m, o, "key", text(c->key));
    put(m, o, "signature", text(c->signature));
    put(m, o, "sha256", text(c->sha256));
    put(m, o, "sha1", text(c->sha1));
    put(m, o, "spki", text(c->spki));
    put(m, o, "is_ca", json_boolean(c->is_ca));
    put(m, o, "self_issued", json_boolean(c->self_issued));
    put(m, o, "in_path", json_boolean(c->in_path));
    put(m, o, "sent", json_boolean(c->sent));
    put(m, o, "anchor", text(anchor_name(c->anchor)));
    put(m, o, "scts", texts(m, c->scts, c->n_scts));
    put(m, o, "ocsp_urls", texts(m, c->ocsp_urls, c->n_ocsp_urls));
    put(m, o, "crl_urls", texts(m, c->crl_urls, c->n_crl_urls));
    put(m, o, "issuer_urls", texts(m, c->issuer_urls, c->n_issuer_urls));
    if (pem) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(4U * MW_MAX_CERT_BYTES);

        certs_pem(&out, c->der);
        put(m, o, "pem", buf_error(&out) == 0 ? json_string((const char *)out.data) : NULL);
    }
    return o;
}

static json_t *reader(struct maker *m, const struct mw_reader *r)
{
    json_t *o = json_object();

    put(m, o, "product", text(r->product));
    put(m, o, "vendor", text(r->vendor));
    put(m, o, "kind", text(r->kind));
    put(m, o, "issuer", text(r->issuer));
    put(m, o, "key", text(r->key));
    put(m, o, "place", text(mw_place_name(r->place)));
    put(m, o, "certainty", text(mw_certainty_name(r->certainty)));
    put(m, o, "named_certainty", text(mw_certainty_name(r->named_certainty)));
    put(m, o, "place_certainty", text(mw_certainty_name(r->place_certainty)));
    return o;
}

static json_t *clock_object(struct maker *m, const struct mw_clock_view *c)
{
    static const char *const states[] = {
        [MW_CLOCK_UNASKED] = "unasked",
        [MW_CLOCK_RIGHT] = "right",
        [MW_CLOCK_WRONG_BUT_HARMLESS] = "wrong-but-harmless",
        [MW_CLOCK_TO_BLAME] = "to-blame",
        [MW_CLOCK_NO_ANSWER] = "no-answer",
    };
    json_t *o = json_object();

    put(m, o, "state", text(states[c->state]));
    put(m, o, "offset_ms", c->offset_known ? json_integer(c->offset_ms) : json_null());
    put(m, o, "signed", json_boolean(c->is_signed));
    put(m, o, "sources", text(c->sources));
    put(m, o, "lower_bound", when(c->lower_bound));
    put(m, o, "lower_bound_from", text(c->lower_bound_from));
    put(m, o, "valid_at_true_time", json_boolean(c->valid_at_true_time));
    return o;
}

static json_t *revocation_object(struct maker *m, const struct mw_revocation_view *r)
{
    static const char *const states[] = {
        [MW_REVOCATION_UNASKED] = "unasked",
        [MW_REVOCATION_GOOD] = "not-revoked",
        [MW_REVOCATION_REVOKED] = "revoked",
        [MW_REVOCATION_COULD_NOT_CHECK] = "could-not-check",
        [MW_REVOCATION_NO_MECHANISM] = "no-mechanism",
    };
    json_t *o = json_object();

    put(m, o, "leaf", text(states[r->leaf]));
    put(m, o, "intermediates", text(states[r->intermediates]));
    put(m, o, "how", text(r->how));
    put(m, o, "this_update", when(r->this_update));
    put(m, o, "next_update", when(r->next_update));
    put(m, o, "reason", text(r->reason));
    put(m, o, "revoked_at", when(r->revoked_at));
    return o;
}

static json_t *missing(struct maker *m, unsigned bits)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {
        {MW_MISSING_ISSUER,    "issuer"  },
        { MW_MISSING_CRL,      "crl"     },
        { MW_MISSING_OCSP,     "ocsp"    },
        { MW_MISSING_TIME,     "time"    },
        { MW_MISSING_CONTROLS, "controls"},
        { MW_MISSING_CAA,      "caa"     },
        { MW_MISSING_LOCAL,    "local"   },
    };
    json_t *array = json_array();

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if ((bits & words[i].bit) != 0)
            append(m, array, text(words[i].word));
    return array;
}

static json_t *number_or_null(unsigned n)
{
    return n != 0 ? json_integer((json_int_t)n) : json_null();
}

static json_t *parameters(struct maker *m, const struct mw_parameters *t)
{
    json_t *o = json_object();

    put(m, o, "version", text(tls_version_name(t->version)));
    put(m, o, "cipher", foreign(t->cipher_name));
    put(m, o, "cipher_suite", number_or_null(t->cipher_suite));
    put(m, o, "group", text(tls_group_name(t->group)));
    put(m, o, "signature_scheme", text(tls_scheme_name(t->signature_scheme)));
    put(m, o, "dh_bits", number_or_null(t->dh_bits));
    put(m, o, "alpn", foreign(t->alpn));
    put(m, o, "alert", number_or_null(t->alert));
    put(m, o, "client_certificate_wanted", json_boolean(t->client_cert_wanted));
    return o;
}

static json_t *connection(struct maker *m, const struct mw_evidence *ev)
{
    json_t *o = json_object();

    put(m, o, "reach", text(reach_name(ev->reach)));
    put(m, o, "detail", foreign(ev->reach_detail));
    put(m, o, "address", foreign(ev->local.peer_address));
    put(m, o, "proxy", ev->local.proxy_used ? url(ev->local.proxy) : json_null());
    put(m, o, "vpn_interface", foreign(ev->local.vpn_interface));
    return o;
}

static json_t *unattended(struct maker *m, const struct json_options *options,
                          const struct mw_verdict *v)
{
    const char *why = NULL;
    bool proceed = mw_may_proceed_unattended(v, &why);
    json_t *o = json_object();

    put(m, o, "asked", json_boolean(options->unattended));
    put(m, o, "proceed", json_boolean(proceed));
    put(m, o, "why", text(why));
    return o;
}

static const char *action_name(enum mw_action a)
{
    return a == MW_PROCEED ? "proceed" : a == MW_ASK ? "ask" : "refuse";
}

static void judged(struct maker *m, json_t *o, const struct json_options *options,
                   const struct run_result *r)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(STORY_ARENA_BYTES);
    const struct mw_verdict *v = r->v;
    json_t *findings = json_array(), *chain = json_array(), *readers = json_array();
    struct story story = { 0 };

    if (story_tell(&arena, r->ev, v, &story) != 0)
        m->failed = true;
    for (size_t i = 0; i < v->n_findings; i++)
        append(m, findings, finding(m, &v->findings[i]));
    for (size_t i = 0; i < v->n_chain; i++)
        append(m, chain, certificate(m, &v->chain[i], options->pem));
    for (size_t i = 0; i < v->n_readers; i++)
        append(m, readers, reader(m, &v->readers[i]));
    put(m, o, "verdict", text(mw_outcome_name(v->outcome)));
    put(m, o, "headline", text(story.headline));
    put(m, o, "at", when(v->at));
    put(m, o, "findings", findings);
    put(m, o, "anchor", text(anchor_name(v->anchor)));
    put(m, o, "chain", chain);
    put(m, o, "path_length", json_integer((json_int_t)v->n_path));
    put(m, o, "readers", readers);
    put(m, o, "clock", clock_object(m, &v->clock));
    put(m, o, "revocation", revocation_object(m, &v->revocation));
    put(m, o, "missing", missing(m, v->missing));
    put(m, o, "parameters", parameters(m, &r->ev->tls));
    put(m, o, "connection", connection(m, r->ev));
    put(m, o, "unattended", unattended(m, options, v));
    put(m, o, "attended", text(action_name(mw_attended_action(v))));
}

int json_result(struct buf *out, const struct json_options *options, const struct run_result *r)
{
    struct maker m = { 0 };
    json_t *o = json_object(), *target = json_object();
    CLEANUP(own_free) char *line = NULL;

    put(&m, target, "typed", text(r->target->typed));
    put(&m, target, "host", foreign(r->v != NULL ? r->v->host : r->target->host));
    put(&m, target, "port", json_integer(r->target->port));
    put(&m, target, "starttls", text(starttls_word(r->target->starttls)));
    put(&m, o, "schema", text("midwatch.check/1"));
    put(&m, o, "target", target);
    if (r->v != NULL)
        judged(&m, o, options, r);
    else
        put(&m, o, "error", foreign(r->error));
    put(&m, o, "exit", json_integer(options->exit));
    line = m.failed ? NULL : json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (line == NULL)
        return -ENOMEM;
    buf_str(out, line);
    buf_str(out, "\n");
    return buf_error(out);
}
