// One batch: first stage and second stage a payload, rows, and what becomes of those that do not fit.
#include "decoder.hpp"

using namespace csj;

namespace {

size_t hash_name(const uint8_t *name, size_t length) {
    uint64_t hash = 0xcbf29ce484222325ull ^ length;
    for (size_t k = 0; k < length; k++) hash = (hash ^ name[k]) * 0x100000001b3ull;
    return size_t(hash ^ hash >> 32);
}

bool is_plain_name(const std::string &name) {
    for (char c : name)
        if (c == '"' || c == '\\' || uint8_t(c) < 0x20) return false;
    return true;
}

}  // namespace

csj_decoder::csj_decoder(const csj_field *list, size_t count) : name_lengths(0), row(0), problems_in_row(0), seen_in_row(0) {
    size_t slot_count = 8;
    while (slot_count < count * 4) slot_count *= 2;
    slots.assign(slot_count, 0);
    fields.reserve(count);
    for (size_t k = 0; k < count; k++) {
        Field field{};
        field.name.assign(list[k].name, list[k].name_length);
        field.is_plain = is_plain_name(field.name);
        name_lengths |= 1ull << (field.name.size() % 64);
        std::string padded = field.name + std::string(8, '\0');
        auto bytes = reinterpret_cast<const uint8_t *>(padded.data());
        field.name_head = load_word(bytes, field.name.size());
        field.name_tail = field.name.size() > 8 ? load_word(bytes + field.name.size() - 8, 8) : 0;
        field.type = list[k].type;
        field.precision = list[k].precision;
        field.scale = list[k].scale;
        field.is_required = list[k].is_required != 0;
        if (field.is_required) required.push_back(uint32_t(k));
        size_t slot = hash_name(reinterpret_cast<const uint8_t *>(field.name.data()), field.name.size()) & (slot_count - 1);
        while (slots[slot]) slot = (slot + 1) & (slot_count - 1);
        slots[slot] = uint32_t(k + 1);
        fields.push_back(std::move(field));
    }
}

int csj_decoder::find(const uint8_t *name, size_t length) const {
    if (!(name_lengths >> (length % 64) & 1)) return -1;
    size_t mask = slots.size() - 1;
    for (size_t slot = hash_name(name, length) & mask; slots[slot]; slot = (slot + 1) & mask) {
        const std::string &candidate = fields[slots[slot] - 1].name;
        if (candidate.size() == length && memcmp(candidate.data(), name, length) == 0) return int(slots[slot] - 1);
    }
    return -1;
}

/// Grows to the largest payload seen; it never shrinks below 64 KiB.
bool csj_decoder::ensure_parser(size_t length) {
    if (parser && parser->capacity() >= length) return true;
    size_t capacity = length < 65536 ? 65536 : length;
    if (!parser) return simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, parser) == simdjson::SUCCESS;
    return parser->set_capacity(capacity) == simdjson::SUCCESS;
}

void csj_decoder::set_null(Field &field) {
    memset(field.values.data() + (field.type == CSJ_TEXT ? 0 : row * field.width()), 0, field.type == CSJ_TEXT ? 0 : field.width());
    field.nulls.data()[row] = 1;
    field.has_null = true;
    if (field.type == CSJ_TEXT) field.text_ends()[row] = field.text_start(row);
}

void csj_decoder::reject(int32_t column, csj_problem code, int64_t position, int64_t start, int64_t length) {
    rejections.push_back({int64_t(row), column, code, position, start, length});
    for (Field &field : fields) set_null(field);
}

void csj_decoder::decode_row(const uint8_t *begin, const uint8_t *end) {
    problems_in_row = 0;
    seen_in_row = 0;
    size_t size = size_t(end - begin);
    if (!ensure_parser(size)) return reject(-1, CSJ_TOO_LARGE, 0, 0, 0);
    if (parser->stage1(begin, size, simdjson::stage1_mode::regular) != simdjson::SUCCESS) {
        Problem problem = explain_first_stage(begin, end);
        return reject(-1, problem.code, problem.place - begin, 0, 0);
    }
    Payload payload{begin, end, parser->structural_indexes.get(), parser->n_structural_indexes, 0, {CSJ_OK, begin}};
    const uint8_t *first = payload.here();
    bool is_object = payload.next() == '{';
    bool is_valid = is_object ? decode_object(payload) : payload.skip(0);
    if (is_valid && !payload.at_end()) is_valid = payload.fail(CSJ_TRAILING_CONTENT, payload.here());
    if (!is_valid) {
        // simdjson's scalar implementation checks UTF-8 in strings only; look everywhere, so that all processors agree.
        const uint8_t *invalid = find_invalid_utf8(begin, end);
        if (invalid != end) payload.problem = {CSJ_INVALID_UTF8, invalid};
        return reject(-1, payload.problem.code, payload.problem.place - begin, 0, 0);
    }
    if (!is_object) return reject(-1, CSJ_NOT_AN_OBJECT, first - begin, 0, 0);
    finish_row(begin);
}

