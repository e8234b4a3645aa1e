/* validate_batch.c - gate h100-batch: tokens/s and J/token of a server against the number of sequences that it decodes together.
 *
 * A sweep is the rows of one device, model, count of GPUs and table, by batch.  A step's seconds are the cost model's:
 *     S(layer, item, attend) = S0 + (layer - layer0) layers + (item - item0) batch + (attend0 / attend - 1) KV
 * (roofline.c is linear in the first two and in 1 / the third), S0 and KV with the constants that ship.
 *
 * (1) Two points: layer and item, or two scales of the power, are fitted to two rows of a sweep, the smallest batch and the one
 *     two thirds up; the others are predicted.  Never the same rows.
 * (2) Other models: layer, item, attend and three constants of the power are fitted to all sweeps of that device of other models;
 *     a sweep that the shipped constants never saw is predicted with those.
 * (3) Where the table has no prompt length, requests come and go: with batch B and answers of O tokens each step also runs B / O
 *     prompts, of PROMPT tokens.  Where it has one, the rows are of decoding alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/app/validate_edge.h"

#define GATE "h100-batch"

enum { PROMPT = 270, LAYER = 0, ITEM, ATTEND, N_TIME };                /* 270: mean over median gap, Llama 3.1 8B, batches 32 to 256 */
enum { STATIC = 0, BYTE, FLOP, N_POWER };

struct step { const struct duo_perf *perf; int sweep; double batch, seconds, kv, layers, flop, bytes, watts_most; };
struct sweep { const char *device, *model, *file, *quant, *runtime; double gpus; bool fitted, serving; int n, first; };
struct all { struct step *step; int n; struct sweep *sweep; int n_sweeps; double shipped[N_TIME], power[N_POWER]; };

/* ---- a step as the cost model has it ---- */

static void scale(struct duo_load *l, const struct duo_load *by, double n)
{
    l->items += n * by->items, l->tokens += n * by->tokens, l->context += n * by->context, l->pairs += n * by->pairs, l->logits += n * by->logits;
}

static void take_step(const struct duo_cost *c, const struct duo_perf *p, struct step *s)
{
    bool serving = isnan(p->prompt);                                                                             /* (3) */
    double prompt = serving ? PROMPT : p->prompt, middle = prompt + p->output / 2;
    int layers = c->facts.layers;
    struct duo_growth g;
    struct duo_load one = c->kind->item(c, 1, round(middle), 0, layers, 1, &g), load = { 0 };
    struct duo_terms terms;
    struct duo_price price;

    scale(&load, &one, p->batch);
    if (serving) {
        one = c->kind->item(c, prompt, 0, 0, layers, 0, &g);
        one.items = 0;
        scale(&load, &one, p->batch / p->output);
    }
    price = c->kind->price(c, &load, 0, layers);
    c->kind->explain(c, &load, 0, layers, &terms);
    *s = (struct step){ .perf = p, .sweep = s->sweep, .batch = p->batch, .seconds = price.seconds, .kv = price.per_context * load.context, .layers = layers,
                        .flop = terms.flop, .bytes = terms.weight_bytes + terms.kv_bytes };
}

static double step_seconds(const struct all *a, const struct step *s, const double *x)
{
    return s->seconds + (x[LAYER] - a->shipped[LAYER]) * s->layers + (x[ITEM] - a->shipped[ITEM]) * s->batch + (a->shipped[ATTEND] / x[ATTEND] - 1) * s->kv;
}

static double step_watts(const struct step *s, const double *power, double seconds)
{
    double w = s->perf->gpus * power[STATIC] + (power[BYTE] * s->bytes + power[FLOP] * s->flop) / seconds;
    return fmin(w, s->perf->gpus * s->watts_most);
}

static double measured_seconds(const struct step *s) { return s->batch / s->perf->decode; }

/* ---- fits: over the steps of `index` ---- */

struct chosen { const struct all *all; const int *index; const double *base; };

static double time_of(const void *of, int i, const double *x) { const struct chosen *c = of; return step_seconds(c->all, &c->all->step[c->index[i]], x); }
static double time_measured(const void *of, int i) { const struct chosen *c = of; return measured_seconds(&c->all->step[c->index[i]]); }
static double power_of(const void *of, int i, const double *x)
{
    const struct chosen *c = of;
    const struct step *s = &c->all->step[c->index[i]];
    return step_watts(s, x, measured_seconds(s));
}
static double power_measured(const void *of, int i) { const struct chosen *c = of; return c->all->step[c->index[i]].perf->watts; }

