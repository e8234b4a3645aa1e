/* endpoint.c - a model behind an OpenAI-compatible server as a voice.  Requirements: endpoint.h. */
#include "models/answers/endpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/endpoint_reply.h"
#include "models/answers/http.h"
#include "sim/base/jsonl.h"

/* What each server can: what is known of it is here, not in the code below. */
static const struct server {
    const char *name, *owner;                /* `owned_by` in its /v1/models */
    bool ids;                                /* token ids go in and come out */
    bool lists_end;
    const char *no_ranks;
} servers[DUO_SERVER_N] = {
    [DUO_SERVER_llama_cpp] = { .name = "llama.cpp", .owner = "llamacpp", .ids = true },
    [DUO_SERVER_vllm]      = { .name = "vllm", .owner = "vllm", .ids = true, .lists_end = true },
    [DUO_SERVER_openai]    = { .name = "openai", .owner = "openai" },
    [DUO_SERVER_llama_cpp_python] = { .name = "llama-cpp-python", .owner = "me" },
    [DUO_SERVER_ollama]    = { .name = "ollama", .owner = "library", .no_ranks = "ollama has neither token ids nor log-probabilities of a prompt" },
};

enum { TOP = 2, ECHO_TRIED = 12 };

struct duo_endpoint {
    struct duo_endpoint_spec spec;
    enum duo_server server;
    char *root, *api, *model;                /* "http://host/x", "http://host/x/v1" */
    char  url[256];                          /* of the last request, for messages */
    int   vocabulary;
    struct duo_http *http;
    char *prompt;                            /* whose ids these are */
    struct duo_reply_ids ids;
};

bool duo_endpoint_is(const char *text) { return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0; }

const char     *duo_endpoint_model(const struct duo_endpoint *e)       { return e->model; }
enum duo_server duo_endpoint_server(const struct duo_endpoint *e)      { return e->server; }
const char     *duo_endpoint_server_name(const struct duo_endpoint *e) { return servers[e->server].name; }
int             duo_endpoint_vocabulary(const struct duo_endpoint *e)  { return e->vocabulary; }

/* ---------------------------------------------------------------- requests */

/* Ask root + path; `body` NULL: GET, else it is given back.  *reply: json_decref() it. */
static enum duo_status ask(struct duo_endpoint *e, const char *root, const char *path, json_t *body, json_t **reply, struct duo_err *err)
{
    const char *text;
    size_t n;
    *reply = NULL;
    if (snprintf(e->url, sizeof e->url, "%s%s", root, path) >= (int)sizeof e->url) return duo_fail(err, DUO_BAD_INPUT, "%.100s...: too long an address", root);
    char *words = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    enum duo_status status = duo_http_ask(e->http, e->url, words, &text, &n, err);
    free(words);
    DUO_TRY(status);
    struct duo_err why = { 0 };
    if (duo_json_read(reply, text, n, e->url, 1, &why) == DUO_OK) return DUO_OK;
    return duo_fail_at(err, DUO_RUN_FAILED, e->url, 0, 0, "the reply is broken in line %d, column %d: %.300s", why.line, why.column, why.text);
}

/* A text of a request.  What is no UTF-8 can't be sent. */
static enum duo_status put_text(json_t *body, const char *key, const char *text, struct duo_err *err)
{
    if (json_object_set_new(body, key, json_string(text)) == 0) return DUO_OK;
    json_decref(body);
    return duo_fail(err, DUO_BAD_INPUT, "the prompt is not UTF-8: %.60s", text);
}

static json_t *number(int x)           { return json_integer(x); }
static void put(json_t *o, const char *key, json_t *value) { json_object_set_new(o, key, value); }

static json_t *id_list(const int32_t *ids, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, number(ids[i]));
    return list;
}

/* [{"role": "user", "content": prompt}]; NULL: not UTF-8. */
static json_t *messages(const char *prompt) { return json_pack("[{s:s,s:s}]", "role", "user", "content", prompt); }

