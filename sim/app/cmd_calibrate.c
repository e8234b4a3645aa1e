/* cmd_calibrate.c - this machine, or one that others measured, becomes a device of the catalogue.
 *
 * (1) The folder that is written is a layer: run and estimate take it with --catalogue DIR; samples.csv in it has the timings.
 * (2) One device a thread count: NAME has the most threads, NAME-1t one.
 * (3) --from reads llama-bench's output, and makes a new device too, of the runtime llama-bench: constants that ship for llama.cpp on
 *     others of its class don't mix with its own.  --hardware lends it the peaks, memory and watts of a device of the catalogue;
 *     without, the peaks are those that explain its best rows.
 * (4) Watts are counted where the system lets us, given by --watts, or assumed; which one is said. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "models/cost/catalogue.h"
#include "models/slm/calibrate.h"
#include "models/slm/fetch.h"
#include "models/slm/machine.h"
#include "models/slm/power.h"
#include "sim/app/app.h"
#include "sim/base/json.h"

enum { FROM = DUO_LONG_ONLY, OUT, NAME, CLASS, HARDWARE, WATTS, MEMORY, QUICK, PASSES, CONTEXTS, PROMPTS, REPLACE, CATALOGUE };

static const struct duo_option options[] = {
    { OUT,       "out",      "DIR",       "the folder of the layer; run and estimate take it with --catalogue" },
    { FROM,      "from",     "FILE",      "llama-bench's JSON, JSON lines or CSV instead of measuring here" },
    { NAME,      "name",     "NAME",      "the device's; default: this machine's" },
    { CLASS,     "class",    "CLASS",     "phone, sbc, laptop, desktop-cpu, server-cpu ...; default: desktop-cpu" },
    { HARDWARE,  "hardware", "NAME",      "with --from: a device of the catalogue that lends peaks, memory and watts" },
    { 't',       "threads",  "LIST",      "thread counts, as in 1,2; default: 1 and one a core" },
    { CONTEXTS,  "contexts", "LIST",      "tokens behind which decoding is timed; default: 0,512" },
    { PROMPTS,   "prompts",  "LIST",      "tokens at once that are timed, up to 256; default: 8,64,256" },
    { 'r',       "repeat",   "N",         "rounds; default: 5" },
    { PASSES,    "passes",   "N",         "over all models, of which the shorter times count; default: 1" },
    { QUICK,     "quick",    NULL,        "less of it, for a first look: contexts 0,128, prompts 8,64, three rounds" },
    { WATTS,     "watts",    "IDLE,LOAD", "of the device, where no counter can be read" },
    { MEMORY,    "memory",   "GB",        "of the device; default: this machine's" },
    { REPLACE,   "replace",  NULL,        "--name may be a device that ships: with this layer its numbers are these" },
    DUO_CATALOGUE_OPTION(CATALOGUE),
    { 0 }
};

enum { MOST = 8 };

struct wishes {
    const char *out, *from, *name, *class, *hardware;
    int threads[MOST], n_threads, passes;
    struct duo_timing_plan plan;
    double idle, load, memory;
    bool replace;
    struct duo_layers layers;
};

struct calibrating {
    const struct duo_args *args;
    const struct wishes   *wishes;
    struct duo_catalogue  *catalogue;
    const struct duo_row  *device;               /* --hardware's */
    struct duo_timings     timings;
    struct duo_peaks       peaks[MOST];
    int                    n_peaks;
    struct duo_kernel_speed *kernels[MOST * 16];
    int                    n_kernels[MOST * 16], kernel_sets;
    struct duo_device_power power;
    double memory;
    char name[80], title[160], source[300], date[32], peaks_source[96];
};

/* ---------------------------------------------------------------- this machine */

static void read_cpu(char *out, size_t n)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char *line = NULL;
    size_t room = 0;
    snprintf(out, n, "%s", "a machine");
    while (f && getline(&line, &room, f) > 0) {
        char *colon = strchr(line, ':');
        if (!colon || (strncmp(line, "model name", 10) != 0 && strncmp(line, "Model", 5) != 0)) continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(out, n, "%.*s", (int)strcspn(colon, "\r\n"), colon);
        break;
    }
    if (f) fclose(f);
    free(line);
}

