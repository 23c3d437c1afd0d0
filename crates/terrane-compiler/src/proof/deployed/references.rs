//! References of a plan's configuration, followed through the variables and outputs of modules to resources.

use serde_json::Value;

use crate::features::NAT_HOMES;

/// A resource that an expression refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf<'a> {
    /// The calls that lead to its module.
    pub(super) calls: Vec<String>,
    /// The address of its module with a dot at the end, if it can be one instance only.
    pub(super) module: Option<String>,
    pub(super) ty: &'a str,
    pub(super) name: &'a str,
    /// The index, if it is written out.
    pub(super) index: Option<&'a str>,
}

/// What an expression refers to.
#[derive(Debug, Default)]
pub(super) struct Leaves<'a> {
    pub(super) leaves: Vec<Leaf<'a>>,
    /// `each.key` of the resource itself.
    pub(super) each: bool,
    /// The map of a compiled module from a zone letter to that of its NAT gateway.
    pub(super) homes: bool,
    /// Something that leads to no resource: a local, a data source, a variable that is given as text.
    pub(super) other: bool,
    /// An index that is not written out.
    pub(super) ambiguous: bool,
}

/// Modules deeper than this are not followed: a document could name itself in a circle.
const DEPTH: u32 = 32;

/// Returns the configuration of the module that these calls lead to.
pub(super) fn module<'a>(root: &'a Value, calls: &[String]) -> &'a Value {
    calls.iter().fold(root, |module, call| &module["module_calls"][call.as_str()]["module"])
}

/// Returns what references mean that stand in the module with these calls and this address.
pub(super) fn leaves<'a>(
    root: &'a Value,
    calls: &[String],
    address: Option<&str>,
    references: &'a Value,
) -> Leaves<'a> {
    let mut found = Leaves::default();
    Follow { root, depth: 0 }.all(calls, address, references, &mut found);
    found
}

struct Follow<'a> {
    root: &'a Value,
    depth: u32,
}

impl<'a> Follow<'a> {
    fn all(&self, calls: &[String], address: Option<&str>, references: &'a Value, found: &mut Leaves<'a>) {
        let texts: Vec<&str> =
            references.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for text in &texts {
            // A reference to an attribute is followed by those to its resource or module, which say no more.
            let longer = |other: &&str| other.len() > text.len() && is_part(text, other);
            if (text.starts_with("module.") || text.starts_with("var.")) && texts.iter().any(longer) {
                continue;
            }
            self.one(calls, address, text, found);
        }
    }

    fn one(&self, calls: &[String], address: Option<&str>, text: &'a str, found: &mut Leaves<'a>) {
        let (head, rest) = text.split_once('.').unwrap_or((text, ""));
        match head {
            "each" if rest == "key" && self.depth == 0 => found.each = true,
            // The object that holds the key or value is listed beside it.
            "each" | "count" => found.ambiguous = true,
            "var" => self.variable(calls, address, rest, found),
            "module" => self.output(calls, address, rest, found),
            "local" if rest == NAT_HOMES && self.depth == 0 => found.homes = true,
            "data" | "local" | "path" | "terraform" | "self" => found.other = true,
            ty => {
                let (name, index, _) = step(rest);
                found.leaves.push(Leaf {
                    calls: calls.to_vec(),
                    module: address.map(str::to_owned),
                    ty,
                    name,
                    index,
                });
            }
        }
    }

    fn variable(&self, calls: &[String], address: Option<&str>, rest: &'a str, found: &mut Leaves<'a>) {
        let Some((call, outer)) = calls.split_last().filter(|_| self.depth < DEPTH) else {
            found.other = true;
            return;
        };
        let (name, _, _) = step(rest);
        let given = &module(self.root, outer)["module_calls"][call.as_str()]["expressions"][name];
        if given["references"].as_array().is_none_or(Vec::is_empty) {
            // A flag names nothing; text and whatever the module takes by default may be any id.
            found.other |= !given["constant_value"].is_boolean() && !given["constant_value"].is_number();
            return;
        }
        let address = address.and_then(outer_address);
        let deeper = Follow { root: self.root, depth: self.depth + 1 };
        deeper.all(outer, address.as_deref(), &given["references"], found);
    }

