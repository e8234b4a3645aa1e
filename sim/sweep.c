/* sweep.c - see sweep.h; the numbers in the text are its requirements. */
#include "sim/sweep.h"

#include <assert.h>
#include <errno.h>
#include <gsl/gsl_version.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policies/policy.h"
#include "sim/child.h"
#include "sim/ledger.h"

#ifndef DUO_VERSION
#define DUO_VERSION "unknown"
#endif

enum { MAX_AHEAD = 200, WAIT_MS = 20, REASON = 600, WORDS = 70000 };

enum run_state { WAITING, RUNNING, ENDED };

struct run {
    const struct duo_scenario *scenario;
    int                round, variant, policy, nth;      /* nth: of the seeds */
    uint64_t           seed;
    int                base;                     /* the run whose cloud share it takes; -1: none */
    enum run_state     state;
    struct duo_child   child;
    enum duo_child_end end;
    char              *why;                      /* of a failure */
    double             cloud_share;
};

struct sweep {
    const struct duo_sweep_spec *spec;
    struct run        *runs;
    int                n, next, running, done, failed, jobs;
    int                of_plan;                  /* runs of a round */
    bool               asked;                    /* (7) for more rounds */
    enum duo_net_kind  net;
    bool               begun, again;             /* run `next` is being merged; (5) a run had too many flows */
    struct duo_report *reports;                  /* shared memory, one a run */
    struct duo_ledger *ledger;
    double             started, shown;           /* s, of the wall clock */
    char               first_failure[REASON + 400];
    /* as they were */
    sigset_t           old_mask, watched;
    struct sigaction   old_child, old_file_size;
};

static double wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static const struct duo_policy_spec *policy_of(const struct run *run)
{
    return &run->scenario->policies[run->policy];
}

/* ---- the plan ---- */

static int label_index(const struct duo_scenario *scenario, const char *label)
{
    for (int p = 0; p < scenario->n_policies; p++)
        if (strcmp(scenario->policies[p].label, label) == 0) return p;
    return -1;
}

