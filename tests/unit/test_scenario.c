/* test_scenario.c - what sim/scenario.h reads from a good file, by requirement number. */
#include "policies/policy.h"
#include "tests/unit/scenario_text.h"

/* ---- (5) what is read, field by field --------------------------------------------------------------- */

static void test_defaults(void)
{
    char *text = base_text(MORE, "# all else by default");
    struct duo_plan plan = good(text, NULL, 0);
    const struct duo_scenario *s = plan.variants;
    CHECK_INT(plan.n_variants, 1);
    CHECK_TEXT(s->variant, "");
    CHECK_TEXT(s->note, "");
    CHECK_INT(s->n_seeds, 1);
    CHECK_INT(s->seeds[0], 1);
    CHECK_INT(s->arrivals.kind, DUO_POISSON);
    CHECK_NEAR(s->arrivals.rate_scale, 1, 0);
    CHECK_NEAR(s->arrivals.think, 10, 0);
    CHECK(!s->arrivals.trace && !s->arrivals.trace_lengths && !s->arrivals.shuffle);
    CHECK_INT(s->n_devices, 1);
    CHECK_TEXT(s->devices[0].name, "device");
    CHECK_NEAR(s->devices[0].share, 1, 0);
    CHECK_INT(s->devices[0].slots, 1);
    CHECK(isinf(s->devices[0].battery));
    CHECK_INT(s->cells.count, 1);
    CHECK_NEAR(s->cells.up.rate, 1.25e6, 0);
    CHECK_NEAR(s->cells.jitter, 0, 0);
    CHECK(!s->cells.radio);
    CHECK_NEAR(s->cells.joules_up, NAN, 0);
    CHECK_NEAR(s->cells.joules_down, NAN, 0);
    CHECK(isinf(s->wan.up.rate) && isinf(s->wan.down.rate));
    CHECK_NEAR(s->wan.rtt.mean, 0, 0);
    CHECK_NEAR(s->transport.message, 300, 0);
    CHECK_NEAR(s->transport.token, 60, 0);
    CHECK_NEAR(s->transport.trips, 0, 0);
    CHECK(isinf(s->transport.idle));
    CHECK_NEAR(s->transport.detect, 3, 0);
    CHECK_INT(s->places[0].site, DUO_SITE_CLOUD);
    CHECK_INT(s->places[0].slots, 64);
    CHECK_INT(s->places[0].budget, 2048);
    CHECK_INT(s->places[0].replicas, 1);
    CHECK_INT(s->places[0].tensor_parallel, 1);
    CHECK_NEAR(s->places[0].kv_tokens, 0, 0);
    CHECK_NEAR(s->answers.synthetic.slope, 1.7, 0);
    CHECK_NEAR(s->answers.synthetic.tie, 0.3, 0);
    CHECK_NEAR(s->answers.synthetic.voices[0].ability, -0.5, 0);
    CHECK_NEAR(s->answers.synthetic.voices[1].auc, 0.75, 0);
    CHECK_INT(s->answers.synthetic.prompt_bytes.kind, DUO_FIXED);
    CHECK_NEAR(s->answers.synthetic.prompt_bytes.a, 0, 0);
    CHECK_INT(s->answers.synthetic.prompt_tokens.kind, DUO_UNIFORM);
    CHECK_INT(s->policies[0].seat, -1);
    CHECK(isinf(s->until) && isinf(s->slo_ttft) && isinf(s->slo_e2e) && isinf(s->slo_tpot));
    CHECK_NEAR(s->status, 1, 0);
    CHECK_NEAR(s->warmup, 0, 0);
    CHECK_INT(s->max_tokens, 0);
    CHECK_INT(s->fluid_above, 1500);
    CHECK_INT(s->policies[1].at.line, 7);
    CHECK_INT(s->policies[1].at.column, 24);
    duo_plan_free(&plan);
    free(text);

    text = base_text(NAME, "note: a scenario without a name has its file's");
    plan = good(text, NULL, 0);
    CHECK_TEXT(plan.variants[0].name, "s");
    duo_plan_free(&plan);
    free(text);
}

