/* cmd_run.c - a scenario to a database, a table, sentences, and the verdicts of its expect block.
 *
 * (1) Everything that can be refused is refused before the first run; --check stops there.
 * (2) --policy adds to the scenario's list, --only keeps some of it (and what a mix is of); expectations of labels
 *     that are gone are left out and counted.
 * (3) Exit: a run that failed (3) goes before an expectation that fell short (1).
 * (4) --json: the rows on stdout, everything else on stderr.
 * (5) --perturb N: the plan's runs first, then N draws of them (sim/perturb.h); in --json each row has a key more. */
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/sentences.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "models/cost/domain.h"
#include "analysis/perturb.h"
#include "sim/app/app.h"
#include "sim/perturb.h"
#include "sim/share.h"
#include "sim/sweep.h"

enum { MAX_WORDS = 64, ID_ONLY = DUO_LONG_ONLY, ID_SEED, ID_NET, ID_CHECK, ID_BY_SEED, ID_CATALOGUE, ID_PERTURB };

static const struct duo_option options[] = {
    { 's',        "set",     "KEY=VALUE",           "change one thing of the scenario: cells.rtt='120 ms'; repeatable" },
    { 'p',        "policy",  "NAME",                "add a policy: cascade:floor=0.9,as=strict, ./mine.so or \"pipe:python3 mine.py\"; repeatable" },
    { ID_ONLY,    "only",    "LABEL",               "keep this policy of the list; repeatable" },
    { ID_SEED,    "seed",    "N|A..B",              "instead of the scenario's seeds" },
    { 'j',        "jobs",    "N",                   "runs at the same time; default: one a core" },
    { ID_NET,     "net",     "NAME",                "auto (default), simgrid or fluid carries the flows" },
    { ID_PERTURB, "perturb", "N",                   "everything N times more, with constants drawn from their intervals" },
    { 'o',        "out",     "FILE.db",             "the database; default: SCENARIO.db in this folder" },
    DUO_CATALOGUE_OPTION(ID_CATALOGUE),
    { ID_CHECK,   "check",   NULL,                  "refuse what is wrong, run nothing" },
    { ID_BY_SEED, "by-seed", NULL,                  "with --json: one row a seed" },
    { 0 }
};

struct list { const char *text[MAX_WORDS]; int n; };

struct wishes {
    struct list set, policies, only;
    char  seed[64], out[PATH_MAX], file[PATH_MAX];
    int   jobs, perturb;                 /* perturb: draws; 0: none */
    enum duo_net_kind net;
    bool  check, by_seed;
    struct duo_layers layers;
};

/* ---------------------------------------------------------------- options */

static void add(const struct duo_args *a, struct list *list, const char *option, const char *text)
{
    if (list->n == MAX_WORDS) duo_usage(a, "run: more than %d of %s", MAX_WORDS, option);
    list->text[list->n++] = text;
}

/* The scenario's own parser reads them; here only what would look odd in its message. */
static void read_seed(const struct duo_args *a, struct wishes *w, const char *value)
{
    if (!*value || strspn(value, "0123456789.") != strlen(value))
        duo_usage(a, "run: --seed: a number or a range expected, like 3 or 1..5; got %s", value);
    snprintf(w->seed, sizeof w->seed, "seed=%s", value);
}

static void read_net(const struct duo_args *a, struct wishes *w, const char *value)
{
    static const char *const names[] = { [DUO_NET_AUTO] = "auto", [DUO_NET_SIMGRID] = "simgrid", [DUO_NET_FLUID] = "fluid" };
    w->net = (enum duo_net_kind)duo_choice(a, "--net", value, names, 3);
    if (w->net == DUO_NET_SIMGRID && !duo_net_has_simgrid()) duo_usage(a, "run: --net simgrid: this program was built without SimGrid");
}

