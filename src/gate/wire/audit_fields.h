/*
 * Every field of struct audit_record as data: what is sent, in this order, and the bound on it.
 * audit.c writes and reads by it; its test holds it against the struct.
 */
#ifndef GATE_WIRE_AUDIT_FIELDS_H
#define GATE_WIRE_AUDIT_FIELDS_H

#include "gate/wire/audit.h"

enum audit_field_type {
    AUDIT_U8,
    AUDIT_U16,
    AUDIT_U32,
    AUDIT_U64,
    AUDIT_I64,
    AUDIT_BOOL,
    AUDIT_ENUM,                 /* below `max` */
    AUDIT_TEXT,                 /* at most `max` bytes, and "…" where it was cut */
    AUDIT_ADDR,
    AUDIT_SHA256,
};

struct audit_field {
    const char *name;           /* as C spells it: "client_leg.version" */
    enum audit_field_type type;
    uint16_t offset, size, max;
};

const struct audit_field *audit_fields(size_t *n);

#endif
