/* test_catalogue.c - the numbers that ship, beside where they come from; and the reader, which refuses what is wrong.
 *
 *   catalogue.h (1) units, (2) scopes, (3) names, (4) intervals, (5) draws
 *   catalogue_read.c (1)-(5) refusals with file:line:column, layers
 *   catalogue_gguf.c (1)-(4) a file's header stands for a row
 * Models: the parameters that follow from the architecture are within 1 % of the published count.
 * Hardware: every number is that of facts/hardware.csv below DUOSIM_DATA, and none that was recalled there is called documented. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/cost/catalogue.h"
#include "models/slm/gguf.h"
#include "sim/base/csv.h"
#include "tests/check.h"

static char shipped[4096], layer[] = "/tmp/duo_catalogue_XXXXXX";
static struct duo_err err;

static struct duo_catalogue *fresh(void)
{
    struct duo_catalogue *c = NULL;

    err = (struct duo_err){ 0 };
    if (duo_catalogue_open(&c, shipped, &err) != DUO_OK) duo_err_print(stdout, &err, false), abort();
    return c;
}

static const struct duo_row *row(const struct duo_catalogue *c, enum duo_table t, const char *name)
{
    const struct duo_row *r;

    err = (struct duo_err){ 0 };
    r = duo_catalogue_row(c, t, name, "s.yaml", 7, &err);
    if (!r) printf("%s\n", err.text);
    return r;
}

static double of(const struct duo_catalogue *c, enum duo_table t, const char *name, enum duo_key key)
{
    const struct duo_row *r = row(c, t, name);
    return r ? r->value[key].value : -1;
}

static void write_file(const char *name, const char *text)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", layer, name);
    if (!(f = fopen(path, "w"))) abort();
    fputs(text, f);
    fclose(f);
}

static void remove_file(const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", layer, name);
    unlink(path);
}

/* ---- what ships ---- */

static void test_models(const struct duo_catalogue *c)
{
    static const char *const due[] = {
        "smollm2-135m", "smollm2-360m", "smollm2-1.7b", "qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-7b", "qwen2.5-14b", "qwen2.5-32b", "qwen2.5-72b",
        "qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", "qwen3-30b-a3b", "llama-2-7b", "llama-2-13b", "llama-2-70b", "llama-3.2-1b",
        "llama-3.2-3b", "llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b", "gemma-2-2b", "gemma-2-9b", "gemma-2-27b", "gemma-3-270m", "gemma-3-1b", "gemma-3-4b",
        "gemma-3-12b", "gemma-3-27b", "phi-3-mini", "phi-3.5-mini", "phi-4-mini", "tinyllama-1.1b", "mistral-7b", "mixtral-8x7b", "deepseek-r1-distill-qwen-7b",
        "deepseek-r1-distill-llama-70b", "opt-6.7b", "gpt2-xl", "vicuna-68m", "vicuna-7b",
    };
    const char *const *names, *worst = "";
    int n = duo_catalogue_names(c, "models", &names);
    double largest = 0;

    for (size_t i = 0; i < sizeof due / sizeof *due; i++) CHECK(row(c, DUO_MODELS, due[i]) != NULL);
    for (int i = 0; i < n; i++) {
        const struct duo_row *r = row(c, DUO_MODELS, names[i]);
        struct duo_parameters p;
        struct duo_arch a;
        duo_row_arch(r, &a);
        duo_work_parameters(&a, &p);
        double published = r->value[DUO_KEY_parameters].value, off = fabs(p.total / published - 1);
        if (!(off <= 0.01)) printf("%s: %.0f weights by its architecture, %.0f published\n", names[i], p.total, published);
        CHECK(off <= 0.01);
        CHECK(a.head_dim > 0 && a.context > 0 && a.heads % a.kv_heads == 0);
        CHECK(a.experts == 0 || (a.active_experts > 0 && a.active_experts <= a.experts && a.expert_ffn > 0));
        CHECK(a.experts > 0 || a.ffn > 0);
        CHECK((a.window > 0) >= (a.period > 0));
        if (off > largest) largest = off, worst = names[i];
    }
    printf("%d models; weights by the architecture are furthest from the published count at %s: %.3f %%\n", n, worst, 100 * largest);
}

