/* run.c - see run.h. */
#include "sim/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/device.h"
#include "sim/money.h"
#include "sim/pipe.h"
#include "sim/request.h"
#include "sim/scale.h"
#include "sim/server_api.h"
#include "sim/vouch.h"
#include "sim/world.h"

enum duo_status duo_run_check(const struct duo_run_spec *spec, char *warnings, size_t n, struct duo_err *err)
{
    struct duo_world *w = duo_new(1, sizeof *w);
    enum duo_status bad;

    if (warnings && n) warnings[0] = '\0';
    bad = duo_world_build(w, spec, true, warnings, n, err);
    duo_world_free(w);
    free(w);
    return bad;
}

enum duo_status duo_run_hold(const struct duo_plan *plan, struct duo_held *held, struct duo_err *err)
{
    *held = (struct duo_held){ .answers = duo_new((size_t)plan->n_variants + 1, sizeof *held->answers) };
    for (int v = 0; v < plan->n_variants; v++) {
        const struct duo_answers_spec *a = &plan->variants[v].answers;
        if (a->kind != DUO_ANSWERS_EXECUTED) continue;
        DUO_TRY(duo_answers_executed(&held->answers[held->n], &a->executed, err));
        held->n++;
    }
    return DUO_OK;
}

void duo_run_let_go(struct duo_held *held)
{
    for (int i = 0; i < held->n; i++) duo_answers_free(held->answers[i]);
    free(held->answers);
    *held = (struct duo_held){ 0 };
}

static enum duo_provenance weaker(enum duo_provenance a, enum duo_provenance b) { return a > b ? a : b; }

/* Do seconds of the place rest on what only the scenario says? */
static bool is_declared(const struct duo_place_spec *p)
{
    return p->ttft.a > 0 || p->rate.a > 0 || p->errors > 0 || isfinite(p->limit) || (p->most_replicas > p->replicas && !isnan(p->cold_start));
}

/* Behind the label, of models that answer in others' place: "edge as qwen2.5-0.5b", each pair once. */
static void describe_answers(const struct duo_world *w, char *out, size_t n)
{
    bool models = strcmp(w->answers->kind->name, "executed") == 0 || strcmp(w->answers->kind->name, "recording") == 0, any = false;

    snprintf(out, n, "%s", w->answers->label);
    for (int i = 0; models && i < w->n_classes + w->n_places - 1; i++) {
        const struct duo_device_class *c = i < w->n_classes ? &w->classes[i] : NULL;
        const struct duo_world_place *p = c ? NULL : &w->places[i - w->n_classes + 1];
        int voice = c ? c->voice : p->voice;
        char piece[160];
        if (voice < 0) continue;
        snprintf(piece, sizeof piece, "%.60s as %.60s", w->answers->voices[voice], c ? c->spec->model : p->spec->model);
        if (any && strstr(out, piece)) continue;
        snprintf(out + strlen(out), n - strlen(out), "%s%s", any ? ", " : ": ", piece);
        any = true;
    }
}

static void describe(struct duo_world *w)
{
    struct duo_row_run *r = &w->run;
    enum duo_provenance time = DUO_MEASURED, energy = w->radio.energy;
    size_t used = 0;

    if (w->radio.promotion_seconds > 0) time = w->radio.time;

    for (int i = 0; i < w->n_places + w->n_classes - 1; i++) {
        const struct duo_facts *f = i + 1 < w->n_places ? &w->places[i + 1].cost->facts : &w->classes[i + 1 - w->n_places].cost->facts;
        time = weaker(time, f->time);
        if (f->energy < DUO_PROVENANCE_END) energy = weaker(energy, f->energy);      /* an API's joules are not known: NULL where they are met */
        if (i + 1 < w->n_places && is_declared(w->places[i + 1].spec)) time = DUO_ASSUMED;
    }
    duo_money_describe(w);
    snprintf(r->provenance_time, sizeof r->provenance_time, "%s", duo_provenance_text(time));
    snprintf(r->provenance_energy, sizeof r->provenance_energy, "%s", duo_provenance_text(energy));
    snprintf(r->provenance_quality, sizeof r->provenance_quality, "%s", w->answers->quality_status);
    snprintf(r->provenance_signals, sizeof r->provenance_signals, "%s", w->answers->signal_status);
    duo_vouch_rests_on(w, r->rests_on, sizeof r->rests_on);
    describe_answers(w, r->answers, sizeof r->answers);
    snprintf(r->variant, sizeof r->variant, "%s", w->scenario->variant);
    snprintf(r->label, sizeof r->label, "%s", w->use->label);
    snprintf(r->name, sizeof r->name, "%s", w->use->use);
    snprintf(r->net, sizeof r->net, "%s", duo_net_version(w->spec->net));
    r->policy = w->spec->policy;
    r->cheats = w->policy->needs & DUO_TRUTH ? 1 : 0;
    r->seed = (int64_t)w->spec->seed;
    for (int i = 0; i < w->use->n_params; i++) {
        int k = snprintf(r->params + used, sizeof r->params - used, "%s%s=%s", i ? " " : "", w->use->params[i].key, w->use->params[i].value);
        if (k < 0 || (size_t)k >= sizeof r->params - used) break;
        used += (size_t)k;
    }
}

