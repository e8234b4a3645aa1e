/* test_domain.c - models/cost/domain.h (1) to (3), and sim/vouch.h (2): what a run says of itself. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/cost/domain.h"
#include "tests/engine.h"

static const char HEAD[] = "gate,claim,hardware,runtimes,quants,gpus_low,gpus_high,parameters_low,parameters_high,batch_low,batch_high,prompt_low,"
                           "prompt_high,output_low,output_high,metric,median_error,mark,held,date\n";
static char dir[64];

static void write_file(const char *rows)
{
    char path[128];
    snprintf(path, sizeof path, "%s/domains.csv", dir);
    FILE *out = fopen(path, "w");
    fprintf(out, "%s%s", HEAD, rows);
    fclose(out);
}

static struct duo_domains *open_rows(const char *rows, struct duo_err *err)
{
    struct duo_domains *d = NULL;
    *err = (struct duo_err){ 0 };
    write_file(rows);
    duo_domains_open(&d, dir, err);
    return d;
}

static struct duo_facts facts(const char *hardware, const char *class, const char *runtime, const char *quant, double parameters, int gpus)
{
    struct duo_facts f = { .parameters = parameters, .gpus = gpus };
    snprintf(f.hardware, sizeof f.hardware, "%s", hardware);
    snprintf(f.class, sizeof f.class, "%s", class);
    snprintf(f.runtime, sizeof f.runtime, "%s", runtime);
    snprintf(f.quant, sizeof f.quant, "%s", quant);
    return f;
}

static void says(const struct duo_domains *d, struct duo_facts f, double batch, double prompt, double output, bool inside, const char *text)
{
    char got[256];
    bool is = duo_domains_inside(d, DUO_DOMAIN_TIME, &(struct duo_domain_use){ &f, batch, prompt, output }, got, sizeof got);
    CHECK_INT(is, inside);
    CHECK_TEXT(got, text);
}

static void covered_or_not(void)
{
    struct duo_err err;
    struct duo_domains *d = open_rows("edge_decode,time,phone;pi5,llama.cpp,q4_0;q8_0,1,1,1e8,8e9,1,1,1,512,1,256,tokens/s,0.12,0.18,1,2026-11-21\n"
                                      "vllm_e2e,time,dc-gpu,vllm,,1,2,1e9,1e11,1,256,1,4096,1,2048,E2E,0.041,0.06,1,2026-11-21\n"
                                      "vllm_large,time,dc-gpu,vllm,,4,8,,,,,,,,,E2E,0.21,0.06,0,2026-11-21\n", &err);
    CHECK_TEXT(err.text, "");
    if (!d) return;
    struct duo_facts phone = facts("pixel-9", "phone", "llama.cpp", "q4_0", 1.2e9, 0), gpu = facts("h100-sxm", "dc-gpu", "vllm", "fp8", 7e10, 2);
    says(d, phone, 1, 100, 100, true, "edge_decode (median error of tokens/s 12 %)");
    says(d, facts("pi5", "sbc", "llama.cpp", "q8_0", 1e8, 1), 1, 512, 256, true, "edge_decode (median error of tokens/s 12 %)");      /* by name, at the bounds */
    says(d, gpu, 64, 300, 200, true, "vllm_e2e (median error of E2E 4.1 %)");
    says(d, facts("tpu-v5e", "tpu", "vllm", "fp8", 7e10, 8), 1, 100, 100, false, "no gate covers tpu-v5e (tpu)");
    says(d, facts("tpu-v5e", "", "vllm", "fp8", 7e10, 8), 1, 100, 100, false, "no gate covers tpu-v5e");
    says(d, facts("pixel-9", "phone", "mlc", "q4_0", 1e9, 1), 1, 100, 100, false, "no gate covers mlc on pixel-9");
    says(d, facts("pixel-9", "phone", "", "q4_0", 1e9, 1), 1, 100, 100, false, "no gate covers an unnamed runtime on pixel-9");
    says(d, facts("pixel-9", "phone", "llama.cpp", "q4", 1e9, 1), 1, 100, 100, false, "no gate covers q4 on pixel-9");    /* no part of a word */
    says(d, facts("h100-sxm", "dc-gpu", "vllm", "fp8", 7e10, 3), 1, 100, 100, false, "no gate covers tensor-parallel 3 on h100-sxm");
    says(d, facts("h100-sxm", "dc-gpu", "vllm", "fp8", 4e11, 2), 1, 100, 100, false, "no gate covers a model of 4e+11 parameters on h100-sxm");
    says(d, facts("h100-sxm", "dc-gpu", "vllm", "fp8", NAN, 2), 1, 100, 100, false, "no gate covers a model of unknown size on h100-sxm");   /* (2) */
    says(d, gpu, 300, 100, 100, false, "no gate covers a batch of 300 on h100-sxm");
    says(d, gpu, 1, 5000, 100, false, "no gate covers prompts of 5000 tokens on h100-sxm");
    says(d, gpu, 1, 500, NAN, false, "no gate covers a run without answers on h100-sxm");
    says(d, gpu, 1, 500, 2049, false, "no gate covers answers of 2049 tokens on h100-sxm");
    gpu.gpus = 8;
    says(d, gpu, 1, 500, 100, false, "gate vllm_large missed its mark (21 %, wanted 6 %)");                              /* (3) */
    char text[256];
    CHECK(!duo_domains_inside(d, DUO_DOMAIN_ENERGY, &(struct duo_domain_use){ &phone, 1, 100, 100 }, text, sizeof text));
    CHECK_TEXT(text, "no gate covers pixel-9 (phone)");
    duo_domains_free(d);
    d = open_rows("", &err);                                   /* no gate, no claim */
    says(d, phone, 1, 100, 100, false, "no gate covers pixel-9 (phone)");
    duo_domains_free(d);
}

