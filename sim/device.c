/* device.c - see device.h. */
#include "sim/device.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/request.h"

enum { DEVICE_BUDGET = 512 };

/* While requests of a device with a battery are there. */
struct duo_battery_watch { struct duo_alarm alarm; struct duo_world *world; struct duo_device_class *class; int64_t device; int requests; };

static struct duo_device_class *class_of(const struct duo_world *w, int64_t device)
{
    int c = 0;

    while (device >= w->classes[c].first + w->classes[c].count) c++;
    return &w->classes[c];
}

static struct duo_battery *battery_of(const struct duo_device_class *c, int64_t device)
{
    return c->batteries ? &c->batteries[device - c->first] : NULL;
}

/* ---- the server (1) */

struct duo_server *duo_device_server(struct duo_world *w, int64_t device)
{
    struct duo_device *d = &w->devices[device];
    const struct duo_device_class *c;

    if (d->server) return d->server;
    c = class_of(w, device);
    d->server = duo_server_new(&(struct duo_server_spec){ .cost = c->cost, .clock = w->clock, .slots = c->spec->slots, .budget = DEVICE_BUDGET,
                                                          .kv_tokens = duo_kv_capacity(&c->cost->facts, 0), .gaps = &w->gaps,
                                                          .heat = c->heat ? &c->heat[device - c->first] : NULL });
    if (w->spec->step_singly) duo_server_step_singly(d->server, true);
    return d->server;
}

double duo_device_loading(struct duo_world *w, struct duo_device_class *c, int64_t device)      /* (4) */
{
    struct duo_server_figures f;
    double now = duo_clock_now(w->clock), *ready;

    if (!c->ready_at) return 0;
    ready = &c->ready_at[device - c->first];
    if (*ready < 0) *ready = now + c->cost->facts.load_seconds;
    if (*ready <= now) return 0;
    duo_server_figures(duo_device_server(w, device), &f);
    return f.running + f.waiting < c->spec->slots ? *ready - now : 0;      /* who waits for a slot waits for one that has waited */
}

/* ---- the battery (2) */

static double background_watts(const struct duo_device_class *c) { return c->spec->background * c->cost->facts.busy_watts; }

/* What it holds now. */
static double level(const struct duo_world *w, const struct duo_device_class *c, int64_t device, struct duo_server_meter *m)
{
    const struct duo_battery *b = battery_of(c, device);
    const struct duo_server *server = w->devices[device].server;
    double seconds = duo_clock_now(w->clock) - b->at, busy, x;

    *m = server ? duo_server_meter(server) : (struct duo_server_meter){ 0 };
    busy = m->busy - b->seen.busy;
    x = b->level - (m->joules - b->seen.joules) - background_watts(c) * busy - c->cost->facts.idle_watts * (seconds - busy) + c->spec->charge * seconds;
    return fmin(x, c->spec->battery);
}

/* When it will be empty, if nothing changes; or when one has to ask again. */
static double empty_at(const struct duo_world *w, const struct duo_device_class *c, int64_t device)
{
    const struct duo_battery *b = battery_of(c, device);
    const struct duo_server *server = w->devices[device].server;
    double at = server ? duo_server_until(server, b->level, c->spec->charge - background_watts(c)) : INFINITY;
    double drain = c->cost->facts.idle_watts - c->spec->charge;

    if (isfinite(at)) return at;
    return drain > 0 ? b->at + b->level / drain : INFINITY;
}

static void update(struct duo_world *w, struct duo_device_class *c, int64_t device)
{
    struct duo_battery *b = battery_of(c, device);
    struct duo_device *d = &w->devices[device];
    struct duo_server_meter m;
    double now = duo_clock_now(w->clock), idle = c->cost->facts.idle_watts;

    if (d->dead) return;
    b->level = level(w, c, device, &m);
    b->busy += m.busy - b->seen.busy;
    b->at = now, b->seen = m;
    if (b->level > 1e-9 * c->spec->battery) return;
    if (b->level < 0 && !d->server && idle > c->spec->charge) b->at += b->level / (idle - c->spec->charge);     /* while nobody looked */
    d->dead = true;
    c->dead++;
}

static void look(void *);

static void look_at(struct duo_battery_watch *x, double at)
{
    if (isfinite(at)) duo_clock_set(x->world->clock, &x->alarm, at, look, x);
    else              duo_clock_cancel(x->world->clock, &x->alarm);
}

static void die(struct duo_world *w, int64_t device)       /* (3) */
{
    struct duo_request *r, *next;

    for (r = w->requests; r; r = next) {
        next = r->next;
        if (r->row.device == device) duo_request_end(r, 1, "the device's battery is empty");
    }
}

static void look(void *arg)
{
    struct duo_battery_watch *x = arg;
    struct duo_world *w = x->world;
    int64_t device = x->device;

    update(w, x->class, device);
    if (w->devices[device].dead) die(w, device);           /* x may be gone */
    else                         look_at(x, empty_at(w, x->class, device));
}

