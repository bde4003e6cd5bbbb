/* What a member of a group of three takes from the others: bytes from anywhere, and proposals and
 * commits of the input's choice that a hostile member, or somebody who joins, signed and framed as
 * it should be; leaves and key packages in them are signed anew, so that the rules behind the
 * signatures are reached.  What is refused changes nothing.  First byte: who sends and how. */
#include <stdlib.h>

#include "fuzz.h"
#include "meet/group/steps.h"

enum { ROOM = 1 << 20, VICTIM = 0, HOSTILE = 1, MEMBERS = 3, OUTSIDER = 3, PEOPLE = 4 };
enum mode {
    RAW, PUBLIC_PROPOSAL, PUBLIC_COMMIT, PRIVATE_PROPOSAL, PRIVATE_COMMIT, NEW_COMMIT,
    NEW_PROPOSAL, DATA, MODES,
};

#define NOW ((struct mw_wall){ 1760000000 })

struct one {
    struct mw_mls_bytes signing_key, signature_key, saved;
    struct mw_mls_identity id;
    struct mw_mls_group *g;
};

static struct world {
    struct mw_mls_app app;
    struct mw_crypto *crypto;
    uint64_t random;
    struct one all[PEOPLE];
} world;

static const uint8_t save_key[32] = { 1 };

static void must(bool promise)
{
    if (!promise)
        abort();
}

static int fill(void *context, uint8_t *out, size_t len)
{
    uint64_t *state = context;

    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(*state >> 56);
    }
    return 0;
}

static int judge(void *context, const struct mw_mls_credential *who, struct mw_span signature_key,
                 const struct mw_mls_credential *before, struct mw_wall now)
{
    (void)context, (void)who, (void)signature_key, (void)before, (void)now;
    return 0;
}

static int find_psk(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX], size_t *len)
{
    (void)context;
    out[0] = 1;
    *len = 1;
    return span_eq(id, SPAN_LIT("psk")) ? 0 : 1;
}

static struct mw_span bytes_span(struct mw_mls_bytes b)
{
    return span_of(b.data, b.len);
}

static void one_make(struct one *who, const char *name)
{
    must(mw_mls_signature_pair(&world.app, 1, &who->signing_key, &who->signature_key) == 0);
    who->id = (struct mw_mls_identity){
        .suite = 1, .credential = { MW_MLS_BASIC, span_str(name) },
        .signing_key = bytes_span(who->signing_key),
        .signature_key = bytes_span(who->signature_key),
    };
}

static void one_add(struct one *who, struct one *by, struct one *third)
{
    struct mw_mls_key_package *kp = NULL;
    struct mw_mls_committed made = { 0 };
    struct mw_mls_event event;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };

    must(mw_mls_key_package_new(&kp, &world.app, &who->id, (struct mw_wall){ NOW.s - 60 },
                                (struct mw_wall){ NOW.s + 86400 })
         == 0);
    add.key_package = mw_mls_key_package_bytes(kp);
    must(mw_mls_commit(by->g, &o, NOW, &made) == 0);
    must(third == NULL || mw_mls_receive(third->g, bytes_span(made.commit), NOW, &event) == 0);
    must(mw_mls_merge(by->g) == 0);
    must(mw_mls_join(&who->g, &world.app, kp, bytes_span(made.welcome), (struct mw_span){ 0 },
                     NULL, 0, NOW)
         == 0);
    mw_mls_key_package_free(kp);
    mw_mls_committed_free(&made);
}

