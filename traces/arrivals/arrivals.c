/* arrivals.c - the table of formats, and what all traces have in common.
 *
 * (1) A trace is read whole; dates count from its earliest row, which arrives at 0.
 * (2) Rows out of order are put in order (rows of the same date stay as they were) and counted: a row that is
 *     earlier than the one before it in the file is an inversion.
 * (3) Dates are divided by rate_scale.
 * (4) read = emitted + dropped, by reason; those after the first `requests` are dropped, too.
 * (5) The format is found from the header (of JSON, from the keys at its beginning), or given; an unknown name is refused
 *     with the nearest one.
 * (6) A trace is read once for all runs of a plan (sim/base/kept.h). */
#include "traces/arrivals/arrivals.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/kept.h"
#include "traces/arrivals/importer.h"
#include "traces/arrivals/process.h"
#include "traces/requests/requests.h"

static const struct {
    const char *name, *about;
    const char *column[2];                    /* a header with both is of this format */
    duo_arrival_importer *read;               /* or: */
    duo_arrival_reader   *read_lines;
    const struct duo_log_format *log;         /* that read_lines reads */
} formats[] = {
    { "azure", "Azure LLM inference traces 2023, 2024, 2025: TIMESTAMP, ContextTokens, GeneratedTokens",
      { "TIMESTAMP", "ContextTokens" }, duo_arrivals_azure, NULL, NULL },
    { "csv", "a table of one's own: at (s), prompt_tokens, output_tokens, session, turn; all but at optional",
      { "at", "at" }, duo_arrivals_csv, NULL, NULL },
    { "mooncake", "Mooncake's traces, JSON lines: timestamp (ms), input_length, output_length, hash_ids of 512-token blocks",
      { NULL, NULL }, NULL, duo_arrivals_mooncake, NULL },
    { "vllm", "vllm bench serve --save-detailed: its start_times (less queue_times), input_lens, output_lens",
      { NULL, NULL }, NULL, duo_arrivals_vllm, &duo_log_vllm },
    { "litellm", "LiteLLM's request log, lines of JSON: startTime, prompt_tokens, completion_tokens, session_id",
      { NULL, NULL }, NULL, duo_arrivals_litellm, &duo_log_litellm },
    { "otel", "OpenTelemetry's GenAI spans, lines of OTLP's JSON: startTimeUnixNano, gen_ai.usage.*, gen_ai.conversation.id",
      { NULL, NULL }, NULL, duo_arrivals_otel, &duo_log_otel },
};

enum { FORMATS = sizeof formats / sizeof *formats };

struct trace {
    struct duo_kept         kept;
    struct duo_arrival_rows rows;
    struct duo_trace_count  count;
};

struct duo_arrivals {
    struct trace *trace;                      /* NULL: a process */
    struct duo_process process;
    int64_t next;
};

int duo_arrival_formats(const char *const **names, const char *const **about)
{
    static const char *name[FORMATS], *line[FORMATS];

    for (int i = 0; i < FORMATS; i++) name[i] = formats[i].name, line[i] = formats[i].about;
    if (names) *names = name;
    if (about) *about = line;
    return FORMATS;
}

/* ---- for the importers ---- */

void duo_arrival_add(struct duo_arrival_rows *rows, struct duo_arrival a)
{
    if (rows->n == rows->room) {
        rows->room = rows->room ? rows->room * 2 : 1024;
        rows->row = duo_grow(rows->row, (size_t)rows->room, sizeof *rows->row);
    }
    rows->row[rows->n++] = a;
}

void duo_arrival_id(struct duo_arrival_rows *rows, uint32_t id)
{
    if (rows->n_ids == rows->ids_room) {
        rows->ids_room = rows->ids_room ? rows->ids_room * 2 : 4096;
        rows->ids = duo_grow(rows->ids, (size_t)rows->ids_room, sizeof *rows->ids);
    }
    rows->ids[rows->n_ids++] = id;
}

void duo_arrival_drop(struct duo_trace_count *count, const char *why, int64_t rows)
{
    int i = 0;

    while (i < count->n_dropped && strcmp(count->dropped[i].why, why) != 0) i++;
    assert(i < (int)(sizeof count->dropped / sizeof *count->dropped));
    if (i == count->n_dropped) count->n_dropped++, count->dropped[i].why = why, count->dropped[i].rows = 0;
    count->dropped[i].rows += rows;
}

