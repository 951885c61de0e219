//! The frame of every page, and what all pages share: the question's form, notices, errors, help.
//!
//! Templates escape what they are given; [`answer`] is the one way out, and makes everything else harmless: characters that
//! control a terminal, hide, or turn the direction of text are written out.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};

use super::asked::Asked;
use crate::out::Failure;
use crate::words::harmless;

/// The ranges that are offered.
const RANGES: [(&str, &str); 6] = [
    ("-15m", "15 min"),
    ("-1h", "1 hour"),
    ("-24h", "24 hours"),
    ("-7d", "7 days"),
    ("-30d", "30 days"),
    ("", "all"),
];

/// What the language has, for the help.
const LANGUAGE: [(&str, &str); 13] = [
    ("actor=u-1 outcome=denied", "both must hold"),
    ("actor=u-1 actor=u-2", "the same field twice: either"),
    ("action=invoice.*", "* stands for any text"),
    ("outcome!=success", "not, or absent"),
    ("reason~\"not found\"", "contains, whatever the case"),
    (
        "level>=warn duration>250ms",
        "levels, numbers, durations, times: < <= > >=",
    ),
    ("outcome in (denied, failure)", "one of these"),
    ("actor.ip=10.0.0.0/8", "a network"),
    ("resource=invoice/9", "type, id, or both"),
    ("trace=4bf92f35", "an id, or its beginning"),
    ("attributes.x=1 label.team=core", "fields of your own"),
    ("timeout", "any text of the record contains it"),
    ("not …   … or …   ( … )", "put together"),
];

const KEYS: [(&str, &str); 7] = [
    ("/", "to the filter"),
    ("j  k", "next, previous row"),
    ("Enter", "open the row"),
    ("Esc", "close"),
    ("?", "this help"),
    ("click a value", "only records with it"),
    ("Alt + click", "only records without it"),
];

/// Which page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Records,
    Live,
    Overview,
    Other,
}

/// A page as an answer.
pub(super) fn answer(status: StatusCode, body: Markup) -> Response {
    let body = harmless(&body.into_string());
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

/// A whole page.
pub(super) fn page(title: &str, tab: Tab, asked: &Asked, refresh: Option<u32>, main: Markup) -> Markup {
    let first = asked.first();
    let tabs = [
        (Tab::Records, "Records", first.href("/")),
        (Tab::Live, "Live", first.between("", "").href("/live")),
        (Tab::Overview, "Overview", first.href("/overview")),
    ];
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · tracing-audit" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/page.css";
                @if let Some(seconds) = refresh {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                script src="/page.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { span.mark aria-hidden="true" {} "tracing-audit" }
                    nav aria-label="Pages" {
                        @for (name, label, href) in tabs {
                            a href=(href) aria-current=[(name == tab).then_some("page")] { (label) }
                        }
                    }
                    a.help href="/help" data-help aria-label="Help" { span aria-hidden="true" { "?" } span.words { " Help" } }
                }
                main #main tabindex="-1" { (main) }
                @if tab != Tab::Other {
                    dialog #help aria-labelledby="help-title" { h2 #help-title { "Help" } (help()) form method="dialog" { button { "Close" } } }
                }
            }
        }
    }
}

/// The question's form: the filter, the range, and the terms that hold.
pub(super) fn form(asked: &Asked, path: &str, wrong: Option<&str>) -> Markup {
    let is_ranged = path != "/live";
    html! {
        form.ask role="search" method="get" action=(path) data-choice=[asked.is_choice().then_some("1")] {
            div.line {
                label.hidden for="q" { "Filter" }
                input #q name="q" type="search" value=(asked.filter) autocomplete="off" autocapitalize="off" spellcheck="false"
                    placeholder="actor=u-1 outcome=denied, or any text"
                    aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong")];
                @if is_ranged {
                    label.range { span { "from" }
                        input name="since" value=(asked.since) placeholder="the beginning" autocomplete="off" spellcheck="false"; }
                    label.range { span { "to" }
                        input name="until" value=(asked.until) placeholder="now" autocomplete="off" spellcheck="false"; }
                }
                @if let Some(rows) = asked.rows { input type="hidden" name="n" value=(rows); }
                button.go { "Search" }
            }
            @if let Some(wrong) = wrong {
                p #wrong .wrong role="alert" { strong { "Not searched. " } (wrong) }
            }
            div.line.under {
                @if is_ranged { (ranges(asked, path)) }
                (terms(asked, path))
            }
        }
    }
}

fn ranges(asked: &Asked, path: &str) -> Markup {
    html! {
        nav.ranges aria-label="Time range" {
            @for (since, label) in RANGES {
                @let current = asked.since == since && asked.until.is_empty();
                a href=(asked.between(since, "").href(path)) aria-current=[current.then_some("true")] { (label) }
            }
        }
    }
}

fn terms(asked: &Asked, path: &str) -> Markup {
    let terms = asked.terms();
    html! {
        @if !terms.is_empty() {
            ul.terms aria-label="Terms of the filter" {
                @for (term, rest) in terms {
                    li { code { (term) } a href=(rest.href(path)) aria-label={ "Remove the term " (term) } { "×" } }
                }
            }
        }
    }
}

/// Something that the reader should know before they believe what they see.
pub(super) fn notice(kind: &str, text: Markup) -> Markup {
    html! { p class={ "notice " (kind) } { (text) } }
}

/// What a range leaves out, in a line of its own: see [`super::budget::window`].
pub(super) fn near(asked: &Asked, path: &str) -> Markup {
    let is_ranged = !asked.since.is_empty() || !asked.until.is_empty();
    html! { @if is_ranged && !asked.late {
        p.quiet { "In a range are looked for records that were observed within ten minutes of their time. "
            a href=(Asked { late: true, ..asked.first() }.href(path)) { "Look for all others too" } ", as of an import." }
    } }
}

fn help() -> Markup {
    html! {
        div.helps {
            section {
                h2 { "The filter" }
                table.plain { tbody {
                    @for (example, meaning) in LANGUAGE { tr { th scope="row" { code { (example) } } td { (meaning) } } }
                } }
                p { "Times: " code { "-2h" } ", " code { "today" } ", " code { "2026-11-21" } ", "
                    code { "2026-11-21T10:00+01:00" } ", " code { "2026-11-21 10:00 Europe/Berlin" } ". UTC unless a zone is named; the end itself is outside." }
            }
            section {
                h2 { "Keys" }
                table.plain { tbody {
                    @for (key, meaning) in KEYS { tr { th scope="row" { kbd { (key) } } td { (meaning) } } }
                } }
            }
        }
    }
}

/// The help as a page of its own.
pub(super) async fn help_page() -> Response {
    let main = html! { article.card { h1 { "Help" } (help()) } };
    answer(
        StatusCode::OK,
        page("Help", Tab::Other, &Asked::default(), None, main),
    )
}

/// A page that says what is wrong.
pub(super) fn wrong(status: StatusCode, text: &str) -> Response {
    let asked = Asked::default();
    let main = html! {
        section.empty role="alert" {
            h1 { @if status.is_server_error() { "That did not work" } @else { "That cannot be shown" } }
            p { (text) }
            p { a href="/" { "To the newest records" } }
        }
    };
    answer(status, page("Error", Tab::Other, &asked, None, main))
}

/// The page for a failure.
pub(super) fn failed(failure: &Failure) -> Response {
    wrong(status_of(failure), &failure.to_string())
}

/// Whether it was asked wrongly, or cannot be answered.
pub(super) fn status_of(failure: &Failure) -> StatusCode {
    if failure.code() == crate::out::code::USAGE {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
