#include "gate/policy/bundle.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "base/reader.h"
#include "base/system_roots.h"
#include "gate/policy/load.h"

enum { BUNDLE_MAGIC = 0x4d574742, FAILED = UCL_WRONG };

void gate_bundle_free(struct gate_bundle *b)
{
    if (b == NULL)
        return;
    arena_deinit(&b->arena);
    free(b->parts);
    free(b);
}

static void bundle_freep(struct gate_bundle **at)
{
    gate_bundle_free(*at);
}

static struct gate_bundle *bundle_new(void)
{
    struct gate_bundle *b = calloc(1, sizeof *b);

    if (b != NULL)
        b->arena.max_bytes = BUNDLE_MAX_BYTES;
    return b;
}

static int part_add(struct gate_bundle *b, enum bundle_kind kind, struct mw_span name,
                    struct mw_span bytes)
{
    struct mw_span own_name = { NULL, 0 }, own_bytes = { NULL, 0 };

    if (b->n == b->room) {
        size_t room = b->room == 0 ? 8 : 2 * b->room;
        struct bundle_part *parts = realloc(b->parts, room * sizeof *parts);

        if (parts == NULL)
            return -ENOMEM;
        b->parts = parts;
        b->room = room;
    }
    if (arena_copy(&b->arena, name, &own_name) < 0 || arena_copy(&b->arena, bytes, &own_bytes) < 0)
        return -ENOMEM;
    b->parts[b->n++] = (struct bundle_part){ kind, (const char *)own_name.data, own_bytes };
    return 0;
}

bool gate_bundle_file(const struct gate_bundle *b, const char *path, struct mw_span *out)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->parts[i].kind == BUNDLE_BYTES && strcmp(b->parts[i].name, path) == 0) {
            *out = b->parts[i].bytes;
            return true;
        }
    return false;
}

int gate_bundle_add(struct gate_bundle *b, const char *name, struct mw_span bytes)
{
    struct mw_span there;

    if (gate_bundle_file(b, name, &there))
        return -EEXIST;
    return part_add(b, BUNDLE_BYTES, span_str(name), bytes);
}

/* ---------------------------------------------------------------------- as one message ---- */

void gate_bundle_encode(const struct gate_bundle *b, struct buf *out)
{
    buf_u32(out, BUNDLE_MAGIC);
    buf_u32(out, (uint32_t)b->n);
    for (size_t i = 0; i < b->n; i++) {
        struct mw_span name = span_str(b->parts[i].name);

        buf_u8(out, (uint8_t)b->parts[i].kind);
        buf_u16(out, (uint16_t)name.len);
        buf_add(out, name);
        buf_u32(out, (uint32_t)b->parts[i].bytes.len);
        buf_add(out, b->parts[i].bytes);
    }
}

int gate_bundle_decode(struct gate_bundle **out, struct mw_span bytes)
{
    CLEANUP(bundle_freep) struct gate_bundle *b = bundle_new();
    struct reader r = { .rest = bytes };
    uint32_t magic = read_u32(&r), n = read_u32(&r);

    if (b == NULL)
        return -ENOMEM;
    if (magic != BUNDLE_MAGIC || n > BUNDLE_MAX_PARTS)
        return -EINVAL;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t kind = read_u8(&r);
        struct mw_span name = read_vec16(&r);
        struct mw_span part = read_bytes(&r, read_u32(&r));
        int error;

        if (r.failed || kind > BUNDLE_BYTES ||
            (name.len > 0 && memchr(name.data, 0, name.len) != NULL))
            return -EINVAL;
        error = part_add(b, (enum bundle_kind)kind, name, part);
        if (error != 0)
            return error;
    }
    if (!read_done(&r))
        return -EINVAL;
    *out = own_steal(&b);
    return 0;
}

/* ------------------------------------------------------------------------ from the files ---- */

static int read_failed(int error, const struct ucl_place *at, const char *path, struct buf *out)
{
    const char *why = error == -EMSGSIZE ? "it is too large" : strerror(-error);

    if (error == -ENOMEM)
        return error;
    if (at != NULL)
        return ucl_fail(at, out, "cannot read %s: %s", ucl_show(path).text, why);
    buf_printf(out, "%s: cannot read it: %s", ucl_show(path).text, why);
    return FAILED;
}

