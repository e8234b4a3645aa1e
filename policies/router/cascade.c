/* cascade.c - answer with the weak model; ask a stronger one when it doubts.
 *
 * (1) The weak model writes its whole answer first; nobody sees it yet.
 * (2) An answer whose confidence is at least `floor` is given.  Floor 0 takes every answer, floor 1 none; a
 *     confidence that is not known is none.  `signal` says which: mean, min or last token probability, margin, or
 *     1 minus the relative entropy.
 * (3) With `via`, that model writes next, unseen, and its answer is given at `via_floor`.
 * (4) Any other request is written again by the strong model, shown as it comes.
 * (5) A tier that fails, or has not begun within `patience`, is passed over; after the last one the best answer at
 *     hand is given, if it fits what is on the screen.  If there is none, the request fails. */
#include "policies/policy.h"

#include <string.h>

enum signal { MEAN, MIN, LAST, MARGIN, ENTROPY, SIGNALS };
static const char *const signals[SIGNALS] = {
    [MEAN] = "mean", [MIN] = "min", [LAST] = "last", [MARGIN] = "margin", [ENTROPY] = "entropy" };

struct config  { double floor, via_floor, patience; enum signal signal; duo_place weak, via, strong; };
struct request { enum { WEAK, VIA, STRONG } tier; duo_text best; };

static int find_signal(struct config *c, const struct duo_params *p)
{
    const char *name = "mean";
    int bad = duo_text_of(p, "signal", &name);

    if (bad) return bad;
    for (int i = 0; i < SIGNALS; i++)
        if (strcmp(name, signals[i]) == 0) { c->signal = (enum signal)i; return 0; }
    return duo_refuse(p, "signal", "expected mean, min, last, margin or entropy");
}

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .floor = 0.8, .via_floor = -1, .patience = 10, .weak = DUO_DEVICE, .via = DUO_NOWHERE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "floor", 0, 1, &c->floor)) != 0) return bad;
    if ((bad = duo_number_of(p, "via_floor", 0, 1, &c->via_floor)) != 0) return bad;
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    if ((bad = duo_place_of(p, "via", &c->via)) != 0) return bad;
    if ((bad = duo_place_of(p, "strong", &c->strong)) != 0) return bad;
    if (c->via_floor >= 0 && c->via == DUO_NOWHERE)
        return duo_refuse(p, "via_floor", "there is no middle tier: name its place with via:");
    if (c->via_floor < 0) c->via_floor = c->floor;
    return find_signal(c, p);
}

static bool good(const struct config *c, const struct duo_confidence *of, double floor)
{
    const double value[SIGNALS] = {
        [MEAN] = of->mean, [MIN] = of->min, [LAST] = of->last, [MARGIN] = of->margin, [ENTROPY] = 1 - of->entropy };

    return floor <= 0 || (floor < 1 && value[c->signal] >= floor);            /* (2): false for NAN */
}

static void go_up(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->tier = r->tier == WEAK && c->via != DUO_NOWHERE ? VIA : STRONG;
    duo_write(t, (struct duo_work){ .at = r->tier == VIA ? c->via : c->strong, .from = t->prompt,
                                    .show = r->tier == STRONG, .patience = c->patience });
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_write(t, (struct duo_work){ .at = c->weak, .from = t->prompt });                           /* (1) */
        break;
    case DUO_WRITTEN:
        r->best = t->event.text;
        if (r->tier == STRONG || good(c, &t->event.confidence, r->tier == VIA ? c->via_floor : c->floor))
            duo_answer(t, r->best);                                                                    /* (2) (3) (4) */
        else
            go_up(t);                                                                                  /* (3) (4) */
        break;
    default:
        if (r->tier != STRONG)                    go_up(t);                                            /* (5) */
        else if (r->best && duo_fits(t, r->best)) duo_answer(t, r->best);                              /* (5) */
        else                                      duo_give_up(t, duo_why(t->event.why));               /* (5) */
    }
}

DUO_POLICY(cascade,
    .about        = "weak model first, a stronger one when its confidence is low",
    .source       = "Chen, Zaharia, Zou 2023 (FrugalGPT), with a confidence for its scorer; three tiers as there",
    .needs        = DUO_CONFIDENCE,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