/* The policy whose cloud share policy p takes, or -1. */
static enum duo_status find_base(const struct duo_scenario *scenario, int p, int *base, struct duo_err *err)
{
    const struct duo_policy_spec *spec = &scenario->policies[p];
    *base = -1;
    if (!spec->of) return DUO_OK;
    *base = label_index(scenario, spec->of);
    if (*base >= 0 && *base != p && !scenario->policies[*base].of) return DUO_OK;
    const char *file = scenario->file ? scenario->file : "";
    if (*base >= 0)
        return duo_fail_at(err, DUO_BAD_INPUT, file, spec->at.line, spec->at.column, "%s: of: %s: is a mix itself", spec->label, spec->of);
    const char **labels = duo_new((size_t)scenario->n_policies, sizeof *labels);
    for (int i = 0; i < scenario->n_policies; i++) labels[i] = scenario->policies[i].label;
    const char *near = duo_nearest(spec->of, labels, (size_t)scenario->n_policies);
    free(labels);
    return duo_fail_at(err, DUO_BAD_INPUT, file, spec->at.line, spec->at.column, "%s: of: no policy here is called %s%s%s%s",
                       spec->label, spec->of, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

/* (1): the order of the runs of a round. */
static enum duo_status list_round(struct sweep *sweep, int round, struct duo_err *err)
{
    const struct duo_plan *plan = sweep->spec->plan;
    for (int v = 0; v < plan->n_variants; v++) {
        const struct duo_scenario *scenario = &plan->variants[v];
        int first = sweep->n;
        for (int p = 0; p < scenario->n_policies; p++) {
            int base;
            DUO_TRY(find_base(scenario, p, &base, err));
            for (int s = 0; s < scenario->n_seeds; s++)
                sweep->runs[sweep->n++] = (struct run){
                    .scenario = scenario, .round = round, .variant = v, .policy = p, .nth = s, .seed = scenario->seeds[s],
                    .base = base < 0 ? -1 : first + base * scenario->n_seeds + s,
                    .child = { .rows = -1, .words = -1 }, .cloud_share = (double)NAN };
        }
    }
    return DUO_OK;
}

static int rounds_of(const struct sweep *sweep) { return 1 + (sweep->spec->rounds ? sweep->spec->rounds->n : 0); }

static enum duo_status list_runs(struct sweep *sweep, struct duo_err *err)
{
    const struct duo_plan *plan = sweep->spec->plan;
    int most = 1 + (sweep->spec->rounds ? sweep->spec->rounds->most : 0);
    for (int v = 0; v < plan->n_variants; v++) sweep->of_plan += plan->variants[v].n_policies * plan->variants[v].n_seeds;
    sweep->runs = duo_new((size_t)sweep->of_plan * (size_t)most + 1, sizeof *sweep->runs);
    for (int r = 0; r < rounds_of(sweep); r++) DUO_TRY(list_round(sweep, r, err));
    return DUO_OK;
}

/* (5) */
static bool may_stop(const struct sweep *sweep)
{
    return sweep->spec->net == DUO_NET_AUTO && sweep->net == DUO_NET_SIMGRID;
}

static struct duo_run_spec run_spec(const struct sweep *sweep, const struct run *run)
{
    return (struct duo_run_spec){
        .scenario = run->scenario, .catalogue = sweep->spec->catalogue, .policy = run->policy, .seed = run->seed,
        .domains = sweep->spec->domains, .net = sweep->net, .stop_above = may_stop(sweep) ? run->scenario->fluid_above : 0,
        .mix_share = run->base < 0 ? (double)NAN : sweep->runs[run->base].cloud_share };
}

/* Each line to stderr, once in a sweep. */
static void print_warnings(char *warnings, char ***seen, int *n_seen)
{
    char *rest = warnings;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL; ) {
        bool known = false;
        for (int i = 0; i < *n_seen; i++) known |= strcmp((*seen)[i], line) == 0;
        if (known) continue;
        fprintf(stderr, "duosim: %s\n", line);
        *seen = duo_grow(*seen, (size_t)*n_seen + 1, sizeof **seen);
        (*seen)[(*n_seen)++] = duo_copy(line);
    }
}

/* What can be refused is refused before anything is written. */
static enum duo_status check_runs(const struct sweep *sweep, struct duo_err *err)
{
    char **seen = NULL;
    int n_seen = 0;
    enum duo_status status = DUO_OK;
    for (int i = 0; i < sweep->of_plan && status == DUO_OK; i++) {
        const struct run *run = &sweep->runs[i];
        bool met = i > 0 && run[-1].variant == run->variant && run[-1].policy == run->policy;    /* another seed */
        if (met) continue;
        char warnings[4096] = "";
        struct duo_run_spec spec = run_spec(sweep, run);
        status = duo_run_check(&spec, warnings, sizeof warnings, err);
        print_warnings(warnings, &seen, &n_seen);
    }
    for (int i = 0; i < n_seen; i++) free(seen[i]);
    free(seen);
    return status;
}

/* ---- signals: blocked, and fetched when it suits ---- */

static void take_signals(struct sweep *sweep)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    sigemptyset(&sweep->watched);
    sigaddset(&sweep->watched, SIGCHLD);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action;
        sigaction(numbers[i], NULL, &action);
        if (action.sa_handler != SIG_IGN) sigaddset(&sweep->watched, numbers[i]);
    }
    struct sigaction plain = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGCHLD, &plain, &sweep->old_child);
    sigaction(SIGXFSZ, &ignore, &sweep->old_file_size);      /* a file too large is a failed write, not our death */
    sigprocmask(SIG_BLOCK, &sweep->watched, &sweep->old_mask);
}

static void return_signals(const struct sweep *sweep)
{
    sigprocmask(SIG_SETMASK, &sweep->old_mask, NULL);
    sigaction(SIGCHLD, &sweep->old_child, NULL);
    sigaction(SIGXFSZ, &sweep->old_file_size, NULL);
}

static void kill_children(struct sweep *sweep)
{
    for (int i = 0; i < sweep->n; i++) {
        struct run *run = &sweep->runs[i];
        if (run->state != RUNNING) continue;
        kill(run->child.pid, SIGKILL);
        while (waitpid(run->child.pid, NULL, 0) < 0 && errno == EINTR) {}
    }
    sweep->running = 0;
}

static void forget_run(struct run *run)
{
    if (run->child.rows >= 0) close(run->child.rows);
    if (run->child.words >= 0) close(run->child.words);
    free(run->why);
    run->child = (struct duo_child){ .rows = -1, .words = -1 };
    run->why   = NULL;
}

static void clear_line(struct sweep *sweep)
{
    if (sweep->shown > 0) fprintf(stderr, "\r\033[K");
    sweep->shown = 0;
}

