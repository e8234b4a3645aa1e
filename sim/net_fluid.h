/* net_fluid.h - the fluid model's state, shared by net_fluid.c (flows, dates) and net_level.c (rates). */
#ifndef DUO_SIM_NET_FLUID_H
#define DUO_SIM_NET_FLUID_H

#include "sim/net_inside.h"

enum { DUO_NONE = -1 };

/* A binary heap from 1, least key first; where each id lies stands in an array of the caller's (0: nowhere). */
struct duo_heap_item { double key; int32_t id; };
struct duo_heap { struct duo_heap_item *at; int32_t n, room; };

void duo_heap_put(struct duo_heap *, int32_t *place, int32_t id, double key);    /* or move */
void duo_heap_drop(struct duo_heap *, int32_t *place, int32_t id);

struct duo_fluid_mark { double mark; struct duo_flow *flow; };

/* A route on a link; in the link's list while the route is active. */
struct duo_fluid_hop { int32_t link, route; struct duo_fluid_hop *before, *after; };

enum duo_fluid_side { DUO_NO_SIDE, DUO_BOUND, DUO_CAPPED };

struct duo_fluid_route {
    double  service, since;        /* bytes that each flow has got, at that date */
    double  rate;                  /* of a flow, while bound by its own capacity */
    double  offset;                /* its service less its group's, while bound by a link */
    double  most, share;           /* the least capacity on it; the same for each flow */
    double  top;                   /* the mark that its date stands for */
    int32_t group;                 /* the link that bounds it, or DUO_NONE */
    int32_t n, room;               /* flows */
    struct duo_fluid_mark *at;     /* from 1 */
    struct duo_fluid_hop  *hops;
    int32_t n_hops, coupled;       /* coupled: coupling links on it, while active */
    bool    active, noted;         /* active: has flows and isn't halted */
    bool    moved;                 /* has changed sides, which its date doesn't know yet */
    enum duo_fluid_side side;      /* at `side_link`, its only coupling link */
    int32_t side_link, held_n;     /* held: what that link's sums hold of it */
    double  held_most;
    int32_t round, bound;          /* while its component is solved */
};

struct duo_fluid_link {
    double   capacity, demand;     /* demand: sum of the active routes' `most` */
    int32_t  n_active;
    bool     couples, noted, waiting;
    struct duo_fluid_hop *plain, *tangled;    /* active routes; tangled: those with another coupling link */
    double   service, since, level, head;    /* its group: `level` is the rate of a flow, `head` the first mark dated */
    struct duo_heap ends;          /* the group's routes by first mark */
    struct duo_heap bound, capped; /* plain routes while it couples: by share, and by falling share */
    double   used;                 /* by the capped */
    int64_t  sharers, capped_n;    /* flows of the bound and of the capped */
    double   taken, solved;        /* while its component is solved: by tangled routes bound elsewhere; the level found */
    int64_t  open;                 /* flows of tangled routes not yet bound */
    int32_t  round;
};

struct duo_fluid {
    double   now;
    int32_t  n_routes, n_links, round;
    struct duo_fluid_route *routes;
    struct duo_fluid_link  *links;
    struct duo_fluid_hop   *hops;
    struct duo_heap         calendar, shares;
    int32_t *place;                /* of routes and, behind them, links: in the calendar or a link's `ends` */
    int32_t *side_place, *share_place;
    int32_t *noted, n_noted, *noted_links, n_noted_links, *waiting, n_waiting;
    int32_t *part_routes, n_part_routes, *part_links, n_part_links, *moved, n_moved;
};

/* Bound a route by its own capacity, or by a link; then say that link's level. */
void duo_fluid_own(struct duo_fluid *, int32_t route);
void duo_fluid_join(struct duo_fluid *, int32_t route, int32_t link);
void duo_fluid_level(struct duo_fluid *, int32_t link, double level);

/* A plain route of a coupling link is new, or its count or capacity has changed; or it leaves. */
void duo_fluid_refresh(struct duo_fluid *, int32_t route, int32_t link);
void duo_fluid_forget(struct duo_fluid *, int32_t route);

/* Solve a coupling link and all that hangs together with it. */
void duo_fluid_solve(struct duo_fluid *, int32_t link);

#endif
