#include "gate/scribe/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"

/* What is looked at: files, and what is claimed of them. */
struct work {
    struct verify *v;
    struct verify_file *files;
    size_t n;
    struct verify_claim *claims;
    size_t n_claims;
};

static void work_deinit(struct work *w)
{
    for (size_t i = 0; w->files != NULL && i < w->n; i++)
        free(w->files[i].path);
    free(w->files);
    free(w->claims);
}

static bool has_number(const struct work *w, uint64_t number)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->files[i].name.number == number)
            return true;
    return false;
}

static int work_begin(struct work *w, size_t n)
{
    w->files = calloc(n > 0 ? n : 1, sizeof(*w->files));
    w->claims = calloc(n + HEAD_FILES, sizeof(*w->claims));
    return w->files != NULL && w->claims != NULL ? 0 : -ENOMEM;
}

static int work_add(struct work *w, const char *path, const struct folder_file *name)
{
    struct verify_file *f = &w->files[w->n];
    int r;

    r = verify_first_claim(&w->claims[w->n_claims], path, name->name);
    if (r == -ENOENT)
        return 0; /* its time was over just now */
    if (r < 0)
        return r;
    /* work_begin() made room for all.
     * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    f->path = strdup(path);
    if (f->path == NULL)
        return -ENOMEM;
    f->name = *name;
    w->n++;
    if (r == 0)
        w->n_claims++;
    return 0;
}

static int say(struct buf *error, const char *path, int r)
{
    buf_printf(error, "%s: %s", path, strerror(-r));
    return r;
}

static int walk_all(struct work *w, struct buf *error)
{
    for (size_t i = 0; i < w->n; i++) {
        int r = verify_one(w->v, &w->files[i], w->claims, w->n_claims);

        if (r < 0)
            return say(error, w->files[i].path, r);
    }
    return 0;
}

/* A file begins where the one before it was; that one is there, or its time was over. */
static void check_links(struct work *w, uint64_t oldest)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct verify_file *f = &w->files[i];

        if (f->seq == 0 || f->name.number <= oldest)
            continue;
        if (f->before_number != f->name.number - 1)
            verify_problem(w->v, f->name.name, 1, "it does not name the file before it");
    }
}

/* ---------------------------------------------------------------------- a whole folder ---- */

static void head_claims(struct work *w, const struct head *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct verify_claim *c = &w->claims[w->n_claims++];

        /* work_begin() made room for HEAD_FILES more.
         * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        *c = (struct verify_claim){ .seq = h->files[i].seq, .who = "the head" };
        memcpy(c->file, h->files[i].name, LOG_NAME);
        memcpy(c->hash, h->files[i].hash, LINE_HASH);
    }
}

static void check_numbers(struct work *w, const struct head *h)
{
    uint64_t shown = 0;

    for (uint64_t n = h->oldest; n != 0 && n <= h->newest && shown < 100; n++) {
        bool planned = false;

        for (size_t i = 0; i < h->n; i++) {
            struct folder_file file;

            planned = planned || (h->files[i].seq == 0 &&
                                  log_name_read(&file, h->files[i].name) && file.number == n);
        }
        if (!planned && !has_number(w, n)) {
            verify_problem(w->v, "head", 0, "file number %" PRIu64 " was removed", n);
            shown++;
        }
    }
    for (size_t i = 0; i < w->n; i++) {
        if (w->files[i].name.number > h->newest)
            verify_problem(w->v, w->files[i].name.name, 0, "the head does not know this file");
        if (i > 0 && w->files[i].name.number == w->files[i - 1].name.number)
            verify_problem(w->v, w->files[i].name.name, 0, "a second file of the same number");
    }
}

static void check_ends(struct work *w, const struct head *h)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct verify_file *f = &w->files[i];
        bool open = false;

        for (size_t k = 0; k < h->n; k++)
            open = open || strcmp(h->files[k].name, f->name.name) == 0;
        if (!f->closed && !open && f->name.number >= h->oldest)
            verify_problem(w->v, f->name.name, 0, "its end is missing: it is neither closed nor "
                                                  "being written");
        else if (f->seq == 0 && !open)
            verify_problem(w->v, f->name.name, 0, "it has no line");
    }
}

/* The head and the list of files belong together: a running gate waits that long. */
static int take_stock(struct folder *list, struct head *h, const char *folder,
                      const struct verifier *keys, int *head_state)
{
    CLEANUP(own_close) int lock = -1;
    int r = folder_lock(&lock, folder);

    if (r < 0 && r != -EACCES && r != -EROFS && r != -EPERM) /* a copy for reading has no gate */
        return r;
    *head_state = head_load(h, folder, keys);
    return folder_list(list, folder);
}

int verify_folder(struct verify *v, const char *folder, struct buf *error)
{
    CLEANUP(work_deinit) struct work w = { .v = v };
    CLEANUP(folder_deinit) struct folder list = { 0 };
    struct head h = { 0 };
    int head_state, r = take_stock(&list, &h, folder, v->keys, &head_state);

    if (r == 0)
        r = work_begin(&w, list.n);
    if (r < 0)
        return say(error, folder, r);
    if (head_state < 0 && head_state != -ENOENT)
        return say(error, "head", head_state);
    if (head_state != 0)
        verify_problem(v, "head", 0, head_state > 0 ? "it was changed, or signed with another key"
                                                    : "it is missing");
    head_claims(&w, &h);
    for (size_t i = 0; i < list.n; i++) {
        char path[4096];

        if (snprintf(path, sizeof(path), "%s/%s", folder, list.files[i].name) >=
            (int)sizeof(path))
            return say(error, folder, -ENAMETOOLONG);
        r = work_add(&w, path, &list.files[i]);
        if (r < 0)
            return say(error, path, r);
    }
    r = walk_all(&w, error);
    if (r < 0 || head_state != 0)
        return r;
    check_numbers(&w, &h);
    check_links(&w, h.oldest);
    check_ends(&w, &h);
    return 0;
}

/* ---------------------------------------------------------------------------- files ---- */

static int by_number(const void *a, const void *b)
{
    const struct verify_file *x = a, *y = b;

    return x->name.number < y->name.number ? -1 : x->name.number > y->name.number;
}

int verify_files(struct verify *v, const char *const *paths, size_t n, struct buf *error)
{
    CLEANUP(work_deinit) struct work w = { .v = v };
    int r = work_begin(&w, n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct folder_file name;
        const char *slash = strrchr(paths[i], '/');

        if (!log_name_read(&name, slash != NULL ? slash + 1 : paths[i])) {
            buf_printf(error, "%s: not a file of the audit log: they are called "
                       "audit-DATE-NUMBER.jsonl, and the name is signed with the lines",
                       paths[i]);
            return -EINVAL;
        }
        r = work_add(&w, paths[i], &name);
        if (r < 0)
            return say(error, paths[i], r);
    }
    if (r < 0)
        return r;
    if (w.n < n)
        return say(error, "a file", -ENOENT);
    if (w.n > 0)
        qsort(w.files, w.n, sizeof(w.files[0]), by_number);
    r = walk_all(&w, error);
    if (r == 0 && w.n > 0)
        check_links(&w, w.files[0].name.number);
    return r;
}
