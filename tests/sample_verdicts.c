#include "sample_verdicts.h"

#include "base/compiler.h"

#define NOW        1780315200   /* 2026-06-01T12:00:00Z */
#define DAY        86400
#define BYTES(s)   { (const uint8_t *)(s), sizeof(s) - 1 }
#define HEX32(h)   h ":" h ":" h ":" h ":" h ":" h ":" h ":" h

#define FORTINET_DN \
    "CN=FGT60F0000000001,OU=Certificate Authority,O=Fortinet,L=Sunnyvale,ST=California,C=US"

static const char *const meet_names[] = { "DNS:meet.example.com", "DNS:*.meet.example.com" };
static const char *const expired_names[] = { "DNS:*.old.test", "DNS:old.test" };
static const char *const meet_scts[] = {
    "Example Log 2026h1, 2026-05-04T10:00:00Z, verified",
    "Another Log 2026h1, 2026-05-04T10:00:01Z, verified",
};
static const char *const meet_crls[] = { "http://crl.ca.example/1.crl" };

#define EXAMPLE_CA                                                                              \
    {                                                                                           \
        .der = BYTES("\x30\x03\x02\x01\x02"),                                                   \
        .subject = "CN=Example TLS CA 1,O=Example Trust,C=AT",                                  \
        .issuer = "CN=Example Root,O=Example Trust,C=AT",                                       \
        .short_subject = "Example TLS CA 1", .short_issuer = "Example Root",                    \
        .not_before = { NOW - 800 * DAY }, .not_after = { NOW + 1000 * DAY },                   \
        .serial = "02", .key = "EC P-384", .signature = "ecdsa-with-SHA384",                    \
        .sha256 = HEX32("11:22:33:44"), .sha1 = "11:22",                                        \
        .spki = "sha256/BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=",                          \
        .is_ca = true, .in_path = true, .sent = true,                                           \
    }

#define EXAMPLE_ROOT                                                                            \
    {                                                                                           \
        .der = BYTES("\x30\x03\x02\x01\x03"),                                                   \
        .subject = "CN=Example Root,O=Example Trust,C=AT",                                      \
        .issuer = "CN=Example Root,O=Example Trust,C=AT",                                       \
        .short_subject = "Example Root", .short_issuer = "Example Root",                        \
        .not_before = { NOW - 4000 * DAY }, .not_after = { NOW + 4000 * DAY },                  \
        .serial = "01", .key = "RSA 4096", .signature = "sha256WithRSAEncryption",              \
        .sha256 = HEX32("55:66:77:88"), .sha1 = "55:66",                                        \
        .spki = "sha256/CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC=",                          \
        .is_ca = true, .self_issued = true, .in_path = true, .anchor = MW_ANCHOR_PUBLIC,        \
    }

static const struct mw_cert_view public_chain[] = {
    {
        .der = BYTES("\x30\x03\x02\x01\x01"),
        .subject = "CN=meet.example.com",
        .issuer = "CN=Example TLS CA 1,O=Example Trust,C=AT",
        .short_subject = "meet.example.com",
        .short_issuer = "Example TLS CA 1",
        .names = meet_names, .n_names = 2,
        .not_before = { NOW - 28 * DAY }, .not_after = { NOW + 12 * DAY },
        .serial = "04A1B2C3D4E5F60718293A4B5C6D7E8F",
        .key = "EC P-256", .signature = "ecdsa-with-SHA256",
        .sha256 = HEX32("0A:1B:2C:3D"), .sha1 = "0A:1B",
        .spki = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        .in_path = true, .sent = true,
        .scts = meet_scts, .n_scts = 2, .crl_urls = meet_crls, .n_crl_urls = 1,
    },
    EXAMPLE_CA,
    EXAMPLE_ROOT,
};

static const struct mw_cert_view gateway_chain[] = {
    {
        .der = BYTES("\x30\x03\x02\x01\x04"),
        .subject = "CN=meet.example.com",
        .issuer = FORTINET_DN,
        .short_subject = "meet.example.com", .short_issuer = "FGT60F0000000001",
        .names = meet_names, .n_names = 2,
        .not_before = { NOW - 28 * DAY }, .not_after = { NOW + 300 * DAY },
        .serial = "77", .key = "RSA 2048", .signature = "sha256WithRSAEncryption",
        .sha256 = HEX32("99:AA:BB:CC"), .sha1 = "99:AA",
        .spki = "sha256/DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD=",
        .in_path = true, .sent = true,
    },
    {
        .der = BYTES("\x30\x03\x02\x01\x05"),
        .subject = FORTINET_DN,
        .issuer = FORTINET_DN,
        .short_subject = "FGT60F0000000001", .short_issuer = "FGT60F0000000001",
        .not_before = { NOW - 800 * DAY }, .not_after = { NOW + 2000 * DAY },
        .serial = "01", .key = "RSA 2048", .signature = "sha256WithRSAEncryption",
        .sha256 = HEX32("DD:EE:FF:00"), .sha1 = "DD:EE",
        .spki = "sha256/EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE=",
        .is_ca = true, .self_issued = true, .in_path = true, .anchor = MW_ANCHOR_LOCAL,
    },
};

