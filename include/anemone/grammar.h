/* SPDX-License-Identifier: MIT */
/*
 * Grammars that an answer must follow: written in GBNF, made from a JSON schema, or any JSON; and
 * constraints, which follow one answer token by token and mask the tokens that cannot come next.
 * docs/grammar.md tells the notation, the schema keywords and the limits.
 *
 * A grammar is immutable and may be shared between threads. A constraint belongs to one thread at
 * a time; the grammar and the tokenizer must outlive it.
 */
#ifndef ANEMONE_GRAMMAR_H
#define ANEMONE_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"
#include "anemone/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_grammar anm_grammar;
typedef struct anm_constraint anm_constraint;

/*
 * Reads GBNF, the notation of llama.cpp; the answer is what the rule "root" matches. `where` names
 * the text in errors; NULL: "grammar". ANM_ERROR_FORMAT names line and column, with the byte
 * offset: bad notation, an undefined rule, left recursion, a root that no text matches.
 * ANM_ERROR_LIMIT: repetitions make it too large. Release with anm_grammar_destroy.
 */
ANM_API ANM_MUST_CHECK anm_status anm_grammar_parse(const char *text, size_t len,
                                                    const char *where, anm_grammar **out,
                                                    anm_error *err);
/*
 * Texts that are JSON and valid under the schema; properties come in the schema's order.
 * ANM_ERROR_UNSUPPORTED names the JSON pointer of a keyword that is not covered, ANM_ERROR_FORMAT
 * what is no schema or has no valid text.
 */
ANM_API ANM_MUST_CHECK anm_status anm_grammar_from_json_schema(const char *schema, size_t len,
                                                               const char *where,
                                                               anm_grammar **out, anm_error *err);
/* Any JSON value; with `object_only` any JSON object. */
ANM_API ANM_MUST_CHECK anm_status anm_grammar_json(bool object_only, anm_grammar **out,
                                                   anm_error *err);
ANM_API void anm_grammar_destroy(anm_grammar *grammar); /* NULL is fine */

/*
 * A constraint at the start of an answer. `stop_ids` end an answer: they are allowed when the text
 * may end, and only then; copied. The tokenizer's bytes are indexed at its first constraint
 * (some 0.1 s for 150,000 tokens). ANM_ERROR_UNSUPPORTED for a tokenizer whose tokens have no
 * bytes of their own (WordPiece).
 */
ANM_API ANM_MUST_CHECK anm_status anm_constraint_create(const anm_grammar *grammar,
                                                        const anm_tokenizer *tokenizer,
                                                        const int32_t *stop_ids, size_t stop_count,
                                                        anm_constraint **out, anm_error *err);
ANM_API void anm_constraint_destroy(anm_constraint *constraint); /* NULL is fine */
/* Back to the start of an answer; what was learned about the grammar is kept. */
ANM_API void anm_constraint_reset(anm_constraint *constraint);
/*
 * The grammar begins behind the first such text, "</think>" for a model that reasons first; before
 * it anything may come but a stop id. Holds for this answer and those after a reset. NULL: it
 * begins at once. Resets the constraint.
 */
ANM_API ANM_MUST_CHECK anm_status anm_constraint_begin_after(anm_constraint *constraint,
                                                             const char *text, anm_error *err);

/*
 * Sets the logit of every token that cannot come next to -infinity; entry i is token i, and those
 * past the vocabulary cannot come. ANM_ERROR_MISMATCH when nothing is left: the text is complete
 * and there are no stop ids, or the vocabulary has no token for what must follow.
 */
ANM_API ANM_MUST_CHECK anm_status anm_constraint_mask(anm_constraint *constraint, float *logits,
                                                      size_t count, anm_error *err);
/* Whether the token could come next, without a mask for all. */
ANM_API bool anm_constraint_allows(anm_constraint *constraint, int32_t token);
/*
 * The token was chosen. ANM_ERROR_ARGUMENT, with the constraint as it was, if it could not come.
 * A stop id changes nothing.
 */
ANM_API ANM_MUST_CHECK anm_status anm_constraint_accept(anm_constraint *constraint, int32_t token,
                                                        anm_error *err);
/* Whether the text so far is a whole answer; more may still be able to follow. */
ANM_API bool anm_constraint_complete(const anm_constraint *constraint);
/* Whether it is whole and nothing can follow but a stop id. */
ANM_API bool anm_constraint_finished(const anm_constraint *constraint);

#ifdef __cplusplus
}
#endif

#endif