static double time_scaled(const void *of, int i, const double *x)
{
    const struct chosen *c = of;
    const double at[N_TIME] = { c->base[LAYER] * x[0], c->base[ITEM] * x[1], c->base[ATTEND] };
    return step_seconds(c->all, &c->all->step[c->index[i]], at);
}

static double power_scaled(const void *of, int i, const double *x)
{
    const struct chosen *c = of;
    const double at[N_POWER] = { c->base[STATIC] * x[0], c->base[BYTE] * x[0], c->base[FLOP] * x[1] };
    return power_of(of, i, at);
}

/* (2) Without sweeps of `model`; *n_used 0: there are no others. */
static enum duo_status fit_others(const struct all *a, const char *device, const char *model, bool power, double *x, struct duo_fit *out, struct duo_err *err)
{
    int *index = duo_new((size_t)a->n + 1, sizeof *index), n = 0;
    struct chosen c = { a, index, NULL };
    enum duo_status status = DUO_OK;

    for (int i = 0; i < a->n; i++) {
        const struct sweep *s = &a->sweep[a->step[i].sweep];
        if (s->fitted && s->serving && strcmp(s->device, device) == 0 && !(model && strcmp(s->model, model) == 0) && (!power || !isnan(a->step[i].perf->watts)))
            index[n++] = i;
    }
    *out = (struct duo_fit){ .p = 3, .elbow = 0.05, .n = n, .of = &c };
    for (int k = 0; k < 3; k++) {
        static const double time[N_TIME] = { 4e-5, 2e-5, 0.5 }, watts[N_POWER] = { 250, 7e-11, 1e-12 };
        out->start[k] = x[k] = power ? watts[k] : time[k];
        out->pull[k] = 0.02;
    }
    out->predict = power ? power_of : time_of, out->measured = power ? power_measured : time_measured;
    if (n > 0) status = duo_fit_run(out, err);
    if (n > 0) memcpy(x, out->x, 3 * sizeof *x);
    else memcpy(x, power ? a->power : a->shipped, 3 * sizeof *x);
    free(index);
    return status;
}

/* (1) `at`: the two points. */
static enum duo_status fit_two(const struct all *a, const int at[2], const double *base, bool power, double *x, struct duo_err *err)
{
    struct chosen c = { a, at, base };
    struct duo_fit f = { .p = 2, .start = { 1, 1 }, .pull = { 0.05, 0.05 }, .elbow = 0.05, .n = 2, .of = &c,
                         .predict = power ? power_scaled : time_scaled, .measured = power ? power_measured : time_measured };

    DUO_TRY(duo_fit_run(&f, err));
    memcpy(x, base, 3 * sizeof *x);
    x[0] *= f.x[0];
    x[power ? FLOP : ITEM] *= f.x[1];
    if (power) x[BYTE] *= f.x[0];
    return DUO_OK;
}

/* ---- sweeps ---- */

static bool wanted(const struct duo_perf *p)
{
    return duo_edge_vllm(p) && p->batch > 0 && !isnan(p->decode) && p->output >= 1;
}

static int sweep_of(struct all *a, const struct duo_perf *p)
{
    struct sweep s = { .device = p->device, .model = p->model, .file = p->file, .quant = p->quant, .runtime = p->runtime, .gpus = p->gpus,
                       .fitted = true, .serving = isnan(p->prompt) };

    for (int i = 0; i < a->n_sweeps; i++) {
        const struct sweep *o = &a->sweep[i];
        if (o->gpus == s.gpus && o->serving == s.serving && !strcmp(o->device, s.device) && !strcmp(o->model, s.model) && !strcmp(o->quant, s.quant) && !strcmp(o->file, s.file) &&
            !strcmp(o->runtime, s.runtime)) return i;
    }
    a->sweep = duo_grow(a->sweep, (size_t)a->n_sweeps + 1, sizeof *a->sweep);
    a->sweep[a->n_sweeps] = s;
    return a->n_sweeps++;
}