static const struct mw_cert_view expired_chain[] = {
    {
        .der = BYTES("\x30\x03\x02\x01\x06"),
        .subject = "CN=*.old.test", .issuer = "CN=Example TLS CA 1,O=Example Trust,C=AT",
        .short_subject = "*.old.test", .short_issuer = "Example TLS CA 1",
        .names = expired_names, .n_names = 2,
        .not_before = { NOW - 93 * DAY }, .not_after = { NOW - 3 * DAY },
        .serial = "0BAD", .key = "EC P-256", .signature = "ecdsa-with-SHA256",
        .sha256 = HEX32("01:23:45:67"), .sha1 = "01:23",
        .spki = "sha256/FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF=",
        .in_path = true, .sent = true,
    },
    EXAMPLE_CA,
    EXAMPLE_ROOT,
};

static const struct mw_evidence meet_ev = {
    .host = "meet.example.com", .port = 443, .now = { NOW }, .reach = MW_REACH_HANDSHAKE,
    .tls = { .version = 0x0304, .cipher_suite = 0x1301, .cipher_name = "TLS_AES_128_GCM_SHA256",
             .group = 29, .signature_scheme = 0x0403, .alpn = "h2" },
    .local = { .looked = MW_SEEN_YES, .peer_address = "192.0.2.10" },
};


static const struct mw_finding private_findings[] = {
    { .code = MW_CONTROLS_DIFFER, .severity = MW_GOOD, .certainty = MW_LIKELY, .cert = -1,
      .evidence = "3 of 3 control sites carry other keys, under other authorities" },
    { .code = MW_EXPIRES_SOON, .severity = MW_NOTE, .certainty = MW_CERTAIN, .cert = 0,
      .evidence = "the certificate expires in 12 days" },
};
static const struct mw_verdict private_v = {
    .outcome = MW_PRIVATE, .host = "meet.example.com", .port = 443, .at = { NOW },
    .findings = private_findings, .n_findings = ARRAY_LEN(private_findings),
    .chain = public_chain, .n_chain = 3, .n_path = 3, .anchor = MW_ANCHOR_PUBLIC,
    .revocation = { .leaf = MW_REVOCATION_GOOD, .how = "CRL", .this_update = { NOW - DAY },
                    .next_update = { NOW + 6 * DAY } },
    .clock = { .state = MW_CLOCK_RIGHT, .offset_known = true, .is_signed = true,
               .offset_ms = 430, .sources = "Roughtime \xc3\x97" "3" },
};

static const struct mw_finding inspected_findings[] = {
    { .code = MW_LOCAL_ANCHOR_ON_PUBLIC, .severity = MW_WARNING, .certainty = MW_CERTAIN,
      .cert = 1,
      .evidence = "the chain ends in \xe2\x80\x9c" "FGT60F0000000001\xe2\x80\x9d, a root that "
                  "somebody added to this computer",
      .disproof = "meet.example.com really being certified by a private authority" },
    { .code = MW_SAME_KEY_ON_CONTROLS, .severity = MW_WARNING, .certainty = MW_CERTAIN,
      .cert = -1, .evidence = "4 of 4 control sites are signed with the same key",
      .disproof = "one control site signed with another key" },
    { .code = MW_INTERCEPTOR_NAMED, .severity = MW_WARNING, .certainty = MW_CERTAIN, .cert = 1,
      .evidence = "the issuer is one that FortiGate (Fortinet) makes",
      .disproof = "somebody having copied that name on purpose" },
    { .code = MW_NO_PUBLIC_SCTS, .severity = MW_NOTE, .certainty = MW_LIKELY, .cert = 0,
      .evidence = "the certificate carries no SCTs, as public ones must" },
    { .code = MW_VPN_UP, .severity = MW_NOTE, .certainty = MW_CERTAIN, .cert = -1,
      .evidence = "tun0 carries this connection" },
};
static const struct mw_reader fortigate[] = {
    { .product = "FortiGate", .vendor = "Fortinet", .kind = "corporate-gateway",
      .issuer = "FGT60F0000000001", .key = "sha256/EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE=",
      .place = MW_PLACE_THIS_NETWORK, .certainty = MW_CERTAIN, .named_certainty = MW_CERTAIN,
      .place_certainty = MW_LIKELY },
};
static const struct mw_evidence inspected_ev = {
    .host = "meet.example.com", .port = 443, .now = { NOW }, .reach = MW_REACH_HANDSHAKE,
    .tls = { .version = 0x0303, .cipher_suite = 0xc02f,
             .cipher_name = "ECDHE-RSA-AES128-GCM-SHA256", .group = 23 },
    .local = { .looked = MW_SEEN_YES, .peer_address = "192.0.2.10", .vpn_interface = "tun0",
               .proxy = "http://user:secret@proxy.example:3128", .proxy_from = "HTTPS_PROXY",
               .proxy_used = true },
};
static const struct mw_verdict inspected_v = {
    .outcome = MW_INSPECTED, .host = "meet.example.com", .port = 443, .at = { NOW },
    .findings = inspected_findings, .n_findings = ARRAY_LEN(inspected_findings),
    .chain = gateway_chain, .n_chain = 2, .n_path = 2, .anchor = MW_ANCHOR_LOCAL,
    .readers = fortigate, .n_readers = 1,
    .revocation = { .leaf = MW_REVOCATION_NO_MECHANISM },
    .clock = { .state = MW_CLOCK_RIGHT, .offset_known = true, .is_signed = true,
               .offset_ms = 430, .sources = "Roughtime \xc3\x97" "3" },
    .missing = MW_MISSING_CAA,
};

