//! The pages for people: parsed as a browser does, and every link followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use scraper::{ElementRef, Html, Selector};
use terrane_registry::{
    DirectoryStore, Expect, MemoryStore, Package, Put, Registry, Store, Tokens, content_type, parse_version,
};

use crate::common::{name, network, package_of, publish, variant};
use crate::serve::Running;
use crate::statically::Host;

const README: &str = "# network <b>\n\n<!-- not\nshown -->\nText & <script>alert(1)</script> <!-- nor this --> more.\n\n\
<div onclick=\"x()\">\nraw\n</div>\n\n![map](map.svg) ![gone](gone.svg) [page](PROOF.md) [web](https://example.test/?a=1&b=2)\n\
[bad](javascript:alert(1)) [usage](#usage) [nowhere](#nowhere) <someone@example.test>\n\n## Usage\n\n```hcl\na = \"<x>\" # &\n```\n\n\
## Usage\n\n| a | b |\n|---|---|\n| `x` | ~~z~~ |\n| <a name=\"input_x\"></a> [x](#input\\_x) | <pre>[<br/>  1<br/>]</pre> <b>raw</b> |\n\n```mermaid\nflowchart LR\n  a{<x>}\n```\n";

fn module(extra: &str) -> Package {
    let main = format!(
        "variable \"size\" {{\n  type        = map(list(string))\n  description = \"A <size> & more\"\n  default     = {{}}\n}}\n\
         variable \"key\" {{\n  type      = string\n  sensitive = true\n}}\n\
         resource \"terraform_data\" \"a\" {{\n  for_each = var.size\n}}\n\
         output \"id\" {{\n  description = \"The \\\"id\\\"\"\n  value       = 1\n}}\n{extra}"
    );
    package_of(&[
        ("main.tf", &main),
        ("README.md", README),
        ("map.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
    ])
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(page: &Html, selector: &str) -> String {
    select(page, selector).into_iter().flat_map(|element| element.text()).collect()
}

/// Parses a page, which has to be without errors, scripts, and repeated ids.
fn parsed(path: &str, body: &str) -> Html {
    let page = Html::parse_document(body);
    assert!(page.errors.is_empty(), "{path}: {:?}", page.errors);
    assert!(select(&page, "script, iframe, object, form, base, [onclick], [onload]").is_empty(), "{path}");
    let mut ids = BTreeSet::new();
    for element in select(&page, "[id]") {
        assert!(ids.insert(element.attr("id").unwrap().to_owned()), "{path}: {:?} twice", element.attr("id"));
    }
    page
}

/// Follows every link from a page; returns the pages by path, and fails for a link that leads nowhere.
fn crawl(get: &dyn Fn(&str) -> (u16, String), start: &str) -> BTreeMap<String, Html> {
    let mut pages: BTreeMap<String, Html> = BTreeMap::new();
    let mut fragments = Vec::new();
    let mut open = vec![start.to_owned()];
    while let Some(path) = open.pop() {
        if pages.contains_key(&path) {
            continue;
        }
        let (status, body) = get(&path);
        assert_eq!(status, 200, "{path}");
        if !path.ends_with(".html") {
            continue;
        }
        let page = parsed(&path, &body);
        for element in select(&page, "[href], [src]") {
            let url = element.attr("href").or(element.attr("src")).unwrap();
            let foreign = ["https://", "http://", "mailto:", "data:image/"];
            if foreign.iter().any(|scheme| url.starts_with(scheme)) {
                continue;
            }
            let (file, fragment) = url.split_once('#').unwrap_or((url, ""));
            let target = resolved(&path, file);
            if !fragment.is_empty() {
                fragments.push((target.clone(), fragment.to_owned()));
            }
            open.push(target);
        }
        pages.insert(path, page);
    }
    for (path, fragment) in fragments {
        assert_eq!(select(&pages[&path], &format!("[id=\"{fragment}\"]")).len(), 1, "{path}#{fragment}");
    }
    pages
}

fn resolved(path: &str, file: &str) -> String {
    if file.is_empty() {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

const FRONT: &str = "/index.html";
const LIST: &str = "/v1/modules/acme/network/aws/index.html";

fn of_version(version: &str) -> String {
    LIST.replace("index.html", &format!("{version}/index.html"))
}

fn two_versions(store: &dyn Store) {
    publish(store, &network(), "1.0.0", &module("")).unwrap();
    publish(store, &network(), "1.1.0", &module("output \"more\" {\n  value = 2\n}\n")).unwrap();
}

#[test]
fn pages_show_the_readme_the_interface_and_what_changed() {
    let store = MemoryStore::default();
    two_versions(&store);
    let server = Running::start(Arc::new(store), |server| server);
    let pages = crawl(
        &|path| {
            let (status, _, body) = server.get(path, None);
            (status, body)
        },
        FRONT,
    );
    assert_eq!(pages.len(), 4, "{:?}", pages.keys());
    assert_eq!(text(&pages[FRONT], "li"), "acme/network/aws");
    let page = &pages[&of_version("1.1.0")];
    let inputs = text(page, "#inputs td");
    assert!(inputs.contains("sizeA <size> & moremap(list(string)){}"), "{inputs}");
    assert!(inputs.contains("key sensitivestringrequired"), "{inputs}");
    assert!(text(page, "#outputs td").contains("idThe \"id\""), "{}", text(page, "#outputs"));
    assert!(text(page, "#resources td").contains("terraform_data.afor each of var.size"));
    assert!(text(page, "#changes").contains("minorO02output.more"), "{}", text(page, "#changes"));
    assert!(text(&pages[&of_version("1.0.0")], "#changes").contains("The first release."));
    assert!(
        text(page, "#usage pre")
            .contains("source  = \"modules.example.test/acme/network/aws\"\n  version = \"~> 1.1\"")
    );
    let listed = text(&pages[LIST], "li");
    assert_eq!(listed, "1.1.01.0.0");
}

#[test]
fn readme_shows_raw_html_as_text_and_only_links_that_lead_somewhere() {
    let store = MemoryStore::default();
    two_versions(&store);
    let server = Running::start(Arc::new(store), |server| server);
    let page = parsed("1.0.0", &server.get(&of_version("1.0.0"), None).2);
    let readme = text(&page, "#readme");
    for shown in [
        "<script>alert(1)</script>",
        "<div onclick=\"x()\">",
        "network <b>",
        "bad",
        "page",
        "gone",
        "a = \"<x>\" # &",
    ] {
        assert!(readme.contains(shown), "{shown} in {readme}");
    }
    assert!(!readme.contains("shown") && !readme.contains("nor this"), "{readme}");
    let links: Vec<_> =
        select(&page, "#readme a").iter().map(|link| link.attr("href").unwrap().to_owned()).collect();
    assert_eq!(links, ["https://example.test/?a=1&b=2", "#readme-usage", "mailto:someone@example.test"]);
    let pictures: Vec<_> =
        select(&page, "#readme img").iter().map(|link| link.attr("src").unwrap().to_owned()).collect();
    assert!(pictures.len() == 1 && pictures[0].starts_with("data:image/svg+xml;base64,"), "{pictures:?}");
    assert_eq!(select(&page, "#readme table del").len(), 1);
    // What terraform-docs writes into cells is shown as it means it; other tags are text there, too.
    assert_eq!(select(&page, "#readme td br").len(), 2);
    let cells = text(&page, "#readme td");
    assert!(cells.contains(" x[") && cells.contains("<b>raw</b>") && !cells.contains("a>"), "{cells}");
    assert!(select(&page, "#readme svg").is_empty(), "a chart that is not understood stays text");
    assert!(text(&page, "#readme pre").contains("flowchart LR\n  a{<x>}"));
}

/// The pages of a compiled module, from files that any web server serves.
#[test]
fn pages_of_a_compiled_module_are_whole_on_a_static_host() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../modules/kubernetes-network");
    let package = Package::from_directory(&modules).unwrap();
    let root = tempfile::tempdir().unwrap();
    let store = DirectoryStore::new(root.path());
    let module = name("acme/kubernetes-network/aws");
    publish(&store, &module, "1.0.0", &package).unwrap();
    // A page that was lost is written again by the same publication.
    store.delete(&format!("v1/modules/{module}/1.0.0/index.html")).unwrap();
    assert_eq!(Registry::open(&store).unwrap().fsck().unwrap().len(), 1);
    publish(&store, &module, "1.0.0", &package).unwrap();
    assert_eq!(Registry::open(&store).unwrap().fsck().unwrap(), []);
    let host = Host::new(root.path()).start();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let get = |path: &str| {
        let mut response = agent.get(format!("http://127.0.0.1:{host}{path}")).call().unwrap();
        assert_eq!(response.headers()["Content-Type"].to_str().unwrap(), content_type(path));
        let body = response.body_mut().read_to_vec().unwrap();
        (response.status().as_u16(), String::from_utf8_lossy(&body).into_owned())
    };
    let list = format!("/v1/modules/{module}/index.html");
    let pages = crawl(&get, FRONT);
    let page = &pages[&list.replace("index.html", "1.0.0/index.html")];
    let contract = package.contract("kubernetes-network").unwrap();
    // The diagram: every subnet, gateway, and route of the chart in the README.
    let readme = String::from_utf8(package.files()["README.md"].clone()).unwrap();
    let chart = readme.split("```mermaid\n").nth(1).unwrap().split("```").next().unwrap();
    let drawn = text(page, "#readme svg text");
    for label in
        ["internet", "VPC 10.0.0.0/16", "zone b", "pub-a10.0.0.0/24", "db-c10.0.6.0/24", "NAT gateway"]
    {
        assert!(drawn.contains(label), "{label} in {drawn}");
    }
    let arrows = select(page, "#readme svg path[marker-end]").len();
    assert_eq!(arrows, chart.matches("->").count());
    assert!(!text(page, "#readme pre").contains("flowchart"));
    for (section, names) in [
        ("inputs", contract.variables.keys().collect::<Vec<_>>()),
        ("outputs", contract.outputs.keys().collect()),
        ("resources", contract.resources.keys().collect()),
    ] {
        let shown: Vec<String> = select(page, &format!("#{section} td:first-child"))
            .iter()
            .map(|cell| cell.text().collect())
            .collect();
        assert_eq!(shown.iter().collect::<Vec<_>>(), names, "{section}");
    }
}

#[test]
fn list_of_versions_follows_yanks_and_concurrent_publishers() {
    let store = MemoryStore::default();
    let versions: Vec<String> = (0..8).map(|n| format!("1.{n}.0")).collect();
    publish(&store, &network(), "0.9.0", &variant(99)).unwrap();
    std::thread::scope(|scope| {
        for (n, version) in versions.iter().enumerate() {
            let store = &store;
            scope.spawn(move || {
                publish(store, &network(), &format!("1.0.{n}-rc.1"), &variant(n))
                    .map(drop)
                    .unwrap_or_else(|error| panic!("{version}: {error}"))
            });
        }
    });
    let registry = Registry::open(&store).unwrap();
    assert_eq!(registry.fsck().unwrap(), []);
    let yanked = parse_version("1.0.3-rc.1").unwrap();
    let page = || {
        let object = store.get(LIST.trim_start_matches('/')).unwrap().unwrap();
        text(&parsed(LIST, &String::from_utf8(object.bytes).unwrap()), "li")
    };
    assert_eq!(page().matches("-rc.1").count(), 8);
    registry.yank(&network(), &yanked).unwrap();
    assert!(page().ends_with("1.0.3-rc.1 (yanked)"), "{}", page());
    registry.unyank(&network(), &yanked).unwrap();
    assert!(!page().contains("yanked"));
}

#[test]
fn pages_of_a_private_registry_need_its_token() {
    let store = MemoryStore::default();
    two_versions(&store);
    let tokens = Tokens::parse("acme a-long-enough-token\n").unwrap();
    let server = Running::start(Arc::new(store), |server| server.with_tokens(tokens));
    for path in [
        FRONT.to_owned(),
        "/".to_owned(),
        LIST.to_owned(),
        of_version("1.0.0"),
        of_version("1.0.0").replace("index.html", "manifest.json"),
    ] {
        assert_eq!(server.get(&path, None).0, 401, "{path}");
        assert_eq!(server.get(&path, Some("a-long-enough-token")).0, 200, "{path}");
    }
}

#[test]
fn list_of_modules_follows_concurrent_publishers_and_is_mended_when_lost() {
    let store = MemoryStore::default();
    assert_eq!(Running::start(Arc::new(MemoryStore::default()), |server| server).get(FRONT, None).0, 404);
    let modules: Vec<_> = (0..8).map(|n| name(&format!("acme/network-{n}/aws"))).collect();
    std::thread::scope(|scope| {
        for module in &modules {
            let store = &store;
            scope.spawn(move || publish(store, module, "1.0.0", &variant(0)).map(drop).unwrap());
        }
    });
    let key = FRONT.trim_start_matches('/');
    let page = || store.get(key).unwrap().unwrap();
    let shown = |bytes: Vec<u8>| {
        let html = parsed(FRONT, &String::from_utf8(bytes).unwrap());
        select(&html, "li a").iter().map(|link| link.text().collect()).collect::<Vec<String>>()
    };
    let all: Vec<String> = modules.iter().map(ToString::to_string).collect();
    assert_eq!(shown(page().bytes), all);
    let whole = page().bytes;

    // One that is cut off, that lost a row, or that is gone is found, and is whole again after the next publication.
    let registry = Registry::open(&store).unwrap();
    let row = whole.windows(4).position(|text| text == b"<li>").unwrap();
    for damaged in [Some(whole[..whole.len() / 2].to_vec()), Some(whole[..row].to_vec()), None] {
        match damaged {
            Some(bytes) => {
                let tag = page().tag;
                assert_eq!(store.put(key, &bytes, Expect::Unchanged(&tag)).unwrap(), Put::Written);
            }
            None => store.delete(key).unwrap(),
        }
        let faults = registry.fsck().unwrap();
        assert!(faults.len() == 1 && faults[0].key == key, "{faults:?}");
        publish(&store, &modules[0], "1.0.0", &variant(0)).unwrap();
        assert_eq!(page().bytes, whole);
    }
    assert_eq!(registry.fsck().unwrap(), []);
}
