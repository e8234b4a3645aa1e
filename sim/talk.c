/* talk.c - see talk.h; the numbers in the text are its requirements. */
#include "sim/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LAST_WORDS = 200, GRACE_MS = 2000, CUT = 120, LOOK = 512, FREE_EACH = 16 };

#define QUICK 3e-4                 /* s a line, at most */

struct duo_talk {
    pid_t  keeper;                 /* its group's number, too; 0: reaped */
    pid_t  program;
    bool   near;                   /* (5): both are on one CPU */
    cpu_set_t free;                /* where we may be else */
    unsigned lines;
    double looked_at;
    int    in, out, err;           /* our ends; -1: closed */
    int    status;                 /* waitpid's, once reaped */
    char  *line;                   /* DUO_TALK_LINE + 1 bytes */
    size_t used, filled;           /* of it: given out; read */
    char   prefix[80], word[4096]; /* a line of stderr that has begun */
    bool   passes;
    size_t word_length, passed;
    char   last[LAST_WORDS];       /* line of stderr */
    struct sigaction old_pipe;
};

/* ---- in the new processes (1) (2) ---- */

static void kill_group(int signal_number)
{
    (void)signal_number;
    kill(0, SIGKILL);
}

static void plain_signals(void)
{
    static const int numbers[] = { SIGPIPE, SIGXFSZ, SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGPROF, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    sigset_t none;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(int first, bool at_exec)
{
    if (close_range((unsigned)first, ~0U, at_exec ? CLOSE_RANGE_CLOEXEC : 0) == 0) return;
    for (int fd = first; fd < 1024; fd++)                      /* an old kernel */
        if (!at_exec) close(fd);
        else if (fcntl(fd, F_GETFD) >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void add_python(const char *folder)
{
    const char *old = getenv("PYTHONPATH");
    char path[4096];
    int n = snprintf(path, sizeof path, "%s%s%s", old ? old : "", old && *old ? ":" : "", folder);
    if (n > 0 && (size_t)n < sizeof path) setenv("PYTHONPATH", path, 1);
}

static _Noreturn void become(const struct duo_talk_spec *spec, const int ends[3], int report, pid_t keeper)
{
    pid_t own = getpid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper || write(report, &own, sizeof own) != sizeof own) _exit(127);
    plain_signals();
    /* Ends above 2, so that none is overwritten before it is copied. */
    for (int i = 0; i < 3; i++)
        if (dup2(ends[i], i) < 0) goto failed;
    if (spec->folder && chdir(spec->folder) != 0) goto failed;
    if (spec->python) add_python(spec->python);
    close_from(3, true);
    execvp(spec->command[0], spec->command);
failed:;
    int why = errno;
    if (write(report, &why, sizeof why) != sizeof why) _exit(126);
    _exit(127);
}

/* Waits for the program, and ends as it did. */
static _Noreturn void keep(const struct duo_talk_spec *spec, const int ends[3], int report, pid_t parent)
{
    int status;
    pid_t child, keeper = getpid();

    setpgid(0, 0);
    plain_signals();
    signal(SIGTERM, kill_group);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    child = fork();
    if (child == 0) become(spec, ends, report, keeper);
    close_from(0, false);                                      /* an end that we held would never be seen closed */
    if (child < 0) _exit(126);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        kill(keeper, WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 127);
}

/* ---- here ---- */

static void close_end(int *end)
{
    if (*end >= 0) close(*end);
    *end = -1;
}

/* A pipe whose ends are above 2 and closed by exec; ours does not block. */
static bool open_pipe(int ends[2], int ours)
{
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) != 0) return false;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
        close(raw[i]);
    }
    if (ends[0] < 0 || ends[1] < 0) return false;
    return fcntl(ends[ours], F_SETFL, O_NONBLOCK) == 0;
}

static enum duo_status no_process(const struct duo_talk_spec *spec, const char *what, int why, struct duo_err *err)
{
    enum duo_status status = why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE ? DUO_NO_RESOURCES : DUO_BAD_INPUT;
    return duo_fail(err, status, "%s %.200s: %s", what, spec->command[0], why == ENOENT ? "no such program" : strerror(why));
}

static ssize_t read_all(int from, void *to, size_t n)
{
    ssize_t got;
    while ((got = read(from, to, n)) < 0 && errno == EINTR) {}
    return got;
}

