/* One file of the log, line by line. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/text.h"
#include "gate/scribe/lines.h"
#include "gate/scribe/verify.h"

/* Bytes behind the last good line that make no line: torn, or tampered with. */
struct region {
    uint64_t bytes, line;
    EVP_MD_CTX *hash;           /* of all but a newline at its end */
    bool newline;               /* that one */
    bool told;                  /* a problem was reported for it */
};

struct walk {
    struct verify *v;
    struct verify_file *f;
    struct verify_claim *claims;
    size_t n_claims;
    struct region bad;
    uint64_t line;
    bool first, lost;           /* lost: what came before was reported; take the next line as a
                                 * new start */
    uint64_t since_signature;
};

void verify_problem(struct verify *v, const char *file, uint64_t line, const char *format, ...)
{
    char why[512];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    v->problems++;
    v->on_problem(v->context, file, line, why);
}

/* --------------------------------------------------------------------- what is no line ---- */

static int region_add(struct walk *w, struct mw_span bytes, bool newline)
{
    struct region *b = &w->bad;

    if (b->bytes == 0) {
        b->line = w->line;
        b->told = false;
        b->newline = false;
        if (EVP_DigestInit_ex(b->hash, EVP_sha256(), NULL) != 1)
            return -ENOMEM;
    }
    if (b->newline && EVP_DigestUpdate(b->hash, "\n", 1) != 1)
        return -ENOMEM;
    if (EVP_DigestUpdate(b->hash, bytes.data, bytes.len) != 1)
        return -ENOMEM;
    b->bytes += bytes.len + (newline ? 1 : 0);
    b->newline = newline;
    return 0;
}

static int bad_line(struct walk *w, struct mw_span line, bool newline, int error)
{
    struct verify *v = w->v;
    int r = region_add(w, line, newline);

    if (r < 0)
        return r;
    if (line_is_torn(line))
        return 0; /* perhaps: the next good line tells */
    verify_problem(v, w->f->name.name, w->line,
                   error == LINE_CHANGED
                       ? "the line was changed: its hash does not fit"
                       : "the line was changed or inserted: it has no place in the chain");
    w->bad.told = true;
    w->lost = true;
    return 0;
}

/* A torn note says how many bytes lie before it, and their hash.  The newline at their end is the
 * note's. */
static bool is_explained(struct region *b, const json_t *note)
{
    const char *hex = json_string_value(json_object_get(note, "bytes_sha256"));
    const char *kind = json_string_value(json_object_get(note, "note"));
    uint8_t got[LINE_HASH], want[LINE_HASH];

    return kind != NULL && strcmp(kind, "torn") == 0 && b->newline && hex != NULL &&
           json_integer_value(json_object_get(note, "bytes")) == (json_int_t)(b->bytes - 1) &&
           hash_unhex(span_str(hex), want) &&
           EVP_DigestFinal_ex(b->hash, got, NULL) == 1 &&
           memcmp(got, want, LINE_HASH) == 0;
}

static void region_end(struct walk *w, const json_t *note)
{
    struct region *b = &w->bad;

    if (b->bytes == 0)
        return;
    if (!b->told && note != NULL && is_explained(b, note)) {
        w->v->torn++;
    } else if (!b->told) {
        verify_problem(w->v, w->f->name.name, b->line,
                       "%" PRIu64 " bytes are no line of the log: changed, cut or inserted",
                       b->bytes);
        w->lost = true;
    }
    b->bytes = 0;
}

/* ----------------------------------------------------------------------------- notes ---- */

