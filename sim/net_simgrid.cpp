/* net_simgrid.cpp - flows as SimGrid communications; the only file that names SimGrid.
 *
 * No actors: the engine is driven from outside, from event to event, by run_until.  One star zone; one host for each
 * route, whose links are the route's, and one sink.  Model CM02 without cross traffic, TCP window or latency: exact
 * max-min sharing.  What SimGrid does otherwise, and what is done about it here:
 *
 * (1) Bytes are whole numbers: bytes and bandwidths are scaled by 2^20.
 * (2) A communication is capped for life by the smallest bandwidth on its route at its start.  A link whose capacity
 *     has risen once lends its later flows a boundless bandwidth while they start; those under way are restarted.
 * (3) A bandwidth of 0 is ignored or aborts: net.c halts such routes; their flows wait as remainders.
 * (4) The kernel touches an activity after it has said that it is complete: references are dropped only after the
 *     engine's next return.
 * (5) run_until comes back up to 1e-5 s early: it is called again.  It goes on past completions: the set of "vetoed"
 *     activities, which stops it at the end of a scheduling round, is filled by the completion callback.
 * (6) One engine a process, whose clock never goes back: dates here are ours, `ahead` of SimGrid's.
 * (7) A cancelled communication keeps its share to the end of the next round: a round of no length goes before. */
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>
#include <simgrid/version.h>
#include <xbt/log.h>

#include <cassert>
#include <cmath>
#include <set>
#include <string>
#include <vector>

extern "C" {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"                /* in C a struct and a function may share a name */
#include "sim/net_inside.h"
#pragma GCC diagnostic pop
}

namespace s4u = simgrid::s4u;