static void read_wishes(struct duo_args *a, struct wishes *w)
{
    const char *value;
    for (int id; (id = duo_args_next(a, &value)) >= 0;) {
        switch (id) {
        case 's':        add(a, &w->set, "--set", value); break;
        case 'p':        add(a, &w->policies, "--policy", value); break;
        case ID_ONLY:    add(a, &w->only, "--only", value); break;
        case ID_SEED:    read_seed(a, w, value); break;
        case 'j':        w->jobs = duo_whole(a, "--jobs", value, 1, 1024); break;
        case ID_NET:     read_net(a, w, value); break;
        case ID_PERTURB: w->perturb = duo_whole(a, "--perturb", value, 1, 100000); break;
        case 'o':        snprintf(w->out, sizeof w->out, "%s", value); break;
        case ID_CATALOGUE: duo_app_layer(a, &w->layers, value); break;
        case ID_CHECK:   w->check = true; break;
        case ID_BY_SEED: w->by_seed = true; break;
        }
    }
    if (a->n_words < 1) duo_usage(a, "run: which scenario?  A file, or a name of: duosim scenarios");
    if (a->n_words > 1) duo_usage(a, "run: one scenario at a time; got %s, too", a->words[1]);
    if (w->by_seed && !a->json) duo_usage(a, "run: --by-seed goes with --json");
    if (*w->seed) add(a, &w->set, "--set", w->seed);
}

/* "a/b/mine.yaml" -> "mine.db" */
static void default_out(struct wishes *w)
{
    const char *slash = strrchr(w->file, '/'), *base = slash ? slash + 1 : w->file;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".yaml") == 0) length -= 5;
    snprintf(w->out, sizeof w->out, "%.*s.db", (int)length, base);
}

/* ---------------------------------------------------------------- the plan */

static bool listed(const struct list *list, const char *text)
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
static enum duo_status add_policies(struct duo_plan *plan, const struct list *list, struct duo_err *err)
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

static bool kept(const struct duo_scenario *s, const struct list *only, const char *label)
{
    if (listed(only, label)) return true;
    for (int i = 0; i < s->n_policies; i++)
        if (s->policies[i].of && listed(only, s->policies[i].label) && strcmp(s->policies[i].of, label) == 0) return true;
    return false;
}

static enum duo_status keep_only(struct duo_scenario *s, const struct list *only, struct duo_err *err)
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
    for (size_t i = 0; i < n; i++) keep[i] = kept(s, only, labels[i]);
    int to = 0;
    for (int i = 0; i < (int)n; i++) {
        if (keep[i]) s->policies[to++] = s->policies[i];
        else         duo_policy_spec_free(&s->policies[i]);
    }
    s->n_policies = to;
    return DUO_OK;
}

static enum duo_status read_plan(const struct duo_args *a, struct wishes *w, struct duo_plan *plan, struct duo_err *err)
{
    DUO_TRY(duo_app_scenario(a->words[0], w->file, sizeof w->file, err));
    if (!*w->out) default_out(w);
    DUO_TRY(duo_plan_read(plan, w->file, w->set.text, w->set.n, err));
    DUO_TRY(add_policies(plan, &w->policies, err));
    for (int v = 0; v < plan->n_variants && w->only.n; v++) DUO_TRY(keep_only(&plan->variants[v], &w->only, err));
    return DUO_OK;
}

/* Print the lines of `text` that are not in `seen` yet, and remember them. */
static void warn_once(char *seen, size_t n, const char *text)
{
    char copy[4096], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (!*line || strstr(seen, line)) continue;
        fprintf(stderr, "note: %s\n", line);
        snprintf(seen + strlen(seen), n - strlen(seen), "%s\n", line);
    }
}

static enum duo_status check_plan(const struct wishes *w, const struct duo_plan *plan, const struct duo_catalogue *catalogue, struct duo_err *err)
{
    char seen[16384] = "", warnings[4096];
    for (int v = 0; v < plan->n_variants; v++) {
        const struct duo_scenario *s = &plan->variants[v];
        for (int i = 0; i < s->n_policies; i++) {
            struct duo_run_spec spec = { .scenario = s, .catalogue = catalogue, .policy = i, .seed = s->seeds[0],
                                         .net = w->net == DUO_NET_SIMGRID ? DUO_NET_SIMGRID : DUO_NET_FLUID, .mix_share = NAN };
            *warnings = 0;
            DUO_TRY(duo_run_check(&spec, warnings, sizeof warnings, err));
            warn_once(seen, sizeof seen, warnings);
        }
    }
    return DUO_OK;
}

/* ---------------------------------------------------------------- runs and results */

struct results { const struct duo_plan *plan; bool perturbed; };

static enum duo_status summarise(struct sqlite3 *db, void *with, struct duo_err *err)
{
    const struct results *arg = with;
    const struct duo_plan *plan = arg->plan;
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
    if (status == DUO_OK && arg->perturbed) status = duo_perturb_rank(db, err);
    return status;
}

