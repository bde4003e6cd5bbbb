#include "gate/bridge/h2_meter.h"

#include <nghttp2/nghttp2.h>

/* What each budget begins with, which is also its most, and what fills it.  A browser that leaves
 * a page resets what it had asked for, at most its concurrent streams at once; a client that reads
 * in small pieces opens two windows for each; keep-alive pings come alone. */
static const struct {
    int most, per_fed, per_exchange, per_data;
    const char *why;
} budgets[H2_BUDGETS] = {
    [H2_RESETS] = { 200, 0, 1, 0,
                    "HTTP/2: a flood of resets: far more streams than were let finish" },
    [H2_SETTINGS] = { 64, 0, 1, 0, "HTTP/2: a flood of SETTINGS frames" },
    [H2_PINGS] = { 256, 2, 2, 1, "HTTP/2: a flood of PING frames" },
    [H2_WINDOWS] = { 2048, 8, 8, 8, "HTTP/2: a flood of WINDOW_UPDATE frames" },
    [H2_EMPTY] = { 128, 1, 1, 0, "HTTP/2: a flood of empty frames" },
    [H2_OTHER] = { 1024, 2, 4, 1, "HTTP/2: a flood of frames without use" },
};

void h2_meter_init(struct h2_meter *m, bool from_client)
{
    *m = (struct h2_meter){ .from_client = from_client };
    m->preface_left = from_client ? NGHTTP2_CLIENT_MAGIC_LEN : 0;
    for (size_t i = 0; i < H2_BUDGETS; i++)
        m->budget[i] = budgets[i].most;
}

static void earn(struct h2_meter *m, size_t b, int n)
{
    m->budget[b] += n;
    if (m->budget[b] > budgets[b].most)
        m->budget[b] = budgets[b].most;
}

void h2_meter_fed(struct h2_meter *m)
{
    for (size_t i = 0; i < H2_BUDGETS; i++)
        earn(m, i, budgets[i].per_fed);
}

void h2_meter_earn_exchange(struct h2_meter *m)
{
    for (size_t i = 0; i < H2_BUDGETS; i++)
        earn(m, i, budgets[i].per_exchange);
}

void h2_meter_earn_data(struct h2_meter *m)
{
    for (size_t i = 0; i < H2_BUDGETS; i++)
        earn(m, i, budgets[i].per_data);
}

bool h2_meter_spend(struct h2_meter *m, enum h2_budget b)
{
    if (m->budget[b] > 0) {
        m->budget[b]--;
        return true;
    }
    m->why = budgets[b].why;
    return false;
}

static bool block_begins(struct h2_meter *m)
{
    m->continuations = 0;
    m->block = m->left;
    return m->left > 0 || h2_meter_spend(m, H2_EMPTY);
}

static bool block_goes_on(struct h2_meter *m)
{
    m->block += m->left;
    if (++m->continuations > H2_CONTINUATIONS_MAX)
        m->why = "HTTP/2: a flood of CONTINUATION frames: more than 8 for one header block";
    else if (m->block > H2_BLOCK_MAX)
        m->why = "HTTP/2: a header block of more than 80 KiB";
    return m->why == NULL && (m->left > 0 || h2_meter_spend(m, H2_EMPTY));
}

/* A frame's head is whole.  false: too much. */
static bool frame_begins(struct h2_meter *m)
{
    bool ack, end;

    m->left = (size_t)m->head[0] << 16 | (size_t)m->head[1] << 8 | m->head[2];
    m->type = m->head[3];
    ack = (m->head[4] & NGHTTP2_FLAG_ACK) != 0;
    end = (m->head[4] & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (m->type) {
    case NGHTTP2_DATA:
        return m->left > 0 || end || h2_meter_spend(m, H2_EMPTY);
    case NGHTTP2_HEADERS:
        return block_begins(m);
    case NGHTTP2_CONTINUATION:
        return block_goes_on(m);
    case NGHTTP2_RST_STREAM:    /* a server may refuse as many as it is asked for */
        return !m->from_client || h2_meter_spend(m, H2_RESETS);
    case NGHTTP2_SETTINGS:
        return h2_meter_spend(m, ack ? H2_OTHER : H2_SETTINGS);
    case NGHTTP2_PING:
        return h2_meter_spend(m, ack ? H2_OTHER : H2_PINGS);
    case NGHTTP2_WINDOW_UPDATE:
        return h2_meter_spend(m, H2_WINDOWS);
    default:
        return h2_meter_spend(m, H2_OTHER);
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t h2_meter_take(struct h2_meter *m, struct mw_span bytes)
{
    size_t at = least(m->preface_left, bytes.len), n;

    m->preface_left = (uint8_t)(m->preface_left - at);
    while (at < bytes.len && m->why == NULL) {
        if (m->left > 0) {
            n = least(m->left, bytes.len - at);
            m->left -= n;
            at += n;
        } else {
            size_t began = at;

            n = least((size_t)H2_FRAME_HEAD - m->head_len, bytes.len - at);
            memcpy(m->head + m->head_len, bytes.data + at, n);
            m->head_len = (uint8_t)(m->head_len + n);
            at += n;
            if (m->head_len < H2_FRAME_HEAD)
                break;
            m->head_len = 0;
            if (!frame_begins(m))
                return began;
        }
        if (m->left == 0 && (m->type == NGHTTP2_HEADERS || m->type == NGHTTP2_CONTINUATION))
            break;
    }
    return at;
}
