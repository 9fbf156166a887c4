// Text to values in PostgreSQL's input syntax. Nothing here allocates, throws or depends on the locale.
#pragma once
#include <cstddef>
#include <cstdint>

#include "include/csimdjson.h"

namespace csj {

typedef __int128 int128;
typedef unsigned __int128 uint128;

inline bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }
/// C's isspace in the C locale, which PostgreSQL's input functions use.
inline bool is_space(uint8_t c) { return c == ' ' || uint8_t(c - '\t') < 5; }
inline uint8_t lower(uint8_t c) { return uint8_t(c - 'A') < 26 ? uint8_t(c + 32) : c; }

/// A decimal number as written: mantissa digits with at most one point among them, and an exponent.
struct Decimal {
    const uint8_t *begin;  // of the digits, after the sign
    const uint8_t *end;    // of the digits, before the exponent
    uint64_t mantissa;     // of all digits; meaningful where digits <= 19
    int64_t digits;        // without leading zeros
    int64_t fraction;      // digits after the point
    int64_t exponent;      // clamped to +-2^31, as is what PostgreSQL calls an overflow of the format
    bool is_negative;
    bool has_point;
    bool has_exponent;
};

/// The value of a hexadecimal digit; 255 for any other byte.
extern const uint8_t hex_digits[256];
extern const uint64_t powers_of_ten[20];
uint128 power_of_ten(int exponent);

csj_problem to_int(const Decimal &number, int64_t least, int64_t greatest, int64_t *value);
csj_problem to_numeric(const Decimal &number, int precision, int scale, int128 *value);
/// `begin ..< end` is the whole token with its sign.
csj_problem to_double(const Decimal &number, const uint8_t *begin, const uint8_t *end, double *value);

csj_problem parse_int(const uint8_t *p, const uint8_t *end, int64_t least, int64_t greatest, int64_t *value);
csj_problem parse_numeric(const uint8_t *p, const uint8_t *end, int precision, int scale, int128 *value);
csj_problem parse_double(const uint8_t *p, const uint8_t *end, double *value);
csj_problem to_float(const Decimal &number, const uint8_t *begin, const uint8_t *end, double *value);
csj_problem parse_float(const uint8_t *p, const uint8_t *end, double *value);
/// Whole microseconds of a number that counts in units of 10^digits microseconds, half away from zero.
csj_problem to_epoch(const Decimal &number, int digits, int64_t *value);
csj_problem parse_epoch(const uint8_t *p, const uint8_t *end, int digits, int64_t *value);
/// A numeric as PostgreSQL writes it. `target` has room for `decimal_room` bytes; returns its end, or NULL with the problem.
constexpr int decimal_room = 48;
uint8_t *put_decimal(const Decimal &number, uint8_t *target, csj_problem *problem);
uint8_t *parse_decimal(const uint8_t *p, const uint8_t *end, uint8_t *target, csj_problem *problem);
/// The unscaled number with its point.
uint8_t *put_unscaled(int128 value, int scale, uint8_t *target);
/// Microseconds since midnight.
csj_problem parse_time(const uint8_t *p, const uint8_t *end, int64_t *value);
csj_problem parse_uuid(const uint8_t *p, const uint8_t *end, uint128 *value);
/// A zone in the text of a `timestamp` is read, and changes nothing. `day`: the day that is written, also before a time of 24:00.
csj_problem parse_timestamptz(const uint8_t *p, const uint8_t *end, int64_t *value, bool uses_zone = true, int64_t *day = nullptr);

}  // namespace csj
