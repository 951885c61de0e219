//! `keygen`, `prove` and `checkpoint`: keys, receipts, and what to keep elsewhere.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use tracing_audit::ErrorKind;
use tracing_audit::format::SigningKey;
use tracing_audit::verify::{Options, Receipt, checkpoints};

use crate::args::Color;
use crate::out::{Failure, Out, code, note};
use crate::sealing::{Checkpoint, Keygen, Prove};

/// Makes a key: the secret into a file, the public half to standard output.
pub(crate) fn keygen(args: &Keygen) -> Result<u8, Failure> {
    let key = SigningKey::generate(&args.name).map_err(|error| Failure::Usage(error.to_string()))?;
    let Some(text) = key.to_text() else {
        return Err(Failure::Usage("this key cannot be written".to_owned()));
    };
    create(&args.out, format!("{}\n", *text).as_bytes(), true)?;
    let mut out = Out::new(Color::Never);
    out.line(&key.verifier().to_string())?;
    out.flush()?;
    note(&format!(
        "the secret key is in `{}`; keep the line above elsewhere, where nobody who can write to the trail can: it is what \
         `verify --key` needs",
        args.out.display()
    ));
    Ok(code::OK)
}

/// Makes the receipt of a record.
pub(crate) fn prove(args: &Prove) -> Result<u8, Failure> {
    let receipt = match Receipt::of(&args.dir, &args.id, &Options::new()) {
        Ok(receipt) => receipt.to_json(),
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            note(&crate::words::harmless(&format!("tracing-audit: {error}")));
            return Ok(code::CORRUPT);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(path) = &args.out {
        create(path, receipt.as_bytes(), false)?;
        return Ok(code::OK);
    }
    let mut out = Out::new(Color::Never);
    out.bytes(receipt.trim_end().as_bytes())?;
    out.flush()?;
    Ok(code::OK)
}

/// Prints the newest checkpoint of every stream, as an anchor is kept.
pub(crate) fn checkpoint(args: &Checkpoint) -> Result<u8, Failure> {
    let found = checkpoints(&args.dir)?;
    if found.is_empty() {
        let why = format!(
            "`{}` has no checkpoint yet; one is made within a second of the first record",
            args.dir.display()
        );
        return Err(Failure::NoTrail(why));
    }
    let mut out = Out::new(Color::Never);
    for (at, text) in found.iter().enumerate() {
        if at > 0 {
            out.line("")?;
        }
        out.line(text.trim_end_matches('\n'))?;
    }
    out.flush()?;
    Ok(code::OK)
}

/// Writes a file that must not be there yet; a secret one is for its owner only.
fn create(path: &Path, bytes: &[u8], is_secret: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| {
        Failure::Input(format!(
            "could not write `{}`: {error}; nothing that is there is overwritten",
            path.display()
        ))
    })
}
