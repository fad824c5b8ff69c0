#include "core/url.h"

#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

/* What a base URL is made of; the parts point into the text given. */
struct parts {
    bool secure;
    struct oct_text host; /* with brackets when it is an IPv6 address */
    struct oct_text port; /* without the colon, may be empty */
    struct oct_text path;
};

static bool has_scheme(struct oct_text text, const char *scheme, size_t *len)
{
    *len = strlen(scheme);
    return text.len > *len &&
           oct_text_equal_ignoring_case((struct oct_text){text.data, *len}, oct_text_of(scheme));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_host_character(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_hexadecimal(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Exactly four decimal numbers: other spellings of an address ("127.1", "0x7f.1") are names, and so
 * is "127.0.0.09" to some resolvers. */
static bool is_ipv4(struct oct_text text)
{
    int numbers = 1;
    int digits = 0;
    int value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '.' && digits > 0) {
            numbers++;
            digits = value = 0;
        } else if (is_digit(text.data[i]) && digits < 3) {
            if (digits > 0 && value == 0) {
                return false;
            }
            digits++;
            value = value * 10 + (text.data[i] - '0');
            if (value > 255) {
                return false;
            }
        } else {
            return false;
        }
    }
    return numbers == 4 && digits > 0;
}

/* Eight groups of 1 to 4 hexadecimal digits, fewer where one "::" stands for the rest; an IPv4
 * address at the end counts as two. */
static bool is_ipv6(struct oct_text text)
{
    bool gap = text.len >= 2 && memcmp(text.data, "::", 2) == 0;
    int groups = 0;
    for (size_t i = gap ? 2 : 0; i < text.len;) {
        size_t end = i;
        while (end < text.len && is_hexadecimal(text.data[end])) {
            end++;
        }
        if (end < text.len && text.data[end] == '.') {
            groups += 2;
            return is_ipv4((struct oct_text){text.data + i, text.len - i}) &&
                   (gap ? groups < 8 : groups == 8);
        }
        if (end == i || end - i > 4 || (end < text.len && text.data[end] != ':') ||
            end + 1 == text.len) {
            return false;
        }
        groups++;
        i = end + 1;
        if (i < text.len && text.data[i] == ':') {
            if (gap) {
                return false;
            }
            gap = true;
            i++;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

static bool is_host(struct oct_text host)
{
    if (host.len == 0 || host.len > 255) {
        return false;
    }
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
        return is_ipv6((struct oct_text){host.data + 1, host.len - 2});
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!is_host_character(host.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_port(struct oct_text port)
{
    long value = 0;
    if (port.len > 5) {
        return false;
    }
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.data[i])) {
            return false;
        }
        value = value * 10 + (port.data[i] - '0');
    }
    return port.len == 0 || (value >= 1 && value <= 65535);
}

/* Splits "host:port"; an address in brackets has colons of its own. */
static void split_authority(struct oct_text authority, struct parts *out)
{
    size_t colon = authority.len;
    while (colon > 0 && authority.data[colon - 1] != ':' && authority.data[colon - 1] != ']') {
        colon--;
    }
    if (colon > 0 && authority.data[colon - 1] == ':') {
        out->host = (struct oct_text){authority.data, colon - 1};
        out->port = (struct oct_text){authority.data + colon, authority.len - colon};
    } else {
        out->host = authority;
        out->port = (struct oct_text){authority.data, 0};
    }
}

/* NULL when the text is well formed, or the words for what is wrong. Nothing of the text itself
 * is repeated once it may hold a password. */
static const char *split(struct oct_text text, struct parts *out)
{
    size_t scheme_len = 0;
    if (text.len > OCT_MAX_URL_BYTES) {
        return "must have at most 2048 bytes";
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7F || text.data[i] == '\\') {
            return "must not contain spaces, control characters, backslashes or bytes beyond ASCII";
        }
    }
    out->secure = has_scheme(text, "https://", &scheme_len);
    if (!out->secure && !has_scheme(text, "http://", &scheme_len)) {
        return "must start with https:// or http:// and name a host";
    }
    struct oct_text rest = {text.data + scheme_len, text.len - scheme_len};
    const char *slash = memchr(rest.data, '/', rest.len);
    size_t authority_len = slash == NULL ? rest.len : (size_t)(slash - rest.data);
    if (memchr(rest.data, '?', rest.len) != NULL || memchr(rest.data, '#', rest.len) != NULL) {
        return "must not have a query or a fragment";
    }
    if (memchr(rest.data, '@', authority_len) != NULL) {
        return "must not contain credentials: give the token on its own";
    }
    split_authority((struct oct_text){rest.data, authority_len}, out);
    out->path = (struct oct_text){rest.data + authority_len, rest.len - authority_len};
    if (!is_host(out->host)) {
        return "must name a host: a name, an IPv4 address or an IPv6 address in brackets";
    }
    return is_port(out->port) ? NULL : "must have a port from 1 to 65535";
}

static bool is_ipv4_loopback(struct oct_text host)
{
    return host.len > 4 && memcmp(host.data, "127.", 4) == 0 && is_ipv4(host);
}

static bool is_loopback(struct oct_text host)
{
    return oct_text_equal_ignoring_case(host, oct_text_of("localhost")) ||
           oct_text_equal(host, oct_text_of("[::1]")) || is_ipv4_loopback(host);
}

static void append_lower(struct oct_buffer *out, struct oct_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        c = (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
        oct_buffer_append(out, &c, 1);
    }
}

enum oct_status oct_base_url_parse(struct oct_text text, struct oct_base_url *out,
                                   struct oct_error *error)
{
    struct parts parts;
    struct oct_buffer buffer = {NULL, 0, 0, false};
    const char *wrong = split(text, &parts);

    if (wrong != NULL) {
        oct_error_set(error, OCT_VALIDATION, "invalid_argument", "base_url %s", wrong);
        error->argument = "base_url";
        return OCT_FAILED;
    }
    oct_buffer_append_string(&buffer, parts.secure ? "https://" : "http://");
    append_lower(&buffer, parts.host);
    if (parts.port.len > 0) {
        oct_buffer_append_string(&buffer, ":");
        oct_buffer_append(&buffer, parts.port.data, parts.port.len);
    }
    out->origin_len = buffer.len;
    while (parts.path.len > 0 && parts.path.data[parts.path.len - 1] == '/') {
        parts.path.len--;
    }
    oct_buffer_append(&buffer, parts.path.data, parts.path.len);
    out->secure = parts.secure;
    out->loopback = is_loopback(parts.host);
    out->text = oct_buffer_take(&buffer);
    return out->text == NULL ? OCT_NO_MEMORY : OCT_OK;
}

void oct_base_url_free(struct oct_base_url *url)
{
    free(url->text);
    url->text = NULL;
}

static bool is_unreserved(char c)
{
    return is_host_character(c) || c == '~';
}

void oct_percent_encode(struct oct_buffer *out, struct oct_text text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t start = 0, at = 0; start < text.len; start = ++at) {
        while (at < text.len && is_unreserved(text.data[at])) {
            at++;
        }
        oct_buffer_append(out, text.data + start, at - start);
        if (at < text.len) {
            unsigned char c = (unsigned char)text.data[at];
            char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
            oct_buffer_append(out, escaped, 3);
        }
    }
}
