/* Looks at every view for what no seat could know: figures younger than the way from there, ages that are
 * negative, shares outside [0, 1].  Gives up with what it found; else answers like edge_only. */
#include "policies/policy.h"
#include <math.h>

static const char *wrong(const struct duo_view *v)
{
    for (int p = 0; p < v->n_places; p++) {
        const struct duo_place_view *at = &v->places[p];
        if (at->age < 0) return "a figure from the future";
        if (p > 0 && !isnan(at->age) && at->age < 0.020 - 1e-12) return "a figure from afar that is younger than its way";
        if (isnan(at->age) && p > 0 && (!isnan(at->decode_rate) || !isnan(at->wait))) return "a figure without an age";
        if (at->cached < 0) return "negative KV";
    }
    if (v->link_age < 0) return "a link's figure from the future";
    if (!(v->battery >= 0 && v->battery <= 1)) return "a battery outside 0..1";
    if (v->now < 0) return "a negative time";
    return NULL;
}

static void next(struct duo_turn *t)
{
    const char *what = wrong(t->view);

    if (what) { duo_give_up(t, what); return; }
    if (t->event.kind == DUO_ARRIVED) duo_write(t, (struct duo_work){ .at = t->view->now > 10 ? DUO_CLOUD : DUO_DEVICE, .from = t->prompt, .show = true });
    else if (t->event.kind == DUO_WRITTEN) duo_answer(t, t->event.text);
    else duo_give_up(t, "failed");
}
DUO_POLICY(spy, .about = "checks its view", .next = next);
