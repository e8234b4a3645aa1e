/* law_hostile.c - what a run books when things go wrong, by hand.
 *
 * (1) Outages may overlap: a link is up again when the last one of them is over.
 * (2) A run that is cut off: what its pending requests pay for is what servers, links and devices booked, also of the
 *     iteration that is running just then.
 * (3) A place that is an API needs no hardware; a place on the device is refused. */
#include "tests/engine.h"

#define WORLD(until, outages, places)                                                                                       \
    "name: hostile\nseed: 1\n" until                                                                                        \
    "arrivals: { process: uniform, rate: 1/s, requests: 10 }\n"                                                             \
    "devices: { count: 10, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0, battery: 15 Wh }\n"              \
    "cells: { up: 8 Mbit/s, down: 16 Mbit/s, rtt: 40 ms, joules_up: 7.5e-7, joules_down: 1.3e-7, outages: [" outages "] }\n"                            \
    "places:\n  - { name: cloud, site: cloud, hardware: a100-80g, model: llama-3.1-8b, quant: f16, batch: 32 }\n" places    \
    "answers:\n  synthetic:\n    voices:\n      weak: { length: 100 }\n      strong: { length: 100 }\n"                     \
    "    prompt_tokens: 100\n    train: 0 %\n  roles: { device: weak, cloud: strong }\n"                                    \
    "policies:\n  - cloud_only\n  - edge_only\n  - hedged\n  - { use: draft_verify, draft: 4 }\n"

static struct engine_out go(const char *yaml, const char *label)
{
    struct engine_out o = engine_run(yaml, NULL, 0, label, 1, DUO_NET_FLUID);

    if (o.status != DUO_OK) printf("%s: %s:%d: %s\n", label, o.err.file, o.err.line, o.err.text);
    CHECK_INT(o.status, DUO_OK);
    return o;
}

/* One request a second.  The link is down from 2.5 to 8.5 s, and the end of the first outage at 4.5 s must not undo the
 * second: who sends at 4 or 5 hears nothing for the 3 s of detection and has failed.  It is all the same as one outage. */
static void overlapping(void)                              /* (1) */
{
    struct engine_out a = go(WORLD("", "{from: 2.5 s, to: 4.5 s}, {from: 3.5 s, to: 8.5 s}", ""), "cloud_only");
    struct engine_out b = go(WORLD("", "{from: 2.5 s, to: 8.5 s}", ""), "cloud_only");
    struct engine_out c = go(WORLD("", "{from: 2.5 s, to: 8.5 s}, {from: 3 s, to: 4 s}, {from: 5 s, to: 8.5 s}", ""), "cloud_only");
    int failed = 0;

    CHECK(a.n == 10 && b.n == 10 && c.n == 10);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(a.request[i].status, b.request[i].status);
        CHECK_INT(c.request[i].status, b.request[i].status);
        failed += b.request[i].status == 1;
        if (b.request[i].status == 0) CHECK_NEAR(a.request[i].e2e, b.request[i].e2e, 1e-9);
        if (a.request[i].arrived > 3.6 && a.request[i].arrived < 5.4) CHECK_INT(a.request[i].status, 1);
    }
    CHECK(failed >= 2 && failed <= 6);
    engine_free(&a), engine_free(&b), engine_free(&c);
}

static void cut_off(void)                                  /* (2) */
{
    static const char *labels[] = { "cloud_only", "edge_only", "hedged", "draft_verify" };

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const char *set[] = { "arrivals.rate=8/s", "arrivals.requests=60" };       /* several in the running iteration */
        struct engine_out o = engine_run(WORLD("until: 5.3 s\n", "", ""), set, 2, labels[i], 1, DUO_NET_FLUID);
        double up = 0, down = 0, joules = 0, link_up = 0, link_down = 0, served = 0;
        CHECK_INT(o.status, DUO_OK);
        CHECK(o.run.pending > 0);
        CHECK_INT(o.run.requests, o.run.answered + o.run.failed + o.run.pending);
        for (int k = 0; k < o.n; k++) up += o.request[k].bytes_up, down += o.request[k].bytes_down, joules += o.request[k].joules_cloud;
        for (int k = 0; k < o.n_links; k++) *(strstr(o.link[k].name, ".up") ? &link_up : &link_down) += o.link[k].bytes;
        for (int k = 0; k < o.n_servers; k++) served += o.server[k].joules;
        CHECK_NEAR(up, link_up, 1e-6 * (1 + up));
        CHECK_NEAR(down, link_down, 1e-6 * (1 + down));
        CHECK_NEAR(joules, served, 1e-9 * (1 + served));
        engine_free(&o);
    }
}

static void places(void)                                   /* (3) */
{
    struct engine_out o = engine_run(WORLD("", "", "  - { name: gpt, site: api, model: gpt-4-1106-preview }\n"), NULL, 0, "cloud_only", 1, DUO_NET_FLUID);

    CHECK_INT(o.status, DUO_OK);
    engine_free(&o);
    o = engine_run(WORLD("", "", "  - { name: npu, site: device, hardware: l4, model: llama-3.2-1b, quant: q4_0 }\n"), NULL, 0, "cloud_only", 1, DUO_NET_FLUID);
    CHECK_INT(o.status, DUO_BAD_INPUT);
    CHECK(strstr(o.err.text, "expected edge, cloud or api") != NULL);
}

int main(void)
{
    overlapping();
    cut_off();
    places();
    return check_done();
}
