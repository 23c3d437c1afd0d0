//! Outputs of a module that says which it is.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, State};

/// The outputs of one major version of a module, as a struct; crates of generated structs implement it.
pub trait ModuleOutputs: DeserializeOwned {
    /// The module's name.
    const MODULE: &'static str;
    /// The major version.
    const MAJOR: u64;
    /// The version that brought each output.
    const SINCE: &'static [(&'static str, &'static str)];
}

/// The `terrane` output of a module.
#[derive(Deserialize)]
struct Terrane {
    terrane: Identity,
}

#[derive(Deserialize)]
struct Identity {
    module: String,
    version: String,
}

impl Identity {
    /// Returns the major version; anything that is no version has none.
    fn major(&self) -> Option<u64> {
        self.version.split('.').next()?.parse().ok()
    }

    /// Refuses outputs of another module, or of another major version.
    fn check<T: ModuleOutputs>(&self) -> Result<(), ErrorKind> {
        if self.module == T::MODULE && self.major() == Some(T::MAJOR) {
            return Ok(());
        }
        Err(ErrorKind::WrongModule {
            expected: format!("module `{}` version {}", T::MODULE, T::MAJOR),
            found: format!("module `{}` version {}", self.module, self.version),
        })
    }
}

impl State {
    /// Returns the outputs of a module that a root re-exports as one output, as in
    /// `output "network" { value = module.network }`.
    ///
    /// The state must have been written by the same module and the same major version.
    /// Outputs that the struct does not name, such as those of a newer minor version, are ignored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongModule`] for outputs of another module or major version, and for outputs that do not say
    /// what they are; [`ErrorKind::MissingOutput`] with the version that brought an output that an older minor
    /// version lacks; otherwise those of [`outputs_of`](State::outputs_of).
    pub fn module<T: ModuleOutputs>(&self, output: &str) -> Result<T, Error> {
        let identity = self.outputs_of::<Terrane>(output);
        typed(identity, || self.outputs_of(output))
    }

    /// Returns the outputs of a module that was applied as the root itself.
    ///
    /// # Errors
    ///
    /// Those of [`module`](State::module).
    pub fn root_module<T: ModuleOutputs>(&self) -> Result<T, Error> {
        typed(self.outputs::<Terrane>(), || self.outputs())
    }
}

fn typed<T: ModuleOutputs>(
    identity: Result<Terrane, Error>,
    outputs: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let identity = match identity {
        Ok(found) => found.terrane,
        Err(error) if is_anonymous(&error) => {
            return Err(ErrorKind::WrongModule {
                expected: format!("module `{}` version {}", T::MODULE, T::MAJOR),
                found: "outputs without `terrane`, which names a module and its version".to_owned(),
            }
            .into());
        }
        Err(error) => return Err(error),
    };
    identity.check::<T>()?;
    outputs().map_err(|error| dated::<T>(error, &identity))
}

/// Returns whether the outputs are there and only `terrane` is not.
fn is_anonymous(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::MissingOutput { name, .. } if name.rsplit('.').next() == Some("terrane"))
}

/// Adds to an error about a missing output which version brought it, and which the state has.
fn dated<T: ModuleOutputs>(error: Error, identity: &Identity) -> Error {
    let ErrorKind::MissingOutput { name, .. } = error.kind() else { return error };
    let output = name.rsplit('.').next().unwrap_or(name);
    let since = T::SINCE.iter().find(|(of, _)| *of == output).map(|(_, since)| (*since).to_owned());
    ErrorKind::MissingOutput { name: name.clone(), since, state_has: Some(identity.version.clone()) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Shop {
        vpc_id: String,
        nat_public_ips: Vec<String>,
    }

    impl ModuleOutputs for Shop {
        const MODULE: &'static str = "shop";
        const MAJOR: u64 = 1;
        const SINCE: &'static [(&'static str, &'static str)] =
            &[("vpc_id", "1.0.0"), ("nat_public_ips", "1.3.0")];
    }

    /// Returns a state that holds the outputs of a module, each as its name, value, and type.
    fn state(module: &str, version: &str, outputs: &[[&str; 3]]) -> State {
        let identity = format!(r#"{{"module":"{module}","version":"{version}","fingerprint":"x"}}"#);
        let all = [&[["terrane", &identity, r#"["map","string"]"#]], outputs].concat();
        let join = |column: usize| {
            let members: Vec<String> =
                all.iter().map(|row| format!(r#""{}":{}"#, row[0], row[column])).collect();
            members.join(",")
        };
        let text = format!(
            r#"{{"version":4,"outputs":{{"network":{{"value":{{{}}},"type":["object",{{{}}}]}}}}}}"#,
            join(1),
            join(2)
        );
        State::parse(text.as_bytes()).unwrap()
    }

    const VPC: [&str; 3] = ["vpc_id", r#""vpc-1""#, r#""string""#];
    const IPS: [&str; 3] = ["nat_public_ips", r#"["192.0.2.1"]"#, r#"["list","string"]"#];

    #[test]
    fn the_same_minor_version_is_read() {
        let shop: Shop = state("shop", "1.3.0", &[VPC, IPS]).module("network").unwrap();
        assert_eq!(shop, Shop { vpc_id: "vpc-1".to_owned(), nat_public_ips: vec!["192.0.2.1".to_owned()] });
    }

    #[test]
    fn an_output_that_came_later_is_missing_with_both_versions() {
        let error = state("shop", "1.1.0", &[VPC]).module::<Shop>("network").unwrap_err();
        let expected = ErrorKind::MissingOutput {
            name: "network.nat_public_ips".to_owned(),
            since: Some("1.3.0".to_owned()),
            state_has: Some("1.1.0".to_owned()),
        };
        assert_eq!(error.kind(), &expected);
    }

    #[test]
    fn what_a_newer_minor_version_adds_is_ignored() {
        let later = ["later", "true", r#""bool""#];
        assert!(state("shop", "1.9.0", &[VPC, later, IPS]).module::<Shop>("network").is_ok());
    }

    #[test]
    fn another_module_and_another_major_version_are_refused() {
        for (module, version) in [("club", "1.3.0"), ("shop", "2.0.0"), ("shop", "next")] {
            let error = state(module, version, &[VPC, IPS]).module::<Shop>("network").unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::WrongModule { .. }), "{error}");
        }
    }

    #[test]
    fn outputs_that_do_not_say_what_they_are_are_refused() {
        let text = br#"{"version":4,"outputs":{"network":{"value":{"vpc_id":"vpc-1"},"type":["object",{"vpc_id":"string"}]}}}"#;
        let error = State::parse(text).unwrap().module::<Shop>("network").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WrongModule { .. }), "{error}");
    }
}
