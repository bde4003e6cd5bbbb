/*
 * The table of codes, and the words for everything that has a name.
 */
#include "trust/words.h"

#include <midwatch/trust.h>
#include <string.h>

#include "base/compiler.h"

static const struct mw_code_info infos[MW_CODES] = {
#define INFO(name, text, g, s)                                                                     \
    [MW_##name] = {                                                                                \
        .code = (text),                                                                            \
        .group = MW_GROUP_##g,                                                                     \
        .severity = MW_##s,                                                                        \
        .title = words_##name##_title,                                                             \
        .explanation = words_##name##_explanation,                                                 \
        .person = words_##name##_person,                                                           \
        .it = words_##name##_it,                                                                   \
    },
    MW_FINDINGS(INFO)
#undef INFO
};

const struct mw_code_info *mw_code_info(enum mw_code code)
{
    if (code <= MW_CODE_NONE || code >= MW_CODES)
        return NULL;
    return &infos[code];
}

enum mw_code mw_code_find(const char *code)
{
    for (int i = MW_CODE_NONE + 1; code != NULL && i < MW_CODES; i++)
        if (strcmp(infos[i].code, code) == 0)
            return (enum mw_code)i;
    return MW_CODE_NONE;
}

static const char *name_in(const char *const *names, size_t n, int at)
{
    return at >= 0 && (size_t)at < n ? names[at] : "?";
}

const char *mw_group_name(enum mw_group group)
{
    static const char *const names[] = {
        [MW_GROUP_NAME] = "name",
        [MW_GROUP_AUTHORITY] = "authority",
        [MW_GROUP_CHAIN] = "chain",
        [MW_GROUP_CLOCK] = "clock",
        [MW_GROUP_REVOCATION] = "revocation",
        [MW_GROUP_TRANSPARENCY] = "transparency",
        [MW_GROUP_PIN] = "pin",
        [MW_GROUP_PARAMETERS] = "parameters",
        [MW_GROUP_INTERCEPTION] = "interception",
        [MW_GROUP_BLOCKED] = "blocked",
        [MW_GROUP_UNREACHABLE] = "unreachable",
        [MW_GROUP_DECISION] = "decision",
    };

    return name_in(names, ARRAY_LEN(names), (int)group);
}

const char *mw_outcome_name(enum mw_outcome outcome)
{
    static const char *const names[] = {
        [MW_UNJUDGED] = "unjudged",   [MW_PRIVATE] = "private", [MW_INSPECTED] = "inspected",
        [MW_UNTRUSTED] = "untrusted", [MW_BLOCKED] = "blocked", [MW_UNREACHABLE] = "unreachable",
    };

    return name_in(names, ARRAY_LEN(names), (int)outcome);
}

const char *mw_severity_name(enum mw_severity severity)
{
    static const char *const names[] = {
        [MW_GOOD] = "good",
        [MW_NOTE] = "note",
        [MW_WARNING] = "warning",
        [MW_ERROR] = "error",
    };

    return name_in(names, ARRAY_LEN(names), (int)severity);
}

const char *mw_certainty_name(enum mw_certainty certainty)
{
    static const char *const names[] = {
        [MW_HINT] = "hint",
        [MW_LIKELY] = "likely",
        [MW_CERTAIN] = "certain",
        [MW_PROVEN] = "proven",
    };

    return name_in(names, ARRAY_LEN(names), (int)certainty);
}

const char *mw_place_name(enum mw_place place)
{
    static const char *const names[] = {
        [MW_PLACE_UNKNOWN] = "unknown",           [MW_PLACE_THIS_COMPUTER] = "this-computer",
        [MW_PLACE_THIS_NETWORK] = "this-network", [MW_PLACE_VPN] = "vpn",
        [MW_PLACE_SERVER_SIDE] = "server-side",
    };

    return name_in(names, ARRAY_LEN(names), (int)place);
}
