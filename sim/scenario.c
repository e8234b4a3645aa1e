/* scenario.c - the scenario's top level: settings, variants, what must fit together; requirements in scenario.h. */
#include "sim/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario_keys.h"
#include "traces/outcomes/outcomes.h"

enum { MAX_SEEDS = 10000, MAX_VARIANTS = 200 };

/* ---- seeds: 7 | 1..5 | [1, 4, 9] ------------------------------------------------------------------ */

static bool whole(const char *text, size_t n, uint64_t *out)
{
    *out = 0;
    if (n == 0 || n > 18) return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    }
    return true;
}

static enum duo_status add_seeds(struct duo_reader *r, const struct duo_node *node, struct duo_scenario *s)
{
    const char *text;
    uint64_t from, to;
    DUO_TRY(duo_read_scalar(r, node, "a seed, like 7, or seeds, like 1..5 or [1, 4, 9]", &text));
    const char *dots = strstr(text, "..");
    bool good = dots ? whole(text, (size_t)(dots - text), &from) && whole(dots + 2, strlen(dots + 2), &to)
                     : whole(text, strlen(text), &from) && whole(text, strlen(text), &to);
    if (!good || to < from) return duo_bad(r, node, "expected a seed, like 7, or seeds, like 1..5 or [1, 4, 9]; got %.60s", text);
    if (to - from >= MAX_SEEDS || s->n_seeds + (int)(to - from) >= MAX_SEEDS) return duo_bad(r, node, "expected at most %d seeds", MAX_SEEDS);
    s->seeds = duo_grow(s->seeds, (size_t)s->n_seeds + (size_t)(to - from) + 1, sizeof *s->seeds);
    for (uint64_t seed = from; seed <= to; seed++) {
        for (int i = 0; i < s->n_seeds; i++)
            if (s->seeds[i] == seed) return duo_bad(r, node, "the seed %llu is there twice", (unsigned long long)seed);
        s->seeds[s->n_seeds++] = seed;
    }
    return DUO_OK;
}

static enum duo_status read_seeds(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_scenario *s = at;
    if (node->kind != DUO_NODE_LIST) return add_seeds(r, node, s);
    if (node->n == 0) return duo_bad(r, node, "expected at least one seed");
    for (int i = 0; i < node->n; i++) DUO_TRY(add_seeds(r, node->child[i], s));
    return DUO_OK;
}

/* ---- the top level's keys ------------------------------------------------------------------------- */

/* Variants are taken out of the tree before it is read. */
static enum duo_status no_variants(struct duo_reader *r, const struct duo_node *node, void *at)
{
    (void)at;
    return duo_bad_key(r, node, "variants can't be in a variant");
}

static const char *const moneys[] = { "used", "reserved", NULL };

