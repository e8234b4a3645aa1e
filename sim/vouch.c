/* vouch.c - see vouch.h. */
#include "sim/vouch.h"

#include <math.h>
#include <string.h>

#include "models/cost/domain.h"

/* "a; b", cut with "..." when there is no room.  Each piece once. */
static void append(char *text, size_t n, const char *piece)
{
    size_t used = strlen(text);
    if (strstr(text, piece)) return;
    int length = snprintf(text + used, n - used, "%s%s", used ? "; " : "", piece);
    if (length < 0 || used + (size_t)length < n) return;
    memcpy(text + n - 4, "...", 4);
}

/* "cloud: a, b, ...: assumed" in at most n - 1 bytes: names are left out, the status stays. */
static void short_of(const char *name, const char *rests_on, char *out, size_t n)
{
    const char *status = strrchr(rests_on, ':');
    int length = snprintf(out, n, "%s: %s", name, rests_on);
    if (length < 0 || (size_t)length < n) return;
    size_t tail = strlen(", ...") + strlen(status ? status : "");
    if (tail + 16 > n) return;
    char *end = out + n - 1 - tail;
    *end = 0;
    char *comma = strrchr(out, ',');
    char *dots = strstr(out, ", ...");
    if (comma) end = comma;
    if (dots && dots < end) end = dots;
    snprintf(end, n - (size_t)(end - out), ", ...%s", status ? status : "");
}

void duo_vouch_rests_on(const struct duo_world *w, char *text, size_t n)
{
    size_t count = 0;
    *text = 0;
    for (int i = 1; i < w->n_places + w->n_classes; i++)
        count += *(i < w->n_places ? w->places[i].cost : w->classes[i - w->n_places].cost)->facts.rests_on != 0;
    for (int i = 1; i < w->n_places + w->n_classes; i++) {
        bool place = i < w->n_places;
        const struct duo_facts *f = place ? &w->places[i].cost->facts : &w->classes[i - w->n_places].cost->facts;
        char piece[256];
        if (!*f->rests_on) continue;
        size_t room = n / count - 2 < sizeof piece ? n / count - 2 : sizeof piece;         /* each has its share of the text */
        short_of(place ? w->places[i].name : w->classes[i - w->n_places].spec->name, f->rests_on, piece, room);
        append(text, n, piece);
    }
}

struct verdict { char inside[1024], outside[1024]; };

static void judge(const struct duo_world *w, struct verdict *v, const char *name, const struct duo_domain_use *u)
{
    char time[200], energy[200], piece[300];
    bool by_time = duo_domains_inside(w->spec->domains, DUO_DOMAIN_TIME, u, time, sizeof time);
    bool by_energy = duo_domains_inside(w->spec->domains, DUO_DOMAIN_ENERGY, u, energy, sizeof energy);
    snprintf(piece, sizeof piece, "%s: %s", name, time);
    append(by_time ? v->inside : v->outside, sizeof v->inside, piece);
    if (by_time == by_energy && (by_time || strcmp(time, energy) == 0)) return;
    snprintf(piece, sizeof piece, "joules of %s: %s", name, energy);
    append(by_energy ? v->inside : v->outside, sizeof v->inside, piece);
}

void duo_vouch_domain(const struct duo_world *w, char *text, size_t n)
{
    struct verdict v = { "", "" };
    struct duo_domain_use u = { .prompt = w->means.prompts ? w->means.prompt / (double)w->means.prompts : (double)NAN,
                                .output = w->means.answers ? w->means.answer / (double)w->means.answers : (double)NAN };
    *text = 0;
    if (!w->spec->domains) return;
    for (int p = 1; p < w->n_places; p++) {
        double iterations = 0;
        u.batch = 0;
        for (int i = 0; i < w->places[p].n_replicas; i++) {
            struct duo_server_totals t;
            duo_server_totals(w->places[p].replicas[i].server, &t);
            iterations += t.iterations;
            u.batch = fmax(u.batch, t.peak_running);
        }
        u.facts = &w->places[p].cost->facts;
        if (iterations > 0) judge(w, &v, w->places[p].name, &u);
    }
    for (int c = 0; c < w->n_classes; c++) {
        u.batch = w->classes[c].spec->slots;
        u.facts = &w->classes[c].cost->facts;
        if (w->classes[c].busy > 0) judge(w, &v, w->classes[c].spec->name, &u);
    }
    int length = snprintf(text, n, "%s%s%s%s%s", *v.outside ? "outside: " : "", v.outside, *v.outside && *v.inside ? " | " : "",
                          *v.inside ? "inside: " : "", v.inside);
    if (length >= 0 && (size_t)length >= n) memcpy(text + n - 4, "...", 4);
}
