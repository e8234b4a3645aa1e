/* timed.c - run a command, then say on stderr what it took: wall seconds, CPU seconds, the largest resident memory
 * of it and of the processes that it started.  `timed COMMAND...`; ends as the command did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

int main(int argc, char **argv)
{
    if (argc < 2) return fprintf(stderr, "timed COMMAND...\n"), 2;
    double start = seconds_now();
    pid_t child = fork();
    if (child < 0) return perror("fork"), 4;
    if (child == 0) {
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    int status;
    struct rusage use;
    if (wait4(child, &status, 0, &use) < 0) return perror("wait4"), 4;
    fprintf(stderr, "%8.2f s wall %8.2f s CPU %8.1f MB\n", seconds_now() - start,
            seconds_of(use.ru_utime) + seconds_of(use.ru_stime), (double)use.ru_maxrss / 1024);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
