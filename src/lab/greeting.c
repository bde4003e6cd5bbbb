/*
 * The STARTTLS doors: as much of each protocol as leads to the switch.
 * Source: RFC 3207 (SMTP), RFC 2595 (IMAP, POP3), RFC 4217 (FTP), RFC 6120 section 5 (XMPP),
 *         RFC 4511 section 4.14 (LDAP), PostgreSQL's SSLRequest, MySQL's protocol version 10.
 */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "lab/box.h"

/* What a line of the client that begins so is answered; `tls`: and then TLS begins.  A first
 * word behind a tag (IMAP) is found by `tagged`. */
struct line_rule {
    const char *begins, *answer;
    bool tls;
};

struct talk {
    const char *greeting;
    bool tagged;
    const struct line_rule *rules;
    const char *otherwise;
};

static const struct line_rule smtp_rules[] = {
    { "EHLO", "250-mail.lab.test\r\n250-SIZE 1000000\r\n250 STARTTLS\r\n", false },
    { "HELO", "250 mail.lab.test\r\n", false },
    { "STARTTLS", "220 go ahead\r\n", true },
    { NULL, NULL, false },
};
static const struct line_rule smtp_plain_rules[] = {
    { "EHLO", "250-mail.lab.test\r\n250 SIZE 1000000\r\n", false },
    { NULL, NULL, false },
};
static const struct line_rule imap_rules[] = {
    { "CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n%s OK done\r\n", false },
    { "STARTTLS", "%s OK begin\r\n", true },
    { NULL, NULL, false },
};
static const struct line_rule pop3_rules[] = {
    { "CAPA", "+OK\r\nSTLS\r\nUSER\r\n.\r\n", false },
    { "STLS", "+OK begin\r\n", true },
    { NULL, NULL, false },
};
static const struct line_rule ftp_rules[] = {
    { "FEAT", "211-Features\r\n AUTH TLS\r\n211 End\r\n", false },
    { "AUTH TLS", "234 go ahead\r\n", true },
    { NULL, NULL, false },
};

static const struct talk talks[DOORS] = {
    [DOOR_SMTP] = { "220 mail.lab.test ESMTP\r\n", false, smtp_rules, "502 what?\r\n" },
    [DOOR_SMTP_PLAIN] = { "220 mail.lab.test ESMTP\r\n", false, smtp_plain_rules,
                          "502 what?\r\n" },
    [DOOR_IMAP] = { "* OK mail.lab.test ready\r\n", true, imap_rules, "* BAD what?\r\n" },
    [DOOR_POP3] = { "+OK mail.lab.test ready\r\n", false, pop3_rules, "-ERR what?\r\n" },
    [DOOR_FTP] = { "220 ftp.lab.test ready\r\n", false, ftp_rules, "500 what?\r\n" },
};

static void tls_begin(struct peer *p)
{
    p->door = DOOR_TLS;
    peer_become(p, &role_tls, NULL);
}

static bool rule_fits(const char *begins, struct mw_span line)
{
    size_t n = strlen(begins);

    return span_eq_nocase(span_cut(line, 0, n), span_str(begins));
}

static void line_answer(struct peer *p, const struct talk *t, struct mw_span line, bool *tls)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct mw_span tag = { NULL, 0 };
    const struct line_rule *rule = t->rules;

    if (t->tagged)
        span_field(&line, ' ', &tag);
    while (rule->begins != NULL && !rule_fits(rule->begins, line))
        rule++;
    for (const char *a = rule->begins != NULL ? rule->answer : t->otherwise; *a != '\0'; a++) {
        if (a[0] == '%' && a[1] == 's') {
            buf_add(&out, span_cut(tag, 0, 64));
            a++;
        } else {
            buf_u8(&out, (uint8_t)*a);
        }
    }
    *tls = rule->tls;
    peer_send(p, buf_span(&out));
}

static void lines_data(struct peer *p, const struct talk *t)
{
    bool tls = false;

    while (!tls && memchr(p->in.data, '\n', p->in.len) != NULL) {
        struct mw_span rest = buf_span(&p->in), line;

        if (!span_line(&rest, &line))
            return;
        line_answer(p, t, line, &tls);
        buf_drop(&p->in, p->in.len - rest.len);
    }
    if (tls)
        tls_begin(p);
    else if (p->in.len > 4096)
        peer_finish(p);
}

static bool in_contains(const struct peer *p, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= p->in.len; i++)
        if (memcmp(p->in.data + i, text, n) == 0)
            return true;
    return false;
}

