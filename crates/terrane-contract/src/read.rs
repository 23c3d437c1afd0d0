//! Reads the contract of any module from its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use terrane_hcl::expr::Expr;

use crate::expression::{Scope, canonical, constraint, key_name, literal};
use crate::syntax::{Item, Problem, parse};
use crate::{Contract, KeyKind, Managed, ModuleCall, Move, Output, Provider, Submodule, Type, Variable};

/// Why a directory is no readable module: every problem found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    problems: Vec<Problem>,
}

impl ReadError {
    /// Returns the problems, in order of file and line.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if idx == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadError {}

impl Contract {
    /// Reads the contract of a module from its files, given as path (with `/`) and text.
    ///
    /// Files other than `.tf` and `.tf.json` are passed over, except that a `README.md`
    /// makes a submodule public. Submodules are all directories with Terraform files
    /// but examples and tests, and those that a local call names.
    /// An output's type is known only where its expression makes it certain.
    ///
    /// # Errors
    ///
    /// Returns every problem of every file.
    pub fn from_files<P: Into<String>, T: Into<String>>(
        module: &str,
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Result<Contract, ReadError> {
        let files: BTreeMap<String, String> =
            files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        let files = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
        let reading = Reading::of(module, files);
        let mut problems: Vec<Problem> = reading.unreadable.into_values().chain(reading.problems).collect();
        if reading.contract == Contract::new(module) && problems.is_empty() {
            problems.push(Problem {
                file: ".".to_owned(),
                line: None,
                message: "no Terraform declarations found; a module has .tf or .tf.json files".to_owned(),
            });
        }
        if problems.is_empty() {
            return Ok(reading.contract);
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        problems.dedup();
        Err(ReadError { problems })
    }
}

/// All that could be read of a module's files.
pub(crate) struct Reading {
    pub(crate) contract: Contract,
    /// The declarations of each directory.
    pub(crate) items: BTreeMap<String, Vec<Item>>,
    /// Why nothing of a file can be read, by file.
    pub(crate) unreadable: BTreeMap<String, Problem>,
    /// What is wrong with declarations that could be read.
    pub(crate) problems: Vec<Problem>,
}

impl Reading {
    /// Reads the files of a module, given as path (with `/`) and bytes.
    pub(crate) fn of<'f>(module: &str, files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Reading {
        let mut reader = Reader::default();
        for (path, bytes) in files {
            let path = path.replace('\\', "/");
            let path = path.trim_start_matches("./");
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            if name == "README.md" {
                reader.documented.insert(directory.to_owned());
            }
            if is_terraform(name) {
                reader.files.entry(directory.to_owned()).or_default().push((path.to_owned(), bytes));
            }
        }
        let mut contract = reader.directory("", module);
        contract.submodules = reader.submodules(&contract);
        let Reader { items, unreadable, problems, .. } = reader;
        Reading { contract, items, unreadable, problems }
    }
}

/// Merges a declaration of an override file into the one that it overrides, as Terraform does.
fn overlay(base: &mut Vec<Item>, item: Item, problems: &mut Vec<Problem>) {
    if item.kind == "locals" {
        for (name, value) in item.attributes {
            let declared = base
                .iter_mut()
                .filter(|item| item.kind == "locals")
                .find_map(|item| item.attributes.get_mut(&name));
            match declared {
                Some(declared) => *declared = value,
                None => problems.push(item.place.problem(format!("local value `{name}` overrides none"))),
            }
        }
        return;
    }
    let same = |other: &&mut Item| other.kind == item.kind && other.labels == item.labels;
    let Some(target) = base.iter_mut().find(same) else {
        // Settings need not have been there before.
        if item.kind == "terraform" {
            base.push(item);
        } else {
            let name = item.labels.join(".");
            problems.push(item.place.problem(format!("{} `{name}` overrides none", item.kind)));
        }
        return;
    };
    target.attributes.extend(item.attributes);
    let kinds: BTreeSet<&String> = item.blocks.iter().map(|block| &block.kind).collect();
    for kind in kinds {
        let (of_kind, new): (Vec<&Item>, _) =
            (item.blocks.iter().filter(|block| block.kind == *kind).collect(), kind);
        match (new.as_str(), target.blocks.iter_mut().find(|block| block.kind == *kind)) {
            // These are merged by name, all others replaced.
            ("required_providers" | "lifecycle", Some(block)) => {
                block.attributes.extend(of_kind.iter().flat_map(|block| block.attributes.clone()));
            }
            _ => {
                target.blocks.retain(|block| block.kind != *kind);
                target.blocks.extend(of_kind.into_iter().cloned());
            }
        }
    }
}

#[derive(Default)]
struct Reader<'f> {
    /// Terraform files by directory.
    files: BTreeMap<String, Vec<(String, &'f [u8])>>,
    /// Directories with a README.
    documented: BTreeSet<String>,
    items: BTreeMap<String, Vec<Item>>,
    unreadable: BTreeMap<String, Problem>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Parses the files of a directory, if it has any.
    fn parse(&mut self, directory: &str) {
        let Some(files) = self.files.get(directory) else { return };
        let (mut items, mut overrides) = (Vec::new(), Vec::new());
        for (path, bytes) in files {
            let parsed = match std::str::from_utf8(bytes) {
                Ok(text) => parse(path, text, &mut self.problems),
                Err(error) => Err(Problem {
                    file: path.clone(),
                    line: Some(
                        1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count(),
                    ),
                    message: "it is not UTF-8; save it as UTF-8".to_owned(),
                }),
            };
            match parsed {
                Ok(parsed) if is_override(path.rsplit('/').next().unwrap_or(path)) => {
                    overrides.extend(parsed)
                }
                Ok(parsed) => items.extend(parsed),
                Err(problem) => drop(self.unreadable.insert(path.clone(), problem)),
            }
        }
        overrides.into_iter().for_each(|item| overlay(&mut items, item, &mut self.problems));
        self.items.insert(directory.to_owned(), items);
    }

    /// Reads every module in the package beside its root.
    fn submodules(&mut self, root: &Contract) -> BTreeMap<String, Submodule> {
        let mut pending: Vec<String> =
            self.files.keys().filter(|path| !path.is_empty() && !is_aside(path)).cloned().collect();
        pending.extend(local_calls("", root));
        let mut found: BTreeMap<String, Submodule> = BTreeMap::new();
        while let Some(path) = pending.pop() {
            if path.is_empty() || found.contains_key(&path) || !self.files.contains_key(&path) {
                continue;
            }
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            let contract = self.directory(&path, &name);
            pending.extend(local_calls(&path, &contract));
            let public = self.documented.contains(&path);
            found.insert(path, Submodule { public, contract });
        }
        found
    }

    fn directory(&mut self, directory: &str, module: &str) -> Contract {
        self.parse(directory);
        let items = self.items.get(directory).map_or(&[][..], Vec::as_slice);
        ModuleReader::read(module, items, &mut self.problems)
    }
}

/// Whether a directory holds examples or tests, which no caller uses.
pub(crate) fn is_aside(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "examples" | "example" | "tests" | "test") || part.starts_with('.'))
}

