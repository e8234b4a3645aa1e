/* tasks.c - tasks made, graded, put with their facts, and printed.  Requirements: tasks.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/pair/tasks_inside.h"
#include "sim/base/json.h"

const struct duo_family duo_families[DUO_TASK_N] = {
    [DUO_TASK_add]   = { "add",   4, 50, false, duo_write_add },
    [DUO_TASK_chain] = { "chain", 3, 50, false, duo_write_chain },
    [DUO_TASK_sort]  = { "sort",  4, 20, false, duo_write_sort },
    [DUO_TASK_count] = { "count", 4, 25, false, duo_write_count },
    [DUO_TASK_look]  = { "look",  4, 30, false, duo_write_look },
    [DUO_TASK_hop]   = { "hop",   4, 30, false, duo_write_hop },
    [DUO_TASK_know]  = { "know",  DUO_TIERS, 35, true, duo_write_know },
    [DUO_TASK_miss]  = { "miss",  DUO_TIERS, 18, true, duo_write_miss },
    [DUO_TASK_multi] = { "multi", 2, 30, false, duo_write_multi },
    [DUO_TASK_tell]  = { "tell",  2,  7, false, duo_write_tell },
    [DUO_TASK_style] = { "style", 3, 12, false, duo_write_style },
    [DUO_TASK_mask]  = { "mask",  3, 15, false, duo_write_mask },
    [DUO_TASK_guard] = { "guard", 3, 12, false, duo_write_guard },
    [DUO_TASK_again] = { "again", 3, 15, false, duo_write_again },
};
static const char *const splits[] = { "train", "calibration", "test" };
static const char *const gradings[] = { "exact", "parts", "slots", "contains" };

/* In 30 tasks of all families: each of the first 13 twice, and one session. */
enum { SINGLE = DUO_TASK_N - 1, ROUND = 2 * SINGLE + DUO_SESSION_TURNS, TRIES = 10000 };

/* ---------------------------------------------------------------- a task */

/* (2) An eighth of all prompts are test, an eighth calibration. */
enum duo_task_split duo_task_split_of(const char *prompt)
{
    uint64_t x = duo_hash_bytes(duo_world_seed, prompt, strlen(prompt)) % 8;
    return x == 0 ? DUO_TASK_TEST : x == 1 ? DUO_TASK_CALIBRATION : DUO_TASK_TRAIN;
}

int duo_task_family_of(const char *name)
{
    for (int i = 0; i < DUO_TASK_N; i++)
        if (strcmp(duo_families[i].name, name) == 0) return i;
    return -1;
}

/* The first try whose prompt belongs to the split. */
static void write_in_split(struct duo_task_text *t, struct duo_task_draw *w, uint64_t key, const struct duo_family *family, enum duo_task_split split)
{
    for (uint64_t i = 0; i < TRIES; i++) {
        *t = (struct duo_task_text) { .grading = DUO_GRADE_EXACT };
        duo_rng_init(&w->rng, key, "try", i);
        family->write(w, t);
        if (duo_task_split_of(t->prompt.at) == split) return;
    }
    assert(false && "a family without prompts of a split");
}

static char *format_id(const struct duo_family *family, int level, int64_t index)
{
    char id[64];
    snprintf(id, sizeof id, "%s/%d/%lld", family->name, level, (long long)index);
    return duo_copy(id);
}

struct duo_task duo_task_make(uint64_t seed, enum duo_task_split split, int family, int64_t index)
{
    if (family < 0) {
        int64_t round = index / ROUND, at = index % ROUND;
        bool session = at >= 2 * SINGLE;
        family = session ? DUO_TASK_again : (int)(at % SINGLE);
        index = session ? round * DUO_SESSION_TURNS + at - 2 * SINGLE : 2 * round + at / SINGLE;
    }
    const struct duo_family *f = &duo_families[family];
    bool session = family == DUO_TASK_again;
    int64_t topic = session ? index / DUO_SESSION_TURNS : index;
    uint64_t root = duo_hash(seed, splits[split], (uint64_t)family);
    struct duo_task_draw w = { .topic = duo_hash(root, "topic", (uint64_t)topic), .level = 1 + (int)(topic % f->levels),
                               .turn = session ? (int)(index % DUO_SESSION_TURNS) : 0 };
    struct duo_task_text t;
    write_in_split(&t, &w, duo_hash(root, "task", (uint64_t)index), f, split);

    struct duo_task out = { .id = format_id(f, w.level, index), .family = duo_copy(f->name), .difficulty = w.level, .split = split,
                            .grading = t.grading, .prompt = duo_copy(t.prompt.at), .reference = duo_copy(t.answer.at),
                            .n_sensitive = t.n_sensitive, .n_facts = t.n_facts, .n_slots = t.n_slots,
                            .session = session ? (int)topic : -1, .turn = w.turn };
    memcpy(out.sensitive, t.sensitive, sizeof out.sensitive);
    memcpy(out.slots, t.slots, sizeof out.slots);
    for (int i = 0; i < t.n_facts; i++) out.facts[i] = duo_copy(t.facts[i]);
    return out;
}

