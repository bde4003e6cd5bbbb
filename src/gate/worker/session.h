/*
 * One client's connection from accept to its line in the audit log.
 * Life:   session_accept() -> session_run() as things happen -> freed by session_run() once ended
 * State:  a session only moves down the stages, but for plain proxy requests, which dial anew for
 *         each origin, and servers that want a client's certificate, which are dialled again to be
 *         left alone.
 */
#ifndef GATE_WORKER_SESSION_H
#define GATE_WORKER_SESSION_H

#include "gate/bridge/bridge.h"
#include "gate/door/door.h"
#include "gate/worker/side.h"
#include "gate/worker/worker.h"
#include "net/connect.h"
#include "http/request.h"
#include "net/flight.h"

enum stage {
    STAGE_DOOR,                 /* what does the client want of the proxy? */
    STAGE_HELLO,                /* what does it say to the server? */
    STAGE_RESOLVE,
    STAGE_DIAL,
    STAGE_SECURE,               /* our handshake with the server */
    STAGE_JUDGE,
    STAGE_FORGE,
    STAGE_GREET,                /* the client's handshake with us */
    STAGE_BRIDGE,
    STAGE_SPLICE,
    STAGE_LAST_WORDS,           /* the door's answer, then the end */
    STAGES,
};

enum step { STEP_GO, STEP_WAIT, STEP_END };

/* What of the ClientHello is still needed once its bytes are gone. */
struct offer {
    uint16_t highest_version;
    bool ecdsa, post_quantum;
    uint8_t alpn_len;
    uint8_t alpn[200];          /* the ProtocolNameList, GREASE and what does not fit left out */
};

struct session {
    struct worker *w;
    struct session *newer, *older;
    struct session *next_ready;
    struct gate_config *config;
    struct learned_set *learned;
    const struct worker_listener *listener;
    enum stage stage;
    int64_t deadline_ms;        /* of the loop's clock */
    bool running, ended, is_ready, counted;

    struct side client, server;
    struct door *door;
    struct buf early;           /* from the client, not yet handed on */
    struct addr client_addr, destination;
    char *host, *sni, *asked, *user;    /* owned */
    const char *const *groups;
    uint16_t port;
    char ja4[JA4_TEXT];
    char client_text[ADDR_TEXT];
    struct offer *offer;        /* freed once both handshakes are over */
    struct gate_decision decision;
    bool decided, transparent;
    bool any_origin, let_go;    /* plain requests, each says whom to dial; one of them was */
    bool tls, sni_missing, ech;
    bool checked_destination;   /* a name's own addresses were taken instead of the client's */
    unsigned redials;           /* how often it began anew, to be left alone */

    struct signing *signing;
    struct dns_question *asking;
    struct connecting *connecting;
    struct addr *addresses;     /* to dial */
    size_t n_addresses;
    struct judging_wait *judging;
    struct mint_wait *minting;
    struct flight *flight;
    struct origin *origin;
    struct origin *before;      /* what a connection was judged that is dialled again */
    struct kept *kept;          /* a connection to go on with, if the hello fits */
    struct offered *offered;    /* where the server's connection may be kept */
    int64_t server_end_ms;      /* until then at most */
    SSL_SESSION *fresh;         /* came before its origin was judged */
    struct minted *leaf;
    enum gate_on_finding on;
    enum mw_code cause;
    bool resumable, certificate_wanted;
    bool server_waits, reused;  /* for the client's first word; kept from a session before */

    struct bridge *bridge;
    bool page_only;             /* no server: every request is answered by us */
    bool bridge_dials;          /* the bridge waits for a (fresh) connection to a server */
    int page_status;            /* of a page_only session */
    const char *page_title, *page_reason;
    struct buf page;            /* the page being answered with */
    bool used;                  /* the client sent application data */
    bool watched;               /* raw bytes that could still become a request: `early` has them */
    bool resting;
    uint64_t rested;            /* bytes that had passed at the last turn of the clock */
    bool learned_from;

    struct flow *up, *down;     /* a bypass: both in one piece of memory (flow.h) */
    struct audit_record record;
    const char *why;            /* of the last words; borrowed */
    char error[160];
    int64_t stage_began_us;
    char alpn[32];
};

/* Owns fd. */
void session_accept(struct worker *w, const struct worker_listener *l, int fd,
                    const struct addr *client);

/* Steps until it must wait.  May free it. */
void session_run(struct session *s);

/* The end, told once; the first reason stands.  Freed by the session_run() around it. */
enum step session_end(struct session *s, enum audit_outcome outcome, const char *error);
void session_kill(struct session *s, enum audit_outcome outcome, const char *error);

void session_go(struct session *s, enum stage stage);
enum step session_wait_io(struct session *s, struct side *side, enum io io);
struct gate_facts session_facts(const struct session *s);
const char *session_stage_name(const struct session *s);

/* The record as it stands now: strings borrowed from the session. */
void session_record(struct session *s);

/* The stages' steps, one file each. */
enum step door_step(struct session *s);
enum step last_words_step(struct session *s);
enum step hello_step(struct session *s);
enum step resolve_step(struct session *s);
enum step dial_step(struct session *s);
enum step secure_step(struct session *s);
enum step judge_step(struct session *s);
enum step forge_step(struct session *s);
enum step greet_step(struct session *s);
enum step bridge_step(struct session *s);
enum step splice_step(struct session *s);

/* With what was learned when the session began; and what follows, for the session itself. */
struct gate_decision session_policy(const struct session *s, const struct gate_facts *f);
enum step session_decide(struct session *s);

/* A name alone opens no way past inspection to any address: is this the client's word only? */
bool session_name_borrowed(const struct session *s);

/* Anew, to be left alone; a borrowed name's own addresses.  Policy is asked again then. */
enum step session_redial(struct session *s);

/* The client gets a page instead of its server: through the door if that is still open, else
 * under a leaf of the untrusted CA. */
enum step session_page(struct session *s, int status, const char *title, const char *reason);
enum step session_refuse(struct session *s, enum door_refusal how, enum audit_outcome outcome,
                         const char *error);

void session_untrusted_page(struct session *s);

/* What a person's consent to this origin would be; borrows from the session and `text`.
 * false: there is nothing that could be consented to. */
struct consent_text {
    char key[96], findings[1024];
};
bool session_consent(const struct session *s, struct gate_consent *out, struct consent_text *text);

/* This server asked for a certificate of the client's before. */
bool session_client_cert_known(const struct session *s);
void session_flight_done(struct session *s);    /* the server's certificates were looked at */

/* The tunnel stands: the client of an explicit proxy is told so, and may begin. */
enum step session_door_open(struct session *s);

/* Both handshakes are over: what of the hello was kept goes. */
void session_offer_done(struct session *s);

/* The log cannot be written, and policy says that nobody passes then. */
#define SESSION_UNRECORDED "the audit log cannot be written"
bool session_unrecorded(const struct session *s);

void session_host_key(const char *host, uint8_t key[32]);  /* for a leaf that copies no origin */

/* What the client's behaviour after our certificate says. */
void session_learn(struct session *s);

/* Bridges: made for a protocol, or for pages only. */
MW_MUST_CHECK int session_bridge_new(struct session *s, enum bridge_kind kind);
enum bridge_kind session_kind_of(enum http_look look);

/* Of a plain request, now that its server's address is known. */
bool session_plain_blocked(struct session *s, struct bridge_answer *answer);

/* At each turn of the worker's clock: whoever was silent since the last one holds less. */
void session_rest(struct session *s);
void on_server_session(struct leg *server, SSL_SESSION *session);

#endif
