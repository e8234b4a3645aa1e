/* test_server_traffic.c - 2,000 random jobs with cancels, in memories so small that jobs are preempted all the time: many
 * steps in one event give the same bytes as one each; and a reference that steps one iteration at a time, makes every load
 * afresh and counts every block (requirements of sim/server.h). */
#include "tests/check.h"
#include "tests/unit/server_bench.h"

static struct simple_cost cost;
static struct duo_clock  *at;
static struct duo_server *server;

static void end(void)
{
    duo_server_free(server);
    duo_clock_free(at);
}

enum { N = 2000, IDS = 12, ID_TOKENS = 8 };
struct setup { const char *name; int window, block, chunk, id_tokens; double kv_tokens, heat; bool by_priority, ahead, cancels, parts, keep; };
struct plan { double at, cancel_at, before; int fresh, output, hidden, from, to, priority, n_ids; bool cancelled; uint32_t ids[IDS]; };
static const struct setup *now_playing;
static struct plan    plan[N];
static struct duo_job job[N];
static struct duo_kv  kv_of_job[N];
static struct duo_alarm arrival, cancel[N];
static int next_plan;
static bool gone[N];

/* Inputs that begin alike: what follows a block is one of three. */
static void make_ids(struct plan *p, struct duo_rng *r)
{
    uint32_t id = 1;

    p->n_ids = (p->fresh + ID_TOKENS - 1) / ID_TOKENS;
    for (int i = 0; i < p->n_ids; i++) p->ids[i] = id = 3 * id + (uint32_t)(3 * duo_rng_unit(r)) + (i == p->n_ids - 1 ? 1000000 + 10 * (uint32_t)p->fresh : 0);
}

static void make_plan(const struct setup *x)
{
    struct duo_rng r;
    double t = 0;

    duo_rng_init(&r, 7, "plan", (unsigned)x->cancels + 2u * (unsigned)x->parts);
    for (int i = 0; i < N; i++) {
        t -= 0.35 * log1p(-duo_rng_unit(&r));
        plan[i] = (struct plan){ .at = t, .fresh = 1 + (int)(60 * duo_rng_unit(&r)), .output = (int)(150 * duo_rng_unit(&r)), .to = 4 };
        plan[i].hidden = i % 5 ? 0 : plan[i].output / 2;
        plan[i].before = duo_rng_unit(&r) < 0.2 ? duo_rng_unit(&r) * 0.2 : 0;
        if (x->parts && duo_rng_unit(&r) < 0.5) plan[i].from = (int)(2 * duo_rng_unit(&r)), plan[i].to = 2 + (int)(2 * duo_rng_unit(&r));
        plan[i].cancelled = x->cancels && duo_rng_unit(&r) < 0.4;
        plan[i].cancel_at = t + 6 * duo_rng_unit(&r);
        plan[i].priority = (int)(3 * duo_rng_unit(&r));
        if (x->id_tokens) make_ids(&plan[i], &r);
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
    if (i % 3 || !now_playing->keep) duo_kv_drop(&kv_of_job[i]);    /* a third stays, to be evicted, */
    else kv_of_job[i].pins = i % 48 == 0;                           /* some only when nothing else helps */
}

static void arrive(void *arg)
{
    int i = next_plan++;
    const struct plan *p = &plan[i];

    (void)arg;
    kv_of_job[i] = (struct duo_kv){ 0 };
    job[i] = (struct duo_job){ .kv = &kv_of_job[i], .fresh = p->fresh, .output = p->output, .hidden = p->hidden, .logits = 1, .from_layer = p->from, .to_layer = p->to,
                               .before = p->before, .before_joules = p->before, .priority = p->priority, .streams = i % 2, .done = job_done,
                               .ids = p->ids, .n_ids = p->n_ids };
    gone[i] = !duo_server_submit(server, &job[i]);
    cancel[i] = (struct duo_alarm){ 0 };
    if (p->cancelled) duo_clock_set(at, &cancel[i], p->cancel_at, cancel_one, &cancel[i]);
    if (next_plan < N) duo_clock_set(at, &arrival, plan[next_plan].at, arrive, NULL);
}

static void play(const struct setup *x, bool singly, struct duo_gaps *gaps, struct duo_server_totals *t, uint64_t *events)
{
    cost = simple_cost();
    cost.window = x->window;
    if (x->heat > 0) cost.cost.facts.throttle_share = 0.5, cost.cost.facts.throttle_heat = x->heat, cost.cost.facts.throttle_cool = x->heat / 8;
    at = duo_clock_new();
    now_playing = x;
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = 8, .budget = 40, .kv_tokens = x->kv_tokens, .gaps = gaps,
                                                       .block = x->block, .chunk = x->chunk, .by_priority = x->by_priority, .ahead = x->ahead, .id_tokens = x->id_tokens });
    duo_server_step_singly(server, singly);
    arrival = (struct duo_alarm){ 0 };
    next_plan = 0;
    duo_clock_set(at, &arrival, plan[0].at, arrive, NULL);
    run_until(at, INFINITY);
    duo_server_totals(server, t);
    *events = duo_clock_events(at);
    for (int i = 0; i < N; i++) duo_kv_drop(&kv_of_job[i]);
    CHECK(x->id_tokens || duo_server_idle(server));
    end();
}

