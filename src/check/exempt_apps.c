#include "check/exempt_apps.h"

#define TEXT(s) { (const uint8_t *)(s), sizeof(s) - 1 }
#define CLASS_TECHNICAL TEXT("technical")
#define CLASS_PERFORMANCE TEXT("performance")
#define CLASS_PRIVACY TEXT("privacy")
#define EXCEPTION(id, name, domain, class, grade, source, category, review, take, note)            \
    { TEXT(id), TEXT(name), TEXT(domain), CLASS_##class, TEXT(grade), TEXT(source), TEXT(note) },

static const struct exempt_app apps[] = {
#include "base/exceptions.inc"
};

struct exempt_apps exempt_apps_builtin(void)
{
    return (struct exempt_apps){ apps, ARRAY_LEN(apps) };
}
