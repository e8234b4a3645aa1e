/* table.c - see table.h. */
#include "analysis/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"
#include "analysis/columns.h"
#include "analysis/grid.h"
#include "analysis/perturb.h"
#include "sim/base/json.h"

static const char usual[] = "label,quality,cloud_share,ttft_p50,ttft_p99,e2e_p50,e2e_p99,joules_device_radio,dollars,failed";

/* (2) Keys are added, never renamed. */
static const char program[] =
    "variant,policy,label,params,cheats,seeds,requests,answered,failed,pending,quality,quality_answered,gain_over_mix,"
    "oracle_share,cloud_share,ttft_mean,ttft_p50,ttft_p99,tpot_mean,itl_p50,e2e_mean,e2e_p50,e2e_p99,joules_device,"
    "joules_radio,joules_cloud,dollars,dollars_regime,bytes_up,bytes_down,wasted_tokens,wasted_joules,slo_share,net,"
    "answers,provenance_time,provenance_energy,provenance_money,provenance_quality,grams,rests_on,domain";

enum duo_status duo_table_format_find(const char *name, enum duo_table_format *out, struct duo_err *err)
{
    static const char *const words[] = {
#define WORD(format, word) #word,
        DUO_TABLE_FORMATS(WORD)
    };
    for (int i = 0; i < DUO_TABLE_FORMAT_END; i++)
        if (strcmp(words[i], name) == 0) { *out = (enum duo_table_format)i; return DUO_OK; }
    return duo_fail(err, DUO_BAD_INPUT, "no table format %s: text, markdown, csv, json, latex, html", name);
}

/* ---- columns */
struct chosen { int n; struct duo_column_ref *at; };

static bool for_programs(enum duo_table_format f) { return f == DUO_TABLE_JSON || f == DUO_TABLE_CSV; }

static enum duo_status add_column(struct chosen *c, const char *name, struct duo_err *err)
{
    c->at = duo_grow(c->at, (size_t)c->n + 1, sizeof *c->at);
    return duo_column_find(name, &c->at[c->n++], err);
}

static bool has_interval(const struct duo_column_ref *c)
{
    return c->kind == DUO_COLUMN_METRIC && c->part == DUO_PART_VALUE && duo_metric_info[c->metric].over != 'C';
}

static enum duo_status choose(struct chosen *c, const struct duo_table_spec *spec, struct duo_err *err)
{
    bool  programs = for_programs(spec->format), own = spec->columns && *spec->columns;
    char *list = duo_copy(own ? spec->columns : programs ? program : usual), *rest = list;
    enum duo_status status = DUO_OK;
    *c = (struct chosen){ 0 };
    for (char *name; status == DUO_OK && (name = strsep(&rest, ",")) != NULL;) {
        while (*name == ' ') name++;
        name[strcspn(name, " ")] = 0;
        if (!*name) continue;
        status = add_column(c, name, err);
        if (status != DUO_OK || !programs || own) continue;
        struct duo_column_ref last = c->at[c->n - 1];
        char bound[64];
        if (spec->by_seed && last.kind == DUO_COLUMN_SEEDS) status = add_column(c, "seed", err);
        if (!has_interval(&last)) continue;
        snprintf(bound, sizeof bound, "low_%s", last.name);
        status = add_column(c, bound, err);
        snprintf(bound, sizeof bound, "high_%s", last.name);
        if (status == DUO_OK) status = add_column(c, bound, err);
    }
    free(list);
    return status;
}

/* ---- cells for reading */
/* Three digits, never an exponent. */
static void three(double value, char *out, size_t n)
{
    if (isnan(value)) { snprintf(out, n, "-"); return; }
    double size = fabs(value);
    int decimals = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.09995 ? 3
                 : size >= 0.009995 ? 4 : size >= 0.0009995 ? 5 : 6;
    snprintf(out, n, "%.*f", decimals, value);
}