/* What has not ended: counted, and what was done for it is paid. */
static void sweep_out(struct duo_world *w)
{
    struct duo_request *r, *next;

    for (r = w->requests; r; r = next) {
        struct duo_step_record *s, *after;
        int status = r->settled ? (int)r->row.status : 2;
        next = r->next;
        r->holds++;
        r->over = r->settled = true;
        for (s = r->steps; s; s = after) {
            after = s->next;
            s->holds++;
            s->told = s->abandoned = true;
            duo_step_stop(s);
            if (s->recall) duo_transport_cancel(w, s->recall), s->recall = NULL;
            duo_step_release(s);
        }
        duo_request_emit(r, status);
        duo_kv_forget(w, &r->residences);
        free(r->texts), free(r->inbox), free(r->block);
    }
    w->requests = NULL;
    for (int i = 0; i < w->n_session_slots; i++)
        for (struct duo_session *s = w->sessions[i], *after; s; s = after) {
            after = s->next;
            duo_kv_forget(w, &s->residences);
            free(s->block);
            free(s);
        }
}

static void write_server(struct duo_world *w, const struct duo_world_place *p, struct duo_row_server *row, const struct duo_server_totals *t, double up, double end)
{
    row->busy = end > 0 ? t->busy_seconds / end : NAN;
    row->joules = t->joules, row->idle_joules = p->cost->facts.idle_watts * fmax(0, up - t->busy_seconds), row->iterations = t->iterations;
    row->tokens_in = t->tokens_in, row->tokens_out = t->tokens_out;
    row->peak_running = t->peak_running, row->peak_waiting = t->peak_waiting, row->evicted = (int64_t)t->evicted;
    row->preempted = (int64_t)t->preempted, row->cached_tokens = t->cached, row->kv_peak = p->api ? NAN : t->kv_peak;
    row->up = up;
    snprintf(row->place, sizeof row->place, "%s", p->name);
    duo_rows_server(w->rows, row);
    w->run.joules_idle_cloud += row->idle_joules;
    w->run.grams_idle_cloud += row->idle_joules > 0 || isnan(row->idle_joules) ? row->idle_joules * p->grams_joule : 0;
}

static void write_servers(struct duo_world *w, double end)
{
    w->run.joules_idle_cloud = w->run.grams_idle_cloud = 0;
    for (int p = 1; p < w->n_places; p++) {
        struct duo_world_place *place = &w->places[p];
        if (place->api) {
            struct duo_api_totals t;
            duo_api_totals(place->api, &t);
            write_server(w, place, &(struct duo_row_server){ .refused = t.refused, .errors = t.errors }, &t.calls, end, end);
        }
        for (int i = 0; i < place->n_replicas; i++) {
            struct duo_server_totals t;
            duo_server_totals(place->replicas[i].server, &t);
            write_server(w, place, &(struct duo_row_server){ .replica = i, .refused = DUO_NONE, .errors = DUO_NONE }, &t,
                         duo_replica_seconds(&place->replicas[i], 0, end), end);
        }
    }
    w->run.dollars_reserved = duo_money_reserved(w, end);
}

