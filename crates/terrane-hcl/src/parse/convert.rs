//! From the parser's data to ours.

use hcl::expr as theirs;
use hcl::template as parts;

use crate::expr::{
    BinaryOp, BinaryOperator, Conditional, Directive, Element, Expr, ForDirective, ForExpr, FuncCall,
    FuncName, Heredoc, HeredocStripMode, Identifier, IfDirective, Interpolation, Number, Object, ObjectKey,
    Operation, Strip, Template, TemplateExpr, Traversal, TraversalOperator, UnaryOp, UnaryOperator,
};

pub(super) fn expression(expression: hcl::Expression) -> Expr {
    match expression {
        hcl::Expression::Null => Expr::Null,
        hcl::Expression::Bool(value) => Expr::Bool(value),
        hcl::Expression::Number(value) => number(&value),
        hcl::Expression::String(text) => Expr::String(text),
        hcl::Expression::Array(elements) => Expr::Array(elements.into_iter().map(self::expression).collect()),
        hcl::Expression::Object(members) => Expr::Object(object(members)),
        hcl::Expression::TemplateExpr(template) => template_expr(*template).into(),
        hcl::Expression::Variable(name) => Expr::Variable(Identifier::unchecked(name.as_str())),
        hcl::Expression::Traversal(traversal) => Expr::from(Traversal {
            expr: self::expression(traversal.expr),
            operators: traversal.operators.into_iter().map(operator).collect(),
        }),
        hcl::Expression::FuncCall(call) => Expr::from(func_call(*call)),
        hcl::Expression::Parenthesis(inner) => Expr::Parenthesis(Box::new(self::expression(*inner))),
        hcl::Expression::Conditional(conditional) => Expr::from(Conditional {
            cond_expr: self::expression(conditional.cond_expr),
            true_expr: self::expression(conditional.true_expr),
            false_expr: self::expression(conditional.false_expr),
        }),
        hcl::Expression::Operation(operation) => Expr::from(self::operation(*operation)),
        hcl::Expression::ForExpr(each) => Expr::from(for_expr(*each)),
        // The enum is open, and has no other member today; in a marker, its text means the same.
        other => TemplateExpr::QuotedString(format!("${{{other}}}")).into(),
    }
}

fn name(name: &hcl::Identifier) -> Identifier {
    Identifier::unchecked(name.as_str())
}

fn number(number: &hcl::Number) -> Expr {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(number), _, _) => Expr::from(number),
        (_, Some(number), _) => Expr::from(number),
        (_, _, number) => number.and_then(Number::from_f64).map_or(Expr::Null, Expr::Number),
    }
}

fn object(members: hcl::Object<hcl::ObjectKey, hcl::Expression>) -> Object {
    let key = |key| match key {
        hcl::ObjectKey::Identifier(own) => ObjectKey::Identifier(name(&own)),
        hcl::ObjectKey::Expression(key) => ObjectKey::Expression(expression(key)),
        other => ObjectKey::Identifier(Identifier::unchecked(&other.to_string())),
    };
    members.into_iter().map(|(own, value)| (key(own), expression(value))).collect()
}

fn operator(operator: theirs::TraversalOperator) -> TraversalOperator {
    match operator {
        theirs::TraversalOperator::AttrSplat => TraversalOperator::AttrSplat,
        theirs::TraversalOperator::FullSplat => TraversalOperator::FullSplat,
        theirs::TraversalOperator::GetAttr(own) => TraversalOperator::GetAttr(name(&own)),
        theirs::TraversalOperator::Index(key) => TraversalOperator::Index(expression(key)),
        theirs::TraversalOperator::LegacyIndex(idx) => TraversalOperator::LegacyIndex(idx),
    }
}

fn func_call(call: theirs::FuncCall) -> FuncCall {
    FuncCall {
        name: FuncName {
            namespace: call.name.namespace.iter().map(name).collect(),
            name: name(&call.name.name),
        },
        args: call.args.into_iter().map(expression).collect(),
        expand_final: call.expand_final,
    }
}

fn operation(operation: theirs::Operation) -> Operation {
    match operation {
        theirs::Operation::Unary(unary) => Operation::Unary(UnaryOp {
            operator: match unary.operator {
                theirs::UnaryOperator::Neg => UnaryOperator::Neg,
                theirs::UnaryOperator::Not => UnaryOperator::Not,
            },
            expr: expression(unary.expr),
        }),
        theirs::Operation::Binary(binary) => Operation::Binary(BinaryOp {
            lhs_expr: expression(binary.lhs_expr),
            operator: binary_operator(binary.operator),
            rhs_expr: expression(binary.rhs_expr),
        }),
    }
}