static int by_sweep(const void *x, const void *y)
{
    const struct step *a = x, *b = y;
    if (a->sweep != b->sweep) return a->sweep < b->sweep ? -1 : 1;
    if (a->batch != b->batch) return a->batch < b->batch ? -1 : 1;
    return a->perf->line < b->perf->line ? -1 : a->perf->line > b->perf->line;
}

static void set_shipped(const struct duo_validation *v, const struct duo_row *hardware, struct all *a)
{
    struct duo_value k[DUO_KEYS];
    double tdp = hardware->value[DUO_KEY_tdp_watts].value;

    duo_catalogue_constants(v->catalogue, hardware, "vllm", "bf16", k);
    a->shipped[LAYER] = k[DUO_KEY_layer].value, a->shipped[ITEM] = k[DUO_KEY_item].value, a->shipped[ATTEND] = k[DUO_KEY_attend].value;
    a->power[STATIC] = k[DUO_KEY_power_static].value * tdp, a->power[BYTE] = k[DUO_KEY_joules_byte].value, a->power[FLOP] = k[DUO_KEY_joules_flop].value;
}

static enum duo_status take_row(struct duo_validation *v, struct all *a, const struct duo_perf *p)
{
    const struct duo_row *model = duo_edge_model(v->catalogue, p->model), *hardware = duo_catalogue_find(v->catalogue, DUO_HARDWARE, p->device);
    const struct duo_row *quant = duo_catalogue_find(v->catalogue, DUO_QUANTS, p->quant);
    struct duo_err why = { 0 };
    struct duo_cost *cost;
    struct step s;

    if (!model || !hardware || !quant)
        return duo_edge_note(v, GATE, "rows of %s are not predicted: %s is not in the catalogue", p->model, model ? hardware ? p->quant : p->device : "it"), DUO_OK;
    if (duo_cost_new(&cost, v->catalogue, &(struct duo_cost_spec){ .model = model->name, .hardware = hardware->name, .quant = quant->name, .runtime = "vllm",
        .tensor_parallel = (int)p->gpus, .sequences = 1, .budget = 1 }, &why) != DUO_OK)
        return duo_edge_note(v, GATE, "rows of %s are not predicted: %s", p->model, why.text), DUO_OK;
    set_shipped(v, hardware, a);
    s.sweep = sweep_of(a, p);
    take_step(cost, p, &s);
    s.watts_most = isnan(hardware->value[DUO_KEY_tdp_watts].value) ? INFINITY : hardware->value[DUO_KEY_tdp_watts].value;
    if (!duo_edge_fitted(p)) a->sweep[s.sweep].fitted = false;
    a->step = duo_grow(a->step, (size_t)a->n + 1, sizeof *a->step);
    a->step[a->n++] = s;
    cost->kind->free(cost);
    return DUO_OK;
}

/* ---- verdicts ---- */

static struct duo_verdict *verdict(struct duo_validation *v, const struct sweep *s, const char *how, const char *metric, const char *unit, double mark,
                                   const char *fitted_on)
{
    struct duo_report *r = &v->report;
    struct duo_verdict *d;
    char group[48];

    snprintf(group, sizeof group, "%s%s, %s", s->device, s->serving ? "" : ", decode alone", how);
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->verdict[i]->gate, GATE) && !strcmp(r->verdict[i]->group, group) && !strcmp(r->verdict[i]->metric, metric) && !strcmp(r->verdict[i]->data, s->file))
            return r->verdict[i];
    d = duo_verdict_new(r, GATE, group, metric, unit, s->serving ? mark : NAN);
    snprintf(d->data, sizeof d->data, "%s", s->file);
    snprintf(d->fitted_on, sizeof d->fitted_on, "%s", fitted_on);
    snprintf(d->domain, sizeof d->domain, "vLLM on %s, 16 bit, 1 to 2 GPUs, batch 8 to 691, answers of 390 to 730 tokens", s->device);
    return d;
}

static void add(struct duo_validation *v, const struct all *a, const struct step *s, const char *how, const char *fitted_on, const double *time, const double *power)
{
    const struct sweep *w = &a->sweep[s->sweep];
    const struct duo_perf *p = s->perf;
    double seconds = step_seconds(a, s, time);
    bool two = !strncmp(how, "two", 3);

    duo_verdict_add(verdict(v, w, how, "tokens/s", "1/s", two ? 0.10 : NAN, fitted_on), p->decode, s->batch / seconds, "%s, %s x %g, batch %g", p->device, p->model, p->gpus, p->batch);
    if (!isnan(p->joules) && !isnan(power[0]))
        duo_verdict_add(verdict(v, w, how, "J/token", "J", two ? 0.08 : NAN, fitted_on), p->joules, step_watts(s, power, seconds) * seconds / s->batch,
                        "%s, %s x %g, batch %g", p->device, p->model, p->gpus, p->batch);
}

