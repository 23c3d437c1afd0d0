//! Values by their path, as error messages name them: `network.subnet_ids["app"][0]`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind};
use crate::state::{Instance, InstanceKey, Resource, State, WholeState};
use crate::value::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    /// From the front, or where it is negative from the back.
    Index(i64),
    /// All elements.
    Splat,
}

impl State {
    /// Returns a value by the output's name and the path inside it, such as `network.subnet_ids["app"]["a"]`.
    ///
    /// Names follow a dot or stand in brackets and quotes; numbers in brackets count from 0, and negative ones from
    /// the back. [`select`](State::select) takes `[*]`, too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`] for a text that is not such a path; [`ErrorKind::MissingOutput`], with the names that
    /// are there unless the output is sensitive; [`ErrorKind::TypeMismatch`] for a step into a value that has no
    /// parts.
    ///
    /// # Examples
    ///
    /// ```
    /// let text = br#"{"version":4,"outputs":{"ids":{"value":{"a":["x"]},"type":["map",["list","string"]]}}}"#;
    /// let state = terrane_value::State::parse(text)?;
    /// assert_eq!(state.value_at(r#"ids["a"][0]"#)?.as_str(), Some("x"));
    /// # Ok::<(), terrane_value::Error>(())
    /// ```
    pub fn value_at(&self, path: &str) -> Result<&Value, Error> {
        borrowed(self.found(path)?, path)
    }

    /// Returns a value by its path, in which `[*]` stands for all elements of a list or map.
    ///
    /// # Errors
    ///
    /// Those of [`value_at`](State::value_at).
    ///
    /// # Examples
    ///
    /// ```
    /// let text = br#"{"version":4,"outputs":{"hosts":{"value":[{"ip":"a"},{"ip":"b"}],
    ///     "type":["list",["object",{"ip":"string"}]]}}}"#;
    /// let state = terrane_value::State::parse(text)?;
    /// assert_eq!(state.select("hosts[*].ip")?.to_json(), r#"["a","b"]"#);
    /// assert_eq!(state.select("hosts[-1].ip")?.to_json(), r#""b""#);
    /// # Ok::<(), terrane_value::Error>(())
    /// ```
    pub fn select(&self, path: &str) -> Result<Cow<'_, Value>, Error> {
        self.found(path)
    }

    fn found(&self, path: &str) -> Result<Cow<'_, Value>, Error> {
        let steps = steps(path)?;
        let Some((Step::Name(name), rest)) = steps.split_first() else {
            return Err(malformed(path, "it must begin with the name of an output"));
        };
        let Some(output) = self.get(name)? else {
            let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
            return Err(self.error(missing(name.clone())).hinting(there_is(&names)));
        };
        let root = if output.sensitive() { Root::Secret } else { Root::Output };
        walk(output.value(), rest, name, root).map_err(|error| self.placed(error))
    }

    fn placed(&self, error: Error) -> Error {
        match self.place() {
            Some(place) => error.at(place),
            None => error,
        }
    }
}

impl WholeState {
    /// Returns a value of an output, or an attribute of a resource by its address, such as
    /// `module.network.aws_subnet.app["a"].id`.
    ///
    /// # Errors
    ///
    /// Those of [`State::value_at`]; for a path that begins with no output, [`ErrorKind::Address`] with what comes
    /// close.
    pub fn value_at(&self, path: &str) -> Result<&Value, Error> {
        borrowed(self.select(path)?, path)
    }

