#include "gate/policy/hello.h"

#include "base/reader.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_HEADER = 5,
    RECORD_MAX = 1 << 14,       /* RFC 8446 section 5.1 */
    MESSAGE_HEADER = 4,
    CLIENT_HELLO = 1,
    NAME_IS_HOST = 0,
    NAME_MAX = 255,

    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_SIGNATURE_SCHEMES = 13,
    EXT_ALPN = 16,
    EXT_PSK = 41,
    EXT_EARLY_DATA = 42,
    EXT_VERSIONS = 43,
    EXT_ECH = 0xfe0d,
};

static enum hello_state bad(struct hello *h, const char *wrong)
{
    h->wrong = wrong;
    return HELLO_BAD;
}

bool hello_is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

uint16_t hello_item(struct mw_span list, size_t i)
{
    return (uint16_t)(list.data[2 * i] << 8 | list.data[2 * i + 1]);
}

bool hello_has_item(struct mw_span list, uint16_t value)
{
    for (size_t i = 0; i < list.len / 2; i++)
        if (hello_item(list, i) == value)
            return true;
    return false;
}

/* ------------------------------------------------------------------------ extensions ---- */

/* What is read reads to its end, and the list in it holds whole items, at least one. */
static bool list_is_whole(const struct reader *r, struct mw_span list)
{
    return read_done(r) && list.len >= 2 && list.len % 2 == 0;
}

/* RFC 6066 section 3: ASCII, and no two names of one type. */
static const char *server_name_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };
    struct reader list = { .rest = read_vec16(&r) };

    if (!read_done(&r) || list.rest.len == 0)
        return "server_name is malformed";
    while (read_more(&list)) {
        uint8_t type = read_u8(&list);
        struct mw_span name = read_vec16(&list);

        if (list.failed || name.len == 0)
            return "server_name is malformed";
        if (type != NAME_IS_HOST)
            continue;
        if (h->has_server_name)
            return "server_name holds two host names";
        if (name.len > NAME_MAX)
            return "the server name is longer than 255 bytes";
        for (size_t i = 0; i < name.len; i++)
            if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
                return "the server name holds a byte that no host name has";
        h->server_name = name;
        h->has_server_name = true;
    }
    return NULL;
}

static const char *groups_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };

    h->groups = read_vec16(&r);
    return list_is_whole(&r, h->groups) ? NULL : "supported_groups is malformed";
}

static const char *schemes_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };

    h->signature_schemes = read_vec16(&r);
    return list_is_whole(&r, h->signature_schemes) ? NULL : "signature_algorithms is malformed";
}

static const char *alpn_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };
    struct reader names = { .rest = read_vec16(&r) };

    h->alpn = names.rest;
    if (!read_done(&r) || names.rest.len == 0)
        return "the ALPN list is malformed";
    while (read_more(&names))
        if (read_vec8(&names).len == 0)
            return "the ALPN list is malformed"; /* RFC 7301 section 3.1: never empty */
    return names.failed ? "the ALPN list is malformed" : NULL;
}

static const char *versions_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };

    h->versions = read_vec8(&r);
    if (!list_is_whole(&r, h->versions))
        return "supported_versions is malformed";
    /* RFC 8446 section 4.2.1: legacy_version MUST NOT be used any more. */
    h->highest_version = 0;
    for (size_t i = 0; i < h->versions.len / 2; i++) {
        uint16_t v = hello_item(h->versions, i);

        if (v >> 8 == 3 && v > h->highest_version)
            h->highest_version = v;
    }
    return h->highest_version != 0 ? NULL : "supported_versions names no version of TLS";
}

/* draft-ietf-tls-esni section 5.  An inner hello (type 1) says only that it is one. */
static const char *ech_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };

    if (read_u8(&r) == 0) {
        read_u32(&r);           /* the cipher suite */
        read_u8(&r);            /* config_id */
        read_vec16(&r);         /* enc, empty in a second hello */
        h->has_ech = read_vec16(&r).len > 0;
        if (!h->has_ech)
            return "encrypted_client_hello is malformed";
    }
    return read_done(&r) ? NULL : "encrypted_client_hello is malformed";
}

static const char *early_data_read(struct hello *h, struct mw_span body)
{
    h->has_early_data = true;
    return body.len == 0 ? NULL : "early_data is malformed";
}

static const char *psk_read(struct hello *h, struct mw_span body)
{
    struct reader r = { .rest = body };

    h->has_psk = true;
    read_vec16(&r);
    read_vec16(&r);
    return read_done(&r) ? NULL : "pre_shared_key is malformed";
}

static const struct {
    uint16_t type;
    const char *(*read)(struct hello *h, struct mw_span body);
} readers[] = {
    { EXT_SERVER_NAME, server_name_read },
    { EXT_GROUPS, groups_read },
    { EXT_SIGNATURE_SCHEMES, schemes_read },
    { EXT_ALPN, alpn_read },
    { EXT_PSK, psk_read },
    { EXT_EARLY_DATA, early_data_read },
    { EXT_VERSIONS, versions_read },
    { EXT_ECH, ech_read },
};

