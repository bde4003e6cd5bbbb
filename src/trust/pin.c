#include "trust/pin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "trust/clock.h"
#include "trust/judge.h"

enum { KEY_BYTES = 32 };

/* ---------------------------------------------------------------------- writing ---- */

int pin_normalize(struct mw_span text, struct buf *out)
{
    const struct mw_span prefix = SPAN_LIT("sha256/");
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(PIN_MAX_LINE);
    struct mw_span base64;

    if (text.len <= prefix.len || !span_eq(span_cut(text, 0, prefix.len), prefix))
        return MW_E_SYNTAX;
    base64 = span_cut(text, prefix.len, text.len);
    for (size_t i = 0; i < base64.len; i++)
        if (base64.data[i] <= ' ')
            return MW_E_SYNTAX;
    if (text_unbase64(&key, base64) != 0 || key.len != KEY_BYTES)
        return key.error == -ENOMEM ? -ENOMEM : MW_E_SYNTAX;
    buf_add(out, prefix);
    text_base64(out, buf_span(&key));
    return buf_error(out);
}

static int line_fail(struct buf *error, int code, const char *what, struct mw_span word)
{
    buf_str(error, what);
    if (word.len > 0) {
        buf_str(error, ": \"");
        text_safe(error, word, 80);
        buf_str(error, "\"");
    }
    return code;
}

/* The next word; words are apart by spaces or tabs. */
static struct mw_span word_next(struct mw_span *rest)
{
    size_t n = 0;
    struct mw_span word;

    *rest = span_trim(*rest);
    while (n < rest->len && rest->data[n] != ' ' && rest->data[n] != '\t')
        n++;
    word = span_cut(*rest, 0, n);
    *rest = span_cut(*rest, n, rest->len);
    return word;
}

static int host_word(struct mw_span word, struct arena *arena, struct mw_pin *pin,
                     struct buf *error)
{
    struct mw_span name = word, copy;
    struct host host;

    if (name.len > 2 && span_eq(span_cut(name, 0, 2), SPAN_LIT("*.")))
        name = span_cut(name, 2, name.len);
    else if (name.len > 1 && name.data[0] == '.')
        name = span_cut(name, 1, name.len);
    pin->tree = name.len != word.len;
    if (name.len == 0)
        return line_fail(error, MW_E_NAME, "a host name or an address is missing", name);
    if (arena_copy(arena, name, &copy) < 0)
        return -ENOMEM;
    if (memchr(name.data, 0, name.len) != NULL || host_parse(&host, (const char *)copy.data) != 0)
        return line_fail(error, MW_E_NAME, "not a host name or an address", word);
    pin->host = arena_strdup(arena, host.text);
    return pin->host != NULL ? 0 : -ENOMEM;
}

static int key_word(struct mw_span word, struct arena *arena, struct mw_pin *pin, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(256);
    int r = pin_normalize(word, &key);

    if (r > 0)
        return line_fail(error, r, "not a pin; one looks like sha256/ and 44 characters of Base64",
                         word);
    if (r < 0)
        return r;
    pin->spki = arena_strdup(arena, (const char *)key.data);
    return pin->spki != NULL ? 0 : -ENOMEM;
}

static int option_word(struct mw_span word, struct mw_pin *pin, struct buf *error)
{
    const struct mw_span until = SPAN_LIT("until=");

    if (span_eq(word, SPAN_LIT("backup"))) {
        pin->backup = true;
        return 0;
    }
    if (span_eq(word, SPAN_LIT("tree"))) {
        pin->tree = true;
        return 0;
    }
    if (word.len > until.len && span_eq(span_cut(word, 0, until.len), until)) {
        if (wall_parse(span_cut(word, until.len, word.len), &pin->until) == 0 && pin->until.s > 0)
            return 0;
        return line_fail(error, MW_E_SYNTAX, "not a date; one looks like until=2027-06-30", word);
    }
    return line_fail(error, MW_E_SYNTAX, "expected backup, tree or until=DATE", word);
}

int pin_parse_line(struct mw_span line, struct arena *arena, struct mw_pin *out, struct buf *error)
{
    struct mw_span rest = span_trim(line);
    struct mw_pin pin = { 0 };
    int r;

    if (rest.len == 0 || rest.data[0] == '#') {
        *out = pin;
        return 0;
    }
    if (rest.len > PIN_MAX_LINE)
        return line_fail(error, MW_E_SYNTAX, "the line is too long", (struct mw_span){ 0 });
    r = host_word(word_next(&rest), arena, &pin, error);
    if (r == 0)
        r = key_word(word_next(&rest), arena, &pin, error);
    for (rest = span_trim(rest); r == 0 && rest.len > 0 && rest.data[0] != '#';
         rest = span_trim(rest))
        r = option_word(word_next(&rest), &pin, error);
    if (r == 0)
        *out = pin;
    return r;
}

