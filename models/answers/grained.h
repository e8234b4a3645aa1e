/* grained.h - what executed answers and their recording do alike, so that both give the same to the last bit.
 *
 * (1) Numbers are compared and averaged on the grid: sums of whole numbers, whose order does not matter.  What is not known
 *     of a token is left out; NAN where nothing is left.
 * (2) A layer of the scenario's model is the nearest by depth of the model that answers: 1 .. own - 1.  With one layer
 *     there is no exit.
 * (3) A token leaves early when its exit head's probability is above the bound as a path keeps it (a float).
 * (4) Of a question `n` of the tasks' test split come first, then n / 4 of calibration, which count as train; sessions and
 *     ids are told apart.  A file's questions come in its order; those of split train or calibration count as train, those
 *     that name no split by hash of the id.
 * (5) The prompt's tokens are those of the first voice.  `shared`: of a later turn, the leading tokens that its prompt has
 *     in common with the prompt of the turn before; a single one, what the model puts first, doesn't count.
 * (6) An answer ends after DUO_ANSWER_TOKENS tokens, if not before (or at the context's end); what is only there to draft
 *     (an n-gram drafter, an early layer) ends its own after DUO_DRAFTER_TOKENS.
 * (7) Of several samples, from the prompt: sample i is drawn with seed i + 1; the same texts, blanks at their ends aside, are
 *     one answer; the most frequent wins, of equals the first drawn; its share is the agreement.  The text that is given is
 *     the winner's; where its tokens are those of the voice's own greedy answer it is that one, else how sure it was is not known.
 * (8) With an early exit somebody writes: how sure it was is not known. */
#ifndef DUO_MODELS_GRAINED_H
#define DUO_MODELS_GRAINED_H

#include <math.h>

#include "models/answers/answers.h"
#include "models/answers/speaker.h"
#include "models/pair/tasks.h"

enum { DUO_ANSWER_TOKENS = 256, DUO_DRAFTER_TOKENS = 32 };    /* (6) */

static inline double duo_grain(uint16_t x) { return x == DUO_GRID_UNKNOWN ? (double)NAN : x / (double)DUO_GRID; }

/* (1): over two runs of tokens that adjoin (m 0: one). */
struct duo_certainty duo_grained_certainty(const struct duo_grained *a, int n, const struct duo_grained *b, int m);
/* The first of [0, n) that is less probable than `below`; n: none. */
int  duo_grained_unsure(const struct duo_grained *, int n, double below);
int  duo_grained_layer(int layer, int layers, int own);                          /* (2); 0: no exit */
bool duo_grained_leaves(uint16_t probability, double above);                     /* (3) */

/* (4), (5).  `path` NULL: the project's own tasks. */
enum duo_status duo_grained_tasks(struct duo_tasks *, const char *path, uint64_t seed, int64_t n, struct duo_err *);
bool duo_grained_train(enum duo_task_split, const char *id, double train_share);
int  duo_grained_shared(const int32_t *before, int n, const int32_t *prompt, int m);

/* (7).  The index of the first text of the winner; *share of it. */
int  duo_grained_vote(const char *const *texts, int n, double *share);

#endif
