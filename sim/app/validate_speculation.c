/* validate_speculation.c - gate speculation: what drafting gains against the number of requests at once; and gate radio.
 *
 * speculation: published points lie in models/calibration/speculation.csv (vLLM pull request 4978: Medusa heads on an H100).
 *     speed-up(B) = g S(B, 1) / (S(B, k + 1) + k head(B))
 * with S(B, n) the seconds of an iteration of B sequences with n new tokens each, k the draft's length, head(B) the LM head for B rows
 * (each Medusa head ends in one), g the tokens that a verification yields.
 *
 * (1) The report says neither g, nor k, nor the lengths: k is the file's (Medusa's usual five heads), the context CONTEXT, both
 *     assumed; g is taken from the first point alone, and the others are predicted.  That point is not judged.
 * (2) No mark is set: inputs that decide are not known.
 *
 * radio: watts against throughput, fitted to blocks of 100 samples and held against the blocks between; round trips after silence,
 * by the network that they name (models/cost/radio.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/radio.h"
#include "sim/base/csv.h"
#include "sim/app/validate_edge.h"
#include "sim/base/csv.h"
#include "sim/share.h"

enum { CONTEXT = 512 };

struct point { char name[64], hardware[64], model[64], quant[32], source[96]; double draft, concurrency, speedup; };

static enum duo_status read_points(struct point **out, int *n, char *path, size_t size, struct duo_err *err)
{
    static const char *const names[] = { "name", "hardware", "model", "quant", "draft", "concurrency", "speedup", "source" };
    char dir[4000];
    struct duo_csv *csv;
    int column[8], more = 0;
    enum duo_status status = DUO_OK;

    DUO_TRY(duo_share_dir(DUO_SHARE_CALIBRATION, dir, sizeof dir, err));
    snprintf(path, size, "%s/speculation.csv", dir);
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    for (int k = 0; k < 8 && status == DUO_OK; k++) status = duo_csv_need(csv, names[k], &column[k], err);
    while (status == DUO_OK && (more = duo_csv_next(csv, err)) > 0) {
        struct point p = { 0 };
        snprintf(p.name, sizeof p.name, "%s", duo_csv_cell(csv, column[0])), snprintf(p.hardware, sizeof p.hardware, "%s", duo_csv_cell(csv, column[1]));
        snprintf(p.model, sizeof p.model, "%s", duo_csv_cell(csv, column[2])), snprintf(p.quant, sizeof p.quant, "%s", duo_csv_cell(csv, column[3]));
        snprintf(p.source, sizeof p.source, "%s", duo_csv_cell(csv, column[7]));
        status = duo_csv_number(csv, column[4], &p.draft, err);
        if (status == DUO_OK) status = duo_csv_number(csv, column[5], &p.concurrency, err);
        if (status == DUO_OK) status = duo_csv_number(csv, column[6], &p.speedup, err);
        if (status == DUO_OK && !(p.draft >= 1 && p.concurrency >= 1 && p.speedup > 0)) status = duo_csv_bad(csv, column[5], err, "draft, concurrency, speedup above 0 expected");
        *out = duo_grow(*out, (size_t)*n + 1, sizeof **out);
        (*out)[(*n)++] = p;
    }
    if (more < 0) status = DUO_BAD_INPUT;
    duo_csv_close(csv);
    return status;
}

static double iteration(const struct duo_cost *c, double batch, double fresh, double *head)
{
    struct duo_growth g;
    struct duo_load one = c->kind->item(c, fresh, CONTEXT, 0, c->facts.layers, fresh, &g);
    struct duo_load all = { one.items * batch, one.tokens * batch, one.context * batch, one.pairs * batch, one.logits * batch };
    struct duo_terms terms;

    c->kind->explain(c, &all, 0, c->facts.layers, &terms);
    *head = terms.head;
    return c->kind->price(c, &all, 0, c->facts.layers).seconds;
}

static double gain(const struct duo_cost *c, const struct point *p, double tokens)
{
    double head, unused, plain = iteration(c, p->concurrency, 1, &head);
    return tokens * plain / (iteration(c, p->concurrency, p->draft + 1, &unused) + p->draft * head);
}

static enum duo_status judge_points(struct duo_validation *v, const struct point *p, int n, const char *path)
{
    struct duo_err why = { 0 };
    struct duo_cost *cost;
    struct duo_verdict *d;
    double tokens;

    if (duo_cost_new(&cost, v->catalogue, &(struct duo_cost_spec){ .model = p->model, .hardware = p->hardware, .quant = p->quant, .runtime = "vllm", .sequences = 64,
        .budget = 512 }, &why) != DUO_OK)
        return duo_report_note(&v->report, "speculation", "%s: not predicted: %s", p->name, why.text), DUO_OK;
    tokens = p->speedup / gain(cost, p, 1);                                                                      /* (1) */
    d = duo_verdict_new(&v->report, "speculation", p->name, "speed-up", "1", NAN);                               /* (2) */
    snprintf(d->data, sizeof d->data, "%.255s", path);
    snprintf(d->fitted_on, sizeof d->fitted_on, "tokens a verification: %.2f, from concurrency %g alone; draft of %g and context of %d assumed", tokens, p->concurrency, p->draft, CONTEXT);
    snprintf(d->domain, sizeof d->domain, "vLLM on %.40s, %.40s %.16s, draft %g, concurrency 2 to 64", p->hardware, p->model, p->quant, p->draft);
    for (int i = 1; i < n; i++) duo_verdict_add(d, p[i].speedup, gain(cost, &p[i], tokens), "%s, concurrency %g", p->name, p[i].concurrency);
    cost->kind->free(cost);
    return DUO_OK;
}

