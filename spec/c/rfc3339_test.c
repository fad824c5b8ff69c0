/* Unit tests of src/core/rfc3339.c: what is a time, and which one.
 * Uses: check.h, src/core.
 * Owner: nobody. */
#include "core/rfc3339.h"

#include "check.h"

static void test_times(void)
{
    static const struct {
        const char *text;
        long long seconds;
        int nanoseconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1969-12-31T23:59:59Z", -1, 0},
        {"2026-11-23T06:06:57.321891876Z", 1795414017, 321891876},
        {"2026-11-23T06:06:57.321891876+00:00", 1795414017, 321891876},
        {"2026-11-23t06:06:57z", 1795414017, 0},
        {"2026-11-23T06:06:57-00:00", 1795414017, 0},
        {"2026-11-23T08:06:57+02:00", 1795414017, 0},
        {"2026-11-23T00:36:57-05:30", 1795414017, 0},
        {"2026-11-24T06:05:57+23:59", 1795414017, 0},
        {"2000-02-29T00:00:00Z", 951782400, 0},
        {"2024-02-29T00:00:00Z", 1709164800, 0},
        {"2023-03-01T00:00:00Z", 1677628800, 0},
        {"2100-03-01T00:00:00Z", 4107542400, 0},
        {"2038-01-19T03:14:08Z", 2147483648, 0},
        {"0001-01-01T00:00:00Z", -62135596800, 0},
        {"9999-12-31T23:59:59Z", 253402300799, 0},
        {"2016-12-31T23:59:60Z", 1483228800, 0},
        {"2020-01-01T00:00:00.1Z", 1577836800, 100000000},
        {"2020-01-01T00:00:00.000000001Z", 1577836800, 1},
        {"2020-01-01T00:00:00.999999999Z", 1577836800, 999999999},
        {"2020-01-01T00:00:00.1234567899999999999999Z", 1577836800, 123456789},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_time time = {-7, -7};
        CHECK(cases[i].text, oct_rfc3339_parse(oct_text_of(cases[i].text), &time));
        CHECK_INT(cases[i].text, time.seconds, cases[i].seconds);
        CHECK_INT(cases[i].text, time.nanoseconds, cases[i].nanoseconds);
    }
}

static void test_refusals(void)
{
    static const char *const cases[] = {
        "",
        "2020",
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00Z",
        "2020-01-01 00:00:00Z",
        "2020-01-01T00:00:00 Z",
        " 2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00Z ",
        "2020-01-01T00:00:00ZZ",
        "20-01-01T00:00:00Z",
        "02020-01-01T00:00:00Z",
        "-020-01-01T00:00:00Z",
        "+020-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2020/01/01T00:00:00Z",
        "2020-1-01T00:00:00Z",
        "2020-00-01T00:00:00Z",
        "2020-13-01T00:00:00Z",
        "2020-01-00T00:00:00Z",
        "2020-01-32T00:00:00Z",
        "2020-04-31T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:61Z",
        "2020-01-01T0:00:00Z",
        "2020-01-01T00.00.00Z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T00:00:00,5Z",
        "2020-01-01T00:00:00.5",
        "2020-01-01T00:00:00.-5Z",
        "2020-01-01T00:00:00+24:00",
        "2020-01-01T00:00:00+00:60",
        "2020-01-01T00:00:00+0000",
        "2020-01-01T00:00:00+00",
        "2020-01-01T00:00:00+00:0",
        "2020-01-01T00:00:00+00:000",
        "2020-01-01T00:00:00\xE2\x88\x92"
        "01:00",
        "\xD9\xA2"
        "020-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_time time;
        CHECK(cases[i], !oct_rfc3339_parse(oct_text_of(cases[i]), &time));
    }
}

/* No prefix of a time is a time, and a NUL ends nothing. */
static void test_edges(void)
{
    const char *whole = "2026-11-23T06:06:57.321891876+00:00";
    struct oct_time time;
    for (size_t len = 0; len < strlen(whole); len++) {
        CHECK("prefix", !oct_rfc3339_parse((struct oct_text){whole, len}, &time));
    }
    CHECK("NUL behind", !oct_rfc3339_parse((struct oct_text){"2020-01-01T00:00:00Z", 21}, &time));
    CHECK("no data", !oct_rfc3339_parse((struct oct_text){NULL, 0}, &time));
}

int main(void)
{
    test_times();
    test_refusals();
    test_edges();
    return check_report();
}
