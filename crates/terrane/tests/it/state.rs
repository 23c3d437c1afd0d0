//! `terrane state`, over files, Terraform directories, and S3.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::mem_s3::MemS3;

/// A state as Terraform writes it, with a resource.
const STATE: &str = r#"{
  "version": 4,
  "terraform_version": "1.11.4",
  "serial": 7,
  "lineage": "0a1b",
  "outputs": {
    "network": {
      "value": {"subnet_ids": {"app": {"a": "subnet-1"}}, "vpc_id": "vpc-1"},
      "type": ["object", {"subnet_ids": ["map", ["map", "string"]], "vpc_id": "string"}]
    },
    "password": {"value": "hunter2", "type": "string", "sensitive": true},
    "text": {"value": "a <b> & c", "type": "string"}
  },
  "resources": [
    {
      "module": "module.network", "mode": "managed", "type": "aws_subnet", "name": "app",
      "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
      "instances": [
        {"index_key": "a", "schema_version": 1, "attributes": {"id": "subnet-1", "tags": {"Name": "n"}}, "dependencies": ["aws_vpc.this"]},
        {"index_key": "a", "schema_version": 1, "deposed": "01234567", "attributes": {"id": "subnet-0"}}
      ]
    }
  ],
  "check_results": null
}
"#;

fn terrane(arguments: &[&str], address: Option<SocketAddr>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_") || name.starts_with("TF_")) {
            command.env_remove(name);
        }
    }
    if let Some(address) = address {
        command.env("AWS_ENDPOINT_URL_S3", format!("http://{address}"));
    }
    command.arg("state").args(arguments).stdin(Stdio::null()).envs([
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command and returns what it printed, data and diagnostics.
#[track_caller]
fn run(arguments: &[&str], address: Option<SocketAddr>, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = terrane(arguments, address).output().unwrap();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{stdout}{stderr}");
    (stdout, stderr)
}

#[track_caller]
fn parsed(printed: (String, String)) -> Value {
    serde_json::from_str(&printed.0).unwrap()
}

fn file(dir: &Path, state: &str) -> String {
    let path = dir.join("terraform.tfstate");
    fs::write(&path, state).unwrap();
    path.display().to_string()
}

#[test]
fn outputs_are_printed_with_secrets_hidden_unless_json_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), STATE);
    let (out, _) = run(&["outputs", &path], None, 0);
    assert_eq!(
        out,
        "network = {\"subnet_ids\":{\"app\":{\"a\":\"subnet-1\"}},\"vpc_id\":\"vpc-1\"}\n\
         password = (sensitive)\ntext = \"a \\u003cb\\u003e \\u0026 c\"\n"
    );
    let json = parsed(run(&["outputs", &path, "--json"], None, 0));
    assert_eq!(json["password"], json!({"sensitive": true, "type": "string", "value": "hunter2"}));
}

#[test]
fn an_output_that_cannot_be_read_fails_and_the_others_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), &STATE.replace(r#"& c", "type": "string""#, r#"& c", "type": "zzz""#));
    let (out, err) = run(&["outputs", &path], None, 1);
    assert!(out.contains("password = (sensitive)") && !out.contains("text"), "{out}");
    assert!(err.contains("output \"text\""), "{err}");
}

#[test]
fn get_prints_one_value_of_an_output_or_a_resource() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), STATE);
    let get = |what: &str, more: &[&str], code| run(&[&["get", &path, what], more].concat(), None, code);
    assert_eq!(get("network.vpc_id", &[], 0).0, "vpc-1\n");
    assert_eq!(get("network.vpc_id", &["--json"], 0).0, "\"vpc-1\"\n");
    assert_eq!(get("network.subnet_ids[\"app\"]", &[], 0).0, "{\n  \"a\": \"subnet-1\"\n}\n");
    assert_eq!(get("password", &[], 0).0, "hunter2\n");
    assert_eq!(get("module.network.aws_subnet.app[\"a\"].tags.Name", &[], 0).0, "n\n");
    let missing = get("network.subnets", &[], 1).1;
    assert!(missing.contains("no output `network[\"subnets\"]`"), "{missing}");
    assert!(missing.contains("there is subnet_ids, vpc_id"), "{missing}");
    let missing = get("nets", &[], 1).1;
    assert!(missing.contains("there is network, password, text"), "{missing}");
    let missing = get("module.network.aws_subnet.app[\"b\"].id", &[], 1).1;
    assert!(!missing.contains("subnet-1"), "{missing}");
    get("network..x", &[], 1);
    run(&["get", &path], None, 2);
}

