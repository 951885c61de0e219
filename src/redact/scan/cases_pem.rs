//! Private keys behind one another, and in the forms that programs, logs and pages give to their lines.

use super::cases::{ALNUM, body};
use super::scan;

const KIND: &str = "PRIVATE KEY";

/// The lines of a block of this kind, the last of them short.
fn block(kind: &str) -> Vec<String> {
    let mut lines = vec![format!("-----BEGIN {kind}-----")];
    let key = body(ALNUM, 240);
    lines.extend([&key[..64], &key[64..128], &key[128..192], "q8E="].map(str::to_owned));
    lines.push(format!("-----END {kind}-----"));
    lines
}

/// Asserts that no line of a key is left, nor anything cut the second time; gives what is left.
#[track_caller]
fn is_gone(text: &str, lines: &[String]) -> String {
    let once = scan("message", text).value.into_owned();
    for line in lines.iter().filter(|line| !line.contains("---")) {
        assert!(!once.contains(line.as_str()), "{text} -> {once}");
    }
    assert_eq!(scan("message", &once).value, once);
    once
}

#[test]
fn a_key_right_behind_another_block_is_found() {
    for first in [KIND, "RSA PRIVATE KEY", "CERTIFICATE", "PUBLIC KEY"] {
        for between in ["", "-", "--", "-----", "\n", " "] {
            for gap in ["\n", "\\n", ""] {
                let key = block(KIND);
                let text = format!("{}{between}{}", block(first).join(gap), key.join(gap));
                // Both are of the same lines: those of a certificate stay.
                let left = is_gone(&text, &[]).matches("q8E=").count();
                assert_eq!(left, usize::from(!first.contains("PRIVATE")), "{text}");
            }
        }
    }
}

#[test]
fn a_key_in_a_header_of_another_block_is_found_however_long() {
    for len in [64, 240, 1000] {
        let key = format!("-----BEGIN {KIND}-----{}-----END {KIND}-----", body(ALNUM, len));
        for head in [
            "-----BEGIN CERTIFICATE-----\nhint: ",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----\nhint: ",
        ] {
            let left = scan("message", &format!("{head}{key}")).value.into_owned();
            assert!(
                !left.contains(&body(ALNUM, len)[len - 32..]),
                "{head}{key} -> {left}"
            );
        }
    }
}

#[test]
fn a_key_is_found_whatever_stands_around_its_lines() {
    let lines = block(KIND);
    let each = |form: &dyn Fn(usize, &str) -> String| -> Vec<String> {
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| form(at, line))
            .collect()
    };
    for text in [
        each(&|_, line| format!("'{line}'")).join(", "),
        each(&|_, line| format!("'{line}'")).join(","),
        each(&|_, line| format!("\"{line}\\n\" +")).join("\n  "),
        each(&|_, line| format!("// {line}")).join("\n"),
        each(&|_, line| format!("-- {line}")).join("\n"),
        each(&|at, line| format!("{at:3} {line}")).join("\n"),
        each(&|at, line| format!("{at}: {line}")).join("\\n"),
        each(&|at, line| format!("{at:4} | {line}")).join("\n"),
        each(&|at, line| format!("2026-11-02T10:00:0{at}.123Z INFO svc: {line}")).join("\n"),
        each(&|at, line| format!("{{\"t\":{at},\"level\":\"info\",\"msg\":\"{line}\"}}")).join("\n"),
        each(&|_, line| format!("<p>{line}</p>")).join(""),
        lines.join("<br/>"),
        lines.join(";"),
    ] {
        is_gone(&text, &lines);
    }
}

#[test]
fn the_lines_of_a_list_leave_a_list() {
    let lines = block(KIND);
    let text = serde_json::to_string(&lines).expect("JSON");
    assert_eq!(is_gone(&text, &lines), "[\"[REDACTED:secret]\"]");
    let text = format!(
        "{{\"head\":\"{}\",\"key\":\"{}\",\"tail\":\"{}\"}}",
        lines[0], lines[1], lines[5]
    );
    assert_eq!(scan("message", &text).value, "{\"head\":\"[REDACTED:secret]\"}");
}

#[test]
fn dashes_may_stand_apart_from_their_words() {
    for (open, close) in [("----", "----"), ("-----", "-----")] {
        let mut lines = block(KIND);
        lines[0] = format!("{open} BEGIN SSH2 ENCRYPTED {KIND} {close}");
        lines[5] = format!("{open} END SSH2 ENCRYPTED {KIND} {close}");
        lines.insert(1, "Comment: \"rsa-key\"".to_owned());
        is_gone(&lines.join("\n"), &lines);
    }
}

#[test]
fn words_between_a_head_and_a_tail_are_no_key() {
    for text in [
        format!("wants -----BEGIN {KIND}----- before and -----END {KIND}----- behind its lines"),
        format!(
            "strip(\"-----BEGIN {KIND}-----\").replace(\"-----END {KIND}-----\", getTheBytesOfTheKey2(AndNoMore))"
        ),
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
            body(ALNUM, 64)
        ),
    ] {
        assert_eq!(scan("message", &text).value, text);
    }
}
