/* child.h - one run in a process of its own, and what became of it.
 *
 * (1) The child simulates, writes its rows to one descriptor and all that it prints to another, and leaves by _exit.
 * (2) A call of the policy that takes more than so much CPU time ends the run; waiting for the disk is not counted.
 * (3) However a child ends, there are words for it; "policy NAME: ..." when the policy's code was running. */
#ifndef DUO_SIM_CHILD_H
#define DUO_SIM_CHILD_H

#include <sys/types.h>

#include "sim/run.h"

/* In memory that parent and child share; zeroed before the start. */
struct duo_report {
    struct duo_watch watch;
    volatile bool    ended, hung;       /* duo_run has returned; a call took too long */
    bool             too_many;
    struct duo_err   err;               /* status: what duo_run returned */
};

struct duo_child {
    pid_t              pid;             /* 0: none */
    int                rows, words;     /* descriptors; -1: none */
    double             call_limit;      /* s */
    void             (*enter)(void *arg, int round);       /* in the child, before its run; may be NULL */
    void              *enter_arg;
    int                round;
    struct duo_report *report;
};

enum duo_child_end { DUO_CHILD_DONE, DUO_CHILD_FAILED, DUO_CHILD_TOO_MANY, DUO_CHILD_NO_RESOURCES };

/* Fork.  The child does not return.  `spec` has its watch in the report. */
enum duo_status duo_child_start(struct duo_child *, const struct duo_run_spec *, struct duo_err *);

/* How it ended, from waitpid's status and the report; `why` in words, "" when done. */
enum duo_child_end duo_child_verdict(const struct duo_child *, int wait_status, const char *policy, char *why, size_t n);

/* What it printed: at most the last n - 1 bytes, without white space at the end. */
void duo_child_words(const struct duo_child *, char *out, size_t n);

#endif
