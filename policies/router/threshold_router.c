/* threshold_router.c - a score, taken before anything is written, decides who writes.
 *
 * (1) The scorer `score` (default "router"), or a stranger's `scores: FILE` (`column`), looks at the prompt at
 *     `at`, where the seconds that it needs are paid.  A higher score calls for the strong model.
 * (2) A score above the threshold sends the request to `strong`, any other to `weak`; shown as it comes.
 * (3) The threshold is `threshold`, or fitted: the highest `share` of the train split's scores lies above it.
 *     Equal scores stay together, so the share is met from below.  Share 0 sends nothing, share 1 everything.
 * (4) A request that has no score, or whose scorer failed, goes to `weak`, unless the share is 1.
 * (5) If the chosen one fails, or the strong one has not begun within `patience`, and nothing was shown, the other
 *     one answers.  If that fails, too, the request fails. */
#include "policies/policy.h"

#include <math.h>

struct config  { double threshold, patience; duo_scorer scorer; duo_place at, weak, strong; };
struct request { duo_place at; int tries; };

static int find_scorer(struct config *c, const struct duo_params *p, const char **name)
{
    const char *given = NULL, *file = NULL, *column = NULL;
    int bad;

    c->scorer = duo_scorer_named(p, *name = "router");
    if ((bad = duo_text_of(p, "score", &given)) != 0) return bad;
    if ((bad = duo_text_of(p, "scores", &file)) != 0) return bad;
    if ((bad = duo_text_of(p, "column", &column)) != 0) return bad;      /* of the file: its reader's business */
    if (given && file) return duo_refuse(p, "scores", "give either score or scores");
    if (given || file) {
        *name = given ? given : file;
        return duo_scorer_of(p, given ? "score" : "scores", &c->scorer);
    }
    return c->scorer < 0 ? duo_refuse(p, "score", "the answers have no score \"router\": name one with score:, or a file with scores:") : 0;
}

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    const char *name;
    double share = 0.5, said = NAN;
    int bad;

    *c = (struct config){ .threshold = NAN, .at = DUO_DEVICE, .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = find_scorer(c, p, &name)) != 0) return bad;                                         /* (1) */
    if ((bad = duo_number_of(p, "threshold", -1e12, 1e12, &c->threshold)) != 0) return bad;
    if ((bad = duo_number_of(p, "share", 0, 1, &share)) != 0) return bad;
    if ((bad = duo_number_of(p, "share", 0, 1, &said)) != 0) return bad;      /* NAN: it is not in the scenario */
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "at", &c->at)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    if ((bad = duo_place_of(p, "strong", &c->strong)) != 0) return bad;
    if (!isnan(c->threshold)) return isnan(said) ? 0 : duo_refuse(p, "share", "give either share or threshold");
    c->threshold = INFINITY;
    return share > 0 ? duo_quantile_of(p, name, 1 - share, &c->threshold) : 0;                     /* (3) */
}

static void ask(struct duo_turn *t, duo_place at)
{
    const struct config *c = t->config;
    struct request *r = t->request;
    bool first = r->tries++ == 0;

    r->at = at;
    duo_write(t, (struct duo_work){ .at = at, .from = t->prompt, .show = true,
                                    .patience = first && at == c->strong ? c->patience : 0 });
}

static duo_place choose(const struct config *c, double score)
{
    if (isnan(score)) return c->threshold < 0 && isinf(c->threshold) ? c->strong : c->weak;        /* (4) */
    return score > c->threshold ? c->strong : c->weak;                                             /* (2) */
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    const struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_score(t, c->at, c->scorer, t->prompt);                            /* (1) */
        break;
    case DUO_SCORED:
        ask(t, choose(c, t->event.score));
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        if (r->tries == 0)
            ask(t, choose(c, NAN));                                           /* (4) */
        else if (r->tries < 2 && duo_fits(t, t->prompt))
            ask(t, r->at == c->strong ? c->weak : c->strong);                 /* (5) */
        else
            duo_give_up(t, duo_why(t->event.why));                            /* (5) */
    }
}

DUO_POLICY(threshold_router,
    .about        = "a score of the prompt decides between the weak and the strong model",
    .source       = "Ding et al. 2024 (Hybrid LLM); Ong et al. 2024 (RouteLLM)",
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
