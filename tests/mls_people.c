#include "mls_people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* xorshift64*: no test hangs on its quality. */
static int fill(void *context, uint8_t *out, size_t len)
{
    struct people *p = context;

    for (size_t i = 0; i < len; i++) {
        p->state ^= p->state >> 12;
        p->state ^= p->state << 25;
        p->state ^= p->state >> 27;
        out[i] = (uint8_t)(p->state * 0x2545F4914F6CDD1Du >> 56);
    }
    return 0;
}

static int judge(void *context, const struct mw_mls_credential *who, struct mw_span signature_key,
                 const struct mw_mls_credential *before, struct mw_wall now)
{
    const struct person *p = context;

    (void)now;
    if (p->unwanted.len > 0 && span_eq(p->unwanted, who->body))
        return 1;
    if (p->strict && before != NULL && !span_eq(before->body, who->body))
        return 1;
    return p->distrusts || who->body.len == 0 || signature_key.len == 0;
}

static int find_psk(void *context, struct mw_span id, uint8_t out[MW_MLS_PSK_MAX], size_t *len)
{
    const struct person *p = context;
    struct mw_span secret = SPAN_LIT("a shared secret");

    if (!p->has_psk || !span_eq(id, SPAN_LIT("psk")))
        return 1;
    memcpy(out, secret.data, secret.len);
    *len = secret.len;
    return 0;
}

static int allow(void *context, const struct mw_mls_change *change)
{
    struct person *p = context;

    p->asked++;
    return (p->refuses >> change->kind & 1) != 0;
}

struct mw_random people_random(struct people *p)
{
    return (struct mw_random){ fill, p };
}

void person_renew(struct people *p, struct person *who, const char *name)
{
    mw_mls_bytes_free(&who->signing_key);
    mw_mls_bytes_free(&who->signature_key);
    if (name != NULL)
        snprintf(who->name, sizeof(who->name), "%s", name);
    assert_int_equal(
        mw_mls_signature_pair(&who->app, p->suite, &who->signing_key, &who->signature_key), 0);
    who->id = (struct mw_mls_identity){
        .suite = p->suite,
        .credential = { MW_MLS_BASIC, span_str(who->name) },
        .signing_key = bytes_span(&who->signing_key),
        .signature_key = bytes_span(&who->signature_key),
    };
}

void people_open(struct people *p, uint16_t suite)
{
    *p = (struct people){ .state = 0x9E3779B97F4A7C15u, .suite = suite };
    assert_int_equal(mw_crypto_new(&p->crypto), 0);
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        struct person *who = &p->all[i];
        char name[16];

        who->app = (struct mw_mls_app){
            .crypto = p->crypto, .random = people_random(p), .context = who, .judge = judge,
            .find_psk = find_psk, .allow = allow, .past_epochs = 3,
        };
        who->has_psk = true;
        snprintf(name, sizeof(name), "member%zu", i);
        person_renew(p, who, name);
    }
}

void people_close(struct people *p)
{
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        struct person *who = &p->all[i];

        mw_mls_free(who->g);
        mw_mls_key_package_free(who->kp);
        mw_mls_bytes_free(&who->signing_key);
        mw_mls_bytes_free(&who->signature_key);
    }
    mw_crypto_free(p->crypto);
}

struct mw_span person_package(struct person *who)
{
    struct mw_wall before = { PEOPLE_NOW.s - 3600 }, after = { PEOPLE_NOW.s + 86400 };

    mw_mls_key_package_free(who->kp);
    who->kp = NULL;
    assert_int_equal(mw_mls_key_package_new(&who->kp, &who->app, &who->id, before, after), 0);
    return mw_mls_key_package_bytes(who->kp);
}

void people_found(struct people *p, struct mw_span extensions)
{
    struct person *who = &p->all[0];

    assert_int_equal(mw_mls_create(&who->g, &who->app, &who->id, SPAN_LIT("group"), extensions,
                                   PEOPLE_NOW),
                     0);
}