/// Confluent's framing: a zero byte (which no JSON text begins with), the schema's id in four bytes, then the JSON. Places in messages stay
/// those in the payload as it came.
void csj_decoder::decode_framed_row(const uint8_t *begin, const uint8_t *end) {
    constexpr int64_t frame = 5;
    if (begin[0] != 0 || end - begin < frame) return decode_row(begin, end);
    size_t before = rejections.size();
    if (end - begin == frame)
        reject(-1, CSJ_EMPTY, 0, 0, 0);
    else
        decode_row(begin + frame, end);
    if (rejections.size() == before) return;
    csj_rejection &found = rejections.back();
    if (found.position >= 0) found.position += frame;
    if (found.value_length > 0) found.value_start += frame;
}

/// Fills in what is missing, and rejects the row for its first column in trouble.
void csj_decoder::finish_row(const uint8_t *begin) {
    if (seen_in_row < fields.size()) {
        for (Field &field : fields)
            if (field.written_row != row + 1) set_null(field);
    }
    int64_t column = -1;
    for (uint32_t candidate : required) {
        if (fields[candidate].nulls.data()[row]) {
            column = candidate;
            break;
        }
    }
    if (problems_in_row == 0) {
        if (column >= 0) reject(int32_t(column), CSJ_MISSING, -1, 0, 0);
        return;
    }
    for (size_t k = 0; k < fields.size(); k++) {
        Field &field = fields[k];
        if (field.written_row != row + 1 || field.problem == CSJ_OK) continue;
        // A value in trouble stands as null, so it may itself be the required column that was found above.
        if (column >= 0 && size_t(column) < k) break;
        int64_t start = field.shown_first - begin;
        return reject(int32_t(k), field.problem, field.place - begin, start, field.shown_last - field.shown_first);
    }
    reject(int32_t(column), CSJ_MISSING, -1, 0, 0);
}

extern "C" csj_decoder *csj_create(const csj_field *fields, size_t field_count) { return new csj_decoder(fields, field_count); }
extern "C" void csj_destroy(csj_decoder *decoder) { delete decoder; }

extern "C" size_t csj_decode(csj_decoder *decoder, const uint8_t *arena, const int64_t *ends, const uint8_t *nulls, size_t count) {
    decoder->rejections.clear();
    for (Field &field : decoder->fields) {
        field.written_row = 0;
        field.has_null = false;
        field.nulls.reserve(count);
        if (field.type == CSJ_TEXT) {
            field.ends.reserve(count * 8);
            field.values.reserve(0);
        } else {
            field.values.reserve(count * field.width());
        }
    }
    for (size_t row = 0; row < count; row++) {
        decoder->row = row;
        int64_t start = row == 0 ? 0 : ends[row - 1];
        if (nulls && nulls[row]) {
            for (Field &field : decoder->fields) decoder->set_null(field);
        } else if (start == ends[row]) {
            decoder->reject(-1, CSJ_EMPTY, 0, 0, 0);
        } else {
            decoder->decode_framed_row(arena + start, arena + ends[row]);
        }
    }
    return decoder->rejections.size();
}

extern "C" csj_column csj_column_at(const csj_decoder *decoder, size_t index) {
    const Field &field = decoder->fields[index];
    csj_column column{};
    column.values = field.values.data();
    column.nulls = field.has_null ? field.nulls.data() : nullptr;
    column.ends = field.type == CSJ_TEXT ? field.text_ends() : nullptr;
    return column;
}

extern "C" const csj_rejection *csj_rejections(const csj_decoder *decoder) { return decoder->rejections.data(); }
