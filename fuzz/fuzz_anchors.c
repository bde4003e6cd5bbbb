/* A file of trusted certificates: all of it is taken, or nothing and one line says why. */
#include <midwatch/trust.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mw_policy *p;
    size_t n = 0;
    int error;

    if (mw_policy_new(&p) != 0)
        return 0;
    error = mw_policy_add_anchors(p, MW_ANCHOR_LOCAL, (struct mw_span){ data, len }, "fuzz", &n);
    if (error != 0 && (strlen(mw_policy_error(p)) == 0 || n != 0))
        abort();
    if (error == 0 && n == 0)
        abort();
    if (error == 0 && mw_policy_add_system(p, (struct mw_span){ data, len }, "again", NULL) != 0)
        abort();
    mw_policy_free(p);
    return 0;
}