/* (3), (4) */
static void test_same_bytes(const struct setup *x)
{
    static struct duo_job first[N];
    static struct duo_gaps gaps[2];
    struct duo_server_totals t[2];
    uint64_t events[2];
    double joules = 0, written = 0;
    uint64_t seen = 0;                                              /* gaps that users saw */
    int different = 0;

    memset(gaps, 0, sizeof gaps);
    make_plan(x);
    play(x, false, &gaps[0], &t[0], &events[0]);
    memcpy(first, job, sizeof first);
    play(x, true, &gaps[1], &t[1], &events[1]);
    for (int i = 0; i < N; i++) {
        const struct duo_job *a = &first[i], *b = &job[i];
        different += memcmp(&a->started_at, &b->started_at, sizeof(double)) || memcmp(&a->first_at, &b->first_at, sizeof(double)) ||
                     memcmp(&a->last_at, &b->last_at, sizeof(double)) || memcmp(&a->joules, &b->joules, sizeof(double)) ||
                     memcmp(&a->seconds, &b->seconds, sizeof(double)) || a->written != b->written || a->fresh != b->fresh ||
                     a->cached != b->cached || a->preempted != b->preempted;
        joules += b->joules, written += b->written;
        if (b->streams && b->written > b->hidden + 1) seen += (uint64_t)(b->written - b->hidden - 1);
    }
    CHECK_INT(different, 0);
    CHECK(memcmp(&gaps[0], &gaps[1], sizeof gaps[0]) == 0);
    CHECK(memcmp(&t[0], &t[1], sizeof t[0]) == 0);
    CHECK(events[1] > events[0] + 2000);                            /* it did step singly */
    CHECK_NEAR(joules, t[1].joules, 1e-9 * joules);
    CHECK_NEAR(written, t[1].tokens_out, 0);
    CHECK_INT(gaps[0].count, seen);
    CHECK(t[1].evicted > 10 || !x->keep);
    CHECK(t[1].preempted > 100 || x->kv_tokens > 600);
    CHECK(t[1].cached > 1000 || !x->id_tokens);
    CHECK(t[1].peak_waiting > 3);
    CHECK(t[1].kv_peak <= 1);
    printf("%s: %llu events for %.0f iterations (singly %llu), %llu preempted, %llu evicted, %.0f positions were there\n", x->name,
           (unsigned long long)events[0], t[0].iterations, (unsigned long long)events[1], (unsigned long long)t[0].preempted,
           (unsigned long long)t[0].evicted, t[0].cached);
}

/* ---- the reference: a plain loop over iterations ---- */

struct plain { enum { WAITS, FIXED, RUNS, WRITES, LEFT } state; double ready, first_at, last_at, joules; int left, written, preempted, joined, chunk; };

static double plain_heat, plain_share, plain_time;
static bool   plain_hot;

static int blocks_for(const struct setup *x, int positions) { return (positions + x->block - 1) / x->block; }

static bool sooner(const struct setup *s, int a, int b)
{
    return s->by_priority && plan[a].priority != plan[b].priority ? plan[a].priority < plan[b].priority : a < b;
}

/* What one holds before the next iteration; what all do. */
static int held(const struct setup *s, const struct plain *x, int i)
{
    if (x[i].state == WAITS || x[i].state == LEFT) return 0;
    return blocks_for(s, plan[i].fresh + x[i].written - (x[i].state == WRITES));
}

static int held_by_all(const struct setup *s, const struct plain *x, int head)
{
    int n = 0;
    for (int i = 0; i < head; i++) n += held(s, x, i);
    return n;
}

static int wanted(const struct setup *s, const struct plain *x, int head)     /* by those that write, for the next token */
{
    int n = 0;
    for (int i = 0; i < head; i++) n += x[i].state == WRITES && blocks_for(s, plan[i].fresh + x[i].written) > held(s, x, i);
    return n;
}

