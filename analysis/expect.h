/* expect.h - one expectation held against the summary.
 *
 * (1) No variant: every variant.  No label: every label.  It holds when it holds everywhere.
 * (2) A column is one of DUO_METRICS, low_ or high_ of one, cheats, seeds or failed_runs.
 * (3) What is not known, and a label whose runs all failed, is unknown: neither held nor not. */
#ifndef DUO_ANALYSIS_EXPECT_H
#define DUO_ANALYSIS_EXPECT_H

#include "analysis/summary.h"

enum duo_expect_op { DUO_EXPECT_EQ, DUO_EXPECT_LE, DUO_EXPECT_GE, DUO_EXPECT_LT, DUO_EXPECT_GT, DUO_EXPECT_BETWEEN };
enum duo_expect_result { DUO_EXPECT_HELD, DUO_EXPECT_NOT, DUO_EXPECT_UNKNOWN };

struct duo_expectation {
    const char *variant, *label, *column;                /* NULL variant, label: every one */
    enum duo_expect_op op;
    double      low, high;                               /* the value in low, or the range */
    const char *other_label, *other_column;              /* not NULL: compared with factor x that cell of the same variant */
    double      factor;
};

/* `text`: the first cell where it did not hold (or is unknown; or, held, the last one looked at), with both
 * values: "wifi/cascade.quality is 0.71, expected >= 0.74 (edge_only.quality)".
 * DUO_BAD_INPUT: no such variant, label or column, with the nearest. */
enum duo_status duo_expect_check(const struct duo_summary *, const struct duo_expectation *, enum duo_expect_result *,
                                 char *text, size_t n, struct duo_err *);

#endif
