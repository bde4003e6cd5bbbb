#include "base/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

int colour_parse(const char *word, enum colour *out)
{
    static const char *const words[] = { "auto", "always", "never" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(word, words[i]) != 0)
            continue;
        *out = (enum colour)i;
        return 0;
    }
    return -EINVAL;
}

size_t terminal_width(FILE *f)
{
    struct winsize size = { 0 };

    if (!isatty(fileno(f)))
        return 0;
    if (ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return LAYOUT_WIDTH;
}

size_t terminal_height(FILE *f)
{
    struct winsize size = { 0 };

    if (ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        return size.ws_row;
    return 24;
}

struct layout layout_for(FILE *f, enum colour colour, struct buf *out)
{
    const char *columns = getenv("COLUMNS"), *no = getenv("NO_COLOR"), *term = getenv("TERM");
    struct layout l = { .out = out, .width = terminal_width(f) };
    bool is_terminal = l.width > 0;
    int64_t asked;

    if (columns != NULL && text_number(span_str(columns), 1, 10000, &asked) == 0)
        l.width = (size_t)asked;
    if (l.width == 0)
        l.width = LAYOUT_WIDTH;
    if (l.width < LAYOUT_WIDTH_MIN)
        l.width = LAYOUT_WIDTH_MIN;
    if (l.width > LAYOUT_WIDTH_MAX)
        l.width = LAYOUT_WIDTH_MAX;
    l.colour = colour == COLOUR_ALWAYS ||
               (colour == COLOUR_AUTO && is_terminal && (no == NULL || no[0] == '\0') &&
                (term == NULL || strcmp(term, "dumb") != 0));
    return l;
}

/* One character of valid UTF-8 (bytes past the end count as what they pretend to be). */
static uint32_t utf8_next(struct mw_span *rest)
{
    uint8_t first = rest->data[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t c = len == 1 ? first : first & (0x7fU >> len);

    if (len > rest->len)
        len = rest->len;
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (rest->data[i] & 0x3f);
    *rest = span_cut(*rest, len, rest->len);
    return c;
}

static size_t character_columns(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        uint8_t columns;
    } ranges[] = {
  /* Combining marks and what has no width, then East Asian wide and emoji
  * (Unicode 15, EastAsianWidth.txt), in blocks. */
        {0x0300,   0x036f,  0},
        { 0x0483,  0x0489,  0},
        { 0x0591,  0x05bd,  0},
        { 0x0610,  0x061a,  0},
        { 0x064b,  0x065f,  0},
        { 0x1100,  0x115f,  2},
        { 0x1ab0,  0x1aff,  0},
        { 0x1dc0,  0x1dff,  0},
        { 0x200b,  0x200f,  0},
        { 0x20d0,  0x20f0,  0},
        { 0x2e80,  0x303e,  2},
        { 0x3041,  0xa4cf,  2},
        { 0xa960,  0xa97c,  2},
        { 0xac00,  0xd7a3,  2},
        { 0xf900,  0xfaff,  2},
        { 0xfe00,  0xfe0f,  0},
        { 0xfe10,  0xfe19,  2},
        { 0xfe20,  0xfe2f,  0},
        { 0xfe30,  0xfe6f,  2},
        { 0xff00,  0xff60,  2},
        { 0xffe0,  0xffe6,  2},
        { 0x1f300, 0x1f64f, 2},
        { 0x1f900, 0x1f9ff, 2},
        { 0x20000, 0x3fffd, 2},
        { 0xe0100, 0xe01ef, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return ranges[i].columns;
    return 1;
}

size_t text_columns(struct mw_span text)
{
    size_t columns = 0;

    while (text.len > 0)
        columns += character_columns(utf8_next(&text));
    return columns;
}

void layout_tint(struct layout *l, enum tint tint, const char *text)
{
    static const char *const codes[] = {
        [TINT_NONE] = "",    [TINT_GOOD] = "1;32", [TINT_WARN] = "1;33",
        [TINT_BAD] = "1;31", [TINT_DIM] = "2",     [TINT_BOLD] = "1",
    };

    if (l->colour && tint != TINT_NONE)
        buf_printf(l->out, "\033[%sm%s\033[0m", codes[tint], text);
    else
        buf_str(l->out, text);
}

/* A word that no line can hold is broken where the line ends. */
static size_t wrap_long(struct layout *l, size_t indent, size_t column, struct mw_span word)
{
    while (word.len > 0) {
        struct mw_span rest = word;
        size_t columns = character_columns(utf8_next(&rest));

        if (column + columns > l->width) {
            buf_str(l->out, "\n");
            buf_fill(l->out, ' ', indent);
            column = indent;
        }
        buf_add(l->out, span_cut(word, 0, word.len - rest.len));
        column += columns;
        word = rest;
    }
    return column;
}

/* A command to copy stays on one line if a line can hold it: from the word "midwatch" to the end
 * of the text or to two spaces. */
static struct mw_span wrap_command(const struct layout *l, size_t indent, struct mw_span word,
                                   struct mw_span *rest)
{
    struct mw_span all = span_of(word.data, word.len);
    const uint8_t *end;

    if (!span_eq(word, SPAN_LIT("midwatch")) || rest->len == 0)
        return word;
    end = rest->data + rest->len;
    while (word.data + all.len < end &&
           !(word.data[all.len] == ' ' && word.data + all.len + 1 < end &&
             word.data[all.len + 1] == ' '))
        all.len++;
    if (indent + text_columns(all) > l->width)
        return word;
    *rest = span_of(word.data + all.len, (size_t)(end - (word.data + all.len)));
    if (rest->len > 0)
        *rest = span_cut(*rest, 1, rest->len);
    return all;
}

void layout_wrap(struct layout *l, size_t indent, size_t column, const char *text)
{
    struct mw_span rest = span_str(text), word;
    bool first = true;

    while (span_field(&rest, ' ', &word)) {
        size_t columns;

        word = wrap_command(l, indent, word, &rest);
        columns = text_columns(word);
        if (!first && column + 1 + columns > l->width) {
            buf_str(l->out, "\n");
            buf_fill(l->out, ' ', indent);
            column = indent;
        } else if (!first) {
            buf_str(l->out, " ");
            column++;
        }
        first = false;
        if (column + columns > l->width) {
            column = wrap_long(l, indent, column, word);
            continue;
        }
        buf_add(l->out, word);
        column += columns;
    }
    buf_str(l->out, "\n");
}

/* The label and the spaces up to column LAYOUT_LABEL; a longer one gets a space.  Returns the
 * column reached. */
static size_t layout_label(struct layout *l, const char *label)
{
    size_t columns = 2 + text_columns(span_str(label));
    size_t gap = columns < LAYOUT_LABEL ? LAYOUT_LABEL - columns : 1;

    buf_str(l->out, "  ");
    layout_tint(l, TINT_DIM, label);
    buf_fill(l->out, ' ', gap);
    return columns + gap;
}

void layout_row(struct layout *l, const char *label, const char *text)
{
    size_t column = layout_label(l, label);

    layout_wrap(l, LAYOUT_LABEL, column, text);
}

void layout_item(struct layout *l, const char *label, const char *text)
{
    size_t column = layout_label(l, label);

    buf_str(l->out, "\xc2\xb7 ");
    layout_wrap(l, LAYOUT_LABEL + 2, column + 2, text);
}
