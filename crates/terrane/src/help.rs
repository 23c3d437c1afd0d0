//! What `--help` says beside the options: examples, and how commands end.

/// How every command ends.
macro_rules! with_exit_codes {
    ($examples:literal) => {
        concat!(
            "Examples:\n",
            $examples,
            "\nExit codes: 0 fine; 1 the input has problems; 2 the command line is wrong; 3 `--check` found a difference;\n4 a file, a program, or a service failed.\n\
             Documentation: https://github.com/terrane-dev/terrane"
        )
    };
}

pub(crate) const TERRANE: &str = with_exit_codes!(
    "  terrane init shop.toml
  terrane compile shop.toml -o modules/shop
  terrane prove shop.toml
"
);

pub(crate) const COMPILE: &str = with_exit_codes!(
    "  terrane compile shop.toml -o modules/shop
  terrane compile shop.toml -o modules/shop --dry-run      # what would change
  terrane compile shop.toml -o modules/shop --check        # for CI: 3 if a file is not up to date
  terrane compile - -o modules/shop --quiet                # the topology from standard input
"
);

pub(crate) const RELEASE: &str = with_exit_codes!(
    "  terrane release shop --to s3://acme-modules/registry --dry-run
  terrane release shop --to s3://acme-modules/registry
"
);

pub(crate) const INIT: &str = with_exit_codes!(
    "  terrane init
  terrane init shop.toml --name web-shop
"
);

pub(crate) const NEW: &str = with_exit_codes!(
    "  terrane new acme-networks
  terrane new acme-networks --namespace acme --host modules.example.com
"
);

pub(crate) const DIFF: &str = with_exit_codes!(
    "  terrane diff old/shop modules/shop
  terrane diff HEAD~1:modules/shop modules/shop
"
);

pub(crate) const PROVE: &str = with_exit_codes!(
    "  terrane prove shop.toml
  terrane prove shop.toml --only refuted,unknown
  terrane prove shop.toml --against old.toml               # what is newly permitted and denied
  terrane prove --plan plan.json                           # of `terraform show -json PLAN`
  terrane prove --state s3://acme-state/shop.tfstate --strict
"
);

pub(crate) const EXPLAIN: &str = with_exit_codes!(
    "  terrane explain range-overlap
  terrane explain P1
  terrane explain
"
);

pub(crate) const BINDINGS: &str = with_exit_codes!(
    "  terrane bindings modules/shop -o src/shop.rs
  terrane bindings s3://acme-state/shop.tfstate
"
);

pub(crate) const REGISTRY: &str = with_exit_codes!(
    "  terrane registry list s3://acme-modules/registry
  terrane registry fsck s3://acme-modules/registry
  terrane registry serve /srv/modules
"
);

pub(crate) const STATE: &str = with_exit_codes!(
    "  terrane state outputs s3://acme-state/shop.tfstate
  terrane state list terraform.tfstate
"
);

pub(crate) const COMPLETIONS: &str = with_exit_codes!(
    "  terrane completions bash > ~/.local/share/bash-completion/completions/terrane
  terrane completions zsh > ~/.zfunc/_terrane
  terrane completions fish > ~/.config/fish/completions/terrane.fish
"
);

pub(crate) const MAN: &str = with_exit_codes!("  terrane man ~/.local/share/man/man1\n");

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::Args;

    #[test]
    fn every_command_has_examples_and_they_are_commands() {
        let command = Args::command();
        let own = command.get_subcommands();
        for command in own.chain([&command]) {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Exit codes: 0 fine"), "{}", command.get_name());
            let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!(!examples.is_empty(), "{help}");
            for example in examples {
                let words =
                    example.split(" #").next().unwrap_or_default().split(" >").next().unwrap_or_default();
                let parsed = Args::try_parse_from(words.split_whitespace());
                assert!(
                    parsed.is_ok(),
                    "{example}\n{}",
                    parsed.err().map(|error| error.to_string()).unwrap_or_default()
                );
            }
        }
    }
}