static bool plain_room(const struct setup *s, struct plain *x, int head, int capacity, int *n_in)
{
    bool any = false;

    while (held_by_all(s, x, head) + wanted(s, x, head) > capacity) {
        int last = -1;
        for (int i = 0; i < head; i++)
            if ((x[i].state == RUNS || x[i].state == WRITES) && (last < 0 || sooner(s, last, i))) last = i;
        x[last].state = WAITS, x[last].left = plan[last].fresh + x[last].written, x[last].preempted++;
        --*n_in, any = true;
    }
    return any;
}

static int plain_chunk(const struct setup *s, struct plain *x, int room)
{
    x->chunk = x->left < room ? x->left : room;
    if (s->chunk && x->chunk > s->chunk) x->chunk = s->chunk;
    return room - x->chunk;
}

/* Who runs how many tokens in the next iteration. */
static void plain_take_in(const struct setup *s, struct plain *x, int head, int *n_in, int *joined, double now, int capacity)
{
    bool preempted = plain_room(s, x, head, capacity, n_in);
    int room = 40;

    for (int i = 0; i < head; i++) room -= x[i].state == WRITES, x[i].chunk = 0;
    if (room < 1) room = 1;
    for (int after = -1;;) {                                        /* in the order in which they became ready */
        int best = -1;
        for (int i = 0; i < head; i++)
            if (x[i].state == RUNS && x[i].joined > after && (best < 0 || x[i].joined < x[best].joined)) best = i;
        if (best < 0 || !room) break;
        after = x[best].joined;
        room = plain_chunk(s, &x[best], room);
    }
    while (!preempted && room && *n_in < 8) {
        int best = -1;
        for (int i = 0; i < head; i++)
            if (x[i].state == WAITS && (best < 0 || sooner(s, i, best))) best = i;
        if (best < 0 || held_by_all(s, x, head) + wanted(s, x, head) + blocks_for(s, plan[best].fresh + x[best].written) > capacity) break;
        ++*n_in;
        if (plan[best].before > 0 && !x[best].preempted) { x[best].state = FIXED, x[best].ready = now + plan[best].before; continue; }
        x[best].state = RUNS, x[best].joined = ++*joined;
        room = plain_chunk(s, &x[best], room);
    }
}

static void plain_ready(struct plain *x, int head, double now, int *joined)
{
    for (;;) {
        int best = -1;
        for (int i = 0; i < head; i++)
            if (x[i].state == FIXED && x[i].ready <= now && (best < 0 || x[i].ready < x[best].ready)) best = i;
        if (best < 0) return;
        x[best].state = RUNS, x[best].joined = ++*joined, x[best].joules += plan[best].before;
    }
}

static double plain_seconds(double seconds, double now)             /* (9) */
{
    const struct duo_facts *f = &cost.cost.facts;

    if (plain_share <= 0) return seconds;
    plain_heat = fmax(0, plain_heat - (now - plain_time) * f->throttle_heat / f->throttle_cool);
    if (plain_heat <= 0) plain_hot = false;
    if (plain_hot) seconds /= plain_share;
    plain_heat = fmin(plain_heat + seconds, f->throttle_heat), plain_time = now + seconds;
    if (plain_heat >= f->throttle_heat) plain_hot = true;
    return seconds;
}

static void plain_iteration(struct plain *x, int head, double *now, int *n_in, int *n_out)
{
    struct duo_load l = { 0 };
    struct duo_growth growth;
    struct duo_price p;
    int members = 0, from = 4, to = 0;

    for (int i = 0; i < head; i++) {
        struct duo_load one;
        if (x[i].state != WRITES && !x[i].chunk) continue;
        one = x[i].chunk ? simple_item(&cost.cost, x[i].chunk, plan[i].fresh + x[i].written - x[i].left, plan[i].from, plan[i].to, 0, &growth)
                         : simple_item(&cost.cost, 1, plan[i].fresh + x[i].written - 1, plan[i].from, plan[i].to, 1, &growth);
        l.tokens += one.tokens, l.context += one.context, members += x[i].chunk ? x[i].chunk : 1;
        if (plan[i].from < from) from = plan[i].from;
        if (plan[i].to > to) to = plan[i].to;
    }
    if (!members) return;
    p = simple_price(&cost.cost, &l, from, to);
    *now += plain_seconds(p.seconds, *now);
    for (int i = 0; i < head; i++) {
        if (x[i].state != WRITES && !x[i].chunk) continue;
        x[i].joules += (x[i].chunk ? x[i].chunk : 1) * p.joules / members;
        x[i].left -= x[i].chunk;
        if (x[i].left) continue;
        if (plan[i].output && ++x[i].written == plan[i].hidden + 1) x[i].first_at = *now;
        x[i].state = WRITES, x[i].chunk = 0;
        if (x[i].written >= plan[i].output) x[i].state = LEFT, x[i].last_at = *now, --*n_in, ++*n_out;
    }
}

