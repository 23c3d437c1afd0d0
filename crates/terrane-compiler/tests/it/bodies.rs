//! Arbitrary bodies of Terraform files.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use terrane_hcl::body::{Block, Body, Item};
use terrane_hcl::expr::{
    BinaryOp, BinaryOperator, Conditional, Expr, ForExpr, FuncCall, FuncName, Heredoc, HeredocStripMode,
    Identifier, ObjectKey, TemplateExpr, Traversal, TraversalOperator, UnaryOp, UnaryOperator,
};

/// Returns arbitrary bodies.
pub(crate) fn body() -> impl Strategy<Value = Body> {
    vec(item(), 0..6).prop_map(body_of).prop_recursive(3, 24, 4, |inner| {
        let block = (name(), vec(label(), 0..3), inner)
            .prop_map(|(kind, labels, body)| vec![Item::Block(Block { kind, labels, body })]);
        vec(prop_oneof![3 => item(), 2 => block], 0..6).prop_map(body_of)
    })
}

/// Leaves out the arguments whose name the body already has, which is no Terraform.
fn body_of(items: Vec<Vec<Item>>) -> Body {
    let mut names = BTreeSet::new();
    let mut items: Vec<Item> = items.into_iter().flatten().collect();
    items.retain(|item| !matches!(item, Item::Argument(name, _) if !names.insert(name.clone())));
    Body { items }
}

fn item() -> impl Strategy<Value = Vec<Item>> {
    let argument = (name(), expr()).prop_map(|(name, value)| Item::Argument(name, value));
    prop_oneof![
        6 => vec(argument, 1..6),
        1 => text().prop_map(|text| vec![Item::Comment(text)]),
        1 => Just(vec![Item::Blank]),
    ]
}

/// Returns names, short and long, that no keyword equals.
fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,3}|[a-z]{2}_[a-z_]{8,30}".prop_filter("keywords", |name| {
        !matches!(name.as_str(), "for" | "in" | "if" | "null" | "true" | "false")
    })
}

fn identifier() -> impl Strategy<Value = Identifier> {
    name().prop_map(|name| Identifier::sanitized(&name))
}

fn label() -> impl Strategy<Value = String> {
    "[a-zA-Zäß_][a-zA-Z0-9äß _.-]{0,12}"
}

/// Returns text with everything that a string must escape.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z ./-]{0,12}",
        2 => vec(prop_oneof![
            Just("${"), Just("%{"), Just("$"), Just("%"), Just("{"), Just("}"), Just("\""), Just("\\"), Just("\n"), Just("\r"),
            Just("\t"), Just("a"), Just("e\u{301}"), Just("ß"), Just("漢"), Just("👩\u{200d}🚀"), Just("🇩🇪"), Just("\u{0}"),
            Just("\u{feff}"), Just("\u{2028}"), Just("~"), Just("#"), Just("//"), Just("=")
        ], 0..8).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
        1 => "[a-z ]{60,120}",
    ]
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        Just(Expr::Null),
        any::<bool>().prop_map(Expr::Bool),
        any::<i16>().prop_map(Expr::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Expr::from),
        text().prop_map(Expr::String),
        identifier().prop_map(Expr::Variable),
        heredoc(),
    ]
}

fn heredoc() -> impl Strategy<Value = Expr> {
    let strip = prop_oneof![Just(HeredocStripMode::None), Just(HeredocStripMode::Indent)];
    let template = vec(
        prop_oneof![
            Just("a line\n"),
            Just("\n"),
            Just("  indented\n"),
            Just("${x}"),
            Just("$${no}"),
            Just("%{ if x }y%{ endif }\n"),
            Just("\\"),
            Just("\" = \""),
            Just("${ -x }\n"),
        ],
        0..6,
    );
    (strip, template).prop_map(|(strip, template)| {
        let delimiter = Identifier::sanitized("EOT");
        Expr::from(Heredoc { delimiter, template: template.concat(), strip })
    })
}

