/* world.h - one run's state, shared by the files that make up the engine: world.c builds it, transport.c moves
 * bytes, view.c shows a seat what it may know, text.c keeps texts, step.c and parts.c carry out steps, request.c
 * leads a request from arrival to its row.  Private to sim/. */
#ifndef DUO_SIM_WORLD_H
#define DUO_SIM_WORLD_H

#include "policies/policy.h"
#include "sim/base/rng.h"
#include "sim/clock.h"
#include "sim/net.h"
#include "sim/run.h"
#include "sim/server.h"
#include "traces/network/capacity.h"
#include "traces/network/rtt.h"

enum { DUO_GATEWAY = -1,           /* a node beside the places: the hub of the cloud's site, where gateway seats are */
       DUO_MAX_STEPS = 100000,      /* a request's; more is a policy that loops */
       DUO_MAX_PLACES = 64,        /* the device among them */
       DUO_PUBLISHED = 8 };          /* published figures kept of a place */

struct duo_world;
struct duo_request;
struct duo_pipe;

/* A capacity trace on one link. */
struct duo_ticker {
    struct duo_world *world;
    struct duo_alarm  alarm;
    const struct duo_capacity *trace;
    duo_link link;
    int      index;
    double   base;                 /* date at which the trace's present round began (may be before 0) */
};

struct duo_radio_cell { duo_route up, down, up_wan, down_wan; duo_link up_link, down_link; };

struct duo_outage_alarm { struct duo_world *world; struct duo_alarm alarm; const struct duo_outage *outage; bool over; };

struct duo_published { double at, decode_rate, wait; };

struct duo_api;

/* One copy of a place's model.  Those above the place's least number start and stop (scale.h). */
struct duo_replica {
    struct duo_server *server;
    int    jobs;                   /* in it, waiting and running */
    enum { DUO_REPLICA_UP, DUO_REPLICA_STARTING, DUO_REPLICA_OFF } state;
    int    epoch;                  /* how often it stopped: KV of before is gone */
    double since;                  /* date of its last start */
    double seconds, counted;       /* up, of the times before; of them after the warm-up */
    struct duo_alarm  alarm;       /* it is up; it was idle long enough */
    struct duo_world *world;
    int    place;
};

struct duo_world_place {           /* index 0 is the device: server and cost are the class's */
    const char           *name;
    const struct duo_place_spec *spec;    /* NULL: the device */
    enum duo_site         site;
    int                   voice;          /* -1: no role */
    struct duo_cost      *cost;
    int                   n_replicas;     /* at most */
    int                   turn;           /* round_robin: the next one */
    struct duo_replica   *replicas;
    struct duo_api       *api;            /* site api: instead of replicas */
    double                grams_joule;    /* g CO2e; NAN: not known */
    double                delay;          /* from its site's hub, one way, s */
    struct duo_published     reports[DUO_PUBLISHED];
    int                   n_reports;
};

struct duo_device_class {
    const struct duo_device_spec *spec;
    struct duo_cost   *cost;
    int                voice;
    int64_t            first, count;      /* devices [first, first + count) */
    int64_t            active, dead;
    double             joules, busy, idle_joules;     /* of compute and radio; s of compute; at the end */
    struct duo_battery *batteries;        /* NULL: on mains */
    struct duo_heat   *heat;              /* NULL: its devices never slow down */
    double            *ready_at;          /* `load: cold`: date at which the model is loaded, -1: not asked yet; NULL: warm */
    double             grams_joule;       /* g CO2e; NAN: not known */
};

struct duo_battery {               /* of a device that has one */
    double level, at;              /* J left at the date `at` */
    double busy;                   /* s of compute until then */
    struct duo_server_meter seen;  /* of its server then */
    struct duo_battery_watch *watch;      /* while a request of it is there */
};

struct duo_device {                /* a million of these: keep it at 64 bytes */
    struct duo_server *server;     /* NULL while it has nothing to do */
    void              *seat;       /* the policy's block */
    double             contact;    /* date of its last message; while a connection opens: when it will be open */
    struct duo_radio_state radio;
    float              uplink, downlink, rtt;    /* as last met: B/s, B/s, s */
    uint8_t            warm;       /* bit enum duo_site: a connection is open there; from bit DUO_SITES: one was opened */
    uint8_t            grown[2];   /* doublings of its first window: up, down */
    bool               touched : 1, met : 1, dead : 1, spent : 1;   /* has sent; the policy was called for it; no power is left; joules */
};

/* KV of a text at one replica of one place, for one range of layers. */
struct duo_residence {
    struct duo_kv kv;              /* first: the server hands it back */
    struct duo_residence *next;
    int    place, replica;
    int    from_layer, to_layer;
    int    epoch;                  /* of the replica */
    int    kept;                   /* at an API: tokens that count as cached, ... */
    double kept_until;             /* ... until that date */
    int    extra;                  /* tokens of attachments, before the prompt's */
    int    told;                   /* tokens there, as the seat last heard */
    int    users;                  /* jobs that work on it now */
    struct duo_text_path path;     /* whose positions are resident: extra + prompt + these */
};

