/* test_server.c - sim/server.h by requirement number, a reference that steps one iteration at a time and makes every
 * load afresh, and 2,000 random jobs with cancels: many steps in one event give the same bytes as one each. */
#include "tests/check.h"
#include "tests/unit/server_bench.h"

static struct simple_cost cost;
static struct duo_clock  *at;
static struct duo_server *server;

static void begin(int slots, int budget, double kv_tokens)
{
    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = slots, .budget = budget, .kv_tokens = kv_tokens });
}

static void end(void)
{
    duo_server_free(server);
    duo_clock_free(at);
}

static int n_done, n_first;
static void *order[64];
static void note_done(struct duo_job *j)  { order[n_done++ & 63] = j; }
static void note_first(struct duo_job *j) { (void)j; n_first++; }

/* Seconds of an iteration of the whole model. */
static double step_of(double tokens, double context) { return cost.overhead + 4 * cost.weight + cost.token * 4 * tokens + cost.read * 4 * context; }

static void test_order(void)                                       /* (1) */
{
    struct duo_kv kv[3] = { 0 };
    struct duo_job j[3];

    begin(1, 64, 1000);
    n_done = 0;
    for (int i = 0; i < 3; i++) {
        j[i] = simple_job(8, 4, &kv[i]);
        j[i].done = note_done;
        CHECK(duo_server_submit(server, &j[i]));
    }
    run_until(at, INFINITY);
    CHECK_INT(n_done, 3);
    CHECK(order[0] == &j[0] && order[1] == &j[1] && order[2] == &j[2]);
    CHECK_NEAR(j[1].started_at, j[0].last_at, 0);
    CHECK_NEAR(j[2].started_at, j[1].last_at, 0);
    CHECK_NEAR(j[0].started_at, 0, 0);
    end();

    /* A head whose KV doesn't fit keeps those behind it out, though they would fit. */
    begin(8, 64, 100);
    for (int i = 0; i < 3; i++) kv[i] = (struct duo_kv){ 0 };
    j[0] = simple_job(60, 5, &kv[0]), j[1] = simple_job(60, 5, &kv[1]), j[2] = simple_job(4, 2, &kv[2]);
    for (int i = 0; i < 3; i++) CHECK(duo_server_submit(server, &j[i]));
    run_until(at, INFINITY);
    CHECK_NEAR(j[1].started_at, j[0].last_at, 0);
    CHECK_NEAR(j[2].started_at, j[1].started_at, 0);
    end();
}

static void test_chunks(void)                                      /* (2) */
{
    struct duo_kv kv[2] = { 0 };
    struct duo_job a = simple_job(20, 3, &kv[0]), b = simple_job(20, 1, &kv[1]);
    double t;

    begin(4, 8, 1000);
    a.first = note_first, n_first = 0;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    t = step_of(8, 8) + step_of(8, 16) + step_of(4, 20);            /* 20 = 8 + 8 + 4 */
    CHECK_NEAR(a.first_at, t, 1e-15);
    CHECK_NEAR(a.last_at, t + step_of(1, 21) + step_of(1, 22), 1e-15);
    CHECK_INT(a.written, 3);
    CHECK_INT(n_first, 1);
    CHECK_INT(kv[0].tokens, 22);                                    /* the last token was not run */
    CHECK_NEAR(a.seconds, a.last_at, 1e-15);
    CHECK_NEAR(a.joules, 8 * a.last_at, 1e-14);
    end();

    for (int singly = 0; singly < 2; singly++) {                    /* one decodes, so 7 are left for the prompt */
        begin(4, 8, 1000);
        duo_server_step_singly(server, singly);
        kv[0] = kv[1] = (struct duo_kv){ 0 };
        a = simple_job(1, 100, &kv[0]);
        duo_server_submit(server, &a);
        run_until(at, step_of(1, 1) + step_of(1, 2));
        CHECK_INT(duo_server_written(server, &a), 2);
        duo_server_submit(server, &b);                              /* at the instant at which a decode step ends */
        run_until(at, INFINITY);
        t = step_of(1, 1) + step_of(1, 2) + step_of(8, 3 + 7) + step_of(8, 4 + 14) + step_of(7, 5 + 20);
        CHECK_NEAR(b.first_at, t, 1e-14);
        CHECK_NEAR(b.joules, 8 * (7 * step_of(8, 10) / 8 + 7 * step_of(8, 18) / 8 + 6 * step_of(7, 25) / 7), 1e-14);
        end();
    }

    begin(4, 1, 1000);                                              /* a budget that decoding alone takes: one prompt token goes on */
    kv[0] = kv[1] = (struct duo_kv){ 0 };
    a = simple_job(1, 50, &kv[0]), b = simple_job(3, 1, &kv[1]);
    duo_server_submit(server, &a), duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_NEAR(b.first_at, step_of(1, 1) + step_of(2, 3) + step_of(2, 5) + step_of(2, 7), 1e-14);
    end();
}

