/* cmd_generate.c - a small model writes on from a text.
 *
 * (1) With a drafter the text is the same, token by token, as without: what is drafted is only verified faster. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/slm/chat.h"
#include "models/slm/draft.h"
#include "models/slm/fetch.h"
#include "models/slm/machine.h"
#include "sim/app/app.h"
#include "sim/base/json.h"

enum { TEMP = DUO_LONG_ONLY, TOP_K, TOP_P, MIN_P, SEED, CHAT, CACHE, LOGITS, DRAFT, DRAFT_TOKENS };
enum { MOST_LOGITS = 1000 };

static const struct duo_option options[] = {
    { 'p',   "prompt",  "TEXT",   "the text to go on from; -: all of stdin" },
    { 'n',   "tokens",  "N",      "at most so many; default: 128" },
    { 't',   "threads", "N",      "default: one a core" },
    { CHAT,  "chat",    NULL,     "the prompt is a user's message: put it as the model's own chat layout has it" },
    { TEMP,  "temp",    "T",      "temperature; default: 0, always the most probable token" },
    { TOP_K, "top-k",   "K",      "only the K most probable; default: all" },
    { TOP_P, "top-p",   "P",      "only the fewest that reach the probability P; default: all" },
    { MIN_P, "min-p",   "P",      "only those at least P times as probable as the first; default: all" },
    { SEED,  "seed",    "N",      "of what is drawn; default: 1" },
    { LOGITS, "logits", "K",     "with --json: the K largest logits at each token, too" },
    { DRAFT, "draft",   "MODEL",  "a smaller model of the same vocabulary guesses, this one verifies; the text stays the same" },
    { DRAFT_TOKENS, "draft-tokens", "N", "guessed at a time; default: 4" },
    { CACHE, "cache",   "FORMAT", "f16 (default) or q8_0: how keys and values are kept" },
    { 0 }
};

struct wishes {
    const char *model, *prompt, *draft;
    int tokens, threads, logits, draft_tokens;
    bool chat;
    struct duo_sampling sampling;
    enum duo_format cache;
};

struct run {
    const struct duo_args *args;
    const struct wishes *wishes;
    struct duo_pool *pool;
    struct duo_model *model;
    struct duo_tokenizer *tokenizer;
    struct duo_context *context;
    struct duo_model *draft_model;               /* NULL: no drafter */
    struct duo_context *draft_context;
    struct duo_drafter drafter;
    int drafted, accepted, verified;             /* verified: passes */
    struct duo_ids prompt;                       /* with a drafter: the whole text */
    struct duo_sampler sampler;
    struct duo_bytes text;
    float *logits;
    struct duo_json json;
    const char *stopped;
    int written;
    double prompt_seconds, seconds;
};

/* ---------------------------------------------------------------- the prompt */

static enum duo_status encode(struct run *r, struct duo_err *err)
{
    const struct duo_shape *s = duo_model_shape(r->model);
    const char *path = duo_gguf_path(duo_model_gguf(r->model)), *text = r->wishes->prompt;
    if (r->wishes->chat) {
        struct duo_chat_form form;
        DUO_TRY(duo_chat_read(&form, duo_model_gguf(r->model), err));
        enum duo_status status = form.form != DUO_CHAT_NONE ? duo_chat_encode(&form, r->tokenizer, &(struct duo_message) { "user", text }, 1, &r->prompt, NULL, err)
                               : duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "has no chat template; run it without --chat");
        duo_chat_free(&form);
        DUO_TRY(status);
    } else {
        duo_encode(r->tokenizer, text, strlen(text), false, true, &r->prompt);
        /* What the model puts at the end of a text would end this one. */
        if (r->prompt.n > 1 && r->prompt.at[r->prompt.n - 1] == duo_token_last(r->tokenizer)) r->prompt.n--;
    }
    if (r->prompt.n == 0) return duo_fail(err, DUO_BAD_INPUT, "generate: --prompt: an empty text, and %s has no token to begin with", path);
    if (r->prompt.n >= (size_t)s->context)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "the prompt is %zu tokens; the model's context is %d", r->prompt.n, s->context);
    return DUO_OK;
}

/* ---------------------------------------------------------------- what it writes */

