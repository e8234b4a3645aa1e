/* law_stretch.c - servers that advance many iterations in one event leave the same rows as servers that advance one each:
 * policies of every kind, in a world of memories so small that texts are evicted and jobs preempted, the cloud's model being
 * a plain one, or a mixture with windows on every second layer (of 128 tokens, so that they are passed). */
#include "tests/engine.h"

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);

    if (!f || fread(text, 1, (1 << 16) - 1, f) == 0) { free(text); text = NULL; }
    if (f) fclose(f);
    return text;
}

static void world(const char *yaml, const char *model)
{
    char cloud[80];
    const char *const set[] = {
        cloud, "arrivals.process=at_once", "answers.synthetic.sessions=2", "arrivals.think=1 s", "places.cloud.kv_tokens=700", "places.edge.kv_tokens=500",
        "places.cloud.scheduling=priority", "devices.board.priority=1", "places.cloud.chunk=64" };
    static const char *const labels[] = {
        "cloud_only", "random", "cascade", "three_tiers", "at_gateway", "hedged", "draft_verify", "parallel_draft", "layer_split", "early_exit", "TEMPLATE" };
    const int n_set = sizeof set / sizeof *set;

    snprintf(cloud, sizeof cloud, "places.cloud.model=%s", model);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct engine_out many, one;
        double preempted = 0, evicted = 0;
        engine_singly = false;
        many = engine_run(yaml, set, n_set, labels[i], 1, DUO_NET_FLUID);
        engine_singly = true;
        one = engine_run(yaml, set, n_set, labels[i], 1, DUO_NET_FLUID);
        CHECK_INT(many.status, DUO_OK); CHECK_INT(one.status, DUO_OK);
        CHECK_INT(many.n, one.n);
        CHECK_INT(one.run.pending, 0);                    /* a stream that is too late brings no answer (TEMPLATE) */
        CHECK(many.n == one.n && memcmp(many.request, one.request, (size_t)one.n * sizeof *one.request) == 0);
        CHECK(memcmp(many.server, one.server, sizeof one.server) == 0);
        CHECK(memcmp(&many.run.itl_p99, &one.run.itl_p99, sizeof(double)) == 0);
        CHECK(many.run.events <= one.run.events);
        for (int s = 0; s < one.n_servers; s++) preempted += (double)one.server[s].preempted, evicted += (double)one.server[s].evicted;
        printf("%s, %s: %lld events, singly %lld; %.0f preempted, %.0f evicted\n", model, labels[i], (long long)many.run.events,
               (long long)one.run.events, preempted, evicted);
        if (i == 0) CHECK(preempted > 10);
        engine_free(&many), engine_free(&one);
    }
}

int main(void)
{
    const char *root = getenv("DUOSIM_SOURCE");
    char path[512];
    char *yaml;

    snprintf(path, sizeof path, "%s/tests/conformance/base.yaml", root ? root : ".");
    if (!(yaml = read_all(path))) { CHECK_SKIP("DUOSIM_SOURCE is not set"); return check_done(); }
    world(yaml, "llama-3.1-8b");
    world(yaml, "gpt-oss-20b");
    free(yaml);
    duo_catalogue_free(engine_catalogue);
    return check_done();
}
