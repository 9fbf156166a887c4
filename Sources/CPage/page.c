// The compiler puts the files themselves into the executable: no resource folder beside it, no generated source. A file that is not named here is not served;
// PageTests compares the two lists, and the bytes.
#include "cpage.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char api_js[] = {
#embed "../../serving/Page/api.js"
};
static const unsigned char app_js[] = {
#embed "../../serving/Page/app.js"
};
static const unsigned char chart_js[] = {
#embed "../../serving/Page/chart.js"
};
static const unsigned char comparison_js[] = {
#embed "../../serving/Page/comparison.js"
};
static const unsigned char dom_js[] = {
#embed "../../serving/Page/dom.js"
};
static const unsigned char dygraph_license_txt[] = {
#embed "../../serving/Page/dygraph.LICENSE.txt"
};
static const unsigned char dygraph_min_js[] = {
#embed "../../serving/Page/dygraph.min.js"
};
static const unsigned char format_js[] = {
#embed "../../serving/Page/format.js"
};
static const unsigned char icon_svg[] = {
#embed "../../serving/Page/icon.svg"
};
static const unsigned char index_html[] = {
#embed "../../serving/Page/index.html"
};
static const unsigned char overview_js[] = {
#embed "../../serving/Page/overview.js"
};
static const unsigned char runs_js[] = {
#embed "../../serving/Page/runs.js"
};
static const unsigned char style_css[] = {
#embed "../../serving/Page/style.css"
};
static const unsigned char view_js[] = {
#embed "../../serving/Page/view.js"
};

static const struct parallax_page_file files[] = {
    {"api.js", api_js, sizeof api_js},
    {"app.js", app_js, sizeof app_js},
    {"chart.js", chart_js, sizeof chart_js},
    {"comparison.js", comparison_js, sizeof comparison_js},
    {"dom.js", dom_js, sizeof dom_js},
    {"dygraph.LICENSE.txt", dygraph_license_txt, sizeof dygraph_license_txt},
    {"dygraph.min.js", dygraph_min_js, sizeof dygraph_min_js},
    {"format.js", format_js, sizeof format_js},
    {"icon.svg", icon_svg, sizeof icon_svg},
    {"index.html", index_html, sizeof index_html},
    {"overview.js", overview_js, sizeof overview_js},
    {"runs.js", runs_js, sizeof runs_js},
    {"style.css", style_css, sizeof style_css},
    {"view.js", view_js, sizeof view_js},
};

const struct parallax_page_file *parallax_page_file(size_t index) {
    return index < sizeof files / sizeof files[0] ? &files[index] : NULL;
}
