/*
 * SOCKS5, CONNECT only.  Each message is taken whole; what no SOCKS5 client says is refused in
 * words it can read.
 * Source: RFC 1928, RFC 1929.
 */
#include <errno.h>
#include <stdio.h>

#include "base/reader.h"
#include "gate/door/door_state.h"

enum { SOCKS_VERSION = 5, METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_REFUSED = 0xff };

enum { REPLY_FAILED = 1, REPLY_NO_COMMAND = 7, REPLY_NO_ADDRESS_TYPE = 8 };

/* RFC 1928 section 6.  The address we connected from is nobody's business: zeros are usual. */
void door_socks_reply(struct door *d, uint8_t reply)
{
    buf_u8(&d->out, SOCKS_VERSION);
    buf_u8(&d->out, reply);
    buf_u8(&d->out, 0);
    buf_u8(&d->out, 1);
    buf_fill(&d->out, 0, 6);
}

enum door_state door_socks_bad(struct door *d, uint8_t reply, const char *why)
{
    snprintf(d->why, sizeof(d->why), "%s", why);
    d->answered = true;
    door_socks_reply(d, reply);
    return DOOR_BAD;
}

static enum door_state bad(struct door *d, uint8_t version, uint8_t answer, const char *why)
{
    snprintf(d->why, sizeof(d->why), "%s", why);
    d->answered = true;
    buf_u8(&d->out, version);
    buf_u8(&d->out, answer);
    return DOOR_BAD;
}

/* Somebody who speaks something else is told so in their own language where there is one. */
static enum door_state wrong_language(struct door *d, uint8_t first)
{
    if (first == 4) {
        bad(d, 0, 0x5b, "SOCKS4, but this listener takes SOCKS5");
        buf_fill(&d->out, 0, 6);
        return DOOR_BAD;
    }
    if (first >= 'A' && first <= 'Z')
        return door_http_bad(d, 400, "HTTP, but this listener takes SOCKS5: "
                                     "set it as a SOCKS proxy");
    snprintf(d->why, sizeof(d->why), "something that is not SOCKS5");
    d->answered = true;
    return DOOR_BAD;
}

/* RFC 1928 section 3. */
static enum door_state read_greeting(struct door *d, struct mw_span *in)
{
    struct reader r = { .rest = *in };
    uint8_t version = read_u8(&r), want = METHOD_NONE;
    struct mw_span methods;

    if (version != SOCKS_VERSION)
        return wrong_language(d, version);
    methods = read_vec8(&r);
    if (r.failed)
        return DOOR_MORE;
    *in = r.rest;
    if (d->config->users_file != NULL)
        want = METHOD_PASSWORD;
    if (methods.len == 0 || memchr(methods.data, want, methods.len) == NULL)
        return bad(d, SOCKS_VERSION, METHOD_REFUSED,
                   want == METHOD_PASSWORD ? "a client that cannot sign in with a password"
                                           : "a client that insists on signing in");
    buf_u8(&d->out, SOCKS_VERSION);
    buf_u8(&d->out, want);
    d->step = want == METHOD_PASSWORD ? DOOR_STEP_PASSWORD : DOOR_STEP_DESTINATION;
    return DOOR_MORE;
}

/* RFC 1929 section 2.  After a failure the connection MUST be closed. */
static enum door_state read_password(struct door *d, struct mw_span *in)
{
    struct reader r = { .rest = *in };
    uint8_t version = read_u8(&r);
    struct mw_span user, password;
    int signed_in;

    if (version != 1)
        return bad(d, 1, 1, "a sign-in that is not RFC 1929's");
    user = read_vec8(&r);
    password = read_vec8(&r);
    if (r.failed)
        return DOOR_MORE;
    signed_in = door_sign_in(d, user, password);
    if (signed_in == -EAGAIN)
        return DOOR_ASK;
    *in = r.rest;
    if (signed_in == -ENOMEM)
        return door_broken(d);
    if (signed_in != 0)
        return bad(d, 1, 1, "the user name or password is wrong");
    buf_u8(&d->out, 1);
    buf_u8(&d->out, 0);
    d->step = DOOR_STEP_DESTINATION;
    return DOOR_MORE;
}

/* An address is put in text first: one way to read hosts, whoever wrote them. */
static int set_address(struct door *d, struct mw_span ip)
{
    struct addr a = addr_make(ip.len == 4 ? AF_INET : AF_INET6, ip.data, 0);
    char text[ADDR_TEXT];

    addr_text(&a, false, text);
    return door_set_host(d, span_str(text), false);
}

/* RFC 1928 section 4. */
static enum door_state read_destination(struct door *d, struct mw_span *in)
{
    struct reader r = { .rest = *in };
    uint8_t version = read_u8(&r), command, reserved, type;
    struct mw_span host;
    int set;

    if (version != SOCKS_VERSION)
        return door_socks_bad(d, REPLY_FAILED, "a request that is not SOCKS5's");
    command = read_u8(&r);
    reserved = read_u8(&r);
    type = read_u8(&r);
    if (r.failed)
        return DOOR_MORE;
    if (type != 1 && type != 3 && type != 4)
        return door_socks_bad(d, REPLY_NO_ADDRESS_TYPE, "an unknown type of address");
    host = type == 3 ? read_vec8(&r) : read_bytes(&r, type == 1 ? 4 : 16);
    d->port = read_u16(&r);
    if (r.failed)
        return DOOR_MORE;
    *in = r.rest;
    if (command != 1)
        return door_socks_bad(d, REPLY_NO_COMMAND, "BIND or UDP, but only CONNECT is taken");
    if (reserved != 0 || d->port == 0)
        return door_socks_bad(d, REPLY_FAILED, "a malformed request");
    set = type == 3 ? door_set_host(d, host, false) : set_address(d, host);
    if (set != 0)
        return door_socks_bad(d, REPLY_FAILED, "a host that is neither a name nor an address");
    if (!door_is_own(d))
        return DOOR_TUNNEL;
    door_socks_reply(d, 0);
    d->step = DOOR_STEP_INNER;
    return DOOR_MORE;
}

enum door_state door_socks_feed(struct door *d, struct mw_span *in)
{
    if (in->len == 0)
        return DOOR_MORE;
    switch (d->step) {
    case DOOR_STEP_GREETING:
        return read_greeting(d, in);
    case DOOR_STEP_PASSWORD:
        return read_password(d, in);
    default:
        return read_destination(d, in);
    }
}