/* Names of the catalogue: small letters, digits, '-' and '.'. */
static void plain_name(const char *from, char *out, size_t n)
{
    size_t k = 0;
    for (; *from && k + 1 < n; from++) {
        char c = *from >= 'A' && *from <= 'Z' ? (char)(*from - 'A' + 'a') : *from;
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
        if (good) out[k++] = c;
        else if (k && out[k - 1] != '-') out[k++] = '-';
    }
    while (k && out[k - 1] == '-') k--;
    out[k] = 0;
}

static void today(char out[32])
{
    time_t now = time(NULL);
    struct tm t;
    gmtime_r(&now, &t);
    strftime(out, 32, "%Y-%m-%d", &t);
}

/* (4) */
static void set_power(struct calibrating *c, const struct duo_power_meter *m, double idle, double load)
{
    const struct wishes *w = c->wishes;
    struct duo_device_power *p = &c->power;
    if (!isnan(idle) && !isnan(load)) {
        *p = (struct duo_device_power) { .idle = idle, .load = load, .measured = true };
        snprintf(p->source, sizeof p->source, "%s: %.100s", m->kind, m->at[0].path);
    } else if (!isnan(w->idle)) {
        *p = (struct duo_device_power) { .idle = w->idle, .load = w->load, .low = 0.7, .high = 1.4, .source = "--watts" };
    } else {
        int threads = c->n_peaks ? c->peaks[c->n_peaks - 1].threads : 1;
        *p = (struct duo_device_power) { .idle = 3.0 * threads, .load = 9.0 * threads, .low = 0.4, .high = 2.5, .source = "3 W a thread idle and 9 W at work: no counter was read" };
    }
}

static enum duo_status time_here(struct calibrating *c, const char *path, struct duo_pool *pool, const struct duo_peaks *peaks, bool kernels, struct duo_err *err)
{
    struct duo_model *model = NULL;
    fprintf(stderr, "%s with %d thread%s\n", path, peaks->threads, peaks->threads == 1 ? "" : "s");
    DUO_TRY(duo_model_open(&model, path, pool, err));
    enum duo_status status = duo_time_model(model, pool, peaks, &c->wishes->plan, &c->timings, err);
    if (status == DUO_OK && kernels && c->kernel_sets < MOST * 16) {
        int k = c->kernel_sets++;
        status = duo_kernel_speeds(duo_model_gguf(model), pool, &c->kernels[k], &c->n_kernels[k], err);
    }
    duo_model_free(model);
    return status;
}

/* Peaks are the most that was ever seen: a neighbour can only hide them. */
static void raise_peaks(struct calibrating *c, struct duo_pool *pool, struct duo_peaks *p)
{
    struct duo_peaks again;
    duo_measure_peaks(pool, &again);
    p->bandwidth = fmax(p->bandwidth, again.bandwidth), p->int8 = fmax(p->int8, again.int8), p->fp32 = fmax(p->fp32, again.fp32), p->op = fmin(p->op, again.op);
    for (int i = 0; i < c->timings.n; i++) {
        struct duo_timing *t = &c->timings.at[i];
        if (t->threads != p->threads) continue;
        t->bandwidth = p->bandwidth, t->op = p->op;
        t->peak = strcmp(t->activation, "int8") ? p->fp32 : p->int8;
    }
}

/* What was timed so far outlives a run that is stopped. */
static enum duo_status keep_timings(const struct calibrating *c, struct duo_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/samples.csv", c->wishes->out);
    return duo_timings_write(&c->timings, path, err);
}

