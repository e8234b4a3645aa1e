/* validate_edge.c - from a published row to the closed form's numbers: which kernels ran, on what, how many bytes.
 *
 * (1) The device is looked up in the catalogue by its id or its title; else its kind and the table's bandwidth stand in, with
 *     the middle device of that kind for what the table has not, and the report says so.  The kind is what computes: Metal, CUDA, else the class.
 * (2) "CPU 4 thr": four of the cores; "CPU 4/16 thr": four for decoding, sixteen for the prompt.
 * (3) The bandwidth is the measured one where the CPU computes and the catalogue has it.
 * (4) KV: llama-bench's tg starts from an empty context, so half of what is written; else the prompt and half of the answer.
 * (5) Layers and KV of a model that is not in the catalogue: a rule of thumb by its size, noted. */
#include "sim/app/validate_edge.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *duo_family_text(enum duo_family f)
{
    static const char *const text[] = {
#define X(name, words) words,
        DUO_FAMILIES(X)
#undef X
    };
    return f < DUO_FAMILY_END ? text[f] : "?";
}

static bool has(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (; *text; text++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)text[k]) == tolower((unsigned char)part[k])) k++;
        if (k == n) return true;
    }
    return false;
}

static bool is(const char *text, const char *word) { return strcmp(text, word) == 0; }

static enum duo_family family_of(const struct duo_perf *p)
{
    if (has(p->backend, "NPU") || has(p->backend, "Hexagon")) return DUO_FAMILY_NPU;
    if (is(p->class, "mcu")) return DUO_FAMILY_MCU;
    if (has(p->backend, "CPU")) return DUO_FAMILY_CPU;
    if (is(p->class, "apple") || (has(p->backend, "Metal") && !has(p->backend, "CUDA"))) return DUO_FAMILY_METAL;
    if (is(p->class, "jetson")) return DUO_FAMILY_JETSON;
    if (is(p->class, "desktop-gpu") || is(p->class, "dc-gpu") || has(p->backend, "CUDA")) return DUO_FAMILY_CUDA;
    return has(p->backend, "GPU") || has(p->backend, "Vulkan") || has(p->backend, "OpenCL") ? DUO_FAMILY_END : DUO_FAMILY_CPU;
}

/* Whose constants a device has that the catalogue has not: what computes decides, not what it sits in. */
static const char *kin_of(const struct duo_edge_row *r)
{
    if (r->family == DUO_FAMILY_METAL) return "apple";
    return r->family == DUO_FAMILY_CUDA && !is(r->perf->class, "dc-gpu") ? "desktop-gpu" : r->perf->class;
}

static enum duo_format format_of(const char *quant)
{
    if (has(quant, "_K") || has(quant, "iq")) return DUO_K;
    if (has(quant, "f16") && !has(quant, "q")) return DUO_HALF;
    if (has(quant, "fp16") || has(quant, "bf16") || has(quant, "bfloat16") || has(quant, "f32") || has(quant, "fp32")) return DUO_HALF;
    if (has(quant, "q8") || has(quant, "int8") || has(quant, "w8") || has(quant, "fp8")) return DUO_EIGHT;
    if (has(quant, "q4_0") || has(quant, "q4_1") || has(quant, "q5_0") || has(quant, "q5_1")) return DUO_FOUR;
    return DUO_GROUPED;
}

static const char *runtime_of(const struct duo_perf *p, enum duo_family f)
{
    if (f == DUO_FAMILY_NPU) return has(p->runtime, "rkllm") ? "rkllm" : "genie";
    if (f == DUO_FAMILY_CUDA && has(p->runtime, "gpt-fast")) return "gpt-fast";
    if (f != DUO_FAMILY_CPU) return "llama.cpp";
    if (has(p->runtime, "t-mac")) return "t-mac";
    if (has(p->runtime, "ik_llama")) return "ik_llama.cpp";
    if (has(p->runtime, "executorch")) return "executorch";
    return "llama.cpp";
}

static const char *quant_of(const struct duo_catalogue *c, const struct duo_perf *p, enum duo_format f)
{
    static const char *const stand_in[] = { "f16", "q8_0", "q4_0", "q4_k_m", "awq" };
    const struct duo_row *row = duo_catalogue_find(c, DUO_QUANTS, p->quant);
    return row ? row->name : stand_in[f];
}

/* ---- the device ---- */

static double given(const struct duo_row *row, enum duo_key k) { return row ? row->value[k].value : NAN; }

