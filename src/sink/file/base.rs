//! What stays of the tree where segments are removed: the right edge that it had at their end, in one small file that is on
//! disk before they go. Tiles are not synced, so without it a power failure could take the hashes of removed lines for good.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::fs::{self, Access, Fs};
use super::recover::{self, Forwards};
use super::reseal::tile;
use super::roll::look;
use crate::error::{Error, Result};
use crate::format::{Lines, Piece, SegmentName, Tree, leaf_hash, tile_hashes};

/// `{"edge":["<base64 of the hashes of level 0>",…],"size":<records>}`.
const PRUNED: &str = "pruned";

/// 255 hashes for each of eight levels, in base64.
const MAX_PRUNED: u64 = 128 * 1024;

/// Keeps the edge of the tree of the first `size` records: those before the segment at `path`, which begins with `first`,
/// and those in it. Made from the lines, because tiles may be what a power failure left of them.
pub(super) fn keep(
    fs: &dyn Fs,
    home: &Path,
    access: Access,
    (segment, size): (SegmentName, u64),
) -> Result<()> {
    let kept = read(fs, home)?;
    if kept.as_ref().is_some_and(|base| base.size() >= size) {
        return Ok(());
    }
    let first = segment.first_seq;
    let mut tree = match kept.filter(|base| base.size() == first) {
        Some(base) => base,
        None => Tree::resume(first, |level, index, width| tile(fs, home, level, index, width))?,
    };
    let path = home.join(segment.to_string());
    let file = fs.open_read(&path).map_err(|error| look(&path, error))?;
    let mut lines = Lines::new(Forwards { file: &*file, at: 0 });
    while let Some(piece) = lines.next_piece().map_err(|error| look(&path, error))? {
        if let Piece::Line { bytes, .. } = piece
            && tree.size() < size
            && recover::number(bytes) == Some(tree.size())
        {
            tree.push(leaf_hash(bytes), |_| {});
        }
    }
    if tree.size() < size {
        return Err(Error::corrupt(format!(
            "record {} is not in it, and would be covered by no proof any more; see `tracing-audit verify`",
            tree.size()
        )));
    }
    let edge: Vec<String> = tree
        .edge()
        .iter()
        .map(|hashes| format!("\"{}\"", BASE64.encode(hashes.as_flattened())))
        .collect();
    let text = format!("{{\"edge\":[{}],\"size\":{size}}}\n", edge.join(","));
    let path = home.join(PRUNED);
    fs::replace(fs, &path, text.as_bytes(), access)
        .and_then(|()| fs.sync_dir(home))
        .map_err(|error| Error::io("could not write what is kept of the tree to", &path, error))
}

/// The tree as it was when segments were removed last; `None` where none was, or where the file is not what it should be.
pub(super) fn read(fs: &dyn Fs, home: &Path) -> Result<Option<Tree>> {
    let path = home.join(PRUNED);
    let bytes = match fs.read(&path, MAX_PRUNED) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(look(&path, error)),
    };
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Tree> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let size = value.get("size")?.as_u64()?;
    let edge = value.get("edge")?.as_array()?;
    let level = |level: u8| {
        let text = edge.get(usize::from(level))?.as_str()?;
        tile_hashes(&BASE64.decode(text).ok()?)
    };
    let none = || Error::corrupt("the edge of the tree is not whole");
    Tree::resume(size, |at, _, _| level(at).ok_or_else(none)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::memfs::MemFs;
    use super::*;

    #[test]
    fn a_line_with_bytes_that_the_power_took_is_not_what_is_kept_of_its_number() {
        let fs = MemFs::default();
        let home = Path::new("/audit/main");
        let access = Access {
            mode: 0o600,
            group: None,
        };
        let segment = SegmentName::parse(&format!("audit-2026-11-21-{:020}.jsonl", 0)).unwrap();
        let good = ["{\"event\":\"a\",\"seq\":0}", "{\"event\":\"b\",\"seq\":1}"];
        let torn = ["{\"event\":\"\0\0\",\"seq\":0}", "nt\":\"x\",\"seq\":0}"];
        let text = [torn[0], torn[1], good[0], good[1], ""].join("\n");
        fs.put(&home.join(segment.to_string()), text.as_bytes());
        keep(&fs, home, access, (segment, 2)).unwrap();
        let mut tree = Tree::new();
        good.iter()
            .for_each(|line| tree.push(leaf_hash(line.as_bytes()), |_| {}));
        assert_eq!(read(&fs, home).unwrap().unwrap().root(), tree.root());
    }
}
