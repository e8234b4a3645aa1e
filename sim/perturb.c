/* perturb.c - see perturb.h. */
#include "sim/perturb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "analysis/perturb.h"

_Static_assert(sizeof((struct duo_perturb_sums *)0)->sum / sizeof(double) == DUO_N_PERTURBED, "a sum a metric");

/* ---- a run's rows to sums ---- */

struct columns { int status, e2e, quality, device, radio, cloud, dollars; };

static int column(const char *name)
{
    const struct duo_table *t = &duo_tables[DUO_TABLE_request];
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->columns[i].name, name) == 0) return i;
    abort();                                             /* rows.h has it */
}

/* As analysis/perturb.c has it for draw 0. */
static void add_request(struct duo_perturb_sums *s, const struct duo_cell *c, const struct columns *at)
{
    int64_t status = c[at->status].whole;
    if (status > 2) return;                              /* of the warm-up */
    s->n++;
    s->sum[DUO_P_joules]  += c[at->device].real + c[at->radio].real + c[at->cloud].real;
    s->sum[DUO_P_dollars] += c[at->dollars].real;
    if (status != 0) return;
    s->answered++;
    s->sum[DUO_P_e2e_mean] += c[at->e2e].real;
    s->sum[DUO_P_quality]  += c[at->quality].real;
}

static enum duo_status add_rows(struct duo_perturb_sums *s, int fd, struct duo_err *err)
{
    const struct columns at = { column("status"), column("e2e"), column("quality"), column("joules_device"), column("joules_radio"),
                                column("joules_cloud"), column("dollars") };
    struct stat st;
    struct duo_cell cells[DUO_MAX_COLUMNS];
    enum duo_table_id table;
    if (fstat(fd, &st) != 0) return duo_fail(err, DUO_NO_RESOURCES, "the rows of a run could not be read");
    unsigned char *all = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (all == MAP_FAILED) return duo_fail(err, DUO_NO_RESOURCES, "no memory for the rows of a run");
    const unsigned char *from = all, *end = all + st.st_size;
    for (long took; (took = duo_row_read(from, end, &table, cells)) > 0 && table != DUO_TABLE_END; from += took)
        if (table == DUO_TABLE_request) {
            add_request(s, cells, &at);
        } else if (table == DUO_TABLE_run) {
            struct duo_row_run run;
            duo_row_fill(&run, cells);
            if (!isnan(run.dollars_reserved)) s->sum[DUO_P_dollars] += run.dollars_reserved;       /* of everybody: summary.h (7) */
        }
    munmap(all, (size_t)st.st_size);
    return DUO_OK;
}

/* ---- rounds ---- */

static struct duo_draw draw_of(const struct duo_perturb *p, int round)                     /* (1) */
{
    int i = round - p->n_draws - 1;
    if (i < 0) return (struct duo_draw){ .number = (uint64_t)round };
    return (struct duo_draw){ .alone = p->alone[i / 2], .high = i % 2 };
}

static void enter(void *arg, int round)
{
    struct duo_perturb *p = arg;
    struct duo_draw draw = draw_of(p, round);
    duo_draws_enter(p->plan, p->catalogue, &draw);
}

/* The tables, draw 0, the constants, and what each draw makes of them. */
static enum duo_status begin(struct sqlite3 *db, struct duo_perturb *p, struct duo_err *err)
{
    enum duo_status status = duo_perturb_open(db, err);
    for (int d = 0; d <= p->n_draws && status == DUO_OK; d++) {
        struct duo_drawn *list;
        int n = duo_draws_list(p->plan, p->catalogue, (uint64_t)d, &list);
        for (int i = 0; i < n && status == DUO_OK; i++) {
            struct duo_perturb_constant c = { list[i].name, duo_provenance_text(list[i].status), list[i].value, list[i].low, list[i].high };
            status = d == 0 ? duo_perturb_add_constant(db, &c, err)
                            : duo_perturb_add_drawn(db, d, list[i].name, list[i].drawn, err);
        }
        duo_draws_free(list, n);
    }
    return status;
}

static enum duo_status write_means(struct sqlite3 *db, const struct duo_perturb *p, const struct duo_round_run *run, struct duo_err *err)
{
    const struct duo_perturb_sums *s = &p->sums;
    const struct duo_scenario *scenario = &p->plan->variants[run->variant];
    struct duo_draw draw = draw_of(p, run->round);
    struct duo_perturb_means m = {
        .variant = scenario->variant, .label = scenario->policies[run->policy].label, .draw = run->round, .alone = draw.alone,
        .end = draw.alone ? draw.high ? "high" : "low" : NULL, .failed_runs = s->failed, .reason = s->failed ? s->reason : NULL };
    for (int i = 0; i < DUO_N_PERTURBED; i++) {
        double n = (double)(i == DUO_P_e2e_mean ? s->answered : s->n);
        m.mean[i] = s->failed || n == 0 ? (double)NAN : s->sum[i] / n;
    }
    return duo_perturb_add_means(db, &m, err);
}

static enum duo_status take(struct sqlite3 *db, void *arg, const struct duo_round_run *run, struct duo_err *err)
{
    struct duo_perturb *p = arg;
    if (run->round == 1 && run->variant == 0 && run->policy == 0 && run->seed == 0) DUO_TRY(begin(db, p, err));
    if (run->seed == 0) memset(&p->sums, 0, sizeof p->sums);
    if (run->rows >= 0) DUO_TRY(add_rows(&p->sums, run->rows, err));
    else if (p->sums.failed++ == 0) snprintf(p->sums.reason, sizeof p->sums.reason, "%s", run->why);
    bool last = run->seed + 1 == p->plan->variants[run->variant].n_seeds;
    return last ? write_means(db, p, run, err) : DUO_OK;
}

static void free_alone(struct duo_perturb *p)
{
    for (int i = 0; i < p->n_alone; i++) free(p->alone[i]);
    free(p->alone);
    p->alone = NULL, p->n_alone = 0;
}

static enum duo_status more(struct sqlite3 *db, void *arg, int *n, struct duo_err *err)
{
    struct duo_perturb *p = arg;
    free_alone(p);
    DUO_TRY(duo_perturb_suspects(db, DUO_PERTURB_ALONE, &p->alone, &p->n_alone, err));
    *n = 2 * p->n_alone;
    return DUO_OK;
}

void duo_perturb_init(struct duo_perturb *p, struct duo_plan *plan, struct duo_catalogue *catalogue, int n_draws)
{
    *p = (struct duo_perturb){ .plan = plan, .catalogue = catalogue, .n_draws = n_draws };
    p->rounds = (struct duo_rounds){ .n = n_draws, .most = n_draws + 2 * DUO_PERTURB_ALONE, .arg = p, .enter = enter, .take = take, .more = more };
}

void duo_perturb_free(struct duo_perturb *p) { free_alone(p); }
