//! Expressions in a form in which those that mean the same are equal.
//!
//! Local values are put where they are used, by the part that is used; what is known is computed; parentheses, quotes,
//! and names of loop variables no longer show. Two forms that are equal mean the same; two that are not may still.

mod functions;
mod keys;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrane_hcl::expr::{
    BinaryOp, BinaryOperator, Conditional, Element, Expr, ForExpr, FuncCall, FuncName, Identifier, Number,
    ObjectKey, Operation, Strip, TemplateExpr, Traversal, TraversalOperator, UnaryOp, UnaryOperator,
};

pub(crate) use self::functions::rows;
pub(crate) use self::keys::{Keys, differ_for_certain};
use crate::expression::canonical;

/// A template with parts that are not known: literals and values in turn.
const TEMPLATE: &str = "%template";
/// A template that is compared as text, with the local values that it names.
const TEXT: &str = "%text";
/// An expression too large to be put together, with everything that it may use.
const LARGE: &str = "%large";

/// What the names in a module's expressions stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definitions<'a> {
    pub(crate) locals: BTreeMap<&'a str, &'a Expr>,
    /// Variables whose value is known, since no caller of the old version can set them.
    pub(crate) constants: BTreeMap<&'a str, Expr>,
    /// Variables that are sets, so that their keys are their elements.
    pub(crate) sets: BTreeSet<&'a str>,
    /// Local values that were written before, with the number of their parts.
    pub(crate) written: RefCell<HashMap<String, (Expr, usize)>>,
}

impl Definitions<'_> {
    /// Returns the form of an expression that equal ones share.
    pub(crate) fn normal(&self, expression: &Expr) -> Expr {
        /// Parts of one expression, beyond which it is compared with everything that it may use.
        const MAX_PARTS: usize = 20_000;
        let mut writer =
            Writer { definitions: self, parts: MAX_PARTS, open: Vec::new(), depth: 0, n_cuts: 0 };
        let normal = writer.write(expression, &Bound::default());
        if writer.parts > 0 {
            return normal;
        }
        let everything = self.locals.iter().map(|(name, value)| format!("{name} = {}", canonical(value)));
        call(LARGE, vec![string(&canonical(expression)), string(&everything.collect::<Vec<_>>().join("\n"))])
    }
}

/// What loop variables stand for.
#[derive(Clone, Default)]
struct Bound(Vec<(String, Expr)>);

impl Bound {
    fn get(&self, name: &str) -> Option<&Expr> {
        self.0.iter().rev().find(|(bound, _)| bound == name).map(|(_, value)| value)
    }

    fn with(&self, names: [(Option<&Identifier>, Expr); 2]) -> Bound {
        let mut bound = self.clone();
        bound.0.extend(names.into_iter().filter_map(|(name, value)| Some((name?.to_string(), value))));
        bound
    }
}

struct Writer<'d, 'a> {
    definitions: &'d Definitions<'a>,
    /// How many parts may still be written.
    parts: usize,
    /// Local values that are being written, to end circles.
    open: Vec<String>,
    /// How many loops surround the place.
    depth: usize,
    /// How often a circle was ended.
    n_cuts: usize,
}

impl Writer<'_, '_> {
    fn write(&mut self, expression: &Expr, bound: &Bound) -> Expr {
        if self.parts == 0 {
            return Expr::Null;
        }
        self.parts -= 1;
        match expression {
            Expr::Parenthesis(inner) => self.write(inner, bound),
            Expr::Array(elements) => {
                Expr::Array(elements.iter().map(|element| self.write(element, bound)).collect())
            }
            Expr::Object(members) => {
                let members = members
                    .iter()
                    .map(|(key, value)| (self.key(key, bound), self.write(value, bound)))
                    .collect();
                object(members)
            }
            Expr::TemplateExpr(template) => self.template(template, bound),
            Expr::Variable(name) => bound.get(name.as_str()).cloned().unwrap_or_else(|| expression.clone()),
            Expr::Traversal(traversal) => self.traversal(traversal, bound),
            Expr::FuncCall(call) => {
                let args = call.args.iter().map(|arg| self.write(arg, bound)).collect();
                let call = FuncCall { name: call.name.clone(), args, expand_final: call.expand_final };
                functions::apply(call)
            }
            Expr::Conditional(conditional) => {
                let Conditional { cond_expr, true_expr, false_expr } = conditional.as_ref();
                match self.write(cond_expr, bound) {
                    Expr::Bool(true) => self.write(true_expr, bound),
                    Expr::Bool(false) => self.write(false_expr, bound),
                    cond => choose(cond, self.write(true_expr, bound), self.write(false_expr, bound)),
                }
            }
            Expr::Operation(operation) => match operation.as_ref() {
                Operation::Unary(unary) => unary_of(unary.operator, self.write(&unary.expr, bound)),
                Operation::Binary(binary) => {
                    let (left, right) =
                        (self.write(&binary.lhs_expr, bound), self.write(&binary.rhs_expr, bound));
                    binary_of(left, binary.operator, right)
                }
            },
            Expr::ForExpr(each) => self.each(each, bound),
            other => other.clone(),
        }
    }