/* Wait for a child's end, at most so long. */
static void wait_signal(struct sweep *sweep, long milliseconds)
{
    struct timespec limit = { 0, milliseconds * 1000000 };
    int number = sigtimedwait(&sweep->watched, NULL, &limit);
    if (number <= 0 || number == SIGCHLD) return;
    kill_children(sweep);
    duo_ledger_drop(sweep->ledger);
    clear_line(sweep);
    fprintf(stderr, "duosim: interrupted; nothing was written\n");
    exit(130);
}

/* ---- children ---- */

static void end_run(struct sweep *sweep, struct run *run, enum duo_child_end end, const char *why)
{
    sweep->done++;
    run->state = ENDED;
    run->end   = end;
    run->why   = duo_copy(why);
}

/* A child's rows, and what it prints (which goes with the memory it is in). */
static enum duo_status start_run(struct sweep *sweep, int i, struct duo_err *err)
{
    struct run *run = &sweep->runs[i];
    if (run->base >= 0 && !(sweep->runs[run->base].cloud_share >= 0)) {                       /* (4) */
        char why[REASON];
        snprintf(why, sizeof why, "the run of %s, whose cloud share it takes, %s", policy_of(run)->of,
                 sweep->runs[run->base].end == DUO_CHILD_FAILED ? "failed" : "tells none");
        end_run(sweep, run, DUO_CHILD_FAILED, why);
        return DUO_OK;
    }
    DUO_TRY(duo_ledger_scratch(sweep->ledger, &run->child.rows, err));
    run->child.words = memfd_create("words", MFD_CLOEXEC);
    if (run->child.words < 0) return duo_fail(err, DUO_NO_RESOURCES, "no memory for what a run prints: %s", strerror(errno));
    run->child.call_limit = sweep->spec->call_limit > 0 ? sweep->spec->call_limit : 2;
    run->child.report     = &sweep->reports[i];
    if (run->round > 0) {                                                                      /* (7) */
        run->child.enter     = sweep->spec->rounds->enter;
        run->child.enter_arg = sweep->spec->rounds->arg;
        run->child.round     = run->round;
    }
    memset(run->child.report, 0, sizeof *run->child.report);
    struct duo_run_spec spec = run_spec(sweep, run);
    spec.watch = &run->child.report->watch;
    DUO_TRY(duo_child_start(&run->child, &spec, err));
    run->state = RUNNING;
    sweep->running++;
    return DUO_OK;
}

/* Start what may start, in order; a run's base before it.  Children run ahead of the merge, but not without end. */
static enum duo_status start_runs(struct sweep *sweep, struct duo_err *err)
{
    int ahead = 4 * sweep->jobs + 16 < MAX_AHEAD ? 4 * sweep->jobs + 16 : MAX_AHEAD;
    for (int i = sweep->next; i < sweep->n && i < sweep->next + ahead && sweep->running < sweep->jobs; i++) {
        int pick = i;
        if (sweep->runs[i].state != WAITING) continue;
        if (sweep->runs[i].base >= 0 && sweep->runs[sweep->runs[i].base].state != ENDED) pick = sweep->runs[i].base;
        if (sweep->runs[pick].state == WAITING) DUO_TRY(start_run(sweep, pick, err));
    }
    return DUO_OK;
}

static enum duo_status reap(struct sweep *sweep, struct duo_err *err)
{
    for (int i = sweep->next; i < sweep->n && sweep->running > 0; i++) {
        struct run *run = &sweep->runs[i];
        int status;
        if (run->state != RUNNING || waitpid(run->child.pid, &status, WNOHANG) != run->child.pid) continue;
        char why[REASON];
        sweep->running--;
        enum duo_child_end end = duo_child_verdict(&run->child, status, policy_of(run)->label, why, sizeof why);
        end_run(sweep, run, end, why);
        if (end == DUO_CHILD_NO_RESOURCES) return duo_fail(err, DUO_NO_RESOURCES, "%s", why);      /* (6) */
        assert(end != DUO_CHILD_TOO_MANY || may_stop(sweep));
        sweep->again |= end == DUO_CHILD_TOO_MANY;
        struct duo_row_run row;
        if (end == DUO_CHILD_DONE && duo_rows_last(run->child.rows, &row) && row.requests >= 0 && row.cloud_calls >= 0)
            run->cloud_share = row.requests ? (double)row.cloud_calls / (double)row.requests : 0;       /* (4); of nobody: none */
    }
    return DUO_OK;
}

/* ---- the merge ---- */

