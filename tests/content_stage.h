/*
 * A stage for tests: delays bytes, doubles them, stops at a word, holds until told otherwise.
 * Its settings are also its tally; one exchange at a time for `hold`.
 */
#ifndef TESTS_CONTENT_STAGE_H
#define TESTS_CONTENT_STAGE_H

#include "gate/bridge/content.h"

struct test_stage {
    const char *word;           /* stop at this word; delay must be its length less one at least */
    size_t delay;               /* keep so many bytes back */
    size_t claims;              /* hold_max, if it is not to be `delay` */
    bool twice;                 /* each byte twice */
    bool looks;                 /* effect LOOKS */
    bool loses;                 /* what was kept back is lost */
    bool hold;                  /* hold whatever comes, as long as this is set */
    bool hold_once;             /* hold the next call, waking from within it */
    int open_error;
    int open;                   /* exchanges open now */
    unsigned heads, ends;       /* seen */
    struct content_exchange *last;
};
struct content_stage test_stage(struct test_stage *settings);

#endif
