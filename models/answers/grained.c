/* grained.c - see grained.h; requirements cited by number. */
#include "models/answers/grained.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"

struct sums { uint64_t probability, margin, entropy; int n_probability, n_margin, n_entropy; uint16_t least, last; };

static void add_up(struct sums *s, const struct duo_grained *x, int n)                        /* (1) */
{
    for (int i = 0; i < n; i++) {
        if (x[i].probability != DUO_GRID_UNKNOWN) {
            if (!s->n_probability || x[i].probability < s->least) s->least = x[i].probability;
            s->last = x[i].probability;
            s->probability += x[i].probability, s->n_probability++;
        }
        if (x[i].margin  != DUO_GRID_UNKNOWN) s->margin  += x[i].margin,  s->n_margin++;
        if (x[i].entropy != DUO_GRID_UNKNOWN) s->entropy += x[i].entropy, s->n_entropy++;
    }
}

static double mean(uint64_t sum, int n) { return n ? (double)sum / ((double)n * DUO_GRID) : (double)NAN; }

struct duo_certainty duo_grained_certainty(const struct duo_grained *a, int n, const struct duo_grained *b, int m)
{
    struct sums s = { .least = DUO_GRID_UNKNOWN, .last = DUO_GRID_UNKNOWN };

    add_up(&s, a, n);
    add_up(&s, b, m);
    return (struct duo_certainty){ .mean = mean(s.probability, s.n_probability), .min = duo_grain(s.least), .last = duo_grain(s.last),
                                   .margin = mean(s.margin, s.n_margin), .entropy = mean(s.entropy, s.n_entropy) };
}

int duo_grained_unsure(const struct duo_grained *x, int n, double below)
{
    int i = 0;

    while (i < n && !(duo_grain(x[i].probability) < below)) i++;
    return i;
}

int duo_grained_layer(int layer, int layers, int own)                                         /* (2) */
{
    int at;

    if (layers < 1 || own < 2 || layer < 1) return 0;
    at = (2 * layer * own + layers) / (2 * layers);
    return at < 1 ? 1 : at > own - 1 ? own - 1 : at;
}

bool duo_grained_leaves(uint16_t probability, double above)                                   /* (3) */
{
    return duo_grain(probability) > (double)(float)above;
}

/* Calibration's behind those of the test split, told apart (4). */
static void append(struct duo_tasks *to, struct duo_tasks *more)
{
    int sessions = 0;

    for (int i = 0; i < to->n; i++)
        if (to->at[i].session >= sessions) sessions = to->at[i].session + 1;
    to->at = duo_grow(to->at, (size_t)(to->n + more->n) + 1, sizeof *to->at);
    for (int i = 0; i < more->n; i++) {
        struct duo_task *t = &to->at[to->n++];
        size_t room;
        char *id;
        *t = more->at[i];
        room = strlen(t->id) + sizeof "calibration/";
        id = duo_new(room, 1);
        snprintf(id, room, "calibration/%s", t->id);
        free(t->id);
        t->id = id;
        if (t->session >= 0) t->session += sessions;
    }
    free(more->at);
    *more = (struct duo_tasks){ 0 };
}

enum duo_status duo_grained_tasks(struct duo_tasks *out, const char *path, uint64_t seed, int64_t n, struct duo_err *err)
{
    struct duo_tasks calibration = { 0 };

    *out = (struct duo_tasks){ 0 };
    if (path) return duo_tasks_read(out, path, err);
    duo_tasks_make(out, seed, DUO_TASK_TEST, -1, n);
    duo_tasks_make(&calibration, seed, DUO_TASK_CALIBRATION, -1, n / 4);
    append(out, &calibration);
    return DUO_OK;
}

bool duo_grained_train(enum duo_task_split split, const char *id, double train_share)
{
    if (split != DUO_TASK_NO_SPLIT) return split != DUO_TASK_TEST;
    return duo_unit(duo_hash_bytes(0, id, strlen(id))) < train_share;
}

int duo_grained_shared(const int32_t *before, int n, const int32_t *prompt, int m)            /* (5) */
{
    int i = 0;

    while (i < n && i < m && before[i] == prompt[i]) i++;
    return i > 1 ? i : 0;
}

static bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static bool same_text(const char *a, const char *b)
{
    size_t n, m;

    while (blank(*a)) a++;
    while (blank(*b)) b++;
    n = strlen(a), m = strlen(b);
    while (n && blank(a[n - 1])) n--;
    while (m && blank(b[m - 1])) m--;
    return n == m && memcmp(a, b, n) == 0;
}

int duo_grained_vote(const char *const *texts, int n, double *share)                          /* (7) */
{
    int best = 0, most = 0;

    for (int i = 0; i < n; i++) {
        int votes = 0;
        for (int k = 0; k < n; k++) votes += same_text(texts[i], texts[k]);
        if (votes > most) best = i, most = votes;
    }
    *share = n ? most / (double)n : (double)NAN;
    return best;
}
