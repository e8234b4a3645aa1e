/* validate_host.c - machines that `duosim calibrate` timed: constants fitted on all models but one predict that one.
 *
 * (1) Timings are any samples.csv below --data DIR; where there is none, those that ship (models/calibration/NAME/samples.csv).
 * (2) A verdict for each format and thread count: median of |predicted / measured - 1| over the timings of every model, each
 *     predicted by constants that never saw it.  The mark is for all of them together: one cell has few timings. */
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/calibrate.h"
#include "sim/app/validate.h"
#include "sim/share.h"

static const double MARK = 0.05;

static const char *phase(const struct duo_timing *t) { return t->fresh > 1 ? "prefill" : "decode"; }

static bool same_cell(const struct duo_timing *a, const struct duo_timing *b)
{
    return a->threads == b->threads && strcmp(a->quant, b->quant) == 0;
}

/* (2): the cell of the timing `first`; -1: all. */
static void judge_cell(struct duo_validation *v, const struct duo_timings *all, int first, const double *predicted, const char *path)
{
    const struct duo_timing *t = first < 0 ? NULL : &all->at[first];
    char group[48] = "all";
    if (t) snprintf(group, sizeof group, "%s, %d thread%s", t->quant, t->threads, t->threads == 1 ? "" : "s");
    struct duo_verdict *d = duo_verdict_new(&v->report, "host", group, "tokens/s", "tok/s", t ? NAN : MARK);
    snprintf(d->data, sizeof d->data, "%s", path);
    snprintf(d->fitted_on, sizeof d->fitted_on, "the other models of this format and thread count");
    snprintf(d->domain, sizeof d->domain, "this machine, %s", group);
    for (int i = t ? first : 0; i < all->n; i++) {
        const struct duo_timing *o = &all->at[i];
        if (isnan(predicted[i]) || (t && !same_cell(o, t))) continue;
        duo_verdict_add(d, o->fresh / o->seconds, o->fresh / predicted[i], "%s %s %g behind %g, %s, %d thread%s", o->model, phase(o), o->fresh > 1 ? o->fresh : (double)o->iterations, o->cached,
                        o->quant, o->threads, o->threads == 1 ? "" : "s");
    }
}

static bool first_of_cell(const struct duo_timings *all, int i)
{
    for (int j = 0; j < i; j++)
        if (same_cell(&all->at[j], &all->at[i])) return false;
    return true;
}

static enum duo_status judge_file(struct duo_validation *v, const char *path, struct duo_err *err)
{
    struct duo_timings all = { 0 };
    struct duo_err few = { 0 };
    enum duo_status status = duo_timings_read(&all, path, err);
    double *predicted = duo_new((size_t)all.n + 1, sizeof *predicted);
    int *fitted_on = duo_new((size_t)all.n + 1, sizeof *fitted_on);
    if (status == DUO_OK && duo_predict_left_out(&all, predicted, fitted_on, &few) != DUO_OK) duo_report_note(&v->report, "host", "skipped: %s: %s", path, few.text);
    else if (status == DUO_OK) {
        judge_cell(v, &all, -1, predicted, path);
        for (int i = 0; i < all.n; i++)
            if (first_of_cell(&all, i) && !isnan(predicted[i])) judge_cell(v, &all, i, predicted, path);
    }
    free(predicted);
    free(fitted_on);
    duo_timings_free(&all);
    return status;
}

/* (1) */
static enum duo_status judge_folder(struct duo_validation *v, const char *folder, const char *form, int *files, struct duo_err *err)
{
    char pattern[4352];
    glob_t found;
    enum duo_status status = DUO_OK;
    snprintf(pattern, sizeof pattern, form, folder);
    if (glob(pattern, 0, NULL, &found) != 0) return DUO_OK;
    for (size_t i = 0; i < found.gl_pathc && status == DUO_OK; i++, (*files)++) status = duo_report_broken(&v->report, judge_file(v, found.gl_pathv[i], err), err);
    globfree(&found);
    return status;
}

enum duo_status duo_gate_host(struct duo_validation *v, struct duo_err *err)
{
    char dir[4096];
    const char *data = v->data;
    int files = 0;
    if (data) DUO_TRY(judge_folder(v, data, "%s/samples.csv", &files, err));
    if (data) DUO_TRY(judge_folder(v, data, "%s/*/samples.csv", &files, err));
    if (data) DUO_TRY(judge_folder(v, data, "%s/*/*/samples.csv", &files, err));
    if (files == 0 && duo_share_dir(DUO_SHARE_CALIBRATION, dir, sizeof dir, NULL) == DUO_OK) DUO_TRY(judge_folder(v, dir, "%s/*/samples.csv", &files, err));
    if (files == 0) duo_report_note(&v->report, "host", "skipped: no samples.csv of duosim calibrate");
    return DUO_OK;
}
