/* collect.c - see collect.h. */
#include "analysis/collect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"

const enum duo_sum duo_sum_count[DUO_N_SUMS] = {
#define COUNT(name, count) [DUO_S_##name] = DUO_S_##count,
    DUO_SUMS(COUNT)
};

/* ---- SQL */
enum duo_status duo_sql_failed(sqlite3 *db, struct duo_err *err)
{
    int code = sqlite3_errcode(db);
    const char *file = sqlite3_db_filename(db, "main");
    enum duo_status status = code == SQLITE_FULL || code == SQLITE_NOMEM || code == SQLITE_IOERR ? DUO_NO_RESOURCES : DUO_BAD_INPUT;
    return duo_fail_at(err, status, file ? file : "", 0, 0, "%s", sqlite3_errmsg(db));
}

enum duo_status duo_sql_prepare(sqlite3_stmt **out, sqlite3 *db, const char *sql, struct duo_err *err)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? DUO_OK : duo_sql_failed(db, err);
}

enum duo_status duo_sql_run(sqlite3 *db, const char *sql, struct duo_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? DUO_OK : duo_sql_failed(db, err);
}

static double real(sqlite3_stmt *s, int column)
{
    double value = sqlite3_column_double(s, column);     /* NULL gives 0; asking for the type costs as much again */
    return value == 0 && sqlite3_column_type(s, column) == SQLITE_NULL ? NAN : value;
}

static void text(sqlite3_stmt *s, int column, char *out, size_t n)
{
    const unsigned char *t = sqlite3_column_text(s, column);
    snprintf(out, n, "%s", t ? (const char *)t : "");
}

/* (7): what each request of the run bears of what was reserved. */
static double reserved_each(double dollars, double requests)
{
    return isnan(dollars) || !(requests > 0) ? 0 : dollars / requests;
}

/* ---- the table run */
#define RUN_COLUMNS(X)                                                                                          \
    X(id) X(variant) X(label) X(name) X(params) X(net) X(answers) X(dollars_regime) X(provenance_time)          \
    X(provenance_energy) X(provenance_money) X(provenance_quality) X(provenance_signals) X(rests_on) X(domain)  \
    X(cheats) X(seed)                                                                                           \
    X(state) X(requests) X(itl_p50) X(dollars_reserved)
enum run_column {
#define NAME(n) RUN_##n,
    RUN_COLUMNS(NAME)
};
#undef NAME
#define NAME(n) #n ","

static int weakness(const char *status)
{
    static const char *const order[] = { "measured", "recorded", "documented", "fitted", "assumed" };
    for (int i = 0; i < 5; i++)
        if (strcmp(status, order[i]) == 0) return i;
    return -1;
}

static void weaker(char have[256], const char *other)
{
    if (weakness(other) > weakness(have)) memcpy(have, other, 256);
}

static int find_variant(struct duo_collect *c, const char *name, const struct duo_variant_facts *facts, int n)
{
    for (int i = 0; i < c->n_variants; i++)
        if (strcmp(c->variants[i].facts.variant, name) == 0) return i;
    c->variants = duo_grow(c->variants, (size_t)c->n_variants + 1, sizeof *c->variants);
    struct duo_collect_variant *v = &c->variants[c->n_variants];
    *v = (struct duo_collect_variant){ .facts = { .slo_ttft = NAN, .slo_e2e = NAN, .slo_tpot = NAN, .rtt = NAN } };
    for (int i = 0; i < n; i++)
        if (strcmp(facts[i].variant, name) == 0) v->facts = facts[i];
    snprintf(v->facts.variant, sizeof v->facts.variant, "%s", name);
    return c->n_variants++;
}

static int find_row(struct duo_collect *c, int variant, const struct duo_summary_row *text_of)
{
    struct duo_collect_variant *v = &c->variants[variant];
    for (int i = 0; i < v->n_rows; i++)
        if (strcmp(c->rows[v->rows[i]].text.label, text_of->label) == 0) return v->rows[i];
    c->rows = duo_grow(c->rows, (size_t)c->n_rows + 1, sizeof *c->rows);
    c->rows[c->n_rows] = (struct duo_collect_row){ .text = *text_of, .variant = variant };
    v->rows = duo_grow(v->rows, (size_t)v->n_rows + 1, sizeof *v->rows);
    v->rows[v->n_rows++] = c->n_rows;
    return c->n_rows++;
}

