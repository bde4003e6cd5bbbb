/* One certificate: read within bounds, and shown without a control character. */
#include <stdlib.h>

#include "base/arena.h"
#include "fuzz.h"
#include "trust/constraint.h"
#include "trust/key.h"
#include "trust/url.h"

static void expect_printable(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] < 0x20 || b->data[i] == 0x7f)
            abort();
}

static void look(const struct cert *c)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(8 << 20);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    struct key_facts key = key_facts_read(c->spki);
    const char *const *urls;
    size_t n, work = 10000;

    name_format(&text, c->subject);
    name_format_short(&text, c->issuer);
    key_facts_format(&text, &key);
    cert_spki_pin(c, &text);
    (void)constraint_well_formed(c, true);
    (void)constraint_check(c, c, &work, &text);
    expect_printable(&text);
    for (int kind = URL_ISSUER; kind <= URL_CRL; kind++)
        if (urls_read(&arena, c, (enum url_kind)kind, &urls, &n) == 0 && n > URL_MAX)
            abort();
    if (cert_signed_by(c, c) < 0 || !name_within(c->subject, SPAN_LIT("\x30\x00")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cert *c = NULL;

    if (cert_parse(&c, span_of(data, len)) == 0)
        look(c);
    cert_free(c);
    return 0;
}