fn binary_operator(operator: theirs::BinaryOperator) -> BinaryOperator {
    match operator {
        theirs::BinaryOperator::Eq => BinaryOperator::Eq,
        theirs::BinaryOperator::NotEq => BinaryOperator::NotEq,
        theirs::BinaryOperator::LessEq => BinaryOperator::LessEq,
        theirs::BinaryOperator::GreaterEq => BinaryOperator::GreaterEq,
        theirs::BinaryOperator::Less => BinaryOperator::Less,
        theirs::BinaryOperator::Greater => BinaryOperator::Greater,
        theirs::BinaryOperator::Plus => BinaryOperator::Plus,
        theirs::BinaryOperator::Minus => BinaryOperator::Minus,
        theirs::BinaryOperator::Mul => BinaryOperator::Mul,
        theirs::BinaryOperator::Div => BinaryOperator::Div,
        theirs::BinaryOperator::Mod => BinaryOperator::Mod,
        theirs::BinaryOperator::And => BinaryOperator::And,
        theirs::BinaryOperator::Or => BinaryOperator::Or,
    }
}

fn for_expr(each: theirs::ForExpr) -> ForExpr {
    ForExpr {
        key_var: each.key_var.as_ref().map(name),
        value_var: name(&each.value_var),
        collection_expr: expression(each.collection_expr),
        key_expr: each.key_expr.map(expression),
        value_expr: expression(each.value_expr),
        grouping: each.grouping,
        cond_expr: each.cond_expr.map(expression),
    }
}

fn template_expr(template: theirs::TemplateExpr) -> TemplateExpr {
    match template {
        theirs::TemplateExpr::QuotedString(text) => TemplateExpr::QuotedString(text),
        theirs::TemplateExpr::Heredoc(heredoc) => TemplateExpr::Heredoc(Heredoc {
            delimiter: name(&heredoc.delimiter),
            template: heredoc.template,
            strip: match heredoc.strip {
                theirs::HeredocStripMode::None => HeredocStripMode::None,
                theirs::HeredocStripMode::Indent => HeredocStripMode::Indent,
            },
        }),
    }
}

/// Returns a template whose text is another, as the parser has them.
pub(super) fn their_template(template: &TemplateExpr, text: String) -> theirs::TemplateExpr {
    match template {
        TemplateExpr::QuotedString(_) => theirs::TemplateExpr::QuotedString(text),
        TemplateExpr::Heredoc(heredoc) => {
            let delimiter = hcl::Identifier::sanitized(heredoc.delimiter.as_str());
            let strip = match heredoc.strip {
                HeredocStripMode::None => theirs::HeredocStripMode::None,
                HeredocStripMode::Indent => theirs::HeredocStripMode::Indent,
            };
            theirs::TemplateExpr::Heredoc(theirs::Heredoc::new(delimiter, text).with_strip_mode(strip))
        }
    }
}

pub(super) fn template(template: parts::Template) -> Template {
    Template { elements: template.elements().iter().cloned().map(element).collect() }
}

fn element(element: parts::Element) -> Element {
    match element {
        parts::Element::Literal(text) => Element::Literal(text),
        parts::Element::Interpolation(interpolation) => Element::Interpolation(Interpolation {
            expr: expression(interpolation.expr),
            strip: strip(interpolation.strip),
        }),
        parts::Element::Directive(directive) => Element::Directive(Box::new(match *directive {
            parts::Directive::If(directive) => Directive::If(IfDirective {
                cond_expr: expression(directive.cond_expr),
                true_template: template(directive.true_template),
                false_template: directive.false_template.map(template),
                if_strip: strip(directive.if_strip),
                else_strip: strip(directive.else_strip),
                endif_strip: strip(directive.endif_strip),
            }),
            parts::Directive::For(directive) => Directive::For(ForDirective {
                key_var: directive.key_var.as_ref().map(name),
                value_var: name(&directive.value_var),
                collection_expr: expression(directive.collection_expr),
                template: template(directive.template),
                for_strip: strip(directive.for_strip),
                endfor_strip: strip(directive.endfor_strip),
            }),
        })),
    }
}

fn strip(strip: parts::Strip) -> Strip {
    Strip { start: strip.strip_start(), end: strip.strip_end() }
}