static void test_memory(void)                                      /* (1), (5) */
{
    struct duo_kv kv[4] = { 0 };
    struct duo_job j[4];
    struct duo_server_totals t;

    begin(2, 64, 100);
    j[0] = simple_job(90, 12, &kv[0]);                              /* 90 + 11 = 101 positions */
    CHECK(!duo_server_submit(server, &j[0]));
    CHECK(duo_server_idle(server));
    j[0].output = 11;
    CHECK(duo_server_submit(server, &j[0]));
    run_until(at, INFINITY);
    CHECK_INT(kv[0].tokens, 100);
    CHECK(!duo_server_idle(server));
    duo_kv_cut(&kv[0], 30);
    CHECK_INT(kv[0].tokens, 30);
    for (int i = 1; i < 3; i++) j[i] = simple_job(30, 1, &kv[i]), duo_server_submit(server, &j[i]);
    run_until(at, INFINITY);                                        /* resident: 0 (older), 1, 2: 30 each */
    j[0] = simple_job(1, 1, &kv[0]), j[0].cached = 30;              /* 0 becomes the newest */
    duo_server_submit(server, &j[0]);
    run_until(at, INFINITY);
    CHECK_INT(kv[0].tokens, 31);
    kv[1].pins = 1;                                                 /* so 2 goes, though 1 is older */
    j[3] = simple_job(20, 1, &kv[3]);
    duo_server_submit(server, &j[3]);
    run_until(at, INFINITY);
    CHECK_INT(kv[2].tokens, 0); CHECK(kv[2].home == NULL);
    CHECK_INT(kv[1].tokens, 30); CHECK_INT(kv[0].tokens, 31); CHECK_INT(kv[3].tokens, 20);
    duo_server_totals(server, &t);
    CHECK_INT(t.evicted, 1);
    j[2] = simple_job(95, 1, &kv[2]);                               /* nothing else would ever make room: the pinned one, too */
    CHECK(duo_server_submit(server, &j[2]));
    run_until(at, INFINITY);
    CHECK_INT(kv[2].tokens, 95); CHECK_INT(kv[1].tokens, 0);
    j[0] = simple_job(2, 1, &kv[0]), j[0].cached = 31;              /* evicted meanwhile: run again and paid */
    duo_server_submit(server, &j[0]);
    run_until(at, INFINITY);
    CHECK_INT(j[0].fresh, 33); CHECK_INT(j[0].cached, 0); CHECK_INT(kv[0].tokens, 33);
    duo_kv_drop(&kv[0]);
    CHECK(kv[0].home == NULL); CHECK_INT(kv[0].tokens, 0); CHECK(duo_server_idle(server));
    end();
}