static void test_full_world(const struct duo_scenario *s)
{
    char trace[80];
    snprintf(trace, sizeof trace, "%s/lte.up", folder);
    CHECK_TEXT(s->name, "everything");
    CHECK_TEXT(s->note, "free text: with a colon");
    CHECK_INT(s->n_seeds, 5);
    CHECK_INT(s->seeds[3], 6);
    CHECK_INT(s->seeds[4], 9);
    CHECK_INT(s->arrivals.kind, DUO_GAMMA);
    CHECK_NEAR(s->arrivals.rate, 2, 1e-12);
    CHECK_NEAR(s->arrivals.cv, 2.5, 0);
    CHECK_INT(s->arrivals.requests, 500);
    CHECK(s->arrivals.shuffle);
    CHECK_NEAR(s->arrivals.speech, 3, 0);
    CHECK_NEAR(s->arrivals.piece, 0.4, 0);
    CHECK(s->arrivals.as_spoken && s->reserved);
    CHECK_INT(s->arrivals.at.line, 4);
    CHECK_INT(s->arrivals.at.column, 11);
    CHECK_INT(s->n_devices, 2);
    CHECK_TEXT(s->devices[0].name, "phone");
    CHECK_NEAR(s->devices[0].share, 0.5, 1e-12);         /* 0.3 and 0.3, brought to 1 */
    CHECK_INT(s->devices[0].count, 70);
    CHECK_TEXT(s->devices[0].hardware, "snapdragon-8-gen-3");
    CHECK_TEXT(s->devices[0].model, "llama-3.2-1b");
    CHECK_TEXT(s->devices[0].quant, "q4_0");
    CHECK_INT(s->devices[0].slots, 2);
    CHECK_NEAR(s->devices[0].battery, 54000, 1e-9);
    CHECK(!s->devices[1].quant);
    CHECK_TEXT(s->devices[0].region, "france");
    CHECK_NEAR(s->devices[0].energy_price, 1e-7, 1e-20);
    CHECK(isnan(s->devices[1].energy_price) && !s->devices[1].region);
    CHECK_NEAR(s->cells.price, 5e-9, 1e-22);
    CHECK_INT(s->devices[1].n_over, 4);
    CHECK_TEXT(s->devices[1].over[0].key, "bandwidth");
    CHECK_NEAR(s->devices[1].over[0].value, 20e9, 1);
    CHECK_NEAR(s->devices[1].over[1].value, 0.003, 1e-12);
    CHECK_NEAR(s->devices[1].over[2].value, 7e10, 0);
    CHECK_NEAR(s->devices[1].over[3].value, 2.5, 1e-12); /* a key in hours keeps its hours */
    CHECK_INT(s->devices[1].over[0].line, 8);
    CHECK_INT(s->devices[1].over[0].column, 87);
    CHECK_INT(s->cells.count, 4);
    CHECK_TEXT(s->cells.up.trace, trace);
    CHECK_TEXT(s->cells.up.format, "mahimahi");
    CHECK(s->cells.up.random_offset && !s->cells.down.random_offset);
    CHECK_NEAR(s->cells.down.rate, 2.5e6, 0);
    CHECK_NEAR(s->cells.rtt.mean, 0.045, 1e-12);
    CHECK_NEAR(s->cells.jitter, 0.005, 1e-12);
    CHECK_NEAR(s->cells.joules_up, 2e-6, 0);
    CHECK_INT(s->cells.n_outages, 3);
    CHECK_INT(s->cells.outages[0].cell, 3);
    CHECK_INT(s->cells.outages[1].cell, -1);
    CHECK_NEAR(s->cells.outages[1].to, 120, 0);
    CHECK(s->cells.outages[2].wan && !s->cells.outages[1].wan);
    CHECK_NEAR(s->wan.up.rate, 125e6, 0);
    CHECK_NEAR(s->wan.down.rate, 250e6, 0);
    CHECK_NEAR(s->transport.message, 200, 0);
    CHECK_NEAR(s->transport.token, 80, 0);
    CHECK_NEAR(s->transport.trips, 2, 0);
    CHECK_NEAR(s->transport.idle, 30, 0);
    CHECK_NEAR(s->transport.detect, 2, 0);
    CHECK_INT(s->n_places, 3);
    CHECK_TEXT(s->places[0].name, "cloud");              /* comes first */
    CHECK_TEXT(s->places[1].name, "edge");
    CHECK_TEXT(s->places[2].name, "gpt");
    CHECK_INT(s->places[0].tensor_parallel, 2);
    CHECK_INT(s->places[0].replicas, 4);
    CHECK_INT(s->places[0].slots, 32);
    CHECK_NEAR(s->places[0].over[0].value, 3, 0);
    CHECK_INT(s->places[1].site, DUO_SITE_EDGE);
    CHECK_NEAR(s->places[1].background, 0.2, 1e-12);
    CHECK_NEAR(s->places[1].kv_tokens, 90000, 0);
    CHECK_INT(s->places[1].budget, 512);
    CHECK_NEAR(s->places[1].rtt, 0.002, 1e-12);
    CHECK_INT(s->places[2].site, DUO_SITE_API);
    CHECK_TEXT(s->places[2].hardware, "api");
    CHECK_TEXT(s->places[2].model, "gpt-4-1106-preview");
    CHECK_INT(s->places[2].ttft.kind, DUO_LOGNORMAL);
    CHECK_NEAR(s->places[2].ttft.a, 0.5, 0);
    CHECK_NEAR(s->places[2].ttft.b, 0.6, 0);
    CHECK_INT(s->places[2].rate.kind, DUO_UNIFORM);
    CHECK_NEAR(s->places[2].rate.b, 90, 0);
    CHECK_NEAR(s->places[2].limit, 500.0 / 60, 1e-12);
    CHECK_NEAR(s->places[2].burst, 20, 0);
    CHECK_NEAR(s->places[2].errors, 0.005, 1e-15);
    CHECK_INT(s->places[2].retries, 3);
    CHECK_NEAR(s->places[2].backoff, 2, 0);
    CHECK_NEAR(s->places[2].cache, 0, 0);
    CHECK(isinf(s->places[0].limit) && !s->places[0].api);
    CHECK_INT(s->places[0].most_replicas, 9);
    CHECK_INT(s->places[1].most_replicas, 1);
    CHECK_NEAR(s->places[0].scale_up, 3, 0);
    CHECK(isinf(s->places[0].scale_down) && isnan(s->places[1].cold_start));
    CHECK_NEAR(s->places[0].cold_start, 40, 0);
    CHECK_TEXT(s->places[0].region, "eu");
}

