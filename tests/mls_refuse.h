/*
 * A group of four in which one gets messages that must be refused, and is the same afterwards.
 */
#ifndef TESTS_MLS_REFUSE_H
#define TESTS_MLS_REFUSE_H

#include "meet/group/steps.h"
#include "mls_people.h"

enum { A, B, C, D, OUTSIDER };  /* A gets the messages, B sends them */

#define NONE ((struct mw_span){ 0 })
#define is(expression, error)                                                                      \
    assert_string_equal(mw_mls_error_name(expression), mw_mls_error_name(error))

/* cmocka's setup and teardown: *state is the struct people.  At the end life goes on: B commits,
 * and all agree. */
int refuse_open(void **state);
int refuse_close(void **state);

/* Everything of a group that what fails must leave alone, appended. */
void group_snapshot(const struct mw_mls_group *g, struct buf *out);
/* A refuses it for this, and nothing of A's group is another. */
void refused(struct people *p, struct mw_span message, int error);
/* B's, of a type. */
void refuse_content(struct people *p, uint8_t content_type, struct mw_span content, int error);
void refuse_proposal(struct people *p, const struct proposal *v, int error);
/* A commit of B's without a path: proposals by value, or references. */
void refuse_list(struct people *p, const struct proposal *v, size_t n, int error);
void refuse_refs(struct people *p, const struct mw_span *refs, size_t n, int error);

/* A fresh key package, and a leaf as the group has it. */
struct key_package package_of(struct people *p, size_t who);
struct leaf_node leaf_of(struct people *p, size_t who);

#endif
