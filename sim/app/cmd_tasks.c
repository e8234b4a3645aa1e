/* cmd_tasks.c - the pair's own tasks, printed: one JSON object a line. */
#include <limits.h>

#include "models/pair/tasks.h"
#include "sim/app/app.h"

enum { SPLIT = DUO_LONG_ONLY, SEED, ROWS, FIRST, EASY };

static const struct duo_option options[] = {
    { 'f',   "family", "NAME",  "of this family only; default: all in turn" },
    { 'n',   "n",      "N",     "so many; default: 20" },
    { SPLIT, "split",  "NAME",  "train, calibration or test (default): they share no prompt" },
    { SEED,  "seed",   "N",     "default: 1" },
    { ROWS,  "rows",   NULL,    "rows to train on: [[prompt, answer], ...], the first in test form, further ones about the same context" },
    { FIRST, "first",  "N",     "with --rows: from this row; default: 0" },
    { EASY,  "easy",   "SHARE", "with --rows: 0 (default): levels alike; to 1: easy ones first" },
    { 0 }
};

#define X(name, about) #name,
static const char *const families[] = { DUO_TASK_FAMILIES(X) };
#undef X

static enum duo_status check_file(const char *path, struct duo_err *err)
{
    struct duo_tasks list;
    DUO_TRY(duo_tasks_read(&list, path, err));
    for (int i = 0; i < list.n; i++) duo_task_print(stdout, &list.at[i]);
    duo_tasks_free(&list);
    return DUO_OK;
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    static const char *const splits[] = { "train", "calibration", "test" };
    struct duo_args a;
    struct duo_err err = { 0 };
    const char *value;
    int family = -1, n = 20, split = DUO_TASK_TEST, seed = 1, first = 0;
    bool rows = false, own = false, of_rows = false;
    double easy = 0;
    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) switch (id) {
        case 'f':   own = true, family = duo_choice(&a, "--family", value, families, DUO_TASK_N); break;
        case 'n':   n = duo_whole(&a, "--n", value, 1, INT_MAX); break;
        case SPLIT: own = true, split = duo_choice(&a, "--split", value, splits, 3); break;
        case SEED:  seed = duo_whole(&a, "--seed", value, 0, INT_MAX); break;
        case ROWS:  rows = true; break;
        case FIRST: of_rows = true, first = duo_whole(&a, "--first", value, 0, INT_MAX); break;
        case EASY:  of_rows = true, easy = duo_real(&a, "--easy", value, 0, 1); break;
        }
    if (a.n_words > 1)    duo_usage(&a, "tasks: one file, please");
    if (rows && (own || a.n_words)) duo_usage(&a, "tasks: --rows mixes all families of split train; --family, --split and a file don't go with it");
    if (of_rows && !rows) duo_usage(&a, "tasks: --first and --easy go with --rows");
    if (a.n_words) return duo_finish(&a, check_file(a.words[0], &err), &err);
    if (rows) return duo_tasks_print_rows(stdout, (uint64_t)seed, first, n, easy), DUO_OK;
    for (int i = 0; i < n && !ferror(stdout); i++) {
        struct duo_task t = duo_task_make((uint64_t)seed, (enum duo_task_split)split, family, i);
        duo_task_print(stdout, &t);
        duo_task_free(&t);
    }
    return DUO_OK;
}

const struct duo_command duo_cmd_tasks = {
    .name = "tasks", .words = "[FILE.jsonl]", .about = "questions of our own that can be graded exactly; or check a file of yours",
    .example = "  duosim tasks --n 3\n  duosim tasks --family add --split calibration --n 100 >sums.jsonl\n  duosim tasks sums.jsonl\n",
    .options = options, .run = run,
};