static void add_run(struct duo_collect *c, sqlite3_stmt *s, const struct duo_variant_facts *facts, int n)
{
    struct duo_summary_row t = { .cheats = sqlite3_column_int(s, RUN_cheats) != 0 };
    char state[64];
    text(s, RUN_state, state, sizeof state);
#define TEXT(field, column) text(s, RUN_##column, t.field, sizeof t.field);
    TEXT(variant, variant) TEXT(label, label) TEXT(policy, name) TEXT(params, params) TEXT(net, net)
    TEXT(answers, answers) TEXT(dollars_regime, dollars_regime) TEXT(provenance_time, provenance_time)
    TEXT(provenance_energy, provenance_energy) TEXT(provenance_money, provenance_money)
    TEXT(provenance_quality, provenance_quality) TEXT(provenance_signals, provenance_signals) TEXT(rests_on, rests_on) TEXT(domain, domain)
#undef TEXT
    bool done = strcmp(state, "done") == 0;
    int  variant = find_variant(c, t.variant, facts, n), row = find_row(c, variant, &t);
    struct duo_summary_row *r = &c->rows[row].text;
    if (done && r->seeds == 0) {                         /* a failed run knows less of these */
        int failed = r->failed_runs;
        *r = t;
        r->failed_runs = failed;
    }
    if (done) {
        r->seeds++;
        weaker(r->provenance_time, t.provenance_time);
        weaker(r->provenance_energy, t.provenance_energy);
        weaker(r->provenance_money, t.provenance_money);
        weaker(r->provenance_quality, t.provenance_quality);
        weaker(r->provenance_signals, t.provenance_signals);
        bool outside = strncmp(t.domain, "outside", 7) == 0 && strncmp(r->domain, "inside", 6) == 0;
        if (outside) memcpy(r->domain, t.domain, sizeof r->domain);      /* one seed of it is enough */
    } else {
        r->failed_runs++;
    }
    c->runs = duo_grow(c->runs, (size_t)c->n_runs + 1, sizeof *c->runs);
    c->runs[c->n_runs] = (struct duo_run_sums){ .id = sqlite3_column_int64(s, RUN_id), .seed = sqlite3_column_int64(s, RUN_seed),
                                                .row = row, .done = done, .itl_p50 = real(s, RUN_itl_p50),
        .reserved = reserved_each(real(s, RUN_dollars_reserved), real(s, RUN_requests)) };
    struct duo_collect_row *cr = &c->rows[row];
    cr->runs = duo_grow(cr->runs, (size_t)cr->n_runs + 1, sizeof *cr->runs);
    cr->runs[cr->n_runs++] = c->n_runs;
    c->variants[variant].last_run = c->runs[c->n_runs++].id;
}

enum duo_status duo_collect_open(struct duo_collect *c, sqlite3 *db, const struct duo_variant_facts *facts, int n, struct duo_err *err)
{
    sqlite3_stmt *s, *rows;
    *c = (struct duo_collect){ .db = db };
    DUO_TRY(duo_sql_prepare(&s, db, "SELECT " RUN_COLUMNS(NAME) " 0 FROM run ORDER BY id", err));
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) add_run(c, s, facts, n);
    sqlite3_finalize(s);
    if (code != SQLITE_DONE) return duo_sql_failed(db, err);

    for (int i = 0; i < c->n_variants; i++) c->variants[i].cap = DUO_MAX_CLUSTERS;
    DUO_TRY(duo_sql_prepare(&rows, db, "SELECT variant, max(n) FROM (SELECT variant, sum(requests) AS n FROM run GROUP BY variant, label) GROUP BY 1", err));
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        char name[256];
        text(rows, 0, name, sizeof name);
        struct duo_collect_variant *v = &c->variants[find_variant(c, name, NULL, 0)];
        v->large = sqlite3_column_int64(rows, 1) > DUO_EXACT_ROWS;
        if (v->large) v->cap = DUO_GROUPS;
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

