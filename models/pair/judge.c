/* judge.c - logistic models of a prompt.  Requirements: judge.h. */
#include "models/pair/judge.h"

#include <stdlib.h>
#include <string.h>

#include "models/kernels/kernels.h"
#include "sim/base/csv.h"

enum { NEAR = 3, WORD = 24 };

struct weight { char feature[DUO_FEATURE]; double weight; };
struct duo_judge { int n; struct weight *at; };

/* ---------------------------------------------------------------- words */

static bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
static bool stop(char c) { return strchr(".,;:?!", c) != NULL; }

/* The next word from *at on; false: there is none. */
static bool next_word(const char *prompt, int *at, struct duo_span *out)
{
    int i = *at;
    do {
        while (prompt[i] && blank(prompt[i])) i++;
        out->from = i;
        while (prompt[i] && !blank(prompt[i])) i++;
        if (out->from == i) return *at = i, false;
        out->to = i;
        while (out->from < out->to && stop(prompt[out->from])) out->from++;
        while (out->from < out->to && stop(prompt[out->to - 1])) out->to--;
    } while (out->from == out->to);
    *at = i;
    return true;
}

/* (2) As features have it; long words are cut. */
static void shape(const char *prompt, struct duo_span s, char out[WORD])
{
    int n = s.to - s.from < WORD - 1 ? s.to - s.from : WORD - 1;
    for (int i = 0; i < n; i++) {
        char c = prompt[s.from + i];
        out[i] = c >= '0' && c <= '9' ? '0' : c >= 'A' && c <= 'Z' ? 'A' : c;
    }
    out[n] = 0;
}

void duo_features_prompt(const char *prompt, void (*take)(void *user, const char *feature), void *user)
{
    char words[NEAR][WORD] = { "" }, word[WORD], feature[DUO_FEATURE];
    struct duo_span s;
    int n = 0;
    for (int at = 0; next_word(prompt, &at, &s); n++) {
        shape(prompt, s, word);
        snprintf(feature, sizeof feature, "w:%s", word);
        take(user, feature);
        for (int back = 1; back <= NEAR && back <= n; back++) {
            snprintf(feature, sizeof feature, "p:%s_%s", words[(n - back) % NEAR], word);
            take(user, feature);
        }
        memcpy(words[n % NEAR], word, WORD);
    }
}

bool duo_features_word(const char *prompt, int word, struct duo_span *where, void (*take)(void *user, const char *feature), void *user)
{
    struct duo_span s, first = { 0, 0 }, before = { 0, 0 };
    char text[WORD], feature[DUO_FEATURE];
    int at = 0;
    for (int i = 0; i <= word; i++) {
        before = i ? s : before;
        if (!next_word(prompt, &at, &s)) return false;
        if (i == 0) first = s;
    }
    *where = s;
    const struct { const char *name; struct duo_span span; } parts[] = { { "w", s }, { "before", before }, { "first", first } };
    for (int i = 0; i < 3; i++) {
        shape(prompt, parts[i].span, text);
        snprintf(feature, sizeof feature, "%s:%s", parts[i].name, text);
        take(user, feature);
    }
    if (next_word(prompt, &at, &s)) shape(prompt, s, text);
    else text[0] = 0;
    snprintf(feature, sizeof feature, "after:%s", text);
    take(user, feature);
    return true;
}

/* ---------------------------------------------------------------- weights */

static int by_feature(const void *a, const void *b) { return strcmp(((const struct weight *)a)->feature, ((const struct weight *)b)->feature); }

static double weight_of(const struct duo_judge *j, const char *feature)
{
    struct weight key;
    snprintf(key.feature, sizeof key.feature, "%s", feature);
    const struct weight *found = bsearch(&key, j->at, (size_t)j->n, sizeof key, by_feature);
    return found ? found->weight : 0;
}

static enum duo_status read_weights(struct duo_judge *j, struct duo_csv *csv, struct duo_err *err)
{
    int feature, weight, more;
    DUO_TRY(duo_csv_need(csv, "feature", &feature, err));
    DUO_TRY(duo_csv_need(csv, "weight", &weight, err));
    while ((more = duo_csv_next(csv, err)) > 0) {
        struct weight w;
        const char *name = duo_csv_cell(csv, feature);
        if (!*name || strlen(name) >= sizeof w.feature) return duo_csv_bad(csv, feature, err, "a feature of 1 to %d bytes expected", DUO_FEATURE - 1);
        snprintf(w.feature, sizeof w.feature, "%s", name);
        DUO_TRY(duo_csv_number(csv, weight, &w.weight, err));
        j->at = duo_grow(j->at, (size_t)j->n + 1, sizeof *j->at);
        j->at[j->n++] = w;
    }
    return more < 0 ? DUO_BAD_INPUT : DUO_OK;
}

enum duo_status duo_judge_open(struct duo_judge **out, const char *path, struct duo_err *err)
{
    struct duo_csv *csv;
    *out = NULL;
    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    struct duo_judge *j = duo_new(1, sizeof *j);
    enum duo_status status = read_weights(j, csv, err);
    duo_csv_close(csv);
    if (status == DUO_OK && j->n == 0) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no weight in it");
    if (j->n) qsort(j->at, (size_t)j->n, sizeof *j->at, by_feature);
    for (int i = 1; i < j->n && status == DUO_OK; i++)
        if (by_feature(&j->at[i - 1], &j->at[i]) == 0) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s has two weights", j->at[i].feature);
    if (status == DUO_OK) return *out = j, DUO_OK;
    duo_judge_free(j);
    return status;
}

void duo_judge_free(struct duo_judge *j)
{
    if (j) free(j->at);
    free(j);
}

/* ---------------------------------------------------------------- judging (4) */

static double logistic(double x)
{
    x = x > 80 ? 80 : x < -80 ? -80 : x;
    return 1 / (1 + (double)duo_expf((float)-x));
}

struct sum { const struct duo_judge *judge; double x; };

static void add(void *user, const char *feature)
{
    struct sum *s = user;
    s->x += weight_of(s->judge, feature);
}

double duo_judge_prompt(const struct duo_judge *j, const char *prompt)
{
    struct sum s = { j, weight_of(j, "bias") };
    duo_features_prompt(prompt, add, &s);
    return logistic(s.x);
}

double duo_judge_state(const struct duo_judge *j, const float *state, int width)
{
    double x = weight_of(j, "bias");
    char feature[16];
    for (int i = 0; i < width; i++) {
        snprintf(feature, sizeof feature, "h%d", i);
        x += weight_of(j, feature) * (double)state[i];
    }
    return logistic(x);
}

int duo_judge_spans(const struct duo_judge *j, const char *prompt, struct duo_span *out, int most)
{
    struct duo_span where;
    int n = 0;
    for (int word = 0;; word++) {
        struct sum s = { j, weight_of(j, "bias") };
        if (!duo_features_word(prompt, word, &where, add, &s)) return n;
        if (s.x <= 0) continue;
        if (n < most) out[n] = where;
        n++;
    }
}
