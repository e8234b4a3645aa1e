/* domain.c - see domain.h. */
#include "models/cost/domain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"

/* X(name): ranges, NAN: no bound */
#define RANGES(X) X(gpus) X(parameters) X(batch) X(prompt) X(output)
enum range {
#define NAME(name) RANGE_##name,
    RANGES(NAME)
#undef NAME
    N_RANGES
};

struct gate {
    char  *name, *hardware, *runtimes, *quants, *metric;
    enum duo_domain_claim claim;
    double low[N_RANGES], high[N_RANGES], error, mark;
    bool   held;
};
struct duo_domains { int n; struct gate *gates; };

/* ---- the file ---- */

static enum duo_status number(const struct duo_csv *c, const char *name, double *out, struct duo_err *err)
{
    int column;
    *out = NAN;
    DUO_TRY(duo_csv_need(c, name, &column, err));
    if (!*duo_csv_cell(c, column)) return DUO_OK;
    DUO_TRY(duo_csv_number(c, column, out, err));
    return *out >= 0 ? DUO_OK : duo_csv_bad(c, column, err, "%s: expected 0 or more", name);
}

static enum duo_status word(const struct duo_csv *c, const char *name, bool needed, char **out, struct duo_err *err)
{
    int column;
    DUO_TRY(duo_csv_need(c, name, &column, err));
    if (needed && !*duo_csv_cell(c, column)) return duo_csv_bad(c, column, err, "expected a %s", name);
    *out = duo_copy(duo_csv_cell(c, column));
    return DUO_OK;
}

static enum duo_status choice(const struct duo_csv *c, const char *name, const char *first, const char *second, int *out, struct duo_err *err)
{
    int column;
    DUO_TRY(duo_csv_need(c, name, &column, err));
    const char *cell = duo_csv_cell(c, column);
    *out = strcmp(cell, first) == 0 ? 0 : strcmp(cell, second) == 0 ? 1 : -1;
    return *out >= 0 ? DUO_OK : duo_csv_bad(c, column, err, "%s: expected %s or %s; got '%s'", name, first, second, cell);
}

static enum duo_status read_gate(const struct duo_csv *c, struct gate *g, struct duo_err *err)
{
    static const char *const names[N_RANGES][2] = {
#define NAME(name) { #name "_low", #name "_high" },
        RANGES(NAME)
#undef NAME
    };
    int claim, held;
    DUO_TRY(word(c, "gate", true, &g->name, err));
    DUO_TRY(word(c, "hardware", true, &g->hardware, err));
    DUO_TRY(word(c, "runtimes", false, &g->runtimes, err));
    DUO_TRY(word(c, "quants", false, &g->quants, err));
    DUO_TRY(word(c, "metric", true, &g->metric, err));
    DUO_TRY(choice(c, "claim", "time", "energy", &claim, err));
    DUO_TRY(choice(c, "held", "0", "1", &held, err));
    for (int i = 0; i < N_RANGES; i++) {
        DUO_TRY(number(c, names[i][0], &g->low[i], err));
        DUO_TRY(number(c, names[i][1], &g->high[i], err));
    }
    DUO_TRY(number(c, "median_error", &g->error, err));
    DUO_TRY(number(c, "mark", &g->mark, err));
    g->claim = (enum duo_domain_claim)claim;
    g->held = held == 1;
    return DUO_OK;
}

static enum duo_status read_gates(struct duo_csv *c, struct duo_domains *d, struct duo_err *err)
{
    int got;
    while ((got = duo_csv_next(c, err)) > 0) {
        d->gates = duo_grow(d->gates, (size_t)d->n + 1, sizeof *d->gates);
        d->gates[d->n] = (struct gate){ 0 };
        DUO_TRY(read_gate(c, &d->gates[d->n++], err));
    }
    return got < 0 ? err->status : DUO_OK;
}

enum duo_status duo_domains_open(struct duo_domains **out, const char *dir, struct duo_err *err)
{
    char path[4200];
    struct duo_csv *csv;
    struct duo_domains *d = duo_new(1, sizeof *d);
    struct duo_err own = { 0 };
    if (!err) err = &own;
    snprintf(path, sizeof path, "%s/domains.csv", dir);
    enum duo_status status = duo_csv_open(&csv, path, ',', err);
    if (status == DUO_OK) {
        status = read_gates(csv, d, err);
        duo_csv_close(csv);
    }
    if (status == DUO_OK) *out = d;
    else duo_domains_free(d);
    return status;
}

void duo_domains_free(struct duo_domains *d)
{
    if (!d) return;
    for (int i = 0; i < d->n; i++) {
        struct gate *g = &d->gates[i];
        free(g->name), free(g->hardware), free(g->runtimes), free(g->quants), free(g->metric);
    }
    free(d->gates);
    free(d);
}

/* ---- the check ---- */

/* `word` is one of "a;b;c". */
static bool listed(const char *list, const char *one)
{
    size_t n = strlen(one);
    for (const char *at = list; n > 0 && (at = strstr(at, one)); at += n) {
        bool begins = at == list || at[-1] == ';', ends = at[n] == 0 || at[n] == ';';
        if (begins && ends) return true;
    }
    return false;
}

