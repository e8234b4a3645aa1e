/* scores.h - what is known of a question before it is answered: judges of a prompt (models/pair/judge.h), for recorded and executed
 * answers alike.
 *
 * (1) A judge that has a weight "h0" looks at the first voice's mean state over the prompt, any other at the prompt itself.
 * (2) What can't be told (no state) is NAN. */
#ifndef DUO_MODELS_SCORES_H
#define DUO_MODELS_SCORES_H

#include "sim/base/err.h"

struct duo_score;
enum duo_status duo_score_open(struct duo_score **, const char *path, struct duo_err *);
void            duo_score_free(struct duo_score *);
const char     *duo_score_digest(const struct duo_score *);       /* of the file's bytes, hex */
double          duo_score_of(const struct duo_score *, const char *prompt, const float *state, int width);       /* state NULL: none */

#endif
