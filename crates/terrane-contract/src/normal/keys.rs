//! Which instances a `count` or `for_each` makes, as far as that is known.

use std::collections::BTreeSet;

use terrane_hcl::expr::{Conditional, Expr, ForExpr, Identifier, ObjectKey, TraversalOperator};

use super::{Definitions, TEMPLATE, call, primitive_text, string};

/// The keys of a map, or the elements of a set: what `for_each` makes of a value.
const KEYS: &str = "%keys";
/// The elements of a list or set.
const ELEMENTS: &str = "%elements";
/// The keys of two collections together.
const UNION: &str = "%union";
/// A key for each row of a collection: the collection, the key, and the condition.
const EACH: &str = "%each";

/// A `count` beyond this is compared as it is written.
const MAX_COUNT: u64 = 1000;

/// The instances that a `count` or a `for_each` makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Keys {
    /// What decides the keys, and nothing else: equal ones make the same instances.
    pub(crate) form: Option<Expr>,
    /// The keys, where they can be told; those of either branch of a condition.
    pub(crate) known: BTreeSet<String>,
    /// Whether a condition decides which of the known ones there are.
    pub(crate) is_conditional: bool,
}

impl Keys {
    /// Reads a `count`.
    pub(crate) fn of_count(count: &Expr) -> Keys {
        let known = counts(count).unwrap_or_default();
        Keys { form: Some(count.clone()), known, is_conditional: !matches!(count, Expr::Number(_)) }
    }

    /// Reads a `for_each`.
    pub(crate) fn of_each(each: &Expr, definitions: &Definitions<'_>) -> Keys {
        let form = keys(each, definitions);
        let known = known(&form).unwrap_or_default();
        let is_conditional = !matches!(form, Expr::Array(_));
        Keys { form: Some(form), known, is_conditional }
    }
}

/// Returns the numbers that a count may make instances of.
fn counts(count: &Expr) -> Option<BTreeSet<String>> {
    match count {
        Expr::Number(count) => {
            let count = count.as_u64().filter(|count| *count <= MAX_COUNT)?;
            Some((0..count).map(|idx| idx.to_string()).collect())
        }
        Expr::Conditional(conditional) => {
            let mut known = counts(&conditional.true_expr)?;
            known.extend(counts(&conditional.false_expr)?);
            Some(known)
        }
        _ => None,
    }
}

