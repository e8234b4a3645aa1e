/* test_money.c - sim/money.h by requirement number: what a run's dollars and grams are, against arithmetic on prices. */
#include "tests/engine.h"

static const char BASE[] =
    "name: money\n"
    "arrivals: { process: poisson, rate: 1/s, requests: 1 }\n"
    "devices: { count: 5, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0 }\n"
    "cells: { up: 8 Mbit/s, down: 16 Mbit/s, rtt: 40 ms, joules_up: 1e-6, joules_down: 1e-6 }\n"
    "places:\n"
    "  - { name: cloud, hardware: a100-80g, model: llama-3.1-8b, quant: f16, replicas: 2, tensor_parallel: 2, cost: { dollars_hour: $1.80/h } }\n"
    "  - { name: gpt, api: gpt-4-1106-preview, cost: { dollars_in: $10/Mtok, dollars_out: $30/Mtok } }\n"
    "answers:\n"
    "  synthetic:\n"
    "    voices: { weak: { ability: 0 }, strong: { ability: 1 } }\n"
    "    train: 0 %\n"
    "  roles: { device: weak, cloud: strong, gpt: strong }\n"
    "policies: [ edge_only, cloud_only, { use: cloud_only, as: gpt, at: gpt } ]\n";

static struct engine_out go(const char *label, int n, const char *const *set)
{
    struct engine_out o = engine_run(BASE, set, n, label, 1, DUO_NET_FLUID);

    if (o.status != DUO_OK) printf("%s: %s:%d: %s\n", label, o.err.file, o.err.line, o.err.text);
    CHECK_INT(o.status, DUO_OK);
    return o;
}

static void tokens(void)                                   /* (1) */
{
    struct engine_out o = go("gpt", 0, NULL);

    CHECK_NEAR(o.request[0].dollars, (double)o.request[0].prompt_tokens * 10e-6 + (double)o.request[0].answer_tokens * 30e-6, 1e-15);
    CHECK_TEXT(o.run.dollars_regime, "gpu seconds used, priced by the scenario + api list price 2023-11");
    engine_free(&o);

    /* a session: the second turn's beginning is cached, as far as the first call's input went */
    const char *set[] = { "answers.synthetic.sessions=2", "arrivals.think=1 s", "places.gpt.cost.dollars_cached=$2.50/Mtok" };
    o = go("gpt", 3, set);
    CHECK_INT(o.n, 2);
    double old = (double)o.request[0].prompt_tokens, fresh = (double)o.request[1].prompt_tokens - old;
    CHECK_NEAR(o.request[0].dollars, old * 10e-6 + (double)o.request[0].answer_tokens * 30e-6, 1e-15);
    CHECK_NEAR(o.request[1].dollars, old * 2.5e-6 + fresh * 10e-6 + (double)o.request[1].answer_tokens * 30e-6, 1e-15);
    engine_free(&o);
    const char *late[] = { "answers.synthetic.sessions=2", "arrivals.think=1 s", "places.gpt.cost.dollars_cached=$2.50/Mtok", "places.gpt.cache=none" };
    o = go("gpt", 4, late);
    CHECK_NEAR(o.request[1].dollars, (old + fresh) * 10e-6 + (double)o.request[1].answer_tokens * 30e-6, 1e-15);
    engine_free(&o);

    /* what is refused or fails costs nothing, retried or not */
    const char *failing[] = { "arrivals.requests=20", "places.gpt.errors=1", "places.gpt.retries=1" };
    o = go("gpt", 3, failing);
    CHECK_INT(o.run.failed, 20);
    for (int i = 0; i < o.n; i++) CHECK_NEAR(o.request[i].dollars, 0, 0);
    for (int i = 0; i < o.n_servers; i++)
        if (strcmp(o.server[i].place, "gpt") == 0) CHECK_INT(o.server[i].errors, 40);
    engine_free(&o);
}

