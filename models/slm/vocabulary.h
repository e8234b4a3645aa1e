/* vocabulary.h - the tokenizer's inside, shared by vocabulary.c (what the file says) and tokenizer.c (texts). */
#ifndef DUO_SLM_VOCABULARY_H
#define DUO_SLM_VOCABULARY_H

#include "models/slm/pretoken.h"
#include "models/slm/tokenizer.h"

enum duo_family { DUO_BYTE_PAIRS, DUO_SENTENCE_PIECE };

struct duo_token { size_t at; uint32_t n; float score; uint8_t kind; bool ends; };    /* at: in `texts` */

struct duo_merge { int32_t left, right, rank, token; };    /* rank -1: an empty slot */

struct duo_tokenizer {
    enum duo_family       family;
    enum duo_pretokenizer pre;
    int                   n;
    struct duo_token     *tokens;
    char                 *texts;
    size_t                texts_n, longest;
    int32_t              *by_text;           /* hash table of ids; -1: empty */
    size_t                by_text_mask;
    struct duo_merge     *merges;            /* hash table by (left, right) */
    size_t                merges_mask;
    int32_t               bytes[256];        /* the token of a byte, or DUO_NO_TOKEN */
    int32_t              *special;           /* longest first */
    int                   n_special;
    int                   bos, eos, unknown;
    bool                  add_bos, add_eos, space_first, whole_words;    /* whole_words: a word that is a token isn't merged */
};

const struct duo_merge *duo_merge_of(const struct duo_tokenizer *, int32_t left, int32_t right);    /* NULL: none */

/* The character by which byte-level texts write a byte (GPT-2's table), and back (-1: none). */
uint32_t duo_byte_char(unsigned char byte);
int      duo_char_byte(uint32_t code);

#endif
