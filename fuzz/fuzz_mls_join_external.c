/* A GroupInfo that somebody joins by: any, or a good one that the input edits, signed anew or not;
 * with its tree in it or beside.  First byte: which.  The commit that comes out is one that a
 * member reads without harm. */
#include "fuzz_mls_world.h"

static struct world world;
static struct mw_mls_bytes info, tree, saved;

enum { WHOLE = 1, SIGN = 2, BESIDE = 4, RESYNC = 8, PSK = 16 };

static const uint8_t key[32] = { 1 };

static void good_make(void)
{
    world_make(&world);
    must(mw_mls_group_info(world.all[FOUNDER].g, true, &info) == 0);
    must(mw_mls_tree(world.all[FOUNDER].g, &tree) == 0);
    must(mw_mls_save(world.all[FOUNDER].g, key, &saved) == 0);
}

/* A member gets it: yes or no, nothing else. */
static void give(struct mw_span commit)
{
    struct one *who = &world.all[FOUNDER];
    struct mw_mls_event event;
    int error = mw_mls_receive(who->g, commit, NOW, &event);

    must(error >= 0);
    if (error != 0)
        return;
    mw_mls_free(who->g);
    who->g = NULL;
    must(mw_mls_load(&who->g, &world.app, key, bytes_span(saved)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf edited = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(ROOM);
    struct mw_span input, beside = { 0 }, psk = SPAN_LIT("psk");
    struct mw_mls_group *g = NULL;
    struct mw_mls_bytes commit = { 0 };
    size_t who;
    int error;

    if (len < 1 || len > 1 << 16)
        return 0;
    if (world.crypto == NULL)
        good_make();
    input = span_of(data + 1, len - 1);
    if ((data[0] & WHOLE) != 0)
        buf_add(&edited, input);
    else
        world_edit(span_of(info.data + 4, info.len - 4), input, &edited);
    buf_u16(&message, MLS_VERSION);
    buf_u16(&message, WIRE_GROUP_INFO);
    if ((data[0] & SIGN) == 0 || !world_sign(&world, buf_span(&edited), &message))
        buf_add(&message, buf_span(&edited));
    if ((data[0] & BESIDE) != 0)
        beside = bytes_span(tree);
    who = (data[0] & RESYNC) != 0 ? SECOND : JOINER;
    error = mw_mls_join_external(&g, &world.app, &world.all[who].id, buf_span(&message), beside,
                                 who == SECOND, &psk, (data[0] & PSK) != 0, NOW, &commit);
    must(error >= 0 && (error == 0) == (g != NULL) && (error == 0) == (commit.data != NULL));
    if (error != 0)
        return 0;
    give(bytes_span(commit));
    mw_mls_bytes_free(&commit);
    world_use(g);
    return 0;
}
