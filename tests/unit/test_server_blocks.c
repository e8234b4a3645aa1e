/* test_server_blocks.c - sim/server.h (2), (7), (8), (9): KV in blocks, preemption, priority, shared blocks, heat. */
#include "tests/check.h"
#include "tests/unit/server_case.h"
#include "traces/arrivals/arrivals.h"

static void begin_blocks(int slots, int budget, double kv_tokens, int block, int id_tokens)
{
    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = slots, .budget = budget, .kv_tokens = kv_tokens,
                                                       .block = block, .id_tokens = id_tokens });
}

static void test_preemption(void)                                  /* (7) */
{
    static struct duo_gaps gaps;
    struct duo_kv kv[3] = { 0 };
    struct duo_job a = simple_job(8, 20, &kv[0]), b = simple_job(8, 12, &kv[1]);
    struct duo_server_totals t;
    double now;

    memset(&gaps, 0, sizeof gaps);
    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 4, .budget = 64, .kv_tokens = 28, .block = 4, .gaps = &gaps });
    b.first = note_first, b.streams = true, n_first = 0;
    duo_server_submit(server, &a), duo_server_submit(server, &b);  /* 7 blocks: 2 + 2, each a third at once, a fourth after 4 more tokens: one too many */
    now = step_of(16, 16);
    run_until(at, now);
    CHECK_INT(a.written, 1); CHECK_INT(b.written, 1);
    for (int i = 0; i < 4; i++) now += step_of(2, 18 + 2 * i);
    run_until(at, now);
    CHECK_INT(duo_server_written(server, &a), 5); CHECK_INT(duo_server_written(server, &b), 5);
    CHECK_INT(b.preempted, 1); CHECK_INT(a.preempted, 0);
    CHECK_INT(kv[1].tokens, 0);
    CHECK_NEAR(b.joules, 8 * (step_of(16, 16) / 2 + (now - step_of(16, 16)) / 2), 1e-13);
    /* b waits for 4 blocks of 13 positions; a's take 4, later 5, 6, 7 of the 7, so b goes on when a is done */
    for (int i = 0; i < 15; i++) now += step_of(1, 13 + i);
    CHECK_NEAR(b.last_at, step_of(16, 16) + step_of(2, 18) + step_of(2, 20) + step_of(2, 22) + step_of(2, 24), 1e-14);
    run_until(at, now);
    CHECK_NEAR(a.last_at, now, 1e-13);
    duo_kv_drop(&kv[0]);
    run_until(at, INFINITY);
    now += step_of(13, 13);                                         /* its 8 and the 5 that it wrote; the sixth is there then */
    for (int i = 0; i < 6; i++) now += step_of(1, 14 + i);
    CHECK_NEAR(b.last_at, now, 1e-13);
    CHECK_INT(b.written, 12); CHECK_INT(n_first, 1); CHECK_INT(b.fresh, 8 + 13); CHECK_INT(kv[1].tokens, 19);
    CHECK_INT(gaps.count, 11);
    CHECK_NEAR(gaps.sum, b.last_at - b.first_at, 1e-12);
    CHECK_NEAR(b.first_at, step_of(16, 16), 1e-15); CHECK_NEAR(b.started_at, 0, 0);
    duo_server_totals(server, &t);
    CHECK_INT(t.preempted, 1); CHECK_NEAR(t.tokens_out, 32, 0); CHECK_NEAR(t.tokens_in, 16 + 13, 0);
    CHECK_NEAR(a.joules + b.joules, t.joules, 1e-12);
    CHECK_NEAR(t.kv_peak, 1, 0);
    end();

    begin_blocks(4, 64, 28, 4, 0);                                  /* idle KV goes first, and nobody is preempted */
    for (int i = 0; i < 3; i++) kv[i] = (struct duo_kv){ 0 };
    a = simple_job(3, 1, &kv[2]);
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_INT(kv[2].tokens, 3);
    a = simple_job(8, 5, &kv[0]), b = simple_job(8, 5, &kv[1]);
    duo_server_submit(server, &a), duo_server_submit(server, &b);
    run_until(at, INFINITY);
    duo_server_totals(server, &t);
    CHECK_INT(t.preempted, 0); CHECK_INT(t.evicted, 0);             /* 3 + 3 + 1 blocks */
    a = simple_job(1, 3, &kv[0]), a.cached = 12;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    duo_server_totals(server, &t);
    CHECK_INT(t.preempted, 0); CHECK_INT(t.evicted, 1); CHECK_INT(kv[2].tokens, 0);
    end();
}

