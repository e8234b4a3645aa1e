/* prompt_length.c - long prompts go to the strong model.
 *
 * (1) A prompt of more than `above` tokens goes to `strong`, any other to `weak`; shown as it comes.
 * (2) Without `above`, it is fitted: the longest `share` of the train split's prompts lies above it.  Prompts of
 *     equal length stay together, so the share is met from below.
 * (3) Share 0 sends nothing, share 1 everything.
 * (4) If the chosen one fails, or the strong one has not begun within `patience`, and nothing was shown, the other
 *     one answers.  If that fails, too, the request fails.
 *
 * The router that needs no training; it beats some that had it (RouteLLM's GSM8K scores, Ong et al. 2024). */
#include "policies/policy.h"

#include <math.h>

struct config  { double above, patience; duo_place weak, strong; };
struct request { duo_place at; int tries; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    double share = 0.5, said = NAN;
    int bad;

    *c = (struct config){ .above = NAN, .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "above", 0, 1e9, &c->above)) != 0) return bad;
    if ((bad = duo_number_of(p, "share", 0, 1, &share)) != 0) return bad;
    if ((bad = duo_number_of(p, "share", 0, 1, &said)) != 0) return bad;      /* NAN: it is not in the scenario */
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    if ((bad = duo_place_of(p, "strong", &c->strong)) != 0) return bad;
    if (!isnan(c->above)) return isnan(said) ? 0 : duo_refuse(p, "share", "give either share or above");
    c->above = INFINITY;                                                                           /* (3) */
    return share > 0 ? duo_quantile_of(p, "prompt_tokens", 1 - share, &c->above) : 0;              /* (2) (3) */
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
        ask(t, t->view->prompt_tokens > c->above ? c->strong : c->weak);      /* (1) */
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        if (r->tries < 2 && duo_fits(t, t->prompt))
            ask(t, r->at == c->strong ? c->weak : c->strong);                 /* (4) */
        else
            duo_give_up(t, duo_why(t->event.why));                            /* (4) */
    }
}

DUO_POLICY(prompt_length,
    .about        = "long prompts go to the strong model",
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