/* ---- the table request */
#define REQUEST_COLUMNS(X)                                                                                      \
    X(run) X(id) X(query) X(session) X(status) X(quality) X(quality_weak) X(quality_strong) X(cloud) X(ttft)    \
    X(tpot) X(e2e) X(joules_device) X(joules_radio) X(joules_cloud) X(dollars) X(bytes_up) X(bytes_down)        \
    X(wasted_tokens) X(wasted_joules) X(rounds) X(grams)
#undef NAME
#define NAME(n) REQ_##n,
enum request_column { REQUEST_COLUMNS(NAME) };
#undef NAME
#define NAME(n) #n ","
static const char request_sql[] = "SELECT " REQUEST_COLUMNS(NAME) " 0 FROM request";

enum { ANSWERED, FAILED, PENDING, WARM_UP };             /* column status */

static void pick(struct duo_picks *p, double value, int32_t slot)
{
    if (p->n == p->room) p->at = duo_grow(p->at, p->room = p->room ? 2 * p->room : 256, sizeof *p->at);
    p->at[p->n++] = (struct duo_pick){ value, slot };
}

static int rising(const void *a, const void *b)
{
    const struct duo_pick *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? 1 : -1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* The bits of a double as a number that orders as the double does. */
static inline uint64_t ordered_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

/* Many of them by six rounds of 11 bits, which takes a fifth of qsort's time. */
void duo_picks_sort(struct duo_pick *at, size_t n)
{
    enum { BITS = 11, SIZE = 1 << BITS };
    if (n < 16384) {
        if (n) qsort(at, n, sizeof *at, rising);
        return;
    }
    struct duo_pick *other = duo_new(n, sizeof *other), *from = at, *to = other;
    for (int shift = 0; shift < 64; shift += BITS) {     /* an even number of rounds: the last one ends in `at` */
        size_t begin[SIZE] = { 0 }, sum = 0;
        for (size_t i = 0; i < n; i++) begin[(ordered_bits(from[i].value) >> shift) & (SIZE - 1)]++;
        for (int k = 0; k < SIZE; k++) {
            size_t own = begin[k];
            begin[k] = sum;
            sum += own;
        }
        for (size_t i = 0; i < n; i++) to[begin[(ordered_bits(from[i].value) >> shift) & (SIZE - 1)]++] = from[i];
        struct duo_pick *swap = from;
        from = to;
        to = swap;
    }
    free(other);
}

static int32_t slot_of(struct duo_run_sums *r, int32_t *slots, int32_t cap, sqlite3_stmt *s)
{
    int by = sqlite3_column_type(s, REQ_session) != SQLITE_NULL ? REQ_session
           : sqlite3_column_type(s, REQ_query) != SQLITE_NULL   ? REQ_query : REQ_id;
    uint64_t raw = (uint64_t)sqlite3_column_int64(s, by);
    int32_t  key = (int32_t)(raw < (uint64_t)cap ? raw : duo_mix(raw) % (uint64_t)cap);
    if (slots[key] >= 0) return slots[key];
    if ((r->n_slots & (r->n_slots - 1)) == 0) {          /* powers of two */
        size_t room = r->n_slots ? 2 * (size_t)r->n_slots : 1;
        r->key  = duo_grow(r->key, room, sizeof *r->key);
        r->sums = duo_grow(r->sums, room, sizeof *r->sums);
    }
    memset(r->sums[r->n_slots], 0, sizeof *r->sums);
    r->key[r->n_slots] = key;
    return slots[key] = r->n_slots++;
}

/* Add where known; else note it. */
static inline void add(struct duo_run_sums *r, double *sums, enum duo_sum column, double value)
{
    if (isnan(value)) r->unknown[column]++;
    else              sums[column] += value;
}

/* 1: within, 0: not, NAN: no limit or not known. */
static double within(double limit, double value, bool answered)
{
    if (isnan(limit) || isinf(limit)) return NAN;
    if (!answered) return 0;
    return isnan(value) ? NAN : value <= limit;
}

static void add_slo(struct duo_run_sums *r, double *sums, const struct duo_variant_facts *f, bool answered,
                    double ttft, double e2e, double tpot)
{
    if (answered && isnan(tpot)) tpot = 0;               /* an answer of one token has no gap */
    double t = within(f->slo_ttft, ttft, answered), e = within(f->slo_e2e, e2e, answered), p = within(f->slo_tpot, tpot, answered);
    add(r, sums, DUO_S_SLO_TTFT, t);
    add(r, sums, DUO_S_SLO_E2E, e);
    add(r, sums, DUO_S_SLO_TPOT, p);
    double all = NAN, limits[] = { f->slo_ttft, f->slo_e2e, f->slo_tpot }, each[] = { t, e, p };
    for (int i = 0; i < 3; i++)
        if (!isnan(limits[i]) && !isinf(limits[i])) all = isnan(all) ? each[i] : all * each[i];
    add(r, sums, DUO_S_SLO, all);
}

static void add_latency(double *sums, enum duo_sum count, enum duo_sum column, double value)
{
    if (isnan(value)) return;
    sums[count] += 1;
    sums[column] += value;
}

static void add_request(struct duo_run_sums *r, int32_t slot, sqlite3_stmt *s, const struct duo_variant_facts *f)
{
    double *sums = r->sums[slot];
    bool    answered = sqlite3_column_int(s, REQ_status) == ANSWERED;
    double  quality = real(s, REQ_quality), weak = real(s, REQ_quality_weak), strong = real(s, REQ_quality_strong);
    double  ttft = answered ? real(s, REQ_ttft) : NAN, e2e = answered ? real(s, REQ_e2e) : NAN;
    double  tpot = answered ? real(s, REQ_tpot) : NAN;
    switch (sqlite3_column_int(s, REQ_status)) {
    case ANSWERED: r->answered++; break;
    case FAILED:   r->failed++;   break;
    default:       r->pending++;  break;
    }
    sums[DUO_S_N] += 1;
    add(r, sums, DUO_S_QUALITY, answered ? quality : 0);
    if (answered && !isnan(quality)) sums[DUO_S_N_QUALITY] += 1, sums[DUO_S_ANSWERED_QUALITY] += quality;
    add(r, sums, DUO_S_WEAK, weak);
    add(r, sums, DUO_S_STRONG, strong);
    if (strong > weak) pick(&r->gain, strong - weak, slot);
    add_latency(sums, DUO_S_N_TTFT, DUO_S_TTFT, ttft);
    add_latency(sums, DUO_S_N_TPOT, DUO_S_TPOT, tpot);
    add_latency(sums, DUO_S_N_E2E, DUO_S_E2E, e2e);
    if (!isnan(ttft)) pick(&r->ttft, ttft, slot);
    if (!isnan(e2e))  pick(&r->e2e, e2e, slot);
    add(r, sums, DUO_S_CLOUD,         real(s, REQ_cloud));
    add(r, sums, DUO_S_JOULES_DEVICE, real(s, REQ_joules_device));
    add(r, sums, DUO_S_JOULES_RADIO,  real(s, REQ_joules_radio));
    add(r, sums, DUO_S_JOULES_CLOUD,  real(s, REQ_joules_cloud));
    add(r, sums, DUO_S_DOLLARS,       real(s, REQ_dollars) + r->reserved);
    add(r, sums, DUO_S_BYTES_UP,      real(s, REQ_bytes_up));
    add(r, sums, DUO_S_BYTES_DOWN,    real(s, REQ_bytes_down));
    add(r, sums, DUO_S_WASTED_TOKENS, real(s, REQ_wasted_tokens));
    add(r, sums, DUO_S_WASTED_JOULES, real(s, REQ_wasted_joules));
    add(r, sums, DUO_S_ROUNDS,        real(s, REQ_rounds));
    add(r, sums, DUO_S_GRAMS,         real(s, REQ_grams));
    add_slo(r, sums, f, answered, ttft, e2e, tpot);
}

static void forget(struct duo_run_sums *r)
{
    free(r->key);
    free(r->sums);
    free(r->ttft.at);
    free(r->e2e.at);
    free(r->gain.at);
    r->key = NULL;
    r->sums = NULL;
    r->n_slots = 0;
    r->ttft = r->e2e = r->gain = (struct duo_picks){ 0 };
    r->answered = r->failed = r->pending = 0;
    memset(r->total, 0, sizeof r->total);
    memset(r->unknown, 0, sizeof r->unknown);
}

typedef enum duo_status each_fn(struct duo_collect *, int variant, void *, struct duo_err *);

static enum duo_status finish(struct duo_collect *c, int variant, each_fn *each, void *with, struct duo_err *err)
{
    struct duo_collect_variant *v = &c->variants[variant];
    enum duo_status status = each(c, variant, with, err);
    for (int i = 0; i < v->n_rows; i++)
        for (int k = 0; k < c->rows[v->rows[i]].n_runs; k++) forget(&c->runs[c->rows[v->rows[i]].runs[k]]);
    v->finished = true;
    return status;
}

static struct duo_run_sums *find_run(struct duo_collect *c, int64_t id)
{
    int low = 0, high = c->n_runs - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        if (c->runs[middle].id == id) return &c->runs[middle];
        if (c->runs[middle].id < id) low = middle + 1;
        else                         high = middle - 1;
    }
    return NULL;
}

