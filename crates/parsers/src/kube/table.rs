//! Tables of kubectl: cells stand under their headers, the last one is free text.
//!
//! ```text
//! LAST SEEN   TYPE      REASON      OBJECT      MESSAGE
//! 4m27s       Warning   Unhealthy   pod/web-0   Liveness probe failed:
//! ```

/// The columns of a table by the places of their headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    names: Vec<String>,
    starts: Vec<usize>,
}

impl Columns {
    /// From a header line; names are separated by two blanks or a tab and may hold one.
    pub(crate) fn of(header: &str) -> Columns {
        let (mut names, mut starts) = (Vec::new(), Vec::new());
        for (start, cell) in wide_cells(header) {
            names.push(cell.to_ascii_uppercase());
            starts.push(header[..start].chars().count());
        }
        Columns { names, starts }
    }

    /// Whether there is a column of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }

    /// The cells of a row, where they stand under their headers or are as many as these.
    pub(crate) fn row<'c, 'l>(&'c self, line: &'l str) -> Option<Row<'c, 'l>> {
        let cells = self.aligned(line).or_else(|| self.counted(line))?;
        Some(Row { columns: self, cells })
    }

    fn aligned<'l>(&self, line: &'l str) -> Option<Vec<&'l str>> {
        let mut offsets = Vec::with_capacity(self.starts.len());
        let mut chars = line.char_indices().map(|(at, _)| at);
        let mut passed = 0;
        for start in &self.starts {
            let offset = chars.by_ref().nth(start - passed);
            passed = start + 1;
            offsets.push(offset.unwrap_or(line.len()));
        }
        let mut cells = Vec::with_capacity(offsets.len());
        for (at, offset) in offsets.iter().enumerate() {
            // a word across a boundary: this line does not follow the header
            if at > 0 && *offset < line.len() && !line[..*offset].ends_with([' ', '\t']) {
                return None;
            }
            let end = offsets.get(at + 1).copied().unwrap_or(line.len());
            cells.push(line[*offset..end].trim());
        }
        (cells.first().is_some_and(|it| !it.is_empty())).then_some(cells)
    }

    fn counted<'l>(&self, line: &'l str) -> Option<Vec<&'l str>> {
        let cells: Vec<&str> = wide_cells(line).map(|(_, it)| it).collect();
        (cells.len() == self.names.len()).then_some(cells)
    }
}

/// The cells of one line by the names of their columns.
pub(crate) struct Row<'c, 'l> {
    columns: &'c Columns,
    cells: Vec<&'l str>,
}

impl<'l> Row<'_, 'l> {
    /// A cell; nothing where there is no such column, or the cell is empty or `<none>`.
    pub(crate) fn get(&self, name: &str) -> Option<&'l str> {
        let at = self.columns.names.iter().position(|it| it == name)?;
        super::word(self.cells.get(at).copied())
    }

    /// The first of several names there is a cell for.
    pub(crate) fn any(&self, names: &[&str]) -> Option<&'l str> {
        names.iter().find_map(|it| self.get(it))
    }
}

/// Cells separated by two blanks or more, or by tabs, with the places they begin at.
fn wide_cells(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line[at..].len() - line[at..].trim_start().len();
        if at >= line.len() {
            return None;
        }
        let start = at;
        let rest = &line[start..];
        let length = rest.find("  ").into_iter().chain(rest.find('\t')).min().unwrap_or(rest.len());
        at = start + length;
        Some((start, rest[..length].trim_end()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_their_headers() {
        let columns = Columns::of("NAME    READY   RESTARTS       AGE   NOMINATED NODE");
        let row = columns.row("web-0   1/1     5 (3h2m ago)   2d    <none>").expect("a row");
        assert_eq!(row.get("RESTARTS"), Some("5 (3h2m ago)"));
        assert_eq!(row.get("NOMINATED NODE"), None);
        assert_eq!(row.any(&["IP", "AGE"]), Some("2d"));
        assert!(columns.row("web-0 and a word that goes across").is_none());
        assert!(columns.row("").is_none());
    }

    #[test]
    fn a_shifted_row_with_all_its_cells_is_read() {
        let columns = Columns::of("LAST SEEN   TYPE      REASON");
        let row = columns.row("4m (x3 over 5m)  Warning  BackOff").expect("a row");
        assert_eq!((row.get("LAST SEEN"), row.get("REASON")), (Some("4m (x3 over 5m)"), Some("BackOff")));
    }
}
