/* edge_only.c - the device answers everything by itself.
 *
 * (1) The device's own model writes the whole answer, shown as it comes.
 * (2) Nothing is asked of the cloud; what fails here fails.
 *
 * The lower end of every cost-quality curve. */
#include "policies/policy.h"

static void next(struct duo_turn *t)
{
    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_write(t, (struct duo_work){ .at = DUO_DEVICE, .from = t->prompt, .show = true });    /* (1) */
        break;
    case DUO_WRITTEN:
        duo_answer(t, t->event.text);                                                           /* (1) */
        break;
    default:
        duo_give_up(t, duo_why(t->event.why));                                                  /* (2) */
    }
}

DUO_POLICY(edge_only,
    .about = "the device answers everything",
    .next  = next);