static double rate_of(const struct duo_row *r)
{
    double pipes = given(r, DUO_KEY_pipes);
    return given(r, DUO_KEY_units) * given(r, DUO_KEY_clock) * (isnan(pipes) ? 1 : pipes);
}

/* (1) The median over a class of the rate a byte/s of bandwidth, and of the clock. */
static void class_middle(const struct duo_catalogue *c, const char *class, double *rate, double *clock)
{
    const char *const *name;
    int n = duo_catalogue_names(c, "hardware", &name), m = 0;
    double *ratios = duo_new((size_t)n + 1, sizeof *ratios), *clocks = duo_new((size_t)n + 1, sizeof *clocks);

    for (int i = 0; i < n; i++) {
        const struct duo_row *r = duo_catalogue_find(c, DUO_HARDWARE, name[i]);
        double ratio = r && r->class && is(r->class, class) ? rate_of(r) / given(r, DUO_KEY_bandwidth) : NAN;
        if (isnan(ratio)) continue;
        ratios[m] = ratio, clocks[m++] = given(r, DUO_KEY_clock);
    }
    *rate = duo_median(ratios, m), *clock = duo_median(clocks, m);
    free(ratios), free(clocks);
}

static double threads(const char *backend, bool prompt)                                                          /* (2) */
{
    const char *at = strstr(backend, "CPU ");
    char *end = NULL;
    double n = at ? strtod(at + 4, &end) : 0;

    if (prompt && end && *end == '/') n = strtod(end + 1, NULL);
    return n >= 1 ? n : (double)INFINITY;
}

static void set_device(const struct duo_validation *v, struct duo_edge_row *r)
{
    const struct duo_perf *p = r->perf;
    double units, measured;

    r->hardware = duo_catalogue_find(v->catalogue, DUO_HARDWARE, p->device);
    if (!r->hardware) r->hardware = duo_catalogue_find(v->catalogue, DUO_HARDWARE, p->title);
    r->bandwidth = given(r->hardware, DUO_KEY_bandwidth);
    r->rate = rate_of(r->hardware), r->clock = given(r->hardware, DUO_KEY_clock);
    if (isnan(r->bandwidth)) r->bandwidth = p->bandwidth;
    if (isnan(r->rate) || isnan(r->clock)) {
        double ratio, clock;
        class_middle(v->catalogue, kin_of(r), &ratio, &clock);
        if (isnan(r->rate)) r->rate = ratio * r->bandwidth;
        if (isnan(r->clock)) r->clock = clock;
    }
    r->prompt_rate = r->rate;
    if (r->family != DUO_FAMILY_CPU) return;
    units = given(r->hardware, DUO_KEY_units), measured = given(r->hardware, DUO_KEY_bandwidth_measured);
    if (!isnan(units)) {
        r->prompt_rate *= fmin(threads(p->backend, true), units) / units;
        r->rate *= fmin(threads(p->backend, false), units) / units;
    }
    if (isnan(measured)) return;
    r->bandwidth = measured, r->measured_bandwidth = true;                                                       /* (3) */
}

/* ---- the model ---- */

/* "Qwen 3 8B" is qwen3-8b, "Llama-3.x-8B" is nobody's name: the catalogue's own rules first, then without the first blank. */
const struct duo_row *duo_edge_model(const struct duo_catalogue *c, const char *name)
{
    const struct duo_row *row = duo_catalogue_find(c, DUO_MODELS, name);
    const char *blank = strchr(name, ' ');
    char joined[80];

    if (row || !blank) return row;
    snprintf(joined, sizeof joined, "%.*s%s", (int)(blank - name), name, blank + 1);
    return duo_catalogue_find(c, DUO_MODELS, joined);
}

static void set_model(const struct duo_validation *v, struct duo_edge_row *r)
{
    const struct duo_perf *p = r->perf;
    const struct duo_row *row = duo_edge_model(v->catalogue, p->model);
    struct duo_arch arch = { 0 };
    bool bench = p->prompt == 512 && p->output == 128;                                                           /* (4) */
    double prompt = bench ? 0 : isnan(p->prompt) ? 64 : p->prompt, output = isnan(p->output) ? 128 : p->output, per_token = 0, tokens;

    if (row) duo_row_arch(row, &arch);
    r->layers = arch.layers;
    if (row) r->kv_bytes = duo_work_context(&arch, 0, arch.layers, prompt + output / 2, &per_token, &tokens) * 4.0 * arch.kv_heads * arch.head_dim;
    if (!row) {                                                                                                  /* (5) */
        r->layers   = fmax(4, round(16.5 * pow(p->params / 1e9, 0.35)));
        r->kv_bytes = (prompt + output / 2) * 1.2e5 * pow(p->params / 8e9, 0.5);
    }
    r->prompt_flop = 2 * p->params;
}