    fn key(&mut self, key: &ObjectKey, bound: &Bound) -> Expr {
        let value = match key {
            ObjectKey::Identifier(name) => return string(name.as_str()),
            ObjectKey::Expression(expression) => self.write(expression, bound),
        };
        primitive_text(&value).map_or(value, |text| string(&text))
    }

    fn template(&mut self, template: &TemplateExpr, bound: &Bound) -> Expr {
        let as_text = |writer: &mut Self| {
            let text = template.text().to_owned();
            let named = writer.definitions.locals.keys().filter(|name| mentions(&text, name));
            let named: Vec<String> = named.map(|name| (*name).to_owned()).collect();
            let values = named.iter().map(|name| writer.local(name));
            let values: Vec<Expr> = values.collect();
            call(TEXT, [string(&text)].into_iter().chain(values).collect())
        };
        let Some(parsed) = template.parts() else { return as_text(self) };
        let mut parts = Vec::new();
        for element in &parsed.elements {
            match element {
                Element::Literal(text) => parts.push(string(text)),
                Element::Interpolation(inner) if inner.strip == Strip::NONE => {
                    parts.push(self.write(&inner.expr, bound));
                }
                _ => return as_text(self),
            }
        }
        match (parsed.elements.as_slice(), parts.as_slice()) {
            // One interpolation alone is its value, of any type.
            ([Element::Interpolation(_)], [value]) => value.clone(),
            _ => joined(parts),
        }
    }

    fn traversal(&mut self, traversal: &Traversal, bound: &Bound) -> Expr {
        let mut operators = traversal.operators.as_slice();
        let base = match &traversal.expr {
            Expr::Variable(root) => match (bound.get(root.as_str()), operators) {
                (Some(value), _) => value.clone(),
                (None, [TraversalOperator::GetAttr(name), rest @ ..])
                    if root.as_str() == "local" && self.definitions.locals.contains_key(name.as_str()) =>
                {
                    // A part of a local value is all that is written of it.
                    if let Some((value, rest)) = self.part_of_local(name.as_str(), rest) {
                        operators = rest;
                        value
                    } else {
                        operators = rest;
                        self.local(name.as_str())
                    }
                }
                (None, [TraversalOperator::GetAttr(name), rest @ ..])
                    if root.as_str() == "var" && self.definitions.constants.contains_key(name.as_str()) =>
                {
                    operators = rest;
                    self.definitions.constants[name.as_str()].clone()
                }
                _ => traversal.expr.clone(),
            },
            other => self.write(other, bound),
        };
        let operators = operators.iter().map(|operator| self.operator(operator, bound)).collect();
        reached(base, operators)
    }

