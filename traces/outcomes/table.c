/* table.c - read a table of outcomes by the map that an importer makes of its header; see outcomes.h. */
#include "traces/outcomes/table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/requests/requests.h"

static const struct duo_outcome_format *const formats[] = {
    &duo_outcomes_duosim, &duo_outcomes_routerbench, &duo_outcomes_routellm, &duo_outcomes_llmrouter, &duo_outcomes_accepts,
    &duo_outcomes_lm_eval, &duo_outcomes_csv, &duo_outcomes_vllm, &duo_outcomes_litellm, &duo_outcomes_otel,
};
enum { FORMATS = sizeof formats / sizeof *formats };

int duo_outcome_formats(const char *const **names, const char *const **about)
{
    static const char *name[FORMATS], *line[FORMATS];

    for (int i = 0; i < FORMATS; i++) name[i] = formats[i]->name, line[i] = formats[i]->about;
    *names = name, *about = line;
    return FORMATS;
}

static int add_name(char ***names, int *count, const char *name, size_t n)
{
    for (int i = 0; i < *count; i++)
        if (strlen((*names)[i]) == n && memcmp((*names)[i], name, n) == 0) return i;
    *names = duo_grow(*names, (size_t)*count + 1, sizeof **names);
    (*names)[*count] = duo_new(n + 1, 1);
    memcpy((*names)[*count], name, n);
    return (*count)++;
}

int duo_table_voice(struct duo_table *t, const char *name, size_t n)
{
    return add_name(&t->to->voices, &t->to->n_voices, name, n);
}

void duo_table_feature(struct duo_table *t, int column, const char *name)
{
    t->field[column] = (struct duo_field){ .kind = DUO_F_FEATURE, .index = add_name(&t->to->features, &t->to->n_features, name, strlen(name)) };
}

void duo_table_score(struct duo_table *t, int column, const char *name)
{
    t->field[column] = (struct duo_field){ .kind = DUO_F_SCORE, .index = add_name(&t->to->scores, &t->to->n_scores, name, strlen(name)) };
}

void duo_table_measure(struct duo_table *t, int column, int voice, enum duo_measure measure)
{
    t->field[column] = (struct duo_field){ .kind = DUO_F_MEASURE, .index = voice, .measure = measure };
}

enum duo_status duo_table_need(const struct duo_csv *csv, struct duo_table *t, const char *name, enum duo_field_kind kind, struct duo_err *err)
{
    int column;

    DUO_TRY(duo_csv_need(csv, name, &column, err));
    t->field[column].kind = kind;
    return DUO_OK;
}

enum duo_status duo_table_barred(const struct duo_csv *csv, struct duo_table *t, const char *const ending[DUO_MEASURES], unsigned needed,
                                 struct duo_err *err)
{
    char wanted[256];
    int  unused;

    for (int c = 0; c < duo_csv_columns(csv); c++) {
        const char *name = duo_csv_name(csv, c), *bar = strrchr(name, '|');
        int m = 0;
        if (!bar || bar == name) continue;
        while (m < DUO_MEASURES && !(ending[m] && strcmp(ending[m], bar + 1) == 0)) m++;
        if (m < DUO_MEASURES) {
            duo_table_measure(t, c, duo_table_voice(t, name, (size_t)(bar - name)), (enum duo_measure)m);
        } else {
            const char *known[DUO_MEASURES], *near;
            size_t n = 0;
            for (m = 0; m < DUO_MEASURES; m++) if (ending[m]) known[n++] = ending[m];
            near = duo_nearest(bar + 1, known, n);
            return duo_csv_bad(csv, c, err, near ? "\"%s\" is nothing that is known of a model's answer (did you mean \"%s\"?)"
                                                 : "\"%s\" is nothing that is known of a model's answer", bar + 1, near);
        }
    }
    for (int v = 0; v < t->to->n_voices; v++)
        for (int m = 0; m < DUO_MEASURES; m++)
            if (needed >> m & 1) {
                snprintf(wanted, sizeof wanted, "%s|%s", t->to->voices[v], ending[m]);
                DUO_TRY(duo_csv_need(csv, wanted, &unused, err));
            }
    return t->to->n_voices ? DUO_OK : duo_csv_bad(csv, 0, err, "no model's column (NAME|%s) follows", ending[DUO_M_QUALITY]);
}

