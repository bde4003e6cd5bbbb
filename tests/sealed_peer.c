/*
 * Members of MLS groups behind a pipe, for another implementation to talk to: one JSON object a
 * line in, one a line out.
 *
 *     {"do": "create", "who": "anna", "group": "67"}       ->  {"ok": true, ...}
 *     {"do": "join", "who": "anna", "welcome": "00"}       ->  {"error": "MALFORMED", "text": ...}
 *
 * Bytes are hex.  The time is what "now" said last.
 */
#include <errno.h>
#include <jansson.h>
#include <midwatch/mls_meeting.h>

#include "base/buf.h"
#include "base/own.h"

enum { MEMBERS_MAX = 4096, PSKS_MAX = 256, NAME_MAX_BYTES = 64, LINE_MAX_BYTES = 64 << 20 };

struct member {
    char name[NAME_MAX_BYTES];
    struct mw_mls_bytes signing_key, signature_key;
    struct mw_mls_key_package *kp;
    struct mw_mls_group *group;
};

struct psk {
    struct mw_mls_bytes id, psk;
};

struct peer {
    struct mw_mls_app app;
    uint16_t suite;
    struct mw_wall now;
    struct member *members;
    size_t members_count;
    struct psk psks[PSKS_MAX];
    size_t psks_count;
};

/* ------------------------------------------------------------------------- bytes ---- */

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* An absent field is no bytes. */
static int take_hex(const json_t *o, const char *field, struct mw_mls_bytes *out)
{
    const char *text = json_is_string(o) ? json_string_value(o)
                                         : json_string_value(json_object_get(o, field));
    size_t len = text != NULL ? strlen(text) / 2 : 0;

    *out = (struct mw_mls_bytes){ 0 };
    if (len == 0)
        return 0;
    out->data = malloc(len);
    if (out->data == NULL)
        return -ENOMEM;
    out->len = len;
    for (size_t i = 0; i < len; i++) {
        int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return MW_MLS_E_MALFORMED;
        out->data[i] = (uint8_t)(high * 16 + low);
    }
    return 0;
}

static struct mw_span bytes_span(const struct mw_mls_bytes *b)
{
    return (struct mw_span){ b->data, b->len };
}

static void give_hex(json_t *reply, const char *field, struct mw_span s)
{
    char *text = malloc(s.len * 2 + 1);

    if (text == NULL)
        return;
    for (size_t i = 0; i < s.len; i++)
        snprintf(text + 2 * i, 3, "%02x", s.data[i]);
    text[s.len * 2] = 0;
    json_object_set_new(reply, field, json_string(text));
    free(text);
}

static void give_bytes(json_t *reply, const char *field, struct mw_mls_bytes *b)
{
    give_hex(reply, field, bytes_span(b));
    mw_mls_bytes_free(b);
}

/* ----------------------------------------------------------------------- members ---- */

static int believe(void *context, const struct mw_mls_credential *who,
                   struct mw_span signature_key, const struct mw_mls_credential *before,
                   struct mw_wall now)
{
    (void)context, (void)signature_key, (void)before, (void)now;
    return who->body.len > 0 ? 0 : 1;
}

static int find_psk(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX], size_t *len)
{
    const struct peer *p = context;

    for (size_t i = 0; i < p->psks_count; i++) {
        if (!span_eq(bytes_span(&p->psks[i].id), id))
            continue;
        memcpy(out, p->psks[i].psk.data, p->psks[i].psk.len);
        *len = p->psks[i].psk.len;
        return 0;
    }
    return 1;
}

static struct mw_mls_identity identity_of(const struct peer *p, const struct member *m)
{
    return (struct mw_mls_identity){
        .suite = p->suite,
        .credential = { MW_MLS_BASIC, span_str(m->name) },
        .signing_key = bytes_span(&m->signing_key),
        .signature_key = bytes_span(&m->signature_key),
    };
}

/* The member that the request names: made when it is new. */
static int find_member(struct peer *p, const json_t *request, struct member **out)
{
    const char *name = json_string_value(json_object_get(request, "who"));
    struct member *m;

    if (name == NULL || strlen(name) >= NAME_MAX_BYTES)
        return MW_MLS_E_MALFORMED;
    for (size_t i = 0; i < p->members_count; i++) {
        if (strcmp(p->members[i].name, name) != 0)
            continue;
        *out = &p->members[i];
        return 0;
    }
    if (p->members_count == MEMBERS_MAX)
        return MW_MLS_E_FULL;
    m = &p->members[p->members_count];
    memcpy(m->name, name, strlen(name) + 1);
    *out = m;
    p->members_count++;
    return mw_mls_signature_pair(&p->app, p->suite, &m->signing_key, &m->signature_key);
}