#[test]
fn resources_are_listed_without_their_attributes() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), STATE);
    let address = "module.network.aws_subnet.app[\"a\"]";
    assert_eq!(run(&["list", &path], None, 0).0, format!("{address}\n"));
    assert_eq!(parsed(run(&["list", &path, "--json"], None, 0)), json!([address]));
    let rows = parsed(run(&["resources", &path, "--json"], None, 0));
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!((&rows[0]["address"], &rows[0]["deposed"]), (&json!(address), &Value::Null));
    assert_eq!((&rows[0]["mode"], &rows[0]["schema_version"]), (&json!("managed"), &json!(1)));
    assert_eq!(rows[1]["deposed"], "01234567");
    let (out, _) = run(&["resources", &path], None, 0);
    assert!(out.contains("(deposed 01234567)") && !out.contains("subnet-0"), "{out}");
}

#[test]
fn exit_codes_tell_input_from_world() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent.tfstate").display().to_string();
    assert!(run(&["outputs", &absent], None, 4).1.contains("no state was found"));
    let broken = file(dir.path(), &STATE[..100]);
    assert!(run(&["outputs", &broken], None, 1).1.contains("syntax error at byte offset 100"));
    let other = run(&["outputs", &broken, "--workspace", "w"], None, 1).1;
    assert!(other.contains("a state file, which has no workspaces"), "{other}");
    let (_, said) = run(&["outputs", "https://states.example/network.tfstate"], None, 1);
    assert!(said.contains("\"https://states.example/network.tfstate\" is not s3://bucket/key"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_in_s3_is_read_with_its_workspaces_and_lock() {
    let (server, address) = MemS3::start().await;
    server.put("b", "net/k", STATE);
    server.put("b", "env:/w1/net/k", STATE.replace("vpc-1", "vpc-2"));
    let lock =
        r#"{"ID":"id-1","Operation":"OperationTypeApply","Who":"me@here","Created":"2026-01-02T03:04:05Z"}"#;
    let uri = "s3://b/net/k";
    let of = |arguments: &[&str]| run(arguments, Some(address), 0).0;
    assert_eq!(of(&["get", uri, "network.vpc_id"]), "vpc-1\n");
    assert_eq!(of(&["get", uri, "network.vpc_id", "--workspace", "w1"]), "vpc-2\n");
    assert_eq!(of(&["workspaces", uri]), "default\nw1\n");
    assert_eq!(of(&["lock", uri]), "not locked\n");
    server.put("b", "net/k.tflock", lock);
    assert!(of(&["lock", uri]).contains("locked by me@here since 2026-01-02"));
    let locks = parsed(run(&["lock", uri, "--json"], Some(address), 0));
    assert_eq!((&locks[0]["kind"], &locks[0]["id"]), (&json!("object"), &json!("id-1")));
    let missing = run(&["outputs", "s3://b/other"], Some(address), 4).1;
    assert!(missing.contains("s3://b/other: no state was found"), "{missing}");
    let backend = parsed(run(&["backend", uri, "--json"], Some(address), 0));
    assert_eq!(backend["place"], uri);
    let source = |name: &str| {
        let rows = backend["settings"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap()["source"].clone()
    };
    assert_eq!(
        (source("region"), source("endpoints.s3")),
        (json!("AWS_REGION"), json!("AWS_ENDPOINT_URL_S3"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terraform_directory_names_its_state() {
    let (server, address) = MemS3::start().await;
    server.put("b", "net/k", STATE);
    let dir = tempfile::tempdir().unwrap();
    let block = "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    key = \"net/k\"\n    region = \"eu-west-1\"\n    secret_key = \"test\"\n    access_key = \"test\"\n  }\n}\n";
    fs::write(dir.path().join("main.tf"), block).unwrap();
    let path = dir.path().display().to_string();
    assert_eq!(run(&["get", &path, "text"], Some(address), 0).0, "a <b> & c\n");
    let (out, _) = run(&["backend", &path], Some(address), 0);
    let main = format!("{path}/main.tf");
    assert!(out.contains(&format!("region = eu-west-1  # {main}")), "{out}");
    assert!(out.contains(&format!("secret_key = (sensitive)  # {main}")), "{out}");
    assert!(!out.contains("= test"), "{out}");
    assert!(out.contains("workspace = default  # default"), "{out}");
    // What `terraform init` and `terraform workspace select` leave comes first.
    server.put("b", "env:/w1/net/cached", STATE);
    let cache = r#"{"version": 3, "backend": {"type": "s3", "config": {"bucket": "b", "key": "net/cached", "http_proxy": "http://me:secret@p"}}}"#;
    let data_dir = dir.path().join(".terraform");
    fs::create_dir(&data_dir).unwrap();
    fs::write(data_dir.join("terraform.tfstate"), cache).unwrap();
    fs::write(data_dir.join("environment"), "w1\n").unwrap();
    let (out, _) = run(&["backend", &path], Some(address), 0);
    assert!(out.contains(&format!("key = net/cached  # {path}/.terraform/terraform.tfstate")), "{out}");
    assert!(out.contains(&format!("workspace = w1  # {path}/.terraform/environment")), "{out}");
    assert!(out.contains("http_proxy = http://(sensitive)@p") && !out.contains("secret@"), "{out}");
    assert!(out.contains("secret_key = (sensitive)  # AWS_SECRET_ACCESS_KEY"), "{out}");
    let (out, _) = run(&["backend", &path, "--workspace", "w2"], Some(address), 0);
    assert!(out.contains("workspace = w2  # argument"), "{out}");
}

#[test]
fn local_backends_are_shown_as_they_are_configured() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let file = file(dir.path(), STATE);
    let backend = |uri: &str| run(&["backend", uri], None, 0).0;
    let shown = format!("{file}\nbackend = local  # argument\npath = {file}  # argument\n");
    assert_eq!(backend(&file), shown);
    let workspace = "workspace = default  # default\n";
    assert_eq!(backend(&path), shown.replace("argument", "default") + workspace);
    let block = "terraform {\n  backend \"local\" {\n    path = \"net.tfstate\"\n  }\n}\n";
    fs::write(dir.path().join("main.tf"), block).unwrap();
    let net = format!("{path}/net.tfstate");
    let shown = format!("{net}\nbackend = local  # {path}/main.tf\npath = {net}  # {path}/main.tf\n");
    assert_eq!(backend(&path), shown + workspace);
    assert!(run(&["outputs", &path], None, 4).1.contains("no state was found"));
    fs::write(&net, STATE).unwrap();
    assert_eq!(run(&["get", &path, "network.vpc_id"], None, 0).0, "vpc-1\n");
    // What `terraform init` was told counts, and is said to differ.
    let cache = r#"{"version": 3, "backend": {"type": "local", "config": {"path": "terraform.tfstate"}}}"#;
    fs::create_dir(dir.path().join(".terraform")).unwrap();
    fs::write(dir.path().join(".terraform/terraform.tfstate"), cache).unwrap();
    let (out, err) = run(&["backend", &path, "--json"], None, 0);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["place"], json!(file));
    assert!(err.starts_with(&format!("warning: `path` in {path}/main.tf is not what ")), "{err}");
}

#[test]
fn a_strict_reader_refuses_what_terraform_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), &STATE.replace("\"managed\"", "\"zzz\""));
    assert_eq!(run(&["get", &path, "network.vpc_id"], None, 0).0, "vpc-1\n");
    let (out, err) = run(&["get", &path, "network.vpc_id", "--strict"], None, 1);
    assert!(out.is_empty() && err.contains("invalid resources") && err.contains("zzz"), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_version_can_be_read() {
    let (server, address) = MemS3::start().await;
    let id = server.put("b", "k", STATE);
    server.put("b", "k", STATE.replace("vpc-1", "vpc-2"));
    let get = ["get", "s3://b/k", "network.vpc_id"];
    assert_eq!(run(&get, Some(address), 0).0, "vpc-2\n");
    assert_eq!(run(&[&get[..], &["--version-id", &id]].concat(), Some(address), 0).0, "vpc-1\n");
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), STATE);
    let (_, err) = run(&["outputs", &path, "--version-id", &id], None, 1);
    assert!(err.contains("is a file, which has no versions to pin"), "{err}");
}

#[test]
fn a_state_that_opentofu_encrypted_is_read_with_its_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let path =
        file(dir.path(), include_str!("../../../terrane-state/tests/fixtures/tofu-pbkdf2-aesgcm.tfstate"));
    let configuration = dir.path().join("encryption.hcl").display().to_string();
    let text = "key_provider \"pbkdf2\" \"foo\" {\n  passphrase = \"correct-horse-battery-staple\"\n}\nmethod \"aes_gcm\" \"m\" {\n  keys = key_provider.pbkdf2.foo\n}\nstate {\n  method = method.aes_gcm.m\n}\n";
    fs::write(&configuration, text).unwrap();
    let get = ["get", &path, "vpc_id"];
    assert!(run(&get, None, 1).1.contains("the state is encrypted, and no encryption is configured"));
    let with = ["--encryption", &configuration];
    assert_eq!(run(&[&get[..], &with].concat(), None, 0).0, "vpc-123\n");
    let (out, _) = run(&["backend", &path, with[0], with[1]], None, 0);
    assert!(out.contains("encryption = key_provider.pbkdf2.foo  # argument"), "{out}");
    fs::write(&configuration, text.replace("aes_gcm.m", "aes_gcm.other")).unwrap();
    let (_, err) = run(&[&get[..], &with].concat(), None, 1);
    assert!(err.contains("encryption.hcl`") && err.contains("method.aes_gcm.other is not declared"), "{err}");
    assert!(!err.contains("correct-horse"), "{err}");
    let by_variable =
        terrane(&["backend", &path, "--json"], None).env("TF_ENCRYPTION", text).output().unwrap();
    assert!(self::text(&by_variable.stdout).contains("\"source\": \"TF_ENCRYPTION\""), "{by_variable:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_prints_a_line_for_each_change() {
    use std::io::{BufRead as _, BufReader};
    let (server, address) = MemS3::start().await;
    server.put("b", "k", STATE);
    let arguments = ["watch", "s3://b/k", "--interval", "1", "--count", "2", "--json"];
    let mut child = terrane(&arguments, Some(address)).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(first, json!({"change": "first", "skipped": 0, "serial": 7, "lineage": "0a1b"}));
    server.put("b", "k", STATE.replace("\"serial\": 7", "\"serial\": 10"));
    let second: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(second, json!({"change": "newer", "skipped": 2, "serial": 10, "lineage": "0a1b"}));
    assert!(child.wait().unwrap().success());
}

/// A root that needs no provider: outputs of several types, and a resource of each kind of address.
const ROOT: &str = r#"
resource "terraform_data" "one" {
  input = "x"
}

resource "terraform_data" "each" {
  for_each = toset(["a b", "c\"d"])
  input    = each.key
}

resource "terraform_data" "counted" {
  count = 2
}

output "text" {
  value = "a <b> & \u2028 \"c\""
}

output "number" {
  value = 9007199254740993
}

output "secret" {
  value     = "hunter2"
  sensitive = true
}

output "nested" {
  value = { ids = tolist(["x", "y"]), none = null, tags = tomap({}), flags = [true, 1.5] }
}
"#;

#[test]
fn what_terraform_says_too_is_said_in_the_same_words() {
    let cache = terrane_xtask::Workspace::find().unwrap().cache();
    let Some(terraform) = terrane_xtask::terraform::Terraform::find_or_skip(&cache).unwrap() else { return };
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("main.tf"), ROOT).unwrap();
    let root = terraform.root(dir.path());
    root.init().unwrap();
    root.apply(&[]).unwrap();
    let path = dir.path().display().to_string();
    let ours = |arguments: &[&str]| run(arguments, None, 0).0;
    assert_eq!(ours(&["outputs", &path, "--json"]), root.output(&["-json"]).unwrap());
    let addresses: Vec<String> = ours(&["list", &path]).lines().map(str::to_owned).collect();
    assert_eq!(addresses, root.state_list().unwrap());
    for name in ["text", "number", "secret", "nested"] {
        let theirs = root.output(&["-json", name]).unwrap();
        let get: Value = serde_json::from_str(&ours(&["get", &path, name, "--json"])).unwrap();
        assert_eq!(get, serde_json::from_str::<Value>(&theirs).unwrap(), "{name}");
    }
    for name in ["text", "number", "secret"] {
        assert_eq!(ours(&["get", &path, name]), root.output(&["-raw", name]).unwrap() + "\n");
    }
    let id = ours(&["get", &path, "terraform_data.each[\"c\\\"d\"].output"]);
    assert_eq!(id, "c\"d\n");
}

/// Runs a command with a text on standard input.
#[track_caller]
fn piped(arguments: &[&str], input: &str, code: i32) -> (String, String) {
    use std::io::Write as _;
    let mut command = terrane(arguments, None);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{stdout}{stderr}");
    (stdout, stderr)
}

#[test]
fn a_state_comes_from_standard_input_too() {
    assert_eq!(piped(&["list", "-"], STATE, 0).0, "module.network.aws_subnet.app[\"a\"]\n");
    assert_eq!(piped(&["get", "-", "network.vpc_id"], STATE, 0).0, "vpc-1\n");
    // Outputs are looked through first, then the resources: the text is read once.
    assert_eq!(
        piped(&["get", "-", "module.network.aws_subnet.app[*].id"], STATE, 0).0,
        "[\n  \"subnet-1\"\n]\n"
    );
    let error = piped(&["list", "-", "--workspace", "w", "--profile", "p"], STATE, 1).1;
    assert!(
        error.contains("`profile` is for states in S3") && error.contains("a workspace cannot be chosen"),
        "{error}"
    );
    let error = piped(&["outputs", "-", "--max-bytes", "100"], STATE, 1).1;
    assert!(error.contains("standard input: the text is longer than 100 bytes"), "{error}");
}

#[test]
fn what_terraform_shows_of_a_state_is_listed_and_of_a_plan_is_refused() {
    let shown = r#"{"format_version":"1.0","terraform_version":"1.11.4","values":{"outputs":{},"root_module":{"resources":[
        {"address":"aws_vpc.v","mode":"managed","type":"aws_vpc","name":"v","values":{"id":"vpc-1"}}]}}}"#;
    assert_eq!(piped(&["list", "-"], shown, 0).0, "aws_vpc.v\n");
    assert_eq!(piped(&["get", "-", "aws_vpc.v.id"], shown, 0).0, "vpc-1\n");
    let error =
        piped(&["list", "-"], &shown.replace("\"values\":{\"outputs", "\"planned_values\":{\"outputs"), 1).1;
    assert!(error.contains("this is a plan, not a state") && error.contains("prove --plan"), "{error}");
}