static enum duo_status put_messages(json_t *body, const char *prompt, struct duo_err *err)
{
    if (json_object_set_new(body, "messages", messages(prompt)) == 0) return DUO_OK;
    json_decref(body);
    return duo_fail(err, DUO_BAD_INPUT, "the prompt is not UTF-8: %.60s", prompt);
}

/* ---------------------------------------------------------------- opening */

/* "http://host:1/x/v1/#model" in its parts. */
static enum duo_status take_address(struct duo_endpoint *e, struct duo_err *err)
{
    const char *url = e->spec.url, *hash = strchr(url, '#');
    size_t n = hash ? (size_t)(hash - url) : strlen(url);
    if (!duo_endpoint_is(url)) return duo_fail(err, DUO_BAD_INPUT, "%.200s: http:// or https:// expected", url);
    const char *host = strstr(url, "://") + 3;
    size_t at = strcspn(host, "/#?@");
    if (host[at] == '@') return duo_fail(err, DUO_BAD_INPUT, "%.*s...: no names and passwords in addresses; a key comes from an environment variable", (int)(host - url), url);
    if (memchr(url, '?', n)) return duo_fail(err, DUO_BAD_INPUT, "%.200s: an address without ?... expected", url);
    while (n > 0 && url[n - 1] == '/') n--;
    size_t begin = (size_t)(host - url);
    if (n <= begin || at == 0) return duo_fail(err, DUO_BAD_INPUT, "%.200s: a host expected", url);
    if (n > 200) return duo_fail(err, DUO_BAD_INPUT, "%.100s...: too long an address", url);
    bool versioned = n > begin + 3 && strncmp(url + n - 3, "/v1", 3) == 0, bare = n <= begin + at;
    e->root = duo_new(n + 1, 1);
    e->api  = duo_new(n + 4, 1);
    memcpy(e->root, url, versioned ? n - 3 : n);
    memcpy(e->api, url, n);
    if (bare) memcpy(e->api + n, "/v1", 4);
    if (!e->spec.model && hash && hash[1]) e->model = duo_copy(hash + 1);
    if (e->spec.model) e->model = duo_copy(e->spec.model);
    return DUO_OK;
}

static enum duo_status only_model(struct duo_endpoint *e, const json_t *list, struct duo_err *err)
{
    const char *id = json_string_value(json_object_get(json_array_get(list, 0), "id"));
    if (json_array_size(list) == 1 && id) {
        e->model = duo_copy(id);
        return DUO_OK;
    }
    char names[200] = "";
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        const char *one = json_string_value(json_object_get(item, "id"));
        size_t n = strlen(names);
        if (one && i < 6) snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", one);
    }
    return duo_fail_at(err, DUO_BAD_INPUT, e->url, 0, 0, "which model? say %s#MODEL; there is %s%s", e->spec.url, names[0] ? names : "none", json_array_size(list) > 6 ? ", ..." : "");
}

/* (1) What the server says of itself.  One without a list of models will do when both are named. */
static enum duo_status meet(struct duo_endpoint *e, struct duo_err *err)
{
    json_t *reply;
    struct duo_err why = { 0 };
    enum duo_status status = ask(e, e->api, "/models", NULL, &reply, &why);
    if (status != DUO_OK) {
        if (duo_http_code(e->http) == 404 && e->spec.server && e->model) return DUO_OK;
        *err = why;
        return status;
    }
    const json_t *list = json_object_get(reply, "data"), *item, *mine = json_array_get(list, 0);
    size_t i;
    json_array_foreach(list, i, item) {
        const char *id = json_string_value(json_object_get(item, "id"));
        if (e->model && id && strcmp(id, e->model) == 0) mine = item;
    }
    const char *owner = json_string_value(json_object_get(mine, "owned_by"));
    for (int s = 0; s < DUO_SERVER_N && !e->spec.server && owner; s++)
        if (strcmp(owner, servers[s].owner) == 0) e->server = (enum duo_server)s;
    double size = json_number_value(json_object_get(json_object_get(mine, "meta"), "n_vocab"));
    if (size >= 1 && size <= INT32_MAX) e->vocabulary = (int)size;
    status = e->model ? DUO_OK : only_model(e, list, err);
    json_decref(reply);
    return status;
}