#define AT(field) .at = offsetof(struct duo_scenario, field)
static const struct duo_key top_keys[] = {
    { "name",        DUO_KEY_TEXT,   AT(name), .def_doc = "the file's", .doc = "of the scenario" },
    { "note",        DUO_KEY_TEXT,   AT(note), .doc = "free text" },
    { "seed",        DUO_KEY_OWN,    .read = read_seeds, .form = "7 | 1..5 | [1, 4, 9]", .def = "1", .doc = "each is one run of each policy" },
    { "arrivals",    DUO_KEY_MAP,    .need = true, .keys = &duo_keys_arrivals, AT(arrivals), .doc = "when requests come" },
    { "devices",     DUO_KEY_LIST,   .need = true, .single = true, .keys = &duo_keys_device, AT(devices), .count_at = offsetof(struct duo_scenario, n_devices),
      .doc = "what people hold in their hands, by class" },
    { "cells",       DUO_KEY_MAP,    .need = true, .keys = &duo_keys_cells, AT(cells), .doc = "radio cells between devices and base stations" },
    { "wan",         DUO_KEY_MAP,    .keys = &duo_keys_wan, AT(wan), .doc = "between base stations and the cloud" },
    { "transport",   DUO_KEY_MAP,    .keys = &duo_keys_transport, AT(transport), .doc = "what messages cost beside their content" },
    { "places",      DUO_KEY_LIST,   .need = true, .keys = &duo_keys_place, AT(places), .count_at = offsetof(struct duo_scenario, n_places),
      .doc = "models beside each request's own device" },
    { "answers",     DUO_KEY_MAP,    .need = true, .keys = &duo_keys_answers, AT(answers), .doc = "what comes out" },
    { "policies",    DUO_KEY_OWN,    .need = true, .read = duo_read_policies, .keys = &duo_keys_policy, .form = "[NAME, {use: NAME, ...}]", .doc = "who does what next" },
    { "variants",    DUO_KEY_OWN,    .read = no_variants, .form = "{NAME: {...}}", .doc = "named changes to this file, each run with every policy" },
    { "slo",         DUO_KEY_MAP,    .keys = &duo_keys_slo, .doc = "what counts as in time" },
    { "feedback",    DUO_KEY_MAP,    .keys = &duo_keys_feedback, .doc = "what a policy learns of its answers' quality, and when" },
    { "expect",      DUO_KEY_OWN,    .read = duo_read_expect, .form = "{CELL: BOUND}", .doc = "what the results must be" },
    { "check",       DUO_KEY_OWN,    .read = duo_read_check, .form = "{FIGURE: TOLERANCE}", .doc = "what duosim check lets get worse, and by how much" },
    { "money",       DUO_KEY_FLAG,   .choices = moneys, .def = "used", AT(reserved), .doc = "what accelerators cost: their seconds of work, or all replicas all the time" },
    { "until",       DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .open = true, .word = "drain", .means = INFINITY, .def = "drain", AT(until), .doc = "when a run ends; drain: with the last request" },
    { "warmup",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "0 s", AT(warmup), .doc = "arrivals before it are left out of the means" },
    { "max_tokens",  DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e6, .word = "none", .means = 0, .def = "none", AT(max_tokens), .doc = "of an answer" },
    { "status",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .min = 0.001, .max = 1e6, .def = "1 s", AT(status), .doc = "between two figures that a place publishes" },
    { "fluid_above", DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e9, .def = "1500", AT(fluid_above), .doc = "--net auto: flows in flight that call for the fluid network" },
};
#undef AT

/* ---- what must fit together ----------------------------------------------------------------------- */

static enum duo_status bad_where(const struct duo_reader *r, struct duo_where at, const char *text, const char *name)
{
    return duo_fail_at(r->err, DUO_BAD_INPUT, r->scenario->file, at.line, at.column, "%s%.60s", text, name);
}

static enum duo_status check_devices(struct duo_reader *r, struct duo_scenario *s, const struct duo_node *tree)
{
    const struct duo_node *list = duo_tree_find(tree, "devices");
    double sum = 0;
    int given = 0;
    for (int i = 0; i < s->n_devices; i++) {
        struct duo_device_spec *d = &s->devices[i];
        const struct duo_node *node = list->kind == DUO_NODE_LIST ? list->child[i] : list;
        char name[32];
        snprintf(name, sizeof name, s->n_devices == 1 ? "device" : "device%d", i + 1);
        if (!d->name) d->name = duo_copy(name);
        if (strcmp(d->name, "device") == 0 && s->n_devices > 1)
            return bad_where(r, d->at, "devices: with several classes none may be called device: it means all of them", "");
        for (int k = 0; k < i; k++)
            if (strcmp(s->devices[k].name, d->name) == 0) return bad_where(r, d->at, "devices: two classes are called ", d->name);
        for (int k = 0; k < s->n_places; k++)
            if (strcmp(s->places[k].name, d->name) == 0) return bad_where(r, d->at, "devices: a place has the same name: ", d->name);
        given += duo_tree_find(node, "share") != NULL;
        sum += d->share;
    }
    if (s->n_devices == 0) return duo_bad(r, list, "devices: expected at least one class");
    if (given != 0 && given != s->n_devices) return duo_bad(r, list, "devices: give a share to every class or to none");
    if (given && !(sum > 0)) return duo_bad(r, list, "devices: the shares must have a sum above 0");
    for (int i = 0; i < s->n_devices; i++)
        s->devices[i].share = given ? s->devices[i].share / sum : 1.0 / s->n_devices;
    return DUO_OK;
}

