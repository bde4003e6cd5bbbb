/*
 * Lines for the operator, on standard error.  A line is one event: where, what, and what to
 * do.  Bytes from the network go through text_safe() first.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above this level are dropped; starts at warnings.  Set once, before any thread. */
void log_set_level(enum log_level most);

/* If standard error is the journal's, lines begin with the priority it reads ("<4>", see
 * sd-daemon(3)) in place of words.  Once, before any thread. */
void log_find_journal(void);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