/* *ordered false: runs came mixed; what was handed on may be incomplete. */
static enum duo_status stream(struct duo_collect *c, sqlite3_stmt *s, each_fn *each, void *with, bool *ordered, struct duo_err *err)
{
    int32_t *slots = duo_new(DUO_MAX_CLUSTERS, sizeof *slots);
    struct duo_run_sums *r = NULL;
    int64_t last = INT64_MIN;
    enum duo_status status = DUO_OK;
    int code, variant = -1;
    *ordered = true;
    while (status == DUO_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(s, REQ_run);
        if (id < last && !(*ordered = false)) break;
        if (id != last || !r) {
            r = find_run(c, id);
            if (!r) { status = duo_fail(err, DUO_BAD_INPUT, "a request of run %lld, which is not in the table run", (long long)id); break; }
            memset(slots, 0xff, DUO_MAX_CLUSTERS * sizeof *slots);
            int now = c->rows[r->row].variant;
            if (variant >= 0 && now != variant && last >= c->variants[variant].last_run) status = finish(c, variant, each, with, err);
            variant = now;
            last = id;
        }
        if (!r->done || sqlite3_column_int(s, REQ_status) == WARM_UP) continue;
        const struct duo_collect_variant *v = &c->variants[variant];
        add_request(r, slot_of(r, slots, v->cap, s), s, &v->facts);
    }
    if (status == DUO_OK && *ordered && code != SQLITE_DONE) status = duo_sql_failed(c->db, err);
    free(slots);
    return status;
}

