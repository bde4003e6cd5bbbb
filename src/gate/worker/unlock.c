/*
 * TLS secrets for a packet capture, while an unlock is in force.
 */
#include "base/clock.h"
#include "base/log.h"
#include "gate/worker/session.h"

static void on_secret(const SSL *ssl, const char *line)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);
    const struct session *s = leg_of(ssl)->owner;
    const struct gate_keylog k = { s->client_text, s->host, line };

    if (s->host == NULL || !unlock_covers(&s->w->unlock, s->client_text, s->host, wall_now()))
        return;
    keylog_write(&message, &k);
    if (buf_error(&message) != 0 || channel_send(s->w->scribe, buf_span(&message)) < 0)
        log_warning("gate worker: a secret was lost: the scribe takes no more");
}

void worker_unlock(struct worker *w, struct mw_span json)
{
    bool on;

    if (unlock_read(&w->unlock, json) < 0)
        return;
    kept_drop(w);
    on = w->unlock.until.s > wall_now().s;
    SSL_CTX_set_keylog_callback(w->sides.to_client, on ? on_secret : NULL);
    SSL_CTX_set_keylog_callback(w->sides.to_server, on ? on_secret : NULL);
}
