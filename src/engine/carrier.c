#include "engine/carrier.h"

#include "transport/outcome.h"

#include <stdlib.h>
#include <string.h>

/* Beyond that they wait their turn; the limit keeps a burst from opening a connection for each. */
enum { MAX_IN_FLIGHT = 64, MAX_STREAMS = 16, MAX_IDLE_CONNECTIONS = 8, CONNECT_TIMEOUT_MS = 5000 };

struct parcel {
    struct oct_handle handle;
    struct oct_job *job; /* one of these two */
    struct oct_exchange *exchange;
    struct parcel *next;
};

struct oct_carrier {
    CURLM *multi;
    struct parcel *in_flight;
    struct parcel *delivered; /* freed by the next oct_carrier_take */
    size_t count;             /* in flight, without watches */
    size_t streams;           /* watches in flight */
};

struct oct_carrier *oct_carrier_new(void)
{
    struct oct_carrier *carrier = calloc(1, sizeof *carrier);
    oct_curl_init();
    if (carrier == NULL || (carrier->multi = curl_multi_init()) == NULL) {
        free(carrier);
        return NULL;
    }
    curl_multi_setopt(carrier->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    return carrier;
}

static void free_parcel(struct parcel *parcel)
{
    if (parcel != NULL) {
        oct_handle_close(&parcel->handle);
        free(parcel);
    }
}

void oct_carrier_free(struct oct_carrier *carrier)
{
    free_parcel(carrier->delivered);
    while (carrier->in_flight != NULL) {
        struct parcel *parcel = carrier->in_flight;
        carrier->in_flight = parcel->next;
        curl_multi_remove_handle(carrier->multi, parcel->handle.easy);
        free_parcel(parcel);
    }
    curl_multi_cleanup(carrier->multi);
    free(carrier);
}

bool oct_carrier_has_room(const struct oct_carrier *carrier)
{
    return carrier->count < MAX_IN_FLIGHT;
}

bool oct_carrier_has_stream_room(const struct oct_carrier *carrier)
{
    return carrier->streams < MAX_STREAMS;
}

static bool is_stream(const struct parcel *parcel)
{
    return parcel->exchange != NULL && parcel->exchange->stream;
}

static size_t *counter_of(struct oct_carrier *carrier, const struct parcel *parcel)
{
    return is_stream(parcel) ? &carrier->streams : &carrier->count;
}

static bool launch(struct oct_carrier *carrier, struct parcel *parcel, int64_t timeout_ms)
{
    CURL *easy = parcel->handle.easy;
    if (curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PRIVATE, parcel) != CURLE_OK ||
        curl_multi_add_handle(carrier->multi, easy) != CURLM_OK) {
        return false;
    }
    parcel->next = carrier->in_flight;
    carrier->in_flight = parcel;
    (*counter_of(carrier, parcel))++;
    return true;
}

bool oct_carrier_start_job(struct oct_carrier *carrier, struct oct_job *job)
{
    const struct oct_account *account = job->account;
    struct oct_transport_options options = {account->ca_file, account->proxy, account->base.secure};
    struct parcel *parcel = calloc(1, sizeof *parcel);

    if (parcel != NULL) {
        parcel->job = job;
    }
    if (parcel == NULL || !oct_handle_open(&parcel->handle, &options) ||
        !oct_handle_prepare(&parcel->handle, &job->request, CONNECT_TIMEOUT_MS) ||
        !launch(carrier, parcel, job->timeout_ms)) {
        free_parcel(parcel);
        return false;
    }
    return true;
}

bool oct_carrier_start_exchange(struct oct_carrier *carrier, struct oct_exchange *exchange)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);

    if (parcel != NULL) {
        parcel->exchange = exchange;
    }
    if (parcel == NULL || !oct_handle_open(&parcel->handle, &exchange->port->options) ||
        !oct_handle_prepare(&parcel->handle, &exchange->request, exchange->connect_timeout_ms) ||
        !launch(carrier, parcel, exchange->timeout_ms)) {
        free_parcel(parcel);
        return false;
    }
    return true;
}