static enum duo_status measure(struct calibrating *c, struct duo_err *err)
{
    const struct wishes *w = c->wishes;
    struct duo_power_meter meter;
    struct duo_power_reading before, rest, after;
    char cpu[128], path[PATH_MAX];
    DUO_TRY(duo_isa_choose(NULL, err));
    for (int m = 0; m < c->args->n_words; m++) DUO_TRY(duo_model_find(c->args->words[m], path, sizeof path, err));      /* all are there before an hour begins */
    duo_power_open(&meter, "/sys");
    duo_power_read(&meter, &before);
    if (meter.n) sleep(2);
    duo_power_read(&meter, &rest);
    for (int t = 0; t < w->n_threads; t++) {
        struct duo_pool *pool = duo_pool_new(w->threads[t]);
        enum duo_status status = DUO_OK;
        duo_measure_peaks(pool, &c->peaks[c->n_peaks]);
        struct duo_peaks *p = &c->peaks[c->n_peaks++];
        fprintf(stderr, "%d thread%s: %.1f GB/s read, %.0f Gop/s int8, %.0f GFLOP/s F32, %.2f us to launch\n", p->threads, p->threads == 1 ? "" : "s",
                p->bandwidth * 1e-9, p->int8 * 1e-9, p->fp32 * 1e-9, p->op * 1e6);
        for (int m = 0; m < w->passes * c->args->n_words && status == DUO_OK; m++) {
            int before_it = c->timings.n;
            status = duo_model_find(c->args->words[m % c->args->n_words], path, sizeof path, err);
            if (status == DUO_OK) status = time_here(c, path, pool, p, m < c->args->n_words, err);
            if (status == DUO_OK) duo_timings_merge(&c->timings, before_it);
            if (status == DUO_OK) raise_peaks(c, pool, p);
            if (status == DUO_OK) status = keep_timings(c, err);
        }
        duo_pool_free(pool);
        DUO_TRY(status);
        if (t == w->n_threads - 2) duo_power_read(&meter, &rest);     /* the last pool's work alone counts */
    }
    duo_power_read(&meter, &after);
    set_power(c, &meter, duo_power_watts(&meter, &before, &rest), duo_power_watts(&meter, &rest, &after));
    if (!c->power.measured) fprintf(stderr, "power: %s; assumed: %.0f W idle, %.0f W at work\n", meter.n ? "could not be read" : meter.why, c->power.idle, c->power.load);
    read_cpu(cpu, sizeof cpu);
    today(c->date);
    snprintf(c->title, sizeof c->title, "%s", cpu);
    snprintf(c->source, sizeof c->source, "%s; %s; duosim %s", cpu, duo_isa_name(duo_isa_current()), DUO_VERSION);
    return DUO_OK;
}

/* ---------------------------------------------------------------- others' measurements (3) */

static bool find_model(void *user, const char *file, double parameters, struct duo_arch *arch, char name[64])
{
    struct calibrating *c = user;
    const char *slash = strrchr(file, '/'), *const *names;
    char stem[256];
    snprintf(stem, sizeof stem, "%s", slash ? slash + 1 : file);
    char *end = strcasestr(stem, ".gguf");
    if (end) *end = 0;
    /* "Qwen2.5-7B-Instruct-Q4_K_M": the format goes first, then whatever the catalogue leaves out. */
    for (;;) {
        const struct duo_row *row = duo_catalogue_find(c->catalogue, DUO_MODELS, stem);
        if (row) {
            duo_row_arch(row, arch);
            snprintf(name, 64, "%s", row->name);
            return true;
        }
        char *cut = strpbrk(stem, "-."), *last = NULL;
        for (; cut; cut = strpbrk(cut + 1, "-.")) last = cut;
        if (!last) break;
        *last = 0;
    }
    int n = duo_catalogue_names(c->catalogue, "models", &names), found = -1;
    for (int i = 0; i < n; i++) {
        struct duo_arch a;
        struct duo_parameters p;
        duo_row_arch(duo_catalogue_find(c->catalogue, DUO_MODELS, names[i]), &a);
        duo_work_parameters(&a, &p);
        if (fabs(p.total / parameters - 1) > 1e-3) continue;
        if (found >= 0) return false;            /* two of that size: not said which */
        *arch = a;
        found = i;
    }
    if (found >= 0) snprintf(name, 64, "%s", names[found]);
    return found >= 0;
}

