/* place.c - a job goes to a place: to a device, to one of the place's replicas, or to the API that it is. */
#include "sim/device.h"
#include "sim/request.h"
#include "sim/scale.h"
#include "sim/server_api.h"

static struct duo_api *api_of(const struct duo_request *r, int place) { return r->world->places[place].api; }

bool duo_work_submit(struct duo_request *r, int place, int replica, struct duo_job *j)
{
    struct duo_world *w = r->world;

    if (api_of(r, place)) {
        j->kv = NULL;
        duo_api_submit(api_of(r, place), j, r->row.id, r->calls++);
        return true;
    }
    if (place == DUO_DEVICE) {
        duo_device_look(w, r->class, r->row.device);
        return duo_server_submit(duo_device_server(w, r->row.device), j);
    }
    w->places[place].replicas[replica].jobs++;
    if (duo_server_submit(w->places[place].replicas[replica].server, j)) {
        duo_scale_came(w, place, replica);
        return true;
    }
    w->places[place].replicas[replica].jobs--;
    return false;
}

void duo_work_cancel(struct duo_request *r, int place, int replica, struct duo_job *j)
{
    if (place == DUO_DEVICE) duo_device_look(r->world, r->class, r->row.device);
    if (api_of(r, place)) duo_api_cancel(api_of(r, place), j);
    else                  duo_server_cancel(duo_replica_server(r, place, replica), j);
}

void duo_work_left(struct duo_request *r, int place, int replica)
{
    if (place == DUO_DEVICE || api_of(r, place)) return;
    r->world->places[place].replicas[replica].jobs--;
    duo_scale_left(r->world, place, replica);
}

int duo_work_written(struct duo_request *r, int place, int replica, const struct duo_job *j)
{
    return api_of(r, place) ? duo_api_written(api_of(r, place), j) : duo_server_written(duo_replica_server(r, place, replica), j);
}
