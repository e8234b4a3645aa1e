/* engine.h - run a scenario given as text, in a test: rows as structs.
 *
 * ENGINE_BASE is a small quiet world that tests add to or override with settings. */
#ifndef DUO_TESTS_ENGINE_H
#define DUO_TESTS_ENGINE_H

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/run.h"
#include "sim/share.h"
#include "tests/check.h"

struct engine_out {
    enum duo_status         status;
    struct duo_err          err;
    struct duo_row_run      run;
    struct duo_row_request *request;      /* by id */
    int                     n;
    struct duo_row_server   server[64];
    int                     n_servers;
    struct duo_row_link     link[64];
    int                     n_links;
    struct duo_row_device   device[8];
    int                     n_devices;
};

static struct duo_catalogue *engine_catalogue;
static bool engine_singly;                /* servers advance one iteration an event */
static struct duo_domains   *engine_domains;     /* NULL: no run is asked for its domain */

static inline void engine_cells(void *row, const struct duo_table *t, const struct duo_cell *cells)
{
    for (int i = 0; i < t->n; i++) {
        char *at = (char *)row + t->columns[i].offset;
        if (t->columns[i].kind == 'R') memcpy(at, &cells[i].real, sizeof(double));
        else if (t->columns[i].kind == 'I') memcpy(at, &cells[i].whole, sizeof(int64_t));
        else snprintf(at, 256, "%.*s", cells[i].length, cells[i].text ? cells[i].text : "");
    }
}

static inline void engine_read(struct engine_out *o, int fd)
{
    struct stat st;
    unsigned char *all;
    const unsigned char *at, *end;
    enum duo_table_id table;
    struct duo_cell cells[DUO_MAX_COLUMNS];
    long k;

    fstat(fd, &st);
    if (st.st_size == 0) return;
    all = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    at = all, end = all + st.st_size;
    while ((k = duo_row_read(at, end, &table, cells)) > 0) {
        at += k;
        if (table == DUO_TABLE_END) break;
        if (table == DUO_TABLE_run) duo_row_fill(&o->run, cells);
        else if (table == DUO_TABLE_request) {
            struct duo_row_request row;
            engine_cells(&row, &duo_tables[table], cells);
            if (row.id >= o->n) {
                o->request = duo_grow(o->request, (size_t)row.id + 1, sizeof *o->request);
                o->n = (int)row.id + 1;
            }
            o->request[row.id] = row;
        } else if (table == DUO_TABLE_server && o->n_servers < 64) engine_cells(&o->server[o->n_servers++], &duo_tables[table], cells);
        else if (table == DUO_TABLE_device && o->n_devices < 8) engine_cells(&o->device[o->n_devices++], &duo_tables[table], cells);
        else if (table == DUO_TABLE_link && o->n_links < 64) engine_cells(&o->link[o->n_links++], &duo_tables[table], cells);
    }
    munmap(all, (size_t)st.st_size);
}

/* Run the policy `label` of the scenario text under `seed`.  SimGrid runs in a child of its own. */
static inline struct engine_out engine_run(const char *yaml, const char *const *set, int n_set, const char *label, uint64_t seed, enum duo_net_kind net)
{
    struct engine_out o = { .status = DUO_OK };
    struct duo_plan plan;
    char file[] = "/tmp/duosim-engine-XXXXXX", rows_file[] = "/tmp/duosim-rows-XXXXXX", dir[4096];
    int fd = mkstemp(file), rows = mkstemp(rows_file);
    struct duo_run_spec spec = { .seed = seed, .net = net, .policy = -1, .step_singly = engine_singly };
    bool too_many = false;

    unlink(rows_file);
    if (write(fd, yaml, strlen(yaml)) < 0) abort();
    close(fd);
    if (!engine_catalogue && (duo_share_dir(DUO_SHARE_CATALOGUE, dir, sizeof dir, &o.err) || duo_catalogue_open(&engine_catalogue, dir, &o.err))) { printf("%s\n", o.err.text); abort(); }
    o.status = duo_plan_read(&plan, file, set, n_set, &o.err);
    unlink(file);
    if (o.status) { close(rows); return o; }
    for (int i = 0; i < plan.variants[0].n_policies; i++)
        if (strcmp(plan.variants[0].policies[i].label, label) == 0) spec.policy = i;
    if (spec.policy < 0) { printf("no policy %s in the test's scenario\n", label); abort(); }
    spec.scenario = &plan.variants[0], spec.catalogue = engine_catalogue, spec.domains = engine_domains;
    if (net == DUO_NET_SIMGRID) {
        int status;
        pid_t child;
        fflush(stdout);
        child = fork();
        if (child == 0) {
            struct duo_rows *r = duo_rows_new(rows);
            o.status = duo_run(&spec, r, &too_many, &o.err);
            if (o.status) fprintf(stderr, "%s\n", o.err.text);
            _exit((int)o.status);
        }
        waitpid(child, &status, 0);
        o.status = WIFEXITED(status) ? (enum duo_status)WEXITSTATUS(status) : DUO_RUN_FAILED;
    } else {
        struct duo_rows *r = duo_rows_new(rows);
        struct duo_row_run none;
        o.status = duo_run(&spec, r, &too_many, &o.err);
        duo_row_run_init(&none);
        if (o.status == DUO_BAD_INPUT) duo_rows_end(r, &none, NULL);       /* it never began, and left them to us */
    }
    engine_read(&o, rows);
    close(rows);
    duo_plan_free(&plan);
    return o;
}

static inline void engine_free(struct engine_out *o) { free(o->request); }

#define ENGINE_MEAN(o, column)                                                          \
    __extension__ ({ double engine_s = 0; int engine_k = 0;                             \
       for (int engine_i = 0; engine_i < (o)->n; engine_i++)                            \
           if ((o)->request[engine_i].status == 0) engine_s += (double)(o)->request[engine_i].column, engine_k++; \
       engine_k ? engine_s / engine_k : NAN; })

static inline struct duo_cost *engine_cost(const char *model, const char *hardware, const char *quant)
{
    struct duo_cost *c;
    struct duo_err err = { 0 };

    if (duo_cost_new(&c, engine_catalogue, &(struct duo_cost_spec){ .model = model, .hardware = hardware, .quant = quant }, &err)) { printf("%s\n", err.text); abort(); }
    return c;
}

#endif
