/*
 * What a meeting needs on top of MLS: rules that every member holds every other to, agreed in the
 * group context, so that the relay can neither relax them nor plant a member; and senders outside
 * the group that may propose.
 */
#ifndef MIDWATCH_MLS_MEETING_H
#define MIDWATCH_MLS_MEETING_H

#include <midwatch/mls_group.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MW_MLS_EXT_MEETING 0xF4D1       /* private use (17.3): members must list it */
#define MW_MLS_HOSTS_MAX   64

struct mw_mls_policy {
    const struct mw_span *hosts;/* signature keys; once there are any, an Add counts only when a
                                 * host proposed or committed it, and only hosts propose changes
                                 * of the policy.  A host's commit takes somebody else's Add only
                                 * if its app has an allow(), which is asked.  The keys are all
                                 * that counts: a host with another key is none, and a host that
                                 * was removed joins by itself again, as long as its key is here */
    size_t hosts_count;
    bool locked;                /* nobody is added, nobody joins, not even by a host */
    bool external_removes_only; /* an external sender may propose Remove and nothing else */
    struct mw_span link_psk;    /* id of an external PSK that every commit with an Add, and every
                                 * external commit, must hold: the secret in the meeting's link */
};

/* The policy as a group context extension, appended to extensions as they travel. */
MW_API MW_MUST_CHECK int mw_mls_policy_write(const struct mw_mls_policy *p,
                                             struct mw_span extensions, struct mw_mls_bytes *out);
/* The group's; hosts: room for MW_MLS_HOSTS_MAX.  All zero when it has none. */
MW_API void mw_mls_policy_of(const struct mw_mls_group *g, struct mw_mls_policy *out,
                             struct mw_span *hosts);

/* An external sender (12.1.8.1), as it stands in the group context. */
struct mw_mls_external_sender {
    struct mw_span signature_key;
    struct mw_mls_credential credential;
};
MW_API MW_MUST_CHECK int mw_mls_external_senders_write(const struct mw_mls_external_sender *senders,
                                                       size_t count, struct mw_span extensions,
                                                       struct mw_mls_bytes *out);
/* Proposes from outside: index in external_senders, signing_key its private key. */
MW_API MW_MUST_CHECK int mw_mls_external_propose(const struct mw_mls_app *app, uint16_t suite,
                                                 struct mw_span group_id, uint64_t epoch,
                                                 uint32_t index, struct mw_span signing_key,
                                                 const struct mw_mls_proposal *p,
                                                 struct mw_mls_bytes *message);
/* Asks to be added (12.1.8, new_member_proposal). */
MW_API MW_MUST_CHECK int mw_mls_ask_to_join(const struct mw_mls_app *app,
                                            const struct mw_mls_key_package *kp,
                                            struct mw_span group_id, uint64_t epoch,
                                            struct mw_mls_bytes *message);

/* A judge for X.509 credentials on the trust engine (midwatch/trust.h).  context: the struct
 * mw_policy, of purpose MW_CLIENT_AUTH; Ed25519 and Ed448 keys take an authority that was added as
 * MW_ANCHOR_LOCAL, since public ones may not certify them.  Said yes to (0) is
 *     a credential of 1 to 20 certificates, leaf first,
 *     which the policy finds private at `now`, without any error,
 *     whose leaf certificate has the signature key as its key, on the suite's curve,
 *     and, where it takes another's place, has that one's subject, which is not empty.
 * No name is looked at: whom a subject names, and whether they belong here, is the application's
 * to say, with a judge of its own around this one or mw_mls_app.allow.  Revocation is not asked
 * for.  > 0: no.  -ENOMEM: not judged.  Basic credentials: no. */
struct mw_policy;
MW_API int mw_mls_judge_x509(void *context, const struct mw_mls_credential *who,
                             struct mw_span signature_key, const struct mw_mls_credential *before,
                             struct mw_wall now);
/* mw_mls_app.name for them: the leaf certificate's subject, in DER.  > 0: none, or an empty one. */
MW_API int mw_mls_name_x509(void *context, const struct mw_mls_credential *who,
                            struct mw_span *out);

#ifdef __cplusplus
}
#endif

#endif
