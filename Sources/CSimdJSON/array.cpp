// A JSON array of scalars as PostgreSQL writes an array of the element's type: {1,NULL,"two words"}.
#include "decoder.hpp"

using namespace csj;

namespace {

bool equals_null(const uint8_t *p, size_t length) {
    return length == 4 && lower(p[0]) == 'n' && lower(p[1]) == 'u' && lower(p[2]) == 'l' && lower(p[3]) == 'l';
}

/// Quoted where PostgreSQL's output is.
void put_element(const uint8_t *p, size_t length, std::string &out) {
    bool is_quoted = length == 0 || equals_null(p, length);
    for (size_t k = 0; k < length && !is_quoted; k++)
        is_quoted = p[k] == '"' || p[k] == '\\' || p[k] == '{' || p[k] == '}' || p[k] == ',' || is_space(p[k]);
    if (!is_quoted) {
        out.append(reinterpret_cast<const char *>(p), length);
        return;
    }
    out += '"';
    for (size_t k = 0; k < length; k++) {
        if (p[k] == '"' || p[k] == '\\') out += '\\';
        out += char(p[k]);
    }
    out += '"';
}

}  // namespace

/// Every element is decoded as a column of its type would be, by a column of one row that nobody else sees.
bool csj_decoder::decode_array(Payload &payload, Field &field, int depth) {
    if (depth >= nesting_limit) return payload.fail(CSJ_TOO_DEEP, payload.here());
    const uint8_t *place = payload.here();
    payload.i++;
    std::string out = "{";
    csj_problem problem = CSJ_OK;
    const uint8_t *trouble = place, *shown_first = place, *shown_last = place;
    bool is_first = true;
    if (payload.next() == ']') {
        payload.i++;
        set_text(field, reinterpret_cast<const uint8_t *>("{}"), 2);
        return true;
    }
    Field element{};
    element.type = field.element;
    element.precision = field.precision;
    element.scale = field.scale;
    element.nulls.reserve(1);
    if (element.is_text()) {
        element.ends.reserve(8);
        element.values.reserve(0);
    } else {
        element.values.reserve(16);
    }
    // The element stands in row 0 of its column; what it counts is put back.
    const size_t saved[3] = {row, problems_in_row, seen_in_row};
    for (;;) {
        row = 0;
        element.written_row = 0;
        bool is_valid = decode_value(payload, element, depth + 1);
        row = saved[0];
        if (!is_valid) return false;
        if (element.problem != CSJ_OK && problem == CSJ_OK) {
            problem = element.problem;
            trouble = element.place;
            shown_first = element.shown_first;
            shown_last = element.shown_last;
        }
        if (!is_first) out += ',';
        is_first = false;
        if (element.nulls.data()[0]) {
            out += "NULL";
        } else if (element.is_text()) {
            put_element(element.values.data(), size_t(element.text_ends()[0]), out);
        } else {
            char buffer[64];
            size_t length = 0;
            int64_t whole = 0;
            double real = 0;
            memcpy(&whole, element.values.data(), element.type == CSJ_BOOL ? 1 : 8);
            memcpy(&real, element.values.data(), element.type == CSJ_BOOL ? 1 : 8);
            switch (element.type) {
                case CSJ_BOOL: buffer[length++] = whole ? 't' : 'f'; break;
                case CSJ_FLOAT8: length = csj_format_double(real, buffer); break;
                case CSJ_FLOAT4: length = csj_format_float(float(real), buffer); break;
                case CSJ_NUMERIC128: {
                    int128 wide;
                    memcpy(&wide, element.values.data(), 16);
                    auto target = reinterpret_cast<uint8_t *>(buffer);
                    length = size_t(put_unscaled(wide, element.scale, target) - target);
                    break;
                }
                case CSJ_UUID: {
                    static const char digits[] = "0123456789abcdef";
                    uint128 bits;
                    memcpy(&bits, element.values.data(), 16);
                    for (int byte = 0; byte < 16; byte++) {
                        if (byte == 4 || byte == 6 || byte == 8 || byte == 10) buffer[length++] = '-';
                        uint8_t value = uint8_t(bits >> (120 - 8 * byte));
                        buffer[length++] = digits[value >> 4];
                        buffer[length++] = digits[value & 15];
                    }
                    break;
                }
                default: {
                    auto target = reinterpret_cast<uint8_t *>(buffer);
                    length = size_t(put_unscaled(whole, element.type == CSJ_NUMERIC64 ? element.scale : 0, target) - target);
                }
            }
            out.append(buffer, length);
        }
        if (payload.next() == ']') break;
        if (payload.next() != ',') return payload.fail(CSJ_EXPECTED_COMMA, payload.here());
        payload.i++;
    }
    payload.i++;
    problems_in_row = saved[1];
    seen_in_row = saved[2];
    out += '}';
    if (problem == CSJ_OK)
        set_text(field, reinterpret_cast<const uint8_t *>(out.data()), out.size());
    else
        set_problem(field, problem, trouble, shown_first, shown_last);
    return true;
}
