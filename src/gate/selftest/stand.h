/*
 * What the points are tried on: a lab, a gate, and an authority of the test's own that the gate
 * trusts for servers.
 * Life:   stand_open() -> stand_close().  Everything lies in one temporary folder, which goes
 *         with it; every process is a child of ours and ends with it.
 */
#ifndef GATE_SELFTEST_STAND_H
#define GATE_SELFTEST_STAND_H

#include <jansson.h>
#include <limits.h>
#include <openssl/x509_vfy.h>
#include <sys/types.h>

#include "gate/policy/config.h"
#include "lab/mill.h"

enum { STAND_DAY_S = 86400, STAND_WAIT_S = 60 };

/* A running gate of the test's. */
struct gate {
    pid_t pid;                  /* 0: none */
    uint16_t port;              /* of its HTTP proxy, on 127.0.0.1 */
    char state[PATH_MAX];
    X509 *root;
    X509_STORE *trusted;        /* the root: what its clients have installed */
};

struct stand {
    const char *config_file, *extra;    /* of the gate under test; borrowed, NULL none */
    struct gate_config *config;         /* the same, as the gate reads it */
    char folder[PATH_MAX];
    pid_t lab;
    uint16_t lab_port;
    char dns[64];
    json_t *cases;              /* `midwatch lab --list --json` */
    struct mill_cert *authority;        /* among the gate's roots */
    unsigned gates;             /* started so far: names their folders */
    struct gate gate;           /* the one under test */
};

/* 0, or -errno with `error`. */
MW_MUST_CHECK int stand_open(struct stand *s, struct buf *error);
void stand_close(struct stand *s);      /* an all-zero one is fine */

/* One more gate, with `more` configuration after what the gate under test has. */
MW_MUST_CHECK int gate_start(struct stand *s, struct gate *g, const char *more,
                             struct buf *error);
void gate_stop(struct gate *g);

/* A certificate of the stand's authority, or of `issuer`; its times are filled in if they are
 * not given.  The caller's to free. */
MW_MUST_CHECK int stand_mint(struct stand *s, struct mill_spec spec, enum mill_key kind,
                             const struct mill_cert *issuer, struct mill_cert **out);

/* This program again.  out_fd: where its output goes; -1: nowhere.  *pid, or -errno. */
MW_MUST_CHECK int stand_spawn(pid_t *pid, const char *const *words, const char *errors);

/* Waits for its end; the exit status, 256 after a signal. */
int stand_wait(pid_t pid);

/* The gate's processes of this role ("worker", "forge", "scribe"): up to `most` of them. */
size_t gate_children(const struct gate *g, const char *role, pid_t *pids, size_t most);

/* The gate's newest audit record of a session with this host, waited for; NULL: none came.
 * json_decref() it. */
json_t *gate_record(const struct gate *g, const char *host);

/* record.a.b.c by "a.b.c"; NULL: absent. */
const json_t *record_member(const json_t *record, const char *path);

#endif
