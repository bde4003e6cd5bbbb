/*
 * The inside of a lab, for its own files.
 */
#ifndef LAB_BOX_H
#define LAB_BOX_H

#include "lab/peer.h"
#include "lab/site.h"

enum { LAB_HTTP_TEXT = 96, LAB_DATAGRAM = 4096 };

struct lab {
    uv_loop_t *loop;
    struct lab_options options;
    struct pki *pki;
    struct site *sites;                 /* case_count() of them */
    char http[LAB_HTTP_TEXT];           /* "http://127.0.0.1:PORT" */
    struct sockaddr_storage at[DOORS];  /* where each door is */
    union {
        uv_tcp_t tcp;
        uv_udp_t udp;
    } doors[DOORS];
    bool open[DOORS];
    struct peer *peers;
    size_t n_peers;
    bool stopping;
    char datagram[LAB_DATAGRAM];        /* one loop, one at a time */
    EVP_PKEY *echo_key, *time_key, *liar_key;   /* Ed25519 */
};

/* The site of a server name, minted if need be; NULL: no such case, or it failed. */
struct site *lab_site(struct lab *lab, struct mw_span server_name);
struct site *lab_site_named(struct lab *lab, struct mw_span case_name);

/* The certificate of the interceptor that sits on DOOR_INTERCEPT. */
const struct mill_cert *lab_interceptor(struct lab *lab);

/* roles, one file each */
extern const struct peer_role role_tls, role_http, role_proxy, role_intercept, role_greeting;

/* Binds the UDP doors. */
MW_MUST_CHECK int time_doors_open(struct lab *lab);

/* written.c: the files of the folder, and lab.json. */
MW_MUST_CHECK int lab_write(struct lab *lab, char *error);

/* The words that options may stand for: "{dir}", "{tls}", … as name and value. */
typedef void lab_word_fn(void *context, const char *name, const char *value);
MW_MUST_CHECK int lab_words(struct lab *lab, lab_word_fn *fn, void *context);

#endif
