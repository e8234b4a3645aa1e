/* feedback.c - the two calls of a policy that belong to no request in flight (policies/policy.h).
 *
 * (1) feedback: for a share of the answers (scenario: feedback) the quality becomes known at the seat, `delay` seconds
 *     after the answer; the policy finds its request's block as it left it.
 * (2) tick: every `status` seconds, at the gateway, or at each device that the policy has met.
 * (3) Neither may ask for anything: what they call as a step fails the run. */
#include "sim/request.h"

#include <math.h>
#include <string.h>

struct later { struct duo_alarm alarm; struct duo_world *world; struct duo_request about; double quality; };

/* A request that is over, for the functions that a policy might call all the same (3). */
static struct duo_request nobody(struct duo_world *w, int64_t device)
{
    struct duo_request r = { .world = w, .over = true, .settled = true, .query = { .session = -1 } };
    int c = 0;

    while (device >= w->classes[c].first + w->classes[c].count) c++;
    r.class = &w->classes[c];
    r.row.device = device, r.row.cell = device % w->scenario->cells.count;
    return r;
}

static void call(struct duo_request *r, void *seat, const double *score)
{
    struct duo_world *w = r->world;
    struct duo_watch *watch = w->spec->watch;
    struct duo_place_view places[DUO_MAX_PLACES];
    struct duo_view view;
    struct duo_turn turn = { .view = &view, .config = w->config, .seat = seat, .request = r->block, .engine = (struct duo_engine *)r };

    duo_view_fill(r, &view, places);
    if (watch) watch->calls++, watch->in_policy = 1;
    if (score) w->policy->feedback(&turn, *score);
    else       w->policy->tick(&turn);
    if (watch) watch->in_policy = 0;
}

static void known(void *arg)
{
    struct later *l = arg;
    struct duo_world *w = l->world;

    call(&l->about, w->seat == DUO_SEAT_GATEWAY ? w->gateway_seat : w->devices[l->about.row.device].seat, &l->quality);
}

bool duo_feedback_later(struct duo_request *r)             /* (1) */
{
    struct duo_world *w = r->world;
    const struct duo_scenario *s = w->scenario;
    struct later *l;

    if (!w->policy->feedback || isnan(r->row.quality) || r->row.status != 0) return false;
    if (duo_draw(w->spec->seed, "feedback", (uint64_t)r->row.id) >= s->feedback_share) return false;
    l = duo_new(1, sizeof *l);
    duo_world_keep(w, l);
    l->world = w, l->quality = r->row.quality, l->about = nobody(w, r->row.device);
    l->about.query = r->query, l->about.row.id = r->row.id, l->about.row.arrived = r->row.arrived, l->about.prompt_tokens = r->prompt_tokens;
    if (w->policy->request_size) {
        l->about.block = duo_new(1, w->policy->request_size);
        memcpy(l->about.block, r->block, w->policy->request_size);
        duo_world_keep(w, l->about.block);
    }
    duo_clock_set(w->clock, &l->alarm, duo_clock_now(w->clock) + s->feedback_delay, known, l);
    return true;
}

void duo_world_tick(struct duo_world *w)                   /* (2) */
{
    if (!w->policy->tick) return;
    if (w->seat == DUO_SEAT_GATEWAY) {
        struct duo_request r = nobody(w, 0);
        call(&r, w->gateway_seat, NULL);
        return;
    }
    for (int64_t d = 0; d < w->n_devices && !w->stop; d++)
        if (w->devices[d].met && !w->devices[d].dead) {
            struct duo_request r = nobody(w, d);
            call(&r, w->devices[d].seat, NULL);
        }
}