/* The head waits for memory that a drop frees, in mid stretch. */
static void test_drop_lets_in(void)
{
    struct duo_kv kv[3] = { 0 };
    struct duo_job a = simple_job(50, 1, &kv[0]), b = simple_job(10, 30, &kv[1]), c = simple_job(20, 1, &kv[2]);
    double t;

    begin(4, 64, 100);
    kv[0].pins = 1;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    t = duo_clock_now(at);
    duo_server_submit(server, &b);                                  /* 50 + 39 */
    duo_server_submit(server, &c);                                  /* 20 more don't fit */
    run_until(at, t + step_of(10, 10) + 1.5 * step_of(1, 11));
    CHECK(isnan(c.started_at));
    kv[0].pins = 0;
    duo_kv_drop(&kv[0]);
    run_until(at, INFINITY);
    CHECK_NEAR(c.started_at, t + step_of(10, 10) + step_of(1, 11) + step_of(1, 12), 1e-13);
    end();
}

static double shares(const struct duo_job *j, int n) { double s = 0; for (int i = 0; i < n; i++) s += j[i].joules; return s; }

static void test_cancel(void)                                      /* (4) */
{
    struct duo_kv kv[3] = { 0 };
    struct duo_job j[3];
    struct duo_server_totals t;
    double first = step_of(8, 8), half;

    begin(1, 64, 1000);                                             /* in the queue, in the prompt, alone */
    n_done = 0;
    for (int i = 0; i < 3; i++) j[i] = simple_job(8, 10, &kv[i]), j[i].done = note_done, duo_server_submit(server, &j[i]);
    duo_server_cancel(server, &j[1]);
    CHECK_INT(j[1].written, 0); CHECK_NEAR(j[1].joules, 0, 0); CHECK_INT(kv[1].reserved, 0);
    run_until(at, first / 2);
    duo_server_cancel(server, &j[0]);
    CHECK_INT(j[0].written, 0); CHECK_INT(kv[0].tokens, 0);
    CHECK_NEAR(j[0].joules, 8 * first / 2, 1e-14);
    CHECK_NEAR(j[2].started_at, first / 2, 0);                      /* it was alone: the next enters at once */
    run_until(at, first / 2 + first + step_of(1, 9) + step_of(1, 10) / 2);
    CHECK_INT(duo_server_written(server, &j[2]), 2);
    duo_server_cancel(server, &j[2]);                               /* decoding, alone */
    CHECK_INT(j[2].written, 2); CHECK_INT(kv[2].tokens, 9);
    CHECK_NEAR(j[2].joules, 8 * (first + step_of(1, 9) + step_of(1, 10) / 2), 1e-13);
    CHECK_NEAR(j[2].last_at, first / 2 + first + step_of(1, 9), 1e-14);
    run_until(at, INFINITY);
    CHECK_INT(n_done, 0);
    duo_server_totals(server, &t);
    CHECK_NEAR(shares(j, 3), t.joules, 1e-13);
    CHECK_NEAR(t.tokens_out, 2, 0);
    CHECK_NEAR(t.busy_seconds, duo_clock_now(at), 1e-14);
    end();

    begin(4, 64, 1000);                                             /* in company: the iteration ends as if it were there */
    for (int i = 0; i < 3; i++) kv[i] = (struct duo_kv){ 0 };
    for (int i = 0; i < 2; i++) j[i] = simple_job(8, 10, &kv[i]), j[i].done = note_done, duo_server_submit(server, &j[i]);
    run_until(at, 0);
    double t1 = step_of(16, 16), s1 = step_of(2, 18), s2 = step_of(2, 20);
    run_until(at, t1 + s1 + s2 / 2);
    duo_server_cancel(server, &j[0]);
    CHECK_INT(j[0].written, 2);
    CHECK_NEAR(j[0].joules, 8 * (t1 + s1 + s2) / 2, 1e-13);
    run_until(at, INFINITY);
    CHECK_INT(j[1].written, 10); CHECK_INT(n_done, 1);
    half = t1 + s1 + s2;
    for (int i = 0; i < 7; i++) half += step_of(1, 11 + i);
    CHECK_NEAR(j[1].last_at, half, 1e-13);
    duo_server_totals(server, &t);
    CHECK_NEAR(shares(j, 2), t.joules, 1e-12);
    CHECK_NEAR(t.tokens_out, 12, 0); CHECK_NEAR(t.tokens_in, 16, 0);
    end();

    begin(4, 8, 1000);                                              /* a chunk in company */
    for (int i = 0; i < 3; i++) kv[i] = (struct duo_kv){ 0 };
    j[0] = simple_job(4, 10, &kv[0]), j[1] = simple_job(30, 5, &kv[1]), j[2] = simple_job(2, 2, &kv[2]);
    for (int i = 0; i < 3; i++) duo_server_submit(server, &j[i]);
    duo_server_cancel(server, &j[0]);                               /* before anything ran: the iteration is formed anew */
    CHECK_NEAR(j[0].joules, 0, 0);
    run_until(at, step_of(8, 8) / 2);
    duo_server_cancel(server, &j[2]);                               /* it had no chunk */
    CHECK_NEAR(j[2].joules, 0, 0);
    run_until(at, step_of(8, 8) * 1.01);
    CHECK_INT(j[1].left, 22);
    run_until(at, INFINITY);
    CHECK_INT(j[1].written, 5);
    CHECK_NEAR(j[1].first_at, step_of(8, 8) + step_of(8, 16) + step_of(8, 24) + step_of(6, 30), 1e-13);
    end();
}

