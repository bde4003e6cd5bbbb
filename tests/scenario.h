/*
 * Scenarios: text that mints certificates, makes up a network and a clock, and says what the
 * trust engine must answer. The language: tests/scenario/README.md.
 * Life:   world_new() -> world_say()* -> world_free()
 * Memory: a world owns all that it minted; lines are borrowed.
 */
#ifndef TESTS_SCENARIO_H
#define TESTS_SCENARIO_H

#include <midwatch/trust.h>
#include <stdbool.h>

#include "base/buf.h"
#include "lab/mill.h"

enum {
    LINE_MAX_WORDS = 24,
    WORLD_MAX_CERTS = 32,
    WORLD_MAX_ITEMS = 16, /* of each kind of evidence */
};

/* One line, cut into its statement and words: "key=value" or a bare word (value NULL). */
struct word {
    char *key, *value;
};

struct line {
    char *text; /* owned; the words point into it */
    struct word words[LINE_MAX_WORDS];
    size_t n;
};

/* false: a quote is open, or there are too many words. */
bool line_cut(struct line *l, struct mw_span text);
void line_deinit(struct line *l);

/* The value of `key`, or `otherwise`. */
const char *line_value(const struct line *l, const char *key, const char *otherwise);
bool line_has(const struct line *l, const char *word);
const char *line_word(const struct line *l, size_t i); /* the i-th bare word, "" none */

/* A certificate of this world. */
struct minted {
    char name[64];
    struct mill_cert *cert;
    EVP_PKEY *key;
    struct minted *issuer; /* NULL: self-signed */
    enum mw_anchor_class anchor;
};

struct world {
    struct mw_evidence ev;
    char host[256];
    struct minted certs[WORLD_MAX_CERTS];
    size_t n_certs;
    struct minted *leaf;
    struct minted *sent[WORLD_MAX_ITEMS], *fetched[WORLD_MAX_ITEMS];
    size_t n_sent, n_fetched;
    bool sent_chosen;
    struct buf staple, crls[WORLD_MAX_ITEMS];
    size_t n_crls;
    struct mw_clock_reading clocks[WORLD_MAX_ITEMS];
    struct mw_caa caa[WORLD_MAX_ITEMS];
    struct mw_control controls[WORLD_MAX_ITEMS];
    struct minted *control_leaf[WORLD_MAX_ITEMS];
    struct mw_span control_sent[WORLD_MAX_ITEMS][2];
    struct mw_pin pins[WORLD_MAX_ITEMS];
    size_t n_pins;
    struct mw_decision *decisions[WORLD_MAX_ITEMS];
    size_t n_decisions;
    struct mill_log *logs[2];
    bool logs_known;
    char *kept[256]; /* strings that evidence borrows */
    size_t n_kept;
    struct mw_verdict *verdict; /* of the world as it is; NULL: judge anew */
};

MW_MUST_CHECK int world_new(struct world **out);
void world_free(struct world *w); /* NULL ok */

/* Does what the line says.  false: `why` (a line of text) tells what is wrong with it, or
 * which expectation was not met. */
bool world_say(struct world *w, const struct line *l, struct buf *why);

/* Parts of world_say(). */
bool mint_say(struct world *w, const struct line *l, struct buf *why, bool *known);
bool facts_say(struct world *w, const struct line *l, struct buf *why, bool *known);
bool expect_say(struct world *w, const struct line *l, struct buf *why);

/* Judges the world as it is, at most once until it changes. */
bool world_judge(struct world *w, struct buf *why);

struct minted *world_find(struct world *w, const char *name);
const char *world_keep(struct world *w, const char *text);

#endif
