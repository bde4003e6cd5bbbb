#include "gate/policy/config.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/own.h"
#include "gate/policy/load.h"

enum { CONFIG_ARENA_BYTES = 256 << 20, SECTIONS_DEEP = 3, DAY_S = 86400 };

/* What gate_config_load() hands out: the public part comes first. */
struct owned {
    struct gate_config config;
    struct gate_private own;
};

const char *gate_entrance_name(enum gate_entrance e)
{
    static const char *const names[] = { "http", "socks5", "tproxy", "redirect" };

    return names[e];
}

const char *gate_action_name(enum gate_action a)
{
    static const char *const names[] = { "undecided", "inspect", "bypass", "block" };

    return names[a];
}

/* ----------------------------------------------------------------------------- defaults ---- */

static void set_findings(struct gate_config *c)
{
    c->on_finding[MW_CODE_NONE] = GATE_ON_ACCEPT;
    for (unsigned code = MW_CODE_NONE + 1; code < MW_CODES; code++)
        c->on_finding[code] = findings_default((enum mw_code)code,
                                               mw_code_info((enum mw_code)code)->severity);
}

static void set_defaults(struct gate_config *c)
{
    *c = (struct gate_config){
        .file = "built-in",
        .name = "midwatch.gate",
        .contact = "",
        .upstream = { .fetch = true, .reuse_s = 3 },
        .ca = { .leaf_s = 7 * DAY_S, .rate_per_minute = 6000 },
        .min_version = 0x0303,
        .mirror_version = true,
        .undefined = GATE_INSPECT,
        .not_tls = GATE_INSPECT,
        .ech = GATE_INSPECT,
        .quic = GATE_BLOCK,
        .client_cert = GATE_MTLS_BYPASS,
        .audit = { .format = GATE_LOG_ECS,
                   .rotate_bytes = 100000000,
                   .rotate_s = DAY_S,
                   .keep_s = 90 * DAY_S,
                   .block_when_full = true },
        .learner = { .mode = GATE_LEARN_PROPOSE,
                     .failures = 3,
                     .window_s = 600,
                     .lifetime_s = 7 * DAY_S },
        .limits = { .connections = 20000,
                    .per_client = 2000,
                    .hello_s = 10,
                    .dial_s = 10,
                    .handshake_s = 10,
                    .idle_s = 300,
                    .tunnel_idle_s = 3600,
                    .streams = 100 },
    };
    set_findings(c);
}

static int default_listener(struct load *l)
{
    struct gate_config *c = l->config;

    if (c->n_listeners > 0)
        return 0;
    c->listeners = arena_alloc(l->arena, sizeof *c->listeners);
    if (c->listeners == NULL)
        return -ENOMEM;
    c->listeners[0] = (struct gate_listener){ .entrance = GATE_ENTRANCE_HTTP,
                                              .text = "http://127.0.0.1:3128" };
    c->n_listeners = 1;
    return addr_parse(&c->listeners[0].at, SPAN_LIT("127.0.0.1:3128"), 0);
}

