#include "json.hpp"

#include <cstring>

namespace csj {

bool Payload::string(const uint8_t **first, const uint8_t **last) {
    const uint8_t *open = here();
    i++;
    // The first stage marks everything after the closing quote that is not white space, so the quote is the last other byte.
    const uint8_t *close = here() - 1;
    while (close > open && is_json_space(*close)) close--;
    if (close == open || *close != '"') return fail(CSJ_UNCLOSED_STRING, open);
    *first = open + 1;
    *last = close;
    return true;
}

bool Payload::number(Decimal *number, const uint8_t **first, const uint8_t **last) {
    const uint8_t *start = here();
    const uint8_t *p = start;
    Decimal result{};
    if (*p == '-') {
        result.is_negative = true;
        p++;
    }
    result.begin = p;
    uint64_t mantissa = 0;
    const uint8_t *leading = p;
    while (p < end && is_digit(*p)) mantissa = mantissa * 10 + uint64_t(*p++ - '0');
    int64_t whole = p - leading;
    if (whole == 0 || (whole > 1 && *leading == '0')) return fail(CSJ_BAD_NUMBER, start);
    int64_t digits = *leading == '0' ? 0 : whole;
    if (p < end && *p == '.') {
        result.has_point = true;
        const uint8_t *point = ++p;
        if (digits == 0) {
            while (p < end && *p == '0') p++;
        }
        const uint8_t *significant = p;
        while (p < end && is_digit(*p)) mantissa = mantissa * 10 + uint64_t(*p++ - '0');
        digits += p - significant;
        result.fraction = p - point;
        if (result.fraction == 0) return fail(CSJ_BAD_NUMBER, start);
    }
    result.end = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        result.has_exponent = true;
        bool is_negative = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        const uint8_t *exponent_digits = p;
        int64_t exponent = 0;
        for (; p < end && is_digit(*p); p++)
            if (exponent < INT32_MAX) exponent = exponent * 10 + (*p - '0');
        if (p == exponent_digits) return fail(CSJ_BAD_NUMBER, start);
        result.exponent = is_negative ? -exponent : exponent;
    }
    if (p < end && !ends_token(*p)) return fail(CSJ_BAD_NUMBER, start);
    result.mantissa = mantissa;
    result.digits = digits;
    *number = result;
    *first = start;
    *last = p;
    i++;
    return true;
}

bool Payload::literal(const char *word, size_t length) {
    const uint8_t *start = here();
    if (size_t(end - start) < length || memcmp(start, word, length) != 0) return fail(CSJ_BAD_LITERAL, start);
    if (start + length < end && !ends_token(start[length])) return fail(CSJ_BAD_LITERAL, start);
    i++;
    return true;
}

bool Payload::skip(int depth) {
    const uint8_t *first, *last;
    bool has_nul;
    Decimal ignored;
    switch (next()) {
        case '"': return string(&first, &last) && check_escapes(*this, first, last, &has_nul);
        case '{': return skip_object(depth + 1);
        case '[': return skip_array(depth + 1);
        case 't': return literal("true", 4);
        case 'f': return literal("false", 5);
        case 'n': return literal("null", 4);
        case '-':
        case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
            return number(&ignored, &first, &last);
        default: return fail(CSJ_EXPECTED_VALUE, here());
    }
}

bool Payload::skip_object(int depth) {
    if (depth > nesting_limit) return fail(CSJ_TOO_DEEP, here());
    i++;
    if (next() == '}') return i++, true;
    for (;;) {
        const uint8_t *first, *last;
        bool has_nul;
        if (next() != '"') return fail(CSJ_EXPECTED_KEY, here());
        if (!string(&first, &last) || !check_escapes(*this, first, last, &has_nul)) return false;
        if (next() != ':') return fail(CSJ_EXPECTED_COLON, here());
        i++;
        if (!skip(depth)) return false;
        if (next() == '}') return i++, true;
        if (next() != ',') return fail(CSJ_EXPECTED_COMMA, here());
        i++;
    }
}

bool Payload::skip_array(int depth) {
    if (depth > nesting_limit) return fail(CSJ_TOO_DEEP, here());
    i++;
    if (next() == ']') return i++, true;
    for (;;) {
        if (!skip(depth)) return false;
        if (next() == ']') return i++, true;
        if (next() != ',') return fail(CSJ_EXPECTED_COMMA, here());
        i++;
    }
}

}  // namespace csj
