#include "gate/door/page.h"

#include "gate/door/page_html.h"

static void end(struct buf *html, const struct gate_config *c)
{
    page_contact(html, c);
    page_end(html);
}

void page_blocked(struct buf *html, const struct gate_config *c, const char *host,
                  const struct gate_decision *d)
{
    static const struct page page = {
        .title = "This site is blocked here", .word = "BLOCKED BY POLICY", .tone = PAGE_BAD,
    };

    page_begin(html, c, &page);
    buf_str(html, "<p>The gateway did not connect you to <strong>");
    page_text(html, host != NULL && host[0] != '\0' ? host : "a server without a name");
    buf_str(html, "</strong>");
    if (d->reason != NULL && d->reason[0] != '\0') {
        buf_str(html, ": ");
        page_text(html, d->reason);
    }
    buf_str(html, ".</p>\n<p>Nothing is wrong with your computer, and the site was not asked for "
                  "anything. Whoever looks after this network decided it.</p>\n<dl>\n");
    page_row(html, "Rule", d->rule);
    page_row(html, "Source", d->source);
    buf_str(html, "</dl>\n");
    end(html, c);
}

void page_stopped(struct buf *html, const struct gate_config *c, int status, const char *title,
                  const char *reason)
{
    const struct page page = { .title = title, .word = "STOPPED", .tone = PAGE_WARN };

    page_begin(html, c, &page);
    if (reason != NULL && reason[0] != '\0') {
        buf_str(html, "<p>The reason: ");
        page_text(html, reason);
        buf_str(html, ".</p>\n");
    }
    buf_printf(html, "<dl>\n<dt>Status</dt><dd>%d</dd>\n</dl>\n", status);
    end(html, c);
}