static void test_before(void)                                      /* (6) */
{
    struct duo_kv kv[3] = { 0 };
    struct duo_job a = simple_job(8, 20, &kv[0]), b = simple_job(8, 1, &kv[1]), c = simple_job(1, 0, NULL), d = simple_job(1, 0, NULL);
    struct duo_server_totals t;
    double first = step_of(8, 8);

    begin(3, 64, 1000);
    n_done = 0;
    b.before = first + step_of(1, 9) * 1.5, b.before_joules = 2;     /* an encoder: ends in the second decode step of a */
    c.to_layer = 0, c.before = 0.25, c.before_joules = 1, c.done = note_done;        /* a scorer */
    d.to_layer = 0, d.before = 1, d.before_joules = 4;
    duo_server_submit(server, &a), duo_server_submit(server, &b), duo_server_submit(server, &c), duo_server_submit(server, &d);
    CHECK(isnan(d.started_at));                                     /* three slots */
    run_until(at, INFINITY);
    CHECK_NEAR(c.last_at, 0.25, 0); CHECK_NEAR(c.joules, 1, 0); CHECK_NEAR(c.seconds, 0.25, 0);
    CHECK_NEAR(b.first_at, first + step_of(1, 9) + step_of(1, 10) + step_of(9, 11 + 8), 1e-13);
    CHECK_NEAR(b.joules, 2 + 8 * 8 * step_of(9, 19) / 9, 1e-13);
    duo_server_totals(server, &t);
    CHECK_NEAR(a.joules + b.joules + c.joules + d.joules, t.joules, 1e-12);
    end();

    begin(1, 64, 1000);                                             /* cancelled in it: paid by time */
    kv[1] = (struct duo_kv){ 0 };
    b = simple_job(8, 1, &kv[1]), b.before = 2, b.before_joules = 6;
    duo_server_submit(server, &b);
    run_until(at, 0.5);
    duo_server_cancel(server, &b);
    CHECK_NEAR(b.joules, 1.5, 0); CHECK_NEAR(b.seconds, 0.5, 0);
    CHECK(duo_server_idle(server));
    end();

    begin(4, 64, 1000);                                             /* facts.start_seconds keeps nobody else */
    cost.cost.facts.start_seconds = 0.5;
    kv[0] = kv[1] = (struct duo_kv){ 0 };
    a = simple_job(8, 1, &kv[0]), b = simple_job(8, 1, &kv[1]);
    duo_server_submit(server, &a);
    run_until(at, 0.25);
    duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_NEAR(a.first_at, 0.5 + first, 1e-15); CHECK_NEAR(b.first_at, 0.75 + first, 1e-15);
    end();
}

