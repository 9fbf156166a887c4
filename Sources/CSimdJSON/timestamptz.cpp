// timestamptz, timestamp and uuid from text.
//
// Taken: YYYY-MM-DD, then nothing, or T or spaces and hh:mm[:ss[.ffffff]], then a zone (Z, UTC, GMT, +-hh[[:]mm[[:]ss]]) or none
// (UTC), then BC or AD: ISO 8601, RFC 3339 and what PostgreSQL itself writes. 24:00:00 and second 60 roll over as they do there.
// Source: PostgreSQL 15, src/backend/utils/adt/datetime.c and uuid.c: behaviour, not code.
#include <charconv>
#include <cmath>

#include "values.hpp"

namespace csj {

namespace {

struct Reader {
    const uint8_t *p;
    const uint8_t *end;

    bool at(uint8_t c) const { return p < end && *p == c; }
    bool take(uint8_t c) { return at(c) ? (p++, true) : false; }
    void spaces() {
        while (p < end && is_space(*p)) p++;
    }
    /// Between `least` and `most` digits.
    bool number(int least, int most, int64_t *value) {
        int count = 0;
        int64_t result = 0;
        while (p < end && count < most && is_digit(*p)) result = result * 10 + (*p++ - '0'), count++;
        *value = result;
        return count >= least;
    }
    bool word(const char *text) {
        const uint8_t *q = p;
        for (; *text; text++, q++)
            if (q == end || lower(*q) != uint8_t(*text)) return false;
        if (q < end && lower(*q) >= 'a' && lower(*q) <= 'z') return false;
        p = q;
        return true;
    }
};

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t days_in_month(int64_t year, int64_t month) {
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/// Digits after the point, to microseconds.
bool read_fraction(Reader &in, int64_t *microseconds) {
    const uint8_t *first = in.p;
    int64_t value = 0;
    while (in.p < in.end && is_digit(*in.p)) {
        if (in.p - first < 6) value = value * 10 + (*in.p - '0');
        in.p++;
    }
    int64_t count = in.p - first;
    if (count == 0) return false;
    if (count <= 6) {
        *microseconds = value * int64_t(powers_of_ten[6 - count]);
        return true;
    }
    // PostgreSQL reads the fraction as a double and rounds that, so halves go where the double goes.
    double fraction = 0;
    std::from_chars(reinterpret_cast<const char *>(first - 1), reinterpret_cast<const char *>(in.p), fraction);
    *microseconds = int64_t(std::nearbyint(fraction * 1000000));
    return true;
}

/// Seconds east of Greenwich. Leaves 0 where no zone stands.
csj_problem read_zone(Reader &in, int64_t *seconds) {
    *seconds = 0;
    if (in.word("z") || in.word("utc") || in.word("gmt")) return CSJ_OK;
    if (!in.at('+') && !in.at('-')) return CSJ_OK;
    bool is_west = *in.p++ == '-';
    int64_t hours = 0, minutes = 0, rest = 0;
    const uint8_t *first = in.p;
    if (!in.number(1, 2, &hours)) return CSJ_SYNTAX;
    bool is_two_digits = in.p - first == 2;
    if (in.take(':')) {
        if (!in.number(2, 2, &minutes)) return CSJ_SYNTAX;
        if (in.take(':') && !in.number(2, 2, &rest)) return CSJ_SYNTAX;
    } else if (is_two_digits && in.p < in.end && is_digit(*in.p)) {
        if (!in.number(2, 2, &minutes)) return CSJ_SYNTAX;
    }
    if (hours > 15 || minutes > 59 || rest > 59) return CSJ_ZONE_RANGE;
    *seconds = (hours * 60 + minutes) * 60 + rest;
    if (is_west) *seconds = -*seconds;
    return CSJ_OK;
}

/// Two digits, or something above 99.
inline uint32_t two(const uint8_t *p) {
    uint8_t tens = uint8_t(p[0] - '0'), ones = uint8_t(p[1] - '0');
    return tens < 10 && ones < 10 ? tens * 10u + ones : 1000u;
}

/// YYYY-MM-DDThh:mm:ss[.ffffff]Z (or a space, or no Z) with nothing unusual in it: what machines write. False for any other form or value.
bool parse_plain(const uint8_t *p, const uint8_t *end, int64_t *value) {
    if (end - p < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') || p[13] != ':' || p[16] != ':') return false;
    uint32_t century = two(p), year = two(p + 2), month = two(p + 5), day = two(p + 8);
    uint32_t hour = two(p + 11), minute = two(p + 14), second = two(p + 17);
    if (century > 99 || year > 99 || month - 1 > 11 || hour > 23 || minute > 59 || second > 59) return false;
    if (century + year == 0 || day < 1 || day > days_in_month(century * 100 + year, month)) return false;
    int64_t fraction = 0;
    p += 19;
    if (p < end && *p == '.') {
        const uint8_t *first = ++p;
        while (p < end && is_digit(*p) && p - first < 6) fraction = fraction * 10 + (*p++ - '0');
        if (p == first) return false;
        fraction *= int64_t(powers_of_ten[6 - (p - first)]);
    }
    if (p < end && *p == 'Z') p++;
    if (p != end) return false;
    int64_t seconds = days_from_civil(century * 100 + year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *value = seconds * 1000000 + fraction;
    return true;
}

/// Second 60 and fractions that round up may reach 24:00, and not more.
bool is_clock(int64_t hour, int64_t minute, int64_t second, int64_t microsecond) {
    if (minute > 59 || second > 60 || hour > 24) return false;
    return ((hour * 60 + minute) * 60 + second) * 1000000 + microsecond <= 86400000000;
}

}  // namespace

csj_problem parse_timestamptz(const uint8_t *p, const uint8_t *end, int64_t *value, bool uses_zone, int64_t *written_day) {
    if (!written_day && parse_plain(p, end, value)) return CSJ_OK;
    Reader in{p, end};
    in.spaces();
    while (in.end > in.p && is_space(in.end[-1])) in.end--;
    int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0, zone = 0;
    const uint8_t *before = in.p;
    if (in.word("infinity")) return in.p == in.end ? CSJ_NOT_FINITE : CSJ_SYNTAX;
    if ((in.take('-') || in.take('+')) && in.word("infinity")) return in.p == in.end ? CSJ_NOT_FINITE : CSJ_SYNTAX;
    in.p = before;
    if (!in.number(4, 9, &year) || !in.take('-') || !in.number(1, 2, &month) || !in.take('-') || !in.number(1, 2, &day))
        return CSJ_SYNTAX;
    bool has_time = in.take('T') || in.take('t');
    if (!has_time && !in.at('+')) {
        const uint8_t *gap = in.p;
        in.spaces();
        has_time = in.p > gap && in.p < in.end && is_digit(*in.p);
        // Right behind a date a hyphen would go on with it.
        if (in.p == gap && in.at('-')) return CSJ_SYNTAX;
    }
    if (has_time) {
        if (!in.number(1, 2, &hour) || !in.take(':') || !in.number(2, 2, &minute)) return CSJ_SYNTAX;
        if (in.take(':')) {
            if (!in.number(2, 2, &second)) return CSJ_SYNTAX;
            if (in.take('.') && !read_fraction(in, &microsecond)) return CSJ_SYNTAX;
        }
        in.spaces();
    }
    csj_problem problem = read_zone(in, &zone);
    if (problem == CSJ_SYNTAX) return problem;
    in.spaces();
    bool is_before_christ = in.word("bc");
    if (!is_before_christ) in.word("ad");
    if (in.p != in.end) return CSJ_SYNTAX;
    if (problem != CSJ_OK) return problem;
    if (year == 0) return CSJ_DATETIME_FIELD;
    if (is_before_christ) year = 1 - year;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return CSJ_DATETIME_FIELD;
    if (!is_clock(hour, minute, second, microsecond)) return CSJ_DATETIME_FIELD;
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - (uses_zone ? zone : 0);
    int128 total = int128(seconds) * 1000000 + microsecond;
    // The half-open range of Instant.acceptedRange.
    if (total < -int128(210866803200000000) || total >= int128(INT64_MAX)) return CSJ_TIMESTAMP_RANGE;
    *value = int64_t(total);
    if (written_day) *written_day = days_from_civil(year, month, day);
    return CSJ_OK;
}

csj_problem parse_time(const uint8_t *p, const uint8_t *end, int64_t *value) {
    Reader in{p, end};
    in.spaces();
    while (in.end > in.p && is_space(in.end[-1])) in.end--;
    int64_t hour = 0, minute = 0, second = 0, microsecond = 0, zone = 0;
    if (!in.take('T')) in.take('t');
    if (!in.number(1, 2, &hour) || !in.take(':') || !in.number(1, 2, &minute)) return CSJ_SYNTAX;
    if (in.take(':')) {
        if (!in.number(1, 2, &second)) return CSJ_SYNTAX;
        if (in.take('.') && !read_fraction(in, &microsecond)) return CSJ_SYNTAX;
    }
    in.spaces();
    // A zone must be one, and changes nothing.
    csj_problem problem = read_zone(in, &zone);
    if (problem == CSJ_SYNTAX || in.p != in.end) return CSJ_SYNTAX;
    if (problem != CSJ_OK) return problem;
    if (!is_clock(hour, minute, second, microsecond)) return CSJ_DATETIME_FIELD;
    *value = ((hour * 60 + minute) * 60 + second) * 1000000 + microsecond;
    return CSJ_OK;
}

/// 36 characters with hyphens after the 8th, 12th, 16th and 20th digit: what everyone writes. False for any other form.
static bool parse_canonical_uuid(const uint8_t *p, const uint8_t *end, uint128 *value) {
    if (end - p != 36 || p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-') return false;
    static const uint8_t starts[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    uint64_t halves[2] = {0, 0};
    uint8_t wrong = 0;
    for (int byte = 0; byte < 16; byte++) {
        uint8_t high = hex_digits[p[starts[byte]]], low = hex_digits[p[starts[byte] + 1]];
        wrong |= high | low;
        halves[byte / 8] = halves[byte / 8] << 8 | uint64_t(high << 4 | (low & 15));
    }
    if (wrong & 0xF0) return false;
    *value = uint128(halves[0]) << 64 | halves[1];
    return true;
}

csj_problem parse_uuid(const uint8_t *p, const uint8_t *end, uint128 *value) {
    if (parse_canonical_uuid(p, end, value)) return CSJ_OK;
    bool has_braces = p < end && *p == '{';
    if (has_braces) p++;
    uint128 result = 0;
    for (int byte = 0; byte < 16; byte++) {
        if (end - p < 2) return CSJ_SYNTAX;
        for (int half = 0; half < 2; half++, p++) {
            uint8_t digit = hex_digits[*p];
            if (digit > 15) return CSJ_SYNTAX;
            result = result << 4 | uint128(digit);
        }
        // A hyphen may follow any group of four digits.
        if (p < end && *p == '-' && byte % 2 == 1 && byte < 15) p++;
    }
    if (has_braces && (p == end || *p++ != '}')) return CSJ_SYNTAX;
    if (p != end) return CSJ_SYNTAX;
    *value = result;
    return CSJ_OK;
}

}  // namespace csj
