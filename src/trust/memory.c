#include "trust/memory.h"

#include <errno.h>
#include <openssl/err.h>

int memory_or(int otherwise)
{
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            otherwise = -ENOMEM;
    return otherwise;
}
