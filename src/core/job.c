#include "core/job.h"

#include "core/retry.h"

#include <string.h>

static const char *const operations[] = {"keep_session_alive", "end_session", "renew_lock",
                                         "release_lock", "acquire_lock"};

static struct oct_value text_value(const char *text)
{
    struct oct_value value = {0};
    value.set = true;
    value.type = OCT_STRING;
    value.text = oct_text_of(text);
    return value;
}

static struct oct_value value_of(const struct oct_errand *errand, const char *name)
{
    struct oct_value none = {0};
    struct oct_value value = {0};

    if (strcmp(name, "name") == 0) {
        return text_value(errand->lock);
    }
    if (strcmp(name, "session_id") == 0) {
        return errand->session_id == NULL ? none : text_value(errand->session_id);
    }
    if (strcmp(name, "lease_id") == 0) {
        return text_value(errand->lease_id);
    }
    value.set = true;
    if (strcmp(name, "ttl") == 0) {
        value.type = OCT_NUMBER;
        value.number = (double)errand->ttl_ms / 1000;
        return value;
    }
    if (strcmp(name, "ephemeral") == 0) {
        value.type = OCT_BOOLEAN;
        value.flag = true;
        return value;
    }
    return none;
}

bool oct_job_start(struct oct_job *job, const struct oct_errand *errand, int64_t now_ms)
{
    struct oct_error error;
    struct oct_arguments arguments;
    const struct oct_operation *operation = oct_operation_find(operations[errand->purpose]);
    struct oct_credentials credentials = oct_account_credentials(job->account);

    memset(&arguments, 0, sizeof arguments);
    for (size_t i = 0; i < operation->parameter_count; i++) {
        arguments.values[i] = value_of(errand, operation->parameters[i].name);
    }
    if (oct_request_build(&job->account->base, &credentials, operation, &arguments, &job->request,
                          &error) != OCT_OK) {
        return false;
    }
    job->purpose = errand->purpose;
    job->sent_ms = now_ms;
    job->timeout_ms = errand->timeout_ms;
    job->ttl_ms = errand->ttl_ms;
    job->in_flight = true;
    return true;
}

/* Only the service's own words prove that something is gone: a status alone may be a proxy's. */
static bool is_gone(const struct oct_error *error)
{
    return strcmp(error->code, "lease_not_current") == 0 || strcmp(error->code, "not_found") == 0 ||
           strcmp(error->code, "session_expired") == 0;
}

/* The lock is someone else's, or nobody's and not to be had. */
static bool is_foreign(const struct oct_error *error)
{
    return error->kind == OCT_LOCK_HELD || error->kind == OCT_LOCK_DELAYED ||
           error->kind == OCT_CONFLICT || is_gone(error);
}

static enum oct_job_result judge(const struct oct_job *job, const struct oct_error *error)
{
    if (job->purpose == OCT_SETTLE) {
        return is_foreign(error) ? OCT_JOB_FOREIGN : OCT_JOB_FAILED;
    }
    return is_gone(error) ? OCT_JOB_GONE : OCT_JOB_FAILED;
}

static void read_success(const struct oct_job *job, const struct oct_result *result,
                         struct oct_job_answer *answer)
{
    answer->result = OCT_JOB_DONE;
    if (job->purpose == OCT_RENEW || job->purpose == OCT_SETTLE) {
        answer->hint_ms = oct_result_integer(result, "renew_after_ms");
    }
    if (job->purpose == OCT_SETTLE) {
        struct oct_text lease = oct_result_text(result, "lease_id");
        memcpy(answer->lease_id, lease.data, OCT_UUID_BYTES);
    }
}

void oct_job_finish(struct oct_job *job, const struct oct_response *response, bool sent,
                    struct oct_job_answer *answer)
{
    struct oct_error error;
    struct oct_result result = {NULL, NULL};

    memset(answer, 0, sizeof *answer);
    answer->result = OCT_JOB_FAILED;
    answer->hint_ms = -1;
    answer->may_have_landed = sent;
    if (response != NULL) {
        enum oct_status status = oct_response_parse(&job->request, response, &result, &error);
        if (status == OCT_OK) {
            read_success(job, &result, answer);
        } else if (status == OCT_FAILED) {
            answer->result = judge(job, &error);
            answer->hint_ms = error.retry_after_ms;
            answer->may_have_landed = error.outcome == OCT_OUTCOME_UNKNOWN;
            job->account->token_refused =
                job->account->token_refused || error.kind == OCT_AUTHENTICATION;
        }
        oct_result_free(&result);
    }
    oct_job_cancel(job);
}

void oct_job_retry(struct oct_job *job, int64_t now_ms, int64_t hint_ms, double random)
{
    static const struct oct_retry_policy policy = {200, 5000};
    enum { MIN_MS = 50, MAX_HINT_MS = 30000 };
    int64_t hint = hint_ms > MAX_HINT_MS ? MAX_HINT_MS : hint_ms;
    int64_t delay_ms = oct_retry_delay_ms(&policy, ++job->attempts, hint, random);
    job->next_try_ms = now_ms + (delay_ms < MIN_MS ? MIN_MS : delay_ms);
}

void oct_job_cancel(struct oct_job *job)
{
    if (job->in_flight) {
        oct_request_free(&job->request);
        job->in_flight = false;
    }
}
