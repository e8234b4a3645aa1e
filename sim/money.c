/* money.c - see money.h. */
#include "sim/money.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/request.h"
#include "sim/scale.h"

/* ---- what must be known */

static enum duo_status check_prices(const struct duo_world *w, const struct duo_world_place *p, struct duo_err *err)          /* (5) */
{
    const struct duo_facts *f = &p->cost->facts;
    const char *file = w->scenario->file, *key = NULL;
    double price = NAN;

    if (p->site != DUO_SITE_API) {
        if (isnan(f->dollars_second) ? w->scenario->reserved : !(f->dollars_second > 0)) key = "dollars_hour", price = f->dollars_second;
    } else if (!(f->dollars_in > 0))
        key = "dollars_in", price = f->dollars_in;
    else if (!(f->dollars_out > 0))
        key = "dollars_out", price = f->dollars_out;
    else if (f->dollars_cached <= 0)
        key = "dollars_cached", price = f->dollars_cached;
    if (!key) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, file, p->spec->at.line, p->spec->at.column,
                       "places.%s: %s of %s is %s; expected a price above 0: cost: {%s: ...}", p->name, key,
                       p->site == DUO_SITE_API ? f->model : f->hardware, isnan(price) ? "not known" : "0", key);
}

static enum duo_status intensity(const struct duo_world *w, const char *region, struct duo_where at, double *out, struct duo_err *err)
{
    struct duo_carbon c;

    *out = NAN;
    if (!region) return DUO_OK;
    DUO_TRY(duo_carbon_find(w->spec->catalogue, region, w->scenario->file, at.line, &c, err));
    *out = c.grams_joule;
    return DUO_OK;
}

enum duo_status duo_money_build(struct duo_world *w, struct duo_err *err)
{
    for (int i = 1; i < w->n_places; i++) {
        struct duo_world_place *p = &w->places[i];
        DUO_TRY(check_prices(w, p, err));
        DUO_TRY(intensity(w, p->spec->region, p->spec->at, &p->grams_joule, err));
    }
    for (int i = 0; i < w->n_classes; i++) {
        struct duo_device_class *c = &w->classes[i];
        DUO_TRY(intensity(w, c->spec->region, c->spec->at, &c->grams_joule, err));
    }
    return DUO_OK;
}

/* ---- of a request */

/* What is unknown times nothing is nothing. */
static double times(double amount, double price) { return amount > 0 || isnan(amount) ? amount * price : 0; }

void duo_money_work(struct duo_request *r, int place, const struct duo_job *j)
{
    const struct duo_facts *f = &duo_place_cost(r->world, r, place)->facts;

    if (place == DUO_DEVICE) return;                       /* with its radio, when the request ends */
    r->row.grams += times(j->joules, r->world->places[place].grams_joule);
    if (r->world->places[place].site == DUO_SITE_API) {                                        /* (1) */
        double cached = isnan(f->dollars_cached) ? f->dollars_in : f->dollars_cached;
        if (j->seconds > 0 || j->written > 0)
            r->row.dollars += j->fresh * f->dollars_in + j->cached * cached + j->written * f->dollars_out;
    } else if (!r->world->scenario->reserved)                                                  /* (2) */
        r->row.dollars += times(j->seconds, f->dollars_second);
}

void duo_money_end(struct duo_request *r)
{
    double joules = r->row.joules_device + r->row.joules_radio, data = r->world->scenario->cells.price, energy = r->class->spec->energy_price;

    r->row.grams += times(joules, r->class->grams_joule);                                      /* (4) */
    if (!isnan(data)) r->row.dollars += (r->row.bytes_up + r->row.bytes_down) * data;          /* (3) */
    if (!isnan(energy)) r->row.dollars += times(joules, energy);
}

/* ---- of a run */

double duo_money_reserved(const struct duo_world *w, double end)
{
    double sum = 0;

    if (!w->scenario->reserved) return NAN;
    for (int i = 1; i < w->n_places; i++) {
        const struct duo_world_place *p = &w->places[i];
        if (p->site == DUO_SITE_API) continue;
        for (int k = 0; k < p->n_replicas; k++) sum += duo_replica_seconds(&p->replicas[k], w->scenario->warmup, end) * p->cost->facts.dollars_second;
    }
    return sum;
}

enum { REGIMES = 16 };
struct regimes { int n; char text[REGIMES][112]; };

static void add(struct regimes *g, const char *text)
{
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->text[i], text) == 0) return;
    if (g->n < REGIMES) snprintf(g->text[g->n++], sizeof g->text[0], "%s", text);
}

static void add_price(struct regimes *g, const char *what, double price, enum duo_dimension dim)
{
    char amount[40], text[64];

    duo_show_quantity(price, dim, amount, sizeof amount);
    snprintf(text, sizeof text, "%s %s", what, amount);
    add(g, text);
}

/* What one place's dollars mean: its cost model's words, but for the seconds that nobody uses. */
static void add_place(const struct duo_world *w, const struct duo_facts *f, struct regimes *g)
{
    static const char used[] = "gpu seconds used";
    char text[112];

    if (strcmp(f->dollars_regime, "none") == 0) return;
    if (w->scenario->reserved && strncmp(f->dollars_regime, used, sizeof used - 1) == 0) {
        snprintf(text, sizeof text, "gpu seconds reserved%s", f->dollars_regime + sizeof used - 1);
        add(g, text);
    } else
        add(g, f->dollars_regime);
}

void duo_money_describe(struct duo_world *w)
{
    enum duo_provenance status = DUO_MEASURED;
    struct duo_row_run *r = &w->run;
    struct regimes g = { 0 };
    size_t used = 0;

    for (int i = 1; i < w->n_places; i++) {
        const struct duo_facts *f = &w->places[i].cost->facts;
        if (f->money > status && f->money < DUO_PROVENANCE_END) status = f->money;
        add_place(w, f, &g);
    }
    if (!isnan(w->scenario->cells.price)) add_price(&g, "data", w->scenario->cells.price, DUO_DIM_MONEY_PER_BYTES), status = DUO_ASSUMED;
    for (int i = 0; i < w->n_classes; i++) {
        double price = w->classes[i].spec->energy_price;
        if (!isnan(price)) add_price(&g, "device energy", price, DUO_DIM_MONEY_PER_ENERGY), status = DUO_ASSUMED;
    }
    if (!g.n) add(&g, "none");
    for (int i = 0; i < g.n && used < sizeof r->dollars_regime; i++)
        used += (size_t)snprintf(r->dollars_regime + used, sizeof r->dollars_regime - used, "%s%s", i ? " + " : "", g.text[i]);
    snprintf(r->provenance_money, sizeof r->provenance_money, "%s", duo_provenance_text(status));
}
