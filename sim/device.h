/* device.h - a request's own device: its server, its battery.
 *
 * (1) A device has a server only while there is work, or KV.
 * (2) Battery: what flows out is the idle power while nothing is computed, what the server uses as it uses it, the radio's
 *     joules, think time and scorers when they are paid; what flows in is `charge`, up to the capacity.  Others that take
 *     `background` of the compute take their joules, too.
 * (3) It dies at the instant at which nothing is left, found in closed form between two changes: its requests fail by
 *     name.  It stays dead.  Without a request nobody looks; the date is found when somebody does.
 * (4) `load: cold`: the first work waits until the model is loaded, at the busy power. */
#ifndef DUO_SIM_DEVICE_H
#define DUO_SIM_DEVICE_H

#include "sim/world.h"

void               duo_devices_build(struct duo_world *);
void               duo_devices_free (struct duo_world *);
void               duo_devices_close(struct duo_world *);                     /* at the end: who is dead, and the idle joules */

struct duo_server *duo_device_server(struct duo_world *, int64_t device);     /* made when there is none */
void               duo_device_rest  (struct duo_world *, int64_t device);     /* frees an idle one */

void   duo_device_book (struct duo_world *, int64_t device, double joules);   /* used by its server: counted */
void   duo_device_spend(struct duo_world *, int64_t device, double joules);   /* used by something else: and out of the battery */
void   duo_device_drain(struct duo_world *, struct duo_device_class *, int64_t device, double joules);  /* the second half of that */
double duo_device_level(const struct duo_world *, const struct duo_device_class *, int64_t device);    /* 0..1; 1 on mains */

/* A request of this device is there; it isn't any more; its server has got or ended work.  Nothing, on mains. */
void   duo_device_join (struct duo_world *, struct duo_device_class *, int64_t device);
void   duo_device_leave(struct duo_world *, const struct duo_device_class *, int64_t device);
void   duo_device_look (struct duo_world *, const struct duo_device_class *, int64_t device);

double duo_device_loading(struct duo_world *, struct duo_device_class *, int64_t device);   /* s that work submitted now waits for (4) */

#endif