    /// Returns a value of an output, an attribute of a resource, or several of them: `[*]` stands for all elements and
    /// all instances, the address of a resource under `count` or `for_each` for all its instances, and that of a
    /// module for the attributes of all its resources by address.
    ///
    /// # Errors
    ///
    /// Those of [`value_at`](WholeState::value_at).
    pub fn select(&self, path: &str) -> Result<Cow<'_, Value>, Error> {
        let outputs: &State = self;
        let steps = steps(path)?;
        if let Some(Step::Name(name)) = steps.first()
            && outputs.get(name)?.is_some()
        {
            return outputs.select(path);
        }
        let found = match (self.longest(path), self.group(path)) {
            (Some((instance, rest)), _) => {
                walk(instance.attributes(), &self::steps(rest)?, instance.address(), Root::Resource)
            }
            (None, Some((resource, rest))) => of_group(resource, &self::steps(rest)?, path),
            (None, None) => self.module_resources(path).ok_or_else(|| self.no_resource(path)),
        };
        found.map_err(|error| outputs.placed(error))
    }

    /// Returns the current instance that a path leads into, and the path inside it.
    fn longest<'p>(&self, path: &'p str) -> Option<(&Instance, &'p str)> {
        let current = self.instances().filter(|instance| instance.deposed().is_none());
        let found = current.filter_map(|instance| Some((instance, below(path, instance.address())?)));
        let (instance, rest) = found.max_by_key(|(instance, _)| instance.address().len())?;
        // Another instance of the same resource is meant, or all of them.
        (!rest.starts_with('[')).then_some((instance, rest))
    }

    /// Returns the resource that a path leads into, and the path inside it.
    fn group<'p>(&self, path: &'p str) -> Option<(&Resource, &'p str)> {
        let found = self.resources().iter().filter_map(|resource| {
            let rest = below(path, &resource.address())?;
            resource
                .instances()
                .iter()
                .any(|instance| instance.deposed().is_none())
                .then_some((resource, rest))
        });
        found.min_by_key(|(_, rest)| rest.len())
    }

    /// Returns the attributes of all resources of a module and the modules below it, by address.
    fn module_resources(&self, path: &str) -> Option<Cow<'_, Value>> {
        if !path.starts_with("module.") {
            return None;
        }
        let resources = self
            .resources()
            .iter()
            .filter(|resource| resource.module().and_then(|module| below(module, path)).is_some());
        let current = resources.flat_map(Resource::instances).filter(|instance| instance.deposed().is_none());
        let members: BTreeMap<String, Value> =
            current.map(|instance| (instance.address().to_owned(), instance.attributes().clone())).collect();
        (!members.is_empty()).then_some(Cow::Owned(Value::Object(members)))
    }

    fn no_resource(&self, path: &str) -> Error {
        // Says which instances come close.
        match self.instance(path) {
            Ok(_) => malformed(path, "the state has no such resource"),
            Err(error) => error,
        }
    }
}

/// Returns what a path has after an address that it begins with.
fn below<'p>(path: &'p str, address: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(address)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

/// Follows steps into all instances of a resource.
fn of_group<'a>(resource: &'a Resource, steps: &[Step], path: &str) -> Result<Cow<'a, Value>, Error> {
    let address = resource.address();
    let mut current: Vec<&Instance> =
        resource.instances().iter().filter(|instance| instance.deposed().is_none()).collect();
    current.sort_by_key(|instance| instance.key());
    let has = || {
        let keys: Vec<String> = current.iter().take(20).map(|instance| shown_key(instance)).collect();
        format!("{address} has {}", keys.join(", "))
    };
    let wrong = |reason: String| Err(malformed(path, &reason));
    let Some((first, rest)) = steps.split_first() else { return Ok(Cow::Owned(group_value(&current))) };
    let instance = match first {
        Step::Splat => {
            let all = current.iter().map(|instance| {
                let found = walk(instance.attributes(), rest, instance.address(), Root::Resource)?;
                Ok(found.into_owned())
            });
            return Ok(Cow::Owned(Value::Tuple(all.collect::<Result<_, Error>>()?)));
        }
        Step::Index(idx) if *idx < 0 => {
            // Only a list has a back to count from.
            let is_list =
                current.iter().all(|instance| matches!(instance.key(), Some(InstanceKey::Index(_))));
            let from_back = usize::try_from(idx.unsigned_abs()).unwrap_or(usize::MAX);
            current.len().checked_sub(from_back).filter(|_| is_list).map(|at| current[at])
        }
        // Those with a key that is there were found by their address.
        Step::Index(_) => None,
        Step::Name(name) if path[address.len()..].starts_with('[') => current
            .iter()
            .find(|instance| matches!(instance.key(), Some(InstanceKey::Name(key)) if key == name))
            .copied(),
        Step::Name(_) => {
            return wrong(format!("{}: name one of them, or all with [*]", has()));
        }
    };
    match instance {
        Some(instance) => walk(instance.attributes(), rest, instance.address(), Root::Resource),
        None => wrong(format!("the state has no such instance; {}", has())),
    }
}

