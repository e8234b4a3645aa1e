/* recording_read.c - a recording's file into memory, every number of it checked (recording.h (6)). */
#include "models/answers/recording_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "models/answers/grained.h"
#include "models/answers/recording.h"
#include "models/answers/recording_file.h"
#include "sim/base/number.h"

struct reading {
    sqlite3              *db;
    sqlite3_stmt         *row;
    const char           *path;
    struct duo_recording *r;
    double                train_share;
    int64_t               questions;          /* as the file says of itself */
    int                   room_behind;
    struct duo_err       *err;
};

static const char magic[] = "SQLite format 3";

/* Begins as a database does. */
static bool is_database(const char *path)
{
    char head[sizeof magic];
    FILE *f = fopen(path, "rb");
    bool yes = f && fread(head, 1, sizeof head, f) == sizeof head && memcmp(head, magic, sizeof magic) == 0;

    if (f) fclose(f);
    return yes;
}

bool duo_recording_is(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool yes;

    if (!is_database(path)) return false;
    yes = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE, NULL) == SQLITE_OK &&
          sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'voice'", -1, &s, NULL) == SQLITE_OK &&
          sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return yes;
}

/* ---- rows and cells */

static enum duo_status damaged(struct reading *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static enum duo_status damaged(struct reading *x, const char *fmt, ...)
{
    char what[200];
    va_list list;

    va_start(list, fmt);
    vsnprintf(what, sizeof what, fmt, list);
    va_end(list);
    return duo_fail_at(x->err, DUO_BAD_INPUT, x->path, 0, 0, "is damaged: %s", what);
}

static enum duo_status each(struct reading *x, const char *sql, enum duo_status (*row)(struct reading *))
{
    enum duo_status status = DUO_OK;
    int code = sqlite3_prepare_v2(x->db, sql, -1, &x->row, NULL);

    if (code == SQLITE_OK)
        while (status == DUO_OK && (code = sqlite3_step(x->row)) == SQLITE_ROW) status = row(x);
    if (status == DUO_OK && code != SQLITE_DONE) status = duo_fail_at(x->err, DUO_BAD_INPUT, x->path, 0, 0, "can't be read: %s", sqlite3_errmsg(x->db));
    sqlite3_finalize(x->row);
    x->row = NULL;
    return status;
}

static bool null(struct reading *x, int column) { return sqlite3_column_type(x->row, column) == SQLITE_NULL; }
static int64_t whole(struct reading *x, int column) { return sqlite3_column_int64(x->row, column); }
static double real(struct reading *x, int column) { return null(x, column) ? (double)NAN : sqlite3_column_double(x->row, column); }
static const char *text(struct reading *x, int column) { return (const char *)sqlite3_column_text(x->row, column); }

static const unsigned char *blob(struct reading *x, int column, size_t *n)
{
    const void *at = sqlite3_column_blob(x->row, column);

    *n = (size_t)sqlite3_column_bytes(x->row, column);
    return at;
}

static void *keep(struct reading *x, size_t n, size_t size)
{
    struct duo_keep *k = duo_new(1, sizeof *k + n * size);

    k->next = x->r->kept;
    x->r->kept = k;
    return k + 1;
}

static bool in(int64_t i, int n) { return i >= 0 && i < n; }

/* ---- what a file says of itself */

static enum duo_status take_number(struct reading *x)
{
    x->questions = whole(x, 0);
    return DUO_OK;
}

static enum duo_status check_version(struct reading *x)
{
    DUO_TRY(each(x, "PRAGMA application_id", take_number));
    if (x->questions != DUO_RECORDING_ID) return duo_fail_at(x->err, DUO_BAD_INPUT, x->path, 0, 0, "is a database, but no recording");
    DUO_TRY(each(x, "PRAGMA user_version", take_number));
    if (x->questions == DUO_RECORDING_VERSION) return DUO_OK;
    return duo_fail_at(x->err, DUO_BAD_INPUT, x->path, 0, 0, "is a recording of version %lld; this program reads version %d: record it again",
                       (long long)x->questions, DUO_RECORDING_VERSION);
}

static enum duo_status check_tables(struct reading *x)
{
    static const char *const names[] = {
#define X(table, columns, n, order) #table,
        DUO_RECORDING_TABLES(X)
#undef X
    };
    for (int i = 0; i < DUO_RECORDING_TABLES_N; i++) {
        char sql[120];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '%s'", names[i]);
        DUO_TRY(each(x, sql, take_number));
        if (!x->questions) return damaged(x, "it has no table %s", names[i]);
    }
    return DUO_OK;
}

static enum duo_status take_meta(struct reading *x)
{
    const char *key = text(x, 0), *value = text(x, 1);

    if (!key || !value) return damaged(x, "a row of meta without a value");
    if (strcmp(key, "samples") == 0)     x->r->samples = atoi(value);
    if (strcmp(key, "questions") == 0)   x->questions = atoll(value);
    if (strcmp(key, "temperature") == 0) duo_read_number(value, &x->r->temperature);
    return DUO_OK;
}

static enum duo_status take_voice(struct reading *x)
{
    struct duo_recording *r = x->r;
    const char *name = text(x, 1);

    if (whole(x, 0) != r->n_voices || !name || !in(whole(x, 2), 1 << 16)) return damaged(x, "voice %d", r->n_voices);
    r->voices = duo_grow(r->voices, (size_t)r->n_voices + 1, sizeof *r->voices);
    r->layers = duo_grow(r->layers, (size_t)r->n_voices + 1, sizeof *r->layers);
    r->voices[r->n_voices] = duo_copy(name);
    r->layers[r->n_voices++] = (int)whole(x, 2);
    return DUO_OK;
}

static enum duo_status take_query(struct reading *x)
{
    struct duo_recording *r = x->r;
    int q = r->n;
    const char *name = text(x, 1), *split = text(x, 2);
    char *copy;
    enum duo_task_split of = !split ? DUO_TASK_NO_SPLIT : strcmp(split, "test") == 0 ? DUO_TASK_TEST : DUO_TASK_TRAIN;

    if (whole(x, 0) != q || q >= x->questions || !name) return damaged(x, "question %d", q);
    if (whole(x, 3) < 1 || whole(x, 3) > INT32_MAX / 2) return damaged(x, "question %d has no prompt_tokens", q);
    copy = keep(x, strlen(name) + 1, 1);
    strcpy(copy, name);
    r->query[q] = (struct duo_query){ .index = q, .name = copy, .prompt_tokens = (int)whole(x, 3), .prompt_bytes = (double)whole(x, 4),
        .session = null(x, 5) ? -1 : (int)whole(x, 5), .turn = (int)whole(x, 6), .shared = (int)whole(x, 7), .train = duo_grained_train(of, name, x->train_share) };
    r->n++;
    return DUO_OK;
}

/* ---- answers */

static uint16_t grain(const unsigned char *at) { return (uint16_t)(at[0] | at[1] << 8); }

static const struct duo_grained *numbers_of(struct reading *x, const unsigned char *at, int n)
{
    struct duo_grained *out = keep(x, (size_t)n, sizeof *out);

    for (int i = 0; i < n; i++, at += 6) out[i] = (struct duo_grained){ grain(at), grain(at + 2), grain(at + 4) };
    return out;
}

static struct duo_recorded_answer *answer_of(struct reading *x)
{
    bool good = in(whole(x, 0), x->r->n) && in(whole(x, 1), x->r->n_voices);

    return good ? &x->r->answer[(size_t)whole(x, 0) * (size_t)x->r->n_voices + (size_t)whole(x, 1)] : NULL;
}

static enum duo_status take_answer(struct reading *x)
{
    struct duo_recorded_answer *a = answer_of(x);
    size_t n;
    const unsigned char *numbers = blob(x, 5, &n);

    if (!a || a->tokens >= 0 || !in(whole(x, 3), 1 << 24)) return damaged(x, "an answer to question %lld", (long long)whole(x, 0));
    a->quality  = real(x, 2);
    a->tokens   = (int)whole(x, 3);
    a->thinking = (int)whole(x, 4);
    if (!isnan(a->quality)) x->r->caps |= DUO_CAP_OUTCOME;
    if (!numbers) return DUO_OK;
    if (n != 6 * (size_t)a->tokens) return damaged(x, "the answer to question %lld has %d tokens and %zu bytes of numbers", (long long)whole(x, 0), a->tokens, n);
    a->numbers = numbers_of(x, numbers, a->tokens);
    x->r->caps |= DUO_CAP_CONFIDENCE;
    return DUO_OK;
}

static enum duo_status take_exits(struct reading *x)
{
    struct duo_recorded_answer *a = answer_of(x);
    size_t n, bits, cells;
    const unsigned char *same = blob(x, 2, &bits), *probability = blob(x, 3, &n);
    unsigned char *kept;
    uint16_t *exits;

    if (!a || a->tokens < 1 || a->exit_probability) return damaged(x, "exits of question %lld", (long long)whole(x, 0));
    cells = (size_t)a->tokens * (size_t)(x->r->layers[whole(x, 1)] - 1);
    if (x->r->layers[whole(x, 1)] < 2 || !same || !probability || n != 2 * cells || bits != (cells + 7) / 8)
        return damaged(x, "exits of question %lld have %zu bytes", (long long)whole(x, 0), n);
    kept  = keep(x, bits, 1);
    exits = keep(x, cells, sizeof *exits);
    memcpy(kept, same, bits);
    for (size_t i = 0; i < cells; i++) exits[i] = grain(probability + 2 * i);
    a->exit_same = kept, a->exit_probability = exits;
    x->r->caps |= DUO_CAP_EXITS;
    return DUO_OK;
}

static enum duo_status take_vote(struct reading *x)
{
    struct duo_recorded_answer *a = answer_of(x);

    size_t n;
    const unsigned char *alike = blob(x, 7, &n);
    unsigned char *kept;

    if (!a || !isnan(a->share) || whole(x, 3) < 1 || whole(x, 3) > 255 || !in(whole(x, 5), 1 << 24) || !alike || n != (size_t)x->r->n_voices)
        return damaged(x, "votes of question %lld", (long long)whole(x, 0));
    a->share = real(x, 2);
    if (whole(x, 4)) return DUO_OK;
    kept = keep(x, n, 1);
    memcpy(kept, alike, n);
    a->elected.tokens  = (int)whole(x, 5);
    a->elected.draw    = (int)whole(x, 3);
    a->elected.quality = real(x, 6);
    a->elected.alike   = kept;
    return DUO_OK;
}

/* ---- drafters */

static enum duo_status take_pair(struct reading *x)
{
    if (!in(whole(x, 0), x->r->n_voices) || !in(whole(x, 1), x->r->n_voices)) return damaged(x, "ranks of voices that it has not");
    x->r->pair[whole(x, 0) * x->r->n_voices + whole(x, 1)] = x->r->n_pairs++;
    return DUO_OK;
}

static int32_t add_behind(struct reading *x, struct duo_behind b)
{
    struct duo_recording *r = x->r;

    if (r->n_behind == x->room_behind) r->behind = duo_grow(r->behind, (size_t)(x->room_behind = x->room_behind ? 2 * x->room_behind : 1024), sizeof *r->behind);
    r->behind[r->n_behind] = b;
    return r->n_behind++;
}

static enum duo_status take_behind(struct reading *x, struct duo_recorded_ranks *k, int tokens)
{
    size_t n, at = 0;
    const unsigned char *bytes = blob(x, 5, &n);
    int32_t *behind;

    if (null(x, 5)) return DUO_OK;
    behind = keep(x, (size_t)tokens, sizeof *behind);
    for (int i = 0; i < tokens; i++) {
        int drafted;
        behind[i] = -1;
        if (i == 0 || k->rank[i] == 1) continue;
        if (n - at < 2 || (n - at - 2) / 6 < bytes[at]) return damaged(x, "what was drafted for question %lld", (long long)whole(x, 0));
        drafted = bytes[at];
        if (drafted) behind[i] = add_behind(x, (struct duo_behind){ .tokens = drafted, .ended = bytes[at + 1] != 0, .numbers = numbers_of(x, bytes + at + 2, drafted) });
        at += 2 + 6 * (size_t)drafted;
    }
    if (at != n) return damaged(x, "what was drafted for question %lld", (long long)whole(x, 0));
    k->behind = behind;
    return DUO_OK;
}

static enum duo_status take_ranks(struct reading *x)
{
    struct duo_recording *r = x->r;
    size_t n, m;
    const unsigned char *rank = blob(x, 3, &n), *numbers = blob(x, 4, &m);
    unsigned char *kept;
    struct duo_recorded_ranks *k;
    int tokens;

    if (!in(whole(x, 0), r->n)) return damaged(x, "ranks of question %lld", (long long)whole(x, 0));
    k = &r->ranks[(size_t)whole(x, 0) * (size_t)r->n_pairs + (size_t)r->pair[whole(x, 1) * r->n_voices + whole(x, 2)]];
    tokens = r->answer[(size_t)whole(x, 0) * (size_t)r->n_voices + (size_t)whole(x, 2)].tokens;
    if (k->rank || tokens < 1 || !rank || n != (size_t)tokens || memchr(rank, 0, n))
        return damaged(x, "question %lld has %zu ranks for an answer of %d tokens, or one of 0", (long long)whole(x, 0), n, tokens);
    if (numbers && m != 6 * n) return damaged(x, "a drafter's numbers for question %lld", (long long)whole(x, 0));
    kept = keep(x, n, 1);
    memcpy(kept, rank, n);
    k->rank = kept;
    if (numbers) k->numbers = numbers_of(x, numbers, tokens);
    r->caps |= DUO_CAP_AGREEMENT;
    return take_behind(x, k, tokens);
}

/* ---- scores */

static enum duo_status take_score_name(struct reading *x)
{
    if (!text(x, 0)) return damaged(x, "a score without a name");
    x->r->scores = duo_grow(x->r->scores, (size_t)x->r->n_scores + 1, sizeof *x->r->scores);
    x->r->scores[x->r->n_scores++] = duo_copy(text(x, 0));
    return DUO_OK;
}

static enum duo_status take_score(struct reading *x)
{
    int i = 0;

    while (i < x->r->n_scores && strcmp(x->r->scores[i], text(x, 1)) != 0) i++;
    if (!in(whole(x, 0), x->r->n) || i == x->r->n_scores) return damaged(x, "a score of question %lld", (long long)whole(x, 0));
    x->r->score[(size_t)whole(x, 0) * (size_t)x->r->n_scores + (size_t)i] = real(x, 2);
    return DUO_OK;
}

/* ---- all of it */

static enum duo_status make_room(struct reading *x)
{
    struct duo_recording *r = x->r;
    size_t n = (size_t)r->n, voices = (size_t)r->n_voices;

    if (r->n != x->questions) return damaged(x, "it holds %d of %lld questions", r->n, (long long)x->questions);
    r->answer = duo_new(n * voices + 1, sizeof *r->answer);
    for (size_t i = 0; i < n * voices; i++) r->answer[i] = (struct duo_recorded_answer){ .tokens = -1, .quality = NAN, .share = NAN };
    r->pair = duo_new(voices * voices, sizeof *r->pair);
    for (size_t i = 0; i < voices * voices; i++) r->pair[i] = -1;
    return DUO_OK;
}

static enum duo_status check_answers(struct reading *x)
{
    struct duo_recording *r = x->r;
    bool all = true;

    for (int i = 0; i < r->n * r->n_voices; i++) {
        if (r->answer[i].tokens < 0) return damaged(x, "voice %s has no answer to question %d", r->voices[i % r->n_voices], i / r->n_voices);
        all &= r->answer[i].tokens > 0;
    }
    if (all) r->caps |= DUO_CAP_LENGTH;
    return DUO_OK;
}

static enum duo_status read_all(struct reading *x)
{
    struct duo_recording *r = x->r;

    DUO_TRY(check_version(x));
    DUO_TRY(check_tables(x));
    x->questions = 0;
    DUO_TRY(each(x, "SELECT key, value FROM meta", take_meta));
    if (x->questions < 1 || x->questions > 1 << 24) return damaged(x, "it doesn't say how many questions it holds");
    DUO_TRY(each(x, "SELECT voice, name, ifnull(layers, 0) FROM voice ORDER BY voice", take_voice));
    if (r->n_voices < 1) return damaged(x, "it has no voice");
    r->query = duo_new((size_t)x->questions, sizeof *r->query);
    DUO_TRY(each(x, "SELECT query, name, split, prompt_tokens, prompt_bytes, session, turn, shared FROM query ORDER BY query", take_query));
    DUO_TRY(make_room(x));
    DUO_TRY(each(x, "SELECT query, voice, quality, ifnull(tokens, 0), ifnull(thinking, 0), numbers FROM answer", take_answer));
    DUO_TRY(check_answers(x));
    DUO_TRY(each(x, "SELECT query, voice, same, probability FROM exits", take_exits));
    DUO_TRY(each(x, "SELECT query, voice, share, draw, own, ifnull(tokens, 0), quality, alike FROM vote", take_vote));
    DUO_TRY(each(x, "SELECT DISTINCT drafter, verifier FROM rank ORDER BY drafter, verifier", take_pair));
    r->ranks = duo_new((size_t)r->n * (size_t)r->n_pairs + 1, sizeof *r->ranks);
    DUO_TRY(each(x, "SELECT query, drafter, verifier, ranks, numbers, ahead FROM rank", take_ranks));
    DUO_TRY(each(x, "SELECT DISTINCT name FROM score ORDER BY name", take_score_name));
    r->score = duo_new((size_t)r->n * (size_t)r->n_scores + 1, sizeof *r->score);
    for (int i = 0; i < r->n * r->n_scores; i++) r->score[i] = NAN;
    return each(x, "SELECT query, name, value FROM score", take_score);
}

enum duo_status duo_recording_read(struct duo_recording **out, const char *path, double train_share, struct duo_err *err)
{
    struct duo_err why = { 0 };
    struct reading x = { .path = path, .r = duo_new(1, sizeof *x.r), .train_share = train_share, .err = &why };
    struct stat st;
    enum duo_status status;

    *out = NULL;
    x.r->temperature = NAN;
    if (stat(path, &st) != 0)    status = duo_fail_at(&why, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    else if (!is_database(path)) status = duo_fail_at(&why, DUO_BAD_INPUT, path, 0, 0, "is no recording (no SQLite database)");
    else if (sqlite3_open_v2(path, &x.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
        status = duo_fail_at(&why, DUO_BAD_INPUT, path, 0, 0, "can't be read: %s", sqlite3_errmsg(x.db));
    else status = read_all(&x);
    sqlite3_close(x.db);
    if (status == DUO_OK) {
        *out = x.r;
        return status;
    }
    if (err) *err = why;
    duo_recording_free(x.r);
    return status;
}

void duo_recording_free(struct duo_recording *r)
{
    if (!r) return;
    for (int i = 0; i < r->n_voices; i++) free(r->voices[i]);
    for (int i = 0; i < r->n_scores; i++) free(r->scores[i]);
    for (struct duo_keep *k = r->kept, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    free(r->voices);
    free(r->scores);
    free(r->layers);
    free(r->pair);
    free(r->query);
    free(r->answer);
    free(r->ranks);
    free(r->behind);
    free(r->score);
    free(r);
}
