/*
 * For the audit log's tests: a folder of its own, a config, records, and what verify says.
 */
#ifndef TESTS_LOG_FIXTURE_H
#define TESTS_LOG_FIXTURE_H

#include "gate/scribe/log.h"
#include "gate/scribe/verify.h"

struct fixture {
    char state[64], audit[80];
    struct gate_config config;
    struct mw_wall now;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

struct audit_log *fixture_open(struct fixture *f);

/* Session `serial` of worker `worker`; fails the test unless it is written. */
void fixture_add(struct fixture *f, struct audit_log *l, uint64_t worker, uint64_t serial);
struct audit_record fixture_record(uint64_t worker, uint64_t serial);

/* Problems found; the first one's text is in `why` (may be NULL). */
struct verify fixture_verify(struct fixture *f, char why[300]);
void fixture_assert_whole(struct fixture *f);

/* The files' names, oldest first. */
struct folder fixture_files(struct fixture *f);
void fixture_read(struct fixture *f, const char *name, struct buf *out);
void fixture_write(struct fixture *f, const char *name, struct mw_span bytes);

/* How often a record stands in the log. */
unsigned fixture_count(struct fixture *f, uint64_t worker, uint64_t serial);

#endif
