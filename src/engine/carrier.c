#include "engine/carrier.h"

#include "transport/handle.h"

#include <stdlib.h>

/* Beyond that they wait their turn; the limit keeps a burst from opening a connection for each. */
enum { MAX_IN_FLIGHT = 64, MAX_IDLE_CONNECTIONS = 8, CONNECT_TIMEOUT_MS = 5000 };

struct parcel {
    struct oct_handle handle;
    struct oct_job *job;
    struct parcel *next;
};

struct oct_carrier {
    CURLM *multi;
    struct parcel *in_flight;
    struct parcel *delivered; /* freed by the next oct_carrier_take */
    size_t count;
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

static bool prepare(struct parcel *parcel, const struct oct_job *job)
{
    const struct oct_account *account = job->account;
    struct oct_transport_options options = {account->ca_file, account->proxy, account->base.secure};
    return oct_handle_open(&parcel->handle, &options) &&
           oct_handle_prepare(&parcel->handle, &job->request, CONNECT_TIMEOUT_MS) &&
           curl_easy_setopt(parcel->handle.easy, CURLOPT_TIMEOUT_MS, (long)job->timeout_ms) ==
               CURLE_OK &&
           curl_easy_setopt(parcel->handle.easy, CURLOPT_PRIVATE, parcel) == CURLE_OK;
}

bool oct_carrier_start(struct oct_carrier *carrier, struct oct_job *job)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL || !prepare(parcel, job) ||
        curl_multi_add_handle(carrier->multi, parcel->handle.easy) != CURLM_OK) {
        free_parcel(parcel);
        return false;
    }
    parcel->job = job;
    parcel->next = carrier->in_flight;
    carrier->in_flight = parcel;
    carrier->count++;
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
    carrier->count--;
}

/* Fills the delivery of a transfer that is over. */
static void describe(struct parcel *parcel, CURLcode result, struct oct_delivery *delivery)
{
    struct oct_answer *answer = &parcel->handle.answer;
    long status = 0;
    long bytes = 0;

    curl_easy_getinfo(parcel->handle.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(parcel->handle.easy, CURLINFO_REQUEST_SIZE, &bytes);
    oct_answer_complete(answer, (int)status);
    delivery->job = parcel->job;
    delivery->sent = bytes > 0;
    delivery->response = result == CURLE_OK && answer->headers_ended ? &answer->response : NULL;
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