static bool find_quant(void *user, const char *quant, double *layer_bits, double *head_bits, double *peak)
{
    struct calibrating *c = user;
    const struct duo_row *row = duo_catalogue_find(c->catalogue, DUO_QUANTS, quant);
    if (!row) return false;
    double head = row->value[DUO_KEY_head_bits].value;
    *layer_bits = row->value[DUO_KEY_bits].value;
    *head_bits = isnan(head) ? *layer_bits : head;
    const struct duo_value *v = c->device ? duo_row_peak(c->device, row) : NULL;
    if (v) *peak = v->value;
    return true;
}

static void peaks_of_timings(struct calibrating *c)
{
    for (int i = 0; i < c->timings.n; i++) {
        const struct duo_timing *t = &c->timings.at[i];
        int k = 0;
        while (k < c->n_peaks && c->peaks[k].threads != t->threads) k++;
        if (k == MOST) continue;
        if (k == c->n_peaks) c->peaks[c->n_peaks++] = (struct duo_peaks) { .threads = t->threads };
        c->peaks[k].bandwidth = t->bandwidth;
        if (!strcmp(t->activation, "int8")) c->peaks[k].int8 = t->peak;
        else c->peaks[k].fp32 = t->peak;
    }
    for (int i = 1; i < c->n_peaks; i++)
        for (int k = i; k > 0 && c->peaks[k].threads < c->peaks[k - 1].threads; k--) {
            struct duo_peaks p = c->peaks[k];
            c->peaks[k] = c->peaks[k - 1], c->peaks[k - 1] = p;
        }
}

/* (3) */
static void lend(struct calibrating *c, const struct duo_power_meter *none)
{
    const struct duo_value *v = c->device ? c->device->value : NULL;
    set_power(c, none, NAN, NAN);
    if (!v) return;
    if (isnan(c->wishes->idle) && !isnan(v[DUO_KEY_idle_watts].value) && !isnan(v[DUO_KEY_load_watts].value)) {
        c->power = (struct duo_device_power) { .idle = v[DUO_KEY_idle_watts].value, .load = v[DUO_KEY_load_watts].value, .low = 0.7, .high = 1.4 };
        snprintf(c->power.source, sizeof c->power.source, "as %s", c->device->name);
    }
    c->memory = v[DUO_KEY_memory].value;
    snprintf(c->peaks_source, sizeof c->peaks_source, "peaks of %s", c->device->name);
}

static enum duo_status import(struct calibrating *c, struct duo_err *err)
{
    const struct wishes *w = c->wishes;
    struct duo_bench_about about;
    struct duo_power_meter none = { 0 };
    DUO_TRY(duo_app_catalogue(&c->catalogue, &w->layers, err));
    if (w->hardware && !(c->device = duo_catalogue_row(c->catalogue, DUO_HARDWARE, w->hardware, NULL, 0, err))) return DUO_BAD_INPUT;
    struct duo_bench_look_up look = { find_model, find_quant, c, c->device ? c->device->value[DUO_KEY_bandwidth].value : NAN };
    if (c->device && isnan(look.bandwidth)) return duo_fail(err, DUO_BAD_INPUT, "calibrate: the catalogue knows no bandwidth of %s", c->device->name);
    DUO_TRY(duo_bench_read(&c->timings, w->from, &look, &about, err));
    if (about.left_out) fprintf(stderr, "%d of %d rows are left out: prompt and answer together\n", about.left_out, about.rows);
    peaks_of_timings(c);
    lend(c, &none);
    if (about.date[0]) snprintf(c->date, sizeof c->date, "%s", about.date);
    else today(c->date);
    snprintf(c->title, sizeof c->title, "%s", about.machine[0] ? about.machine : c->name);
    snprintf(c->source, sizeof c->source, "llama-bench on %s; %s", about.machine, about.program);
    return DUO_OK;
}

/* ---------------------------------------------------------------- what is printed */

