/* share.h - where the files that ship with the program lie: scenarios, the catalogue, calibration, figures, recordings,
 * the model pair, the module for policies in Python, what policies start from.
 *
 * (1) A kind is looked for below $DUOSIM_SHARE; else in the source tree (the pair: the build tree), for a program that was not installed;
 *     else in ../share/duosim beside the program's folder; else where it was configured to be installed.
 * (2) $DUOSIM_SHARE that lacks the kind is an error, never a silent fall-back. */
#ifndef DUO_SIM_SHARE_H
#define DUO_SIM_SHARE_H

#include <stddef.h>

#include "sim/base/err.h"

enum duo_share { DUO_SHARE_SCENARIOS, DUO_SHARE_CATALOGUE, DUO_SHARE_CALIBRATION, DUO_SHARE_FIGURES, DUO_SHARE_RECORDED, DUO_SHARE_PAIR,
                 DUO_SHARE_PYTHON, DUO_SHARE_POLICIES, DUO_SHARE_KINDS };

/* The folder of one kind. */
enum duo_status duo_share_dir(enum duo_share, char *path, size_t n, struct duo_err *);

/* The names in it that end with `suffix`, without it, sorted.  The caller frees each and the array. */
enum duo_status duo_share_names(enum duo_share, const char *suffix, char ***names, int *n, struct duo_err *);

/* One file of a kind by its name: DUO_SHARE_PAIR, "edge-q8_0.gguf". */
enum duo_status duo_share_file(enum duo_share, const char *name, char *path, size_t n, struct duo_err *);

#endif
