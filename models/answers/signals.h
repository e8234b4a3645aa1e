/* signals.h - the declared synthetic model, draw by draw (struct duo_synthetic_spec): shared by the synthetic source
 * and by what is filled in on top of a recorded one.
 *
 * Every draw is a hash of (seed, stream, voice's name, query, position): nothing is stored, a million queries cost
 * nothing, and another voice or another policy moves no draw.
 *
 * (1) Difficulty d ~ N(0,1); right with probability logistic(slope (ability - d)), by one uniform a query and
 *     voice; on a share `tie` of the queries all voices have the same one.
 * (2) Confidence of a whole answer: z = mu right + N(0,1), mu = sqrt(2) Phi^-1(AUC): binormal with that AUC.
 *     mean = logistic(1.702 (z - mu/2) / sqrt(1 + mu^2/4)), about uniform.  A piece of n of L tokens has
 *     sqrt(n/L) z + sqrt(1 - n/L) N(0,1) in place of z.  The probability of a token is Beta(m/(1-m), 1), m the whole
 *     answer's mean; `last` and `min` are of these (a minimum over more than 32 tokens is drawn at once from its
 *     law).  margin = mean^2, entropy = 1 - mean: of the same order, so of the same AUC.
 * (3) Agreement: each position copies the one before with probability `correlation`, or is drawn afresh with
 *     probability `acceptance`: a two-state Markov chain with exactly this mean and lag-1 autocorrelation.  Its
 *     state at a position is found by looking back to the last fresh draw: 1/(1 - correlation) positions on
 *     average.  The pair's weaker voice (ability, then mean quality, then order) is its drafter.
 * (4) An exit at depth fraction f is as sure as u^((1-m)/m), m = floor + (1 - floor) f, one u a token for all
 *     depths: Beta with mean m, rising with depth.  A token that leaves with confidence c is changed with
 *     probability 1 - c.
 * (5) Of n samples that are voted on, the first is the voice's own answer; each other agrees with it with a
 *     probability that is the confidence of (2).  The winner is the voice's own answer, at every temperature. */
#ifndef DUO_MODELS_SIGNALS_H
#define DUO_MODELS_SIGNALS_H

#include "models/answers/answers.h"

struct duo_signals;

/* For these voices, by name; one that `spec` does not list takes the first.  quality: mean per voice for the order
 * of (3), or NULL. */
struct duo_signals *duo_signals_new(const struct duo_synthetic_spec *, int n_voices, const char *const *voices, const double *quality);
void   duo_signals_free(struct duo_signals *);

int    duo_signals_draw_length(const struct duo_length_law *, double u);        /* u in [0, 1) */
double duo_signals_prompt(struct duo_signals *, uint64_t seed, int query, bool bytes);    /* uniform, for the prompt's laws */
bool   duo_signals_train (int query, double share);           /* by hash of the query's number, of no seed */
int    duo_signals_length(struct duo_signals *, uint64_t seed, int query, int voice);
int    duo_signals_thinking(struct duo_signals *, uint64_t seed, int query, int voice);
double duo_signals_right (struct duo_signals *, uint64_t seed, int query, int voice, int changed);   /* 0 or 1 */
/* `right`: the answer's quality; NAN counts as 1/2.  `length`: of the whole answer. */
void   duo_signals_certainty(struct duo_signals *, uint64_t seed, int query, int voice, int from, int to, int length, double right,
                             struct duo_certainty *);
int    duo_signals_unsure(struct duo_signals *, uint64_t seed, int query, int voice, double right, int from, int to, double below);
double duo_signals_vote  (struct duo_signals *, uint64_t seed, const struct duo_ask *, double right);
bool   duo_signals_drafts(const struct duo_signals *, int x, int y);
int    duo_signals_differ(struct duo_signals *, uint64_t seed, int query, int drafter, int verifier, int from, int to);
bool   duo_signals_exits (struct duo_signals *, uint64_t seed, int query, int voice, int position, int layer, int layers, double above);
int    duo_signals_early (struct duo_signals *, uint64_t seed, int query, const struct duo_segment *, int from, int to);
double duo_signals_router(struct duo_signals *, uint64_t seed, int query, double gain);   /* gain: last right and first not */

#endif
