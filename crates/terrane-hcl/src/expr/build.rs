//! Builds expressions.

use std::ops::Not;

use super::{
    BinaryOp, BinaryOperator, Conditional, Expr, ForExpr, FuncCall, FuncName, Heredoc, HeredocStripMode,
    Identifier, ObjectKey, Operation, TemplateExpr, Traversal, TraversalOperator, UnaryOp, UnaryOperator,
};

/// Reads an expression that stands in a program, as tests do; what is emitted is built.
///
/// # Panics
///
/// Panics if `text` is not an expression, which is a bug of the program and not of its input.
#[track_caller]
pub fn expr(text: &str) -> Expr {
    match crate::parse::expression(text) {
        Ok(expr) => expr,
        Err(error) => panic!("this was written as an expression and is none: {text}\n{error}"),
    }
}

/// Returns a string literal that means exactly `text`, whatever it contains.
pub fn string(text: &str) -> Expr {
    Expr::String(text.to_owned())
}

/// Returns a string with `${ }` in it; what a user wrote may stand there only if it needs no escapes.
pub fn template(text: impl Into<String>) -> Expr {
    Expr::from(TemplateExpr::from(text.into()))
}

/// Returns a text for people: a string if it has one line, and a heredoc, which ends in a newline, if it has several.
pub fn paragraph(text: &str) -> Expr {
    if !text.trim_end().contains('\n') {
        return string(text);
    }
    let template = text.trim_end().replace("${", "$${").replace("%{", "%%{") + "\n";
    let delimiter = Identifier::sanitized("EOT");
    Expr::from(Heredoc { delimiter, template, strip: HeredocStripMode::Indent })
}

/// Returns an object with identifier keys in the given order; `for`, which would begin another expression, is quoted.
pub fn object<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Expr)>) -> Expr {
    Expr::Object(
        entries
            .into_iter()
            .map(|(key, value)| match key.as_ref() {
                "for" => (ObjectKey::Expression(string("for")), value),
                key => (ObjectKey::Identifier(Identifier::sanitized(key)), value),
            })
            .collect(),
    )
}

/// Returns an object with quoted keys in the given order.
pub fn table(entries: impl IntoIterator<Item = (String, Expr)>) -> Expr {
    Expr::Object(
        entries.into_iter().map(|(key, value)| (ObjectKey::Expression(Expr::String(key)), value)).collect(),
    )
}

/// Returns the reference `root.name`.
pub fn reference(root: &str, name: &str) -> Expr {
    let root = Expr::Variable(Identifier::sanitized(root));
    Expr::from(Traversal::new(root, [TraversalOperator::GetAttr(Identifier::sanitized(name))]))
}

/// Returns the parts of an address such as `aws_vpc.this`, of which each is the attribute of the one before.
pub fn address(text: &str) -> Expr {
    let mut parts = text.split('.');
    let root = name(parts.next().unwrap_or_default());
    parts.fold(root, Expr::attr)
}

/// Returns a call of a function.
pub fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    Expr::from(FuncCall {
        name: FuncName { namespace: Vec::new(), name: Identifier::sanitized(name) },
        args: arguments.into_iter().collect(),
        expand_final: false,
    })
}

/// Returns a list of string literals.
pub fn strings<T: ToString>(items: impl IntoIterator<Item = T>) -> Expr {
    Expr::Array(items.into_iter().map(|item| Expr::String(item.to_string())).collect())
}

/// Returns a string of several parts: string literals as they are, and each other expression in `${ }`.
pub fn interpolated(parts: impl IntoIterator<Item = Expr>) -> Expr {
    let mut text = String::new();
    let mut has_values = false;
    for part in parts {
        match part {
            Expr::String(literal) => text += &literal.replace("${", "$${").replace("%{", "%%{"),
            value => {
                has_values = true;
                text += &format!("${{{value}}}");
            }
        }
    }
    if has_values { template(text) } else { Expr::String(text.replace("$${", "${").replace("%%{", "%{")) }
}

/// Returns a name by itself, such as the variable of a `for` expression.
pub fn name(name: &str) -> Expr {
    Expr::Variable(Identifier::sanitized(name))
}

/// Returns `var.name`.
pub fn var(name: &str) -> Expr {
    reference("var", name)
}

/// Returns `local.name`.
pub fn local(name: &str) -> Expr {
    reference("local", name)
}

