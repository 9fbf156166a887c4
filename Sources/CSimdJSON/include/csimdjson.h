// JSON payloads to typed columns, one call a batch: a C interface over simdjson's first stage (structural index and UTF-8
// validation) with a second stage of our own that validates every byte, also of fields that nobody asked for.
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    CSJ_INT4,         // int64_t a value
    CSJ_INT8,         // int64_t
    CSJ_NUMERIC64,    // int64_t, unscaled; precision <= 18
    CSJ_NUMERIC128,   // two's complement, low half first; unscaled; precision <= 38
    CSJ_FLOAT8,       // double
    CSJ_BOOL,         // uint8_t
    CSJ_TEXT,         // bytes in an arena and exclusive ends
    CSJ_TIMESTAMPTZ,  // int64_t, microseconds since 1970
    CSJ_UUID,         // low half first of the big-endian number
    CSJ_TIMESTAMP,    // int64_t, microseconds since 1970 of a clock without a zone
    CSJ_DATE,         // int64_t, days since 1970
    CSJ_INT2,         // int64_t
    CSJ_FLOAT4,       // double that a float holds
    CSJ_TIME,         // int64_t, microseconds since midnight, up to 24:00
    CSJ_EPOCH,        // int64_t, microseconds since 1970 from a number in a unit of its own: `scale` digits of it are microseconds
    CSJ_READ,         // sixteen bytes that the field's `reader` makes of a JSON string
    // Bytes in an arena, as CSJ_TEXT:
    CSJ_VARCHAR,  // of at most `precision` characters
    CSJ_CHAR,     // the same, without the blanks at its end
    CSJ_DECIMAL,  // a numeric of any scale, as PostgreSQL writes it; at most 38 digits
    CSJ_JSONB,    // any JSON, as PostgreSQL writes its jsonb
    CSJ_ARRAY,    // a one-dimensional array of `element`, as PostgreSQL writes it
} csj_type;

// Why a record was not taken. The Swift side turns these into sentences.
typedef enum {
    CSJ_OK = 0,
    // The record.
    CSJ_EMPTY,
    CSJ_INVALID_UTF8,
    CSJ_NOT_AN_OBJECT,
    CSJ_TOO_DEEP,
    CSJ_TOO_LARGE,
    CSJ_UNEXPECTED_CHARACTER,
    CSJ_EXPECTED_VALUE,
    CSJ_EXPECTED_KEY,
    CSJ_EXPECTED_COLON,
    CSJ_EXPECTED_COMMA,
    CSJ_UNEXPECTED_END,
    CSJ_TRAILING_CONTENT,
    CSJ_BAD_NUMBER,
    CSJ_BAD_LITERAL,
    CSJ_BAD_ESCAPE,
    CSJ_LONE_SURROGATE,
    CSJ_CONTROL_CHARACTER,
    CSJ_UNCLOSED_STRING,
    // One column's value.
    CSJ_NUL_CHARACTER,
    CSJ_WRONG_JSON_TYPE,
    CSJ_SYNTAX,
    CSJ_VALUE_RANGE,
    CSJ_NUMERIC_OVERFLOW,
    CSJ_NUMERIC_FORMAT,
    CSJ_NOT_FINITE,
    CSJ_DATETIME_FIELD,
    CSJ_ZONE_RANGE,
    CSJ_TIMESTAMP_RANGE,
    CSJ_INTERVAL_FIELD,
    CSJ_INTERVAL_RANGE,
    CSJ_MISSING,
    CSJ_TOO_LONG,
    CSJ_DECIMAL_DIGITS,
    CSJ_JSON_NUMBER_DIGITS,
} csj_problem;

// The value of a text, in sixteen bytes: for types whose input the caller knows.
typedef csj_problem (*csj_reader)(const uint8_t *text, size_t length, void *value);

typedef struct {
    const char *path;  // UTF-8: the names from the outermost object to the field, a NUL byte between two of them
    size_t path_length;
    csj_type type;
    csj_type element;  // of arrays; its own length is in `precision`, as are precision and scale of numerics
    int precision;
    int scale;
    csj_reader reader;  // of CSJ_READ
    int is_required;    // null or missing is a problem
    // What the column holds where the field is missing (not where it is null), if has_default: sixteen bytes as csj_parse writes them, or
    // text.
    int has_default;
    uint8_t default_value[16];
    const char *default_text;
    size_t default_length;
} csj_field;

// What was wrong with one row: at most one entry a row, rows ascending.
typedef struct {
    int64_t row;
    int32_t column;  // -1: the record as a whole
    csj_problem problem;
    int64_t position;      // byte in the payload; -1: none to point at
    int64_t value_start;   // the offending value's bytes in the payload, without quotes
    int64_t value_length;  // 0: none to show
} csj_rejection;

// A view into the decoder's own memory, good until the next call.
typedef struct {
    const void *values;  // 8 or 16 bytes a row, 1 for bool; for text the arena
    const int64_t *ends;
    const uint8_t *nulls;  // 1 a null row; NULL where none is
} csj_column;

typedef struct csj_decoder csj_decoder;

csj_decoder *csj_create(const csj_field *fields, size_t field_count);
void csj_destroy(csj_decoder *decoder);

// Payload i is arena[i == 0 ? 0 : ends[i - 1] ..< ends[i]]; at least 64 bytes are readable after the last end. Payloads of
// length 0 are CSJ_EMPTY unless `nulls` (may be NULL) marks them: then they are left null and unreported, for the caller knows.
// Rejected rows are null in every column. Returns the number of rejections.
size_t csj_decode(csj_decoder *decoder, const uint8_t *arena, const int64_t *ends, const uint8_t *nulls, size_t count);
csj_column csj_column_at(const csj_decoder *decoder, size_t index);
const csj_rejection *csj_rejections(const csj_decoder *decoder);

// One value from text in the input syntax of PostgreSQL's type (not for bool and what is kept as bytes). `value` takes 16 bytes.
csj_problem csj_parse(csj_type type, int precision, int scale, const uint8_t *text, size_t length, void *value);
// A numeric of any scale from text in PostgreSQL's input syntax, as PostgreSQL writes it: at most 42 bytes; `written` says how many.
csj_problem csj_parse_decimal(const uint8_t *text, size_t length, char *buffer, size_t *written);
// JSON text (at least 64 more bytes must be readable) as PostgreSQL writes it as jsonb; `result` is malloc'ed, and the caller's to free.
csj_problem csj_parse_jsonb(const uint8_t *text, size_t length, char **result, size_t *written);

// PostgreSQL's output of float8 (shortest text that reads back the same). At most 32 bytes; returns how many.
size_t csj_format_double(double value, char *buffer);
// The same with 15 significant digits (C's %.15g), which is how PostgreSQL casts float8 to numeric.
size_t csj_format_double_15(double value, char *buffer);
// PostgreSQL's output of float4, and the same with 6 significant digits.
size_t csj_format_float(float value, char *buffer);
size_t csj_format_float_6(float value, char *buffer);

#ifdef __cplusplus
}
#endif
#endif
