/* main.c - the subcommands of duosim, and how each reads its options. */
#include <errno.h>
#include <getopt.h>
#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/app/app.h"
#include "sim/net.h"

static const struct duo_command *const commands[] = {
    &duo_cmd_run, &duo_cmd_check, &duo_cmd_table, &duo_cmd_plot,
    &duo_cmd_estimate, &duo_cmd_validate, &duo_cmd_new,
    &duo_cmd_policies, &duo_cmd_scenarios, &duo_cmd_models, &duo_cmd_hardware, &duo_cmd_quants,
    &duo_cmd_radios, &duo_cmd_prices, &duo_cmd_carbon, &duo_cmd_runtimes, &duo_cmd_formats,
    &duo_cmd_generate, &duo_cmd_tasks, &duo_cmd_bench, &duo_cmd_calibrate, &duo_cmd_record,
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

const struct duo_command *const *duo_commands(int *n)
{
    *n = N_COMMANDS;
    return commands;
}

/* ---------------------------------------------------------------- options */

enum { MAX_OPTIONS = 32, ID_JSON = 1, ID_HELP = 'h' };

static bool given(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], flag) == 0) return true;
    return false;
}

void duo_args_init(struct duo_args *a, const struct duo_command *command, int argc, char **argv)
{
    *a = (struct duo_args) { .command = command, .argc = argc, .argv = argv, .json = given(argc, argv, "--json") };
}

static void print_option(const struct duo_option *o)
{
    char left[64];
    bool letter = o->id > ' ' && o->id < DUO_LONG_ONLY;
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", letter ? '-' : ' ', letter ? o->id : ' ', letter ? ", " : "  ",
             o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-28s %s\n", left, o->about);
}

static void print_help(const struct duo_command *c)
{
    printf("duosim %s %s\n%s\n\nOptions:\n", c->name, c->words, c->about);
    for (const struct duo_option *o = c->options; o->name; o++) print_option(o);
    print_option(&(struct duo_option) { ID_JSON, "json", NULL, "print JSON; errors, too" });
    print_option(&(struct duo_option) { ID_HELP, "help", NULL, "this" });
    printf("\nExample:\n%s", c->example);
}

void duo_usage(const struct duo_args *a, const char *fmt, ...)
{
    struct duo_err err = { 0 };
    va_list list;
    va_start(list, fmt);
    vsnprintf(err.text, sizeof err.text, fmt, list);
    va_end(list);
    err.status = DUO_BAD_INPUT;
    exit(duo_finish(a, DUO_BAD_INPUT, &err));
}

static _Noreturn void unknown_option(const struct duo_args *a, const char *text)
{
    const char *names[MAX_OPTIONS];
    size_t n = 0;
    for (const struct duo_option *o = a->command->options; o->name; o++) names[n++] = o->name;
    names[n++] = "json";
    names[n++] = "help";
    char word[64];
    size_t dashes = strspn(text, "-");
    snprintf(word, sizeof word, "%.*s", (int)strcspn(text + dashes, "="), text + dashes);
    const char *near = dashes == 2 ? duo_nearest(word, names, n) : NULL;
    if (near) duo_usage(a, "%s: unknown option %s (did you mean --%s?)", a->command->name, text, near);
    duo_usage(a, "%s: unknown option %s; duosim %s --help lists them", a->command->name, text, a->command->name);
}

int duo_args_next(struct duo_args *a, const char **value)
{
    struct option longs[MAX_OPTIONS] = { { 0 } };
    char shorts[2 * MAX_OPTIONS + 2] = ":h";
    int n = 0;
    size_t at = 2;
    for (const struct duo_option *o = a->command->options; o->name; o++) {
        longs[n++] = (struct option) { o->name, o->value ? required_argument : no_argument, NULL, o->id };
        if (o->id >= DUO_LONG_ONLY) continue;
        shorts[at++] = (char)o->id;
        if (o->value) shorts[at++] = ':';
    }
    longs[n++] = (struct option) { "json", no_argument, NULL, ID_JSON };
    longs[n++] = (struct option) { "help", no_argument, NULL, ID_HELP };

    opterr = 0;
    for (;;) {
        int id = getopt_long(a->argc, a->argv, shorts, longs, NULL);
        char letter[3] = { '-', (char)optopt, 0 };
        bool is_short = optopt > ' ' && optopt < DUO_LONG_ONLY && a->argv[optind - 1][1] != '-';
        switch (id) {
        case -1:
            a->n_words = a->argc - optind;
            a->words = a->argv + optind;
            return -1;
        case ID_JSON: break;
        case ID_HELP: print_help(a->command); exit(DUO_OK);
        case ':': duo_usage(a, "%s: %s needs a value", a->command->name, is_short ? letter : a->argv[optind - 1]);
        case '?': unknown_option(a, is_short ? letter : a->argv[optind - 1]);
        default: *value = optarg; return id;
        }
    }
}

