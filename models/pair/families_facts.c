/* families_facts.c - facts: in the prompt, joined, known by heart, asked again.
 *
 * (1) A question about a person has eight wordings, half of which name the attribute first; in sessions a greeting and a
 *     tail stand around them.  So a fact that is learnt in one wording can be asked in another. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/pair/tasks_inside.h"

enum { WORDINGS = 8, GREETINGS = 6, TAILS = 5, PAIRS = 4, FACTS = 10 };

static const struct { const char *before, *between; bool attribute_first; } wordings[WORDINGS] = {
    { "ask ", " ", false }, { "say ", " ", false }, { "find ", " ", false }, { "about ", " the ", false },
    { "what is the ", " of ", true }, { "give the ", " of ", true }, { "name the ", " of ", true }, { "which ", " has ", true },
};
static const char *const greetings[GREETINGS] = { "", "hi ", "hello ", "well ", "now ", "please " };
static const char *const tails[TAILS] = { "", " please", " thanks", " again", " today" };

static void question(char *out, size_t n, int wording, const char *person, const char *attribute)
{
    bool swap = wordings[wording].attribute_first;
    snprintf(out, n, "%s%s%s%s", wordings[wording].before, swap ? attribute : person, wordings[wording].between, swap ? person : attribute);
}

/* A fact as it stands in a context: "bako pet crow." */
struct fact { char person[DUO_PERSON_NAME]; const char *attribute, *value; };

static void fact_text(const struct fact *f, char out[48]) { snprintf(out, 48, "%s %s %s.", f->person, f->attribute, f->value); }

static struct fact known_fact(int person, int attribute)
{
    struct fact f = { .attribute = duo_attributes[attribute], .value = duo_values[attribute][duo_fact(person, attribute)] };
    duo_person_name(person, f.person);
    return f;
}

/* Half are the world's, by fame as questions are; half a stranger's, whose values nobody can know. */
static struct fact some_fact(struct duo_rng *r)
{
    int attribute = duo_below(r, DUO_ATTRIBUTES);
    if (duo_below(r, 2)) return known_fact(duo_person_draw(r, 0), attribute);
    struct fact f = { .attribute = duo_attributes[attribute], .value = duo_values[attribute][duo_below(r, DUO_VALUES)] };
    duo_person_name(duo_stranger_draw(r), f.person);
    return f;
}

static bool same_question(const struct fact *a, const struct fact *b)
{
    return strcmp(a->person, b->person) == 0 && strcmp(a->attribute, b->attribute) == 0;
}

/* `n` facts behind the `have` that are there, no two of which answer one question. */
static void fill_facts(struct duo_rng *r, struct fact *at, int have, int n)
{
    for (int i = have; i < have + n; i++) {
        bool fresh;
        do {
            at[i] = some_fact(r);
            fresh = true;
            for (int k = 0; k < i; k++) fresh &= !same_question(&at[k], &at[i]);
        } while (!fresh);
    }
}

void duo_other_fact(struct duo_rng *r, const char *not_person, const char *not_attribute, char out[48])
{
    struct fact f;
    do f = some_fact(r); while (strcmp(f.person, not_person) == 0 && strcmp(f.attribute, not_attribute) == 0);
    fact_text(&f, out);
}

static void put_note(struct duo_task_text *t, const struct fact *at, const int *order, int n)
{
    char text[48];
    duo_put(&t->prompt, "note");
    for (int i = 0; i < n; i++) fact_text(&at[order[i]], text), duo_put(&t->prompt, " %s", text);
    t->shared = t->prompt.n;
}

static void shuffle(struct duo_rng *r, int *at, int n)
{
    for (int i = 0; i < n; i++) at[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = duo_below(r, i + 1), x = at[i];
        at[i] = at[k], at[k] = x;
    }
}

static void need(struct duo_task_text *t, const struct fact *f) { fact_text(f, t->facts[t->n_facts++]); }

/* The question that the task asks, behind what is there. */
static void ask(struct duo_rng *r, struct duo_task_text *t, const struct fact *f)
{
    char text[80];
    question(text, sizeof text, duo_below(r, WORDINGS), f->person, f->attribute);
    duo_put(&t->prompt, "%s%s\n", t->prompt.n ? " " : "", text);
    duo_put(&t->answer, " %s", f->value);
    need(t, f);
}

/* A further one for a training row. */
static void ask_more(struct duo_rng *r, struct duo_task_text *t, const struct fact *f)
{
    char text[76];
    assert(t->n_more < DUO_DRAFT_MORE);
    question(text, sizeof text, duo_below(r, WORDINGS), f->person, f->attribute);
    snprintf(t->more[t->n_more].ask, sizeof t->more[0].ask, " %s\n", text);
    snprintf(t->more[t->n_more].answer, sizeof t->more[0].answer, " %s", f->value);
    t->n_more++;
}