static void test_full_answers(const struct duo_scenario *s)
{
    const struct duo_synthetic_spec *y = &s->answers.synthetic;
    CHECK_INT(s->answers.kind, DUO_ANSWERS_SYNTHETIC);
    CHECK_INT(y->n_voices, 2);
    CHECK_TEXT(y->voices[0].name, "small");
    CHECK_NEAR(y->voices[0].ability, -0.2, 0);
    CHECK_NEAR(y->voices[0].acceptance, 0.6, 1e-12);
    CHECK_NEAR(y->voices[0].correlation, 0.2, 0);
    CHECK_INT(y->voices[0].length.kind, DUO_LOGNORMAL);
    CHECK_NEAR(y->voices[0].length.a, 130, 0);
    CHECK_NEAR(y->voices[0].length.b, 0.9, 0);
    CHECK_INT(y->voices[1].length.kind, DUO_FIXED);
    CHECK_NEAR(y->voices[1].length.a, 100, 0);
    CHECK_INT(y->voices[1].thinking.kind, DUO_UNIFORM);
    CHECK_NEAR(y->voices[1].thinking.b, 16000, 0);
    CHECK_NEAR(y->voices[0].thinking.a, 0, 0);
    CHECK_NEAR(y->slope, 2, 0);
    CHECK_NEAR(y->tie, 0.5, 0);
    CHECK_NEAR(y->prompt_tokens.b, 450, 0);
    CHECK_NEAR(y->prompt_bytes.a, 2000, 0);
    CHECK_NEAR(y->prompt_bytes.b, 42000, 0);
    CHECK_NEAR(y->bytes_per_token, 4, 0);
    CHECK_NEAR(y->train_share, 0.2, 1e-12);
    CHECK_INT(y->sessions, 3);
    CHECK_NEAR(y->router_auc, 0.7, 0);
    CHECK_INT(y->attachment, DUO_IMAGE);
    CHECK_NEAR(y->attachment_bytes, 200e3, 0);
    CHECK_NEAR(y->exit_floor, 0.3, 0);
    CHECK_NEAR(y->exit_harm, 0.8, 0);
    CHECK_INT(s->answers.n_roles, 4);
    CHECK_TEXT(s->answers.roles[2].place, "edge");
    CHECK_TEXT(s->answers.roles[2].voice, "big");
    CHECK_INT(s->answers.n_scores, 2);
    CHECK_TEXT(s->answers.scores[0].column, "score");
    CHECK_NEAR(s->answers.scores[0].seconds, 0.006, 1e-12);
    CHECK(!s->answers.scores[1].column);
}

