#include "core/response.h"

#include "core/json.h"
#include "core/rfc3339.h"

#include <stdio.h>
#include <string.h>

/* ---- shapes ---- */

static struct oct_text text_of(const json_t *value)
{
    return (struct oct_text){json_string_value(value), json_string_length(value)};
}

static bool is_objects(const json_t *list, const struct oct_shape *shape, const char **field);

static bool is_object(const json_t *object, const struct oct_shape *shape, const char **field);

static bool is_strings(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i))) {
            return false;
        }
    }
    return json_is_array(list);
}

static bool has_type(const json_t *value, const struct oct_field *field, const char **inner)
{
    struct oct_time time;
    switch (field->type) {
    case OCT_FIELD_STRING:
        return json_is_string(value);
    case OCT_FIELD_UUID:
        return json_is_string(value) && oct_is_uuid(text_of(value));
    case OCT_FIELD_TIME:
        return json_is_string(value) && oct_rfc3339_parse(text_of(value), &time);
    case OCT_FIELD_INTEGER:
    case OCT_FIELD_MS:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case OCT_FIELD_BOOLEAN:
        return json_is_boolean(value);
    case OCT_FIELD_STRINGS:
        return is_strings(value);
    case OCT_FIELD_OBJECT:
        return is_object(value, field->of, inner);
    case OCT_FIELD_OBJECTS:
        return is_objects(value, field->of, inner);
    }
    return false;
}

/* On failure `*field` names the field at fault. */
static bool is_object(const json_t *object, const struct oct_shape *shape, const char **field)
{
    struct oct_members members = oct_json_members(object);
    if (!json_is_object(object)) {
        return false;
    }
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct oct_field *wanted = &shape->fields[i];
        const json_t *value = oct_json_member(&members, wanted->wire);
        bool absent = value == NULL || json_is_null(value);
        *field = wanted->wire;
        if (absent ? wanted->required : !has_type(value, wanted, field)) {
            return false;
        }
    }
    return true;
}

static bool is_objects(const json_t *list, const struct oct_shape *shape, const char **field)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!is_object(json_array_get(list, i), shape, field)) {
            return false;
        }
    }
    return json_is_array(list);
}

static bool has_body(const json_t *root, const struct oct_variant *variant, const char **field)
{
    switch (variant->body) {
    case OCT_BODY_OBJECT:
        return is_object(root, variant->shape, field);
    case OCT_BODY_LIST:
        return is_objects(root, variant->shape, field);
    case OCT_BODY_OPEN:
        return json_is_object(root);
    case OCT_BODY_NULL:
    case OCT_BODY_NONE:
    case OCT_BODY_STREAM:
        break;
    }
    return true;
}

/* ---- errors ---- */

struct code {
    const char *code;
    enum oct_kind kind;
};

static const struct code codes[] = {
    {"authentication_required", OCT_AUTHENTICATION},
    {"authentication_failed", OCT_AUTHENTICATION},
    {"forbidden", OCT_FORBIDDEN},
    {"lock_limit_exceeded", OCT_LIMIT},
    {"capacity_exceeded", OCT_LIMIT},
    {"invalid_input", OCT_VALIDATION},
    {"invalid_ttl", OCT_VALIDATION},
    {"invalid_lock_name", OCT_VALIDATION},
    {"not_found", OCT_NOT_FOUND},
    {"session_expired", OCT_SESSION_EXPIRED},
    {"lease_not_current", OCT_LOCK_LOST},
    {"conflict", OCT_CONFLICT},
    {"rate_limited", OCT_RATE_LIMITED},
    {"upstream_unavailable", OCT_SERVER},
    {"internal_error", OCT_SERVER},
};

/* A code that this version does not know is judged by its status. */
static enum oct_kind kind_of_status(int status)
{
    switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
        return OCT_VALIDATION;
    case 401:
        return OCT_AUTHENTICATION;
    case 403:
        return OCT_FORBIDDEN;
    case 404:
        return OCT_NOT_FOUND;
    case 409:
        return OCT_CONFLICT;
    case 410:
        return OCT_SESSION_EXPIRED;
    case 429:
        return OCT_RATE_LIMITED;
    default:
        return status >= 500 && status <= 599 ? OCT_SERVER : OCT_PROTOCOL;
    }
}

