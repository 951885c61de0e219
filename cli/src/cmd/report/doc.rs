//! A document of headings, sentences and tables, as Markdown, as a page, or as data.

use serde_json::{Value, json};

use crate::words::harmless;

/// A part of a document.
#[derive(Debug)]
pub(super) enum Block {
    Heading(&'static str),
    Text(String),
    List(Vec<String>),
    /// Rows under a head; `#` before a name says that the column holds numbers.
    Table(Vec<&'static str>, Vec<Vec<String>>),
}

/// A document. Its texts may say anything: each form makes them harmless in its own way.
#[derive(Debug)]
pub(super) struct Doc {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

impl Doc {
    pub(super) fn new(title: String) -> Self {
        Self {
            title,
            blocks: Vec::new(),
        }
    }

    pub(super) fn heading(&mut self, heading: &'static str) {
        self.blocks.push(Block::Heading(heading));
    }

    pub(super) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub(super) fn list(&mut self, rows: Vec<String>) {
        if !rows.is_empty() {
            self.blocks.push(Block::List(rows));
        }
    }

    /// A table, or a sentence where there is no row.
    pub(super) fn table(&mut self, head: &[&'static str], rows: Vec<Vec<String>>, none: &str) {
        if rows.is_empty() {
            self.text(none);
        } else {
            self.blocks.push(Block::Table(head.to_vec(), rows));
        }
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", marked(&self.title));
        for block in &self.blocks {
            text.push('\n');
            match block {
                Block::Heading(heading) => text.push_str(&format!("## {heading}\n")),
                Block::Text(sentence) => text.push_str(&format!("{}\n", marked(sentence))),
                Block::List(rows) => {
                    for row in rows {
                        text.push_str(&format!("- {}\n", marked(row)));
                    }
                }
                Block::Table(head, rows) => {
                    let names = head.iter().map(|name| name.trim_start_matches('#'));
                    text.push_str(&format!("| {} |\n", names.collect::<Vec<_>>().join(" | ")));
                    let lines = head
                        .iter()
                        .map(|name| if name.starts_with('#') { "--:" } else { "---" });
                    text.push_str(&format!("| {} |\n", lines.collect::<Vec<_>>().join(" | ")));
                    for row in rows {
                        let cells: Vec<String> = row.iter().map(|cell| marked(cell)).collect();
                        text.push_str(&format!("| {} |\n", cells.join(" | ")));
                    }
                }
            }
        }
        text
    }

    pub(super) fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        );
        for block in &self.blocks {
            match block {
                Block::Heading(heading) => text.push_str(&format!("<h2>{}</h2>\n", escaped(heading))),
                Block::Text(sentence) => text.push_str(&format!("<p>{}</p>\n", escaped(sentence))),
                Block::List(rows) => {
                    let rows: String = rows
                        .iter()
                        .map(|row| format!("<li>{}</li>\n", escaped(row)))
                        .collect();
                    text.push_str(&format!("<ul>\n{rows}</ul>\n"));
                }
                Block::Table(head, rows) => text.push_str(&table(head, rows)),
            }
        }
        text.push_str("</main>\n</body>\n</html>\n");
        text
    }

    /// The same, section by section: each has its sentences, its lists and its tables.
    pub(super) fn json(&self) -> Value {
        let mut sections: Vec<Value> = Vec::new();
        let (mut heading, mut said, mut tables) = ("", Vec::new(), Vec::new());
        let mut end = |heading: &str, said: &mut Vec<Value>, tables: &mut Vec<Value>| {
            let said = std::mem::take(said);
            if heading.is_empty() {
                return;
            }
            sections.push(json!({"heading": heading, "said": said, "tables": std::mem::take(tables)}));
        };
        for block in &self.blocks {
            match block {
                Block::Heading(next) => {
                    end(heading, &mut said, &mut tables);
                    heading = next;
                }
                Block::Text(sentence) => said.push(json!(sentence)),
                Block::List(rows) => said.extend(rows.iter().map(|row| json!(row))),
                Block::Table(head, rows) => {
                    let rows: Vec<Value> = rows.iter().map(|row| cells(head, row)).collect();
                    let head: Vec<&str> = head.iter().map(|name| name.trim_start_matches('#')).collect();
                    tables.push(json!({"columns": head, "rows": rows}));
                }
            }
        }
        end(heading, &mut said, &mut tables);
        json!({"title": self.title, "sections": sections})
    }
}

/// A row as data: numbers are numbers again.
fn cells(head: &[&'static str], row: &[String]) -> Value {
    let cells = row.iter().zip(head).map(|(cell, name)| {
        let number = name
            .starts_with('#')
            .then(|| cell.replace(',', "").parse::<u64>().ok());
        number.flatten().map_or_else(|| json!(cell), Value::from)
    });
    cells.collect()
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;margin:0}\
main{max-width:60rem;margin:0 auto;padding:2rem 1rem}\
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}\
th,td{border-bottom:1px solid;border-color:color-mix(in srgb,currentColor 25%,transparent);padding:.25rem .75rem;text-align:left;\
vertical-align:top}\
.n{text-align:right;font-variant-numeric:tabular-nums}\
@media print{main{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}}";

fn table(head: &[&'static str], rows: &[Vec<String>]) -> String {
    let class = |index: usize| match head.get(index) {
        Some(name) if name.starts_with('#') => " class=\"n\"",
        _ => "",
    };
    let names: String = head
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let name = escaped(name.trim_start_matches('#'));
            format!("<th scope=\"col\"{}>{name}</th>", class(at))
        })
        .collect();
    let row = |row: &Vec<String>| {
        let cells = row.iter().enumerate();
        let cells: String = cells
            .map(|(at, cell)| format!("<td{}>{}</td>", class(at), escaped(cell)))
            .collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<table>\n<thead><tr>{names}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n")
}

/// Text that no page takes for markup.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in harmless(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Text that Markdown shows as it is: neither markup nor a link nor a picture.
fn marked(text: &str) -> String {
    let mut safe = String::new();
    for c in harmless(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            // At the begin of a line these make headings, lists and rules.
            '#' | '+' | '-' | '=' if safe.is_empty() => {
                safe.push('\\');
                safe.push(c);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // What looks like an address becomes a link in some readers, whatever its case.
            ':' if ["http", "https", "ftp"]
                .iter()
                .any(|scheme| ends_with(&safe, scheme)) =>
            {
                safe.push_str("&#58;");
            }
            '.' if ends_with(&safe, "www") => safe.push_str("&#46;"),
            '@' => safe.push_str("&#64;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Whether the text ends with this word, in capitals or not.
fn ends_with(text: &str, word: &str) -> bool {
    let end = text.len().checked_sub(word.len());
    end.and_then(|at| text.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_becomes_a_link_in_any_case_and_by_any_scheme() {
        for address in [
            "http://e.x",
            "HTTPS://e.x",
            "Http://e.x",
            "ftp://e.x",
            "www.e.x",
            "WWW.e.x",
            "ana@e.x",
        ] {
            let shown = marked(&format!("ü {address}"));
            for link in ["://", "www.", "WWW.", "@"] {
                assert!(!shown.contains(link), "{shown}");
            }
        }
        assert_eq!(marked("12.3% of w.w: https"), "12.3% of w.w: https");
    }

    fn hostile() -> Doc {
        let mut doc = Doc::new("<script>alert(1)</script>".to_owned());
        doc.heading("Actors");
        doc.text("![x](https://evil.example/x.png) `code` | \u{1b}[31mred \u{202e}back");
        let row = vec!["<img src=x onerror=alert(1)>|".to_owned(), "1".to_owned()];
        doc.table(&["actor", "#records"], vec![row], "none");
        doc
    }

    #[test]
    fn no_form_takes_a_value_for_markup() {
        let page = hostile().html();
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
        let markdown = hostile().markdown();
        assert!(
            !markdown.contains("<script>") && !markdown.contains("<img"),
            "{markdown}"
        );
        assert!(
            markdown.contains("!\\[x\\](https&#58;//"),
            "neither picture nor link: {markdown}"
        );
        assert!(
            markdown.contains("alert(1)&gt;\\| | 1 |"),
            "a value ends no cell: {markdown}"
        );
        for text in [page, markdown] {
            assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        }
    }

    #[test]
    fn data_has_every_section_with_what_it_says() {
        let data = hostile().json();
        assert_eq!(data["sections"][0]["heading"], "Actors");
        assert_eq!(data["sections"][0]["tables"][0]["columns"][1], "records");
        assert_eq!(data["sections"][0]["tables"][0]["rows"][0][1], 1);
    }
}
