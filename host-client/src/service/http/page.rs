//! The clerk's page: files of this program, open to everybody. What the page asks for needs a key.

use axum::Router;
use tillcard_http::PageFile;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page's files.
const FILES: &[PageFile] = &[
    ("/", include_str!("../page/index.html"), HTML),
    ("/page/style.css", include_str!("../page/style.css"), CSS),
    ("/page/icon.svg", include_str!("../page/icon.svg"), SVG),
    ("/page/main.js", include_str!("../page/main.js"), SCRIPT),
    ("/page/alarms.js", include_str!("../page/alarms.js"), SCRIPT),
    ("/page/api.js", include_str!("../page/api.js"), SCRIPT),
    ("/page/asking.js", include_str!("../page/asking.js"), SCRIPT),
    ("/page/paying.js", include_str!("../page/paying.js"), SCRIPT),
    ("/page/past.js", include_str!("../page/past.js"), SCRIPT),
    (
        "/page/receipt.js",
        include_str!("../page/receipt.js"),
        SCRIPT,
    ),
    (
        "/page/refunds.js",
        include_str!("../page/refunds.js"),
        SCRIPT,
    ),
    ("/page/wallet.js", include_str!("../page/wallet.js"), SCRIPT),
    ("/page/words.js", include_str!("../page/words.js"), SCRIPT),
];

pub(super) fn router() -> Router {
    tillcard_http::page(FILES)
}