static void bad_files(void)
{
    static const struct { const char *row, *text; } bad[] = {
        { ",time,phone,,,,,,,,,,,,,E2E,0.1,0.2,1,2026\n", "expected a gate" },
        { "g,speed,phone,,,,,,,,,,,,,E2E,0.1,0.2,1,2026\n", "claim: expected time or energy; got 'speed'" },
        { "g,time,phone,,,x,,,,,,,,,,E2E,0.1,0.2,1,2026\n", "gpus_low" },
        { "g,time,phone,,,,,,,-1,,,,,,E2E,0.1,0.2,1,2026\n", "batch_low: expected 0 or more" },
        { "g,time,phone,,,,,,,,,,,,,E2E,0.1,0.2,yes,2026\n", "held: expected 0 or 1; got 'yes'" },
    };
    struct duo_err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(open_rows(bad[i].row, &err) == NULL);
        CHECK_INT(err.status, DUO_BAD_INPUT);
        CHECK_INT(err.line, 2);
        CHECK_HAS(err.text, bad[i].text);
    }
    char path[128];
    struct duo_domains *d = NULL;
    snprintf(path, sizeof path, "%s/domains.csv", dir);
    unlink(path);
    err = (struct duo_err){ 0 };
    CHECK(duo_domains_open(&d, dir, &err) != DUO_OK && d == NULL);
    char folder[4096];
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_share_dir(DUO_SHARE_CALIBRATION, folder, sizeof folder, &err), DUO_OK);     /* what ships can be read */
    CHECK_INT(duo_domains_open(&d, folder, &err), DUO_OK);
    CHECK_TEXT(err.text, "");
    if (d) duo_domains_free(d);
}

/* ---- runs: only what worked is asked about, with what it did ---- */

static const char YAML[] =
    "name: domain\n"
    "arrivals: { process: at_once, requests: 4 }\n"
    "devices: { count: 4, hardware: snapdragon-8-gen-3, model: llama-3.2-1b, quant: q4_0, name: phone }\n"
    "cells: { up: 100 Mbit/s, down: 100 Mbit/s, rtt: 20 ms }\n"
    "places: [ { name: cloud, hardware: h100-sxm, model: llama-3.1-8b, quant: fp8 } ]\n"
    "answers: { synthetic: { voices: { v: { length: 20 } }, prompt_tokens: 50 }, roles: { phone: v, cloud: v } }\n"
    "policies: [ edge_only, cloud_only ]\n";

static void run_says(const char *rows, const char *label, const char *text)
{
    struct duo_err err;
    engine_domains = open_rows(rows, &err);
    struct engine_out o = engine_run(YAML, NULL, 0, label, 1, DUO_NET_FLUID);
    CHECK_INT(o.status, DUO_OK);
    CHECK_TEXT(o.run.domain, text);
    engine_free(&o);
    duo_domains_free(engine_domains);
    engine_domains = NULL;
}

static void runs(void)
{
#define PHONE "decode,time,snapdragon-8-gen-3,,,,,,,,,,,,,tokens/s,0.1,0.2,1,2026\n"
    run_says("", "edge_only", "outside: phone: no gate covers snapdragon-8-gen-3 (phone)");
    run_says(PHONE, "edge_only", "outside: joules of phone: no gate covers snapdragon-8-gen-3 (phone) | inside: phone: decode (median error of tokens/s 10 %)");
    run_says(PHONE "watts,energy,phone,,,,,,,,,,,,,J/token,0.1,0.2,1,2026\n", "edge_only", "inside: phone: decode (median error of tokens/s 10 %)");
    run_says(PHONE, "cloud_only", "outside: cloud: no gate covers h100-sxm (dc-gpu)");
    run_says("e2e,time,dc-gpu,,,,,,,1,3,,,,,E2E,0.1,0.2,1,2026\nwatts,energy,dc-gpu,,,,,,,,,,,,,J/token,0.1,0.2,1,2026\n", "cloud_only",
             "outside: cloud: no gate covers a batch of 4 on h100-sxm | inside: joules of cloud: watts (median error of J/token 10 %)");
    run_says("e2e,time,dc-gpu,,,,,,,1,4,50,50,20,20,E2E,0.1,0.2,1,2026\ne2e,time,dc-gpu,,,,,,,1,4,,,,,TTFT,0.2,0.2,1,2026\nwatts,energy,dc-gpu,,,,,,,,,,,,,J/token,0.1,0.2,1,2026\n", "cloud_only",
             "inside: cloud: e2e (median error of E2E 10 %, of TTFT 20 %)");
    struct engine_out o = engine_run(YAML, NULL, 0, "cloud_only", 1, DUO_NET_FLUID);     /* nobody asked */
    CHECK_TEXT(o.run.domain, "");
    engine_free(&o);
}

int main(void)
{
    snprintf(dir, sizeof dir, "/tmp/domains-%ld", (long)getpid());
    mkdir(dir, 0700);
    covered_or_not();
    bad_files();
    runs();
    char path[128];
    snprintf(path, sizeof path, "%s/domains.csv", dir);
    unlink(path);
    rmdir(dir);
    return check_done();
}
