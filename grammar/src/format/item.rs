//! Items: each on its own, then those that stand below one another on one line each, with their parts in columns.

use super::clause::{Clauses, Plan};
use super::doc::{Doc, flat};
use super::imports;
use super::lexeme::{Comment, Lexeme, write_comments, write_last};
use super::table::{self, Row, Table};
use super::tree::{Node, nodes};
use super::value::{self, Argument, INDENT, Setting, row};
use crate::ast::{Apply, ArgumentValue, Item, Let, LetValue, Require, Template};

type Docs<'a> = Vec<Doc<'a>>;

/// An item with its lexemes, and what stands above it.
#[derive(Clone, Debug)]
pub(super) struct Unit<'f, 'a> {
    pub(super) item: &'f Item,
    pub(super) lexemes: Vec<Lexeme<'a>>,
    /// Whether an empty line stands above the item and its comments.
    pub(super) gap: bool,
    /// The comments above it.
    pub(super) above: Vec<Comment<'a>>,
    /// Whether an empty line stands between these and the item.
    pub(super) apart: bool,
}

/// Gives each item the lexemes from its start up to the next one's.
fn units<'f, 'a>(items: &'f [Item], lexemes: &[Lexeme<'a>]) -> Vec<Unit<'f, 'a>> {
    let starts: Vec<usize> =
        items.iter().map(|item| lexemes.partition_point(|lexeme| lexeme.start < item.span().start)).collect();
    let end = |at: usize| starts.get(at + 1).copied().unwrap_or(lexemes.len());
    let unit = |(at, item)| {
        let mut lexemes = lexemes[starts[at]..end(at)].to_vec();
        let gap = lexemes.first().is_some_and(Lexeme::gap);
        let (above, apart) = lexemes.first_mut().map_or((vec![], false), |first| {
            let above = std::mem::take(&mut first.above);
            let apart = std::mem::take(&mut first.blank) && !above.is_empty();
            (above, apart)
        });
        Unit { item, lexemes, gap, above, apart }
    };
    items.iter().enumerate().map(unit).collect()
}

/// Items one below the other, with lines no longer than `room` as far as that goes.
pub(super) fn items<'a>(items: &[Item], lexemes: &[Lexeme<'a>], room: usize, out: &mut Docs<'a>) {
    let mut units = units(items, lexemes);
    imports::sort(&mut units);
    let mut rows: Vec<Option<Row>> =
        units.iter().map(|unit| one_line(unit).filter(|row| row.width() <= room)).collect();
    table::align(&mut rows, room, |at| !units[at].gap && units[at].above.is_empty());
    for (at, (unit, row)) in units.iter().zip(rows).enumerate() {
        out.push(Doc::Hard);
        if at > 0 && unit.gap {
            out.push(Doc::Blank);
        }
        write_comments(&unit.above, out);
        if unit.apart {
            out.push(Doc::Blank);
        }
        match row {
            Some(row) => {
                out.push(Doc::text(row.text()));
                unit.lexemes.iter().for_each(|lexeme| lexeme.write_behind(out));
            }
            None => write(unit, room, out),
        }
    }
}

/// A declaration or a policy that stands on one line.
fn one_line(unit: &Unit<'_, '_>) -> Option<Row> {
    let (last, others) = unit.lexemes.split_last()?;
    if !others.iter().all(Lexeme::is_bare) || !last.above.is_empty() {
        return None;
    }
    let flat_row = |lexemes: &[Lexeme<'_>], setting| {
        let mut docs = vec![];
        row(&nodes(lexemes), setting, &mut docs);
        flat(&docs)
    };
    let mut bare = unit.lexemes.clone();
    bare.last_mut()?.behind = None;
    let split = |sign: &str| {
        let at = bare.iter().position(|lexeme| lexeme.is(sign))?;
        Some(bare.split_at(at))
    };
    let declaration = |table, sign, setting| {
        let (head, value) = split(sign)?;
        let head = flat_row(head, Setting::Declaration)?;
        Some(Row::new(table, head, vec![(0, flat_row(value, setting)?)]))
    };
    match unit.item {
        Item::Fact(_) | Item::Meter(_) => declaration(Table::Fact, ":", Setting::Declaration),
        Item::Let(item) => {
            let setting = match item.value {
                LetValue::Condition(_) => Setting::Condition,
                LetValue::Scope(_) | LetValue::Set(_) => Setting::Declaration,
            };
            declaration(Table::Let, "=", setting)
        }
        Item::Policy(policy) => {
            let block = Block::new(&bare)?;
            let row = block.one_line(policy.clauses.iter().map(Plan::from).collect())?;
            Some(Row::new(Table::Policy, flat_row(block.head, Setting::Declaration)?, row))
        }
        Item::Test(test) => {
            let block = Block::new(&bare)?;
            let row = block.one_line(test.clauses.iter().map(Plan::from).collect())?;
            Some(Row::new(Table::Test, flat_row(block.head, Setting::Declaration)?, row))
        }
        _ => None,
    }
}

