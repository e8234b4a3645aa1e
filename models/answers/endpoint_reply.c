/* endpoint_reply.c - what servers' replies say.  Requirements: endpoint_reply.h, endpoint.h. */
#include "models/answers/endpoint_reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOKENS = 1 << 20 };

static enum duo_status lacks(const char *url, const char *what, struct duo_err *err)
{
    return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "the reply has no %s", what);
}

/* (3) NAN: not told. */
static enum duo_status probability(const json_t *logprob, const char *url, double *out, struct duo_err *err)
{
    *out = NAN;
    if (!json_is_number(logprob)) return DUO_OK;
    double x = json_number_value(logprob);
    if (x > 1e-3) return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "a log-probability of %g", x);
    *out = x < 0 ? exp(x) : 1;
    return DUO_OK;
}

/* NUL ends our texts: an answer that holds one would be cut without a word. */
static enum duo_status take_text(const json_t *value, const char *url, char **out, struct duo_err *err)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (json_is_string(value) && strlen(text) != json_string_length(value)) return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "the answer holds a NUL character");
    *out = duo_copy(text);
    return DUO_OK;
}

/* The two largest of some probabilities. */
struct leaders { int n; double first, second; };

static void lead(struct leaders *l, double p)
{
    if (isnan(p)) return;
    if (l->n == 0 || p > l->first) l->second = l->first, l->first = p;
    else if (l->n == 1 || p > l->second) l->second = p;
    l->n++;
}

static double margin(const struct leaders *l) { return l->n >= 2 ? l->first - l->second : NAN; }

/* ---------------------------------------------------------------- ids */

static enum duo_status take_id(const json_t *value, const char *url, int32_t *out, struct duo_err *err)
{
    double id = json_number_value(value);
    if (!json_is_number(value) || !(id >= 0 && id <= INT32_MAX)) return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "the reply has a token id that is none");
    *out = (int32_t)id;
    return DUO_OK;
}

enum duo_status duo_reply_ids(const json_t *reply, const char *url, struct duo_reply_ids *out, struct duo_err *err)
{
    const json_t *tokens = json_object_get(reply, "tokens");
    size_t n = json_array_size(tokens);
    *out = (struct duo_reply_ids) { 0 };
    if (!json_is_array(tokens) || n > MOST_TOKENS) return lacks(url, "\"tokens\"", err);
    out->at = duo_new(n + 1, sizeof *out->at);
    for (size_t i = 0; i < n; i++) {
        const json_t *t = json_array_get(tokens, i);
        enum duo_status status = take_id(json_is_object(t) ? json_object_get(t, "id") : t, url, &out->at[i], err);
        if (status == DUO_OK) continue;
        free(out->at);
        *out = (struct duo_reply_ids) { 0 };
        return status;
    }
    out->n = (int)n;
    return DUO_OK;
}

/* ---------------------------------------------------------------- listed tokens */

static struct duo_heard_token *add(struct duo_heard *h)
{
    h->at = duo_grow(h->at, (size_t)h->n + 1, sizeof *h->at);
    h->at[h->n] = (struct duo_heard_token) { .id = -1, .probability = NAN, .margin = NAN, .entropy = NAN };
    return &h->at[h->n++];
}

/* "token_id:17" is an id, all else the token's text.  Its bytes say more than its text where it is half a character. */
static void name(struct duo_heard_token *t, const char *text, const json_t *bytes)
{
    static const char prefix[] = "token_id:";
    if (text && strncmp(text, prefix, sizeof prefix - 1) == 0) {
        char *end;
        long id = strtol(text + sizeof prefix - 1, &end, 10);
        if (*end == 0 && id >= 0 && id <= INT32_MAX) {
            t->id = (int32_t)id;
            return;
        }
    }
    size_t n = json_array_size(bytes), at = 0;
    if (n == 0) {
        t->piece = duo_copy(text);
        return;
    }
    t->piece = duo_new(n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        double b = json_number_value(json_array_get(bytes, i));
        if (b >= 1 && b < 256) t->piece[at++] = (char)(int)b;
    }
}