static double scale_of(int metric)
{
    if (metric == DUO_M_dollars) return 1000;
    switch (metric) {
    case DUO_M_cloud_share: case DUO_M_oracle_share: case DUO_M_slo_share: case DUO_M_slo_ttft: case DUO_M_slo_e2e: case DUO_M_slo_tpot:
        return 100;
    default: return 1;
    }
}

static bool is_quality(int metric)
{
    return metric == DUO_M_quality || metric == DUO_M_quality_answered || metric == DUO_M_gain_over_mix || metric == DUO_M_oracle_share;
}

static void number(const struct duo_column_ref *c, double value, char *out, size_t n)
{
    bool quality = is_quality(c->metric) && c->metric != DUO_M_oracle_share;
    if (isnan(value))                          snprintf(out, n, "-");
    else if (duo_metric_info[c->metric].over == 'C') snprintf(out, n, "%.10g", round(value * 100) / 100);
    else if (quality)                          snprintf(out, n, "%.3f", value == 0 ? 0.0 : value);
    else if (scale_of(c->metric) == 100)       snprintf(out, n, "%.1f", 100 * value);
    else                                       three(value * scale_of(c->metric), out, n);
    if (!isnan(value) && out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1)) memmove(out, out + 1, strlen(out));
}

static void cell(const struct duo_summary_row *r, const struct duo_column_ref *c, bool interval, char *out, size_t n)
{
    char value[48], low[48], high[48];
    const char *text = duo_column_text(r, c);
    if (text) {
        bool star = r->cheats && strcmp(c->name, "label") == 0;
        snprintf(out, n, "%s%s", *text || strcmp(c->name, "params") == 0 || strcmp(c->name, "variant") == 0 ? text : "-", star ? "*" : "");
        return;
    }
    if (c->kind != DUO_COLUMN_METRIC) {
        snprintf(out, n, "%.0f", duo_column_number(r, c));
        return;
    }
    number(c, duo_column_number(r, c), value, sizeof value);
    bool brackets = is_quality(c->metric) && duo_summary_assumed(r) && !isnan(duo_column_number(r, c));
    if (interval && has_interval(c) && !isnan(r->low[c->metric])) {
        number(c, r->low[c->metric], low, sizeof low);
        number(c, r->high[c->metric], high, sizeof high);
        snprintf(out, n, brackets ? "(%s [%s, %s])" : "%s [%s, %s]", value, low, high);
    } else {
        snprintf(out, n, brackets ? "(%s)" : "%s", value);
    }
}

/* ---- what is real */
static const char *const statuses[] = { "measured", "recorded", "documented", "fitted", "assumed" };
enum { N_STATUSES = sizeof statuses / sizeof *statuses };

static int weakness(const char *status)
{
    for (int i = 0; i < N_STATUSES; i++)
        if (strcmp(status, statuses[i]) == 0) return i;
    return -1;
}

static const char *weakest(const struct duo_summary *s, size_t offset)
{
    const char *worst = "not known";
    for (int i = 0; i < s->n; i++) {
        const char *status = (const char *)&s->rows[i] + offset;
        if (s->rows[i].seeds && (weakness(status) > weakness(worst))) worst = status;
    }
    return worst;
}

/* What a metric's numbers rest on; counts and bytes on nothing but what was asked for. */
static const char *rests_on(const struct duo_summary *s, int metric)
{
    switch (metric) {
    case DUO_M_quality: case DUO_M_quality_answered: case DUO_M_gain_over_mix: case DUO_M_oracle_share:
        return weakest(s, offsetof(struct duo_summary_row, provenance_quality));
    case DUO_M_joules_device: case DUO_M_joules_radio: case DUO_M_joules_cloud: case DUO_M_joules_device_radio: case DUO_M_wasted_joules:
    case DUO_M_grams:
        return weakest(s, offsetof(struct duo_summary_row, provenance_energy));
    case DUO_M_dollars:
        for (int i = 0; i < s->n; i++)
            if (strcmp(s->rows[i].dollars_regime, "none") != 0) return weakest(s, offsetof(struct duo_summary_row, provenance_money));
        return "";
    case DUO_M_cloud_share: case DUO_M_rounds: case DUO_M_wasted_tokens:
        return weakest(s, offsetof(struct duo_summary_row, provenance_signals));
    case DUO_M_slo_share: case DUO_M_slo_ttft: case DUO_M_slo_e2e: case DUO_M_slo_tpot:
        return weakest(s, offsetof(struct duo_summary_row, provenance_time));
    default: return strcmp(duo_metric_info[metric].unit, "s") == 0 ? weakest(s, offsetof(struct duo_summary_row, provenance_time)) : "";
    }
}

