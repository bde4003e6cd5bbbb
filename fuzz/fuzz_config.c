/* Config files: any text is read or refused with one printable line. */
#include <stdlib.h>

#include "base/config.h"
#include "fuzz.h"

struct settings {
    const char *text;
    struct config_list list;
    int64_t number, seconds;
    bool yes;
};

static const struct config_key keys[] = {
    { .name = "text", .kind = CONFIG_STRING, .offset = offsetof(struct settings, text) },
    { .name = "list", .kind = CONFIG_LIST, .offset = offsetof(struct settings, list) },
    { .name = "number", .kind = CONFIG_NUMBER, .offset = offsetof(struct settings, number),
      .min = -5, .max = 1 << 20 },
    { .name = "seconds", .kind = CONFIG_SECONDS, .offset = offsetof(struct settings, seconds),
      .min = 0, .max = 86400 },
    { .name = "yes", .kind = CONFIG_BOOL, .offset = offsetof(struct settings, yes) },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(8 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1 << 16);
    struct settings s = { 0 };
    size_t bytes = 0;
    int r = config_read(span_of(data, len), "f", keys, ARRAY_LEN(keys), &s, &arena, &error);

    if ((r > 0) != (error.len > 0) || buf_error(&error) != 0)
        abort();
    for (size_t i = 0; i < error.len; i++)
        if (error.data[i] < 0x20 || error.data[i] == 0x7f)
            abort();
    if (r != 0)
        return 0;
    if (s.number < -5 || s.number > 1 << 20 || s.seconds < 0 || s.seconds > 86400 ||
        s.list.count > CONFIG_MAX_LIST)
        abort();
    for (size_t i = 0; i < s.list.count; i++)
        bytes += strlen(s.list.items[i]);
    if (s.text != NULL)
        bytes += strlen(s.text);
    if (bytes > len)
        abort();
    return 0;
}