static void test_parts(void)
{
    struct duo_kv kv[2] = { 0 };
    struct duo_job a = simple_job(8, 3, &kv[0]), b = simple_job(8, 0, &kv[1]);

    begin(4, 64, 1000);
    a.to_layer = 1;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_NEAR(a.first_at, cost.overhead + cost.weight + 8 * cost.token + 8 * cost.read, 1e-16);
    end();
    begin(4, 64, 1000);                                             /* layers 0 and 3: the batch touches all four */
    kv[0] = (struct duo_kv){ 0 };
    a = simple_job(8, 0, &kv[0]), a.to_layer = 1, b.from_layer = 3;
    duo_server_submit(server, &a), duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_NEAR(a.last_at, cost.overhead + 4 * cost.weight + 16 * cost.token + 16 * cost.read, 1e-16);
    CHECK_INT(a.written, 0); CHECK(isnan(a.first_at));
    end();
}

static void test_background(void)
{
    struct duo_kv kv = { 0 };
    struct duo_job a = simple_job(8, 1, &kv);
    struct duo_server_figures f;

    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 8, .budget = 64, .kv_tokens = 1000,
                                                       .background = 0.5, .background_context = 100 });
    duo_server_figures(server, &f);
    CHECK_NEAR(f.kv_used, 0.4, 1e-15);
    CHECK(isnan(f.decode_rate));
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_NEAR(a.first_at, step_of(12, 8 + 400), 1e-15);
    CHECK_NEAR(a.joules, 8 * step_of(12, 408) * 8 / 12, 1e-14);
    a = simple_job(595, 7, &kv);                                     /* 600 are left */
    CHECK(!duo_server_submit(server, &a));
    end();
}

static void test_figures(void)
{
    struct duo_kv kv[3] = { 0 };
    struct duo_job j[3];
    struct duo_server_figures f;

    begin(1, 64, 1000);
    for (int i = 0; i < 3; i++) j[i] = simple_job(8, 11, &kv[i]), duo_server_submit(server, &j[i]);
    duo_server_figures(server, &f);
    CHECK_INT(f.running, 1); CHECK_INT(f.waiting, 2); CHECK_NEAR(f.backlog, 57, 0); CHECK_NEAR(f.kv_used, 0.018, 1e-15);
    run_until(at, step_of(8, 8) + step_of(1, 9) + 0.5 * step_of(1, 10));
    duo_server_figures(server, &f);
    CHECK_NEAR(f.backlog, 57 - 8 - 2, 0);
    CHECK_NEAR(f.decode_rate, 1 / step_of(1, 10), 1e-9);
    CHECK(f.wait > 0);
    run_until(at, INFINITY);
    duo_server_figures(server, &f);
    CHECK_NEAR(f.backlog, 0, 0); CHECK_NEAR(f.wait, 0, 0); CHECK_INT(f.running + f.waiting, 0);
    end();
}

static struct duo_job again;
static struct duo_kv  again_kv;
static void submit_again(struct duo_job *j) { (void)j; duo_server_submit(server, &again); }
static void cancel_again(struct duo_job *j) { (void)j; duo_server_cancel(server, &again); }
static void free_server(struct duo_job *j)  { duo_kv_drop(j->kv); CHECK(duo_server_idle(server)); duo_server_free(server); server = NULL; }

