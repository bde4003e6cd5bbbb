#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "lab/box.h"
#include "net/addr.h"
#include "net/echo_message.h"

static const struct {
    const char *name;
    enum lab_door door;
} doors[] = {
    { "tls", DOOR_TLS },
    { "http", DOOR_HTTP },
    { "proxy", DOOR_PROXY },
    { "intercept", DOOR_INTERCEPT },
    { "closed", DOOR_CLOSED },
    { "smtp", DOOR_SMTP },
    { "imap", DOOR_IMAP },
    { "pop3", DOOR_POP3 },
    { "ftp", DOOR_FTP },
    { "xmpp", DOOR_XMPP },
    { "ldap", DOOR_LDAP },
    { "postgres", DOOR_POSTGRES },
    { "mysql", DOOR_MYSQL },
    { "smtp-plain", DOOR_SMTP_PLAIN },
    { "dns", DOOR_DNS },
    { "sntp", DOOR_SNTP },
    { "sntp-hour", DOOR_SNTP_HOUR },
    { "sntp-ahead", DOOR_SNTP_AHEAD },
    { "sntp-silent", DOOR_SNTP_SILENT },
    { "roughtime", DOOR_ROUGHTIME },
    { "roughtime-ahead", DOOR_ROUGHTIME_AHEAD },
    { "roughtime-behind", DOOR_ROUGHTIME_BEHIND },
    { "roughtime-behind-too", DOOR_ROUGHTIME_BEHIND_TOO },
    { "roughtime-liar", DOOR_ROUGHTIME_LIAR },
};

static void doors_tell(const struct lab *lab, lab_word_fn *fn, void *context)
{
    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        struct addr at = { .len = sizeof(at.sa) };
        char text[ADDR_TEXT], port_name[40], port[8];

        memcpy(&at.sa, &lab->at[doors[i].door], sizeof(at.sa));
        addr_text(&at, true, text);
        fn(context, doors[i].name, text);
        snprintf(port_name, sizeof(port_name), "%s-port", doors[i].name);
        snprintf(port, sizeof(port), "%u", (unsigned)addr_port(&at));
        fn(context, port_name, port);
    }
}

/* Other days, for --at. */
static void days_tell(const struct lab *lab, lab_word_fn *fn, void *context)
{
    static const struct {
        const char *name;
        int days;
    } days[] = { { "year-ago", -365 }, { "in-a-year", 365 } };

    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(64);

        wall_format(&text, pki_day(lab->pki, days[i].days));
        if (buf_error(&text) == 0)
            fn(context, days[i].name, (const char *)text.data);
    }
}

static int pins_tell(const struct lab *lab, lab_word_fn *fn, void *context)
{
    for (size_t i = 0; i < lab->pki->n_pins; i++) {
        char name[64], text[ECHO_PIN_TEXT];

        if (echo_key_text(text, lab->pki->pins[i].key) != 0)
            return -EINVAL;
        snprintf(name, sizeof(name), "pin-%s", lab->pki->pins[i].name);
        fn(context, name, text);
    }
    return 0;
}

/* Roughtime keys are told as the base64 of their 32 bytes. */
static int keys_tell(const struct lab *lab, lab_word_fn *fn, void *context)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(128);
    char echo[ECHO_PIN_TEXT];
    uint8_t raw[32];
    size_t n = sizeof(raw);

    if (echo_key_text(echo, lab->echo_key) != 0 ||
        EVP_PKEY_get_raw_public_key(lab->time_key, raw, &n) <= 0)
        return -EINVAL;
    text_base64(&text, span_of(raw, n));
    if (buf_error(&text) < 0)
        return buf_error(&text);
    fn(context, "echo-key", echo);
    fn(context, "time-key", (const char *)text.data);
    return 0;
}

int lab_words(struct lab *lab, lab_word_fn *fn, void *context)
{
    int r;

    if (lab->options.folder != NULL)
        fn(context, "dir", lab->options.folder);
    doors_tell(lab, fn, context);
    days_tell(lab, fn, context);
    r = pins_tell(lab, fn, context);
    return r == 0 ? keys_tell(lab, fn, context) : r;
}
