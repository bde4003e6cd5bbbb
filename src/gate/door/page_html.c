#include "gate/door/page_html.h"

#include <errno.h>

#include "base/text.h"

extern const unsigned char door_css[];
extern const size_t door_css_len;

void page_fail(struct buf *html, int error)
{
    if (html->error == 0)
        html->error = error;
}

static void escape(struct buf *html, struct mw_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != 0 && strchr("&<>\"'", s.data[i]) != NULL)
            buf_printf(html, "&#%u;", s.data[i]);
        else
            buf_u8(html, s.data[i]);
    }
}

void page_text_short(struct buf *html, const char *s, size_t max_bytes)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(2 * PAGE_TEXT_MAX);

    text_safe(&safe, span_str(s), max_bytes);
    page_fail(html, buf_error(&safe));
    escape(html, buf_span(&safe));
}

void page_text(struct buf *html, const char *s)
{
    page_text_short(html, s, PAGE_TEXT_MAX);
}

void page_words(struct buf *html, const char *s)
{
    escape(html, span_str(s));
}

void page_element(struct buf *html, const char *name, const char *content)
{
    if (content == NULL || content[0] == '\0')
        return;
    buf_printf(html, "<%s>", name);
    page_text(html, content);
    buf_printf(html, "</%s>\n", name);
}

void page_row(struct buf *html, const char *label, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    page_element(html, "dt", label);
    page_element(html, "dd", value);
}

/* The policy is repeated within the page, since a page may be sent where we write no head. */
void page_begin(struct buf *html, const struct gate_config *c, const struct page *p)
{
    static const char *const tones[] = {
        [PAGE_PLAIN] = "plain", [PAGE_WARN] = "warn", [PAGE_BAD] = "bad",
    };

    buf_str(html, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"referrer\" content=\"no-referrer\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; base-uri 'none'; form-action ");
    buf_str(html, p->form ? "'self'\">\n" : "'none'\">\n");
    page_element(html, "title", p->title);
    buf_str(html, "<style>\n");
    buf_add(html, span_of(door_css, door_css_len));
    buf_printf(html, "</style>\n</head>\n<body>\n<header><strong>Midwatch gateway</strong>");
    page_element(html, "span", c->name);
    buf_printf(html, "</header>\n<main>\n<article class=\"%s\">\n<div class=\"top\">",
               tones[p->tone]);
    if (p->word != NULL)
        buf_printf(html, "<div class=\"word\">%s</div>", p->word);
    page_element(html, "h1", p->title);
    buf_str(html, "</div>\n<div class=\"body\">\n");
}

void page_end(struct buf *html)
{
    buf_str(html, "</div>\n</article>\n</main>\n<footer>Written by the gateway between you and "
                  "the internet, not by the site. Nothing on this page was fetched from "
                  "elsewhere.</footer>\n</body>\n</html>\n");
}

/* Only what can be nothing else becomes a link: javascript: must not. */
static const char *link_scheme(const char *contact)
{
    struct mw_span s = span_str(contact);

    if (span_eq_nocase(span_cut(s, 0, 8), SPAN_LIT("https://")) ||
        span_eq_nocase(span_cut(s, 0, 7), SPAN_LIT("http://")) ||
        span_eq_nocase(span_cut(s, 0, 7), SPAN_LIT("mailto:")) ||
        span_eq_nocase(span_cut(s, 0, 4), SPAN_LIT("tel:")))
        return "";
    if (s.len > 2 && memchr(s.data + 1, '@', s.len - 2) != NULL &&
        strpbrk(contact, " \t:/?#<>\"'") == NULL)
        return "mailto:";
    return NULL;
}

void page_contact(struct buf *html, const struct gate_config *c)
{
    const char *scheme;

    if (c->contact == NULL || c->contact[0] == '\0')
        return;
    scheme = link_scheme(c->contact);
    buf_str(html, "<p class=\"ask\">Questions? Ask ");
    if (scheme != NULL) {
        buf_printf(html, "<a href=\"%s", scheme);
        page_text(html, c->contact);
        buf_str(html, "\">");
    }
    page_text(html, c->contact);
    buf_str(html, scheme != NULL ? "</a>.</p>\n" : ".</p>\n");
}
