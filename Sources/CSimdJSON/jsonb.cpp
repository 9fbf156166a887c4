// Any JSON as PostgreSQL writes its jsonb: keys by length, then by bytes, the last of equal ones; numbers as numerics; one blank after commas and
// colons. Two texts of equal form are equal as jsonb, but for numbers that differ in zeros behind the point.
//
// Source: PostgreSQL 15, src/backend/utils/adt/{jsonb.c, jsonb_util.c, json.c}: behaviour, not code.
#include <algorithm>

#include "decoder.hpp"

using namespace csj;

namespace {

/// Digits that one number may have: nine bytes (1e9999999) could ask for any number of them.
constexpr int64_t number_digits = 1000;

struct Member {
    std::string key;
    std::string value;
};

/// What stands in the JSON as checked by the walker, written anew. False where it is no JSON (the payload says why), or where `problem` says so.
struct Writer {
    Payload &payload;
    csj_problem problem;
    const uint8_t *place;

    bool give_up(csj_problem code, const uint8_t *where) {
        // The first trouble counts; the rest of the value is checked all the same.
        if (problem == CSJ_OK) problem = code, place = where;
        return true;
    }

    bool value(std::string &out, int depth) {
        switch (payload.next()) {
            case '"': {
                std::string text;
                if (!string(text)) return false;
                put_string(text, out);
                return true;
            }
            case '{': return object(out, depth + 1);
            case '[': return array(out, depth + 1);
            case 't': out += "true"; return payload.literal("true", 4);
            case 'f': out += "false"; return payload.literal("false", 5);
            case 'n': out += "null"; return payload.literal("null", 4);
            default: return number(out, depth);
        }
    }

    bool string(std::string &text) {
        const uint8_t *start = payload.here();
        const uint8_t *first, *last;
        bool has_nul;
        if (!payload.string(&first, &last) || !check_escapes(payload, first, last, &has_nul)) return false;
        if (has_nul) give_up(CSJ_NUL_CHARACTER, start);
        text.resize(size_t(last - first));
        auto target = reinterpret_cast<uint8_t *>(text.data());
        text.resize(size_t(unescape(first, last, target) - target));
        return true;
    }

    static void put_string(const std::string &text, std::string &out) {
        static const char digits[] = "0123456789abcdef";
        out += '"';
        for (char c : text) {
            switch (c) {
                case '"': out += "\\\""; break;
                case '\\': out += "\\\\"; break;
                case '\b': out += "\\b"; break;
                case '\f': out += "\\f"; break;
                case '\n': out += "\\n"; break;
                case '\r': out += "\\r"; break;
                case '\t': out += "\\t"; break;
                default:
                    if (uint8_t(c) < 0x20) {
                        out += "\\u00";
                        out += digits[uint8_t(c) >> 4];
                        out += digits[uint8_t(c) & 15];
                    } else {
                        out += c;
                    }
            }
        }
        out += '"';
    }

    bool number(std::string &out, int depth) {
        Decimal number;
        const uint8_t *first, *last;
        uint8_t c = payload.next();
        if (c != '-' && !is_digit(c)) return payload.skip(depth);  // says what is wrong
        if (!payload.number(&number, &first, &last)) return false;
        int64_t scale = std::max<int64_t>(0, number.fraction - number.exponent);
        int64_t whole = number.digits == 0 ? 0 : number.digits + number.exponent - number.fraction;
        if (scale > number_digits || whole > number_digits) return give_up(CSJ_JSON_NUMBER_DIGITS, first);
        // All digits in order, without leading zeros; the point stands before the last `number.fraction - number.exponent` of them.
        std::string digits;
        for (const uint8_t *p = number.begin; p < number.end; p++)
            if (*p != '.') digits += char(*p);
        int64_t shift = number.exponent - number.fraction;
        if (shift > 0) digits.append(size_t(number.digits == 0 ? 0 : shift), '0');
        if (int64_t(digits.size()) <= scale) digits.insert(0, size_t(scale + 1) - digits.size(), '0');
        size_t point = digits.size() - size_t(scale);
        size_t leading = 0;
        while (leading + 1 < point && digits[leading] == '0') leading++;
        if (number.is_negative && number.digits > 0) out += '-';
        out.append(digits, leading, point - leading);
        if (scale > 0) {
            out += '.';
            out.append(digits, point, std::string::npos);
        }
        return true;
    }