static enum duo_status named_server(struct duo_endpoint *e, struct duo_err *err)
{
    const char *names[DUO_SERVER_N];
    e->server = DUO_SERVER_openai;
    for (int i = 0; i < DUO_SERVER_N; i++) {
        names[i] = servers[i].name;
        if (e->spec.server && strcmp(e->spec.server, names[i]) == 0) e->server = (enum duo_server)i;
    }
    if (!e->spec.server || strcmp(e->spec.server, names[e->server]) == 0) return DUO_OK;
    const char *near = duo_nearest(e->spec.server, names, DUO_SERVER_N);
    return duo_fail(err, DUO_BAD_INPUT, "%s: no such kind of server; llama.cpp, vllm, openai, llama-cpp-python or ollama expected%s%s%s", e->spec.server,
                    near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

enum duo_status duo_endpoint_open(struct duo_endpoint **out, const struct duo_endpoint_spec *spec, struct duo_err *err)
{
    struct duo_endpoint *e = *out = duo_new(1, sizeof *e);
    e->spec = *spec;
    e->vocabulary = -1;
    DUO_TRY(named_server(e, err));
    DUO_TRY(take_address(e, err));
    DUO_TRY(duo_http_open(&e->http, &(struct duo_http_spec) {
        .key = spec->key_variable ? getenv(spec->key_variable) : NULL, .connect_s = spec->connect_s, .reply_s = spec->reply_s, .wait_s = spec->wait_s,
        .backoff_s = spec->backoff_s, .tries = spec->tries, .proxy = spec->proxy, .note = spec->note, .user = spec->user }, err));
    return meet(e, err);
}

void duo_endpoint_free(struct duo_endpoint *e)
{
    if (!e) return;
    duo_http_free(e->http);
    free(e->ids.at);
    free(e->prompt);
    free(e->root);
    free(e->api);
    free(e->model);
    free(e);
}

/* ---------------------------------------------------------------- token ids */

/* llama.cpp puts a chat's layout as text; vLLM cuts it at once. */
static enum duo_status laid_out(struct duo_endpoint *e, const char *prompt, json_t **reply, const char **text, struct duo_err *err)
{
    json_t *body = json_object();
    *reply = NULL;
    DUO_TRY(put_messages(body, prompt, err));
    DUO_TRY(ask(e, e->root, "/apply-template", body, reply, err));
    *text = json_string_value(json_object_get(*reply, "prompt"));
    if (*text) return DUO_OK;
    json_decref(*reply);
    return duo_fail_at(err, DUO_RUN_FAILED, e->url, 0, 0, "the reply has no \"prompt\"");
}

/* The ids of a text: as it is (`bare`), or as a prompt with what the model puts before it. */
static enum duo_status cut(struct duo_endpoint *e, const char *text, bool bare, struct duo_reply_ids *ids, struct duo_err *err)
{
    bool llama = e->server == DUO_SERVER_llama_cpp, chat = e->spec.chat && !bare;
    json_t *body = json_object(), *layout = NULL, *reply;
    put(body, "model", json_string(e->model));
    if (chat && !llama) {
        DUO_TRY(put_messages(body, text, err));
        put(body, "add_generation_prompt", json_true());
    } else {
        if (chat) {
            enum duo_status status = laid_out(e, text, &layout, &text, err);
            if (status != DUO_OK) json_decref(body);
            DUO_TRY(status);
        }
        enum duo_status status = put_text(body, llama ? "content" : "prompt", text, err);
        json_decref(layout);
        DUO_TRY(status);
        put(body, llama ? "add_special" : "add_special_tokens", json_boolean(!bare));
    }
    DUO_TRY(ask(e, e->root, "/tokenize", body, &reply, err));
    enum duo_status status = duo_reply_ids(reply, e->url, ids, err);
    json_decref(reply);
    if (status == DUO_OK && ids->n == 0) {
        free(ids->at);
        *ids = (struct duo_reply_ids) { 0 };
        return duo_fail_at(err, DUO_BAD_INPUT, e->url, 0, 0, "an empty text has no tokens");
    }
    return status;
}

/* e->ids are those of the prompt. */
static enum duo_status cut_prompt(struct duo_endpoint *e, const char *prompt, struct duo_err *err)
{
    if (e->prompt && strcmp(e->prompt, prompt) == 0) return DUO_OK;
    free(e->prompt);
    free(e->ids.at);
    e->prompt = NULL;
    e->ids = (struct duo_reply_ids) { 0 };
    DUO_TRY(cut(e, prompt, false, &e->ids, err));
    e->prompt = duo_copy(prompt);
    return DUO_OK;
}

/* Prompt and the first n tokens of an answer.  free(*out). */
static enum duo_status join(struct duo_endpoint *e, const char *prompt, const struct duo_heard *answer, int n, int32_t **out, struct duo_err *err)
{
    *out = NULL;
    for (int i = 0; i < n; i++)
        if (answer->at[i].id < 0) return duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "token %d of the answer has no id where it was written", i);
    DUO_TRY(cut_prompt(e, prompt, err));
    *out = duo_new((size_t)(e->ids.n + n) + 1, sizeof **out);
    memcpy(*out, e->ids.at, (size_t)e->ids.n * sizeof **out);
    for (int i = 0; i < n; i++) (*out)[e->ids.n + i] = answer->at[i].id;
    return DUO_OK;
}

/* ---------------------------------------------------------------- answers */

/* llama.cpp: no sampler but the temperature, whatever the server was started with. */
static json_t *llama_body(const struct duo_endpoint *e, const int32_t *ids, int n, const struct duo_hear *hear, int probabilities, bool cache)
{
    json_t *body = json_object(), *samplers = json_array();
    json_array_append_new(samplers, json_string("temperature"));
    put(body, "model", json_string(e->model));
    put(body, "prompt", id_list(ids, n));
    put(body, "n_predict", number(hear->tokens));
    put(body, "temperature", json_real(hear->temperature));
    put(body, "seed", json_integer((json_int_t)(hear->seed & 0x7FFFFFFF)));
    put(body, "samplers", samplers);
    if (probabilities) put(body, "n_probs", number(probabilities));
    put(body, "cache_prompt", json_boolean(cache));
    return body;
}

static json_t *open_body(const struct duo_endpoint *e, const struct duo_hear *hear)
{
    /* OpenAI's newer models know no max_tokens in chats, other servers may know nothing else. */
    bool newer = e->server == DUO_SERVER_openai && e->spec.chat && strstr(e->api, "api.openai.com");
    json_t *body = json_object();
    put(body, "model", json_string(e->model));
    put(body, newer ? "max_completion_tokens" : "max_tokens", number(hear->tokens));
    put(body, "temperature", json_real(hear->temperature));
    put(body, "seed", json_integer((json_int_t)(hear->seed & 0x7FFFFFFF)));
    /* vLLM takes a model's generation_config.json for its defaults, llama-cpp-python has some of its own. */
    bool vllm = e->server == DUO_SERVER_vllm;
    if (vllm || e->server == DUO_SERVER_llama_cpp_python) {
        put(body, vllm ? "repetition_penalty" : "repeat_penalty", json_real(1));
        put(body, "presence_penalty", json_real(0)), put(body, "frequency_penalty", json_real(0));
        put(body, "top_p", json_real(1)), put(body, "min_p", json_real(0)), put(body, "top_k", number(vllm ? -1 : 0));
    }
    return body;
}

static json_t *ollama_body(const struct duo_endpoint *e, const struct duo_hear *hear)
{
    json_t *body = json_object(), *options = json_object();
    put(options, "num_predict", number(hear->tokens));
    put(options, "temperature", json_real(hear->temperature));
    put(options, "seed", json_integer((json_int_t)(hear->seed & 0x7FFFFFFF)));
    put(options, "repeat_penalty", json_real(1)), put(options, "top_p", json_real(1)), put(options, "min_p", json_real(0)), put(options, "top_k", number(0));
    put(body, "model", json_string(e->model));
    put(body, "stream", json_false());
    put(body, "think", json_false());
    put(body, "options", options);
    if (!e->spec.plain) put(body, "logprobs", json_true()), put(body, "top_logprobs", number(TOP));
    return body;
}

static enum duo_status say_ids(struct duo_endpoint *e, const int32_t *ids, int n, const struct duo_hear *hear, struct duo_heard *heard, struct duo_err *err)
{
    json_t *reply;
    int top = e->spec.plain ? 0 : TOP;
    enum duo_status status;
    if (e->server == DUO_SERVER_llama_cpp) {
        DUO_TRY(ask(e, e->root, "/completion", llama_body(e, ids, n, hear, top, false), &reply, err));
        status = duo_reply_llama(reply, e->url, heard, err);
    } else {
        json_t *body = open_body(e, hear);
        put(body, "prompt", id_list(ids, n));
        if (top) put(body, "logprobs", number(top)), put(body, "return_tokens_as_token_ids", json_true());
        DUO_TRY(ask(e, e->api, "/completions", body, &reply, err));
        status = duo_reply_answer(reply, e->url, true, heard, err);
    }
    json_decref(reply);
    return status;
}

static enum duo_status say_text(struct duo_endpoint *e, const char *prompt, const struct duo_hear *hear, struct duo_heard *heard, struct duo_err *err)
{
    bool ollama = e->server == DUO_SERVER_ollama;
    json_t *body = ollama ? ollama_body(e, hear) : open_body(e, hear), *reply;
    if (ollama && !e->spec.chat) put(body, "raw", json_true());
    DUO_TRY(e->spec.chat ? put_messages(body, prompt, err) : put_text(body, "prompt", prompt, err));
    if (ollama) {
        DUO_TRY(ask(e, e->root, e->spec.chat ? "/api/chat" : "/api/generate", body, &reply, err));
    } else {
        if (!e->spec.plain && e->spec.chat) put(body, "logprobs", json_true()), put(body, "top_logprobs", number(TOP));
        else if (!e->spec.plain) put(body, "logprobs", number(TOP));
        DUO_TRY(ask(e, e->api, e->spec.chat ? "/chat/completions" : "/completions", body, &reply, err));
    }
    enum duo_status status = ollama ? duo_reply_ollama(reply, e->url, heard, err) : duo_reply_answer(reply, e->url, false, heard, err);
    json_decref(reply);
    return status;
}

enum duo_status duo_endpoint_prompt(struct duo_endpoint *e, const char *prompt, int *tokens, const int32_t **ids, struct duo_err *err)
{
    *tokens = -1;
    *ids = NULL;
    if (!servers[e->server].ids) return DUO_OK;
    DUO_TRY(cut_prompt(e, prompt, err));
    *tokens = e->ids.n;
    *ids = e->ids.at;
    return DUO_OK;
}

enum duo_status duo_endpoint_say(struct duo_endpoint *e, const char *prompt, const struct duo_hear *hear, struct duo_heard *heard, struct duo_err *err)
{
    if (!servers[e->server].ids) return say_text(e, prompt, hear, heard, err);
    DUO_TRY(cut_prompt(e, prompt, err));
    return say_ids(e, e->ids.at, e->ids.n, hear, heard, err);
}

enum duo_status duo_endpoint_say_behind(struct duo_endpoint *e, const char *prompt, const struct duo_heard *answer, int n, const struct duo_hear *hear,
                                        struct duo_heard *heard, struct duo_err *err)
{
    int32_t *ids;
    if (!servers[e->server].ids) return duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "%s takes no token ids: it can't go on from another's answer", servers[e->server].name);
    DUO_TRY(join(e, prompt, answer, n, &ids, err));
    enum duo_status status = say_ids(e, ids, e->ids.n + n, hear, heard, err);
    free(ids);
    return status;
}

