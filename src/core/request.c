#include "core/request.h"

#include "core/json.h"

#include "core/json.h"

#include <stdio.h>
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

static void append_value(struct oct_buffer *out, enum oct_rule rule, const struct oct_value *value)
{
    char number[24];
    switch (oct_rule_type(rule)) {
    case OCT_NUMBER: /* every rule for numbers asks for whole ones that a long holds */
        snprintf(number, sizeof number, "%ld", (long)value->number);
        oct_buffer_append_string(out, number);
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

static struct oct_value with_fallback(const struct oct_parameter *parameter,
                                      const struct oct_value *value)
{
    struct oct_value out = *value;
    if (!out.set && parameter->fallback > 0) {
        out.set = true;
        out.type = OCT_NUMBER;
        out.number = parameter->fallback;
    }
    return out;
}

static enum oct_status build_body(const struct oct_operation *operation,
                                  const struct oct_arguments *arguments, struct oct_request *out)
{
    struct oct_buffer body = {NULL, 0, 0, false};
    const char *separator = "{\"";

    if (!oct_operation_sends_body(operation)) {
        return OCT_OK;
    }
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        struct oct_value value = with_fallback(parameter, &arguments->values[i]);
        if (parameter->place == OCT_IN_BODY && value.set) {
            oct_buffer_append_string(&body, separator);
            oct_buffer_append_string(&body, parameter->wire);
            oct_buffer_append(&body, "\":", 2);
            append_value(&body, parameter->rule, &value);
            separator = ",\"";
        }
    }
    oct_buffer_append_string(&body, body.len == 0 ? "{}" : "}");
    size_t len = body.len;
    out->body = oct_buffer_take(&body);
    out->body_len = out->body == NULL ? 0 : len;
    return out->body == NULL ? OCT_NO_MEMORY : OCT_OK;
}

static enum oct_status copy_text(struct oct_text text, char **out)
{
    struct oct_buffer buffer = {NULL, 0, 0, false};
    oct_buffer_append(&buffer, text.data, text.len);
    *out = oct_buffer_take(&buffer);
    return *out == NULL ? OCT_NO_MEMORY : OCT_OK;
}

bool oct_may_carry_credentials(const struct oct_base_url *base,
                               const struct oct_credentials *credentials)
{
    return base->secure || base->loopback || credentials->allow_insecure_http;
}

static enum oct_status attach_credential(const struct oct_base_url *base,
                                         const struct oct_credentials *credentials,
                                         const struct oct_operation *operation,
                                         struct oct_request *out, struct oct_error *error)
{
    bool admin = operation->auth == OCT_AUTH_ADMIN;
    struct oct_text credential = admin ? credentials->admin_key : credentials->token;

    if (operation->auth == OCT_AUTH_NONE) {
        return OCT_OK;
    }
    if (credential.len == 0) {
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
    return copy_text(credential, &out->credential);
}

static enum oct_status copy_echo(const struct oct_operation *operation,
                                 const struct oct_arguments *arguments, struct oct_request *out)
{
    for (size_t i = 0; operation->echo != NULL && i < operation->parameter_count; i++) {
        if (strcmp(operation->parameters[i].name, operation->echo) == 0) {
            return copy_text(arguments->values[i].text, &out->echo);
        }
    }
    return OCT_OK;
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

static enum oct_status copy_secrets(const struct oct_operation *operation,
                                    const struct oct_arguments *arguments, struct oct_request *out)
{
    struct oct_buffer secrets = {NULL, 0, 0, false};
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_value *value = &arguments->values[i];
        enum oct_rule rule = operation->parameters[i].rule;
        if (!value->set || !oct_rule_is_secret(rule)) {
            continue;
        }
        if (oct_rule_type(rule) == OCT_STRINGS) {
            append_acl_tokens(&secrets, value);
        } else {
            append_secret(&secrets, value->text);
        }
    }
    out->secrets_len = secrets.len;
    out->secrets = oct_buffer_take(&secrets);
    return out->secrets == NULL ? OCT_NO_MEMORY : OCT_OK;
}

enum oct_status oct_request_build(const struct oct_base_url *base,
                                  const struct oct_credentials *credentials,
                                  const struct oct_operation *operation,
                                  const struct oct_arguments *arguments, struct oct_request *out,
                                  struct oct_error *error)
{
    struct oct_buffer url = {NULL, 0, 0, false};

    memset(out, 0, sizeof *out);
    out->operation = operation;
    enum oct_status status = oct_validate_arguments(operation, arguments, error);
    if (status != OCT_OK) {
        return status;
    }
    oct_buffer_append_string(&url, base->text);
    append_path(&url, operation, arguments);
    append_query(&url, operation, arguments);
    out->url = oct_buffer_take(&url);
    out->path_offset = base->origin_len;
    status = out->url == NULL ? OCT_NO_MEMORY : OCT_OK;
    if (status == OCT_OK) {
        status = attach_credential(base, credentials, operation, out, error);
    }
    if (status == OCT_OK) {
        status = build_body(operation, arguments, out);
    }
    if (status == OCT_OK) {
        status = copy_echo(operation, arguments, out);
    }
    if (status == OCT_OK) {
        status = copy_secrets(operation, arguments, out);
    }
    if (status != OCT_OK) {
        oct_request_free(out);
    }
    return status;
}

/* Overwrites before freeing: freed memory shows up in core dumps and swap. */
static void free_secret(char *secret, size_t len)
{
    volatile char *at = secret;
    while (len-- > 0) {
        *at++ = '\0';
    }
    free(secret);
}

void oct_request_free(struct oct_request *request)
{
    free(request->url);
    free_secret(request->body, request->body_len);
    free_secret(request->credential, oct_text_of(request->credential).len);
    free_secret(request->echo, oct_text_of(request->echo).len);
    free_secret(request->secrets, request->secrets == NULL ? 0 : request->secrets_len);
    memset(request, 0, sizeof *request);
}
