/* pipe.h - a policy that is another program: policies/PIPE.md is the protocol, this the struct duo_policy that speaks it.
 *
 * (1) One process a run.  Its first line in tells what a policy's init could ask; it asks back (parameters with their units
 *     and bounds, quantiles) and then declares itself: name, seat, needs, think time, parameters.  What it says wrong there,
 *     and a parameter that it doesn't know, is bad input at the policy's place in the scenario.
 * (2) One line a call, one line back: the policy's steps in its order, then perhaps its end.  They are carried out by the
 *     functions of policy.h, so that whatever those check is checked here.
 * (3) Numbers are written so that they read back as the same double: a rule decides as it would in C.
 * (4) A program that dies, hangs, floods, writes what is no answer, or asks for something impossible ends its run by name,
 *     with the line that did it.
 * (5) It is told which requests and sessions are over, so that it may forget them. */
#ifndef DUO_SIM_PIPE_H
#define DUO_SIM_PIPE_H

#include "policies/policy.h"
#include "sim/world.h"

struct duo_pipe;

/* Nothing is started yet: the policy's init does.  Its config is a pointer to the pipe, for the caller to store.
 * `check`: nothing will run; what the program says on stderr is not passed on. */
struct duo_pipe         *duo_pipe_new(struct duo_world *, bool check);
const struct duo_policy *duo_pipe_policy(const struct duo_pipe *);
void                     duo_pipe_end(struct duo_pipe *);          /* of the run: fails it if the program has said too much */
void                     duo_pipe_free(struct duo_pipe *);         /* NULL is fine */

void duo_pipe_request_over(struct duo_pipe *, int64_t request);    /* (5); NULL is fine */
void duo_pipe_session_over(struct duo_pipe *, int64_t session);

#endif