fn shown_key(instance: &Instance) -> String {
    instance.key().map_or_else(|| "one instance, without a key".to_owned(), ToString::to_string)
}

/// Returns all instances, sorted by key, as Terraform sees the resource: a tuple under `count`, an object under `for_each`.
fn group_value(instances: &[&Instance]) -> Value {
    let name = |instance: &&Instance| match instance.key() {
        Some(InstanceKey::Name(name)) => Some(name.clone()),
        _ => None,
    };
    let names: Option<Vec<String>> = instances.iter().map(name).collect();
    match names {
        Some(names) => Value::Object(
            names
                .into_iter()
                .zip(instances)
                .map(|(name, found)| (name, found.attributes().clone()))
                .collect(),
        ),
        None => Value::Tuple(instances.iter().map(|instance| instance.attributes().clone()).collect()),
    }
}

/// Refuses what is not one value of the state.
fn borrowed<'a>(found: Cow<'a, Value>, path: &str) -> Result<&'a Value, Error> {
    match found {
        Cow::Borrowed(value) => Ok(value),
        Cow::Owned(_) => Err(malformed(path, "it leads to several values: `select` gives them")),
    }
}

fn missing(name: String) -> ErrorKind {
    ErrorKind::MissingOutput { name, since: None, state_has: None }
}

fn there_is(names: &[&str]) -> String {
    match names {
        [] => "there is none".to_owned(),
        names if names.len() > 20 => format!("there is {}, and more", names[..20].join(", ")),
        names => format!("there is {}", names.join(", ")),
    }
}

/// What a path begins with, which decides how messages speak of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Output,
    /// An output whose inner names are kept out of messages.
    Secret,
    /// A resource; the names of its attributes are those of the provider's schema, those below may be secret.
    Resource,
}

impl Root {
    fn missing(self, path: &str, names: &[&str], depth: usize) -> Error {
        let hint = there_is(names);
        match self {
            Root::Output => Error::new(missing(path.to_owned())).hinting(hint),
            Root::Secret => Error::new(missing(path.to_owned())),
            Root::Resource if depth == 0 => {
                malformed(path, "the resource has no such attribute").hinting(hint)
            }
            Root::Resource => malformed(path, "the attribute has no such part"),
        }
    }

    fn out_of_range(self, path: &str, length: usize) -> Error {
        let hint = format!("it has {length} elements");
        match self {
            Root::Resource => malformed(path, "there is no such element").hinting(hint),
            _ => Error::new(missing(path.to_owned())).hinting(hint),
        }
    }

    fn mismatch(self, path: &str, step: &Step, found: &Value) -> Error {
        let expected = match step {
            Step::Name(_) => "an object or map",
            Step::Index(_) => "a list, set, or tuple",
            Step::Splat => "a value with elements",
        };
        let found = found.kind();
        match self {
            Root::Resource => malformed(path, &format!("expected {expected}, found {found}")),
            _ => {
                let (path, expected, found) = (path.to_owned(), expected.to_owned(), found.to_owned());
                ErrorKind::TypeMismatch { path, expected, found }.into()
            }
        }
    }
}

/// Follows steps from a value.
fn walk<'a>(value: &'a Value, steps: &[Step], start: &str, root: Root) -> Result<Cow<'a, Value>, Error> {
    walk_on(value, steps, start, root, 0)
}

fn walk_on<'a>(
    value: &'a Value,
    steps: &[Step],
    path: &str,
    root: Root,
    depth: usize,
) -> Result<Cow<'a, Value>, Error> {
    let Some((step, rest)) = steps.split_first() else { return Ok(Cow::Borrowed(value)) };
    let deeper =
        |next: &'a Value, shown: String| walk_on(next, rest, &format!("{path}{shown}"), root, depth + 1);
    match (step, value) {
        (Step::Name(name), Value::Map(members) | Value::Object(members)) => match members.get(name) {
            Some(next) => deeper(next, format!("[{name:?}]")),
            None => {
                let names: Vec<&str> = members.keys().map(String::as_str).collect();
                Err(root.missing(&format!("{path}[{name:?}]"), &names, depth))
            }
        },
        (Step::Index(idx), Value::List(elements) | Value::Set(elements) | Value::Tuple(elements)) => {
            match position(*idx, elements.len()) {
                Some(at) => deeper(&elements[at], format!("[{idx}]")),
                None => Err(root.out_of_range(&format!("{path}[{idx}]"), elements.len())),
            }
        }
        (Step::Splat, Value::List(elements) | Value::Set(elements) | Value::Tuple(elements)) => {
            let all = elements
                .iter()
                .enumerate()
                .map(|(idx, next)| Ok(deeper(next, format!("[{idx}]"))?.into_owned()));
            Ok(Cow::Owned(Value::Tuple(all.collect::<Result<_, Error>>()?)))
        }
        (Step::Splat, Value::Map(members) | Value::Object(members)) => {
            let all =
                members.iter().map(|(name, next)| Ok(deeper(next, format!("[{name:?}]"))?.into_owned()));
            Ok(Cow::Owned(Value::Tuple(all.collect::<Result<_, Error>>()?)))
        }
        (step, found) => Err(root.mismatch(path, step, found)),
    }
}

