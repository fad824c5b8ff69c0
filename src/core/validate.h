/* Every rule for input, checked before a request exists.
 * May use: libc. Owns: nothing, values are borrowed.
 * A rule is the server's own (PROTOCOL.md, observed on 0.14.4) unless a comment says otherwise. */
#ifndef OCT_VALIDATE_H
#define OCT_VALIDATE_H

#include "core/error.h"
#include "core/operation.h"
#include "core/text.h"

/* One argument of a call; which member holds it follows from `type`. */
struct oct_value {
    bool set;
    enum oct_type type;
    bool flag;
    double number;
    struct oct_text text;
    const struct oct_text *items;
    size_t item_count;
};

/* The arguments of a call, in the order of the operation's parameters. */
struct oct_arguments {
    struct oct_value values[OCT_MAX_PARAMETERS];
};

/* Checks one value against its parameter's rule; an unset one passes unless it is required. On
 * failure the error names operation, argument, rule and value (never a secret one). */
enum oct_status oct_validate_value(const struct oct_operation *operation,
                                   const struct oct_parameter *parameter,
                                   const struct oct_value *value, struct oct_error *error);

/* Checks all of them, and what holds between them (an ephemeral lock needs a session). */
enum oct_status oct_validate_arguments(const struct oct_operation *operation,
                                       const struct oct_arguments *arguments,
                                       struct oct_error *error);

/* A token or admin key travels in a header: 1 to 4096 visible ASCII characters. */
bool oct_is_token(struct oct_text token);

enum { OCT_UUID_BYTES = 36 };

/* The canonical form only: 8-4-4-4-12 hexadecimal digits. */
bool oct_is_uuid(struct oct_text text);

/* True when values of the rule must not appear in an error. */
bool oct_rule_is_secret(enum oct_rule rule);

/* What the rule asks for, as words that follow "must be"; "1 to 3600" and the like. */
const char *oct_rule_words(enum oct_rule rule);

#endif
