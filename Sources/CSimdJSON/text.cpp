// Strings: escapes, and the byte-by-byte search for what simdjson's first stage refused without saying where.
#include <cstring>

#include "json.hpp"

namespace csj {

const uint8_t hex_digits[256] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 255, 255, 255, 255, 255,
    255, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
};

/// The four digits after \u; -1 where they are none.
static int32_t code_unit(const uint8_t *p, const uint8_t *last) {
    if (last - p < 4) return -1;
    int32_t value = 0;
    for (int k = 0; k < 4; k++) {
        uint8_t digit = hex_digits[p[k]];
        if (digit > 15) return -1;
        value = value << 4 | digit;
    }
    return value;
}

bool check_escapes(Payload &payload, const uint8_t *first, const uint8_t *last, bool *has_nul) {
    *has_nul = false;
    if (!has_backslash(first, last)) return true;
    const uint8_t *p = first;
    while ((p = static_cast<const uint8_t *>(memchr(p, '\\', size_t(last - p))))) {
        const uint8_t *escape = p;
        if (last - p < 2) return payload.fail(CSJ_BAD_ESCAPE, escape);
        uint8_t kind = p[1];
        p += 2;
        if (kind == 'u') {
            int32_t unit = code_unit(p, last);
            if (unit < 0) return payload.fail(CSJ_BAD_ESCAPE, escape);
            p += 4;
            if (unit == 0) *has_nul = true;
            if (unit >= 0xDC00 && unit < 0xE000) return payload.fail(CSJ_LONE_SURROGATE, escape);
            if (unit >= 0xD800 && unit < 0xDC00) {
                int32_t low = last - p >= 6 && p[0] == '\\' && p[1] == 'u' ? code_unit(p + 2, last) : -1;
                if (low < 0xDC00 || low >= 0xE000) return payload.fail(CSJ_LONE_SURROGATE, escape);
                p += 6;
            }
        } else if (kind == 0 || !strchr("\"\\/bfnrt", kind)) {
            return payload.fail(CSJ_BAD_ESCAPE, escape);
        }
    }
    return true;
}

static uint8_t *put_utf8(uint32_t scalar, uint8_t *target) {
    if (scalar < 0x80) {
        *target++ = uint8_t(scalar);
    } else if (scalar < 0x800) {
        *target++ = uint8_t(0xC0 | scalar >> 6);
        *target++ = uint8_t(0x80 | (scalar & 0x3F));
    } else if (scalar < 0x10000) {
        *target++ = uint8_t(0xE0 | scalar >> 12);
        *target++ = uint8_t(0x80 | (scalar >> 6 & 0x3F));
        *target++ = uint8_t(0x80 | (scalar & 0x3F));
    } else {
        *target++ = uint8_t(0xF0 | scalar >> 18);
        *target++ = uint8_t(0x80 | (scalar >> 12 & 0x3F));
        *target++ = uint8_t(0x80 | (scalar >> 6 & 0x3F));
        *target++ = uint8_t(0x80 | (scalar & 0x3F));
    }
    return target;
}

uint8_t *unescape(const uint8_t *first, const uint8_t *last, uint8_t *target) {
    for (const uint8_t *p = first; p < last;) {
        if (*p != '\\') {
            *target++ = *p++;
            continue;
        }
        uint8_t kind = p[1];
        p += 2;
        switch (kind) {
            case 'b': *target++ = '\b'; break;
            case 'f': *target++ = '\f'; break;
            case 'n': *target++ = '\n'; break;
            case 'r': *target++ = '\r'; break;
            case 't': *target++ = '\t'; break;
            case 'u': {
                uint32_t unit = uint32_t(code_unit(p, last));
                p += 4;
                if (unit >= 0xD800 && unit < 0xDC00) {
                    uint32_t low = uint32_t(code_unit(p + 2, last));
                    p += 6;
                    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                }
                target = put_utf8(unit, target);
                break;
            }
            default: *target++ = kind;
        }
    }
    return target;
}

const uint8_t *find_invalid_utf8(const uint8_t *begin, const uint8_t *end) {
    for (const uint8_t *p = begin; p < end;) {
        uint8_t c = *p;
        if (c < 0x80) {
            p++;
            continue;
        }
        int length = c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
        if (length == 0 || end - p < length) return p;
        // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
        uint8_t least = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        uint8_t most = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        if (p[1] < least || p[1] > most) return p;
        for (int k = 2; k < length; k++)
            if ((p[k] & 0xC0) != 0x80) return p;
        p += length;
    }
    return end;
}

Problem explain_first_stage(const uint8_t *begin, const uint8_t *end) {
    const uint8_t *invalid = find_invalid_utf8(begin, end);
    if (invalid != end) return {CSJ_INVALID_UTF8, invalid};
    const uint8_t *open = nullptr;
    bool is_blank = true;
    for (const uint8_t *p = begin; p < end; p++) {
        if (!is_json_space(*p)) is_blank = false;
        if (!open) {
            if (*p == '"') open = p;
            if (*p == '\\') return {CSJ_UNEXPECTED_CHARACTER, p};
        } else if (*p < 0x20) {
            return {CSJ_CONTROL_CHARACTER, p};
        } else if (*p == '"') {
            open = nullptr;
        } else if (*p == '\\' && p + 1 < end && p[1] >= 0x20) {
            p++;
        }
    }
    if (is_blank) return {CSJ_EMPTY, begin};
    if (open) return {CSJ_UNCLOSED_STRING, open};
    return {CSJ_UNEXPECTED_CHARACTER, begin};
}

}  // namespace csj
