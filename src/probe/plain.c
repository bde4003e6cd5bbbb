#include "probe/plain.h"

#include "base/text.h"
#include "probe/starttls.h"

static bool starts(struct mw_span s, const char *with)
{
    return span_eq_nocase(span_cut(s, 0, strlen(with)), span_str(with));
}

static const char *option_of(enum probe_starttls kind)
{
    static const char *const options[] = {
        [PROBE_STARTTLS_SMTP] = "smtp",   [PROBE_STARTTLS_IMAP] = "imap",
        [PROBE_STARTTLS_POP3] = "pop3",   [PROBE_STARTTLS_FTP] = "ftp",
        [PROBE_STARTTLS_MYSQL] = "mysql",
    };

    return options[kind];
}

/* Text up to the first line's end; anything else as its first bytes in hex. */
static void quote(struct mw_span first, struct buf *out)
{
    struct mw_span rest = first, line = first;
    size_t n = 0;

    (void)span_line(&rest, &line);
    while (n < line.len && line.data[n] >= ' ' && line.data[n] < 0x7f)
        n++;
    if (n > 0 && n == line.len) {
        buf_str(out, ": \"");
        text_safe(out, line, 100);
        buf_str(out, "\"");
    } else if (first.len > 0) {
        buf_str(out, ": bytes ");
        text_hex(out, span_cut(first, 0, 16), ' ');
    }
}

void plain_describe(struct mw_span first, struct buf *out)
{
    enum probe_starttls kind = starttls_guess(first);

    if (starts(first, "HTTP/") || starts(first, "<!DOCTYPE") || starts(first, "<html"))
        buf_str(out, "the server speaks HTTP without TLS on this port");
    else if (starts(first, "SSH-"))
        buf_str(out, "this is an SSH server");
    else if (kind != PROBE_TLS_DIRECT)
        buf_printf(out, "the server speaks %s in the clear first; try --starttls %s",
                   starttls_name(kind), option_of(kind));
    else
        buf_str(out, "the answer is not TLS");
    quote(first, out);
}
