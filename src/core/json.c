#include "core/json.h"

#include "core/limits.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    unsigned depth;
    bool no_memory; /* tells a failed allocation from bad text when a function returns NULL */
    struct oct_buffer text; /* the last string that had escapes; one buffer serves them all */
};

static json_t *read_value(struct reader *r);

/* '\0' stands for the end too: no token contains that byte. */
static char peek(const struct reader *r)
{
    return r->at == r->end ? '\0' : *r->at;
}

static bool take(struct reader *r, char wanted)
{
    bool found = wanted != '\0' && peek(r) == wanted;
    r->at += found;
    return found;
}

static void skip_space(struct reader *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\n') || take(r, '\r')) {
    }
}

static bool take_after_space(struct reader *r, char wanted)
{
    skip_space(r);
    return take(r, wanted);
}

static json_t *checked(struct reader *r, json_t *value)
{
    r->no_memory = r->no_memory || value == NULL;
    return value;
}

/* ---- strings ---- */

static bool read_hexadecimal(struct reader *r, unsigned *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        const char *digit = peek(r) == '\0' ? NULL : strchr(digits, peek(r));
        if (digit == NULL) {
            return false;
        }
        unsigned value = (unsigned)(digit - digits);
        *out = *out * 16 + (value < 16 ? value : value - 6);
    }
    return true;
}

/* What follows "\u"; a surrogate counts only as the first half of a pair. */
static bool read_code_point(struct reader *r, unsigned *out)
{
    unsigned low = 0;
    if (!read_hexadecimal(r, out) || (*out >= 0xDC00 && *out <= 0xDFFF)) {
        return false;
    }
    if (*out < 0xD800 || *out > 0xDBFF) {
        return true;
    }
    if (!take(r, '\\') || !take(r, 'u') || !read_hexadecimal(r, &low) || low < 0xDC00 ||
        low > 0xDFFF) {
        return false;
    }
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static void append_code_point(struct oct_buffer *out, unsigned code)
{
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    char bytes[4];

    for (size_t i = len; i-- > 1; code >>= 6) {
        bytes[i] = (char)(0x80 | (code & 0x3F));
    }
    bytes[0] = (char)(len == 1 ? code : marks[len] | code);
    oct_buffer_append(out, bytes, len);
}

/* What follows a backslash. */
static bool read_escape(struct reader *r, struct oct_buffer *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    unsigned code = 0;

    if (take(r, 'u')) {
        if (!read_code_point(r, &code)) {
            return false;
        }
        append_code_point(out, code);
        return true;
    }
    const char *name = peek(r) == '\0' ? NULL : strchr(names, peek(r));
    if (name == NULL) {
        return false;
    }
    r->at++;
    oct_buffer_append(out, &bytes[name - names], 1);
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Whether all eight bytes are plain. It may say no where a byte above one that is not is plain. */
static bool is_plain_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quotes = word ^ (ones * '"');
    uint64_t backslashes = word ^ (ones * '\\');
    uint64_t found = ((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes) |
                     ((backslashes - ones) & ~backslashes);
    return (found & (ones * 0x80)) == 0;
}

/* How many plain characters a text starts with; most of an answer is within strings. */
static size_t plain_length(const char *text, size_t len)
{
    uint64_t word;
    size_t at = 0;
    for (; len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        if (!is_plain_word(word)) {
            break;
        }
    }
    while (at < len && is_plain(text[at])) {
        at++;
    }
    return at;
}

static struct oct_text take_plain(struct reader *r)
{
    struct oct_text plain = {r->at, plain_length(r->at, (size_t)(r->end - r->at))};
    r->at += plain.len;
    return plain;
}

/* From the first escape of a string to its end. */
static bool read_escapes(struct reader *r)
{
    while (!take(r, '"')) {
        if (!take(r, '\\') || !read_escape(r, &r->text)) {
            return false;
        }
        struct oct_text plain = take_plain(r);
        oct_buffer_append(&r->text, plain.data, plain.len);
    }
    return true;
}

/* A string that begins with these plain characters, put together in r->text. */
static bool read_escaped(struct reader *r, struct oct_text plain, struct oct_text *out)
{
    oct_buffer_clear(&r->text);
    oct_buffer_append(&r->text, plain.data, plain.len);
    bool good = read_escapes(r);
    *out = (struct oct_text){r->text.data, r->text.len};
    r->no_memory = r->no_memory || r->text.failed;
    return good && !r->text.failed;
}

/* A string without escapes stays where it is; another one is in r->text until the next is read. */
static bool read_text(struct reader *r, struct oct_text *out)
{
    if (!take(r, '"')) {
        return false;
    }
    *out = take_plain(r);
    return (take(r, '"') || read_escaped(r, *out, out)) && oct_utf8_count(*out, NULL);
}

static json_t *read_string(struct reader *r)
{
    struct oct_text text;
    return read_text(r, &text) ? checked(r, json_stringn_nocheck(text.data, text.len)) : NULL;
}

/* ---- numbers ---- */

static struct oct_text take_digits(struct reader *r)
{
    struct oct_text digits = {r->at, 0};
    while (peek(r) >= '0' && peek(r) <= '9') {
        r->at++;
        digits.len++;
    }
    return digits;
}

/* Counts downwards, since INT64_MIN has no positive counterpart. */
static json_t *make_integer(struct reader *r, bool negative, struct oct_text digits)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = digits.data[i] - '0';
        if (value < (INT64_MIN + digit) / 10) {
            return NULL;
        }
        value = value * 10 - digit;
    }
    if (!negative && value == INT64_MIN) {
        return NULL;
    }
    return checked(r, json_integer(negative ? value : -value));
}

