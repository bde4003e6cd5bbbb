#include "gate/policy/users.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum { KNOWN_MAX = 512, DIGEST = 32 };

/* What is kept is a hash under a secret of this process.  It is as good as the password to whoever
 * reads our memory, where passwords pass by anyway. */
struct sign_ins {
    uint8_t secret[DIGEST];
    struct {
        uint8_t digest[DIGEST];
        const struct user *user;        /* NULL: empty */
    } good[KNOWN_MAX];
    struct {
        uint8_t digest[DIGEST];
        bool is_set;
    } wrong[KNOWN_MAX];
};

struct sign_in_question {
    struct sign_ins *known;
    const struct user *user;    /* whose hash is tried */
    bool exists;                /* else it is anybody's, so that it takes as long */
    enum sign_in answer;
    uint8_t digest[DIGEST];
    char password[USERS_MAX_PASSWORD + 1];
};

static int user_cmp(const void *a, const void *b)
{
    return strcmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

static int groups_read(struct user *u, struct mw_span text, struct arena *arena)
{
    const char **groups = arena_calloc(arena, USERS_MAX_GROUPS + 1, sizeof *groups);
    struct mw_span word;
    size_t n = 0;

    if (groups == NULL)
        return -ENOMEM;
    u->groups = groups;
    while (span_field(&text, ',', &word)) {
        struct mw_span copy = { NULL, 0 };

        word = span_trim(word);
        if (word.len == 0)
            continue;
        if (n == USERS_MAX_GROUPS)
            return -E2BIG;
        if (arena_copy(arena, word, &copy) < 0)
            return -ENOMEM;
        groups[n++] = (const char *)copy.data;
    }
    return 0;
}

/* What a thief of the file could try by the billion is refused. */
static bool hash_is_good(const char *hash)
{
    static const char *const good[] = { "$y$", "$gy$", "$7$", "$2b$", "$2y$", "$6$", "$5$" };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (strncmp(hash, good[i], strlen(good[i])) == 0)
            return true;
    return false;
}

static int user_read(struct users *u, struct mw_span line, const struct ucl_place *at,
                     struct arena *arena, struct buf *error)
{
    struct mw_span name = { NULL, 0 }, hash = { NULL, 0 };
    struct user *user = &u->items[u->n];
    int r;

    if (!span_field(&line, ':', &name) || !span_field(&line, ':', &hash) || name.len == 0 ||
        memchr(name.data, 0, name.len) != NULL)
        return ucl_fail(at, error, "a line of users is name:hash or name:hash:group,group");
    if (arena_copy(arena, name, &name) < 0 || arena_copy(arena, hash, &hash) < 0)
        return -ENOMEM;
    user->name = (const char *)name.data;
    user->hash = (const char *)hash.data;
    if (!hash_is_good(user->hash))
        return ucl_fail(at, error, "the password of %s is not hashed well enough; make it with "
                        "mkpasswd -m yescrypt", ucl_show(user->name).text);
    r = groups_read(user, line, arena);
    if (r == -E2BIG)
        return ucl_fail(at, error, "%s is in more than %d groups", ucl_show(user->name).text,
                        USERS_MAX_GROUPS);
    u->n += r == 0;
    return r;
}

static size_t lines_count(struct mw_span text)
{
    struct mw_span line;
    size_t n = 0;

    while (span_line(&text, &line))
        n++;
    return n;
}

static int users_sort(struct users *u, const char *file, struct buf *error)
{
    const struct ucl_place at = { file, 1, 1 };

    if (u->n > 0)
        qsort(u->items, u->n, sizeof u->items[0], user_cmp);
    for (size_t i = 1; i < u->n; i++)
        if (strcmp(u->items[i - 1].name, u->items[i].name) == 0)
            return ucl_fail(&at, error, "the user %s stands there twice",
                            ucl_show(u->items[i].name).text);
    return 0;
}

int users_read(struct users *u, struct mw_span text, const char *file, struct arena *arena,
               struct buf *error)
{
    struct ucl_place at = { file, 0, 1 };
    size_t n = lines_count(text);
    struct mw_span line;

    *u = (struct users){ .items = NULL };
    if (n > USERS_MAX)
        return ucl_fail(&at, error, "more than %d users", USERS_MAX);
    u->items = arena_calloc(arena, n + 1, sizeof *u->items);
    u->known = arena_alloc(arena, sizeof *u->known);
    if (u->items == NULL || u->known == NULL)
        return -ENOMEM;
    if (RAND_bytes(u->known->secret, DIGEST) != 1)
        return -ENOMEM;
    while (span_line(&text, &line)) {
        int r = 0;

        at.line++;
        line = span_trim(line);
        if (line.len > 0 && line.data[0] != '#')
            r = user_read(u, line, &at, arena, error);
        if (r != 0)
            return r;
    }
    return users_sort(u, file, error);
}

static const struct user *user_find(const struct users *u, struct mw_span name)
{
    size_t low = 0, high = u->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = span_cmp(name, span_str(u->items[mid].name));

        if (order == 0)
            return &u->items[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* false: no memory. */
static bool digest_make(const struct sign_ins *known, struct mw_span name, struct mw_span password,
                        uint8_t out[DIGEST])
{
    uint8_t len = (uint8_t)(name.len & 0xff);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool ok = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(hash, known->secret, DIGEST) == 1 &&
              EVP_DigestUpdate(hash, &len, 1) == 1 &&
              EVP_DigestUpdate(hash, name.data, name.len) == 1 &&
              EVP_DigestUpdate(hash, password.data, password.len) == 1 &&
              EVP_DigestFinal_ex(hash, out, NULL) == 1;

    EVP_MD_CTX_free(hash);
    return ok;
}

static enum sign_in password_try(const struct user *user, const char *password)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *made = data != NULL ? crypt_r(password, user->hash, data) : NULL;
    size_t len = strlen(user->hash);
    enum sign_in answer = SIGN_IN_WRONG;

    if (data == NULL || ((made == NULL || made[0] == '*') && errno == ENOMEM))
        answer = SIGN_IN_NO_MEMORY;
    else if (made != NULL && made[0] != '*' && strlen(made) == len &&
             CRYPTO_memcmp(made, user->hash, len) == 0)
        answer = SIGN_IN_GOOD;
    if (data != NULL)
        OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return answer;
}

static size_t slot_of(const uint8_t digest[DIGEST])
{
    return ((size_t)digest[0] << 8 | digest[1]) % KNOWN_MAX;
}

static struct sign_in_question *question_new(const struct users *u, const struct user *user,
                                             struct mw_span password)
{
    struct sign_in_question *q = calloc(1, sizeof *q);

    if (q == NULL)
        return NULL;
    q->known = u->known;
    q->exists = user != NULL;
    q->user = user != NULL ? user : &u->items[0];
    q->answer = SIGN_IN_NO_MEMORY;
    if (password.len > 0)
        memcpy(q->password, password.data, password.len);
    return q;
}

enum sign_in users_sign_in(const struct users *u, struct mw_span name, struct mw_span password,
                           const struct user **found, struct sign_in_question **ask)
{
    const struct user *user = user_find(u, name);
    struct sign_in_question *q;
    uint8_t digest[DIGEST];
    size_t slot;

    if (u->n == 0 || name.len == 0 || name.len > 255 || password.len > USERS_MAX_PASSWORD ||
        (password.len > 0 && memchr(password.data, 0, password.len) != NULL))
        return SIGN_IN_WRONG;
    if (!digest_make(u->known, name, password, digest))
        return SIGN_IN_NO_MEMORY;
    slot = slot_of(digest);
    if (user != NULL && u->known->good[slot].user == user &&
        CRYPTO_memcmp(u->known->good[slot].digest, digest, DIGEST) == 0) {
        *found = user;
        return SIGN_IN_GOOD;
    }
    if (u->known->wrong[slot].is_set &&
        CRYPTO_memcmp(u->known->wrong[slot].digest, digest, DIGEST) == 0)
        return SIGN_IN_WRONG;
    q = question_new(u, user, password);
    if (q == NULL)
        return SIGN_IN_NO_MEMORY;
    memcpy(q->digest, digest, DIGEST);
    *ask = q;
    return SIGN_IN_ASK;
}

void sign_in_work(struct sign_in_question *q)
{
    q->answer = password_try(q->user, q->password);
    if (q->answer == SIGN_IN_GOOD && !q->exists)
        q->answer = SIGN_IN_WRONG;
}

int sign_in_done(struct sign_in_question *q)
{
    size_t slot = slot_of(q->digest);
    int r = q->answer == SIGN_IN_NO_MEMORY ? -ENOMEM : 0;

    if (q->answer == SIGN_IN_GOOD) {
        memcpy(q->known->good[slot].digest, q->digest, DIGEST);
        q->known->good[slot].user = q->user;
    } else if (q->answer == SIGN_IN_WRONG) {
        memcpy(q->known->wrong[slot].digest, q->digest, DIGEST);
        q->known->wrong[slot].is_set = true;
    }
    sign_in_free(q);
    return r;
}

void sign_in_free(struct sign_in_question *q)
{
    if (q == NULL)
        return;
    OPENSSL_cleanse(q, sizeof *q);
    free(q);
}

void users_wipe(struct users *u)
{
    if (u->known != NULL)
        OPENSSL_cleanse(u->known, sizeof *u->known);
}
