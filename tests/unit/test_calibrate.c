/* test_calibrate.c - requirements of models/slm/calibrate.h and power.h.
 *
 * (1) the form of the prediction, by hand; (2) constants that made timings are found again; (3) what the timings don't tell stays
 * assumed; (4) intervals hold the truth; (5) samples.csv and models left out; the layer is one that the catalogue takes; llama-bench's three
 * outputs, made by hand true to its README, say the same, and wrong ones are refused in words; power from a made-up /sys. */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/cost/catalogue.h"
#include "models/slm/calibrate.h"
#include "models/slm/power.h"
#include "sim/base/rng.h"
#include "tests/check.h"

static char folder[] = "/tmp/duosim-calibrate-XXXXXX";

static const char *in(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* ---------------------------------------------------------------- made-up timings */

static const struct { const char *name; struct duo_arch arch; } models[] = {
    { "small", { .layers = 30, .width = 576, .heads = 9, .kv_heads = 3, .head_dim = 64, .ffn = 1536, .vocabulary = 49152, .context = 8192, .tied = true, .gated = true } },
    { "middle", { .layers = 24, .width = 896, .heads = 14, .kv_heads = 2, .head_dim = 64, .ffn = 4864, .vocabulary = 151936, .context = 32768, .tied = true, .gated = true } },
    { "large", { .layers = 22, .width = 2048, .heads = 32, .kv_heads = 4, .head_dim = 64, .ffn = 5632, .vocabulary = 32000, .context = 2048, .gated = true } },
};
static const double truth[DUO_FITTED_END] = { [DUO_CONSTANT_compute] = 0.72, [DUO_CONSTANT_stream] = 0.88, [DUO_CONSTANT_attend] = 0.35, [DUO_CONSTANT_attend_compute] = 0.11, [DUO_CONSTANT_layer] = 3.1e-5 };

static struct duo_timing timing(int model, int threads, double fresh, double cached)
{
    struct duo_timing t = { .quant = "q4_0", .activation = "int8", .layer_bits = 4.5, .head_bits = 8.5, .kv_bits = 16, .threads = threads, .bandwidth = 17e9 * threads,
                            .peak = 170e9 * threads, .op = 2e-7, .fresh = fresh, .cached = cached, .logits = 1, .iterations = fresh == 1 ? 16 : 1, .spread = 0.01 };
    snprintf(t.model, sizeof t.model, "%s", models[model].name);
    t.arch = models[model].arch;
    return t;
}

static struct duo_timings made(double noise, uint64_t seed)
{
    static const double cells[][2] = { { 1, 0 }, { 1, 512 }, { 1, 1500 }, { 8, 0 }, { 64, 0 }, { 64, 1500 }, { 256, 0 }, { 256, 1500 } };
    struct duo_timings all = { 0 };
    for (int m = 0; m < 3; m++)
        for (int threads = 1; threads <= 2; threads++)
            for (int c = 0; c < 8; c++) {
                struct duo_timing t = timing(m, threads, cells[c][0], cells[c][1]);
                uint64_t k = (uint64_t)(64 * m + 16 * threads + c);
                double normal = sqrt(-2 * log(1 - duo_draw(seed, "a", k))) * cos(6.283185307179586 * duo_draw(seed, "b", k));
                t.seconds = duo_timing_predict(&t, truth) * exp(noise * normal);
                duo_timings_add(&all, &t);
            }
    return all;
}

/* (1): a token of the large model behind 99 others; numbers from its config alone. */
static void test_form(void)
{
    struct duo_timing t = timing(2, 1, 1, 99);
    t.iterations = 1;
    double layer = 2048.0 * 64 * (32 + 4 + 4) + 32.0 * 64 * 2048 + 3 * 2048.0 * 5632, head = 2048.0 * 32000;
    double unit = 1 / (0.72 * 170e9), byte = 1 / (0.88 * 17e9);
    double roofs = 22 * layer * pow(pow(2 * unit, 4) + pow(4.5 / 8 * byte, 4), 0.25) + head * pow(pow(2 * unit, 4) + pow(8.5 / 8 * byte, 4), 0.25);
    double kv = 100 * 22 * 2 * 4 * 64 * 2 / (0.35 * 17e9), between = 22 * 2 * (10 * 2048 + 3 * 5632 + 2 * 40 * 64) * byte;
    CHECK_NEAR(duo_timing_predict(&t, truth) / (roofs + kv + between + 22 * (4 * 2e-7 + 3.1e-5)), 1, 1e-12);
    /* A prompt of 8: each token attends to those before it; KV is read once. */
    t = timing(2, 1, 8, 0);
    roofs = 22 * layer * pow(pow(16 * unit, 4) + pow(4.5 / 8 * byte, 4), 0.25) + head * pow(pow(2 * unit, 4) + pow(8.5 / 8 * byte, 4), 0.25);
    kv = 8 * 22 * 2 * 4 * 64 * 2 / (0.35 * 17e9) + 22 * (36 - 8) * 4 * 32 * 64 / (0.11 * 170e9);
    CHECK_NEAR(duo_timing_predict(&t, truth) / (roofs + kv + 8 * between + 22 * (4 * 2e-7 + 3.1e-5)), 1, 1e-12);
}

/* (2), (4) */
static void test_recovery(void)
{
    int inside = 0, all_of_them = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct duo_timings all = made(seed ? 0.01 : 0, seed);
        for (int threads = 1; threads <= 2; threads++) {
            struct duo_device_fit fit;
            struct duo_err err = { 0 };
            CHECK_INT(duo_fit_constants(&all, "q4_0", threads, NULL, &fit, &err), DUO_OK);
            CHECK_INT(fit.models, 3);
            CHECK_INT(fit.timings, 24);
            CHECK(fit.median < 0.012);
            for (int k = 0; k < DUO_FITTED_END; k++) {
                CHECK(fit.told[k]);
                CHECK(fit.low[k] < fit.value[k] && fit.value[k] < fit.high[k]);
                CHECK_NEAR(fit.value[k] / truth[k], 1, seed ? k == DUO_CONSTANT_layer || k == DUO_CONSTANT_attend_compute ? 0.35 : 0.12 : 0.03);
                if (seed) inside += fit.low[k] <= truth[k] && truth[k] <= fit.high[k], all_of_them++;
            }
        }
        duo_timings_free(&all);
    }
    printf("95 %% intervals that hold the constant: %d of %d\n", inside, all_of_them);
    CHECK(inside >= 0.9 * all_of_them);
}