void oct_carrier_run(struct oct_carrier *carrier, int wait_ms)
{
    int running = 0;
    curl_multi_poll(carrier->multi, NULL, 0, wait_ms, NULL);
    curl_multi_perform(carrier->multi, &running);
}

void oct_carrier_wake(struct oct_carrier *carrier)
{
    curl_multi_wakeup(carrier->multi);
}

static void unlink_parcel(struct oct_carrier *carrier, const struct parcel *parcel)
{
    struct parcel **at = &carrier->in_flight;
    while (*at != parcel) {
        at = &(*at)->next;
    }
    *at = parcel->next;
    (*counter_of(carrier, parcel))--;
}

static void keep_answer(struct oct_exchange *exchange, const struct oct_answer *answer)
{
    exchange->answered = true;
    exchange->repeated = answer->requests_sent > 1;
    exchange->status = answer->response.status;
    memcpy(exchange->request_id, answer->request_id, sizeof exchange->request_id);
    memcpy(exchange->retry_after, answer->retry_after, sizeof exchange->retry_after);
    oct_buffer_append(&exchange->body, answer->body.data, answer->body.len);
}

/* The client's own words for a time that is over; libcurl's are about a connection. */
static void complete_exchange(struct parcel *parcel, CURLcode result)
{
    struct oct_exchange *exchange = parcel->exchange;
    const struct oct_operation *operation = exchange->request.operation;

    if (oct_outcome_read(&parcel->handle, operation, result, &exchange->error)) {
        keep_answer(exchange, &parcel->handle.answer);
    } else if (result == CURLE_OPERATION_TIMEDOUT && oct_outcome_sent(&parcel->handle)) {
        oct_outcome_late(&parcel->handle, operation, &exchange->error);
    }
}

static void read_stream(struct parcel *parcel)
{
    struct oct_buffer *body = &parcel->handle.answer.body;
    long status = 0;
    curl_easy_getinfo(parcel->handle.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 && body->len > 0) {
        oct_exchange_read(parcel->exchange, (struct oct_text){body->data, body->len});
        oct_buffer_clear(body);
    }
}

void oct_carrier_read_streams(struct oct_carrier *carrier)
{
    for (struct parcel *parcel = carrier->in_flight; parcel != NULL; parcel = parcel->next) {
        if (is_stream(parcel)) {
            read_stream(parcel);
        }
    }
}

/* Fills the delivery of a transfer that is over. */
static void describe(struct parcel *parcel, CURLcode result, struct oct_delivery *delivery)
{
    struct oct_error error;
    memset(delivery, 0, sizeof *delivery);
    delivery->job = parcel->job;
    delivery->exchange = parcel->exchange;
    if (parcel->exchange != NULL) {
        complete_exchange(parcel, result);
        return;
    }
    delivery->sent = oct_outcome_sent(&parcel->handle);
    if (oct_outcome_read(&parcel->handle, parcel->job->request.operation, result, &error)) {
        delivery->response = &parcel->handle.answer.response;
    }
}

void oct_carrier_cancel(struct oct_carrier *carrier, struct oct_exchange *exchange)
{
    struct parcel *parcel = carrier->in_flight;
    while (parcel->exchange != exchange) {
        parcel = parcel->next;
    }
    oct_error_set(&exchange->error, OCT_CANCELLED, "cancelled", "%s: cancelled",
                  exchange->request.operation->name);
    oct_error_judge(&exchange->error, exchange->request.operation,
                    oct_outcome_sent(&parcel->handle));
    curl_multi_remove_handle(carrier->multi, parcel->handle.easy);
    unlink_parcel(carrier, parcel);
    free_parcel(parcel);
}

bool oct_carrier_take(struct oct_carrier *carrier, struct oct_delivery *delivery)
{
    int queued = 0;
    char *private = NULL;
    const CURLMsg *message = curl_multi_info_read(carrier->multi, &queued);

    free_parcel(carrier->delivered);
    carrier->delivered = NULL;
    if (message == NULL) {
        return false;
    }
    CURLcode result = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    struct parcel *parcel = (struct parcel *)(void *)private;
    curl_multi_remove_handle(carrier->multi, parcel->handle.easy);
    unlink_parcel(carrier, parcel);
    describe(parcel, result, delivery);
    carrier->delivered = parcel;
    return true;
}
