/* cmd_check.c - a scenario's results held against a baseline: for CI.
 *
 * (1) What can be refused is refused before the first run: the scenario, the baseline, inputs that changed.
 * (2) Exit: 0 held, 1 fell short, 2 bad input or inputs that changed (--accept-inputs compares all the same), 3 a run failed.
 * (3) --update writes the baseline anew, prints what moved, and ends with 0.  It replaces no file that is something else, or
 *     another scenario's.
 * (4) Options that change the plan are those of run (plan.h); the database is thrown away unless --out keeps it. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/check.h"
#include "sim/app/plan.h"
#include "sim/inputs.h"

enum { ID_UPDATE = DUO_LONG_ONLY, ID_ACCEPT, ID_JUNIT };

static const struct duo_option options[] = {
    { 'b',       "baseline",      "FILE",    "what the results were: the file to compare with" },
    { ID_UPDATE, "update",        NULL,      "write it anew, and print what moved" },
    { ID_ACCEPT, "accept-inputs", NULL,      "compare although inputs changed" },
    { ID_JUNIT,  "junit",         "FILE",    "the verdicts as JUnit XML, too" },
    DUO_PLAN_OPTIONS,
    { 'o',       "out",           "FILE.db", "keep the results; default: they are thrown away" },
    DUO_CATALOGUE_OPTION(DUO_ID_CATALOGUE),
    { 0 }
};

struct job {
    struct duo_plan_wishes wishes;
    struct duo_plan        plan;
    struct duo_catalogue  *catalogue;
    const char *baseline, *junit;
    char  db[PATH_MAX];
    bool  update, accept, keep, json;
    struct duo_input    *inputs; int n_inputs;
    struct duo_baseline  was, is;
    bool                 has_was;
    char               **changed; int n_changed;
    int                 *question; char **id; int n_questions;       /* those that were lost */
};

static void read_wishes(struct duo_args *a, struct job *job)
{
    const char *value;
    for (int id; (id = duo_args_next(a, &value)) >= 0;) {
        if (duo_plan_option(a, &job->wishes, id, value)) continue;
        switch (id) {
        case 'b':       job->baseline = value; break;
        case ID_UPDATE: job->update = true; break;
        case ID_ACCEPT: job->accept = true; break;
        case ID_JUNIT:  job->junit = value; break;
        case 'o':       job->keep = true, snprintf(job->db, sizeof job->db, "%s", value); break;
        }
    }
    duo_plan_words(a, &job->wishes);
    job->json = a->json;
    if (!job->baseline) duo_usage(a, "check: against which baseline?  --baseline FILE; with --update it is written");
    const char *tmp = getenv("TMPDIR");
    if (!job->keep) snprintf(job->db, sizeof job->db, "%.4000s/duosim-check.%ld.db", tmp && *tmp ? tmp : "/tmp", (long)getpid());
}

/* ---- the baseline */

static enum duo_status check_scenario(const struct job *job, struct duo_err *err)
{
    const char *name = job->plan.variants[0].name;
    if (strcmp(job->was.scenario, name) == 0) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, job->baseline, 2, 0, "is a baseline of scenario %.80s, not of %.80s", job->was.scenario, name);
}

/* (3) */
static enum duo_status read_baseline(struct job *job, struct duo_err *err)
{
    if (job->update && access(job->baseline, F_OK) != 0) return DUO_OK;
    struct duo_err why = { 0 };
    enum duo_status status = duo_baseline_read(&job->was, job->baseline, &why);
    job->has_was = status == DUO_OK;
    if (job->has_was && job->update && job->wishes.only.n)
        return duo_fail_at(err, DUO_BAD_INPUT, job->baseline, 0, 0,
                           "--update would drop the labels that --only leaves out: remove the file first, if that is meant");
    if (job->has_was) return check_scenario(job, err);
    if (!job->update || !duo_baseline_is(job->baseline)) {
        *err = why;
        return status;
    }
    fprintf(stderr, "%s:%d: %s; it is replaced\n", why.file, why.line, why.text);
    return DUO_OK;
}

/* ---- inputs */

/* Every policy of every variant, so that all rows of the catalogue are looked up. */
static enum duo_status check_plan(const struct job *job, struct duo_err *err)
{
    for (int v = 0; v < job->plan.n_variants; v++) {
        const struct duo_scenario *s = &job->plan.variants[v];
        for (int i = 0; i < s->n_policies; i++) {
            struct duo_run_spec spec = { .scenario = s, .catalogue = job->catalogue, .policy = i, .seed = s->seeds[0],
                                         .net = DUO_NET_FLUID, .mix_share = NAN };
            DUO_TRY(duo_run_check(&spec, NULL, 0, err));
        }
    }
    return DUO_OK;
}

