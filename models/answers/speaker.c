/* speaker.c - models that speak: opening them, texts and ids, writing.  Requirements: speaker.h. */
#include "models/answers/speaker_inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/grained.h"
#include "models/slm/draft.h"
#include "sim/base/rng.h"

enum { POSITIONS = 2048, CACHE_BYTES = 1 << 28, DIGESTED = 1 << 16 };    /* of a context; of a voice's contexts together; read at once */
static const int64_t memory_unless_told = (int64_t)1 << 28;
#define LEAST 1e-9                       /* probability of what an n-gram drafter never saw */

uint16_t duo_grain_of(float x) { return (uint16_t)lrintf(fminf(fmaxf(x, 0), 1) * DUO_GRID); }

struct duo_grained duo_grained_of(struct duo_token_numbers x)
{
    return (struct duo_grained){ duo_grain_of(x.probability), duo_grain_of(x.margin), duo_grain_of(x.entropy) };
}

void duo_words_add(struct duo_words *w, const void *ids, size_t n)
{
    if (w->n + n > w->room) w->at = duo_grow(w->at, w->room = 2 * (w->n + n), sizeof *w->at);
    if (n) memcpy(w->at + w->n, ids, n * sizeof *w->at);
    w->n += n;
}

void duo_key_begin(struct duo_speaker *s, int what, int voice)
{
    s->key.n = 0;
    duo_words_add(&s->key, (int32_t[]){ what, voice }, 2);
}

void duo_key_add(struct duo_speaker *s, const void *bytes, size_t n)
{
    assert(n % sizeof *s->key.at == 0);
    duo_words_add(&s->key, bytes, n / sizeof *s->key.at);
}

enum duo_status duo_no_number(const struct duo_mouth *v, int position, struct duo_err *err)
{
    return duo_fail_at(err, DUO_RUN_FAILED, v->mind->path, 0, 0, "what it computes behind %d tokens is no number", position);
}

/* ---------------------------------------------------------------- opening */

/* "FILE@L": the file's name, and L; 0: no layer is named. */
static char *split_name(const char *text, int *layer)
{
    const char *at = strrchr(text, '@');
    char *path = duo_copy(text);

    *layer = 0;
    if (!at || !at[1] || strspn(at + 1, "0123456789") != strlen(at + 1) || strlen(at) > 6) return path;
    *layer = atoi(at + 1);
    path[at - text] = '\0';
    return path;
}

static enum duo_status open_mind(struct duo_mind *m, bool chat, struct duo_pool *pool, struct duo_err *err)
{
    if (duo_ngram_is(m->path)) return duo_ngram_open(&m->ngram, m->path, err);
    DUO_TRY(duo_model_open(&m->model, m->path, pool, err));
    DUO_TRY(duo_tokenizer_new(&m->tokenizer, duo_model_gguf(m->model), err));
    return chat ? duo_chat_read(&m->chat, duo_model_gguf(m->model), err) : DUO_OK;
}

/* The mind of that file, which takes `path`. */
static enum duo_status find_mind(struct duo_speaker *s, char *path, bool chat, const struct duo_mind **out, struct duo_err *err)
{
    for (int i = 0; i < s->n_minds; i++)
        if (strcmp(s->mind[i].path, path) == 0) {
            free(path);
            *out = &s->mind[i];
            return DUO_OK;
        }
    *out = &s->mind[s->n_minds];
    s->mind[s->n_minds].path = path;
    return open_mind(&s->mind[s->n_minds++], chat, s->pool, err);
}

static enum duo_status open_voice(struct duo_speaker *s, struct duo_mouth *v, const char *path, bool chat, struct duo_err *err)
{
    const struct duo_shape *shape;
    double bytes;

