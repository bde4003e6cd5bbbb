#include "gate/worker/session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "gate/worker/flow.h"

static const struct {
    enum step (*step)(struct session *s);
    const char *name;
} stages[STAGES] = {
    [STAGE_DOOR] = { door_step, "door" },       [STAGE_HELLO] = { hello_step, "hello" },
    [STAGE_RESOLVE] = { resolve_step, "dial" }, [STAGE_DIAL] = { dial_step, "dial" },
    [STAGE_SECURE] = { secure_step, "secure" }, [STAGE_JUDGE] = { judge_step, "judge" },
    [STAGE_FORGE] = { forge_step, "forge" },    [STAGE_GREET] = { greet_step, "greet" },
    [STAGE_BRIDGE] = { bridge_step, "bridge" }, [STAGE_SPLICE] = { splice_step, "bypass" },
    [STAGE_LAST_WORDS] = { last_words_step, "door" },
};

const char *session_stage_name(const struct session *s)
{
    return stages[s->stage].name;
}

/* ------------------------------------------------------------------- waiting ---- */

enum step session_wait_io(struct session *s, struct side *side, enum io io)
{
    side_want(s, side, io == IO_WANT_WRITE ? UV_WRITABLE : UV_READABLE);
    return STEP_WAIT;
}

/* How long a stage may take. */
static int64_t stage_limit_ms(const struct session *s, enum stage stage)
{
    const struct gate_config *c = s->config;

    switch (stage) {
    case STAGE_DOOR:
    case STAGE_HELLO:
        return c->limits.hello_s * 1000;
    case STAGE_RESOLVE:
    case STAGE_DIAL:
        return c->limits.dial_s * 1000;
    case STAGE_SECURE:
    case STAGE_GREET:
        return c->limits.handshake_s * 1000;
    case STAGE_JUDGE:
        return JUDGING_FETCH_MS + 2000;
    case STAGE_FORGE:
        return 2 * MINT_LIMIT_MS + 1000;
    case STAGE_SPLICE:
        return c->limits.tunnel_idle_s * 1000;
    case STAGE_BRIDGE:
        return c->limits.idle_s * 1000;
    default:
        return 5000;
    }
}

void session_go(struct session *s, enum stage stage)
{
    s->stage = stage;
    s->deadline_ms = (int64_t)uv_now(&s->w->loop) + stage_limit_ms(s, stage);
}

/* --------------------------------------------------------------------- the end ---- */

static void flows_free(struct session *s)
{
    if (s->up == NULL)
        return;
    for (size_t i = 0; i < 2; i++)
        if (s->up[i].has_pipe)
            worker_pipe_give(s->w, &s->up[i].pipe, s->up[i].held == 0);
    free(s->up);
}

static void session_free(struct session *s)
{
    struct worker *w = s->w;

    if (s->asking != NULL)
        dns_cancel(s->asking);
    signing_cancel(s->signing);
    connect_cancel(s->connecting);
    judging_cancel(s->judging);
    mint_cancel(s->minting);
    kept_put(s);
    bridge_free(s->bridge);
    door_free(s->door);
    side_close(&s->client);
    kept_free(s->kept);
    side_close(&s->server);
    flows_free(s);
    session_flight_done(s);
    SSL_SESSION_free(s->fresh);
    origin_unref(s->origin);
    origin_unref(s->before);
    minted_unref(s->leaf);
    buf_wipe(&s->early);
    buf_deinit(&s->page);
    learned_unref(s->learned);
    gate_config_unref(s->config);
    free(s->addresses);
    free(s->offer);
    free(s->offered);
    free(s->host);
    free(s->sni);
    free(s->asked);
    free(s->user);
    if (s->newer != NULL)
        s->newer->older = s->older;
    else
        w->sessions = s->older;
    if (s->older != NULL)
        s->older->newer = s->newer;
    for (struct session **at = &w->ready; s->is_ready && *at != NULL; at = &(*at)->next_ready)
        if (*at == s) {
            *at = s->next_ready;
            break;
        }
    w->n_sessions--;
    if (s->counted)
        worker_client_add(w, &s->client_addr, -1);
    counter_sub(&w->counters->open, 1);
    free(s);
}