#[test]
fn names_with_control_characters_do_not_reach_the_terminal() {
    let state = r#"{"version":4,"outputs":{"a\u001b[31m\u202e":{"value":"x","type":"string"}},"resources":[
        {"mode":"managed","type":"t\u001b","name":"n","provider":"p\u0007","instances":[{"index_key":"k\n\u001b","attributes":{}}]}]}"#;
    let out = piped(&["outputs", "-"], state, 0).0;
    assert_eq!(out, "a\\u{1b}[31m\\u{202e} = \"x\"\n");
    assert_eq!(piped(&["list", "-"], state, 0).0, "t\\u{1b}.n[\"k\\n\\u001b\"]\n");
    let out = piped(&["resources", "-"], state, 0).0;
    assert!(!out.trim_end().contains(char::is_control), "{out:?}");
}

#[test]
fn long_values_stand_on_lines_of_their_own() {
    let ids: Vec<String> = (0..20).map(|idx| format!("\"subnet-{idx:08}\"")).collect();
    let state = format!(
        r#"{{"version":4,"outputs":{{"ids":{{"value":[{}],"type":["list","string"]}},"n":{{"value":[1],"type":["list","number"]}}}}}}"#,
        ids.join(",")
    );
    let out = piped(&["outputs", "-"], &state, 0).0;
    assert_eq!(out.lines().count(), 20 + 2 + 1, "{out}");
    assert!(out.starts_with("ids = [\n  \"subnet-00000000\",\n") && out.ends_with("]\nn = [1]\n"), "{out}");
}

