/* Prints lines of the gate's audit log, in both formats: the full, the empty and the hostile; for
 * the schema test. */
#include <stdio.h>
#include <stdlib.h>

#include "gate/scribe/line.h"
#include "gate/scribe/render.h"
#include "log_fixture.h"

static void print(enum gate_log_format format, const struct audit_record *r,
                  const struct log_note *note)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(LOG_LINE_MAX);
    const struct render how = { .format = format, .gateway = "gate.test", .note = note };
    struct line_link link = { .seq = 7 };
    struct mw_span closers;

    render_record(&line, &how, r, &closers);
    if (line_seal(&line, &link, closers, NULL, "audit-20261122T020000Z-1.jsonl") < 0 ||
        line_read(&link, span_cut(buf_span(&line), 0, line.len - 1)) != 0)
        abort();
    fwrite(line.data, 1, line.len, stdout);
}

static void print_all(enum gate_log_format format)
{
    static const uint8_t hash[32] = { 9 };
    static const char *const hostile = "\"\\\b\f\n\r\t\x01\x1f\x7f\x80\xc0\xaf\xed\xa0\x80\xf4\x90"
                                       "\xe2\x80\xae\xef\xbf\xbe </script> {\"a\":1}";
    struct audit_record r = fixture_record(0xfedcba9876543210, UINT64_MAX);
    struct audit_record empty = { .kind = AUDIT_SESSION };
    struct audit_record event = { .kind = AUDIT_EVENT, .worker = 1, .serial = 1,
                                  .ended_ms = -1, .what = "reloaded", .detail = hostile };
    const struct log_note note = {
        .kind = "file", .file = "audit-20261122T020000Z-1.jsonl", .number = 2, .seq = 7,
        .hash = hash, .key = "AAAA", .bytes = 3, .bytes_sha256 = hash, .why = hostile,
    };

    print(format, &r, NULL);
    print(format, &empty, NULL);
    print(format, &event, NULL);
    print(format, &event, &note);
    event.worker = 0; /* the scribe's own */
    print(format, &event, NULL);
    for (enum audit_outcome o = AUDIT_COMPLETED; o <= AUDIT_INTERNAL; o++) {
        r.outcome = o;
        r.bytes_up = r.bytes_down = UINT64_MAX;
        r.began_ms = INT64_MIN;
        r.host = r.sni = r.asked = r.user = r.rule = r.reason = r.error = r.action = hostile;
        r.exception = r.protocol = r.ja4 = r.weakened = r.verdict = r.findings = hostile;
        r.decided_by = r.failed_at = r.entrance = r.client_leg.alpn = hostile;
        r.client_leg.version = r.client_leg.suite = r.server_leg.group = 0xffff;
        print(format, &r, NULL);
    }
    r = fixture_record(1, 1);
    r.host = "2001:db8::1";
    r.protocol = "websocket";
    r.outcome = AUDIT_REFUSED;
    print(format, &r, NULL);
}

int main(void)
{
    print_all(GATE_LOG_ECS);
    print_all(GATE_LOG_OCSF);
    return 0;
}
