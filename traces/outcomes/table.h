/* table.h - for the importers of this room: what a column of a file is.  An importer only looks at the header. */
#ifndef DUO_OUTCOMES_TABLE_H
#define DUO_OUTCOMES_TABLE_H

#include "sim/base/csv.h"
#include "traces/outcomes/outcomes.h"

enum duo_field_kind { DUO_F_IGNORED, DUO_F_ID, DUO_F_PROMPT_TOKENS, DUO_F_PROMPT_CHARS, DUO_F_MEASURE, DUO_F_FEATURE, DUO_F_SCORE,
                      DUO_F_SPLIT, DUO_F_DROP };       /* DROP: a row with 1 there is dropped */

struct duo_field {
    enum duo_field_kind kind;
    enum duo_measure    measure;
    int                 index;                         /* voice, feature or score */
};

struct duo_table {
    struct duo_outcomes *to;
    struct duo_field    *field;                        /* one a column */
};

struct duo_outcome_format {
    const char *name, *about;
    bool            (*is)  (const struct duo_csv *);
    enum duo_status (*map) (const struct duo_csv *, struct duo_table *, struct duo_err *);   /* NULL: not a table of outcomes */
    const char *why_dropped;
    /* Or, where a query's answers stand in several places: */
    bool            (*is_text)(const char *head);
    enum duo_status (*gather) (const struct duo_outcome_source *, struct duo_outcomes *, struct duo_err *);
    bool takes_metric, takes_columns;
};

extern const struct duo_outcome_format duo_outcomes_duosim, duo_outcomes_routerbench, duo_outcomes_routellm, duo_outcomes_llmrouter,
                                       duo_outcomes_accepts, duo_outcomes_lm_eval, duo_outcomes_csv, duo_outcomes_vllm,
                                       duo_outcomes_litellm, duo_outcomes_otel;

/* Names are added once; the index of an old or new one. */
int  duo_table_voice  (struct duo_table *, const char *name, size_t n);
void duo_table_feature(struct duo_table *, int column, const char *name);
void duo_table_score  (struct duo_table *, int column, const char *name);
void duo_table_measure(struct duo_table *, int column, int voice, enum duo_measure);
/* The column must be there. */
enum duo_status duo_table_need(const struct duo_csv *, struct duo_table *, const char *name, enum duo_field_kind, struct duo_err *);
/* Columns NAME<bar>ENDING of the measures in `ending` (NULL: not one of the format); each voice needs those that `needed`
 * (a mask) lists. */
enum duo_status duo_table_barred(const struct duo_csv *, struct duo_table *, const char *const ending[DUO_MEASURES], unsigned needed,
                                 struct duo_err *);

#endif
