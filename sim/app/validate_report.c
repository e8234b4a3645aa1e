/* validate_report.c - verdicts: errors, misses on top, as text and as JSON.
 *
 * (1) error = predicted / measured - 1; a group is judged by the median of its absolute values.
 * (2) Held: at most the mark.  Where no mark is set nothing is held or missed.
 * (3) Percentiles interpolate linearly (Hyndman and Fan 1996, type 7).
 * (4) Keys of the JSON are those that are documented; a number that is not known is null. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/stats.h"
#include "sim/app/validate.h"
#include "sim/base/json.h"

double duo_case_error(const struct duo_case *c) { return c->predicted / c->measured - 1; }

double duo_median(double *values, int n)
{
    duo_sort(values, (size_t)n);
    return duo_quantile(values, (size_t)n, 0.5);
}

struct duo_verdict *duo_verdict_new(struct duo_report *r, const char *gate, const char *group, const char *metric, const char *unit, double mark)
{
    struct duo_verdict *v = duo_new(1, sizeof *v);

    if (r->n == r->room) r->verdict = duo_grow(r->verdict, (size_t)(r->room = r->room ? 2 * r->room : 16), sizeof *r->verdict);
    r->verdict[r->n++] = v;
    v->gate = gate;
    v->mark = mark;
    v->median = v->p90 = v->bias = NAN;
    snprintf(v->group,  sizeof v->group,  "%s", group);
    snprintf(v->metric, sizeof v->metric, "%s", metric);
    snprintf(v->unit,   sizeof v->unit,   "%s", unit);
    return v;
}

void duo_verdict_add(struct duo_verdict *v, double measured, double predicted, const char *fmt, ...)
{
    struct duo_case *c;
    va_list list;

    if (v->n == v->room) v->cases = duo_grow(v->cases, (size_t)(v->room = v->room ? 2 * v->room : 32), sizeof *v->cases);
    c = &v->cases[v->n++];
    *c = (struct duo_case){ .measured = measured, .predicted = predicted };
    va_start(list, fmt);
    vsnprintf(c->what, sizeof c->what, fmt, list);
    va_end(list);
}

void duo_report_note(struct duo_report *r, const char *gate, const char *fmt, ...)
{
    struct duo_note *note;
    va_list list;

    if (r->n_notes == r->notes_room) r->note = duo_grow(r->note, (size_t)(r->notes_room = r->notes_room ? 2 * r->notes_room : 16), sizeof *r->note);
    note = &r->note[r->n_notes++];
    note->gate = gate;
    va_start(list, fmt);
    vsnprintf(note->text, sizeof note->text, fmt, list);
    va_end(list);
}

enum duo_status duo_report_broken(struct duo_report *r, enum duo_status status, struct duo_err *err)
{
    if (status != DUO_BAD_INPUT) return status;
    r->broken = duo_grow(r->broken, (size_t)r->n_broken + 1, sizeof *r->broken);
    r->broken[r->n_broken++] = *err;
    *err = (struct duo_err){ 0 };
    return DUO_OK;
}

static int by_error(const void *a, const void *b)
{
    const struct duo_case *x = a, *y = b;
    double ex = fabs(duo_case_error(x)), ey = fabs(duo_case_error(y));

    if (ex != ey) return ex < ey ? 1 : -1;
    return strcmp(x->what, y->what);
}

void duo_report_close(struct duo_report *r)
{
    for (int i = 0; i < r->n; i++) {
        struct duo_verdict *v = r->verdict[i];
        double *size, *error;

        if (v->n == 0) continue;
        size = duo_new((size_t)v->n, sizeof *size), error = duo_new((size_t)v->n, sizeof *error);
        for (int k = 0; k < v->n; k++) error[k] = duo_case_error(&v->cases[k]), size[k] = fabs(error[k]);
        v->median = duo_median(size, v->n);                                                                 /* (1), (3) */
        v->p90    = duo_quantile(size, (size_t)v->n, 0.9);
        v->bias   = duo_median(error, v->n);
        free(size), free(error);
        qsort(v->cases, (size_t)v->n, sizeof *v->cases, by_error);
    }
}

static bool held(const struct duo_verdict *v) { return v->median <= v->mark; }                               /* (2) */

int duo_report_missed(const struct duo_report *r)
{
    int missed = 0;

    for (int i = 0; i < r->n; i++) missed += r->verdict[i]->n > 0 && !isnan(r->verdict[i]->mark) && !held(r->verdict[i]);
    return missed;
}

static const char *word(const struct duo_verdict *v) { return isnan(v->mark) ? "no mark" : held(v) ? "held" : "MISSED"; }

static void print_head(const struct duo_verdict *v, FILE *out)
{
    fprintf(out, "%-13s %-26s %-18s %5d  %6.1f %%  %6.1f %%  %+6.1f %%  ", v->gate, v->group, v->metric, v->n, 100 * v->median, 100 * v->p90, 100 * v->bias);
    if (isnan(v->mark)) fprintf(out, "     -  ");
    else fprintf(out, "%4.0f %%  ", 100 * v->mark);
    fprintf(out, "%s\n", word(v));
}

