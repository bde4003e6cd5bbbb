#include "trust/pem.h"

#include <errno.h>

#include "base/text.h"

static bool line_next(struct pem *p, struct mw_span *line)
{
    if (!span_line(&p->rest, line))
        return false;
    p->line++;
    *line = span_trim(*line);
    return true;
}

/* "-----BEGIN LABEL-----" */
static bool boundary_read(struct mw_span line, struct mw_span word, struct mw_span *label)
{
    struct mw_span dashes = SPAN_LIT("-----");

    if (line.len < word.len + dashes.len || !span_eq(span_cut(line, 0, word.len), word) ||
        !span_ends_nocase(line, dashes))
        return false;
    *label = span_cut(line, word.len, line.len - word.len - dashes.len);
    return true;
}

bool pem_is_certificate(struct mw_span label)
{
    return span_eq(label, SPAN_LIT("CERTIFICATE")) ||
           span_eq(label, SPAN_LIT("X509 CERTIFICATE"));
}

static enum pem_result body_read(struct pem *p, struct mw_span label, struct buf *text)
{
    struct mw_span line, end;

    while (line_next(p, &line)) {
        if (boundary_read(line, SPAN_LIT("-----END "), &end))
            return span_eq(end, label) ? PEM_BLOCK : PEM_BROKEN;
        if (line.len > 0 && line.data[0] == '-')
            return PEM_BROKEN;
        if (line.len > 0 && memchr(line.data, ':', line.len) != NULL)
            continue;           /* RFC 1421 header */
        buf_add(text, line);
    }
    return PEM_BROKEN;
}

enum pem_result pem_next(struct pem *p, struct buf *der)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(der->max / 3 * 4 + 8);
    struct mw_span line;
    enum pem_result r;

    do {
        if (!line_next(p, &line))
            return PEM_END;
    } while (!boundary_read(line, SPAN_LIT("-----BEGIN "), &p->label));
    p->block_line = p->line;
    r = body_read(p, p->label, &text);
    if (r != PEM_BLOCK)
        return r;
    buf_truncate(der, 0);
    if (buf_error(&text) == 0 && text_unbase64(der, buf_span(&text)) == -EINVAL)
        return PEM_BROKEN;
    if (text.error == -ENOMEM || der->error == -ENOMEM)
        return PEM_NO_MEMORY;
    if (text.error != 0 || der->error != 0) {
        der->error = 0;
        return PEM_TOO_BIG;
    }
    return der->len > 0 ? PEM_BLOCK : PEM_BROKEN;
}