enum { BY_HARDWARE, BY_RUNTIME, BY_QUANT, BY_RANGE, BY_MARK = BY_RANGE + N_RANGES, N_TESTS };

static double of_use(const struct duo_domain_use *u, enum range r)
{
    switch (r) {
    case RANGE_gpus:       return u->facts->gpus > 1 ? u->facts->gpus : 1;
    case RANGE_parameters: return u->facts->parameters > 0 ? u->facts->parameters : NAN;
    case RANGE_batch:      return u->batch;
    case RANGE_prompt:     return u->prompt;
    case RANGE_output:     return u->output;
    case N_RANGES:         break;
    }
    return NAN;
}

static bool passes(const struct gate *g, const struct duo_domain_use *u, int test)
{
    const struct duo_facts *f = u->facts;
    switch (test) {
    case BY_HARDWARE: return listed(g->hardware, f->hardware) || listed(g->hardware, f->class);
    case BY_RUNTIME:  return !*g->runtimes || listed(g->runtimes, f->runtime);
    case BY_QUANT:    return !*g->quants || listed(g->quants, f->quant);
    case BY_MARK:     return g->held;
    default:          break;
    }
    int r = test - BY_RANGE;
    double value = of_use(u, (enum range)r);
    return (isnan(g->low[r]) || value >= g->low[r]) && (isnan(g->high[r]) || value <= g->high[r]);             /* (2) */
}

static const char *known(const char *text, const char *otherwise) { return *text ? text : otherwise; }

/* (1): what the gates that are left do not cover. */
static void explain(const struct duo_domain_use *u, int test, const struct gate *nearest, char *text, size_t n)
{
    const struct duo_facts *f = u->facts;
    const char *on = known(f->hardware, "this hardware");
    double value = test >= BY_RANGE && test < BY_MARK ? of_use(u, (enum range)(test - BY_RANGE)) : NAN;
    switch (test) {
    case BY_HARDWARE:
        if (*f->class) snprintf(text, n, "no gate covers %s (%s)", on, f->class);
        else snprintf(text, n, "no gate covers %s", on);
        return;
    case BY_RUNTIME: snprintf(text, n, "no gate covers %s on %s", known(f->runtime, "an unnamed runtime"), on); return;
    case BY_QUANT:   snprintf(text, n, "no gate covers %s on %s", known(f->quant, "an unnamed format"), on); return;
    case BY_MARK:
        snprintf(text, n, "gate %s missed its mark (%.3g %%, wanted %.3g %%)", nearest->name, 100 * nearest->error, 100 * nearest->mark);
        return;
    case BY_RANGE + RANGE_gpus:       snprintf(text, n, "no gate covers tensor-parallel %.0f on %s", value, on); return;
    case BY_RANGE + RANGE_parameters:
        if (isnan(value)) { snprintf(text, n, "no gate covers a model of unknown size on %s", on); return; }
        snprintf(text, n, "no gate covers a model of %.3g parameters on %s", value, on);
        return;
    case BY_RANGE + RANGE_batch:      snprintf(text, n, "no gate covers a batch of %.0f on %s", value, on); return;
    case BY_RANGE + RANGE_prompt:     snprintf(text, n, "no gate covers prompts of %.0f tokens on %s", value, on); return;
    default:
        if (isnan(value)) { snprintf(text, n, "no gate covers a run without answers on %s", on); return; }
        snprintf(text, n, "no gate covers answers of %.0f tokens on %s", value, on);
        return;
    }
}

/* "vllm (median error of E2E seconds 4.3 %, of TTFT seconds 4.6 %), ..." */
static void name_gates(const struct duo_domains *d, const bool *left, char *text, size_t n)
{
    const struct gate *before = NULL;
    char all[512] = "";
    for (int i = 0; i < d->n; i++) {
        const struct gate *g = &d->gates[i];
        bool same = before && strcmp(before->name, g->name) == 0;
        size_t used = strlen(all);
        if (!left[i]) continue;
        if (same) snprintf(all + used, sizeof all - used, ", of %s %.3g %%", g->metric, 100 * g->error);
        else snprintf(all + used, sizeof all - used, "%s%s (median error of %s %.3g %%", before ? "), " : "", g->name, g->metric, 100 * g->error);
        before = g;
    }
    snprintf(text, n, "%s)", all);
}

bool duo_domains_inside(const struct duo_domains *d, enum duo_domain_claim claim, const struct duo_domain_use *u, char *text, size_t n)
{
    bool *left = duo_new((size_t)d->n + 1, sizeof *left);
    const struct gate *nearest = NULL;
    bool any = false;
    for (int i = 0; i < d->n; i++) left[i] = d->gates[i].claim == claim;
    for (int test = 0; test < N_TESTS; test++) {
        any = false;
        for (int i = 0; i < d->n; i++) {
            if (!left[i]) continue;
            left[i] = passes(&d->gates[i], u, test);
            if (test < BY_MARK ? left[i] && !any : left[i] || !nearest) nearest = &d->gates[i];
            any |= left[i];
        }
        if (any) continue;
        explain(u, test, nearest, text, n);
        break;
    }
    if (any) name_gates(d, left, text, n);
    free(left);
    return any;
}