/* ---------------------------------------------------------------- ranks */

/* One request a position; the server keeps what it has seen. */
static enum duo_status weigh_by_steps(struct duo_endpoint *e, const int32_t *ids, int n, const struct duo_heard *answer, struct duo_weighed *out, struct duo_err *err)
{
    for (int i = 0; i < answer->n; i++) {
        json_t *reply;
        DUO_TRY(ask(e, e->root, "/completion", llama_body(e, ids, n + i, &(struct duo_hear) { .tokens = 1 }, DUO_RANK_BEYOND, true), &reply, err));
        enum duo_status status = duo_reply_position(reply, e->url, answer->at[i].id, answer->at[i].piece, &out[i], err);
        json_decref(reply);
        DUO_TRY(status);
    }
    return DUO_OK;
}

static enum duo_status weigh_at_once(struct duo_endpoint *e, const int32_t *ids, int n, const struct duo_heard *answer, struct duo_weighed *out, struct duo_err *err)
{
    json_t *body = open_body(e, &(struct duo_hear) { .tokens = 1 }), *reply;
    put(body, "prompt", id_list(ids, n + answer->n));
    put(body, "prompt_logprobs", number(TOP));
    DUO_TRY(ask(e, e->api, "/completions", body, &reply, err));
    enum duo_status status = duo_reply_prompt(reply, e->url, ids, n + answer->n, answer, answer->n, out, err);
    json_decref(reply);
    return status;
}