/* "E2E p50 s^a", with the status's first letter as its mark. */
static void title(const struct duo_summary *s, const struct duo_column_ref *c, char *out, size_t n)
{
    static const char *const parts[] = { "", "low ", "high " };
    if (c->kind != DUO_COLUMN_METRIC) {
        snprintf(out, n, "%s", c->name);
        return;
    }
    const struct duo_metric_info *i = &duo_metric_info[c->metric];
    const char *status = rests_on(s, c->metric), *part = parts[c->part];
    char mark[4] = "";
    if (weakness(status) >= 0) snprintf(mark, sizeof mark, "^%c", *status);
    if (c->metric == DUO_M_dollars)          snprintf(out, n, "%s$ per 1,000%s", part, mark);
    else if (scale_of(c->metric) == 100)     snprintf(out, n, "%s%s %%%s", part, i->title, mark);
    else if (strcmp(i->unit, "s") == 0)      snprintf(out, n, "%s%s s%s", part, i->title, mark);
    else                                     snprintf(out, n, "%s%s%s", part, i->title, mark);
}

/* "^a assumed, ^f fitted: ...", of the columns that are there. */
static void legend(const struct duo_summary *s, const struct chosen *c, char *out, size_t n)
{
    bool there[N_STATUSES] = { false };
    *out = 0;
    for (int k = 0; k < c->n; k++) {
        int w = c->at[k].kind == DUO_COLUMN_METRIC ? weakness(rests_on(s, c->at[k].metric)) : -1;
        if (w >= 0) there[w] = true;
    }
    for (int w = N_STATUSES - 1; w >= 0; w--)
        if (there[w]) snprintf(out + strlen(out), n - strlen(out), "%s^%c %s", *out ? ", " : "", *statuses[w], statuses[w]);
    if (*out)
        snprintf(out + strlen(out), n - strlen(out), ": the weakest of what a column rests on (measured > recorded > documented > fitted > assumed)");
}

/* Each different text once. */
static void distinct(FILE *out, const struct duo_summary *s, size_t offset)
{
    int shown = 0;
    for (int i = 0; i < s->n; i++) {
        const char *text = (const char *)&s->rows[i] + offset;
        bool first = *text != 0;
        for (int k = 0; k < i; k++) first &= strcmp((const char *)&s->rows[k] + offset, text) != 0;
        if (first) fprintf(out, "%s%s", shown++ ? ", " : "", text);
    }
    if (!shown) fputs("not known", out);
}

/* What the dollars mean, each part once: "gpu seconds used + data $5/GB". */
static void regimes(FILE *out, const struct duo_summary *s)
{
    const char *seen[32];
    int n = 0;
    for (int i = 0; i < s->n; i++)
        for (const char *part = s->rows[i].dollars_regime; *part;) {
            const char *end = strstr(part, " + ");
            size_t length = end ? (size_t)(end - part) : strlen(part);
            bool first = n < 32;
            for (int k = 0; k < n; k++) first &= strncmp(seen[k], part, length) != 0 || (seen[k][length] && strncmp(seen[k] + length, " + ", 3) != 0);
            if (first) fprintf(out, "%s%.*s", n ? "; " : "", (int)length, part), seen[n++] = part;
            part += length + (end ? 3 : 0);
        }
    if (!n) fputs("not known", out);
}

