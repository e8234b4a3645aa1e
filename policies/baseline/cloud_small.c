/* cloud_small.c - the device's model, hosted in the cloud.
 *
 * (1) The model at `at` writes the whole answer; the user reads along.
 * (2) `at` is, unless given, the place that the scenario calls "small"; without one, the scenario is refused.
 * (3) What fails, or has not begun within `patience`, fails.
 *
 * Against edge_only it tells what the place is worth, against cloud_only what the larger model is. */
#include "policies/policy.h"

struct config { duo_place at; double patience; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .at = duo_place_named(p, "small") };                                     /* (2) */
    if ((bad = duo_place_of(p, "at", &c->at)) != 0) return bad;
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if (c->at == DUO_NOWHERE)
        return duo_refuse(p, "at", "no place is called small: add one that holds the device's model, or name it with at:");    /* (2) */
    return 0;
}

static void next(struct duo_turn *t)
{
    const struct config *c = t->config;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_write(t, (struct duo_work){ .at = c->at, .from = t->prompt, .show = true, .patience = c->patience });    /* (1) */
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);             /* (1) */
        break;
    default:
        duo_give_up(t, duo_why(t->event.why));    /* (3) */
    }
}

DUO_POLICY(cloud_small,
    .about       = "the device's model, hosted in the cloud",
    .config_size = sizeof(struct config),
    .init = init, .next = next);