/// An item that has braces: what stands before, in and behind them.
struct Block<'t, 'a> {
    head: &'t [Lexeme<'a>],
    open: &'t Lexeme<'a>,
    body: &'t [Lexeme<'a>],
    close: &'t Lexeme<'a>,
}

impl<'t, 'a> Block<'t, 'a> {
    fn new(lexemes: &'t [Lexeme<'a>]) -> Option<Self> {
        let mut depth = 0_usize;
        let at = lexemes.iter().position(|lexeme| {
            depth += usize::from(lexeme.is("("));
            depth = depth.saturating_sub(usize::from(lexeme.is(")")));
            depth == 0 && lexeme.is("{")
        })?;
        let (head, rest) = lexemes.split_at(at);
        let (open, rest) = rest.split_first()?;
        let (close, body) = rest.split_last()?;
        Some(Self { head, open, body, close })
    }

    /// Its clauses, if it is written on one line and can be.
    fn one_line(&self, plans: Vec<Plan>) -> Option<Vec<(u8, String)>> {
        let clauses = Clauses::new(plans, self.body);
        if clauses.is_empty() || self.body.iter().chain([self.close]).any(|lexeme| lexeme.begins_line) {
            return None;
        }
        clauses.flat()
    }

    /// Writes the head, and the body in braces.
    fn write(&self, body: Docs<'a>, head: impl FnOnce(&[Node<'_, 'a>], &mut Docs<'a>), out: &mut Docs<'a>) {
        head(&nodes(self.head), out);
        out.push(Doc::Space);
        self.open.write(out);
        let empty = body.is_empty();
        out.push(Doc::nest(INDENT, body));
        if !empty {
            out.push(Doc::Hard);
        }
        out.push(Doc::text(self.close.text));
        self.close.write_behind(out);
    }
}

/// An item on as many lines as it takes.
fn write<'a>(unit: &Unit<'_, 'a>, room: usize, out: &mut Docs<'a>) {
    let plain = |head: &[Node<'_, 'a>], out: &mut Docs<'a>| row(head, Setting::Declaration, out);
    let whole = nodes(&unit.lexemes);
    let plans: Option<Vec<Plan>> = match unit.item {
        Item::Policy(policy) => Some(policy.clauses.iter().map(Plan::from).collect()),
        Item::Test(test) => Some(test.clauses.iter().map(Plan::from).collect()),
        _ => None,
    };
    match (unit.item, plans.zip(Block::new(&unit.lexemes))) {
        (_, Some((plans, block))) => {
            let mut body = vec![];
            Clauses::new(plans, block.body).write(block.close, &mut body);
            block.write(body, plain, out);
        }
        (Item::Template(template), _) => write_template(template, &unit.lexemes, room, out),
        (Item::Let(item), _) => write_let(item, &whole, out),
        (Item::Apply(apply), _) => call(&whole, &call_arguments(apply), Setting::Declaration, out),
        (Item::Require(require), _) => write_require(require, &whole, out),
        (Item::Allow(_), _) => write_allow(&whole, out),
        _ => plain(&whole, out),
    }
}

fn write_template<'a>(template: &Template, lexemes: &[Lexeme<'a>], room: usize, out: &mut Docs<'a>) {
    let Some(block) = Block::new(lexemes) else { return row(&nodes(lexemes), Setting::Declaration, out) };
    let parameters: Vec<Argument> = template
        .parameters
        .iter()
        .map(|it| Argument {
            start: it.span.start,
            scope: matches!(it.default, Some(ArgumentValue::Scope(_))),
        })
        .collect();
    let mut body = vec![];
    items(&template.items, block.body, room.saturating_sub(INDENT), &mut body);
    write_last(&block.close.above, !template.items.is_empty(), &mut body);
    block.write(body, |head, out| call(head, &parameters, Setting::Parameter, out), out);
}