    bool array(std::string &out, int depth) {
        if (depth > nesting_limit) return payload.fail(CSJ_TOO_DEEP, payload.here());
        payload.i++;
        out += '[';
        if (payload.next() == ']') return payload.i++, out += ']', true;
        for (;;) {
            if (!value(out, depth)) return false;
            if (payload.next() == ']') return payload.i++, out += ']', true;
            if (payload.next() != ',') return payload.fail(CSJ_EXPECTED_COMMA, payload.here());
            payload.i++;
            out += ", ";
        }
    }

    bool object(std::string &out, int depth) {
        if (depth > nesting_limit) return payload.fail(CSJ_TOO_DEEP, payload.here());
        payload.i++;
        std::vector<Member> members;
        if (payload.next() == '}') return payload.i++, out += "{}", true;
        for (;;) {
            if (payload.next() != '"') return payload.fail(CSJ_EXPECTED_KEY, payload.here());
            members.emplace_back();
            if (!string(members.back().key)) return false;
            if (payload.next() != ':') return payload.fail(CSJ_EXPECTED_COLON, payload.here());
            payload.i++;
            if (!value(members.back().value, depth)) return false;
            if (payload.next() == '}') break;
            if (payload.next() != ',') return payload.fail(CSJ_EXPECTED_COMMA, payload.here());
            payload.i++;
        }
        payload.i++;
        std::stable_sort(members.begin(), members.end(), [](const Member &a, const Member &b) {
            return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : memcmp(a.key.data(), b.key.data(), a.key.size()) < 0;
        });
        out += '{';
        bool is_first = true;
        for (size_t k = 0; k < members.size(); k++) {
            if (k + 1 < members.size() && members[k].key == members[k + 1].key) continue;
            if (!is_first) out += ", ";
            is_first = false;
            put_string(members[k].key, out);
            out += ": ";
            out += members[k].value;
        }
        out += '}';
        return true;
    }
};

}  // namespace

bool csj_decoder::decode_jsonb(Payload &payload, Field &field, int depth) {
    const uint8_t *place = payload.here();
    Writer writer{payload, CSJ_OK, place};
    std::string text;
    if (!writer.value(text, depth)) return false;
    if (writer.problem == CSJ_OK)
        set_text(field, reinterpret_cast<const uint8_t *>(text.data()), text.size());
    else
        set_problem(field, writer.problem, writer.place, place, place);
    return true;
}

extern "C" csj_problem csj_parse_jsonb(const uint8_t *text, size_t length, char **result, size_t *written) {
    *result = nullptr;
    *written = 0;
    if (length == 0) return CSJ_UNEXPECTED_END;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
    size_t capacity = length < 256 ? 256 : length;
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser) != simdjson::SUCCESS)
        return CSJ_TOO_LARGE;
    const uint8_t *end = text + length;
    if (parser->stage1(text, length, simdjson::stage1_mode::regular) != simdjson::SUCCESS) return explain_first_stage(text, end).code;
    Payload payload{text, end, parser->structural_indexes.get(), parser->n_structural_indexes, 0, {CSJ_OK, text}};
    Writer writer{payload, CSJ_OK, text};
    std::string out;
    bool is_valid = writer.value(out, 0);
    if (is_valid && !payload.at_end()) is_valid = payload.fail(CSJ_TRAILING_CONTENT, payload.here());
    if (!is_valid) return payload.problem.code;
    if (writer.problem != CSJ_OK) return writer.problem;
    *result = static_cast<char *>(malloc(out.size() + 1));
    if (!*result) abort();
    memcpy(*result, out.data(), out.size());
    *written = out.size();
    return CSJ_OK;
}
