/* baseline.h - what a scenario's results were: a text file beside the scenario that `duosim check` compares with.
 *
 * (1) The format is in BASELINE.md.  Same results, same bytes; one change moves few lines.
 * (2) Read strictly: another format, another line than is due, a number that is none, lines that don't add up to the last
 *     one's sum are one error with file and line.  A file cut short at any byte is told.
 * (3) Numbers have 9 significant digits, and those of new results are rounded the same before they are compared: what
 *     did not move differs by nothing.
 * (4) Quality by question, in sixtieths (exact for 0 and 1, means over 2 to 6 seeds, tenths, thirds): with questions that
 *     all seeds share a mean over the seeds; where each seed has questions of its own (synthetic answers) seed by seed.
 * (5) Written to a temporary file beside it, which is renamed: half a baseline is never there. */
#ifndef DUO_ANALYSIS_BASELINE_H
#define DUO_ANALYSIS_BASELINE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "analysis/summary.h"

enum { DUO_BASELINE_FORMAT = 1, DUO_BASELINE_QUESTIONS = 50000 };     /* of a variant and seed, at most */

struct duo_input { char *name; uint64_t hash; };                     /* of what went in: "arrivals", "hardware/h100-sxm" */

/* (4) One cell a question of the variant: NAN: not asked, or not known. */
struct duo_answers_of {
    int64_t seed;                            /* -1: mean over all seeds */
    double *quality;                         /* failed and pending count 0 */
    double *answered;                        /* of the answered; NULL: the same, nothing failed */
};

struct duo_baseline_label {
    char  *label, *policy, *params;
    bool   cheats;
    double value[DUO_N_METRICS];             /* NAN: not known */
    double (*seed)[DUO_N_METRICS];           /* [n_seeds of the variant] */
    int    n_answers; struct duo_answers_of *answers;
};

struct duo_baseline_variant {
    char    *variant;
    int      n_seeds; int64_t *seeds;
    int      n_asked; int *asked;            /* questions, ascending */
    int      n_labels; struct duo_baseline_label *labels;
};

struct duo_baseline {
    char    *scenario, *made;                /* made: by which program, for people */
    int      sampling;                       /* DUO_SAMPLING_VERSION, and what its draws are */
    uint64_t draws;
    int      n_inputs;   struct duo_input *inputs;              /* by name, ascending */
    int      n_variants; struct duo_baseline_variant *variants;
};

/* From the results in a database that has its summary; NULL: what went in alone.  `scenario`, `made`, `inputs` are copied. */
enum duo_status duo_baseline_make(struct duo_baseline *, sqlite3 *, const char *scenario, const char *made,
                                  const struct duo_input *, int n_inputs, struct duo_err *);
/* Is the file there, and a baseline, whole or not? */
bool            duo_baseline_is(const char *path);
enum duo_status duo_baseline_read(struct duo_baseline *, const char *path, struct duo_err *);
enum duo_status duo_baseline_parse(struct duo_baseline *, const char *text, size_t n, const char *path, struct duo_err *);
char           *duo_baseline_text(const struct duo_baseline *, size_t *n);
enum duo_status duo_baseline_save(const struct duo_baseline *, const char *path, struct duo_err *);       /* (5) */
void            duo_baseline_free(struct duo_baseline *);

/* (3) */
double duo_baseline_round(double);

const struct duo_baseline_variant *duo_baseline_variant(const struct duo_baseline *, const char *variant);   /* NULL: none */
const struct duo_baseline_label   *duo_baseline_label(const struct duo_baseline_variant *, const char *label);

/* A hash of what the program draws by name: another one, other days. */
uint64_t duo_baseline_draws(void);

#endif