static void set_text(char field[256], const char *text)
{
    snprintf(field, 256, "%s", text ? text : "");
}

/* "key=value, key=value", as given.  To be freed. */
static char *params_text(const struct duo_policy_spec *spec)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    const char *comma = "";
    if (spec->of) fprintf(out, "of=%s", spec->of), comma = ", ";
    if (spec->seat >= 0) fprintf(out, "%sseat=%s", comma, spec->seat == DUO_SEAT_DEVICE ? "device" : "gateway"), comma = ", ";
    for (int i = 0; i < spec->n_params; i++, comma = ", ") fprintf(out, "%s%s=%s", comma, spec->params[i].key, spec->params[i].value);
    fclose(out);
    return text;
}

/* What is known of a run: all of its row, or of a failed one who it was and what it stood on. */
static void fill_row(const struct sweep *sweep, const struct run *run, const struct duo_row_run *left, bool failed,
                     struct duo_row_run *row)
{
    if (left && !failed) *row = *left;
    else duo_row_run_init(row);
    if (left && failed) {
        row->cheats = left->cheats;
        memcpy(row->name, left->name, sizeof row->name);
        memcpy(row->net, left->net, sizeof row->net);
        memcpy(row->answers, left->answers, sizeof row->answers);
    }
    row->policy = run->policy;
    row->seed   = (int64_t)run->seed;
    set_text(row->variant, run->scenario->variant);
    set_text(row->label, policy_of(run)->label);
    set_text(row->state, failed ? "failed" : "done");
    if (!*row->name) set_text(row->name, policy_of(run)->use);
    if (!*row->net)  set_text(row->net, duo_net_version(sweep->net));
    if (!failed)     set_text(row->reason, "");
}

static void note_failure(struct sweep *sweep, const struct run *run, const char *reason)
{
    if (sweep->failed++ > 0) return;
    const char *variant = run->scenario->variant ? run->scenario->variant : "";
    snprintf(sweep->first_failure, sizeof sweep->first_failure, "%.80s%s%.80s, seed %llu: %s", variant, *variant ? ", " : "",
             policy_of(run)->label, (unsigned long long)run->seed, reason);
}

static void pass_words(struct sweep *sweep, const struct run *run)
{
    char words[WORDS], *rest;
    duo_child_words(&run->child, words, sizeof words);
    if ((rest = *words ? words : NULL)) clear_line(sweep);
    for (char *line; (line = strsep(&rest, "\n")) != NULL; )
        fprintf(stderr, "%s, seed %llu: %s\n", policy_of(run)->label, (unsigned long long)run->seed, line);
}

/* The run that is next has ended and all its rows are pulled. */
static enum duo_status finish_run(struct sweep *sweep, struct duo_err *err)
{
    struct run *run = &sweep->runs[sweep->next];
    const struct duo_row_run *left = NULL;
    const char *fault = run->child.rows >= 0 ? duo_ledger_fault(sweep->ledger, &left) : NULL;
    char reason[REASON];
    bool failed = run->end != DUO_CHILD_DONE || fault;
    if (run->end == DUO_CHILD_DONE) snprintf(reason, sizeof reason, "run %s", fault ? fault : "");
    else snprintf(reason, sizeof reason, "%s", run->why);

    struct duo_row_run row;
    char *params = params_text(policy_of(run));
    fill_row(sweep, run, left, failed, &row);
    enum duo_status status = duo_ledger_end(sweep->ledger, &row, params, failed ? reason : NULL, err);      /* (3) */
    free(params);
    if (status != DUO_OK) return status;
    if (failed) note_failure(sweep, run, reason);
    pass_words(sweep, run);
    forget_run(run);
    sweep->next++;
    sweep->begun = false;
    return DUO_OK;
}

/* (7): of a round after the first, when it has ended. */
static enum duo_status hand_over(struct sweep *sweep, struct duo_err *err)
{
    struct run *run = &sweep->runs[sweep->next];
    struct duo_row_run row;
    bool whole = run->end == DUO_CHILD_DONE && duo_rows_last(run->child.rows, &row);
    struct duo_round_run given = {
        .round = run->round, .variant = run->variant, .policy = run->policy, .seed = run->nth, .rows = whole ? run->child.rows : -1,
        .why = whole ? NULL : run->end == DUO_CHILD_DONE ? "run ended before its last row" : run->why };
    DUO_TRY(sweep->spec->rounds->take(duo_ledger_handle(sweep->ledger), sweep->spec->rounds->arg, &given, err));
    forget_run(run);
    sweep->next++;
    return DUO_OK;
}

