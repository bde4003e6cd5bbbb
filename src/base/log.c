#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum log_level level_most = LOG_LEVEL_WARNING;
static bool to_journal;

void log_set_level(enum log_level most)
{
    level_most = most;
}

/* $JOURNAL_STREAM names device and inode of the socket that systemd made standard error. */
void log_find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char here[64];
    struct stat about;

    if (stream == NULL || fstat(STDERR_FILENO, &about) < 0)
        return;
    snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)about.st_dev, (uintmax_t)about.st_ino);
    to_journal = strcmp(stream, here) == 0;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    static const int priorities[] = { 3, 4, 6, 7 };     /* syslog(3) */
    char line[2048];
    va_list args;

    if (level > level_most)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (to_journal)
        fprintf(stderr, "<%d>%s\n", priorities[level], line);
    else
        fprintf(stderr, "midwatch: %s: %s\n", names[level], line);
}
