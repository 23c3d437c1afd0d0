//! Values by their path, as error messages name them: `network.subnet_ids["app"][0]`.

use crate::error::{Error, ErrorKind};
use crate::state::{State, WholeState};
use crate::value::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl State {
    /// Returns a value by the output's name and the path inside it, such as `network.subnet_ids["app"]["a"]`.
    ///
    /// Names follow a dot or stand in brackets and quotes; numbers in brackets count from 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`] for a text that is no path; [`ErrorKind::MissingOutput`], with the names that are
    /// there unless the output is sensitive; [`ErrorKind::TypeMismatch`] for a step into a value that has no parts.
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
        let steps = steps(path)?;
        let Some((Step::Name(name), rest)) = steps.split_first() else {
            return Err(malformed(path, "it must begin with the name of an output"));
        };
        let Some(output) = self.get(name)? else {
            let names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
            return Err(self.error(missing(name.clone())).hinting(there_is(&names)));
        };
        walk(output.value(), rest, name, output.sensitive()).map_err(|error| self.placed(error))
    }

    fn placed(&self, error: Error) -> Error {
        match &self.origin.place {
            Some(place) => error.at(place.clone()),
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
    /// Those of [`State::value_at`]; for a path that begins with no output, [`ErrorKind::Address`] if it begins with
    /// no resource either.
    pub fn value_at(&self, path: &str) -> Result<&Value, Error> {
        let outputs: &State = self;
        if let Some(Step::Name(name)) = steps(path)?.first()
            && outputs.get(name)?.is_some()
        {
            return outputs.value_at(path);
        }
        let below = |address: &str| {
            let rest = path.strip_prefix(address)?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
        };
        let current = self.instances().filter(|instance| instance.deposed().is_none());
        let found = current.filter_map(|instance| Some((instance, below(instance.address())?)));
        let Some((instance, rest)) = found.max_by_key(|(instance, _)| instance.address().len()) else {
            // Says which instances come close.
            return self.instance(path).map(|instance| instance.attributes());
        };
        let steps = steps(rest)?;
        walk(instance.attributes(), &steps, instance.address(), true).map_err(|error| outputs.placed(error))
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

/// Follows steps; `hidden` keeps the names of what is there out of messages.
fn walk<'a>(mut value: &'a Value, steps: &[Step], start: &str, hidden: bool) -> Result<&'a Value, Error> {
    let mut path = start.to_owned();
    for step in steps {
        let (next, shown) = match step {
            Step::Name(name) => (value.get(name), format!("[{name:?}]")),
            Step::Index(idx) => (value.at(*idx), format!("[{idx}]")),
        };
        let next_path = format!("{path}{shown}");
        let here = std::mem::replace(&mut path, next_path);
        value = match (next, value, step) {
            (Some(next), ..) => next,
            (None, Value::Map(members) | Value::Object(members), Step::Name(_)) => {
                let names: Vec<&str> = members.keys().map(String::as_str).collect();
                let error = Error::new(missing(path));
                return Err(if hidden { error } else { error.hinting(there_is(&names)) });
            }
            (None, Value::List(elements) | Value::Set(elements) | Value::Tuple(elements), Step::Index(_)) => {
                let hint = format!("it has {} elements", elements.len());
                return Err(Error::new(missing(path)).hinting(hint));
            }
            (None, found, step) => {
                let expected = match step {
                    Step::Name(_) => "an object or map",
                    Step::Index(_) => "a list, set, or tuple",
                };
                let (expected, found) = (expected.to_owned(), found.kind().to_owned());
                return Err(ErrorKind::TypeMismatch { path: here, expected, found }.into());
            }
        };
    }
    Ok(value)
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
                .ok_or_else(|| malformed(path, "brackets hold a number, or a name in double quotes"))?;
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
        steps.push(Step::Name(name[..end].to_owned()));
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
    Some((Step::Index(idx.parse().ok()?), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"version":4,"outputs":{
        "network":{"value":{"ids":{"a.b":["x","y"]},"none":null},"type":["object",{"ids":["map",["list","string"]],"none":"string"}]},
        "secret":{"value":{"k":"v"},"type":["map","string"],"sensitive":true}},
        "resources":[{"module":"module.m[\"x.y\"]","mode":"managed","type":"aws_subnet","name":"app","provider":"p",
        "instances":[{"index_key":"a","schema_version":0,"attributes":{"id":"subnet-1","tags":{"Name":"n"}}}]}]}"#;

    #[track_caller]
    fn check(path: &str, expected: Result<&str, &str>) {
        let state = WholeState::parse(TEXT.as_bytes()).unwrap();
        let found = state.value_at(path).map(Value::to_json).map_err(|error| error.to_string());
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
    fn what_is_not_there_is_named_with_what_is() {
        check("network.idz", Err("no output `network[\"idz\"]` in the state (there is ids, none)"));
        check("network.ids[\"a.b\"][2]", Err("(it has 2 elements)"));
        check("network.ids.x.y", Err("(there is a.b)"));
        check("network.ids[0]", Err("expected a list, set, or tuple, found map"));
        check("network.none.x", Err("expected an object or map, found null"));
        check("module.m[\"x.y\"].aws_subnet.app[\"b\"]", Err("aws_subnet.app[\"a\"]"));
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
        for path in ["", "a..b", "a[", "a[x]", "a[\"b]", "a[0]b", "[0]", "a.", "a[-1]"] {
            let state = State::parse(TEXT.as_bytes()).unwrap();
            let error = state.value_at(path).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Address { .. }), "{path}: {error}");
        }
    }
}
