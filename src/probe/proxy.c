#include "probe/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "base/text.h"
#include "http/response.h"

static const struct mw_span no_words = { NULL, 0 };

void proxy_deinit(struct proxy *p)
{
    free(p->host);
    free(p->user);
    free(p->password);
    *p = (struct proxy){ .port = 0 };
}

/* ---------------------------------------------------------------------- settings ---- */

static int complain(char *error, const char *text)
{
    if (error != NULL)
        snprintf(error, 256, "proxy: %s; write it as http://[user:password@]host:port, "
                             "socks5://host:port or socks5h://host:port", text);
    return -EINVAL;
}

/* Percent-decoded; NULs are refused, so that it is a string. */
static int decode(char **out, struct mw_span text)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(255);
    int r;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            buf_u8(&b, text.data[i]);
            continue;
        }
        r = i + 2 < text.len ? text_unhex(&b, span_cut(text, i + 1, 2)) : -EINVAL;
        if (r < 0)
            return r == -ENOMEM ? r : -EINVAL;
        i += 2;
    }
    if (b.len > 0 && memchr(b.data, 0, b.len) != NULL)
        return -EINVAL;
    if (buf_error(&b) != 0)
        return buf_error(&b) == -ENOMEM ? -ENOMEM : -EINVAL;
    *out = buf_steal(&b);
    return *out != NULL ? 0 : -ENOMEM;
}

static int read_user(struct proxy *p, struct mw_span info)
{
    struct mw_span user = { NULL, 0 };
    int r;

    (void)span_field(&info, ':', &user);
    r = decode(&p->user, user);
    return r == 0 ? decode(&p->password, info) : r;
}

static bool read_scheme(struct mw_span *rest, enum proxy_kind *kind)
{
    static const struct {
        const char *prefix;
        enum proxy_kind kind;
    } schemes[] = {
        { "http://", PROXY_HTTP }, { "socks5://", PROXY_SOCKS5 }, { "socks5h://", PROXY_SOCKS5H },
    };

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i].prefix);

        if (span_eq_nocase(span_cut(*rest, 0, len), span_str(schemes[i].prefix))) {
            *rest = span_cut(*rest, len, SIZE_MAX);
            *kind = schemes[i].kind;
            return true;
        }
    }
    *kind = PROXY_HTTP;
    for (size_t i = 0; i + 2 < rest->len; i++) {
        if (memcmp(rest->data + i, "://", 3) == 0)
            return false;
    }
    return true;
}

static int read_settings(struct proxy *p, const char *url, char *error)
{
    struct mw_span rest = span_str(url), host;
    size_t at = SIZE_MAX, end = 0;
    int r;

    if (!read_scheme(&rest, &p->kind))
        return complain(error, "only http, socks5 and socks5h are known");
    while (end < rest.len && rest.data[end] != '/')
        end++;
    if (end + 1 < rest.len)
        return complain(error, "there is a path behind the host");
    rest.len = end;
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.data[i] == '@')
            at = i;
    }
    if (at != SIZE_MAX) {
        r = read_user(p, span_cut(rest, 0, at));
        if (r != 0)
            return r == -ENOMEM ? r : complain(error, "the user or password is malformed");
        rest = span_cut(rest, at + 1, SIZE_MAX);
    }
    if (host_port_split(rest, p->kind == PROXY_HTTP ? 80 : 1080, &host, &p->port) != 0)
        return complain(error, "the host or port is malformed");
    p->host = span_dup(host);
    return p->host != NULL ? 0 : -ENOMEM;
}

int proxy_parse(struct proxy *out, const char *url, char *error)
{
    CLEANUP(proxy_deinit) struct proxy p = { .port = 0 };
    int r = read_settings(&p, url, error);

    if (r < 0)
        return r;
    *out = p;
    p = (struct proxy){ .port = 0 };
    return 0;
}

/* ------------------------------------------------------------------ HTTP CONNECT ---- */

