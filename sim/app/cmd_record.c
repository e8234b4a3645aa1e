/* cmd_record.c - models answer a list of tasks, and what they did is kept in a file that scenarios replay.
 *
 * (1) edge, cloud and all voices with cloud's vocabulary draft for cloud; one with another vocabulary is refused, or recorded by
 *     itself with --apart.
 * (2) A model is a file, a name that models fetch takes, pair:NAME (of the pair that ships), or, as a voice NAME@L, another
 *     voice left behind layer L.
 *     A URL is a model behind a server (models/answers/endpoint.h): it drafts for those behind servers alone.
 * (3) Ctrl-C ends behind the question at hand; what is recorded stays, and --resume goes on. */
#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "models/answers/recording.h"
#include "models/answers/scores.h"
#include "models/answers/voice_url.h"
#include "models/slm/fetch.h"
#include "models/slm/tokenizer.h"
#include "sim/app/app.h"
#include "sim/base/json.h"
#include "sim/base/units.h"
#include "sim/share.h"

enum { EDGE = DUO_LONG_ONLY, CLOUD, VOICE, TASKS, SEED, RESUME, SAMPLES, TEMPERATURE, AHEAD, NO_TEXTS, NO_EMBEDDINGS, APART, NO_CHAT,
       SCORE, SERVER, CONNECT, REPLY, PATIENCE, PROXY, NO_LOGPROBS };
enum { MOST = DUO_SPEAKER_VOICES, MOST_SCORES = 8 };

static const struct duo_option options[] = {
    { EDGE,   "edge",   "MODEL",      "the small model: a GGUF file, a name that models fetch takes, pair:NAME, URL#NAME" },
    { CLOUD,  "cloud",  "MODEL",      "the large one, for which all others draft" },
    { VOICE,  "voice",  "NAME=MODEL", "one more, an n-gram drafter's file, too; NAME@L: that voice left behind layer L; repeatable" },
    { APART,  "apart",  NULL,         "voices with another vocabulary than cloud's are recorded by themselves; without: refused" },
    { TASKS,  "tasks",  "FILE.jsonl", "prompts and references, one a line; default: the project's own" },
    { 'n',    "n",      "N",          "of the project's own: so many of the test split, and a quarter of it to calibrate; default: 2400" },
    { SEED,   "seed",   "N",          "of the project's own tasks; default: 1" },
    { SCORE,  "score",  "NAME=FILE",  "a judge of prompts (CSV of features and weights), as a score known before an answer; pair:router.csv; repeatable" },
    { 'o',    "out",    "FILE.db",    "where to" },
    { RESUME, "resume", NULL,         "go on with what FILE.db.part holds" },
    { SAMPLES, "samples", "K",        "answers of each model that vote on each question; default: 5, 0: none" },
    { TEMPERATURE, "temperature", "T", "of these; default: 0.7" },
    { AHEAD,  "ahead",  "N",          "tokens that drafters write on behind a disagreement; default: 16" },
    { NO_TEXTS, "no-texts", NULL,     "keep no prompts, references and answers" },
    { NO_EMBEDDINGS, "no-embeddings", NULL, "keep no embeddings of prompts" },
    { NO_CHAT, "no-chat", NULL,       "give prompts as they are; default: in a model's own chat layout, where it has one" },
    { 't',    "threads", "N",         "default: 1 for models below 64 MB, which more would only slow down; else one a core" },
    { SERVER, "server", "NAME=KIND",  "what voice NAME's server is: llama.cpp, vllm, openai, llama-cpp-python, ollama; default: what it says of itself" },
    { CONNECT, "connect-timeout", "S", "seconds to reach a server; default: 10" },
    { REPLY,  "reply-timeout", "S",   "seconds for a whole reply; default: 300" },
    { PATIENCE, "patience", "S",      "seconds to wait for a server that says come back later (429, 502, 503, 504), a request; default: 120" },
    { PROXY,  "proxy",  "URL",        "on the way to servers; default: none, whatever the environment says" },
    { NO_LOGPROBS, "no-logprobs", NULL, "don't ask servers for log-probabilities (some refuse them): no confidences, no ranks" },
    { 0 }
};

