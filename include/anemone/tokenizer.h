/* SPDX-License-Identifier: MIT */
/*
 * Text to token ids and back, as the `tokenizers` library of Hugging Face does it: reads
 * tokenizer.json (byte-level BPE, SentencePiece-style BPE with byte fallback, WordPiece,
 * WordLevel). docs/tokenizers.md lists the supported components.
 *
 * An anm_tokenizer does not change after it was opened and may be used by any number of threads
 * at once. An anm_decoder belongs to one thread at a time.
 */
#ifndef ANEMONE_TOKENIZER_H
#define ANEMONE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "anemone/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct anm_tokenizer anm_tokenizer;
typedef struct anm_decoder anm_decoder;

/*
 * Opens a tokenizer.json, a directory holding one, or the tokenizer of a .gguf file.
 *
 * With a file, that file alone decides, as with the Rust library. With a directory, the special
 * tokens come from tokenizer_config.json and special_tokens_map.json beside it (both optional),
 * and a Llama tokenizer class there decides about the tokens around a text through
 * add_bos_token and add_eos_token, as in the transformers library.
 *
 * ANM_ERROR_UNSUPPORTED names a component that is not handled and lists those that are;
 * ANM_ERROR_FORMAT tells what is wrong in the file, with the byte offset where there is one.
 * Release with anm_tokenizer_close.
 */
ANM_API ANM_MUST_CHECK anm_status anm_tokenizer_open(const char *path, anm_tokenizer **out,
                                                     anm_error *err);
ANM_API void anm_tokenizer_close(anm_tokenizer *tokenizer); /* NULL is fine */

/* What anm_tokenizer_encode does beside splitting. Fill with anm_encode_options_init first. */
typedef struct anm_encode_options {
    size_t struct_size;
    bool add_special_tokens; /* true: the post-processor's tokens around the text (BOS, [CLS]) */
    bool parse_special;      /* true: special tokens written in the text become their ids */
} anm_encode_options;
ANM_API void anm_encode_options_init(anm_encode_options *options);

/* Zero it before first use; encode calls replace the content and keep the memory. */
typedef struct anm_token_list {
    int32_t *ids;
    size_t len, cap;
} anm_token_list;
ANM_API void anm_token_list_free(anm_token_list *list); /* leaves it empty and usable */

/*
 * Replaces the content of `out` by the ids of `len` bytes of UTF-8 text, which may hold zero
 * bytes. Invalid UTF-8 is read as U+FFFD, one for each maximal invalid part, as Rust's lossy
 * conversion does. `options` may be NULL for the defaults. On failure `out` is empty.
 * ANM_ERROR_LIMIT: a regular expression of the tokenizer needs too many steps on this text.
 */
ANM_API ANM_MUST_CHECK anm_status anm_tokenizer_encode(const anm_tokenizer *tokenizer,
                                                       const char *text, size_t len,
                                                       const anm_encode_options *options,
                                                       anm_token_list *out, anm_error *err);

/*
 * The text of `count` ids, zero-terminated; *len is its length without that zero. It is always
 * valid UTF-8 when the vocabulary is. With skip_special, special tokens give no text. An id
 * without a token is ANM_ERROR_ARGUMENT naming it. Release *text with anm_tokenizer_text_free.
 */
ANM_API ANM_MUST_CHECK anm_status anm_tokenizer_decode(const anm_tokenizer *tokenizer,
                                                       const int32_t *ids, size_t count,
                                                       bool skip_special, char **text,
                                                       size_t *len, anm_error *err);
ANM_API void anm_tokenizer_text_free(char *text); /* NULL is fine */

/*
 * Decoding token by token. The pieces of all pushes and the last one from anm_decoder_finish are,
 * put together, exactly what anm_tokenizer_decode gives. A piece never ends within a UTF-8
 * character; it is empty when nothing is certain yet. Pieces are zero-terminated, belong to the
 * decoder and live until its next call. The tokenizer must outlive the decoder.
 */
ANM_API ANM_MUST_CHECK anm_status anm_decoder_create(const anm_tokenizer *tokenizer,
                                                     bool skip_special, anm_decoder **out,
                                                     anm_error *err);
ANM_API ANM_MUST_CHECK anm_status anm_decoder_push(anm_decoder *decoder, int32_t id,
                                                   const char **piece, size_t *len,
                                                   anm_error *err);
/* What was held back; the decoder then starts a new text. */
ANM_API ANM_MUST_CHECK anm_status anm_decoder_finish(anm_decoder *decoder, const char **piece,
                                                     size_t *len, anm_error *err);
ANM_API void anm_decoder_reset(anm_decoder *decoder); /* forget what was pushed */
ANM_API void anm_decoder_destroy(anm_decoder *decoder); /* NULL is fine */

/* One more than the largest id, added tokens included. Ids may be missing in between. */
ANM_API int32_t anm_tokenizer_vocab_size(const anm_tokenizer *tokenizer);

/* The token as the vocabulary writes it ("\xC4\xA0the" for " the" in byte-level BPE), or NULL if
 * no token has this id. The text belongs to the tokenizer. */
ANM_API const char *anm_tokenizer_token_text(const anm_tokenizer *tokenizer, int32_t id);

/* The id of a token written that way, or -1. */
ANM_API int32_t anm_tokenizer_token_id(const anm_tokenizer *tokenizer, const char *text);

typedef enum anm_special_token {
    ANM_SPECIAL_BOS = 0,
    ANM_SPECIAL_EOS = 1,
    ANM_SPECIAL_PAD = 2,
    ANM_SPECIAL_UNK = 3
} anm_special_token;

/* The id that the configuration files (for unk also the model) name for this role, or -1. */
ANM_API int32_t anm_tokenizer_special_id(const anm_tokenizer *tokenizer, anm_special_token kind);

/* Whether decoding with skip_special leaves this id out. False for ids without a token. */
ANM_API bool anm_tokenizer_is_special(const anm_tokenizer *tokenizer, int32_t id);

#ifdef __cplusplus
}
#endif

#endif
