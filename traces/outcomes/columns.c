/* columns.c - a table of one's own: the scenario says what its columns are (`format: csv, columns: { query: id, score: acc }`).
 *
 * (1) Long: with `model: COLUMN` a row is one model's answer to one query.
 * (2) Wide: without, a row is a query, and NAME in a column's name stands for the models': `score: NAME_acc` reads small_acc
 *     and big_acc as those of small and big.  Every model needs every such column.
 * (3) query is needed.  prompt_tokens or prompt_chars, and what the model's answer was: score, tokens, chars, cost, confidence,
 *     min, last, margin, entropy.  split: train or test.  f:NAME a feature, s:NAME a score of the prompt.  Columns that
 *     nobody asks for are not read.
 * (4) A score may be True or False, as pandas writes it.  Without `score` no quality is known.
 * (5) Cells are apart by commas, tabs or semicolons: by which the header has the query's column.
 * (6) A row without a score where there is such a column, a (query, model) that is there twice: refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "traces/outcomes/gather.h"
#include "traces/outcomes/table.h"

enum what {                                      /* after the measures */
    QUERY = DUO_MEASURES, MODEL, PROMPT_TOKENS, PROMPT_CHARS, SPLIT, WHATS
};
static const char *const whats[WHATS] = {
#define X(name, text) [DUO_M_##name] = text,
    DUO_MEASURES_OF(X)
#undef X
    [QUERY] = "query", [MODEL] = "model", [PROMPT_TOKENS] = "prompt_tokens", [PROMPT_CHARS] = "prompt_chars", [SPLIT] = "split",
};

int duo_outcome_columns(const char *const **names)
{
    *names = whats;
    return WHATS;
}

struct pattern { const char *before, *after; int n_before, n_after; };        /* of a column's name, around NAME */

struct reading {
    const char *path;
    struct duo_csv *csv;
    const char *asked[WHATS];                    /* the column's name, or NULL */
    int         column[WHATS];                   /* its number; -1: none, or one a model */
    bool        each[DUO_MEASURES];              /* (2): its name holds NAME */
    int       **of_voice;                        /* wide: [n voices][DUO_MEASURES], -1: none */
    int         n_signals, n_features, *signal;  /* columns: features, then scores */
    const char **signal_name;
    double     *signals;
};

static struct pattern pattern_of(const char *text)
{
    const char *name = strstr(text, "NAME");

    return (struct pattern){ text, name + 4, (int)(name - text), (int)strlen(name + 4) };
}

/* The model in a column's name, or 0. */
static int model_in(const char *column, const struct pattern *p, const char **from)
{
    int n = (int)strlen(column) - p->n_before - p->n_after;

    if (n < 1 || strncmp(column, p->before, (size_t)p->n_before) != 0 || strcmp(column + p->n_before + n, p->after) != 0) return 0;
    *from = column + p->n_before;
    return n;
}

/* ---- what the scenario says, and the header ---- */

static enum duo_status take_asked(struct reading *r, const struct duo_outcome_source *from, struct duo_err *err)
{
    for (int i = 0; i < from->n_columns; i++) {
        const struct duo_outcome_column *c = &from->columns[i];
        int w = 0;
        while (w < WHATS && strcmp(whats[w], c->what) != 0) w++;
        if (w < WHATS) r->asked[w] = c->column;
        else if (strncmp(c->what, "f:", 2) == 0 || strncmp(c->what, "s:", 2) == 0) r->n_signals++, r->n_features += c->what[0] == 'f';
        else return duo_fail(err, DUO_BAD_INPUT, "columns: unknown key %s", c->what);
    }
    if (!r->asked[QUERY]) return duo_fail(err, DUO_BAD_INPUT, "columns: query is missing: the column with the query's id");
    for (int m = 0; m < DUO_MEASURES; m++) r->each[m] = r->asked[m] && !r->asked[MODEL] && strstr(r->asked[m], "NAME");
    return DUO_OK;
}

/* (5); if none has it, by commas: the error will say what is not there. */
static enum duo_status open_table(struct reading *r, const char *path, struct duo_err *err)
{
    static const char separators[] = { ',', '\t', ';' };

    for (size_t i = 0; i < sizeof separators; i++) {
        if (duo_csv_open(&r->csv, path, separators[i], NULL) != DUO_OK) continue;
        if (duo_csv_find(r->csv, r->asked[QUERY]) >= 0) return DUO_OK;
        duo_csv_close(r->csv);
    }
    return duo_csv_open(&r->csv, path, ',', err);
}

static enum duo_status find_signals(struct reading *r, const struct duo_outcome_source *from, struct duo_err *err)
{
    int n[2] = { 0, r->n_features };

