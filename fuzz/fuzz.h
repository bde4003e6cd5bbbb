/*
 * What a fuzz target exports: libFuzzer calls it with inputs of its own, replay.c with the
 * seeds.  It aborts on a broken promise; the sanitizers do for everything else.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