/// Returns where an index leads in so many elements.
fn position(idx: i64, length: usize) -> Option<usize> {
    let at = match usize::try_from(idx) {
        Ok(at) => at,
        Err(_) => length.checked_sub(usize::try_from(idx.unsigned_abs()).ok()?)?,
    };
    (at < length).then_some(at)
}

fn malformed(path: &str, reason: &str) -> Error {
    ErrorKind::Address { address: path.to_owned(), reason: reason.to_owned() }.into()
}

/// Reads a path; the first dot may be missing.
fn steps(path: &str) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = bracket(inner)
                .ok_or_else(|| malformed(path, "brackets hold a number, *, or a name in double quotes"))?;
            steps.push(step);
            rest = after;
            continue;
        }
        let dotted = rest.strip_prefix('.');
        if dotted.is_none() && !steps.is_empty() {
            return Err(malformed(path, "a dot or a bracket must follow a bracket"));
        }
        let name = dotted.unwrap_or(rest);
        let end = name.find(['.', '[']).unwrap_or(name.len());
        if end == 0 {
            return Err(malformed(path, "a name is missing"));
        }
        steps.push(match &name[..end] {
            "*" if dotted.is_some() => Step::Splat,
            name => Step::Name(name.to_owned()),
        });
        rest = &name[end..];
    }
    Ok(steps)
}

