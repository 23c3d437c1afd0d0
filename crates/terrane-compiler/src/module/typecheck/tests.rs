use super::*;
use crate::module::syntax::{Block as SyntaxBlock, expr, string};
use crate::module::{File, Output, Variable};

/// A module without faults, for each test to plant one in.
fn module() -> Module {
    Module {
        name: "test".to_owned(),
        variables: vec![variable("zones", Type::map(Type::String)), variable("name", Type::String)],
        locals: vec![local("letters", "keys(var.zones)"), local("size", "length(local.letters) + 1")],
        data: vec![Resource::new(File::Vpc, "aws_region", "current", Body::new())],
        resources: vec![
            Resource::new(File::Vpc, "aws_vpc", "this", Body::new().arg("cidr_block", string("10.0.0.0/16"))),
            Resource::new(
                File::Vpc,
                "aws_subnet",
                "app",
                Body::new()
                    .hcl("vpc_id", "aws_vpc.this.id")
                    .hcl("cidr_block", "cidrsubnet(aws_vpc.this.cidr_block, 4, 1)")
                    .hcl("availability_zone", "each.value")
                    .hcl("tags", r#"{ Name = "${var.name}-${each.key}" }"#),
            )
            .for_each(expr("var.zones")),
        ],
        outputs: vec![output("ids", "tomap({ for letter, subnet in aws_subnet.app : letter => subnet.id })")],
        ..Module::default()
    }
}

fn variable(name: &str, ty: Type) -> Variable {
    Variable {
        name: name.to_owned(),
        ty,
        description: String::new(),
        default: None,
        nullable: true,
        validations: Vec::new(),
    }
}

fn local(name: &str, value: &str) -> Local {
    Local { file: File::Vpc, name: name.to_owned(), value: expr(value), comment: String::new() }
}

fn output(name: &str, value: &str) -> Output {
    Output { name: name.to_owned(), description: String::new(), holds: None, value: expr(value) }
}

/// Plants a fault and expects it alone, at its place.
#[track_caller]
fn check_fault(plant: impl FnOnce(&mut Module), place: &str, message: &str) {
    let mut module = module();
    plant(&mut module);
    let faults = check(&module, Schema::aws()).unwrap_err();
    let [fault] = faults.as_slice() else { panic!("one fault expected, found {faults:#?}") };
    assert_eq!(format!("{} {}", fault.address, fault.argument).trim(), place);
    assert!(fault.message.contains(message), "{fault}");
    assert!(!fault.hint.is_empty(), "{fault}");
}

#[track_caller]
fn check_type(value: &str, expected: &str) {
    let mut module = module();
    module.outputs.push(output("planted", value));
    let typed = check(&module, Schema::aws()).unwrap();
    assert_eq!(typed.outputs["planted"].to_string(), expected);
}

fn subnet(module: &mut Module) -> &mut Resource {
    &mut module.resources[1]
}

fn set(body: &mut Body, name: &str, value: Expr) {
    body.items.retain(|item| !matches!(item, Item::Argument(argument, _) if argument == name));
    body.items.push(Item::Argument(name.to_owned(), value));
}

fn block(kind: &str, body: Body) -> Item {
    Item::Block(SyntaxBlock { kind: kind.to_owned(), labels: Vec::new(), body })
}

#[test]
fn a_module_without_faults_has_types() {
    let typed = check(&module(), Schema::aws()).unwrap();
    assert_eq!(typed.outputs["ids"].to_string(), "map(string)");
    assert_eq!(typed.locals["letters"].to_string(), "list(string)");
    assert_eq!(typed.locals["size"].to_string(), "number");
    assert_eq!(typed.required_version, Version::FLOOR);
}

#[test]
fn expressions_have_the_types_that_terraform_gives_them() {
    check_type("aws_vpc.this.enable_dns_support", "bool");
    check_type("tolist([for subnet in aws_subnet.app : subnet.id])", "list(string)");
    check_type("aws_subnet.app[\"a\"].tags", "map(string)");
    check_type("values(aws_subnet.app)[*].id", "list(string)");
    check_type("merge({ a = 1 }, { b = \"x\" })", "object({ a = number, b = string })");
    check_type("merge(var.zones, { b = 1 })", "map(string)");
    check_type("tomap({ a = tomap({ b = var.name }) })", "map(map(string))");
    check_type("var.name == \"\" ? 1 : \"x\"", "string");
    check_type("var.zones != null ? var.zones : { for x in [\"a\"] : x => x }", "map(string)");
    check_type("toset(flatten([[\"a\"], [\"b\"]]))", "set(string)");
    check_type("\"${length(var.zones)}\"", "number");
    check_type("\"${length(var.zones)} zones\"", "string");
    check_type("setsubtract(keys(var.zones), [\"a\"])", "set(string)");
    check_type("data.aws_region.current.id", "string");
    check_type("!contains(keys(var.zones), \"a\") && try(var.zones[\"a\"] == \"\", false)", "bool");
}

#[test]
fn self_is_what_a_postcondition_stands_in() {
    let condition = |text: &str| Condition { condition: expr(text), error_message: string("No.") };
    let mut module = module();
    let holds = "self.cidr_block != each.key && self.map_public_ip_on_launch";
    subnet(&mut module).postconditions.push(condition(holds));
    assert_eq!(check(&module, Schema::aws()), check(&self::module(), Schema::aws()));
    check_fault(
        |m| subnet(m).postconditions.push(condition("self.cidr == each.key")),
        "aws_subnet.app lifecycle.postcondition.condition",
        "`aws_subnet` has no attribute `cidr`",
    );
    check_fault(
        |m| subnet(m).preconditions.push(condition("self.cidr_block == each.key")),
        "aws_subnet.app lifecycle.precondition.condition",
        "`self` stands where there is no object yet",
    );
}

#[test]
fn an_unknown_resource_type_is_a_fault() {
    check_fault(
        |module| module.resources.push(Resource::new(File::Vpc, "aws_vpx", "this", Body::new())),
        "aws_vpx.this",
        "no type `aws_vpx`",
    );
}

#[test]
fn an_unknown_argument_is_a_fault() {
    check_fault(
        |m| set(&mut subnet(m).body, "cidr", string("x")),
        "aws_subnet.app cidr",
        "no argument `cidr`",
    );
}

#[test]
fn an_unknown_block_is_a_fault() {
    check_fault(
        |m| subnet(m).body.items.push(block("route", Body::new())),
        "aws_subnet.app route",
        "no block `route`",
    );
}

#[test]
fn an_unknown_argument_of_a_nested_block_is_a_fault() {
    let timeouts = || Body::new().arg("sometimes", string("1m"));
    check_fault(
        |m| subnet(m).body.items.push(block("timeouts", timeouts())),
        "aws_subnet.app timeouts.sometimes",
        "no argument `sometimes`",
    );
}

#[test]
fn too_many_blocks_are_a_fault() {
    check_fault(
        |m| subnet(m).body.items.extend([block("timeouts", Body::new()), block("timeouts", Body::new())]),
        "aws_subnet.app",
        "may be 1 blocks `timeouts`, found 2",
    );
}

#[test]
fn a_missing_required_block_is_a_fault() {
    let mut checker = Checker {
        module: &Module::default(),
        schema: Schema::aws(),
        locals: BTreeMap::new(),
        faults: Vec::new(),
        address: String::new(),
        argument: String::new(),
        surroundings: Surroundings::default(),
    };
    let nested = NestedBlock {
        nesting: crate::module::schema::Nesting::List,
        min: 1,
        max: 0,
        block: Block::default(),
    };
    let required = Block { blocks: BTreeMap::from([("rule".to_owned(), nested)]), ..Block::default() };
    checker.check_body("x.y", "", &Body::new(), &required);
    assert_eq!(checker.faults[0].message, "there must be at least 1 blocks `rule`, found 0");
}

#[test]
fn a_missing_required_argument_is_a_fault() {
    check_fault(
        |m| subnet(m).body.items.retain(|item| !matches!(item, Item::Argument(name, _) if name == "vpc_id")),
        "aws_subnet.app",
        "required argument `vpc_id` is missing",
    );
}

#[test]
fn setting_what_the_provider_computes_is_a_fault() {
    check_fault(|m| set(&mut subnet(m).body, "arn", string("x")), "aws_subnet.app arn", "computes `arn`");
}

#[test]
fn setting_an_argument_twice_is_a_fault() {
    check_fault(
        |m| subnet(m).body.items.push(Item::Argument("vpc_id".to_owned(), string("x"))),
        "aws_subnet.app vpc_id",
        "set twice",
    );
}

#[test]
fn a_wrong_type_is_a_fault() {
    check_fault(
        |m| set(&mut subnet(m).body, "tags", string("x")),
        "aws_subnet.app tags",
        "is string, not map(string)",
    );
    check_fault(
        |m| set(&mut subnet(m).body, "map_public_ip_on_launch", string("perhaps")),
        "aws_subnet.app map_public_ip_on_launch",
        "not bool",
    );
    check_fault(
        |m| subnet(m).for_each = Some(expr("var.name")),
        "aws_subnet.app for_each",
        "not a map or a set",
    );
    check_fault(
        |m| m.outputs.push(output("x", "cidrsubnet(var.zones, 1, 1)")),
        "output.x value",
        "argument 1 of `cidrsubnet`",
    );
    check_fault(|m| m.outputs.push(output("x", "var.zones + 1")), "output.x value", "an operand of `+`");
    check_fault(|m| m.outputs.push(output("x", "true ? [1] : \"a\"")), "output.x value", "branches of `?`");
}

#[test]
fn a_reference_to_nothing_is_a_fault() {
    for reference in
        ["var.zone", "local.nothing", "aws_vpc.other.id", "data.aws_region.other.id", "zone.id", "letter"]
    {
        check_fault(|m| m.outputs.push(output("x", reference)), "output.x value", "refers to nothing");
    }
    check_fault(
        |m| m.outputs.push(output("x", "aws_vpc.this.ip")),
        "output.x value",
        "has no attribute `ip`",
    );
    check_fault(|m| m.outputs.push(output("x", "{ a = 1 }.b")), "output.x value", "has no attribute `b`");
    check_fault(
        |m| subnet(m).depends_on.push(expr("aws_vpc.other")),
        "aws_subnet.app depends_on",
        "refers to nothing",
    );
}

#[test]
fn an_instance_without_its_key_is_a_fault() {
    check_fault(
        |m| m.outputs.push(output("x", "aws_subnet.app.id")),
        "output.x value",
        "an instance for each key",
    );
}

#[test]
fn each_outside_for_each_is_a_fault() {
    check_fault(|m| m.outputs.push(output("x", "each.key")), "output.x value", "no `for_each`");
}

#[test]
fn an_unknown_function_is_a_fault() {
    check_fault(|m| m.outputs.push(output("x", "cidrnet(\"x\")")), "output.x value", "no function `cidrnet`");
}

#[test]
fn a_wrong_number_of_arguments_is_a_fault() {
    check_fault(
        |m| m.outputs.push(output("x", "keys(var.zones, 1)")),
        "output.x value",
        "takes 1 arguments, found 2",
    );
}

#[test]
fn a_name_twice_is_a_fault() {
    check_fault(|m| m.outputs.push(output("ids", "1")), "output.ids", "declared twice");
    check_fault(
        |m| {
            let again = m.resources[0].clone();
            m.resources.push(again);
        },
        "aws_vpc.this",
        "declared twice",
    );
}

#[test]
fn a_cycle_of_locals_is_a_fault() {
    check_fault(
        |m| m.locals.extend([local("a", "local.b"), local("b", "local.a")]),
        "local.b",
        "`local.a` needs its own value",
    );
}

#[test]
fn moving_what_still_exists_is_a_fault() {
    let moved = crate::module::Moved { from: "aws_vpc.this".to_owned(), to: "aws_subnet.app".to_owned() };
    check_fault(|m| m.moved.push(moved), "moved aws_vpc.this", "still exists");
}

#[test]
fn an_output_whose_type_follows_its_length_is_a_fault() {
    check_fault(
        |m| m.outputs.push(output("x", "[for x in var.zones : x]")),
        "output.x value",
        "how many elements",
    );
}

#[test]
fn every_fault_is_reported() {
    let mut module = module();
    module.outputs.extend([output("x", "var.a"), output("y", "var.b")]);
    assert_eq!(check(&module, Schema::aws()).unwrap_err().len(), 2);
}
