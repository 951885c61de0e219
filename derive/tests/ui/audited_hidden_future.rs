//! The end of a future that is made elsewhere cannot be seen.

use std::future::Future;
use std::pin::Pin;

use tracing_audit::audited;

async fn work() -> Result<(), String> {
    Ok(())
}

#[audited]
fn unseen() -> impl Future<Output = Result<(), String>> {
    work()
}

#[audited]
fn boxed() -> Pin<Box<dyn Future<Output = Result<(), String>>>> {
    Box::pin(work())
}

fn main() {}
