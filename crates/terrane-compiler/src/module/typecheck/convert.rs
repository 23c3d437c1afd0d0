//! Which types Terraform converts into which, and what several types have in common.

use terrane_contract::Type;

/// Returns whether Terraform converts a value of type `from` where `to` is expected.
pub(super) fn converts(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Dynamic, _) | (_, Type::Dynamic) => true,
        (Type::String, Type::Number | Type::Bool) | (Type::Number | Type::Bool, Type::String) => true,
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
            attributes.values().all(|to| converts(from, to))
        }
        (Type::Object { attributes: from, .. }, Type::Object { attributes: to, optional }) => {
            to.iter().all(|(name, to)| match from.get(name) {
                Some(from) => converts(from, to),
                None => optional.contains(name),
            })
        }
        (from, to) => from == to,
    }
}

/// Returns the type that all types convert to, as the branches of a conditional or the elements of a list need one.
pub(super) fn unify<'a>(types: impl IntoIterator<Item = &'a Type>) -> Option<Type> {
    types.into_iter().try_fold(Type::Dynamic, |common, ty| match common == *ty {
        true => Some(common),
        false => unify_two(&common, ty),
    })
}

fn unify_two(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Dynamic, other) | (other, Type::Dynamic) => Some(other.clone()),
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
                unify(a.values().chain(b.values())).map(Type::map)
            }
        }
        (Type::Map(element), Type::Object { attributes, .. })
        | (Type::Object { attributes, .. }, Type::Map(element)) => {
            unify(attributes.values().chain([element.as_ref()])).map(Type::map)
        }
        (Type::Map(a), Type::Map(b)) => unify_two(a, b).map(Type::map),
        (Type::Set(a), Type::Set(b)) => unify_two(a, b).map(Type::set),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            a.iter().zip(b).map(|(a, b)| unify_two(a, b)).collect::<Option<_>>().map(Type::Tuple)
        }
        (Type::List(_) | Type::Set(_) | Type::Tuple(_), Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
            unify_two(&element(a)?, &element(b)?).map(Type::list)
        }
        _ => None,
    }
}

/// Returns the type of what a collection holds, or the type itself if it is no collection.
pub(super) fn into_element(ty: Type) -> Result<Type, Type> {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => Ok(*element),
        ty => element(&ty).ok_or(ty),
    }
}

/// Returns the type of what a collection holds, or `None` for what is no collection.
pub(super) fn element(ty: &Type) -> Option<Type> {
    match ty {
        Type::Dynamic => Some(Type::Dynamic),
        Type::List(element) | Type::Set(element) | Type::Map(element) => Some(element.as_ref().clone()),
        Type::Tuple(elements) => Some(unify(elements).unwrap_or(Type::Dynamic)),
        Type::Object { attributes, .. } => Some(unify(attributes.values()).unwrap_or(Type::Dynamic)),
        Type::String | Type::Number | Type::Bool => None,
    }
}
