/* The saved state of a secret tree: what is read is written back as it was, gives keys within its
 * bounds, and still can be saved and loaded after some were used. */
#include <stdlib.h>

#include "fuzz.h"
#include "meet/keys/secret_tree.h"

enum { ROOM = 8 << 20 };

static const struct mw_crypto *library(void)
{
    static struct mw_crypto *crypto;

    if (crypto == NULL && mw_crypto_new(&crypto) != 0)
        abort();
    return crypto;
}

static void state_of(const struct secret_tree *t, struct buf *out)
{
    secret_tree_write(t, out);
    if (buf_error(out) != 0 || out->len != secret_tree_size(t))
        abort();
}

static void again(struct suited s, const struct secret_tree *t)
{
    CLEANUP(buf_wipe) struct buf one = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf two = BUF_INIT(ROOM);
    CLEANUP(secret_tree_freep) struct secret_tree *back = NULL;
    struct reader r = { 0 };

    state_of(t, &one);
    r.rest = buf_span(&one);
    if (secret_tree_read(&back, s, &r) != 0 || !read_done(&r))
        abort();
    state_of(back, &two);
    if (!span_eq(buf_span(&one), buf_span(&two)))
        abort();
}

/* What was used is never given again. */
static void use(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind, uint32_t generation)
{
    CLEANUP(message_key_wipe) struct message_key k = { 0 };
    int r = secret_tree_key(t, leaf, kind, generation, &k);

    if (r < 0)
        abort();
    if (r > 0)
        return;
    secret_tree_used(t, leaf, kind, generation);
    if (secret_tree_key(t, leaf, kind, generation, &k) != SECRET_TREE_E_USED)
        abort();
}

static void live(struct secret_tree *t)
{
    uint32_t last = secret_tree_leaves(t) - 1, generation;
    struct message_key k;

    use(t, 0, RATCHET_APPLICATION, 2);
    use(t, 0, RATCHET_APPLICATION, 0);
    use(t, last, RATCHET_HANDSHAKE, 0);
    use(t, last, RATCHET_HANDSHAKE, 700);
    if (secret_tree_next(t, last / 2, RATCHET_APPLICATION, &generation, &k) == 0)
        use(t, last / 2, RATCHET_APPLICATION, generation + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    CLEANUP(buf_wipe) struct buf saved = BUF_INIT(ROOM);
    struct reader r = { .rest = span_of(data, len) };
    /* A state names its suite in its second and third byte. */
    const struct suite *suite = len < 3 ? NULL : suite_find((uint16_t)(data[1] << 8 | data[2]));
    struct suited s = { suite != NULL ? suite : suite_find(1), library() };
    int e = secret_tree_read(&t, s, &r);

    if (e < 0 || (e == 0) == r.failed)
        abort();
    if (e != 0)
        return 0;
    state_of(t, &saved);
    if (!span_eq(buf_span(&saved), span_of(data, len - r.rest.len)))
        abort();
    live(t);
    again(s, t);
    return 0;
}
