/* measured.c - a table of measured iterations over another model: seconds (and joules) that somebody took with a clock.
 *
 *     model,hardware,quant,runtime,phase,batch,tokens,context,seconds,joules,date,source
 *
 * phase decode: `batch` sequences, one token each (`tokens` 1) after `context` others.  phase prefill: one sequence (`batch` 1), `tokens`
 * of its prompt after `context` others.  Rows of other models, devices, formats or runtimes are passed over; an empty runtime is any.
 * (1) The rows of a phase are a full grid, batch (or tokens) by context; between its points on straight lines, at them exact.
 * (2) Inside a cell the iterations that follow take the slope of that cell at their batch: affine in context, as cost.h asks.
 * (3) Beyond the grid, in mixed iterations and for parts of the layers, it is the model below, times measured / model at the
 *     nearest point of the grid: then the seconds are not `measured`, but at best `fitted`.  What a place may ask is known
 *     beforehand: batch 1 to `sequences`, prompts of 1 to `budget` tokens, a context from nothing to what the memory holds.
 * (4) duo_measured_holds() is for those who ask for a point and want nothing but a measurement.
 * (5) Joules: in every row of a phase or in none; where there are none, the model below gives the watts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/basis.h"
#include "sim/base/csv.h"

enum phase { DECODE, PREFILL, PHASES };
static const char *const phase_names[PHASES] = { "decode", "prefill" };

/* One phase: n[0] x n[1] points, row by row of axis 0 (decode: batch, prefill: tokens); axis 1: context. */
struct grid { int n[2]; double *axis[2]; double *seconds, *joules; };

struct measured {
    struct duo_cost cost, *below;
    struct grid grid[PHASES];
};

static const struct measured *of(const struct duo_cost *c) { return (const struct measured *)c; }

/* ---- asking ---- */

/* The cell at x and how far into it, both held to the axis. */
static int cell(const double *axis, int n, double x, double *share)
{
    int i = 0;

    while (i + 2 < n && x >= axis[i + 1]) i++;
    *share = n == 1 ? 0 : fmin(fmax((x - axis[i]) / (axis[i + 1] - axis[i]), 0), 1);
    return i;
}

/* (1); *slope: by axis 1. */
static double between(const struct grid *g, const double *values, double x, double y, double *slope)
{
    double a, b, low, high;
    int i = cell(g->axis[0], g->n[0], x, &a), k = cell(g->axis[1], g->n[1], y, &b), w = g->n[1];
    int more = g->n[0] > 1 ? w : 0, further = g->n[1] > 1;
    const double *v = values + i * w + k;

    low  = v[0] * (1 - a) + v[more] * a;
    high = v[further] * (1 - a) + v[more + further] * a;
    *slope = further ? (high - low) / (g->axis[1][k + 1] - g->axis[1][k]) : 0;
    return low * (1 - b) + high * b;
}

static bool within(const double *axis, int n, double x) { return x >= axis[0] && x <= axis[n - 1]; }

static double hold(const double *axis, int n, double x) { return fmin(fmax(x, axis[0]), axis[n - 1]); }

static struct duo_load load_at(const struct measured *m, enum phase phase, double x, double context)
{
    struct duo_growth growth;
    struct duo_load l = m->below->kind->item(m->below, phase == DECODE ? 1 : x, context, 0, m->below->facts.layers, 1, &growth);
    double n = phase == DECODE ? x : 1;

    return (struct duo_load){ n * l.items, n * l.tokens, n * l.context, n * l.pairs, n * l.logits };
}

static struct duo_load item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    return of(c)->below->kind->item(of(c)->below, fresh, cached, from, to, logits, growth);
}

/* (3): the model below, by what the nearest point makes of it. */
static struct duo_price scaled(const struct measured *m, enum phase phase, struct duo_price p, double x, double context)
{
    const struct grid *g = &m->grid[phase];
    double slope, at = hold(g->axis[0], g->n[0], x), y = hold(g->axis[1], g->n[1], context);
    struct duo_load l = load_at(m, phase, at, y);
    struct duo_price there = m->below->kind->price(m->below, &l, 0, m->below->facts.layers);
    double ratio = between(g, g->seconds, at, y, &slope) / there.seconds;
    double joules = g->joules ? between(g, g->joules, at, y, &slope) / there.joules : ratio;

