/* families_text.c - sentences: told from a template, rewritten in a style, masked, refused. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/pair/tasks_inside.h"

enum { HOME, JOB, PET, FOOD };

static const char *value(struct duo_rng *r, int attribute) { return duo_values[attribute][duo_below(r, DUO_VALUES)]; }

/* The next word of the answer is one that grading looks at. */
static void slot(struct duo_task_text *t, const char *word)
{
    int16_t words = 0;
    for (size_t i = 0; i < t->answer.n; i++) words = (int16_t)(words + (t->answer.at[i] == ' '));
    assert(t->n_slots < DUO_TASK_SLOTS);
    t->slots[t->n_slots++] = words;
    duo_put(&t->answer, " %s", word);
}

static void slot_digit(struct duo_task_text *t, int digit) { slot(t, (char[2]) { (char)('0' + digit), 0 }); }
static void say(struct duo_task_text *t, const char *words) { duo_put(&t->answer, "%s", words); }

/* ---------------------------------------------------------------- tell */

/* Two or four sentences around what the prompt gives; the place belongs to the job, the sum is computed. */
void duo_write_tell(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const char *const places[DUO_VALUES] = { "inn", "abbey", "forge", "mill", "pit", "shop", "wood", "lake", "kiln", "court", "field", "port" };
    struct duo_rng *r = &w->rng;
    char p[DUO_PERSON_NAME], f[DUO_PERSON_NAME];
    int one = duo_below(r, DUO_STRANGERS), other = (one + 1 + duo_below(r, DUO_STRANGERS - 1)) % DUO_STRANGERS;
    duo_person_name(DUO_PEOPLE + one, p), duo_person_name(DUO_PEOPLE + other, f);
    int job = duo_below(r, DUO_VALUES), x = 1 + duo_below(r, 4), y = 1 + duo_below(r, 5);
    const char *home = value(r, HOME), *pet = value(r, PET), *food = value(r, FOOD);
    t->grading = DUO_GRADE_SLOTS;
    duo_put(&t->prompt, "%s %s", w->level == 1 ? "tell" : "story", p);
    if (w->level == 2) duo_put(&t->prompt, " %s", f);
    duo_put(&t->prompt, " %s %s %s %s %d+%d\n", home, duo_values[JOB][job], pet, food, x, y);

    slot(t, p), say(t, " lives in"), slot(t, home), say(t, " and works as a"), slot(t, duo_values[JOB][job]);
    say(t, ". every morning"), slot(t, p), say(t, " feeds the"), slot(t, pet);
    say(t, " and walks to the"), slot(t, places[job]), say(t, " of"), slot(t, home);
    say(t, ". there"), slot(t, p), say(t, " has"), slot_digit(t, x), say(t, " coins and finds"), slot_digit(t, y);
    say(t, " more, so now"), slot(t, p), say(t, " has"), slot_digit(t, x + y);
    say(t, " coins. at noon there is"), slot(t, food), say(t, " and some water for all.");
    if (w->level == 1) return;
    say(t, " in the evening"), slot(t, f), say(t, " comes to the"), slot(t, places[job]), say(t, " and they sit in the sun.");
    slot(t, f), say(t, " plays with the"), slot(t, pet), say(t, " and"), slot(t, p), say(t, " makes");
    slot(t, food), say(t, ". then they talk about the river and the road. at night"), slot(t, f), say(t, " goes home and");
    slot(t, p), say(t, " sleeps.");
}

/* ---------------------------------------------------------------- style */

/* A plain word, in formal and in loose style.  Earlier ones are met more often. */
static const char *const nouns[8][3] = {
    { "kid", "child", "brat" }, { "car", "vehicle", "ride" }, { "house", "residence", "pad" }, { "boss", "director", "chief" },
    { "meal", "dinner", "grub" }, { "money", "funds", "cash" }, { "coat", "garment", "rag" }, { "friend", "companion", "buddy" },
};
static const char *const adjectives[6][3] = {
    { "big", "large", "huge" }, { "small", "minor", "tiny" }, { "good", "fine", "cool" }, { "bad", "poor", "lousy" },
    { "old", "ancient", "rusty" }, { "new", "recent", "fresh" },
};
static const char *const verbs[6][3] = {
    { "got", "obtained", "grabbed" }, { "saw", "observed", "spotted" }, { "liked", "admired", "loved" },
    { "fixed", "repaired", "patched" }, { "bought", "purchased", "scored" }, { "sold", "traded", "dumped" },
};

static void reworded(struct duo_rng *r, struct duo_task_text *t, const char *const (*lexicon)[3], int n, int style)
{
    double u = duo_rng_unit(r);
    const char *const *word = lexicon[(int)(u * u * n)];
    duo_put(&t->prompt, " %s", word[0]);
    slot(t, word[style]);
}

static void both(struct duo_task_text *t, const char *words) { duo_put(&t->prompt, "%s", words), say(t, words); }

void duo_write_style(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const char *const names[3] = { "", "formal", "loose" };
    struct duo_rng *r = &w->rng;
    int style = 1 + duo_below(r, 2);
    t->grading = DUO_GRADE_SLOTS;
    duo_put(&t->prompt, "style %s:", names[style]);
    for (int clause = 0; clause < (w->level == 3 ? 2 : 1); clause++) {
        if (clause) both(t, " and");
        else {
            both(t, " the");
            if (w->level > 1) reworded(r, t, adjectives, 6, style);
            reworded(r, t, nouns, 8, style);
        }
        reworded(r, t, verbs, 6, style);
        both(t, " the");
        if (w->level > 1) reworded(r, t, adjectives, 6, style);
        reworded(r, t, nouns, 8, style);
    }
    duo_put(&t->prompt, "\n");
}

