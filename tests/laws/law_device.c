/* law_device.c - a request's own device against arithmetic (sim/device.h, by requirement).
 *
 * (2) What has flowed out of a battery when it is empty is what was in it and what flowed in.
 * (3) The instant of death, and which requests it fails, beside a timeline of iterations put together here.
 * (4) A cold model is loaded once; who waits, waits for the rest.
 * (5) A background takes its share: all takes 1 / (1 - share) as long, at the same joules.
 * Numbers that are not known are asked for by name. */
#include "tests/engine.h"

static const char BASE[] =
    "name: device\n"
    "seed: 1\n"
    "arrivals: { process: uniform, rate: 0.05/s, requests: 12 }\n"
    "devices: { count: 1, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0 }\n"
    "cells: { up: 8 Mbit/s, down: 16 Mbit/s, rtt: 40 ms, joules_up: 0, joules_down: 0 }\n"
    "places: [ { name: cloud, site: cloud, hardware: a100-80g, model: llama-3.1-8b, quant: f16 } ]\n"
    "answers:\n"
    "  synthetic:\n"
    "    voices: { weak: { length: 60 }, strong: { length: 60 } }\n"
    "    prompt_tokens: 700\n"                             /* two chunks of a device's budget */
    "    train: 0 %\n"
    "  roles: { device: weak, cloud: strong }\n"
    "policies: [ edge_only, cloud_only ]\n";

static struct engine_out go(const char *label, const char *const *set)
{
    int n = 0;
    struct engine_out o;

    while (set && set[n]) n++;
    o = engine_run(BASE, set, n, label, 1, DUO_NET_FLUID);
    return o;
}
#define GO(label, ...) go(label, (const char *const[]){ __VA_ARGS__, NULL })

static struct duo_cost *phone(void)
{
    struct duo_cost *c;
    struct duo_err err = { 0 };

    if (duo_cost_new(&c, engine_catalogue, &(struct duo_cost_spec){ .model = "llama-3.2-1b", .hardware = "snapdragon-8-gen-3", .quant = "q4_0" }, &err)) { printf("%s\n", err.text); abort(); }
    return c;
}

/* One iteration more; *at and *joules go on.  Where `left` runs out in it: the date, else NAN. */
static double step(const struct duo_cost *c, double fresh, double cached, double logits, double charge, double *at, double *left)
{
    struct duo_growth growth;
    struct duo_load l = c->kind->item(c, fresh, cached, 0, c->facts.layers, logits, &growth);
    struct duo_price p = c->kind->price(c, &l, 0, c->facts.layers);
    double flow = p.joules / p.seconds - charge, end = *left / flow;

    if (flow > 0 && end <= p.seconds) return *at + end;
    *at += p.seconds, *left -= flow * p.seconds;
    return NAN;
}

static double rest(double watts, double until, double *at, double *left)
{
    double end = *left / watts;

    if (watts > 0 && *at + end <= until) return *at + end;
    *left -= watts * (until - *at), *at = until;
    return NAN;
}

/* When it dies, by the iterations of each request, one after the other; *answered before. */
static double death(const struct engine_out *plain, double battery, double charge, int *answered)
{
    struct duo_cost *c = phone();
    double at = 0, left = battery, dead = NAN;

    *answered = 0;
    for (int i = 0; i < plain->n && isnan(dead); i++) {
        dead = rest(c->facts.idle_watts - charge, plain->request[i].arrived, &at, &left);
        if (isnan(dead)) dead = step(c, 512, 0, 0, charge, &at, &left);
        if (isnan(dead)) dead = step(c, 188, 512, 1, charge, &at, &left);
        for (int k = 1; k < 60 && isnan(dead); k++) dead = step(c, 1, 700 + k - 1, 1, charge, &at, &left);
        if (isnan(dead)) ++*answered;
    }
    c->kind->free(c);
    return dead;
}

static void batteries(void)                                /* (2) (3) */
{
    struct engine_out plain = GO("edge_only", "devices.battery=mains");
    static const double of[] = { 12, 21.7, 35, 44.4, 60, 83, 95 };

    CHECK(plain.n == 12 && plain.request[11].status == 0);
    for (size_t k = 0; k < 2 * (sizeof of / sizeof *of); k++) {
        double charge = k % 2 ? 0.2 : 0, at, out;
        char battery[60], flow[60];
        int answered;
        snprintf(battery, sizeof battery, "devices.battery=%g J", of[k / 2]), snprintf(flow, sizeof flow, "devices.charge=%g W", charge);
        struct engine_out o = GO("edge_only", battery, flow);
        CHECK_INT(o.status, DUO_OK);
        at = death(&plain, of[k / 2], charge, &answered);
        out = o.device[0].joules + o.device[0].idle_joules;
        printf("%5.1f J, %.1f W: dead at %.6f s, %d answered; out %.9f J, in %.9f\n", of[k / 2], charge, at, answered, out, of[k / 2] + charge * at);
        CHECK(at > 0);
        CHECK_INT(o.device[0].dead, 1);
        CHECK_INT(o.run.answered, answered);
        CHECK_INT(o.run.failed, 12 - answered);
        for (int i = 0; i < o.n; i++) CHECK_INT(o.request[i].status, i < answered ? 0 : 1);
        CHECK_NEAR(out, of[k / 2] + charge * at, 1e-7 * out);
        engine_free(&o);
    }
    engine_free(&plain);
}

static void charger(void)                                  /* (2): more flows in than any work takes; full, it takes in no more */
{
    struct engine_out o = GO("edge_only", "devices.battery=5 J", "devices.charge=60 W");

    CHECK_INT(o.status, DUO_OK);
    CHECK_INT(o.device[0].dead, 0);
    CHECK_INT(o.run.answered, 12);
    engine_free(&o);
}

