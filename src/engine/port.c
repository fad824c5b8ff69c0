#include "engine/port.h"

#include "core/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- lists ---- */

static void append(struct oct_exchanges *list, struct oct_exchange *exchange)
{
    exchange->next = NULL;
    if (list->last == NULL) {
        list->first = exchange;
    } else {
        list->last->next = exchange;
    }
    list->last = exchange;
}

/* Takes the exchange out of the list that it is in. */
static void take_out(struct oct_exchanges *list, struct oct_exchange *exchange)
{
    struct oct_exchange *before = NULL;
    for (struct oct_exchange *at = list->first; at != exchange; at = at->next) {
        before = at;
    }
    if (before == NULL) {
        list->first = exchange->next;
    } else {
        before->next = exchange->next;
    }
    if (list->last == exchange) {
        list->last = before;
    }
}

static struct oct_exchange *find(const struct oct_exchanges *list, uint64_t id)
{
    struct oct_exchange *at = list->first;
    while (at != NULL && at->id != id) {
        at = at->next;
    }
    return at;
}

static void free_all(struct oct_exchanges *list)
{
    while (list->first != NULL) {
        struct oct_exchange *exchange = list->first;
        take_out(list, exchange);
        oct_exchange_free(exchange);
    }
}

/* ---- the descriptor ---- */

static bool prepare_descriptor(int descriptor)
{
    return fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

static bool open_pipe(struct oct_port *port)
{
    if (pipe(port->pipe) != 0) {
        port->pipe[0] = port->pipe[1] = -1;
        return false;
    }
    return prepare_descriptor(port->pipe[0]) && prepare_descriptor(port->pipe[1]);
}

/* One byte stands for a queue that is not empty. A full pipe is readable as well, so that a write
 * that fails is no loss. */
static void raise_flag(struct oct_port *port)
{
    ssize_t written = write(port->pipe[1], "", 1);
    (void)written;
}

static void lower_flag(struct oct_port *port)
{
    char bytes[16];
    while (read(port->pipe[0], bytes, sizeof bytes) > 0) {
    }
}

int oct_port_descriptor(const struct oct_port *port)
{
    return port->pipe[0];
}

/* ---- making and freeing ---- */

static bool copy(const char *text, const char **out)
{
    size_t size = text == NULL ? 0 : strlen(text) + 1;
    char *made = size == 0 ? NULL : malloc(size);
    *out = made == NULL ? NULL : memcpy(made, text, size);
    return made != NULL || size == 0;
}

struct oct_port *oct_port_new(const struct oct_transport_options *options)
{
    struct oct_port *port = calloc(1, sizeof *port);
    if (port == NULL) {
        return NULL;
    }
    port->options.secure = options->secure;
    bool made = open_pipe(port);
    made = copy(options->ca_file, &port->options.ca_file) && made;
    made = copy(options->proxy, &port->options.proxy) && made;
    if (!made) {
        oct_port_free(port);
        return NULL;
    }
    return port;
}

void oct_port_free(struct oct_port *port)
{
    free_all(&port->waiting);
    free_all(&port->carried);
    free_all(&port->complete);
    for (int i = 0; i < 2; i++) {
        if (port->pipe[i] >= 0) {
            close(port->pipe[i]);
        }
    }
    free((char *)port->options.ca_file);
    free((char *)port->options.proxy);
    free(port);
}

void oct_exchange_free(struct oct_exchange *exchange)
{
    oct_request_free(&exchange->request);
    oct_buffer_free(&exchange->body);
    oct_sse_free(&exchange->sse);
    free(exchange);
}

/* ---- exchanges ---- */

static struct oct_exchange *submit(struct oct_port *port, const struct oct_request *request,
                                   int64_t timeout_ms, int64_t connect_timeout_ms)
{
    struct oct_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL || !oct_request_copy(request, &exchange->request)) {
        free(exchange);
        return NULL;
    }
    exchange->port = port;
    exchange->id = ++port->last_id;
    exchange->timeout_ms = timeout_ms > 0 ? timeout_ms : 1;
    exchange->connect_timeout_ms = connect_timeout_ms;
    append(&port->waiting, exchange);
    return exchange;
}

