#include "meet/group/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"

enum { FLAG_LOCKED = 1, FLAG_EXTERNAL_REMOVES_ONLY = 2, FLAGS_KNOWN = 3 };

#define POLICY_BYTES_MAX (1u << 16)

/*
 * struct {
 *     uint8 flags;
 *     opaque hosts<V>;         signature keys, each opaque<V>
 *     opaque link_psk<V>;      id of an external PSK; empty: none is asked for
 * } MeetingPolicy;
 */
bool policy_read(struct policy *out, struct mw_span extensions)
{
    struct mw_span data;
    struct reader r, hosts;
    uint8_t flags;
    size_t count = 0;

    *out = (struct policy){ 0 };
    if (!extension_find(extensions, MW_MLS_EXT_MEETING, &data))
        return true;
    r = (struct reader){ .rest = data };
    flags = read_u8(&r);
    out->hosts = vector_read(&r);
    out->link_psk = vector_read(&r);
    hosts = (struct reader){ .rest = out->hosts };
    while (read_more(&hosts)) {
        if (vector_read(&hosts).len == 0 || ++count > MW_MLS_HOSTS_MAX)
            return false;
    }
    out->locked = (flags & FLAG_LOCKED) != 0;
    out->external_removes_only = (flags & FLAG_EXTERNAL_REMOVES_ONLY) != 0;
    /* A rule that we do not know is one that we cannot keep. */
    return read_done(&r) && !hosts.failed && (flags & ~FLAGS_KNOWN) == 0;
}

bool policy_host(const struct policy *p, struct mw_span signature_key)
{
    struct reader r = { .rest = p->hosts };

    while (read_more(&r))
        if (span_eq(vector_read(&r), signature_key))
            return true;
    return false;
}

static bool from_host(const struct mw_mls_group *g, const struct policy *p,
                      const struct sender *sender)
{
    struct leaf_node leaf;

    return sender->type == SENDER_MEMBER && tree_leaf(g->tree, sender->index, &leaf) &&
           policy_host(p, leaf.signature_key);
}

/* The policy in these context extensions is another than the group's. */
static bool changes_policy(const struct mw_mls_group *g, struct mw_span extensions)
{
    struct mw_span now = { NULL, 0 }, then = { NULL, 0 };
    bool had = extension_find(group_context_of(&g->now).extensions, MW_MLS_EXT_MEETING, &now);
    bool has = extension_find(extensions, MW_MLS_EXT_MEETING, &then);

    return had != has || !span_eq(now, then);
}

int policy_check_one(const struct mw_mls_group *g, const struct listed *one,
                     const struct sender *committer, struct mw_span committer_key)
{
    struct policy p;
    bool committed = committer_key.len > 0 || committer->type == SENDER_NEW_COMMIT;

    if (!policy_read(&p, group_context_of(&g->now).extensions))
        return MW_MLS_E_EXTENSIONS;
    if (one->sender.type == SENDER_EXTERNAL && p.external_removes_only &&
        one->p.type != PROPOSAL_REMOVE)
        return MW_MLS_E_POLICY_EXTERNAL;
    if (p.locked && (one->p.type == PROPOSAL_ADD || one->p.type == PROPOSAL_EXTERNAL_INIT))
        return MW_MLS_E_POLICY_LOCKED;
    if (p.hosts.len == 0)
        return 0;
    /* Whoever joins by an external commit adds itself: only a host may do without a host. */
    if (one->p.type == PROPOSAL_EXTERNAL_INIT)
        return policy_host(&p, committer_key) ? 0 : MW_MLS_E_POLICY_ADD;
    /* A ReInit, too, says what the policy is from then on.  A host's commit does not make somebody
     * else's change its own: whatever waits goes into it. */
    if (((one->p.type == PROPOSAL_EXTENSIONS && changes_policy(g, one->p.extensions)) ||
         (one->p.type == PROPOSAL_REINIT && changes_policy(g, one->p.reinit.extensions))) &&
        !from_host(g, &p, &one->sender))
        return MW_MLS_E_POLICY_CHANGE;
    if (committed && one->p.type == PROPOSAL_ADD && !from_host(g, &p, &one->sender) &&
        !policy_host(&p, committer_key))
        return MW_MLS_E_POLICY_ADD;
    return 0;
}

bool policy_asks(const struct mw_mls_group *g, const struct listed *one)
{
    struct policy p;

    return one->p.type == PROPOSAL_ADD &&
           policy_read(&p, group_context_of(&g->now).extensions) && p.hosts.len > 0 &&
           !from_host(g, &p, &one->sender);
}

