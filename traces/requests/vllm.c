/* vllm.c - what `vllm bench serve --save-result --save-detailed` leaves (vllm/benchmarks/serve.py): one JSON object whose lists
 * have an item a request, in the order of the data set's prompts.
 *
 * (1) start_times: s at which the client sent the request; less queue_times, where they are: what --max-concurrency held back
 *     came earlier.  Versions without start_times give lengths (as answers), no dates.
 * (2) input_lens, output_lens: tokens.  errors: not empty, the request failed and is none; nor is one without tokens.
 * (3) The id is the prompt's number, from 0: two benchmarks with the same data set, seed and --num-prompts meet in it.
 * (4) itls and generated_texts, the bulk of the file, are not kept.
 * (5) A file without the lists (made without --save-detailed), with lists of different lengths, with more than one result
 *     (--append-result): refused. */
#include <math.h>
#include <string.h>

#include "sim/base/jsonl.h"
#include "traces/requests/requests.h"

static bool is(const char *head)
{
    return strstr(head, "\"input_lens\"") || (strstr(head, "\"tokenizer_id\"") && strstr(head, "\"request_throughput\""));
}

enum list { INPUT, OUTPUT, START, QUEUE, ERRORS, LISTS };
static const char *const keys[LISTS] = { [INPUT] = "input_lens", [OUTPUT] = "output_lens", [START] = "start_times", [QUEUE] = "queue_times", [ERRORS] = "errors" };

static enum duo_status find_lists(const json_t *file, const char *path, const json_t *list[LISTS], struct duo_err *err)
{
    if (!json_is_object(file)) return duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "expected one JSON object, as vllm bench serve writes it");
    for (int i = 0; i < LISTS; i++) {
        list[i] = json_object_get(file, keys[i]);
        if (!list[i] && i > OUTPUT) continue;
        if (!list[i])
            return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no %s: vllm bench serve writes it with --save-detailed", keys[i]);
        if (!json_is_array(list[i])) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s: expected a list", keys[i]);
        if (json_array_size(list[i]) != json_array_size(list[INPUT]))
            return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s has %zu items, input_lens %zu", keys[i], json_array_size(list[i]), json_array_size(list[INPUT]));
    }
    return DUO_OK;
}

static enum duo_status number(const json_t *list, const char *path, const char *key, size_t i, bool whole, double *out, struct duo_err *err)
{
    const json_t *x = json_array_get(list, i);

    *out = json_number_value(x);
    if (json_is_number(x) && (whole ? *out >= 0 && *out <= 1e9 && *out <= floor(*out) : fabs(*out) < 9e9)) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, whole ? "%s: item %zu: expected a whole number from 0 to 1e9" : "%s: item %zu: expected seconds", key, i);
}

static enum duo_status take_all(const json_t *file, const char *path, duo_logged_taker *take, void *to, struct duo_err *err)
{
    const json_t *list[LISTS];

    DUO_TRY(find_lists(file, path, list, err));
    for (size_t i = 0; i < json_array_size(list[INPUT]); i++) {
        char id[24];
        struct duo_logged request = { .id = id, .model = duo_json_text_of(file, "model_id"), .dated = list[START] != NULL, .line = (int)i + 1 };
        double start = 0, queue = 0;
        snprintf(id, sizeof id, "%zu", i);                                    /* (3) */
        DUO_TRY(number(list[INPUT], path, keys[INPUT], i, true, &request.prompt_tokens, err));
        DUO_TRY(number(list[OUTPUT], path, keys[OUTPUT], i, true, &request.output_tokens, err));
        if (list[START]) DUO_TRY(number(list[START], path, keys[START], i, false, &start, err));
        if (list[QUEUE]) DUO_TRY(number(list[QUEUE], path, keys[QUEUE], i, false, &queue, err));
        request.at  = llround((start - queue) * 1e9);                         /* (1) */
        request.why = json_string_length(json_array_get(list[ERRORS], i)) > 0 ? "failed" : duo_logged_lacks(&request);
        take(to, &request);
    }
    return DUO_OK;
}

static enum duo_status read_log(const char *path, duo_logged_taker *take, void *to, struct duo_err *err)
{
    static const char *const bulk[] = { "itls", "generated_texts", "ttfts", "latencies", NULL };                 /* (4) */
    json_t *file;
    enum duo_status status;

    DUO_TRY(duo_json_read_file(&file, path, bulk, err));
    status = take_all(file, path, take, to, err);
    json_decref(file);
    return status;
}

const struct duo_log_format duo_log_vllm = {
    .name = "vllm", .about = "what vllm bench serve --save-detailed leaves: input_lens, output_lens, start_times, ...",
    .form = "a result of vllm bench serve", .is = is, .read = read_log };