    DUO_TRY(find_mind(s, split_name(path, &v->layers), chat, &v->mind, err));
    if (v->mind->ngram) {
        v->vocabulary = (size_t)duo_ngram_vocabulary(v->mind->ngram);
        v->most_slots = 1;
        v->logits     = duo_new(DUO_SPEAKER_ROWS * v->vocabulary, sizeof *v->logits);
        return v->layers ? duo_fail_at(err, DUO_BAD_INPUT, v->mind->path, 0, 0, "%s: an n-gram drafter has no layers", v->name) : DUO_OK;
    }
    v->texts = v->mind;
    shape = duo_model_shape(v->mind->model);
    v->early = v->layers > 0;
    if (!v->early) v->layers = shape->layers;
    else if (v->layers >= shape->layers)
        return duo_fail_at(err, DUO_BAD_INPUT, v->mind->path, 0, 0, "%s: the model has %d layers: one from 1 to %d is expected behind @", v->name, shape->layers, shape->layers - 1);
    v->vocabulary = (size_t)shape->vocabulary;
    v->width      = (size_t)shape->width;
    v->context    = shape->context < POSITIONS ? shape->context : POSITIONS;
    bytes = 2.0 * v->layers * v->context * shape->kv_heads * (shape->key_width + shape->value_width);
    v->most_slots = (int)fmax(1, fmin(DUO_SPEAKER_SLOTS, CACHE_BYTES / bytes));
    v->logits     = duo_new(DUO_SPEAKER_ROWS * v->vocabulary, sizeof *v->logits);
    return DUO_OK;
}

/* An n-gram drafter speaks the first model's tokens. */
static enum duo_status check_vocabularies(struct duo_speaker *s, bool apart, struct duo_err *err)
{
    const struct duo_mouth *first = NULL;

    for (int i = 0; i < s->n_voices; i++) {
        struct duo_mouth *v = &s->voice[i];
        if (!v->texts) continue;
        if (!first) first = v;
        else if (!apart) DUO_TRY(duo_draft_check(v->mind->tokenizer, v->mind->path, first->mind->tokenizer, first->mind->path, err));
    }
    for (int i = 0; i < s->n_voices; i++) {
        struct duo_mouth *v = &s->voice[i];
        if (v->texts) continue;
        if (!first) return duo_fail_at(err, DUO_BAD_INPUT, v->mind->path, 0, 0, "an n-gram drafter alone: a model whose tokens it drafts is expected beside it");
        if (v->vocabulary != first->vocabulary)
            return duo_fail_at(err, DUO_BAD_INPUT, v->mind->path, 0, 0, "drafts from a vocabulary of %zu; that of %s is %zu", v->vocabulary, first->mind->path, first->vocabulary);
        v->texts   = first->mind;
        v->context = first->context;
    }
    return DUO_OK;
}

static enum duo_status open_all(struct duo_speaker *s, const struct duo_speaker_spec *spec, struct duo_err *err)
{
    while (s->n_voices < spec->n_voices) {
        int i = s->n_voices++;
        s->voice[i].name = duo_copy(spec->names[i]);
        DUO_TRY(open_voice(s, &s->voice[i], spec->paths[i], spec->chat, err));
    }
    return check_vocabularies(s, spec->apart, err);
}

enum duo_status duo_speaker_open(struct duo_speaker **out, const struct duo_speaker_spec *spec, struct duo_err *err)
{
    struct duo_speaker *s = duo_new(1, sizeof *s);
    enum duo_status status;

    *out = NULL;
    assert(spec->n_voices >= 1 && spec->n_voices <= DUO_SPEAKER_VOICES);
    if (spec->threads > 1) s->pool = duo_pool_new(spec->threads);
    s->memo = duo_memo_new((size_t)(spec->memory > 0 ? spec->memory : memory_unless_told));
    status = s->memo ? open_all(s, spec, err) : duo_fail(err, DUO_NO_RESOURCES, "no memory to keep what models said");
    if (status) duo_speaker_free(s);
    else        *out = s;
    return status;
}

