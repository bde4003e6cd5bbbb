#include "net/dns_message.h"

#include <errno.h>

#include "base/reader.h"

/* A name: labels up to the root or to a pointer, which ends it (RFC 1035 section 4.1.4).
 * Nothing is followed: whose records they are was settled by the server. */
static void skip_name(struct reader *r)
{
    for (;;) {
        uint8_t len = read_u8(r);

        if (r->failed || len == 0)
            return;
        if ((len & 0xc0) == 0xc0) {
            (void)read_u8(r);
            return;
        }
        if ((len & 0xc0) != 0) {
            read_fail(r);
            return;
        }
        (void)read_bytes(r, len);
    }
}

int dns_message_read(struct mw_span wire, uint16_t type, struct mw_span *items, size_t room,
                     size_t *n, uint32_t *ttl_s)
{
    struct reader r = { .rest = wire };
    unsigned questions, answers;

    *n = 0;
    *ttl_s = 0;
    (void)read_u32(&r);             /* id, flags */
    questions = read_u16(&r);
    answers = read_u16(&r);
    (void)read_u32(&r);             /* the other sections */
    for (; questions > 0 && !r.failed; questions--) {
        skip_name(&r);
        (void)read_u32(&r);
    }
    for (; answers > 0 && !r.failed; answers--) {
        uint16_t its_type, its_class;
        uint32_t ttl;
        struct mw_span data;

        skip_name(&r);
        its_type = read_u16(&r);
        its_class = read_u16(&r);
        ttl = read_u32(&r);
        data = read_vec16(&r);
        if (r.failed || its_type != type || its_class != 1 || *n == room)
            continue;
        *ttl_s = *n == 0 || ttl < *ttl_s ? ttl : *ttl_s;
        items[(*n)++] = data;
    }
    return r.failed ? -EPROTO : 0;
}
