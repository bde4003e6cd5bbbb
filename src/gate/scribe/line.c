#include "gate/scribe/line.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define HASH_KEY   SPAN_LIT(",\"hash\":\"")
#define SIG_KEY    SPAN_LIT(",\"sig\":\"")
#define PREV_KEY   SPAN_LIT(",\"prev\":\"")
#define CHAIN_KEY  SPAN_LIT(",\"chain\":{\"seq\":")
#define RECORD_KEY SPAN_LIT("\"record\":\"")

enum { HASH_TEXT = 64, SIG_TEXT = 88, CLOSERS_MAX = 4 };

/* Over two pieces: what stands before the hash, and what closes the object. */
static int hash_two(struct mw_span a, struct mw_span b, uint8_t out[LINE_HASH])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, a.data, a.len) == 1 &&
                EVP_DigestUpdate(ctx, b.data, b.len) == 1 &&
                EVP_DigestFinal_ex(ctx, out, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return good ? 0 : -ENOMEM;
}

int sha256_of(struct mw_span bytes, uint8_t out[LINE_HASH])
{
    return hash_two(bytes, (struct mw_span){ NULL, 0 }, out);
}

static int signed_text(struct buf *out, const char *file, const uint8_t hash[LINE_HASH])
{
    buf_str(out, LINE_CONTEXT);
    buf_str(out, file);
    buf_u8(out, '\n');
    text_hex(out, span_of(hash, LINE_HASH), 0);
    return buf_error(out);
}

int line_seal(struct buf *line, struct line_link *link, struct mw_span closers,
              const struct log_key *signer, const char *file)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(1024), end = BUF_INIT(8);
    int r;

    buf_u8(&end, '}');
    buf_add(&end, closers);
    buf_add(line, CHAIN_KEY);
    buf_printf(line, "%" PRIu64, link->seq);
    buf_add(line, PREV_KEY);
    text_hex(line, span_of(link->prev, LINE_HASH), 0);
    buf_u8(line, '"');
    if (buf_error(line) != 0 || buf_error(&end) != 0 ||
        hash_two(buf_span(line), buf_span(&end), link->hash) != 0)
        return -ENOMEM;
    buf_add(line, HASH_KEY);
    text_hex(line, span_of(link->hash, LINE_HASH), 0);
    buf_u8(line, '"');
    link->is_signed = signer != NULL;
    if (signer != NULL) {
        r = signed_text(&message, file, link->hash);
        if (r == 0)
            r = log_key_sign(signer, buf_span(&message), link->sig);
        if (r < 0)
            return r;
        buf_add(line, SIG_KEY);
        text_base64(line, span_of(link->sig, KEY_SIGNATURE));
        buf_u8(line, '"');
    }
    buf_add(line, buf_span(&end));
    buf_u8(line, '\n');
    return buf_error(line);
}

/* ------------------------------------------------------- reading, from the end backwards ---- */

static bool ends_with(struct mw_span s, struct mw_span tail)
{
    return s.len >= tail.len && span_eq(span_cut(s, s.len - tail.len, tail.len), tail);
}

/* Takes `,"key":"<len characters>"` off the end. */
static bool take_text(struct mw_span *s, struct mw_span key, size_t len, struct mw_span *value)
{
    struct mw_span head;

    if (s->len < key.len + len + 1 || s->data[s->len - 1] != '"')
        return false;
    head = span_cut(*s, 0, s->len - len - 1);
    if (!ends_with(head, key))
        return false;
    *value = span_cut(*s, head.len, len);
    *s = span_cut(*s, 0, head.len - key.len);
    return true;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower case alone: each line has one spelling. */
bool hash_unhex(struct mw_span text, uint8_t out[LINE_HASH])
{
    uint8_t got[LINE_HASH];

    if (text.len != HASH_TEXT)
        return false;
    for (size_t i = 0; i < LINE_HASH; i++) {
        int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        got[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(out, got, LINE_HASH);
    return true;
}

/* 0, LINE_NO_CHAIN or -ENOMEM. */
static int unbase64(struct mw_span text, uint8_t out[KEY_SIGNATURE])
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(KEY_SIGNATURE), again = BUF_INIT(SIG_TEXT);
    int r = text_unbase64(&b, text);

    text_base64(&again, buf_span(&b));
    if (r == -ENOMEM || buf_error(&again) == -ENOMEM)
        return -ENOMEM;
    if (r != 0 || b.len != KEY_SIGNATURE || !span_eq(buf_span(&again), text))
        return LINE_NO_CHAIN;
    memcpy(out, b.data, KEY_SIGNATURE);
    return 0;
}

/* Digits without a zero in front, and the chain's key before them. */
static bool take_seq(struct mw_span s, uint64_t *seq)
{
    size_t at = s.len;
    int64_t v;

    while (at > 0 && s.data[at - 1] >= '0' && s.data[at - 1] <= '9')
        at--;
    if (!ends_with(span_cut(s, 0, at), CHAIN_KEY) || at == s.len || s.data[at] == '0' ||
        text_number(span_cut(s, at, s.len), 1, INT64_MAX, &v) != 0)
        return false;
    *seq = (uint64_t)v;
    return true;
}

int line_read(struct line_link *link, struct mw_span line)
{
    struct line_link got = { 0 };
    struct mw_span s = line, closers, sig, hash, prev, hashed;
    uint8_t really[LINE_HASH];
    size_t n = 0;
    int r = 0;

    while (n < CLOSERS_MAX && n < s.len && s.data[s.len - 1 - n] == '}')
        n++;
    closers = span_cut(s, s.len - n, n);
    s = span_cut(s, 0, s.len - n);
    got.is_signed = take_text(&s, SIG_KEY, SIG_TEXT, &sig);
    if (got.is_signed)
        r = unbase64(sig, got.sig);
    if (r != 0)
        return r;
    if (n < 3 || !take_text(&s, HASH_KEY, HASH_TEXT, &hash) || !hash_unhex(hash, got.hash))
        return LINE_NO_CHAIN;
    hashed = s;
    if (!take_text(&s, PREV_KEY, HASH_TEXT, &prev) || !hash_unhex(prev, got.prev) ||
        !take_seq(s, &got.seq))
        return LINE_NO_CHAIN;
    if (hash_two(hashed, closers, really) != 0)
        return -ENOMEM;
    if (memcmp(really, got.hash, LINE_HASH) != 0)
        return LINE_CHANGED;
    *link = got;
    return 0;
}

bool line_is_torn(struct mw_span line)
{
    size_t depth = 0;
    bool text = false;

    if (line.len > 0 && line.data[0] != '{')
        return false;
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.data[i];

        if (text && c == '\\')
            i++;
        else if (c == '"')
            text = !text;
        else if (!text && c == '{')
            depth++;
        else if (!text && c == '}' && --depth == 0)
            return false;
    }
    return true;
}

int line_signature_good(const struct line_link *link, const char *file, const struct verifier *v)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(1024);

    if (!link->is_signed)
        return 0;
    if (signed_text(&message, file, link->hash) < 0)
        return -ENOMEM;
    return verifier_good(v, buf_span(&message), link->sig);
}

struct mw_span line_record(struct mw_span line)
{
    const struct mw_span none = { NULL, 0 };

    /* Quotation marks inside a text stand behind backslashes, so only the key itself matches; it
     * is near the end. */
    for (size_t at = line.len; at > RECORD_KEY.len; at--) {
        struct mw_span rest = span_cut(line, at, line.len), value;

        if (ends_with(span_cut(line, 0, at), RECORD_KEY))
            return span_field(&rest, '"', &value) ? value : none;
    }
    return none;
}
