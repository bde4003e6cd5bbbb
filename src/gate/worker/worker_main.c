/*
 * The worker process from start to end, and what the others tell it.
 */
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "gate/wire/config_part.h"
#include "gate/wire/control.h"
#include "gate/wire/process.h"
#include "gate/walls/walls.h"
#include "gate/worker/session.h"
#include "gate/worker/wipe.h"
#include "trust/pem.h"

enum {
    FD_FORGE = PROCESS_FD_FIRST,
    FD_SCRIBE,
    FD_COUNTERS,
    FD_LISTENERS,
    ARENA_BYTES = 4 << 20,
    CLIENT_CERTS_MAX = 1024,
};

void learned_unref(struct learned_set *l)
{
    if (l == NULL || --l->references > 0)
        return;
    arena_deinit(&l->arena);
    free(l);
}

/* ------------------------------------------------------------------ from the scribe ---- */

static void learned_take(struct worker *w, struct mw_span message)
{
    struct learned_set *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return;
    l->references = 1;
    l->arena = (struct arena)ARENA_INIT(ARENA_BYTES);
    if (learned_read(&l->items, &l->n, message, &l->arena) < 0) {
        learned_unref(l);
        log_error("gate worker: the scribe sent learned exceptions that do not parse");
        return;
    }
    learned_unref(w->learned);
    w->learned = l;
}

static void consents_take(struct worker *w, struct mw_span message)
{
    struct consent_set c = { .arena = ARENA_INIT(ARENA_BYTES) };

    if (consents_read(&c.items, &c.n, message, &c.arena) < 0) {
        arena_deinit(&c.arena);
        log_error("gate worker: the scribe sent consents that do not parse");
        return;
    }
    arena_deinit(&w->consents.arena);
    w->consents = c;
    consent_settle(w);
}

static void audit_state_take(struct worker *w, struct mw_span message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(4096);
    struct audit_state state;

    if (audit_state_read(&state, message, &arena) == 0)
        w->audit_failing = state.failing;
}

static void answer(struct worker *w, uint64_t id, struct mw_span json)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

    control_write(&message, GATE_QUERY_ANSWER, id, json);
    if (buf_error(&message) != 0 || channel_send(w->scribe, buf_span(&message)) < 0)
        log_warning("gate worker: an answer was lost: the scribe takes no more");
}

static void top_answer(struct worker *w, struct buf *json)
{
    int64_t now = wall_now_ms();
    bool first = true;

    buf_str(json, "{\"sessions\":[");
    for (struct session *s = w->sessions; s != NULL; s = s->older) {
        if (json->len > json->max - 4096)
            break;
        if (!first)
            buf_str(json, ",");
        first = false;
        session_record(s);
        history_session_json(json, &s->record, now);
    }
    buf_str(json, "]}");
}

static void query_take(struct worker *w, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(CHANNEL_MAX_MESSAGE - 64);
    struct mw_span text;
    uint64_t id;
    const char *ask, *host, *client;
    json_t *q;

    if (control_read(&id, &text, message) < 0)
        return;
    q = json_loadb((const char *)text.data, text.len, 0, NULL);
    ask = json_string_value(json_object_get(q, "ask"));
    host = json_string_value(json_object_get(q, "host"));
    client = json_string_value(json_object_get(q, "client"));
    if (ask != NULL && strcmp(ask, "top") == 0)
        top_answer(w, &json);
    else if (ask != NULL && strcmp(ask, "why") == 0 && host != NULL &&
             history_why(w->history, host, client, &json) == 0)
        ;
    else if (ask != NULL && strcmp(ask, "unlock") == 0)
        worker_unlock(w, text);
    if (json.len > 0 && buf_error(&json) == 0)
        answer(w, id, buf_span(&json));
    json_decref(q);
}

static void on_scribe(void *context, struct mw_span message)
{
    struct worker *w = context;

    if (message.len == 0)
        return;
    switch (message.data[0]) {
    case GATE_LEARNED:
        learned_take(w, message);
        break;
    case GATE_CONSENTS:
        consents_take(w, message);
        break;
    case GATE_AUDIT_STATE:
        audit_state_take(w, message);
        break;
    case GATE_QUERY:
        query_take(w, message);
        break;
    default:
        log_error("gate worker: the scribe sent a message of kind %u", message.data[0]);
    }
}

/* ------------------------------------------------------------------ from the parent ---- */

/* Our root, for the page that installs it: the first of the bundle's. */
static void ca_take(struct worker *w)
{
    struct pem pem = { .line = 0 };

    buf_truncate(&w->ca, 0);
    if (gate_bundle_file(w->bundle, GATE_FILE_OWN_CA, &pem.rest) &&
        pem_next(&pem, "CERTIFICATE", &w->ca) != PEM_BLOCK)
        buf_truncate(&w->ca, 0);
}

