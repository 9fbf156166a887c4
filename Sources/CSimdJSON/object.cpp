// One object's fields into the row's columns.
#include "decoder.hpp"

using namespace csj;

/// Copies in steps of sixteen, up to fifteen bytes too many: both arenas have room for that.
static void copy_bytes(uint8_t *target, const uint8_t *source, size_t length) {
    for (size_t at = 0; at < length; at += 16) memcpy(target + at, source + at, 16);
}

bool csj_decoder::decode_object(Payload &payload, size_t at, int depth) {
    if (depth > nesting_limit) return payload.fail(CSJ_TOO_DEEP, payload.here());
    payload.i++;
    const std::vector<Child> &children = nodes[at].children;
    if (payload.next() == '}') return payload.i++, true;
    size_t expected = 0;  // fields mostly come in the same order
    for (;;) {
        const uint8_t *first, *last;
        if (payload.next() != '"') return payload.fail(CSJ_EXPECTED_KEY, payload.here());
        if (!payload.string(&first, &last)) return false;
        size_t length = size_t(last - first);
        int found = -1;
        if (expected < children.size() && children[expected].name.is(first, length)) {
            found = int(expected);
        } else if (has_backslash(first, last)) {
            bool has_nul;
            if (!check_escapes(payload, first, last, &has_nul)) return false;
            scratch.reserve(length);
            found = nodes[at].find(scratch.data(), size_t(unescape(first, last, scratch.data()) - scratch.data()));
        } else {
            found = nodes[at].find(first, length);
        }
        if (payload.next() != ':') return payload.fail(CSJ_EXPECTED_COLON, payload.here());
        payload.i++;
        if (found >= 0) {
            expected = size_t(found) + 1;
            if (!decode_child(payload, children[size_t(found)], depth)) return false;
        } else if (!payload.skip(depth)) {
            return false;
        }
        if (payload.next() == '}') return payload.i++, true;
        if (payload.next() != ',') return payload.fail(CSJ_EXPECTED_COMMA, payload.here());
        payload.i++;
    }
}

/// The value of a name that counts. Where columns lie inside of it, anything but an object has none of them.
bool csj_decoder::decode_child(Payload &payload, const Child &child, int depth) {
    if (child.node < 0) return decode_value(payload, fields[size_t(child.field)], depth);
    Node &node = nodes[size_t(child.node)];
    if (node.entered_row == row + 1) forget(node);
    node.entered_row = row + 1;
    bool is_object = payload.next() == '{';
    uint32_t start = payload.i;
    if (child.field >= 0 && !decode_value(payload, fields[size_t(child.field)], depth)) return false;
    if (is_object) {
        payload.i = start;
        return decode_object(payload, size_t(child.node), depth + 1);
    }
    return child.field >= 0 || payload.skip(depth);
}

