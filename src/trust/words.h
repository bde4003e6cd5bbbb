/*
 * The words of the codes: what a finding means, and what to do about it, for a person and for
 * their IT. This is Midwatch's voice: short sentences, a term explained where it first stands,
 * no blame, nothing that the evidence does not carry.
 *
 * Each words_*.c gives the words of one topic with WORDS(). A code without words does not
 * link, words without a code do not compile.
 */
#ifndef TRUST_WORDS_H
#define TRUST_WORDS_H

#include <midwatch/codes.h>

#define WORDS_DECLARE(name, code, group, severity)                                                 \
    extern const char words_##name##_title[], words_##name##_explanation[],                        \
        words_##name##_person[], words_##name##_it[];
MW_FINDINGS(WORDS_DECLARE)
#undef WORDS_DECLARE

#define WORDS(name, title, explanation, person, it)                                                \
    const char words_##name##_title[] = title;                                                     \
    const char words_##name##_explanation[] = explanation;                                         \
    const char words_##name##_person[] = person;                                                   \
    const char words_##name##_it[] = it;

#endif
