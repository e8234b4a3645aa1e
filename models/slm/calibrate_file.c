/* calibrate_file.c - timings as a table, and the layer of the catalogue that follows from them.  Requirements: calibrate.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "models/slm/calibrate.h"
#include "sim/base/csv.h"
#include "sim/base/json.h"

void duo_timings_add(struct duo_timings *all, const struct duo_timing *t)
{
    if (all->n == all->room) all->at = duo_grow(all->at, (size_t)(all->room = all->room ? 2 * all->room : 16), sizeof *all->at);
    all->at[all->n++] = *t;
}

static bool same_iteration(const struct duo_timing *a, const struct duo_timing *b)
{
    return a->threads == b->threads && a->fresh == b->fresh && a->cached == b->cached && a->iterations == b->iterations && a->kv_bits == b->kv_bits
        && strcmp(a->quant, b->quant) == 0 && strcmp(a->model, b->model) == 0;
}

void duo_timings_merge(struct duo_timings *all, int n)
{
    int kept = n;
    for (int i = n; i < all->n; i++) {
        int j = 0;
        while (j < n && !same_iteration(&all->at[j], &all->at[i])) j++;
        if (j == n) all->at[kept++] = all->at[i];
        else if (all->at[i].seconds < all->at[j].seconds) all->at[j] = all->at[i];
    }
    all->n = kept;
}

void duo_timings_free(struct duo_timings *all)
{
    free(all->at);
    *all = (struct duo_timings) { 0 };
}

/* ---------------------------------------------------------------- samples.csv */

/* X(column, field): numbers, all above 0 but where `least` says otherwise.  X(column, field, whole, least) */
#define COLUMNS(X)                                                                                                                        \
    X(threads, threads, int, 1) X(fresh, fresh, double, 1) X(cached, cached, double, 0) X(logits, logits, double, 0)                       \
    X(iterations, iterations, int, 1) X(seconds, seconds, double, 1e-12) X(spread, spread, double, 1e-6) X(bandwidth, bandwidth, double, 1) \
    X(peak, peak, double, 1) X(op, op, double, 0) X(layer_bits, layer_bits, double, 0.5) X(head_bits, head_bits, double, 0.5)             \
    X(kv_bits, kv_bits, double, 0.5) X(layers, arch.layers, int, 1) X(width, arch.width, int, 1) X(heads, arch.heads, int, 1)             \
    X(kv_heads, arch.kv_heads, int, 1) X(head_dim, arch.head_dim, int, 1) X(ffn, arch.ffn, int, 0) X(vocabulary, arch.vocabulary, int, 1) \
    X(context, arch.context, int, 1) X(tied, arch.tied, bool, 0) X(gated, arch.gated, bool, 0) X(window, arch.window, int, 0)             \
    X(period, arch.period, int, 0)

static void put_number(FILE *f, double x)
{
    char text[32];
    duo_show_double(x, text);
    fprintf(f, ",%s", text);
}

/* Text of a cell; a quote or comma would need quoting, and is never needed in a name. */
static void put_text(FILE *f, const char *text, char before)
{
    if (before) fputc(before, f);
    for (; *text; text++) fputc(strchr(",\"\r\n", *text) ? ' ' : *text, f);
}

static enum duo_status end_file(FILE *f, const char *path, struct duo_err *err)
{
    bool bad = ferror(f) != 0;
    if (fclose(f) != 0 || bad) return duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "could not be written whole: %s", strerror(errno));
    return DUO_OK;
}

enum duo_status duo_timings_write(const struct duo_timings *all, const char *path, struct duo_err *err)
{
    FILE *f = fopen(path, "w");
    if (!f) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    fputs("model,quant,activation", f);
#define X(column, field, type, least) fputs("," #column, f);
    COLUMNS(X)
#undef X
    fputc('\n', f);
    for (int i = 0; i < all->n; i++) {
        const struct duo_timing *t = &all->at[i];
        put_text(f, t->model, 0);
        put_text(f, t->quant, ',');
        put_text(f, t->activation, ',');
#define X(column, field, type, least) put_number(f, (double)t->field);
        COLUMNS(X)
#undef X
        fputc('\n', f);
    }
    return end_file(f, path, err);
}