static enum duo_status weigh_by_echo(struct duo_endpoint *e, const char *prompt, const struct duo_heard *answer, struct duo_weighed *out, struct duo_err *err)
{
    size_t n = strlen(prompt), m = strlen(answer->text);
    char *both = duo_new(n + m + 1, 1);
    memcpy(both, prompt, n);
    memcpy(both + n, answer->text, m);
    json_t *body = open_body(e, &(struct duo_hear) { .tokens = 1 }), *reply;
    put(body, "echo", json_true());
    put(body, "logprobs", number(DUO_ECHO_TOP));
    enum duo_status status = put_text(body, "prompt", both, err);
    free(both);
    DUO_TRY(status);
    struct duo_err why = { 0 };
    status = ask(e, e->api, "/completions", body, &reply, &why);
    if (status != DUO_OK) {
        long code = duo_http_code(e->http);          /* some don't echo, others not with log-probabilities: they say so */
        return duo_fail_at(err, code == 400 || code == 422 ? DUO_FELL_SHORT : status, why.file, why.line, why.column, "%s", why.text);
    }
    status = duo_reply_echo(reply, e->url, prompt, answer, out, err);
    json_decref(reply);
    return status;
}

enum duo_status duo_endpoint_weigh(struct duo_endpoint *e, const char *prompt, const struct duo_heard *answer, struct duo_weighed *out, struct duo_err *err)
{
    if (answer->n == 0) return duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "the tokens of the answer were not told where it was written");
    if (servers[e->server].no_ranks) return duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "%s", servers[e->server].no_ranks);
    if (!servers[e->server].ids) {
        if (e->spec.chat) return duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "chat completions tell nothing of another's answer");
        return weigh_by_echo(e, prompt, answer, out, err);
    }
    int32_t *ids;
    int known = answer->n;
    bool llama = e->server == DUO_SERVER_llama_cpp;
    /* An end without an id is weighed by whether this model ends there, too. */
    if (llama && answer->ended && answer->at[known - 1].id < 0) known--;
    DUO_TRY(join(e, prompt, answer, known, &ids, err));
    enum duo_status status = llama ? weigh_by_steps(e, ids, e->ids.n, answer, out, err) : weigh_at_once(e, ids, e->ids.n, answer, out, err);
    free(ids);
    return status;
}

