// The decoder's memory: one buffer a column, reused for every batch.
#pragma once
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <simdjson.h>

#include "json.hpp"

namespace csj {

/// Bytes that a batch appends to, without constructing them. Running out of memory ends the process, as it does in Swift.
class Arena {
public:
    Arena() = default;
    Arena(const Arena &) = delete;
    Arena &operator=(const Arena &) = delete;
    Arena(Arena &&other) noexcept : bytes_(other.bytes_), capacity_(other.capacity_) {
        other.bytes_ = nullptr;
        other.capacity_ = 0;
    }
    ~Arena() { free(bytes_); }

    uint8_t *data() const { return bytes_; }
    /// Room for `size` bytes in all, and 64 more for stores that run over.
    void reserve(size_t size) {
        if (size + 64 <= capacity_) return;
        size_t wanted = size + size / 2 + 4096;
        bytes_ = static_cast<uint8_t *>(realloc(bytes_, wanted));
        if (!bytes_) abort();
        capacity_ = wanted;
    }

private:
    uint8_t *bytes_ = nullptr;
    size_t capacity_ = 0;
};

/// The eight bytes at p, of which the first `length` count.
inline uint64_t load_word(const uint8_t *p, size_t length) {
    uint64_t word;
    memcpy(&word, p, 8);
    return length >= 8 ? word : word & ((1ull << (length * 8)) - 1);
}

/// A name as it is looked for in an object.
struct Name {
    std::string text;
    /// The name's first and last eight bytes; all of it where it has no more.
    uint64_t head;
    uint64_t tail;
    /// False for names that JSON must escape: those are compared unescaped only.
    bool is_plain;

    explicit Name(std::string text);
    /// Whether a key as it stands in the payload is this name. At least eight bytes must be readable from its start.
    bool is(const uint8_t *key, size_t length) const {
        if (length != text.size() || !is_plain || load_word(key, length) != head) return false;
        if (length <= 8) return true;
        if (load_word(key + length - 8, 8) != tail) return false;
        return length <= 16 || memcmp(key + 8, text.data() + 8, length - 16) == 0;
    }
};

/// What a name in an object leads to: a column, an object with columns inside, or both. -1: none.
struct Child {
    Name name;
    int field;
    int node;
};

/// The names that count in one object.
struct Node {
    std::vector<Child> children;
    /// Open addressing over the names: 1 + index, 0 empty.
    std::vector<uint32_t> slots;
    /// Which lengths (modulo 64) the names have: most unknown fields are recognised by that.
    uint64_t name_lengths;
    /// Of the columns at any depth below.
    std::vector<uint32_t> fields;
    /// The row, counted from 1, in which it was last met: a second object of the same name replaces the first.
    size_t entered_row;

    void index_names();
    int find(const uint8_t *name, size_t length) const;
};

struct Field {
    csj_type type;
    csj_type element;
    csj_reader reader;
    int precision;
    int scale;
    bool is_required;
    bool has_default;
    uint8_t default_value[16];
    std::string default_text;

    Arena values;
    Arena nulls;
    Arena ends;  // text only
    bool has_null;
    /// The row, counted from 1, that last wrote this column: a second value in one object replaces the first.
    size_t written_row;
    /// What is wrong with the current row's value.
    csj_problem problem;
    const uint8_t *place;
    const uint8_t *shown_first;
    const uint8_t *shown_last;

    bool is_text() const {
        return type == CSJ_TEXT || type == CSJ_VARCHAR || type == CSJ_CHAR || type == CSJ_DECIMAL || type == CSJ_JSONB || type == CSJ_ARRAY;
    }
    size_t width() const { return type == CSJ_NUMERIC128 || type == CSJ_UUID || type == CSJ_READ ? 16 : type == CSJ_BOOL ? 1 : 8; }
    int64_t *text_ends() const { return reinterpret_cast<int64_t *>(ends.data()); }
    int64_t text_start(size_t row) const { return row == 0 ? 0 : text_ends()[row - 1]; }
};

}  // namespace csj

struct csj_decoder {
    std::vector<csj::Field> fields;
    std::vector<uint32_t> required;
    /// The outermost object first.
    std::vector<csj::Node> nodes;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
    csj::Arena scratch;
    std::vector<csj_rejection> rejections;
    size_t row;
    size_t problems_in_row;
    size_t seen_in_row;

    explicit csj_decoder(const csj_field *list, size_t count);
    void add_path(const char *path, size_t length, uint32_t field);
    void decode_row(const uint8_t *begin, const uint8_t *end);
    void decode_framed_row(const uint8_t *begin, const uint8_t *end);
    bool decode_object(csj::Payload &payload, size_t node, int depth);
    bool decode_child(csj::Payload &payload, const csj::Child &child, int depth);
    void forget(csj::Node &node);
    bool decode_value(csj::Payload &payload, csj::Field &field, int depth);
    bool decode_array(csj::Payload &payload, csj::Field &field, int depth);
    bool decode_jsonb(csj::Payload &payload, csj::Field &field, int depth);
    bool decode_string(csj::Payload &payload, csj::Field &field);
    bool decode_number(csj::Payload &payload, csj::Field &field);
    void set_null(csj::Field &field);
    void set_default(csj::Field &field);
    void set_text(csj::Field &field, const uint8_t *first, size_t length);
    void set_problem(csj::Field &field, csj_problem code, const uint8_t *place, const uint8_t *first, const uint8_t *last);
    void finish_row(const uint8_t *begin);
    void reject(int32_t column, csj_problem code, int64_t position, int64_t start, int64_t length);
    bool ensure_parser(size_t length);
};
