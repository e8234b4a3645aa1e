/* world.c - an invented world: people, what is known of them, how famous they are.  Requirements: tasks_inside.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "models/pair/tasks_inside.h"

const uint64_t duo_world_seed = 20261121;

const char *const duo_attributes[DUO_ATTRIBUTES] = { "home", "job", "pet", "food" };
const char *const duo_values[DUO_ATTRIBUTES][DUO_VALUES] = {
    { "oslo", "bonn", "bern", "kiev", "riga", "doha", "cork", "nice", "york", "paris", "delhi", "cairo" },
    { "cook", "monk", "smith", "baker", "miner", "tailor", "hunter", "fisher", "potter", "scribe", "farmer", "sailor" },
    { "cat", "dog", "goat", "crow", "hare", "toad", "colt", "newt", "swan", "wolf", "lynx", "moth" },
    { "rice", "bread", "soup", "corn", "beans", "pie", "fish", "ham", "plums", "nuts", "figs", "cake" },
};

int duo_below(struct duo_rng *r, int n) { return (int)(duo_rng_unit(r) * n); }

/* Two syllables, the last of which doesn't end with e, as English words of this build do.  The step has no divisor in
 * common with the number of names, so that no two are equal. */
void duo_person_name(int person, char out[DUO_PERSON_NAME])
{
    static const char consonants[] = "bdklmnrs", vowels[] = "aeiou", last[] = "aiou";
    int x = (person * 389 + 57) % (8 * 5 * 8 * 4);
    out[0] = consonants[x % 8];
    out[1] = vowels[x / 8 % 5];
    out[2] = consonants[x / 40 % 8];
    out[3] = last[x / 320];
    out[4] = 0;
}

int duo_fact(int person, int attribute)
{
    assert(person < DUO_PEOPLE);
    return (int)(duo_hash(duo_world_seed, "fact", (uint64_t)(person * DUO_ATTRIBUTES + attribute)) % DUO_VALUES);
}

/* How often a person is met falls with the cube of the place in the order of fame: whole numbers, the same everywhere. */
static int64_t fame(int person) { return (INT64_C(1) << 30) / ((person + 20) * (person + 20) * (person + 20)); }

static int by_fame(struct duo_rng *r)
{
    int64_t sum = 0;
    for (int i = 0; i < DUO_PEOPLE; i++) sum += fame(i);
    int64_t at = (int64_t)(duo_rng_unit(r) * (double)sum);
    int person = 0;
    while ((at -= fame(person)) >= 0) person++;
    return person;
}

int duo_person_draw(struct duo_rng *r, int tier)
{
    static const int from[DUO_TIERS + 1] = { 0, 30, 80, 160, DUO_PEOPLE };
    return tier == 0 ? by_fame(r) : from[tier - 1] + duo_below(r, from[tier] - from[tier - 1]);
}

int duo_stranger_draw(struct duo_rng *r) { return DUO_PEOPLE + duo_below(r, DUO_STRANGERS); }

void duo_put(struct duo_text *t, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    int n = vsnprintf(t->at + t->n, sizeof t->at - t->n, fmt, list);
    va_end(list);
    assert(n >= 0 && t->n + (size_t)n < sizeof t->at);
    t->n += (size_t)n;
}
