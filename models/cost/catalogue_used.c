/* catalogue_used.c - which rows were looked up, and a hash of what cost models read of each; cost.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/catalogue_inside.h"
#include "sim/base/rng.h"

struct list { struct duo_used *at; int n; };

/* Order-free: a sum over the numbers, so that rows may be moved in a file. */
static uint64_t hash_of(const char *key, const char *quant, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return duo_mix(duo_hash(bits, key, duo_hash(0, quant ? quant : "", 0)));
}

static uint64_t hash_text(const char *what, const char *text) { return text && *text ? duo_mix(duo_hash(1, what, duo_hash(1, text, 0))) : 0; }

/* A hash to the entry of this name. */
static void add(struct list *list, const char *table, const char *row, const char *rest, uint64_t hash)
{
    char name[400];
    snprintf(name, sizeof name, "%s/%s%s%s", table, row, *rest ? "/" : "", rest);
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, name) == 0) {
            list->at[i].hash += hash;
            return;
        }
    list->at = duo_grow(list->at, (size_t)list->n + 1, sizeof *list->at);
    list->at[list->n++] = (struct duo_used){ duo_copy(name), hash };
}

static uint64_t row_hash(const struct duo_row *r)
{
    uint64_t hash = hash_text("site", r->site) + hash_text("class", r->class) + hash_text("runtime", r->runtime) + hash_text("activation", r->activation)
                  + hash_text("quant", r->quant);
    for (int k = 0; k < DUO_KEYS; k++)
        if (!isnan(r->value[k].given) && duo_keys[k].claim != DUO_CLAIM_READ) hash += hash_of(duo_keys[k].name, "", r->value[k].given);
    return hash;
}

int duo_catalogue_used(const struct duo_catalogue *c, struct duo_used **out)
{
    struct list list = { 0 };
    for (int t = 0; t < DUO_NO_TABLE; t++)
        for (int i = 0; i < c->table[t].n; i++)
            if (c->table[t].read[i]) add(&list, duo_table_names[t], duo_row_label(c->table[t].rows[i]), "", row_hash(c->table[t].rows[i]));
    for (int i = 0; i < c->n_scoped; i++) {
        const struct duo_scoped *s = &c->scoped[i];
        if (s->read && !isnan(s->value.given)) add(&list, "runtimes", s->scope, s->runtime, hash_of(duo_keys[s->key].name, s->quant, s->value.given));
    }
    *out = list.at;
    return list.n;
}
