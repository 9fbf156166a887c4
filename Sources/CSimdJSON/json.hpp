// The second stage: walks the structural index of one payload and checks the JSON grammar to the last byte (RFC 8259).
//
// simdjson's own On-Demand front end does not look into values that nobody reads, and its DOM keeps no decimal digits beyond a
// double; this walker does both, in one pass, over the index that simdjson's vectorised first stage makes.
#pragma once
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "values.hpp"

namespace csj {

/// Objects and arrays inside one another, the outermost counted: deeper payloads are CSJ_TOO_DEEP. The walker recurses.
constexpr int nesting_limit = 256;

struct Problem {
    csj_problem code;
    const uint8_t *place;
};

/// One payload with its index. `i` is the structural that comes next.
struct Payload {
    const uint8_t *begin;
    const uint8_t *end;
    const uint32_t *index;
    uint32_t count;
    uint32_t i;
    Problem problem;

    bool at_end() const { return i >= count; }
    const uint8_t *here() const { return i < count ? begin + index[i] : end; }
    /// What stands at the next structural; 0 at the end (a NUL byte is no structural that any caller looks for).
    uint8_t next() const { return i < count ? begin[index[i]] : 0; }
    bool fail(csj_problem code, const uint8_t *place) {
        problem = {i >= count && place == end ? CSJ_UNEXPECTED_END : code, place};
        return false;
    }

    /// The string at the next structural without its quotes, escapes as written, not yet checked. Moves past it.
    bool string(const uint8_t **first, const uint8_t **last);
    /// The number at the next structural by JSON's grammar. Moves past it.
    bool number(Decimal *number, const uint8_t **first, const uint8_t **last);
    /// true, false or null.
    bool literal(const char *word, size_t length);
    /// Any value; checks all of it.
    bool skip(int depth);

private:
    bool skip_object(int depth);
    bool skip_array(int depth);
};

/// Whether a backslash stands in first ..< last. Looks at up to fifteen bytes more, which must be readable.
inline bool has_backslash(const uint8_t *first, const uint8_t *last) {
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8('\\');
    for (const uint8_t *p = first; p < last; p += 16) {
        __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
        uint32_t found = uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
        if (last - p < 16) found &= (1u << (last - p)) - 1;
        if (found) return true;
    }
    return false;
#else
    return memchr(first, '\\', size_t(last - first)) != nullptr;
#endif
}

/// Whether every escape is one of JSON's and surrogates come in pairs; `has_nul` where \u0000 is among them.
bool check_escapes(Payload &payload, const uint8_t *first, const uint8_t *last, bool *has_nul);
/// Writes the string that checked escapes stand for; never longer than its source. Returns its end.
uint8_t *unescape(const uint8_t *first, const uint8_t *last, uint8_t *target);
/// Where the first byte is that is not UTF-8 (RFC 3629); `end` where all is.
const uint8_t *find_invalid_utf8(const uint8_t *begin, const uint8_t *end);
/// Why the first stage refused a payload, found byte by byte: the same answer on every processor.
Problem explain_first_stage(const uint8_t *begin, const uint8_t *end);

inline bool is_json_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool ends_token(uint8_t c) { return c == ',' || c == '}' || c == ']' || is_json_space(c) || c == ':'; }

}  // namespace csj