struct wish { char name[64], model[1024], file[PATH_MAX + 16], key[80]; const char *server; bool alone, url; };

struct plan {
    int         n;
    struct wish voice[MOST];                 /* edge first, cloud last */
    const char *edge, *cloud;
    bool        apart, chat;
    int         threads;
    struct duo_endpoint_spec net;            /* what all servers have in common */
    int         n_servers;
    const char *servers[MOST];               /* "NAME=KIND" */
    int         n_scores;
    struct judge { char name[64], file[PATH_MAX + 16]; const char *model; struct duo_score *score; } judges[MOST_SCORES];
    struct duo_record_score scores[MOST_SCORES];
    struct duo_record_spec record;
    struct duo_voice *voices[MOST];
    double      began;
    int64_t     had;                         /* questions there at the beginning */
};

static volatile sig_atomic_t stopped;
static void stop(int signal) { (void)signal; stopped = 1; }

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool go_on(void *user, int64_t done, int64_t all)
{
    struct plan *p = user;
    double now = seconds() - p->began, left;
    char text[32];

    if (p->had < 0) p->had = done - 1;
    if (!isatty(STDERR_FILENO)) return !stopped;
    left = now / (double)(done - p->had) * (double)(all - done);
    duo_show_quantity(left, DUO_DIM_TIME, text, sizeof text);
    fprintf(stderr, "\r%lld of %lld questions, %s left     %s", (long long)done, (long long)all, text, done == all || stopped ? "\n" : "");
    return !stopped;
}

/* ---- which models */

static enum duo_status find_file(struct wish *w, struct duo_err *err)                         /* (2) */
{
    struct stat st;

    if (strncmp(w->model, "pair:", 5) == 0) {
        const char *what = w->model + 5;
        bool plain = strcmp(what, "edge") == 0 || strcmp(what, "cloud") == 0;
        char name[80];
        snprintf(name, sizeof name, "%.60s%s", what, plain ? "-q8_0.gguf" : strcmp(what, "ngram") == 0 ? ".bin" : strchr(what, '.') ? "" : ".gguf");
        return duo_share_file(DUO_SHARE_PAIR, name, w->file, sizeof w->file, err);
    }
    if (stat(w->model, &st) != 0 || S_ISDIR(st.st_mode)) return duo_model_find(w->model, w->file, PATH_MAX, err);
    size_t n = strlen(w->model);
    if (n >= sizeof w->file) return duo_fail(err, DUO_BAD_INPUT, "record: --%s: the path is too long", w->name);
    memcpy(w->file, w->model, n + 1);
    return DUO_OK;
}

static enum duo_status find_layer(struct plan *p, struct wish *w, struct duo_err *err)
{
    const char *at = strrchr(w->name, '@');
    size_t n = (size_t)(at - w->name);

    for (int i = 0; i < p->n; i++)
        if (!p->voice[i].url && strlen(p->voice[i].name) == n && strncmp(p->voice[i].name, w->name, n) == 0) {
            char file[sizeof w->file];
            int length = snprintf(file, sizeof file, "%.*s%s", PATH_MAX, p->voice[i].file, at);
            memcpy(w->file, file, sizeof file);
            return length > 0 && (size_t)length < sizeof w->file ? DUO_OK : duo_fail(err, DUO_BAD_INPUT, "record: --voice %s: the path is too long", w->name);
        }
    return duo_fail(err, DUO_BAD_INPUT, "record: --voice %s: no voice that runs here is called %.*s", w->name, (int)n, w->name);
}

static bool is_gguf(const char *file)
{
    char head[4];
    FILE *f = fopen(file, "rb");
    bool yes = f && fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, "GGUF", 4) == 0;

    if (f) fclose(f);
    return yes;
}

static enum duo_status words_of(const char *file, struct duo_tokenizer **out, struct duo_err *err)
{
    struct duo_gguf *g;
    enum duo_status status;