    fn output(&self, calls: &[String], address: Option<&str>, rest: &'a str, found: &mut Leaves<'a>) {
        let (name, index, rest) = step(rest);
        let call = &module(self.root, calls)["module_calls"][name];
        let (output, _, _) = step(rest);
        let expression = &call["module"]["outputs"][output]["expression"];
        if output.is_empty()
            || self.depth >= DEPTH
            || expression["references"].as_array().is_none_or(Vec::is_empty)
        {
            found.other = true;
            return;
        }
        let several = !call["count_expression"].is_null() || !call["for_each_expression"].is_null();
        let inner = match (address, index) {
            (Some(address), Some(index)) => Some(format!("{address}module.{name}[{index}].")),
            (Some(address), None) if !several => Some(format!("{address}module.{name}.")),
            _ => None,
        };
        let calls: Vec<String> = calls.iter().cloned().chain([name.to_owned()]).collect();
        let deeper = Follow { root: self.root, depth: self.depth + 1 };
        deeper.all(&calls, inner.as_deref(), &expression["references"], found);
    }
}

/// Returns whether a reference is the beginning of another.
fn is_part(text: &str, longer: &str) -> bool {
    longer.strip_prefix(text).is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Returns the address of the module that calls the one with this address.
fn outer_address(address: &str) -> Option<String> {
    let bare = address.strip_suffix('.')?;
    let bare = if bare.ends_with(']') { &bare[..bare.rfind('[')?] } else { bare };
    let outer = bare.rsplit_once("module.")?.0;
    Some(outer.to_owned())
}

/// Splits `name[index].rest`: a name, an index if one is written out, and the rest.
fn step(text: &str) -> (&str, Option<&str>, &str) {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(inner) = rest.strip_prefix('[') else { return (name, None, rest.trim_start_matches('.')) };
    let Some((index, rest)) = inner.split_once(']') else { return (name, None, "") };
    (name, Some(index), rest.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(calls: &[&str], address: &str, references: &[&str]) -> (Vec<String>, bool) {
        let root = json!({
            "module_calls": {
                "gw": {"module": {"outputs": {
                    "id": {"expression": {"references": ["aws_internet_gateway.this.id", "aws_internet_gateway.this"]}},
                    "name": {"expression": {"constant_value": "x"}},
                }}},
                "net": {
                    "for_each_expression": {},
                    "expressions": {
                        "gateway": {"references": ["module.gw.id", "module.gw"]},
                        "text": {"constant_value": "igw-1"},
                        "flag": {"constant_value": true},
                    },
                    "module": {},
                },
            },
        });
        let calls: Vec<String> = calls.iter().map(|call| (*call).to_owned()).collect();
        let references = json!(references);
        let found = leaves(&root, &calls, Some(address), &references);
        let words = |leaf: &Leaf<'_>| {
            format!("{}{}.{}", leaf.module.clone().unwrap_or_else(|| "?".to_owned()), leaf.ty, leaf.name)
        };
        (found.leaves.iter().map(words).collect(), found.other)
    }

    #[test]
    fn outputs_and_variables_of_modules_lead_to_resources() {
        let gateway = "module.gw.aws_internet_gateway.this";
        let twice = vec![gateway.to_owned(), gateway.to_owned()];
        assert_eq!(found(&[], "", &["module.gw.id", "module.gw"]), (twice.clone(), false));
        assert_eq!(found(&["net"], "module.net[\"a\"].", &["var.gateway"]), (twice, false));
    }

    #[test]
    fn text_and_whole_modules_lead_nowhere() {
        for reference in
            ["module.gw.name", "module.gw", "module.other.id", "local.x", "data.aws_vpc.x.id", "var.x"]
        {
            assert_eq!(found(&[], "", &[reference]), (Vec::new(), true), "{reference}");
        }
        assert_eq!(found(&["net"], "module.net[\"a\"].", &["var.text"]), (Vec::new(), true));
        assert_eq!(found(&["net"], "module.net[\"a\"].", &["var.flag"]), (Vec::new(), false));
    }
}
