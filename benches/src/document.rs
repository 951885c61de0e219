//! The document is made of sections, each under a first-level heading: a run replaces those that it measured and leaves
//! the others as they stand.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

/// Puts `section`, which begins with its heading, in the place of the section with the same heading, or at the end.
///
/// # Errors
/// When the document cannot be read or written.
pub fn write(doc: &Path, section: &str) -> Result<()> {
    let old = match fs::read_to_string(doc) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("cannot read {}", doc.display()))?,
    };
    if let Some(parent) = doc.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(doc, replaced(&old, section)).with_context(|| format!("cannot write {}", doc.display()))?;
    let heading = section.lines().next().unwrap_or_default();
    println!("wrote the section `{heading}` of {}", doc.display());
    Ok(())
}

fn replaced(old: &str, section: &str) -> String {
    let heading = section.lines().next();
    let mut sections = split(old);
    match sections.iter_mut().find(|old| old.lines().next() == heading) {
        Some(old) => *old = section,
        None => sections.push(section),
    }
    let mut text = String::new();
    for section in sections {
        text.push_str(section.trim_end());
        text.push_str("\n\n");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The text in pieces that begin with a first-level heading.
fn split(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = text.match_indices("\n# ").map(|(at, _)| at + 1).collect();
    if !text.trim().is_empty() {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let pieces = starts.iter().zip(ends);
    pieces.filter_map(|(start, end)| text.get(*start..end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_others_are_left_as_they_stand() {
        let one = "# One\n\nx\n\n## Part\n\ny\n";
        let both = replaced(one, "# Two\n\nz\n");
        assert_eq!(both, "# One\n\nx\n\n## Part\n\ny\n\n# Two\n\nz\n");
        assert_eq!(replaced(&both, "# One\n\nnew\n"), "# One\n\nnew\n\n# Two\n\nz\n");
        assert_eq!(
            replaced(&both, "# Two\n\nnew\n\n"),
            "# One\n\nx\n\n## Part\n\ny\n\n# Two\n\nnew\n"
        );
        assert_eq!(replaced("", one), one);
    }
}