void duo_table_provenance(FILE *out, const struct duo_summary *s)
{
    fputs("answers: ", out);
    distinct(out, s, offsetof(struct duo_summary_row, answers));
    fprintf(out, " | times: %s", weakest(s, offsetof(struct duo_summary_row, provenance_time)));
    fprintf(out, " | energy: %s", weakest(s, offsetof(struct duo_summary_row, provenance_energy)));
    fprintf(out, " | money: %s (", weakest(s, offsetof(struct duo_summary_row, provenance_money)));
    regimes(out, s);
    fputs(") | network: ", out);
    distinct(out, s, offsetof(struct duo_summary_row, net));
}

/* The pieces behind `head` in texts like "outside: a; b | inside: c", each once, in a line of their own. */
static void pieces(FILE *out, const struct duo_summary *s, size_t offset, const char *head, const char *says)
{
    char seen[8192] = "";
    for (int i = 0; i < s->n; i++) {
        const char *text = (const char *)&s->rows[i] + offset;
        const char *second = strstr(text, " | ");
        if (strncmp(text, head, strlen(head)) != 0) text = second ? second + 3 : "";
        if (strncmp(text, head, strlen(head)) != 0) continue;
        char *copy = duo_copy(text + strlen(head)), *rest = copy, *bar = strstr(copy, " | ");
        if (bar) *bar = 0;
        for (char *piece; (piece = strsep(&rest, ";"));) {
            while (*piece == ' ') piece++;
            if (!*piece || strstr(seen, piece)) continue;
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s%s", *seen ? "; " : "", piece);
        }
        free(copy);
    }
    if (*seen) fprintf(out, "%s%s\n", says, seen);
}

static void vouch(FILE *out, const struct duo_summary *s)
{
    pieces(out, s, offsetof(struct duo_summary_row, rests_on), "", "times rest on: ");
    pieces(out, s, offsetof(struct duo_summary_row, domain), "inside: ", "validated: ");
    pieces(out, s, offsetof(struct duo_summary_row, domain), "outside: ", "outside every validated domain: ");
}

/* Of answers by models in others' place ("edge as qwen2.5-0.5b"). */
static bool in_place_of(const struct duo_summary *s)
{
    bool there = false;
    for (int i = 0; i < s->n; i++) there |= strstr(s->rows[i].answers, " as ") != NULL;
    return there;
}

/* Whose answers, whose seconds: under every table that is for reading.  `list`: with the names, where they don't stand above. */
static void whose(const struct duo_summary *s, bool list, char *out, size_t n)
{
    size_t used = 0;
    *out = 0;
    if (!in_place_of(s)) return;
    for (int i = 0; i < s->n && list && used < n; i++) {
        bool first = true;
        for (int k = 0; k < i; k++) first &= strcmp(s->rows[k].answers, s->rows[i].answers) != 0;
        if (first) used += (size_t)snprintf(out + used, n - used, "%s%s", used ? "; " : "Answers: ", s->rows[i].answers);
    }
    if (used < n) snprintf(out + used, n - used, "%sTexts, quality and acceptance are those of the models before \"as\"; seconds, joules, bytes and $ those of the models "
                           "behind it, a token for a token, on the hardware that the scenario names. Quality and acceptance do not transfer from the ones to the others.", used ? ". " : "");
}