static void print_kernels(const struct calibrating *c)
{
    if (c->kernel_sets == 0) return;
    printf("\n%-7s %8s %8s %7s %22s %20s\n", "format", "rows", "columns", "threads", "bandwidth at 1 token", "peak at 64 tokens");
    for (int s = 0; s < c->kernel_sets; s++)
        for (int i = 0; i < c->n_kernels[s]; i++) {
            const struct duo_kernel_speed *k = &c->kernels[s][i];
            const struct duo_peaks *p = c->peaks;
            while (p->threads != k->threads) p++;
            printf("%-7s %8zu %8zu %7d %21.0f%% %19.0f%%\n", duo_format_info(k->format)->name, k->rows, k->cols, k->threads, 100 * k->stream / p->bandwidth,
                   100 * k->compute / (duo_format_info(k->format)->values > 1 ? p->int8 : p->fp32));
        }
}

static void print_held_out(const struct calibrating *c)
{
    struct duo_held_out *h;
    int n;
    double median;
    struct duo_err none = { 0 };
    if (duo_hold_out(&c->timings, &h, &n, &median, &none) != DUO_OK) return;
    printf("\n%-24s %-8s %7s %10s %8s %8s\n", "left out", "format", "threads", "timings", "median", "worst");
    for (int i = 0; i < n; i++) printf("%-24s %-8s %7d %10d %7.1f%% %7.1f%%\n", h[i].model, h[i].quant, h[i].threads, h[i].timings, 100 * h[i].median, 100 * h[i].worst);
    printf("median error of models left out: %.1f %%\n", 100 * median);
    free(h);
}

static void json_fits(struct duo_json *j, const struct calibrating *c)
{
    duo_json_key(j, "fits");
    duo_json_open(j, '[');
    for (int i = 0; i < c->timings.n; i++) {
        const struct duo_timing *t = &c->timings.at[i];
        struct duo_device_fit fit;
        int k = 0;
        while (strcmp(c->timings.at[k].quant, t->quant) != 0 || c->timings.at[k].threads != t->threads) k++;
        if (k < i || duo_fit_constants(&c->timings, t->quant, t->threads, NULL, &fit, NULL) != DUO_OK) continue;
        duo_json_open(j, '{');
        duo_json_key(j, "quant");        duo_json_text(j, t->quant);
        duo_json_key(j, "threads");      duo_json_number(j, t->threads);
        duo_json_key(j, "timings");      duo_json_number(j, fit.timings);
        duo_json_key(j, "models");       duo_json_number(j, fit.models);
        duo_json_key(j, "median_error"); duo_json_number(j, fit.median);
        duo_json_key(j, "worst_error");  duo_json_number(j, fit.worst);
        for (int q = 0; q < DUO_FITTED_END; q++) {
            duo_json_key(j, duo_fitted[q].name);
            duo_json_open(j, '{');
            duo_json_key(j, "value");  duo_json_number(j, fit.value[q]);
            duo_json_key(j, "low");    duo_json_number(j, fit.low[q]);
            duo_json_key(j, "high");   duo_json_number(j, fit.high[q]);
            duo_json_key(j, "status"); duo_json_text(j, fit.told[q] ? "fitted" : "assumed");
            duo_json_close(j);
        }
        duo_json_close(j);
    }
    duo_json_close(j);
}

static void print_json(const struct calibrating *c)
{
    struct duo_json j;
    duo_json_init(&j, stdout);
    duo_json_open(&j, '{');
    duo_json_key(&j, "device"); duo_json_text(&j, c->name);
    duo_json_key(&j, "out");    duo_json_text(&j, c->wishes->out);
    duo_json_key(&j, "source"); duo_json_text(&j, c->source);
    duo_json_key(&j, "date");   duo_json_text(&j, c->date);
    duo_json_key(&j, "peaks");
    duo_json_open(&j, '[');
    for (int i = 0; i < c->n_peaks; i++) {
        const struct duo_peaks *p = &c->peaks[i];
        duo_json_open(&j, '{');
        duo_json_key(&j, "threads");   duo_json_number(&j, p->threads);
        duo_json_key(&j, "bandwidth"); duo_json_number(&j, p->bandwidth);
        duo_json_key(&j, "int8");      duo_json_number(&j, p->int8 > 0 ? p->int8 : NAN);
        duo_json_key(&j, "fp32");      duo_json_number(&j, p->fp32 > 0 ? p->fp32 : NAN);
        duo_json_close(&j);
    }
    duo_json_close(&j);
    json_fits(&j, c);
    duo_json_close(&j);
    duo_json_end(&j);
}

