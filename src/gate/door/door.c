#include "gate/door/door_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "gate/policy/users.h"
#include "trust/name.h"

enum { OUT_MAX = 512 * 1024 };

int door_new(struct door **out, enum gate_entrance entrance, const struct gate_config *config)
{
    struct door *d;

    if (entrance != GATE_ENTRANCE_HTTP && entrance != GATE_ENTRANCE_SOCKS5)
        return -EINVAL;
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return -ENOMEM;
    d->entrance = entrance;
    d->config = config;
    d->step = entrance == GATE_ENTRANCE_HTTP ? DOOR_STEP_HTTP : DOOR_STEP_GREETING;
    d->out = (struct buf)BUF_INIT(OUT_MAX);
    *out = d;
    return 0;
}

void door_free(struct door *d)
{
    if (d == NULL)
        return;
    buf_deinit(&d->out);
    free(d->path);
    free(d->user);
    sign_in_free(d->question);
    free(d);
}

enum door_state door_feed(struct door *d, struct mw_span *in)
{
    size_t before;

    if (d->state == DOOR_ASK) /* it has been answered */
        d->state = DOOR_MORE;
    if (d->state != DOOR_MORE)
        return d->state;
    do {
        before = in->len;
        if (d->step == DOOR_STEP_HTTP || d->step == DOOR_STEP_INNER)
            d->state = door_http_feed(d, in);
        else
            d->state = door_socks_feed(d, in);
    } while (d->state == DOOR_MORE && in->len > 0 && in->len < before);
    if (buf_error(&d->out) != 0)
        d->state = door_broken(d);
    return d->state;
}

enum door_state door_broken(struct door *d)
{
    buf_deinit(&d->out);
    d->out = (struct buf)BUF_INIT(OUT_MAX);
    snprintf(d->why, sizeof(d->why), "the gateway is out of memory");
    d->answered = true;
    return DOOR_BAD;
}

struct mw_span door_out(const struct door *d)
{
    return buf_span(&d->out);
}

void door_sent(struct door *d, size_t n)
{
    buf_drop(&d->out, n);
}

const char *door_host(const struct door *d)
{
    return d->host;
}

uint16_t door_port(const struct door *d)
{
    return d->port;
}

const char *door_path(const struct door *d)
{
    return d->path != NULL ? d->path : "/";
}

enum door_method door_method(const struct door *d)
{
    return d->method;
}

const char *door_user(const struct door *d)
{
    return d->user;
}

const char *const *door_groups(const struct door *d)
{
    return d->groups;
}

const char *door_why(const struct door *d)
{
    return d->why;
}

static bool is_mapped(const struct host *h)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    return h->ip_len == 16 && memcmp(h->ip, mapped, sizeof(mapped)) == 0;
}

int door_set_host(struct door *d, struct mw_span name, bool bracketed)
{
    char text[DOOR_MAX_HOST];
    struct host h;

    if (name.len == 0 || name.len >= sizeof(text) || memchr(name.data, 0, name.len) != NULL ||
        name.data[0] == '[')
        return -EINVAL;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    if (host_parse(&h, text) != 0 || (bracketed && h.ip_len != 16))
        return -EINVAL;
    if (is_mapped(&h))
        snprintf(d->host, sizeof(d->host), "%u.%u.%u.%u", h.ip[12], h.ip[13], h.ip[14], h.ip[15]);
    else
        memcpy(d->host, h.text, sizeof(d->host));
    return 0;
}

/* By name at HTTP's port, or by one of the addresses it listens at. */
bool door_is_own(const struct door *d)
{
    const struct gate_config *c = d->config;
    struct addr asked;

    if (c->name != NULL && d->port == 80 && strcmp(d->host, c->name) == 0)
        return true;
    if (addr_parse(&asked, span_str(d->host), d->port) != 0)
        return false;
    for (size_t i = 0; i < c->n_listeners; i++) {
        if (c->listeners[i].entrance == GATE_ENTRANCE_HTTP &&
            addr_eq(&c->listeners[i].at, &asked))
            return true;
    }
    return false;
}

int door_sign_in(struct door *d, struct mw_span user, struct mw_span password)
{
    CLEANUP(own_free) char *name = NULL;

    sign_in_free(d->question);
    d->question = NULL;
    switch (gate_config_sign_in(d->config, user, password, &d->groups, &d->question)) {
    case SIGN_IN_WRONG:
        d->sign_ins++;
        return -EACCES;
    case SIGN_IN_ASK:
        return -EAGAIN;
    case SIGN_IN_NO_MEMORY:
        return -ENOMEM;
    case SIGN_IN_GOOD:
        break;
    }
    name = span_dup(user);
    if (name == NULL)
        return -ENOMEM;
    free(d->user);
    d->user = own_steal(&name);
    return 0;
}

struct sign_in_question *door_question(struct door *d)
{
    return own_steal(&d->question);
}

void door_accept(struct door *d)
{
    if (d->state != DOOR_TUNNEL || d->answered)
        return;
    d->answered = true;
    if (d->entrance == GATE_ENTRANCE_HTTP)
        buf_str(&d->out, "HTTP/1.1 200 Connection Established\r\n\r\n");
    else
        door_socks_reply(d, 0);
}

void door_refuse(struct door *d, enum door_refusal why, struct mw_span page)
{
    /* The words of RFC 9209 section 2.3 and the codes of RFC 1928 section 6. */
    static const struct {
        int status;
        uint8_t reply;
        const char *error, *text;
    } refusals[] = {
        [DOOR_BY_POLICY] = { 403, 2, "http_request_denied", "policy does not allow it" },
        [DOOR_NO_NAME] = { 502, 4, "dns_error", "the name was not found" },
        [DOOR_UNREACHABLE] = { 502, 3, "destination_ip_unroutable", "there is no way to it" },
        [DOOR_TIMED_OUT] = { 504, 6, "connection_timeout", "it did not answer in time" },
        [DOOR_CONNECTION_REFUSED] = { 502, 5, "connection_refused", "it refused the connection" },
        [DOOR_OVERLOADED] = { 503, 1, "connection_limit_reached",
                              "the gateway has as many connections as it may" },
    };

    if (d->answered || (d->state != DOOR_TUNNEL && d->state != DOOR_REQUEST))
        return;
    d->answered = true;
    snprintf(d->why, sizeof(d->why), "%s", refusals[why].text);
    if (d->entrance == GATE_ENTRANCE_HTTP)
        door_http_answer(d, refusals[why].status, refusals[why].error, page);
    else
        door_socks_reply(d, refusals[why].reply);
    if (buf_error(&d->out) != 0)
        d->state = door_broken(d);
}
