/* path.c - see path.h; requirements cited by number. */
#include "models/answers/path.h"

#include <assert.h>

struct duo_text_path duo_path_empty(int query)
{
    return (struct duo_text_path){ .query = query };
}

struct duo_text_path duo_path_of(int query, int voice, int tokens, bool ended)
{
    struct duo_text_path p = { .query = query };

    duo_path_append(&p, (struct duo_segment){ .voice = (int16_t)voice }, tokens);
    p.ended = ended && tokens > 0;
    return p;
}

void duo_path_append(struct duo_text_path *p, struct duo_segment mark, int to)
{
    int from = duo_path_tokens(p);
    struct duo_segment *last = p->n ? &p->segment[p->n - 1] : NULL;

    assert(to >= from && !p->ended);
    if (to == from) return;
    if (last && last->voice == DUO_VOICE_MANY) {
        last->to = to;                                        /* (2) */
    } else if (last && duo_segment_same(last, &mark)) {
        last->to = to;                                        /* (1) */
    } else if (p->n == DUO_MAX_SEGMENTS) {
        *last = (struct duo_segment){ .voice = DUO_VOICE_MANY, .from = last->from, .to = to };
    } else {
        mark.from = from, mark.to = to;
        if (!mark.exit_layer && !duo_segment_drawn(&mark)) mark.layers = 0, mark.exit_above = 0;
        p->segment[p->n++] = mark;
    }
}

void duo_path_cut(struct duo_text_path *p, int tokens)
{
    if (tokens >= duo_path_tokens(p)) return;
    p->ended = false;
    while (p->n && p->segment[p->n - 1].from >= tokens) p->n--;
    if (p->n) p->segment[p->n - 1].to = tokens;
}

bool duo_path_equal(const struct duo_text_path *a, const struct duo_text_path *b)
{
    if (a->query != b->query || a->n != b->n || a->ended != b->ended) return false;
    for (int i = 0; i < a->n; i++)
        if (!duo_segment_same(&a->segment[i], &b->segment[i]) || a->segment[i].to != b->segment[i].to) return false;
    return true;
}