static void connect_request(struct proxy_talk *p)
{
    CLEANUP(buf_deinit) struct buf login = BUF_INIT(1024);
    struct buf *out = &p->talk.out;
    bool v6 = strchr(p->host, ':') != NULL;
    char at[300];

    snprintf(at, sizeof(at), "%s%s%s:%u", v6 ? "[" : "", p->host, v6 ? "]" : "", p->port);
    buf_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", at, at);
    if (p->proxy->user != NULL) {
        buf_printf(&login, "%s:%s", p->proxy->user, p->proxy->password);
        buf_str(out, "Proxy-Authorization: Basic ");
        text_base64(out, buf_span(&login));
        buf_str(out, "\r\n");
    }
    buf_str(out, "\r\n");
}

static enum talk_state connect_verdict(struct proxy_talk *p, const struct http_response *r)
{
    char text[64];

    if (r->status >= 200 && r->status < 300)
        return TALK_DONE;
    if (r->status == 407)
        return talk_end(&p->talk, TALK_REFUSED,
                        p->proxy->user == NULL ? "the proxy wants a user name and password (407)"
                                               : "the proxy does not take this user name and "
                                                 "password (407)", no_words);
    snprintf(text, sizeof(text), "the proxy answers %d", r->status);
    return talk_end(&p->talk, TALK_REFUSED, text, r->reason);
}

/* The head is read anew with every piece: it is short, and this way the conversation needs no
 * state but its bytes. */
static enum talk_state connect_step(struct proxy_talk *p)
{
    struct http_response r = HTTP_RESPONSE_INIT(0);
    struct mw_span rest = talk_rest(&p->talk);
    enum http_state state;
    enum talk_state result = TALK_MORE;

    if (p->talk.step == 0) {
        connect_request(p);
        p->talk.step = 1;
    }
    r.bodiless = true;
    state = http_response_feed(&r, &rest);
    if (state == HTTP_BAD) {
        result = talk_end(&p->talk, TALK_BROKEN, http_error_text(r.m.error),
                          span_cut(talk_rest(&p->talk), 0, 80));
    } else if (state == HTTP_DONE) {
        p->talk.used = p->talk.in.len - rest.len;
        result = connect_verdict(p, &r);
    }
    http_response_deinit(&r);
    return result;
}

/* ----------------------------------------------------------------------- SOCKS 5 ---- */

enum { SOCKS_GREET, SOCKS_METHOD, SOCKS_LOGIN, SOCKS_REPLY };

static enum talk_state socks_request(struct proxy_talk *p)
{
    struct buf *out = &p->talk.out;
    struct mw_span ip = addr_ip(&p->addr);
    struct addr literal;

    if (ip.len == 0 && addr_parse(&literal, span_str(p->host), 0) == 0)
        ip = addr_ip(&literal);
    buf_u8(out, 5);
    buf_u8(out, 1);             /* CONNECT */
    buf_u8(out, 0);
    if (ip.len > 0) {
        buf_u8(out, ip.len == 4 ? 1 : 4);
        buf_add(out, ip);
    } else {
        buf_u8(out, 3);
        buf_u8(out, (uint8_t)strlen(p->host));  /* a host is shorter than 256 */
        buf_str(out, p->host);
    }
    buf_u16(out, p->port);
    p->talk.step = SOCKS_REPLY;
    return TALK_DONE;
}

static enum talk_state socks_method(struct proxy_talk *p, struct reader *r)
{
    const struct proxy *proxy = p->proxy;
    uint8_t version = read_u8(r), method = read_u8(r);

    if (r->failed)
        return TALK_MORE;
    if (version != 5)
        return talk_end(&p->talk, TALK_BROKEN, "it is no SOCKS 5 proxy",
                        span_cut(talk_rest(&p->talk), 0, 80));
    if (method == 0)
        return socks_request(p);
    if (method != 2 || proxy->user == NULL)
        return talk_end(&p->talk, TALK_REFUSED,
                        proxy->user == NULL ? "the proxy wants a user name and password"
                                            : "the proxy takes no user name and password",
                        no_words);
    buf_u8(&p->talk.out, 1);
    buf_u8(&p->talk.out, (uint8_t)strlen(proxy->user));     /* decode() allows 255 */
    buf_str(&p->talk.out, proxy->user);
    buf_u8(&p->talk.out, (uint8_t)strlen(proxy->password));
    buf_str(&p->talk.out, proxy->password);
    p->talk.step = SOCKS_LOGIN;
    return TALK_DONE;
}

