//! Expressions as data.

mod build;
mod template;
mod visit;

use std::fmt;

pub use self::build::{
    Rows, address, by_letter, call, call_with_each, conditional, contains, each, each_in, each_key,
    each_value, equal, expr, interpolated, keys, length, local, matches, name, object, pairs_in, paragraph,
    reference, string, strings, table, template, values, var,
};
pub use self::template::{
    Directive, Element, ForDirective, Heredoc, HeredocStripMode, IfDirective, Interpolation, Strip, Template,
    TemplateExpr,
};
pub use self::visit::{any, each_part};

/// A whole number, or one with a fraction.
pub type Number = serde_json::Number;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string literal, by what it means.
    String(String),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `{ a = b }`.
    Object(Object),
    /// A string with `${ }` or `%{ }` in it, or a heredoc.
    TemplateExpr(Box<TemplateExpr>),
    /// A name by itself.
    Variable(Identifier),
    /// `a.b[c]`.
    Traversal(Box<Traversal>),
    /// `f(a)`.
    FuncCall(Box<FuncCall>),
    /// `(a)`.
    Parenthesis(Box<Expr>),
    /// `a ? b : c`.
    Conditional(Box<Conditional>),
    /// `!a` or `a + b`.
    Operation(Box<Operation>),
    /// `[for a in b : c]`.
    ForExpr(Box<ForExpr>),
}

/// A name: a letter or `_`, then letters, digits, `_`, and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// Makes a name of any text: what no name may have becomes `_`.
    pub fn sanitized(text: &str) -> Identifier {
        let start =
            if text.starts_with(|c: char| !begins(c) && goes_on(c)) || text.is_empty() { "_" } else { "" };
        let rest = text.chars().map(|c| if goes_on(c) { c } else { '_' });
        Identifier(start.chars().chain(rest).collect())
    }

    /// Returns whether a text is a name.
    pub fn is_valid(text: &str) -> bool {
        let mut chars = text.chars();
        chars.next().is_some_and(begins) && chars.all(goes_on)
    }

    /// Takes a text that is known to be a name, or a mark that no text of HCL can be.
    pub fn unchecked(text: &str) -> Identifier {
        Identifier(text.to_owned())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a name may begin with the character.
fn begins(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Returns whether a name may have the character after its first one.
fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The members of an object, in the order written; each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(ObjectKey, Expr)>);

impl Object {
    /// Returns an object without members.
    pub fn new() -> Object {
        Object::default()
    }

    /// Returns how many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the members.
    pub fn iter(&self) -> std::slice::Iter<'_, (ObjectKey, Expr)> {
        self.0.iter()
    }

    /// Iterates over the keys.
    pub fn keys(&self) -> impl Iterator<Item = &ObjectKey> {
        self.0.iter().map(|(key, _)| key)
    }

    /// Iterates over the values.
    pub fn values(&self) -> impl Iterator<Item = &Expr> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Iterates over the members, whose keys and values may be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, (ObjectKey, Expr)> {
        self.0.iter_mut()
    }
}

impl FromIterator<(ObjectKey, Expr)> for Object {
    /// Takes members; of several with one key the last one, at the place of the first.
    fn from_iter<T: IntoIterator<Item = (ObjectKey, Expr)>>(members: T) -> Object {
        let mut all: Vec<(ObjectKey, Expr)> = Vec::new();
        for (key, value) in members {
            match all.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = value,
                None => all.push((key, value)),
            }
        }
        Object(all)
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = &'a (ObjectKey, Expr);
    type IntoIter = std::slice::Iter<'a, (ObjectKey, Expr)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// The key of an object's member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectKey {
    /// A name, which stands for itself.
    Identifier(Identifier),
    /// A string, or any expression in parentheses.
    Expression(Expr),
}

impl ObjectKey {
    /// Returns the text of the key.
    pub fn text(&self) -> String {
        match self {
            ObjectKey::Expression(Expr::String(text)) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Returns the text of a key that is a name or a plain string.
    pub fn name(&self) -> Option<&str> {
        match self {
            ObjectKey::Identifier(name) => Some(name.as_str()),
            ObjectKey::Expression(Expr::String(name)) => Some(name),
            ObjectKey::Expression(_) => None,
        }
    }
}

/// An expression and the parts taken of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traversal {
    /// What parts are taken of.
    pub expr: Expr,
    /// Which parts, from the outermost.
    pub operators: Vec<TraversalOperator>,
}

impl FuncName {
    /// Returns whether a provider has the function.
    pub fn is_namespaced(&self) -> bool {
        !self.namespace.is_empty()
    }
}

impl Traversal {
    /// Returns the parts of an expression.
    pub fn new(expr: Expr, operators: impl IntoIterator<Item = TraversalOperator>) -> Traversal {
        Traversal { expr, operators: operators.into_iter().collect() }
    }
}

/// How a part is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraversalOperator {
    /// `.*`.
    AttrSplat,
    /// `[*]`.
    FullSplat,
    /// `.name`.
    GetAttr(Identifier),
    /// `[key]`.
    Index(Expr),
    /// `.0`.
    LegacyIndex(u64),
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncCall {
    /// The function.
    pub name: FuncName,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Whether `...` follows the last argument.
    pub expand_final: bool,
}

/// The name of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncName {
    /// What stands before each `::`.
    pub namespace: Vec<Identifier>,
    /// The name.
    pub name: Identifier,
}

/// `condition ? yes : no`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    /// The condition.
    pub cond_expr: Expr,
    /// The value where it holds.
    pub true_expr: Expr,
    /// The value where it does not.
    pub false_expr: Expr,
}