/* ---- below the table */
static void foot(FILE *out, const struct duo_summary *s, const struct chosen *c, const struct duo_table_spec *spec)
{
    char marks[300];
    legend(s, c, marks, sizeof marks);
    bool cheats = false, assumed = false, intervals = false, reserved = false;
    int  low = 0, high = 0;
    for (int i = 0; i < s->n; i++) {
        const struct duo_summary_row *r = &s->rows[i];
        cheats |= r->cheats;
        assumed |= r->seeds && duo_summary_assumed(r);
        reserved |= strstr(r->dollars_regime, "reserved") != NULL;
        intervals |= !isnan(r->low[DUO_M_quality]) || !isnan(r->low[DUO_M_e2e_mean]);
        low  = !low || r->seeds < low ? r->seeds : low;
        high = r->seeds > high ? r->seeds : high;
    }
    if (cheats)  fputs("* knows the truth: no deployed policy can do that\n", out);
    if (assumed) fputs("(quality in brackets: no real model's answers)\n", out);
    if (*marks)  fprintf(out, "%s\n", marks);
    fputs("Quality, shares, J and $ are over all requests that arrived, failed and pending ones with quality 0; times over the answered.\n", out);
    char models[2048];
    whose(s, false, models, sizeof models);
    if (*models) fprintf(out, "%s\n", models);
    if (reserved) fputs("$ under reservation: all replicas, used or not, are on all requests, whoever answered them.\n", out);
    if (intervals && !spec->by_seed) {
        fputs("[low, high]: 95 %, two-level bootstrap (seeds, then sessions or questions), ", out);
        if (low == high) fprintf(out, "%d seed%s.\n", high, high == 1 ? "" : "s");
        else             fprintf(out, "%d to %d seeds.\n", low, high);
    }
    for (int i = 0; i < s->n_failed; i++) {
        const struct duo_failed_run *f = &s->failed[i];
        if (spec->variant && strcmp(spec->variant, f->variant) != 0) continue;
        fprintf(out, "run failed: %s%s%s, seed %lld: %s\n", f->variant, *f->variant ? ": " : "", f->label, (long long)f->seed,
                *f->reason ? f->reason : "no reason given");
    }
}

/* ---- formats */
static bool wanted(const struct duo_summary_row *r, const struct duo_table_spec *spec)
{
    return !spec->variant || strcmp(spec->variant, r->variant) == 0;
}

static enum duo_status print_json(FILE *out, const struct duo_summary_row *rows, int n, const struct chosen *c, const struct duo_table_spec *spec,
                                  struct duo_err *err)
{
    struct duo_json j;
    enum duo_status status = DUO_OK;
    duo_json_init(&j, out);
    duo_json_open(&j, '[');
    for (int i = 0; i < n; i++) {
        if (!wanted(&rows[i], spec)) continue;
        duo_json_open(&j, '{');
        for (int k = 0; k < c->n; k++) {
            const char *text = duo_column_text(&rows[i], &c->at[k]);
            duo_json_key(&j, c->at[k].name);
            bool known = text && (*text || strcmp(c->at[k].name, "variant") == 0 || strcmp(c->at[k].name, "params") == 0);
            if (text)                                       duo_json_text(&j, known ? text : NULL);
            else if (c->at[k].kind == DUO_COLUMN_CHEATS)    duo_json_bool(&j, rows[i].cheats);
            else                                            duo_json_number(&j, duo_column_number(&rows[i], &c->at[k]));
        }
        if (spec->rankings && status == DUO_OK) {
            duo_json_key(&j, "perturbed");
            status = duo_perturb_json(&j, spec->rankings, rows[i].variant, rows[i].label, err);
        }
        duo_json_close(&j);
    }
    duo_json_close(&j);
    duo_json_end(&j);
    return status;
}

static void exact(const struct duo_summary_row *r, const struct duo_column_ref *c, char *out, size_t n)
{
    const char *text = duo_column_text(r, c);
    char number_text[32];
    double value = duo_column_number(r, c);
    if (!text && !isnan(value)) duo_show_double(value, number_text);
    snprintf(out, n, "%s", text ? text : isnan(value) ? "" : number_text);
}

