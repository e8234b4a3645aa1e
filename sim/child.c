/* child.c - see child.h. */
#include "sim/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- in the child ---- */

enum { TICKS = 4 };                              /* a call's limit is so many ticks */

static struct {
    struct duo_report *report;
    uint64_t           call;
    int                ticks;
} tick;

/* Rings every quarter of the limit; a call that is met TICKS times after it was first seen has had it all. */
static void on_tick(int signal_number)
{
    (void)signal_number;
    struct duo_report *report = tick.report;
    if (!report->watch.in_policy || report->watch.calls != tick.call) {
        tick.call  = report->watch.calls;
        tick.ticks = 0;
    } else if (++tick.ticks >= TICKS) {
        report->hung = true;
        _exit(DUO_RUN_FAILED);
    }
}

static void watch_calls(const struct duo_child *child)
{
    tick.report = child->report;
    struct sigaction action = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    sigaction(SIGPROF, &action, NULL);
    double period = child->call_limit / TICKS;
    if (period < 0.001) period = 0.001;
    struct timeval every = { .tv_sec = (time_t)period, .tv_usec = (suseconds_t)((period - (double)(time_t)period) * 1e6) };
    setitimer(ITIMER_PROF, &(struct itimerval){ every, every }, NULL);
}

/* A crash is to end the process, so that the parent sees the signal. */
static void plain_signals(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGCHLD };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGXFSZ, SIG_IGN);                                  /* a write that says so is enough */
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
}

static _Noreturn void live(const struct duo_child *child, const struct duo_run_spec *spec, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(DUO_RUN_FAILED);
    plain_signals();
    dup2(child->words, STDOUT_FILENO);
    dup2(child->words, STDERR_FILENO);
    watch_calls(child);

    struct duo_report *report = child->report;
    struct duo_err err = { 0 };
    if (child->enter) child->enter(child->enter_arg, child->round);
    bool too_many = false;
    struct duo_rows *rows = duo_rows_new(child->rows);
    enum duo_status status = duo_run(spec, rows, &too_many, &err);
    setitimer(ITIMER_PROF, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL);
    fflush(NULL);
    err.status       = status;
    report->err      = err;
    report->too_many = too_many;
    report->ended    = true;
    _exit(0);
}

/* ---- in the parent ---- */

enum duo_status duo_child_start(struct duo_child *child, const struct duo_run_spec *spec, struct duo_err *err)
{
    fflush(NULL);                                              /* what is buffered is not the child's to print */
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) return duo_fail(err, DUO_NO_RESOURCES, "no process for a run: %s", strerror(errno));
    if (pid == 0) live(child, spec, parent);
    child->pid = pid;
    return DUO_OK;
}

void duo_child_words(const struct duo_child *child, char *out, size_t n)
{
    struct stat status;
    *out = '\0';
    if (child->words < 0 || fstat(child->words, &status) != 0) return;
    off_t from = status.st_size > (off_t)(n - 1) ? status.st_size - (off_t)(n - 1) : 0;
    ssize_t got = pread(child->words, out, n - 1, from);
    if (got < 0) got = 0;
    while (got > 0 && (out[got - 1] == '\n' || out[got - 1] == '\r' || out[got - 1] == ' ')) got--;
    out[got] = '\0';
    for (char *c = out; c < out + got; c++)
        if (*c == '\0' || ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')) *c = ' ';
}

static const char *signal_name(int number, char *room, size_t n)
{
#define SIGNALS(X) X(SIGSEGV) X(SIGABRT) X(SIGBUS) X(SIGFPE) X(SIGILL) X(SIGKILL) X(SIGTERM) X(SIGINT) X(SIGHUP) \
                   X(SIGTRAP) X(SIGSYS) X(SIGPIPE) X(SIGXCPU)
#define X(name) if (number == name) return #name;
    SIGNALS(X)
#undef X
    snprintf(room, n, "signal %d", number);
    return room;
}

/* ": the last line that it printed", or nothing. */
static void last_words(const struct duo_child *child, char *out, size_t n)
{
    char words[400];
    duo_child_words(child, words, sizeof words);
    const char *line = strrchr(words, '\n');
    line = line ? line + 1 : words;
    snprintf(out, n, "%s%s", *line ? ": " : "", line);
}

static enum duo_child_end judge_report(const struct duo_report *report, char *why, size_t n)
{
    if (report->too_many) return DUO_CHILD_TOO_MANY;
    enum duo_status status = report->err.status;
    if (status == DUO_OK) return DUO_CHILD_DONE;
    snprintf(why, n, "%s", *report->err.text ? report->err.text : "failed without a word");
    return status == DUO_NO_RESOURCES ? DUO_CHILD_NO_RESOURCES : DUO_CHILD_FAILED;
}

enum duo_child_end duo_child_verdict(const struct duo_child *child, int wait_status, const char *policy, char *why, size_t n)
{
    const struct duo_report *report = child->report;
    char who[80] = "run", words[420], room[32];
    *why = '\0';
    if (report->ended) return judge_report(report, why, n);

    if (report->watch.in_policy) {
        char name[sizeof report->watch.policy + 1] = "";
        memcpy(name, report->watch.policy, sizeof report->watch.policy);
        snprintf(who, sizeof who, "policy %.64s:", *name ? name : policy);
    }
    last_words(child, words, sizeof words);
    if (report->hung) {
        snprintf(why, n, "%s a call took more than %g s of CPU time", who, child->call_limit);
    } else if (WIFSIGNALED(wait_status)) {
        snprintf(why, n, "%s crashed (%s)%s", who, signal_name(WTERMSIG(wait_status), room, sizeof room), words);
    } else if (!report->watch.in_policy && WEXITSTATUS(wait_status) == DUO_NO_RESOURCES) {
        snprintf(why, n, "run ended for want of memory or disk%s", words);       /* duo_new's way out */
        return DUO_CHILD_NO_RESOURCES;
    } else {
        snprintf(why, n, "%s left with exit code %d%s", who, WEXITSTATUS(wait_status), words);
    }
    return DUO_CHILD_FAILED;
}