/* {"token", "bytes", "logprob", "id"?, "top_logprobs": [the same, ...]}: chat completions and llama.cpp. */
static enum duo_status add_item(struct duo_heard *h, const json_t *item, const char *url, struct duo_err *err)
{
    struct duo_heard_token *t = add(h);
    const json_t *id = json_object_get(item, "id"), *top = json_object_get(item, "top_logprobs"), *other;
    struct leaders leaders = { 0 };
    size_t i;
    if (!json_is_object(item)) return lacks(url, "token where one is listed", err);
    if (id) DUO_TRY(take_id(id, url, &t->id, err));
    name(t, json_string_value(json_object_get(item, "token")), json_object_get(item, "bytes"));
    DUO_TRY(probability(json_object_get(item, "logprob"), url, &t->probability, err));
    json_array_foreach(top, i, other) {
        double p;
        DUO_TRY(probability(json_object_get(other, "logprob"), url, &p, err));
        lead(&leaders, p);
    }
    t->margin = margin(&leaders);
    return DUO_OK;
}

/* {"token": log-probability, ...} */
static enum duo_status lead_all(struct leaders *l, json_t *top, const char *url, struct duo_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(top, key, value) {
        double p;
        DUO_TRY(probability(value, url, &p, err));
        lead(l, p);
    }
    return DUO_OK;
}

/* {"tokens": [...], "token_logprobs": [...], "top_logprobs": [{...}, ...]}: completions. */
static enum duo_status add_arrays(struct duo_heard *h, const json_t *logprobs, const char *url, struct duo_err *err)
{
    const json_t *tokens = json_object_get(logprobs, "tokens"), *numbers = json_object_get(logprobs, "token_logprobs");
    const json_t *top = json_object_get(logprobs, "top_logprobs");
    size_t n = json_array_size(tokens);
    if (json_array_size(numbers) != n) return lacks(url, "log-probability for each token", err);
    for (size_t i = 0; i < n; i++) {
        struct duo_heard_token *t = add(h);
        struct leaders leaders = { 0 };
        const char *text = json_string_value(json_array_get(tokens, i));
        if (!text) return lacks(url, "token where one is listed", err);
        name(t, text, NULL);
        DUO_TRY(probability(json_array_get(numbers, i), url, &t->probability, err));
        DUO_TRY(lead_all(&leaders, json_array_get(top, i), url, err));
        t->margin = margin(&leaders);
    }
    return DUO_OK;
}

/* (4 of endpoint.h) Is the last listed token the one that ends the answer?  Only where the pieces don't already make the text. */
static bool end_is_listed(const struct duo_heard *h)
{
    const char *rest = h->text;
    for (int i = 0; i < h->n; i++) {
        const char *piece = h->at[i].piece ? h->at[i].piece : "";
        size_t n = strlen(piece);
        if (i == h->n - 1) return n == 0 || *rest == 0;
        if (strncmp(rest, piece, n) != 0) return true;               /* it can't be told: take the list as it is */
        rest += n;
    }
    return false;
}

static void close_answer(struct duo_heard *h, bool listed, int counted)
{
    if (h->n > 0 && h->ended && !listed && !end_is_listed(h)) add(h);
    h->tokens = h->n > 0 ? h->n : counted == 0 && h->ended ? 1 : counted;
}

static int count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double n = json_number_value(value);
    return json_is_number(value) && n >= 0 && n <= MOST_TOKENS ? (int)n : -1;
}

void duo_heard_free(struct duo_heard *h)
{
    for (int i = 0; i < h->n; i++) free(h->at[i].piece);
    free(h->at);
    free(h->text);
    *h = (struct duo_heard) { 0 };
}

