//! A server as a process, and an HTTP client that says exactly what it is told.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::trails::binary;

/// Long enough for a loaded machine; no test waits for it unless it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running `serve`. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

impl Server {
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        Self::telling(dir, args, Stdio::null())
    }

    /// A server whose standard error goes somewhere.
    pub(crate) fn telling(dir: &Path, args: &[&str], stderr: Stdio) -> Self {
        let mut child = binary()
            .arg("serve")
            .arg(dir)
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("its address");
        let (address, token) = line
            .trim()
            .split_once("/?token=")
            .expect("an address with a token");
        let address = address.strip_prefix("http://").expect("an address");
        Self {
            child,
            address: address.parse().expect("an address"),
            token: token.to_owned(),
        }
    }

    /// The most memory that it has had at once, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        peak.expect("its peak").parse().expect("a number")
    }

    /// Gets a page as a program with the token.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let bearer = format!("Authorization: Bearer {}", self.token);
        self.ask("GET", path, &[&format!("Host: {}", self.address), &bearer])
    }

    /// Sends these lines, and reads until the server ends the connection.
    pub(crate) fn ask(&self, method: &str, path: &str, lines: &[&str]) -> Answer {
        let mut stream = self.open(method, path, lines);
        let mut whole = Vec::new();
        stream.read_to_end(&mut whole).expect("an answer");
        let end = whole
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8(whole[..end].to_vec()).expect("text");
        let body = whole[end + 4..].to_vec();
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .expect("a status"),
            body: if is_chunked { joined(&body) } else { body },
            head,
        }
    }

    /// Sends these lines, and leaves the answer to the caller.
    pub(crate) fn open(&self, method: &str, path: &str, lines: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(DEADLINE)).expect("set");
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        stream
    }

    /// Tells it to end as a service manager does, and waits for its status.
    #[cfg(unix)]
    pub(crate) fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let told = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("runs").success());
        self.child.wait().expect("ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of a chunked body; one that does not end as it should has no last chunk.
fn joined(body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut rest = body;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).expect("a size");
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    panic!("the body was broken off behind {} bytes", whole.len());
}

/// How many records a page lists.
pub(crate) fn rows(page: &str) -> usize {
    page.matches("data-open=\"").count()
}

/// The addresses of links with this text before their end.
pub(crate) fn hrefs<'a>(page: &'a str, marked: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest: &'a str| {
        let (href, rest) = rest.split_once('"')?;
        let (link, _) = rest.split_once("</a>")?;
        link.contains(marked).then(|| href.replace("&amp;", "&"))
    });
    links.collect()
}