    /// Follows names into a local value that is written as an object, without writing its other members.
    fn part_of_local<'o>(
        &mut self,
        name: &str,
        mut operators: &'o [TraversalOperator],
    ) -> Option<(Expr, &'o [TraversalOperator])> {
        let mut value = *self.definitions.locals.get(name)?;
        let mut n_steps = 0;
        while let [operator, rest @ ..] = operators {
            let key = match operator {
                TraversalOperator::GetAttr(name) => name.as_str(),
                TraversalOperator::Index(Expr::String(name)) => name.as_str(),
                _ => break,
            };
            let Expr::Object(members) = value else { break };
            let named = members.iter().map(|(key, value)| Some((crate::expression::key_name(key)?, value)));
            // A computed key might be the one.
            let named = named.collect::<Option<Vec<_>>>()?;
            let Some((_, member)) = named.into_iter().rev().find(|(name, _)| name == key) else { break };
            (value, operators, n_steps) = (member, rest, n_steps + 1);
        }
        if n_steps == 0 || self.open.iter().any(|open| open == name) {
            return None;
        }
        let depth = std::mem::take(&mut self.depth);
        self.open.push(name.to_owned());
        let written = self.write(value, &Bound::default());
        self.open.pop();
        self.depth = depth;
        Some((written, operators))
    }

    fn local(&mut self, name: &str) -> Expr {
        if let Some((value, n_parts)) = self.definitions.written.borrow().get(name) {
            self.parts = self.parts.saturating_sub(*n_parts);
            return value.clone();
        }
        let Some(value) =
            self.definitions.locals.get(name).filter(|_| !self.open.iter().any(|open| open == name))
        else {
            self.n_cuts += 1;
            let operators = [TraversalOperator::Index(string(name))];
            return Expr::from(Traversal::new(Expr::Variable(Identifier::unchecked("local")), operators));
        };
        let (parts, n_cuts, depth) = (self.parts, self.n_cuts, std::mem::take(&mut self.depth));
        self.open.push(name.to_owned());
        let written = self.write(value, &Bound::default());
        self.open.pop();
        self.depth = depth;
        if self.n_cuts == n_cuts && self.parts > 0 {
            let kept = (written.clone(), parts - self.parts);
            self.definitions.written.borrow_mut().insert(name.to_owned(), kept);
        }
        written
    }

    fn operator(&mut self, operator: &TraversalOperator, bound: &Bound) -> TraversalOperator {
        match operator {
            TraversalOperator::GetAttr(name) => TraversalOperator::Index(string(name.as_str())),
            TraversalOperator::LegacyIndex(number) => {
                TraversalOperator::Index(Expr::Number(Number::from(*number)))
            }
            TraversalOperator::Index(index) => TraversalOperator::Index(self.write(index, bound)),
            other => other.clone(),
        }
    }

    fn each(&mut self, each: &ForExpr, bound: &Bound) -> Expr {
        let collection = self.write(&each.collection_expr, bound);
        if let Some(rows) = functions::rows(&collection)
            && let Some(computed) = self.computed(each, rows, bound)
        {
            return computed;
        }
        let variable =
            |kind: &str, depth: usize| Expr::Variable(Identifier::unchecked(&format!("%{kind}{depth}")));
        let names = [
            (each.key_var.as_ref(), variable("key", self.depth)),
            (Some(&each.value_var), variable("value", self.depth)),
        ];
        let inner = bound.with(names);
        self.depth += 1;
        let key_expr = each.key_expr.as_ref().map(|key| self.write(key, &inner));
        let value_expr = self.write(&each.value_expr, &inner);
        let cond_expr = each.cond_expr.as_ref().map(|cond| self.write(cond, &inner));
        self.depth -= 1;
        Expr::from(ForExpr {
            key_var: None,
            value_var: Identifier::unchecked("_"),
            collection_expr: collection,
            key_expr,
            value_expr,
            grouping: each.grouping,
            cond_expr: cond_expr.filter(|cond| *cond != Expr::Bool(true)),
        })
    }

    /// Computes a loop over known rows, where it is known which of them remain, and under which keys.
    fn computed(&mut self, each: &ForExpr, rows: Vec<(Expr, Expr)>, bound: &Bound) -> Option<Expr> {
        let (mut elements, mut members) = (Vec::new(), Vec::new());
        for (key, value) in rows {
            let inner = bound.with([(each.key_var.as_ref(), key), (Some(&each.value_var), value)]);
            match each.cond_expr.as_ref().map(|cond| self.write(cond, &inner)) {
                None | Some(Expr::Bool(true)) => {}
                Some(Expr::Bool(false)) => continue,
                Some(_) => return None,
            }
            let value = self.write(&each.value_expr, &inner);
            match &each.key_expr {
                None => elements.push(value),
                Some(_) if each.grouping => return None,
                Some(key) => {
                    let key = self.write(key, &inner);
                    members.push((string(&primitive_text(&key)?), value));
                }
            }
        }
        Some(if each.key_expr.is_some() { object(members) } else { Expr::Array(elements) })
    }
}

/// Whether a text uses a local value.
fn mentions(text: &str, local: &str) -> bool {
    text.match_indices(&format!("local.{local}")).any(|(start, found)| {
        let follows = text[start + found.len()..].chars().next();
        !follows.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
    })
}

pub(crate) fn string(text: &str) -> Expr {
    Expr::String(text.to_owned())
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::from(FuncCall {
        name: FuncName { namespace: Vec::new(), name: Identifier::unchecked(name) },
        args,
        expand_final: false,
    })
}

