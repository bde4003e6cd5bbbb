/* A Welcome whose secrets and GroupInfo are the input's, or good ones that it edits, sealed with
 * the right keys: everything behind the seals is reached.  First byte: which of them, and whether
 * the GroupInfo is signed anew. */
#include "fuzz_mls_world.h"

static struct world world;
static struct buf secrets = BUF_INIT(ROOM), info = BUF_INIT(ROOM);
static struct secret joiner, psk;

enum { EDIT_SECRETS = 1, EDIT_INFO = 2, WHOLE = 4, SIGN = 8, RAW = 16 };

static void key_of(struct message_key *key)
{
    struct secret welcome = { 0 };

    must(schedule_welcome(world.kp->s, &joiner, &psk, &welcome) == 0);
    must(schedule_welcome_key(world.kp->s, &welcome, key->key, key->nonce) == 0);
}

/* The good Welcome opened. */
static void good_make(void)
{
    const struct mw_mls_key_package *kp;
    struct encrypted_secrets entry;
    struct group_secrets v;
    struct psk_input input = { .psk = SPAN_LIT("\1") };
    struct message_key key;
    struct mls_message m;
    struct mw_span sealed;
    struct reader r;

    world_make(&world);
    kp = world.kp;
    must(mls_message_read(&m, bytes_span(world.welcome)));
    r = (struct reader){ .rest = m.welcome.secrets };
    encrypted_secrets_read(&entry, &r);
    sealed = entry.sealed.ciphertext;
    must(label_open(kp->s, span_of(kp->secrets->init, 32), kp->view.init_key, "Welcome",
                    m.welcome.encrypted_group_info, entry.sealed.kem_output, sealed,
                    buf_reserve(&secrets, sealed.len))
         == 0);
    buf_took(&secrets, sealed.len - CRYPT_TAG);
    r = (struct reader){ .rest = buf_span(&secrets) };
    group_secrets_read(&v, &r);
    must(read_done(&r) && secret_set(&joiner, v.joiner_secret) == 0);
    input.id = v.psks;
    must(schedule_psk(kp->s, &input, 1, &psk) == 0);
    key_of(&key);
    sealed = m.welcome.encrypted_group_info;
    must(crypt_open(kp->s.crypto, kp->s.suite->aead, span_of(key.key, kp->s.suite->nk), key.nonce,
                    (struct mw_span){ 0 }, sealed, buf_reserve(&info, sealed.len))
         == 0);
    buf_took(&info, sealed.len - CRYPT_TAG);
}

static void seal(struct mw_span plain_secrets, struct mw_span plain_info, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf sealed = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf entries = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(ROOM);
    const struct mw_mls_key_package *kp = world.kp;
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_WELCOME };
    struct encrypted_secrets entry = { .new_member = span_of(kp->reference, kp->s.suite->nh) };
    struct message_key key;
    uint8_t enc[CRYPT_POINT_MAX];

    key_of(&key);
    must(crypt_seal(kp->s.crypto, kp->s.suite->aead, span_of(key.key, kp->s.suite->nk), key.nonce,
                    (struct mw_span){ 0 }, plain_info,
                    buf_reserve(&sealed, plain_info.len + CRYPT_TAG))
         == 0);
    buf_took(&sealed, plain_info.len + CRYPT_TAG);
    must(label_seal(kp->s, world.app.random, kp->view.init_key, "Welcome", buf_span(&sealed),
                    plain_secrets, enc, buf_reserve(&room, plain_secrets.len + CRYPT_TAG))
         == 0);
    buf_took(&room, plain_secrets.len + CRYPT_TAG);
    entry.sealed.kem_output = span_of(enc, kp->s.suite->npk);
    entry.sealed.ciphertext = buf_span(&room);
    encrypted_secrets_write(&entries, &entry);
    m.welcome = (struct welcome){ 1, buf_span(&entries), buf_span(&sealed) };
    mls_message_write(out, &m);
    must(buf_error(out) == 0);
}

/* The input's version of what was good. */
static void version_of(struct mw_span good, bool edit, bool whole, struct mw_span input,
                       struct buf *out)
{
    if (!edit)
        buf_add(out, good);
    else if (whole)
        buf_add(out, input);
    else
        world_edit(good, input, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf a = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf signed_again = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf welcome = BUF_INIT(ROOM);
    struct mw_mls_group *g = NULL;
    struct mw_span input;
    int error;

    if (len < 1 || len > 1 << 16)
        return 0;
    if (world.crypto == NULL)
        good_make();
    input = span_of(data + 1, len - 1);
    version_of(buf_span(&secrets), (data[0] & EDIT_SECRETS) != 0, (data[0] & WHOLE) != 0, input,
               &a);
    version_of(buf_span(&info), (data[0] & EDIT_INFO) != 0, (data[0] & WHOLE) != 0, input, &b);
    if ((data[0] & SIGN) == 0 || !world_sign(&world, buf_span(&b), &signed_again))
        buf_add(&signed_again, buf_span(&b));
    if ((data[0] & RAW) != 0)
        buf_add(&welcome, input);
    else
        seal(buf_span(&a), buf_span(&signed_again), &welcome);
    error = mw_mls_join(&g, &world.app, world.kp, buf_span(&welcome), (struct mw_span){ 0 },
                        &world.all[SECOND].g, 1, NOW);
    must(error >= 0 && (error == 0) == (g != NULL));
    if (error == 0)
        world_use(g);
    return 0;
}
