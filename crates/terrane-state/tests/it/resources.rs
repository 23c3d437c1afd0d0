//! Resource instances by address.

use terrane_state::{ErrorKind, InstanceKey, Mode, SubnetId, WholeState};

const STATE: &str = r#"{"version":4,"resources":[
    {"mode":"managed","type":"aws_vpc","name":"this","provider":"p","instances":[
        {"schema_version":1,"attributes":{"id":"vpc-1","tags":{"Name":"n"}},"dependencies":["aws_eip.x"]},
        {"deposed":"0123abcd","attributes":{"id":"vpc-0"}}]},
    {"module":"module.network[\"x\"]","mode":"managed","type":"aws_subnet","name":"app","provider":"p","instances":[
        {"index_key":"a","attributes":{"id":"subnet-a"}},
        {"index_key":"b","status":"tainted","attributes":{"id":"subnet-b"}}]},
    {"mode":"data","type":"aws_ami","name":"ami","provider":"p","instances":[{"index_key":0,"attributes":{}}]}]}"#;

#[test]
fn instances_are_found_by_address() {
    let state = WholeState::parse(STATE.as_bytes()).unwrap();
    let vpc = state.instance("aws_vpc.this").unwrap();
    assert_eq!(vpc.attribute::<String>("id").unwrap(), "vpc-1");
    assert_eq!((vpc.schema_version(), vpc.dependencies()), (1, &["aws_eip.x".to_owned()][..]));
    let subnet = state.instance(r#"module.network["x"].aws_subnet.app["b"]"#).unwrap();
    assert_eq!(subnet.attribute::<SubnetId>("id").unwrap().as_str(), "subnet-b");
    assert!(subnet.tainted());
    assert_eq!(subnet.key(), Some(&InstanceKey::Name("b".to_owned())));
    let addresses: Vec<String> = state.resources().iter().map(terrane_state::Resource::address).collect();
    assert_eq!(addresses, ["aws_vpc.this", r#"module.network["x"].aws_subnet.app"#, "data.aws_ami.ami"]);
    assert_eq!(state.resources()[2].mode(), Mode::Data);
    assert_eq!(state.instances().count(), 5);
}

#[test]
fn errors_name_what_there_is() {
    let state = WholeState::parse(STATE.as_bytes()).unwrap();
    let error = state.instance(r#"module.network["x"].aws_subnet.app["c"]"#).unwrap_err().to_string();
    assert!(error.contains(r#"it has module.network["x"].aws_subnet.app["a"], module"#), "{error}");
    let error = state.instance("aws_vpc.this").unwrap().attribute::<u8>("id").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TypeMismatch { path, .. } if path == "aws_vpc.this.id"));
    assert!(!format!("{state:?}").contains("vpc-1"));
}

#[test]
fn wrong_resources_are_all_reported() {
    let text =
        STATE.replace("\"tainted\"", "\"odd\"").replace("\"data\"", "\"zzz\"").replace("0123abcd", "1");
    let error = WholeState::parse(text.as_bytes()).unwrap_err();
    let ErrorKind::InvalidResources { problems } = error.kind() else { panic!("{error}") };
    assert_eq!(problems.len(), 3, "{problems:?}");
}