    r->signal      = duo_new((size_t)r->n_signals + 1, sizeof *r->signal);
    r->signals     = duo_new((size_t)r->n_signals + 1, sizeof *r->signals);
    r->signal_name = duo_new((size_t)r->n_signals + 1, sizeof *r->signal_name);
    for (int i = 0; i < from->n_columns; i++) {
        const struct duo_outcome_column *c = &from->columns[i];
        if (c->what[0] == 0 || c->what[1] != ':') continue;
        int k = n[c->what[0] == 's']++;
        r->signal_name[k] = c->what + 2;
        DUO_TRY(duo_csv_need(r->csv, c->column, &r->signal[k], err));
    }
    return DUO_OK;
}

static bool taken(const struct reading *r, int column)
{
    for (int w = 0; w < WHATS; w++)
        if (r->column[w] == column) return true;
    for (int k = 0; k < r->n_signals; k++)
        if (r->signal[k] == column) return true;
    return false;
}

/* (2): the voices are those of the first such measure's columns. */
static enum duo_status find_voices(struct reading *r, struct duo_gather *g, struct duo_err *err)
{
    int first = 0;
    struct pattern p;

    while (first < DUO_MEASURES && !r->each[first]) first++;
    if (first == DUO_MEASURES)
        return duo_fail_at(err, DUO_BAD_INPUT, r->path, 1, 0, "columns: whose answers are they?  model: COLUMN where a row is one model's, or NAME in a column's name, like score: NAME_acc");
    p = pattern_of(r->asked[first]);
    for (int c = 0; c < duo_csv_columns(r->csv); c++) {
        const char *from;
        char name[128];
        int n = taken(r, c) ? 0 : model_in(duo_csv_name(r->csv, c), &p, &from);
        if (n < 1 || n >= (int)sizeof name) continue;
        snprintf(name, sizeof name, "%.*s", n, from);
        duo_gather_voice(g, name);
    }
    if (!g->voices.n) return duo_fail_at(err, DUO_BAD_INPUT, r->path, 1, 0, "columns: %s: no column is called like %s", whats[first], r->asked[first]);
    r->of_voice = duo_new((size_t)g->voices.n, sizeof *r->of_voice);
    for (int v = 0; v < g->voices.n; v++) {
        r->of_voice[v] = duo_new(DUO_MEASURES, sizeof **r->of_voice);
        for (int m = 0; m < DUO_MEASURES; m++) {
            char name[400];
            r->of_voice[v][m] = -1;
            if (!r->each[m]) continue;
            p = pattern_of(r->asked[m]);
            snprintf(name, sizeof name, "%.*s%s%s", p.n_before, p.before, g->voices.name[v], p.after);
            DUO_TRY(duo_csv_need(r->csv, name, &r->of_voice[v][m], err));
        }
    }
    return DUO_OK;
}

static enum duo_status find_columns(struct reading *r, const struct duo_outcome_source *from, struct duo_gather *g, struct duo_err *err)
{
    for (int w = 0; w < WHATS; w++) {
        r->column[w] = -1;
        if (!r->asked[w] || (w < DUO_MEASURES && r->each[w])) continue;
        if (w < DUO_MEASURES && !r->asked[MODEL])
            return duo_fail_at(err, DUO_BAD_INPUT, r->path, 1, 0, "columns: %s: %s: whose?  model: COLUMN where a row is one model's, or NAME in the name, like NAME_%s",
                               whats[w], r->asked[w], whats[w]);
        DUO_TRY(duo_csv_need(r->csv, r->asked[w], &r->column[w], err));
    }
    DUO_TRY(find_signals(r, from, err));
    duo_gather_signals(g, r->signal_name, r->n_features, r->n_signals - r->n_features);
    return r->asked[MODEL] ? DUO_OK : find_voices(r, g, err);
}

/* ---- rows ---- */

/* An empty cell of what may be unknown stays NAN. */
static enum duo_status number(const struct reading *r, int column, bool optional, double low, double high, double *out, struct duo_err *err)
{
    const char *text = duo_csv_cell(r->csv, column);

    if (optional && !*text) return DUO_OK;
    DUO_TRY(duo_csv_number(r->csv, column, out, err));
    if (*out >= low && *out <= high) return DUO_OK;
    return duo_csv_bad(r->csv, column, err, "a number from %g to %g was expected, got %s", low, high, text);
}

static enum duo_status measure(const struct reading *r, int m, int column, double *out, struct duo_err *err)
{
    const char *text = duo_csv_cell(r->csv, column);

    switch (m) {
    case DUO_M_QUALITY:
        if (strcmp(text, "True") == 0 || strcmp(text, "true") == 0)   { *out = 1; return DUO_OK; }               /* (4) */
        if (strcmp(text, "False") == 0 || strcmp(text, "false") == 0) { *out = 0; return DUO_OK; }
        return number(r, column, false, 0, 1, out, err);
    case DUO_M_TOKENS: return number(r, column, true, 1, 1e9, out, err);
    case DUO_M_CHARS:  return number(r, column, true, 0, 1e9, out, err);
    case DUO_M_COST:   return number(r, column, true, 0, 1e12, out, err);
    default:           return number(r, column, true, 0, 1, out, err);
    }
}

