/* law_engine.c - the engine against arithmetic.
 *
 * (1) A lone request's TTFT and E2E are the sum of its parts: bytes over rates, propagation, priced iterations.
 * (2) Conservation: arrived = answered + failed + pending; the devices' bytes are the links' bytes; the requests'
 *     joules are the servers' joules.
 * (3) Greedy speculation: tokens a round are (1 - a^(g+1)) / (1 - a) (Leviathan, Kalman, Matias 2023, eq. 1), and
 *     the text is the cloud's.
 * (4) A layer split sends the hidden state of every position once; an early exit, no more than that.
 * (5) KV that was evicted is run again; KV that is there is not.
 * (6) Limits: cascade with floor 0 is edge_only, with floor 1 it has the cloud's answers; layer_split at the last
 *     layer is edge_only; early_exit that never exits is layer_split; parallel_draft is no slower than draft_verify
 *     when nobody else is there.
 * (7) Both networks give the same rows to 1e-9.
 * (8) Nobody is above the oracle; the worst is last.
 * (9) `lengths: trace`: prompts and answers have the trace's tokens, request by request. */
#include "tests/engine.h"

static const char BASE[] =
    "name: law\n"
    "seed: 1\n"
    "arrivals: { process: poisson, rate: 2/s, requests: 400 }\n"
    "devices: { count: 50, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0 }\n"
    "cells: { count: 5, up: 8 Mbit/s, down: 16 Mbit/s, rtt: 40 ms, joules_up: 7.5e-7, joules_down: 1.3e-7 }\n"
    "places:\n"
    "  - { name: cloud, site: cloud, hardware: a100-80g, model: llama-3.1-8b, quant: f16, replicas: 1, batch: 32, budget: 2048 }\n"
    "  - { name: small, site: cloud, hardware: l4, model: llama-3.2-1b, quant: q4_0, replicas: 2, batch: 32 }\n"
    "answers:\n"
    "  synthetic:\n"
    "    voices:\n"
    "      weak:   { ability: -0.3, auc: 0.75, acceptance: 0.8, correlation: 0, length: uniform(100, 300) }\n"
    "      strong: { ability: 1.0, auc: 0.75, length: uniform(100, 300) }\n"
    "    prompt_tokens: uniform(50, 400)\n"
    "    bytes_per_token: 4.5\n"
    "    train: 0 %\n"
    "  roles: { device: weak, small: weak, cloud: strong }\n"
    "policies:\n"
    "  - edge_only\n"
    "  - cloud_only\n"
    "  - cloud_small\n"
    "  - { use: cascade, as: cascade0, floor: 0 }\n"
    "  - { use: cascade, as: cascade1, floor: 1 }\n"
    "  - { use: cascade, floor: 0.6 }\n"
    "  - { use: draft_verify, draft: 4 }\n"
    "  - { use: parallel_draft, draft: 4 }\n"
    "  - { use: layer_split, as: split8, cut: 8, rest: small }\n"
    "  - { use: layer_split, as: split16, cut: 16, rest: small }\n"
    "  - { use: early_exit, as: exit1, cut: 8, sure: 1, rest: small }\n"
    "  - { use: early_exit, as: exit6, cut: 8, sure: 0.6, rest: small }\n"
    "  - oracle\n"
    "  - worst\n"
    "  - { use: random, share: 0.5 }\n";

static struct engine_out go(const char *label, enum duo_net_kind net, int n, const char *const *set)
{
    struct engine_out o = engine_run(BASE, set, n, label, 1, net);

    if (o.status != DUO_OK) printf("%s: %s:%d: %s\n", label, o.err.file, o.err.line, o.err.text);
    CHECK_INT(o.status, DUO_OK);
    return o;
}

static double iteration(const struct duo_cost *c, double fresh, double cached)
{
    struct duo_growth growth;
    struct duo_load l = c->kind->item(c, fresh, cached, 0, c->facts.layers, 1, &growth);

    return c->kind->price(c, &l, 0, c->facts.layers).seconds;
}

