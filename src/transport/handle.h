/* The libcurl handle of an exchange: options, limits and headers are set here and nowhere else.
 * May use: core, libcurl. Owns: the handles, header lists and buffers until oct_handle_close. */
#ifndef OCT_HANDLE_H
#define OCT_HANDLE_H

#include "core/limits.h"
#include "core/request.h"
#include "core/response.h"
#include "transport/transport.h"

#include <curl/curl.h>

/* What arrives, within the limits of limits.h. */
struct oct_answer {
    struct oct_response response; /* points into the fields below */
    struct oct_buffer body;
    size_t header_bytes;
    bool headers_ended; /* by an empty line, which libcurl does without when the connection ends */
    char request_id[OCT_REQUEST_ID_BYTES];
    char retry_after[16];
    int requests_sent;
};

/* Fills the response's pointers once everything has arrived. */
void oct_answer_complete(struct oct_answer *answer, int status);

/* Header lists are rebuilt only when the credential changes. */
struct oct_headers {
    char *credential; /* the one that the lists below carry, or NULL */
    enum oct_auth auth;
    struct curl_slist *plain;      /* neither credential nor body */
    struct curl_slist *body;       /* body only */
    struct curl_slist *auth_plain; /* credential only */
    struct curl_slist *auth_body;  /* both */
};

struct oct_handle {
    CURL *easy; /* NULL until opened */
    CURLU *url;
    bool url_known; /* scheme and host are set */
    struct oct_buffer path;
    struct oct_headers headers;
    struct oct_buffer request_body;
    struct oct_answer answer;
    char problem[CURL_ERROR_SIZE];
};

/* Initialises libcurl once a process. */
void oct_curl_init(void);

/* Makes the handles when they do not exist yet; false when memory ran out. */
bool oct_handle_open(struct oct_handle *handle, const struct oct_transport_options *options);

/* Sets what differs from request to request. */
bool oct_handle_prepare(struct oct_handle *handle, const struct oct_request *request,
                        int64_t connect_timeout_ms);

void oct_handle_close(struct oct_handle *handle);

#endif
