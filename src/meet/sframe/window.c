#include "meet/sframe/window.h"

int sframe_window_check(const struct sframe_window *w, uint64_t counter)
{
    uint64_t behind = w->top - counter;

    if (counter > w->top)
        return 0;
    if (behind >= MW_SFRAME_WINDOW)
        return MW_SFRAME_E_OLD;
    return (w->seen[behind / 64] >> (behind % 64) & 1) != 0 ? MW_SFRAME_E_REPLAYED : 0;
}

static void slide(struct sframe_window *w, uint64_t by)
{
    if (by >= 128) {
        w->seen[1] = 0;
        w->seen[0] = 0;
    } else if (by >= 64) {
        w->seen[1] = w->seen[0] << (by - 64);
        w->seen[0] = 0;
    } else if (by > 0) {
        w->seen[1] = w->seen[1] << by | w->seen[0] >> (64 - by);
        w->seen[0] <<= by;
    }
}

void sframe_window_mark(struct sframe_window *w, uint64_t counter)
{
    uint64_t behind;

    if (counter > w->top) {
        slide(w, counter - w->top);
        w->top = counter;
    }
    behind = w->top - counter;
    w->seen[behind / 64] |= (uint64_t)1 << (behind % 64);
}
