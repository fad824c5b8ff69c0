/* Carries the keeper's requests over libcurl, many at a time, within one thread.
 * May use: core, transport, libcurl. Owns: the multi handle and a libcurl handle for each request
 * in flight; the jobs are the keeper's. */
#ifndef OCT_CARRIER_H
#define OCT_CARRIER_H

#include "core/job.h"
#include "engine/port.h"

struct oct_carrier;

/* A request that has ended: a job's, or an exchange's. */
struct oct_delivery {
    struct oct_job *job;
    const struct oct_response *response; /* of a job; NULL when there was none */
    bool sent;
    struct oct_exchange *exchange; /* its completion is filled in */
};

/* NULL when memory ran out. */
struct oct_carrier *oct_carrier_new(void);

/* Ends every request in flight. */
void oct_carrier_free(struct oct_carrier *carrier);

/* Whether another request, another watch may be started: these wait for long, and must not take the
 * room of the others. */
bool oct_carrier_has_room(const struct oct_carrier *carrier);
bool oct_carrier_has_stream_room(const struct oct_carrier *carrier);

/* Hands on what has arrived for watches. */
void oct_carrier_read_streams(struct oct_carrier *carrier);

/* Starts a request; false when memory ran out. What the request says is copied. */
bool oct_carrier_start_job(struct oct_carrier *carrier, struct oct_job *job);
bool oct_carrier_start_exchange(struct oct_carrier *carrier, struct oct_exchange *exchange);

/* Ends a request in flight; the exchange's completion is filled in with that. */
void oct_carrier_cancel(struct oct_carrier *carrier, struct oct_exchange *exchange);

/* Waits for up to `wait_ms`, or for oct_carrier_wake, then moves every request on. */
void oct_carrier_run(struct oct_carrier *carrier, int wait_ms);

/* Ends a wait in another thread, or the next one. */
void oct_carrier_wake(struct oct_carrier *carrier);

/* The next request that has ended, what it points to good until the next call; false when there is
 * none. */
bool oct_carrier_take(struct oct_carrier *carrier, struct oct_delivery *delivery);

#endif
