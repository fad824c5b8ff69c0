#include "core/request.h"

#include "core/json.h"

#include <stdlib.h>
#include <string.h>

static const struct oct_value *path_value(const struct oct_operation *operation,
                                          const struct oct_arguments *arguments,
                                          struct oct_text wire)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        if (parameter->place == OCT_IN_PATH && oct_text_equal(oct_text_of(parameter->wire), wire)) {
            return &arguments->values[i];
        }
    }
    return NULL;
}

/* Replaces each {wire} of the path template by its percent-encoded argument. */
static void append_path(struct oct_buffer *out, const struct oct_operation *operation,
                        const struct oct_arguments *arguments)
{
    const char *at = operation->path;
    while (*at != '\0') {
        size_t literal = strcspn(at, "{");
        oct_buffer_append(out, at, literal);
        at += literal;
        if (*at == '{') {
            struct oct_text wire = {at + 1, strcspn(at + 1, "}")};
            oct_percent_encode(out, path_value(operation, arguments, wire)->text);
            at += wire.len + 2;
        }
    }
}

static void append_query(struct oct_buffer *out, const struct oct_operation *operation,
                         const struct oct_arguments *arguments)
{
    const char *separator = "?";
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        if (parameter->place == OCT_IN_QUERY && arguments->values[i].set) {
            oct_buffer_append_string(out, separator);
            oct_buffer_append_string(out, parameter->wire);
            oct_buffer_append_string(out, "=");
            oct_percent_encode(out, arguments->values[i].text);
            separator = "&";
        }
    }
}

static void append_strings(struct oct_buffer *out, const struct oct_value *value)
{
    oct_buffer_append(out, "[", 1);
    for (size_t i = 0; i < value->item_count; i++) {
        oct_buffer_append(out, ",", i == 0 ? 0 : 1);
        oct_json_append_string(out, value->items[i]);
    }
    oct_buffer_append(out, "]", 1);
}

/* Every rule for numbers asks for whole ones that a long holds, and none for less than 0. */
static void append_number(struct oct_buffer *out, double number)
{
    char digits[24];
    char *at = digits + sizeof digits;
    unsigned long rest = (unsigned long)number;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    oct_buffer_append(out, at, (size_t)(digits + sizeof digits - at));
}

static void append_value(struct oct_buffer *out, enum oct_rule rule, const struct oct_value *value)
{
    switch (oct_rule_type(rule)) {
    case OCT_NUMBER:
        append_number(out, value->number);
        break;
    case OCT_BOOLEAN:
        oct_buffer_append_string(out, value->flag ? "true" : "false");
        break;
    case OCT_STRINGS:
        oct_buffer_append_string(out, rule == OCT_RULE_ACL ? "{\"acquire\":" : "");
        append_strings(out, value);
        oct_buffer_append_string(out, rule == OCT_RULE_ACL ? "}" : "");
        break;
    case OCT_STRING:
        oct_json_append_string(out, value->text);
        break;
    }
}

static void append_body(struct oct_buffer *out, const struct oct_operation *operation,
                        const struct oct_arguments *arguments)
{
    const char *separator = "\"";

    oct_buffer_append(out, "{", 1);
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        const struct oct_value *value = &arguments->values[i];
        if (parameter->place != OCT_IN_BODY || (!value->set && parameter->fallback <= 0)) {
            continue;
        }
        oct_buffer_append_string(out, separator);
        oct_buffer_append_string(out, parameter->wire);
        oct_buffer_append(out, "\":", 2);
        if (value->set) {
            append_value(out, parameter->rule, value);
        } else {
            append_number(out, parameter->fallback);
        }
        separator = ",\"";
    }
    oct_buffer_append(out, "}", 1);
}

bool oct_may_carry_credentials(const struct oct_base_url *base,
                               const struct oct_credentials *credentials)
{
    return base->secure || base->loopback || credentials->allow_insecure_http;
}

/* Which credential goes along; empty when the route needs none. */
static enum oct_status choose_credential(const struct oct_base_url *base,
                                         const struct oct_credentials *credentials,
                                         const struct oct_operation *operation,
                                         struct oct_text *out, struct oct_error *error)
{
    bool admin = operation->auth == OCT_AUTH_ADMIN;

    *out = (struct oct_text){NULL, 0};
    if (operation->auth == OCT_AUTH_NONE) {
        return OCT_OK;
    }
    *out = admin ? credentials->admin_key : credentials->token;
    if (out->len == 0) {
        oct_error_set(error, OCT_AUTHENTICATION, admin ? "admin_key_missing" : "token_missing",
                      "%s needs %s and the client has none", operation->name,
                      admin ? "an admin key" : "a token");
        return OCT_FAILED;
    }
    if (!oct_may_carry_credentials(base, credentials)) {
        oct_error_set(error, OCT_VALIDATION, "insecure_http",
                      "base_url: credentials are not sent over cleartext http beyond loopback; use "
                      "https, or set allow_insecure_http");
        error->argument = "base_url";
        return OCT_FAILED;
    }
    return OCT_OK;
}

