#include "meet/group/leaf.h"

#include "meet/group/policy.h"

/* 7.2: the defaults that everybody has and nobody need list. */
static bool extension_default(uint16_t type)
{
    return type >= EXT_APPLICATION_ID && type <= EXT_EXTERNAL_SENDERS;
}

static bool proposal_default(uint16_t type)
{
    return type >= PROPOSAL_ADD && type <= PROPOSAL_EXTENSIONS;
}

struct mw_mls_credential leaf_credential(const struct leaf_node *v)
{
    return (struct mw_mls_credential){ .type = v->credential.type, .body = v->credential.body };
}

/* The numbers of a list, one bit each: lists are as long as an attacker likes, and looking each
 * of one up in another costs their product. */
struct numbers {
    struct mw_span list;
    uint8_t bits[0x10000 / 8];
    bool filled;
};

static bool numbers_have(struct numbers *n, uint16_t v)
{
    struct reader r = { .rest = n->list };

    if (!n->filled)
        memset(n->bits, 0, sizeof(n->bits));
    n->filled = true;
    while (read_more(&r)) {
        uint16_t one = read_u16(&r);

        n->bits[one >> 3] |= (uint8_t)(1u << (one & 7));
    }
    n->list = r.rest;
    return (n->bits[v >> 3] >> (v & 7) & 1) != 0;
}

static bool lists_have(struct mw_span wanted, struct mw_span have, bool (*by_default)(uint16_t))
{
    struct reader r = { .rest = wanted };
    struct numbers LEFT_UNSET all;

    all.list = have;
    all.filled = false;
    while (read_more(&r)) {
        uint16_t type = read_u16(&r);

        if (by_default != NULL && by_default(type))
            continue;
        if (!numbers_have(&all, type))
            return false;
    }
    return true;
}

/* Every extension of the list is a default one, or listed. */
static bool extensions_listed(struct mw_span extensions, struct mw_span listed)
{
    struct reader r = { .rest = extensions };
    struct numbers LEFT_UNSET all;

    all.list = listed;
    all.filled = false;
    while (read_more(&r)) {
        struct extension e;

        extension_read(&e, &r);
        if (!extension_default(e.type) && !numbers_have(&all, e.type))
            return false;
    }
    return true;
}

/* 7.3, 12.1.7: can it live under these group context extensions? */
static int fits_context(const struct leaf_node *v, struct mw_span extensions)
{
    struct required_capabilities need;
    struct mw_span data;

    if (!extensions_listed(extensions, v->capabilities.extensions))
        return MW_MLS_E_LEAF_UNSUPPORTED;
    if (!extension_find(extensions, EXT_REQUIRED_CAPABILITIES, &data))
        return 0;
    if (!required_capabilities_read(&need, data))
        return MW_MLS_E_EXTENSIONS;
    if (!lists_have(need.extensions, v->capabilities.extensions, extension_default) ||
        !lists_have(need.proposals, v->capabilities.proposals, proposal_default) ||
        !lists_have(need.credentials, v->capabilities.credentials, NULL))
        return MW_MLS_E_LEAF_UNSUPPORTED;
    return 0;
}

/* 13.5: what is listed so that nobody stumbles over the unknown.  Our own leaf lists one, too, and
 * MUST NOT be taken at its word for it. */
static bool is_grease(uint16_t type)
{
    return (type & 0x0F0F) == 0x0A0A && type >> 12 == (type >> 4 & 0xF) && type >> 12 != 0xF;
}

static bool supported(const struct tree *t, enum census kind, uint16_t type)
{
    return !is_grease(type) && tree_supporters(t, kind, type) == tree_members(t);
}

static bool all_support(const struct tree *t, enum census kind, struct mw_span list,
                        bool (*by_default)(uint16_t))
{
    struct reader r = { .rest = list };

    while (read_more(&r)) {
        uint16_t type = read_u16(&r);

        if (by_default != NULL && by_default(type))
            continue;
        if (!supported(t, kind, type))
            return false;
    }
    return true;
}