/// Returns the keys of a form whose keys can be told.
fn known(form: &Expr) -> Option<BTreeSet<String>> {
    match form {
        Expr::Array(elements) => elements.iter().map(primitive_text).collect(),
        Expr::Conditional(conditional) => {
            let mut keys = known(&conditional.true_expr)?;
            keys.extend(known(&conditional.false_expr)?);
            Some(keys)
        }
        Expr::FuncCall(call) if call.name.name.as_str() == UNION => {
            let parts: Option<Vec<_>> = call.args.iter().map(known).collect();
            Some(parts?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Returns what decides the keys of a `for_each` over a value in normal form.
fn keys(value: &Expr, definitions: &Definitions<'_>) -> Expr {
    let opaque = || call(KEYS, vec![value.clone()]);
    match value {
        Expr::Object(all) => {
            let mut names: Vec<Expr> = Vec::new();
            for (key, _) in all {
                match key {
                    ObjectKey::Expression(name) => names.push(name.clone()),
                    other => names.push(string(&other.to_string())),
                }
            }
            set_of(names)
        }
        Expr::Conditional(conditional) => {
            let Conditional { cond_expr, true_expr, false_expr } = conditional.as_ref();
            super::choose(cond_expr.clone(), keys(true_expr, definitions), keys(false_expr, definitions))
        }
        Expr::FuncCall(call) => match (call.name.name.as_str(), call.args.as_slice()) {
            ("toset", [inner]) => elements(inner, definitions),
            ("tomap", [inner]) => keys(inner, definitions),
            ("zipmap", [names, _]) => elements(names, definitions),
            ("merge", many) if !call.expand_final => {
                union(many.iter().map(|part| keys(part, definitions)).collect())
            }
            ("setunion", many) if !call.expand_final => {
                union(many.iter().map(|part| elements(part, definitions)).collect())
            }
            _ => opaque(),
        },
        Expr::ForExpr(each) => match &each.key_expr {
            Some(key) => rows(each, key, definitions),
            None => elements(value, definitions),
        },
        Expr::Traversal(_) if is_set(value, definitions) => elements(value, definitions),
        _ => opaque(),
    }
}

/// Returns what decides the elements of a list or set.
fn elements(value: &Expr, definitions: &Definitions<'_>) -> Expr {
    let opaque = || call(ELEMENTS, vec![value.clone()]);
    match value {
        Expr::Array(elements) => set_of(elements.clone()),
        Expr::Conditional(conditional) => {
            let Conditional { cond_expr, true_expr, false_expr } = conditional.as_ref();
            super::choose(
                cond_expr.clone(),
                elements(true_expr, definitions),
                elements(false_expr, definitions),
            )
        }
        Expr::FuncCall(call) => match (call.name.name.as_str(), call.args.as_slice()) {
            ("toset" | "tolist" | "distinct" | "sort" | "reverse", [inner]) => elements(inner, definitions),
            ("keys", [inner]) => keys(inner, definitions),
            ("concat" | "setunion", many) if !call.expand_final => {
                union(many.iter().map(|part| elements(part, definitions)).collect())
            }
            _ => opaque(),
        },
        Expr::ForExpr(each) if each.key_expr.is_none() => rows(each, &each.value_expr, definitions),
        _ => opaque(),
    }
}

/// Returns what decides a set with one element for each row of a loop.
fn rows(each: &ForExpr, key: &Expr, definitions: &Definitions<'_>) -> Expr {
    let is_variable = |kind: &str| matches!(key, Expr::Variable(name) if name.as_str().starts_with(kind));
    let cond = each.cond_expr.clone();
    match cond {
        None if is_variable("%key") => keys(&each.collection_expr, definitions),
        None if is_variable("%value") => elements(&each.collection_expr, definitions),
        cond => {
            // Rows that are known as far as their keys go need not show their values.
            let collection = each.collection_expr.clone();
            call(EACH, vec![collection, key.clone(), cond.unwrap_or(Expr::Bool(true))])
        }
    }
}

fn is_set(value: &Expr, definitions: &Definitions<'_>) -> bool {
    let Expr::Traversal(traversal) = value else { return false };
    match (&traversal.expr, traversal.operators.as_slice()) {
        (Expr::Variable(root), [TraversalOperator::Index(Expr::String(name))]) => {
            root.as_str() == "var" && definitions.sets.contains(name.as_str())
        }
        _ => false,
    }
}

/// Returns a set of keys in order.
fn set_of(keys: Vec<Expr>) -> Expr {
    let texts: Option<BTreeSet<String>> = keys.iter().map(primitive_text).collect();
    match texts {
        Some(texts) => Expr::Array(texts.iter().map(|text| string(text)).collect()),
        None => {
            let mut keys = keys;
            keys.sort_by_key(|key| format!("{key:?}"));
            keys.dedup();
            call(UNION, keys.into_iter().map(|key| Expr::Array(vec![key])).collect())
        }
    }
}

fn union(parts: Vec<Expr>) -> Expr {
    let mut names = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        match part {
            Expr::Array(elements) => names.extend(elements),
            Expr::FuncCall(call) if call.name.name.as_str() == UNION => others.extend(call.args),
            other => others.push(other),
        }
    }
    if others.is_empty() {
        return set_of(names);
    }
    if !names.is_empty() {
        others.push(set_of(names));
    }
    others.sort_by_key(|part| format!("{part:?}"));
    others.dedup();
    if others.len() == 1 { others.remove(0) } else { call(UNION, others) }
}

/// Whether two loops over the same rows make other keys for certain: what their keys are made of differs in what is
/// written out.
pub(crate) fn differ_for_certain(old: &Expr, new: &Expr) -> bool {
    let (Some((old_rows, old_key, old_cond)), Some((new_rows, new_key, new_cond))) =
        (loop_of(old), loop_of(new))
    else {
        return false;
    };
    if old_rows != new_rows || old_cond != new_cond {
        return false;
    }
    let (old_values, old_texts) = parts(&old_key);
    let (new_values, new_texts) = parts(&new_key);
    old_values == new_values && old_texts != new_texts
}

/// Returns the rows of a loop, its key, and its condition.
fn loop_of(form: &Expr) -> Option<(Expr, Expr, Expr)> {
    let Expr::FuncCall(call) = form else { return None };
    match (call.name.name.as_str(), call.args.as_slice()) {
        (EACH, [rows, key, cond]) => Some((rows.clone(), key.clone(), cond.clone())),
        (KEYS, [rows]) => {
            let key = Expr::Variable(Identifier::unchecked("%key0"));
            Some((rows.clone(), key, Expr::Bool(true)))
        }
        (ELEMENTS, [rows]) => {
            let key = Expr::Variable(Identifier::unchecked("%value0"));
            Some((rows.clone(), key, Expr::Bool(true)))
        }
        _ => None,
    }
}

/// Takes a key apart into its values and the texts between them.
fn parts(key: &Expr) -> (Vec<&Expr>, Vec<&str>) {
    let all = match key {
        Expr::FuncCall(call) if call.name.name.as_str() == TEMPLATE => call.args.as_slice(),
        one => std::slice::from_ref(one),
    };
    let text = |part: &'_ Expr| matches!(part, Expr::String(_));
    let values = all.iter().filter(|part| !text(part)).collect();
    let texts =
        all.iter().filter_map(|part| if let Expr::String(text) = part { Some(text.as_str()) } else { None });
    (values, texts.collect())
}
