// Integers, numerics and doubles from text.
//
// Sources: PostgreSQL 15, src/backend/utils/adt/{int8.c, numutils.c, numeric.c, float.c}: behaviour, not code.
#include <charconv>
#include <cmath>
#include <cstring>

#include "values.hpp"

namespace csj {

const uint64_t powers_of_ten[20] = {
    1ull, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull, 100000000ull, 1000000000ull,
    10000000000ull, 100000000000ull, 1000000000000ull, 10000000000000ull, 100000000000000ull, 1000000000000000ull,
    10000000000000000ull, 100000000000000000ull, 1000000000000000000ull, 10000000000000000000ull,
};

uint128 power_of_ten(int exponent) {
    return exponent < 20 ? uint128(powers_of_ten[exponent]) : uint128(powers_of_ten[19]) * powers_of_ten[exponent - 19];
}

// PostgreSQL refuses exponents beyond INT_MAX / 2 whatever the mantissa.
static constexpr int64_t exponent_limit = 1073741823;
// Digits after the point that its numerics can have, before they are rounded to the column's scale.
static constexpr int64_t display_scale_limit = 16383;

csj_problem to_int(const Decimal &number, int64_t least, int64_t greatest, int64_t *value) {
    if (number.has_point || number.has_exponent) return CSJ_SYNTAX;
    if (number.digits > 19) return CSJ_VALUE_RANGE;
    int128 wide = number.is_negative ? -int128(number.mantissa) : int128(number.mantissa);
    if (wide < least || wide > greatest) return CSJ_VALUE_RANGE;
    *value = int64_t(wide);
    return CSJ_OK;
}

csj_problem to_numeric(const Decimal &number, int precision, int scale, int128 *value) {
    if (number.exponent >= exponent_limit || number.exponent <= -exponent_limit) return CSJ_NUMERIC_FORMAT;
    if (number.fraction - number.exponent > display_scale_limit) return CSJ_NUMERIC_FORMAT;
    *value = 0;
    if (number.digits == 0) return CSJ_OK;
    // How many leading digits of the mantissa stand before the last place that is kept.
    int64_t kept = number.digits + number.exponent - number.fraction + scale;
    if (kept < 0) return CSJ_OK;
    if (kept > precision) return CSJ_NUMERIC_OVERFLOW;
    uint128 unscaled = 0;
    if (number.digits <= 19 && kept >= number.digits) {
        unscaled = uint128(number.mantissa) * power_of_ten(int(kept - number.digits));
    } else {
        const uint8_t *p = number.begin;
        while (p < number.end && (*p == '0' || *p == '.')) p++;
        int64_t taken = 0;
        for (; taken < kept; p++) {
            if (p < number.end && *p == '.') continue;
            unscaled = unscaled * 10 + (p < number.end ? uint128(*p - '0') : 0);
            taken++;
        }
        while (p < number.end && *p == '.') p++;
        if (p < number.end && *p >= '5') unscaled += 1;  // half away from zero
    }
    if (unscaled >= power_of_ten(precision)) return CSJ_NUMERIC_OVERFLOW;
    *value = number.is_negative ? -int128(unscaled) : int128(unscaled);
    return CSJ_OK;
}

csj_problem to_double(const Decimal &number, const uint8_t *begin, const uint8_t *end, double *value) {
    int64_t shift = number.exponent - number.fraction;
    if (number.digits <= 19 && number.mantissa <= (1ull << 53) && shift >= -22 && shift <= 22) {
        // Both factors are exact doubles, so one operation rounds correctly (Clinger 1990).
        static const double exact[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        double magnitude = double(number.mantissa);
        magnitude = shift < 0 ? magnitude / exact[-shift] : magnitude * exact[shift];
        *value = number.is_negative ? -magnitude : magnitude;
        return CSJ_OK;
    }
    if (number.digits == 0) {
        *value = number.is_negative ? -0.0 : 0.0;
        return CSJ_OK;
    }
    if (*begin == '+') begin++;  // from_chars knows no plus sign
    double parsed = 0;
    auto result = std::from_chars(reinterpret_cast<const char *>(begin), reinterpret_cast<const char *>(end), parsed);
    // PostgreSQL calls an underflow to zero out of range as it does an overflow; subnormal numbers are fine.
    if (result.ec != std::errc() || parsed == 0 || !std::isfinite(parsed)) return CSJ_VALUE_RANGE;
    *value = parsed;
    return CSJ_OK;
}

csj_problem to_float(const Decimal &number, const uint8_t *begin, const uint8_t *end, double *value) {
    if (number.digits == 0) {
        *value = number.is_negative ? -0.0 : 0.0;
        return CSJ_OK;
    }
    if (*begin == '+') begin++;
    // Not by way of a double: that would round twice.
    float parsed = 0;
    auto result = std::from_chars(reinterpret_cast<const char *>(begin), reinterpret_cast<const char *>(end), parsed);
    if (result.ec != std::errc() || parsed == 0 || !std::isfinite(parsed)) return CSJ_VALUE_RANGE;
    *value = double(parsed);
    return CSJ_OK;
}

csj_problem to_epoch(const Decimal &number, int digits, int64_t *value) {
    int128 wide = 0;
    if (to_numeric(number, 19, digits, &wide) != CSJ_OK) return CSJ_TIMESTAMP_RANGE;
    if (wide < -int128(210866803200000000) || wide >= int128(INT64_MAX)) return CSJ_TIMESTAMP_RANGE;
    *value = int64_t(wide);
    return CSJ_OK;
}

uint8_t *put_unscaled(int128 value, int scale, uint8_t *target) {
    uint8_t digits[40];
    int count = 0;
    uint128 rest = value < 0 ? -uint128(value) : uint128(value);
    do digits[count++] = uint8_t('0' + int(rest % 10)), rest /= 10;
    while (rest != 0);
    while (count <= scale) digits[count++] = '0';
    if (value < 0) *target++ = '-';
    while (count > 0) {
        if (count == scale) *target++ = '.';
        *target++ = digits[--count];
    }
    return target;
}

uint8_t *put_decimal(const Decimal &number, uint8_t *target, csj_problem *problem) {
    int64_t scale = number.fraction - number.exponent;
    if (scale < 0) scale = 0;
    int128 wide = 0;
    *problem = scale > 38 ? CSJ_DECIMAL_DIGITS : to_numeric(number, 38, int(scale), &wide);
    if (*problem == CSJ_NUMERIC_OVERFLOW || *problem == CSJ_NUMERIC_FORMAT) *problem = CSJ_DECIMAL_DIGITS;
    return *problem == CSJ_OK ? put_unscaled(wide, int(scale), target) : nullptr;
}

static void trim(const uint8_t *&p, const uint8_t *&end) {
    while (p < end && is_space(*p)) p++;
    while (p < end && is_space(end[-1])) end--;
}

static bool equals_word(const uint8_t *p, const uint8_t *end, const char *word) {
    size_t length = strlen(word);
    if (size_t(end - p) != length) return false;
    for (size_t i = 0; i < length; i++)
        if (lower(p[i]) != uint8_t(word[i])) return false;
    return true;
}

static bool is_not_finite(const uint8_t *p, const uint8_t *end) {
    if (p < end && (*p == '-' || *p == '+')) p++;
    return equals_word(p, end, "nan") || equals_word(p, end, "inf") || equals_word(p, end, "infinity");
}

csj_problem parse_int(const uint8_t *p, const uint8_t *end, int64_t least, int64_t greatest, int64_t *value) {
    trim(p, end);
    bool is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return CSJ_SYNTAX;
    int128 wide = 0;
    for (; p < end; p++) {
        if (!is_digit(*p)) return CSJ_SYNTAX;
        wide = wide * 10 + (is_negative ? -int128(*p - '0') : int128(*p - '0'));
        if (wide < least || wide > greatest) return CSJ_VALUE_RANGE;
    }
    *value = int64_t(wide);
    return CSJ_OK;
}

/// PostgreSQL's looser grammar of decimals: a sign, digits with a point anywhere among them, an exponent. numeric's exponent is read by
/// C's strtol, which passes over white space before it.
static bool scan_decimal(const uint8_t *p, const uint8_t *end, bool is_numeric, Decimal *number) {
    *number = Decimal{};
    if (p < end && (*p == '-' || *p == '+')) number->is_negative = *p++ == '-';
    number->begin = p;
    bool any = false;
    for (; p < end; p++) {
        if (is_digit(*p)) {
            any = true;
            if (number->digits > 0 || *p != '0') {
                if (number->digits < 19) number->mantissa = number->mantissa * 10 + uint64_t(*p - '0');
                number->digits++;
            }
            if (number->has_point) number->fraction++;
        } else if (*p == '.' && !number->has_point) {
            number->has_point = true;
        } else {
            break;
        }
    }
    number->end = p;
    if (!any) return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        while (is_numeric && p < end && is_space(*p)) p++;
        number->has_exponent = true;
        bool is_negative = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        if (p == end) return false;
        int64_t exponent = 0;
        for (; p < end && is_digit(*p); p++)
            if (exponent < INT32_MAX) exponent = exponent * 10 + (*p - '0');
        number->exponent = is_negative ? -exponent : exponent;
    }
    return p == end;
}

csj_problem parse_numeric(const uint8_t *p, const uint8_t *end, int precision, int scale, int128 *value) {
    trim(p, end);
    Decimal number;
    if (scan_decimal(p, end, true, &number)) return to_numeric(number, precision, scale, value);
    return is_not_finite(p, end) ? CSJ_NOT_FINITE : CSJ_SYNTAX;
}

csj_problem parse_epoch(const uint8_t *p, const uint8_t *end, int digits, int64_t *value) {
    trim(p, end);
    Decimal number;
    if (scan_decimal(p, end, true, &number)) return to_epoch(number, digits, value);
    return is_not_finite(p, end) ? CSJ_NOT_FINITE : CSJ_SYNTAX;
}

uint8_t *parse_decimal(const uint8_t *p, const uint8_t *end, uint8_t *target, csj_problem *problem) {
    trim(p, end);
    Decimal number;
    if (scan_decimal(p, end, true, &number)) return put_decimal(number, target, problem);
    *problem = is_not_finite(p, end) ? CSJ_NOT_FINITE : CSJ_SYNTAX;
    return nullptr;
}

csj_problem parse_float(const uint8_t *p, const uint8_t *end, double *value) {
    trim(p, end);
    Decimal number;
    if (scan_decimal(p, end, false, &number)) return to_float(number, p, end, value);
    if (is_not_finite(p, end)) return CSJ_NOT_FINITE;
    const uint8_t *digits = p;
    if (digits < end && (*digits == '-' || *digits == '+')) digits++;
    if (end - digits < 3 || digits[0] != '0' || lower(digits[1]) != 'x' || digits[2] == '-') return CSJ_SYNTAX;
    float parsed = 0;
    auto last = reinterpret_cast<const char *>(end);
    auto result = std::from_chars(reinterpret_cast<const char *>(digits + 2), last, parsed, std::chars_format::hex);
    if (result.ptr != last || result.ec == std::errc::invalid_argument) return CSJ_SYNTAX;
    if (result.ec != std::errc() || !std::isfinite(parsed)) return CSJ_VALUE_RANGE;
    *value = double(*p == '-' ? -parsed : parsed);
    return CSJ_OK;
}

csj_problem parse_double(const uint8_t *p, const uint8_t *end, double *value) {
    trim(p, end);
    Decimal number;
    if (scan_decimal(p, end, false, &number)) return to_double(number, p, end, value);
    if (is_not_finite(p, end)) return CSJ_NOT_FINITE;
    // strtod, and so PostgreSQL, takes hexadecimal floats.
    const uint8_t *digits = p;
    if (digits < end && (*digits == '-' || *digits == '+')) digits++;
    if (end - digits < 3 || digits[0] != '0' || lower(digits[1]) != 'x' || digits[2] == '-') return CSJ_SYNTAX;
    digits += 2;
    double parsed = 0;
    auto last = reinterpret_cast<const char *>(end);
    auto result = std::from_chars(reinterpret_cast<const char *>(digits), last, parsed, std::chars_format::hex);
    if (result.ptr != last || result.ec == std::errc::invalid_argument) return CSJ_SYNTAX;
    if (result.ec != std::errc() || !std::isfinite(parsed)) return CSJ_VALUE_RANGE;
    *value = *p == '-' ? -parsed : parsed;
    return CSJ_OK;
}

}  // namespace csj
