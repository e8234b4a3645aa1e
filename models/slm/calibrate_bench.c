/* calibrate_bench.c - what llama.cpp's llama-bench printed, as timings.  Requirements: calibrate.h.
 *
 * (1) JSON is a list of flat objects (a list inside one is passed over), JSON lines an object a line, CSV a table with a header.  Fields by
 *     name; those of other versions are passed over.  JSON is read by libyaml: it is YAML.
 * (2) What is needed and missing, or is no number, is named with file and line. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "models/slm/calibrate.h"
#include "sim/base/csv.h"

/* X(field, needed) */
#define FIELDS(X) X(model_filename, 1) X(model_type, 1) X(model_size, 1) X(model_n_params, 1) X(n_threads, 1) X(n_prompt, 1) X(n_gen, 1)      \
                  X(avg_ts, 1) X(stddev_ts, 1) X(n_depth, 0) X(n_batch, 0) X(n_ubatch, 0) X(type_k, 0) X(backends, 0) X(cpu_info, 0)          \
                  X(gpu_info, 0) X(build_number, 0) X(test_time, 0)
enum field {
#define X(name, needed) FIELD_##name,
    FIELDS(X)
#undef X
    N_FIELDS
};
static const struct { const char *name; bool needed; } fields[N_FIELDS] = {
#define X(name, needed) { #name, needed },
    FIELDS(X)
#undef X
};

struct bench_row { char text[N_FIELDS][256]; bool there[N_FIELDS]; int line; };

struct reading {
    const char *path;
    const struct duo_bench_look_up *look;
    struct duo_timings *out;
    struct duo_bench_about *about;
    int first;                   /* of our timings in `out` */
};

static enum field field_of(const char *name)
{
    int f = 0;
    while (f < N_FIELDS && strcmp(fields[f].name, name) != 0) f++;
    return (enum field)f;
}

static void set_field(struct bench_row *r, const char *name, const char *value)
{
    enum field f = field_of(name);
    if (f == N_FIELDS) return;
    snprintf(r->text[f], sizeof r->text[f], "%s", value);
    r->there[f] = true;
}

/* ---------------------------------------------------------------- a row */

static enum duo_status number(const struct reading *g, const struct bench_row *r, enum field f, double least, double *out, struct duo_err *err)
{
    char *end;
    if (!r->there[f] && !fields[f].needed) return DUO_OK;
    *out = strtod(r->text[f], &end);                 /* the locale is "C" */
    if (end == r->text[f] || *end || !(*out >= least) || isinf(*out))
        return duo_fail_at(err, DUO_BAD_INPUT, g->path, r->line, 0, "%s: a number of at least %g is expected; got '%s'", fields[f].name, least, r->text[f]);
    return DUO_OK;
}

/* "qwen2 7B Q4_K - Medium" is q4_k_m, "llama 7B mostly Q4_0" q4_0, "llama 1B all F32" f32. */
static void name_quant(const char *type, char *out, size_t n)
{
    char word[256], size = 0;
    const char *dash = strstr(type, " - ");
    size_t length = dash ? (size_t)(dash - type) : strlen(type), at = length;
    while (at > 0 && type[at - 1] != ' ') at--;
    snprintf(word, sizeof word, "%.*s", (int)(length - at), type + at);
    if (dash) size = (char)tolower((unsigned char)dash[3]);
    for (char *c = word; *c; c++) *c = (char)tolower((unsigned char)*c);
    if (size == 's' || size == 'm' || size == 'l') snprintf(out, n, "%.20s_%c", word, size);
    else snprintf(out, n, "%.23s", word);
}

static void note_about(struct duo_bench_about *a, const struct bench_row *r)
{
    bool gpu = r->text[FIELD_gpu_info][0] && strcmp(r->text[FIELD_backends], "CPU") != 0;
    a->rows++;
    snprintf(a->machine, sizeof a->machine, "%.100s", r->text[gpu ? FIELD_gpu_info : FIELD_cpu_info]);
    snprintf(a->program, sizeof a->program, "llama.cpp %.20s %.20s", r->text[FIELD_build_number], r->text[FIELD_backends]);
    if (r->there[FIELD_test_time]) snprintf(a->date, sizeof a->date, "%.10s", r->text[FIELD_test_time]);
}