static void accelerators(void)                             /* (2) */
{
    struct engine_out o = go("cloud_only", 0, NULL);
    double busy = o.server[0].busy * o.run.seconds;        /* a lone request's iterations are all its own */

    CHECK_NEAR(o.request[0].dollars, busy * 2 * 1.80 / 3600, 1e-12);
    CHECK(isnan(o.run.dollars_reserved));
    engine_free(&o);

    const char *set[] = { "money=reserved", "arrivals.requests=50", "warmup=10 s" };
    static const char *const labels[] = { "edge_only", "cloud_only" };
    for (int i = 0; i < 2; i++) {
        o = go(labels[i], 3, set);
        CHECK_NEAR(o.run.dollars_reserved, 2 * (o.run.seconds - 10) * 2 * 1.80 / 3600, 1e-12);
        for (int k = 0; k < o.n; k++) CHECK_NEAR(o.request[k].dollars, 0, 0);
        CHECK_TEXT(o.run.dollars_regime, "gpu seconds reserved, priced by the scenario + api list price 2023-11");
        engine_free(&o);
    }

    /* replicas that are not up are not reserved: one of 1..3, for what arrives is little */
    const char *range[] = { "money=reserved", "places.cloud.replicas=1..3", "places.cloud.cold_start=5 s" };
    o = go("cloud_only", 3, range);
    CHECK_NEAR(o.run.dollars_reserved, o.run.seconds * 2 * 1.80 / 3600, 1e-12);
    engine_free(&o);
}

static void other_prices(void)                             /* (3) */
{
    const char *set[] = { "cells.price=5 $/GB", "devices.energy_price=$0.36/kWh" };
    struct engine_out o = go("edge_only", 2, set);

    CHECK_NEAR(o.request[0].dollars, o.request[0].joules_device * 0.36 / 3.6e6, 1e-18);
    CHECK_TEXT(o.run.dollars_regime, "gpu seconds used, priced by the scenario + api list price 2023-11 + data $5.00/GB + device energy $0.36/kWh");
    CHECK_TEXT(o.run.provenance_money, "assumed");
    engine_free(&o);
    o = go("gpt", 2, set);
    const struct duo_row_request *r = &o.request[0];
    CHECK_NEAR(r->dollars, (double)r->prompt_tokens * 10e-6 + (double)r->answer_tokens * 30e-6 + (r->bytes_up + r->bytes_down) * 5e-9 +
               (r->joules_device + r->joules_radio) * 1e-7, 1e-15);
    CHECK(r->bytes_up > 300 && r->joules_radio > 0);
    engine_free(&o);
}

static void grams(void)                                    /* (4) */
{
    const char *set[] = { "devices.region=france", "places.cloud.region=germany" };
    struct duo_carbon france, germany;
    struct duo_err err = { 0 };
    struct engine_out o = go("cloud_only", 2, set);
    const struct duo_row_request *r = &o.request[0];

    CHECK_INT(duo_carbon_find(engine_catalogue, "france", "", 0, &france, &err), DUO_OK);
    CHECK_INT(duo_carbon_find(engine_catalogue, "germany", "", 0, &germany, &err), DUO_OK);
    CHECK(france.grams_joule > 0 && france.grams_joule < germany.grams_joule);
    CHECK_NEAR(r->grams, r->joules_cloud * germany.grams_joule + (r->joules_device + r->joules_radio) * france.grams_joule, 1e-15);
    CHECK(isnan(o.run.grams_idle_cloud));                  /* the API's is not known */
    engine_free(&o);
    o = go("edge_only", 2, set);
    CHECK_NEAR(o.request[0].grams, o.request[0].joules_device * france.grams_joule, 1e-15);
    engine_free(&o);
    o = go("edge_only", 0, NULL);
    CHECK(isnan(o.request[0].grams));
    engine_free(&o);
    o = go("cloud_only", 1, set);                          /* the cloud's region is not given */
    CHECK(isnan(o.request[0].grams));
    engine_free(&o);
    o = go("gpt", 2, set);
    CHECK(isnan(o.request[0].grams));
    engine_free(&o);
}

