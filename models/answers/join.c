/* join.c - scores and decisions from a file by query id, quantiles of signals, look-ups by name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/source.h"
#include "sim/base/csv.h"

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

int  duo_answers_voice(const struct duo_answers *a, const char *name) { return find(a->voices, a->n_voices, name); }
int  duo_answers_score(const struct duo_answers *a, const char *name) { return find(a->scores, a->n_scores, name); }
void duo_answers_free(struct duo_answers *a) { if (a) a->kind->free(a); }

/* ---- join ---- */

struct named { const char *name; int index; };
struct point { int query; double value; int line; };

struct joining {
    const struct duo_answers *a;
    const char *path, *what;
    struct duo_csv *csv;
    int id, column;
    struct named *known;                     /* [a->n_queries], sorted; synthetic: none */
    struct point *point;
    int n, room, strangers, first_line;
    char first[120];
    const char *const *names;
    int n_names;
};

static int by_name(const void *a, const void *b) { return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name); }

static int by_query(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return x->query != y->query ? (x->query > y->query) - (x->query < y->query) : x->line - y->line;
}

static enum duo_status find_columns(struct joining *j, const char *column, struct duo_err *err)
{
    j->id = duo_csv_find(j->csv, "query_id");
    if (j->id < 0) j->id = duo_csv_find(j->csv, "id");
    if (j->id < 0) DUO_TRY(duo_csv_need(j->csv, "query_id", &j->id, err));
    if (column) return duo_csv_need(j->csv, column, &j->column, err);
    if (duo_csv_columns(j->csv) < 2) return duo_csv_bad(j->csv, j->id, err, "no column follows");
    j->column = j->id == 1 ? 0 : 1;
    return DUO_OK;
}

/* -1: no such query.  Synthetic queries are called by their number. */
static int query_of(const struct joining *j, const char *id)
{
    struct named key = { id, 0 };
    const struct named *found;

    if (!j->known) return *id && strspn(id, "0123456789") == strlen(id) && strlen(id) < 10 ? atoi(id) : -1;
    found = bsearch(&key, j->known, (size_t)j->a->n_queries, sizeof *j->known, by_name);
    return found ? found->index : -1;
}

static enum duo_status read_value(const struct joining *j, double *out, struct duo_err *err)
{
    const char *cell = duo_csv_cell(j->csv, j->column), *near;
    int index;

    if (!j->names) return duo_csv_number(j->csv, j->column, out, err);
    index = find(j->names, j->n_names, cell);
    *out  = index;
    if (index >= 0) return DUO_OK;
    near = duo_nearest(cell, j->names, (size_t)j->n_names);
    return duo_csv_bad(j->csv, j->column, err, near ? "\"%s\" is no place (did you mean \"%s\"?)" : "\"%s\" is no place", cell, near);
}

static enum duo_status read_rows(struct joining *j, struct duo_err *err)
{
    int got;

    while ((got = duo_csv_next(j->csv, err)) == 1) {
        const char *id = duo_csv_cell(j->csv, j->id);
        int query = query_of(j, id);
        double value;
        DUO_TRY(read_value(j, &value, err));
        if (query < 0) {
            if (!j->strangers++) j->first_line = duo_csv_line(j->csv), snprintf(j->first, sizeof j->first, "%s", id);
            continue;
        }
        if (j->n == j->room) j->point = duo_grow(j->point, (size_t)(j->room = 2 * j->room + 64), sizeof *j->point);
        j->point[j->n++] = (struct point){ query, value, duo_csv_line(j->csv) };
    }
    if (got < 0) return DUO_BAD_INPUT;
    if (j->strangers)
        return duo_fail_at(err, DUO_BAD_INPUT, j->path, j->first_line, 0, "%d row%s for queries that the answers have not; the first: \"%s\"", j->strangers,
                           j->strangers > 1 ? "s are" : " is", j->first);
    if (!j->n) return duo_fail_at(err, DUO_BAD_INPUT, j->path, 1, 0, "no rows below the header");
    qsort(j->point, (size_t)j->n, sizeof *j->point, by_query);
    for (int i = 1; i < j->n; i++)
        if (j->point[i].query == j->point[i - 1].query)
            return duo_fail_at(err, DUO_BAD_INPUT, j->path, j->point[i].line, 0, "this query is there twice: before in line %d", j->point[i - 1].line);
    return DUO_OK;
}

