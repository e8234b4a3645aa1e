/* law_queues.c - the server as a queue, against what is known of queues.
 *
 * Mean waits: Kleinrock, Queueing Systems I (1975): M/M/1 (3.2), M/M/m and Erlang's C formula (3.5), M/G/1 and so M/D/1
 * (Pollaczek-Khinchin, 5.6).  Priorities that don't interrupt: Cobham 1954; Kleinrock II (1976), 3.3.  Little's law: Little 1961.  Processor sharing, M/G/1-PS: Kleinrock II (1976), 4.4:
 * the mean time in the system is the service divided by 1 - load, whatever its distribution.
 * Tolerances are about four standard errors of the runs' own batch means, which are printed. */
#include "tests/check.h"
#include "tests/unit/server_bench.h"

struct ticket { struct duo_job job; struct duo_kv kv; struct ticket *next; double number; };

static struct duo_clock  *at;
static struct duo_server *server;
static struct duo_alarm   arrival;
static struct duo_rng     rng;
static struct ticket     *unused;
static double rate, mean, (*draw)(void);            /* arrivals a second; of the service; a service */
static bool   decodes;                              /* the service is output tokens of `mean` s, else fixed work */
static bool   holds;                                /* the fixed work holds 16 positions of KV */
static int    watched = -1;                         /* priority whose waits are taken; -1: there is one class */
static long   left, n, n_watched;
static double waits, stays, shares, fresh_sum, output_sum;
static double area, area_at, in_system;             /* the integral of the number in the system */
enum { BATCHES = 50 };
static double batch[BATCHES], batch_n[BATCHES];
static long   total;

static double exponential(void)   { return -mean * log1p(-duo_rng_unit(&rng)); }
static double deterministic(void) { return mean; }

static void count(double change)
{
    double now = duo_clock_now(at);
    struct duo_server_figures f;

    area += in_system * (now - area_at), area_at = now;
    in_system += change;
    duo_server_figures(server, &f);
    if ((int)in_system < f.running + f.waiting - 1 || (int)in_system > f.running + f.waiting + 1) abort();
}

static void over(struct duo_job *j)
{
    struct ticket *t = j->owner;

    count(-1);
    if (watched < 0 || j->priority == watched) {
        waits += j->started_at - j->queued_at, n_watched++;
        batch[(long)t->number * BATCHES / total] += (decodes ? j->last_at : j->started_at) - j->queued_at;
        batch_n[(long)t->number * BATCHES / total]++;
    }
    stays += j->last_at - j->queued_at;
    shares += j->joules;
    fresh_sum += j->fresh, output_sum += j->output;
    duo_kv_drop(&t->kv);
    t->next = unused, unused = t;
    n++;
}

static void arrive(void *arg)
{
    struct ticket *t = unused;

    (void)arg;
    if (t) unused = t->next;
    else   t = duo_new(1, sizeof *t);
    t->kv  = (struct duo_kv){ 0 };
    t->number = (double)(total - left);
    t->job = decodes ? (struct duo_job){ .kv = &t->kv, .fresh = 1, .output = 1 + (int)floor(draw()), .logits = 1, .to_layer = 4 }
                     : (struct duo_job){ .fresh = 1, .before = draw(), .before_joules = 0 };
    if (!decodes) t->job.before_joules = 5 * t->job.before;         /* 5 W */
    if (holds) t->job.kv = &t->kv, t->job.fresh = 16, t->job.to_layer = 4;
    if (watched >= 0) t->job.priority = duo_rng_unit(&rng) < 0.5;
    t->job.done = over, t->job.owner = t;
    count(1);
    if (!duo_server_submit(server, &t->job)) abort();
    if (--left > 0) duo_clock_set(at, &arrival, duo_clock_now(at) - log1p(-duo_rng_unit(&rng)) / rate, arrive, NULL);
}

/* The standard error of the mean over batches of arrivals in a row. */
static double error_of(void)
{
    double m = 0, v = 0;

    for (int i = 0; i < BATCHES; i++) m += batch[i] / batch_n[i] / BATCHES;
    for (int i = 0; i < BATCHES; i++) v += (batch[i] / batch_n[i] - m) * (batch[i] / batch_n[i] - m) / (BATCHES - 1);
    return sqrt(v / BATCHES);
}

static void run(const char *name, const struct simple_cost *cost, int slots, long jobs, struct duo_server_totals *t)
{
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost->cost, .clock = at, .slots = slots, .budget = 1 << 20,
                                                       .kv_tokens = holds ? 64 : 1e9, .block = 16, .by_priority = watched >= 0 });
    duo_rng_init(&rng, 11, name, 0);
    arrival = (struct duo_alarm){ 0 };
    left = total = jobs, n = n_watched = 0;
    waits = stays = shares = fresh_sum = output_sum = area = area_at = in_system = 0;
    memset(batch, 0, sizeof batch), memset(batch_n, 0, sizeof batch_n);
    duo_clock_set(at, &arrival, 0, arrive, NULL);
    run_until(at, INFINITY);
    duo_server_totals(server, t);
    CHECK_INT(n, jobs);
    CHECK_NEAR(area / stays, 1, 1e-9);                              /* Little's law, over a drained run an identity */
    CHECK_NEAR(shares / t->joules, 1, 1e-9);
    duo_server_free(server);
    duo_clock_free(at);
    while (unused) {
        struct ticket *u = unused;
        unused = u->next;
        free(u);
    }
}