    p.seconds *= ratio, p.per_context *= ratio, p.joules *= joules, p.joules_per_context *= joules;
    return p;
}

static struct duo_price price(const struct duo_cost *c, const struct duo_load *l, int from, int to)
{
    const struct measured *m = of(c);
    struct duo_price p = m->below->kind->price(m->below, l, from, to);
    double layers = to - from, tokens, context, x;
    enum phase phase;

    if (layers <= 0 || l->items <= 0) return p;
    tokens  = l->tokens / layers;
    phase   = tokens == l->items ? DECODE : PREFILL;
    context = (l->context / layers - tokens) / l->items;                  /* before this iteration, of one sequence */
    x       = phase == DECODE ? l->items : tokens;
    const struct grid *g = &m->grid[phase];
    if (!g->n[0]) return p;
    if ((phase == PREFILL && l->items != 1) || layers != m->below->facts.layers || !within(g->axis[0], g->n[0], x) || !within(g->axis[1], g->n[1], context))
        return scaled(m, phase, p, x, context);
    double watts = p.joules / p.seconds, slope, unit = layers * l->items;
    p.seconds = between(g, g->seconds, x, context, &slope);
    p.per_context = fmax(slope, 0) / unit;                                /* (2); longer is never faster */
    if (g->joules) {
        p.joules = between(g, g->joules, x, context, &slope);
        p.joules_per_context = fmax(slope, 0) / unit;
    } else {
        p.joules = watts * p.seconds, p.joules_per_context = watts * p.per_context;
    }
    return p;
}

static void explain(const struct duo_cost *c, const struct duo_load *l, int from, int to, struct duo_terms *t)
{
    const struct duo_cost *below = of(c)->below;
    double below_s = below->kind->price(below, l, from, to).seconds, ratio = below_s > 0 ? price(c, l, from, to).seconds / below_s : 1;

    below->kind->explain(below, l, from, to, t);
    t->gemm *= ratio, t->attention *= ratio, t->head *= ratio, t->collectives *= ratio, t->overhead *= ratio;
}

static struct duo_encoding encode(const struct duo_cost *c, enum duo_attachment_kind kind, double bytes)
{
    return of(c)->below->kind->encode(of(c)->below, kind, bytes);
}

static void release(struct duo_cost *c)
{
    struct measured *m = (struct measured *)c;

    for (int i = 0; i < PHASES; i++) free(m->grid[i].axis[0]), free(m->grid[i].axis[1]), free(m->grid[i].seconds), free(m->grid[i].joules);
    m->below->kind->free(m->below);
    free(m);
}

static const struct duo_cost_kind measured_kind = {
    .name = "measured", .item = item, .price = price, .explain = explain, .encode = encode, .free = release,
};

/* (4) */
enum duo_status duo_measured_holds(const struct duo_cost *c, double batch, double tokens, double context, struct duo_err *err)
{
    const struct measured *m = of(c);
    enum phase phase = tokens == 1 ? DECODE : PREFILL;
    const struct grid *g = &m->grid[phase];
    double x = phase == DECODE ? batch : tokens;

    if (c->kind != &measured_kind) return DUO_OK;
    if (!g->n[0]) return duo_fail(err, DUO_BAD_INPUT, "the measured table of %s on %s has no rows of phase %s", c->facts.model, c->facts.hardware, phase_names[phase]);
    if (within(g->axis[0], g->n[0], x) && within(g->axis[1], g->n[1], context) && (phase == DECODE || batch == 1)) return DUO_OK;
    return duo_fail(err, DUO_BAD_INPUT, "%s of batch %g, %g tokens, context %g is outside the measured table of %s on %s: %s %g to %g, context %g to %g",
                    phase_names[phase], batch, tokens, context, c->facts.model, c->facts.hardware, phase == DECODE ? "batch" : "batch 1, tokens",
                    g->axis[0][0], g->axis[0][g->n[0] - 1], g->axis[1][0], g->axis[1][g->n[1] - 1]);
}

/* ---- reading ---- */

struct point { double x, context, seconds, joules; int line; };
struct points { int n; struct point *p; };
struct columns { int model, hardware, quant, runtime, phase, batch, tokens, context, seconds, joules; };