void duo_task_free(struct duo_task *t)
{
    free(t->id), free(t->family), free(t->prompt), free(t->reference);
    for (int i = 0; i < t->n_facts; i++) free(t->facts[i]);
    *t = (struct duo_task) { 0 };
}

void duo_tasks_make(struct duo_tasks *list, uint64_t seed, enum duo_task_split split, int family, int64_t n)
{
    *list = (struct duo_tasks) { .n = (int)n, .at = duo_new((size_t)n, sizeof *list->at) };
    for (int i = 0; i < list->n; i++) list->at[i] = duo_task_make(seed, split, family, i);
}

void duo_tasks_free(struct duo_tasks *list)
{
    for (int i = 0; i < list->n; i++) duo_task_free(&list->at[i]);
    free(list->at);
    *list = (struct duo_tasks) { 0 };
}

/* ---------------------------------------------------------------- grading (4) */

struct bytes { const char *at; size_t n; };

static bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static struct bytes trimmed(const char *at, size_t n)
{
    while (n && blank(at[0])) at++, n--;
    while (n && blank(at[n - 1])) n--;
    return (struct bytes) { at, n };
}

static bool same(struct bytes a, struct bytes b) { return a.n == b.n && memcmp(a.at, b.at, a.n) == 0; }

/* The next part before ';', or the next word without its full stop or comma; false: there is none. */
static bool next_part(const char **at, struct bytes *out)
{
    if (!*at) return false;
    size_t n = strcspn(*at, ";");
    *out = trimmed(*at, n);
    *at = (*at)[n] ? *at + n + 1 : NULL;
    return true;
}

static bool next_word(const char **at, struct bytes *out)
{
    while (blank(**at)) ++*at;
    size_t n = strcspn(*at, " \n\t\r");
    *out = (struct bytes) { *at, n };
    *at += n;
    while (out->n > 1 && strchr(".,", out->at[out->n - 1])) out->n--;
    return n > 0;
}

static double grade_parts(const char *reference, const char *answer)
{
    struct bytes want, got;
    int n = 0, right = 0;
    while (next_part(&reference, &want)) {
        right += next_part(&answer, &got) && same(want, got);
        n++;
    }
    while (next_part(&answer, &got)) n++;            /* parts that nobody asked for */
    return (double)right / n;
}

static double grade_slots(const struct duo_task *t, const char *answer)
{
    const char *reference = t->reference;
    struct bytes want, got;
    int right = 0, slot = 0;
    for (int word = 0; next_word(&reference, &want); word++) {
        bool there = next_word(&answer, &got);
        if (slot == t->n_slots || t->slots[slot] != word) continue;
        right += there && same(want, got);
        slot++;
    }
    return (double)right / t->n_slots;
}

double duo_task_grade(const struct duo_task *t, const char *answer)
{
    struct bytes want = trimmed(t->reference, strlen(t->reference)), got = trimmed(answer, strlen(answer));
    switch (t->grading) {
    case DUO_GRADE_PARTS:    return grade_parts(t->reference, answer);
    case DUO_GRADE_SLOTS:    if (t->n_slots) return grade_slots(t, answer); break;
    case DUO_GRADE_CONTAINS: return memmem(got.at, got.n, want.at, want.n) ? 1 : 0;
    case DUO_GRADE_EXACT:    break;
    }
    return same(want, got) ? 1 : 0;
}

/* ---------------------------------------------------------------- facts before a question */

static bool closed_book(const struct duo_task *t)
{
    int family = duo_task_family_of(t->family);
    return t->n_facts && (family == DUO_TASK_know || family == DUO_TASK_miss || family == DUO_TASK_again);
}

/* A context in front; one that is there already keeps its place behind the new lines. */
static char *noted(const char *lines, const char *prompt)
{
    static const char note[] = "note ";
    size_t skip = strncmp(prompt, note, sizeof note - 1) == 0 ? sizeof note - 1 : 0, n = sizeof note + strlen(lines) + strlen(prompt) + 2;
    char *out = duo_new(n, 1);
    snprintf(out, n, "%s%s %s", note, lines, prompt + skip);
    return out;
}