static void test_callbacks(void)
{
    struct duo_kv kv = { 0 };
    struct duo_job a = simple_job(8, 1, &kv);

    begin(4, 64, 1000);                                             /* from `done` a job enters at once */
    again_kv = (struct duo_kv){ 0 }, again = simple_job(8, 4, &again_kv);
    a.done = submit_again;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_NEAR(again.started_at, a.last_at, 0); CHECK_INT(again.written, 4);
    end();
    begin(4, 64, 1000);                                             /* one that ended at the same instant is cancelled unheard */
    kv = again_kv = (struct duo_kv){ 0 };
    a = simple_job(8, 3, &kv), again = simple_job(8, 3, &again_kv);
    a.done = cancel_again, again.done = note_done, n_done = 0;
    duo_server_submit(server, &a), duo_server_submit(server, &again);
    run_until(at, INFINITY);
    CHECK_INT(n_done, 0); CHECK_INT(again.written, 3);
    end();
    begin(4, 64, 1000);                                             /* freed from its own callback */
    kv = (struct duo_kv){ 0 }, a = simple_job(8, 3, &kv), a.done = free_server;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK(server == NULL);
    end();
}

/* ---- random traffic ---- */

enum { N = 2000 };
struct plan { double at, cancel_at, before; int fresh, output, from, to; bool cancelled; };
static struct plan    plan[N];
static struct duo_job job[N];
static struct duo_kv  kv_of_job[N];
static struct duo_alarm arrival, cancel[N];
static int next_plan;
static bool gone[N];

static void make_plan(bool cancels, bool parts)
{
    struct duo_rng r;
    double t = 0;

    duo_rng_init(&r, 7, "plan", (unsigned)cancels + 2u * (unsigned)parts);
    for (int i = 0; i < N; i++) {
        t -= 0.35 * log1p(-duo_rng_unit(&r));
        plan[i] = (struct plan){ .at = t, .fresh = 1 + (int)(60 * duo_rng_unit(&r)), .output = (int)(150 * duo_rng_unit(&r)), .to = 4 };
        plan[i].before = duo_rng_unit(&r) < 0.2 ? duo_rng_unit(&r) * 0.2 : 0;
        if (parts && duo_rng_unit(&r) < 0.5) plan[i].from = (int)(2 * duo_rng_unit(&r)), plan[i].to = 2 + (int)(2 * duo_rng_unit(&r));
        plan[i].cancelled = cancels && duo_rng_unit(&r) < 0.4;
        plan[i].cancel_at = t + 6 * duo_rng_unit(&r);
    }
}

static void cancel_one(void *arg)
{
    int i = (int)((struct duo_alarm *)arg - cancel);
    if (!gone[i]) duo_server_cancel(server, &job[i]), gone[i] = true, duo_kv_drop(&kv_of_job[i]);
}

static void job_done(struct duo_job *j)
{
    int i = (int)(j - job);
    gone[i] = true;
    if (i % 3) duo_kv_drop(&kv_of_job[i]);                          /* a third stays, to be evicted */
}

static void arrive(void *arg)
{
    int i = next_plan++;

    (void)arg;
    kv_of_job[i] = (struct duo_kv){ 0 };
    job[i] = (struct duo_job){ .kv = &kv_of_job[i], .fresh = plan[i].fresh, .output = plan[i].output, .logits = 1, .from_layer = plan[i].from,
                               .to_layer = plan[i].to, .before = plan[i].before, .before_joules = plan[i].before, .streams = i % 2, .done = job_done };
    gone[i] = !duo_server_submit(server, &job[i]);
    cancel[i] = (struct duo_alarm){ 0 };
    if (plan[i].cancelled) duo_clock_set(at, &cancel[i], plan[i].cancel_at, cancel_one, &cancel[i]);
    if (next_plan < N) duo_clock_set(at, &arrival, plan[next_plan].at, arrive, NULL);
}

static void play(bool singly, int window, double kv_tokens, struct duo_gaps *gaps, struct duo_server_totals *t, uint64_t *events)
{
    cost = simple_cost();
    cost.window = window;
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 8, .budget = 40, .kv_tokens = kv_tokens, .gaps = gaps });
    duo_server_step_singly(server, singly);
    arrival = (struct duo_alarm){ 0 };
    next_plan = 0;
    duo_clock_set(at, &arrival, plan[0].at, arrive, NULL);
    run_until(at, INFINITY);
    duo_server_totals(server, t);
    *events = duo_clock_events(at);
    for (int i = 0; i < N; i++) duo_kv_drop(&kv_of_job[i]);
    CHECK(duo_server_idle(server));
    end();
}