static enum oct_kind kind_of_code(const char *code, int status)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i].code, code) == 0) {
            return codes[i].kind;
        }
    }
    return kind_of_status(status);
}

/* Whole seconds of a Retry-After header; its date form is not used by the server. */
static int64_t header_hint_ms(struct oct_text text)
{
    int64_t seconds = 0;
    if (text.len == 0 || text.len > 9) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        seconds = seconds * 10 + (text.data[i] - '0');
    }
    return seconds * 1000;
}

static int64_t hint_ms(const json_t *root, const struct oct_response *response)
{
    const json_t *hint = json_object_get(root, "retry_after_ms");
    if (json_is_integer(hint) && json_integer_value(hint) >= 0) {
        return json_integer_value(hint);
    }
    return header_hint_ms(response->retry_after);
}

/* What every error from an answer carries. */
static void stamp(struct oct_error *error, const struct oct_request *request,
                  const struct oct_response *response, const json_t *root)
{
    error->status = response->status;
    error->retry_after_ms = hint_ms(root, response);
    oct_error_printable(response->request_id, error->request_id, sizeof error->request_id);
    oct_error_judge(error, request->operation, true);
}

static bool repeats_argument(const struct oct_request *request, const char *text)
{
    const char *secret = request->secrets;
    const char *end = secret + request->secrets_len;
    for (; secret < end; secret += strlen(secret) + 1) {
        if (*secret != '\0' && strstr(text, secret) != NULL) {
            return true;
        }
    }
    return false;
}

/* True when the text repeats a secret: it is then left out of the message. Leases and sessions are
 * UUIDs, and not only those of the request are secret; "token:" starts a principal of an ACL. */
static bool leaks(const struct oct_request *request, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + OCT_UUID_BYTES <= len; i++) {
        if (oct_is_uuid((struct oct_text){text + i, OCT_UUID_BYTES})) {
            return true;
        }
    }
    return strstr(text, "token:") != NULL || repeats_argument(request, text) ||
           (request->credential != NULL && strstr(text, request->credential) != NULL);
}

static void server_error(const struct oct_request *request, const struct oct_response *response,
                         const json_t *root, struct oct_error *error)
{
    char code[OCT_CODE_BYTES];
    char details[160];
    const char *prose = json_string_value(json_object_get(root, "details"));

    oct_error_printable(text_of(json_object_get(root, "code")), code, sizeof code);
    oct_error_printable(oct_text_of(prose == NULL ? "" : prose), details, sizeof details);
    bool shown = details[0] != '\0' && !leaks(request, prose);
    oct_error_set(error, kind_of_code(code, response->status), code, "%s: %s (HTTP %d, %s)",
                  request->operation->name, shown ? details : "refused by the server",
                  response->status, code);
    stamp(error, request, response, root);
}

static bool is_error_object(const json_t *root)
{
    const json_t *code = json_object_get(root, "code");
    return json_is_string(code) && json_string_length(code) > 0;
}

/* Between server and client there may be a proxy that answers anything. Its 429 and 5xx are taken
 * for what they say; any other word of its own says nothing about a lease. */
static void foreign_error(const struct oct_request *request, const struct oct_response *response,
                          struct oct_error *error)
{
    enum oct_kind kind = kind_of_status(response->status);
    bool passing = kind == OCT_RATE_LIMITED || kind == OCT_SERVER;
    oct_error_set(error, passing ? kind : OCT_PROTOCOL,
                  passing ? "http_error" : "unexpected_answer",
                  "%s: HTTP %d without an error of the service: a proxy in between?",
                  request->operation->name, response->status);
    stamp(error, request, response, NULL);
}

static void malformed(const struct oct_request *request, const struct oct_response *response,
                      const char *what, struct oct_error *error)
{
    oct_error_set(error, OCT_PROTOCOL, "malformed_answer", "%s: HTTP %d %s",
                  request->operation->name, response->status, what);
    stamp(error, request, response, NULL);
}

void oct_response_refuse(const struct oct_request *request, const struct oct_response *response,
                         const char *why, struct oct_error *error)
{
    malformed(request, response, why, error);
}

/* ---- variants ---- */