static int text_add(struct gate_bundle *b, enum bundle_kind kind, const char *name,
                    struct mw_span text, struct buf *error)
{
    if (text.len > BUNDLE_MAX_TEXT) {
        buf_printf(error, "%s: more than %d bytes", name, BUNDLE_MAX_TEXT);
        return FAILED;
    }
    return part_add(b, kind, span_str(name), text);
}

static int file_add(struct gate_bundle *b, const char *path, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(BUNDLE_MAX_TEXT);
    int r = file_read(path, &text);

    return r == 0 ? text_add(b, BUNDLE_FILE, path, buf_span(&text), error)
                  : read_failed(r, NULL, path, error);
}

static void quoted(struct buf *out, const char *text)
{
    buf_u8(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_u8(out, '\\');
        buf_u8(out, (uint8_t)*text);
    }
    buf_u8(out, '"');
}

/* Settings that depend on this system: read once here, for all processes alike. */
static int system_add(struct gate_bundle *b)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 16);
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    CLEANUP(buf_deinit) struct buf folder = BUF_INIT(1 << 12);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (base != NULL && base[0] == '/')
        buf_printf(&folder, "%s/midwatch/gate", base);
    else if (geteuid() != 0 && home != NULL && home[0] == '/')
        buf_printf(&folder, "%s/.local/state/midwatch/gate", home);
    else
        buf_str(&folder, "/var/lib/midwatch/gate");
    if (buf_error(&folder) != 0)
        return buf_error(&folder);
    buf_str(&text, "state ");
    quoted(&text, (const char *)folder.data);
    buf_printf(&text, ";\nworkers %ld;\nuser %s;\n", cores < 1 ? 1 : cores > 64 ? 64 : cores,
               getpwnam("midwatch") != NULL ? "midwatch" : "nobody");
    if (buf_error(&text) != 0)
        return buf_error(&text);
    return part_add(b, BUNDLE_SYSTEM, SPAN_LIT("built-in"), buf_span(&text));
}

static int wanted_add(struct gate_bundle *b, const struct load_wanted *w, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(BUNDLE_MAX_FILE);
    struct mw_span there;
    int r;

    if (gate_bundle_file(b, w->path, &there))
        return 0;
    if (b->n >= BUNDLE_MAX_PARTS)
        return ucl_fail(&w->at, error, "more than %d files", BUNDLE_MAX_PARTS);
    r = file_read(w->path, &bytes);
    return r == 0 ? part_add(b, BUNDLE_BYTES, span_str(w->path), buf_span(&bytes))
                  : read_failed(r, &w->at, w->path, error);
}

static int system_roots_add(struct gate_bundle *b, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(BUNDLE_MAX_FILE);
    const char *from = NULL;
    int r = system_roots_read(&pem, &from);

    if (r == -ENOENT)           /* the judge says that there are none */
        return 0;
    return r == 0 ? part_add(b, BUNDLE_BYTES, SPAN_LIT(GATE_FILE_SYSTEM_ROOTS), buf_span(&pem))
                  : read_failed(r, NULL, from, error);
}

/* The files that the texts name. */
static int files_add(struct gate_bundle *b, struct buf *error)
{
    struct gate_config config = { .file = NULL };
    struct gate_private own = { .arena = ARENA_INIT(BUNDLE_MAX_BYTES) };
    struct load l = { .config = &config, .own = &own, .arena = &own.arena, .error = error };
    struct load_rules sources[3];
    int r = load_sources(&l, b, sources);

    for (const struct load_wanted *w = l.wanted; r == 0 && w != NULL; w = w->next)
        r = wanted_add(b, w, error);
    if (r == 0 && config.upstream.roots == NULL)
        r = system_roots_add(b, error);
    arena_deinit(&own.arena);
    return r;
}

int gate_bundle_read(struct gate_bundle **out, const char *path, const char *extra,
                     struct buf *error)
{
    CLEANUP(bundle_freep) struct gate_bundle *b = bundle_new();
    int r = b != NULL ? system_add(b) : -ENOMEM;

    if (r == 0 && path != NULL)
        r = file_add(b, path, error);
    if (r == 0 && extra[0] != '\0')
        r = text_add(b, BUNDLE_EXTRA, "command line", span_str(extra), error);
    if (r == 0)
        r = files_add(b, error);
    if (r == 0)
        *out = own_steal(&b);
    return r;
}
