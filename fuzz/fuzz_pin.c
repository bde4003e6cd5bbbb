/* A list of pins: each line is refused with a reason, or means the same when written anew. */
#include <stdlib.h>

#include "fuzz.h"
#include "trust/pin.h"

static void again(const struct mw_pin *pin, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(PIN_MAX_LINE), error = BUF_INIT(400);
    struct mw_pin back;

    buf_printf(&line, "%s %s%s%s", pin->host, pin->spki, pin->backup ? " backup" : "",
               pin->tree ? " tree" : "");
    if (buf_error(&line) != 0)
        return;
    if (pin_parse_line(buf_span(&line), arena, &back, &error) != 0 || back.host == NULL ||
        strcmp(back.host, pin->host) != 0 || strcmp(back.spki, pin->spki) != 0 ||
        back.backup != pin->backup || back.tree != pin->tree)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mw_span rest = span_of(data, len), line;

    while (span_line(&rest, &line)) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
        CLEANUP(buf_deinit) struct buf error = BUF_INIT(400);
        struct mw_pin pin;
        int r = pin_parse_line(line, &arena, &pin, &error);

        if (r > 0 && error.len == 0)
            abort();
        if (r == 0 && pin.host != NULL)
            again(&pin, &arena);
    }
    return 0;
}