void duo_speaker_free(struct duo_speaker *s)
{
    if (!s) return;
    for (int i = 0; i < s->n_voices; i++) {
        struct duo_mouth *v = &s->voice[i];
        for (int k = 0; k < v->n_slots; k++) {
            duo_context_free(v->slot[k].context);
            free(v->slot[k].ids);
        }
        free(v->logits), free(v->state), free(v->name);
    }
    for (int i = 0; i < s->n_minds; i++) {
        duo_chat_free(&s->mind[i].chat);
        duo_tokenizer_free(s->mind[i].tokenizer);
        duo_model_free(s->mind[i].model);
        duo_ngram_free(s->mind[i].ngram);
        free(s->mind[i].path);
    }
    duo_pool_free(s->pool);
    duo_memo_free(s->memo);
    duo_sampler_free(&s->sampler);
    free(s->key.at), free(s->text.at), free(s->ids.at), free(s->numbers);
    free(s);
}

int duo_speaker_layers    (const struct duo_speaker *s, int voice) { return s->voice[voice].layers; }
int duo_speaker_width     (const struct duo_speaker *s, int voice) { return (int)s->voice[voice].width; }
int duo_speaker_context   (const struct duo_speaker *s, int voice) { return s->voice[voice].context; }
int duo_speaker_vocabulary(const struct duo_speaker *s, int voice) { return (int)s->voice[voice].vocabulary; }
bool duo_speaker_only_drafts(const struct duo_speaker *s, int voice) { return s->voice[voice].early || s->voice[voice].mind->ngram; }

const char *duo_speaker_quant(const struct duo_speaker *s, int voice)
{
    const struct duo_model *model = s->voice[voice].mind->model;
    return model ? duo_model_quant(model) : NULL;
}

