#include "meet/tree/key_index.h"

#include <errno.h>
#include <stdlib.h>

enum { ROOM_MIN = 16 };

void key_index_deinit(struct key_index *k)
{
    free(k->slots);
    k->slots = NULL;
    k->room = k->used = 0;
}

static uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

static uint64_t word_at(const uint8_t *at, size_t len)
{
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)at[i] << (8 * i);
    return word;
}

uint64_t key_index_hash(const uint64_t seed[2], struct mw_span bytes)
{
    uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                      seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
    size_t at = 0;

    for (; bytes.len - at >= 8; at += 8)
        sip_word(v, word_at(bytes.data + at, 8));
    sip_word(v, word_at(bytes.data + at, bytes.len - at) | (uint64_t)bytes.len << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t short_hash(const uint64_t seed[2], struct mw_span key)
{
    return (uint32_t)key_index_hash(seed, key);
}

static void place(struct key_slot *slots, uint32_t room, struct key_slot v)
{
    uint32_t at = v.hash & (room - 1);

    while (slots[at].node != KEY_INDEX_NONE)
        at = (at + 1) & (room - 1);
    slots[at] = v;
}

/* Everything into a table of another size, or by another seed. */
static int rebuild(struct key_index *k, uint32_t room, const uint64_t *seed)
{
    struct key_slot *slots = calloc(room, sizeof(*slots));

    if (slots == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < room; i++)
        slots[i].node = KEY_INDEX_NONE;
    for (uint32_t i = 0; i < k->room; i++) {
        struct key_slot v = k->slots[i];

        if (v.node == KEY_INDEX_NONE)
            continue;
        if (seed != NULL)
            v.hash = short_hash(seed, k->key_of(k->context, v.node));
        place(slots, room, v);
    }
    free(k->slots);
    k->slots = slots;
    k->room = room;
    if (seed != NULL)
        memcpy(k->seed, seed, sizeof(k->seed));
    return 0;
}

static uint32_t run_from(const struct key_index *k, uint32_t hash)
{
    uint32_t n = 0;

    while (n < k->room && k->slots[(hash + n) & (k->room - 1)].node != KEY_INDEX_NONE)
        n++;
    return n;
}

int key_index_reserve(struct key_index *k, struct mw_span key)
{
    uint64_t seed[2];

    if (k->used + 1 > k->room / 2) {
        int error = rebuild(k, k->room == 0 ? ROOM_MIN : 2 * k->room, NULL);

        if (error != 0)
            return error;
    }
    if (run_from(k, short_hash(k->seed, key)) < KEY_INDEX_RUN)
        return 0;
    seed[0] = key_index_hash(k->seed, key);
    seed[1] = key_index_hash(seed, key);
    if (rebuild(k, k->room, seed) != 0)
        return 0;       /* no memory: the table stays right, only slower */
    return 0;
}

void key_index_add(struct key_index *k, struct mw_span key, uint32_t node)
{
    place(k->slots, k->room, (struct key_slot){ short_hash(k->seed, key), node });
    k->used++;
}

void key_index_drop(struct key_index *k, struct mw_span key, uint32_t node)
{
    uint32_t mask = k->room - 1, at = short_hash(k->seed, key) & mask;

    while (k->slots[at].node != node)
        at = (at + 1) & mask;
    /* What follows without a gap moves up, unless it would move before its own place. */
    for (uint32_t next = (at + 1) & mask; k->slots[next].node != KEY_INDEX_NONE;
         next = (next + 1) & mask) {
        uint32_t home = k->slots[next].hash & mask;

        if (((next - home) & mask) < ((next - at) & mask))
            continue;
        k->slots[at] = k->slots[next];
        at = next;
    }
    k->slots[at].node = KEY_INDEX_NONE;
    k->used--;
}

uint32_t key_index_find(const struct key_index *k, struct mw_span key)
{
    uint32_t mask = k->room - 1, hash, at;

    if (k->used == 0)
        return KEY_INDEX_NONE;
    hash = short_hash(k->seed, key);
    for (at = hash & mask; k->slots[at].node != KEY_INDEX_NONE; at = (at + 1) & mask) {
        const struct key_slot *v = &k->slots[at];

        if (v->hash == hash && span_eq(k->key_of(k->context, v->node), key))
            return v->node;
    }
    return KEY_INDEX_NONE;
}