static enum duo_status write_junit(const struct job *job, const struct duo_check_report *report, struct duo_err *err)
{
    if (!job->junit) return DUO_OK;
    FILE *out = fopen(job->junit, "w");
    if (!out) return duo_fail_at(err, DUO_BAD_INPUT, job->junit, 0, 0, "%s", strerror(errno));
    duo_check_junit(out, report);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) return duo_fail_at(err, DUO_NO_RESOURCES, job->junit, 0, 0, "could not be written whole");
    return DUO_OK;
}

/* (1) */
static enum duo_status check_inputs(struct job *job, struct duo_err *err)
{
    struct duo_baseline head;
    struct duo_check none = { .held = false };
    struct duo_check_report report = { .check = &none, .was = &job->was, .is = &head, .file = job->baseline };
    char list[300] = "";
    DUO_TRY(check_plan(job, err));
    DUO_TRY(duo_inputs_list(&job->plan, job->catalogue, &job->inputs, &job->n_inputs, err));
    if (!job->has_was) return DUO_OK;
    DUO_TRY(duo_baseline_make(&head, NULL, job->plan.variants[0].name, "", job->inputs, job->n_inputs, err));
    job->n_changed = duo_check_inputs(&job->was, &head, job->wishes.only.n > 0, &job->changed);
    enum duo_status status = DUO_OK;
    if (job->n_changed && !job->accept && !job->update) {
        for (int i = 0; i < job->n_changed; i++) {
            size_t used = strlen(list);
            if (used > 220) snprintf(list + used, sizeof list - used, " and %d more", job->n_changed - i), i = job->n_changed;
            else            snprintf(list + used, sizeof list - used, "%s%.100s", i ? ", " : "", job->changed[i]);
        }
        report.changed = job->changed;
        report.n_changed = job->n_changed;
        status = write_junit(job, &report, err);
        if (status == DUO_OK)
            status = duo_fail_at(err, DUO_BAD_INPUT, job->baseline, 0, 0,
                                 "inputs changed since it was made: %s; --accept-inputs compares all the same, --update takes them in", list);
    }
    duo_baseline_free(&head);
    return status;
}

/* ---- runs */

/* Nothing to compare: CI is told, too. */
static void report_failure(const struct job *job, const char *why)
{
    struct duo_check none = { .held = false };
    struct duo_baseline head = { .scenario = job->plan.variants[0].name };
    write_junit(job, &(struct duo_check_report){ .check = &none, .was = &job->was, .is = &head, .file = job->baseline, .broken = why }, NULL);
}

static enum duo_status summarise(struct sqlite3 *db, void *with, struct duo_err *err) { return duo_plan_summarise(db, with, err); }