/* ---------------------------------------------------------------- all of it */

/* The folder is there and can be written to, before an hour begins. */
static enum duo_status open_folder(const char *dir, bool *made, struct duo_err *err)
{
    struct stat s;
    *made = mkdir(dir, 0777) == 0;
    if (!*made && errno != EEXIST) return duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "%s", strerror(errno));
    if (stat(dir, &s) == 0 && !S_ISDIR(s.st_mode)) return duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "is a file; a folder is expected");
    return access(dir, W_OK) == 0 ? DUO_OK : duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "%s", strerror(errno));
}

/* A layer with a shipped device's name would replace that one without a word. */
static enum duo_status own_name(const struct calibrating *c, struct duo_err *err)
{
    struct duo_catalogue *ships;
    if (c->wishes->replace) return DUO_OK;
    DUO_TRY(duo_app_catalogue(&ships, &(struct duo_layers) { 0 }, err));
    const struct duo_row *row = duo_catalogue_find(ships, DUO_HARDWARE, c->name);
    enum duo_status status = !row ? DUO_OK : duo_fail(err, DUO_BAD_INPUT, "calibrate: --name: %s is a device that ships%s%s; another name, or --replace", c->name,
                                                      strcmp(row->name, c->name) ? " as " : "", strcmp(row->name, c->name) ? row->name : "");
    duo_catalogue_free(ships);
    return status;
}

static enum duo_status calibrate(struct calibrating *c, struct duo_err *err)
{
    const struct wishes *w = c->wishes;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    plain_name(w->name ? w->name : host, c->name, sizeof c->name);
    if (!c->name[0]) return duo_fail(err, DUO_BAD_INPUT, "calibrate: --name: a name of letters and digits expected");
    DUO_TRY(own_name(c, err));
    bool made = false;
    enum duo_status status = open_folder(w->out, &made, err);
    if (status == DUO_OK) status = w->from ? import(c, err) : measure(c, err);
    if (status != DUO_OK && made) rmdir(w->out);             /* leaves one that holds timings */
    DUO_TRY(status);
    struct duo_calibration k = {
        .name = c->name, .title = c->title, .class = w->class, .runtime = w->from ? "llama-bench" : "duosim", .date = c->date, .source = c->source,
        .peaks = c->peaks, .peaks_source = c->device ? c->peaks_source : NULL, .n_peaks = c->n_peaks, .guessed = w->from && !c->device,
        .memory = !isnan(w->memory) ? w->memory : w->from ? c->memory : duo_machine_memory_all(), .power = c->power, .timings = &c->timings,
    };
    DUO_TRY(duo_calibration_write(&k, w->out, c->args->json ? NULL : stdout, err));
    if (isnan(k.memory)) fprintf(stderr, "its memory isn't known: a place of it needs --memory here, or cost: {memory: ...}\n");
    if (c->args->json) return print_json(c), DUO_OK;
    print_kernels(c);
    print_held_out(c);
    printf("\n%s is in %s: duosim estimate --catalogue %s --hardware %s ...\n", c->name, w->out, w->out, c->name);
    return DUO_OK;
}

static int read_list(const struct duo_args *a, const char *option, const char *value, int low, int high, int *out)
{
    char *list = duo_copy(value), *rest = list, *word;
    int n = 0;
    while ((word = strsep(&rest, ","))) {
        if (n == MOST) duo_usage(a, "calibrate: %s: %d numbers at most", option, MOST);
        out[n++] = duo_whole(a, option, word, low, high);
    }
    free(list);
    for (int i = 1; i < n; i++)
        if (out[i] <= out[i - 1]) duo_usage(a, "calibrate: %s: numbers that grow are expected, as in 1,2", option);
    return n;
}