static void nobody_looks(void)                             /* (3): no work, no request at the end; dies at E / (idle - charge) */
{
    struct duo_cost *c = phone();
    double idle = c->facts.idle_watts, died = 60 / idle;
    char battery[60], flow[60];
    struct engine_out o = GO("cloud_only", "arrivals.requests=300", "arrivals.rate=1/s", "devices.battery=60 J");

    CHECK_INT(o.status, DUO_OK);
    CHECK_INT(o.device[0].dead, 1);
    CHECK_NEAR(o.device[0].idle_joules, 60, 1e-7);
    for (int i = 0; i < o.n; i++)
        if (o.request[i].arrived > died) CHECK_INT(o.request[i].status, 1);
        else if (o.request[i].arrived < died - 5) CHECK_INT(o.request[i].status, 0);
    engine_free(&o);
    snprintf(flow, sizeof flow, "devices.charge=%g W", 2 * idle), snprintf(battery, sizeof battery, "devices.battery=60 J");
    o = GO("cloud_only", "arrivals.requests=300", "arrivals.rate=1/s", battery, flow);
    CHECK_INT(o.device[0].dead, 0);                        /* more in than out */
    CHECK_INT(o.run.answered, 300);
    engine_free(&o);
    c->kind->free(c);
}

static void cold(void)                                     /* (4) */
{
    struct engine_out warm = GO("edge_only", "arrivals.requests=3"), one = GO("edge_only", "arrivals.requests=3", "devices.load=cold", "devices.load_time=3 s");
    struct duo_cost *c = phone();

    for (int i = 0; i < 3; i++) CHECK_NEAR(one.request[i].ttft - warm.request[i].ttft, i == 0 ? 3 : 0, 1e-9);
    CHECK_NEAR(one.request[0].joules_device - warm.request[0].joules_device, 3 * c->facts.busy_watts, 1e-9);
    engine_free(&one);
    one = GO("edge_only", "arrivals.requests=3", "devices.load=cold");
    CHECK_NEAR(one.request[0].ttft - warm.request[0].ttft, c->facts.weight_bytes / 2e9, 1e-9);         /* its storage's 2 GB/s */
    engine_free(&warm), engine_free(&one);
    /* two at once: in two slots both wait; in one the second waits for the first alone */
    for (int slots = 1; slots <= 2; slots++) {
        char of[60];
        snprintf(of, sizeof of, "devices.slots=%d", slots);
        warm = GO("edge_only", "arrivals={process: at_once, requests: 2}", of);
        one = GO("edge_only", "arrivals={process: at_once, requests: 2}", of, "devices.load=cold", "devices.load_time=3 s");
        for (int i = 0; i < 2; i++) CHECK_NEAR(one.request[i].e2e - warm.request[i].e2e, 3, 1e-9);
        engine_free(&warm), engine_free(&one);
    }
    /* comes 1 s after the first, while that loads: waits for 2 s more */
    warm = GO("edge_only", "arrivals.rate=1/s", "arrivals.requests=2", "answers.synthetic.prompt_tokens=200", "devices.slots=2", "devices.load=cold",
              "devices.load_time=3 s");
    CHECK_NEAR(warm.request[1].arrived + warm.request[1].ttft, warm.request[0].arrived + warm.request[0].ttft, 1e-9);   /* in the same iterations */
    engine_free(&warm);
    c->kind->free(c);
}

static void background(void)                               /* (5) */
{
    struct engine_out a = GO("edge_only", "arrivals.requests=2"), b = GO("edge_only", "arrivals.requests=2", "devices.background=60 %");
    struct duo_cost *c = phone();
    double busy = c->facts.busy_watts, idle = c->facts.idle_watts, died;

    for (int i = 0; i < 2; i++) {
        CHECK_NEAR(b.request[i].ttft, a.request[i].ttft / 0.4, 1e-9);
        CHECK_NEAR(b.request[i].e2e, a.request[i].e2e / 0.4, 1e-9);
        CHECK_NEAR(b.request[i].joules_device, a.request[i].joules_device, 1e-9);
    }
    engine_free(&a), engine_free(&b);
    died = 60 / (idle + 0.6 * (busy - idle));              /* others drain it */
    b = GO("cloud_only", "arrivals.requests=100", "arrivals.rate=1/s", "devices.battery=60 J", "devices.background=60 %");
    for (int i = 0; i < b.n; i++)
        if (b.request[i].arrived > died) CHECK_INT(b.request[i].status, 1);
        else if (b.request[i].arrived < died - 3) CHECK_INT(b.request[i].status, 0);
    CHECK_INT(b.device[0].dead, 1);
    engine_free(&b);
    c->kind->free(c);
}

static void unknown(void)
{
    struct engine_out o = GO("edge_only", "devices.hardware=apple-a14", "devices.battery=10 Wh");
    CHECK_INT(o.status, DUO_BAD_INPUT);
    CHECK_INT(o.err.line, 4);
    CHECK_HAS(o.err.text, "the busy power of apple-a14 is not known, and a battery needs it; set it in cost: {load_watts: ...}");
    o = GO("edge_only", "devices.hardware=apple-a14", "devices.battery=10 Wh", "devices.cost={load_watts: 4 W}");
    CHECK_INT(o.status, DUO_BAD_INPUT);
    CHECK_HAS(o.err.text, "the idle power of apple-a14 is not known, and a battery needs it; set it in cost: {idle_watts: ...}");
}

int main(void)
{
    unknown();
    batteries();
    charger();
    nobody_looks();
    cold();
    background();
    return check_done();
}
