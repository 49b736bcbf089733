/* SPDX-License-Identifier: MIT */
/* Tokenizers made of given byte strings, for tests that need to know a vocabulary. */
#ifndef ANM_TESTS_TINY_VOCAB_H
#define ANM_TESTS_TINY_VOCAB_H

#include "anemone/tokenizer.h"
#include "src/base/str.h"

/*
 * A byte-level tokenizer whose token i is tokens[i], any bytes; behind them one special token,
 * "<stop>", whose id is `count`.
 */
anm_tokenizer *tiny_vocab(const anm_sv *tokens, size_t count);
/* Token i is the byte i; the stop token is 256. */
anm_tokenizer *byte_vocab(void);

#endif
