#include "lab/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "lab/box.h"
#include "net/addr.h"

enum { ERROR_TEXT = 256, BACKLOG = 1024 };

const struct peer_role *peer_role_of(enum lab_door door)
{
    switch (door) {
    case DOOR_TLS:
        return &role_tls;
    case DOOR_HTTP:
        return &role_http;
    case DOOR_PROXY:
        return &role_proxy;
    case DOOR_INTERCEPT:
        return &role_intercept;
    default:
        return &role_greeting;
    }
}

struct site *lab_site(struct lab *lab, struct mw_span server_name)
{
    int at = case_find(server_name);

    if (at < 0 || site_ready(&lab->sites[at], lab->pki) < 0)
        return NULL;
    return &lab->sites[at];
}

struct site *lab_site_named(struct lab *lab, struct mw_span name)
{
    for (size_t i = 0; i < case_count(); i++)
        if (span_eq(span_str(case_at(i)->name), name))
            return site_ready(&lab->sites[i], lab->pki) == 0 ? &lab->sites[i] : NULL;
    return NULL;
}

const struct mill_cert *lab_interceptor(struct lab *lab)
{
    int error = 0;

    return pki_interceptor(lab->pki, "CN=FGT60FTK23000000,OU=Certificate Authority,O=Fortinet,"
                                     "L=Sunnyvale,ST=California,C=US",
                           true, &error);
}

static int keys_make(struct lab *lab)
{
    int r = mill_key_new(&lab->echo_key, MILL_ED25519, true);

    if (r == 0)
        r = mill_key_new(&lab->time_key, MILL_ED25519, true);
    if (r == 0)
        r = mill_key_new(&lab->liar_key, MILL_ED25519, true);
    return r;
}

int lab_new(struct lab **out, uv_loop_t *loop, const struct lab_options *options, char *error)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    int r = -ENOMEM;

    if (lab == NULL)
        return r;
    lab->loop = loop;
    lab->options = *options;
    lab->sites = calloc(case_count(), sizeof(*lab->sites));
    if (lab->sites != NULL)
        r = pki_new(&lab->pki, wall_now());
    if (r == 0)
        r = keys_make(lab);
    if (r == 0 && lab_interceptor(lab) == NULL)
        r = -ENOMEM;
    if (r < 0) {
        snprintf(error, ERROR_TEXT, "lab: cannot make its certificates: %s", strerror(-r));
        lab_free(lab);
        return r;
    }
    for (size_t i = 0; i < case_count(); i++)
        lab->sites[i] = (struct site){ .c = case_at(i), .http = lab->http };
    *out = lab;
    return 0;
}

static void on_client(uv_stream_t *listener, int status)
{
    struct lab *lab = listener->data;
    size_t door = 0;

    if (status < 0)
        return;
    while (door < DOORS && (uv_stream_t *)&lab->doors[door].tcp != listener)
        door++;
    peer_accept(lab, (enum lab_door)door, listener);
}

/* Port 0, any free one, is not an address to others, but it is to a listener. */
static int where_parse(struct addr *at, struct mw_span where)
{
    if (span_ends_nocase(where, SPAN_LIT(":0")))
        where = span_cut(where, 0, where.len - 2);
    return addr_parse(at, where, 0);
}

static int door_open(struct lab *lab, enum lab_door door, const char *where, char *error)
{
    uv_tcp_t *tcp = &lab->doors[door].tcp;
    struct addr at;
    int len = sizeof(lab->at[door]);
    int r = where_parse(&at, span_str(where));

    if (r < 0 || !addr_is_loopback(&at)) {
        snprintf(error, ERROR_TEXT,
                 "lab: %s is no loopback address with a port; try 127.0.0.1:0", where);
        return -EINVAL;
    }
    r = uv_tcp_init(lab->loop, tcp);
    if (r == 0) {
        tcp->data = lab;
        lab->open[door] = true;
        r = uv_tcp_bind(tcp, &at.sa.any, 0);
    }
    /* A closed door keeps its port without listening: whoever knocks is refused. */
    if (r == 0 && door != DOOR_CLOSED)
        r = uv_listen((uv_stream_t *)tcp, BACKLOG, on_client);
    if (r == 0)
        r = uv_tcp_getsockname(tcp, (struct sockaddr *)&lab->at[door], &len);
    if (r < 0)
        snprintf(error, ERROR_TEXT, "lab: cannot listen on %s: %s; choose another port, or 0",
                 where, uv_strerror(r));
    return r;
}

static void http_text(struct lab *lab)
{
    struct addr at = { .len = sizeof(at.sa) };
    char text[ADDR_TEXT];

    memcpy(&at.sa, &lab->at[DOOR_HTTP], sizeof(at.sa));
    addr_text(&at, true, text);
    snprintf(lab->http, sizeof(lab->http), "http://%s", text);
}

int lab_start(struct lab *lab, char *error)
{
    const char *any = "127.0.0.1:0";
    const char *tls = lab->options.listen != NULL ? lab->options.listen : any;
    const char *http = lab->options.http != NULL ? lab->options.http : any;
    int r = 0;

    for (int door = 0; r == 0 && door < DOOR_SNTP; door++)
        r = door_open(lab, (enum lab_door)door,
                      door == DOOR_TLS ? tls : door == DOOR_HTTP ? http : any, error);
    if (r < 0)
        return r;
    r = time_doors_open(lab);
    if (r < 0) {
        snprintf(error, ERROR_TEXT, "lab: cannot open its time servers: %s", uv_strerror(r));
        return r;
    }
    http_text(lab);
    return lab->options.folder != NULL ? lab_write(lab, error) : 0;
}

uint16_t lab_port(const struct lab *lab, enum lab_door door)
{
    struct addr at = { .len = sizeof(at.sa) };

    memcpy(&at.sa, &lab->at[door], sizeof(at.sa));
    return addr_port(&at);
}

void lab_stop(struct lab *lab)
{
    if (lab->stopping)
        return;
    lab->stopping = true;
    for (size_t i = 0; i < DOORS; i++)
        if (lab->open[i])
            uv_close((uv_handle_t *)&lab->doors[i], NULL);
    for (struct peer *p = lab->peers; p != NULL; p = p->next)
        peer_close(p);
}

void lab_free(struct lab *lab)
{
    if (lab == NULL)
        return;
    for (size_t i = 0; lab->sites != NULL && i < case_count(); i++)
        site_deinit(&lab->sites[i]);
    free(lab->sites);
    pki_free(lab->pki);
    EVP_PKEY_free(lab->echo_key);
    EVP_PKEY_free(lab->time_key);
    EVP_PKEY_free(lab->liar_key);
    free(lab);
}
