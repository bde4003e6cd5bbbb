#include "probe/starttls.h"

#include "base/reader.h"
#include "base/text.h"

static const struct mw_span no_words = { NULL, 0 };

static bool starts(struct mw_span s, const char *with)
{
    return span_eq_nocase(span_cut(s, 0, strlen(with)), span_str(with));
}

/* Says `line` and goes on to the next step. */
static enum talk_state say(struct starttls *s, const char *line)
{
    buf_str(&s->talk.out, line);
    s->talk.step++;
    return TALK_DONE;
}

/* --------------------------------------------- replies of three digits: SMTP, FTP ---- */

/* One line of a reply; *last: no more follow (RFC 5321 section 4.2.1, RFC 959 section 4.2). */
static enum talk_state reply_line(struct starttls *s, struct mw_span *line, int64_t *code,
                                  bool *last)
{
    enum talk_state state = talk_line(&s->talk, line);

    if (state != TALK_DONE)
        return state;
    *last = line->len < 4 || line->data[3] != '-';
    if (text_number(span_cut(*line, 0, 3), 100, 599, code) != 0 ||
        (line->len > 3 && line->data[3] != '-' && line->data[3] != ' '))
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol", *line);
    return TALK_DONE;
}

static enum talk_state smtp_step(struct starttls *s)
{
    struct mw_span line;
    int64_t code;
    bool last;
    enum talk_state state = reply_line(s, &line, &code, &last);

    if (state != TALK_DONE)
        return state;
    switch (s->talk.step) {
    case 0:
        if (code != 220)
            return talk_end(&s->talk, TALK_REFUSED, "the server turns us away", line);
        return last ? say(s, "EHLO midwatch.invalid\r\n") : TALK_DONE;
    case 1:
        if (code != 250)
            return talk_end(&s->talk, TALK_REFUSED, "the server refuses EHLO", line);
        s->offered = s->offered || span_eq_nocase(span_trim(span_cut(line, 4, SIZE_MAX)),
                                                  SPAN_LIT("STARTTLS"));
        if (!last)
            return TALK_DONE;
        if (!s->offered)
            return talk_end(&s->talk, TALK_REFUSED,
                            "the server does not offer STARTTLS, or somebody on the way took "
                            "the offer out", no_words);
        return say(s, "STARTTLS\r\n");
    default:
        if (code != 220)
            return talk_end(&s->talk, TALK_REFUSED, "the server refuses STARTTLS", line);
        if (last)
            s->talk.step = UINT32_MAX;
        return TALK_DONE;
    }
}

static enum talk_state ftp_step(struct starttls *s)
{
    struct mw_span line;
    int64_t code;
    bool last;
    enum talk_state state = reply_line(s, &line, &code, &last);

    if (state != TALK_DONE)
        return state;
    if (s->talk.step == 0) {
        if (code != 220 && code != 120)
            return talk_end(&s->talk, TALK_REFUSED, "the server turns us away", line);
        return last && code == 220 ? say(s, "AUTH TLS\r\n") : TALK_DONE;
    }
    if (code != 234)
        return talk_end(&s->talk, TALK_REFUSED, "the server refuses AUTH TLS", line);
    if (last)
        s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

/* ----------------------------------------------------------------- IMAP and POP3 ---- */

static enum talk_state imap_step(struct starttls *s)
{
    struct mw_span line;
    enum talk_state state = talk_line(&s->talk, &line);

    if (state != TALK_DONE)
        return state;
    if (s->talk.step == 0) {
        /* After PREAUTH, STARTTLS is not possible any more: a known way to strip it. */
        if (starts(line, "* PREAUTH") || starts(line, "* BYE"))
            return talk_end(&s->talk, TALK_REFUSED, "the server turns us away", line);
        if (!starts(line, "* OK"))
            return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol", line);
        return say(s, "mw1 STARTTLS\r\n");
    }
    if (starts(line, "* "))
        return TALK_DONE;
    if (!starts(line, "mw1 "))
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol", line);
    if (!starts(line, "mw1 OK"))
        return talk_end(&s->talk, TALK_REFUSED, "the server refuses STARTTLS", line);
    s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

static enum talk_state pop3_step(struct starttls *s)
{
    struct mw_span line;
    enum talk_state state = talk_line(&s->talk, &line);

    if (state != TALK_DONE)
        return state;
    if (starts(line, "-ERR"))
        return talk_end(&s->talk, TALK_REFUSED,
                        s->talk.step == 0 ? "the server turns us away"
                                          : "the server refuses STLS", line);
    if (!starts(line, "+OK"))
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol", line);
    if (s->talk.step == 0)
        return say(s, "STLS\r\n");
    s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

/* -------------------------------------------------------------------------- XMPP ---- */

/* The end of the first `mark` in s, 0 if it is not there. */
static size_t find_end(struct mw_span s, const char *mark)
{
    size_t len = strlen(mark);

    for (size_t i = 0; i + len <= s.len; i++) {
        if (memcmp(s.data + i, mark, len) == 0)
            return i + len;
    }
    return 0;
}

/* The end of the first element of that name, with its content; 0: not whole yet. */
static size_t element_end(struct mw_span s, const char *open, const char *close)
{
    size_t at = find_end(s, open), tag;

    if (at == 0)
        return 0;
    tag = find_end(span_cut(s, at, SIZE_MAX), ">");
    if (tag == 0)
        return 0;
    if (s.data[at + tag - 2] == '/')
        return at + tag;
    tag = find_end(span_cut(s, at, SIZE_MAX), close);
    return tag > 0 ? at + tag : 0;
}

static enum talk_state xmpp_step(struct starttls *s)
{
    struct mw_span rest = talk_rest(&s->talk);
    size_t end;