void duo_device_look(struct duo_world *w, const struct duo_device_class *c, int64_t device)
{
    struct duo_battery *b = battery_of(c, device);

    if (b && b->watch) look_at(b->watch, duo_clock_now(w->clock));      /* when the server has done what it does now */
}

void duo_device_join(struct duo_world *w, struct duo_device_class *c, int64_t device)
{
    struct duo_battery *b = battery_of(c, device);

    if (!b) return;
    update(w, c, device);
    if (!b->watch) {
        b->watch = duo_new(1, sizeof *b->watch);
        *b->watch = (struct duo_battery_watch){ .world = w, .class = c, .device = device };
        if (!w->devices[device].dead) duo_device_look(w, c, device);
    }
    b->watch->requests++;
}

void duo_device_leave(struct duo_world *w, const struct duo_device_class *c, int64_t device)
{
    struct duo_battery *b = battery_of(c, device);

    if (!b || --b->watch->requests > 0) return;
    duo_clock_cancel(w->clock, &b->watch->alarm);
    free(b->watch);
    b->watch = NULL;
}

void duo_device_rest(struct duo_world *w, int64_t device)
{
    struct duo_device *d = &w->devices[device];
    struct duo_device_class *c;
    struct duo_battery *b;

    if (!d->server || !duo_server_idle(d->server)) return;
    c = class_of(w, device);
    b = battery_of(c, device);
    if (b) update(w, c, device), b->seen = (struct duo_server_meter){ 0 };
    else   c->busy += duo_server_meter(d->server).busy;
    duo_server_free(d->server);
    d->server = NULL;
}

void duo_device_book(struct duo_world *w, int64_t device, double joules)
{
    class_of(w, device)->joules += joules;
    if (joules > 0) w->devices[device].spent = true;
}

void duo_device_drain(struct duo_world *w, struct duo_device_class *c, int64_t device, double joules)
{
    struct duo_battery *b = battery_of(c, device);

    if (!b) return;
    b->level -= joules;
    update(w, c, device);
    duo_device_look(w, c, device);
}

void duo_device_spend(struct duo_world *w, int64_t device, double joules)
{
    duo_device_book(w, device, joules);
    duo_device_drain(w, class_of(w, device), device, joules);
}

double duo_device_level(const struct duo_world *w, const struct duo_device_class *c, int64_t device)
{
    struct duo_server_meter m;

    if (!c->batteries) return 1;
    return w->devices[device].dead ? 0 : fmax(0, level(w, c, device, &m) / c->spec->battery);
}

/* ---- all of them */

/* Zeroed memory that is met at random, a million devices say: on large pages, where the system has them. */
static void *large(size_t bytes)
{
    enum { PAGE = 1 << 21 };
    size_t room = (bytes + PAGE - 1) / PAGE * PAGE;
    void *p;

    if (bytes < 4 * (size_t)PAGE) return duo_new(1, bytes);
    p = aligned_alloc(PAGE, room);
    if (!p) return duo_new(1, bytes);
    madvise(p, room, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

void duo_devices_build(struct duo_world *w)
{
    w->devices = large((size_t)w->n_devices * sizeof *w->devices);
    for (int i = 0; i < w->n_classes; i++) {
        struct duo_device_class *c = &w->classes[i];
        size_t n = (size_t)c->count;
        if (isfinite(c->spec->battery)) {
            c->batteries = duo_new(n, sizeof *c->batteries);
            for (size_t k = 0; k < n; k++) c->batteries[k].level = c->spec->battery;
            for (size_t k = 0; k < n && c->spec->battery <= 0; k++) w->devices[(size_t)c->first + k].dead = true, c->dead++;
        }
        if (duo_throttles(&c->cost->facts)) c->heat = duo_new(n, sizeof *c->heat);
        if (!c->spec->cold) continue;
        c->ready_at = duo_new(n, sizeof *c->ready_at);
        for (size_t k = 0; k < n; k++) c->ready_at[k] = -1;
    }
}

void duo_devices_close(struct duo_world *w)
{
    double end = duo_clock_now(w->clock);

    for (int i = 0; i < w->n_classes; i++) {
        struct duo_device_class *c = &w->classes[i];
        double alive = 0;
        for (int64_t d = c->first; d < c->first + c->count; d++) {
            struct duo_battery *b = battery_of(c, d);
            if (b) update(w, c, d), alive += w->devices[d].dead ? b->at : end, c->busy += b->busy;
            else if (w->devices[d].server) c->busy += duo_server_meter(w->devices[d].server).busy;
        }
        if (!c->batteries) alive = end * (double)c->count;
        c->idle_joules = c->cost->facts.idle_watts * fmax(0, alive - c->busy);
    }
}

void duo_devices_free(struct duo_world *w)
{
    for (int64_t i = 0; w->devices && i < w->n_devices; i++)
        if (w->devices[i].server) duo_server_free(w->devices[i].server);
    free(w->devices);
    for (int i = 0; i < w->n_classes && w->classes; i++) {
        struct duo_device_class *c = &w->classes[i];
        for (int64_t k = 0; c->batteries && k < c->count; k++) free(c->batteries[k].watch);
        free(c->batteries), free(c->ready_at), free(c->heat);
    }
}
