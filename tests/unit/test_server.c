/* test_server.c - sim/server.h by requirement number: small cases whose dates are arithmetic.  Blocks are
 * test_server_blocks.c's, random traffic is test_server_traffic.c's. */
#include "tests/check.h"
#include "tests/unit/server_case.h"

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

static void test_hidden(void)                                      /* first: with the first token that is seen */
{
    struct duo_kv kv[3] = { 0 };
    struct duo_job a = simple_job(8, 10, &kv[0]), b = simple_job(8, 10, &kv[1]), c = simple_job(8, 3, &kv[2]);
    static struct duo_gaps gaps;
    double t, each = 0;

    begin(1, 64, 1000);
    server = (duo_server_free(server), duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 1, .budget = 64, .kv_tokens = 1000, .gaps = &gaps }));
    n_first = 0, gaps = (struct duo_gaps){ 0 };
    a.hidden = 6, a.first = note_first, a.streams = true;
    duo_server_submit(server, &a);
    run_until(at, step_of(8, 8) + 5.5 * step_of(1, 12));
    CHECK_INT(n_first, 0);
    CHECK_INT(duo_server_written(server, &a), 6);
    run_until(at, INFINITY);
    t = step_of(8, 8);
    for (int k = 1; k <= 6; k++) t += step_of(1, 8 + k);
    for (int k = 7; k <= 9; k++) each += step_of(1, 8 + k);
    CHECK_NEAR(a.first_at, t, 1e-14);
    CHECK_NEAR(a.last_at, t + each, 1e-14);
    CHECK_INT(n_first, 1);
    CHECK_INT(gaps.count, 3);
    CHECK_NEAR(gaps.sum, each, 1e-14);

    b.hidden = 9, b.first = note_first, b.done = note_done, b.streams = true, n_done = 0;      /* one is seen: first and done together */
    duo_server_submit(server, &b);
    c.hidden = 2, c.first = note_first;
    duo_server_submit(server, &c);
    run_until(at, INFINITY);
    CHECK_INT(n_first, 3);
    CHECK_INT(n_done, 1);
    CHECK_NEAR(b.first_at, b.last_at, 0);
    CHECK_NEAR(c.first_at, c.last_at, 0);
    CHECK_INT(gaps.count, 3);
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

    begin(4, 64, 79);
    kv[0].pins = 1;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    t = duo_clock_now(at);
    duo_server_submit(server, &b);                                  /* 50 + 10, and growing */
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
    CHECK_INT(j[1].written, 0); CHECK_NEAR(j[1].joules, 0, 0); CHECK(kv[1].job == NULL);
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
    CHECK_INT(f.running, 1); CHECK_INT(f.waiting, 2); CHECK_NEAR(f.backlog, 57, 0); CHECK_NEAR(f.kv_used, 0.008, 1e-15);
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

static struct duo_job late_job;
static void come_late(void *arg) { (void)arg; CHECK(duo_server_submit(server, &late_job)); }

/* (10): vLLM 0.19 on two RTX PRO 6000 writes it so: a request queued while one iteration runs is scheduled at that one's
 * end and has its first token at the end of the one after the next. */
static void test_ahead(void)
{
    struct duo_kv kv[4] = { 0 };
    struct duo_job j[3];
    struct duo_alarm late = { 0 };
    double t1, t2, t3;

    cost = simple_cost();
    t1 = step_of(8, 8), t2 = t1 + step_of(1, 9), t3 = t2 + step_of(5, 14);
    for (int ahead = 0; ahead < 2; ahead++) {
        memset(kv, 0, sizeof kv);
        at = duo_clock_new();
        server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 4, .budget = 64, .kv_tokens = 1000, .ahead = ahead });
        j[0] = simple_job(8, 20, &kv[0]);
        late_job = simple_job(4, 2, &kv[1]);
        CHECK(duo_server_submit(server, &j[0]));                    /* alone: at once */
        duo_clock_set(at, &late, t1 / 2, come_late, NULL);
        run_until(at, INFINITY);
        CHECK_NEAR(j[0].first_at, t1, 1e-12);
        CHECK_NEAR(late_job.decided_at, t1, 1e-12);
        CHECK_NEAR(late_job.started_at, ahead ? t2 : t1, 1e-12);
        if (ahead) CHECK_NEAR(late_job.first_at, t3, 1e-12);
        end();
    }
    /* A slot that is left is free an iteration later, unless nobody else could run. */
    memset(kv, 0, sizeof kv);
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 2, .budget = 64, .kv_tokens = 1000, .ahead = true });
    j[0] = simple_job(8, 5, &kv[0]), j[1] = simple_job(8, 30, &kv[1]), j[2] = simple_job(4, 1, &kv[2]), late_job = simple_job(4, 60, &kv[3]);
    for (int i = 0; i < 3; i++) CHECK(duo_server_submit(server, &j[i]));
    CHECK(duo_server_submit(server, &late_job));
    run_until(at, INFINITY);
    CHECK(j[2].started_at > j[0].last_at);
    CHECK_NEAR(j[2].decided_at, j[0].last_at, 1e-12);
    CHECK(late_job.started_at > j[2].last_at);
    CHECK_NEAR(late_job.decided_at, j[2].last_at, 1e-12);
    end();
}

int main(void)
{
    test_order();
    test_ahead();
    test_hidden();
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
    return check_done();
}