static void test_priority(void)                                    /* (1), (7) */
{
    struct duo_kv kv[4] = { 0 };
    struct duo_job j[4];

    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 2, .budget = 64, .kv_tokens = 24, .block = 4, .by_priority = true });
    n_done = 0;
    for (int i = 0; i < 4; i++) j[i] = simple_job(4, 4, &kv[i]), j[i].priority = (int[]){ 1, 2, 1, 0 }[i], j[i].done = note_done;
    for (int i = 0; i < 4; i++) duo_server_submit(server, &j[i]);   /* 0 and 1 enter; then 3, and 2 */
    run_until(at, INFINITY);
    CHECK(order[0] == &j[0] && order[1] == &j[1] && order[2] == &j[3] && order[3] == &j[2]);
    CHECK_NEAR(j[2].started_at, j[0].last_at, 0); CHECK_NEAR(j[3].started_at, j[0].last_at, 0);
    for (int i = 0; i < 4; i++) duo_kv_drop(&kv[i]);
    j[0] = simple_job(4, 20, &kv[0]), j[0].priority = 5;            /* came first, and is the one to go */
    j[1] = simple_job(4, 20, &kv[1]), j[1].priority = 4;
    duo_server_submit(server, &j[0]), duo_server_submit(server, &j[1]);
    run_until(at, INFINITY);
    CHECK_INT(j[0].preempted, 1); CHECK_INT(j[1].preempted, 0); CHECK(j[1].last_at < j[0].last_at);
    end();
}

static void test_chunk_limit(void)                                 /* (2) */
{
    struct duo_kv kv[2] = { 0 };
    struct duo_job a = simple_job(20, 1, &kv[0]), b = simple_job(8, 1, &kv[1]);

    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 2, .budget = 16, .chunk = 8, .kv_tokens = 1000 });
    duo_server_submit(server, &a), duo_server_submit(server, &b);   /* 8 alone: b came after; then 8 + 8, 4 */
    run_until(at, INFINITY);
    CHECK_NEAR(b.first_at, step_of(16, 16), 1e-15);
    CHECK_NEAR(a.first_at, step_of(16, 16) + step_of(8, 16) + step_of(4, 20), 1e-15);
    end();

    begin(4, 16, 1000);                                             /* the head waits for an iteration that has tokens left */
    kv[0] = kv[1] = (struct duo_kv){ 0 };
    a = simple_job(20, 1, &kv[0]), b = simple_job(8, 1, &kv[1]);
    duo_server_submit(server, &a), duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_NEAR(b.started_at, step_of(16, 16), 1e-15);
    CHECK_NEAR(b.first_at, step_of(16, 16) + step_of(12, 20 + 8), 1e-15);
    end();
}