/* A step of the merge: rows of the run that is next, while it still runs.  *idle: there was nothing to do. */
static enum duo_status merge(struct sweep *sweep, bool *idle, struct duo_err *err)
{
    struct run *run = &sweep->runs[sweep->next];
    *idle = true;
    if (run->state == WAITING) return DUO_OK;
    if (run->round > 0) {
        *idle = run->state != ENDED;
        return *idle ? DUO_OK : hand_over(sweep, err);
    }
    if (!sweep->begun) DUO_TRY(duo_ledger_begin(sweep->ledger, sweep->next + 1, run->child.rows, err));
    sweep->begun = true;
    bool ended = run->state == ENDED, more = false;             /* in this order: what it wrote last is not missed */
    if (run->child.rows >= 0) DUO_TRY(duo_ledger_pull(sweep->ledger, &more, err));
    *idle = !more && !ended;
    return ended && !more ? finish_run(sweep, err) : DUO_OK;
}

/* ---- progress ---- */

static void show_progress(struct sweep *sweep)
{
    double now = wall(), done = sweep->done;
    if (!sweep->spec->progress || now - sweep->started < 1 || now - sweep->shown < 0.5) return;
    for (int i = sweep->next; i < sweep->n; i++) {
        const struct run *run = &sweep->runs[i];
        int64_t requests = run->scenario->arrivals.requests;
        if (run->state != RUNNING || requests <= 0) continue;
        double share = (double)run->child.report->watch.finished / (double)requests;
        done += share < 1 ? share : 1;
    }
    double left = done > 0.01 ? (now - sweep->started) * (sweep->n - done) / done : (double)NAN;
    fprintf(stderr, "\r\033[K%d of %d runs", sweep->done, sweep->n);
    if (left >= 60) fprintf(stderr, ", about %.0f min %02.0f s left", floor(left / 60), floor(fmod(left, 60)));
    else if (left >= 0) fprintf(stderr, ", about %.0f s left", ceil(left));
    if (sweep->failed) fprintf(stderr, ", %d failed", sweep->failed);
    fflush(stderr);
    sweep->shown = now;
}

/* ---- all runs, once ---- */

static enum duo_status open_ledger(struct sweep *sweep, struct duo_err *err)
{
    const struct duo_plan *plan = sweep->spec->plan;
    DUO_TRY(duo_ledger_open(&sweep->ledger, sweep->spec->out, err));
    for (int v = 0; v < plan->n_variants; v++) {
        const struct duo_scenario *scenario = &plan->variants[v];
        DUO_TRY(duo_ledger_scenario(sweep->ledger, scenario->variant ? scenario->variant : "", scenario->text, err));
    }
    return DUO_OK;
}

static enum duo_status ask_for_more(struct sweep *sweep, struct duo_err *err)
{
    const struct duo_rounds *rounds = sweep->spec->rounds;
    int more = 0, round = rounds_of(sweep);
    if (!rounds || !rounds->more || sweep->asked) return DUO_OK;
    sweep->asked = true;
    DUO_TRY(rounds->more(duo_ledger_handle(sweep->ledger), rounds->arg, &more, err));
    assert(rounds->n + more <= rounds->most);
    for (int i = 0; i < more; i++) DUO_TRY(list_round(sweep, round + i, err));
    return DUO_OK;
}

static enum duo_status run_all(struct sweep *sweep, struct duo_err *err)
{
    DUO_TRY(open_ledger(sweep, err));
    while (sweep->next < sweep->n && !sweep->again) {
        bool idle;
        DUO_TRY(start_runs(sweep, err));
        DUO_TRY(merge(sweep, &idle, err));
        wait_signal(sweep, idle ? WAIT_MS : 0);
        DUO_TRY(reap(sweep, err));
        show_progress(sweep);
        if (sweep->next == sweep->n && !sweep->again) DUO_TRY(ask_for_more(sweep, err));
    }
    clear_line(sweep);
    return DUO_OK;
}

/* Children, rows and the temporary database: gone. */
static void reset(struct sweep *sweep)
{
    kill_children(sweep);
    duo_ledger_drop(sweep->ledger);
    sweep->ledger = NULL;
    for (int i = 0; i < sweep->n; i++) {
        forget_run(&sweep->runs[i]);
        sweep->runs[i].state       = WAITING;
        sweep->runs[i].cloud_share = (double)NAN;
    }
    sweep->n = sweep->of_plan * rounds_of(sweep);
    sweep->next = sweep->done = sweep->failed = 0;
    sweep->begun = sweep->again = sweep->asked = false;
}

