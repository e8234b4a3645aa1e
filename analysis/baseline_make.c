/* baseline_make.c - a baseline from a database of results; see baseline.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/baseline.h"
#include "analysis/collect.h"
#include "sim/base/rng.h"

enum { ANSWERED, FAILED, PENDING, WARM_UP };             /* column status */

/* A text on one line. */
static char *line_of(const char *text)
{
    char *copy = duo_copy(text);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < ' ') *p = ' ';
    return copy;
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct duo_input *)a)->name, ((const struct duo_input *)b)->name); }

static void take_inputs(struct duo_baseline *b, const struct duo_input *inputs, int n)
{
    b->inputs = duo_new((size_t)n + 1, sizeof *b->inputs);
    for (int i = 0; i < n; i++) b->inputs[i] = (struct duo_input){ line_of(inputs[i].name), inputs[i].hash };
    if (n) qsort(b->inputs, (size_t)n, sizeof *b->inputs, by_name);
    for (int i = 0; i < n; i++) {                        /* one name, one hash */
        struct duo_input *last = b->n_inputs ? &b->inputs[b->n_inputs - 1] : NULL;
        if (last && strcmp(last->name, b->inputs[i].name) == 0) {
            if (last->hash != b->inputs[i].hash) last->hash = duo_mix(last->hash ^ b->inputs[i].hash);
            free(b->inputs[i].name);
        } else {
            b->inputs[b->n_inputs++] = b->inputs[i];
        }
    }
}

/* ---- numbers, from the summary */

static int seed_at(const struct duo_baseline_variant *v, int64_t seed)
{
    for (int i = 0; i < v->n_seeds; i++)
        if (v->seeds[i] == seed) return i;
    return -1;
}

