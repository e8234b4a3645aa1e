/* judge.h - small judges of a prompt, trained with the pair: a router, a guard, a tagger of personal data.
 *
 * (1) A judge is a logistic model: bias and weights by feature, read from a CSV file (feature, weight).  A feature that the
 *     file doesn't name has weight 0.
 * (2) Features of a prompt: each word ("w:steal"), and each two words at most three apart ("p:steal_boat").  A word is what
 *     stands between blanks, without punctuation at its ends, digits written as 0 and capitals as A: "12+34" is "00+00".
 * (3) Features of a word among others: itself ("w:0000"), its neighbours ("before:call", "after:about"), the prompt's first
 *     word ("first:mask").
 * (4) The same bits everywhere: sums of doubles in the order of the text, the kernels' exponential. */
#ifndef DUO_MODELS_JUDGE_H
#define DUO_MODELS_JUDGE_H

#include "models/pair/tasks.h"

struct duo_judge;
enum duo_status duo_judge_open(struct duo_judge **, const char *path, struct duo_err *);
void            duo_judge_free(struct duo_judge *);

double duo_judge_prompt(const struct duo_judge *, const char *prompt);                  /* in [0, 1] */
double duo_judge_state(const struct duo_judge *, const float *state, int width);        /* of weights "h0", "h1", ... */
/* Words judged above one half, as bytes of the prompt; how many there are (at most `most` are written). */
int    duo_judge_spans(const struct duo_judge *, const char *prompt, struct duo_span *out, int most);

/* Every feature in order: of the prompt, or of its word number `word` (from 0); false: there is no such word. */
enum { DUO_FEATURE = 64 };
void duo_features_prompt(const char *prompt, void (*take)(void *user, const char *feature), void *user);
bool duo_features_word(const char *prompt, int word, struct duo_span *where, void (*take)(void *user, const char *feature), void *user);

#endif
