//! One-line items below one another, with their parts in columns where all of them then still fit.

use super::doc::width;

/// Items that may share columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Facts and meters.
    Fact,
    Let,
    Policy,
    Test,
}

/// A one-line item in parts.
#[derive(Clone, Debug)]
pub(super) struct Row {
    table: Table,
    /// What stands before the first column.
    head: String,
    /// The columns, each with what it is about.
    cells: Vec<(u8, String)>,
    /// How wide the head and each cell are made.
    widths: Vec<usize>,
}

impl Row {
    /// A row with no wider parts than it needs.
    pub(super) fn new(table: Table, head: String, mut cells: Vec<(u8, String)>) -> Self {
        if matches!(table, Table::Policy | Table::Test) {
            if let Some((_, first)) = cells.first_mut() {
                first.insert_str(0, "{ ");
            }
            if let Some((_, last)) = cells.last_mut() {
                last.push_str(" }");
            }
        }
        Self { table, head, cells, widths: vec![] }
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.head.as_str()).chain(self.cells.iter().map(|(_, cell)| cell.as_str()))
    }

    /// The row as it is written.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for (at, part) in self.parts().enumerate() {
            out.push_str(part);
            if at < self.cells.len() {
                let gap = if at == 0 { 1 } else { 2 };
                let missing = self.widths.get(at).map_or(0, |wanted| wanted.saturating_sub(width(part)));
                out.extend(std::iter::repeat_n(' ', missing + gap));
            }
        }
        out
    }

    pub(super) fn width(&self) -> usize {
        width(&self.text())
    }
}

/// Puts the parts of neighbours in columns. `joins` tells whether nothing stands between a row and the one above.
pub(super) fn align(rows: &mut [Option<Row>], room: usize, joins: impl Fn(usize) -> bool) {
    let mut from = 0;
    while from < rows.len() {
        let table = rows[from].as_ref().map(|row| row.table);
        let same = |at: &usize| joins(*at) && rows[*at].as_ref().map(|row| row.table) == table;
        let end = from + 1 + (from + 1..rows.len()).take_while(same).count();
        let mut run: Vec<&mut Row> = rows[from..end].iter_mut().flatten().collect();
        align_run(&mut run, room);
        from = end;
    }
}

/// All parts that the rows have in common, or else the heads only, or nothing.
fn align_run(run: &mut [&mut Row], room: usize) {
    let agree = |column: usize| {
        let kind = |row: &Row| row.cells.get(column).map(|(kind, _)| *kind);
        let first = run.first().and_then(|row| kind(row));
        first.is_some() && run.iter().all(|row| kind(row) == first)
    };
    let columns = run.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let shared = (0..columns).take_while(|column| agree(*column)).count();
    for columns in [shared + 1, 1, 0] {
        let widest = |part: usize| run.iter().filter_map(|row| row.parts().nth(part)).map(width).max();
        let widths: Vec<usize> = (0..columns).filter_map(widest).collect();
        for row in run.iter_mut() {
            row.widths.clone_from(&widths);
        }
        if run.iter().all(|row| row.width() <= room) {
            break;
        }
    }
}
