/* Arithmetic of the tree (RFC 9420 appendix C). */
#include "meet/tree/math.h"
#include "meet/vectors/kinds.h"

enum { LEAVES_MAX = 1 << 20 };

/* Entry x of a list of numbers or nulls is what `got` is, or null when there is none. */
static void node_check(struct run *r, const json_t *list, const char *what, uint32_t x, bool some,
                       uint32_t got)
{
    const json_t *want = json_array_get(list, x);

    run_place(r, "%s[%u]", what, x);
    if (json_is_integer(want) && some)
        run_same_number(r, "node", (uint64_t)json_integer_value(want), got);
    else if (!json_is_null(want) || some)
        run_wrong(r, "%s", some ? "null or missing, but there is such a node"
                                : "a number or missing, but there is no such node");
}

int run_tree_math(struct run *r, const json_t *c)
{
    uint32_t leaves = (uint32_t)run_number(r, c, "n_leaves", LEAVES_MAX);
    uint32_t nodes = (uint32_t)run_number(r, c, "n_nodes", 2 * LEAVES_MAX);
    uint32_t root = (uint32_t)run_number(r, c, "root", 2 * LEAVES_MAX);
    const json_t *left = run_list(r, c, "left"), *right = run_list(r, c, "right");
    const json_t *parent = run_list(r, c, "parent"), *sibling = run_list(r, c, "sibling");

    if (!r->failed && (leaves == 0 || (leaves & (leaves - 1)) != 0))
        run_wrong(r, "n_leaves: %u is no power of two", leaves);
    run_same_number(r, "n_nodes", nodes, nodes_of(leaves));
    run_same_number(r, "root", root, node_root(leaves));
    for (uint32_t x = 0; !r->failed && x < nodes; x++) {
        bool inner = !node_is_leaf(x), below = x != root;

        node_check(r, left, "left", x, inner, inner ? node_left(x) : 0);
        node_check(r, right, "right", x, inner, inner ? node_right(x) : 0);
        node_check(r, parent, "parent", x, below, below ? node_above(x) : 0);
        node_check(r, sibling, "sibling", x, below, below ? node_sibling(x) : 0);
    }
    return 0;
}
