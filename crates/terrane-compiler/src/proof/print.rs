//! A proof as people read it: a table for terminals, a section for README and `PROOF.md`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::proof::{Finding, Proof, Property, Status, Witness};

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| write!(f, "{finding}"))?;
        writeln!(f, "{}{}", measures(self), summary(self))
    }
}

/// Returns what is counted and not claimed, a line each: room for addresses, quotas, and what the loss of a zone stops.
pub fn measures(proof: &Proof) -> String {
    let mut text = String::new();
    for row in &proof.headroom {
        let need = match (row.needed, row.full_at_percent) {
            (Some(needed), Some(percent)) => format!("{needed} needed, full at {percent} % of the need"),
            _ => "no need is declared".to_owned(),
        };
        let _ = writeln!(
            text,
            "headroom  {}: /{}, {} addresses a zone, {need}",
            row.tier, row.prefix_length, row.usable
        );
    }
    for usage in proof.quotas.iter().filter(|usage| usage.used * 2 > usage.limit) {
        let _ =
            writeln!(text, "quota     {} of {} {} ({})", usage.used, usage.limit, usage.about, usage.source);
    }
    for loss in &proof.zone_loss {
        let _ = writeln!(text, "zone loss {}: stops {}", loss.zone, loss.stops.join(", "));
        let cut_off = loss.cut_off.iter().map(|line| format!("cut off    {line}"));
        for line in cut_off.chain(loss.short.iter().map(|line| format!("short      {line}"))) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<3} {}", self.status, self.property.code(), self.subject)?;
        writeln!(f, ": {}", self.detail)?;
        if !self.held_by.is_empty() {
            writeln!(f, "  holds at   {}, each alone", self.held_by.join("; "))?;
        }
        for residual in &self.residuals {
            writeln!(f, "  residual   {residual}")?;
        }
        match &self.witness {
            Some(witness) => print_witness(f, witness)?,
            None => {
                for step in &self.decided_by {
                    writeln!(f, "  decided by {step}{}", because(&step.why))?;
                }
            }
        }
        if !self.fix.is_empty() {
            writeln!(f, "  fix        {}", self.fix)?;
        }
        if self.status > Status::Proved && !self.origin.is_unknown() {
            writeln!(f, "  declared   {}", self.origin)?;
        }
        Ok(())
    }
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" ({why})") }
}

fn print_witness(f: &mut fmt::Formatter<'_>, witness: &Witness) -> fmt::Result {
    let family = witness.family.map(|family| format!("{family} ")).unwrap_or_default();
    writeln!(f, "  witness    {family}{} ({})", witness.packet, witness.ends)?;
    for (name, steps) in [("forward", &witness.forward), ("reply", &witness.reply)] {
        for (idx, step) in steps.iter().enumerate() {
            let name = if idx == 0 { name } else { "" };
            writeln!(f, "  {name:<10} {step}{}", because(&step.why))?;
        }
    }
    Ok(())
}

/// Returns how many claims have which status, in one line.
pub fn summary(proof: &Proof) -> String {
    let mut text = String::new();
    for status in [Status::Proved, Status::Residual, Status::Unknown, Status::Refuted] {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(
            text,
            "{separator}{} {}",
            proof.with_status(status).count(),
            status.to_string().to_lowercase()
        );
    }
    text
}

/// Returns what a reader asks first, as a section of Markdown, without a heading: what is kept apart, and by what.
pub fn overview(proof: &Proof) -> String {
    let mut text = String::new();
    let isolation = || proof.findings.iter().filter(|finding| finding.property == Property::P1);
    if isolation().next().is_some() {
        text.push_str("| kept apart | verdict | held by, each alone |\n|---|---|---|\n");
    }
    for finding in isolation() {
        let held_by = if finding.held_by.is_empty() {
            "routes and network ACLs together".to_owned()
        } else {
            finding.held_by.join(", ")
        };
        let status = finding.status.to_string().to_lowercase();
        let _ = writeln!(text, "| {} | {status} | {held_by} |", cell(&finding.subject));
    }
    text.push_str("\n| claim | proved | residual | unknown | refuted |\n|---|--:|--:|--:|--:|\n");
    let mut properties: Vec<Property> = proof.findings.iter().map(|finding| finding.property).collect();
    properties.dedup();
    for property in properties {
        let count = |status| proof.with_status(status).filter(|finding| finding.property == property).count();
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} | {} |",
            property.code(),
            property.title(),
            count(Status::Proved),
            count(Status::Residual),
            count(Status::Unknown),
            count(Status::Refuted)
        );
    }
    text.push_str(
        "\nA residual is what one layer alone cannot express; PROOF.md names the layer that closes it.\n",
    );
    text
}