static int pins_grow(struct mw_policy *p)
{
    size_t room = p->pins_room == 0 ? 16 : p->pins_room * 2;
    struct mw_pin *pins;

    if (p->n_pins < p->pins_room)
        return 0;
    if (p->n_pins >= PIN_MAX)
        return policy_fail(p, MW_E_TOO_MANY, "more than %d pins: remove some", PIN_MAX);
    pins = realloc(p->pins, room * sizeof(*pins));
    if (pins == NULL)
        return -ENOMEM;
    p->pins = pins;
    p->pins_room = room;
    return 0;
}

int mw_policy_add_pin(struct mw_policy *p, const struct mw_pin *pin)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(400);
    struct mw_pin mine = *pin;
    bool tree = pin->tree;
    int r = pins_grow(p);

    if (r != 0)
        return r;
    r = host_word(span_str(pin->host), &p->arena, &mine, &error);
    if (r == 0)
        r = key_word(span_str(pin->spki), &p->arena, &mine, &error);
    if (r > 0)
        return policy_fail(p, r, "pin: %s",
                           error.data != NULL ? (const char *)error.data : "not usable");
    if (r < 0)
        return policy_fail(p, r, "pin: out of memory");
    mine.tree = mine.tree || tree;
    p->pins[p->n_pins++] = mine;
    return 0;
}

/* ---------------------------------------------------------------------- judging ---- */

static bool pin_is_for(const struct mw_pin *pin, const struct host *host)
{
    size_t pinned = strlen(pin->host), asked = strlen(host->text);

    if (strcmp(pin->host, host->text) == 0)
        return true;
    return pin->tree && host->kind == HOST_DNS && asked > pinned + 1 &&
           host->text[asked - pinned - 1] == '.' &&
           strcmp(host->text + asked - pinned, pin->host) == 0;
}

static bool pin_holds(const struct judge *j, const struct mw_pin *pin)
{
    return pin->until.s == 0 || clock_earliest(j).s < pin->until.s;
}

int pin_is_key(const struct cert *c, const char *spki)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(128);

    cert_spki_pin(c, &key);
    if (buf_error(&key) != 0)
        return -ENOMEM;
    return strcmp((const char *)key.data, spki) == 0;
}

/* Is this key in the accepted path?  Whatever else the server sent proves nothing, and without
 * an anchor only the leaf's key was used by anybody. 1, 0 or -ENOMEM. */
static int key_in_path(const struct judge *j, const char *spki)
{
    const struct path *path = &j->chain.path;
    size_t n = path->anchor != MW_ANCHOR_NONE || path->n == 0 ? path->n : 1;

    for (size_t i = 0; i < n; i++) {
        int r = pin_is_key(path->certs[i], spki);

        if (r != 0)
            return r;
    }
    return 0;
}

/* What the pins that apply come to. */
struct tally {
    size_t in_force, matched, matched_backup, spare, expired;
};

static size_t longest_host(const struct judge *j)
{
    size_t longest = 0;

    for (size_t i = 0; i < j->policy->n_pins; i++) {
        const struct mw_pin *pin = &j->policy->pins[i];

        if (pin_is_for(pin, &j->host) && pin_holds(j, pin) && strlen(pin->host) > longest)
            longest = strlen(pin->host);
    }
    return longest;
}

/* Of pins for the name and for names above it, those for the nearest name count. */
static int tally_take(const struct judge *j, struct tally *t)
{
    size_t nearest = longest_host(j);

    for (size_t i = 0; i < j->policy->n_pins; i++) {
        const struct mw_pin *pin = &j->policy->pins[i];
        int matches;

        if (!pin_is_for(pin, &j->host))
            continue;
        if (!pin_holds(j, pin)) {
            t->expired++;
            continue;
        }
        if (strlen(pin->host) != nearest)
            continue;
        matches = key_in_path(j, pin->spki);
        if (matches < 0)
            return matches;
        t->in_force++;
        t->matched += matches == 1 && !pin->backup;
        t->matched_backup += matches == 1 && pin->backup;
        t->spare += matches == 0;
    }
    return 0;
}

int pin_judge(struct judge *j)
{
    struct tally t = { 0 };
    int r;

    if (j->leaf == NULL)
        return 0;
    r = tally_take(j, &t);
    if (r < 0)
        return r;
    if (t.expired > 0)
        judge_add(j, MW_PIN_EXPIRED, -1, "%zu of the pins for %s %s expired and %s not applied",
                  t.expired, j->host.text, t.expired == 1 ? "has" : "have",
                  t.expired == 1 ? "was" : "were");
    if (t.in_force == 0)
        return 0;
    if (t.matched + t.matched_backup == 0) {
        judge_add(j, MW_PIN_MISMATCH, 0, "none of the %zu keys pinned for %s is in the chain",
                  t.in_force, j->host.text);
        return 0;
    }
    if (t.matched == 0)
        judge_add(j, MW_PIN_BACKUP_USED, -1, "only a backup pin for %s is in the chain",
                  j->host.text);
    if (t.spare == 0)
        judge_add(j, MW_PIN_NO_BACKUP, -1,
                  "every key pinned for %s is in use; a backup is one that is not", j->host.text);
    return 0;
}
