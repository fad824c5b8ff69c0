#include "core/rfc3339.h"

struct cursor {
    const char *at;
    const char *end;
};

static bool take_digits(struct cursor *c, int count, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++, c->at++) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9') {
            return false;
        }
        value = value * 10 + (*c->at - '0');
    }
    *out = value;
    return true;
}

static bool take(struct cursor *c, char upper, char lower)
{
    if (c->at == c->end || (*c->at != upper && *c->at != lower)) {
        return false;
    }
    c->at++;
    return true;
}

static bool take_fraction(struct cursor *c, int32_t *nanoseconds)
{
    int32_t unit = 100000000;
    const char *start = c->at;
    for (; c->at != c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        *nanoseconds += (*c->at - '0') * unit;
        unit /= 10;
    }
    return c->at != start;
}

/* Seconds east of UTC. */
static bool take_offset(struct cursor *c, int *seconds)
{
    *seconds = 0;
    if (take(c, 'Z', 'z')) {
        return true;
    }
    int hours = 0;
    int minutes = 0;
    int sign = c->at != c->end && *c->at == '-' ? -1 : 1;
    if (!take(c, '+', '-') || !take_digits(c, 2, &hours) || !take(c, ':', ':') ||
        !take_digits(c, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01 to the first of March of `year`, counted in 400-year eras; a year that
 * begins in March puts the leap day at its end. */
static int64_t days_to_date(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

bool oct_rfc3339_parse(struct oct_text text, struct oct_time *out)
{
    struct cursor c = {text.data, text.len == 0 ? text.data : text.data + text.len};
    int year, month, day, hour, minute, second, offset;
    int32_t nanoseconds = 0;

    if (text.len == 0 || !take_digits(&c, 4, &year) || !take(&c, '-', '-') ||
        !take_digits(&c, 2, &month) || !take(&c, '-', '-') || !take_digits(&c, 2, &day) ||
        !take(&c, 'T', 't') || !take_digits(&c, 2, &hour) || !take(&c, ':', ':') ||
        !take_digits(&c, 2, &minute) || !take(&c, ':', ':') || !take_digits(&c, 2, &second)) {
        return false;
    }
    if (take(&c, '.', '.') && !take_fraction(&c, &nanoseconds)) {
        return false;
    }
    if (!take_offset(&c, &offset) || c.at != c.end) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    out->seconds = days_to_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    out->seconds -= offset;
    out->nanoseconds = nanoseconds;
    return true;
}