uint64_t oct_port_submit(struct oct_port *port, const struct oct_request *request,
                         int64_t timeout_ms, int64_t connect_timeout_ms)
{
    const struct oct_exchange *made = submit(port, request, timeout_ms, connect_timeout_ms);
    return made == NULL ? 0 : made->id;
}

uint64_t oct_port_watch(struct oct_port *port, const struct oct_request *request,
                        int64_t timeout_ms, int64_t connect_timeout_ms)
{
    struct oct_exchange *made = submit(port, request, timeout_ms, connect_timeout_ms);
    if (made == NULL) {
        return 0;
    }
    made->stream = true;
    return made->id;
}

long oct_port_changes(const struct oct_port *port, uint64_t id)
{
    const struct oct_exchange *exchange = find(&port->carried, id);
    if (exchange == NULL) {
        exchange = find(&port->waiting, id);
    }
    return exchange == NULL ? -1 : (long)exchange->changes;
}

static void put(struct oct_port *port, struct oct_exchange *exchange)
{
    if (exchange->stream) {
        oct_exchange_free(exchange);
        return;
    }
    bool first = port->complete.first == NULL;
    append(&port->complete, exchange);
    if (first) {
        raise_flag(port);
    }
}

static void cancel_waiting(struct oct_port *port, struct oct_exchange *exchange)
{
    take_out(&port->waiting, exchange);
    oct_error_set(&exchange->error, OCT_CANCELLED, "cancelled", "%s: cancelled",
                  exchange->request.operation->name);
    oct_error_judge(&exchange->error, exchange->request.operation, false);
    put(port, exchange);
}

void oct_port_cancel(struct oct_port *port, uint64_t id)
{
    struct oct_exchange *exchange = find(&port->waiting, id);
    if (exchange != NULL) {
        cancel_waiting(port, exchange);
        return;
    }
    exchange = find(&port->carried, id);
    if (exchange != NULL) {
        exchange->cancelled = true;
    }
}

void oct_port_close(struct oct_port *port)
{
    port->closed = true;
    free_all(&port->waiting);
    for (struct oct_exchange *at = port->carried.first; at != NULL; at = at->next) {
        at->cancelled = true;
    }
}

struct oct_exchange *oct_port_take(struct oct_port *port)
{
    struct oct_exchange *exchange = port->complete.first;
    if (exchange == NULL) {
        return NULL;
    }
    take_out(&port->complete, exchange);
    if (port->complete.first == NULL) {
        lower_flag(port);
    }
    return exchange;
}

/* ---- for the engine ---- */

struct oct_exchange *oct_port_next(struct oct_port *port, bool stream)
{
    struct oct_exchange *exchange = port->waiting.first;
    while (exchange != NULL && exchange->stream != stream) {
        exchange = exchange->next;
    }
    if (exchange != NULL) {
        take_out(&port->waiting, exchange);
        append(&port->carried, exchange);
    }
    return exchange;
}

/* The first event tells how things are, those behind it what happens; both are worth a look. */
static void note(void *context, struct oct_text data)
{
    struct oct_exchange *exchange = context;
    json_t *root = NULL;
    if (oct_json_read(data, &root) != OCT_OK) {
        return;
    }
    const char *event = json_string_value(json_object_get(root, "event"));
    bool freed = event != NULL && (strcmp(event, "released") == 0 || strcmp(event, "expired") == 0);
    exchange->changes += freed;
    json_decref(root);
}

void oct_exchange_read(struct oct_exchange *exchange, struct oct_text text)
{
    oct_sse_read(&exchange->sse, text, note, exchange);
}

struct oct_exchange *oct_port_next_cancelled(struct oct_port *port)
{
    struct oct_exchange *at = port->carried.first;
    while (at != NULL && !at->cancelled) {
        at = at->next;
    }
    return at;
}

void oct_port_complete(struct oct_port *port, struct oct_exchange *exchange)
{
    take_out(&port->carried, exchange);
    put(port, exchange);
}
