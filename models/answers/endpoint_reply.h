/* endpoint_reply.h - what servers' replies say, as endpoint.h has it.  Private to endpoint.c and its test.
 *
 * (1) A reply without what was asked for is an error that names what is missing (DUO_RUN_FAILED), never a guess.
 * (2) Ranks are exact as far as the server lists its tokens; what is listed further down, or not at all, is DUO_RANK_BEYOND.
 * (3) Numbers: the probability of a token is exp(its log-probability); more than 0 by rounding is 1, by more an error. */
#ifndef DUO_MODELS_ENDPOINT_REPLY_H
#define DUO_MODELS_ENDPOINT_REPLY_H

#include <jansson.h>

#include "models/answers/endpoint.h"

enum { DUO_ECHO_TOP = 5 };                             /* the most that completions list */

struct duo_reply_ids { int n; int32_t *at; };          /* free(at) */

/* {"tokens": [id or {"id": ...}, ...]} */
enum duo_status duo_reply_ids(const json_t *reply, const char *url, struct duo_reply_ids *, struct duo_err *);

/* Of /v1/completions and /v1/chat/completions; `listed`: the server lists the token that ends an answer (vLLM).  Pieces
 * "token_id:N" are ids. */
enum duo_status duo_reply_answer(const json_t *reply, const char *url, bool listed, struct duo_heard *, struct duo_err *);

/* Of ollama's /api/generate and /api/chat. */
enum duo_status duo_reply_ollama(const json_t *reply, const char *url, struct duo_heard *, struct duo_err *);

/* Of llama.cpp's /completion. */
enum duo_status duo_reply_llama(const json_t *reply, const char *url, struct duo_heard *, struct duo_err *);

/* vLLM's `prompt_logprobs` for the last m of n ids of a prompt. */
enum duo_status duo_reply_prompt(const json_t *reply, const char *url, const int32_t *ids, int n, const struct duo_heard *, int m,
                                 struct duo_weighed *out, struct duo_err *);

/* llama.cpp's `n_probs` at one position: what it thinks of `id` (-1: the end of the answer). */
enum duo_status duo_reply_position(const json_t *reply, const char *url, int32_t id, const char *piece, struct duo_weighed *out, struct duo_err *);

/* /v1/completions with `echo`: the tokens behind the prompt's bytes are to be those of the answer. */
enum duo_status duo_reply_echo(const json_t *reply, const char *url, const char *prompt, const struct duo_heard *,
                               struct duo_weighed *out, struct duo_err *);

#endif