/* (3), (4) */
static void test_same_bytes(int window)
{
    static struct duo_job first[N];
    static struct duo_gaps gaps[2];
    struct duo_server_totals t[2];
    uint64_t events[2];
    double joules = 0, written = 0;
    uint64_t seen = 0;                                              /* gaps that users saw */
    int different = 0;

    memset(gaps, 0, sizeof gaps);
    make_plan(true, true);
    play(false, window, 700, &gaps[0], &t[0], &events[0]);
    memcpy(first, job, sizeof first);
    play(true, window, 700, &gaps[1], &t[1], &events[1]);
    for (int i = 0; i < N; i++) {
        const struct duo_job *a = &first[i], *b = &job[i];
        different += memcmp(&a->started_at, &b->started_at, sizeof(double)) || memcmp(&a->first_at, &b->first_at, sizeof(double)) ||
                     memcmp(&a->last_at, &b->last_at, sizeof(double)) || memcmp(&a->joules, &b->joules, sizeof(double)) ||
                     memcmp(&a->seconds, &b->seconds, sizeof(double)) || a->written != b->written || a->fresh != b->fresh;
        joules += b->joules, written += b->written;
        if (b->streams && b->written > 1) seen += (uint64_t)b->written - 1;
    }
    CHECK_INT(different, 0);
    CHECK(memcmp(&gaps[0], &gaps[1], sizeof gaps[0]) == 0);
    CHECK(memcmp(&t[0], &t[1], sizeof t[0]) == 0);
    CHECK(events[1] > events[0] + 2000);                            /* it did step singly */
    CHECK_NEAR(joules, t[1].joules, 1e-9 * joules);
    CHECK_NEAR(written, t[1].tokens_out, 0);
    CHECK_INT(gaps[0].count, seen);
    CHECK(t[1].evicted > 10);
    CHECK(t[1].peak_waiting > 3);
}

/* ---- the reference: a plain loop over iterations ---- */

struct plain { double ready, first_at, last_at, joules; int left, written; bool in, out; };

static void reference(struct plain *x, int slots, int budget)
{
    double now = 0;
    int n_in = 0, n_out = 0, head = 0;

    for (int i = 0; i < N; i++) x[i] = (struct plain){ .left = plan[i].fresh, .first_at = NAN };
    while (n_out < N) {
        struct duo_load l = { 0 };
        int room = budget, members = 0, from = 4, to = 0, chunk[N];
        struct duo_growth growth;
        double soonest = head < N && n_in < slots ? plan[head].at : INFINITY;
        while (head < N && n_in < slots && plan[head].at <= now) x[head].in = true, x[head].ready = now + plan[head].before, head++, n_in++;
        if (head < N && n_in < slots) soonest = plan[head].at;
        for (int i = 0; i < head; i++) room -= x[i].in && !x[i].left && x[i].ready <= now;
        if (room < 1) room = 1;
        /* prompts go on in the order in which they became ready */
        memset(chunk, 0, sizeof chunk);
        for (;;) {
            int best = -1;
            for (int i = 0; i < head; i++)
                if (x[i].in && x[i].left && !chunk[i] && x[i].ready <= now && (best < 0 || x[i].ready < x[best].ready)) best = i;
            if (best < 0 || !room) break;
            chunk[best] = x[best].left < room ? x[best].left : room;
            room -= chunk[best];
        }
        for (int i = 0; i < head; i++) {
            struct duo_load one;
            if (!x[i].in) continue;
            if (x[i].ready > now) { if (x[i].ready < soonest) soonest = x[i].ready; continue; }
            if (x[i].left && !chunk[i]) continue;
            one = x[i].left ? simple_item(&cost.cost, chunk[i], plan[i].fresh - x[i].left, plan[i].from, plan[i].to, 0, &growth)
                            : simple_item(&cost.cost, 1, plan[i].fresh + x[i].written - 1, plan[i].from, plan[i].to, 1, &growth);
            l.tokens += one.tokens, l.context += one.context, members += x[i].left ? chunk[i] : 1;
            if (plan[i].from < from) from = plan[i].from;
            if (plan[i].to > to) to = plan[i].to;
        }
        if (!members) { now = soonest; continue; }
        struct duo_price p = simple_price(&cost.cost, &l, from, to);
        double began = now;
        now += p.seconds;
        for (int i = 0; i < head; i++) {
            if (!x[i].in || x[i].ready > began || (x[i].left && !chunk[i])) continue;
            x[i].joules += (x[i].left ? chunk[i] : 1) * p.joules / members;
            if (x[i].left) {
                if ((x[i].left -= chunk[i]) == 0 && plan[i].output) x[i].written = 1, x[i].first_at = now;
            } else {
                x[i].written++;
            }
            if (!x[i].left && x[i].written >= plan[i].output) x[i].in = false, x[i].last_at = now, n_in--, n_out++, x[i].joules += plan[i].before;
        }
    }
}

