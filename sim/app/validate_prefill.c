/* validate_prefill.c - gates edge-prefill and edge-joules: two more forms over the rows of validate_edge.h, each device from the others.
 *
 * (1) Prefill, seconds a token of the prompt = 2 parameters / rate.  rate: a share of the GPU's 32-bit peak on Apple's; FLOP a cycle and
 *     unit (of CPUs: and pair of pipes) elsewhere.
 * (2) Watts while decoding, by where the meter sits:
 *       whole system, GPU of a desk     host + share x TDP x (share of the time that weights stream)
 *       whole system, Apple             idle, or BOARD, + watts a GPU core
 *       whole system, CPU               share x TDP, + what a laptop or small PC takes besides
 *       module, Jetson                  idle + share x (TDP - idle)
 *     Joules a token are those over the tokens/s that edge-decode predicts.
 * (3) Rows that the shipped constants come from are predicted from the other devices'; a family with one device alone is not.  Any
 *     other row is predicted as shipped. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/app/validate_edge.h"

enum { NOT = -1 };
static const double BOARD = 7;                   /* W, an Apple computer at rest */

struct form {
    const char *gate, *metric, *unit;
    double mark;
    const char *name[DUO_FAMILY_END][4];         /* constants; NULL: no more */
    double start[DUO_FAMILY_END][4];
    double (*measured)(const struct duo_edge_row *);
    double (*predict)(const struct duo_edge_row *, double decode_s, const double *x);       /* NAN: not known */
    double (*shipped)(const struct duo_validation *, const struct duo_edge_row *, double decode_s);     /* the same as it ships */
};

/* ---- (1) ---- */

static double prefill_measured(const struct duo_edge_row *r) { return r->perf->prefill; }

static double prefill_predict(const struct duo_edge_row *r, double decode_s, const double *x)
{
    bool half = r->format == DUO_HALF, unpacked = r->family == DUO_FAMILY_CPU && !r->packed && (strstr(r->perf->quant, "_1") || strstr(r->perf->quant, "Q5_"));
    int slot = half ? 0 : r->family == DUO_FAMILY_CPU && r->packed ? 3 : unpacked ? 2 : 1;
    double rate = r->prompt_rate;

    (void)decode_s;
    if (r->family == DUO_FAMILY_METAL) rate = r->hardware ? r->hardware->value[DUO_KEY_fp32].value : NAN;
    return x[slot] * rate / r->prompt_flop;
}

static double prefill_shipped(const struct duo_validation *v, const struct duo_edge_row *r, double decode_s)
{
    struct duo_value k[DUO_KEYS];
    const struct duo_row *quant = duo_catalogue_find(v->catalogue, DUO_QUANTS, r->quant);
    const struct duo_value *peak = r->hardware && quant ? duo_row_peak(r->hardware, quant) : NULL;

    (void)decode_s;
    duo_edge_constants(v, r, k);
    if (!isnan(k[DUO_KEY_issue_flop].value)) return k[DUO_KEY_issue_flop].value * r->prompt_rate / r->prompt_flop;
    return peak ? k[DUO_KEY_compute].value * peak->value / r->prompt_flop : (double)NAN;
}

/* ---- (2) ---- */

static double known(const struct duo_edge_row *r, enum duo_key k) { return r->hardware ? r->hardware->value[k].value : NAN; }

static double watts(const struct duo_edge_row *r, double decode_s, const double *x)
{
    double tdp = known(r, DUO_KEY_tdp_watts), idle = known(r, DUO_KEY_idle_watts);

    switch (r->family) {
    case DUO_FAMILY_CUDA:   return x[0] + x[1] * tdp * fmin(r->bytes / r->bandwidth / decode_s, 1);
    case DUO_FAMILY_METAL:  return (isnan(idle) ? BOARD : idle) + x[0] * known(r, DUO_KEY_units);
    case DUO_FAMILY_CPU:    return x[0] * tdp + (strcmp(r->perf->class, "laptop") == 0 ? x[1] : 0);
    case DUO_FAMILY_JETSON: return idle + x[0] * (tdp - idle);
    default:                return NAN;
    }
}

static double joules_measured(const struct duo_edge_row *r) { return r->perf->joules; }
static double joules_predict(const struct duo_edge_row *r, double decode_s, const double *x) { return watts(r, decode_s, x) * decode_s; }

