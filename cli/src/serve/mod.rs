//! The page: what `serve` shows of a trail. It reads, and does nothing else.
//!
//! | file | what is in it |
//! |---|---|
//! | `server.rs`, `guard.rs` | connections and their limits; who gets an answer |
//! | `asked.rs` | the state that an address holds |
//! | `budget.rs` | reading that ends, whatever the size of the trail |
//! | `layout.rs`, `rows.rs` | the frame of every page; a record as a row |
//! | `records.rs`, `histogram.rs`, `record.rs`, `proof.rs` | the list, its histogram, one record, what is proven of it |
//! | `overview.rs`, `checks.rs` | the numbers; verification and completeness |
//! | `live.rs`, `places.rs`, `export.rs`, `body.rs` | records as they come, how far a reader of them is, records to take away |
//! | `health.rs`, `heads.rs` | for other programs; the small files beside the segments |
//! | `views.rs` | who looked at what, as records of another stream |

mod args;
mod asked;
mod body;
mod budget;
mod checks;
mod export;
mod guard;
mod health;
mod histogram;
mod layout;
mod live;
mod overview;
mod places;
mod proof;
mod record;
mod records;
mod rows;
mod server;
mod views;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing_audit::catalog::Sentences;
use tracing_audit::format::VerifierKey;
use tracing_audit::store::{DirStore, Store};

pub(crate) use self::args::Serve;
use self::checks::Checks;
use self::guard::{Guard, Token};
use self::histogram::Counts;
use self::views::Views;
use crate::out::{Failure, Out, note};

/// How long a request waits for its turn to read.
const TURN: Duration = Duration::from_secs(10);

/// How many exports, and how many live views, there are at a time.
const EXPORTS: usize = 4;
const LIVE: usize = 32;

/// What all requests share.
struct App {
    dir: PathBuf,
    keys: Vec<VerifierKey>,
    sentences: Sentences,
    /// How many requests read at a time: the trail belongs to the application first.
    readers: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    live: Arc<Semaphore>,
    checks: Checks,
    counts: Counts,
    views: Option<Views>,
}

impl App {
    /// The trail as it is now. A list of segments is only as new as the store.
    fn store(&self) -> Result<Box<dyn Store>, Failure> {
        Ok(Box::new(DirStore::open(&self.dir)?))
    }

    /// Runs what reads files on a thread that may block, when it is this request's turn.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = Arc::clone(&self.readers).acquire_owned();
        let Ok(Ok(turn)) = tokio::time::timeout(TURN, turn).await else {
            return Err(Failure::Input(
                "too many requests are being answered; try again".to_owned(),
            ));
        };
        let app = Arc::clone(self);
        let work = move || {
            let done = work(&app);
            drop(turn);
            done
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| {
            Err(Failure::Input(
                "the request failed; the command's standard error says why".to_owned(),
            ))
        })
    }
}

/// Serves until it is interrupted.
pub(crate) fn run(args: &Serve, keys: Vec<VerifierKey>) -> Result<(), Failure> {
    if !args.listen.ip().is_loopback() && !args.allow_remote {
        return Err(Failure::Usage(format!(
            "other machines can connect to {}; say --allow-remote if that is meant",
            args.listen
        )));
    }
    let token = match &args.token_file {
        Some(path) => Token::from_file(path)?,
        None => Token::random()?,
    };
    let dir = std::fs::canonicalize(&args.dir)
        .map_err(|error| Failure::NoTrail(format!("cannot open `{}`: {error}", args.dir.display())))?;
    DirStore::open(&dir)?;
    let views = args
        .audit_views
        .as_deref()
        .map(|home| Views::open(home, &dir))
        .transpose()?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let app = Arc::new(App {
        dir,
        keys,
        sentences: Sentences::builtin(),
        readers: Arc::new(Semaphore::new((threads / 2).clamp(1, 8))),
        exports: Arc::new(Semaphore::new(EXPORTS)),
        live: Arc::new(Semaphore::new(LIVE)),
        checks: Checks::default(),
        counts: Counts::default(),
        views,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Input(format!("cannot start the server: {error}")))?;
    let served = runtime.block_on(listen(args, Arc::clone(&app), token));
    // What still reads is not waited for: it changes nothing.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(views) = &app.views {
        views.end()?;
    }
    served
}

async fn listen(args: &Serve, app: Arc<App>, token: Token) -> Result<(), Failure> {
    let taken = |error| {
        Failure::Input(format!(
            "cannot listen at {}: {error}; name another port, or port 0",
            args.listen
        ))
    };
    let listener = TcpListener::bind(args.listen).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    tell(args, address, &token)?;
    let routes = server::guarded(routes(app), Guard::new(token, address, &args.host));
    let served = server::serve(listener, routes).await;
    served.map_err(|error| Failure::Input(format!("the server ended: {error}")))
}

/// The address on standard output, alone in its line; the rest beside it.
fn tell(args: &Serve, address: SocketAddr, token: &Token) -> Result<(), Failure> {
    let mut out = Out::new(crate::args::Color::Never);
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new([127, 0, 0, 1].into(), address.port())
    } else {
        address
    };
    let host = args.host.first().cloned().unwrap_or_else(|| shown.to_string());
    out.line(&format!("http://{host}/?token={}", token.text()))?;
    out.flush()?;
    if !address.ip().is_loopback() {
        note(
            "other machines can connect, and nothing is encrypted: whoever listens on the way reads the token and the trail",
        );
    }
    note("whoever has this address can read the trail; Ctrl-C ends it");
    Ok(())
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(records::page))
        .route("/record", get(record::page))
        .route("/line", get(record::line))
        .route("/overview", get(overview::page))
        .route("/live", get(live::page))
        .route("/events", get(live::events))
        .route("/export", get(export::download))
        .route("/help", get(layout::help_page))
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::healthz))
        .route(
            "/page.css",
            get(|| asset("text/css; charset=utf-8", include_str!("assets/page.css"))),
        )
        .route(
            "/page.js",
            get(|| asset("text/javascript; charset=utf-8", include_str!("assets/page.js"))),
        )
        .route(
            "/icon.svg",
            get(|| asset("image/svg+xml", include_str!("assets/icon.svg"))),
        )
        .fallback(nowhere)
        .with_state(app)
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

async fn nowhere() -> Response {
    layout::wrong(StatusCode::NOT_FOUND, "There is no such page here.")
}
