#include "gate/scribe/seen.h"

#include <string.h>

#include "base/text.h"

/* Serials of one worker follow each other: multiplied, they spread. */
static uint32_t slot_of(uint64_t worker, uint64_t serial)
{
    uint64_t h = (worker ^ serial * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

    return (uint32_t)(h >> 40) % SEEN_SLOTS;
}

static const struct seen_id *find(const struct seen_id *ids, uint64_t worker, uint64_t serial)
{
    uint32_t at = slot_of(worker, serial);

    while (ids[at].worker != 0 && (ids[at].worker != worker || ids[at].serial != serial))
        at = (at + 1) % SEEN_SLOTS;
    return &ids[at];
}

bool seen_has(const struct seen *s, uint64_t worker, uint64_t serial)
{
    return worker != 0 && (find(s->ids[0], worker, serial)->worker != 0 ||
                           find(s->ids[1], worker, serial)->worker != 0);
}

void seen_add(struct seen *s, uint64_t worker, uint64_t serial)
{
    struct seen_id *ids;
    const struct seen_id *slot;

    if (worker == 0 || seen_has(s, worker, serial))
        return;
    if (s->n == SEEN_MAX) {
        s->young ^= 1;
        s->n = 0;
        memset(s->ids[s->young], 0, sizeof(s->ids[0]));
    }
    ids = s->ids[s->young];
    slot = find(ids, worker, serial);
    ids[slot - ids] = (struct seen_id){ worker, serial };
    s->n++;
}

struct seen_id seen_id_read(struct mw_span text)
{
    struct mw_span hex;
    struct seen_id id = { 0 };
    int64_t serial;

    if (!span_field(&text, '-', &hex) || hex.len != 16 ||
        text_number(text, 0, INT64_MAX, &serial) != 0)
        return (struct seen_id){ 0 };
    for (size_t i = 0; i < 16; i++) {
        uint8_t c = hex.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return (struct seen_id){ 0 };
        id.worker = id.worker << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    id.serial = (uint64_t)serial;
    return id;
}
