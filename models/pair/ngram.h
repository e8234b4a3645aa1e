/* ngram.h - a drafter without a network: the token that followed the longest suffix seen in training texts.
 *
 * (1) Built from texts as token ids: for each context of 1 to DUO_NGRAM_ORDER - 1 tokens how often each token followed.
 * (2) What it proposes: the token that most often followed the longest context that is known, of equals the smallest id;
 *     with no context known, the most frequent token.  Its probability is the share at that context.
 * (3) Contexts seen fewer than `least` times are left out, and those whose best token is that of the next shorter context
 *     unless that share differs by more than an eighth: what remains predicts nearly the same.
 * (4) The same texts give the same file, byte for byte.
 *
 * File, little endian: "DUONGRM1", u32 vocabulary, u32 order, u32 entries; then the entries in the order of their contexts
 * (length first, then ids), each: u8 length, u16 ids of the context (oldest first), u16 next, u16 share in steps of 1/65535.
 * At the end 8 bytes: FNV-1a of all before. */
#ifndef DUO_MODELS_NGRAM_H
#define DUO_MODELS_NGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

enum { DUO_NGRAM_ORDER = 5, DUO_NGRAM_VOCABULARY = 65535 };

struct duo_ngram_build;
struct duo_ngram_build *duo_ngram_build_new(int vocabulary);
void duo_ngram_build_add(struct duo_ngram_build *, const int32_t *ids, int n);      /* a text, with its first and last token */
enum duo_status duo_ngram_build_write(struct duo_ngram_build *, int least, const char *path, struct duo_err *);
void duo_ngram_build_free(struct duo_ngram_build *);

struct duo_ngram;
bool            duo_ngram_is(const char *path);                                     /* does the file begin like one? */
enum duo_status duo_ngram_open(struct duo_ngram **, const char *path, struct duo_err *);
void            duo_ngram_free(struct duo_ngram *);
int             duo_ngram_vocabulary(const struct duo_ngram *);

/* What it proposes behind ids[0 .. n); *probability may be NULL. */
int32_t duo_ngram_next(const struct duo_ngram *, const int32_t *ids, int n, double *probability);
/* The probability of each token there: the share for the proposal, what is left alike for all others. */
double  duo_ngram_probability(const struct duo_ngram *, const int32_t *ids, int n, int32_t token);

#endif
