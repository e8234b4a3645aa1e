/* net_inside.h - what net.c and the two carriers share; for them only.
 *
 * net.c keeps links, routes, flows, what is down or at 0, and the order of events; a carrier shares capacity and
 * says which flows end first. */
#ifndef DUO_SIM_NET_INSIDE_H
#define DUO_SIM_NET_INSIDE_H

#include "sim/net.h"

#define DUO_INSTANT 1e-9         /* events nearer than this are at one instant: requirement (4) */

struct duo_flow {
    double           mark;       /* fluid: the route's bytes per flow at which this one ends */
    void            *comm;       /* simgrid: the activity; NULL while parked */
    double           left;       /* simgrid: bytes when `comm` was last NULL */
    int32_t          place;      /* fluid: in the route's heap */
    duo_route        route;
    enum { DUO_FLOW_CARRIED, DUO_FLOW_AT_ONCE, DUO_FLOW_OVER } state;
    bool             empty;      /* nothing to carry, or no link that limits it */
    uint64_t         number;
    double           bytes;
    duo_flow_fn     *fn;
    void            *arg;
    struct duo_net  *net;
    struct duo_alarm alarm;      /* its end at once, or as unreachable */
    struct duo_flow *before, *after;    /* in its route, by number; `after` also links free flows */
};

struct duo_net_link {
    char    *name;
    double   capacity;
    bool     up, limits;         /* limits: was not declared INFINITY */
    double   carried;
    int32_t *routes, n_routes;   /* that use it */
};

struct duo_net_route {
    duo_link *links;             /* the first n_limits are those that limit */
    int32_t   n, n_limits;
    int32_t   down, empty;       /* links that are down, or at 0 */
    struct duo_flow *first, *last;      /* carried */
};

/* Capacities handed to a carrier are finite and above 0: a route with a link down or at 0 is halted instead, before
 * the link changes, and goes after it.  Flows may be started on a halted route, and stopped. */
struct duo_carrier {
    enum duo_status (*seal)(struct duo_net *, struct duo_err *);
    void   (*close)(struct duo_net *);
    void   (*start)(struct duo_net *, struct duo_flow *);
    void   (*stop)(struct duo_net *, struct duo_flow *);
    double (*left)(struct duo_net *, const struct duo_flow *);
    void   (*halt)(struct duo_net *, duo_route);
    void   (*go)(struct duo_net *, duo_route);
    void   (*capacity)(struct duo_net *, duo_link, double before);
    /* Move to the first flow end, but no later than `limit`.  Ends up to an instant after that date are taken too:
     * set the clock to it and hand them over with duo_net_over. */
    void   (*advance)(struct duo_net *, double limit);
};

extern const struct duo_carrier duo_fluid;
#ifdef DUO_HAVE_SIMGRID
extern const struct duo_carrier duo_simgrid;
const char *duo_simgrid_version(void);
bool        duo_simgrid_taken(void);     /* this process has had its net */
#endif

struct duo_net {
    const struct duo_carrier *carrier;
    void                     *own;       /* the carrier's */
    struct duo_clock         *clock;
    double                    detect;
    struct duo_net_link      *links;
    struct duo_net_route     *routes;
    int32_t                   n_links, n_routes;
    bool                      sealed;
    struct duo_net_stats      stats;
    struct duo_flow         **over;      /* ended at this instant, not yet told; by number; NULL: cancelled */
    int32_t                   n_over, told, over_room;
    struct duo_flow          *spare, **blocks;
    int32_t                   n_blocks;
};

void duo_net_over(struct duo_net *, struct duo_flow *);
static inline bool duo_net_halted(const struct duo_net *net, duo_route r)
{
    return net->routes[r].down > 0 || net->routes[r].empty > 0;
}

#endif