static void test_full_policies(const struct duo_scenario *s)
{
    CHECK_INT(s->n_policies, 6);
    CHECK_TEXT(s->policies[1].label, "cascade");
    CHECK_INT(s->policies[1].n_params, 2);
    CHECK_TEXT(s->policies[1].params[0].key, "floor");
    CHECK_TEXT(s->policies[1].params[0].value, "0.75");
    CHECK_INT(s->policies[1].params[0].at.column, 28);
    CHECK_TEXT(s->policies[2].label, "three_tier");
    CHECK_INT(s->policies[2].seat, DUO_SEAT_GATEWAY);
    CHECK_TEXT(s->policies[3].of, "cascade");
    CHECK_TEXT(s->policies[4].use, "./mine.so");
    CHECK_TEXT(s->policies[4].label, "mine");
    CHECK_INT(s->policies[4].seat, DUO_SEAT_DEVICE);
    CHECK_TEXT(s->policies[5].use, "decisions");
    CHECK_TEXT(s->policies[5].params[0].value, "my.csv");
    CHECK_NEAR(s->slo_tpot, 0.05, 1e-12);
    CHECK_NEAR(s->until, 600, 0);
    CHECK_NEAR(s->warmup, 20, 0);
    CHECK_INT(s->max_tokens, 400);
    CHECK_NEAR(s->status, 0.5, 0);
    CHECK_INT(s->fluid_above, 2000);
    CHECK_INT(s->n_expect, 7);
    CHECK(!s->expect[0].label && !s->expect[0].variant && !s->expect[0].other_column);
    CHECK_INT(s->expect[0].op, DUO_EQ);
    CHECK_NEAR(s->expect[0].low, 0, 0);
    CHECK_TEXT(s->expect[1].label, "cascade");
    CHECK_TEXT(s->expect[1].column, "quality");
    CHECK_INT(s->expect[1].op, DUO_GE);
    CHECK_TEXT(s->expect[1].other_label, "edge_only");
    CHECK_NEAR(s->expect[1].factor, 1, 0);
    CHECK_NEAR(s->expect[2].factor, 1.1, 0);
    CHECK_TEXT(s->expect[2].other_column, "e2e_p50");
    CHECK_INT(s->expect[3].op, DUO_LT);
    CHECK_NEAR(s->expect[3].low, 2, 0);
    CHECK_INT(s->expect[4].op, DUO_BETWEEN);
    CHECK_NEAR(s->expect[4].low, 0.2, 1e-12);
    CHECK_NEAR(s->expect[4].high, 0.4, 0);
    CHECK(!s->expect[5].other_label);
    CHECK_TEXT(s->expect[5].other_column, "ttft_p99");
    CHECK_NEAR(s->expect[6].low, 0.15e-6, 1e-18);
}