/// Returns arbitrary expressions.
pub(crate) fn expr() -> impl Strategy<Value = Expr> {
    leaf().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..5).prop_map(Expr::Array),
            3 => object(inner.clone()),
            2 => template(inner.clone()),
            2 => traversal(inner.clone()),
            3 => call(inner.clone()),
            1 => inner.clone().prop_map(|inner| Expr::Parenthesis(Box::new(inner))),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(cond_expr, true_expr, false_expr)| Conditional { cond_expr, true_expr, false_expr }.into()),
            1 => (any::<bool>(), inner.clone()).prop_map(|(is_not, expr)| {
                let operator = if is_not { UnaryOperator::Not } else { UnaryOperator::Neg };
                UnaryOp { operator, expr }.into()
            }),
            2 => (inner.clone(), operator(), inner.clone())
                .prop_map(|(lhs_expr, operator, rhs_expr)| BinaryOp { lhs_expr, operator, rhs_expr }.into()),
            2 => for_expr(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    let key = prop_oneof![
        3 => identifier().prop_map(ObjectKey::Identifier),
        2 => text().prop_map(|text| ObjectKey::Expression(Expr::String(text))),
        1 => inner.clone().prop_map(ObjectKey::Expression),
    ];
    vec((key, inner), 0..5).prop_map(|entries| Expr::Object(entries.into_iter().collect()))
}

fn template(inner: impl Strategy<Value = Expr>) -> impl Strategy<Value = Expr> {
    (text(), inner, text(), any::<u8>()).prop_map(|(before, expr, after, shape)| {
        let (before, after) = (marked(&before), marked(&after));
        let expr = terrane_hcl::print::expression(&expr);
        let template = match shape % 5 {
            0 => format!("${{{expr}}}"),
            1 => format!("{before}${{~ {expr} }}{after}"),
            2 => format!("{before}%{{ if {expr} ~}}{after}%{{ else }}{before}%{{ endif }}"),
            3 => format!("{before}%{{ for k, v in {expr} }}{after}${{v}}%{{ endfor ~}}"),
            _ => format!("{before}${{{expr} }}${{x}}{after}"),
        };
        Expr::from(TemplateExpr::QuotedString(template))
    })
}

/// Returns the text as a template means it; its end must not make an escape of what follows.
fn marked(text: &str) -> String {
    text.trim_end_matches(['$', '%']).replace("${", "$${").replace("%{", "%%{")
}

fn traversal(inner: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    let operator = prop_oneof![
        4 => identifier().prop_map(TraversalOperator::GetAttr),
        1 => Just(TraversalOperator::FullSplat),
        1 => Just(TraversalOperator::AttrSplat),
        1 => (0_u64..9).prop_map(TraversalOperator::LegacyIndex),
        2 => inner.clone().prop_map(TraversalOperator::Index),
    ];
    (inner, vec(operator, 1..4)).prop_map(|(expr, operators)| Traversal::new(expr, operators).into())
}

fn call(inner: impl Strategy<Value = Expr>) -> impl Strategy<Value = Expr> {
    (option::weighted(0.1, identifier()), identifier(), vec(inner, 0..4), any::<bool>()).prop_map(
        |(namespace, name, args, expand_final)| {
            let name = FuncName { namespace: namespace.into_iter().collect(), name };
            Expr::from(FuncCall { name, args, expand_final })
        },
    )
}

fn operator() -> impl Strategy<Value = BinaryOperator> {
    prop_oneof![
        Just(BinaryOperator::Or),
        Just(BinaryOperator::And),
        Just(BinaryOperator::Eq),
        Just(BinaryOperator::LessEq),
        Just(BinaryOperator::Greater),
        Just(BinaryOperator::Plus),
        Just(BinaryOperator::Minus),
        Just(BinaryOperator::Mul),
        Just(BinaryOperator::Mod),
    ]
}

fn for_expr(inner: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    let parts = (inner.clone(), option::of(inner.clone()), inner.clone(), option::of(inner));
    (option::of(identifier()), identifier(), parts, any::<bool>()).prop_map(
        |(key_var, value_var, (collection_expr, key_expr, value_expr, cond_expr), grouping)| {
            let grouping = grouping && key_expr.is_some();
            let for_expr =
                ForExpr { key_var, value_var, collection_expr, key_expr, value_expr, grouping, cond_expr };
            Expr::from(for_expr)
        },
    )
}
