#include "mls_welcome.h"

#include <stdlib.h>

#include "base/own.h"

static bool open_secrets(struct taken_apart *o, const struct welcome *w)
{
    struct reader r = { .rest = w->secrets };
    struct suited s = o->kp->s;
    struct encrypted_secrets entry;
    size_t len;
    uint8_t *room;

    while (read_more(&r)) {
        encrypted_secrets_read(&entry, &r);
        if (r.failed || !span_eq(entry.new_member, span_of(o->kp->reference, s.suite->nh)))
            continue;
        len = entry.sealed.ciphertext.len - CRYPT_TAG;
        room = buf_reserve(&o->secrets_plain, len);
        if (room == NULL ||
            label_open(s, span_of(o->kp->secrets->init, s.suite->nsk), o->kp->view.init_key,
                       "Welcome", w->encrypted_group_info, entry.sealed.kem_output,
                       entry.sealed.ciphertext, room) != 0)
            return false;
        buf_took(&o->secrets_plain, len);
        r = (struct reader){ .rest = buf_span(&o->secrets_plain) };
        group_secrets_read(&o->secrets, &r);
        return read_done(&r) && secret_set(&o->joiner, o->secrets.joiner_secret) == 0;
    }
    return false;
}

static bool set_psk(struct taken_apart *o, struct mw_span psk)
{
    struct psk_input input = { .id = o->secrets.psks, .psk = psk };

    if (o->secrets.psks.len > 0)
        return schedule_psk(o->kp->s, &input, 1, &o->psk) == 0;
    schedule_no_psk(o->kp->s, &o->psk);
    return true;
}

static bool welcome_key(const struct taken_apart *o, struct message_key *key)
{
    CLEANUP(secret_wipe) struct secret welcome = { 0 };

    return schedule_welcome(o->kp->s, &o->joiner, &o->psk, &welcome) == 0 &&
           schedule_welcome_key(o->kp->s, &welcome, key->key, key->nonce) == 0;
}

static bool open_info(struct taken_apart *o, struct mw_span sealed)
{
    struct suited s = o->kp->s;
    struct message_key key;
    uint8_t *room = buf_reserve(&o->info_plain, sealed.len - CRYPT_TAG);
    struct reader r;

    if (room == NULL || !welcome_key(o, &key) ||
        crypt_open(s.crypto, s.suite->aead, span_of(key.key, s.suite->nk), key.nonce,
                   (struct mw_span){ 0 }, sealed, room) != 0)
        return false;
    buf_took(&o->info_plain, sealed.len - CRYPT_TAG);
    r = (struct reader){ .rest = buf_span(&o->info_plain) };
    group_info_read(&o->info, &r);
    return read_done(&r);
}

bool welcome_open(struct taken_apart *o, const struct mw_mls_key_package *kp,
                  struct mw_random random, struct mw_span welcome, struct mw_span psk)
{
    struct mls_message m;

    *o = (struct taken_apart){
        .kp = kp, .random = random, .secrets_plain = BUF_INIT(MW_MLS_BYTES_MAX),
        .info_plain = BUF_INIT(MW_MLS_BYTES_MAX),
    };
    o->welcome.data = malloc(welcome.len);
    if (o->welcome.data == NULL)
        return false;
    memcpy(o->welcome.data, welcome.data, welcome.len);
    o->welcome.len = welcome.len;
    return mls_message_read(&m, welcome) && m.format == WIRE_WELCOME &&
           open_secrets(o, &m.welcome) && set_psk(o, psk) &&
           open_info(o, m.welcome.encrypted_group_info);
}

static bool seal_info(const struct taken_apart *o, struct mw_span signing_key, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf plain = BUF_INIT(MW_MLS_BYTES_MAX);
    struct suited s = o->kp->s;
    struct group_info info = o->info;
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct message_key key;
    uint8_t *room;
    size_t len;

    group_info_write_signed(&content, &info);
    if (buf_error(&content) != 0 ||
        label_sign(s, signing_key, "GroupInfoTBS", buf_span(&content), signature, &len) != 0)
        return false;
    info.signature = span_of(signature, len);
    group_info_write(&plain, &info);
    buf_fill(&plain, 0, o->behind);
    room = buf_reserve(out, plain.len + CRYPT_TAG);
    if (buf_error(&plain) != 0 || room == NULL || !welcome_key(o, &key) ||
        crypt_seal(s.crypto, s.suite->aead, span_of(key.key, s.suite->nk), key.nonce,
                   (struct mw_span){ 0 }, buf_span(&plain), room) != 0)
        return false;
    buf_took(out, plain.len + CRYPT_TAG);
    return true;
}

bool welcome_seal(const struct taken_apart *o, struct mw_span signing_key, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf info = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf plain = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf sealed = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf entries = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_WELCOME };
    struct encrypted_secrets entry = { 0 };
    struct suited s = o->kp->s;
    uint8_t enc[CRYPT_POINT_MAX];
    uint8_t *room;

    group_secrets_write(&plain, &o->secrets);
    room = buf_reserve(&sealed, plain.len + CRYPT_TAG);
    if (buf_error(&plain) != 0 || room == NULL || !seal_info(o, signing_key, &info) ||
        label_seal(s, o->random, o->kp->view.init_key, "Welcome", buf_span(&info),
                   buf_span(&plain), enc, room) != 0)
        return false;
    entry.new_member = span_of(o->kp->reference, s.suite->nh);
    entry.sealed.kem_output = span_of(enc, s.suite->npk);
    entry.sealed.ciphertext = span_of(room, plain.len + CRYPT_TAG);
    encrypted_secrets_write(&entries, &entry);
    m.welcome.suite = s.suite->number;
    m.welcome.secrets = buf_span(&entries);
    m.welcome.encrypted_group_info = buf_span(&info);
    mls_message_write(out, &m);
    return buf_error(&entries) == 0 && buf_error(out) == 0;
}

void welcome_close(struct taken_apart *o)
{
    mw_mls_bytes_free(&o->welcome);
    buf_wipe(&o->secrets_plain);
    buf_wipe(&o->info_plain);
    secret_wipe(&o->joiner);
    secret_wipe(&o->psk);
}
