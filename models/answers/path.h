/* path.h - the algebra of text paths: who wrote which positions of an answer.
 *
 * (1) Segments adjoin, start at 0 and are not empty; neighbours differ in voice or exit marks: what is
 *     appended with the same voice and marks makes its neighbour longer.
 * (2) A path that would need more than DUO_MAX_SEGMENTS ends in one segment of voice -1: too many to tell apart.
 *     Such a tail is nobody's answer; two that start at the same position count as the same text.
 *     A source that can tell any text gives it one segment of voice -2 instead: that text, whatever was written before.
 * (3) Cutting gives the same path as having written less: cut(append(p, ...), tokens(p)) is p, short of (2). */
#ifndef DUO_MODELS_PATH_H
#define DUO_MODELS_PATH_H

#include "models/answers/answers.h"

enum { DUO_VOICE_MANY = -1, DUO_VOICE_KEPT = -2 };                /* (2) */

struct duo_text_path duo_path_empty(int query);
struct duo_text_path duo_path_of(int query, int voice, int tokens, bool ended);    /* its own answer so far */

/* `mark`: voice and exit marks of the new tokens, which reach to position `to`. */
void duo_path_append(struct duo_text_path *, struct duo_segment mark, int to);
void duo_path_cut(struct duo_text_path *, int tokens);            /* at most so many; a shorter one has not ended */
bool duo_path_equal(const struct duo_text_path *, const struct duo_text_path *);

static inline bool duo_segment_drawn(const struct duo_segment *g) { return !g->exit_layer && g->exit_above < 0; }

static inline bool duo_segment_same(const struct duo_segment *a, const struct duo_segment *b)
{
    return a->voice == b->voice && a->exit_layer == b->exit_layer
        && ((!a->exit_layer && !duo_segment_drawn(a) && !duo_segment_drawn(b))
            || (a->layers == b->layers && !(a->exit_above < b->exit_above) && !(a->exit_above > b->exit_above)));
}

#endif
