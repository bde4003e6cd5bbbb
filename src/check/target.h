/*
 * What a person types to say which server: HOST, HOST:PORT, [v6]:PORT, a bare IPv6 address or a
 * URL, and lists of them.
 * Memory: strings live in the arena.
 */
#ifndef CHECK_TARGET_H
#define CHECK_TARGET_H

#include "base/arena.h"
#include "probe/probe.h"

enum {
    TARGETS_MAX = 100000,
    TARGETS_LIST_BYTES = 16 << 20,
};

struct target {
    const char *typed;          /* as given, safe to print */
    const char *host;           /* without brackets */
    uint16_t port;
    enum probe_starttls starttls;       /* from the URL's scheme, else the caller's */
};

struct target_list {
    struct target *items;
    size_t n, room;
};

/* "smtp", "imap", …; -EINVAL: none of them. */
MW_MUST_CHECK int starttls_parse(const char *word, enum probe_starttls *out);
const char *starttls_word(enum probe_starttls s);       /* NULL: TLS from the first byte */
uint16_t starttls_port(enum probe_starttls s);

/* One target.  0, -ENOMEM, or > 0 with a line in `error`. */
MW_MUST_CHECK int target_parse(struct target *out, struct mw_span text,
                               enum probe_starttls starttls, struct arena *arena,
                               struct buf *error);

/* Appends one that was parsed; the list itself is the heap's: target_list_deinit(). */
MW_MUST_CHECK int target_list_add(struct target_list *list, const struct target *t);
void target_list_deinit(struct target_list *list);

/* One target a line; what follows "#" and empty lines are ignored.  `file` is for messages,
 * which carry the line number. */
MW_MUST_CHECK int target_list_read(struct target_list *list, struct mw_span text,
                                   const char *file, enum probe_starttls starttls,
                                   struct arena *arena, struct buf *error);

#endif
