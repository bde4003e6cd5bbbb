#include "gate/wire/audit.h"

#include <errno.h>

#include "base/reader.h"
#include "base/text.h"
#include "gate/wire/audit_fields.h"
#include "gate/wire/channel.h"

/* Raised when the fields change: a record of another Midwatch is refused, not misread. */
enum { AUDIT_FORMAT = 2, STATE_WHY_MAX = 256 };

#define FIELD(type, name, max)                                                                     \
    { #name, type, offsetof(struct audit_record, name),                                            \
      sizeof(((struct audit_record *)NULL)->name), max }

/* A member's name cannot stand in parentheses: NOLINTBEGIN(bugprone-macro-parentheses) */
#define LEG_FIELDS(leg)                                                                            \
    FIELD(AUDIT_U16, leg.version, 0), FIELD(AUDIT_U16, leg.suite, 0),                              \
    FIELD(AUDIT_U16, leg.group, 0), FIELD(AUDIT_U16, leg.signature, 0),                            \
    FIELD(AUDIT_BOOL, leg.resumed, 0), FIELD(AUDIT_BOOL, leg.reused, 0),                           \
    FIELD(AUDIT_TEXT, leg.alpn, 32),                                                               \
    FIELD(AUDIT_U8, leg.alert_sent, 0), FIELD(AUDIT_U8, leg.alert_received, 0),                    \
    FIELD(AUDIT_I64, leg.handshake_us, 0)
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct audit_field fields[] = {
    FIELD(AUDIT_ENUM, kind, AUDIT_EVENT + 1),
    FIELD(AUDIT_U64, worker, 0),
    FIELD(AUDIT_U64, serial, 0),
    FIELD(AUDIT_I64, began_ms, 0),
    FIELD(AUDIT_I64, ended_ms, 0),
    FIELD(AUDIT_TEXT, what, 64),
    FIELD(AUDIT_TEXT, detail, 512),
    FIELD(AUDIT_TEXT, entrance, 16),
    FIELD(AUDIT_ADDR, client, 0),
    FIELD(AUDIT_ADDR, listener, 0),
    FIELD(AUDIT_ADDR, destination, 0),
    FIELD(AUDIT_TEXT, user, 256),
    FIELD(AUDIT_TEXT, host, 256),
    FIELD(AUDIT_TEXT, sni, 256),
    FIELD(AUDIT_TEXT, asked, 256),
    FIELD(AUDIT_U16, port, 0),
    FIELD(AUDIT_TEXT, ja4, 40),
    FIELD(AUDIT_BOOL, ech, 0),
    FIELD(AUDIT_TEXT, action, 16),
    FIELD(AUDIT_TEXT, rule, 128),
    FIELD(AUDIT_TEXT, reason, 256),
    FIELD(AUDIT_TEXT, exception, 32),
    FIELD(AUDIT_TEXT, protocol, 16),
    FIELD(AUDIT_ENUM, outcome, AUDIT_INTERNAL + 1),
    FIELD(AUDIT_TEXT, error, 256),
    FIELD(AUDIT_TEXT, failed_at, 16),
    LEG_FIELDS(client_leg),
    LEG_FIELDS(server_leg),
    FIELD(AUDIT_TEXT, weakened, 256),
    FIELD(AUDIT_TEXT, verdict, 32),
    FIELD(AUDIT_TEXT, findings, 512),
    FIELD(AUDIT_TEXT, decided_by, 64),
    FIELD(AUDIT_BOOL, forged, 0),
    FIELD(AUDIT_BOOL, forged_untrusted, 0),
    FIELD(AUDIT_BOOL, consented, 0),
    FIELD(AUDIT_SHA256, origin_sha256, 0),
    FIELD(AUDIT_SHA256, forged_sha256, 0),
    FIELD(AUDIT_U64, bytes_up, 0),
    FIELD(AUDIT_U64, bytes_down, 0),
    FIELD(AUDIT_U32, requests, 0),
    FIELD(AUDIT_U32, blocked_requests, 0),
};

const struct audit_field *audit_fields(size_t *n)
{
    *n = ARRAY_LEN(fields);
    return fields;
}

const char *audit_outcome_name(enum audit_outcome o)
{
    static const char *const names[] = {
        [AUDIT_COMPLETED] = "completed",
        [AUDIT_BLOCKED] = "blocked",
        [AUDIT_REFUSED] = "refused",
        [AUDIT_CLIENT_FAILED] = "client-failed",
        [AUDIT_SERVER_FAILED] = "server-failed",
        [AUDIT_TIMED_OUT] = "timed-out",
        [AUDIT_OVERLOADED] = "overloaded",
        [AUDIT_INTERNAL] = "internal",
    };

    return (size_t)o < ARRAY_LEN(names) ? names[o] : "unknown";
}

/* ------------------------------------------------------------------------------ text ---- */

/* Most of what is recorded is plain already. */
static bool is_plain(struct mw_span s, size_t max)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < 0x20 || s.data[i] > 0x7e)
            return false;
    return s.len <= max;
}

/* text_safe() changes nothing in what it made itself, so both ends may call it. */
static void text_bounded(struct buf *out, struct mw_span s, size_t max)
{
    if (is_plain(s, max))
        buf_add(out, s);
    else
        text_safe(out, s, max);
}

static void text_write(struct buf *out, const char *s, size_t max)
{
    size_t at = out->len;

    buf_u16(out, 0);
    /* What is cut away need not be looked at; one byte more shows that it was cut. */
    text_bounded(out, span_cut(span_str(s), 0, max + 1), max);
    if (out->error != 0)
        return;
    out->data[at] = (uint8_t)((out->len - at - 2) >> 8);
    out->data[at + 1] = (uint8_t)(out->len - at - 2);
}