static void leave_group(struct member *m)
{
    mw_mls_free(m->group);
    m->group = NULL;
}

/* --------------------------------------------------------------------- the verbs ---- */

static int do_setup(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    (void)m, (void)reply;
    p->suite = (uint16_t)json_integer_value(json_object_get(request, "suite"));
    p->now.s = json_integer_value(json_object_get(request, "now"));
    p->app.public_handshakes = json_is_true(json_object_get(request, "public"));
    return 0;
}

static int do_psk(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    struct psk *one = &p->psks[p->psks_count];
    int e;

    (void)m, (void)reply;
    if (p->psks_count == PSKS_MAX)
        return MW_MLS_E_FULL;
    e = take_hex(request, "id", &one->id);
    if (e == 0)
        e = take_hex(request, "psk", &one->psk);
    if (e == 0 && one->psk.len > MW_MLS_PSK_MAX)
        e = MW_MLS_E_TOO_BIG;
    p->psks_count += e == 0;
    return e;
}

static int do_key_package(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    struct mw_mls_identity who = identity_of(p, m);
    int e;

    (void)request;
    mw_mls_key_package_free(m->kp);
    m->kp = NULL;
    e = mw_mls_key_package_new(&m->kp, &p->app, &who, (struct mw_wall){ p->now.s - 3600 },
                               (struct mw_wall){ p->now.s + 86400 });
    if (e == 0)
        give_hex(reply, "key_package", mw_mls_key_package_bytes(m->kp));
    return e;
}

static int do_create(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes id = { 0 };
    struct mw_mls_identity who = identity_of(p, m);
    int e = take_hex(request, "group", &id);

    (void)reply;
    leave_group(m);
    return e != 0 ? e : mw_mls_create(&m->group, &p->app, &who, bytes_span(&id),
                                      (struct mw_span){ NULL, 0 }, p->now);
}

static int do_join(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes welcome = { 0 };
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes tree = { 0 };
    int e = take_hex(request, "welcome", &welcome);

    (void)reply;
    if (e == 0)
        e = take_hex(request, "tree", &tree);
    if (e == 0 && m->kp == NULL)
        e = MW_MLS_E_NOT_FOR_US;
    if (e != 0)
        return e;
    leave_group(m);
    e = mw_mls_join(&m->group, &p->app, m->kp, bytes_span(&welcome), bytes_span(&tree), NULL, 0,
                    p->now);
    return e;
}

static int do_join_external(struct peer *p, struct member *m, const json_t *request,
                            json_t *reply)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes info = { 0 };
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes tree = { 0 };
    struct mw_mls_identity who = identity_of(p, m);
    struct mw_mls_group *old = m->group;
    struct mw_mls_bytes commit = { 0 };
    int e = take_hex(request, "group_info", &info);

    if (e == 0)
        e = take_hex(request, "tree", &tree);
    if (e == 0)
        e = mw_mls_join_external(&m->group, &p->app, &who, bytes_span(&info), bytes_span(&tree),
                                 json_is_true(json_object_get(request, "resync")), NULL, 0,
                                 p->now, &commit);
    if (e != 0) {
        m->group = old;
        return e;
    }
    mw_mls_free(old);
    give_bytes(reply, "commit", &commit);
    return 0;
}

/* ------------------------------------------------------------- proposals, commits ---- */

struct wish {
    struct mw_mls_proposal *proposals;
    struct mw_mls_bytes *bytes;         /* one for each, what its spans borrow */
    size_t count;
};

static void wish_free(struct wish *w)
{
    for (size_t i = 0; w->bytes != NULL && i < w->count; i++)
        mw_mls_bytes_free(&w->bytes[i]);
    free(w->bytes);
    free(w->proposals);
}

static int take_proposal(const json_t *o, struct mw_mls_proposal *p, struct mw_mls_bytes *kept)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    int e;

    if (kind == NULL)
        return MW_MLS_E_MALFORMED;
    e = take_hex(o, "data", kept);
    if (strcmp(kind, "add") == 0) {
        p->type = MW_MLS_ADD;
        p->key_package = bytes_span(kept);
    } else if (strcmp(kind, "update") == 0) {
        p->type = MW_MLS_UPDATE;
    } else if (strcmp(kind, "remove") == 0) {
        p->type = MW_MLS_REMOVE;
        p->leaf = (uint32_t)json_integer_value(json_object_get(o, "leaf"));
    } else if (strcmp(kind, "psk") == 0) {
        p->type = MW_MLS_PRE_SHARED_KEY;
        p->psk_id = bytes_span(kept);
    } else if (strcmp(kind, "extensions") == 0) {
        p->type = MW_MLS_CONTEXT_EXTENSIONS;
        p->extensions = bytes_span(kept);
    } else {
        e = MW_MLS_E_KIND;
    }
    return e;
}