namespace {

constexpr double scale = 1048576.0, boundless = 1e30;

struct own {
    s4u::Host                   *sink = nullptr;
    std::vector<s4u::Host *>     hosts;                  /* of routes */
    std::vector<s4u::Link *>     links;                  /* nullptr: no limit */
    std::vector<char>            rose;                   /* (2) */
    std::vector<s4u::CommPtr>    over, dropped;          /* (4); a round of the engine is done with them */
    long                         running = 0;
    double                       ahead = 0;              /* our date less SimGrid's */
};

bool             taken;
struct duo_net  *current;
std::set<s4u::Activity *> halt_now;                      /* (5) */

own &of(struct duo_net *net) { return *static_cast<own *>(net->own); }

double date(struct duo_net *net) { return s4u::Engine::get_clock() + of(net).ahead; }

s4u::Comm *comm_of(const struct duo_flow *f) { return static_cast<s4u::Comm *>(f->comm); }

#if SIMGRID_VERSION >= 33400
void completed(s4u::Comm const &a)
#else
void completed(s4u::Activity const &a)
#endif
{
    auto *f = a.get_data<struct duo_flow>();
    if (!f || !current) return;                          /* given up: stop() */
    assert(a.get_state() == s4u::Activity::State::FINISHED);
    own &x = of(current);
    s4u::CommPtr keep(comm_of(f), false);                /* takes over the flow's reference */
    keep->set_data(nullptr);
    x.over.push_back(keep);
    f->comm = nullptr;
    f->left = 0;
    x.running--;
    duo_net_over(current, f);
    halt_now.insert(keep.get());
}

void configure()
{
    static char name[] = "duosim", quiet[] = "--log=root.thresh:critical", *argv[] = { name, quiet, nullptr };
    int argc = 2;
    xbt_log_control_set("root.thresh:critical");
    new s4u::Engine(&argc, argv);                        /* (6): never deleted */
    s4u::Engine::set_config("network/model:CM02");
    s4u::Engine::set_config("network/crosstraffic:0");
    s4u::Engine::set_config("network/TCP-gamma:1e18");
#if SIMGRID_VERSION >= 33400
    s4u::Comm::on_completion_cb(completed);
#else
    s4u::Activity::on_completion_cb(completed);
#endif
    s4u::Engine::get_instance()->track_vetoed_activities(&halt_now);
}

/* Start or restart what is left of a flow. */
void put(struct duo_net *net, struct duo_flow *f)
{
    own &x = of(net);
    const struct duo_net_route &r = net->routes[f->route];
    if (x.running == 0) x.ahead = duo_clock_now(net->clock) - s4u::Engine::get_clock();    /* nothing here depends on it */
    double bytes = std::ceil(f->left * scale);
    s4u::CommPtr c = s4u::Comm::sendto_init();
    c->set_payload_size(bytes < 1 ? 1 : static_cast<uint64_t>(bytes));
    c->set_data(f);
    for (int32_t i = 0; i < r.n_limits; i++)
        if (x.rose[static_cast<size_t>(r.links[i])]) x.links[static_cast<size_t>(r.links[i])]->set_bandwidth(boundless);
    c->set_source(x.hosts[static_cast<size_t>(f->route)])->set_destination(x.sink);        /* starts here */
    for (int32_t i = 0; i < r.n_limits; i++)
        if (x.rose[static_cast<size_t>(r.links[i])])
            x.links[static_cast<size_t>(r.links[i])]->set_bandwidth(net->links[r.links[i]].capacity * scale);
    f->comm = c.detach();
    x.running++;
}

/* Stop a flow where it is. */
void park(struct duo_net *net, struct duo_flow *f)
{
    own &x = of(net);
    s4u::CommPtr c(comm_of(f), false);
    f->left = c->get_remaining() / scale;
    f->comm = nullptr;
    c->set_data(nullptr);
    x.dropped.push_back(c);
    x.running--;
    c->cancel();
}

enum duo_status seal(struct duo_net *net, struct duo_err *err)
{
    if (taken) return duo_fail(err, DUO_RUN_FAILED, "SimGrid can carry one network a process");
    taken   = true;
    current = net;
    configure();
    auto *x = new own;
    net->own = x;
#if SIMGRID_VERSION >= 40000
    auto *zone = s4u::Engine::get_instance()->get_netzone_root()->add_netzone_star("net");
#else
    auto *zone = s4u::create_star_zone("net");
#endif
    x->rose.assign(static_cast<size_t>(net->n_links), 0);
    for (int32_t i = 0; i < net->n_links; i++) {
        const struct duo_net_link &l = net->links[i];
        double bandwidth = l.capacity > 0 ? l.capacity * scale : scale;
        std::string name = "link " + std::to_string(i);
#if SIMGRID_VERSION >= 40000
        x->links.push_back(l.limits ? zone->add_link(name, bandwidth)->set_latency(0.0)->seal() : nullptr);
#else
        x->links.push_back(l.limits ? zone->create_link(name, bandwidth)->set_latency(0.0)->seal() : nullptr);
#endif
    }
    auto add_host = [zone](const std::string &name, const std::vector<s4u::LinkInRoute> &up) {
#if SIMGRID_VERSION >= 40000
        auto *h = zone->add_host(name, 1.0)->seal();
        zone->add_route(h, nullptr, up, false);
        zone->add_route(nullptr, h, std::vector<s4u::LinkInRoute>{}, false);
#else
        auto *h = zone->create_host(name, 1.0)->seal();
        zone->add_route(h->get_netpoint(), nullptr, nullptr, nullptr, up, false);
        zone->add_route(nullptr, h->get_netpoint(), nullptr, nullptr, std::vector<s4u::LinkInRoute>{}, false);
#endif
        return h;
    };
    for (int32_t i = 0; i < net->n_routes; i++) {
        const struct duo_net_route &r = net->routes[i];
        std::vector<s4u::LinkInRoute> up;
        for (int32_t k = 0; k < r.n_limits; k++) up.emplace_back(x->links[static_cast<size_t>(r.links[k])]);
        x->hosts.push_back(r.n_limits ? add_host("route " + std::to_string(i), up) : nullptr);
    }
    x->sink = add_host("sink", {});
    zone->seal();
    s4u::Engine::get_instance()->seal_platform();
    return DUO_OK;
}

void shut(struct duo_net *net)
{
    for (int32_t i = 0; i < net->n_routes; i++)
        for (struct duo_flow *f = net->routes[i].first; f; f = f->after)
            if (f->comm) park(net, f);
    current = nullptr;
    delete &of(net);
}

void start(struct duo_net *net, struct duo_flow *f)
{
    f->left = f->bytes;
    if (!duo_net_halted(net, f->route)) put(net, f);
}

void stop(struct duo_net *net, struct duo_flow *f)
{
    if (f->comm) park(net, f);
}

double left(struct duo_net *, const struct duo_flow *f)
{
    return f->comm ? comm_of(f)->get_remaining() / scale : f->left;
}

void halt(struct duo_net *net, duo_route route)
{
    for (struct duo_flow *f = net->routes[route].first; f; f = f->after)
        if (f->comm) park(net, f);
}

void go(struct duo_net *net, duo_route route)
{
    for (struct duo_flow *f = net->routes[route].first; f; f = f->after)
        if (!f->empty && !f->comm) put(net, f);
}

void capacity(struct duo_net *net, duo_link link, double before)
{
    own &x = of(net);
    const struct duo_net_link &l = net->links[link];
    auto i = static_cast<size_t>(link);
    x.links[i]->set_bandwidth(l.capacity * scale);
    if (l.capacity <= before || x.rose[i]) return;
    x.rose[i] = 1;
    for (int32_t k = 0; k < l.n_routes; k++)
        for (struct duo_flow *f = net->routes[l.routes[k]].first; f; f = f->after)
            if (f->comm) {
                park(net, f);
                put(net, f);
            }
}

/* (7) One round that takes no time. */
void reap()
{
    simgrid::kernel::timer::Timer::set(s4u::Engine::get_clock(), [] {});
    halt_now.insert(nullptr);
    s4u::Engine::get_instance()->run();
}

void advance(struct duo_net *net, double limit)
{
    own &x = of(net);
    auto *engine = s4u::Engine::get_instance();
    while (x.running > 0 && net->n_over == 0 && (std::isinf(limit) || limit - date(net) > 0.5 * DUO_INSTANT)) {
        if (!x.dropped.empty())     reap();
        else if (std::isinf(limit)) engine->run();
        else                        engine->run_until(limit - x.ahead);
        halt_now.clear();
        x.over.clear();
        x.dropped.clear();
    }
    if (net->n_over > 0) duo_clock_advance(net->clock, std::fmin(date(net), limit));
}

} // namespace

extern "C" {

const char *duo_simgrid_version(void)
{
    static std::string version = "simgrid " + std::to_string(SIMGRID_VERSION / 10000) + "."
                               + std::to_string(SIMGRID_VERSION / 100 % 100);
    return version.c_str();
}

bool duo_simgrid_taken(void) { return taken; }

const struct duo_carrier duo_simgrid = { seal, shut, start, stop, left, halt, go, capacity, advance };

}