static enum duo_status judge_sweep(struct duo_validation *v, const struct all *a, const struct sweep *w, struct duo_err *err)
{
    double time[N_TIME], power[N_POWER], own_time[N_TIME], own_power[N_POWER];
    int at[2] = { w->first, w->first + (w->n > 3 ? 2 * w->n / 3 : w->n - 1) };                                   /* (1) */
    struct duo_fit f;

    memcpy(time, a->shipped, sizeof time), memcpy(power, a->power, sizeof power);
    if (w->fitted && w->serving) {                                                                               /* (2) */
        DUO_TRY(fit_others(a, w->device, w->model, false, time, &f, err));
        DUO_TRY(fit_others(a, w->device, w->model, true, power, &f, err));
    }
    for (int i = w->first; i < w->first + w->n; i++)
        add(v, a, &a->step[i], w->fitted && w->serving ? "other models" : "as shipped", w->fitted && w->serving ? "the other models' sweeps" : "what ships", time, power);
    if (w->n < 3) return DUO_OK;
    DUO_TRY(fit_two(a, at, time, false, own_time, err));
    memcpy(own_power, power, sizeof power);
    if (!isnan(a->step[at[0]].perf->watts) && !isnan(a->step[at[1]].perf->watts)) DUO_TRY(fit_two(a, at, power, true, own_power, err));
    for (int i = w->first; i < w->first + w->n; i++)
        if (i != at[0] && i != at[1]) add(v, a, &a->step[i], "two points", "two rows of each sweep", own_time, own_power);
    return DUO_OK;
}

static enum duo_status hold_constants(struct duo_validation *v, const struct all *a, const char *device, struct duo_err *err)
{
    static const char *const time[N_TIME] = { "vllm: layer, s", "vllm: item, s", "vllm: attend" };
    static const char *const power[N_POWER] = { "vllm: static power, W", "vllm: joules_byte", "vllm: joules_flop" };
    double x[3];
    struct duo_fit f;

    DUO_TRY(fit_others(a, device, NULL, false, x, &f, err));
    for (int k = 0; k < N_TIME && f.n > 0; k++) duo_validate_constant(v, GATE, time[k], a->shipped[k], f.x[k], f.low[k], f.high[k]);
    DUO_TRY(fit_others(a, device, NULL, true, x, &f, err));
    for (int k = 0; k < N_POWER && f.n > 0; k++) duo_validate_constant(v, GATE, power[k], a->power[k], f.x[k], f.low[k], f.high[k]);
    return DUO_OK;
}

enum duo_status duo_gate_batch(struct duo_validation *v, struct duo_err *err)
{
    struct all a = { 0 };
    enum duo_status status = DUO_OK;
    const char *held = "";

    for (int i = 0; i < v->found.n_perf && status == DUO_OK; i++)
        if (wanted(&v->found.perf[i])) status = take_row(v, &a, &v->found.perf[i]);
    if (a.n == 0) duo_report_note(&v->report, GATE, "skipped: no table with batches of vLLM below the data folder");
    if (a.n > 0) qsort(a.step, (size_t)a.n, sizeof *a.step, by_sweep);
    for (int i = 0; i < a.n; i++) {
        struct sweep *s = &a.sweep[a.step[i].sweep];
        if (s->n++ == 0) s->first = i;
    }
    for (int i = 0; i < a.n_sweeps && status == DUO_OK; i++) {
        struct duo_row const *hardware = duo_catalogue_find(v->catalogue, DUO_HARDWARE, a.sweep[i].device);
        set_shipped(v, hardware, &a);
        status = judge_sweep(v, &a, &a.sweep[i], err);
        if (status == DUO_OK && strcmp(held, a.sweep[i].device) != 0 && a.sweep[i].fitted && a.sweep[i].serving)
            status = hold_constants(v, &a, held = a.sweep[i].device, err);
    }
    free(a.step), free(a.sweep);
    return status;
}