static const char *extension_read(struct hello *h, uint16_t type, struct mw_span body)
{
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (readers[i].type == type)
            return readers[i].read(h, body);
    return NULL;
}

static bool holds(const uint16_t *seen, size_t n, uint16_t type)
{
    for (size_t i = 0; i < n; i++)
        if (seen[i] == type)
            return true;
    return false;
}

static enum hello_state extensions_read(struct hello *h)
{
    struct reader r = { .rest = h->extensions };
    uint16_t seen[HELLO_MAX_EXTENSIONS];
    size_t n = 0;

    while (read_more(&r)) {
        uint16_t type = read_u16(&r);
        struct mw_span body = read_vec16(&r);
        const char *wrong;

        if (r.failed)
            return bad(h, "an extension is longer than what is left");
        if (h->has_psk)         /* RFC 8446 section 4.2.11: MUST be the last */
            return bad(h, "pre_shared_key is not the last extension");
        if (n == HELLO_MAX_EXTENSIONS) {
            h->wrong = "too many extensions";
            return HELLO_TOO_BIG;
        }
        /* RFC 8446 section 4.2: MUST NOT be more than one of a type. */
        if (holds(seen, n, type))
            return bad(h, "an extension stands there twice");
        seen[n++] = type;
        wrong = extension_read(h, type, body);
        if (wrong != NULL)
            return bad(h, wrong);
    }
    return HELLO_DONE;
}

/* ------------------------------------------------------------------------- the message ---- */

/* RFC 8446 section 4.1.2, in wire order. */
static enum hello_state body_read(struct hello *h)
{
    struct reader r = { .rest = span_cut(h->message, MESSAGE_HEADER, h->message.len) };
    struct mw_span compressions;

    h->legacy_version = h->highest_version = read_u16(&r);
    h->random = read_bytes(&r, 32);
    h->session_id = read_vec8(&r);
    h->suites = read_vec16(&r);
    compressions = read_vec8(&r);
    if (r.failed)
        return bad(h, "the ClientHello ends early");
    if (h->legacy_version < 0x0300)
        return bad(h, "a version below SSL 3.0");
    if (h->session_id.len > 32)
        return bad(h, "a session id of more than 32 bytes");
    if (h->suites.len < 2 || h->suites.len % 2 != 0)
        return bad(h, "the list of cipher suites is malformed");
    if (compressions.len == 0 || memchr(compressions.data, 0, compressions.len) == NULL)
        return bad(h, "the compression methods lack \"null\"");
    if (h->suites.len / 2 > HELLO_MAX_SUITES) {
        h->wrong = "too many cipher suites";
        return HELLO_TOO_BIG;
    }
    if (r.rest.len == 0)        /* RFC 5246 section 7.4.1.2: there need be none */
        return HELLO_DONE;
    h->extensions = read_vec16(&r);
    if (!read_done(&r))
        return bad(h, "the extensions' length is not what is left");
    return extensions_read(h);
}

/* The walk over the records, so far. */
struct walk {
    size_t at;                  /* in raw: of the next record */
    size_t have;                /* bytes of the message */
    size_t want;                /* of the whole message; known from MESSAGE_HEADER bytes on */
    uint8_t header[MESSAGE_HEADER];
    size_t records;
};

/* RFC 5246 appendix E.2: SSL 2.0's CLIENT-HELLO, its length with the high bit set, its type, a
 * version.  MUST NOT be sent any more (RFC 6176), and MUST NOT pass as something that is no TLS:
 * a server might answer it. */
static enum hello_state sslv2_read(struct hello *h, struct mw_span head)
{
    if ((head.data[0] & 0x80) == 0 || (head.len > 2 && head.data[2] != CLIENT_HELLO))
        return HELLO_NOT_TLS;
    if (head.len > 3 && head.data[3] != 3 && head.data[3] != 0)
        return HELLO_NOT_TLS;
    if (head.len < RECORD_HEADER)
        return HELLO_MORE;
    if (head.data[3] == 0 && head.data[4] != 2)
        return HELLO_NOT_TLS;
    return bad(h, "a ClientHello of SSL 2.0");
}

/* The record at w->at: HELLO_DONE if all of it is there. */
static enum hello_state record_read(struct hello *h, struct mw_span raw, const struct walk *w,
                                    struct mw_span *fragment)
{
    struct mw_span head = span_cut(raw, w->at, RECORD_HEADER);
    size_t len;

    if (head.len > 0 && head.data[0] != RECORD_HANDSHAKE) {
        /* RFC 8446 section 5.1: nothing may stand between the pieces of a message. */
        return w->records == 0 ? sslv2_read(h, head)
                               : bad(h, "another record stands inside the ClientHello");
    }
    if (head.len > 1 && head.data[1] != 3)
        return w->records == 0 ? HELLO_NOT_TLS : bad(h, "a record of a strange version");
    if (head.len < RECORD_HEADER)
        return HELLO_MORE;
    len = (size_t)head.data[3] << 8 | head.data[4];
    if (len == 0)               /* RFC 8446 section 5.1: MUST NOT */
        return bad(h, "an empty handshake record");
    if (len > RECORD_MAX)
        return bad(h, "a record of more than 16384 bytes");
    *fragment = span_cut(raw, w->at + RECORD_HEADER, len);
    return fragment->len == len ? HELLO_DONE : HELLO_MORE;
}