static enum duo_status take_row(const struct reading *g, const struct bench_row *r, struct duo_err *err)
{
    struct duo_timing t = { .kv_bits = 16, .iterations = 1, .logits = 1, .bandwidth = g->look->bandwidth, .peak = NAN };
    double size = 0, parameters = 0, threads = 0, prompt = 0, written = 0, rate = 0, scatter = 0, depth = 0, batch = 512, cut = 512;
    for (int f = 0; f < N_FIELDS; f++)
        if (fields[f].needed && !r->there[f])
            return duo_fail_at(err, DUO_BAD_INPUT, g->path, r->line, 0, "no %s in it: not a row of llama-bench", fields[f].name);
    DUO_TRY(number(g, r, FIELD_model_size, 1, &size, err));
    DUO_TRY(number(g, r, FIELD_model_n_params, 1, &parameters, err));
    DUO_TRY(number(g, r, FIELD_n_threads, 1, &threads, err));
    DUO_TRY(number(g, r, FIELD_n_prompt, 0, &prompt, err));
    DUO_TRY(number(g, r, FIELD_n_gen, 0, &written, err));
    DUO_TRY(number(g, r, FIELD_avg_ts, 1e-9, &rate, err));
    DUO_TRY(number(g, r, FIELD_stddev_ts, 0, &scatter, err));
    DUO_TRY(number(g, r, FIELD_n_depth, 0, &depth, err));
    DUO_TRY(number(g, r, FIELD_n_batch, 1, &batch, err));
    DUO_TRY(number(g, r, FIELD_n_ubatch, 1, &cut, err));
    note_about(g->about, r);
    if ((prompt > 0) == (written > 0)) return g->about->left_out++, DUO_OK;
    if (!g->look->find(g->look->user, r->text[FIELD_model_filename], parameters, &t.arch, t.model))
        return duo_fail_at(err, DUO_BAD_INPUT, g->path, r->line, 0, "model_filename: %s (%.3g parameters) is no model of the catalogue; add its row with --catalogue",
                           r->text[FIELD_model_filename], parameters);
    name_quant(r->text[FIELD_model_type], t.quant, sizeof t.quant);
    t.layer_bits = t.head_bits = 8 * size / parameters;
    if (!strncmp(r->text[FIELD_type_k], "q8", 2)) t.kv_bits = 8.5;
    snprintf(t.activation, sizeof t.activation, "%s", t.layer_bits < 15 ? "int8" : "fp32");
    if (!g->look->quant(g->look->user, t.quant, &t.layer_bits, &t.head_bits, &t.peak))
        return duo_fail_at(err, DUO_BAD_INPUT, g->path, r->line, 0, "model_type: %s: '%s' is no format of the catalogue (duosim quants); add its row with --catalogue",
                           r->text[FIELD_model_type], t.quant);
    t.threads = (int)threads;
    t.cached = depth;
    t.fresh = 1;
    t.spread = fmax(0.01, scatter / rate);
    if (written > 0) t.iterations = (int)written, t.seconds = 1 / rate;
    else {
        t.iterations = (int)ceil(prompt / fmin(cut, r->there[FIELD_n_batch] ? batch : cut));
        t.fresh = prompt / t.iterations;
        t.seconds = t.fresh / rate;
    }
    duo_timings_add(g->out, &t);
    return DUO_OK;
}

/* ---------------------------------------------------------------- JSON */

