/* validate_decode.c - gate edge-decode: tokens/s of one stream, each device predicted from the others of its family.
 *
 * (1) A row that the shipped constants were fitted to (models/calibration/fitted_rows.csv has its fingerprint) is predicted from a
 *     fit to the rows of the other devices: fit and test rows are never the same.  Any other row is predicted as shipped.
 * (2) A family's constants are few, and none belongs to a device: shares, bytes or weights a cycle, cycles a layer.
 * (3) Rows of a part of a device are in the fits, and judged apart, without a mark.
 * (4) The fit to all rows is held beside what ships; a constant outside the fit's interval is named. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/app/validate_edge.h"
#include "sim/base/csv.h"
#include "sim/share.h"

#define GATE "edge-decode"

static const double SHARPNESS = 3;

/* ---- (1) fingerprints ---- */

static uint64_t fingerprint(const struct duo_perf *p)
{
    char text[512];
    uint64_t h = 14695981039346656037u;

    snprintf(text, sizeof text, "%s|%s|%s|%s|%s|%.6g|%.6g|%.6g|%.6g", p->device, p->runtime, p->backend, p->model, p->quant,
             isnan(p->batch) ? 0 : p->batch, p->gpus, isnan(p->decode) ? 0 : p->decode, isnan(p->prefill) ? 0 : p->prefill);
    for (const char *c = text; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211u;
    return h;
}

static struct { bool read; int n; uint64_t *hash; } fitted;

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void read_fitted(void)
{
    struct duo_csv *csv;
    char dir[4000], path[4096];
    int column;

    fitted.read = true;
    if (duo_share_dir(DUO_SHARE_CALIBRATION, dir, sizeof dir, NULL) != DUO_OK) return;
    snprintf(path, sizeof path, "%s/fitted_rows.csv", dir);
    if (duo_csv_open(&csv, path, ',', NULL) != DUO_OK) return;
    column = duo_csv_find(csv, "fingerprint");
    while (column >= 0 && duo_csv_next(csv, NULL) > 0) {
        fitted.hash = duo_grow(fitted.hash, (size_t)fitted.n + 1, sizeof *fitted.hash);
        fitted.hash[fitted.n++] = strtoull(duo_csv_cell(csv, column), NULL, 16);
    }
    duo_csv_close(csv);
    qsort(fitted.hash, (size_t)fitted.n, sizeof *fitted.hash, by_number);
}

bool duo_edge_fitted(const struct duo_perf *p)
{
    uint64_t h = fingerprint(p);

    if (!fitted.read) read_fitted();
    return fitted.n > 0 && bsearch(&h, fitted.hash, (size_t)fitted.n, sizeof h, by_number);
}

void duo_edge_fingerprints(const struct duo_found *f, FILE *out)
{
    fprintf(out, "fingerprint\n");
    for (int i = 0; i < f->n_perf; i++) fprintf(out, "%016llx\n", (unsigned long long)fingerprint(&f->perf[i]));
}

/* ---- (2) a family's constants ---- */

struct slot { const char *name; double start; };
enum { STREAM };
static const struct slot slots[DUO_FAMILY_END][DUO_FIT_MOST] = {
    [DUO_FAMILY_CUDA]   = { { "stream", 0.9 }, { "issue, 16 bit", 6 }, { "issue, quantized", 7 }, { "layer_cycles, 16 bit", 2e4 },
                            { "layer_cycles, quantized", 9e4 }, { "issue, compiled, times", 1.5 } },
    [DUO_FAMILY_METAL]  = { { "stream", 0.95 }, { "issue, 16 bit", 15 }, { "issue, 8 bit", 13 }, { "issue, blocks of 32", 12 }, { "issue, K and others", 9 },
                            { "layer_cycles, 16 bit", 2.5e5 }, { "layer_cycles, quantized", 2.2e5 } },
    [DUO_FAMILY_CPU]    = { { "stream", 0.8 }, { "issue_weights", 2.5 }, { "issue_weights, packed", 5 }, { "issue_weights, 16 bit", 1.3 }, { "layer_cycles", 7e5 } },
    [DUO_FAMILY_NPU]    = { { "stream", 0.9 }, { "layer, s", 4e-4 } },
    [DUO_FAMILY_JETSON] = { { "stream", 0.9 }, { "layer_cycles, 16 bit", 3e5 }, { "layer_cycles, quantized", 2e5 } },
    [DUO_FAMILY_MCU]    = { { "stream", 0.43 } },
};

/* Where a row finds its constants; -1: the term is not there. */
struct place { int stream, issue, cycles, factor; };

static struct place place_of(const struct duo_edge_row *r)
{
    bool half = r->format == DUO_HALF;

    switch (r->family) {
    case DUO_FAMILY_CUDA:   return (struct place){ STREAM, half ? 1 : 2, half ? 3 : 4, r->compiled ? 5 : -1 };
    case DUO_FAMILY_METAL:  return (struct place){ STREAM, half ? 1 : r->format == DUO_EIGHT ? 2 : r->format == DUO_FOUR ? 3 : 4, half ? 5 : 6, -1 };
    case DUO_FAMILY_CPU:    return (struct place){ r->measured_bandwidth ? -1 : STREAM, half ? 3 : r->packed ? 2 : 1, 4, -1 };
    case DUO_FAMILY_NPU:    return (struct place){ STREAM, -1, 1, -1 };
    case DUO_FAMILY_JETSON: return (struct place){ STREAM, -1, half ? 1 : 2, -1 };
    default:                return (struct place){ STREAM, -1, -1, -1 };
    }
}

static double seconds(const struct duo_edge_row *r, const double *x)
{
    struct place at = place_of(r);
    double clock = r->family == DUO_FAMILY_NPU || isnan(r->clock) ? 1 : r->clock;
    double read = r->bytes / ((at.stream < 0 ? 1 : x[at.stream]) * r->bandwidth);
    double unpack = at.issue < 0 || isnan(r->rate) ? 0 : r->amount / (x[at.issue] * (at.factor < 0 ? 1 : x[at.factor]) * r->rate);

    return cbrt(pow(read, SHARPNESS) + pow(unpack, SHARPNESS)) + (at.cycles < 0 ? 0 : r->layers * x[at.cycles] / clock) +
           r->kv_bytes / (r->attend * r->bandwidth);
}

struct chosen { const struct duo_edge_row *row; const int *index; };
static double predict_one(const void *of, int i, const double *x) { const struct chosen *c = of; return seconds(&c->row[c->index[i]], x); }
static double measured_one(const void *of, int i) { const struct chosen *c = of; return 1 / c->row[c->index[i]].perf->decode; }

/* Fit to the rows of `family` that the shipped constants come from, without device `but` (NULL: all of them). */
static enum duo_status fit_family(const struct duo_edge_row *rows, int n, enum duo_family family, const char *but, struct duo_fit *f, struct duo_err *err)
{
    int *index = duo_new((size_t)n + 1, sizeof *index), m = 0;
    struct chosen c = { rows, index };
    enum duo_status status;

    for (int i = 0; i < n; i++)
        if (rows[i].family == family && duo_edge_fitted(rows[i].perf) && !(but && strcmp(rows[i].perf->device, but) == 0)) index[m++] = i;
    *f = (struct duo_fit){ .elbow = family == DUO_FAMILY_CUDA || family == DUO_FAMILY_METAL ? 0.05 : 0.1, .n = m, .predict = predict_one,
                           .measured = measured_one, .of = &c };
    while (f->p < DUO_FIT_MOST && slots[family][f->p].name) {
        f->start[f->p] = f->x[f->p] = slots[family][f->p].start;
        f->pull[f->p++] = 0.02;
    }
    status = m > 0 ? duo_fit_run(f, err) : DUO_OK;
    f->of = NULL;
    free(index);
    return status;
}

static bool first_of_device(const struct duo_edge_row *rows, int i)
{
    for (int k = 0; k < i; k++)
        if (rows[k].family == rows[i].family && strcmp(rows[k].perf->device, rows[i].perf->device) == 0) return false;
    return true;
}

static bool wanted(const struct duo_perf *p) { return p->single && !isnan(p->decode) && !isnan(p->weight_bytes) && !isnan(p->params) && p->gpus == 1; }

/* Seconds a token of each row (1); shipped[i]: with the constants that ship. */
static enum duo_status predict_all(struct duo_validation *v, const struct duo_edge_row *rows, int n, double *out, bool *shipped, struct duo_err *err)
{
    for (int i = 0; i < n; i++) {
        struct duo_fit f;
        shipped[i] = !duo_edge_fitted(rows[i].perf);
        if (shipped[i]) out[i] = duo_edge_shipped(v, &rows[i]);
        if (!first_of_device(rows, i)) continue;
        DUO_TRY(fit_family(rows, n, rows[i].family, rows[i].perf->device, &f, err));
        if (f.n == 0 && duo_edge_fitted(rows[i].perf))
            duo_edge_note(v, GATE, "rows of %s: no other %s among these to learn from, so round numbers stand for its constants", rows[i].perf->title, duo_family_text(rows[i].family));
        for (int k = 0; k < n; k++)
            if (rows[k].family == rows[i].family && strcmp(rows[k].perf->device, rows[i].perf->device) == 0 && duo_edge_fitted(rows[k].perf))
                out[k] = seconds(&rows[k], f.x);
    }
    return DUO_OK;
}

/* Of rows that another gate chose, from fits to all rows of edge-decode. */
enum duo_status duo_edge_decode_seconds(struct duo_validation *v, const struct duo_edge_row *rows, int n, double *out, struct duo_err *err)
{
    struct duo_edge_row *all;
    int n_all = duo_edge_rows(v, GATE, wanted, &all);
    double *seconds_of = duo_new((size_t)n_all + 1, sizeof *seconds_of);
    bool *shipped = duo_new((size_t)n_all + 1, sizeof *shipped);
    enum duo_status status = predict_all(v, all, n_all, seconds_of, shipped, err);

    for (int i = 0; i < n; i++) {
        out[i] = NAN;
        for (int k = 0; k < n_all; k++)
            if (all[k].perf == rows[i].perf) out[i] = seconds_of[k];
    }
    free(all), free(seconds_of), free(shipped);
    return status;
}

/* ---- (4) ---- */

/* A row of the family with that slot, for what ships. */
static double shipped_value(const struct duo_validation *v, const struct duo_edge_row *rows, int n, enum duo_family family, int slot)
{
    for (int i = 0; i < n; i++) {
        struct duo_value k[DUO_KEYS];
        struct place at = place_of(&rows[i]);
        if (rows[i].family != family || !rows[i].hardware || at.factor >= 0) continue;
        duo_catalogue_constants(v->catalogue, rows[i].hardware, rows[i].runtime, rows[i].quant, k);
        if (slot == at.stream) return k[DUO_KEY_stream].value;
        if (slot == at.issue)  return family == DUO_FAMILY_CPU ? k[DUO_KEY_issue_weights].value : k[DUO_KEY_issue].value;
        if (slot == at.cycles) return family == DUO_FAMILY_NPU ? k[DUO_KEY_layer].value : k[DUO_KEY_layer_cycles].value;
    }
    return NAN;
}

void duo_validate_constant(struct duo_validation *v, const char *gate, const char *name, double shipped, double refit, double low, double high)
{
    bool out = !isnan(shipped) && (shipped < low || shipped > high);

    if (v->fit || out)
        duo_report_note(&v->report, gate, "%s: ships as %.4g, the refit to all rows gives %.4g (%.4g to %.4g)%s", name, shipped, refit, low, high,
                        out ? ": OUTSIDE" : "");
}

static enum duo_status hold_constants(struct duo_validation *v, const struct duo_edge_row *rows, int n, struct duo_err *err)
{
    for (int family = 0; family < DUO_FAMILY_END; family++) {
        struct duo_fit f;
        DUO_TRY(fit_family(rows, n, (enum duo_family)family, NULL, &f, err));
        for (int k = 0; f.n > 0 && k < f.p; k++) {
            char name[96];
            snprintf(name, sizeof name, "%s: %s", duo_family_text((enum duo_family)family), slots[family][k].name);
            duo_validate_constant(v, GATE, name, shipped_value(v, rows, n, (enum duo_family)family, k), f.x[k], f.low[k], f.high[k]);
        }
    }
    return DUO_OK;
}

/* ---- the gate ---- */

static double mark_of(const char *class)
{
    static const struct { const char *class; double mark; } marks[] = {
        { "apple", 0.05 }, { "desktop-gpu", 0.08 }, { "laptop", 0.12 }, { "phone", 0.18 }, { "sbc", 0.35 }
    };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcmp(marks[i].class, class) == 0) return marks[i].mark;
    return NAN;
}

