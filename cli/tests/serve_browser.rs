//! The page in Debian's Chromium, by playwright-core, with axe-core: see tests/page/page.mjs.
#![cfg(feature = "serve")]

#[path = "support/client.rs"]
mod client;
#[path = "support/trails.rs"]
mod trails;

use std::path::{Path, PathBuf};
use std::process::Command;

use client::Server;
use trails::{line, segment};

/// How many records come live: two seconds at five thousand a second.
const LIVE: u64 = 10_000;

/// What a hostile caller would have the page do.
const HOSTILE: [&str; 6] = [
    "<script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=1>",
    "\\\"><svg onload=globalThis.pwned=1>",
    "javascript:globalThis.pwned=1",
    "\\u001b[2J\\u001b]0;title\\u0007\\u0000",
    "a\\u202ecod.exe\\u202c \\u2066x\\u2069 \\u200b",
    "</pre></td></table><iframe src=//evil.example></iframe>",
];

/// Where `cargo xtask test` put the modules; `None` where it did not.
fn modules() -> Option<PathBuf> {
    let modules = PathBuf::from(std::env::var_os("TRACING_AUDIT_PAGE_MODULES")?);
    modules
        .join("node_modules/playwright-core")
        .is_dir()
        .then_some(modules)
}

fn chromium() -> Option<&'static str> {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
}

fn records() -> Vec<String> {
    let mut lines: Vec<String> = (0..200)
        .map(|seq| {
            let outcome = if seq % 7 == 0 { "denied" } else { "success" };
            let more = format!(
                r#","action":"read","actor":{{"id":"u-{}","type":"user"}},"outcome":"{outcome}","reason":"because","resource":{{"id":"{seq}","type":"page"}},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#,
                seq % 5
            );
            line("main", seq, "page.read", &more)
        })
        .collect();
    for (seq, text) in (200..).zip(HOSTILE) {
        let more = format!(
            r#","action":"{text}","actor":{{"id":"{text}","type":"{text}"}},"attributes":{{"{text}":"{text}"}},"changed_fields":["{text}"],"labels":{{"kind":"hostile"}},"outcome":"{text}","reason":"{text}","resource":{{"id":"{text}","type":"{text}"}}"#
        );
        lines.push(line("main", seq, text, &more));
    }
    lines
}

/// A line behind those of the beginning, with its end.
fn later(seq: u64, outcome: &str, reason: &str) -> String {
    let at = "2025-11-21T11:00:00.000000000Z";
    format!(
        "{{\"event\":\"page.live\",\"observed_at\":\"{at}\",\"outcome\":\"{outcome}\",\"reason\":\"{reason}\",\"schema\":1,\"seq\":{seq},\
         \"stream\":\"main\",\"time\":\"{at}\"}}\n"
    )
}

#[test]
fn a_browser_can_work_with_the_page_and_axe_core_finds_nothing() {
    let Some((modules, chromium)) = modules().zip(chromium()) else {
        println!(
            "SKIPPED: the page in a browser: no Chromium, or playwright-core and axe-core are not installed (cargo xtask test)"
        );
        return;
    };
    let root = tempfile::tempdir().expect("a directory");
    let records = records();
    let path = segment(root.path(), "main", 0, &records);
    let first = records.len() as u64;
    let live = (first..first + LIVE).map(|seq| later(seq, "success", "one of many"));
    let live: Vec<String> = live.collect();
    let last = later(first + LIVE, "denied", "the last one");
    let given = root.path().join("lines.json");
    std::fs::write(&given, serde_json::to_string(&live).expect("JSON")).expect("written");
    let server = Server::start(root.path(), &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/page/page.mjs");
    let mut node = Command::new("node");
    node.arg(script)
        .env(
            "PAGE_URL",
            format!("http://{}/?token={}", server.address, server.token),
        )
        .env("PAGE_MODULES", modules)
        .env("PAGE_CHROMIUM", chromium)
        .env("PAGE_SEGMENT", path)
        .env("PAGE_LINES", given)
        .env("PAGE_LAST", serde_json::to_string(&last).expect("JSON"));
    let output = node.output().expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
