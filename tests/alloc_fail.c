#include "alloc_fail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t countdown;
static bool failed;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t len);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t len);

void alloc_fail_arm(size_t nth)
{
    countdown = nth;
    failed = false;
}

bool alloc_fail_disarm(void)
{
    countdown = 0;
    return failed;
}

size_t alloc_fail_each(bool (*run)(void *context, size_t nth), void *context)
{
    size_t nth = 1;

    while (run(context, nth))
        nth++;
    return nth - 1;
}

size_t alloc_fail_some(bool (*run)(void *context, size_t nth), void *context, size_t step)
{
    const char *wanted = getenv("ALLOC_FAIL_STEP");
    size_t runs = 0;

    if (wanted != NULL && strtoul(wanted, NULL, 10) > 0)
        step = strtoul(wanted, NULL, 10);
    for (size_t nth = 1; run(context, nth); nth += step)
        runs++;
    return runs;
}

static bool is_this_one(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    return is_this_one() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_this_one() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return is_this_one() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strdup(const char *s)
{
    return is_this_one() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t len)
{
    return is_this_one() ? NULL : __real_strndup(s, len);
}
