/* A proxy's answers, SOCKS 5 and HTTP CONNECT, and a proxy's URL; the first byte chooses. */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/proxy.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void read_settings(struct mw_span text)
{
    struct proxy p;
    char error[256] = "";
    char *url = span_dup(text);

    if (url != NULL && proxy_parse(&p, url, error) == 0) {
        must(p.host != NULL && p.host[0] != 0 && p.port > 0);
        must((p.user == NULL) == (p.password == NULL));
        must(p.user == NULL || (strlen(p.user) < 256 && strlen(p.password) < 256));
        proxy_deinit(&p);
    }
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char user[] = "ana", password[] = "pwd", host[] = "proxy.test";
    struct proxy proxy = { .host = host, .port = 1080 };
    struct proxy_talk p = PROXY_TALK_INIT(&proxy, "site.lab.test", 443);
    enum talk_state state;
    struct mw_span rest;
    size_t step;

    if (len == 0)
        return 0;
    read_settings(span_of(data, len));
    proxy.kind = (enum proxy_kind)(data[0] % 3);
    if ((data[0] & 0x40) != 0) {
        proxy.user = user;
        proxy.password = password;
    }
    step = 1u + data[0] / 4 % 8;
    rest = span_of(data + 1, len - 1);
    state = proxy_step(&p);
    while (state == TALK_MORE && rest.len > 0) {
        struct mw_span piece = span_cut(rest, 0, step);

        rest = span_cut(rest, piece.len, SIZE_MAX);
        buf_add(&p.talk.in, piece);
        state = proxy_step(&p);
    }
    must(p.talk.used <= p.talk.in.len && p.talk.out.len < 2048);
    must((state == TALK_REFUSED || state == TALK_BROKEN) == (p.talk.why.len > 0));
    for (size_t i = 0; i < p.talk.why.len; i++)
        must(p.talk.why.data[i] >= ' ' && p.talk.why.data[i] != 0x7f);
    talk_deinit(&p.talk);
    return 0;
}
