/* net_case.h - a small network and what happens to it, run on either carrier; for the tests of sim/net.h.
 * SimGrid carries one network a process: its cases run in a child, results over a pipe. */
#ifndef DUO_TESTS_NET_CASE_H
#define DUO_TESTS_NET_CASE_H

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/clock.h"
#include "sim/net.h"

enum { CASE_LINKS = 8, CASE_ROUTES = 8, CASE_EVENTS = 96, CASE_FLOWS = 64 };

/* START: `what` is a route, `value` bytes; flows are numbered in the order of the events.  CANCEL: a flow.
 * CAPACITY, DOWN, UP: a link.  MARK: notes itself, as flow 1000 + what. */
enum case_kind { CASE_END, START, CANCEL, CAPACITY, DOWN, UP, MARK };
struct case_event { enum case_kind kind; double at; int what; double value; };

struct net_case {
    const char *name;
    double detect, until;            /* until 0: none */
    double links[CASE_LINKS];        /* capacities; the first NAN ends them (0 is a link at 0) */
    int    n_links;
    int    routes[CASE_ROUTES][4];   /* links, from 1; 0 ends them */
    int    n_routes;
    struct case_event events[CASE_EVENTS];
};

enum { WAS_DONE, WAS_UNREACHABLE, WAS_CANCELLED, WAS_MARK };
struct case_end { int flow, how; double at, carried; };
struct case_result {
    int    n;
    struct case_end ends[CASE_EVENTS];
    double link_bytes[CASE_LINKS], now;
    struct duo_net_stats stats;
};

struct case_flow { struct case_run *run; int number; struct duo_flow *flow; };
struct case_alarm { struct case_run *run; struct duo_alarm alarm; const struct case_event *event; int flow; };
struct case_run {
    const struct net_case *c;
    struct duo_clock      *clock;
    struct duo_net        *net;
    struct case_result     result;
    struct case_flow       flows[CASE_EVENTS];
    struct case_alarm      alarms[CASE_EVENTS];
};

static inline void case_note(struct case_run *r, int flow, int how, double carried)
{
    r->result.ends[r->result.n++] = (struct case_end){ flow, how, duo_clock_now(r->clock), carried };
}

static inline void case_over(void *arg, enum duo_flow_end end, double carried)
{
    struct case_flow *f = arg;
    (void)carried;
    f->flow = NULL;
    case_note(f->run, f->number, end == DUO_FLOW_DONE ? WAS_DONE : WAS_UNREACHABLE, 0);
}

static inline void case_ring(void *arg)
{
    struct case_alarm *a = arg;
    struct case_run *r = a->run;
    const struct case_event *e = a->event;
    switch (e->kind) {
    case START:
        r->flows[a->flow] = (struct case_flow){ r, a->flow, NULL };
        r->flows[a->flow].flow = duo_net_start(r->net, e->what, e->value, case_over, &r->flows[a->flow]);
        break;
    case CANCEL:
        if (!r->flows[e->what].flow) break;
        case_note(r, e->what, WAS_CANCELLED, duo_net_cancel(r->net, r->flows[e->what].flow));
        r->flows[e->what].flow = NULL;
        break;
    case CAPACITY: duo_net_capacity(r->net, e->what, e->value); break;
    case DOWN:     duo_net_updown(r->net, e->what, false); break;
    case UP:       duo_net_updown(r->net, e->what, true); break;
    case MARK:     case_note(r, 1000 + e->what, WAS_MARK, 0); break;
    case CASE_END: break;
    }
}

static inline void case_run(const struct net_case *c, enum duo_net_kind kind, struct case_result *out)
{
    static struct case_run r;
    struct duo_err err = { 0 };
    memset(&r, 0, sizeof r);
    r.c = c;
    r.clock = duo_clock_new();
    if (duo_net_new(&r.net, kind, r.clock, c->detect, &err) != DUO_OK) {
        out->n = -1;
        return;
    }
    for (int i = 0; i < c->n_links; i++) {
        char name[16];
        snprintf(name, sizeof name, "link%d", i);
        duo_net_add_link(r.net, name, c->links[i]);
    }
    for (int i = 0; i < c->n_routes; i++) {
        duo_link links[4];
        int n = 0;
        while (n < 4 && c->routes[i][n]) links[n] = c->routes[i][n] - 1, n++;
        duo_net_add_route(r.net, links, n);
    }
    if (duo_net_seal(r.net, &err) != DUO_OK) out->n = -1;
    int flows = 0;
    for (int i = 0; i < CASE_EVENTS && c->events[i].kind != CASE_END; i++) {
        r.alarms[i] = (struct case_alarm){ .run = &r, .event = &c->events[i] };
        if (c->events[i].kind == START) r.alarms[i].flow = flows++;
        duo_clock_set(r.clock, &r.alarms[i].alarm, c->events[i].at, case_ring, &r.alarms[i]);
    }
    duo_net_run(r.net, c->until > 0 ? c->until : INFINITY, NULL);
    r.result.stats = duo_net_stats(r.net);
    r.result.now   = duo_clock_now(r.clock);
    for (int i = 0; i < c->n_links; i++) r.result.link_bytes[i] = duo_net_link_bytes(r.net, i);
    duo_net_free(r.net);
    duo_clock_free(r.clock);
    *out = r.result;
}

/* On SimGrid, in a child.  false: it died. */
static inline bool case_run_simgrid(const struct net_case *c, struct case_result *out)
{
    int fd[2], status = -1;
    if (pipe(fd) != 0) return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(fd[0]);
        case_run(c, DUO_NET_SIMGRID, out);
        const char *p = (const char *)out;
        for (size_t n = sizeof *out; n > 0;) {
            ssize_t w = write(fd[1], p, n);
            if (w <= 0) _exit(1);
            p += w, n -= (size_t)w;
        }
        _exit(0);
    }
    close(fd[1]);
    size_t got = 0;
    for (ssize_t n; (n = read(fd[0], (char *)out + got, sizeof *out - got)) > 0;) got += (size_t)n;
    close(fd[0]);
    return waitpid(child, &status, 0) == child && status == 0 && got == sizeof *out;
}

#endif