/* Watts of the cost model that ships, at a step of one sequence, over edge-decode's seconds. */
static double joules_shipped(const struct duo_validation *v, const struct duo_edge_row *r, double decode_s)
{
    const struct duo_row *model = duo_edge_model(v->catalogue, r->perf->model);
    struct duo_err why = { 0 };
    struct duo_cost *cost;
    struct duo_growth g;
    struct duo_load one;
    struct duo_price price;

    if (!model || !r->hardware || duo_cost_new(&cost, v->catalogue, &(struct duo_cost_spec){ .model = model->name, .hardware = r->hardware->name, .quant = r->quant,
        .runtime = r->runtime }, &why) != DUO_OK) return NAN;
    one = cost->kind->item(cost, 1, 128, 0, cost->facts.layers, 1, &g);
    price = cost->kind->price(cost, &one, 0, cost->facts.layers);
    cost->kind->free(cost);
    return price.joules / price.seconds * decode_s;
}

/* ---- the same for both ---- */

static const struct form prefill = {
    .gate = "edge-prefill", .metric = "prefill tokens/s", .unit = "1/s", .mark = NAN, .measured = prefill_measured, .predict = prefill_predict, .shipped = prefill_shipped,
    .name  = { [DUO_FAMILY_CUDA] = { "issue_flop, 16 bit", "issue_flop, quantized" }, [DUO_FAMILY_METAL] = { "compute, 16 bit", "compute, quantized" },
               [DUO_FAMILY_CPU] = { "issue_flop, 16 bit", "issue_flop", "issue_flop, with minima", "issue_flop, packed" } },
    .start = { [DUO_FAMILY_CUDA] = { 500, 450 }, [DUO_FAMILY_METAL] = { 0.7, 0.7 }, [DUO_FAMILY_CPU] = { 6, 10, 6, 16 } },
};
static const struct form joules = {
    .gate = "edge-joules", .metric = "J/token", .unit = "J", .mark = 0.20, .measured = joules_measured, .predict = joules_predict, .shipped = joules_shipped,
    .name  = { [DUO_FAMILY_CUDA] = { "host, W", "share of TDP" }, [DUO_FAMILY_METAL] = { "W a GPU core" }, [DUO_FAMILY_CPU] = { "share of TDP", "W besides, laptop" },
               [DUO_FAMILY_JETSON] = { "share of TDP" } },
    .start = { [DUO_FAMILY_CUDA] = { 60, 1 }, [DUO_FAMILY_METAL] = { 2 }, [DUO_FAMILY_CPU] = { 1, 10 }, [DUO_FAMILY_JETSON] = { 0.5 } },
};

struct job { const struct form *form; const struct duo_edge_row *rows; const double *decode_s; int n; };
struct chosen { const struct job *job; const int *index; };

static double predicted_of(const void *of, int i, const double *x)
{
    const struct chosen *c = of;
    int k = c->index[i];
    return c->job->form->predict(&c->job->rows[k], c->job->decode_s[k], x);
}

static double measured_of(const void *of, int i)
{
    const struct chosen *c = of;
    return c->job->form->measured(&c->job->rows[c->index[i]]);
}

static bool can(const struct job *j, int i)
{
    const struct duo_edge_row *r = &j->rows[i];
    return j->form->name[r->family][0] && !isnan(j->form->predict(r, j->decode_s[i], j->form->start[r->family]));
}

/* (3) f->n 0: no other device. */
static enum duo_status fit(const struct job *j, enum duo_family family, const char *but, struct duo_fit *f, struct duo_err *err)
{
    int *index = duo_new((size_t)j->n + 1, sizeof *index), m = 0;
    struct chosen c = { j, index };
    enum duo_status status;

    for (int i = 0; i < j->n; i++)
        if (j->rows[i].family == family && duo_edge_fitted(j->rows[i].perf) && !(but && strcmp(j->rows[i].perf->device, but) == 0) && can(j, i)) index[m++] = i;
    *f = (struct duo_fit){ .elbow = 0.1, .n = m, .predict = predicted_of, .measured = measured_of, .of = &c };
    for (; f->p < 4 && j->form->name[family][f->p]; f->p++) f->start[f->p] = f->x[f->p] = j->form->start[family][f->p], f->pull[f->p] = 0.02;
    status = m > 0 ? duo_fit_run(f, err) : DUO_OK;
    f->of = NULL;
    free(index);
    return status;
}