static enum duo_status find_columns(const struct duo_csv *csv, struct columns *at, struct duo_err *err)
{
    int unused;
    const struct { const char *name; int *at; } all[] = {
        { "model", &at->model }, { "hardware", &at->hardware }, { "quant", &at->quant }, { "runtime", &at->runtime }, { "phase", &at->phase },
        { "batch", &at->batch }, { "tokens", &at->tokens }, { "context", &at->context }, { "seconds", &at->seconds }, { "joules", &at->joules },
        { "date", &unused }, { "source", &unused },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) DUO_TRY(duo_csv_need(csv, all[i].name, all[i].at, err));
    return DUO_OK;
}

static enum duo_status number(const struct duo_csv *csv, int column, double least, double *out, struct duo_err *err)
{
    DUO_TRY(duo_csv_number(csv, column, out, err));
    if (!(*out >= least)) return duo_csv_bad(csv, column, err, "is %g, expected at least %g", *out, least);
    return DUO_OK;
}

static enum duo_status read_point(const struct duo_csv *csv, const struct columns *at, struct points points[PHASES], struct duo_err *err)
{
    struct point p = { .joules = NAN, .line = duo_csv_line(csv) };
    const char *phase = duo_csv_cell(csv, at->phase);
    double batch, tokens;
    int which = 0;

    while (which < PHASES && strcmp(phase, phase_names[which]) != 0) which++;
    if (which == PHASES) return duo_csv_bad(csv, at->phase, err, "expected decode or prefill, got '%s'", phase);
    DUO_TRY(number(csv, at->batch, 1, &batch, err));
    DUO_TRY(number(csv, at->tokens, 1, &tokens, err));
    DUO_TRY(number(csv, at->context, 0, &p.context, err));
    DUO_TRY(number(csv, at->seconds, 1e-9, &p.seconds, err));
    if (*duo_csv_cell(csv, at->joules)) DUO_TRY(number(csv, at->joules, 1e-12, &p.joules, err));
    if (which == DECODE && tokens != 1) return duo_csv_bad(csv, at->tokens, err, "decode writes 1 token a sequence; more at once is prefill");
    if (which == PREFILL && batch != 1) return duo_csv_bad(csv, at->batch, err, "prefill is of one sequence: batch 1");
    p.x = which == DECODE ? batch : tokens;
    for (int i = 0; i < points[which].n; i++)
        if (points[which].p[i].x == p.x && points[which].p[i].context == p.context)
            return duo_csv_bad(csv, at->phase, err, "this point is in line %d already", points[which].p[i].line);
    points[which].p = duo_grow(points[which].p, (size_t)points[which].n + 1, sizeof p);
    points[which].p[points[which].n++] = p;
    return DUO_OK;
}

static bool same(const char *cell, const char *name) { return strcmp(cell, name) == 0; }

static enum duo_status read_rows(struct duo_csv *csv, const char *path, const struct duo_facts *f, struct points points[PHASES], struct duo_err *err)
{
    struct columns at;
    char other[200] = "";
    int got;

    DUO_TRY(find_columns(csv, &at, err));
    while ((got = duo_csv_next(csv, err)) > 0) {
        const char *model = duo_csv_cell(csv, at.model), *hardware = duo_csv_cell(csv, at.hardware), *quant = duo_csv_cell(csv, at.quant),
                   *runtime = duo_csv_cell(csv, at.runtime);
        if (same(model, f->model) && same(hardware, f->hardware) && same(quant, f->quant) && (!*runtime || same(runtime, f->runtime)))
            DUO_TRY(read_point(csv, &at, points, err));
        else if (!*other)
            snprintf(other, sizeof other, "; the first is of %s on %s, %s, %s", model, hardware, quant, runtime);
    }
    if (got < 0) return err->status;
    if (points[DECODE].n + points[PREFILL].n == 0)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no row is of %s on %s, %s, %s%s", f->model, f->hardware, f->quant, f->runtime, other);
    return DUO_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void make_axis(const struct points *p, bool context, double **axis, int *n)
{
    double *all = duo_new((size_t)p->n + 1, sizeof *all);
    int kept = 0;

    for (int i = 0; i < p->n; i++) all[i] = context ? p->p[i].context : p->p[i].x;
    qsort(all, (size_t)p->n, sizeof *all, ascending);
    for (int i = 0; i < p->n; i++)
        if (!kept || all[i] != all[kept - 1]) all[kept++] = all[i];
    *axis = all, *n = kept;
}

static int place_of(const double *axis, double x)
{
    int i = 0;
    while (axis[i] != x) i++;
    return i;
}

/* (1), (5) */
static enum duo_status make_grid(struct grid *g, const struct points *p, const char *path, enum phase phase, struct duo_err *err)
{
    int with = 0;