impl Conditional {
    /// Returns the parts in their order; parentheses are the caller's.
    pub fn new(cond_expr: Expr, true_expr: Expr, false_expr: Expr) -> Conditional {
        Conditional { cond_expr, true_expr, false_expr }
    }
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// On one operand.
    Unary(UnaryOp),
    /// On two.
    Binary(BinaryOp),
}

/// An operation on one operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnaryOp {
    /// The operator.
    pub operator: UnaryOperator,
    /// The operand.
    pub expr: Expr,
}

/// An operation on two operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryOp {
    /// The left operand.
    pub lhs_expr: Expr,
    /// The operator.
    pub operator: BinaryOperator,
    /// The right operand.
    pub rhs_expr: Expr,
}

impl UnaryOp {
    /// Returns the parts in their order; parentheses are the caller's.
    pub fn new(operator: UnaryOperator, expr: Expr) -> UnaryOp {
        UnaryOp { operator, expr }
    }
}

impl BinaryOp {
    /// Returns the parts in their order; parentheses are the caller's.
    pub fn new(lhs_expr: Expr, operator: BinaryOperator, rhs_expr: Expr) -> BinaryOp {
        BinaryOp { lhs_expr, operator, rhs_expr }
    }
}

/// An operator on one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`.
    Neg,
    /// `!`.
    Not,
}

impl UnaryOperator {
    /// Returns the operator as written.
    pub fn as_str(self) -> &'static str {
        match self {
            UnaryOperator::Neg => "-",
            UnaryOperator::Not => "!",
        }
    }
}

/// An operator on two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `==`.
    Eq,
    /// `!=`.
    NotEq,
    /// `<=`.
    LessEq,
    /// `>=`.
    GreaterEq,
    /// `<`.
    Less,
    /// `>`.
    Greater,
    /// `+`.
    Plus,
    /// `-`.
    Minus,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Mod,
    /// `&&`.
    And,
    /// `||`.
    Or,
}

impl BinaryOperator {
    /// Returns the operator as written.
    pub fn as_str(self) -> &'static str {
        match self {
            BinaryOperator::Eq => "==",
            BinaryOperator::NotEq => "!=",
            BinaryOperator::LessEq => "<=",
            BinaryOperator::GreaterEq => ">=",
            BinaryOperator::Less => "<",
            BinaryOperator::Greater => ">",
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Mul => "*",
            BinaryOperator::Div => "/",
            BinaryOperator::Mod => "%",
            BinaryOperator::And => "&&",
            BinaryOperator::Or => "||",
        }
    }
}

/// `[for value in collection : value]`, or `{ for key, value in collection : key => value }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForExpr {
    /// The name of the key, where it has one.
    pub key_var: Option<Identifier>,
    /// The name of the value.
    pub value_var: Identifier,
    /// The collection.
    pub collection_expr: Expr,
    /// The key of each member of an object; `None` for a list.
    pub key_expr: Option<Expr>,
    /// The value of each element or member.
    pub value_expr: Expr,
    /// Whether members of one key are put together, by `...`.
    pub grouping: bool,
    /// The condition of those that are taken.
    pub cond_expr: Option<Expr>,
}

/// A part that is kept in a box by [`Expr`].
macro_rules! boxed {
    ($($part:ident),*) => {
        $(impl From<$part> for Expr {
            fn from(part: $part) -> Expr {
                Expr::$part(Box::new(part))
            }
        })*
    };
}

boxed!(TemplateExpr, Traversal, FuncCall, Conditional, Operation, ForExpr);

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Expr {
            fn from(number: $number) -> Expr {
                Expr::Number(number.into())
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, i8, i16, i32, i64);

impl From<f64> for Expr {
    /// Takes a number; what is not finite is `null`, and what has no fraction a whole number as far as 64 bits hold it.
    fn from(number: f64) -> Expr {
        const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;
        const BEYOND_U64: f64 = 18_446_744_073_709_551_616.0;
        if number.fract() == 0.0 && (0.0..BEYOND_U64).contains(&number) {
            return Expr::from(number as u64);
        }
        if number.fract() == 0.0 && (-BEYOND_I64..0.0).contains(&number) {
            return Expr::from(number as i64);
        }
        Number::from_f64(number).map_or(Expr::Null, Expr::Number)
    }
}

impl From<&serde_json::Value> for Expr {
    /// Takes a JSON value as the literal that means the same.
    fn from(value: &serde_json::Value) -> Expr {
        use serde_json::Value;
        match value {
            Value::Null => Expr::Null,
            Value::Bool(value) => Expr::Bool(*value),
            Value::Number(number) => Expr::Number(number.clone()),
            Value::String(text) => string(text),
            Value::Array(elements) => Expr::Array(elements.iter().map(Expr::from).collect()),
            Value::Object(members) => table(members.iter().map(|(key, value)| (key.clone(), value.into()))),
        }
    }
}

impl From<UnaryOp> for Expr {
    fn from(operation: UnaryOp) -> Expr {
        Operation::Unary(operation).into()
    }
}

impl From<BinaryOp> for Expr {
    fn from(operation: BinaryOp) -> Expr {
        Operation::Binary(operation).into()
    }
}

impl From<Heredoc> for Expr {
    fn from(heredoc: Heredoc) -> Expr {
        TemplateExpr::Heredoc(heredoc).into()
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::print::expression(self))
    }
}

impl fmt::Display for FuncName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.namespace.iter().try_for_each(|part| write!(f, "{part}::"))?;
        self.name.fmt(f)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::print::key(self))
    }
}
