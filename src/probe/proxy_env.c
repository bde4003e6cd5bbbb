#include "probe/proxy_env.h"

#include <stdlib.h>

#include "base/text.h"
#include "net/addr.h"

static const char *process_env(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

/* The first of the names that is set and not empty. */
static const char *first_set(proxy_env_get *get, void *context, const char *const *names, size_t n,
                             const char **which)
{
    for (size_t i = 0; i < n; i++) {
        const char *value = get(context, names[i]);

        if (value != NULL && value[0] != 0) {
            *which = names[i];
            return value;
        }
    }
    return NULL;
}

struct proxy_env proxy_env_find(const char *host, uint16_t port, proxy_env_get *get, void *context)
{
    /* Lower case first, as curl does; there is no HTTP_PROXY here: that is for plain HTTP. */
    static const char *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
                                           "ALL_PROXY" };
    static const char *const exceptions[] = { "no_proxy", "NO_PROXY" };
    struct proxy_env found = { .url = NULL };
    const char *list, *which = NULL;

    if (get == NULL)
        get = process_env;
    found.url = first_set(get, context, proxies, ARRAY_LEN(proxies), &found.from);
    list = first_set(get, context, exceptions, ARRAY_LEN(exceptions), &which);
    if (found.url != NULL && list != NULL && no_proxy_covers(list, host, port))
        found = (struct proxy_env){ .excluded_by = which };
    return found;
}

/* "192.0.2.0/24" against an address of the same family. */
static bool network_covers(struct mw_span network, struct mw_span bits_text, const struct addr *a)
{
    struct addr net;
    struct mw_span want, have = addr_ip(a);
    int64_t bits;

    if (addr_parse(&net, network, 0) != 0 || addr_family(&net) != addr_family(a))
        return false;
    want = addr_ip(&net);
    if (text_number(bits_text, 0, (int64_t)(8 * want.len), &bits) != 0)
        return false;
    for (size_t i = 0; i < want.len && bits > 0; i++, bits -= 8) {
        unsigned mask = bits >= 8 ? 0xff : 0xff00u >> bits & 0xff;

        if (((want.data[i] ^ have.data[i]) & mask) != 0)
            return false;
    }
    return true;
}

static bool address_covers(struct mw_span entry, const struct addr *a)
{
    const uint8_t *slash = memchr(entry.data, '/', entry.len);
    struct addr its;

    if (slash != NULL)
        return network_covers(span_of(entry.data, (size_t)(slash - entry.data)),
                              span_cut(entry, (size_t)(slash - entry.data) + 1, SIZE_MAX), a);
    return addr_parse(&its, entry, 0) == 0 && span_eq(addr_ip(&its), addr_ip(a));
}

/* The name itself and everything below it, at a label's border. */
static bool name_covers(struct mw_span entry, struct mw_span host)
{
    if (entry.len > 1 && entry.data[0] == '*' && entry.data[1] == '.')
        entry = span_cut(entry, 1, SIZE_MAX);
    if (entry.len > 0 && entry.data[0] == '.')
        entry = span_cut(entry, 1, SIZE_MAX);
    if (entry.len > 0 && entry.data[entry.len - 1] == '.')
        entry.len--;
    if (entry.len == 0 || host.len < entry.len || !span_ends_nocase(host, entry))
        return false;
    return host.len == entry.len || host.data[host.len - entry.len - 1] == '.';
}

static bool entry_covers(struct mw_span entry, const char *host, uint16_t port)
{
    struct mw_span bare = entry;
    uint16_t its_port = 0;
    struct addr a;

    if (span_eq(entry, SPAN_LIT("*")))
        return true;
    if (memchr(entry.data, '/', entry.len) == NULL) {
        if (host_port_split(entry, 0, &bare, &its_port) != 0)
            return false;
        if (its_port != 0 && its_port != port)
            return false;
    }
    if (addr_parse(&a, span_str(host), 0) == 0)
        return address_covers(bare, &a);
    return name_covers(bare, span_str(host));
}

bool no_proxy_covers(const char *list, const char *host, uint16_t port)
{
    struct mw_span rest = span_str(list), part, entry;

    while (span_field(&rest, ',', &part)) {
        while (span_field(&part, ' ', &entry)) {
            entry = span_trim(entry);
            if (entry.len > 0 && entry_covers(entry, host, port))
                return true;
        }
    }
    return false;
}