static struct duo_verdict *verdict_of(struct duo_validation *v, const struct form *form, const char *group, const char *file, bool fresh)
{
    struct duo_report *r = &v->report;
    struct duo_verdict *d;

    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->verdict[i]->gate, form->gate) && !strcmp(r->verdict[i]->group, group) && !strcmp(r->verdict[i]->data, file)) return r->verdict[i];
    d = duo_verdict_new(r, form->gate, group, form->metric, form->unit, strcmp(group, "all") == 0 ? form->mark : NAN);
    snprintf(d->data, sizeof d->data, "%s", file);
    snprintf(d->fitted_on, sizeof d->fitted_on, "%s", fresh ? "other tables (as shipped)" : "the other devices of its family, device by device");
    snprintf(d->domain, sizeof d->domain, "one stream, %s, llama.cpp and its like", strcmp(group, "all") == 0 ? "devices and desks" : group);
    return d;
}

static enum duo_status judge(struct duo_validation *v, const struct job *j, struct duo_err *err)
{
    for (int i = 0; i < j->n; i++) {
        const struct duo_edge_row *r = &j->rows[i];
        const struct duo_perf *p = r->perf;
        struct duo_fit f;
        double predicted;
        bool fresh = !duo_edge_fitted(p);
        f.n = 0;
        if (!fresh && can(j, i)) DUO_TRY(fit(j, r->family, p->device, &f, err));
        predicted = f.n > 0 ? j->form->predict(r, j->decode_s[i], f.x) : fresh ? j->form->shipped(v, r, j->decode_s[i]) : (double)NAN;
        if (isnan(predicted)) {
            duo_edge_note(v, j->form->gate, "rows of %s (%s) are not predicted: %s", p->title, duo_family_text(r->family),
                          !fresh && can(j, i) ? "no other device of its kind to learn from" : "a number of the device is not known");
            continue;
        }
        for (int k = 0; k < (isnan(j->form->mark) ? 1 : 2); k++)
            duo_verdict_add(verdict_of(v, j->form, k ? "all" : p->class, p->file, fresh), j->form->measured(r), predicted, "%s, %s, %s %s, %s%s", p->device, p->runtime, p->model,
                            p->quant, isnan(j->form->mark) ? p->backend : p->scope, fresh ? " (as shipped)" : "");
    }
    for (int k = 0; k < DUO_FAMILY_END && v->fit; k++) {
        struct duo_fit f;
        DUO_TRY(fit(j, (enum duo_family)k, NULL, &f, err));
        for (int q = 0; q < f.p && f.n > 0; q++)
            duo_report_note(&v->report, j->form->gate, "%s: %s: %.4g (%.4g to %.4g)", duo_family_text((enum duo_family)k), j->form->name[k][q], f.x[q], f.low[q], f.high[q]);
    }
    return DUO_OK;
}

static enum duo_status run(struct duo_validation *v, const struct form *form, bool (*wanted)(const struct duo_perf *), bool decode, struct duo_err *err)
{
    struct duo_edge_row *rows;
    int n = duo_edge_rows(v, form->gate, wanted, &rows);
    double *decode_s = duo_new((size_t)n + 1, sizeof *decode_s);
    bool *shipped = duo_new((size_t)n + 1, sizeof *shipped);
    enum duo_status status = DUO_OK;

    if (decode) status = duo_edge_decode_seconds(v, rows, n, decode_s, err);
    if (n == 0) duo_report_note(&v->report, form->gate, "skipped: no table with such rows below the data folder");
    if (status == DUO_OK) status = judge(v, &(struct job){ form, rows, decode_s, n }, err);
    free(rows), free(decode_s), free(shipped);
    return status;
}

static bool has_prefill(const struct duo_perf *p) { return !isnan(p->prefill) && !isnan(p->params) && p->gpus == 1 && !duo_edge_vllm(p); }
static bool has_joules(const struct duo_perf *p) { return p->single && p->gpus == 1 && !isnan(p->joules) && !isnan(p->decode) && !isnan(p->weight_bytes) && !isnan(p->params); }

enum duo_status duo_gate_edge_prefill(struct duo_validation *v, struct duo_err *err) { return run(v, &prefill, has_prefill, false, err); }
enum duo_status duo_gate_edge_joules(struct duo_validation *v, struct duo_err *err)  { return run(v, &joules, has_joules, true, err); }
