/* baseline.c - a baseline's memory, its text, and the file; requirements in baseline.h, the format in BASELINE.md. */
#include "analysis/baseline.h"

#include <errno.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/baseline_inside.h"
#include "sim/base/number.h"
#include "sim/base/rng.h"

/* 0 is '.', 60 is '#': answers that are right or wrong can be read by eye.  (4) */
const char duo_sixtieths[] = ".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz1234567#";

double duo_baseline_round(double value)
{
    char text[40];
    if (!isfinite(value)) return NAN;
    duo_write_number(text, sizeof text, 9, 'g', value);
    duo_read_number(text, &value);
    return value == 0 ? 0 : value;                       /* no -0 */
}

/* What the generators and GSL's distributions draw from a few named streams. */
uint64_t duo_baseline_draws(void)
{
    double drawn[12];
    for (int i = 0; i < 4; i++) {
        struct duo_rng rng;
        duo_rng_init(&rng, (uint64_t)i, "draws", (uint64_t)i);
        drawn[3 * i]     = duo_baseline_round(gsl_ran_exponential(&rng.gsl, 1));
        drawn[3 * i + 1] = duo_baseline_round(gsl_ran_gamma(&rng.gsl, 0.7, 1));
        drawn[3 * i + 2] = duo_baseline_round(gsl_ran_gaussian_ziggurat(&rng.gsl, 1) + duo_draw((uint64_t)i, "draws", 7));
    }
    return duo_hash_bytes(DUO_SAMPLING_VERSION, drawn, sizeof drawn);
}

/* ---- memory */

static void free_label(struct duo_baseline_label *l)
{
    for (int i = 0; i < l->n_answers; i++) free(l->answers[i].quality), free(l->answers[i].answered);
    free(l->answers), free(l->seed), free(l->label), free(l->policy), free(l->params);
}

void duo_baseline_free(struct duo_baseline *b)
{
    for (int v = 0; v < b->n_variants; v++) {
        struct duo_baseline_variant *t = &b->variants[v];
        for (int i = 0; i < t->n_labels; i++) free_label(&t->labels[i]);
        free(t->labels), free(t->asked), free(t->seeds), free(t->variant);
    }
    for (int i = 0; i < b->n_inputs; i++) free(b->inputs[i].name);
    free(b->variants), free(b->inputs), free(b->scenario), free(b->made);
    *b = (struct duo_baseline){ 0 };
}

const struct duo_baseline_variant *duo_baseline_variant(const struct duo_baseline *b, const char *variant)
{
    for (int i = 0; i < b->n_variants; i++)
        if (strcmp(b->variants[i].variant, variant) == 0) return &b->variants[i];
    return NULL;
}

const struct duo_baseline_label *duo_baseline_label(const struct duo_baseline_variant *v, const char *label)
{
    for (int i = 0; i < v->n_labels; i++)
        if (strcmp(v->labels[i].label, label) == 0) return &v->labels[i];
    return NULL;
}

/* ---- text */

static void print_number(FILE *out, double value)
{
    char text[40] = "-";
    if (!isnan(value)) duo_write_number(text, sizeof text, 9, 'g', value);
    fprintf(out, " %s", text);
}

/* Ranges, as many a line as fit. */
static void print_asked(FILE *out, const struct duo_baseline_variant *v)
{
    int column = 0;
    for (int i = 0, last; i < v->n_asked; i = last + 1) {
        char range[40];
        for (last = i; last + 1 < v->n_asked && v->asked[last + 1] == v->asked[last] + 1; last++) {}
        if (last > i) snprintf(range, sizeof range, " %d-%d", v->asked[i], v->asked[last]);
        else          snprintf(range, sizeof range, " %d", v->asked[i]);
        if (column + (int)strlen(range) > DUO_CELLS_A_LINE) column = 0;
        if (column == 0) fputs(i ? "\nasked" : "asked", out);
        column += fprintf(out, "%s", range);
    }
    if (v->n_asked) putc('\n', out);
}

static char symbol(double quality)
{
    return isnan(quality) ? '-' : duo_sixtieths[(int)lround(quality * 60)];
}