    DUO_TRY(duo_gguf_open(&g, file, err));
    status = duo_tokenizer_new(out, g, err);
    duo_gguf_close(g);
    return status;
}

/* What runs here and what stands behind a server can't draft for each other. */
static enum duo_status part_servers(struct plan *p, struct duo_err *err)
{
    for (int i = 0; i < p->n - 1; i++) {
        struct wish *w = &p->voice[i];
        w->alone = w->url != p->voice[p->n - 1].url;
        if (w->alone && !p->apart)
            return duo_fail(err, DUO_BAD_INPUT, "record: one of %s and cloud runs here, the other behind a server: they can't draft for each other; --apart records each by itself", w->name);
    }
    return DUO_OK;
}

static enum duo_status compare_words(struct plan *p, struct duo_err *err)                     /* (1) */
{
    const struct wish *cloud = &p->voice[p->n - 1];
    struct duo_tokenizer *words, *other;
    enum duo_status status = part_servers(p, err);

    if (status != DUO_OK || cloud->url) return status;
    DUO_TRY(words_of(cloud->file, &words, err));
    for (int i = 0; i < p->n - 1 && status == DUO_OK; i++) {
        struct wish *w = &p->voice[i];
        int differ;
        if (w->url) continue;
        if (strchr(w->name, '@') || (strcmp(w->name, "edge") != 0 && !is_gguf(w->file))) continue;
        status = words_of(w->file, &other, err);
        if (status != DUO_OK) break;
        differ = duo_tokenizers_differ(other, words);
        duo_tokenizer_free(other);
        w->alone = differ >= 0;
        if (w->alone && !p->apart)
            status = duo_fail_at(err, DUO_BAD_INPUT, w->file, 0, 0, "%s and cloud (%.150s) have different vocabularies, from token %d on; --apart records each by itself",
                                 w->name, cloud->model, differ);
    }
    duo_tokenizer_free(words);
    return status;
}

static enum duo_status find_voices(struct plan *p, struct duo_err *err)
{
    for (int i = 0; i < p->n; i++) {
        p->voice[i].url = duo_endpoint_is(p->voice[i].model);
        if (!strchr(p->voice[i].name, '@') && !p->voice[i].url) DUO_TRY(find_file(&p->voice[i], err));
    }
    for (int i = 0; i < p->n; i++)
        if (strchr(p->voice[i].name, '@')) DUO_TRY(find_layer(p, &p->voice[i], err));
    return compare_words(p, err);
}

/* Voices that speak together: all that share cloud's words, or one alone. */
static enum duo_status open_band(struct plan *p, int alone, struct duo_err *err)
{
    struct duo_speaker_spec spec = { .threads = p->threads, .chat = p->chat, .apart = alone >= 0 };
    struct duo_voice *out[MOST];
    int which[MOST];

    for (int i = 0; i < p->n; i++)
        if (alone >= 0 ? i == alone : !p->voice[i].alone && !p->voice[i].url) {
            which[spec.n_voices] = i;
            spec.names[spec.n_voices] = p->voice[i].name;
            spec.paths[spec.n_voices++] = p->voice[i].file;
        }
    DUO_TRY(duo_voices_speak(out, &spec, err));
    for (int i = 0; i < spec.n_voices; i++) p->voices[which[i]] = out[i];
    return DUO_OK;
}

static void note(void *user, const char *text)
{
    (void)user;
    fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "\r" : "", text);
}