/* The cloud comes first, the others keep their order. */
static enum duo_status check_places(struct duo_reader *r, struct duo_scenario *s, const struct duo_node *tree)
{
    int cloud = -1;
    for (int i = 0; i < s->n_places; i++) {
        for (int k = 0; k < i; k++)
            if (strcmp(s->places[k].name, s->places[i].name) == 0) return bad_where(r, s->places[i].at, "places: two are called ", s->places[i].name);
        if (strcmp(s->places[i].name, "cloud") == 0) cloud = i;
    }
    if (cloud < 0) return duo_bad(r, duo_tree_find(tree, "places"), "places: one must be called cloud");
    struct duo_place_spec first = s->places[cloud];
    memmove(s->places + 1, s->places, (size_t)cloud * sizeof *s->places);
    s->places[0] = first;
    return DUO_OK;
}

static enum duo_status check_whole(struct duo_reader *r, const struct duo_node *tree, void *at)
{
    struct duo_scenario *s = at;
    if (!s->name) {
        const char *slash = strrchr(s->file, '/');
        s->name = duo_copy(slash ? slash + 1 : s->file);
        char *dot = strrchr(s->name, '.');
        if (dot && dot > s->name) *dot = 0;
    }
    if (!s->note) s->note = duo_copy("");
    DUO_TRY(check_places(r, s, tree));
    DUO_TRY(check_devices(r, s, tree));
    DUO_TRY(duo_check_answers(r));
    if (s->warmup >= s->until) return duo_bad(r, duo_tree_find(tree, "warmup"), "warmup: expected less than until");
    return DUO_OK;
}

static const struct duo_keys top = { sizeof(struct duo_scenario), DUO_NO_WHERE, DUO_KEYS(top_keys), check_whole };

void duo_scenario_keys(FILE *out)
{
    fprintf(out, DUO_KEYS_LINE, "KEY", "VALUE", "DEFAULT", "MEANING");
    duo_keys_print(out, &top, "");
}

/* ---- reading -------------------------------------------------------------------------------------- */

/* The tree of one variant to a scenario. */
static enum duo_status decode(struct duo_scenario *s, const struct duo_node *tree, const char *file, const char *variant,
                              const char *const *names, size_t n_names, struct duo_err *err)
{
    struct duo_reader r = { .scenario = s, .err = err };
    s->file = duo_copy(file);
    s->check_alpha = 0.01;
    s->variant = duo_copy(variant);
    s->text = duo_tree_text(tree);
    DUO_TRY(duo_keys_read(&r, &top, tree, s));
    DUO_TRY(duo_check_expect(&r, names, n_names));
    return duo_check_check(&r, names, n_names);
}

static bool for_variants(const char *setting) { return strncmp(setting, "variants.", 9) == 0 || strncmp(setting, "variants=", 9) == 0; }

/* Settings are laid over the file, and again over each variant, so that the command line has the last word. */
static enum duo_status apply(struct duo_node **tree, const char *file, const char *const *set, int n_set, bool variants, struct duo_err *err)
{
    for (int i = 0; i < n_set; i++)
        if (for_variants(set[i]) == variants) DUO_TRY(duo_tree_set(tree, set[i], file, err));
    return DUO_OK;
}

static enum duo_status check_variant(const struct duo_node *v, const char *file, struct duo_err *err)
{
    static const char *const fixed[] = { "variants", "expect", "check", "name" };
    if (v->kind != DUO_NODE_MAP && !v->null) return duo_tree_bad(v, file, err, "variants.%.60s: expected a map of what is different", v->key);
    if (strlen(v->key) > 60 || strpbrk(v->key, "/=."))
        return duo_tree_bad_key(v, file, err, "variants: expected a name of at most 60 bytes without / . and =; got %.60s", v->key);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const struct duo_node *odd = duo_tree_find(v, fixed[i]);
        if (odd)
            return duo_tree_bad_key(odd, file, err, "variants.%.60s.%s: can't differ between variants%s", v->key, odd->key,
                                    i == 1 || i == 2 ? "; there, write VARIANT/LABEL.COLUMN" : "");
    }
    return DUO_OK;
}