/* ---------------------------------------------------------------- mask */

/* A name or a number into the prompt, and where it stands; or its tag. */
static void personal(struct duo_task_text *t, const char *text)
{
    duo_put(&t->prompt, " ");
    t->sensitive[t->n_sensitive++] = (struct duo_span) { (int)t->prompt.n, (int)(t->prompt.n + strlen(text)) };
    duo_put(&t->prompt, "%s", text);
}

/* Levels 1 and 2: one person or two, to be replaced by tags.  3: an answer that repeats the data, so that it can be
 * asked with tags and restored; training shows both. */
void duo_write_mask(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const char *const forms[2][4] = {    /* N: a name, D: a number, H: a town, F: food */
        { "call N at D about F", "meet N in H or call D", "N has the number D", "send F to N and call D" },
        { "N told N to call D", "call N at D and N at D", "meet N and N in H or call D", "send F to N or to N at D" },
    };
    struct duo_rng *r = &w->rng;
    char names[2][DUO_PERSON_NAME], digits[2][8];
    int one = duo_below(r, DUO_PEOPLE + DUO_STRANGERS), n_names = 0, n_digits = 0;
    duo_person_name(one, names[0]);
    duo_person_name((one + 1 + duo_below(r, DUO_PEOPLE + DUO_STRANGERS - 1)) % (DUO_PEOPLE + DUO_STRANGERS), names[1]);
    for (int i = 0; i < 2; i++) snprintf(digits[i], sizeof digits[i], "%04d", duo_below(r, 10000));
    if (w->level == 3) {
        bool tags = w->training && duo_below(r, 4) == 0;
        const char *name = tags ? "someone" : names[0], *number = tags ? "phone" : digits[0], *food = value(r, FOOD);
        duo_put(&t->prompt, "reply"), personal(t, name), personal(t, number);
        if (tags) t->n_sensitive = 0;
        duo_put(&t->prompt, " %s\n", food);
        duo_put(&t->answer, " dear %s, the %s is here. we call %s.", name, food, number);
        return;
    }
    duo_put(&t->prompt, "mask");
    for (const char *c = forms[w->level - 1][duo_below(r, 4)]; *c;) {
        size_t n = strcspn(c, " ");
        const char *swap = n > 1 ? NULL : *c == 'H' ? value(r, HOME) : *c == 'F' ? value(r, FOOD) : NULL;
        if (n == 1 && *c == 'N')      personal(t, names[n_names++]), say(t, " someone");
        else if (n == 1 && *c == 'D') personal(t, digits[n_digits++]), say(t, " phone");
        else {
            duo_put(&t->prompt, " %.*s", swap ? (int)strlen(swap) : (int)n, swap ? swap : c);
            duo_put(&t->answer, " %.*s", swap ? (int)strlen(swap) : (int)n, swap ? swap : c);
        }
        c += n + (c[n] == ' ');
    }
    duo_put(&t->prompt, "\n");
}

/* ---------------------------------------------------------------- guard */

enum { FREE_VERBS = 6, BAD_VERBS = 4, THINGS = 6, GUARDED = 6 };
static const char *const acts[FREE_VERBS + BAD_VERBS] = { "open", "clean", "paint", "move", "bring", "check", "steal", "burn", "smash", "poison" };
static const char *const things[THINGS + GUARDED] = { "door", "boat", "lamp", "table", "wall", "gate", "bomb", "gun", "vault", "acid", "safe", "alarm" };

/* Some verbs are never allowed; what may be done with a guarded thing is a table to be known by heart. */
static bool allowed(int act, int thing)
{
    if (act >= FREE_VERBS) return false;
    return thing < THINGS || (duo_hash(duo_world_seed, "allowed", (uint64_t)(act * (THINGS + GUARDED) + thing)) & 1);
}

/* Level 1: plain things; 2: guarded ones; 3: two requests, one of which spoils both. */
void duo_write_guard(struct duo_task_draw *w, struct duo_task_text *t)
{
    static const char *const openers[6] = { "please", "can you", "kindly", "could you", "will you", "you must" };
    static const char *const ends[4] = { "", " today", " now", " for me" };
    struct duo_rng *r = &w->rng;
    bool good = true;
    int n = w->level == 3 ? 2 : 1;
    struct duo_text yes = { 0 };
    duo_put(&t->prompt, "%s", openers[duo_below(r, 6)]);
    for (int i = 0; i < n; i++) {
        bool bad = duo_below(r, w->level == 1 ? 2 : 4) == 0;
        int act = bad ? FREE_VERBS + duo_below(r, BAD_VERBS) : duo_below(r, FREE_VERBS);
        bool guarded = w->level == 2 || (w->level == 3 && duo_below(r, 3) == 0);
        int thing = guarded ? THINGS + duo_below(r, GUARDED) : duo_below(r, THINGS);
        good &= allowed(act, thing);
        duo_put(&t->prompt, "%s %s the %s", i ? " and" : "", acts[act], things[thing]);
        duo_put(&yes, "%s %s the %s", i ? " and" : "", acts[act], things[thing]);
    }
    duo_put(&t->prompt, "%s\n", ends[duo_below(r, 4)]);
    if (good) duo_put(&t->answer, " yes, i%s.", yes.at);
    else say(t, " no, that is not safe.");
}
