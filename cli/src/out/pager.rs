//! The pager before a terminal, as `git` and `man` have one.

use std::io::Write;
use std::process::{Child, Command, Stdio};

/// A running pager.
#[derive(Debug)]
pub(super) struct Pager {
    child: Child,
}

impl Pager {
    /// Starts what `TRACING_AUDIT_PAGER` or `PAGER` names, else `less`; `None` where there is none or it cannot be started.
    pub(super) fn start() -> Option<(Self, Box<dyn Write>)> {
        let named = ["TRACING_AUDIT_PAGER", "PAGER"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        let words = command(named.as_deref())?;
        let (program, args) = words.split_first()?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped());
        // It ends where everything fits the screen, shows colours, and leaves what it showed; a user's own choice stands.
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        let mut child = command.spawn().ok()?;
        let input = child.stdin.take()?;
        Some((Self { child }, Box::new(input)))
    }

    /// Waits until its reader has seen enough. Its input must have been closed.
    pub(super) fn wait(mut self) {
        let _ = self.child.wait();
    }
}

/// The words of a pager's command; `None` where it says that none is wanted. No shell reads it.
fn command(named: Option<&str>) -> Option<Vec<String>> {
    let words: Vec<String> = named
        .unwrap_or("less")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    (!words.is_empty() && words != ["cat"]).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_pager_is_its_words_and_cat_or_nothing_is_none() {
        assert_eq!(command(None).unwrap_or_default(), ["less"]);
        assert_eq!(
            command(Some("less -S  -R")).unwrap_or_default(),
            ["less", "-S", "-R"]
        );
        assert_eq!(command(Some("cat")), None);
        assert_eq!(command(Some("")), None);
    }
}
