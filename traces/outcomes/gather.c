/* gather.c - see gather.h. */
#include "traces/outcomes/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct duo_gathered duo_gathered_nothing = { NAN, NAN, { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN }, -1, NULL };
_Static_assert(DUO_MEASURES == 9, "duo_gathered_nothing has a NAN for each measure");

void duo_gather_init(struct duo_gather *g, const char *what) { *g = (struct duo_gather){ .what = what }; }

void duo_gather_signals(struct duo_gather *g, const char **name, int n_features, int n_scores)
{
    g->signal_name = name, g->n_features = n_features, g->n_scores = n_scores;
}

static size_t signals(const struct duo_gather *g) { return (size_t)g->n_features + (size_t)g->n_scores; }

int duo_gather_voice(struct duo_gather *g, const char *name)
{
    int before = g->voices.n, voice = duo_names_add(&g->voices, name);

    if (voice < before) return voice;
    g->voice = duo_grow(g->voice, (size_t)g->voices.n, sizeof *g->voice);
    g->voice[voice] = (struct duo_gather_voice){ .line = NULL };
    return voice;
}

static void fit_queries(struct duo_gather *g)
{
    if (g->queries.n <= g->room) return;
    g->room = g->room ? 2 * g->room : 64;
    g->prompt_tokens = duo_grow(g->prompt_tokens, (size_t)g->room, sizeof(double));
    g->prompt_chars  = duo_grow(g->prompt_chars, (size_t)g->room, sizeof(double));
    g->signal        = duo_grow(g->signal, (size_t)g->room * signals(g) + 1, sizeof(double));
    g->split         = duo_grow(g->split, (size_t)g->room, 1);
    g->other_prompt  = duo_grow(g->other_prompt, (size_t)g->room, sizeof *g->other_prompt);
    g->line          = duo_grow(g->line, (size_t)g->room, sizeof *g->line);
}

static void forget(double *value, int from, int to)
{
    for (int i = from; i < to; i++) value[i] = NAN;
}

static void fit_voice(struct duo_gather_voice *v, int query)
{
    int old = v->room;

    if (query < v->room) return;
    while (v->room <= query) v->room = v->room ? 2 * v->room : 64;
    v->line = duo_grow(v->line, (size_t)v->room, sizeof *v->line);
    memset(v->line + old, 0, (size_t)(v->room - old) * sizeof *v->line);
    for (int m = 0; m < DUO_MEASURES; m++) {
        if (!v->value[m]) continue;
        v->value[m] = duo_grow(v->value[m], (size_t)v->room, sizeof(double));
        forget(v->value[m], old, v->room);
    }
}

static void set(struct duo_gather_voice *v, int query, int measure, double value)
{
    if (!v->value[measure]) {
        if (isnan(value)) return;                                             /* a column for what somebody knows */
        v->value[measure] = duo_new((size_t)v->room, sizeof(double));
        forget(v->value[measure], 0, v->room);
    }
    v->value[measure][query] = value;
}

static bool differ(double a, double b) { return !isnan(a) && !isnan(b) && (a < b || a > b); }

int duo_gather_take(struct duo_gather *g, const char *query, int voice, int line, const struct duo_gathered *what)
{
    struct duo_gather_voice *v = &g->voice[voice];
    int before = g->queries.n, q = duo_names_add(&g->queries, query);

    fit_queries(g);
    if (q == before) {                                                        /* (1) */
        g->prompt_tokens[q] = what->prompt_tokens, g->prompt_chars[q] = what->prompt_chars;
        g->other_prompt[q] = false, g->line[q] = line, g->split[q] = (signed char)what->split;
        for (size_t k = 0; k < signals(g); k++) g->signal[(size_t)q * signals(g) + k] = what->signal[k];
    }
    fit_voice(v, q);
    if (v->line[q]) return v->line[q];
    if (differ(g->prompt_tokens[q], what->prompt_tokens) || differ(g->prompt_chars[q], what->prompt_chars)) {    /* (4) */
        g->other += !g->other_prompt[q];
        g->other_prompt[q] = true;
    }
    v->line[q] = line;
    for (int m = 0; m < DUO_MEASURES; m++) set(v, q, m, what->value[m]);
    return 0;
}

void duo_gather_again(struct duo_gather *g, int line)
{
    if (!g->again++) g->again_line = line;
}

/* ---- the table ---- */

static bool answered(const struct duo_gather *g, int voice, int query)
{
    return query < g->voice[voice].room && g->voice[voice].line[query];
}

static bool whole(const struct duo_gather *g, int query)
{
    for (int v = 0; v < g->voices.n; v++)
        if (!answered(g, v, query)) return false;
    return true;
}