static void print_grid(FILE *out, const struct duo_summary *s, const struct duo_summary_row *rows, int n, const struct chosen *c, const struct duo_table_spec *spec)
{
    struct duo_grid g;
    char text[256];
    const char *variant = NULL;
    bool several = false, named = false, sections = spec->format == DUO_TABLE_TEXT, csv = spec->format == DUO_TABLE_CSV;
    for (int i = 0; i < n; i++) {
        several |= *rows[i].variant != 0;
        for (int k = 0; k < c->n; k++) named |= strcmp(c->at[k].name, "variant") == 0;
    }
    int extra = several && !named && !sections && !csv;  /* a column for the variant */
    duo_grid_init(&g, c->n + extra);
    if (extra) duo_grid_head(&g, 0, "variant", true);
    for (int k = 0; k < c->n; k++) {
        bool left = c->at[k].kind == DUO_COLUMN_TEXT;
        title(s, &c->at[k], text, sizeof text);
        duo_grid_head(&g, k + extra, csv ? c->at[k].name : text, left);
    }
    for (int i = 0; i < n; i++) {
        if (!wanted(&rows[i], spec)) continue;
        duo_grid_row(&g);
        if (sections && several && !named && (!variant || strcmp(variant, rows[i].variant) != 0)) {
            variant = rows[i].variant;
            duo_grid_section(&g, variant);
        }
        if (extra) duo_grid_set(&g, 0, rows[i].variant);
        for (int k = 0; k < c->n; k++) {
            bool interval = !spec->by_seed && (spec->intervals || c->at[k].metric == DUO_M_quality);
            if (csv) exact(&rows[i], &c->at[k], text, sizeof text);
            else     cell(&rows[i], &c->at[k], interval, text, sizeof text);
            duo_grid_set(&g, k + extra, text);
        }
    }
    char marks[2400];
    legend(s, c, marks, 300);
    size_t used = strlen(marks);
    if (used) marks[used++] = '.', marks[used++] = ' ';
    whose(s, true, marks + used, sizeof marks - used);
    if (!marks[used]) marks[used ? used - 2 : 0] = 0;
    duo_grid_note(&g, marks);
    duo_grid_print(out, &g, spec->format);
    duo_grid_free(&g);
}

enum duo_status duo_table_print(FILE *out, const struct duo_summary *s, const struct duo_table_spec *spec, struct duo_err *err)
{
    struct chosen c;
    const struct duo_summary_row *rows = spec->by_seed ? s->by_seed : s->rows;
    int  n = spec->by_seed ? s->n_by_seed : s->n;
    bool known = !spec->variant || s->n_variants == 0;
    for (int i = 0; i < s->n_variants && !known; i++) known = strcmp(s->variants[i].variant, spec->variant) == 0;
    if (!known) return duo_fail(err, DUO_BAD_INPUT, "no variant %s in these results", spec->variant);
    struct duo_table_spec with_seed = *spec;
    char columns[256];
    if (spec->by_seed && !for_programs(spec->format) && !spec->columns) {
        snprintf(columns, sizeof columns, "seed,%s", usual);
        with_seed.columns = columns;
    }
    enum duo_status status = choose(&c, &with_seed, err);
    if (status == DUO_OK && spec->format == DUO_TABLE_JSON) {
        status = print_json(out, rows, n, &c, spec, err);
    } else if (status == DUO_OK) {
        bool text = spec->format == DUO_TABLE_TEXT;
        if (text) duo_table_provenance(out, s), putc('\n', out), vouch(out, s), putc('\n', out);
        print_grid(out, s, rows, n, &c, spec);
        if (text) putc('\n', out), foot(out, s, &c, spec);
    }
    free(c.at);
    return status;
}

void duo_table_columns(FILE *out)
{
    for (int i = 0; i < DUO_N_METRICS; i++)
        fprintf(out, "%-20s %s%s%s%s\n", duo_metric_info[i].name, duo_metric_info[i].what, *duo_metric_info[i].unit ? " [" : "",
                duo_metric_info[i].unit, *duo_metric_info[i].unit ? "]" : "");
}

