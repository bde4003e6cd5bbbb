/* Nested configuration: any text becomes a tree whose places lie in it, or one printable line. */
#include <stdlib.h>

#include "base/ucl.h"
#include "fuzz.h"

enum { DEPTH = 6 };

static size_t lines_of(struct mw_span text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++)
        n += text.data[i] == '\n';
    return n;
}

static void check(const struct ucl *node, size_t lines, unsigned depth)
{
    size_t n = 0;

    if (node->at.line == 0 || node->at.line > lines || node->at.column == 0)
        abort();
    if ((node->kind == UCL_WORD) != (node->text != NULL) || depth > 2 * DEPTH + 2)
        abort();
    for (const struct ucl *child = node->first; child != NULL; child = child->next, n++)
        check(child, lines, depth + 1);
    if (n != node->n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(64 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1 << 16);
    const struct ucl_source source = { .text = span_of(data, len), .file = "f", .depth = DEPTH };
    const struct ucl *root = NULL;
    int r = ucl_read(&root, &source, &arena, &error);

    if ((r > 0) != (error.len > 0) || buf_error(&error) != 0 || (r == 0) != (root != NULL))
        abort();
    for (size_t i = 0; i < error.len; i++)
        if (error.data[i] < 0x20 || error.data[i] == 0x7f)
            abort();
    if (r == 0)
        check(root, lines_of(source.text), 0);
    return 0;
}
