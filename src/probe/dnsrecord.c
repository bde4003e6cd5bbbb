#include "probe/dnsrecord.h"

#include <errno.h>

#include "base/reader.h"
#include "base/text.h"

enum {
    MAX_CAA_VALUE = 1024,
    MAX_NAME_BYTES = 255, /* RFC 1035 section 2.3.4 */
    SVC_KEY_ECH = 5,      /* RFC 9460 section 14.3.2 */
};

static char *safe_copy(struct mw_span text, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4 * MAX_CAA_VALUE + 16);

    text_safe(&safe, text, MAX_CAA_VALUE);
    if (buf_error(&safe) != 0)
        return NULL;
    return arena_strdup(arena, safe.len > 0 ? (const char *)safe.data : "");
}

int dnsrecord_caa(struct mw_caa *out, struct mw_span rdata, struct arena *arena)
{
    struct reader r = { .rest = rdata };
    uint8_t flags = read_u8(&r);
    struct mw_span tag = read_vec8(&r);

    if (r.failed || tag.len == 0)
        return DNSRECORD_E_MALFORMED;
    for (size_t i = 0; i < tag.len; i++) {
        uint8_t c = tag.data[i] | 0x20;

        if (!(c >= 'a' && c <= 'z') && !(tag.data[i] >= '0' && tag.data[i] <= '9'))
            return DNSRECORD_E_MALFORMED;
    }
    out->flags = flags;
    out->tag = safe_copy(tag, arena);
    out->value = safe_copy(r.rest, arena);
    return out->tag != NULL && out->value != NULL ? 0 : -ENOMEM;
}

/* An uncompressed name (RFC 9460 section 2.2). */
static void skip_name(struct reader *r)
{
    size_t total = 0;
    uint8_t len;

    do {
        len = read_u8(r);
        total += 1u + len;
        if (len > 63 || total > MAX_NAME_BYTES)
            read_fail(r);
        (void)read_bytes(r, len);
    } while (len != 0 && !r->failed);
}

int dnsrecord_https(bool *has_ech, struct mw_span rdata)
{
    struct reader r = { .rest = rdata };
    uint16_t priority = read_u16(&r);
    int32_t last_key = -1;
    bool found = false;

    skip_name(&r);
    while (read_more(&r)) {
        uint16_t key = read_u16(&r);
        struct mw_span value = read_vec16(&r);

        if (key <= last_key) /* strictly ascending, or the record is malformed */
            read_fail(&r);
        last_key = key;
        found |= key == SVC_KEY_ECH && value.len > 0;
    }
    if (!read_done(&r))
        return DNSRECORD_E_MALFORMED;
    *has_ech = priority != 0 && found; /* 0: alias mode, where parameters mean nothing */
    return 0;
}