static enum duo_status open_servers(struct plan *p, struct duo_err *err)
{
    for (int i = 0; i < p->n; i++) {
        struct wish *w = &p->voice[i];
        struct duo_endpoint_spec spec = p->net;
        if (!w->url) continue;
        char key[sizeof w->key];
        size_t n = (size_t)snprintf(key, sizeof key, "DUOSIM_%s_KEY", w->name);
        memcpy(w->key, key, sizeof key);
        for (size_t k = 0; k < n && k < sizeof w->key; k++) w->key[k] = isalnum((unsigned char)w->key[k]) ? (char)toupper((unsigned char)w->key[k]) : w->key[k] ? '_' : 0;
        for (int k = 0; k < p->n_servers; k++) {
            size_t length = strlen(w->name);
            if (strncmp(p->servers[k], w->name, length) == 0 && p->servers[k][length] == '=') w->server = p->servers[k] + length + 1;
        }
        spec.url = w->model, spec.server = w->server, spec.key_variable = w->key, spec.chat = p->chat, spec.note = note;
        DUO_TRY(duo_voice_url(&p->voices[i], w->name, &spec, err));
    }
    return DUO_OK;
}

/* A voice behind a server drafts for cloud if both have one vocabulary, and its server tells ranks. */
static enum duo_status may_draft(struct plan *p, int i, bool *yes, struct duo_err *err)
{
    struct duo_err why = { 0 };
    enum duo_status status = p->voice[i].url ? duo_voice_url_drafts(p->voices[i], p->voices[p->n - 1], &why) : DUO_OK;

    *yes = status == DUO_OK;
    if (status == DUO_OK || (status == DUO_FELL_SHORT && p->apart)) return DUO_OK;
    return duo_fail_at(err, status == DUO_FELL_SHORT ? DUO_BAD_INPUT : status, why.file, why.line, why.column, "%s%s", why.text,
                       status == DUO_FELL_SHORT ? "; --apart records each by itself, without ranks" : "");
}

static int threads_for(const struct plan *p)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct stat st;
    bool large = false;

    for (int i = 0; i < p->n; i++) large |= !p->voice[i].url && stat(p->voice[i].file, &st) == 0 && st.st_size >= 64000000;
    return !large || cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
}

static enum duo_status open_voices(struct plan *p, struct duo_err *err)
{
    bool yes;

    DUO_TRY(find_voices(p, err));
    if (!p->threads) p->threads = threads_for(p);
    DUO_TRY(open_servers(p, err));
    if (!p->voice[p->n - 1].url) DUO_TRY(open_band(p, -1, err));
    for (int i = 0; i < p->n; i++) {
        if (p->voice[i].alone && !p->voice[i].url) DUO_TRY(open_band(p, i, err));
        if (p->voice[i].alone || i == p->n - 1) continue;
        DUO_TRY(may_draft(p, i, &yes, err));
        if (yes) p->record.drafters |= 1u << i;
    }
    return DUO_OK;
}

/* ---- scores */

static double score(void *self, const char *prompt, const float *state, int width) { return duo_score_of(self, prompt, state, width); }

static enum duo_status open_scores(struct plan *p, struct duo_err *err)
{
    for (int i = 0; i < p->n_scores; i++) {
        struct judge *j = &p->judges[i];
        if (strncmp(j->model, "pair:", 5) == 0) DUO_TRY(duo_share_file(DUO_SHARE_PAIR, j->model + 5, j->file, sizeof j->file, err));
        else snprintf(j->file, sizeof j->file, "%s", j->model);
        DUO_TRY(duo_score_open(&j->score, j->file, err));
        p->scores[i] = (struct duo_record_score){ j->name, duo_score_digest(j->score), score, j->score };
    }
    p->record.n_scores = p->n_scores;
    p->record.scores   = p->scores;
    return DUO_OK;
}

static void add_score(const struct duo_args *a, struct plan *p, const char *text)
{
    struct judge *j = &p->judges[p->n_scores];
    const char *equals = strchr(text, '=');

    if (p->n_scores == MOST_SCORES) duo_usage(a, "record: at most %d scores", MOST_SCORES);
    if (!equals || equals == text || !equals[1] || equals - text >= (long)sizeof j->name || strlen(equals) >= sizeof j->file)
        duo_usage(a, "record: --score takes NAME=FILE, got %s", text);
    snprintf(j->name, sizeof j->name, "%.*s", (int)(equals - text), text);
    j->model = equals + 1;
    p->n_scores++;
}

