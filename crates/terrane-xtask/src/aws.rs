//! Asks an emulator what exists, through the AWS APIs that the tests need: EC2, RDS, ElastiCache, Redshift and MemoryDB.
//!
//! Only the emulator's word counts in end-to-end tests, never Terraform's state or our own output.
//! Requests are not signed: the emulators read the service from the header and check no signature.

mod ec2;
mod subnet_groups;

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use crate::error::{Error, ErrorKind, Result};

pub use ec2::{
    AclEntry, Address, FlowLog, InternetGateway, NatGateway, NetworkAcl, Route, RouteTable, SecurityGroup,
    SecurityGroupRule, Subnet, Vpc, VpcEndpoint,
};
pub use subnet_groups::{SubnetGroup, SubnetGroupKind};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// A client of one emulator in one region.
#[derive(Clone, Debug)]
pub struct Aws {
    endpoint: String,
    region: String,
}

impl Aws {
    /// Returns a client for the emulator at `endpoint`, such as `http://127.0.0.1:5000`.
    pub fn new(endpoint: &str, region: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), region: region.to_owned() }
    }

    /// Calls an action of the query protocol and hands each page of the answer to `read`.
    fn query<T>(
        &self,
        api: Api,
        action: &str,
        parameters: &[(&str, &str)],
        mut read: impl FnMut(Node<'_, '_>) -> Vec<T>,
    ) -> Result<Vec<T>> {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut form = vec![("Action", action), ("Version", api.version)];
            form.extend_from_slice(parameters);
            if let Some(token) = &token {
                form.push((api.page_parameter, token));
            }
            let text = self.post(api, action, &form)?;
            let document =
                Document::parse(&text).map_err(|source| bad_answer(action, &text).because(source))?;
            let root = document.root_element();
            all.extend(read(root));
            token = root
                .descendants()
                .find(|node| node.has_tag_name(api.page_tag))
                .and_then(|node| node.text())
                .map(str::to_owned);
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    fn post(&self, api: Api, action: &str, form: &[(&str, &str)]) -> Result<String> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let sent = agent
            .post(&self.endpoint)
            .header("authorization", &authorization(&self.region, api.service))
            .send_form(form.iter().copied());
        let mut answer = sent.map_err(|source| {
            Error::new(ErrorKind::Service, format!("no answer to {action}")).because(source)
        })?;
        let text = answer.body_mut().read_to_string().map_err(|source| {
            Error::new(ErrorKind::Service, format!("broken answer to {action}")).because(source)
        })?;
        if answer.status().is_success() { Ok(text) } else { Err(bad_answer(action, &text)) }
    }

    /// Calls an action of the JSON protocol.
    fn json(&self, service: &str, target: &str) -> Result<serde_json::Value> {
        let sent = ureq::post(&self.endpoint)
            .header("authorization", &authorization(&self.region, service))
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .send("{}");
        let mut answer = sent.map_err(|source| {
            Error::new(ErrorKind::Service, format!("no answer to {target}")).because(source)
        })?;
        let text = answer.body_mut().read_to_string().map_err(|source| {
            Error::new(ErrorKind::Service, format!("broken answer to {target}")).because(source)
        })?;
        serde_json::from_str(&text).map_err(|source| bad_answer(target, &text).because(source))
    }
}

/// One AWS API of the query protocol.
#[derive(Clone, Copy, Debug)]
struct Api {
    service: &'static str,
    version: &'static str,
    page_parameter: &'static str,
    page_tag: &'static str,
}

/// Returns the header by which an emulator tells services apart; it carries no secret and no valid signature.
pub(crate) fn authorization(region: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20240101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn bad_answer(action: &str, text: &str) -> Error {
    let start: String = text.chars().take(600).collect();
    Error::new(ErrorKind::Service, format!("{action} was answered with\n{start}"))
}

/// Returns the child element with this name.
fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|node| node.has_tag_name(name) || node.tag_name().name() == name)
}

/// Returns the text of a child element; empty if there is none.
fn text(node: Node<'_, '_>, name: &str) -> String {
    optional(node, name).unwrap_or_default()
}

/// Returns the text of a child element, unless it is absent or empty.
fn optional(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)?.text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Returns whether a child element says `true`.
fn flag(node: Node<'_, '_>, name: &str) -> bool {
    text(node, name) == "true"
}

/// Returns the elements of a child list.
fn items<'a, 'input>(node: Node<'a, 'input>, list: &str) -> Vec<Node<'a, 'input>> {
    child(node, list).into_iter().flat_map(|list| list.children().filter(Node::is_element)).collect()
}

/// Returns one text of each element of a child list.
fn texts(node: Node<'_, '_>, list: &str, name: &str) -> Vec<String> {
    items(node, list).into_iter().filter_map(|item| optional(item, name)).collect()
}

fn tags(node: Node<'_, '_>) -> Tags {
    items(node, "tagSet").into_iter().map(|tag| (text(tag, "key"), text(tag, "value"))).collect()
}