static void show_logits(struct run *r, const float *logits, int vocabulary)
{
    struct duo_candidate top[MOST_LOGITS];
    int n = duo_top(&r->sampler, logits, vocabulary, r->wishes->logits, top);
    duo_json_key(&r->json, "logits");
    duo_json_open(&r->json, '[');
    for (int i = 0; i < n; i++) {
        duo_json_open(&r->json, '{');
        duo_json_key(&r->json, "id");    duo_json_number(&r->json, top[i].id);
        duo_json_key(&r->json, "logit"); duo_json_number(&r->json, (double)top[i].logit);
        duo_json_close(&r->json);
    }
    duo_json_close(&r->json);
}

/* logits: NULL when there is a drafter. */
static void show(struct run *r, int token, struct duo_token_numbers numbers, const float *logits)
{
    size_t before = r->text.n;
    duo_decode_one(r->tokenizer, token, false, &r->text);
    if (!r->args->json) {
        fwrite(r->text.at + before, 1, r->text.n - before, stdout);
        fflush(stdout);
        return;
    }
    struct duo_json *j = &r->json;
    duo_json_open(j, '{');
    duo_json_key(j, "id");          duo_json_number(j, token);
    duo_json_key(j, "text");        duo_json_text(j, r->text.n > before ? r->text.at + before : "");
    duo_json_key(j, "probability"); duo_json_number(j, (double)numbers.probability);
    duo_json_key(j, "margin");      duo_json_number(j, (double)numbers.margin);
    duo_json_key(j, "entropy");     duo_json_number(j, (double)numbers.entropy);
    if (r->wishes->logits && logits) show_logits(r, logits, duo_model_shape(r->model)->vocabulary);
    duo_json_close(j);
}

static enum duo_status no_logit(const struct run *r, struct duo_err *err)
{
    return duo_fail_at(err, DUO_RUN_FAILED, duo_gguf_path(duo_model_gguf(r->model)), 0, 0, "gave no finite logit");
}

static enum duo_status write_on(struct run *r, struct duo_err *err)
{
    int vocabulary = duo_model_shape(r->model)->vocabulary;
    double start = duo_machine_seconds();
    size_t length = r->prompt.n;
    int32_t token;
    DUO_TRY(duo_context_run(r->context, r->prompt.at, length, DUO_LOGITS_LAST, r->logits, NULL, err));
    r->prompt_seconds = duo_machine_seconds() - start;
    for (r->stopped = "length"; r->written < r->wishes->tokens;) {
        token = duo_sample(&r->sampler, &r->wishes->sampling, r->logits, vocabulary, length);
        if (token == DUO_NO_TOKEN) return no_logit(r, err);
        if (duo_token_ends(r->tokenizer, token)) { r->stopped = "end"; break; }
        struct duo_token_numbers numbers = { 0 };
        if (r->args->json) numbers = duo_numbers(&r->sampler, r->logits, vocabulary, token);
        show(r, token, numbers, r->logits);
        length++, r->written++;
        if (length == (size_t)duo_model_shape(r->model)->context) { r->stopped = "context"; break; }
        if (r->written < r->wishes->tokens) DUO_TRY(duo_context_run(r->context, &token, 1, DUO_LOGITS_LAST, r->logits, NULL, err));
    }
    r->seconds = duo_machine_seconds() - start - r->prompt_seconds;
    return DUO_OK;
}

/* One token of the text is written; false: it was the last. */
static bool take(struct run *r, int32_t token, struct duo_token_numbers numbers)
{
    if (duo_token_ends(r->tokenizer, token)) return r->stopped = "end", false;
    show(r, token, numbers, NULL);
    r->prompt.at[r->prompt.n++] = token;
    r->written++;
    if (r->prompt.n == (size_t)duo_model_shape(r->model)->context) return r->stopped = "context", false;
    return r->written < r->wishes->tokens;
}

