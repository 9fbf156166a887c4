#ifndef CPAGE_H
#define CPAGE_H
#include <stddef.h>
// The dashboard's files, byte for byte as they are in serving/Page.
struct parallax_page_file {
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t count;
};
/// Null beyond the last one. They live as long as the process.
const struct parallax_page_file *_Nullable parallax_page_file(size_t index);
#endif
