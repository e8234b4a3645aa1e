/* otel.c - requests that an OpenTelemetry instrumentation saw: spans of generative AI as the collector's file exporter writes
 * them, a TracesData object a line (opentelemetry.io/docs/specs/otel/protocol/file-exporter; OTLP's JSON encoding), with the
 * attributes of the semantic conventions (opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans).
 *
 * (1) A span came at its startTimeUnixNano: a decimal number, as text or not.
 * (2) gen_ai.usage.input_tokens and .output_tokens (until v1.27 .prompt_tokens, .completion_tokens): intValue, as text or not;
 *     gen_ai.conversation.id, else session.id; gen_ai.request.model, else gen_ai.response.model; the id is TRACE/SPAN.
 * (3) A span without gen_ai attributes is no request; nor is another gen_ai.operation.name than chat, generate_content and
 *     text_completion (agents count what their calls counted already); nor one with error.type or an error status, nor
 *     one without such token counts.
 * (4) Log records and metrics are refused: they say when an answer had ended, not when its request came. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/jsonl.h"
#include "traces/requests/requests.h"

static bool is(const char *head) { return strstr(head, "\"resourceSpans\"") || strstr(head, "\"resourceLogs\"") || strstr(head, "\"resourceMetrics\""); }

struct attributes { const json_t *operation, *input, *output, *conversation, *session, *model, *answered, *error; bool any; };

static void take_attribute(struct attributes *a, const char *key, const json_t *value)
{
    const struct { const char *key; const json_t **to; } table[] = {
        { "gen_ai.operation.name", &a->operation },          { "gen_ai.usage.input_tokens", &a->input },
        { "gen_ai.usage.prompt_tokens", &a->input },         { "gen_ai.usage.output_tokens", &a->output },
        { "gen_ai.usage.completion_tokens", &a->output },    { "gen_ai.conversation.id", &a->conversation },
        { "session.id", &a->session },                       { "gen_ai.request.model", &a->model },
        { "gen_ai.response.model", &a->answered },           { "error.type", &a->error } };

    a->any |= strncmp(key, "gen_ai.", 7) == 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(key, table[i].key) == 0) *table[i].to = value;
}

/* An int64: OTLP's JSON writes it as text. */
static bool whole(const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_number(value)) {
        double x = json_number_value(value);
        if (!(x >= 0 && x < 9e18) || x > floor(x)) return false;
        *out = (int64_t)x;
        return true;
    }
    if (!text || !*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 19) return false;
    *out = strtoll(text, &end, 10);
    return true;
}

static enum duo_status count_of(const struct duo_jsonl *in, const json_t *value, const char *what, double *out, struct duo_err *err)
{
    int64_t n;

    *out = NAN;
    if (!value) return DUO_OK;
    if (!whole(json_object_get(value, "intValue"), &n) || n > 1000000000)
        return duo_jsonl_bad(in, err, "%s: expected an intValue from 0 to 1e9", what);
    *out = (double)n;
    return DUO_OK;
}

static const char *text_of(const json_t *value)
{
    const char *text = value ? duo_json_text_of(value, "stringValue") : NULL;

    return text && *text ? text : NULL;
}

static const char *reason(const struct attributes *a, const json_t *span, const struct duo_logged *request)      /* (3) */
{
    const char *operation = text_of(a->operation);
    const json_t *code = json_object_get(json_object_get(span, "status"), "code");
    bool failed = a->error || json_number_value(code) == 2.0 || (json_is_string(code) && strcmp(json_string_value(code), "STATUS_CODE_ERROR") == 0);

    if (!a->any) return "no span of generative AI";
    if (operation && strcmp(operation, "chat") != 0 && strcmp(operation, "generate_content") != 0 && strcmp(operation, "text_completion") != 0)
        return "another operation than a chat or completion";
    return failed ? "failed" : duo_logged_lacks(request);
}

static enum duo_status take_span(const struct duo_jsonl *in, const json_t *span, duo_logged_taker *take, void *to, struct duo_err *err)
{
    struct attributes a = { .any = false };
    struct duo_logged request = { .line = duo_jsonl_line(in), .dated = true };
    const json_t *list = json_object_get(span, "attributes");
    const char *trace = duo_json_text_of(span, "traceId"), *id = duo_json_text_of(span, "spanId");
    char name[160];

    if (!json_is_object(span)) return duo_jsonl_bad(in, err, "expected a span, {...}");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *key = duo_json_text_of(one, "key");
        if (!key) return duo_jsonl_bad(in, err, "an attribute has no key");
        take_attribute(&a, key, json_object_get(one, "value"));
    }
    if (!trace || !id || !*trace || !*id) return duo_jsonl_bad(in, err, "a span has no traceId or spanId");
    snprintf(name, sizeof name, "%.64s/%.64s", trace, id);
    if (!whole(json_object_get(span, "startTimeUnixNano"), &request.at))
        return duo_jsonl_bad(in, err, "startTimeUnixNano: expected nanoseconds since 1970, a whole number");
    DUO_TRY(count_of(in, a.input, "gen_ai.usage.input_tokens", &request.prompt_tokens, err));
    DUO_TRY(count_of(in, a.output, "gen_ai.usage.output_tokens", &request.output_tokens, err));
    request.id      = name;
    request.session = text_of(a.conversation) ? text_of(a.conversation) : text_of(a.session);
    request.model   = text_of(a.model) ? text_of(a.model) : text_of(a.answered);
    request.why     = reason(&a, span, &request);
    take(to, &request);
    return DUO_OK;
}

static enum duo_status take_line(const struct duo_jsonl *in, const json_t *line, duo_logged_taker *take, void *to, struct duo_err *err)
{
    const json_t *resources = json_object_get(line, "resourceSpans");

    if (json_object_get(line, "resourceLogs") || json_object_get(line, "resourceMetrics"))                       /* (4) */
        return duo_jsonl_bad(in, err, "log records and metrics don't say when a request came: export spans (resourceSpans)");
    if (!json_is_array(resources)) return duo_jsonl_bad(in, err, "no resourceSpans: expected spans as OTLP's JSON, {\"resourceSpans\": [...]} a line");
    for (size_t r = 0; r < json_array_size(resources); r++) {
        const json_t *scopes = json_object_get(json_array_get(resources, r), "scopeSpans");
        for (size_t s = 0; s < json_array_size(scopes); s++) {
            const json_t *spans = json_object_get(json_array_get(scopes, s), "spans");
            for (size_t i = 0; i < json_array_size(spans); i++) DUO_TRY(take_span(in, json_array_get(spans, i), take, to, err));
        }
    }
    return DUO_OK;
}

static enum duo_status read_log(const char *path, duo_logged_taker *take, void *to, struct duo_err *err)
{
    struct duo_jsonl *in;
    const json_t *line;
    enum duo_status status = DUO_OK;
    int got;

    DUO_TRY(duo_jsonl_open(&in, path, err));
    while (status == DUO_OK && (got = duo_jsonl_next(in, &line, err)) != 0)
        status = got < 0 ? DUO_BAD_INPUT : take_line(in, line, take, to, err);
    duo_jsonl_close(in);
    return status;
}

const struct duo_log_format duo_log_otel = {
    .name = "otel", .about = "OpenTelemetry's GenAI spans as OTLP's JSON lines: startTimeUnixNano, gen_ai.usage.input_tokens, gen_ai.conversation.id, ...",
    .form = "OpenTelemetry spans as lines of OTLP's JSON", .is = is, .read = read_log };
