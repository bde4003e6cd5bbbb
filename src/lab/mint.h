/*
 * Chains that no recipe can say: a function each, for case_recipe.mint.
 */
#ifndef LAB_MINT_H
#define LAB_MINT_H

#include "lab/site.h"

MW_MUST_CHECK int mint_1000_names(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_10000_names(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_big(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_flood(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_unknown_root_sent(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_reversed(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_cross_signed(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_cross_sign_expired(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_root_cross_expired(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_same_name(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_loop(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_100(struct site *s, struct pki *p);
MW_MUST_CHECK int mint_path_length(struct site *s, struct pki *p);

#endif