/* Letters, digits, blanks, code, and scripts in which vocabularies differ. */
static const char probe[] =
    "The quick brown fox, 1234567890 times; don't we'll I'm: 3.14159e-26!\n"
    "    for (int i = 0; i < n; i++) { a[i] += b[i]; }\t// <tag attr=\"x\">\r\n"
    "na\xC3\xAFve caf\xC3\xA9 \xE2\x80\x94 \xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C, "
    "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7, \xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4, \xF0\x9F\x98\x80\xF0\x9F\x8F\xBD internationalization antidisestablishment  \n\n";

/* Some servers echo each token with the numbers of another position (llama-cpp-python's does for models without a first token):
 * the model's own greedy answer must be its own first choice throughout. */
static enum duo_status try_echo(struct duo_endpoint *e, struct duo_err *err)
{
    static const char prompt[] = "Question: 1, 2, 3, 4,\nAnswer:";
    struct duo_heard h;
    struct duo_weighed w[ECHO_TRIED];
    int wrong = -1;
    DUO_TRY(say_text(e, prompt, &(struct duo_hear) { .tokens = ECHO_TRIED }, &h, err));
    enum duo_status status = h.n == 0 ? duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "the server lists no tokens") : weigh_by_echo(e, prompt, &h, w, err);
    for (int i = 0; status == DUO_OK && i < h.n; i++)
        if (w[i].rank != 1 && wrong < 0) wrong = i;
    if (wrong >= 0) status = duo_fail_at(err, DUO_FELL_SHORT, e->api, 0, 0, "asked to echo, the server gives tokens the numbers of others: its own choice at token %d ranks %s", wrong,
                                         w[wrong].rank == DUO_RANK_BEYOND ? "far below" : "below");
    duo_heard_free(&h);
    return status;
}