static void refused(void)                                  /* (4), (5) */
{
    static const struct { const char *set, *says; } bad[] = {
        { "places.gpt.cost.dollars_out=0", "places.gpt: dollars_out of gpt-4-1106-preview is 0; expected a price above 0" },
        { "places.gpt.cost.dollars_in=0", "dollars_in of gpt-4-1106-preview is 0" },
        { "places.gpt.cost.dollars_cached=0", "dollars_cached of gpt-4-1106-preview is 0" },
        { "places.cloud.cost.dollars_hour=0", "places.cloud: dollars_hour of a100-sxm is 0" },
        { "places.cloud.region=germny", "unknown region 'germny' (did you mean germany?)" },
        { "devices.region=frnce", "did you mean france?" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct engine_out o = engine_run(BASE, &bad[i].set, 1, "edge_only", 1, DUO_NET_FLUID);
        CHECK_INT(o.status, DUO_BAD_INPUT);
        CHECK_HAS(o.err.text, bad[i].says);
        CHECK(o.err.line > 0);
        engine_free(&o);
    }
    /* an accelerator without a price: unknown dollars where its seconds are used, no run where it is reserved */
    const char *set[] = { "places.cloud.hardware=laptop-cpu", "places.cloud.model=llama-3.2-1b", "places.cloud.tensor_parallel=1", "places.cloud.cost=",
                          "money=reserved" };
    struct engine_out o = engine_run(BASE, set, 4, "cloud_only", 1, DUO_NET_FLUID);
    CHECK_INT(o.status, DUO_OK);
    CHECK(o.n == 1 && isnan(o.request[0].dollars));
    engine_free(&o);
    o = engine_run(BASE, set, 4, "edge_only", 1, DUO_NET_FLUID);
    CHECK(o.n == 1 && !(o.request[0].dollars > 0));
    engine_free(&o);
    o = engine_run(BASE, set, 5, "edge_only", 1, DUO_NET_FLUID);
    CHECK_INT(o.status, DUO_BAD_INPUT);
    CHECK_HAS(o.err.text, "dollars_hour of i7-13700h is not known");
    engine_free(&o);
}

/* scale.h (1)-(3): a burst of jobs, each alone in its replica's batch of one. */
static void scaling(void)
{
    const char *set[] = { "arrivals={ process: at_once, requests: 12 }", "places.cloud.replicas=1..3", "places.cloud.batch=1", "places.cloud.cold_start=4 s",
                          "places.cloud.scale_up=2", "answers.synthetic.voices.strong.length=200", "answers.synthetic.prompt_tokens=100", "cells.up=unlimited" };
    struct engine_out o = go("cloud_only", 8, set);
    double each = NAN;
    int after[3] = { 0 };

    CHECK_INT(o.n_servers, 4);
    for (int i = 0; i < o.n; i++) if (!(o.request[i].e2e > each)) each = o.request[i].e2e;
    for (int i = 0; i < 3; i++) after[i] = (int)round(o.server[i].tokens_out / 200);
    printf("a request alone takes %.2f s; of 12 the replicas wrote %d, %d, %d\n", each, after[0], after[1], after[2]);
    CHECK_INT(after[0] + after[1] + after[2], 12);
    /* replica 0 works alone for the 4 s of the cold start; the third and the sixth that wait start one each; then all three share the rest */
    CHECK(after[0] >= (int)(4 / each) && after[1] >= 2 && after[2] >= 2);
    CHECK_NEAR(o.server[0].up, o.run.seconds, 1e-9);
    CHECK(o.server[1].up > 0 && o.server[1].up <= o.run.seconds);
    engine_free(&o);

    /* no more than the threshold wait: nobody starts */
    const char *calm[] = { "arrivals={ process: at_once, requests: 3 }", "places.cloud.replicas=1..3", "places.cloud.batch=1", "places.cloud.cold_start=4 s", "places.cloud.scale_up=2", "cells.up=unlimited" };
    o = go("cloud_only", 6, calm);
    CHECK_NEAR(o.server[1].up, 0, 0);
    engine_free(&o);

    /* a pause longer than scale_down: the second replica stops, and starts again with the next burst */
    const char *pause[] = { "arrivals={ process: uniform, rate: 2/s, requests: 60 }", "places.cloud.replicas=1..2", "places.cloud.batch=1", "places.cloud.cold_start=1 s",
                            "places.cloud.scale_up=1", "places.cloud.scale_down=2 s", "answers.synthetic.voices.strong.length=uniform(20, 300)" };
    o = go("cloud_only", 7, pause);
    CHECK(o.server[1].up > 1 && o.server[1].up < o.run.seconds);
    CHECK_INT(o.run.answered, 60);
    engine_free(&o);

    const char *unknown[] = { "places.cloud.replicas=1..3" };
    o = engine_run(BASE, unknown, 1, "cloud_only", 1, DUO_NET_FLUID);
    if (o.status != DUO_OK) CHECK_HAS(o.err.text, "cold_start is missing");      /* where the load time isn't known */
    engine_free(&o);
}

int main(void)
{
    tokens();
    accelerators();
    other_prices();
    grams();
    refused();
    scaling();
    return check_done();
}
