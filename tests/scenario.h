/*
 * Scenarios: text that mints certificates, makes up a network and a clock, and says what the
 * trust engine must answer. The language: tests/scenario/README.md.
 * Life:   scene_new() -> scene_say()* -> scene_free()
 * Memory: a scene owns all that it minted; lines are borrowed.
 */
#ifndef TESTS_SCENARIO_H
#define TESTS_SCENARIO_H

#include <midwatch/trust.h>
#include <stdbool.h>

#include "base/buf.h"
#include "lab/mill.h"

enum {
    LINE_MAX_WORDS = 24,
    SCENE_MAX_CERTS = 32,
    SCENE_MAX_ITEMS = 16, /* of each kind of evidence */
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

/* A certificate of this scene. */
struct minted {
    char name[64];
    struct mill_cert *cert;
    EVP_PKEY *key;
    struct minted *issuer; /* NULL: self-signed */
    enum mw_anchor_class anchor;
};

struct scene {
    struct mw_evidence ev;
    char host[256];
    struct minted certs[SCENE_MAX_CERTS];
    size_t n_certs;
    struct minted *leaf;
    struct minted *sent[SCENE_MAX_ITEMS], *fetched[SCENE_MAX_ITEMS];
    size_t n_sent, n_fetched;
    bool sent_chosen;
    struct buf staple, crls[SCENE_MAX_ITEMS];
    size_t n_crls;
    struct mw_clock_reading clocks[SCENE_MAX_ITEMS];
    struct mw_caa caa[SCENE_MAX_ITEMS];
    struct mw_control controls[SCENE_MAX_ITEMS];
    struct minted *control_leaf[SCENE_MAX_ITEMS];
    struct mw_span control_sent[SCENE_MAX_ITEMS][2];
    struct mw_pin pins[SCENE_MAX_ITEMS];
    size_t n_pins;
    struct mw_decision *decisions[SCENE_MAX_ITEMS];
    size_t n_decisions;
    struct mill_log *logs[2];
    bool logs_known;
    char *kept[256]; /* strings that evidence borrows */
    size_t n_kept;
    struct mw_verdict *verdict; /* of the scene as it is; NULL: judge anew */
};

MW_MUST_CHECK int scene_new(struct scene **out);
void scene_free(struct scene *w); /* NULL ok */

/* Does what the line says.  false: `why` (a line of text) tells what is wrong with it, or
 * which expectation was not met. */
bool scene_say(struct scene *w, const struct line *l, struct buf *why);

/* Parts of scene_say(). */
bool mint_say(struct scene *w, const struct line *l, struct buf *why, bool *known);
bool facts_say(struct scene *w, const struct line *l, struct buf *why, bool *known);
bool expect_say(struct scene *w, const struct line *l, struct buf *why);

/* Judges the scene as it is, at most once until it changes. */
bool scene_judge(struct scene *w, struct buf *why);

struct minted *scene_find(struct scene *w, const char *name);
const char *scene_keep(struct scene *w, const char *text);

#endif