static void reference(const struct setup *s, struct plain *x)
{
    int n_in = 0, n_out = 0, head = 0, joined = 0, capacity = (int)(s->kv_tokens / s->block);
    double now = 0;

    plain_heat = plain_time = 0, plain_hot = false, plain_share = cost.cost.facts.throttle_share;
    for (int i = 0; i < N; i++) x[i] = (struct plain){ .left = plan[i].fresh, .first_at = NAN };
    while (n_out < N) {
        double began = now, soonest;
        while (head < N && plan[head].at <= now) head++;
        plain_ready(x, head, now, &joined);
        plain_take_in(s, x, head, &n_in, &joined, now, capacity);
        plain_iteration(x, head, &now, &n_in, &n_out);
        if (now > began) continue;
        soonest = head < N ? plan[head].at : INFINITY;
        for (int i = 0; i < head; i++)
            if (x[i].state == FIXED && x[i].ready < soonest) soonest = x[i].ready;
        now = soonest;
    }
}

static void test_reference(const struct setup *s)
{
    static struct plain x[N];
    struct duo_server_totals t;
    uint64_t events;
    double worst = 0, joules = 0, preempted = 0;
    int written = 0, as_often = 0;

    make_plan(s);
    play(s, false, NULL, &t, &events);
    reference(s, x);
    for (int i = 0; i < N; i++) {
        worst = fmax(worst, fabs(x[i].last_at - job[i].last_at));
        if (plan[i].output) worst = fmax(worst, fabs(x[i].first_at - job[i].first_at));
        joules = fmax(joules, fabs(x[i].joules - job[i].joules));
        written += job[i].written == plan[i].output;
        as_often += job[i].preempted == x[i].preempted;
        preempted += x[i].preempted;
    }
    printf("%s: the reference's dates within %.2g s, %.0f preempted\n", s->name, worst, preempted);
    CHECK_NEAR(worst, 0, 1e-9);
    CHECK_NEAR(joules, 0, 1e-8);
    CHECK_INT(written, N);
    CHECK_INT(as_often, N);
    CHECK(preempted > 100 || s->kv_tokens > 600);
    CHECK((double)events < t.iterations);                                 /* fewer events than iterations: stretches were jumped */
}

static const struct setup jumps[] = {
    { "roomy",            .block = 1,  .kv_tokens = 700, .cancels = true, .parts = true, .keep = true },
    { "roomy, windows",   .block = 1,  .kv_tokens = 700, .cancels = true, .parts = true, .keep = true, .window = 50 },
    { "small",            .block = 1,  .kv_tokens = 300, .cancels = true, .parts = true, .keep = true },
    { "small, blocks",    .block = 16, .kv_tokens = 320, .cancels = true, .keep = true },
    { "small, windows",   .block = 8,  .kv_tokens = 320, .cancels = true, .parts = true, .keep = true, .window = 50, .chunk = 16 },
    { "large, ahead",     .block = 16, .kv_tokens = 4000, .cancels = true, .ahead = true },
    { "small, ahead, all of it", .block = 16, .kv_tokens = 400, .cancels = true, .parts = true, .keep = true, .by_priority = true, .ahead = true, .window = 50 },
    { "small, priority",  .block = 16, .kv_tokens = 400, .cancels = true, .keep = true, .by_priority = true },
    { "small, shared",    .block = 4,  .kv_tokens = 400, .cancels = true, .keep = true, .id_tokens = ID_TOKENS },
    { "small, shared, all of it", .block = 8, .kv_tokens = 300, .cancels = true, .keep = true, .id_tokens = ID_TOKENS, .by_priority = true,
      .chunk = 12, .window = 50, .heat = 0.7 },
    { "hot",              .block = 1,  .kv_tokens = 700, .cancels = true, .parts = true, .keep = true, .heat = 0.5 },
};

static const struct setup plainly[] = {
    { "roomy",            .block = 1,  .kv_tokens = 1e9 },
    { "roomy, parts",     .block = 1,  .kv_tokens = 1e9, .parts = true },
    { "roomy, windows",   .block = 1,  .kv_tokens = 1e9, .parts = true, .window = 50 },
    { "small",            .block = 1,  .kv_tokens = 400 },
    { "small, blocks",    .block = 16, .kv_tokens = 400, .parts = true },
    { "small, priority",  .block = 16, .kv_tokens = 400, .by_priority = true },
    { "small, all of it", .block = 8,  .kv_tokens = 400, .by_priority = true, .chunk = 10, .window = 50, .heat = 0.6 },
};

int main(void)
{
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) test_same_bytes(&jumps[i]);
    for (size_t i = 0; i < sizeof plainly / sizeof *plainly; i++) test_reference(&plainly[i]);
    return check_done();
}