static enum duo_status read_rows(struct duo_csv *c, struct duo_timings *all, struct duo_err *err)
{
    int model, quant, activation, got;
    DUO_TRY(duo_csv_need(c, "model", &model, err));
    DUO_TRY(duo_csv_need(c, "quant", &quant, err));
    DUO_TRY(duo_csv_need(c, "activation", &activation, err));
#define X(column, field, type, least) int at_##column; DUO_TRY(duo_csv_need(c, #column, &at_##column, err));
    COLUMNS(X)
#undef X
    while ((got = duo_csv_next(c, err)) > 0) {
        struct duo_timing t = { 0 };
        double x;
        snprintf(t.model, sizeof t.model, "%s", duo_csv_cell(c, model));
        snprintf(t.quant, sizeof t.quant, "%s", duo_csv_cell(c, quant));
        snprintf(t.activation, sizeof t.activation, "%s", duo_csv_cell(c, activation));
#define X(column, field, type, least)                                                                                         \
        DUO_TRY(duo_csv_number(c, at_##column, &x, err));                                                                     \
        if (!(x >= (least) && x < 1e18)) return duo_csv_bad(c, at_##column, err, #column " is %g, expected at least %g", x, (double)(least)); \
        if (sizeof(type) < sizeof(double) && x > 1e9) return duo_csv_bad(c, at_##column, err, #column " is %g, which is too large", x);      \
        t.field = (type)x;
        COLUMNS(X)
#undef X
        duo_timings_add(all, &t);
    }
    return got < 0 ? err->status : DUO_OK;
}

enum duo_status duo_timings_read(struct duo_timings *all, const char *path, struct duo_err *err)
{
    struct duo_csv *c;
    struct duo_err own = { 0 };
    DUO_TRY(duo_csv_open(&c, path, ',', err ? err : &own));
    enum duo_status status = read_rows(c, all, err ? err : &own);
    duo_csv_close(c);
    return status;
}

/* ---------------------------------------------------------------- the layer */

/* The device itself has the most threads; fewer threads are devices of their own. */
static void device_name(const struct duo_calibration *c, int i, char *out, size_t n)
{
    if (i == c->n_peaks - 1) snprintf(out, n, "%s", c->name);
    else snprintf(out, n, "%s-%dt", c->name, c->peaks[i].threads);
}

static FILE *open_in(const char *dir, const char *name, char *path, size_t n, struct duo_err *err)
{
    snprintf(path, n, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f) duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    return f;
}

static enum duo_status write_devices(const struct duo_calibration *c, const char *dir, struct duo_err *err)
{
    char path[4096], name[160];
    FILE *f = open_in(dir, "devices.csv", path, sizeof path, err);
    if (!f) return DUO_BAD_INPUT;
    fputs("name,title,class,site,runtime,aliases\n", f);
    for (int i = 0; i < c->n_peaks; i++) {
        device_name(c, i, name, sizeof name);
        put_text(f, name, 0);
        put_text(f, c->title, ',');
        fprintf(f, " with %d thread%s", c->peaks[i].threads, c->peaks[i].threads == 1 ? "" : "s");
        put_text(f, c->class, ',');
        put_text(f, "device", ',');
        put_text(f, c->runtime, ',');
        fputs(",\n", f);
    }
    return end_file(f, path, err);
}

struct row { const char *name, *quantity, *unit, *status; double value, low, high; };     /* low NAN: none */

static void put_row(FILE *f, const struct duo_calibration *c, const struct row *r, const char *source)
{
    if (isnan(r->value)) return;
    put_text(f, r->name, 0);
    put_text(f, r->quantity, ',');
    put_number(f, r->value);
    put_text(f, r->unit, ',');
    put_text(f, r->status, ',');
    if (isnan(r->low)) fputs(",,", f);
    else put_number(f, r->low), put_number(f, r->high);
    put_text(f, source, ',');
    fputs(",,", f);
    put_text(f, c->date, 0);
    fputc('\n', f);
}

static enum duo_status write_hardware(const struct duo_calibration *c, const char *dir, struct duo_err *err)
{
    char path[4096], name[160], source[400];
    FILE *f = open_in(dir, "hardware.csv", path, sizeof path, err);
    if (!f) return DUO_BAD_INPUT;
    fputs("name,quantity,value,unit,status,low,high,source,url,note\n", f);
    const struct duo_device_power *p = &c->power;
    const char *status = p->measured ? "measured" : "assumed";
    for (int i = 0; i < c->n_peaks; i++) {
        const struct duo_peaks *k = &c->peaks[i];
        const char *peaks = c->guessed ? "fitted" : c->peaks_source ? "documented" : "measured";
        double busy = p->idle + (p->load - p->idle) * k->threads / c->peaks[c->n_peaks - 1].threads;
        device_name(c, i, name, sizeof name);
        snprintf(source, sizeof source, "duosim calibrate: %s", c->peaks_source ? c->peaks_source : c->source);
#define ROW(what, unit_, x) put_row(f, c, &(struct row) { name, what, unit_, peaks, (x), c->guessed ? 0.7 * (x) : NAN, 1.4 * (x) }, source)
        ROW("bandwidth", "B/s", k->bandwidth);
        ROW("int8", "FLOP/s", k->int8 > 0 ? k->int8 : NAN);
        ROW("fp32", "FLOP/s", k->fp32 > 0 ? k->fp32 : NAN);
#undef ROW
        put_row(f, c, &(struct row) { name, "memory", "B", c->peaks_source ? "documented" : "measured", c->memory, NAN, NAN }, source);
        put_row(f, c, &(struct row) { name, "idle_watts", "W", status, p->idle, p->measured ? NAN : p->low * p->idle, p->high * p->idle }, p->source);
        put_row(f, c, &(struct row) { name, "load_watts", "W", status, busy, p->measured ? NAN : p->low * busy, p->high * busy }, p->source);
    }
    return end_file(f, path, err);
}

static void put_constant(FILE *f, const struct duo_calibration *c, const struct row *r, const char *quant, const char *note)
{
    char source[400];
    put_text(f, r->name, 0);
    put_text(f, c->runtime, ',');
    put_text(f, quant, ',');
    put_text(f, r->quantity, ',');
    put_number(f, r->value);
    put_text(f, r->unit, ',');
    put_text(f, r->status, ',');
    if (isnan(r->low)) fputs(",,", f);
    else put_number(f, r->low), put_number(f, r->high);
    put_text(f, c->date, ',');
    snprintf(source, sizeof source, "duosim calibrate: %s", c->source);
    put_text(f, source, ',');
    put_text(f, note, ',');
    fputc('\n', f);
}

static void put_fit(FILE *f, const struct duo_calibration *c, const char *name, const char *quant, const struct duo_device_fit *fit)
{
    char note[160], error[48] = "too few for an error";
    if (fit->timings > DUO_FITTED_END) snprintf(error, sizeof error, "median error %.1f %%", 100 * fit->median);
    snprintf(note, sizeof note, "%d timings of %d model%s; %s; interval: 95 %%", fit->timings, fit->models, fit->models == 1 ? "" : "s", error);
    for (int k = 0; k < DUO_FITTED_END; k++)
        put_constant(f, c, &(struct row) { name, duo_fitted[k].name, duo_fitted[k].unit, fit->told[k] ? "fitted" : "assumed", fit->value[k],
                     fmin(fit->low[k], fit->value[k]), fmax(fit->high[k], fit->value[k]) }, quant, fit->told[k] ? note : "the timings don't tell it");
}

/* Each format once. */
static bool new_quant(const struct duo_timings *all, int i, int threads)
{
    if (all->at[i].threads != threads) return false;
    for (int j = 0; j < i; j++)
        if (all->at[j].threads == threads && strcmp(all->at[j].quant, all->at[i].quant) == 0) return false;
    return true;
}

static enum duo_status write_runtimes(const struct duo_calibration *c, const char *dir, FILE *report, struct duo_err *err)
{
    char path[4096], name[160];
    FILE *f = open_in(dir, "runtimes.csv", path, sizeof path, err);
    enum duo_status status = DUO_OK;
    if (!f) return DUO_BAD_INPUT;
    fputs("scope,runtime,quant,quantity,value,unit,status,low,high,date,source,note\n", f);
    for (int i = 0; i < c->n_peaks && status == DUO_OK; i++) {
        device_name(c, i, name, sizeof name);
        bool ours = !c->guessed && !c->peaks_source;
        const char *launch = !ours ? "in those of the layers" : "a piece for each thread and the wait for all";
        put_constant(f, c, &(struct row) { name, "op", "s", ours ? "measured" : "documented", c->peaks[i].op, NAN, NAN }, "", launch);
        put_constant(f, c, &(struct row) { name, "step", "s", "documented", 0, NAN, NAN }, "", "in those of the layers");
        put_constant(f, c, &(struct row) { name, "item", "s", "documented", 0, NAN, NAN }, "", "in those of the layers");
        put_constant(f, c, &(struct row) { name, "sharpness", "1", "documented", 4, NAN, NAN }, "", "the exponent that the others were fitted with");
        for (int t = 0; t < c->timings->n && status == DUO_OK; t++) {
            struct duo_device_fit fit;
            const char *quant = c->timings->at[t].quant;
            if (!new_quant(c->timings, t, c->peaks[i].threads)) continue;
            status = duo_fit_constants(c->timings, quant, c->peaks[i].threads, NULL, &fit, err);
            if (status != DUO_OK) break;
            put_fit(f, c, name, quant, &fit);
            if (!report) continue;
            fprintf(report, "%-8s %2d threads:", quant, c->peaks[i].threads);
            for (int k = 0; k < DUO_FITTED_END; k++)
                fprintf(report, " %s %.3g [%.3g, %.3g]%s", duo_fitted[k].name, fit.value[k], fit.low[k], fit.high[k], fit.told[k] ? "" : " assumed");
            if (fit.timings > DUO_FITTED_END) fprintf(report, "; error %.1f %%, worst %.1f %% of %d\n", 100 * fit.median, 100 * fit.worst, fit.timings);
            else fprintf(report, "; %d timings for %d constants: how far off they are can't be told\n", fit.timings, DUO_FITTED_END);
            if (fit.value[DUO_CONSTANT_stream] > 1.05)               /* more than what measuring the bandwidth may have missed */
                fprintf(report, "%-8s %2d threads: weights come faster than the bandwidth of %.1f GB/s: is it that of this device?\n", quant, c->peaks[i].threads, c->peaks[i].bandwidth * 1e-9);
        }
    }
    enum duo_status end = end_file(f, path, status == DUO_OK ? err : NULL);
    return status == DUO_OK ? end : status;
}

enum duo_status duo_calibration_write(const struct duo_calibration *c, const char *dir, FILE *report, struct duo_err *err)
{
    char path[4096];
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) return duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "%s", strerror(errno));
    DUO_TRY(write_devices(c, dir, err));
    DUO_TRY(write_hardware(c, dir, err));
    DUO_TRY(write_runtimes(c, dir, report, err));
    snprintf(path, sizeof path, "%s/samples.csv", dir);
    return duo_timings_write(c->timings, path, err);
}
