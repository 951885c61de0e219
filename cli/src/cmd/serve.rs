//! `serve`: the page over a trail, until it is interrupted.

use crate::out::{Failure, code};
use crate::serve::{self, Serve};

pub(crate) fn run(args: &Serve) -> Result<u8, Failure> {
    // What is a directory may become a trail while it is looked at.
    if !args.dir.is_dir() {
        let why = format!(
            "`{}` is not a directory; name the one that the application writes its trail to",
            args.dir.display()
        );
        return Err(Failure::NoTrail(why));
    }
    let keys = args.key.iter().map(|text| super::verify::key(text));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    serve::run(args, keys)?;
    Ok(code::OK)
}
