//! Parses templates without losing an escape.
//!
//! The parser writes a template that stands inside another one anew, as text, and forgets to escape a marker that follows
//! right on another, as in `"$${$%%{"`. So escaped markers are hidden from it behind characters that mean nothing.

use super::convert;
use crate::expr::{
    Directive, Element, Expr, Heredoc, ObjectKey, Operation, Template, TemplateExpr, TraversalOperator,
};

/// Parses a template; `None` if it is none.
pub(super) fn parse(template: &TemplateExpr) -> Option<Template> {
    let text = template.text();
    let read = |text: String| {
        let parsed = hcl::Template::from_expr(&convert::their_template(template, text)).ok()?;
        Some(convert::template(parsed))
    };
    if !text.contains("$${") && !text.contains("%%{") {
        return read(text.to_owned());
    }
    let hidden = Hidden::unused_in(text)?;
    let mut template = read(text.replace("$${", &hidden.dollar).replace("%%{", &hidden.percent))?;
    hidden.show_in_template(&mut template);
    Some(template)
}

/// The characters that stand for `$${` and `%%{`.
struct Hidden {
    dollar: String,
    percent: String,
}

impl Hidden {
    /// Takes two code points that Unicode reserves for such uses, and that the text does not have.
    fn unused_in(text: &str) -> Option<Hidden> {
        let mut unused = ('\u{fdd0}'..='\u{fdef}').filter(|c| !text.contains(*c));
        Some(Hidden { dollar: unused.next()?.to_string(), percent: unused.next()?.to_string() })
    }

    /// Puts back what the text of a literal means.
    fn show(&self, literal: &mut String) {
        *literal = literal.replace(&self.dollar, "${").replace(&self.percent, "%{");
    }

    fn show_in_template(&self, template: &mut Template) {
        for element in &mut template.elements {
            match element {
                Element::Literal(literal) => self.show(literal),
                Element::Interpolation(interpolation) => self.show_in(&mut interpolation.expr),
                Element::Directive(directive) => match directive.as_mut() {
                    Directive::If(directive) => {
                        self.show_in(&mut directive.cond_expr);
                        self.show_in_template(&mut directive.true_template);
                        directive.false_template.iter_mut().for_each(|part| self.show_in_template(part));
                    }
                    Directive::For(directive) => {
                        self.show_in(&mut directive.collection_expr);
                        self.show_in_template(&mut directive.template);
                    }
                },
            }
        }
    }

    fn show_in(&self, expr: &mut Expr) {
        match expr {
            Expr::String(text) => self.show(text),
            Expr::TemplateExpr(template) => {
                let (TemplateExpr::QuotedString(text)
                | TemplateExpr::Heredoc(Heredoc { template: text, .. })) = template.as_mut();
                *text = text.replace(&self.dollar, "$${").replace(&self.percent, "%%{");
            }
            Expr::Array(elements) => elements.iter_mut().for_each(|element| self.show_in(element)),
            Expr::Object(entries) => {
                for (key, value) in entries.iter_mut() {
                    if let ObjectKey::Expression(key) = key {
                        self.show_in(key);
                    }
                    self.show_in(value);
                }
            }
            Expr::Traversal(traversal) => {
                self.show_in(&mut traversal.expr);
                for operator in &mut traversal.operators {
                    if let TraversalOperator::Index(key) = operator {
                        self.show_in(key);
                    }
                }
            }
            Expr::FuncCall(call) => call.args.iter_mut().for_each(|argument| self.show_in(argument)),
            Expr::Parenthesis(inner) => self.show_in(inner),
            Expr::Conditional(conditional) => {
                self.show_in(&mut conditional.cond_expr);
                self.show_in(&mut conditional.true_expr);
                self.show_in(&mut conditional.false_expr);
            }
            Expr::Operation(operation) => match operation.as_mut() {
                Operation::Unary(unary) => self.show_in(&mut unary.expr),
                Operation::Binary(binary) => {
                    self.show_in(&mut binary.lhs_expr);
                    self.show_in(&mut binary.rhs_expr);
                }
            },
            Expr::ForExpr(for_expr) => {
                self.show_in(&mut for_expr.collection_expr);
                for_expr.key_expr.iter_mut().for_each(|key| self.show_in(key));
                self.show_in(&mut for_expr.value_expr);
                for_expr.cond_expr.iter_mut().for_each(|condition| self.show_in(condition));
            }
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Variable(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print;

    /// A flat template needs no help, and with it reads the same.
    #[test]
    fn a_flat_template_is_what_its_parser_says() {
        let parts = ["$", "%", "{", "$${", "%%{", "${x}", "${x.y}", "%{ if x }y%{ endif }", "a", "\\n"];
        for text in parts.iter().flat_map(|a| parts.iter().map(move |b| [*a, *b])) {
            for text in parts.iter().map(|c| [&text.concat(), *c].concat()) {
                let template = TemplateExpr::from(text.as_str());
                let plain = hcl::Template::from_expr(&convert::their_template(&template, text.clone()));
                let plain = plain.ok().map(convert::template);
                assert_eq!(parse(&template), plain, "{text:?}");
                assert_eq!(crate::parse::template(&template), plain, "{text:?}");
            }
        }
    }

    #[test]
    fn a_template_inside_another_keeps_each_escape() {
        for inner in ["$${$%%{${x}", "$${%$${${x}", "%%{$${${x}", "\u{fdd0}$${$$${${x}"] {
            let plain = Expr::from(TemplateExpr::from(inner));
            let nested = Expr::from(TemplateExpr::from(format!("${{\"{inner}\"}}")));
            assert_eq!(print::expression(&nested), print::expression(&plain), "{inner:?}");
            let list =
                Expr::from(TemplateExpr::from(format!("${{f([\"{inner}\"], {{ a = \"{inner}\" }})}}")));
            assert_eq!(print::expression(&list).matches(&print::expression(&plain)).count(), 2, "{inner:?}");
        }
    }
}
