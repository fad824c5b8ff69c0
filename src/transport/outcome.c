#include "transport/outcome.h"

struct failure {
    CURLcode result;
    enum oct_kind kind;
    const char *code;
    const char *words;
};

static const struct failure failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, OCT_NETWORK, "resolve_failed", "the host name was not resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, OCT_NETWORK, "resolve_failed", "the proxy was not resolved"},
    {CURLE_COULDNT_CONNECT, OCT_NETWORK, "connect_failed", "the connection was not made"},
    {CURLE_OPERATION_TIMEDOUT, OCT_TIMEOUT, "connect_timeout",
     "the connection was not made in time"},
    {CURLE_SSL_CONNECT_ERROR, OCT_NETWORK, "tls_failed", "TLS failed"},
    {CURLE_PEER_FAILED_VERIFICATION, OCT_NETWORK, "tls_untrusted",
     "the certificate is not trusted"},
    {CURLE_SSL_CACERT_BADFILE, OCT_NETWORK, "tls_failed", "the CA file was not read"},
    {CURLE_GOT_NOTHING, OCT_NETWORK, "connection_lost", "the connection was closed unanswered"},
    {CURLE_PARTIAL_FILE, OCT_NETWORK, "connection_lost", "the answer broke off"},
    {CURLE_SEND_ERROR, OCT_NETWORK, "connection_lost", "the connection was lost"},
    {CURLE_RECV_ERROR, OCT_NETWORK, "connection_lost", "the connection was lost"},
    {CURLE_WEIRD_SERVER_REPLY, OCT_PROTOCOL, "malformed_answer", "the answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, OCT_PROTOCOL, "malformed_answer", "the answer is not HTTP"},
    {CURLE_WRITE_ERROR, OCT_PROTOCOL, "answer_too_large", "the answer is larger than allowed"},
    /* libcurl's word for a header line of more than 100 KiB */
    {CURLE_OUT_OF_MEMORY, OCT_PROTOCOL, "answer_too_large", "the answer is larger than allowed"},
#if LIBCURL_VERSION_NUM >= 0x080600
    {CURLE_TOO_LARGE, OCT_PROTOCOL, "answer_too_large", "the answer is larger than allowed"},
#endif
};

static const struct failure *find_failure(CURLcode result)
{
    static const struct failure other = {CURLE_OK, OCT_NETWORK, "exchange_failed",
                                         "the exchange failed"};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].result == result) {
            return &failures[i];
        }
    }
    return &other;
}

bool oct_outcome_sent(const struct oct_handle *handle)
{
    long bytes = 0;
    if (handle->easy != NULL) {
        curl_easy_getinfo(handle->easy, CURLINFO_REQUEST_SIZE, &bytes);
    }
    return bytes > 0;
}

static void explain(const struct oct_handle *handle, const struct oct_operation *operation,
                    CURLcode result, struct oct_error *error)
{
    const struct failure *failure = find_failure(result);
    const struct oct_answer *answer = &handle->answer;
    const char *detail = handle->problem;

    if (detail[0] == '\0' || failure->kind == OCT_PROTOCOL) {
        detail = curl_easy_strerror(result);
    }
    oct_error_set(error, failure->kind, failure->code, "%s: %s: %s", operation->name,
                  failure->words, detail);
    if (failure->kind == OCT_PROTOCOL) {
        error->status = answer->response.status;
        oct_error_printable(answer->response.request_id, error->request_id,
                            sizeof error->request_id);
    }
    if (answer->body.failed) {
        oct_error_set(error, OCT_NETWORK, "out_of_memory", "%s: not enough memory for the answer",
                      operation->name);
    }
    oct_error_judge(error, operation, oct_outcome_sent(handle));
}

bool oct_outcome_read(struct oct_handle *handle, const struct oct_operation *operation,
                      CURLcode result, struct oct_error *error)
{
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    oct_answer_complete(&handle->answer, (int)status);
    if (result == CURLE_OK && !handle->answer.headers_ended) {
        result = CURLE_PARTIAL_FILE;
    }
    if (result != CURLE_OK) {
        explain(handle, operation, result, error);
    }
    return result == CURLE_OK;
}

void oct_outcome_late(const struct oct_handle *handle, const struct oct_operation *operation,
                      struct oct_error *error)
{
    bool sent = oct_outcome_sent(handle);
    oct_error_set(error, OCT_TIMEOUT, "timeout", "%s: no complete answer in time%s",
                  operation->name, sent ? "" : ", the request was not sent");
    oct_error_judge(error, operation, sent);
}