static void network_of(struct sqlite3 *db, char *out, size_t n)
{
    sqlite3_stmt *s;
    snprintf(out, n, "unknown");
    if (sqlite3_prepare_v2(db, "SELECT net FROM run WHERE net IS NOT NULL LIMIT 1", -1, &s, NULL) != SQLITE_OK) return;
    if (sqlite3_step(s) == SQLITE_ROW) snprintf(out, n, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
}

static enum duo_status run_plan(struct job *job, struct duo_err *err)
{
    struct duo_sweep_spec spec = { .plan = &job->plan, .catalogue = job->catalogue, .out = job->db, .jobs = job->wishes.jobs, .net = job->wishes.net,
                                   .progress = isatty(STDERR_FILENO) == 1, .finish = summarise, .finish_arg = &job->plan };
    char net[128], made[200];
    struct sqlite3 *db;
    enum duo_status status = duo_sweep(&spec, err);
    if (status != DUO_OK) {
        if (!job->keep) unlink(job->db);
        if (status == DUO_RUN_FAILED) report_failure(job, err->text);
        return status;
    }
    status = duo_app_open(&db, job->db, err);
    if (!job->keep) unlink(job->db);
    DUO_TRY(status);
    network_of(db, net, sizeof net);
    snprintf(made, sizeof made, "duosim %s, network %s", DUO_VERSION, net);
    status = duo_baseline_make(&job->is, db, job->plan.variants[0].name, made, job->inputs, job->n_inputs, err);
    sqlite3_close(db);
    return status;
}

/* ---- what came of it */

static struct duo_gate_rule *rules_of(const struct duo_scenario *s)
{
    struct duo_gate_rule *rules = duo_new((size_t)s->n_check + 1, sizeof *rules);
    for (int i = 0; i < s->n_check; i++) {
        const struct duo_check_rule *c = &s->check[i];
        const char *slash = c->area && c->label ? strrchr(c->label, '/') : NULL;
        rules[i] = (struct duo_gate_rule){ .variant = c->variant, .label = slash ? slash + 1 : c->label, .gate = c->gate, .area = c->area,
                                           .kind = (enum duo_gate_kind)c->kind, .amount = c->amount, .relative = c->relative };
    }
    return rules;
}

static char *question_id(void *arg, int question)
{
    const struct job *job = arg;
    for (int i = 0; i < job->n_questions; i++)
        if (job->question[i] == question) return duo_copy(job->id[i]);
    return NULL;
}

/* Ids, all at once: the answers are opened for it. */
static enum duo_status find_ids(struct job *job, const struct duo_check *check, struct duo_err *err)
{
    const struct duo_scenario *s = &job->plan.variants[0];
    struct duo_run_spec spec = { .scenario = s, .catalogue = job->catalogue, .seed = s->seeds[0], .net = DUO_NET_FLUID, .mix_share = NAN };
    for (int i = 0; i < check->n_flips; i++)
        for (int k = 0; k < check->flips[i].n_worst; k++) {
            job->question = duo_grow(job->question, (size_t)job->n_questions + 1, sizeof *job->question);
            job->question[job->n_questions++] = check->flips[i].worst[k].question;
        }
    job->id = duo_new((size_t)job->n_questions + 1, sizeof *job->id);
    return job->n_questions ? duo_inputs_questions(&spec, job->question, job->n_questions, job->id, err) : DUO_OK;
}

static enum duo_status compare(struct job *job, struct duo_err *err)
{
    const struct duo_scenario *s = &job->plan.variants[0];           /* every variant has all rules */
    struct duo_gate_rule *rules = rules_of(s);
    struct duo_check_spec spec = { .rules = rules, .n_rules = s->n_check, .alpha = s->check_alpha, .part = job->wishes.only.n > 0 };
    struct duo_check check;
    duo_check_compare(&check, &job->was, &job->is, &spec);
    struct duo_check_report report = { .check = &check, .was = &job->was, .is = &job->is, .file = job->baseline, .changed = job->changed,
                                       .n_changed = job->n_changed, .accepted = true, .question = question_id, .arg = job };
    enum duo_status status = find_ids(job, &check, err);
    if (status == DUO_OK) {
        if (job->json) duo_check_json(stdout, &report);
        else           duo_check_print(stdout, &report);
        status = write_junit(job, &report, err);
    }
    if (status == DUO_OK && !check.held && !job->update) status = DUO_FELL_SHORT;
    duo_check_free(&check);
    free(rules);
    return status;
}

static enum duo_status save(const struct job *job, struct duo_err *err)
{
    DUO_TRY(duo_baseline_save(&job->is, job->baseline, err));
    int labels = 0;
    for (int v = 0; v < job->is.n_variants; v++) labels += job->is.variants[v].n_labels;
    fprintf(job->json ? stderr : stdout, "%s: written, %d labels of %d %s\n", job->baseline, labels, job->is.n_variants,
            job->is.n_variants == 1 ? "variant" : "variants");
    return DUO_OK;
}

static enum duo_status check(const struct duo_args *a, struct job *job, struct duo_err *err)
{
    DUO_TRY(duo_plan_wished(a, &job->wishes, &job->plan, err));
    DUO_TRY(read_baseline(job, err));
    DUO_TRY(duo_app_catalogue(&job->catalogue, &job->wishes.layers, err));
    DUO_TRY(check_inputs(job, err));
    DUO_TRY(run_plan(job, err));
    if (job->has_was) {
        enum duo_status status = compare(job, err);
        if (status != DUO_OK) return status;
    }
    return job->update ? save(job, err) : DUO_OK;
}

static void free_job(struct job *job)
{
    for (int i = 0; i < job->n_inputs; i++) free(job->inputs[i].name);
    for (int i = 0; i < job->n_changed; i++) free(job->changed[i]);
    for (int i = 0; i < job->n_questions && job->id; i++) free(job->id[i]);
    free(job->inputs), free(job->changed), free(job->id), free(job->question);
    duo_baseline_free(&job->was);
    duo_baseline_free(&job->is);
    if (job->catalogue) duo_catalogue_free(job->catalogue);
    duo_plan_free(&job->plan);
    free(job);
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct job *job = duo_new(1, sizeof *job);
    duo_args_init(&a, command, argc, argv);
    read_wishes(&a, job);
    enum duo_status status = check(&a, job, &err);
    free_job(job);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_check = {
    .name = "check", .words = "SCENARIO", .about = "hold a scenario's results against a baseline: did anything get worse?",
    .example = "  duosim check quickstart --baseline quickstart.baseline --update      make it, or take changes in\n"
               "  duosim check quickstart --baseline quickstart.baseline --junit check.xml\n",
    .options = options, .run = run,
};
