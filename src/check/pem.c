#include "check/pem.h"

#include <errno.h>

#include "trust/pem.h"

/* Does the file hold exactly one DER SEQUENCE (X.690 8.1.3)? */
static bool is_der(struct mw_span text)
{
    size_t octets, len = 0;

    if (text.len < 2 || text.data[0] != 0x30)
        return false;
    if (text.data[1] < 0x80)
        return text.len == 2U + text.data[1];
    octets = text.data[1] & 0x7fU;
    if (octets == 0 || octets > 4 || text.len < 2 + octets)
        return false;
    for (size_t i = 0; i < octets; i++)
        len = len << 8 | text.data[2 + i];
    return text.len == 2 + octets + len;
}

/* Full at a power of two: the next power is allocated, the arena keeps the old one. */
static int list_add(struct pem_list *list, struct arena *arena, struct mw_span der)
{
    if ((list->n & (list->n - 1)) == 0) {
        size_t room = list->n > 0 ? 2 * list->n : 1;
        struct mw_span *grown = arena_calloc(arena, room, sizeof *grown);

        if (grown == NULL)
            return -ENOMEM;
        if (list->n > 0)
            memcpy(grown, list->blocks, list->n * sizeof *grown);
        list->blocks = grown;
    }
    if (arena_copy(arena, der, &list->blocks[list->n]) != 0)
        return -ENOMEM;
    list->n++;
    return 0;
}

int pem_read(struct mw_span text, const char *label, const char *file, struct arena *arena,
             struct pem_list *out, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(text.len);
    struct pem pem = { .rest = text };
    enum pem_result r;
    const char *wrong;
    size_t line;

    *out = (struct pem_list){ 0 };
    if (is_der(text))
        return list_add(out, arena, text);
    while ((r = pem_next(&pem, label, &der)) == PEM_BLOCK && out->n < PEM_BLOCKS)
        if (list_add(out, arena, buf_span(&der)) != 0)
            return -ENOMEM;
    if (r == PEM_NO_MEMORY)
        return -ENOMEM;
    if (r == PEM_END && out->n > 0)
        return 0;
    wrong = pem_error(&pem, r, &line);
    if (r == PEM_END)
        buf_printf(error, "%s: holds no \"-----BEGIN %s-----\"", file, label);
    else if (r == PEM_BLOCK)
        buf_printf(error, "%s:%zu: more than %d blocks in one file", file, line, PEM_BLOCKS);
    else
        buf_printf(error, "%s:%zu: %s", file, line, wrong);
    return 1;
}