static void lone_request(void)                             /* (1) */
{
    const char *set[] = { "arrivals.requests=1" };
    struct engine_out o = go("cloud_only", DUO_NET_FLUID, 1, set);
    struct duo_cost *cloud = engine_cost("llama-3.1-8b", "a100-80g", "f16");
    const struct duo_row_request *r = &o.request[0];
    double up = (300 + (double)r->prompt_tokens * 4.5) / 1e6, id = cloud->facts.id_bytes, down = 2e6, n = (double)r->answer_tokens;
    double prefill = iteration(cloud, (double)r->prompt_tokens, 0), decode = 0, first, tail;

    for (int k = 1; k < r->answer_tokens; k++) decode += iteration(cloud, 1, (double)r->prompt_tokens + k - 1);
    /* the chunk and the tail start together and share the link until the chunk is through */
    first = up + 0.020 + cloud->facts.start_seconds + prefill + 2 * (300 + id) / down + 0.020;
    tail = up + 0.020 + cloud->facts.start_seconds + prefill + fmax(decode, (300 + id + (n - 1) * (60 + id)) / down) + 0.020;
    CHECK_INT(o.n, 1);
    CHECK_NEAR(r->ttft, first, 1e-9);
    CHECK_NEAR(r->e2e, tail, 1e-9);
    CHECK_NEAR(r->bytes_up, 300 + (double)r->prompt_tokens * 4.5, 1e-9);
    CHECK_NEAR(r->bytes_down, 300 + id + (n - 1) * (60 + id), 1e-9);
    engine_free(&o);

    o = go("edge_only", DUO_NET_FLUID, 1, set);
    r = &o.request[0];
    {
        struct duo_cost *phone = engine_cost("llama-3.2-1b", "snapdragon-8-gen-3", "q4_0");
        double e2e = 0, left = (double)r->prompt_tokens, done = 0;
        while (left > 0) {                                 /* a device runs 512 prompt tokens an iteration */
            double chunk = left < 512 ? left : 512;
            e2e += iteration(phone, chunk, done), done += chunk, left -= chunk;
        }
        CHECK_NEAR(r->ttft, e2e, 1e-9);
        for (int k = 1; k < r->answer_tokens; k++) e2e += iteration(phone, 1, (double)r->prompt_tokens + k - 1);
        CHECK_NEAR(r->e2e, e2e, 1e-9);
        CHECK_NEAR(r->joules_device, e2e * 9, 1e-6);       /* busy watts of the catalogue's row */
        CHECK_NEAR(r->bytes_up + r->bytes_down, 0, 0);
        phone->kind->free(phone);
    }
    cloud->kind->free(cloud);
    engine_free(&o);
}

static void conservation(void)                             /* (2) */
{
    static const char *labels[] = { "edge_only", "cloud_only", "cascade", "draft_verify", "parallel_draft", "split8", "exit6" };

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const char *cut[] = { "until=60 s", "arrivals.requests=60" };
        struct engine_out o = go(labels[i], DUO_NET_FLUID, 2, cut);
        double up = 0, down = 0, joules = 0, link_up = 0, link_down = 0, served = 0;
        CHECK_INT(o.run.requests, o.run.answered + o.run.failed + o.run.pending);
        CHECK_INT(o.run.requests, o.n);
        for (int k = 0; k < o.n; k++) up += o.request[k].bytes_up, down += o.request[k].bytes_down, joules += o.request[k].joules_cloud;
        for (int k = 0; k < o.n_links; k++) {
            if (strstr(o.link[k].name, ".up")) link_up += o.link[k].bytes;
            else                               link_down += o.link[k].bytes;
        }
        for (int k = 0; k < o.n_servers; k++) served += o.server[k].joules;
        CHECK_NEAR(up, link_up, 1e-6 * (1 + up));
        CHECK_NEAR(down, link_down, 1e-6 * (1 + down));
        CHECK_NEAR(joules, served, 1e-6 * (1 + served));
        engine_free(&o);
    }
}

