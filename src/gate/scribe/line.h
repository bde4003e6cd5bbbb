/*
 * One line of the audit log: a JSON object whose last member is its place in the chain.
 *
 *     {…,"midwatch":{…,"chain":{"seq":7,"prev":"<64 hex>","hash":"<64 hex>"}}}
 *
 * hash is SHA-256 over the line's bytes without `,"hash":"…"` (and `,"sig":"…"`, which follows
 * it in signed lines) and without the newline; prev is the hash of the line before, so it covers
 * all that came before.  sig is Ed25519 over LINE_CONTEXT, the file's name, a newline and the
 * hash in hex.
 * Pure, apart from the key it is given.  Format: docs/gate-log.md.
 */
#ifndef GATE_SCRIBE_LINE_H
#define GATE_SCRIBE_LINE_H

#include "gate/scribe/key.h"

#define LINE_CONTEXT "midwatch audit line 1\n"

enum { LINE_HASH = 32, LOG_LINE_MAX = 64 * 1024 };

struct line_link {
    uint64_t seq;
    uint8_t prev[LINE_HASH], hash[LINE_HASH];
    bool is_signed;
    uint8_t sig[KEY_SIGNATURE];
};

/* Closes an object that was left open (render.h): the chain, closers, a newline.  In: seq, prev;
 * out: hash.  signer NULL: not signed.  < 0: nothing usable is in `line`. */
MW_MUST_CHECK int line_seal(struct buf *line, struct line_link *link, struct mw_span closers,
                            const struct log_key *signer, const char *file);

enum line_error {
    LINE_NO_CHAIN = 1,          /* it does not end in a chain: cut, or no line of ours */
    LINE_CHANGED,               /* its bytes do not give its hash */
};

/* A line without its newline.  0, > 0 enum line_error or -ENOMEM; *link is then untouched. */
MW_MUST_CHECK int line_read(struct line_link *link, struct mw_span line);

/* Could these bytes be what is left of a line whose writer was killed?  Of a line there is always
 * a beginning, and its object is not closed.  Empty: yes. */
bool line_is_torn(struct mw_span line);

/* 1: the signature holds; 0: it does not, or there is none; -ENOMEM. */
MW_MUST_CHECK int line_signature_good(const struct line_link *link, const char *file,
                                      const struct verifier *v);

/* "0123…-7" of `"record":"…"`: which record this line holds; empty: none. */
struct mw_span line_record(struct mw_span line);

/* 64 lower-case digits, nothing else. */
bool hash_unhex(struct mw_span text, uint8_t out[LINE_HASH]);

MW_MUST_CHECK int sha256_of(struct mw_span bytes, uint8_t out[LINE_HASH]);

#endif