/* ---- all of it */

static void report(const struct duo_args *a, const struct plan *p)
{
    struct stat st = { 0 };
    struct duo_json j;
    char size[32];

    stat(p->record.out, &st);
    duo_show_quantity((double)st.st_size, DUO_DIM_BYTES, size, sizeof size);
    if (!a->json) {
        printf("%s: %d voices (%s)\n", p->record.out, p->n, size);
        return;
    }
    duo_json_init(&j, stdout);
    duo_json_open(&j, '{');
    duo_json_key(&j, "file");   duo_json_text(&j, p->record.out);
    duo_json_key(&j, "voices"); duo_json_number(&j, p->n);
    duo_json_key(&j, "bytes");  duo_json_number(&j, (double)st.st_size);
    duo_json_close(&j);
    duo_json_end(&j);
}

static enum duo_status record(const struct duo_args *a, struct plan *p, struct duo_err *err)
{
    struct sigaction on_stop = { .sa_handler = stop }, old_int, old_term;
    enum duo_status status = open_voices(p, err);

    if (status == DUO_OK) status = open_scores(p, err);
    if (status == DUO_OK) {
        p->record.n_voices = p->n;
        p->record.voices   = p->voices;
        p->record.go_on = go_on, p->record.user = p;
        p->began = seconds(), p->had = -1;
        sigaction(SIGINT, &on_stop, &old_int);                                                /* (3) */
        sigaction(SIGTERM, &on_stop, &old_term);
        sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);    /* a file too large is a failed write, not our death */
        status = duo_record(&p->record, err);
        sigaction(SIGINT, &old_int, NULL);
        sigaction(SIGTERM, &old_term, NULL);
    }
    for (int i = 0; i < p->n; i++)
        if (p->voices[i]) p->voices[i]->kind->free(p->voices[i]);
    for (int i = 0; i < p->n_scores; i++) duo_score_free(p->judges[i].score);
    if (status == DUO_OK) report(a, p);
    return status;
}

static void add_voice(const struct duo_args *a, struct plan *p, const char *text)
{
    struct wish *w = &p->voice[p->n];
    const char *equals = strchr(text, '='), *at = strchr(text, '@');
    size_t n = equals ? (size_t)(equals - text) : strlen(text);

    if (p->n + 1 >= MOST) duo_usage(a, "record: at most %d voices", MOST);
    if (n < 1 || n >= sizeof w->name || (!equals && !at) || (equals && (!equals[1] || strlen(equals + 1) >= sizeof w->model)) || (equals && at && at < equals))
        duo_usage(a, "record: --voice takes NAME=MODEL or NAME@LAYER, got %s", text);
    snprintf(w->name, sizeof w->name, "%.*s", (int)n, text);
    snprintf(w->model, sizeof w->model, "%s", equals ? equals + 1 : "");
    p->n++;
}

static void add_server(const struct duo_args *a, struct plan *p, const char *text)
{
    const char *equals = strchr(text, '=');

    if (!equals || equals == text || !equals[1]) duo_usage(a, "record: --server takes NAME=KIND, as in cloud=vllm; got %s", text);
    if (p->n_servers == MOST) duo_usage(a, "record: at most %d voices", MOST);
    p->servers[p->n_servers++] = text;
}