static void test_whole(const struct duo_catalogue *c)
{
    static const char *const tables[] = { "hardware", "models", "quants", "radios", "prices", "carbon", "runtimes" };
    static const int least[] = { 100, 80, 25, 4, 150, 20, 2 };

    for (int t = 0; t < DUO_NO_TABLE; t++) {
        const char *const *names;
        int n = duo_catalogue_names(c, tables[t], &names);
        CHECK(n >= least[t]);
        for (int i = 0; i < n; i++) {
            const struct duo_row *r = row(c, (enum duo_table)t, names[i]);
            CHECK(r && strcmp(r->name, names[i]) == 0);
            for (int k = 0; r && k < DUO_KEYS; k++) {
                const struct duo_value *v = &r->value[k];
                bool open = v->status == DUO_ASSUMED || v->status == DUO_FITTED;
                if (isnan(v->value)) continue;
                if (!(v->low <= v->value && v->value <= v->high)) printf("%s %s\n", names[i], duo_keys[k].name);
                CHECK(v->low <= v->value && v->value <= v->high);
                CHECK(v->source && *v->source && v->unit);
                CHECK(!open || v->value == 0 || v->low < v->high);
                CHECK(open || v->low == v->high);
            }
        }
    }
    /* (1): people's units */
    CHECK_NEAR(of(c, DUO_HARDWARE, "h100-sxm", DUO_KEY_bandwidth), 3.35e12, 1);
    CHECK_NEAR(of(c, DUO_HARDWARE, "h100-sxm", DUO_KEY_memory), 81559 * 1048576.0, 0);
    CHECK_NEAR(of(c, DUO_HARDWARE, "h100-sxm", DUO_KEY_fp16), 989.4e12, 1);
    CHECK_NEAR(of(c, DUO_HARDWARE, "rtxpro6000", DUO_KEY_ring_trip), 25e-6, 1e-15);
    CHECK_NEAR(of(c, DUO_PRICES, "gpt-4o-mini", DUO_KEY_dollars_in), 0.15e-6, 1e-18);
    CHECK_NEAR(of(c, DUO_PRICES, "gpt-4o-mini", DUO_KEY_context), 128000, 0);
    CHECK_INT(row(c, DUO_HARDWARE, "h100-sxm")->value[DUO_KEY_bandwidth].status, DUO_DOCUMENTED);
}

/* Each number of the facts, held against ours. */
static void test_facts(const struct duo_catalogue *c)
{
    static const struct { const char *theirs; enum duo_key ours; double factor; } keys[] = {
        { "bw", DUO_KEY_bandwidth, 1e9 }, { "bw_measured", DUO_KEY_bandwidth_measured, 1e9 }, { "mem", DUO_KEY_memory, 1073741824.0 }, { "fp32", DUO_KEY_fp32, 1e12 },
        { "fp16", DUO_KEY_fp16, 1e12 }, { "int8", DUO_KEY_int8, 1e12 }, { "tdp", DUO_KEY_tdp_watts, 1 }, { "idle", DUO_KEY_idle_watts, 1 }, { "load", DUO_KEY_load_watts, 1 },
        { "price", DUO_KEY_dollars_hour, 1 },
    };
    const char *data = getenv("DUOSIM_DATA");
    char path[4200];
    struct duo_csv *csv;
    int device, quantity, value, status, class, rows = 0;

    if (!data || (snprintf(path, sizeof path, "%s/facts/hardware.csv", data), access(path, R_OK))) {
        CHECK_SKIP("facts/hardware.csv is not there (DUOSIM_DATA)");
        return;
    }
    CHECK_INT(duo_csv_open(&csv, path, ',', &err), DUO_OK);
    duo_csv_need(csv, "device_id", &device, &err), duo_csv_need(csv, "quantity", &quantity, &err), duo_csv_need(csv, "value", &value, &err);
    duo_csv_need(csv, "status", &status, &err), duo_csv_need(csv, "class", &class, &err);
    while (duo_csv_next(csv, &err) > 0) {
        const struct duo_row *r;
        double theirs;
        if (strcmp(duo_csv_cell(csv, class), "network") == 0) continue;
        r = row(c, DUO_HARDWARE, duo_csv_cell(csv, device));
        CHECK(r != NULL);
        for (size_t i = 0; r && i < sizeof keys / sizeof *keys; i++) {
            enum duo_key key = keys[i].ours;
            if (strcmp(keys[i].theirs, duo_csv_cell(csv, quantity))) continue;
            if (key == DUO_KEY_int8 && isnan(r->value[key].value)) key = DUO_KEY_npu_int8;      /* of phones and Macs: the neural engine's */
            duo_csv_number(csv, value, &theirs, &err);
            /* accelerators' memory as their driver lists it: within 6 % of the printed one */
            CHECK_NEAR(r->value[key].value, theirs * keys[i].factor, (key == DUO_KEY_memory ? 0.07 : 1e-12) * theirs * keys[i].factor);
            CHECK(strcmp(duo_csv_cell(csv, status), "recalled") || r->value[key].status == DUO_ASSUMED || key == DUO_KEY_bandwidth_measured);
            rows++;
        }
    }
    duo_csv_close(csv);
    printf("%d numbers are those of facts/hardware.csv\n", rows);
    CHECK(rows > 400);
}

/* What the published measurements were made on is in the catalogue by the names they use; the rows that lack one are counted. */
static void test_measured(const struct duo_catalogue *c)
{
    const char *data = getenv("DUOSIM_DATA");
    char path[4200];
    struct duo_csv *csv;
    int device, model, quant, rows = 0, without = 0;

    if (!data || (snprintf(path, sizeof path, "%s/facts/measured_llm_perf.csv", data), access(path, R_OK))) {
        CHECK_SKIP("facts/measured_llm_perf.csv is not there (DUOSIM_DATA)");
        return;
    }
    CHECK_INT(duo_csv_open(&csv, path, ',', &err), DUO_OK);
    duo_csv_need(csv, "device_id", &device, &err), duo_csv_need(csv, "model", &model, &err), duo_csv_need(csv, "quant", &quant, &err);
    while (duo_csv_next(csv, &err) > 0) {
        const char *names[] = { duo_csv_cell(csv, device), duo_csv_cell(csv, model), duo_csv_cell(csv, quant) };
        bool all = duo_catalogue_find(c, DUO_HARDWARE, names[0]) && duo_catalogue_find(c, DUO_MODELS, names[1]) && duo_catalogue_find(c, DUO_QUANTS, names[2]);
        rows++, without += !all;
        if (!all) printf("not in the catalogue: %s, %s, %s\n", names[0], names[1], names[2]);
    }
    duo_csv_close(csv);
    printf("%d of %d published measurements are by names of the catalogue\n", rows - without, rows);
    CHECK(rows > 400 && without <= 3);
}

