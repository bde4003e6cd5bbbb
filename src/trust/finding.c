#include "trust/finding.h"

#include <errno.h>

#include "base/text.h"

enum { MAX_TEXT_BYTES = 600, MAX_FINDINGS = 1000 };

/* One more slot, zeroed. NULL: out of memory, or so many findings that somebody is playing
 * with us; the list's own bound keeps a chain of 256 certificates from filling the report. */
static struct mw_finding *list_grow(struct judge *j, struct finding_list *list)
{
    struct mw_finding *items;
    size_t room;

    if (list->n == list->room) {
        room = list->room == 0 ? 8 : list->room * 2;
        items = arena_calloc(j->arena, room, sizeof(*items));
        if (items == NULL)
            return NULL;
        if (list->n > 0)
            memcpy(items, list->items, list->n * sizeof(*items));
        list->items = items;
        list->room = room;
    }
    memset(&list->items[list->n], 0, sizeof(*list->items));
    return &list->items[list->n++];
}

static const char *safe_text(struct judge *j, const char *format, va_list args) PRINTF_LIKE(2, 0);

static const char *safe_text(struct judge *j, const char *format, va_list args)
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(64 * 1024);
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4 * MAX_TEXT_BYTES);
    struct mw_span copy;

    buf_vprintf(&raw, format, args);
    text_safe(&safe, buf_span(&raw), MAX_TEXT_BYTES);
    if (raw.error == -ENOMEM || safe.error == -ENOMEM ||
        arena_copy(j->arena, buf_span(&safe), &copy) < 0)
        return NULL;
    return (const char *)copy.data;
}

static struct mw_finding *add(struct judge *j, struct finding_list *list, enum mw_code code,
                              int cert, const char *format, va_list args) PRINTF_LIKE(5, 0);

static struct mw_finding *add(struct judge *j, struct finding_list *list, enum mw_code code,
                              int cert, const char *format, va_list args)
{
    const char *text = safe_text(j, format, args);
    struct mw_finding *f = NULL;

    if (text != NULL && list->n < MAX_FINDINGS)
        f = list_grow(j, list);
    else if (text != NULL)
        f = &list->items[list->n - 1];
    if (f == NULL) {
        j->error = j->error != 0 ? j->error : -ENOMEM;
        return NULL;
    }
    *f = (struct mw_finding){
        .code = code,
        .severity = mw_code_info(code)->severity,
        .certainty = MW_CERTAIN,
        .cert = cert,
        .evidence = text,
    };
    return f;
}

struct mw_finding *judge_add(struct judge *j, enum mw_code code, int cert, const char *format, ...)
{
    struct mw_finding *f;
    va_list args;

    va_start(args, format);
    f = add(j, &j->findings, code, cert, format, args);
    va_end(args);
    return f;
}

struct mw_finding *finding_add(struct judge *j, struct finding_list *list, enum mw_code code,
                               int cert, const char *format, ...)
{
    struct mw_finding *f;
    va_list args;

    va_start(args, format);
    f = add(j, list, code, cert, format, args);
    va_end(args);
    return f;
}

const char *judge_text(struct judge *j, const struct buf *b)
{
    if (b->error == -ENOMEM)
        j->error = j->error != 0 ? j->error : -ENOMEM;
    return b->data != NULL ? (const char *)b->data : "";
}

int finding_append(struct judge *j, struct finding_list *list, const struct finding_list *more)
{
    for (size_t i = 0; i < more->n; i++) {
        struct mw_finding *f = list_grow(j, list);

        if (f == NULL)
            return -ENOMEM;
        *f = more->items[i];
    }
    return 0;
}

/* What to tell first among findings that are equally bad. The order of the
 * groups in codes.h is by topic; this is by what a person must know. */
static int rank(enum mw_code code)
{
    switch (code) {
    case MW_REVOKED:
    case MW_KNOWN_BAD_ROOT:
        return 0;
    case MW_CLOCK_WRONG:
    case MW_ECHO_EXPORTER_DIFFERS:
    case MW_ECHO_HELLO_DIFFERS:
    case MW_PIN_MISMATCH:
        return 1;
    case MW_CAPTIVE_PORTAL:
    case MW_INTERCEPTOR_NAMED:
    case MW_LOCAL_ANCHOR_ON_PUBLIC:
    case MW_SAME_KEY_ON_CONTROLS:
        return 2;
    default:
        return 3;
    }
}

static bool tells_before(const struct mw_finding *a, const struct mw_finding *b)
{
    if (a->severity != b->severity)
        return a->severity > b->severity;
    if (rank(a->code) != rank(b->code))
        return rank(a->code) < rank(b->code);
    return a->certainty > b->certainty;
}

/* Insertion keeps the order of equals; lists are short, and bounded. */
void finding_sort(struct finding_list *list)
{
    for (size_t i = 1; i < list->n; i++) {
        struct mw_finding moving = list->items[i];
        size_t at = i;

        for (; at > 0 && tells_before(&moving, &list->items[at - 1]); at--)
            list->items[at] = list->items[at - 1];
        list->items[at] = moving;
    }
}

bool finding_has(const struct finding_list *list, enum mw_code code)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].code == code)
            return true;
    return false;
}

bool judge_has(const struct judge *j, enum mw_code code)
{
    return finding_has(&j->findings, code);
}

unsigned finding_count(const struct finding_list *list, enum mw_severity severity)
{
    unsigned n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += list->items[i].severity == severity;
    return n;
}