static inline int duo_kv_tokens(const struct duo_residence *k) { return k->kept ? k->kept : k->kv.tokens; }

struct duo_session {
    int    id, live;               /* live: requests in flight */
    struct duo_residence *residences;
    void  *block;                  /* the policy's */
    struct duo_session *next;
};

struct duo_world {
    const struct duo_run_spec *spec;
    const struct duo_scenario *scenario;
    const struct duo_policy_spec *use;
    const struct duo_policy   *policy;
    void                      *config;
    struct duo_pipe           *pipe;       /* the policy is another program (pipe.h); NULL */
    enum duo_seat              seat;

    struct duo_clock  *clock;
    struct duo_net    *net;
    struct duo_answers *answers;
    int                n_places;
    struct duo_world_place *places;
    int                n_classes;
    struct duo_device_class *classes;
    double            *class_edge;         /* cumulative shares */
    int64_t            n_devices;
    struct duo_device *devices;
    void              *gateway_seat;
    struct duo_radio_cell   *cells;
    duo_route          wan_up, wan_down;   /* between the edge sites and the cloud */
    duo_link           wan_up_link, wan_down_link;     /* -1: no limit */
    int                n_tickers, n_outages;
    struct duo_ticker *tickers;
    struct duo_capacity up_trace, down_trace, wan_up_trace, wan_down_trace;
    struct duo_rtt_trace cells_pings, wan_pings;
    double             cells_rtt, wan_rtt; /* means, s */
    struct duo_message **uplinks;          /* transport.queue: fifo: the last message of each device on its uplink; else NULL */
    struct duo_outage_alarm *outages;
    struct duo_radio   radio;
    struct duo_gaps    gaps;

    struct duo_arrivals *arrivals;
    struct duo_arrivals *length_rows;      /* whose rows the queries are, with the blocks of their prompts; NULL */
    struct duo_prompt_ids { const uint32_t *ids; int n; } *prompt_ids;     /* by row; NULL: not known */
    int                  n_prompt_ids, id_tokens;      /* that an id stands for */
    struct duo_arrival   coming;           /* the next one */
    struct duo_alarm     arrival_alarm, report_alarm;
    int32_t             *order;            /* recorded: indices of the queries that may be asked */
    int64_t              n_order, cursor;  /* synthetic: cursor is the next index */
    bool                 all_arrived;
    uint64_t             periodic, happened;   /* alarms that ring whatever happens; all else, at the last report */
    double               happened_at;
    struct duo_session **sessions;         /* by hash */
    int                  n_session_slots;

    struct duo_rows     *rows;
    struct duo_row_run   run;
    struct { int64_t prompts, answers; double prompt, answer; } means;         /* of requests that count: how many, tokens of all */
    int64_t              arrived, live, answered, failed, pending, cloud_calls;
    struct duo_request  *requests;         /* in flight, oldest first */
    struct duo_request  *newest;
    struct duo_request  *spare_requests;
    struct duo_message  *spare_messages;
    struct duo_step_record *spare_steps;
    struct duo_turn_alarm  *spare_turns;
    struct duo_residence *spare_residences;
    int                  n_kept, room_kept;
    void               **kept;             /* blocks freed with the world */
    int                  n_reasons, room_reasons;
    struct duo_row_reason *reasons;
    int                  unmatched;        /* -1: nothing joined */
    char                 trace_note[400];  /* rows of the trace that were left out, in words; "": none */
    bool                 stop, too_many;
    struct duo_err       failure;          /* status 0: none; else the run failed */
};

/* world.c */
enum duo_status duo_world_build(struct duo_world *, const struct duo_run_spec *, bool check_only, char *warnings, size_t n, struct duo_err *);
void            duo_world_start(struct duo_world *);       /* sets the first alarms */
/* world_net.c: traces of links and round trips; the clock and the network, sealed; what moves them */
enum duo_status duo_world_traces(struct duo_world *, struct duo_err *);
enum duo_status duo_world_links (struct duo_world *, struct duo_err *);
void            duo_world_links_start(struct duo_world *);
void            duo_world_free (struct duo_world *);
/* The run cannot go on: its policy or its answers broke a contract.  Stops the run. */
void            duo_world_fail (struct duo_world *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int             duo_world_reason(struct duo_world *, const char *text);

/* The cost, voice and server of a place as a device meets it. */
const struct duo_cost *duo_place_cost(const struct duo_world *, const struct duo_request *, int place);
int                    duo_place_voice(const struct duo_world *, const struct duo_request *, int place);
enum duo_site          duo_node_site(const struct duo_world *, int node);

double                 duo_kv_capacity(const struct duo_facts *, double given);         /* tokens */

#endif