/* ---- any view */
static enum duo_status find_view(sqlite3 *db, const char *view, struct duo_err *err)
{
    sqlite3_stmt *s;
    char **names = NULL;
    size_t n = 0;
    bool found = false;
    DUO_TRY(duo_sql_prepare(&s, db, "SELECT name FROM sqlite_master WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite_%' ORDER BY name", err));
    while (sqlite3_step(s) == SQLITE_ROW) {
        names = duo_grow(names, n + 1, sizeof *names);
        names[n] = duo_copy((const char *)sqlite3_column_text(s, 0));
        found |= strcmp(names[n++], view) == 0;
    }
    sqlite3_finalize(s);
    const char *near = found ? NULL : duo_nearest(view, (const char *const *)names, n);
    enum duo_status status = found ? DUO_OK
        : near ? duo_fail(err, DUO_BAD_INPUT, "no view %s (did you mean %s?)", view, near)
        : duo_fail(err, DUO_BAD_INPUT, "no view %s: v_summary, v_curve, v_pareto, v_paired, v_slo, or a table", view);
    for (size_t i = 0; i < n; i++) free(names[i]);
    free(names);
    return status;
}

static void view_value(sqlite3_stmt *s, int column, bool csv, char *out, size_t n)
{
    char number_text[32];
    int  type = sqlite3_column_type(s, column);
    if (type == SQLITE_FLOAT && csv) duo_show_double(sqlite3_column_double(s, column), number_text);
    if (type == SQLITE_NULL)         snprintf(out, n, "%s", csv ? "" : "-");
    else if (type != SQLITE_FLOAT)   snprintf(out, n, "%s", (const char *)sqlite3_column_text(s, column));
    else if (csv)                    snprintf(out, n, "%s", number_text);
    else                             snprintf(out, n, "%.4g", sqlite3_column_double(s, column));
}

static void view_json(FILE *out, sqlite3_stmt *s, int *code)
{
    struct duo_json j;
    duo_json_init(&j, out);
    duo_json_open(&j, '[');
    while ((*code = sqlite3_step(s)) == SQLITE_ROW) {
        duo_json_open(&j, '{');
        for (int c = 0; c < sqlite3_column_count(s); c++) {
            duo_json_key(&j, sqlite3_column_name(s, c));
            switch (sqlite3_column_type(s, c)) {
            case SQLITE_NULL: duo_json_null(&j); break;
            case SQLITE_TEXT: duo_json_text(&j, (const char *)sqlite3_column_text(s, c)); break;
            default:          duo_json_number(&j, sqlite3_column_double(s, c));
            }
        }
        duo_json_close(&j);
    }
    duo_json_close(&j);
    duo_json_end(&j);
}

static void view_grid(FILE *out, sqlite3_stmt *s, enum duo_table_format format, int *code)
{
    struct duo_grid g;
    char text[1024];
    duo_grid_init(&g, sqlite3_column_count(s));
    for (int c = 0; c < g.n_columns; c++) duo_grid_head(&g, c, sqlite3_column_name(s, c), false);
    while ((*code = sqlite3_step(s)) == SQLITE_ROW) {
        duo_grid_row(&g);
        for (int c = 0; c < g.n_columns; c++) {
            if (sqlite3_column_type(s, c) == SQLITE_TEXT) g.left[c] = true;
            view_value(s, c, format == DUO_TABLE_CSV, text, sizeof text);
            duo_grid_set(&g, c, text);
        }
    }
    duo_grid_print(out, &g, format);
    duo_grid_free(&g);
}

enum duo_status duo_table_view(FILE *out, sqlite3 *db, const char *view, enum duo_table_format format, struct duo_err *err)
{
    sqlite3_stmt *s;
    int code = SQLITE_DONE;
    DUO_TRY(find_view(db, view, err));
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", view);
    enum duo_status status = duo_sql_prepare(&s, db, sql, err);
    sqlite3_free(sql);
    if (status != DUO_OK) return status;
    if (format == DUO_TABLE_JSON) view_json(out, s, &code);
    else                          view_grid(out, s, format, &code);
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}