/// Words with arguments in parentheses behind one of them.
pub(super) fn call<'a>(nodes: &[Node<'_, 'a>], arguments: &[Argument], setting: Setting, out: &mut Docs<'a>) {
    let Some(at) = nodes.iter().position(|node| node.opens("(")) else {
        return row(nodes, Setting::Declaration, out);
    };
    row(&nodes[..at], Setting::Declaration, out);
    value::arguments(&nodes[at], arguments, setting, out);
    if at + 1 < nodes.len() {
        out.push(Doc::Space);
        row(&nodes[at + 1..], Setting::Declaration, out);
    }
}

/// Where the arguments of an application start.
pub(super) fn call_arguments(apply: &Apply) -> Vec<Argument> {
    let of = |it: &crate::ast::Argument| Argument {
        start: it.span.start,
        scope: matches!(it.value, ArgumentValue::Scope(_)),
    };
    apply.arguments.iter().map(of).collect()
}

/// A list begins on the line of the `let`, a long condition or scope below.
fn write_let<'a>(item: &Let, nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let equals = nodes.iter().position(|node| node.is("=")).map_or(nodes.len(), |at| at + 1);
    let (head, value) = nodes.split_at(equals);
    row(head, Setting::Declaration, out);
    let mut docs = vec![];
    match item.value {
        LetValue::Condition(_) => value::condition(value, &mut docs),
        LetValue::Scope(_) => value::scopes(value, &mut docs),
        LetValue::Set(_) => row(value, Setting::Declaration, &mut docs),
    }
    let chain = value.iter().any(|node| node.is("and") || node.is("or"));
    if value.last().is_some_and(|last| last.opens("{")) && !chain {
        out.push(Doc::Space);
        out.extend(docs);
    } else {
        docs.insert(0, Doc::Line);
        out.push(Doc::group(vec![Doc::nest(INDENT, docs)]));
    }
}

fn write_require<'a>(require: &Require, nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let scope = require.scope.as_ref().map(|scope| scope.span.start);
    let scope = nodes.iter().position(|node| Some(node.first().start) == scope).map(|at| at - 1);
    let condition = nodes.iter().position(|node| node.is("for"));
    let end = scope.unwrap_or(nodes.len());
    let mut docs = vec![];
    row(&nodes[..condition.unwrap_or(end)], Setting::Declaration, &mut docs);
    let mut parts = vec![];
    if let Some(at) = condition {
        parts.push(Doc::Line);
        row(&nodes[at..=at], Setting::Declaration, &mut parts);
        parts.push(Doc::Space);
        let mut value = vec![];
        value::condition(&nodes[at + 1..end], &mut value);
        parts.push(Doc::nest(INDENT, value));
    }
    if let Some(at) = scope {
        parts.push(Doc::Line);
        row(&nodes[at..=at], Setting::Declaration, &mut parts);
        parts.push(Doc::Space);
        let mut value = vec![];
        value::scopes(&nodes[at + 1..], &mut value);
        parts.push(Doc::nest(INDENT, value));
    }
    docs.push(Doc::nest(INDENT, parts));
    out.push(Doc::group(docs));
}

/// The reason begins a line where it doesn't fit, then the names, then the date.
fn write_allow<'a>(nodes: &[Node<'_, 'a>], out: &mut Docs<'a>) {
    let reason = nodes.iter().position(|node| node.is("because")).unwrap_or(nodes.len());
    let (head, rest) = nodes.split_at(reason);
    let head = head.split_at(head.len().min(2));
    let (mut first, mut names, mut reasons) = (vec![], vec![], vec![]);
    row(head.0, Setting::Declaration, &mut first);
    write_lines(head.1, &["between", "for", "until", "and"], &mut names);
    write_lines(rest, &["because", "until"], &mut reasons);
    first.push(Doc::nest(INDENT, names));
    out.push(Doc::group(vec![Doc::group(first), Doc::nest(INDENT, reasons)]));
}

/// A place where a line may end before each of these words.
fn write_lines<'a>(nodes: &[Node<'_, 'a>], words: &[&str], out: &mut Docs<'a>) {
    let starts = |at: usize| words.iter().any(|word| nodes[at].is(word));
    let mut from = 0;
    for at in 1..=nodes.len() {
        if at == nodes.len() || starts(at) {
            out.push(Doc::Line);
            row(&nodes[from..at], Setting::Declaration, out);
            from = at;
        }
    }
}