/* ---- (3) names ---- */

static void test_names(const struct duo_catalogue *c)
{
    static const struct { enum duo_table t; const char *said, *meant; } same[] = {
        { DUO_HARDWARE, "RTXPRO6000", "rtxpro6000" }, { DUO_HARDWARE, "H100", "h100-sxm" }, { DUO_HARDWARE, "a100_80g", "a100-sxm" }, { DUO_HARDWARE, "RTX 4090", "rtx4090" },
        { DUO_HARDWARE, "sd8g3", "snapdragon-8-gen-3" }, { DUO_HARDWARE, "laptop-cpu", "i7-13700h" }, { DUO_HARDWARE, "A6000", "a6000" },
        { DUO_MODELS, "Qwen/Qwen3-32B", "qwen3-32b" }, { DUO_MODELS, "meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b" }, { DUO_MODELS, "meta-llama/Llama-2-7b-chat-hf", "llama-2-7b" },
        { DUO_MODELS, "meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b" }, { DUO_MODELS, "Qwen/Qwen3-30B-A3B-Instruct-2507-FP8", "qwen3-30b-a3b" },
        { DUO_MODELS, "google/gemma-3-1b-it", "gemma-3-1b" }, { DUO_MODELS, "Llama 3.1 8B Instruct", "llama-3.1-8b" }, { DUO_MODELS, "mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-v0.3" },
        { DUO_MODELS, "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "tinyllama-1.1b" }, { DUO_MODELS, "HuggingFaceTB/SmolLM2-135M-Instruct", "smollm2-135m" },
        { DUO_MODELS, "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "deepseek-r1-distill-qwen-7b" },
        { DUO_QUANTS, "Q4_K_M", "q4_k_m" }, { DUO_QUANTS, "FP16", "f16" }, { DUO_QUANTS, "bfloat16", "bf16" }, { DUO_QUANTS, "INT4 q4f16", "q4f16" },
        { DUO_CARBON, "US", "usa" }, { DUO_RUNTIMES, "vLLM", "vllm" },
    };
    static const struct { enum duo_table t; const char *said, *part; } none[] = {
        { DUO_HARDWARE, "h200-sxn", "unknown hardware 'h200-sxn' (did you mean h200-sxm?)" }, { DUO_MODELS, "llama-3.1-9b", "did you mean llama-3.1-8b?" }, { DUO_MODELS, "Qwen/Qwen3-33B-Instruct-2507", "did you mean qwen3-32b?" },
        { DUO_QUANTS, "Q5_K_N", "did you mean q5_k_m?" }, { DUO_HARDWARE, "RTX-PRO-6001", "did you mean rtx-pro-6000?" }, { DUO_CARBON, "frnce", "did you mean france?" }, { DUO_RUNTIMES, "vlm", "did you mean vllm?" },
        { DUO_PRICES, "gpt-4o-mink", "did you mean gpt-4o-mini?" }, { DUO_MODELS, "something else altogether", "`duosim models` lists them" },
        { DUO_MODELS, "-instruct", "unknown model" }, { DUO_HARDWARE, "Qwen/H100", "unknown hardware" },
    };

    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const struct duo_row *r = row(c, same[i].t, same[i].said);
        CHECK_TEXT(r ? r->name : "none", same[i].meant);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        err = (struct duo_err){ 0 };
        CHECK(duo_catalogue_row(c, none[i].t, none[i].said, "s.yaml", 7, &err) == NULL);
        CHECK_HAS(err.text, none[i].part);
        CHECK_INT(err.line, 7);
    }
}

/* ---- the reader ---- */

#define LONG    "name,quantity,value,unit,status,low,high,source,url,note\n"
#define SCOPED  "scope,runtime,quant,quantity,value,unit,status,low,high,date,source,note\n"
#define QUANT   "name,aliases,activation,bits,head_bits,kv_bits,status,date,source,note\n"
#define PRICE   "name,aliases,dollars_in,dollars_cached,dollars_out,context,vocabulary,status,date,source,note\n"
#define DEVICES "name,title,class,site,runtime,aliases\n"
#define CARBON  "name,aliases,grams_kwh,status,date,source,note\n"
#define MODELS  "name,aliases,family,parameters,layers,width,heads,kv_heads,head_dim,ffn,vocabulary,context,tied,gated,experts,active_experts,expert_ffn," \
                "shared_ffn,dense_layers,window,period,positions,image_tokens,image_flop,audio_bytes,audio_flop,document_bytes,status,date,source,note\n"

static void test_refusals(void)
{
    static const struct { const char *file, *text; int line, column; const char *part; } bad[] = {
        { "hardware.csv", "name,quantity,value\n", 1, 0, "unit" },                                                                           /* (1) */
        { "hardware.csv", LONG "h100-sxm,bandwith,1,GB/s,assumed,,,me,,\n", 2, 10, "unknown quantity 'bandwith' (did you mean bandwidth?)" },
        { "hardware.csv", LONG "h100-sxm,compute,1,1,assumed,,,me,,\n", 2, 10, "unknown quantity 'compute'" },                               /* a runtime's */
        { "hardware.csv", LONG "h100-sxm,bandwidth,1,GBps,assumed,,,me,,\n", 2, 22, "unit 'GBps' is not known" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,1,GB,assumed,,,me,,\n", 2, 22, "bandwidth is in B/s, got GB" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,fast,GB/s,assumed,,,me,,\n", 2, 20, "number" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,,GB/s,assumed,,,me,,\n", 2, 20, "number" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,nan,GB/s,assumed,,,me,,\n", 2, 20, "number" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,-3,GB/s,assumed,,,me,,\n", 2, 20, "bandwidth is -3e+09 B/s, expected 1 to" },             /* (2) */
        { "hardware.csv", LONG "h100-sxm,dollars_hour,0,USD/h,assumed,,,me,,\n", 2, 23, "a price of 0" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,guessed,,,me,,\n", 2, 27, "got 'guessed'" },                                       /* (3) */
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,,,,me,,\n", 2, 27, "got ''" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,mesured,,,me,,\n", 2, 27, "did you mean measured?" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,assumed,1,2,me,,\n", 2, 20, "3e+09 is outside its interval [1e+09, 2e+09]" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,assumed,4,5,me,,\n", 2, 20, "outside its interval" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,assumed,2,,me,,\n", 2, 37, "come together" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,fitted,,,me,,\n", 2, 34, "a fitted value needs low and high" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,assumed,,,,,\n", 2, 37, "a source is needed" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3,GB/s,assumed,,,me,,\nH100,bandwidth,4,GB/s,assumed,,,me,,\n", 3, 6, "is there twice" },    /* (4): an alias */
        { "hardware.csv", LONG "h100-sxn,bandwidth,3,GB/s,assumed,,,me,,\n", 2, 1, "'h100-sxn' is not in devices.csv (did you mean h100-sxm?)" },
        { "hardware.csv", LONG "h100-sxm,bandwidth,3\n", 2, 0, "" },
        { "devices.csv",  DEVICES "mine,My,dc-gpu,cloud,vllm,h100\n", 2, 27, "alias 'h100' is h100-sxm, too" },
        { "devices.csv",  DEVICES "mine,My,,cloud,vllm,\n", 2, 9, "needs class, site and runtime" },
        { "models.csv",   MODELS "m,,f,,2,64,4,3,16,128,100,100,1,1,0,0,0,0,0,0,0,0,,,,,,documented,2026,me,\n", 2, 14, "4 heads don't share 3" },
        { "models.csv",   MODELS "m,,f,,2,64,4,,16,128,100,100,1,1,0,0,0,0,0,0,0,0,,,,,,documented,2026,me,\n", 2, 14, "kv_heads of m is missing" },
        { "models.csv",   MODELS "m,,f,,2.5,64,4,4,16,128,100,100,1,1,0,0,0,0,0,0,0,0,,,,,,documented,2026,me,\n", 2, 7, "layers is 2.5, expected a whole number" },
        { "models.csv",   MODELS "m,,f,,2,64,4,4,16,128,100,100,2,1,0,0,0,0,0,0,0,0,,,,,,documented,2026,me,\n", 2, 31, "tied is 2" },
        { "quants.csv",   QUANT "q,,int9,4.5,,16,documented,2026,me,\n", 2, 4, "expected fp32, fp16, fp8 or int8, got 'int9'" },
        { "quants.csv",   QUANT "q,,int8,,,16,documented,2026,me,\n", 2, 9, "bits of q is missing" },
        { "quants.csv",   QUANT "q,,int8,4,,16,documented,2026,me,\nq,,int8,4,,16,documented,2026,me,\n", 3, 1, "q is there twice" },
        { "prices.csv",   PRICE "p,,0,,1,100,,documented,2026,me,\n", 2, 4, "a price of 0: dollars_in must be above it" },
        { "prices.csv",   PRICE "p,,1,0,1,100,,documented,2026,me,\n", 2, 6, "a price of 0" },
        { "prices.csv",   PRICE "p,,1,,,100,,documented,2026,me,\n", 2, 7, "dollars_out of p is missing" },
        { "carbon.csv",   CARBON "r,,-4,documented,2026,me,\n", 2, 4, "grams_kwh is -4" },
        { "runtimes.csv", SCOPED "class:dc-gpus,vllm,,compute,0.7,1,assumed,,,2026,me,\n", 2, 1, "no device is of class 'dc-gpus'" },
        { "runtimes.csv", SCOPED "h100-sxn,vllm,,compute,0.7,1,assumed,,,2026,me,\n", 2, 1, "neither a device, class:NAME nor * (did you mean h100-sxm?)" },
        { "runtimes.csv", SCOPED "*,vllm,q9,compute,0.7,1,assumed,,,2026,me,\n", 2, 8, "'q9' is not in quants.csv" },
        { "runtimes.csv", SCOPED "*,,,compute,0.7,1,assumed,,,2026,me,\n", 2, 3, "expected a runtime, or *" },
        { "runtimes.csv", SCOPED "*,vllm,,compute,0.7,1,assumed,,,2026,me,\n*,vLLM,,compute,0.8,1,assumed,,,2026,me,\n", 3, 9, "there twice for this scope" },
        { "runtimes.csv", SCOPED "*,vllm,,bandwidth,0.7,1,assumed,,,2026,me,\n", 2, 9, "unknown quantity 'bandwidth'" },
        { "runtimes.csv", SCOPED "*,vllm,,stream,70,GB/s,assumed,,,2026,me,\n", 2, 19, "stream is in 1, got GB/s" },
        { "runtimes.csv", SCOPED "*,vllm,,stream,130,%,assumed,,,2026,me,\n", 2, 16, "stream is 1.3" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct duo_catalogue *c = fresh();
        write_file(bad[i].file, bad[i].text);
        err = (struct duo_err){ 0 };
        CHECK_INT(duo_catalogue_layer(c, layer, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.file, bad[i].file);
        CHECK_INT(err.line, bad[i].line);
        if (bad[i].column) CHECK_INT(err.column, bad[i].column);
        CHECK_HAS(err.text, bad[i].part);
        remove_file(bad[i].file);
        duo_catalogue_free(c);
    }
    struct duo_catalogue *c = fresh();
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_catalogue_layer(c, layer, &err), DUO_BAD_INPUT);        /* nothing in it */
    CHECK_HAS(err.text, "no file of a catalogue");
    duo_catalogue_free(c);
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_catalogue_open(&c, layer, &err), DUO_BAD_INPUT);        /* as a whole catalogue it lacks the rest */
}

static void test_layers(void)
{
    struct duo_catalogue *c = fresh();
    double tdp = of(c, DUO_HARDWARE, "h100-sxm", DUO_KEY_tdp_watts), bandwidth = of(c, DUO_HARDWARE, "h100-pcie", DUO_KEY_bandwidth);
    const char *const *names;
    int before = duo_catalogue_names(c, "hardware", &names), models = duo_catalogue_names(c, "models", &names);
    struct duo_value v[DUO_KEYS];
    struct duo_arch a;

    write_file("devices.csv", DEVICES "mine,My box,dc-gpu,cloud,vllm,my-box\n");
    write_file("hardware.csv", LONG "H100,bandwidth,3000,GB/s,measured,,,me,,by hand\nmine,bandwidth,100,GB/s,assumed,,,me,,\nmine,fp16,10,TFLOPS,assumed,5,20,me,,\n");
    write_file("models.csv", MODELS "llama-2-7b,,f,,2,64,4,4,16,128,100,100,1,1,0,0,0,0,0,0,0,0,,,,,,documented,2026,me,\n");
    write_file("runtimes.csv", SCOPED "mine,vllm,fp8,compute,0.1,1,assumed,,,2026,me,\n*,vllm,,attend,0.2,1,assumed,,,2026,me,\n");
    CHECK_INT(duo_catalogue_layer(c, layer, &err), DUO_OK);
    if (err.text[0]) printf("%s\n", err.text);
    CHECK_NEAR(of(c, DUO_HARDWARE, "h100-sxm", DUO_KEY_bandwidth), 3e12, 0);
    CHECK_INT(row(c, DUO_HARDWARE, "h100-sxm")->value[DUO_KEY_bandwidth].status, DUO_MEASURED);
    CHECK_TEXT(row(c, DUO_HARDWARE, "h100-sxm")->value[DUO_KEY_bandwidth].note, "by hand");
    CHECK_NEAR(of(c, DUO_HARDWARE, "h100-sxm", DUO_KEY_tdp_watts), tdp, 0);               /* the others stay */
    CHECK_NEAR(of(c, DUO_HARDWARE, "h100-pcie", DUO_KEY_bandwidth), bandwidth, 0);
    CHECK_NEAR(of(c, DUO_HARDWARE, "my_box", DUO_KEY_bandwidth), 1e11, 0);
    CHECK(isnan(of(c, DUO_HARDWARE, "mine", DUO_KEY_memory)));                            /* never another device's */
    CHECK_INT(duo_catalogue_names(c, "hardware", &names), before + 1);
    CHECK_INT(duo_catalogue_names(c, "models", &names), models);
    duo_row_arch(row(c, DUO_MODELS, "llama-2-7b"), &a);
    CHECK_INT(a.layers, 2);
    CHECK(isnan(of(c, DUO_MODELS, "llama-2-7b", DUO_KEY_parameters)));                    /* a row of a wide table is replaced whole */
    duo_catalogue_constants(c, row(c, DUO_HARDWARE, "mine"), "vLLM", "FP8", v);
    CHECK_NEAR(v[DUO_KEY_compute].value, 0.1, 0);
    CHECK_NEAR(v[DUO_KEY_attend].value, 0.2, 0);
    duo_catalogue_constants(c, row(c, DUO_HARDWARE, "h100-sxm"), "vllm", "fp8", v);
    CHECK_NEAR(v[DUO_KEY_compute].value, 0.721, 0);
    remove_file("devices.csv"), remove_file("hardware.csv"), remove_file("models.csv"), remove_file("runtimes.csv");
    duo_catalogue_free(c);
}

/* (2): each wider scope is seen where the narrower ones are silent. */
static void test_scopes(void)
{
    static const char *const rows[] = {
        "*,*,,op,1,us,assumed,,,2026,me,\n", "*,vllm,,op,2,us,assumed,,,2026,me,\n", "*,vllm,q4_0,op,3,us,assumed,,,2026,me,\n", "class:dc-gpu,*,,op,4,us,assumed,,,2026,me,\n",
        "class:dc-gpu,vllm,,op,5,us,assumed,,,2026,me,\n", "class:dc-gpu,vllm,q4_0,op,6,us,assumed,,,2026,me,\n", "l4,vllm,,op,7,us,assumed,,,2026,me,\n",
        "l4,vllm,q4_0,op,8,us,assumed,,,2026,me,\n",
    };
    enum { N = sizeof rows / sizeof *rows };
    static const char *const others = "h100-sxm,vllm,q4_0,op,90,us,assumed,,,2026,me,\nclass:phone,vllm,q4_0,op,91,us,assumed,,,2026,me,\n"
                                      "l4,llama.cpp,q4_0,op,92,us,assumed,,,2026,me,\nl4,vllm,fp8,op,93,us,assumed,,,2026,me,\n";
    struct duo_value v[DUO_KEYS];

    for (int n = 0; n <= N; n++) {                     /* the first n of them, the other way round in the file */
        struct duo_catalogue *c = fresh();
        char text[2000] = SCOPED;
        strcat(text, others);
        for (int i = n; i-- > 0;) strcat(text, rows[i]);
        write_file("runtimes.csv", text);
        CHECK_INT(duo_catalogue_layer(c, layer, &err), DUO_OK);
        duo_catalogue_constants(c, row(c, DUO_HARDWARE, "l4"), "vllm", "q4_0", v);
        CHECK_NEAR(v[DUO_KEY_op].value, n ? n * 1e-6 : NAN, 1e-18);
        duo_catalogue_constants(c, row(c, DUO_HARDWARE, "l4"), "vllm", NULL, v);
        CHECK_NEAR(v[DUO_KEY_op].value, n == 0 ? NAN : n == 3 ? 2e-6 : n == 6 ? 5e-6 : n == 8 ? 7e-6 : n * 1e-6, 1e-18);
        remove_file("runtimes.csv");
        duo_catalogue_free(c);
    }
}

static void test_peak(const struct duo_catalogue *c)
{
    static const struct { const char *device, *quant; double peak; } cases[] = {
        { "h100-sxm", "fp8", 1978.9e12 }, { "h100-sxm", "bf16", 989.4e12 }, { "a100-sxm", "fp8", 312e12 }, { "a100-sxm", "int8", 624e12 }, { "a100-sxm", "awq", 312e12 },
        { "m1", "q4_0", 2.617e12 }, { "m1", "f16", 2.617e12 }, { "pi5", "q4_0", 0.614e12 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct duo_value *v = duo_row_peak(row(c, DUO_HARDWARE, cases[i].device), row(c, DUO_QUANTS, cases[i].quant));
        CHECK_NEAR(v ? v->value : NAN, cases[i].peak, 1);
    }
    CHECK(duo_row_peak(row(c, DUO_HARDWARE, "api"), row(c, DUO_QUANTS, "f16")) == NULL);
}

/* ---- (5) draws ---- */

static void test_draws(void)
{
    enum { DRAWS = 400 };
    struct duo_catalogue *c = fresh();
    const struct duo_row *l4 = row(c, DUO_HARDWARE, "l4");
    const struct duo_value *trip = &l4->value[DUO_KEY_ring_trip], *bandwidth = &l4->value[DUO_KEY_bandwidth];
    double given = trip->value, sum = 0, first, low = INFINITY, high = 0;
    struct duo_value v[DUO_KEYS];
    const struct duo_drawn *drawn;
    bool seen = false;

    duo_catalogue_constants(c, l4, "vllm", "fp8", v);
    for (int d = 1; d <= DRAWS; d++) {
        duo_catalogue_draw(c, (uint64_t)d);
        CHECK(trip->value >= trip->low && trip->value <= trip->high);
        CHECK_NEAR(bandwidth->value, 300e9, 0);                              /* documented: never */
        CHECK_NEAR(trip->given, given, 0);
        sum += log(trip->value), low = fmin(low, trip->value), high = fmax(high, trip->value);
    }
    /* log-uniform between 0.7 and 1.4: the mean of the logarithm, its standard error from the width */
    double width = log(trip->high / trip->low), error = width / sqrt(12.0 * DRAWS);
    printf("%d draws of ring_trip: mean of log %.4f, of the interval %.4f +- %.4f; from %.3g to %.3g\n", DRAWS, sum / DRAWS, (log(trip->low) + log(trip->high)) / 2, error, low, high);
    CHECK_NEAR(sum / DRAWS, (log(trip->low) + log(trip->high)) / 2, 4 * error);
    CHECK(low < 1.02 * trip->low && high > 0.98 * trip->high);

    duo_catalogue_draw(c, 7), first = trip->value;
    duo_catalogue_constants(c, l4, "vllm", "fp8", v);
    double attend = v[DUO_KEY_attend].value;
    struct duo_catalogue *other = fresh();                                   /* the same draw anywhere */
    duo_catalogue_draw(other, 7);
    CHECK_NEAR(of(other, DUO_HARDWARE, "nvidia-l4", DUO_KEY_ring_trip), first, 0);
    duo_catalogue_constants(other, row(other, DUO_HARDWARE, "h100-sxm"), "vllm", "f16", v);
    CHECK_NEAR(v[DUO_KEY_attend].value, attend, 0);                          /* one constant of "*": one draw on every device */
    duo_catalogue_free(other);

    /* what was looked up and can be drawn; not the other devices', not the documented */
    int n = duo_catalogue_drawn(c, &drawn);
    for (int i = 0; i < n; i++) {
        bool trips = strcmp(drawn[i].name, "hardware/l4/ring_trip") == 0;
        seen |= trips;
        if (trips) CHECK_NEAR(drawn[i].drawn, first, 0);
        if (trips) CHECK_NEAR(drawn[i].value, given, 0);
        CHECK(strstr(drawn[i].name, "/h100") == NULL && strstr(drawn[i].name, "l4/bandwidth") == NULL && strstr(drawn[i].name, "sleep") == NULL);
        CHECK(drawn[i].low <= drawn[i].drawn && drawn[i].drawn <= drawn[i].high);
    }
    CHECK(seen && n > 5);

    duo_catalogue_draw(c, 0);
    CHECK_NEAR(trip->value, given, 0);
    duo_catalogue_move(c, "hardware/l4/ring_trip", 1e-3);
    CHECK_NEAR(trip->value, 1e-3, 0);
    duo_catalogue_move(c, "runtimes/*, vllm/attend", 0.45);
    duo_catalogue_constants(c, l4, "vllm", "fp8", v);
    CHECK_NEAR(v[DUO_KEY_attend].value, 0.45, 0);
    duo_catalogue_move(c, "hardware/l4/nothing", 1);
    duo_catalogue_free(c);
}

/* ---- printing ---- */

static void test_print(const struct duo_catalogue *c)
{
    static const struct { const char *which, *name, *parts[4]; } cases[] = {
        { "hardware", "l4", { "l4: NVIDIA L4 24GB, dc-gpu, edge", "bandwidth          3e+11        B/s      documented", "usual runtime: vllm", "ring_trip" } },
        { "models", "Qwen/Qwen3-30B-A3B", { "30.5 B parameters, 3.0", "experts            128", "Qwen/Qwen3-30B-A3B", "documented" } },
        { "prices", "gpt-4o-mini", { "$0.15/Mtok in, $0.6/Mtok out, 2025-09", "dollars_cached     7.5e-08", "tokencost", "documented" } },
        { "runtimes", "vllm", { "attend", "[*, vllm]", "fitted", "0.43 to 0.6" } },
        { "hardware", NULL, { "h100-sxm", "NVIDIA H100 SXM5 80GB", "pi5", "dc-gpu" } },
    };
    static char text[200000];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int json = 0; json < 2; json++) {
            FILE *f = tmpfile();
            err = (struct duo_err){ 0 };
            CHECK_INT(duo_catalogue_print(c, cases[i].which, cases[i].name, f, json, &err), DUO_OK);
            rewind(f);
            text[fread(text, 1, sizeof text - 1, f)] = 0;
            for (int p = 0; p < 4 && !json; p++) CHECK_HAS(text, cases[i].parts[p]);
            if (json) CHECK(text[0] == (cases[i].name ? '{' : '['));
            if (json && cases[i].name) CHECK_HAS(text, "\"status\": \"");
            fclose(f);
        }
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_catalogue_print(c, "models", "llama-2-7", stdout, true, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "llama-2-7b");
}

/* models/cost/README.md names every constant that a scenario may set. */
static void test_readme(const char *root)
{
    static char text[100000];
    char path[4200];
    FILE *f;

    snprintf(path, sizeof path, "%s/models/cost/README.md", root);
    CHECK((f = fopen(path, "r")) != NULL);
    if (!f) return;
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    for (int k = 0; k < DUO_KEYS; k++) {
        if (duo_keys[k].table == DUO_RADIOS || duo_keys[k].table == DUO_CARBON || duo_keys[k].claim == DUO_CLAIM_READ) continue;
        snprintf(path, sizeof path, "| `%s` | %s | %s |", duo_keys[k].name, duo_keys[k].unit, duo_keys[k].what);
        CHECK_HAS(strstr(text, path) ? path : "models/cost/README.md", path);
    }
}

/* ---- a GGUF file ---- */

static void nothing(void *user, int tensor, uint64_t at, uint64_t n, float *out)
{
    static const uint64_t width[] = { 64, 64, 64, 64, 64, 64, 64, 128 };
    (void)user, (void)at;
    for (uint64_t i = 0; i < n * width[tensor]; i++) out[i] = (float)(i % 7) - 3;
}

static void make_gguf(const char *path, const char *arch, bool whole)
{
    struct duo_gguf_out *o = duo_gguf_out_new();
    const struct { const char *key; uint32_t value; } keys[] = { { "block_count", 1 }, { "embedding_length", 64 }, { "attention.head_count", 4 }, { "attention.head_count_kv", 2 },
                                                                 { "feed_forward_length", 128 }, { "context_length", 512 }, { "attention.sliding_window", 32 } };
    char name[100];

    duo_gguf_put_words(o, "general.architecture", arch);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(name, sizeof name, "%s.%s", arch, keys[i].key);
        if (i || whole) duo_gguf_put_whole(o, name, keys[i].value);
    }
    duo_gguf_put_tensor(o, "token_embd.weight", DUO_FORMAT_F16, 2, (uint64_t[]){ 64, 100 });
    duo_gguf_put_tensor(o, "blk.0.attn_q.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 64, 64 });
    duo_gguf_put_tensor(o, "blk.0.attn_k.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 64, 32 });
    duo_gguf_put_tensor(o, "blk.0.attn_v.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 64, 32 });
    duo_gguf_put_tensor(o, "blk.0.attn_output.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 64, 64 });
    duo_gguf_put_tensor(o, "blk.0.ffn_gate.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 64, 128 });
    duo_gguf_put_tensor(o, "blk.0.ffn_up.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 64, 128 });
    duo_gguf_put_tensor(o, "blk.0.ffn_down.weight", DUO_FORMAT_Q8_0, 2, (uint64_t[]){ 128, 64 });
    CHECK_INT(duo_gguf_write(o, path, &(struct duo_gguf_source){ .rows = nothing }, NULL, &err), DUO_OK);
    duo_gguf_out_free(o);
}

static void test_gguf(void)
{
    struct duo_catalogue *c = fresh();
    char path[400];
    const struct duo_row *r;
    struct duo_arch a;
    double matrices = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 128, embedding = 6400;

    snprintf(path, sizeof path, "%s/tiny.gguf", layer);
    make_gguf(path, "gemma2", true);
    r = row(c, DUO_MODELS, path);
    CHECK(r != NULL);
    if (r) {
        duo_row_arch(r, &a);
        CHECK(a.layers == 1 && a.width == 64 && a.heads == 4 && a.kv_heads == 2 && a.head_dim == 16 && a.ffn == 128 && a.vocabulary == 100 && a.context == 512);
        CHECK(a.tied && a.gated && a.window == 32 && a.period == 2 && a.experts == 0);
        CHECK_NEAR(r->value[DUO_KEY_bits].value, 8.5, 1e-12);
        CHECK_NEAR(r->value[DUO_KEY_head_bits].value, 16, 1e-12);
        CHECK_NEAR(r->value[DUO_KEY_parameters].value, matrices + embedding, 0);
        CHECK_TEXT(r->activation, "int8");
        CHECK(row(c, DUO_MODELS, path) == r);                    /* read once */
        CHECK_TEXT(duo_row_label(r), "tiny.gguf");
        char scenario[400];
        snprintf(scenario, sizeof scenario, "%s/s.yaml", layer);
        CHECK(duo_catalogue_row(c, DUO_MODELS, "tiny.gguf", scenario, 7, &err) == r);      /* beside the scenario */
    }
    struct duo_cost *cost = NULL;
    struct duo_cost_spec spec = { .model = path, .hardware = "pi5" };
    CHECK_INT(duo_cost_new(&cost, c, &spec, &err), DUO_OK);      /* no quant needed: the file says it */
    if (cost) {
        CHECK_INT(cost->facts.layers, 1);
        cost->kind->free(cost);
    }
    snprintf(path, sizeof path, "%s/part.gguf", layer);
    make_gguf(path, "llama", false);
    err = (struct duo_err){ 0 };
    CHECK(duo_catalogue_row(c, DUO_MODELS, path, NULL, 0, &err) == NULL);
    CHECK_HAS(err.text, "llama.block_count");
    err = (struct duo_err){ 0 };
    CHECK(duo_catalogue_row(c, DUO_MODELS, path, NULL, 0, &err) == NULL);      /* again: nothing was left behind */
    err = (struct duo_err){ 0 };
    CHECK(duo_catalogue_row(c, DUO_MODELS, "/nowhere/x.gguf", NULL, 0, &err) == NULL);
    CHECK_HAS(err.file, "/nowhere/x.gguf");
    remove_file("tiny.gguf"), remove_file("part.gguf");
    duo_catalogue_free(c);
}

int main(void)
{
    const char *root = getenv("DUOSIM_SOURCE");
    struct duo_catalogue *c;

    snprintf(shipped, sizeof shipped, "%s/models/catalogue", root ? root : ".");
    if (!mkdtemp(layer)) abort();
    c = fresh();
    test_models(c);
    test_whole(c);
    test_facts(c);
    test_measured(c);
    test_names(c);
    test_refusals();
    test_layers();
    test_scopes();
    test_peak(c);
    test_draws();
    test_print(c);
    test_readme(root ? root : ".");
    test_gguf();
    duo_catalogue_free(c);
    rmdir(layer);
    return check_done();
}
