/* random.c - a share of the requests, chosen blindly, goes to the strong model.
 *
 * (1) A request goes to `strong` when its own draw is below `share`, else to `weak`; shown as it comes.
 *     One draw a request, the same in every run of a seed: a larger share adds requests and moves none.
 * (2) If the chosen one fails, or the strong one has not begun within `patience`, and nothing was shown, the other
 *     one answers.  If that fails, too, the request fails.
 *
 * What any router has to beat at its own share.  As "mix" it is run at the share of another row. */
#include "policies/policy.h"

struct config  { double share, patience; duo_place weak, strong; };
struct request { duo_place at; int tries; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .share = 0.5, .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "share", 0, 1, &c->share)) != 0) return bad;
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
        ask(t, duo_chance(t, 0) < c->share ? c->strong : c->weak);        /* (1) */
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        if (r->tries < 2 && duo_fits(t, t->prompt))
            ask(t, r->at == c->strong ? c->weak : c->strong);             /* (2) */
        else
            duo_give_up(t, duo_why(t->event.why));                        /* (2) */
    }
}

DUO_POLICY(random,
    .about        = "a share of the requests, chosen blindly, goes to the strong model",
    .source       = "Hu et al. 2024 (RouterBench); Ong et al. 2024 (RouteLLM)",
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
