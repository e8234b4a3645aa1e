/* layer_split.c - one model over two places: the first layers here, the rest there.
 *
 * (1) Place `first` (the device) runs layers up to `cut`, place `rest` the others, token by token; each hand-over
 *     of a hidden state is paid.  Shown as it comes.
 * (2) `cut` is half of the model's layers unless given; a cut at or behind the last layer leaves the whole model
 *     with `first`.
 * (3) `rest` is, unless given, the place called "small" (the device's model in the cloud), or else the cloud.  Both
 *     must hold the same model.
 * (4) A split model has one text and no half of it to fall back on: what fails, or has not begun within
 *     `patience`, fails. */
#include "policies/policy.h"

struct config { double cut, patience; duo_place first, rest; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .first = DUO_DEVICE, .rest = duo_place_named(p, "small") };
    if (c->rest == DUO_NOWHERE) c->rest = DUO_CLOUD;                                                  /* (3) */
    if ((bad = duo_number_of(p, "cut", 1, 10000, &c->cut)) != 0) return bad;
    if (c->cut > (int)c->cut) return duo_refuse(p, "cut", "expected a whole number");
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "first", &c->first)) != 0) return bad;
    return duo_place_of(p, "rest", &c->rest);
}

static void start(struct duo_turn *t)
{
    const struct config *c = t->config;
    int layers = t->view->places[c->first].layers;
    int cut = c->cut > 0 ? (int)c->cut : (layers + 1) / 2;                                            /* (2) */
    struct duo_work work = { .at = c->first, .from = t->prompt, .show = true, .patience = c->patience };

    if (cut < layers) {                                                                               /* (2) */
        work.n_parts = 2;
        work.parts[0] = (struct duo_part){ .at = c->first, .to_layer = cut };                         /* (1) */
        work.parts[1] = (struct duo_part){ .at = c->rest };                                           /* (1) */
    }
    duo_write(t, work);
}

static void next(struct duo_turn *t)
{
    switch (t->event.kind) {
    case DUO_ARRIVED:
        start(t);
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        duo_give_up(t, duo_why(t->event.why));                                                        /* (4) */
    }
}

DUO_POLICY(layer_split,
    .about       = "one model, its first layers here, the rest there",
    .source      = "Kang et al. 2017 (Neurosurgeon), here for a decoder",
    .config_size = sizeof(struct config),
    .init = init, .next = next);
