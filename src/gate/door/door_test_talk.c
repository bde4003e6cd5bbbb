/* Also in place of the policy's own list of users. */
#include "gate/door/door_test_talk.h"

#include <stdlib.h>

#include "base/own.h"

static struct gate_listener listeners[] = {
    { .entrance = GATE_ENTRANCE_HTTP, .text = "http://192.0.2.1:3128" },
    { .entrance = GATE_ENTRANCE_SOCKS5, .text = "socks5://192.0.2.1:1080" },
};
const struct gate_config open_gate = { .name = "midwatch.gate", .contact = "",
                                       .listeners = listeners, .n_listeners = 2 };
const struct gate_config users_gate = { .name = "midwatch.gate", .contact = "",
                                        .listeners = listeners, .n_listeners = 2,
                                        .users_file = "users" };

static const char *const staff[] = { "staff", "finance", NULL };
static const char *const none[] = { NULL };

enum sign_in gate_config_sign_in(const struct gate_config *c, struct mw_span user,
                                 struct mw_span password, const char *const **groups,
                                 struct sign_in_question **ask)
{
    bool alice = span_eq(user, SPAN_LIT("alice")) && span_eq(password, SPAN_LIT("open:sesame"));
    bool bob = span_eq(user, SPAN_LIT("bob")) && password.len == 0;

    static bool asked;

    (void)ask;
    asked = !asked;
    if (asked) /* as long as nobody has worked it out */
        return SIGN_IN_ASK;
    if (c->users_file == NULL || (!alice && !bob))
        return SIGN_IN_WRONG;
    *groups = alice ? staff : none;
    return SIGN_IN_GOOD;
}

struct talk talk(const struct gate_config *c, enum gate_entrance e, struct mw_span said,
                 size_t step)
{
    static const uint8_t at[] = { 192, 0, 2, 1 };
    struct talk t = { .state = DOOR_MORE };
    CLEANUP(own_free) uint8_t *kept = malloc(said.len + 1);
    size_t n = 0, given = 0;

    listeners[0].at = addr_make(AF_INET, at, 3128);
    listeners[1].at = addr_make(AF_INET, at, 1080);
    if (kept == NULL || door_new(&t.door, e, c) != 0)
        abort();
    while (given < said.len && t.state == DOOR_MORE) {
        struct mw_span piece = span_cut(said, given, step), in;

        memcpy(kept + n, piece.data, piece.len);
        n += piece.len;
        given += piece.len;
        in = span_of(kept, n);
        do {
            t.state = door_feed(t.door, &in);
            t.asked += t.state == DOOR_ASK;
        } while (t.state == DOOR_ASK);
        if (in.len > 0)
            memmove(kept, in.data, in.len);
        n = in.len;
    }
    t.left = n + (said.len - given);
    return t;
}

const char *talk_out(const struct door *d)
{
    struct mw_span out = door_out(d);

    return out.len > 0 ? (const char *)out.data : "";
}