enum duo_status duo_arrival_whole(const struct duo_csv *csv, int column, int *out, struct duo_err *err)
{
    double value;

    DUO_TRY(duo_csv_number(csv, column, &value, err));
    if (!(value >= 0 && value <= 1e9) || value > floor(value))
        return duo_csv_bad(csv, column, err, "%s: expected a whole number from 0 to 1e9; got \"%s\"", duo_csv_name(csv, column), duo_csv_cell(csv, column));
    *out = (int)value;
    return DUO_OK;
}

/* ---- a trace ---- */

static enum duo_status unknown_format(const char *format, struct duo_err *err)
{
    const char *const *names, *near;
    int n = duo_arrival_formats(&names, NULL);
    char list[160] = "";

    near = duo_nearest(format, names, (size_t)n);
    for (int i = 0; i < n; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    return duo_fail(err, DUO_BAD_INPUT, "unknown format of arrivals \"%s\" (%s%s)", format, near ? "did you mean " : "there are: ", near ? near : list);
}

/* By name, or by what the file looks like; *out -1: a table, whose header will say. */
static enum duo_status format_of(const char *path, const char *format, int *out, struct duo_err *err)
{
    static char head[DUO_LOG_HEAD];

    if (format) {
        for (*out = 0; *out < FORMATS; ++*out)
            if (strcmp(format, formats[*out].name) == 0) return DUO_OK;
        return unknown_format(format, err);
    }
    *out = -1;
    duo_log_head(path, head, sizeof head);
    if (!duo_log_is_json(head)) return DUO_OK;
    for (int i = FORMATS - 1; i >= 0; i--)                                    /* mooncake, which comes before the logs, is what is left */
        if (*out < 0 && formats[i].read_lines && (!formats[i].log || formats[i].log->is(head))) *out = i;
    return DUO_OK;
}

static enum duo_status read_table(int which, const char *path, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    struct duo_csv *csv = NULL;
    enum duo_status status;

    DUO_TRY(duo_csv_open(&csv, path, ',', err));
    for (int i = 0; i < FORMATS && which < 0; i++)
        if (formats[i].read && duo_csv_find(csv, formats[i].column[0]) >= 0 && duo_csv_find(csv, formats[i].column[1]) >= 0) which = i;
    status = which >= 0 ? formats[which].read(csv, rows, count, err)
           : duo_fail_at(err, DUO_BAD_INPUT, path, 1, 1, "no known header of arrivals: expected TIMESTAMP,ContextTokens,GeneratedTokens (azure), "
                         "at,... (csv) or JSON (mooncake, vllm, litellm, otel)");
    duo_csv_close(csv);
    return status;
}

static enum duo_status read_file(const char *path, const char *format, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    FILE *in = fopen(path, "rb");
    enum duo_status status;
    int which = -1;

    if (!in) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    status = format_of(path, format, &which, err);                            /* (5) */
    if (status == DUO_OK && which >= 0 && formats[which].read_lines) status = formats[which].read_lines(in, path, rows, count, err);
    else if (status == DUO_OK) status = read_table(which, path, rows, count, err);
    fclose(in);
    return status;
}

static int by_date(const void *a, const void *b)
{
    const struct duo_arrival *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

/* Merge sort: stable and, unlike qsort's, the same everywhere. */
static void sort(struct duo_arrival *row, int64_t n, struct duo_arrival *scratch)
{
    int64_t half = n / 2, i = 0, j = half, k = 0;

    if (n < 2) return;
    sort(row, half, scratch);
    sort(row + half, n - half, scratch);
    while (i < half || j < n) {
        if (j == n || (i < half && by_date(&row[i], &row[j]) <= 0)) scratch[k++] = row[i++];
        else                                                        scratch[k++] = row[j++];
    }
    memcpy(row, scratch, (size_t)n * sizeof *row);
}

static void number_turns(struct duo_arrival_rows *rows)
{
    int *turns = duo_new((size_t)rows->n_sessions, sizeof *turns);

    for (int64_t i = 0; i < rows->n; i++)
        if (rows->row[i].session >= 0) rows->row[i].turn = turns[rows->row[i].session]++;
    free(turns);
}

static void put_in_order(struct duo_arrival_rows *rows, double rate_scale, struct duo_trace_count *count)
{
    double first;

    for (int64_t i = 1; i < rows->n; i++) count->inversions += rows->row[i].at < rows->row[i - 1].at;
    if (count->inversions > 0) {                                              /* (2) */
        struct duo_arrival *scratch = duo_new((size_t)rows->n, sizeof *scratch);
        sort(rows->row, rows->n, scratch);
        free(scratch);
    }
    if (rows->n_sessions > 0) number_turns(rows);
    first = rows->n > 0 ? rows->row[0].at : 0;
    for (int64_t i = 0; i < rows->n; i++)
        rows->row[i].at = (rows->row[i].at - first) / rate_scale;             /* (1) (3) */
}

static enum duo_status read_trace(struct trace *t, const char *path, const char *format, double rate_scale, int64_t requests, struct duo_err *err)
{
    struct duo_trace_count *count = &t->count;
    int64_t first = 0;

    DUO_TRY(read_file(path, format, &t->rows, count, err));
    if (t->rows.n == 0)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no request in this trace: %lld rows read, none kept%s%s", (long long)count->read,
                           count->n_dropped ? "; the first reason: " : "", count->n_dropped ? count->dropped[0].why : "");
    for (int64_t i = 0; i < t->rows.n; first += t->rows.row[i++].n_ids) t->rows.row[i].ids = t->rows.ids + first;
    put_in_order(&t->rows, rate_scale, count);
    if (requests > 0 && t->rows.n > requests) {
        duo_arrival_drop(count, "after the requests asked for", t->rows.n - requests);                /* (4) */
        t->rows.n = requests;
    }
    count->emitted = t->rows.n;
    return DUO_OK;
}

static void free_trace(struct duo_kept *k)
{
    struct trace *t = (struct trace *)k;

    free(t->rows.row);
    free(t->rows.ids);
    free(t);
}

static struct duo_shelf traces = { .room = 4, .free = free_trace };           /* (6) */

enum duo_status duo_arrivals_trace(struct duo_arrivals **out, const char *path, const char *format, double rate_scale,
                                   int64_t requests, struct duo_trace_count *count, struct duo_err *err)
{
    const char *what = format ? format : "";
    uint64_t key = duo_hash_file(duo_hash_bytes(duo_hash_bytes((uint64_t)requests, &rate_scale, sizeof rate_scale), what, strlen(what)), path);
    struct trace *t = (struct trace *)duo_kept_take(&traces, key);
    enum duo_status status;

    assert(rate_scale > 0);
    *out = NULL;
    if (!t) {
        t = duo_new(1, sizeof *t);
        status = read_trace(t, path, format, rate_scale, requests, err);
        if (status != DUO_OK) {
            if (count) *count = t->count;
            free_trace(&t->kept);
            return status;
        }
        duo_kept_add(&traces, &t->kept, key);
    }
    if (count) *count = t->count;
    *out = duo_new(1, sizeof **out);
    (*out)->trace = t;
    return DUO_OK;
}

/* ---- both ---- */

struct duo_arrivals *duo_arrivals_process(enum duo_arrival_kind kind, double rate, double cv, int64_t requests, uint64_t seed)
{
    struct duo_arrivals *a = duo_new(1, sizeof *a);

    duo_process_init(&a->process, kind, rate, cv, requests, seed);
    return a;
}

bool duo_arrivals_next(struct duo_arrivals *a, struct duo_arrival *out)
{
    if (!a->trace) {
        *out = (struct duo_arrival){ .session = -1 };
        return duo_process_next(&a->process, &out->at);
    }
    if (a->next >= a->trace->rows.n) return false;
    *out = a->trace->rows.row[a->next++];
    return true;
}

int duo_arrivals_id_tokens(const struct duo_arrivals *a) { return a->trace ? a->trace->rows.id_tokens : 0; }

void duo_arrivals_free(struct duo_arrivals *a)
{
    if (a && a->trace) duo_kept_leave(&a->trace->kept);
    free(a);
}