static enum duo_status spawn(struct duo_talk *t, const struct duo_talk_spec *spec, struct duo_err *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, words[2] = { -1, -1 }, report[2] = { -1, -1 }, why = 0;
    pid_t parent = getpid();
    bool open = open_pipe(in, 1) && open_pipe(out, 0) && open_pipe(words, 0) && pipe2(report, O_CLOEXEC) == 0;
    ssize_t got = 0;

    if (open) {
        t->keeper = fork();
        if (t->keeper == 0) keep(spec, (int[]){ in[0], out[1], words[1] }, report[1], parent);
        if (t->keeper > 0) setpgid(t->keeper, t->keeper);      /* whoever comes first */
    }
    if (!open || t->keeper < 0) why = errno, t->keeper = 0;
    close_end(&in[0]), close_end(&out[1]), close_end(&words[1]), close_end(&report[1]);
    t->in = in[1], t->out = out[0], t->err = words[0];
    if (!why && (got = read_all(report[0], &t->program, sizeof t->program)) == sizeof t->program) got = read_all(report[0], &why, sizeof why);
    close_end(&report[0]);
    if (!open || !t->keeper) return no_process(spec, "no process for", why, err);
    return got > 0 ? no_process(spec, "can't run", why, err) : DUO_OK;
}

enum duo_status duo_talk_start(struct duo_talk **out, const struct duo_talk_spec *spec, struct duo_err *err)
{
    struct duo_talk *t = duo_new(1, sizeof *t);
    enum duo_status status;

    t->in = t->out = t->err = -1;
    if (sched_getaffinity(0, sizeof t->free, &t->free) != 0) t->looked_at = INFINITY;      /* never quick */
    t->line = duo_new(DUO_TALK_LINE + 1, 1);
    t->passes = spec->prefix != NULL;
    snprintf(t->prefix, sizeof t->prefix, "%s", spec->prefix ? spec->prefix : "");
    sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, &t->old_pipe);      /* its end is an error in words */
    status = spawn(t, spec, err);
    if (status != DUO_OK) duo_talk_free(t), t = NULL;
    *out = t;
    return status;
}

/* ---- what it says on stderr (4) ---- */

static void pass_word(struct duo_talk *t)
{
    t->word[t->word_length] = '\0';
    if (t->word_length > 0) snprintf(t->last, sizeof t->last, "%.*s", LAST_WORDS - 1, t->word);
    if (t->passes && t->passed <= DUO_TALK_WORDS) {
        t->passed += t->word_length + 1;
        if (t->passed <= DUO_TALK_WORDS) fprintf(stderr, "%s%s\n", t->prefix, t->word);
        else                             fprintf(stderr, "%s(more was printed, and is left out)\n", t->prefix);
    }
    t->word_length = 0;
}

static void hear(struct duo_talk *t)
{
    char piece[4096];
    ssize_t got = read(t->err, piece, sizeof piece);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        if (t->word_length) pass_word(t);
        close_end(&t->err);
    }
    for (ssize_t i = 0; i < got; i++) {
        char c = piece[i];
        if (c == '\n' || t->word_length == sizeof t->word - 1) pass_word(t);
        if (c != '\n') t->word[t->word_length++] = c == '\t' || (unsigned char)c >= ' ' ? c : ' ';
    }
}

/* ---- its end ---- */

