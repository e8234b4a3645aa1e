/* app.h - the command line: a table of subcommands, a table of options for each, and what they share.
 *
 * (1) GNU long options; -h and --help print to stdout and end with 0, an example included.
 * (2) An unknown subcommand, option or value is refused with the nearest known one, exit 2.
 * (3) Data go to stdout, all else to stderr; with --json an error is one object on stderr.
 * (4) Exit codes are enum duo_status.  What could not be written to stdout is DUO_NO_RESOURCES.
 * (5) What ships is found by sim/share.h: a scenario may be named by its file or by its name. */
#ifndef DUO_SIM_APP_H
#define DUO_SIM_APP_H

#include <stdbool.h>

#include "models/cost/cost.h"
#include "sim/base/err.h"

struct duo_option {
    int         id;                  /* a letter is the short form, too; else from DUO_LONG_ONLY up */
    const char *name, *value, *about;    /* value NULL: a flag */
};
enum { DUO_LONG_ONLY = 256 };

struct duo_command {
    const char *name, *words, *about;    /* words: what stands behind the options, for the help */
    const char *example;                 /* lines of the help */
    const struct duo_option *options;    /* ends with a zeroed one; --json and --help are added by (1) and (3) */
    int (*run)(const struct duo_command *, int argc, char **argv);
};

extern const struct duo_command duo_cmd_run, duo_cmd_check, duo_cmd_table, duo_cmd_plot, duo_cmd_new;
extern const struct duo_command duo_cmd_policies, duo_cmd_scenarios, duo_cmd_models, duo_cmd_hardware, duo_cmd_formats;
extern const struct duo_command duo_cmd_quants, duo_cmd_radios, duo_cmd_prices, duo_cmd_carbon, duo_cmd_runtimes;
extern const struct duo_command duo_cmd_generate, duo_cmd_bench, duo_cmd_calibrate, duo_cmd_estimate, duo_cmd_validate, duo_cmd_tasks, duo_cmd_record;
const struct duo_command *const *duo_commands(int *n);

struct duo_args {
    const struct duo_command *command;
    bool   json;                     /* --json was given */
    int    argc, n_words;
    char **argv, **words;            /* words: what is left when duo_args_next has returned -1 */
};

void duo_args_init(struct duo_args *, const struct duo_command *, int argc, char **argv);
/* The id of the next option, its value in *value; -1 after the last.  --help and a wrong option end the program. */
int  duo_args_next(struct duo_args *, const char **value);
/* A wrong use: one line, and the end with exit 2. */
_Noreturn void duo_usage(const struct duo_args *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Exactly one of `n` choices, or the end by (2); returns its index. */
int  duo_choice(const struct duo_args *, const char *option, const char *value, const char *const *choices, int n);
/* A whole number in [low, high], or the end by duo_usage. */
int  duo_whole(const struct duo_args *, const char *option, const char *value, int low, int high);
double duo_real(const struct duo_args *, const char *option, const char *value, double low, double high);
/* Print *err, unless `status` came without a message; returns `status`. */
int  duo_finish(const struct duo_args *, enum duo_status, const struct duo_err *);

/* A database for reading; what is none, or not one of ours, is refused by name. */
struct sqlite3;
enum duo_status duo_app_open(struct sqlite3 **, const char *path, struct duo_err *);
/* The catalogue that ships, and the folders laid over it: --catalogue DIR, repeatable. */
#define DUO_CATALOGUE_OPTION(id) { id, "catalogue", "DIR", "numbers of your own, laid over those that ship; repeatable" }
struct duo_layers { int n; const char *dir[8]; };
void duo_app_layer(const struct duo_args *, struct duo_layers *, const char *dir);
enum duo_status duo_app_catalogue(struct duo_catalogue **, const struct duo_layers *, struct duo_err *);
/* A table of the catalogue: all names, or one entry in detail. */
enum duo_status duo_app_list(const struct duo_args *, const char *which, const char *name, const struct duo_layers *, struct duo_err *);
/* The file of a scenario given by path or by name. */
enum duo_status duo_app_scenario(const char *text, char *path, size_t n, struct duo_err *);

/* Hold every expectation of the plan against the results: a line for each that fell short or can't be told, and a
 * count.  Those of labels that are not in the plan (any more) are left out.  DUO_FELL_SHORT, or DUO_OK. */
struct duo_summary;
struct duo_plan;
enum duo_status duo_app_expect(FILE *, const struct duo_summary *, const struct duo_plan *, struct duo_err *);

#endif
