/* scale.c - see scale.h. */
#include "sim/scale.h"

#include <math.h>

#include "sim/request.h"

static bool scales(const struct duo_world_place *p) { return p->spec && p->spec->most_replicas > p->spec->replicas; }

static double cold_start(const struct duo_world_place *p)
{
    return isnan(p->spec->cold_start) ? p->cost->facts.load_seconds : p->spec->cold_start;
}

enum duo_status duo_scale_build(struct duo_world *w, int place, struct duo_err *err)
{
    struct duo_world_place *p = &w->places[place];

    if (scales(p) && isnan(cold_start(p)))
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, p->spec->at.line, p->spec->at.column,
                           "places.%s: cold_start is missing: how long %s takes to load on %s is not known", p->name, p->spec->model, p->spec->hardware);
    for (int i = 0; i < p->n_replicas; i++) {
        p->replicas[i].world = w, p->replicas[i].place = place;
        if (i >= p->spec->replicas) p->replicas[i].state = DUO_REPLICA_OFF;
    }
    return DUO_OK;
}

double duo_replica_seconds(const struct duo_replica *r, double from, double end)
{
    double before = from > 0 ? r->counted : r->seconds;

    return before + (r->state == DUO_REPLICA_OFF ? 0 : fmax(0, end - fmax(from, r->since)));
}

static int there(const struct duo_world_place *p)          /* up or starting */
{
    int n = 0;

    for (int i = 0; i < p->n_replicas; i++) n += p->replicas[i].state != DUO_REPLICA_OFF;
    return n;
}

/* ---- up */

/* (2): the jobs of one request. */
static void move_jobs(struct duo_request *r, int place, int to)
{
    struct duo_replica *replicas = r->world->places[place].replicas;

    for (struct duo_step_record *s = r->steps; s; s = s->next) {
        if (!s->working || s->place != place || !isnan(s->job.started_at) || s->job.cached > 0 || s->kv->kv.tokens > 0) continue;
        if (replicas[s->replica].jobs <= replicas[to].jobs + 1) continue;
        duo_work_cancel(r, place, s->replica, &s->job);
        duo_work_left(r, place, s->replica);
        s->replica = s->kv->replica = to;
        s->kv->epoch = replicas[to].epoch;
        duo_work_submit(r, place, to, &s->job);            /* it fits as it did there: they are equal */
    }
}

static void is_up(void *arg)
{
    struct duo_replica *r = arg;
    struct duo_world *w = r->world;

    r->state = DUO_REPLICA_UP;
    for (struct duo_request *q = w->requests; q; q = q->next) move_jobs(q, r->place, (int)(r - w->places[r->place].replicas));
    if (r->jobs == 0) duo_scale_left(w, r->place, (int)(r - w->places[r->place].replicas));
}

void duo_scale_came(struct duo_world *w, int place, int replica)
{
    struct duo_world_place *p = &w->places[place];
    struct duo_replica *off = NULL;
    double waiting = 0;

    if (!scales(p)) return;
    duo_clock_cancel(w->clock, &p->replicas[replica].alarm);
    for (int i = 0; i < p->n_replicas; i++) {
        struct duo_server_figures f;
        if (p->replicas[i].state == DUO_REPLICA_OFF && !off) off = &p->replicas[i];
        if (p->replicas[i].state != DUO_REPLICA_UP) continue;
        duo_server_figures(p->replicas[i].server, &f);
        waiting += f.waiting;
    }
    if (!off || waiting <= p->spec->scale_up * there(p)) return;                               /* (1) */
    off->state = DUO_REPLICA_STARTING;
    off->since = duo_clock_now(w->clock);
    duo_clock_set(w->clock, &off->alarm, off->since + cold_start(p), is_up, off);
}

/* ---- down */

static void stop(void *arg)                                /* (3) */
{
    struct duo_replica *r = arg;
    struct duo_world_place *p = &r->world->places[r->place];
    double now = duo_clock_now(r->world->clock);
    int up = 0;

    for (int i = 0; i < p->n_replicas; i++) up += p->replicas[i].state == DUO_REPLICA_UP;
    if (r->jobs > 0 || up <= p->spec->replicas) return;
    r->seconds += now - r->since;
    r->counted += fmax(0, now - fmax(r->since, r->world->scenario->warmup));
    r->state = DUO_REPLICA_OFF;
    r->epoch++;
    duo_server_forget(r->server);
}

void duo_scale_left(struct duo_world *w, int place, int replica)
{
    struct duo_world_place *p = &w->places[place];
    struct duo_replica *r = &p->replicas[replica];

    if (scales(p) && r->jobs == 0 && isfinite(p->spec->scale_down))
        duo_clock_set(w->clock, &r->alarm, duo_clock_now(w->clock) + p->spec->scale_down, stop, r);
}
