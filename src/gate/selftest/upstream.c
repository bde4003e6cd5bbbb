/*
 * Points 1 to 24: certificates that a gate must refuse in its clients' stead, and the few that
 * look odd and are sound.
 */
#include <stdio.h>
#include <string.h>

#include "gate/selftest/points.h"

/* Points that one or more of the lab's cases show. */
#define CASES(fn, names)                                                                           \
    static void fn(struct trial *t)                                                                \
    {                                                                                              \
        expect_cases_refused(t, names);                                                            \
    }

CASES(self_signed, "self-signed")
CASES(untrusted_root, "untrusted-root untrusted-root-sent")
CASES(wrong_host, "wrong-host other-tenant too-deep apex gateway-name")
CASES(bad_signature, "bad-signature")
CASES(expired, "expired expired-yesterday")
CASES(expired_intermediate, "intermediate-expired")
CASES(not_yet_valid, "not-yet-valid")
CASES(not_a_ca, "not-a-ca")
CASES(path_length, "path-length")
CASES(unknown_critical, "critical-extension")
CASES(revoked, "revoked staple-revoked")
CASES(revoked_intermediate, "revoked-intermediate")
CASES(wrong_purpose, "wrong-purpose ca-wrong-purpose")
CASES(no_cert_sign, "ca-key-usage")
CASES(weak_rsa, "rsa1024 rsa512")
CASES(weak_digest, "md5 sha1 sha1-intermediate")
CASES(known_bad, "superfish edellroot dsdtestprovider")

/* Who is named as the issuer did not sign: another key under the authority's own name, once
 * with key identifiers that give it away and once without. */
static void fake_issuer(struct trial *t)
{
    const char *host = "alike.selftest.test";

    for (int bare = 0; bare < 2; bare++) {
        const struct mill_spec ca = { .subject = "CN=Midwatch selftest root,O=Midwatch selftest",
                                      .ca = true, .no_key_ids = bare == 1 };
        struct mill_cert *fake = NULL, *chain[1] = { NULL };
        struct mill_spec spec = { .subject = "CN=alike.selftest.test",
                                  .names = "DNS:alike.selftest.test", .no_key_ids = bare == 1 };
        int r = stand_mint(t->stand, ca, MILL_P256, NULL, &fake);

        if (r == 0)
            r = stand_mint(t->stand, spec, MILL_P256, fake, &chain[0]);
        expect(t, r == 0, "a certificate for %s: %s", host, strerror(-r));
        if (r == 0)
            expect_chain(t, host, chain, 1, true);
        mill_cert_free(chain[0]);
        mill_cert_free(fake);
    }
    note(t, "an authority of a trusted one's name, with and without key identifiers: no trusted "
            "leaf");
}

/* A leaf below an intermediate of our making. */
static void below(struct trial *t, const char *host, struct mill_spec ca, bool refused)
{
    char names[128], subject[128];
    struct mill_cert *middle = NULL, *chain[2] = { NULL, NULL };
    int r = stand_mint(t->stand, ca, MILL_P256, NULL, &middle);

    snprintf(names, sizeof(names), "DNS:%s", host);
    snprintf(subject, sizeof(subject), "CN=%s", host);
    if (r == 0)
        r = stand_mint(t->stand, (struct mill_spec){ .subject = subject, .names = names },
                       MILL_P256, middle, &chain[0]);
    chain[1] = middle;
    expect(t, r == 0, "a certificate for %s: %s", host, strerror(-r));
    if (r == 0)
        expect_chain(t, host, chain, 2, refused);
    mill_cert_free(chain[0]);
    mill_cert_free(middle);
}

static void version_1(struct trial *t)
{
    below(t, "v1.selftest.test", (struct mill_spec){ .subject = "CN=Sound", .ca = true }, false);
    below(t, "v1.selftest.test", (struct mill_spec){ .subject = "CN=Old", .version = 1 }, true);
    note(t, "below an intermediate of version 3 inspected, of version 1 no trusted leaf");
}

static void name_constraint(struct trial *t)
{
    expect_cases_inspected(t, "name-constraint-met");
    expect_cases_refused(t, "name-constraint");
    note(t, "name-constraint: no trusted leaf; name-constraint-met: inspected");
}

static void malformed(struct trial *t)
{
    static const uint8_t cut[] = { 0x30, 0x0a, 0x01 }, usage[] = { 0x04, 0x01, 0xff };
    static const struct mill_extension wrong[] = {
        { "2.5.29.19", true, { cut, sizeof(cut) } },            /* basicConstraints */
        { "2.5.29.15", true, { usage, sizeof(usage) } },        /* keyUsage */
        { "2.5.29.37", false, { cut, sizeof(cut) } },           /* extKeyUsage */
        { "2.5.29.17", false, { cut, sizeof(cut) } },           /* subjectAltName */
    };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct mill_cert *chain[1] = { NULL };
        struct mill_spec spec = { .subject = "CN=broken.selftest.test",
                                  .names = "DNS:broken.selftest.test", .extra = &wrong[i],
                                  .n_extra = 1 };
        int r = stand_mint(t->stand, spec, MILL_P256, NULL, &chain[0]);

        expect(t, r == 0, "extension %s: %s", wrong[i].oid, strerror(-r));
        if (r == 0)
            expect_chain(t, "broken.selftest.test", chain, 1, true);
        mill_cert_free(chain[0]);
    }
    note(t, "basicConstraints, keyUsage, extKeyUsage, subjectAltName: no trusted leaf for any");
}