void people_deliver(struct people *p, const struct person *from, const struct mw_mls_bytes *m)
{
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        struct person *to = &p->all[i];
        struct mw_mls_event event;

        if (to == from || to->g == NULL || !mw_mls_active(to->g))
            continue;
        assert_string_equal(
            mw_mls_error_name(mw_mls_receive(to->g, bytes_span(m), PEOPLE_NOW, &event)),
            mw_mls_error_name(0));
    }
}

/* Whoever has a key package that this Welcome is for. */
static void welcome(struct people *p, const struct mw_mls_bytes *m)
{
    for (size_t i = 0; i < PEOPLE_MAX && m->len > 0; i++) {
        struct person *to = &p->all[i];
        int error;

        if (to->g != NULL || to->kp == NULL)
            continue;
        error = mw_mls_join(&to->g, &to->app, to->kp, bytes_span(m), (struct mw_span){ 0 }, NULL,
                            0, PEOPLE_NOW);
        if (error != MW_MLS_E_NOT_FOR_US)
            assert_string_equal(mw_mls_error_name(error), mw_mls_error_name(0));
        if (error == 0) {
            mw_mls_key_package_free(to->kp);
            to->kp = NULL;
        }
    }
}

void people_commit(struct people *p, struct person *who, const struct mw_mls_commit_options *o)
{
    struct mw_mls_committed made = { 0 };

    assert_string_equal(mw_mls_error_name(mw_mls_commit(who->g, o, PEOPLE_NOW, &made)),
                        mw_mls_error_name(0));
    people_deliver(p, who, &made.commit);
    assert_string_equal(mw_mls_error_name(mw_mls_merge(who->g)), mw_mls_error_name(0));
    welcome(p, &made.welcome);
    mw_mls_committed_free(&made);
}

void people_gather(struct people *p, size_t n)
{
    struct mw_mls_proposal adds[PEOPLE_MAX];
    struct mw_mls_commit_options o = { .proposals = adds, .count = n - 1 };

    for (size_t i = 1; i < n; i++)
        adds[i - 1] = (struct mw_mls_proposal){
            .type = MW_MLS_ADD, .key_package = person_package(&p->all[i]),
        };
    people_commit(p, &p->all[0], &o);
}

void people_propose(struct people *p, struct person *who, const struct mw_mls_proposal *what)
{
    struct mw_mls_bytes m = { 0 };

    assert_string_equal(mw_mls_error_name(mw_mls_propose(who->g, what, PEOPLE_NOW, &m)),
                        mw_mls_error_name(0));
    people_deliver(p, who, &m);
    mw_mls_bytes_free(&m);
}

void people_talk(struct people *p, struct person *who)
{
    struct mw_mls_bytes m = { 0 };

    assert_string_equal(
        mw_mls_error_name(mw_mls_protect(who->g, SPAN_LIT("hello"), SPAN_LIT("aad"), &m)),
        mw_mls_error_name(0));
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        struct person *to = &p->all[i];
        struct mw_mls_event event = { 0 };

        if (to == who || to->g == NULL || !mw_mls_active(to->g))
            continue;
        assert_string_equal(
            mw_mls_error_name(mw_mls_receive(to->g, bytes_span(&m), PEOPLE_NOW, &event)),
            mw_mls_error_name(0));
        assert_int_equal(event.kind, MW_MLS_GOT_DATA);
        assert_int_equal(event.sender_index, mw_mls_own_leaf(who->g));
        assert_true(span_eq(event.data, SPAN_LIT("hello")));
        assert_true(span_eq(event.aad, SPAN_LIT("aad")));
    }
    mw_mls_bytes_free(&m);
}

void people_agree(struct people *p)
{
    const struct person *first = NULL;

    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        struct person *who = &p->all[i];

        if (who->g == NULL || !mw_mls_active(who->g))
            continue;
        if (first == NULL)
            first = who;
        assert_int_equal(mw_mls_epoch(who->g), mw_mls_epoch(first->g));
        assert_int_equal(mw_mls_member_count(who->g), mw_mls_member_count(first->g));
        assert_true(span_eq(mw_mls_epoch_authenticator(who->g),
                            mw_mls_epoch_authenticator(first->g)));
        people_talk(p, who);
    }
}