const char *duo_speaker_digest(const struct duo_speaker *s, int voice)
{
    struct duo_mouth *v = (struct duo_mouth *)(uintptr_t)&s->voice[voice];
    FILE *file;
    char *piece;
    uint64_t a = 0, b = 1;

    if (*v->digest) return v->digest;
    file  = fopen(v->mind->path, "rb");
    piece = duo_new(DIGESTED, 1);
    for (size_t n; file && (n = fread(piece, 1, DIGESTED, file)) > 0;)
        a = duo_hash_bytes(a, piece, n), b = duo_mix(b ^ duo_hash_bytes(b, piece, n));
    if (file) fclose(file);
    free(piece);
    int n = snprintf(v->digest, sizeof v->digest, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
    if (v->early) snprintf(v->digest + n, sizeof v->digest - (size_t)n, "@%d", v->layers);
    return v->digest;
}

/* ---------------------------------------------------------------- texts and ids */

int duo_speaker_encode(struct duo_speaker *s, int voice, const char *prompt, int32_t **ids)
{
    struct duo_mouth *v = &s->voice[voice];
    struct duo_ids out = { 0 };
    struct duo_err none = { 0 };

    if (duo_chat_encode(&v->texts->chat, v->texts->tokenizer, &(struct duo_message){ "user", prompt }, 1, &out, NULL, &none) != DUO_OK) assert(0 && "a user may speak");
    *ids = out.at;
    return (int)out.n;
}

char *duo_speaker_decode(struct duo_speaker *s, int voice, const int32_t *ids, int n)
{
    struct duo_bytes out = { 0 };

    duo_decode(s->voice[voice].texts->tokenizer, ids, (size_t)n, false, &out);
    return out.at ? out.at : duo_copy("");
}

bool duo_speaker_ends(const struct duo_speaker *s, int voice, int32_t id) { return duo_token_ends(s->voice[voice].texts->tokenizer, id); }

/* ---------------------------------------------------------------- contexts */

static int common(const struct duo_slot *slot, const int32_t *ids, int n)
{
    int i = 0, most = slot->n < n ? slot->n : n;
    while (i < most && slot->ids[i] == ids[i]) i++;
    return i;
}

/* The slot of the longest common beginning; another one, new or longest unused, when that would throw away more than it keeps. */
static int pick(struct duo_mouth *v, const int32_t *ids, int n, int *same)
{
    int best = -1, oldest = 0;

    *same = 0;
    for (int i = 0; i < v->n_slots; i++) {
        int c = common(&v->slot[i], ids, n);
        if (best < 0 || c > *same) best = i, *same = c;
        if (v->slot[i].used < v->slot[oldest].used) oldest = i;
    }
    if (best >= 0 && v->slot[best].n - *same <= *same) return best;
    if (v->n_slots < v->most_slots) oldest = v->n_slots;
    *same = oldest < v->n_slots ? common(&v->slot[oldest], ids, n) : 0;
    return oldest;
}

enum duo_status duo_mouth_reach(struct duo_speaker *s, int voice, const int32_t *ids, int n, struct duo_slot **out, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    int same, i = pick(v, ids, n - 1, &same);
    struct duo_slot *slot = &v->slot[i];

    assert(n >= 1 && n <= v->context);
    if (i == v->n_slots) {
        struct duo_context_spec spec = { .capacity = (size_t)v->context, .cache = DUO_FORMAT_F16, .to = v->layers };
        if (v->mind->model) DUO_TRY(duo_context_new(&slot->context, v->mind->model, s->pool, &spec, err));
        slot->ids = duo_new((size_t)v->context, sizeof *slot->ids);
        v->n_slots++;
    }
    slot->used = ++s->clock;
    slot->n    = same;
    if (slot->context) duo_context_cut(slot->context, (size_t)same);
    *out = slot;
    return DUO_OK;
}

/* Layer by layer: what is seen behind them, or only the first of them. */
static enum duo_status run_layers(struct duo_mouth *v, struct duo_slot *slot, const int32_t *ids, size_t m, enum duo_logits wanted, duo_seeing *see, void *user,
                                  struct duo_err *err)
{
    size_t rows = wanted == DUO_LOGITS_ALL ? m : wanted == DUO_LOGITS_LAST;

    if (m * v->width > v->state_room) v->state = duo_grow(v->state, v->state_room = 2 * m * v->width, sizeof *v->state);
    DUO_TRY(duo_context_embed(slot->context, ids, m, v->state, err));
    for (int from = 0, to; from < v->layers; from = to) {
        to = see ? from + 1 : v->layers;
        DUO_TRY(duo_context_layers(slot->context, from, to, (size_t)slot->n, m, v->state, err));
        if (see) see(user, to, (int)m, v->state);
    }
    if (rows) duo_context_head(slot->context, v->state + (m - rows) * v->width, rows, v->logits);
    return DUO_OK;
}

/* Its probabilities as logits: one for the proposal, one for all others.  The slot holds what is before ids. */
static void run_ngram(struct duo_mouth *v, struct duo_slot *slot, const int32_t *ids, int m, enum duo_logits wanted)
{
    memcpy(slot->ids + slot->n, ids, (size_t)m * sizeof *ids);
    for (int i = wanted == DUO_LOGITS_ALL ? 0 : m - 1; i < m && wanted != DUO_LOGITS_NONE; i++) {
        float *row = v->logits + (wanted == DUO_LOGITS_ALL ? (size_t)i * v->vocabulary : 0);
        double share;
        int32_t next = duo_ngram_next(v->mind->ngram, slot->ids, slot->n + i + 1, &share);
        double rest = (1 - share) / (double)(v->vocabulary - 1);
        for (size_t k = 0; k < v->vocabulary; k++) row[k] = (float)log(fmax(rest, LEAST));
        row[next] = (float)log(share);
    }
}

enum duo_status duo_mouth_run(struct duo_speaker *s, int voice, struct duo_slot *slot, const int32_t *ids, int m, enum duo_logits wanted,
                              duo_seeing *see, void *user, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];

    if (m == 0) return DUO_OK;
    assert(wanted != DUO_LOGITS_ALL || m <= DUO_SPEAKER_ROWS);
    if (v->mind->ngram) run_ngram(v, slot, ids, m, wanted);
    else if (see || v->early) DUO_TRY(run_layers(v, slot, ids, (size_t)m, wanted, see, user, err));
    else DUO_TRY(duo_context_run(slot->context, ids, (size_t)m, wanted, wanted == DUO_LOGITS_NONE ? NULL : v->logits, NULL, err));
    memcpy(slot->ids + slot->n, ids, (size_t)m * sizeof *ids);
    slot->n += m;
    return DUO_OK;
}

