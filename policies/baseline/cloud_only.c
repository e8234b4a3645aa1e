/* cloud_only.c - the cloud answers everything.
 *
 * (1) The model at `at` (the cloud) writes the whole answer; the user reads along.
 * (2) There is no second chance: what fails, or has not begun within `patience`, fails.
 *
 * The upper end of most cost-quality curves. */
#include "policies/policy.h"

struct config { duo_place at; double patience; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .at = DUO_CLOUD };
    if ((bad = duo_place_of(p, "at", &c->at)) != 0) return bad;
    return duo_number_of(p, "patience", 0, 1e6, &c->patience);
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
        duo_give_up(t, duo_why(t->event.why));    /* (2) */
    }
}

DUO_POLICY(cloud_only,
    .about       = "the cloud answers everything",
    .config_size = sizeof(struct config),
    .init = init, .next = next);