static void speculation(void)                              /* (3) */
{
    struct engine_out s = go("draft_verify", DUO_NET_FLUID, 0, NULL), c = go("cloud_only", DUO_NET_FLUID, 0, NULL);
    double a = 0.8, want = (1 - pow(a, 5)) / (1 - a), tokens = 0, rounds = 0;

    CHECK_INT(s.n, c.n);
    for (int i = 0; i < s.n; i++) {
        CHECK_INT(s.request[i].answer_tokens, c.request[i].answer_tokens);
        CHECK_NEAR(s.request[i].quality, c.request[i].quality, 0);
        tokens += (double)s.request[i].answer_tokens, rounds += (double)s.request[i].rounds;
    }
    CHECK_NEAR(tokens / rounds, want, 0.04 * want);        /* the last round of an answer is cut short */
    engine_free(&s), engine_free(&c);
}

static void hidden_states(void)                            /* (4) */
{
    const char *set[] = { "arrivals.requests=1" };
    struct engine_out o = go("split8", DUO_NET_FLUID, 1, set);
    struct duo_cost *m = engine_cost("llama-3.2-1b", "l4", "q4_0");
    const struct duo_row_request *r = &o.request[0];
    double n = (double)r->answer_tokens, positions = (double)r->prompt_tokens + n - 1;

    CHECK_NEAR(r->bytes_up, n * 60 + positions * m->facts.hidden_bytes, 1e-6);   /* every position once, in n pieces */
    engine_free(&o);
    o = go("exit6", DUO_NET_FLUID, 1, set);
    r = &o.request[0];
    CHECK(r->bytes_up < n * 60 + positions * m->facts.hidden_bytes);
    CHECK(r->bytes_up > (double)r->prompt_tokens * m->facts.hidden_bytes);
    CHECK(r->tokens_device > 0);
    CHECK_INT(r->tokens_device + r->tokens_cloud, r->answer_tokens);
    engine_free(&o);
    m->kind->free(m);
}

static void limits(void)                                   /* (6) */
{
    const char *one[] = { "arrivals.requests=40", "arrivals.rate=0.01/s" };
    struct engine_out edge = go("edge_only", DUO_NET_FLUID, 0, NULL), zero = go("cascade0", DUO_NET_FLUID, 0, NULL);
    struct engine_out cloud = go("cloud_only", DUO_NET_FLUID, 0, NULL), all = go("cascade1", DUO_NET_FLUID, 0, NULL);
    struct engine_out split = go("split8", DUO_NET_FLUID, 2, one), never = go("exit1", DUO_NET_FLUID, 2, one);
    struct engine_out last = go("split16", DUO_NET_FLUID, 2, one), quiet = go("edge_only", DUO_NET_FLUID, 2, one);
    struct engine_out draft = go("draft_verify", DUO_NET_FLUID, 2, one), parallel = go("parallel_draft", DUO_NET_FLUID, 2, one);

    CHECK_INT(zero.run.cloud_calls, 0);
    CHECK_INT(all.run.cloud_calls, all.run.requests);
    for (int i = 0; i < edge.n; i++) {
        CHECK_NEAR(zero.request[i].e2e, edge.request[i].e2e, 1e-9);
        CHECK_NEAR(zero.request[i].quality, edge.request[i].quality, 0);
        CHECK_NEAR(all.request[i].quality, cloud.request[i].quality, 0);
    }
    for (int i = 0; i < split.n; i++) {
        CHECK_NEAR(never.request[i].e2e, split.request[i].e2e, 1e-9);
        CHECK_NEAR(never.request[i].bytes_up, split.request[i].bytes_up, 0);
        CHECK_NEAR(last.request[i].e2e, quiet.request[i].e2e, 1e-9);
        CHECK_NEAR(last.request[i].bytes_up, 0, 0);
        CHECK(parallel.request[i].e2e <= draft.request[i].e2e + 1e-9);
    }
    CHECK(ENGINE_MEAN(&parallel, e2e) < ENGINE_MEAN(&draft, e2e));
    engine_free(&edge), engine_free(&zero), engine_free(&cloud), engine_free(&all), engine_free(&split), engine_free(&never);
    engine_free(&last), engine_free(&quiet), engine_free(&draft), engine_free(&parallel);
}