/* ---------------------------------------------------------------- writing */

/* The state of the last token behind a layer. */
struct glimpse { int layer; size_t width; float *state; };

static void glance(void *user, int layer, int m, const float *states)
{
    struct glimpse *g = user;
    if (layer == g->layer) memcpy(g->state, states + (size_t)(m - 1) * g->width, g->width * sizeof *states);
}

static bool unsure(const struct duo_grained *g, double below) { return duo_grain(g->probability) < below; }

/* How many of the tokens that are known are asked for; *enough: no more have to be found. */
static int taken(const struct duo_speaker *s, const struct duo_say *how, int limit, bool ended, bool *enough)
{
    int n = (int)s->ids.n;

    for (int i = 0; i < n && i < limit; i++)
        if (how->stop_below > 0 && unsure(&s->numbers[i], how->stop_below)) {
            *enough = true;
            return i + 1;
        }
    *enough = ended || n >= limit;
    return n < limit ? n : limit;
}

void duo_said_add(struct duo_speaker *s, int32_t id, struct duo_grained g)
{
    if (s->ids.n + 1 > s->numbers_room) s->numbers = duo_grow(s->numbers, s->numbers_room = 2 * s->ids.n + 64, sizeof *s->numbers);
    s->numbers[s->ids.n] = g;
    duo_words_add(&s->ids, &id, 1);
}

/* `left`: the state behind the exit's layer. */
static enum duo_status choose(struct duo_speaker *s, int voice, struct duo_slot *slot, const struct duo_say *how, int position, const float *left,
                              int32_t *id, struct duo_grained *g, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    struct duo_sampling sampling = { .temperature = how->temperature, .seed = how->seed };
    struct duo_token_numbers numbers;

    if (how->exit_layer) {                                                                    /* (5) */
        struct duo_exit e = duo_context_exit(slot->context, left);
        *g  = duo_grained_of(e.numbers);
        *id = e.token;
        if (!isnan(e.numbers.probability) && duo_grain(g->probability) > (double)(float)how->exit_above) return DUO_OK;
    }
    *id = duo_sample(&s->sampler, &sampling, v->logits, (int)v->vocabulary, (uint64_t)position);     /* (4) */
    numbers = duo_numbers(&s->sampler, v->logits, (int)v->vocabulary, *id);
    if (*id == DUO_NO_TOKEN || isnan(numbers.probability)) return duo_no_number(v, position, err);
    *g = duo_grained_of(numbers);                                                             /* (3) */
    return DUO_OK;
}

/* Writes on behind s->text until `how` has enough. */
static enum duo_status go_on(struct duo_speaker *s, int voice, const struct duo_say *how, int limit, bool *ended, struct duo_err *err)
{
    struct duo_mouth *v = &s->voice[voice];
    struct duo_slot *slot;
    struct glimpse left = { how->exit_layer, v->width, duo_new(v->width, sizeof(float)) };
    enum duo_status status = DUO_OK;
    bool enough = false;

