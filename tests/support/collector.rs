//! A collector of our own that behaves as a test wants: it reads whole requests, and answers, or does not.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use parking_lot::Mutex;
use prost::Message as _;

use crate::otlp::Held;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) records: Vec<Held>,
    /// How many bytes the body had before it was unpacked.
    pub(crate) sent: usize,
}

/// What is done about a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// An answer in full.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, and then the connection is closed.
    Raw(Vec<u8>),
    /// These bytes, and then nothing more, for as long as the collector lives.
    Hold(Vec<u8>),
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), b"because".to_vec())
    }

    pub(crate) fn ok() -> Self {
        Self::Answer(
            200,
            vec![protobuf()],
            ExportLogsServiceResponse::default().encode_to_vec(),
        )
    }

    pub(crate) fn partial(refused: i64) -> Self {
        let answer = ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess {
                rejected_log_records: refused,
                error_message: "some of it".into(),
            }),
        };
        Self::Answer(200, vec![protobuf()], answer.encode_to_vec())
    }
}

pub(crate) fn protobuf() -> (&'static str, String) {
    ("content-type", "application/x-protobuf".into())
}

type Answer = dyn FnMut(&Call) -> (bool, Reply) + Send;

/// Wraps what comes in, for TLS.
pub(crate) type Wrap = dyn Fn(TcpStream) -> io::Result<Box<dyn Both>> + Send + Sync;

pub(crate) trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

struct Shared {
    answer: Mutex<Box<Answer>>,
    calls: Mutex<Vec<Call>>,
    took: Mutex<Vec<Held>>,
    ends: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    wrap: Option<Box<Wrap>>,
    /// Whether requests and records are kept for the test to look at.
    keeps: bool,
}

/// A collector that listens on this machine. It ends when it is dropped.
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<std::thread::JoinHandle<()>>,
}

impl Collector {
    /// `answer` says for each request whether its records were taken, and what is answered.
    pub(crate) fn start(answer: impl FnMut(&Call) -> (bool, Reply) + Send + 'static) -> Self {
        Self::wrapped("127.0.0.1:0".parse().unwrap(), None, answer)
    }

    /// One that takes everything.
    pub(crate) fn good() -> Self {
        Self::start(|_| (true, Reply::ok()))
    }

    pub(crate) fn wrapped(
        at: SocketAddr,
        wrap: Option<Box<Wrap>>,
        answer: impl FnMut(&Call) -> (bool, Reply) + Send + 'static,
    ) -> Self {
        Self::at(at, wrap, true, answer)
    }

    /// One that keeps nothing: what comes is for `answer` to look at, however much it is.
    pub(crate) fn forgetful(
        at: SocketAddr,
        answer: impl FnMut(&Call) -> (bool, Reply) + Send + 'static,
    ) -> Self {
        Self::at(at, None, false, answer)
    }

    fn at(
        at: SocketAddr,
        wrap: Option<Box<Wrap>>,
        keeps: bool,
        answer: impl FnMut(&Call) -> (bool, Reply) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).expect("the address is free");
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Mutex::new(Box::new(answer)),
            calls: Mutex::default(),
            took: Mutex::default(),
            ends: AtomicBool::new(false),
            open: Mutex::default(),
            wrap,
            keeps,
        });
        let theirs = Arc::clone(&shared);
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if theirs.ends.load(Ordering::Acquire) {
                    return;
                }
                theirs.open.lock().extend(stream.try_clone());
                let shared = Arc::clone(&theirs);
                std::thread::spawn(move || {
                    let socket = stream.try_clone();
                    shared.serve(stream);
                    // The copy among those that are open would keep it open.
                    let _ = socket.and_then(|socket| socket.shutdown(Shutdown::Both));
                });
            }
        });
        Self {
            address,
            shared,
            listening: Some(listening),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was taken, in its order.
    pub(crate) fn took(&self) -> Vec<Held> {
        self.shared.took.lock().clone()
    }

    pub(crate) fn forget(&self) {
        self.shared.took.lock().clear();
    }

    /// Every request.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        for stream in self.shared.open.lock().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Has the listening thread look up.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let both: Box<dyn Both> = match &self.wrap {
            None => Box::new(stream),
            Some(wrap) => match wrap(stream) {
                Ok(both) => both,
                Err(_) => return,
            },
        };
        let mut reader = BufReader::new(both);
        while let Ok(Some(call)) = read(&mut reader) {
            if self.keeps {
                self.calls.lock().push(call.clone());
            }
            let (is_taken, reply) = (self.answer.lock())(&call);
            if is_taken && self.keeps {
                self.took.lock().extend(call.records);
            }
            let stream = reader.get_mut();
            let done = match reply {
                Reply::Answer(status, headers, body) => {
                    let mut head = format!("HTTP/1.1 {status} Because\r\ncontent-length: {}\r\n", body.len());
                    for (name, value) in headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    head.push_str("\r\n");
                    stream
                        .write_all(head.as_bytes())
                        .and_then(|()| stream.write_all(&body))
                }
                Reply::Raw(bytes) => {
                    let _ = stream.write_all(&bytes);
                    let _ = stream.flush();
                    return;
                }
                // The connection is closed when the collector ends, and then nothing can be read from it.
                Reply::Hold(bytes) => stream.write_all(&bytes),
            };
            if done.and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }
}

/// The next request; `None` where the connection was closed.
fn read(reader: &mut BufReader<Box<dyn Both>>) -> io::Result<Option<Call>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let len = headers
        .get("content-length")
        .and_then(|len| len.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; len];
    reader.read_exact(&mut body)?;
    if headers
        .get("content-encoding")
        .is_some_and(|encoding| encoding == "gzip")
    {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain)?;
        body = plain;
    }
    let request = ExportLogsServiceRequest::decode(&body[..]).map_err(io::Error::other)?;
    Ok(Some(Call {
        path,
        headers,
        records: held(request),
        sent: len,
    }))
}

/// The records of a request, in their order; the scope of each must be empty.
pub(crate) fn held(request: ExportLogsServiceRequest) -> Vec<Held> {
    let mut found = Vec::new();
    for logs in request.resource_logs {
        let resource = logs.resource.unwrap_or_default().attributes;
        for scope in logs.scope_logs {
            assert_eq!(
                scope.scope.unwrap_or_default(),
                Default::default(),
                "the scope is left empty"
            );
            for record in scope.log_records {
                found.push(Held {
                    resource: resource.clone(),
                    record,
                });
            }
        }
    }
    found
}
