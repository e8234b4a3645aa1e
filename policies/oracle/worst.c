/* worst.c - the negative control: always the worse of the two.
 *
 * (1) A request goes to the place whose answer is truly worse; shown as it comes.
 * (2) Where both are as good, or nobody knows, it goes to the dearer one: `strong`, unless `weak` is known to cost
 *     more a token.
 * (3) What fails, fails.
 *
 * A metric or a table in which this does not rank last is wrong. */
#include "policies/policy.h"
#include "policies/truth.h"

struct config { duo_place weak, strong; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;
    return duo_place_of(p, "strong", &c->strong);
}

static duo_place worse(const struct duo_turn *t)
{
    const struct config *c = t->config;
    double weak = duo_truth_quality(t, c->weak), strong = duo_truth_quality(t, c->strong);

    if (weak < strong) return c->weak;                                                              /* (1) */
    if (strong < weak) return c->strong;                                                            /* (1) */
    return t->view->places[c->weak].price > t->view->places[c->strong].price ? c->weak : c->strong; /* (2) */
}

static void next(struct duo_turn *t)
{
    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_write(t, (struct duo_work){ .at = worse(t), .from = t->prompt, .show = true });
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);
        break;
    default:
        duo_give_up(t, duo_why(t->event.why));                                                      /* (3) */
    }
}

DUO_POLICY(worst,
    .about       = "the negative control: always the truly worse answer",
    .needs       = DUO_TRUTH,
    .config_size = sizeof(struct config),
    .init = init, .next = next);
