#include "transport/handle.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "octostore-lua"

/* CURLOPT_PREREQFUNCTION tells how often libcurl sent the request. */
#define OCT_COUNTS_REQUESTS (LIBCURL_VERSION_NUM >= 0x075000)

/* ---- what arrives ---- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct oct_answer *answer = context;
    size_t len = size * count;
    if (len > OCT_MAX_BODY_BYTES - answer->body.len) {
        return 0;
    }
    oct_buffer_append(&answer->body, data, len);
    return answer->body.failed ? 0 : len;
}

/* The value of the header line when it has this name, without spaces. */
static bool header_value(struct oct_text line, struct oct_text name, struct oct_text *value)
{
    if (line.len <= name.len || line.data[name.len] != ':' ||
        !oct_text_equal_ignoring_case((struct oct_text){line.data, name.len}, name)) {
        return false;
    }
    const char *start = line.data + name.len + 1;
    const char *end = line.data + line.len;
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (end > start && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    *value = (struct oct_text){start, (size_t)(end - start)};
    return true;
}

/* Cut to fit: whoever shows it makes it printable. */
static void keep(struct oct_text value, char *out, size_t size)
{
    size_t len = value.len < size ? value.len : size - 1;
    memcpy(out, value.data, len);
    out[len] = '\0';
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    static const struct oct_text request_id = {"x-request-id", 12};
    static const struct oct_text retry_after = {"retry-after", 11};
    struct oct_answer *answer = context;
    struct oct_text line = {data, size * count};
    struct oct_text value;

    if (line.len > OCT_MAX_HEADER_BYTES - answer->header_bytes) {
        return 0;
    }
    answer->header_bytes += line.len;
    /* Several blocks may come, that of "100 Continue" first; after the body, trailers. */
    bool begins = line.len >= 5 && memcmp(line.data, "HTTP/", 5) == 0;
    answer->headers_ended = !begins && (answer->headers_ended || line.len <= 2);
    if (header_value(line, request_id, &value)) {
        keep(value, answer->request_id, sizeof answer->request_id);
    } else if (header_value(line, retry_after, &value)) {
        keep(value, answer->retry_after, sizeof answer->retry_after);
    }
    return line.len;
}

#if OCT_COUNTS_REQUESTS
static int count_request(void *context, char *ip, char *local_ip, int port, int local_port)
{
    struct oct_answer *answer = context;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    answer->requests_sent++;
    return CURL_PREREQFUNC_OK;
}
#endif

static void answer_reset(struct oct_answer *answer)
{
    struct oct_response empty = {0, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    answer->response = empty;
    oct_buffer_clear(&answer->body);
    answer->header_bytes = 0;
    answer->headers_ended = false;
    answer->request_id[0] = '\0';
    answer->retry_after[0] = '\0';
    answer->requests_sent = 0;
}

void oct_answer_complete(struct oct_answer *answer, int status)
{
    answer->response.status = status;
    answer->response.body = (struct oct_text){answer->body.data, answer->body.len};
    answer->response.request_id = oct_text_of(answer->request_id);
    answer->response.retry_after = oct_text_of(answer->retry_after);
}

/* ---- headers ---- */

static bool append_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) {
        return false;
    }
    *list = longer;
    return true;
}

static bool append_credential(struct curl_slist **list, enum oct_auth auth, const char *credential)
{
    struct oct_buffer line = {NULL, 0, 0, false};
    oct_buffer_append_string(&line, auth == OCT_AUTH_ADMIN ? "X-OctoStore-Admin-Key: "
                                                           : "Authorization: Bearer ");
    oct_buffer_append_string(&line, credential);
    bool done = !line.failed && append_line(list, line.data);
    oct_buffer_free(&line);
    return done;
}

static bool append_common(struct curl_slist **list, bool body)
{
    /* An empty value keeps libcurl from naming a type of its own for a POST without a body. */
    return append_line(list, "Accept: application/json") &&
           append_line(list, body ? "Content-Type: application/json" : "Content-Type:");
}

static void forget_credential(struct oct_headers *headers)
{
    curl_slist_free_all(headers->auth_plain);
    curl_slist_free_all(headers->auth_body);
    free(headers->credential);
    headers->auth_plain = headers->auth_body = NULL;
    headers->credential = NULL;
}

static bool learn_credential(struct oct_headers *headers, enum oct_auth auth,
                             const char *credential)
{
    size_t size = strlen(credential) + 1;
    if (headers->credential != NULL && headers->auth == auth &&
        strcmp(headers->credential, credential) == 0) {
        return true;
    }
    forget_credential(headers);
    headers->credential = malloc(size);
    if (headers->credential == NULL || !append_credential(&headers->auth_plain, auth, credential) ||
        !append_credential(&headers->auth_body, auth, credential) ||
        !append_common(&headers->auth_plain, false) || !append_common(&headers->auth_body, true)) {
        forget_credential(headers);
        return false;
    }
    memcpy(headers->credential, credential, size);
    headers->auth = auth;
    return true;
}

