/* litellm.c - requests that went through a LiteLLM proxy: lines of JSON, either its StandardLoggingPayload
 * (docs.litellm.ai/docs/proxy/logging_spec), as its buckets and callbacks get it, by itself or under "standard_logging_object",
 * or rows of its table LiteLLM_SpendLogs (schema.prisma), as /spend/logs gives them.
 *
 * (1) startTime: seconds since 1970, or a date.  The request came then.
 * (2) prompt_tokens, completion_tokens; id or request_id; session_id, else trace_id; model.  Other keys are read over.
 * (3) status "failure" is no request: nobody answered, and a retry has a line of its own.  Nor is a call_type that completes
 *     nothing (embeddings, images, ...), nor a line without such token counts.
 * (4) A line without startTime, with one that is no date, with counts that are no whole numbers, without an id: refused. */
#include <math.h>
#include <string.h>

#include "sim/base/jsonl.h"
#include "traces/date.h"
#include "traces/requests/requests.h"

static bool is(const char *head)
{
    return strstr(head, "\"startTime\"") && (strstr(head, "\"completion_tokens\"") || strstr(head, "\"call_type\""));
}

static enum duo_status date_of(const struct duo_jsonl *in, const json_t *line, int64_t *at, struct duo_err *err)
{
    const char *text = duo_json_text_of(line, "startTime");
    double seconds = duo_json_number_of(line, "startTime");
    struct duo_date date;

    if (text && duo_date_read(text, &date)) {
        *at = date.seconds * 1000000000 + date.nanos;
        return DUO_OK;
    }
    if (text) return duo_jsonl_bad(in, err, "startTime: expected a date like 2026-01-31T12:00:00.250Z; got \"%.60s\"", text);
    if (!json_object_get(line, "startTime")) return duo_jsonl_bad(in, err, "no startTime: expected LiteLLM's log, one request a line");
    if (!(seconds >= 0 && seconds < 9e9)) return duo_jsonl_bad(in, err, "startTime: expected seconds since 1970, or a date");
    *at = llround(seconds * 1e9);
    return DUO_OK;
}

static enum duo_status count_of(const struct duo_jsonl *in, const json_t *line, const char *key, double *out, struct duo_err *err)
{
    const json_t *value = json_object_get(line, key);

    *out = NAN;
    if (!value || json_is_null(value)) return DUO_OK;
    *out = duo_json_number_of(line, key);
    if (json_is_number(value) && *out >= 0 && *out <= 1e9 && *out <= floor(*out)) return DUO_OK;
    return duo_jsonl_bad(in, err, "%s: expected a whole number from 0 to 1e9", key);
}

static const char *filled(const json_t *line, const char *key, const char *other)
{
    const char *text = duo_json_text_of(line, key);

    return text && *text ? text : other ? filled(line, other, NULL) : NULL;
}

static bool completes(const char *call)          /* completion, acompletion, text_completion, responses, anthropic_messages, ... */
{
    return !call || strstr(call, "completion") || strstr(call, "responses") || strstr(call, "messages") || strstr(call, "generate_content");
}

static enum duo_status request_of(const struct duo_jsonl *in, const json_t *line, struct duo_logged *out, struct duo_err *err)
{
    const char *status = duo_json_text_of(line, "status");

    *out = (struct duo_logged){ .line = duo_jsonl_line(in), .dated = true, .id = filled(line, "id", "request_id"),
                                .session = filled(line, "session_id", "trace_id"), .model = filled(line, "model", "model_group") };
    DUO_TRY(date_of(in, line, &out->at, err));
    DUO_TRY(count_of(in, line, "prompt_tokens", &out->prompt_tokens, err));
    DUO_TRY(count_of(in, line, "completion_tokens", &out->output_tokens, err));
    if (!out->id) return duo_jsonl_bad(in, err, "neither id nor request_id");
    out->why = status && strcmp(status, "failure") == 0 ? "failed"
             : !completes(filled(line, "call_type", NULL)) ? "another call than a completion" : duo_logged_lacks(out);
    return DUO_OK;
}

static enum duo_status read_log(const char *path, duo_logged_taker *take, void *to, struct duo_err *err)
{
    struct duo_jsonl *in;
    const json_t *line;
    struct duo_logged request;
    enum duo_status status = DUO_OK;
    int got;

    DUO_TRY(duo_jsonl_open(&in, path, err));
    while (status == DUO_OK && (got = duo_jsonl_next(in, &line, err)) != 0) {
        const json_t *inside = json_object_get(line, "standard_logging_object");
        if (got < 0) status = DUO_BAD_INPUT;
        else status = json_is_object(line) ? request_of(in, inside ? inside : line, &request, err)
                    : duo_jsonl_bad(in, err, "expected a JSON object a line, {...}");
        if (status == DUO_OK) take(to, &request);
    }
    duo_jsonl_close(in);
    return status;
}

const struct duo_log_format duo_log_litellm = {
    .name = "litellm", .about = "LiteLLM's request log, lines of JSON: startTime, prompt_tokens, completion_tokens, session_id, ...",
    .form = "LiteLLM's request log", .is = is, .read = read_log };