/* Empty when the answer repeats nothing. */
static struct oct_text echo_of(const struct oct_operation *operation,
                               const struct oct_arguments *arguments)
{
    for (size_t i = 0; operation->echo != NULL && i < operation->parameter_count; i++) {
        if (strcmp(operation->parameters[i].name, operation->echo) == 0) {
            return arguments->values[i].text;
        }
    }
    return (struct oct_text){NULL, 0};
}

static void append_secret(struct oct_buffer *out, struct oct_text text)
{
    if (text.len > 0) {
        oct_buffer_append(out, text.data, text.len);
        oct_buffer_append(out, "", 1);
    }
}

/* Of an ACL the tokens alone: who is named there is no secret. */
static void append_acl_tokens(struct oct_buffer *out, const struct oct_value *acl)
{
    static const char prefix[] = "token:";
    size_t skipped = sizeof prefix - 1;
    for (size_t i = 0; i < acl->item_count; i++) {
        struct oct_text item = acl->items[i];
        if (item.len > skipped && memcmp(item.data, prefix, skipped) == 0) {
            append_secret(out, (struct oct_text){item.data + skipped, item.len - skipped});
        }
    }
}

static void append_secrets(struct oct_buffer *out, const struct oct_operation *operation,
                           const struct oct_arguments *arguments)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_value *value = &arguments->values[i];
        enum oct_rule rule = operation->parameters[i].rule;
        if (!value->set || !oct_rule_is_secret(rule)) {
            continue;
        }
        if (oct_rule_type(rule) == OCT_STRINGS) {
            append_acl_tokens(out, value);
        } else {
            append_secret(out, value->text);
        }
    }
}

/* Where the parts start within the block. The block moves while it grows, so that pointers are
 * made only once it is whole. */
struct layout {
    size_t body;
    size_t credential;
    size_t echo;
    size_t secrets;
    size_t end;
};

static size_t end_part(struct oct_buffer *block)
{
    oct_buffer_append(block, "", 1);
    return block->len;
}

static struct layout fill(struct oct_buffer *block, const struct oct_base_url *base,
                          struct oct_text credential, const struct oct_operation *operation,
                          const struct oct_arguments *arguments)
{
    struct layout at;
    struct oct_text echo = echo_of(operation, arguments);

    oct_buffer_append_string(block, base->text);
    append_path(block, operation, arguments);
    append_query(block, operation, arguments);
    at.body = end_part(block);
    if (oct_operation_sends_body(operation)) {
        append_body(block, operation, arguments);
    }
    at.credential = end_part(block);
    oct_buffer_append(block, credential.data, credential.len);
    at.echo = end_part(block);
    oct_buffer_append(block, echo.data, echo.len);
    at.secrets = end_part(block);
    append_secrets(block, operation, arguments);
    at.end = block->len;
    return at;
}

static const char *part(const char *block, size_t start, size_t next)
{
    return next - start > 1 ? block + start : NULL; /* an empty part is its NUL alone */
}

enum oct_status oct_request_build(const struct oct_base_url *base,
                                  const struct oct_credentials *credentials,
                                  const struct oct_operation *operation,
                                  const struct oct_arguments *arguments, struct oct_request *out,
                                  struct oct_error *error)
{
    struct oct_buffer block = {NULL, 0, 0, false};
    struct oct_text credential;

    memset(out, 0, sizeof *out);
    out->operation = operation;
    enum oct_status status = oct_validate_arguments(operation, arguments, error);
    if (status == OCT_OK) {
        status = choose_credential(base, credentials, operation, &credential, error);
    }
    if (status != OCT_OK) {
        return status;
    }
    struct layout at = fill(&block, base, credential, operation, arguments);
    out->block = oct_buffer_take(&block);
    if (out->block == NULL) {
        return OCT_NO_MEMORY;
    }
    out->block_len = at.end;
    out->url = out->block;
    out->path_offset = base->origin_len;
    out->body = part(out->block, at.body, at.credential);
    out->body_len = out->body == NULL ? 0 : at.credential - at.body - 1;
    out->credential = part(out->block, at.credential, at.echo);
    out->echo = part(out->block, at.echo, at.secrets);
    out->secrets = out->block + at.secrets;
    out->secrets_len = at.end - at.secrets;
    return OCT_OK;
}

/* The place in one block that a pointer into the other has there. */
static const char *moved(const struct oct_request *request, const char *block, const char *part_of)
{
    return part_of == NULL ? NULL : block + (part_of - request->block);
}

bool oct_request_copy(const struct oct_request *request, struct oct_request *out)
{
    char *block = malloc(request->block_len + 1);
    if (block == NULL) {
        return false;
    }
    memcpy(block, request->block, request->block_len);
    block[request->block_len] = '\0';
    *out = *request;
    out->block = block;
    out->url = moved(request, block, request->url);
    out->body = moved(request, block, request->body);
    out->credential = moved(request, block, request->credential);
    out->echo = moved(request, block, request->echo);
    out->secrets = moved(request, block, request->secrets);
    return true;
}

void oct_request_free(struct oct_request *request)
{
    oct_wipe(request->block, request->block_len);
    free(request->block);
    memset(request, 0, sizeof *request);
}
