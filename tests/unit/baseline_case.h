/* baseline_case.h - baselines by hand, for the tests of analysis/baseline.h and analysis/check.h. */
#ifndef DUO_TESTS_BASELINE_CASE_H
#define DUO_TESTS_BASELINE_CASE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/check.h"

struct baseline_case { int variants, labels, seeds, questions; int64_t first_seed; bool own; };     /* own: questions of each seed's own */

static inline void case_label(const struct baseline_case *c, struct duo_baseline_variant *v, int i)
{
    char name[16];
    snprintf(name, sizeof name, "p%d", i);
    struct duo_baseline_label *l = &v->labels[i];
    *l = (struct duo_baseline_label){ .label = duo_copy(name), .policy = duo_copy(name), .params = duo_copy(""),
                                      .seed = duo_new((size_t)c->seeds, sizeof *l->seed), .n_answers = c->own ? c->seeds : 1 };
    for (int m = 0; m < DUO_N_METRICS; m++) {
        l->value[m] = (double)NAN;
        for (int s = 0; s < c->seeds; s++) l->seed[s][m] = (double)NAN;
    }
    l->answers = duo_new((size_t)l->n_answers, sizeof *l->answers);
    for (int k = 0; k < l->n_answers; k++) {
        l->answers[k] = (struct duo_answers_of){ .seed = c->own ? v->seeds[k] : -1, .quality = duo_new((size_t)c->questions + 1, sizeof(double)) };
        for (int q = 0; q < c->questions; q++) l->answers[k].quality[q] = (double)NAN;
    }
}

/* Everything there, all figures unknown. */
static inline struct duo_baseline case_new(const struct baseline_case *c)
{
    struct duo_baseline b = { .scenario = duo_copy("mine"), .made = duo_copy("by hand"), .sampling = 1, .draws = 7, .n_variants = c->variants,
                              .variants = duo_new((size_t)c->variants, sizeof *b.variants) };
    for (int i = 0; i < c->variants; i++) {
        char name[16] = "";
        if (c->variants > 1) snprintf(name, sizeof name, "v%d", i);
        struct duo_baseline_variant *v = &b.variants[i];
        *v = (struct duo_baseline_variant){ .variant = duo_copy(name), .n_seeds = c->seeds, .seeds = duo_new((size_t)c->seeds, sizeof *v->seeds),
                                            .n_asked = c->questions, .asked = duo_new((size_t)c->questions + 1, sizeof *v->asked),
                                            .n_labels = c->labels, .labels = duo_new((size_t)c->labels, sizeof *v->labels) };
        for (int s = 0; s < c->seeds; s++) v->seeds[s] = c->first_seed + s;
        for (int q = 0; q < c->questions; q++) v->asked[q] = q;
        for (int l = 0; l < c->labels; l++) case_label(c, v, l);
    }
    return b;
}

/* A figure of all seeds alike, but for `spread` from seed to seed. */
static inline void case_set(struct duo_baseline *b, const char *label, enum duo_metric m, double value, double spread)
{
    for (int v = 0; v < b->n_variants; v++)
        for (int l = 0; l < b->variants[v].n_labels; l++) {
            struct duo_baseline_label *t = &b->variants[v].labels[l];
            if (label && strcmp(label, t->label) != 0) continue;
            int n = b->variants[v].n_seeds;
            t->value[m] = value;
            for (int s = 0; s < n; s++) t->seed[s][m] = value + spread * (s - (n - 1) / 2.0);
        }
}

/* Quality's figures from its cells; of questions that all seeds share, every seed has the mean. */
static inline void case_close(struct duo_baseline *b)
{
    for (int v = 0; v < b->n_variants; v++)
        for (int l = 0; l < b->variants[v].n_labels; l++) {
            struct duo_baseline_label *t = &b->variants[v].labels[l];
            double all = 0;
            for (int s = 0; s < b->variants[v].n_seeds; s++) {
                const struct duo_answers_of *a = &t->answers[t->n_answers > 1 ? s : 0];
                double sum = 0;
                int n = 0;
                for (int q = 0; q < b->variants[v].n_asked; q++)
                    if (!isnan(a->quality[q])) sum += a->quality[q], n++;
                t->seed[s][DUO_M_quality] = duo_baseline_round(n ? sum / n : (double)NAN);
                all += n ? sum / n : (double)NAN;
            }
            t->value[DUO_M_quality] = duo_baseline_round(all / b->variants[v].n_seeds);
        }
}

static inline struct duo_baseline case_copy(const struct duo_baseline *b)
{
    size_t n;
    struct duo_baseline copy;
    struct duo_err err = { 0 };
    char *text = duo_baseline_text(b, &n);
    if (duo_baseline_parse(&copy, text, n, "copy", &err) != DUO_OK) printf("copy:%d: %s\n", err.line, err.text), abort();
    free(text);
    return copy;
}

static inline struct duo_gate_result *case_gate(struct duo_check *c, const char *label, const char *name)
{
    for (int i = 0; i < c->n_gates; i++)
        if (strcmp(c->gates[i].label, label) == 0 && strcmp(c->gates[i].name, name) == 0) return &c->gates[i];
    printf("no gate %s.%s\n", label, name);
    abort();
}

#endif
