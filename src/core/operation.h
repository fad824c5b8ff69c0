/* The operations table: the single description of the service.
 * May use: libc. Owns: nothing, all of it is constant.
 * Requests, response types, validation, retry safety, the README's table and the check against the
 * contract that the server serves at /openapi.yaml all come from it. */
#ifndef OCT_OPERATION_H
#define OCT_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

enum oct_auth { OCT_AUTH_NONE, OCT_AUTH_BEARER, OCT_AUTH_ADMIN };

/* When the same request may be sent again by itself. */
enum oct_repeat {
    OCT_REPEAT_SAFE,   /* always: a second one changes nothing that the first did not */
    OCT_REPEAT_UNSENT, /* only when the first is known to have had no effect */
    OCT_REPEAT_NEVER   /* never: a lost answer must reach the caller */
};

/* What a parameter's value must be; validate.c holds the rules and their words. */
enum oct_rule {
    OCT_RULE_LOCK_NAME,
    OCT_RULE_LOCK_PREFIX,
    OCT_RULE_UUID,
    OCT_RULE_LOCK_TTL,
    OCT_RULE_LOCK_DELAY,
    OCT_RULE_SESSION_TTL,
    OCT_RULE_ELECTION_TTL,
    OCT_RULE_METADATA,
    OCT_RULE_FLAG,
    OCT_RULE_ACL,
    OCT_RULE_ELECTION_ID,
    OCT_RULE_CANDIDATE_ID,
    OCT_RULE_CAPABILITY,
    OCT_RULE_HTTPS_URL,
    OCT_RULE_WEBHOOK_SECRET,
    OCT_RULE_WEBHOOK_EVENTS,
    OCT_RULE_LOCK_PATTERN,
    OCT_RULE_USERNAME,
    OCT_RULE_NAMESPACE,
    OCT_RULE_METRICS_WINDOW
};

enum oct_type { OCT_STRING, OCT_NUMBER, OCT_BOOLEAN, OCT_STRINGS };

enum oct_type oct_rule_type(enum oct_rule rule);

enum oct_place { OCT_IN_PATH, OCT_IN_QUERY, OCT_IN_BODY };

struct oct_parameter {
    const char *name; /* in the Lua API */
    const char *wire; /* in the path template, the query or the JSON body */
    enum oct_place place;
    enum oct_rule rule;
    bool required;
    double fallback; /* a number sent when none is given; 0 for none */
};

/* Types of the fields of an answer. */
enum oct_field_type {
    OCT_FIELD_STRING,
    OCT_FIELD_UUID,
    OCT_FIELD_TIME,    /* RFC 3339 */
    OCT_FIELD_INTEGER, /* exact, 0 to INT64_MAX: fencing tokens, terms, counters */
    OCT_FIELD_MS,      /* whole milliseconds on the wire, seconds in Lua */
    OCT_FIELD_BOOLEAN,
    OCT_FIELD_STRINGS,
    OCT_FIELD_OBJECT, /* of the shape `of` */
    OCT_FIELD_OBJECTS /* a list of the shape `of` */
};

struct oct_shape;

struct oct_field {
    const char *wire;
    const char *name; /* in Lua */
    enum oct_field_type type;
    bool required; /* a field that is not may be absent or null */
    const struct oct_shape *of;
};

/* A JSON object; fields that it does not list are ignored. */
struct oct_shape {
    const char *name;
    const struct oct_field *fields;
    size_t field_count;
};

enum oct_body {
    OCT_BODY_NONE,   /* no content */
    OCT_BODY_NULL,   /* JSON that says nothing: null */
    OCT_BODY_OBJECT, /* an object of the variant's shape */
    OCT_BODY_LIST,   /* a list of such objects */
    OCT_BODY_OPEN,   /* any object, handed on whole: administrative counters */
    OCT_BODY_STREAM  /* Server-Sent Events */
};

enum oct_verdict { OCT_VERDICT_SUCCESS, OCT_VERDICT_HELD, OCT_VERDICT_DELAYED };

/* One answer that an operation may get. `tag` is the value of the field "status" that tells it
 * apart from other answers of the same HTTP status (held is 200!), NULL where there is none. */
struct oct_variant {
    int http_status;
    const char *tag;
    enum oct_body body;
    const struct oct_shape *shape;
    enum oct_verdict verdict;
};

enum { OCT_MAX_PARAMETERS = 8, OCT_MAX_VARIANTS = 3 };

struct oct_operation {
    const char *name;
    const char *method;
    const char *path; /* {wire} stands for a path parameter */
    enum oct_auth auth;
    enum oct_repeat repeat;
    /* The error code that proves, on a repeat after a lost answer, that the first one took effect;
     * NULL for none. */
    const char *settled_code;
    /* The wire name of the answer's field that must equal the request's parameter of the same
     * name, so that an answer for another lease grants nothing; NULL for none. */
    const char *echo;
    /* The first `positional` parameters may be given by position. */
    size_t positional;
    size_t parameter_count;
    struct oct_parameter parameters[OCT_MAX_PARAMETERS];
    size_t variant_count;
    struct oct_variant variants[OCT_MAX_VARIANTS];
};

extern const struct oct_operation oct_operations[];
extern const size_t oct_operation_count;

/* NULL when there is no such operation. */
const struct oct_operation *oct_operation_find(const char *name);

/* True when the operation can change something on the server. */
bool oct_operation_has_effect(const struct oct_operation *operation);

/* True when a JSON body goes with the request ({} where it has no parameters but the route
 * expects one). */
bool oct_operation_sends_body(const struct oct_operation *operation);

const char *oct_auth_name(enum oct_auth auth);
const char *oct_repeat_name(enum oct_repeat repeat);

#endif
