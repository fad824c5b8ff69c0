/* Unit tests of src/core/operation.c: the table is whole and consistent with itself.
 * Uses: check.h, fixtures.h, src/core.
 * Owner: nobody. */
#include "core/operation.h"

#include "check.h"
#include "fixtures.h"

static void test_lookup(void)
{
    CHECK_INT("count", oct_operation_count, 27);
    for (size_t i = 0; i < oct_operation_count; i++) {
        CHECK(oct_operations[i].name,
              oct_operation_find(oct_operations[i].name) == &oct_operations[i]);
    }
    CHECK("no such operation", oct_operation_find("steal_lock") == NULL);
    CHECK("empty name", oct_operation_find("") == NULL);
    CHECK("case counts", oct_operation_find("Health") == NULL);
}

static bool has_path_parameter(const struct oct_operation *operation, const char *wire, size_t len)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        if (parameter->place == OCT_IN_PATH && parameter->required &&
            strlen(parameter->wire) == len && memcmp(parameter->wire, wire, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Every {wire} has its parameter and the other way round. */
static void check_path(const struct oct_operation *operation)
{
    size_t in_path = 0;
    size_t parameters = 0;
    for (const char *at = strchr(operation->path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        CHECK(operation->name, has_path_parameter(operation, at + 1, strcspn(at + 1, "}")));
        in_path++;
    }
    for (size_t i = 0; i < operation->parameter_count; i++) {
        parameters += operation->parameters[i].place == OCT_IN_PATH;
    }
    CHECK_INT(operation->name, in_path, parameters);
    CHECK(operation->name, operation->path[0] == '/');
}

static void check_parameters(const struct oct_operation *operation)
{
    CHECK(operation->name, operation->parameter_count <= OCT_MAX_PARAMETERS);
    CHECK(operation->name, operation->positional <= operation->parameter_count);
    for (size_t i = 0; i < operation->parameter_count; i++) {
        const struct oct_parameter *parameter = &operation->parameters[i];
        struct oct_value fallback = value_number(parameter->fallback);
        CHECK(parameter->name, strlen(oct_rule_words(parameter->rule)) > 0);
        if (parameter->fallback != 0) {
            struct oct_error error;
            CHECK_INT(parameter->name, oct_validate_value(operation, parameter, &fallback, &error),
                      OCT_OK);
        }
        bool in_url = parameter->place != OCT_IN_BODY;
        CHECK(parameter->name, !in_url || oct_rule_type(parameter->rule) == OCT_STRING);
    }
}

static void check_fields(const struct oct_shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct oct_field *field = &shape->fields[i];
        bool nested = field->type == OCT_FIELD_OBJECT || field->type == OCT_FIELD_OBJECTS;
        CHECK(field->wire, nested == (field->of != NULL));
        if (field->of != NULL) {
            check_fields(field->of);
        }
    }
}

static void check_variants(const struct oct_operation *operation)
{
    CHECK(operation->name, operation->variant_count >= 1);
    CHECK(operation->name, operation->variant_count <= OCT_MAX_VARIANTS);
    for (size_t i = 0; i < operation->variant_count; i++) {
        const struct oct_variant *variant = &operation->variants[i];
        bool shaped = variant->body == OCT_BODY_OBJECT || variant->body == OCT_BODY_LIST;
        CHECK(operation->name, shaped == (variant->shape != NULL));
        CHECK(operation->name, (variant->verdict == OCT_VERDICT_SUCCESS) ==
                                   (variant->http_status < 300 &&
                                    (variant->tag == NULL || strcmp(variant->tag, "held") != 0)));
        if (variant->shape != NULL) {
            check_fields(variant->shape);
        }
    }
}

/* What the answer must repeat is a parameter, and a required field of each success. */
static void check_echo(const struct oct_operation *operation)
{
    bool parameter = false;
    for (size_t i = 0; operation->echo != NULL && i < operation->parameter_count; i++) {
        parameter = parameter || strcmp(operation->parameters[i].name, operation->echo) == 0;
    }
    CHECK_INT(operation->name, parameter, operation->echo != NULL);
    for (size_t i = 0; operation->echo != NULL && i < operation->variant_count; i++) {
        bool field = false;
        const struct oct_shape *shape = operation->variants[i].shape;
        for (size_t k = 0; k < shape->field_count; k++) {
            field = field || (strcmp(shape->fields[k].wire, operation->echo) == 0 &&
                              shape->fields[k].required);
        }
        CHECK(operation->name, field);
    }
}

static void test_table(void)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        check_path(&oct_operations[i]);
        check_parameters(&oct_operations[i]);
        check_variants(&oct_operations[i]);
        check_echo(&oct_operations[i]);
    }
}

/* PROTOCOL.md: who needs which credential, what may be repeated, what has an effect. */
static void test_classes(void)
{
    static const struct {
        const char *name, *auth, *repeat;
        bool effect, body;
    } cases[] = {
        {"acquire_lock", "bearer", "safe", true, true},
        {"release_lock", "bearer", "safe", true, true},
        {"renew_lock", "bearer", "safe", true, true},
        {"get_lock_status", "bearer", "safe", false, false},
        {"list_locks", "bearer", "safe", false, false},
        {"set_lock_acl", "bearer", "safe", true, true},
        {"watch_lock", "bearer", "safe", false, false},
        {"create_session", "bearer", "unsent", true, true},
        {"keep_session_alive", "bearer", "safe", true, false},
        {"get_session", "bearer", "safe", false, false},
        {"end_session", "bearer", "safe", true, false},
        {"create_election", "none", "unsent", true, false},
        {"campaign", "none", "unsent", true, true},
        {"renew_leadership", "none", "safe", true, true},
        {"resign", "none", "unsent", true, true},
        {"get_election", "none", "safe", false, false},
        {"watch_election", "none", "safe", false, false},
        {"create_webhook", "bearer", "unsent", true, true},
        {"list_webhooks", "bearer", "safe", false, false},
        {"delete_webhook", "bearer", "safe", true, false},
        {"rotate_token", "bearer", "never", true, false},
        {"register_user", "none", "never", true, true},
        {"health", "none", "safe", false, false},
        {"get_service_status", "none", "safe", false, false},
        {"get_admin_status", "admin", "safe", false, false},
        {"get_metrics", "admin", "safe", false, false},
        {"get_metrics_timeseries", "admin", "safe", false, false},
    };
    CHECK_INT("every operation", COUNT_OF(cases), oct_operation_count);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct oct_operation *operation = oct_operation_find(cases[i].name);
        CHECK_TEXT(cases[i].name, oct_auth_name(operation->auth), cases[i].auth);
        CHECK_TEXT(cases[i].name, oct_repeat_name(operation->repeat), cases[i].repeat);
        CHECK_INT(cases[i].name, oct_operation_has_effect(operation), cases[i].effect);
        CHECK_INT(cases[i].name, oct_operation_sends_body(operation), cases[i].body);
    }
}

int main(void)
{
    test_lookup();
    test_table();
    test_classes();
    return check_report();
}
