#include "meet/tree/census.h"

#include <errno.h>
#include <stdlib.h>

#include "meet/tree/tree.h"

enum { ROOM_MIN = 32, RUN_MAX = 128, TIDY_FROM = 64 };

void census_deinit(struct census_table *c)
{
    free(c->slots);
    c->slots = NULL;
    c->room = c->used = c->unlisted = 0;
}

static uint32_t key_of(unsigned kind, uint16_t value)
{
    return ((uint32_t)kind << 16 | value) + 1;
}

static uint64_t mix(uint64_t seed, uint32_t key)
{
    uint64_t v = (seed ^ key) * 0x9e3779b97f4a7c15;

    v = (v ^ v >> 31) * 0xbf58476d1ce4e5b9;
    v = (v ^ v >> 29) * 0x94d049bb133111eb;
    return v ^ v >> 32;
}

/* The key's slot, or the free one where it would be. */
static struct census_slot *slot_of(struct census_slot *slots, uint32_t room, uint64_t seed,
                                   uint32_t key, uint32_t *steps)
{
    uint32_t at = (uint32_t)mix(seed, key) & (room - 1);

    *steps = 0;
    while (slots[at].key != 0 && slots[at].key != key) {
        at = (at + 1) & (room - 1);
        (*steps)++;
    }
    return &slots[at];
}

static int rebuild(struct census_table *c, uint32_t room, uint64_t seed, bool tidy)
{
    struct census_slot *slots = calloc(room, sizeof(*slots));
    uint32_t used = 0, steps;

    if (slots == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->room; i++) {
        const struct census_slot *v = &c->slots[i];

        if (v->key == 0 || (tidy && v->leaves == 0))
            continue;
        *slot_of(slots, room, seed, v->key, &steps) = *v;
        used++;
    }
    free(c->slots);
    c->slots = slots;
    c->room = room;
    c->seed = seed;
    c->used = used;
    if (tidy)
        c->unlisted = 0;
    return 0;
}

static int reserve(struct census_table *c, uint32_t key)
{
    struct census_slot *slot;
    uint32_t steps;

    if (c->used + 1 > c->room / 2) {
        int error = rebuild(c, c->room == 0 ? ROOM_MIN : 2 * c->room, c->seed, false);

        if (error != 0)
            return error;
    }
    slot = slot_of(c->slots, c->room, c->seed, key, &steps);
    if (slot->key == key)
        return 0;
    /* Without memory for another seed the table stays right, only slower. */
    if (steps >= RUN_MAX && rebuild(c, c->room, mix(c->seed, key), false) == 0)
        slot = slot_of(c->slots, c->room, c->seed, key, &steps);
    *slot = (struct census_slot){ .key = key };
    c->used++;
    c->unlisted++;
    return 0;
}

/* The lists of a leaf, by kind. */
static struct mw_span list_of(const struct leaf_node *v, unsigned kind)
{
    const struct mw_span lists[] = {
        [CENSUS_VERSION] = v->capabilities.versions,
        [CENSUS_SUITE] = v->capabilities.suites,
        [CENSUS_EXTENSION] = v->capabilities.extensions,
        [CENSUS_PROPOSAL] = v->capabilities.proposals,
        [CENSUS_CREDENTIAL] = v->capabilities.credentials,
    };

    return lists[kind];
}

static uint16_t u16_at(struct mw_span list, size_t i)
{
    return (uint16_t)(list.data[i] << 8 | list.data[i + 1]);
}

int census_reserve(struct census_table *c, const struct leaf_node *v)
{
    int error = reserve(c, key_of(CENSUS_USER, v->credential.type));

    for (unsigned kind = CENSUS_VERSION; kind <= CENSUS_CREDENTIAL && error == 0; kind++) {
        struct mw_span list = list_of(v, kind);

        for (size_t i = 0; i + 1 < list.len && error == 0; i += 2)
            error = reserve(c, key_of(kind, u16_at(list, i)));
    }
    return error;
}

static void count(struct census_table *c, uint32_t key, int by)
{
    uint32_t steps;
    struct census_slot *slot = slot_of(c->slots, c->room, c->seed, key, &steps);

    if (slot->mark == c->mark)
        return;
    slot->mark = c->mark;
    if (slot->leaves == 0)
        c->unlisted--;
    slot->leaves = by > 0 ? slot->leaves + 1 : slot->leaves - 1;
    if (slot->leaves == 0)
        c->unlisted++;
}

void census_count(struct census_table *c, const struct leaf_node *v, int by)
{
    c->mark++;
    count(c, key_of(CENSUS_USER, v->credential.type), by);
    for (unsigned kind = CENSUS_VERSION; kind <= CENSUS_CREDENTIAL; kind++) {
        struct mw_span list = list_of(v, kind);

        for (size_t i = 0; i + 1 < list.len; i += 2)
            count(c, key_of(kind, u16_at(list, i)), by);
    }
}

uint32_t census_get(const struct census_table *c, unsigned kind, uint16_t value)
{
    uint32_t steps;

    if (c->room == 0)
        return 0;
    return slot_of(c->slots, c->room, c->seed, key_of(kind, value), &steps)->leaves;
}

void census_tidy(struct census_table *c)
{
    uint32_t room = ROOM_MIN;

    if (c->unlisted < TIDY_FROM || c->unlisted < c->used / 2)
        return;
    while (room / 2 < c->used - c->unlisted + 1)
        room *= 2;
    if (rebuild(c, room, c->seed, true) != 0)
        return;     /* no memory: nothing is lost, it is tried again */
}
