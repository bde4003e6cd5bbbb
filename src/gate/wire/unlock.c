#include "gate/wire/unlock.h"

#include <errno.h>
#include <jansson.h>

#include "base/reader.h"
#include "gate/wire/channel.h"

bool unlock_covers(const struct gate_unlock *u, const char *client, const char *host,
                   struct mw_wall now)
{
    struct mw_span name = span_str(host), want = span_str(u->host);

    if (now.s >= u->until.s)
        return false;
    if (u->client[0] != '\0' && (client == NULL || strcmp(u->client, client) != 0))
        return false;
    if (want.len == 0)
        return true;
    if (want.data[0] != '.')
        return span_eq_nocase(name, want);
    return span_ends_nocase(name, want) || span_eq_nocase(name, span_cut(want, 1, want.len));
}

/* Absent is "". */
static bool take(const json_t *o, const char *key, char *to, size_t room)
{
    const json_t *v = json_object_get(o, key);
    const char *s = v != NULL ? json_string_value(v) : "";

    if (s == NULL || strlen(s) >= room || json_string_length(v) != strlen(s))
        return false;
    memcpy(to, s, strlen(s) + 1);
    return true;
}

int unlock_read(struct gate_unlock *u, struct mw_span json)
{
    struct gate_unlock got = { .until = { 0 } };
    json_t *o = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    const char *ask = json_string_value(json_object_get(o, "ask"));
    const json_t *until = json_object_get(o, "until");
    const json_t *packets = json_object_get(o, "packets");
    bool good = ask != NULL && strcmp(ask, "unlock") == 0 && json_is_integer(until) &&
                json_integer_value(until) >= 0 && (packets == NULL || json_is_boolean(packets)) &&
                take(o, "client", got.client, sizeof(got.client)) &&
                take(o, "host", got.host, sizeof(got.host));

    if (good) {
        got.until.s = json_integer_value(until);
        got.packets = json_is_true(packets);
    }
    json_decref(o);
    if (!good)
        return -EINVAL;
    *u = got;
    return 0;
}

void unlock_write(struct buf *json, const struct gate_unlock *u)
{
    json_t *o = json_pack("{s:s, s:I, s:s, s:s, s:b}", "ask", "unlock", "until",
                          (json_int_t)u->until.s, "client", u->client, "host", u->host, "packets",
                          (int)u->packets);
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

    if (text != NULL)
        buf_str(json, text);
    else if (json->error == 0)
        json->error = -ENOMEM;
    free(text);
    json_decref(o);
}

static void put(struct buf *out, const char *s, size_t max)
{
    struct mw_span cut = span_cut(span_str(s), 0, max);

    buf_u16(out, (uint16_t)cut.len);
    buf_add(out, cut);
}

void keylog_write(struct buf *out, const struct gate_keylog *k)
{
    buf_u8(out, GATE_KEYLOG);
    put(out, k->client, UNLOCK_TEXT);
    put(out, k->host, UNLOCK_TEXT);
    put(out, k->line, KEYLOG_LINE_MAX);
}

/* "CLIENT_TRAFFIC_SECRET_0 <64 hex> <hex>": nothing that could be another line or a command. */
static bool is_keylog_line(struct mw_span line)
{
    struct mw_span part;
    size_t parts = 0;

    for (; span_field(&line, ' ', &part); parts++)
        for (size_t i = 0; i < part.len; i++) {
            uint8_t c = part.data[i];
            bool digit = c >= '0' && c <= '9';

            if (parts == 0 ? !(digit || c == '_' || (c >= 'A' && c <= 'Z'))
                           : !(digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
                return false;
        }
    return parts == 3;
}

int keylog_read(struct gate_keylog *k, struct mw_span message, struct arena *arena)
{
    struct reader r = { .rest = message };
    struct mw_span client, host, line, copies[3];

    if (read_u8(&r) != GATE_KEYLOG)
        return -EINVAL;
    client = read_vec16(&r);
    host = read_vec16(&r);
    line = read_vec16(&r);
    if (!read_done(&r) || client.len > UNLOCK_TEXT || host.len > UNLOCK_TEXT ||
        line.len > KEYLOG_LINE_MAX || !is_keylog_line(line))
        return -EINVAL;
    if (arena_copy(arena, client, &copies[0]) != 0 || arena_copy(arena, host, &copies[1]) != 0 ||
        arena_copy(arena, line, &copies[2]) != 0)
        return -ENOMEM;
    k->client = (const char *)copies[0].data;
    k->host = (const char *)copies[1].data;
    k->line = (const char *)copies[2].data;
    return 0;
}
