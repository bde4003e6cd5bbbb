#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level level_most = LOG_LEVEL_WARNING;

void log_set_level(enum log_level most)
{
    level_most = most;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    char line[2048];
    va_list args;

    if (level > level_most)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(stderr, "midwatch: %s: %s\n", names[level], line);
}
