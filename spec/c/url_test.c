/* Unit tests of src/core/url.c: base URLs, what counts as loopback, percent-encoding.
 * Uses: check.h, src/core.
 * Owner: every test frees what it makes. */
#include "core/url.h"

#include "core/limits.h"

#include "check.h"

#include <stdlib.h>

static void test_accepted(void)
{
    static const struct {
        const char *url, *text;
        size_t origin_len;
    } cases[] = {
        {"https://api.octostore.io", "https://api.octostore.io", 24},
        {"HTTPS://API.Octostore.IO", "https://api.octostore.io", 24},
        {"https://host/", "https://host", 12},
        {"https://host///", "https://host", 12},
        {"https://host/Prefix/Of/It", "https://host/Prefix/Of/It", 12},
        {"https://host/prefix/", "https://host/prefix", 12},
        {"https://host/a/../%2e/@b:c", "https://host/a/../%2e/@b:c", 12},
        {"https://host//double", "https://host//double", 12},
        {"https://host:443", "https://host:443", 16},
        {"https://host:", "https://host", 12},
        {"https://host:1/p", "https://host:1/p", 14},
        {"https://host:65535", "https://host:65535", 18},
        {"http://a_b-c.d", "http://a_b-c.d", 14},
        {"http://127.0.0.1:3000", "http://127.0.0.1:3000", 21},
        {"http://[::1]:3000/x", "http://[::1]:3000/x", 17},
        {"http://[FE80::1]", "http://[fe80::1]", 16},
        {"http://[::ffff:1.2.3.4]", "http://[::ffff:1.2.3.4]", 23},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_error error = {.message = ""};
        struct oct_base_url url = {NULL, 0, false, false};
        enum oct_status status = oct_base_url_parse(oct_text_of(cases[i].url), &url, &error);
        CHECK_INT(cases[i].url, status, OCT_OK);
        CHECK_TEXT(cases[i].url, url.text, cases[i].text);
        CHECK_INT(cases[i].url, url.origin_len, cases[i].origin_len);
        CHECK_INT(cases[i].url, url.secure, url.text != NULL && url.text[4] == 's');
        oct_base_url_free(&url);
        CHECK(cases[i].url, url.text == NULL);
    }
}

#define CHARACTERS "spaces, control characters"
#define SCHEME "must start with"
#define QUERY "query or a fragment"
#define CREDENTIALS "must not contain credentials"
#define HOST "must name a host"
#define PORT "must have a port"

