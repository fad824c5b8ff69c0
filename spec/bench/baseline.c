/* The baseline of the bench: acquire and release pairs in a C loop on libcurl, without JSON.
 * May use: libcurl, POSIX clocks. Owns: everything until main returns.
 * Prints CPU and median latency of a request in microseconds: baseline BASE_URL TOKEN PAIRS
 *
 * The options are those of src/transport/handle.c; the deadline of a request, which the client
 * counts by its own clock, is libcurl's here (0.8 % of the baseline's instructions). */
#define _POSIX_C_SOURCE 200809L
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { WARM_UP = 50, MAX_PAIRS = 100000 };

static char body[65536];
static size_t body_len;
static char problem[CURL_ERROR_SIZE];
static char request_id[80];
static double latencies[2 * MAX_PAIRS];

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    size_t len = size * count;
    (void)context;
    if (len > sizeof body - 1 - body_len) {
        return 0;
    }
    memcpy(body + body_len, data, len);
    body_len += len;
    body[body_len] = '\0';
    return len;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    size_t len = size * count;
    (void)context;
    if (len > 14 && len < sizeof request_id && strncmp(data, "x-request-id: ", 14) == 0) {
        memcpy(request_id, data + 14, len - 14);
    }
    return len;
}

static int count_request(void *context, char *ip, char *local_ip, int port, int local_port)
{
    (void)context, (void)ip, (void)local_ip, (void)port, (void)local_port;
    return CURL_PREREQFUNC_OK;
}

static double seconds(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void set_options(CURL *easy, struct curl_slist *headers)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "octostore-lua");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, count_request);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}

/* One POST on the kept connection; its latency in microseconds, negative when it failed. */
static double post(CURL *easy, CURLU *url, const char *path, const char *text)
{
    double start = seconds(CLOCK_MONOTONIC);
    long status = 0;

    body_len = 0;
    curl_url_set(url, CURLUPART_PATH, path, 0);
    curl_easy_setopt(easy, CURLOPT_CURLU, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    if (curl_easy_perform(easy) != CURLE_OK) {
        return -1;
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? (seconds(CLOCK_MONOTONIC) - start) * 1e6 : -1;
}

static int run_pairs(CURL *easy, CURLU *url, int pairs, double *out)
{
    static const char key[] = "\"lease_id\":\"";
    char release[80];
    for (int i = 0; i < pairs; i++) {
        out[2 * i] = post(easy, url, "/locks/bench/acquire", "{\"ttl_seconds\":60}");
        const char *lease = strstr(body, key);
        if (out[2 * i] < 0 || lease == NULL) {
            return -1;
        }
        snprintf(release, sizeof release, "{\"lease_id\":\"%.36s\"}", lease + sizeof key - 1);
        out[2 * i + 1] = post(easy, url, "/locks/bench/release", release);
        if (out[2 * i + 1] < 0) {
            return -1;
        }
    }
    return 0;
}

static int ascending(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return difference < 0 ? -1 : difference > 0;
}

int main(int argc, char **argv)
{
    int pairs = argc == 4 ? atoi(argv[3]) : 0;
    char credential[256];

    if (pairs < 1 || pairs > MAX_PAIRS) {
        fprintf(stderr, "usage: baseline BASE_URL TOKEN PAIRS\n");
        return 2;
    }
    snprintf(credential, sizeof credential, "Authorization: Bearer %s", argv[2]);
    struct curl_slist *headers = curl_slist_append(NULL, credential);
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "Content-Type: application/json");
    CURL *easy = curl_easy_init();
    CURLU *url = curl_url();
    curl_url_set(url, CURLUPART_URL, argv[1], 0);
    set_options(easy, headers);
    if (run_pairs(easy, url, WARM_UP, latencies) != 0) {
        fprintf(stderr, "baseline: the warm-up failed: %s %s\n", problem, body);
        return 1;
    }
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (run_pairs(easy, url, pairs, latencies) != 0) {
        fprintf(stderr, "baseline: a request failed: %s %s\n", problem, body);
        return 1;
    }
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    qsort(latencies, (size_t)(2 * pairs), sizeof latencies[0], ascending);
    printf("%.2f %.2f\n", cpu * 1e6 / (2 * pairs), latencies[pairs]);
    curl_easy_cleanup(easy);
    curl_url_cleanup(url);
    curl_slist_free_all(headers);
    return 0;
}
