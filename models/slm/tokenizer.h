/* tokenizer.h - texts to token ids and back, as the model's own file says.
 *
 * (1) Two families: byte-level byte pairs (tokenizer.ggml.model gpt2, with the pre-tokenizers of pretoken.h) and
 *     SentencePiece (llama: Llama 2, Gemma) with its scores and byte fallback.  Others are refused by name.
 * (2) Ids are those of llama.cpp for any text in UTF-8.  What is no UTF-8 is kept byte by byte, where the vocabulary
 *     has all bytes (llama.cpp puts U+FFFD); so every text comes back from its ids.
 * (3) Special tokens are recognised only where the caller allows it: a user's text can't forge the end of a turn.
 *     Tokens that the file calls user-defined are recognised everywhere, longest first.
 * (4) The metadata are not trusted: ids out of range, arrays of wrong length or a text twice are errors.
 * (5) Time is n log n in the text's length, whatever the text. */
#ifndef DUO_SLM_TOKENIZER_H
#define DUO_SLM_TOKENIZER_H

#include "models/slm/gguf.h"

enum { DUO_NO_TOKEN = -1, DUO_MAX_TOKENS = 1 << 22 };    /* of a vocabulary */

/* As the numbers of tokenizer.ggml.token_type. */
enum duo_token_kind {
    DUO_TOKEN_UNDEFINED, DUO_TOKEN_NORMAL, DUO_TOKEN_UNKNOWN, DUO_TOKEN_CONTROL, DUO_TOKEN_USER, DUO_TOKEN_UNUSED, DUO_TOKEN_BYTE
};

struct duo_tokenizer;

/* Copies what it needs: the file may be closed afterwards. */
enum duo_status duo_tokenizer_new(struct duo_tokenizer **, const struct duo_gguf *, struct duo_err *);
void            duo_tokenizer_free(struct duo_tokenizer *);    /* NULL is fine */

int  duo_tokenizer_size(const struct duo_tokenizer *);
int  duo_token_find(const struct duo_tokenizer *, const char *text, size_t n);    /* as the file writes it; DUO_NO_TOKEN */
const char         *duo_token_text(const struct duo_tokenizer *, int id, size_t *n);    /* as the file writes it */
enum duo_token_kind duo_token_kind(const struct duo_tokenizer *, int id);
bool duo_token_ends(const struct duo_tokenizer *, int id);    /* the end of an answer or of a turn */
int  duo_token_first(const struct duo_tokenizer *);           /* what a text begins with; DUO_NO_TOKEN: nothing */
int  duo_token_last(const struct duo_tokenizer *);            /* the end of a text (eos); DUO_NO_TOKEN: not said */

/* The first id at which two vocabularies differ, or -1: tokens drafted with one can be verified with the other. */
int duo_tokenizers_differ(const struct duo_tokenizer *, const struct duo_tokenizer *);

struct duo_ids   { int32_t *at; size_t n, room; };    /* zero-initialise; free(at) */
struct duo_bytes { char *at; size_t n, room; };       /* the same; a 0 stands behind the last, not counted */

/* A text in parts that are read as one; special tokens are recognised inside those that say so. */
struct duo_part { const char *text; size_t n; bool special; };

/* Ids appended to *out.  `whole`: with what the model puts first and last (BOS, EOS). */
void duo_encode(const struct duo_tokenizer *, const char *text, size_t n, bool special, bool whole, struct duo_ids *out);
void duo_encode_parts(const struct duo_tokenizer *, const struct duo_part *, size_t n_parts, bool whole, struct duo_ids *out);

/* Bytes of one token appended; control tokens show only with `special`.  An id that is none adds nothing.  A character
 * may be spread over tokens.  duo_decode leaves out the space that SentencePiece puts before a text, too. */
void duo_decode_one(const struct duo_tokenizer *, int id, bool special, struct duo_bytes *out);
void duo_decode(const struct duo_tokenizer *, const int32_t *ids, size_t n, bool special, struct duo_bytes *out);

#endif
