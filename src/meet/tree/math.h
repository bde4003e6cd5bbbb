/*
 * Arithmetic of the tree as an array: leaf i is node 2i, parents sit between (RFC 9420 appendix C).
 * n: leaves, a power of two.  No node is looked at outside 0 … 2n-2.
 */
#ifndef MEET_TREE_MATH_H
#define MEET_TREE_MATH_H

#include <stdbool.h>
#include <stdint.h>

/* 0 for a leaf. */
static inline uint32_t node_level(uint32_t x)
{
    return (x & 1) == 0 ? 0 : (uint32_t)__builtin_ctz(~x);
}

static inline bool node_is_leaf(uint32_t x)
{
    return (x & 1) == 0;
}

static inline uint32_t node_of_leaf(uint32_t leaf)
{
    return 2 * leaf;
}

static inline uint32_t leaf_of_node(uint32_t x)
{
    return x / 2;
}

static inline uint32_t nodes_of(uint32_t n)
{
    return n == 0 ? 0 : 2 * n - 1;
}

static inline uint32_t node_root(uint32_t n)
{
    return n == 0 ? 0 : n - 1;
}

/* The lowest bit of x that is not set: 2 to the power of its level. */
static inline uint32_t node_gap(uint32_t x)
{
    return ~x & (x + 1);
}

/* x is no leaf. */
static inline uint32_t node_left(uint32_t x)
{
    return x ^ (node_gap(x) >> 1);
}

static inline uint32_t node_right(uint32_t x)
{
    return x ^ (node_gap(x) | node_gap(x) >> 1);
}

/* x is not the root. */
static inline uint32_t node_above(uint32_t x)
{
    uint32_t k = node_level(x);

    return (x | (1u << k)) & ~(1u << (k + 1));
}

static inline uint32_t node_sibling(uint32_t x)
{
    uint32_t p = node_above(x);

    return x < p ? node_right(p) : node_left(p);
}

/* leaf is below x, or is x. */
static inline bool node_covers(uint32_t x, uint32_t leaf)
{
    uint32_t k = node_level(x);

    return (node_of_leaf(leaf) >> (k + 1)) == (x >> (k + 1));
}

/* The lowest node above both leaves, which differ. */
static inline uint32_t node_common(uint32_t leaf_a, uint32_t leaf_b)
{
    uint32_t a = node_of_leaf(leaf_a), b = node_of_leaf(leaf_b);
    uint32_t k = 32 - (uint32_t)__builtin_clz(a ^ b);

    return ((a >> k) << k) + (1u << (k - 1)) - 1;
}

#endif
