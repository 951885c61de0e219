//! The arguments of `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;

const ABOUT: &str = "\
The address is printed with a token in it: whoever has both can read the trail, nobody
else gets anything. It ends with Ctrl-C. Nothing is written to the trail, no lock is
taken, and no other host is asked for anything.

Other programs send the token as `Authorization: Bearer TOKEN`:
  /metrics   OpenMetrics: how far the streams, their seal and their followers are
  /healthz   whether the trail can be read

Examples:
  tracing-audit serve ./audit
  tracing-audit serve ./audit --audit-views ./views
  tracing-audit serve ./audit --listen 10.0.0.7:7878 --allow-remote --host audit.example.com

Exit codes: 0 done, 3 no trail there, or the address is taken, 4 wrong usage.";

/// `serve`.
#[derive(Debug, ClapArgs)]
#[command(after_help = ABOUT)]
pub(crate) struct Serve {
    /// A trail: the directory of its streams, or one stream's directory
    pub(crate) dir: PathBuf,
    /// Where to listen; port 0 takes one that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7878")]
    pub(crate) listen: SocketAddr,
    /// Listen where other machines can connect. There is no encryption: put a proxy with TLS in front
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// A name under which the page is asked for, beside the address itself: the proxy's. Say it again for more
    #[arg(long, value_name = "NAME[:PORT]")]
    pub(crate) host: Vec<String>,
    /// Take the token from this file instead of making one: at least 32 letters, digits, `-` or `_`
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Write who looked at what into the stream `views` of this directory; what cannot be written is not shown
    #[arg(long, value_name = "DIR")]
    pub(crate) audit_views: Option<PathBuf>,
    /// A key that you trust, kept elsewhere: its text, or a file that holds it. Say it again for more
    #[arg(long, value_name = "VKEY|FILE")]
    pub(crate) key: Vec<String>,
}
