/*
 * The audit log: lines chained by hash, with signed checkpoints, in files that rotate.
 *
 * Life:   audit_log_open() -> audit_log_add()* -> audit_log_close()
 * Files:  AUDIT_FOLDER/audit-YYYYMMDDTHHMMSSZ-N.jsonl; key: AUDIT_FOLDER/../audit.key (Ed25519),
 *         its public half audit.pub.
 * Format: docs/gate-log.md.
 */
#ifndef GATE_SCRIBE_LOG_H
#define GATE_SCRIBE_LOG_H

#include "gate/policy/config.h"
#include "gate/wire/audit.h"

struct audit_log;

/* Goes on behind the last whole line of the newest file; a torn last line is closed off and said
 * so in the log itself.  0, or with `error`. */
MW_MUST_CHECK int audit_log_open(struct audit_log **out, const struct gate_config *c,
                                 struct mw_wall now, struct buf *error);
void audit_log_close(struct audit_log *l);      /* NULL ok; writes a last checkpoint */

/* 0; -EALREADY: this very record (worker, serial) is among the latest written; < 0: not written
 * and not remembered as written (-ENOSPC, …): ask again later. */
MW_MUST_CHECK int audit_log_add(struct audit_log *l, const struct audit_record *r,
                                struct mw_wall now);

/* Checkpoints, rotation, retention: call once a second. */
MW_MUST_CHECK int audit_log_tick(struct audit_log *l, struct mw_wall now);

/* Format, rotation and retention of a new config; a new folder needs a new start. */
void audit_log_reload(struct audit_log *l, const struct gate_config *c);

/* Called with each line once it is written, notes of the log's own included, without its
 * newline: for syslog. */
typedef void audit_line_fn(void *context, struct mw_span line);
void audit_log_watch(struct audit_log *l, audit_line_fn *on_line, void *context);

/* The last line written, without its newline. */
struct mw_span audit_log_last(const struct audit_log *l);

/* `midwatch gate log verify|show|unlock`; argv[0] is "log".  The exit status. */
int log_command(int argc, char **argv);

#endif
