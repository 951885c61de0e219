//! Checkpoints (C2SP `tlog-checkpoint`): how large a stream's log was, and its root.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::hash::Hash;
use super::note::malformed;
use crate::error::{Error, Result};

/// The head of a log: three lines, of which each ends with a newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of the key that signs it. It ends with the stream's id.
    pub origin: String,
    /// How many records the log had.
    pub size: u64,
    /// The root of the tree over their lines.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a checkpoint. Lines behind the third are extensions, which are allowed and not read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Format`](crate::ErrorKind::Format) for another text.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why| malformed("a checkpoint", text, why);
        let mut lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
        let mut line = || lines.next().flatten().filter(|line| !line.is_empty());
        let (Some(origin), Some(size), Some(root)) = (line(), line(), line()) else {
            return Err(wrong("it needs three lines: origin, size, root"));
        };
        let number: u64 = size.parse().map_err(|_| wrong("its second line is not a size"))?;
        if number.to_string() != size {
            return Err(wrong("its size is not written as a plain number"));
        }
        let root = BASE64.decode(root).ok().and_then(|root| root.try_into().ok());
        Ok(Self {
            origin: origin.to_owned(),
            size: number,
            root: root.ok_or_else(|| wrong("its third line is not the base64 of 32 bytes"))?,
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, size, root } = self;
        writeln!(f, "{origin}\n{size}\n{}", BASE64.encode(root))
    }
}

impl std::str::FromStr for Checkpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tree::empty_root;

    #[test]
    fn a_checkpoint_comes_back_also_with_extensions_behind_it() {
        let checkpoint = Checkpoint {
            origin: "example.com/log/main-0123456789ab".to_owned(),
            size: 20_852_163,
            root: empty_root(),
        };
        let text = checkpoint.to_string();
        assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint);
        assert_eq!(
            Checkpoint::parse(&format!("{text}extension\n")).unwrap(),
            checkpoint
        );
    }

    #[test]
    fn what_is_not_a_checkpoint_is_refused() {
        let root = BASE64.encode(empty_root());
        for text in [
            String::new(),
            "origin\n".to_owned(),
            format!("origin\n1\n{root}"),
            format!("origin\n01\n{root}\n"),
            format!("origin\n-1\n{root}\n"),
            format!("origin\n+1\n{root}\n"),
            format!("\n1\n{root}\n"),
            "origin\n1\nAAAA\n".to_owned(),
            format!("origin\n18446744073709551616\n{root}\n"),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }
}