/// Reads what stands in brackets and returns what follows them.
fn bracket(inner: &str) -> Option<(Step, &str)> {
    if inner.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(inner).into_iter::<String>();
        let name = stream.next()?.ok()?;
        let after = inner[stream.byte_offset()..].strip_prefix(']')?;
        return Some((Step::Name(name), after));
    }
    let (idx, after) = inner.split_once(']')?;
    match idx {
        "*" => Some((Step::Splat, after)),
        idx => Some((Step::Index(idx.parse().ok().filter(|_| !idx.starts_with('+'))?), after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"version":4,"outputs":{
        "network":{"value":{"ids":{"a.b":["x","y"]},"none":null},"type":["object",{"ids":["map",["list","string"]],"none":"string"}]},
        "secret":{"value":{"k":"v"},"type":["map","string"],"sensitive":true}},
        "resources":[{"mode":"managed","type":"aws_instance","name":"web","provider":"p","instances":[
        {"index_key":1,"attributes":{"id":"i-1"}},{"index_key":0,"attributes":{"id":"i-0"}},{"index_key":2,"deposed":"00000001","attributes":{"id":"i-2"}}]},
        {"mode":"managed","type":"aws_vpc","name":"v","provider":"p","instances":[{"attributes":{"id":"vpc-1","tags":{"secret":"s"},"l":[1]}}]},
        {"module":"module.m[\"x.y\"]","mode":"managed","type":"aws_subnet","name":"app","provider":"p",
        "instances":[{"index_key":"a","schema_version":0,"attributes":{"id":"subnet-1","tags":{"Name":"n"}}}]}]}"#;

    #[track_caller]
    fn check(path: &str, expected: Result<&str, &str>) {
        let state = WholeState::parse(TEXT.as_bytes()).unwrap();
        let found = state.select(path).map(|value| value.to_json()).map_err(|error| error.to_string());
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            _ => panic!("{path}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn paths_lead_to_values() {
        check("network.ids[\"a.b\"][1]", Ok("\"y\""));
        check("network[\"ids\"]", Ok("{\"a.b\":[\"x\",\"y\"]}"));
        check("network.none", Ok("null"));
        check("secret.k", Ok("\"v\""));
        check("module.m[\"x.y\"].aws_subnet.app[\"a\"].tags.Name", Ok("\"n\""));
        check("module.m[\"x.y\"].aws_subnet.app[\"a\"].id", Ok("\"subnet-1\""));
    }

    #[test]
    fn several_values_have_a_path_too() {
        check("network.ids[\"a.b\"][-1]", Ok("\"y\""));
        check("network.ids[\"a.b\"][-3]", Err("(it has 2 elements)"));
        check("network.ids[*][0]", Ok("[\"x\"]"));
        check("aws_instance.web[*].id", Ok("[\"i-0\",\"i-1\"]"));
        check("aws_instance.web.*.id", Ok("[\"i-0\",\"i-1\"]"));
        check("aws_instance.web[-1].id", Ok("\"i-1\""));
        check("aws_instance.web", Ok("[{\"id\":\"i-0\"},{\"id\":\"i-1\"}]"));
        check(
            "module.m[\"x.y\"].aws_subnet.app",
            Ok("{\"a\":{\"id\":\"subnet-1\",\"tags\":{\"Name\":\"n\"}}}"),
        );
        check("module.m[\"x.y\"].aws_subnet.app[*].tags[\"Name\"]", Ok("[\"n\"]"));
        let all = "{\"module.m[\\\"x.y\\\"].aws_subnet.app[\\\"a\\\"]\":{\"id\":\"subnet-1\",\"tags\":{\"Name\":\"n\"}}}";
        check("module.m[\"x.y\"]", Ok(all));
        check("module.m", Ok(all));
    }

    #[test]
    fn wrong_paths_into_resources_are_named_as_such() {
        check("aws_instance.web[5].id", Err("the state has no such instance; aws_instance.web has [0], [1]"));
        check("aws_instance.web[-3].id", Err("the state has no such instance"));
        check("aws_instance.web.id", Err("aws_instance.web has [0], [1]: name one of them, or all with [*]"));
        check("aws_instance.web[2].id", Err("no such instance"));
        check("aws_vpc.v.idd", Err("the resource has no such attribute (there is id, l, tags)"));
        check(
            "aws_vpc.v[0].id",
            Err("the state has no such instance; aws_vpc.v has one instance, without a key"),
        );
        check("aws_vpc.v.l[1]", Err("there is no such element (it has 1 elements)"));
        check("aws_vpc.v.id.x", Err("expected an object or map, found string"));
        check("module.n", Err("the state has no such resource"));
        let state = WholeState::parse(TEXT.as_bytes()).unwrap();
        let error = state.select("aws_vpc.v.tags.other").unwrap_err().to_string();
        assert!(error.contains("no such part") && !error.contains("secret"), "{error}");
        let error = state.value_at("aws_instance.web").unwrap_err().to_string();
        assert!(error.contains("several values"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        check("network.idz", Err("no output `network[\"idz\"]` in the state (there is ids, none)"));
        check("network.ids[\"a.b\"][2]", Err("(it has 2 elements)"));
        check("network.ids.x.y", Err("(there is a.b)"));
        check("network.ids[0]", Err("expected a list, set, or tuple, found map"));
        check("network.none.x", Err("expected an object or map, found null"));
        check("module.m[\"x.y\"].aws_subnet.app[\"b\"]", Err("aws_subnet.app has [\"a\"]"));
        check("aws_vpc.this.id", Err("no such resource"));
        let state = WholeState::parse(TEXT.as_bytes()).unwrap();
        let error = state.value_at("secret.other").unwrap_err();
        assert!(!error.to_string().contains("there is"), "{error}");
        let outputs: &State = &state;
        let error = outputs.value_at("nets").unwrap_err();
        assert!(error.to_string().contains("there is network, secret"), "{error}");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a..b", "a[", "a[x]", "a[\"b]", "a[0]b", "[0]", "a.", "a[--1]", "a[+1]", "a[**]"] {
            let state = State::parse(TEXT.as_bytes()).unwrap();
            let error = state.value_at(path).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Address { .. }), "{path}: {error}");
        }
    }
}