static void list_known(struct joining *j)
{
    struct duo_query q;

    if (!j->a->n_queries) return;
    j->known = duo_new((size_t)j->a->n_queries, sizeof *j->known);
    for (int i = 0; i < j->a->n_queries; i++) {
        j->a->kind->query(j->a, i, &q);
        j->known[i] = (struct named){ q.name, i };
    }
    qsort(j->known, (size_t)j->a->n_queries, sizeof *j->known, by_name);
}

static void add_column(struct duo_source *s, const char *name, const struct joining *j)
{
    struct duo_column *c;

    duo_source_add_score(s, name);
    s->columns = duo_grow(s->columns, (size_t)s->n_columns + 1, sizeof *s->columns);
    c  = &s->columns[s->n_columns++];
    *c = (struct duo_column){ .name = duo_copy(name), .n = j->n, .query = duo_new((size_t)j->n, sizeof *c->query), .value = duo_new((size_t)j->n, sizeof *c->value) };
    for (int i = 0; i < j->n; i++) c->query[i] = j->point[i].query, c->value[i] = j->point[i].value;
}

enum duo_status duo_answers_join(struct duo_answers **answers, const char *name, const char *path, const char *column,
                                 const char *const *names, int n_names, int *unmatched, struct duo_err *err)
{
    struct joining j = { .a = *answers, .path = path, .names = names, .n_names = n_names };
    enum duo_status status;

    *unmatched = 0;
    if (duo_answers_score(*answers, name) >= 0) return duo_fail(err, DUO_BAD_INPUT, "%s: there is a score \"%s\" already", path, name);
    DUO_TRY(duo_csv_open(&j.csv, path, ',', err));
    status = find_columns(&j, column, err);
    if (status == DUO_OK) {
        list_known(&j);
        status = read_rows(&j, err);
    }
    if (status == DUO_OK) {
        add_column((struct duo_source *)*answers, name, &j);
        if ((*answers)->n_queries) *unmatched = (*answers)->n_queries - j.n;
    }
    free(j.known);
    free(j.point);
    duo_csv_close(j.csv);
    return status;
}

/* ---- quantile ---- */

enum { SAMPLE = 2000, LOOK = 1000000 };      /* synthetic: so many train queries among so many */

static enum duo_status refuse_signal(const struct duo_answers *a, const char *signal, struct duo_err *err)
{
    const char **known = duo_new((size_t)(1 + a->n_features + a->n_scores), sizeof *known), *near;
    size_t n = 0;
    enum duo_status status;

    known[n++] = "prompt_tokens";
    for (int i = 0; i < a->n_features; i++) known[n++] = a->features[i];
    for (int i = 0; i < a->n_scores; i++) known[n++] = a->scores[i];
    near   = duo_nearest(signal, known, n);
    status = duo_fail(err, DUO_BAD_INPUT, near ? "the answers (%s) have no signal \"%s\" (did you mean \"%s\"?)" : "the answers (%s) have no signal \"%s\"",
                      a->label, signal, near);
    free(known);
    return status;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum duo_status duo_answers_quantile(const struct duo_answers *a, const char *signal, double q, double *out, struct duo_err *err)
{
    int  feature = find(a->features, a->n_features, signal), score = duo_answers_score(a, signal), n = 0, k, train = 0;
    bool prompt = strcmp(signal, "prompt_tokens") == 0;
    int  room = a->n_queries ? a->n_queries : SAMPLE, end = a->n_queries ? a->n_queries : LOOK;
    double *value;

    if (!prompt && feature < 0 && score < 0) return refuse_signal(a, signal, err);
    value = duo_new((size_t)room, sizeof *value);
    for (int i = 0; i < end && train < room; i++) {
        struct duo_query query;
        double x;
        a->kind->query(a, i, &query);
        if (!query.train) continue;
        train++;
        x = prompt ? query.prompt_tokens : feature >= 0 ? query.features[feature] : a->kind->score(a, i, score);
        if (!isnan(x)) value[n++] = x;
    }
    qsort(value, (size_t)n, sizeof *value, by_value);
    k = (int)ceil(q * n - 1e-9);             /* so that .07 x 100 is 7 */
    if (n) *out = k < 1 ? -INFINITY : value[(k < n ? k : n) - 1];
    free(value);
    if (n) return DUO_OK;
    return train ? duo_fail(err, DUO_BAD_INPUT, "\"%s\" is not known of any query of the train split", signal)
                 : duo_fail(err, DUO_BAD_INPUT, "the answers (%s) have no train split to fit \"%s\" on", a->label, signal);
}