static void expect(const char *name, double got, double want)
{
    double e = error_of();

    printf("%s: %.5g s, theory %.5g s, standard error %.2g s\n", name, got, want, e);
    CHECK_NEAR(got, want, 4 * e);
    CHECK(e < 0.05 * want);                                         /* else the check says little */
}

/* Erlang C: the chance to wait with m servers offered a. */
static double erlang_c(int m, double a)
{
    double b = 1;

    for (int k = 1; k <= m; k++) b = a * b / (k + a * b);           /* Erlang B by its recursion */
    return b / (1 - a / m * (1 - b));
}

int main(void)
{
    struct simple_cost cost = simple_cost();
    struct duo_server_totals t;

    decodes = false, mean = 0.5, draw = exponential, rate = 1.4;    /* load 0.7 */
    run("mm1", &cost, 1, 300000, &t);
    expect("M/M/1 wait", waits / (double)n, 0.7 * 0.5 / 0.3);
    CHECK_NEAR(t.joules / (5 * t.busy_seconds), 1, 1e-9);           /* joules are the integral of 5 W over the busy time */

    draw = deterministic;
    run("md1", &cost, 1, 300000, &t);
    expect("M/D/1 wait", waits / (double)n, 0.7 * 0.5 / (2 * 0.3));

    draw = exponential, rate = 6.4;                                 /* four slots, load 0.8 */
    run("mmc", &cost, 4, 400000, &t);
    expect("M/M/4 wait", waits / (double)n, erlang_c(4, 3.2) * 0.5 / (4 - 3.2));
    CHECK_NEAR(erlang_c(4, 3.2), 0.5964, 1e-4);                     /* tables of the formula */
    CHECK_NEAR(erlang_c(1, 0.7), 0.7, 1e-15);

    for (watched = 0; watched < 2; watched++) {                     /* two classes of load 0.35 each, the first one first */
        double before = 0.35 * watched, upto = before + 0.35;
        rate = 1.4;
        run(watched ? "priority 1" : "priority 0", &cost, 1, 400000, &t);
        expect(watched ? "wait of the second class" : "wait of the first class", waits / (double)n_watched, 0.7 * 0.5 / ((1 - before) * (1 - upto)));
    }
    watched = -1;

    holds = true, rate = 6.4;                                       /* a hundred slots, and memory for four */
    cost.overhead = 1e-9, cost.weight = cost.token = cost.read = 0;
    run("memory", &cost, 100, 400000, &t);
    expect("M/M/4 wait, for memory", waits / (double)n, erlang_c(4, 3.2) * 0.5 / (4 - 3.2));
    CHECK_INT(t.peak_running, 4);
    holds = false, cost = simple_cost();

    /* One slot, a prompt of one token and 20 more: deterministic service through iterations. */
    decodes = true, draw = deterministic, mean = 20.5;
    cost.read = 0;
    double step = cost.overhead + 4 * cost.weight + 4 * cost.token, service = 21 * step;
    rate = 0.6 / service;
    run("md1 tokens", &cost, 1, 100000, &t);
    double wait = waits / (double)n;
    printf("M/D/1 of tokens: wait %.5g s, theory %.5g s\n", wait, 0.6 * service / (2 * 0.4));
    CHECK_NEAR(wait, 0.6 * service / (2 * 0.4), 4 * error_of());
    CHECK_NEAR(t.busy_seconds, (double)n * service, 1e-6 * t.busy_seconds);
    CHECK_NEAR(t.joules / (8 * t.busy_seconds), 1, 1e-9);           /* 8 W */
    CHECK_NEAR(t.tokens_in, fresh_sum, 0);                          /* tokens in = prompts, tokens out = answers */
    CHECK_NEAR(t.tokens_out, output_sum, 0);

    /* Seconds of an iteration in proportion to its tokens: the slots share the processor. */
    cost = (struct simple_cost){ .cost = cost.cost, .token = 0.001 / 4, .watts = 8 };
    draw = exponential, mean = 400;                                 /* 401 tokens or so: (1 + floor of an exponential) */
    double tokens = 1 / -expm1(-1 / mean);                          /* its mean; the prompt's iteration writes the first */
    rate = 0.6 / (tokens * 0.001);
    run("ps", &cost, 4096, 60000, &t);
    expect("M/G/1-PS time in the system", stays / (double)n, tokens * 0.001 / 0.4);
    CHECK_NEAR(t.tokens_out, output_sum, 0);
    return check_done();
}
