//! Tables of `+---+` and `|`, as olekukonko/tablewriter, jedib0t/go-pretty and their Python ancestors draw them.
//!
//! ```text
//! +-----------------+-------------------+-------+----------+----------------------------+
//! |  PEER ADDRESS   |     PEER TYPE     | STATE |  SINCE   |            INFO            |
//! +-----------------+-------------------+-------+----------+----------------------------+
//! | 192.168.240.111 | node-to-node mesh | start | 19:54:35 | Connect Socket: Connection |
//! |                 |                   |       |          | reset by peer              |
//! +-----------------+-------------------+-------+----------+----------------------------+
//! ```
//!
//! Line ends mean nothing: cells are counted, so a table pasted onto one line reads the same. A row whose first cell is
//! empty continues the one before. Only tables whose header is asked for are read; their borders may be missing.

use std::ops::Range;

use crate::Line;

/// A table with a known header.
#[derive(Debug)]
pub(crate) struct Table {
    /// Which of the headers that were asked for.
    pub(crate) kind: usize,
    /// Bounds in the text, borders included.
    pub(crate) range: Range<usize>,
    /// Its rows, without the header.
    pub(crate) rows: Vec<TableRow>,
    /// Whether the last border is there, and nothing is left out between.
    pub(crate) whole: bool,
}

/// A row; wrapped cells are joined with one blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    /// One a column.
    pub(crate) cells: Vec<String>,
    /// Bounds in the text, from the first `|` to the last.
    pub(crate) range: Range<usize>,
}

/// A piece of the text between table marks.
enum Piece {
    Border(Range<usize>),
    Pipe(usize),
}

/// Reads the tables that have one of these headers; the text between them is passed over.
pub(crate) fn tables(text: &str, headers: &[&[&str]]) -> Vec<Table> {
    let mut found: Vec<Table> = Vec::new();
    let mut at = 0;
    let mut border = None;
    while let Some(piece) = next_piece(text, at) {
        match piece {
            Piece::Border(range) => {
                at = range.end;
                border = Some(range);
            }
            Piece::Pipe(pipe) => {
                let begin = border
                    .take()
                    .filter(|it: &Range<usize>| is_filling(&text[it.end..pipe]))
                    .map_or(pipe, |it| it.start);
                let header = headers.iter().enumerate().find_map(|(kind, names)| {
                    let row = row(text, pipe, names.len())?;
                    row.cells
                        .iter()
                        .zip(names.iter())
                        .all(|(cell, name)| cell.eq_ignore_ascii_case(name))
                        .then_some((kind, row))
                });
                let Some((kind, header)) = header else {
                    at = pipe + 1;
                    continue;
                };
                let table = body(text, kind, begin, header.range.end, headers[kind].len());
                at = table.range.end;
                found.push(table);
            }
        }
    }
    found
}

/// Tells of lines, in order, whether they belong to one of the tables.
pub(crate) fn explained(tables: &[Table]) -> impl FnMut(&Line<'_>) -> bool {
    let mut at = 0;
    move |line| {
        let (start, end) = (line.start as usize, line.start as usize + line.text.len());
        while tables.get(at).is_some_and(|it| it.range.end <= start) {
            at += 1;
        }
        tables.get(at).is_some_and(|it| it.range.start < end)
    }
}

/// Reads rows up to the last border, or up to where the table breaks off.
fn body(text: &str, kind: usize, begin: usize, after_header: usize, columns: usize) -> Table {
    let mut table = Table { kind, range: begin..after_header, rows: Vec::new(), whole: false };
    let mut borders = 0;
    let mut at = after_header;
    while let Some(piece) = next_piece(text, at) {
        match piece {
            Piece::Border(range) if is_filling(&text[at..range.start]) => {
                // the one under the header; without rows the last one follows at once
                borders += 1;
                at = range.end;
                table.range.end = at;
                if borders == 2 || !table.rows.is_empty() {
                    table.whole = true;
                    break;
                }
            }
            Piece::Pipe(pipe) if is_filling(&text[at..pipe]) => {
                let Some(row) = row(text, pipe, columns) else { break };
                at = row.range.end;
                table.range.end = at;
                if row.cells.iter().all(|it| !it.is_empty() && is_filling(it)) {
                    continue; // the `| --- | --- |` of markdown
                }
                match table.rows.last_mut() {
                    Some(last) if row.cells[0].is_empty() => {
                        last.range.end = row.range.end;
                        for (cell, more) in last.cells.iter_mut().zip(&row.cells).filter(|(_, more)| !more.is_empty()) {
                            if !cell.is_empty() {
                                cell.push(' ');
                            }
                            cell.push_str(more);
                        }
                    }
                    _ => table.rows.push(row),
                }
            }
            _ => break,
        }
    }
    table
}

