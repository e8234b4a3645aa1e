/* law_balancers.c - what is known of servers with a queue each, behind a balancer (sim/balancer.c).
 *
 * Poisson arrivals, exponential services, 256 servers at a load of 0.9; mean time in the system, in services:
 * round_robin: each server is G/M/1 with Erlang arrivals: 1 / (1 - x), x = (N load / (N load + 1 - x))^N (Kleinrock I, 6.4);
 * power_of_two: without end of servers, the sum of load^(2^i - 2) over i = 1, 2, ... (Mitzenmacher 2001, IEEE TPDS 12(10), corollary 5);
 * least_loaded: between one queue for all (M/M/N, Erlang's C) and power_of_two.
 * Tolerances are four standard errors of the runs' own batch means, and 1 % where N is taken as endless.
 * prefix_aware: what begins alike goes where its beginning is, unless more is to be run there than that saves. */
#include "sim/request.h"
#include "tests/check.h"
#include "tests/unit/server_bench.h"

enum { SERVERS = 256, CUSTOMERS = 1000000, WARM = 200000, BATCHES = 40 };
#define LOAD 0.9

struct customer { struct duo_job job; struct duo_replica *at; struct customer *next; double came; long number; };

static struct duo_world        world;
static struct duo_world_place  places[2];
static struct duo_place_spec   spec;
static struct duo_run_spec     run_spec = { .seed = 11 };
static struct duo_request      request;
static struct simple_cost      cost;
static struct duo_clock       *at;
static struct duo_alarm        arrival;
static struct duo_rng          rng;
static struct customer        *unused;
static long   came;
static double batch[BATCHES];

static void begin(int balancer, int servers, const struct duo_server_spec *like)
{
    cost = simple_cost();
    at = duo_clock_new();
    spec.balancer = balancer;
    world = (struct duo_world){ .spec = &run_spec, .clock = at, .places = places, .n_places = 2 };
    places[1] = (struct duo_world_place){ .spec = &spec, .n_replicas = servers, .replicas = duo_new((size_t)servers, sizeof *places[1].replicas) };
    for (int i = 0; i < servers; i++) {
        struct duo_server_spec s = *like;
        s.cost = &cost.cost, s.clock = at;
        places[1].replicas[i].server = duo_server_new(&s);
        places[1].replicas[i].state = DUO_REPLICA_UP;
    }
    request = (struct duo_request){ .world = &world };
}

static void end(void)
{
    for (int i = 0; i < places[1].n_replicas; i++) duo_server_free(places[1].replicas[i].server);
    free(places[1].replicas);
    duo_clock_free(at);
}

static void gone(struct duo_job *j)
{
    struct customer *c = j->owner;

    c->at->jobs--;
    if (c->number >= WARM) batch[(c->number - WARM) * BATCHES / (CUSTOMERS - WARM)] += (duo_clock_now(at) - c->came) * BATCHES / (CUSTOMERS - WARM);
    c->next = unused, unused = c;
}

static void arrive(void *arg)
{
    struct customer *c = unused;

    if (c) unused = c->next;
    else   c = duo_new(1, sizeof *c);
    *c = (struct customer){ .came = duo_clock_now(at), .number = came++ };
    request.row.id = c->number;
    c->at = &places[1].replicas[duo_pick_replica(&request, 1)];
    c->at->jobs++;
    c->job = (struct duo_job){ .fresh = 1, .before = -log1p(-duo_rng_unit(&rng)), .done = gone, .owner = c };
    if (!duo_server_submit(c->at->server, &c->job)) abort();
    if (came < CUSTOMERS) duo_clock_set(at, &arrival, c->came - log1p(-duo_rng_unit(&rng)) / (LOAD * SERVERS), arrive, arg);
}

static double play(int balancer, double *error)
{
    double mean = 0, spread = 0;

    begin(balancer, SERVERS, &(struct duo_server_spec){ .slots = 1, .budget = 1, .kv_tokens = INFINITY });
    duo_rng_init(&rng, 5, "balancers", 0);
    memset(batch, 0, sizeof batch);
    came = 0, arrival = (struct duo_alarm){ 0 };
    duo_clock_set(at, &arrival, 0, arrive, NULL);
    run_until(at, INFINITY);
    for (int i = 0; i < BATCHES; i++) mean += batch[i] / BATCHES;
    for (int i = 0; i < BATCHES; i++) spread += (batch[i] - mean) * (batch[i] - mean);
    *error = sqrt(spread / (BATCHES - 1) / BATCHES);
    end();
    return mean;
}