/// Returns an object with its members in order, the last one of each key.
pub(crate) fn object(members: Vec<(Expr, Expr)>) -> Expr {
    let mut sorted: BTreeMap<String, (Expr, Expr)> = BTreeMap::new();
    for (key, value) in members {
        let name = if let Expr::String(name) = &key { format!("s{name}") } else { format!("x{key:?}") };
        sorted.insert(name, (key, value));
    }
    Expr::Object(sorted.into_values().map(|(key, value)| (ObjectKey::Expression(key), value)).collect())
}

/// Returns the members of an object whose keys are all known.
pub(crate) fn members(expression: &Expr) -> Option<Vec<(&str, &Expr)>> {
    let Expr::Object(members) = expression else { return None };
    members
        .iter()
        .map(|(key, value)| match key {
            ObjectKey::Expression(Expr::String(name)) => Some((name.as_str(), value)),
            ObjectKey::Identifier(name) => Some((name.as_str(), value)),
            _ => None,
        })
        .collect()
}

/// Returns a known string, number, or boolean as Terraform converts it to a string.
fn primitive_text(value: &Expr) -> Option<String> {
    match value {
        Expr::String(text) => Some(text.clone()),
        Expr::Number(number) => Some(number.to_string()),
        Expr::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Returns an expression in normal form as HCL for people.
pub(crate) fn shown(expression: &Expr) -> String {
    canonical(&written(expression))
}

/// Turns what only normal forms have back into HCL.
fn written(expression: &Expr) -> Expr {
    match expression {
        Expr::Array(elements) => Expr::Array(elements.iter().map(written).collect()),
        Expr::Object(members) => {
            Expr::Object(members.iter().map(|(key, value)| (key.clone(), written(value))).collect())
        }
        Expr::FuncCall(call) if call.name.name.as_str() == TEMPLATE => {
            let part = |part: &Expr| match part {
                Expr::String(text) => text.clone(),
                other => format!("${{{}}}", canonical(&written(other))),
            };
            let text: String = call.args.iter().map(part).collect();
            Expr::from(TemplateExpr::QuotedString(text))
        }
        Expr::FuncCall(call) if call.name.name.as_str().starts_with('%') => {
            call.args.first().cloned().unwrap_or(Expr::Null)
        }
        Expr::FuncCall(call) => Expr::from(FuncCall {
            name: call.name.clone(),
            args: call.args.iter().map(written).collect(),
            expand_final: call.expand_final,
        }),
        Expr::Operation(operation) => {
            // An operator inside binds as the form says, whatever its precedence.
            let operand = |part: &Expr| match written(part) {
                inner @ (Expr::Operation(_) | Expr::Conditional(_)) => Expr::Parenthesis(Box::new(inner)),
                other => other,
            };
            match operation.as_ref() {
                Operation::Unary(unary) => Expr::from(UnaryOp::new(unary.operator, operand(&unary.expr))),
                Operation::Binary(binary) => Expr::from(BinaryOp::new(
                    operand(&binary.lhs_expr),
                    binary.operator,
                    operand(&binary.rhs_expr),
                )),
            }
        }
        Expr::Conditional(it) => Expr::from(Conditional::new(
            written(&it.cond_expr),
            written(&it.true_expr),
            written(&it.false_expr),
        )),
        Expr::Traversal(traversal) => {
            let operators = traversal.operators.iter().map(|operator| match operator {
                TraversalOperator::Index(Expr::String(name)) if Identifier::is_valid(name) => {
                    TraversalOperator::GetAttr(Identifier::unchecked(name))
                }
                TraversalOperator::Index(index) => TraversalOperator::Index(written(index)),
                other => other.clone(),
            });
            Expr::from(Traversal { expr: written(&traversal.expr), operators: operators.collect() })
        }
        Expr::Variable(name) if name.as_str().starts_with('%') => {
            let name = name.as_str().trim_start_matches('%').trim_end_matches(|c: char| c.is_ascii_digit());
            Expr::Variable(Identifier::unchecked(name))
        }
        Expr::ForExpr(each) => {
            let mut each = each.as_ref().clone();
            each.key_var = Some(Identifier::unchecked("key"));
            each.value_var = Identifier::unchecked("value");
            each.collection_expr = written(&each.collection_expr);
            each.key_expr = each.key_expr.as_ref().map(written);
            each.value_expr = written(&each.value_expr);
            each.cond_expr = each.cond_expr.as_ref().map(written);
            Expr::from(each)
        }
        other => other.clone(),
    }
}

/// Puts the parts of a template together.
fn joined(parts: Vec<Expr>) -> Expr {
    let mut joined: Vec<Expr> = Vec::new();
    for part in parts {
        let inner = match part {
            Expr::FuncCall(call) if call.name.name.as_str() == TEMPLATE => call.args,
            other => vec![other],
        };
        for part in inner {
            match (primitive_text(&part), joined.last_mut()) {
                (Some(text), Some(Expr::String(last))) => last.push_str(&text),
                (Some(text), _) => joined.push(Expr::String(text)),
                (None, _) => joined.push(part),
            }
        }
    }
    match joined.as_slice() {
        [] => string(""),
        [Expr::String(_)] => joined.remove(0),
        _ => call(TEMPLATE, joined),
    }
}

/// Follows operators into a value as far as it is known.
fn reached(base: Expr, operators: Vec<TraversalOperator>) -> Expr {
    let mut base = base;
    let mut operators = std::collections::VecDeque::from(operators);
    while let Some(operator) = operators.front() {
        let next = match (&base, operator) {
            (Expr::Array(elements), TraversalOperator::FullSplat | TraversalOperator::AttrSplat) => {
                let rest: Vec<_> = operators.into_iter().skip(1).collect();
                let elements = elements.iter().map(|element| reached(element.clone(), rest.clone()));
                return Expr::Array(elements.collect());
            }
            (Expr::Array(elements), TraversalOperator::Index(Expr::Number(number))) => {
                number.as_u64().and_then(|idx| elements.get(usize::try_from(idx).ok()?)).cloned()
            }
            (value, TraversalOperator::Index(Expr::String(name))) => functions::member(value, name),
            _ => None,
        };
        let Some(next) = next else { break };
        base = next;
        operators.pop_front();
    }
    if operators.is_empty() {
        return base;
    }
    match base {
        Expr::Traversal(mut traversal) => {
            traversal.operators.extend(operators);
            Expr::Traversal(traversal)
        }
        other => Expr::from(Traversal { expr: other, operators: operators.into() }),
    }
}

fn choose(cond: Expr, yes: Expr, no: Expr) -> Expr {
    match (&yes, &no) {
        _ if yes == no => yes,
        (Expr::Bool(true), Expr::Bool(false)) => cond,
        (Expr::Bool(false), Expr::Bool(true)) => unary_of(UnaryOperator::Not, cond),
        _ => match cond {
            // Either order of the branches says the same.
            Expr::Operation(operation) => match *operation {
                Operation::Unary(UnaryOp { operator: UnaryOperator::Not, expr }) => choose(expr, no, yes),
                other => Expr::from(Conditional::new(Expr::from(other), yes, no)),
            },
            cond => Expr::from(Conditional::new(cond, yes, no)),
        },
    }
}

fn unary_of(operator: UnaryOperator, value: Expr) -> Expr {
    match (operator, value) {
        (UnaryOperator::Not, Expr::Bool(value)) => Expr::Bool(!value),
        (UnaryOperator::Not, Expr::Operation(inner)) => match *inner {
            Operation::Unary(UnaryOp { operator: UnaryOperator::Not, expr }) => expr,
            Operation::Binary(BinaryOp { lhs_expr, operator: BinaryOperator::Eq, rhs_expr }) => {
                binary_of(lhs_expr, BinaryOperator::NotEq, rhs_expr)
            }
            Operation::Binary(BinaryOp { lhs_expr, operator: BinaryOperator::NotEq, rhs_expr }) => {
                binary_of(lhs_expr, BinaryOperator::Eq, rhs_expr)
            }
            other => Expr::from(UnaryOp::new(UnaryOperator::Not, Expr::from(other))),
        },
        (operator, value) => Expr::from(UnaryOp::new(operator, value)),
    }
}

fn binary_of(left: Expr, operator: BinaryOperator, right: Expr) -> Expr {
    use BinaryOperator::{And, Eq, NotEq, Or};
    let known = match (operator, &left, &right) {
        (And, Expr::Bool(true), _) | (Or, Expr::Bool(false), _) => return right,
        (And, _, Expr::Bool(true)) | (Or, _, Expr::Bool(false)) => return left,
        (And, Expr::Bool(false), _) | (And, _, Expr::Bool(false)) => Some(false),
        (Or, Expr::Bool(true), _) | (Or, _, Expr::Bool(true)) => Some(true),
        (Eq, ..) => equal(&left, &right),
        (NotEq, ..) => equal(&left, &right).map(|equal| !equal),
        _ => functions::compared(&left, operator, &right),
    };
    match known {
        Some(known) => Expr::Bool(known),
        None => Expr::from(BinaryOp::new(left, operator, right)),
    }
}

/// Whether two values are equal, where that is known.
fn equal(left: &Expr, right: &Expr) -> Option<bool> {
    let is_primitive =
        |value: &Expr| matches!(value, Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::String(_));
    let is_known = |value: &Expr| is_primitive(value) || matches!(value, Expr::Array(_) | Expr::Object(_));
    if is_primitive(left) && is_primitive(right) {
        return Some(left == right);
    }
    // What is written out is not null.
    let one_is_null = *left == Expr::Null || *right == Expr::Null;
    (one_is_null && is_known(left) && is_known(right)).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(locals: &[(&str, &str)], constants: &[(&str, &str)], text: &str) -> Expr {
        let parse = |text: &str| text.parse::<Expr>().unwrap_or_else(|error| panic!("{text}: {error}"));
        let values: Vec<(&str, Expr)> = locals.iter().map(|(name, text)| (*name, parse(text))).collect();
        let definitions = Definitions {
            locals: values.iter().map(|(name, value)| (*name, value)).collect(),
            constants: constants.iter().map(|(name, text)| (*name, parse(text))).collect(),
            ..Definitions::default()
        };
        definitions.normal(&parse(text))
    }

    #[test]
    fn what_means_the_same_is_equal() {
        let locals = [
            ("blocks", "{ app = { n = 1, m = local.two }, db = { n = var.x } }"),
            ("two", "1 == 1 ? 2 : 3"),
            ("filtered", "{ for k, v in var.m : k => v if v.on }"),
            ("circle", "[local.circle]"),
        ];
        for (one, other) in [
            ("local.blocks.app.m", "2"),
            ("local.blocks[\"db\"].n", "var.x"),
            ("\"${var.r.name}\"", "var.r[\"name\"]"),
            ("local.filtered", "{ for key, value in (var.m) : \"${key}\" => value if value.on }"),
            ("toset([\"b\", \"a\", \"a\"])", "toset([for x in [\"a\", \"b\"] : x])"),
            ("{ for i in [1, 2] : \"k${i}\" => i }", "{ k1 = 1, \"k2\" = 2 }"),
            ("merge({ a = 1 }, { b = 2, a = 3 })", "{ b = 2, a = 3 }"),
            ("var.a && true ? var.b : var.b", "var.b"),
            ("!(var.a != null)", "var.a == null"),
            ("!var.a ? 1 : 0", "var.a ? 0 : 1"),
            ("length([1, 2]) > 0 ? \"x\" : null", "\"x\""),
            ("\"a-${\"b\"}-${var.c}\"", "\"a-b-${var.c}\""),
            ("{ a = { x = 1 } }.a.x", "1"),
            ("var.s[*].id", "var.s[*][\"id\"]"),
        ] {
            assert_eq!(normal(&locals, &[], one), normal(&locals, &[], other), "{one} and {other}");
        }
        assert_eq!(
            normal(&[], &[("new", "true")], "var.create && var.new ? 1 : 0"),
            normal(&[], &[], "var.create ? 1 : 0")
        );
    }

    #[test]
    fn what_may_mean_something_else_differs() {
        for (one, other) in [
            ("var.a || var.b && var.c", "(var.a || var.b) && var.c"),
            ("[for v in var.a : v.x]", "[for v in var.a : v.y]"),
            ("\"${var.a}-x\"", "\"${var.a}-y\""),
            ("{ a = 1 }", "{ a = 2 }"),
            ("toset(var.a)", "var.a"),
        ] {
            assert_ne!(normal(&[], &[], one), normal(&[], &[], other), "{one} and {other}");
        }
        let text = "\"%{ if var.a }${local.x}%{ endif }\"";
        assert_ne!(normal(&[("x", "1")], &[], text), normal(&[("x", "2")], &[], text));
        // Each level names the one below twice: written out it would have a million parts.
        let levels: Vec<(String, String)> =
            (0..20).map(|n| (format!("l{n}"), format!("[local.l{}, local.l{}]", n + 1, n + 1))).collect();
        let large = |last: &str| {
            let mut locals: Vec<(&str, &str)> =
                levels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            locals.push(("l20", last));
            normal(&locals, &[], "local.l0")
        };
        assert_eq!(large("1"), large("1"));
        assert_ne!(large("1"), large("2"));
    }
}
