/* path.h - the algebra of text paths: who wrote which positions of an answer.
 *
 * (1) Segments adjoin, start at 0 and are not empty; neighbours differ in voice or exit marks: what is
 *     appended with the same voice and marks makes its neighbour longer.
 * (2) A path that would need more than DUO_MAX_SEGMENTS ends in one segment of voice -1: too many to tell apart.
 *     Such a tail is nobody's answer; two that start at the same position count as the same text.
 * (3) Cutting gives the same path as having written less: cut(append(p, ...), tokens(p)) is p, short of (2). */
#ifndef DUO_MODELS_PATH_H
#define DUO_MODELS_PATH_H

#include "models/answers/answers.h"

struct duo_text_path duo_path_empty(int query);
struct duo_text_path duo_path_of(int query, int voice, int tokens, bool ended);    /* its own answer so far */

/* `mark`: voice and exit marks of the new tokens, which reach to position `to`. */
void duo_path_append(struct duo_text_path *, struct duo_segment mark, int to);
void duo_path_cut(struct duo_text_path *, int tokens);            /* at most so many; a shorter one has not ended */
bool duo_path_equal(const struct duo_text_path *, const struct duo_text_path *);

static inline bool duo_segment_same(const struct duo_segment *a, const struct duo_segment *b)
{
    return a->voice == b->voice && a->exit_layer == b->exit_layer
        && (!a->exit_layer || (a->layers == b->layers && !(a->exit_above < b->exit_above) && !(a->exit_above > b->exit_above)));
}

#endif