static enum duo_status read_answer(const json_t *reply, const char *url, bool listed, struct duo_heard *h, struct duo_err *err)
{
    const json_t *choice = json_array_get(json_object_get(reply, "choices"), 0), *message = json_object_get(choice, "message");
    const json_t *text = message ? json_object_get(message, "content") : json_object_get(choice, "text");
    const json_t *usage = json_object_get(reply, "usage"), *logprobs = json_object_get(choice, "logprobs"), *item;
    const char *why = json_string_value(json_object_get(choice, "finish_reason"));
    size_t i;
    if (!choice) return lacks(url, "\"choices\"", err);
    /* A message that is all thinking has null for its text. */
    if (!json_is_string(text) && !(message && json_is_null(text))) return lacks(url, message ? "\"content\"" : "\"text\"", err);
    if (!why) return lacks(url, "\"finish_reason\"", err);
    DUO_TRY(take_text(text, url, &h->text, err));
    h->ended = strcmp(why, "stop") == 0;
    h->prompt_tokens = count_of(usage, "prompt_tokens");
    int thinking = count_of(json_object_get(usage, "completion_tokens_details"), "reasoning_tokens"), counted = count_of(usage, "completion_tokens");
    h->thinking = thinking < 0 && !message ? 0 : thinking;            /* a bare text hides nothing */
    if (json_is_array(json_object_get(logprobs, "content")))
        json_array_foreach(json_object_get(logprobs, "content"), i, item) DUO_TRY(add_item(h, item, url, err));
    else if (json_is_object(logprobs))
        DUO_TRY(add_arrays(h, logprobs, url, err));
    close_answer(h, listed, thinking <= 0 ? counted : counted >= thinking ? counted - thinking : -1);
    return DUO_OK;
}

static enum duo_status read_llama(const json_t *reply, const char *url, struct duo_heard *h, struct duo_err *err)
{
    const char *why = json_string_value(json_object_get(reply, "stop_type"));
    const json_t *text = json_object_get(reply, "content"), *list = json_object_get(reply, "completion_probabilities"), *item;
    size_t i;
    if (!json_is_string(text)) return lacks(url, "\"content\"", err);
    if (!why) return lacks(url, "\"stop_type\" (is the server older than December 2024?)", err);
    DUO_TRY(take_text(text, url, &h->text, err));
    h->ended = strcmp(why, "eos") == 0 || strcmp(why, "word") == 0;
    h->prompt_tokens = count_of(reply, "tokens_evaluated");
    json_array_foreach(list, i, item) DUO_TRY(add_item(h, item, url, err));
    close_answer(h, false, count_of(reply, "tokens_predicted"));
    return DUO_OK;
}

static enum duo_status read_ollama(const json_t *reply, const char *url, struct duo_heard *h, struct duo_err *err)
{
    const json_t *message = json_object_get(reply, "message"), *text = message ? json_object_get(message, "content") : json_object_get(reply, "response");
    const json_t *thinking = json_object_get(message ? message : reply, "thinking"), *item;
    const char *why = json_string_value(json_object_get(reply, "done_reason"));
    size_t i;
    if (!json_is_string(text)) return lacks(url, message ? "\"content\"" : "\"response\"", err);
    if (!why) return lacks(url, "\"done_reason\"", err);
    DUO_TRY(take_text(text, url, &h->text, err));
    h->ended = strcmp(why, "stop") == 0;
    h->prompt_tokens = count_of(reply, "prompt_eval_count");
    h->thinking = json_string_length(thinking) > 0 ? -1 : 0;          /* it is in the count, and how much isn't told */
    if (h->thinking == 0) json_array_foreach(json_object_get(reply, "logprobs"), i, item) DUO_TRY(add_item(h, item, url, err));
    close_answer(h, false, h->thinking == 0 ? count_of(reply, "eval_count") : -1);
    return DUO_OK;
}

static enum duo_status whole(enum duo_status status, struct duo_heard *h)
{
    if (status != DUO_OK) duo_heard_free(h);
    return status;
}

enum duo_status duo_reply_answer(const json_t *reply, const char *url, bool listed, struct duo_heard *h, struct duo_err *err)
{
    *h = (struct duo_heard) { 0 };
    return whole(read_answer(reply, url, listed, h, err), h);
}

