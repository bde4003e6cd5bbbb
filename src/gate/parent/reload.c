/*
 * The configuration: read, checked, and handed to everybody in one piece.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "gate/forge/forge.h"
#include "gate/parent/parent.h"
#include "gate/wire/config_part.h"

/* The CA's place is in the configuration, and its certificates go into the bundle: they are added
 * once the rest is known to be well. */
int config_read_anew(const struct parent *p, struct gate_bundle **bundle,
                     struct gate_config **config, struct buf *error)
{
    struct gate_bundle *b = NULL;
    struct gate_config *c = NULL;
    int r = gate_bundle_read(&b, p->config_path, p->extra, error);

    if (r == 0)
        r = gate_config_load(&c, b, error);
    if (r != 0) {
        gate_config_unref(c);
        gate_bundle_free(b);
        return r;
    }
    *bundle = b;
    *config = c;
    return 0;
}

int bundle_complete(struct gate_bundle *b, const struct gate_config *c, uint8_t stamp[32],
                    struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 20);
    int r = ca_ensure(c, error);

    if (r == 0)
        r = ca_own(c, &pem, error);
    if (r == 0)
        r = ca_stamp(c, stamp, error);
    return r == 0 ? gate_bundle_add(b, GATE_FILE_OWN_CA, buf_span(&pem)) : r;
}

/* A file in memory of its own for each process, since who inherits a descriptor shares its
 * place in the file. */
int bundle_open(const struct gate_bundle *b, int *out)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);
    CLEANUP(own_close) int fd = memfd_create("gate-bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct mw_span rest;

    if (fd < 0)
        return -errno;
    gate_bundle_encode(b, &bytes);
    if (buf_error(&bytes) != 0)
        return buf_error(&bytes);
    for (rest = buf_span(&bytes); rest.len > 0;) {
        ssize_t n = write(fd, rest.data, rest.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        rest = span_cut(rest, (size_t)n, rest.len);
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

/* ------------------------------------------------------------------------- anew ---- */

static bool listeners_same(const struct gate_config *a, const struct gate_config *b)
{
    if (a->n_listeners != b->n_listeners)
        return false;
    for (size_t i = 0; i < a->n_listeners; i++)
        if (strcmp(a->listeners[i].text, b->listeners[i].text) != 0)
            return false;
    return true;
}

/* What processes find when they start cannot be changed under them.  NULL: nothing of that. */
static const char *needs_upgrade(const struct gate_config *old, const struct gate_config *new)
{
    if (!listeners_same(old, new))
        return "the listeners";
    if (old->workers != new->workers)
        return "the number of workers";
    if (strcmp(old->state_folder, new->state_folder) != 0)
        return "the state folder";
    if (strcmp(old->audit.folder, new->audit.folder) != 0)
        return "the audit log's folder";
    if (strcmp(old->user, new->user) != 0)
        return "the user";
    return NULL;
}

static void config_tell(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(CONFIG_PART_TOTAL);

    gate_bundle_encode(p->bundle, &bytes);
    for (size_t at = 0; at < bytes.len; at += CONFIG_PART_BYTES) {
        CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

        config_part_write(&message, buf_span(&bytes), at);
        children_tell(p, buf_span(&message), false);
    }
}

static int accept_new(struct parent *p, struct gate_bundle *bundle, struct gate_config *config,
                      struct buf *error)
{
    const char *what = needs_upgrade(p->config, config);
    uint8_t stamp[32];
    int r;

    if (what != NULL) {
        buf_printf(error, "%s changed, which a reload cannot do: midwatch gate upgrade does, "
                          "without dropping a connection; nothing of the new configuration was "
                          "taken", what);
        return EINVAL;
    }
    r = bundle_complete(bundle, config, stamp, error);
    if (r != 0)
        return r;
    gate_config_unref(p->config);
    gate_bundle_free(p->bundle);
    p->config = config;
    p->bundle = bundle;
    config_tell(p);
    if (memcmp(stamp, p->ca_stamp, sizeof(stamp)) != 0)
        child_renew(&p->children[0]);   /* it has the old keys */
    memcpy(p->ca_stamp, stamp, sizeof(stamp));
    return 0;
}

int parent_reload(struct parent *p, struct buf *error)
{
    struct gate_bundle *bundle;
    struct gate_config *config;
    int r;

    if (p->ending || p->successor != NULL) {
        buf_str(error, "the gate is ending");
        return EBUSY;
    }
    notify_reloading(&p->notify);
    r = config_read_anew(p, &bundle, &config, error);
    if (r == 0 && (r = accept_new(p, bundle, config, error)) != 0) {
        gate_config_unref(config);
        gate_bundle_free(bundle);
    }
    notify_ready(&p->notify, r == 0 ? "Configuration read anew" : "Old configuration kept");
    return r;
}

void parent_reload_said(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);

    if (parent_reload(p, &error) == 0)
        log_info("gate: the configuration was read anew");
    else
        log_error("gate: the old configuration stays: %s",
                  error.len > 0 ? (const char *)error.data : "out of memory");
}

void parent_tend(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);
    uint8_t stamp[32];
    int r = ca_ensure(p->config, &error);

    if (r == 0)
        r = ca_stamp(p->config, stamp, &error);
    if (r != 0)
        log_error("gate: the CA cannot be renewed: %s",
                  error.len > 0 ? (const char *)error.data : "out of memory");
    else if (memcmp(stamp, p->ca_stamp, sizeof(stamp)) != 0)
        parent_reload_said(p);
}