static void grow(struct duo_outcomes *o, size_t room)
{
    o->id            = duo_grow(o->id, room, sizeof *o->id);
    o->line          = duo_grow(o->line, room, sizeof *o->line);
    o->prompt_tokens = duo_grow(o->prompt_tokens, room, sizeof(double));
    o->prompt_chars  = duo_grow(o->prompt_chars, room, sizeof(double));
    o->split         = duo_grow(o->split, room, 1);
    o->feature       = duo_grow(o->feature, room * (size_t)o->n_features + 1, sizeof(double));
    o->score         = duo_grow(o->score, room * (size_t)o->n_scores + 1, sizeof(double));
    for (int m = 0; m < DUO_MEASURES; m++)
        if (o->value[m]) o->value[m] = duo_grow(o->value[m], room * (size_t)o->n_voices + 1, sizeof(double));
}

/* A cell's number; an empty cell of what may be unknown is NAN. */
static enum duo_status number(const struct duo_csv *csv, int column, bool optional, double low, double high, double *out, struct duo_err *err)
{
    *out = NAN;
    if (optional && !*duo_csv_cell(csv, column)) return DUO_OK;
    DUO_TRY(duo_csv_number(csv, column, out, err));
    if (*out >= low && *out <= high) return DUO_OK;
    if (isinf(high)) return duo_csv_bad(csv, column, err, "a number from %g was expected, got %s", low, duo_csv_cell(csv, column));
    return duo_csv_bad(csv, column, err, "a number from %g to %g was expected, got %s", low, high, duo_csv_cell(csv, column));
}

static enum duo_status read_split(const struct duo_csv *csv, int column, signed char *out, struct duo_err *err)
{
    const char *text = duo_csv_cell(csv, column);

    *out = strcmp(text, "train") == 0 ? 1 : strcmp(text, "test") == 0 ? 0 : -1;
    return *out >= 0 ? DUO_OK : duo_csv_bad(csv, column, err, "\"train\" or \"test\" was expected, got \"%s\"", text);
}

/* One cell into row `i`.  *drop: the row is one to leave out. */
static enum duo_status read_cell(const struct duo_csv *csv, struct duo_table *t, int column, size_t i, bool *drop, struct duo_err *err)
{
    struct duo_outcomes *o = t->to;
    const struct duo_field *f = &t->field[column];
    double mark, *cell;

    switch (f->kind) {
    case DUO_F_IGNORED: return DUO_OK;
    case DUO_F_ID:
        if (!*duo_csv_cell(csv, column)) return duo_csv_bad(csv, column, err, "the query's id is missing");
        o->id[i] = duo_copy(duo_csv_cell(csv, column));
        return DUO_OK;
    case DUO_F_PROMPT_TOKENS: return number(csv, column, false, 1, 1e9, &o->prompt_tokens[i], err);
    case DUO_F_PROMPT_CHARS:
        cell = &o->feature[i * (size_t)o->n_features + (size_t)f->index];
        DUO_TRY(number(csv, column, false, 0, 1e9, &o->prompt_chars[i], err));
        *cell = o->prompt_chars[i];
        return DUO_OK;
    case DUO_F_MEASURE:
        cell = &o->value[f->measure][i * (size_t)o->n_voices + (size_t)f->index];
        switch (f->measure) {
        case DUO_M_QUALITY: return number(csv, column, false, 0, 1, cell, err);
        case DUO_M_TOKENS:  return number(csv, column, true, 1, 1e9, cell, err);
        case DUO_M_CHARS:   return number(csv, column, true, 0, 1e9, cell, err);
        case DUO_M_COST:    return number(csv, column, true, 0, INFINITY, cell, err);
        default:            return number(csv, column, true, 0, 1, cell, err);
        }
    case DUO_F_FEATURE: return number(csv, column, true, -INFINITY, INFINITY, &o->feature[i * (size_t)o->n_features + (size_t)f->index], err);
    case DUO_F_SCORE:   return number(csv, column, true, -INFINITY, INFINITY, &o->score[i * (size_t)o->n_scores + (size_t)f->index], err);
    case DUO_F_SPLIT:   return read_split(csv, column, &o->split[i], err);
    case DUO_F_DROP:
        DUO_TRY(number(csv, column, false, 0, 1, &mark, err));
        *drop |= mark > 0;
        return DUO_OK;
    }
    return DUO_OK;
}