static int take_wish(const json_t *list, struct wish *w)
{
    size_t n = json_array_size(list);

    w->proposals = calloc(n + 1, sizeof(*w->proposals));
    w->bytes = calloc(n + 1, sizeof(*w->bytes));
    if (w->proposals == NULL || w->bytes == NULL)
        return -ENOMEM;
    for (; w->count < n; w->count++) {
        int e = take_proposal(json_array_get(list, w->count), &w->proposals[w->count],
                              &w->bytes[w->count]);

        if (e != 0)
            return e;
    }
    return 0;
}

static int do_propose(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes kept = { 0 };
    struct mw_mls_proposal proposal = { 0 };
    struct mw_mls_bytes message = { 0 };
    int e = take_proposal(json_object_get(request, "proposal"), &proposal, &kept);

    if (e == 0)
        e = mw_mls_propose(m->group, &proposal, p->now, &message);
    if (e == 0)
        give_bytes(reply, "message", &message);
    return e;
}

static int do_commit(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    CLEANUP(wish_free) struct wish w = { 0 };
    CLEANUP(mw_mls_committed_free) struct mw_mls_committed made = { 0 };
    struct mw_mls_commit_options options = {
        .no_path = json_is_true(json_object_get(request, "no_path")),
        .no_tree_in_welcome = json_is_true(json_object_get(request, "no_tree")),
    };
    int e = take_wish(json_object_get(request, "proposals"), &w);

    options.proposals = w.proposals;
    options.count = w.count;
    if (e == 0)
        e = mw_mls_commit(m->group, &options, p->now, &made);
    if (e != 0)
        return e;
    give_hex(reply, "commit", bytes_span(&made.commit));
    if (made.welcome.len > 0)
        give_hex(reply, "welcome", bytes_span(&made.welcome));
    json_object_set_new(reply, "left_out", json_integer((json_int_t)made.left_out));
    return 0;
}

static int do_merge(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    (void)p, (void)request, (void)reply;
    return mw_mls_merge(m->group);
}

static int do_drop(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    (void)p, (void)request, (void)reply;
    mw_mls_drop(m->group);
    return 0;
}

/* ------------------------------------------------------------------ using a group ---- */

static int do_protect(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes data = { 0 };
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes aad = { 0 };
    struct mw_mls_bytes message = { 0 };
    int e = take_hex(request, "data", &data);

    (void)p;
    if (e == 0)
        e = take_hex(request, "aad", &aad);
    if (e == 0)
        e = mw_mls_protect(m->group, bytes_span(&data), bytes_span(&aad), &message);
    if (e == 0)
        give_bytes(reply, "message", &message);
    return e;
}

static int do_receive(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    static const char *const kinds[] = {
        [MW_MLS_GOT_DATA] = "data", [MW_MLS_GOT_PROPOSAL] = "proposal",
        [MW_MLS_GOT_COMMIT] = "commit", [MW_MLS_GOT_REMOVED] = "removed",
        [MW_MLS_GOT_REINIT] = "reinit",
    };
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes message = { 0 };
    struct mw_mls_event event;
    int e = take_hex(request, "message", &message);

    if (e == 0)
        e = mw_mls_receive(m->group, bytes_span(&message), p->now, &event);
    if (e != 0)
        return e;
    json_object_set_new(reply, "kind", json_string(kinds[event.kind]));
    json_object_set_new(reply, "sender", json_integer((json_int_t)event.sender_index));
    if (event.kind == MW_MLS_GOT_DATA) {
        give_hex(reply, "data", event.data);
        give_hex(reply, "aad", event.aad);
    }
    return 0;
}

static int do_export(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes context = { 0 };
    const char *label = json_string_value(json_object_get(request, "label"));
    uint8_t out[256];
    size_t len = (size_t)json_integer_value(json_object_get(request, "length"));
    int e = take_hex(request, "context", &context);

    (void)p;
    if (e == 0 && (label == NULL || len > sizeof(out)))
        e = MW_MLS_E_MALFORMED;
    if (e == 0)
        e = mw_mls_export(m->group, label, bytes_span(&context), out, len);
    if (e == 0)
        give_hex(reply, "secret", (struct mw_span){ out, len });
    return e;
}

static int do_look(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    json_t *names = json_array();
    struct mw_mls_member one;

    (void)p, (void)request;
    for (uint32_t i = 0; mw_mls_member_next(m->group, i, &one); i = one.leaf + 1)
        json_array_append_new(names, json_pack("{s:i, s:s%}", "leaf", (int)one.leaf, "name",
                                               (const char *)one.credential.body.data,
                                               one.credential.body.len));
    json_object_set_new(reply, "members", names);
    json_object_set_new(reply, "epoch", json_integer((json_int_t)mw_mls_epoch(m->group)));
    json_object_set_new(reply, "leaf", json_integer((json_int_t)mw_mls_own_leaf(m->group)));
    give_hex(reply, "authenticator", mw_mls_epoch_authenticator(m->group));
    return 0;
}

