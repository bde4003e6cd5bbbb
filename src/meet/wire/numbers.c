#include "meet/wire/numbers.h"

bool wire_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff) && v != 0xfafa;
}
