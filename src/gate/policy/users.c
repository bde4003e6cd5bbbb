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
    } items[KNOWN_MAX];
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

static bool password_fits(const struct user *user, const char *password)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *made = data != NULL ? crypt_r(password, user->hash, data) : NULL;
    size_t len = strlen(user->hash);
    bool fits = made != NULL && made[0] != '*' && strlen(made) == len &&
                CRYPTO_memcmp(made, user->hash, len) == 0;

    if (data != NULL)
        OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return fits;
}

static size_t slot_of(const uint8_t digest[DIGEST])
{
    return ((size_t)digest[0] << 8 | digest[1]) % KNOWN_MAX;
}

const struct user *users_sign_in(const struct users *u, struct mw_span name,
                                 struct mw_span password)
{
    const struct user *user = user_find(u, name);
    char text[USERS_MAX_PASSWORD + 1];
    uint8_t digest[DIGEST];
    size_t slot;
    bool fits;

    if (u->n == 0 || name.len == 0 || name.len > 255 || password.len > USERS_MAX_PASSWORD ||
        (password.len > 0 && memchr(password.data, 0, password.len) != NULL))
        return NULL;
    if (!digest_make(u->known, name, password, digest))
        return NULL;
    slot = slot_of(digest);
    if (user != NULL && u->known->items[slot].user == user &&
        CRYPTO_memcmp(u->known->items[slot].digest, digest, DIGEST) == 0)
        return user;
    if (password.len > 0)
        memcpy(text, password.data, password.len);
    text[password.len] = '\0';
    fits = password_fits(user != NULL ? user : &u->items[0], text) && user != NULL;
    OPENSSL_cleanse(text, sizeof text);
    if (!fits)
        return NULL;
    memcpy(u->known->items[slot].digest, digest, DIGEST);
    u->known->items[slot].user = user;
    return user;
}

void users_wipe(struct users *u)
{
    if (u->known != NULL)
        OPENSSL_cleanse(u->known, sizeof *u->known);
}
