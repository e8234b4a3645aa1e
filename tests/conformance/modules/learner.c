/* Goes to the cloud once its seat has ticked twice and was told of an answer whose request it remembers. */
#include "policies/policy.h"
struct seat    { int ticks, told; };
struct request { int asked; };
static void next(struct duo_turn *t)
{
    const struct seat *s = t->seat;
    struct request *r = t->request;

    if (t->event.kind == DUO_ARRIVED) {
        r->asked = 1;
        duo_write(t, (struct duo_work){ .at = s->ticks >= 2 && s->told ? DUO_CLOUD : DUO_DEVICE, .from = t->prompt, .show = true });
    } else if (t->event.kind == DUO_WRITTEN) duo_answer(t, t->event.text);
    else duo_give_up(t, "failed");
}
static void feedback(struct duo_turn *t, double score)
{
    struct seat *s = t->seat;
    const struct request *r = t->request;

    if (score >= 0 && score <= 1 && r->asked) s->told++;
}
static void tick(struct duo_turn *t) { struct seat *s = t->seat; s->ticks++; }
DUO_POLICY(learner, .about = "learns late and rarely", .seat_size = sizeof(struct seat), .request_size = sizeof(struct request),
           .next = next, .feedback = feedback, .tick = tick);
