#include <errno.h>

#include "gate/bridge/h1.h"
#include "gate/bridge/h2.h"

/* ------------------------------------------------------------------------------- sending ---- */

enum { OWN_FIELDS = 8 };        /* pseudo-fields and Via */

/* Not on the stack: a frame of 10 KiB would be cleared for each head. */
struct fields {
    nghttp2_nv *nv;
    size_t n, size;
};

static bool fields_begin(struct h2 *h, struct fields *f, const struct h2_head *head)
{
    *f = (struct fields){ .nv = h2_alloc(&h->memory, (head->n + OWN_FIELDS) * sizeof(*f->nv)) };
    if (f->nv == NULL)
        h2_session_check(h, BRIDGE_CLIENT, NGHTTP2_ERR_NOMEM);
    return f->nv != NULL;
}

static void fields_add(struct fields *f, struct mw_span name, struct mw_span value, uint8_t flags)
{
    f->nv[f->n++] = (nghttp2_nv){ (uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data,
                                  name.len, value.len,
                                  (uint8_t)(flags & NGHTTP2_NV_FLAG_NO_INDEX) };
    f->size += name.len + value.len + 32;
}

static bool is_pseudo(struct mw_span name)
{
    return name.len > 0 && name.data[0] == ':';
}

/* All but pseudo-fields.  A length is left out where stages may change it; Host is said by
 * :authority. */
static void fields_copy(struct fields *f, const struct h2_head *head, bool drop_length)
{
    for (size_t i = 0; i < head->n; i++) {
        struct mw_span name = h2_field_name(&head->fields[i]);

        if (is_pseudo(name) || span_eq(name, SPAN_LIT("host")) ||
            (drop_length && span_eq(name, SPAN_LIT("content-length"))))
            continue;
        fields_add(f, name, h2_field_value(&head->fields[i]), head->fields[i].flags);
    }
}

static void via_add(struct fields *f, const struct h2 *h)
{
    if (h->via[0] != '\0')
        fields_add(f, SPAN_LIT("via"), span_str(h->via), 0);
}

static struct mw_span pseudo(const struct h2_head *head, const char *name)
{
    for (size_t i = 0; i < head->n && is_pseudo(h2_field_name(&head->fields[i])); i++)
        if (span_eq(h2_field_name(&head->fields[i]), span_str(name)))
            return h2_field_value(&head->fields[i]);
    return span_of(NULL, 0);
}

static void request_forward(struct h2 *h, struct h2_stream *s, const nghttp2_data_provider *body)
{
    struct h2_leg *server = &h->leg[BRIDGE_SERVER];
    const struct h2_head *head = &s->to[BRIDGE_SERVER].head;
    const struct bridge_request *r = &s->request;
    struct mw_span protocol = pseudo(head, ":protocol");
    struct fields f;
    int32_t id;

    if (server->done) {
        h2_stream_reset(h, s, BRIDGE_CLIENT, NGHTTP2_REFUSED_STREAM);
        return;
    }
    if (!fields_begin(h, &f, head))
        return;
    fields_add(&f, SPAN_LIT(":method"), r->method, 0);
    if (r->scheme.len > 0)
        fields_add(&f, SPAN_LIT(":scheme"), r->scheme, 0);
    fields_add(&f, SPAN_LIT(":authority"), r->authority, 0);
    if (r->path.len > 0)
        fields_add(&f, SPAN_LIT(":path"), r->path, 0);
    if (protocol.data != NULL)
        fields_add(&f, SPAN_LIT(":protocol"), protocol, 0);
    fields_copy(&f, head, exchange_changes(s->x));
    via_add(&f, h);
    id = nghttp2_submit_request(server->session, NULL, f.nv, f.n, body, s);
    h2_free(&h->memory, f.nv);
    if (id < 0) {       /* no stream IDs are left: this connection is used up */
        h2_session_check(h, BRIDGE_SERVER, id);
        h2_stream_reset(h, s, BRIDGE_CLIENT, NGHTTP2_REFUSED_STREAM);
        return;
    }
    s->id[BRIDGE_SERVER] = id;
    s->open[BRIDGE_SERVER] = true;
}

static void response_forward(struct h2 *h, struct h2_stream *s, const nghttp2_data_provider *body)
{
    struct h2_leg *client = &h->leg[BRIDGE_CLIENT];
    struct h2_head *head = &s->to[BRIDGE_CLIENT].head;
    struct mw_span status = pseudo(head, ":status");
    struct fields f;

    if (s->connect && status.data[0] == '2')
        h2_websocket_begin(h, s, head);
    if (!s->open[BRIDGE_CLIENT] || client->done || !fields_begin(h, &f, head))
        return;
    fields_add(&f, SPAN_LIT(":status"), status, 0);
    fields_copy(&f, head, exchange_changes(s->x));
    via_add(&f, h);
    client->heads_waiting += f.size;
    h2_session_check(h, BRIDGE_CLIENT, nghttp2_submit_response(client->session,
                                                               s->id[BRIDGE_CLIENT], f.nv, f.n,
                                                               body));
    h2_free(&h->memory, f.nv);
}

void h2_message_forward(struct h2 *h, struct h2_stream *s, enum bridge_side from)
{
    enum bridge_side to = h2_other(from);
    struct h2_way *way = &s->to[to];
    nghttp2_data_provider source = h2_stream_source(s);

    way->head_sent = true;
    /* Without a body END_STREAM stands on the head itself. */
    if (s->x == NULL && way->came_end && way->raw.len == 0 && way->trailers.n == 0)
        way->ended = true;
    if (from == BRIDGE_CLIENT)
        request_forward(h, s, way->ended ? NULL : &source);
    else
        response_forward(h, s, way->ended ? NULL : &source);
    h2_head_clear(&h->memory, &way->head);
    if (from == BRIDGE_SERVER && s->websocket_wanted) { /* what waited for the tunnel */
        if (!s->tunnel)
            h2_pipe_drop(&h->memory, &s->to[BRIDGE_SERVER].raw, s->to[BRIDGE_SERVER].raw.len);
        h2_content_advance(h, s, BRIDGE_CLIENT);
    }
}

void h2_message_send_trailers(struct h2 *h, struct h2_stream *s, enum bridge_side to)
{
    struct h2_leg *leg = &h->leg[to];
    struct fields f;

    if (!fields_begin(h, &f, &s->to[to].trailers))
        return;
    fields_copy(&f, &s->to[to].trailers, false);
    if (to == BRIDGE_CLIENT)
        leg->heads_waiting += f.size;
    h2_session_check(h, to, nghttp2_submit_trailer(leg->session, s->id[to], f.nv, f.n));
    h2_free(&h->memory, f.nv);
    h2_head_clear(&h->memory, &s->to[to].trailers);
}

/* ----------------------------------------------------------------------------- receiving ---- */

/* Stopped for what it is, before or after its head went on. */
static void refuse(struct h2 *h, struct h2_stream *s, enum bridge_side by, int status,
                   const char *reason)
{
    const struct bridge_answer answer = { .status = status, .body = span_str(reason),
                                          .type = "text/plain" };

    bridge_blame(&h->b, by, reason);
    if (by == BRIDGE_SERVER) {
        const struct content_block why = { 502, "The server's answer is malformed", reason,
                                           "bad-response" };
        h2_stream_refuse(h, s, &why);
        return;
    }
    h2_stream_answer(h, s, &answer);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static struct mw_span text_add(char *text, size_t *at, struct mw_span s, bool lower_case)
{
    struct mw_span to = { (const uint8_t *)text + *at, s.len };

    for (size_t i = 0; i < s.len; i++)
        text[*at + i] = (char)(lower_case ? lower(s.data[i]) : s.data[i]);
    *at += s.len;
    return to;
}

static struct mw_span host_of(const struct h2_head *head)
{
    for (size_t i = 0; i < head->n; i++)
        if (span_eq(h2_field_name(&head->fields[i]), SPAN_LIT("host")))
            return h2_field_value(&head->fields[i]);
    return span_of(NULL, 0);
}

/* Keeps what has to be known of a request until its end. */
static bool request_keep(struct h2 *h, struct h2_stream *s, const struct h2_head *head)
{
    struct mw_span method = pseudo(head, ":method"), scheme = pseudo(head, ":scheme"),
                   authority = pseudo(head, ":authority"), path = pseudo(head, ":path");
    size_t at = 0;

    if (authority.data == NULL)
        authority = host_of(head);
    s->text = h2_alloc(&h->memory, method.len + scheme.len + authority.len + path.len + 1);
    if (s->text == NULL) {
        h2_session_check(h, BRIDGE_CLIENT, NGHTTP2_ERR_NOMEM);
        return false;
    }
    s->request.method = text_add(s->text, &at, method, false);
    s->request.scheme = text_add(s->text, &at, scheme, true);
    s->request.authority = text_add(s->text, &at, authority, true);
    s->request.path = text_add(s->text, &at, path, false);
    s->connect = span_eq(method, SPAN_LIT("CONNECT"));
    s->head_request = span_eq(method, SPAN_LIT("HEAD"));
    s->request.upgrade = pseudo(head, ":protocol").data != NULL;
    return true;
}

/* What nghttp2 does not check.  NULL: good. */
static const char *request_wrong(const struct h2_stream *s, const struct h2_head *head,
                                 int *status)
{
    const struct bridge_request *r = &s->request;
    struct mw_span host = host_of(head), authority = r->authority;
    bool plain_connect = s->connect && !r->upgrade;

    *status = 431;
    if (head->too_big)
        return "The request's header fields are too many or too long.";
    *status = 414;
    if (r->path.len > H2_PATH_MAX)
        return "The request's path is too long.";
    *status = 400;
    if (r->path.len > 0 && memchr(r->path.data, '#', r->path.len) != NULL)
        return "The request's path has a fragment.";
    /* RFC 9113 section 8.3.1: no user information; and what Host says beside it MUST NOT differ.
     * Nothing but a host and a port, since policy and the server are to read the same. */
    if (!h1_authority_check(&authority))
        return "The request's authority is no host.";
    if (host.data != NULL && !span_eq_nocase(host, r->authority))
        return "The request's :authority and Host differ.";
    if (!plain_connect && !span_eq(r->scheme, SPAN_LIT("https")) &&
        !span_eq(r->scheme, SPAN_LIT("http")))
        return "The request's scheme is not one of HTTP's.";
    /* RFC 9220 section 3, for a protocol that is not known: 501. */
    *status = 501;
    if (r->upgrade && !span_eq(pseudo(head, ":protocol"), SPAN_LIT("websocket")))
        return "Of the protocols that CONNECT may ask for, only websocket passes here.";
    return NULL;
}

static void request_take(struct h2 *h, struct h2_stream *s, bool end)
{
    struct h2_head *head = &h->leg[BRIDGE_CLIENT].head;
    struct h2_way *way = &s->to[BRIDGE_SERVER];
    struct bridge_answer answer = { .status = 0 };
    enum bridge_ruling ruling = BRIDGE_GO;
    const char *wrong;
    int status;

    h->b.counts.requests++;
    if (!request_keep(h, s, head))
        return;
    wrong = request_wrong(s, head, &status);
    if (wrong != NULL) {
        refuse(h, s, BRIDGE_CLIENT, status, wrong);
        return;
    }
    s->websocket_wanted = s->request.upgrade;
    if (h->b.events != NULL && h->b.events->on_request != NULL)
        ruling = h->b.events->on_request(h->b.context, &s->request, &answer);
    if (ruling != BRIDGE_GO) {
        answer.status = ruling == BRIDGE_MISDIRECTED ? 421 : answer.status;
        h->b.counts.blocked += ruling == BRIDGE_ANSWER;
        h2_stream_answer(h, s, &answer);
        return;
    }
    way->head = *head;
    *head = (struct h2_head){ 0 };
    way->head_waits = true;
    way->came_end = end;
    if (h2_content_open(h, s))
        h2_content_advance(h, s, BRIDGE_CLIENT);
}

static void interim_forward(struct h2 *h, struct h2_stream *s, const struct h2_head *head)
{
    struct h2_leg *client = &h->leg[BRIDGE_CLIENT];
    struct fields f;

    if (++s->interim > H2_INTERIM_MAX || head->too_big) {
        refuse(h, s, BRIDGE_SERVER, 502, "The server sent too many interim answers.");
        return;
    }
    if (!s->open[BRIDGE_CLIENT] || client->done || !fields_begin(h, &f, head))
        return;
    fields_add(&f, SPAN_LIT(":status"), pseudo(head, ":status"), 0);
    fields_copy(&f, head, false);
    client->heads_waiting += f.size;
    h2_session_check(h, BRIDGE_CLIENT,
                     nghttp2_submit_headers(client->session, 0, s->id[BRIDGE_CLIENT], NULL, f.nv,
                                            f.n, NULL));
    h2_free(&h->memory, f.nv);
}

static void response_take(struct h2 *h, struct h2_stream *s, bool end)
{
    struct h2_head *head = &h->leg[BRIDGE_SERVER].head;
    struct h2_way *way = &s->to[BRIDGE_CLIENT];
    struct mw_span status = pseudo(head, ":status");

    if (status.len != 3) {      /* nghttp2 takes other numbers of digits */
        refuse(h, s, BRIDGE_SERVER, 502, "The server's status is no status code.");
        return;
    }
    if (status.data[0] == '1') {
        interim_forward(h, s, head);
        return;
    }
    s->final = true;
    if (head->too_big) {
        refuse(h, s, BRIDGE_SERVER, 502, "The server's header fields are too many or too long.");
        return;
    }
    way->head = *head;
    *head = (struct h2_head){ 0 };
    way->head_waits = true;
    way->came_end = end;
    h2_content_advance(h, s, BRIDGE_SERVER);
}

static void trailers_take(struct h2 *h, struct h2_stream *s, enum bridge_side from)
{
    struct h2_head *head = &h->leg[from].head;
    struct h2_way *way = &s->to[h2_other(from)];

    if (head->too_big || head->list_size > H2_TRAILERS_MAX) {
        refuse(h, s, from, 431, "The trailers are too many or too long.");
        return;
    }
    if (s->tunnel || way->came_end)
        return;
    h2_head_clear(&h->memory, &way->trailers);
    way->trailers = *head;
    *head = (struct h2_head){ 0 };
}

void h2_message_head(struct h2 *h, struct h2_stream *s, enum bridge_side from, bool end)
{
    if (s->answered)
        ;                       /* what still comes is dropped */
    else if (from == BRIDGE_CLIENT && s->text == NULL)
        request_take(h, s, end);
    else if (from == BRIDGE_SERVER && !s->final)
        response_take(h, s, end);
    else
        trailers_take(h, s, from);
    h2_head_clear(&h->memory, &h->leg[from].head);
    if (end)
        h2_content_end(h, s, from);
}