    if (!p->n) return DUO_OK;
    make_axis(p, false, &g->axis[0], &g->n[0]);
    make_axis(p, true, &g->axis[1], &g->n[1]);
    g->seconds = duo_new((size_t)(g->n[0] * g->n[1]), sizeof *g->seconds);
    g->joules  = duo_new((size_t)(g->n[0] * g->n[1]), sizeof *g->joules);
    for (int i = 0; i < p->n; i++) {
        int at = place_of(g->axis[0], p->p[i].x) * g->n[1] + place_of(g->axis[1], p->p[i].context);
        g->seconds[at] = p->p[i].seconds, g->joules[at] = p->p[i].joules;
        with += !isnan(p->p[i].joules);
    }
    for (int i = 0; i < g->n[0] * g->n[1]; i++)
        if (g->seconds[i] == 0)
            return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "the grid of phase %s has a hole: %s %g, context %g is missing", phase_names[phase],
                               phase == DECODE ? "batch" : "tokens", g->axis[0][i / g->n[1]], g->axis[1][i % g->n[1]]);
    if (with && with < p->n) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "joules are in %d of %d rows of phase %s: all or none", with, p->n, phase_names[phase]);
    if (!with) free(g->joules), g->joules = NULL;
    return DUO_OK;
}

/* (3) */
static bool covers(const struct measured *m, const struct duo_cost_spec *spec)
{
    const struct grid *d = &m->grid[DECODE], *p = &m->grid[PREFILL];
    const struct duo_facts *f = &m->below->facts;
    double longest = fmin(f->context, f->memory_bytes / f->kv_bytes), budget = fmin(spec->budget > 0 ? spec->budget : 512, longest);

    return spec->sequences <= 1 && d->n[0] && p->n[0] && d->axis[0][0] <= 1 && d->axis[1][0] <= 1 && d->axis[1][d->n[1] - 1] >= longest - 1
        && p->axis[0][0] <= 1 && p->axis[0][p->n[0] - 1] >= budget && p->axis[1][0] <= 0 && p->axis[1][p->n[1] - 1] >= longest - budget;
}

static void say(struct measured *m, const char *path, const struct duo_cost_spec *spec)
{
    struct duo_facts *f = &m->cost.facts;
    const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bool all = covers(m, spec), joules = m->grid[DECODE].joules && (m->grid[PREFILL].joules || !m->grid[PREFILL].n[0]);

    *f = m->below->facts;
    if (all) f->time = DUO_MEASURED, snprintf(f->rests_on, sizeof f->rests_on, "%.100s: measured", file);
    else     f->time = duo_weaker(DUO_FITTED, f->time), snprintf(f->rests_on, sizeof f->rests_on, "%.40s where it reaches (measured); beyond: %.70s", file, m->below->facts.rests_on);
    f->energy = all && joules ? DUO_MEASURED : duo_weaker(f->energy, f->time);
}

enum duo_status duo_cost_measured(struct duo_cost **out, struct duo_cost *below, const char *path, const struct duo_cost_spec *spec, struct duo_err *err)
{
    struct measured *m = duo_new(1, sizeof *m);
    struct points points[PHASES] = { { 0 } };
    struct duo_csv *csv;
    enum duo_status status = duo_csv_open(&csv, path, ',', err);

    m->below = below;
    m->cost.kind = &measured_kind;
    if (status == DUO_OK) {
        status = read_rows(csv, path, &below->facts, points, err);
        duo_csv_close(csv);
    }
    for (int i = 0; i < PHASES; i++) {
        if (status == DUO_OK) status = make_grid(&m->grid[i], &points[i], path, (enum phase)i, err);
        free(points[i].p);
    }
    if (status != DUO_OK) {
        release(&m->cost);
        return status;
    }
    say(m, path, spec);
    *out = &m->cost;
    return DUO_OK;
}
