/*
 * How the pages are put together: HTML in which every word that is not a literal of ours has been
 * made safe to show and was escaped.
 * Errors: the buffer's own; a page that failed is not to be shown.
 */
#ifndef GATE_DOOR_PAGE_HTML_H
#define GATE_DOOR_PAGE_HTML_H

#include "gate/policy/config.h"

enum page_tone { PAGE_PLAIN, PAGE_WARN, PAGE_BAD };

enum {
    PAGE_TEXT_MAX = 400,        /* bytes of one word from outside; the rest is cut */
};

struct page {
    const char *title;          /* of the window and of the page */
    const char *word;           /* "BLOCKED", above it */
    enum page_tone tone;
    bool form;                  /* it has a form, for the page's own site */
};

/* Up to the card's body; page_end() closes what it opened. */
void page_begin(struct buf *html, const struct gate_config *c, const struct page *p);
void page_end(struct buf *html);

/* Remembers a failure that happened beside the buffer; 0 is none. */
void page_fail(struct buf *html, int error);

/* Text from anywhere: safe to show (text_safe), escaped, at most PAGE_TEXT_MAX bytes. */
void page_text(struct buf *html, const char *s);
void page_text_short(struct buf *html, const char *s, size_t max_bytes);

/* Words of our own, however long: escaped. */
void page_words(struct buf *html, const char *s);

/* <name>content</name>; content NULL or "": nothing at all. */
void page_element(struct buf *html, const char *name, const char *content);

/* A line of a definition list; value NULL or "": nothing. */
void page_row(struct buf *html, const char *label, const char *value);

/* Whom to ask, if the configuration says so: a link if it is a mail address or a URL. */
void page_contact(struct buf *html, const struct gate_config *c);

#endif