static int text_read(const char **to, struct reader *r, size_t max, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(max + sizeof("…"));
    struct mw_span wire = read_vec16(r), copy = { NULL, 0 };

    if (wire.len == 0) {
        *to = "";
        return 0;
    }
    text_bounded(&safe, wire, max);
    if (buf_error(&safe) != 0 || arena_copy(arena, buf_span(&safe), &copy) != 0)
        return -ENOMEM;
    *to = (const char *)copy.data;
    return 0;
}

/* --------------------------------------------------------------------------- address ---- */

static void address_write(struct buf *out, const struct addr *a)
{
    struct mw_span ip = a->len != 0 ? addr_ip(a) : (struct mw_span){ NULL, 0 };

    buf_u8(out, (uint8_t)ip.len);
    buf_add(out, ip);
    if (ip.len != 0)
        buf_u16(out, addr_port(a));
}

static void address_read(struct addr *a, struct reader *r)
{
    struct mw_span ip = read_vec8(r);

    memset(a, 0, sizeof(*a));
    if (ip.len == 0)
        return;
    if (ip.len == 4 || ip.len == 16)
        *a = addr_make(ip.len == 4 ? AF_INET : AF_INET6, ip.data, read_u16(r));
    else
        read_fail(r);
}

/* ---------------------------------------------------------------------------- fields ---- */

static void field_write(struct buf *out, const struct audit_field *f, const uint8_t *at)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        bool yes;
        const char *text;
    } v = { .u64 = 0 };

    if (f->size <= sizeof(v))
        memcpy(&v, at, f->size);
    switch (f->type) {
    case AUDIT_U8:
        buf_u8(out, v.u8);
        break;
    case AUDIT_U16:
        buf_u16(out, v.u16);
        break;
    case AUDIT_U32:
    case AUDIT_ENUM:
        buf_u32(out, v.u32);
        break;
    case AUDIT_U64:
    case AUDIT_I64:
        buf_u64(out, v.u64);
        break;
    case AUDIT_BOOL:
        buf_u8(out, v.yes ? 1 : 0);
        break;
    case AUDIT_TEXT:
        text_write(out, v.text, f->max);
        break;
    case AUDIT_ADDR:
        address_write(out, (const struct addr *)(const void *)at);
        break;
    case AUDIT_SHA256:
        buf_add(out, span_of(at, f->size));
        break;
    }
}

static int number_read(const struct audit_field *f, uint8_t *at, struct reader *r)
{
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    bool yes;

    switch (f->size) {
    case 1:
        u8 = read_u8(r);
        yes = u8 != 0;
        if (f->type == AUDIT_BOOL && u8 > 1)
            return -EINVAL;
        memcpy(at, f->type == AUDIT_BOOL ? (void *)&yes : &u8, 1);
        return 0;
    case 2:
        u16 = read_u16(r);
        memcpy(at, &u16, sizeof(u16));
        return 0;
    case 4:
        u32 = read_u32(r);
        if (f->type == AUDIT_ENUM && u32 >= f->max)
            return -EINVAL;
        memcpy(at, &u32, sizeof(u32));
        return 0;
    default:
        u64 = read_u64(r);
        memcpy(at, &u64, sizeof(u64));
        return 0;
    }
}

static int field_read(const struct audit_field *f, uint8_t *at, struct reader *r,
                      struct arena *arena)
{
    struct mw_span hash;

    switch (f->type) {
    case AUDIT_TEXT:
        return text_read((const char **)(void *)at, r, f->max, arena);
    case AUDIT_ADDR:
        address_read((struct addr *)(void *)at, r);
        return 0;
    case AUDIT_SHA256:
        hash = read_bytes(r, f->size);
        if (hash.len == f->size)
            memcpy(at, hash.data, f->size);
        return 0;
    default:
        return number_read(f, at, r);
    }
}

void audit_write(struct buf *out, const struct audit_record *r)
{
    buf_u8(out, GATE_AUDIT);
    buf_u8(out, AUDIT_FORMAT);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        field_write(out, &fields[i], (const uint8_t *)r + fields[i].offset);
}

int audit_read(struct audit_record *r, struct mw_span message, struct arena *arena)
{
    struct reader in = { .rest = message };
    struct audit_record got = { 0 };
    uint8_t type = read_u8(&in), format = read_u8(&in);

    if (type != GATE_AUDIT || format != AUDIT_FORMAT)
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        int e = field_read(&fields[i], (uint8_t *)&got + fields[i].offset, &in, arena);

        if (e != 0)
            return e;
    }
    if (!read_done(&in))
        return -EINVAL;
    *r = got;
    return 0;
}

void audit_state_write(struct buf *out, const struct audit_state *s)
{
    buf_u8(out, GATE_AUDIT_STATE);
    buf_u8(out, s->failing ? 1 : 0);
    text_write(out, s->why, STATE_WHY_MAX);
}

int audit_state_read(struct audit_state *s, struct mw_span message, struct arena *arena)
{
    struct reader in = { .rest = message };
    struct audit_state got = { 0 };
    uint8_t failing;
    int e;

    if (read_u8(&in) != GATE_AUDIT_STATE)
        return -EINVAL;
    failing = read_u8(&in);
    e = text_read(&got.why, &in, STATE_WHY_MAX, arena);
    if (e != 0)
        return e;
    if (!read_done(&in) || failing > 1)
        return -EINVAL;
    got.failing = failing == 1;
    *s = got;
    return 0;
}
