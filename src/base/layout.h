/*
 * Text laid out for a terminal or a file: wrapped at the width people have, indented under its
 * label, in colour only where colour is wanted.
 * Memory: writes into a buf that the caller owns.
 */
#ifndef BASE_LAYOUT_H
#define BASE_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"

enum {
    LAYOUT_WIDTH = 80, /* when nobody says otherwise */
    LAYOUT_WIDTH_MIN = 40,
    LAYOUT_WIDTH_MAX = 100, /* longer lines are hard to read */
    LAYOUT_LABEL = 8,       /* labels take columns 2 to 7 */
};

enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* "auto", "always", "never"; -EINVAL: none of them. */
MW_MUST_CHECK int colour_parse(const char *word, enum colour *out);

enum tint { TINT_NONE, TINT_GOOD, TINT_WARN, TINT_BAD, TINT_DIM, TINT_BOLD };

struct layout {
    struct buf *out;
    size_t width;
    bool colour;
};

/* How wide, and whether in colour, to write to `f`: the terminal's width, else $COLUMNS, else
 * LAYOUT_WIDTH; colour on a terminal unless $NO_COLOR is set or $TERM is "dumb". */
struct layout layout_for(FILE *f, enum colour colour, struct buf *out);

/* Is f a terminal, and how many columns does it have?  0: it is none. */
size_t terminal_width(FILE *f);

/* Its lines; 24 if it does not say. */
size_t terminal_height(FILE *f);

/* Columns that UTF-8 text takes: 0 for what combines, 2 for wide characters. */
size_t text_columns(struct mw_span text);

/* `text` in a colour. */
void layout_tint(struct layout *l, enum tint tint, const char *text);

/* Words from the current `column` on; following lines start at `indent`.  Ends the line. */
void layout_wrap(struct layout *l, size_t indent, size_t column, const char *text);

/* "  label  text", wrapped under itself.  label "": another line of the same. */
void layout_row(struct layout *l, const char *label, const char *text);

/* The same for one of several, with a dot before it. */
void layout_item(struct layout *l, const char *label, const char *text);

#endif
