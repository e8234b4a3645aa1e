/* validate_data.c - measurements, found by their layout and never by their names.
 *
 * (1) A table: any *.csv whose header has all the columns below.  Others are passed over unread.
 * (2) A run: any folder with meta.json and requests.jsonl.
 * (3) Radio samples: any *.csv with the columns hardware_power and downlink_Mbps.
 * (4) Folders are entered in the order of names, at most DEEPEST levels down, no link twice: the same data, the same report.
 * (5) An empty cell is NAN; a batch of words ("max") is NAN, too.  Any other cell that should be a number and is none, a speed or
 *     a size that is not above zero: refused at its place, with the whole table. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/app/validate.h"
#include "sim/base/csv.h"

enum { DEEPEST = 4, HEADER = 4096 };

#define COLUMNS(X) X(device_id) X(class) X(device) X(runtime) X(backend) X(model) X(quant) X(power_scope) X(params_B) X(weight_GB) X(prompt_len)  \
                   X(gen_len) X(batch) X(n_dev) X(prefill_tok_s) X(decode_tok_s) X(power_W) X(J_per_token) X(peak_bw_GBps)                        \
                   X(single_stream_decode) X(full_device)
enum column {
#define X(name) C_##name,
    COLUMNS(X)
#undef X
    COLUMNS_END
};
static const char *const columns[] = {
#define X(name) #name,
    COLUMNS(X)
#undef X
};

/* ---- a table ---- */

static bool header_has(const char *header, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = header; (at = strstr(at, name)); at += n) {
        char before = at == header ? ',' : at[-1], after = at[n];
        if ((before == ',' || before == '"') && (after == ',' || after == '"' || after == '\n' || after == '\r' || !after)) return true;
    }
    return false;
}

static bool read_header(const char *path, char header[HEADER])
{
    FILE *in = fopen(path, "r");
    bool there = in && fgets(header, HEADER, in) != NULL;

    if (in) fclose(in);
    if (there && memcmp(header, "\xEF\xBB\xBF", 3) == 0) memmove(header, header + 3, strlen(header + 3) + 1);
    return there;
}

static bool is_table(const char *header)
{
    for (int k = 0; k < COLUMNS_END; k++)
        if (!header_has(header, columns[k])) return false;
    return true;
}

/* (5) */
static enum duo_status number(const struct duo_csv *csv, int column, double *out, struct duo_err *err)
{
    *out = NAN;
    return duo_csv_cell(csv, column)[0] ? duo_csv_number(csv, column, out, err) : DUO_OK;
}

static enum duo_status positive(const struct duo_csv *csv, int column, double *out, struct duo_err *err)
{
    DUO_TRY(number(csv, column, out, err));
    return *out <= 0 ? duo_csv_bad(csv, column, err, "a number above 0 expected; got %s", duo_csv_cell(csv, column)) : DUO_OK;
}

static enum duo_status read_row(const struct duo_csv *csv, const int at[COLUMNS_END], struct duo_perf *p, struct duo_err *err)
{
    double single, whole;
#define TEXT(field, column) snprintf(p->field, sizeof p->field, "%s", duo_csv_cell(csv, at[C_##column]))
    TEXT(device, device_id), TEXT(class, class), TEXT(title, device), TEXT(runtime, runtime), TEXT(backend, backend);
    TEXT(model, model), TEXT(quant, quant), TEXT(scope, power_scope);
#undef TEXT
    p->line = duo_csv_line(csv);
    DUO_TRY(positive(csv, at[C_params_B], &p->params, err));
    DUO_TRY(positive(csv, at[C_weight_GB], &p->weight_bytes, err));
    DUO_TRY(number(csv, at[C_prompt_len], &p->prompt, err));
    DUO_TRY(number(csv, at[C_gen_len], &p->output, err));
    DUO_TRY(positive(csv, at[C_n_dev], &p->gpus, err));
    DUO_TRY(positive(csv, at[C_prefill_tok_s], &p->prefill, err));
    DUO_TRY(positive(csv, at[C_decode_tok_s], &p->decode, err));
    DUO_TRY(positive(csv, at[C_power_W], &p->watts, err));
    DUO_TRY(positive(csv, at[C_J_per_token], &p->joules, err));
    DUO_TRY(positive(csv, at[C_peak_bw_GBps], &p->bandwidth, err));
    DUO_TRY(number(csv, at[C_single_stream_decode], &single, err));
    DUO_TRY(number(csv, at[C_full_device], &whole, err));
    if (duo_csv_number(csv, at[C_batch], &p->batch, NULL) != DUO_OK) p->batch = NAN;
    p->params *= 1e9, p->weight_bytes *= 1e9, p->bandwidth *= 1e9;
    p->single = single == 1, p->whole = whole == 1;
    return DUO_OK;
}

