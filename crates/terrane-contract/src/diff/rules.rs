//! The rule table.

/// One rule of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable id, such as `V03`.
    pub id: &'static str,
    /// What change it is about, and the bump that change needs.
    pub doc: &'static str,
    /// The reason for the bump, and the remedy.
    pub explanation: &'static str,
}

const fn rule(id: &'static str, doc: &'static str, explanation: &'static str) -> Rule {
    Rule { id, doc, explanation }
}

/// Every rule, in order of its id's group: variables, outputs, resources, providers, the rest.
///
/// A contract holds no arguments and no values of outputs: that some changed is known where both packages are
/// (`R15`, `R17`, `R18`, `O10`, `O12`), and what that does shows in a plan alone. The one exception is the address of a
/// compiled network's subnet (`R14`).
pub const RULES: &[Rule] = &[
    rule(
        "V01",
        "a required variable is new: major",
        "Every caller gets \"Missing required argument\" until it sets the variable. Give the variable a default, or release a new major version.",
    ),
    rule(
        "V02",
        "an optional variable is new: minor",
        "Callers that do not set the variable keep what they have. New variables are a minor version.",
    ),
    rule(
        "V03",
        "a variable is gone: major",
        "Callers that set the variable get \"Unsupported argument\". Keep the variable and ignore it, or release a new major version.",
    ),
    rule(
        "V04",
        "a variable lost its default: major",
        "Callers that leave the variable out get \"Missing required argument\". Restore the default, or release a new major version.",
    ),
    rule(
        "V05",
        "a variable got a default: minor",
        "Callers may now leave the variable out, and those that set it see no difference. A default that is new is a minor version.",
    ),
    rule(
        "V06",
        "a default changed: major",
        "Callers that leave the variable out get another value, and with it other resources. Keep the default and let callers set the new value, or release a new major version.",
    ),
    rule(
        "V07",
        "a variable's type accepts every value that the old type did: minor",
        "Every value that callers pass is still accepted. A type that accepts more is a minor version.",
    ),
    rule(
        "V08",
        "a variable's type refuses values that the old type accepted: major",
        "Values that callers pass may be refused by the new type. Accept the old type as well, or release a new major version.",
    ),
    rule(
        "V09",
        "an object variable got a required attribute: major",
        "Callers that pass an object without the attribute are refused. Make it `optional`, with a default that changes nothing, or release a new major version.",
    ),
    rule(
        "V10",
        "an object variable got an optional attribute: minor",
        "Objects without the attribute are still accepted. A new optional attribute is a minor version.",
    ),
    rule(
        "V11",
        "an object variable lost an attribute, whose values are dropped silently: major",
        "Terraform drops attributes that an object type does not have without a word, so that values of callers lose their effect in silence. Keep the attribute, or release a new major version.",
    ),
    rule(
        "V12",
        "an attribute became required (major) or optional (minor)",
        "Where an attribute became required, callers that leave it out are refused; where it became optional, callers see no difference. Keep it optional, or release a new major version.",
    ),
    rule(
        "V13",
        "the default of an optional attribute changed: major",
        "Callers that leave the attribute out get another value. Keep the default, or release a new major version.",
    ),
    rule(
        "V14",
        "a variable without default refuses null: major",
        "The variable got `nullable = false` and has no default, so callers that pass null are refused. Accept null, or release a new major version.",
    ),
    rule(
        "V15",
        "null now means the default of a variable: minor",
        "The variable got `nullable = false`, and callers that pass null get its default instead. That is the meaning that null has elsewhere, and a minor version.",
    ),
    rule(
        "V16",
        "null now reaches the body of the module: major",
        "The variable lost `nullable = false`, so that null reaches the expressions of the module, which may fail on it. Keep the setting, or release a new major version.",
    ),
    rule(
        "V17",
        "a validation is new or changed: major",
        "Values that callers pass may fail the condition. A condition that is only written otherwise may be reported, too, since conditions are compared as text. Release a new major version, unless every value that was accepted passes.",
    ),
    rule(
        "V18",
        "a validation is gone: minor",
        "Every value that passed before still passes. A condition that is gone is a minor version.",
    ),
    rule(
        "V19",
        "a variable became sensitive, which outputs and for_each pass on: major",
        "Whatever is made from the variable becomes sensitive: outputs must say so, and `for_each` refuses it. Release a new major version.",
    ),
    rule(
        "V20",
        "a variable is no longer sensitive, so its value is shown: major",
        "Plans show the value, which callers may have relied on to stay hidden. Release a new major version.",
    ),
    rule(
        "V21",
        "a variable became ephemeral, which outputs and arguments may refuse: major",
        "Ephemeral values cannot reach outputs or arguments that are stored, so plans that worked may be refused. Release a new major version.",
    ),
    rule(
        "V22",
        "a variable is no longer ephemeral, so its value lands in state: major",
        "The value is written to the state of callers, where it was not before. Release a new major version.",
    ),
    rule(
        "V23",
        "a variable became const (major) or is no longer so (minor)",
        "A constant variable takes only values that are known before planning. Where it became one, callers with other values are refused; where it no longer is one, they see no difference.",
    ),
    rule(
        "V24",
        "a variable is deprecated: minor",
        "Callers that set the variable get a warning, and nothing else changes. A deprecation is a minor version.",
    ),
    rule(
        "O01",
        "an output is gone: major",
        "Callers that read the output get \"Unsupported attribute\". Keep the output, or release a new major version.",
    ),
    rule(
        "O02",
        "an output is new: minor",
        "Callers that do not read the output see no difference. A new output is a minor version.",
    ),
    rule(
        "O03",
        "an output's type changed: major",
        "Expressions of callers that read the output may fail or give other values. Keep the type, or release a new major version.",
    ),
    rule(
        "O04",
        "an output object lost (major) or got (minor) an attribute",
        "Where an attribute is gone, callers that read it get \"Unsupported attribute\"; one that is new breaks nothing. Keep the attribute, or release a new major version.",
    ),
    rule(
        "O05",
        "an output may become null: major",
        "Callers that read into the output, or pass it to an argument that must be set, fail when it is null. Release a new major version.",
    ),
    rule(
        "O06",
        "an output became sensitive: major",
        "Outputs and arguments of callers that use the value must become sensitive, too, and `for_each` refuses it. Release a new major version.",
    ),
    rule(
        "O07",
        "an output is no longer sensitive: major",
        "Plans of callers show the value, which they may have relied on to stay hidden. Release a new major version.",
    ),
    rule(
        "O08",
        "an output became ephemeral, or is no longer so: major",
        "An ephemeral output can be used in few places, and one that no longer is ephemeral is stored. Release a new major version.",
    ),
    rule(
        "O09",
        "an output's precondition is new or changed: major",
        "Plans of callers that passed before may fail the condition. Conditions are compared as text, so one that is only written otherwise may be reported, too. Release a new major version, unless it holds wherever the old one held.",
    ),
    rule(
        "O10",
        "an output holds another kind of thing under the same type, such as an ARN instead of an id: major",
        "The type is the same, but the strings mean something else, so callers break when they are applied and not when they are planned. Add another output, and keep this one.",
    ),
    rule(
        "O11",
        "an output's type is declared (minor), or no longer is, so that it may change unseen (patch)",
        "A declared type stays as it is, which callers gain from. Without one, a later change of the type cannot be seen in the contract.",
    ),
    rule(
        "O12",
        "an output's value is computed otherwise: minor",
        "The value of the output may change, and with it what callers make of it. A plan over a state of the old version shows whether it does.",
    ),
    rule(
        "R01",
        "a managed resource, or a call of a module elsewhere, is gone: major",
        "Terraform destroys the resource on the next apply, or all that the call manages. If it has a successor, add a `moved` block; if it is to stay without being managed, a `removed` block. Otherwise release a new major version.",
    ),
    rule(
        "R02",
        "a managed resource is forgotten without being destroyed: major",
        "A `removed` block with `destroy = false` takes the resource out of the state, and it stays where it is, managed by nobody. Callers must know of it: release a new major version.",
    ),
    rule(
        "R03",
        "a resource is renamed and moved: minor",
        "A `moved` block leads from the old address to the new one, so nothing is destroyed. Callers that name the address in commands must use the new one. That is a minor version.",
    ),
    rule(
        "R04",
        "a resource is renamed without a moved block: major",
        "Terraform destroys the resource and makes the successor anew. Add a `moved` block from the old address to the new one if they are the same thing; otherwise release a new major version.",
    ),
    rule(
        "R05",
        "a single resource got count, or the other way round, which Terraform moves: minor",
        "Terraform moves a single resource to index 0, and back, by itself. Nothing is destroyed, so it is a minor version.",
    ),
    rule(
        "R06",
        "a resource got for_each, with (minor) or without (major) moved blocks",
        "With `for_each` every instance has a key, and Terraform does not guess which one the old instance is. Add a `moved` block for each instance; without one it is destroyed, and the version is a major one.",
    ),
    rule(
        "R07",
        "instance keys changed for certain, without moved blocks: major",
        "Keys of `count` or `for_each` that stood are gone, and their instances are destroyed. Add a `moved` block for each, or release a new major version.",
    ),
    rule(
        "R08",
        "a resource went into or out of a child module, with (minor) or without (major) moved blocks",
        "The address of the resource has another module path. With a `moved` block nothing is destroyed; without one it is destroyed and made anew, which is a major version.",
    ),
    rule(
        "R09",
        "a resource's type changed: major",
        "A resource of one type cannot become one of another, with few exceptions that providers define. The old one is destroyed and the new one made: release a new major version.",
    ),
    rule(
        "R10",
        "an earlier moved block is gone, which destroys for those who skipped versions: major",
        "`moved` blocks serve callers that upgrade from any earlier version, and those that skipped some need all of them. Keep `moved` blocks for ever.",
    ),
    rule(
        "R11",
        "moved blocks contradict each other or the declarations: refused",
        "Terraform refuses the module: two blocks move the same address, blocks run in a circle, or an address that is moved away is still declared. No version number makes that usable; correct the blocks.",
    ),
    rule(
        "R12",
        "a moved block leads to an address that is not declared: major",
        "Terraform moves the resource to an address that is not in the configuration, and destroys it there. Correct the end of the `moved` block, or declare the resource.",
    ),
    rule(
        "R13",
        "a managed resource, a call of a module elsewhere, or an instance of one is new: minor",
        "The next apply makes something new, and nothing that stands changes. That is a minor version.",
    ),
    rule(
        "R14",
        "the block of a tier or the slot of a zone moved, which replaces subnets: major",
        "A subnet cannot move or change its range, so every subnet of the tier or zone is destroyed and made anew, with everything in it. Restore the ledger of the old version and compile again, or release a new major version.",
    ),
    rule(
        "R15",
        "the arguments of a resource, call, or provider changed, which changes what stands: minor",
        "Terraform changes the resource in place where the provider can, and replaces it otherwise, which only a plan over a state of the old version shows. Look at such a plan before the release.",
    ),
    rule(
        "R16",
        "a lifecycle setting changed: major where destruction is now refused, else minor",
        "`prevent_destroy` that is new makes plans fail that destroy the resource, which is a major change. Other settings of `lifecycle` change how and when Terraform replaces or updates it, and are minor ones.",
    ),
    rule(
        "R17",
        "a data source is new or reads something else (minor), or is gone (patch)",
        "A data source is read anew in every plan and manages nothing, so that nothing is destroyed. Values that follow from it may change, which a plan shows.",
    ),
    rule(
        "R18",
        "a condition of a resource or data source is new or changed (major), or gone (minor)",
        "Plans of callers may fail a condition that is new or changed, which needs a major version. One that is gone lets more pass. Conditions are compared as text.",
    ),
    rule(
        "P01",
        "a provider's lowest version was raised inside its major: minor",
        "Callers that lock an older version of the provider must upgrade it, within the same major version, with `terraform init -upgrade`. That is a minor version.",
    ),
    rule(
        "P02",
        "a provider's range excludes versions that it admitted: major",
        "`terraform init` fails where callers lock or require a version that is now excluded. Widen the constraint, or release a new major version.",
    ),
    rule(
        "P03",
        "a provider's range was widened: minor",
        "Every version that callers use is still admitted. A wider constraint is a minor version.",
    ),
    rule(
        "P04",
        "a provider's source changed, or a provider is gone: major",
        "States of callers name the old provider for each of its resources, and Terraform cannot manage them without it. Keep the provider, or release a new major version with instructions.",
    ),
    rule(
        "P05",
        "required_version excludes versions that it admitted (major), or was widened (minor)",
        "Where the constraint excludes versions of Terraform that it admitted, `terraform init` fails for callers that use them, which is a major change. A wider constraint is a minor one.",
    ),
    rule(
        "P06",
        "a provider or an alias is new, which callers may have to configure: major",
        "Callers may have to configure the provider or pass the alias before they can plan. A provider that needs no configuration, such as `random`, is a minor change; others need a major version.",
    ),
    rule(
        "P07",
        "a configuration alias is gone: major",
        "Callers that pass a configuration for the alias are refused. Keep the alias, or release a new major version.",
    ),
    rule(
        "P08",
        "the module configures a provider itself: refused",
        "A module with a `provider` block cannot be used with `count`, `for_each`, or `depends_on`, and cannot be removed without keeping the provider. No version number makes that usable: leave the configuration to the caller.",
    ),
    rule(
        "S01",
        "a public submodule is gone: major",
        "Callers that name the submodule as a source no longer find it. A submodule is public as long as it has a README. Keep it, or release a new major version.",
    ),
    rule(
        "S02",
        "a public submodule is new: minor",
        "Callers can name the submodule as a source, and from now on it is compared like a module of its own. That is a minor version.",
    ),
    rule(
        "M01",
        "a registry module that this one calls has another version or source",
        "A module that this one calls may have other inputs, outputs, or resources in its new version, which is not looked into. Read its changelog, and look at a plan over a state of the old version.",
    ),
    rule(
        "B01",
        "the admitted base ranges are narrower: major",
        "Callers whose base range is no longer admitted get an error at plan, and cannot change the range without replacing the network. Admit the ranges again, or release a new major version.",
    ),
    rule(
        "B02",
        "the admitted base ranges are wider: minor",
        "Every base range that callers pass is still admitted. That is a minor version.",
    ),
    rule(
        "D01",
        "descriptions, or files that decide nothing that stands, changed: patch",
        "Words changed, or files that no resource depends on. Nothing that stands changes, so it is a patch.",
    ),
    rule(
        "D02",
        "the bytes of an archive changed, and its tree did not: none; the published archive stays",
        "The archive has other bytes and the same files, because of times or compression. The published archive stays as it is, and no version is needed.",
    ),
    rule(
        "U01",
        "a type is known on one side alone, so its compatibility is unknown: major",
        "A type is known before the change or after it, and not both, so whether callers break cannot be said. It counts as a major change. Declare types where Terraform has a way to, or compare packages in place of contracts.",
    ),
    rule(
        "U02",
        "a type is unknown on both sides, so a change of it would not be seen: none",
        "The type could not be inferred on either side, so a change of it would go unseen. It counts for nothing; look at the expression of the output.",
    ),
    rule(
        "U03",
        "what decides instance keys changed, and whether the keys did is unknown: minor",
        "The expression of `count` or `for_each` changed, and its keys are known only with values of callers. Instances may be destroyed or not, which a plan over a state of the old version shows.",
    ),
    rule(
        "U04",
        "a file cannot be read: major, or none where it is the same on both sides",
        "A file cannot be read as Terraform, so what it declares takes no part in the comparison. Correct the file; where it is the same on both sides, it counts for nothing.",
    ),
];