enum duo_status duo_reply_ollama(const json_t *reply, const char *url, struct duo_heard *h, struct duo_err *err)
{
    *h = (struct duo_heard) { 0 };
    return whole(read_ollama(reply, url, h, err), h);
}

enum duo_status duo_reply_llama(const json_t *reply, const char *url, struct duo_heard *h, struct duo_err *err)
{
    *h = (struct duo_heard) { 0 };
    return whole(read_llama(reply, url, h, err), h);
}

/* ---------------------------------------------------------------- another's answer */

/* Half a character is shown as U+FFFD, and what ends an answer by some as nothing: only what is plain to see tells pieces apart. */
static bool plain(const char *piece) { return piece && *piece && !strstr(piece, "\xEF\xBF\xBD"); }

static enum duo_status other_piece(const char *url, int position, const char *here, const char *there, struct duo_err *err)
{
    return duo_fail_at(err, DUO_FELL_SHORT, url, 0, 0, "another vocabulary: token %d of the answer is \"%.40s\" here, \"%.40s\" where it was written", position, here, there);
}

enum duo_status duo_reply_prompt(const json_t *reply, const char *url, const int32_t *ids, int n, const struct duo_heard *answer, int m,
                                 struct duo_weighed *out, struct duo_err *err)
{
    const json_t *choice = json_array_get(json_object_get(reply, "choices"), 0), *list = json_object_get(choice, "prompt_logprobs");
    if (!json_is_array(list)) return lacks(url, "\"prompt_logprobs\"", err);
    if (json_array_size(list) != (size_t)n) return lacks(url, "log-probability for each token of the prompt", err);
    for (int i = 0; i < m; i++) {
        json_t *at = json_array_get(list, (size_t)(n - m + i)), *value;
        char id[16];
        const char *key;
        snprintf(id, sizeof id, "%d", (int)ids[n - m + i]);
        const json_t *own = json_object_get(at, id), *rank = json_object_get(own, "rank");
        const char *piece = json_string_value(json_object_get(own, "decoded_token"));
        if (!(json_number_value(rank) >= 1)) return lacks(url, "rank for each token of the prompt", err);
        if (plain(piece) && plain(answer->at[i].piece) && strcmp(piece, answer->at[i].piece) != 0) return other_piece(url, i, piece, answer->at[i].piece, err);
        struct leaders leaders = { 0 };
        json_object_foreach(at, key, value) {
            double p;
            DUO_TRY(probability(json_object_get(value, "logprob"), url, &p, err));
            lead(&leaders, p);
        }
        double r = json_number_value(rank);
        out[i] = (struct duo_weighed) { .rank = r < DUO_RANK_BEYOND ? (int)r : DUO_RANK_BEYOND, .choice = leaders.n ? leaders.first : NAN, .margin = margin(&leaders) };
        DUO_TRY(probability(json_object_get(own, "logprob"), url, &out[i].probability, err));
    }
    return DUO_OK;
}

enum duo_status duo_reply_position(const json_t *reply, const char *url, int32_t id, const char *piece, struct duo_weighed *out, struct duo_err *err)
{
    const json_t *top = json_object_get(json_array_get(json_object_get(reply, "completion_probabilities"), 0), "top_logprobs"), *item;
    const char *why = json_string_value(json_object_get(reply, "stop_type"));
    struct leaders leaders = { 0 };
    size_t i;
    *out = (struct duo_weighed) { .rank = DUO_RANK_BEYOND, .probability = NAN };
    if (json_array_size(top) == 0) return lacks(url, "\"completion_probabilities\" with \"top_logprobs\"", err);
    json_array_foreach(top, i, item) {
        double p;
        int32_t its;
        DUO_TRY(probability(json_object_get(item, "logprob"), url, &p, err));
        DUO_TRY(take_id(json_object_get(item, "id"), url, &its, err));
        lead(&leaders, p);
        if (its != id) continue;
        struct duo_heard_token t = { 0 };
        name(&t, json_string_value(json_object_get(item, "token")), json_object_get(item, "bytes"));
        bool same = !plain(t.piece) || !plain(piece) || strcmp(t.piece, piece) == 0;
        if (!same) duo_fail_at(err, DUO_FELL_SHORT, url, 0, 0, "another vocabulary: token %d is \"%.40s\" here, \"%.40s\" where the answer was written", (int)id, t.piece, piece);
        free(t.piece);
        if (!same) return DUO_FELL_SHORT;
        out->probability = p;
        if ((int)i + 1 < DUO_RANK_BEYOND) out->rank = (int)i + 1;
    }
    if (id < 0 && why && strcmp(why, "eos") == 0) out->rank = 1;
    out->choice = leaders.first;
    out->margin = margin(&leaders);
    return DUO_OK;
}

