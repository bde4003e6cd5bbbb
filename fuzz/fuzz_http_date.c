/* HTTP dates in their three forms. */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/http_date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mw_wall t;

    if (http_date_parse(span_of(data, len), (struct mw_wall){ 1795000000 }, &t) != 0)
        return 0;
    if (t.s < -62135596800 || t.s > 253402300800) /* years 1 to 9999, a leap second */
        abort();
    return 0;
}