/* "midwatch"."log" of either format, *note NULL: none.  *root is the caller's. */
static int note_of(struct mw_span line, json_t **root, const json_t **note)
{
    const json_t *own;
    json_error_t error;

    *root = json_loadb((const char *)line.data, line.len, 0, &error);
    if (*root == NULL && json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    own = json_object_get(*root, "midwatch");
    if (own == NULL)
        own = json_object_get(json_object_get(*root, "unmapped"), "midwatch");
    *note = json_object_get(own, "log");
    return 0;
}

static bool kind_is(const json_t *note, const char *kind)
{
    const char *s = json_string_value(json_object_get(note, "note"));

    return s != NULL && strcmp(s, kind) == 0;
}

static bool claim_of(struct verify_claim *c, const json_t *note, const char *file)
{
    uint8_t hash[LINE_HASH];
    const char *name = json_string_value(json_object_get(note, "file"));
    const char *hex = json_string_value(json_object_get(note, "hash"));
    json_int_t seq = json_integer_value(json_object_get(note, "seq"));

    if (name == NULL || strlen(name) >= LOG_NAME || hex == NULL || seq <= 0 ||
        !hash_unhex(span_str(hex), hash))
        return false;
    *c = (struct verify_claim){ .seq = (uint64_t)seq };
    memcpy(c->file, name, strlen(name) + 1);
    memcpy(c->hash, hash, LINE_HASH);
    snprintf(c->who, sizeof(c->who), "%s", file);
    return true;
}

static void first_note(struct walk *w, const struct line_link *link, const json_t *note)
{
    static const uint8_t zero[LINE_HASH] = { 0 };
    const char *file = w->f->name.name;
    const char *key = json_string_value(json_object_get(note, "key"));
    const char *before = json_string_value(json_object_get(note, "file"));
    struct folder_file named;
    struct verify_claim claim;
    bool claims = claim_of(&claim, note, file);

    if (json_integer_value(json_object_get(note, "number")) != (json_int_t)w->f->name.number)
        verify_problem(w->v, file, 1, "the file was renamed: it is number %lld",
                       (long long)json_integer_value(json_object_get(note, "number")));
    if (key == NULL || !verifier_knows(w->v->keys, key))
        verify_problem(w->v, file, 1, "it was signed with another key: %s",
                       key != NULL ? key : "none");
    if (before != NULL && log_name_read(&named, before))
        w->f->before_number = named.number;
    if (memcmp(link->prev, claims ? claim.hash : zero, LINE_HASH) != 0)
        verify_problem(w->v, file, 1, "it does not go on from the file that it names");
}

static void take_note(struct walk *w, const struct line_link *link, const json_t *note)
{
    const char *file = w->f->name.name, *why;

    if (w->first != kind_is(note, "file"))
        verify_problem(w->v, file, w->line, w->first ? "the file's first line is missing"
                                                     : "a second first line");
    else if (w->first)
        first_note(w, link, note);
    if (kind_is(note, "closed"))
        w->f->closed = true;
    if (kind_is(note, "alarm")) {
        why = json_string_value(json_object_get(note, "why"));
        verify_problem(w->v, file, w->line, "the gate itself noticed: %s",
                       why != NULL ? why : "(it does not say what)");
    }
}

/* ----------------------------------------------------------------------------- lines ---- */

static void check_place(struct walk *w, const struct line_link *link)
{
    const char *file = w->f->name.name;
    uint64_t due = w->f->seq + 1;

    if (w->lost)
        return;
    if (link->seq > due)
        verify_problem(w->v, file, w->line,
                       "%" PRIu64 " lines are missing before it (number %" PRIu64
                       " follows %" PRIu64 ")", link->seq - due, link->seq, w->f->seq);
    else if (link->seq < due)
        verify_problem(w->v, file, w->line,
                       "the line stands in the wrong place (number %" PRIu64 " follows %" PRIu64
                       ")", link->seq, w->f->seq);
    else if (!w->first && memcmp(link->prev, w->f->hash, LINE_HASH) != 0)
        verify_problem(w->v, file, w->line, "it does not follow the line before it: one of them "
                                            "was replaced");
}

static void check_claims(struct walk *w, const struct line_link *link)
{
    for (size_t i = 0; i < w->n_claims; i++) {
        struct verify_claim *c = &w->claims[i];

        if (c->seq != link->seq || strcmp(c->file, w->f->name.name) != 0 || c->kept)
            continue;
        c->kept = true;
        if (memcmp(c->hash, link->hash, LINE_HASH) != 0)
            verify_problem(w->v, w->f->name.name, w->line, "%s knows another line %" PRIu64,
                           c->who, link->seq);
    }
}

static int good_line(struct walk *w, struct mw_span line, const struct line_link *link)
{
    json_t *root = NULL;
    const json_t *note = NULL;
    const char *file = w->f->name.name;
    int r = link->is_signed || w->first ? note_of(line, &root, &note) : 0, good = 1;

    if (r == 0 && link->is_signed)
        good = line_signature_good(link, file, w->v->keys);
    if (r < 0 || good < 0) {
        json_decref(root);
        return -ENOMEM;
    }
    region_end(w, note);
    if (w->f->closed)
        verify_problem(w->v, file, w->line, "a line after the end of the file");
    check_place(w, link);
    check_claims(w, link);
    if (good == 0)
        verify_problem(w->v, file, w->line, "the signature does not hold");
    if (note != NULL && link->is_signed)
        take_note(w, link, note);
    else if (w->first || link->is_signed)
        verify_problem(w->v, file, w->line, "the file's first line is missing");
    w->since_signature = link->is_signed ? 0 : w->since_signature + 1;
    w->f->seq = link->seq;
    memcpy(w->f->hash, link->hash, LINE_HASH);
    w->first = false;
    w->lost = false;
    w->v->lines++;
    json_decref(root);
    return 0;
}

static int take_line(struct walk *w, struct mw_span line, bool newline)
{
    struct line_link link;
    int r = line_read(&link, line);

    w->line++;
    if (r < 0)
        return r;
    return r == 0 ? good_line(w, line, &link) : bad_line(w, line, newline, r);
}

static int walk_file(struct walk *w, struct lines *l)
{
    struct mw_span line;
    bool newline;
    int r;

    while ((r = lines_next(l, &line, &newline, true)) > 0) {
        r = take_line(w, line, newline);
        if (r < 0)
            return r;
    }
    w->v->bytes += l->bytes;
    return r;
}

static void file_end(struct walk *w)
{
    const char *file = w->f->name.name;

    /* A writer that was killed, and none since: nothing was acknowledged of it. */
    if (w->bad.bytes > 0 && !w->bad.told && !w->f->closed)
        w->f->loose_end = true;
    else
        region_end(w, NULL);
    for (size_t i = 0; i < w->n_claims; i++) {
        const struct verify_claim *c = &w->claims[i];

        if (!c->kept && strcmp(c->file, file) == 0 && c->seq > 0)
            verify_problem(w->v, file, w->line,
                           "lines were cut off its end: %s knows line %" PRIu64
                           ", the last is %" PRIu64, c->who, c->seq, w->f->seq);
    }
    w->v->unsigned_tail += w->since_signature;
    w->v->files++;
}

int verify_one(struct verify *v, struct verify_file *f, struct verify_claim *claims,
               size_t n_claims)
{
    struct walk w = { .v = v, .f = f, .claims = claims, .n_claims = n_claims, .first = true };
    CLEANUP(lines_close) struct lines l = { .fd = -1 };
    int r = lines_open(&l, f->path);

    if (r < 0)
        return r;
    w.bad.hash = EVP_MD_CTX_new();
    r = w.bad.hash != NULL ? walk_file(&w, &l) : -ENOMEM;
    if (r == 0)
        file_end(&w);
    EVP_MD_CTX_free(w.bad.hash);
    return r;
}

int verify_first_claim(struct verify_claim *out, const char *path, const char *name)
{
    CLEANUP(lines_close) struct lines l = { .fd = -1 };
    struct mw_span line = { NULL, 0 };
    json_t *root = NULL;
    const json_t *note = NULL;
    bool newline, claims;
    int r = lines_open(&l, path);

    if (r == 0)
        r = lines_next(&l, &line, &newline, true);
    if (r <= 0)
        return r < 0 ? r : 1;
    r = note_of(line, &root, &note);
    if (r < 0)
        return r;
    claims = kind_is(note, "file") && claim_of(out, note, name);
    json_decref(root);
    return claims ? 0 : 1;
}