/* (3): decoding of one model at one context tells the sum of weights' and others' time, not how it divides. */
static void test_untold(void)
{
    struct duo_timings all = { 0 };
    struct duo_timing t = timing(1, 1, 1, 0);
    struct duo_device_fit fit;
    struct duo_err err = { 0 };
    t.seconds = duo_timing_predict(&t, truth);
    duo_timings_add(&all, &t);
    CHECK_INT(duo_fit_constants(&all, "q4_0", 1, NULL, &fit, &err), DUO_OK);
    CHECK(!fit.told[DUO_CONSTANT_attend_compute] && !fit.told[DUO_CONSTANT_compute]);
    CHECK_NEAR(fit.value[DUO_CONSTANT_attend_compute], duo_fitted[DUO_CONSTANT_attend_compute].prior, 0.01);
    CHECK_NEAR(duo_timing_predict(&t, fit.value) / t.seconds, 1, 0.02);
    CHECK(fit.high[DUO_CONSTANT_attend_compute] / fit.low[DUO_CONSTANT_attend_compute] > 4);
    CHECK_INT(duo_fit_constants(&all, "q8_0", 1, NULL, &fit, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "nothing was timed of q8_0 with 1 threads");
    duo_timings_free(&all);
}

/* (5) */
static void test_held_out(void)
{
    struct duo_timings all = made(0.01, 5), again = { 0 };
    struct duo_held_out *h;
    struct duo_err err = { 0 };
    double median;
    int n;
    CHECK_INT(duo_timings_write(&all, in("s.csv"), &err), DUO_OK);
    CHECK_INT(duo_timings_read(&again, in("s.csv"), &err), DUO_OK);
    CHECK_INT(again.n, all.n);
    bool same = true;
    for (int i = 0; i < all.n && i < again.n; i++)
        same &= again.at[i].seconds == all.at[i].seconds && again.at[i].arch.ffn == all.at[i].arch.ffn && again.at[i].arch.tied == all.at[i].arch.tied
             && !strcmp(again.at[i].model, all.at[i].model) && again.at[i].cached == all.at[i].cached;
    CHECK(same);
    CHECK_INT(duo_hold_out(&again, &h, &n, &median, &err), DUO_OK);
    CHECK_INT(n, 6);
    printf("models left out, timings that scatter by 1 %%: median error %.2f %%\n", 100 * median);
    CHECK(median < 0.02);
    for (int i = 0; i < n; i++) CHECK(h[i].fitted_on == 2 && h[i].timings == 8 && h[i].median < 0.05 && h[i].worst < 0.2);
    free(h);
    again.n = 16;                            /* of one model alone */
    CHECK_INT(duo_hold_out(&again, &h, &n, &median, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "none can be left out");
    duo_timings_free(&all);
    duo_timings_free(&again);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    if (f) fputs(text, f), fclose(f);
}

/* A second pass: the shorter time of each iteration, and what is new. */
static void test_merge(void)
{
    struct duo_timings all = made(0, 0), again = made(0, 0);
    int n = all.n;
    for (int i = 0; i < again.n; i++) {
        again.at[i].seconds *= i % 2 ? 0.5 : 2;
        if (i < 3) again.at[i].cached += 7;
        duo_timings_add(&all, &again.at[i]);
    }
    duo_timings_merge(&all, n);
    CHECK_INT(all.n, n + 3);
    int good = 0;
    for (int i = 3; i < n; i++) good += all.at[i].seconds == again.at[i].seconds * (i % 2 ? 1 : 0.5);
    CHECK_INT(good, n - 3);
    duo_timings_free(&all);
    duo_timings_free(&again);
}

static void test_bad_samples(void)
{
    struct duo_timings all = made(0, 0);
    struct duo_err err = { 0 };
    all.n = 2;
    all.at[1].seconds = -1;
    CHECK_INT(duo_timings_write(&all, in("bad.csv"), &err), DUO_OK);
    CHECK_INT(duo_timings_read(&all, in("bad.csv"), &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "seconds is -1");
    CHECK_INT(err.line, 3);
    duo_timings_free(&all);
}

/* ---------------------------------------------------------------- the layer */

static void remove_layer(const char *dir)
{
    static const char *const names[] = { "devices.csv", "hardware.csv", "runtimes.csv", "samples.csv" };
    char path[256];
    for (int i = 0; i < 4; i++) snprintf(path, sizeof path, "%s/%s", dir, names[i]), unlink(path);
    rmdir(dir);
}

/* (1): what was fitted is what the simulator computes with. */
static void same_as_cost(const struct duo_catalogue *k, const struct duo_device_fit *fit, const struct duo_peaks *peaks)
{
    static const char *const names[] = { "smollm2-135m", "tinyllama-1.1b", "gemma-2-2b" };
    static const double cells[][2] = { { 1, 0 }, { 1, 1500 }, { 6, 100 }, { 256, 0 }, { 64, 1500 } };
    for (int m = 0; m < 3; m++) {
        struct duo_cost *cost;
        struct duo_err err = { 0 };
        struct duo_timing t = timing(0, 2, 1, 0);
        const struct duo_row *row = duo_catalogue_find(k, DUO_MODELS, names[m]);
        CHECK(row != NULL);
        CHECK_INT(duo_cost_new(&cost, k, &(struct duo_cost_spec) { .model = names[m], .hardware = "mine", .quant = "q4_0" }, &err), DUO_OK);
        if (!row || err.status) { printf("%s\n", err.text); continue; }
        duo_row_arch(row, &t.arch);
        t.layer_bits = 4.5, t.head_bits = 6.5625, t.bandwidth = peaks->bandwidth, t.peak = peaks->int8, t.op = peaks->op, t.iterations = 1;
        for (int c = 0; c < 5; c++) {
            struct duo_growth growth;
            t.fresh = cells[c][0], t.cached = cells[c][1];
            struct duo_load l = cost->kind->item(cost, t.fresh, t.cached, 0, t.arch.layers, 1, &growth);
            CHECK_NEAR(cost->kind->price(cost, &l, 0, t.arch.layers).seconds / duo_timing_predict(&t, fit->value), 1, 1e-9);
        }
        cost->kind->free(cost);
    }
}

static void test_layer(const char *root)
{
    struct duo_timings all = made(0.005, 2);
    struct duo_peaks peaks[] = { { 1, 17e9, 170e9, 60e9, 2e-7 }, { 2, 34e9, 340e9, 120e9, 2e-7 } };
    struct duo_calibration c = { .name = "mine", .title = "A, board", .class = "sbc", .runtime = "duosim", .date = "2026-11-21", .source = "a \"machine\"", .peaks = peaks,
                                 .n_peaks = 2, .memory = 8e9, .power = { .idle = 3, .load = 11, .low = 0.5, .high = 2, .source = "assumed" }, .timings = &all };
    struct duo_catalogue *k = NULL;
    struct duo_err err = { 0 };
    struct duo_value v[DUO_KEYS];
    struct duo_device_fit fit;
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/models/catalogue", root);
    CHECK_INT(duo_calibration_write(&c, in("layer"), NULL, &err), DUO_OK);
    CHECK_INT(duo_catalogue_open(&k, dir, &err), DUO_OK);
    if (k) CHECK_INT(duo_catalogue_layer(k, in("layer"), &err), DUO_OK);
    if (err.status) printf("%s:%d:%d: %s\n", err.file, err.line, err.column, err.text);
    const struct duo_row *one = k ? duo_catalogue_find(k, DUO_HARDWARE, "mine-1t") : NULL, *two = k ? duo_catalogue_find(k, DUO_HARDWARE, "mine") : NULL;
    CHECK(one && two);
    if (one && two) {
        CHECK_NEAR(one->value[DUO_KEY_bandwidth].value, 17e9, 1);
        CHECK_NEAR(two->value[DUO_KEY_int8].value, 340e9, 1);
        CHECK_NEAR(two->value[DUO_KEY_memory].value, 8e9, 1);
        CHECK_NEAR(one->value[DUO_KEY_load_watts].value, 7, 1e-9);
        CHECK_INT(two->value[DUO_KEY_load_watts].status, DUO_ASSUMED);
        CHECK_NEAR(two->value[DUO_KEY_load_watts].high, 22, 1e-9);
        CHECK_TEXT(two->runtime, "duosim");
        CHECK_INT(duo_fit_constants(&all, "q4_0", 2, NULL, &fit, &err), DUO_OK);
        duo_catalogue_constants(k, two, "duosim", "q4_0", v);
        CHECK_NEAR(v[DUO_KEY_stream].value, fit.value[DUO_CONSTANT_stream], 1e-12);
        CHECK_NEAR(v[DUO_KEY_layer].value, fit.value[DUO_CONSTANT_layer], 1e-12);
        CHECK_NEAR(v[DUO_KEY_compute].low, fit.low[DUO_CONSTANT_compute], 1e-12);
        CHECK_INT(v[DUO_KEY_compute].status, DUO_FITTED);
        CHECK_NEAR(v[DUO_KEY_sharpness].value, 4, 0);
        same_as_cost(k, &fit, &peaks[1]);
    }
    if (k) duo_catalogue_free(k);
    remove_layer(in("layer"));
    duo_timings_free(&all);
}

/* ---------------------------------------------------------------- llama-bench */

#define ROW(prompt, gen, depth, rate, scatter)                                                                                              \
    "{ \"build_commit\": \"abc\", \"build_number\": 6000, \"cpu_info\": \"A phone\", \"gpu_info\": \"\", \"backends\": \"CPU\", "             \
    "\"model_filename\": \"models/Large-Q4_0.gguf\", \"model_type\": \"llama 1B Q4_0\", \"model_size\": 618700000, "                           \
    "\"model_n_params\": 1100048384, \"n_batch\": 2048, \"n_ubatch\": 512, \"n_threads\": 4, \"cpu_mask\": \"0x0\", \"cpu_strict\": false, "     \
    "\"type_k\": \"f16\", \"type_v\": \"f16\", \"n_gpu_layers\": 0, \"flash_attn\": false, \"tensor_split\": \"0.00\", \"use_mmap\": true, "       \
    "\"n_prompt\": " prompt ", \"n_gen\": " gen ", \"n_depth\": " depth ", \"test_time\": \"2026-01-02T03:04:05Z\", \"avg_ns\": 1, "           \
    "\"stddev_ns\": 1, \"avg_ts\": " rate ", \"stddev_ts\": " scatter ", \"samples_ns\": [ 1, 2, 3 ],\"samples_ts\": [ 1.0, 2.5 ]}"
#define CSV_ROW(prompt, gen, depth, rate, scatter)                                                                                          \
    "\"abc\",\"6000\",\"A phone\",\"\",\"CPU\",\"models/Large-Q4_0.gguf\",\"llama 1B Q4_0\",\"618700000\",\"1100048384\",\"2048\",\"512\",\"4\",\"f16\","  \
    "\"" prompt "\",\"" gen "\",\"" depth "\",\"2026-01-02T03:04:05Z\",\"" rate "\",\"" scatter "\"\n"
#define CSV_HEAD "build_commit,build_number,cpu_info,gpu_info,backends,model_filename,model_type,model_size,model_n_params,n_batch,n_ubatch,n_threads," \
                 "type_k,n_prompt,n_gen,n_depth,test_time,avg_ts,stddev_ts\n"

static bool find(void *user, const char *file, double parameters, struct duo_arch *arch, char name[64])
{
    (void)user;
    if (!strstr(file, "Large") || parameters != 1100048384) return false;
    *arch = models[2].arch;
    snprintf(name, 64, "large");
    return true;
}

static bool quant_of(void *user, const char *quant, double *layer_bits, double *head_bits, double *peak)
{
    (void)user, (void)peak;
    if (strcmp(quant, "q4_0") != 0) return false;
    *layer_bits = 4.5, *head_bits = 6.5625;
    return true;
}

static const struct duo_bench_look_up look = { find, quant_of, NULL, NAN };

static struct duo_timings bench(const char *text, struct duo_bench_about *about, struct duo_err *err)
{
    struct duo_timings all = { 0 };
    write_text(in("bench"), text);
    *err = (struct duo_err) { 0 };
    duo_bench_read(&all, in("bench"), &look, about, err);
    return all;
}

static void refused(const char *text, int line, const char *words)
{
    struct duo_bench_about about;
    struct duo_err err;
    struct duo_timings all = bench(text, &about, &err);
    CHECK_INT(err.status, DUO_BAD_INPUT);
    CHECK_INT(err.line, line);
    CHECK_HAS(err.text, words);
    duo_timings_free(&all);
}

static void test_bench(void)
{
    static const char *const texts[] = {
        "[\n " ROW("512", "0", "0", "40.5", "0.81") ",\n" ROW("0", "128", "0", "12.5", "0.05") ",\n" ROW("0", "128", "1024", "11.0", "0.33") ",\n" ROW("512", "128", "0", "20", "1") "]\n",
        ROW("512", "0", "0", "40.5", "0.81") "\n" ROW("0", "128", "0", "12.5", "0.05") "\n" ROW("0", "128", "1024", "11.0", "0.33") "\n\n" ROW("512", "128", "0", "20", "1") "\n",
        CSV_HEAD CSV_ROW("512", "0", "0", "40.5", "0.81") CSV_ROW("0", "128", "0", "12.5", "0.05") CSV_ROW("0", "128", "1024", "11.0", "0.33") CSV_ROW("512", "128", "0", "20", "1"),
    };
    for (int form = 0; form < 3; form++) {
        struct duo_bench_about about;
        struct duo_err err;
        struct duo_timings all = bench(texts[form], &about, &err);
        struct duo_device_fit fit;
        if (err.status) printf("form %d: %s:%d: %s\n", form, err.file, err.line, err.text);
        CHECK_INT(all.n, 3);
        CHECK_INT(about.left_out, 1);
        CHECK_TEXT(about.machine, "A phone");
        CHECK_TEXT(about.program, "llama.cpp 6000 CPU");
        CHECK_TEXT(about.date, "2026-01-02");
        if (all.n != 3) continue;
        const struct duo_timing *p = &all.at[0], *g = &all.at[2];
        CHECK_TEXT(p->quant, "q4_0");
        CHECK_INT(p->threads, 4);
        CHECK_NEAR(p->fresh, 512, 0);
        CHECK_NEAR(p->seconds, 512 / 40.5, 1e-12);
        CHECK_NEAR(p->spread, 0.02, 1e-12);
        CHECK_NEAR(all.at[1].spread, 0.01, 1e-12);               /* not less than what a clock tells */
        CHECK_NEAR(g->fresh, 1, 0);
        CHECK_INT(g->iterations, 128);
        CHECK_NEAR(g->cached, 1024, 0);
        CHECK_NEAR(g->seconds, 1 / 11.0, 1e-12);
        CHECK_NEAR(g->head_bits, 6.5625, 0);
        CHECK_INT(duo_fit_constants(&all, "q4_0", 4, NULL, &fit, &err), DUO_OK);
        CHECK(fit.worst < 0.03);                                 /* three rows are met, by what they tell and what is assumed */
        CHECK(fit.told[DUO_CONSTANT_compute]);
        duo_timings_free(&all);
    }
}

static void test_bad_bench(void)
{
    refused("", 0, "is empty");
    refused("[]", 0, "has no row");
    refused("[ { \"n_prompt\": 3 } ]", 1, "no model_filename in it: not a row of llama-bench");
    refused("[\n\n" ROW("x", "0", "0", "1", "0") "]", 3, "n_prompt: a number of at least 0 is expected; got 'x'");
    refused("[" ROW("512", "0", "0", "0", "0") "]", 1, "avg_ts: a number of at least 1e-09 is expected; got '0'");
    refused("[" ROW("512", "0", "0", "nan", "0") "]", 1, "avg_ts");
    refused("[" ROW("512", "0", "0", "1", "0"), 2, "is no JSON");
    refused("[" ROW("512", "8", "0", "1", "0") "]", 0, "has 1 rows, none of a prompt or an answer alone");
    refused("model,size\n7B,3\n", 2, "no model_filename in it");
    refused(CSV_HEAD "a,b\n", 2, "2");
    refused("{\"model_filename\": \"Large.gguf\", \"model_type\": \"llama 1B IQ2_XXS - 2.0625 bpw\", \"model_size\": 2000, \"model_n_params\": 1100048384, "
            "\"n_threads\": 1, \"n_prompt\": 1, \"n_gen\": 0, \"avg_ts\": 1, \"stddev_ts\": 0}", 1, "'iq2_xxs' is no format of the catalogue");
    char other[] = "{\"model_filename\": \"other.gguf\", \"model_type\": \"x 1B F16\", \"model_size\": 2000, \"model_n_params\": 1000, \"n_threads\": 1, \"n_prompt\": 1, "
                   "\"n_gen\": 0, \"avg_ts\": 1, \"stddev_ts\": 0}";
    refused(other, 1, "other.gguf (1e+03 parameters) is no model of the catalogue");
}

/* ---------------------------------------------------------------- power */

static void test_power(void)
{
    struct duo_power_meter m;
    struct duo_power_reading a, b;
    char dir[128];
    duo_power_open(&m, folder);
    CHECK_INT(m.n, 0);
    CHECK_HAS(m.why, "has no RAPL, hwmon or power_supply counter");
    static const char *const made_dirs[] = { "class", "class/powercap", "class/powercap/intel-rapl:0", "class/powercap/intel-rapl:1", "class/power_supply", "class/power_supply/BAT0" };
    for (int i = 0; i < 6; i++) mkdir(in(made_dirs[i]), 0755);
    write_text(in("class/power_supply/BAT0/current_now"), "500000\n");
    write_text(in("class/power_supply/BAT0/voltage_now"), "8000000\n");
    duo_power_open(&m, folder);
    CHECK_TEXT(m.kind, "power_supply");
    duo_power_read(&m, &a);
    b = a;
    b.seconds = a.seconds + 2;
    CHECK_NEAR(duo_power_watts(&m, &a, &b), 4, 1e-9);            /* 0.5 A x 8 V */

    write_text(in("class/powercap/intel-rapl:0/energy_uj"), "90000000\n");
    write_text(in("class/powercap/intel-rapl:0/max_energy_range_uj"), "100000000\n");
    write_text(in("class/powercap/intel-rapl:1/energy_uj"), "1000000\n");
    write_text(in("class/powercap/intel-rapl:1/max_energy_range_uj"), "100000000\n");
    duo_power_open(&m, folder);
    CHECK_TEXT(m.kind, "RAPL");
    CHECK_INT(m.n, 2);
    duo_power_read(&m, &a);
    write_text(in("class/powercap/intel-rapl:0/energy_uj"), "10000000\n");      /* began anew: 20 J */
    write_text(in("class/powercap/intel-rapl:1/energy_uj"), "5000000\n");       /* 4 J */
    duo_power_read(&m, &b);
    b.seconds = a.seconds + 4;
    CHECK_NEAR(duo_power_watts(&m, &a, &b), 6, 1e-6);
    if (geteuid() != 0) {
        chmod(in("class/powercap/intel-rapl:0/energy_uj"), 0);
        chmod(in("class/powercap/intel-rapl:1/energy_uj"), 0);
        duo_power_open(&m, folder);
        CHECK_HAS(m.why, "energy_uj: Permission denied");
    } else {
        CHECK_SKIP("a counter that may not be read: root may read all");
    }
    snprintf(dir, sizeof dir, "rm -rf %s/class", folder);
    CHECK_INT(system(dir), 0);
}

int main(void)
{
    const char *root = getenv("DUOSIM_SOURCE");
    if (!mkdtemp(folder)) return 1;
    test_form();
    test_recovery();
    test_untold();
    test_held_out();
    test_merge();
    test_bad_samples();
    test_layer(root ? root : ".");
    test_bench();
    test_bad_bench();
    test_power();
    unlink(in("s.csv"));
    unlink(in("bad.csv"));
    unlink(in("bench"));
    rmdir(folder);
    return check_done();
}
