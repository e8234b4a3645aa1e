/* baseline_inside.h - what the files of the baseline share. */
#ifndef DUO_ANALYSIS_BASELINE_INSIDE_H
#define DUO_ANALYSIS_BASELINE_INSIDE_H

enum { DUO_CELLS_A_LINE = 80 };

extern const char duo_sixtieths[];           /* 61 letters, of 0/60 to 60/60 */

#endif
