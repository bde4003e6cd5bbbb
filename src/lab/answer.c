#include "lab/answer.h"

#include <errno.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/response.h"
#include "net/echo_message.h"

enum { OK = 200, BAD_REQUEST = 400, NOT_FOUND = 404 };

static int text_answer(struct buf *out, int status, const char *type, struct mw_span body)
{
    const struct http_field fields[] = {
        { SPAN_LIT("Content-Type"), span_str(type) },
        { SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") },
    };

    return http_response_write(out, status, fields, ARRAY_LEN(fields), body, false);
}

/* RFC 9266 section 4.2: before TLS 1.3 the exporter identifies a connection only with the
 * extended master secret. */
static int exporter(SSL *ssl, uint8_t out[ECHO_EXPORTER_BYTES])
{
    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
        return -ENOTSUP;
    if (SSL_export_keying_material(ssl, out, ECHO_EXPORTER_BYTES, ECHO_EXPORTER_LABEL,
                                   sizeof(ECHO_EXPORTER_LABEL) - 1, (const uint8_t *)"", 0,
                                   1) <= 0)
        return -EIO;
    return 0;
}

static int echo_write(struct buf *out, const struct lab *lab, SSL *ssl, struct mw_span hello,
                      struct mw_span target)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(ECHO_MAX_ANSWER);
    struct echo_claim claim = { .hello = hello, .at = wall_now() };
    int r = echo_target_read(target, claim.nonce);

    if (r != 0)
        return text_answer(out, r > 0 ? BAD_REQUEST : NOT_FOUND, "text/plain",
                           SPAN_LIT("no nonce of 32 bytes in hex\n"));
    r = exporter(ssl, claim.exporter);
    if (r == 0)
        r = echo_answer_write(&json, &claim, lab->echo_key);
    if (r != 0)
        return r < 0 ? r : -EINVAL;
    return text_answer(out, OK, "application/json", buf_span(&json));
}

int answer_write(struct buf *out, const struct lab *lab, const struct site *site, SSL *ssl,
                 struct mw_span hello, const struct http_request *request)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);
    struct mw_span path = span_cut(request->target, 0, sizeof(ECHO_PATH) - 1);

    if (lab->options.echo && span_eq(path, SPAN_LIT(ECHO_PATH)))
        return echo_write(out, lab, ssl, hello, request->target);
    buf_printf(&text, "Midwatch lab, case %s: %s\n", site->c->name, site->c->wrong);
    if (buf_error(&text) < 0)
        return buf_error(&text);
    return text_answer(out, OK, "text/plain; charset=utf-8", buf_span(&text));
}
