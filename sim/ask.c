/* ask.c - the engine asks the answers.
 *
 * (1) What a model computes meanwhile is not CPU time of the policy's call.
 * (2) Answers that can't go on fail the run by their own words. */
#include "sim/request.h"

static int leave_policy(struct duo_world *w)               /* (1) */
{
    struct duo_watch *watch = w->spec->watch;
    int inside = watch ? watch->in_policy : 0;

    if (inside) watch->in_policy = 0;
    return inside;
}

static void back(struct duo_world *w, int inside)
{
    if (inside) w->spec->watch->in_policy = inside;
    if (!w->answers->failure || w->failure.status) return;                                    /* (2) */
    duo_fail(&w->failure, DUO_RUN_FAILED, "answers: %s", w->answers->failure);
    w->stop = true;
}

void duo_ask_write(struct duo_request *r, const struct duo_ask *ask, struct duo_written *out)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w);

    w->answers->kind->write(w->answers, ask, out);
    back(w, inside);
}

void duo_ask_verify(struct duo_request *r, int voice, const struct duo_text_path *base, const struct duo_text_path *draft, struct duo_verified *out)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w);

    w->answers->kind->verify(w->answers, voice, base, draft, out);
    back(w, inside);
}

int duo_ask_common(const struct duo_request *r, const struct duo_text_path *a, const struct duo_text_path *b)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w), n = w->answers->kind->common(w->answers, a, b);

    back(w, inside);
    return n;
}

bool duo_ask_exits(struct duo_request *r, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w);
    bool out = w->answers->kind->exits(w->answers, text, voice, position, layer, layers, above);

    back(w, inside);
    return out;
}

double duo_ask_score(struct duo_request *r, int scorer)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w);
    double score = w->answers->kind->score(w->answers, r->query.index, scorer);

    back(w, inside);
    return score;
}

double duo_ask_grade(const struct duo_request *r, const struct duo_text_path *text, const char **why)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w);
    double quality = w->answers->kind->grade(w->answers, text, why);

    back(w, inside);
    return quality;
}

int duo_ask_length(const struct duo_request *r, int voice)
{
    struct duo_world *w = r->world;
    int inside = leave_policy(w), n = w->answers->kind->length(w->answers, r->query.index, voice);

    back(w, inside);
    return n;
}