static void world_make(void)
{
    static const char *const names[PEOPLE] = { "victim", "hostile", "third", "outsider" };
    struct one *all = world.all;

    must(mw_crypto_new(&world.crypto) == 0);
    world.random = 1;
    world.app = (struct mw_mls_app){
        .crypto = world.crypto, .random = { fill, &world.random }, .judge = judge,
        .find_psk = find_psk, .past_epochs = 2,
    };
    for (size_t i = 0; i < PEOPLE; i++)
        one_make(&all[i], names[i]);
    must(mw_mls_create(&all[VICTIM].g, &world.app, &all[VICTIM].id, SPAN_LIT("group"),
                       (struct mw_span){ 0 }, NOW)
         == 0);
    one_add(&all[HOSTILE], &all[VICTIM], NULL);
    one_add(&all[2], &all[VICTIM], &all[HOSTILE]);
    for (size_t i = 0; i < MEMBERS; i++)
        must(mw_mls_save(all[i].g, save_key, &all[i].saved) == 0);
}

/* As it was saved. */
static void one_again(struct one *who)
{
    mw_mls_free(who->g);
    who->g = NULL;
    must(mw_mls_load(&who->g, &world.app, save_key, bytes_span(who->saved)) == 0);
}

/* --------------------------------------------------------------------- signed anew ---- */

static struct mw_span key_of(const struct one *who)
{
    return bytes_span(who->signing_key);
}

/* room keeps what leaf borrows from afterwards. */
static void leaf_resign(struct leaf_node *leaf, uint32_t index, const struct one *who,
                        struct buf *room)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct suited s = world.all[HOSTILE].g->s;
    struct reader r;
    size_t len;

    leaf_node_write_signed(&b, leaf);
    if (leaf->source != LEAF_KEY_PACKAGE) {
        vector_write(&b, SPAN_LIT("group"));
        buf_u32(&b, index);
    }
    must(buf_error(&b) == 0);
    must(label_sign(s, key_of(who), "LeafNodeTBS", buf_span(&b), signature, &len) == 0);
    leaf->signature = span_of(signature, len);
    leaf_node_write(room, leaf);
    r = (struct reader){ .rest = buf_span(room) };
    leaf_node_read(leaf, &r);
    must(read_done(&r));
}

static void package_resign(struct key_package *kp, struct buf *leaf, struct buf *room)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct reader r;
    size_t len;

    leaf_resign(&kp->leaf, 0, &world.all[OUTSIDER], leaf);
    key_package_write_signed(&b, kp);
    must(buf_error(&b) == 0);
    must(label_sign(world.all[HOSTILE].g->s, key_of(&world.all[OUTSIDER]), "KeyPackageTBS",
                    buf_span(&b), signature, &len)
         == 0);
    kp->signature = span_of(signature, len);
    key_package_write(room, kp);
    r = (struct reader){ .rest = buf_span(room) };
    key_package_read(kp, &r);
}

static void proposal_again(struct proposal *p, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf leaf = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(ROOM);

    if (p->type == PROPOSAL_ADD)
        package_resign(&p->add, &leaf, &room);
    else if (p->type == PROPOSAL_UPDATE)
        leaf_resign(&p->update, HOSTILE, &world.all[HOSTILE], &leaf);
    proposal_write(out, p);
}

static void commit_again(struct commit *c, bool joins, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf leaf = BUF_INIT(ROOM);
    struct reader r = { .rest = c->proposals };

    while (read_more(&r)) {
        CLEANUP(buf_deinit) struct buf one = BUF_INIT(ROOM);
        struct proposal_or_ref v;

        proposal_or_ref_read(&v, &r);
        if (v.by_reference) {
            proposal_or_ref_write(&list, &v);
            continue;
        }
        proposal_again(&v.proposal, &one);
        buf_u8(&list, 1);
        buf_add(&list, buf_span(&one));
    }
    must(buf_error(&list) == 0);
    c->proposals = buf_span(&list);
    if (c->has_path)
        leaf_resign(&c->path.leaf, joins ? MEMBERS : HOSTILE,
                    &world.all[joins ? OUTSIDER : HOSTILE], &leaf);
    commit_write(out, c);
}