static void read_watts(const struct duo_args *a, struct wishes *w, const char *value)
{
    char *list = duo_copy(value), *comma = strchr(list, ',');
    if (!comma) duo_usage(a, "calibrate: --watts: two numbers are expected, as in 3,12; got %s", value);
    *comma = 0;
    w->idle = duo_real(a, "--watts", list, 0, 1e5);
    w->load = duo_real(a, "--watts", comma + 1, w->idle, 1e5);
    free(list);
}

static void check(const struct duo_args *a, const struct wishes *w)
{
    if (!w->out) duo_usage(a, "calibrate: into which folder?  --out DIR");
    if (w->from && a->n_words) duo_usage(a, "calibrate: either models to measure here or --from, not both");
    if (!w->from && !a->n_words) duo_usage(a, "calibrate: which models?  GGUF files, names that duosim models fetch takes, or --from FILE");
    if (w->hardware && !w->from) duo_usage(a, "calibrate: --hardware goes with --from");
    if (w->from && !w->name) duo_usage(a, "calibrate: --from needs --name NAME for the device");
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct wishes w = { .class = "desktop-cpu", .threads = { 1 }, .n_threads = 1, .passes = 1, .idle = NAN, .load = NAN, .memory = NAN,
                        .plan = { .contexts = { 0, 512 }, .n_contexts = 2, .prompts = { 8, 64, 256 }, .n_prompts = 3, .decoded = 16, .repeat = 5 } };
    if (cores > 1) w.threads[w.n_threads++] = cores > DUO_MAX_THREADS ? DUO_MAX_THREADS : (int)cores;
    const char *value;
    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) switch (id) {
        case OUT:       w.out = value; break;
        case FROM:      w.from = value; break;
        case NAME:      w.name = value; break;
        case CLASS:     w.class = value; break;
        case HARDWARE:  w.hardware = value; break;
        case 't':       w.n_threads = read_list(&a, "--threads", value, 1, DUO_MAX_THREADS, w.threads); break;
        case CONTEXTS:  w.plan.n_contexts = read_list(&a, "--contexts", value, 0, 1 << 20, w.plan.contexts); break;
        case PROMPTS:   w.plan.n_prompts = read_list(&a, "--prompts", value, 2, DUO_PASS, w.plan.prompts); break;
        case 'r':       w.plan.repeat = duo_whole(&a, "--repeat", value, 1, 100); break;
        case PASSES:    w.passes = duo_whole(&a, "--passes", value, 1, 100); break;
        case QUICK:     w.plan = (struct duo_timing_plan) { .contexts = { 0, 128 }, .n_contexts = 2, .prompts = { 8, 64 }, .n_prompts = 2, .decoded = 8, .repeat = 3 }; break;
        case WATTS:     read_watts(&a, &w, value); break;
        case MEMORY:    w.memory = 1e9 * duo_real(&a, "--memory", value, 1e-6, 1e6); break;
        case REPLACE:   w.replace = true; break;
        case CATALOGUE: duo_app_layer(&a, &w.layers, value); break;
        }
    check(&a, &w);
    struct calibrating *c = duo_new(1, sizeof *c);
    *c = (struct calibrating) { .args = &a, .wishes = &w, .memory = NAN };
    enum duo_status status = calibrate(c, &err);
    for (int s = 0; s < c->kernel_sets; s++) free(c->kernels[s]);
    duo_timings_free(&c->timings);
    if (c->catalogue) duo_catalogue_free(c->catalogue);
    free(c);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_calibrate = {
    .name = "calibrate", .words = "MODEL.gguf...", .about = "make this machine, or one that llama-bench measured, a device of the catalogue",
    .example = "  duosim calibrate smollm2-135m-q4_0.gguf tinyllama-1.1b-q4_0.gguf --out mine\n"
               "  duosim calibrate --from phone.json --name my-phone --class phone --memory 8 --out phone\n",
    .options = options, .run = run,
};
