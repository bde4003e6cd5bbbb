/*
 * What we ask of the compiler beyond the language.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <midwatch/types.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Runs fn(&variable) when the variable's scope ends.  fn takes a pointer to it. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* A large local that is written before it is read: release builds need not clear it first. */
#if __has_attribute(uninitialized)
#define LEFT_UNSET __attribute__((uninitialized))
#else
#define LEFT_UNSET
#endif

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
