/*
 * Two people in a meeting send each other media frames that whoever forwards them cannot read.
 *
 *     cc sframe.c -o sframe $(pkg-config --cflags --libs libmidwatch-sealed)
 *
 * Here the secret of the epoch is made up.  In a meeting both get it from their MLS group:
 * mw_mls_export() with MW_SFRAME_LABEL, "" and mw_sframe_key_size() bytes.
 */
#include <midwatch/sframe.h>
#include <stdio.h>
#include <string.h>

enum { ALICE = 0, BOB = 1, MEMBERS = 2, EPOCH = 7, AUDIO = 0, VIDEO = 1 };

static const struct mw_sframe_options options = {
    .suite = MW_SFRAME_AES_128_GCM_SHA256_128,
    .index_bits = 10,           /* up to 1,024 members: all must choose the same */
    .epoch_bits = 4,
    .streams = 2,
};

/* 0: in the meeting, as this member. */
static int enter(struct mw_sframe **f, const struct mw_crypto *crypto, struct mw_span secret,
                 uint32_t member)
{
    int r = mw_sframe_new(f, crypto, &options);

    if (r == 0)
        r = mw_sframe_add_epoch(*f, EPOCH, secret, MEMBERS);
    if (r == 0)
        r = mw_sframe_send_as(*f, EPOCH, member);
    return r;
}

/* Metadata is what the relay may see but not change, here the stream's name. */
static int say(struct mw_sframe *from, struct mw_sframe *to, unsigned stream, const char *text)
{
    struct mw_span name = { (const uint8_t *)(stream == AUDIO ? "audio" : "video"), 5 };
    struct mw_span plain = { (const uint8_t *)text, strlen(text) };
    uint8_t frame[500];
    struct mw_sframe_opened got;
    size_t len;
    int r = mw_sframe_seal(from, stream, name, plain, frame, sizeof frame, &len);

    /* ... the relay forwards frame[0..len) ... */
    if (r == 0)
        r = mw_sframe_open(to, name, (struct mw_span){ frame, len }, frame, sizeof frame, &got);
    if (r == 0)
        printf("member %u, %.5s, frame %u of %zu bytes: %.*s\n", (unsigned)got.index,
               (const char *)name.data, (unsigned)got.counter, len, (int)got.plain.len,
               (const char *)got.plain.data);
    return r;
}

int main(void)
{
    uint8_t secret[16];
    struct mw_span base_key = { secret, sizeof secret };
    struct mw_random random = mw_random_system();
    struct mw_crypto *crypto = NULL;
    struct mw_sframe *alice = NULL, *bob = NULL;
    int r = mw_crypto_new(&crypto);

    if (r == 0)
        r = random.fill(random.context, secret, sizeof secret);
    if (r == 0)
        r = enter(&alice, crypto, base_key, ALICE);
    if (r == 0)
        r = enter(&bob, crypto, base_key, BOB);
    if (r == 0)
        r = say(alice, bob, AUDIO, "Can you hear me?");
    if (r == 0)
        r = say(bob, alice, AUDIO, "Yes, and nobody else can.");
    if (r == 0)
        r = say(alice, bob, VIDEO, "(waves)");
    if (r != 0)
        fprintf(stderr, "sframe: %s\n", mw_sframe_error_text(r));
    mw_sframe_free(alice);
    mw_sframe_free(bob);
    mw_crypto_free(crypto);
    return r == 0 ? 0 : 1;
}
