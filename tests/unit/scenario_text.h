/* scenario_text.h - texts of scenarios and a folder to read them from, for the tests of scenario.h. */
#ifndef DUO_TESTS_SCENARIO_TEXT_H
#define DUO_TESTS_SCENARIO_TEXT_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/scenario.h"
#include "tests/check.h"

static char folder[] = "/tmp/duosim-scenario-XXXXXX", file[64];

/* ---- help ----------------------------------------------------------------------------------------- */

static inline void write_to(const char *name, const char *text, size_t n)
{
    unlink(name);                                        /* a file that is cut off instead is flushed to the disk at once */
    FILE *out = fopen(name, "wb");
    if (!out || fwrite(text, 1, n, out) != n || fclose(out) != 0) {
        perror(name);
        exit(1);
    }
}

static inline void make(const char *name, bool is_folder)
{
    char path[640];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (is_folder) mkdir(path, 0700);
    else write_to(path, "", 0);
}

static inline char *read_from(const char *name)
{
    FILE *in = fopen(name, "rb");
    if (!in) return NULL;
    char *text = duo_new(1 << 20, 1);
    size_t n = fread(text, 1, (1 << 20) - 1, in);
    text[n] = 0;
    fclose(in);
    return text;
}

static inline enum duo_status read_text(struct duo_plan *plan, const char *text, const char *const *set, int n_set, struct duo_err *err)
{
    *err = (struct duo_err){ 0 };
    write_to(file, text, strlen(text));
    return duo_plan_read(plan, file, set, n_set, err);
}

/* Must succeed. */
static inline struct duo_plan good(const char *text, const char *const *set, int n_set)
{
    struct duo_plan plan;
    struct duo_err err;
    CHECK_INT(read_text(&plan, text, set, n_set, &err), DUO_OK);
    if (err.status != DUO_OK) duo_err_print(stdout, &err, false);
    if (plan.n_variants == 0) {
        printf("%s\n", text);
        check_done();
        exit(1);
    }
    return plan;
}

/* ---- texts ----------------------------------------------------------------------------------------- */

enum { NAME, ARRIVALS, DEVICES, CELLS, PLACES, ANSWERS, POLICIES, MORE, LINES, WHOLE };

static const char *const base[LINES] = {
    [NAME]     = "name: good",
    [ARRIVALS] = "arrivals: { process: poisson, rate: 1/s, requests: 20 }",
    [DEVICES]  = "devices: { count: 4, hardware: pi5, model: llama-3.2-1b, quant: q4_0 }",
    [CELLS]    = "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: 40 ms }",
    [PLACES]   = "places: [ { name: cloud, hardware: h100-sxm, model: llama-3.1-8b, quant: fp8 } ]",
    [ANSWERS]  = "answers: { synthetic: { voices: { small: { ability: -0.5 }, large: {} } }, roles: { device: small, cloud: large } }",
    [POLICIES] = "policies: [ edge_only, cloud_only ]",
    [MORE]     = "seed: 7",
};

static inline char *base_text(int line, const char *instead)
{
    char *text = duo_new(8192, 1), *to = text;
    for (int i = 0; i < LINES; i++) to += sprintf(to, "%s\n", i == line ? instead : base[i]);
    return text;
}

