// One object's fields into the row's columns.
#include "decoder.hpp"

using namespace csj;

/// Copies in steps of sixteen, up to fifteen bytes too many: both arenas have room for that.
static void copy_bytes(uint8_t *target, const uint8_t *source, size_t length) {
    for (size_t at = 0; at < length; at += 16) memcpy(target + at, source + at, 16);
}

bool csj_decoder::decode_object(Payload &payload) {
    payload.i++;
    if (payload.next() == '}') return payload.i++, true;
    size_t expected = 0;  // fields mostly come in the same order
    for (;;) {
        const uint8_t *first, *last;
        if (payload.next() != '"') return payload.fail(CSJ_EXPECTED_KEY, payload.here());
        if (!payload.string(&first, &last)) return false;
        size_t length = size_t(last - first);
        int found = -1;
        if (expected < fields.size() && fields[expected].is_named(first, length)) {
            found = int(expected);
        } else if (has_backslash(first, last)) {
            bool has_nul;
            if (!check_escapes(payload, first, last, &has_nul)) return false;
            scratch.reserve(length);
            found = find(scratch.data(), size_t(unescape(first, last, scratch.data()) - scratch.data()));
        } else {
            found = find(first, length);
        }
        if (payload.next() != ':') return payload.fail(CSJ_EXPECTED_COLON, payload.here());
        payload.i++;
        if (found >= 0) {
            expected = size_t(found) + 1;
            if (!decode_value(payload, fields[size_t(found)])) return false;
        } else if (!payload.skip(1)) {
            return false;
        }
        if (payload.next() == '}') return payload.i++, true;
        if (payload.next() != ',') return payload.fail(CSJ_EXPECTED_COMMA, payload.here());
        payload.i++;
    }
}

/// The row's value of this column becomes null and the row is in trouble, unless a later value of the same field mends it.
void csj_decoder::set_problem(Field &field, csj_problem code, const uint8_t *place, const uint8_t *first, const uint8_t *last) {
    set_null(field);
    field.problem = code;
    field.place = place;
    field.shown_first = first;
    field.shown_last = last;
    problems_in_row++;
}

bool csj_decoder::decode_value(Payload &payload, Field &field) {
    if (field.written_row == row + 1) {
        if (field.problem != CSJ_OK) problems_in_row--;
    } else {
        field.written_row = row + 1;
        seen_in_row++;
    }
    field.problem = CSJ_OK;
    const uint8_t *place = payload.here();
    switch (payload.next()) {
        case '"': return decode_string(payload, field);
        case '-':
        case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
            return decode_number(payload, field);
        case 'n':
            if (!payload.literal("null", 4)) return false;
            set_null(field);
            return true;
        case 't':
        case 'f': {
            bool value = payload.next() == 't';
            if (!payload.literal(value ? "true" : "false", value ? 4 : 5)) return false;
            if (field.type == CSJ_BOOL) {
                field.values.data()[row] = value;
                field.nulls.data()[row] = 0;
            } else {
                set_problem(field, CSJ_WRONG_JSON_TYPE, place, place, place + (value ? 4 : 5));
            }
            return true;
        }
        default: {
            if (!payload.skip(1)) return false;
            // Objects and arrays are shown to their last structural, scalars do not come here.
            set_problem(field, CSJ_WRONG_JSON_TYPE, place, place, payload.begin + payload.index[payload.i - 1] + 1);
            return true;
        }
    }
}

bool csj_decoder::decode_number(Payload &payload, Field &field) {
    Decimal number;
    const uint8_t *first, *last;
    if (!payload.number(&number, &first, &last)) return false;
    csj_problem problem = CSJ_WRONG_JSON_TYPE;
    uint8_t *value = field.values.data() + row * field.width();
    int128 wide = 0;
    switch (field.type) {
        case CSJ_INT4: problem = to_int(number, INT32_MIN, INT32_MAX, reinterpret_cast<int64_t *>(value)); break;
        case CSJ_INT8: problem = to_int(number, INT64_MIN, INT64_MAX, reinterpret_cast<int64_t *>(value)); break;
        case CSJ_NUMERIC64:
            problem = to_numeric(number, field.precision, field.scale, &wide);
            memcpy(value, &wide, 8);
            break;
        case CSJ_NUMERIC128:
            problem = to_numeric(number, field.precision, field.scale, &wide);
            memcpy(value, &wide, 16);
            break;
        case CSJ_FLOAT8: problem = to_double(number, first, last, reinterpret_cast<double *>(value)); break;
        case CSJ_BOOL: case CSJ_TEXT: case CSJ_TIMESTAMPTZ: case CSJ_TIMESTAMP: case CSJ_DATE: case CSJ_UUID: break;
    }
    if (problem == CSJ_OK) {
        field.nulls.data()[row] = 0;
    } else {
        set_problem(field, problem, first, first, last);
    }
    return true;
}

bool csj_decoder::decode_string(Payload &payload, Field &field) {
    const uint8_t *place = payload.here();
    const uint8_t *first, *last;
    if (!payload.string(&first, &last)) return false;
    size_t length = size_t(last - first);
    bool is_text = field.type == CSJ_TEXT;
    bool has_escape = has_backslash(first, last);
    bool has_nul = false;
    if (has_escape && !check_escapes(payload, first, last, &has_nul)) return false;
    if (is_text) {
        if (has_nul) {
            set_problem(field, CSJ_NUL_CHARACTER, place, first, last);
            return true;
        }
        size_t start = size_t(field.text_start(row));
        field.values.reserve(start + length);
        uint8_t *target = field.values.data() + start;
        if (has_escape) {
            target = unescape(first, last, target);
        } else {
            copy_bytes(target, first, length);
            target += length;
        }
        field.text_ends()[row] = target - field.values.data();
        field.nulls.data()[row] = 0;
        return true;
    }
    const uint8_t *text = first, *text_end = last;
    if (has_escape) {
        scratch.reserve(length);
        text = scratch.data();
        text_end = unescape(first, last, scratch.data());
    }
    csj_problem problem = csj_parse(field.type, field.precision, field.scale, text, size_t(text_end - text),
                                    field.values.data() + row * field.width());
    if (problem == CSJ_OK) {
        field.nulls.data()[row] = 0;
    } else {
        set_problem(field, problem, place, first, last);
    }
    return true;
}
