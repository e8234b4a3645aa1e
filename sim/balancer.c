/* balancer.c - which of a place's replicas takes work whose beginning none of them has (`balancer:` of a place).
 *
 * (1) least_loaded: the one with the fewest jobs, waiting or running; the first of equals.
 * (2) round_robin: one after the other.
 * (3) power_of_two: of two drawn at random, by request and step, the one with fewer jobs (Mitzenmacher 2001, IEEE TPDS 12(10)).
 * (4) prefix_aware: where least is to be run: tokens that are left there, and of the prompt what is not in its shared
 *     blocks.  A prompt whose blocks aren't known goes to the least loaded.
 * Only replicas that are up are asked. */
#include "sim/request.h"

#include <assert.h>
#include <limits.h>

static bool is_up(const struct duo_world_place *p, int i) { return p->replicas[i].state == DUO_REPLICA_UP; }

static int least_loaded(struct duo_request *r, struct duo_world_place *p)
{
    int best = -1, least = INT_MAX;

    (void)r;
    for (int i = 0; i < p->n_replicas; i++)
        if (p->replicas[i].jobs < least && is_up(p, i)) best = i, least = p->replicas[i].jobs;
    return best;
}

static int round_robin(struct duo_request *r, struct duo_world_place *p)
{
    int next = p->turn % p->n_replicas;

    (void)r;
    while (!is_up(p, next)) next = (next + 1) % p->n_replicas;
    p->turn = next + 1;
    return next;
}

/* Number n, from 0, of those that are up. */
static int nth_up(const struct duo_world_place *p, int n)
{
    int i = 0;

    while (!is_up(p, i) || n-- > 0) i++;
    return i;
}

static int power_of_two(struct duo_request *r, struct duo_world_place *p)
{
    uint64_t index = ((uint64_t)r->row.id << 18) + 2 * (uint64_t)r->last_id;
    int up = 0, a, b;

    for (int i = 0; i < p->n_replicas; i++) up += is_up(p, i);
    a = (int)(duo_draw(r->world->spec->seed, "balancer", index) * up);
    if (up == 1) return nth_up(p, 0);
    b = (int)(duo_draw(r->world->spec->seed, "balancer", index + 1) * (up - 1));
    if (b >= a) b++;
    a = nth_up(p, a), b = nth_up(p, b);
    return p->replicas[b].jobs < p->replicas[a].jobs ? b : a;
}

static int prefix_aware(struct duo_request *r, struct duo_world_place *p)
{
    double least = 0;
    int best = -1;

    if (!r->ids.n) return least_loaded(r, p);
    for (int i = 0; i < p->n_replicas; i++) {
        struct duo_server_figures f;
        double left;
        if (!is_up(p, i)) continue;
        duo_server_figures(p->replicas[i].server, &f);
        left = f.backlog + r->prompt_tokens - duo_server_prefix(p->replicas[i].server, r->ids.ids, r->ids.n, r->prompt_tokens);
        if (best < 0 || left < least) best = i, least = left;
    }
    return best;
}

static int (*const balancers[DUO_BALANCER_END])(struct duo_request *, struct duo_world_place *) = {
    [DUO_LEAST_LOADED] = least_loaded, [DUO_ROUND_ROBIN] = round_robin, [DUO_POWER_OF_TWO] = power_of_two, [DUO_PREFIX_AWARE] = prefix_aware,
};

int duo_pick_replica(struct duo_request *r, int place)
{
    struct duo_world_place *p = &r->world->places[place];

    if (place == DUO_DEVICE || p->api) return 0;
    assert(p->spec->balancer >= 0 && p->spec->balancer < DUO_BALANCER_END);
    return balancers[p->spec->balancer](r, p);
}