/* (1): the last token of the text is always left to the next verification. */
static enum duo_status draft_on(struct run *r, struct duo_err *err)
{
    int32_t ids[DUO_VERIFY];
    struct duo_checked v;
    double start = duo_machine_seconds();
    r->prompt.at = duo_grow(r->prompt.at, r->prompt.room = r->prompt.n + (size_t)r->wishes->tokens, sizeof *r->prompt.at);
    DUO_TRY(duo_context_run(r->context, r->prompt.at, r->prompt.n - 1, DUO_LOGITS_NONE, NULL, NULL, err));
    r->prompt_seconds = duo_machine_seconds() - start;
    r->stopped = "length";
    for (bool more = true; more;) {
        size_t n = r->prompt.n, drafted, left = (size_t)(r->wishes->tokens - r->written), room = duo_context_capacity(r->context) - n;
        size_t most = (size_t)r->wishes->draft_tokens;
        most = most < left - 1 ? most : left - 1;
        most = most < room ? most : room;
        ids[0] = r->prompt.at[n - 1];
        DUO_TRY(duo_draft(&r->drafter, r->prompt.at, n, most, &r->wishes->sampling, ids + 1, &drafted, err));
        DUO_TRY(duo_context_verify(r->context, ids, drafted + 1, &r->wishes->sampling, &v, err));
        r->drafted += (int)drafted, r->accepted += (int)v.accepted, r->verified++;
        for (size_t i = 0; i <= v.accepted && more; i++) {
            if (i == v.accepted && v.next == DUO_NO_TOKEN) return no_logit(r, err);
            more = take(r, i < v.accepted ? ids[i + 1] : v.next, v.numbers[i]);
        }
    }
    r->seconds = duo_machine_seconds() - start - r->prompt_seconds;
    return DUO_OK;
}

static enum duo_status report(struct run *r, struct duo_err *err)
{
    size_t prompt = r->prompt.n;
    struct duo_json *j = &r->json;
    duo_json_init(j, stdout);
    if (r->args->json) {
        duo_json_open(j, '{');
        duo_json_key(j, "model");         duo_json_text(j, duo_gguf_path(duo_model_gguf(r->model)));
        duo_json_key(j, "prompt_tokens"); duo_json_number(j, (double)prompt);
        duo_json_key(j, "tokens");
        duo_json_open(j, '[');
    }
    enum duo_status status = r->draft_model ? draft_on(r, err) : write_on(r, err);
    if (!r->args->json) {
        putchar('\n');
        if (status == DUO_OK)
            fprintf(stderr, "prompt: %zu tokens, %.1f/s; written: %d, %.1f/s; stopped: %s\n", prompt, (double)prompt / r->prompt_seconds,
                    r->written, r->written > 1 ? (r->written - 1) / r->seconds : 0.0, r->stopped);
        if (status == DUO_OK && r->draft_model)
            fprintf(stderr, "drafted: %d, accepted: %d (%.1f%%), in %d passes\n", r->drafted, r->accepted,
                    r->drafted ? 100.0 * r->accepted / r->drafted : 0.0, r->verified);
        return status;
    }
    duo_json_close(j);
    duo_json_key(j, "text");    duo_json_text(j, r->text.at ? r->text.at : "");
    duo_json_key(j, "stopped"); duo_json_text(j, r->stopped);
    if (r->draft_model) {
        duo_json_key(j, "drafted");  duo_json_number(j, r->drafted);
        duo_json_key(j, "accepted"); duo_json_number(j, r->accepted);
        duo_json_key(j, "passes");   duo_json_number(j, r->verified);
    }
    duo_json_close(j);
    duo_json_end(j);
    return status;
}

/* ---------------------------------------------------------------- all of it */

static enum duo_status open_drafter(struct run *r, struct duo_context_spec spec, struct duo_err *err)
{
    char path[PATH_MAX];
    struct duo_tokenizer *tokenizer = NULL;
    DUO_TRY(duo_model_find(r->wishes->draft, path, sizeof path, err));
    DUO_TRY(duo_model_open(&r->draft_model, path, r->pool, err));
    DUO_TRY(duo_tokenizer_new(&tokenizer, duo_model_gguf(r->draft_model), err));
    enum duo_status status = duo_draft_check(tokenizer, path, r->tokenizer, duo_gguf_path(duo_model_gguf(r->model)), err);
    duo_tokenizer_free(tokenizer);
    DUO_TRY(status);
    size_t most = (size_t)duo_model_shape(r->draft_model)->context;
    if (spec.capacity > most) spec.capacity = most;
    DUO_TRY(duo_context_new(&r->draft_context, r->draft_model, r->pool, &spec, err));
    duo_drafter_init(&r->drafter, r->draft_model, r->draft_context);
    return DUO_OK;
}

