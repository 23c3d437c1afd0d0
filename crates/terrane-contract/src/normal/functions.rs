//! Functions over values that are known, in whole or in the part that matters.

use std::collections::BTreeSet;

use terrane_hcl::expr::{BinaryOperator, Expr, FuncCall, Number};

use super::{call, joined, members, object, primitive_text, string};

/// Rows beyond which a loop is compared as it is written.
const MAX_ROWS: usize = 256;

/// Returns a call's value, or the call where that is not known.
pub(super) fn apply(mut call: FuncCall) -> Expr {
    if call.expand_final
        && let Some(Expr::Array(elements)) = call.args.last()
    {
        let elements = elements.clone();
        call.args.pop();
        call.args.extend(elements);
        call.expand_final = false;
    }
    if call.name.is_namespaced() || call.expand_final {
        return Expr::from(call);
    }
    match value(call.name.name.as_str(), &call.args) {
        Some(value) => value,
        None => unchanged(call),
    }
}

/// Returns a call without arguments that change nothing.
fn unchanged(mut call: FuncCall) -> Expr {
    match call.name.name.as_str() {
        "merge" => call.args.retain(|arg| !is_empty(arg) && *arg != Expr::Null),
        "concat" => call.args.retain(|arg| !is_empty(arg)),
        _ => return Expr::from(call),
    }
    match (call.name.name.as_str(), call.args.as_mut_slice()) {
        ("merge", [one]) => std::mem::replace(one, Expr::Null),
        _ => Expr::from(call),
    }
}

fn is_empty(value: &Expr) -> bool {
    match value {
        Expr::Array(elements) => elements.is_empty(),
        Expr::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn value(name: &str, args: &[Expr]) -> Option<Expr> {
    match (name, args) {
        ("toset", [inner]) => set(inner),
        ("tolist", [Expr::Array(_)]) | ("tomap", [Expr::Object(_)]) => None,
        ("tostring", [inner]) => Some(string(&primitive_text(inner)?)),
        ("tobool", [Expr::Bool(value)]) => Some(Expr::Bool(*value)),
        ("tonumber", [Expr::Number(number)]) => Some(Expr::Number(number.clone())),
        ("merge", many) => merged(many),
        ("concat", many) => {
            let lists: Option<Vec<&Vec<Expr>>> = many.iter().map(elements).collect();
            Some(Expr::Array(lists?.into_iter().flatten().cloned().collect()))
        }
        ("length", [inner]) => Some(number(length(inner)?)),
        ("keys", [inner]) => {
            Some(Expr::Array(members(bare(inner))?.into_iter().map(|(key, _)| string(key)).collect()))
        }
        ("values", [inner]) => {
            Some(Expr::Array(members(bare(inner))?.into_iter().map(|(_, value)| value.clone()).collect()))
        }
        ("lookup", [map, Expr::String(key), default]) => {
            let known = members(bare(map))?;
            let found = known.into_iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            Some(found.unwrap_or_else(|| default.clone()))
        }
        ("contains", [list, wanted]) => {
            let wanted = primitive_text(wanted)?;
            let known: Option<Vec<String>> = elements(list)?.iter().map(primitive_text).collect();
            Some(Expr::Bool(known?.contains(&wanted)))
        }
        ("try" | "coalesce", [first, ..]) if primitive_text(first).is_some_and(|text| !text.is_empty()) => {
            Some(first.clone())
        }
        ("distinct", [inner]) => {
            let mut seen = BTreeSet::new();
            let known = elements(inner)?;
            let texts: Vec<String> = known.iter().map(primitive_text).collect::<Option<_>>()?;
            let kept = known.iter().zip(texts).filter(|(_, text)| seen.insert(text.clone()));
            Some(Expr::Array(kept.map(|(element, _)| element.clone()).collect()))
        }
        ("compact", [inner]) => {
            let known = elements(inner)?;
            let is_text = |element: &Expr| primitive_text(element).is_some() || *element == Expr::Null;
            let is_kept = |element: &&Expr| primitive_text(element).is_some_and(|text| !text.is_empty());
            known.iter().all(is_text).then(|| Expr::Array(known.iter().filter(is_kept).cloned().collect()))
        }
        ("flatten", [inner]) => flattened(elements(inner)?).map(Expr::Array),
        ("zipmap", [keys, values]) => {
            let (keys, values) = (elements(keys)?, elements(values)?);
            let names: Option<Vec<String>> = keys.iter().map(primitive_text).collect();
            let pairs = names?.iter().map(|name| string(name)).zip(values.iter().cloned()).collect();
            (keys.len() == values.len()).then(|| object(pairs))
        }
        ("range", _) => range(args),
        ("element", [list, Expr::Number(idx)]) => {
            let known = elements(list)?;
            let idx = usize::try_from(idx.as_u64()?).ok()?;
            known.get(idx.checked_rem(known.len())?).cloned()
        }
        ("setunion", many) => {
            let sets: Option<Vec<&Vec<Expr>>> = many.iter().map(elements).collect();
            set(&Expr::Array(sets?.into_iter().flatten().cloned().collect()))
        }
        ("join", [Expr::String(separator), list]) => {
            let mut parts = Vec::new();
            for (idx, element) in elements(list)?.iter().enumerate() {
                if idx > 0 {
                    parts.push(string(separator));
                }
                parts.push(element.clone());
            }
            Some(joined(parts))
        }
        ("format", [Expr::String(pattern), rest @ ..]) => formatted(pattern, rest),
        ("upper", [Expr::String(text)]) => Some(string(&text.to_uppercase())),
        ("lower", [Expr::String(text)]) => Some(string(&text.to_lowercase())),
        ("replace", [Expr::String(text), Expr::String(from), Expr::String(to)]) if !from.starts_with('/') => {
            Some(string(&text.replace(from.as_str(), to)))
        }
        ("trimprefix", [Expr::String(text), Expr::String(prefix)]) => {
            Some(string(text.strip_prefix(prefix.as_str()).unwrap_or(text)))
        }
        ("trimsuffix", [Expr::String(text), Expr::String(suffix)]) => {
            Some(string(text.strip_suffix(suffix.as_str()).unwrap_or(text)))
        }
        _ => None,
    }
}

fn number(value: usize) -> Expr {
    Expr::Number(Number::from(value))
}

/// Returns a value without a conversion around it.
fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::FuncCall(call) if matches!(call.name.name.as_str(), "tolist" | "tomap" | "toset") => {
            call.args.first().map_or(value, bare)
        }
        other => other,
    }
}