/// Of a repeated object the last one counts: what an earlier one said is as if it had never been there.
void csj_decoder::forget(Node &node) {
    for (uint32_t index : node.fields) {
        Field &field = fields[index];
        if (field.written_row != row + 1) continue;
        if (field.problem != CSJ_OK) problems_in_row--;
        field.written_row = 0;
        seen_in_row--;
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

bool csj_decoder::decode_value(Payload &payload, Field &field, int depth) {
    if (field.written_row == row + 1) {
        if (field.problem != CSJ_OK) problems_in_row--;
    } else {
        field.written_row = row + 1;
        seen_in_row++;
    }
    field.problem = CSJ_OK;
    const uint8_t *place = payload.here();
    if (field.type == CSJ_JSONB && payload.next() != 'n') return decode_jsonb(payload, field, depth);
    switch (payload.next()) {
        case '[':
            if (field.type == CSJ_ARRAY) return decode_array(payload, field, depth);
            break;
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
        default: break;
    }
    if (!payload.skip(depth)) return false;
    // Objects and arrays are shown to their last structural, scalars do not come here.
    set_problem(field, CSJ_WRONG_JSON_TYPE, place, place, payload.begin + payload.index[payload.i - 1] + 1);
    return true;
}

bool csj_decoder::decode_number(Payload &payload, Field &field) {
    Decimal number;
    const uint8_t *first, *last;
    if (!payload.number(&number, &first, &last)) return false;
    csj_problem problem = CSJ_WRONG_JSON_TYPE;
    uint8_t *value = field.values.data() + (field.is_text() ? 0 : row * field.width());
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
        case CSJ_INT2: problem = to_int(number, INT16_MIN, INT16_MAX, reinterpret_cast<int64_t *>(value)); break;
        case CSJ_FLOAT4: problem = to_float(number, first, last, reinterpret_cast<double *>(value)); break;
        case CSJ_EPOCH: problem = to_epoch(number, field.scale, reinterpret_cast<int64_t *>(value)); break;
        case CSJ_DECIMAL: {
            uint8_t text[decimal_room];
            uint8_t *text_end = put_decimal(number, text, &problem);
            if (text_end) set_text(field, text, size_t(text_end - text));
            break;
        }
        case CSJ_BOOL: case CSJ_TEXT: case CSJ_TIMESTAMPTZ: case CSJ_TIMESTAMP: case CSJ_DATE: case CSJ_UUID: case CSJ_TIME: case CSJ_READ:
        case CSJ_VARCHAR: case CSJ_CHAR: case CSJ_JSONB: case CSJ_ARRAY: break;
    }
    if (problem == CSJ_OK) {
        field.nulls.data()[row] = 0;
    } else {
        set_problem(field, problem, first, first, last);
    }
    return true;
}

/// PostgreSQL's input of varchar(n) and char(n): what is too long is refused, but for blanks. Returns the new end; NULL where it is too long.
/// A char is kept without the blanks at its end, which its comparisons pass over; whoever shows it puts them there.
static uint8_t *fit_characters(const Field &field, uint8_t *first, uint8_t *last) {
    if (field.type != CSJ_TEXT && field.precision > 0) {
        int characters = 0;
        uint8_t *p = first;
        while (p < last && characters <= field.precision) {
            if ((*p & 0xC0) != 0x80 && ++characters > field.precision) break;
            p++;
        }
        for (uint8_t *rest = p; rest < last; rest++)
            if (*rest != ' ') return nullptr;
        last = p;
    }
    if (field.type == CSJ_CHAR)
        while (last > first && last[-1] == ' ') last--;
    return last;
}

bool csj_decoder::decode_string(Payload &payload, Field &field) {
    const uint8_t *place = payload.here();
    const uint8_t *first, *last;
    if (!payload.string(&first, &last)) return false;
    size_t length = size_t(last - first);
    bool is_text = field.type == CSJ_TEXT || field.type == CSJ_VARCHAR || field.type == CSJ_CHAR;
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
        target = fit_characters(field, field.values.data() + start, target);
        if (!target) {
            set_problem(field, CSJ_TOO_LONG, place, first, last);
            return true;
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
    csj_problem problem = CSJ_WRONG_JSON_TYPE;
    if (field.type == CSJ_DECIMAL) {
        uint8_t digits[decimal_room];
        uint8_t *digits_end = parse_decimal(text, text_end, digits, &problem);
        if (digits_end) set_text(field, digits, size_t(digits_end - digits));
    } else if (field.type == CSJ_READ) {
        problem = field.reader(text, size_t(text_end - text), field.values.data() + row * field.width());
    } else if (!field.is_text()) {
        problem = csj_parse(field.type, field.precision, field.scale, text, size_t(text_end - text),
                            field.values.data() + row * field.width());
    }
    if (problem == CSJ_OK) {
        field.nulls.data()[row] = 0;
    } else {
        set_problem(field, problem, place, first, last);
    }
    return true;
}