/// Returns `each.key`.
pub fn each_key() -> Expr {
    reference("each", "key")
}

/// Returns `each.value`.
pub fn each_value() -> Expr {
    reference("each", "value")
}

/// Returns `length(value)`.
pub fn length(value: Expr) -> Expr {
    call("length", [value])
}

/// Returns `keys(value)`.
pub fn keys(value: Expr) -> Expr {
    call("keys", [value])
}

/// Returns `values(value)`.
pub fn values(value: Expr) -> Expr {
    call("values", [value])
}

/// Returns `contains(list, element)`.
pub fn contains(list: Expr, element: Expr) -> Expr {
    call("contains", [list, element])
}

/// Returns `can(regex("pattern", text))`.
pub fn matches(pattern: &str, text: Expr) -> Expr {
    call("can", [call("regex", [string(pattern), text])])
}

/// Returns `left == right`.
pub fn equal(left: Expr, right: Expr) -> Expr {
    left.binary(BinaryOperator::Eq, right)
}

/// Returns `condition ? yes : no`.
pub fn conditional(condition: Expr, yes: Expr, no: Expr) -> Expr {
    Expr::from(Conditional::new(condition, yes, no))
}

impl Expr {
    /// Returns `self.name`.
    #[must_use]
    pub fn attr(self, name: &str) -> Expr {
        self.reach([TraversalOperator::GetAttr(Identifier::sanitized(name))])
    }

    /// Returns `self[key]`.
    #[must_use]
    pub fn at(self, key: impl Into<Expr>) -> Expr {
        self.reach([TraversalOperator::Index(key.into())])
    }

    /// Returns `self[*]`.
    #[must_use]
    pub fn splat(self) -> Expr {
        self.reach([TraversalOperator::FullSplat])
    }

    fn reach(self, more: impl IntoIterator<Item = TraversalOperator>) -> Expr {
        match self {
            Expr::Traversal(mut traversal) => {
                traversal.operators.extend(more);
                Expr::Traversal(traversal)
            }
            other => Expr::from(Traversal::new(other.operand(u8::MAX), more)),
        }
    }

    /// Returns `self == null`.
    #[must_use]
    pub fn is_null(self) -> Expr {
        equal(self, Expr::Null)
    }

    /// Returns `self == null ? true : condition`.
    #[must_use]
    pub fn is_null_or(self, condition: Expr) -> Expr {
        conditional(self.is_null(), Expr::Bool(true), condition)
    }

    /// Returns `self operator right`, in which what binds less is in parentheses.
    #[must_use]
    pub fn binary(self, operator: BinaryOperator, right: Expr) -> Expr {
        let binds = binds(operator);
        // An operator of the same level binds from the left.
        Expr::from(BinaryOp::new(self.operand(binds), operator, right.operand(binds + 1)))
    }

    /// Returns `self && right`.
    #[must_use]
    pub fn and(self, right: Expr) -> Expr {
        self.binary(BinaryOperator::And, right)
    }

    /// Returns `self || right`.
    #[must_use]
    pub fn or(self, right: Expr) -> Expr {
        self.binary(BinaryOperator::Or, right)
    }

    /// Returns `self != right`.
    #[must_use]
    pub fn differs(self, right: impl Into<Expr>) -> Expr {
        self.binary(BinaryOperator::NotEq, right.into())
    }

    /// Returns `self >= right`.
    #[must_use]
    pub fn at_least(self, right: impl Into<Expr>) -> Expr {
        self.binary(BinaryOperator::GreaterEq, right.into())
    }

    /// Returns `self <= right`.
    #[must_use]
    pub fn at_most(self, right: impl Into<Expr>) -> Expr {
        self.binary(BinaryOperator::LessEq, right.into())
    }

    /// Puts parentheses around an operation that binds less than its place.
    fn operand(self, least: u8) -> Expr {
        let own = match &self {
            Expr::Conditional(_) => 0,
            Expr::Operation(operation) => match operation.as_ref() {
                Operation::Binary(binary) => binds(binary.operator),
                Operation::Unary(_) => UNARY,
            },
            _ => u8::MAX,
        };
        if own < least { Expr::Parenthesis(Box::new(self)) } else { self }
    }
}

/// How an operator on one operand binds, more than each on two.
const UNARY: u8 = 7;

