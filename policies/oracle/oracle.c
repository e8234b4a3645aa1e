/* oracle.c - knows how good both answers would be, and asks the strong model only when it is better.
 *
 * (1) A request goes to `strong` when its answer is truly better than the weak one's, else to `weak`; shown as it
 *     comes.  A quality that nobody knows is not better.
 * (2) If the chosen one fails, or the strong one has not begun within `patience`, and nothing was shown, the other
 *     one answers.  If that fails, too, the request fails.
 *
 * The upper bound of every router between the two. */
#include "policies/policy.h"
#include "policies/truth.h"

struct config  { double patience; duo_place weak, strong; };
struct request { duo_place at; int tries; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    return duo_place_of(p, "strong", &c->strong);
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

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    const struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        ask(t, duo_truth_quality(t, c->strong) > duo_truth_quality(t, c->weak) ? c->strong : c->weak);    /* (1) */
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        if (r->tries < 2 && duo_fits(t, t->prompt))
            ask(t, r->at == c->strong ? c->weak : c->strong);                                             /* (2) */
        else
            duo_give_up(t, duo_why(t->event.why));                                                        /* (2) */
    }
}

DUO_POLICY(oracle,
    .about        = "asks the strong model only when it is truly better",
    .source       = "Hu et al. 2024 (RouterBench)",
    .needs        = DUO_TRUTH,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