static void test_full(void)
{
    struct duo_plan plan = good(full, NULL, 0);
    test_full_world(plan.variants);
    test_full_answers(plan.variants);
    test_full_policies(plan.variants);
    duo_plan_free(&plan);
}

static void test_recorded(void)
{
    char *text = base_text(ANSWERS, "answers: { recorded: s.csv, format: routerbench, train: 50 %, tokens: chars/4, default_tokens: 100,\n"
                                    "  accepts: { file: s.csv, drafter: small, verifier: big }, roles: { device: small },\n"
                                    "  fill: { confidence: { auc: .7 }, agreement: { acceptance: 0.6 }, length: uniform(5, 9), scores: {} } }");
    struct duo_plan plan = good(text, NULL, 0);
    const struct duo_answers_spec *a = &plan.variants[0].answers;
    char path[80];
    snprintf(path, sizeof path, "%s/s.csv", folder);
    CHECK_INT(a->kind, DUO_ANSWERS_RECORDED);
    CHECK_TEXT(a->recorded.path, path);
    CHECK_TEXT(a->recorded.format, "routerbench");
    CHECK_NEAR(a->recorded.train_share, 0.5, 0);
    CHECK_NEAR(a->recorded.chars_per_token, 4, 0);
    CHECK_INT(a->recorded.default_tokens, 100);
    CHECK_TEXT(a->recorded.accepts, path);
    CHECK_TEXT(a->recorded.accepts_drafter, "small");
    CHECK_TEXT(a->recorded.accepts_verifier, "big");
    CHECK_INT(a->fill, DUO_CAP_CONFIDENCE | DUO_CAP_AGREEMENT | DUO_CAP_LENGTH | DUO_CAP_SCORES);
    CHECK_INT(a->fill_spec.n_voices, 1);
    CHECK_NEAR(a->fill_spec.voices[0].auc, 0.7, 0);
    CHECK_NEAR(a->fill_spec.voices[0].acceptance, 0.6, 0);
    CHECK_NEAR(a->fill_spec.voices[0].correlation, 0.3, 0);
    CHECK_NEAR(a->fill_spec.voices[0].length.b, 9, 0);
    CHECK_NEAR(a->fill_spec.router_auc, 0.7, 0);
    duo_plan_free(&plan);
    free(text);
}

/* (3) */
static void test_paths(void)
{
    char *text = base_text(CELLS, "cells: { up: { trace: $DUOSIM_DATA/deep/a.trace }, down: 1 Mbit/s, rtt: 1 ms }"), want[80];
    setenv("DUOSIM_DATA", folder, 1);
    struct duo_plan plan = good(text, NULL, 0);
    snprintf(want, sizeof want, "%s/deep/a.trace", folder);
    CHECK_TEXT(plan.variants[0].cells.up.trace, want);
    CHECK_HAS(plan.variants[0].text, "$DUOSIM_DATA/deep/a.trace");     /* what is stored names no machine */
    duo_plan_free(&plan);
    unsetenv("DUOSIM_DATA");
    free(text);
    char *path, why[200];
    CHECK_INT(duo_scenario_path("a/b.yaml", "../c.csv", &path, why, sizeof why), DUO_OK);
    CHECK_TEXT(path, "a/../c.csv");
    free(path);
    CHECK_INT(duo_scenario_path("b.yaml", "c.csv", &path, why, sizeof why), DUO_OK);
    CHECK_TEXT(path, "c.csv");
    free(path);
    CHECK_INT(duo_scenario_path("a/b.yaml", "/c.csv", &path, why, sizeof why), DUO_OK);
    CHECK_TEXT(path, "/c.csv");
    free(path);
    CHECK_INT(duo_scenario_path("a/b.yaml", "$DUOSIM_DATAx/c.csv", &path, why, sizeof why), DUO_BAD_INPUT);
    CHECK(!path);
}

