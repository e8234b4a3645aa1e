/* columns.c - see columns.h. */
#include "analysis/columns.h"

#include <math.h>
#include <string.h>

static const struct { const char *name; size_t offset; } texts[] = {
#define TEXT(name) { #name, offsetof(struct duo_summary_row, name) },
    DUO_LABEL_TEXTS(TEXT)
};
enum { N_TEXTS = sizeof texts / sizeof *texts };

static const struct { const char *name; enum duo_column_kind kind; } others[] = {
    { "cheats", DUO_COLUMN_CHEATS }, { "seeds", DUO_COLUMN_SEEDS }, { "failed_runs", DUO_COLUMN_FAILED_RUNS }, { "seed", DUO_COLUMN_SEED },
};
enum { N_OTHERS = sizeof others / sizeof *others };

static bool has_interval(int metric) { return metric >= 0 && duo_metric_info[metric].over != 'C'; }

enum duo_status duo_column_find(const char *name, struct duo_column_ref *out, struct duo_err *err)
{
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", name);
    for (int i = 0; i < N_TEXTS; i++)
        if (strcmp(texts[i].name, name) == 0) { out->offset = texts[i].offset; return DUO_OK; }
    for (int i = 0; i < N_OTHERS; i++)
        if (strcmp(others[i].name, name) == 0) { out->kind = others[i].kind; return DUO_OK; }
    out->kind = DUO_COLUMN_METRIC;
    out->metric = duo_metric_find(name);
    if (out->metric >= 0) return DUO_OK;
    out->part = strncmp(name, "low_", 4) == 0 ? DUO_PART_LOW : strncmp(name, "high_", 5) == 0 ? DUO_PART_HIGH : DUO_PART_VALUE;
    if (out->part != DUO_PART_VALUE) out->metric = duo_metric_find(strchr(name, '_') + 1);
    if (has_interval(out->metric)) return DUO_OK;

    const char *all[N_TEXTS + N_OTHERS + DUO_N_METRICS];
    size_t n = 0;
    for (int i = 0; i < N_TEXTS; i++)       all[n++] = texts[i].name;
    for (int i = 0; i < N_OTHERS; i++)      all[n++] = others[i].name;
    for (int i = 0; i < DUO_N_METRICS; i++) all[n++] = duo_metric_info[i].name;
    const char *near = duo_nearest(name, all, n);
    if (near) return duo_fail(err, DUO_BAD_INPUT, "no column %s (did you mean %s?)", name, near);
    return duo_fail(err, DUO_BAD_INPUT, "no column %s", name);
}

double duo_column_number(const struct duo_summary_row *r, const struct duo_column_ref *c)
{
    switch (c->kind) {
    case DUO_COLUMN_TEXT:        return NAN;
    case DUO_COLUMN_CHEATS:      return r->cheats;
    case DUO_COLUMN_SEEDS:       return r->seeds;
    case DUO_COLUMN_FAILED_RUNS: return r->failed_runs;
    case DUO_COLUMN_SEED:        return (double)r->seed;
    case DUO_COLUMN_METRIC:      break;
    }
    return c->part == DUO_PART_LOW ? r->low[c->metric] : c->part == DUO_PART_HIGH ? r->high[c->metric] : r->value[c->metric];
}

const char *duo_column_text(const struct duo_summary_row *r, const struct duo_column_ref *c)
{
    return c->kind == DUO_COLUMN_TEXT ? (const char *)r + c->offset : NULL;
}
