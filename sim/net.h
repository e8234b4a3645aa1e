/* net.h - flows over shared links: SimGrid or our own fluid model, one contract.
 *
 * (1) A path is a list of links.  All flows share every link max-min fairly; there is no
 *     latency here (propagation is the transport's alarm).
 * (2) Capacities in B/s may change at any time; at 0 the flows of a link are parked and go on
 *     when it is more.  A link declared INFINITY limits nothing and stays so; others stay finite.
 * (3) A link that goes down keeps its flows parked for `detect` seconds; those still there then,
 *     and those started on a down link, end as unreachable `detect` seconds after they were
 *     stopped.  Up again earlier: they go on.
 * (4) Ends within 1 ns of each other are one instant: flows by their number, then the clock's
 *     alarms by sequence.  Both backends keep this, and give the same dates to 1e-9 s.
 * (5) duo_net_run delivers the earlier of the clock's head and the next flow end until neither
 *     is left, `*stop` is set, or the next is later than `until`, to which time then moves.
 * (6) 0 bytes end at once, through the clock; so does all on a route where nothing limits.  On a
 *     route that is down they are as other flows: (3).
 * Links and paths are declared before duo_net_seal; flows only after it. */
#ifndef DUO_SIM_NET_H
#define DUO_SIM_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/clock.h"

#define DUO_FLOW_MOST 0x1p42               /* bytes; a flow has fewer */

struct duo_net;
struct duo_flow;                           /* valid until its end or cancel */
typedef int32_t duo_link, duo_route;

enum duo_flow_end { DUO_FLOW_DONE, DUO_FLOW_UNREACHABLE };
typedef void duo_flow_fn(void *arg, enum duo_flow_end, double carried);    /* bytes: all of them when done */

enum duo_net_kind { DUO_NET_AUTO, DUO_NET_SIMGRID, DUO_NET_FLUID };

struct duo_net_stats {
    uint64_t flows;                        /* started */
    int      active, peak;                 /* in flight now, at most */
};

bool            duo_net_has_simgrid(void);
const char     *duo_net_version(enum duo_net_kind);                    /* "simgrid 3.32", "fluid" */

/* `detect`: seconds, see (3).  SimGrid: one net a process, ever (its engine is a singleton). */
enum duo_status duo_net_new(struct duo_net **, enum duo_net_kind, struct duo_clock *, double detect, struct duo_err *);
void            duo_net_free(struct duo_net *);
duo_link        duo_net_add_link(struct duo_net *, const char *name, double bytes_per_s);   /* INFINITY: no limit */
duo_route       duo_net_add_route(struct duo_net *, const duo_link *, int n);               /* n may be 0: ends at once */
enum duo_status duo_net_seal(struct duo_net *, struct duo_err *);

struct duo_flow *duo_net_start(struct duo_net *, duo_route, double bytes, duo_flow_fn *, void *arg);
double          duo_net_cancel(struct duo_net *, struct duo_flow *);   /* bytes carried; no callback */
double          duo_net_carried(struct duo_net *, const struct duo_flow *);
void            duo_net_capacity(struct duo_net *, duo_link, double bytes_per_s);
void            duo_net_updown(struct duo_net *, duo_link, bool up);
double          duo_net_rate(const struct duo_net *, duo_route);       /* B/s: the least capacity now; 0 when down */
bool            duo_net_up(const struct duo_net *, duo_route);
double          duo_net_link_bytes(const struct duo_net *, duo_link);  /* carried by ended and cancelled flows */

void            duo_net_run(struct duo_net *, double until, const bool *stop);
struct duo_net_stats duo_net_stats(const struct duo_net *);

#endif
