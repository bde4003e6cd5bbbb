#include "check/exit.h"

static int exit_class(const struct mw_finding *f)
{
    switch (mw_code_info(f->code)->group) {
    case MW_GROUP_NAME:
        return CHECK_CLASS_NAME;
    case MW_GROUP_REVOCATION:
        return CHECK_CLASS_REVOKED;
    case MW_GROUP_AUTHORITY:
        return CHECK_CLASS_AUTHORITY;
    case MW_GROUP_CHAIN:
        return CHECK_CLASS_CHAIN;
    case MW_GROUP_CLOCK:
        return CHECK_CLASS_CLOCK;
    case MW_GROUP_PIN:
        return CHECK_CLASS_PIN;
    case MW_GROUP_INTERCEPTION:
        return CHECK_CLASS_INTERCEPTION;
    case MW_GROUP_TRANSPARENCY:
    case MW_GROUP_PARAMETERS:
    case MW_GROUP_BLOCKED:
    case MW_GROUP_UNREACHABLE:
    case MW_GROUP_DECISION:
        break;
    }
    return CHECK_FINDINGS;
}

int exit_of_verdict(const struct mw_verdict *v, bool by_class)
{
    switch (v->outcome) {
    case MW_PRIVATE:
        return CHECK_PRIVATE;
    case MW_UNREACHABLE:
        return CHECK_UNTESTED;
    case MW_INSPECTED:
        return by_class ? CHECK_CLASS_INTERCEPTION : CHECK_FINDINGS;
    case MW_UNTRUSTED:
        if (by_class && v->n_findings > 0)
            return exit_class(&v->findings[0]);
        return CHECK_FINDINGS;
    case MW_BLOCKED:
        return CHECK_FINDINGS;
    case MW_UNJUDGED:
        break;
    }
    return CHECK_USAGE;
}

static int exit_rank(int code)
{
    switch (code) {
    case CHECK_PRIVATE:
        return 0;
    case CHECK_UNTESTED:
        return 1;
    case CHECK_USAGE:
        return 1000;
    default:
        return 100 - code; /* 1, then 10, 11, … */
    }
}

int exit_worse(int a, int b)
{
    return exit_rank(a) >= exit_rank(b) ? a : b;
}