enum duo_status duo_collect_requests(struct duo_collect *c, each_fn *each, void *with, struct duo_err *err)
{
    static const char *const order[] = { "", " ORDER BY run, id" };
    enum duo_status status = DUO_OK;
    bool ordered = false;
    /* As they lie they are in order; a database that somebody else put together may not be. */
    for (int i = 0; i < 2 && !ordered && status == DUO_OK; i++) {
        char sql[sizeof request_sql + 32];
        sqlite3_stmt *s;
        snprintf(sql, sizeof sql, "%s%s", request_sql, order[i]);
        for (int k = 0; k < c->n_runs; k++) forget(&c->runs[k]);
        for (int k = 0; k < c->n_variants; k++) c->variants[k].finished = false;
        DUO_TRY(duo_sql_prepare(&s, c->db, sql, err));
        status = stream(c, s, each, with, &ordered, err);
        sqlite3_finalize(s);
    }
    for (int i = 0; i < c->n_variants && status == DUO_OK; i++)
        if (!c->variants[i].finished) status = finish(c, i, each, with, err);
    return status;
}

void duo_collect_free(struct duo_collect *c)
{
    for (int i = 0; i < c->n_runs; i++) forget(&c->runs[i]);
    for (int i = 0; i < c->n_rows; i++) free(c->rows[i].runs);
    for (int i = 0; i < c->n_variants; i++) free(c->variants[i].rows);
    free(c->runs);
    free(c->rows);
    free(c->variants);
}
