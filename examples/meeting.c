/*
 * Two people and a relay: Anna opens a meeting, lets Ben in, and speaks.  The relay carries all of
 * it and can read none of it.  (It frees nothing: it ends.)
 *     cc meeting.c -o meeting $(pkg-config --cflags --libs libmidwatch-sealed)
 */
#include <midwatch/mls_group.h>
#include <midwatch/sframe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPAN(s)        ((struct mw_span){ (const uint8_t *)(s), strlen(s) })
#define SPAN_BYTES(b)  ((struct mw_span){ (b).data, (b).len })

static void must(int error, const char *what)   /* a real program would say so and go on */
{
    if (error != 0)
        exit(printf("%s: %s\n", what, mw_mls_error_text(error)) > 0);
}

/* Whom do we believe?  A real program looks the key up, or shows a code to compare. */
static int judge(void *context, const struct mw_mls_credential *who, struct mw_span key,
                 const struct mw_mls_credential *before, struct mw_wall now)
{
    return printf("is “%.*s” who it says?  Yes.\n", (int)who->body.len, who->body.data) < 0;
}

static struct mw_span relay(const char *what, struct mw_span bytes)
{
    printf("  the relay carries %s: %zu bytes\n", what, bytes.len);
    return bytes;
}

static struct mw_sframe *media(const struct mw_mls_app *app, struct mw_mls_group *g)
{
    struct mw_sframe_options options = { MW_SFRAME_AES_128_GCM_SHA256_128, 10, 4 };
    struct mw_span base = { (uint8_t[48]){ 0 }, mw_sframe_key_size(options.suite) };
    struct mw_sframe *f;

    must(mw_mls_export(g, MW_SFRAME_LABEL, SPAN(""), (uint8_t *)base.data, base.len), "export");
    must(mw_sframe_new(&f, app->crypto, &options), "sframe");
    must(mw_sframe_add_epoch(f, mw_mls_epoch(g), base, 2), "epoch");
    must(mw_sframe_send_as(f, mw_mls_epoch(g), mw_mls_own_leaf(g)), "sending");
    return f;
}

int main(void)
{
    struct mw_mls_app app = { .random = mw_random_system(), .judge = judge };
    struct mw_mls_identity who[2] = { { 1, { MW_MLS_BASIC, SPAN("anna") } },
                                      { 1, { MW_MLS_BASIC, SPAN("ben") } } };
    struct mw_wall now = { time(NULL) }, later = { now.s + 3600 };
    struct mw_mls_bytes key[2], public[2];
    struct mw_mls_key_package *package;
    struct mw_mls_group *anna, *ben;
    struct mw_mls_committed made;
    struct mw_sframe_opened heard;
    uint8_t frame[64];
    size_t len;

    must(mw_crypto_new((struct mw_crypto **)&app.crypto), "crypto");
    for (int i = 0; i < 2; i++) {
        must(mw_mls_signature_pair(&app, 1, &key[i], &public[i]), "keys");
        who[i].signing_key = SPAN_BYTES(key[i]);
        who[i].signature_key = SPAN_BYTES(public[i]);
    }
    must(mw_mls_key_package_new(&package, &app, &who[1], now, later), "key package");
    must(mw_mls_create(&anna, &app, &who[0], SPAN("meeting"), SPAN(""), now), "create");
    struct mw_span wish = relay("Ben's key package", mw_mls_key_package_bytes(package));
    struct mw_mls_commit_options options = { &(struct mw_mls_proposal){ MW_MLS_ADD, wish }, 1 };
    must(mw_mls_commit(anna, &options, now, &made), "commit");
    must(mw_mls_merge(anna), "merge");
    struct mw_span welcome = relay("a Welcome", SPAN_BYTES(made.welcome));
    must(mw_mls_join(&ben, &app, package, welcome, SPAN(""), NULL, 0, now), "join");
    must(mw_sframe_seal(media(&app, anna), 0, SPAN(""), SPAN("Hello!"), frame, 64, &len), "seal");
    struct mw_span sound = relay("sound", (struct mw_span){ frame, len });
    must(mw_sframe_open(media(&app, ben), SPAN(""), sound, frame, 64, &heard), "open");
    return printf("ben hears: %.*s\n", (int)heard.plain.len, heard.plain.data) < 0;
}