/* ---- rows ---- */

void duo_edge_constants(const struct duo_validation *v, const struct duo_edge_row *r, struct duo_value out[DUO_KEYS])
{
    struct duo_row nobody = { .table = DUO_HARDWARE, .name = "?", .class = kin_of(r) };
    duo_catalogue_constants(v->catalogue, r->hardware ? r->hardware : &nobody, r->runtime, r->quant, out);
}

void duo_edge_note(struct duo_validation *v, const char *gate, const char *fmt, ...)
{
    char text[300];
    va_list list;

    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    for (int i = 0; i < v->report.n_notes; i++)
        if (is(v->report.note[i].text, text) && is(v->report.note[i].gate, gate)) return;
    duo_report_note(&v->report, gate, "%s", text);
}

int duo_edge_rows(struct duo_validation *v, const char *gate, bool (*wanted)(const struct duo_perf *), struct duo_edge_row **out)
{
    struct duo_edge_row *rows = duo_new((size_t)v->found.n_perf + 1, sizeof *rows);
    int n = 0;

    for (int i = 0; i < v->found.n_perf; i++) {
        const struct duo_perf *p = &v->found.perf[i];
        struct duo_edge_row r = { .perf = p };
        struct duo_value constants[DUO_KEYS];
        if (!wanted(p)) continue;
        r.family = family_of(p), r.format = format_of(p->quant);
        if (r.family == DUO_FAMILY_END) {
            duo_edge_note(v, gate, "rows of %s are not predicted: no constants for such a GPU", p->title);
            continue;
        }
        r.runtime = runtime_of(p, r.family), r.quant = quant_of(v->catalogue, p, r.format);
        r.compiled = is(r.runtime, "gpt-fast");
        r.packed = r.family == DUO_FAMILY_CPU && !is(r.runtime, "llama.cpp");
        set_device(v, &r), set_model(v, &r);
        duo_edge_constants(v, &r, constants);
        r.attend = isnan(constants[DUO_KEY_attend].value) ? 1 : constants[DUO_KEY_attend].value;
        r.bytes  = p->weight_bytes;
        r.amount = r.family == DUO_FAMILY_CPU ? p->params : p->weight_bytes;
        if (isnan(r.bandwidth)) {
            duo_edge_note(v, gate, "rows of %s are not predicted: its bandwidth is not known", p->title);
            continue;
        }
        if (!r.hardware) duo_edge_note(v, gate, "device %s is not in the catalogue: its class and the table's bandwidth stand in", p->title);
        if (!duo_catalogue_find(v->catalogue, DUO_QUANTS, p->quant)) duo_edge_note(v, gate, "format \"%s\" is not in the catalogue: %s stands in", p->quant, r.quant);
        if (!duo_edge_model(v->catalogue, p->model)) duo_edge_note(v, gate, "model %s is not in the catalogue: layers and KV by its size", p->model);
        rows[n++] = r;
    }
    *out = rows;
    return n;
}

double duo_edge_shipped(const struct duo_validation *v, const struct duo_edge_row *r)
{
    struct duo_value k[DUO_KEYS];
    double stream, issue, layer, p, read, unpack;

    duo_edge_constants(v, r, k);
    stream = r->measured_bandwidth && !isnan(k[DUO_KEY_stream_measured].value) ? k[DUO_KEY_stream_measured].value : k[DUO_KEY_stream].value;
    issue  = r->family == DUO_FAMILY_CPU ? k[DUO_KEY_issue_weights].value : k[DUO_KEY_issue].value;
    layer  = isnan(k[DUO_KEY_layer_cycles].value) ? k[DUO_KEY_layer].value : k[DUO_KEY_layer_cycles].value / r->clock;
    p      = isnan(k[DUO_KEY_sharpness].value) ? 3 : k[DUO_KEY_sharpness].value;
    read   = r->bytes / (stream * r->bandwidth);
    unpack = isnan(issue) ? 0 : r->amount / (issue * r->rate);
    return pow(pow(read, p) + pow(unpack, p), 1 / p) + r->layers * layer + r->kv_bytes / (r->attend * r->bandwidth);
}
