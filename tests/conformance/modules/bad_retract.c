/* Shows the weak answer, then answers with the strong one. */
#include "policies/policy.h"
static void next(struct duo_turn *t)
{
    if (t->event.kind == DUO_ARRIVED) { duo_write(t, (struct duo_work){ .at = DUO_DEVICE, .from = t->prompt, .show = true }); return; }
    if (t->event.kind != DUO_WRITTEN) { duo_give_up(t, "failed"); return; }
    if (t->event.at == DUO_CLOUD) { duo_answer(t, t->event.text); return; }
    duo_write(t, (struct duo_work){ .at = DUO_CLOUD, .from = t->prompt });
}
DUO_POLICY(bad_retract, .about = "takes back what it showed", .next = next);