static void xmpp_data(struct peer *p)
{
    if (in_contains(p, "<starttls") && in_contains(p, "xmpp-tls") &&
        p->in.data[p->in.len - 1] == '>') {
        buf_truncate(&p->in, 0);
        peer_send(p, SPAN_LIT("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
        tls_begin(p);
    } else if (in_contains(p, "<stream:stream") && p->in.data[p->in.len - 1] == '>') {
        buf_truncate(&p->in, 0);
        peer_send(p, SPAN_LIT("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                              "xmlns:stream='http://etherx.jabber.org/streams' id='lab' "
                              "from='lab.test' version='1.0'><stream:features>"
                              "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>"
                              "</starttls></stream:features>"));
    }
}

/* One LDAPMessage with an ExtendedRequest inside; its messageID comes back. */
static void ldap_data(struct peer *p)
{
    uint8_t answer[] = { 0x30, 0x0c, 0x02, 0x01, 0x01, 0x78, 0x07, 0x0a,
                         0x01, 0x00, 0x04, 0x00, 0x04, 0x00 };

    if (p->in.len < 2 || p->in.len < 2u + p->in.data[1])
        return;
    if (p->in.data[0] != 0x30 || p->in.data[1] >= 0x80 || p->in.len < 6 ||
        p->in.data[2] != 0x02 || p->in.data[3] != 1 || p->in.data[5] != 0x77) {
        peer_finish(p);
        return;
    }
    answer[4] = p->in.data[4];
    buf_drop(&p->in, 2u + p->in.data[1]);
    peer_send(p, span_of(answer, sizeof(answer)));
    tls_begin(p);
}

static void postgres_data(struct peer *p)
{
    static const uint8_t ssl_request[] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f };

    if (p->in.len < sizeof(ssl_request))
        return;
    if (memcmp(p->in.data, ssl_request, sizeof(ssl_request)) != 0) {
        peer_finish(p);
        return;
    }
    buf_drop(&p->in, sizeof(ssl_request));
    peer_send(p, SPAN_LIT("S"));
    tls_begin(p);
}

enum { MYSQL_HEADER = 4, MYSQL_SSL_REQUEST = 32, MYSQL_CAN_SSL = 0x0800 };

static void mysql_greet(struct peer *p)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(256), packet = BUF_INIT(300);
    const uint16_t can = 0xffff;        /* MYSQL_CAN_SSL among them */

    buf_u8(&body, 10);
    buf_add(&body, span_of("8.0.0-lab", 10));
    buf_add(&body, span_of("\x01\x00\x00\x00" "saltsalt" "\x00", 13));
    buf_u8(&body, (uint8_t)(can & 0xff));
    buf_u8(&body, (uint8_t)(can >> 8));
    buf_add(&body, span_of("\x21\x02\x00\xff\x81\x15", 6));
    buf_fill(&body, '\0', 10);
    buf_add(&body, span_of("saltsaltsalt\0mysql_native_password", 35));
    buf_u8(&packet, (uint8_t)body.len);
    buf_add(&packet, span_of("\0\0\0", 3));
    buf_add(&packet, buf_span(&body));
    peer_send(p, buf_span(&packet));
}

static void mysql_data(struct peer *p)
{
    if (p->in.len < MYSQL_HEADER + MYSQL_SSL_REQUEST)
        return;
    if (p->in.data[0] != MYSQL_SSL_REQUEST ||
        (p->in.data[MYSQL_HEADER + 1] & (MYSQL_CAN_SSL >> 8)) == 0) {
        peer_finish(p);
        return;
    }
    buf_drop(&p->in, MYSQL_HEADER + MYSQL_SSL_REQUEST);
    tls_begin(p);
}

static void greeting_data(struct peer *p)
{
    switch (p->door) {
    case DOOR_XMPP:
        xmpp_data(p);
        break;
    case DOOR_LDAP:
        ldap_data(p);
        break;
    case DOOR_POSTGRES:
        postgres_data(p);
        break;
    case DOOR_MYSQL:
        mysql_data(p);
        break;
    default:
        lines_data(p, &talks[p->door]);
        break;
    }
}

static void greeting_opened(struct peer *p)
{
    if (p->door == DOOR_MYSQL)
        mysql_greet(p);
    else if (talks[p->door].greeting != NULL)
        peer_send(p, span_str(talks[p->door].greeting));
}

const struct peer_role role_greeting = { .data = greeting_data, .opened = greeting_opened };
