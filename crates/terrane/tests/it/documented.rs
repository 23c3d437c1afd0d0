//! The commands in README and `docs/`, run as they stand there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use terrane_xtask::Workspace;
use terrane_xtask::emulator::{Emulator, Emulators, Kind};
use terrane_xtask::terraform::Terraform;

/// Commands that this test does not run, and the reason; at most ten.
const ELSEWHERE: [(&str, &str); 7] = [
    ("curl -LsSf", "fetches a release; the installer is built and checked by the long form of the tests"),
    ("cargo xtask compile", "`cargo xtask test` begins with its `--check`"),
    ("cargo xtask test", "runs this test"),
    ("cargo xtask release kubernetes-network --to /tmp/modules", "`release.rs` runs it over a workspace"),
    ("cargo xtask release kubernetes-network --to s3://BUCKET", "the same over a bucket, in `release.rs`"),
    ("terrane registry serve ", "serves until it is stopped; `hosting.rs` runs it"),
    (
        "terrane registry doctor https://modules.example.com",
        "asks a host; `hosting.rs` runs it over one of its own",
    ),
];

/// Returns the pages with commands, by their path in the repository.
fn pages() -> Vec<(String, String)> {
    let root = Workspace::find().unwrap().root().to_owned();
    let mut paths = vec![root.join("README.md")];
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// Returns the blocks of a language in a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    page.split(&start).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// Returns the commands of a page, without their comments.
fn commands(page: &str) -> Vec<String> {
    let lines = blocks(page, "sh").into_iter().flat_map(str::lines);
    let plain = lines.map(|line| line.split("    #").next().unwrap_or(line).trim());
    plain.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn is_elsewhere(command: &str) -> bool {
    ELSEWHERE.iter().any(|(start, _)| command.starts_with(start))
}

/// A directory in which somebody follows the pages, with the program on `PATH` and an emulator for AWS.
struct Reader<'a> {
    directory: PathBuf,
    terraform: &'a Terraform,
    emulator: &'a Emulator,
    ran: BTreeSet<String>,
}

impl Reader<'_> {
    fn write(&self, path: &str, text: &str) {
        fs::write(self.directory.join(path), text).unwrap();
    }

    fn shell(&self, command: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_terrane")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.directory)
            .env("PATH", path)
            .env("TF_CLI_CONFIG_FILE", self.directory.join("terraformrc"))
            .env("AWS_ENDPOINT_URL", self.emulator.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .output()
            .unwrap()
    }

    /// Runs a command as it stands on a page, and returns what it printed.
    fn run(&mut self, command: &str) -> String {
        if command == "terraform init" {
            self.terraform.root(&self.directory).init().unwrap();
            self.ran.insert(command.to_owned());
            return String::new();
        }
        let start = std::time::Instant::now();
        let output = self.shell(command);
        eprintln!("{:>6.1} s  {command}", start.elapsed().as_secs_f64());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let problems = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{printed}\n{problems}");
        self.ran.insert(command.to_owned());
        printed
    }

    fn git(&self, arguments: &str) -> bool {
        let identity = "-c user.name=reader -c user.email=reader@example.com -c init.defaultBranch=main";
        self.shell(&format!("git {identity} {arguments}")).status.success()
    }
}

#[test]
fn every_command_in_the_pages_runs() {
    let cache = Workspace::find().unwrap().cache();
    let Some(terraform) = Terraform::find_or_skip(&cache).unwrap() else { return };
    let emulator = Emulators::install(&cache).unwrap().start(Kind::Moto).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut reader = Reader {
        directory: scratch.path().to_owned(),
        terraform: &terraform,
        emulator: &emulator,
        ran: BTreeSet::new(),
    };
    reader.write("terraformrc", &terraform.settings().unwrap());
    let pages = pages();
    let page = |name: &str| &pages.iter().find(|(path, _)| path == name).unwrap().1;

    // README: from a topology to a plan.
    let readme = page("README.md");
    let shop = blocks(readme, "toml")[0];
    let flow = "  { from = \"app\", to = \"internet\", ports = [443] },\n";
    assert!(shop.contains(flow), "{shop}");
    reader.write("shop.toml", shop);
    reader.write("old.toml", &shop.replace(flow, ""));
    let here = commands(readme);
    for command in here.iter().filter(|command| command.starts_with("terrane compile")) {
        reader.run(command);
    }
    let root = blocks(readme, "hcl").into_iter().find(|block| block.contains("./modules/shop")).unwrap();
    reader.write("main.tf", root);
    reader.run("terraform init");
    let plan = reader.run("terraform plan");
    assert!(plan.contains("0 to change, 0 to destroy"), "{plan}");

    // A state in S3, as the pages name it.
    emulator.create_bucket("acme-state").unwrap();
    reader.write("backend.tf", &emulator.s3_backend("acme-state", "network.tfstate"));
    let root = terraform.root(scratch.path());
    root.init().unwrap();
    reader.run("terraform apply -auto-approve -parallelism=30");
    fs::create_dir_all(scratch.path().join("src")).unwrap();
    fs::rename(scratch.path().join("modules/shop"), scratch.path().join("modules/network")).unwrap();
    for (name, text) in &pages {
        if name != "docs/merging.md" && name != "docs/publishing.md" {
            for command in commands(text) {
                if !is_elsewhere(&command) && !reader.ran.contains(&command) {
                    reader.run(&command);
                }
            }
        }
    }

    publish(&mut reader, page("docs/publishing.md"));
    merge(&mut reader, shop, page("docs/merging.md"));

    let all: BTreeSet<String> = pages.iter().flat_map(|(_, text)| commands(text)).collect();
    let left: Vec<&String> =
        all.iter().filter(|command| !reader.ran.contains(*command) && !is_elsewhere(command)).collect();
    assert!(left.is_empty(), "not run: {left:?}");
    for (start, reason) in ELSEWHERE {
        assert!(all.iter().any(|command| command.starts_with(start)), "{start} ({reason}) is in no page");
    }
    assert!(ELSEWHERE.len() <= 10);
}

/// A workspace of topologies, from the first command to a release, in one shell, as the page says.
fn publish(reader: &mut Reader<'_>, page: &str) {
    let commands: Vec<String> = commands(page).into_iter().filter(|command| !is_elsewhere(command)).collect();
    let identity: String = ["AUTHOR", "COMMITTER"]
        .iter()
        .map(|who| format!("export GIT_{who}_NAME=reader GIT_{who}_EMAIL=reader@example.com\n"))
        .collect();
    let output = reader.shell(&format!("set -e\n{identity}{}", commands.join("\n")));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("published acme-networks/network/aws 1.0.0"), "{printed}");
    let call = blocks(page, "hcl")[0];
    let readme = reader.directory.join("acme-networks/modules/network/README.md");
    let source = call.lines().find(|line| line.contains("source")).unwrap();
    assert!(fs::read_to_string(readme).unwrap().contains(source), "{source}");
    reader.ran.extend(commands);
}