static enum talk_state socks_login(struct proxy_talk *p, struct reader *r)
{
    uint8_t version = read_u8(r), status = read_u8(r);

    if (r->failed)
        return TALK_MORE;
    if (version != 1)
        return talk_end(&p->talk, TALK_BROKEN, "its answer to the login is malformed", no_words);
    if (status != 0)
        return talk_end(&p->talk, TALK_REFUSED,
                        "the proxy does not take this user name and password", no_words);
    return socks_request(p);
}

/* RFC 1928 section 6. */
static const char *const socks_replies[] = {
    [1] = "the proxy failed",
    [2] = "the proxy's rules forbid it",
    [3] = "the proxy has no route to the server's network",
    [4] = "the proxy does not reach the server",
    [5] = "the server refuses the proxy's connection",
    [6] = "the proxy's attempt timed out",
    [7] = "the proxy does not know CONNECT",
    [8] = "the proxy does not know this kind of address",
};

static enum talk_state socks_reply(struct proxy_talk *p, struct reader *r)
{
    uint8_t version = read_u8(r), reply = read_u8(r), kind;

    (void)read_u8(r);
    kind = read_u8(r);
    if (talk_rest(&p->talk).len < 2)
        return TALK_MORE;
    if (version != 5)
        return talk_end(&p->talk, TALK_BROKEN, "its answer is malformed", no_words);
    /* A refusal may come without the address it should have. */
    if (reply != 0)
        return talk_end(&p->talk, TALK_REFUSED,
                        reply < ARRAY_LEN(socks_replies) ? socks_replies[reply]
                                                         : "the proxy refuses", no_words);
    if (!r->failed && kind != 1 && kind != 3 && kind != 4)
        return talk_end(&p->talk, TALK_BROKEN, "its answer is malformed", no_words);
    if (kind == 3)
        (void)read_vec8(r);
    else
        (void)read_bytes(r, kind == 1 ? 4 : 16);
    (void)read_u16(r);
    if (r->failed)
        return TALK_MORE;
    p->talk.step = UINT32_MAX;
    return TALK_DONE;
}

static enum talk_state socks_step(struct proxy_talk *p)
{
    struct reader r = { .rest = talk_rest(&p->talk) };
    enum talk_state state;

    switch (p->talk.step) {
    case SOCKS_GREET:
        buf_u8(&p->talk.out, 5);
        buf_u8(&p->talk.out, p->proxy->user != NULL ? 2 : 1);
        buf_u8(&p->talk.out, 0);
        if (p->proxy->user != NULL)
            buf_u8(&p->talk.out, 2);
        p->talk.step = SOCKS_METHOD;
        return TALK_DONE;
    case SOCKS_METHOD:
        state = socks_method(p, &r);
        break;
    case SOCKS_LOGIN:
        state = socks_login(p, &r);
        break;
    default:
        state = socks_reply(p, &r);
        break;
    }
    if (state == TALK_DONE)
        p->talk.used = p->talk.in.len - r.rest.len;
    return state;
}

enum talk_state proxy_step(struct proxy_talk *p)
{
    enum talk_state state = TALK_DONE;

    if (buf_error(&p->talk.in) != 0)
        return talk_end(&p->talk, TALK_BROKEN, "it sends more than 64 KiB before the tunnel",
                        no_words);
    if (p->proxy->kind == PROXY_HTTP)
        return connect_step(p);
    while (state == TALK_DONE && p->talk.step != UINT32_MAX)
        state = socks_step(p);
    return state;
}
