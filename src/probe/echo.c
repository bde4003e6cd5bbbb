#include "probe/echo.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "http/request.h"
#include "http/response.h"
#include "net/watch.h"

enum { MAX_REQUEST = 2048 };

struct echo {
    struct tls *stream;
    struct watch *watch;
    uint8_t nonce[ECHO_NONCE_BYTES];
    char *key;
    struct buf out;
    size_t written;
    struct http_response response;
    echo_fn *on_done;
    void *context;
};

static void echo_free(struct echo *e)
{
    watch_free(e->watch);
    buf_deinit(&e->out);
    http_response_deinit(&e->response);
    free(e->key);
    free(e);
}

static void finish(struct echo *e, enum mw_seen answered, struct echo_answer *answer)
{
    e->on_done(e->context, answered, answer);
    echo_free(e);
}

static void answer_take(struct echo *e)
{
    struct echo_answer answer;

    if (e->response.status != 200 ||
        echo_answer_read(&answer, buf_span(&e->response.m.body), e->nonce, e->key) != 0) {
        finish(e, MW_SEEN_NO, NULL);
        return;
    }
    finish(e, MW_SEEN_YES, &answer);
}

/* IO_OK: written. */
static enum io request_send(struct echo *e)
{
    while (e->written < e->out.len) {
        size_t n = 0;
        enum io io = tls_write(e->stream, span_cut(buf_span(&e->out), e->written, SIZE_MAX), &n);

        if (io != IO_OK)
            return io;
        e->written += n;
    }
    return IO_OK;
}

/* IO_OK: the response is complete. */
static enum io answer_receive(struct echo *e)
{
    for (;;) {
        uint8_t bytes[8192];
        size_t n = 0;
        enum io io = tls_read(e->stream, bytes, sizeof bytes, &n);
        struct mw_span in = span_of(bytes, n);
        enum http_state state;

        if (io != IO_OK && io != IO_CLOSED)
            return io;
        state = io == IO_CLOSED ? http_response_end(&e->response)
                                : http_response_feed(&e->response, &in);
        if (state == HTTP_DONE)
            return IO_OK;
        if (state == HTTP_BAD || io == IO_CLOSED)
            return IO_FAILED;
    }
}

static void on_event(void *context, unsigned events)
{
    struct echo *e = context;
    enum io io;

    if ((events & WATCH_TIMEOUT) != 0) {
        finish(e, MW_COULD_NOT_LOOK, NULL);
        return;
    }
    io = request_send(e);
    if (io == IO_OK)
        io = answer_receive(e);
    if (io == IO_OK) {
        answer_take(e);
        return;
    }
    if ((io != IO_WANT_READ && io != IO_WANT_WRITE) || watch_io(e->watch, io) != 0)
        finish(e, MW_COULD_NOT_LOOK, NULL);
}

static int request_write(struct echo *e, const char *host)
{
    CLEANUP(buf_deinit) struct buf target = BUF_INIT(MAX_REQUEST);
    const struct http_field fields[] = {
        {SPAN_LIT("Accept"), SPAN_LIT("application/json")}
    };

    if (RAND_bytes(e->nonce, sizeof e->nonce) != 1)
        return -EIO;
    echo_target_write(&target, e->nonce);
    if (buf_error(&target) != 0)
        return buf_error(&target);
    return http_request_write(&e->out, "GET", (const char *)target.data, host, fields,
                              ARRAY_LEN(fields), (struct mw_span){ NULL, 0 });
}

int echo_begin(struct echo **out, uv_loop_t *loop, struct tls *stream, const char *host,
               const char *key, int64_t limit_ms, echo_fn *on_done, void *context)
{
    struct echo *e = calloc(1, sizeof *e);
    int rc;

    if (e == NULL)
        return -ENOMEM;
    *e = (struct echo){ .stream = stream,
                        .key = span_dup(span_str(key)),
                        .out = BUF_INIT(MAX_REQUEST),
                        .response = HTTP_RESPONSE_INIT(ECHO_MAX_ANSWER),
                        .on_done = on_done,
                        .context = context };
    rc = e->key != NULL ? request_write(e, host) : -ENOMEM;
    if (rc == 0)
        rc = watch_new(&e->watch, loop, tls_fd(stream), on_event, e);
    if (rc == 0)
        rc = watch_want(e->watch, WATCH_WRITE);
    if (rc != 0) {
        echo_free(e);
        return rc;
    }
    watch_limit(e->watch, limit_ms);
    *out = e;
    return 0;
}

void echo_cancel(struct echo *e)
{
    if (e != NULL)
        echo_free(e);
}
