#include "transport/transport.h"

#include "core/limits.h"
#include "transport/clock.h"
#include "transport/fork.h"
#include "transport/handle.h"
#include "transport/outcome.h"
#include "transport/sigpipe.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

struct oct_transport {
    struct oct_transport_options options; /* its strings are copies */
    CURLM *multi;                         /* NULL until the first exchange */
    struct oct_handle handle;
    unsigned generation; /* of the process that made the handle */
    bool in_progress;
    int64_t deadline_ms;
    const struct oct_operation *operation;
};

static char *copy(const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text) + 1;
    char *out = size == 0 ? NULL : malloc(size);
    return out == NULL ? NULL : memcpy(out, text, size);
}

static bool open_handle(struct oct_transport *transport)
{
    oct_curl_init();
    if (transport->multi == NULL) {
        transport->multi = curl_multi_init();
    }
    return transport->multi != NULL && oct_handle_open(&transport->handle, &transport->options);
}

static void close_handle(struct oct_transport *transport)
{
    struct oct_sigpipe guard;
    oct_sigpipe_block(&guard, transport->options.secure);
    oct_handle_close(&transport->handle);
    curl_multi_cleanup(transport->multi);
    oct_sigpipe_restore(&guard);
}

/* In a child made by fork the handle is still the parent's: closing it would end the parent's TLS
 * connection, so it is forgotten instead, a leak on purpose. */
static bool is_inherited(const struct oct_transport *transport)
{
    return transport->generation != oct_fork_generation();
}

static void forget_handle(struct oct_transport *transport)
{
    memset(&transport->handle, 0, sizeof transport->handle);
    transport->multi = NULL;
    transport->in_progress = false;
}

struct oct_transport *oct_transport_new(const struct oct_transport_options *options)
{
    struct oct_transport *transport = calloc(1, sizeof *transport);
    if (transport == NULL) {
        return NULL;
    }
    transport->generation = oct_fork_generation();
    transport->options.secure = options->secure;
    transport->options.ca_file = copy(options->ca_file);
    transport->options.proxy = copy(options->proxy);
    if ((options->ca_file != NULL && transport->options.ca_file == NULL) ||
        (options->proxy != NULL && transport->options.proxy == NULL)) {
        oct_transport_free(transport);
        return NULL;
    }
    return transport;
}

void oct_transport_free(struct oct_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    if (is_inherited(transport)) {
        forget_handle(transport);
    }
    oct_transport_abort(transport);
    close_handle(transport);
    free((char *)transport->options.ca_file);
    free((char *)transport->options.proxy);
    free(transport);
}

enum oct_status oct_transport_start(struct oct_transport *transport,
                                    const struct oct_request *request, int64_t timeout_ms,
                                    int64_t connect_timeout_ms)
{
    if (is_inherited(transport)) {
        forget_handle(transport);
        transport->generation = oct_fork_generation();
    }
    oct_transport_abort(transport);
    if (!open_handle(transport) ||
        !oct_handle_prepare(&transport->handle, request, connect_timeout_ms)) {
        return OCT_NO_MEMORY;
    }
    if (curl_multi_add_handle(transport->multi, transport->handle.easy) != CURLM_OK) {
        return OCT_NO_MEMORY;
    }
    transport->operation = request->operation;
    transport->deadline_ms = oct_clock_ms() + timeout_ms;
    transport->in_progress = true;
    return OCT_OK;
}

static void end_exchange(struct oct_transport *transport)
{
    struct oct_sigpipe guard;
    oct_sigpipe_block(&guard, transport->options.secure);
    curl_multi_remove_handle(transport->multi, transport->handle.easy);
    oct_sigpipe_restore(&guard);
    transport->in_progress = false;
}

void oct_transport_abort(struct oct_transport *transport)
{
    if (transport->in_progress && !is_inherited(transport)) {
        end_exchange(transport);
    }
}

bool oct_transport_sent(const struct oct_transport *transport)
{
    return oct_outcome_sent(&transport->handle);
}

const struct oct_response *oct_transport_response(const struct oct_transport *transport)
{
    return &transport->handle.answer.response;
}

bool oct_transport_repeated(const struct oct_transport *transport)
{
    return transport->handle.answer.requests_sent > 1;
}

/* Moves the transfer on; true when it is over, with its result. */
static bool is_over(struct oct_transport *transport, CURLcode *result)
{
    int running = 0;
    int queued = 0;
    struct oct_sigpipe guard;

    oct_sigpipe_block(&guard, transport->options.secure);
    curl_multi_perform(transport->multi, &running);
    oct_sigpipe_restore(&guard);
    if (running > 0) {
        return false;
    }
    const CURLMsg *message = curl_multi_info_read(transport->multi, &queued);
    *result = message == NULL ? CURLE_RECV_ERROR : message->data.result;
    return true;
}

static enum oct_progress finish(struct oct_transport *transport, CURLcode result,
                                struct oct_error *error)
{
    bool answered = oct_outcome_read(&transport->handle, transport->operation, result, error);
    end_exchange(transport);
    return answered ? OCT_ANSWERED : OCT_BROKEN;
}

enum oct_progress oct_transport_step(struct oct_transport *transport, int64_t wait_ms,
                                     struct oct_error *error)
{
    CURLcode result = CURLE_OK;

    if (!transport->in_progress || is_inherited(transport)) {
        oct_error_set(error, OCT_CANCELLED, "aborted", "the exchange was ended");
        return OCT_BROKEN;
    }
    if (is_over(transport, &result)) {
        return finish(transport, result, error);
    }
    int64_t left_ms = transport->deadline_ms - oct_clock_ms();
    if (left_ms <= 0) {
        oct_outcome_late(&transport->handle, transport->operation, error);
        end_exchange(transport);
        return OCT_BROKEN;
    }
    int64_t poll_ms = wait_ms < left_ms ? wait_ms : left_ms;
    curl_multi_poll(transport->multi, NULL, 0, (int)poll_ms, NULL);
    return is_over(transport, &result) ? finish(transport, result, error) : OCT_PENDING;
}
