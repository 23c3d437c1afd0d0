//! What a module's code says beside its contract: arguments, values of outputs, and what decides which instances there are.
//!
//! A change there keeps every address and every caller, and may change what stands.

use std::collections::{BTreeMap, BTreeSet};

use terrane_hcl::expr::Expr;
use terrane_hcl::expr::TraversalOperator;

use crate::normal::{Definitions, Keys, object, string};
use crate::syntax::Item;
use crate::{KeyKind, Type, Variable};

/// The declarations and the other files of a package.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    /// Declarations by directory.
    pub(crate) items: BTreeMap<String, Vec<Item>>,
    /// The bytes of every file by path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// What the code of one directory says, by address: `aws_vpc.this`, `data.aws_region.here`, `module.a`, `output.o`,
/// `provider.aws`.
pub(crate) type Facts = BTreeMap<String, Statement>;

/// What the code says of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    /// Arguments and nested blocks by name, in normal form.
    pub(crate) arguments: BTreeMap<String, Expr>,
    /// What decides which instances there are.
    pub(crate) keys: Option<Keys>,
    /// The whole `for_each` in normal form.
    each: Option<Expr>,
    /// The members of `each.value` that the arguments use; `None` if they use it as a whole.
    each_members: Option<BTreeSet<String>>,
    /// Preconditions and postconditions.
    pub(crate) conditions: Vec<Expr>,
    /// What it waits for.
    pub(crate) depends_on: Option<Expr>,
    /// Where the files are that it reads: the start of their paths in the package.
    files: BTreeSet<String>,
}

/// Arguments that the contract knows, or that stand apart in a [`Statement`].
const META: [&str; 3] = ["count", "for_each", "depends_on"];

/// Functions that read files of the module.
const READERS: [&str; 11] = [
    "file",
    "filebase64",
    "templatefile",
    "fileset",
    "fileexists",
    "filemd5",
    "filesha1",
    "filesha256",
    "filesha512",
    "filebase64sha256",
    "filebase64sha512",
];

impl Code {
    /// Returns what the code of a directory says.
    ///
    /// `constants` are variables whose value is known, `variables` those that are declared.
    pub(crate) fn facts(
        &self,
        directory: &str,
        variables: &BTreeMap<String, Variable>,
        constants: &BTreeMap<String, Expr>,
    ) -> Facts {
        let items = self.items.get(directory).map_or(&[][..], Vec::as_slice);
        let definitions = definitions(items, variables, constants);
        let reader = Statements { directory, definitions: &definitions };
        items.iter().filter_map(|item| Some((address(item)?, reader.statement(item)))).collect()
    }

    /// Returns the files that a statement reads, by path.
    pub(crate) fn read_by(&self, statement: &Statement) -> BTreeMap<&str, &[u8]> {
        let is_read = |path: &str| statement.files.iter().any(|start| path.starts_with(start.as_str()));
        let files = self.files.iter().filter(|(path, _)| is_read(path) && !crate::read::is_terraform(path));
        files.map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect()
    }

    /// Returns the starts of the paths that the code reads.
    pub(crate) fn files_read(&self) -> BTreeSet<String> {
        let mut starts = BTreeSet::new();
        let nothing = (BTreeMap::new(), BTreeMap::new());
        for (directory, items) in &self.items {
            let definitions = definitions(items, &nothing.0, &nothing.1);
            for item in items {
                item.each_expression(&mut |expression| {
                    // Few expressions read files: only those calls are looked at closely.
                    let mut calls = Vec::new();
                    visit(expression, &mut |part| {
                        if let Expr::FuncCall(call) = part
                            && READERS.contains(&call.name.name.as_str())
                        {
                            calls.push(definitions.normal(part));
                        }
                    });
                    calls.iter().for_each(|call| files(call, directory, &mut starts));
                });
            }
        }
        starts
    }
}

