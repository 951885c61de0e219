//! Documents that are generated from the code's own tables.

/// Fails where the document at `path` differs from what the tables say; writes it where `UPDATE_DOCS` is set.
pub(crate) fn assert_current(path: &str, generated: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, generated).expect("the document can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == generated,
        "{path} is not what the tables say; run `UPDATE_DOCS=1 cargo test` and look at the difference"
    );
}