/* Every key. */
static const char full[] =
    "name: everything\n"
    "note: 'free text: with a colon'\n"
    "seed: [ 1, 4..6, 9 ]\n"
    "arrivals: { process: gamma, rate: 120/min, cv: 2.5, requests: 500, queries: shuffle, think: 4 s, speech: 3/s, prefill: as_spoken, piece: 0.4 s }\n"
    "money: reserved\n"
    "devices:\n"
    "  - { name: phone, share: 30 %, count: 70, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0, slots: 2, battery: 15 Wh, region: france, energy_price: $0.36/kWh }\n"
    "  - { name: board, share: 0.3, count: 30, hardware: pi5, model: llama-3.2-1b, cost: { bandwidth: 20 GB/s, overhead: 3 ms, flops: 7e10, dollars_hour: $2.50/h } }\n"
    "cells:\n"
    "  count: 4\n"
    "  up: { trace: lte.up, format: mahimahi, offset: random }\n"
    "  down: { rate: 20 Mbit/s }\n"
    "  rtt: 45 ms\n"
    "  jitter: 5 ms\n"
    "  joules_up: 2e-6\n"
    "  joules_down: 1e-6\n"
    "  price: 5 $/GB\n"
    "  outages: [ { from: 10 s, to: 12 s, cell: 3 }, { from: 1 min, to: 2 min }, { from: 3 s, to: 4 s, wan: true } ]\n"
    "wan: { up: 1 Gbit/s, down: { rate: 2 Gbit/s }, rtt: 30 ms }\n"
    "transport: { message: 200 B, token: 80 B, trips: 2, idle: 30 s, detect: 2 s }\n"
    "places:\n"
    "  - { name: edge, site: edge, model: qwen2.5-7b, quant: q4_0, hardware: l4, rtt: 2 ms, load: 20 %, kv_tokens: 90000, budget: 512 }\n"
    "  - { name: cloud, model: llama-3.1-70b, quant: fp8, hardware: h100-sxm, tensor_parallel: 2, replicas: 4..9, scale_up: 3, scale_down: never, cold_start: 40 s, region: eu, batch: 32, cost: { dollars_hour: 3 } }\n"
    "  - { name: gpt, api: gpt-4-1106-preview, ttft: 'lognormal(0.5 s, 0.6)', rate: 'uniform(50/s, 90/s)', limit: 500/min, burst: 20,\n"
    "      errors: 0.5 %, retries: 3, backoff: 2 s, cache: none }\n"
    "answers:\n"
    "  synthetic:\n"
    "    voices: { small: { ability: -0.2, auc: 0.8, acceptance: 60 %, correlation: 0.2, length: lognormal(130, 0.9) }, big: { length: 100, thinking: 'uniform(2000, 16000)' } }\n"
    "    slope: 2\n"
    "    tie: 0.5\n"
    "    prompt_tokens: uniform(50, 450)\n"
    "    prompt_bytes: uniform(2 kB, 42 kB)\n"
    "    bytes_per_token: 4\n"
    "    train: 20 %\n"
    "    sessions: 3\n"
    "    router_auc: 0.7\n"
    "    attachment: image\n"
    "    attachment_bytes: 200 kB\n"
    "    exit_floor: 0.3\n"
    "    exit_harm: 0.8\n"
    "  roles: { phone: small, board: small, edge: big, cloud: big }\n"
    "  scorers: { mine: { file: s.csv, column: score, seconds: 6 ms }, plain: { file: s.csv } }\n"
    "policies:\n"
    "  - edge_only\n"
    "  - { use: cascade, floor: 0.75, signal: margin }\n"
    "  - { use: cascade, as: three_tier, weak: edge, seat: gateway }\n"
    "  - { use: mix, of: cascade }\n"
    "  - { use: ./mine.so, seat: device }\n"
    "  - { decisions: { file: my.csv } }\n"
    "slo: { ttft: 1 s, e2e: 12 s, tpot: 50 ms }\n"
    "until: 10 min\n"
    "warmup: 20 s\n"
    "max_tokens: 400\n"
    "status: 500 ms\n"
    "fluid_above: 2000\n"
    "expect:\n"
    "  failed: 0\n"
    "  cascade.quality: '>= edge_only.quality'\n"
    "  three_tier.e2e_p50: '<= 1.1 * cascade.e2e_p50'\n"
    "  cascade.ttft_p99: '< 2 s'\n"
    "  edge_only.cloud_share: 20 % .. 0.4\n"
    "  mine.ttft_p50: '<= ttft_p99'\n"
    "  dollars: '> $0.15/Mtok'\n";

static const char sample[] =                              /* the design's own example */
    "name:     commuters asking an assistant\n"
    "seed:     1..5\n"
    "arrivals: { process: poisson, rate: 40/s, requests: 20000 }          # or { trace: azure.csv, format: azure, lengths: answers }\n"
    "devices:                                                             # one object or a list with shares\n"
    "  - { share: 0.7, count: 1400, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0, battery: 15 Wh }\n"
    "  - { share: 0.3, count: 600, hardware: pi5, model: llama-3.2-1b, quant: q4_0 }\n"
    "cells:    { count: 40, up: { trace: lte_bus.up, format: mahimahi, offset: random }, down: { rate: 20 Mbit/s }, rtt: 45 ms, radio: lte }\n"
    "places:                                                              # beside each request's own device\n"
    "  - { name: edge,  site: edge,  model: qwen2.5-7b, quant: q4_0, hardware: l4, replicas: 1 }\n"
    "  - { name: cloud, site: cloud, model: llama-3.1-70b, quant: fp8, hardware: h100-sxm, tensor_parallel: 2, replicas: 4, batch: 64 }\n"
    "answers:  { recorded: traces/recorded/pair.db, roles: { device: edge_model, edge: edge_model, cloud: cloud_model } }\n"
    "policies: [ edge_only, cloud_only, { use: cascade, floor: 0.75 }, { use: cascade, as: three_tier, weak: edge }, { use: draft_verify, draft: 6 } ]\n"
    "variants:                                                            # named overrides, each run with every policy; optional\n"
    "  wifi: { cells: { up: { rate: 40 Mbit/s }, down: { rate: 80 Mbit/s }, rtt: 15 ms, radio: wifi } }\n"
    "  lte:  {}\n"
    "slo:      { ttft: 1 s, e2e: 12 s }\n"
    "expect:   { failed: 0, cascade.quality: \">= edge_only.quality\" }\n";

/* A folder with what the texts name, and its end. */
static inline void open_folder(void)
{
    if (!mkdtemp(folder)) exit(1);
    unsetenv("DUOSIM_DATA");
    snprintf(file, sizeof file, "%s/s.yaml", folder);
    static const char *const folders[] = { "deep", "traces", "traces/recorded" }, *const files[] = {
        "good.yaml", "lte.up", "lte_bus.up", "s.csv", "deep/a.trace", "traces/recorded/pair.db" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) make(folders[i], true);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) make(files[i], false);
}

static inline int close_folder(void)
{
    char clean[128];
    snprintf(clean, sizeof clean, "rm -rf %s", folder);
    return system(clean) == 0 ? check_done() : 1;
}

#endif