static void test_refused(void)
{
    static const struct {
        const char *url, *words;
    } cases[] = {
        {"", SCHEME},
        {"host", SCHEME},
        {"//host", SCHEME},
        {"ftp://host", SCHEME},
        {"https:/host", SCHEME},
        {"https:host", SCHEME},
        {"https://", SCHEME},
        {"httpss://host", SCHEME},
        {"javascript:alert(1)", SCHEME},
        {"https:///path", HOST},
        {"https://:443", HOST},
        {"https://h\xC3\xB6st", CHARACTERS},
        {"https://ho st", CHARACTERS},
        {" https://host", CHARACTERS},
        {"https://host\n", CHARACTERS},
        {"https://host\r\nX: y", CHARACTERS},
        {"https://host/\x7F", CHARACTERS},
        {"https://host\\@evil", CHARACTERS},
        {"https://host?x=1", QUERY},
        {"https://host/p?x", QUERY},
        {"https://host/#f", QUERY},
        {"https://host#@evil", QUERY},
        {"https://user@host", CREDENTIALS},
        {"https://user:password@host", CREDENTIALS},
        {"https://@host", CREDENTIALS},
        {"https://host%2Fevil", HOST},
        {"https://ho,st", HOST},
        {"https://a:b:80", HOST},
        {"https://::1", HOST},
        {"https://[::1", HOST},
        {"https://::1]", HOST},
        {"https://[]", HOST},
        {"https://[host]", HOST},
        {"https://[fe80::1%25eth0]", HOST},
        {"https://[::1]evil", HOST},
        {"https://[::1]]", HOST},
        {"https://host:0", PORT},
        {"https://host:65536", PORT},
        {"https://host:999999", PORT},
        {"https://host:+80", PORT},
        {"https://host:80a", PORT},
        {"https://host:-1", PORT},
        {"https://[::1]:x", PORT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_error error;
        struct oct_base_url url = {NULL, 0, false, false};
        enum oct_status status = oct_base_url_parse(oct_text_of(cases[i].url), &url, &error);
        if (!CHECK(cases[i].url, status == OCT_FAILED)) {
            oct_base_url_free(&url);
            continue;
        }
        CHECK_INT(cases[i].url, error.kind, OCT_VALIDATION);
        CHECK_TEXT(cases[i].url, error.argument, "base_url");
        CHECK(cases[i].url, strstr(error.message, cases[i].words) != NULL);
        CHECK(cases[i].url, strstr(error.message, "password") == NULL);
    }
}

static enum oct_status parse_bytes(const char *data, size_t len)
{
    struct oct_error error;
    struct oct_base_url url = {NULL, 0, false, false};
    enum oct_status status = oct_base_url_parse((struct oct_text){data, len}, &url, &error);
    oct_base_url_free(&url);
    return status;
}

/* "http://" and a host of `len` bytes, or a path behind "http://h". */
static enum oct_status parse_long(const char *start, size_t len)
{
    char text[OCT_MAX_URL_BYTES + 16];
    memset(text, 'a', sizeof text);
    memcpy(text, start, strlen(start));
    return parse_bytes(text, len);
}

static void test_bounds(void)
{
    CHECK_INT("no data", parse_bytes(NULL, 0), OCT_FAILED);
    CHECK_INT("a NUL", parse_bytes("https://ho\0st", 13), OCT_FAILED);
    CHECK_INT("host of 255 bytes", parse_long("http://", 7 + 255), OCT_OK);
    CHECK_INT("host of 256 bytes", parse_long("http://", 7 + 256), OCT_FAILED);
    CHECK_INT("URL of 2048 bytes", parse_long("http://h/", OCT_MAX_URL_BYTES), OCT_OK);
    CHECK_INT("URL of 2049 bytes", parse_long("http://h/", OCT_MAX_URL_BYTES + 1), OCT_FAILED);
}

static void test_loopback(void)
{
    static const struct {
        const char *url;
        bool loopback;
    } cases[] = {
        {"http://localhost", true},
        {"http://LocalHost:3000/x", true},
        {"http://127.0.0.1", true},
        {"http://127.0.0.1:80", true},
        {"http://127.255.255.255", true},
        {"http://127.1.2.3/p", true},
        {"http://[::1]", true},
        {"http://[::1]:3000", true},
        {"http://127.1", false},
        {"http://127.0.1", false},
        {"http://0x7f.1", false},
        {"http://0x7f000001", false},
        {"http://2130706433", false},
        {"http://0177.0.0.1", false},
        {"http://127.0.0.09", false},
        {"http://127.0.0.010", false},
        {"http://127.00.0.1", false},
        {"http://127.0.0.1.evil.com", false},
        {"http://127.0.0.1.", false},
        {"http://127.0.0.1.5", false},
        {"http://127.0.0.256", false},
        {"http://127.0.0.1000", false},
        {"http://127.0..1", false},
        {"http://127...1", false},
        {"http://127.0.0.", false},
        {"http://127.0.0.a", false},
        {"http://128.0.0.1", false},
        {"http://1270.0.0.1", false},
        {"http://0.0.0.0", false},
        {"http://localhost.evil.com", false},
        {"http://localhost.", false},
        {"http://localhost.localdomain", false},
        {"http://notlocalhost", false},
        {"http://[::2]", false},
        {"http://[::ffff:127.0.0.1]", false},
        {"http://[0:0:0:0:0:0:0:1]", false},
        {"http://[::1:1]", false},
        {"http://evil.com/127.0.0.1", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_error error;
        struct oct_base_url url = {NULL, 0, false, false};
        CHECK_INT(cases[i].url, oct_base_url_parse(oct_text_of(cases[i].url), &url, &error),
                  OCT_OK);
        CHECK_INT(cases[i].url, url.loopback, cases[i].loopback);
        oct_base_url_free(&url);
    }
}

static void test_percent_encoding_of_every_byte(void)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    for (int byte = 0; byte < 256; byte++) {
        struct oct_buffer buffer = {NULL, 0, 0, false};
        char raw = (char)byte;
        char want[8] = {raw, '\0'};
        if (byte == 0 || strchr(unreserved, raw) == NULL) {
            snprintf(want, sizeof want, "%%%02X", (unsigned)byte);
        }
        oct_percent_encode(&buffer, (struct oct_text){&raw, 1});
        char *got = oct_buffer_take(&buffer);
        CHECK_TEXT(want, got, want);
        free(got);
    }
}

static void test_percent_encoding(void)
{
    struct oct_buffer buffer = {NULL, 0, 0, false};
    oct_percent_encode(&buffer, (struct oct_text){NULL, 0});
    oct_percent_encode(&buffer, oct_text_of("a/b c%2F\xC3\xA9/./.."));
    char *got = oct_buffer_take(&buffer);
    CHECK_TEXT("mixed", got, "a%2Fb%20c%252F%C3%A9%2F.%2F..");
    free(got);
}

int main(void)
{
    test_accepted();
    test_refused();
    test_bounds();
    test_loopback();
    test_percent_encoding_of_every_byte();
    test_percent_encoding();
    return check_report();
}
