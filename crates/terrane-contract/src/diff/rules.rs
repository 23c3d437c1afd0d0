//! The rule table.

/// One rule of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable id, such as `V03`.
    pub id: &'static str,
    /// What change it is about, and the bump that change needs.
    pub doc: &'static str,
}

const fn rule(id: &'static str, doc: &'static str) -> Rule {
    Rule { id, doc }
}

/// Every rule, in order of its id's group: variables, outputs, resources, providers, the rest.
///
/// A contract holds no arguments and no values of outputs: that some changed is known where both packages are
/// (`R15`, `R17`, `R18`, `O10`, `O12`), and what that does shows in a plan alone. The one exception is the address of a
/// compiled network's subnet (`R14`).
pub const RULES: &[Rule] = &[
    rule("V01", "a required variable is new: major"),
    rule("V02", "an optional variable is new: minor"),
    rule("V03", "a variable is gone: major"),
    rule("V04", "a variable lost its default: major"),
    rule("V05", "a variable got a default: minor"),
    rule("V06", "a default changed: major"),
    rule("V07", "a variable's type accepts every value that the old type did: minor"),
    rule("V08", "a variable's type refuses values that the old type accepted: major"),
    rule("V09", "an object variable got a required attribute: major"),
    rule("V10", "an object variable got an optional attribute: minor"),
    rule("V11", "an object variable lost an attribute, whose values are dropped silently: major"),
    rule("V12", "an attribute became required (major) or optional (minor)"),
    rule("V13", "the default of an optional attribute changed: major"),
    rule("V14", "a variable without default refuses null: major"),
    rule("V15", "null now means the default of a variable: minor"),
    rule("V16", "null now reaches the body of the module: major"),
    rule("V17", "a validation is new or changed: major"),
    rule("V18", "a validation is gone: minor"),
    rule("V19", "a variable became sensitive, which outputs and for_each pass on: major"),
    rule("V20", "a variable is no longer sensitive, so its value is shown: major"),
    rule("V21", "a variable became ephemeral, which outputs and arguments may refuse: major"),
    rule("V22", "a variable is no longer ephemeral, so its value lands in state: major"),
    rule("V23", "a variable became const (major) or is no longer so (minor)"),
    rule("V24", "a variable is deprecated: minor"),
    rule("O01", "an output is gone: major"),
    rule("O02", "an output is new: minor"),
    rule("O03", "an output's type changed: major"),
    rule("O04", "an output object lost (major) or got (minor) an attribute"),
    rule("O05", "an output may become null: major"),
    rule("O06", "an output became sensitive: major"),
    rule("O07", "an output is no longer sensitive: major"),
    rule("O08", "an output became ephemeral, or is no longer so: major"),
    rule("O09", "an output's precondition is new or changed: major"),
    rule(
        "O10",
        "an output holds another kind of thing under the same type, such as an ARN instead of an id: major",
    ),
    rule(
        "O11",
        "an output's type is declared (minor), or no longer is, so that it may change unseen (patch)",
    ),
    rule("O12", "an output's value is computed otherwise: minor"),
    rule("R01", "a managed resource, or a call of a module elsewhere, is gone: major"),
    rule("R02", "a managed resource is forgotten without being destroyed: major"),
    rule("R03", "a resource is renamed and moved: minor"),
    rule("R04", "a resource is renamed without a moved block: major"),
    rule("R05", "a single resource got count, or the other way round, which Terraform moves: minor"),
    rule("R06", "a resource got for_each, with (minor) or without (major) moved blocks"),
    rule("R07", "instance keys changed for certain, without moved blocks: major"),
    rule(
        "R08",
        "a resource went into or out of a child module, with (minor) or without (major) moved blocks",
    ),
    rule("R09", "a resource's type changed: major"),
    rule("R10", "an earlier moved block is gone, which destroys for those who skipped versions: major"),
    rule("R11", "moved blocks contradict each other or the declarations: refused"),
    rule("R12", "a moved block leads to an address that is not declared: major"),
    rule("R13", "a managed resource, a call of a module elsewhere, or an instance of one is new: minor"),
    rule("R14", "the block of a tier or the slot of a zone moved, which replaces subnets: major"),
    rule("R15", "the arguments of a resource, call, or provider changed, which changes what stands: minor"),
    rule("R16", "a lifecycle setting changed: major where destruction is now refused, else minor"),
    rule("R17", "a data source is new or reads something else (minor), or is gone (patch)"),
    rule("R18", "a condition of a resource or data source is new or changed (major), or gone (minor)"),
    rule("P01", "a provider's lowest version was raised inside its major: minor"),
    rule("P02", "a provider's range excludes versions that it admitted: major"),
    rule("P03", "a provider's range was widened: minor"),
    rule("P04", "a provider's source changed, or a provider is gone: major"),
    rule("P05", "required_version excludes versions that it admitted (major), or was widened (minor)"),
    rule("P06", "a provider or an alias is new, which callers may have to configure: major"),
    rule("P07", "a configuration alias is gone: major"),
    rule("P08", "the module configures a provider itself: refused"),
    rule("S01", "a public submodule is gone: major"),
    rule("S02", "a public submodule is new: minor"),
    rule("M01", "a registry module that this one calls has another version or source"),
    rule("B01", "the admitted base ranges are narrower: major"),
    rule("B02", "the admitted base ranges are wider: minor"),
    rule("D01", "descriptions, or files that decide nothing that stands, changed: patch"),
    rule("D02", "the bytes of an archive changed, and its tree did not: none; the published archive stays"),
    rule("U01", "a type is known on one side alone, so its compatibility is unknown: major"),
    rule("U02", "a type is unknown on both sides, so a change of it would not be seen: none"),
    rule("U03", "what decides instance keys changed, and whether the keys did is unknown: minor"),
    rule("U04", "a file cannot be read: major, or none where it is the same on both sides"),
];
