/*
 * IANA's numbers as words: those that ECS and OCSF use.
 * Source: IANA TLS Parameters (cipher suites, supported groups, signature schemes).
 */
#ifndef GATE_WIRE_TLS_NAMES_H
#define GATE_WIRE_TLS_NAMES_H

#include <stdint.h>

enum { NAME_TEXT = 56 };

/* "1.3"; NULL: none or unknown. */
const char *version_digits(uint16_t version);

/* The name, or "0x1301" for a number that is not in the table; "" for 0. */
void suite_name(uint16_t suite, char text[NAME_TEXT]);
void group_name(uint16_t group, char text[NAME_TEXT]);
void signature_name(uint16_t scheme, char text[NAME_TEXT]);

#endif