/// A row that begins at a `|`: so many cells, each with a `|` behind it.
fn row(text: &str, pipe: usize, columns: usize) -> Option<TableRow> {
    let bytes = text.as_bytes();
    let mut cells = Vec::with_capacity(columns);
    let mut at = pipe + 1;
    for _ in 0..columns {
        let end = at + memchr::memchr(b'|', &bytes[at..])?;
        let cell = &text[at..end];
        // a row that ends early: `| a |` and the next line
        if cell.len() > MOST_BYTES || (cell.contains('\n') && cell.trim().is_empty()) || cell.contains("+--") {
            return None;
        }
        cells.push(cell.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
        at = end + 1;
    }
    Some(TableRow { cells, range: pipe..at })
}

/// No cell of a real table is longer.
const MOST_BYTES: usize = 4096;

/// The next border or `|`.
fn next_piece(text: &str, from: usize) -> Option<Piece> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += memchr::memchr2(b'+', b'|', bytes.get(at..)?)?;
        if bytes[at] == b'|' {
            return Some(Piece::Pipe(at));
        }
        let length = bytes[at..].iter().take_while(|it| matches!(it, b'+' | b'-')).count();
        if length > 2 && bytes[at + length - 1] == b'+' {
            return Some(Piece::Border(at..at + length));
        }
        at += length;
    }
}

/// Blanks, line ends, quote marks and damaged borders.
fn is_filling(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_whitespace() || matches!(it, b'>' | b'-' | b'+' | b'=' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &[&[&str]] = &[&["A", "B"], &["PEER ADDRESS", "STATE", "INFO"]];

    fn cells(text: &str) -> Vec<(usize, bool, Vec<String>)> {
        let shown = |it: Table| (it.kind, it.whole, it.rows.iter().map(|it| it.cells.join("/")).collect());
        tables(text, HEADERS).into_iter().map(shown).collect()
    }

    const WRAPPED: &str = "x\n+-----+---+-----+\n| PEER ADDRESS | STATE | INFO |\n+-----+---+-----+\n| 10.0.0.1 | start | Connect Socket: |\n|  |  | reset by |\n|  |  | peer |\n| 10.0.0.2 | up |  |\n+-----+---+-----+\ny | z";

    #[test]
    fn wrapped_cells_and_lost_line_ends() {
        let expected =
            vec![(1, true, vec!["10.0.0.1/start/Connect Socket: reset by peer".to_owned(), "10.0.0.2/up/".to_owned()])];
        assert_eq!(cells(WRAPPED), expected);
        assert_eq!(cells(&WRAPPED.split_whitespace().collect::<Vec<_>>().join(" ")), expected);
        assert_eq!(cells(&WRAPPED.replace('\n', "\r\n")), expected);
        assert_eq!(cells(&WRAPPED.replace("\n+", "\n> +").replace("\n|", "\n> |")), expected);
        let rows = &tables(WRAPPED, HEADERS)[0].rows;
        assert!(
            WRAPPED[rows[0].range.clone()].starts_with("| 10.0.0.1")
                && WRAPPED[rows[0].range.clone()].ends_with("peer |")
        );
    }

    #[test]
    fn damaged_tables() {
        assert_eq!(cells("| A | B |\n|---|---|\n| 1 | 2 |\n"), [(0, false, vec!["1/2".to_owned()])]);
        assert_eq!(
            cells("-------- -----+\n| a | b |\n---+---+\n| 1 | |\n| 3 | 4"),
            [(0, false, vec!["1/".to_owned()])]
        );
        assert_eq!(cells("+---+---+\n| A | B |\n+---+---+\n+---+---+\n"), [(0, true, vec![])]);
        assert_eq!(
            cells("+---+---+\n| A | B |\n+---+---+\n| 1 | 2 |\n[...]\n| 8 | 9 |\n+---+---+\n"),
            [(0, false, vec!["1/2".to_owned()])]
        );
        assert_eq!(cells("| A | C |\n|||||+++--+|-"), []);
    }
}