static enum duo_status read_row(const struct duo_csv *csv, struct duo_table *t, bool *drop, struct duo_err *err)
{
    struct duo_outcomes *o = t->to;
    size_t i = (size_t)o->n;

    *drop       = false;
    o->id[i]    = NULL;
    o->line[i]  = duo_csv_line(csv);
    o->split[i] = -1;
    o->prompt_tokens[i] = o->prompt_chars[i] = NAN;
    for (int m = 0; m < DUO_MEASURES; m++)
        for (int v = 0; o->value[m] && v < o->n_voices; v++) o->value[m][i * (size_t)o->n_voices + (size_t)v] = NAN;
    for (int c = 0; c < duo_csv_columns(csv); c++) {
        enum duo_status status = read_cell(csv, t, c, i, drop, err);
        if (status != DUO_OK) {
            free(o->id[i]);
            return status;
        }
    }
    return DUO_OK;
}

struct seen { const char *id; int line; };

static int by_id(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : x->line - y->line;
}

static enum duo_status refuse_twins(const struct duo_outcomes *o, const char *path, struct duo_err *err)
{
    struct seen *all = duo_new((size_t)o->n + 1, sizeof *all), worst = { NULL, 0 };
    int first = 0;

    for (int i = 0; i < o->n; i++) all[i] = (struct seen){ o->id[i], o->line[i] };
    qsort(all, (size_t)o->n, sizeof *all, by_id);
    for (int i = 1; i < o->n; i++)
        if (strcmp(all[i].id, all[i - 1].id) == 0 && (!worst.id || all[i].line < worst.line)) worst = all[i], first = all[i - 1].line;
    free(all);
    if (!worst.id) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, path, worst.line, 0, "query \"%s\" is there twice: before in line %d", worst.id, first);
}

static enum duo_status read_rows(struct duo_csv *csv, struct duo_table *t, const char *path, struct duo_err *err)
{
    struct duo_outcomes *o = t->to;
    size_t room = 64;
    bool   drop;
    int    got;

    for (int c = 0; c < duo_csv_columns(csv); c++)
        if (t->field[c].kind == DUO_F_MEASURE && !o->value[t->field[c].measure]) o->value[t->field[c].measure] = duo_new(1, sizeof(double));
    for (grow(o, room); (got = duo_csv_next(csv, err)) == 1;) {
        if ((size_t)o->n == room) grow(o, room *= 2);
        DUO_TRY(read_row(csv, t, &drop, err));
        o->read++;
        if (drop) free(o->id[o->n]), o->dropped++;
        else      o->n++, o->emitted++;
    }
    if (got < 0) return DUO_BAD_INPUT;
    if (!o->n) return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "no rows below the header%s", o->dropped ? " that are not left out" : "");
    return refuse_twins(o, path, err);
}

static enum duo_status unknown_format(const char *path, const char *name, const char *what, struct duo_err *err)
{
    const char *const *names, *const *about, *near;
    char list[200] = "";

    duo_outcome_formats(&names, &about);
    for (int i = 0; i < FORMATS; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    if (!name)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "%s of no format that is known (%s)%s", what, list,
                           strcmp(what, "JSON") != 0 ? "; ours has \"query_id\" and NAME|score; any other table: columns: { query: ..., score: ... }" : "");
    near = duo_nearest(name, names, FORMATS);
    return near ? duo_fail(err, DUO_BAD_INPUT, "unknown format \"%s\" of outcomes (did you mean \"%s\"?)", name, near)
                : duo_fail(err, DUO_BAD_INPUT, "unknown format \"%s\" of outcomes; known: %s", name, list);
}

/* Named, or found from the first file's beginning or header. */
static enum duo_status find_format(const struct duo_outcome_source *from, const struct duo_outcome_format **out, struct duo_err *err)
{
    static char head[DUO_LOG_HEAD];
    const char *path = from->files[0].path, *name = from->format ? from->format : from->n_columns ? "csv" : NULL;
    struct duo_csv *csv;