int duo_choice(const struct duo_args *a, const char *option, const char *value, const char *const *choices, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(value, choices[i]) == 0) return i;
    char list[256] = "";
    for (int i = 0; i < n; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", choices[i]);
    const char *near = duo_nearest(value, choices, (size_t)n);
    if (near) duo_usage(a, "%s: %s %s is none of %s (did you mean %s?)", a->command->name, option, value, list, near);
    duo_usage(a, "%s: %s %s is none of %s", a->command->name, option, value, list);
}

int duo_whole(const struct duo_args *a, const char *option, const char *value, int low, int high)
{
    char *end;
    errno = 0;
    long x = strtol(value, &end, 10);
    if (errno || end == value || *end || x < low || x > high)
        duo_usage(a, "%s: %s: a whole number from %d to %d expected; got %s", a->command->name, option, low, high, value);
    return (int)x;
}

double duo_real(const struct duo_args *a, const char *option, const char *value, double low, double high)
{
    char *end;
    errno = 0;
    double x = strtod(value, &end);                  /* the locale is "C" */
    if (errno || end == value || *end || !(x >= low && x <= high))
        duo_usage(a, "%s: %s: a number from %g to %g expected; got %s", a->command->name, option, low, high, value);
    return x;
}

int duo_finish(const struct duo_args *a, enum duo_status status, const struct duo_err *err)
{
    if (status == DUO_OK || err->status == DUO_OK) return (int)status;
    fflush(stdout);
    if (!a->json && !err->file[0]) fputs("duosim: ", stderr);
    duo_err_print(stderr, err, a->json);
    return (int)status;
}

/* ---------------------------------------------------------------- main */

static void print_usage(FILE *out)
{
    fprintf(out, "duosim: how a small language model on a device and a large one in the cloud share the work\n\n"
                 "Usage: duosim COMMAND [OPTION]... [WORD]...\n\nCommands:\n");
    for (int i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->about);
    fprintf(out, "\n  duosim COMMAND --help   options and an example\n  duosim --version\n\n"
                 "Exit: 0 done, 1 an expectation fell short, 2 bad input or usage, 3 a run failed, 4 out of memory or disk.\n"
                 "Example: duosim run quickstart --seed 1..3 --out mine.db\n");
}

/* (4) A full disk behind stdout must not look like success; a reader that went away is no error. */
static int end(int status)
{
    struct stat s;
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    if (fstat(STDOUT_FILENO, &s) == 0 && (S_ISFIFO(s.st_mode) || S_ISSOCK(s.st_mode))) return status;
    fprintf(stderr, "duosim: stdout: could not be written whole; is the disk full?\n");
    return status == DUO_OK ? (int)DUO_NO_RESOURCES : status;
}

static int dispatch(int argc, char **argv)
{
    static const struct duo_command top = { .name = "duosim" };
    struct duo_args a;
    duo_args_init(&a, &top, argc, argv);
    if (argc < 2) return print_usage(stderr), DUO_BAD_INPUT;
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) return print_usage(stdout), DUO_OK;
    if (strcmp(word, "--version") == 0) {
        printf("duosim %s, network: %s\n", DUO_VERSION, duo_net_version(duo_net_has_simgrid() ? DUO_NET_SIMGRID : DUO_NET_FLUID));
        return DUO_OK;
    }
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
        if (strcmp(word, names[i]) == 0) return commands[i]->run(commands[i], argc - 1, argv + 1);
    }
    const char *near = duo_nearest(word, names, N_COMMANDS);
    if (near) duo_usage(&a, "unknown command %s (did you mean %s?)", word, near);
    duo_usage(&a, "unknown command %s; duosim --help lists them", word);
}

int main(int argc, char **argv)
{
    /* The locale stays "C": a decimal point is a point everywhere.  A reader that goes away ends the writing, not us. */
    signal(SIGPIPE, SIG_IGN);
    gsl_set_error_handler_off();
    return end(dispatch(argc, argv));
}
