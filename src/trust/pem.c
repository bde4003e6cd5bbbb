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

/* RFC 7468 section 5.1 has both labels for certificates. */
static bool label_is(struct mw_span label, const char *wanted)
{
    return span_eq(label, span_str(wanted)) ||
           (strcmp(wanted, "CERTIFICATE") == 0 && span_eq(label, SPAN_LIT("X509 CERTIFICATE")));
}

/* Up to the END line; text NULL: the block is not wanted. */
static enum pem_result body_read(struct pem *p, struct mw_span label, struct buf *text)
{
    struct mw_span line, other;

    while (line_next(p, &line)) {
        if (boundary_read(line, SPAN_LIT("-----BEGIN "), &other))
            return PEM_NESTED;
        if (boundary_read(line, SPAN_LIT("-----END "), &other))
            return span_eq(other, label) ? PEM_BLOCK : PEM_MISMATCHED;
        if (text == NULL || line.len == 0)
            continue;
        if (line.data[0] == '-')
            return PEM_NOT_BASE64;
        if (memchr(line.data, ':', line.len) == NULL)   /* not an RFC 1421 header */
            buf_add(text, line);
    }
    return PEM_UNFINISHED;
}

enum pem_result pem_next(struct pem *p, const char *label, struct buf *der)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(der->max / 3 * 4 + 8);
    struct mw_span line, found;
    enum pem_result r;

    do {
        do {
            if (!line_next(p, &line))
                return PEM_END;
        } while (!boundary_read(line, SPAN_LIT("-----BEGIN "), &found));
        p->block_line = p->line;
        r = body_read(p, found, label_is(found, label) ? &text : NULL);
        if (r != PEM_BLOCK)
            return r;
    } while (!label_is(found, label));
    buf_truncate(der, 0);
    if (buf_error(&text) == 0 && text_unbase64(der, buf_span(&text)) == -EINVAL)
        return PEM_NOT_BASE64;
    if (text.error == -ENOMEM || der->error == -ENOMEM)
        return PEM_NO_MEMORY;
    if (text.error != 0 || der->error != 0) {
        der->error = 0;
        return PEM_TOO_BIG;
    }
    return der->len > 0 ? PEM_BLOCK : PEM_EMPTY;
}

const char *pem_error(const struct pem *p, enum pem_result r, size_t *line)
{
    *line = r == PEM_NESTED || r == PEM_MISMATCHED ? p->line : p->block_line;
    switch (r) {
    case PEM_UNFINISHED:
        return "the block that begins here has no END line; is the file cut off?";
    case PEM_NESTED:
        return "a block begins before the one above it has ended";
    case PEM_MISMATCHED:
        return "this END belongs to another kind of block";
    case PEM_NOT_BASE64:
        return "the block that begins here is not base64; copy the file again";
    case PEM_EMPTY:
        return "the block that begins here is empty";
    case PEM_TOO_BIG:
        return "the block that begins here is too large";
    case PEM_NO_MEMORY:
        return "out of memory";
    case PEM_BLOCK:
    case PEM_END:
        break;
    }
    return "nothing is wrong";
}