static void test_reference(bool parts, int window)
{
    static struct plain x[N];
    struct duo_server_totals t;
    uint64_t events;
    double worst = 0, joules = 0;
    int written = 0;

    make_plan(false, parts);
    play(false, window, 1e9, NULL, &t, &events);
    cost = simple_cost(), cost.window = window;
    reference(x, 8, 40);
    for (int i = 0; i < N; i++) {
        worst = fmax(worst, fabs(x[i].last_at - job[i].last_at));
        if (plan[i].output) worst = fmax(worst, fabs(x[i].first_at - job[i].first_at));
        joules = fmax(joules, fabs(x[i].joules - job[i].joules));
        written += job[i].written == plan[i].output;
    }
    CHECK_NEAR(worst, 0, 1e-9);
    CHECK_NEAR(joules, 0, 1e-8);
    CHECK_INT(written, N);
    CHECK((double)events < t.iterations);                                 /* fewer events than iterations: stretches were jumped */
}

static void test_gaps(void)
{
    static struct duo_gaps a, b;

    memset(&a, 0, sizeof a), memset(&b, 0, sizeof b);
    CHECK(isnan(duo_gaps_quantile(&a, 0.5)));
    for (int k = 0; k < 5000; k++) duo_gaps_add(&a, 0.013 + 0.00017 * k, 3);
    duo_gaps_run(&b, 0.013, 0.00017, 5000, 3);
    CHECK_INT(a.count, 15000); CHECK_INT(b.count, 15000);
    CHECK(memcmp(a.bin, b.bin, sizeof a.bin) == 0);
    CHECK_NEAR(a.sum, b.sum, 1e-6);
    CHECK_NEAR(duo_gaps_quantile(&b, 0.5) / (0.013 + 0.00017 * 2499), 1, 0.0101);     /* half a bin */
    CHECK_NEAR(duo_gaps_quantile(&b, 1) / (0.013 + 0.00017 * 4999), 1, 0.0101);
    memset(&a, 0, sizeof a);
    duo_gaps_add(&a, 0, 1), duo_gaps_add(&a, 1e9, 1), duo_gaps_add(&a, 1e-6 * 1.0000001, 1);
    CHECK_INT(a.bin[0], 2); CHECK_INT(a.bin[1279], 1);
}

int main(void)
{
    test_order();
    test_chunks();
    test_memory();
    test_drop_lets_in();
    test_cancel();
    test_before();
    test_parts();
    test_background();
    test_figures();
    test_callbacks();
    test_gaps();
    test_same_bytes(0);
    test_same_bytes(50);
    test_reference(false, 0);
    test_reference(true, 0);
    test_reference(true, 50);
    return check_done();
}