/* The rank of `piece` in {"token": log-probability}: 1 + how many are likelier.  A server may add it to those that were asked
 * for: then it ranks anywhere behind them. */
static enum duo_status rank_among(json_t *top, const char *url, const char *piece, struct duo_weighed *out, struct duo_err *err)
{
    struct leaders leaders = { 0 };
    const char *key;
    json_t *value, *own = json_object_get(top, piece);
    int likelier = 0;
    DUO_TRY(lead_all(&leaders, top, url, err));
    json_object_foreach(top, key, value) likelier += json_number_value(value) > json_number_value(own);
    *out = (struct duo_weighed) { .rank = own && likelier < DUO_ECHO_TOP ? likelier + 1 : DUO_RANK_BEYOND, .choice = leaders.n ? leaders.first : NAN, .margin = margin(&leaders) };
    return probability(own, url, &out->probability, err);
}

enum duo_status duo_reply_echo(const json_t *reply, const char *url, const char *prompt, const struct duo_heard *answer,
                               struct duo_weighed *out, struct duo_err *err)
{
    const json_t *choice = json_array_get(json_object_get(reply, "choices"), 0), *logprobs = json_object_get(choice, "logprobs");
    const json_t *tokens = json_object_get(logprobs, "tokens"), *numbers = json_object_get(logprobs, "token_logprobs"), *top = json_object_get(logprobs, "top_logprobs");
    size_t n = json_array_size(tokens), at = 0, left = strlen(prompt);
    if (n == 0 || json_array_size(numbers) != n || json_array_size(top) != n) return lacks(url, "echoed tokens with their log-probabilities", err);
    for (; at < n && left > 0; at++) {
        const char *piece = json_string_value(json_array_get(tokens, at));
        size_t length = piece ? strlen(piece) : 0;
        if (length > left || strncmp(prompt + strlen(prompt) - left, piece ? piece : "", length) != 0)
            return duo_fail_at(err, DUO_FELL_SHORT, url, 0, 0, "prompt and answer don't part between two tokens here");
        left -= length;
    }
    for (int i = 0; i < answer->n; i++) {
        const struct duo_heard_token *t = &answer->at[i];
        const char *here = json_string_value(json_array_get(tokens, at + (size_t)i));
        if (i == answer->n - 1 && answer->ended && !(t->piece && *t->piece)) {      /* the end has no text to be sent */
            const char *why = json_string_value(json_object_get(choice, "finish_reason"));
            bool ends = at + (size_t)i >= n && why && strcmp(why, "stop") == 0;
            out[i] = (struct duo_weighed) { .rank = ends ? 1 : DUO_RANK_BEYOND, .probability = NAN, .choice = NAN, .margin = NAN };
            break;
        }
        if (!here || !t->piece || strcmp(here, t->piece) != 0) return other_piece(url, i, here ? here : "", t->piece ? t->piece : "", err);
        DUO_TRY(rank_among(json_array_get(top, at + (size_t)i), url, here, &out[i], err));
        if (isnan(out[i].probability)) DUO_TRY(probability(json_array_get(numbers, at + (size_t)i), url, &out[i].probability, err));
    }
    return DUO_OK;
}