static void print_rows(const struct duo_verdict *v, FILE *out)
{
    fprintf(out, "\n%s, %s: %s, %s\n", v->gate, v->group, v->metric, v->data);
    if (v->fitted_on[0]) fprintf(out, "  constants from: %s\n", v->fitted_on);
    if (v->domain[0]) fprintf(out, "  domain: %s\n", v->domain);
    fprintf(out, "  %-78s %12s %12s %9s\n", "", "measured", "predicted", "error");
    for (int k = 0; k < v->n; k++) {
        const struct duo_case *c = &v->cases[k];
        fprintf(out, "  %-78s %12.5g %12.5g %+8.1f %%\n", c->what, c->measured, c->predicted, 100 * duo_case_error(c));
    }
}

void duo_report_print(const struct duo_report *r, FILE *out, bool rows)
{
    if (r->n > 0)
        fprintf(out, "%-13s %-26s %-18s %5s  %8s  %8s  %8s  %6s  %s\n", "gate", "group", "metric", "rows", "median", "p90", "bias", "mark", "");
    for (int pass = 0; pass < 2; pass++)                               /* misses on top */
        for (int i = 0; i < r->n; i++) {
            const struct duo_verdict *v = r->verdict[i];
            bool miss = v->n > 0 && !isnan(v->mark) && !held(v);
            if (v->n > 0 && miss == (pass == 0)) print_head(v, out);
        }
    if (r->n_notes > 0) fputc('\n', out);
    for (int i = 0; i < r->n_notes; i++) fprintf(out, "%s: %s\n", r->note[i].gate, r->note[i].text);
    for (int i = 0; rows && i < r->n; i++)
        if (r->verdict[i]->n > 0) print_rows(r->verdict[i], out);
}

/* (4) */
static void json_verdict(const struct duo_verdict *v, struct duo_json *j)
{
    duo_json_open(j, '{');
    duo_json_key(j, "gate"),         duo_json_text(j, v->gate);
    duo_json_key(j, "group"),        duo_json_text(j, v->group);
    duo_json_key(j, "data"),         duo_json_text(j, v->data);
    duo_json_key(j, "rows"),         duo_json_number(j, v->n);
    duo_json_key(j, "fitted_on"),    duo_json_text(j, v->fitted_on);
    duo_json_key(j, "metric"),       duo_json_text(j, v->metric);
    duo_json_key(j, "unit"),         duo_json_text(j, v->unit);
    duo_json_key(j, "median_error"), duo_json_number(j, v->median);
    duo_json_key(j, "p90_error"),    duo_json_number(j, v->p90);
    duo_json_key(j, "bias"),         duo_json_number(j, v->bias);
    duo_json_key(j, "mark"),         duo_json_number(j, v->mark);
    duo_json_key(j, "held");
    if (isnan(v->mark)) duo_json_null(j);
    else duo_json_bool(j, held(v));
    duo_json_key(j, "domain"),       duo_json_text(j, v->domain);
    duo_json_key(j, "misses"),       duo_json_open(j, '[');
    for (int k = 0; k < v->n; k++) {
        const struct duo_case *c = &v->cases[k];
        duo_json_open(j, '{');
        duo_json_key(j, "what"),      duo_json_text(j, c->what);
        duo_json_key(j, "measured"),  duo_json_number(j, c->measured);
        duo_json_key(j, "predicted"), duo_json_number(j, c->predicted);
        duo_json_key(j, "error"),     duo_json_number(j, duo_case_error(c));
        duo_json_close(j);
    }
    duo_json_close(j);
    duo_json_close(j);
}

void duo_report_json(const struct duo_report *r, FILE *out)
{
    struct duo_json j;

    duo_json_init(&j, out);
    duo_json_open(&j, '{');
    duo_json_key(&j, "gates"), duo_json_open(&j, '[');
    for (int i = 0; i < r->n; i++)
        if (r->verdict[i]->n > 0) json_verdict(r->verdict[i], &j);
    duo_json_close(&j);
    duo_json_key(&j, "notes"), duo_json_open(&j, '[');
    for (int i = 0; i < r->n_notes; i++) {
        duo_json_open(&j, '{');
        duo_json_key(&j, "gate"), duo_json_text(&j, r->note[i].gate);
        duo_json_key(&j, "text"), duo_json_text(&j, r->note[i].text);
        duo_json_close(&j);
    }
    duo_json_close(&j);
    duo_json_close(&j);
    duo_json_end(&j);
}

void duo_report_free(struct duo_report *r)
{
    for (int i = 0; i < r->n; i++) free(r->verdict[i]->cases), free(r->verdict[i]);
    free(r->verdict), free(r->note), free(r->broken);
}