/// Returns the proof as a section of Markdown, without a heading.
pub fn markdown(proof: &Proof) -> String {
    let mut text = String::from("| claim | about | verdict | decided by |\n|---|---|---|---|\n");
    for finding in &proof.findings {
        let _ = write!(
            text,
            "| {} {} | {} | **{}** {} | ",
            finding.property.code(),
            finding.property.title(),
            cell(&finding.subject),
            finding.status.to_string().to_lowercase(),
            cell(&finding.detail)
        );
        for (idx, step) in finding.decided_by.iter().take(4).enumerate() {
            let separator = if idx == 0 { "" } else { "; " };
            let _ = write!(text, "{separator}{} {}", cell(&step.name), cell(&step.rule));
        }
        if finding.decided_by.len() > 4 {
            let _ = write!(text, "; {} more", finding.decided_by.len() - 4);
        }
        text.push_str(" |\n");
    }
    let residuals: Vec<&Finding> =
        proof.findings.iter().filter(|finding| !finding.residuals.is_empty()).collect();
    if !residuals.is_empty() {
        text.push_str("\nWhat one layer cannot express, and the layer that closes it:\n\n");
        for finding in residuals {
            for residual in &finding.residuals {
                let _ = writeln!(text, "- {}: {residual}", finding.subject);
            }
        }
    }
    let _ = writeln!(
        text,
        "\nEach verdict holds wherever `cidr_block` may lie; examined with the VPC at {}.",
        proof.placements.join("; ")
    );
    tables(proof, &mut text);
    text
}

/// Adds the tables of headroom, quotas, and the loss of zones.
fn tables(proof: &Proof, text: &mut String) {
    if !proof.headroom.is_empty() {
        text.push_str("\n## Headroom\n\nAddresses of each subnet with the VPC at its default. The need is what is declared, at full growth, after the loss of a zone and during an upgrade.\n\n| tier | subnet | addresses | needed | full at | why |\n|---|---|---|---|---|---|\n");
    }
    for row in &proof.headroom {
        let needed = row.needed.map_or("not declared".to_owned(), |needed| needed.to_string());
        let full = row.full_at_percent.map_or(String::new(), |percent| format!("{percent} % of the need"));
        let _ = writeln!(
            text,
            "| {} | /{} | {} | {needed} | {full} | {} |",
            row.tier, row.prefix_length, row.usable, row.reason
        );
    }
    if !proof.quotas.is_empty() {
        text.push_str("\n## Quotas\n\n| AWS allows | by default | at most | this network | code and date |\n|---|---|---|---|---|\n");
    }
    for usage in &proof.quotas {
        let most = usage.most.map_or(String::new(), |most| most.to_string());
        let _ = writeln!(
            text,
            "| {} | {} | {most} | {} | {} |",
            usage.about, usage.limit, usage.used, usage.source
        );
    }
    if !proof.zone_loss.is_empty() {
        text.push_str("\n## If a zone is lost\n\n| zone | stops | cut off in other zones | too few zones left |\n|---|---|---|---|\n");
    }
    for loss in &proof.zone_loss {
        let list = |items: &[String]| {
            if items.is_empty() { "nothing".to_owned() } else { cell(&items.join("; ")).into_owned() }
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            loss.zone,
            list(&loss.stops),
            list(&loss.cut_off),
            list(&loss.short)
        );
    }
}

fn cell(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte == b'|' || byte == b'\n') {
        text.replace('|', "\\|").replace('\n', " ").into()
    } else {
        text.into()
    }
}