/* The gate asked for a server that is reached through the gate: what it sees is its own work,
 * and its root is among the roots it was given. */
static void own_ca(struct trial *t)
{
    struct stand *s = t->stand;
    struct origin o;
    char target[64];
    struct origin_plan plan = { .kind = ORIGIN_LOOPS, .target = target, .to = s->gate.port };
    int r;

    snprintf(target, sizeof(target), "good.lab.test:%u", s->lab_port);
    r = origin_start(&o, &plan);
    expect(t, r == 0, "a way back into the gate: %s", strerror(-r));
    if (r == 0) {
        const struct call direct = { .host = "good.lab.test", .port = o.port, .direct = true };
        struct answer a;

        if (trial_call(t, &s->gate, &direct, &a))
            expect(t, a.trusted, "the way back does not lead to the gate's own leaf");
        answer_deinit(&a);
        expect_refused(t, "good.lab.test", o.port);
    }
    origin_stop(&o);
    note(t, "a server that shows the gate's own leaf, with the gate's root among its roots: no "
            "trusted leaf");
}

static void common_name(struct trial *t)
{
    expect_cases_refused(t, "no-san");
    expect_cases_inspected(t, "no-common-name no-subject");
    note(t, "no-san: no trusted leaf; no-common-name, no-subject: inspected");
}

static void addresses(struct trial *t)
{
    static const struct {
        const char *names;
        bool refused;
    } tries[] = {
        { "IP:127.0.0.1", false },
        { "IP:127.0.0.2", true },
        { "DNS:127.0.0.1", true },
        { "IP:::ffff:127.0.0.1", true },
    };

    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        struct mill_cert *chain[1] = { NULL };
        struct mill_spec spec = { .subject = "CN=127.0.0.1", .names = tries[i].names };
        struct origin o = { .told = -1 };
        struct answer a = { 0 };
        int r = stand_mint(t->stand, spec, MILL_P256, NULL, &chain[0]);

        if (r == 0)
            r = origin_start(&o, &(struct origin_plan){ .chain = chain, .n = 1 });
        expect(t, r == 0, "%s: %s", tries[i].names, strerror(-r));
        if (r == 0 && trial_call(t, &t->stand->gate,
                                 &(struct call){ .host = "127.0.0.1", .port = o.port, .sni = "" },
                                 &a)) {
            expect(t, tries[i].refused || (a.trusted && a.named && a.status == 200),
                   "%s is not taken for 127.0.0.1 (HTTP %d)", tries[i].names, a.status);
            expect(t, !tries[i].refused || !(a.greeted && a.trusted),
                   "%s is taken for 127.0.0.1", tries[i].names);
        }
        answer_deinit(&a);
        origin_stop(&o);
        mill_cert_free(chain[0]);
    }
    note(t, "IP:127.0.0.1 inspected; IP:127.0.0.2, DNS:127.0.0.1, IP:::ffff:127.0.0.1: no "
            "trusted leaf");
}

static const struct point points[] = {
    { 1, "a self-signed certificate is refused", self_signed },
    { 2, "an untrusted root is refused", untrusted_root },
    { 3, "a certificate for another host is refused", wrong_host },
    { 4, "a signature that does not hold is refused", bad_signature },
    { 5, "an issuer's name with another key is refused", fake_issuer },
    { 6, "an expired certificate is refused", expired },
    { 7, "an expired intermediate is refused", expired_intermediate },
    { 8, "a certificate that is not valid yet is refused", not_yet_valid },
    { 9, "an intermediate that is no CA is refused", not_a_ca },
    { 10, "an intermediate of X.509 version 1 is refused", version_1 },
    { 11, "a violated path length is refused", path_length },
    { 12, "a violated name constraint is refused", name_constraint },
    { 13, "an unknown critical extension is refused", unknown_critical },
    { 14, "a malformed extension is refused", malformed },
    { 15, "a revoked certificate is refused", revoked },
    { 16, "a revoked intermediate is refused", revoked_intermediate },
    { 17, "a certificate for another purpose is refused", wrong_purpose },
    { 18, "an issuer without keyCertSign is refused", no_cert_sign },
    { 19, "RSA below 2048 bits is refused", weak_rsa },
    { 20, "MD5 and SHA-1 signatures are refused", weak_digest },
    { 21, "roots known to be bad are refused", known_bad },
    { 22, "the gate's own CA on a server is refused", own_ca },
    { 23, "a name in the subject alone is refused, in the SAN alone taken", common_name },
    { 24, "an address matches byte for byte", addresses },
};

const struct point_table points_upstream = { points, ARRAY_LEN(points) };
