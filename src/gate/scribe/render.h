/*
 * One record as one JSON object: ECS field names, or OCSF's.  Pure.
 * The object is left open where the chain goes: line.h closes it.
 * Source: Elastic Common Schema 8.17; OCSF 1.8.0 (Network Activity 4001 with the profiles
 *         network_proxy and security_control, Base Event 0).  docs/gate-log.md has the table.
 */
#ifndef GATE_SCRIBE_RENDER_H
#define GATE_SCRIBE_RENDER_H

#include "gate/policy/config.h"
#include "base/json_out.h"
#include "gate/wire/audit.h"

/* What the log says of itself, beside sessions and events.  NULL and 0 are left out. */
struct log_note {
    const char *kind;           /* "file", "checkpoint", "closed", "torn", "removed", "alarm" */
    const char *file;           /* the file it speaks of */
    uint64_t number, seq;
    const uint8_t *hash;        /* 32 bytes */
    const char *key;            /* public key, base64 */
    uint64_t bytes;             /* torn: how many */
    const uint8_t *bytes_sha256;
    const char *why;
};

struct render {
    enum gate_log_format format;
    const char *gateway;        /* its host name */
    const struct log_note *note;        /* NULL: none */
};

/* Appends; what is left open is closed by *closers. */
void render_record(struct buf *out, const struct render *how, const struct audit_record *r,
                   struct mw_span *closers);

/* For both formats: the content of the object "midwatch", which is ours. */
void render_own(struct json_out *j, const struct render *how, const struct audit_record *r);
void render_ecs(struct json_out *j, const struct render *how, const struct audit_record *r);
void render_ocsf(struct json_out *j, const struct render *how, const struct audit_record *r);

/* Small questions that both ask. */
bool record_denied(const struct audit_record *r);
bool record_is_http(const struct audit_record *r);
int64_t record_end_ms(const struct audit_record *r);
int64_t record_duration_ms(const struct audit_record *r);       /* -1: its times make no sense */
void record_id(const struct audit_record *r, char text[40]);
bool is_sha256(const uint8_t sha256[32]);   /* not all zero */

#endif