static struct duo_baseline_variant *variant_of(struct duo_baseline *b, const char *name)
{
    char *variant = line_of(name);
    const struct duo_baseline_variant *known = duo_baseline_variant(b, variant);
    if (known) {
        free(variant);
        return &b->variants[known - b->variants];
    }
    b->variants = duo_grow(b->variants, (size_t)b->n_variants + 1, sizeof *b->variants);
    b->variants[b->n_variants] = (struct duo_baseline_variant){ .variant = variant };
    return &b->variants[b->n_variants++];
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void take_rows(struct duo_baseline *b, const struct duo_summary *s)
{
    for (int i = 0; i < s->n_by_seed; i++) {
        struct duo_baseline_variant *v = variant_of(b, s->by_seed[i].variant);
        if (seed_at(v, s->by_seed[i].seed) >= 0) continue;
        v->seeds = duo_grow(v->seeds, (size_t)v->n_seeds + 1, sizeof *v->seeds);
        v->seeds[v->n_seeds++] = s->by_seed[i].seed;
    }
    for (int i = 0; i < b->n_variants; i++)
        if (b->variants[i].n_seeds) qsort(b->variants[i].seeds, (size_t)b->variants[i].n_seeds, sizeof(int64_t), ascending);
    for (int i = 0; i < s->n; i++) {
        const struct duo_summary_row *r = &s->rows[i];
        struct duo_baseline_variant *v = variant_of(b, r->variant);
        v->labels = duo_grow(v->labels, (size_t)v->n_labels + 1, sizeof *v->labels);
        struct duo_baseline_label *l = &v->labels[v->n_labels++];
        const char *slash = strrchr(r->policy, '/');             /* a module's path is this machine's */
        *l = (struct duo_baseline_label){ .label = line_of(r->label), .policy = line_of(slash ? slash + 1 : r->policy),
                                          .params = line_of(r->params), .cheats = r->cheats, .seed = duo_new((size_t)v->n_seeds + 1, sizeof *l->seed) };
        for (int m = 0; m < DUO_N_METRICS; m++) {
            l->value[m] = duo_baseline_round(r->value[m]);
            for (int k = 0; k < v->n_seeds; k++) l->seed[k][m] = NAN;
        }
        for (int k = 0; k < s->n_by_seed; k++) {
            const struct duo_summary_row *one = &s->by_seed[k];
            if (strcmp(one->variant, r->variant) != 0 || strcmp(one->label, r->label) != 0) continue;
            for (int m = 0; m < DUO_N_METRICS; m++) l->seed[seed_at(v, one->seed)][m] = duo_baseline_round(one->value[m]);
        }
        bool own = strncmp(r->answers, "synthetic", 9) == 0;         /* questions of each seed's own */
        l->n_answers = own ? v->n_seeds : 1;
        l->answers = duo_new((size_t)l->n_answers + 1, sizeof *l->answers);
        for (int k = 0; k < l->n_answers; k++) l->answers[k].seed = own ? v->seeds[k] : -1;
    }
}

/* ---- quality by question, from the requests */

struct request { int block, question; double quality; bool answered; };      /* block: of all answers of all labels */
struct cell { double all, answered; int n, n_answered; bool unknown; };

struct list { struct request *at; size_t n; };

/* The run's rows go to this variant, label and block. */
struct run { int64_t id; int variant, label, answers; };

static int by_question(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* The different questions of the list, ascending. */
static enum duo_status take_asked(struct duo_baseline_variant *v, const struct list *list, struct duo_err *err)
{
    v->asked = duo_new(list->n + 1, sizeof *v->asked);
    for (size_t i = 0; i < list->n; i++) v->asked[i] = list->at[i].question;
    if (list->n) qsort(v->asked, list->n, sizeof *v->asked, by_question);
    for (size_t i = 0; i < list->n; i++)
        if (v->n_asked == 0 || v->asked[v->n_asked - 1] != v->asked[i]) v->asked[v->n_asked++] = v->asked[i];
    if (v->n_asked <= DUO_BASELINE_QUESTIONS) return DUO_OK;
    return duo_fail(err, DUO_BAD_INPUT, "a baseline holds at most %d questions a seed, this run asks %d; take fewer: --set arrivals.requests=%d",
                    DUO_BASELINE_QUESTIONS, v->n_asked, DUO_BASELINE_QUESTIONS);
}

static double sixtieths(double sum, int n, bool unknown)
{
    if (n == 0 || unknown || isnan(sum)) return NAN;
    return (double)lround(fmin(fmax(sum / n, 0), 1) * 60) / 60;
}

static void take_cells(struct duo_baseline_variant *v, struct duo_answers_of *a, const struct list *list, int block)
{
    struct cell *cell = duo_new((size_t)v->n_asked + 1, sizeof *cell);
    bool failed = false;
    for (size_t i = 0; i < list->n; i++) {
        const struct request *r = &list->at[i];
        if (r->block != block) continue;
        const int *at = bsearch(&r->question, v->asked, (size_t)v->n_asked, sizeof *v->asked, by_question);
        struct cell *c = &cell[at - v->asked];
        c->n++;
        failed |= !r->answered;
        if (!r->answered) continue;
        c->n_answered++;
        c->unknown |= isnan(r->quality);
        c->all += r->quality;
        c->answered += r->quality;
    }
    a->quality = duo_new((size_t)v->n_asked + 1, sizeof *a->quality);
    if (failed) a->answered = duo_new((size_t)v->n_asked + 1, sizeof *a->answered);
    for (int i = 0; i < v->n_asked; i++) {
        a->quality[i] = sixtieths(cell[i].all, cell[i].n, cell[i].unknown);
        if (failed) a->answered[i] = sixtieths(cell[i].answered, cell[i].n_answered, cell[i].unknown);
    }
    free(cell);
}

static struct run find_run(const struct run *runs, int n, int64_t id)
{
    int low = 0, high = n;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (runs[middle].id <= id) low = middle;
        else                       high = middle;
    }
    return n && runs[low].id == id ? runs[low] : (struct run){ .variant = -1 };
}

static enum duo_status read_runs(sqlite3 *db, const struct duo_baseline *b, struct run **runs, int *n, struct duo_err *err)
{
    sqlite3_stmt *s;
    int code;
    DUO_TRY(duo_sql_prepare(&s, db, "SELECT id, variant, label, seed FROM run WHERE state = 'done' ORDER BY id", err));
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(s, 1);
        char *variant = line_of(text ? (const char *)text : ""), *label = line_of((const char *)sqlite3_column_text(s, 2));
        const struct duo_baseline_variant *v = duo_baseline_variant(b, variant);
        const struct duo_baseline_label *l = v ? duo_baseline_label(v, label) : NULL;
        struct run run = { .id = sqlite3_column_int64(s, 0), .variant = l ? (int)(v - b->variants) : -1 };
        if (l) run.label = (int)(l - v->labels), run.answers = l->answers[0].seed < 0 ? 0 : seed_at(v, sqlite3_column_int64(s, 3));
        *runs = duo_grow(*runs, (size_t)*n + 1, sizeof **runs);
        (*runs)[(*n)++] = run;
        free(variant), free(label);
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

/* The blocks of the labels before it, and its own. */
static int block_of(const struct duo_baseline_variant *v, int label, int answers)
{
    for (int i = 0; i < label; i++) answers += v->labels[i].n_answers;
    return answers;
}

static enum duo_status read_requests(sqlite3 *db, const struct duo_baseline *b, struct list *lists, struct duo_err *err)
{
    sqlite3_stmt *s;
    struct run *runs = NULL, run = { .id = -1 };
    int n = 0, code;
    enum duo_status status = read_runs(db, b, &runs, &n, err);
    if (status == DUO_OK) status = duo_sql_prepare(&s, db, "SELECT run, query, id, status, quality FROM request", err);
    if (status != DUO_OK) return free(runs), status;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(s, 0);
        if (id != run.id) run = find_run(runs, n, id), run.id = id;
        if (run.variant < 0 || sqlite3_column_int(s, 3) == WARM_UP) continue;
        struct list *list = &lists[run.variant];
        if ((list->n & (list->n - 1)) == 0) list->at = duo_grow(list->at, list->n ? 2 * list->n : 1, sizeof *list->at);
        bool known = sqlite3_column_type(s, 4) != SQLITE_NULL;
        list->at[list->n++] = (struct request){
            .block = block_of(&b->variants[run.variant], run.label, run.answers),
            .question = sqlite3_column_int(s, sqlite3_column_type(s, 1) == SQLITE_NULL ? 2 : 1),
            .quality = known ? sqlite3_column_double(s, 4) : NAN, .answered = sqlite3_column_int(s, 3) == ANSWERED };
    }
    sqlite3_finalize(s);
    free(runs);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

static enum duo_status take_answers(struct duo_baseline *b, sqlite3 *db, struct duo_err *err)
{
    struct list *lists = duo_new((size_t)b->n_variants + 1, sizeof *lists);
    enum duo_status status = read_requests(db, b, lists, err);
    for (int i = 0; i < b->n_variants && status == DUO_OK; i++) {
        struct duo_baseline_variant *v = &b->variants[i];
        status = take_asked(v, &lists[i], err);
        int block = 0;
        for (int l = 0; l < v->n_labels && status == DUO_OK; l++)
            for (int k = 0; k < v->labels[l].n_answers; k++) take_cells(v, &v->labels[l].answers[k], &lists[i], block++);
    }
    for (int i = 0; i < b->n_variants; i++) free(lists[i].at);
    free(lists);
    return status;
}

enum duo_status duo_baseline_make(struct duo_baseline *b, sqlite3 *db, const char *scenario, const char *made,
                                  const struct duo_input *inputs, int n_inputs, struct duo_err *err)
{
    struct duo_summary s;
    *b = (struct duo_baseline){ .scenario = line_of(scenario), .made = line_of(made), .sampling = DUO_SAMPLING_VERSION, .draws = duo_baseline_draws() };
    take_inputs(b, inputs, n_inputs);
    if (!db) return DUO_OK;
    enum duo_status status = duo_summary_read(&s, db, err);
    if (status == DUO_OK) take_rows(b, &s);
    duo_summary_free(&s);
    if (status == DUO_OK) status = take_answers(b, db, err);
    if (status != DUO_OK) duo_baseline_free(b);
    return status;
}