static void write_link(struct duo_world *w, const char *name, duo_link link, double capacity)
{
    struct duo_row_link row = { .capacity = isfinite(capacity) ? capacity : NAN };

    if (link < 0) return;
    row.bytes = duo_net_link_bytes(w->net, link);
    snprintf(row.name, sizeof row.name, "%s", name);
    duo_rows_link(w->rows, &row);
}

static void write_rest(struct duo_world *w)
{
    const struct duo_scenario *s = w->scenario;
    char name[64];

    write_link(w, "wan.up", w->wan_up_link, s->wan.up.rate);
    write_link(w, "wan.down", w->wan_down_link, s->wan.down.rate);
    for (int64_t i = 0; i < s->cells.count; i++) {
        snprintf(name, sizeof name, "cell%lld.up", (long long)i);
        write_link(w, name, w->cells[i].up_link, s->cells.up.trace ? w->up_trace.mean : s->cells.up.rate);
        snprintf(name, sizeof name, "cell%lld.down", (long long)i);
        write_link(w, name, w->cells[i].down_link, s->cells.down.trace ? w->down_trace.mean : s->cells.down.rate);
    }
    for (int i = 0; i < w->n_classes; i++) {
        struct duo_device_class *c = &w->classes[i];
        struct duo_row_device row = { .devices = c->count, .dead = c->dead, .joules = c->joules, .idle_joules = c->idle_joules };
        for (int64_t d = c->first; d < c->first + c->count; d++) row.active += w->devices[d].touched || w->devices[d].spent;
        snprintf(row.class, sizeof row.class, "%s", c->spec->name);
        duo_rows_device(w->rows, &row);
    }
    for (int i = 0; i < w->n_reasons; i++) duo_rows_reason(w->rows, &w->reasons[i]);
}

static enum duo_status finish(struct duo_world *w, struct duo_rows *rows, struct duo_err *err)
{
    struct duo_row_run *r = &w->run;
    double end = duo_clock_now(w->clock);
    struct duo_net_stats net = duo_net_stats(w->net);

    r->seconds = end, r->events = (int64_t)duo_clock_events(w->clock), r->flows = (int64_t)net.flows, r->peak_flows = net.peak;
    r->unmatched = w->unmatched < 0 ? DUO_NONE : w->unmatched;
    if (w->failure.status) {
        snprintf(r->state, sizeof r->state, "failed");
        snprintf(r->reason, sizeof r->reason, "%.250s", w->failure.text);
        r->requests = r->answered = r->failed = r->pending = r->cloud_calls = DUO_NONE;
        r->itl_p50 = r->itl_p99 = r->joules_idle_cloud = r->grams_idle_cloud = r->dollars_reserved = NAN;
        DUO_TRY(duo_rows_end(rows, r, err));
        if (err) *err = w->failure;
        return DUO_RUN_FAILED;
    }
    sweep_out(w);
    duo_devices_close(w);
    duo_vouch_domain(w, r->domain, sizeof r->domain);
    write_servers(w, end);
    write_rest(w);
    snprintf(r->state, sizeof r->state, "done");
    r->answered = w->answered, r->failed = w->failed, r->pending = w->pending, r->cloud_calls = w->cloud_calls;
    r->requests = w->answered + w->failed + w->pending;
    r->itl_p50 = duo_gaps_quantile(&w->gaps, 0.5), r->itl_p99 = duo_gaps_quantile(&w->gaps, 0.99);
    return duo_rows_end(rows, r, err);
}

enum duo_status duo_run(const struct duo_run_spec *spec, struct duo_rows *rows, bool *too_many, struct duo_err *err)
{
    struct duo_world *w = duo_new(1, sizeof *w);
    enum duo_status bad = duo_world_build(w, spec, false, NULL, 0, err);

    if (bad) {
        duo_world_free(w);
        free(w);
        return bad;
    }
    w->rows = rows;
    duo_row_run_init(&w->run);
    describe(w);
    if (spec->watch) snprintf(spec->watch->policy, sizeof spec->watch->policy, "%s", w->use->label);
    duo_world_start(w);
    duo_net_run(w->net, w->scenario->until, &w->stop);
    duo_pipe_end(w->pipe);
    if (too_many) *too_many = w->too_many;
    bad = finish(w, rows, err);
    duo_world_free(w);
    free(w);
    return bad;
}