/* Written without a decimal point, whose character strtod takes from the locale. */
static json_t *make_real(struct reader *r, bool negative, struct oct_text whole,
                         struct oct_text fraction, long exponent)
{
    struct oct_buffer buffer = {NULL, 0, 0, false};
    char power[32];

    snprintf(power, sizeof power, "e%ld", exponent - (long)fraction.len);
    oct_buffer_append(&buffer, whole.data, whole.len);
    oct_buffer_append(&buffer, fraction.data, fraction.len);
    oct_buffer_append_string(&buffer, power);
    char *text = oct_buffer_take(&buffer);
    if (text == NULL) {
        r->no_memory = true;
        return NULL;
    }
    double value = strtod(text, NULL);
    free(text);
    return value > DBL_MAX ? NULL : checked(r, json_real(negative ? -value : value));
}

/* Beyond ten million the value is zero or too large whatever the digits are. */
static bool read_exponent(struct reader *r, long *exponent)
{
    bool negative = take(r, '-');
    if (!negative) {
        take(r, '+');
    }
    struct oct_text digits = take_digits(r);
    for (size_t i = 0; i < digits.len && *exponent < 10000000; i++) {
        *exponent = *exponent * 10 + (digits.data[i] - '0');
    }
    *exponent = negative ? -*exponent : *exponent;
    return digits.len > 0;
}

static json_t *read_number(struct reader *r)
{
    bool negative = take(r, '-');
    struct oct_text whole = take_digits(r);
    struct oct_text fraction = {r->at, 0};
    long exponent = 0;

    if (whole.len == 0 || (whole.len > 1 && whole.data[0] == '0')) {
        return NULL;
    }
    bool real = take(r, '.');
    if (real) {
        fraction = take_digits(r);
        if (fraction.len == 0) {
            return NULL;
        }
    }
    if (take(r, 'e') || take(r, 'E')) {
        real = true;
        if (!read_exponent(r, &exponent)) {
            return NULL;
        }
    }
    return real ? make_real(r, negative, whole, fraction, exponent)
                : make_integer(r, negative, whole);
}

/* ---- lists and objects ---- */

static bool read_item(struct reader *r, json_t *list)
{
    json_t *value = read_value(r);
    if (value == NULL) {
        return false;
    }
    bool kept = json_array_append_new(list, value) == 0;
    r->no_memory = r->no_memory || !kept;
    return kept;
}

/* Reads ':' and the value that belongs to the key. A key that was there before does not make the
 * object grow, which is refused. */
static bool read_member_value(struct reader *r, json_t *object, const char *key)
{
    size_t size = json_object_size(object);
    if (!take_after_space(r, ':')) {
        return false;
    }
    json_t *value = read_value(r);
    bool kept = value != NULL && json_object_set_new_nocheck(object, key, value) == 0;
    r->no_memory = r->no_memory || (value != NULL && !kept);
    return kept && json_object_size(object) > size;
}