fn definitions<'a>(
    items: &'a [Item],
    variables: &'a BTreeMap<String, Variable>,
    constants: &'a BTreeMap<String, Expr>,
) -> Definitions<'a> {
    let locals = items.iter().filter(|item| item.kind == "locals").flat_map(|item| &item.attributes);
    Definitions {
        locals: locals.map(|(name, value)| (name.as_str(), value)).collect(),
        constants: constants.iter().map(|(name, value)| (name.as_str(), value.clone())).collect(),
        sets: variables
            .iter()
            .filter(|(_, variable)| matches!(variable.ty, Type::Set(_)))
            .map(|(name, _)| name.as_str())
            .collect(),
        ..Definitions::default()
    }
}

/// Returns the address of what an item declares, if its arguments decide what stands.
fn address(item: &Item) -> Option<String> {
    let name = item.labels.join(".");
    Some(match item.kind.as_str() {
        "resource" => name,
        "data" | "module" | "output" | "provider" | "ephemeral" | "check" | "action" => {
            format!("{}.{name}", item.kind)
        }
        _ => return None,
    })
}

struct Statements<'a> {
    directory: &'a str,
    definitions: &'a Definitions<'a>,
}

impl Statements<'_> {
    fn statement(&self, item: &Item) -> Statement {
        let mut statement = Statement {
            each: item.get("for_each").map(|each| self.definitions.normal(each)),
            depends_on: item.get("depends_on").map(|after| self.definitions.normal(after)),
            ..Statement::default()
        };
        let count = item.get("count").map(|count| self.definitions.normal(count));
        statement.keys = match (&count, &statement.each) {
            (Some(count), _) => Some(Keys::of_count(count)),
            (None, Some(each)) => Some(Keys::of_each(each, self.definitions)),
            (None, None) => None,
        };
        for (name, value) in &item.attributes {
            let is_known = META.contains(&name.as_str())
                || (item.kind == "output" && name != "value")
                || (item.kind == "module" && matches!(name.as_str(), "source" | "version"));
            if is_known {
                continue;
            }
            let value = self.definitions.normal(value);
            // Null is as if it were not there, but for calls, where it may not mean the default.
            if value != Expr::Null || matches!(item.kind.as_str(), "module" | "output") {
                statement.arguments.insert(name.clone(), value);
            }
        }
        self.blocks(item, &mut statement);
        let all = Expr::Array(statement.arguments.values().cloned().collect());
        statement.each_members = members_of_each(&all);
        files(&all, self.directory, &mut statement.files);
        for repeated in [&count, &statement.each].into_iter().flatten() {
            files(repeated, self.directory, &mut statement.files);
        }
        statement
    }

    fn blocks(&self, item: &Item, statement: &mut Statement) {
        let mut by_kind: BTreeMap<String, Vec<Expr>> = BTreeMap::new();
        for block in &item.blocks {
            match block.kind.as_str() {
                "precondition" | "postcondition" => statement.conditions.extend(self.condition(block)),
                "lifecycle" => {
                    for inner in &block.blocks {
                        statement.conditions.extend(self.condition(inner));
                    }
                    // The contract knows the others.
                    for name in ["replace_triggered_by", "enabled"] {
                        if let Some(value) = block.get(name) {
                            let value = self.definitions.normal(value);
                            statement.arguments.insert(format!("lifecycle.{name}"), value);
                        }
                    }
                }
                kind => {
                    let name = std::iter::once(kind).chain(block.labels.iter().map(String::as_str));
                    let name = name.collect::<Vec<_>>().join(" ");
                    by_kind.entry(name).or_default().push(self.body(block));
                }
            }
        }
        statement.arguments.extend(by_kind.into_iter().map(|(kind, blocks)| (kind, Expr::Array(blocks))));
    }

    fn condition(&self, block: &Item) -> Option<Expr> {
        block.get("condition").map(|condition| self.definitions.normal(condition))
    }

    /// Returns a nested block as an object: a `dynamic` one with its `for_each`.
    fn body(&self, block: &Item) -> Expr {
        let mut members: Vec<(Expr, Expr)> = block
            .attributes
            .iter()
            .map(|(name, value)| (string(name), self.definitions.normal(value)))
            .filter(|(_, value)| *value != Expr::Null)
            .collect();
        let mut by_kind: BTreeMap<String, Vec<Expr>> = BTreeMap::new();
        for inner in &block.blocks {
            let name = std::iter::once(inner.kind.as_str()).chain(inner.labels.iter().map(String::as_str));
            by_kind.entry(name.collect::<Vec<_>>().join(" ")).or_default().push(self.body(inner));
        }
        members.extend(by_kind.into_iter().map(|(kind, blocks)| (string(&kind), Expr::Array(blocks))));
        object(members)
    }
}

