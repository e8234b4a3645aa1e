/* bench_pipe.c - turns a second of a pipe policy: the rule of three_lines.py in CPython beside the same in C, whole runs.
 * Printed, not asserted.  bench_pipe [requests] */
#include <limits.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/engine.h"

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

struct cost { double wall, ours, theirs; };      /* s; CPU seconds of this process and of the policy's */

static struct cost now(void)
{
    struct rusage ours, theirs;
    getrusage(RUSAGE_SELF, &ours), getrusage(RUSAGE_CHILDREN, &theirs);
    return (struct cost){ wall(), of(ours.ru_utime) + of(ours.ru_stime), of(theirs.ru_utime) + of(theirs.ru_stime) };
}

static struct cost took(const char *yaml, const char *label, struct engine_out *o)
{
    struct cost start = now(), end;
    *o = engine_run(yaml, NULL, 0, label, 1, DUO_NET_FLUID);
    if (o->status) printf("%s\n", o->err.text);
    end = now();
    return (struct cost){ end.wall - start.wall, end.ours - start.ours, end.theirs - start.theirs };
}

int main(int argc, char **argv)
{
    int requests = argc > 1 ? atoi(argv[1]) : 50000, turns = 0, differ = 0;
    char script[PATH_MAX], yaml[PATH_MAX + 2000];
    struct engine_out c, python, one;
    struct cost in_c, piped, begin = { 0 };

    if (system("command -v python3 >/dev/null") != 0) { printf("python3 is not here: skipped\n"); return 0; }
    if (!realpath("tests/bench/three_lines.py", script)) { printf("run it from the project's root\n"); return 2; }
    for (int n = 1; n >= 0; n--) {
        snprintf(yaml, sizeof yaml, "name: bench\nseed: 1\narrivals: { process: poisson, rate: 1000/s, requests: %d }\n"
            "devices: { count: 100000, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0 }\n"
            "cells: { count: 500, up: 10 Mbit/s, down: 40 Mbit/s, rtt: 40 ms }\n"
            "places: [ { name: cloud, model: llama-3.1-8b, quant: fp8, hardware: h100-sxm, replicas: 32, batch: 64 } ]\n"
            "answers:\n  synthetic:\n    voices: { small: { ability: -0.2, length: uniform(20, 180) }, large: { ability: 1, length: uniform(20, 180) } }\n"
            "    prompt_tokens: uniform(50, 450)\n  roles: { device: small, cloud: large }\n"
            "policies: [ { use: prompt_length, above: 200 }, { pipe: [python3, %s], as: python } ]\n", n ? 1 : requests, script);
        if (n) begin = took(yaml, "python", &one);
    }
    in_c = took(yaml, "prompt_length", &c);
    piped = took(yaml, "python", &python);
    for (int i = 0; i < c.n; i++) turns += 1 + (int)c.request[i].steps, differ += i >= python.n || c.request[i].e2e != python.request[i].e2e;
    printf("%d turns: C %.2f s, CPython %.2f s of which its start %.2f s; requests that end otherwise: %d\n", turns, in_c.wall, piped.wall, begin.wall, differ);
    printf("%.0f turns/s, the whole run\n", turns / (piped.wall - begin.wall));
    printf("CPU a turn: %.1f us of CPython's, %.1f us of ours above C (all else in C: %.1f us)\n", 1e6 * (piped.theirs - begin.theirs) / turns,
           1e6 * (piped.ours - in_c.ours - begin.ours) / turns, 1e6 * in_c.ours / turns);
    return c.status || python.status || differ;
}
