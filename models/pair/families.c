/* families.c - letters and digits: add, chain, sort, count, and several of them in one prompt. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/pair/tasks_inside.h"

enum { LETTERS = 20 };                               /* A to T */

/* Digits from the least significant one, so that a carry is known when it is needed. */
static void put_backwards(struct duo_text *t, int x)
{
    do duo_put(t, "%d", x % 10); while (x /= 10);
}

static void shuffled(struct duo_rng *r, char *at, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int k = duo_below(r, i + 1);
        char c = at[i];
        at[i] = at[k], at[k] = c;
    }
}

/* ---------------------------------------------------------------- parts: a question without its newline, and its answer */

static void add(struct duo_rng *r, int low_a, int high_a, int low_b, int high_b, struct duo_text *ask, struct duo_text *answer)
{
    int a = low_a + duo_below(r, high_a - low_a), b = low_b + duo_below(r, high_b - low_b);
    duo_put(ask, "add %d+%d", a, b);
    put_backwards(answer, a + b);
}

static void chain(struct duo_rng *r, int terms, struct duo_text *ask, struct duo_text *answer)
{
    int sum = duo_below(r, 10);
    duo_put(ask, "chain %d", sum);
    for (int i = 1; i < terms; i++) {
        int x = duo_below(r, 10);
        sum = (sum + x) % 10;
        duo_put(ask, "+%d", x);
        duo_put(answer, "%d", sum);
    }
}

static int by_letter(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

static void sort(struct duo_rng *r, int n, bool copy, struct duo_text *ask, struct duo_text *answer)
{
    char at[LETTERS + 1];
    for (int i = 0; i < LETTERS; i++) at[i] = (char)('A' + i);
    shuffled(r, at, LETTERS);
    at[n] = 0;
    duo_put(ask, "%s %s", copy ? "copy" : "sort", at);
    if (!copy) qsort(at, (size_t)n, 1, by_letter);
    duo_put(answer, "%s", at);
}

/* The letters; which one is asked for comes behind. */
static void letters(struct duo_rng *r, int n, char *at)
{
    for (int i = 0; i < n; i++) at[i] = (char)('A' + duo_below(r, 4));
    at[n] = 0;
}

static int count_of(const char *at, char letter)
{
    int n = 0;
    while (*at) n += *at++ == letter;
    return n;
}

/* ---------------------------------------------------------------- families */

void duo_write_add(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const int range[4][4] = { { 10, 100, 0, 10 }, { 10, 100, 10, 100 }, { 100, 1000, 100, 1000 }, { 1000, 10000, 1000, 10000 } };
    const int *x = range[w->level - 1];
    add(&w->rng, x[0], x[1], x[2], x[3], &t->prompt, &t->answer);
    duo_put(&t->prompt, "\n");
}

void duo_write_chain(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const int terms[3] = { 3, 5, 7 };
    chain(&w->rng, terms[w->level - 1], &t->prompt, &t->answer);
    duo_put(&t->prompt, "\n");
}

void duo_write_sort(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const int n[4] = { 6, 4, 6, 8 };
    sort(&w->rng, n[w->level - 1], w->level == 1, &t->prompt, &t->answer);
    duo_put(&t->prompt, "\n");
}

void duo_write_count(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const int n[4] = { 4, 6, 8, 12 };
    char at[13], asked[] = "ABCD";
    letters(&w->rng, n[w->level - 1], at);
    shuffled(&w->rng, asked, 4);
    duo_put(&t->prompt, "count %s", at);
    t->shared = t->prompt.n;
    duo_put(&t->prompt, " for %c\n", asked[0]);
    duo_put(&t->answer, "%d", count_of(at, asked[0]));
    for (t->n_more = 0; t->n_more < 3; t->n_more++) {
        char letter = asked[t->n_more + 1];
        snprintf(t->more[t->n_more].ask, sizeof t->more[0].ask, " for %c\n", letter);
        snprintf(t->more[t->n_more].answer, sizeof t->more[0].answer, "%d", count_of(at, letter));
    }
}

static void part(struct duo_rng *r, char kind, struct duo_task_text *t)
{
    char at[5], name[DUO_PERSON_NAME];
    switch (kind) {
    case 'a': add(r, 0, 10, 0, 10, &t->prompt, &t->answer); break;
    case 'c': chain(r, 3, &t->prompt, &t->answer); break;
    case 's': sort(r, 3, false, &t->prompt, &t->answer); break;
    case 'n': {
        letters(r, 4, at);
        char letter = (char)('A' + duo_below(r, 4));
        duo_put(&t->prompt, "count %s for %c", at, letter);
        duo_put(&t->answer, "%d", count_of(at, letter));
        break;
    }
    default: {
        int person = duo_person_draw(r, 0), attribute = duo_below(r, DUO_ATTRIBUTES);
        duo_person_name(person, name);
        duo_put(&t->prompt, "ask %s %s", name, duo_attributes[attribute]);
        duo_put(&t->answer, "%s%s", t->answer.n ? "" : " ", duo_values[attribute][duo_fact(person, attribute)]);
    }
    }
}

/* Kinds of parts don't repeat in a prompt. */
void duo_write_multi(struct duo_task_draw *w, struct duo_task_text *t)
{
    char kinds[] = "acsnk";
    shuffled(&w->rng, kinds, 5);
    t->grading = DUO_GRADE_PARTS;
    duo_put(&t->prompt, "do ");
    for (int i = 0; i < w->level + 1; i++) {
        if (i) duo_put(&t->prompt, "; "), duo_put(&t->answer, "; ");
        part(&w->rng, kinds[i], t);
    }
    duo_put(&t->prompt, "\n");
}
