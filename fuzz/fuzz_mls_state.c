/* A saved group: what is sealed from anywhere; and, as if the seal held, any state, or a good one
 * that was edited: with a commit, proposals and past epochs in it.  First byte: which. */
#include "fuzz_mls_world.h"
#include "meet/group/state.h"

static struct world world;
static struct buf good = BUF_INIT(ROOM);

static void good_make(void)
{
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_commit_options o = { .leave_out_received = true };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };

    world_make(&world);
    must(mw_mls_propose(world.all[FOUNDER].g, &update, NOW, &m) == 0);
    must(mw_mls_commit(world.all[FOUNDER].g, &o, NOW, &made) == 0);
    state_write(world.all[FOUNDER].g, &good);
    must(buf_error(&good) == 0);
    mw_mls_bytes_free(&m);
    mw_mls_committed_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf edited = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf again = BUF_INIT(ROOM);
    static const uint8_t key[32] = { 1 };
    CLEANUP(buf_wipe) struct buf third = BUF_INIT(ROOM);
    struct mw_mls_group *g = NULL, *second = NULL;
    struct mw_span rest;
    int error;

    if (len < 1 || len > 1 << 16)
        return 0;
    if (world.crypto == NULL)
        good_make();
    rest = span_of(data + 1, len - 1);
    switch (data[0] % 3) {
    case 0:
        must(mw_mls_load(&g, &world.app, key, rest) == MW_MLS_E_STATE);
        return 0;
    case 1:
        buf_add(&edited, rest);
        break;
    default:
        world_edit(buf_span(&good), rest, &edited);
        break;
    }
    error = state_read(&g, &world.app, buf_span(&edited));
    must(error == 0 || error == MW_MLS_E_STATE);
    if (error != 0)
        return 0;
    /* What is written of it loads, and is then written the same. */
    state_write(g, &again);
    must(buf_error(&again) == 0);
    must(state_read(&second, &world.app, buf_span(&again)) == 0);
    state_write(second, &third);
    must(span_eq(buf_span(&again), buf_span(&third)));
    mw_mls_free(second);
    world_use(g);
    return 0;
}