static const struct mw_finding expired_findings[] = {
    { .code = MW_EXPIRED, .severity = MW_ERROR, .certainty = MW_CERTAIN, .cert = 0,
      .evidence = "the certificate expired 3 days ago, on 2026-05-29" },
    { .code = MW_NAME_TOO_DEEP, .severity = MW_ERROR, .certainty = MW_CERTAIN, .cert = 0,
      .evidence = "*.old.test covers one label, a.b.old.test has two" },
};
static const struct mw_evidence expired_ev = {
    .host = "a.b.old.test", .port = 8443, .now = { NOW }, .reach = MW_REACH_HANDSHAKE,
    .tls = { .version = 0x0304, .cipher_name = "TLS_AES_256_GCM_SHA384", .group = 4588 },
};
static const struct mw_verdict expired_v = {
    .outcome = MW_UNTRUSTED, .host = "a.b.old.test", .port = 8443, .at = { NOW },
    .findings = expired_findings, .n_findings = ARRAY_LEN(expired_findings),
    .chain = expired_chain, .n_chain = 3, .n_path = 3, .anchor = MW_ANCHOR_PUBLIC,
    .revocation = { .leaf = MW_REVOCATION_COULD_NOT_CHECK, .reason = "the CRL did not answer" },
    .clock = { .state = MW_CLOCK_NO_ANSWER },
    .missing = MW_MISSING_CRL | MW_MISSING_TIME,
};

static const struct mw_finding clock_findings[] = {
    { .code = MW_CLOCK_WRONG, .severity = MW_ERROR, .certainty = MW_CERTAIN, .cert = -1,
      .evidence = "this computer's clock is 6 years ahead, says Roughtime; at the true time the "
                  "certificate is valid",
      .disproof = "the time servers all being wrong" },
};
static const struct mw_verdict clock_v = {
    .outcome = MW_UNTRUSTED, .host = "meet.example.com", .port = 443,
    .at = { NOW + 6 * 365 * (int64_t)DAY },
    .findings = clock_findings, .n_findings = 1,
    .chain = public_chain, .n_chain = 3, .n_path = 3, .anchor = MW_ANCHOR_PUBLIC,
    .clock = { .state = MW_CLOCK_TO_BLAME, .offset_known = true, .is_signed = true,
               .offset_ms = -6 * 365 * (int64_t)DAY * 1000, .sources = "Roughtime \xc3\x97" "3",
               .lower_bound = { NOW - 100 * DAY }, .lower_bound_from = "the day this was built",
               .valid_at_true_time = true },
};

static const struct mw_finding reset_findings[] = {
    { .code = MW_RESET_IN_HANDSHAKE, .severity = MW_WARNING, .certainty = MW_CERTAIN, .cert = -1,
      .evidence = "the connection was reset 3 ms after the ClientHello" },
};
static const struct mw_evidence reset_ev = {
    .host = "192.0.2.7", .port = 443, .now = { NOW }, .reach = MW_REACH_RESET,
    .reach_detail = "reset after 3 ms",
};
static const struct mw_verdict reset_v = {
    .outcome = MW_BLOCKED, .host = "192.0.2.7", .port = 443, .at = { NOW },
    .findings = reset_findings, .n_findings = 1,
};

static const struct mw_finding dns_findings[] = {
    { .code = MW_DNS_FAILED, .severity = MW_WARNING, .certainty = MW_CERTAIN, .cert = -1,
      .evidence = "no such name: nothere.test" },
};
static const struct mw_evidence dns_ev = {
    .host = "nothere.test", .port = 443, .now = { NOW }, .reach = MW_REACH_DNS_FAILED,
};
static const struct mw_verdict dns_v = {
    .outcome = MW_UNREACHABLE, .host = "nothere.test", .port = 443, .at = { NOW },
    .findings = dns_findings, .n_findings = 1,
};

const struct sample samples[] = {
    { "private", &meet_ev, &private_v },     { "inspected", &inspected_ev, &inspected_v },
    { "expired", &expired_ev, &expired_v },  { "clock", &meet_ev, &clock_v },
    { "blocked", &reset_ev, &reset_v },      { "unreachable", &dns_ev, &dns_v },
};
const size_t n_samples = ARRAY_LEN(samples);