    if (s->talk.step == 0) {
        buf_printf(&s->talk.out,
                   "<?xml version='1.0'?><stream:stream to='%s' xmlns='jabber:client' "
                   "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
                   s->host);
        s->talk.step++;
        return TALK_DONE;
    }
    if (rest.len > 0 && rest.data[0] != '<')
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol",
                        span_cut(rest, 0, 160));
    if (find_end(rest, "<stream:error") > 0 || find_end(rest, "<failure") > 0)
        return talk_end(&s->talk, TALK_REFUSED, "the server refuses STARTTLS",
                        span_cut(rest, rest.len > 160 ? rest.len - 160 : 0, 160));
    if (s->talk.step == 1) {
        end = element_end(rest, "<stream:features", "</stream:features>");
        if (end == 0)
            return TALK_MORE;
        s->talk.used += end;
        if (find_end(span_cut(rest, 0, end), "<starttls") == 0)
            return talk_end(&s->talk, TALK_REFUSED, "the server does not offer STARTTLS, or "
                            "somebody on the way took the offer out", no_words);
        return say(s, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    }
    end = element_end(rest, "<proceed", "</proceed>");
    if (end == 0)
        return TALK_MORE;
    s->talk.used += end;
    s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

/* -------------------------------------------------------------------------- LDAP ---- */

/* BER, definite lengths of at most two bytes: an answer to StartTLS is short. */
static struct mw_span ber(struct reader *r, uint8_t tag)
{
    uint8_t len;

    if (read_u8(r) != tag)
        read_fail(r);
    len = read_u8(r);
    if (len < 0x80)
        return read_bytes(r, len);
    if (len == 0x81)
        return read_vec8(r);
    if (len == 0x82)
        return read_vec16(r);
    read_fail(r);
    return no_words;
}

static enum talk_state ldap_answer(struct starttls *s)
{
    struct mw_span rest = talk_rest(&s->talk), code, text;
    struct reader r = { .rest = rest }, message, response;

    if (rest.len > 0 && rest.data[0] != 0x30)
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol",
                        span_cut(rest, 0, 160));
    if (rest.len > 1 && rest.data[1] > 0x82)
        return talk_end(&s->talk, TALK_BROKEN, "its LDAP answer has no plausible length", no_words);
    message = (struct reader){ .rest = ber(&r, 0x30) };
    if (r.failed)
        return TALK_MORE;
    s->talk.used += rest.len - r.rest.len;
    (void)ber(&message, 0x02);                              /* messageID */
    response = (struct reader){ .rest = ber(&message, 0x78) };     /* ExtendedResponse */
    code = ber(&response, 0x0a);
    (void)ber(&response, 0x04);                             /* matchedDN */
    text = ber(&response, 0x04);                            /* diagnosticMessage */
    if (message.failed || response.failed || code.len != 1)
        return talk_end(&s->talk, TALK_BROKEN, "its LDAP answer is malformed", no_words);
    if (code.data[0] != 0)
        return talk_end(&s->talk, TALK_REFUSED, "the server refuses StartTLS", text);
    s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

static enum talk_state ldap_step(struct starttls *s)
{
    static const uint8_t request[] = { 0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16 };

    if (s->talk.step > 0)
        return ldap_answer(s);
    buf_add(&s->talk.out, span_of(request, sizeof(request)));
    return say(s, "1.3.6.1.4.1.1466.20037");
}

/* --------------------------------------------------------- PostgreSQL and MySQL ---- */

static enum talk_state postgres_step(struct starttls *s)
{
    struct mw_span rest = talk_rest(&s->talk);

    if (s->talk.step == 0) {
        buf_u32(&s->talk.out, 8);
        buf_u32(&s->talk.out, 80877103);        /* SSLRequest */
        s->talk.step++;
        return TALK_DONE;
    }
    if (rest.len == 0)
        return TALK_MORE;
    s->talk.used++;
    if (rest.data[0] == 'N')
        return talk_end(&s->talk, TALK_REFUSED, "the server answers \"N\": no TLS", no_words);
    if (rest.data[0] != 'S')
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol",
                        span_cut(rest, 0, 160));
    s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

enum { MYSQL_CLIENT_SSL = 0x0800, MYSQL_PROTOCOL_41 = 0x0200, MYSQL_SECURE = 0x8000 };

/* The reply: capabilities, packet size, character set, 23 zeros; numbers little-endian. */
static void mysql_ssl_request(struct starttls *s)
{
    static const uint8_t head[] = { 32, 0, 0, 1 };
    static const uint8_t flags[] = { MYSQL_PROTOCOL_41 & 0xff,
                                     (MYSQL_PROTOCOL_41 | MYSQL_CLIENT_SSL | MYSQL_SECURE) >> 8,
                                     0, 0, 0, 0, 0, 1, 33 };

    buf_add(&s->talk.out, span_of(head, sizeof(head)));
    buf_add(&s->talk.out, span_of(flags, sizeof(flags)));
    buf_fill(&s->talk.out, 0, 23);
}

static enum talk_state mysql_step(struct starttls *s)
{
    struct mw_span rest = talk_rest(&s->talk), body, version;
    struct reader r = { .rest = rest };
    size_t len;
    unsigned low, capabilities;

    len = read_u8(&r);
    len |= (size_t)read_u8(&r) << 8;
    len |= (size_t)read_u8(&r) << 16;
    if (r.failed)
        return TALK_MORE;
    if (len > TALK_MAX_LINE || len < 2)
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol",
                        span_cut(rest, 0, 160));
    (void)read_u8(&r);                  /* sequence */
    body = read_bytes(&r, len);
    if (r.failed)
        return TALK_MORE;
    s->talk.used += len + 4;
    if (body.data[0] == 0xff)
        return talk_end(&s->talk, TALK_REFUSED, "the server turns us away",
                        span_cut(body, 3, SIZE_MAX));
    if (body.data[0] != 10)
        return talk_end(&s->talk, TALK_BROKEN, "it answers in another protocol", no_words);
    r = (struct reader){ .rest = span_cut(body, 1, SIZE_MAX) };
    if (!span_field(&r.rest, 0, &version))
        return talk_end(&s->talk, TALK_BROKEN, "its greeting is malformed", no_words);
    (void)read_bytes(&r, 4 + 8 + 1);    /* thread, auth data, filler */
    low = read_u8(&r);
    capabilities = low | (unsigned)read_u8(&r) << 8;
    if (r.failed)
        return talk_end(&s->talk, TALK_BROKEN, "its greeting is malformed", no_words);
    if ((capabilities & MYSQL_CLIENT_SSL) == 0)
        return talk_end(&s->talk, TALK_REFUSED, "the server does not offer TLS, or somebody on "
                        "the way took the offer out", no_words);
    mysql_ssl_request(s);
    s->talk.step = UINT32_MAX;
    return TALK_DONE;
}

/* -------------------------------------------------------------------------- all ---- */

static const struct {
    const char *name;
    enum talk_state (*step)(struct starttls *s);
} kinds[] = {
    [PROBE_STARTTLS_SMTP] = { "SMTP", smtp_step },
    [PROBE_STARTTLS_IMAP] = { "IMAP", imap_step },
    [PROBE_STARTTLS_POP3] = { "POP3", pop3_step },
    [PROBE_STARTTLS_FTP] = { "FTP", ftp_step },
    [PROBE_STARTTLS_XMPP] = { "XMPP", xmpp_step },
    [PROBE_STARTTLS_LDAP] = { "LDAP", ldap_step },
    [PROBE_STARTTLS_POSTGRES] = { "PostgreSQL", postgres_step },
    [PROBE_STARTTLS_MYSQL] = { "MySQL", mysql_step },
};

const char *starttls_name(enum probe_starttls kind)
{
    return kind > PROBE_TLS_DIRECT && kind < ARRAY_LEN(kinds) ? kinds[kind].name : "TLS";
}

enum talk_state starttls_step(struct starttls *s)
{
    enum talk_state state = TALK_DONE;