/* ---------------------------------------------------------------- families */

void duo_write_look(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const int facts[4] = { 1, 3, 6, 10 };
    struct fact at[FACTS] = { 0 };
    int order[FACTS], n = facts[w->level - 1];
    fill_facts(&w->rng, at, 0, n);
    shuffle(&w->rng, order, n);
    put_note(t, at, order, n);
    ask(&w->rng, t, &at[0]);
    for (int i = 1; i < n; i++) ask_more(&w->rng, t, &at[i]);
}

/* Somebody's friend, and one thing about the friend; single steps are asked in training, too. */
void duo_write_hop(struct duo_task_draw *w, struct duo_task_text *t)
{
    struct fact at[2 * PAIRS] = { 0 };
    char friends[PAIRS][DUO_PERSON_NAME];
    int people[DUO_STRANGERS], order[2 * PAIRS], n = w->level;
    shuffle(&w->rng, people, DUO_STRANGERS);
    for (int i = 0; i < n; i++) {
        int attribute = duo_below(&w->rng, DUO_ATTRIBUTES);
        duo_person_name(DUO_PEOPLE + people[2 * i + 1], friends[i]);
        at[2 * i] = (struct fact) { .attribute = "friend", .value = friends[i] };
        at[2 * i + 1] = (struct fact) { .attribute = duo_attributes[attribute], .value = duo_values[attribute][duo_below(&w->rng, DUO_VALUES)] };
        duo_person_name(DUO_PEOPLE + people[2 * i], at[2 * i].person);
        memcpy(at[2 * i + 1].person, friends[i], DUO_PERSON_NAME);
    }
    shuffle(&w->rng, order, 2 * n);
    put_note(t, at, order, 2 * n);
    duo_put(&t->prompt, " ask %s friend %s\n", at[0].person, at[1].attribute);
    duo_put(&t->answer, " %s", at[1].value);
    need(t, &at[0]), need(t, &at[1]);
    for (int i = 1; i < n; i++) {
        snprintf(t->more[t->n_more].ask, sizeof t->more[0].ask, " ask %s friend %s\n", at[2 * i].person, at[2 * i + 1].attribute);
        snprintf(t->more[t->n_more++].answer, sizeof t->more[0].answer, " %s", at[2 * i + 1].value);
    }
    int single = duo_below(&w->rng, n);
    snprintf(t->more[t->n_more].ask, sizeof t->more[0].ask, " ask %s friend\n", at[2 * single].person);
    snprintf(t->more[t->n_more++].answer, sizeof t->more[0].answer, " %s", friends[single]);
    ask_more(&w->rng, t, &at[2 * single + 1]);
}

void duo_write_know(struct duo_task_draw *w, struct duo_task_text *t)
{
    int person = duo_person_draw(&w->rng, w->level);
    struct fact f = known_fact(person, duo_below(&w->rng, DUO_ATTRIBUTES));
    ask(&w->rng, t, &f);
}

/* What is asked is not in the context: the answer is the one without it. */
void duo_write_miss(struct duo_task_draw *w, struct duo_task_text *t)
{
    struct fact at[4] = { 0 };
    int n = 1 + duo_below(&w->rng, 3), order[3];
    int person = duo_person_draw(&w->rng, w->level);
    at[0] = known_fact(person, duo_below(&w->rng, DUO_ATTRIBUTES));
    fill_facts(&w->rng, at, 1, n);
    shuffle(&w->rng, order, n);
    put_note(t, at + 1, order, n);
    ask(&w->rng, t, &at[0]);
    ask_more(&w->rng, t, &at[1 + duo_below(&w->rng, n)]);
}

/* Turns of a session: level 1 asks one fact in four wordings; 2 two facts of a person by turns; 3 three facts, then the
 * first again.  The same words may come again, too. */
void duo_write_again(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const int which[3][DUO_SESSION_TURNS] = { { 0, 0, 0, 0 }, { 0, 1, 0, 1 }, { 0, 1, 2, 0 } };
    struct duo_rng topic;
    char text[80];
    duo_rng_init(&topic, w->topic, "session", 0);
    int person = duo_person_draw(&topic, 0), first = duo_below(&topic, DUO_ATTRIBUTES);
    struct fact f = known_fact(person, (first + which[w->level - 1][w->turn]) % DUO_ATTRIBUTES);
    int wording = duo_below(&w->rng, WORDINGS * GREETINGS * TAILS);
    question(text, sizeof text, wording % WORDINGS, f.person, f.attribute);
    duo_put(&t->prompt, "%s%s%s\n", greetings[wording / WORDINGS % GREETINGS], text, tails[wording / WORDINGS / GREETINGS]);
    duo_put(&t->answer, " %s", f.value);
    need(t, &f);
}
