/* A port: exchanges that a host has the engine carry for it, and the queue of their completions,
 * with a descriptor that is readable while there is something in it. May use: core, transport,
 * POSIX. Owns: its exchanges, until they are taken; both ends of a pipe. Not for several threads at
 * once: whoever shares one locks around it (engine.h). */
#ifndef OCT_PORT_H
#define OCT_PORT_H

#include "core/request.h"
#include "core/response.h"
#include "core/sse.h"
#include "transport/transport.h"

struct oct_exchange {
    struct oct_exchange *next;
    struct oct_port *port;
    uint64_t id;
    struct oct_request request;
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    bool cancelled;
    bool stream;        /* a watch: it has no completion, and is over when it is not found */
    struct oct_sse sse; /* of a watch */
    unsigned changes;   /* of a watch: how often the lock has become free */

    /* When it is complete: an answer, or an error. */
    bool answered;
    bool repeated;
    int status;
    char request_id[OCT_REQUEST_ID_BYTES];
    char retry_after[16];
    struct oct_buffer body;
    struct oct_error error;
};

struct oct_exchanges {
    struct oct_exchange *first;
    struct oct_exchange *last;
};

struct oct_port {
    struct oct_port *next;                /* of the engine's list */
    struct oct_transport_options options; /* its strings are copies */
    struct oct_exchanges waiting;         /* for the engine to have room */
    struct oct_exchanges carried;
    struct oct_exchanges complete;
    uint64_t last_id;
    int pipe[2];
    bool closed; /* its owner has gone; it is freed when nothing of it is carried */
};

/* NULL when memory or descriptors ran out. */
struct oct_port *oct_port_new(const struct oct_transport_options *options);
void oct_port_free(struct oct_port *port);

/* Readable while a completion is there to be taken. */
int oct_port_descriptor(const struct oct_port *port);

/* Puts a copy of the request into the queue; 0 when memory ran out, else the exchange's id. */
uint64_t oct_port_submit(struct oct_port *port, const struct oct_request *request,
                         int64_t timeout_ms, int64_t connect_timeout_ms);

/* Puts a watch of a lock into the queue, as submit does. */
uint64_t oct_port_watch(struct oct_port *port, const struct oct_request *request,
                        int64_t timeout_ms, int64_t connect_timeout_ms);

/* How often the watched lock was told to have become free; -1 when the watch is over. A hint: it
 * may be missed, and it may come twice. */
long oct_port_changes(const struct oct_port *port, uint64_t id);

/* Ends an exchange: it completes with an error of kind "cancelled". */
void oct_port_cancel(struct oct_port *port, uint64_t id);

/* Ends all of them; nothing is taken from it any more. */
void oct_port_close(struct oct_port *port);

/* The next completion, for the caller to free; NULL when there is none. */
struct oct_exchange *oct_port_take(struct oct_port *port);
void oct_exchange_free(struct oct_exchange *exchange);

/* ---- for the engine ---- */

/* The next exchange, or the next watch, to carry; NULL when none waits. */
struct oct_exchange *oct_port_next(struct oct_port *port, bool stream);

/* What has arrived of a watch. */
void oct_exchange_read(struct oct_exchange *exchange, struct oct_text text);

/* A carried one that has been cancelled; NULL when there is none. */
struct oct_exchange *oct_port_next_cancelled(struct oct_port *port);

/* Puts a carried exchange, whose completion is filled in, into the queue; a watch is freed. */
void oct_port_complete(struct oct_port *port, struct oct_exchange *exchange);

#endif