static const struct oct_variant *find_variant(const struct oct_operation *operation, int status,
                                              const json_t *root)
{
    struct oct_text tag = text_of(json_object_get(root, "status"));
    for (size_t i = 0; i < operation->variant_count; i++) {
        const struct oct_variant *variant = &operation->variants[i];
        bool tagged = variant->tag == NULL || oct_text_equal(tag, oct_text_of(variant->tag));
        if (variant->http_status == status && tagged) {
            return variant;
        }
    }
    return NULL;
}

static bool expects_body(const struct oct_operation *operation, int status)
{
    for (size_t i = 0; i < operation->variant_count; i++) {
        const struct oct_variant *variant = &operation->variants[i];
        if (variant->http_status == status) {
            return variant->body != OCT_BODY_NONE && variant->body != OCT_BODY_STREAM;
        }
    }
    return true;
}

static bool echoes(const struct oct_request *request, const json_t *root)
{
    if (request->echo == NULL) {
        return true;
    }
    struct oct_text answered = text_of(json_object_get(root, request->operation->echo));
    struct oct_text asked = oct_text_of(request->echo);
    return oct_is_uuid(asked) ? oct_text_equal_ignoring_case(answered, asked)
                              : oct_text_equal(answered, asked);
}

/* A lock of someone else, or one that cannot be had yet: an error with the answer's fields. */
static void contention(const struct oct_request *request, const struct oct_response *response,
                       const struct oct_result *result, struct oct_error *error)
{
    bool held = result->variant->verdict == OCT_VERDICT_HELD;
    struct oct_text until = oct_result_text(result, held ? "expires_at" : "available_at");
    char when[48];

    oct_error_printable(until, when, sizeof when);
    oct_error_set(error, held ? OCT_LOCK_HELD : OCT_LOCK_DELAYED, held ? "held" : "delayed",
                  held ? "%s: the lock is held by someone else until %s"
                       : "%s: the lock was given up a moment ago and is free from %s",
                  request->operation->name, when);
    stamp(error, request, response, result->root);
}

static enum oct_status check(const struct oct_request *request, const struct oct_response *response,
                             struct oct_result *result, struct oct_error *error)
{
    char what[96];
    const char *field = NULL;

    if (!has_body(result->root, result->variant, &field)) {
        snprintf(what, sizeof what, "with a missing or wrong field '%s'",
                 field == NULL ? "(body)" : field);
        malformed(request, response, what, error);
        return OCT_FAILED;
    }
    if (result->variant->verdict != OCT_VERDICT_SUCCESS) {
        contention(request, response, result, error);
        return OCT_FAILED;
    }
    if (!echoes(request, result->root)) {
        malformed(request, response, "for something else than was asked for", error);
        return OCT_FAILED;
    }
    return OCT_OK;
}

static enum oct_status judge(const struct oct_request *request, const struct oct_response *response,
                             struct oct_result *result, struct oct_error *error)
{
    result->variant = find_variant(request->operation, response->status, result->root);
    if (result->variant != NULL) {
        return check(request, response, result, error);
    }
    if (response->status < 300) {
        malformed(request, response, "with an unexpected status", error);
    } else if (is_error_object(result->root)) {
        server_error(request, response, result->root, error);
    } else {
        foreign_error(request, response, error);
    }
    return OCT_FAILED;
}

enum oct_status oct_response_parse(const struct oct_request *request,
                                   const struct oct_response *response, struct oct_result *result,
                                   struct oct_error *error)
{
    bool body = expects_body(request->operation, response->status);

    result->variant = NULL;
    result->root = NULL;
    if (body && oct_json_read(response->body, &result->root) == OCT_NO_MEMORY) {
        return OCT_NO_MEMORY;
    }
    if (body && result->root == NULL && response->status < 300) {
        malformed(request, response, "with a body that is not JSON within limits", error);
        return OCT_FAILED;
    }
    enum oct_status status = judge(request, response, result, error);
    if (status != OCT_OK && (error->kind != OCT_LOCK_HELD && error->kind != OCT_LOCK_DELAYED)) {
        oct_result_free(result);
    }
    return status;
}

void oct_result_free(struct oct_result *result)
{
    json_decref(result->root);
    result->root = NULL;
}

struct oct_text oct_result_text(const struct oct_result *result, const char *wire)
{
    return text_of(json_object_get(result->root, wire));
}

int64_t oct_result_integer(const struct oct_result *result, const char *wire)
{
    const json_t *value = json_object_get(result->root, wire);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
}
