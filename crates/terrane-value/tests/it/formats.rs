//! Formats beside version 4: what Terraform before 0.12 wrote, and what `terraform show -json` prints.

use terrane_value::{Depth, ErrorKind, Intake, Mode, Origin, State, Value, WholeState};

/// A state as Terraform 0.11 wrote it, shortened.
const V3: &str = r##"{"version":3,"terraform_version":"0.11.14","serial":12,"lineage":"l","modules":[
    {"path":["root"],"outputs":{"vpc_id":{"sensitive":false,"type":"string","value":"vpc-1"}},"resources":{
        "aws_vpc.main":{"type":"aws_vpc","depends_on":[],"primary":{"id":"vpc-1","attributes":{"id":"vpc-1",
            "cidr_block":"10.0.0.0/16","tags.%":"1","tags.Name":"main"},"meta":{"schema_version":"1"},"tainted":false},
            "deposed":[],"provider":"provider.aws"},
        "aws_subnet.a.1":{"type":"aws_subnet","depends_on":["aws_vpc.main"],"primary":{"id":"subnet-1","attributes":
            {"id":"subnet-1"},"meta":{},"tainted":true},"deposed":[{"id":"subnet-0","attributes":{}}],"provider":"provider.aws"},
        "aws_subnet.a.0":{"type":"aws_subnet","primary":{"id":"subnet-2","attributes":{"id":"subnet-2"}}},
        "data.aws_ami.x":{"type":"aws_ami","primary":{"id":"ami-1","attributes":{"owners.#":"1","owners.0":"self"}}}},"depends_on":[]},
    {"path":["root","net","inner"],"outputs":{},"resources":{
        "aws_eip.e":{"type":"aws_eip","primary":{"id":"eip-1","attributes":{}},"provider":"provider.aws"}}}]}"##;

