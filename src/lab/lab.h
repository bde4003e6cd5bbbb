/*
 * The lab: every broken TLS in a box, on loopback.  Case by case it serves what a client should
 * refuse, warn about or take, and says what it expects (`midwatch lab --list --json`).
 * Life:   lab_new() -> lab_start() -> (uv_run) -> lab_stop() -> (uv_run) -> lab_free()
 * Loop:   libuv, passed in; one thread, no child.
 * Bounds: connections in count, time and bytes: see peer.h.  Nothing is ever dialled but the
 *         lab itself.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <midwatch/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct lab;

/* The places where a lab listens. */
enum lab_door {
    DOOR_TLS,                   /* the cases, one server name each */
    DOOR_HTTP,                  /* CRLs, OCSP, issuers, portal probes */
    DOOR_PROXY,                 /* CONNECT and SOCKS5, passing bytes */
    DOOR_INTERCEPT,             /* re-signs: CONNECT, SOCKS5, or TLS straight away */
    DOOR_SMTP, DOOR_IMAP, DOOR_POP3, DOOR_FTP, DOOR_XMPP, DOOR_LDAP, DOOR_POSTGRES, DOOR_MYSQL,
    DOOR_SMTP_PLAIN,            /* knows no STARTTLS */
    DOOR_CLOSED,                /* nothing listens there */
    DOOR_SNTP,                  /* the right time … */
    DOOR_SNTP_HOUR,             /* … one hour ahead … */
    DOOR_SNTP_AHEAD,            /* … 250 days ahead … */
    DOOR_SNTP_SILENT,           /* … and no answer */
    DOOR_ROUGHTIME,             /* signed */
    DOOR_ROUGHTIME_AHEAD,       /* 250 days ahead */
    DOOR_ROUGHTIME_BEHIND,      /* 50 days behind … */
    DOOR_ROUGHTIME_BEHIND_TOO,  /* … and one more that says so */
    DOOR_ROUGHTIME_LIAR,        /* signed by a key that nobody named */
    DOOR_DNS,                   /* a name server that knows no name: nobody asks the world */
    DOORS
};

struct lab_options {
    const char *listen;         /* "127.0.0.1:0", of the TLS door; the others take free ports */
    const char *http;           /* "127.0.0.1:0" */
    const char *folder;         /* where roots.pem and the rest are written; NULL: nowhere */
    bool echo;                  /* answer docs/echo.md on every case that finishes */
};

/* 0, < 0 -errno, and one line in `error` (256 bytes): what, where, what to do. */
MW_MUST_CHECK int lab_new(struct lab **out, uv_loop_t *loop, const struct lab_options *options,
                          char *error);

/* Listens and writes the folder. */
MW_MUST_CHECK int lab_start(struct lab *lab, char *error);

uint16_t lab_port(const struct lab *lab, enum lab_door door);

/* Closes all; run the loop until it is empty, then free. */
void lab_stop(struct lab *lab);
void lab_free(struct lab *lab);         /* NULL ok */

/* `midwatch lab`: argv[0] is "lab".  The exit status. */
int lab_command(int argc, char **argv);

#endif