static struct duo_verdict *verdict_of(struct duo_report *r, const char *group, const char *class, bool whole, const char *data)
{
    struct duo_verdict *v;

    for (int i = 0; i < r->n; i++)
        if (strcmp(r->verdict[i]->gate, GATE) == 0 && strcmp(r->verdict[i]->group, group) == 0 && strcmp(r->verdict[i]->data, data) == 0) return r->verdict[i];
    v = duo_verdict_new(r, GATE, group, "decode tokens/s", "1/s", whole ? mark_of(class) : NAN);
    snprintf(v->data, sizeof v->data, "%s", data);
    return v;
}

enum duo_status duo_gate_edge_decode(struct duo_validation *v, struct duo_err *err)
{
    struct duo_edge_row *rows;
    int n = duo_edge_rows(v, GATE, wanted, &rows);
    double *predicted = duo_new((size_t)n + 1, sizeof *predicted);
    bool *shipped = duo_new((size_t)n + 1, sizeof *shipped);
    enum duo_status status = predict_all(v, rows, n, predicted, shipped, err);

    if (n == 0) duo_report_note(&v->report, GATE, "skipped: no table with single streams below the data folder");
    for (int i = 0; i < n && status == DUO_OK; i++) {
        const struct duo_perf *p = rows[i].perf;
        struct duo_verdict *d;
        char group[48];
        if (isnan(predicted[i])) {
            duo_edge_note(v, GATE, "rows of %s (class %s) are not predicted: no constants for them", p->title, p->class);
            continue;
        }
        snprintf(group, sizeof group, "%s%s", p->class, p->whole ? "" : ", part of a chip");
        d = verdict_of(&v->report, group, p->class, p->whole, p->file);
        snprintf(d->domain, sizeof d->domain, "one stream, %s, llama.cpp and its like", p->class);
        if (!d->fitted_on[0]) snprintf(d->fitted_on, sizeof d->fitted_on, "%s", shipped[i] ? "other tables (as shipped)" : "the other devices of its family, device by device");
        duo_verdict_add(d, p->decode, 1 / predicted[i], "%s, %s, %s %s, %s%s", p->device, p->runtime, p->model, p->quant, p->backend, shipped[i] ? " (as shipped)" : "");
        d->cases[d->n - 1].inside = shipped[i];
    }
    if (status == DUO_OK && n > 0) status = hold_constants(v, rows, n, err);
    free(rows), free(predicted), free(shipped);
    return status;
}
