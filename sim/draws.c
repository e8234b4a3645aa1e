/* draws.c - see draws.h. */
#include "sim/draws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost/catalogue.h"
#include "sim/base/rng.h"

#define LOW  0.7
#define HIGH 1.4

/* ---- the scenario's own ---- */

typedef void visit_fn(void *arg, const char *name, double *value, double most);

/* What `cost:` may set at most; NAN: it is a model's architecture and no estimate. */
static double most_of(const char *key)
{
    for (int k = 0; k < DUO_KEYS; k++)
        if (strcmp(duo_keys[k].name, key) == 0) return duo_keys[k].claim == DUO_CLAIM_FACTS ? (double)NAN : duo_keys[k].most;
    return INFINITY;
}

static void visit_costs(const char *list, const char *name, int n, struct duo_constant *over, visit_fn *fn, void *arg)
{
    for (int i = 0; i < n; i++) {
        char path[256];
        double most = most_of(over[i].key);
        if (isnan(most)) continue;
        snprintf(path, sizeof path, "scenario/%s.%s.cost.%s", list, name, over[i].key);
        fn(arg, path, &over[i].value, most);
    }
}

/* How long an API takes, as the scenario has it: a place's mean or range is scaled, its shape stays. */
static void visit_law(const char *place, const char *key, struct duo_length_law *law, visit_fn *fn, void *arg)
{
    char path[256];
    double was = law->a;
    if (!(was > 0)) return;
    snprintf(path, sizeof path, "scenario/places.%s.%s", place, key);
    fn(arg, path, &law->a, INFINITY);
    if (law->kind == DUO_UNIFORM) law->b *= law->a / was;
}

static void visit(struct duo_scenario *s, visit_fn *fn, void *arg)
{
    for (int i = 0; i < s->n_assumed; i++) {
        char path[256];
        snprintf(path, sizeof path, "scenario/%s", s->assumed[i].name);
        fn(arg, path, (double *)(void *)((char *)s + s->assumed[i].at), INFINITY);
    }
    for (int i = 0; i < s->n_devices; i++)
        visit_costs("devices", s->devices[i].name, s->devices[i].n_over, s->devices[i].over, fn, arg);
    for (int i = 0; i < s->n_places; i++)
        visit_costs("places", s->places[i].name, s->places[i].n_over, s->places[i].over, fn, arg);
    for (int i = 0; i < s->n_places; i++) {
        visit_law(s->places[i].name, "ttft", &s->places[i].ttft, fn, arg);
        visit_law(s->places[i].name, "rate", &s->places[i].rate, fn, arg);
    }
    if (s->cells.radio) return;
    fn(arg, "scenario/cells.joules_up", &s->cells.joules_up, INFINITY);
    fn(arg, "scenario/cells.joules_down", &s->cells.joules_down, INFINITY);
}

static bool moves(double value) { return isfinite(value) && value > 0; }                   /* (3) */

static double draw_one(const char *name, double low, double high, uint64_t number)            /* (2) */
{
    return low * pow(high / low, duo_draw(number, name, 0));
}

/* ---- the list ---- */

struct list { struct duo_drawn *at; int n; uint64_t number; };

static void add(struct list *list, const struct duo_drawn *d)
{
    list->at = duo_grow(list->at, (size_t)list->n + 1, sizeof *list->at);
    list->at[list->n] = *d;
    list->at[list->n++].name = duo_copy(d->name);
}

static void add_own(void *arg, const char *name, double *value, double most)
{
    struct list *list = arg;
    if (!moves(*value)) return;
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, name) == 0) return;               /* of another variant */
    struct duo_drawn d = { name, *value, LOW * *value, fmin(HIGH * *value, fmax(most, *value)), *value, DUO_ASSUMED };
    if (list->number) d.drawn = draw_one(name, d.low, d.high, list->number);
    add(list, &d);
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct duo_drawn *)a)->name, ((const struct duo_drawn *)b)->name); }

int duo_draws_list(struct duo_plan *plan, struct duo_catalogue *catalogue, uint64_t number, struct duo_drawn **out)
{
    struct list list = { .number = number };
    const struct duo_drawn *read;
    duo_catalogue_draw(catalogue, number);
    int n = duo_catalogue_drawn(catalogue, &read);
    for (int i = 0; i < n; i++)
        if (read[i].high > read[i].low) add(&list, &read[i]);
    duo_catalogue_draw(catalogue, 0);
    for (int v = 0; v < plan->n_variants; v++) visit(&plan->variants[v], add_own, &list);
    if (list.n) qsort(list.at, (size_t)list.n, sizeof *list.at, by_name);
    *out = list.at;
    return list.n;
}

void duo_draws_free(struct duo_drawn *list, int n)
{
    for (int i = 0; i < n; i++) free((void *)(uintptr_t)list[i].name);
    free(list);
}

/* ---- in the child ---- */

static void enter_own(void *arg, const char *name, double *value, double most)
{
    const struct duo_draw *draw = arg;
    if (!moves(*value)) return;
    double low = LOW * *value, high = fmin(HIGH * *value, fmax(most, *value));
    if (draw->number) *value = draw_one(name, low, high, draw->number);
    else if (draw->alone && strcmp(draw->alone, name) == 0) *value = draw->high ? high : low;
}

void duo_draws_enter(struct duo_plan *plan, struct duo_catalogue *catalogue, const struct duo_draw *draw)
{
    struct duo_draw own = *draw;
    if (!draw->alone) duo_catalogue_draw(catalogue, draw->number);
    const struct duo_drawn *read;
    int n = draw->alone ? duo_catalogue_drawn(catalogue, &read) : 0;
    for (int i = 0; i < n; i++)
        if (strcmp(read[i].name, draw->alone) == 0) {
            duo_catalogue_move(catalogue, draw->alone, draw->high ? read[i].high : read[i].low);
            break;
        }
    for (int v = 0; v < plan->n_variants; v++) visit(&plan->variants[v], enter_own, &own);
}