/* What follows from other settings unless it was set. */
static int derive(struct load *l)
{
    struct gate_config *c = l->config;
    int r = default_listener(l);

    if (r != 0)
        return r;
    if (l->private_destinations == TRI_ANY)
        for (size_t i = 0; i < c->n_listeners; i++)
            if (addr_is_loopback(&c->listeners[i].at))
                c->upstream.private_destinations = true;
    if (c->ca.folder == NULL)
        c->ca.folder = arena_printf(l->arena, "%s/ca", c->state_folder);
    if (c->audit.folder == NULL)
        c->audit.folder = arena_printf(l->arena, "%s/audit", c->state_folder);
    return c->ca.folder != NULL && c->audit.folder != NULL ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------------------ sources ---- */

/* The folder of a file's name, "" for the one we are in. */
static int folder_of(struct load *l, const char *file, const char **out)
{
    const char *slash = strrchr(file, '/');
    struct mw_span copy = { NULL, 0 };

    if (slash == NULL) {
        *out = "";
        return 0;
    }
    if (arena_copy(l->arena, span_of(file, slash == file ? 1 : (size_t)(slash - file)), &copy) < 0)
        return -ENOMEM;
    *out = (const char *)copy.data;
    return 0;
}

static int source_read(struct load *l, const struct bundle_part *part, struct load_rules *rules)
{
    const struct ucl_source source = { .text = part->bytes,
                                       .file = arena_strdup(l->arena, part->name),
                                       .depth = SECTIONS_DEEP };
    const struct ucl *root = NULL;
    int r = source.file != NULL ? 0 : -ENOMEM;

    l->folder = "";
    l->rules = rules;
    if (r == 0 && part->kind == BUNDLE_FILE)
        r = folder_of(l, part->name, &l->folder);
    if (r == 0)
        r = ucl_read(&root, &source, l->arena, l->error);
    return r == 0 ? settings_read(l, root) : r;
}

int load_sources(struct load *l, const struct gate_bundle *b, struct load_rules sources[3])
{
    int r = 0;

    for (size_t i = 0; i < 3; i++)
        sources[i] = (struct load_rules){ .end = &sources[i].first };
    for (size_t i = 0; r == 0 && i < b->n; i++)
        if (b->parts[i].kind != BUNDLE_BYTES)
            r = source_read(l, &b->parts[i], &sources[b->parts[i].kind]);
    l->rules = NULL;            /* the caller's, who keeps them no longer than it likes */
    return r;
}

/* One array: the command line's rules come before the file's. */
static int rules_join(struct load *l, const struct load_rules sources[3])
{
    static const enum bundle_kind order[] = { BUNDLE_EXTRA, BUNDLE_FILE, BUNDLE_SYSTEM };
    struct gate_rule *rules = arena_calloc(l->arena, l->n_rules + 1, sizeof *rules);
    size_t n = 0;
    int r = 0;

    if (rules == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        for (const struct load_rule *one = sources[order[i]].first; one != NULL; one = one->next)
            rules[n++] = one->rule;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = rule_finish(l, &rules[i], i + 1);
    l->own->rules = rules;
    l->config->rules = rules;
    l->config->n_rules = n;
    return r;
}

static int bundle_hash(const struct gate_bundle *b, uint8_t out[32])
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT((size_t)BUNDLE_MAX_BYTES * 2);

    gate_bundle_encode(b, &bytes);
    if (buf_error(&bytes) != 0)
        return -ENOMEM;
    return EVP_Digest(bytes.data, bytes.len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static int fill(struct load *l, const struct gate_bundle *b)
{
    struct load_rules sources[3];
    int r = load_sources(l, b, sources);

    if (r == 0)
        r = derive(l);
    if (r == 0)
        r = rules_join(l, sources);
    if (r == 0)
        r = catalogue_finish(l);
    if (r == 0)
        r = bundle_hash(b, l->config->sha256);
    for (size_t i = 0; r == 0 && i < b->n; i++)
        if (b->parts[i].kind == BUNDLE_FILE) {
            l->config->file = arena_strdup(l->arena, b->parts[i].name);
            r = l->config->file != NULL ? 0 : -ENOMEM;
        }
    return r;
}

int gate_config_load(struct gate_config **out, const struct gate_bundle *b, struct buf *error)
{
    struct owned *o = calloc(1, sizeof *o);
    struct load l = { .bundle = b, .error = error };
    int r;

    if (o == NULL)
        return -ENOMEM;
    o->own.arena.max_bytes = CONFIG_ARENA_BYTES;
    o->own.references = 1;
    o->own.taken_class[GATE_TECHNICAL] = true;
    set_defaults(&o->config);
    o->config.own = &o->own;
    l.config = &o->config;
    l.own = &o->own;
    l.arena = &o->own.arena;
    r = fill(&l, b);
    if (r == 0)
        *out = &o->config;
    else
        gate_config_unref(&o->config);
    return r;
}

struct gate_config *gate_config_ref(struct gate_config *c)
{
    ((struct owned *)c)->own.references++;
    return c;
}

void gate_config_unref(struct gate_config *c)
{
    struct owned *o = (struct owned *)c;

    if (c == NULL || --o->own.references > 0)
        return;
    users_wipe(&o->own.users);
    arena_deinit(&o->own.arena);
    free(o);
}

enum sign_in gate_config_sign_in(const struct gate_config *c, struct mw_span user,
                                 struct mw_span password, const char *const **groups,
                                 struct sign_in_question **ask)
{
    const struct user *found = NULL;
    enum sign_in r = users_sign_in(&c->own->users, user, password, &found, ask);

    if (r == SIGN_IN_GOOD)
        *groups = found->groups;
    return r;
}