static void test_sharing(void)                                     /* (8) */
{
    static const uint32_t ab[] = { 1, 2, 3 }, ac[] = { 1, 2, 4 };
    struct duo_kv kv[3] = { 0 };
    struct duo_job a = simple_job(20, 1, &kv[0]), b = simple_job(20, 3, &kv[1]), c = simple_job(20, 1, &kv[2]);
    struct duo_server_figures f;
    struct duo_server_totals t;
    double now;

    begin_blocks(4, 64, 64, 4, 8);                                  /* 16 blocks; ids of 8 tokens, the third of 4 */
    a.ids = ab, a.n_ids = 3, b.ids = ac, b.n_ids = 3, c.ids = ab, c.n_ids = 3;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_INT(a.cached, 0);
    CHECK_INT(duo_server_prefix(server, ab, 3, 20), 19); CHECK_INT(duo_server_prefix(server, ac, 3, 20), 16);
    duo_server_figures(server, &f);
    CHECK_NEAR(f.kv_used, 5.0 / 16, 0);
    now = duo_clock_now(at);
    duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_INT(b.cached, 16); CHECK_INT(b.fresh, 4); CHECK_INT(kv[1].tokens, 22);
    CHECK_NEAR(b.first_at - now, step_of(4, 20), 1e-14);
    duo_server_figures(server, &f);
    CHECK_NEAR(f.kv_used, (5 + 1 + 1) / 16.0, 0);                   /* 3, 4 and two tokens of its own beside the shared ones */
    now = duo_clock_now(at);
    duo_server_submit(server, &c);                                  /* all is there: the last token is run */
    run_until(at, INFINITY);
    CHECK_INT(c.cached, 19); CHECK_INT(c.fresh, 1);
    CHECK_NEAR(c.first_at - now, step_of(1, 20), 1e-14);
    duo_server_totals(server, &t);
    CHECK_NEAR(t.cached, 35, 0); CHECK_NEAR(t.tokens_in, 25, 0);
    for (int i = 0; i < 3; i++) duo_kv_drop(&kv[i]);
    CHECK(!duo_server_idle(server));                                /* the blocks are still there */

    a = simple_job(58, 1, &kv[0]);                                  /* 15 of 16 blocks: of the last used the last go last */
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_INT(duo_server_prefix(server, ab, 3, 20), 0);
    end();

    begin_blocks(4, 64, 64, 4, 8);                                  /* two at once: the second runs for itself what the first is just running */
    for (int i = 0; i < 3; i++) kv[i] = (struct duo_kv){ 0 };
    a = simple_job(20, 4, &kv[0]), b = simple_job(20, 4, &kv[1]);
    a.ids = ab, a.n_ids = 3, b.ids = ab, b.n_ids = 3;
    duo_server_submit(server, &a), duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_INT(a.cached + b.cached, 0);
    duo_server_figures(server, &f);
    CHECK_NEAR(f.kv_used, (5 + 1 + 6) / 16.0, 0);
    b = simple_job(2, 1, &kv[0]), b.cached = 22;                    /* goes on with its own text */
    duo_server_submit(server, &b);
    run_until(at, INFINITY);
    CHECK_INT(b.cached, 22); CHECK_INT(kv[0].tokens, 24);
    duo_kv_cut(&kv[0], 12);                                         /* of a shared block all or nothing */
    CHECK_INT(kv[0].tokens, 8);
    a = simple_job(40, 1, &kv[2]);                                  /* evicts the rest of the others */
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    end();
}

static void test_heat(void)                                        /* (9) */
{
    struct duo_kv kv = { 0 };
    struct duo_job a = simple_job(8, 40, &kv);
    double cold = step_of(8, 8), now, all;
    int k = 0;

    begin(1, 64, 1000);
    cost.cost.facts.throttle_share = 0.5, cost.cost.facts.throttle_heat = 0.25, cost.cost.facts.throttle_cool = 2;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    for (; k < 39 && cold < 0.25; k++) cold += step_of(1, 9 + k);
    CHECK(k > 0 && k < 39);
    for (now = cold, all = cold; k < 39; k++) now += 2 * step_of(1, 9 + k), all += step_of(1, 9 + k);
    CHECK_NEAR(a.last_at, now, 1e-13);
    CHECK_NEAR(a.joules, 8 * all, 1e-12);                           /* the power is what was cut */
    run_until(at, now + 1);                                         /* half cooled: still slow */
    a = simple_job(1, 1, &kv), a.cached = 10;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_NEAR(a.last_at - (now + 1), 2 * step_of(1, 11), 1e-13);
    now = a.last_at;
    run_until(at, now + 1.6);
    a = simple_job(1, 1, &kv), a.cached = 10;
    duo_server_submit(server, &a);
    run_until(at, INFINITY);
    CHECK_NEAR(a.last_at - (now + 1.6), step_of(1, 11), 1e-13);
    end();

    struct duo_heat heat = { 0 };                                   /* a device's server comes and goes, its heat stays */
    for (int i = 0; i < 2; i++) {
        cost = simple_cost();
        cost.cost.facts.throttle_share = 0.5, cost.cost.facts.throttle_heat = 0.01, cost.cost.facts.throttle_cool = 10;
        if (!i) at = duo_clock_new();
        server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 1, .budget = 64, .kv_tokens = 1000, .heat = &heat });
        now = duo_clock_now(at);
        kv = (struct duo_kv){ 0 }, a = simple_job(8, 1, &kv);
        duo_server_submit(server, &a);
        run_until(at, INFINITY);
        CHECK_NEAR(a.last_at - now, (1 + i) * step_of(8, 8), 1e-14);
        duo_server_free(server);
    }
    duo_clock_free(at);
}

/* ---- shared blocks on a real trace, one request at a time (8) ---- */