    if (s->kind <= PROBE_TLS_DIRECT || s->kind >= ARRAY_LEN(kinds))
        return TALK_DONE;
    if (buf_error(&s->talk.in) != 0)
        return talk_end(&s->talk, TALK_BROKEN, "it sends more than 64 KiB before TLS", no_words);
    while (state == TALK_DONE && s->talk.step != UINT32_MAX)
        state = kinds[s->kind].step(s);
    if (state == TALK_DONE && talk_rest(&s->talk).len > 0)
        return talk_end(&s->talk, TALK_BROKEN,
                        "something was sent after the go-ahead for TLS, in the clear: somebody "
                        "on the way may have put it there", talk_rest(&s->talk));
    return state;
}

enum probe_starttls starttls_guess(struct mw_span greeting)
{
    if (starts(greeting, "220"))
        return find_end(greeting, "FTP") > 0 && find_end(greeting, "SMTP") == 0
                   ? PROBE_STARTTLS_FTP
                   : PROBE_STARTTLS_SMTP;
    if (starts(greeting, "* OK"))
        return PROBE_STARTTLS_IMAP;
    if (starts(greeting, "+OK"))
        return PROBE_STARTTLS_POP3;
    if (greeting.len > 5 && greeting.data[3] == 0 && greeting.data[4] == 10)
        return PROBE_STARTTLS_MYSQL;
    return PROBE_TLS_DIRECT;
}