static enum duo_status read_table(struct duo_found *f, const char *path, struct duo_err *err)
{
    struct duo_csv *csv;
    int at[COLUMNS_END], more;
    enum duo_status status = DUO_OK;

    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    for (int k = 0; k < COLUMNS_END; k++) at[k] = duo_csv_find(csv, columns[k]);
    while (status == DUO_OK && (more = duo_csv_next(csv, err)) != 0) {
        struct duo_perf *p;
        if (more < 0) { status = DUO_BAD_INPUT; break; }
        f->perf = duo_grow(f->perf, (size_t)f->n_perf + 1, sizeof *f->perf);
        p = &f->perf[f->n_perf++];
        *p = (struct duo_perf){ 0 };
        snprintf(p->file, sizeof p->file, "%s", path);
        status = read_row(csv, at, p, err);
    }
    duo_csv_close(csv);
    f->table = duo_grow(f->table, (size_t)f->n_tables + 1, sizeof *f->table);
    snprintf(f->table[f->n_tables++], sizeof *f->table, "%s", path);
    return status;
}

/* ---- folders ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_there(const char *dir, const char *file)
{
    char path[1100];
    struct stat s;

    snprintf(path, sizeof path, "%s/%s", dir, file);
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static enum duo_status look_at(struct duo_found *f, const char *path, struct duo_report *report, struct duo_err *err)
{
    int rows = f->n_perf, tables = f->n_tables;
    char header[HEADER];

    if (!ends_with(path, ".csv") || !read_header(path, header)) return DUO_OK;
    if (is_table(header)) {                                                                                      /* (1) */
        enum duo_status status = read_table(f, path, err);
        if (status != DUO_OK) f->n_perf = rows, f->n_tables = tables;
        return duo_report_broken(report, status, err);
    }
    if (!f->radio[0] && header_has(header, "hardware_power") && header_has(header, "downlink_Mbps"))             /* (3) */
        snprintf(f->radio, sizeof f->radio, "%s", path);
    if (f->n_silence < 8 && header_has(header, "enabled_radio_type") && header_has(header, "RTT1"))
        snprintf(f->silence[f->n_silence++], sizeof f->silence[0], "%s", path);
    return DUO_OK;
}

static enum duo_status walk(struct duo_found *f, const char *dir, int depth, struct duo_report *report, struct duo_err *err)
{
    struct dirent **entry;
    enum duo_status status = DUO_OK;
    int n = scandir(dir, &entry, NULL, alphasort);

    if (n < 0) return depth > 0 ? DUO_OK : duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "a folder with measurements expected");
    if (is_there(dir, "meta.json") && is_there(dir, "requests.jsonl")) {                                         /* (2) */
        const char *name = strrchr(dir, '/');
        struct duo_run_files run;
        snprintf(run.dir, sizeof run.dir, "%s", dir);
        snprintf(run.name, sizeof run.name, "%s", name ? name + 1 : dir);
        f->run = duo_grow(f->run, (size_t)f->n_runs + 1, sizeof *f->run);
        f->run[f->n_runs++] = run;
    }
    for (int i = 0; i < n; i++) {
        char path[1024];
        struct stat s;
        if (status == DUO_OK && entry[i]->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", dir, entry[i]->d_name) < (int)sizeof path &&
            stat(path, &s) == 0) {
            if (S_ISREG(s.st_mode)) status = look_at(f, path, report, err);
            else if (S_ISDIR(s.st_mode) && depth < DEEPEST) status = walk(f, path, depth + 1, report, err);              /* (4) */
        }
        free(entry[i]);
    }
    free(entry);
    return status;
}

enum duo_status duo_find(struct duo_found *f, const char *root, struct duo_report *report, struct duo_err *err)
{
    *f = (struct duo_found){ 0 };
    return walk(f, root, 0, report, err);
}

void duo_found_free(struct duo_found *f) { free(f->perf), free(f->table), free(f->run); }