#[test]
fn a_service_that_cannot_be_reached_is_named_with_its_cause() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = run(&["outputs", "s3://b/k", "--timeout", "2"], Some(address), 4).1;
    assert!(
        error.contains("was not done within 2 s") || error.contains(&format!("http://{address}")),
        "{error}"
    );
}

/// Terraform lists what we list, in its order, for states of both formats.
#[test]
fn terraform_lists_the_same_in_the_same_order() {
    if Command::new("terraform").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "terraform not found, and CI requires it");
        println!("skipped: terraform not found");
        return;
    }
    let resource = |module: &str, mode: &str, ty: &str, instances: &str| {
        format!(
            r#"{{"module":"{module}","mode":"{mode}","type":"{ty}","name":"n","provider":"provider[\"registry.terraform.io/hashicorp/aws\"]","instances":[{instances}]}}"#
        )
    };
    let plain = r#"{"schema_version":0,"attributes":{}}"#;
    let keyed = |keys: &[&str]| {
        let all: Vec<String> = keys
            .iter()
            .map(|key| format!(r#"{{"index_key":{key},"schema_version":0,"attributes":{{}}}}"#))
            .collect();
        all.join(",")
    };
    let resources = [
        resource("module.b", "managed", "aws_vpc", plain),
        resource("module.a.module.c", "managed", "aws_eip", plain),
        resource(r#"module.a[\"x\"]"#, "managed", "aws_eip", plain),
        resource("module.a[10]", "managed", "aws_eip", plain),
        resource("module.a[9]", "managed", "aws_eip", plain),
        resource("", "managed", "aws_vpc", &keyed(&["10", "9"])),
        resource(
            "",
            "managed",
            "aws_subnet",
            &keyed(&[r#""b""#, r#""a\n\"${x}\u001b é""#, r#""a%{""#, r#""Z""#]),
        ),
        resource("", "managed", "aws_eip", r#"{"schema_version":0,"attributes":{},"deposed":"00000001"}"#),
        resource("", "data", "aws_vpc", plain),
    ];
    let current = format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{{}},"resources":[{}]}}"#,
        resources.join(",")
    );
    let old = r#"{"version":3,"terraform_version":"0.11.14","serial":1,"lineage":"l","modules":[
        {"path":["root","z"],"outputs":{},"resources":{"aws_eip.e":{"type":"aws_eip","primary":{"id":"e","attributes":{"id":"e"},"meta":{},"tainted":false},"deposed":[],"provider":"provider.aws"}},"depends_on":[]},
        {"path":["root"],"outputs":{},"resources":{
        "aws_vpc.b":{"type":"aws_vpc","primary":{"id":"b","attributes":{"id":"b"},"meta":{},"tainted":false},"deposed":[],"provider":"provider.aws"},
        "aws_vpc.a.10":{"type":"aws_vpc","primary":{"id":"c","attributes":{"id":"c"},"meta":{},"tainted":false},"deposed":[],"provider":"provider.aws"},
        "aws_vpc.a.9":{"type":"aws_vpc","primary":{"id":"d","attributes":{"id":"d"},"meta":{},"tainted":false},"deposed":[],"provider":"provider.aws"},
        "data.aws_ami.x":{"type":"aws_ami","primary":{"id":"x","attributes":{"id":"x"},"meta":{},"tainted":false},"deposed":[],"provider":"provider.aws"}},"depends_on":[]}]}"#;
    for state in [current.as_str(), old] {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), state);
        let theirs = Command::new("terraform")
            .args(["state", "list", &format!("-state={path}")])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(theirs.status.success(), "{}", text(&theirs.stderr));
        assert_eq!(run(&["list", &path], None, 0).0, text(&theirs.stdout));
    }
}