#[test]
fn resources_of_old_formats_are_read() {
    for version in ["3", "2", "1"] {
        let text = V3.replacen("\"version\":3", &format!("\"version\":{version}"), 1);
        let whole = WholeState::parse(text.as_bytes()).unwrap();
        assert_eq!(
            whole.list(),
            [
                "data.aws_ami.x",
                "aws_subnet.a[0]",
                "aws_subnet.a[1]",
                "aws_vpc.main",
                "module.net.module.inner.aws_eip.e"
            ]
        );
        assert_eq!(whole.resources().len(), 4);
        let vpc = whole.instance("aws_vpc.main").unwrap();
        assert_eq!((vpc.schema_version(), vpc.is_flat(), vpc.tainted()), (1, true, false));
        assert_eq!(vpc.attributes().get("tags").unwrap().to_json(), r#"{"Name":"main"}"#);
        let subnet = whole.instance("aws_subnet.a[1]").unwrap();
        assert_eq!((subnet.tainted(), subnet.dependencies()), (true, &["aws_vpc.main".to_owned()][..]));
        assert_eq!(whole.instances().filter(|instance| instance.deposed().is_some()).count(), 1);
        let data = &whole.resources().iter().find(|resource| resource.mode() == Mode::Data).unwrap();
        assert_eq!(data.instances()[0].attributes().to_json(), r#"{"id":"ami-1","owners":["self"]}"#);
        assert_eq!(whole.select("module.net.module.inner.aws_eip.e.id").unwrap().as_str(), Some("eip-1"));
        assert_eq!(whole.select("aws_subnet.a[*].id").unwrap().to_json(), r#"["subnet-2","subnet-1"]"#);
    }
}

#[test]
fn what_is_wrong_in_an_old_resource_is_named() {
    for (from, to, expected) in [
        ("aws_subnet.a.1", "aws_subnet.a.b", "its index is not a whole number"),
        ("aws_subnet.a.1", "aws_subnet", "it is not TYPE.NAME or TYPE.NAME.INDEX"),
        ("\"aws_eip.e\":{", "\"aws_eip.f\":7,\"aws_eip.e\":{", "an object is required, found number"),
    ] {
        let error = WholeState::parse(V3.replace(from, to).as_bytes()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidResources { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn the_cache_of_terraform_init_is_not_a_state() {
    let cache = br#"{"version":3,"terraform_version":"1.11.4","backend":{"type":"s3","config":{},"hash":1}}"#;
    for depth in [Depth::Outputs, Depth::Checked, Depth::Whole] {
        let mut intake = Intake::new(depth, 1 << 20);
        intake.push(cache.to_vec(), true).unwrap();
        let error = intake.state(Origin::at("here")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::BackendCache, "{depth:?}");
    }
    // A cache of a time when it held the state as well says nothing of a backend.
    let state = V3.replace("\"lineage\":\"l\",", "\"lineage\":\"l\",\"backend\":null,");
    assert_eq!(State::parse(state.as_bytes()).unwrap().iter().count(), 1);
}

/// What `terraform show -json` prints, shortened.
const SHOWN: &str = r#"{"format_version":"1.0","terraform_version":"1.11.4","values":{
    "outputs":{"ids":{"sensitive":false,"value":["a"],"type":["list","string"]},"old":{"sensitive":true,"value":{"k":1}}},
    "root_module":{"resources":[
        {"address":"aws_subnet.a[0]","mode":"managed","type":"aws_subnet","name":"a","index":0,
            "provider_name":"registry.terraform.io/hashicorp/aws","schema_version":1,"values":{"id":"subnet-1"},"sensitive_values":{}},
        {"address":"aws_subnet.a[1]","mode":"managed","type":"aws_subnet","name":"a","index":1,
            "provider_name":"registry.terraform.io/hashicorp/aws","schema_version":1,"values":{"id":"subnet-2"},"tainted":true}],
        "child_modules":[{"address":"module.m[\"k\"]","resources":[
            {"address":"module.m[\"k\"].data.aws_ami.x","mode":"data","type":"aws_ami","name":"x","values":{"id":"ami-1"}}]}]}}}"#;

#[test]
fn what_terraform_shows_of_a_state_is_read_as_one() {
    let whole = WholeState::parse(SHOWN.as_bytes()).unwrap();
    assert_eq!(whole.list(), ["aws_subnet.a[0]", "aws_subnet.a[1]", r#"module.m["k"].data.aws_ami.x"#]);
    assert_eq!(whole.resources().len(), 2);
    assert_eq!(whole.output::<Vec<String>>("ids").unwrap(), ["a"]);
    assert!(whole.get("old").unwrap().unwrap().sensitive());
    assert_eq!(whole.select(r#"module.m["k"].data.aws_ami.x.id"#).unwrap().as_str(), Some("ami-1"));
    assert!(whole.instance("aws_subnet.a[1]").unwrap().tainted());
    assert_eq!(WholeState::parse(br#"{"format_version":"1.0"}"#).unwrap().resources().len(), 0);
    for depth in [Depth::Outputs, Depth::Checked] {
        let mut intake = Intake::new(depth, 1 << 20);
        intake.push(SHOWN.as_bytes().to_vec(), true).unwrap();
        assert_eq!(intake.state(Origin::at("here")).unwrap().output::<Vec<String>>("ids").unwrap(), ["a"]);
    }
}

#[test]
fn a_plan_and_an_unknown_format_are_refused_by_name() {
    let plan = SHOWN.replace("\"values\":{\n", "\"planned_values\":{\n");
    assert_eq!(State::parse(plan.as_bytes()).unwrap_err().kind(), &ErrorKind::Plan);
    let newer = State::parse(br#"{"format_version":"2.0"}"#).unwrap_err();
    assert!(newer.to_string().contains("\"2.0\" is not a known version"), "{newer}");
}

#[test]
fn attributes_of_dynamic_type_lose_their_type_as_terraform_shows_them() {
    let text = r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{},"resources":[
        {"mode":"managed","type":"terraform_data","name":"d","provider":"p","instances":[{"attributes":{"id":"1",
            "input":{"value":{"a":["x"]},"type":["object",{"a":["tuple",["string"]]}]},"output":{"value":"s","type":"string"},
            "triggers_replace":null,"odd":{"value":"x","type":"AWS::EC2"},"more":{"value":"x","type":"string","name":"n"},
            "block":[{"value":"x","type":"string"}]}}]}]}"#;
    let whole = WholeState::parse(text.as_bytes()).unwrap();
    let attributes = whole.instance("terraform_data.d").unwrap().attributes();
    let shown = |name: &str| attributes.get(name).map(Value::to_json).unwrap();
    assert_eq!(shown("input"), r#"{"a":["x"]}"#);
    assert_eq!(shown("output"), r#""s""#);
    assert_eq!(shown("odd"), r#"{"type":"AWS::EC2","value":"x"}"#);
    assert_eq!(shown("more"), r#"{"name":"n","type":"string","value":"x"}"#);
    assert_eq!(shown("block"), r#"[{"type":"string","value":"x"}]"#);
}

#[test]
fn resources_are_listed_in_terraforms_order() {
    let resource = |module: &str, mode: &str, ty: &str, keys: &str| {
        format!(
            r#"{{"module":"{module}","mode":"{mode}","type":"{ty}","name":"n","provider":"p","instances":[{keys}]}}"#
        )
    };
    let resources = [
        resource("module.b", "managed", "z", "{}"),
        resource("module.a.module.c", "managed", "a", "{}"),
        resource(r#"module.a[\"x\"]"#, "managed", "a", "{}"),
        resource("module.a[10]", "managed", "a", "{}"),
        resource("module.a[9]", "managed", "a", "{}"),
        resource(
            "",
            "managed",
            "z",
            r#"{"index_key":"b"},{"index_key":10},{"index_key":9},{"index_key":"a"}"#,
        ),
        resource("", "managed", "a", r#"{"deposed":"00000001"},{}"#),
        resource("", "data", "z", "{}"),
    ];
    let text = format!(r#"{{"version":4,"outputs":{{}},"resources":[{}]}}"#, resources.join(","));
    let whole = WholeState::parse(text.as_bytes()).unwrap();
    assert_eq!(
        whole.list(),
        [
            "data.z.n",
            "a.n",
            "z.n[9]",
            "z.n[10]",
            "z.n[\"a\"]",
            "z.n[\"b\"]",
            "module.a[9].a.n",
            "module.a[10].a.n",
            "module.a[\"x\"].a.n",
            "module.b.z.n",
            "module.a.module.c.a.n",
        ]
    );
}