/* One document; `line`: lines before it. */
static enum duo_status read_json(const struct reading *g, const char *text, size_t n, int line, struct duo_err *err)
{
    yaml_parser_t parser;
    yaml_event_t event;
    struct bench_row row = { 0 };
    char key[64] = "";
    bool keyed = false, end = false;
    int depth = 0, inside = 0;           /* inside: the depth within a row's object */
    enum duo_status status = DUO_OK;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    while (!end && status == DUO_OK) {
        if (!yaml_parser_parse(&parser, &event)) {
            status = duo_fail_at(err, DUO_BAD_INPUT, g->path, line + (int)parser.problem_mark.line + 1, 0, "is no JSON: %s", parser.problem ? parser.problem : "cut off");
            break;
        }
        switch (event.type) {
        case YAML_STREAM_END_EVENT: end = true; break;
        case YAML_MAPPING_START_EVENT:
            if (inside) inside++;
            else row = (struct bench_row) { .line = line + (int)event.start_mark.line + 1 }, inside = 1, keyed = false;
            break;
        case YAML_MAPPING_END_EVENT:
            if (--inside == 0) status = take_row(g, &row, err);
            else if (inside == 1) keyed = false;
            break;
        case YAML_SEQUENCE_START_EVENT: if (inside) inside++; else depth++; break;
        case YAML_SEQUENCE_END_EVENT:   if (inside) { if (--inside == 1) keyed = false; } else depth--; break;
        case YAML_SCALAR_EVENT:
            if (inside != 1) break;
            if (keyed) set_field(&row, key, (const char *)event.data.scalar.value);
            else snprintf(key, sizeof key, "%s", (const char *)event.data.scalar.value);
            keyed = !keyed;
            break;
        default: break;
        }
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

static enum duo_status read_lines(const struct reading *g, char *text, struct duo_err *err)
{
    int line = 0;
    for (char *at; (at = strsep(&text, "\n")); line++)
        if (at[strspn(at, " \t\r")]) DUO_TRY(read_json(g, at, strlen(at), line, err));
    return DUO_OK;
}

/* ---------------------------------------------------------------- CSV */

static enum duo_status read_csv(const struct reading *g, struct duo_err *err)
{
    struct duo_csv *c;
    int got;
    DUO_TRY(duo_csv_open(&c, g->path, ',', err));
    while ((got = duo_csv_next(c, err)) > 0) {
        struct bench_row row = { .line = duo_csv_line(c) };
        for (int i = 0; i < duo_csv_columns(c); i++) set_field(&row, duo_csv_name(c, i), duo_csv_cell(c, i));
        if (take_row(g, &row, err) != DUO_OK) break;
    }
    duo_csv_close(c);
    return err->status;
}

/* ---------------------------------------------------------------- all of it */

/* Peaks of a machine that nothing is known of: those that give its best row the shares that calibrate.h's priors have. */
static void guess_peaks(const struct reading *g)
{
    double bandwidth = 0, peak[2] = { 0, 0 };
    for (int i = g->first; i < g->out->n; i++) {
        const struct duo_timing *t = &g->out->at[i];
        struct duo_parameters p;
        duo_work_parameters(&t->arch, &p);
        bool floats = !strcmp(t->activation, "fp32");
        if (t->fresh > 1) peak[floats] = fmax(peak[floats], 2 * p.active * t->fresh / t->seconds / duo_fitted[DUO_CONSTANT_compute].prior);
        else bandwidth = fmax(bandwidth, p.active * t->layer_bits / 8 / t->seconds / duo_fitted[DUO_CONSTANT_stream].prior);
    }
    for (int i = g->first; i < g->out->n; i++) {
        struct duo_timing *t = &g->out->at[i];
        bool floats = !strcmp(t->activation, "fp32");
        if (isnan(t->bandwidth)) t->bandwidth = bandwidth > 0 ? bandwidth : 1e10;
        if (isnan(t->peak)) t->peak = peak[floats] > 0 ? peak[floats] : peak[!floats] > 0 ? peak[!floats] : 10 * t->bandwidth;
    }
}

static char *all_of(const char *path, struct duo_err *err)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (!f) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno)), NULL;
    ssize_t n = getdelim(&text, &room, '\0', f);
    if (n < 0) duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", ferror(f) ? strerror(errno) : "is empty"), free(text), text = NULL;
    fclose(f);
    return text;
}

enum duo_status duo_bench_read(struct duo_timings *out, const char *path, const struct duo_bench_look_up *look, struct duo_bench_about *about,
                               struct duo_err *err)
{
    struct duo_err own = { 0 };
    struct reading g = { .path = path, .look = look, .out = out, .about = about, .first = out->n };
    char *text = all_of(path, err = err ? err : &own);
    if (!text) return err->status;
    char begins = text[strspn(text, " \t\r\n")];
    *about = (struct duo_bench_about) { 0 };
    enum duo_status status = begins == '[' ? read_json(&g, text, strlen(text), 0, err) : begins == '{' ? read_lines(&g, text, err) : read_csv(&g, err);
    free(text);
    if (status == DUO_OK && about->rows == 0) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "has no row");
    if (status == DUO_OK && out->n == g.first) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "has %d rows, none of a prompt or an answer alone", about->rows);
    if (status == DUO_OK) guess_peaks(&g);
    return status;
}
