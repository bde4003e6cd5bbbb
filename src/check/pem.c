#include "check/pem.h"

#include <errno.h>

#include "base/text.h"

struct pem_read {
    const char *label, *file;
    struct arena *arena;
    struct pem_list *out;
    struct buf *error;
    size_t line;                /* number of the line read last */
};

static int pem_fail(struct pem_read *r, size_t line, const char *what)
{
    buf_printf(r->error, "%s:%zu: %s", r->file, line, what);
    return 1;
}

/* "-----BEGIN label-----": is the line a mark of this word, and with which label? */
static bool pem_mark(struct mw_span line, const char *word, struct mw_span *label)
{
    struct mw_span rest = span_trim(line);
    size_t begin = 5 + strlen(word) + 1;

    if (rest.len < begin + 5 || memcmp(rest.data, "-----", 5) != 0 ||
        memcmp(rest.data + 5, word, strlen(word)) != 0 || rest.data[begin - 1] != ' ' ||
        memcmp(rest.data + rest.len - 5, "-----", 5) != 0)
        return false;
    *label = span_cut(rest, begin, rest.len - 5 - begin);
    return true;
}

static int pem_add(struct pem_read *r, size_t line, struct mw_span base64)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(base64.len + 1);
    struct mw_span *grown;

    if (text_unbase64(&der, base64) != 0)
        return pem_fail(r, line, "the block that begins here is not base64; is it cut off?");
    if (buf_error(&der) != 0)
        return -ENOMEM;
    if (der.len == 0)
        return pem_fail(r, line, "the block that begins here is empty");
    if (r->out->n >= PEM_BLOCKS)
        return pem_fail(r, line, "more than 1024 blocks in one file");
    if ((r->out->n & (r->out->n - 1)) == 0) {
        size_t room = r->out->n > 0 ? 2 * r->out->n : 1;

        grown = arena_calloc(r->arena, room, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        if (r->out->n > 0)
            memcpy(grown, r->out->blocks, r->out->n * sizeof *grown);
        r->out->blocks = grown;
    }
    if (arena_copy(r->arena, buf_span(&der), &r->out->blocks[r->out->n]) != 0)
        return -ENOMEM;
    r->out->n++;
    return 0;
}

/* One block, after its BEGIN line. */
static int pem_block(struct pem_read *r, struct mw_span *rest, struct mw_span label)
{
    size_t begin = r->line;
    const uint8_t *start = rest->data;
    struct mw_span line, end;

    for (;;) {
        const uint8_t *at = rest->data;

        if (!span_line(rest, &line))
            return pem_fail(r, begin, "the block that begins here has no END line");
        r->line++;
        if (pem_mark(line, "BEGIN", &end))
            return pem_fail(r, r->line, "a block begins before the one above it has ended");
        if (!pem_mark(line, "END", &end))
            continue;
        if (!span_eq(end, label))
            return pem_fail(r, r->line, "this END belongs to another kind of block");
        if (!span_eq(label, span_str(r->label)))
            return 0;
        return pem_add(r, begin, span_of(start, (size_t)(at - start)));
    }
}

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

int pem_read(struct mw_span text, const char *label, const char *file, struct arena *arena,
             struct pem_list *out, struct buf *error)
{
    struct pem_read r = {
        .label = label, .file = file, .arena = arena, .out = out, .error = error
    };
    struct mw_span line, found;

    *out = (struct pem_list){ 0 };
    if (is_der(text)) {
        out->blocks = arena_calloc(arena, 1, sizeof *out->blocks);
        if (out->blocks == NULL || arena_copy(arena, text, out->blocks) != 0)
            return -ENOMEM;
        out->n = 1;
        return 0;
    }
    while (span_line(&text, &line)) {
        int rc;

        r.line++;
        if (!pem_mark(line, "BEGIN", &found))
            continue;
        rc = pem_block(&r, &text, found);
        if (rc != 0)
            return rc;
    }
    if (out->n > 0)
        return 0;
    buf_printf(error, "%s: holds no \"-----BEGIN %s-----\"", file, label);
    return 1;
}
