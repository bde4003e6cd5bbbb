/*
 * What suite 1's public-key operations cost bare: by the library that does them in the sealed core
 * (docs/decisions/0047, 0051), and by OpenSSL.  Processor time of this process, in microseconds.
 * Whatever fails ends the program.
 */
#ifndef BENCH_MLS_PRICES_H
#define BENCH_MLS_PRICES_H

#include <stddef.h>

enum op { OP_PUBLIC, OP_SHARED, OP_SIGN, OP_VERIFY, OPS };
enum maker { OURS, OPENSSL, MAKERS };       /* whose calls a price is of */

void prices_begin(void);
void prices_end(void);

/* One price of each, taken beside every round: how fast the machine is changes as it goes. */
void prices_sample(double price[MAKERS][OPS]);

/* What one more byte costs that is signed or verified. */
void prices_of_byte(double price[MAKERS]);

/* error: a result of mw_mls_*(), 0 for none. */
void check(int error, const char *what);
double now_us(void);

/* Sorts v; n > 0. */
double median(double *v, size_t n);

#endif