static int config_use(struct worker *w, struct mw_span bytes, struct buf *error)
{
    struct gate_bundle *bundle = NULL;
    struct gate_config *config = NULL;
    int r = gate_bundle_decode(&bundle, bytes);

    if (r == 0)
        r = gate_config_load(&config, bundle, error);
    if (r == 0 && w->judging != NULL)
        r = judging_reload(w->judging, config, bundle, error);
    if (r != 0) {
        gate_config_unref(config);
        gate_bundle_free(bundle);
        return r;
    }
    kept_drop(w);
    resume_clear(&w->resume);
    gate_bundle_free(w->bundle);
    gate_config_unref(w->config);
    w->bundle = bundle;
    w->config = config;
    w->limits = (struct content_limits){ config->limits.request_body,
                                         config->limits.response_body };
    w->limits_stage = content_limits_stage(&w->limits);
    w->stages[0] = &w->limits_stage;
    w->row = (struct content_row){ w->stages, 1 };
    for (size_t i = 0; i < w->n_listeners && i < config->n_listeners; i++)
        w->listeners[i].settings = &config->listeners[i];
    ca_take(w);
    return 0;
}

static void config_take(struct worker *w, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    int r = config_part_take(&w->parts, message);

    if (r == CONFIG_PART_MORE)
        return;
    if (r == CONFIG_PART_WHOLE)
        r = config_use(w, buf_span(&w->parts), &error);
    if (r != 0)
        log_error("gate worker: a new configuration was not taken: %s",
                  error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : EINVAL));
    buf_deinit(&w->parts);
    w->parts = (struct buf)BUF_INIT(CONFIG_PART_TOTAL);
}

/* 32 bytes of seed, then the period. */
static void seed_take(struct worker *w, struct mw_span message)
{
    struct mw_span seed = span_cut(message, 1, TICKET_SEED);
    uint8_t key[sizeof(w->consent_key[0])];
    uint64_t period = 0;
    unsigned int len = 0;

    if (message.len != 1 + TICKET_SEED + 8)
        return;
    for (size_t i = 0; i < 8; i++)
        period = period << 8 | message.data[1 + TICKET_SEED + i];
    if (sides_seed(&w->sides, seed, period) < 0)
        log_error("gate worker: no keys for session tickets: out of memory");
    /* Without memory the old keys stay: no key is one that others could guess. */
    if (HMAC(EVP_sha256(), seed.data, (int)seed.len, message.data + 1 + TICKET_SEED, 8, key,
             &len) == NULL) {
        log_error("gate worker: no new key for \"continue anyway\": out of memory");
        return;
    }
    memcpy(w->consent_key[1], w->consent_key[0], sizeof(w->consent_key[0]));
    memcpy(w->consent_key[0], key, sizeof(w->consent_key[0]));
    OPENSSL_cleanse(key, sizeof(key));
}

static void on_parent(void *context, struct mw_span message)
{
    struct worker *w = context;

    if (message.len == 0) { /* the parent is gone: nobody would restart us */
        uv_stop(&w->loop);
        return;
    }
    switch (message.data[0]) {
    case GATE_CONFIG:
        config_take(w, message);
        break;
    case GATE_DRAIN:
        worker_drain(w);
        break;
    case GATE_TICKET_SEED:
        seed_take(w, message);
        break;
    default:
        log_error("gate worker: the parent sent a message of kind %u", message.data[0]);
    }
}

/* --------------------------------------------------------------------- start and end ---- */

static void client_cert_drop(struct lru_node *node)
{
    free(node->name);
    free(node);
}

static int bundle_read(struct buf *out)
{
    char buffer[65536];
    ssize_t n;

    if (lseek(PROCESS_FD_BUNDLE, 0, SEEK_SET) < 0)
        return -errno;
    while ((n = read(PROCESS_FD_BUNDLE, buffer, sizeof(buffer))) > 0)
        buf_add(out, span_of(buffer, (size_t)n));
    close(PROCESS_FD_BUNDLE);
    return n < 0 ? -errno : buf_error(out);
}

static int dns_open(struct worker *w, struct buf *error)
{
    char text[256] = "";
    const struct dns_options options = {
        .servers = w->config->upstream.dns_servers,
        .n_servers = w->config->upstream.n_dns_servers,
        .hosts_file = w->config->upstream.hosts_file,
    };
    int r = dns_new(&w->dns, &w->loop, &options, text);

    if (r < 0)
        buf_printf(error, "DNS: %s", text);
    return r;
}

