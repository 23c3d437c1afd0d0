//! Addresses of managed objects, and how `moved` blocks carry them.

use std::fmt;

use terrane_hcl::expr::Expr;
use terrane_hcl::expr::TraversalOperator;

/// The instance key of one step of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    None,
    Number(u64),
    Text(String),
    /// Some instance by number, of which the contract does not know more.
    SomeNumber,
    /// Some instance by string, of which the contract does not know more.
    SomeText,
}

/// A module call (`module.a`) or a resource (`aws_subnet.app`), with an instance key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) key: Key,
}

/// A path of module calls that may end in a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) Vec<Step>);

impl Address {
    /// Reads `module.a["k"].aws_subnet.app[0]`.
    pub(crate) fn parse(text: &str) -> Option<Address> {
        let Ok(Expr::Traversal(traversal)) = text.parse::<Expr>() else { return None };
        let Expr::Variable(root) = &traversal.expr else { return None };
        let mut words = vec![(root.as_str().to_owned(), Key::None)];
        for operator in &traversal.operators {
            match operator {
                TraversalOperator::GetAttr(name) => words.push((name.as_str().to_owned(), Key::None)),
                TraversalOperator::Index(Expr::Number(number)) => {
                    words.last_mut()?.1 = Key::Number(number.as_u64()?);
                }
                TraversalOperator::Index(Expr::String(key)) => words.last_mut()?.1 = Key::Text(key.clone()),
                TraversalOperator::LegacyIndex(number) => words.last_mut()?.1 = Key::Number(*number),
                _ => return None,
            }
        }
        // Each step is two words: `module` and a name, or a type and a name.
        let pairs: Option<Vec<Step>> = words
            .chunks(2)
            .map(|pair| match pair {
                [(first, Key::None), (second, key)] => {
                    Some(Step { name: format!("{first}.{second}"), key: key.clone() })
                }
                _ => None,
            })
            .collect();
        pairs.map(Address)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|step| step.name.as_str()).collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, step) in self.0.iter().enumerate() {
            write!(f, "{}{}", if idx == 0 { "" } else { "." }, step.name)?;
            match &step.key {
                Key::None => {}
                Key::Number(number) => write!(f, "[{number}]")?,
                Key::Text(key) => write!(f, "[{key:?}]")?,
                Key::SomeNumber | Key::SomeText => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// One `moved` block, seen from the root of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    /// The module calls that lead to the block; it holds for each of their instances.
    pub(crate) within: Vec<String>,
    pub(crate) from: Address,
    pub(crate) to: Address,
}

impl Movement {
    /// Whether the block moves a resource or call with all its instances.
    pub(crate) fn is_whole(&self) -> bool {
        let unkeyed = |address: &Address| address.0.last().is_some_and(|step| step.key == Key::None);
        unkeyed(&self.from) && unkeyed(&self.to)
    }

    /// Returns an address of the block as seen from the root.
    pub(crate) fn in_root(&self, address: &Address) -> Address {
        let within = self.within.iter().map(|name| Step { name: name.clone(), key: Key::None });
        Address(within.chain(address.0.iter().cloned()).collect())
    }

    /// Returns where the block carries an address, if it concerns it.
    fn apply(&self, address: &Address) -> Option<Address> {
        let depth = self.within.len();
        let rest = address.0.get(depth..)?;
        let same_module = address.0.iter().zip(&self.within).all(|(step, name)| step.name == *name);
        let last = self.from.0.len().checked_sub(1)?;
        let matches = self.from.0.iter().enumerate().all(|(idx, from)| {
            rest.get(idx).is_some_and(|step| {
                step.name == from.name && (step.key == from.key || (idx == last && self.is_whole()))
            })
        });
        if !same_module || !matches {
            return None;
        }
        let mut moved = address.0[..depth].to_vec();
        moved.extend(self.to.0.iter().cloned());
        if let (true, Some(step)) = (self.is_whole(), moved.last_mut()) {
            step.key = rest[last].key.clone();
        }
        moved.extend(rest[last + 1..].iter().cloned());
        Some(Address(moved))
    }
}

/// Follows `moved` blocks from an address to where they end; `None` where they run in a circle.
pub(crate) fn replay(movements: &[Movement], start: &Address) -> Option<Address> {
    let mut address = start.clone();
    for _ in 0..=movements.len() {
        let next = movements.iter().find_map(|movement| movement.apply(&address));
        match next {
            Some(next) if next != address => address = next,
            _ => return Some(address),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_terraform_writes_them() {
        for text in ["aws_vpc.this", "aws_subnet.app[\"a\"]", "module.m[0].aws_vpc.this", "module.a.module.b"]
        {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for text in ["aws_vpc", "aws_vpc.this.id", "aws_vpc[0].this", "1 + 2", "a.b[var.x]"] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn movements_carry_keys_and_children() {
        let movement = |from: &str, to: &str| Movement {
            within: Vec::new(),
            from: Address::parse(from).unwrap(),
            to: Address::parse(to).unwrap(),
        };
        let movements = [
            movement("a.b", "a.c"),
            movement("a.c", "module.m.a.d"),
            movement("module.x", "module.y"),
            movement("k.k", "k.k[\"only\"]"),
        ];
        for (start, end) in [
            ("a.b[\"k\"]", "module.m.a.d[\"k\"]"),
            ("module.x[3].a.z", "module.y[3].a.z"),
            ("k.k", "k.k[\"only\"]"),
            ("k.k[0]", "k.k[0]"),
            ("z.z", "z.z"),
        ] {
            let end_found = replay(&movements, &Address::parse(start).unwrap()).unwrap();
            assert_eq!(end_found.to_string(), end);
        }
        let circle = [movement("a.b", "a.c"), movement("a.c", "a.b")];
        assert_eq!(replay(&circle, &Address::parse("a.b").unwrap()), None);
    }
}