static void print_plan(const struct wishes *w, const struct duo_plan *plan)
{
    const struct duo_scenario *s = &plan->variants[0];
    printf("%s: ok: %d %s x %d %s x %d %s\n", w->file, plan->n_variants, plan->n_variants == 1 ? "variant" : "variants",
           s->n_policies, s->n_policies == 1 ? "policy" : "policies", s->n_seeds, s->n_seeds == 1 ? "seed" : "seeds");
}

static enum duo_status print_results(const struct duo_args *a, const struct wishes *w, const struct duo_plan *plan, struct sqlite3 *db,
                                     const struct duo_summary *summary, struct duo_err *err)
{
    struct duo_table_spec spec = { .format = a->json ? DUO_TABLE_JSON : DUO_TABLE_TEXT, .by_seed = w->by_seed, .rankings = w->perturb ? db : NULL };
    DUO_TRY(duo_table_print(stdout, summary, &spec, err));
    if (a->json) return duo_app_expect(stderr, summary, plan, err);
    putchar('\n');
    duo_sentences_print(stdout, summary);
    if (w->perturb) {
        putchar('\n');
        DUO_TRY(duo_perturb_print(stdout, db, NULL, err));
    }
    return duo_app_expect(stdout, summary, plan, err);
}

static enum duo_status show(const struct duo_args *a, const struct wishes *w, const struct duo_plan *plan, struct duo_err *err)
{
    struct duo_summary summary = { 0 };
    struct sqlite3 *db;
    DUO_TRY(duo_app_open(&db, w->out, err));
    enum duo_status status = duo_summary_read(&summary, db, err);
    if (status == DUO_OK) status = print_results(a, w, plan, db, &summary, err);
    duo_summary_free(&summary);
    sqlite3_close(db);
    return status;
}

static enum duo_status run_plan(const struct duo_args *a, struct wishes *w, struct duo_plan *plan, struct duo_catalogue *catalogue, struct duo_err *err)
{
    if (w->check) {
        DUO_TRY(check_plan(w, plan, catalogue, err));
        if (!a->json) print_plan(w, plan);
        return DUO_OK;
    }
    char calibration[4096];
    struct duo_domains *domains;
    DUO_TRY(duo_share_dir(DUO_SHARE_CALIBRATION, calibration, sizeof calibration, err));
    DUO_TRY(duo_domains_open(&domains, calibration, err));
    struct duo_perturb perturb;
    struct results results = { plan, w->perturb > 0 };
    duo_perturb_init(&perturb, plan, catalogue, w->perturb);
    struct duo_sweep_spec spec = {
        .plan = plan, .catalogue = catalogue, .out = w->out, .jobs = w->jobs, .net = w->net,
        .progress = isatty(STDERR_FILENO) == 1, .finish = summarise, .finish_arg = &results,
        .domains = domains, .rounds = w->perturb ? &perturb.rounds : NULL,
    };
    enum duo_status ran = duo_sweep(&spec, err);
    duo_perturb_free(&perturb);
    duo_domains_free(domains);
    if (ran != DUO_OK && ran != DUO_RUN_FAILED) return ran;
    struct duo_err later = { 0 };
    enum duo_status shown = show(a, w, plan, &later);
    if (ran == DUO_OK || (shown != DUO_OK && shown != DUO_FELL_SHORT)) {
        *err = later;
        return shown;
    }
    return ran;
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct wishes *w = duo_new(1, sizeof *w);
    struct duo_plan plan = { 0 };
    struct duo_catalogue *catalogue = NULL;
    duo_args_init(&a, command, argc, argv);
    read_wishes(&a, w);
    enum duo_status status = read_plan(&a, w, &plan, &err);
    if (status == DUO_OK) status = duo_app_catalogue(&catalogue, &w->layers, &err);
    if (status == DUO_OK) status = run_plan(&a, w, &plan, catalogue, &err);
    if (catalogue) duo_catalogue_free(catalogue);
    duo_plan_free(&plan);
    free(w);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_run = {
    .name = "run", .words = "SCENARIO", .about = "run a scenario: a database, a table, sentences, verdicts",
    .example = "  duosim run quickstart --set cells.rtt='120 ms' --seed 1..10 --out slow.db\n",
    .options = options, .run = run,
};