static enum duo_status read_variant(struct duo_plan *plan, const struct duo_node *base, const struct duo_node *over, const char *file,
                                    const char *const *set, int n_set, const char *const *names, size_t n_names, struct duo_err *err)
{
    struct duo_node *tree = duo_tree_copy(base);
    enum duo_status status = over->null ? DUO_OK : duo_tree_lay(&tree, over, file, err);
    if (status == DUO_OK) status = apply(&tree, file, set, n_set, false, err);
    if (status == DUO_OK) status = decode(&plan->variants[plan->n_variants++], tree, file, over->key, names, n_names, err);
    duo_tree_free(tree);
    return status;
}

/* All of the file. */
static enum duo_status read_plan(struct duo_plan *plan, struct duo_node **tree, const char *file, const char *const *set, int n_set, struct duo_err *err)
{
    if ((*tree)->kind != DUO_NODE_MAP) return duo_tree_bad(*tree, file, err, "expected a map of keys, like name: and arrivals:");
    DUO_TRY(apply(tree, file, set, n_set, true, err));
    struct duo_node *variants = duo_tree_find(*tree, "variants");
    if (variants && variants->kind != DUO_NODE_MAP && !variants->null)
        return duo_tree_bad(variants, file, err, "variants: expected a map, { NAME: { what is different } }");
    if (!variants || variants->n == 0) {
        duo_tree_drop(*tree, "variants");
        DUO_TRY(apply(tree, file, set, n_set, false, err));
        plan->variants = duo_new(1, sizeof *plan->variants);
        plan->n_variants = 1;
        return decode(plan->variants, *tree, file, "", NULL, 0, err);
    }
    if (variants->n > MAX_VARIANTS) return duo_tree_bad(variants, file, err, "variants: expected at most %d", MAX_VARIANTS);
    variants = duo_tree_copy(variants);
    duo_tree_drop(*tree, "variants");
    const char **names = duo_new((size_t)variants->n, sizeof *names);
    plan->variants = duo_new((size_t)variants->n, sizeof *plan->variants);
    enum duo_status status = DUO_OK;
    for (int i = 0; i < variants->n && status == DUO_OK; i++) {
        names[i] = variants->child[i]->key;
        status = check_variant(variants->child[i], file, err);
    }
    for (int i = 0; i < variants->n && status == DUO_OK; i++)
        status = read_variant(plan, *tree, variants->child[i], file, set, n_set, names, (size_t)variants->n, err);
    free(names);
    duo_tree_free(variants);
    return status;
}

enum duo_status duo_plan_read(struct duo_plan *plan, const char *file, const char *const *set, int n_set, struct duo_err *err)
{
    *plan = (struct duo_plan){ 0 };
    struct duo_node *tree = NULL;
    enum duo_status status = duo_tree_read(&tree, file, err);
    if (status == DUO_OK) status = read_plan(plan, &tree, file, set, n_set, err);
    duo_tree_free(tree);
    if (status != DUO_OK) duo_plan_free(plan);
    return status;
}

/* ---- freeing -------------------------------------------------------------------------------------- */

static void free_text(const char *text) { free((void *)(uintptr_t)text); }      /* ours, though others may not write to it */

static void free_constants(struct duo_constant *over, int n)
{
    for (int i = 0; i < n; i++) free_text(over[i].key);
    free(over);
}

static void free_line(struct duo_line_spec *l)
{
    free(l->trace);
    free(l->format);
}

static void free_synthetic(struct duo_synthetic_spec *s)
{
    for (int i = 0; i < s->n_voices; i++) free_text(s->voices[i].name);
    free((void *)(uintptr_t)s->voices);
}