static double round_robin_theory(void)
{
    double x = 0.5;

    for (int i = 0; i < 10000; i++) x = pow(SERVERS * LOAD / (SERVERS * LOAD + 1 - x), SERVERS);
    return 1 / (1 - x);
}

static double power_of_two_theory(void)
{
    double sum = 0;

    for (int i = 1; i < 12; i++) sum += pow(LOAD, pow(2, i) - 2);
    return sum;
}

static double one_queue_theory(void)                               /* Erlang's B by its recursion, then C */
{
    double b = 1;

    for (int i = 1; i <= SERVERS; i++) b = LOAD * SERVERS * b / (i + LOAD * SERVERS * b);
    return 1 + b / (1 - LOAD * (1 - b)) / (SERVERS * (1 - LOAD));
}

static void queues(void)
{
    double error, mean, want = round_robin_theory();

    mean = play(DUO_ROUND_ROBIN, &error);
    printf("round robin: %.4f +- %.4f services, theory %.4f\n", mean, error, want);
    CHECK_NEAR(mean, want, 4 * error);
    CHECK(error < 0.02 * want);
    mean = play(DUO_POWER_OF_TWO, &error), want = power_of_two_theory();
    printf("power of two: %.4f +- %.4f services, theory %.4f\n", mean, error, want);
    CHECK_NEAR(mean, want, 4 * error + 0.01 * want);
    mean = play(DUO_LEAST_LOADED, &error);
    printf("least loaded: %.4f +- %.4f services, between %.4f and %.4f\n", mean, error, one_queue_theory(), want);
    CHECK(mean > one_queue_theory() - 4 * error && mean < want);
}

static void prefixes(void)
{
    static const uint32_t a[] = { 1, 2, 3, 4 }, b[] = { 1, 2, 3, 5 }, c[] = { 9 };
    struct duo_kv kv[3] = { 0 };
    struct duo_job j[3];

    begin(DUO_PREFIX_AWARE, 3, &(struct duo_server_spec){ .slots = 4, .budget = 64, .block = 8, .id_tokens = 8, .kv_tokens = 800 });
    request.prompt_tokens = 32;
    request.ids = (struct duo_prompt_ids){ a, 4 };
    CHECK_INT(duo_pick_replica(&request, 1), 0);                    /* nothing anywhere: the first */
    for (int i = 0; i < 3; i++) j[i] = simple_job(32, 1, &kv[i]);
    j[0].ids = a, j[0].n_ids = 4;
    duo_server_submit(places[1].replicas[2].server, &j[0]);
    run_until(at, INFINITY);
    CHECK_INT(duo_pick_replica(&request, 1), 2);
    request.ids = (struct duo_prompt_ids){ b, 4 };
    CHECK_INT(duo_pick_replica(&request, 1), 2);
    request.ids = (struct duo_prompt_ids){ c, 1 };
    CHECK_INT(duo_pick_replica(&request, 1), 0);
    request.ids = (struct duo_prompt_ids){ b, 4 };
    j[1].output = 20, duo_server_submit(places[1].replicas[2].server, &j[1]);       /* 52 tokens to run there, 24 are saved */
    CHECK_INT(duo_pick_replica(&request, 1), 0);
    duo_server_submit(places[1].replicas[0].server, &j[2]);
    CHECK_INT(duo_pick_replica(&request, 1), 1);
    places[1].replicas[1].state = DUO_REPLICA_OFF;
    places[1].replicas[0].jobs = 1, places[1].replicas[2].jobs = 1;
    CHECK_INT(duo_pick_replica(&request, 1), 2);                    /* 52 + 8 against 33 + 32 */
    request.ids = (struct duo_prompt_ids){ NULL, 0 };
    CHECK_INT(duo_pick_replica(&request, 1), 0);                    /* not known: the least loaded that is up, the first of equals */
    end();
}

int main(void)
{
    queues();
    prefixes();
    while (unused) {
        struct customer *c = unused;
        unused = c->next;
        free(c);
    }
    return check_done();
}