/// How an operator binds: the higher, the more.
fn binds(operator: BinaryOperator) -> u8 {
    use BinaryOperator::{And, Div, Eq, Greater, GreaterEq, Less, LessEq, Minus, Mod, Mul, NotEq, Or, Plus};
    match operator {
        Or => 1,
        And => 2,
        Eq | NotEq => 3,
        Less | LessEq | Greater | GreaterEq => 4,
        Plus | Minus => 5,
        Mul | Div | Mod => 6,
    }
}

impl Not for Expr {
    type Output = Expr;

    /// Returns `!self`.
    fn not(self) -> Expr {
        Expr::from(UnaryOp::new(UnaryOperator::Not, self.operand(UNARY)))
    }
}

impl From<&str> for Expr {
    /// Takes a text as a string literal.
    fn from(text: &str) -> Expr {
        string(text)
    }
}

impl From<bool> for Expr {
    fn from(value: bool) -> Expr {
        Expr::Bool(value)
    }
}

/// The rows of a collection, before it is said what becomes of them.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rows(ForExpr);

/// Returns the elements of a collection, each under a name.
pub fn each_in(value: &str, collection: Expr) -> Rows {
    Rows(ForExpr {
        key_var: None,
        value_var: Identifier::sanitized(value),
        collection_expr: collection,
        key_expr: None,
        value_expr: Expr::Null,
        grouping: false,
        cond_expr: None,
    })
}

/// Returns the members of a map, the key and the value of each under a name.
pub fn pairs_in(key: &str, value: &str, map: Expr) -> Rows {
    let Rows(rows) = each_in(value, map);
    Rows(ForExpr { key_var: Some(Identifier::sanitized(key)), ..rows })
}

impl Rows {
    /// Takes only those for which a condition holds.
    pub fn filter(self, condition: Expr) -> Rows {
        Rows(ForExpr { cond_expr: Some(condition), ..self.0 })
    }

    /// Returns `[for … : value]`.
    pub fn list(self, value: Expr) -> Expr {
        Expr::from(ForExpr { value_expr: value, ..self.0 })
    }

    /// Returns `{ for … : key => value }`.
    pub fn object(self, key: Expr, value: Expr) -> Expr {
        Expr::from(ForExpr { key_expr: Some(key), value_expr: value, ..self.0 })
    }
}

/// Returns `[for it in collection : it.attribute]`.
pub fn each(it: &str, collection: Expr, attribute: &str) -> Expr {
    each_in(it, collection).list(reference(it, attribute))
}

/// Returns `{ for letter, it in collection : letter => it.attribute }`.
pub fn by_letter(it: &str, collection: Expr, attribute: &str) -> Expr {
    pairs_in("letter", it, collection).object(name("letter"), reference(it, attribute))
}

/// Returns a call whose last argument is a list of the rest: `f(a, b...)`.
pub fn call_with_each(function: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    match call(function, arguments) {
        Expr::FuncCall(call) => Expr::from(FuncCall { expand_final: true, ..*call }),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_what_its_text_says() {
        let (a, b, c) = (|| var("a"), || var("b"), || var("c"));
        for (built, text) in [
            (a().and(b().or(c())), "var.a && (var.b || var.c)"),
            (a().and(b()).or(c()), "var.a && var.b || var.c"),
            (a().or(b().or(c())), "var.a || (var.b || var.c)"),
            (!equal(a(), b()), "!(var.a == var.b)"),
            (!a().attr("x"), "!var.a.x"),
            (conditional(a(), b(), c()).attr("x"), "(var.a ? var.b : var.c).x"),
            (length(a()).at_least(1).and(length(a()).at_most(3)), "length(var.a) >= 1 && length(var.a) <= 3"),
            (a().is_null_or(b().at("k").differs("x")), "var.a == null ? true : var.b[\"k\"] != \"x\""),
            (interpolated(["x-".into(), a().at(each_key()), "-${".into()]), "\"x-${var.a[each.key]}-$${\""),
            (interpolated(["${".into(), "x".into()]), "\"$${x\""),
            (
                pairs_in("k", "v", a()).filter(!name("v")).object(name("k"), name("v")),
                "{ for k, v in var.a : k => v if !v }",
            ),
            (each_in("v", a().splat()).list(name("v").attr("x")), "[for v in var.a[*] : v.x]"),
            (call_with_each("merge", [strings(["a"])]), "merge([\"a\"]...)"),
        ] {
            assert_eq!(built.to_string(), text);
            assert_eq!(text.parse(), Ok(built), "{text}");
        }
    }
}