static void free_answers(struct duo_answers_spec *a)
{
    free_synthetic(&a->synthetic);
    free_synthetic(&a->fill_spec);
    for (int i = 0; i < a->executed.n_voices; i++) {
        free_text(a->executed.voices[i].name);
        free_text(a->executed.voices[i].path);
    }
    for (int i = 0; i < a->executed.n_scores; i++) {
        free_text(a->executed.scores[i].name);
        free_text(a->executed.scores[i].path);
    }
    free((void *)(uintptr_t)a->executed.voices);
    free((void *)(uintptr_t)a->executed.scores);
    free_text(a->executed.tasks);
    free_text(a->recorded.path);
    free_text(a->recorded.format);
    free_text(a->recorded.accepts);
    free_text(a->recorded.accepts_drafter);
    free_text(a->recorded.accepts_verifier);
    free_text(a->recorded.metric);
    for (int i = 0; i < a->recorded.n_files; i++) {
        free(a->recorded.files[i].voice);
        free(a->recorded.files[i].path);
    }
    for (int i = 0; i < a->recorded.n_columns; i++) {
        free(a->recorded.columns[i].what);
        free(a->recorded.columns[i].column);
    }
    free((void *)(uintptr_t)a->recorded.files);
    free((void *)(uintptr_t)a->recorded.columns);
    for (int i = 0; i < a->n_roles; i++) {
        free(a->roles[i].place);
        free(a->roles[i].voice);
    }
    for (int i = 0; i < a->n_scores; i++) {
        free(a->scores[i].name);
        free(a->scores[i].file);
        free(a->scores[i].column);
    }
    free(a->roles);
    free(a->scores);
}

static void free_world(struct duo_scenario *s)
{
    for (int i = 0; i < s->n_devices; i++) {
        struct duo_device_spec *d = &s->devices[i];
        free(d->name);
        free(d->hardware);
        free(d->model);
        free(d->quant), free(d->runtime), free(d->measured);
        free(d->region);
        free_constants(d->over, d->n_over);
    }
    for (int i = 0; i < s->n_places; i++) {
        struct duo_place_spec *p = &s->places[i];
        free(p->name);
        free(p->hardware);
        free(p->model);
        free(p->quant), free(p->runtime), free(p->measured);
        free(p->api);
        free(p->region);
        free_constants(p->over, p->n_over);
    }
    free(s->devices);
    free(s->places);
    free_line(&s->cells.up);
    free_line(&s->cells.down);
    free_line(&s->wan.up);
    free_line(&s->wan.down);
    free(s->cells.rtt.trace);
    free(s->wan.rtt.trace);
    free(s->cells.radio);
    free(s->cells.outages);
    free(s->arrivals.trace);
    free(s->arrivals.format);
    free(s->arrivals.lengths);
}

void duo_scenario_free(struct duo_scenario *s)
{
    free_world(s);
    free_answers(&s->answers);
    for (int i = 0; i < s->n_policies; i++) duo_policy_spec_free(&s->policies[i]);
    free(s->policies);
    for (int i = 0; i < s->n_expect; i++) {
        struct duo_expect *e = &s->expect[i];
        free(e->label);
        free(e->column);
        free(e->other_label);
        free(e->other_column);
        free(e->variant);
    }
    free(s->expect);
    for (int i = 0; i < s->n_check; i++) free(s->check[i].variant), free(s->check[i].label), free(s->check[i].column);
    free(s->check);
    for (int i = 0; i < s->n_files; i++) free(s->files[i].key), free(s->files[i].path);
    free(s->files);
    for (int i = 0; i < s->n_assumed; i++) free(s->assumed[i].name);
    free(s->assumed);
    free(s->seeds);
    free(s->file);
    free(s->name);
    free(s->variant);
    free(s->note);
    free(s->text);
}

void duo_plan_free(struct duo_plan *plan)
{
    for (int i = 0; i < plan->n_variants; i++) duo_scenario_free(&plan->variants[i]);
    free(plan->variants);
    *plan = (struct duo_plan){ 0 };
}