static bool read_member(struct reader *r, json_t *object)
{
    char near[64]; /* the keys of the service fit */
    struct oct_text name;
    skip_space(r);
    if (!read_text(r, &name) || memchr(name.data, '\0', name.len) != NULL) {
        return false;
    }
    char *key = name.len < sizeof near ? near : malloc(name.len + 1);
    if (key == NULL) {
        r->no_memory = true;
        return false;
    }
    memcpy(key, name.data, name.len);
    key[name.len] = '\0';
    bool kept = read_member_value(r, object, key);
    if (key != near) {
        free(key);
    }
    return kept;
}

/* A hostile body must not choose how deep this recurses. */
static json_t *read_members(struct reader *r, json_t *container, char close,
                            bool (*read_one)(struct reader *r, json_t *container))
{
    if (checked(r, container) == NULL) {
        return NULL;
    }
    bool good = ++r->depth <= OCT_MAX_JSON_DEPTH;
    if (good && !take_after_space(r, close)) {
        do {
            good = read_one(r, container);
        } while (good && take_after_space(r, ','));
        good = good && take_after_space(r, close);
    }
    r->depth--;
    if (!good) {
        json_decref(container);
        return NULL;
    }
    return container;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t len = strlen(word);
    bool found = (size_t)(r->end - r->at) >= len && memcmp(r->at, word, len) == 0;
    r->at += found ? len : 0;
    return found;
}

static json_t *read_value(struct reader *r)
{
    skip_space(r);
    switch (peek(r)) {
    case '{':
        r->at++;
        return read_members(r, json_object(), '}', read_member);
    case '[':
        r->at++;
        return read_members(r, json_array(), ']', read_item);
    case '"':
        return read_string(r);
    case 't':
        return take_word(r, "true") ? json_true() : NULL;
    case 'f':
        return take_word(r, "false") ? json_false() : NULL;
    case 'n':
        return take_word(r, "null") ? json_null() : NULL;
    default:
        return read_number(r);
    }
}

enum oct_status oct_json_read(struct oct_text text, json_t **root)
{
    *root = NULL;
    if (text.len == 0 || text.len > OCT_MAX_BODY_BYTES) {
        return OCT_FAILED;
    }
    struct reader r = {text.data, text.data + text.len, 0, false, {NULL, 0, 0, false}};
    *root = read_value(&r);
    skip_space(&r);
    oct_buffer_free(&r.text);
    if (*root != NULL && r.at == r.end) {
        return OCT_OK;
    }
    json_decref(*root);
    *root = NULL;
    return r.no_memory ? OCT_NO_MEMORY : OCT_FAILED;
}

/* ---- members ---- */

struct oct_members oct_json_members(const json_t *object)
{
    json_t *same = (json_t *)object; /* jansson's iterators could change it, these do not */
    return (struct oct_members){same, json_object_iter(same)};
}

json_t *oct_json_member(struct oct_members *members, const char *key)
{
    void *at = members->next;
    if (at == NULL || strcmp(json_object_iter_key(at), key) != 0) {
        at = json_object_iter_at(members->object, key);
    }
    if (at == NULL) {
        return NULL;
    }
    members->next = json_object_iter_next(members->object, at);
    return json_object_iter_value(at);
}

/* ---- writing ---- */

static void append_escaped(struct oct_buffer *out, char c)
{
    static const char bytes[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    char escaped[8] = {'\\', '\0', '\0'};
    const char *found = c == '\0' ? NULL : strchr(bytes, c);

    if (found != NULL) {
        escaped[1] = names[found - bytes];
    } else {
        snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)c);
    }
    oct_buffer_append_string(out, escaped);
}

void oct_json_append_string(struct oct_buffer *out, struct oct_text text)
{
    oct_buffer_append(out, "\"", 1);
    for (size_t start = 0, at = 0; start < text.len; start = ++at) {
        at += plain_length(text.data + at, text.len - at);
        oct_buffer_append(out, text.data + start, at - start);
        if (at < text.len) {
            append_escaped(out, text.data[at]);
        }
    }
    oct_buffer_append(out, "\"", 1);
}