/* 11.1, 12.1.8.1: what of the context has a form of its own. */
static int check_form(struct suited s, struct mw_span extensions)
{
    struct required_capabilities need;
    struct policy policy;
    struct mw_span data;

    if (extension_find(extensions, EXT_REQUIRED_CAPABILITIES, &data) &&
        !required_capabilities_read(&need, data))
        return MW_MLS_E_EXTENSIONS;
    if (!policy_read(&policy, extensions))
        return MW_MLS_E_EXTENSIONS;
    if (extension_find(extensions, EXT_EXTERNAL_SENDERS, &data)) {
        struct reader r = { .rest = data };
        struct reader list = { .rest = vector_read(&r) };

        if (!read_done(&r))
            return MW_MLS_E_EXTENSIONS;
        while (read_more(&list)) {
            struct mw_span key = vector_read(&list);
            struct credential c;

            credential_read(&c, &list);
            if (key.len != crypt_verifier_size(s.suite->signer))
                return MW_MLS_E_EXTENSIONS;
        }
        if (list.failed)
            return MW_MLS_E_EXTENSIONS;
    }
    return 0;
}

int extensions_fit(const struct tree *t, struct suited s, struct mw_span extensions)
{
    struct required_capabilities need;
    struct reader r = { .rest = extensions };
    struct mw_span data;
    int e = check_form(s, extensions);

    if (e != 0)
        return e;
    while (read_more(&r)) {
        struct extension x;

        extension_read(&x, &r);
        if (!extension_default(x.type) && !supported(t, CENSUS_EXTENSION, x.type))
            return MW_MLS_E_EXTENSIONS;
    }
    if (r.failed)
        return MW_MLS_E_EXTENSIONS;
    if (!extension_find(extensions, EXT_REQUIRED_CAPABILITIES, &data))
        return 0;
    if (!required_capabilities_read(&need, data) ||
        !all_support(t, CENSUS_EXTENSION, need.extensions, extension_default) ||
        !all_support(t, CENSUS_PROPOSAL, need.proposals, proposal_default) ||
        !all_support(t, CENSUS_CREDENTIAL, need.credentials, NULL))
        return MW_MLS_E_EXTENSIONS;
    return 0;
}

int external_senders_judge(const struct leaf_place *p, struct mw_span before, struct mw_span after)
{
    struct mw_span now = { NULL, 0 }, then = { NULL, 0 };
    struct reader r = { 0 };

    if (!extension_find(after, EXT_EXTERNAL_SENDERS, &then))
        return 0;
    if (extension_find(before, EXT_EXTERNAL_SENDERS, &now) && span_eq(now, then))
        return 0;
    if (!external_senders_read(then, &r.rest))
        return MW_MLS_E_EXTENSIONS;
    while (read_more(&r)) {
        struct external_sender sender;
        struct mw_mls_credential who;
        int e;

        external_sender_read(&sender, &r);
        who = (struct mw_mls_credential){ sender.credential.type, sender.credential.body };
        e = p->app->judge(p->app->context, &who, sender.signature_key, NULL, p->now);
        if (e != 0)
            return e > 0 ? MW_MLS_E_CREDENTIAL : e;
    }
    return 0;
}

static int check_signature(const struct leaf_place *p, const struct leaf_node *v)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_span content = v->signed_part;

    /* 7.2: an update's and a commit's leaf is signed for its group and its place. */
    if (v->source != LEAF_KEY_PACKAGE) {
        buf_add(&b, v->signed_part);
        vector_write(&b, p->group_id);
        buf_u32(&b, p->index);
        if (buf_error(&b) != 0)
            return buf_error(&b);
        content = buf_span(&b);
    }
    return group_error_crypt(label_verify(p->s, v->signature_key, "LeafNodeTBS", content,
                                          v->signature),
                             MW_MLS_E_LEAF_SIGNATURE);
}

/* 7.2, 7.3: what it uses itself it must list. */
static int check_capabilities(const struct leaf_place *p, const struct leaf_node *v)
{
    if (!u16_list_has(v->capabilities.versions, MLS_VERSION) ||
        !u16_list_has(v->capabilities.suites, p->s.suite->number) ||
        !u16_list_has(v->capabilities.credentials, v->credential.type) ||
        !extensions_listed(v->extensions, v->capabilities.extensions))
        return MW_MLS_E_LEAF_CAPABILITIES;
    return 0;
}

