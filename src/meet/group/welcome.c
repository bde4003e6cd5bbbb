#include "meet/group/steps.h"

/* Bytes of GroupSecrets without its PSKs: two secrets, three lengths, and whether the second is
 * there. */
enum { SECRETS_MAX = 2 * CRYPT_HASH_MAX + 3 * 4 + 1 };

/* One new member's secrets, sealed to its init key (12.4.3.1), appended to out. */
static int seal_for(const struct welcome_wish *w, const struct listed *add,
                    const struct hpke_common *common, struct buf *out)
{
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_wipe) struct buf psks = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf sealed = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(secret_wipe) struct secret path = { 0 };
    const struct key_package *kp = &add->p.add;
    struct suited s = w->g->s;
    struct group_secrets secrets = { .joiner_secret = secret_span(w->joiner) };
    struct encrypted_secrets entry = { 0 };
    uint8_t reference[CRYPT_HASH_MAX], enc[CRYPT_POINT_MAX];
    uint8_t *room;
    int e = 0;

    if (w->path != NULL) {
        e = group_error_tree(path_maker_secret_for(w->path, w->tree, add->leaf, &path));
        secrets.has_path_secret = true;
        secrets.path_secret = secret_span(&path);
    }
    for (size_t i = 0; i < w->psks_count; i++)
        psk_id_write(&psks, &w->psks[i]);
    secrets.psks = buf_span(&psks);
    /* All at once: growing would leave the joiner secret behind in memory that was freed. */
    if (buf_reserve(&plain, SECRETS_MAX + psks.len) == NULL)
        return buf_error(&plain);
    group_secrets_write(&plain, &secrets);
    if (e == 0)
        e = buf_error(&psks) != 0 ? buf_error(&psks) : buf_error(&plain);
    if (e != 0)
        return e;
    room = buf_reserve(&sealed, plain.len + CRYPT_TAG);
    if (room == NULL)
        return buf_error(&sealed);
    e = label_ref(s, "KeyPackage Reference", kp->wire, reference);
    if (e == 0)
        e = label_seal_common(s, w->g->app.random, kp->init_key, common, buf_span(&plain), enc,
                              room);
    if (e != 0)
        return group_error_crypt(e, MW_MLS_E_KEY);
    entry.new_member = span_of(reference, s.suite->nh);
    entry.sealed.kem_output = span_of(enc, s.suite->npk);
    entry.sealed.ciphertext = span_of(room, plain.len + CRYPT_TAG);
    encrypted_secrets_write(out, &entry);
    return buf_error(out);
}

/* The GroupInfo, sealed with the welcome key. */
static int seal_info(const struct welcome_wish *w, struct buf *out)
{
    CLEANUP(buf_wipe) struct buf info = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(secret_wipe) struct secret welcome = { 0 };
    struct message_key key;
    struct suited s = w->g->s;
    uint8_t *room;
    int e = group_info_make(s, w->tree, w->next, w->signer, epoch_signing_key(w->next, s),
                            w->with_tree, &info);

    if (e != 0)
        return e;
    room = buf_reserve(out, info.len + CRYPT_TAG);
    if (room == NULL)
        return buf_error(out);
    e = schedule_welcome(s, w->joiner, w->psk, &welcome);
    if (e == 0)
        e = schedule_welcome_key(s, &welcome, key.key, key.nonce);
    if (e == 0)
        e = crypt_seal(s.crypto, s.suite->aead, span_of(key.key, s.suite->nk), key.nonce,
                       (struct mw_span){ NULL, 0 }, buf_span(&info), room);
    message_key_wipe(&key);
    buf_took(out, info.len + CRYPT_TAG);
    return group_error_crypt(e, MW_MLS_E_KEY);
}

int welcome_make(const struct welcome_wish *w, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf info = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf secrets = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_WELCOME };
    struct hpke_common common;
    int e = seal_info(w, &info);

    /* The GroupInfo is long, and the same for all: it is hashed once. */
    if (e == 0)
        e = group_error_crypt(label_common(w->g->s, "Welcome", buf_span(&info), &common),
                              MW_MLS_E_KEY);
    for (size_t i = 0; i < w->list->count && e == 0; i++)
        if (w->list->all[i].p.type == PROPOSAL_ADD)
            e = seal_for(w, &w->list->all[i], &common, &secrets);
    if (e != 0)
        return e;
    m.welcome.suite = w->g->s.suite->number;
    m.welcome.secrets = buf_span(&secrets);
    m.welcome.encrypted_group_info = buf_span(&info);
    mls_message_write(out, &m);
    return buf_error(out);
}
