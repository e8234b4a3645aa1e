/* test_talk.c - another program, spoken with line by line (talk.h, by requirement). */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/talk.h"
#include "tests/check.h"

static struct duo_talk *talk;
static struct duo_err   err;
static char            *line;
static size_t           length;

static enum duo_status start(const char *script, const char *folder)
{
    char *command[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c", (char *)(uintptr_t)script, NULL };
    err = (struct duo_err){ 0 };
    return duo_talk_start(&talk, &(struct duo_talk_spec){ .command = command, .folder = folder, .prefix = NULL }, &err);
}

static enum duo_status say(const char *text, double seconds)
{
    err = (struct duo_err){ 0 };
    return duo_talk_line(talk, text, strlen(text), seconds, &line, &length, &err);
}

static enum duo_status end(void)
{
    enum duo_status status;
    err = (struct duo_err){ 0 };
    status = duo_talk_end(talk, &err);
    duo_talk_free(talk);
    return status;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* No such process, or one that nobody has asked for its exit code yet. */
static bool gone(pid_t pid)
{
    char path[64], text[200] = "", *state;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "r");
    if (!f) return true;
    if (!fgets(text, sizeof text, f)) *text = '\0';
    fclose(f);
    state = strrchr(text, ')');
    return !state || state[2] == 'Z' || state[2] == 'X';
}

static void speaks(void)                                       /* (1) (3) */
{
    CHECK_INT(start("while read -r x; do echo \"got $x\"; done", NULL), DUO_OK);
    CHECK_INT(say("one\n", 10), DUO_OK);
    CHECK_TEXT(line, "got one");
    CHECK_INT((int)length, 7);
    CHECK_INT(say("two\n", 10), DUO_OK);
    CHECK_TEXT(line, "got two");
    CHECK_INT(end(), DUO_OK);

    CHECK_INT(start("read -r x; pwd", "/"), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_OK);
    CHECK_TEXT(line, "/");
    CHECK_INT(end(), DUO_OK);
}

static void ends_of_ours(void)                                 /* (1) */
{
    int spare = dup(1);
    CHECK_INT(start("read -r x; ls /proc/self/fd | tr '\\n' ' '; echo", NULL), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_OK);
    CHECK_TEXT(line, "0 1 2 3 ");                               /* 3 is ls's own */
    CHECK_INT(end(), DUO_OK);
    close(spare);
}

static void large(void)                                        /* (6): longer than a pipe holds, both ways at once */
{
    size_t n = 600000;
    char *text = duo_new(n + 2, 1);
    memset(text, 'a', n);
    text[n] = '\n';
    CHECK_INT(start("exec cat", NULL), DUO_OK);
    CHECK_INT(say(text, 30), DUO_OK);
    CHECK_INT((int)length, (int)n);
    CHECK_INT(end(), DUO_OK);
    free(text);
}

static void failures(void)                                     /* (3) */
{
    double t;

    CHECK_INT(start("read -r x; exit 7", NULL), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "exit code 7");
    duo_talk_free(talk);

    CHECK_INT(start("read -r x; echo some words >&2; kill -SEGV $$", NULL), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "SIGSEGV");
    CHECK_HAS(err.text, "some words");                          /* (4) */
    duo_talk_free(talk);

    CHECK_INT(start("sleep 1000", NULL), DUO_OK);
    t = now();
    CHECK_INT(say("\n", 0.2), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "no answer from its program for 0.2 s");
    CHECK(now() - t >= 0.2 && now() - t < 2);
    duo_talk_free(talk);

    CHECK_INT(start("read -r x; while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", NULL), DUO_OK);
    CHECK_INT(say("\n", 60), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "more than 1048576 bytes");
    duo_talk_free(talk);

    CHECK_INT(start("read -r x; echo 1; sleep 0.5; echo 2; read -r x; echo 3", NULL), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_OK);                           /* the second line, taken for an answer: ... */
    CHECK_INT(end(), DUO_RUN_FAILED);                           /* ... there is one too many at the end */
    CHECK_HAS(err.text, "more than one line");

    CHECK_INT(start("read -r x; printf '1\\n2\\n'; read -r x", NULL), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_RUN_FAILED);
    CHECK_HAS(err.text, "more than one line");
    duo_talk_free(talk);
}

static void no_program(void)
{
    char *command[] = { (char *)(uintptr_t)"no_such_program_here", NULL }, *folder[] = { (char *)(uintptr_t)"/", NULL };
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_talk_start(&talk, &(struct duo_talk_spec){ .command = command }, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no such program");
    CHECK(talk == NULL);
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_talk_start(&talk, &(struct duo_talk_spec){ .command = folder }, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "can't run /");
}

static void quiet_end(void)                                    /* (2): one that does not end by itself is ended */
{
    double t;
    CHECK_INT(start("read -r x; echo $$; trap '' TERM INT; sleep 1000 & wait", NULL), DUO_OK);
    CHECK_INT(say("\n", 10), DUO_OK);
    pid_t pid = atoi(line);
    t = now();
    CHECK_INT(end(), DUO_OK);
    CHECK(now() - t < 4);
    CHECK(gone(pid));
}

/* (2): of a process that is killed while it speaks, nothing stays: not the program, nor what the program started. */
static void orphans(void)
{
    int ends[2];
    pid_t pids[2] = { 0 }, child;

    if (pipe(ends) != 0) abort();
    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (start("read -r x; sleep 1000 & echo $$ $!; sleep 1000", NULL) != DUO_OK || say("\n", 10) != DUO_OK) _exit(1);
        pids[0] = atoi(line), pids[1] = atoi(strchr(line, ' '));
        if (write(ends[1], pids, sizeof pids) != sizeof pids) _exit(1);
        for (;;) pause();
    }
    close(ends[1]);
    CHECK_INT((int)read(ends[0], pids, sizeof pids), (int)sizeof pids);
    close(ends[0]);
    CHECK(!gone(pids[0]) && !gone(pids[1]));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    for (int i = 0; i < 200 && !(gone(pids[0]) && gone(pids[1])); i++) usleep(10000);
    CHECK(gone(pids[0]));
    CHECK(gone(pids[1]));
}

int main(void)
{
    speaks();
    ends_of_ours();
    large();
    failures();
    no_program();
    quiet_end();
    orphans();
    return check_done();
}
