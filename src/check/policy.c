#include "check/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/system_roots.h"
#include "base/own.h"
#include "check/decisions.h"
#include "check/exit.h"
#include "check/pins.h"

enum { POLICY_FILE_BYTES = 64 << 20 };

void policy_freep(struct mw_policy **p)
{
    mw_policy_free(*p);
}

static int policy_fail_file(struct buf *error, const char *option, const char *path, int rc)
{
    buf_printf(error, "%s %s: %s", option, path,
               rc == -EMSGSIZE ? "larger than 64 MiB; is it the right file?" : strerror(-rc));
    return CHECK_USAGE;
}

/* The engine's own line says what, where and what to do. */
static int policy_said(const struct mw_policy *p, int rc, struct buf *error)
{
    if (rc <= 0)
        return rc;
    buf_str(error, mw_policy_error(p));
    return CHECK_USAGE;
}

static int add_file(struct mw_policy *p, const char *option, const char *path,
                    enum mw_anchor_class as, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(POLICY_FILE_BYTES);
    int rc = file_read(path, &text);

    if (rc != 0)
        return policy_fail_file(error, option, path, rc);
    return policy_said(p, mw_policy_add_anchors(p, as, buf_span(&text), path, NULL), error);
}

static int add_system(struct mw_policy *p, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(POLICY_FILE_BYTES);
    const char *from = NULL;
    int rc = system_roots_read(&text, &from);

    if (rc == 0)
        return policy_said(p, mw_policy_add_system(p, buf_span(&text), from, NULL), error);
    if (rc != -ENOENT)
        return policy_fail_file(error, "root certificates", from, rc);
    buf_str(error, "this computer has no list of root certificates in any of the usual places; "
                   "install ca-certificates, or name a file with --roots");
    return CHECK_USAGE;
}

int anchors_add(struct mw_policy *p, const struct check_settings *set, struct buf *error)
{
    int rc = set->roots != NULL ? add_file(p, "--roots", set->roots, MW_ANCHOR_PUBLIC, error)
                                : add_system(p, error);

    if (rc == 0 && set->local_roots != NULL)
        rc = add_file(p, "--local-roots", set->local_roots, MW_ANCHOR_LOCAL, error);
    return rc;
}

typedef int policy_set_fn(struct mw_policy *p, struct mw_span text);

static int set_file(struct mw_policy *p, const char *option, const char *path, policy_set_fn *set,
                    struct buf *error)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(POLICY_FILE_BYTES);
    int rc;

    if (path == NULL)
        return 0;
    rc = file_read(path, &text);
    if (rc != 0)
        return policy_fail_file(error, option, path, rc);
    rc = policy_said(p, set(p, buf_span(&text)), error);
    if (rc > 0) {
        CLEANUP(buf_deinit) struct buf said = BUF_INIT(1024);

        buf_add(&said, buf_span(error));
        buf_truncate(error, 0);
        buf_printf(error, "%s %s: %s", option, path,
                   said.data != NULL ? (const char *)said.data : "");
    }
    return rc;
}

/* "HOST=sha256/…", or "*.HOST=sha256/…" for the tree. */
static int add_pin(struct mw_policy *p, const char *text, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf host = BUF_INIT(4096);
    const char *equals = strchr(text, '=');
    struct mw_pin pin = { 0 };

    if (equals == NULL || equals == text) {
        buf_printf(error, "--pin takes HOST=sha256/BASE64=, not \"%.80s\"", text);
        return CHECK_USAGE;
    }
    pin.tree = strncmp(text, "*.", 2) == 0;
    if (pin.tree)
        text += 2;
    buf_add(&host, span_of(text, (size_t)(equals - text)));
    if (buf_error(&host) != 0)
        return -ENOMEM;
    pin.host = (const char *)host.data;
    pin.spki = equals + 1;
    return policy_said(p, mw_policy_add_pin(p, &pin), error);
}

static int add_remembered(struct mw_policy *p, const struct check_options *o, struct store *s,
                          struct buf *error)
{
    struct mw_wall now = o->at_set ? o->at : wall_now();
    int rc = pins_load(s, p);

    if (rc == 0 && !o->set.unattended)
        rc = decisions_load(s, now, p);
    if (rc > 0) {
        buf_printf(error, "the state cannot be read: %s", store_error(s));
        return CHECK_USAGE;
    }
    return rc;
}

int policy_make(struct mw_policy **out, const struct check_options *o, struct store *remembered,
                struct buf *error)
{
    CLEANUP(policy_freep) struct mw_policy *p = NULL;
    const struct check_settings *set = &o->set;
    int rc = mw_policy_new(&p);

    if (rc == 0)
        rc = anchors_add(p, set, error);
    if (rc == 0)
        rc = set_file(p, "--ct-logs", set->ct_logs, mw_policy_set_ct_logs, error);
    if (rc == 0)
        rc = set_file(p, "--interceptors", set->interceptors, mw_policy_set_interceptors, error);
    for (size_t i = 0; rc == 0 && i < set->pins.count; i++)
        rc = add_pin(p, set->pins.items[i], error);
    if (rc == 0 && remembered != NULL)
        rc = add_remembered(p, o, remembered, error);
    if (rc != 0)
        return rc;
    *out = own_steal(&p);
    return 0;
}
