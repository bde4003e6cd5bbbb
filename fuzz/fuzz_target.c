/* Lists of targets: every one that is taken can be shown and has a port; every refusal is one
 * printable line. */
#include <stdlib.h>

#include "check/target.h"
#include "fuzz.h"

static void assert_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((uint8_t)*text < 0x20 || *text == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(8 << 20);
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    CLEANUP(target_list_deinit) struct target_list list = { 0 };
    int rc = target_list_read(&list, span_of(data, len), "f", PROBE_TLS_DIRECT, &arena, &error);

    if ((rc > 0) != (error.len > 0) || buf_error(&error) != 0)
        abort();
    if (error.len > 0)
        assert_printable((const char *)error.data);
    for (size_t i = 0; i < list.n; i++) {
        if (list.items[i].port == 0 || list.items[i].host[0] == '\0')
            abort();
        assert_printable(list.items[i].typed);
    }
    return 0;
}
