#include "base/pages.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORD = sizeof(uint64_t) };

/* Bytes that are not all zero, behind this head; one without any is the last. */
struct piece {
    uint32_t from, size;
};

bool pages_fit(void)
{
    return sysconf(_SC_PAGESIZE) == PAGES_SIZE;
}

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGES_SIZE - 1) == 0;
}

size_t pages_full(const uint8_t *pages, size_t room)
{
    size_t n = 0;

    for (size_t at = 0; at < room; at += PAGES_SIZE)
        n += !is_zero(pages + at);
    return n;
}

static bool word_is_zero(const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, WORD);
    return word == 0;
}

/* The next bytes from `at` on that are worth a piece, with a single zero word in between or none:
 * a head costs as much.  Of size 0: there are none. */
static struct piece piece_find(const uint8_t *pages, size_t room, size_t at)
{
    size_t to;

    while (at < room && word_is_zero(pages + at))
        at += at % PAGES_SIZE == 0 && is_zero(pages + at) ? PAGES_SIZE : WORD;
    for (to = at; to < room; to += WORD)
        if (word_is_zero(pages + to) && (to + WORD == room || word_is_zero(pages + to + WORD)))
            break;
    return (struct piece){ (uint32_t)at, (uint32_t)(to - at) };
}

size_t pages_measure(const uint8_t *pages, size_t room)
{
    struct piece piece = { 0, 0 };
    size_t n = 0;

    do {
        piece = piece_find(pages, room, piece.from + piece.size);
        n += sizeof(piece) + piece.size;
    } while (piece.size > 0);
    return n;
}

size_t pages_pack(uint8_t *pages, size_t room, uint8_t *to)
{
    struct piece piece = { 0, 0 };
    size_t n = 0;

    do {
        piece = piece_find(pages, room, piece.from + piece.size);
        memcpy(to + n, &piece, sizeof(piece));
        if (piece.size > 0)
            memcpy(to + n + sizeof(piece), pages + piece.from, piece.size);
        n += sizeof(piece) + piece.size;
    } while (piece.size > 0);
    pages_wipe(pages, room);
    return n;
}

size_t pages_unpack(uint8_t *pages, const uint8_t *from)
{
    struct piece piece;
    size_t n = 0;

    do {
        memcpy(&piece, from + n, sizeof(piece));
        if (piece.size > 0)
            memcpy(pages + piece.from, from + n + sizeof(piece), piece.size);
        n += sizeof(piece) + piece.size;
    } while (piece.size > 0);
    return n;
}

void pages_wipe(uint8_t *pages, size_t room)
{
    for (size_t at = 0; at < room; at += PAGES_SIZE)
        if (!is_zero(pages + at))
            explicit_bzero(pages + at, PAGES_SIZE);
}

void pages_drop(uint8_t *pages, size_t room)
{
    for (size_t at = 0; at < room; at += PAGES_SIZE)
        if (is_zero(pages + at))
            (void)madvise(pages + at, PAGES_SIZE, MADV_DONTNEED);
}