enum { MOST_IDS = 1 << 20 };

/* What an LRU cache of whole blocks would have, told plainly: every block has the date of its last use; of one request the
 * last block is the oldest.  `capacity` blocks. */
struct lru { double used[MOST_IDS]; uint32_t *queue; double *date; long head, tail; int n; double now; };

static int lru_ask(struct lru *c, const uint32_t *ids, int n, int capacity)
{
    int there = 0;

    while (there < n && c->used[ids[there]] > 0) there++;
    for (int i = 0; i < n; i++) {
        c->n += c->used[ids[i]] <= 0;
        c->used[ids[i]] = INFINITY;                                 /* not to go now */
    }
    while (c->n > capacity) {
        uint32_t id = c->queue[c->head];
        if (c->used[id] <= c->date[c->head] && c->used[id] >= c->date[c->head]) c->used[id] = 0, c->n--;
        c->head++;
    }
    for (int i = n - 1; i >= 0; i--) c->used[ids[i]] = ++c->now, c->queue[c->tail] = ids[i], c->date[c->tail++] = c->now;
    return there;
}

static void mooncake(int capacity, double of_blocks, double of_tokens)       /* shares that the data's README states; NAN: none */
{
    static struct lru cache;
    const char *root = getenv("DUOSIM_DATA");
    char name[512];
    struct duo_arrivals *trace = NULL;
    struct duo_arrival x;
    struct duo_err err = { 0 };
    struct duo_server_totals t;
    double blocks = 0, there = 0, tokens = 0, whole = 0, cached = 0;
    int wrong = 0, refused = 0;

    for (int i = 0; i < 2 && !trace && root && *root; i++) {
        snprintf(name, sizeof name, "%s/%smooncake/conversation_trace_first1800s.jsonl", root, i ? "data/" : "");
        if (duo_arrivals_trace(&trace, name, NULL, 1, 0, NULL, &err) != DUO_OK) trace = NULL;
    }
    if (!trace) { CHECK_SKIP("no mooncake below DUOSIM_DATA"); return; }
    memset(&cache, 0, sizeof cache);
    cache.queue = calloc(200000, sizeof *cache.queue), cache.date = calloc(200000, sizeof *cache.date);
    begin_blocks(4, 1 << 20, capacity ? (capacity + 1) * 512.0 : INFINITY, 512, 512);    /* one more: a sequence may want it beside its last shared one */
    while (duo_arrivals_next(trace, &x)) {
        struct duo_kv kv = { 0 };
        struct duo_job j = simple_job(x.prompt_tokens, 1, &kv);
        int n = lru_ask(&cache, x.ids, x.n_ids, capacity ? capacity + 1 : MOST_IDS), hit = n * 512 < x.prompt_tokens ? n * 512 : x.prompt_tokens - 1;
        j.ids = x.ids, j.n_ids = x.n_ids;
        refused += !duo_server_submit(server, &j);
        run_until(at, INFINITY);
        duo_kv_drop(&kv);
        wrong += j.cached != hit;
        blocks += x.n_ids, there += n, tokens += x.prompt_tokens, whole += n * 512 >= x.prompt_tokens;
        cached += j.cached;
    }
    duo_server_totals(server, &t);
    printf("Mooncake, %d blocks: %.6f of the blocks were there, %.6f of the tokens\n", capacity, there / blocks, (cached + whole) / tokens);
    CHECK_INT(wrong, 0); CHECK_INT(refused, 0);
    CHECK_NEAR(t.cached, cached, 0); CHECK_NEAR(t.tokens_in + t.cached, tokens, 0);
    if (!isnan(of_tokens)) CHECK_NEAR((cached + whole) / tokens, of_tokens, 5e-7);
    if (capacity) CHECK(there / blocks > of_blocks && there / blocks < 0.340903);    /* better than by touching in order; worse than without end */
    else          CHECK_NEAR(there / blocks, of_blocks, 5e-7);
    free(cache.queue), free(cache.date);
    duo_arrivals_free(trace);
    end();
}

int main(void)
{
    test_preemption();
    test_priority();
    test_chunk_limit();
    test_sharing();
    test_heat();
    mooncake(0, 0.340903, 0.347198);
    mooncake(5859, 0.134593, NAN);
    mooncake(1000, 0.043239, NAN);
    return check_done();
}
