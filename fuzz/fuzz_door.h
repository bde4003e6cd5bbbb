/*
 * The door, fed with all at once and in pieces; shared by its two targets.
 */
#ifndef FUZZ_FUZZ_DOOR_H
#define FUZZ_FUZZ_DOOR_H

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "gate/door/door.h"

/* Who says the same twice may come in; in place of the policy's. */
enum sign_in gate_config_sign_in(const struct gate_config *c, struct mw_span user,
                                 struct mw_span password, const char *const **groups,
                                 struct sign_in_question **ask)
{
    (void)c;
    (void)groups;
    static bool asked;

    (void)ask;
    asked = !asked;
    if (asked) /* as long as nobody has worked it out */
        return SIGN_IN_ASK;
    return span_eq(user, password) ? SIGN_IN_GOOD : SIGN_IN_WRONG;
}

struct fuzz_door_end {
    struct door *door;
    enum door_state state;
    size_t left;
};

/* Feeds pieces of `step` bytes, keeping what is not taken. */
static inline struct fuzz_door_end fuzz_door_feed(enum gate_entrance entrance,
                                                  const struct gate_config *c,
                                                  struct mw_span said, size_t step)
{
    struct fuzz_door_end end = { .state = DOOR_MORE, .left = said.len };
    size_t taken = 0, shown = 0;

    if (door_new(&end.door, entrance, c) != 0)
        abort();
    while (shown < said.len && end.state == DOOR_MORE) {
        struct mw_span in, before;

        shown = said.len - shown < step ? said.len : shown + step;
        in = before = span_cut(said, taken, shown - taken);
        do
            end.state = door_feed(end.door, &in);
        while (end.state == DOOR_ASK);
        if (in.len > before.len || (in.len > 0 && in.data != before.data + before.len - in.len))
            abort();
        taken += before.len - in.len;
    }
    end.left = said.len - taken;
    return end;
}

static inline void fuzz_door_check(const struct fuzz_door_end *end)
{
    bool found = end->state == DOOR_TUNNEL || end->state == DOOR_REQUEST;

    if (found && (door_host(end->door)[0] == '\0' || door_port(end->door) == 0))
        abort();
    if (end->state == DOOR_LOCAL && strncmp(door_path(end->door), "/", 1) != 0)
        abort();
    if (end->state == DOOR_BAD && door_why(end->door)[0] == '\0')
        abort();
    for (const char *at = door_host(end->door); *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || (*at >= 'A' && *at <= 'Z'))
            abort();
    }
}

static inline int fuzz_door(enum gate_entrance entrance, const uint8_t *data, size_t len)
{
    struct gate_config c = { .name = "midwatch.gate", .contact = "" };
    struct fuzz_door_end whole, pieces;

    if (len == 0)
        return 0;
    if ((data[0] & 0x80) != 0)
        c.users_file = "users";
    whole = fuzz_door_feed(entrance, &c, span_of(data + 1, len - 1), SIZE_MAX);
    pieces = fuzz_door_feed(entrance, &c, span_of(data + 1, len - 1), 1 + data[0] % 16);
    fuzz_door_check(&whole);
    if (whole.state != pieces.state ||
        (whole.state != DOOR_BAD && whole.left != pieces.left) ||
        strcmp(door_host(whole.door), door_host(pieces.door)) != 0 ||
        door_port(whole.door) != door_port(pieces.door) ||
        !span_eq(door_out(whole.door), door_out(pieces.door)))
        abort();
    door_accept(whole.door);
    door_refuse(pieces.door, DOOR_BY_POLICY, SPAN_LIT("page"));
    door_free(whole.door);
    door_free(pieces.door);
    return 0;
}

#endif
