/* SPDX-License-Identifier: 0BSD
 * TEMPLATE.c - copy this file, give it a name, change what it does.  It is a working policy: look at the first
 * tokens of the small model, then decide who answers.
 *
 *     sed s/TEMPLATE/mine/g TEMPLATE.c > mine.c
 *     cc -shared -fPIC $(pkg-config --cflags duosim) mine.c -o mine.so       # the include path of policies/policy.h
 *     duosim run scenario.yaml --policy ./mine.so --policy cascade
 *
 * (1) The device writes `probe` tokens that nobody sees.
 * (2) If their mean probability is at least `floor`, or the link is down, the device goes on from them, shown as it
 *     comes.
 * (3) Else the cloud writes the answer from the prompt, shown as it comes.
 * (4) If the cloud fails, or has not begun within `patience`, and nothing of it is on the screen, the device goes on
 *     after all.  If the device fails, the cloud writes.  If there is nobody left to ask, the request fails. */
#include "policies/policy.h"

/* What the scenario says once: `{ use: ./mine.so, probe: 16, floor: 0.9, patience: 2 s, strong: edge }`. */
struct config { double probe, floor, patience; duo_place weak, strong; };

/* What one request has to remember between two events; zeroed when it arrives.  There are such blocks for a
 * session (.session_size) and for a seat (.seat_size), too.  Use no other variables: they would leak from one
 * device to all others. */
struct request { duo_text probe; enum { PROBING, CLOUD, DEVICE } doing; bool ended, cloud_failed, device_failed; };

static int init(void *config, const struct duo_params *p)
{
    struct config *c = config;
    int bad;

    *c = (struct config){ .probe = 8, .floor = 0.8, .patience = 5, .weak = DUO_DEVICE, .strong = DUO_CLOUD };
    if ((bad = duo_number_of(p, "probe", 1, 10000, &c->probe)) != 0) return bad;      /* key, least, most */
    if (c->probe > (int)c->probe) return duo_refuse(p, "probe", "expected a whole number");
    if ((bad = duo_number_of(p, "floor", 0, 1, &c->floor)) != 0) return bad;
    if ((bad = duo_number_of(p, "patience", 0, 1e6, &c->patience)) != 0) return bad;
    if ((bad = duo_place_of(p, "weak", &c->weak)) != 0) return bad;                   /* a role: any place's name */
    return duo_place_of(p, "strong", &c->strong);
}

static void go_on(struct duo_turn *t)                       /* on the device, from what it has written */
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->doing = DEVICE;
    if (r->ended) duo_answer(t, r->probe);                  /* the probe was the whole answer already */
    else          duo_write(t, (struct duo_work){ .at = c->weak, .from = r->probe, .show = true });
}

static void ask_cloud(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    r->doing = CLOUD;
    duo_write(t, (struct duo_work){ .at = c->strong, .from = t->prompt, .show = true, .patience = c->patience });
}

/* A step failed; t->event.why says why.  What is on the screen stays there, so another text is possible only
 * while nothing was shown: while the bare prompt still "fits". */
static void failed(struct duo_turn *t)
{
    struct request *r = t->request;

    if (r->doing == CLOUD) r->cloud_failed = true;
    else                   r->device_failed = true;

    if (!duo_fits(t, t->prompt) || (r->cloud_failed && r->device_failed))
        duo_give_up(t, duo_why(t->event.why));              /* (4) */
    else if (r->cloud_failed)
        go_on(t);                                           /* (4) */
    else
        ask_cloud(t);                                       /* (4) */
}

/* The policy itself: called once when the request arrives and once for each step that has ended.  It looks at the
 * event, asks for more steps or for the end, and returns.  Steps may run at the same time: keep the duo_step that
 * duo_write returns and compare it with t->event.step. */
static void next(struct duo_turn *t)
{
    const struct config *c = t->config;
    struct request *r = t->request;

    switch (t->event.kind) {
    case DUO_ARRIVED:
        duo_write(t, (struct duo_work){ .at = c->weak, .from = t->prompt, .tokens = (int)c->probe });    /* (1) */
        break;
    case DUO_WRITTEN:
        if (r->doing != PROBING) {
            duo_answer(t, t->event.text);
            break;
        }
        r->probe = t->event.text;
        r->ended = t->event.ended;
        if (t->event.confidence.mean >= c->floor || !t->view->link_up) go_on(t);                         /* (2) */
        else                                                           ask_cloud(t);                     /* (3) */
        break;
    default:
        failed(t);
    }
}

/* Its name, what it needs of a scenario (refused by name where that lacks it), its sizes and functions. */
DUO_POLICY(TEMPLATE,
    .about        = "the small model's first tokens tell who answers",
    .needs        = DUO_CONFIDENCE,
    .config_size  = sizeof(struct config),
    .request_size = sizeof(struct request),
    .init = init, .next = next);
