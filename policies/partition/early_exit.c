/* early_exit.c - one model over two places: sure tokens end on the device.
 *
 * (1) Place `first` (the device) runs the layers up to `cut` for every token; shown as it comes.
 * (2) A token whose exit head is surer than `sure` ends there.
 * (3) Any other goes on at `rest` from its hidden state; the states of the tokens that ended early since the last
 *     visit go along, for the KV there.
 * (4) With `sure` 0 (no exit head) or 1 (never surer) nothing ends early: a plain layer split.
 * (5) `cut` is half of the model's layers unless given; behind the last layer there is no exit, and `first` writes alone.
 * (6) `rest` is, unless given, the place called "small" (the device's model in the cloud), or else the cloud.  Both
 *     must hold the same model.
 * (7) What fails, or has not begun within `patience`, fails: tokens of both depths are on the screen. */
#include "policies/policy.h"

struct config { double cut, sure, patience; duo_place first, rest; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .sure = 0.8, .first = DUO_DEVICE, .rest = duo_place_named(p, "small") };
    if (c->rest == DUO_NOWHERE) c->rest = DUO_CLOUD;                                                  /* (6) */
    if ((bad = duo_number_of(p, "cut", 1, 10000, &c->cut)) != 0) return bad;
    if (c->cut > (int)c->cut) return duo_refuse(p, "cut", "expected a whole number");
    if ((bad = duo_number_of(p, "sure", 0, 1, &c->sure)) != 0) return bad;
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "first", &c->first)) != 0) return bad;
    return duo_place_of(p, "rest", &c->rest);
}

static void start(struct duo_turn *t)
{
    const struct config *c = t->config;
    int layers = t->view->places[c->first].layers;
    int cut = c->cut > 0 ? (int)c->cut : (layers + 1) / 2;                                            /* (5) */
    struct duo_work work = { .at = c->first, .from = t->prompt, .show = true, .patience = c->patience };

    if (cut < layers) {                                                                               /* (5) */
        work.n_parts = 2;
        work.parts[0] = (struct duo_part){ .at = c->first, .to_layer = cut,                           /* (1) */
                                           .exit_above = c->sure < 1 ? c->sure : 0 };                 /* (2) (4) */
        work.parts[1] = (struct duo_part){ .at = c->rest };                                           /* (3) */
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
        duo_give_up(t, duo_why(t->event.why));                                                        /* (7) */
    }
}

DUO_POLICY(early_exit,
    .about       = "first layers here, the rest there for the tokens in doubt",
    .source      = "Jin and Wu 2024 (CE-CoLLM); Schuster et al. 2022 (CALM) for exits by confidence",
    .needs       = DUO_EXITS,
    .config_size = sizeof(struct config),
    .init = init, .next = next);
