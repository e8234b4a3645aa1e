/* logs.c - arrivals from the logs of requests (traces/requests).
 *
 * (1) A request that counts as none is dropped with the log's reason.
 * (2) Sessions are numbered as they come in the log, turns by date: a session's k-th request is its turn k, from 0.
 * (3) A log without dates is refused. */
#include "sim/base/names.h"
#include "traces/arrivals/importer.h"
#include "traces/requests/requests.h"

struct taking {
    struct duo_arrival_rows *rows;
    struct duo_trace_count  *count;
    struct duo_names         sessions;
    int64_t first;
    bool    undated;
};

static void take(void *to, const struct duo_logged *r)
{
    struct taking *t = to;

    if (t->count->read++ == 0) t->first = r->at;
    t->undated |= !r->dated;
    if (r->why) {
        duo_arrival_drop(t->count, r->why, 1);                                /* (1) */
        return;
    }
    duo_arrival_add(t->rows, (struct duo_arrival){ .at = (double)(r->at - t->first) * 1e-9, .prompt_tokens = (int)r->prompt_tokens,
        .output_tokens = (int)r->output_tokens, .session = r->session ? duo_names_add(&t->sessions, r->session) : -1 });
}

static enum duo_status read_log(const struct duo_log_format *format, const char *path, struct duo_arrival_rows *rows, struct duo_trace_count *count,
                                struct duo_err *err)
{
    struct taking t = { .rows = rows, .count = count };
    enum duo_status status = duo_log_read(format, path, take, &t, err);

    rows->n_sessions = t.sessions.n;                                          /* (2) */
    duo_names_free(&t.sessions);
    if (status == DUO_OK && t.undated)                                        /* (3) */
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no start_times: this version of vllm bench serve wrote none; as answers it gives lengths (recorded: FILE)");
    return status;
}

enum duo_status duo_arrivals_vllm(FILE *in, const char *path, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    (void)in;
    return read_log(&duo_log_vllm, path, rows, count, err);
}

enum duo_status duo_arrivals_litellm(FILE *in, const char *path, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    (void)in;
    return read_log(&duo_log_litellm, path, rows, count, err);
}

enum duo_status duo_arrivals_otel(FILE *in, const char *path, struct duo_arrival_rows *rows, struct duo_trace_count *count, struct duo_err *err)
{
    (void)in;
    return read_log(&duo_log_otel, path, rows, count, err);
}