impl Statement {
    /// Returns the part of a `for_each` that reaches the arguments, and not the keys alone.
    ///
    /// Rows of keys that the other side does not have are left out.
    pub(crate) fn each_values(&self, other: &Statement) -> Option<Expr> {
        let each = self.each.as_ref()?;
        let members = self.each_members.as_ref();
        // Nothing but the keys is used.
        if members.is_some_and(BTreeSet::is_empty)
            && other.each_members.as_ref().is_some_and(BTreeSet::is_empty)
        {
            return None;
        }
        let used = |value: &Expr| match (members, crate::normal::members(value)) {
            (Some(names), Some(known)) => object(
                known
                    .into_iter()
                    .filter(|(name, _)| names.contains(*name))
                    .map(|(name, value)| (string(name), value.clone()))
                    .collect(),
            ),
            _ => value.clone(),
        };
        let Some(rows) = crate::normal::rows(each) else {
            if let Expr::ForExpr(rows) = each {
                let mut rows = rows.as_ref().clone();
                rows.value_expr = used(&rows.value_expr);
                // What the keys are is told apart from what the values are.
                rows.key_expr = rows.key_expr.map(|_| Expr::Null);
                return Some(Expr::from(rows));
            }
            return Some(each.clone());
        };
        let theirs = other.each.as_ref().and_then(crate::normal::rows);
        let is_shared =
            |name: &Expr| theirs.as_ref().is_none_or(|theirs| theirs.iter().any(|(other, _)| other == name));
        let shared = rows.into_iter().filter(|(name, _)| is_shared(name));
        Some(object(shared.map(|(name, value)| (name, used(&value))).collect()))
    }
}

/// Returns keys from a contract alone, whose expressions may name what is not known.
pub(crate) fn keys_of_contract(
    kind: KeyKind,
    repeat: Option<&str>,
    literal_keys: &BTreeSet<String>,
) -> Option<Keys> {
    let expression = repeat.and_then(|text| text.parse::<Expr>().ok());
    let definitions = Definitions::default();
    let keys = match kind {
        KeyKind::None => return None,
        KeyKind::Count => expression.map(|count| Keys::of_count(&definitions.normal(&count))),
        KeyKind::ForEach => expression.map(|each| Keys::of_each(&definitions.normal(&each), &definitions)),
    };
    let mut keys = keys.unwrap_or(Keys { form: None, known: BTreeSet::new(), is_conditional: true });
    if keys.known.is_empty() {
        keys.known.clone_from(literal_keys);
        // The contract does not say whether a condition decides.
        keys.is_conditional = repeat.is_some_and(|text| text.contains('?'));
    }
    Some(keys)
}

