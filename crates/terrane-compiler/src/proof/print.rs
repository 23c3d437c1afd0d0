//! A proof as people read it: a table for terminals, a section for README and `PROOF.md`.

use std::fmt::{self, Write as _};

use crate::proof::{Finding, Proof, Status, Witness};

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| write!(f, "{finding}"))?;
        writeln!(f, "{}", summary(self))
    }
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
        Ok(())
    }
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" ({why})") }
}

fn print_witness(f: &mut fmt::Formatter<'_>, witness: &Witness) -> fmt::Result {
    writeln!(f, "  witness    {} ({})", witness.packet, witness.ends)?;
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

/// Returns the proof as a section of Markdown, without a heading.
pub fn markdown(proof: &Proof) -> String {
    let mut text = String::from("| claim | about | verdict | decided by |\n|---|---|---|---|\n");
    for finding in &proof.findings {
        let mut decided: Vec<String> =
            finding.decided_by.iter().take(4).map(|step| format!("{} {}", step.name, step.rule)).collect();
        if finding.decided_by.len() > 4 {
            decided.push(format!("{} more", finding.decided_by.len() - 4));
        }
        let _ = writeln!(
            text,
            "| {} {} | {} | **{}** {} | {} |",
            finding.property.code(),
            finding.property.title(),
            cell(&finding.subject),
            finding.status.to_string().to_lowercase(),
            cell(&finding.detail),
            cell(&decided.join("; "))
        );
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
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
