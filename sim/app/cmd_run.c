/* cmd_run.c - a scenario to a database, a table, sentences, and the verdicts of its expect block.
 *
 * (1) Everything that can be refused is refused before the first run; --check stops there.
 * (2) Options that change the plan: plan.h; expectations of labels that are gone are left out and counted.
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
#include "analysis/table.h"
#include "models/cost/domain.h"
#include "analysis/perturb.h"
#include "sim/app/plan.h"
#include "sim/perturb.h"
#include "sim/share.h"
#include "sim/sweep.h"

enum { ID_CHECK = DUO_LONG_ONLY, ID_BY_SEED, ID_PERTURB };

static const struct duo_option options[] = {
    DUO_PLAN_OPTIONS,
    { ID_PERTURB, "perturb", "N",                   "everything N times more, with constants drawn from their intervals" },
    { 'o',        "out",     "FILE.db",             "the database; default: SCENARIO.db in this folder" },
    DUO_CATALOGUE_OPTION(DUO_ID_CATALOGUE),
    { ID_CHECK,   "check",   NULL,                  "refuse what is wrong, run nothing" },
    { ID_BY_SEED, "by-seed", NULL,                  "with --json: one row a seed" },
    { 0 }
};

struct wishes {
    struct duo_plan_wishes plan;
    char out[PATH_MAX];
    int  perturb;                        /* draws; 0: none */
    bool check, by_seed;
};

/* ---------------------------------------------------------------- options */

static void read_wishes(struct duo_args *a, struct wishes *w)
{
    const char *value;
    for (int id; (id = duo_args_next(a, &value)) >= 0;) {
        if (duo_plan_option(a, &w->plan, id, value)) continue;
        switch (id) {
        case ID_PERTURB: w->perturb = duo_whole(a, "--perturb", value, 1, 100000); break;
        case 'o':        snprintf(w->out, sizeof w->out, "%s", value); break;
        case ID_CHECK:   w->check = true; break;
        case ID_BY_SEED: w->by_seed = true; break;
        }
    }
    duo_plan_words(a, &w->plan);
    if (w->by_seed && !a->json) duo_usage(a, "run: --by-seed goes with --json");
}

/* "a/b/mine.yaml" -> "mine.db" */
static void default_out(struct wishes *w)
{
    const char *slash = strrchr(w->plan.file, '/'), *base = slash ? slash + 1 : w->plan.file;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".yaml") == 0) length -= 5;
    snprintf(w->out, sizeof w->out, "%.*s.db", (int)length, base);
}

/* ---------------------------------------------------------------- the plan */

static enum duo_status read_plan(const struct duo_args *a, struct wishes *w, struct duo_plan *plan, struct duo_err *err)
{
    DUO_TRY(duo_plan_wished(a, &w->plan, plan, err));
    if (!*w->out) default_out(w);
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
                                         .net = w->plan.net == DUO_NET_SIMGRID ? DUO_NET_SIMGRID : DUO_NET_FLUID, .mix_share = NAN };
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
    DUO_TRY(duo_plan_summarise(db, arg->plan, err));
    return arg->perturbed ? duo_perturb_rank(db, err) : DUO_OK;
}

static void print_plan(const struct wishes *w, const struct duo_plan *plan)
{
    const struct duo_scenario *s = &plan->variants[0];
    printf("%s: ok: %d %s x %d %s x %d %s\n", w->plan.file, plan->n_variants, plan->n_variants == 1 ? "variant" : "variants",
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

static enum duo_status run_held(const struct duo_args *a, struct wishes *w, struct duo_plan *plan, struct duo_catalogue *catalogue, struct duo_err *err)
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
        .plan = plan, .catalogue = catalogue, .out = w->out, .jobs = w->plan.jobs, .net = w->plan.net,
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

static enum duo_status run_plan(const struct duo_args *a, struct wishes *w, struct duo_plan *plan, struct duo_catalogue *catalogue, struct duo_err *err)
{
    struct duo_held held;
    enum duo_status status = duo_run_hold(plan, &held, err);
    if (status == DUO_OK) status = run_held(a, w, plan, catalogue, err);
    duo_run_let_go(&held);
    return status;
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
    if (status == DUO_OK) status = duo_app_catalogue(&catalogue, &w->plan.layers, &err);
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