/* ---- (2) settings and variants ---------------------------------------------------------------------- */

static void test_sample(void)
{
    struct duo_plan plan = good(sample, NULL, 0);
    CHECK_INT(plan.n_variants, 2);
    const struct duo_scenario *wifi = &plan.variants[0], *lte = &plan.variants[1];
    CHECK_TEXT(wifi->variant, "wifi");
    CHECK_TEXT(lte->variant, "lte");
    CHECK(!wifi->cells.up.trace && !wifi->cells.up.random_offset);     /* a rate takes the trace's place */
    CHECK_NEAR(wifi->cells.up.rate, 5e6, 0);
    CHECK_NEAR(wifi->cells.rtt.mean, 0.015, 1e-12);
    CHECK_TEXT(wifi->cells.radio, "wifi");
    CHECK_INT(wifi->cells.count, 40);                                  /* what isn't named stays */
    CHECK(lte->cells.up.trace && lte->cells.up.random_offset);
    CHECK_TEXT(lte->cells.radio, "lte");
    CHECK_TEXT(lte->devices[0].name, "device1");
    CHECK_TEXT(lte->devices[1].name, "device2");
    CHECK_NEAR(lte->devices[1].share, 0.3, 1e-12);
    CHECK_INT(lte->n_seeds, 5);
    CHECK_INT(lte->answers.n_roles, 3);
    CHECK_TEXT(lte->policies[3].label, "three_tier");
    CHECK_INT(lte->n_expect, 2);
    CHECK(!strstr(lte->text, "variants") && strstr(lte->text, "lte_bus.up") && !strstr(wifi->text, "lte_bus.up"));
    duo_plan_free(&plan);
}

static void test_settings(void)
{
    const char *const set[] = { "places.cloud.replicas=2", "places.0.load=10 %", "policies.edge_only.patience=3", "policies.three_tier.weak=cloud",
                                "cells.rtt=90 ms", "devices.1.battery=5 Wh", "variants.lte.cells.jitter=2 ms", "arrivals={process: at_once, requests: 7}",
                                "seed=[3, 8]", "cells.radio=", "note=\"a: b\"", "slo.tpot=1 s", "wan.rtt=8 ms" };
    struct duo_plan plan = good(sample, set, sizeof set / sizeof *set);
    for (int v = 0; v < 2; v++) {
        const struct duo_scenario *s = &plan.variants[v];
        CHECK_INT(s->places[0].replicas, 2);
        CHECK_INT(s->places[0].slots, 64);
        CHECK_NEAR(s->places[1].background, 0.1, 1e-12);  /* the file's first item is the edge */
        CHECK_TEXT(s->policies[0].use, "edge_only");
        CHECK_INT(s->policies[0].n_params, 1);
        CHECK_TEXT(s->policies[0].params[0].value, "3");
        CHECK_TEXT(s->policies[3].params[0].value, "cloud");
        CHECK_INT(s->policies[2].n_params, 1);
        CHECK_NEAR(s->cells.rtt.mean, 0.09, 1e-12);           /* the command line has the last word */
        CHECK_NEAR(s->cells.jitter, v == 1 ? 0.002 : 0, 1e-12);
        CHECK_NEAR(s->devices[1].battery, 18000, 1e-9);
        CHECK_INT(s->arrivals.kind, DUO_AT_ONCE);
        CHECK_INT(s->arrivals.requests, 7);
        CHECK_INT(s->n_seeds, 2);
        CHECK_INT(s->seeds[1], 8);
        CHECK(!s->cells.radio);                          /* nothing removes a key */
        CHECK_TEXT(s->note, "a: b");
        CHECK_NEAR(s->slo_tpot, 1, 0);
        CHECK_NEAR(s->wan.rtt.mean, 0.008, 1e-12);
        CHECK_INT(s->cells.at.line, 7);
    }
    duo_plan_free(&plan);
}

