/* Asks for a step after its answer. */
#include "policies/policy.h"
static void next(struct duo_turn *t)
{
    if (t->event.kind == DUO_ARRIVED) { duo_write(t, (struct duo_work){ .at = DUO_DEVICE, .from = t->prompt }); return; }
    if (t->event.kind != DUO_WRITTEN) { duo_give_up(t, "failed"); return; }
    duo_answer(t, t->event.text);
    duo_wait(t, 1);
}
DUO_POLICY(bad_late, .about = "asks after the end", .next = next);