/* NULL when memory ran out. */
static struct curl_slist *headers_for(struct oct_headers *headers,
                                      const struct oct_request *request)
{
    bool body = request->body != NULL;
    if (request->credential == NULL) {
        return body ? headers->body : headers->plain;
    }
    if (!learn_credential(headers, request->operation->auth, request->credential)) {
        return NULL;
    }
    return body ? headers->auth_body : headers->auth_plain;
}

static void headers_free(struct oct_headers *headers)
{
    forget_credential(headers);
    curl_slist_free_all(headers->plain);
    curl_slist_free_all(headers->body);
    headers->plain = headers->body = NULL;
}

/* ---- options ---- */

/* https and http only, here and after a redirect that is not followed anyway. */
static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void set_tls(CURL *easy, const char *ca_file)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static void set_fixed_options(struct oct_handle *handle,
                              const struct oct_transport_options *options)
{
    CURL *easy = handle->easy;
    set_protocols(easy);
    set_tls(easy, options->ca_file);
    /* An empty string switches off the proxies of the environment, and its exemptions. */
    curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy == NULL ? "" : options->proxy);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->problem);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &handle->answer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &handle->answer);
#if OCT_COUNTS_REQUESTS
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, count_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &handle->answer);
#endif
}

static void global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void oct_curl_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
}

bool oct_handle_open(struct oct_handle *handle, const struct oct_transport_options *options)
{
    if (handle->easy != NULL) {
        return true;
    }
    oct_curl_init();
    handle->easy = curl_easy_init();
    handle->url = curl_url();
    if (handle->easy == NULL || handle->url == NULL ||
        !append_common(&handle->headers.plain, false) ||
        !append_common(&handle->headers.body, true)) {
        oct_handle_close(handle);
        return false;
    }
    set_fixed_options(handle, options);
    return true;
}

void oct_handle_close(struct oct_handle *handle)
{
    curl_easy_cleanup(handle->easy);
    curl_url_cleanup(handle->url);
    headers_free(&handle->headers);
    oct_buffer_free(&handle->path);
    oct_buffer_free(&handle->request_body);
    oct_buffer_free(&handle->answer.body);
    memset(handle, 0, sizeof *handle);
}

/* ---- a request ---- */

/* The parsed URL is kept and only path and query change: libcurl need not parse it anew. Both go
 * out as they are, the core has encoded them. */
static bool set_url(struct oct_handle *handle, const struct oct_request *request)
{
    const char *target = request->url + request->path_offset;
    size_t path_len = strcspn(target, "?");
    const char *query = target[path_len] == '?' ? target + path_len + 1 : NULL;

    if (!handle->url_known) {
        handle->url_known =
            curl_url_set(handle->url, CURLUPART_URL, request->url, CURLU_PATH_AS_IS) == CURLUE_OK;
    }
    oct_buffer_clear(&handle->path);
    oct_buffer_append(&handle->path, target, path_len);
    return handle->url_known && !handle->path.failed &&
           curl_url_set(handle->url, CURLUPART_PATH, handle->path.data, 0) == CURLUE_OK &&
           curl_url_set(handle->url, CURLUPART_QUERY, query, 0) == CURLUE_OK &&
           curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->url) == CURLE_OK;
}

static bool set_body(struct oct_handle *handle, const struct oct_request *request)
{
    const char *method = request->operation->method;
    bool get = strcmp(method, "GET") == 0;

    oct_buffer_clear(&handle->request_body);
    oct_buffer_append(&handle->request_body, request->body == NULL ? "" : request->body,
                      request->body_len);
    if (handle->request_body.failed) {
        return false;
    }
    if (get) {
        curl_easy_setopt(handle->easy, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(handle->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDS, handle->request_body.data);
        curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDSIZE, (long)request->body_len);
    }
    bool plain = get || strcmp(method, "POST") == 0;
    return curl_easy_setopt(handle->easy, CURLOPT_CUSTOMREQUEST, plain ? NULL : method) == CURLE_OK;
}

/* libcurl repeats a request by itself when a reused connection dies before it answers. What must
 * not be sent twice, or needs to know that it was, goes over a connection of its own. */
static bool survives_hidden_repeat(const struct oct_operation *operation)
{
    return operation->repeat == OCT_REPEAT_SAFE &&
           (OCT_COUNTS_REQUESTS || operation->settled_code == NULL);
}

bool oct_handle_prepare(struct oct_handle *handle, const struct oct_request *request,
                        int64_t connect_timeout_ms)
{
    struct curl_slist *headers = headers_for(&handle->headers, request);
    bool fresh = !survives_hidden_repeat(request->operation);

    if (headers == NULL || !set_url(handle, request) || !set_body(handle, request)) {
        return false;
    }
    answer_reset(&handle->answer);
    handle->problem[0] = '\0';
    curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_timeout_ms);
    curl_easy_setopt(handle->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    return true;
}
