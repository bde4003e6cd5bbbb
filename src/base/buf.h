/*
 * A growing byte buffer, born with its maximum.  It remembers its first failure (out of
 * memory or over the maximum) and ignores writes from then on, so a run of writes is checked
 * once, with buf_error().
 * Life:   BUF_INIT(max) -> buf_*() -> buf_deinit()
 * Memory: owns its bytes.  They are always followed by a NUL that is not counted.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>

#include "base/span.h"

struct buf {
    uint8_t *data;
    size_t len, room, max;
    int error; /* 0, -ENOMEM or -EMSGSIZE */
};

#define BUF_INIT(max_bytes)                                                                        \
    {                                                                                              \
        .max = (max_bytes)                                                                         \
    }

void buf_deinit(struct buf *b); /* an all-zero buf is fine; usable with CLEANUP */

void buf_wipe(struct buf *b);   /* the same for what must not stay in memory: zeros first */

void buf_add(struct buf *b, struct mw_span s);
void buf_str(struct buf *b, const char *s);
void buf_fill(struct buf *b, char c, size_t times);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Integers in network order. */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u24(struct buf *b, uint32_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);

/* Room for len more bytes to write into, NULL on failure; buf_took() then counts them. */
uint8_t *buf_reserve(struct buf *b, size_t len);
void buf_took(struct buf *b, size_t len);

/* Drops the first len bytes, or all after the first len. */
void buf_drop(struct buf *b, size_t len);
void buf_truncate(struct buf *b, size_t len);

MW_MUST_CHECK int buf_error(const struct buf *b);
struct mw_span buf_span(const struct buf *b);

/* The bytes as a NUL-terminated string that the caller owns; NULL if anything failed.  The
 * buffer is empty afterwards. */
MW_MUST_CHECK char *buf_steal(struct buf *b);

#endif