static void say(char *note, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(char *note, size_t n, const char *fmt, ...)
{
    size_t used = strlen(note);
    va_list args;

    va_start(args, fmt);
    vsnprintf(note + used, n - used, fmt, args);
    va_end(args);
}

static void describe(const struct duo_gather *g, struct duo_outcomes *o)
{
    size_t n = sizeof o->note;

    if (o->dropped) {
        say(o->note, n, "%lld of %lld %s were not answered by every model and are left out:", (long long)o->dropped, (long long)o->read, g->what);
        for (int v = 0, said = 0; v < g->voices.n; v++) {                     /* (2) */
            int missing = 0, first = -1;
            for (int q = 0; q < g->queries.n; q++)
                if (!answered(g, v, q) && !missing++) first = q;
            if (missing) say(o->note, n, "%s %d not by %.40s, the first %.70s (line %d)", said++ ? ";" : "", missing, g->voices.name[v], g->queries.name[first], g->line[first]);
        }
    }
    if (g->again) say(o->note, n, "%s%lld more were there a second time, the first in line %lld: the first answers count", *o->note ? "; " : "", (long long)g->again, (long long)g->again_line);
    if (g->other) say(o->note, n, "%sthe prompts of %d differ in length between models: the first model's count", *o->note ? "; " : "", g->other);
}

static void copy_row(const struct duo_gather *g, struct duo_outcomes *o, int q)
{
    size_t i = (size_t)o->n++;

    o->id[i]   = duo_copy(g->queries.name[q]);
    o->line[i] = g->line[q];
    o->prompt_tokens[i] = g->prompt_tokens[q];
    o->prompt_chars[i]  = g->prompt_chars[q];
    o->split[i] = g->split[q];
    for (int k = 0; k < g->n_features; k++) o->feature[i * (size_t)o->n_features + (size_t)k] = g->signal[(size_t)q * signals(g) + (size_t)k];
    if (o->n_features > g->n_features) o->feature[(i + 1) * (size_t)o->n_features - 1] = g->prompt_chars[q];
    for (int k = 0; k < g->n_scores; k++) o->score[i * (size_t)o->n_scores + (size_t)k] = g->signal[(size_t)q * signals(g) + (size_t)(g->n_features + k)];
    for (int m = 0; m < DUO_MEASURES; m++)
        for (int v = 0; o->value[m] && v < o->n_voices; v++)
            o->value[m][i * (size_t)o->n_voices + (size_t)v] = g->voice[v].value[m] ? g->voice[v].value[m][q] : NAN;
}

static void allocate(const struct duo_gather *g, struct duo_outcomes *o, size_t rows)
{
    bool chars = false;

    for (int q = 0; q < g->queries.n; q++) chars |= !isnan(g->prompt_chars[q]);
    o->n_voices = g->voices.n;
    o->voices   = duo_new((size_t)g->voices.n, sizeof *o->voices);
    for (int v = 0; v < g->voices.n; v++) o->voices[v] = duo_copy(g->voices.name[v]);
    o->features = duo_new((size_t)g->n_features + 1, sizeof *o->features);
    o->scores   = duo_new((size_t)g->n_scores + 1, sizeof *o->scores);
    for (int k = 0; k < g->n_features; k++) o->features[o->n_features++] = duo_copy(g->signal_name[k]);
    for (int k = 0; k < g->n_scores; k++) o->scores[o->n_scores++] = duo_copy(g->signal_name[g->n_features + k]);
    if (chars) o->features[o->n_features++] = duo_copy("prompt_chars");
    o->id            = duo_new(rows, sizeof *o->id);
    o->line          = duo_new(rows, sizeof *o->line);
    o->prompt_tokens = duo_new(rows, sizeof(double));
    o->prompt_chars  = duo_new(rows, sizeof(double));
    o->split         = duo_new(rows, 1);
    o->feature       = duo_new(rows * (size_t)o->n_features + 1, sizeof(double));
    o->score         = duo_new(rows * (size_t)o->n_scores + 1, sizeof(double));
    for (int m = 0; m < DUO_MEASURES; m++)
        for (int v = 0; v < g->voices.n; v++)
            if (g->voice[v].value[m] && !o->value[m]) o->value[m] = duo_new(rows * (size_t)g->voices.n, sizeof(double));
}

enum duo_status duo_gather_done(struct duo_gather *g, struct duo_outcomes *o, const char *path, struct duo_err *err)
{
    enum duo_status status = DUO_OK;

    for (int q = 0; q < g->queries.n; q++) o->emitted += whole(g, q);
    o->read    = g->queries.n;
    o->dropped = o->read - o->emitted;
    describe(g, o);
    if (!g->queries.n)    status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no %s in this file", g->what);
    else if (!o->emitted) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "nothing joins: %s", o->note);
    if (status == DUO_OK) {
        allocate(g, o, (size_t)o->emitted);
        for (int q = 0; q < g->queries.n; q++)
            if (whole(g, q)) copy_row(g, o, q);
    }
    duo_gather_free(g);
    return status;
}

void duo_gather_free(struct duo_gather *g)
{
    for (int v = 0; v < g->voices.n; v++) {
        free(g->voice[v].line);
        for (int m = 0; m < DUO_MEASURES; m++) free(g->voice[v].value[m]);
    }
    free(g->voice);
    free(g->prompt_tokens);
    free(g->prompt_chars);
    free(g->signal);
    free(g->split);
    free(g->other_prompt);
    free(g->line);
    duo_names_free(&g->queries);
    duo_names_free(&g->voices);
    *g = (struct duo_gather){ .what = g->what };
}