char *duo_task_with_facts(const struct duo_task *t)
{
    if (!closed_book(t)) return NULL;
    char lines[DUO_TASK_FACTS * 52] = "";
    for (int i = 0; i < t->n_facts; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s%.48s", i ? " " : "", t->facts[i]);
    return noted(lines, t->prompt);
}

char *duo_task_with_others(const struct duo_task *t, uint64_t seed, int n)
{
    if (!closed_book(t) || n < 1) return NULL;
    char person[16] = "", attribute[16] = "", fact[48];
    sscanf(t->facts[0], "%15s %15s", person, attribute);
    struct duo_rng r;
    duo_rng_init(&r, duo_hash_bytes(seed, t->prompt, strlen(t->prompt)), "others", 0);
    size_t room = (size_t)n * 50 + 1;
    char *lines = duo_new(room, 1);
    for (int i = 0; i < n; i++) {
        duo_other_fact(&r, person, attribute, fact);
        snprintf(lines + strlen(lines), room - strlen(lines), "%s%s", i ? " " : "", fact);
    }
    char *out = noted(lines, t->prompt);
    free(lines);
    return out;
}

/* ---------------------------------------------------------------- printing */

static void field(struct duo_json *j, const char *key, const char *text) { duo_json_key(j, key), duo_json_text(j, text); }
static void whole(struct duo_json *j, const char *key, int x) { duo_json_key(j, key), duo_json_number(j, x); }

void duo_task_print(FILE *out, const struct duo_task *t)
{
    struct duo_json j;
    duo_json_init(&j, out);
    j.flat = true;
    duo_json_open(&j, '{');
    field(&j, "id", t->id), field(&j, "family", t->family), whole(&j, "difficulty", t->difficulty);
    if (t->split != DUO_TASK_NO_SPLIT) field(&j, "split", splits[t->split]);
    field(&j, "grading", gradings[t->grading]);
    field(&j, "prompt", t->prompt), field(&j, "reference", t->reference);
    if (t->n_sensitive) {
        duo_json_key(&j, "sensitive"), duo_json_open(&j, '[');
        for (int i = 0; i < t->n_sensitive; i++) {
            duo_json_open(&j, '['), duo_json_number(&j, t->sensitive[i].from), duo_json_number(&j, t->sensitive[i].to), duo_json_close(&j);
        }
        duo_json_close(&j);
    }
    if (t->n_facts) {
        duo_json_key(&j, "facts"), duo_json_open(&j, '[');
        for (int i = 0; i < t->n_facts; i++) duo_json_text(&j, t->facts[i]);
        duo_json_close(&j);
    }
    if (t->n_slots) {
        duo_json_key(&j, "slots"), duo_json_open(&j, '[');
        for (int i = 0; i < t->n_slots; i++) duo_json_number(&j, t->slots[i]);
        duo_json_close(&j);
    }
    if (t->session >= 0) whole(&j, "session", t->session), whole(&j, "turn", t->turn);
    duo_json_close(&j);
    duo_json_end(&j);
}

/* ---------------------------------------------------------------- rows to train on */

static int family_by_share(struct duo_rng *r)
{
    int sum = 0, family = 0;
    for (int i = 0; i < DUO_TASK_N; i++) sum += duo_families[i].share;
    int at = duo_below(r, sum);
    while ((at -= duo_families[family].share) >= 0) family++;
    return family;
}

/* With `easy` 1 a level weighs as many as there are from it to the last; with 0 all weigh the same. */
static int level_by_ease(struct duo_rng *r, int levels, double easy)
{
    double sum = 0, at;
    for (int i = 0; i < levels; i++) sum += 1 + easy * (levels - 1 - i);
    at = duo_rng_unit(r) * sum;
    int i = 0;
    while (i < levels - 1 && (at -= 1 + easy * (levels - 1 - i)) >= 0) i++;
    return i + 1;
}

static void print_pair(struct duo_json *j, const char *prompt, const char *answer)
{
    duo_json_open(j, '['), duo_json_text(j, prompt), duo_json_text(j, answer), duo_json_close(j);
}

/* (2) A further question is left out when, asked alone behind the same context, it belongs to another split. */
static void keep_training(struct duo_task_text *t)
{
    int kept = 0;
    for (int i = 0; i < t->n_more; i++) {
        struct duo_text alone = { 0 };
        duo_put(&alone, "%.*s%s", (int)t->shared, t->prompt.at, t->more[i].ask);
        if (duo_task_split_of(alone.at) == DUO_TASK_TRAIN) t->more[kept++] = t->more[i];
    }
    t->n_more = kept;
}

void duo_write_row(struct duo_task_text *t, uint64_t seed, int64_t index, double easy)
{
    struct duo_task_draw w = { .training = true };
    uint64_t key = duo_hash(seed, "row", (uint64_t)index);
    duo_rng_init(&w.rng, key, "family", 0);
    const struct duo_family *f = &duo_families[family_by_share(&w.rng)];
    w.level = f->fame ? 0 : level_by_ease(&w.rng, f->levels, easy);
    w.turn = duo_below(&w.rng, DUO_SESSION_TURNS);
    w.topic = duo_hash(key, "topic", 0);
    write_in_split(t, &w, key, f, DUO_TASK_TRAIN);
    keep_training(t);
}

void duo_tasks_print_rows(FILE *out, uint64_t seed, int64_t first, int64_t n, double easy)
{
    for (int64_t i = first; i < first + n && !ferror(out); i++) {
        struct duo_task_text t;
        struct duo_json j;
        duo_write_row(&t, seed, i, easy);
        duo_json_init(&j, out);
        j.flat = true;
        duo_json_open(&j, '[');
        print_pair(&j, t.prompt.at, t.answer.at);
        for (int k = 0; k < t.n_more; k++) print_pair(&j, t.more[k].ask, t.more[k].answer);
        duo_json_close(&j);
        duo_json_end(&j);
    }
}
