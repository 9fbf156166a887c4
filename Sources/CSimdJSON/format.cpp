// Single values: text to value for casts, double to text.
#include <charconv>
#include <cmath>
#include <cstring>

#include "values.hpp"

using namespace csj;

extern "C" csj_problem csj_parse(csj_type type, int precision, int scale, const uint8_t *text, size_t length, void *value) {
    const uint8_t *end = text + length;
    int64_t narrow = 0;
    int128 wide = 0;
    uint128 bits = 0;
    double real = 0;
    csj_problem problem = CSJ_WRONG_JSON_TYPE;
    switch (type) {
        case CSJ_INT4:
            problem = parse_int(text, end, INT32_MIN, INT32_MAX, &narrow);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_INT8:
            problem = parse_int(text, end, INT64_MIN, INT64_MAX, &narrow);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_NUMERIC64:
        case CSJ_NUMERIC128:
            problem = parse_numeric(text, end, precision, scale, &wide);
            memcpy(value, &wide, type == CSJ_NUMERIC64 ? 8 : 16);
            break;
        case CSJ_FLOAT8:
            problem = parse_double(text, end, &real);
            memcpy(value, &real, 8);
            break;
        case CSJ_TIMESTAMPTZ:
            problem = parse_timestamptz(text, end, &narrow);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_TIMESTAMP:
            problem = parse_timestamptz(text, end, &narrow, false);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_DATE: {
            int64_t day = 0;
            problem = parse_timestamptz(text, end, &narrow, false, &day);
            memcpy(value, &day, 8);
            break;
        }
        case CSJ_UUID:
            problem = parse_uuid(text, end, &bits);
            memcpy(value, &bits, 16);
            break;
        case CSJ_INT2:
            problem = parse_int(text, end, INT16_MIN, INT16_MAX, &narrow);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_FLOAT4:
            problem = parse_float(text, end, &real);
            memcpy(value, &real, 8);
            break;
        case CSJ_TIME:
            problem = parse_time(text, end, &narrow);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_EPOCH:
            problem = parse_epoch(text, end, scale, &narrow);
            memcpy(value, &narrow, 8);
            break;
        case CSJ_BOOL:
        case CSJ_TEXT:
        case CSJ_VARCHAR:
        case CSJ_CHAR:
        case CSJ_DECIMAL:
        case CSJ_JSONB:
        case CSJ_ARRAY:
        case CSJ_READ:
            break;
    }
    return problem;
}

extern "C" csj_problem csj_parse_decimal(const uint8_t *text, size_t length, char *buffer, size_t *written) {
    csj_problem problem = CSJ_OK;
    auto target = reinterpret_cast<uint8_t *>(buffer);
    uint8_t *last = parse_decimal(text, text + length, target, &problem);
    *written = last ? size_t(last - target) : 0;
    return problem;
}

static size_t format_special(double value, char *buffer) {
    const char *word = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    memcpy(buffer, word, strlen(word));
    return strlen(word);
}

/// Whether these digits lie exactly between the value and a neighbour. Reading them back gives the value where its mantissa is even, but
/// PostgreSQL's Ryu keeps off the ends of the interval. Only whole numbers from 2^54 on (2^25 for `bits` of a float) have such short midpoints.
static bool is_midpoint(double value, int bits, const char *text, const char *mark, int exponent) {
    uint64_t digits = 0;
    int point = 0;
    for (const char *p = text; p < mark && *p != 'e'; p++) {
        if (*p == '.') point = 1;
        if (!is_digit(uint8_t(*p))) continue;
        digits = digits * 10 + uint64_t(*p - '0');
        if (point) exponent--;
    }
    if (exponent < 0 || exponent > 23 || digits == 0) return false;
    // digits * 10^exponent = odd * 2^shift
    int shift = __builtin_ctzll(digits) + exponent;
    uint128 odd = digits >> __builtin_ctzll(digits);
    for (int k = 0; k < exponent; k++) odd *= 5;
    int binary = 0;
    uint128 mantissa = uint128(std::ldexp(std::frexp(std::fabs(value), &binary), bits));
    binary -= bits;
    if (shift == binary - 1 && (odd == 2 * mantissa + 1 || odd == 2 * mantissa - 1)) return true;
    // Below a power of two the neighbour is half as far away.
    return mantissa == uint128(1) << (bits - 1) && shift == binary - 2 && odd == 4 * mantissa - 1;
}

/// Shortest digits in scientific form, d[.ddd]e[+-]xx; PostgreSQL shows exponents from -4 up to, not including, `digits` without one: 15 of
/// a double, 6 of a float.
template <typename Real>
static size_t format_shortest(Real value, int bits, int digits, int most, char *buffer) {
    if (!std::isfinite(value)) return format_special(value, buffer);
    char text[40];
    char *end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    char *mark = end;
    while (mark[-1] != 'e') mark--;
    int exponent = 0;
    std::from_chars(mark + (*mark == '+' ? 1 : 0), end, exponent);
    int precision = int(mark - text) - 3;
    while (exponent >= digits && precision < most && is_midpoint(double(value), bits, text, mark, exponent)) {
        Real back = 0;
        do {
            end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, ++precision).ptr;
            std::from_chars(text, end, back);
        } while (back != value && precision < most);
        mark = end;
        while (mark[-1] != 'e') mark--;
    }
    if (exponent < -4 || exponent >= digits) {
        memcpy(buffer, text, size_t(end - text));
        return size_t(end - text);
    }
    return size_t(std::to_chars(buffer, buffer + 32, value, std::chars_format::fixed).ptr - buffer);
}

extern "C" size_t csj_format_double(double value, char *buffer) { return format_shortest(value, 53, 15, 16, buffer); }
extern "C" size_t csj_format_float(float value, char *buffer) { return format_shortest(value, 24, 6, 8, buffer); }

extern "C" size_t csj_format_float_6(float value, char *buffer) {
    if (!std::isfinite(value)) return format_special(value, buffer);
    return size_t(std::to_chars(buffer, buffer + 32, double(value), std::chars_format::general, 6).ptr - buffer);
}

extern "C" size_t csj_format_double_15(double value, char *buffer) {
    if (!std::isfinite(value)) return format_special(value, buffer);
    return size_t(std::to_chars(buffer, buffer + 32, value, std::chars_format::general, 15).ptr - buffer);
}
