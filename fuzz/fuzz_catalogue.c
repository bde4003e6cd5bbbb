/* The catalogue of interceptors: whatever parses must match without harm, and every refusal
 * says where. */
#include <stdlib.h>

#include "fuzz.h"
#include "trust/catalogue.h"
#include "trust/catalogue_pattern.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void uses(const struct catalogue *c, struct mw_span text)
{
    for (size_t i = 0; i < catalogue_size(c); i++) {
        const struct product *p = catalogue_at(c, i);
        const char *kind = NULL;
        struct mw_span hash;

        must(p->name != NULL && p->kind != NULL && p->grade <= GRADE_D);
        for (size_t k = 0; catalogue_hash_at(c, p, k, &kind, &hash); k++)
            must(catalogue_match_hash(c, kind, hash) != NULL);
    }
    (void)catalogue_match_header(c, span_cut(text, 0, 64));
}

static void matches(struct mw_span text)
{
    size_t half = text.len / 2;

    for (int op = PATTERN_IS; op <= PATTERN_HAS_WORD; op++)
        (void)pattern_match((enum pattern_op)op, span_cut(text, 0, half),
                            span_cut(text, half, text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    struct mw_span text = span_of(data, len);
    struct catalogue *c = NULL;
    int r;

    if (len > 1 << 14)
        return 0;
    r = catalogue_parse(&c, text, &error);
    must(r <= 0 || (c == NULL && error.len > 0));
    if (r == 0)
        uses(c, text);
    catalogue_free(c);
    matches(text);
    return 0;
}
