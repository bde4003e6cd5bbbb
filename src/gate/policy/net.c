#include "gate/policy/net.h"

#include <errno.h>

#include "base/config.h"
#include "base/text.h"

enum { ALL_BITS = 128, MAPPED_BITS = 96 };

static bool mapped(const struct addr *a, uint8_t ip[16])
{
    struct mw_span from = addr_ip(a);

    memset(ip, 0, 16);
    if (from.len == 4) {
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, from.data, 4);
    } else if (from.len == 16) {
        memcpy(ip, from.data, 16);
    }
    return from.len != 0;
}

/* Are the first `bits` bits the same? */
static bool same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
    unsigned rest = bits % 8;

    return memcmp(a, b, bits / 8) == 0 &&
           (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) & (0xff00 >> rest) & 0xff) == 0);
}

static void cut(uint8_t ip[16], unsigned bits)
{
    for (unsigned i = bits; i < ALL_BITS; i++)
        ip[i / 8] = (uint8_t)(ip[i / 8] & ~(0x80 >> i % 8));
}

/* > 0: the address goes beyond the prefix; < 0: no range at all. */
static int net_parse(struct net *out, const char *text)
{
    struct mw_span rest = span_str(text), address = rest;
    struct addr a;
    uint8_t whole[16];
    int64_t bits;
    bool v4;

    span_field(&rest, '/', &address);
    if (addr_parse(&a, address, 0) < 0 || addr_port(&a) != 0 || !mapped(&a, out->ip))
        return -EINVAL;
    v4 = addr_family(&a) == AF_INET;
    out->bits = ALL_BITS;
    if (strchr(text, '/') == NULL)
        return 0;
    if (text_number(rest, 0, v4 ? 32 : ALL_BITS, &bits) < 0)
        return -EINVAL;
    out->bits = (unsigned)bits + (v4 ? MAPPED_BITS : 0);
    memcpy(whole, out->ip, sizeof whole);
    cut(out->ip, out->bits);
    return memcmp(whole, out->ip, sizeof whole) != 0;
}

static int net_wrong(const struct ucl *node, const struct net *net, const char *text, int what,
                     struct buf *error)
{
    char range[ADDR_TEXT];
    bool v4 = net->bits >= MAPPED_BITS && memcmp(net->ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
    struct addr a;

    if (what < 0)
        return ucl_fail(&node->value, error,
                        "%s: \"%s\" is not an address or a range such as 10.0.0.0/8", node->key,
                        ucl_show(text).text);
    a = addr_make(v4 ? AF_INET : AF_INET6, v4 ? net->ip + 12 : net->ip, 0);
    addr_text(&a, false, range);
    return ucl_fail(&node->value, error, "%s: %s goes beyond its prefix; is %s/%u meant?",
                    node->key, ucl_show(text).text, range,
                    v4 ? net->bits - MAPPED_BITS : net->bits);
}

int nets_read(struct nets *out, const struct ucl *node, struct arena *arena, struct buf *error)
{
    const struct ucl *item = node->first;
    struct config_list words;
    struct net *nets;
    int r = ucl_list(node, &words, arena, error);

    if (r != 0)
        return r;
    nets = arena_calloc(arena, words.count + 1, sizeof *nets);
    if (nets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < words.count; i++) {
        int what = net_parse(&nets[i], words.items[i]);

        if (what != 0)
            return net_wrong(item != NULL ? item : node, &nets[i], words.items[i], what, error);
        item = item != NULL ? item->next : NULL;
    }
    *out = (struct nets){ nets, words.count };
    return 0;
}

bool nets_hold(const struct nets *n, const struct addr *a)
{
    uint8_t ip[16];

    if (!mapped(a, ip))
        return false;
    for (size_t i = 0; i < n->n; i++)
        if (same_prefix(ip, n->items[i].ip, n->items[i].bits))
            return true;
    return false;
}

bool nets_cover(const struct nets *outer, const struct nets *inner)
{
    for (size_t i = 0; i < inner->n; i++) {
        bool held = false;

        for (size_t k = 0; k < outer->n && !held; k++)
            held = outer->items[k].bits <= inner->items[i].bits &&
                   same_prefix(outer->items[k].ip, inner->items[i].ip, outer->items[k].bits);
        if (!held)
            return false;
    }
    return true;
}
