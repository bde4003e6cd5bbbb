/* Three people for the fuzz targets of joining and of saved state: two are in a group, one has a
 * key package; and edits that an input makes to good bytes. */
#ifndef FUZZ_MLS_WORLD_H
#define FUZZ_MLS_WORLD_H

#include <stdlib.h>

#include "fuzz.h"
#include "meet/group/member.h"

enum { ROOM = 1 << 20, FOUNDER = 0, SECOND = 1, JOINER = 2, PEOPLE = 3 };

#define NOW ((struct mw_wall){ 1760000000 })

struct one {
    struct mw_mls_bytes signing_key, signature_key;
    struct mw_mls_identity id;
    struct mw_mls_group *g;
};

struct world {
    struct mw_mls_app app;
    struct mw_crypto *crypto;
    uint64_t random;
    struct one all[PEOPLE];
    struct mw_mls_key_package *kp;      /* the joiner's */
    struct mw_mls_bytes welcome;        /* for it */
};

static inline void must(bool promise)
{
    if (!promise)
        abort();
}

static inline struct mw_span bytes_span(struct mw_mls_bytes b)
{
    return span_of(b.data, b.len);
}

static inline int world_fill(void *context, uint8_t *out, size_t len)
{
    uint64_t *state = context;

    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(*state >> 56);
    }
    return 0;
}

static inline int world_judge(void *context, const struct mw_mls_credential *who,
                              struct mw_span signature_key, const struct mw_mls_credential *before,
                              struct mw_wall now)
{
    (void)context, (void)who, (void)signature_key, (void)before, (void)now;
    return 0;
}

static inline int world_psk(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX],
                            size_t *len)
{
    (void)context;
    out[0] = 1;
    *len = 1;
    return span_eq(id, SPAN_LIT("psk")) ? 0 : 1;
}

static inline struct mw_mls_key_package *world_package(struct world *w, const struct one *who)
{
    struct mw_mls_key_package *kp = NULL;

    must(mw_mls_key_package_new(&kp, &w->app, &who->id, (struct mw_wall){ NOW.s - 60 },
                                (struct mw_wall){ NOW.s + 86400 })
         == 0);
    return kp;
}

/* The founder adds them, both with the PSK. */
static inline void world_add(struct world *w, const struct mw_mls_key_package *kp,
                             struct mw_mls_committed *made)
{
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(kp) },
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 2 };

    must(mw_mls_commit(w->all[FOUNDER].g, &o, NOW, made) == 0);
}

static inline void world_make(struct world *w)
{
    static const char *const names[PEOPLE] = { "founder", "second", "joiner" };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_key_package *kp;
    struct mw_mls_event event;
    struct one *all = w->all;

    must(mw_crypto_new(&w->crypto) == 0);
    w->random = 1;
    w->app = (struct mw_mls_app){
        .crypto = w->crypto, .random = { world_fill, &w->random }, .judge = world_judge,
        .find_psk = world_psk, .past_epochs = 2,
    };
    for (size_t i = 0; i < PEOPLE; i++) {
        must(mw_mls_signature_pair(&w->app, 1, &all[i].signing_key, &all[i].signature_key) == 0);
        all[i].id = (struct mw_mls_identity){
            .suite = 1, .credential = { MW_MLS_BASIC, span_str(names[i]) },
            .signing_key = bytes_span(all[i].signing_key),
            .signature_key = bytes_span(all[i].signature_key),
        };
    }
    must(mw_mls_create(&all[FOUNDER].g, &w->app, &all[FOUNDER].id, SPAN_LIT("group"),
                       (struct mw_span){ 0 }, NOW)
         == 0);
    kp = world_package(w, &all[SECOND]);
    world_add(w, kp, &made);
    must(mw_mls_merge(all[FOUNDER].g) == 0);
    must(mw_mls_join(&all[SECOND].g, &w->app, kp, bytes_span(made.welcome), (struct mw_span){ 0 },
                     NULL, 0, NOW)
         == 0);
    mw_mls_key_package_free(kp);
    mw_mls_committed_free(&made);
    w->kp = world_package(w, &all[JOINER]);
    world_add(w, w->kp, &made);
    must(mw_mls_receive(all[SECOND].g, bytes_span(made.commit), NOW, &event) == 0);
    must(mw_mls_merge(all[FOUNDER].g) == 0);
    w->welcome = made.welcome;
    made.welcome = (struct mw_mls_bytes){ 0 };
    mw_mls_committed_free(&made);
}

/* Good bytes with an input's edits, four bytes each: where, what is done there, a value. */
static inline void world_edit(struct mw_span good, struct mw_span edits, struct buf *out)
{
    struct reader r = { .rest = edits };

    buf_add(out, good);
    for (size_t n = 0; r.rest.len >= 4 && n < 64 && out->len > 0; n++) {
        size_t at = read_u16(&r) % out->len;
        uint8_t what = read_u8(&r) % 4, value = read_u8(&r);

        if (what == 0)
            out->data[at] = value;
        else if (what == 1)
            out->data[at] ^= (uint8_t)(1u << value % 8);
        else if (what == 2)
            buf_truncate(out, at);
        else
            buf_u8(out, value);
    }
    must(buf_error(out) == 0);
}

/* The GroupInfo signed anew by whom it says, as far as we have their key; false: it is none. */
static inline bool world_sign(const struct world *w, struct mw_span bytes, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct reader r = { .rest = bytes };
    struct group_info info;
    size_t len;

    group_info_read(&info, &r);
    if (!read_done(&r))
        return false;
    group_info_write_signed(&content, &info);
    must(buf_error(&content) == 0);
    must(label_sign(w->kp->s, bytes_span(w->all[info.signer % PEOPLE].signing_key),
                    "GroupInfoTBS", buf_span(&content), signature, &len)
         == 0);
    info.signature = span_of(signature, len);
    group_info_write(out, &info);
    return true;
}

/* What was joined or loaded can be used, and freed. */
static inline void world_use(struct mw_mls_group *g)
{
    struct mw_mls_committed made = { 0 };
    struct mw_mls_commit_options o = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_member member;

    for (uint32_t at = 0; mw_mls_member_next(g, at, &member); at = member.leaf + 1)
        continue;
    if (mw_mls_protect(g, SPAN_LIT("data"), SPAN_LIT("aad"), &m) == 0)
        mw_mls_bytes_free(&m);
    (void)!mw_mls_merge(g);
    if (mw_mls_commit(g, &o, NOW, &made) == 0)
        (void)!mw_mls_merge(g);
    mw_mls_committed_free(&made);
    mw_mls_free(g);
}

#endif
