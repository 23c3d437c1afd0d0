//! Which types Terraform converts into which, and what several types have in common.

use terrane_value::Type;

use super::Certainty;

/// Returns whether Terraform converts a value of type `from` where `to` is expected: some such value, or each.
pub fn converts(from: &Type, to: &Type, certainty: Certainty) -> bool {
    let is_certain = certainty == Certainty::Certain;
    let converts = |from: &Type, to: &Type| converts(from, to, certainty);
    match (from, to) {
        (_, Type::Dynamic) | (Type::Number | Type::Bool, Type::String) => true,
        (Type::Dynamic, _) | (Type::String, Type::Number | Type::Bool) => !is_certain,
        (Type::List(from) | Type::Set(from), Type::List(to) | Type::Set(to))
        | (Type::Map(from), Type::Map(to)) => converts(from, to),
        (Type::Tuple(from), Type::List(to) | Type::Set(to)) => from.iter().all(|from| converts(from, to)),
        (Type::Tuple(from), Type::Tuple(to)) => {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| converts(from, to))
        }
        (Type::Object { attributes, .. }, Type::Map(to)) => {
            attributes.values().all(|from| converts(from, to))
        }
        (Type::Map(from), Type::Object { attributes, .. }) => {
            !is_certain && attributes.values().all(|to| converts(from, to))
        }
        (
            Type::Object { attributes: from, optional: may_lack },
            Type::Object { attributes: to, optional: may_be_left_out },
        ) => to.iter().all(|(name, to)| match from.get(name) {
            Some(from) => {
                let is_there = !is_certain || !may_lack.contains(name);
                converts(from, to) && (is_there || may_be_left_out.contains(name))
            }
            None => may_be_left_out.contains(name),
        }),
        (from, to) => from == to,
    }
}

/// Returns the type that all types convert to, as the branches of a conditional or the elements of a list need one.
///
/// A type that is not known may be any of them: it leaves the result unknown where that must be certain.
pub(super) fn unify<'a>(types: impl IntoIterator<Item = &'a Type>, certainty: Certainty) -> Option<Type> {
    let mut types = types.into_iter();
    let Some(first) = types.next() else { return Some(Type::Dynamic) };
    types.try_fold(first.clone(), |common, ty| match common == *ty {
        true => Some(common),
        false => unify_two(&common, ty, certainty),
    })
}

fn unify_two(a: &Type, b: &Type, certainty: Certainty) -> Option<Type> {
    let unify_two = |a: &Type, b: &Type| unify_two(a, b, certainty);
    match (a, b) {
        (Type::Dynamic, other) | (other, Type::Dynamic) => match certainty {
            Certainty::Possible => Some(other.clone()),
            Certainty::Certain => Some(Type::Dynamic),
        },
        (a, b) if a == b => Some(a.clone()),
        (Type::String, Type::Number | Type::Bool) | (Type::Number | Type::Bool, Type::String) => {
            Some(Type::String)
        }
        (Type::Object { attributes: a, .. }, Type::Object { attributes: b, .. }) => {
            if a.keys().eq(b.keys()) {
                let attributes = a.iter().zip(b.values());
                let attributes = attributes.map(|((name, a), b)| Some((name.clone(), unify_two(a, b)?)));
                attributes.collect::<Option<Vec<_>>>().map(Type::object)
            } else {
                unify(a.values().chain(b.values()), certainty).map(Type::map)
            }
        }
        (Type::Map(element), Type::Object { attributes, .. })
        | (Type::Object { attributes, .. }, Type::Map(element)) => {
            unify(attributes.values().chain([element.as_ref()]), certainty).map(Type::map)
        }
        (Type::Map(a), Type::Map(b)) => unify_two(a, b).map(Type::map),
        (Type::Set(a), Type::Set(b)) => unify_two(a, b).map(Type::set),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            a.iter().zip(b).map(|(a, b)| unify_two(a, b)).collect::<Option<_>>().map(Type::Tuple)
        }
        (Type::List(_) | Type::Set(_) | Type::Tuple(_), Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
            unify_two(&element(a, certainty)?, &element(b, certainty)?).map(Type::list)
        }
        _ => None,
    }
}

/// Returns the type of what a collection holds, or the type itself if it is not a collection.
pub(super) fn into_element(ty: Type, certainty: Certainty) -> Result<Type, Type> {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => Ok(*element),
        ty => element(&ty, certainty).ok_or(ty),
    }
}

/// Returns the type of what a collection holds, or `None` for what is not a collection.
pub fn element(ty: &Type, certainty: Certainty) -> Option<Type> {
    match ty {
        Type::Dynamic => Some(Type::Dynamic),
        Type::List(element) | Type::Set(element) | Type::Map(element) => Some(element.as_ref().clone()),
        Type::Tuple(elements) => Some(unify(elements, certainty).unwrap_or(Type::Dynamic)),
        Type::Object { attributes, .. } => {
            Some(unify(attributes.values(), certainty).unwrap_or(Type::Dynamic))
        }
        Type::String | Type::Number | Type::Bool => None,
    }
}

/// Returns the type of an element of which it is not known which one it is, or `None` for what is not a collection.
pub(super) fn held(ty: &Type, certainty: Certainty) -> Option<Type> {
    match ty {
        Type::Tuple(elements) if certainty == Certainty::Certain => Some(same(elements.iter())),
        Type::Object { attributes, .. } if certainty == Certainty::Certain => Some(same(attributes.values())),
        _ => element(ty, certainty),
    }
}

fn same<'a>(mut types: impl Iterator<Item = &'a Type>) -> Type {
    match types.next() {
        Some(first) if types.all(|ty| ty == first) => first.clone(),
        _ => Type::Dynamic,
    }
}