/// Two branches add a tier each, and are merged as the page says.
fn merge(reader: &mut Reader<'_>, shop: &str, page: &str) {
    let compile = "terrane compile shop.toml -o modules/shop";
    let with = |tier: &str| {
        let row =
            format!("tiers = [\n  {{ name = \"{tier}\", access = \"isolated\", prefix_length = 24 }},\n");
        shop.replace("tiers = [\n", &row)
    };
    assert!(reader.git("init -q ."));
    fs::remove_dir_all(reader.directory.join("modules")).unwrap();
    for (branch, text) in [("main", shop.to_owned()), ("theirs", with("queue")), ("main", with("search"))] {
        assert!(
            reader.git(&format!("checkout -q {branch}")) || reader.git(&format!("checkout -q -b {branch}"))
        );
        reader.write("shop.toml", &text);
        reader.run(compile);
        assert!(reader.git("add shop.toml modules") && reader.git("commit -q -m topology"), "{branch}");
    }
    let ours = fs::read_to_string(reader.directory.join("modules/shop/ledger.toml")).unwrap();
    assert!(!reader.git("merge -q theirs"), "both branches changed one line");
    let queue = with("queue").lines().find(|line| line.contains("queue")).unwrap().to_owned();
    reader.write("shop.toml", &with("search").replace("tiers = [\n", &format!("tiers = [\n{queue}\n")));
    for command in commands(page) {
        reader.run(&command);
    }
    let merged = fs::read_to_string(reader.directory.join("modules/shop/ledger.toml")).unwrap();
    for line in ours.lines().filter(|line| line.starts_with("netnum")) {
        assert!(merged.contains(line), "{line} moved\n{merged}");
    }
    assert!(merged.contains("queue") && merged.contains("search"), "{merged}");
}

#[test]
fn comments_of_commands_are_no_commands() {
    assert_eq!(commands("```sh\n# first\na b    # c\n\nd '#e'\n```\n"), ["a b", "d '#e'"]);
}
