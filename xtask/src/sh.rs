//! Running other programs: echoed, bounded, and without standard input.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What a lane or a step came to; the text says what went wrong.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Cargo, as it called us, at the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(root())
        .env("CARGO_TERM_COLOR", "never");
    command
}

/// Runs a program to its end with its output shown.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = shown(command);
    println!("$ {line}");
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` cannot be started: {error}")),
    }
}

/// The output of a program that must succeed; nothing is shown.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let line = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{line}` cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or_default();
        return Err(format!("`{line}` ended with {}: {last}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with its output shown and also returned, so that its closing lines can be read.
pub(crate) fn tee(command: &mut Command) -> Outcome<(ExitStatus, String)> {
    let line = shown(command);
    println!("$ {line}");
    let mut child = start(command)?;
    let said = Mutex::new(String::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|threads| {
        threads.spawn(|| copy(out, std::io::stdout(), &said));
        threads.spawn(|| copy(err, std::io::stderr(), &said));
    });
    let status = child
        .wait()
        .map_err(|error| format!("`{line}` cannot be waited for: {error}"))?;
    Ok((status, said.into_inner().unwrap_or_default()))
}

/// What a program writes to its standard output, for us to read; what it says to people is shown.
pub(crate) fn stdout(command: &mut Command) -> Outcome<String> {
    let line = shown(command);
    println!("$ {line}");
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{line}` cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` ended with {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program for at most `limit`; its output is returned and not shown. `None` means that it was killed.
pub(crate) fn bounded(command: &mut Command, limit: Duration) -> Outcome<(Option<ExitStatus>, String)> {
    supervised(command, limit, std::io::sink, std::io::sink, |_| {})
}

/// The same with its output shown, and a word every minute that it is still at work.
pub(crate) fn watched(command: &mut Command, limit: Duration) -> Outcome<(Option<ExitStatus>, String)> {
    let mut told = 0;
    supervised(command, limit, std::io::stdout, std::io::stderr, |elapsed| {
        let minutes = elapsed.as_secs() / 60;
        if minutes > told {
            told = minutes;
            println!("   … {minutes} min");
        }
    })
}

fn supervised<O: Write + Send, E: Write + Send>(
    command: &mut Command,
    limit: Duration,
    to_out: fn() -> O,
    to_err: fn() -> E,
    beat: impl FnMut(Duration),
) -> Outcome<(Option<ExitStatus>, String)> {
    let mut child = start(command)?;
    let said = Mutex::new(String::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let status = std::thread::scope(|threads| {
        threads.spawn(|| copy(out, to_out(), &said));
        threads.spawn(|| copy(err, to_err(), &said));
        end(&mut child, limit, beat)
    })?;
    Ok((status, said.into_inner().unwrap_or_default()))
}

fn start(command: &mut Command) -> Outcome<Child> {
    let line = shown(command);
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| format!("`{line}` cannot be started: {error}"))
}

fn end(child: &mut Child, limit: Duration, mut beat: impl FnMut(Duration)) -> Outcome<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        beat(begun.elapsed());
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit {
            child.kill().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Passes each line on and keeps a copy. Bytes that are no text are replaced.
fn copy(from: Option<impl Read>, mut to: impl Write, said: &Mutex<String>) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(length) if length > 0) {
        // Whoever reads us may have gone; the program must still run to its end.
        let _gone = to.write_all(&line);
        if let Ok(mut said) = said.lock() {
            said.push_str(&String::from_utf8_lossy(&line));
        }
        line.clear();
    }
}

/// The command as a person would type it, without the environment.
fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