static double wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The group is killed before its leader is reaped: so long its number is nobody else's. */
static void reap(struct duo_talk *t, double seconds)
{
    double end = wall() + seconds;
    siginfo_t info = { 0 };

    if (!t->keeper) return;
    while (waitid(P_PID, (id_t)t->keeper, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == 0 && wall() < end)
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    kill(-t->keeper, SIGKILL);
    kill(t->keeper, SIGKILL);
    while (waitpid(t->keeper, &t->status, 0) < 0 && errno == EINTR) {}
    t->keeper = 0;
}

/* What it prints until it has closed its stderr, or for so long. */
static void hear_out(struct duo_talk *t, double seconds)
{
    double end = wall() + seconds, left;

    while (t->err >= 0 && (left = end - wall()) > 0)
        if (poll(&(struct pollfd){ .fd = t->err, .events = POLLIN }, 1, (int)ceil(1e3 * left)) > 0) hear(t);
}

static enum duo_status died(struct duo_talk *t, struct duo_err *err)
{
    char last[LAST_WORDS + 2] = "";

    close_end(&t->in);
    hear_out(t, 0.2);
    reap(t, 1);
    hear_out(t, 0.2);
    if (*t->last) snprintf(last, sizeof last, ": %s", t->last);
    if (WIFSIGNALED(t->status) && WTERMSIG(t->status) != SIGKILL)
        return duo_fail(err, DUO_RUN_FAILED, "its program crashed (SIG%s)%s", sigabbrev_np(WTERMSIG(t->status)), last);
    if (WIFSIGNALED(t->status)) return duo_fail(err, DUO_RUN_FAILED, "its program was killed, or closed its output and went on%s", last);
    return duo_fail(err, DUO_RUN_FAILED, "its program ended with exit code %d before the run did%s", WEXITSTATUS(t->status), last);
}

/* ---- where it runs (5) ---- */

static bool has_threads(pid_t pid)
{
    char path[40];
    struct stat tasks;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    return stat(path, &tasks) != 0 || tasks.st_nlink > 3;      /* a folder a thread, and two */
}

static void stay(struct duo_talk *t, bool near)
{
    cpu_set_t set = t->free;
    int cpu = sched_getcpu();

    if (near == t->near || cpu < 0 || cpu >= CPU_SETSIZE) return;
    if (near) {
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
    }
    t->near = near;
    sched_setaffinity(0, sizeof set, &set);
    if (t->program > 0) sched_setaffinity(t->program, sizeof set, &set);
}

/* After each LOOK lines. */
static void look(struct duo_talk *t)
{
    double now = wall(), each = (now - t->looked_at) / LOOK;
    bool quick = t->looked_at > 0 && isfinite(t->looked_at) && each < QUICK && !has_threads(t->program) && !has_threads(getpid());

    if (isfinite(t->looked_at)) t->looked_at = now;
    stay(t, quick && t->lines / LOOK % FREE_EACH != 0);
}

/* ---- lines ---- */

/* Some of `text` goes out; what is left. */
static size_t push(struct duo_talk *t, const char *text, size_t n)
{
    ssize_t went = t->in >= 0 ? write(t->in, text, n) : (ssize_t)n;

    if (went < 0 && errno != EAGAIN && errno != EINTR) close_end(&t->in), went = (ssize_t)n;      /* it has ended: its output will say so */
    return n - (size_t)(went < 0 ? 0 : went);
}

static enum duo_status too_much(const struct duo_talk *t, struct duo_err *err)
{
    int n = t->filled - t->used < CUT ? (int)(t->filled - t->used) : CUT;
    return duo_fail(err, DUO_RUN_FAILED, "its program wrote more than one line for one of ours: %.*s", n, t->line + t->used);
}

/* Some of its output comes in; false: it has ended. */
static bool pull(struct duo_talk *t)
{
    ssize_t got = read(t->out, t->line + t->filled, DUO_TALK_LINE - t->filled);

    if (got > 0) t->filled += (size_t)got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A whole line from `from` on is there: given out. */
static bool take(struct duo_talk *t, size_t from, char **line, size_t *length)
{
    char *end = memchr(t->line + from, '\n', t->filled - from);

    if (!end) return false;
    *end = '\0';
    *line = t->line, *length = (size_t)(end - t->line);
    t->used = *length + 1;
    return true;
}

enum duo_status duo_talk_line(struct duo_talk *t, const char *text, size_t n, double seconds, char **line, size_t *length, struct duo_err *err)
{
    double end = 0;

    if (t->filled > t->used) return too_much(t, err);
    t->used = t->filled = 0;
    if (++t->lines % LOOK == 0) look(t);
    for (size_t left = push(t, text, n), seen = 0;;) {
        struct pollfd ends[3] = { { t->out, POLLIN, 0 }, { t->err, POLLIN, 0 }, { left ? t->in : -1, POLLOUT, 0 } };
        double now = wall();
        int ready;
        if (end <= 0) end = now + seconds;
        ready = poll(ends, 3, now < end ? (int)ceil(1e3 * (end - now)) : 0);
        if (ready < 0 && errno != EINTR) return duo_fail(err, DUO_NO_RESOURCES, "poll: %s", strerror(errno));
        if (ready == 0) return duo_fail(err, DUO_RUN_FAILED, "no answer from its program for %g s", seconds);      /* (3) */
        if (ready < 0) continue;
        if (ends[1].revents) hear(t);
        if (ends[2].revents) left = push(t, text + n - left, left);
        if (!ends[0].revents) continue;
        if (!pull(t)) return died(t, err);
        if (take(t, seen, line, length)) return DUO_OK;
        if (t->filled == DUO_TALK_LINE)
            return duo_fail(err, DUO_RUN_FAILED, "its program wrote a line of more than %d bytes: %.*s...", DUO_TALK_LINE, CUT, t->line);
        seen = t->filled;
    }
}

enum duo_status duo_talk_end(struct duo_talk *t, struct duo_err *err)
{
    double end = wall() + 1e-3 * GRACE_MS, now;

    close_end(&t->in);
    while (t->out >= 0 && t->filled <= t->used && (now = wall()) < end) {
        struct pollfd ends[2] = { { t->out, POLLIN, 0 }, { t->err, POLLIN, 0 } };
        t->used = t->filled = 0;
        if (poll(ends, 2, (int)ceil(1e3 * (end - now))) <= 0) continue;
        if (ends[1].revents) hear(t);
        if (ends[0].revents && !pull(t)) close_end(&t->out);
    }
    if (t->filled > t->used) return too_much(t, err);
    hear_out(t, fmax(0, end - wall()));
    reap(t, fmax(0, end - wall()));
    return DUO_OK;
}

void duo_talk_free(struct duo_talk *t)
{
    if (!t) return;
    close_end(&t->in);
    stay(t, false);
    reap(t, 0);
    if (t->err >= 0) hear_out(t, 0.05);
    close_end(&t->out), close_end(&t->err);
    sigaction(SIGPIPE, &t->old_pipe, NULL);
    free(t->line);
    free(t);
}
