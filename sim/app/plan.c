/* plan.c - see plan.h. */
#include "sim/app/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/summary.h"

/* ---- options */

static void add(const struct duo_args *a, struct duo_words *list, const char *option, const char *text)
{
    if (list->n == DUO_MAX_WORDS) duo_usage(a, "%s: more than %d of %s", a->command->name, DUO_MAX_WORDS, option);
    list->text[list->n++] = text;
}

/* The scenario's own parser reads them; here only what would look odd in its message. */
static void read_seed(const struct duo_args *a, struct duo_plan_wishes *w, const char *value)
{
    if (!*value || strspn(value, "0123456789.") != strlen(value))
        duo_usage(a, "%s: --seed: a number or a range expected, like 3 or 1..5; got %s", a->command->name, value);
    snprintf(w->seed, sizeof w->seed, "seed=%s", value);
}

static void read_net(const struct duo_args *a, struct duo_plan_wishes *w, const char *value)
{
    static const char *const names[] = { [DUO_NET_AUTO] = "auto", [DUO_NET_SIMGRID] = "simgrid", [DUO_NET_FLUID] = "fluid" };
    w->net = (enum duo_net_kind)duo_choice(a, "--net", value, names, 3);
    if (w->net == DUO_NET_SIMGRID && !duo_net_has_simgrid())
        duo_usage(a, "%s: --net simgrid: this program was built without SimGrid", a->command->name);
}

bool duo_plan_option(const struct duo_args *a, struct duo_plan_wishes *w, int id, const char *value)
{
    switch (id) {
    case 's':              add(a, &w->set, "--set", value); return true;
    case 'p':              add(a, &w->policies, "--policy", value); return true;
    case DUO_ID_ONLY:      add(a, &w->only, "--only", value); return true;
    case DUO_ID_SEED:      read_seed(a, w, value); return true;
    case 'j':              w->jobs = duo_whole(a, "--jobs", value, 1, 1024); return true;
    case DUO_ID_NET:       read_net(a, w, value); return true;
    case DUO_ID_CATALOGUE: duo_app_layer(a, &w->layers, value); return true;
    default:               return false;
    }
}

void duo_plan_words(const struct duo_args *a, struct duo_plan_wishes *w)
{
    if (a->n_words < 1) duo_usage(a, "%s: which scenario?  A file, or a name of: duosim scenarios", a->command->name);
    if (a->n_words > 1) duo_usage(a, "%s: one scenario at a time; got %s, too", a->command->name, a->words[1]);
    if (*w->seed) add(a, &w->set, "--set", w->seed);
}

/* ---- the plan */

static bool listed(const struct duo_words *list, const char *text)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->text[i], text) == 0) return true;
    return false;
}

static const struct duo_policy_spec *labelled(const struct duo_scenario *s, const char *label)
{
    for (int i = 0; i < s->n_policies; i++)
        if (strcmp(s->policies[i].label, label) == 0) return &s->policies[i];
    return NULL;
}

/* Add what --policy says.  A module's path on the command line is relative to where we are, in a scenario to its file. */
static enum duo_status add_policies(struct duo_plan *plan, const struct duo_words *list, struct duo_err *err)
{
    for (int i = 0; i < list->n; i++) {
        DUO_TRY(duo_plan_add_policy(plan, list->text[i], err));
        for (int v = 0; v < plan->n_variants; v++) {
            struct duo_policy_spec *p = &plan->variants[v].policies[plan->variants[v].n_policies - 1];
            char path[PATH_MAX];
            if (p->n_command || !strchr(p->use, '/')) continue;
            if (!realpath(p->use, path)) return duo_fail_at(err, DUO_BAD_INPUT, p->use, 0, 0, "no such file");
            free(p->use);
            p->use = duo_copy(path);
        }
    }
    return DUO_OK;
}

static bool kept(const struct duo_scenario *s, const struct duo_words *only, const char *label)
{
    if (listed(only, label)) return true;
    for (int i = 0; i < s->n_policies; i++)
        if (s->policies[i].of && listed(only, s->policies[i].label) && strcmp(s->policies[i].of, label) == 0) return true;
    return false;
}

/* The first `listed_n` are the scenario's own; those that --policy added were asked for by name and stay. */
static enum duo_status keep_only(struct duo_scenario *s, const struct duo_words *only, int listed_n, struct duo_err *err)
{
    const char *labels[256];
    size_t n = 0;
    for (int i = 0; i < s->n_policies && n < 256; i++) labels[n++] = s->policies[i].label;
    for (int i = 0; i < only->n; i++) {
        if (labelled(s, only->text[i])) continue;
        const char *near = duo_nearest(only->text[i], labels, n);
        if (near) return duo_fail(err, DUO_BAD_INPUT, "--only %s: no row has this label (did you mean %s?)", only->text[i], near);
        return duo_fail(err, DUO_BAD_INPUT, "--only %s: no row has this label", only->text[i]);
    }
    bool keep[256] = { false };
    for (size_t i = 0; i < n; i++) keep[i] = (int)i >= listed_n || kept(s, only, labels[i]);
    int to = 0;
    for (int i = 0; i < (int)n; i++) {
        if (keep[i]) s->policies[to++] = s->policies[i];
        else         duo_policy_spec_free(&s->policies[i]);
    }
    s->n_policies = to;
    return DUO_OK;
}

enum duo_status duo_plan_wished(const struct duo_args *a, struct duo_plan_wishes *w, struct duo_plan *plan, struct duo_err *err)
{
    DUO_TRY(duo_app_scenario(a->words[0], w->file, sizeof w->file, err));
    DUO_TRY(duo_plan_read(plan, w->file, w->set.text, w->set.n, err));
    int listed_n = plan->n_variants ? plan->variants[0].n_policies : 0;
    DUO_TRY(add_policies(plan, &w->policies, err));
    for (int v = 0; v < plan->n_variants && w->only.n; v++) DUO_TRY(keep_only(&plan->variants[v], &w->only, listed_n, err));
    return DUO_OK;
}

/* ---- results */

enum duo_status duo_plan_summarise(struct sqlite3 *db, const struct duo_plan *plan, struct duo_err *err)
{
    struct duo_variant_facts *facts = duo_new((size_t)plan->n_variants, sizeof *facts);
    for (int v = 0; v < plan->n_variants; v++) {
        const struct duo_scenario *s = &plan->variants[v];
        snprintf(facts[v].variant, sizeof facts[v].variant, "%s", s->variant);
        facts[v].slo_ttft = s->slo_ttft;
        facts[v].slo_e2e = s->slo_e2e;
        facts[v].slo_tpot = s->slo_tpot;
        facts[v].rtt = s->cells.rtt.mean + s->wan.rtt.mean;
    }
    enum duo_status status = duo_summary_write(db, facts, plan->n_variants, err);
    free(facts);
    return status;
}