static enum duo_status same_ids(const struct duo_endpoint *a, const struct duo_reply_ids *x, const struct duo_endpoint *b, const struct duo_reply_ids *y, struct duo_err *err)
{
    if (x->n != y->n)
        return duo_fail(err, DUO_FELL_SHORT, "the vocabularies differ: one text is %d tokens for %.60s, %d for %.60s", x->n, a->model, y->n, b->model);
    for (int i = 0; i < x->n; i++)
        if (x->at[i] != y->at[i])
            return duo_fail(err, DUO_FELL_SHORT, "the vocabularies differ: one token has the id %d for %.60s, %d for %.60s", (int)x->at[i], a->model, (int)y->at[i], b->model);
    return DUO_OK;
}

enum duo_status duo_endpoint_same_words(struct duo_endpoint *drafter, struct duo_endpoint *verifier, struct duo_err *err)
{
    const struct server *d = &servers[drafter->server], *v = &servers[verifier->server];
    if (d->no_ranks) return duo_fail_at(err, DUO_FELL_SHORT, drafter->api, 0, 0, "%s", d->no_ranks);
    if (verifier->spec.plain) return duo_fail_at(err, DUO_FELL_SHORT, verifier->api, 0, 0, "answers without log-probabilities have no tokens to be ranked");
    if (!d->ids && drafter->spec.chat) return duo_fail_at(err, DUO_FELL_SHORT, drafter->api, 0, 0, "chat completions tell nothing of another's answer");
    if (!d->ids) return try_echo(drafter, err);
    if (!v->ids) return duo_fail_at(err, DUO_FELL_SHORT, verifier->api, 0, 0, "%s gives no token ids, and %s ranks nothing else", v->name, d->name);
    struct duo_reply_ids x, y;
    DUO_TRY(cut(drafter, probe, true, &x, err));
    enum duo_status status = cut(verifier, probe, true, &y, err);
    if (status == DUO_OK) {
        status = same_ids(drafter, &x, verifier, &y, err);
        free(y.at);
    }
    free(x.at);
    return status;
}