static void complete(const struct duo_args *a, struct plan *p)
{
    if (a->n_words) duo_usage(a, "record: %s is one word too many", a->words[0]);
    if (!p->edge || !p->cloud) duo_usage(a, "record: which models?  --edge MODEL --cloud MODEL");
    if (!p->record.out) duo_usage(a, "record: where to?  --out FILE.db");
    snprintf(p->voice[0].name, sizeof p->voice[0].name, "edge");
    snprintf(p->voice[0].model, sizeof p->voice[0].model, "%s", p->edge);
    snprintf(p->voice[p->n].name, sizeof p->voice[p->n].name, "cloud");
    snprintf(p->voice[p->n].model, sizeof p->voice[p->n].model, "%s", p->cloud);
    p->n++;
    for (int k = 0; k < p->n_servers; k++) {
        bool known = false;
        for (int i = 0; i < p->n; i++) {
            size_t n = strlen(p->voice[i].name);
            known |= duo_endpoint_is(p->voice[i].model) && strncmp(p->servers[k], p->voice[i].name, n) == 0 && p->servers[k][n] == '=';
        }
        if (!known) duo_usage(a, "record: --server %s: no voice behind a server is called so", p->servers[k]);
    }
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct plan p = { .n = 1, .chat = true, .record = { .seed = 1, .n = 2400, .samples = 5, .temperature = 0.7, .ahead = DUO_RECORDING_AHEAD, .texts = true, .embeddings = true } };
    const char *value;
    bool own = false;

    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) switch (id) {
        case EDGE:    p.edge = value; break;
        case CLOUD:   p.cloud = value; break;
        case VOICE:   add_voice(&a, &p, value); break;
        case APART:   p.apart = true; break;
        case SCORE:   add_score(&a, &p, value); break;
        case TASKS:   p.record.tasks = value; break;
        case 'n':     p.record.n = duo_whole(&a, "--n", value, 1, 10000000); own = true; break;
        case SEED:    p.record.seed = (uint64_t)duo_whole(&a, "--seed", value, 0, INT_MAX); own = true; break;
        case 'o':     p.record.out = value; break;
        case RESUME:  p.record.resume = true; break;
        case SAMPLES: p.record.samples = duo_whole(&a, "--samples", value, 0, 64); break;
        case TEMPERATURE: p.record.temperature = duo_real(&a, "--temperature", value, 0.01, 100); break;
        case AHEAD:   p.record.ahead = duo_whole(&a, "--ahead", value, 1, 255); break;
        case NO_TEXTS: p.record.texts = false; break;
        case NO_EMBEDDINGS: p.record.embeddings = false; break;
        case NO_CHAT: p.chat = false; break;
        case SERVER:  add_server(&a, &p, value); break;
        case CONNECT: p.net.connect_s = duo_real(&a, "--connect-timeout", value, 0.001, 3600); break;
        case REPLY:   p.net.reply_s = duo_real(&a, "--reply-timeout", value, 0.001, 86400); break;
        case PATIENCE: p.net.wait_s = duo_real(&a, "--patience", value, 0.001, 86400); break;
        case PROXY:   p.net.proxy = value; break;
        case NO_LOGPROBS: p.net.plain = true; break;
        case 't':     p.threads = duo_whole(&a, "--threads", value, 1, 64); break;
        }
    complete(&a, &p);
    if (own && p.record.tasks) duo_usage(&a, "record: --n and --seed are of the project's own tasks; --tasks brings a list");
    return duo_finish(&a, record(&a, &p, &err), &err);
}

const struct duo_command duo_cmd_record = {
    .name = "record", .words = "--edge MODEL --cloud MODEL --out FILE.db",
    .about = "let models answer tasks, and keep what they did: answers, confidences, exits, drafts, votes; a scenario replays it (answers: { recorded: FILE.db })",
    .example = "  duosim record --edge pair:edge --cloud pair:cloud --voice cloud@2 --n 400 --out mine.db\n"
               "  duosim record --edge smollm2-135m --cloud smollm2-360m --tasks questions.jsonl --out mine.db\n"
               "  DUOSIM_CLOUD_KEY=... duosim record --edge http://localhost:8080 --cloud https://host/v1#NAME --tasks questions.jsonl --out mine.db\n"
               "\nServers: URL#NAME is the model NAME of an OpenAI-compatible server (llama.cpp, vLLM, ollama, OpenAI).  A voice's key comes from the\n"
               "environment, DUOSIM_EDGE_KEY, DUOSIM_CLOUD_KEY, DUOSIM_NAME_KEY, goes to its server alone and is never kept.  What a server answers is its\n"
               "own affair: recording again may give other bytes; the same replies give the same.\n",
    .options = options, .run = run,
};