static int do_group_info(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    struct mw_mls_bytes info = { 0 };
    int e = mw_mls_group_info(m->group, !json_is_true(json_object_get(request, "no_tree")), &info);

    (void)p;
    if (e == 0)
        give_bytes(reply, "group_info", &info);
    return e;
}

static int do_tree(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    struct mw_mls_bytes tree = { 0 };
    int e = mw_mls_tree(m->group, &tree);

    (void)p, (void)request;
    if (e == 0)
        give_bytes(reply, "tree", &tree);
    return e;
}

/* Out of memory and back, as after a restart. */
static int do_restart(struct peer *p, struct member *m, const json_t *request, json_t *reply)
{
    static const uint8_t key[32] = { 1, 2, 3 };
    CLEANUP(mw_mls_bytes_free) struct mw_mls_bytes saved = { 0 };
    int e = mw_mls_save(m->group, key, &saved);

    (void)request, (void)reply;
    if (e != 0)
        return e;
    leave_group(m);
    return mw_mls_load(&m->group, &p->app, key, bytes_span(&saved));
}

/* ---------------------------------------------------------------------- the pipe ---- */

static const struct {
    const char *name;
    int (*run)(struct peer *p, struct member *m, const json_t *request, json_t *reply);
    bool alone;         /* of nobody in particular */
    bool in_group;
} verbs[] = {
    { "setup", do_setup, true, false },
    { "psk", do_psk, true, false },
    { "key_package", do_key_package, false, false },
    { "create", do_create, false, false },
    { "join", do_join, false, false },
    { "join_external", do_join_external, false, false },
    { "propose", do_propose, false, true },
    { "commit", do_commit, false, true },
    { "merge", do_merge, false, true },
    { "drop", do_drop, false, true },
    { "protect", do_protect, false, true },
    { "receive", do_receive, false, true },
    { "export", do_export, false, true },
    { "look", do_look, false, true },
    { "group_info", do_group_info, false, true },
    { "tree", do_tree, false, true },
    { "restart", do_restart, false, true },
};

static int act(struct peer *p, const json_t *request, json_t *reply)
{
    const char *verb = json_string_value(json_object_get(request, "do"));
    struct member *m = NULL;
    int e = 0;

    for (size_t i = 0; verb != NULL && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, verb) != 0)
            continue;
        if (!verbs[i].alone)
            e = find_member(p, request, &m);
        if (e == 0 && verbs[i].in_group && (m == NULL || m->group == NULL))
            e = MW_MLS_E_REMOVED;
        return e != 0 ? e : verbs[i].run(p, m, request, reply);
    }
    return MW_MLS_E_KIND;
}

static void answer(struct peer *p, const char *line)
{
    json_t *request = json_loads(line, 0, NULL), *reply = json_object();
    int e = request == NULL ? MW_MLS_E_MALFORMED : act(p, request, reply);

    if (e == 0) {
        json_object_set_new(reply, "ok", json_true());
    } else {
        json_object_set_new(reply, "error", json_string(mw_mls_error_name(e)));
        json_object_set_new(reply, "text", json_string(mw_mls_error_text(e)));
    }
    json_dumpf(reply, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(reply);
    json_decref(request);
}

static void peer_free(struct peer *p)
{
    for (size_t i = 0; i < p->members_count; i++) {
        mw_mls_bytes_free(&p->members[i].signing_key);
        mw_mls_bytes_free(&p->members[i].signature_key);
        mw_mls_key_package_free(p->members[i].kp);
        mw_mls_free(p->members[i].group);
    }
    for (size_t i = 0; i < p->psks_count; i++) {
        mw_mls_bytes_free(&p->psks[i].id);
        mw_mls_bytes_free(&p->psks[i].psk);
    }
    free(p->members);
}

int main(void)
{
    struct mw_crypto *crypto = NULL;
    struct peer p = { 0 };
    char *line = NULL;
    size_t room = 0;

    if (mw_crypto_new(&crypto) != 0)
        return 1;
    p.members = calloc(MEMBERS_MAX, sizeof(*p.members));
    p.app = (struct mw_mls_app){
        .crypto = crypto, .random = mw_random_system(), .context = &p,
        .judge = believe, .find_psk = find_psk, .past_epochs = 2,
    };
    while (p.members != NULL && getline(&line, &room, stdin) > 0)
        answer(&p, line);
    free(line);
    peer_free(&p);
    mw_crypto_free(crypto);
    return 0;
}