/* Lines without a known cell are left out. */
static void print_cells(FILE *out, char key, const double *cell, int n)
{
    for (int from = 0; from < n; from += DUO_CELLS_A_LINE) {
        int to = from + DUO_CELLS_A_LINE < n ? from + DUO_CELLS_A_LINE : n, known = 0;
        for (int i = from; i < to; i++) known += !isnan(cell[i]);
        if (!known) continue;
        fprintf(out, "%c %d ", key, from);
        for (int i = from; i < to; i++) putc(symbol(cell[i]), out);
        putc('\n', out);
    }
}

static void print_label(FILE *out, const struct duo_baseline_variant *v, const struct duo_baseline_label *l)
{
    fprintf(out, "label %s\npolicy %s\n", l->label, l->policy);
    if (*l->params) fprintf(out, "params %s\n", l->params);
    if (l->cheats) fputs("truth\n", out);
    for (int m = 0; m < DUO_N_METRICS; m++) {
        bool known = !isnan(l->value[m]);
        for (int s = 0; s < v->n_seeds; s++) known |= !isnan(l->seed[s][m]);
        if (!known) continue;
        fprintf(out, "metric %s", duo_metric_info[m].name);
        print_number(out, l->value[m]);
        fputs(" :", out);
        for (int s = 0; s < v->n_seeds; s++) print_number(out, l->seed[s][m]);
        putc('\n', out);
    }
    for (int i = 0; i < l->n_answers; i++) {
        const struct duo_answers_of *a = &l->answers[i];
        if (a->seed < 0) fputs("block all\n", out);
        else             fprintf(out, "block %lld\n", (long long)a->seed);
        print_cells(out, 'q', a->quality, v->n_asked);
        if (a->answered) print_cells(out, 'a', a->answered, v->n_asked);
    }
}

static void print_all(FILE *out, const struct duo_baseline *b)
{
    fprintf(out, "duosim baseline %d\nscenario %s\nmade %s\nsampling %d %016llx\n", DUO_BASELINE_FORMAT, b->scenario, b->made, b->sampling,
            (unsigned long long)b->draws);
    for (int i = 0; i < b->n_inputs; i++) fprintf(out, "input %016llx %s\n", (unsigned long long)b->inputs[i].hash, b->inputs[i].name);
    for (int i = 0; i < b->n_variants; i++) {
        const struct duo_baseline_variant *v = &b->variants[i];
        fprintf(out, "variant%s%s\nseeds", *v->variant ? " " : "", v->variant);
        for (int s = 0; s < v->n_seeds; s++) fprintf(out, " %lld", (long long)v->seeds[s]);
        putc('\n', out);
        print_asked(out, v);
        for (int k = 0; k < v->n_labels; k++) print_label(out, v, &v->labels[k]);
    }
}

char *duo_baseline_text(const struct duo_baseline *b, size_t *n)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, n);
    print_all(out, b);
    fflush(out);
    int lines = 0;
    for (size_t i = 0; i < *n; i++) lines += text[i] == '\n';
    uint64_t sum = duo_hash_bytes(0, text, *n);
    fprintf(out, "end %d %016llx\n", lines, (unsigned long long)sum);
    fclose(out);
    return text;
}

/* ---- the file */

static bool write_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, text, n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        text += wrote;
        n -= (size_t)wrote;
    }
    return fsync(fd) == 0 || errno == EINVAL;
}

enum duo_status duo_baseline_save(const struct duo_baseline *b, const char *path, struct duo_err *err)
{
    size_t n, room = strlen(path) + 16;
    char *beside = duo_new(room, 1), *text = duo_baseline_text(b, &n);
    mode_t mask = umask(0);
    umask(mask);
    snprintf(beside, room, "%s.XXXXXX", path);
    int fd = mkstemp(beside);
    int why = fd < 0 ? errno : 0;
    if (fd >= 0) {
        if (fchmod(fd, 0666 & ~mask) != 0 || !write_all(fd, text, n)) why = errno;
        if (close(fd) != 0 && !why) why = errno;
        if (!why && rename(beside, path) != 0) why = errno;
        if (why) unlink(beside);
    }
    free(beside);
    free(text);
    if (!why) return DUO_OK;
    return duo_fail_at(err, why == ENOSPC || why == EDQUOT || why == EFBIG || why == EIO ? DUO_NO_RESOURCES : DUO_BAD_INPUT, path, 0, 0, "%s",
                       strerror(why));
}