static void residence(void)                                /* (5) */
{
    const char *kept[] = { "answers.synthetic.sessions=3", "arrivals.requests=20", "arrivals.rate=0.05/s" };
    const char *lost[] = { "answers.synthetic.sessions=3", "arrivals.requests=20", "arrivals.rate=0.05/s", "places.cloud.kv_tokens=2000", "arrivals.think=200 s" };
    struct engine_out k = go("cloud_only", DUO_NET_FLUID, 3, kept), l = go("cloud_only", DUO_NET_FLUID, 5, lost);
    double prompts = 0, in_k = 0, in_l = 0;

    CHECK_INT(k.n, 60);
    for (int i = 0; i < k.n; i++) prompts += (double)k.request[i].prompt_tokens;
    for (int i = 0; i < k.n_servers; i++) in_k += k.server[i].tokens_in, in_l += l.server[i].tokens_in;
    CHECK(in_k < 0.8 * prompts);                           /* later turns find the earlier ones */
    CHECK(in_l > in_k);                                    /* what was evicted meanwhile is run again */
    CHECK(l.server[0].evicted > 0);
    engine_free(&k), engine_free(&l);
}

static void both_networks(void)                            /* (7) */
{
    static const char *labels[] = { "cloud_only", "cascade", "draft_verify", "exit6" };
    const char *set[] = { "arrivals.requests=80", "cells.count=2", "wan.up=6 Mbit/s", "wan.down=9 Mbit/s", "wan.rtt=15 ms" };

    if (!duo_net_has_simgrid()) { CHECK_SKIP("built without SimGrid"); return; }
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct engine_out f = go(labels[i], DUO_NET_FLUID, 5, set), s = go(labels[i], DUO_NET_SIMGRID, 5, set);
        CHECK_INT(f.n, s.n);
        for (int k = 0; k < f.n && k < s.n; k++) {
            CHECK_NEAR(f.request[k].e2e, s.request[k].e2e, 1e-9 * fmax(1, f.request[k].e2e + f.request[k].arrived));
            CHECK_NEAR(f.request[k].ttft, s.request[k].ttft, 1e-9 * fmax(1, f.request[k].ttft + f.request[k].arrived));
            CHECK_INT(f.request[k].status, s.request[k].status);
        }
        engine_free(&f), engine_free(&s);
    }
}

static void bounds(void)                                   /* (8) */
{
    static const char *labels[] = { "edge_only", "cloud_only", "cascade", "random", "worst", "oracle" };
    double q[6];

    for (int i = 0; i < 6; i++) {
        struct engine_out o = go(labels[i], DUO_NET_FLUID, 0, NULL);
        q[i] = ENGINE_MEAN(&o, quality);
        engine_free(&o);
    }
    for (int i = 0; i < 5; i++) CHECK(q[i] <= q[5]);
    for (int i = 0; i < 6; i++) if (i != 4) CHECK(q[4] <= q[i]);
}

static void trace_lengths(void)                            /* (9) */
{
    static const int tokens[][2] = { { 31, 7 }, { 400, 60 }, { 5, 1 }, { 77, 23 } };
    char file[] = "/tmp/duosim-trace-XXXXXX", trace[64];
    FILE *f = fdopen(mkstemp(file), "w");
    const char *set[] = { trace, "arrivals.format=csv", "arrivals.lengths=trace" };
    struct engine_out o;

    fprintf(f, "at,prompt_tokens,output_tokens\n");
    for (int i = 0; i < 4; i++) fprintf(f, "%d,%d,%d\n", 10 * i, tokens[i][0], tokens[i][1]);
    fclose(f);
    snprintf(trace, sizeof trace, "arrivals={trace: %s}", file);
    o = go("cloud_only", DUO_NET_FLUID, 3, set);
    CHECK_INT(o.n, 4);
    for (int i = 0; i < o.n && i < 4; i++) {
        CHECK_INT(o.request[i].prompt_tokens, tokens[i][0]);
        CHECK_INT(o.request[i].answer_tokens, tokens[i][1]);
        CHECK_NEAR(o.request[i].arrived, 10 * i, 1e-12);
    }
    engine_free(&o);
    unlink(file);
}

int main(void)
{
    trace_lengths();
    lone_request();
    conservation();
    speculation();
    hidden_states();
    limits();
    residence();
    both_networks();
    bounds();
    return check_done();
}
