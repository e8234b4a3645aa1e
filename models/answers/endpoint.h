/* endpoint.h - a model behind an OpenAI-compatible server as a voice: what it answers, and what it thinks of another's answer.
 *
 * (1) Servers and what is asked of them (documented by each; `owned_by` of /v1/models says which it is, or the caller does):
 *       llama.cpp   /tokenize (chat: /apply-template before), /completion on token ids.  It has no log-probabilities of a
 *                   prompt, so ranks take one request of one token a position, on its prompt cache; ranks to 254.
 *       vllm        /tokenize, /v1/completions on token ids; ranks of a whole answer by `prompt_logprobs` in one request.
 *       openai      /v1/completions, or with `chat` /v1/chat/completions; any server that speaks them.  Ranks by `echo` with
 *                   `logprobs` where the server has it and gives each token its own numbers (tried first): to 5.
 *       llama-cpp-python  its server: as openai, without the penalty for repetition that it has by default.
 *       ollama      its own /api/generate (raw) and /api/chat: by /v1 it would put a prompt into a layout and punish repetition.
 *                   No ranks: it has neither token ids nor numbers of a prompt.
 * (2) A greedy answer is asked for with temperature 0 and a seed, and without penalties and cuts where a server or a model's
 *     own defaults would have some.  What a server makes of it is its own affair: no same bytes
 *     are promised by it; the same replies give the same bytes here.
 * (3) What a server does not say is NAN, -1 or NULL, never made up.  A margin needs the two most probable tokens.  An entropy
 *     needs the whole distribution, which no server gives: NAN.
 * (4) Tokens are those that the server lists, else as many as its usage counts.  The token that ends the answer is one of them
 *     (answers.h); where the server ends an answer without listing it, it is added with nothing known of it.
 * (5) Ranks need one vocabulary.  Between servers with token ids, a text of many scripts must have the same ids on both; by
 *     `echo`, prompt and answer must be cut where the verifier cut them, question by question.  Otherwise they are refused in
 *     words (DUO_FELL_SHORT), and nothing but ranks is missing.
 * (6) The key comes from an environment variable, goes only to its own server, and is in no message, file or recording.
 * (7) Failures (http.h): bad input where the server refuses what was asked, DUO_RUN_FAILED where it is down, slow or broken. */
#ifndef DUO_MODELS_ENDPOINT_H
#define DUO_MODELS_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

#define DUO_SERVERS(X)                 \
    X(llama_cpp, "llama.cpp")          \
    X(vllm,      "vllm")               \
    X(openai,    "openai")             \
    X(llama_cpp_python, "llama-cpp-python") \
    X(ollama,    "ollama")

enum duo_server {
#define X(name, text) DUO_SERVER_##name,
    DUO_SERVERS(X)
#undef X
    DUO_SERVER_N
};

struct duo_endpoint_spec {
    const char *url;                     /* http(s)://HOST[:PORT][/PATH][#MODEL]; without a path, /v1 is meant */
    const char *model;                   /* NULL: the URL's #MODEL, or the only one that the server has */
    const char *server;                  /* of DUO_SERVERS; NULL: what the server says of itself, else openai */
    const char *key_variable;            /* environment variable of the key; NULL or unset: no key */
    bool        chat;                    /* the prompt is a user's message */
    bool        plain;                   /* don't ask for log-probabilities (servers that refuse them) */
    double      connect_s, reply_s;      /* time limits; 0: 10 s, 300 s */
    int         tries;                   /* of a request that is told to come back later; 0: 8 */
    double      wait_s;                  /* most seconds waited for one request between tries; 0: 120 s */
    double      backoff_s;               /* first wait where the server names none, doubled each time; 0: 1 s */
    const char *proxy;                   /* NULL: none, whatever the environment says */
    void      (*note)(void *user, const char *text);      /* a line for people: waiting, ...; NULL: none */
    void       *user;
};

bool duo_endpoint_is(const char *text);  /* http:// or https:// */

struct duo_endpoint;
enum duo_status duo_endpoint_open(struct duo_endpoint **, const struct duo_endpoint_spec *, struct duo_err *);
void            duo_endpoint_free(struct duo_endpoint *);
const char     *duo_endpoint_model(const struct duo_endpoint *);
enum duo_server duo_endpoint_server(const struct duo_endpoint *);
const char     *duo_endpoint_server_name(const struct duo_endpoint *);
int             duo_endpoint_vocabulary(const struct duo_endpoint *);     /* tokens; -1: not told */

struct duo_heard_token {
    int32_t id;                          /* -1: not told */
    char   *piece;                       /* its bytes as text; NULL: not told */
    double  probability, margin, entropy;/* in [0, 1] or NAN */
};

struct duo_heard {
    char *text;
    int   prompt_tokens;                 /* -1: not told */
    int   thinking;                      /* tokens before the answer that nobody sees; -1: not told */
    int   tokens;                        /* of the answer; -1: not told */
    bool  ended;                         /* false: cut off at the most tokens */
    int   n;                             /* as `tokens`, or 0: the server lists none */
    struct duo_heard_token *at;
};
void duo_heard_free(struct duo_heard *);         /* what it points to */

struct duo_hear { int tokens; double temperature; uint64_t seed; };

/* The prompt as the model gets it, without asking it to answer: how many tokens (-1: not told), and their ids, borrowed until
 * another prompt is asked for (NULL: not told). */
enum duo_status duo_endpoint_prompt(struct duo_endpoint *, const char *prompt, int *tokens, const int32_t **ids, struct duo_err *);

/* What the model answers to the prompt.  `*heard` is filled only on DUO_OK, and then the caller's. */
enum duo_status duo_endpoint_say(struct duo_endpoint *, const char *prompt, const struct duo_hear *, struct duo_heard *, struct duo_err *);

/* What it writes behind prompt and the first `n` tokens of another's answer.  DUO_FELL_SHORT: can't be asked (no token ids). */
enum duo_status duo_endpoint_say_behind(struct duo_endpoint *, const char *prompt, const struct duo_heard *, int n, const struct duo_hear *,
                                        struct duo_heard *, struct duo_err *);

enum { DUO_RANK_BEYOND = 255 };

/* What it thinks of another's answer: one entry a token of it.  DUO_FELL_SHORT: can't be told, and why (5). */
struct duo_weighed {
    int    rank;                         /* 1: its own choice; DUO_RANK_BEYOND: that or more, or more than the server lists */
    double probability;                  /* of the answer's token; NAN: not told */
    double choice, margin;               /* probability of its own choice there, and by how much it leads; NAN: not told */
};
enum duo_status duo_endpoint_weigh(struct duo_endpoint *, const char *prompt, const struct duo_heard *, struct duo_weighed *out, struct duo_err *);

/* Can `drafter` weigh answers of `verifier`?  DUO_FELL_SHORT: no, and why (5). */
enum duo_status duo_endpoint_same_words(struct duo_endpoint *drafter, struct duo_endpoint *verifier, struct duo_err *);

#endif
