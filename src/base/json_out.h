/*
 * Writes JSON as it goes, on one line.  Whatever bytes a text holds, what comes out is JSON
 * (RFC 8259) in UTF-8: malformed and invisible characters become \xNN first.
 * Life:   a struct json_out on the stack, around a buf that remembers failures.
 * An empty text and a number that is "none" are left out: in logs, absent says it better.
 */
#ifndef BASE_JSON_OUT_H
#define BASE_JSON_OUT_H

#include <stdbool.h>

#include "base/buf.h"

struct json_out {
    struct buf *to;
    bool comma;                 /* something stands before, on this level */
};

/* key NULL: inside an array, or the outermost. */
void json_open(struct json_out *j, const char *key, char bracket);      /* '{' or '[' */
void json_close(struct json_out *j, char bracket);                      /* '}' or ']' */

void json_text(struct json_out *j, const char *key, const char *s);     /* NULL, "": left out */
void json_bytes(struct json_out *j, const char *key, struct mw_span s); /* likewise */
void json_number(struct json_out *j, const char *key, int64_t v);
void json_flag(struct json_out *j, const char *key, bool v);
void json_hex(struct json_out *j, const char *key, struct mw_span bytes);
/* "2026-11-22T02:00:00.123Z" */
void json_time(struct json_out *j, const char *key, int64_t ms);

#endif