/* The table that "same seed, same bytes" leaves out. */
static enum duo_status write_host(struct sweep *sweep, struct duo_err *err)
{
    char date[32], seconds[32], jobs[16], machine[256];
    struct utsname name;
    struct tm now;
    time_t t = time(NULL);
    uname(&name);
    gmtime_r(&t, &now);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &now);
    snprintf(seconds, sizeof seconds, "%.3f", wall() - sweep->started);
    snprintf(jobs, sizeof jobs, "%d", sweep->jobs);
    snprintf(machine, sizeof machine, "%.60s %.80s %.60s", name.sysname, name.release, name.machine);
    const char *const rows[][2] = {
        { "duosim", DUO_VERSION }, { "sqlite", sqlite3_libversion() }, { "gsl", gsl_version },
        { "network", duo_net_version(sweep->net) }, { "compiler", __VERSION__ }, { "system", machine },
        { "date", date }, { "jobs", jobs }, { "wall_s", seconds }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) DUO_TRY(duo_ledger_host(sweep->ledger, rows[i][0], rows[i][1], err));
    return DUO_OK;
}

static enum duo_status sweep_runs(struct sweep *sweep, struct duo_err *err)
{
    DUO_TRY(run_all(sweep, err));
    if (sweep->again) {                                                                                 /* (5) */
        reset(sweep);
        sweep->net = DUO_NET_FLUID;
        DUO_TRY(run_all(sweep, err));
    }
    if (sweep->spec->finish) DUO_TRY(sweep->spec->finish(duo_ledger_handle(sweep->ledger), sweep->spec->finish_arg, err));
    DUO_TRY(write_host(sweep, err));
    DUO_TRY(duo_ledger_commit(sweep->ledger, err));
    wait_signal(sweep, 0);
    struct duo_ledger *ledger = sweep->ledger;
    sweep->ledger = NULL;
    DUO_TRY(duo_ledger_close(ledger, err));
    if (!sweep->failed) return DUO_OK;
    return duo_fail(err, DUO_RUN_FAILED, "%d of %d runs failed; %s%s", sweep->failed, sweep->of_plan, sweep->failed > 1 ? "the first: " : "",
                    sweep->first_failure);
}

static int count_jobs(const struct sweep *sweep)
{
    cpu_set_t cpus;
    int jobs = sweep->spec->jobs;
    if (jobs <= 0) jobs = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return jobs < sweep->n ? jobs : sweep->n;
}

static size_t reports_size(const struct sweep *sweep)
{
    size_t rounds = 1 + (size_t)(sweep->spec->rounds ? sweep->spec->rounds->most : 0);
    return ((size_t)sweep->of_plan * rounds + 1) * sizeof *sweep->reports;
}

static enum duo_status prepare(struct sweep *sweep, struct duo_err *err)
{
    enum duo_net_kind asked = sweep->spec->net;
    if (asked == DUO_NET_SIMGRID && !duo_net_has_simgrid())
        return duo_fail(err, DUO_BAD_INPUT, "this build is without SimGrid; choose the fluid network");
    sweep->net = asked != DUO_NET_AUTO ? asked : duo_net_has_simgrid() ? DUO_NET_SIMGRID : DUO_NET_FLUID;
    DUO_TRY(list_runs(sweep, err));
    DUO_TRY(check_runs(sweep, err));
    sweep->jobs = count_jobs(sweep);
    size_t bytes = reports_size(sweep);
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return duo_fail(err, DUO_NO_RESOURCES, "no memory for the runs' reports: %s", strerror(errno));
    sweep->reports = shared;
    return DUO_OK;
}

enum duo_status duo_sweep(const struct duo_sweep_spec *spec, struct duo_err *err)
{
    struct sweep sweep = { .spec = spec, .started = wall() };
    struct duo_err own = { 0 };
    if (!err) err = &own;
    enum duo_status status = prepare(&sweep, err);
    if (status == DUO_OK) {
        take_signals(&sweep);
        status = sweep_runs(&sweep, err);
        clear_line(&sweep);
        reset(&sweep);
        return_signals(&sweep);
    }
    if (sweep.reports) munmap(sweep.reports, reports_size(&sweep));
    free(sweep.runs);
    return status;
}
