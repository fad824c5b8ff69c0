/* HTTP over libcurl: one exchange at a time on one reused handle with keep-alive.
 * May use: core, libcurl, POSIX. Owns: an oct_transport owns its handles and the last answer.
 *
 * Start an exchange, then step it until it is no longer pending. A step waits for at most the time
 * it is given and returns at once when a signal arrives, so that its caller stays in control
 * (curl_easy_perform would hold Ctrl-C back until the transfer ends). Each exchange has a deadline
 * of its own. After a fork the child gets handles of its own and leaves the parent's alone. */
#ifndef OCT_TRANSPORT_H
#define OCT_TRANSPORT_H

#include "core/error.h"
#include "core/request.h"
#include "core/response.h"

struct oct_transport_options {
    const char *ca_file; /* PEM bundle to trust instead of the system's; NULL for the system's */
    const char *proxy;   /* proxy URL; NULL for none, whatever the environment says */
    bool secure;         /* the base URL is https */
};

struct oct_transport;

/* NULL when memory ran out. */
struct oct_transport *oct_transport_new(const struct oct_transport_options *options);

/* Ends an exchange in progress and frees everything. */
void oct_transport_free(struct oct_transport *transport);

enum oct_progress { OCT_PENDING, OCT_ANSWERED, OCT_BROKEN };

/* Ends an exchange in progress and starts the next one. Nothing of the request is kept but what
 * the exchange needs, copied. Times are milliseconds; `timeout_ms` bounds the whole exchange,
 * `connect_timeout_ms` the making of a connection. */
enum oct_status oct_transport_start(struct oct_transport *transport,
                                    const struct oct_request *request, int64_t timeout_ms,
                                    int64_t connect_timeout_ms);

/* Moves the exchange on and waits up to `wait_ms` for something to happen. When broken the error
 * says why; its outcome follows from whether any byte of the request had left. */
enum oct_progress oct_transport_step(struct oct_transport *transport, int64_t wait_ms,
                                     struct oct_error *error);

/* Ends an exchange in progress, if there is one: its connection is closed. */
void oct_transport_abort(struct oct_transport *transport);

/* Whether any byte of the current request has left this machine. */
bool oct_transport_sent(const struct oct_transport *transport);

/* The answer, borrowed until the next start, abort or free. */
const struct oct_response *oct_transport_response(const struct oct_transport *transport);

/* Whether libcurl sent the request twice, since the connection it reused turned out to be dead:
 * the first one may have taken effect. */
bool oct_transport_repeated(const struct oct_transport *transport);

#endif
