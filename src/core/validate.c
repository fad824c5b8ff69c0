#include "core/validate.h"

#include "core/limits.h"

#include <stdio.h>
#include <string.h>

struct rule {
    enum oct_type type;
    bool secret; /* its value must not appear in an error */
    double min;
    double max;
    bool (*accepts_text)(struct oct_text text);
    bool (*accepts_item)(struct oct_text item);
    const char *words;
};

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_made_of(struct oct_text text, const char *extra)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!is_alphanumeric(c) && (c == '\0' || strchr(extra, c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_between(struct oct_text text, size_t min, size_t max)
{
    return text.len >= min && text.len <= max;
}

static bool is_utf8_up_to(struct oct_text text, size_t max_characters)
{
    size_t characters = 0;
    return oct_utf8_count(text, &characters) && characters <= max_characters;
}

static bool is_lock_component(struct oct_text part)
{
    return is_between(part, 1, 64) && !oct_text_equal(part, oct_text_of(".."));
}

/* Which characters beyond ASCII are letters or digits is left to the server. */
static bool is_lock_character(char c)
{
    return is_alphanumeric(c) || (unsigned char)c >= 0x80 || c == '-' || c == '_' || c == '.';
}

static bool is_lock_name(struct oct_text name)
{
    size_t start = 0;
    if (!is_between(name, 1, 256) || !oct_utf8_count(name, NULL)) {
        return false;
    }
    for (size_t i = 0; i <= name.len; i++) {
        if (i == name.len || name.data[i] == '/') {
            if (!is_lock_component((struct oct_text){name.data + start, i - start})) {
                return false;
            }
            start = i + 1;
        } else if (!is_lock_character(name.data[i])) {
            return false;
        }
    }
    return true;
}

/* The server takes any prefix; a longer one than a name can match nothing. */
static bool is_lock_prefix(struct oct_text prefix)
{
    return prefix.len <= 256 && oct_utf8_count(prefix, NULL);
}

static bool is_hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool oct_is_uuid(struct oct_text text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.len != OCT_UUID_BYTES) {
        return false;
    }
    for (size_t i = 0; i < OCT_UUID_BYTES; i++) {
        if (form[i] == '-' ? text.data[i] != '-' : !is_hexadecimal(text.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_visible_ascii(struct oct_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F) {
            return false;
        }
    }
    return true;
}

bool oct_is_token(struct oct_text token)
{
    return is_between(token, 1, OCT_MAX_TOKEN_BYTES) && is_visible_ascii(token);
}

static bool is_metadata(struct oct_text text)
{
    return is_utf8_up_to(text, 1024);
}

static bool is_election_id(struct oct_text text)
{
    return is_between(text, 8, 64) && is_made_of(text, "_-");
}

static bool is_candidate_id(struct oct_text text)
{
    return is_between(text, 1, 64) && is_made_of(text, "._:@-");
}

static bool is_username(struct oct_text text)
{
    return is_between(text, 1, 64) && is_made_of(text, "_-");
}

static bool is_namespace(struct oct_text text)
{
    return is_between(text, 1, 64) && is_made_of(text, "._-");
}

static bool starts_with(struct oct_text text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static struct oct_text after(struct oct_text text, const char *prefix)
{
    size_t len = strlen(prefix);
    return (struct oct_text){text.data + len, text.len - len};
}

static bool is_principal(struct oct_text text)
{
    if (text.len > 256 || !oct_utf8_count(text, NULL)) {
        return false;
    }
    if (starts_with(text, "user:")) {
        struct oct_text user = after(text, "user:");
        return is_between(user, 1, 64) && is_made_of(user, "-");
    }
    return starts_with(text, "token:") && oct_is_token(after(text, "token:"));
}

/* Our own rule beyond "https": no spaces or control characters, and a bound. */
static bool is_https_url(struct oct_text text)
{
    return starts_with(text, "https://") && is_between(text, 9, OCT_MAX_URL_BYTES) &&
           is_visible_ascii(text) && memchr(text.data, '@', text.len) == NULL;
}

static bool is_webhook_event(struct oct_text text)
{
    static const char *const events[] = {"acquired", "released", "renewed", "expired", "*"};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (oct_text_equal(text, oct_text_of(events[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_metrics_window(struct oct_text text)
{
    return oct_text_equal(text, oct_text_of("1h")) || oct_text_equal(text, oct_text_of("12h")) ||
           oct_text_equal(text, oct_text_of("24h")) || oct_text_equal(text, oct_text_of("7d"));
}

/* clang-format off */
#define TEXT(check, words) {OCT_STRING, false, 0, 0, check, NULL, words}
#define SECRET(check, words) {OCT_STRING, true, 0, 0, check, NULL, words}
#define WHOLE(min, max, words) {OCT_NUMBER, false, min, max, NULL, NULL, words}
#define LIST(secret, max, check, words) {OCT_STRINGS, secret, 1, max, NULL, check, words}
/* clang-format on */

static const struct rule rules[] = {
    [OCT_RULE_LOCK_NAME] =
        TEXT(is_lock_name, "1 to 256 bytes of UTF-8 in components of 1 to 64 bytes separated by "
                           "'/', made of letters, digits, '-', '_' and '.', none of them '..'"),
    [OCT_RULE_LOCK_PREFIX] = TEXT(is_lock_prefix, "at most 256 bytes of UTF-8"),
    [OCT_RULE_UUID] = SECRET(oct_is_uuid, "a UUID (8-4-4-4-12 hexadecimal digits)"),
    [OCT_RULE_LOCK_TTL] = WHOLE(1, 3600, "a whole number of seconds from 1 to 3600"),
    [OCT_RULE_LOCK_DELAY] = WHOLE(0, 30, "a whole number of seconds from 0 to 30"),
    [OCT_RULE_SESSION_TTL] = WHOLE(10, 300, "a whole number of seconds from 10 to 300"),
    [OCT_RULE_ELECTION_TTL] = WHOLE(5, 300, "a whole number of seconds from 5 to 300"),
    [OCT_RULE_METADATA] = TEXT(is_metadata, "at most 1024 characters of UTF-8"),
    [OCT_RULE_FLAG] = {OCT_BOOLEAN, false, 0, 0, NULL, NULL, "true or false"},
    [OCT_RULE_ACL] = LIST(true, 100, is_principal,
                          "1 to 100 principals, each 'user:NAME' or 'token:TOKEN' of at most 256 "
                          "bytes"),
    [OCT_RULE_ELECTION_ID] = TEXT(is_election_id, "8 to 64 letters, digits, '_' or '-'"),
    [OCT_RULE_CANDIDATE_ID] =
        TEXT(is_candidate_id, "1 to 64 letters, digits, '.', '_', ':', '@' or '-'"),
    [OCT_RULE_CAPABILITY] = SECRET(oct_is_token, "the leader token of a won campaign"),
    /* Secret, since a URL that is refused may hold a password, and any a key in its query. */
    [OCT_RULE_HTTPS_URL] = SECRET(is_https_url, "an https:// URL without credentials"),
    [OCT_RULE_WEBHOOK_SECRET] = SECRET(is_metadata, "at most 1024 characters of UTF-8"),
    [OCT_RULE_WEBHOOK_EVENTS] =
        LIST(false, 5, is_webhook_event,
             "1 to 5 of 'acquired', 'released', 'renewed', 'expired' and '*'"),
    [OCT_RULE_LOCK_PATTERN] = TEXT(is_lock_prefix, "at most 256 bytes of UTF-8"),
    [OCT_RULE_USERNAME] = TEXT(is_username, "1 to 64 letters, digits, '_' or '-'"),
    [OCT_RULE_NAMESPACE] = TEXT(is_namespace, "1 to 64 letters, digits, '.', '_' or '-'"),
    [OCT_RULE_METRICS_WINDOW] = TEXT(is_metrics_window, "'1h', '12h', '24h' or '7d'"),
};

enum oct_type oct_rule_type(enum oct_rule rule)
{
    return rules[rule].type;
}

bool oct_rule_is_secret(enum oct_rule rule)
{
    return rules[rule].secret;
}

const char *oct_rule_words(enum oct_rule rule)
{
    return rules[rule].words;
}

static bool is_whole_between(double number, double min, double max)
{
    /* The range is tried first: it is false for NaN and keeps the conversion defined. */
    return number >= min && number <= max && number == (double)(long)number;
}

static bool accepts(const struct rule *rule, const struct oct_value *value)
{
    switch (rule->type) {
    case OCT_NUMBER:
        return is_whole_between(value->number, rule->min, rule->max);
    case OCT_STRING:
        return rule->accepts_text(value->text);
    case OCT_STRINGS:
        if ((double)value->item_count < rule->min || (double)value->item_count > rule->max) {
            return false;
        }
        for (size_t i = 0; i < value->item_count; i++) {
            if (!rule->accepts_item(value->items[i])) {
                return false;
            }
        }
        return true;
    case OCT_BOOLEAN:
        break;
    }
    return true;
}

static void describe(const struct rule *rule, const struct oct_value *value, char *out, size_t size)
{
    char shown[64];
    if (rule->type == OCT_NUMBER) {
        snprintf(out, size, " (got %.14g)", value->number);
    } else if (rule->type == OCT_STRINGS) {
        snprintf(out, size, " (got %lu)", (unsigned long)value->item_count);
    } else if (rule->secret) {
        snprintf(out, size, " (got %lu bytes)", (unsigned long)value->text.len);
    } else {
        oct_error_printable(value->text, shown, sizeof shown);
        bool cut = value->text.len >= sizeof shown;
        snprintf(out, size, " (got %lu bytes: '%s%s')", (unsigned long)value->text.len, shown,
                 cut ? "..." : "");
    }
}

enum oct_status oct_validate_value(const struct oct_operation *operation,
                                   const struct oct_parameter *parameter,
                                   const struct oct_value *value, struct oct_error *error)
{
    const struct rule *rule = &rules[parameter->rule];
    char got[128];

    if (!value->set) {
        if (!parameter->required) {
            return OCT_OK;
        }
        oct_error_set(error, OCT_VALIDATION, "missing_argument", "%s: %s is required: %s",
                      operation->name, parameter->name, rule->words);
    } else {
        if (accepts(rule, value)) {
            return OCT_OK;
        }
        describe(rule, value, got, sizeof got);
        oct_error_set(error, OCT_VALIDATION, "invalid_argument", "%s: %s must be %s%s",
                      operation->name, parameter->name, rule->words, got);
    }
    error->argument = parameter->name;
    return OCT_FAILED;
}

/* NULL when the argument is not given. */
static const struct oct_value *find(const struct oct_operation *operation,
                                    const struct oct_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        if (arguments->values[i].set && strcmp(operation->parameters[i].name, name) == 0) {
            return &arguments->values[i];
        }
    }
    return NULL;
}

enum oct_status oct_validate_arguments(const struct oct_operation *operation,
                                       const struct oct_arguments *arguments,
                                       struct oct_error *error)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        enum oct_status status =
            oct_validate_value(operation, &operation->parameters[i], &arguments->values[i], error);
        if (status != OCT_OK) {
            return status;
        }
    }
    const struct oct_value *ephemeral = find(operation, arguments, "ephemeral");
    if (ephemeral != NULL && ephemeral->flag && find(operation, arguments, "session_id") == NULL) {
        oct_error_set(error, OCT_VALIDATION, "missing_argument",
                      "%s: session_id is required when ephemeral is true", operation->name);
        error->argument = "session_id";
        return OCT_FAILED;
    }
    return OCT_OK;
}