static void test_variants(void)
{
    char *text = base_text(MORE,
        "variants:\n"
        "  'busy, slow': { places: { cloud: { load: 85 % } }, cells: { up: { trace: lte.up } }, policies: { cloud_only: { patience: 2 } } }\n"
        "  calm:\n"
        "expect: { 'busy, slow/cloud_only.quality': '> 0.2', calm/failed: 0 }");
    struct duo_plan plan = good(text, NULL, 0);
    CHECK_INT(plan.n_variants, 2);
    CHECK_TEXT(plan.variants[0].variant, "busy, slow");
    CHECK_NEAR(plan.variants[0].places[0].background, 0.85, 1e-12);
    CHECK(plan.variants[0].cells.up.trace != NULL);
    CHECK_INT(plan.variants[0].policies[1].n_params, 1);
    CHECK_INT(plan.variants[1].policies[1].n_params, 0);
    CHECK_NEAR(plan.variants[1].places[0].background, 0, 0);
    CHECK_INT(plan.variants[0].n_expect, 2);
    CHECK_TEXT(plan.variants[0].expect[0].variant, "busy, slow");
    CHECK_TEXT(plan.variants[1].expect[1].variant, "calm");
    duo_plan_free(&plan);
    free(text);
}

/* ---- what ships --------------------------------------------------------------------------------------- */

static void test_shipped(void)
{
    static const char *const ships[] = { "quickstart", "bench/million", "bench/wan", "bench/drafts", "azure_routerbench_lte" };
    static const char *const needed[] = { "azure-llm-2023-conv/AzureLLMInferenceTrace_conv.csv", "net-mahimahi-lte/Verizon-LTE-short.up",
                                          "net-mahimahi-lte/Verizon-LTE-short.down", "routerbench_sample365/outcomes.csv" };
    const char *root = getenv("DUOSIM_SOURCE");
    if (!root) {
        CHECK_SKIP("DUOSIM_SOURCE is not set: shipped scenarios are not looked at");
        return;
    }
    char name[512], *text;
    struct duo_plan plan;
    struct duo_err err = { 0 };
    snprintf(name, sizeof name, "%s/scenarios/azure_routerbench_lte.yaml", root);
    CHECK_INT(duo_plan_read(&plan, name, NULL, 0, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "set DUOSIM_DATA");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        snprintf(name, sizeof name, "%.*s", (int)(strchr(needed[i], '/') - needed[i]), needed[i]);
        make(name, true);
        make(needed[i], false);
    }
    setenv("DUOSIM_DATA", folder, 1);
    for (size_t i = 0; i < sizeof ships / sizeof *ships; i++) {
        err = (struct duo_err){ 0 };
        snprintf(name, sizeof name, "%s/scenarios/%s.yaml", root, ships[i]);
        CHECK_INT(duo_plan_read(&plan, name, NULL, 0, &err), DUO_OK);
        if (err.status != DUO_OK) duo_err_print(stdout, &err, false);
        duo_plan_free(&plan);
    }
    unsetenv("DUOSIM_DATA");

    char *keys = NULL;
    size_t n;
    FILE *out = open_memstream(&keys, &n);
    duo_scenario_keys(out);
    fclose(out);
    snprintf(name, sizeof name, "%s/scenarios/README.md", root);
    text = read_from(name);
    CHECK(text && strstr(text, keys) != NULL);           /* the manual's table is the decoder's */
    CHECK_HAS(keys, "places[].batch");
    free(text);
    free(keys);
}

int main(void)
{
    open_folder();
    test_defaults();
    test_full();
    test_recorded();
    test_paths();
    test_sample();
    test_settings();
    test_variants();
    test_shipped();
    return close_folder();
}