/// Calls a function for each part of an expression, the outer ones first.
pub(crate) fn visit(expression: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expression);
    match expression {
        Expr::Array(elements) => elements.iter().for_each(|element| visit(element, see)),
        Expr::Object(members) => members.iter().for_each(|(key, value)| {
            if let terrane_hcl::expr::ObjectKey::Expression(key) = key {
                visit(key, see);
            }
            visit(value, see);
        }),
        Expr::FuncCall(call) => call.args.iter().for_each(|arg| visit(arg, see)),
        Expr::Parenthesis(inner) => visit(inner, see),
        Expr::Conditional(it) => {
            [&it.cond_expr, &it.true_expr, &it.false_expr].into_iter().for_each(|part| visit(part, see));
        }
        Expr::Operation(operation) => match operation.as_ref() {
            terrane_hcl::expr::Operation::Unary(unary) => visit(&unary.expr, see),
            terrane_hcl::expr::Operation::Binary(binary) => {
                visit(&binary.lhs_expr, see);
                visit(&binary.rhs_expr, see);
            }
        },
        Expr::ForExpr(each) => {
            visit(&each.collection_expr, see);
            each.key_expr.iter().for_each(|key| visit(key, see));
            visit(&each.value_expr, see);
            each.cond_expr.iter().for_each(|cond| visit(cond, see));
        }
        Expr::Traversal(traversal) => {
            visit(&traversal.expr, see);
            for operator in &traversal.operators {
                if let TraversalOperator::Index(index) = operator {
                    visit(index, see);
                }
            }
        }
        _ => {}
    }
}

/// Returns the members of `each.value` that an expression uses; `None` if it uses the whole, or may.
fn members_of_each(expression: &Expr) -> Option<BTreeSet<String>> {
    let mut found = Some(BTreeSet::new());
    visit(expression, &mut |part| match part {
        Expr::Traversal(traversal) => {
            let Expr::Variable(root) = &traversal.expr else { return };
            if root.as_str() != "each" {
                return;
            }
            match traversal.operators.as_slice() {
                [TraversalOperator::Index(Expr::String(kind)), ..] if kind == "key" => {}
                [_, TraversalOperator::Index(Expr::String(name)), ..] => {
                    if let Some(found) = &mut found {
                        found.insert(name.clone());
                    }
                }
                _ => found = None,
            }
        }
        // A template with directives is compared as text.
        Expr::FuncCall(call) if call.name.name.as_str().starts_with('%') => {
            let text = |arg: &Expr| matches!(arg, Expr::String(text) if text.contains("each.value"));
            if call.args.iter().any(text) {
                found = None;
            }
        }
        _ => {}
    });
    found
}

/// Adds where the files are that an expression reads, as starts of paths in the package.
fn files(expression: &Expr, directory: &str, found: &mut BTreeSet<String>) {
    visit(expression, &mut |part| {
        let Expr::FuncCall(call) = part else { return };
        if !READERS.contains(&call.name.name.as_str()) {
            return;
        }
        let Some(path) = call.args.first() else { return };
        let parts = match path {
            Expr::FuncCall(template) if template.name.name.as_str() == "%template" => {
                template.args.as_slice()
            }
            one => std::slice::from_ref(one),
        };
        let (base, rest) = match parts {
            [Expr::Traversal(traversal), rest @ ..] if is_path(traversal) => (Some(directory), rest),
            rest => (None, rest),
        };
        let literal = match rest.first() {
            Some(Expr::String(text)) => text.as_str(),
            Some(_) if base.is_none() => return,
            // What follows may be anything.
            _ => "",
        };
        let pattern = match (call.name.name.as_str(), call.args.get(1)) {
            ("fileset", Some(Expr::String(pattern))) => {
                format!("/{}", &pattern[..pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len())])
            }
            _ => String::new(),
        };
        let whole = format!("{}/{literal}{pattern}", base.unwrap_or_default());
        if let Some(path) = crate::read::local_path("", &format!("./{whole}")) {
            let is_directory = whole.ends_with('/') && !path.is_empty();
            found.insert(if is_directory { format!("{path}/") } else { path });
        }
    });
}

/// Whether a reference is `path.module`, or `path.root` of a package that is a root.
fn is_path(traversal: &terrane_hcl::expr::Traversal) -> bool {
    let Expr::Variable(root) = &traversal.expr else { return false };
    let is_module = |operator: &TraversalOperator| matches!(operator, TraversalOperator::Index(Expr::String(name)) if name == "module" || name == "root");
    root.as_str() == "path" && matches!(traversal.operators.as_slice(), [operator] if is_module(operator))
}