/* The content with everything in it signed; as it is, when it does not parse. */
static void content_again(uint8_t type, bool joins, struct mw_span content, struct buf *out)
{
    struct reader r = { .rest = content };
    struct proposal p;
    struct commit c;

    if (type == CONTENT_PROPOSAL) {
        proposal_read(&p, &r);
        if (read_done(&r))
            proposal_again(&p, out);
    } else if (type == CONTENT_COMMIT) {
        commit_read(&c, &r);
        if (read_done(&r))
            commit_again(&c, joins, out);
    }
    if (out->len == 0)
        buf_add(out, content);
    must(buf_error(out) == 0);
}

/* -------------------------------------------------------------------------- framed ---- */

static const struct {
    uint8_t sender, type;
    bool private;
} modes[MODES] = {
    [PUBLIC_PROPOSAL] = { SENDER_MEMBER, CONTENT_PROPOSAL, false },
    [PUBLIC_COMMIT] = { SENDER_MEMBER, CONTENT_COMMIT, false },
    [PRIVATE_PROPOSAL] = { SENDER_MEMBER, CONTENT_PROPOSAL, true },
    [PRIVATE_COMMIT] = { SENDER_MEMBER, CONTENT_COMMIT, true },
    [NEW_COMMIT] = { SENDER_NEW_COMMIT, CONTENT_COMMIT, false },
    [NEW_PROPOSAL] = { SENDER_NEW_PROPOSAL, CONTENT_PROPOSAL, false },
    [DATA] = { SENDER_MEMBER, CONTENT_APPLICATION, true },
};

static void frame(enum mode mode, struct mw_span content, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(ROOM);
    static const uint8_t zeros[CRYPT_HASH_MAX];
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    bool member = modes[mode].sender == SENDER_MEMBER;
    struct one *who = &world.all[member ? HOSTILE : OUTSIDER];
    struct mw_mls_group *g = world.all[HOSTILE].g;
    struct frame_keys keys = group_frame_keys(g);
    struct authentic a = {
        .wire_format = modes[mode].private ? WIRE_PRIVATE_MESSAGE : WIRE_PUBLIC_MESSAGE,
        .content = {
            .group_id = SPAN_LIT("group"),
            .epoch = mw_mls_epoch(g),
            .sender = { modes[mode].sender, member ? HOSTILE : 0 },
            .content_type = modes[mode].type,
        },
    };

    content_again(modes[mode].type, !member, content, &again);
    a.content.content = buf_span(&again);
    must(frame_sign(g->s, &a, keys.context, key_of(who), signature) == 0);
    if (modes[mode].type == CONTENT_COMMIT)
        a.auth.confirmation_tag = span_of(zeros, g->s.suite->nh);
    if (modes[mode].private)
        must(frame_private(&keys, &a, 0, world.app.random, out) == 0);
    else if (frame_public(&keys, &a, out) != 0)
        buf_truncate(out, 0);           /* not what this sender may say */
}

/* What must not change. */
static void state_of(const struct mw_mls_group *g, struct buf *out)
{
    tree_write(g->tree, out);
    buf_add(out, owned_span(g->now.context));
    buf_add(out, mw_mls_epoch_authenticator(g));
    buf_u64(out, g->waiting_count);
    buf_u64(out, g->state);
    must(buf_error(out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf before = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf after = BUF_INIT(ROOM);
    struct mw_mls_event event;
    struct mw_span content;
    enum mode mode;
    int error;

    if (len < 1 || len > 1 << 16)
        return 0;
    if (world.crypto == NULL)
        world_make();
    mode = data[0] % MODES;
    content = span_of(data + 1, len - 1);
    if (mode == RAW)
        buf_add(&message, content);
    else
        frame(mode, content, &message);
    state_of(world.all[VICTIM].g, &before);
    error = mw_mls_receive(world.all[VICTIM].g, buf_span(&message), NOW, &event);
    if (error == 0) {
        one_again(&world.all[VICTIM]);
    } else {
        must(error > 0);
        state_of(world.all[VICTIM].g, &after);
        must(span_eq(buf_span(&before), buf_span(&after)));
    }
    if (modes[mode].private)
        one_again(&world.all[HOSTILE]);
    return 0;
}