pub(crate) fn is_terraform(name: &str) -> bool {
    (name.ends_with(".tf") || name.ends_with(".tf.json")) && !name.starts_with('.')
}

fn is_override(name: &str) -> bool {
    let stem = name.trim_end_matches(".json").trim_end_matches(".tf");
    stem == "override" || stem.ends_with("_override")
}

/// Returns the directories that a module calls locally, as paths from the package's root.
pub(crate) fn local_calls<'a>(from: &'a str, contract: &'a Contract) -> impl Iterator<Item = String> + 'a {
    contract.modules.values().filter_map(move |call| local_path(from, &call.source))
}

/// Resolves a local source address (`./x`, `../x`) against the directory that it stands in.
pub(crate) fn local_path(from: &str, source: &str) -> Option<String> {
    if !source.starts_with("./") && !source.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

struct ModuleReader<'a> {
    contract: Contract,
    scope: Scope<'a>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> ModuleReader<'a> {
    fn read(module: &str, items: &'a [Item], problems: &'a mut Vec<Problem>) -> Contract {
        let locals = items.iter().filter(|item| item.kind == "locals").flat_map(|item| &item.attributes);
        let scope = Scope {
            variables: BTreeMap::new(),
            locals: locals.map(|(name, expression)| (name.as_str(), expression)).collect(),
        };
        let mut reader = ModuleReader { contract: Contract::new(module), scope, problems };
        for item in items {
            reader.item(item);
        }
        // Outputs come last: their types may follow from the variables.
        let variables = reader.contract.variables.clone();
        let scope = Scope {
            variables: variables.iter().map(|(name, variable)| (name.as_str(), &variable.ty)).collect(),
            locals: reader.scope.locals.clone(),
        };
        for item in items.iter().filter(|item| item.kind == "output") {
            let output = read_output(item, &scope, reader.problems);
            reader.declare(item, "output", |contract, name| contract.outputs.insert(name, output).is_none());
        }
        reader.contract
    }

    fn item(&mut self, item: &Item) {
        match item.kind.as_str() {
            "variable" => {
                let variable = self.variable(item);
                self.declare(item, "variable", |contract, name| {
                    contract.variables.insert(name, variable).is_none()
                });
            }
            "resource" => {
                let managed = self.managed(item);
                self.declare(item, "resource", |contract, name| {
                    contract.resources.insert(name, managed).is_none()
                });
            }
            "data" => self.declare(item, "data source", |contract, name| contract.data.insert(name)),
            "module" => {
                let call = self.call(item);
                self.declare(item, "module call", |contract, name| {
                    contract.modules.insert(name, call).is_none()
                });
            }
            "terraform" => self.terraform(item),
            "moved" => self.moved(item),
            "removed" => self.removed(item),
            "provider" => {
                if let Some(name) = item.labels.first()
                    && !(item.attributes.is_empty() && item.blocks.is_empty())
                {
                    self.contract.configured_providers.insert(name.clone());
                }
            }
            _ => {}
        }
    }

    fn declare(&mut self, item: &Item, what: &str, insert: impl FnOnce(&mut Contract, String) -> bool) {
        let n_labels = if matches!(item.kind.as_str(), "resource" | "data") { 2 } else { 1 };
        if item.labels.len() != n_labels {
            let message = format!("{what} needs {n_labels} labels, found {}", item.labels.len());
            self.problems.push(item.place.problem(message));
            return;
        }
        let name = item.labels.join(".");
        if !insert(&mut self.contract, name.clone()) {
            self.problems.push(item.place.problem(format!("{what} `{name}` is declared twice; remove one")));
        }
    }

    fn variable(&mut self, item: &Item) -> Variable {
        let name = item.labels.join(".");
        let mut variable = Variable::new(Type::Dynamic);
        if let Some(expression) = item.get("type") {
            match constraint(expression) {
                Ok(constraint) => {
                    variable.ty = constraint.ty;
                    variable.attribute_defaults = constraint.defaults;
                }
                Err(error) => self.problems.push(item.place.problem(format!("variable `{name}`: {error}"))),
            }
        }
        if let Some(expression) = item.get("default") {
            match literal(expression) {
                Ok(value) => variable.default = Some(value),
                Err(error) => {
                    self.problems.push(item.place.problem(format!("variable `{name}`: `default`: {error}")));
                }
            }
        }
        variable.nullable = flag(item, "nullable", true, self.problems);
        variable.sensitive = flag(item, "sensitive", false, self.problems);
        variable.ephemeral = flag(item, "ephemeral", false, self.problems);
        variable.constant = flag(item, "const", false, self.problems);
        variable.deprecated = item.get("deprecated").map(text);
        variable.description = item.get("description").map(text).unwrap_or_default();
        variable.validations = conditions(item, "validation");
        variable
    }

    fn managed(&mut self, item: &Item) -> Managed {
        let (keys, repeat, literal_keys) = self.repetition(item);
        let mut managed = Managed { keys, repeat, literal_keys, ..Managed::default() };
        for lifecycle in item.blocks("lifecycle") {
            managed.prevent_destroy |= flag(lifecycle, "prevent_destroy", false, self.problems);
            managed.create_before_destroy |= flag(lifecycle, "create_before_destroy", false, self.problems);
            match lifecycle.get("ignore_changes") {
                Some(Expr::Array(arguments)) => {
                    managed.ignore_changes.extend(arguments.iter().map(canonical));
                }
                Some(other) => drop(managed.ignore_changes.insert(canonical(other))),
                None => {}
            }
        }
        managed
    }

    fn call(&mut self, item: &Item) -> ModuleCall {
        let (keys, repeat, literal_keys) = self.repetition(item);
        let source = item.get("source").map(text).unwrap_or_default();
        if source.is_empty() {
            let name = item.labels.join(".");
            self.problems.push(item.place.problem(format!("module call `{name}` needs a `source`")));
        }
        ModuleCall { source, version: item.get("version").map(text), keys, repeat, literal_keys }
    }

    fn repetition(&mut self, item: &Item) -> (KeyKind, Option<String>, BTreeSet<String>) {
        match (item.get("count"), item.get("for_each")) {
            (None, None) => (KeyKind::None, None, BTreeSet::new()),
            (Some(_), Some(_)) => {
                let name = item.labels.join(".");
                let message = format!("`{name}` has both `count` and `for_each`; keep one");
                self.problems.push(item.place.problem(message));
                (KeyKind::None, None, BTreeSet::new())
            }
            (Some(count), None) => (KeyKind::Count, Some(canonical(count)), self.scope.literal_keys(count)),
            (None, Some(each)) => (KeyKind::ForEach, Some(canonical(each)), self.scope.literal_keys(each)),
        }
    }

    fn terraform(&mut self, item: &Item) {
        if let Some(version) = item.get("required_version").map(text) {
            let merged = match self.contract.required_version.take() {
                Some(earlier) => format!("{earlier}, {version}"),
                None => version,
            };
            self.contract.required_version = Some(merged);
        }
        for providers in item.blocks("required_providers") {
            for (name, expression) in &providers.attributes {
                self.contract.providers.insert(name.clone(), read_provider(name, expression));
            }
        }
    }

    fn moved(&mut self, item: &Item) {
        match (item.get("from"), item.get("to")) {
            (Some(from), Some(to)) => {
                self.contract.moved.push(Move { from: canonical(from), to: canonical(to) });
            }
            _ => self.problems.push(item.place.problem("a `moved` block needs `from` and `to`")),
        }
    }

    fn removed(&mut self, item: &Item) {
        let Some(from) = item.get("from") else {
            self.problems.push(item.place.problem("a `removed` block needs `from`"));
            return;
        };
        let mut destroy = true;
        for lifecycle in item.blocks("lifecycle") {
            destroy = flag(lifecycle, "destroy", destroy, self.problems);
        }
        if !destroy {
            self.contract.removed.insert(canonical(from));
        }
    }
}

fn read_output(item: &Item, scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Output {
    let name = item.labels.join(".");
    let mut output = Output::new(Type::Dynamic);
    match (item.get("type").map(constraint), item.get("value")) {
        (_, None) => problems.push(item.place.problem(format!("output `{name}` needs a `value`"))),
        (Some(Ok(constraint)), _) => output.ty = constraint.ty,
        (Some(Err(error)), _) => problems.push(item.place.problem(format!("output `{name}`: {error}"))),
        (None, Some(value)) => {
            output.ty = scope.type_of(value);
            output.nullable = *value == Expr::Null;
        }
    }
    output.declared = item.get("type").is_some();
    output.sensitive = flag(item, "sensitive", false, problems);
    output.ephemeral = flag(item, "ephemeral", false, problems);
    output.description = item.get("description").map(text).unwrap_or_default();
    output.preconditions = conditions(item, "precondition");
    output
}

fn read_provider(name: &str, expression: &Expr) -> Provider {
    let mut provider = Provider { source: format!("hashicorp/{name}"), ..Provider::default() };
    let Expr::Object(members) = expression else {
        // Terraform 0.12 wrote the version alone.
        provider.version = Some(text(expression));
        return provider;
    };
    for (key, value) in members {
        match (key_name(key).as_deref(), value) {
            (Some("source"), value) => provider.source = text(value),
            (Some("version"), value) => provider.version = Some(text(value)),
            (Some("configuration_aliases"), Expr::Array(aliases)) => {
                provider.aliases = aliases.iter().map(canonical).collect();
            }
            _ => {}
        }
    }
    provider
}

fn conditions(item: &Item, kind: &str) -> Vec<String> {
    item.blocks(kind).filter_map(|block| block.get("condition")).map(canonical).collect()
}

/// Returns a string argument as it reads, and any other expression as HCL.
fn text(expression: &Expr) -> String {
    match literal(expression) {
        Ok(serde_json::Value::String(text)) => text,
        _ => canonical(expression),
    }
}

fn flag(item: &Item, name: &str, default: bool, problems: &mut Vec<Problem>) -> bool {
    match item.get(name) {
        None => default,
        Some(Expr::Bool(value)) => *value,
        // Terraform converts what is in quotes.
        Some(Expr::String(text)) if text == "true" || text == "false" => text == "true",
        Some(other) => {
            let message = format!("`{name}` needs `true` or `false`, found `{}`", canonical(other));
            problems.push(item.place.problem(message));
            default
        }
    }
}
