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

#[audited]
fn early(skip: bool) -> Pin<Box<dyn Future<Output = u8>>> {
    let other = || return 7;
    if skip {
        return Box::pin(ready(other()));
    }
    Box::pin(async move {
        if skip {
            return 8;
        }
        9
    })
}

fn main() {}