enum step session_end(struct session *s, enum audit_outcome outcome, const char *error)
{
    if (s->ended)
        return STEP_END;
    s->ended = true;
    s->record.outcome = outcome;
    if (outcome != AUDIT_COMPLETED)
        s->record.failed_at = session_stage_name(s);
    snprintf(s->error, sizeof(s->error), "%s", error != NULL ? error : "");
    return STEP_END;
}

static void session_count(const struct session *s)
{
    struct gate_counters *c = s->w->counters;

    if (s->decision.action == GATE_INSPECT)
        counter_add(&c->inspected, 1);
    else if (s->decision.action == GATE_BYPASS)
        counter_add(&c->bypassed, 1);
    else if (s->decision.action == GATE_BLOCK)
        counter_add(&c->blocked, 1);
    if (s->record.outcome == AUDIT_REFUSED)
        counter_add(&c->refused, 1);
    if (s->record.failed_at == NULL || s->record.outcome == AUDIT_BLOCKED ||
        s->record.outcome == AUDIT_REFUSED)
        return;
    switch (s->stage) {
    case STAGE_DOOR:
    case STAGE_LAST_WORDS:
        counter_add(&c->door_bad, 1);
        break;
    case STAGE_HELLO:
        counter_add(&c->hello_bad, 1);
        break;
    case STAGE_RESOLVE:
    case STAGE_DIAL:
    case STAGE_SECURE:
        counter_add(&c->dial_failed, 1);
        break;
    case STAGE_JUDGE:
        counter_add(&c->judge_failed, 1);
        break;
    case STAGE_FORGE:
        counter_add(&c->forge_failed, 1);
        break;
    case STAGE_GREET:
        counter_add(&c->greet_failed, 1);
        break;
    default:
        counter_add(&c->bridge_failed, 1);
    }
}

/* All that was found about the origin, each once, also what nothing was done about. */
static void findings_write(struct buf *out, const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_findings; i++) {
        bool again = false;

        for (size_t k = 0; k < i && !again; k++)
            again = v->findings[k].code == v->findings[i].code;
        if (!again)
            buf_printf(out, "%s%s", out->len > 0 ? "," : "",
                       mw_code_info(v->findings[i].code)->code);
    }
}

static void session_finish(struct session *s)
{
    CLEANUP(buf_deinit) struct buf findings = BUF_INIT(8192);

    if (s->origin != NULL)
        findings_write(&findings, s->origin->verdict);
    if (findings.len > 0)
        s->record.findings = (const char *)findings.data;
    s->record.ended_ms = wall_now_ms();
    session_record(s);
    session_learn(s);
    session_count(s);
    worker_audit(s->w, &s->record);
    session_free(s);
}

void session_run(struct session *s)
{
    if (s->running)
        return;
    s->running = true;
    while (!s->ended && stages[s->stage].step(s) == STEP_GO)
        continue;
    s->running = false;
    if (s->ended)
        session_finish(s);
}

void session_kill(struct session *s, enum audit_outcome outcome, const char *error)
{
    (void)session_end(s, outcome, error);
    if (!s->running)
        session_finish(s);
}

/* ------------------------------------------------------------------- the record ---- */

static void leg_record(const struct leg *l, struct audit_leg *to)
{
    to->alert_received = l->alert_in;
    to->alert_sent = l->alert_out;
    if (l->tls == NULL || !l->shaken)
        return;
    to->version = l->version;
    to->suite = l->suite;
    to->resumed = l->resumed;
}