/* Everything that reads files comes before the walls. */
static int worker_begin(struct worker *w, const struct process_args *args, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);
    int r;

    w->spare_fd = fcntl(PROCESS_FD_PARENT, F_DUPFD_CLOEXEC, 100);
    w->index = args->index;
    if (RAND_bytes((uint8_t *)&w->life, sizeof(w->life)) != 1 ||
        RAND_bytes((uint8_t *)&w->client_seed, sizeof(w->client_seed)) != 1 ||
        RAND_bytes(w->consent_key[0], sizeof(w->consent_key)) != 1)
        return -EIO;
    if ((r = uv_loop_init(&w->loop)) < 0 || (r = counters_map(&w->counters, FD_COUNTERS)) < 0 ||
        (r = bundle_read(&bytes)) < 0 || (r = config_use(w, buf_span(&bytes), error)) != 0 ||
        (r = algorithms_init(&w->algorithms)) < 0 ||
        (r = sides_init(&w->sides, w->algorithms.context, on_server_session)) < 0 ||
        (r = history_new(&w->history)) < 0 ||
        (r = resume_init(&w->resume)) < 0 ||
        (r = lru_init(&w->client_certs, CLIENT_CERTS_MAX, client_cert_drop)) < 0 ||
        (r = dns_open(w, error)) < 0 || (r = resolve_init(&w->resolve, w->dns)) < 0 ||
        (r = judging_new(&w->judging, &w->loop, w->dns, w->config, w->bundle, error)) != 0 ||
        (r = mint_new(&w->mint, &w->loop, w->algorithms.context, FD_FORGE)) < 0 ||
        (r = channel_new(&w->scribe, &w->loop, FD_SCRIBE, 0, on_scribe, w)) < 0 ||
        (r = channel_new(&w->parent, &w->loop, PROCESS_FD_PARENT, 0, on_parent, w)) < 0 ||
        (r = worker_turns_init(w)) < 0)
        return r;
    w->n_listeners = args->listeners < w->config->n_listeners ? args->listeners
                                                              : w->config->n_listeners;
    w->listeners = calloc(w->n_listeners + 1, sizeof(*w->listeners));
    if (w->listeners == NULL)
        return -ENOMEM;
    return 0;
}

static int walls(struct worker *w, struct buf *error)
{
    const struct walls settings = { .role = WALLS_WORKER, .user = w->config->user };

    return walls_build(&settings, error);
}

static int worker_open(struct worker *w)
{
    for (size_t i = 0; i < w->n_listeners; i++) {
        int r = worker_listen(w, i, FD_LISTENERS + (int)i);

        if (r < 0)
            return r;
    }
    answer(w, 0, SPAN_LIT("{\"hello\":true}"));
    process_hello(w->parent);
    return 0;
}

static void on_walk(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (uv_is_closing(handle) == 0)
        uv_close(handle, NULL);
}

static void worker_deinit(struct worker *w)
{
    while (w->sessions != NULL)
        session_kill(w->sessions, AUDIT_COMPLETED, "the gate ends");
    kept_drop(w);
    channel_free(w->parent);
    channel_free(w->scribe);
    mint_free(w->mint);
    judging_free(w->judging);
    resolve_deinit(&w->resolve);
    dns_free(w->dns);
    uv_walk(&w->loop, on_walk, NULL);
    while (uv_run(&w->loop, UV_RUN_DEFAULT) != 0)
        continue;
    (void)uv_loop_close(&w->loop);
    lru_deinit(&w->client_certs);
    resume_deinit(&w->resume);
    history_free(w->history);
    sides_deinit(&w->sides);
    algorithms_deinit(&w->algorithms);
    learned_unref(w->learned);
    consent_deinit(w);
    for (size_t i = 0; i < w->n_pipes; i++) {
        close(w->pipes[i].fds[0]);
        close(w->pipes[i].fds[1]);
    }
    counters_unmap(w->counters);
    gate_config_unref(w->config);
    gate_bundle_free(w->bundle);
    buf_deinit(&w->parts);
    buf_deinit(&w->ca);
    free(w->listeners);
    free(w);
}

int worker_main(int argc, char **argv)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct process_args args;
    struct worker *w;
    int r;

    if (process_args_read(&args, argc, argv) < 0)
        return 2;
    if (wipe_begin() < 0)
        log_warning("gate worker: what OpenSSL frees will not be wiped: it began too early");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* the terminal's; the parent says when to end */
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return 2;
    w->spare_fd = -1;
    w->parts = (struct buf)BUF_INIT(CONFIG_PART_TOTAL);
    w->ca = (struct buf)BUF_INIT(64 * 1024);
    w->consents.arena = (struct arena)ARENA_INIT(ARENA_BYTES);
    r = worker_begin(w, &args, &error);
    if (r == 0)
        r = walls(w, &error);
    if (r == 0)
        r = worker_open(w);
    if (r != 0) {
        log_error("gate worker %u: cannot start: %s", args.index,
                  error.len > 0 ? (const char *)error.data : strerror(r < 0 ? -r : EINVAL));
        return 2;
    }
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    worker_deinit(w);
    return 0;
}