    *out = NULL;
    for (int i = 0; i < FORMATS && name && !*out; i++)
        if (strcmp(name, formats[i]->name) == 0) *out = formats[i];
    if (*out) return DUO_OK;
    if (name) return unknown_format(path, name, "", err);
    duo_log_head(path, head, sizeof head);
    if (duo_log_is_json(head)) {
        for (int i = 0; i < FORMATS && !*out; i++)
            if (formats[i]->is_text && formats[i]->is_text(head)) *out = formats[i];
        return *out ? DUO_OK : unknown_format(path, NULL, "JSON", err);
    }
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    for (int i = 0; i < FORMATS && !*out; i++)
        if (formats[i]->is && formats[i]->is(csv)) *out = formats[i];
    duo_csv_close(csv);
    return *out ? DUO_OK : unknown_format(path, NULL, "this header is", err);
}

enum duo_status duo_outcomes_detect(const char *path, const char **format, struct duo_err *err)
{
    struct duo_outcome_file file = { NULL, (char *)(uintptr_t)path };
    const struct duo_outcome_format *found;

    DUO_TRY(find_format(&(struct duo_outcome_source){ .n_files = 1, .files = &file, .format = *format }, &found, err));
    *format = found->name;
    return DUO_OK;
}

static enum duo_status read_table(const struct duo_outcome_format *format, const char *path, struct duo_outcomes *out, struct duo_err *err)
{
    struct duo_table table = { .to = out };
    struct duo_csv *csv;
    enum duo_status status;

    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    table.field = duo_new((size_t)duo_csv_columns(csv), sizeof *table.field);
    status = format->map ? format->map(csv, &table, err)
                         : duo_fail(err, DUO_BAD_INPUT, "%s: accept lists (format \"%s\") hold no outcomes", path, format->name);
    if (status == DUO_OK) status = read_rows(csv, &table, path, err);
    if (status == DUO_OK && out->dropped) {
        out->why = format->why_dropped;
        snprintf(out->note, sizeof out->note, "%lld of %lld rows are left out: %s", (long long)out->dropped, (long long)out->read, out->why);
    }
    free(table.field);
    duo_csv_close(csv);
    return status;
}

enum duo_status duo_outcomes_join(struct duo_outcomes *out, const struct duo_outcome_source *from, struct duo_err *err)
{
    const struct duo_outcome_format *format;
    enum duo_status status;

    assert(from->n_files > 0);
    *out = (struct duo_outcomes){ 0 };
    DUO_TRY(find_format(from, &format, err));
    if (from->metric && !format->takes_metric) return duo_fail(err, DUO_BAD_INPUT, "metric is for format lm_eval; %s is %s", from->files[0].path, format->name);
    if (from->n_columns && !format->takes_columns) return duo_fail(err, DUO_BAD_INPUT, "columns are for format csv; %s is %s", from->files[0].path, format->name);
    if (!format->gather && (from->n_files > 1 || from->files[0].voice))
        return duo_fail(err, DUO_BAD_INPUT, "%s: format %s is one file, which holds all models", from->files[0].path, format->name);
    status = format->gather ? format->gather(from, out, err) : read_table(format, from->files[0].path, out, err);
    if (status == DUO_OK) out->format = format->name;
    else                  duo_outcomes_free(out);
    return status;
}

enum duo_status duo_outcomes_read(struct duo_outcomes *out, const char *path, const char *format, struct duo_err *err)
{
    struct duo_outcome_file file = { NULL, (char *)(uintptr_t)path };

    return duo_outcomes_join(out, &(struct duo_outcome_source){ .n_files = 1, .files = &file, .format = format }, err);
}

static void free_names(char **names, int n)
{
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
}

void duo_outcomes_free(struct duo_outcomes *o)
{
    free_names(o->id, o->n);
    free_names(o->voices, o->n_voices);
    free_names(o->features, o->n_features);
    free_names(o->scores, o->n_scores);
    free(o->line);
    free(o->prompt_tokens);
    free(o->prompt_chars);
    for (int m = 0; m < DUO_MEASURES; m++) free(o->value[m]);
    free(o->feature);
    free(o->score);
    free(o->split);
    *o = (struct duo_outcomes){ 0 };
}