static enum duo_status generate(struct run *r, struct duo_err *err)
{
    char path[PATH_MAX];
    DUO_TRY(duo_isa_choose(NULL, err));
    DUO_TRY(duo_sampling_check(&r->wishes->sampling, err));
    DUO_TRY(duo_model_find(r->wishes->model, path, sizeof path, err));
    r->pool = duo_pool_new(r->wishes->threads);
    DUO_TRY(duo_model_open(&r->model, path, r->pool, err));
    DUO_TRY(duo_tokenizer_new(&r->tokenizer, duo_model_gguf(r->model), err));
    DUO_TRY(encode(r, err));
    size_t room = r->prompt.n + (size_t)r->wishes->tokens, most = (size_t)duo_model_shape(r->model)->context;
    struct duo_context_spec spec = { .capacity = room < most ? room : most, .cache = r->wishes->cache };
    DUO_TRY(duo_context_new(&r->context, r->model, r->pool, &spec, err));
    r->logits = duo_new((size_t)duo_model_shape(r->model)->vocabulary, sizeof *r->logits);
    if (r->wishes->draft) DUO_TRY(open_drafter(r, spec, err));
    return report(r, err);
}

static void clean(struct run *r)
{
    free(r->logits);
    free(r->text.at);
    free(r->prompt.at);
    duo_sampler_free(&r->sampler);
    duo_drafter_free(&r->drafter);
    duo_context_free(r->draft_context);
    duo_model_free(r->draft_model);
    duo_context_free(r->context);
    duo_tokenizer_free(r->tokenizer);
    duo_model_free(r->model);
    duo_pool_free(r->pool);
}

static char *all_of_stdin(void)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t n = getdelim(&text, &room, '\0', stdin);
    if (n >= 0) return text;
    free(text);
    return duo_copy("");
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    static const char *const caches[] = { "f16", "q8_0" };
    struct duo_args a;
    struct duo_err err = { 0 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct wishes w = { .tokens = 128, .threads = cores < 1 ? 1 : cores > DUO_MAX_THREADS ? DUO_MAX_THREADS : (int)cores, .cache = DUO_FORMAT_F16, .sampling.seed = 1,
                        .draft_tokens = 4 };
    const char *value;
    char *read = NULL;
    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) switch (id) {
        case 'p':   w.prompt = value; break;
        case 'n':   w.tokens = duo_whole(&a, "--tokens", value, 1, INT_MAX / 2); break;
        case 't':   w.threads = duo_whole(&a, "--threads", value, 1, DUO_MAX_THREADS); break;
        case CHAT:  w.chat = true; break;
        case TEMP:  w.sampling.temperature = duo_real(&a, "--temp", value, 0, 100); break;
        case TOP_K: w.sampling.top_k = duo_whole(&a, "--top-k", value, 0, INT_MAX); break;
        case TOP_P: w.sampling.top_p = duo_real(&a, "--top-p", value, 0, 1); break;
        case MIN_P: w.sampling.min_p = duo_real(&a, "--min-p", value, 0, 1); break;
        case SEED:  w.sampling.seed = (uint64_t)duo_whole(&a, "--seed", value, 0, INT_MAX); break;
        case LOGITS: w.logits = duo_whole(&a, "--logits", value, 0, MOST_LOGITS); break;
        case DRAFT: w.draft = value; break;
        case DRAFT_TOKENS: w.draft_tokens = duo_whole(&a, "--draft-tokens", value, 1, DUO_VERIFY - 1); break;
        case CACHE: w.cache = duo_choice(&a, "--cache", value, caches, 2) ? DUO_FORMAT_Q8_0 : DUO_FORMAT_F16; break;
        }
    if (a.n_words != 1) duo_usage(&a, a.n_words ? "generate: one model, please" : "generate: which model?  A GGUF file, or a name that duosim models fetch takes");
    if (!w.prompt) duo_usage(&a, "generate: from which text?  --prompt TEXT");
    if (w.draft && w.logits) duo_usage(&a, "generate: --logits doesn't go with --draft");
    if (!strcmp(w.prompt, "-")) w.prompt = read = all_of_stdin();
    w.model = a.words[0];
    struct run r = { .args = &a, .wishes = &w };
    enum duo_status status = generate(&r, &err);
    clean(&r);
    free(read);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_generate = {
    .name = "generate", .words = "MODEL.gguf", .about = "let a small model write on from a text",
    .example = "  duosim models fetch smollm2-135m\n  duosim generate smollm2-135m --chat -p 'Name two uses of copper.'\n",
    .options = options, .run = run,
};