    status = duo_mouth_reach(s, voice, s->text.at, (int)s->text.n, &slot, err);
    while (!enough && status == DUO_OK) {
        int n = (int)s->text.n;
        struct duo_grained g;
        int32_t id;
        status = duo_mouth_run(s, voice, slot, s->text.at + slot->n, n - slot->n, DUO_LOGITS_LAST, how->exit_layer ? glance : NULL, &left, err);
        if (status == DUO_OK) status = choose(s, voice, slot, how, n, left.state, &id, &g, err);
        if (status) break;
        duo_said_add(s, id, g);
        duo_words_add(&s->text, &id, 1);
        *ended = duo_speaker_ends(s, voice, id);
        enough = *ended || (int)s->ids.n >= limit || (how->stop_below > 0 && unsure(&g, how->stop_below));
    }
    free(left.state);
    return status;
}

struct kept { int32_t n, ended; };               /* then the ids, then the numbers */

static bool recall(struct duo_speaker *s)
{
    size_t bytes;
    const char *value = duo_memo_get(s->memo, s->key.at, s->key.n * sizeof *s->key.at, &bytes);
    struct kept head = { 0 };

    s->ids.n = 0;
    if (!value) return false;
    memcpy(&head, value, sizeof head);
    duo_words_add(&s->ids, value + sizeof head, (size_t)head.n);
    if ((size_t)head.n > s->numbers_room) s->numbers = duo_grow(s->numbers, s->numbers_room = 2 * (size_t)head.n, sizeof *s->numbers);
    memcpy(s->numbers, value + sizeof head + (size_t)head.n * sizeof(int32_t), (size_t)head.n * sizeof *s->numbers);
    return head.ended;
}

static void remember(struct duo_speaker *s, bool ended)
{
    size_t n = s->ids.n, ids = n * sizeof *s->ids.at, numbers = n * sizeof *s->numbers;
    struct kept head = { (int32_t)n, ended };
    char *value = duo_new(sizeof head + ids + numbers, 1);

    memcpy(value, &head, sizeof head);
    memcpy(value + sizeof head, s->ids.at, ids);
    memcpy(value + sizeof head + ids, s->numbers, numbers);
    duo_memo_put(s->memo, s->key.at, s->key.n * sizeof *s->key.at, value, sizeof head + ids + numbers);
    free(value);
}

enum duo_status duo_speaker_say(struct duo_speaker *s, int voice, const int32_t *ids, int n, const struct duo_say *how, struct duo_said *out, struct duo_err *err)
{
    int limit = s->voice[voice].context - n, count;
    bool ended, enough;
    struct duo_say asked = *how;

    assert(n >= 1 && how->exit_layer >= 0 && (how->exit_layer == 0 || how->exit_layer < duo_speaker_layers(s, voice)));
    if (limit > how->tokens) limit = how->tokens;
    if (limit < 0) limit = 0;
    if (!asked.exit_layer) asked.exit_above = 0;
    if (!(asked.temperature > 0)) asked.temperature = 0, asked.seed = 0;
    duo_key_begin(s, 'S', voice);
    duo_key_add(s, &(double[]){ asked.temperature, asked.exit_above }, 2 * sizeof(double));
    duo_key_add(s, &asked.seed, sizeof asked.seed);
    duo_key_add(s, &asked.exit_layer, sizeof(int32_t));
    duo_key_add(s, ids, (size_t)n * sizeof *ids);
    ended = recall(s);                                                                        /* (2) */
    count = taken(s, how, limit, ended, &enough);
    if (!enough) {
        s->text.n = 0;
        duo_words_add(&s->text, ids, (size_t)n);
        duo_words_add(&s->text, s->ids.at, s->ids.n);
        DUO_TRY(go_on(s, voice, &asked, limit, &ended, err));
        remember(s, ended);
        count = taken(s, how, limit, ended, &enough);
    }
    *out = (struct duo_said){ .n = count, .ended = ended && count == (int)s->ids.n, .ids = s->ids.at, .numbers = s->numbers };
    return DUO_OK;
}