static int check_keys(const struct leaf_place *p, const struct leaf_node *v)
{
    if (v->signature_key.len != crypt_verifier_size(p->s.suite->signer))
        return MW_MLS_E_KEY;
    if (p->before != NULL && span_eq(p->before->encryption_key, v->encryption_key))
        return MW_MLS_E_KEY_SAME;
    return group_error_crypt(crypt_point_check(p->s.crypto, p->s.suite->group,
                                               v->encryption_key),
                             MW_MLS_E_KEY);
}

/* 7.2: for longer than is taken MUST be rejected, wherever the leaf stands. */
static int check_lifetime_length(const struct leaf_place *p, const struct leaf_node *v)
{
    uint64_t most = p->app->lifetime_max_s;

    if (v->source != LEAF_KEY_PACKAGE)
        return 0;
    if (most == 0)
        most = 90u * 86400u + 3600u;
    return v->not_after < v->not_before || v->not_after - v->not_before > most
               ? MW_MLS_E_LIFETIME
               : 0;
}

/* 7.3: and valid now, when it comes. */
static int check_lifetime(const struct leaf_place *p, const struct leaf_node *v)
{
    uint64_t now = p->now.s > 0 ? (uint64_t)p->now.s : 0;

    return v->source == LEAF_KEY_PACKAGE && (now < v->not_before || now > v->not_after)
               ? MW_MLS_E_LIFETIME
               : 0;
}

static int check_credential(const struct leaf_place *p, const struct leaf_node *v)
{
    struct mw_mls_credential who = leaf_credential(v), before;
    int e;

    if (p->before != NULL) {
        before = leaf_credential(p->before);
        /* The same credential for the same key was judged when it came. */
        if (before.type == who.type && span_eq(before.body, who.body) &&
            span_eq(p->before->signature_key, v->signature_key))
            return 0;
    }
    e = p->app->judge(p->app->context, &who, v->signature_key,
                      p->before != NULL ? &before : NULL, p->now);
    return e > 0 ? MW_MLS_E_CREDENTIAL : e;
}

int leaf_check_standing(const struct leaf_place *p, const struct leaf_node *v)
{
    int e = check_lifetime_length(p, v);

    /* Everybody holds it, and gives it to everybody new: the RFC has no limit, memory has. */
    if (v->wire.len > MW_MLS_LEAF_MAX)
        return MW_MLS_E_TOO_BIG;
    if (e == 0)
        e = check_capabilities(p, v);
    if (e == 0)
        e = check_keys(p, v);
    if (e == 0)
        e = check_signature(p, v);
    return e != 0 ? e : check_credential(p, v);
}

int leaf_check(const struct leaf_place *p, const struct leaf_node *v, enum leaf_source source)
{
    int e;

    if (v->source != source)
        return MW_MLS_E_LEAF_SOURCE;
    e = check_lifetime(p, v);
    return e != 0 ? e : leaf_check_standing(p, v);
}

int key_package_check(const struct leaf_place *p, const struct key_package *v)
{
    int e;

    if (v->version != MLS_VERSION)
        return MW_MLS_E_VERSION;
    if (v->suite != p->s.suite->number)
        return MW_MLS_E_SUITE;
    if (span_eq(v->init_key, v->leaf.encryption_key))
        return MW_MLS_E_INIT_KEY;
    e = group_error_crypt(crypt_point_check(p->s.crypto, p->s.suite->group, v->init_key),
                          MW_MLS_E_KEY);
    if (e != 0)
        return e;
    e = label_verify(p->s, v->leaf.signature_key, "KeyPackageTBS", v->signed_part, v->signature);
    e = group_error_crypt(e, MW_MLS_E_KEY_PACKAGE_SIGNATURE);
    return e != 0 ? e : leaf_check(p, &v->leaf, LEAF_KEY_PACKAGE);
}

int leaf_fits(const struct tree *t, const struct leaf_node *v, struct mw_span extensions)
{
    /* 7.3: everybody takes its credential's type, and it takes everybody's. */
    if (tree_supporters(t, CENSUS_CREDENTIAL, v->credential.type) != tree_members(t) ||
        !tree_credentials_in(t, v->capabilities.credentials))
        return MW_MLS_E_CREDENTIAL_UNSUPPORTED;
    return fits_context(v, extensions);
}