static bool is_link(const struct policy *p, const struct psk_id *id)
{
    return id->type == PSK_EXTERNAL && span_eq(id->id, p->link_psk);
}

int policy_check(const struct mw_mls_group *g, struct proposal_list *l)
{
    bool adds = l->committer.type == SENDER_NEW_COMMIT, has_link = false;
    struct policy p;

    if (!policy_read(&p, group_context_of(&g->now).extensions))
        return MW_MLS_E_EXTENSIONS;
    /* Who founds a successor brings nobody in: all were let into the old group, which is checked
     * (succeed.c), and hold its resumption PSK. */
    if (l->founding != 0)
        return 0;
    for (size_t i = 0; i < l->count; i++) {
        int e = policy_check_one(g, &l->all[i], &l->committer, l->committer_key);

        if (e != 0) {
            l->culprit = i;
            return e;
        }
        adds = adds || l->all[i].p.type == PROPOSAL_ADD;
        has_link = has_link ||
                   (l->all[i].p.type == PROPOSAL_PSK && is_link(&p, &l->all[i].p.psk));
    }
    l->culprit = l->count;
    return p.link_psk.len > 0 && adds && !has_link ? MW_MLS_E_POLICY_LINK : 0;
}

/* The other extensions as they were, then one in the place of any of its type. */
static int put_extension(struct mw_span extensions, uint16_t type, struct mw_span data,
                         struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(GROUP_CONTEXT_MAX);
    struct reader r = { .rest = extensions };
    struct extension e;

    while (read_more(&r)) {
        extension_read(&e, &r);
        if (!r.failed && e.type != type)
            extension_write(&b, &e);
    }
    if (r.failed)
        return MW_MLS_E_MALFORMED;
    e = (struct extension){ .type = type, .data = data };
    extension_write(&b, &e);
    return bytes_take(&b, out);
}

int mw_mls_policy_write(const struct mw_mls_policy *p, struct mw_span extensions,
                        struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(POLICY_BYTES_MAX);
    size_t at;

    if (p->hosts_count > MW_MLS_HOSTS_MAX)
        return MW_MLS_E_TOO_BIG;
    buf_u8(&b, (uint8_t)((p->locked ? FLAG_LOCKED : 0) |
                         (p->external_removes_only ? FLAG_EXTERNAL_REMOVES_ONLY : 0)));
    at = vector_open(&b);
    for (size_t i = 0; i < p->hosts_count; i++) {
        if (p->hosts[i].len == 0)
            return MW_MLS_E_MALFORMED;
        vector_write(&b, p->hosts[i]);
    }
    vector_close(&b, at);
    vector_write(&b, p->link_psk);
    if (buf_error(&b) != 0)
        return buf_error(&b) == -EMSGSIZE ? MW_MLS_E_TOO_BIG : buf_error(&b);
    return put_extension(extensions, MW_MLS_EXT_MEETING, buf_span(&b), out);
}

void mw_mls_policy_of(const struct mw_mls_group *g, struct mw_mls_policy *out,
                      struct mw_span *hosts)
{
    struct policy p;
    struct reader r;

    *out = (struct mw_mls_policy){ 0 };
    if (!policy_read(&p, group_context_of(&g->now).extensions))
        return;         /* no group is made with one that does not parse */
    r = (struct reader){ .rest = p.hosts };
    while (read_more(&r))
        hosts[out->hosts_count++] = vector_read(&r);
    out->hosts = hosts;
    out->locked = p.locked;
    out->external_removes_only = p.external_removes_only;
    out->link_psk = p.link_psk;
}

int mw_mls_external_senders_write(const struct mw_mls_external_sender *senders, size_t count,
                                  struct mw_span extensions, struct mw_mls_bytes *out)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(GROUP_CONTEXT_MAX);
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(GROUP_CONTEXT_MAX);

    for (size_t i = 0; i < count; i++) {
        struct external_sender s = {
            .signature_key = senders[i].signature_key,
            .credential = { senders[i].credential.type, senders[i].credential.body },
        };

        external_sender_write(&list, &s);
    }
    vector_write(&data, buf_span(&list));
    if (buf_error(&list) != 0 || buf_error(&data) != 0)
        return buf_error(&list) == -ENOMEM || buf_error(&data) == -ENOMEM ? -ENOMEM
                                                                         : MW_MLS_E_TOO_BIG;
    return put_extension(extensions, EXT_EXTERNAL_SENDERS, buf_span(&data), out);
}
