#include "net/hosts.h"

#include <errno.h>

#include "base/file.h"

enum { HOSTS_MAX = 4 << 20 };

int hosts_load(struct hosts *h, const char *path)
{
    int r;

    *h = (struct hosts){ .text = BUF_INIT(HOSTS_MAX) };
    r = file_read(path, &h->text);
    if (r == 0)
        return 0;
    buf_deinit(&h->text);
    return r == -ENOENT ? 0 : r;
}

void hosts_deinit(struct hosts *h)
{
    buf_deinit(&h->text);
}

/* Takes the next word off *rest; a "#" ends the line. */
static bool next_word(struct mw_span *rest, struct mw_span *word)
{
    size_t from = 0, to;

    while (from < rest->len && (rest->data[from] == ' ' || rest->data[from] == '\t'))
        from++;
    to = from;
    while (to < rest->len && rest->data[to] != ' ' && rest->data[to] != '\t' &&
           rest->data[to] != '#')
        to++;
    *word = span_cut(*rest, from, to - from);
    *rest = span_cut(*rest, to, SIZE_MAX);
    return word->len > 0;
}

static bool line_names(struct mw_span line, struct mw_span name)
{
    struct mw_span word;

    while (next_word(&line, &word)) {
        if (span_eq_nocase(word, name))
            return true;
    }
    return false;
}

size_t hosts_find(const struct hosts *h, const char *name, int family, struct addr *out,
                  size_t room, unsigned *line_no)
{
    struct mw_span rest = buf_span(&h->text), line, word, want = span_str(name);
    size_t n = 0;

    for (unsigned at = 1; n < room && span_line(&rest, &line); at++) {
        if (!next_word(&line, &word) || addr_parse(&out[n], word, 0) != 0)
            continue;
        if (family != AF_UNSPEC && addr_family(&out[n]) != family)
            continue;
        if (!line_names(line, want))
            continue;
        if (n++ == 0)
            *line_no = at;
    }
    return n;
}