void session_record(struct session *s)
{
    struct audit_record *r = &s->record;

    r->entrance = gate_entrance_name(s->listener->settings->entrance);
    r->client = s->client_addr;
    r->listener = s->listener->settings->at;
    r->destination = s->destination;
    r->user = s->user;
    r->host = s->host;
    r->sni = s->sni;
    r->asked = s->asked;
    r->port = s->port;
    r->ja4 = s->ja4;
    if (s->decided) {
        r->action = gate_action_name(s->decision.action);
        r->rule = s->decision.rule;
        r->reason = s->decision.reason;
        if (s->decision.exception != GATE_NO_EXCEPTION)
            r->exception = gate_exception_class_name(s->decision.exception);
    }
    r->error = s->error;
    if (s->bridge != NULL) {
        struct bridge_counts counts = bridge_counts(s->bridge);

        r->protocol = bridge_protocol(s->bridge);
        r->requests = counts.requests;
        r->blocked_requests = counts.blocked;
    }
    if (s->up != NULL) {
        r->protocol = "tls";
        r->bytes_up = s->up->total;
        r->bytes_down = s->down->total;
    }
    leg_record(&s->client.leg, &r->client_leg);
    leg_record(&s->server.leg, &r->server_leg);
    r->server_leg.reused = s->reused;
    r->client_leg.alpn = r->server_leg.alpn = s->alpn;
    if (s->leaf != NULL) {
        r->forged = true;
        r->forged_untrusted = s->leaf->untrusted;
        memcpy(r->forged_sha256, s->leaf->sha256, sizeof(r->forged_sha256));
    }
    if (s->origin != NULL) {
        memcpy(r->origin_sha256, s->origin->leaf_sha256, sizeof(r->origin_sha256));
        r->verdict = mw_outcome_name(s->origin->verdict->outcome);
        r->decided_by = s->cause != MW_CODE_NONE ? mw_code_info(s->cause)->code : NULL;
    }
}

struct gate_facts session_facts(const struct session *s)
{
    return (struct gate_facts){
        .client = s->client_addr,
        .user = s->user,
        .groups = s->groups,
        .entrance = s->listener->settings->entrance,
        .host = s->host,
        .asked = s->asked,
        .destination = s->destination,
        .port = s->port,
        .tls = s->tls,
        .unheard = s->door != NULL,
        .sni_missing = s->sni_missing,
        .ech = s->ech,
        .ja4 = s->ja4,
        .verdict = s->origin != NULL ? s->origin->verdict : NULL,
        .client_cert_wanted = s->certificate_wanted,
        .now = wall_now(),
    };
}

/* -------------------------------------------------------------------- the start ---- */

static void socket_prepare(int fd)
{
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static bool session_begin(struct session *s, int fd)
{
    enum gate_entrance e = s->listener->settings->entrance;

    s->transparent = e == GATE_ENTRANCE_TPROXY || e == GATE_ENTRANCE_REDIRECT;
    if (side_open(s, &s->client, fd) < 0)
        return false;
    if (!s->transparent)
        return door_new(&s->door, e, s->config) == 0;
    if (door_original(fd, e, &s->destination) < 0) {
        (void)session_end(s, AUDIT_CLIENT_FAILED, "it was not sent here by a redirection");
        return true;
    }
    s->port = addr_port(&s->destination);
    return true;
}

void session_accept(struct worker *w, const struct worker_listener *l, int fd,
                    const struct addr *client)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        close(fd);
        counter_add(&w->counters->overloaded, 1);
        return;
    }
    socket_prepare(fd);
    s->w = w;
    s->listener = l;
    s->config = gate_config_ref(w->config);
    s->learned = w->learned;
    if (s->learned != NULL)
        s->learned->references++;
    s->client.leg.fd = s->server.leg.fd = -1;
    s->early = (struct buf)BUF_INIT(HELLO_MAX_BYTES + DOOR_MAX_BYTES);
    s->page = (struct buf)BUF_INIT(1 << 20);
    s->client_addr = *client;
    addr_text(client, false, s->client_text);
    s->record.kind = AUDIT_SESSION;
    s->record.worker = w->life;
    s->record.serial = ++w->serial;
    s->record.began_ms = wall_now_ms();
    s->older = w->sessions;
    if (s->older != NULL)
        s->older->newer = s;
    w->sessions = s;
    w->n_sessions++;
    s->counted = true;
    worker_client_add(w, client, 1);
    counter_add(&w->counters->accepted, 1);
    counter_add(&w->counters->open, 1);
    session_go(s, STAGE_DOOR);
    if (!session_begin(s, fd))
        (void)session_end(s, AUDIT_INTERNAL, "out of memory");
    if (s->transparent && !s->ended)
        session_go(s, STAGE_HELLO);
    session_run(s);
}