static enum duo_status read_query(const struct reading *r, struct duo_gathered *found, struct duo_err *err)
{
    if (r->column[PROMPT_TOKENS] >= 0) DUO_TRY(number(r, r->column[PROMPT_TOKENS], true, 1, 1e9, &found->prompt_tokens, err));
    if (r->column[PROMPT_CHARS] >= 0)  DUO_TRY(number(r, r->column[PROMPT_CHARS], true, 0, 1e9, &found->prompt_chars, err));
    for (int k = 0; k < r->n_signals; k++) {
        r->signals[k] = NAN;
        DUO_TRY(number(r, r->signal[k], true, -1e300, 1e300, &r->signals[k], err));
    }
    found->signal = r->signals;
    if (r->column[SPLIT] < 0) return DUO_OK;
    const char *text = duo_csv_cell(r->csv, r->column[SPLIT]);
    found->split = strcmp(text, "train") == 0 ? 1 : strcmp(text, "test") == 0 ? 0 : -1;
    return found->split >= 0 ? DUO_OK : duo_csv_bad(r->csv, r->column[SPLIT], err, "\"train\" or \"test\" was expected, got \"%s\"", text);
}

static enum duo_status take_answer(const struct reading *r, struct duo_gather *g, int voice, const int *column, struct duo_gathered *found, struct duo_err *err)
{
    const char *id = duo_csv_cell(r->csv, r->column[QUERY]);
    int before;

    for (int m = 0; m < DUO_MEASURES; m++) {
        found->value[m] = NAN;
        if (column[m] >= 0) DUO_TRY(measure(r, m, column[m], &found->value[m], err));
    }
    before = duo_gather_take(g, id, voice, duo_csv_line(r->csv), found);
    if (!before) return DUO_OK;                                               /* (6) */
    return r->asked[MODEL] ? duo_csv_bad(r->csv, r->column[QUERY], err, "query \"%s\" has a second row of model \"%s\": before in line %d", id, g->voices.name[voice], before)
                           : duo_csv_bad(r->csv, r->column[QUERY], err, "query \"%s\" is there twice: before in line %d; a row a model?  Then model: its column", id, before);
}

static enum duo_status read_row(const struct reading *r, struct duo_gather *g, struct duo_err *err)
{
    struct duo_gathered found = duo_gathered_nothing;
    const char *model;

    if (!*duo_csv_cell(r->csv, r->column[QUERY])) return duo_csv_bad(r->csv, r->column[QUERY], err, "the query's id is missing");
    DUO_TRY(read_query(r, &found, err));
    if (!r->asked[MODEL]) {
        for (int v = 0; v < g->voices.n; v++) DUO_TRY(take_answer(r, g, v, r->of_voice[v], &found, err));
        return DUO_OK;
    }
    model = duo_csv_cell(r->csv, r->column[MODEL]);
    if (!*model) return duo_csv_bad(r->csv, r->column[MODEL], err, "the model's name is missing");
    return take_answer(r, g, duo_gather_voice(g, model), r->column, &found, err);
}

static void close_table(struct reading *r, int voices)
{
    for (int v = 0; r->of_voice && v < voices; v++) free(r->of_voice[v]);
    free(r->of_voice);
    free(r->signal);
    free(r->signals);
    duo_csv_close(r->csv);
}

static enum duo_status gather(const struct duo_outcome_source *from, struct duo_outcomes *to, struct duo_err *err)
{
    struct reading r = { .path = from->files[0].path };
    struct duo_gather g;
    enum duo_status status;
    int got = 0;

    if (!from->n_columns) return duo_fail(err, DUO_BAD_INPUT, "format csv needs columns: what the columns are called, like columns: { query: id, model: m, score: acc }");
    if (from->n_files != 1 || from->files[0].voice) return duo_fail(err, DUO_BAD_INPUT, "format csv is one file, which holds all models");
    DUO_TRY(take_asked(&r, from, err));
    DUO_TRY(open_table(&r, r.path, err));
    duo_gather_init(&g, "queries");
    status = find_columns(&r, from, &g, err);
    while (status == DUO_OK && (got = duo_csv_next(r.csv, err)) != 0) status = got < 0 ? DUO_BAD_INPUT : read_row(&r, &g, err);
    close_table(&r, g.voices.n);
    if (status == DUO_OK && !g.queries.n) status = duo_fail_at(err, DUO_BAD_INPUT, r.path, 1, 0, "no rows below the header");
    if (status == DUO_OK) status = duo_gather_done(&g, to, r.path, err);
    else                  duo_gather_free(&g);
    free(r.signal_name);
    return status;
}

const struct duo_outcome_format duo_outcomes_csv = {
    .name = "csv", .about = "a table of one's own, long or wide: columns: { query: id, model: m, score: acc, ... }", .gather = gather, .takes_columns = true };
