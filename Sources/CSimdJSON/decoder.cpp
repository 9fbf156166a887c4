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

Name::Name(std::string name) : text(std::move(name)), is_plain(is_plain_name(text)) {
    std::string padded = text + std::string(8, '\0');
    auto bytes = reinterpret_cast<const uint8_t *>(padded.data());
    head = load_word(bytes, text.size());
    tail = text.size() > 8 ? load_word(bytes + text.size() - 8, 8) : 0;
}

void Node::index_names() {
    size_t slot_count = 8;
    while (slot_count < children.size() * 4) slot_count *= 2;
    slots.assign(slot_count, 0);
    for (size_t k = 0; k < children.size(); k++) {
        const std::string &name = children[k].name.text;
        name_lengths |= 1ull << (name.size() % 64);
        size_t slot = hash_name(reinterpret_cast<const uint8_t *>(name.data()), name.size()) & (slot_count - 1);
        while (slots[slot]) slot = (slot + 1) & (slot_count - 1);
        slots[slot] = uint32_t(k + 1);
    }
}

/// The path's names down from the outermost object, with the nodes that are not there yet.
void csj_decoder::add_path(const char *path, size_t length, uint32_t field) {
    size_t node = 0;
    const char *end = path + length;
    for (;;) {
        nodes[node].fields.push_back(field);
        const char *stop = static_cast<const char *>(length ? memchr(path, 0, size_t(end - path)) : nullptr);
        std::string name(path, stop ? stop : end);
        size_t child = 0;
        while (child < nodes[node].children.size() && nodes[node].children[child].name.text != name) child++;
        if (child == nodes[node].children.size()) nodes[node].children.push_back({Name(name), -1, -1});
        if (!stop) {
            nodes[node].children[child].field = int(field);
            return;
        }
        if (nodes[node].children[child].node < 0) {
            nodes[node].children[child].node = int(nodes.size());
            nodes.emplace_back();
        }
        node = size_t(nodes[node].children[child].node);
        path = stop + 1;
    }
}

csj_decoder::csj_decoder(const csj_field *list, size_t count) : row(0), problems_in_row(0), seen_in_row(0) {
    fields.reserve(count);
    nodes.emplace_back();
    for (size_t k = 0; k < count; k++) {
        Field field{};
        add_path(list[k].path, list[k].path_length, uint32_t(k));
        field.type = list[k].type;
        field.element = list[k].element;
        field.reader = list[k].reader;
        field.has_default = list[k].has_default != 0;
        memcpy(field.default_value, list[k].default_value, sizeof field.default_value);
        if (list[k].default_length) field.default_text.assign(list[k].default_text, list[k].default_length);
        field.precision = list[k].precision;
        field.scale = list[k].scale;
        field.is_required = list[k].is_required != 0;
        if (field.is_required) required.push_back(uint32_t(k));
        fields.push_back(std::move(field));
    }
    for (Node &node : nodes) node.index_names();
}

int Node::find(const uint8_t *name, size_t length) const {
    if (!(name_lengths >> (length % 64) & 1)) return -1;
    size_t mask = slots.size() - 1;
    for (size_t slot = hash_name(name, length) & mask; slots[slot]; slot = (slot + 1) & mask) {
        const std::string &candidate = children[slots[slot] - 1].name.text;
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
    if (field.is_text())
        field.text_ends()[row] = field.text_start(row);
    else
        memset(field.values.data() + row * field.width(), 0, field.width());
    field.nulls.data()[row] = 1;
    field.has_null = true;
}

void csj_decoder::set_text(Field &field, const uint8_t *first, size_t length) {
    size_t start = size_t(field.text_start(row));
    field.values.reserve(start + length);
    if (length) memcpy(field.values.data() + start, first, length);
    field.text_ends()[row] = int64_t(start + length);
    field.nulls.data()[row] = 0;
}

void csj_decoder::set_default(Field &field) {
    if (field.is_text())
        return set_text(field, reinterpret_cast<const uint8_t *>(field.default_text.data()), field.default_text.size());
    memcpy(field.values.data() + row * field.width(), field.default_value, field.width());
    field.nulls.data()[row] = 0;
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
    bool is_valid = is_object ? decode_object(payload, 0, 1) : payload.skip(0);
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
        for (Field &field : fields) {
            if (field.written_row == row + 1) continue;
            if (field.has_default)
                set_default(field);
            else
                set_null(field);
        }
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
    for (Node &node : decoder->nodes) node.entered_row = 0;
    for (Field &field : decoder->fields) {
        field.written_row = 0;
        field.has_null = false;
        field.nulls.reserve(count);
        if (field.is_text()) {
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
    column.ends = field.is_text() ? field.text_ends() : nullptr;
    return column;
}

extern "C" const csj_rejection *csj_rejections(const csj_decoder *decoder) { return decoder->rejections.data(); }
