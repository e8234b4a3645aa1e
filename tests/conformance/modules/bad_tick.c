/* Asks for a step where nothing may be asked for. */
#include "policies/policy.h"
static void next(struct duo_turn *t)
{
    if (t->event.kind == DUO_ARRIVED) duo_write(t, (struct duo_work){ .at = DUO_DEVICE, .from = t->prompt });
    else if (t->event.kind == DUO_WRITTEN) duo_answer(t, t->event.text);
    else duo_give_up(t, "failed");
}
static void tick(struct duo_turn *t) { duo_wait(t, 1); }
DUO_POLICY(bad_tick, .about = "asks in its tick", .next = next, .tick = tick);