/* Counts a fragment, whole or not, and judges what the message's header says. */
static enum hello_state fragment_take(struct hello *h, struct walk *w, struct mw_span fragment)
{
    for (size_t i = 0; i < fragment.len && w->have + i < MESSAGE_HEADER; i++)
        w->header[w->have + i] = fragment.data[i];
    w->have += fragment.len;
    if (w->have >= 1 && w->header[0] != CLIENT_HELLO)
        return bad(h, "the first handshake message is no ClientHello");
    if (w->have < MESSAGE_HEADER)
        return HELLO_MORE;
    w->want = MESSAGE_HEADER +
              ((size_t)w->header[1] << 16 | (size_t)w->header[2] << 8 | w->header[3]);
    if (w->want > HELLO_MAX_BYTES - RECORD_HEADER) {
        h->wrong = "a ClientHello of more than 64 KiB";
        return HELLO_TOO_BIG;
    }
    return w->have >= w->want ? HELLO_DONE : HELLO_MORE;
}

/* Copies the fragments behind each other; the walk has seen that all is there. */
static void gather(uint8_t *to, struct mw_span raw, const struct walk *w)
{
    size_t len;

    for (size_t at = 0; at < w->at; at += RECORD_HEADER + len) {
        len = (size_t)raw.data[at + 3] << 8 | raw.data[at + 4];
        memcpy(to, raw.data + at + RECORD_HEADER, len);
        to += len;
    }
}

static enum hello_state walk_end(struct hello *h, struct mw_span raw, const struct walk *w,
                                 uint8_t *scratch)
{
    /* RFC 8446 section 5.1: a key change follows, so a record ends here too. */
    if (w->have != w->want)
        return bad(h, "something follows the ClientHello in its record");
    if (w->records > 1 && scratch == NULL)
        return bad(h, "a ClientHello in several records");
    if (w->records > 1)
        gather(scratch, raw, w);
    h->message = w->records > 1 ? span_of(scratch, w->want)
                                : span_cut(raw, RECORD_HEADER, w->want);
    h->records_len = w->at;
    return body_read(h);
}

enum hello_state hello_read(struct hello *h, struct mw_span raw, uint8_t *scratch)
{
    struct mw_span within = span_cut(raw, 0, HELLO_MAX_BYTES);
    struct walk w = { .records = 0 };

    *h = (struct hello){ .wrong = NULL };
    for (;;) {
        struct mw_span fragment = { NULL, 0 };
        enum hello_state record = record_read(h, within, &w, &fragment);
        enum hello_state message;

        if (record != HELLO_DONE && record != HELLO_MORE)
            return record;
        message = fragment_take(h, &w, fragment);
        if (message != HELLO_DONE && message != HELLO_MORE)
            return message;
        if (record == HELLO_MORE) {
            if (raw.len < HELLO_MAX_BYTES)
                return HELLO_MORE;
            h->wrong = "a ClientHello of more than 64 KiB";
            return HELLO_TOO_BIG;
        }
        w.at += RECORD_HEADER + fragment.len;
        w.records++;
        if (message == HELLO_DONE)
            return walk_end(h, within, &w, scratch);
    }
}

/* ------------------------------------------------------------------------ what it offers ---- */

bool hello_offers_alpn(const struct hello *h, const char *protocol)
{
    struct reader r = { .rest = h->alpn };

    while (read_more(&r))
        if (span_eq(read_vec8(&r), span_str(protocol)))
            return true;
    return false;
}

/* Of the suites that an OpenSSL server would choose. */
static bool offers_ecdsa_suite(const struct hello *h)
{
    static const uint16_t suites[] = { 0xc02b, 0xc02c, 0xcca9, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af,
                                       0xc023, 0xc024, 0xc009, 0xc00a };

    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        if (hello_has_item(h->suites, suites[i]))
            return true;
    return false;
}

bool hello_takes_ecdsa(const struct hello *h)
{
    enum { ECDSA_SECP256R1_SHA256 = 0x0403, SECP256R1 = 23, TLS13 = 0x0304 };
    bool only_13 = h->versions.len > 0;

    if (!hello_has_item(h->signature_schemes, ECDSA_SECP256R1_SHA256))
        return false;
    for (size_t i = 0; i < h->versions.len / 2; i++) {
        uint16_t v = hello_item(h->versions, i);

        only_13 = only_13 && (hello_is_grease(v) || v >= TLS13);
    }
    if (only_13)
        return true;
    /* RFC 8422 section 5.1: up to TLS 1.2, suites and groups speak of the certificate too. */
    return offers_ecdsa_suite(h) &&
           (h->groups.len == 0 || hello_has_item(h->groups, SECP256R1));
}
