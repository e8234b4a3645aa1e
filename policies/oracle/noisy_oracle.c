/* noisy_oracle.c - the oracle with probability `p`, a coin otherwise: how good a router has to be.
 *
 * (1) With probability `p` a request goes where the oracle sends it: to `strong` when its answer is truly better
 *     (a quality that nobody knows is not), else to `weak`.
 * (2) Otherwise it goes to `strong` with probability `share`, whatever it is.  Both draws are the request's own;
 *     a larger p makes more requests follow the oracle and moves none away from it.
 * (3) If the chosen one fails, or the strong one has not begun within `patience`, and nothing was shown, the other
 *     one answers.  If that fails, too, the request fails.
 *
 * Its quality is p times the oracle's plus 1 - p times a random one's. */
#include "policies/policy.h"
#include "policies/truth.h"

struct config  { double p, share, patience; duo_place weak, strong; };
struct request { duo_place at; int tries; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .p = 0.8, .share = 0.5, .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "p", 0, 1, &c->p)) != 0) return bad;
    if ((bad = duo_number_of(p, "share", 0, 1, &c->share)) != 0) return bad;
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    return duo_place_of(p, "strong", &c->strong);
}

static duo_place choose(const struct duo_turn *t)
{
    const struct config *c = t->config;
    bool up;

    if (duo_chance(t, 0) < c->p) up = duo_truth_quality(t, c->strong) > duo_truth_quality(t, c->weak);    /* (1) */
    else                         up = duo_chance(t, 1) < c->share;                                        /* (2) */
    return up ? c->strong : c->weak;
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
        ask(t, choose(t));
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        if (r->tries < 2 && duo_fits(t, t->prompt))
            ask(t, r->at == c->strong ? c->weak : c->strong);                                             /* (3) */
        else
            duo_give_up(t, duo_why(t->event.why));                                                        /* (3) */
    }
}

DUO_POLICY(noisy_oracle,
    .about        = "the oracle with probability p, a coin otherwise",
    .source       = "Huang et al. 2025 (RouterEval), router r_o(p)",
    .needs        = DUO_TRUTH,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
