/* outcomes.h - what models answered to the same questions, and how a drafter's tokens agreed with a verifier's: tables
 * and logs that others recorded.  One importer a file, one table of formats (table.c); traces/outcomes/README.md describes them.
 *
 * (1) Every row is accounted for: read = emitted + dropped, by reason.  A missing column or value, what is not a
 *     number, a quality outside [0, 1], an id given twice, a file without rows: an error with file and line, and
 *     with the column where there is one.
 * (2) Unknown is NAN: an optional column that is not there, an empty cell of one.
 * (3) Accept lists are kept as ranks: for each position of the verifier's text, the rank of its token in the
 *     drafter's distribution after that text.  1 is agreement.  A recorded verify step that added n tokens means
 *     n - 1 agreements, then a position whose rank is only known to be above 1; where the draft had run out (or
 *     nobody recorded whether), not even that is known: the position is censored.  Every later step starts behind
 *     it, on the verifier's text again, so that every other position's rank is exact at any draft length.
 * (4) Several files, one a model (or more), are joined by the query's id.  A query that not every model answered, or that
 *     is there a second time, is dropped; `note` counts them, by model, and names the first. */
#ifndef DUO_TRACES_OUTCOMES_H
#define DUO_TRACES_OUTCOMES_H

#include <stdint.h>

#include "sim/base/err.h"

/* What was recorded of one voice's answer to one query; the text is the column's ending in our own form. */
#define DUO_MEASURES_OF(X)                                                                              \
    X(QUALITY, "score") X(TOKENS, "tokens") X(CHARS, "chars") X(COST, "cost") X(CONFIDENCE, "confidence") \
    X(MIN, "min") X(LAST, "last") X(MARGIN, "margin") X(ENTROPY, "entropy")

enum duo_measure {
#define X(name, text) DUO_M_##name,
    DUO_MEASURES_OF(X)
#undef X
    DUO_MEASURES
};

struct duo_outcomes {
    const char *format;                       /* the importer's name */
    int      n, n_voices, n_features, n_scores;
    char   **id, **voices, **features, **scores;
    int     *line;                            /* of each row */
    double  *prompt_tokens, *prompt_chars;    /* [n] */
    double  *value[DUO_MEASURES];             /* [n * n_voices], NAN: unknown; NULL: no voice has it. COST in $ */
    double  *feature, *score;                 /* [n * n_features], [n * n_scores] */
    signed char *split;                       /* [n] 1 train, 0 test; -1: the file doesn't say */
    int64_t  read, emitted, dropped;          /* rows, or, of several files or a long table: queries */
    const char *why;                          /* rows were dropped, or NULL */
    char     note[480];                       /* what was dropped, in words; "": nothing */
};

/* `format` NULL: found from the file. */
enum duo_status duo_outcomes_read(struct duo_outcomes *, const char *path, const char *format, struct duo_err *);
void            duo_outcomes_free(struct duo_outcomes *);

struct duo_outcome_file   { char *voice, *path; };       /* voice NULL: the file names its own, or has but one */
struct duo_outcome_column { char *what, *column; };      /* "score" is in the column "acc" */
struct duo_outcome_source {
    int n_files; const struct duo_outcome_file *files;
    const char *format, *metric;              /* NULL: found from the first file; the one there is */
    int n_columns; const struct duo_outcome_column *columns;          /* format csv */
};
enum duo_status duo_outcomes_join(struct duo_outcomes *, const struct duo_outcome_source *, struct duo_err *);
/* The same, read once a process for the same request and bytes; children inherit it. */
enum duo_status duo_outcomes_keep(const struct duo_outcomes **, const struct duo_outcome_source *, struct duo_err *);
void            duo_outcomes_drop(const struct duo_outcomes *);                 /* NULL is fine */
/* What `what` of a column may be: the names, and their number; beside them f:NAME and s:NAME. */
int             duo_outcome_columns(const char *const **names);

enum { DUO_RANK_CENSORED = 0, DUO_RANK_AGREES = 1, DUO_RANK_OTHER = 2 };      /* 2: and above */

struct duo_accept_list {                      /* one turn of one question */
    char   *id;
    int     line, turn, turns;                /* turn: from 0 */
    int     steps, tokens;                    /* of the verifier's text; steps 0: not recorded */
    int     censored;                         /* positions before the last one */
    unsigned char *rank;                      /* [tokens] */
    double  prompt_tokens, prompt_chars;      /* of the new part of the prompt; NAN: unknown */
};

struct duo_accepts { int n; struct duo_accept_list *list; int64_t read, emitted; };    /* rows; a row's turns adjoin */

enum duo_status duo_accepts_read(struct duo_accepts *, const char *path, struct duo_err *);
void            duo_accepts_free(struct duo_accepts *);

/* The name of the format that the file's header shows ("accepts" for accept lists), or an error that lists them. */
enum duo_status duo_outcomes_detect(const char *path, const char **format, struct duo_err *);    /* *format: named, or NULL */

/* The table of formats: name and one line about each. */
int duo_outcome_formats(const char *const **names, const char *const **about);

#endif