enum duo_status duo_gate_speculation(struct duo_validation *v, struct duo_err *err)
{
    struct point *p = NULL;
    int n = 0;
    char path[4096];
    enum duo_status status = read_points(&p, &n, path, sizeof path, err);

    for (int i = 0, to; i < n && status == DUO_OK; i = to) {
        for (to = i; to < n && strcmp(p[to].name, p[i].name) == 0; to++) continue;
        status = judge_points(v, p + i, to - i, path);
    }
    free(p);
    return status;
}

/* The radio that a probe of round trips measured, by its first row; NULL: none that ships. */
static enum duo_status probed(const char *path, const char **radio, struct duo_err *err)
{
    struct duo_csv *csv;
    enum duo_status status;
    int column;

    *radio = NULL;
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    status = duo_csv_need(csv, "enabled_radio_type", &column, err);
    if (status == DUO_OK && duo_csv_next(csv, err) > 0) {
        const char *type = duo_csv_cell(csv, column);
        *radio = strcmp(type, "4G-LTE") == 0 ? "lte" : strcmp(type, "5G-NSA-Low-Band") == 0 ? "5g" : NULL;
    }
    duo_csv_close(csv);
    return status;
}

static enum duo_status judge_silence(struct duo_validation *v, const char *path, struct duo_err *err)
{
    struct duo_radio_silence fit;
    struct duo_radio ships;
    const char *radio;
    char name[64];

    DUO_TRY(probed(path, &radio, err));
    DUO_TRY(duo_radio_fit_silence(path, &fit, err));
    duo_report_note(&v->report, "radio", "%s: %d round trips after silence: %.3f s more after %.2f s; median error of rows not fitted on %.0f %%%s", path, fit.rows,
                    fit.promotion_seconds, fit.tail_seconds, 100 * fit.held_out, radio ? "" : "; no radio that ships is of this network");
    if (!radio) return DUO_OK;
    DUO_TRY(duo_radio_find(v->catalogue, radio, NULL, 0, &ships, err));
    snprintf(name, sizeof name, "%s: tail_seconds", radio);
    duo_validate_constant(v, "radio", name, ships.tail_seconds, fit.tail_seconds, 0.95 * fit.tail_seconds, 1.05 * fit.tail_seconds);
    snprintf(name, sizeof name, "%s: promotion_seconds", radio);
    duo_validate_constant(v, "radio", name, ships.promotion_seconds, fit.promotion_seconds, 0.95 * fit.promotion_seconds, 1.05 * fit.promotion_seconds);
    return DUO_OK;
}

enum duo_status duo_gate_radio(struct duo_validation *v, struct duo_err *err)
{
    static const char *const name = "5g-mmwave";
    struct duo_radio_power fit;
    struct duo_radio ships;
    const char *path = v->found.radio;

    for (int i = 0; i < v->found.n_silence; i++) DUO_TRY(duo_report_broken(&v->report, judge_silence(v, v->found.silence[i], err), err));
    if (!path[0]) return duo_report_note(&v->report, "radio", "%s: no samples of radio power below the data folder", v->found.n_silence ? "power" : "skipped"), DUO_OK;
    DUO_TRY(duo_radio_fit_power(path, &fit, err));
    DUO_TRY(duo_radio_find(v->catalogue, name, NULL, 0, &ships, err));
    duo_report_note(&v->report, "radio", "%s: %d samples; median error of blocks from the blocks between them %.1f %%, r2 %.2f", path, fit.rows, 100 * fit.held_out, fit.r2);
    duo_validate_constant(v, "radio", "5g-mmwave: active_watts", ships.active_watts, fit.active_watts, fit.active_watts - 4 * fit.active_error, fit.active_watts + 4 * fit.active_error);
    duo_validate_constant(v, "radio", "5g-mmwave: joules_byte_down", ships.joules_byte_down, fit.joules_byte_down, fit.joules_byte_down - 4 * fit.down_error,
                          fit.joules_byte_down + 4 * fit.down_error);
    return DUO_OK;
}