fn elements(value: &Expr) -> Option<&Vec<Expr>> {
    if let Expr::Array(elements) = bare(value) { Some(elements) } else { None }
}

fn length(value: &Expr) -> Option<usize> {
    match bare(value) {
        Expr::Array(elements) => Some(elements.len()),
        Expr::Object(members) => Some(members.len()),
        _ => None,
    }
}

/// Returns a set, in order where its elements are known.
fn set(inner: &Expr) -> Option<Expr> {
    if let Expr::FuncCall(call) = inner
        && matches!(call.name.name.as_str(), "toset" | "setunion")
    {
        return Some(inner.clone());
    }
    let texts: Option<BTreeSet<String>> = elements(inner)?.iter().map(primitive_text).collect();
    Some(call("toset", vec![Expr::Array(texts?.iter().map(|text| string(text)).collect())]))
}

/// Merges objects that stand beside each other and whose keys are known.
fn merged(args: &[Expr]) -> Option<Expr> {
    let known: Option<Vec<Vec<(&str, &Expr)>>> = args.iter().map(|arg| members(bare(arg))).collect();
    let pairs = known?.into_iter().flatten().map(|(name, value)| (string(name), value.clone()));
    Some(object(pairs.collect()))
}

fn flattened(elements: &[Expr]) -> Option<Vec<Expr>> {
    let mut flat = Vec::new();
    for element in elements {
        match element {
            Expr::Array(inner) => flat.extend(flattened(inner)?),
            value if primitive_text(value).is_some() || matches!(value, Expr::Object(_)) => {
                flat.push(value.clone());
            }
            // It may be a list.
            _ => return None,
        }
    }
    Some(flat)
}

fn range(args: &[Expr]) -> Option<Expr> {
    let bounds: Option<Vec<u64>> =
        args.iter().map(|arg| if let Expr::Number(n) = arg { n.as_u64() } else { None }).collect();
    let (from, to) = match bounds?.as_slice() {
        [to] => (0, *to),
        [from, to] => (*from, *to),
        _ => return None,
    };
    let is_small = to.saturating_sub(from) <= MAX_ROWS as u64;
    is_small.then(|| Expr::Array((from..to).map(|n| Expr::Number(Number::from(n))).collect()))
}

/// Fills `%s`, `%d`, and `%v`, which write strings and whole numbers as a template does.
fn formatted(pattern: &str, args: &[Expr]) -> Option<Expr> {
    let mut parts = Vec::new();
    let mut args = args.iter();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        parts.push(string(before));
        match after.chars().next()? {
            '%' => parts.push(string("%")),
            's' | 'd' | 'v' => parts.push(args.next()?.clone()),
            _ => return None,
        }
        rest = &after[1..];
    }
    parts.push(string(rest));
    args.next().is_none().then(|| joined(parts))
}

/// Returns the rows of a collection that is known: key and value of each.
pub(crate) fn rows(collection: &Expr) -> Option<Vec<(Expr, Expr)>> {
    let is_set = matches!(collection, Expr::FuncCall(call) if call.name.name.as_str() == "toset");
    let rows: Vec<(Expr, Expr)> = match bare(collection) {
        Expr::Array(elements) if is_set => {
            elements.iter().map(|element| (element.clone(), element.clone())).collect()
        }
        Expr::Array(elements) => {
            elements.iter().enumerate().map(|(idx, element)| (number(idx), element.clone())).collect()
        }
        known @ Expr::Object(_) => {
            members(known)?.into_iter().map(|(key, value)| (string(key), value.clone())).collect()
        }
        _ => return None,
    };
    (rows.len() <= MAX_ROWS).then_some(rows)
}

/// Returns a member of a value that is known to have it.
pub(super) fn member(value: &Expr, name: &str) -> Option<Expr> {
    let of_object = |value: &Expr| Some(members(value)?.into_iter().find(|(key, _)| *key == name)?.1.clone());
    match value {
        Expr::FuncCall(call) if call.name.name.as_str() == "merge" && !call.expand_final => {
            for arg in call.args.iter().rev() {
                if let Some(found) = of_object(bare(arg)) {
                    return Some(found);
                }
                // What is not known might have it.
                members(bare(arg))?;
            }
            None
        }
        other => of_object(bare(other)),
    }
}

/// Compares two known numbers.
pub(super) fn compared(left: &Expr, operator: BinaryOperator, right: &Expr) -> Option<bool> {
    let (Expr::Number(left), Expr::Number(right)) = (left, right) else { return None };
    let (left, right) = (left.as_f64()?, right.as_f64()?);
    match operator {
        BinaryOperator::Less => Some(left < right),
        BinaryOperator::LessEq => Some(left <= right),
        BinaryOperator::Greater => Some(left > right),
        BinaryOperator::GreaterEq => Some(left >= right),
        _ => None,
    }
}
