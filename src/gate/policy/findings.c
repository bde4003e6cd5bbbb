#include "gate/policy/findings.h"

#include <errno.h>

#include "base/config.h"

const char *const gate_on_words[] = { "refuse", "sign-untrusted", "ask", "accept", NULL };

enum { N_GROUPS = MW_GROUP_DECISION + 1 };

void findings_none(struct on_findings *on)
{
    memset(on->act, -1, sizeof on->act);
}

bool findings_always_refused(enum mw_code code)
{
    return code == MW_REVOKED || code == MW_KNOWN_BAD_ROOT || code == MW_PIN_MISMATCH;
}

enum gate_on_finding findings_default(enum mw_code code, enum mw_severity severity)
{
    enum mw_group group = mw_code_info(code)->group;

    if (severity <= MW_NOTE)
        return GATE_ON_ACCEPT;
    if (severity == MW_ERROR || group == MW_GROUP_BLOCKED || group == MW_GROUP_UNREACHABLE)
        return GATE_ON_REFUSE;
    /* Somebody else decrypts in front of us: inspected twice, and our clients cannot see it. */
    return group == MW_GROUP_INTERCEPTION ? GATE_ON_ASK : GATE_ON_ACCEPT;
}

/* *is_group: the word names a group; else the code.  false: neither. */
static bool word_find(const char *word, bool *is_group, unsigned *found)
{
    enum mw_code code = mw_code_find(word);

    *is_group = code == MW_CODE_NONE;
    *found = code;
    if (code != MW_CODE_NONE)
        return true;
    for (unsigned g = 0; g < N_GROUPS; g++) {
        *found = g;
        if (strcmp(word, mw_group_name((enum mw_group)g)) == 0)
            return true;
    }
    return false;
}

static bool means(bool is_group, unsigned found, unsigned code)
{
    return is_group ? mw_code_info((enum mw_code)code)->group == found : code == found;
}

static const char *word_near(const char *word)
{
    const char *known[MW_CODES + N_GROUPS] = { NULL };

    for (unsigned c = MW_CODE_NONE + 1; c < MW_CODES; c++)
        known[c] = mw_code_info((enum mw_code)c)->code;
    for (unsigned g = 0; g < N_GROUPS; g++)
        known[MW_CODES + g] = mw_group_name((enum mw_group)g);
    return config_nearest(word, known, ARRAY_LEN(known));
}

static int word_unknown(const struct ucl_place *at, const char *word, struct buf *error)
{
    const char *near = word_near(word);

    return ucl_fail(at, error, "unknown finding \"%s\"%s%s%s", ucl_show(word).text,
                    near != NULL ? "; did you mean \"" : "; midwatch explain lists them",
                    near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static int set_code(struct on_findings *on, const struct ucl *node, unsigned code, unsigned act,
                    bool is_group, struct buf *error)
{
    if (findings_always_refused((enum mw_code)code) && act != GATE_ON_REFUSE) {
        if (is_group)           /* the others of the group are meant */
            return 0;
        return ucl_fail(&node->value, error, "%s is always refused; except the site from "
                        "inspection if its clients are to judge themselves", node->key);
    }
    on->act[code] = (signed char)act;
    return 0;
}

int findings_read(struct on_findings *on, const struct ucl *node, struct buf *error)
{
    if (node->kind != UCL_SECTION)
        return ucl_fail(&node->value, error, "%s wants a section: %s { expired = refuse }",
                        node->key, node->key);
    /* Groups first, so that a code changes what its group said. */
    for (int pass = 0; pass < 2; pass++)
        for (const struct ucl *n = node->first; n != NULL; n = n->next) {
            bool is_group = false;
            unsigned found = 0, act = 0;
            int r;

            if (!word_find(n->key, &is_group, &found))
                return word_unknown(&n->at, n->key, error);
            if (is_group != (pass == 0))
                continue;
            r = ucl_choice(n, gate_on_words, 4, &act, error);
            for (unsigned c = MW_CODE_NONE + 1; r == 0 && c < MW_CODES; c++)
                if (means(is_group, found, c))
                    r = set_code(on, n, c, act, is_group, error);
            if (r != 0)
                return r;
        }
    return 0;
}

int findings_mark(bool marks[MW_CODES], const struct ucl *node, struct arena *arena,
                  struct buf *error)
{
    struct config_list words;
    int r = ucl_list(node, &words, arena, error);

    for (size_t i = 0; r == 0 && i < words.count; i++) {
        bool is_group = false;
        unsigned found = 0;

        if (!word_find(words.items[i], &is_group, &found))
            return word_unknown(&node->value, words.items[i], error);
        for (unsigned c = MW_CODE_NONE + 1; c < MW_CODES; c++)
            marks[c] = marks[c] || means(is_group, found, c);
    }
    return r;
}
